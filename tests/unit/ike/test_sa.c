/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs and peers between a plugin, which the test plays over the real socket, and the fake data
 * plane.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/ike/ike.h"
#include "control/ike/message.h"
#include "control/log.h"
#include "tests/unit/control/fake.h"

static uv_loop_t loop;
static struct fake fake;
static struct link *lnk;
static struct ike *ike;
static struct ike_config cfg;
static char directory[64], path[96];
static int plugin = -1;
static uint64_t next_id, started_us;

static struct {
	unsigned int currents, gone, refusals[REFUSAL_COUNT];
	uint32_t current, peer;
	unsigned int parts_closed;
	/* What the plugin hears unasked. */
	struct ike_message heard[64];
	unsigned int n_heard;
} got;

static void
on_current(void *user, struct ike_peer *p, uint32_t sa)
{
	(void)user;
	got.currents++;
	got.current = sa;
	got.peer = ike_peer_id(p);
}

static void
on_peer_gone(void *user, struct ike_peer *p)
{
	(void)user;
	got.gone++;
	got.peer = ike_peer_id(p);
}

static void
on_refused(void *user, enum refusal_code code, uint32_t ip)
{
	(void)user;
	(void)ip;
	got.refusals[code]++;
}

static const struct ike_ops ike_ops = {
	.current = on_current, .peer_gone = on_peer_gone, .refused = on_refused};

static void
on_up(void *user)
{
	(void)user;
}

static void
on_down(void *user, const char *why)
{
	(void)user;
	(void)why;
	ike_link_down(ike);
}

static void *
no_session(void *user, const struct session_entry *e)
{
	(void)user;
	(void)e;
	return NULL;
}

static void *
on_orphan(void *user, const struct sa_entry *e)
{
	(void)user;
	return ike_sa_orphan(ike, e);
}

static const struct link_ops link_ops = {.up = on_up,
	.down = on_down,
	.orphan = no_session,
	.sa_orphan = on_orphan,
	.sa_done = ike_sa_done,
	.sa_expire = ike_sa_expire,
	.sa_mapping = ike_sa_mapping,
	.sa_gone = ike_sa_gone};

static void
silence(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	(void)line;
}

static uint64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ------------------------------------------------------------------ the plugin */

