/* SPDX-License-Identifier: BSD-3-Clause */
/* HMACs of 16 packets at a time, for CPUs with AVX-512.  Private to crypto/ and its tests. */
#ifndef ADIT_CRYPTO_ESP_HMAC_WIDE_H
#define ADIT_CRYPTO_ESP_HMAC_WIDE_H

#include <intel-ipsec-mb.h>
#include <stdbool.h>

bool esp_hmac_wide_supported(void);
/* n jobs of HMAC-MD5, HMAC-SHA1 or HMAC-SHA2-256, those of about one length beside each other: what
 * IPsec-MB's burst of hashes does, but that 16 octets of each tag are written. */
void esp_hmac_wide(const IMB_JOB *jobs, unsigned int n, IMB_HASH_ALG alg);

#endif
