/* SPDX-License-Identifier: BSD-3-Clause */
/* The two weak switches (R2) by their old method: rows of the settings' table that are set until
 * adit-control ends. */
#include <string.h>

#include "control/oper/rpc.h"

struct weak {
	const char *protocol, *setting;
	bool rekey; /* there is such a fate */
};

static const struct weak switches[] = {{"pptp", "mppe.allow_weak_crypto", false},
	{"l2tp", "ipsec.allow_weak_crypto", true}, {NULL, NULL, false}};

/* How it is now, with what a change has ended. */
static json_t *
describe(const struct rpc_context *ctx, const struct weak *w, unsigned int acted)
{
	struct gateway_status g;
	struct ike_status k;
	gateway_status(ctx->gateway, &g);
	ike_status(gateway_ike(ctx->gateway), &k);
	return json_pack("{s:s, s:b, s:o, s:o}", "protocol", w->protocol, "allowed",
		w->rekey ? k.allow_weak_crypto : g.allow_pptp_weak_crypto, "weak_sessions",
		rpc_u64(w->rekey ? k.weak_sas : g.weak_sessions), "dropped", rpc_u64(acted));
}

static json_t *
change(const struct rpc_context *ctx, const struct weak *w, const json_t *params,
	struct rpc_error *error)
{
	bool allow = json_is_true(json_object_get(params, "allow"));
	const struct settings_value value = {w->setting, allow ? "true" : "false"};
	struct settings_change c = {.values = &value, .n = 1, .temporary = true};
	struct settings_result r;
	struct ike_status k;
	if (!rpc_fate(params, &c.fate, error))
		return NULL;
	if (c.fate == FATE_REKEY && !w->rekey)
		return rpc_fail(
			error, RPC_INVALID_PARAMS, "\"sessions\" must be \"keep\" or \"drop\"");
	ike_status(gateway_ike(ctx->gateway), &k);
	if (w->rekey && !k.enabled)
		return rpc_fail(error, RPC_INVALID_PARAMS,
			"IPsec is off (ipsec.enabled): there is nothing to switch");
	json_t *answer = rpc_change(ctx, &c, &r, error);
	if (!answer)
		return NULL;
	json_decref(answer);
	return describe(ctx, w, r.concerned);
}

json_t *
rpc_weak_crypto(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *protocol = json_string_value(json_object_get(params, "protocol"));
	const json_t *allow = json_object_get(params, "allow");
	const struct weak *w = switches;
	while (w->protocol && strcmp(w->protocol, protocol) != 0)
		w++;
	if (!w->protocol)
		return rpc_fail(
			error, RPC_INVALID_PARAMS, "\"protocol\" must be \"pptp\" or \"l2tp\"");
	if (!json_is_false(allow) && json_object_get(params, "sessions") != NULL)
		return rpc_fail(
			error, RPC_INVALID_PARAMS, "\"sessions\" goes with \"allow\": false only");
	return allow ? change(ctx, w, params, error) : describe(ctx, w, 0);
}
