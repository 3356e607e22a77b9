/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/session.h"

#include "plugin.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct link *lnk;
struct ike *ike;
struct ike_config cfg;
int plugin = -1;
uint64_t started_us;
struct ike_heard got;

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

/* Clients with a tunnel can be asked. */
static bool
on_probe(void *user, struct ike_peer *p, uint32_t sa, const struct sa_outer *to)
{
	(void)user;
	if (got.mute || got.n_probes == sizeof(got.probes) / sizeof(got.probes[0]))
		return false;
	struct ike_probed *at = &got.probes[got.n_probes++];
	*at = (struct ike_probed){.peer = ike_peer_id(p), .sa = sa};
	if (to)
		at->to = *to;
	return true;
}

static const struct ike_ops ike_ops = {
	.current = on_current, .peer_gone = on_peer_gone, .probe = on_probe, .refused = on_refused};

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

uint64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ------------------------------------------------------------------ the plugin */

bool
plugin_open(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strcpy(sa.sun_path, stage_path("ike.sock"));
	plugin = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return connect(plugin, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

void
plugin_close(void)
{
	if (plugin >= 0)
		close(plugin);
	plugin = -1;
	loop_for(&loop, 20);
}

void
say(struct ike_message *m)
{
	m->magic = IKE_MESSAGE_MAGIC;
	m->version = IKE_MESSAGE_VERSION;
	assert_int_equal(send(plugin, m, sizeof(*m), MSG_NOSIGNAL), sizeof(*m));
}

struct ike_message answer;
static uint64_t next_id, wanted;

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
void
hear(void)
{
	wanted = UINT64_MAX;
	loop_until(&loop, listen_once, NULL, 40);
}

int
ask(struct ike_message *m)
{
	m->id = wanted = ++next_id;
	say(m);
	if (!loop_until(&loop, listen_once, NULL, 2000))
		fail_msg("no answer to %u", m->type);
	return answer.answer.error;
}

int
greet(uint64_t instance)
{
	struct ike_message m = {.type = IKE_HELLO,
		.hello = {.strongswan = "5.9.8", .instance = instance, .started_us = started_us}};
	return ask(&m);
}

int
list_end(void)
{
	struct ike_message m = {.type = IKE_LIST_END};
	return ask(&m);
}

void
list(uint32_t spi, struct ike_outer outer)
{
	struct ike_message m = {
		.type = IKE_LIST, .spi = spi, .ike_sa = ike_sa_of(outer), .update = outer};
	say(&m);
}

const struct ike_outer host_a = {0xc000020a, 0xc0000232, 4500, 40001},
		       host_b = {0xc000020a, 0xc0000232, 4500, 40002},
		       native = {0xc000020a, 0xc0000211, 0, 0};

uint32_t ike_sa;

uint32_t
ike_sa_of(struct ike_outer outer)
{
	return ike_sa ? ike_sa : outer.peer_ip ^ (uint32_t)outer.peer_port << 8;
}

int
get_spi(struct ike_outer outer, uint32_t *spi)
{
	struct ike_message m = {.type = IKE_GET_SPI, .ike_sa = ike_sa_of(outer), .get_spi = outer};
	if (!outer.peer_port)
		m.get_spi.server_port = m.get_spi.peer_port = 500;
	int rc = ask(&m);
	*spi = answer.answer.spi;
	return rc;
}

const struct alg aes_sha1 = {12, 2, 16, 20}, des_md5 = {2, 1, 8, 16}, gcm = {20, 0, 36, 0},
		 tdes_sha1 = {3, 2, 24, 20};

struct ike_message
add_message(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg)
{
	struct ike_message m = {.type = type, .spi = spi, .ike_sa = ike_sa_of(outer)};
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

int
add(uint16_t type, uint32_t spi, struct ike_outer outer, struct alg alg)
{
	struct ike_message m = add_message(type, spi, outer, alg);
	return ask(&m);
}

/* A pair as charon makes it. */
uint32_t
establish(struct ike_outer outer, struct alg alg)
{
	uint32_t spi;
	assert_int_equal(get_spi(outer, &spi), 0);
	assert_int_equal(add(IKE_ADD_IN, spi, outer, alg), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, outer, alg), 0);
	return spi;
}

int
of_pair(uint16_t type, uint32_t spi)
{
	struct ike_message m = {.type = type, .spi = spi};
	return ask(&m);
}

/* ------------------------------------------------------------------ life */

bool
link_is_connected(void *user)
{
	(void)user;
	return link_connected(lnk);
}

void
start_control(void)
{
	char err[128];
	ike = ike_new(&loop, &cfg, &ike_ops, NULL, err, sizeof(err));
	assert_non_null(ike);
	lnk = link_new(&loop, fake.path, &link_ops, NULL);
	ike_set_link(ike, lnk);
	assert_true(loop_until(&loop, link_is_connected, NULL, 2000));
}

void
start_plugin(void)
{
	started_us = now_us();
	assert_true(plugin_open());
	assert_int_equal(greet(1), 0);
	assert_int_equal(list_end(), 0);
}

void
setup_with(unsigned int max_sas)
{
	memset(&got, 0, sizeof(got));
	ike_sa = 0;
	memset(&cfg, 0, sizeof(cfg));
	cfg = (struct ike_config){.enabled = true,
		.min_strength = SUITE_LEGACY,
		.sa_lifetime_s = 3600,
		.dpd_s = 30,
		.replay_window = 1024,
		.max_peers_per_address = 4,
		.max_half_open_per_address = 3};
	strcpy(cfg.directory, stage_directory);
	stage_open();
	fake.max_sas = max_sas;
	fake_make_segment(&fake);
	fake_listen(&fake);
	start_control();
}

int
setup(void **state)
{
	(void)state;
	setup_with(256);
	return 0;
}

static unsigned int parts_closed;

static void
part_closed(void *user)
{
	(void)user;
	parts_closed++;
}

static bool
all_closed(void *user)
{
	(void)user;
	return parts_closed == 2;
}

/* As if control had died: the data plane and the plugin live on. */
void
stop_control(void)
{
	parts_closed = 0;
	ike_free(ike, part_closed);
	link_free(lnk, part_closed);
	assert_true(loop_until(&loop, all_closed, NULL, 1000));
}

int
teardown(void **state)
{
	(void)state;
	if (plugin >= 0)
		close(plugin);
	plugin = -1;
	stop_control();
	stage_close();
	return 0;
}

struct ike_status
status(void)
{
	struct ike_status s;
	ike_status(ike, &s);
	return s;
}
