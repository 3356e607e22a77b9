/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/dataplane/threads.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>
#include <rte_udp.h>

#include "bench.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/session.h"
#include "dataplane/nodes/gre.h"

/* Few of each, so that they meet. */
#define SLOTS       8
#define GENERATIONS 3
#define CALL(slot)  (100 + (slot))
#define INNER(slot) (0x0a000001 + (slot))
#define OUT_SPI     0x12345678
#define ROOM        256

uint64_t
traffic_random(uint64_t *x)
{
	*x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
	return *x;
}

/* ------------------------------------------------------------------ frames from the network */

struct packet {
	uint8_t data[ROOM];
	uint32_t len;
};

static uint8_t *
put(struct packet *p, uint32_t len)
{
	uint8_t *at = p->data + p->len;
	p->len += len;
	return at;
}

static void
put16(struct packet *p, uint16_t v)
{
	uint8_t *at = put(p, 2);
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(struct packet *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p, (uint16_t)v);
}

/* Of len octets in all, whose body follows. */
static void
put_ipv4(struct packet *p, uint8_t proto, uint32_t src, uint32_t dst, uint16_t len, bool df)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(len),
		.fragment_offset = df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst)};
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(put(p, sizeof(ip)), &ip, sizeof(ip));
}

static void
put_inner(struct packet *p, unsigned int slot)
{
	put_ipv4(p, IPPROTO_UDP, INNER(slot), INNER((slot + 1) % SLOTS), 60, false);
	memset(put(p, 40), 7, 40);
}

/* PPP in GRE: data, or an LCP echo. */
static void
gre(struct packet *p, unsigned int slot, uint32_t seq, bool lcp)
{
	put16(p, 0x3001);
	put16(p, 0x880b);
	put16(p, lcp ? 12 : 64);
	put16(p, CALL(slot));
	put32(p, seq);
	put16(p, 0xff03);
	put16(p, lcp ? 0xc021 : 0x0021);
	if (lcp)
		put32(p, 0x09010008), put32(p, 0);
	else
		put_inner(p, slot);
}

static void
put_udp(struct packet *p, uint16_t from, uint16_t to, uint16_t payload)
{
	put16(p, from);
	put16(p, to);
	put16(p, (uint16_t)(8 + payload));
	put16(p, 0);
}

static void
l2tp(struct packet *p, unsigned int slot, bool control)
{
	put_udp(p, 1701, 1701, control ? 12 : 70);
	if (control) {
		put16(p, 0xc802);
		put16(p, 12);
	} else {
		put16(p, 0x0002);
	}
	put16(p, 5);
	put16(p, CALL(slot));
	if (control) {
		put32(p, 0);
		return;
	}
	put16(p, 0xff03);
	put16(p, 0x0021);
	put_inner(p, slot);
}

static void
esp(struct packet *p, uint32_t spi, uint32_t seq, bool in_udp)
{
	if (in_udp)
		put_udp(p, 4500, 4500, 8 + 16 + 64 + 12);
	put32(p, spi);
	put32(p, seq);
	memset(put(p, 16 + 64 + 12), 0x3c, 16 + 64 + 12);
}

/* "Fragmentation needed" about a packet to the peer of a slot. */
static void
icmp(struct packet *p, unsigned int slot, uint32_t peer_ip, uint16_t mtu)
{
	uint32_t at = p->len;
	put32(p, 0x03040000);
	put32(p, mtu);
	if (slot % 3 == 0) {
		put_ipv4(p, IPPROTO_GRE, SERVER_IP, peer_ip, 1500, true);
		put32(p, 0x3001880b);
		put16(p, 1400);
		put16(p, (uint16_t)(CALL(slot) + 100));
	} else if (slot % 3 == 1) {
		put_ipv4(p, IPPROTO_UDP, SERVER_IP, peer_ip, 1500, true);
		put_udp(p, 1701, 1701, 1472);
		put16(p, 2);
		put16(p, 6);
		put16(p, (uint16_t)(CALL(slot) + 100));
	} else {
		put_ipv4(p, IPPROTO_ESP, SERVER_IP, peer_ip, 1500, true);
		put32(p, OUT_SPI + slot);
		put32(p, 1);
	}
	uint16_t sum = (uint16_t)~rte_raw_cksum(p->data + at, p->len - at);
	memcpy(p->data + at + 2, &sum, sizeof(sum));
}

