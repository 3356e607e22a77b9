/* SPDX-License-Identifier: BSD-3-Clause */
/* The section l2tp of adit-control's configuration.  Used by config.c only. */
#ifndef ADIT_CONTROL_SETTINGS_L2TP_H
#define ADIT_CONTROL_SETTINGS_L2TP_H

#include "control/settings/value.h"

void config_l2tp_defaults(struct config *c);
void config_read_l2tp(struct reader *r, const config_setting_t *g);
/* After the section ppp was read. */
void config_complete_l2tp(struct config *c);

#endif
