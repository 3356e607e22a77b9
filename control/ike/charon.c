/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/charon.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/ike/connection.h"
#include "control/ike/round.h"

#define RETRY_MS        500
#define ANSWER_MS       10000
#define EXPIRY_WARN_DAY 30

struct charon {
	uv_loop_t *loop;
	const struct ike_config *cfg;
	struct credential cred;
	bool allow_weak;
	uv_timer_t tick;
	uv_pipe_t *pipe;         /* NULL: none, or closing */
	bool connected, waiting; /* for an answer */
	unsigned int n_handles;
	struct round round;
	bool again, end; /* what the next rounds are for: connections, the end of all IKE SAs */
	bool busy, done; /* in a round; all is configured */
	unsigned int failures[ROUND_END + 1]; /* of the last round of each kind */
	char problem[256];
	uint64_t asked_ms;
	uint8_t *in;
	size_t in_len, in_size;
	bool freeing;
	void (*closed)(void *user);
	void *user;
};

struct writing {
	uv_write_t req;
	struct vici v;
};

static void request_next(struct charon *c);

/* ------------------------------------------------------------------ files */

/* Root's while there is something to write in it: a service manager may leave root few
 * capabilities.
 */
static bool
make_directory(const struct ike_config *cfg, const struct group *gr, char *err, size_t errlen)
{
	if (*cfg->charon_user && !getpwnam(cfg->charon_user)) {
		snprintf(err, errlen, "ipsec.charon_user: no such user: %s", cfg->charon_user);
		return false;
	}
	/* The group has to get in, whatever the umask. */
	bool ok = mkdir(cfg->directory, 0750) == 0 ? chmod(cfg->directory, 0750) == 0
						   : errno == EEXIST;
	if (ok && geteuid() == 0 && (gr || *cfg->charon_user))
		ok = chown(cfg->directory, 0, gr ? gr->gr_gid : (gid_t)-1) == 0;
	if (!ok)
		snprintf(err, errlen, "ipsec.directory %s: %s", cfg->directory, strerror(errno));
	return ok;
}

bool
charon_give_directory(const struct ike_config *cfg)
{
	const struct passwd *pw = *cfg->charon_user ? getpwnam(cfg->charon_user) : NULL;
	return !pw || geteuid() != 0 || chown(cfg->directory, pw->pw_uid, (gid_t)-1) == 0;
}

bool
charon_write_conf(const struct ike_config *cfg, gid_t group, char *err, size_t errlen)
{
	char path[128], temporary[144];
	const struct group *gr = group != (gid_t)-1 ? getgrgid(group) : NULL;
	if (gr && strcmp(gr->gr_name, "nogroup") == 0)
		log_event(LOG_WARNING, "privileges",
			"text=\"charon's control socket is open to nogroup, to which others "
			"belong\" "
			"remedy=\"give control.user a user with a group of its own, such as "
			"adit\"");
	if (!make_directory(cfg, gr, err, errlen))
		return false;
	snprintf(path, sizeof(path), "%s/strongswan.conf", cfg->directory);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	FILE *f = fopen(temporary, "w");
	bool ok = f && connection_write_conf(cfg, gr ? gr->gr_name : "", f);
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok || chmod(temporary, 0644) != 0 || rename(temporary, path) != 0) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		unlink(temporary);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ life */

static void
handle_closed(struct charon *c)
{
	if (--c->n_handles > 0 || !c->freeing)
		return;
	void (*closed)(void *user) = c->closed;
	void *user = c->user;
	round_end(&c->round);
	credential_wipe(&c->cred);
	free(c->in);
	free(c);
	if (closed)
		closed(user);
}

static void
pipe_closed(uv_handle_t *h)
{
	struct charon *c = h->data;
	free(h);
	handle_closed(c);
}

static void
timer_closed(uv_handle_t *h)
{
	handle_closed(h->data);
}

