/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of a compromised control (T21): commands and frames, as the writer takes them, and what
 * the owner then does with them; and rtnetlink's word on neighbours in between. Input: steps of an
 * octet, a length octet and so many octets.  The octet's low bits say: 0 to 4 a command, a
 * well-formed one of type 2 + (octet >> 3) % 14 over which the octets are laid, from the record's
 * type on (0 to 3; 3: as long as that makes it) or from its body on (4); 5 the cells of a command,
 * changed; 6 a frame to inject; 7 turns of the main lcore, and the worker's.  At the end nothing
 * may be missing.
 */
#include <stdlib.h>

#include <rte_ring_elem.h>

#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"
#include "tests/unit/dataplane/bench.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ring commands, events, injects;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct worker *w = &workers[0];
	(void)argc;
	(void)argv;
	must(bench_eal() == 0 && segment_create(1, MAX_SESSIONS, MAX_SAS) == 0);
	n_workers = 1;
	w->from_main = rte_ring_create("from", 16, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->msgs = rte_ring_create("msgs", 8, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->events = rte_ring_create_elem("ev", sizeof(struct worker_event), 16, SOCKET_ID_ANY, 0);
	worker_msg_pool = rte_mempool_create("msgpool", 63, sizeof(struct worker_msg), 0, 0, NULL,
		NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	must(w->from_main && w->msgs && w->events && worker_msg_pool);
	ring_attach(&w->punt, segment_part(segment_offsets.punt_rings[0]), PUNT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	bench_tables();
	return 0;
}

/* A command that is in order, of a few slots. */
static struct command
template_of(uint8_t type)
{
	struct command c = {
		.version = RECORD_VERSION, .type = type, .length = command_size(type).most};
	c.handle = type >= COMMAND_SA_ADD ? sa_handle(1, 1) : session_handle(1, 1);
	switch (type) {
	case COMMAND_SESSION_ADD:
		c.add.server_ip = SERVER_IP;
		c.add.peer_ip = PEER_IP;
		c.add.call_id = 100;
		c.add.peer_call_id = 200;
		c.add.protocol = TUNNEL_L2TP;
		c.add.tunnel_id = c.add.peer_tunnel_id = 5;
		c.add.server_port = c.add.peer_port = L2TP_PORT;
		c.add.sa = sa_handle(1, 1);
		c.add.peer = 77;
		break;
	case COMMAND_SESSION_LINK:
		c.link.our_mru = c.link.peer_mru = 1400;
		break;
	case COMMAND_SESSION_MPPE:
		c.mppe.tx.strength = c.mppe.rx.strength = MPPE_128;
		break;
	case COMMAND_SESSION_OPEN:
		c.open.inner_ip = 0x0a000001;
		break;
	case COMMAND_SESSION_SA:
		c.session_sa.sa = sa_handle(1, 1);
		break;
	case COMMAND_SA_ADD:
		c.sa_add = bench_sa_add();
		break;
	case COMMAND_SA_OUT:
		c.sa_out = (struct command_sa_out){.spi = 0x12345678, .keys = bench_keys()};
		break;
	case COMMAND_SA_UPDATE:
		c.sa_update.outer = bench_sa_add().outer;
		break;
	}
	return c;
}

static void
turns(void)
{
	static uint64_t now_us;
	struct worker *w = &workers[0];
	void *m;
	for (unsigned int i = 0; i < 2; i++) {
		writer_turn(now_us += 1000);
		route_tick(now_us);
		while (rte_ring_sc_dequeue(w->msgs, &m) == 0) {
			struct worker_msg *msg = m;
			if (msg->cmd.type >= COMMAND_SA_ADD) {
				if (sa_by_handle(msg->handle) == msg->sa)
					sa_apply(msg->sa, &msg->cmd);
			} else if (session_by_handle(msg->handle) == msg->session) {
				session_apply(msg->session, &msg->cmd);
			}
			rte_mempool_put(worker_msg_pool, m);
		}
		while (rte_ring_sc_dequeue(w->from_main, &m) == 0)
			rte_pktmbuf_free(m);
		while (ring_consume(&events))
			ring_consumed(&events);
	}
}

static void
command(uint8_t how, const uint8_t *data, size_t len)
{
	static union command_record r;
	r.cmd = template_of((uint8_t)(COMMAND_SESSION_ADD + (how >> 3) % 14));
	uint16_t length = r.cmd.length;
	size_t at = (how & 7) < 4 ? offsetof(struct command, type) : offsetof(struct command, raw);
	memcpy(r.data + at, data, len);
	command_put(&commands, &r, (how & 7) == 3 ? at + len : length);
}

/* The cells of a command that is in order, with the octets laid over them by exclusive or. */
static void
cells(uint8_t how, const uint8_t *data, size_t len)
{
	struct command c = template_of((how >> 3) % 2 ? COMMAND_SA_ADD : COMMAND_SESSION_OPEN);
	uint32_t n = command_cells(c.length);
	if (!command_put(&commands, &c, c.length))
		return;
	struct ring written = {.shared = commands.shared,
		.mask = commands.mask,
		.elem_size = commands.elem_size,
		.pos = ring_pos(&commands) - n};
	for (size_t i = 0; i < len && i < n * sizeof(struct command_cell); i++)
		((uint8_t *)ring_element(&written,
			(uint32_t)i /
				sizeof(struct command_cell)))[i % sizeof(struct command_cell)] ^=
			data[i];
}

static void
frame(const uint8_t *data, size_t len)
{
	struct frame_record *to = ring_produce(&injects);
	if (!to)
		return;
	memset(to, 0, sizeof(*to));
	*to = (struct frame_record){.version = RECORD_VERSION,
		.kind = FRAME_PPP,
		.length = 8,
		.handle = session_handle(1, 1)};
	memcpy(&to->kind, data, len);
	ring_produced(&injects);
}

static void
close_one(uint8_t type, uint32_t handle)
{
	const struct command c = {
		.version = RECORD_VERSION, .type = type, .length = COMMAND_HEAD, .handle = handle};
	must(command_put(&commands, &c, c.length));
}

static void
close_all(void)
{
	for (uint32_t i = 0; i < sessions.max; i++)
		if (session_handle_of(&sessions.slots[i]))
			close_one(COMMAND_SESSION_CLOSE, session_handle_of(&sessions.slots[i]));
	for (uint32_t i = 0; i < sas.max; i++)
		if (sa_handle_of(&sas.slots[i]))
			close_one(COMMAND_SA_CLOSE, sa_handle_of(&sas.slots[i]));
	turns();
	turns();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	writer_init(mbufs);
	command_ring_attach(&commands, segment_part(segment_offsets.command_ring), true);
	ring_attach(&events, segment_part(segment_offsets.event_ring), EVENT_RING_CAPACITY,
		sizeof(struct event), false);
	ring_attach(&injects, segment_part(segment_offsets.inject_ring), INJECT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	while (size >= 2) {
		uint8_t how = data[0];
		size_t len = RTE_MIN((size_t)data[1], size - 2);
		if ((how & 7) == 7)
			turns();
		else if ((how & 7) == 6)
			frame(data + 2, len);
		else if ((how & 7) == 5)
			cells(how, data + 2, len);
		else
			command(how, data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
	for (unsigned int i = 0; i < 64 && ring_consume(&commands); i++)
		turns();
	turns();
	must(sessions.live <= MAX_SESSIONS && sas.live <= MAX_SAS);
	close_all();
	must(sessions.live == 0 && sas.live == 0);
	must(rte_mempool_avail_count(worker_msg_pool) == worker_msg_pool->size);
	must(rte_mempool_avail_count(mbufs) == mbufs->size);
	return 0;
}
