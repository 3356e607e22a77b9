/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sides that dial, of PPP, L2TP and PPTP: the first octet says which and how it is configured,
 * then come records of what the server says and of time.  Corpus: what our servers say to them.
 */
#include <assert.h>
#include <string.h>

#include "control/l2tp/client.h"
#include "control/ppp/client.h"
#include "control/pptp/client.h"
#include "crypto/mschap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OP_HEAR, OP_TIMER, OP_TIME, OP_CALL, OP_END, OP_COUNT };

static struct {
	unsigned int sent, ups, downs, keys, draws;
	uint64_t now;
} w;

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(17 * i + w.draws);
	w.draws++;
}

static void
on_down(void *user, enum refusal_code code, const char *text)
{
	(void)user;
	assert(code < REFUSAL_COUNT && text != NULL);
	w.downs++;
}

/* ------------------------------------------------------------------ PPP */

static void
ppp_out(void *user, const uint8_t *f, size_t len)
{
	(void)user;
	assert(len >= 6 && len <= PPP_FRAME_MAX && (size_t)(f[4] << 8 | f[5]) == len - 2);
	w.sent++;
}

static void
ppp_keys(void *user, const struct ppp_client_keys *keys)
{
	(void)user;
	assert(keys->tx.strength == 128 && keys->rx.strength == 128);
	w.keys++;
}

static void
ppp_up(void *user, const struct ppp_client *p)
{
	(void)user;
	assert(p->authenticated && w.downs == 0);
	assert(!p->cfg.mppe_required || w.keys > 0);
	w.ups++;
}

static const struct ppp_client_ops ppp_ops = {
	.send = ppp_out, .random = on_random, .mppe_up = ppp_keys, .up = ppp_up, .down = on_down};
static struct ppp_client ppp;

static void
ppp_begin(uint8_t how)
{
	struct ppp_client_config cfg = {
		.auth = how & 4 ? PPP_AUTH_MSCHAPV2 : 15,
		.user = "alice",
		.password = "Wonder-Land7",
		.second_password = how & 8 ? "other" : NULL,
		.mru = 1400,
		.mppe = PPP_MPPE_128,
		.mppe_required = how & 16,
		.dns = true,
		.wins = how & 32,
		.echo_interval_ms = 10000,
		.echo_failures = 3,
		.habits = {.multilink = how & 64, .pppd = how & 128},
	};

	ppp_client_init(&ppp, &cfg, &ppp_ops, NULL);
	ppp_client_start(&ppp, w.now);
}

/* ------------------------------------------------------------------ L2TP */

static struct l2tp_client l2tp;
static struct l2tp_client_message queue[8];
static struct l2tp_client_session sessions[8];

static void
l2tp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct l2tp_header h;

	(void)user;
	assert(l2tp_header_decode(&h, bytes, len) == 0 && h.len == len);
	assert(h.tunnel_id == l2tp.peer_id);
	w.sent++;
}

static void
l2tp_session(void *user, struct l2tp_client_session *s)
{
	(void)user;
	assert(s >= sessions && s < sessions + 8 && s->id != 0);
	assert(!l2tp.cfg.challenges || l2tp.proven);
}

static void
l2tp_tunnel(void *user)
{
	(void)user;
	l2tp_client_call(&l2tp, 5);
}

static const struct l2tp_client_ops l2tp_ops = {.send = l2tp_out,
	.random = on_random,
	.tunnel_up = l2tp_tunnel,
	.session_up = l2tp_session,
	.session_down = l2tp_session,
	.over = on_down};

static void
l2tp_begin(uint8_t how)
{
	struct l2tp_client_config cfg = {.id = 9,
		.secret = how & 4 ? "shared" : NULL,
		.challenges = how & 8,
		.hides = how & 16,
		.hello_ms = 60000,
		.habits = {.stops_at_challenge = how & 32}};

	l2tp_client_init(
		&l2tp, &cfg, &(struct l2tp_client_room){queue, 8, sessions, 8}, &l2tp_ops, NULL);
	l2tp_client_start(&l2tp, w.now);
}

