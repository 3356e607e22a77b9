/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mschap.h"

static unsigned int
chance(struct lab *lab)
{
	lab->rng ^= lab->rng << 13;
	lab->rng ^= lab->rng >> 7;
	lab->rng ^= lab->rng << 17;
	return (unsigned int)(lab->rng >> 11) % 100;
}

static void
enqueue(struct lab *lab, unsigned int lac, bool to_server, const uint8_t *bytes, size_t len)
{
	unsigned int copies = 1;

	if (lab->loss && chance(lab) < lab->loss)
		copies = 0;
	else if (lab->dup && chance(lab) < lab->dup)
		copies = 2;
	for (; copies > 0; copies--) {
		if (lab->n_queue == LAB_QUEUE || len > sizeof(lab->queue[0].bytes))
			abort();
		lab->queue[lab->n_queue].at =
			lab->now + (lab->reorder && chance(lab) < lab->reorder ? 120 : 10);
		lab->queue[lab->n_queue].lac = lac;
		lab->queue[lab->n_queue].to_server = to_server;
		lab->queue[lab->n_queue].len = len;
		memcpy(lab->queue[lab->n_queue++].bytes, bytes, len);
	}
}

static void
from_lac(void *user, const uint8_t *bytes, size_t len)
{
	const struct lab_port *port = user;

	enqueue(port->lab, port->lac, true, bytes, len);
}

static void
lac_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(17 * i + 1);
}

static void
note_step(void *user, char direction, unsigned int type, uint16_t ns, uint16_t nr)
{
	struct lab_port *port = user;

	if (port->n_steps < LAB_STEPS)
		snprintf(port->steps[port->n_steps++], sizeof(port->steps[0]), "%c %s %u/%u",
			direction, l2tp_message_name(type), ns, nr);
}

static const struct l2tp_client_ops lac_ops = {
	.send = from_lac, .random = lac_random, .trace = note_step};

/* ------------------------------------------------------------------ what the server is told */

