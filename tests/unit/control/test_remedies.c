/* SPDX-License-Identifier: BSD-3-Clause */
/* R17: a client is refused for each cause, the remedy is followed, and the client gets in. */
#include "fake/dial.h"

#include <stdio.h>
#include <string.h>

#include "control/refusal.h"

struct way {
	enum refusal_code code;
	const char *user, *password;             /* of the client ... */
	void (*client)(struct peer_config *pc);  /* ... and what it can do; NULL: everything */
	void (*before)(struct config *c);        /* settings that refuse it; NULL: as they are */
	const char *remedy;                      /* has to name this */
	void (*remedied)(struct config *c);      /* the settings that the remedy speaks of */
	const char *right_user, *right_password; /* what the client says then; NULL: as before */
};

static void
weak_client(struct peer_config *pc)
{
	pc->mppe = L_40;
}

static void
no_mppe(struct peer_config *pc)
{
	pc->no_mppe = true;
}

static void
only_chap(struct peer_config *pc)
{
	pc->auth = PPP_AUTH_CHAP_MD5;
	pc->no_mppe = true;
}

static void
weak_allowed(struct config *c)
{
	c->aaa.allow_weak_crypto = true;
	c->aaa.mppe_strengths = PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128;
}

static void
weak_listed(struct config *c)
{
	c->aaa.mppe_strengths = PPP_MPPE_40 | PPP_MPPE_56 | PPP_MPPE_128;
}

static void
mppe_allowed(struct config *c)
{
	c->aaa.mppe_policy = PPP_MPPE_ALLOW;
}

static void
chap_allowed(struct config *c)
{
	mppe_allowed(c);
	c->ppp.auth = c->aaa.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_CHAP_MD5;
}

static void
chap_and_mppe(struct config *c)
{
	chap_allowed(c);
	c->aaa.mppe_policy = PPP_MPPE_REQUIRE;
}

static const struct way ways[] = {
	{REFUSAL_UNKNOWN_USER, "alise", "pw-alice", NULL, NULL, "correct the name", NULL, "alice",
		"pw-alice"},
	{REFUSAL_WRONG_PASSWORD, "alice", "pw-alise", NULL, NULL, "correct it", NULL, "alice",
		"pw-alice"},
	{REFUSAL_DIALIN_DENIED, "bob", "pw-bob", NULL, NULL, "dial_in", NULL, "alice", "pw-alice"},
	{REFUSAL_NO_COMMON_AUTH, "alice", "pw-alice", only_chap, NULL, "ppp.authentication",
		chap_allowed, NULL, NULL},
	{REFUSAL_NO_COMMON_ENCRYPTION, "alice", "pw-alice", no_mppe, NULL, "allow less",
		mppe_allowed, NULL, NULL},
	{REFUSAL_ENCRYPTION_NEEDS_MSCHAP, "alice", "pw-alice", only_chap, chap_and_mppe,
		"do not require MPPE", chap_allowed, NULL, NULL},
	/* The switch alone leads nowhere: mppe.strengths is [128]. */
	{REFUSAL_WEAK_CRYPTO_OFF, "alice", "pw-alice", weak_client, weak_listed, "mppe.strengths",
		weak_allowed, NULL, NULL},
	{REFUSAL_WEAK_CRYPTO_OFF, "alice", "pw-alice", weak_client, NULL, "weak-crypto pptp on",
		weak_allowed, NULL, NULL},
};

static struct client *
call(const struct way *w, bool right)
{
	struct peer_config pc = client_config(right && w->right_user ? w->right_user : w->user,
		right && w->right_password ? w->right_password : w->password);
	if (w->client)
		w->client(&pc);
	client_start(&clients[0], &fake, &pc, cfg->pptp_port, 1);
	return &clients[0];
}

static void
remedies_lead_in(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *w = &ways[i];
		assert_non_null(strstr(refusal_remedy(w->code), w->remedy));
		dial_stage("", w->before);
		loop_until(&loop, client_over, call(w, false), 9000);
		loop_for(&loop, 50);
		if (status().refusals[w->code] == 0)
			fail_msg("%u: not refused as %s:\n%s", i, refusal_name(w->code),
				stage_log());
		dial_teardown(NULL);
		dial_stage("", w->remedied);
		if (!loop_until(&loop, client_up, call(w, true), 5000))
			fail_msg("%u: the remedy of %s leads nowhere:\n%s", i,
				refusal_name(w->code), stage_log());
		dial_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(remedies_lead_in)};
	return STAGE_RUN(tests);
}
