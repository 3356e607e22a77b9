/* SPDX-License-Identifier: BSD-3-Clause */
/* The value of one setting, in the struct at base that its row's offsets are of. */
#ifndef ADIT_CONTROL_SETTINGS_FIELD_H
#define ADIT_CONTROL_SETTINGS_FIELD_H

#include "control/settings/table.h"

#define FIELD_WHY_MAX  300
#define FIELD_TEXT_MAX 1200 /* as field_format() has it: the longest is a list of addresses */

/* Each takes a value if it is within the row's bounds.  False and the reason in why, without the
 * setting's name; the field is as it was then, but for a list's. */
bool field_put_bool(const struct setting *row, void *base, bool v);
bool field_put_number(
	const struct setting *row, void *base, long long v, char why[static FIELD_WHY_MAX]);
/* A string, secret, word or address. */
bool field_put_string(
	const struct setting *row, void *base, const char *s, char why[static FIELD_WHY_MAX]);
/* A list of n begins; then each of its elements. */
bool field_put_list(
	const struct setting *row, void *base, unsigned int n, char why[static FIELD_WHY_MAX]);
bool field_put_element(const struct setting *row, void *base, unsigned int i, const char *s,
	char why[static FIELD_WHY_MAX]);
/* The list's elements are numbers in the file: of key bits. */
bool field_has_numbers(const struct setting *row);

/* From an operator's words: true, 30, mschapv2,pap, 192.0.2.1,192.0.2.2; "" is an empty list. */
bool field_parse(
	const struct setting *row, void *base, const char *text, char why[static FIELD_WHY_MAX]);
/* The same back.  A secret is "(set)" or "", a list of groups or what has no field is "". */
const char *field_format(const struct setting *row, const void *base, char out[FIELD_TEXT_MAX]);

/* Of two structs alike.  What has no field is the same. */
bool field_same(const struct setting *row, const void *a, const void *b);
void field_copy(const struct setting *row, void *to, const void *from);

#endif
