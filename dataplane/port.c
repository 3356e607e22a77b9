/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_jhash.h>
#include <rte_thash.h>

#include "dataplane/buffers.h"
#include "dataplane/config.h"
#include "dataplane/frames.h"
#include "dataplane/iface.h"
#include "dataplane/port_xdp.h"
#include "dataplane/worker.h"

#define KEY_MAX  64
#define RETA_MAX RTE_ETH_RSS_RETA_SIZE_512

struct port ports[SEGMENT_MAX_PORTS];
unsigned int n_ports;

/* The main lcore's side of a port. */
static struct port_state {
	int claim;                    /* descriptor that holds the claim, 0: none */
	struct iface iface;           /* under a packet socket or an XDP socket */
	struct xdp_channels channels; /* of it */
	bool open, started, rss;
	uint8_t first_worker; /* of rx queue 0 */
	uint16_t reta_size;
	uint16_t reta[RETA_MAX]; /* rx queue */
} states[SEGMENT_MAX_PORTS];

/* Our own key, so that main can compute what the device will do.  The octets are those every driver
 * manual shows. */
static uint8_t rss_key[KEY_MAX] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25,
	0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb,
	0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

/* An abstract socket's name exists once in a network namespace and goes with its process. */
static int
claim_name(const char *what)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int n = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "adit-dataplane/%s", what);
	if (n >= (int)sizeof(sa.sun_path) - 1)
		n = sizeof(sa.sun_path) - 2;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static void
say_of_iface(void *user, const char *text)
{
	const struct config_port *cp = user;
	char iface[IF_NAMESIZE] = "?";
	frames_iface(cp->device, iface, sizeof(iface));
	fprintf(stderr, "adit-dataplane: port %s: interface %s: %s\n", cp->name, iface, text);
}

/* Before anything is changed on any interface. */
static int
check_xdp(void)
{
	unsigned int found = 0;
	for (unsigned int i = 0; i < config.n_ports; i++)
		if (xdp_is(config.ports[i].device))
			found += xdp_check(
				&config, &config.ports[i], say_of_iface, &config.ports[i]);
	return found ? -EINVAL : 0;
}

static int
take_iface(struct port_state *st, struct config_port *cp)
{
	int rc = iface_take(&st->iface, cp->name);
	if (rc == 0 && xdp_is(cp->device))
		rc = xdp_take(cp, &st->iface, &st->channels, say_of_iface, cp);
	return rc;
}

int
ports_claim(void)
{
	int rc = check_xdp();
	if (rc)
		return rc;
	for (unsigned int i = 0; i < config.n_ports; i++) {
		struct config_port *cp = &config.ports[i];
		struct port_state *st = &states[i];
		bool on_iface = frames_iface(cp->device, st->iface.name, sizeof(st->iface.name));
		st->claim = claim_name(on_iface ? st->iface.name : cp->device);
		if (st->claim < 0) {
			fprintf(stderr,
				"adit-dataplane: port %s: device %s is in use by another data "
				"plane\n",
				cp->name, cp->device);
			st->claim = 0;
			return -EBUSY;
		}
		char err[256];
		if (!frames_check(cp, err, sizeof(err))) {
			fprintf(stderr, "adit-dataplane: %s\n", err);
			return -EINVAL;
		}
		if (!on_iface)
			continue;
		rc = take_iface(st, cp);
		if (rc)
			return rc;
	}
	return 0;
}

static int
find_device(const struct config_port *cp, uint16_t *id)
{
	char name[CONFIG_STRING];
	snprintf(name, sizeof(name), "%s%.*s", cp->pci && strlen(cp->device) < 12 ? "0000:" : "",
		(int)strcspn(cp->device, ","), cp->device);
	return rte_eth_dev_get_port_by_name(name, id);
}

/* Receive queues go to workers in turn, all ports in one sequence. */
static int
spread_queues(struct port *p, struct port_state *st, uint16_t n_tx)
{
	static unsigned int turn;
	st->first_worker = (uint8_t)(turn % n_workers);
	for (uint16_t q = 0; q < p->n_queues; q++) {
		struct worker *w = &workers[turn++ % n_workers];
		if (w->n_queues == RTE_DIM(w->queues))
			return -ENOSPC;
		w->queues[w->n_queues].port = p->index;
		w->queues[w->n_queues++].queue = q;
	}
	for (unsigned int i = 0; i < n_workers; i++) {
		struct worker *w = &workers[i];
		unsigned int q = (i + n_workers - st->first_worker) % n_workers;
		w->tx_queues[p->index] = q < n_tx ? (uint16_t)q : NO_TX_QUEUE;
		w->tx_worker[p->index] = (uint8_t)((st->first_worker + q % n_tx) % n_workers);
	}
	return 0;
}

