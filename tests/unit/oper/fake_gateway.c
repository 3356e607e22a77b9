/* SPDX-License-Identifier: BSD-3-Clause */
/* Long because it stands for the whole gateway. */
#include "tests/unit/oper/fake_gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/aaa/name.h"
#include "control/settings/change.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"
#include "tests/unit/temp.h"

#define N_WORKERS    2
#define MAX_SESSIONS 64

struct gateway {
	struct config *config;
	struct settings *settings;
	char dir[64];
	bool unlocked, dataplane, allow_weak, allow_weak_l2tp, weak_sa_gone;
	char problem[160];
	unsigned int n_sessions;
	struct session_info sessions[FAKE_SESSIONS_MAX];
	struct segment_header *segment;
};

static void
fill_session(struct session_info *s, uint32_t id)
{
	*s = (struct session_info){.id = id,
		.handle = session_handle(id, 3),
		.state = PHASE_UP,
		.protocol = id == 3 ? "l2tp" : "pptp",
		.acct = "00c0ffee-69291a2b-00000001",
		.auth = "mschapv2",
		.peer_ip = 0xc0000200 + id,
		.server_ip = 0xc000020a,
		.inner_ip = 0x0a630001 + id,
		.local_id = (uint16_t)(100 + id),
		.remote_id = (uint16_t)(200 + id),
		.our_mru = 1400,
		.peer_mru = 1396,
		.mppe_tx = id == 2 ? 40 : 128,
		.mppe_rx = id == 2 ? 40 : 128,
		.mppe_tx_stateless = true,
		.age_ms = 3723000,
		.owner = 1};
	if (id == 3) {
		s->tunnel_id = 11;
		s->peer_tunnel_id = 12;
		s->peer_port = 1701;
		s->sa = 0x00100abc;
		s->ipsec_peer = 5;
		s->mppe_tx = s->mppe_rx = 0;
	}
	snprintf(s->user, sizeof(s->user), "user-%u", id);
	if (id <= 2)
		strcpy(s->user, id == 1 ? "alice" : "bob");
	if (id == 2)
		strcpy(s->claimed, "CORP\\Bob");
	s->counters.up_packets = 10;
	s->counters.up_bytes = 1536;
	s->counters.down_bytes = UINT64_MAX;
	s->counters.gre_lost = 7;
}

static struct segment_header *
new_segment(void)
{
	uint64_t size = segment_layout(NULL, N_WORKERS, MAX_SESSIONS, 0);
	struct segment_header *h = aligned_alloc(4096, size);

	memset(h, 0, size);
	segment_layout(h, N_WORKERS, MAX_SESSIONS, 0);
	h->refused[RECORD_torn] = 3;
	h->magic = SEGMENT_MAGIC;
	h->version = SEGMENT_VERSION;
	h->size = size;
	h->n_workers = N_WORKERS;
	h->max_sessions = MAX_SESSIONS;
	h->n_nodes = 2;
	h->n_ports = 1;
	h->tsc_hz = 2300000000;
	h->mbufs_total = 32768;
	h->mbufs_free = 30000;
	strcpy(h->ports[0].name, "wan0");
	h->ports[0].link_up = 1;
	h->ports[0].rx_packets = 1000;
	h->n_kernels = 2;
	strcpy(h->kernels[0].use, "rc4-on-4");
	strcpy(h->kernels[0].kernel, "wide");
	h->kernels[0].from = 256;
	strcpy(h->kernels[1].use, "esp");
	strcpy(h->kernels[1].kernel, "avx2");
	h->main_drops[DROP_edge_filter] = 1;
	struct worker_counters *workers = (void *)((char *)h + h->worker_counters);
	workers[0].drops[DROP_mppe_late] = 5;
	workers[1].drops[DROP_mppe_late] = 6;
	struct node_counters *nodes = (void *)((char *)h + h->node_counters);
	for (int w = 0; w < N_WORKERS; w++) {
		strcpy(nodes[w * SEGMENT_MAX_NODES].name, "classify");
		nodes[w * SEGMENT_MAX_NODES].calls = 10;
		nodes[w * SEGMENT_MAX_NODES].objs = 100;
		nodes[w * SEGMENT_MAX_NODES].cycles = 2550;
		strcpy(nodes[w * SEGMENT_MAX_NODES + 1].name, "mppe_decrypt");
	}
	return h;
}

