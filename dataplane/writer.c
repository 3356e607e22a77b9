/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records come from a process that may be compromised (T21): each one is copied out of the segment
 * first, then every field is checked, and what fails is counted and answered.  A ring that is full
 * stops the one before it.
 */
#include "dataplane/writer.h"

#include <errno.h>
#include <string.h>

#include <rte_ring_elem.h>

#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
#include "dataplane/gateway.h"
#include "dataplane/inject.h"
#include "dataplane/route.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"
#include "dataplane/writer_internal.h"

#define TURN_COMMANDS 256
#define TURN_FRAMES   256
#define PENDING_MAX   256
#define MRU_MIN       128

static struct ring command_ring, event_ring, inject_ring;
static struct rte_mempool *mbufs;
static struct session_entry *entries;
static struct session_counters *counters;
static uint8_t (*journal)[JOURNAL_CELL]; /* by slot */
static uint64_t clock_now_us, refused[RECORD_REFUSAL_COUNT];
static union command_record record; /* the command that is being applied */

/* Events that found the ring full. Nothing that produces more is done before they are out. */
static struct event pending[PENDING_MAX];
static unsigned int n_pending;

void
writer_init(struct rte_mempool *pool)
{
	mbufs = pool;
	n_pending = 0;
	memset(refused, 0, sizeof(refused));
	command_ring_attach(&command_ring, segment_part(segment_offsets.command_ring), false);
	ring_attach(&event_ring, segment_part(segment_offsets.event_ring), EVENT_RING_CAPACITY,
		sizeof(struct event), true);
	ring_attach(&inject_ring, segment_part(segment_offsets.inject_ring), INJECT_RING_CAPACITY,
		sizeof(struct frame_record), false);
	entries = segment_part(segment_offsets.sessions);
	counters = segment_part(segment_offsets.session_counters);
	journal = segment_part(segment_offsets.journal_sessions);
	writer_sa_init();
}

void
writer_control_connected(void)
{
	ring_skip(&command_ring);
	ring_skip(&inject_ring);
	ring_republish(&event_ring);
	atomic_fetch_add_explicit(&settings.control, 1, memory_order_relaxed);
	for (unsigned int i = 0; i < n_workers; i++)
		ring_republish(&workers[i].punt);
}

/* ------------------------------------------------------------------ events */

static bool
flush_pending(void)
{
	unsigned int n = 0;
	for (void *slot; n < n_pending && (slot = ring_produce(&event_ring)) != NULL; n++) {
		memcpy(slot, &pending[n], sizeof(pending[n]));
		ring_produced(&event_ring);
	}
	n_pending -= n;
	memmove(pending, pending + n, n_pending * sizeof(pending[0]));
	return n_pending == 0;
}

void
writer_send_event(const struct event *e)
{
	if (n_pending == PENDING_MAX)
		return;
	pending[n_pending++] = *e;
	flush_pending();
}

static void
acknowledge(const struct command *cmd, int status)
{
	struct event e = {
		.version = RECORD_VERSION,
		.type = EVENT_ACK,
		.length = sizeof(e),
		.handle = cmd->handle,
		.cookie = cmd->cookie,
		.status = status,
	};
	writer_send_event(&e);
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

/* Is who the worker speaks of still there? */
static bool
is_current(const struct worker_event *we)
{
	switch (we->type) {
	case EVENT_SA_EXPIRE:
	case EVENT_SA_MAPPING:
		return sa_by_handle(we->handle) != NULL;
	default:
		return session_by_handle(we->handle) != NULL;
	}
}

/* What workers saw, one event a time.  Without control nobody is interested. */
static unsigned int
forward_events(void)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < n_workers; i++) {
		struct worker_event we;
		while (n_pending == 0 &&
			rte_ring_sc_dequeue_elem(workers[i].events, &we, sizeof(we)) == 0) {
			struct event e = {.version = RECORD_VERSION,
				.type = (uint8_t)we.type,
				.length = sizeof(e),
				.handle = we.handle,
				.status = we.status};
			if (we.type == EVENT_SA_MAPPING)
				e.mapping = we.mapping;
			n++;
			if (segment_connected() && is_current(&we))
				writer_send_event(&e);
		}
	}
	return n;
}

/* ------------------------------------------------------------------ commands */

