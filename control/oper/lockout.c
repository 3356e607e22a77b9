/* SPDX-License-Identifier: BSD-3-Clause */
/* Lock-outs after failed logins (T1): `lockouts` and `unlock`. */
#include <arpa/inet.h>

#include "control/core/log.h"
#include "control/oper/audit.h"
#include "control/oper/rpc.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     500

struct page {
	uint64_t offset, limit, total;
	json_t *list;
};

static void
page_lockout(void *opaque, const struct guard_lockout *l)
{
	struct page *page = opaque;

	if (page->total >= page->offset && json_array_size(page->list) < page->limit)
		json_array_append_new(page->list,
			json_pack("{s:o, s:o, s:o}", "user", rpc_text(l->user ? l->user : "", 256),
				"address", l->address ? rpc_ip(l->address) : json_string(""),
				"left_ms", rpc_u64(l->left_ms)));
	page->total++;
}

json_t *
rpc_lockouts(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	json_int_t offset = 0, limit = PAGE_DEFAULT;

	if (!rpc_bounded(params, "offset", 0, INT32_MAX, &offset, error) ||
		!rpc_bounded(params, "limit", 1, PAGE_MAX, &limit, error))
		return NULL;
	struct page page = {
		.offset = (uint64_t)offset, .limit = (uint64_t)limit, .list = json_array()};
	gateway_lockouts(ctx->gateway, page_lockout, &page);
	return json_pack("{s:o, s:I, s:I, s:o}", "total", rpc_u64(page.total), "offset", offset,
		"limit", limit, "lockouts", page.list);
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
	n = gateway_unlock(ctx->gateway, user, ntohl(a.s_addr));
	if (n < 0)
		return rpc_fail(error, RPC_NOT_FOUND, "no user \"%.64s\"", user);
	audit(ctx, "action=unlock user=%s address=%s ended=%d",
		user != NULL ? log_quote(name, sizeof(name), user) : "any",
		address != NULL ? log_ip(ip, ntohl(a.s_addr)) : "any", n);
	return json_pack("{s:i}", "ended", n);
}
