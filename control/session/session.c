/* SPDX-License-Identifier: BSD-3-Clause */
/* A session's life. */
#include "control/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/core/log.h"
#include "control/core/timer.h"

/* The data plane takes commands before frames: give the last frames (LCP Terminate-Ack) time to
 * leave before CLOSE. */
#define LINGER_MS 50

/* For a call that comes when its client's time is over. */
#define SETUP_MIN_MS 1000

static void session_timer(uv_timer_t *t);

static void
session_arm(struct session *s, uint64_t due)
{
	timer_arm(&s->timer, &s->timer_due, due, session_timer);
}

/* ------------------------------------------------------------------ the end */

static void
log_refused(const struct session *s)
{
	char peer[16], who[SESSION_WHO_MAX];
	refuse_log(s->env->refusals, s->code, s->peer_ip, "session-refused", s->text,
		"session=%u protocol=%s %s peer=%s", s->id, s->carrier->name, session_who(s, who),
		log_ip(peer, s->peer_ip));
}

static void
log_ended(const struct session *s, const struct session_counters *last)
{
	char peer[16], address[16], who[SESSION_WHO_MAX], text[160];
	log_event(LOG_NOTICE, "session-ended",
		"session=%u %s peer=%s address=%s code=%s text=%s duration=%llu "
		"bytes_in=%llu bytes_out=%llu packets_in=%llu packets_out=%llu",
		s->id, session_who(s, who), log_ip(peer, s->peer_ip), log_ip(address, s->inner_ip),
		refusal_name(s->code),
		log_quote(text, sizeof(text), *s->text ? s->text : refusal_text(s->code)),
		(unsigned long long)(s->up_ms ? (session_now(s) - s->up_ms) / 1000 : 0),
		(unsigned long long)last->up_bytes, (unsigned long long)last->down_bytes,
		(unsigned long long)last->up_packets, (unsigned long long)last->down_packets);
}

static void
session_timer_closed(uv_handle_t *h)
{
	struct session *s = h->data;
	struct handles *handles = s->env->handles;
	free(s->claimed);
	explicit_bzero(s, s->carrier->session_size);
	free(s);
	handles_closed(handles);
}

void
session_free(struct session *s)
{
	ppp_free(s->ppp);
	s->ppp = NULL;
	session_auth_stop(s);
	if (s->address_taken)
		aaa_release(s->env->aaa, s->inner_ip);
	if (s->local_id)
		id_release(&s->carrier->ids, s->server_ip, s->local_id);
	s->carrier->ops->detach(s);
	table_remove(&s->all->table, s);
	session_auth_freed(s);
	uv_close((uv_handle_t *)&s->timer, session_timer_closed);
}

void
session_gone(struct session *s, const struct session_counters *last)
{
	if (s->up_ms || s->orphan)
		log_ended(s, last);
	else
		log_refused(s);
	session_free(s);
}

/* A client that hangs up or falls silent instead of using its retry was refused for the earlier
 * reason. */
static bool
gave_up_after_failure(const struct session *s, enum refusal_code code)
{
	return s->state == PHASE_AUTH && s->auth_refusal != REFUSAL_NONE &&
	       (code == REFUSAL_PEER_CLOSED || code == REFUSAL_CONTROL_LOST ||
		       code == REFUSAL_AUTH_TIMEOUT || code == REFUSAL_SETUP_TIMEOUT ||
		       code == REFUSAL_DECISION_TIMEOUT);
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
	return s->state == PHASE_LCP ? "while LCP was negotiated"
	       : s->known            ? "after it had authenticated, before it had an address"
				     : "while it authenticated";
}

/* Why it ends, and what is said of it, when somebody says so. */
static void
settle_on(struct session *s, enum refusal_code code, const char *text)
{
	char early[sizeof(s->text)];
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
	s->code = code;
	if (text != s->text)
		snprintf(s->text, sizeof(s->text), "%s", text ? text : "");
}

static void
uncount(struct session *s)
{
	if (s->state == PHASE_UP) {
		s->all->n_up--;
		s->all->n_weak -= session_weak(s);
	}
	s->all->n_active--;
	s->carrier->n_active--;
	strangers_remove(&s->carrier->strangers, &s->stranger);
}

void
session_end(struct session *s, enum refusal_code code, const char *text)
{
	bool tell = s->attached;
	if (s->state == PHASE_CLOSING)
		return;
	settle_on(s, code, text);
	uncount(s);
	s->state = PHASE_CLOSING;
	session_unsave(s);
	refuse_count(s->env->refusals, s->code);
	s->attached = false;
	s->carrier->ops->ended(s, tell, s->code);
	ppp_free(s->ppp);
	s->ppp = NULL;
	session_auth_stop(s);
	session_arm(s, link_connected(s->env->link) ? session_now(s) + LINGER_MS : UINT64_MAX);
}

