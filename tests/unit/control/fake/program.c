/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake data plane as a program, for tests of IKE that need no packets: listens at the path
 * given, prints each command of control as a line, and takes lines from standard input.
 *
 *   expire SPI WHICH                        EVENT_SA_EXPIRE; WHICH: 0 soft in, 1 hard in, 2 soft
 * out, 3 hard out mapping SPI SERVER PORT PEER PORT       EVENT_SA_MAPPING; addresses as
 * hexadecimal numbers count SPI IN_PACKETS IN_BYTES           sets the pair's counters sas prints
 * every pair, then "end"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/api/command.h"
#include "dataplane/api/event.h"

#include "dataplane.h"

static struct fake fake;
static uv_poll_t input;
static uv_timer_t clock_timer;

static void
print_command(void *user, const struct command *c)
{
	(void)user;
	const struct sa_outer *o =
		c->type == COMMAND_SA_UPDATE ? &c->sa_update.outer : &c->sa_add.outer;
	switch (c->type) {
	case COMMAND_SA_ADD:
		printf("add %08x peer %u server %08x %u from %08x %u suite %u %u soft %llu hard "
		       "%llu "
		       "window %u\n",
			c->handle, c->sa_add.peer, o->server_ip, o->server_port, o->peer_ip,
			o->peer_port, c->sa_add.keys.encryption, c->sa_add.keys.integrity,
			(unsigned long long)c->sa_add.lifetime.soft_bytes,
			(unsigned long long)c->sa_add.lifetime.hard_bytes, c->sa_add.replay_window);
		break;
	case COMMAND_SA_OUT:
		printf("out %08x spi %08x\n", c->handle, c->sa_out.spi);
		break;
	case COMMAND_SA_UPDATE:
		printf("update %08x from %08x %u\n", c->handle, o->peer_ip, o->peer_port);
		break;
	case COMMAND_SA_RESERVE:
		printf("reserve %08x for %08x\n", c->handle, c->sa_reserve.peer_ip);
		break;
	case COMMAND_SA_CLOSE:
		printf("close %08x\n", c->handle);
		break;
	default:
		printf("command %u %08x\n", c->type, c->handle);
	}
	fflush(stdout);
}

static void
print_sas(void)
{
	for (uint32_t i = 0; fake.seg && i < fake.max_sas; i++) {
		const struct sa_entry *e = fake_sa(&fake, i);
		if (e->handle)
			printf("sa %08x out %08x peer %u %08x %u\n", e->handle, e->out_spi, e->peer,
				e->outer.peer_ip, e->outer.peer_port);
	}
	puts("end");
	fflush(stdout);
}

static void
obey_line(const char *line)
{
	unsigned int spi, a, b, c, d;
	struct event e = {.version = RECORD_VERSION, .length = sizeof(e)};
	if (sscanf(line, "expire %x %u", &spi, &a) == 2) {
		fake_event(&fake, EVENT_SA_EXPIRE, spi, 0, (int)a);
	} else if (sscanf(line, "mapping %x %x %u %x %u", &spi, &a, &b, &c, &d) == 5) {
		e.type = EVENT_SA_MAPPING;
		e.handle = spi;
		e.mapping = (struct sa_outer){a, c, (uint16_t)b, (uint16_t)d};
		fake_raw_event(&fake, &e);
	} else if (sscanf(line, "count %x %u %u", &spi, &a, &b) == 3 && fake.seg &&
		   SA_SLOT(spi) < fake.max_sas) {
		fake_sa_counters(&fake, SA_SLOT(spi))->in_packets = a;
		fake_sa_counters(&fake, SA_SLOT(spi))->in_bytes = b;
		fake_sa_counters(&fake, SA_SLOT(spi))->in_last_seen_us = fake.seg->now_us;
	} else if (strcmp(line, "sas\n") == 0) {
		print_sas();
	} else {
		fprintf(stderr, "not understood: %s", line);
	}
}

static void
input_ready(uv_poll_t *p, int status, int events)
{
	char line[256];
	(void)events;
	if (status < 0 || !fgets(line, sizeof(line), stdin)) {
		uv_poll_stop(p);
		return;
	}
	obey_line(line);
}

static void
set_clock(uv_timer_t *t)
{
	struct timespec now;
	(void)t;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (fake.seg)
		fake.seg->now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int
main(int argc, char **argv)
{
	uv_loop_t loop;
	if (argc != 2) {
		fprintf(stderr, "usage: fake-dataplane SOCKET\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	uv_loop_init(&loop);
	fake_init(&fake, &loop, argv[1]);
	fake.max_sas = 16384;
	fake.command = print_command;
	fake_make_segment(&fake);
	fake_listen(&fake);
	if (chmod(argv[1], 0666) != 0)
		return 1;
	uv_timer_init(&loop, &clock_timer);
	uv_timer_start(&clock_timer, set_clock, 0, 10);
	uv_poll_init(&loop, &input, STDIN_FILENO);
	uv_poll_start(&input, UV_READABLE, input_ready);
	puts("ready");
	fflush(stdout);
	return uv_run(&loop, UV_RUN_DEFAULT);
}
