/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's end of the rings: a segment with one worker's, and what the writer answers. */
#ifndef ADIT_TESTS_UNIT_DATAPLANE_RECORDS_H
#define ADIT_TESTS_UNIT_DATAPLANE_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/journal.h"
#include "dataplane/api/port.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"

#include "bench.h"

static struct ring commands, events, injects;

static inline int
setup(void **state)
{
	(void)state;
	if (bench_worker() != 0)
		return -1;
	struct worker *w = &workers[0];
	w->from_main = rte_ring_create("from", 16, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->events = rte_ring_create_elem("ev", sizeof(struct worker_event), 16, SOCKET_ID_ANY, 0);
	writer_init(mbufs);
	ring_attach(&w->punt, segment_part(segment_offsets.punt_rings[0]), PUNT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	command_ring_attach(&commands, segment_part(segment_offsets.command_ring), true);
	ring_attach(&events, segment_part(segment_offsets.event_ring), EVENT_RING_CAPACITY,
		sizeof(struct event), false);
	ring_attach(&injects, segment_part(segment_offsets.inject_ring), INJECT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	return 0;
}

static inline int
teardown(void **state)
{
	struct worker *w = &workers[0];
	void *p;
	(void)state;
	while (rte_ring_sc_dequeue(w->from_main, &p) == 0)
		rte_pktmbuf_free(p);
	rte_ring_free(w->from_main);
	rte_ring_free(w->events);
	bench_worker_free();
	return 0;
}

static inline void
put(const struct command *cmd)
{
	assert_true(command_put(&commands, cmd, cmd->length));
}

/* The next event; its type, status. */
static inline struct event
next_event(void)
{
	struct event e = {0};
	const void *rec = ring_consume(&events);
	if (rec) {
		memcpy(&e, rec, sizeof(e));
		ring_consumed(&events);
	}
	return e;
}

static inline struct command
make(uint8_t type, uint32_t handle)
{
	return (struct command){.version = RECORD_VERSION,
		.type = type,
		.length = command_size(type).most ? command_size(type).most : COMMAND_HEAD,
		.handle = handle,
		.cookie = 4711};
}

static inline int
say(const struct command *cmd)
{
	put(cmd);
	writer_turn(1);
	struct event e = next_event();
	assert_int_equal(e.type, EVENT_ACK);
	assert_int_equal(e.cookie, cmd->cookie);
	return e.status;
}

static inline struct command
make_add(uint32_t handle, uint16_t call)
{
	struct command c = make(COMMAND_SESSION_ADD, handle);
	c.add.server_ip = SERVER_IP;
	c.add.peer_ip = PEER_IP;
	c.add.call_id = call;
	c.add.peer_call_id = 9;
	return c;
}

static inline struct worker_msg *
take_msg(void)
{
	void *m = NULL;
	rte_ring_sc_dequeue(workers[0].msgs, &m);
	return m;
}

#endif
