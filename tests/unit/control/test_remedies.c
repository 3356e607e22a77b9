/* SPDX-License-Identifier: BSD-3-Clause */
/* R17: a client is refused for each cause, the remedy is followed, and the client gets in. */
#include "control/settings/table.h"
#include "fake/dial.h"
#include "remedy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the client is and does. */
struct way {
	enum refusal_code code;
	const char *settings; /* that refuse it */
	const char *user, *password;
	void (*client)(struct ppp_client_config *pc); /* what it can do; NULL: everything */
	const char *remedy;                           /* has to say this */
	const char *remedied;                         /* the settings that follow it */
	const char *right_user, *right_password; /* what the client says then; NULL: as before */
	void (*right_client)(struct ppp_client_config *pc);
};

static void
weak_client(struct ppp_client_config *pc)
{
	pc->mppe = PPP_MPPE_40;
}

static void
no_mppe(struct ppp_client_config *pc)
{
	pc->habits.no_mppe = true;
}

static void
only_chap(struct ppp_client_config *pc)
{
	pc->auth = PPP_AUTH_CHAP_MD5;
	pc->habits.no_mppe = true;
}

static void
only_mschapv1(struct ppp_client_config *pc)
{
	pc->auth = PPP_AUTH_MSCHAPV1;
	pc->habits.no_mppe = true;
}

static void
only_v2(struct ppp_client_config *pc)
{
	pc->auth = PPP_AUTH_MSCHAPV2;
}

static void
own_address(struct ppp_client_config *pc)
{
	pc->ip = 0xc0a80005;
	pc->habits.ip_insist = true;
}

static void
any_address(struct ppp_client_config *pc)
{
	pc->ip = 0;
}

#define BOB                                                                           \
	"users = ( { name = \"bob\"; password = \"pw-bob\"; dial_in = \"allow\"; }, " \
	"{ name = \"alise\"; password = \"pw-alice\"; dial_in = \"allow\"; } )\n"
#define ALL_STRENGTHS "mppe.strengths = [ 128, 56, 40 ]\n"
#define WITH_CHAP     "ppp.authentication = [ \"mschapv2\", \"chap-md5\" ]\n"

static const struct way ways[] = {
	{REFUSAL_UNKNOWN_USER, "", "alise", "pw-alice", NULL, "correct the name", "", "alice",
		"pw-alice", NULL},
	{REFUSAL_UNKNOWN_USER, "", "alise", "pw-alice", NULL, "create the user", BOB, NULL, NULL,
		NULL},
	{REFUSAL_WRONG_PASSWORD, "", "alice", "pw-alise", NULL, "correct it at the client", "",
		NULL, "pw-alice", NULL},
	{REFUSAL_DIALIN_DENIED, "", "bob", "pw-bob", NULL, "dial_in = \"allow\"", BOB, NULL, NULL,
		NULL},
	/* The method alone leads to encryption-needs-mschap: the remedy says so. */
	{REFUSAL_NO_COMMON_AUTH, "", "alice", "pw-alice", only_chap,
		"ppp.authentication, or in users[].authentication",
		WITH_CHAP "mppe.policy = \"allow\"\n", NULL, NULL, NULL},
	{REFUSAL_NO_COMMON_AUTH, "", "alice", "pw-alice", only_mschapv1, "mppe.allow_weak_crypto",
		"ppp.authentication = [ \"mschapv2\", \"mschapv1\" ]\nmppe.policy = \"allow\"\n"
		"mppe.allow_weak_crypto = true\n",
		NULL, NULL, NULL},
	{REFUSAL_NO_COMMON_AUTH,
		WITH_CHAP "mppe.policy = \"allow\"\n"
			  "users = ( { name = \"alice\"; password = \"pw-alice\"; dial_in = "
			  "\"allow\"; authentication = [ \"mschapv2\" ]; } )\n",
		"alice", "pw-alice", only_chap, "users[].authentication",
		WITH_CHAP "mppe.policy = \"allow\"\n", NULL, NULL, NULL},
	{REFUSAL_NO_COMMON_ENCRYPTION, "", "alice", "pw-alice", no_mppe, "mppe.policy = \"allow\"",
		"mppe.policy = \"allow\"\n", NULL, NULL, NULL},
	{REFUSAL_NO_COMMON_ENCRYPTION, "", "alice", "pw-alice", no_mppe,
		"enable MPPE-128 at the client", "", NULL, NULL, only_v2},
	{REFUSAL_ENCRYPTION_NEEDS_MSCHAP, WITH_CHAP, "alice", "pw-alice", only_chap,
		"mppe.policy = \"allow\"", WITH_CHAP "mppe.policy = \"allow\"\n", NULL, NULL, NULL},
	{REFUSAL_ENCRYPTION_NEEDS_MSCHAP, WITH_CHAP, "alice", "pw-alice", only_chap,
		"let the client use MS-CHAPv2", WITH_CHAP, NULL, NULL, only_v2},
	{REFUSAL_WEAK_CRYPTO_OFF, ALL_STRENGTHS, "alice", "pw-alice", weak_client,
		"aditctl weak-crypto pptp on", ALL_STRENGTHS "mppe.allow_weak_crypto = true\n",
		NULL, NULL, NULL},
	/* The switch alone leads nowhere: mppe.strengths is [128]. */
	{REFUSAL_WEAK_CRYPTO_OFF, "", "alice", "pw-alice", weak_client,
		"both: 40 and 56 in mppe.strengths, and mppe.allow_weak_crypto",
		ALL_STRENGTHS "mppe.allow_weak_crypto = true\n", NULL, NULL, NULL},
	{REFUSAL_WEAK_CRYPTO_OFF, "", "alice", "pw-alice", weak_client,
		"enable MPPE-128 at the client", "", NULL, NULL, only_v2},
	{REFUSAL_NO_IP, "", "alice", "pw-alice", own_address, "automatically", "", NULL, NULL,
		any_address},
};

