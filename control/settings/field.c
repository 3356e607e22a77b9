/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/field.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool __attribute__((format(printf, 2, 3)))
no(char why[static FIELD_WHY_MAX], const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, FIELD_WHY_MAX, fmt, ap);
	va_end(ap);
	return false;
}

static void *
at(const struct setting *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *
at_const(const struct setting *row, const void *base)
{
	return (const char *)base + row->offset;
}

/* ------------------------------------------------------------------ numbers */

static void
store(const struct setting *row, void *base, uint64_t v)
{
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;
	const void *from = row->size == 1   ? (void *)&v8
			   : row->size == 2 ? (void *)&v16
			   : row->size == 4 ? (void *)&v32
					    : (void *)&v;
	memcpy(at(row, base), from, row->size);
}

static uint64_t
load(const struct setting *row, const void *base)
{
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	const void *field = at_const(row, base);
	switch (row->size) {
	case sizeof(v8):
		memcpy(&v8, field, sizeof(v8));
		return v8;
	case sizeof(v16):
		memcpy(&v16, field, sizeof(v16));
		return v16;
	case sizeof(v32):
		memcpy(&v32, field, sizeof(v32));
		return v32;
	default:
		memcpy(&v64, field, sizeof(v64));
		return v64;
	}
}

bool
field_put_bool(const struct setting *row, void *base, bool v)
{
	memcpy(at(row, base), &v, sizeof(v));
	return true;
}

bool
field_put_number(const struct setting *row, void *base, long long v, char why[static FIELD_WHY_MAX])
{
	if (v < (long long)row->min || v > (long long)row->max)
		return no(why, "%lld is not within %u to %u", v, row->min, row->max);
	store(row, base, (uint64_t)v * (row->scale ? row->scale : 1));
	return true;
}

/* ------------------------------------------------------------------ strings */

/* "a, b, c", or of numbers "a, b or c". */
static const char *
word_list(const struct setting *row, char out[static 160])
{
	size_t n = 0;
	out[0] = '\0';
	for (const struct word *w = row->words; w->name; w++) {
		const char *between = w == row->words                        ? ""
				      : field_has_numbers(row) && !w[1].name ? " or "
									     : ", ";
		n += (size_t)snprintf(out + n, 160 - n, "%s%s", between, w->name);
	}
	return out;
}

static const struct word *
find_word(const struct setting *row, const char *s, char why[static FIELD_WHY_MAX])
{
	char all[160];
	for (const struct word *w = row->words; w->name; w++)
		if (strcmp(w->name, s) == 0)
			return w;
	if (field_has_numbers(row))
		no(why, "%s expected", word_list(row, all));
	else
		no(why, "\"%.64s\" is none of %s", s, word_list(row, all));
	return NULL;
}

static bool
get_ip(const char *s, uint32_t *ip, char why[static FIELD_WHY_MAX])
{
	struct in_addr a;
	if (inet_pton(AF_INET, s, &a) != 1)
		return no(why, "an IPv4 address such as \"192.0.2.1\" expected");
	*ip = ntohl(a.s_addr);
	return true;
}

bool
field_put_string(
	const struct setting *row, void *base, const char *s, char why[static FIELD_WHY_MAX])
{
	size_t len = strlen(s);
	const struct word *w;
	uint32_t ip = 0;
	switch (row->type) {
	case SETTING_WORD:
		w = find_word(row, s, why);
		if (w)
			store(row, base, (uint64_t)w->value);
		return w != NULL;
	case SETTING_IP:
		if (!get_ip(s, &ip, why))
			return false;
		store(row, base, ip);
		return true;
	default:
		if (len < row->min || len >= row->size)
			return no(why, "%u to %u characters expected", row->min, row->size - 1);
		memset(at(row, base), 0, row->size);
		memcpy(at(row, base), s, len);
		return true;
	}
}

/* ------------------------------------------------------------------ lists */

bool
field_has_numbers(const struct setting *row)
{
	return row->words && isdigit((unsigned char)row->words[0].name[0]);
}

bool
field_put_list(
	const struct setting *row, void *base, unsigned int n, char why[static FIELD_WHY_MAX])
{
	if (n < row->min || n > row->max)
		return no(why, "%u to %u elements expected", row->min, row->max);
	memset(at(row, base), 0, row->size);
	if (row->count)
		memcpy((char *)base + row->count, &n, sizeof(n));
	return true;
}

bool
field_put_element(const struct setting *row, void *base, unsigned int i, const char *s,
	char why[static FIELD_WHY_MAX])
{
	uint32_t ip = 0;
	if (row->type == SETTING_IPS) {
		if (!get_ip(s, &ip, why))
			return false;
		memcpy((char *)at(row, base) + i * sizeof(ip), &ip, sizeof(ip));
		return true;
	}
	const struct word *w = find_word(row, s, why);
	if (w)
		store(row, base, load(row, base) | (uint64_t)w->value);
	return w != NULL;
}

/* ------------------------------------------------------------------ operators' words */

static bool
parse_bool(const struct setting *row, void *base, const char *text, char why[static FIELD_WHY_MAX])
{
	bool yes = strcasecmp(text, "true") == 0;
	if (!yes && strcasecmp(text, "false") != 0)
		return no(why, "true or false expected");
	return field_put_bool(row, base, yes);
}

static bool
parse_number(
	const struct setting *row, void *base, const char *text, char why[static FIELD_WHY_MAX])
{
	size_t len = strlen(text), digits = strspn(text + (*text == '-'), "0123456789");
	if (digits == 0 || digits + (*text == '-') != len || len > 18)
		return no(why, "a whole number expected");
	return field_put_number(row, base, strtoll(text, NULL, 10), why);
}

#define BETWEEN ", "

static bool
parse_list(const struct setting *row, void *base, const char *text, char why[static FIELD_WHY_MAX])
{
	unsigned int n = 0, i = 0;
	for (const char *s = text; *(s += strspn(s, BETWEEN)); s += strcspn(s, BETWEEN))
		n++;
	if (!field_put_list(row, base, n, why))
		return false;
	for (const char *s = text; *(s += strspn(s, BETWEEN)); s += strcspn(s, BETWEEN)) {
		char one[64];
		size_t len = strcspn(s, BETWEEN);
		if (len >= sizeof(one))
			return no(why, "no word is as long as that");
		memcpy(one, s, len);
		one[len] = '\0';
		if (!field_put_element(row, base, i++, one, why))
			return false;
	}
	return true;
}

bool
field_parse(const struct setting *row, void *base, const char *text, char why[static FIELD_WHY_MAX])
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return no(why, "no control characters expected");
	switch (row->type) {
	case SETTING_BOOL:
		return parse_bool(row, base, text, why);
	case SETTING_NUMBER:
		return parse_number(row, base, text, why);
	case SETTING_WORDS:
	case SETTING_IPS:
		return parse_list(row, base, text, why);
	default:
		return field_put_string(row, base, text, why);
	}
}