static bool
plugin_open(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ike.sock", directory);
	plugin = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return connect(plugin, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

static void
plugin_close(void)
{
	if (plugin >= 0)
		close(plugin);
	plugin = -1;
	loop_for(&loop, 20);
}

static void
say(struct ike_message *m)
{
	m->magic = IKE_MESSAGE_MAGIC;
	m->version = IKE_MESSAGE_VERSION;
	assert_int_equal(send(plugin, m, sizeof(*m), MSG_NOSIGNAL), sizeof(*m));
}

static struct ike_message answer;
static uint64_t wanted;

/* True when the wanted answer came; what else is heard is kept. */
static bool
listen_once(void *user)
{
	struct ike_message m;
	(void)user;
	while (plugin >= 0 && recv(plugin, &m, sizeof(m), 0) == sizeof(m)) {
		assert_int_equal(m.version, IKE_MESSAGE_VERSION);
		if (m.type != IKE_ANSWER) {
			assert_true(got.n_heard < 64);
			got.heard[got.n_heard++] = m;
		} else if (m.id == wanted) {
			answer = m;
			return true;
		}
	}
	return false;
}

/* What was heard until nothing more comes. */
static void
hear(void)
{
	wanted = UINT64_MAX;
	loop_until(&loop, listen_once, NULL, 40);
}

static int
ask(struct ike_message *m)
{
	m->id = wanted = ++next_id;
	say(m);
	if (!loop_until(&loop, listen_once, NULL, 2000))
		fail_msg("no answer to %u", m->type);
	return answer.answer.error;
}

static int
greet(uint64_t instance)
{
	struct ike_message m = {.type = IKE_HELLO,
		.hello = {.strongswan = "5.9.8", .instance = instance, .started_us = started_us}};
	return ask(&m);
}

static int
list_end(void)
{
	struct ike_message m = {.type = IKE_LIST_END};
	return ask(&m);
}

static void
list(uint32_t spi, struct ike_outer outer)
{
	struct ike_message m = {.type = IKE_LIST, .spi = spi, .update = outer};
	say(&m);
}

static const struct ike_outer host_a = {0xc000020a, 0xc0000232, 4500, 40001},
			      host_b = {0xc000020a, 0xc0000232, 4500, 40002},
			      native = {0xc000020a, 0xc0000211, 0, 0};

static int
get_spi(struct ike_outer outer, uint32_t *spi)
{
	struct ike_message m = {.type = IKE_GET_SPI, .get_spi = outer};
	if (!outer.peer_port)
		m.get_spi.server_port = m.get_spi.peer_port = 500;
	int rc = ask(&m);
	*spi = answer.answer.spi;
	return rc;
}

struct alg {
	uint16_t encryption, integrity;
	uint8_t encryption_len, integrity_len;
};
static const struct alg aes_sha1 = {12, 2, 16, 20}, des_md5 = {2, 1, 8, 16}, gcm = {20, 0, 36, 0},
			tdes_sha1 = {3, 2, 24, 20};

static struct ike_message
add_message(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg)
{
	struct ike_message m = {.type = type, .spi = spi};
	m.add.outer = outer;
	m.add.transport = 1;
	m.add.out_spi = type == IKE_ADD_OUT ? 0xc0000000 + spi % 1000 : 0;
	m.add.keys = (struct ike_keys){.encryption = alg.encryption,
		.integrity = alg.integrity,
		.encryption_len = alg.encryption_len,
		.integrity_len = alg.integrity_len};
	memset(m.add.keys.encryption_key, 0xe0, alg.encryption_len);
	memset(m.add.keys.integrity_key, 0xa0, alg.integrity_len);
	return m;
}

static int
add(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg)
{
	struct ike_message m = add_message(type, spi, outer, alg);
	return ask(&m);
}

/* A pair as charon makes it. */
static uint32_t
establish(struct ike_outer outer, struct alg alg)
{
	uint32_t spi;
	assert_int_equal(get_spi(outer, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, outer, alg), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, outer, alg), 0);
	return spi;
}

static int
of_pair(uint16_t type, uint32_t spi)
{
	struct ike_message m = {.type = type, .spi = spi};
	return ask(&m);
}

/* ------------------------------------------------------------------ life */

static bool
is_connected(void *user)
{
	(void)user;
	return link_connected(lnk);
}

static void
start_control(void)
{
	char err[128];
	ike = ike_new(&loop, &cfg, &ike_ops, NULL, err, sizeof(err));
	assert_non_null(ike);
	lnk = link_new(&loop, path, &link_ops, NULL);
	ike_set_link(ike, lnk);
	assert_true(loop_until(&loop, is_connected, NULL, 2000));
}

static void
start_plugin(void)
{
	started_us = now_us();
	assert_true(plugin_open());
	assert_int_equal(greet(1), 0);
	assert_int_equal(list_end(), 0);
}

static int
setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof(got));
	memset(&cfg, 0, sizeof(cfg));
	cfg = (struct ike_config){.enabled = true,
		.min_strength = SUITE_LEGACY,
		.sa_lifetime_s = 3600,
		.dpd_s = 30,
		.replay_window = 1024,
		.max_peers_per_address = 4,
		.max_half_open_per_address = 3};
	strcpy(cfg.directory, directory);
	uv_loop_init(&loop);
	fake_init(&fake, &loop, path);
	fake.max_sas = 64;
	fake_make_segment(&fake);
	fake_listen(&fake);
	start_control();
	return 0;
}

static void
part_closed(void *user)
{
	(void)user;
	got.parts_closed++;
}

static bool
all_closed(void *user)
{
	(void)user;
	return got.parts_closed == 2;
}

