/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs and peers while the plugin lies, and each of charon, control and the data plane dies
 * (T19). */
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"

#include "plugin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_hostile_plugin(void **state)
{
	(void)state;
	started_us = now_us();
	assert_true(plugin_open());
	/* Nothing before the greeting. */
	struct ike_message m = {.type = IKE_LIST_END};
	m.id = 5;
	say(&m);
	hear();
	assert_int_equal(status().bad_records, 1);
	assert_false(status().plugin_connected);
	assert_int_equal(greet(1), 0);
	assert_int_equal(list_end(), 0);
	uint32_t spi;
	assert_int_equal(get_spi(host_a, &spi), 0);
	/* Garbage is counted, not obeyed. */
	assert_int_equal(send(plugin, "garbage", 7, 0), 7);
	m = add_message(IKE_ADD_IN, spi, host_a, aes_sha1);
	m.add.keys.encryption_len = 200;
	assert_int_equal(ask(&m), -EBADMSG);
	m = add_message(IKE_ADD_IN, spi + 1, host_a, aes_sha1);
	assert_int_equal(ask(&m), -ENOENT);
	m = add_message(IKE_ADD_IN, sa_handle(99999, 3), host_a, aes_sha1);
	assert_int_equal(ask(&m), -ENOENT);
	assert_int_equal(status().bad_records, 3);
	assert_int_equal(fake_live_sas(&fake), 0);
	/* A second plugin is sent away. */
	int first = plugin;
	assert_true(plugin_open());
	char c;
	loop_for(&loop, 50);
	assert_int_equal(recv(plugin, &c, 1, 0), 0);
	close(plugin);
	plugin = first;
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	/* A second greeting, too. */
	assert_int_equal(greet(1), -EPROTO);
	loop_for(&loop, 30);
	assert_false(status().plugin_connected);
}

static void
test_dataplane_refuses(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi;
	fake.refuse_type = COMMAND_SA_ADD;
	fake.refuse_error = -ENOMEM;
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), -ENOMEM);
	assert_int_equal(got.gone, 1);
	loop_for(&loop, 20);
	fake.refuse_type = COMMAND_SA_OUT;
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), -ENOMEM);
	assert_int_equal(got.currents, 0);
	of_pair(IKE_DELETE_IN, spi);
	loop_for(&loop, 20);
	assert_int_equal(fake_live_sas(&fake), 0);
}

/* T19: the plugin and the data plane outlive control. */
static void
test_control_restarts(void **state)
{
	(void)state;
	start_plugin();
	loop_for(&loop, 5);
	fake.seg->now_us = now_us();
	uint32_t kept = establish(host_a, aes_sha1), deleted = establish(host_b, aes_sha1);
	uint32_t id = ike_peer_id(ike_peer_of(ike, kept));
	stop_control();
	close(plugin);
	plugin = -1;
	loop_for(&loop, 50);
	assert_int_equal(fake_live_sas(&fake), 2);
	fake.seg->now_us = now_us();
	start_control();
	assert_int_equal(ike_peer_id(ike_peer_of(ike, kept)), id);
	assert_int_equal(got.current != 0, 1);
	assert_true(plugin_open());
	assert_int_equal(greet(1), 0);
	list(kept, host_a);
	list(sa_handle(60, 9), native); /* charon has what the data plane lost */
	assert_int_equal(list_end(), 0);
	assert_int_equal(got.n_heard, 1);
	assert_true(got.heard[0].spi == sa_handle(60, 9) && got.heard[0].expire.hard);
	loop_for(&loop, 30);
	assert_int_equal(fake_live_sas(&fake), 1);
	assert_null(ike_peer_of(ike, deleted));
	assert_int_equal(ike_peer_current(ike_peer_of(ike, kept)), kept);
	/* It goes on. */
	uint32_t fresh = establish(host_a, aes_sha1);
	assert_ptr_equal(ike_peer_of(ike, fresh), ike_peer_of(ike, kept));
	assert_int_equal(of_pair(IKE_DELETE_IN, kept), 0);
}

/* T19: charon died; its pairs go on, and its successor knows nothing of them. */
static void
test_charon_restarts(void **state)
{
	(void)state;
	start_plugin();
	uint32_t left = establish(host_a, aes_sha1), half;
	get_spi(host_b, &half);
	plugin_close();
	assert_false(status().plugin_connected);
	assert_int_equal(fake_live_sas(&fake), 1);
	loop_for(&loop, 5);
	start_plugin();
	loop_for(&loop, 20);
	assert_int_equal(fake_live_sas(&fake), 1);
	struct ike_peer *p = ike_peer_of(ike, left);
	assert_int_equal(ike_peer_current(p), left);
	/* An SPI of the old one is nothing to the new one. */
	assert_int_equal(add(IKE_ADD_IN, half, host_b, aes_sha1), -ENOENT);
	/* Its NAT mapping is followed without charon. */
	struct event e = {.version = RECORD_VERSION,
		.type = EVENT_SA_MAPPING,
		.length = sizeof(e),
		.handle = left,
		.mapping = {0xc000020a, 0xc0000232, 4500, 50000}};
	fake_raw_event(&fake, &e);
	hear();
	ike_answered(ike, ike_peer_id(p), left, &e.mapping);
	hear();
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(fake_sa(&fake, SA_SLOT(left))->outer.peer_port, 50000);
	/* The client comes again: old and new overlap, when it is known that it is he. */
	ike_peer_users(ike, p, 1);
	struct ike_outer moved = host_a;
	moved.peer_port = 50000;
	uint32_t fresh = establish(moved, aes_sha1);
	assert_ptr_not_equal(ike_peer_of(ike, fresh), p);
	ike_answered(ike, ike_peer_id(p), fresh, NULL);
	assert_ptr_equal(ike_peer_of(ike, fresh), p);
	assert_int_equal(ike_peer_current(p), fresh);
	/* A hard limit ends it, with nobody to ask. */
	fake_event(&fake, EVENT_SA_EXPIRE, left, 0, SA_EXPIRE_HARD_IN);
	loop_for(&loop, 30);
	assert_int_equal(fake_live_sas(&fake), 1);
}

static bool
told(void *user)
{
	(void)user;
	return logged("event=ipsec-ends");
}

static void
test_dataplane_dies(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1), other;
	get_spi(host_b, &other);
	fake_die(&fake, false);
	hear();
	assert_int_equal(got.gone, 1);
	/* F11: charon ends nothing before its peers can hear of it. */
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
	assert_int_equal(get_spi(host_a, &other), -ENOTCONN);
	assert_int_equal(got.refusals[REFUSAL_DATAPLANE_DOWN], 1);
	/* A plugin that connects now is to wait. */
	plugin_close();
	assert_true(plugin_open());
	assert_int_equal(greet(1), -EAGAIN);
	plugin_close();
	fake_listen(&fake);
	assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
	assert_false(logged("ipsec-ends"));
	assert_true(loop_until(&loop, told, NULL, 3000));
	start_plugin();
	establish(host_a, aes_sha1);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_hostile_plugin),
		TEST(test_dataplane_refuses),
		TEST(test_control_restarts),
		TEST(test_charon_restarts),
		TEST(test_dataplane_dies),
	};
	return STAGE_RUN(tests);
}