const char *const *fake_gateway_names;

static void make_settings(struct gateway *g);
static void drop_settings(struct gateway *g);

struct gateway *
fake_gateway_new(unsigned int n_sessions)
{
	struct gateway *g = calloc(1, sizeof(*g));
	const char *const *name = fake_gateway_names;

	g->n_sessions = n_sessions;
	for (unsigned int i = 0; i < n_sessions; i++)
		fill_session(&g->sessions[i], i + 1);
	for (unsigned int i = 0; name && *name && i < n_sessions; i++)
		snprintf(g->sessions[i].user, sizeof(g->sessions[i].user), "%s", *name++);
	g->segment = new_segment();
	g->dataplane = true;
	make_settings(g);
	return g;
}

void
fake_gateway_free(struct gateway *g)
{
	drop_settings(g);
	free(g->segment);
	free(g);
}

void
fake_gateway_problem(struct gateway *g, const char *problem)
{
	snprintf(g->problem, sizeof(g->problem), "%s", problem);
}

void
fake_gateway_dataplane(struct gateway *g, bool connected)
{
	g->dataplane = connected;
}

struct segment_header *
fake_gateway_segment(struct gateway *g)
{
	return g->segment;
}

static uint32_t
count_weak(const struct gateway *g)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < g->n_sessions; i++)
		n += g->sessions[i].mppe_tx == 40;
	return n;
}

void
gateway_status(const struct gateway *g, struct gateway_status *out)
{
	*out = (struct gateway_status){.dataplane_connected = g->dataplane,
		.uptime_ms = 90061000,
		.n_carriers = 2,
		.carriers = {{.name = "pptp",
				     .sessions = g->n_sessions,
				     .max_sessions = 128,
				     .n_figures = 4,
				     .figures = {{NULL, "connections", g->n_sessions + 1, false},
					     {NULL, "calls_total", 345, false},
					     {NULL, "weak_sessions", count_weak(g), false},
					     {NULL, "weak_crypto_allowed", g->allow_weak, true}}},
			{.name = "l2tp",
				.sessions = 1,
				.max_sessions = 64,
				.n_figures = 20,
				.figures =
					{
						{NULL, "ipsec_required", true, true},
						{NULL, "sessions_total", 77, false},
						{NULL, "sessions_refused", 0, false},
						{NULL, "tunnels", 2, false},
						{NULL, "half_open", 1, false},
						{NULL, "tunnels_total", 0, false},
						{NULL, "tunnels_refused", 0, false},
						{"messages", "received", 0, false},
						{"messages", "sent", 0, false},
						{"messages", "repeated", 0, false},
						{"messages", "duplicates", 0, false},
						{"messages", "malformed", 0, false},
						{"messages", "unknown_tunnel", 0, false},
						{"messages", "wrong_peer", 3, false},
						{"messages", "bad_nr", 0, false},
						{"messages", "outside_window", 0, false},
						{"messages", "flooded", 0, false},
						{"messages", "in_clear", 0, false},
						{"messages", "strange_sa", 0, false},
						{"messages", "unsent", 0, false},
					}}},
		.weak_sessions = count_weak(g),
		.allow_pptp_weak_crypto = g->allow_weak,
		.pool_size = 253,
		.pool_used = g->n_sessions,
		.pool_name = "clients",
		.pool_first = 0x0a630001,
		.pool_last = 0x0a6300fe};
	out->refusals[REFUSAL_WRONG_PASSWORD] = 12;
	out->adoption = (struct adoption){.sessions = 4, .tunnels = 3};
	out->adoption.refused[ADOPT_TORN] = 2;
	out->adoption.refused[ADOPT_PROTOCOL] = 5;
	strcpy(out->problem, g->problem);
}

/* The parts are the fake itself. */
struct sessions {
	struct gateway g;
};

struct sessions *
gateway_sessions(struct gateway *g)
{
	return (struct sessions *)g;
}

struct link *
gateway_link(struct gateway *g)
{
	return (struct link *)g;
}

struct l2tp_carrier *
gateway_l2tp(struct gateway *g)
{
	return (struct l2tp_carrier *)g;
}

void
sessions_each(const struct sessions *all, bool (*each)(void *user, const struct session_info *s),
	void *user)
{
	const struct gateway *g = &all->g;
	for (unsigned int i = 0; i < g->n_sessions; i++)
		if (!each(user, &g->sessions[i]))
			return;
}

