/* SPDX-License-Identifier: BSD-3-Clause */
/* L2TP: its part of `status`, and `tunnels`. */
#include "control/oper/page.h"

json_t *
rpc_l2tp_status(const struct gateway_status *s)
{
	const struct l2tp_stats *l = &s->l2tp;
	json_t *o = json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "enabled",
		s->l2tp_max_sessions != 0, "ipsec_required", s->l2tp_requires_ipsec, "sessions",
		rpc_u64(s->l2tp_sessions), "max_sessions", rpc_u64(s->l2tp_max_sessions),
		"sessions_total", rpc_u64(l->sessions_total), "sessions_refused",
		rpc_u64(l->sessions_refused), "tunnels", rpc_u64(l->tunnels), "half_open",
		rpc_u64(l->half_open), "tunnels_total", rpc_u64(l->tunnels_total),
		"tunnels_refused", rpc_u64(l->tunnels_refused));
	json_t *messages = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "received",
		rpc_u64(l->received), "sent", rpc_u64(l->sent), "repeated", rpc_u64(l->repeated),
		"duplicates", rpc_u64(l->duplicates), "malformed", rpc_u64(l->malformed),
		"unknown_tunnel", rpc_u64(l->unknown_tunnel), "wrong_peer", rpc_u64(l->wrong_peer),
		"bad_nr", rpc_u64(l->bad_nr), "outside_window", rpc_u64(l->outside), "flooded",
		rpc_u64(l->flooded), "in_clear", rpc_u64(s->l2tp_in_clear), "strange_sa",
		rpc_u64(s->l2tp_strange_sa), "unsent", rpc_u64(s->l2tp_unsent));

	json_object_set_new(o, "messages", messages);
	return o;
}

static bool
page_tunnel(void *opaque, const struct l2tp_tunnel_info *t)
{
	struct page *page = opaque;

	if (page_takes(page))
		json_array_append_new(page->list,
			json_pack("{s:i, s:i, s:o, s:i, s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:o}",
				"id", (int)t->id, "peer_id", (int)t->peer_id, "peer",
				rpc_ip(t->path.peer_ip), "peer_port", (int)t->path.peer_port,
				"server", rpc_ip(t->path.server_ip), "ipsec_peer",
				rpc_u64(t->path.peer), "host", rpc_text(t->peer_host, 64), "state",
				t->established ? "established" : "half-open", "sessions",
				(int)t->sessions, "age_ms", rpc_u64(t->age_ms), "sent",
				rpc_u64(t->sent), "repeated", rpc_u64(t->repeated)));
	return true;
}

json_t *
rpc_tunnels(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	struct page page;

	if (!page_begin(&page, params, error))
		return NULL;
	gateway_tunnels(ctx->gateway, page_tunnel, &page);
	return page_answer(&page, "tunnels");
}
