/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mschap.h"

#include "asker.h"

struct users *users;
struct pool *pool;
struct aaa *aaa;
struct aaa_verdict v;
uint64_t now;
static uint64_t id;
static unsigned int told;

struct user
base(const char *name)
{
	static char password[] = "clientPass";

	return (struct user){
		.name = (char *)(uintptr_t)name,
		.password = password,
		.dialin = DIALIN_ALLOW,
		.auth = -1,
		.mppe_policy = -1,
		.mppe_mode = -1,
		.mppe_strengths = -1,
	};
}

static int
set_up_pool(uint32_t last)
{
	static char long_password[] = "much longer than LM can see";
	struct user user;
	char err[128];

	users = users_new();
	pool = pool_new("default", FIRST, last, err, sizeof(err));
	user = base("User");
	users_add(users, &user);
	user = base("long");
	user.password = long_password;
	users_add(users, &user);
	user = base("denied");
	user.dialin = DIALIN_DENY;
	users_add(users, &user);
	user = base("fixed");
	user.static_ip = FIRST + 2;
	users_add(users, &user);
	user = base("outside");
	user.static_ip = 0xc6336401;
	users_add(users, &user);
	user = base("server");
	user.static_ip = FIRST;
	users_add(users, &user);
	user = base("weak");
	user.mppe_strengths = PPP_MPPE_40;
	user.mppe_mode = PPP_MPPE_PREFER_STATEFUL;
	users_add(users, &user);
	user = base("pap");
	user.auth = PPP_AUTH_PAP;
	user.mppe_policy = PPP_MPPE_FORBID;
	users_add(users, &user);
	aaa = aaa_new(users, pool);
	if (!aaa)
		return -1;
	*aaa_settings(aaa) = (struct aaa_settings){
		.auth = PPP_AUTH_MSCHAPV2 | PPP_AUTH_MSCHAPV1 | PPP_AUTH_CHAP_MD5 | PPP_AUTH_PAP,
		.mppe_policy = PPP_MPPE_REQUIRE,
		.mppe_mode = PPP_MPPE_PREFER_STATELESS,
		.mppe_strengths = ALL,
		.dns = {0x08080808, 0},
		.wins = {0, 0x0a0000fe},
		.lockout_failures = 3,
		.lockout_ms = 60000,
	};
	now = 1000000;
	return 0;
}

int
set_up(void **state)
{
	(void)state;
	return set_up_pool(FIRST + 63);
}

int
set_up_small(void **state)
{
	(void)state;
	return set_up_pool(FIRST + 3);
}

int
tear_down(void **state)
{
	(void)state;
	aaa_cancel(aaa, &id);
	aaa_free(aaa);
	pool_free(pool);
	users_free(users);
	return 0;
}

struct ppp_credentials
credentials(enum ppp_auth method, const char *user, const char *password)
{
	struct ppp_credentials c = {.method = method, .id = 5};
	uint8_t hash[16];

	strncpy(c.user, user, PPP_NAME_MAX);
	memset(c.challenge, 0x5b, sizeof(c.challenge));
	memset(c.peer_challenge, 0x21, sizeof(c.peer_challenge));
	c.challenge_len = method == PPP_AUTH_MSCHAPV1 ? 8 : 16;
	assert_int_equal(mschap_nt_hash(password, hash), 0);
	switch (method) {
	case PPP_AUTH_MSCHAPV2:
		c.response_len = 24;
		mschapv2_nt_response(c.challenge, c.peer_challenge, user, hash, c.response);
		break;
	case PPP_AUTH_MSCHAPV1:
		c.response_len = 49;
		mschap_challenge_response(c.challenge, hash, c.response + 24);
		c.response[48] = 1;
		break;
	case PPP_AUTH_CHAP_MD5:
		c.response_len = 16;
		chap_md5_response(c.id, password, c.challenge, 16, c.response);
		break;
	case PPP_AUTH_PAP:
		strcpy(c.password, password);
		break;
	}
	return c;
}

static void
on_told(void *user, const struct aaa_verdict *verdict)
{
	(void)user;
	v = *verdict;
	told++;
}

/* What the local users say is there when the question returns. */
void
ask(const struct ppp_credentials *c, uint32_t peer, bool encrypted)
{
	const struct aaa_link link = {
		.peer_ip = peer, .carrier = "pptp", .nas_name = "vpn", .encrypted = encrypted};
	const struct aaa_asker asker = {on_told, NULL, &id, UINT64_MAX};
	struct aaa_question q = {.cred = c, .link = &link};

	aaa_cancel(aaa, &id); /* of an attempt that might have been repeated */
	told = 0;
	assert_true(aaa_ask(aaa, &asker, &q, now));
	assert_int_equal(told, 1);
	if (v.outcome == AAA_ACCEPT) {
		enum refusal_code why = aaa_lease(aaa, &v.grant);

		if (why != REFUSAL_NONE)
			v = (struct aaa_verdict){.refusal = why, .delay_ms = v.delay_ms};
	}
}

enum refusal_code
decide_from(uint32_t peer, enum ppp_auth method, const char *user, const char *password)
{
	struct ppp_credentials c = credentials(method, user, password);

	ask(&c, peer, false);
	if (v.outcome != AAA_ACCEPT) {
		struct aaa_verdict empty = {
			.outcome = v.outcome, .refusal = v.refusal, .delay_ms = v.delay_ms};

		assert_int_not_equal(v.refusal, REFUSAL_NONE);
		assert_memory_equal(&v, &empty, sizeof(v));
	}
	return v.refusal;
}

enum refusal_code
decide(enum ppp_auth method, const char *user, const char *password)
{
	return decide_from(PEER, method, user, password);
}
