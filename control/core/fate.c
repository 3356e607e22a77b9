/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/fate.h"

#include <string.h>

static const char *const names[] = {"keep", "rekey", "drop"};

const char *
fate_name(enum fate fate)
{
	return names[fate];
}

bool
fate_parse(const char *word, enum fate *out)
{
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*out = (enum fate)i;
		return true;
	}
	return false;
}
