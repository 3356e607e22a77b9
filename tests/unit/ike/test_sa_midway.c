/* SPDX-License-Identifier: BSD-3-Clause */
/* What breaks off midway: an exchange, a greeting.  Nothing half-built stays behind (T13, T19). */
#include "plugin.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/ike/channel.h"
#include "control/ike/internal.h"

/* charon is killed in the middle of an exchange: what was half built is gone at once, and the
 * client gets in again. */
static void
test_charon_dies_between(void **state)
{
	uint32_t spi[3], whole;

	(void)state;
	start_plugin();
	whole = establish(host_b, aes_sha1);
	assert_int_equal(get_spi(host_a, &spi[0]), 0);
	assert_int_equal(get_spi(host_a, &spi[1]), 0);
	assert_int_equal(add(IKE_ADD_IN, spi[1], host_a, aes_sha1), 0);
	struct ike_message m = add_message(IKE_ADD_OUT, spi[1], host_a, aes_sha1);
	m.id = 77;
	say(&m); /* dies without having read the answer */
	plugin_close();
	loop_for(&loop, 30);
	assert_null(ike_peer_of(ike, spi[0]));
	assert_null(ike_peer_of(ike, spi[1]));
	assert_int_equal(status().sas, 1);
	start_plugin();
	loop_for(&loop, 30);
	/* Without an outbound SA: not even when control has died, too. */
	assert_int_equal(get_spi(host_a, &spi[2]), 0);
	assert_int_equal(add(IKE_ADD_IN, spi[2], host_a, aes_sha1), 0);
	assert_non_null(ike_peer_of(ike, spi[2]));
	plugin_close();
	loop_for(&loop, 30);
	assert_null(ike_peer_of(ike, spi[2]));
	start_plugin();
	assert_int_equal(get_spi(native, &spi[2]), 0);
	assert_int_equal(add(IKE_ADD_IN, spi[2], native, aes_sha1), 0);
	stop_control();
	close(plugin);
	plugin = -1;
	fake.seg->now_us = now_us();
	start_control();
	assert_non_null(ike_peer_of(ike, spi[2]));
	start_plugin();
	loop_for(&loop, 30);
	assert_null(ike_peer_of(ike, spi[2]));
	assert_non_null(ike_peer_of(ike, whole));
	uint32_t fresh = establish(host_a, aes_sha1);
	assert_int_equal(ike_peer_current(ike_peer_of(ike, fresh)), fresh);
}

/* Whoever connects and says nothing does not keep charon out. */
static void
test_silent_plugin(void **state)
{
	(void)state;
	assert_true(plugin_open());
	int silent = plugin;
	char c;
	loop_for(&loop, 100);
	assert_true(plugin_open());
	loop_for(&loop, 50);
	assert_int_equal(recv(plugin, &c, 1, MSG_DONTWAIT), 0); /* it may still speak */
	close(plugin);
	loop_for(&loop, 1000);
	assert_true(plugin_open());
	loop_for(&loop, 50);
	close(plugin); /* comes again when the silent one is gone */
	assert_int_equal(recv(silent, &c, 1, MSG_DONTWAIT), 0);
	close(silent);
	start_plugin();
	establish(host_a, aes_sha1);
}

/* T16: the switch goes off with "drop" while the outbound half is with the data plane, and charon,
 * which does not have the SA yet, makes nothing of what it hears. */
static void
test_weak_while_built(void **state)
{
	uint32_t spi;

	(void)state;
	start_plugin();
	ike_weak_crypto(ike, true, FATE_KEEP);
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), 0);
	struct ike_message m = add_message(IKE_ADD_OUT, spi, host_a, des_md5);
	m.id = 4711;
	say(&m);
	struct ike_pair *s = link_sa_owner(lnk, spi);
	while (s->ask_out == 0)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(s->state, PAIR_IN);
	assert_int_equal(ike_weak_crypto(ike, false, FATE_DROP), 1);
	hear();
	assert_int_equal(s->state, PAIR_UP); /* it was too late */
	assert_true(s->deadline_ms > 0 && s->deadline_ms <= uv_now(&loop) + 3000);
	s->deadline_ms = uv_now(&loop);
	ike_sweep_pairs(ike);
	loop_for(&loop, 30);
	assert_int_equal(status().weak_sas, 0);
	assert_int_equal(fake_live_sas(&fake), 0);
}

/* "rekey", and the client does not: the weak pair has a minute, a strong one goes on. */
static void
test_weak_that_stays(void **state)
{
	(void)state;
	start_plugin();
	ike_weak_crypto(ike, true, FATE_KEEP);
	uint32_t weak = establish(host_a, des_md5), strong = establish(host_b, aes_sha1);
	assert_int_equal(ike_weak_crypto(ike, false, FATE_REKEY), 1);
	struct ike_pair *s = link_sa_owner(lnk, weak);
	assert_in_range(s->deadline_ms - uv_now(&loop), 59000, 60000);
	hear();
	got.n_heard = 0;
	s->deadline_ms = uv_now(&loop);
	ike_sweep_pairs(ike);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_true(got.heard[0].expire.hard && got.heard[0].spi == weak);
	assert_int_equal(of_pair(IKE_DELETE_IN, weak), 0);
	assert_int_equal(status().weak_sas, 0);
	assert_int_equal(ike_peer_current(ike_peer_of(ike, strong)), strong);
}

/* Another user is no plugin, even where the socket's mode would let it in. */
static void
test_stranger(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(cfg.directory, 0755), 0);
	char path[128];
	snprintf(path, sizeof(path), "%s/ike.sock", cfg.directory);
	assert_int_equal(chmod(path, 0666), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(setuid(65534) == 0 && plugin_open() ? 0 : 1);
	int rc;
	assert_int_equal(waitpid(child, &rc, 0), child);
	assert_int_equal(rc, 0);
	loop_for(&loop, 50);
	struct channel_stats cs;
	channel_stats(ike->channel, &cs);
	assert_int_equal(cs.refused_credentials, 1);
	start_plugin();
	establish(host_a, aes_sha1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_charon_dies_between),
		TEST(test_silent_plugin),
		TEST(test_weak_while_built),
		TEST(test_weak_that_stays),
		TEST(test_stranger),
	};
	return STAGE_RUN(tests);
}
