/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/conf_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INCLUDE_DEPTH 10 /* libconfig's own limit */
#define TEXT_MAX      (256u << 20)

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
conf_nearest(const char *word, const char *const *words)
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

struct scan {
	const char *at, *file;
	unsigned int line, depth;
	void (*each)(void *user, const char *file, unsigned int line, const char *number);
	void *user;
};

static void scan_file(struct scan *outer, const char *file);

/* One step; at the end it stays where it is. */
static void
step(struct scan *s)
{
	if (*s->at == '\n')
		s->line++;
	if (*s->at != '\0')
		s->at++;
}

static void
skip_string(struct scan *s)
{
	for (step(s); *s->at != '\0' && *s->at != '"'; step(s))
		if (*s->at == '\\')
			step(s);
	step(s);
}

static void
skip_comment(struct scan *s)
{
	if (s->at[0] == '/' && s->at[1] == '*') {
		while (*s->at != '\0' && strncmp(s->at, "*/", 2) != 0)
			step(s);
		step(s);
		step(s);
	} else {
		s->at += strcspn(s->at, "\n");
	}
}

static void
take_number(struct scan *s)
{
	char number[64];
	size_t n = strspn(s->at, "0123456789abcdefABCDEFxX");
	const char *behind = s->at + n;
	bool hex = s->at[0] == '0' && (s->at[1] == 'x' || s->at[1] == 'X');
	bool real = *behind == '.' || (!hex && memchr(s->at, 'e', n)) ||
		    (!hex && memchr(s->at, 'E', n));
	if (!real && *behind != 'L') {
		snprintf(number, sizeof(number), "%.*s", (int)n, s->at);
		errno = 0;
		unsigned long long v = strtoull(number, NULL, hex ? 16 : 10);
		if (n >= sizeof(number) || errno == ERANGE || v > INT_MAX)
			s->each(s->user, s->file, s->line, number);
	}
	s->at = behind + strspn(behind, "0123456789.eELl");
}

static void
take_include(struct scan *s)
{
	char file[PATH_MAX];
	const char *from = s->at + strlen("@include");
	from += strspn(from, " \t");
	size_t n = *from == '"' ? strcspn(from + 1, "\"\n") : 0;
	if (n != 0 && n < sizeof(file) && s->depth < INCLUDE_DEPTH) {
		snprintf(file, sizeof(file), "%.*s", (int)n, from + 1);
		scan_file(s, file);
	}
	s->at += strcspn(s->at, "\n");
}

static void
scan_text(struct scan *s)
{
	while (*s->at != '\0') {
		if (*s->at == '"')
			skip_string(s);
		else if (*s->at == '#' || (*s->at == '/' && (s->at[1] == '/' || s->at[1] == '*')))
			skip_comment(s);
		else if (isalpha((unsigned char)*s->at) || *s->at == '_')
			s->at += strspn(s->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
					       "Z0123456789_*-");
		else if (isdigit((unsigned char)*s->at))
			take_number(s);
		else if (strncmp(s->at, "@include", strlen("@include")) == 0)
			take_include(s);
		else
			step(s);
	}
}

static char *
read_text(const char *file)
{
	FILE *f = fopen(file, "re");
	size_t size = 65536, n = 0, got;
	char *text = f ? malloc(size) : NULL;

	while (text && (got = fread(text + n, 1, size - n - 1, f)) > 0) {
		n += got;
		if (n + 1 < size)
			continue;
		char *bigger = size < TEXT_MAX ? malloc(size * 2) : NULL;
		if (bigger)
			memcpy(bigger, text, n);
		explicit_bzero(text, n); /* passwords may stand there */
		free(text);
		text = bigger;
		size *= 2;
	}
	if (text)
		text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static void
scan_file(struct scan *outer, const char *file)
{
	struct scan s = *outer;
	char *text = read_text(file);
	if (!text)
		return;
	s.at = text;
	s.file = file;
	s.line = 1;
	s.depth++;
	scan_text(&s);
	explicit_bzero(text, strlen(text));
	free(text);
}

void
conf_cut_numbers(const char *file,
	void (*each)(void *user, const char *file, unsigned int line, const char *number),
	void *user)
{
	struct scan s = {.each = each, .user = user};
	scan_file(&s, file);
}

void
conf_cut_numbers_in(const char *text, const char *file,
	void (*each)(void *user, const char *file, unsigned int line, const char *number),
	void *user)
{
	struct scan s = {
		.at = text, .file = file, .line = 1, .depth = 1, .each = each, .user = user};
	scan_text(&s);
}
