/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An L2TP server (T7) in a gateway that behaves as the input says.  The first octet sets how the
 * gateway reacts, and whether there is a tunnel secret; then come steps of an opcode and a length
 * or value:
 *   0..1 n, n octets: a message as it is, in clear or behind IPsec
 *   2..4 n, n octets: the same, with the tunnel's ID and the next numbers put into its header, so
 *                     that recorded conversations work; 4: the session's ID, too
 *   5    n: n * 500 ms pass, timers run       6  n: the gateway ends session n
 *   7    n: even, all tunnels are stopped; odd, the IPsec peer is gone
 * Checked besides memory: every accepted session goes down once, what is sent is well formed, and
 * timers make progress.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/l2tp/message.h"
#include "control/l2tp/server.h"
#include "crypto/mschap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SESSIONS 256

enum {
	REFUSE = 1,
	CLOSE_ON_UP = 2,
	CLOSE_ON_DOWN = 4,
	REUSE_IDS = 8,
	SECRET = 16,
	NO_TUNNELS = 32
};

struct gateway {
	struct l2tp_server *server;
	uint8_t how;
	uint64_t now;
	unsigned int n_sessions;
	uint8_t down[MAX_SESSIONS];
	uint16_t tunnel[MAX_SESSIONS], id[MAX_SESSIONS];
	/* What the client knows of each side: in clear, behind IPsec. */
	uint16_t tunnel_id[2], session_id[2], ns[2], nr[2];
};

static void
check(int good)
{
	if (!good)
		abort();
}

static struct l2tp_path
path(unsigned int secured)
{
	return (struct l2tp_path){secured, 1, 2 + secured, 1701, 1701};
}

static void
on_send(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len)
{
	struct gateway *g = user;
	unsigned int side = to->peer != 0;
	struct l2tp_header h;
	struct l2tp_message m;

	check(l2tp_header_decode(&h, bytes, len) == 0 && h.len == len);
	check(l2tp_message_decode(&m, &h, bytes, "s") == L2TP_GOOD);
	g->ns[side] = h.nr;
	if (m.type != L2TP_ZLB)
		g->nr[side] = (uint16_t)(h.ns + 1);
	if (m.type == L2TP_SCCRP)
		g->tunnel_id[side] = m.assigned_tunnel_id;
	if (m.type == L2TP_ICRP)
		g->session_id[side] = m.assigned_session_id;
}

static enum refusal_code
on_tunnel_request(void *user, const struct l2tp_path *from)
{
	struct gateway *g = user;

	(void)from;
	return g->how & NO_TUNNELS ? REFUSAL_PORTS_FULL : REFUSAL_NONE;
}

static void
on_tunnel_over(void *user, const struct l2tp_path *p, uint16_t id, bool had_session,
	enum refusal_code why, const char *text)
{
	(void)user;
	(void)p;
	(void)id;
	(void)had_session;
	check(text && why < REFUSAL_COUNT);
}

static void
on_tunnel_stopped(void *user, const struct l2tp_path *p, enum refusal_code why)
{
	(void)user;
	(void)p;
	(void)why;
}

static void
close_session(struct gateway *g, unsigned int i)
{
	l2tp_session_close(g->server, 1, g->tunnel[i], g->id[i], REFUSAL_ADMIN_DISCONNECT, g->now);
	l2tp_tunnel_close_idle(g->server, 1, g->tunnel[i], REFUSAL_ADMIN_DISCONNECT, g->now);
}

static enum refusal_code
on_session_request(
	void *user, const struct l2tp_session_request *req, uint16_t *our_id, void **session)
{
	struct gateway *g = user;
	unsigned int n = g->n_sessions;

	check(req->peer_session_id != 0);
	if ((g->how & REFUSE && req->serial & 1) || n == MAX_SESSIONS)
		return req->serial % (REFUSAL_COUNT - 1) + 1;
	g->tunnel[n] = req->tunnel_id;
	*our_id = g->id[n] = (uint16_t)(g->how & REUSE_IDS ? 1 + (n & 3) : n + 1);
	*session = &g->down[n];
	g->n_sessions++;
	return REFUSAL_NONE;
}

