/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's commands about sessions: every field is hostile (T21). */
#include <errno.h>
#include <string.h>

#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/session.h"
#include "dataplane/gateway.h"
#include "dataplane/route.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"
#include "dataplane/writer_internal.h"

#define MRU_MIN 128

static struct session_entry *entries;
static struct session_counters *counters;
static uint8_t (*journal)[JOURNAL_CELL]; /* by slot */

void
writer_session_init(void)
{
	entries = segment_part(segment_offsets.sessions);
	counters = segment_part(segment_offsets.session_counters);
	journal = segment_part(segment_offsets.journal_sessions);
}

static int
pass_on(struct session *s, const struct command *cmd)
{
	return writer_pass_on(s->cfg.owner, s, cmd);
}

/* L2TP's part of COMMAND_SESSION_ADD. */
static int
check_l2tp(const struct command *cmd)
{
	if (cmd->add.tunnel_id == 0 || cmd->add.peer_tunnel_id == 0 || cmd->add.peer_call_id == 0 ||
		cmd->add.server_port != L2TP_PORT || cmd->add.peer_port == 0 ||
		(cmd->add.sa == 0) != (cmd->add.peer == 0))
		return -EINVAL;
	if (cmd->add.sa == 0)
		return 0;
	const struct sa *sa = sa_by_handle(cmd->add.sa);
	if (!sa)
		return -ENOENT;
	return sa->cold.peer == cmd->add.peer &&
			       sa->cfg.server_ip_be == rte_cpu_to_be_32(cmd->add.server_ip)
		       ? 0
		       : -EINVAL;
}

static void
fill_params(struct session_params *p, const struct command *cmd)
{
	*p = (struct session_params){.server_ip = cmd->add.server_ip,
		.peer_ip = cmd->add.peer_ip,
		.call_id = cmd->add.call_id,
		.peer_call_id = cmd->add.peer_call_id,
		.protocol = cmd->add.protocol,
		.owner = worker_for_outer(
			rte_cpu_to_be_32(cmd->add.peer_ip), rte_cpu_to_be_32(cmd->add.server_ip)),
		.counters = &counters[SESSION_SLOT(cmd->handle)]};
	if (p->protocol != TUNNEL_L2TP)
		return;
	p->tunnel_id = cmd->add.tunnel_id;
	p->peer_tunnel_id = cmd->add.peer_tunnel_id;
	p->server_port = cmd->add.server_port;
	p->peer_port = cmd->add.peer_port;
	p->sa = cmd->add.sa;
	p->peer = cmd->add.peer;
	/* Where the pair's packets are opened, wherever its peer has moved since. */
	if (p->sa)
		p->owner = sa_by_handle(p->sa)->cfg.owner;
}

static int
do_add(const struct command *cmd, uint64_t now_us)
{
	uint32_t slot = SESSION_SLOT(cmd->handle);
	struct session_params p;
	if (slot >= sessions.max || !is_unicast(cmd->add.server_ip) ||
		!is_unicast(cmd->add.peer_ip) || cmd->add.protocol >= TUNNEL_PROTOCOLS)
		return -EINVAL;
	int rc = cmd->add.protocol == TUNNEL_L2TP ? check_l2tp(cmd) : 0;
	if (rc)
		return rc;
	uint32_t v = fib_lookup(rte_cpu_to_be_32(cmd->add.server_ip));
	if (FIB_TYPE(v) != FIB_LOCAL || FIB_INDEX(v) == FIB_LOCAL_INNER)
		return -EADDRNOTAVAIL;
	if (sessions.slots[slot].cold.used)
		return -EBUSY;
	memset(&counters[slot], 0, sizeof(counters[slot]));
	fill_params(&p, cmd);
	rc = session_add(cmd->handle, &p);
	if (rc)
		return rc;
	sessions.slots[slot].cold.opened_us = now_us;
	entries[slot] = (struct session_entry){
		.server_ip = p.server_ip,
		.peer_ip = p.peer_ip,
		.call_id = p.call_id,
		.peer_call_id = p.peer_call_id,
		.state = SESSION_NEGOTIATING,
		.owner = p.owner,
		.protocol = p.protocol,
		.tunnel_id = p.tunnel_id,
		.peer_tunnel_id = p.peer_tunnel_id,
		.sa = p.sa,
		.peer = p.peer,
		.opened_us = now_us,
		.handle = cmd->handle,
	};
	return 0;
}

static int
do_l2tp(struct session *s, const struct command *cmd)
{
	if (s->cfg.protocol != TUNNEL_L2TP || cmd->l2tp.send_sequence > 1 ||
		cmd->l2tp.require_sequence > 1)
		return -EINVAL;
	return pass_on(s, cmd);
}

