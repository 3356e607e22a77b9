/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In front of all sources of the data plane when fuzzers are built: what of a packet buffer is no
 * packet is poisoned, headroom, tail and what was cut off, so that AddressSanitizer sees a read
 * beyond its ends.  Buffers come from mempools, so it does not know of them by itself.
 */
#ifndef ADIT_TESTS_FUZZ_POISON_H
#define ADIT_TESTS_FUZZ_POISON_H

#include <sanitizer/asan_interface.h>

#include <rte_ip_frag.h>
#include <rte_mbuf.h>

/* What an mbuf holds may be looked at, and nothing else of its buffer. */
static inline void
poison_around(struct rte_mbuf *m)
{
	ASAN_POISON_MEMORY_REGION(m->buf_addr, m->buf_len);
	ASAN_UNPOISON_MEMORY_REGION(rte_pktmbuf_mtod(m, void *), m->data_len);
}

static inline struct rte_mbuf *
poison_alloc(struct rte_mempool *mp)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	if (m)
		poison_around(m);
	return m;
}

static inline char *
poison_prepend(struct rte_mbuf *m, uint16_t len)
{
	char *p = rte_pktmbuf_prepend(m, len);
	if (p)
		ASAN_UNPOISON_MEMORY_REGION(p, len);
	return p;
}

static inline char *
poison_append(struct rte_mbuf *m, uint16_t len)
{
	char *p = rte_pktmbuf_append(m, len);
	if (p)
		ASAN_UNPOISON_MEMORY_REGION(p, len);
	return p;
}

static inline char *
poison_adj(struct rte_mbuf *m, uint16_t len)
{
	char *p = rte_pktmbuf_adj(m, len);
	if (p)
		poison_around(m);
	return p;
}

static inline int
poison_trim(struct rte_mbuf *m, uint16_t len)
{
	int rc = rte_pktmbuf_trim(m, len);
	if (rc == 0)
		poison_around(rte_pktmbuf_lastseg(m));
	return rc;
}

/* Who asks means to write there. */
static inline uint16_t
poison_tailroom(const struct rte_mbuf *m)
{
	uint16_t n = rte_pktmbuf_tailroom(m);
	ASAN_UNPOISON_MEMORY_REGION(rte_pktmbuf_mtod_offset(m, void *, m->data_len), n);
	return n;
}

static inline int
poison_linearize(struct rte_mbuf *m)
{
	poison_tailroom(m);
	int rc = rte_pktmbuf_linearize(m);
	poison_around(m);
	return rc;
}

/* The library's code is not looked at. */
static inline int32_t
poison_fragment(struct rte_mbuf *m, struct rte_mbuf **out, uint16_t max, uint16_t mtu,
	struct rte_mempool *mp)
{
	int32_t n = rte_ipv4_fragment_copy_nonseg_packet(m, out, max, mtu, mp);
	for (int32_t i = 0; i < n; i++)
		poison_around(out[i]);
	return n;
}

#define rte_pktmbuf_alloc                    poison_alloc
#define rte_pktmbuf_prepend                  poison_prepend
#define rte_pktmbuf_append                   poison_append
#define rte_pktmbuf_adj                      poison_adj
#define rte_pktmbuf_trim                     poison_trim
#define rte_pktmbuf_tailroom                 poison_tailroom
#define rte_pktmbuf_linearize                poison_linearize
#define rte_ipv4_fragment_copy_nonseg_packet poison_fragment

#endif
