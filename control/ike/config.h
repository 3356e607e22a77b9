/* SPDX-License-Identifier: BSD-3-Clause */
/* The settings of IPsec, as control/settings/config.c reads them from the section ipsec. */
#ifndef ADIT_CONTROL_IKE_CONFIG_H
#define ADIT_CONTROL_IKE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/suite.h"

#define IKE_MAX_LISTEN  8
#define IKE_MAX_PEERS   64
#define IKE_PSK_MAX     128
#define IKE_PSK_MIN_BIT 80 /* T12 */

/* What is known of a certificate must be so good (strongSwan's words). */
enum ike_revocation {
	IKE_REVOCATION_RELAXED, /* refused when it is revoked */
	IKE_REVOCATION_IFURI,   /* also when nothing can be had from where it says */
	IKE_REVOCATION_STRICT,  /* also when nothing is known */
};

struct ike_psk {
	uint32_t peer_ip; /* 0: everybody else's */
	char secret[IKE_PSK_MAX + 1];
};

struct ike_config {
	bool enabled;
	char directory[80];   /* charon's files and sockets: strongswan.conf, ike.sock, vici.sock */
	char charon_user[64]; /* who runs charon besides root, "" = nobody else */
	uint32_t listen[IKE_MAX_LISTEN];
	unsigned int n_listen; /* 0: every address */
	struct ike_psk psk[IKE_MAX_PEERS];
	unsigned int n_psk;
	char certificate[256], key[256], ca[256]; /* PEM files, "" = none */
	char pkcs12[256], pkcs12_password[128];   /* or all three in one */
	char identity[128];                       /* "" = the certificate's subject */
	char crl[256];                            /* PEM file, "" = none */
	uint8_t revocation;                       /* enum ike_revocation */
	bool ocsp;
	bool revoked_keep;      /* IKE SAs outlive the credential that they were authenticated by */
	bool allow_weak_crypto; /* R2 */
	uint8_t min_strength;   /* enum suite_class: D12 */
	uint32_t sha256_96[IKE_MAX_PEERS]; /* peers that truncate to 96 bits (D3) */
	unsigned int n_sha256_96;
	bool sha256_96_all;
	uint32_t ike_lifetime_s, sa_lifetime_s;
	uint64_t sa_lifetime_bytes; /* 0: none but that of the cipher (T15) */
	uint32_t dpd_s;
	uint16_t replay_window;
	/* T13 */
	uint32_t max_peers_per_address, max_half_open_per_address;
	uint32_t max_half_open; /* in charon, before it asks for cookies and then refuses */
};

/* Bits of a secret that a guesser must try at least: length times log2 of the alphabet it is made
 * of, 0 with fewer than 8 different characters. */
unsigned int ike_psk_bits(const char *secret);

#endif
