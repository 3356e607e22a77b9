/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer against records of a compromised control (T21), and its answers. */
#include "records.h"

static void
life_of_a_session(void **state)
{
	(void)state;
	uint32_t h = session_handle(2, 5);
	struct command c = make_add(h, 100);
	assert_int_equal(say(&c), 0);
	const struct session_entry *e =
		(const struct session_entry *)segment_part(segment_offsets.sessions) + 2;
	assert_int_equal(e->handle, h);
	c = make(COMMAND_SESSION_MPPE, h);
	c.mppe.tx = c.mppe.rx = (struct command_mppe_dir){.strength = 128, .stateless = 1};
	memset(c.mppe.tx.start_key, 0x77, 16);
	assert_int_equal(say(&c), 0);
	struct worker_msg *m = take_msg();
	assert_non_null(m);
	assert_int_equal(m->handle, h);
	assert_int_equal(m->cmd.mppe.tx.start_key[3], 0x77);
	rte_mempool_put(worker_msg_pool, m);
	/* No key stays in the ring, and none is taken twice (T2). */
	const uint8_t *ring = commands.shared->elems;
	for (unsigned int i = 0; i < 16 * sizeof(struct command_cell); i++)
		assert_int_not_equal(ring[i], 0x77);
	assert_int_equal(say(&c), -EALREADY);
	c = make(COMMAND_SESSION_OPEN, h);
	c.open.inner_ip = 0x0a000005;
	assert_int_equal(say(&c), 0);
	rte_mempool_put(worker_msg_pool, take_msg());
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x0a000005)), FIB_VALUE(FIB_SESSION, 2));
	assert_int_equal(e->state, SESSION_OPEN);
	assert_int_equal(say(&c), -EALREADY);
	/* What control keeps of it lives as long as it does. */
	uint8_t *cells = segment_part(segment_offsets.journal_sessions);
	static const uint8_t zeros[JOURNAL_CELL];
	memset(cells, 0x5a, 4 * JOURNAL_CELL);
	c = make(COMMAND_SESSION_CLOSE, h);
	assert_int_equal(say(&c), 0);
	assert_int_equal(cells[2 * JOURNAL_CELL], 0x5a);
	assert_int_equal(fib_lookup(rte_cpu_to_be_32(0x0a000005)), FIB_NONE);
	writer_turn(2);
	struct event gone = next_event();
	assert_int_equal(gone.type, EVENT_SESSION_GONE);
	assert_int_equal(gone.handle, h);
	assert_int_equal(e->handle, 0);
	assert_memory_equal(cells + 2 * (size_t)JOURNAL_CELL, zeros, JOURNAL_CELL);
	assert_int_equal(cells[2 * JOURNAL_CELL - 1], 0x5a);
	assert_int_equal(cells[3 * JOURNAL_CELL], 0x5a);
	assert_int_equal(say(&c), -ENOENT);
}

static void
hostile_records_are_refused(void **state)
{
	(void)state;
	uint32_t h = session_handle(1, 1);
	struct command good = make_add(h, 100), c = good;
	c.version = RECORD_VERSION + 1;
	assert_int_equal(say(&c), -EINVAL);
	c = good, c.length--;
	assert_int_equal(say(&c), -EINVAL);
	c = good, c.length++;
	assert_int_equal(say(&c), -EINVAL);
	assert_int_equal(segment->refused[RECORD_size], 2);
	c = good, c.type = 200;
	assert_int_equal(say(&c), -EINVAL);
	c = good, c.handle = session_handle(MAX_SESSIONS, 1);
	assert_int_equal(say(&c), -EINVAL);
	c = good, c.add.peer_ip = 0xe0000001;
	assert_int_equal(say(&c), -EINVAL);
	c = good, c.add.server_ip = SERVER_IP + 1;
	assert_int_equal(say(&c), -EADDRNOTAVAIL);
	assert_int_equal(say(&good), 0);
	c = make(COMMAND_SESSION_LINK, h), c.link.our_mru = 1500, c.link.peer_mru = 10;
	assert_int_equal(say(&c), -EINVAL);
	c = make(COMMAND_SESSION_MPPE, h), c.mppe.tx.strength = 64;
	assert_int_equal(say(&c), -EINVAL);
	c = make(COMMAND_SESSION_OPEN, h), c.open.inner_ip = 0x0a000001;
	memset(c.open.user, 'u', sizeof(c.open.user));
	assert_int_equal(say(&c), -EINVAL);
	c = make(COMMAND_SESSION_OPEN, h), c.open.inner_ip = SERVER_IP;
	assert_int_equal(say(&c), -EADDRINUSE);
	c = make(COMMAND_GATEWAY, 0), c.gateway.server_ip = 0x0a000001,
	c.gateway.pool_last = 0xdfffffff, c.gateway.pool_first = 0x01000000;
	assert_int_equal(say(&c), -EINVAL);
	assert_true(segment->bad_records >= 8);
}

