/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "dataplane/fib.h"
#include "dataplane/port_table.h"
#include "dataplane/sa.h"

#define OUTER_MTU        1500
#define IP_HDR_LEN       20
#define GRE_HDR_LEN      16 /* with sequence and acknowledgement numbers, RFC 2637 section 4.1 */
#define UDP_HDR_LEN      8
#define L2TP_HDR_LEN     6 /* RFC 2661 section 3.1: flags, tunnel and session ID */
#define L2TP_SEQ_HDR_LEN 10
#define MPPE_OVERHEAD    4 /* MPPE header and the enclosed protocol number */
#define TCP_IP_LEN       40

struct session_table sessions;

static const uint8_t output_of[] = {
	[TUNNEL_PPTP] = OUTPUT_PPTP,
	[TUNNEL_L2TP] = OUTPUT_L2TP,
};
static_assert(RTE_DIM(output_of) == TUNNEL_PROTOCOLS, "each protocol's frames leave by a node");

int
session_table_init(uint32_t max_sessions, struct rte_rcu_qsbr *rcu)
{
	memset(&sessions, 0, sizeof(sessions));
	if (max_sessions == 0 || max_sessions > SEGMENT_MAX_SESSIONS)
		return -EINVAL;
	sessions.slots = rte_zmalloc(
		"sessions", (size_t)max_sessions * sizeof(struct session), RTE_CACHE_LINE_SIZE);
	if (!sessions.slots)
		return -ENOMEM;
	sessions.max = max_sessions;
	sessions.rcu = rcu;
	int rc = index_init(&sessions.by_name, max_sessions);
	return rc ? rc : index_init(&sessions.by_ip, max_sessions);
}

void
session_table_free(void)
{
	for (uint32_t i = 0; i < sessions.max; i++) {
		mppe_tx_wipe(&sessions.slots[i].mppe_tx);
		mppe_rx_wipe(&sessions.slots[i].mppe_rx);
	}
	for (unsigned int p = 0; p < TUNNEL_PROTOCOLS; p++)
		for (unsigned int i = 0; i < MAX_SERVER_ADDRESSES; i++)
			rte_free(sessions.ids[p].of[i]);
	rte_free(sessions.slots);
	index_free(&sessions.by_name);
	index_free(&sessions.by_ip);
	memset(&sessions, 0, sizeof(sessions));
}

/* A protocol's ID table of a server address; a new one if there is room. */
static struct id_table *
id_table_of(uint8_t protocol, rte_be32_t server_ip_be, bool create)
{
	struct id_tables *all = &sessions.ids[protocol];
	uint32_t n = atomic_load_explicit(&all->n, memory_order_relaxed);
	for (uint32_t i = 0; i < n; i++)
		if (all->server_ip_be[i] == server_ip_be)
			return all->of[i];
	if (!create || n == MAX_SERVER_ADDRESSES)
		return NULL;
	struct id_table *t = rte_zmalloc("ids", sizeof(*t), RTE_CACHE_LINE_SIZE);
	if (!t)
		return NULL;
	all->server_ip_be[n] = server_ip_be;
	all->of[n] = t;
	/* Release: pairs with the acquire in session_id_entry(). */
	atomic_store_explicit(&all->n, n + 1, memory_order_release);
	return t;
}

static void
session_publish(struct session *s, struct id_table *t, uint32_t handle, uint16_t id)
{
	atomic_store_explicit(&s->cfg.handle, handle, memory_order_release);
	/* Release: pairs with the acquire in session_of_entry(). */
	atomic_store_explicit(&t->slot[id], SESSION_SLOT(handle) + 1, memory_order_release);
	sessions.live++;
	index_put(&sessions.by_ip, SESSION_SLOT(handle), s->cfg.peer_ip_be);
	index_put(&sessions.by_name, SESSION_SLOT(handle),
		s->cfg.peer ? s->cfg.peer
			    : session_name_key(s->cfg.peer_ip_be, s->cfg.peer_tunnel_id_be,
				      s->cfg.peer_call_id_be));
}

static void
configure_l2tp(struct session *s, const struct session_params *p)
{
	s->cfg.tunnel_id_be = rte_cpu_to_be_16(p->tunnel_id);
	s->cfg.peer_tunnel_id_be = rte_cpu_to_be_16(p->peer_tunnel_id);
	s->cfg.server_port_be = rte_cpu_to_be_16(p->server_port);
	s->cfg.peer_port_be = rte_cpu_to_be_16(p->peer_port);
	s->cfg.sa = p->sa;
	s->cfg.peer = p->peer;
}