static bool
same_path(const struct l2tp_path *a, const struct l2tp_path *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whatever the peer is told of numbers, a successor would know by now. */
static void
check_noted(const struct lab *lab, const struct l2tp_path *to, const struct l2tp_header *h)
{
	for (unsigned int i = 0; i < LAB_IMAGES; i++) {
		const struct l2tp_tunnel_image *image = &lab->images[i];
		uint16_t next = (uint16_t)(image->first_ns + image->unacknowledged);

		if (image->id && image->peer_ip == to->peer_ip && image->peer_id == h->tunnel_id &&
			(image->nr != h->nr ||
				(uint16_t)(next - h->ns) < (h->len > L2TP_HEADER_LEN)))
			abort();
	}
}

static void
on_send(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len)
{
	struct lab *lab = user;
	struct l2tp_header h;

	if (l2tp_header_decode(&h, bytes, len) != 0 || h.len != len || len > sizeof(lab->last))
		abort();
	if (lab->noted_first)
		check_noted(lab, to, &h);
	lab->octets_out += len;
	memcpy(lab->last, bytes, len);
	lab->last_len = len;
	lab->last_to = *to;
	for (unsigned int i = 0; i < lab->n_lacs; i++)
		if (same_path(to, &lab->paths[i]) && lab->lacs[i].cfg.id == h.tunnel_id) {
			enqueue(lab, i, false, bytes, len);
			return;
		}
	lab->stray++;
}

static enum refusal_code
on_tunnel_request(void *user, const struct l2tp_path *from)
{
	struct lab *lab = user;

	(void)from;
	return lab->tunnel_answer;
}

static void
on_tunnel_over(void *user, const struct l2tp_path *path, uint16_t id, bool had_session,
	enum refusal_code why, const char *text)
{
	struct lab *lab = user;

	(void)path;
	(void)id;
	(void)had_session;
	lab->tunnels_over++;
	lab->why = why;
	snprintf(lab->text, sizeof(lab->text), "%s", text);
}

static void
on_tunnel_stopped(void *user, const struct l2tp_path *path, enum refusal_code why)
{
	struct lab *lab = user;

	(void)path;
	lab->tunnels_stopped++;
	lab->stopped_why = why;
}

static void
close_session(struct lab *lab, const struct lab_session *s)
{
	l2tp_session_close(lab->server, s->server_ip, s->tunnel_id, s->our_id,
		REFUSAL_ADMIN_DISCONNECT, lab->now);
}

static enum refusal_code
on_session_request(
	void *user, const struct l2tp_session_request *req, uint16_t *our_id, void **session)
{
	struct lab *lab = user;
	struct lab_session *s = &lab->sessions[lab->n_sessions];

	if (lab->close_on_request && lab->n_sessions > 0)
		close_session(lab, &lab->sessions[lab->n_sessions - 1]);
	if (lab->answer != REFUSAL_NONE)
		return lab->answer;
	if (lab->n_sessions == LAB_SESSIONS)
		abort();
	*s = (struct lab_session){.tunnel_id = req->tunnel_id,
		.peer_id = req->peer_session_id,
		.server_ip = req->path->server_ip,
		.path = *req->path};
	*our_id = s->our_id = ++lab->next_session_id;
	*session = s;
	lab->n_sessions++;
	return REFUSAL_NONE;
}

static void
on_session_up(void *user, void *session, const struct l2tp_connected *how)
{
	struct lab_session *s = session;

	(void)user;
	if (s->up++ || s->down)
		abort();
	s->how = *how;
}

static void
on_session_down(void *user, void *session, enum refusal_code why, const char *text)
{
	struct lab *lab = user;
	struct lab_session *s = session;

	if (s->down++)
		abort();
	s->why = why;
	snprintf(s->text, sizeof(s->text), "%s", text);
	for (unsigned int i = 0; lab->close_on_down && i < lab->n_sessions; i++)
		close_session(lab, &lab->sessions[i]);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	struct lab *lab = user;

	while (len--)
		*buf++ = (uint8_t)chance(lab);
}

static void
on_tunnel_save(void *user, const struct l2tp_tunnel_image *image, uint32_t *place)
{
	struct lab *lab = user;

	for (unsigned int i = 0; *place == 0 && i < LAB_IMAGES; i++)
		if (lab->images[i].id == 0) {
			*place = i + 1;
			lab->n_images++;
		}
	if (*place == 0)
		abort();
	lab->images[*place - 1] = *image;
}

static void
on_tunnel_forget(void *user, uint32_t place)
{
	struct lab *lab = user;

	if (place == 0 || place > LAB_IMAGES || lab->images[place - 1].id == 0)
		abort();
	lab->images[place - 1].id = 0;
	lab->n_images--;
}

static const struct l2tp_ops ops = {
	.send = on_send,
	.tunnel_request = on_tunnel_request,
	.tunnel_over = on_tunnel_over,
	.tunnel_stopped = on_tunnel_stopped,
	.session_request = on_session_request,
	.session_up = on_session_up,
	.session_down = on_session_down,
	.random = on_random,
	.tunnel_save = on_tunnel_save,
	.tunnel_forget = on_tunnel_forget,
};

/* ------------------------------------------------------------------ the stage */

void
lab_init(struct lab *lab)
{
	char err[128];

	memset(lab, 0, sizeof(*lab));
	if (mschap_init(err, sizeof(err)) != 0)
		abort();
	lab->now = 1000;
	lab->keep_sessions = true;
	lab->rng = 0x9e3779b97f4a7c15u;
	lab->cfg = (struct l2tp_config){
		.host_name = "vpn",
		.vendor = "Adit",
		.delivery = {.receive_window = 8,
			.retransmit_ms = 1000,
			.retransmit_max_ms = 8000,
			.max_tries = 5},
		.half_open_ms = 15000,
		.idle_ms = 30000,
		.connect_ms = 30000,
		.hello_interval_ms = 60000,
		.max_tunnels = 256,
		.max_tunnels_per_peer = 8,
		.max_half_open = 64,
		.max_half_open_per_peer = 4,
		.max_sessions_per_tunnel = 16,
	};
}

void
lab_start(struct lab *lab)
{
	lab->server = l2tp_server_new(&lab->cfg, &ops, lab);
	if (!lab->server)
		abort();
}

void
lab_end(struct lab *lab)
{
	l2tp_server_free(lab->server);
	lab->server = NULL;
}

static void
restore_session(struct lab *lab, struct lab_session *s)
{
	const struct l2tp_tunnel_image *t = NULL;
	struct l2tp_path path;

	for (unsigned int i = 0; i < LAB_IMAGES; i++)
		if (lab->images[i].id == s->tunnel_id)
			t = &lab->images[i];
	if (!t)
		return;
	const struct l2tp_session_image image = {.server_ip = s->server_ip,
		.peer = s->path.peer,
		.tunnel_id = s->tunnel_id,
		.peer_tunnel_id = t->peer_id,
		.our_id = s->our_id,
		.peer_id = s->peer_id};
	if (s->up && lab->keep_sessions) {
		if (!l2tp_session_restore(lab->server, &image, s, &path, lab->now))
			abort();
	} else {
		/* Half-built: its end is told. */
		s->down++;
		l2tp_session_reject(lab->server, &image, REFUSAL_CONTROL_LOST, lab->now);
	}
}

void
lab_restart(struct lab *lab)
{
	lab_end(lab);
	lab_start(lab);
	for (unsigned int i = 0; i < LAB_IMAGES; i++) {
		struct l2tp_tunnel_image image = lab->images[i];

		if (image.id && !l2tp_tunnel_restore(lab->server, &image, i + 1, lab->now))
			abort();
	}
	for (unsigned int i = 0; i < lab->n_sessions; i++)
		if (!lab->sessions[i].down)
			restore_session(lab, &lab->sessions[i]);
}

struct l2tp_client *
lab_lac(struct lab *lab, const struct l2tp_client_config *cfg, uint32_t peer)
{
	unsigned int i = lab->n_lacs++;

	if (i >= LAB_LACS)
		abort();
	memset(&lab->ports[i], 0, sizeof(lab->ports[i]));
	lab->ports[i].lab = lab;
	lab->ports[i].lac = i;
	lab->paths[i] = (struct l2tp_path){.peer = peer,
		.server_ip = 0xc0000201,
		.peer_ip = 0xc6336401 + i,
		.server_port = 1701,
		.peer_port = 1701};
	l2tp_client_init(&lab->lacs[i], cfg,
		&(struct l2tp_client_room){
			lab->ports[i].queue, LAB_MESSAGES, lab->ports[i].sessions, LAB_MESSAGES},
		&lac_ops, &lab->ports[i]);
	lab->lacs[i].now = lab->now;
	return &lab->lacs[i];
}

void
lab_inject(struct lab *lab, const struct l2tp_path *from, const void *bytes, size_t len)
{
	lab->octets_in += len;
	l2tp_server_input(lab->server, from, bytes, len, lab->now);
}

static void
deliver(struct lab *lab, unsigned int i)
{
	unsigned int lac = lab->queue[i].lac;
	bool to_server = lab->queue[i].to_server;
	size_t len = lab->queue[i].len;
	uint8_t bytes[512];

	memcpy(bytes, lab->queue[i].bytes, len);
	lab->n_queue--;
	memmove(&lab->queue[i], &lab->queue[i + 1], (lab->n_queue - i) * sizeof(lab->queue[0]));
	if (to_server)
		lab_inject(lab, &lab->paths[lac], bytes, len);
	else
		l2tp_client_input(&lab->lacs[lac], bytes, len, lab->now);
}

/* The next thing that happens, at most at `until`: a message, or a timer. */
static bool
happen(struct lab *lab, uint64_t until)
{
	uint64_t due = l2tp_server_next_timer(lab->server);
	unsigned int lac = LAB_LACS, message = LAB_QUEUE;

	for (unsigned int i = 0; i < lab->n_lacs; i++)
		if (l2tp_client_next_timer(&lab->lacs[i]) < due) {
			due = l2tp_client_next_timer(&lab->lacs[i]);
			lac = i;
		}
	for (unsigned int i = 0; i < lab->n_queue; i++)
		if (lab->queue[i].at < due || (lab->queue[i].at == due && message == LAB_QUEUE)) {
			due = lab->queue[i].at;
			message = i;
		}
	if (due > until)
		return false;
	if (due > lab->now)
		lab->now = due;
	if (message < LAB_QUEUE)
		deliver(lab, message);
	else if (lac < LAB_LACS)
		l2tp_client_timer(&lab->lacs[lac], lab->now);
	else
		l2tp_server_timer(lab->server, lab->now);
	return true;
}

void
lab_run(struct lab *lab, uint64_t until)
{
	unsigned int steps = 0;

	while (happen(lab, until))
		if (++steps > 1000000)
			abort();
	if (until > lab->now)
		lab->now = until;
	for (unsigned int i = 0; i < lab->n_lacs; i++)
		lab->lacs[i].now = lab->now;
}

struct l2tp_stats
lab_stats(const struct lab *lab)
{
	struct l2tp_stats st;

	l2tp_server_stats(lab->server, &st);
	return st;
}

struct l2tp_client *
lab_tunnel(struct lab *lab, uint32_t peer)
{
	struct l2tp_client *l = lab_lac(
		lab, &(struct l2tp_client_config){.id = (uint16_t)(100 + lab->n_lacs)}, peer);

	l2tp_client_start(l, lab->now);
	lab_run(lab, lab->now + 200);
	if (!l->up || l->n_queued)
		abort();
	return l;
}
