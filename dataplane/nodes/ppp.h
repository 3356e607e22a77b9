/* SPDX-License-Identifier: BSD-3-Clause */
/* PPP framing as PPTP and L2TP carry it: RFC 1661 section 2, 6.5 and 6.6. */
#ifndef ADIT_DATAPLANE_NODES_PPP_H
#define ADIT_DATAPLANE_NODES_PPP_H

#include <stdbool.h>

#include <rte_mbuf.h>

#define PPP_IP   0x0021
#define PPP_MPPE 0x00fd
#define PPP_IPCP 0x8021
#define PPP_CCP  0x80fd
#define PPP_LCP  0xc021
#define PPP_PAP  0xc023
#define PPP_CHAP 0xc223
#define PPP_EAP  0xc227

enum ppp_parse { PPP_PARSED, PPP_TRUNCATED, PPP_BAD_PROTOCOL };

/*
 * Take the protocol field off the front: one octet when the first is odd, else two, of which the
 * second must be odd (RFC 1661 section 2).  We accept compression whether negotiated or not, as
 * every receiver does.
 */
static inline enum ppp_parse
ppp_take_protocol(struct rte_mbuf *m, uint16_t *proto)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	if (m->data_len < 1)
		return PPP_TRUNCATED;
	if (p[0] & 1) {
		*proto = p[0];
		rte_pktmbuf_adj(m, 1);
		return PPP_PARSED;
	}
	if (m->data_len < 2)
		return PPP_TRUNCATED;
	if (!(p[1] & 1))
		return PPP_BAD_PROTOCOL;
	*proto = p[0] << 8 | p[1];
	rte_pktmbuf_adj(m, 2);
	return PPP_PARSED;
}

/* The same from the frame's start: address and control fields may be left out (RFC 1661
 * section 6.6). */
static inline enum ppp_parse
ppp_take_header(struct rte_mbuf *m, uint16_t *proto)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	if (m->data_len >= 2 && p[0] == 0xff && p[1] == 0x03)
		rte_pktmbuf_adj(m, 2);
	return ppp_take_protocol(m, proto);
}

/* Address and control fields in front.  Control's frames always have them: they never use
 * compression that LCP may just be negotiating (RFC 1661 section 6.6). */
static inline void
ppp_put_address(struct rte_mbuf *m)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, 2);
	p[0] = 0xff;
	p[1] = 0x03;
}

/* Put the protocol field of a data protocol (below 0x100) in front, and FF 03 unless acfc (RFC 1661
 * section 6.5, 6.6). */
static inline void
ppp_put_header(struct rte_mbuf *m, uint8_t proto, bool acfc, bool pfc)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, (pfc ? 1 : 2) + (acfc ? 0 : 2));
	if (!acfc) {
		*p++ = 0xff;
		*p++ = 0x03;
	}
	if (!pfc)
		*p++ = 0;
	*p = proto;
}

#endif