static void
hang_up(struct charon *c, const char *why)
{
	if (c->pipe)
		uv_close((uv_handle_t *)c->pipe, pipe_closed);
	c->pipe = NULL;
	if (c->connected && !c->freeing)
		log_event(LOG_WARNING, "charon-lost", "reason=\"%s\"", why);
	snprintf(c->problem, sizeof(c->problem), "charon is not reachable: %s", why);
	c->connected = c->waiting = c->done = false;
	c->in_len = 0;
}

/* ------------------------------------------------------------------ answers */

static void
take_answer(struct charon *c, const uint8_t *bytes, size_t len)
{
	struct vici_answer a;
	if (len > 0 && bytes[0] == VICI_EVENT) {
		c->asked_ms = uv_now(c->loop);
		round_event(&c->round, bytes, len);
		return;
	}
	if (!c->waiting || !vici_parse(bytes, len, &a)) {
		hang_up(c, "it speaks another language than VICI");
		return;
	}
	c->waiting = false;
	const char *why = round_answer(&c->round, bytes, len, &a);
	if (why) {
		char text[256];
		log_quote(text, sizeof(text), why);
		log_event(LOG_ERR, "charon-refused", "what=\"%s\" text=%s", c->round.what, text);
		snprintf(c->problem, sizeof(c->problem), "charon refused the %s: %.150s",
			c->round.what, why);
	}
	request_next(c);
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct charon *c = h->data;
	(void)suggested;
	if (c->in_size - c->in_len < 4096) {
		uint8_t *grown = realloc(c->in, c->in_size + 16384);
		if (grown) {
			c->in = grown;
			c->in_size += 16384;
		}
	}
	buf->base = (char *)c->in + c->in_len;
	buf->len = c->in_size - c->in_len;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct charon *c = stream->data;
	(void)buf;
	if ((uv_pipe_t *)stream != c->pipe)
		return;
	if (n < 0) {
		hang_up(c, n == UV_EOF ? "it hung up" : uv_strerror((int)n));
		return;
	}
	c->in_len += (size_t)n;
	while (c->in_len >= 4) {
		size_t len = (size_t)c->in[0] << 24 | (size_t)c->in[1] << 16 |
			     (size_t)c->in[2] << 8 | c->in[3];
		if (len > VICI_PACKET_MAX) {
			hang_up(c, "it sends too much");
			return;
		}
		if (c->in_len < 4 + len)
			return;
		take_answer(c, c->in + 4, len);
		if (!c->pipe)
			return;
		c->in_len -= 4 + len;
		memmove(c->in, c->in + 4 + len, c->in_len);
	}
}

/* ------------------------------------------------------------------ requests */

static void
on_written(uv_write_t *req, int status)
{
	struct writing *w = req->data;
	(void)status; /* a broken pipe is read, too */
	vici_free(&w->v);
	free(w);
}

static void
send_request(struct charon *c, struct vici *v)
{
	struct writing *w = vici_end(v) ? calloc(1, sizeof(*w)) : NULL;
	if (!w) {
		vici_free(v);
		hang_up(c, "out of memory");
		return;
	}
	w->v = *v;
	w->req.data = w;
	uv_buf_t buf = uv_buf_init((char *)w->v.bytes, (unsigned int)w->v.len);
	c->waiting = true;
	c->asked_ms = uv_now(c->loop);
	if (uv_write(&w->req, (uv_stream_t *)c->pipe, &buf, 1, on_written) != 0) {
		vici_free(&w->v);
		free(w);
		hang_up(c, "it can't be written to");
	}
}

static void
round_through(struct charon *c)
{
	c->failures[c->round.kind] = c->round.failures;
	if (c->round.kind == ROUND_END || c->again)
		return;
	c->done = c->failures[ROUND_ALL] + c->failures[ROUND_CONNECTIONS] == 0;
	if (!c->done)
		return;
	c->problem[0] = '\0';
	log_event(LOG_NOTICE, "charon-configured", "weak_crypto=%s", c->allow_weak ? "yes" : "no");
}

static void
round_start(struct charon *c, enum round_kind kind)
{
	c->busy = true;
	round_begin(&c->round, kind, c->cfg, &c->cred, c->allow_weak);
}

