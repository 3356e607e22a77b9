/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: the data plane to control, in the order in which they happened.  None is lost while
 * control lives: when the ring is full, the data plane takes no further command until there is room.
 * All numbers are in host byte order.
 */
#ifndef ADIT_DATAPLANE_API_EVENT_H
#define ADIT_DATAPLANE_API_EVENT_H

#include <stdint.h>

#include "dataplane/api/counters.h"
#include "dataplane/api/record.h"
#include "dataplane/api/sa.h"

#define EVENT_RING_CAPACITY 4096 /* records */

enum event_type {
	EVENT_ACK = 1,      /* answer to a command: status 0 or a negative errno */
	EVENT_SESSION_GONE, /* last stage of removal; final counters in the session's slot stay
			       until it is re-used */
	EVENT_LOST_SYNC, /* stateful MPPE: a CCP Reset-Request is due.  Rate-limited per session */
	EVENT_PEER_SEEN, /* first valid packet of the session */
	/* Of a pair of SAs; handle is the pair's. */
	EVENT_SA_GONE,    /* last stage of removal; sa holds the final counters */
	EVENT_SA_EXPIRE,  /* status: enum sa_expiry.  Once for each */
	EVENT_SA_MAPPING, /* an authentic packet came from elsewhere: mapping.  Rate-limited */
};
enum sa_expiry { SA_EXPIRE_SOFT_IN, SA_EXPIRE_HARD_IN, SA_EXPIRE_SOFT_OUT, SA_EXPIRE_HARD_OUT };

struct event {
	uint8_t version, type;
	uint16_t length;
	uint32_t handle;
	uint64_t cookie;
	int32_t status;
	uint32_t reserved;
	union {
		struct session_counters final; /* EVENT_SESSION_GONE */
		struct sa_counters sa;         /* EVENT_SA_GONE */
		struct sa_outer mapping;       /* EVENT_SA_MAPPING: what the packet came from */
	};
};

#endif
