/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an earlier control left (T21).  The first octet chooses: 0, a cell of the journal, which is
 * read, written over and read again; 1, an image of a PPP link; 2, images of an L2TP tunnel and a
 * session in it.  Behind an image come steps of a length and so many octets, a frame or a message;
 * length 0: two seconds pass.  Checked besides memory: what is taken can be handed on again, and
 * what is sent is well formed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/l2tp/image.h"
#include "control/l2tp/message.h"
#include "control/link/journal.h"
#include "control/ppp/image.h"
#include "dataplane/api/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int good)
{
	if (!good)
		abort();
}

static void
zeros(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	memset(buf, 0, len);
}

/* ------------------------------------------------------------------ a cell */

static void
cell(const uint8_t *data, size_t size)
{
	uint8_t bytes[2][JOURNAL_CELL] = {0}, record[120], again[120];
	const struct journal j = {bytes, 2};
	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	for (uint32_t i = 0; i < 3; i++) {
		if (journal_read(&j, i, record, sizeof(record)) == JOURNAL_GOOD)
			check(i < 2);
		memset(record, 0x11 + (int)i, sizeof(record));
		journal_write(&j, i, record, sizeof(record));
		enum journal_verdict v = journal_read(&j, i, again, sizeof(again));
		check(i == 2 ? v == JOURNAL_EMPTY
			     : v == JOURNAL_GOOD && memcmp(record, again, sizeof(again)) == 0);
		journal_wipe(&j, i);
		check(journal_read(&j, i, again, sizeof(again)) == JOURNAL_EMPTY);
	}
}

/* ------------------------------------------------------------------ a step */

/* The next one's octets, an exact copy; NULL: no more.  *len 0: time. */
static uint8_t *
step(const uint8_t **data, size_t *size, size_t *len)
{
	if (*size == 0)
		return NULL;
	*len = **data < *size - 1 ? **data : *size - 1;
	uint8_t *copy = malloc(*len ? *len : 1);
	check(copy != NULL);
	memcpy(copy, *data + 1, *len);
	*data += 1 + *len;
	*size -= 1 + *len;
	return copy;
}

/* Fills the image, with zeros behind what there is. */
static void
take(const uint8_t **data, size_t *size, void *image, size_t len)
{
	size_t n = *size < len ? *size : len;
	memset(image, 0, len);
	memcpy(image, *data, n);
	*data += n;
	*size -= n;
}

/* ------------------------------------------------------------------ PPP */

static void
ppp_out(void *user, const uint8_t *frame, size_t len)
{
	(void)user;
	check(frame[0] >= 0x80 && len >= 6 && len <= PPP_FRAME_MAX);
}
static void
ppp_lcp_up(void *user, const struct ppp_framing *f)
{
	(void)user, (void)f;
}
static void
ppp_auth(void *user, const struct ppp_credentials *c)
{
	(void)user, (void)c;
}
static void
ppp_mppe_up(void *user, const struct ppp_mppe_result *keys)
{
	(void)user, (void)keys;
	check(0); /* no keys were handed on */
}
static void
ppp_nothing(void *user)
{
	(void)user;
}
static void
ppp_ip_up(void *user, uint32_t local_ip, uint32_t peer_ip)
{
	(void)user, (void)local_ip, (void)peer_ip;
	check(0); /* it is up, and to come up anew it needs a verdict */
}
static void
ppp_over(void *user, enum refusal_code code, const char *text)
{
	(void)code, (void)text;
	check((*(int *)user)++ == 0);
}

static void
ppp(const uint8_t *data, size_t size)
{
	static const struct ppp_ops ops = {ppp_out, ppp_lcp_up, ppp_auth, ppp_mppe_up, ppp_nothing,
		ppp_nothing, ppp_ip_up, ppp_over, zeros, NULL};
	static const struct ppp_config cfg = {.mru = 1400,
		.min_peer_mru = 576,
		.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_PAP,
		.echo_interval_ms = 5000,
		.setup_timeout_ms = 60000};
	struct ppp_image image, again;
	int over = 0;
	uint64_t now = 1000;
	size_t len;
	uint8_t *bytes;
	take(&data, &size, &image, sizeof(image));
	struct ppp_link *l = ppp_import(&cfg, &ops, &over, &image, now);
	if (!l)
		return;
	check(ppp_export(l, &again) && memcmp(&image, &again, sizeof(image)) == 0);
	while ((bytes = step(&data, &size, &len)) && !over) {
		if (len == 0)
			now += 2000;
		if (len == 0 && ppp_next_timer(l) <= now)
			ppp_timer(l, now);
		else
			ppp_input(l, bytes, len, now);
		free(bytes);
	}
	free(bytes);
	ppp_free(l);
}