static struct client *
call(const struct way *w, bool right)
{
	struct ppp_client_config pc =
		client_config(right && w->right_user ? w->right_user : w->user,
			right && w->right_password ? w->right_password : w->password);
	void (*client)(struct ppp_client_config *) =
		right && w->right_client ? w->right_client : w->client;
	if (client)
		client(&pc);
	client_start(&clients[right], &fake, &pc, cfg->pptp_port, 1);
	return &clients[right];
}

static void
remedies_lead_in(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *w = &ways[i];
		walk_dial(w->settings);
		loop_until(&loop, client_over, call(w, false), 9000);
		walk_refused(w->code, "protocol=pptp", w->remedy);
		walk_dial_again(w->remedied);
		if (!loop_until(&loop, client_up, call(w, true), 5000))
			fail_msg("%u: the remedy of %s leads nowhere:\n%s", i,
				refusal_name(w->code), stage_log());
		walk_dial_over();
	}
}

static void
walks(const struct walk *w)
{
	for (; w->here; w++)
		w->here();
}

static void
walks_of_limits(void **state)
{
	(void)state;
	walks(walks_limits);
}

static void
walks_of_users(void **state)
{
	(void)state;
	walks(walks_users);
}

static void
walks_of_paths(void **state)
{
	(void)state;
	walks(walks_paths);
}

static void
walks_of_gateways(void **state)
{
	(void)state;
	walks(walks_gateway);
}

static void
walks_of_l2tp(void **state)
{
	(void)state;
	walks(walks_l2tp);
}

/* ------------------------------------------------------------------ is every code walked? */

