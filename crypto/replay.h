/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The anti-replay window of one inbound SA: RFC 4303 section 3.4.3, as a ring of words that is
 * never shifted (RFC 6479), over 64-bit sequence numbers.
 *
 * The order is: replay_check() before authentication, which changes nothing; then authentication;
 * then replay_update(), which looks again, because the same number may have passed the check twice
 * in one batch.
 *
 * Calling context: one thread per window.  Nothing here allocates or makes a system call.
 */
#ifndef ADIT_CRYPTO_REPLAY_H
#define ADIT_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_WINDOW_MIN     32 /* RFC 4303 section 3.4.3 */
#define REPLAY_WINDOW_DEFAULT 1024
#define REPLAY_WINDOW_MAX     4096

enum replay_verdict {
	REPLAY_NEW,
	REPLAY_ZERO, /* number 0 is never sent; also what replay_esn() gives for no number at all */
	REPLAY_OLD,  /* left of the window */
	REPLAY_SEEN,
};

struct replay {
	uint64_t top;    /* greatest number accepted, 0: none yet */
	uint32_t window; /* numbers looked back at, top included */
	uint32_t mask;   /* words of the ring, less one; the ring has at least one word more than
			    the window, so that clearing ahead of top forgets nothing inside it */
	uint64_t words[];
};

/* Octets that a window of this size takes; 0 when it is out of bounds. */
size_t replay_size(unsigned int window);
/* memory: replay_size(window) octets.  Returns false when window is out of bounds. */
bool replay_init(struct replay *r, unsigned int window);

/*
 * Extended sequence numbers: the 64-bit number that the low 32 bits of a packet stand for, given
 * the window (RFC 4303 appendix A2.1).  0 when there is none: before the first subspace or after
 * the last.
 */
uint64_t replay_esn(const struct replay *r, uint32_t low);

static inline enum replay_verdict
replay_check(const struct replay *r, uint64_t seq)
{
	if (seq == 0)
		return REPLAY_ZERO;
	if (seq > r->top)
		return REPLAY_NEW;
	if (r->top - seq >= r->window)
		return REPLAY_OLD;
	return r->words[(seq / 64) & r->mask] >> (seq % 64) & 1 ? REPLAY_SEEN : REPLAY_NEW;
}

/* After authentication.  Returns the verdict; seq is marked as seen if it was new. */
static inline enum replay_verdict
replay_update(struct replay *r, uint64_t seq)
{
	enum replay_verdict verdict = replay_check(r, seq);

	if (verdict != REPLAY_NEW)
		return verdict;
	if (seq > r->top) {
		uint64_t from = r->top / 64, n = seq / 64 - from;

		if (n > r->mask)
			n = (uint64_t)r->mask + 1;
		for (uint64_t i = 1; i <= n; i++)
			r->words[(from + i) & r->mask] = 0;
		r->top = seq;
	}
	r->words[(seq / 64) & r->mask] |= UINT64_C(1) << (seq % 64);
	return REPLAY_NEW;
}

#endif