/* As if control had died: the data plane and the plugin live on. */
static void
stop_control(void)
{
	got.parts_closed = 0;
	ike_free(ike, part_closed);
	link_free(lnk, part_closed);
	assert_true(loop_until(&loop, all_closed, NULL, 1000));
}

static int
teardown(void **state)
{
	(void)state;
	if (plugin >= 0)
		close(plugin);
	plugin = -1;
	stop_control();
	fake_die(&fake, false);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static struct ike_status
status(void)
{
	struct ike_status s;
	ike_status(ike, &s);
	return s;
}

/* ------------------------------------------------------------------ tests */

static void
test_life(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi;
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_not_equal(spi, 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), -ENOENT); /* before inbound */
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	assert_int_equal(got.currents, 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), -EEXIST);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, gcm), -EINVAL); /* not the same */
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), 0);
	assert_int_equal(got.current, spi);
	const struct command_sa_add *c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_int_equal(c->outer.peer_port, 40001);
	assert_int_equal(c->replay_window, 1024);
	assert_string_equal(suite_at(c->keys.encryption)->name, "aes128-cbc");
	assert_string_equal(suite_at(c->keys.integrity)->name, "hmac-sha1-96");
	assert_int_equal(c->keys.encryption_key[15], 0xe0);
	assert_true(c->lifetime.soft_packets && c->lifetime.hard_packets < UINT32_MAX); /* T14 */
	struct ike_peer *p = ike_peer_of(ike, spi);
	assert_int_equal(ike_peer_id(p), c->peer);
	assert_int_equal(ike_peer_current(p), spi);
	assert_ptr_equal(ike_peer_by_id(ike, c->peer), p);
	/* Usage. */
	fake.seg->now_us = 9000000;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_packets = 5;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_bytes = 500;
	fake_sa_counters(&fake, SA_SLOT(spi))->in_last_seen_us = 7000000;
	struct ike_message q = {.type = IKE_QUERY, .spi = spi};
	assert_int_equal(ask(&q), 0);
	assert_int_equal(answer.answer.bytes, 500);
	assert_int_equal(answer.answer.packets, 5);
	assert_int_equal(answer.answer.idle_ms, 2000);
	/* The end. */
	assert_int_equal(of_pair(IKE_DELETE_OUT, spi), 0);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), 0);
	assert_int_equal(got.gone, 1);
	loop_for(&loop, 20);
	assert_int_equal(fake_live_sas(&fake), 0);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_NO_ESP], 0);
	assert_int_equal(status().sas, 0);
}

static void
test_aead_and_64_bit_blocks(void **state)
{
	(void)state;
	start_plugin();
	establish(native, gcm);
	const struct command_sa_add *c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_string_equal(suite_at(c->keys.encryption)->name, "aes256-gcm16");
	assert_int_equal(c->keys.integrity, 0);
	assert_int_equal(c->keys.encryption_len, 36);
	assert_int_equal(c->lifetime.hard_bytes, 0);
	assert_int_equal(c->outer.peer_port, 0);
	/* T15: whatever charon allows. */
	establish(host_a, tdes_sha1);
	c = &fake.last[COMMAND_SA_ADD].sa_add;
	assert_true(c->lifetime.hard_bytes && c->lifetime.hard_bytes <= UINT64_C(1) << 30);
	assert_true(c->lifetime.soft_bytes && c->lifetime.soft_bytes < c->lifetime.hard_bytes);
	/* What is no suite is refused. */
	uint32_t spi;
	assert_int_equal(get_spi(host_b, &spi), 0);
	const struct alg bad[] = {{99, 2, 16, 20}, {12, 99, 16, 20}, {12, 2, 15, 20},
		{12, 2, 16, 19}, {12, 0, 16, 0}, {20, 2, 36, 20}, {20, 0, 32, 0}};
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(add(IKE_ADD_IN, spi, host_b, bad[i]), -EOPNOTSUPP);
	struct ike_message m = add_message(IKE_ADD_IN, spi, host_b, aes_sha1);
	m.add.transport = 0;
	assert_int_equal(ask(&m), -EOPNOTSUPP);
	assert_int_equal(add(IKE_ADD_IN, spi, host_b, aes_sha1), 0);
}