static void
request_next(struct charon *c)
{
	struct vici v;
	while (!round_next(&c->round, &v)) {
		if (c->busy)
			round_through(c);
		c->busy = false;
		if (!c->again && !c->end)
			return;
		round_start(c, c->again ? ROUND_CONNECTIONS : ROUND_END);
		if (c->again)
			c->again = false;
		else
			c->end = false;
	}
	send_request(c, &v);
}

/* Begins a round, or leaves it to the one that is under way. */
static void
ask_for(struct charon *c, bool *due)
{
	*due = true;
	if (c->connected && !c->waiting)
		request_next(c);
}

static void
on_connect(uv_connect_t *req, int status)
{
	struct charon *c = req->data;
	bool current = (uv_pipe_t *)req->handle == c->pipe;
	free(req);
	if (!current)
		return;
	if (status < 0) {
		hang_up(c, uv_strerror(status));
		return;
	}
	c->connected = true;
	c->again = false;
	c->failures[ROUND_CONNECTIONS] = 0;
	round_start(c, ROUND_ALL);
	uv_read_start((uv_stream_t *)c->pipe, on_alloc, on_read);
	request_next(c);
}

static void
begin_connect(struct charon *c)
{
	char path[108];
	uv_connect_t *req = calloc(1, sizeof(*req));
	uv_pipe_t *pipe = calloc(1, sizeof(*pipe));
	if (!req || !pipe) {
		free(req);
		free(pipe);
		return;
	}
	snprintf(path, sizeof(path), "%s/vici.sock", c->cfg->directory);
	uv_pipe_init(c->loop, pipe, 0);
	c->n_handles++;
	pipe->data = req->data = c;
	c->pipe = pipe;
	uv_pipe_connect(req, pipe, path, on_connect);
}

static void
on_tick(uv_timer_t *t)
{
	struct charon *c = t->data;
	if (!c->pipe)
		begin_connect(c);
	else if (c->waiting && uv_now(c->loop) - c->asked_ms > ANSWER_MS)
		hang_up(c, "it does not answer");
}

struct charon *
charon_new(uv_loop_t *loop, const struct ike_config *cfg, char *err, size_t errlen)
{
	struct charon *c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if (!credential_load(cfg, &c->cred, err, errlen)) {
		free(c);
		return NULL;
	}
	if (c->cred.certificate.len && c->cred.days_left < EXPIRY_WARN_DAY)
		log_event(LOG_WARNING, "certificate-expires",
			"days=%d "
			"remedy=\"renew the gateway's certificate\"",
			c->cred.days_left);
	if (c->cred.crl_expired)
		log_event(LOG_WARNING, "crl-expired",
			"file=%s remedy=\"get the CA's present list; with ipsec.revocation = "
			"strict nobody gets in until then\"",
			cfg->crl);
	c->loop = loop;
	c->cfg = cfg;
	c->allow_weak = cfg->allow_weak_crypto;
	snprintf(c->problem, sizeof(c->problem), "charon has not been reached yet");
	uv_timer_init(loop, &c->tick);
	c->tick.data = c;
	c->n_handles = 1;
	uv_timer_start(&c->tick, on_tick, 0, RETRY_MS);
	return c;
}

void
charon_free(struct charon *c, void (*closed)(void *user), void *user)
{
	c->freeing = true;
	c->closed = closed;
	c->user = user;
	hang_up(c, "stopping");
	uv_close((uv_handle_t *)&c->tick, timer_closed);
}

void
charon_settings_changed(struct charon *c)
{
	if (c->connected)
		ask_for(c, &c->again);
}

void
charon_set_weak(struct charon *c, bool allow)
{
	c->allow_weak = allow;
	charon_settings_changed(c);
}

void
charon_end_all(struct charon *c)
{
	ask_for(c, &c->end);
}

bool
charon_configured(const struct charon *c)
{
	return c->done;
}

const char *
charon_problem(const struct charon *c)
{
	return c->problem;
}
