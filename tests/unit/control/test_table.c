/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of settings, and the page that is made from it: `test-control-table --page` prints
 * docs/settings.md as it should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/settings/config.h"
#include "control/settings/field.h"

#define PAGE_MAX 65536

/* ------------------------------------------------------------------ the page */

static void __attribute__((format(printf, 2, 3))) put(char *page, const char *fmt, ...)
{
	size_t n = strlen(page);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(page + n, PAGE_MAX - n, fmt, ap);
	va_end(ap);
}

static bool
is_quoted(const struct setting *row)
{
	return !field_has_numbers(row) && row->type != SETTING_BOOL && row->type != SETTING_NUMBER;
}

/* As it would stand in the file. */
static void
put_default(char *page, const struct setting *row)
{
	const char *v = row->fallback ? row->fallback : "";
	bool list = row->type == SETTING_WORDS || row->type == SETTING_IPS;
	const char *quote = is_quoted(row) ? "\"" : "";
	if (row->fallback_text)
		put(page, "%s", row->fallback_text);
	else
		put(page, "%s%s%s%s%s", list ? "[" : "", quote, v, quote, list ? "]" : "");
}

static void
put_values(char *page, const struct setting *row)
{
	bool list =
		row->type == SETTING_WORDS || row->type == SETTING_IPS || row->type == SETTING_LIST;
	const char *quote = is_quoted(row) ? "\"" : "";
	if (row->type == SETTING_NUMBER)
		put(page, "%u to %u%s%s", row->min, row->max, row->unit ? " " : "",
			row->unit ? row->unit : "");
	else if (row->type == SETTING_BOOL)
		put(page, "true, false");
	else if (row->words)
		for (const struct word *w = row->words; w->name; w++)
			put(page, "%s%s%s%s", w == row->words ? "" : ", ", quote, w->name, quote);
	else if (list)
		put(page, "%u to %u %s", row->min, row->max,
			row->type == SETTING_IPS ? "addresses" : "groups");
	else if (row->type == SETTING_IP)
		put(page, "address");
	else if (row->size)
		put(page, "%u to %u characters", row->min, row->size - 1);
	else
		put(page, "string");
}

static void
put_row(char *page, const struct setting *row)
{
	put(page, "| %s | ", row->name);
	put_default(page, row);
	put(page, " | ");
	put_values(page, row);
	put(page, " | %s | %s%s |\n", row->text, setting_effect_name(row),
		setting_settable(row) ? ", set" : "");
}

static const char head[] =
	"# Settings of adit-control\n\n"
	"Made from control/settings/table.c; a test holds it.  The file is in libconfig's form, "
	"see\n"
	"[examples/adit-control.conf](examples/adit-control.conf): `ppp: { mru = 1400; };`\n"
	"Times are in seconds.  How they are changed while adit-control runs:\n"
	"[Changing settings](operators.md#changing-settings).  The last column says what a change "
	"does:\n\n"
	"| change | what it does |\n|---|---|\n"
	"| at-once | holds at once, for everybody whom it concerns |\n"
	"| new-sessions | for who comes from now on; who is connected goes on as he began |\n"
	"| next-login | at the next login, also of a user who is connected |\n"
	"| part-anew | listeners are opened or closed, or IPsec's connections loaded anew; "
	"sessions go on |\n"
	"| after-restart | when adit-control is started again |\n"
	"| set | `aditctl set` takes it, too; the others only stand in the file |\n";

static void
make_page(char *page)
{
	char group[32] = "";
	strcpy(page, head);
	for (const struct setting *row = settings_table; row->name; row++) {
		char mine[32];
		snprintf(mine, sizeof(mine), "%.*s", (int)strcspn(row->name, ".["), row->name);
		if (strcmp(mine, group) != 0 &&
			(strchr(row->name, '.') || row->type == SETTING_LIST || !*group ||
				strcmp(row->name, "dns") == 0))
			put(page,
				"\n## %s\n\n| setting | default | values | meaning | change "
				"|\n|---|---|---|---|---|\n",
				strcmp(mine, "dns") == 0 ? "dns, wins" : mine);
		strcpy(group, mine);
		if (row->type != SETTING_LIST)
			put_row(page, row);
	}
}

/* The page is what the table says. */
static void
test_page(void **state)
{
	static char want[PAGE_MAX], have[PAGE_MAX];
	FILE *f = fopen(SETTINGS_PAGE, "r");
	(void)state;
	make_page(want);
	assert_true(strlen(want) < PAGE_MAX - 1);
	assert_non_null(f);
	have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
	fclose(f);
	if (strcmp(want, have) != 0)
		fail_msg("docs/settings.md is not what the table says: make it anew with "
			 "build/tests/unit/control/test-control-table --page >docs/settings.md");
}

/* ------------------------------------------------------------------ the rows */

static void
test_rows(void **state)
{
	(void)state;
	for (const struct setting *row = settings_table; row->name; row++) {
		assert_ptr_equal(setting_find(row->name), row);
		assert_non_null(row->text);
		assert_true(strlen(row->name) < 48);
		/* Either it is set by itself, or it says why the page has no default. */
		if (!row->fallback && !row->fallback_text && row->type != SETTING_STRING)
			fail_msg("%s has no default", row->name);
		if (row->type == SETTING_SECRET && setting_settable(row))
			fail_msg("%s: a secret can be set", row->name);
		if ((row->words != NULL) !=
			(row->type == SETTING_WORD || row->type == SETTING_WORDS))
			fail_msg("%s: words", row->name);
		for (const struct setting *other = row + 1; other->name; other++)
			assert_string_not_equal(row->name, other->name);
	}
	assert_null(setting_find("ppp"));
	assert_null(setting_find("ppp.mr"));
	assert_null(setting_find(""));
}

