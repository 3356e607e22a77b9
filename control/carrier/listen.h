/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP listeners of a carrier.  Calling context: adit-control's loop. */
#ifndef ADIT_CONTROL_CARRIER_LISTEN_H
#define ADIT_CONTROL_CARRIER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/core/handles.h"
#include "control/core/refuse.h"
#include "control/settings/config.h"

struct listeners {
	uv_loop_t *loop;
	struct handles *handles;
	struct refusals *refusals;
	/* Somebody is to be uv_accept()ed. */
	void (*ready)(void *user, uv_stream_t *listener);
	void *user;
	unsigned int n; /* open */
	uv_tcp_t tcp[CONFIG_MAX_LISTEN];
	uint32_t addresses[CONFIG_MAX_LISTEN]; /* 0: any */
};

/* At these addresses (host byte order) and this port; what is above n is set.  Connections inherit
 * TCP_NODELAY, and keepalive after a minute.  False: err says why, listeners_close() is due all the
 * same. */
bool listeners_open(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	const char *protocol, char *err, size_t errlen);
/* Where the listener listens, host byte order; 0: at any address. */
uint32_t listener_address(const uv_stream_t *listener);
void listeners_close(struct listeners *l);

#endif
