/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: nobody who reads it slowly, and nobody who fills it, decides about the gateway. */
#include "fake/call.h"
#include "fake/dial.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/core/refusal_log.h"
#include "tests/unit/oper/nasty.h"

static int ends[2];
static char *text;
static size_t text_len;

static int
pipe_setup(void **state)
{
	(void)state;
	assert_int_equal(pipe(ends), 0);
	/* Blocking for others, as a pipe of a shell or of another logger is. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	log_redirect(NULL, NULL);
	log_descriptor(ends[1]);
	log_setup(LOG_INFO);
	text = malloc(4u << 20);
	text_len = 0;
	return 0;
}

static int
pipe_teardown(void **state)
{
	(void)state;
	log_descriptor(STDERR_FILENO);
	stage_log_again();
	close(ends[0]);
	close(ends[1]);
	free(text);
	return 0;
}

/* The reader takes what there is, and goes on until nothing waits. */
static void
read_all(void)
{
	bool empty;
	do {
		ssize_t n;
		empty = log_flush();
		while ((n = read(ends[0], text + text_len, 65536)) > 0)
			text_len += (size_t)n;
	} while (!empty);
	text[text_len] = '\0';
}

static unsigned int
count(const char *what)
{
	unsigned int n = 0;
	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* T11: whatever is lost is counted and told where it is missing; the audit trail is not lost. */
static void
t11_nobody_reads_the_log(void **state)
{
	unsigned long long lost = 0, audit = 1;
	char filler[200];
	(void)state;
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	for (unsigned int i = 0; i < 10000; i++) {
		log_event(LOG_NOTICE, "flood", "n=%u filler=%s", i, filler);
		if (i % 100 == 0)
			log_audit(LOG_NOTICE, "action=test n=%u", i);
	}
	assert_true(log_counters()->lost > 1000);
	assert_true(log_counters()->waiting > 1000);
	assert_int_equal(log_counters()->lost_audit, 0);
	read_all();
	assert_int_equal(count("event=audit"), 100);
	const char *line = strstr(text, "event=log-lost ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "event=log-lost lines=%llu audit=%llu", &lost, &audit), 2);
	assert_int_equal(audit, 0);
	assert_int_equal(count("event=log-lost"), 1);
	assert_int_equal(count("event=flood") + lost, 10000);
	/* The trail came before what had waited longer. */
	char last[32];
	snprintf(last, sizeof(last), "event=audit action=test n=9900");
	assert_true(strstr(text, last) < line);
	for (char *at, *rest = text; (at = strsep(&rest, "\n"));)
		assert_true(*at == '\0' || strncmp(at, "time=", 5) == 0);
	/* And it goes on as if nothing had been. */
	text_len = 0;
	log_event(LOG_NOTICE, "after", "%s", "");
	read_all();
	assert_int_equal(count("event=after"), 1);
	assert_int_equal(count("event=log-lost"), 0);
}

static void
t11_trail_has_its_bound(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20000; i++)
		log_audit(LOG_NOTICE, "action=test n=%u", i);
	assert_true(log_counters()->lost_audit > 1000);
	assert_true(log_counters()->lost == log_counters()->lost_audit);
	read_all();
	assert_int_equal(count("event=audit") + log_counters()->lost_audit, 20000);
	assert_int_equal(count("event=log-lost"), 1);
}

static void
t11_reader_is_gone(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	for (unsigned int i = 0; i < 5000; i++)
		log_event(LOG_NOTICE, "flood", "n=%u", i);
	assert_int_equal(log_counters()->waiting, 0); /* it never comes back */
	assert_true(log_counters()->lost >= 5000);
	signal(SIGPIPE, SIG_DFL);
	ends[0] = dup(ends[1]);
}

/* The pipe stays as it is for whoever shares it. */
static void
t11_shared_pipe_is_left_alone(void **state)
{
	(void)state;
	log_event(LOG_NOTICE, "one", "%s", "");
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}

/* R25 */
static void
r25_audit_at_every_log_level(void **state)
{
	(void)state;
	log_setup(LOG_ERR);
	log_event(LOG_WARNING, "warning", "%s", "");
	log_audit(LOG_NOTICE, "action=%s", "test");
	read_all();
	assert_int_equal(count("event=warning"), 0);
	assert_int_equal(count("event=audit action=test"), 1);
}

/* T22: one event, one line, whatever is in it. */
static void
t22_one_line_of_ascii(void **state)
{
	char quoted[512], line[600];
	(void)state;
	for (unsigned int i = 0; i < N_NASTY; i++) {
		text_len = 0;
		log_event(LOG_NOTICE, "test", "quoted=%s raw=%s",
			log_quote(quoted, sizeof(quoted), nasty[i]), nasty[i]);
		read_all();
		assert_int_equal(count("\n"), 1);
		for (size_t k = 0; k < text_len; k++)
			assert_true(text[k] == '\n' || (text[k] >= ' ' && text[k] <= '~'));
		/* Inside of the quotes there is no quote. */
		snprintf(line, sizeof(line), "%.*s", (int)(strlen(quoted) - 2), quoted + 1);
		assert_null(strchr(line, '"'));
		assert_non_null(strstr(text, quoted));
	}
}

/* T11: the whole gateway goes on serving while nobody reads its log. */
static void
t11_gateway_serves_unread(void **state)
{
	static char filler[4096];
	(void)state;
	log_redirect(NULL, NULL);
	pipe_setup(NULL);
	log_setup(LOG_DEBUG);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], filler, sizeof(filler)) > 0)
		; /* nothing goes in any more */
	fcntl(ends[1], F_SETFL, 0);
	for (unsigned int i = 0; i < 20; i++) {
		dial_up(i, "alice", "pw-alice");
		client_end(&clients[i]);
		loop_for(&loop, 20);
	}
	assert_true(log_counters()->waiting >= 20);
	pipe_teardown(NULL);
}

