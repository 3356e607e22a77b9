/* SPDX-License-Identifier: BSD-3-Clause */
/* What operators ask of a carrier besides session/carrier.h's struct carrier_status. */
#ifndef ADIT_CONTROL_CARRIER_QUERY_H
#define ADIT_CONTROL_CARRIER_QUERY_H

#include "control/l2tp/server.h"

struct l2tp_carrier;

/* Tunnels in order of age, those of an earlier process in any order before them, until each()
 * returns false. */
void l2tp_tunnels(const struct l2tp_carrier *l,
	bool (*each)(void *user, const struct l2tp_tunnel_info *t), void *user);

#endif
