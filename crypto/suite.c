/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/suite.h"

#include <string.h>

static const struct suite suites[] = {
	{"mppe-128", SUITE_MPPE, SUITE_LEGACY, 128, 16},
	{"mppe-56", SUITE_MPPE, SUITE_WEAK, 56, 8},
	{"mppe-40", SUITE_MPPE, SUITE_WEAK, 40, 8},
};

#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

const struct suite *
suite_at(size_t i)
{
	return i < N_SUITES ? &suites[i] : NULL;
}

const struct suite *
suite_by_name(const char *name)
{
	for (size_t i = 0; i < N_SUITES; i++) {
		if (strcmp(suites[i].name, name) == 0)
			return &suites[i];
	}
	return NULL;
}

const struct suite *
suite_by_bits(enum suite_kind kind, unsigned int key_bits)
{
	for (size_t i = 0; i < N_SUITES; i++) {
		if (suites[i].kind == kind && suites[i].key_bits == key_bits)
			return &suites[i];
	}
	return NULL;
}

const char *
suite_class_name(enum suite_class strength)
{
	static const char *const names[] = {
		[SUITE_WEAK] = "weak",
		[SUITE_LEGACY] = "legacy",
		[SUITE_STRONG] = "strong",
	};

	return (size_t)strength < sizeof(names) / sizeof(names[0]) ? names[strength] : "unknown";
}
