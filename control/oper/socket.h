/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operators' unix socket: lines of JSON-RPC 2.0 (docs/rpc.md), roles by peer credentials (R25),
 * everything bounded (T11).  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_OPER_SOCKET_H
#define ADIT_CONTROL_OPER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "control/gateway.h"
#include "control/oper/rpc.h"

struct oper;

/* Names of groups whose members get these roles; "" or NULL: none. */
struct oper_groups {
	const char *read, *operate;
};

/*
 * Listen at path.  Root and the user that this process runs as now, before it drops its privileges,
 * get the role admin, members of the groups theirs; everybody else is refused.  The socket file has
 * mode 0660 and the group groups->read, or groups->operate when there is none to read; without any
 * it has mode 0600.  A socket file that nobody listens on is replaced.  g is borrowed until
 * oper_stop().  SIGPIPE is ignored from then on in the whole process. NULL with a sentence in err
 * when that fails.
 */
struct oper *oper_start(uv_loop_t *loop, struct gateway *g, const char *path,
	const struct oper_groups *groups, char *err, size_t errlen);
/* Closes clients and the socket, removes its file; o frees itself while the loop still runs.  NULL
 * is allowed. */
void oper_stop(struct oper *o);

/* Bounds; oper_start() has these defaults, tests set shorter ones. */
struct oper_limits {
	unsigned int max_clients;  /* 32 */
	unsigned int max_others;   /* 24 of them may be no admins, who always get in */
	unsigned int garbage;      /* 16 bad requests in a row end a connection */
	uint64_t write_timeout_ms; /* 10000: an answer not read by then ends the connection */
	uint64_t idle_timeout_ms;  /* 600000 */
};
void oper_set_limits(struct oper *o, const struct oper_limits *limits);
const struct oper_counters *oper_counters(const struct oper *o);

/* The groups as numbers; (gid_t)-1: none. */
struct oper_gids {
	gid_t read, operate;
};
/* The role of a peer with these credentials.  `starter` is the user who started this process. */
enum oper_role oper_role_of(
	uid_t uid, const gid_t *gids, size_t n_gids, uid_t starter, const struct oper_gids *groups);

#endif