/* Only from one pair of its peer to another: a session never falls back to the clear (T16). */
static int
do_session_sa(struct session *s, const struct command *cmd)
{
	const struct sa *sa = sa_by_handle(cmd->session_sa.sa);
	if (s->cfg.protocol != TUNNEL_L2TP || s->cfg.peer == 0 || cmd->session_sa.sa == 0)
		return -EINVAL;
	if (!sa || !sa_outbound(sa))
		return -ENOENT;
	if (sa->cold.peer != s->cfg.peer || sa->cfg.server_ip_be != s->cfg.server_ip_be)
		return -EINVAL;
	int rc = pass_on(s, cmd);
	if (rc == 0)
		entries[SESSION_SLOT(cmd->handle)].sa = cmd->session_sa.sa;
	return rc;
}

static int
do_link(struct session *s, const struct command *cmd)
{
	if (cmd->link.our_mru < MRU_MIN || cmd->link.peer_mru < MRU_MIN || cmd->link.tx_acfc > 1 ||
		cmd->link.tx_pfc > 1)
		return -EINVAL;
	return pass_on(s, cmd);
}

static bool
is_direction(const struct command_mppe_dir *d)
{
	return d->stateless <= 1 && (d->strength == 0 || d->strength == MPPE_40 ||
					    d->strength == MPPE_56 || d->strength == MPPE_128);
}

static int
do_mppe(struct session *s, const struct command *cmd)
{
	if (!is_direction(&cmd->mppe.tx) || !is_direction(&cmd->mppe.rx))
		return -EINVAL;
	/* A key that is set again would repeat its keystream (T2). */
	if (s->cold.keyed)
		return -EALREADY;
	int rc = pass_on(s, cmd);
	if (rc)
		return rc;
	s->cold.keyed = cmd->mppe.tx.strength != 0 || cmd->mppe.rx.strength != 0;
	struct session_entry *e = &entries[SESSION_SLOT(cmd->handle)];
	e->mppe_tx = cmd->mppe.tx.strength;
	e->mppe_rx = cmd->mppe.rx.strength;
	e->mppe_stateful = (uint8_t)((cmd->mppe.tx.strength && !cmd->mppe.tx.stateless) |
				     (cmd->mppe.rx.strength && !cmd->mppe.rx.stateless) << 1);
	return 0;
}

static int
do_open(struct session *s, const struct command *cmd)
{
	if (!is_unicast(cmd->open.inner_ip) || cmd->open.require_mppe > 1 ||
		cmd->open.clamp_mss > 1 ||
		memchr(cmd->open.user, '\0', sizeof(cmd->open.user)) == NULL)
		return -EINVAL;
	if (s->cold.routed)
		return -EALREADY;
	int rc = route_add_session(cmd->open.inner_ip, SESSION_SLOT(cmd->handle));
	if (rc)
		return rc;
	rc = pass_on(s, cmd);
	if (rc) {
		route_del_session(cmd->open.inner_ip);
		return rc;
	}
	s->cold.routed = true;
	s->cold.inner_ip = cmd->open.inner_ip;
	gateway_client_add(cmd->open.inner_ip, &s->cold.host_route);
	struct session_entry *e = &entries[SESSION_SLOT(cmd->handle)];
	memcpy(e->user, cmd->open.user, sizeof(e->user));
	e->inner_ip = cmd->open.inner_ip;
	e->state = SESSION_OPEN;
	return 0;
}

static int
do_close(struct session *s, const struct command *cmd)
{
	if (s->cold.routed) {
		route_del_session(s->cold.inner_ip);
		gateway_client_del(s->cold.inner_ip, &s->cold.host_route);
	}
	s->cold.routed = false;
	entries[SESSION_SLOT(cmd->handle)].state = SESSION_CLOSING;
	session_remove(s, cmd->cookie);
	return 0;
}

int
writer_session_apply(const struct command *cmd, uint64_t now_us)
{
	if (cmd->type == COMMAND_SESSION_ADD)
		return do_add(cmd, now_us);
	struct session *s = session_by_handle(cmd->handle);
	if (!s)
		return -ENOENT;
	switch (cmd->type) {
	case COMMAND_SESSION_LINK:
		return do_link(s, cmd);
	case COMMAND_SESSION_MPPE:
		return do_mppe(s, cmd);
	case COMMAND_SESSION_OPEN:
		return do_open(s, cmd);
	case COMMAND_SESSION_FLUSH:
		return pass_on(s, cmd);
	case COMMAND_SESSION_CLOSE:
		return do_close(s, cmd);
	case COMMAND_SESSION_L2TP:
		return do_l2tp(s, cmd);
	case COMMAND_SESSION_SA:
		return do_session_sa(s, cmd);
	}
	return -EINVAL;
}

static void
session_gone(uint32_t handle, uint64_t cookie, struct session *s)
{
	struct event e = {
		.version = RECORD_VERSION,
		.type = EVENT_SESSION_GONE,
		.length = sizeof(e),
		.handle = handle,
		.cookie = cookie,
		.final = *s->cfg.counters,
	};
	entries[SESSION_SLOT(handle)].handle = 0;
	entries[SESSION_SLOT(handle)].state = SESSION_FREE;
	explicit_bzero(journal[SESSION_SLOT(handle)], JOURNAL_CELL);
	writer_send_event(&e);
}

unsigned int
writer_session_reap(unsigned int max)
{
	return session_reap(max, session_gone);
}