void
sessions_of_user(struct sessions *all, const char *name,
	bool (*each)(void *user, const struct session_info *s), void *user)
{
	const struct gateway *g = &all->g;
	for (unsigned int i = 0; i < g->n_sessions; i++)
		if (user_name_same(g->sessions[i].user, name) && !each(user, &g->sessions[i]))
			return;
}

int
sessions_get(struct sessions *all, uint32_t id, struct session_info *out)
{
	const struct gateway *g = &all->g;
	for (unsigned int i = 0; i < g->n_sessions; i++)
		if (g->sessions[i].id == id) {
			*out = g->sessions[i];
			return 0;
		}
	return -ENOENT;
}

void
l2tp_tunnels(const struct l2tp_carrier *l,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user)
{
	const struct l2tp_tunnel_info tunnels[] = {
		{.path = {5, 0xc000020a, 0xc0000203, 1701, 1701},
			.id = 11,
			.peer_id = 12,
			.peer_host = "laptop\x1b",
			.established = true,
			.sessions = 1,
			.age_ms = 61000,
			.sent = 4,
			.repeated = 1},
		{.path = {0, 0xc000020a, 0xc0000204, 1701, 40000},
			.id = 13,
			.peer_id = 1,
			.peer_host = ""},
	};

	(void)l;
	for (unsigned int i = 0; i < 2; i++)
		if (!each(user, &tunnels[i]))
			return;
}

bool
link_view(const struct link *l, struct link_view *out)
{
	const struct gateway *g = (const struct gateway *)l;
	struct segment_header layout;

	segment_layout(&layout, N_WORKERS, MAX_SESSIONS, 0);
	*out = (struct link_view){.header = g->segment,
		.workers = (const void *)((const char *)g->segment + layout.worker_counters),
		.nodes = (const void *)((const char *)g->segment + layout.node_counters),
		.n_workers = N_WORKERS,
		.max_sessions = MAX_SESSIONS};
	return g->dataplane;
}

void
sessions_lockouts(const struct sessions *all,
	void (*each)(void *user, const struct guard_lockout *l), void *user)
{
	const struct gateway *g = &all->g;
	static const struct guard_lockout lockouts[] = {
		{NULL, 0xc6336401, 61000}, {"bob", 0, 1000}, {"bob", 0xc6336402, 250000}};

	for (unsigned int i = 0; i < 3; i++)
		if (!g->unlocked)
			each(user, &lockouts[i]);
}

int
sessions_unlock(struct sessions *all, const char *user, uint32_t address)
{
	struct gateway *g = &all->g;

	if (user && strcmp(user, "bob") != 0)
		return -ENOENT;
	g->unlocked = !user && !address;
	return g->unlocked ? 3 : user ? 2 : address == 0xc6336401;
}

void
sessions_decisions(const struct sessions *all, struct aaa_counts *out)
{
	(void)all;
	*out = (struct aaa_counts){.open = 41,
		.most = 42,
		.asked = 1000,
		.accepted = 900,
		.refused = 43,
		.continued = 44,
		.cancelled = 45,
		.expired = 46,
		.stale = 47};
}

void
link_stats(const struct link *l, struct link_stats *out)
{
	(void)l;
	*out = (struct link_stats){.connects = 1,
		.commands = 50,
		.injects = 60,
		.ring_full = 7,
		.queued = 2,
		.queue_full = 8,
		.bad_records = 9,
		.stale_records = 3,
		.close_repeated = 4,
		.unconfirmed = 5};
}

static void
remove_at(struct gateway *g, unsigned int i)
{
	g->n_sessions--;
	memmove(&g->sessions[i], &g->sessions[i + 1], (g->n_sessions - i) * sizeof(g->sessions[0]));
}

int
sessions_disconnect(struct sessions *all, uint32_t id)
{
	struct gateway *g = &all->g;
	for (unsigned int i = 0; i < g->n_sessions; i++)
		if (g->sessions[i].id == id) {
			remove_at(g, i);
			return 0;
		}
	return -ENOENT;
}

unsigned int
sessions_disconnect_user(struct sessions *all, const char *user)
{
	struct gateway *g = &all->g;
	unsigned int n = 0;

	for (unsigned int i = g->n_sessions; i-- > 0;)
		if (user_name_same(g->sessions[i].user, user)) {
			remove_at(g, i);
			n++;
		}
	return n;
}

