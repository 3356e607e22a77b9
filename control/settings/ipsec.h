/* SPDX-License-Identifier: BSD-3-Clause */
/* The section ipsec of adit-control's configuration file.  Used by config.c only. */
#ifndef ADIT_CONTROL_SETTINGS_IPSEC_H
#define ADIT_CONTROL_SETTINGS_IPSEC_H

#include "control/settings/value.h"

void config_read_ipsec(struct reader *r, const config_setting_t *g);
/* libconfig's own copies of the secrets. */
void config_wipe_ipsec(const config_t *cf);

#endif
