/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Long because it has a function for each command below.
 *
 * A stand-in for adit-control in packet tests: speaks the shared segment, one command a line on
 * standard input, one JSON object a line on standard output.  It can also misbehave: `raw` sends
 * any command record, `poke` writes anywhere in the segment.
 *
 *   add HANDLE SERVER PEER CALL PEER_CALL      link HANDLE OUR_MRU PEER_MRU ACFC PFC
 *   mppe HANDLE BITS STATELESS TX_KEY RX_KEY   open HANDLE INNER REQUIRE_MPPE CLAMP_MSS USER
 *   flush HANDLE      close HANDLE             gateway SERVER FIRST LAST PPTP IPSEC CLEAR_L2TP
 *   add_l2tp HANDLE SERVER PEER SESSION PEER_SESSION TUNNEL PEER_TUNNEL PORT PEER_PORT SA PEER_NAME
 *   l2tp HANDLE SEND_SEQUENCE REQUIRE_SEQUENCE
 *   session_sa HANDLE PAIR
 *   sa_add PAIR SERVER PEER PORT PEER_PORT PEER_NAME WINDOW ALGORITHMS
 *   sa_out PAIR SPI ALGORITHMS
 *     ALGORITHMS: ENCRYPTION INTEGRITY ESN KEY KEY SOFT_BYTES HARD_BYTES SOFT_PACKETS HARD_PACKETS
 *   sa_update PAIR SERVER PEER PORT PEER_PORT  sa_close PAIR
 *   sa_reserve PAIR PEER                       sa_release PAIR
 *   sa_counters PAIR                           sas (the table, as a restarted control finds it)
 *   inject HANDLE HEX inject_l2tp PAIR SERVER PEER PORT PEER_PORT HEX
 *   raw HEX           poke OFFSET HEX
 *   stats             counters HANDLE          layout             nodes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/suite.h"
#include "dataplane/api/command_ring.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/ring.h"
#include "dataplane/api/session.h"

static struct segment_header *segment;
static uint64_t segment_size;
static int wake_fd, event_fd;
static struct ring commands, events, injects, punts[SEGMENT_MAX_WORKERS];
static uint64_t cookie;

