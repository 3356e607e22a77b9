/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators may ask and change; docs/rpc.md describes each method, and a test holds the page
 * against this table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/core/log.h"
#include "control/oper/audit.h"
#include "control/oper/page.h"
#include "dataplane/api/layout.h"

static const char *const state_names[] = {
	[PHASE_CALL] = "call",
	[PHASE_LCP] = "lcp",
	[PHASE_AUTH] = "authentication",
	[PHASE_NETWORK] = "network",
	[PHASE_UP] = "up",
	[PHASE_CLOSING] = "closing",
};

static const char *
state_name(uint8_t state)
{
	return state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state]
								    : "unknown";
}

static json_t *
refusal_counts(const uint64_t counts[REFUSAL_COUNT])
{
	json_t *list = json_array();

	for (int i = 0; i < REFUSAL_COUNT; i++)
		if (counts[i] != 0)
			json_array_append_new(
				list, json_pack("{s:s, s:o, s:s}", "code", refusal_name(i), "count",
					      rpc_u64(counts[i]), "text", refusal_text(i)));
	return list;
}

static json_t *
adoption(const struct adoption *a)
{
	static const struct {
		const char *name, *text;
	} faults[] = {
#define X(e, name, text) {name, text},
		ADOPT_FAULTS(X)
#undef X
	};
	json_t *closed = json_array();

	for (unsigned int i = 0; i < ADOPT_FAULT_COUNT; i++)
		if (a->refused[i] != 0)
			json_array_append_new(closed,
				json_pack("{s:s, s:o, s:s}", "cause", faults[i].name, "count",
					rpc_u64(a->refused[i]), "text", faults[i].text));
	return json_pack("{s:o, s:o, s:o}", "sessions", rpc_u64(a->sessions), "tunnels",
		rpc_u64(a->tunnels), "closed", closed);
}

static json_t *
socket_counts(const struct oper_counters *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "clients",
		rpc_u64(c->clients), "accepted", rpc_u64(c->accepted), "refused_credentials",
		rpc_u64(c->refused_credentials), "refused_full", rpc_u64(c->refused_full),
		"requests", rpc_u64(c->requests), "bad_requests", rpc_u64(c->bad_requests),
		"oversized", rpc_u64(c->oversized), "dropped_slow", rpc_u64(c->dropped_slow),
		"dropped_idle", rpc_u64(c->dropped_idle), "dropped_garbage",
		rpc_u64(c->dropped_garbage));
}

static json_t *
log_counts(void)
{
	const struct log_counters *c = log_counters();
	return json_pack("{s:o, s:o, s:o}", "waiting", rpc_u64(c->waiting), "lost",
		rpc_u64(c->lost), "lost_audit", rpc_u64(c->lost_audit));
}

/* What carries sessions has a member of its own in `status`. */
static json_t *
carrier(const struct carrier_status *c)
{
	json_t *o = json_pack("{s:b, s:o, s:o}", "enabled", c->max_sessions != 0, "sessions",
		rpc_u64(c->sessions), "max_sessions", rpc_u64(c->max_sessions));

	for (unsigned int i = 0; i < c->n_figures; i++) {
		const struct carrier_figure *f = &c->figures[i];
		json_t *in = f->group ? json_object_get(o, f->group) : o;
		if (!in) {
			in = json_object();
			json_object_set_new(o, f->group, in);
		}
		json_object_set_new(
			in, f->name, f->flag ? json_boolean(f->value != 0) : rpc_u64(f->value));
	}
	return o;
}

static json_t *
method_status(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	struct gateway_status s;

	(void)params;
	(void)error;
	gateway_status(ctx->gateway, &s);
	json_t *pool = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		rpc_text(s.pool_name, sizeof(s.pool_name)), "first", rpc_ip(s.pool_first), "last",
		rpc_ip(s.pool_last), "size", rpc_u64(s.pool_size), "used", rpc_u64(s.pool_used),
		"reserved", rpc_u64(s.pool_reserved));
	json_t *all = json_pack("{s:s, s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", ADIT_VERSION, "uptime_ms", rpc_u64(s.uptime_ms), "healthy",
		s.problem[0] == '\0', "problem", rpc_text(s.problem, sizeof(s.problem)),
		"dataplane_connected", s.dataplane_connected, "ipsec", rpc_ipsec_status(ctx),
		"pool", pool, "adopted", adoption(&s.adoption), "forged_frames",
		rpc_u64(s.forged_frames), "refusals", refusal_counts(s.refusals), "control_socket",
		socket_counts(ctx->counters), "log", log_counts());
	for (unsigned int i = 0; i < s.n_carriers; i++)
		json_object_set_new(all, s.carriers[i].name, carrier(&s.carriers[i]));
	return all;
}

