/* SPDX-License-Identifier: BSD-3-Clause */
/* LCP's packets beside the negotiation: echoes and Protocol-Rejects. */
#include "control/ppp/client_internal.h"

static void
on_echo_request(struct ppp_client *p, uint8_t id, const uint8_t *body, size_t len)
{
	uint8_t buf[512];
	struct wire_writer w = wire_write(buf, sizeof(buf));

	if (p->cfg.habits.no_echo) {
		wire_put8(&w, LCP_ECHO_REQUEST);
		wire_put8(&w, id);
		wire_put16(&w, (uint16_t)(len + 4));
		wire_put(&w, body, len);
		if (!w.full)
			ppp_client_packet(p, PPP_PROTO_LCP, FSM_CODE_REJECT, 88, buf, w.len);
		return;
	}
	/* RFC 1661 section 5.8: answered in Opened only, with our magic number and the same
	 * data. */
	if (!client_lcp_is_open(p) || len < 4)
		return;
	wire_put32(&w, p->magic);
	wire_put(&w, body + 4, len - 4);
	if (!w.full)
		ppp_client_packet(p, PPP_PROTO_LCP, LCP_ECHO_REPLY, id, buf, w.len);
}

static void
on_protocol_reject(struct ppp_client *p, const uint8_t *body, size_t len)
{
	uint16_t protocol = len >= 2 ? wire_be16(body) : 0;

	p->protocol_rejects++;
	if (!client_lcp_is_open(p))
		return;
	if (protocol == PPP_PROTO_CCP) {
		p->n[PPP_CLIENT_CCP].due = CLIENT_NEVER;
		if (p->cfg.mppe_required || p->keyed)
			client_give_up(
				p, REFUSAL_NO_COMMON_ENCRYPTION, "the server knows no CCP", true);
	} else if (protocol == PPP_PROTO_IPCP && p->n[PPP_CLIENT_IPCP].started) {
		client_give_up(p, REFUSAL_NO_IP, "the server knows no IPCP", true);
	}
}

void
client_lcp_input(struct ppp_client *p, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	if (code == LCP_ECHO_REQUEST)
		on_echo_request(p, id, body, len);
	else if (code == LCP_ECHO_REPLY)
		p->echo_replies++;
	else if (code == LCP_PROTOCOL_REJECT)
		on_protocol_reject(p, body, len);
}

void
client_echo_timer(struct ppp_client *p)
{
	uint8_t magic[4] = {
		p->magic >> 24, p->magic >> 16 & 0xff, p->magic >> 8 & 0xff, p->magic & 0xff};

	if (p->echo_lost++ >= p->cfg.echo_failures) {
		client_give_up(p, REFUSAL_PEER_DEAD, "the server does not answer", true);
		return;
	}
	p->echo_due = p->now + p->cfg.echo_interval_ms;
	ppp_client_packet(p, PPP_PROTO_LCP, LCP_ECHO_REQUEST, ++p->echo_id, magic, sizeof(magic));
}
