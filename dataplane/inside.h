/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients may reach of the gateway itself through their tunnels (T25). */
#ifndef ADIT_DATAPLANE_INSIDE_H
#define ADIT_DATAPLANE_INSIDE_H

#include <stdint.h>

struct inside_service {
	uint8_t proto; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port; /* host byte order */
};
#define INSIDE_SERVICES 16

#endif
