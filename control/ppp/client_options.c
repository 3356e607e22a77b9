/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of LCP, CCP and IPCP as the client wants and takes them. */
#include <string.h>

#include "control/ppp/client_internal.h"
#include "crypto/mschap.h"

static uint8_t
bits_of(uint8_t mask)
{
	return (mask & PPP_MPPE_40 ? MPPE_BIT_40 : 0) | (mask & PPP_MPPE_56 ? MPPE_BIT_56 : 0) |
	       (mask & PPP_MPPE_128 ? MPPE_BIT_128 : 0);
}

static uint8_t
mask_of(uint8_t bits)
{
	return (bits & MPPE_BIT_40 ? PPP_MPPE_40 : 0) | (bits & MPPE_BIT_56 ? PPP_MPPE_56 : 0) |
	       (bits & MPPE_BIT_128 ? PPP_MPPE_128 : 0);
}

static uint8_t
strongest(uint8_t mask)
{
	return mask & PPP_MPPE_128 ? PPP_MPPE_128 : mask & PPP_MPPE_56 ? PPP_MPPE_56 : mask;
}

void
client_options_reset(struct ppp_client *p)
{
	const struct ppp_client_habits *h = &p->cfg.habits;

	p->deflate_rejected = false;
	p->asks_mppe = !h->asks_no_mppe;
	p->rx_strengths = p->cfg.mppe;
	p->rx_ask = h->mppe_ask != 0 ? h->mppe_ask : bits_of(p->cfg.mppe);
	p->rx_stateless = !h->ask_stateful;
	p->tx_strengths = 0;
	p->tx_stateless = false;
	p->ip = p->cfg.ip;
	p->asks_vj = h->vj;
	p->asks_dns = p->cfg.dns;
	p->asks_wins = p->cfg.wins;
}

/* ------------------------------------------------------------------ what it asks for */

static void
put_mppe(struct wire_writer *w, bool stateless, uint8_t bits)
{
	const uint8_t data[CCP_MPPE_LEN] = {stateless ? MPPE_BIT_STATELESS : 0, 0, 0, bits};

	wire_put_option(w, CCP_MPPE, data, sizeof(data));
}

static void
write_lcp(const struct ppp_client *p, struct wire_writer *w)
{
	if (p->cfg.mru != 0)
		wire_put_option16(w, LCP_MRU, p->cfg.mru);
	wire_put_option32(w, LCP_ASYNCMAP, 0);
	if (!p->cfg.habits.no_magic)
		wire_put_option32(w, LCP_MAGIC, p->magic);
	wire_put_option(w, LCP_PFC, NULL, 0);
	wire_put_option(w, LCP_ACFC, NULL, 0);
	if (p->cfg.habits.multilink && !p->multilink_rejected) {
		wire_put_option16(w, LCP_MRRU, 1500);
		wire_put_option(w, LCP_CALLBACK, (const uint8_t[]){6}, 1);
	}
}

static void
write_ccp(const struct ppp_client *p, struct wire_writer *w)
{
	if (p->cfg.habits.deflate && !p->deflate_rejected)
		wire_put_option16(w, CCP_DEFLATE, 0x7800);
	if (p->asks_mppe)
		put_mppe(w, p->rx_stateless, p->rx_ask);
}

static void
write_ipcp(const struct ppp_client *p, struct wire_writer *w)
{
	if (!p->cfg.habits.no_ip_option)
		wire_put_option32(w, IPCP_ADDRESS, p->ip);
	if (p->asks_vj)
		wire_put_option(w, IPCP_COMPRESSION, (const uint8_t[]){0, 0x2d, 15, 1}, 4);
	if (p->asks_dns) {
		wire_put_option32(w, IPCP_DNS1, p->dns[0]);
		wire_put_option32(w, IPCP_DNS2, p->dns[1]);
	}
	if (p->asks_wins) {
		wire_put_option32(w, IPCP_WINS1, p->wins[0]);
		wire_put_option32(w, IPCP_WINS2, p->wins[1]);
	}
}

void
client_options_write(
	const struct ppp_client *p, enum ppp_client_protocol which, struct wire_writer *w)
{
	if (which == PPP_CLIENT_LCP)
		write_lcp(p, w);
	else if (which == PPP_CLIENT_CCP)
		write_ccp(p, w);
	else
		write_ipcp(p, w);
}

/* ------------------------------------------------------------------ the server's requests */

