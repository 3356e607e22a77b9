/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/l2tp.h"

#include <string.h>

#include "control/settings/config.h"

/*
 * D5: what fits a path of 1,500 octets.  Around AES-CBC: IPv4 20, UDP 8 (RFC 3948), ESP 8, IV 16,
 * ICV 16; in its blocks of 16 octets: UDP 8, L2TP 12 (length and sequence numbers), PPP 4, ESP's
 * trailer 2.
 */
#define L2TP_MRU ((1500 - 20 - 8 - 8 - 16 - 16) / 16 * 16 - 8 - 12 - 4 - 2)

void
config_l2tp_defaults(struct config *c)
{
	c->l2tp_max_sessions = 128;
	c->l2tp_require_ipsec = true;
	c->l2tp_ppp.mru = L2TP_MRU;
	c->l2tp = (struct l2tp_config){.delivery = {.receive_window = 8,
					       .retransmit_ms = 1000,
					       .retransmit_max_ms = 8000,
					       .max_tries = 5},
		.half_open_ms = 15000,
		.idle_ms = 30000,
		.hello_interval_ms = 60000,
		.max_tunnels = 2 * 128 + 16,
		.max_tunnels_per_peer = 8,
		.max_half_open = 256,
		.max_half_open_per_peer = 4,
		.max_sessions_per_tunnel = 16};
}

void
config_read_l2tp(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	struct l2tp_config *l = &c->l2tp;
	unsigned int mru = c->l2tp_ppp.mru, window = l->delivery.receive_window;
	config_only_known(r, g, config_known("l2tp"));
	config_get_bool(r, g, "enabled", &c->l2tp_enabled);
	config_get_number(r, g, "max_sessions", 0, 1u << 20, &c->l2tp_max_sessions);
	config_get_bool(r, g, "require_ipsec", &c->l2tp_require_ipsec);
	config_get_string(r, g, "tunnel_secret", 0, l->secret, sizeof(l->secret));
	config_get_number(r, g, "mru", 576, 1500, &mru);
	config_get_bool(r, g, "sequencing", &c->l2tp_sequencing);
	config_get_number(r, g, "receive_window", 1, L2TP_WINDOW_MAX, &window);
	c->l2tp_ppp.mru = (uint16_t)mru;
	l->delivery.receive_window = (uint16_t)window;
	l->max_tunnels = 2 * c->l2tp_max_sessions + 16;
	config_get_seconds(r, g, "hello_interval", 0, 3600, &l->hello_interval_ms);
	config_get_seconds(r, g, "start_timeout", 1, 600, &l->half_open_ms);
	config_get_seconds(r, g, "idle_timeout", 0, 86400, &l->idle_ms);
	config_get_number(r, g, "max_tunnels", 1, 1u << 21, &l->max_tunnels);
	config_get_number(r, g, "max_tunnels_per_peer", 1, 65535, &l->max_tunnels_per_peer);
	config_get_number(r, g, "max_half_open", 1, 65535, &l->max_half_open);
	config_get_number(r, g, "max_half_open_per_peer", 1, 65535, &l->max_half_open_per_peer);
	config_get_number(r, g, "max_sessions_per_tunnel", 1, 4096, &l->max_sessions_per_tunnel);
	config_get_string(r, g, "host_name", 0, l->host_name, sizeof(l->host_name));
	config_get_string(r, g, "vendor", 0, l->vendor, sizeof(l->vendor));
	config_get_number(r, g, "max_retransmissions", 1, 20, &l->delivery.max_tries);
	config_get_seconds(r, g, "max_retransmit_interval", 1, 60, &l->delivery.retransmit_max_ms);
}

/* L2TP's PPP is that of the section ppp, but for the MRU. */
void
config_complete_l2tp(struct config *c)
{
	uint16_t mru = c->l2tp_ppp.mru;
	c->l2tp_ppp = c->ppp;
	c->l2tp_ppp.mru = mru;
	c->l2tp.connect_ms = c->l2tp.half_open_ms;
}
