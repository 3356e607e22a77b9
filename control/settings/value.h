/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single values of adit-control's configuration file, checked.  A setting that is absent leaves its
 * default; so does a bad one, which gives false and a fault in the reader's list: reading goes on,
 * so that all faults are shown at once.  Used inside settings/ only.
 */
#ifndef ADIT_CONTROL_SETTINGS_VALUE_H
#define ADIT_CONTROL_SETTINGS_VALUE_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/settings/table.h"

struct config;

#define CONFIG_MAX_FAULTS 64

struct fault {
	bool included; /* stands in another file than the first, and behind its faults */
	unsigned int line;
	char text[400]; /* "file:line: reason" */
};

struct reader {
	const char *path;
	struct config *c;
	unsigned int n_faults; /* may be more than there is room for */
	struct fault faults[CONFIG_MAX_FAULTS];
};

/* Adds a fault.  Always false: `return config_fail(...)`. */
bool config_fail(struct reader *r, const config_setting_t *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where libconfig has no setting to show; file NULL: the reader's. */
bool config_fail_at(struct reader *r, const char *file, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* All faults, in the order of their lines, one a line. */
void config_faults(const struct reader *r, char *err, size_t errlen);
/* A misspelt setting must not be silently without effect: every member of the group is a row of
 * the table.  group "": the file itself. */
bool config_only_known(struct reader *r, const config_setting_t *g, const char *group);
/* The same in two steps, for groups that stand in the file many times: the names of the rows, up to
 * a NULL, and every member of g is one of them. */
void config_names(const char *group, const char *names[SETTINGS_MAX + 1]);
bool config_only_names(struct reader *r, const config_setting_t *g, const char *const *names);
/* Reads the row's setting into the struct at base, and where it stands into the configuration when
 * base is that. */
bool config_read_setting(
	struct reader *r, const config_setting_t *g, const struct setting *row, void *base);
/* Every row of the group that has a field. */
bool config_read_rows(struct reader *r, const config_setting_t *g, const char *group, void *base);
/* A list or array of row->min to row->max elements; NULL with *ok true when absent. */
const config_setting_t *config_get_list(
	struct reader *r, const config_setting_t *g, const struct setting *row, bool *ok);
/* Overwrites libconfig's own copies of all secrets of a file, which it frees as they are. */
void config_wipe_secrets(const config_t *cf);
/* Overwrites libconfig's own copy of a secret, which it frees as it is.  NULL is allowed. */
void config_wipe_string(const config_setting_t *s);

#endif
