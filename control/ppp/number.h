/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of PPP's protocols that both roles, server and client, know: private to control/ppp. */
#ifndef ADIT_CONTROL_PPP_NUMBER_H
#define ADIT_CONTROL_PPP_NUMBER_H

enum ppp_protocol {
	PPP_PROTO_IP = 0x0021,
	PPP_PROTO_MPPE = 0x00fd,
	PPP_PROTO_IPCP = 0x8021,
	PPP_PROTO_CCP = 0x80fd,
	PPP_PROTO_LCP = 0xc021,
	PPP_PROTO_PAP = 0xc023,
	PPP_PROTO_CHAP = 0xc223,
};

/* Codes above 7, RFC 1661 section 5, RFC 1570; those below are enum fsm_code. */
enum lcp_code {
	LCP_PROTOCOL_REJECT = 8,
	LCP_ECHO_REQUEST,
	LCP_ECHO_REPLY,
	LCP_DISCARD_REQUEST,
	LCP_IDENTIFICATION,
	LCP_TIME_REMAINING,
};

/* LCP's options: RFC 1661 section 6, RFC 1662 section 7, RFC 1570, RFC 1990. */
enum lcp_option {
	LCP_MRU = 1,
	LCP_ASYNCMAP = 2,
	LCP_AUTH = 3,
	LCP_MAGIC = 5,
	LCP_PFC = 7,
	LCP_ACFC = 8,
	LCP_CALLBACK = 13,
	LCP_MRRU = 17,
};

enum chap_code { CHAP_CHALLENGE = 1, CHAP_RESPONSE, CHAP_SUCCESS, CHAP_FAILURE };

/* Values of MS-CHAP's Responses: RFC 2433 section 4, RFC 2759 section 4. */
#define CHAP_MD5_RESPONSE 16
#define CHAP_MS_RESPONSE  49
#define CHAP_V2_PEER_LEN  16
#define CHAP_NT_OFFSET    24 /* v2: after the peer's challenge and 8 reserved octets; v1: the LM one */
#define CHAP_NT_LEN       24

enum pap_code { PAP_REQUEST = 1, PAP_ACK, PAP_NAK };

enum ccp_code { CCP_RESET_REQUEST = 14, CCP_RESET_ACK = 15 };
enum ccp_option { CCP_MPPE = 18, CCP_MPPE_LEN = 4, CCP_DEFLATE = 26 };

/* MPPE's Supported Bits, RFC 3078 section 2.1: first octet, and last. */
#define MPPE_BIT_STATELESS 0x01                                       /* H */
#define MPPE_BIT_56        0x80                                       /* M */
#define MPPE_BIT_128       0x40                                       /* S */
#define MPPE_BIT_40        0x20                                       /* L */
#define MPPE_BITS_STRENGTH (MPPE_BIT_56 | MPPE_BIT_128 | MPPE_BIT_40) /* not D, not C (MPPC) */

/* IPCP's options: RFC 1332 section 3, RFC 1877. */
enum ipcp_option {
	IPCP_COMPRESSION = 2,
	IPCP_ADDRESS = 3,
	IPCP_DNS1 = 129,
	IPCP_WINS1 = 130,
	IPCP_DNS2 = 131,
	IPCP_WINS2 = 132,
};

#endif
