/* SPDX-License-Identifier: BSD-3-Clause */
/* How reasons of ours are told to a peer in RFC 2661's result codes, section 4.4.2. */
#ifndef ADIT_CONTROL_L2TP_RESULT_H
#define ADIT_CONTROL_L2TP_RESULT_H

#include <stdint.h>

#include "control/core/refusal.h"

struct l2tp_result {
	uint16_t result, error;
};

struct l2tp_result l2tp_stop_result(enum refusal_code code);
struct l2tp_result l2tp_cdn_result(enum refusal_code code);

#endif
