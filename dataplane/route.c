/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's routes, its neighbours and the sessions' addresses, brought together in one table of
 * prefixes; what wins for a prefix is installed in the FIB: our own addresses, then sessions, then
 * neighbours, then routes.
 */
#include "dataplane/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_ip.h>
#include <rte_jhash.h>

#include "dataplane/clock.h"
#include "dataplane/neigh.h"
#include "dataplane/port_table.h"
#include "dataplane/route_internal.h"

#define BUCKETS        65536
#define MAX_ROUTES     65536
#define MAX_NEIGHBOURS MAX_NEXTHOPS
#define NOTHING        UINT32_MAX
#define TURN_PLACES    256 /* neighbours, in one turn of the main loop */

int route_inner_ifindex;

struct route {
	struct route *next;
	struct kernel_route k;
	uint32_t gateway; /* index of the neighbour, 0: none */
	uint8_t generation;
};

struct prefix {
	struct prefix *next;
	uint32_t ip;
	uint8_t depth;
	uint32_t session;   /* FIB value or NOTHING */
	uint32_t neighbour; /* FIB value or NOTHING */
	uint32_t installed; /* FIB value or NOTHING */
	bool hosted;        /* in front of the FIB, not in it */
	struct route *routes;
};

static struct prefix **prefixes; /* BUCKETS */
static uint32_t secret;          /* of the hash: hosts on the link choose their addresses */
static unsigned int n_routes;
static uint8_t generation;

/* A round through all neighbours, after changes. */
static bool places_changed;
static uint32_t places_at, places_left;

static const struct netlink_listener listener = {
	.route_add = route_kernel_add,
	.route_del = route_kernel_del,
	.neighbour = route_neighbour,
	.resync_begin = route_resync_begin,
	.resync_end = route_resync_end,
	.is_ours = route_is_ours,
};

int
route_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu)
{
	struct rte_lpm_config cfg = {
		.max_rules = max_sessions + MAX_ROUTES + MAX_NEIGHBOURS,
		.number_tbl8s = 4096,
	};
	struct rte_lpm_rcu_config rcu_cfg = {.v = rcu, .mode = RTE_LPM_QSBR_MODE_DQ};

	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return -EIO;
	fib = rte_lpm_create("fib", SOCKET_ID_ANY, &cfg);
	prefixes = calloc(BUCKETS, sizeof(*prefixes));
	if (!fib || !prefixes || rte_lpm_rcu_qsbr_add(fib, &rcu_cfg) != 0 ||
		host_init(max_sessions, rcu) != 0)
		return -ENOMEM;
	netlink_listen(&listener);
	return neigh_init(rcu);
}

static struct prefix **
bucket(uint32_t ip, uint8_t depth)
{
	return &prefixes[rte_jhash_2words(ip, depth, secret) % BUCKETS];
}

static struct prefix *
prefix_find(uint32_t ip, uint8_t depth)
{
	struct prefix *p = *bucket(ip, depth);
	while (p && (p->ip != ip || p->depth != depth))
		p = p->next;
	return p;
}

static struct prefix *
prefix_get(uint32_t ip, uint8_t depth)
{
	struct prefix *p = prefix_find(ip, depth);
	if (p || !(p = calloc(1, sizeof(*p))))
		return p;
	p->ip = ip;
	p->depth = depth;
	p->session = p->neighbour = p->installed = NOTHING;
	p->next = *bucket(ip, depth);
	*bucket(ip, depth) = p;
	return p;
}

static int
port_by_ifindex(int ifindex)
{
	for (unsigned int i = 0; ifindex > 0 && i < n_ports; i++)
		if (ports[i].ifindex == ifindex)
			return (int)i;
	return -1;
}

bool
route_is_ours(int ifindex)
{
	return ifindex > 0 && (ifindex == route_inner_ifindex || port_by_ifindex(ifindex) >= 0);
}

