/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/change.h"

#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/settings/check.h"
#include "control/settings/field.h"
#include "dataplane/api/conf_text.h"

struct settings {
	struct config *run;  /* everybody's */
	struct config *file; /* as the file says; its users are not there */
	struct config *want; /* with what operators set: run, once adit-control has started again */
	struct overlay overlay;
	char path[256];
	char *(*read)(int handle, char *err, size_t errlen); /* NULL: by the path */
	int handle;
	struct {
		const struct settings_hook *hook;
		void *user;
	} parts[PART_COUNT];
};

/* What is tried. */
struct attempt {
	struct config *next;
	struct overlay overlay;
	bool keep; /* the overlay has to be written */
	bool users;
	bool prepared[PART_COUNT];
	bool named[PART_COUNT]; /* with a fate: also when its value is the same */
};

static bool __attribute__((format(printf, 3, 4)))
refuse(struct settings_result *out, enum settings_refusal why, const char *fmt, ...)
{
	va_list ap;
	out->refusal = why;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
	return false;
}

/* ------------------------------------------------------------------ life */

static struct config *
copy_of(const struct config *c)
{
	struct config *copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *c;
	copy->users = NULL;
	return copy;
}

static void
drop_copy(struct config *c)
{
	if (c)
		explicit_bzero(c, sizeof(*c));
	free(c);
}

/* The overlay over it; false and why it does not fit. */
static bool
lay_over(const struct overlay *o, struct config *c, char *err, size_t errlen)
{
	const char *why;
	const struct setting *row;
	if (!overlay_apply(o, c, err, errlen))
		return false;
	row = config_conflict(c, &why);
	if (row)
		snprintf(err, errlen, "%s: %s", row->name, why);
	return row == NULL;
}

struct settings *
settings_new(struct config *c, const char *path, char *err, size_t errlen)
{
	char why[FIELD_WHY_MAX + 100] = "out of memory";
	struct settings *s = calloc(1, sizeof(*s));
	if (s) {
		s->run = c;
		s->file = copy_of(c);
		snprintf(s->path, sizeof(s->path), "%s", path);
	}
	if (!s || !s->file || !overlay_load(&s->overlay, c->overlay_path, err, errlen)) {
		if (!s || !s->file)
			snprintf(err, errlen, "%s:0: %s", path, why);
		settings_free(s);
		return NULL;
	}
	if (lay_over(&s->overlay, c, why, sizeof(why)) && (s->want = copy_of(c)))
		return s;
	snprintf(err, errlen, "%s:0: %s; remove that line, or mend %s", c->overlay_path, why, path);
	settings_free(s);
	return NULL;
}

void
settings_free(struct settings *s)
{
	if (!s)
		return;
	drop_copy(s->file);
	drop_copy(s->want);
	free(s);
}

void
settings_set_reader(
	struct settings *s, char *(*read)(int handle, char *err, size_t errlen), int handle)
{
	s->read = read;
	s->handle = handle;
}

void
settings_set_hook(
	struct settings *s, enum setting_part part, const struct settings_hook *hook, void *user)
{
	s->parts[part].hook = hook;
	s->parts[part].user = user;
}

/* ------------------------------------------------------------------ checks */

/* Whoever is in the group now would be out. */
static bool
keeps_roles(
	const struct settings *s, const struct attempt *t, bool force, struct settings_result *out)
{
	char old[FIELD_TEXT_MAX], new[FIELD_TEXT_MAX];
	for (const struct setting *row = settings_table; row->name; row++) {
		if (!row->grants_role || field_same(row, s->want, t->next))
			continue;
		field_format(row, s->want, old);
		field_format(row, t->next, new);
		if (*new && !getgrnam(new))
			return refuse(
				out, SETTINGS_BAD, "%s: there is no group \"%s\"", row->name, new);
		if (*old && !force)
			return refuse(out, SETTINGS_DENIED,
				"%s: it would lock out the operators of the group \"%s\": with "
				"--force it is done",
				row->name, old);
	}
	return true;
}

