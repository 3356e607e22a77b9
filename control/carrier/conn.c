/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP: listeners and PPTP control connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/gateway_internal.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_TRIES   10
#define LISTEN_WAIT_MS 200
#define LINGER_MS      2000 /* for the last bytes of a connection that is over */

/* ------------------------------------------------------------------ one connection */

static void
conn_handle_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct gateway *g = c->g;
	if (--c->n_handles == 0)
		free(c);
	gateway_handle_closed(g);
}

/* Off the lists; the memory goes when libuv is done with the handles. */
static void
conn_drop(struct conn *c)
{
	struct gateway *g = c->g;
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	pptp_free(c->pptp);
	c->pptp = NULL;
	strangers_remove(&g->conn_strangers, &c->stranger);
	TAILQ_REMOVE(&g->conns, c, next);
	LIST_REMOVE(c, bucket);
	g->n_conns--;
	uv_close((uv_handle_t *)&c->tcp, conn_handle_closed);
	uv_close((uv_handle_t *)&c->timer, conn_handle_closed);
}

static void
conn_flushed(uv_shutdown_t *req, int status)
{
	struct conn *c = req->data;
	(void)status;
	conn_drop(c);
}

static void
conn_timer(uv_timer_t *t)
{
	struct conn *c = t->data;
	c->timer_due = UINT64_MAX;
	if (!c->pptp) {
		conn_drop(c); /* it does not read our last bytes */
		return;
	}
	pptp_timer(c->pptp, uv_now(c->g->loop));
	conn_settle(c);
}

static void
conn_arm(struct conn *c, uint64_t due)
{
	uint64_t now = uv_now(c->g->loop);
	if (due == c->timer_due)
		return;
	c->timer_due = due;
	if (due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, conn_timer, due > now ? due - now : 0, 0);
}

/* After each call into the machine: it may be over now, or have another timer. */
void
conn_settle(struct conn *c)
{
	if (!c->pptp)
		return;
	if (c->broken && !c->over)
		pptp_eof(c->pptp, uv_now(c->g->loop));
	if (!c->over) {
		conn_arm(c, pptp_next_timer(c->pptp));
		return;
	}
	pptp_free(c->pptp);
	c->pptp = NULL;
	uv_read_stop((uv_stream_t *)&c->tcp);
	c->shutdown.data = c;
	if (c->broken || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, conn_flushed) != 0)
		conn_drop(c);
	else
		conn_arm(c, uv_now(c->g->loop) + LINGER_MS);
}

void
conn_close(struct conn *c, enum refusal_code why)
{
	if (!c->pptp)
		return;
	pptp_close(c->pptp, why, uv_now(c->g->loop));
	conn_settle(c);
}

void
conn_abort(struct conn *c)
{
	if (c->pptp) {
		c->broken = true;
		conn_settle(c);
	}
	conn_drop(c);
}

struct write {
	uv_write_t req;
	char bytes[];
};

static void
write_done(uv_write_t *req, int status)
{
	struct conn *c = req->data;
	free(req);
	if (status < 0 && status != UV_ECANCELED && c->pptp) {
		c->broken = true;
		conn_settle(c);
	}
}

static void
conn_send(void *user, const uint8_t *bytes, size_t len)
{
	struct conn *c = user;
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;
	if (c->broken)
		return;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned int)len);
	int n = uv_try_write(stream, &buf, 1);
	if (n == UV_EAGAIN)
		n = 0;
	size_t left = n >= 0 ? len - (size_t)n : len;
	if (left == 0)
		return;
	struct write *w = NULL;
	if (n >= 0 && uv_stream_get_write_queue_size(stream) + left <= CONN_WRITE_MAX)
		w = malloc(sizeof(*w) + left);
	if (w) {
		memcpy(w->bytes, bytes + len - left, left);
		w->req.data = c;
		buf = uv_buf_init(w->bytes, (unsigned int)left);
		if (uv_write(&w->req, stream, &buf, 1, write_done) == 0)
			return;
		free(w);
	}
	c->broken = true; /* conn_settle() ends it */
}

static void
pptp_attach(struct session *s, const struct session_origin *origin)
{
	s->conn = origin->conn;
}

