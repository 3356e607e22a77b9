/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP's control connections. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "control/carrier/pptp.h"
#include "control/core/log.h"
#include "control/core/timer.h"

#define LINGER_MS 2000  /* for the last bytes of a connection that is over */
#define WRITE_MAX 65536 /* octets waiting for a slow reader */

static const struct session_env *
env_of(const struct conn *c)
{
	return &c->carrier->c.all->env;
}

static uint64_t
now_ms(const struct conn *c)
{
	return uv_now(env_of(c)->loop);
}

/* ------------------------------------------------------------------ one connection */

static void
conn_handle_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct handles *handles = env_of(c)->handles;
	if (--c->n_handles == 0)
		free(c);
	handles_closed(handles);
}

/* Off the lists; the memory goes when libuv is done with the handles. */
static void
conn_drop(struct conn *c)
{
	struct pptp_carrier *p = c->carrier;
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	pptp_free(c->pptp);
	c->pptp = NULL;
	strangers_remove(&p->strangers, &c->stranger);
	TAILQ_REMOVE(&p->conns, c, next);
	LIST_REMOVE(c, bucket);
	p->n_conns--;
	/* R3: PPTP was turned off, and those who stayed have gone. */
	if (p->n_conns == 0 && carrier_limit(&p->c) == 0 && env_of(c)->edge)
		env_of(c)->edge(env_of(c)->user);
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
	pptp_timer(c->pptp, now_ms(c));
	conn_settle(c);
}

static void
conn_arm(struct conn *c, uint64_t due)
{
	timer_arm(&c->timer, &c->timer_due, due, conn_timer);
}

/* After each call into the machine: it may be over now, or have another timer. */
void
conn_settle(struct conn *c)
{
	if (!c->pptp)
		return;
	if (c->broken && !c->over)
		pptp_eof(c->pptp, now_ms(c));
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
		conn_arm(c, now_ms(c) + LINGER_MS);
}

void
conn_close(struct conn *c, enum refusal_code why)
{
	if (!c->pptp)
		return;
	pptp_close(c->pptp, why, now_ms(c));
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

void
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
	if (n >= 0 && uv_stream_get_write_queue_size(stream) + left <= WRITE_MAX)
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

void
conn_closed(void *user, enum refusal_code why, const char *text)
{
	struct conn *c = user;
	char peer[16];
	c->over = true;
	if (c->had_call || why == REFUSAL_NONE || why == REFUSAL_PEER_CLOSED ||
		why == REFUSAL_SERVER_STOPPING) {
		log_event(LOG_DEBUG, "connection-closed", "peer=%s code=%s",
			log_ip(peer, c->peer_ip), refusal_name(why));
		return;
	}
	refuse(env_of(c)->refusals, why, c->peer_ip, "connection-refused", text,
		"protocol=%s peer=%s", c->carrier->c.name, log_ip(peer, c->peer_ip));
}

static void
conn_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = h->data;
	(void)suggested;
	/* One buffer for all: it is consumed before the next read. */
	*buf = uv_buf_init(c->carrier->read_buffer, CONN_READ_BUFFER);
}

static void
conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	if (!c->pptp || n == 0)
		return;
	if (n < 0) {
		uv_read_stop(stream);
		pptp_eof(c->pptp, now_ms(c));
		/* Half-closed by the peer or reset: no answer is awaited. */
		c->broken = n != UV_EOF;
	} else {
		pptp_input(c->pptp, (const uint8_t *)buf->base, (size_t)n, now_ms(c));
	}
	conn_settle(c);
}

/* ------------------------------------------------------------------ newcomers */

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
conn_room(struct pptp_carrier *p, uint32_t peer_ip)
{
	const struct session_env *env = &p->c.all->env;
	uint32_t known = p->n_conns - p->strangers.n, most = env->cfg->pptp_max_connections;
	struct stranger *out = NULL;
	if (known >= most)
		return REFUSAL_CONNECTIONS_FULL;
	if (!strangers_admit(&p->strangers, &env->cfg->strangers, most - known, peer_ip,
		    uv_now(env->loop), &out))
		return REFUSAL_CONNECTIONS_FULL;
	if (out)
		conn_abort((struct conn *)((char *)out - offsetof(struct conn, stranger)));
	return REFUSAL_NONE;
}

/* T6, T13: what one address, and all of them, may hold open. */
static enum refusal_code
conn_limit(struct pptp_carrier *p, uint32_t peer_ip)
{
	const struct conn *other;
	unsigned int n = 0;
	LIST_FOREACH (other, &p->buckets[bucket_of(peer_ip)], bucket)
		n += other->peer_ip == peer_ip;
	return n >= p->c.all->env.cfg->pptp_max_connections_per_address ? REFUSAL_ADDRESS_LIMIT
									: conn_room(p, peer_ip);
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

/* REFUSAL_NONE: it has a machine and a place on the lists. */
static enum refusal_code
conn_enter(struct pptp_carrier *p, struct conn *c)
{
	enum refusal_code why = conn_limit(p, c->peer_ip);
	if (why != REFUSAL_NONE)
		return why;
	if (c->peer_ip == 0 || c->server_ip == 0)
		return REFUSAL_CONTROL_LOST;
	if (!strangers_add(&p->strangers, &c->stranger, c->peer_ip, c->begun_ms))
		return REFUSAL_NO_RESOURCES;
	c->pptp = pptp_new(&env_of(c)->cfg->pptp, &conn_ops, c, c->begun_ms);
	if (!c->pptp) {
		strangers_remove(&p->strangers, &c->stranger);
		return REFUSAL_NO_RESOURCES;
	}
	TAILQ_INSERT_TAIL(&p->conns, c, next);
	LIST_INSERT_HEAD(&p->buckets[bucket_of(c->peer_ip)], c, bucket);
	p->n_conns++;
	return REFUSAL_NONE;
}

/* False: it is refused. */
static bool
conn_accepted(struct conn *c, uint32_t listens_at)
{
	char peer[16];
	c->peer_ip = name_ip(uv_tcp_getpeername, &c->tcp);
	c->server_ip = listens_at ? listens_at : name_ip(uv_tcp_getsockname, &c->tcp);
	c->begun_ms = now_ms(c);
	enum refusal_code why = conn_enter(c->carrier, c);
	if (why != REFUSAL_NONE) {
		refuse(env_of(c)->refusals, why, c->peer_ip, "connection-refused", limit_text(why),
			"protocol=%s peer=%s", c->carrier->c.name, log_ip(peer, c->peer_ip));
		return false;
	}
	uv_read_start((uv_stream_t *)&c->tcp, conn_alloc, conn_read);
	conn_settle(c);
	return true;
}

void
conn_accept(void *carrier, uv_stream_t *listener)
{
	struct pptp_carrier *p = carrier;
	const struct session_env *env = &p->c.all->env;
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return; /* libuv rests the listener: out of memory, nobody else gets in either */
	c->carrier = p;
	c->timer_due = UINT64_MAX;
	uv_tcp_init(env->loop, &c->tcp);
	uv_timer_init(env->loop, &c->timer);
	c->tcp.data = c->timer.data = c;
	c->n_handles = 2;
	handles_add(env->handles, 2);
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) == 0 &&
		conn_accepted(c, listener_address(listener)))
		return;
	uv_close((uv_handle_t *)&c->tcp, conn_handle_closed);
	uv_close((uv_handle_t *)&c->timer, conn_handle_closed);
}