int
session_add(uint32_t handle, const struct session_params *p)
{
	uint32_t slot = SESSION_SLOT(handle);
	if (handle == 0 || slot >= sessions.max || p->server_ip == 0 || p->peer_ip == 0 ||
		p->call_id == 0 || p->protocol >= TUNNEL_PROTOCOLS)
		return -EINVAL;
	struct session *s = &sessions.slots[slot];
	if (s->cold.used)
		return -EBUSY;
	struct id_table *t = id_table_of(p->protocol, rte_cpu_to_be_32(p->server_ip), true);
	if (!t)
		return -ENOSPC;
	if (atomic_load_explicit(&t->slot[p->call_id], memory_order_relaxed) != 0)
		return -EBUSY;

	memset(RTE_PTR_ADD(&s->cfg, sizeof(s->cfg.handle)), 0,
		sizeof(s->cfg) - sizeof(s->cfg.handle));
	memset(&s->up, 0, sizeof(s->up));
	memset(&s->down, 0, sizeof(s->down));
	memset(&s->cold, 0, sizeof(s->cold));
	s->cfg.protocol = p->protocol;
	s->cfg.output = output_of[p->protocol];
	s->cfg.peer_ip_be = rte_cpu_to_be_32(p->peer_ip);
	s->cfg.server_ip_be = rte_cpu_to_be_32(p->server_ip);
	s->cfg.call_id_be = rte_cpu_to_be_16(p->call_id);
	s->cfg.peer_call_id_be = rte_cpu_to_be_16(p->peer_call_id);
	s->cfg.outer_nh = fib_lookup(s->cfg.peer_ip_be);
	/* RFC 1661 section 6.1: the default, until LCP says otherwise. */
	s->cfg.peer_mru = 1500;
	s->cfg.owner = p->owner;
	s->cfg.state = SESSION_NEGOTIATING;
	if (p->protocol == TUNNEL_L2TP)
		configure_l2tp(s, p);
	s->cfg.counters = p->counters;
	s->cold.used = true;
	session_publish(s, t, handle, p->call_id);
	return 0;
}

void
session_remove(struct session *s, uint64_t cookie)
{
	uint32_t handle = session_handle_of(s);
	struct id_table *t = id_table_of(s->cfg.protocol, s->cfg.server_ip_be, false);
	if (handle == 0)
		return;
	if (t)
		atomic_store_explicit(
			&t->slot[rte_be_to_cpu_16(s->cfg.call_id_be)], 0, memory_order_release);
	atomic_store_explicit(&s->cfg.handle, 0, memory_order_release);
	closing_add(&sessions.closing, &s->cold.closing, sessions.rcu, handle, cookie);
	sessions.live--;
	index_put(&sessions.by_ip, SESSION_SLOT(handle), 0);
	index_put(&sessions.by_name, SESSION_SLOT(handle), 0);
}

unsigned int
session_reap(unsigned int max, void (*gone)(uint32_t handle, uint64_t cookie, struct session *s))
{
	struct closing *c;
	unsigned int n = 0;
	for (; n < max && (c = closing_take(&sessions.closing, sessions.rcu)) != NULL; n++) {
		struct session *s = container_of(c, struct session, cold.closing);
		mppe_tx_wipe(&s->mppe_tx);
		mppe_rx_wipe(&s->mppe_rx);
		gone(c->handle, c->cookie, s);
		s->cfg.state = SESSION_FREE;
		s->cold.used = false;
	}
	return n;
}

/* The MTU of the link under the tunnel. */
static unsigned int
port_mtu(const struct session *s)
{
	uint32_t v = atomic_load_explicit(&s->cfg.outer_nh, memory_order_relaxed);
	if (FIB_TYPE(v) != FIB_NEXTHOP || FIB_INDEX(v) >= MAX_NEXTHOPS)
		return OUTER_MTU;
	union nexthop nh = nexthop_read(FIB_INDEX(v));
	if (!(nh.flags & NEXTHOP_USED) || nh.port >= n_ports)
		return OUTER_MTU;
	return ports[nh.port].mtu;
}

static unsigned int
outer_mtu(const struct session *s)
{
	unsigned int mtu = port_mtu(s);
	return s->cfg.path_mtu && s->cfg.path_mtu < mtu ? s->cfg.path_mtu : mtu;
}