static void
pptp_add(const struct session *s, struct command *cmd)
{
	(void)s;
	(void)cmd;
}

static void
pptp_call_over(struct session *s, enum refusal_code why)
{
	struct conn *c = s->conn;
	if (!c->pptp)
		return;
	pptp_call_close(c->pptp, s, why, uv_now(s->g->loop));
	conn_settle(c);
}

static void
pptp_release(struct session *s)
{
	(void)s;
}

static void
pptp_describe(const struct session *s, struct gateway_session *out)
{
	(void)s;
	(void)out;
}

static void
pptp_authenticated(struct session *s)
{
	if (s->attached)
		strangers_remove(&s->g->conn_strangers, &s->conn->stranger);
}

const struct carrier pptp_carrier = {
	.name = "pptp",
	.protocol = TUNNEL_PPTP,
	.attach = pptp_attach,
	.add = pptp_add,
	.close = pptp_call_over,
	.release = pptp_release,
	.describe = pptp_describe,
	.authenticated = pptp_authenticated,
};

static enum refusal_code
conn_call_request(
	void *user, const struct pptp_call_request *req, uint16_t *our_call_id, void **call)
{
	struct conn *c = user;
	struct session_origin origin = {.carrier = &pptp_carrier,
		.ppp = &c->g->cfg->ppp,
		.conn = c,
		.peer_ip = c->peer_ip,
		.server_ip = c->server_ip,
		.peer_call_id = req->peer_call_id,
		/* However often it calls until it has authenticated. */
		.begun_ms = c->stranger.of ? c->begun_ms : uv_now(c->g->loop)};
	struct session *s = NULL;
	c->had_call = true;
	enum refusal_code why = session_request(c->g, &origin, &s);
	if (why == REFUSAL_NONE) {
		*our_call_id = s->call_id;
		*call = s;
		return why;
	}
	session_refused(c->g, &pptp_carrier, c->peer_ip, why, NULL);
	return why;
}

static void
conn_call_refused(void *user, enum refusal_code why, const char *text)
{
	struct conn *c = user;
	session_refused(c->g, &pptp_carrier, c->peer_ip, why, text);
}

static void
conn_call_up(void *user, void *call)
{
	(void)user;
	session_start(call);
}

static void
conn_call_link_info(void *user, void *call, uint32_t send_accm, uint32_t recv_accm)
{
	/* Nothing to do: PPP in GRE is not escaped (RFC 2637 section 4). */
	(void)user;
	(void)call;
	(void)send_accm;
	(void)recv_accm;
}

static void
conn_call_down(void *user, void *call, enum refusal_code why, const char *text)
{
	struct session *s = call;
	(void)user;
	s->attached = false;
	session_end(s, why, text);
}

static void
conn_closed(void *user, enum refusal_code why, const char *text)
{
	struct conn *c = user;
	char peer[16], quoted[128];
	c->over = true;
	if (c->had_call || why == REFUSAL_NONE || why == REFUSAL_PEER_CLOSED ||
		why == REFUSAL_SERVER_STOPPING) {
		log_event(LOG_DEBUG, "connection-closed", "peer=%s code=%s",
			log_ip(peer, c->peer_ip), refusal_name(why));
		return;
	}
	gateway_refusal(c->g, why);
	if (gateway_may_log(c->g, why, c->peer_ip))
		log_event(LOG_NOTICE, "connection-refused",
			"protocol=pptp peer=%s code=%s text=%s remedy=\"%s\"",
			log_ip(peer, c->peer_ip), refusal_name(why),
			log_quote(quoted, sizeof(quoted), text && *text ? text : refusal_text(why)),
			refusal_remedy(why));
}

static const struct pptp_ops conn_ops = {
	.send = conn_send,
	.call_request = conn_call_request,
	.call_up = conn_call_up,
	.call_link_info = conn_call_link_info,
	.call_down = conn_call_down,
	.closed = conn_closed,
	.call_refused = conn_call_refused,
};

static void
conn_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = h->data;
	(void)suggested;
	/* One buffer for all: it is consumed before the next read. */
	*buf = uv_buf_init(c->g->read_buffer, sizeof(c->g->read_buffer));
}