static void
on_session_up(void *user, void *session, const struct l2tp_connected *how)
{
	struct gateway *g = user;

	(void)how;
	check(*(uint8_t *)session == 0);
	if (g->how & CLOSE_ON_UP)
		close_session(g, (unsigned int)((uint8_t *)session - g->down));
}

static void
on_session_down(void *user, void *session, enum refusal_code why, const char *text)
{
	struct gateway *g = user;

	check(++*(uint8_t *)session == 1 && text && why < REFUSAL_COUNT);
	for (unsigned int i = 0; g->how & CLOSE_ON_DOWN && i < g->n_sessions; i++)
		close_session(g, i);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	memset(buf, 7, len);
}

static void
time_passes(struct gateway *g, uint64_t until)
{
	unsigned int steps = 0;

	while (l2tp_server_next_timer(g->server) <= until) {
		check(++steps < 10000);
		if (l2tp_server_next_timer(g->server) > g->now)
			g->now = l2tp_server_next_timer(g->server);
		l2tp_server_timer(g->server, g->now);
	}
	g->now = until;
}

static void
message(struct gateway *g, unsigned int op, const uint8_t *data, size_t len)
{
	unsigned int side = op == 1 || op >= 3;
	struct l2tp_path from = path(side);
	uint8_t bytes[256];

	memcpy(bytes, data, len);
	if (op >= 2 && len >= L2TP_HEADER_LEN) {
		if (bytes[4] | bytes[5]) {
			bytes[4] = (uint8_t)(g->tunnel_id[side] >> 8);
			bytes[5] = (uint8_t)g->tunnel_id[side];
		}
		if (op == 4) {
			bytes[6] = (uint8_t)(g->session_id[side] >> 8);
			bytes[7] = (uint8_t)g->session_id[side];
		}
		l2tp_message_stamp(bytes, g->ns[side], g->nr[side]);
	}
	l2tp_server_input(g->server, &from, bytes, len, g->now);
}

/* Takes one step off the input and returns how many octets it was. */
static size_t
step(struct gateway *g, const uint8_t *data, size_t size)
{
	size_t n = data[1];

	switch (data[0] & 7) {
	case 5:
		time_passes(g, g->now + n * 500);
		return 2;
	case 6:
		if (n < g->n_sessions)
			close_session(g, (unsigned int)n);
		return 2;
	case 7:
		if (n & 1)
			l2tp_server_peer_gone(g->server, 1, REFUSAL_SA_GONE, g->now);
		else
			l2tp_server_stop(g->server, REFUSAL_SERVER_STOPPING, g->now);
		return 2;
	default:
		n = size - 2 < n ? size - 2 : n;
		message(g, data[0] & 7, data + 2, n);
		return 2 + n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct l2tp_ops ops = {on_send, on_tunnel_request, on_tunnel_over,
		on_tunnel_stopped, on_session_request, on_session_up, on_session_down, on_random,
		NULL, NULL, NULL};
	struct l2tp_config cfg = {.host_name = "gateway",
		.vendor = "Adit",
		.delivery = {.receive_window = 3,
			.retransmit_ms = 1000,
			.retransmit_max_ms = 8000,
			.max_tries = 3},
		.half_open_ms = 15000,
		.idle_ms = 30000,
		.connect_ms = 10000,
		.hello_interval_ms = 60000,
		.max_tunnels = 4,
		.max_tunnels_per_peer = 3,
		.max_half_open = 3,
		.max_half_open_per_peer = 2,
		.max_sessions_per_tunnel = 4};
	struct gateway g = {.now = 1};
	char err[128];

	if (size < 1 || mschap_init(err, sizeof(err)) != 0)
		return 0;
	g.how = *data++;
	size--;
	if (g.how & SECRET)
		strcpy(cfg.secret, "s");
	g.server = l2tp_server_new(&cfg, &ops, &g);
	if (!g.server)
		return 0;
	while (size >= 2) {
		size_t n = step(&g, data, size);

		data += n;
		size -= n;
	}
	l2tp_server_abandon(g.server, REFUSAL_DATAPLANE_DOWN, g.now);
	for (unsigned int i = 0; i < g.n_sessions; i++)
		check(g.down[i] == 1);
	check(l2tp_server_next_timer(g.server) == L2TP_NEVER);
	l2tp_server_free(g.server);
	return 0;
}