/* ------------------------------------------------------------------ PPTP */

static struct pptp_client pptp;

static void
pptp_out(void *user, const uint8_t *bytes, size_t len)
{
	struct pptp_message m;

	(void)user;
	assert(pptp_message_decode(&m, bytes, len) == 0);
	w.sent++;
}

static void
pptp_up(void *user, const struct pptp_client *c)
{
	(void)user;
	assert(c->peer_call_id != 0);
}

static void
pptp_closed(void *user, enum refusal_code code, const char *text)
{
	on_down(user, code, text);
	assert(w.downs == 1);
}

static void
pptp_down(void *user, enum refusal_code code, const char *text)
{
	(void)user;
	assert(code < REFUSAL_COUNT && text != NULL && pptp.peer_call_id == 0);
}

static const struct pptp_client_ops pptp_ops = {
	.send = pptp_out, .call_up = pptp_up, .call_down = pptp_down, .closed = pptp_closed};

static void
pptp_begin(uint8_t how)
{
	struct pptp_client_config cfg = {.host_name = "client",
		.call_id = 7,
		.no_call = how & 4,
		.recv_window = 64,
		.reply_timeout_ms = 5000,
		.echo_interval_ms = how & 8 ? 60000 : 0,
		.echo_timeout_ms = 10000};

	pptp_client_init(&pptp, &cfg, &pptp_ops, NULL);
	pptp_client_start(&pptp, w.now);
}

/* ------------------------------------------------------------------ records */

static void
hear(unsigned int role, const uint8_t *bytes, size_t len)
{
	if (role == 0)
		ppp_client_input(&ppp, bytes, len, w.now);
	else if (role == 1)
		l2tp_client_input(&l2tp, bytes, len, w.now);
	else
		pptp_client_input(&pptp, bytes, len, w.now);
}

static void
run_timer(unsigned int role, bool skip)
{
	uint64_t due = role == 0   ? ppp_client_next_timer(&ppp)
		       : role == 1 ? l2tp_client_next_timer(&l2tp)
				   : pptp_client_next_timer(&pptp);

	if (due == UINT64_MAX || (due > w.now && !skip))
		return;
	if (due > w.now)
		w.now = due;
	if (role == 0)
		ppp_client_timer(&ppp, w.now);
	else if (role == 1)
		l2tp_client_timer(&l2tp, w.now);
	else
		pptp_client_timer(&pptp, w.now);
}

static void
call(unsigned int role)
{
	if (role == 0)
		ppp_client_renegotiate(&ppp, PPP_CLIENT_LCP, w.now);
	else if (role == 1)
		l2tp_client_call(&l2tp, 6);
	else
		pptp_client_call(&pptp, w.now);
}

static void
end(unsigned int role)
{
	if (role == 0)
		ppp_client_hang_up(&ppp, 9, w.now);
	else if (role == 1)
		l2tp_client_stop(&l2tp, L2TP_STOP_CLEAR, "over");
	else
		pptp_client_clear(&pptp, w.now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[128];
	unsigned int role;

	mschap_init(err, sizeof(err));
	if (size < 1)
		return 0;
	memset(&w, 0, sizeof(w));
	w.now = 1000;
	role = (data[0] & 3) % 3;
	if (role == 0)
		ppp_begin(data[0]);
	else if (role == 1)
		l2tp_begin(data[0]);
	else
		pptp_begin(data[0]);
	data++, size--;
	while (size >= 3) {
		uint8_t op = data[0] % OP_COUNT;
		size_t len = (size_t)(data[1] << 8 | data[2]);

		data += 3, size -= 3;
		if (op == OP_HEAR) {
			len = len < size ? len : size;
			hear(role, data, len);
			data += len, size -= len;
		} else if (op == OP_TIMER) {
			run_timer(role, true);
		} else if (op == OP_TIME) {
			w.now += len * 10;
			run_timer(role, false);
		} else if (op == OP_CALL) {
			call(role);
		} else {
			end(role);
		}
	}
	return 0;
}
