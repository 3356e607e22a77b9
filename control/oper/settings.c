/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings: to look at, to set live, to read from the file again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/log.h"
#include "control/oper/audit.h"
#include "control/oper/rpc.h"
#include "control/settings/change.h"
#include "control/settings/field.h"

/* ------------------------------------------------------------------ questions */

static json_t *
describe(const struct settings *s, const struct setting *row)
{
	struct settings_view v;
	settings_view(s, row, &v);
	return json_pack("{s:s, s:o, s:s, s:o, s:s, s:s, s:s, s:b, s:b, s:s}", "name", row->name,
		"value", rpc_text(v.value, sizeof(v.value)), "default", v.fallback, "from",
		rpc_text(v.from, sizeof(v.from)), "unit", row->unit ? row->unit : "", "type",
		setting_type_name(row), "effect", setting_effect_name(row), "settable",
		setting_settable(row), "pending", v.pending, "text", row->text);
}

json_t *
rpc_settings_show(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const struct settings *s = gateway_settings(ctx->gateway);
	const char *prefix = json_string_value(json_object_get(params, "prefix"));
	json_t *list = json_array();
	for (const struct setting *row = settings_table; row->name; row++)
		if (!setting_nested(row) && row->type != SETTING_LIST &&
			(!prefix || strncmp(row->name, prefix, strlen(prefix)) == 0))
			json_array_append_new(list, describe(s, row));
	if (json_array_size(list) > 0)
		return json_pack(
			"{s:o, s:o}", "revision", rpc_u64(settings_revision(s)), "settings", list);
	json_decref(list);
	return rpc_fail(error, RPC_NOT_FOUND, "no setting begins with \"%.64s\"", prefix);
}

/* ------------------------------------------------------------------ changes */

static json_t *
names_of(const bool mask[SETTINGS_MAX])
{
	json_t *list = json_array();
	for (const struct setting *row = settings_table; row->name; row++)
		if (mask[setting_number(row)])
			json_array_append_new(list, json_string(row->name));
	return list;
}

/* Every line of why. */
static json_t *
refused(const struct settings_result *r, struct rpc_error *error)
{
	static const enum rpc_code codes[] = {[SETTINGS_UNKNOWN] = RPC_NOT_FOUND,
		[SETTINGS_BAD] = RPC_INVALID_PARAMS,
		[SETTINGS_DENIED] = RPC_REFUSED,
		[SETTINGS_CHANGED] = RPC_REFUSED,
		[SETTINGS_FAILED] = RPC_REFUSED};
	json_t *faults = json_array();
	size_t n;
	for (const char *line = r->why; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		json_array_append_new(faults, rpc_text(line, n));
	}
	rpc_fail(error, codes[r->refusal], "nothing has changed: %.*s", (int)strcspn(r->why, "\n"),
		r->why);
	error->data = json_pack("{s:o, s:o}", "faults", faults, "revision", rpc_u64(r->revision));
	return NULL;
}

static json_t *
done(const struct settings_result *r)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "revision", rpc_u64(r->revision), "applied",
		names_of(r->applied), "after_restart", names_of(r->after_restart), "concerned",
		rpc_u64(r->concerned));
}

/* Who, what, and what became of it.  A value may be what an unprivileged peer never sees: quoted. */
static void
audit_change(const struct rpc_context *ctx, const struct settings_change *change,
	const struct settings_result *r)
{
	char value[200], why[300];
	for (unsigned int i = 0; i < change->n; i++) {
		const struct settings_value *v = &change->values[i];
		const struct setting *row = setting_find(v->name);
		const char *name = row ? row->name : "unknown";
		bool secret = row && row->type == SETTING_SECRET;
		if (r->refusal != SETTINGS_OK)
			audit(ctx, "action=%s setting=%s result=refused text=%s",
				v->text ? "set" : "unset", name,
				log_quote(why, sizeof(why), r->why));
		else
			audit(ctx,
				"action=%s setting=%s value=%s revision=%llu fate=%s "
				"concerned=%u%s",
				v->text ? "set" : "unset", name,
				log_quote(value, sizeof(value),
					secret    ? "(secret)"
					: v->text ? v->text
						  : ""),
				(unsigned long long)r->revision, fate_name(change->fate),
				r->concerned, change->temporary ? " temporary=yes" : "");
	}
}

json_t *
rpc_change(const struct rpc_context *ctx, struct settings_change *change, struct settings_result *r,
	struct rpc_error *error)
{
	char who[AUDIT_WHO_MAX];
	change->who = audit_who(ctx, who);
	settings_change(gateway_settings(ctx->gateway), change, r);
	audit_change(ctx, change, r);
	return r->refusal == SETTINGS_OK ? done(r) : refused(r, error);
}

