/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is: the verdict on what it says, given at once or when its time has come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/core/log.h"
#include "control/session/session.h"

#define CONFIRM_MS        2000  /* for the data plane to let go of an address */
#define IN_TURN_MS        60000 /* replaced again within this: two devices at odds */
#define IN_TURN_FREE      3     /* times that this costs nothing */
#define IN_TURN_MAX       3     /* doublings of 1 s */
#define IN_TURN_MS_OTHERS 1000

enum { LATE_ANSWER, LATE_TURN, LATE_ADDRESS };

/* A verdict that is given later. */
struct late {
	uint8_t stage;
	uint64_t due;
	struct aaa_verdict verdict; /* but for LATE_ANSWER without its address yet */
	struct session *holder;     /* of that, NULL: gone; holder->successor leads back */
};

static void
release_address(struct session *s)
{
	table_unindex(&s->all->table, s, BY_ADDRESS);
	if (s->address_taken)
		aaa_release(s->env->aaa, s->inner_ip);
	s->address_taken = false;
	s->inner_ip = 0;
}

/* ------------------------------------------------------------------ names */

const char *
session_who(const struct session *s, char buf[SESSION_WHO_MAX])
{
	char user[96], claimed[256];
	if (!s->claimed)
		snprintf(buf, SESSION_WHO_MAX, "user=%s", log_quote(user, sizeof(user), s->user));
	else
		snprintf(buf, SESSION_WHO_MAX, "user=%s claimed=%s",
			log_quote(user, sizeof(user), s->user),
			log_quote(claimed, sizeof(claimed), s->claimed));
	return buf;
}

/* T22: what a client claims is kept beside the name of the user that it means, if there is one. */
static void
set_name(struct session *s, const char *claimed)
{
	const struct user *user = users_find(s->env->cfg->users, claimed);
	table_unindex(&s->all->table, s, BY_USER);
	s->known = false;
	snprintf(s->user, sizeof(s->user), "%s", user ? user->name : "");
	free(s->claimed);
	s->claimed = strcmp(s->user, claimed) != 0 ? strdup(claimed) : NULL;
}

/* He is who the verdict says: a provider may know him by another name than he came with. */
static void
take_name(struct session *s, const char *user)
{
	char *claimed;
	if (strncmp(s->user, user, sizeof(s->user) - 1) == 0)
		return;
	claimed = s->claimed ? s->claimed : strdup(s->user);
	snprintf(s->user, sizeof(s->user), "%.63s", user);
	s->claimed = claimed;
}

static void
log_auth(const struct session *s, enum refusal_code why)
{
	char peer[16], who[SESSION_WHO_MAX];
	if (why == REFUSAL_NONE || !refuse_may_log(s->env->refusals, why, s->peer_ip))
		return;
	log_event(LOG_NOTICE, "authentication-failed", "session=%u %s peer=%s code=%s", s->id,
		session_who(s, who), log_ip(peer, s->peer_ip), refusal_name(why));
}

/* ------------------------------------------------------------------ the same user twice */

/* Sessions of the same user besides this one, and the one that began first. */
static unsigned int
count_others(const struct session *s, const char *user, struct session **oldest)
{
	struct session_table *t = &s->all->table;
	unsigned int n = 0;
	*oldest = NULL;
	for (struct session *o = table_first_of_user(t, user); o; o = table_next_of_user(t, o)) {
		if (o == s || o->state == PHASE_CLOSING || o->doomed)
			continue;
		n++;
		if (!*oldest || o->started_ms < (*oldest)->started_ms)
			*oldest = o;
	}
	return n;
}

static bool
has_enough(const struct session *s, const char *user, struct session **oldest)
{
	unsigned int max = s->env->cfg->max_per_user;
	return max != 0 && count_others(s, user, oldest) >= max;
}

static void
replace(struct session *old, const struct session *s)
{
	char text[96], peer[16];
	if (user_name_same(old->user, s->user))
		snprintf(text, sizeof(text), "by session %u from %s", s->id,
			log_ip(peer, s->peer_ip));
	else
		snprintf(text, sizeof(text), "by session %u: the address is reserved for its user",
			s->id);
	session_end(old, REFUSAL_REPLACED, text);
}

/* Milliseconds that the next replacement has to wait: two devices that redial by themselves would
 * replace each other for ever. */