static void
configure_rss(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, struct port_state *st)
{
	uint64_t hf = info->flow_type_rss_offloads &
		      (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER);
	if (!(hf & RTE_ETH_RSS_IPV4) || info->hash_key_size > KEY_MAX)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = hf;
	conf->rx_adv_conf.rss_conf.rss_key = rss_key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size ? info->hash_key_size : 40;
	st->rss = true;
}

/* Without a table that we know, the owner of a session can't be computed: by a hash of ours
 * then. */
static void
program_reta(struct port *p, struct port_state *st, uint16_t size)
{
	struct rte_eth_rss_reta_entry64 reta[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};
	if (size == 0 || size > RETA_MAX || (size & (size - 1))) {
		st->rss = false;
		return;
	}
	for (uint16_t i = 0; i < size; i++) {
		st->reta[i] = i % p->n_queues;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << i % RTE_ETH_RETA_GROUP_SIZE;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = st->reta[i];
	}
	st->reta_size = size;
	st->rss = rte_eth_dev_rss_reta_update(p->ethdev, reta, size) == 0;
}

static int
setup_queues(const struct port *p, uint16_t n_tx, struct rte_mempool *pool)
{
	uint16_t n_rxd = PORT_DESCRIPTORS, n_txd = PORT_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(p->ethdev);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->ethdev, &n_rxd, &n_txd);
	for (uint16_t q = 0; rc == 0 && q < p->n_queues; q++)
		rc = rte_eth_rx_queue_setup(p->ethdev, q, n_rxd, (unsigned int)socket, NULL, pool);
	for (uint16_t q = 0; rc == 0 && q < n_tx; q++)
		rc = rte_eth_tx_queue_setup(p->ethdev, q, n_txd, (unsigned int)socket, NULL);
	return rc;
}

/* Buffers that the drivers of packet sockets fill, and soft_input empties at once: as large as
 * their frames, and enough for one burst of each queue. */
static struct rte_mempool *frame_pool;

static int
create_frame_pool(struct rte_mempool *pool)
{
	uint32_t room = 0;
	unsigned int queues = 0;
	for (unsigned int i = 0; i < config.n_ports; i++) {
		uint32_t needed = frames_data_room(&config.ports[i]);
		if (needed <= rte_pktmbuf_data_room_size(pool))
			continue;
		room = RTE_MAX(room, needed);
		queues += config.ports[i].queues;
	}
	if (queues == 0)
		return 0;
	frame_pool = rte_pktmbuf_pool_create(
		"frames", (queues + 1) * PORT_SOFT_BURST, 0, 0, (uint16_t)room, SOCKET_ID_ANY);
	if (frame_pool)
		return 0;
	fprintf(stderr,
		"adit-dataplane: %u buffers of %u octets for packet sockets: %s (eal.memory_mb)\n",
		(queues + 1) * PORT_SOFT_BURST, room, rte_strerror(rte_errno));
	return -rte_errno;
}

static int
open_port(unsigned int index, struct rte_mempool *pool)
{
	const struct config_port *cp = &config.ports[index];
	struct port *p = &ports[index];
	struct port_state *st = &states[index];
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;

	snprintf(p->name, sizeof(p->name), "%s", cp->name);
	p->index = (uint8_t)index;
	p->role = cp->role;
	p->mtu = cp->mtu;
	p->tap_fd = -1;
	p->soft = st->iface.name[0] != '\0';
	if (frame_pool && frames_data_room(cp) > rte_pktmbuf_data_room_size(pool))
		pool = frame_pool;
	if (find_device(cp, &p->ethdev) < 0)
		return -ENODEV;
	st->open = true;
	int rc = rte_eth_dev_info_get(p->ethdev, &info);
	if (rc)
		return rc;
	p->n_queues = RTE_MIN(cp->queues, info.max_rx_queues);
	uint16_t n_tx = (uint16_t)RTE_MIN(n_workers, (unsigned int)info.max_tx_queues);
	if (p->n_queues == 0 || n_tx == 0)
		return -ENOTSUP;
	p->rx_offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	conf.rxmode.offloads = p->rx_offloads;
	conf.rxmode.mtu = p->mtu;
	if (p->n_queues > 1)
		configure_rss(&conf, &info, st);
	rc = rte_eth_dev_configure(p->ethdev, p->n_queues, n_tx, &conf);
	if (rc == 0)
		rc = rte_eth_macaddr_get(p->ethdev, &p->mac);
	if (rc == 0)
		rc = setup_queues(p, n_tx, pool);
	if (rc)
		return rc;
	/* Devices that can't change it keep their own, which the operator sets on the interface
	 * below. */
	rte_eth_dev_set_mtu(p->ethdev, p->mtu);
	iface_check_mtu(&st->iface, cp->name, p->mtu);
	st->reta_size = info.reta_size;
	return spread_queues(p, st, n_tx);
}