/* What `sessions` shows of each. */
static json_t *
session_brief(const struct session_info *s)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:b, s:o, s:o, s:o}",
		"id", rpc_u64(s->id), "user", rpc_text(s->user, sizeof(s->user)), "claimed",
		rpc_text(s->claimed, sizeof(s->claimed)), "protocol", s->protocol, "state",
		state_name(s->state), "peer", rpc_ip(s->peer_ip), "server", rpc_ip(s->server_ip),
		"address", s->inner_ip != 0 ? rpc_ip(s->inner_ip) : json_string(""), "mppe_tx",
		(int)s->mppe_tx, "mppe_rx", (int)s->mppe_rx, "ipsec", s->ipsec_peer != 0, "age_ms",
		rpc_u64(s->age_ms), "up_bytes", rpc_u64(s->counters.up_bytes), "down_bytes",
		rpc_u64(s->counters.down_bytes));
}

/* What `session` adds. */
static json_t *
session_detail(const struct session_info *s)
{
	const struct session_counters *c = &s->counters;
	json_t *o = session_brief(s);
	json_t *more = json_pack("{s:s, s:o, s:b, s:b, s:i, s:i, s:i, s:i, s:i}", "acct_session_id",
		s->acct, "auth", rpc_text(s->auth, sizeof(s->auth)), "mppe_tx_stateless",
		s->mppe_tx_stateless, "mppe_rx_stateless", s->mppe_rx_stateless, "call_id",
		(int)s->local_id, "peer_call_id", (int)s->remote_id, "our_mru", (int)s->our_mru,
		"peer_mru", (int)s->peer_mru, "worker", (int)s->owner);
	json_object_update_new(o, more);
	json_t *counts = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"handle", rpc_u64(s->handle), "up_packets", rpc_u64(c->up_packets), "up_drops",
		rpc_u64(c->up_drops), "up_ppp_packets", rpc_u64(c->up_ppp_packets), "down_packets",
		rpc_u64(c->down_packets), "down_drops", rpc_u64(c->down_drops), "down_ppp_packets",
		rpc_u64(c->down_ppp_packets), "gre_lost", rpc_u64(c->gre_lost), "mppe_rx_resets",
		rpc_u64(c->mppe_rx_resets), "mppe_tx_resets", rpc_u64(c->mppe_tx_resets),
		"handoffs", rpc_u64(c->handoffs));
	json_object_update_new(o, counts);
	json_t *l2tp = json_pack("{s:i, s:i, s:i, s:o, s:o}", "tunnel_id", (int)s->tunnel_id,
		"peer_tunnel_id", (int)s->peer_tunnel_id, "peer_port", (int)s->peer_port, "sa",
		rpc_u64(s->sa), "ipsec_peer", rpc_u64(s->ipsec_peer));
	json_object_update_new(o, l2tp);
	return o;
}

static bool
page_session(void *opaque, const struct session_info *s)
{
	struct page *page = opaque;

	if (page_takes(page))
		json_array_append_new(page->list, session_brief(s));
	return true;
}

bool
rpc_bounded(const json_t *params, const char *name, json_int_t min, json_int_t max, json_int_t *v,
	struct rpc_error *error)
{
	const json_t *given = json_object_get(params, name);

	if (given == NULL)
		return true;
	*v = json_integer_value(given);
	if (*v >= min && *v <= max)
		return true;
	rpc_fail(error, RPC_INVALID_PARAMS,
		"parameter \"%s\" must be %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT, name,
		min, max);
	error->data = json_pack("{s:s}", "param", name);
	return false;
}

static json_t *
method_sessions(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *user = json_string_value(json_object_get(params, "user"));
	struct page page;

	if (!page_begin(&page, params, error))
		return NULL;
	if (user)
		sessions_of_user(gateway_sessions(ctx->gateway), user, page_session, &page);
	else
		sessions_each(gateway_sessions(ctx->gateway), page_session, &page);
	return page_answer(&page, "sessions");
}

static json_t *
no_session(json_int_t id, struct rpc_error *error)
{
	return rpc_fail(error, RPC_NOT_FOUND, "no session %" JSON_INTEGER_FORMAT, id);
}

