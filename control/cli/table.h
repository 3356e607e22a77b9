/* SPDX-License-Identifier: BSD-3-Clause */
/* Aligned tables and figures for people. */
#ifndef ADIT_CONTROL_CLI_TABLE_H
#define ADIT_CONTROL_CLI_TABLE_H

#include <stdint.h>

#define TABLE_COLUMNS 12

struct table;

/* Column titles, separated by "|"; a title that begins with ">" is of a right-aligned column; no
 * titles are printed when all are empty.  Ends the program when out of memory. */
struct table *table_new(const char *titles);
/* One row: as many strings as there are columns; copied, as clean_text() has them. */
void table_row(struct table *t, ...);
/* Prints to standard output and frees. */
void table_print(struct table *t);

/* The functions below return one of a few static buffers, good for one table_row(). */
const char *show_count(int64_t n);
const char *show_bytes(int64_t n);     /* "512 B", "1.5 MiB" */
const char *show_duration(int64_t ms); /* "42s", "5m12s", "3h05m", "2d03h" */
const char *show_real(double v);       /* one decimal place */
const char *show_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A copy that does nothing to a terminal (T22): what is not printable, or beyond ASCII where the
 * locale is not UTF-8, is \xHH.  Ends the program when out of memory. */
char *clean_text(const char *text);

#endif
