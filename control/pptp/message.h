/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PPTP control messages, RFC 2637 section 2: wire layouts, decoding and encoding.
 * Wire structs consist of octets only, so they have no padding, no alignment and no host byte
 * order; struct pptp_message holds the same in host byte order.  Calling context: any; no state.
 */
#ifndef ADIT_CONTROL_PPTP_MESSAGE_H
#define ADIT_CONTROL_PPTP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define PPTP_MAGIC_COOKIE    0x1a2b3c4du /* section 1.4 */
#define PPTP_CONTROL_MESSAGE 1           /* PPTP message type; 2 (management) is not defined yet */
#define PPTP_VERSION         0x0100      /* 1.0 */
#define PPTP_MESSAGE_MIN     16
#define PPTP_MESSAGE_MAX     220 /* Incoming-Call-Request */
#define PPTP_HEADER_LEN      12

enum pptp_type {
	PPTP_SCCRQ = 1, /* Start-Control-Connection-Request */
	PPTP_SCCRP,     /* Start-Control-Connection-Reply */
	PPTP_STOPCCRQ,  /* Stop-Control-Connection-Request */
	PPTP_STOPCCRP,  /* Stop-Control-Connection-Reply */
	PPTP_ECHORQ,    /* Echo-Request */
	PPTP_ECHORP,    /* Echo-Reply */
	PPTP_OCRQ,      /* Outgoing-Call-Request */
	PPTP_OCRP,      /* Outgoing-Call-Reply */
	PPTP_ICRQ,      /* Incoming-Call-Request */
	PPTP_ICRP,      /* Incoming-Call-Reply */
	PPTP_ICCN,      /* Incoming-Call-Connected */
	PPTP_CCRQ,      /* Call-Clear-Request */
	PPTP_CDN,       /* Call-Disconnect-Notify */
	PPTP_WEN,       /* WAN-Error-Notify */
	PPTP_SLI,       /* Set-Link-Info */
	PPTP_TYPE_END
};

/* General error codes, section 2.16; with result code 2 of any reply. */
enum pptp_error {
	PPTP_ERROR_NONE,
	PPTP_ERROR_NOT_CONNECTED,
	PPTP_ERROR_BAD_FORMAT,
	PPTP_ERROR_BAD_VALUE,
	PPTP_ERROR_NO_RESOURCE,
	PPTP_ERROR_BAD_CALL_ID,
	PPTP_ERROR_PAC
};

/* Result codes, per message. */
enum { PPTP_RESULT_OK = 1, PPTP_RESULT_GENERAL_ERROR = 2 };
enum { PPTP_SCCRP_EXISTS = 3, PPTP_SCCRP_NOT_AUTHORIZED = 4, PPTP_SCCRP_BAD_VERSION = 5 };
enum {
	PPTP_OCRP_NO_CARRIER = 3,
	PPTP_OCRP_BUSY = 4,
	PPTP_OCRP_TIMEOUT = 6,
	PPTP_OCRP_DO_NOT_ACCEPT = 7
};
enum { PPTP_ICRP_DO_NOT_ACCEPT = 3 };
enum { PPTP_CDN_LOST_CARRIER = 1, PPTP_CDN_GENERAL_ERROR, PPTP_CDN_ADMIN, PPTP_CDN_REQUEST };
enum { PPTP_STOP_NONE = 1, PPTP_STOP_PROTOCOL, PPTP_STOP_LOCAL_SHUTDOWN };

/* Framing and bearer capabilities, section 2.1. */
enum {
	PPTP_FRAMING_ASYNC = 1,
	PPTP_FRAMING_SYNC = 2,
	PPTP_BEARER_ANALOG = 1,
	PPTP_BEARER_DIGITAL = 2
};

/* Unsigned numbers in network byte order. */
typedef struct {
	uint8_t octet[2];
} pptp_be16;
typedef struct {
	uint8_t octet[4];
} pptp_be32;

