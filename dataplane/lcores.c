/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/lcores.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define SET_MAX 1024 /* numbers of a range */

/* "3", "3-5" or, with more of them in parentheses, a list of both, at *s, which is moved behind it.
 * How many; 0: none of these. */
static unsigned int
read_set(const char **s, void (*cpu)(void *user, unsigned long number), void *user)
{
	bool open = **s == '(';
	unsigned int n = 0;
	*s += open;
	do {
		char *end;
		if (!isdigit((unsigned char)**s))
			return 0;
		unsigned long first = strtoul(*s, &end, 10), last = first;
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return 0;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last - first >= SET_MAX)
			return 0;
		for (unsigned long i = first; i <= last; i++, n++)
			if (cpu != NULL)
				cpu(user, i);
		*s = end;
	} while (open && **s == ',' && (*s)++);
	if (open && *(*s)++ != ')')
		return 0;
	return n;
}

unsigned int
lcores_read(const char *text, void (*cpu)(void *user, unsigned long number), void *user)
{
	unsigned int n = 0, k;
	for (const char *s = text;; s++) {
		const char *set = s;
		if ((k = read_set(&s, NULL, NULL)) == 0)
			return 0;
		n += k;
		if (*s == '@')
			set = ++s;
		s = set;
		if (read_set(&s, cpu, user) == 0)
			return 0;
		if (*s != ',')
			return *s == '\0' ? n : 0;
	}
}
