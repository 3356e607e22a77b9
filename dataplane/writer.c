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
#include "dataplane/api/ring.h"
#include "dataplane/gateway.h"
#include "dataplane/inject.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/session.h"
#include "dataplane/worker.h"
#include "dataplane/writer_internal.h"

#define TURN_COMMANDS 256
#define TURN_FRAMES   256
#define PENDING_MAX   256

static struct ring command_ring, event_ring, inject_ring;
static struct rte_mempool *mbufs;
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
	writer_session_init();
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
	if (cmd->type >= COMMAND_SA_ADD && cmd->type <= COMMAND_SA_RELEASE)
		return writer_sa_apply(cmd, clock_now_us);
	return writer_session_apply(cmd, clock_now_us);
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
		unsigned int ended = writer_session_reap(PENDING_MAX);
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
