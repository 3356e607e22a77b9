/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listens on charon's bus for IKE SAs that go on with what another one has: no SA is made or
 * changed then (D1). */
#ifndef ADIT_PLUGIN_IDENTITY_H
#define ADIT_PLUGIN_IDENTITY_H

#include "control/ike/message.h"

struct identity;

/* tell() is called from any thread of charon.  NULL: out of memory. */
struct identity *identity_create(void (*tell)(void *user, struct ike_message *m), void *user);
void identity_destroy(struct identity *i);

#endif
