/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What operators set while adit-control runs, and the file in which that is kept (control.overlay):
 *
 *	adit-overlay 1 REVISION
 *	NAME TAB SECONDS-SINCE-1970 TAB WHO TAB VALUE      for each
 *	end CHECKSUM
 *
 * It is written whole beside its place and renamed, so that a kill at any point leaves the old one
 * or the new one; no secret is in it.  adit-control reads it as root, but the user that it becomes
 * may write it: so it can't hold what root acts on (setting_settable()).
 */
#ifndef ADIT_CONTROL_SETTINGS_OVERLAY_H
#define ADIT_CONTROL_SETTINGS_OVERLAY_H

#include "control/settings/table.h"

#define OVERLAY_VALUE_MAX 1100
#define OVERLAY_WHO_MAX   48
#define OVERLAY_FILE_MAX  (SETTINGS_MAX * (OVERLAY_VALUE_MAX + 256))

struct overlay_entry {
	bool set, kept; /* not kept: until adit-control ends */
	int64_t when;   /* seconds since 1970 */
	char who[OVERLAY_WHO_MAX];
	char value[OVERLAY_VALUE_MAX]; /* as field_parse() takes it */
};

struct overlay {
	uint64_t revision;                          /* one more with each change */
	struct overlay_entry entries[SETTINGS_MAX]; /* by setting_number() */
};

/* Pure, of any octets.  False and "LINE: reason" in err; o is undefined then. */
bool overlay_parse(struct overlay *o, const char *text, size_t len, char *err, size_t errlen);
/* The file's text (malloc()ed) with its length, or NULL. */
char *overlay_print(const struct overlay *o, size_t *len);

/* A file that is not there is empty.  False and "FILE:LINE: reason". */
bool overlay_load(struct overlay *o, const char *path, char *err, size_t errlen);
/* False and the reason with its remedy: the old one is there then. */
bool overlay_save(const struct overlay *o, const char *path, char *err, size_t errlen);

/* A value for the row. false: does not fit. */
bool overlay_put(struct overlay *o, const struct setting *row, const char *value, const char *who,
	int64_t when, bool kept);
void overlay_drop(struct overlay *o, const struct setting *row);

struct config;
/* Over what the file says.  False and "NAME: reason". */
bool overlay_apply(const struct overlay *o, struct config *c, char *err, size_t errlen);

#endif