/* What the tunnel leaves of the link's MTU for a PPP frame. */
static unsigned int
frame_room(const struct session *s)
{
	unsigned int mtu = outer_mtu(s);
	if (s->cfg.protocol == TUNNEL_PPTP)
		return mtu - IP_HDR_LEN - GRE_HDR_LEN;
	unsigned int l2tp = UDP_HDR_LEN + (s->cfg.send_sequence ? L2TP_SEQ_HDR_LEN : L2TP_HDR_LEN);
	if (s->cfg.sa == 0)
		return mtu - IP_HDR_LEN - l2tp;
	/* The pair may have ended before its session hears of it. */
	return sa_payload_room(sa_by_handle(s->cfg.sa), mtu) - l2tp;
}

/* RFC 1661 section 6.1: the MRU covers what follows the protocol number, MPPE's header included. */
static void
compute_mtu(struct session *s, bool clamp)
{
	unsigned int room = frame_room(s) - (s->cfg.tx_acfc ? 0 : 2) - 2;
	unsigned int mtu = RTE_MIN((unsigned int)s->cfg.peer_mru, room);
	if (s->cfg.mppe_tx)
		mtu -= MPPE_OVERHEAD;
	s->cfg.mtu = mtu;
	s->cfg.mss = clamp ? mtu - TCP_IP_LEN : 0;
}

static void
apply_direction(const struct command_mppe_dir *d, struct mppe_params *p)
{
	memcpy(p->start_key, d->start_key, sizeof(p->start_key));
	p->strength = d->strength;
	p->stateless = d->stateless;
}

static void
apply_mppe(struct session *s, const struct command *cmd)
{
	struct mppe_params p;
	s->cfg.mppe_tx = s->cfg.mppe_rx = 0;
	s->cfg.mppe_stateful = (cmd->mppe.rx.stateless ? 0 : MPPE_STATEFUL_RX) |
			       (cmd->mppe.tx.stateless ? 0 : MPPE_STATEFUL_TX);
	if (cmd->mppe.tx.strength) {
		apply_direction(&cmd->mppe.tx, &p);
		if (mppe_tx_init(&s->mppe_tx, &p) == 0)
			s->cfg.mppe_tx = p.strength;
	}
	if (cmd->mppe.rx.strength) {
		apply_direction(&cmd->mppe.rx, &p);
		if (mppe_rx_init(&s->mppe_rx, &p) == 0)
			s->cfg.mppe_rx = p.strength;
	}
	explicit_bzero(&p, sizeof(p));
	compute_mtu(s, s->cfg.mss != 0);
}

void
session_set_path_mtu(struct session *s, uint16_t mtu)
{
	s->cfg.path_mtu = mtu;
	if (s->cfg.peer_mru)
		compute_mtu(s, s->cfg.mss != 0);
}

void
session_apply(struct session *s, struct command *cmd)
{
	switch (cmd->type) {
	case COMMAND_SESSION_LINK:
		s->cfg.peer_mru = cmd->link.peer_mru;
		s->cfg.tx_acfc = cmd->link.tx_acfc != 0;
		s->cfg.tx_pfc = cmd->link.tx_pfc != 0;
		compute_mtu(s, s->cfg.mss != 0);
		break;
	case COMMAND_SESSION_MPPE:
		apply_mppe(s, cmd);
		break;
	case COMMAND_SESSION_OPEN:
		s->cfg.inner_ip_be = rte_cpu_to_be_32(cmd->open.inner_ip);
		s->cfg.require_mppe = cmd->open.require_mppe != 0;
		compute_mtu(s, cmd->open.clamp_mss);
		s->cfg.state = SESSION_OPEN;
		break;
	case COMMAND_SESSION_L2TP:
		s->cfg.send_sequence = cmd->l2tp.send_sequence != 0;
		s->cfg.require_sequence = cmd->l2tp.require_sequence != 0;
		compute_mtu(s, s->cfg.mss != 0);
		break;
	case COMMAND_SESSION_SA:
		s->cfg.sa = cmd->session_sa.sa;
		compute_mtu(s, s->cfg.mss != 0);
		break;
	case COMMAND_SESSION_FLUSH:
		if (s->cfg.mppe_tx) {
			mppe_tx_flush(&s->mppe_tx);
			s->cfg.counters->mppe_tx_resets++;
		}
		break;
	}
	explicit_bzero(cmd, sizeof(*cmd));
}