bool
is_unicast(uint32_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

int
writer_pass_on(uint8_t owner, void *target, const struct command *cmd)
{
	struct worker_msg *msg;
	if (rte_ring_full(workers[owner].msgs) ||
		rte_mempool_get(worker_msg_pool, (void **)&msg) != 0)
		return -EAGAIN;
	msg->target = target;
	msg->handle = cmd->handle;
	msg->cmd = *cmd;
	if (rte_ring_sp_enqueue(workers[owner].msgs, msg) == 0)
		return 0;
	explicit_bzero(&msg->cmd, sizeof(msg->cmd));
	rte_mempool_put(worker_msg_pool, msg);
	return -EAGAIN;
}

static int
pass_on(struct session *s, const struct command *cmd)
{
	return writer_pass_on(s->cfg.owner, s, cmd);
}

static int
do_gateway(const struct command *cmd)
{
	if (cmd->handle || cmd->gateway.pptp > 1 || cmd->gateway.ipsec > 1 ||
		cmd->gateway.clear_l2tp > 1)
		return -EINVAL;
	int rc = gateway_set(
		cmd->gateway.server_ip, cmd->gateway.pool_first, cmd->gateway.pool_last);
	if (rc)
		return rc;
	uint32_t edge = (cmd->gateway.pptp ? EDGE_ALLOW_PPTP : 0) |
			(cmd->gateway.ipsec ? EDGE_ALLOW_IPSEC : 0) |
			(cmd->gateway.clear_l2tp ? EDGE_ALLOW_CLEAR_L2TP : 0);
	atomic_store_explicit(&settings.edge, edge, memory_order_relaxed);
	return 0;
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
do_add(const struct command *cmd)
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
	sessions.slots[slot].cold.opened_us = clock_now_us;
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
		.opened_us = clock_now_us,
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

/* RECORD_REFUSAL_COUNT: it is a command, whatever stands in its body. */
static enum record_refusal
check_head(const struct command *cmd)
{
	struct command_size size = command_size(cmd->type);
	if (cmd->version != RECORD_VERSION)
		return RECORD_version;
	if (size.most == 0)
		return RECORD_type;
	return cmd->length < size.least || cmd->length > size.most ? RECORD_size
								   : RECORD_REFUSAL_COUNT;
}

/* Its head is right. */
static int
apply(const struct command *cmd)
{
	if (cmd->type == COMMAND_GATEWAY)
		return do_gateway(cmd);
	if (cmd->type == COMMAND_SESSION_ADD)
		return do_add(cmd);
	if (cmd->type >= COMMAND_SA_ADD && cmd->type <= COMMAND_SA_RELEASE)
		return writer_sa_apply(cmd, clock_now_us);
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
bad_record(enum record_refusal why)
{
	segment->refused[why] = ++refused[why];
	uint64_t all = 0;
	for (unsigned int i = 0; i < RECORD_REFUSAL_COUNT; i++)
		all += refused[i];
	segment->bad_records = all;
}

/* The command in record: -EAGAIN when it has to wait, else it was answered. */
static int
obey(void)
{
	const struct command *cmd = &record.cmd;
	enum record_refusal bad = check_head(cmd);
	int rc = bad == RECORD_REFUSAL_COUNT ? apply(cmd) : -EINVAL;
	if (rc == -EAGAIN)
		return rc;
	if (rc == -EINVAL)
		bad_record(bad == RECORD_REFUSAL_COUNT ? RECORD_field : bad);
	acknowledge(cmd, rc);
	return 0;
}

/* Without keys left in it. */
static void
wipe_record(uint32_t cells)
{
	size_t used = (size_t)cells * COMMAND_CELL_DATA;
	explicit_bzero(&record, RTE_MAX(used, sizeof(record.cmd)));
}

/* As many as there are, can be answered and are due.  False when something holds them up.  A record
 * that isn't whole is not answered: who sent it is not known. */
static bool
drain_commands(unsigned int *n)
{
	enum command_verdict v;
	uint32_t cells;
	while (flush_pending() && *n < TURN_COMMANDS &&
		(v = command_take(&command_ring, &record, &cells)) != COMMAND_NONE) {
		int rc = 0;
		if (v == COMMAND_WHOLE)
			rc = obey();
		else
			bad_record(v == COMMAND_TORN ? RECORD_torn : RECORD_size);
		wipe_record(cells);
		if (rc == -EAGAIN)
			return false;
		command_taken(&command_ring, cells);
		++*n;
	}
	return n_pending == 0 && ring_count(&command_ring) == 0;
}

/* ------------------------------------------------------------------ frames */

/* False: the frame stays where it is. */
static bool
inject(const struct frame_record *rec)
{
	enum inject_result r = inject_frame(rec, mbufs);
	if (r == INJECT_BAD)
		bad_record(RECORD_frame);
	return r != INJECT_WAIT;
}

unsigned int
writer_commands(uint64_t now_us)
{
	unsigned int n = 0;

	clock_now_us = now_us;
	drain_commands(&n);
	return n;
}

unsigned int
writer_turn(uint64_t now_us)
{
	unsigned int commands = 0, frames = 0, n;
	const void *rec;

	clock_now_us = now_us;
	flush_pending();
	n = forward_events();
	if (n_pending == 0) {
		unsigned int ended = session_reap(PENDING_MAX, session_gone);
		n += ended + writer_sa_reap(PENDING_MAX - ended);
	}
	/* A frame must not overtake the command that was sent before it. */
	while (drain_commands(&commands) && frames < TURN_FRAMES &&
		(rec = ring_consume(&inject_ring)) != NULL && inject(rec)) {
		ring_consumed(&inject_ring);
		frames++;
	}
	atomic_store_explicit(&segment->sessions_live, sessions.live, memory_order_relaxed);
	return n + commands + frames;
}

void
writer_close(void)
{
	atomic_store_explicit(&settings.edge, 0, memory_order_relaxed);
	gateway_clear();
	explicit_bzero(pending, sizeof(pending));
}
