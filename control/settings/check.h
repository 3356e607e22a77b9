/* SPDX-License-Identifier: BSD-3-Clause */
/* What would fail later, or is dangerous, although the configuration file can be read (R27). */
#ifndef ADIT_CONTROL_SETTINGS_CHECK_H
#define ADIT_CONTROL_SETTINGS_CHECK_H

#include "control/settings/config.h"

enum check_weight {
	CHECK_FATAL,       /* adit-control does not start with it */
	CHECK_CERTIFICATE, /* it starts without certificates */
	CHECK_ERROR,       /* it starts; -t calls it an error */
	CHECK_WARNING,
};

/*
 * Looks at what the settings of c, read from the file at path, name: users, groups, files,
 * certificates, secrets, sizes; and, dataplane not NULL, at how they fit the data plane's file.
 * Calls each() with every finding, "file:line: reason"; no secret is in it.  c is not changed.
 */
void config_check(const struct config *c, const char *path, const char *dataplane,
	void (*each)(void *user, enum check_weight weight, const char *text), void *user);
/* The same when the file has been read already, without the data plane's. */
void config_check_text(const struct config *c, const char *path, const char *text,
	void (*each)(void *user, enum check_weight weight, const char *text), void *user);

#endif