/* ------------------------------------------------------------------ L2TP */

static void
l2tp_out(void *user, const struct l2tp_path *to, const uint8_t *bytes, size_t len)
{
	struct l2tp_header h;
	(void)user, (void)to;
	check(l2tp_header_decode(&h, bytes, len) == 0 && h.len == len);
}
static enum refusal_code
l2tp_may(void *user, const struct l2tp_path *from)
{
	(void)user, (void)from;
	return REFUSAL_NONE;
}
static void
l2tp_over(void *user, const struct l2tp_path *path, uint16_t id, bool had_session,
	enum refusal_code why, const char *text)
{
	(void)user, (void)path, (void)id, (void)had_session, (void)why, (void)text;
}
static void
l2tp_stopped(void *user, const struct l2tp_path *path, enum refusal_code why)
{
	(void)user, (void)path, (void)why;
}
static enum refusal_code
l2tp_call(void *user, const struct l2tp_session_request *req, uint16_t *our_id, void **session)
{
	(void)user, (void)req, (void)our_id, (void)session;
	return REFUSAL_PORTS_FULL;
}
static void
l2tp_up(void *user, void *session, const struct l2tp_connected *how)
{
	(void)user, (void)session, (void)how;
	check(0); /* it was */
}
static void
l2tp_down(void *user, void *session, enum refusal_code why, const char *text)
{
	(void)user, (void)why, (void)text;
	check((*(int *)session)++ == 0);
}
static struct l2tp_tunnel_image saved;
static void
l2tp_save(void *user, const struct l2tp_tunnel_image *image, uint32_t *place)
{
	(void)user;
	saved = *image;
	*place = 1;
}
static void
l2tp_forget(void *user, uint32_t place)
{
	(void)user;
	check(place == 1);
}

static void
l2tp(const uint8_t *data, size_t size)
{
	static const struct l2tp_ops ops = {l2tp_out, l2tp_may, l2tp_over, l2tp_stopped, l2tp_call,
		l2tp_up, l2tp_down, zeros, l2tp_save, l2tp_forget, NULL};
	static const struct l2tp_config cfg = {.host_name = "vpn",
		.vendor = "Adit",
		.delivery = {8, 1000, 8000, 5},
		.half_open_ms = 15000,
		.idle_ms = 30000,
		.connect_ms = 30000,
		.hello_interval_ms = 5000,
		.max_tunnels = 16,
		.max_tunnels_per_peer = 8,
		.max_half_open = 8,
		.max_half_open_per_peer = 4,
		.max_sessions_per_tunnel = 16};
	struct l2tp_tunnel_image image;
	struct l2tp_session_image session;
	struct l2tp_path path;
	uint64_t now = 1000;
	int down = 0;
	size_t len;
	uint8_t *bytes;
	take(&data, &size, &image, sizeof(image));
	take(&data, &size, &session, sizeof(session));
	struct l2tp_server *s = l2tp_server_new(&cfg, &ops, NULL);
	check(s != NULL);
	saved = image;
	if (!l2tp_tunnel_restore(s, &image, 1, now)) {
		l2tp_server_free(s);
		return;
	}
	if (!l2tp_session_restore(s, &session, &down, &path, now)) {
		l2tp_session_reject(s, &session, REFUSAL_CONTROL_LOST, now);
		path = (struct l2tp_path){image.peer, image.server_ip, image.peer_ip,
			image.server_port, image.peer_port};
	}
	while ((bytes = step(&data, &size, &len))) {
		if (len == 0)
			l2tp_server_timer(s, now += 2000);
		else
			l2tp_server_input(s, &path, bytes, len, now);
		free(bytes);
	}
	l2tp_server_free(s);
	/* What it said last, another one can go on with. */
	s = l2tp_server_new(&cfg, &ops, NULL);
	check(s && l2tp_tunnel_restore(s, &saved, 1, now));
	l2tp_server_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const uint8_t *, size_t) = {cell, ppp, l2tp};
	if (size > 0)
		kinds[data[0] % 3](data + 1, size - 1);
	return 0;
}
