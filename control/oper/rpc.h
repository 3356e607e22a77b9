/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0 over lines: one request (or batch) in, one line of answer out.  No socket inside:
 * socket.c feeds it, so do the tests.  docs/rpc.md is the operators' view of it.  Calling context:
 * adit-control's loop.
 */
#ifndef ADIT_CONTROL_OPER_RPC_H
#define ADIT_CONTROL_OPER_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/gateway.h"
#include "control/settings/change.h"

#define RPC_REQUEST_MAX 65536 /* octets of a request line */
#define RPC_RESPONSE_MAX \
	(1024 * 1024)    /* a batch stops being executed once its answers exceed this */
#define RPC_BATCH_MAX 16 /* requests in a batch */

/* JSON-RPC 2.0 section 5.1, and ours from -32000. */
enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_UNKNOWN_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_NOT_FOUND = -32000, /* no such session, user or refusal code */
	RPC_DENIED = -32001,    /* the caller's role does not suffice */
	RPC_DATAPLANE_DOWN = -32002,
	RPC_LIMIT = -32003, /* a bound of the socket */
	RPC_REFUSED =
		-32004, /* not live, not without force, somebody was first, or it can't be kept */
};

/* Each may what those before it may: look, end sessions, change how the gateway works (R25). */
enum oper_role { OPER_NONE, OPER_READ, OPER_OPERATE, OPER_ADMIN };
const char *oper_role_name(enum oper_role role);

/* What happened at the socket since start; shown by `status`. */
struct oper_counters {
	uint64_t clients; /* connected now */
	uint64_t accepted;
	uint64_t refused_credentials;
	uint64_t refused_full;    /* too many clients */
	uint64_t requests;        /* lines */
	uint64_t bad_requests;    /* not JSON, or not JSON-RPC */
	uint64_t oversized;       /* longer than RPC_REQUEST_MAX */
	uint64_t dropped_slow;    /* did not read their answer in time */
	uint64_t dropped_idle;    /* sent nothing for too long */
	uint64_t dropped_garbage; /* sent too many bad requests in a row */
};

struct rpc_context {
	struct gateway *gateway;
	const struct oper_counters *counters;
	enum oper_role role;
	uid_t uid;
	pid_t pid;
};

/* Filled by a handler that fails. */
struct rpc_error {
	enum rpc_code code;
	char message[256];
	json_t *data; /* owned; NULL: none */
};

enum rpc_param_type { RPC_INTEGER, RPC_STRING, RPC_BOOLEAN, RPC_OBJECT, RPC_ARRAY };

struct rpc_param {
	const char *name;
	enum rpc_param_type type;
	bool required;
	enum oper_role role; /* needed to give it, when more than the method's */
	const char *help;
};

#define RPC_PARAMS_MAX 6

struct rpc_method {
	const char *name;
	enum oper_role role;
	/* params was checked against the table: an object, nothing unknown, types right, required
	 * ones there.  Returns the result (a new reference), or NULL with *error filled. */
	json_t *(*handler)(
		const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
	const char *help;
	struct rpc_param params[RPC_PARAMS_MAX]; /* up to the first without a name */
};

/* The table, in the order of docs/rpc.md; ends with a NULL name. */
extern const struct rpc_method rpc_methods[];

/*
 * One line without its newline.  Returns the answer with a newline (malloc()ed, *outlen octets), or
 * NULL when none is due: notifications are not executed, since no method makes sense without its
 * answer.  *bad: not JSON, or not JSON-RPC.
 */
char *rpc_handle(
	const struct rpc_context *ctx, const char *line, size_t len, size_t *outlen, bool *bad);
/* An error that answers no particular request (id null), as rpc_handle() returns. */
char *rpc_error_line(enum rpc_code code, const char *message, size_t *outlen);

/* For handlers.  Set *error and return NULL. */
json_t *rpc_fail(struct rpc_error *error, enum rpc_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* JSON has signed 64-bit integers here: larger counts are shown as INT64_MAX. */
json_t *rpc_u64(uint64_t v);
/* At most max octets of s, up to a NUL, as text_printable() has them (T22). */
json_t *rpc_text(const char *s, size_t max);
/* Dotted quad of a host byte order address. */
json_t *rpc_ip(uint32_t ip);

/* methods.c: an optional integer parameter within bounds; false with *error filled. */
bool rpc_bounded(const json_t *params, const char *name, json_int_t min, json_int_t max,
	json_int_t *v, struct rpc_error *error);

/* ipsec.c */
json_t *rpc_ipsec_status(const struct rpc_context *ctx);
json_t *rpc_sas(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);

/* l2tp.c */
json_t *rpc_tunnels(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);

/* lockout.c */
json_t *rpc_lockouts(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
json_t *rpc_unlock(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);

/* settings.c */
json_t *rpc_settings_show(
	const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
json_t *rpc_settings_set(
	const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
json_t *rpc_settings_unset(
	const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
json_t *rpc_settings_reload(
	const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);
/* Carries it out for this caller, and audits it: what settings.set answers, or NULL with *error
 * filled. */
json_t *rpc_change(const struct rpc_context *ctx, struct settings_change *change,
	struct settings_result *r, struct rpc_error *error);
/* The parameter "sessions": keep when it is not given; false with *error filled. */
bool rpc_fate(const json_t *params, enum fate *fate, struct rpc_error *error);

/* weak.c */
json_t *rpc_weak_crypto(
	const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);

/* stats.c */
json_t *rpc_stats(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error);

#endif
