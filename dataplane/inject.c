/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/inject.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/api/session.h"
#include "dataplane/fib.h"
#include "dataplane/port_table.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"
#include "dataplane/writer_internal.h"

static const struct sa_outer as_ever;

/* n octets of the record in a fresh buffer, with meta zeroed; NULL: counted as a drop. */
static struct rte_mbuf *
make_frame(struct rte_mempool *pool, const uint8_t *data, uint16_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *to = m ? rte_pktmbuf_append(m, n) : NULL;
	if (!to) {
		segment->main_drops[DROP_no_buffer]++;
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(to, data, n);
	memset(pkt_meta(m), 0, sizeof(struct pkt_meta));
	return m;
}

static void
give(struct worker *w, struct rte_mbuf *m)
{
	if (rte_ring_sp_enqueue(w->from_main, m) != 0)
		main_drop(m, DROP_handoff_full);
}

static enum inject_result
inject_ppp(const struct frame_record *head, const uint8_t *data, struct rte_mempool *pool)
{
	if (head->length < 2 || memcmp(&head->outer, &as_ever, sizeof(as_ever)) != 0)
		return INJECT_BAD;
	struct session *s = session_by_handle(head->handle);
	if (!s)
		return INJECT_DONE; /* closed meanwhile */
	struct worker *w = &workers[s->cfg.owner];
	if (rte_ring_full(w->from_main))
		return INJECT_WAIT;
	struct rte_mbuf *m = make_frame(pool, data, head->length);
	if (!m)
		return INJECT_DONE;
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct pkt_meta *meta = pkt_meta(m);
	meta->session = s;
	meta->handle = head->handle;
	meta->stage = STAGE_PPP_OUT;
	meta->ppp_proto = (uint16_t)(p[0] << 8 | p[1]);
	give(w, m);
	return INJECT_DONE;
}

static struct rte_udp_hdr *
put_udp_header(struct rte_mbuf *m, const struct sa_outer *outer)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)rte_pktmbuf_prepend(m, sizeof(*udp));
	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(outer->server_port),
		.dst_port = rte_cpu_to_be_16(outer->peer_port),
		.dgram_len = rte_cpu_to_be_16(m->data_len)};
	return udp;
}

static void
put_datagram(struct rte_mbuf *m, const struct sa_outer *outer)
{
	struct rte_udp_hdr *udp = put_udp_header(m, outer);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(m->data_len),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(outer->server_ip),
		.dst_addr = rte_cpu_to_be_32(outer->peer_ip)};
	/* RFC 2661 section 8.1: control messages have a checksum. */
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* In clear: an ordinary IPv4 packet of ours. */
static enum inject_result
inject_clear(struct rte_mbuf *m, const struct sa_outer *outer)
{
	put_datagram(m, outer);
	pkt_meta(m)->stage = STAGE_IP;
	give(&workers[worker_for_outer(
		     rte_cpu_to_be_32(outer->peer_ip), rte_cpu_to_be_32(outer->server_ip))],
		m);
	return INJECT_DONE;
}

/* Only the peer's side may be another one, and only where a NAT may be. */
static bool
may_divert(const struct sa *sa, const struct sa_outer *to)
{
	return sa_in_udp(sa) && sa->cfg.server_ip_be == rte_cpu_to_be_32(to->server_ip) &&
	       sa->cfg.server_port_be == rte_cpu_to_be_16(to->server_port) &&
	       is_unicast(to->peer_ip) && to->peer_port != 0;
}

static void
divert(struct pkt_meta *meta, const struct sa_outer *to)
{
	meta->flags |= PKT_DIVERTED;
	meta->ip_be = rte_cpu_to_be_32(to->peer_ip);
	meta->port_be = rte_cpu_to_be_16(to->peer_port);
	meta->nh = fib_lookup(meta->ip_be);
}

/* Through a pair of SAs: the datagram for its owner. */
static enum inject_result
inject_protected(const struct frame_record *head, const uint8_t *data, const struct sa_outer *outer,
	struct rte_mempool *pool)
{
	struct sa *sa = sa_by_handle(head->handle);
	if (!sa)
		return INJECT_DONE; /* closed meanwhile */
	bool diverted = memcmp(&head->outer, &as_ever, sizeof(as_ever)) != 0;
	if (diverted && !may_divert(sa, &head->outer))
		return INJECT_BAD;
	struct worker *w = &workers[sa->cfg.owner];
	if (rte_ring_full(w->from_main))
		return INJECT_WAIT;
	struct rte_mbuf *m = make_frame(pool, data + sizeof(*outer), head->length - sizeof(*outer));
	if (!m)
		return INJECT_DONE;
	/* Without a checksum, as data: a NAT may lie between the peer and the address it knows (RFC
	 * 3948 section 3.1.2). */
	put_udp_header(m, outer);
	struct pkt_meta *meta = pkt_meta(m);
	meta->sa = sa;
	meta->handle = head->handle;
	meta->stage = STAGE_ESP_OUT;
	if (diverted)
		divert(meta, &head->outer);
	give(w, m);
	return INJECT_DONE;
}

static enum inject_result
inject_l2tp(const struct frame_record *head, const uint8_t *data, struct rte_mempool *pool)
{
	struct sa_outer outer;
	if (head->length <= sizeof(outer))
		return INJECT_BAD;
	memcpy(&outer, data, sizeof(outer));
	if (outer.server_port != L2TP_PORT || outer.peer_port == 0)
		return INJECT_BAD;
	if (head->handle != 0)
		return inject_protected(head, data, &outer, pool);
	if (outer.peer_ip == 0 || !is_wan_address(rte_cpu_to_be_32(outer.server_ip)) ||
		memcmp(&head->outer, &as_ever, sizeof(as_ever)) != 0)
		return INJECT_BAD;
	struct worker *w = &workers[worker_for_outer(
		rte_cpu_to_be_32(outer.peer_ip), rte_cpu_to_be_32(outer.server_ip))];
	if (rte_ring_full(w->from_main))
		return INJECT_WAIT;
	struct rte_mbuf *m = make_frame(pool, data + sizeof(outer), head->length - sizeof(outer));
	return m ? inject_clear(m, &outer) : INJECT_DONE;
}

enum inject_result
inject_frame(const struct frame_record *rec, struct rte_mempool *pool)
{
	struct frame_record head;
	memcpy(&head, rec, offsetof(struct frame_record, data));
	if (head.version != RECORD_VERSION || head.length > FRAME_MAX)
		return INJECT_BAD;
	switch (head.kind) {
	case FRAME_PPP:
		return inject_ppp(&head, rec->data, pool);
	case FRAME_L2TP:
		return inject_l2tp(&head, rec->data, pool);
	default:
		return INJECT_BAD;
	}
}