/* What is shown can be set, and is the same then. */
static void
test_round_trip(void **state)
{
	struct config *a = config_defaults(), *b = config_defaults();
	char text[FIELD_TEXT_MAX], again[FIELD_TEXT_MAX], why[FIELD_WHY_MAX];
	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	for (const struct setting *row = settings_table; row->name; row++) {
		if (row->size == 0 || setting_nested(row))
			continue;
		field_format(row, a, text);
		/* No default: an empty string that is none, or no address. */
		if (!field_parse(row, b, text, why) && row->min == 0 && row->type != SETTING_IP)
			fail_msg("%s = %s: %s", row->name, text, why);
		assert_string_equal(field_format(row, b, again), text);
		assert_true(field_same(row, a, b));
		if (row->fallback)
			assert_string_equal(text, row->fallback);
	}
	config_free(a);
	config_free(b);
}

static const struct {
	const char *name, *text, *why;
} bad[] = {
	{"ppp.mru", "", "a whole number expected"},
	{"ppp.mru", "14OO", "a whole number expected"},
	{"ppp.mru", "-", "a whole number expected"},
	{"ppp.mru", " 1400", "a whole number expected"},
	{"ppp.mru", "0x578", "a whole number expected"},
	{"ppp.mru", "4294968696", "4294968696 is not within 576 to 1500"},
	{"ppp.mru", "99999999999999999999999", "a whole number expected"},
	{"ppp.mru", "-1", "-1 is not within 576 to 1500"},
	{"ppp.echo_interval", "3601", "3601 is not within 0 to 3600"},
	{"pptp.enabled", "1", "true or false expected"},
	{"pptp.enabled", "", "true or false expected"},
	{"pptp.listen", "", "1 to 8 elements expected"},
	{"pptp.listen", "10.0.0", "an IPv4 address such as \"192.0.2.1\" expected"},
	{"dns", "1.1.1.1,1.1.1.2,1.1.1.3", "0 to 2 elements expected"},
	{"mppe.policy", "Allow", "\"Allow\" is none of forbid, allow, require"},
	{"mppe.strengths", "64", "40, 56 or 128 expected"},
	{"mppe.strengths", "12", "40, 56 or 128 expected"},
	{"ppp.authentication", "mschapv2,eap",
		"\"eap\" is none of mschapv2, chap-md5, mschapv1, pap"},
	{"ppp.server_name", "", "1 to 63 characters expected"},
	{"ppp.server_name", "0123456789012345678901234567890123456789012345678901234567890123",
		"1 to 63 characters expected"},
	{"pptp.host_name", "a\nb", "no control characters expected"},
	{"pptp.host_name", "a\177", "no control characters expected"},
};

/* What is not taken leaves what was there. */
static void
test_bad_words(void **state)
{
	struct config *c = config_defaults(), *before = config_defaults();
	char why[FIELD_WHY_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct setting *row = setting_find(bad[i].name);
		assert_non_null(row);
		if (field_parse(row, c, bad[i].text, why))
			fail_msg("%s = %s is taken", bad[i].name, bad[i].text);
		assert_string_equal(why, bad[i].why);
		if (row->type != SETTING_WORDS && row->type != SETTING_IPS)
			assert_true(field_same(row, c, before));
	}
	config_free(c);
	config_free(before);
}

static void
test_good_words(void **state)
{
	struct config *c = config_defaults();
	char why[FIELD_WHY_MAX], out[FIELD_TEXT_MAX];
	(void)state;
	assert_true(
		field_parse(setting_find("ppp.authentication"), c, "pap mschapv2, chap-md5", why));
	assert_int_equal(c->ppp.auth, PPP_AUTH_PAP | PPP_AUTH_MSCHAPV2 | PPP_AUTH_CHAP_MD5);
	assert_true(field_parse(setting_find("ipsec.sa_lifetime_mb"), c, "250", why));
	assert_int_equal(c->ike.sa_lifetime_bytes, 250ull << 20);
	assert_true(field_parse(setting_find("pptp.listen"), c, "192.0.2.1,192.0.2.2", why));
	assert_int_equal(c->n_pptp_listen, 2);
	assert_int_equal(c->pptp_listen[1], 0xc0000202);
	assert_true(field_parse(setting_find("dns"), c, "192.0.2.1", why));
	assert_string_equal(field_format(setting_find("dns"), c, out), "192.0.2.1");
	assert_true(field_parse(setting_find("dns"), c, "", why));
	assert_string_equal(field_format(setting_find("dns"), c, out), "");
	assert_true(field_parse(setting_find("pptp.enabled"), c, "TRUE", why));
	assert_true(c->pptp_enabled);
	/* A shorter string leaves nothing of the longer one. */
	assert_true(field_parse(setting_find("pptp.host_name"), c, "gateway", why));
	assert_true(field_parse(setting_find("pptp.host_name"), c, "", why));
	struct config *fresh = config_defaults();
	assert_true(field_same(setting_find("pptp.host_name"), c, fresh));
	config_free(fresh);
	/* Secrets are not shown. */
	strcpy(c->l2tp.secret, "hush");
	assert_string_equal(field_format(setting_find("l2tp.tunnel_secret"), c, out), "(set)");
	config_free(c);
}

int
main(int argc, char **argv)
{
	static char page[PAGE_MAX];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_good_words),
	};
	if (argc == 2 && strcmp(argv[1], "--page") == 0) {
		make_page(page);
		fputs(page, stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