static void
die(const char *what)
{
	printf("{\"error\":\"%s: %s\"}\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static int
receive_hello(int fd, int fds[3])
{
	union {
		struct segment_hello hello;
		struct segment_refused refused;
	} msg = {0};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec iov = {&msg, sizeof(msg)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &m, 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (n == sizeof(msg.refused) && !c) {
		printf("{\"refused\":%u}\n", msg.refused.reason);
		return -1;
	}
	if (n != sizeof(msg.hello) || !c || c->cmsg_len != CMSG_LEN(3 * sizeof(int)) ||
		msg.hello.magic != SEGMENT_MAGIC || msg.hello.version != SEGMENT_VERSION) {
		printf("{\"error\":\"unexpected hello\"}\n");
		return -1;
	}
	memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
	segment_size = msg.hello.size;
	return 0;
}

static void
attach(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fds[3], fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die(path);
	if (receive_hello(fd, fds) < 0) {
		fflush(stdout);
		exit(1);
	}
	segment = mmap(NULL, segment_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (segment == MAP_FAILED)
		die("mmap");
	event_fd = fds[1];
	wake_fd = fds[2];
	uint8_t *base = (uint8_t *)segment;
	command_ring_attach(&commands, base + segment->command_ring, true);
	ring_attach(&events, base + segment->event_ring, EVENT_RING_CAPACITY, sizeof(struct event),
		false);
	ring_skip(&events);
	ring_attach(&injects, base + segment->inject_ring, INJECT_RING_CAPACITY,
		sizeof(struct frame_record), true);
	for (uint32_t i = 0; i < segment->n_workers; i++) {
		ring_attach(&punts[i], base + segment->punt_rings[i], PUNT_RING_CAPACITY,
			sizeof(struct frame_record), false);
		ring_skip(&punts[i]);
	}
	printf("{\"attached\":%lu,\"workers\":%u}\n", (unsigned long)segment_size,
		segment->n_workers);
}

static uint32_t
address(const char *text)
{
	struct in_addr a;

	return text && inet_pton(AF_INET, text, &a) == 1 ? ntohl(a.s_addr) : 0;
}

static size_t
unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned int octet;

	while (hex && n < size && sscanf(hex, "%2x", &octet) == 1) {
		out[n++] = (uint8_t)octet;
		hex += 2;
	}
	return n;
}

static void
wake(void)
{
	uint64_t one = 1;

	if (write(wake_fd, &one, sizeof(one)) != sizeof(one))
		die("eventfd");
}

static void
send_octets(const void *record, size_t len)
{
	while (!command_put(&commands, record, len))
		usleep(1000);
	wake();
}

static void
send_command(const struct command *c)
{
	send_octets(c, c->length);
}

static unsigned int
number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 0);
}

static void
fill_mppe(struct command *c, char **arg)
{
	c->mppe.tx.strength = c->mppe.rx.strength = (uint8_t)atoi(arg[0]);
	c->mppe.tx.stateless = c->mppe.rx.stateless = (uint8_t)atoi(arg[1]);
	unhex(arg[2], c->mppe.tx.start_key, sizeof(c->mppe.tx.start_key));
	unhex(arg[3], c->mppe.rx.start_key, sizeof(c->mppe.rx.start_key));
}

static void
fill_open(struct command *c, char **arg)
{
	c->open.inner_ip = address(arg[0]);
	c->open.require_mppe = (uint8_t)atoi(arg[1]);
	c->open.clamp_mss = (uint8_t)atoi(arg[2]);
	snprintf(c->open.user, sizeof(c->open.user), "%s", arg[3]);
}

static void
fill_add(struct command *c, char **arg)
{
	c->add.server_ip = address(arg[0]);
	c->add.peer_ip = address(arg[1]);
	c->add.call_id = (uint16_t)atoi(arg[2]);
	c->add.peer_call_id = (uint16_t)atoi(arg[3]);
}

static void
fill_link(struct command *c, char **arg)
{
	c->link.our_mru = (uint16_t)atoi(arg[0]);
	c->link.peer_mru = (uint16_t)atoi(arg[1]);
	c->link.tx_acfc = (uint8_t)atoi(arg[2]);
	c->link.tx_pfc = (uint8_t)atoi(arg[3]);
}

static void
fill_gateway(struct command *c, char **arg)
{
	c->handle = 0;
	c->gateway.server_ip = address(arg[-1]);
	c->gateway.pool_first = address(arg[0]);
	c->gateway.pool_last = address(arg[1]);
	c->gateway.pptp = number(arg[2]);
	c->gateway.ipsec = number(arg[3]);
	c->gateway.clear_l2tp = number(arg[4]);
}

static void
fill_add_l2tp(struct command *c, char **arg)
{
	fill_add(c, arg);
	c->add.protocol = TUNNEL_L2TP;
	c->add.tunnel_id = number(arg[4]);
	c->add.peer_tunnel_id = number(arg[5]);
	c->add.server_port = number(arg[6]);
	c->add.peer_port = number(arg[7]);
	c->add.sa = number(arg[8]);
	c->add.peer = number(arg[9]);
}

static void
fill_l2tp(struct command *c, char **arg)
{
	c->l2tp.send_sequence = number(arg[0]);
	c->l2tp.require_sequence = number(arg[1]);
}

static void
fill_session_sa(struct command *c, char **arg)
{
	c->session_sa.sa = number(arg[0]);
}

static void
fill_outer(struct sa_outer *o, char **arg)
{
	*o = (struct sa_outer){.server_ip = address(arg[0]),
		.peer_ip = address(arg[1]),
		.server_port = (uint16_t)number(arg[2]),
		.peer_port = (uint16_t)number(arg[3])};
}

/* The row of a suite's name, or a number as it is: rows that there are not. */
static uint8_t
suite_row(const char *name)
{
	for (size_t i = 0; suite_at(i); i++)
		if (strcmp(suite_at(i)->name, name) == 0)
			return (uint8_t)i;
	return (uint8_t)number(name);
}

/* "-" is no key. */
static uint8_t
fill_key(uint8_t *key, size_t size, const char *hex)
{
	return strcmp(hex, "-") == 0 ? 0 : (uint8_t)unhex(hex, key, size);
}

static void
fill_algorithms(struct sa_keys *k, struct sa_lifetime *l, uint8_t *esn, char **arg)
{
	k->encryption = suite_row(arg[0]);
	k->integrity = suite_row(arg[1]);
	*esn = (uint8_t)number(arg[2]);
	k->encryption_len = fill_key(k->encryption_key, sizeof(k->encryption_key), arg[3]);
	k->integrity_len = fill_key(k->integrity_key, sizeof(k->integrity_key), arg[4]);
	l->soft_bytes = strtoull(arg[5], NULL, 0);
	l->hard_bytes = strtoull(arg[6], NULL, 0);
	l->soft_packets = strtoull(arg[7], NULL, 0);
	l->hard_packets = strtoull(arg[8], NULL, 0);
}

static void
fill_sa_add(struct command *c, char **arg)
{
	fill_outer(&c->sa_add.outer, arg);
	c->sa_add.peer = number(arg[4]);
	c->sa_add.replay_window = (uint16_t)number(arg[5]);
	fill_algorithms(&c->sa_add.keys, &c->sa_add.lifetime, &c->sa_add.esn, arg + 6);
}

static void
fill_sa_out(struct command *c, char **arg)
{
	c->sa_out.spi = number(arg[0]);
	fill_algorithms(&c->sa_out.keys, &c->sa_out.lifetime, &c->sa_out.esn, arg + 1);
}

static void
fill_sa_update(struct command *c, char **arg)
{
	fill_outer(&c->sa_update.outer, arg);
}

static void
fill_sa_reserve(struct command *c, char **arg)
{
	c->sa_reserve.peer_ip = address(arg[0]);
}

/* arg[-1] is the first word after the verb: the handle, where there is one. */
static const struct verb {
	const char *name;
	uint8_t type;
	int args; /* the handle included */
	void (*fill)(struct command *c, char **arg);
} verbs[] = {
	{"gateway", COMMAND_GATEWAY, 6, fill_gateway},
	{"add_l2tp", COMMAND_SESSION_ADD, 11, fill_add_l2tp},
	{"l2tp", COMMAND_SESSION_L2TP, 3, fill_l2tp},
	{"add", COMMAND_SESSION_ADD, 5, fill_add},
	{"session_sa", COMMAND_SESSION_SA, 2, fill_session_sa},
	{"sa_add", COMMAND_SA_ADD, 16, fill_sa_add},
	{"sa_out", COMMAND_SA_OUT, 11, fill_sa_out},
	{"sa_update", COMMAND_SA_UPDATE, 5, fill_sa_update},
	{"sa_reserve", COMMAND_SA_RESERVE, 2, fill_sa_reserve},
	{"sa_release", COMMAND_SA_RELEASE, 1, NULL},
	{"sa_close", COMMAND_SA_CLOSE, 1, NULL},
	{"link", COMMAND_SESSION_LINK, 5, fill_link},
	{"mppe", COMMAND_SESSION_MPPE, 5, fill_mppe},
	{"open", COMMAND_SESSION_OPEN, 5, fill_open},
	{"flush", COMMAND_SESSION_FLUSH, 1, NULL},
	{"close", COMMAND_SESSION_CLOSE, 1, NULL},
};

static bool
run_verb(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *v = &verbs[i];
		struct command c = {.version = RECORD_VERSION,
			.type = v->type,
			.length = command_size(v->type).most,
			.cookie = ++cookie};
		if (strcmp(argv[0], v->name) != 0)
			continue;
		if (argc != v->args + 1)
			break;
		c.handle = (uint32_t)strtoul(argv[1], NULL, 0);
		if (v->fill)
			v->fill(&c, argv + 2);
		send_command(&c);
		return true;
	}
	return false;
}

