/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control's end of the socket that charon's plugin connects to (control/ike/plugin/channel.h is the
 * other).  One plugin at a time; its credentials are checked, its records too, bad ones counted.
 * Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_IKE_CHANNEL_H
#define ADIT_CONTROL_IKE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "control/ike/message.h"

struct channel;

struct channel_ops {
	/* 0, or a negative errno: the plugin is sent away. */
	int (*hello)(void *user, const struct ike_message *m);
	/* A checked record of any other type; what has an id is to be answered, now or later. */
	void (*record)(void *user, const struct ike_message *m);
	/* The plugin is gone: nobody waits for answers any more. */
	void (*lost)(void *user);
};

struct channel_stats {
	bool connected;
	uint64_t accepted, refused_credentials, refused_busy;
	uint64_t bad_records;
	uint64_t send_failed; /* the plugin does not read */
};

/* Listens at path, which is replaced.  ops are borrowed.  NULL and a message in err. */
struct channel *channel_open(uv_loop_t *loop, const char *path, const struct channel_ops *ops,
	void *user, char *err, size_t errlen);
/* closed(user) is called from the loop when the memory is given back.  The path is removed when
 * that is still allowed. */
void channel_close(struct channel *c, void (*closed)(void *user));
/* A user besides root and this process's own that may be the plugin. */
bool channel_allow(struct channel *c, uid_t uid);
bool channel_connected(const struct channel *c);
/* The answer to the request `id`; nothing when its plugin is gone. */
void channel_answer(struct channel *c, uint64_t id, int error, const struct ike_message *body);
/* IKE_EXPIRE, IKE_MAPPING: type, spi and body are set.  False when there is no plugin. */
bool channel_send(struct channel *c, struct ike_message *m);
void channel_stats(const struct channel *c, struct channel_stats *out);

#endif
