/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/settings/config.h"
#include "dataplane/api/session.h"
#include "tests/unit/temp.h"

#define POOL     "pool: { first = \"10.0.0.1\"; last = \"10.0.0.9\"; };\n"
#define GOOD_PSK "Neither-short-nor-simple-7"

static char path[64];

static struct config *
load(const char *text, char *err, size_t errlen)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return config_load(path, err, errlen);
}

/* What stands after "file:" in the message. */
static const struct {
	const char *text, *error;
} bad[] = {
	{"", "1: pool: missing"},
	{"pptp: {\n", "2: syntax error"},
	{POOL "pool: { };\n", "2: duplicate setting name"},
	{POOL "poool: { };\n", "2: unknown setting \"poool\""},
	{POOL "pptp: {\n  enable = true; };\n", "3: unknown setting \"enable\""},
	{POOL "pptp = 5;\n", "2: pptp: a group in { } expected"},
	{POOL "pptp: { enabled = 1; };\n", "2: enabled: true or false expected"},
	{POOL "pptp: { enabled = \"yes\"; };\n", "2: enabled: true or false expected"},
	{POOL "pptp: { max_sessions = \"5\"; };\n", "2: max_sessions: a whole number expected"},
	{POOL "pptp: { max_sessions = -1; };\n", "2: max_sessions: -1 is not within 0 to 1048576"},
	{POOL "pptp: { max_sessions = 1048577; };\n",
		"2: max_sessions: 1048577 is not within 0 to 1048576"},
	{POOL "pptp: { max_sessions = 99999999999L; };\n",
		"2: max_sessions: 99999999999 is not within 0 to 1048576"},
	{POOL "pptp: { port = 0; };\n", "2: port: 0 is not within 1 to 65535"},
	{POOL "pptp: { listen = \"0.0.0.0\"; };\n", "2: listen: a list in [ ] expected"},
	{POOL "pptp: { listen = [ ]; };\n", "2: listen: 1 to 8 elements expected"},
	{POOL "pptp: { listen = [ \"10.0.0\" ]; };\n",
		"2: listen: an IPv4 address such as \"192.0.2.1\" expected"},
	{POOL "pptp: { listen = [ 5 ]; };\n",
		"2: listen: an IPv4 address such as \"192.0.2.1\" expected"},
	{POOL "pptp: { echo_interval = 0; };\n", "2: echo_interval: 0 is not within 1 to 3600"},
	{POOL "l2tp: { enabled = 1; };\n", "2: enabled: true or false expected"},
	{POOL "l2tp: { max_sessions = -1; };\n", "2: max_sessions: -1 is not within 0 to 1048576"},
	{POOL "l2tp: { secret = \"x\"; };\n", "2: unknown setting \"secret\""},
	{POOL "l2tp: { receive_window = 33; };\n", "2: receive_window: 33 is not within 1 to 32"},
	{POOL "l2tp: { receive_window = 0; };\n", "2: receive_window: 0 is not within 1 to 32"},
	{POOL "l2tp: { mru = 100; };\n", "2: mru: 100 is not within 576 to 1500"},
	{POOL "l2tp: { start_timeout = 0; };\n", "2: start_timeout: 0 is not within 1 to 600"},
	{POOL "l2tp: { max_half_open = 0; };\n", "2: max_half_open: 0 is not within 1 to 65535"},
	{POOL "ppp: { mru = 1501; };\n", "2: mru: 1501 is not within 576 to 1500"},
	{POOL "ppp: { server_name = \"\"; };\n", "2: server_name: 1 to 63 characters expected"},
	{POOL "ppp: { authentication = [ ]; };\n", "2: authentication: 1 to 4 elements expected"},
	{POOL "ppp: { authentication = [ \"eap\" ]; };\n",
		"2: authentication: \"eap\" is none of mschapv2, chap-md5, mschapv1, pap"},
	{POOL "mppe: { policy = \"maybe\"; };\n",
		"2: policy: \"maybe\" is none of forbid, allow, require"},
	{POOL "mppe: { mode = 1; };\n", "2: mode: a string expected"},
	{POOL "mppe: { strengths = [ 64 ]; };\n", "2: strengths: 40, 56 or 128 expected"},
	{POOL "mppe: { strengths = [ ]; };\n", "2: strengths: empty, but policy is \"require\""},
	{POOL "pptp: { listen = [ \"192.0.2.1\", \"192.0.2.2\", \"192.0.2.1\" ]; };\n",
		"2: listen: an address stands here twice"},
	{POOL "control: { log_level = \"loud\"; };\n",
		"2: log_level: \"loud\" is none of error, warning, notice, info, debug"},
	/* T12 */
	{POOL "ipsec: { enabled = true; };\n", "2: ipsec: psk, certificate or pkcs12 is needed"},
	{POOL "ipsec: { psk = \"vpn\"; };\n",
		"2: psk: too easy to guess (about 0 bits of 80; take 20 random characters)"},
	{POOL "ipsec: { psk = \"12345678901234567890\"; };\n", "2: psk: too easy to guess"},
	{POOL "ipsec: { psk = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; };\n",
		"2: psk: too easy to guess"},
	{POOL "ipsec: { peers = ( { address = \"10.0.0.1\"; } ); };\n",
		"2: peers: address and psk are needed"},
	{POOL "ipsec: { peers = ( { address = \"10.0.0.1\"; psk = \"" GOOD_PSK "\"; },\n"
	      "{ address = \"10.0.0.1\"; psk = \"" GOOD_PSK "\"; } ); };\n",
		"3: psk: this address has a key already"},
	{POOL "ipsec: { peers = ( { address = \"0.0.0.0\"; psk = \"" GOOD_PSK "\"; } ); };\n",
		"2: address: of one peer expected"},
	{POOL "ipsec: { certificate = \"a.pem\"; };\n",
		"2: ipsec: certificate and key go together"},
	{POOL "ipsec: { certificate = \"a\"; key = \"b\"; pkcs12 = \"c\"; };\n",
		"2: ipsec: either certificate or pkcs12, not both"},
	{POOL "ipsec: { directory = \"run\"; };\n", "2: directory: an absolute path"},
	{POOL "ipsec: { directory = \"/a}b\"; };\n", "2: directory: an absolute path"},
	{POOL "ipsec: { proposals = \"weak\"; };\n",
		"2: proposals: \"weak\" is none of strong, legacy"},
	{POOL "ipsec: { aggressive = true; };\n", "2: unknown setting \"aggressive\""},
	{"pool: { first = \"10.0.0.1\"; };\n", "1: pool: first and last are needed"},
	{"pool: { first = \"10.0.0.9\"; last = \"10.0.0.1\"; };\n", "1: pool: "},
	{POOL "dns = [ \"1.1.1.1\", \"1.1.1.2\", \"1.1.1.3\" ];\n",
		"2: dns: 0 to 2 elements expected"},
	{POOL "users: ( 5 );\n", "2: users: { name = ...; password = ...; } expected"},
	{POOL "users: ( { password = \"x\"; } );\n", "2: users: a user without name"},
	{POOL "users: ( { name = \"a\"; } );\n", "2: users: \"a\" has no password"},
	{POOL "users: ( { name = \"jose\";\npassword = \"contrase\xf1"
	      "a\"; } );\n",
		"3: password: that of \"jose\" is not UTF-8"},
	{POOL "users: ( { name = \"a\"; pasword = \"x\"; } );\n", "2: unknown setting \"pasword\""},
	{POOL "users: ( { name = \"a\"; password = \"x\"; dial_in = \"maybe\"; } );\n",
		"2: dial_in: \"maybe\" is none of allow, deny"},
	{POOL "users: ( { name = \"a\"; password = \"x\"; },\n{ name = \"A\"; password = \"y\"; } "
	      ");\n",
		"3: users: \"A\" stands here twice"},
	{POOL "users: ( { name = \"a\"; password = \"x\"; static_ip = \"10.0.0.1\"; } );\n",
		"2: static_ip: not a client's address of the pool"},
	{POOL "users: ( { name = \"a\"; password = \"x\"; static_ip = \"10.0.0.2\"; },\n"
	      "{ name = \"b\"; password = \"x\"; static_ip = \"10.0.0.2\"; } );\n",
		"3: static_ip: belongs to another user"},
	/* libconfig cuts numbers to 32 bits: this one would be 5. */
	{POOL "pptp: { max_sessions = 4294967301; };\n",
		"2: 4294967301: no setting takes a number as large as that"},
	{POOL "/* 4294967301\n*/ pptp: { max_sessions = 0x100000005; };\n",
		"3: 0x100000005: no setting takes a number as large as that"},
	{POOL "pptp: { max_session = 5; };\n",
		"2: unknown setting \"max_session\": did you mean \"max_sessions\"?"},
	{POOL "ipsec: { enabled = true; peers = ( ); };\n",
		"2: ipsec: psk, certificate or pkcs12 is needed"},
	{POOL "@include \"/nonexistent\"\n", "2: cannot open include file"},
};