static json_t *
method_session(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	struct session_info s;
	json_int_t id = 0;

	if (!rpc_bounded(params, "id", 0, UINT32_MAX, &id, error))
		return NULL;
	if (sessions_get(gateway_sessions(ctx->gateway), (uint32_t)id, &s) != 0)
		return no_session(id, error);
	return session_detail(&s);
}

static json_t *
method_disconnect(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *user = json_string_value(json_object_get(params, "user"));
	bool by_id = json_object_get(params, "id") != NULL;
	char name[260];
	unsigned int n;
	json_int_t id = 0;

	if (by_id == (user != NULL))
		return rpc_fail(error, RPC_INVALID_PARAMS,
			"disconnect needs either \"id\" or \"user\", not both");
	if (!rpc_bounded(params, "id", 0, UINT32_MAX, &id, error))
		return NULL;
	if (by_id) {
		if (sessions_disconnect(gateway_sessions(ctx->gateway), (uint32_t)id) != 0)
			return no_session(id, error);
		n = 1;
		audit(ctx, "action=disconnect session=%" JSON_INTEGER_FORMAT, id);
	} else {
		n = sessions_disconnect_user(gateway_sessions(ctx->gateway), user);
		if (n == 0)
			return rpc_fail(error, RPC_NOT_FOUND, "no session of user \"%.64s\"", user);
		audit(ctx, "action=disconnect user=%s sessions=%u",
			log_quote(name, sizeof(name), user), n);
	}
	return json_pack("{s:o}", "disconnected", rpc_u64(n));
}

static json_t *
method_explain(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const char *code = json_string_value(json_object_get(params, "code"));
	json_t *list = json_array();

	(void)ctx;
	for (int i = 0; i < REFUSAL_COUNT; i++)
		if (code == NULL || strcmp(code, refusal_name(i)) == 0)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s}", "code", refusal_name(i), "text",
					      refusal_text(i), "remedy", refusal_remedy(i)));
	if (json_array_size(list) > 0)
		return json_pack("{s:o}", "refusals", list);
	json_decref(list);
	return rpc_fail(error, RPC_NOT_FOUND, "no refusal code \"%.64s\"", code);
}

static json_t *
method_version(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	(void)params;
	(void)error;
	return json_pack("{s:s, s:i, s:s}", "version", ADIT_VERSION, "segment_version",
		SEGMENT_VERSION, "role", oper_role_name(ctx->role));
}

static json_t *
describe_params(const struct rpc_method *m)
{
	static const char *const types[] = {"integer", "string", "boolean", "object", "array"};
	json_t *list = json_array();

	for (unsigned int i = 0; i < RPC_PARAMS_MAX && m->params[i].name != NULL; i++) {
		const struct rpc_param *p = &m->params[i];
		enum oper_role role = p->role > m->role ? p->role : m->role;
		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:s}", "name", p->name,
						    "type", types[p->type], "required", p->required,
						    "role", oper_role_name(role), "help", p->help));
	}
	return list;
}

static json_t *
method_methods(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	json_t *list = json_array();

	(void)ctx;
	(void)params;
	(void)error;
	for (const struct rpc_method *m = rpc_methods; m->name != NULL; m++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", m->name,
						    "role", oper_role_name(m->role), "help",
						    m->help, "params", describe_params(m)));
	return json_pack("{s:o}", "methods", list);
}

