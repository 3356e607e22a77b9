/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/conf_group.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/api/conf_text.h"

void
conf_only_known(const config_setting_t *group, const char *const *names,
	void (*each)(void *user, const config_setting_t *unknown, const char *text), void *user)
{
	char text[256];

	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const char *name = config_setting_name(s), *like;
		const char *const *n = names;
		while (*n && strcmp(*n, name) != 0)
			n++;
		if (*n)
			continue;
		like = conf_nearest(name, names);
		snprintf(text, sizeof(text), "unknown setting \"%s\"%s%s%s", name,
			like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
		each(user, s, text);
	}
}