/* Changes, and what of it comes with the next start. */
static void
compare(const struct settings *s, const struct attempt *t, struct settings_result *out)
{
	for (const struct setting *row = settings_table; row->name; row++) {
		unsigned int i = setting_number(row);
		if (setting_nested(row) || row->size == 0)
			continue;
		if (row->effect == SETTING_START)
			out->after_restart[i] = !field_same(row, s->want, t->next) &&
						!field_same(row, s->run, t->next);
		else
			out->applied[i] = !field_same(row, s->run, t->next);
	}
}

static bool
concerns(const struct settings_result *out, const struct attempt *t, enum setting_part part)
{
	if (part == PART_USERS || t->named[part])
		return t->users || t->named[part];
	for (const struct setting *row = settings_table; row->name; row++)
		if (row->part == part && out->applied[setting_number(row)])
			return true;
	return false;
}

/* ------------------------------------------------------------------ all or nothing */

static void
abort_all(struct settings *s, struct attempt *t)
{
	for (unsigned int i = 0; i < PART_COUNT; i++)
		if (t->prepared[i] && s->parts[i].hook->abort)
			s->parts[i].hook->abort(s->parts[i].user);
}

static bool
prepare_all(struct settings *s, struct attempt *t, struct settings_result *out)
{
	char why[300] = "";
	for (unsigned int i = 0; i < PART_COUNT; i++) {
		const struct settings_hook *h = s->parts[i].hook;
		if (!h || !h->prepare || !concerns(out, t, i))
			continue;
		if (!h->prepare(s->parts[i].user, t->next, why, sizeof(why))) {
			abort_all(s, t);
			return refuse(out, SETTINGS_FAILED, "%s", why);
		}
		t->prepared[i] = true;
	}
	return true;
}

static void
apply_all(struct settings *s, struct attempt *t, enum fate fate, struct settings_result *out)
{
	bool any = false;
	for (const struct setting *row = settings_table; row->name; row++) {
		unsigned int i = setting_number(row);
		if (row->effect != SETTING_START)
			s->run->origin[i] = t->next->origin[i];
		if (out->applied[i])
			field_copy(row, s->run, t->next);
		any |= out->applied[i];
	}
	if (any)
		config_complete(s->run);
	for (unsigned int i = 0; i < PART_COUNT; i++) {
		const struct settings_hook *h = s->parts[i].hook;
		if (h && h->apply && concerns(out, t, i))
			out->concerned += h->apply(s->parts[i].user, t->next, fate);
	}
	*s->want = *t->next;
	s->want->users = NULL;
	s->overlay = t->overlay;
}

static bool
carry_out(struct settings *s, struct attempt *t, bool force, enum fate fate,
	struct settings_result *out)
{
	char why[400];
	if (!keeps_roles(s, t, force, out))
		return false;
	compare(s, t, out);
	if (!prepare_all(s, t, out))
		return false;
	if (t->keep && !overlay_save(&t->overlay, s->run->overlay_path, why, sizeof(why))) {
		abort_all(s, t);
		return refuse(out, SETTINGS_FAILED, "%s; --temporary does without", why);
	}
	apply_all(s, t, fate, out);
	out->refusal = SETTINGS_OK;
	out->revision = s->overlay.revision;
	return true;
}

/* ------------------------------------------------------------------ by an operator */

