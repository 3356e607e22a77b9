/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordinary interface of the kernel's under a net_af_packet or net_af_xdp port.  Its addresses
 * live on the TAP twin, and its frames are the data plane's: what the kernel does with them besides
 * is switched off while the port is open, or said.  Main lcore.
 */
#ifndef ADIT_DATAPLANE_IFACE_H
#define ADIT_DATAPLANE_IFACE_H

#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/netlink.h"

#define IFACE_FEATURES 5 /* that join frames before anybody sees them */

struct iface {
	char name[IF_NAMESIZE]; /* "": the port is none of these */
	struct sysctl_saved saved[4];
	bool off[IFACE_FEATURES]; /* switched off by us */
	int mtu;                  /* before we came, 0: unknown */
};

/* Bring it up, shield it from the kernel's own stack, switch off what joins frames, and say on
 * stderr what else is wrong.  0 or a negative errno. */
int iface_take(struct iface *f, const char *port);
/* The driver has been told the port's MTU: say what became of it. */
void iface_check_mtu(const struct iface *f, const char *port, unsigned int mtu);
/* What iface_take() and the driver have changed. */
void iface_give_back(struct iface *f);
/* Is there a carrier?  True where nobody knows. */
bool iface_runs(const struct iface *f);

/* Each of these says in words what it finds, and how it is mended. */
typedef void (*iface_say)(void *user, const char *text);
void iface_tell(iface_say say, void *user, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Switch off what joins frames; f->off: what was. */
void iface_features_off(struct iface *f, iface_say say, void *user);
/* IPv4 addresses of the interface's own. */
void iface_check_addresses(
	const struct iface *f, const struct ifaddrs *all, iface_say say, void *user);
/* routes: in the form of /proc/net/route. */
void iface_check_routes(const struct iface *f, FILE *routes, iface_say say, void *user);
/* SIOCETHTOOL with a structure of linux/ethtool.h: 0 or a negative errno.  Tests have their own. */
extern int (*iface_ethtool)(const char *name, void *request);

#endif
