/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong usage: the message, and the word that was probably meant. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/cli/commands.h"

enum exit_code
usage_error(const char *format, ...)
{
	va_list ap;

	fputs("aditctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* Levenshtein's distance of two short words. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[65], n = (unsigned int)strnlen(b, 64);

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; *a != '\0'; i++, a++) {
		unsigned int diagonal = row[0];
		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			unsigned int best = diagonal + (*a != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *
nearest(const char *word, const char *const *words)
{
	unsigned int best = 4; /* farther is no typing error */
	const char *found = NULL;

	for (; *words != NULL; words++) {
		unsigned int d = distance(word, *words);
		if (d < best && d < strlen(word)) {
			best = d;
			found = *words;
		} else if (found == NULL && strlen(word) >= 3 &&
			   strncmp(word, *words, strlen(word)) == 0) {
			found = *words;
		}
	}
	return found;
}