struct pptp_wire_header {
	pptp_be16 length, message_type;
	pptp_be32 magic_cookie;
	pptp_be16 control_type, reserved0;
};
struct pptp_wire_sccrq {
	struct pptp_wire_header header;
	pptp_be16 version, reserved1;
	pptp_be32 framing, bearer;
	pptp_be16 max_channels, firmware;
	uint8_t host_name[64], vendor[64];
};
struct pptp_wire_sccrp {
	struct pptp_wire_header header;
	pptp_be16 version;
	uint8_t result, error;
	pptp_be32 framing, bearer;
	pptp_be16 max_channels, firmware;
	uint8_t host_name[64], vendor[64];
};
struct pptp_wire_stop { /* request: reason and reserved; reply: result and error */
	struct pptp_wire_header header;
	uint8_t result, error;
	pptp_be16 reserved1;
};
struct pptp_wire_echorq {
	struct pptp_wire_header header;
	pptp_be32 identifier;
};
struct pptp_wire_echorp {
	struct pptp_wire_header header;
	pptp_be32 identifier;
	uint8_t result, error;
	pptp_be16 reserved1;
};
struct pptp_wire_ocrq {
	struct pptp_wire_header header;
	pptp_be16 call_id, serial;
	pptp_be32 min_bps, max_bps, bearer, framing;
	pptp_be16 recv_window, delay, phone_len, reserved1;
	uint8_t phone[64], subaddress[64];
};
struct pptp_wire_ocrp {
	struct pptp_wire_header header;
	pptp_be16 call_id, peer_call_id;
	uint8_t result, error;
	pptp_be16 cause;
	pptp_be32 speed;
	pptp_be16 recv_window, delay;
	pptp_be32 channel;
};
struct pptp_wire_icrq {
	struct pptp_wire_header header;
	pptp_be16 call_id, serial;
	pptp_be32 bearer, channel;
	pptp_be16 dialed_len, dialing_len;
	uint8_t dialed[64], dialing[64], subaddress[64];
};
struct pptp_wire_icrp {
	struct pptp_wire_header header;
	pptp_be16 call_id, peer_call_id;
	uint8_t result, error;
	pptp_be16 recv_window, delay, reserved1;
};
struct pptp_wire_iccn {
	struct pptp_wire_header header;
	pptp_be16 peer_call_id, reserved1;
	pptp_be32 speed;
	pptp_be16 recv_window, delay;
	pptp_be32 framing;
};
struct pptp_wire_ccrq {
	struct pptp_wire_header header;
	pptp_be16 call_id, reserved1;
};
struct pptp_wire_cdn {
	struct pptp_wire_header header;
	pptp_be16 call_id;
	uint8_t result, error;
	pptp_be16 cause, reserved1;
	uint8_t statistics[128];
};
struct pptp_wire_wen {
	struct pptp_wire_header header;
	pptp_be16 peer_call_id, reserved1;
	pptp_be32 crc, framing, overrun, buffer, timeout, alignment;
};
struct pptp_wire_sli {
	struct pptp_wire_header header;
	pptp_be16 peer_call_id, reserved1;
	pptp_be32 send_accm, recv_accm;
};

/*
 * One message in host byte order.  Each field is used by the types whose wire struct has it;
 * encoding ignores the others and decoding leaves them 0.  Strings end in NUL at the latest after
 * 63 octets on the wire.
 */
struct pptp_message {
	uint8_t type;          /* enum pptp_type */
	uint8_t result, error; /* StopCCRQ: result is the reason */
	uint16_t version, max_channels, firmware;
	uint16_t call_id;      /* the sender's */
	uint16_t peer_call_id; /* the receiver's */
	uint16_t serial, recv_window, delay, cause;
	uint16_t phone_len, dialing_len; /* OCRQ and ICRQ: as claimed, not checked */
	uint32_t identifier, framing, bearer, min_bps, max_bps, speed, channel;
	uint32_t send_accm, recv_accm;
	uint32_t crc_errors, framing_errors, overruns, buffer_overruns, timeouts, alignment_errors;
	char host_name[65], vendor[65]; /* SCCRQ, SCCRP: cut at the first NUL, not made printable */
};

enum pptp_check { PPTP_CHECK_OK, PPTP_CHECK_MORE, PPTP_CHECK_BAD };

/* Exact length of a message type (enum pptp_type), 0 for an unknown one. */
uint16_t pptp_message_length(unsigned int type);
/* For logs; never NULL. */
const char *pptp_message_name(unsigned int type);
/*
 * Judge the first `have` octets of a message: BAD as soon as length, message type, cookie, control
 * type or the exact length of the type are wrong; MORE when the header is not complete; OK with
 * *len when it is.
 */
enum pptp_check pptp_header_check(const uint8_t *bytes, size_t have, uint16_t *len);
/* 0 or -EINVAL.  Takes exactly one message: len must be the type's. */
int pptp_message_decode(struct pptp_message *m, const uint8_t *bytes, size_t len);
/* Writes the type's length, reserved fields 0, and returns it; 0 for an unknown type. */
size_t pptp_message_encode(const struct pptp_message *m, uint8_t out[PPTP_MESSAGE_MAX]);

#endif
