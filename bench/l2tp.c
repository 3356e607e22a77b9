/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet costs through the whole L2TP/IPsec graph on one worker, from a source node in
 * memory: ESP, native and in UDP (NAT traversal), or L2TP in clear. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include "bench/bench.h"
#include "bench/harness.h"
#include "crypto/esp.h"
#include "crypto/suite.h"
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

#define TUNNEL   7
#define PEER(i)  ((i) + 1)
#define OUT_SPI  0xc0000000u
#define L2TP_HDR 6
#define UDP_HDR  8

static const struct protection {
	const char *name, *encryption, *integrity; /* encryption NULL: no IPsec */
	uint16_t port;                             /* of ESP in UDP; 0: native */
} protections[] = {
	{"l2tp-clear", NULL, NULL, 0},
	{"l2tp-aes128-gcm", "aes128-gcm16", NULL, 0},
	{"l2tp-aes128-cbc-sha1", "aes128-cbc", "hmac-sha1-96", 0},
	{"l2tp-natt-aes128-gcm", "aes128-gcm16", NULL, NAT_T_PORT},
	{"l2tp-natt-aes128-cbc-sha1", "aes128-cbc", "hmac-sha1-96", NAT_T_PORT},
};

static struct esp_engine *peer_engine;
static void **peer_sas; /* the clients' senders: struct esp_sa */
static struct sa_counters *sa_counters;

static uint32_t
pair_of(uint32_t i)
{
	return sa_handle(i, 1);
}

static uint8_t
row_of(const char *name)
{
	uint8_t row = 0;

	while (name && suite_at(row) && strcmp(suite_at(row)->name, name) != 0)
		row++;
	return name ? row : 0;
}

static void
fill_keys(struct sa_keys *k, const struct protection *p, uint32_t i)
{
	memset(k, 0, sizeof(*k));
	k->encryption = row_of(p->encryption);
	k->integrity = row_of(p->integrity);
	k->encryption_len = suite_at(k->encryption)->key_len;
	k->integrity_len = p->integrity ? suite_at(k->integrity)->key_len : 0;
	for (unsigned int n = 0; n < sizeof(k->encryption_key); n++)
		k->encryption_key[n] = (uint8_t)(i * 31 + n * 7);
	memset(k->integrity_key, (int)(i & 0xff), sizeof(k->integrity_key));
}

/* One direction of client i as crypto/ takes it. */
static struct esp_sa_config
config_of(const struct protection *p, const struct sa_keys *k, uint32_t spi, bool inbound)
{
	return (struct esp_sa_config){.encryption = suite_at(k->encryption),
		.integrity = p->integrity ? suite_at(k->integrity) : NULL,
		.encryption_key = k->encryption_key,
		.encryption_key_len = k->encryption_len,
		.integrity_key = k->integrity_key,
		.integrity_key_len = k->integrity_len,
		.spi = spi,
		.inbound = inbound};
}

static void
add_pair(const struct protection *p, uint32_t i)
{
	struct command_sa_add add = {.outer = {.server_ip = SERVER_IP(i),
					     .peer_ip = PEER_IP(i),
					     .server_port = p->port,
					     .peer_port = p->port},
		.peer = PEER(i),
		.replay_window = 1024};
	struct command_sa_out out = {.spi = OUT_SPI + i};

	fill_keys(&add.keys, p, i);
	fill_keys(&out.keys, p, i);
	if (sa_add(pair_of(i), &add, harness_owner(i), &sa_counters[i]) != 0 ||
		sa_set_outbound(sa_by_handle(pair_of(i)), &out) != 0)
		harness_die("sa_add");
	atomic_store(&sas.slots[i].cfg.outer_nh, FIB_VALUE(FIB_NEXTHOP, NEXTHOP_WAN));
}