void
session_call_over(struct session *s, enum refusal_code code, const char *text)
{
	s->attached = false;
	session_end(s, code, text);
}

void
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
session_close(struct session *s, enum refusal_code code, const char *text)
{
	if (s->state == PHASE_CLOSING)
		return;
	session_doom(s, code, text);
	session_settle(s);
}

/* ------------------------------------------------------------------ around each call into PPP */

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void
session_settle(struct session *s)
{
	session_flush(s->all);
	if (s->doomed && !s->ppp_down) {
		ppp_close(s->ppp, s->code, s->text, session_now(s));
		session_flush(s->all);
	}
	if (s->ppp_down)
		session_end(s, s->code, s->text);
	else
		session_arm(s, sooner(ppp_next_timer(s->ppp), session_auth_due(s)));
}

static void
session_timer(uv_timer_t *t)
{
	struct session *s = t->data;
	struct session_counters now;
	s->timer_due = UINT64_MAX;
	if (s->state == PHASE_CLOSING) {
		link_close(s->env->link, s->handle);
		return;
	}
	/* Only looked at when an echo may be due: that is what traffic postpones. */
	link_counters(s->env->link, s->handle, &now);
	/* T27: what is forged in clear shall not keep a client that is gone. */
	uint64_t seen = s->mppe_rx ? now.up_packets : now.up_ppp_packets;
	if (seen != s->ppp_seen) {
		s->ppp_seen = seen;
		ppp_traffic_seen(s->ppp, session_now(s));
	}
	session_auth_timer(s);
	if (s->state == PHASE_CLOSING)
		return;
	ppp_timer(s->ppp, session_now(s));
	session_settle(s);
}

void
session_on_frame(void *session, const uint8_t *frame, size_t len)
{
	struct session *s = session;
	const struct carrier_ops *ops = s->carrier->ops;
	if (s->state == PHASE_CLOSING || (ops->frame && ops->frame(s, frame, len)))
		return;
	ppp_input(s->ppp, frame, len, session_now(s));
	session_settle(s);
}

void
session_on_refused(void *session, enum command_type type, int error)
{
	struct session *s = session;
	char text[96];
	if (s->state == PHASE_CLOSING)
		return;
	snprintf(text, sizeof(text), "the data plane refused command %u: %s", (unsigned int)type,
		strerror(-error));
	session_end(s, REFUSAL_NO_RESOURCES, text);
}

void
session_on_peer_seen(void *session)
{
	struct session *s = session;
	if (s->state == PHASE_CLOSING)
		return;
	ppp_peer_seen(s->ppp, session_now(s));
	session_settle(s);
}

void
session_on_lost_sync(void *session)
{
	struct session *s = session;
	if (s->state == PHASE_CLOSING)
		return;
	ppp_mppe_lost_sync(s->ppp, session_now(s));
	session_settle(s);
}

void
session_on_gone(void *session, const struct session_counters *last)
{
	struct session *s = session;
	session_end(s, REFUSAL_DATAPLANE_DOWN, "the data plane removed the session");
	session_gone(s, last);
}

/* ------------------------------------------------------------------ the beginning */

static struct session *
session_new(struct carrier *c, uint32_t peer_ip, uint32_t server_ip, uint16_t remote_id)
{
	struct sessions *all = c->all;
	struct session *s = calloc(1, c->session_size);
	if (!s)
		return NULL;
	s->all = all;
	s->env = &all->env;
	s->carrier = c;
	s->peer_ip = peer_ip;
	s->server_ip = server_ip;
	s->remote_id = remote_id;
	s->timer_due = UINT64_MAX;
	s->started_ms = session_now(s);
	uv_timer_init(all->env.loop, &s->timer);
	s->timer.data = s;
	handles_add(all->env.handles, 1);
	return s;
}

void
session_start(struct session *s)
{
	ppp_start(s->ppp, session_now(s));
	session_settle(s);
}

static struct ppp_config
ppp_config_of(const struct session *s, const struct session_origin *o)
{
	struct ppp_config ppp = *s->carrier->ppp;
	uint64_t elapsed = session_now(s) - o->begun_ms;
	/* R2, T16: behind the weak switch; what it says when the user is known counts in the
	 * end. */
	if (!aaa_settings(s->env->aaa)->allow_weak_crypto)
		ppp.auth &= ~(unsigned int)PPP_AUTH_MSCHAPV1;
	ppp.authentic_path = o->ipsec;
	if (ppp.setup_timeout_ms)
		ppp.setup_timeout_ms = elapsed + SETUP_MIN_MS < ppp.setup_timeout_ms
					       ? ppp.setup_timeout_ms - (uint32_t)elapsed
					       : SETUP_MIN_MS;
	return ppp;
}

