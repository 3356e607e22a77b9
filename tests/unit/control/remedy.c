/* SPDX-License-Identifier: BSD-3-Clause */
#include "remedy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake/call.h"
#include "fake/dial.h"

unsigned int walk_room;

#define USERS                                                                             \
	"users = ( { name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; },"  \
	" { name = \"bob\"; password = \"pw-bob\"; },"                                    \
	" { name = \"carol\"; password = \"pw-carol\"; dial_in = \"allow\"; static_ip = " \
	"\"10.9.0.77\"; } )\n"
#define POOL                           \
	"pool.first = \"10.9.0.1\"\n"  \
	"pool.last = \"10.9.0.254\"\n" \
	"control.log_level = \"debug\"\n"

static const char walk_pptp[] = USERS POOL "pptp.enabled = true\n"
					   "pptp.listen = [ \"127.0.0.1\" ]\n"
					   "pptp.max_connections_per_address = 300\n"
					   "ppp.auth_retries = 0\n";
static const char walk_l2tp[] = USERS POOL "l2tp.enabled = true\n"
					   "ppp.auth_retries = 0\n";

/* ------------------------------------------------------------------ the configuration */

#define LINES_MAX 48

struct lines {
	struct {
		char section[24], name[48], value[400];
	} line[LINES_MAX];
	unsigned int n;
};

static void
put(struct lines *l, const char *text, size_t len)
{
	char section[24] = "", name[48], value[400];
	char whole[512];
	unsigned int i;
	snprintf(whole, sizeof(whole), "%.*s", (int)len, text);
	if (sscanf(whole, "%23[a-z0-9].%47[a-z_0-9] = %399[^\n]", section, name, value) != 3) {
		*section = '\0';
		assert_int_equal(sscanf(whole, "%47[a-z] = %399[^\n]", name, value), 2);
	}
	for (i = 0; i < l->n; i++)
		if (strcmp(l->line[i].section, section) == 0 && strcmp(l->line[i].name, name) == 0)
			break;
	assert_true(i < LINES_MAX);
	l->n += i == l->n;
	strcpy(l->line[i].section, section);
	strcpy(l->line[i].name, name);
	strcpy(l->line[i].value, value);
}

static void
put_all(struct lines *l, const char *text)
{
	for (size_t n; *text; text += n + (text[n] != '\0')) {
		n = strcspn(text, "\n");
		if (n)
			put(l, text, n);
	}
}

static void
write_section(FILE *f, const struct lines *l, unsigned int first)
{
	const char *section = l->line[first].section;
	for (unsigned int i = 0; i < first; i++)
		if (strcmp(l->line[i].section, section) == 0)
			return;
	if (*section)
		fprintf(f, "%s: {\n", section);
	for (unsigned int i = first; i < l->n; i++)
		if (strcmp(l->line[i].section, section) == 0)
			fprintf(f, "%s = %s;\n", l->line[i].name, l->line[i].value);
	if (*section)
		fprintf(f, "};\n");
}

static struct config *
walk_config(const char *base, const char *settings)
{
	static struct lines l;
	char path[128], err[512] = "", line[160];
	l.n = 0;
	put_all(&l, base);
	snprintf(line, sizeof(line), "control.dataplane = \"%s/dp.sock\"", stage_directory);
	put_all(&l, line);
	snprintf(line, sizeof(line), "pptp.port = %u", dial_port());
	put_all(&l, line);
	put_all(&l, settings);
	snprintf(path, sizeof(path), "%s", stage_path("walk.conf"));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned int i = 0; i < l.n; i++)
		write_section(f, &l, i);
	fclose(f);
	struct config *c = config_load(path, err, sizeof(err));
	unlink(path);
	if (!c)
		fail_msg("%s", err);
	return c;
}

/* ------------------------------------------------------------------ stages */

void
walk_begin(const char *settings)
{
	cfg = walk_config(walk_pptp, settings);
	gateway_begin();
	gateway_await_dataplane();
}

void
walk_dial(const char *settings)
{
	dial_open();
	if (walk_room)
		fake.max_sessions = walk_room;
	walk_begin(settings);
}

void
walk_dial_over(void)
{
	dial_teardown(NULL);
}

void
walk_dial_again(const char *settings)
{
	gateway_end();
	walk_begin(settings);
}

void
walk_call(const char *settings)
{
	call_open();
	if (walk_room)
		fake.max_sessions = walk_room;
	cfg = walk_config(walk_l2tp, settings);
	call_begin();
}

/* The data plane first: else mute clients would keep the gateway from stopping. */
void
walk_call_over(void)
{
	fake_die(&fake, false);
	assert_true(loop_until(&loop, dataplane_is, NULL, 1000));
	gateway_end();
	call_close();
}

void
walk_call_again(const char *settings)
{
	walk_call_over();
	walk_call(settings);
}

/* ------------------------------------------------------------------ what the operator reads */

unsigned int
walk_count(enum refusal_code code)
{
	return (unsigned int)status().refusals[code];
}

static bool
counted(void *user)
{
	return walk_count(*(enum refusal_code *)user) > 0;
}

struct line {
	enum refusal_code code;
	const char *text;
};

static bool
said_in_a_line(void *user)
{
	const struct line *sought = user;
	char want[64], line[1024];
	snprintf(want, sizeof(want), " code=%s ", refusal_name(sought->code));
	const char *at = stage_log();
	while (*at) {
		size_t len = strcspn(at, "\n"),
		       copied = len < sizeof(line) ? len : sizeof(line) - 1;
		memcpy(line, at, copied);
		line[copied] = '\0';
		if (strstr(line, want) && strstr(line, sought->text))
			return true;
		at += len + (at[len] == '\n');
	}
	return false;
}

void
walk_refused(enum refusal_code code, const char *text, const char *remedy)
{
	if (!loop_until(&loop, counted, &code, 5000))
		fail_msg("not refused as %s:\n%s", refusal_name(code), stage_log());
	/* Its line comes when the data plane has confirmed. */
	struct line line = {code, text};
	if (!loop_until(&loop, said_in_a_line, &line, 5000))
		fail_msg("no line of %s says \"%s\":\n%s", refusal_name(code), text, stage_log());
	if (!strstr(refusal_remedy(code), remedy))
		fail_msg("the remedy of %s does not name %s: %s", refusal_name(code), remedy,
			refusal_remedy(code));
}
