/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who gets to know of settings that change while the gateway runs (control/settings/change.h): the
 * parts of the gateway that hold copies of them, or something that was made of them.  All others
 * read the configuration, which changes in place.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_LIVE_H
#define ADIT_CONTROL_LIVE_H

#include "control/aaa/decide.h"
#include "control/ike/ike.h"
#include "control/session/session.h"
#include "control/settings/change.h"

/* The gateway's parts, borrowed. */
struct live {
	const struct config *cfg;
	struct aaa *aaa;
	struct ike *ike; /* NULL: IPsec is off */
	struct sessions *sessions;
	struct carrier *const *carriers;
	unsigned int n_carriers;
	/* Tells the data plane's edge what is served. */
	void (*edge)(void *user);
	void *user;
	struct live_carrier {
		struct carrier *carrier;
		const struct live *live;
	} of[PART_COUNT]; /* live_register()'s */
};

/* Registers them; l stays where it is. */
void live_register(struct live *l, struct settings *s);

#endif
