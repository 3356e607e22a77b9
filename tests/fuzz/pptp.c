/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PPTP control connection (T6) in a gateway that behaves as the input says.  The first octet sets
 * how the gateway reacts inside callbacks; then come steps of an opcode and a length or value: 0..3
 * n, n octets: bytes of the stream          4  type, 24 octets: the body of a well-formed message
 *   5     n: n * 500 ms pass, timers run            6  n: the gateway ends call n
 *   7     n: even, the gateway stops the connection; odd, the TCP connection ends
 * Checked besides memory: every accepted call goes down once, the end comes once and last, what is
 * sent is well formed, and timers make progress.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/pptp/message.h"
#include "control/pptp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_CALLS 256
#define BODY      24

enum {
	REFUSE = 1,
	FREE_ON_REQUEST = 2,
	FREE_ON_DOWN = 4,
	FREE_ON_CLOSED = 8,
	CLOSE_ON_UP = 16,
	STOP_ON_REQUEST = 32,
	REUSE_IDS = 64
};

struct gateway {
	struct pptp_conn *conn; /* NULL: freed */
	uint8_t how;
	uint64_t now;
	unsigned int n_calls, closed;
	uint8_t down[MAX_CALLS];
};

static void
check(int good)
{
	if (!good)
		abort();
}

static void
gone(struct gateway *g)
{
	pptp_free(g->conn);
	g->conn = NULL;
}

static void
on_send(void *user, const uint8_t *bytes, size_t len)
{
	struct gateway *g = user;
	struct pptp_message m;

	check(g->conn && !g->closed);
	check(pptp_message_decode(&m, bytes, len) == 0);
}

static enum refusal_code
on_call_request(void *user, const struct pptp_call_request *req, uint16_t *our_call_id, void **call)
{
	struct gateway *g = user;

	check(g->conn && !g->closed);
	if (g->how & FREE_ON_REQUEST)
		gone(g);
	else if (g->how & STOP_ON_REQUEST)
		pptp_close(g->conn, REFUSAL_SERVER_STOPPING, g->now);
	if ((g->how & REFUSE && req->peer_call_id & 1) || g->n_calls == MAX_CALLS)
		return req->peer_call_id % (REFUSAL_COUNT - 1) + 1;
	*our_call_id = (uint16_t)(g->how & REUSE_IDS ? g->n_calls & 3 : g->n_calls + 1);
	*call = &g->down[g->n_calls++];
	return REFUSAL_NONE;
}

static void
on_call_up(void *user, void *call)
{
	struct gateway *g = user;

	check(g->conn && !g->closed && *(uint8_t *)call == 0);
	if (g->how & CLOSE_ON_UP)
		pptp_call_close(g->conn, call, REFUSAL_NO_RESOURCES, g->now);
}

static void
on_link_info(void *user, void *call, uint32_t send_accm, uint32_t recv_accm)
{
	struct gateway *g = user;

	(void)send_accm;
	(void)recv_accm;
	check(g->conn && !g->closed && *(uint8_t *)call == 0);
}

static void
on_call_down(void *user, void *call, enum refusal_code why, const char *text)
{
	struct gateway *g = user;

	check(g->conn && !g->closed && ++*(uint8_t *)call == 1 && text && why < REFUSAL_COUNT);
	if (g->how & FREE_ON_DOWN)
		gone(g);
}

static void
on_closed(void *user, enum refusal_code why, const char *text)
{
	struct gateway *g = user;
	unsigned int i;

	check(g->conn && ++g->closed == 1 && text && why < REFUSAL_COUNT);
	for (i = 0; i < g->n_calls; i++)
		check(g->down[i] == 1);
	if (g->how & FREE_ON_CLOSED)
		gone(g);
}

static void
time_passes(struct gateway *g, uint64_t until)
{
	unsigned int steps = 0;

	while (g->conn && pptp_next_timer(g->conn) <= until) {
		check(++steps < 100);
		if (pptp_next_timer(g->conn) > g->now)
			g->now = pptp_next_timer(g->conn);
		pptp_timer(g->conn, g->now);
	}
	g->now = until;
}

/* Takes one step off the input and returns how many octets it was. */
static size_t
step(struct gateway *g, const uint8_t *data, size_t size)
{
	uint8_t message[PPTP_MESSAGE_MAX];
	struct pptp_message m = {.type = data[1] % PPTP_TYPE_END};
	size_t n = data[1], len;

	switch (data[0] & 7) {
	case 4:
		len = pptp_message_encode(&m, message);
		n = size - 2 < BODY ? size - 2 : BODY;
		if (len > PPTP_HEADER_LEN)
			memcpy(message + PPTP_HEADER_LEN, data + 2,
				n < len - PPTP_HEADER_LEN ? n : len - PPTP_HEADER_LEN);
		pptp_input(g->conn, message, len, g->now);
		return 2 + n;
	case 5:
		time_passes(g, g->now + n * 500);
		return 2;
	case 6:
		pptp_call_close(g->conn, &g->down[n], REFUSAL_ADMIN_DISCONNECT, g->now);
		return 2;
	case 7:
		if (n & 1)
			pptp_eof(g->conn, g->now);
		else
			pptp_close(g->conn, REFUSAL_SERVER_STOPPING, g->now);
		return 2;
	default:
		n = size - 2 < n ? size - 2 : n;
		pptp_input(g->conn, data + 2, n, g->now);
		return 2 + n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pptp_ops ops = {
		on_send, on_call_request, on_call_up, on_link_info, on_call_down, on_closed, NULL};
	static const struct pptp_config cfg = {.host_name = "gateway",
		.vendor = "Adit",
		.max_channels = 128,
		.max_calls = 3,
		.start_timeout_ms = 30000,
		.echo_interval_ms = 60000,
		.echo_timeout_ms = 60000,
		.stop_timeout_ms = 5000};
	struct gateway g = {.now = 1};

	if (size < 1)
		return 0;
	g.how = *data++;
	size--;
	g.conn = pptp_new(&cfg, &ops, &g, g.now);
	if (!g.conn)
		return 0;
	while (size >= 2 && g.conn) {
		size_t n = step(&g, data, size);

		data += n;
		size -= n;
	}
	pptp_free(g.conn);
	return 0;
}
