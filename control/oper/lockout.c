/* SPDX-License-Identifier: BSD-3-Clause */
/* Lock-outs after failed logins (T1): `lockouts` and `unlock`. */
#include <arpa/inet.h>

#include "control/core/log.h"
#include "control/oper/audit.h"
#include "control/oper/page.h"

static void
page_lockout(void *opaque, const struct guard_lockout *l)
{
	struct page *page = opaque;

	if (page_takes(page))
		json_array_append_new(page->list,
			json_pack("{s:o, s:o, s:o}", "user", rpc_text(l->user ? l->user : "", 256),
				"address", l->address ? rpc_ip(l->address) : json_string(""),
				"left_ms", rpc_u64(l->left_ms)));
}

json_t *
rpc_lockouts(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	struct page page;

	if (!page_begin(&page, params, error))
		return NULL;
	sessions_lockouts(gateway_sessions(ctx->gateway), page_lockout, &page);
	return page_answer(&page, "lockouts");
}

json_t *
rpc_unlock(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *user = json_string_value(json_object_get(params, "user"));
	const char *address = json_string_value(json_object_get(params, "address"));
	struct in_addr a = {0};
	char name[260], ip[16];
	int n;

	if (address != NULL && (inet_pton(AF_INET, address, &a) != 1 || a.s_addr == 0))
		return rpc_fail(error, RPC_INVALID_PARAMS, "\"address\" must be an IPv4 address");
	n = sessions_unlock(gateway_sessions(ctx->gateway), user, ntohl(a.s_addr));
	if (n < 0)
		return rpc_fail(error, RPC_NOT_FOUND, "no user \"%.64s\"", user);
	audit(ctx, "action=unlock user=%s address=%s ended=%d",
		user != NULL ? log_quote(name, sizeof(name), user) : "any",
		address != NULL ? log_ip(ip, ntohl(a.s_addr)) : "any", n);
	return json_pack("{s:i}", "ended", n);
}