/* D1: same address, another port. */
static void
test_two_behind_one_nat(void **state)
{
	(void)state;
	start_plugin();
	uint32_t a = establish(host_a, aes_sha1), b = establish(host_b, aes_sha1);
	struct ike_peer *pa = ike_peer_of(ike, a), *pb = ike_peer_of(ike, b);
	assert_ptr_not_equal(pa, pb);
	assert_int_equal(ike_peer_current(pa), a);
	assert_int_equal(ike_peer_current(pb), b);
	of_pair(IKE_DELETE_IN, a);
	assert_int_equal(got.gone, 1);
	assert_int_equal(ike_peer_current(pb), b);
	assert_int_equal(status().peers, 1);
}

/* D4 */
static void
test_rekey(void **state)
{
	(void)state;
	start_plugin();
	uint32_t old = establish(host_a, aes_sha1);
	struct ike_peer *p = ike_peer_of(ike, old);
	uint32_t fresh;
	assert_int_equal(get_spi(host_a, &fresh), 0);
	assert_int_equal(add(IKE_ADD_IN, fresh, host_a, aes_sha1), 0);
	assert_int_equal(ike_peer_current(p), old); /* nothing to send through yet */
	assert_int_equal(add(IKE_ADD_OUT, fresh, host_a, aes_sha1), 0);
	assert_int_equal(ike_peer_current(p), fresh);
	assert_ptr_equal(ike_peer_of(ike, fresh), p);
	assert_int_equal(of_pair(IKE_DELETE_OUT, old), 0);
	assert_int_equal(fake.commands[COMMAND_SA_CLOSE], 0); /* still received */
	assert_int_equal(fake_live_sas(&fake), 2);
	assert_int_equal(of_pair(IKE_DELETE_IN, old), 0);
	assert_int_equal(got.gone, 0);
	assert_int_equal(ike_peer_current(p), fresh);
	/* The newer one is taken back: the older serves again. */
	uint32_t third = establish(host_a, aes_sha1);
	of_pair(IKE_DELETE_IN, third);
	assert_int_equal(ike_peer_current(p), fresh);
}

/* A peer that re-keys every second keeps a bounded number of pairs. */
static void
test_rekey_flood(void **state)
{
	(void)state;
	start_plugin();
	uint32_t last = 0;
	for (unsigned int i = 0; i < 20; i++)
		last = establish(host_a, aes_sha1);
	hear();
	unsigned int expired = 0;
	for (unsigned int i = 0; i < got.n_heard; i++) {
		assert_int_equal(got.heard[i].type, IKE_EXPIRE);
		assert_true(got.heard[i].expire.hard && got.heard[i].spi != last);
		assert_int_equal(of_pair(IKE_DELETE_IN, got.heard[i].spi), 0);
		expired++;
	}
	assert_int_equal(expired, 12);
	assert_int_equal(status().sas, 8);
	assert_int_equal(got.current, last);
}

