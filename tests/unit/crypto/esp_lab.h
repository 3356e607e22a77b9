/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of ESP share: engines, SAs with random keys, packets in exact buffers. */
#ifndef ADIT_TESTS_ESP_LAB_H
#define ADIT_TESTS_ESP_LAB_H

#include "crypto/esp.h"
#include "tests/unit/crypto/esp_reference.h"

#define LAB_BATCH 150 /* more than two chunks */

/* A pair of SAs of one suite. */
struct lab_sa {
	struct reference_keys keys;
	struct esp_sa_config config; /* inbound */
	struct esp_sa *in, *out;
};

extern struct esp_engine *lab_engine;

/* Runs the group with a lab_engine of each kind that this CPU has.  The failures, for main(). */
int lab_on_each_arch(int (*group)(void));

/* Deterministic random numbers. */
uint64_t lab_random(void);
void lab_fill(void *p, size_t len);

/* Keys at random, defaults elsewhere; spi 0: at random. */
void lab_config(struct lab_sa *l, const struct suite *encryption, const struct suite *integrity);
/* Both SAs from l->config; asserts that they can be set up. */
void lab_start(struct lab_sa *l);
void lab_new(struct lab_sa *l, unsigned int pair); /* both of the above, by reference_pair() */
void lab_new_by_name(struct lab_sa *l, const char *encryption, const char *integrity);
void lab_end(struct lab_sa *l);

/* A packet of the SA made by the reference, in a buffer of exactly its length (free job->data's
 * start, kept in job->user). */
void lab_sealed(struct esp_job *job, struct lab_sa *l, uint64_t seq, const uint8_t *payload,
	uint32_t len, uint8_t next_header);
/* A job to encapsulate len octets of payload, in a buffer of exactly the room that is asked for. */
void lab_clear(struct esp_job *job, struct lab_sa *l, const uint8_t *payload, uint32_t len,
	uint8_t next_header);
void lab_free(struct esp_job *jobs, unsigned int n);

/* An outbound packet is what the reference opens. */
void lab_check_sealed(const struct lab_sa *l, const struct esp_job *job, const uint8_t *text,
	uint32_t len, uint8_t next_header);
/* n packets (to LAB_BATCH) of SAs chosen by pick(i), payloads of 0 to max octets, through the
 * reference both ways.  base: the first inbound number. */
void lab_both_ways(
	unsigned int n, struct lab_sa *(*pick)(unsigned int), uint32_t max, uint64_t base);

#endif
