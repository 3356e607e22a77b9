/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "dataplane/api/session.h"
#include "dataplane/fib.h"
#include "dataplane/worker.h"

#define ROW_BITS     13
#define ROWS         (1u << ROW_BITS)
#define WAYS         8
#define PEER_BITS    16
#define STREAM_AFTER 2  /* seconds between first and last that make a stream */
#define DHCP_MIN     44 /* UDP header and BOOTP up to the client's hardware address, RFC 2131 */
#define DHCP_SERVER  67
#define DHCP_CLIENT  68
#define ECHO_REPLY   0
#define ECHO_REQUEST 8

enum kind { KIND_TCP, KIND_UDP, KIND_ECHO, KIND_DHCP };

/* What an entry is found by. */
struct key {
	uint64_t ends;  /* remote address, remote port or 0, local port or echo's identifier */
	uint32_t local; /* our address; DHCP: the port's index */
	uint8_t kind;   /* enum kind */
	bool inside;    /* through a tunnel, to a client */
};

/*
 * Two words that a reader takes without a lock: the writer clears the second before it changes the
 * first.
 */
struct entry {
	_Atomic uint64_t ends;
	_Atomic uint64_t rest; /* local (32 bits), inside (1), kind (2), the second of its end
				  (29); 0: none */
};
#define END_BITS 29
#define END_MASK ((1u << END_BITS) - 1)

enum state { STATE_BEGUN, STATE_STREAM, STATE_ESTABLISHED, STATE_CLOSING };

static struct entry table[ROWS][WAYS] __rte_cache_aligned;
static struct note {
	uint32_t since;                         /* second */
	uint8_t state;                          /* enum state */
} notes[ROWS][WAYS];                            /* main lcore */
static uint8_t turn[ROWS];                      /* main lcore */
static _Atomic uint32_t peers[1u << PEER_BITS]; /* the second in which the last entry ends */
static uint64_t secret[2];

int
flow_init(void)
{
	memset(notes, 0, sizeof(notes));
	for (unsigned int i = 0; i < ROWS * WAYS; i++)
		atomic_store_explicit(&table[i / WAYS][i % WAYS].rest, 0, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(peers); i++)
		atomic_store_explicit(&peers[i], 0, memory_order_relaxed);
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return -EIO;
	secret[0] |= 1;
	secret[1] |= 1;
	return 0;
}

/* ------------------------------------------------------------------ the table */

static uint32_t
second(uint64_t now_us)
{
	return (uint32_t)(now_us / 1000000);
}

static uint64_t
rest_of(const struct key *k, uint32_t ends_at)
{
	return (uint64_t)k->local << 32 | (uint64_t)k->inside << 31 |
	       (uint64_t)k->kind << END_BITS | (ends_at & END_MASK);
}

static bool
is_same(uint64_t rest, const struct key *k)
{
	return rest >> END_BITS == rest_of(k, 0) >> END_BITS;
}

static bool
is_over(uint64_t rest, uint32_t now)
{
	return (rest & END_MASK) <= now;
}

/* Who shares a row depends on a secret: remote hosts choose addresses and ports. */
static uint32_t
row_of(const struct key *k)
{
	uint64_t x = (k->ends ^ k->ends >> 31) * secret[0];

	x = ((x ^ x >> 32) + (rest_of(k, 0) >> END_BITS)) * secret[1];
	return (uint32_t)(x >> (64 - ROW_BITS));
}

static _Atomic uint32_t *
peer_cell(rte_be32_t address)
{
	return &peers[(address * secret[0]) >> (64 - PEER_BITS)];
}

static bool
entry_has(const struct entry *e, const struct key *k, uint32_t now)
{
	/* Acquire: pairs with the releases in put(), so that both words are of one entry. */
	uint64_t rest = atomic_load_explicit(&e->rest, memory_order_acquire);

	return is_same(rest, k) && !is_over(rest, now) &&
	       atomic_load_explicit(&e->ends, memory_order_acquire) == k->ends &&
	       atomic_load_explicit(&e->rest, memory_order_relaxed) == rest;
}

static bool
has(const struct key *k, uint32_t now)
{
	const struct entry *row = table[row_of(k)];

	for (unsigned int i = 0; i < WAYS; i++)
		if (entry_has(&row[i], k, now))
			return true;
	return false;
}

/* The entry's way in its row, WAYS: none. */
static unsigned int
find(const struct key *k, uint32_t row, uint32_t now)
{
	unsigned int i = 0;

	while (i < WAYS && !entry_has(&table[row][i], k, now))
		i++;
	return i;
}

/* Who has to go: who ends first; of those of one second, each in turn. */
static unsigned int
worst(uint32_t row)
{
	unsigned int at = turn[row]++ % WAYS;

	for (unsigned int n = 1, i = at; n < WAYS; n++) {
		i = (i + 1) % WAYS;
		uint64_t x = atomic_load_explicit(&table[row][i].rest, memory_order_relaxed);
		uint64_t y = atomic_load_explicit(&table[row][at].rest, memory_order_relaxed);
		if ((x & END_MASK) < (y & END_MASK))
			at = i;
	}
	return at;
}

