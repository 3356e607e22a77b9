/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/table.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/text.h"

struct table {
	unsigned int n_columns, n_rows, room;
	bool right[TABLE_COLUMNS];
	int width[TABLE_COLUMNS];
	char *(*rows)[TABLE_COLUMNS]; /* the first is the titles */
};

static void *
need(void *p)
{
	if (p == NULL) {
		fputs("aditctl: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

char *
clean_text(const char *text)
{
	size_t len = strlen(text), size = 4 * len + 1;
	char *copy = need(malloc(size));

	/* What an 8-bit terminal takes for a control character may be part of UTF-8. */
	text_printable(copy, size, text, len, strcmp(nl_langinfo(CODESET), "UTF-8") != 0);
	return copy;
}

static void
set_cell(struct table *t, unsigned int row, unsigned int column, const char *text)
{
	char *cell = clean_text(text);
	int n = (int)text_width(cell);

	t->rows[row][column] = cell;
	if (n > t->width[column])
		t->width[column] = n;
}

static unsigned int
new_row(struct table *t)
{
	if (t->n_rows == t->room) {
		t->room = t->room != 0 ? t->room * 2 : 16;
		t->rows = need(realloc(t->rows, t->room * sizeof(*t->rows)));
	}
	memset(t->rows[t->n_rows], 0, sizeof(*t->rows));
	return t->n_rows++;
}

struct table *
table_new(const char *titles)
{
	struct table *t = need(calloc(1, sizeof(*t)));
	unsigned int row = new_row(t);
	char *copy = need(strdup(titles)), *rest = copy, *title;

	while ((title = strsep(&rest, "|")) != NULL && t->n_columns < TABLE_COLUMNS) {
		t->right[t->n_columns] = title[0] == '>';
		set_cell(t, row, t->n_columns, title + t->right[t->n_columns]);
		t->n_columns++;
	}
	free(copy);
	return t;
}

void
table_row(struct table *t, ...)
{
	unsigned int row = new_row(t);
	va_list ap;

	va_start(ap, t);
	for (unsigned int i = 0; i < t->n_columns; i++)
		set_cell(t, row, i, va_arg(ap, const char *));
	va_end(ap);
}

static void
print_row(const struct table *t, char *const cells[TABLE_COLUMNS])
{
	int pending = 0; /* spaces that are due only if something follows */

	for (unsigned int i = 0; i < t->n_columns; i++) {
		int pad = t->width[i] - (int)text_width(cells[i]);
		if (t->right[i])
			pending += pad;
		if (cells[i][0] != '\0') {
			printf("%*s%s", pending, "", cells[i]);
			pending = 0;
		}
		pending += (t->right[i] ? 0 : pad) + 2;
	}
	putchar('\n');
}

void
table_print(struct table *t)
{
	bool titled = false;

	for (unsigned int i = 0; i < t->n_columns; i++)
		titled |= t->rows[0][i][0] != '\0';
	for (unsigned int r = 0; r < t->n_rows; r++) {
		if (r > 0 || titled)
			print_row(t, t->rows[r]);
		for (unsigned int i = 0; i < t->n_columns; i++)
			free(t->rows[r][i]);
	}
	free(t->rows);
	free(t);
}

const char *
show_format(const char *format, ...)
{
	static char buffers[TABLE_COLUMNS][160];
	static unsigned int next;
	char *buf = buffers[next++ % TABLE_COLUMNS];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(buffers[0]), format, ap);
	va_end(ap);
	return buf;
}

const char *
show_count(int64_t n)
{
	return show_format("%" PRId64, n);
}

const char *
show_real(double v)
{
	return show_format("%.1f", v);
}

const char *
show_bytes(int64_t n)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)n;
	unsigned int u = 0;

	if (n < 1024)
		return show_format("%" PRId64 " B", n);
	while (v >= 1024 && u < 6) {
		v /= 1024;
		u++;
	}
	return show_format("%.1f %s", v, units[u]);
}

const char *
show_duration(int64_t ms)
{
	int64_t s = ms / 1000;

	if (s < 60)
		return show_format("%" PRId64 "s", s);
	if (s < 3600)
		return show_format("%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	if (s < 86400)
		return show_format("%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
	return show_format("%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
}