static bool
refuse_unknown(struct settings_result *out, const char *name)
{
	const char *names[SETTINGS_MAX + 1];
	unsigned int n = 0;
	for (const struct setting *row = settings_table; row->name; row++)
		if (setting_settable(row))
			names[n++] = row->name;
	names[n] = NULL;
	const char *like = conf_nearest(name, names);
	return refuse(out, SETTINGS_UNKNOWN, "no setting \"%.64s\"%s%s%s", name,
		like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
}

/* One of the values, into what is tried. */
static bool
take_value(struct attempt *t, const struct settings_change *change, const struct settings_value *v,
	struct settings_result *out)
{
	char why[FIELD_WHY_MAX];
	const struct setting *row = setting_find(v->name);
	if (!row || setting_nested(row))
		return refuse_unknown(out, v->name);
	if (!setting_settable(row))
		return refuse(out, SETTINGS_DENIED,
			"%s: can't be set live: write it into the file%s", row->name,
			row->effect == SETTING_START ? ", and start adit-control again"
						     : ", then: aditctl reload");
	/* What is kept stays kept. */
	bool kept = t->overlay.entries[setting_number(row)].kept || (v->text && !change->temporary);
	t->keep |= kept;
	t->named[row->part] |= row->part != PART_NONE && change->fate != FATE_KEEP;
	if (!v->text) {
		overlay_drop(&t->overlay, row);
		return true;
	}
	/* The value alone, before what it is with others. */
	if (!field_parse(row, t->next, v->text, why))
		return refuse(out, SETTINGS_BAD, "%s: %s", row->name, why);
	char text[FIELD_TEXT_MAX];
	field_format(row, t->next, text);
	if (change->temporary && row->effect == SETTING_START)
		return refuse(out, SETTINGS_DENIED,
			"%s: takes effect with the next start: not with --temporary", row->name);
	return overlay_put(&t->overlay, row, text, change->who, (int64_t)time(NULL), kept) ||
	       refuse(out, SETTINGS_BAD, "%s: too long", row->name);
}

static bool
take_values(struct settings *s, struct attempt *t, const struct settings_change *change,
	struct settings_result *out)
{
	char why[FIELD_WHY_MAX + 100];
	for (unsigned int i = 0; i < change->n; i++) {
		for (unsigned int j = 0; j < i; j++)
			if (strcmp(change->values[i].name, change->values[j].name) == 0)
				return refuse(out, SETTINGS_BAD, "%.64s: is given twice",
					change->values[i].name);
		if (!take_value(t, change, &change->values[i], out))
			return false;
	}
	if (t->keep && !*s->run->overlay_path)
		return refuse(out, SETTINGS_FAILED,
			"control.overlay is \"\": nothing is kept; --temporary does without");
	t->overlay.revision++;
	*t->next = *s->file;
	return lay_over(&t->overlay, t->next, why, sizeof(why)) ||
	       refuse(out, SETTINGS_BAD, "%s", why);
}

bool
settings_change(
	struct settings *s, const struct settings_change *change, struct settings_result *out)
{
	memset(out, 0, sizeof(*out));
	out->revision = s->overlay.revision;
	if (change->if_revision && change->revision != s->overlay.revision)
		return refuse(out, SETTINGS_CHANGED,
			"the settings have revision %llu by now, not %llu: somebody was first; "
			"look with aditctl show",
			(unsigned long long)s->overlay.revision,
			(unsigned long long)change->revision);
	struct attempt *t = calloc(1, sizeof(*t));
	if (t)
		t->next = copy_of(s->file);
	if (!t || !t->next) {
		free(t);
		return refuse(out, SETTINGS_FAILED, "out of memory");
	}
	t->overlay = s->overlay;
	bool ok =
		take_values(s, t, change, out) && carry_out(s, t, change->force, change->fate, out);
	drop_copy(t->next);
	free(t);
	return ok;
}

/* ------------------------------------------------------------------ the file again */

static void
keep_fatal(void *user, enum check_weight weight, const char *text)
{
	struct settings_result *out = user;
	size_t n = strlen(out->why);
	if (weight == CHECK_FATAL)
		snprintf(out->why + n, sizeof(out->why) - n, "%s%s", n ? "\n" : "", text);
}

/* Pre-shared keys have no row with a field. */
static bool
same_keys(const struct config *a, const struct config *b)
{
	return a->ike.n_psk == b->ike.n_psk &&
	       memcmp(a->ike.psk, b->ike.psk, a->ike.n_psk * sizeof(a->ike.psk[0])) == 0;
}

static bool
read_again(struct settings *s, struct attempt *t, struct config *c, const char *text,
	enum fate fate, struct settings_result *out)
{
	char why[FIELD_WHY_MAX + 100];
	struct config *file = copy_of(c);
	if (!file)
		return refuse(out, SETTINGS_FAILED, "out of memory");
	if (text)
		config_check_text(c, s->path, text, keep_fatal, out);
	else
		config_check(c, s->path, NULL, keep_fatal, out);
	if (*out->why) {
		out->refusal = SETTINGS_BAD;
		drop_copy(file);
		return false;
	}
	t->next = c;
	t->users = true;
	if (!lay_over(&t->overlay, c, why, sizeof(why))) {
		drop_copy(file);
		return refuse(
			out, SETTINGS_BAD, "%s (with what operators have set: aditctl show)", why);
	}
	/* Whoever edits the file as root knows what he does. */
	if (!carry_out(s, t, true, fate, out)) {
		drop_copy(file);
		return false;
	}
	out->after_restart[setting_number(setting_find("ipsec.psk"))] = !same_keys(s->run, file);
	drop_copy(s->file);
	s->file = file;
	return true;
}

static bool
reload(struct settings *s, const char *text, enum fate fate, struct settings_result *out)
{
	struct attempt *t = calloc(1, sizeof(*t));
	if (!t)
		return refuse(out, SETTINGS_FAILED, "out of memory");
	struct config *c = text ? config_load_text(s->path, text, out->why, sizeof(out->why))
				: config_load(s->path, out->why, sizeof(out->why));
	out->refusal = SETTINGS_BAD;
	t->overlay = s->overlay;
	t->overlay.revision++;
	bool ok = c && read_again(s, t, c, text, fate, out);
	config_free(c);
	free(t);
	return ok;
}

bool
settings_reload(struct settings *s, enum fate fate, struct settings_result *out)
{
	char why[200];
	memset(out, 0, sizeof(*out));
	out->revision = s->overlay.revision;
	char *text = s->read ? s->read(s->handle, why, sizeof(why)) : NULL;
	if (s->read && !text)
		return refuse(out, SETTINGS_BAD, "%s:0: %s", s->path, why);
	bool ok = reload(s, text, fate, out);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return ok;
}

/* ------------------------------------------------------------------ to look at */

void
settings_view(const struct settings *s, const struct setting *row, struct settings_view *out)
{
	const struct config_origin *o = &s->want->origin[setting_number(row)];
	const struct overlay_entry *e = &s->overlay.entries[setting_number(row)];
	struct tm tm;
	char when[32] = "";
	time_t t = (time_t)e->when;
	memset(out, 0, sizeof(*out));
	field_format(row, s->want, out->value);
	if (row->size == 0 && row->type == SETTING_SECRET && o->from == FROM_FILE)
		snprintf(out->value, sizeof(out->value), "(set)");
	out->pending = row->size && !field_same(row, s->want, s->run);
	snprintf(out->fallback, sizeof(out->fallback), "%s",
		row->fallback        ? row->fallback
		: row->fallback_text ? row->fallback_text
				     : "");
	if (o->from == FROM_OPERATOR && e->set) {
		if (gmtime_r(&t, &tm))
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		snprintf(out->from, sizeof(out->from), "set by %s at %s%s", e->who, when,
			e->kept ? "" : ", until adit-control ends");
	} else if (o->from == FROM_FILE) {
		snprintf(out->from, sizeof(out->from), "%s:%u", *o->file ? o->file : s->path,
			o->line);
	} else {
		snprintf(out->from, sizeof(out->from), "default");
	}
}

uint64_t
settings_revision(const struct settings *s)
{
	return s->overlay.revision;
}