/* A search through all users for each would take minutes. */
static void
test_many_static_addresses(void **state)
{
	enum { N = 100000 };
	static char text[N * 80];
	char err[256] = "";
	size_t n = 0;
	(void)state;
	n += (size_t)sprintf(text, "pool: { first = \"10.0.0.1\"; last = \"10.1.255.254\"; };\n"
				   "users: (\n");
	for (unsigned int i = 0; i < N; i++)
		n += (size_t)sprintf(text + n,
			"%c{ name = \"u%u\"; password = \"p\"; static_ip = \"10.%u.%u.%u\"; }\n",
			i ? ',' : ' ', i, (i + 2) >> 16, (i + 2) >> 8 & 255, (i + 2) & 255);
	sprintf(text + n, ");\n");
	struct config *c = load(text, err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_equal(users_count(c->users), N);
	config_free(c);
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char err[256] = "", want[256];
		struct config *c = load(bad[i].text, err, sizeof(err));
		snprintf(want, sizeof(want), "%s:%s", path, bad[i].error);
		if (c || strncmp(err, want, strlen(want)) != 0)
			fail_msg("%s\ngives  %s\nwanted %s", bad[i].text, c ? "no error" : err,
				want);
	}
}

/* R27: an operator mends all of it at once. */
static void
test_all_errors_at_once(void **state)
{
	(void)state;
	char err[1024] = "", want[1024];
	assert_null(load("poool: { };\n" POOL "pptp: { enabled = 1; port = 0;\nlisten = 5; };\n"
			 "users: ( { name = \"a\"; dial_in = \"maybe\"; }, 5 );\n",
		err, sizeof(err)));
	snprintf(want, sizeof(want),
		"%s:1: unknown setting \"poool\": did you mean \"pool\"?\n"
		"%s:3: enabled: true or false expected\n"
		"%s:3: port: 0 is not within 1 to 65535\n"
		"%s:4: listen: a list in [ ] expected\n"
		"%s:5: users: \"a\" has no password\n"
		"%s:5: dial_in: \"maybe\" is none of allow, deny\n"
		"%s:5: users: { name = ...; password = ...; } expected",
		path, path, path, path, path, path, path);
	assert_string_equal(err, want);
	/* More than anybody reads are counted. */
	char many[8192] = POOL, *text = malloc(65536);
	for (unsigned int i = 0; i < 100; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "unknown%u = 1;\n", i);
	assert_null(load(many, text, 65536));
	assert_non_null(strstr(text, ":0: and 36 more"));
	free(text);
}

