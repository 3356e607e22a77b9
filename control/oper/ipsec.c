/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators see and change of IPsec. */
#include <arpa/inet.h>
#include <string.h>

#include "control/oper/page.h"

json_t *
rpc_ipsec_status(const struct rpc_context *ctx)
{
	struct ike_status s;

	ike_status(gateway_ike(ctx->gateway), &s);
	return json_pack("{s:b, s:b, s:b, s:o, s:o, s:o, s:b, s:o}", "enabled", s.enabled,
		"connected", s.plugin_connected, "configured", s.configured, "peers",
		rpc_u64(s.peers), "sas", rpc_u64(s.sas), "weak_sas", rpc_u64(s.weak_sas),
		"weak_crypto_allowed", s.allow_weak_crypto, "bad_records", rpc_u64(s.bad_records));
}

struct sas_page {
	struct page page;
	uint32_t peer_ip; /* 0: everybody */
};

static json_t *
describe(const struct ike_sa_info *sa)
{
	const struct sa_counters *c = &sa->counters;
	char spi[12], out_spi[12] = "";

	snprintf(spi, sizeof(spi), "%08x", sa->spi);
	if (sa->out_spi)
		snprintf(out_spi, sizeof(out_spi), "%08x", sa->out_spi);
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:s, s:s, s:s, s:b, s:b, s:b}",
		"spi", spi, "out_spi", out_spi, "peer", rpc_ip(sa->outer.peer_ip), "peer_id",
		rpc_u64(sa->peer), "server", rpc_ip(sa->outer.server_ip), "nat",
		sa->outer.peer_port != 0, "port", rpc_u64(sa->outer.peer_port), "encryption",
		sa->encryption, "integrity", sa->integrity, "strength", sa->strength, "weak",
		sa->weak, "current", sa->current, "orphan", sa->orphan);
	json_t *counts = json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "age_ms",
		rpc_u64(sa->age_ms), "worker", (int)sa->worker, "in_packets",
		rpc_u64(c->in_packets), "in_bytes", rpc_u64(c->in_bytes), "in_auth_failed",
		rpc_u64(c->in_auth_failed), "in_replayed", rpc_u64(c->in_replayed), "in_dropped",
		rpc_u64(c->in_dropped), "out_packets", rpc_u64(c->out_packets), "out_bytes",
		rpc_u64(c->out_bytes), "out_dropped", rpc_u64(c->out_dropped));
	json_object_update_new(o, counts);
	return o;
}

static bool
page_sa(void *opaque, const struct ike_sa_info *sa)
{
	struct sas_page *p = opaque;

	if (p->peer_ip && p->peer_ip != sa->outer.peer_ip)
		return true;
	if (page_takes(&p->page))
		json_array_append_new(p->page.list, describe(sa));
	return true;
}

json_t *
rpc_sas(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *peer = json_string_value(json_object_get(params, "peer"));
	struct in_addr a = {0};
	struct sas_page p;

	if (peer != NULL && inet_pton(AF_INET, peer, &a) != 1)
		return rpc_fail(error, RPC_INVALID_PARAMS, "\"peer\" must be an IPv4 address");
	p.peer_ip = ntohl(a.s_addr);
	if (!page_begin(&p.page, params, error))
		return NULL;
	ike_sas(gateway_ike(ctx->gateway), page_sa, &p);
	return page_answer(&p.page, "sas");
}
