/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Established tunnels and their sessions as plain data, for a process that goes on with them after
 * this one (D7, T19).  No secret is in it.  Host byte order.  The struct is kept where it outlives
 * its writer, and grows at its end only (JOURNAL_VERSION).
 */
#ifndef ADIT_CONTROL_L2TP_IMAGE_H
#define ADIT_CONTROL_L2TP_IMAGE_H

#include <assert.h>

#include "control/l2tp/server.h"

struct l2tp_tunnel_image {
	/* As struct l2tp_path. */
	uint32_t peer, server_ip, peer_ip;
	uint16_t server_port, peer_port;
	uint16_t id, peer_id;
	/* Delivery (section 5.8): messages first_ns and on, of which so many are not acknowledged,
	 * and the number that is expected. */
	uint16_t first_ns, unacknowledged, nr, peer_window;
	uint32_t reserved0;
	uint64_t opened_ms, established_ms;
	uint8_t had_session; /* 0 or 1 */
	char host[65];       /* printable, NUL-terminated */
	uint8_t reserved1[6];
};
static_assert(sizeof(struct l2tp_tunnel_image) == 120, "no padding: all of it is shared");

struct l2tp_session_image {
	uint32_t server_ip, peer; /* of its tunnel's path */
	uint16_t tunnel_id, peer_tunnel_id;
	uint16_t our_id, peer_id;
};

/*
 * An established tunnel that goes on; the image may be hostile.  What was not acknowledged is sent
 * again under the same numbers as HELLO, which asks for nothing but an acknowledgement: a peer that
 * has the original takes it for a repetition.  HELLO comes within one interval, spread at random.
 * place: what tunnel_save() gets.  False: not a valid image, the ID is in use, or no memory.
 */
bool l2tp_tunnel_restore(struct l2tp_server *s, const struct l2tp_tunnel_image *image,
	uint32_t place, uint64_t now_ms);
/* A connected session of a restored tunnel, for which `session` goes to the callbacks; *path is
 * filled.  False: there is no such tunnel, it has such a session, or no memory. */
bool l2tp_session_restore(struct l2tp_server *s, const struct l2tp_session_image *image,
	void *session, struct l2tp_path *path, uint64_t now_ms);
/* A session of an earlier process that is not restored: CDN, if there is such a tunnel. */
void l2tp_session_reject(struct l2tp_server *s, const struct l2tp_session_image *image,
	enum refusal_code why, uint64_t now_ms);

#endif
