/* SPDX-License-Identifier: GPL-2.0-or-later */
/* charon's kernel-ipsec interface: SAs go to adit-control, and with it into the data plane. */
#ifndef ADIT_PLUGIN_IPSEC_H
#define ADIT_PLUGIN_IPSEC_H

#include <kernel/kernel_ipsec.h>

/* The constructor that charon calls.  NULL when it can't work. */
kernel_ipsec_t *adit_ipsec_create(void);

#endif
