/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file of what operators set: it is written by adit-control's user and read by root.  What is
 * taken is written again, and taken again as the same; what it says is applied or refused.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/fnv.h"
#include "control/settings/config.h"
#include "control/settings/overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksum is right, so that what stands above it is looked at. */
static char *
with_checksum(const uint8_t *data, size_t size, size_t *len)
{
	char *text = malloc(size + 32);
	if (!text)
		abort();
	memcpy(text, data, size);
	*len = size + (size_t)sprintf(text + size, "end %016llx\n",
			      (unsigned long long)fnv(FNV_BEGIN, data, size));
	return text;
}

static void
take(const char *text, size_t len)
{
	static struct overlay a, b;
	char err[400];
	size_t n;
	if (!overlay_parse(&a, text, len, err, sizeof(err)))
		return;
	char *again = overlay_print(&a, &n);
	if (!again || !overlay_parse(&b, again, n, err, sizeof(err)) ||
		memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	free(again);
	struct config *c = config_defaults();
	if (!c)
		abort();
	overlay_apply(&a, c, err, sizeof(err));
	/* What root acts on is the file's alone. */
	if (strcmp(c->user, "adit") != 0 || strcmp(c->socket_path, "/run/adit/control.sock") != 0)
		abort();
	config_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	char *text = with_checksum(data, size, &len);
	take((const char *)data, size);
	take(text, len);
	free(text);
	return 0;
}
