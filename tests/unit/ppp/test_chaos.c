/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss, repetition and reordering, many seeds: both ends open with the same keys, or the link ends
 * by name. */
#include "check.h"

struct weather {
	unsigned int loss, dup, reorder, seeds, least_open;
};

/* With and without a guard on what may be forged (T27): nobody may need what it holds back. */
static bool
one_run(unsigned int seed, const struct weather *w, uint8_t mode)
{
	bool open;

	lab_init(&lab, &pc);
	lab.rng = seed * 7919 + 1;
	lab.loss = w->loss;
	lab.dup = w->dup;
	lab.reorder = w->reorder;
	lab.cfg.auth_retries = 1;
	lab.cfg.authentic_path = seed & 4;
	lab.cfg.setup_timeout_ms = 120000;
	lab.cfg.auth_timeout_ms = 60000;
	lab.grant.mppe_mode = mode;
	pc.habits.vj = pc.habits.identify = pc.habits.early_ipcp = seed & 1;
	lab_start(&lab, &pc, seed & 2);
	lab_settle(&lab, lab.now + 200000);
	/* Calm weather: what is open stays open, and holds. */
	lab.loss = lab.dup = lab.reorder = 0;
	lab_run(&lab, lab.now + 40000);
	open = lab.downs == 0;
	assert_true(lab.downs <= 1);
	assert_false(lab.clear_leak);
	if (open) {
		if (ppp_phase(lab.link) != PPP_OPEN || !ppp_client_is_open(&lab.peer))
			lab_print(&lab);
		assert_int_equal(ppp_phase(lab.link), PPP_OPEN);
		assert_true(ppp_client_is_open(&lab.peer));
		assert_true(lab.mppe_on);
		assert_int_equal(lab.keys.tx.stateless, lab.peer.rx_stateless);
		assert_int_equal(lab.keys.rx.stateless, lab.peer.tx_stateless);
		assert_int_equal(lab.peer.ip, lab.grant.peer_ip);
	} else {
		assert_int_not_equal(lab.code, REFUSAL_NONE);
		assert_int_equal(lab.mppe_ups, lab.mppe_downs);
	}
	lab_end(&lab);
	return open;
}

static void
test_weather(void **state)
{
	static const struct weather w[] = {
		{10, 0, 0, 300, 300},
		{0, 30, 0, 300, 300},
		{0, 0, 40, 300, 290},
		{20, 20, 20, 600, 560},
		{50, 20, 20, 300, 60},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
		unsigned int opened = 0;

		for (unsigned int seed = 0; seed < w[i].seeds; seed++)
			opened += one_run(seed, &w[i], seed % 3);
		print_message("loss %u%% dup %u%% reorder %u%%: %u of %u open\n", w[i].loss,
			w[i].dup, w[i].reorder, opened, w[i].seeds);
		assert_in_range(opened, w[i].least_open, w[i].seeds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_weather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