/* Its slot, ID and place in the data plane.  On failure the caller gives back what was taken. */
static enum refusal_code
session_place(struct session *s, const struct session_origin *o)
{
	struct link *link = s->env->link;
	const struct ppp_config ppp = ppp_config_of(s, o);
	struct command cmd = {0};
	s->ppp = ppp_new(&ppp, &session_ppp_ops, s);
	s->local_id = id_take(&s->carrier->ids, s->server_ip);
	if (!s->ppp || !s->local_id)
		return REFUSAL_NO_RESOURCES;
	s->handle = link_take(link, s);
	if (!s->handle)
		return REFUSAL_DATAPLANE_FULL;
	cmd.handle = s->handle;
	cmd.add.protocol = s->carrier->tunnel;
	cmd.add.server_ip = s->server_ip;
	cmd.add.peer_ip = s->peer_ip;
	cmd.add.call_id = s->local_id;
	cmd.add.peer_call_id = s->remote_id;
	if (s->carrier->ops->add)
		s->carrier->ops->add(s, &cmd);
	return link_command(link, COMMAND_SESSION_ADD, &cmd) == 0 ? REFUSAL_NONE
								  : REFUSAL_NO_RESOURCES;
}

void
session_known(struct session *s)
{
	strangers_remove(&s->carrier->strangers, &s->stranger);
	s->carrier->ops->authenticated(s);
}

static struct session *
session_of(struct stranger *stranger)
{
	return (struct session *)((char *)stranger - offsetof(struct session, stranger));
}

/* T24: room for one more who has not authenticated, if need be at another's expense. */
static enum refusal_code
make_room(const struct session_origin *o)
{
	struct carrier *c = o->carrier;
	const struct session_env *env = &c->all->env;
	uint32_t left = carrier_left(c);
	struct session *first = NULL;
	struct stranger *out = NULL;
	enum refusal_code why = REFUSAL_NONE;
	if (left == 0)
		return REFUSAL_PORTS_FULL;
	if (c->ops->room)
		why = c->ops->room(c, o->own, &first);
	if (why != REFUSAL_NONE)
		return why;
	if (!first && !strangers_admit(&c->strangers, &env->cfg->strangers, left, o->peer_ip,
			      uv_now(env->loop), &out))
		return REFUSAL_PORTS_FULL;
	if (out)
		first = session_of(out);
	if (first)
		session_end(first, REFUSAL_STRANGERS, "others came, and it had not authenticated");
	return REFUSAL_NONE;
}

struct acct_id
session_next_acct(struct sessions *all)
{
	if (++all->last_acct.counter == 0)
		all->last_acct.counter = 1;
	return all->last_acct;
}

enum refusal_code
session_request(const struct session_origin *o, struct session **out)
{
	struct carrier *c = o->carrier;
	struct sessions *all = c->all;
	if (all->stopping)
		return REFUSAL_SERVER_STOPPING;
	if (!link_connected(all->env.link))
		return REFUSAL_DATAPLANE_DOWN;
	enum refusal_code why = make_room(o);
	if (why != REFUSAL_NONE)
		return why;
	struct session *s = session_new(c, o->peer_ip, o->server_ip, o->remote_id);
	if (!s)
		return REFUSAL_NO_RESOURCES;
	s->acct = session_next_acct(all);
	table_add(&all->table, s);
	s->ipsec = o->ipsec;
	c->ops->attach(s, o->own);
	s->attached = true;
	s->state = PHASE_LCP;
	why = strangers_add(&c->strangers, &s->stranger, s->peer_ip, session_now(s))
		      ? session_place(s, o)
		      : REFUSAL_NO_RESOURCES;
	if (why != REFUSAL_NONE) {
		strangers_remove(&c->strangers, &s->stranger);
		link_untake(all->env.link, s->handle);
		session_free(s);
		return why;
	}
	all->n_active++;
	c->n_active++;
	c->calls_total++;
	*out = s;
	return REFUSAL_NONE;
}

struct session *
session_orphan(struct carrier *c, const struct session_entry *e)
{
	struct sessions *all = c->all;
	struct session *s = session_new(c, e->peer_ip, e->server_ip, e->peer_call_id);
	if (!s)
		return NULL;
	const struct user *account = users_find(all->env.cfg->users, e->user);
	s->orphan = true;
	s->state = PHASE_CLOSING;
	s->code = REFUSAL_CONTROL_LOST;
	snprintf(s->user, sizeof(s->user), "%s", account ? account->name : e->user);
	s->known = true;
	s->handle = e->handle;
	if (id_take_this(&c->ids, e->server_ip, e->call_id))
		s->local_id = e->call_id;
	s->inner_ip = e->inner_ip;
	s->address_taken = e->inner_ip && aaa_take(all->env.aaa, e->inner_ip) == 0;
	table_add(&all->table, s);
	table_index(&all->table, s, BY_USER);
	if (s->address_taken)
		table_index(&all->table, s, BY_ADDRESS);
	return s;
}
