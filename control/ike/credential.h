/* SPDX-License-Identifier: BSD-3-Clause */
/* The gateway's certificate, its key and its CAs, from PEM files or PKCS#12 (R18). */
#ifndef ADIT_CONTROL_IKE_CREDENTIAL_H
#define ADIT_CONTROL_IKE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ike/config.h"

#define CREDENTIAL_MAX_CA 8

struct blob {
	uint8_t *bytes; /* DER */
	size_t len;
};

struct credential {
	struct blob certificate, key, ca[CREDENTIAL_MAX_CA];
	unsigned int n_ca;
	int days_left; /* of the certificate */
};

/* False and a message in err.  Without any in cfg: true, and all is empty. */
bool credential_load(
	const struct ike_config *cfg, struct credential *out, char *err, size_t errlen);
void credential_wipe(struct credential *c);

#endif
