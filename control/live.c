/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/live.h"

#include "control/core/log.h"
#include "control/session/query.h"

/* ------------------------------------------------------------------ carriers */

static bool
carrier_prepare(void *user, const struct config *next, char *err, size_t errlen)
{
	struct carrier *c = ((struct live_carrier *)user)->carrier;
	return !c->ops->prepare || c->ops->prepare(c, next, err, errlen);
}

static unsigned int
carrier_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live_carrier *o = user;
	(void)next;
	(void)fate;
	if (o->carrier->ops->changed)
		o->carrier->ops->changed(o->carrier);
	o->live->edge(o->live->user);
	return 0;
}

static void
carrier_unchanged(void *user)
{
	struct carrier *c = ((struct live_carrier *)user)->carrier;
	if (c->ops->unchanged)
		c->ops->unchanged(c);
}

static const struct settings_hook carrier_hook = {
	carrier_prepare, carrier_changed, carrier_unchanged};

static unsigned int
edge_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	(void)next;
	(void)fate;
	l->edge(l->user);
	return 0;
}

static const struct settings_hook edge_hook = {.apply = edge_changed};

/* ------------------------------------------------------------------ decisions */

static unsigned int
aaa_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	(void)next;
	(void)fate;
	*aaa_settings(l->aaa) = l->cfg->aaa;
	return 0;
}

static const struct settings_hook aaa_hook = {.apply = aaa_changed};

/* R2, T16 */
static unsigned int
mppe_weak_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	bool allow = l->cfg->aaa.allow_weak_crypto;
	uint32_t weak = l->sessions->n_weak;
	aaa_changed(user, next, fate);
	unsigned int n = !allow && fate == FATE_DROP ? sessions_close_weak(l->sessions) : 0;
	log_event(allow ? LOG_WARNING : LOG_NOTICE, "weak-crypto",
		"setting=mppe.allow_weak_crypto allow=%s fate=%s weak_sessions=%u dropped=%u",
		allow ? "yes" : "no", fate_name(fate), weak, n);
	return n;
}

static const struct settings_hook mppe_weak_hook = {.apply = mppe_weak_changed};

/* ------------------------------------------------------------------ users */

struct parting {
	const struct users *next;
	struct sessions *sessions;
	unsigned int ended;
};

/* Who may no longer come. */
static void
part_from(void *arg, const struct user *user)
{
	struct parting *p = arg;
	const struct user *is = users_find(p->next, user->name);
	if (!is || is->dialin != DIALIN_ALLOW)
		p->ended += sessions_disconnect_user(p->sessions, user->name);
}

struct count {
	unsigned int added, removed, changed;
};

static void
count_one(void *arg, const struct user *was, const struct user *is)
{
	struct count *n = arg;
	n->added += !was;
	n->removed += !is;
	n->changed += was && is;
}

static unsigned int
users_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	struct parting p = {.next = next->users, .sessions = l->sessions};
	struct count n = {0};
	if (fate == FATE_DROP)
		users_each(l->cfg->users, part_from, &p);
	aaa_replace_users(l->aaa, next->users, count_one, &n);
	if (n.added || n.removed || n.changed)
		log_event(LOG_NOTICE, "users-changed",
			"added=%u removed=%u changed=%u sessions_ended=%u", n.added, n.removed,
			n.changed, p.ended);
	return p.ended;
}

static const struct settings_hook users_hook = {.apply = users_changed};

/* ------------------------------------------------------------------ IPsec */

static unsigned int
ipsec_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	(void)next;
	(void)fate;
	if (l->ike)
		ike_settings_changed(l->ike);
	return 0;
}

static const struct settings_hook ipsec_hook = {.apply = ipsec_changed};

/* R2, T16 */
static unsigned int
ipsec_weak_changed(void *user, const struct config *next, enum fate fate)
{
	const struct live *l = user;
	bool allow = l->cfg->ike.allow_weak_crypto;
	struct ike_status s;
	(void)next;
	if (!l->ike)
		return 0;
	ike_status(l->ike, &s);
	unsigned int n = ike_weak_crypto(l->ike, allow, fate);
	log_event(allow ? LOG_WARNING : LOG_NOTICE, "weak-crypto",
		"setting=ipsec.allow_weak_crypto allow=%s fate=%s weak_sas=%u acted_on=%u",
		allow ? "yes" : "no", fate_name(fate), s.weak_sas, n);
	return n;
}

static const struct settings_hook ipsec_weak_hook = {.apply = ipsec_weak_changed};

void
live_register(struct live *l, struct settings *s)
{
	l->sessions->env.edge = l->edge;
	l->sessions->env.user = l->user;
	for (unsigned int i = 0; i < l->n_carriers; i++) {
		struct live_carrier *o = &l->of[l->carriers[i]->part];
		*o = (struct live_carrier){l->carriers[i], l};
		settings_set_hook(s, l->carriers[i]->part, &carrier_hook, o);
	}
	settings_set_hook(s, PART_DATAPLANE, &edge_hook, l);
	settings_set_hook(s, PART_AAA, &aaa_hook, l);
	settings_set_hook(s, PART_MPPE_WEAK, &mppe_weak_hook, l);
	settings_set_hook(s, PART_USERS, &users_hook, l);
	settings_set_hook(s, PART_IPSEC, &ipsec_hook, l);
	settings_set_hook(s, PART_IPSEC_WEAK, &ipsec_weak_hook, l);
}
