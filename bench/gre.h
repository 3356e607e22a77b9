/* SPDX-License-Identifier: BSD-3-Clause */
/* PPTP's GRE (RFC 2637 section 4) on a raw socket, for clients whose gateway is a whole one. */
#ifndef ADIT_BENCH_GRE_H
#define ADIT_BENCH_GRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gre_call {
	uint32_t client_ip, gateway_ip; /* host byte order */
	uint16_t peer_call_id;          /* in packets to the gateway */
	uint32_t sent, received;        /* sequence numbers: the next, and the last one seen */
	bool heard;
};

struct gre_packet {
	uint32_t to, sequence; /* host byte order */
	uint16_t call_id;
	const uint8_t *frame; /* protocol, two octets, and payload */
	size_t len;           /* 0: an acknowledgement alone, or not for clients */
};

/* A raw socket; exits when it may not be had (it takes root). */
int gre_open(void);
/* protocol and payload, with an acknowledgement if there is something to acknowledge. */
void gre_send(int fd, struct gre_call *c, const uint8_t *frame, size_t len);
/* The next packet, in buf; false: none now. */
bool gre_receive(int fd, uint8_t *buf, size_t size, struct gre_packet *p);

#endif
