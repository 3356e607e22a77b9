/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink and sysctl: what the kernel's tables say about our TAPs, and what we ask of it.  Main
 * lcore. */
#ifndef ADIT_DATAPLANE_NETLINK_H
#define ADIT_DATAPLANE_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_route_type { KERNEL_ROUTE_UNICAST, KERNEL_ROUTE_LOCAL, KERNEL_ROUTE_DROP };
/* A route of the kernel.  Addresses in host byte order. */
struct kernel_route {
	uint32_t ip, gateway; /* gateway 0: on the link */
	uint32_t metric;
	int oif;
	uint8_t depth, tos, type;
};

/* Who hears of the kernel's tables.  Calls come from within the functions below. */
struct netlink_listener {
	void (*route_add)(const struct kernel_route *r, bool replace);
	void (*route_del)(const struct kernel_route *r);
	/* mac NULL: not usable (any more); failed: the kernel gave up. */
	void (*neighbour)(int ifindex, uint32_t ip, const uint8_t *mac, bool failed);
	/* Between the two everything is told anew; what was not told is gone. */
	void (*resync_begin)(void);
	void (*resync_end)(void);
	/* Does it want to know that this interface goes up or down? */
	bool (*is_ours)(int ifindex);
};
/* Before all else. */
void netlink_listen(const struct netlink_listener *l);

/* Open the sockets and subscribe; the descriptor to poll, or a negative errno. */
int netlink_open(void);
void netlink_close(void);
/* Ask for everything: the listener hears of it.  0 or a negative errno. */
int netlink_dump(void);
/* Messages that the kernel has sent, len octets: the listener hears of them, what is cut off or not
 * understood is left out. */
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
