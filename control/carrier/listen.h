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

struct listener;

struct listeners {
	uv_loop_t *loop;
	struct handles *handles;
	struct refusals *refusals;
	const char *protocol; /* for the log */
	/* Somebody is to be uv_accept()ed. */
	void (*ready)(void *user, uv_stream_t *listener);
	void *user;
	unsigned int n; /* open */
	struct listener *open[CONFIG_MAX_LISTEN];
	/* What listeners_prepare() wants: those that are bound already, and others' descriptors. */
	struct {
		bool due;
		unsigned int n;
		uint32_t ip[CONFIG_MAX_LISTEN];
		int fd[CONFIG_MAX_LISTEN]; /* -1: it is open */
	} next;
};

/* At these addresses (host byte order) and this port; what is above n is set.  Connections inherit
 * TCP_NODELAY, and keepalive after a minute.  False: err says why, listeners_close() is due all the
 * same. */
bool listeners_open(struct listeners *l, const uint32_t *addresses, unsigned int n, uint16_t port,
	char *err, size_t errlen);
/* At these from now on, which may be none: binds what is new.  False: err says why, and nothing is
 * due; otherwise either of the following. */
bool listeners_prepare(struct listeners *l, const uint32_t *addresses, unsigned int n,
	uint16_t port, char *err, size_t errlen);
void listeners_change(struct listeners *l, uint16_t port);
void listeners_abort(struct listeners *l);
void listeners_close(struct listeners *l);
/* Where the listener listens, host byte order; 0: at any address. */
uint32_t listener_address(const uv_stream_t *listener);

#endif
