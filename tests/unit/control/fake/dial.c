/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/api/session.h"

#include "dial.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client clients[CLIENTS_MAX];

uint16_t
dial_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

void
dial_frame(void *user, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct fake *f = user;
	const struct session_entry *e = fake_entry(f, SESSION_SLOT(handle));
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].loop && !clients[i].closed && clients[i].server_call == e->call_id)
			client_frame(&clients[i], frame, len);
}

void
dial_open(void)
{
	memset(clients, 0, sizeof(clients));
	stage_open();
	fake.frame = dial_frame;
	fake.user = &fake;
}

void
dial_stage(const char *settings, void (*change)(struct config *c))
{
	char all[1024];
	dial_open();
	snprintf(all, sizeof(all),
		"pptp: { enabled = true; listen = [ \"127.0.0.1\" ]; port = %u;\n"
		"  max_sessions = 200; max_connections_per_address = 300; };\n"
		"ppp: { auth_retries = 0; };\n%s",
		dial_port(), settings);
	cfg = make_config(all);
	if (change)
		change(cfg);
	gateway_begin();
	gateway_await_dataplane();
}

int
dial_setup(void **state)
{
	(void)state;
	dial_stage("", NULL);
	return 0;
}

int
dial_teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].loop)
			client_end(&clients[i]);
	gateway_end();
	stage_close();
	return 0;
}

struct client *
dial_from(unsigned int i, uint8_t source, const char *user, const char *password)
{
	struct ppp_client_config pc = client_config(user, password);
	client_start(&clients[i], &fake, &pc, cfg->pptp_port, source);
	return &clients[i];
}

struct client *
dial(unsigned int i, const char *user, const char *password)
{
	return dial_from(i, (uint8_t)(1 + i % 250), user, password);
}

bool
client_up(void *user)
{
	return client_is_up(user);
}

bool
client_over(void *user)
{
	struct client *c = user;
	return c->closed || c->pptp.cdns || (c->ocrp_result && c->ocrp_result != PPTP_RESULT_OK);
}

struct client *
dial_up(unsigned int i, const char *user, const char *password)
{
	struct client *c = dial(i, user, password);
	if (!loop_until(&loop, client_up, c, 5000)) {
		print_error("%s", stage_log());
		fail_msg("client %u did not come up", i);
	}
	loop_for(&loop, 10);
	return c;
}

void
dial_refused(const char *user, const char *password, enum refusal_code code)
{
	uint64_t before = status().refusals[code];
	struct client *c = dial(0, user, password);
	assert_true(loop_until(&loop, client_over, c, 8000));
	client_end(c);
	assert_true(loop_until(&loop, no_sessions, NULL, 3000));
	char want[64];
	snprintf(want, sizeof(want), "code=%s", refusal_name(code));
	if (!logged(want))
		print_error("%s", stage_log());
	assert_true(logged(want));
	assert_true(status().refusals[code] > before);
	c->loop = NULL;
}