static void
test_unreadable(void **state)
{
	(void)state;
	char err[256] = "";
	assert_null(config_load("/nonexistent/x", err, sizeof(err)));
	assert_string_equal(err, "/nonexistent/x:0: can't read: No such file or directory");
	assert_null(config_load("/tmp", err, sizeof(err)));
	assert_string_equal(err, "/tmp:0: can't read: Is a directory");
}

static void
test_error_without_secret(void **state)
{
	(void)state;
	char err[256] = "";
	assert_null(load(POOL "users: ( { name = \"a\"; password = \"hush\"; x = 1; } );\n", err,
		sizeof(err)));
	assert_null(strstr(err, "hush"));
	/* Short buffers are respected. */
	char small[8];
	assert_null(load("x = 1;\n", small, sizeof(small)));
	assert_int_equal(strlen(small), 7);
}

static void
test_l2tp(void **state)
{
	(void)state;
	char err[256] = "";
	struct config *c = load(POOL
		"l2tp: { enabled = true; max_sessions = 5; require_ipsec = false; mru = 1300;\n"
		"tunnel_secret = \"shared\"; idle_timeout = 0; max_retransmissions = 7;\n"
		"host_name = \"gate\"; vendor = \"none\"; };\n"
		"pptp: { host_name = \"door\"; vendor = \"nobody\"; };\n"
		"ppp: { mru = 1450; server_name = \"lns\"; echo_interval = 7; };\n",
		err, sizeof(err));
	assert_string_equal(err, "");
	assert_true(c->l2tp_enabled);
	assert_false(c->l2tp_require_ipsec);
	assert_string_equal(c->l2tp.secret, "shared");
	assert_string_equal(c->l2tp.host_name, "gate");
	assert_string_equal(c->l2tp.vendor, "none");
	assert_string_equal(c->pptp.host_name, "door");
	assert_string_equal(c->pptp.vendor, "nobody");
	assert_int_equal(c->l2tp.max_tunnels, 26);
	assert_int_equal(c->l2tp.idle_ms, 0);
	assert_int_equal(c->l2tp.delivery.max_tries, 7);
	/* PPP as everywhere, but for the MRU. */
	assert_int_equal(c->l2tp_ppp.mru, 1300);
	assert_int_equal(c->l2tp_ppp.echo_interval_ms, 7000);
	assert_int_equal(c->ppp.mru, 1450);
	config_free(c);
}

