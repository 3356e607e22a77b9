/* SPDX-License-Identifier: BSD-3-Clause */
/* Does the host itself talk through an interface of its own?  Who takes such an interface away may
 * take away his own way to the machine. */
#ifndef ADIT_DATAPLANE_IFACE_USE_H
#define ADIT_DATAPLANE_IFACE_USE_H

#include <ifaddrs.h>
#include <stdbool.h>
#include <stddef.h>

/* What the kernel says about the host. */
struct host_view {
	const char *root;                /* in front of /proc and /sys: "", but in tests */
	const struct ifaddrs *addresses; /* of all interfaces; borrowed */
};

/* True: a default route, IPv4 or IPv6, leads through the interface, or an established TCP connection
 * has its address; also by way of a bridge, bond, VLAN or macvlan on top of it.  why: which, in words.
 */
bool iface_in_use(const struct host_view *v, const char *iface, char *why, size_t why_len);

#endif