static const struct {
	enum ppp_auth method;
	uint8_t len, data[3];
} methods[] = {
	{PPP_AUTH_MSCHAPV2, 3, {0xc2, 0x23, 0x81}},
	{PPP_AUTH_CHAP_MD5, 3, {0xc2, 0x23, 0x05}},
	{PPP_AUTH_MSCHAPV1, 3, {0xc2, 0x23, 0x80}},
	{PPP_AUTH_PAP, 2, {0xc0, 0x23, 0}},
};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static void
judge_auth(struct ppp_client *p, const struct wire_option *o, struct wire_writer *nak,
	struct wire_writer *reject)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		if (o->len == methods[i].len &&
			memcmp(o->data, methods[i].data, methods[i].len) == 0 &&
			(p->cfg.auth & methods[i].method)) {
			p->method = methods[i].method;
			return;
		}
	}
	for (size_t i = 0; i < N_METHODS && !p->cfg.habits.auth_rejects; i++) {
		if (p->cfg.auth & methods[i].method) {
			wire_put_option(nak, LCP_AUTH, methods[i].data, methods[i].len);
			return;
		}
	}
	wire_put_option(reject, o->type, o->data, o->len);
}

/* False: the option makes no sense to this client. */
static bool
judge_lcp(struct ppp_client *p, const struct wire_option *o)
{
	switch (o->type) {
	case LCP_MRU:
		if (o->len == 2)
			p->server_mru = wire_be16(o->data);
		return o->len == 2;
	case LCP_MAGIC:
		if (o->len == 4)
			p->server_magic = wire_be32(o->data);
		return o->len == 4 && !p->cfg.habits.no_magic;
	case LCP_ASYNCMAP:
		return o->len == 4;
	case LCP_PFC:
	case LCP_ACFC:
		return o->len == 0;
	default:
		return false;
	}
}

static void
judge_mppe(struct ppp_client *p, const struct wire_option *o, struct wire_writer *nak,
	struct wire_writer *reject)
{
	const struct ppp_client_habits *h = &p->cfg.habits;
	uint8_t asked, common;
	bool stateless, other_mode;

	if (o->len != CCP_MPPE_LEN || h->no_mppe || p->cfg.mppe == 0 ||
		((o->data[0] & MPPE_BIT_STATELESS) == 0 && h->refuse_stateful)) {
		wire_put_option(reject, o->type, o->data, o->len);
		return;
	}
	stateless = o->data[0] & MPPE_BIT_STATELESS;
	asked = mask_of(o->data[3]);
	common = asked & p->cfg.mppe;
	if (common == 0)
		common = p->cfg.mppe;
	other_mode = h->insist_mode && stateless == h->ask_stateful;
	if (!(h->acks_choice && asked == common) &&
		(o->data[3] != bits_of(strongest(common)) || other_mode)) {
		put_mppe(nak, h->insist_mode ? !h->ask_stateful : stateless,
			bits_of(strongest(common)));
		return;
	}
	p->tx_strengths = asked;
	p->tx_stateless = stateless;
}

static void
judge_one(struct ppp_client *p, enum ppp_client_protocol which, const struct wire_option *o,
	struct wire_writer *nak, struct wire_writer *reject)
{
	bool good;

	if (which == PPP_CLIENT_LCP && o->type == LCP_AUTH) {
		judge_auth(p, o, nak, reject);
		return;
	}
	if (which == PPP_CLIENT_CCP && o->type == CCP_MPPE) {
		judge_mppe(p, o, nak, reject);
		return;
	}
	if (which == PPP_CLIENT_LCP) {
		good = judge_lcp(p, o);
	} else {
		good = which == PPP_CLIENT_IPCP && o->type == IPCP_ADDRESS && o->len == 4 &&
		       !p->cfg.habits.reject_server_ip;
		if (good)
			p->server_ip = wire_be32(o->data);
	}
	if (!good)
		wire_put_option(reject, o->type, o->data, o->len);
}

void
client_judge(struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options,
	struct wire_writer *nak, struct wire_writer *reject)
{
	struct wire_option o;

	if (which == PPP_CLIENT_LCP)
		p->method = p->server_magic = 0;
	else if (which == PPP_CLIENT_CCP)
		p->tx_strengths = 0;
	while (wire_next_option(&options, &o))
		judge_one(p, which, &o, nak, reject);
}

/* ------------------------------------------------------------------ answers to its own */

