/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/settings/config.h"
#include "control/settings/field.h"
#include "dataplane/api/conf_group.h"

static bool
stands_before(const struct fault *x, const struct fault *y)
{
	return x->included != y->included ? x->included < y->included : x->line < y->line;
}

static void
add_fault(struct reader *r, const char *file, unsigned int line, const char *fmt, va_list ap)
{
	if (r->n_faults++ >= CONFIG_MAX_FAULTS)
		return;
	struct fault f = {.included = file && strcmp(file, r->path) != 0, .line = line};
	int n = snprintf(f.text, sizeof(f.text), "%s:%u: ", file ? file : r->path, f.line);
	if (n >= 0 && (size_t)n < sizeof(f.text))
		vsnprintf(f.text + n, sizeof(f.text) - (size_t)n, fmt, ap);
	unsigned int at = r->n_faults - 1;
	for (; at > 0 && stands_before(&f, &r->faults[at - 1]); at--)
		r->faults[at] = r->faults[at - 1];
	r->faults[at] = f;
}

bool
config_fail_at(struct reader *r, const char *file, unsigned int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_fault(r, file, line, fmt, ap);
	va_end(ap);
	return false;
}

bool
config_fail(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
	va_list ap;
	unsigned int line = s ? config_setting_source_line(s) : 1;
	va_start(ap, fmt);
	add_fault(r, s ? config_setting_source_file(s) : NULL, line ? line : 1, fmt, ap);
	va_end(ap);
	return false;
}

void
config_faults(const struct reader *r, char *err, size_t errlen)
{
	unsigned int n = r->n_faults < CONFIG_MAX_FAULTS ? r->n_faults : CONFIG_MAX_FAULTS;
	size_t at = 0;
	for (unsigned int i = 0; i < n && at < errlen; i++) {
		int len = snprintf(err + at, errlen - at, "%s%s", i ? "\n" : "", r->faults[i].text);
		at += len > 0 ? (size_t)len : 0;
	}
	if (r->n_faults > n && at < errlen)
		snprintf(err + at, errlen - at, "\n%s:0: and %u more", r->path, r->n_faults - n);
}

void
config_names(const char *group, const char *names[SETTINGS_MAX + 1])
{
	unsigned int n = 0;
	for (const char *const *g = settings_groups; !*group && *g; g++)
		names[n++] = *g;
	for (const struct setting *row = settings_table; *group && row->name; row++)
		if (setting_in(row, group))
			names[n++] = setting_short(row);
	names[n] = NULL;
}

static void
on_unknown(void *user, const config_setting_t *s, const char *text)
{
	config_fail(user, s, "%s", text);
}

bool
config_only_names(struct reader *r, const config_setting_t *g, const char *const *names)
{
	unsigned int before = r->n_faults;
	conf_only_known(g, names, on_unknown, r);
	return r->n_faults == before;
}

bool
config_only_known(struct reader *r, const config_setting_t *g, const char *group)
{
	const char *names[SETTINGS_MAX + 1];
	config_names(group, names);
	return config_only_names(r, g, names);
}

/* What the type wants, where the file holds another one. */
static bool
wrong_type(const struct setting *row, const config_setting_t *s, char why[static FIELD_WHY_MAX])
{
	static const char *const wanted[] = {[SETTING_BOOL] = "true or false expected",
		[SETTING_NUMBER] = "a whole number expected",
		[SETTING_STRING] = "a string expected",
		[SETTING_SECRET] = "a string expected",
		[SETTING_WORD] = "a string expected",
		[SETTING_IP] = "an IPv4 address such as \"192.0.2.1\" expected"};
	int type = config_setting_type(s);
	bool right = row->type == SETTING_BOOL ? type == CONFIG_TYPE_BOOL
		     : row->type == SETTING_NUMBER
			     ? type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64
			     : type == CONFIG_TYPE_STRING;
	if (!right)
		snprintf(why, FIELD_WHY_MAX, "%s", wanted[row->type]);
	return !right;
}

static bool
read_one(const struct setting *row, const config_setting_t *s, void *base,
	char why[static FIELD_WHY_MAX])
{
	if (wrong_type(row, s, why))
		return false;
	if (row->type == SETTING_BOOL)
		return field_put_bool(row, base, config_setting_get_bool(s) != 0);
	if (row->type == SETTING_NUMBER)
		return field_put_number(row, base, config_setting_get_int64(s), why);
	return field_put_string(row, base, config_setting_get_string(s), why);
}

static bool
read_element(struct reader *r, const struct setting *row, const config_setting_t *e, void *base,
	unsigned int i)
{
	char why[FIELD_WHY_MAX], number[16];
	const char *s = config_setting_get_string(e);
	if (field_has_numbers(row)) {
		snprintf(number, sizeof(number), "%d",
			config_setting_type(e) == CONFIG_TYPE_INT ? config_setting_get_int(e) : 0);
		s = number;
	} else if (!s && row->type == SETTING_WORDS) {
		return config_fail(r, e, "%s: a string expected", setting_short(row));
	}
	return field_put_element(row, base, i, s ? s : "", why) ||
	       config_fail(r, e, "%s: %s", setting_short(row), why);
}

static bool
read_list(struct reader *r, const config_setting_t *g, const struct setting *row, void *base)
{
	char why[FIELD_WHY_MAX];
	bool ok;
	const config_setting_t *s = config_get_list(r, g, row, &ok);
	if (!s)
		return ok;
	unsigned int n = (unsigned int)config_setting_length(s);
	field_put_list(row, base, n, why);
	for (unsigned int i = 0; i < n; i++)
		ok &= read_element(r, row, config_setting_get_elem(s, i), base, i);
	return ok;
}

bool
config_read_setting(
	struct reader *r, const config_setting_t *g, const struct setting *row, void *base)
{
	char why[FIELD_WHY_MAX];
	const config_setting_t *s = config_setting_get_member(g, setting_short(row));
	if (!s)
		return true;
	if (base == r->c)
		config_set_origin(
			r->c, row, config_setting_source_file(s), config_setting_source_line(s));
	if (row->type == SETTING_WORDS || row->type == SETTING_IPS)
		return read_list(r, g, row, base);
	return read_one(row, s, base, why) || config_fail(r, s, "%s: %s", setting_short(row), why);
}

bool
config_read_rows(struct reader *r, const config_setting_t *g, const char *group, void *base)
{
	bool ok = true;
	for (const struct setting *row = settings_table; row->name; row++)
		if (setting_in(row, group) && row->size)
			ok &= config_read_setting(r, g, row, base);
	return ok;
}

const config_setting_t *
config_get_list(struct reader *r, const config_setting_t *g, const struct setting *row, bool *ok)
{
	const char *name = setting_short(row);
	const config_setting_t *s = config_setting_get_member(g, name);
	*ok = true;
	if (!s)
		return NULL;
	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		*ok = config_fail(r, s, "%s: a list in [ ] expected", name);
		return NULL;
	}
	unsigned int n = (unsigned int)config_setting_length(s);
	if (n < row->min || n > row->max) {
		*ok = config_fail(r, s, "%s: %u to %u elements expected", name, row->min, row->max);
		return NULL;
	}
	return s;
}

void
config_wipe_string(const config_setting_t *s)
{
	if (s && config_setting_type(s) == CONFIG_TYPE_STRING) {
		char *secret = (char *)(uintptr_t)config_setting_get_string(s);
		explicit_bzero(secret, strlen(secret));
	}
}
