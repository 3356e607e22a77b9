/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * L2TP control messages, RFC 2661 sections 3.1, 4.4 and 6: decoding and encoding.  The header's
 * fields and the AVPs that this gateway looks at, in host byte order.  Calling context: any; no
 * state.
 */
#ifndef ADIT_CONTROL_L2TP_MESSAGE_H
#define ADIT_CONTROL_L2TP_MESSAGE_H

#include "control/l2tp/avp.h"

#define L2TP_HEADER_LEN     12
#define L2TP_MESSAGE_MAX    1972   /* what a ring record carries; ours stay far below */
#define L2TP_VERSION        0x0100 /* 1.0, section 4.4.3 */
#define L2TP_DEFAULT_WINDOW 4      /* section 4.4.3, Receive Window Size */

enum l2tp_type {
	L2TP_ZLB = 0, /* no message: acknowledges only, section 5.8 */
	L2TP_SCCRQ = 1,
	L2TP_SCCRP,
	L2TP_SCCCN,
	L2TP_STOPCCN,
	L2TP_HELLO = 6,
	L2TP_OCRQ,
	L2TP_OCRP,
	L2TP_OCCN,
	L2TP_ICRQ,
	L2TP_ICRP,
	L2TP_ICCN,
	L2TP_CDN = 14,
	L2TP_WEN,
	L2TP_SLI,
	L2TP_TYPE_END
};

/* Result codes of StopCCN and CDN, and general error codes with result 2: section 4.4.2. */
enum {
	L2TP_STOP_CLEAR = 1,
	L2TP_STOP_ERROR,
	L2TP_STOP_EXISTS,
	L2TP_STOP_NOT_AUTHORIZED,
	L2TP_STOP_VERSION,
	L2TP_STOP_SHUTDOWN,
	L2TP_STOP_FSM
};
enum {
	L2TP_CDN_CARRIER_LOST = 1,
	L2TP_CDN_ERROR,
	L2TP_CDN_ADMIN,
	L2TP_CDN_NO_FACILITIES_NOW,
	L2TP_CDN_NO_FACILITIES,
	L2TP_CDN_TIMEOUT = 10
};
enum {
	L2TP_ERROR_NONE,
	L2TP_ERROR_NO_CONNECTION,
	L2TP_ERROR_LENGTH,
	L2TP_ERROR_VALUE,
	L2TP_ERROR_RESOURCES,
	L2TP_ERROR_SESSION_ID,
	L2TP_ERROR_VENDOR,
	L2TP_ERROR_TRY_ANOTHER,
	L2TP_ERROR_UNKNOWN_AVP
};
enum { L2TP_FRAMING_SYNC = 1, L2TP_FRAMING_ASYNC = 2 };
enum { L2TP_BEARER_DIGITAL = 1, L2TP_BEARER_ANALOG = 2 };

struct l2tp_header {
	uint16_t tunnel_id, session_id; /* the receiver's */
	uint16_t ns, nr;
	size_t len; /* of the whole message, as its length field says */
};

/* The bit of an attribute in l2tp_message.has. */
#define L2TP_HAS(attribute) (1ull << (attribute))

struct l2tp_message {
	uint16_t tunnel_id, session_id, ns, nr;
	uint16_t type; /* enum l2tp_type; any number when it is not known */
	uint64_t has;  /* attributes that are there (decoded), or to be written */
	uint64_t hide; /* of them, those to be written hidden */
	uint16_t result, error;
	bool has_error; /* the Result Code AVP has an error code */
	char error_text[64];
	uint16_t version, firmware;
	uint32_t framing_capabilities, bearer_capabilities;
	uint64_t tie_breaker;
	char host_name[65], vendor[65]; /* cut, not made printable */
	uint16_t assigned_tunnel_id, receive_window;
	uint8_t challenge[64], challenge_len;
	uint8_t challenge_response[16];
	uint16_t assigned_session_id;
	uint32_t serial, minimum_bps, maximum_bps, bearer_type, framing_type;
	char called[65], calling[65];
	uint32_t tx_speed, rx_speed, physical_channel;
	uint32_t call_errors[6]; /* CRC, framing, hardware overruns, buffer overruns, time-outs,
				    alignment */
	uint32_t send_accm, recv_accm;
};

enum l2tp_verdict {
	L2TP_GOOD,
	L2TP_MALFORMED,       /* AVPs that do not fit, or none: RFC 2661 section 7.1 */
	L2TP_BAD_VALUE,       /* a mandatory AVP whose value has a wrong length */
	L2TP_UNKNOWN_AVP,     /* a mandatory one, section 4.1 */
	L2TP_UNKNOWN_MESSAGE, /* marked mandatory, section 4.4.1 */
	L2TP_IGNORE           /* an unknown message, not mandatory */
};

/* For logs; never NULL. */
const char *l2tp_message_name(unsigned int type);

/*
 * The header alone: control message, version 2, length and sequence present, offset and priority
 * not.  Octets behind its length are ignored.  0 or -EINVAL.
 */
int l2tp_header_decode(struct l2tp_header *h, const uint8_t *bytes, size_t len);

/*
 * The AVPs behind a header that was decoded.  secret: for hidden ones, may be NULL.  What came
 * before a fault is filled in whatever the verdict, so that the sender can be answered.
 */
enum l2tp_verdict l2tp_message_decode(struct l2tp_message *m, const struct l2tp_header *h,
	const uint8_t *bytes, const char *secret);

/* What hidden AVPs are written with. */
struct l2tp_hiding {
	const char *secret;
	const uint8_t *random;
	size_t random_len, padding;
};

/* Writes header and AVPs, Message Type first, and returns their length; 0: does not fit.  hiding
 * may be NULL when m->hide is 0. */
size_t l2tp_message_encode(
	const struct l2tp_message *m, const struct l2tp_hiding *hiding, uint8_t *out, size_t size);
/* Overwrites Ns and Nr of an encoded message. */
void l2tp_message_stamp(uint8_t *bytes, uint16_t ns, uint16_t nr);

#endif