static void
inject(enum frame_kind kind, const char *handle, const void *head, size_t head_len, const char *hex)
{
	struct frame_record *f = ring_produce(&injects);

	if (!f) {
		printf("{\"inject\":\"full\"}\n");
		return;
	}
	f->version = RECORD_VERSION;
	f->kind = kind;
	f->handle = number(handle);
	memcpy(f->data, head, head_len);
	f->length =
		(uint16_t)(head_len + unhex(hex, f->data + head_len, sizeof(f->data) - head_len));
	ring_produced(&injects);
	wake();
}

static void
inject_l2tp(char **arg)
{
	struct sa_outer outer = {.server_ip = address(arg[1]),
		.peer_ip = address(arg[2]),
		.server_port = (uint16_t)number(arg[3]),
		.peer_port = (uint16_t)number(arg[4])};
	inject(FRAME_L2TP, arg[0], &outer, sizeof(outer), arg[5]);
}

static void
print_stats(void)
{
	static const char *const names[] = {
#define X(name, text) #name,
		DROP_REASONS(X)
#undef X
	};
	const struct worker_counters *w =
		(const void *)((const uint8_t *)segment + segment->worker_counters);

	printf("{\"bad_records\":%lu,\"live\":%lu,\"mbufs_free\":%lu,\"drops\":{",
		(unsigned long)segment->bad_records, (unsigned long)segment->sessions_live,
		(unsigned long)segment->mbufs_free);
	for (unsigned int r = 0; r < DROP_COUNT; r++) {
		uint64_t sum = segment->main_drops[r];
		for (uint32_t i = 0; i < segment->n_workers; i++)
			sum += w[i].drops[r];
		printf("%s\"%s\":%lu", r ? "," : "", names[r], (unsigned long)sum);
	}
	printf("}}\n");
}

