/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ADIT_TESTS_REPLAY_L2TP_H
#define ADIT_TESTS_REPLAY_L2TP_H

#include <stdbool.h>
#include <stdint.h>

struct l2tp_message {
	bool control;
	const uint8_t *payload; /* AVPs, or a PPP frame */
	uint32_t len;
};

/* From the UDP header on, which must be whole.  Returns false if it is not L2TPv2. */
bool l2tp_decode(const uint8_t *udp, uint32_t len, struct l2tp_message *m);

#endif
