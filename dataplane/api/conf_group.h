/* SPDX-License-Identifier: BSD-3-Clause */
/* What both programs ask of a group in their configuration files.  Calling context: at start, and
 * when files are read again. */
#ifndef ADIT_DATAPLANE_API_CONF_GROUP_H
#define ADIT_DATAPLANE_API_CONF_GROUP_H

#include <libconfig.h>

/* Calls each() for every setting of group whose name is none of names (ends with NULL), with what to
 * say of it: "unknown setting ...", with the name that was probably meant.  text is valid during
 * the call. */
void conf_only_known(const config_setting_t *group, const char *const *names,
	void (*each)(void *user, const config_setting_t *unknown, const char *text), void *user);

#endif