static void
conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	if (!c->pptp || n == 0)
		return;
	if (n < 0) {
		uv_read_stop(stream);
		pptp_eof(c->pptp, uv_now(c->g->loop));
		/* Half-closed by the peer or reset: no answer is awaited. */
		c->broken = n != UV_EOF;
	} else {
		pptp_input(c->pptp, (const uint8_t *)buf->base, (size_t)n, uv_now(c->g->loop));
	}
	conn_settle(c);
}

/* ------------------------------------------------------------------ listeners */

static uint32_t
name_ip(int (*get)(const uv_tcp_t *, struct sockaddr *, int *), const uv_tcp_t *tcp)
{
	struct sockaddr_in sa;
	int len = sizeof(sa);
	if (get(tcp, (struct sockaddr *)&sa, &len) != 0 || sa.sin_family != AF_INET)
		return 0;
	return ntohl(sa.sin_addr.s_addr);
}

static unsigned int
bucket_of(uint32_t ip)
{
	return (ip * 2654435761u) >> 22; /* 10 bits: CONN_BUCKETS */
}

/* T24: room for one more, if need be at the expense of another that has not authenticated. */
static enum refusal_code
conn_room(struct gateway *g, uint32_t peer_ip)
{
	uint32_t known = g->n_conns - g->conn_strangers.n, most = g->cfg->pptp_max_connections;
	struct stranger *out = NULL;
	if (known >= most)
		return REFUSAL_CONNECTIONS_FULL;
	if (!strangers_admit(&g->conn_strangers, &g->cfg->strangers, most - known, peer_ip,
		    uv_now(g->loop), &out))
		return REFUSAL_CONNECTIONS_FULL;
	if (out)
		conn_abort((struct conn *)((char *)out - offsetof(struct conn, stranger)));
	return REFUSAL_NONE;
}

/* T6, T13: what one address, and all of them, may hold open. */
static enum refusal_code
conn_limit(struct gateway *g, uint32_t peer_ip)
{
	const struct conn *other;
	unsigned int n = 0;
	LIST_FOREACH (other, &g->buckets[bucket_of(peer_ip)], bucket)
		n += other->peer_ip == peer_ip;
	return n >= g->cfg->pptp_max_connections_per_address ? REFUSAL_ADDRESS_LIMIT
							     : conn_room(g, peer_ip);
}

/* Which setting the refusal is about. */
static const char *
limit_text(enum refusal_code why)
{
	switch (why) {
	case REFUSAL_CONNECTIONS_FULL:
		return "pptp.max_connections is reached";
	case REFUSAL_ADDRESS_LIMIT:
		return "pptp.max_connections_per_address is reached";
	default:
		return refusal_text(why);
	}
}

static void
conn_accepted(struct gateway *g, struct conn *c)
{
	char peer[16];
	c->peer_ip = name_ip(uv_tcp_getpeername, &c->tcp);
	c->server_ip = name_ip(uv_tcp_getsockname, &c->tcp);
	enum refusal_code why = conn_limit(g, c->peer_ip);
	if (why == REFUSAL_NONE && (c->peer_ip == 0 || c->server_ip == 0))
		why = REFUSAL_CONTROL_LOST;
	c->begun_ms = uv_now(g->loop);
	if (why == REFUSAL_NONE &&
		!strangers_add(&g->conn_strangers, &c->stranger, c->peer_ip, c->begun_ms))
		why = REFUSAL_NO_RESOURCES;
	if (why == REFUSAL_NONE) {
		c->pptp = pptp_new(&g->cfg->pptp, &conn_ops, c, uv_now(g->loop));
		if (!c->pptp)
			why = REFUSAL_NO_RESOURCES;
	}
	if (why == REFUSAL_NONE) {
		TAILQ_INSERT_TAIL(&g->conns, c, next);
		LIST_INSERT_HEAD(&g->buckets[bucket_of(c->peer_ip)], c, bucket);
		g->n_conns++;
		uv_tcp_nodelay(&c->tcp, 1);
		uv_tcp_keepalive(&c->tcp, 1, 60);
		uv_read_start((uv_stream_t *)&c->tcp, conn_alloc, conn_read);
		conn_settle(c);
		return;
	}
	strangers_remove(&g->conn_strangers, &c->stranger);
	gateway_refusal(g, why);
	if (gateway_may_log(g, why, c->peer_ip))
		log_event(LOG_NOTICE, "connection-refused",
			"protocol=pptp peer=%s code=%s text=\"%s\" remedy=\"%s\"",
			log_ip(peer, c->peer_ip), refusal_name(why), limit_text(why),
			refusal_remedy(why));
	uv_close((uv_handle_t *)&c->tcp, conn_handle_closed);
	uv_close((uv_handle_t *)&c->timer, conn_handle_closed);
}

