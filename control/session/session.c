/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: one call's PPP link, its decisions, and its counterpart in the data plane. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "control/gateway_internal.h"

/* The data plane takes commands before frames: give the last frames (LCP Terminate-Ack) time to
 * leave before CLOSE. */
#define LINGER_MS 50

/* For a call that comes when its client's time is over. */
#define SETUP_MIN_MS 1000

static void session_timer(uv_timer_t *t);

static uint64_t
now_ms(const struct session *s)
{
	return uv_now(s->g->loop);
}

static bool
is_weak(uint8_t bits)
{
	return bits == MPPE_40 || bits == MPPE_56;
}

bool
session_weak(const struct session *s)
{
	return is_weak(s->mppe_tx) || is_weak(s->mppe_rx);
}

static void
session_arm(struct session *s, uint64_t due)
{
	uint64_t now = now_ms(s);
	if (due == s->timer_due)
		return;
	s->timer_due = due;
	if (due == UINT64_MAX)
		uv_timer_stop(&s->timer);
	else
		uv_timer_start(&s->timer, session_timer, due > now ? due - now : 0, 0);
}

/* ------------------------------------------------------------------ the end */

static void
log_refused(const struct session *s)
{
	char peer[16], who[SESSION_WHO_MAX], text[160];
	if (!gateway_may_log(s->g, s->code, s->peer_ip))
		return;
	log_event(LOG_NOTICE, "session-refused",
		"session=%u protocol=%s %s peer=%s code=%s text=%s remedy=\"%s\"", s->id,
		s->carrier->name, session_who(s, who), log_ip(peer, s->peer_ip),
		refusal_name(s->code),
		log_quote(text, sizeof(text), *s->text ? s->text : refusal_text(s->code)),
		refusal_remedy(s->code));
}

static void
log_ended(const struct session *s)
{
	char peer[16], address[16], who[SESSION_WHO_MAX], text[160];
	log_event(LOG_NOTICE, "session-ended",
		"session=%u %s peer=%s address=%s code=%s text=%s duration=%llu "
		"bytes_in=%llu bytes_out=%llu packets_in=%llu packets_out=%llu",
		s->id, session_who(s, who), log_ip(peer, s->peer_ip), log_ip(address, s->inner_ip),
		refusal_name(s->code),
		log_quote(text, sizeof(text), *s->text ? s->text : refusal_text(s->code)),
		(unsigned long long)(s->up_ms ? (now_ms(s) - s->up_ms) / 1000 : 0),
		(unsigned long long)s->last.up_bytes, (unsigned long long)s->last.down_bytes,
		(unsigned long long)s->last.up_packets, (unsigned long long)s->last.down_packets);
}

static void
session_timer_closed(uv_handle_t *h)
{
	struct session *s = h->data;
	struct gateway *g = s->g;
	free(s->claimed);
	explicit_bzero(s, sizeof(*s));
	free(s);
	gateway_handle_closed(g);
}

/* What it had of identifiers. */
static void
session_give_back(struct session *s)
{
	if (s->call_id)
		call_id_release(&s->g->call_ids[s->carrier->protocol], s->server_ip, s->call_id);
	s->carrier->release(s);
}

static void
session_unlist(struct session *s)
{
	index_remove_user(s);
	index_remove_address(s);
	TAILQ_REMOVE(&s->g->sessions, s, next);
	s->g->n_sessions--;
	session_auth_freed(s);
}

void
session_release(struct session *s)
{
	struct gateway *g = s->g;
	if (s->up_ms || s->orphan)
		log_ended(s);
	else
		log_refused(s);
	if (s->address_taken)
		aaa_release(g->aaa, s->inner_ip);
	session_give_back(s);
	session_unlist(s);
	uv_close((uv_handle_t *)&s->timer, session_timer_closed);
}

/* A client that hangs up or falls silent instead of using its retry was refused for the earlier
 * reason. */
static bool
gave_up_after_failure(const struct session *s, enum refusal_code code)
{
	return s->state == GW_AUTH && s->auth_refusal != REFUSAL_NONE &&
	       (code == REFUSAL_PEER_CLOSED || code == REFUSAL_CONTROL_LOST ||
		       code == REFUSAL_AUTH_TIMEOUT || code == REFUSAL_SETUP_TIMEOUT);
}