/* T24: what costs a stranger nothing hides no wrong password (item: shares of the log). */
static void
t24_cheap_refusals_hide_no_wrong_password(void **state)
{
	(void)state;
	loop_for(&loop, 1100);
	for (unsigned int i = 0; i < 200; i++)
		l2tp_ike_ops.refused(gateway_l2tp(gw), REFUSAL_IKE_MALFORMED, 0x01020304 + i);
	dial_refused("alice", "wrong", REFUSAL_WRONG_PASSWORD);
	assert_true(logged("event=authentication-failed session=1 user=\"alice\""));
	assert_true(logged("code=wrong-password"));
	loop_for(&loop, 1100);
	gateway_log_turn(gw);
	assert_true(logged("event=log-suppressed code=ike-malformed lines=180"));
}

/* T24: an address has its share of each cause. */
static void
t24_share_of_an_address(void **state)
{
	static struct refusal_log l;
	unsigned int n = 0;
	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		n += refusal_log_may(&l, REFUSAL_WRONG_PASSWORD, 7);
	assert_int_equal(n, REFUSAL_LOG_ADDRESS);
	assert_true(refusal_log_may(&l, REFUSAL_WRONG_PASSWORD, 8));
	for (unsigned int i = 0; i < 1000; i++)
		n += refusal_log_may(&l, REFUSAL_WRONG_PASSWORD, 100 + i);
	assert_int_equal(n, REFUSAL_LOG_CAUSE - 1);
	assert_false(refusal_log_may(&l, REFUSAL_WRONG_PASSWORD, 9));
	assert_true(refusal_log_may(&l, REFUSAL_UNKNOWN_USER, 9));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, pipe_setup, pipe_teardown)
#define DIAL(f) cmocka_unit_test_setup_teardown(f, dial_setup, dial_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(t11_nobody_reads_the_log),
		TEST(t11_trail_has_its_bound),
		TEST(t11_reader_is_gone),
		TEST(t11_shared_pipe_is_left_alone),
		TEST(r25_audit_at_every_log_level),
		TEST(t22_one_line_of_ascii),
		DIAL(t11_gateway_serves_unread),
		DIAL(t24_cheap_refusals_hide_no_wrong_password),
		cmocka_unit_test(t24_share_of_an_address),
	};
	return STAGE_RUN(tests);
}
