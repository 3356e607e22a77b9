/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin itself.  It is built against the headers of one version of strongSwan, so it refuses
 * to work in another: calls would go to the wrong methods.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <daemon.h>
#include <library.h>
#include <plugins/plugin.h>

#include "ipsec.h"

/* The symbol that charon looks for in libstrongswan-kernel-adit.so. */
plugin_t *kernel_adit_plugin_create(void);

static char *
plugin_name(plugin_t *this)
{
	(void)this;
	return "kernel-adit";
}

static int
plugin_features(plugin_t *this, plugin_feature_t *features[])
{
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK(kernel_ipsec_register, adit_ipsec_create),
		PLUGIN_PROVIDE(CUSTOM, "kernel-ipsec"),
	};

	(void)this;
	*features = f;
	return countof(f);
}

static void
plugin_destroy(plugin_t *this)
{
	free(this);
}

/* charon's own version stands as a string of its own in its program. */
static bool
same_version(void)
{
	static const char wanted[] = "\0" ADIT_STRONGSWAN;
	char buf[65536];
	size_t n, kept = 0;
	bool found = false;
	FILE *f = fopen("/proc/self/exe", "rb");

	if (!f)
		return false;
	while (!found && (n = fread(buf + kept, 1, sizeof(buf) - kept, f)) > 0) {
		n += kept;
		found = memmem(buf, n, wanted, sizeof(wanted)) != NULL;
		kept = n < sizeof(wanted) ? n : sizeof(wanted);
		memmove(buf, buf + n - kept, kept);
	}
	fclose(f);
	return found;
}

plugin_t *
kernel_adit_plugin_create(void)
{
	plugin_t *this;

	if (!same_version()) {
		DBG1(DBG_LIB, "kernel-adit: this charon is not strongSwan " ADIT_STRONGSWAN
			      ", for which the plugin was built; run Adit's setup again");
		return NULL;
	}
	this = calloc(1, sizeof(*this));
	if (!this)
		return NULL;
	*this = (plugin_t){.get_name = plugin_name,
		.get_features = plugin_features,
		.destroy = plugin_destroy};
	return this;
}
