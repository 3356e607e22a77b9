/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin's end of the socket to adit-control: one thread connects, greets, lists what charon
 * has, and reads; any thread of charon asks.  Nobody waits longer than CHANNEL_TIMEOUT_MS, and
 * without control every question fails at once.
 */
#ifndef ADIT_PLUGIN_CHANNEL_H
#define ADIT_PLUGIN_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/ike/message.h"

#define CHANNEL_TIMEOUT_MS 3000

struct channel;

struct channel_ops {
	/* The connection stands: call each() for every pair that charon has.  The channel becomes
	 * ready before list() returns, so a lock that the caller holds meanwhile leaves no gap
	 * between what is listed and what is asked afterwards. */
	void (*list)(void *user,
		void (*each)(
			void *arg, uint32_t spi, uint32_t ike_sa, const struct ike_outer *outer),
		void (*ready)(void *arg), void *arg);
	/* IKE_EXPIRE and IKE_MAPPING, in the channel's thread. */
	void (*event)(void *user, const struct ike_message *m);
};

/* NULL: out of memory. */
struct channel *channel_create(const char *path, const struct channel_ops *ops, void *user);
void channel_destroy(struct channel *c);
/* Asks m (type, spi and body set) and waits: m becomes the answer.  0 or a negative errno:
 * control's own, -ENOTCONN, -ETIMEDOUT. */
int channel_ask(struct channel *c, struct ike_message *m);
/* Without an answer; false when there is nobody to tell. */
bool channel_tell(struct channel *c, struct ike_message *m);

#endif
