/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include <rte_common.h>
#include <rte_ether.h>

#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)
#define POLL_BATCH 64 /* datagrams handled in one turn of the main loop */

/* One socket listens; the other asks and waits for answers, so that events don't come in
 * between. */
static struct mnl_socket *events, *requests;
static unsigned int sequence;
static const struct netlink_listener *listener;
static bool resync; /* events were lost, or the kernel changed routes without saying so */

void
netlink_listen(const struct netlink_listener *l)
{
	listener = l;
}

static int
open_requests(void)
{
	struct timeval tv = {.tv_sec = 2};
	requests = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!requests || mnl_socket_bind(requests, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	setsockopt(mnl_socket_get_fd(requests), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return 0;
}

int
netlink_open(void)
{
	int size = 4 << 20;
	unsigned int groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_NEIGH;
	int rc = open_requests();
	if (rc)
		return rc;
	events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!events || mnl_socket_bind(events, groups, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return mnl_socket_get_fd(events);
}

void
netlink_close(void)
{
	if (events)
		mnl_socket_close(events);
	if (requests)
		mnl_socket_close(requests);
	events = requests = NULL;
}

/* ------------------------------------------------------------------ from the kernel */

/* Attributes of interest by their type, shorter or longer ones left out. */
static void
attributes(const struct nlmsghdr *nlh, size_t offset, const struct nlattr **tb, unsigned int max)
{
	const struct nlattr *a = mnl_nlmsg_get_payload_offset(nlh, offset);
	const char *end = (const char *)nlh + nlh->nlmsg_len;
	memset(tb, 0, (max + 1) * sizeof(*tb));
	/* Not mnl_attr_for_each(): its end is the aligned one. */
	for (; mnl_attr_ok(a, (int)(end - (const char *)a)); a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
}

static uint32_t
attr_u32(const struct nlattr *a, uint32_t otherwise)
{
	return a && mnl_attr_get_payload_len(a) >= sizeof(uint32_t) ? mnl_attr_get_u32(a)
								    : otherwise;
}

/* The first hop of a multipath route. */
static void
first_hop(const struct nlattr *multipath, struct kernel_route *r)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	if (mnl_attr_get_payload_len(multipath) < sizeof(*hop) ||
		hop->rtnh_len > mnl_attr_get_payload_len(multipath) || hop->rtnh_len < sizeof(*hop))
		return;
	r->oif = hop->rtnh_ifindex;
	const struct nlattr *a = (const struct nlattr *)(hop + 1);
	int left = (int)(hop->rtnh_len - sizeof(*hop));
	for (; mnl_attr_ok(a, left); left -= MNL_ALIGN(a->nla_len), a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			r->gateway = ntohl(attr_u32(a, 0));
}

static void
on_route(const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) || rtm->rtm_family != AF_INET ||
		rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_dst_len > 32)
		return;
	attributes(nlh, sizeof(*rtm), tb, RTA_MAX);
	uint32_t table = attr_u32(tb[RTA_TABLE], rtm->rtm_table);
	if (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL)
		return;
	struct kernel_route r = {
		.ip = ntohl(attr_u32(tb[RTA_DST], 0)),
		.depth = rtm->rtm_dst_len,
		.tos = rtm->rtm_tos,
		.oif = (int)attr_u32(tb[RTA_OIF], 0),
		.gateway = ntohl(attr_u32(tb[RTA_GATEWAY], 0)),
		.metric = attr_u32(tb[RTA_PRIORITY], 0),
	};
	if (tb[RTA_MULTIPATH])
		first_hop(tb[RTA_MULTIPATH], &r);
	if (tb[RTA_VIA])
		r.oif = 0; /* by an IPv6 gateway: not ours */
	r.type = rtm->rtm_type == RTN_LOCAL     ? KERNEL_ROUTE_LOCAL
		 : rtm->rtm_type == RTN_UNICAST ? KERNEL_ROUTE_UNICAST
						: KERNEL_ROUTE_DROP;
	if (nlh->nlmsg_type == RTM_DELROUTE)
		listener->route_del(&r);
	else
		listener->route_add(&r, nlh->nlmsg_flags & NLM_F_REPLACE);
}

static void
on_neighbour(const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) || ndm->ndm_family != AF_INET ||
		ndm->ndm_flags & NTF_PROXY || ndm->ndm_state & NUD_NOARP)
		return;
	attributes(nlh, sizeof(*ndm), tb, NDA_MAX);
	const struct nlattr *ll = tb[NDA_LLADDR];
	uint32_t ip = ntohl(attr_u32(tb[NDA_DST], 0));
	bool usable = nlh->nlmsg_type == RTM_NEWNEIGH && ndm->ndm_state & NUD_USABLE && ll &&
		      mnl_attr_get_payload_len(ll) == RTE_ETHER_ADDR_LEN;
	bool failed = nlh->nlmsg_type == RTM_NEWNEIGH && ndm->ndm_state & NUD_FAILED;
	if (ip)
		listener->neighbour(
			ndm->ndm_ifindex, ip, usable ? mnl_attr_get_payload(ll) : NULL, failed);
}

static int
on_message(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi;
	(void)data;
	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(nlh);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbour(nlh);
		break;
	case RTM_DELADDR:
		resync = true; /* the kernel drops routes of this source address silently */
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		ifi = mnl_nlmsg_get_payload(nlh);
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*ifi) &&
			listener->is_ours(ifi->ifi_index))
			resync = true; /* and routes of an interface that goes down */
		break;
	}
	return MNL_CB_OK;
}

