/* SPDX-License-Identifier: BSD-3-Clause */
/* What breaks off midway: an exchange, a greeting.  Nothing half-built stays behind (T13, T19). */
#include "plugin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_charon_dies_between),
		TEST(test_silent_plugin),
	};
	return STAGE_RUN(tests);
}