static void
format_words(const struct setting *row, uint64_t v, char out[FIELD_TEXT_MAX])
{
	size_t n = 0;
	for (const struct word *w = row->words; w->name; w++) {
		if (row->type == SETTING_WORD ? v != (uint64_t)w->value
					      : (v & (uint64_t)w->value) == 0)
			continue;
		n += (size_t)snprintf(out + n, FIELD_TEXT_MAX - n, "%s%s", n ? "," : "", w->name);
	}
}

static void
format_ips(const struct setting *row, const void *base, char out[FIELD_TEXT_MAX])
{
	unsigned int most = row->size / sizeof(uint32_t), count = most;
	size_t n = 0;
	if (row->count)
		memcpy(&count, (const char *)base + row->count, sizeof(count));
	for (unsigned int i = 0; i < count && i < most; i++) {
		uint32_t ip;
		memcpy(&ip, (const char *)at_const(row, base) + i * sizeof(ip), sizeof(ip));
		/* Without a count what is 0 is not there. */
		if (row->type == SETTING_IPS ? row->count || ip : true)
			n += (size_t)snprintf(out + n, FIELD_TEXT_MAX - n, "%s%u.%u.%u.%u",
				n ? "," : "", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	}
}

const char *
field_format(const struct setting *row, const void *base, char out[FIELD_TEXT_MAX])
{
	bool yes;
	out[0] = '\0';
	if (row->size == 0)
		return out;
	switch (row->type) {
	case SETTING_BOOL:
		memcpy(&yes, at_const(row, base), sizeof(yes));
		snprintf(out, FIELD_TEXT_MAX, "%s", yes ? "true" : "false");
		break;
	case SETTING_NUMBER:
		snprintf(out, FIELD_TEXT_MAX, "%llu",
			(unsigned long long)(load(row, base) / (row->scale ? row->scale : 1)));
		break;
	case SETTING_WORD:
	case SETTING_WORDS:
		format_words(row, load(row, base), out);
		break;
	case SETTING_IP:
	case SETTING_IPS:
		format_ips(row, base, out);
		break;
	case SETTING_SECRET:
		snprintf(out, FIELD_TEXT_MAX, "%s",
			*(const char *)at_const(row, base) ? "(set)" : "");
		break;
	default:
		snprintf(out, FIELD_TEXT_MAX, "%s", (const char *)at_const(row, base));
	}
	return out;
}

bool
field_same(const struct setting *row, const void *a, const void *b)
{
	if (row->count && memcmp((const char *)a + row->count, (const char *)b + row->count,
				  sizeof(unsigned int)) != 0)
		return false;
	return memcmp(at_const(row, a), at_const(row, b), row->size) == 0;
}

void
field_copy(const struct setting *row, void *to, const void *from)
{
	memcpy(at(row, to), at_const(row, from), row->size);
	if (row->count)
		memcpy((char *)to + row->count, (const char *)from + row->count,
			sizeof(unsigned int));
}
