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
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/nodes/esp.h"

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

/* True: it is held. */
static bool
early(uint32_t spi, uint32_t source)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mbufs);
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45, .src_addr = source};
	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, sizeof(ip)), &ip, sizeof(ip));
	pkt_meta(m)->sa = sa_slot(spi);
	pkt_meta(m)->handle = spi;
	bool held = esp_early_hold(&workers[0], m);
	if (!held)
		rte_pktmbuf_free(m);
	return held;
}

static void
early_packets_wait_for_their_sa(void **state)
{
	const struct command_sa_add add = bench_sa_add();
	struct worker *w = &workers[0];
	uint32_t soon = sa_handle(2, 1), never = sa_handle(3, 1);
	struct rte_mbuf *out[256];
	struct sa_counters counters;
	unsigned int held = 0;
	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		held += early(soon, 1);
	assert_in_range(held, 1, 99); /* one source doesn't take it all */
	assert_true(early(never, 2));
	assert_true(early(soon, 3));
	w->now_us += 1000;
	assert_int_equal(esp_early_due(w, out, 256), 0);
	assert_int_equal(sa_add(soon, &add, 0, &counters), 0);
	assert_int_equal(esp_early_due(w, out, 256), 0); /* not looked at all the time */
	w->now_us += 1000;
	assert_int_equal(esp_early_due(w, out, 10), 10);
	w->now_us += 1000;
	assert_int_equal(esp_early_due(w, out + 10, 246), held + 1 - 10);
	for (unsigned int i = 0; i <= held; i++) { /* in order */
		uint32_t source = rte_pktmbuf_mtod(out[i], struct rte_ipv4_hdr *)->src_addr;
		assert_int_equal(source, i < held ? 1 : 3);
		assert_ptr_equal(pkt_meta(out[i])->sa, sa_slot(soon));
	}
	rte_pktmbuf_free_bulk(out, held + 1);
	w->now_us += 499000;
	assert_int_equal(esp_early_due(w, out, 256), 1);
	assert_null(pkt_meta(out[0])->sa);
	rte_pktmbuf_free(out[0]);
	for (held = 0; held < 1000 && early(never, 10 + held); held++)
		;
	assert_in_range(held, 100, 999); /* nor do many take more than there is */
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
		cmocka_unit_test_setup_teardown(early_packets_wait_for_their_sa, setup, teardown),
	};
	if (bench_eal() != 0)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	bench_eal_end();
	return rc;
}
