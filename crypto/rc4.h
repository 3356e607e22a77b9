/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RC4 for MPPE: one stream, and many at a time.  One stream is bound by the latency of its own
 * table; several beside each other fill the gaps.
 *
 * Calling context: any thread, one thread per state; nothing here locks or allocates.  Tables in
 * use are on the stack, and wiped before a function returns.
 */
#ifndef ADIT_CRYPTO_RC4_H
#define ADIT_CRYPTO_RC4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compact: a session keeps one per direction (DESIGN budget of 2 KiB a session). Secret. */
struct rc4_state {
	uint8_t s[256];
	uint8_t i, j;
};

/* Key schedule; key_len 1..256 octets. */
void rc4_init(struct rc4_state *st, const uint8_t *key, size_t key_len);
/* dst may equal src. */
void rc4_crypt(struct rc4_state *st, uint8_t *dst, const uint8_t *src, size_t len);
/* Back to the state before the last len octets. */
void rc4_rewind(struct rc4_state *st, size_t len);

#define RC4_KEY_LEN   16
#define RC4_BURST_MAX 64

/* One of many streams. */
struct rc4_stream {
	const uint8_t *key; /* starts with this key, RC4_KEY_LEN octets (one of 8 octets is given
			       twice over: the schedule is the same); NULL: goes on with state */
	struct rc4_state *state; /* takes the state after the data; NULL: nobody needs it */
	uint8_t *data;           /* encrypted in place, any alignment */
	uint32_t len;            /* 0 and up */
};

/*
 * Encrypt n streams, at most RC4_BURST_MAX, in place; no two may share a state or data.  The
 * result doesn't depend on the kernel, the order or the company.  Keys are read before any data is
 * written, as far as one stream is concerned: its key may lie in its data.
 */
void rc4_burst(const struct rc4_stream *streams, unsigned int n);

/*
 * The kernels behind rc4_burst() for this process: "auto" (for each number of streams and each
 * length what measures best on this CPU, in about a millisecond), or rc4_kernel_name(0),
 * rc4_kernel_name(1)... for all.  Returns 0, -EINVAL for an unknown name, -ENOTSUP when the CPU
 * can't.  Without a call, the first use chooses "auto".  For the main thread, at any time: bursts
 * that others have begun are not affected, and all kernels keep states in one form.
 */
int rc4_select(const char *name);
/* When there is nothing else to do, about once a second: chooses anew where the choice was
 * disturbed by others at work on the CPU; after some calls more and more rarely.  For the main
 * thread.  True: the choice stands. */
bool rc4_settle(void);
/* Kernels that this CPU can run; NULL behind the last. */
const char *rc4_kernel_name(unsigned int index);
/* The one for long bursts of long packets; never NULL. */
const char *rc4_selected(void);

/* What was chosen. */
struct rc4_choice {
	const char *use;    /* "rc4-new-4": four new streams; "rc4-on-1": one that goes on */
	const char *kernel; /* one of rc4_kernel_name() */
	uint32_t from;      /* octets; shorter packets take the scalar kernel */
};
#define RC4_CHOICES 8
/* Fills in out[]; returns how many there are. */
unsigned int rc4_choices(struct rc4_choice out[RC4_CHOICES]);
/* The kernel that the first of these streams get in a burst; never NULL. */
const char *rc4_kernel_for(const struct rc4_stream *streams, unsigned int n);

#endif