static void
print_counters(uint32_t handle)
{
	const struct session_counters *c =
		(const struct session_counters *)((const uint8_t *)segment +
						  segment->session_counters) +
		SESSION_SLOT(handle);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {{"up_packets", c->up_packets}, {"up_bytes", c->up_bytes},
		{"up_drops", c->up_drops}, {"gre_lost", c->gre_lost},
		{"mppe_rx_resets", c->mppe_rx_resets}, {"handoffs", c->handoffs},
		{"up_ppp_packets", c->up_ppp_packets}, {"down_packets", c->down_packets},
		{"down_bytes", c->down_bytes}, {"down_drops", c->down_drops},
		{"mppe_tx_resets", c->mppe_tx_resets}, {"down_ppp_packets", c->down_ppp_packets}};

	const struct session_entry *s =
		(const struct session_entry *)((const uint8_t *)segment + segment->sessions) +
		SESSION_SLOT(handle);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf("%s\"%s\":%lu", i ? "," : "{", all[i].name, (unsigned long)all[i].value);
	printf(",\"owner\":%u}\n", s->owner);
}

/* Packets that passed each node, by worker. */
static void
print_nodes(void)
{
	const struct node_counters *n =
		(const void *)((const uint8_t *)segment + segment->node_counters);

	printf("{\"nodes\":[");
	for (uint32_t w = 0; w < segment->n_workers; w++) {
		printf("%s{", w ? "," : "");
		for (uint32_t i = 0; i < segment->n_nodes; i++) {
			const struct node_counters *at = &n[w * SEGMENT_MAX_NODES + i];
			printf("%s\"%s\":%lu", i ? "," : "", at->name, (unsigned long)at->objs);
		}
		printf("}");
	}
	printf("]}\n");
}

