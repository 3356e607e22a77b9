/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer's rings: records in cells, what is full, frames for the peers (T21). */
#include "records.h"

static struct command_cell *
cell(uint32_t at)
{
	return (struct command_cell *)commands.shared->elems + at % COMMAND_RING_CELLS;
}

/* T21: what is done to the cells of a record between two good ones.  It has no effect and is
 * counted once by name; the good ones are answered. */
static void
cells_of_a_record_are_checked(void **state)
{
	(void)state;
	static const struct {
		int first, index, lap, length;
		enum record_refusal why;
	} cases[] = {
		{1, -1, 0, 0, RECORD_torn},    /* another cell of it */
		{2, +1, 0, 0, RECORD_torn},    /* the same, behind */
		{1, 0, -1, 0, RECORD_torn},    /* left from an earlier lap */
		{2, 0, +1, 0, RECORD_torn},    /* the same, of a later one */
		{0, 0, -1, 0, RECORD_torn},    /* its head is left from an earlier lap */
		{0, +3, 0, 0, RECORD_torn},    /* it has no head */
		{0, 0, 0, 65535, RECORD_size}, /* longer than a record can be */
		{0, 0, 0, 15, RECORD_size},    /* shorter than a head */
		{0, 0, 0, 17, RECORD_size},    /* shorter than its type: then strays */
		{0, 0, 0, 1000, RECORD_torn},  /* longer than what was published */
	};
	for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
		struct command before = make(COMMAND_SA_RELEASE, sa_handle(3, 1)), behind = before,
			       c = make(COMMAND_SA_ADD, sa_handle(1, 1));
		bool last = cases[i].length == 1000;
		c.sa_add = bench_sa_add();
		before.cookie = 10 + i, behind.cookie = 100 + i;
		put(&before);
		uint32_t head = ring_pos(&commands);
		put(&c);
		if (!last)
			put(&behind);
		struct command_cell *to = cell(head + (uint32_t)cases[i].first);
		to->index = (uint16_t)(to->index + cases[i].index);
		to->at += (uint32_t)cases[i].lap * COMMAND_RING_CELLS;
		if (cases[i].length) {
			uint16_t length = (uint16_t)cases[i].length;
			memcpy(cell(head)->data + offsetof(struct command, length), &length, 2);
		}
		uint64_t why = segment->refused[cases[i].why];
		writer_turn(i);
		assert_int_equal(next_event().cookie, 10 + i);
		assert_true(segment->refused[cases[i].why] > why);
		assert_int_equal(sas.live, 0);
		struct event e = next_event();
		if (e.status == -EINVAL) /* whole, but not one of its type */
			e = next_event();
		assert_int_equal(e.cookie, last ? 0 : 100 + i);
		assert_int_equal(ring_room(&commands), COMMAND_RING_CELLS);
	}
	for (unsigned int i = 0; i < COMMAND_RING_CELLS * sizeof(struct command_cell); i++)
		assert_int_not_equal(commands.shared->elems[i], 0x5a); /* no key stays */
}

/* The largest record takes its room, no more; what has none is put in whole or not at all. */
static void
records_of_any_size_cross(void **state)
{
	(void)state;
	static union command_record in, out;
	static const size_t sizes[] = {16, 55, 56, 57, 112, 113, 1000, 4097, COMMAND_RECORD_MAX};
	struct ring ring;
	uint32_t cells;
	command_ring_attach(&ring, commands.shared, false);
	for (unsigned int lap = 0; lap < 50; lap++) {
		for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
			memset(in.data, (int)(lap + i), sizeof(in.data));
			in.cmd.length = (uint16_t)sizes[i];
			assert_true(command_put(&commands, &in, sizes[i]));
			assert_int_equal(command_take(&ring, &out, &cells), COMMAND_WHOLE);
			assert_int_equal(cells, (sizes[i] + 55) / 56);
			assert_memory_equal(&in, &out, sizes[i]);
			command_taken(&ring, cells);
			assert_int_equal(command_take(&ring, &out, &cells), COMMAND_NONE);
		}
	}
	in.cmd.length = COMMAND_RECORD_MAX;
	assert_false(command_put(&commands, &in, COMMAND_RECORD_MAX + 1));
	assert_false(command_put(&commands, &in, COMMAND_HEAD - 1));
	for (unsigned int i = 0; i < COMMAND_RING_CELLS / COMMAND_CELLS_MAX; i++) {
		assert_true(command_put(&commands, &in, COMMAND_RECORD_MAX));
		if (i == 0) /* one cell less than the last one needs */
			command_take(&ring, &out, &cells);
	}
	assert_false(command_put(&commands, &in, COMMAND_HEAD));
	command_taken(&ring, cells);
	in.cmd.length = COMMAND_HEAD;
	assert_true(command_put(&commands, &in, COMMAND_HEAD));
	assert_false(command_put(&commands, &in, COMMAND_RECORD_MAX)); /* 255 cells are free */
	assert_int_equal(ring_room(&commands), COMMAND_CELLS_MAX - 1);
	/* No command of today is so large: each is refused by name. */
	writer_init(mbufs);
	writer_turn(1);
	assert_int_equal(segment->refused[RECORD_torn] + segment->refused[RECORD_version] +
				 segment->refused[RECORD_type] + segment->refused[RECORD_size],
		segment->bad_records);
	assert_true(segment->bad_records > 0);
	assert_int_equal(ring_room(&commands), COMMAND_RING_CELLS);
}