static void
naked_mppe(struct ppp_client *p, const struct wire_option *o)
{
	uint8_t common = mask_of(o->data[3]) & p->cfg.mppe;

	if (common == 0 && (p->cfg.habits.stubborn || p->cfg.habits.asks_no_mppe))
		return;
	if (common == 0) { /* pppd: "MPPE required but peer negotiation failed" */
		client_give_up(p, REFUSAL_NO_COMMON_ENCRYPTION,
			"the server offers no MPPE strength that is allowed", true);
		return;
	}
	p->asks_mppe = true;
	p->rx_strengths = strongest(common);
	p->rx_ask = bits_of(p->rx_strengths);
	if (!p->cfg.habits.insist_mode)
		p->rx_stateless = o->data[0] & MPPE_BIT_STATELESS;
}

static void
naked_ipcp(struct ppp_client *p, const struct wire_option *o)
{
	if (o->len != 4)
		return;
	if (o->type == IPCP_ADDRESS && !p->cfg.habits.ip_insist)
		p->ip = wire_be32(o->data);
	else if (o->type == IPCP_DNS1 || o->type == IPCP_DNS2)
		p->dns[o->type == IPCP_DNS2] = wire_be32(o->data);
	else if (o->type == IPCP_WINS1 || o->type == IPCP_WINS2)
		p->wins[o->type == IPCP_WINS2] = wire_be32(o->data);
}

static void
naked_lcp(struct ppp_client *p, const struct wire_option *o)
{
	if (o->type == LCP_MAGIC)
		p->magic++;
	else if (o->type == LCP_MRU && o->len == 2 && wire_be16(o->data) >= 128)
		p->cfg.mru = wire_be16(o->data);
}

void
client_naked(struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options)
{
	struct wire_option o;

	while (!p->failed && wire_next_option(&options, &o)) {
		if (which == PPP_CLIENT_LCP)
			naked_lcp(p, &o);
		else if (which == PPP_CLIENT_IPCP)
			naked_ipcp(p, &o);
		else if (o.type == CCP_MPPE && o.len == CCP_MPPE_LEN)
			naked_mppe(p, &o);
	}
}

void
client_rejected(struct ppp_client *p, enum ppp_client_protocol which, struct wire_reader options)
{
	struct wire_option o;

	while (wire_next_option(&options, &o)) {
		if (which == PPP_CLIENT_LCP && (o.type == LCP_MRRU || o.type == LCP_CALLBACK))
			p->multilink_rejected = true;
		else if (which == PPP_CLIENT_CCP && o.type == CCP_DEFLATE)
			p->deflate_rejected = true;
		else if (which == PPP_CLIENT_CCP && o.type == CCP_MPPE)
			p->asks_mppe = p->cfg.habits.stubborn;
		else if (which == PPP_CLIENT_IPCP && o.type == IPCP_COMPRESSION)
			p->vj_rejected = true, p->asks_vj = false;
		else if (which == PPP_CLIENT_IPCP && (o.type == IPCP_DNS1 || o.type == IPCP_DNS2))
			p->asks_dns = false;
		else if (which == PPP_CLIENT_IPCP && (o.type == IPCP_WINS1 || o.type == IPCP_WINS2))
			p->asks_wins = false;
	}
}

/* ------------------------------------------------------------------ keys */

static uint8_t
strength_of(uint8_t mask)
{
	return mask == PPP_MPPE_128 ? MPPE_128 : mask == PPP_MPPE_56 ? MPPE_56 : MPPE_40;
}

static bool
one_strength(uint8_t mask)
{
	return mask == PPP_MPPE_128 || mask == PPP_MPPE_56 || mask == PPP_MPPE_40;
}

/* RFC 3079 section 3: from MS-CHAPv2 alone, MS-CHAPv1's are the same in both directions (T2). */
bool
client_keys(struct ppp_client *p)
{
	struct ppp_client_keys keys = {
		.tx = {.strength = strength_of(p->tx_strengths), .stateless = p->tx_stateless},
		.rx = {.strength = strength_of(p->rx_strengths), .stateless = p->rx_stateless}};
	uint8_t hash_hash[16], other[MPPE_KEY_MAX];

	if (p->method != PPP_AUTH_MSCHAPV2 || !one_strength(p->tx_strengths) ||
		!one_strength(p->rx_strengths))
		return false;
	if (!p->ops->mppe_up)
		return true;
	if (mschap_hash_hash(p->nt_hash, hash_hash) != 0)
		return false;
	mppe_keys_mschapv2(
		hash_hash, p->nt_response, false, keys.tx.strength, keys.tx.start_key, other);
	mppe_keys_mschapv2(
		hash_hash, p->nt_response, false, keys.rx.strength, other, keys.rx.start_key);
	p->ops->mppe_up(p->user, &keys);
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(hash_hash, sizeof(hash_hash));
	explicit_bzero(other, sizeof(other));
	return true;
}
