/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP and the header of L2TP version 2 in front of PPP: RFC 2661 sections 3.1 and 8.1. */
#ifndef ADIT_DATAPLANE_NODES_L2TP_H
#define ADIT_DATAPLANE_NODES_L2TP_H

#include <stdbool.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_udp.h>

#include "dataplane/nodes/node.h"

/* The first 16 bits. */
#define L2TP_CONTROL  0x8000 /* T */
#define L2TP_LENGTH   0x4000 /* L */
#define L2TP_SEQUENCE 0x0800 /* S */
#define L2TP_OFFSET   0x0200 /* O */
#define L2TP_PRIORITY 0x0100 /* P */
#define L2TP_VERSION  0x000f
#define L2TP_HDR_MIN  6
#define L2TP_HDR_SEQ  10 /* with S alone */

struct l2tp_message {
	uint16_t flags;
	uint16_t hlen; /* offset padding included */
	uint16_t len;  /* of the message, hlen included; what follows is no part of it */
	uint16_t ns;   /* if L2TP_SEQUENCE */
	rte_be16_t tunnel_id_be, session_id_be;
};

static inline uint16_t
l2tp_word(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* RFC 2661 section 3.1.  False: not version 2, truncated, or lengths that contradict each other.
 * Reserved bits are ignored, as it asks. */
static inline bool
l2tp_parse(const uint8_t *p, uint32_t room, struct l2tp_message *msg)
{
	uint32_t at = 2;

	if (unlikely(room < L2TP_HDR_MIN))
		return false;
	msg->flags = l2tp_word(p);
	if (unlikely((msg->flags & L2TP_VERSION) != 2))
		return false;
	if (msg->flags & L2TP_LENGTH) {
		uint32_t len = l2tp_word(p + at);
		at += 2;
		if (unlikely(len > room))
			return false;
		room = len;
	}
	uint32_t need =
		at + 4 + (msg->flags & L2TP_SEQUENCE ? 4 : 0) + (msg->flags & L2TP_OFFSET ? 2 : 0);
	if (unlikely(need > room))
		return false;
	memcpy(&msg->tunnel_id_be, p + at, 2);
	memcpy(&msg->session_id_be, p + at + 2, 2);
	at += 4;
	msg->ns = 0;
	if (msg->flags & L2TP_SEQUENCE) {
		msg->ns = l2tp_word(p + at);
		at += 4;
	}
	if (msg->flags & L2TP_OFFSET) {
		at += 2 + l2tp_word(p + at);
		if (unlikely(at > room))
			return false;
	}
	/* Control messages have a length and numbers, and neither offset nor priority. */
	if (msg->flags & L2TP_CONTROL &&
		(msg->flags & (L2TP_LENGTH | L2TP_SEQUENCE | L2TP_OFFSET | L2TP_PRIORITY)) !=
			(L2TP_LENGTH | L2TP_SEQUENCE))
		return false;
	msg->hlen = (uint16_t)at;
	msg->len = (uint16_t)room;
	return true;
}

static inline void
put_udp(struct rte_mbuf *m, rte_be16_t from, rte_be16_t to)
{
	struct rte_udp_hdr udp = {.src_port = from,
		.dst_port = to,
		.dgram_len = rte_cpu_to_be_16(m->data_len + sizeof(udp))};
	/* No checksum: RFC 2661 section 8.1 allows it for data, RFC 3948 section 2.1 wants it for
	 * ESP. */
	memcpy(rte_pktmbuf_prepend(m, sizeof(udp)), &udp, sizeof(udp));
}

#endif