/* The order in which the kernel would take two routes to one prefix: its local table comes before
 * the main one; ours before others'; then the lower metric. */
static bool
is_better(const struct kernel_route *a, const struct kernel_route *b)
{
	bool a_ours = route_is_ours(a->oif) || a->type == KERNEL_ROUTE_DROP;
	bool b_ours = route_is_ours(b->oif) || b->type == KERNEL_ROUTE_DROP;
	if (a_ours != b_ours)
		return a_ours;
	if ((a->type == KERNEL_ROUTE_LOCAL) != (b->type == KERNEL_ROUTE_LOCAL))
		return a->type == KERNEL_ROUTE_LOCAL;
	return a->metric < b->metric;
}

static const struct route *
best_route(const struct prefix *p)
{
	const struct route *best = NULL;
	for (const struct route *r = p->routes; r; r = r->next)
		if (!best || is_better(&r->k, &best->k))
			best = r;
	return best;
}

static uint32_t
route_value(const struct prefix *p)
{
	const struct route *r = best_route(p);
	if (!r)
		return NOTHING;
	int port = port_by_ifindex(r->k.oif);
	if (r->k.type == KERNEL_ROUTE_LOCAL && port >= 0)
		return FIB_VALUE(FIB_LOCAL, (uint32_t)port);
	if (r->k.type == KERNEL_ROUTE_LOCAL && route_is_ours(r->k.oif))
		return FIB_VALUE(FIB_LOCAL, FIB_LOCAL_INNER);
	if (r->k.type != KERNEL_ROUTE_UNICAST || port < 0)
		return FIB_NONE; /* by an interface that isn't ours, or pool addresses without a
				    session */
	if (r->k.gateway)
		return r->gateway ? FIB_VALUE(FIB_NEXTHOP, r->gateway) : FIB_NONE;
	return FIB_VALUE(FIB_NEXTHOP, NEIGH_LINK((uint32_t)port));
}

static uint32_t
prefix_value(const struct prefix *p)
{
	uint32_t v = route_value(p);
	if (v != NOTHING && FIB_TYPE(v) == FIB_LOCAL)
		return v;
	if (p->session != NOTHING)
		return p->session;
	return p->neighbour != NOTHING ? p->neighbour : v;
}

static bool
is_session(uint32_t v)
{
	return v != NOTHING && FIB_TYPE(v) == FIB_SESSION;
}

/* Sessions' addresses, and all of the gateway's own, those of interfaces that aren't ours
 * included: classify asks host_lookup() who may not be on the LAN (T25). */
static bool
is_host(const struct prefix *p, uint32_t v)
{
	const struct route *r;
	if (p->depth != 32 || v == NOTHING)
		return false;
	if (is_session(v) || FIB_TYPE(v) == FIB_LOCAL)
		return true;
	r = v == FIB_NONE ? best_route(p) : NULL;
	return r && r->k.type == KERNEL_ROUTE_LOCAL;
}

static int
fib_write(uint32_t ip, uint8_t depth, uint32_t value)
{
	/* rte_lpm has no depth 0.  What it does not find, fib_lookup() takes from here. */
	if (depth == 0) {
		atomic_store_explicit(
			&fib_default, value == NOTHING ? FIB_NONE : value, memory_order_relaxed);
		return 0;
	}
	return value == NOTHING ? rte_lpm_delete(fib, ip, depth)
				: rte_lpm_add(fib, ip, depth, value);
}

/* A host's own address goes in front of the FIB: what it was before stays out of the FIB, what
 * comes after it is there before it leaves. */
static int
install(struct prefix *p, uint32_t v)
{
	bool host = is_host(p, v), was_host = p->hosted;
	bool in_fib = p->installed != NOTHING && !was_host;
	int rc = host                     ? host_set(p->ip, v)
		 : v != NOTHING || in_fib ? fib_write(p->ip, p->depth, v)
					  : 0;
	if (rc)
		return rc;
	p->installed = v;
	p->hosted = host;
	if (host)
		return in_fib ? fib_write(p->ip, p->depth, NOTHING) : 0;
	return was_host ? host_set(p->ip, 0) : 0;
}