static void
test_mapping(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1);
	struct ike_peer *p = ike_peer_of(ike, spi);
	uint32_t id = ike_peer_id(p);
	struct event e = {.version = RECORD_VERSION,
		.type = EVENT_SA_MAPPING,
		.length = sizeof(e),
		.handle = spi,
		.mapping = {0xc000020a, 0xc0000232, 4500, 50000}};
	fake_raw_event(&fake, &e);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_int_equal(got.heard[0].type, IKE_MAPPING);
	assert_int_equal(got.heard[0].mapping.peer_port, 50000);
	assert_int_equal(ike_peer_outer(p)->peer_port, 40001); /* charon decides */
	struct ike_message m = {.type = IKE_UPDATE, .spi = spi, .update = host_a};
	m.update.peer_port = 50000;
	assert_int_equal(ask(&m), 0);
	assert_int_equal(fake_sa(&fake, SA_SLOT(spi))->outer.peer_port, 50000);
	assert_int_equal(ask(&m), 0); /* the other half of the pair */
	assert_int_equal(fake.commands[COMMAND_SA_UPDATE], 1);
	assert_int_equal(ike_peer_id(p), id);
	assert_int_equal(ike_peer_outer(p)->peer_port, 50000);
	/* The next exchange from there is of the same peer, one from the old port of another. */
	uint32_t again = establish(m.update, aes_sha1), other = establish(host_a, aes_sha1);
	assert_ptr_equal(ike_peer_of(ike, again), p);
	assert_ptr_not_equal(ike_peer_of(ike, other), p);
}

static void
test_expiry(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1);
	for (int which = SA_EXPIRE_SOFT_IN; which <= SA_EXPIRE_HARD_OUT; which++)
		fake_event(&fake, EVENT_SA_EXPIRE, spi, 0, which);
	hear();
	assert_int_equal(got.n_heard, 4);
	assert_int_equal(got.heard[0].expire.direction, IKE_INBOUND);
	assert_int_equal(got.heard[0].expire.hard, 0);
	assert_int_equal(got.heard[1].expire.hard, 1);
	assert_int_equal(got.heard[2].expire.direction, IKE_OUTBOUND);
	assert_int_equal(got.heard[3].expire.hard, 1);
	/* The data plane ends one by itself: charon learns it. */
	got.n_heard = 0;
	fake_sa(&fake, SA_SLOT(spi))->handle = 0;
	fake_event(&fake, EVENT_SA_GONE, spi, 0, 0);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_true(got.heard[0].expire.hard);
	assert_int_equal(got.gone, 1);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
}

/* T16: decided when the SA is installed, whatever was negotiated before. */
static void
test_weak(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi, strong = establish(host_b, aes_sha1);
	assert_int_equal(get_spi(host_a, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), -EACCES);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_WEAK_CRYPTO_OFF], 1);
	ike_weak_crypto(ike, true, IKE_KEEP);
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, des_md5), 0);
	/* The switch goes off between the two halves. */
	assert_int_equal(ike_weak_crypto(ike, false, IKE_KEEP), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, des_md5), -EACCES);
	ike_weak_crypto(ike, true, IKE_KEEP);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, des_md5), 0);
	assert_int_equal(status().weak_sas, 1);
	/* keep, rekey, drop */
	assert_int_equal(ike_weak_crypto(ike, false, IKE_KEEP), 0);
	hear();
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(ike_weak_crypto(ike, false, IKE_REKEY), 1);
	hear();
	assert_int_equal(got.n_heard, 1);
	assert_false(got.heard[0].expire.hard);
	assert_int_equal(got.heard[0].spi, spi);
	assert_int_equal(ike_weak_crypto(ike, false, IKE_DROP), 1);
	hear();
	assert_int_equal(got.n_heard, 2);
	assert_true(got.heard[1].expire.hard);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(status().weak_sas, 0);
	assert_int_equal(ike_peer_current(ike_peer_of(ike, strong)), strong);
}

