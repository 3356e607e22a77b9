/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/value.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/api/conf_text.h"

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

bool
config_only_known(struct reader *r, const config_setting_t *group, const char *const *names)
{
	bool ok = true;
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const char *name = config_setting_name(s);
		const char *const *n = names;
		while (*n && strcmp(*n, name) != 0)
			n++;
		if (*n)
			continue;
		const char *like = conf_nearest(name, names);
		ok = config_fail(r, s, "unknown setting \"%s\"%s%s%s", name,
			like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
	}
	return ok;
}

bool
config_get_bool(struct reader *r, const config_setting_t *group, const char *name, bool *out)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	if (!s)
		return true;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return config_fail(r, s, "%s: true or false expected", name);
	*out = config_setting_get_bool(s) != 0;
	return true;
}

bool
config_get_number(struct reader *r, const config_setting_t *group, const char *name,
	unsigned int min, unsigned int max, unsigned int *out)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	if (!s)
		return true;
	int type = config_setting_type(s);
	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return config_fail(r, s, "%s: a whole number expected", name);
	long long v = config_setting_get_int64(s);
	if (v < (long long)min || v > (long long)max)
		return config_fail(r, s, "%s: %lld is not within %u to %u", name, v, min, max);
	*out = (unsigned int)v;
	return true;
}

bool
config_get_seconds(struct reader *r, const config_setting_t *group, const char *name,
	unsigned int min, unsigned int max, uint32_t *ms)
{
	unsigned int v = *ms / 1000;
	if (!config_get_number(r, group, name, min, max, &v))
		return false;
	*ms = v * 1000;
	return true;
}

bool
config_get_string(struct reader *r, const config_setting_t *group, const char *name, size_t min,
	char *out, size_t size)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	if (!s)
		return true;
	if (config_setting_type(s) != CONFIG_TYPE_STRING)
		return config_fail(r, s, "%s: a string expected", name);
	const char *v = config_setting_get_string(s);
	size_t len = strlen(v);
	if (len < min || len >= size)
		return config_fail(r, s, "%s: %zu to %zu characters expected", name, min, size - 1);
	memcpy(out, v, len + 1);
	return true;
}

bool
config_parse_word(struct reader *r, const config_setting_t *s, const char *name,
	const struct word *words, int *out)
{
	if (config_setting_type(s) != CONFIG_TYPE_STRING)
		return config_fail(r, s, "%s: a string expected", name);
	const char *v = config_setting_get_string(s);
	char all[128] = "";
	for (const struct word *w = words; w->name; w++) {
		if (strcmp(w->name, v) == 0) {
			*out = w->value;
			return true;
		}
		size_t at = strlen(all);
		snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", w->name);
	}
	return config_fail(r, s, "%s: \"%s\" is none of %s", name, v, all);
}

bool
config_get_word(struct reader *r, const config_setting_t *group, const char *name,
	const struct word *words, int *out)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	return !s || config_parse_word(r, s, name, words, out);
}

bool
config_parse_ip(struct reader *r, const config_setting_t *s, const char *name, uint32_t *out)
{
	struct in_addr a;
	if (config_setting_type(s) != CONFIG_TYPE_STRING ||
		inet_pton(AF_INET, config_setting_get_string(s), &a) != 1)
		return config_fail(
			r, s, "%s: an IPv4 address such as \"192.0.2.1\" expected", name);
	*out = ntohl(a.s_addr);
	return true;
}

const config_setting_t *
config_get_list(struct reader *r, const config_setting_t *group, const char *name, int min, int max,
	bool *ok)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	*ok = true;
	if (!s)
		return NULL;
	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		*ok = config_fail(r, s, "%s: a list in [ ] expected", name);
		return NULL;
	}
	int n = config_setting_length(s);
	if (n < min || n > max) {
		*ok = config_fail(r, s, "%s: %d to %d elements expected", name, min, max);
		return NULL;
	}
	return s;
}

bool
config_get_ips(struct reader *r, const config_setting_t *group, const char *name, int min, int max,
	uint32_t *out, unsigned int *n)
{
	bool ok;
	const config_setting_t *s = config_get_list(r, group, name, min, max, &ok);
	if (!s)
		return ok;
	*n = (unsigned int)config_setting_length(s);
	for (unsigned int i = 0; i < *n; i++)
		ok &= config_parse_ip(r, config_setting_get_elem(s, i), name, &out[i]);
	return ok;
}

void
config_wipe_string(const config_setting_t *s)
{
	if (s && config_setting_type(s) == CONFIG_TYPE_STRING) {
		char *secret = (char *)(uintptr_t)config_setting_get_string(s);
		explicit_bzero(secret, strlen(secret));
	}
}
