/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that dial in, many in one process, made of the client roles of control/: PPTP's control
 * connections over the kernel's TCP, each from a loopback address of its own, PPP and L2TP through
 * the played data plane.
 */
#ifndef ADIT_BENCH_DIALER_H
#define ADIT_BENCH_DIALER_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/played.h"

#define DIALER_MAX 60000 /* clients: a server address has 65,535 call IDs */

enum dialer_protocol { DIALER_PPTP, DIALER_L2TP };

struct dialer_config {
	enum dialer_protocol protocol;
	unsigned int clients; /* 1 to DIALER_MAX; client i is user "u<i>" */
	unsigned int at_once; /* dialling at the same time */
	double rate;          /* a second; 0: as soon as another one is up */
	const char *password;
	uint16_t port; /* of PPTP at 127.0.0.1 */
	/* Address of a whole gateway, host byte order, that is reached by TCP and GRE from
	 * 198.18.0.1 on; 0: control alone, beside a played data plane. */
	uint32_t through;
};

struct dialer_result {
	unsigned int up, failed;
	double seconds;           /* from the first that dials until the last is up */
	double median_ms, p99_ms; /* of one client, from its first octet until it has an address */
	uint64_t frames, repeats; /* PPP frames and L2TP messages of the clients */
};

struct dialer;

/* Uses p's callbacks; NULL: cfg->through.  Exits when memory or descriptors fail. */
struct dialer *dialer_new(const struct dialer_config *cfg, struct played *p);
/* Until every client is up or has failed, or nothing has happened for ten seconds. */
void dialer_run(struct dialer *d, struct dialer_result *r);
/* Closes the connections by reset: none is left in TIME_WAIT. */
void dialer_free(struct dialer *d);

#endif
