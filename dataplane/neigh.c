/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/neigh.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <rte_ether.h>
#include <rte_jhash.h>
#include <rte_malloc.h>

#include "dataplane/fib.h"
#include "dataplane/netlink.h"
#include "dataplane/port_table.h"
#include "dataplane/segment.h"
#include "dataplane/worker.h"

#define BUCKETS     MAX_NEXTHOPS
#define FIRST       (SEGMENT_MAX_PORTS + 1u)
#define WAITING_MAX 320
#define RESOLVE_US  3500000 /* the kernel asks three times, one second apart */
#define FAILED_US   1000000
#define EVICT_TRIES 8

static const unsigned int part_size[NEIGH_PARTS] = {
	[NEIGH_GATEWAYS] = 64, [NEIGH_OURS] = 32, [NEIGH_CLIENTS] = 128, [NEIGH_OTHERS] = 96};

uint64_t neigh_visits;

static struct neighbour *table; /* MAX_NEXTHOPS */
static uint32_t buckets[BUCKETS];
static uint32_t secret; /* of the hash: hosts on the link choose their addresses */
/* Free ones in the order of their release, so that an index rests as long as possible.  From
 * unsettled on, a session's or a pair's outer_nh may still name them. */
static uint32_t free_head, free_tail, unsettled, marked, end;
static uint32_t waiting[WAITING_MAX]; /* those with a deadline */
static unsigned int n_waiting, n_part[NEIGH_PARTS], evict_at;
static struct rte_rcu_qsbr *qsbr;

int
neigh_init(struct rte_rcu_qsbr *rcu)
{
	table = rte_zmalloc("neighbours", MAX_NEXTHOPS * sizeof(*table), RTE_CACHE_LINE_SIZE);
	if (!table)
		return -ENOMEM;
	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return -EIO;
	qsbr = rcu;
	end = FIRST;
	for (unsigned int i = 0; i < n_ports; i++) {
		union nexthop nh = {.port = (uint8_t)i, .flags = NEXTHOP_USED};
		atomic_store_explicit(&nexthops[NEIGH_LINK(i)].word, nh.word, memory_order_relaxed);
	}
	return 0;
}

void
neigh_free(void)
{
	for (uint32_t i = neigh_next(0); i; i = neigh_next(i))
		for (unsigned int k = 0; k < table[i].n_held; k++)
			rte_pktmbuf_free(table[i].held[k]);
	rte_free(table);
	table = NULL;
	memset(buckets, 0, sizeof(buckets));
	memset(nexthops, 0, sizeof(nexthops));
	free_head = free_tail = unsettled = marked = end = 0;
	n_waiting = evict_at = 0;
	memset(n_part, 0, sizeof(n_part));
}

static uint32_t *
bucket(uint8_t port, uint32_t ip)
{
	return &buckets[rte_jhash_2words(ip, port, secret) % BUCKETS];
}

uint32_t
neigh_find(uint8_t port, uint32_t ip)
{
	uint32_t i = *bucket(port, ip);
	for (; i; i = table[i].next) {
		neigh_visits++;
		if (table[i].ip == ip && table[i].port == port)
			break;
	}
	return i;
}

uint32_t
neigh_next(uint32_t index)
{
	for (uint32_t i = index < FIRST ? FIRST : index + 1; table && i < end; i++)
		if (table[i].used)
			return i;
	return 0;
}

uint32_t
neigh_end(void)
{
	return end;
}

struct neighbour *
neigh_at(uint32_t index)
{
	return index >= FIRST && index < end && table[index].used ? &table[index] : NULL;
}

static uint32_t
take_index(void)
{
	uint32_t i = free_head;
	if (i && i != unsettled && rte_rcu_qsbr_check(qsbr, table[i].rcu_token, false) == 1) {
		free_head = table[i].next;
		if (!free_head)
			free_tail = 0;
		return i;
	}
	return end < MAX_NEXTHOPS ? end++ : 0;
}

uint32_t
neigh_get(uint8_t port, uint32_t ip)
{
	uint32_t i = neigh_find(port, ip);
	if (i)
		return i;
	i = take_index();
	if (!i)
		return 0;
	uint32_t *b = bucket(port, ip);
	table[i] = (struct neighbour){.ip = ip, .port = port, .used = true, .next = *b};
	*b = i;
	union nexthop nh = {.port = port, .flags = NEXTHOP_USED};
	atomic_store_explicit(&nexthops[i].word, nh.word, memory_order_relaxed);
	return i;
}

void
neigh_put(uint32_t index)
{
	struct neighbour *n = neigh_at(index);
	if (!n || n->known || n->routed || n->gateways || n->resolving || n->failed || n->n_held)
		return;
	uint32_t *at = bucket(n->port, n->ip);
	while (*at != index)
		at = &table[*at].next;
	*at = n->next;
	atomic_store_explicit(&nexthops[index].word, 0, memory_order_relaxed);
	n->used = false;
	n->next = 0;
	if (free_tail)
		table[free_tail].next = index;
	else
		free_head = index;
	free_tail = index;
	if (!unsettled)
		unsettled = index;
}

void
neigh_mark(void)
{
	marked = unsettled ? free_tail : 0;
}

void
neigh_settle(void)
{
	if (!marked)
		return;
	uint64_t token = rte_rcu_qsbr_start(qsbr);
	for (bool last = false; !last; unsettled = table[unsettled].next) {
		last = unsettled == marked;
		table[unsettled].rcu_token = token;
	}
	marked = 0;
}