static void
full_event_ring_holds_commands_back(void **state)
{
	(void)state;
	struct command c = make(COMMAND_SESSION_FLUSH, session_handle(1, 1));
	unsigned int put_in = 0;
	/* Nobody reads events: at last commands stay in their ring. */
	for (unsigned int turn = 0; turn < 100; turn++) {
		while (ring_room(&commands)) {
			put(&c);
			put_in++;
		}
		writer_turn(turn);
	}
	assert_true(put_in < EVENT_RING_CAPACITY + COMMAND_RING_CELLS + 2);
	unsigned int answered = 0;
	for (unsigned int turn = 0; turn < 100; turn++) {
		while (next_event().type == EVENT_ACK)
			answered++;
		writer_turn(turn);
	}
	assert_int_equal(answered, put_in);
}

static void
full_owner_ring_holds_commands_back(void **state)
{
	(void)state;
	uint32_t h = session_handle(1, 1);
	struct command c = make_add(h, 100);
	assert_int_equal(say(&c), 0);
	c = make(COMMAND_SESSION_FLUSH, h);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(say(&c), 0);
	put(&c);
	writer_turn(1);
	assert_int_equal(next_event().type, 0);
	rte_mempool_put(worker_msg_pool, take_msg());
	writer_turn(2);
	assert_int_equal(next_event().type, EVENT_ACK);
}

/* The owner's ring is full: the update stays where it is. */
static void
full_owner_ring_holds_updates_back(void **state)
{
	(void)state;
	struct command c = make(COMMAND_SA_ADD, sa_handle(1, 1));
	c.sa_add = bench_sa_add();
	assert_int_equal(say(&c), 0);
	c = make(COMMAND_SA_UPDATE, sa_handle(1, 1));
	c.sa_update.outer = (struct sa_outer){.server_ip = SERVER_IP, .peer_ip = PEER_IP + 2};
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(say(&c), 0);
	put(&c);
	writer_turn(1);
	assert_int_equal(next_event().type, 0);
	struct worker_msg *m = take_msg();
	assert_int_equal(m->cmd.type, COMMAND_SA_UPDATE);
	sa_apply(m->sa, &m->cmd);
	rte_mempool_put(worker_msg_pool, m);
	writer_turn(2);
	assert_int_equal(next_event().type, EVENT_ACK);
	assert_int_equal(sas.slots[1].cfg.peer_ip_be, rte_cpu_to_be_32(PEER_IP + 2));
}

static void
injected_frames(void **state)
{
	(void)state;
	uint32_t h = session_handle(1, 1);
	struct command c = make_add(h, 100);
	assert_int_equal(say(&c), 0);
	static const struct {
		uint8_t version;
		uint16_t length;
		bool good, current;
	} cases[] = {
		{RECORD_VERSION, 4, true, true},
		{RECORD_VERSION, FRAME_MAX, true, true},
		{RECORD_VERSION, 1, false, true},
		{RECORD_VERSION, FRAME_MAX + 1, false, true},
		{RECORD_VERSION, 65535, false, true},
		{9, 4, false, true},
		{RECORD_VERSION, 4, false, false},
	};
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		struct frame_record *f = ring_produce(&injects);
		*f = (struct frame_record){.version = cases[i].version,
			.length = cases[i].length,
			.handle = cases[i].current ? h : session_handle(1, 2),
			.data = {0xc0, 0x21, 1, 2}};
		ring_produced(&injects);
		writer_turn(i);
		void *m = NULL;
		rte_ring_sc_dequeue(workers[0].from_main, &m);
		assert_int_equal(m != NULL, cases[i].good);
		if (!m)
			continue;
		assert_int_equal(pkt_meta(m)->stage, STAGE_PPP_OUT);
		assert_int_equal(pkt_meta(m)->ppp_proto, 0xc021);
		assert_int_equal(rte_pktmbuf_pkt_len((struct rte_mbuf *)m), cases[i].length);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(segment->bad_records, 4);
}

