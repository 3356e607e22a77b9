/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/gateway.h"

#include <errno.h>

#include "dataplane/config.h"
#include "dataplane/netlink.h"
#include "dataplane/port_table.h"
#include "dataplane/route.h"
#include "dataplane/worker.h"

static uint32_t server, pool_first, pool_last;
static struct gateway_prefix pool[GATEWAY_PREFIXES];
static unsigned int n_pool;

unsigned int
gateway_prefixes(uint32_t first, uint32_t last, struct gateway_prefix *out)
{
	unsigned int n = 0;
	for (uint64_t at = first; at <= last && n < GATEWAY_PREFIXES;) {
		unsigned int bits = 0;
		while (bits < 32 && !(at >> bits & 1) && at + (2ull << bits) - 1 <= last)
			bits++;
		out[n++] = (struct gateway_prefix){(uint32_t)at, (uint8_t)(32 - bits)};
		at += 1ull << bits;
	}
	return n;
}

/* Neither our ports' addresses nor their gateways may be drawn into the tunnel device. */
static bool
pool_is_safe(uint32_t first, uint32_t last)
{
	for (unsigned int i = 0; i < config.n_ports; i++) {
		const struct config_port *cp = &config.ports[i];
		if (cp->gateway >= first && cp->gateway <= last)
			return false;
		for (unsigned int k = 0; k < cp->n_addresses; k++)
			if (cp->addresses[k].ip >= first && cp->addresses[k].ip <= last)
				return false;
	}
	return true;
}

static bool
is_inner(uint32_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

void
gateway_clear(void)
{
	for (unsigned int i = 0; i < n_pool; i++)
		netlink_route_del(route_inner_ifindex, pool[i].ip, pool[i].depth, 0);
	if (server)
		netlink_address_del(route_inner_ifindex, server, 32);
	n_pool = 0;
	server = pool_first = pool_last = 0;
	atomic_store_explicit(&settings.server_inner_ip_be, 0, memory_order_relaxed);
}

int
gateway_set(uint32_t server_ip, uint32_t first, uint32_t last)
{
	if (!is_inner(server_ip) || !is_inner(first) || !is_inner(last) || first > last ||
		last - first >= GATEWAY_POOL_MAX || !pool_is_safe(first, last) ||
		!pool_is_safe(server_ip, server_ip))
		return -EINVAL;
	if (server == server_ip && pool_first == first && pool_last == last)
		return 0; /* a new control says what the last one did */
	gateway_clear();
	int rc = netlink_address_add(route_inner_ifindex, server_ip, 32);
	if (rc)
		return rc;
	server = server_ip;
	struct gateway_prefix wanted[GATEWAY_PREFIXES];
	unsigned int n = gateway_prefixes(first, last, wanted);
	for (unsigned int i = 0; i < n && rc == 0; i++) {
		rc = netlink_route_add(route_inner_ifindex, wanted[i].ip, wanted[i].depth, 0);
		if (rc == 0)
			pool[n_pool++] = wanted[i];
	}
	if (rc) {
		gateway_clear();
		return rc == -EINVAL ? -EADDRNOTAVAIL : rc;
	}
	pool_first = first;
	pool_last = last;
	atomic_store_explicit(
		&settings.server_inner_ip_be, rte_cpu_to_be_32(server_ip), memory_order_relaxed);
	return 0;
}

static void
proxy(uint32_t ip, bool add)
{
	for (unsigned int i = 0; i < n_ports; i++) {
		const struct config_port *cp = &config.ports[i];
		for (unsigned int k = 0; cp->proxy_arp && k < cp->n_addresses; k++) {
			uint32_t mask = UINT32_MAX << (32 - cp->addresses[k].prefix);
			if ((ip & mask) != (cp->addresses[k].ip & mask))
				continue;
			netlink_proxy(ports[i].ifindex, ip, add);
			break;
		}
	}
}

void
gateway_client_add(uint32_t ip, bool *routed)
{
	bool in_pool = n_pool && ip >= pool_first && ip <= pool_last;
	*routed = !in_pool && netlink_route_add(route_inner_ifindex, ip, 32, 0) == 0;
	proxy(ip, true);
}

void
gateway_client_del(uint32_t ip, bool *routed)
{
	if (*routed)
		netlink_route_del(route_inner_ifindex, ip, 32, 0);
	*routed = false;
	proxy(ip, false);
}