/* Frame it and give it to a worker that transmits on the port. */
static void
transmit(const struct neighbour *n, struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth =
		(struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(struct rte_ether_hdr));
	if (!eth) {
		main_drop(m, DROP_no_buffer);
		return;
	}
	memcpy(&eth->dst_addr, n->mac, sizeof(eth->dst_addr));
	eth->src_addr = ports[n->port].mac;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	struct pkt_meta *meta = pkt_meta(m);
	memset(meta, 0, sizeof(*meta));
	meta->stage = STAGE_PORT;
	meta->port = n->port;
	if (rte_ring_sp_enqueue(workers[workers[0].tx_worker[n->port]].from_main, m) != 0)
		main_drop(m, DROP_handoff_full);
}

static void
release_held(struct neighbour *n, bool send)
{
	for (unsigned int i = 0; i < n->n_held; i++) {
		if (send)
			transmit(n, n->held[i]);
		else
			main_drop(n->held[i], DROP_ip_neighbour);
	}
	n->n_held = 0;
}

void
neigh_resolved(uint32_t index, const uint8_t *mac, uint64_t now_us)
{
	struct neighbour *n = neigh_at(index);
	(void)now_us;
	if (!n)
		return;
	n->known = true;
	n->resolving = n->failed = false;
	memcpy(n->mac, mac, sizeof(n->mac));
	union nexthop nh = {.port = n->port, .flags = NEXTHOP_USED | NEXTHOP_RESOLVED};
	memcpy(&nh.mac, mac, sizeof(n->mac));
	atomic_store_explicit(&nexthops[index].word, nh.word, memory_order_relaxed);
	release_held(n, true);
}

void
neigh_lost(uint32_t index, bool failed, uint64_t now_us)
{
	struct neighbour *n = neigh_at(index);
	if (!n)
		return;
	if (n->known) {
		union nexthop nh = {.port = n->port, .flags = NEXTHOP_USED};
		atomic_store_explicit(&nexthops[index].word, nh.word, memory_order_relaxed);
	}
	n->known = false;
	if (failed && n->resolving) {
		n->resolving = false;
		n->failed = true;
		release_held(n, false);
		n->deadline_us = now_us + FAILED_US;
	}
}

/* ------------------------------------------------------------------ who waits */

static void
stop_waiting(unsigned int at)
{
	uint32_t index = waiting[at];
	struct neighbour *n = &table[index];

	waiting[at] = waiting[--n_waiting];
	n_part[n->part]--;
	n->deadline_us = 0;
	n->resolving = n->failed = false;
	release_held(n, false);
	neigh_put(index);
}

static unsigned int
asked_by(const struct neigh_asker *who)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n_waiting; i++)
		count += table[waiting[i]].part == who->part &&
			 table[waiting[i]].asker == who->ip_be;
	return count;
}

/* One of whoever has more than count and one more; they are found in a few tries when they fill the
 * part. */
static bool
evict_one(uint8_t part, unsigned int count)
{
	unsigned int tries = 0;

	for (unsigned int i = 0; i < n_waiting && tries < EVICT_TRIES; i++) {
		unsigned int at = evict_at++ % n_waiting;
		const struct neighbour *n = &table[waiting[at]];
		if (n->part != part)
			continue;
		const struct neigh_asker other = {n->part, n->asker};
		if (asked_by(&other) > count + 1) {
			stop_waiting(at);
			return true;
		}
		tries++;
	}
	return false;
}

/* Room for one more of who. */
static bool
may_ask(const struct neigh_asker *who)
{
	unsigned int count = who->ip_be ? asked_by(who) : 0;

	if (count >= NEIGH_ASKER_SHARE)
		return false;
	return n_part[who->part] < part_size[who->part] ||
	       (who->ip_be && evict_one(who->part, count));
}

/* Routes' next hops are everybody's, whoever comes first. */
static bool
ask(uint32_t index, struct neigh_asker who, uint64_t now_us)
{
	struct neighbour *n = &table[index];

	if (n->gateways)
		who = (struct neigh_asker){NEIGH_GATEWAYS, 0};
	if (n->deadline_us == 0) {
		if (!may_ask(&who))
			return false;
		n->part = who.part;
		n->asker = who.ip_be;
		n_part[n->part]++;
		waiting[n_waiting++] = index;
	}
	n->resolving = true;
	n->deadline_us = now_us + RESOLVE_US;
	netlink_resolve(ports[n->port].ifindex, n->ip);
	return true;
}

void
neigh_send(uint32_t index, struct rte_mbuf *m, struct neigh_asker who, uint64_t now_us)
{
	struct neighbour *n = neigh_at(index);
	if (n && n->known) {
		transmit(n, m);
		return;
	}
	if (!n || n->failed || n->n_held == NEIGH_HELD ||
		(!n->resolving && !ask(index, who, now_us))) {
		main_drop(m, DROP_ip_neighbour);
		neigh_put(index);
		return;
	}
	n->held[n->n_held++] = m;
}

void
neigh_tick(uint64_t now_us)
{
	for (unsigned int i = 0; i < n_waiting;) {
		const struct neighbour *n = &table[waiting[i]];
		if (n->deadline_us > now_us && (n->resolving || n->failed))
			i++;
		else
			stop_waiting(i);
	}
}