/* Install what wins; forget a prefix that nobody wants.  0 or a negative errno. */
static int
prefix_update(struct prefix *p)
{
	uint32_t v = prefix_value(p);
	int rc = 0;
	if (v != p->installed || is_host(p, v) != p->hosted) {
		/* No way to a peer leads by a session: nothing to look up again for one that comes
		 * or goes. */
		if (!is_session(v) && !is_session(p->installed))
			ways_change(p->ip, p->depth);
		rc = install(p, v);
	}
	if (p->routes || p->session != NOTHING || p->neighbour != NOTHING ||
		p->installed != NOTHING)
		return rc;
	struct prefix **at = bucket(p->ip, p->depth);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p);
	return rc;
}

int
route_add_session(uint32_t ip, uint32_t slot)
{
	struct prefix *p = prefix_get(ip, 32);
	if (!p)
		return -ENOMEM;
	uint32_t v = route_value(p);
	if (p->session != NOTHING || (v != NOTHING && FIB_TYPE(v) == FIB_LOCAL))
		return -EADDRINUSE;
	p->session = FIB_VALUE(FIB_SESSION, slot);
	int rc = prefix_update(p);
	if (rc) {
		p->session = NOTHING;
		prefix_update(p);
	}
	return rc;
}

void
route_del_session(uint32_t ip)
{
	struct prefix *p = prefix_find(ip, 32);
	if (!p)
		return;
	p->session = NOTHING;
	prefix_update(p);
}

/* ------------------------------------------------------------------ kernel routes */

static bool
same_route(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->type == b->type && a->oif == b->oif && a->gateway == b->gateway &&
	       a->metric == b->metric && a->tos == b->tos;
}

static void
remove_route(struct route **at)
{
	struct route *r = *at;
	struct neighbour *n = neigh_at(r->gateway);
	*at = r->next;
	if (n && n->gateways)
		n->gateways--;
	neigh_put(r->gateway);
	free(r);
	n_routes--;
}

void
route_kernel_add(const struct kernel_route *k, bool replace)
{
	struct prefix *p = k->tos == 0 ? prefix_get(k->ip, k->depth) : NULL;
	if (!p)
		return; /* routes by type of service have no place in the FIB */
	uint32_t before = route_value(p);
	struct route **at = &p->routes;
	while (*at && !same_route(&(*at)->k, k) &&
		!(replace && (*at)->k.metric == k->metric && (*at)->k.type != KERNEL_ROUTE_LOCAL))
		at = &(*at)->next;
	if (*at && same_route(&(*at)->k, k)) {
		(*at)->generation = generation;
		return;
	}
	struct route *r = n_routes < MAX_ROUTES ? calloc(1, sizeof(*r)) : NULL;
	if (r) {
		int port = port_by_ifindex(k->oif);
		r->k = *k;
		r->generation = generation;
		if (k->gateway && port >= 0 && k->type == KERNEL_ROUTE_UNICAST) {
			r->gateway = neigh_get((uint8_t)port, k->gateway);
			struct neighbour *n = neigh_at(r->gateway);
			if (n)
				n->gateways++;
		}
		r->next = p->routes;
		if (at == &p->routes)
			at = &r->next;
		p->routes = r;
		n_routes++;
	}
	if (*at && replace && !same_route(&(*at)->k, k))
		remove_route(at);
	places_changed |= route_value(p) != before;
	prefix_update(p);
}

void
route_kernel_del(const struct kernel_route *k)
{
	struct prefix *p = prefix_find(k->ip, k->depth);
	if (!p)
		return;
	uint32_t before = route_value(p);
	for (struct route **at = &p->routes; *at; at = &(*at)->next) {
		if (!same_route(&(*at)->k, k))
			continue;
		remove_route(at);
		break;
	}
	places_changed |= route_value(p) != before;
	prefix_update(p);
}

