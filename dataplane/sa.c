/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sa.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "crypto/suite.h"
#include "dataplane/fib.h"

#define IP_HDR_LEN      20
#define UDP_HDR_LEN     8
#define ESP_PAD_LEN     2 /* pad length and next header, RFC 4303 section 2 */
#define ESP_ALIGN_MAX   16
#define REPLAY_WINDOW_1 64 /* least and most of command_sa_add */
#define REPLAY_WINDOW_2 4096

struct sa_table sas;

int
sa_table_init(uint32_t max_sas, struct rte_rcu_qsbr *rcu)
{
	memset(&sas, 0, sizeof(sas));
	if (max_sas > SEGMENT_MAX_SAS)
		return -EINVAL;
	sas.rcu = rcu;
	if (max_sas == 0)
		return 0;
	sas.slots = rte_zmalloc("sas", (size_t)max_sas * sizeof(struct sa), RTE_CACHE_LINE_SIZE);
	if (!sas.slots)
		return -ENOMEM;
	sas.engine = esp_engine_create(ESP_ARCH_AUTO);
	if (!sas.engine)
		return -errno;
	int rc = index_init(&sas.by_peer, max_sas);
	if (rc == 0)
		rc = index_init(&sas.by_spi, max_sas);
	if (rc == 0)
		rc = index_init(&sas.by_ip, max_sas);
	if (rc == 0)
		sas.max = max_sas;
	return rc;
}

static void
free_keys(struct esp_sa *e)
{
	if (!e)
		return;
	esp_sa_wipe(e);
	rte_free(e);
}

/* All but what workers compare at any time. */
static void
clear_config(struct sa *sa)
{
	const size_t from = offsetof(struct sa_config, peer);
	memset(RTE_PTR_ADD(&sa->cfg, from), 0, sizeof(sa->cfg) - from);
}

static void
free_pair(struct sa *sa)
{
	free_keys(sa->cfg.in);
	free_keys(sa_outbound(sa));
	clear_config(sa);
}

void
sa_table_free(void)
{
	for (uint32_t i = 0; i < sas.max; i++)
		free_pair(&sas.slots[i]);
	rte_free(sas.slots);
	index_free(&sas.by_peer);
	index_free(&sas.by_spi);
	index_free(&sas.by_ip);
	esp_engine_destroy(sas.engine);
	memset(&sas, 0, sizeof(sas));
}

/* The algorithms of control's record; false: there are no such rows, or keys longer than the
 * record.
 */
static bool
configure(struct esp_sa_config *c, const struct sa_keys *k, const struct sa_lifetime *life)
{
	if (k->encryption_len > sizeof(k->encryption_key) ||
		k->integrity_len > sizeof(k->integrity_key))
		return false;
	c->encryption = suite_at(k->encryption);
	c->integrity = k->integrity ? suite_at(k->integrity) : NULL;
	if (!c->encryption || (k->integrity && !c->integrity))
		return false;
	c->encryption_key = k->encryption_key;
	c->encryption_key_len = k->encryption_len;
	c->integrity_key = k->integrity_key;
	c->integrity_key_len = k->integrity_len;
	c->soft_bytes = life->soft_bytes;
	c->hard_bytes = life->hard_bytes;
	c->soft_packets = life->soft_packets;
	c->hard_packets = life->hard_packets;
	return suite_pair_is_valid(c->encryption, c->integrity);
}

/* 0, -EINVAL, -ENOMEM. */
static int
make_keys(const struct esp_sa_config *c, struct esp_sa **out)
{
	struct esp_sa *e = rte_zmalloc("esp", esp_sa_size(sas.engine, c), ESP_SA_ALIGN);
	if (!e)
		return -ENOMEM;
	if (esp_sa_init(e, sas.engine, c) != ESP_SETUP_OK) {
		rte_free(e);
		return -EINVAL;
	}
	*out = e;
	return 0;
}

static uint32_t
slot_of(const struct sa *sa)
{
	return (uint32_t)(sa - sas.slots);
}

void
sa_move(struct sa *sa, rte_be32_t peer_ip_be, rte_be16_t peer_port_be)
{
	const struct esp_sa *out = sa_outbound(sa);

	sa->cold.peer_ip_be = peer_ip_be;
	atomic_store_explicit(&sa->cfg.outer_nh, fib_lookup(peer_ip_be), memory_order_relaxed);
	index_put(&sas.by_ip, slot_of(sa), peer_ip_be);
	index_put(&sas.by_peer, slot_of(sa), sa_peer_key(peer_ip_be, peer_port_be));
	if (out)
		index_put(&sas.by_spi, slot_of(sa), sa_spi_key(peer_ip_be, out->spi));
}

int
sa_reserve(uint32_t handle, rte_be32_t peer_ip_be)
{
	struct sa *sa = sa_slot(handle);

	if (!sa)
		return -EINVAL;
	if (sa->cfg.state != SA_FREE)
		return -EBUSY;
	/* Nobody takes the one's SPI with the other's address. */
	atomic_store_explicit(&sa->cfg.reserved, 0, memory_order_relaxed);
	atomic_store_explicit(&sa->cfg.reserved_ip_be, peer_ip_be, memory_order_release);
	atomic_store_explicit(&sa->cfg.reserved, handle, memory_order_release);
	return 0;
}

void
sa_release(uint32_t handle)
{
	struct sa *sa = sa_slot(handle);

	if (sa && atomic_load_explicit(&sa->cfg.reserved, memory_order_relaxed) == handle)
		atomic_store_explicit(&sa->cfg.reserved, 0, memory_order_relaxed);
}

