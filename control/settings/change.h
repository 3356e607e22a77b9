/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settings while adit-control runs: what operators set (overlay.h) over what the file says.  A
 * change is checked whole, as the file is, and applied whole or not at all; whoever owns what a
 * setting is about gets to know it by a hook.  The configuration that everybody reads is changed in
 * place, but for what only a start can change.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_SETTINGS_CHANGE_H
#define ADIT_CONTROL_SETTINGS_CHANGE_H

#include "control/core/fate.h"
#include "control/settings/config.h"
#include "control/settings/overlay.h"

struct settings;

/* Of the owner of one part.  All may be NULL. */
struct settings_hook {
	/* What may fail is done before anything has changed: false and the reason. */
	bool (*prepare)(void *user, const struct config *next, char *err, size_t errlen);
	/* The configuration has changed; next also has the users of a file that was read again
	 * (NULL: they are not concerned).  Returns how many sessions or SAs the fate concerned. */
	unsigned int (*apply)(void *user, const struct config *next, enum fate fate);
	/* Nothing changes: what was prepared goes. */
	void (*abort)(void *user);
};

/* c was read from the file at path; it is borrowed, and changed from now on.  What operators set
 * earlier is applied to it.  NULL and the reason when that makes no sense. */
struct settings *settings_new(struct config *c, const char *path, char *err, size_t errlen);
void settings_free(struct settings *s);
/* Who reads the file for settings_reload(), where not everybody may: as a string of malloc(), or NULL
 * and why not in err. */
void settings_set_reader(
	struct settings *s, char *(*read)(int handle, char *err, size_t errlen), int handle);
/* hook is borrowed. */
void settings_set_hook(
	struct settings *s, enum setting_part part, const struct settings_hook *hook, void *user);

struct settings_value {
	const char *name;
	const char *text; /* as field_parse() takes it; NULL: as the file says */
};

struct settings_change {
	const struct settings_value *values;
	unsigned int n;
	const char *who;
	enum fate fate;
	bool force;       /* also when it takes a role from a group */
	bool temporary;   /* not kept, unless it is already: until adit-control ends */
	bool if_revision; /* only when nobody has changed anything since revision */
	uint64_t revision;
};

enum settings_refusal {
	SETTINGS_OK,
	SETTINGS_UNKNOWN, /* no such setting */
	SETTINGS_BAD,     /* a value, or what they are together */
	SETTINGS_DENIED,  /* not live, or not without force */
	SETTINGS_CHANGED, /* somebody was first */
	SETTINGS_FAILED,  /* it could not be done, or kept */
};

struct settings_result {
	enum settings_refusal refusal;
	char why[2048];         /* not SETTINGS_OK: lines */
	uint64_t revision;      /* now */
	unsigned int concerned; /* sessions or SAs, by the fate */
	bool applied[SETTINGS_MAX], after_restart[SETTINGS_MAX];
};

/* True: out->refusal is SETTINGS_OK.  Otherwise nothing has changed. */
bool settings_change(
	struct settings *s, const struct settings_change *change, struct settings_result *out);
/* Reads the file again.  fate FATE_DROP: sessions of users who may no longer come end. */
bool settings_reload(struct settings *s, enum fate fate, struct settings_result *out);

/* What there is to see of a setting. */
struct settings_view {
	char value[1200], fallback[1200]; /* a secret's is not shown */
	char from[300];                   /* "default", "FILE:LINE", "set by WHO at TIME" */
	bool pending;                     /* the value comes with the next start */
};
void settings_view(const struct settings *s, const struct setting *row, struct settings_view *out);
uint64_t settings_revision(const struct settings *s);

#endif
