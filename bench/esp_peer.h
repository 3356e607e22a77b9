/* SPDX-License-Identifier: BSD-3-Clause */
/* dpdk-test-crypto-perf: runs it beside bench-esp, on the same CPU. */
#ifndef ADIT_BENCH_ESP_PEER_H
#define ADIT_BENCH_ESP_PEER_H

#include <stdbool.h>

#define BURST_MAX 32

/* What both measure. */
struct esp_case {
	const char *name, *encryption, *integrity;
	unsigned int burst, block, key_len, auth_key_len, icv_len;
	const char *peer_device, *peer_encrypt, *peer_decrypt; /* arguments */
};

/* This process stays on the CPU that it is on; the peer's worker will be there too. */
void esp_peer_choose_cpus(void);
/* TSC cycles for each of about so many operations on buffers of so many octets; inbound: decrypts
 * and verifies.  Ends the program when the peer fails. */
double esp_peer_cycles(
	const struct esp_case *c, bool inbound, unsigned int bytes, unsigned int ops);

void esp_die(const char *what, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
