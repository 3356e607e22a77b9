/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/name.h"

#include <string.h>

/* ASCII only, and in no locale: what a name equals must not depend on the environment. */
static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool
same_name(const char *a, const char *b)
{
	while (*a && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

/* FNV-1a.  Names come from the configuration, so nobody can choose colliding ones. */
static uint64_t
hash_of(const char *name)
{
	uint64_t h = 14695981039346656037u;

	for (; *name; name++)
		h = (h ^ fold(*name)) * 1099511628211u;
	return h ^ h >> 32;
}

const char *
user_name_without_domain(const char *name)
{
	const char *backslash = strchr(name, '\\');

	return backslash ? backslash + 1 : name;
}

bool
user_name_same(const char *a, const char *b)
{
	return same_name(user_name_without_domain(a), user_name_without_domain(b));
}

uint64_t
user_name_hash(const char *name)
{
	return hash_of(user_name_without_domain(name));
}