void
netlink_input(const void *messages, size_t len)
{
	const uint8_t *at = messages;

	/* Not by libmnl: a length of 2^31 and more is negative to it. */
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)at;
		if (nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > len)
			break;
		on_message(nlh, NULL);
		size_t step = RTE_MIN((size_t)MNL_ALIGN(nlh->nlmsg_len), len);
		at += step;
		len -= step;
	}
}

static int
dump(uint16_t type)
{
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *g;
	ssize_t n;
	int rc = MNL_CB_OK;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++sequence;
	g = mnl_nlmsg_put_extra_header(
		nlh, type == RTM_GETROUTE ? sizeof(struct rtmsg) : sizeof(struct ndmsg));
	g->rtgen_family = AF_INET;
	if (mnl_socket_sendto(requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	unsigned int seq = sequence;
	while (rc == MNL_CB_OK) {
		n = mnl_socket_recvfrom(requests, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(
			buf, (size_t)n, seq, mnl_socket_get_portid(requests), on_message, NULL);
	}
	return rc < 0 ? -errno : 0;
}

int
netlink_dump(void)
{
	resync = false;
	listener->resync_begin();
	int rc = dump(RTM_GETROUTE);
	if (rc == 0)
		rc = dump(RTM_GETNEIGH);
	if (rc == 0)
		listener->resync_end();
	else
		resync = true;
	return rc;
}

void
netlink_poll(void)
{
	char buf[16384];
	for (unsigned int i = 0; i < POLL_BATCH; i++) {
		ssize_t n = mnl_socket_recvfrom(events, buf, sizeof(buf));
		if (n < 0) {
			if (errno == ENOBUFS)
				resync = true;
			break;
		}
		netlink_input(buf, (size_t)n);
	}
	if (resync)
		netlink_dump();
}

/* ------------------------------------------------------------------ to the kernel */

static struct nlmsghdr *
request(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++sequence;
	return nlh;
}

static int
ask(const struct nlmsghdr *nlh)
{
	char buf[8192];
	unsigned int seq = nlh->nlmsg_seq;
	if (!requests)
		return -ENOTCONN;
	if (mnl_socket_sendto(requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(requests, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		const struct nlmsghdr *answer = (const struct nlmsghdr *)buf;
		if ((size_t)n >= sizeof(*answer) && answer->nlmsg_seq != seq)
			continue; /* late answer of a request that timed out */
		if (mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(requests), NULL, NULL) <
			0)
			return -errno;
		return 0;
	}
}

static int
address(uint16_t type, uint16_t flags, int ifindex, uint32_t ip, uint8_t prefix)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, type, flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = prefix;
	ifa->ifa_index = (uint32_t)ifindex;
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(ip));
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(ip));
	if (prefix < 31)
		mnl_attr_put_u32(nlh, IFA_BROADCAST, htonl(ip | (UINT32_MAX >> prefix)));
	return ask(nlh);
}

int
netlink_address_add(int ifindex, uint32_t ip, uint8_t prefix)
{
	return address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, ip, prefix);
}

int
netlink_address_del(int ifindex, uint32_t ip, uint8_t prefix)
{
	return address(RTM_DELADDR, 0, ifindex, ip, prefix);
}

static int
route(uint16_t type, uint16_t flags, int ifindex, uint32_t ip, uint8_t prefix, uint32_t gateway)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = prefix;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	if (prefix)
		mnl_attr_put_u32(nlh, RTA_DST, htonl(ip));
	if (gateway)
		mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(gateway));
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)ifindex);
	return ask(nlh);
}

int
netlink_route_add(int ifindex, uint32_t ip, uint8_t prefix, uint32_t gateway)
{
	return route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex, ip, prefix, gateway);
}

int
netlink_route_del(int ifindex, uint32_t ip, uint8_t prefix, uint32_t gateway)
{
	return route(RTM_DELROUTE, 0, ifindex, ip, prefix, gateway);
}

static int
neighbour(uint16_t type, uint16_t flags, int ifindex, uint32_t ip, uint8_t ntf)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = ifindex;
	ndm->ndm_state = ntf & NTF_PROXY ? NUD_PERMANENT : NUD_NONE;
	ndm->ndm_flags = ntf;
	mnl_attr_put_u32(nlh, NDA_DST, htonl(ip));
	return ask(nlh);
}

int
netlink_proxy(int ifindex, uint32_t ip, bool add)
{
	return add ? neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, ip, NTF_PROXY)
		   : neighbour(RTM_DELNEIGH, 0, ifindex, ip, NTF_PROXY);
}

int
netlink_resolve(int ifindex, uint32_t ip)
{
	return neighbour(RTM_NEWNEIGH, NLM_F_CREATE, ifindex, ip, NTF_USE);
}

/* ------------------------------------------------------------------ sysctl */

static bool
write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

void
sysctl_set(struct sysctl_saved *saved, const char *family, const char *iface, const char *name,
	const char *value)
{
	snprintf(saved->path, sizeof(saved->path), "/proc/sys/net/%s/%s/%s", family, iface, name);
	int fd = open(saved->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, saved->value, sizeof(saved->value) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0)
		saved->value[n] = '\0';
	if (n <= 0 || !write_file(saved->path, value))
		saved->path[0] = '\0';
}

void
sysctl_restore(struct sysctl_saved *saved)
{
	if (saved->path[0])
		write_file(saved->path, saved->value);
	saved->path[0] = '\0';
}
