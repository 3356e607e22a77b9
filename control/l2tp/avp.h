/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP attribute value pairs, RFC 2661 section 4: reading hostile ones, hidden ones included
 * (section 4.3), and writing.  Network byte order on the wire, host byte order here.  Calling
 * context: any; no state but the reader's.
 */
#ifndef ADIT_CONTROL_L2TP_AVP_H
#define ADIT_CONTROL_L2TP_AVP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ppp/wire.h"

#define L2TP_AVP_HEADER    6
#define L2TP_AVP_VALUE_MAX (1023 - L2TP_AVP_HEADER) /* the length field has 10 bits */
#define L2TP_SECRET_MAX    128                      /* octets of a tunnel secret */

/* Attribute types of vendor 0 (IETF), section 4.4; 46 is RFC 3145's. */
enum l2tp_attribute {
	L2TP_MESSAGE_TYPE = 0,
	L2TP_RESULT_CODE,
	L2TP_PROTOCOL_VERSION,
	L2TP_FRAMING_CAPABILITIES,
	L2TP_BEARER_CAPABILITIES,
	L2TP_TIE_BREAKER,
	L2TP_FIRMWARE_REVISION,
	L2TP_HOST_NAME,
	L2TP_VENDOR_NAME,
	L2TP_ASSIGNED_TUNNEL_ID,
	L2TP_RECEIVE_WINDOW,
	L2TP_CHALLENGE,
	L2TP_CAUSE_CODE,
	L2TP_CHALLENGE_RESPONSE,
	L2TP_ASSIGNED_SESSION_ID,
	L2TP_CALL_SERIAL,
	L2TP_MINIMUM_BPS,
	L2TP_MAXIMUM_BPS,
	L2TP_BEARER_TYPE,
	L2TP_FRAMING_TYPE,
	L2TP_CALLED_NUMBER = 21,
	L2TP_CALLING_NUMBER,
	L2TP_SUB_ADDRESS,
	L2TP_TX_SPEED,
	L2TP_PHYSICAL_CHANNEL,
	L2TP_INITIAL_LCP,
	L2TP_LAST_SENT_LCP,
	L2TP_LAST_RECEIVED_LCP,
	L2TP_PROXY_AUTH_TYPE,
	L2TP_PROXY_AUTH_NAME,
	L2TP_PROXY_AUTH_CHALLENGE,
	L2TP_PROXY_AUTH_ID,
	L2TP_PROXY_AUTH_RESPONSE,
	L2TP_CALL_ERRORS,
	L2TP_ACCM,
	L2TP_RANDOM_VECTOR,
	L2TP_PRIVATE_GROUP,
	L2TP_RX_SPEED,
	L2TP_SEQUENCING_REQUIRED,
	L2TP_PPP_DISCONNECT_CAUSE = 46,
	L2TP_ATTRIBUTE_END
};

struct l2tp_avp {
	uint16_t vendor, type;
	bool mandatory;       /* the M bit */
	const uint8_t *value; /* deciphered; valid until the next one is read */
	size_t len;
};

enum l2tp_avp_next {
	L2TP_AVP_END,
	L2TP_AVP_TAKEN,
	/* Reserved bits are set (section 4.1), or it is hidden and can't be deciphered: to be
	 * treated as an AVP that is not known.  Only vendor, type and mandatory are filled. */
	L2TP_AVP_UNREADABLE,
	L2TP_AVP_BAD, /* its length is below 6 or beyond the rest: so nothing further can be read */
};

struct l2tp_avp_reader {
	struct wire_reader r;
	const char *secret;    /* NUL-terminated, NULL or "": none */
	const uint8_t *random; /* of the last Random Vector AVP, NULL before */
	size_t random_len;
	uint8_t clear[L2TP_AVP_VALUE_MAX]; /* holds deciphered secrets: wiped by l2tp_avp_end() */
};

/* What stands behind the header of a control message.  bytes and secret are borrowed. */
void l2tp_avp_begin(
	struct l2tp_avp_reader *a, const uint8_t *bytes, size_t len, const char *secret);
enum l2tp_avp_next l2tp_avp_read(struct l2tp_avp_reader *a, struct l2tp_avp *avp);
void l2tp_avp_end(struct l2tp_avp_reader *a);

/* Vendor 0.  Too long for an AVP, or for the buffer: the writer is full. */
void l2tp_avp_put(
	struct wire_writer *w, bool mandatory, uint16_t type, const void *value, size_t len);
void l2tp_avp_put16(struct wire_writer *w, bool mandatory, uint16_t type, uint16_t v);
/* Hidden, section 4.3.  A Random Vector AVP with these octets must stand before it. padding: octets
 * of zeros that hide its length. */
void l2tp_avp_put_hidden(struct wire_writer *w, bool mandatory, uint16_t type, const void *value,
	size_t len, size_t padding, const char *secret, const uint8_t *random, size_t random_len);

#endif