/* ------------------------------------------------------------------ settings: real ones */

static unsigned int
mppe_weak(void *user, const struct config *next, enum fate fate)
{
	struct gateway *g = user;
	unsigned int n = 0;

	(void)next;
	g->allow_weak = g->config->aaa.allow_weak_crypto;
	for (unsigned int i = g->n_sessions; !g->allow_weak && fate == FATE_DROP && i-- > 0;)
		if (g->sessions[i].mppe_tx == 40) {
			remove_at(g, i);
			n++;
		}
	return n;
}

static unsigned int
ipsec_weak(void *user, const struct config *next, enum fate fate)
{
	struct gateway *g = user;

	(void)next;
	g->allow_weak_l2tp = g->config->ike.allow_weak_crypto;
	if (g->allow_weak_l2tp || fate == FATE_KEEP || g->weak_sa_gone)
		return 0;
	g->weak_sa_gone = fate == FATE_DROP;
	return 1;
}

static const struct settings_hook mppe_hook = {.apply = mppe_weak};
static const struct settings_hook ipsec_hook = {.apply = ipsec_weak};

static void
write_conf(const struct gateway *g, const char *more)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/control.conf", g->dir);
	FILE *f = fopen(path, "w");
	if (!f)
		abort();
	fprintf(f,
		"control: { overlay = \"%s/overlay\"; user = \"\"; };\n"
		"pool: { first = \"10.99.0.1\"; last = \"10.99.0.254\"; };\n%s",
		g->dir, more);
	fclose(f);
}

/* A file that has changed since it was read. */
static void
make_settings(struct gateway *g)
{
	char err[300], path[128];

	if (!mkdtemp(temp_name(g->dir, sizeof(g->dir), "fake")))
		abort();
	write_conf(g, "");
	snprintf(path, sizeof(path), "%s/control.conf", g->dir);
	g->config = config_load(path, err, sizeof(err));
	if (!g->config)
		abort();
	write_conf(g, "ppp: { mru = 1300; };\npptp: { port = 1724; };\n");
	g->settings = settings_new(g->config, path, err, sizeof(err));
	if (!g->settings)
		abort();
	settings_set_hook(g->settings, PART_MPPE_WEAK, &mppe_hook, g);
	settings_set_hook(g->settings, PART_IPSEC_WEAK, &ipsec_hook, g);
}

static void
drop_settings(struct gateway *g)
{
	char path[128];

	settings_free(g->settings);
	config_free(g->config);
	snprintf(path, sizeof(path), "%s/control.conf", g->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/overlay", g->dir);
	unlink(path);
	rmdir(g->dir);
}

struct settings *
gateway_settings(struct gateway *g)
{
	return g->settings;
}

/* ------------------------------------------------------------------ IPsec: a strong pair, and a
 * weak one */

struct ike *
gateway_ike(struct gateway *g)
{
	return (struct ike *)g;
}

void
ike_status(const struct ike *k, struct ike_status *out)
{
	const struct gateway *g = (const struct gateway *)k;

	*out = (struct ike_status){.enabled = true,
		.plugin_connected = true,
		.configured = true,
		.allow_weak_crypto = g->allow_weak_l2tp,
		.peers = 2,
		.sas = g->weak_sa_gone ? 1 : 2,
		.weak_sas = g->weak_sa_gone ? 0 : 1};
}

void
ike_sas(const struct ike *k, bool (*each)(void *user, const struct ike_sa_info *sa), void *user)
{
	const struct gateway *g = (const struct gateway *)k;
	struct ike_sa_info sa = {.spi = 0x00100001,
		.out_spi = 0xc0ffee01,
		.peer = 7,
		.outer = {.server_ip = 0xc000020a, .peer_ip = 0xc0000201},
		.encryption = "aes256-cbc",
		.integrity = "hmac-sha1-96",
		.strength = "legacy",
		.current = true,
		.age_ms = 5000};

	if (!each(user, &sa) || g->weak_sa_gone)
		return;
	sa.spi++;
	sa.outer = (struct sa_outer){0xc000020a, 0xc0000202, 4500, 40000};
	sa.encryption = "des-cbc";
	sa.integrity = "hmac-md5-96";
	sa.strength = "weak";
	sa.weak = true;
	each(user, &sa);
}