static void
print_sa_counters(uint32_t pair)
{
	const struct sa_counters *c =
		(const struct sa_counters *)((const uint8_t *)segment + segment->sa_counters) +
		SA_SLOT(pair);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {{"in_packets", c->in_packets}, {"in_bytes", c->in_bytes},
		{"in_auth_failed", c->in_auth_failed}, {"in_replayed", c->in_replayed},
		{"in_dropped", c->in_dropped}, {"in_last_seen_us", c->in_last_seen_us},
		{"handoffs", c->handoffs}, {"out_packets", c->out_packets},
		{"out_bytes", c->out_bytes}, {"out_dropped", c->out_dropped}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf("%s\"%s\":%lu", i ? "," : "{", all[i].name, (unsigned long)all[i].value);
	printf("}\n");
}

static void
print_sas(void)
{
	const struct sa_entry *e =
		(const struct sa_entry *)((const uint8_t *)segment + segment->sas);
	const char *comma = "";

	printf("{\"sas\":[");
	for (uint32_t i = 0; i < segment->max_sas; i++) {
		if (e[i].handle == 0)
			continue;
		printf("%s{\"handle\":%u,\"peer\":%u,\"out_spi\":%u,\"peer_ip\":%u,"
		       "\"peer_port\":%u,\"encryption\":\"%s\",\"owner\":%u}",
			comma, e[i].handle, e[i].peer, e[i].out_spi, e[i].outer.peer_ip,
			e[i].outer.peer_port,
			suite_at(e[i].encryption) ? suite_at(e[i].encryption)->name : "?",
			e[i].owner);
		comma = ",";
	}
	printf("]}\n");
}

static void
print_layout(void)
{
	printf("{\"command_ring\":%lu,\"event_ring\":%lu,\"inject_ring\":%lu,\"punt_ring0\":%lu}\n",
		(unsigned long)segment->command_ring, (unsigned long)segment->event_ring,
		(unsigned long)segment->inject_ring, (unsigned long)segment->punt_rings[0]);
}

static void
run_line(char *line)
{
	char *argv[24];
	int argc = 0;

	for (char *p = strtok(line, " \n"); p && argc < 24; p = strtok(NULL, " \n"))
		argv[argc++] = p;
	if (argc == 0 || run_verb(argc, argv))
		return;
	if (strcmp(argv[0], "inject") == 0 && argc == 3) {
		inject(FRAME_PPP, argv[1], "", 0, argv[2]);
	} else if (strcmp(argv[0], "inject_l2tp") == 0 && argc == 7) {
		inject_l2tp(argv + 1);
	} else if (strcmp(argv[0], "raw") == 0 && argc == 2) {
		struct command c = {0};
		unhex(argv[1], (uint8_t *)&c, sizeof(c));
		send_octets(&c, sizeof(c));
	} else if (strcmp(argv[0], "poke") == 0 && argc == 3) {
		uint64_t at = strtoull(argv[1], NULL, 0);
		if (at < segment_size)
			unhex(argv[2], (uint8_t *)segment + at, segment_size - at);
		wake();
	} else if (strcmp(argv[0], "stats") == 0) {
		print_stats();
	} else if (strcmp(argv[0], "counters") == 0 && argc == 2) {
		print_counters((uint32_t)strtoul(argv[1], NULL, 0));
	} else if (strcmp(argv[0], "nodes") == 0) {
		print_nodes();
	} else if (strcmp(argv[0], "sa_counters") == 0 && argc == 2) {
		print_sa_counters(number(argv[1]));
	} else if (strcmp(argv[0], "sas") == 0) {
		print_sas();
	} else if (strcmp(argv[0], "layout") == 0) {
		print_layout();
	} else {
		printf("{\"error\":\"unknown command\"}\n");
	}
}

static void
drain(void)
{
	const struct event *e;
	const struct frame_record *f;

	while ((e = ring_consume(&events))) {
		printf("{\"event\":%u,\"handle\":%u,\"cookie\":%lu,\"status\":%d,"
		       "\"mapping\":[%u,%u]}\n",
			e->type, e->handle, (unsigned long)e->cookie, e->status,
			e->type == EVENT_SA_MAPPING ? e->mapping.peer_ip : 0,
			e->type == EVENT_SA_MAPPING ? e->mapping.peer_port : 0);
		ring_consumed(&events);
	}
	for (uint32_t i = 0; i < segment->n_workers; i++) {
		while ((f = ring_consume(&punts[i]))) {
			printf("{\"punt\":\"");
			for (unsigned int k = 0; k < f->length && k < FRAME_MAX; k++)
				printf("%02x", f->data[k]);
			printf("\",\"kind\":%u,\"handle\":%u,\"worker\":%u}\n", f->kind, f->handle,
				i);
			ring_consumed(&punts[i]);
		}
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static char line[8192];

	if (argc != 2) {
		fprintf(stderr, "usage: segctl SOCKET\n");
		return 2;
	}
	attach(argv[1]);
	fflush(stdout);
	setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see every line */
	for (;;) {
		struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {event_fd, POLLIN, 0}};
		uint64_t n;
		if (poll(p, 2, 50) < 0)
			die("poll");
		if (p[1].revents && read(event_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
			die("eventfd");
		drain();
		if (!p[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		run_line(line);
		fflush(stdout);
	}
}
