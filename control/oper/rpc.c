/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oper/rpc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/text.h"
#include "control/oper/audit.h"

const char *
oper_role_name(enum oper_role role)
{
	static const char *const names[] = {"none", "read", "operate", "admin"};
	return names[role];
}

json_t *
rpc_fail(struct rpc_error *error, enum rpc_code code, const char *format, ...)
{
	va_list ap;

	error->code = code;
	va_start(ap, format);
	vsnprintf(error->message, sizeof(error->message), format, ap);
	va_end(ap);
	return NULL;
}

json_t *
rpc_u64(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

json_t *
rpc_text(const char *s, size_t max)
{
	char buf[4 * 256 + 1];

	return json_stringn(buf, text_printable(buf, sizeof(buf), s, max, false));
}

json_t *
rpc_ip(uint32_t ip)
{
	char buf[16];

	snprintf(
		buf, sizeof(buf), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	return json_string(buf);
}

/* The error response of JSON-RPC 2.0 section 5; takes over error->data. */
static json_t *
error_response(json_t *id, struct rpc_error *error)
{
	json_t *message = rpc_text(error->message, sizeof(error->message));
	json_t *e = json_pack("{s:i, s:o}", "code", (int)error->code, "message", message);

	if (error->data != NULL)
		json_object_set_new(e, "data", error->data);
	error->data = NULL;
	return json_pack("{s:s, s:o, s:O}", "jsonrpc", "2.0", "error", e, "id", id);
}

static const struct rpc_method *
find_method(const char *name)
{
	for (const struct rpc_method *m = rpc_methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static const struct rpc_param *
find_param(const struct rpc_method *m, const char *name)
{
	for (unsigned int i = 0; i < RPC_PARAMS_MAX && m->params[i].name != NULL; i++)
		if (strcmp(m->params[i].name, name) == 0)
			return &m->params[i];
	return NULL;
}

static bool
has_type(const json_t *value, enum rpc_param_type type)
{
	switch (type) {
	case RPC_INTEGER:
		return json_is_integer(value);
	case RPC_STRING:
		return json_is_string(value) &&
		       strlen(json_string_value(value)) == json_string_length(value);
	case RPC_BOOLEAN:
		return json_is_boolean(value);
	case RPC_OBJECT:
		return json_is_object(value);
	case RPC_ARRAY:
		return json_is_array(value);
	}
	return false;
}

static bool
check_param(const struct rpc_context *ctx, const struct rpc_method *m, const char *name,
	const json_t *value, struct rpc_error *error)
{
	static const char *const types[] = {
		"an integer", "a string", "a boolean", "an object", "an array"};
	const struct rpc_param *p = find_param(m, name);

	if (p == NULL)
		rpc_fail(error, RPC_INVALID_PARAMS, "%s has no parameter \"%.64s\"", m->name, name);
	else if (!has_type(value, p->type))
		rpc_fail(error, RPC_INVALID_PARAMS, "parameter \"%s\" of %s must be %s", name,
			m->name, types[p->type]);
	else if (ctx->role < p->role)
		rpc_fail(error, RPC_DENIED, "parameter \"%s\" of %s needs the role %s, yours is %s",
			name, m->name, oper_role_name(p->role), oper_role_name(ctx->role));
	else
		return true;
	error->data = json_pack("{s:o}", "param", rpc_text(name, 64));
	return false;
}

static bool
check_params(const struct rpc_context *ctx, const struct rpc_method *m, json_t *params,
	struct rpc_error *error)
{
	const char *name;
	json_t *value;

	if (!json_is_object(params)) {
		rpc_fail(error, RPC_INVALID_PARAMS, "parameters are given by name, in an object");
		return false;
	}
	json_object_foreach(
		params, name, value) if (!check_param(ctx, m, name, value, error)) return false;
	for (unsigned int i = 0; i < RPC_PARAMS_MAX && m->params[i].name != NULL; i++) {
		const struct rpc_param *p = &m->params[i];
		if (p->required && json_object_get(params, p->name) == NULL) {
			rpc_fail(error, RPC_INVALID_PARAMS, "%s needs the parameter \"%s\"",
				m->name, p->name);
			error->data = json_pack("{s:s}", "param", p->name);
			return false;
		}
	}
	return true;
}

/* The result of a well-formed request, or NULL with *error filled. */
static json_t *
execute(const struct rpc_context *ctx, const char *name, json_t *given, struct rpc_error *error)
{
	const struct rpc_method *m = find_method(name);

	if (m == NULL)
		return rpc_fail(error, RPC_UNKNOWN_METHOD,
			"no method \"%.64s\"; `methods` lists those that exist", name);
	if (ctx->role < m->role)
		return rpc_fail(error, RPC_DENIED, "%s needs the role %s, yours is %s", m->name,
			oper_role_name(m->role), oper_role_name(ctx->role));
	json_t *params = given != NULL ? json_incref(given) : json_object();
	json_t *result = NULL;
	if (check_params(ctx, m, params, error))
		result = m->handler(ctx, params, error);
	json_decref(params);
	return result;
}

/* JSON-RPC 2.0 section 4.  NULL when this is one; otherwise what is wrong with it. */
static const char *
request_fault(const json_t *request)
{
	const json_t *version = json_object_get(request, "jsonrpc");
	const json_t *method = json_object_get(request, "method");
	const json_t *id = json_object_get(request, "id");
	const json_t *params = json_object_get(request, "params");

	if (!json_is_object(request))
		return "a request is an object";
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return "\"jsonrpc\" must be \"2.0\"";
	if (!json_is_string(method))
		return "\"method\" must be a string";
	if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "\"id\" must be a string, a number or null";
	if (params != NULL && !json_is_object(params) && !json_is_array(params))
		return "\"params\" must be an object";
	return NULL;
}

/* One response (a new reference), or NULL for a notification. */
static json_t *
handle_request(const struct rpc_context *ctx, const json_t *request, bool *bad)
{
	struct rpc_error error = {.code = RPC_INTERNAL_ERROR, .message = "internal error"};
	const char *fault = request_fault(request);
	json_t *id = json_object_get(request, "id");

	if (fault != NULL) {
		*bad = true;
		rpc_fail(&error, RPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request: %s", fault);
		json_t *no_id = json_null();
		return error_response(
			json_is_string(id) || json_is_number(id) ? id : no_id, &error);
	}
	if (id == NULL)
		return NULL;
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *result = execute(ctx, method, json_object_get(request, "params"), &error);
	if (result == NULL && error.code == RPC_DENIED)
		audit_denied(ctx, method, error.message);
	if (result == NULL)
		return error_response(id, &error);
	return json_pack("{s:s, s:o, s:O}", "jsonrpc", "2.0", "result", result, "id", id);
}

/* Section 6.  The array of responses; NULL when all were notifications. */
static json_t *
handle_batch(const struct rpc_context *ctx, const json_t *batch, bool *bad)
{
	struct rpc_error error = {.code = RPC_INVALID_REQUEST};
	size_t size = 0, i;
	json_t *request;

	if (json_array_size(batch) == 0 || json_array_size(batch) > RPC_BATCH_MAX) {
		*bad = true;
		rpc_fail(&error, RPC_INVALID_REQUEST, "a batch holds 1 to %d requests",
			RPC_BATCH_MAX);
		return error_response(json_null(), &error);
	}
	json_t *answers = json_array();
	json_array_foreach(batch, i, request)
	{
		json_t *answer;
		if (size > RPC_RESPONSE_MAX) {
			rpc_fail(&error, RPC_LIMIT,
				"not executed: the batch's answers are too long");
			json_t *id = json_object_get(request, "id");
			answer = error_response(id != NULL ? id : json_null(), &error);
		} else {
			answer = handle_request(ctx, request, bad);
		}
		if (answer == NULL)
			continue;
		size += json_dumpb(answer, NULL, 0, JSON_COMPACT);
		json_array_append_new(answers, answer);
	}
	if (json_array_size(answers) > 0)
		return answers;
	json_decref(answers);
	return NULL;
}

/* Takes over response. */
static char *
to_line(json_t *response, size_t *outlen)
{
	if (response == NULL)
		return NULL;
	size_t n = json_dumpb(response, NULL, 0, JSON_COMPACT);
	char *line = malloc(n + 1);
	if (line != NULL) {
		json_dumpb(response, line, n, JSON_COMPACT);
		line[n] = '\n';
		*outlen = n + 1;
	}
	json_decref(response);
	return line;
}

char *
rpc_error_line(enum rpc_code code, const char *message, size_t *outlen)
{
	struct rpc_error error = {.code = code};

	rpc_fail(&error, code, "%s", message);
	return to_line(error_response(json_null(), &error), outlen);
}

static json_t *
parse_error_response(const json_error_t *why)
{
	struct rpc_error error = {.code = RPC_PARSE_ERROR};

	rpc_fail(&error, RPC_PARSE_ERROR, "not JSON: %s", why->text);
	error.data = json_pack("{s:i}", "position", why->position);
	return error_response(json_null(), &error);
}

char *
rpc_handle(const struct rpc_context *ctx, const char *line, size_t len, size_t *outlen, bool *bad)
{
	json_error_t why;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

	*bad = false;
	if (request == NULL) {
		*bad = true;
		return to_line(parse_error_response(&why), outlen);
	}
	json_t *response = json_is_array(request) ? handle_batch(ctx, request, bad)
						  : handle_request(ctx, request, bad);
	json_decref(request);
	return to_line(response, outlen);
}