static const struct walk others[] = {
	{REFUSAL_NONE, NULL, NULL, "refuses nobody"},
	{REFUSAL_DECISION_TIMEOUT, NULL, "unit/control/test_decision.c", NULL},
	{REFUSAL_GRANT_UNSUPPORTED, NULL, "unit/control/test_decision.c", NULL},
	{REFUSAL_IKE_NO_PROPOSAL, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_ESP_NO_PROPOSAL, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_IKE_PSK_MISMATCH, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_IKE_AUTH_FAILED, NULL, "e2e/scenarios/ike-certificates", NULL},
	{REFUSAL_IKE_AGGRESSIVE, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_IKE_NO_CERTIFICATE, NULL, "e2e/scenarios/ike-revoked", NULL},
	{REFUSAL_IKE_REVOKED, NULL, "e2e/scenarios/ike-revoked", NULL},
	{REFUSAL_IKE_MALFORMED, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IKE_HALF_OPEN, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_IKE_PEER_DEAD, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IPSEC_SELECTORS, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_IPSEC_NO_ESP, NULL, "e2e/scenarios/l2tp-causes", NULL},
	{REFUSAL_ESP_AUTH_FAILED, NULL, "e2e/scenarios/l2tp-sha256-96", NULL},
	{REFUSAL_IPSEC_WEAK_CRYPTO_OFF, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IPSEC_ADDRESS_LIMIT, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IPSEC_SHARE, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IPSEC_FULL, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_IPSEC_INSTALL, NULL, "unit/ike/test_remedies.c", NULL},
	{REFUSAL_COUNT, NULL, NULL, NULL},
};

/* "walked CODE" in that file. */
static bool
walked_in(const char *file, enum refusal_code code)
{
	char path[512], line[512], want[64];
	bool found = false;
	snprintf(path, sizeof(path), "%s/%s", TESTS_DIRECTORY, file);
	snprintf(want, sizeof(want), "walked %s", refusal_name(code));
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is not there", path);
	while (!found && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, want);
		found = at && !isalnum((unsigned char)at[strlen(want)]) && at[strlen(want)] != '-';
	}
	fclose(f);
	return found;
}

static void
mark(const struct walk *w, bool *walked)
{
	for (; w->here || w->elsewhere || w->never; w++) {
		if (w->elsewhere && !walked_in(w->elsewhere, w->code))
			fail_msg("%s does not walk %s", w->elsewhere, refusal_name(w->code));
		walked[w->code] = true;
	}
}

static void
every_refusal_is_walked(void **state)
{
	bool walked[REFUSAL_COUNT] = {false};
	(void)state;
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		walked[ways[i].code] = true;
	mark(walks_limits, walked);
	mark(walks_users, walked);
	mark(walks_paths, walked);
	mark(walks_gateway, walked);
	mark(walks_l2tp, walked);
	mark(others, walked);
	for (unsigned int i = 0; i < REFUSAL_COUNT; i++)
		if (!walked[i])
			fail_msg("nobody follows the remedy of %s", refusal_name(i));
}

/* ------------------------------------------------------------------ the words */

/* Control's, or of the data plane "| section.name | ..." of the operators' page. */
static bool
is_setting(const char *name)
{
	char line[2048], want[80];
	bool found = setting_find(name) != NULL;
	FILE *f = fopen(OPERATORS_PAGE, "r");
	assert_non_null(f);
	snprintf(want, sizeof(want), "| %s | ", name);
	while (!found && fgets(line, sizeof(line), f))
		found = strncmp(line, want, strlen(want)) == 0;
	fclose(f);
	return found;
}

/* What a remedy names has to exist: "section.setting". */
static void
remedies_name_what_exists(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REFUSAL_COUNT; i++) {
		char name[64];
		const char *r = refusal_remedy(i);
		for (size_t n; *r; r += n) {
			n = strcspn(r, " ;,:)=(\"") + 1;
			snprintf(name, sizeof(name), "%.*s", (int)(n - 1), r);
			if (r[n - 1] == '\0')
				n--;
			const char *dot = strchr(name, '.');
			if (dot && islower((unsigned char)dot[1]) && !strstr(name, ".conf") &&
				!is_setting(name))
				fail_msg("the remedy of %s names %s, which is no setting",
					refusal_name(i), name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(remedies_lead_in),
		cmocka_unit_test(walks_of_limits), cmocka_unit_test(walks_of_users),
		cmocka_unit_test(walks_of_paths), cmocka_unit_test(walks_of_gateways),
		cmocka_unit_test(walks_of_l2tp), cmocka_unit_test(every_refusal_is_walked),
		cmocka_unit_test(remedies_name_what_exists)};
	return STAGE_RUN(tests);
}
