/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames between control and the network: punt rings, one from each worker (to control), and the
 * inject ring (to the data plane).  A frame never overtakes a command that was sent before it.
 */
#ifndef ADIT_DATAPLANE_API_FRAME_H
#define ADIT_DATAPLANE_API_FRAME_H

#include <stdint.h>

#include "dataplane/api/record.h"
#include "dataplane/api/sa.h"

#define INJECT_RING_CAPACITY 1024 /* records */
#define PUNT_RING_CAPACITY   512

#define FRAME_MAX 1984 /* octets that a record carries */

enum frame_kind {
	FRAME_PPP, /* handle: session.  PPP protocol number (2 octets, network order) and payload */
	FRAME_L2TP, /* handle: pair of SAs, 0 in clear.  struct sa_outer with the addresses and UDP
		       ports of the inner datagram, then an L2TP message (RFC 2661 section 3.1): a
		       control message, or a data message with an LCP Echo-Request (inject), or an
		       Echo-Reply (punt) that came from elsewhere than its pair's peer, or through a
		       pair that is not its session's.  Whose it is, control decides. */
};

struct frame_record {
	uint8_t version, kind; /* RECORD_VERSION, enum frame_kind */
	uint16_t length;       /* octets used of data */
	uint32_t handle;
	/* FRAME_L2TP through a pair with ESP in UDP: from where else than the pair's peer it came,
	 * or where ESP goes for once.  All 0: as the pair says.  FRAME_PPP: 0. */
	struct sa_outer outer;
	uint8_t data[FRAME_MAX];
};

#endif
