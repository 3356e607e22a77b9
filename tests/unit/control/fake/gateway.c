/* SPDX-License-Identifier: BSD-3-Clause */
#include "gateway.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct config *cfg;
struct gateway *gw;
struct settings *live;

#define USERS                                                                    \
	"{ name = \"alice\"; password = \"pw-alice\"; dial_in = \"allow\"; },\n" \
	"  { name = \"bob\"; password = \"pw-bob\"; },\n"                        \
	"  { name = \"carol\"; password = \"pw-carol\"; dial_in = \"allow\";\n"  \
	"    static_ip = \"10.9.0.77\"; }"

static void
write_config(const char *path, const char *settings, const char *users)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"control: { dataplane = \"%s/dp.sock\"; log_level = \"debug\"; overlay = \"\"; "
		"user = \"\"; };\n"
		"pool: { first = \"10.9.0.1\"; last = \"10.9.0.254\"; };\nusers: ( %s );\n%s",
		stage_directory, users, settings);
	fclose(f);
}

struct config *
make_config(const char *settings)
{
	const char *path = stage_path("control.conf");
	char err[256] = "";
	write_config(path, settings, USERS);
	struct config *c = config_load(path, err, sizeof(err));
	unlink(path);
	if (!c)
		print_error("%s\n", err);
	assert_non_null(c);
	return c;
}

bool
dataplane_is(void *user)
{
	return status().dataplane_connected == (user != NULL);
}

void
gateway_begin(void)
{
	char err[256] = "";
	if (!fake.listening)
		fake_listen(&fake);
	gw = gateway_start(&loop, cfg, err, sizeof(err));
	if (!gw)
		print_error("%s\n", err);
	assert_non_null(gw);
	live = settings_new(cfg, stage_path("control.conf"), err, sizeof(err));
	assert_non_null(live);
	gateway_use_settings(gw, live);
}

unsigned int
set_live(const char *name, const char *value, enum fate fate)
{
	static struct settings_result r;
	const struct settings_value v = {name, value};
	const struct settings_change c = {
		.values = &v, .n = 1, .who = "root", .fate = fate, .temporary = true};
	if (!settings_change(live, &c, &r))
		fail_msg("%s = %s: %s", name, value, r.why);
	return r.concerned;
}

bool
reload_with(const char *settings, const char *users, enum fate fate)
{
	static struct settings_result r;
	const char *path = stage_path("control.conf");
	write_config(path, settings, users ? users : USERS);
	bool ok = settings_reload(live, fate, &r);
	if (!ok)
		print_message("%s\n", r.why);
	unlink(path);
	return ok;
}

void
gateway_await_dataplane(void)
{
	assert_true(loop_until(&loop, dataplane_is, &fake, 3000));
}

void
gateway_gone(void)
{
	gateway_free(gw);
	settings_free(live);
	live = NULL;
	config_free(cfg);
}

void
gateway_end(void)
{
	bool stopped = false;
	gateway_stop(gw, set_true, &stopped);
	assert_true(loop_until(&loop, is_true, &stopped, 6000));
	gateway_gone();
	assert_false(logged("pw-"));
}

struct gateway_status
status(void)
{
	struct gateway_status st;
	gateway_status(gw, &st);
	return st;
}

struct carrier_status
carrier(const char *name)
{
	const struct gateway_status st = status();
	for (unsigned int i = 0; i < st.n_carriers; i++)
		if (strcmp(st.carriers[i].name, name) == 0)
			return st.carriers[i];
	fail_msg("no carrier %s", name);
	return (struct carrier_status){0};
}

uint64_t
figure(const char *name, const char *what)
{
	const struct carrier_status c = carrier(name);
	for (unsigned int i = 0; i < c.n_figures; i++)
		if (strcmp(c.figures[i].name, what) == 0)
			return c.figures[i].value;
	fail_msg("carrier %s says nothing of %s", name, what);
	return 0;
}

static bool
copy_first(void *user, const struct session_info *s)
{
	*(struct session_info *)user = *s;
	return false;
}

struct session_info
first_session(void)
{
	struct session_info s = {0};
	sessions_each(gateway_sessions(gw), copy_first, &s);
	return s;
}

bool
no_sessions(void *user)
{
	(void)user;
	return first_session().id == 0;
}
