/* SPDX-License-Identifier: BSD-3-Clause */
/* How reasons of ours are told to a peer in RFC 2637's result codes. */
#ifndef ADIT_CONTROL_PPTP_RESULT_H
#define ADIT_CONTROL_PPTP_RESULT_H

#include <stdint.h>

#include "control/core/refusal.h"

struct pptp_result {
	uint8_t result, error;
};

struct pptp_result pptp_ocrp_result(enum refusal_code code); /* section 2.8 */
struct pptp_result pptp_cdn_result(enum refusal_code code);  /* section 2.13 */
uint8_t pptp_stop_reason(enum refusal_code code);            /* section 2.3 */

#endif