/* ------------------------------------------------------------------ neighbours */

/* A neighbour has its own entry only where the routes say that its address is on the link of its
 * port: else a host there could draw the traffic of any address to itself. */
static bool
on_link(uint32_t ip, uint8_t port)
{
	for (int depth = 32; depth >= 0; depth--) {
		uint32_t mask = depth ? UINT32_MAX << (32 - depth) : 0;
		const struct prefix *p = prefix_find(ip & mask, (uint8_t)depth);
		uint32_t v = p ? route_value(p) : NOTHING;
		if (v != NOTHING)
			return v == FIB_VALUE(FIB_NEXTHOP, NEIGH_LINK(port));
	}
	return false;
}

static void
place_neighbour(uint32_t index)
{
	struct neighbour *n = neigh_at(index);
	if (!n)
		return;
	bool want = n->known && on_link(n->ip, n->port);
	if (want == n->routed)
		return;
	struct prefix *p = want ? prefix_get(n->ip, 32) : prefix_find(n->ip, 32);
	uint32_t v = FIB_VALUE(FIB_NEXTHOP, index);
	n->routed = want && p;
	if (!p)
		return;
	if (want)
		p->neighbour = v;
	else if (p->neighbour == v)
		p->neighbour = NOTHING;
	prefix_update(p);
}

void
route_neighbour(int ifindex, uint32_t ip, const uint8_t *mac, bool failed)
{
	int port = port_by_ifindex(ifindex);
	if (port < 0)
		return;
	uint64_t now_us = clock_us(rte_rdtsc());
	uint32_t index = mac ? neigh_get((uint8_t)port, ip) : neigh_find((uint8_t)port, ip);
	struct neighbour *n = neigh_at(index);
	if (!n)
		return;
	n->generation = generation;
	if (mac)
		neigh_resolved(index, mac, now_us);
	else
		neigh_lost(index, failed, now_us);
	place_neighbour(index);
	neigh_put(index);
}

/* ------------------------------------------------------------------ all of it */

void
route_resync_begin(void)
{
	generation++;
}

void
route_resync_end(void)
{
	for (unsigned int b = 0; b < BUCKETS; b++) {
		for (struct prefix *p = prefixes[b], *next; p; p = next) {
			next = p->next;
			for (struct route **at = &p->routes; *at;) {
				if ((*at)->generation != generation)
					remove_route(at);
				else
					at = &(*at)->next;
			}
			prefix_update(p);
		}
	}
	for (uint32_t i = neigh_next(0); i; i = neigh_next(i)) {
		if (neigh_at(i)->known && neigh_at(i)->generation != generation)
			neigh_lost(i, false, 0);
	}
	ways_change(0, 0);
	places_changed = true;
}

/* ------------------------------------------------------------------ turns */

/* Which neighbours have entries of their own follows from the routes. */
static void
place_neighbours(void)
{
	if (places_left == 0 && places_changed) {
		places_changed = false;
		places_at = 0;
		places_left = neigh_end();
	}
	for (unsigned int n = 0; places_left > 0 && n < TURN_PLACES; n++, places_left--) {
		place_neighbour(places_at);
		neigh_put(places_at++);
	}
}

void
route_tick(uint64_t now_us)
{
	neigh_tick(now_us);
	place_neighbours();
	ways_turn();
}

void
route_free(void)
{
	for (unsigned int b = 0; prefixes && b < BUCKETS; b++) {
		for (struct prefix *p = prefixes[b], *next; p; p = next) {
			next = p->next;
			while (p->routes)
				remove_route(&p->routes);
			free(p);
		}
	}
	free(prefixes);
	prefixes = NULL;
	neigh_free();
	host_free();
	rte_lpm_free(fib);
	fib = NULL;
	fib_default = FIB_NONE;
	places_at = places_left = 0;
	places_changed = false;
	ways_forget();
}