int
ports_open(struct rte_mempool *pool)
{
	int rc = create_frame_pool(pool);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < config.n_ports; i++) {
		rc = open_port(i, pool);
		if (rc) {
			fprintf(stderr, "adit-dataplane: port %s: device %s: %s\n",
				config.ports[i].name, config.ports[i].device, strerror(-rc));
			if (xdp_is(config.ports[i].device))
				say_of_iface(&config.ports[i],
					"it takes no XDP program or socket: the lines above or "
					"dmesg say why (the MTU of a veth's other end, offloads of "
					"a "
					"virtual machine's host, too few queues); net_af_packet "
					"works with any interface");
			return rc;
		}
		n_ports = i + 1;
	}
	return 0;
}

int
ports_start(void)
{
	for (unsigned int i = 0; i < n_ports; i++) {
		int rc = rte_eth_dev_start(ports[i].ethdev);
		if (rc) {
			fprintf(stderr, "adit-dataplane: port %s does not start: %s\n",
				ports[i].name, strerror(-rc));
			return rc;
		}
		states[i].started = true;
		if (states[i].rss)
			program_reta(&ports[i], &states[i], states[i].reta_size);
	}
	return 0;
}

void
ports_close(void)
{
	for (unsigned int i = 0; i < RTE_DIM(states); i++) {
		struct port_state *st = &states[i];
		if (st->started)
			rte_eth_dev_stop(ports[i].ethdev);
		if (st->open)
			rte_eth_dev_close(ports[i].ethdev);
		xdp_give_back(&st->iface, &st->channels);
		iface_give_back(&st->iface);
		if (st->claim > 0)
			close(st->claim);
		memset(st, 0, sizeof(*st));
	}
	rte_mempool_free(frame_pool);
	frame_pool = NULL;
	n_ports = 0;
}

void
ports_report(struct segment_header *h)
{
	for (unsigned int i = 0; i < n_ports; i++) {
		struct segment_port *sp = &h->ports[i];
		struct rte_eth_stats s;
		struct rte_eth_link link;
		memcpy(sp->name, ports[i].name, sizeof(sp->name));
		sp->role = ports[i].role;
		if (rte_eth_link_get_nowait(ports[i].ethdev, &link) == 0)
			sp->link_up = link.link_status && iface_runs(&states[i].iface);
		if (rte_eth_stats_get(ports[i].ethdev, &s) != 0)
			continue;
		sp->rx_packets = s.ipackets;
		sp->rx_bytes = s.ibytes;
		sp->rx_missed = s.imissed;
		sp->rx_errors = s.ierrors + s.rx_nombuf;
		sp->tx_packets = s.opackets;
		sp->tx_bytes = s.obytes;
		sp->tx_errors = s.oerrors;
	}
}

/* The worker that polls this queue. */
static uint8_t
worker_of_queue(uint8_t port, uint16_t queue)
{
	for (unsigned int i = 0; i < n_workers; i++)
		for (unsigned int k = 0; k < workers[i].n_queues; k++)
			if (workers[i].queues[k].port == port &&
				workers[i].queues[k].queue == queue)
				return (uint8_t)i;
	return 0;
}

uint8_t
worker_for_outer(rte_be32_t peer_ip_be, rte_be32_t server_ip_be)
{
	uint32_t v = fib_lookup(server_ip_be);
	uint32_t index = FIB_INDEX(v);
	if (FIB_TYPE(v) == FIB_LOCAL && index < n_ports && states[index].rss) {
		uint32_t tuple[2] = {rte_be_to_cpu_32(peer_ip_be), rte_be_to_cpu_32(server_ip_be)};
		uint32_t hash = rte_softrss(tuple, 2, rss_key);
		return worker_of_queue(
			(uint8_t)index, states[index].reta[hash & (states[index].reta_size - 1u)]);
	}
	/* The device does not say where packets will arrive: share the work by peer (D6). */
	return (uint8_t)(rte_jhash_1word(peer_ip_be, 0) % n_workers);
}