static void
test_defaults(void **state)
{
	(void)state;
	char err[256] = "";
	struct config *c = load(POOL, err, sizeof(err));
	assert_non_null(c);
	assert_false(c->pptp_enabled); /* R3 */
	assert_int_equal(c->pptp_max_sessions, 128);
	assert_false(c->l2tp_enabled); /* R3 */
	assert_int_equal(c->l2tp_max_sessions, 128);
	assert_true(c->l2tp_require_ipsec); /* T20 */
	assert_string_equal(c->l2tp.secret, "");
	assert_int_equal(c->l2tp_ppp.mru, 1398);
	assert_int_equal(c->l2tp_ppp.restart_first_ms, c->ppp.restart_first_ms);
	assert_int_equal(c->l2tp.max_tunnels, 272);
	assert_int_equal(c->ppp.auth, PPP_AUTH_MSCHAPV2);
	assert_int_equal(c->aaa.mppe_policy, PPP_MPPE_REQUIRE);
	assert_int_equal(c->aaa.mppe_strengths, PPP_MPPE_128);
	assert_false(c->aaa.allow_weak_crypto);
	assert_int_equal(users_count(c->users), 0);
	config_free(c);
}

static void
test_example(void **state)
{
	(void)state;
	char err[256] = "";
	struct config *c = config_load(EXAMPLE_CONF, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c);
	assert_true(c->pptp_enabled);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->pptp_port, PPTP_PORT);
	assert_int_equal(c->pool_last, 0x0a6300fe);
	assert_int_equal(c->aaa.dns[0], 0xc6336435);
	assert_int_equal(c->aaa.mppe_strengths, PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40);
	assert_int_equal(c->ppp.echo_interval_ms, 30000);
	assert_string_equal(c->pptp.host_name, ""); /* nobody is told */
	assert_string_equal(c->pptp.vendor, "");
	assert_string_equal(c->l2tp.host_name, "");
	assert_string_equal(c->l2tp.vendor, "");
	assert_int_equal(c->l2tp.hello_interval_ms, 60000);
	const struct user *bob = users_find(c->users, "BOB");
	assert_non_null(bob);
	assert_int_equal(bob->dialin, DIALIN_ALLOW);
	assert_int_equal(bob->static_ip, 0x0a6300c8);
	assert_int_equal(bob->mppe_mode, PPP_MPPE_STATELESS_ONLY);
	assert_int_equal(bob->mppe_policy, -1);
	assert_string_equal(bob->password, "change-me-too");
	config_free(c);
}