/* T21: frames for a pair or in clear. */
static void
injected_l2tp(void **state)
{
	(void)state;
	uint32_t h = sa_handle(1, 1);
	struct command c = make(COMMAND_SA_ADD, h);
	c.sa_add = bench_sa_add();
	assert_int_equal(say(&c), 0);
	static const struct {
		uint32_t handle;
		struct sa_outer outer;
		uint16_t length;
		uint8_t kind;
		bool good;
	} cases[] = {
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1701, 1701}, 24, FRAME_L2TP, true},
		{0, {SERVER_IP, PEER_IP, 1701, 40000}, 24, FRAME_L2TP, true},
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1701, 1701}, 12, FRAME_L2TP, false},
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1701, 1701}, 0, FRAME_L2TP, false},
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1701, 1701}, FRAME_MAX + 1, FRAME_L2TP, false},
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1702, 1701}, 24, FRAME_L2TP, false},
		{1 << 20 | 1, {SERVER_IP, PEER_IP, 1701, 0}, 24, FRAME_L2TP, false},
		{0, {SERVER_IP + 1, PEER_IP, 1701, 1701}, 24, FRAME_L2TP, false},
		{0, {SERVER_IP, 0, 1701, 1701}, 24, FRAME_L2TP, false},
		{0, {SERVER_IP, PEER_IP, 1701, 1701}, 24, 2, false},
	};
	ports[0].role = PORT_WAN;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		uint64_t bad = segment->bad_records;
		struct frame_record *f = ring_produce(&injects);
		*f = (struct frame_record){.version = RECORD_VERSION,
			.kind = cases[i].kind,
			.length = cases[i].length,
			.handle = cases[i].handle,
			.data = {[12] = 0xc8, 0x02}};
		memcpy(f->data, &cases[i].outer, sizeof(cases[i].outer));
		ring_produced(&injects);
		writer_turn(i);
		void *p = NULL;
		rte_ring_sc_dequeue(workers[0].from_main, &p);
		assert_int_equal(p != NULL, cases[i].good);
		assert_int_equal(segment->bad_records - bad, !cases[i].good);
		if (!p)
			continue;
		struct rte_mbuf *m = p;
		const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);
		bool in_clear = cases[i].handle == 0;
		assert_int_equal(pkt_meta(m)->stage, in_clear ? STAGE_IP : STAGE_ESP_OUT);
		assert_int_equal(m->data_len, 8 + 12 + (in_clear ? 20 : 0));
		assert_int_equal(d[in_clear ? 28 : 8], 0xc8);
		if (!in_clear)
			assert_ptr_equal(pkt_meta(m)->sa, &sas.slots[1]);
		rte_pktmbuf_free(m);
	}
}

/* Before a frame of the kernel's leaves: the commands, and nothing that control sends. */
static void
commands_go_alone(void **state)
{
	(void)state;
	uint32_t h = session_handle(3, 1);
	struct command c = make_add(h, 100);
	struct frame_record *f = ring_produce(&injects);
	void *m = NULL;
	*f = (struct frame_record){
		.version = RECORD_VERSION, .length = 4, .handle = h, .data = {0xc0, 0x21, 1, 2}};
	ring_produced(&injects);
	assert_int_equal(writer_commands(1), 0);
	put(&c);
	assert_int_equal(writer_commands(1), 1);
	assert_non_null(session_by_handle(h));
	assert_int_equal(next_event().type, EVENT_ACK);
	assert_int_not_equal(rte_ring_sc_dequeue(workers[0].from_main, &m), 0);
	writer_turn(2);
	assert_int_equal(rte_ring_sc_dequeue(workers[0].from_main, &m), 0);
	rte_pktmbuf_free(m);
}

static void
impossible_counters_are_repaired(void **state)
{
	(void)state;
	atomic_store(&commands.shared->head, 0xdeadbeef);
	atomic_store(&events.shared->tail, 0x80000000);
	writer_turn(1);
	writer_control_connected();
	command_ring_attach(&commands, commands.shared, true);
	ring_attach(&events, events.shared, EVENT_RING_CAPACITY, sizeof(struct event), false);
	assert_int_equal(next_event().type, 0); /* begins anew */
	struct command c = make_add(session_handle(1, 1), 100);
	assert_int_equal(say(&c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cells_of_a_record_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(records_of_any_size_cross, setup, teardown),
		cmocka_unit_test_setup_teardown(
			full_event_ring_holds_commands_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			full_owner_ring_holds_commands_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			full_owner_ring_holds_updates_back, setup, teardown),
		cmocka_unit_test_setup_teardown(injected_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(injected_l2tp, setup, teardown),
		cmocka_unit_test_setup_teardown(commands_go_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(impossible_counters_are_repaired, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
