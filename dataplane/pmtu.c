/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/pmtu.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"
#include "dataplane/rate.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"

#define TURN_SLOTS 64 /* looked at in one tick for what has to be forgotten */

static struct rate_limit misses;
static uint32_t next_slot;

/* ------------------------------------------------------------------ what it says */

static uint16_t
be16_at(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t
host32_at(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

/* RFC 2661 section 3.1: a data message of ours has no length and no offset. */
static enum quoted
parse_udp(const uint8_t *udp, uint32_t len, struct pmtu_quote *q)
{
	const uint8_t *data = udp + 8;

	if (len < 8 + 6)
		return QUOTED_OTHER;
	q->server_port_be = be16_at(udp);
	q->peer_port_be = be16_at(udp + 2);
	if (q->server_port_be == RTE_BE16(NAT_T_PORT) && (q->spi = host32_at(data)) != 0)
		return QUOTED_ESP;
	if (q->server_port_be != RTE_BE16(L2TP_PORT) || (data[0] & 0xc0) != 0 ||
		(data[1] & 0x0f) != 2)
		return QUOTED_OTHER;
	q->tunnel_id_be = be16_at(data + 2);
	q->call_id_be = be16_at(data + 4);
	return QUOTED_L2TP;
}

enum quoted
pmtu_parse(const uint8_t *icmp, uint32_t len, struct pmtu_quote *q)
{
	struct rte_ipv4_hdr ip;
	const uint8_t *quoted = icmp + 8, *l4 = quoted + sizeof(ip);

	memset(q, 0, sizeof(*q));
	if (len < 8 + sizeof(ip) + 8 || icmp[0] != 3 || icmp[1] != 4 ||
		rte_raw_cksum(icmp, len) != 0xffff)
		return QUOTED_OTHER;
	memcpy(&ip, quoted, sizeof(ip));
	/* What we send has no options, and may not be fragmented. */
	if (ip.version_ihl != 0x45 || ip.fragment_offset != RTE_BE16(RTE_IPV4_HDR_DF_FLAG))
		return QUOTED_OTHER;
	len -= 8 + sizeof(ip);
	q->server_ip_be = ip.src_addr;
	q->peer_ip_be = ip.dst_addr;
	q->length = rte_be_to_cpu_16(ip.total_length);
	q->mtu = rte_be_to_cpu_16(be16_at(icmp + 6));
	if (q->mtu < PATH_MTU_MIN)
		q->mtu = PATH_MTU_MIN;
	switch (ip.next_proto_id) {
	case IPPROTO_GRE:
		q->call_id_be = be16_at(l4 + 6);
		q->kind = be16_at(l4 + 2) == RTE_BE16(0x880b) ? QUOTED_GRE : QUOTED_OTHER;
		break;
	case IPPROTO_ESP:
		q->spi = host32_at(l4);
		q->kind = QUOTED_ESP;
		break;
	case IPPROTO_UDP:
		q->kind = parse_udp(l4, len, q);
		break;
	}
	return q->kind;
}

/* ------------------------------------------------------------------ whose it is */

/* The owner computes the session's MTU anew.  False: no room, it will be said again. */
static bool
tell(struct session *s, uint16_t mtu)
{
	const struct worker *w = &workers[s->cfg.owner];
	struct worker_msg *msg;

	if (rte_ring_full(w->msgs) || rte_mempool_get(worker_msg_pool, (void **)&msg) != 0)
		return false;
	memset(msg, 0, sizeof(*msg));
	msg->session = s;
	msg->handle = session_handle_of(s);
	msg->path_mtu = mtu;
	msg->cmd.type = WORKER_PATH_MTU;
	if (rte_ring_sp_enqueue(w->msgs, msg) == 0)
		return true;
	rte_mempool_put(worker_msg_pool, msg);
	return false;
}

static void
lower(struct session *s, uint16_t mtu, uint64_t now_us)
{
	if (s->cold.path_mtu && s->cold.path_mtu <= mtu)
		return;
	if (!tell(s, mtu))
		return;
	s->cold.path_mtu = mtu;
	s->cold.path_mtu_us = now_us;
}

uint64_t
pmtu_key(const struct pmtu_quote *q)
{
	return q->kind == QUOTED_ESP
		       ? sa_spi_key(q->peer_ip_be, rte_cpu_to_be_32(q->spi))
		       : session_name_key(q->peer_ip_be, q->tunnel_id_be, q->call_id_be);
}

bool
pmtu_is_known(const struct pmtu_quote *q)
{
	return index_has(q->kind == QUOTED_ESP ? &sas.by_spi : &sessions.by_name, pmtu_key(q));
}

/* The peer to whom we send with this SPI, from this address and port; 0: nobody. */
static uint32_t
peer_of_spi(const struct pmtu_quote *q)
{
	for (uint32_t i = index_first(&sas.by_spi, pmtu_key(q)); i != INDEX_NONE;
		i = index_after(&sas.by_spi, i)) {
		const struct sa *sa = &sas.slots[i];
		if (sa->cfg.server_ip_be == q->server_ip_be &&
			sa->cfg.server_port_be == q->server_port_be)
			return sa->cold.peer;
	}
	return 0;
}

/* The index has compared the peer and its IDs. */
static bool
is_of_session(const struct session *s, const struct pmtu_quote *q)
{
	if (q->kind == QUOTED_ESP)
		return true;
	if (s->cfg.server_ip_be != q->server_ip_be)
		return false;
	if (q->kind == QUOTED_GRE)
		return s->cfg.protocol == TUNNEL_PPTP;
	return s->cfg.protocol == TUNNEL_L2TP && s->cfg.peer_port_be == q->peer_port_be;
}

/* How many sessions it concerns. */
static unsigned int
lower_all(const struct pmtu_quote *q, uint64_t now_us)
{
	uint64_t key = q->kind == QUOTED_ESP ? peer_of_spi(q) : pmtu_key(q);
	unsigned int n = 0;

	if (key == 0)
		return 0;
	for (uint32_t i = index_first(&sessions.by_name, key); i != INDEX_NONE;
		i = index_after(&sessions.by_name, i)) {
		if (!is_of_session(&sessions.slots[i], q))
			continue;
		lower(&sessions.slots[i], q->mtu, now_us);
		n++;
	}
	return n;
}

/* T24: only what is about nobody's packet counts against the rate, and takes nothing from
 * others. */
static enum drop_reason
apply(const struct pmtu_quote *q, uint64_t now_us)
{
	if (q->kind == QUOTED_OTHER || settings.outer_fragmentation || q->mtu >= q->length)
		return DROP_pmtu_unknown;
	if (lower_all(q, now_us) > 0)
		return DROP_pmtu_taken;
	return rate_limit_take(&misses, now_us, PATH_MTU_PER_SECOND) ? DROP_pmtu_unknown
								     : DROP_pmtu_rate;
}

void
pmtu_take(struct rte_mbuf *m, uint64_t now_us)
{
	uint32_t at = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr);
	struct pmtu_quote q;

	pmtu_parse(rte_pktmbuf_mtod_offset(m, const uint8_t *, at), m->data_len - at, &q);
	main_drop(m, apply(&q, now_us));
}

void
pmtu_tick(uint64_t now_us)
{
	for (uint32_t i = 0; i < TURN_SLOTS && i < sessions.max; i++) {
		struct session *s = &sessions.slots[next_slot % sessions.max];
		next_slot++;
		if (s->cold.path_mtu && session_handle_of(s) != 0 &&
			now_us > s->cold.path_mtu_us + PATH_MTU_LIFETIME_US && tell(s, 0))
			s->cold.path_mtu = 0;
	}
}
