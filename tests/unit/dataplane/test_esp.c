/* SPDX-License-Identifier: BSD-3-Clause */
/* ESP's nodes on what packet tests can't bring about: rings with packets of pairs that are gone,
 * and the last sequence numbers (T14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_ring_elem.h>

#include "bench.h"

#define PAIR sa_handle(1, 1)

static struct worker_counters worker_counters;
static struct sa_counters sa_counters;

/* Takes the place of port_rx. */
static uint16_t
nothing(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	(void)graph;
	(void)node;
	(void)objs;
	(void)n;
	return 0;
}

static int
setup(void **state)
{
	struct worker *w = &workers[0];
	const struct command_sa_add add = bench_sa_add();
	const struct command_sa_out out = {.spi = 0x12345678, .keys = bench_keys()};
	(void)state;
	bench_tables();
	memset(&worker_counters, 0, sizeof(worker_counters));
	memset(&sa_counters, 0, sizeof(sa_counters));
	n_workers = 1;
	w->counters = &worker_counters;
	w->mbuf_pool = mbufs;
	assert_int_equal(workers_init(), 0);
	rte_graph_node_get_by_name(w->graph->name, "port_rx")->process = nothing;
	assert_int_equal(sa_add(PAIR, &add, 0, &sa_counters), 0);
	assert_int_equal(sa_set_outbound(sa_by_handle(PAIR), &out), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	workers_stop();
	bench_tables_free();
	assert_int_equal(rte_mempool_avail_count(mbufs), mbufs->size);
	return 0;
}

static void
hand_over(enum stage stage, uint32_t handle)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	assert_non_null(m);
	memset(rte_pktmbuf_append(m, 100), 0x45, 100);
	struct pkt_meta *meta = pkt_meta(m);
	memset(meta, 0, sizeof(*meta));
	meta->stage = stage;
	meta->sa = &sas.slots[SA_SLOT(handle)];
	meta->handle = handle;
	assert_int_equal(rte_ring_mp_enqueue(workers[0].rx, m), 0);
}

static uint64_t
dropped(enum drop_reason reason)
{
	rte_graph_walk(workers[0].graph);
	return worker_counters.drops[reason];
}

static void
packets_of_a_pair_that_is_gone_end(void **state)
{
	(void)state;
	hand_over(STAGE_ESP_OUT, PAIR);
	assert_int_equal(dropped(DROP_esp_no_sa), 0);
	assert_int_equal(sa_counters.out_packets, 1);
	hand_over(STAGE_ESP, PAIR);
	hand_over(STAGE_ESP_OUT, PAIR);
	hand_over(STAGE_ESP, sa_handle(1, 2)); /* as if the slot had been another's before */
	sa_remove(sa_by_handle(PAIR), 0);
	assert_int_equal(dropped(DROP_esp_unknown_spi), 2);
	assert_int_equal(dropped(DROP_esp_no_sa), 1);
	assert_int_equal(sa_counters.out_packets, 1);
	assert_int_equal(sa_counters.handoffs, 0);
}

static void
no_number_is_used_twice(void **state)
{
	(void)state;
	struct esp_sa *out = sa_outbound(sa_by_handle(PAIR));
	struct worker_event e;
	out->seq = out->packets = UINT32_MAX - 2ull;
	for (unsigned int i = 0; i < 5; i++)
		hand_over(STAGE_ESP_OUT, PAIR);
	assert_int_equal(dropped(DROP_esp_sequence_end), 3);
	assert_int_equal(sa_counters.out_packets, 2);
	assert_int_equal(sa_counters.out_dropped, 3);
	assert_int_equal(out->seq, UINT32_MAX);
	bool hard = false;
	while (rte_ring_sc_dequeue_elem(workers[0].events, &e, sizeof(e)) == 0) {
		assert_int_equal(e.handle, PAIR);
		assert_int_equal(e.type, EVENT_SA_EXPIRE);
		assert_true(e.status == SA_EXPIRE_SOFT_OUT || e.status == SA_EXPIRE_HARD_OUT);
		assert_false(hard && e.status == SA_EXPIRE_HARD_OUT); /* once */
		hard |= e.status == SA_EXPIRE_HARD_OUT;
	}
	assert_true(hard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			packets_of_a_pair_that_is_gone_end, setup, teardown),
		cmocka_unit_test_setup_teardown(no_number_is_used_twice, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