static void
put(const struct key *k, uint32_t row, unsigned int way, enum state state, uint32_t ends_at)
{
	struct entry *e = &table[row][way];

	if (!entry_has(e, k, 0)) {
		atomic_store_explicit(&e->rest, 0, memory_order_relaxed);
		atomic_store_explicit(&e->ends, k->ends, memory_order_release);
	}
	atomic_store_explicit(&e->rest, rest_of(k, ends_at), memory_order_release);
	notes[row][way].state = (uint8_t)state;
}

/* Begin it, or go on with it: way as find() said. */
static void
keep(const struct key *k, uint32_t row, unsigned int way, enum state state, uint32_t for_s,
	uint32_t now)
{
	_Atomic uint32_t *cell = peer_cell(rte_cpu_to_be_32((uint32_t)(k->ends >> 32)));

	if (way == WAYS) {
		way = worst(row);
		notes[row][way].since = now;
	}
	put(k, row, way, state, now + for_s);
	if (atomic_load_explicit(cell, memory_order_relaxed) < now + for_s)
		atomic_store_explicit(cell, now + for_s, memory_order_relaxed);
}

/* ------------------------------------------------------------------ what the kernel sends */

/* The later of what a connection goes through is kept: an ACK behind our FIN begins nothing. */
static void
note_tcp(const struct key *k, uint8_t flags, uint32_t now)
{
	uint32_t row = row_of(k);
	unsigned int way = find(k, row, now);

	if (flags & RTE_TCP_SYN_FLAG) {
		/* With ACK it is an answer: who asked is a stranger. */
		if (!(flags & RTE_TCP_ACK_FLAG))
			keep(k, row, way, STATE_BEGUN, FLOW_TCP_BEGUN, now);
		return;
	}
	if (way == WAYS)
		return;
	bool begun = notes[row][way].state == STATE_BEGUN;
	if (flags & RTE_TCP_RST_FLAG) {
		/* A forged answer to our SYN makes the kernel say this, and go on (T27). */
		if (!begun)
			keep(k, row, way, STATE_CLOSING, FLOW_TCP_RESET, now);
	} else if (flags & RTE_TCP_FIN_FLAG || notes[row][way].state == STATE_CLOSING) {
		keep(k, row, way, STATE_CLOSING, FLOW_TCP_CLOSING, now);
	} else {
		keep(k, row, way, STATE_ESTABLISHED, FLOW_TCP_ESTABLISHED, now);
	}
}

static void
note_udp(const struct key *k, uint32_t now)
{
	uint32_t row = row_of(k);
	unsigned int way = find(k, row, now);
	bool stream = way < WAYS && (notes[row][way].state == STATE_STREAM ||
					    now - notes[row][way].since >= STREAM_AFTER);

	keep(k, row, way, stream ? STATE_STREAM : STATE_BEGUN, stream ? FLOW_UDP_STREAM : FLOW_UDP,
		now);
}

static void
note_once(const struct key *k, uint32_t for_s, uint32_t now)
{
	uint32_t row = row_of(k);

	keep(k, row, find(k, row, now), STATE_BEGUN, for_s, now);
}

static uint16_t
port_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Ports of services that strangers reach, or clients: what the kernel says there may be an answer.
 */
static bool
is_service(bool inside, uint16_t port)
{
	if (!inside)
		return port == 500 || port == 4500 || port == L2TP_PORT;
	for (unsigned int i = 0; i < settings.n_inside; i++)
		if (settings.inside[i].proto == IPPROTO_UDP && settings.inside[i].port == port)
			return true;
	return false;
}

static struct key
key_of(const struct rte_ipv4_hdr *ip, enum kind kind, uint16_t local, uint16_t remote, bool out,
	bool inside)
{
	uint32_t src = rte_be_to_cpu_32(ip->src_addr), dst = rte_be_to_cpu_32(ip->dst_addr);

	return (struct key){
		.ends = (uint64_t)(out ? dst : src) << 32 | (uint64_t)remote << 16 | local,
		.local = out ? src : dst,
		.kind = (uint8_t)kind,
		.inside = inside,
	};
}

