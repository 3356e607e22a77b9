/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports by net_af_xdp: an XDP socket on each receive queue of an ordinary interface.  The frames
 * never reach the kernel's own stack, so the interface is no longer the host's.  Main lcore, before
 * EAL opens the device.
 */
#ifndef ADIT_DATAPLANE_PORT_XDP_H
#define ADIT_DATAPLANE_PORT_XDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/config.h"
#include "dataplane/iface.h"

/* A frame, what the kernel keeps in front of it, and the packet buffer's own head share one page. */
#define XDP_MTU_MAX    3392
#define XDP_HEADROOM   256 /* the kernel's, of a packet buffer's data room */
/* What the driver holds of packet buffers: its fill ring; its transmit and completion rings. */
#define XDP_RX_BUFFERS 2048
#define XDP_TX_BUFFERS (1024 + 2048)

struct xdp_channels {
	uint32_t rx, combined; /* before we came */
	bool changed;
};

bool xdp_is(const char *device);
/* The device with what the driver needs to be told besides: EAL's argument. */
void xdp_device(const struct config_port *cp, char *out, size_t len);
/* Says each reason why this port, one by net_af_xdp, can't be had; the number of them.  Changes
 * nothing, and needs no privileges: what it can't see without them it does not find. */
unsigned int xdp_check(
	const struct config *c, const struct config_port *cp, iface_say say, void *user);
/* Have the interface f (taken) receive on cp->queues queues, and no more than cp->mtu.  0, or a
 * negative errno after it was said. */
int xdp_take(const struct config_port *cp, const struct iface *f, struct xdp_channels *before,
	iface_say say, void *user);
void xdp_give_back(const struct iface *f, struct xdp_channels *before);

/* Of the kernel; tests have their own. */
struct xdp_kernel {
	int (*socket)(void); /* 0: it has XDP sockets, or a negative errno */
	bool (*may)(void);   /* this process may load XDP programs */
	int (*program)(
		const char *iface, char *name, size_t len);       /* of another's; 0: there is none,
								      1: its name, or -errno */
	bool (*in_use)(const char *iface, char *why, size_t len); /* as iface_in_use() */
};
extern struct xdp_kernel xdp_kernel;

#endif