/* "keep" (also when not given), "rekey" or "drop"; false with *error filled. */
bool
rpc_fate(const json_t *params, enum fate *fate, struct rpc_error *error)
{
	const char *word = json_string_value(json_object_get(params, "sessions"));
	*fate = FATE_KEEP;
	if (word == NULL || fate_parse(word, fate))
		return true;
	rpc_fail(error, RPC_INVALID_PARAMS, "\"sessions\" must be \"keep\", \"rekey\" or \"drop\"");
	return false;
}

/* What both methods take besides. */
static bool
get_options(const json_t *params, struct settings_change *change, struct rpc_error *error)
{
	json_int_t revision = 0;
	if (!rpc_bounded(params, "if_revision", 0, INT64_MAX, &revision, error) ||
		!rpc_fate(params, &change->fate, error))
		return false;
	change->if_revision = json_object_get(params, "if_revision") != NULL;
	change->revision = (uint64_t)revision;
	change->force = json_is_true(json_object_get(params, "force"));
	change->temporary = json_is_true(json_object_get(params, "temporary"));
	return true;
}

/* A value as an operator would write it; false: it has no such type. */
static bool
value_text(const json_t *v, char out[OVERLAY_VALUE_MAX])
{
	int n = -1;
	if (json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v))
		n = snprintf(out, OVERLAY_VALUE_MAX, "%s", json_string_value(v));
	else if (json_is_integer(v))
		n = snprintf(out, OVERLAY_VALUE_MAX, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		n = snprintf(out, OVERLAY_VALUE_MAX, "%s", json_is_true(v) ? "true" : "false");
	return n >= 0 && n < OVERLAY_VALUE_MAX;
}

json_t *
rpc_settings_set(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	json_t *given = json_object_get(params, "settings"), *v, *answer = NULL;
	size_t n = json_object_size(given);
	struct settings_change change = {0};
	struct settings_result *r = calloc(1, sizeof(*r));
	struct settings_value *values = calloc(n + 1, sizeof(*values));
	char(*texts)[OVERLAY_VALUE_MAX] = calloc(n + 1, sizeof(*texts));
	const char *name;
	bool ok = true;
	change.values = values;
	if (!r || !values || !texts || n == 0 || n > SETTINGS_MAX) {
		ok = false;
		rpc_fail(error, RPC_INVALID_PARAMS, "1 to %u settings expected", SETTINGS_MAX);
	}
	if (ok)
		json_object_foreach(given, name, v)
		{
			if (ok && !value_text(v, texts[change.n])) {
				ok = false;
				rpc_fail(error, RPC_INVALID_PARAMS,
					"%.64s: a string, an integer or a boolean expected", name);
			}
			values[change.n] = (struct settings_value){name, texts[change.n]};
			change.n++;
		}
	if (ok && get_options(params, &change, error))
		answer = rpc_change(ctx, &change, r, error);
	free(texts);
	free(values);
	free(r);
	return answer;
}

json_t *
rpc_settings_unset(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	json_t *given = json_object_get(params, "names"), *v, *answer = NULL;
	struct settings_value values[SETTINGS_MAX];
	struct settings_change change = {.values = values};
	struct settings_result r;
	size_t i;
	if (json_array_size(given) == 0 || json_array_size(given) > SETTINGS_MAX)
		return rpc_fail(error, RPC_INVALID_PARAMS, "1 to %u names expected", SETTINGS_MAX);
	json_array_foreach(given, i, v)
	{
		if (!json_is_string(v))
			return rpc_fail(error, RPC_INVALID_PARAMS, "names are strings");
		values[change.n++] = (struct settings_value){.name = json_string_value(v)};
	}
	if (get_options(params, &change, error))
		answer = rpc_change(ctx, &change, &r, error);
	return answer;
}

json_t *
rpc_settings_reload(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	struct settings_result r;
	char why[300];
	enum fate fate;
	if (!rpc_fate(params, &fate, error))
		return NULL;
	if (!settings_reload(gateway_settings(ctx->gateway), fate, &r)) {
		audit(ctx, "action=reload result=refused text=%s",
			log_quote(why, sizeof(why), r.why));
		return refused(&r, error);
	}
	audit(ctx, "action=reload revision=%llu fate=%s concerned=%u",
		(unsigned long long)r.revision, fate_name(fate), r.concerned);
	return done(&r);
}