static void
random_records_do_no_harm(void **state)
{
	(void)state;
	uint64_t x = 88172645463325252ull;
	for (unsigned int n = 0; n < 20000; n++) {
		struct command c;
		for (unsigned int i = 0; i < sizeof(c) / 8; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			memcpy((uint8_t *)&c + 8 * i, &x, 8);
		}
		c.version = RECORD_VERSION;
		c.type = 2 + x % 12;
		c.length = command_size(c.type).most;
		c.handle = session_handle(x >> 8 & 31, x >> 16 & 1);
		c.cookie = 1;
		if (c.type == COMMAND_SESSION_ADD && x & 1 << 20)
			c.add.server_ip = SERVER_IP, c.add.peer_ip = PEER_IP;
		if (c.type == COMMAND_SESSION_ADD && x & 1 << 21) {
			c.add.protocol = TUNNEL_L2TP;
			c.add.server_port = L2TP_PORT;
			c.add.sa = x & 1 << 22 ? sa_handle(x >> 24 & 7, 1) : 0;
			c.add.peer = c.add.sa ? 77 : 0;
		}
		if (c.type == COMMAND_SESSION_SA)
			c.session_sa.sa = sa_handle(x >> 24 & 7, 1);
		if (c.type == COMMAND_SA_ADD && x & 1 << 20)
			c.sa_add = bench_sa_add();
		if (c.type == COMMAND_SA_OUT && x & 1 << 20)
			c.sa_out.keys = bench_keys(), c.sa_out.esn = 0;
		put(&c);
		writer_turn(n);
		while (next_event().type)
			;
		for (struct worker_msg *m; (m = take_msg());) {
			if (m->cmd.type >= COMMAND_SA_ADD)
				sa_apply(m->sa, &m->cmd);
			else if (session_handle_of(m->session) == m->handle)
				session_apply(m->session, &m->cmd);
			rte_mempool_put(worker_msg_pool, m);
		}
	}
	assert_true(sessions.live <= MAX_SESSIONS);
	assert_true(sas.live <= MAX_SAS);
}

static struct command
make_l2tp(uint32_t handle, uint32_t sa, uint32_t peer)
{
	struct command c = make_add(handle, 200);
	c.add.protocol = TUNNEL_L2TP;
	c.add.tunnel_id = 5;
	c.add.peer_tunnel_id = 6;
	c.add.server_port = c.add.peer_port = L2TP_PORT;
	c.add.sa = sa;
	c.add.peer = peer;
	return c;
}

static void
life_of_a_pair(void **state)
{
	(void)state;
	uint32_t h = sa_handle(2, 5), s = session_handle(2, 1);
	const struct sa_entry *e = (const struct sa_entry *)segment_part(segment_offsets.sas) + 2;
	struct command c = make(COMMAND_SA_ADD, h);
	c.sa_add = bench_sa_add();
	assert_int_equal(say(&c), 0);
	assert_int_equal(e->handle, h);
	assert_int_equal(e->peer, 77);
	/* No key stays in the ring. */
	const uint8_t *ring = commands.shared->elems;
	for (unsigned int i = 0; i < 8 * sizeof(struct command_cell); i++)
		assert_int_not_equal(ring[i], 0x5a);
	c = make_l2tp(s, h, 77);
	assert_int_equal(say(&c), 0);
	assert_int_equal(((struct session_entry *)segment_part(segment_offsets.sessions))[2].sa, h);
	c = make(COMMAND_SESSION_SA, s), c.session_sa.sa = h;
	assert_int_equal(say(&c), -ENOENT); /* nothing to send with yet */
	c = make(COMMAND_SA_OUT, h);
	c.sa_out = (struct command_sa_out){.spi = 0x12345678, .keys = bench_keys()};
	assert_int_equal(say(&c), 0);
	assert_int_equal(e->out_spi, 0x12345678);
	assert_int_equal(say(&c), -EALREADY);
	c = make(COMMAND_SESSION_SA, s), c.session_sa.sa = h;
	assert_int_equal(say(&c), 0);
	struct worker_msg *m = take_msg();
	assert_non_null(m);
	assert_ptr_equal(m->session, &sessions.slots[2]);
	rte_mempool_put(worker_msg_pool, m);
	c = make(COMMAND_SA_CLOSE, h);
	assert_int_equal(say(&c), 0);
	writer_turn(2);
	struct event gone = next_event();
	assert_int_equal(gone.type, EVENT_SA_GONE);
	assert_int_equal(gone.handle, h);
	assert_int_equal(gone.cookie, 4711);
	assert_int_equal(e->handle, 0);
	c = make(COMMAND_SESSION_SA, s), c.session_sa.sa = h;
	assert_int_equal(say(&c), -ENOENT);
	/* T16: never back to the clear. */
	c.session_sa.sa = 0;
	assert_int_equal(say(&c), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(life_of_a_session, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_records_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(life_of_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(random_records_do_no_harm, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