static void
listener_ready(uv_stream_t *server, int status)
{
	struct gateway *g = server->data;
	if (status < 0) {
		if (gateway_may_log(g, REFUSAL_NO_RESOURCES, 0))
			log_event(LOG_ERR, "accept-failed", "error=\"%s\"", uv_strerror(status));
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return; /* libuv rests the listener then: out of memory, nobody else gets in either
			 */
	c->g = g;
	c->timer_due = UINT64_MAX;
	uv_tcp_init(g->loop, &c->tcp);
	uv_timer_init(g->loop, &c->timer);
	c->tcp.data = c->timer.data = c;
	c->n_handles = 2;
	g->n_handles += 2;
	if (uv_accept(server, (uv_stream_t *)&c->tcp) == 0) {
		conn_accepted(g, c);
		return;
	}
	uv_close((uv_handle_t *)&c->tcp, conn_handle_closed);
	uv_close((uv_handle_t *)&c->timer, conn_handle_closed);
}

/* A bound socket, or a negative errno. IP_FREEBIND: the address may come later, with the data
 * plane's TAP. */
static int
listener_socket(uint32_t ip, uint16_t port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
	int on = 1, err;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
		bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static void
listener_closed(uv_handle_t *h)
{
	gateway_handle_closed(h->data);
}

bool
gateway_listen(struct gateway *g, char *err, size_t errlen)
{
	int fds[CONFIG_MAX_LISTEN];
	char ip[16];
	unsigned int n = 0;
	for (; n < g->cfg->n_pptp_listen; n++) {
		/* A predecessor may still be about to end. */
		for (int i = 0; i < LISTEN_TRIES; i++) {
			fds[n] = listener_socket(g->cfg->pptp_listen[n], g->cfg->pptp_port);
			if (fds[n] != -EADDRINUSE)
				break;
			usleep(LISTEN_WAIT_MS * 1000);
		}
		if (fds[n] < 0)
			break;
	}
	if (n < g->cfg->n_pptp_listen) {
		snprintf(err, errlen, "can't listen on %s port %u: %s%s",
			log_ip(ip, g->cfg->pptp_listen[n]), g->cfg->pptp_port, strerror(-fds[n]),
			fds[n] == -EADDRINUSE ? " (does another PPTP server run?)" : "");
		while (n-- > 0)
			close(fds[n]);
		return false;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct listener *l = &g->listeners[i];
		uv_tcp_init(g->loop, &l->tcp);
		l->tcp.data = g;
		l->open = true;
		g->n_handles++;
		int rc = uv_tcp_open(&l->tcp, fds[i]);
		if (rc == 0)
			rc = uv_listen((uv_stream_t *)&l->tcp, LISTEN_BACKLOG, listener_ready);
		else
			close(fds[i]);
		if (rc != 0) {
			snprintf(err, errlen, "can't listen on %s port %u: %s",
				log_ip(ip, g->cfg->pptp_listen[i]), g->cfg->pptp_port,
				uv_strerror(rc));
			while (++i < n)
				close(fds[i]);
			return false;
		}
		log_event(LOG_INFO, "listening", "protocol=pptp address=%s port=%u",
			log_ip(ip, g->cfg->pptp_listen[i]), g->cfg->pptp_port);
	}
	return true;
}

void
gateway_unlisten(struct gateway *g)
{
	for (unsigned int i = 0; i < CONFIG_MAX_LISTEN; i++) {
		if (g->listeners[i].open)
			uv_close((uv_handle_t *)&g->listeners[i].tcp, listener_closed);
		g->listeners[i].open = false;
	}
}