static uint32_t
wait_in_turn(const struct session *s, const struct session *old)
{
	const struct users *users = s->env->cfg->users;
	const struct user *account = users_find(users, s->user);
	char user[96], peer[16], other[16];
	uint64_t now = session_now(s);
	if (!account) /* another provider's: nothing is remembered of him */
		return IN_TURN_MS_OTHERS;
	struct user_record *r = users_record(users, account);
	r->replaced = now - r->replaced_ms > IN_TURN_MS ? 1 : r->replaced + 1;
	r->replaced_ms = now;
	if (r->replaced <= IN_TURN_FREE)
		return 0;
	uint32_t over = r->replaced - IN_TURN_FREE;
	uint32_t ms = 1000u << (over < IN_TURN_MAX ? over : IN_TURN_MAX);
	log_event(LOG_WARNING, "replaced-in-turn",
		"user=%s session=%u peer=%s other=%u other_peer=%s times=%u wait_s=%u",
		log_quote(user, sizeof(user), s->user), s->id, log_ip(peer, s->peer_ip), old->id,
		log_ip(other, old->peer_ip), r->replaced, ms / 1000);
	return ms;
}

/* ------------------------------------------------------------------ verdicts */

/* Whatever carries its packets. */
static void
authorise(struct session *s, const struct aaa_verdict *v)
{
	take_name(s, v->user);
	s->mppe_policy = v->grant.mppe_policy;
	s->state = PHASE_NETWORK;
	s->known = true;
	session_known(s);
	table_index(&s->all->table, s, BY_USER);
}

static void
answer(struct session *s, const struct aaa_verdict *v)
{
	if (v->outcome == AAA_ACCEPT)
		authorise(s, v);
	bearer_told(s, v);
}

static void
late_free(struct late *late)
{
	if (late->holder)
		late->holder->successor = NULL;
	explicit_bzero(late, sizeof(*late));
	free(late);
}

void
session_auth_stop(struct session *s)
{
	aaa_cancel(s->env->aaa, &s->request);
	if (s->late)
		late_free(s->late);
	s->late = NULL;
}

static struct late *
be_late(struct session *s, uint8_t stage, uint32_t ms)
{
	uint32_t most = s->env->cfg->ppp.auth_timeout_ms / 2; /* it is to succeed yet */
	s->late = calloc(1, sizeof(*s->late));
	if (ms > most)
		ms = most;
	if (s->late) {
		s->late->stage = stage;
		s->late->due = session_now(s) + ms;
	}
	return s->late;
}

/* Who has the user's own address is to go first; false: not this time. */
static bool
await_address(struct session *s, const struct aaa_verdict *v)
{
	struct session *holder = table_of_address(&s->all->table, v->grant.peer_ip);
	if (s->env->cfg->same_user == SAME_USER_REFUSE || !holder || holder->successor)
		return false;
	if (!be_late(s, LATE_TURN, holder->state == PHASE_CLOSING ? 0 : wait_in_turn(s, holder)))
		return false;
	s->late->verdict = *v;
	s->late->holder = holder;
	holder->successor = s;
	return true;
}

static void
turn_down(struct session *s, struct aaa_verdict *v, enum refusal_code why)
{
	uint32_t delay_ms = v->delay_ms;
	release_address(s);
	explicit_bzero(v, sizeof(*v));
	v->refusal = why;
	v->delay_ms = delay_ms;
}

static void
give(struct session *s, const struct aaa_verdict *v, uint32_t ms)
{
	s->auth_refusal = v->refusal;
	log_auth(s, s->auth_refusal);
	if (ms && be_late(s, LATE_ANSWER, ms))
		s->late->verdict = *v;
	else
		answer(s, v);
}

/* It may come in: to its address, and to its place among the user's sessions.  Both may be another
 * one's yet. */
