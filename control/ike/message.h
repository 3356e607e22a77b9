/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What charon's plugin (control/ike/plugin) and adit-control say to each other: fixed-size records
 * over a SOCK_SEQPACKET unix socket that control listens on.  A record is one packet.  All numbers
 * are in host byte order, SPIs too; what a record does not use is 0.  Both sides check the other's
 * records, and count what they refuse.
 *
 * The plugin asks with an id of its own choice, not 0, and waits for IKE_ANSWER with that id. After
 * it connects it sends IKE_HELLO, an IKE_LIST for each pair that charon has, and IKE_LIST_END:
 * control answers the hello and the end only.  A pair is named by the SPI of its inbound SA, which
 * control gives out (dataplane/api/sa.h).  Who is behind it is told by the IKE SA that made it, for
 * addresses and identities can be another's (D1): ike_sa is its unique number in this charon
 * process, which the greeting names; numbers are not used twice.
 *
 * This header stands alone: nothing of DPDK, of control or of strongSwan is in it.
 */
#ifndef ADIT_CONTROL_IKE_MESSAGE_H
#define ADIT_CONTROL_IKE_MESSAGE_H

#include <assert.h>
#include <stdint.h>

#define IKE_MESSAGE_MAGIC   0x41494b45u /* "AIKE" */
#define IKE_MESSAGE_VERSION 2
#define IKE_KEY_MAX         64

enum ike_message_type {
	/* plugin -> control, answered */
	IKE_HELLO = 1,
	IKE_LIST_END,
	IKE_GET_SPI, /* answer: spi */
	IKE_ADD_IN,  /* spi from IKE_GET_SPI; answered when the data plane has it */
	IKE_ADD_OUT,
	IKE_UPDATE, /* a pair's addresses */
	IKE_DELETE_IN,
	IKE_DELETE_OUT,
	IKE_QUERY, /* answer: usage */
	/* plugin -> control, not answered */
	IKE_LIST,
	IKE_ALERT,
	IKE_MIGRATE, /* ike_sa goes on with what another one has */
	IKE_DOWN,    /* ike_sa is no more */
	/* control -> plugin */
	IKE_ANSWER = 32,
	IKE_EXPIRE,  /* charon->kernel->expire() */
	IKE_MAPPING, /* charon->kernel->mapping() */
};

enum ike_direction { IKE_INBOUND, IKE_OUTBOUND };

/* Why charon refused or lost a peer, as far as its bus tells. */
enum ike_alert {
	IKE_ALERT_NO_IKE_PROPOSAL,
	IKE_ALERT_NO_ESP_PROPOSAL,
	IKE_ALERT_SELECTORS,
	IKE_ALERT_AUTH,           /* the peer's authentication failed: certificate, identity */
	IKE_ALERT_PSK,            /* its encrypted message is garbage: another pre-shared key */
	IKE_ALERT_MALFORMED,      /* a message in clear that can't be parsed */
	IKE_ALERT_HALF_OPEN,      /* began and did not go on */
	IKE_ALERT_UNANSWERED,     /* an established peer does not answer any more */
	IKE_ALERT_INSTALL,        /* the SA could not be installed */
	IKE_ALERT_AGGRESSIVE,     /* aggressive mode */
	IKE_ALERT_NO_CERTIFICATE, /* it wants certificates, and none is configured */
	IKE_ALERT_REVOKED,        /* its certificate is revoked */
	IKE_ALERT_COUNT,
};

/* Ports of 0: native ESP; else those of UDP (RFC 3948). */
struct ike_outer {
	uint32_t server_ip, peer_ip;
	uint16_t server_port, peer_port;
};

/* Transform numbers are IKEv2's (IANA), as charon uses them for IKEv1 too. */
struct ike_keys {
	uint16_t encryption, integrity; /* integrity 0 with an AEAD */
	uint8_t encryption_len, integrity_len;
	uint8_t reserved[2];
	uint8_t encryption_key[IKE_KEY_MAX];
	uint8_t integrity_key[IKE_KEY_MAX];
};

struct ike_message {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* enum ike_message_type */
	uint64_t id;   /* of a request and its answer; else 0 */
	uint32_t spi;  /* the pair; 0 in HELLO, LIST_END, GET_SPI, ALERT, MIGRATE, DOWN */
	/* GET_SPI, ADD, MIGRATE, DOWN: that asks; LIST: that made the pair; UPDATE, DELETE, QUERY:
	 * that asks, 0: none does; else 0. */
	uint32_t ike_sa;
	union {
		struct {
			char strongswan[16]; /* version, NUL-terminated */
			uint64_t instance;   /* of this charon process: random, not 0 */
			uint64_t started_us; /* CLOCK_MONOTONIC */
		} hello;
		struct ike_outer get_spi; /* ports: those that IKE uses */
		struct {
			struct ike_outer outer;
			uint32_t out_spi;       /* ADD_OUT: the peer's SPI */
			uint16_t replay_window; /* ADD_IN: packets */
			uint8_t esn;
			uint8_t transport; /* mode: 1 transport, 0 tunnel */
			uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
			struct ike_keys keys;
		} add;
		struct ike_outer update;
		struct {
			uint8_t direction; /* enum ike_direction */
		} query;
		struct {
			uint32_t peer_ip; /* 0: unknown */
			uint32_t code;    /* enum ike_alert */
		} alert;
		struct {
			uint32_t from; /* the IKE SA before */
			/* 1: made under the keys of that one (IKEv2).  0: charon found the same
			 * identity at the same address (IKEv1), which proves nothing. */
			uint8_t proven;
		} migrate;
		struct {
			int32_t error; /* 0 or a negative errno */
			uint32_t spi;
			uint64_t bytes, packets;
			uint64_t idle_ms; /* since the last packet; UINT64_MAX: none yet */
		} answer;
		struct {
			uint8_t direction;
			uint8_t hard;
		} expire;
		struct ike_outer mapping;
		uint8_t raw[264];
	};
};
static_assert(sizeof(struct ike_message) == 288, "one size on both sides");

#endif
