/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks what claims to be a record of charon's plugin.  No socket, no state. */
#ifndef ADIT_CONTROL_IKE_CHECK_H
#define ADIT_CONTROL_IKE_CHECK_H

#include <stddef.h>

#include "control/ike/message.h"

/* NULL and a copy in out, or what is wrong with the record.  What passes has a type of the
 * plugin's, an id where one is due, addresses and ports that fit together, key lengths within
 * bounds, limits in order; whether the algorithms and the pair exist is for others to find. */
const char *ike_message_check(const void *bytes, size_t len, struct ike_message *out);

#endif