static void
admit(struct session *s, struct aaa_verdict *v)
{
	struct session *oldest;
	enum refusal_code why = aaa_lease(s->env->aaa, &v->grant);
	uint32_t turn_ms = 0;
	if (why == REFUSAL_ADDRESS_IN_USE && await_address(s, v))
		return;
	if (why != REFUSAL_NONE) {
		turn_down(s, v, why);
	} else {
		s->inner_ip = v->grant.peer_ip;
		s->address_taken = true;
		table_index(&s->all->table, s, BY_ADDRESS);
		if (has_enough(s, v->user, &oldest)) {
			if (s->env->cfg->same_user == SAME_USER_REPLACE)
				turn_ms = 1 + wait_in_turn(s, oldest);
			else
				turn_down(s, v, REFUSAL_USER_LIMIT);
		}
	}
	give(s, v, v->delay_ms + turn_ms);
}

/* ------------------------------------------------------------------ later */

uint64_t
session_auth_due(const struct session *s)
{
	uint64_t late = s->late ? s->late->due : UINT64_MAX;
	uint64_t decision = aaa_due(s->env->aaa, s->request);
	return late < decision ? late : decision;
}

void
session_auth_freed(struct session *old)
{
	struct session *s = old->successor;
	if (!s)
		return;
	old->successor = NULL;
	s->late->holder = NULL;
	s->late->due = session_now(s);
	session_settle(s);
}

static void
give_late(struct session *s, struct late *late)
{
	struct session *oldest;
	if (late->stage != LATE_ANSWER && !late->holder) {
		admit(s, &late->verdict);
	} else if (late->stage != LATE_ANSWER) {
		give(s, &(struct aaa_verdict){.refusal = REFUSAL_ADDRESS_IN_USE}, 0);
	} else {
		while (late->verdict.outcome == AAA_ACCEPT &&
			s->env->cfg->same_user == SAME_USER_REPLACE &&
			has_enough(s, late->verdict.user, &oldest))
			replace(oldest, s);
		answer(s, &late->verdict);
	}
}

static void
late_timer(struct session *s)
{
	struct late *late = s->late;
	if (!late || session_now(s) < late->due)
		return;
	if (late->stage == LATE_TURN && late->holder) {
		late->stage = LATE_ADDRESS;
		late->due = session_now(s) + CONFIRM_MS;
		replace(late->holder, s);
		return;
	}
	s->late = NULL;
	give_late(s, late);
	late_free(late);
}

void
session_auth_timer(struct session *s)
{
	s->in_auth = true;
	aaa_timer(s->env->aaa, s->request, session_now(s));
	late_timer(s);
	s->in_auth = false;
}

/* ------------------------------------------------------------------ the question */

/* The verdict, from inside the question or any time after it. */
static void
on_told(void *user, const struct aaa_verdict *verdict)
{
	struct session *s = user;
	struct aaa_verdict v = *verdict;
	if (s->doomed)
		return;
	if (v.outcome == AAA_ACCEPT)
		admit(s, &v);
	else
		give(s, &v, v.delay_ms);
	explicit_bzero(&v, sizeof(v));
	if (!s->in_auth)
		session_settle(s);
}

static void
ask(struct session *s, const struct ppp_credentials *cred)
{
	char acct[ACCT_ID_TEXT];
	const struct aaa_link link = {.peer_ip = s->peer_ip,
		.server_ip = s->server_ip,
		.carrier = s->carrier->name,
		.nas_name = s->env->cfg->ppp.server_name,
		.encrypted = s->ipsec,
		.accounting_id = s->acct.counter ? acct_id_text(&s->acct, acct) : NULL};
	/* What is left is for the client to hear it. */
	const struct aaa_asker asker = {.told = on_told,
		.user = s,
		.id = &s->request,
		.due = session_now(s) + s->env->cfg->ppp.auth_timeout_ms / 2};
	struct aaa_question q = {.said = AAA_SAID_PROOF, .cred = cred, .link = &link};
	if (!aaa_ask(s->env->aaa, &asker, &q, session_now(s)))
		give(s, &(struct aaa_verdict){.refusal = REFUSAL_NO_RESOURCES}, 0);
}

void
session_ask(struct session *s, const struct ppp_credentials *cred)
{
	if (s->doomed || s->opened) {
		answer(s, &(struct aaa_verdict){.refusal = REFUSAL_PROTOCOL_ERROR});
		return;
	}
	if (!cred->again)
		session_auth_stop(s);
	release_address(s); /* of an earlier round of a renegotiated link */
	set_name(s, cred->user);
	s->auth = cred->method;
	s->in_auth = true;
	ask(s, cred);
	s->in_auth = false;
}
