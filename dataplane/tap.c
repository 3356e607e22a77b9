/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dataplane/answered.h"
#include "dataplane/api/port.h"
#include "dataplane/clock.h"
#include "dataplane/config.h"
#include "dataplane/flow.h"
#include "dataplane/netlink.h"
#include "dataplane/route.h"
#include "dataplane/segment.h"
#include "dataplane/worker.h"
#include "nat/reassembly.h"

#define READ_BURST     64
#define WRITE_SEGMENTS REASSEMBLY_FRAGMENTS
#define INNER_MTU \
	1400 /* what fits every tunnel; larger packets of others meet session_downlink's check */

static int inner_fd = -1;
static struct rte_mempool *mbufs;
static void (*before_frame)(void);

static int
tun_create(const char *name, short flags)
{
	struct ifreq ifr = {.ifr_flags = (short)(flags | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Hardware address (NULL: none), MTU, no IPv6, up.  The interface's index or a negative errno. */
static int
bring_up(const char *name, const struct rte_ether_addr *mac, int mtu)
{
	struct sysctl_saved unused;
	struct ifreq ifr = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	if (s < 0)
		return -errno;
	sysctl_set(&unused, "ipv6/conf", name, "disable_ipv6", "1");
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (mac) {
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof(*mac));
		rc = ioctl(s, SIOCSIFHWADDR, &ifr);
	}
	ifr.ifr_mtu = mtu;
	if (rc == 0)
		rc = ioctl(s, SIOCSIFMTU, &ifr);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (rc == 0)
		rc = ioctl(s, SIOCSIFFLAGS, &ifr);
	if (rc == 0)
		rc = ioctl(s, SIOCGIFINDEX, &ifr);
	rc = rc < 0 ? -errno : ifr.ifr_ifindex;
	close(s);
	return rc;
}

static int
open_one(const char *name, short flags, const struct rte_ether_addr *mac, int mtu, int *fd,
	int *ifindex)
{
	int rc = *fd = tun_create(name, flags);
	if (rc >= 0)
		rc = *ifindex = bring_up(name, mac, mtu);
	if (rc >= 0)
		return 0;
	fprintf(stderr, "adit-dataplane: %s %s: %s\n", flags & IFF_TAP ? "TAP" : "TUN", name,
		rc == -EBUSY    ? "in use, by another data plane?"
		: rc == -EINVAL ? "there is another interface of this name"
				: strerror(-rc));
	return rc;
}

int
taps_open(struct rte_mempool *pool)
{
	mbufs = pool;
	for (unsigned int i = 0; i < n_ports; i++) {
		struct port *p = &ports[i];
		struct sysctl_saved unused;
		int rc = open_one(p->name, IFF_TAP, &p->mac, p->mtu, &p->tap_fd, &p->ifindex);
		if (rc)
			return rc;
		/* The kernel answers for proxied neighbours only on an interface that forwards. */
		if (config.ports[i].proxy_arp)
			sysctl_set(&unused, "ipv4/conf", p->name, "forwarding", "1");
	}
	return open_one(
		config.inner_name, IFF_TUN, NULL, INNER_MTU, &inner_fd, &route_inner_ifindex);
}

static int
configure_port(const struct config_port *cp, const struct port *p)
{
	int rc = 0;
	for (unsigned int i = 0; rc == 0 && i < cp->n_addresses; i++)
		rc = netlink_address_add(p->ifindex, cp->addresses[i].ip, cp->addresses[i].prefix);
	if (rc == 0 && cp->gateway)
		rc = netlink_route_add(p->ifindex, 0, 0, cp->gateway);
	if (rc)
		fprintf(stderr, "adit-dataplane: port %s: addresses and gateway: %s\n", p->name,
			strerror(-rc));
	return rc;
}

int
taps_configure(int epoll_fd, void (*before)(void))
{
	before_frame = before;
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = inner_fd};
	int rc = epoll_ctl(epoll_fd, EPOLL_CTL_ADD, inner_fd, &ev) < 0 ? -errno : 0;
	for (unsigned int i = 0; rc == 0 && i < n_ports; i++) {
		ev.data.fd = ports[i].tap_fd;
		rc = epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ports[i].tap_fd, &ev) < 0 ? -errno : 0;
		if (rc == 0)
			rc = configure_port(&config.ports[i], &ports[i]);
	}
	return rc;
}

void
taps_close(void)
{
	for (unsigned int i = 0; i < n_ports; i++) {
		if (ports[i].tap_fd >= 0)
			close(ports[i].tap_fd);
		ports[i].tap_fd = -1;
	}
	if (inner_fd >= 0)
		close(inner_fd);
	inner_fd = -1;
}

static void
write_out(int fd, struct rte_mbuf *m)
{
	struct iovec iov[WRITE_SEGMENTS];
	int n = 0;

	for (struct rte_mbuf *s = m; s != NULL && n < WRITE_SEGMENTS; s = s->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	if (m->nb_segs > WRITE_SEGMENTS || writev(fd, iov, n) < 0)
		main_drop(m, DROP_tap_full);
	else
		rte_pktmbuf_free(m);
}

void
tap_write(uint8_t port, struct rte_mbuf *m)
{
	if (port < n_ports)
		write_out(ports[port].tap_fd, m);
	else
		main_drop(m, DROP_tap_full);
}

void
inner_write(struct rte_mbuf *m)
{
	write_out(inner_fd, m);
}

/* What the kernel says decides what may come in. */
static void
hear(enum stage stage, uint8_t port, const uint8_t *data, uint32_t len)
{
	uint64_t now_us = clock_us(rte_rdtsc());

	if (stage == STAGE_IP) {
		flow_note_inner(data, len, now_us);
	} else if (ports[port].role == PORT_WAN) {
		answered_note(data, len);
		flow_note_port(port, data, len, now_us);
	}
}

/* One frame or packet to worker w.  False: nothing to read. */
static bool
read_one(int fd, struct worker *w, uint8_t port, enum stage stage)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	if (!m)
		return false; /* the kernel keeps it; try again later */
	ssize_t n = read(fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
	if (n <= 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	before_frame();
	rte_pktmbuf_append(m, (uint16_t)n);
	struct pkt_meta *meta = pkt_meta(m);
	memset(meta, 0, sizeof(*meta));
	meta->stage = stage;
	meta->port = port;
	hear(stage, port, rte_pktmbuf_mtod(m, const uint8_t *), (uint32_t)n);
	if (rte_ring_sp_enqueue(w->from_main, m) != 0)
		main_drop(m, DROP_handoff_full);
	return true;
}

bool
tap_event(int fd, unsigned int *n)
{
	if (fd == inner_fd) {
		for (unsigned int k = 0; k < READ_BURST && read_one(fd, &workers[0], 0, STAGE_IP);
			k++)
			++*n;
		return true;
	}
	for (unsigned int i = 0; i < n_ports; i++) {
		if (ports[i].tap_fd != fd)
			continue;
		struct worker *w = &workers[workers[0].tx_worker[i]];
		for (unsigned int k = 0; k < READ_BURST && read_one(fd, w, (uint8_t)i, STAGE_PORT);
			k++)
			++*n;
		return true;
	}
	return false;
}