/* Who hangs up before he is in has a reason, and what was under way tells most of it. */
static bool
gave_up_early(const struct session *s, enum refusal_code code)
{
	return s->up_ms == 0 && !s->orphan &&
	       (code == REFUSAL_PEER_CLOSED || code == REFUSAL_CONTROL_LOST);
}

static const char *
under_way(const struct session *s)
{
	return s->state == GW_LCP ? "while LCP was negotiated"
	       : s->known         ? "after it had authenticated, before it had an address"
				  : "while it authenticated";
}

void
session_end(struct session *s, enum refusal_code code, const char *text)
{
	struct gateway *g = s->g;
	bool attached = s->attached;
	char early[sizeof(s->text)];
	if (s->state == GW_CLOSING)
		return;
	/* Who answers the end of PPP by ending the call is not its reason. */
	if (s->doomed) {
		code = s->code;
		text = s->text;
	}
	if (gave_up_after_failure(s, code)) {
		code = s->auth_refusal;
		text = "";
	}
	if (gave_up_early(s, code)) {
		code = REFUSAL_SETUP_ABORTED;
		snprintf(early, sizeof(early), "%s: %.40s", under_way(s), text ? text : "");
		text = early;
	}
	if (s->state == GW_UP) {
		g->n_up--;
		g->n_weak -= session_weak(s);
	}
	s->state = GW_CLOSING;
	session_unsave(s);
	strangers_remove(&g->strangers[s->carrier->protocol], &s->stranger);
	g->n_active--;
	g->n_active_by[s->carrier->protocol]--;
	s->code = code;
	if (text != s->text)
		snprintf(s->text, sizeof(s->text), "%s", text ? text : "");
	gateway_refusal(g, code);
	s->attached = false;
	gateway_probes_end(s);
	l2tp_session_user(s, false);
	if (attached)
		s->carrier->close(s, code);
	ppp_free(s->ppp);
	s->ppp = NULL;
	session_auth_stop(s);
	if (link_connected(g->link))
		session_arm(s, now_ms(s) + LINGER_MS);
	else
		session_arm(s, UINT64_MAX);
}

void
session_forget(struct session *s)
{
	link_counters(s->g->link, s->handle, &s->last);
	session_end(s, REFUSAL_SERVER_STOPPING, "");
	session_release(s);
}

void
session_leave(struct session *s)
{
	ppp_free(s->ppp);
	session_auth_stop(s);
	session_give_back(s);
	session_unlist(s);
	uv_close((uv_handle_t *)&s->timer, session_timer_closed);
}

/* ------------------------------------------------------------------ PPP: around each call into the
 * machine */

