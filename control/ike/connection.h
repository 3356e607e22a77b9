/* SPDX-License-Identifier: BSD-3-Clause */
/* The VICI requests that configure charon, one after the other.  No socket inside. */
#ifndef ADIT_CONTROL_IKE_CONNECTION_H
#define ADIT_CONTROL_IKE_CONNECTION_H

#include <stdbool.h>
#include <stdio.h>

#include "control/ike/config.h"
#include "control/ike/credential.h"
#include "control/ike/vici.h"

/* Request i of all, in v, which the caller frees; what[] says what it is for.  False: there are no
 * more.  Requests from connection_first() on are those that depend on allow_weak. */
bool connection_request(const struct ike_config *cfg, const struct credential *cred,
	bool allow_weak, unsigned int i, struct vici *v, char what[64]);
unsigned int connection_first(const struct ike_config *cfg, const struct credential *cred);
/* strongswan.conf.  `group`: name of the group that may use VICI, "" = root only. */
bool connection_write_conf(const struct ike_config *cfg, const char *group, FILE *out);

#endif