int
sa_add(uint32_t handle, const struct command_sa_add *c, uint8_t owner, struct sa_counters *counters)
{
	struct esp_sa_config ec = {.spi = handle,
		.inbound = true,
		.esn = c->esn != 0,
		.replay_window = c->replay_window};
	struct sa *sa = sa_slot(handle);
	if (!sa || c->peer == 0 || c->outer.server_ip == 0 || c->outer.peer_ip == 0 ||
		(c->outer.server_port == 0) != (c->outer.peer_port == 0) ||
		c->replay_window < REPLAY_WINDOW_1 || c->replay_window > REPLAY_WINDOW_2 ||
		c->esn > 1 || !configure(&ec, &c->keys, &c->lifetime))
		return -EINVAL;
	if (sa->cfg.state != SA_FREE)
		return -EBUSY;
	struct esp_sa *in = NULL;
	int rc = make_keys(&ec, &in);
	if (rc)
		return rc;
	clear_config(sa);
	atomic_store_explicit(&sa->cfg.reserved, 0, memory_order_relaxed);
	memset(&sa->run, 0, sizeof(sa->run));
	memset(&sa->cold, 0, sizeof(sa->cold));
	sa->cfg.peer = c->peer;
	sa->cold.peer = c->peer;
	sa->cfg.server_ip_be = rte_cpu_to_be_32(c->outer.server_ip);
	sa->cfg.peer_ip_be = rte_cpu_to_be_32(c->outer.peer_ip);
	sa->cfg.server_port_be = rte_cpu_to_be_16(c->outer.server_port);
	sa->cfg.peer_port_be = rte_cpu_to_be_16(c->outer.peer_port);
	sa_move(sa, sa->cfg.peer_ip_be, sa->cfg.peer_port_be);
	sa->cfg.in = in;
	sa->cfg.keys_lines = (uint8_t)(in->replay_at / RTE_CACHE_LINE_SIZE);
	sa->cfg.owner = owner;
	sa->cfg.exit = SA_EXIT_L2TP;
	sa->cfg.state = SA_LIVE;
	sa->cfg.counters = counters;
	/* Release: pairs with the acquire in sa_handle_of(). */
	atomic_store_explicit(&sa->cfg.handle, handle, memory_order_release);
	sas.live++;
	return 0;
}

int
sa_set_outbound(struct sa *sa, const struct command_sa_out *c)
{
	struct esp_sa_config ec = {.spi = c->spi, .esn = c->esn != 0};
	if (c->esn > 1 || !configure(&ec, &c->keys, &c->lifetime))
		return -EINVAL;
	if (sa_outbound(sa))
		return -EALREADY;
	struct esp_sa *out = NULL;
	int rc = make_keys(&ec, &out);
	if (rc)
		return rc;
	/* Release: pairs with the acquire in sa_outbound(). */
	atomic_store_explicit(&sa->cfg.out, out, memory_order_release);
	index_put(&sas.by_spi, slot_of(sa), sa_spi_key(sa->cold.peer_ip_be, out->spi));
	return 0;
}

void
sa_remove(struct sa *sa, uint64_t cookie)
{
	uint32_t handle = sa_handle_of(sa);
	if (handle == 0)
		return;
	atomic_store_explicit(&sa->cfg.handle, 0, memory_order_release);
	sa->cfg.state = SA_CLOSING;
	index_put(&sas.by_peer, slot_of(sa), 0);
	index_put(&sas.by_spi, slot_of(sa), 0);
	index_put(&sas.by_ip, slot_of(sa), 0);
	closing_add(&sas.closing, &sa->cold.closing, sas.rcu, handle, cookie);
	sas.live--;
}

unsigned int
sa_reap(unsigned int max, void (*gone)(uint32_t handle, uint64_t cookie, struct sa *sa))
{
	struct closing *c;
	unsigned int n = 0;
	for (; n < max && (c = closing_take(&sas.closing, sas.rcu)) != NULL; n++) {
		struct sa *sa = container_of(c, struct sa, cold.closing);
		gone(c->handle, c->cookie, sa);
		free_pair(sa);
	}
	return n;
}

void
sa_apply(struct sa *sa, const struct command *cmd)
{
	if (cmd->type != COMMAND_SA_UPDATE)
		return;
	atomic_store_explicit(&sa->cfg.peer_ip_be, rte_cpu_to_be_32(cmd->sa_update.outer.peer_ip),
		memory_order_relaxed);
	sa->cfg.peer_port_be = rte_cpu_to_be_16(cmd->sa_update.outer.peer_port);
	if (cmd->sa_update.peer)
		sa->cfg.peer = cmd->sa_update.peer;
}

uint32_t
sa_payload_room(const struct sa *sa, uint32_t mtu)
{
	const struct esp_sa *out = sa ? sa_outbound(sa) : NULL;
	bool in_udp = !sa || sa_in_udp(sa);
	uint32_t header = out ? out->header_len : ESP_HEADER_MAX;
	uint32_t icv = out ? out->icv_len : SUITE_ICV_MAX;
	uint32_t align = out ? out->align : ESP_ALIGN_MAX;
	uint32_t fixed = IP_HDR_LEN + (in_udp ? UDP_HDR_LEN : 0) + header + icv;
	return mtu < fixed + align ? 0 : (mtu - fixed) / align * align - ESP_PAD_LEN;
}
