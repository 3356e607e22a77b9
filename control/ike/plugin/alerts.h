/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listens on charon's bus for why peers fail (R17, D2). */
#ifndef ADIT_PLUGIN_ALERTS_H
#define ADIT_PLUGIN_ALERTS_H

#include "control/ike/message.h"

struct alerts;

/* tell() is called from any thread of charon.  NULL: out of memory. */
struct alerts *alerts_create(void (*tell)(void *user, struct ike_message *m), void *user);
void alerts_destroy(struct alerts *a);

#endif
