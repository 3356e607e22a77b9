/* SPDX-License-Identifier: BSD-3-Clause */
/* `tunnels` */
#include "control/oper/page.h"

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
	l2tp_tunnels(gateway_l2tp(ctx->gateway), page_tunnel, &page);
	return page_answer(&page, "tunnels");
}
