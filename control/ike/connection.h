/* SPDX-License-Identifier: BSD-3-Clause */
/* The VICI requests that configure charon, one after the other.  No socket inside. */
#ifndef ADIT_CONTROL_IKE_CONNECTION_H
#define ADIT_CONTROL_IKE_CONNECTION_H

#include <stdbool.h>
#include <stdio.h>

#include "control/ike/config.h"
#include "control/ike/credential.h"
#include "control/ike/vici.h"

/* What there can be. */
#define CONNECTION_PSK         "l2tp-psk"
#define CONNECTION_CERTIFICATE "l2tp-certificate"
/* Of clients that cut HMAC-SHA2-256 to 96 bits. */
#define CONNECTION_SHA256_96   "-sha256-96"

/* Request i of all, in v, which the caller frees; what[] says what it is for.  False: there are no
 * more.  Requests from connection_first() on are those that depend on allow_weak. */
bool connection_request(const struct ike_config *cfg, const struct credential *cred,
	bool allow_weak, unsigned int i, struct vici *v, char what[64]);
unsigned int connection_first(const struct ike_config *cfg, const struct credential *cred);
/* Is this the name of one of them? */
bool connection_wanted(
	const struct ike_config *cfg, const struct credential *cred, const char *name);
/* strongswan.conf.  `group`: name of the group that may use VICI, "" = root only. */
bool connection_write_conf(const struct ike_config *cfg, const char *group, FILE *out);

#endif