/* What the outer packet carries; the protocol that says so. */
static uint8_t
outer(struct packet *p, uint64_t x, uint32_t seq, uint32_t peer_ip)
{
	unsigned int slot = x >> 8 & (SLOTS - 1);
	switch (x % 6) {
	case 0:
		gre(p, slot, seq, x >> 20 & 1);
		return IPPROTO_GRE;
	case 1:
		l2tp(p, slot, (x >> 20 & 7) == 0);
		return IPPROTO_UDP;
	case 2:
		icmp(p, slot, peer_ip, (uint16_t)(600 + (x >> 24 & 511)));
		return IPPROTO_ICMP;
	default:
		esp(p, sa_handle(slot, 1 + (x >> 16) % GENERATIONS), seq, slot & 1);
		return slot & 1 ? IPPROTO_UDP : IPPROTO_ESP;
	}
}

struct rte_mbuf *
traffic_next(unsigned int worker)
{
	static struct {
		uint64_t x;
		uint32_t seq;
	} __rte_cache_aligned of[SEGMENT_MAX_WORKERS];
	uint64_t *x = &of[worker].x;
	struct packet body = {.len = 0}, p = {.len = 0};
	if (*x == 0)
		*x = 88172645463325252ull + worker;
	if (traffic_random(x) % 8 == 0)
		return NULL;
	unsigned int slot = *x >> 8 & (SLOTS - 1);
	uint32_t peer_ip = PEER_IP + (slot & 3);
	bool lan = *x >> 40 & 1;
	const struct rte_ether_hdr eth = {.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	memcpy(put(&p, sizeof(eth)), &eth, sizeof(eth));
	if (lan) { /* to a client, or to a neighbour */
		memset(put(&body, 80), 5, 80);
		put_ipv4(&p, IPPROTO_UDP, 0xc6336464,
			*x >> 41 & 7 ? INNER(slot) : PEER_IP + 20 + slot, 100, *x >> 44 & 1);
	} else {
		uint8_t proto = outer(&body, *x, of[worker].seq++, peer_ip);
		put_ipv4(&p, proto, peer_ip, SERVER_IP, (uint16_t)(20 + body.len), false);
	}
	memcpy(put(&p, body.len), body.data, body.len);
	struct rte_mbuf *m = rte_pktmbuf_alloc(workers[worker].mbuf_pool);
	if (!m)
		return NULL;
	memcpy(rte_pktmbuf_append(m, (uint16_t)p.len), p.data, p.len);
	pkt_meta(m)->port = lan;
	pkt_meta(m)->flags = 0;
	return m;
}

/* ------------------------------------------------------------------ records of control */

static void
fill_session(struct command *c, unsigned int slot, uint64_t x)
{
	switch (c->type) {
	case COMMAND_SESSION_ADD:
		c->add.server_ip = SERVER_IP;
		c->add.peer_ip = PEER_IP + (slot & 3);
		c->add.call_id = (uint16_t)CALL(slot);
		c->add.peer_call_id = (uint16_t)(CALL(slot) + 100);
		c->add.protocol = slot % 3 ? TUNNEL_L2TP : TUNNEL_PPTP;
		c->add.tunnel_id = 5;
		c->add.peer_tunnel_id = 6;
		c->add.server_port = c->add.peer_port = L2TP_PORT;
		if (slot % 3 == 2) {
			c->add.sa = sa_handle(x >> 32 & (SLOTS - 1), 1 + (x >> 40) % GENERATIONS);
			c->add.peer = 77;
		}
		break;
	case COMMAND_SESSION_LINK:
		c->link.our_mru = c->link.peer_mru = (uint16_t)(1000 + (x >> 32 & 511));
		c->link.tx_acfc = x >> 41 & 1;
		c->link.tx_pfc = x >> 42 & 1;
		break;
	case COMMAND_SESSION_MPPE:
		c->mppe.tx.strength = c->mppe.rx.strength = MPPE_128;
		c->mppe.tx.stateless = c->mppe.rx.stateless = x >> 32 & 1;
		break;
	case COMMAND_SESSION_OPEN:
		c->open.inner_ip = INNER(slot);
		c->open.clamp_mss = x >> 32 & 1;
		break;
	case COMMAND_SESSION_L2TP:
		c->l2tp.send_sequence = x >> 32 & 1;
		break;
	case COMMAND_SESSION_SA:
		c->session_sa.sa = sa_handle(x >> 32 & (SLOTS - 1), 1 + (x >> 40) % GENERATIONS);
		break;
	}
}

static void
fill_pair(struct command *c, unsigned int slot, uint64_t x)
{
	struct command_sa_add add = bench_sa_add();
	add.outer.peer_ip = PEER_IP + (x >> 32 & 3);
	add.outer.server_port = add.outer.peer_port = slot & 1 ? 4500 : 0;
	if (c->type == COMMAND_SA_ADD)
		c->sa_add = add;
	if (c->type == COMMAND_SA_UPDATE)
		c->sa_update.outer = add.outer;
	if (c->type == COMMAND_SA_RESERVE)
		c->sa_reserve.peer_ip = add.outer.peer_ip;
	if (c->type == COMMAND_SA_OUT)
		c->sa_out = (struct command_sa_out){.spi = OUT_SPI + slot, .keys = add.keys};
}

void
traffic_command(struct command *to, uint64_t *x)
{
	struct command c = {.version = RECORD_VERSION,
		.type = (uint8_t)(COMMAND_SESSION_ADD + (traffic_random(x) >> 4) % 14),
		.cookie = *x};
	unsigned int slot = *x >> 12 & (SLOTS - 1), gen = 1 + (*x >> 20) % GENERATIONS;
	bool pair = c.type >= COMMAND_SA_ADD;
	c.handle = pair ? sa_handle(slot, gen) : session_handle(slot, gen);
	/* What lives is left some time. */
	if ((c.type == COMMAND_SESSION_CLOSE || c.type == COMMAND_SA_CLOSE) && *x >> 50 & 3)
		c.type = COMMAND_SESSION_LINK, c.handle = session_handle(slot, gen), pair = false;
	if ((*x & 15) == 0) { /* noise behind a good head */
		for (unsigned int i = 16; i < sizeof(c); i += 8) {
			uint64_t noise = traffic_random(x);
			memcpy((uint8_t *)&c + i, &noise, 8);
		}
	} else if (pair) {
		fill_pair(&c, slot, *x);
	} else {
		fill_session(&c, slot, *x);
	}
	c.length = command_size(c.type).most;
	memcpy(to, &c, sizeof(c));
}

void
traffic_frame(struct frame_record *to, uint64_t *x)
{
	struct frame_record f = {.version = RECORD_VERSION};
	const struct sa_outer outer_of = {SERVER_IP, PEER_IP, L2TP_PORT, L2TP_PORT};
	unsigned int slot = traffic_random(x) >> 12 & (SLOTS - 1),
		     gen = 1 + (*x >> 20) % GENERATIONS;
	f.kind = *x >> 8 & 1 ? FRAME_PPP : FRAME_L2TP;
	f.length = (uint16_t)((*x & 31) == 0 ? *x >> 32 : 40);
	if (f.kind == FRAME_PPP) {
		f.handle = session_handle(slot, gen);
		memcpy(f.data, "\xc0\x21\x09\x01\x00\x08", 6);
	} else {
		f.handle = *x >> 9 & 3 ? sa_handle(slot, gen) : 0;
		memcpy(f.data, &outer_of, sizeof(outer_of));
	}
	memcpy(to, &f, offsetof(struct frame_record, data) + 64);
}

/* ------------------------------------------------------------------ the sanitizer */

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN
#endif
#endif

#ifdef TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void explicit_bzero(void *p, size_t n);

/* libc's is not seen. */
void
explicit_bzero(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static rte_mempool_enqueue_t library_put[RTE_MEMPOOL_MAX_OPS_IDX];
static rte_mempool_dequeue_t library_get[RTE_MEMPOOL_MAX_OPS_IDX];

static int
told_put(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		__tsan_release(objs[i]);
	return library_put[mp->ops_index](mp, objs, n);
}

static int
told_get(struct rte_mempool *mp, void **objs, unsigned int n)
{
	int rc = library_get[mp->ops_index](mp, objs, n);
	for (unsigned int i = 0; rc == 0 && i < n; i++)
		__tsan_acquire(objs[i]);
	return rc;
}

void
traffic_tell_sanitizer(void)
{
	for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++) {
		struct rte_mempool_ops *ops = &rte_mempool_ops_table.ops[i];
		library_put[i] = ops->enqueue;
		library_get[i] = ops->dequeue;
		ops->enqueue = told_put;
		ops->dequeue = told_get;
	}
}
#else
void
traffic_tell_sanitizer(void)
{
}
#endif
