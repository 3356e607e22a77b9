/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single values of adit-control's configuration file, checked.  A setting that is absent leaves its
 * default; so does a bad one, which gives false and a fault in the reader's list: reading goes on,
 * so that all faults are shown at once.  Used by config.c only.
 */
#ifndef ADIT_CONTROL_SETTINGS_VALUE_H
#define ADIT_CONTROL_SETTINGS_VALUE_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

struct word {
	const char *name;
	int value;
};

/* Adds a fault.  Always false: `return config_fail(...)`. */
bool config_fail(struct reader *r, const config_setting_t *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where libconfig has no setting to show; file NULL: the reader's. */
bool config_fail_at(struct reader *r, const char *file, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* All faults, in the order of their lines, one a line. */
void config_faults(const struct reader *r, char *err, size_t errlen);
/* The settings of a group of config_groups; config.c. */
const char *const *config_known(const char *group);
/* A misspelt setting must not be silently without effect.  names ends with NULL. */
bool config_only_known(struct reader *r, const config_setting_t *group, const char *const *names);
bool config_get_bool(struct reader *r, const config_setting_t *group, const char *name, bool *out);
bool config_get_number(struct reader *r, const config_setting_t *group, const char *name,
	unsigned int min, unsigned int max, unsigned int *out);
/* A setting in seconds that the program keeps in milliseconds. */
bool config_get_seconds(struct reader *r, const config_setting_t *group, const char *name,
	unsigned int min, unsigned int max, uint32_t *ms);
/* At least min characters, less than size. */
bool config_get_string(struct reader *r, const config_setting_t *group, const char *name,
	size_t min, char *out, size_t size);
/* One of words, which ends with a NULL name. */
bool config_parse_word(struct reader *r, const config_setting_t *s, const char *name,
	const struct word *words, int *out);
bool config_get_word(struct reader *r, const config_setting_t *group, const char *name,
	const struct word *words, int *out);
bool config_parse_ip(struct reader *r, const config_setting_t *s, const char *name, uint32_t *out);
/* A list or array of min to max elements; NULL with *ok true when absent. */
const config_setting_t *config_get_list(struct reader *r, const config_setting_t *group,
	const char *name, int min, int max, bool *ok);
bool config_get_ips(struct reader *r, const config_setting_t *group, const char *name, int min,
	int max, uint32_t *out, unsigned int *n);
/* Overwrites libconfig's own copies of all secrets of a file, which it frees as they are. */
void config_wipe_secrets(const config_t *cf);
/* Overwrites libconfig's own copy of a secret, which it frees as it is.  NULL is allowed. */
void config_wipe_string(const config_setting_t *s);

#endif
