/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat/reassembly.h"

#include <stdbool.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_malloc.h>

struct key {
	rte_be32_t src, dst;
	rte_be16_t id;
	uint8_t proto;
	uint8_t used; /* 0: a free slot */
};

struct part {
	struct rte_mbuf *m;
	uint16_t start, end; /* of its payload in the datagram's */
};

struct datagram {
	uint64_t since_us;
	uint32_t total; /* octets of payload, 0: the last fragment has not come */
	uint32_t have;
	unsigned int n;
	struct part parts[REASSEMBLY_FRAGMENTS]; /* by start */
};

struct reassembly {
	struct key keys[REASSEMBLY_DATAGRAMS]; /* apart: each fragment looks at all of them */
	struct datagram datagrams[REASSEMBLY_DATAGRAMS];
};

#define NONE REASSEMBLY_DATAGRAMS

struct reassembly *
reassembly_create(void)
{
	return rte_zmalloc("reassembly", sizeof(struct reassembly), RTE_CACHE_LINE_SIZE);
}

void
reassembly_free(struct reassembly *r)
{
	for (unsigned int i = 0; r && i < REASSEMBLY_DATAGRAMS; i++)
		for (unsigned int p = 0; p < r->datagrams[i].n; p++)
			rte_pktmbuf_free(r->datagrams[i].parts[p].m);
	rte_free(r); /* not per packet: the graph is gone */
}

static void
give_up(struct reassembly *r, unsigned int i, enum reassembly_end why, reassembly_drop drop,
	void *user)
{
	struct datagram *d = &r->datagrams[i];

	for (unsigned int p = 0; p < d->n; p++)
		drop(user, d->parts[p].m, why);
	d->n = 0;
	r->keys[i].used = 0;
}

static bool
same(const struct key *a, const struct key *b)
{
	return a->used && a->src == b->src && a->dst == b->dst && a->id == b->id &&
	       a->proto == b->proto;
}

/* The slot of a datagram, an old one or a new one; what is too old goes on the way. */
static unsigned int
find(struct reassembly *r, const struct key *key, uint64_t now_us, reassembly_drop drop, void *user)
{
	unsigned int unused = NONE, oldest = NONE, own_oldest = NONE, own = 0;

	for (unsigned int i = 0; i < REASSEMBLY_DATAGRAMS; i++) {
		const struct datagram *d = &r->datagrams[i];
		if (r->keys[i].used && now_us - d->since_us > REASSEMBLY_TIMEOUT_US)
			give_up(r, i, REASSEMBLY_TIMEOUT, drop, user);
		if (same(&r->keys[i], key))
			return i;
		if (!r->keys[i].used) {
			unused = i;
			continue;
		}
		if (oldest == NONE || d->since_us < r->datagrams[oldest].since_us)
			oldest = i;
		if (r->keys[i].src != key->src)
			continue;
		own++;
		if (own_oldest == NONE || d->since_us < r->datagrams[own_oldest].since_us)
			own_oldest = i;
	}
	if (own >= REASSEMBLY_PER_SOURCE)
		unused = own_oldest;
	else if (unused == NONE)
		unused = oldest;
	give_up(r, unused, REASSEMBLY_CROWDED, drop, user);
	r->keys[unused] = *key;
	r->datagrams[unused] = (struct datagram){.since_us = now_us};
	return unused;
}

/* Where a fragment goes among the others. */
static unsigned int
place_of(const struct datagram *d, const struct part *new)
{
	unsigned int at = d->n;

	while (at > 0 && d->parts[at - 1].start >= new->start)
		at--;
	return at;
}

static bool
is_repeated(const struct datagram *d, const struct part *new)
{
	unsigned int at = place_of(d, new);

	return at < d->n && d->parts[at].start == new->start && d->parts[at].end == new->end;
}

static enum reassembly_end
insert(struct datagram *d, const struct part *new, bool last)
{
	unsigned int at = place_of(d, new);

	if ((at > 0 && d->parts[at - 1].end > new->start) ||
		(at < d->n && d->parts[at].start < new->end) ||
		(d->total && (last || new->end > d->total)) ||
		(last && d->n > 0 && d->parts[d->n - 1].end > new->end))
		return REASSEMBLY_OVERLAP;
	if (d->n == REASSEMBLY_FRAGMENTS)
		return REASSEMBLY_MALFORMED;
	memmove(&d->parts[at + 1], &d->parts[at], (d->n - at) * sizeof(d->parts[0]));
	d->parts[at] = *new;
	d->n++;
	d->have += new->end - new->start;
	if (last)
		d->total = new->end;
	return d->have == d->total ? REASSEMBLY_WHOLE : REASSEMBLY_WAITING;
}

/* Without overlaps, as many octets as there should be leave no gap. */
static struct rte_mbuf *
join(struct datagram *d)
{
	struct rte_mbuf *whole = d->parts[0].m, *tail = whole;
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(whole, struct rte_ipv4_hdr *);

	for (unsigned int p = 1; p < d->n; p++) {
		struct rte_mbuf *m = d->parts[p].m;
		rte_pktmbuf_adj(m, sizeof(*ip));
		tail = tail->next = m;
		whole->pkt_len += m->data_len;
	}
	whole->nb_segs = (uint16_t)d->n;
	ip->fragment_offset = 0;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + d->total));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	d->n = 0;
	return whole;
}

/* RFC 791: offsets in units of 8 octets.  RFC 1858 section 3.2.1: not too small a first one. */
static bool
well_formed(const struct part *p, bool last)
{
	uint32_t len = (uint32_t)p->m->data_len - sizeof(struct rte_ipv4_hdr);

	return len > 0 && (last || len % 8 == 0) &&
	       p->start + len <= UINT16_MAX - sizeof(struct rte_ipv4_hdr) &&
	       (p->start > 0 || (!last && len >= REASSEMBLY_FIRST_MIN));
}

struct rte_mbuf *
reassembly_take(
	struct reassembly *r, struct rte_mbuf *m, uint64_t now_us, reassembly_drop drop, void *user)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct key key = {ip->src_addr, ip->dst_addr, ip->packet_id, ip->next_proto_id, 1};
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
	bool last = !(field & RTE_IPV4_HDR_MF_FLAG);
	struct part new = {.m = m, .start = (uint16_t)((field & RTE_IPV4_HDR_OFFSET_MASK) * 8U)};

	if ((field & RTE_IPV4_HDR_OFFSET_MASK) * 8U > UINT16_MAX - sizeof(*ip) ||
		!well_formed(&new, last)) {
		drop(user, m, REASSEMBLY_MALFORMED);
		return NULL;
	}
	new.end = (uint16_t)(new.start + m->data_len - sizeof(*ip));
	unsigned int i = find(r, &key, now_us, drop, user);
	if (is_repeated(&r->datagrams[i], &new)) { /* networks do that */
		drop(user, m, REASSEMBLY_OVERLAP);
		return NULL;
	}
	enum reassembly_end end = insert(&r->datagrams[i], &new, last);
	switch (end) {
	case REASSEMBLY_WAITING:
		return NULL;
	case REASSEMBLY_WHOLE:
		r->keys[i].used = 0;
		return join(&r->datagrams[i]);
	default:
		give_up(r, i, end, drop, user);
		drop(user, m, end);
		return NULL;
	}
}