/* T13 */
static void
test_limits(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi, first;
	assert_int_equal(get_spi(host_a, &first), 0);
	get_spi(host_a, &spi);
	get_spi(host_a, &spi);
	assert_int_equal(get_spi(host_a, &spi), -EDQUOT);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_ADDRESS_LIMIT], 1);
	assert_int_equal(get_spi(native, &spi), 0); /* others are not hit */
	of_pair(IKE_DELETE_IN, first);
	assert_int_equal(get_spi(host_a, &spi), 0);
	of_pair(IKE_DELETE_IN, spi);
	struct ike_outer o = host_a;
	uint32_t spis[4];
	for (unsigned int i = 0; i < 4; i++, o.peer_port++)
		spis[i] = establish(o, aes_sha1);
	assert_int_equal(get_spi(o, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, o, aes_sha1), -EDQUOT);
	of_pair(IKE_DELETE_IN, spi);
	/* Those that are there may re-key. */
	o.peer_port--;
	uint32_t fresh = establish(o, aes_sha1);
	assert_ptr_equal(ike_peer_of(ike, fresh), ike_peer_of(ike, spis[3]));
	/* The table is full. */
	cfg.max_half_open_per_address = 1000;
	int rc = 0;
	for (unsigned int i = 0; i < 64 && rc == 0; i++)
		rc = get_spi(native, &spi);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_FULL], 1);
}

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
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(fake_sa(&fake, SA_SLOT(left))->outer.peer_port, 50000);
	/* The client comes again: old and new overlap. */
	struct ike_outer moved = host_a;
	moved.peer_port = 50000;
	uint32_t fresh = establish(moved, aes_sha1);
	assert_ptr_equal(ike_peer_of(ike, fresh), p);
	assert_int_equal(ike_peer_current(p), fresh);
	/* A hard limit ends it, with nobody to ask. */
	fake_event(&fake, EVENT_SA_EXPIRE, left, 0, SA_EXPIRE_HARD_IN);
	loop_for(&loop, 30);
	assert_int_equal(fake_live_sas(&fake), 1);
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
	assert_int_equal(got.n_heard, 1);
	assert_true(got.heard[0].spi == spi && got.heard[0].expire.hard);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), -ENOENT);
	assert_int_equal(get_spi(host_a, &other), -ENOTCONN);
	assert_int_equal(got.refusals[REFUSAL_DATAPLANE_DOWN], 1);
	/* A plugin that connects now is to wait. */
	plugin_close();
	assert_true(plugin_open());
	assert_int_equal(greet(1), -EAGAIN);
	plugin_close();
	fake_listen(&fake);
	assert_true(loop_until(&loop, is_connected, NULL, 2000));
	start_plugin();
	establish(host_a, aes_sha1);
}

static void
test_causes(void **state)
{
	(void)state;
	start_plugin();
	struct ike_message m = {.type = IKE_ALERT, .alert = {0xc0000211, IKE_ALERT_PSK}};
	say(&m);
	m.alert.code = IKE_ALERT_NO_ESP_PROPOSAL;
	say(&m);
	hear();
	assert_int_equal(got.refusals[REFUSAL_IKE_PSK_MISMATCH], 1);
	assert_int_equal(got.refusals[REFUSAL_ESP_NO_PROPOSAL], 1);
	/* D2: IKE works, ESP does not. */
	uint32_t spi = establish(native, aes_sha1);
	of_pair(IKE_DELETE_IN, spi);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_NO_ESP], 1);
}

/* An operator ends a peer: by IKE when charon is there, at once when not. */
static void
test_peer_close(void **state)
{
	(void)state;
	start_plugin();
	uint32_t spi = establish(host_a, aes_sha1);
	establish(host_a, aes_sha1);
	ike_peer_close(ike, ike_peer_of(ike, spi));
	hear();
	assert_int_equal(got.n_heard, 2);
	plugin_close();
	ike_peer_close(ike, ike_peer_of(ike, spi));
	loop_for(&loop, 30);
	assert_int_equal(got.gone, 1);
	assert_int_equal(fake_live_sas(&fake), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_life),
		T(test_aead_and_64_bit_blocks),
		T(test_two_behind_one_nat),
		T(test_rekey),
		T(test_rekey_flood),
		T(test_mapping),
		T(test_expiry),
		T(test_weak),
		T(test_limits),
		T(test_hostile_plugin),
		T(test_dataplane_refuses),
		T(test_control_restarts),
		T(test_charon_restarts),
		T(test_dataplane_dies),
		T(test_causes),
		T(test_peer_close),
	};
	strcpy(directory, "/tmp/adit-ike-XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/dp.sock", directory);
	log_redirect(silence, NULL);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return rc;
}
