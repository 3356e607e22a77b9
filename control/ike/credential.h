/* SPDX-License-Identifier: BSD-3-Clause */
/* The gateway's certificate, its key, its CAs and what they have revoked, from PEM files or PKCS#12
 * (R18), and the names that all credentials have in charon. */
#ifndef ADIT_CONTROL_IKE_CREDENTIAL_H
#define ADIT_CONTROL_IKE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ike/config.h"

#define CREDENTIAL_MAX_CA   8
#define CREDENTIAL_MAX_CRL  16
#define CREDENTIAL_NAME_MAX 40 /* with the NUL */

struct blob {
	uint8_t *bytes; /* DER */
	size_t len;
};

struct credential {
	struct blob certificate, key, ca[CREDENTIAL_MAX_CA], ca_subject[CREDENTIAL_MAX_CA];
	struct blob crl[CREDENTIAL_MAX_CRL];
	unsigned int n_ca, n_crl;
	int days_left;    /* of the certificate */
	bool early;       /* it is not valid yet */
	bool crl_expired; /* one of them at least */
	/* Another secret, another CA has another name: so control sees what a charon has that
	 * outlived a change of the configuration. */
	char psk_name[IKE_MAX_PEERS][CREDENTIAL_NAME_MAX],
		ca_name[CREDENTIAL_MAX_CA][CREDENTIAL_NAME_MAX];
};

/* False and a message in err.  Without any in cfg: true, and all is empty. */
bool credential_load(
	const struct ike_config *cfg, struct credential *out, char *err, size_t errlen);
/* Has the certificate any subjectAltName that a client could look for: a DNS name, an address?  And
 * this one, "192.0.2.1" or "vpn.example.org"?  False without a certificate. */
bool credential_named(const struct credential *c);
bool credential_holds(const struct credential *c, const char *name);
void credential_wipe(struct credential *c);
/* Whose pre-shared key has this name; false: it is none of psk_name[]'s making.  0: everybody's. */
bool credential_psk_peer(const char *name, uint32_t *peer_ip);

#endif