static void
add_session(const struct protection *p, uint32_t i)
{
	struct command link = {.type = COMMAND_SESSION_LINK,
		.link = {.our_mru = 1500, .peer_mru = 1500, .tx_acfc = 1, .tx_pfc = 1}};
	struct command open = {.type = COMMAND_SESSION_OPEN, .open = {.inner_ip = INNER_IP(i)}};
	const struct session_params params = {.server_ip = SERVER_IP(i),
		.peer_ip = PEER_IP(i),
		.call_id = ID_OF(i),
		.peer_call_id = ID_OF(i),
		.owner = harness_owner(i),
		.protocol = TUNNEL_L2TP,
		.counters = &harness_counters[i],
		.tunnel_id = TUNNEL,
		.peer_tunnel_id = TUNNEL,
		.server_port = L2TP_PORT,
		.peer_port = L2TP_PORT,
		.sa = p->encryption ? pair_of(i) : 0,
		.peer = p->encryption ? PEER(i) : 0};

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

static void
gone_session(uint32_t handle, uint64_t cookie, struct session *s)
{
	(void)handle;
	(void)cookie;
	(void)s;
}

static void
gone_pair(uint32_t handle, uint64_t cookie, struct sa *sa)
{
	(void)handle;
	(void)cookie;
	(void)sa;
}

static void
set_up_sessions(const struct protection *p)
{
	for (uint32_t i = 0; i < harness_sessions; i++) {
		if (p->encryption)
			add_pair(p, i);
		add_session(p, i);
	}
}

static void
end_sessions(void)
{
	for (uint32_t i = 0; i < harness_sessions; i++) {
		route_del_session(INNER_IP(i));
		session_remove(&sessions.slots[i], 0);
		sa_remove(&sas.slots[i], 0);
		free(peer_sas[i]);
		peer_sas[i] = NULL;
	}
	session_reap(harness_sessions, gone_session);
	sa_reap(harness_sessions, gone_pair);
}

/* The window forgets the last round's numbers. */
static void
reset_window(const struct graph_case *c, uint32_t i)
{
	const struct protection *p = &protections[c->how];
	struct sa_keys k;

	if (!p->encryption)
		return;
	fill_keys(&k, p, i);
	struct esp_sa_config ec = config_of(p, &k, pair_of(i), true);
	if (esp_sa_init(sas.slots[i].cfg.in, sas.engine, &ec) != ESP_SETUP_OK)
		harness_die("esp_sa_init");
}

static struct esp_sa *
peer_sa(const struct protection *p, uint32_t i)
{
	struct sa_keys k;

	fill_keys(&k, p, i);
	struct esp_sa_config ec = config_of(p, &k, pair_of(i), false);
	free(peer_sas[i]);
	peer_sas[i] = aligned_alloc(ESP_SA_ALIGN, esp_sa_size(peer_engine, &ec));
	if (!peer_sas[i] || esp_sa_init(peer_sas[i], peer_engine, &ec) != ESP_SETUP_OK)
		harness_die("esp_sa_init");
	return peer_sas[i];
}

static void
put_udp_header(uint8_t *at, uint16_t port, uint16_t payload)
{
	put_be(at, port, 2);
	put_be(at + 2, port, 2);
	put_be(at + 4, payload + UDP_HDR, 2);
	put_be(at + 6, 0, 2);
}

/* UDP, L2TP and PPP (ACFC and PFC in use); its length. */
static uint16_t
put_datagram(uint8_t *at, const struct graph_case *c, uint32_t i)
{
	uint16_t len = (uint16_t)(UDP_HDR + L2TP_HDR + 1 + c->bytes);

	put_udp_header(at, L2TP_PORT, len - UDP_HDR);
	put_be(at + 8, 2, 2);
	put_be(at + 10, TUNNEL, 2);
	put_be(at + 12, ID_OF(i), 2);
	at[14] = 0x21;
	put_inner(at + 15, c, i);
	return len;
}

static uint16_t
build_uplink(uint8_t *at, const struct graph_case *c, uint32_t i, uint32_t n)
{
	const struct protection *p = &protections[c->how];
	uint8_t *ip = put_ether(at, WAN), *data = ip + 20;
	uint16_t len, udp = p->port ? UDP_HDR : 0;

	if (!p->encryption) {
		len = put_datagram(data, c, i);
		put_ipv4(ip, PEER_IP(i), SERVER_IP(i), IPPROTO_UDP, (uint16_t)(20 + len));
		return (uint16_t)(14 + 20 + len);
	}
	struct esp_sa *sa = n == 0 ? peer_sa(p, i) : peer_sas[i];
	data += udp;
	len = put_datagram(data + sa->header_len, c, i);
	struct esp_job job = {.sa = sa,
		.data = data,
		.len = (uint32_t)sa->header_len + len,
		.room = ESP_TRAILER_MAX,
		.next_header = IPPROTO_UDP};
	if (esp_encapsulate_burst(peer_engine, &job, 1) != 1)
		harness_die("esp_encapsulate_burst");
	if (udp)
		put_udp_header(ip + 20, p->port, (uint16_t)job.len);
	put_ipv4(ip, PEER_IP(i), SERVER_IP(i), udp ? IPPROTO_UDP : IPPROTO_ESP,
		(uint16_t)(20 + udp + job.len));
	return (uint16_t)(14 + 20 + udp + job.len);
}

static void
measure_direction(bool uplink, int how)
{
	char name[64];

	snprintf(
		name, sizeof(name), "%s-%s", uplink ? "uplink" : "downlink", protections[how].name);
	harness_measure(&(struct graph_case){.name = name,
		.uplink = uplink,
		.how = how,
		.reset = reset_window,
		.build = uplink ? build_uplink : build_downlink});
}

int
main(int argc, char **argv)
{
	harness_start(argc, argv, 6500);
	peer_engine = esp_engine_create(ESP_ARCH_AUTO);
	peer_sas = calloc(harness_sessions, sizeof(*peer_sas));
	sa_counters =
		rte_zmalloc(NULL, harness_sessions * sizeof(*sa_counters), RTE_CACHE_LINE_SIZE);
	if (!peer_engine || !peer_sas || !sa_counters)
		harness_die("set-up");
	harness_ready();
	for (int how = 0; how < (int)RTE_DIM(protections); how++) {
		if (!harness_wants(protections[how].name))
			continue;
		set_up_sessions(&protections[how]);
		for (int uplink = 1; uplink >= 0; uplink--)
			measure_direction(uplink, how);
		end_sessions();
	}
	esp_engine_destroy(peer_engine);
	return 0;
}
