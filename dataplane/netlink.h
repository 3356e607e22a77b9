/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink and sysctl: what the kernel's tables say about our TAPs, and what we ask of it.  Main
 * lcore. */
#ifndef ADIT_DATAPLANE_NETLINK_H
#define ADIT_DATAPLANE_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open the sockets and subscribe; the descriptor to poll, or a negative errno. */
int netlink_open(void);
void netlink_close(void);
/* Ask for everything: routes and neighbours reach route.h's functions.  0 or a negative errno. */
int netlink_dump(void);
/* Messages that the kernel has sent, len octets: routes and neighbours reach route.h's functions,
 * what is cut off or not understood is left out. */
void netlink_input(const void *messages, size_t len);
/* Handle what has come.  Never blocks.  After an overrun of the socket everything is asked for
 * again. */
void netlink_poll(void);

/* Requests; 0 or a negative errno, of the kernel where it is asked.  Addresses in host byte
 * order. */
int netlink_address_add(int ifindex, uint32_t ip, uint8_t prefix);
int netlink_address_del(int ifindex, uint32_t ip, uint8_t prefix);
/* gateway 0: the destination is on the link itself */
int netlink_route_add(int ifindex, uint32_t ip, uint8_t prefix, uint32_t gateway);
int netlink_route_del(int ifindex, uint32_t ip, uint8_t prefix, uint32_t gateway);
/* Answer ARP requests for ip on this interface, or no longer. */
int netlink_proxy(int ifindex, uint32_t ip, bool add);
/* Have the kernel find the hardware address of a neighbour. */
int netlink_resolve(int ifindex, uint32_t ip);

/* A setting below /proc/sys/net/ with the value that it had. */
struct sysctl_saved {
	char path[128]; /* "": nothing to restore */
	char value[32];
};
/* Write e.g. ipv4/conf, IFACE, rp_filter.  What does not exist is left alone. */
void sysctl_set(struct sysctl_saved *saved, const char *family, const char *iface, const char *name,
	const char *value);
void sysctl_restore(struct sysctl_saved *saved);

#endif