static void
outbox_flush(struct gateway *g)
{
	struct session *s = g->outbox.session;
	for (unsigned int i = 0; i < g->outbox.n; i++)
		link_inject(g->link, s->handle, g->outbox.frame[i], g->outbox.len[i]);
	g->outbox.n = 0;
	g->outbox.session = NULL;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void
session_settle(struct session *s)
{
	outbox_flush(s->g);
	if (s->doomed && !s->ppp_down) {
		ppp_close(s->ppp, s->code, s->text, now_ms(s));
		outbox_flush(s->g);
	}
	if (s->ppp_down)
		session_end(s, s->code, s->text);
	else
		session_arm(s, sooner(ppp_next_timer(s->ppp), session_auth_due(s)));
}

/* End it as soon as the machine returns; may be called in its callbacks. The first reason
 * counts. */
static void
session_doom(struct session *s, enum refusal_code code, const char *text)
{
	if (s->doomed || s->ppp_down)
		return;
	session_unsave(s);
	s->doomed = true;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

void
session_start(struct session *s)
{
	ppp_start(s->ppp, now_ms(s));
	session_settle(s);
}

void
session_close(struct session *s, enum refusal_code code, const char *text)
{
	if (s->state == GW_CLOSING)
		return;
	session_doom(s, code, text);
	session_settle(s);
}

static void
session_timer(uv_timer_t *t)
{
	struct session *s = t->data;
	struct session_counters now;
	s->timer_due = UINT64_MAX;
	if (s->state == GW_CLOSING) {
		link_close(s->g->link, s->handle);
		return;
	}
	/* Only looked at when an echo may be due: that is what traffic postpones. */
	link_counters(s->g->link, s->handle, &now);
	/* T27: what is forged in clear shall not keep a client that is gone. */
	uint64_t seen = s->mppe_rx ? now.up_packets : now.up_ppp_packets;
	if (seen != s->ppp_seen) {
		s->ppp_seen = seen;
		ppp_traffic_seen(s->ppp, now_ms(s));
	}
	session_auth_timer(s);
	if (s->state == GW_CLOSING)
		return;
	ppp_timer(s->ppp, now_ms(s));
	session_settle(s);
}

/* ------------------------------------------------------------------ PPP: what the machine says */

static void
on_send(void *user, const uint8_t *frame, size_t len)
{
	struct session *s = user;
	struct gateway *g = s->g;
	if (len > FRAME_MAX)
		return;
	if (g->outbox.n == OUTBOX_FRAMES || (g->outbox.session && g->outbox.session != s))
		outbox_flush(g);
	g->outbox.session = s;
	g->outbox.len[g->outbox.n] = (uint16_t)len;
	memcpy(g->outbox.frame[g->outbox.n++], frame, len);
}

static void
session_command(struct session *s, enum command_type type, struct command *cmd)
{
	cmd->handle = s->handle;
	if (link_command(s->g->link, type, cmd) != 0)
		session_doom(s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	explicit_bzero(cmd, sizeof(*cmd));
}

static void
on_lcp_up(void *user, const struct ppp_framing *framing)
{
	struct session *s = user;
	struct command cmd = {0};
	/* Its address and keys are in use there; a new call is the clean way. */
	if (s->opened) {
		session_doom(s, REFUSAL_LINK_RESTARTED, "");
		return;
	}
	s->framing = *framing;
	s->state = GW_AUTH;
	cmd.link.our_mru = framing->our_mru;
	/* D5: what the client would take may not fit the tunnel. */
	cmd.link.peer_mru = s->mtu && s->mtu < framing->peer_mru ? s->mtu : framing->peer_mru;
	cmd.link.tx_acfc = framing->tx_acfc;
	cmd.link.tx_pfc = framing->tx_pfc;
	session_command(s, COMMAND_SESSION_LINK, &cmd);
}

/* T16: the switch may have been turned since the decision. */
static bool
weak_and_off(const struct session *s, uint8_t tx, uint8_t rx)
{
	return (is_weak(tx) || is_weak(rx)) && !aaa_settings(s->g->aaa)->allow_weak_crypto;
}

static void
direction(struct command_mppe_dir *d, const struct mppe_params *p)
{
	memcpy(d->start_key, p->start_key, sizeof(d->start_key));
	d->strength = p->strength;
	d->stateless = p->stateless;
}

static void
on_mppe_up(void *user, const struct ppp_mppe_result *keys)
{
	struct session *s = user;
	struct command cmd = {0};
	if (s->doomed)
		return;
	if (weak_and_off(s, keys->tx.strength, keys->rx.strength)) {
		session_doom(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off meanwhile");
		return;
	}
	s->mppe_tx = keys->tx.strength;
	s->mppe_rx = keys->rx.strength;
	s->mppe_tx_stateless = keys->tx.stateless;
	s->mppe_rx_stateless = keys->rx.stateless;
	direction(&cmd.mppe.tx, &keys->tx);
	direction(&cmd.mppe.rx, &keys->rx);
	session_command(s, COMMAND_SESSION_MPPE, &cmd);
}

static void
on_mppe_down(void *user)
{
	/* Nothing: the data plane keeps the keys, so nothing goes in clear, and the link ends or
	 * begins anew. */
	(void)user;
}

static void
on_mppe_reset_request(void *user)
{
	struct command cmd = {0};
	session_command(user, COMMAND_SESSION_FLUSH, &cmd);
}

const char *
session_auth_name(const struct session *s)
{
	switch (s->auth) {
	case PPP_AUTH_MSCHAPV2:
		return "mschapv2";
	case PPP_AUTH_CHAP_MD5:
		return "chap-md5";
	case PPP_AUTH_MSCHAPV1:
		return "mschapv1";
	case PPP_AUTH_PAP:
		return "pap";
	}
	return "";
}

static void
log_up(const struct session *s)
{
	char peer[16], address[16], server[16], who[SESSION_WHO_MAX];
	log_event(LOG_NOTICE, "session-up",
		"session=%u protocol=%s %s peer=%s address=%s server=%s auth=%s mppe=%u "
		"mppe_mode=%s mru=%u peer_mru=%u setup_ms=%llu",
		s->id, s->carrier->name, session_who(s, who), log_ip(peer, s->peer_ip),
		log_ip(address, s->inner_ip), log_ip(server, s->server_ip), session_auth_name(s),
		s->mppe_tx,
		!s->mppe_tx            ? "none"
		: s->mppe_tx_stateless ? "stateless"
				       : "stateful",
		s->framing.our_mru, s->framing.peer_mru,
		(unsigned long long)(now_ms(s) - s->started_ms));
}

static void
on_ip_up(void *user, uint32_t local_ip, uint32_t peer_ip)
{
	struct session *s = user;
	struct command cmd = {0};
	(void)local_ip;
	if (s->doomed || s->opened)
		return;
	if (weak_and_off(s, s->mppe_tx, s->mppe_rx)) {
		session_doom(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off meanwhile");
		return;
	}
	cmd.open.inner_ip = peer_ip;
	/* Once negotiated, MPPE covers all data (RFC 3078 section 3): clear text would be a
	 * forgery. */
	cmd.open.require_mppe =
		s->mppe_policy == PPP_MPPE_REQUIRE || s->mppe_tx != 0 || s->mppe_rx != 0;
	cmd.open.clamp_mss = s->g->cfg->clamp_mss;
	memcpy(cmd.open.user, s->user, sizeof(cmd.open.user));
	session_save(s);
	session_command(s, COMMAND_SESSION_OPEN, &cmd);
	if (s->doomed)
		return;
	s->opened = true;
	s->state = GW_UP;
	s->up_ms = now_ms(s);
	s->g->n_up++;
	s->g->n_weak += session_weak(s);
	log_up(s);
}

static void
on_down(void *user, enum refusal_code code, const char *text)
{
	struct session *s = user;
	session_unsave(s);
	s->ppp_down = true;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text ? text : "");
}

void
gateway_random(uint8_t *buf, size_t len)
{
	/* Challenges and keys depend on it: without randomness there is no service. */
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom(buf + at, len - at, 0);
		if (n < 0 && errno != EINTR)
			abort();
		at += n > 0 ? (size_t)n : 0;
	}
}

/* T27: somebody tries to end it from outside. */
static void
on_forged(void *user, unsigned int frames)
{
	struct session *s = user;
	char peer[16];
	s->g->forged_frames += frames;
	if (gateway_may_log(s->g, REFUSAL_NONE, s->peer_ip))
		log_event(LOG_WARNING, "forged-frames",
			"session=%u peer=%s frames=%u text=\"frames in the client's name would "
			"have "
			"ended or restarted the session; the client was asked and is still in it\"",
			s->id, log_ip(peer, s->peer_ip), frames);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	gateway_random(buf, len);
}

const struct ppp_ops session_ppp_ops = {
	.send = on_send,
	.lcp_up = on_lcp_up,
	.auth = session_auth,
	.mppe_up = on_mppe_up,
	.mppe_down = on_mppe_down,
	.mppe_reset_request = on_mppe_reset_request,
	.ip_up = on_ip_up,
	.down = on_down,
	.random = on_random,
	.forged = on_forged,
};

/* ------------------------------------------------------------------ the beginning */

struct session *
session_new(struct gateway *g)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->g = g;
	if (++g->next_id == 0)
		g->next_id = 1;
	s->id = g->next_id;
	s->timer_due = UINT64_MAX;
	s->started_ms = uv_now(g->loop);
	uv_timer_init(g->loop, &s->timer);
	s->timer.data = s;
	g->n_handles++;
	TAILQ_INSERT_TAIL(&g->sessions, s, next);
	g->n_sessions++;
	return s;
}

/* Its slot, call ID and place in the data plane.  On failure the caller gives back what was
 * taken. */
static enum refusal_code
session_place(struct session *s, const struct session_origin *o)
{
	struct gateway *g = s->g;
	struct command cmd = {0};
	struct ppp_config ppp = *o->ppp;
	uint64_t elapsed = now_ms(s) - o->begun_ms;
	/* R2, T16: behind the weak switch; what it says when the user is known counts in the
	 * end. */
	if (!aaa_settings(g->aaa)->allow_weak_crypto)
		ppp.auth &= ~(unsigned int)PPP_AUTH_MSCHAPV1;
	ppp.authentic_path = o->authentic;
	if (ppp.setup_timeout_ms)
		ppp.setup_timeout_ms = elapsed + SETUP_MIN_MS < ppp.setup_timeout_ms
					       ? ppp.setup_timeout_ms - (uint32_t)elapsed
					       : SETUP_MIN_MS;
	s->ppp = ppp_new(&ppp, &session_ppp_ops, s);
	s->call_id = call_id_take(&g->call_ids[s->carrier->protocol], s->server_ip);
	if (!s->ppp || !s->call_id)
		return REFUSAL_NO_RESOURCES;
	s->handle = link_take(g->link, s);
	if (!s->handle)
		return REFUSAL_DATAPLANE_FULL;
	cmd.handle = s->handle;
	cmd.add.protocol = s->carrier->protocol;
	cmd.add.server_ip = s->server_ip;
	cmd.add.peer_ip = s->peer_ip;
	cmd.add.call_id = s->call_id;
	cmd.add.peer_call_id = s->peer_call_id;
	s->carrier->add(s, &cmd);
	return link_command(g->link, COMMAND_SESSION_ADD, &cmd) == 0 ? REFUSAL_NONE
								     : REFUSAL_NO_RESOURCES;
}

uint32_t
session_limit(const struct gateway *g, uint8_t protocol)
{
	if (protocol == TUNNEL_PPTP)
		return g->cfg->pptp_enabled ? g->cfg->pptp_max_sessions : 0;
	return g->cfg->l2tp_enabled ? g->cfg->l2tp_max_sessions : 0;
}

uint32_t
session_left(const struct gateway *g, uint8_t protocol)
{
	uint32_t limit = session_limit(g, protocol);
	uint32_t known = g->n_active_by[protocol] - g->strangers[protocol].n;
	return limit > known ? limit - known : 0;
}

void
session_known(struct session *s)
{
	strangers_remove(&s->g->strangers[s->carrier->protocol], &s->stranger);
	s->carrier->authenticated(s);
}

static struct session *
session_of(struct stranger *stranger)
{
	return (struct session *)((char *)stranger - offsetof(struct session, stranger));
}

/* T24: room for one more who has not authenticated, if need be at another's expense. */
static enum refusal_code
make_room(struct gateway *g, const struct session_origin *o)
{
	uint8_t protocol = o->carrier->protocol;
	uint64_t now = uv_now(g->loop);
	uint32_t left = session_left(g, protocol);
	struct session *oldest = NULL;
	struct stranger *out = NULL;
	if (left == 0)
		return REFUSAL_PORTS_FULL;
	if (o->path && o->path->peer &&
		l2tp_strangers(g, o->path->peer, &oldest) >= g->cfg->strangers_per_peer) {
		if (now - oldest->stranger.since < STRANGERS_GRACE_MS)
			return REFUSAL_STRANGERS;
		out = &oldest->stranger;
	} else if (!strangers_admit(&g->strangers[protocol], &g->cfg->strangers, left, o->peer_ip,
			   now, &out)) {
		return REFUSAL_PORTS_FULL;
	}
	if (out)
		session_end(session_of(out), REFUSAL_STRANGERS,
			"others came, and it had not authenticated");
	return REFUSAL_NONE;
}

enum refusal_code
session_request(struct gateway *g, const struct session_origin *o, struct session **out)
{
	uint8_t protocol = o->carrier->protocol;
	if (g->stopping)
		return REFUSAL_SERVER_STOPPING;
	if (!link_connected(g->link))
		return REFUSAL_DATAPLANE_DOWN;
	enum refusal_code why = make_room(g, o);
	if (why != REFUSAL_NONE)
		return why;
	struct session *s = session_new(g);
	if (!s)
		return REFUSAL_NO_RESOURCES;
	s->carrier = o->carrier;
	s->peer_ip = o->peer_ip;
	s->server_ip = o->server_ip;
	s->peer_call_id = o->peer_call_id;
	s->carrier->attach(s, o);
	s->attached = true;
	s->state = GW_LCP;
	why = strangers_add(&g->strangers[protocol], &s->stranger, s->peer_ip, now_ms(s))
		      ? session_place(s, o)
		      : REFUSAL_NO_RESOURCES;
	if (why != REFUSAL_NONE) {
		strangers_remove(&g->strangers[protocol], &s->stranger);
		link_untake(g->link, s->handle);
		session_leave(s);
		return why;
	}
	g->n_active++;
	g->n_active_by[protocol]++;
	g->calls_total[protocol]++;
	*out = s;
	return REFUSAL_NONE;
}