static void
test_ipsec(void **state)
{
	(void)state;
	char err[256] = "";
	struct config *c = load(POOL
		"ipsec: { enabled = true; psk = \"" GOOD_PSK "\";\n"
		"peers = ( { address = \"192.0.2.7\"; psk = \"Another-" GOOD_PSK "\"; } );\n"
		"sha256_96_peers = [ \"192.0.2.8\" ]; proposals = \"strong\";\n"
		"sa_lifetime_mb = 250; };\n",
		err, sizeof(err));
	assert_string_equal(err, "");
	assert_true(c->ike.enabled);
	assert_int_equal(c->ike.n_psk, 2);
	assert_int_equal(c->ike.psk[0].peer_ip, 0);
	assert_string_equal(c->ike.psk[0].secret, GOOD_PSK);
	assert_int_equal(c->ike.psk[1].peer_ip, 0xc0000207);
	assert_int_equal(c->ike.sha256_96[0], 0xc0000208);
	assert_int_equal(c->ike.min_strength, SUITE_STRONG);
	assert_int_equal(c->ike.sa_lifetime_bytes, 250ull << 20);
	assert_false(c->ike.allow_weak_crypto); /* R2 */
	config_free(c);
	/* R3: off unless it is turned on. */
	c = load(POOL, err, sizeof(err));
	assert_false(c->ike.enabled);
	config_free(c);
}

static void
test_log_quote(void **state)
{
	(void)state;
	char buf[16];
	assert_string_equal(log_quote(buf, sizeof(buf), "plain"), "\"plain\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "a\"\n\\"), "\"a\\x22\\x0a\\x5c\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "0123456789abcdefgh"), "\"0123456789abc\"");
	assert_string_equal(log_quote(buf, 3, "x"), "\"\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "\xff"), "\"\\xff\"");
	assert_string_equal(log_ip(buf, 0xfffefdfc), "255.254.253.252");
}

static char last_line[2048];

static void
keep_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void
test_log_lines(void **state)
{
	(void)state;
	char big[3000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_redirect(keep_line, NULL);
	log_setup(LOG_INFO);
	log_event(LOG_INFO, "one", "a=%d", 1);
	assert_string_equal(last_line, "event=one a=1");
	log_event(LOG_DEBUG, "two", "%s", "");
	assert_string_equal(last_line, "event=one a=1");
	log_event(LOG_INFO, "big", "x=%s", big);
	assert_int_equal(strlen(last_line), 1022);
	log_redirect(NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_errors_at_once),
		cmocka_unit_test(test_many_static_addresses),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_error_without_secret),
		cmocka_unit_test(test_l2tp),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_ipsec),
		cmocka_unit_test(test_log_quote),
		cmocka_unit_test(test_log_lines),
	};
	int fd = mkstemp(temp_name(path, sizeof(path), "config"));
	if (fd < 0)
		return 1;
	close(fd);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
