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
};

/* At these addresses (host byte order) and this port; what is above n is set.  False: err says why,
 * listeners_close() is due all the same. */
bool listeners_open(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	const char *protocol, char *err, size_t errlen);
void listeners_close(struct listeners *l);

#endif