/* clang-format off */
const struct rpc_method rpc_methods[] = {
	{"status", OPER_READ, method_status, "state of the gateway, and what is wrong with it", {{0}}},
	{"sessions", OPER_READ, method_sessions, "list sessions in order of their id", {
		{"user", RPC_STRING, false, OPER_READ, "only this user's (case and DOMAIN\\ are ignored)"},
		{"offset", RPC_INTEGER, false, OPER_READ, "matching sessions to skip, default 0"},
		{"limit", RPC_INTEGER, false, OPER_READ, "1 to 500 sessions, default 100"},
	}},
	{"session", OPER_READ, method_session, "one session with all its counters", {
		{"id", RPC_INTEGER, true, OPER_READ, "session"},
	}},
	{"tunnels", OPER_READ, rpc_tunnels, "list L2TP tunnels in order of age", {
		{"offset", RPC_INTEGER, false, OPER_READ, "tunnels to skip, default 0"},
		{"limit", RPC_INTEGER, false, OPER_READ, "1 to 500 tunnels, default 100"},
	}},
	{"disconnect", OPER_OPERATE, method_disconnect, "end one session, or all of a user", {
		{"id", RPC_INTEGER, false, OPER_OPERATE, "session; either this or user"},
		{"user", RPC_STRING, false, OPER_OPERATE, "user; either this or id"},
	}},
	{"lockouts", OPER_READ, rpc_lockouts, "list who is locked out after failed logins", {
		{"offset", RPC_INTEGER, false, OPER_READ, "lock-outs to skip, default 0"},
		{"limit", RPC_INTEGER, false, OPER_READ, "1 to 500 lock-outs, default 100"},
	}},
	{"unlock", OPER_OPERATE, rpc_unlock, "forget failed logins, and end the lock-outs that they led to", {
		{"user", RPC_STRING, false, OPER_OPERATE, "only this user's"},
		{"address", RPC_STRING, false, OPER_OPERATE, "only those from this address"},
	}},
	{"stats", OPER_READ, rpc_stats, "the data plane's nodes, drops, workers, ports and buffers", {
		{"all", RPC_BOOLEAN, false, OPER_READ, "also nodes and drop reasons that counted nothing"},
	}},
	{"sas", OPER_READ, rpc_sas, "list pairs of IPsec SAs in order of their age", {
		{"peer", RPC_STRING, false, OPER_READ, "only this address's"},
		{"offset", RPC_INTEGER, false, OPER_READ, "matching pairs to skip, default 0"},
		{"limit", RPC_INTEGER, false, OPER_READ, "1 to 500 pairs, default 100"},
	}},
	{"weak-crypto", OPER_READ, rpc_weak_crypto, "show or change whether weak algorithms are allowed", {
		{"protocol", RPC_STRING, true, OPER_READ, "\"pptp\" (MPPE of 40 and 56 bits) or \"l2tp\" (DES and MD5 in IPsec)"},
		{"allow", RPC_BOOLEAN, false, OPER_ADMIN, "the new setting; without it nothing is changed"},
		{"sessions", RPC_STRING, false, OPER_ADMIN, "with allow false: \"keep\" (default) or \"drop\" weak sessions; l2tp: or \"rekey\""},
	}},
	{"settings.show", OPER_READ, rpc_settings_show, "settings: values, where they come from, what a change does", {
		{"prefix", RPC_STRING, false, OPER_READ, "only those whose names begin with it"},
	}},
	{"settings.set", OPER_ADMIN, rpc_settings_set, "set settings live, all of them or none", {
		{"settings", RPC_OBJECT, true, OPER_ADMIN, "values by name: strings as aditctl takes them, integers, booleans"},
		{"sessions", RPC_STRING, false, OPER_ADMIN, "\"keep\" (default), \"rekey\" or \"drop\" who runs on what is no longer allowed"},
		{"temporary", RPC_BOOLEAN, false, OPER_ADMIN, "until adit-control ends: not kept in control.overlay"},
		{"force", RPC_BOOLEAN, false, OPER_ADMIN, "also when it takes a group's role away"},
		{"if_revision", RPC_INTEGER, false, OPER_ADMIN, "only when this is still the revision"},
	}},
	{"settings.unset", OPER_ADMIN, rpc_settings_unset, "return settings to what the file says", {
		{"names", RPC_ARRAY, true, OPER_ADMIN, "their names"},
		{"sessions", RPC_STRING, false, OPER_ADMIN, "as of settings.set"},
		{"force", RPC_BOOLEAN, false, OPER_ADMIN, "as of settings.set"},
		{"if_revision", RPC_INTEGER, false, OPER_ADMIN, "as of settings.set"},
	}},
	{"settings.reload", OPER_ADMIN, rpc_settings_reload, "read the configuration file again, and apply what has changed", {
		{"sessions", RPC_STRING, false, OPER_ADMIN, "\"keep\" (default) or \"drop\" sessions of users who may no longer come"},
	}},
	{"explain", OPER_READ, method_explain, "what a refusal code means, and its remedy", {
		{"code", RPC_STRING, false, OPER_READ, "refusal code; all of them when left out"},
	}},
	{"version", OPER_READ, method_version, "versions, and the caller's role", {{0}}},
	{"methods", OPER_READ, method_methods, "this list", {{0}}},
	{NULL, OPER_NONE, NULL, NULL, {{0}}},
};
/* clang-format on */
