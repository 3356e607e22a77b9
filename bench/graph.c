/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet costs through the whole PPTP graph on one worker, from a source node in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/harness.h"
#include "crypto/mppe.h"
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

enum cipher { CLEAR, STATELESS, STATEFUL };

static struct mppe_tx *peers; /* the clients' senders */

static void
fill_key(struct command_mppe_dir *d, uint32_t i, uint8_t direction, int cipher)
{
	memset(d, 0, sizeof(*d));
	if (cipher == CLEAR)
		return;
	for (unsigned int k = 0; k < sizeof(d->start_key); k++)
		d->start_key[k] = (uint8_t)(i * 31 + k * 7 + direction);
	d->strength = MPPE_128;
	d->stateless = cipher == STATELESS;
}

/* Bring session i to the state that the case needs, as control's commands would; also resets
 * sequence and keys between rounds. */
static void
reset_session(const struct graph_case *c, uint32_t i)
{
	struct session *s = &sessions.slots[i];
	struct command mppe = {.type = COMMAND_SESSION_MPPE};

	s->up.rx_any = 0;
	s->up.rx_window = 0;
	s->up.ack_due = 0;
	s->up.rx_agree = 0;
	fill_key(&mppe.mppe.rx, i, 0, c->how);
	fill_key(&mppe.mppe.tx, i, 1, c->how);
	session_apply(s, &mppe);
}

static void
add_sessions(void)
{
	struct command link = {.type = COMMAND_SESSION_LINK,
		.link = {.our_mru = 1500, .peer_mru = 1500, .tx_acfc = 1, .tx_pfc = 1}};

	for (uint32_t i = 0; i < harness_sessions; i++) {
		struct command open = {
			.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = INNER_IP(i)}};
		const struct session_params params = {.server_ip = SERVER_IP(i),
			.peer_ip = PEER_IP(i),
			.call_id = ID_OF(i),
			.peer_call_id = ID_OF(i),
			.owner = harness_owner(i),
			.counters = &harness_counters[i]};
		if (session_add(session_handle(i, 1), &params) != 0)
			harness_die("session_add");
		struct session *s = &sessions.slots[i];
		atomic_store(&s->cfg.outer_nh, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_WAN));
		session_apply(s, &link);
		session_apply(s, &open);
		s->cfg.peer_seen = 1;
		if (route_add_session(INNER_IP(i), i) != 0)
			harness_die("route_add_session");
	}
}

/* Before the first packet of client i. */
static void
reset_peer(uint32_t i, int cipher)
{
	struct command_mppe_dir d;
	struct mppe_params p = {.strength = MPPE_128, .stateless = cipher == STATELESS};

	if (cipher == CLEAR)
		return;
	fill_key(&d, i, 0, cipher);
	memcpy(p.start_key, d.start_key, sizeof(p.start_key));
	mppe_tx_init(&peers[i], &p);
}

/* GRE/PPP as a Windows or Linux client sends it: sequence and acknowledgement numbers, ACFC and PFC
 * in use. */
static uint16_t
build_uplink(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t seq)
{
	uint8_t *ip = put_ether(at, WAN), *gre = ip + 20, *ppp = gre + 16;
	uint16_t ppp_len;

	if (seq == 0)
		reset_peer(i, c->how);

	if (c->how == CLEAR) {
		ppp[0] = 0x21;
		put_inner(ppp + 1, c, i);
		ppp_len = 1 + c->bytes;
	} else {
		struct mppe_job job = {
			.tx = &peers[i], .data = ppp + 1, .len = MPPE_HDR_LEN + 1u + c->bytes};
		ppp[0] = 0xfd;
		ppp[3] = 0x21;
		put_inner(ppp + 4, c, i);
		mppe_encrypt_burst(&job, 1);
		ppp_len = (uint16_t)(1 + job.len);
	}
	put_be(gre, 0x3081880b, 4);
	put_be(gre + 4, ppp_len, 2);
	put_be(gre + 6, ID_OF(i), 2);
	put_be(gre + 8, seq, 4);
	put_be(gre + 12, 0, 4);
	put_ipv4(ip, PEER_IP(i), SERVER_IP(i), 47, (uint16_t)(20 + 16 + ppp_len));
	return (uint16_t)(14 + 20 + 16 + ppp_len);
}

static void
measure_direction(bool uplink, enum cipher cipher)
{
	static const char *const ciphers[] = {"clear", "mppe128-stateless", "mppe128-stateful"};
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", uplink ? "uplink" : "downlink", ciphers[cipher]);
	harness_measure(&(struct graph_case){.name = name,
		.uplink = uplink,
		.how = cipher,
		.reset = reset_session,
		.build = uplink ? build_uplink : build_downlink});
}

int
main(int argc, char **argv)
{
	harness_start(argc, argv, 2048);
	peers = calloc(harness_sessions, sizeof(*peers));
	if (!peers)
		harness_die("memory");
	add_sessions();
	harness_ready();
	for (int uplink = 1; uplink >= 0; uplink--)
		for (enum cipher cipher = CLEAR; cipher <= STATEFUL; cipher++)
			measure_direction(uplink, cipher);
	return 0;
}