/* The transport header of what the kernel sends; NULL: nothing that could begin something. */
static const uint8_t *
transport(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint32_t hlen = rte_ipv4_hdr_len(ip);
	uint32_t need = ip->next_proto_id == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : 8;

	if (ip->version_ihl >> 4 != 4 || hlen < sizeof(*ip) || len < hlen + need ||
		ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return NULL;
	return (const uint8_t *)ip + hlen;
}

/* From an address of our own: what the kernel forwards is others'. */
static void
note(const struct rte_ipv4_hdr *ip, const uint8_t *l4, bool inside, uint32_t now)
{
	struct key k;

	if (FIB_TYPE(fib_lookup(ip->src_addr)) != FIB_LOCAL)
		return;
	switch (ip->next_proto_id) {
	case IPPROTO_TCP:
		k = key_of(ip, KIND_TCP, port_at(l4), port_at(l4 + 2), true, inside);
		note_tcp(&k, ((const struct rte_tcp_hdr *)l4)->tcp_flags, now);
		break;
	case IPPROTO_UDP:
		k = key_of(ip, KIND_UDP, port_at(l4), port_at(l4 + 2), true, inside);
		if (!is_service(inside, port_at(l4)))
			note_udp(&k, now);
		break;
	case IPPROTO_ICMP:
		k = key_of(ip, KIND_ECHO, port_at(l4 + 4), 0, true, inside);
		if (l4[0] == ECHO_REQUEST)
			note_once(&k, FLOW_ECHO, now);
		break;
	}
}

static struct key
key_of_dhcp(uint8_t port, const uint8_t *udp)
{
	uint32_t xid;

	memcpy(&xid, udp + 12, sizeof(xid));
	return (struct key){.ends = (uint64_t)xid << 32, .local = port, .kind = KIND_DHCP};
}

/* BOOTREQUEST, whatever address it comes from. */
static void
note_dhcp(uint8_t port, const uint8_t *udp, uint32_t len, uint32_t now)
{
	if (len < DHCP_MIN || port_at(udp) != DHCP_CLIENT || port_at(udp + 2) != DHCP_SERVER ||
		udp[8] != 1)
		return;
	struct key k = key_of_dhcp(port, udp);
	note_once(&k, FLOW_DHCP, now);
}

void
flow_note_port(uint8_t port, const uint8_t *frame, uint32_t len, uint64_t now_us)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)frame;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);

	if (len < sizeof(*eth) + sizeof(*ip) || eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return;
	len -= sizeof(*eth);
	const uint8_t *l4 = transport(ip, len);
	if (l4 == NULL)
		return;
	if (ip->next_proto_id == IPPROTO_UDP)
		note_dhcp(port, l4, len - rte_ipv4_hdr_len(ip), second(now_us));
	/* Nobody answers as a group. */
	if (!rte_is_multicast_ether_addr(&eth->dst_addr))
		note(ip, l4, false, second(now_us));
}

void
flow_note_inner(const uint8_t *packet, uint32_t len, uint64_t now_us)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)packet;
	const uint8_t *l4 = len < sizeof(*ip) ? NULL : transport(ip, len);

	if (l4 != NULL)
		note(ip, l4, true, second(now_us));
}

/* ------------------------------------------------------------------ what comes in */

bool
flow_answers(const struct rte_ipv4_hdr *ip, uint32_t len, bool inside, uint64_t now_us)
{
	const uint8_t *l4 = transport(ip, len);
	struct key k;

	if (l4 == NULL)
		return false;
	switch (ip->next_proto_id) {
	case IPPROTO_TCP:
		k = key_of(ip, KIND_TCP, port_at(l4 + 2), port_at(l4), false, inside);
		/* Who is asked may not ask back: a SYN alone begins a connection. */
		if ((((const struct rte_tcp_hdr *)l4)->tcp_flags &
			    (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG)
			return false;
		break;
	case IPPROTO_UDP:
		k = key_of(ip, KIND_UDP, port_at(l4 + 2), port_at(l4), false, inside);
		break;
	case IPPROTO_ICMP:
		k = key_of(ip, KIND_ECHO, port_at(l4 + 4), 0, false, inside);
		if (l4[0] != ECHO_REPLY)
			return false;
		break;
	default:
		return false;
	}
	return has(&k, second(now_us));
}

bool
flow_quoted(const uint8_t *icmp, uint32_t len, uint64_t now_us)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(icmp + 8);
	struct key k;

	/* RFC 792: the header and 8 octets, which is where a TCP header's ports are. */
	if (len < 8 + sizeof(*ip) + 8 || ip->version_ihl != 0x45 ||
		ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	const uint8_t *l4 = (const uint8_t *)(ip + 1);
	switch (ip->next_proto_id) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		k = key_of(ip, ip->next_proto_id == IPPROTO_TCP ? KIND_TCP : KIND_UDP, port_at(l4),
			port_at(l4 + 2), true, false);
		break;
	case IPPROTO_ICMP:
		k = key_of(ip, KIND_ECHO, port_at(l4 + 4), 0, true, false);
		if (l4[0] != ECHO_REQUEST)
			return false;
		break;
	default:
		return false;
	}
	return has(&k, second(now_us));
}

bool
flow_dhcp(uint8_t port, const uint8_t *udp, uint32_t len, uint64_t now_us)
{
	if (len < DHCP_MIN || port_at(udp) != DHCP_SERVER || port_at(udp + 2) != DHCP_CLIENT ||
		udp[8] != 2)
		return false;
	struct key k = key_of_dhcp(port, udp);
	return has(&k, second(now_us));
}

bool
flow_peer(rte_be32_t address, uint64_t now_us)
{
	return atomic_load_explicit(peer_cell(address), memory_order_relaxed) > second(now_us);
}
