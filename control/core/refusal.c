/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/refusal.h"

static const struct {
	const char *name, *text, *remedy;
} refusals[REFUSAL_COUNT] = {
#define X(e, code, what, remedy) [REFUSAL_##e] = {code, what, remedy},
	REFUSAL_TABLE(X)
#undef X
};

const char *
refusal_name(enum refusal_code code)
{
	return (unsigned int)code < REFUSAL_COUNT ? refusals[code].name : "unknown";
}

const char *
refusal_text(enum refusal_code code)
{
	return (unsigned int)code < REFUSAL_COUNT ? refusals[code].text : "unknown";
}

const char *
refusal_remedy(enum refusal_code code)
{
	return (unsigned int)code < REFUSAL_COUNT ? refusals[code].remedy : "unknown";
}
