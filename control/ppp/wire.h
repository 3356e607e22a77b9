/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One cursor to read hostile octets, one to write answers.  A read beyond the end yields zeros (or
 * NULL) and marks the reader bad; a write beyond the end is left out and marks the writer full.
 * Network byte order.
 */
#ifndef ADIT_CONTROL_PPP_WIRE_H
#define ADIT_CONTROL_PPP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct wire_writer {
	uint8_t *buf;
	size_t len, cap;
	bool full;
};

/* Configuration option, RFC 1661 section 5: len counts data only. */
struct wire_option {
	uint8_t type, len;
	const uint8_t *data;
};

static inline struct wire_reader
wire_read(const uint8_t *buf, size_t len)
{
	return (struct wire_reader){.at = buf, .left = len};
}

static inline struct wire_writer
wire_write(uint8_t *buf, size_t cap)
{
	return (struct wire_writer){.buf = buf, .cap = cap};
}

/* n octets in place, or NULL. */
static inline const uint8_t *
wire_take(struct wire_reader *r, size_t n)
{
	const uint8_t *p = r->at;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return p;
}

static inline uint8_t
wire_get8(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t
wire_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
wire_be32(const uint8_t *p)
{
	return (uint32_t)wire_be16(p) << 16 | wire_be16(p + 2);
}

static inline uint16_t
wire_get16(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 2);

	return p ? wire_be16(p) : 0;
}

static inline uint32_t
wire_get32(struct wire_reader *r)
{
	const uint8_t *p = wire_take(r, 4);

	return p ? wire_be32(p) : 0;
}

/* The next option; false at the end, and (then also r->bad) when its length lies. */
static inline bool
wire_next_option(struct wire_reader *r, struct wire_option *o)
{
	if (r->bad || r->left == 0)
		return false;
	o->type = wire_get8(r);
	o->len = wire_get8(r);
	if (r->bad || o->len < 2) {
		r->bad = true;
		return false;
	}
	o->len -= 2;
	o->data = wire_take(r, o->len);
	return o->data != NULL;
}

static inline void
wire_put(struct wire_writer *w, const void *data, size_t n)
{
	if (w->full || n > w->cap - w->len) {
		w->full = true;
		return;
	}
	if (n > 0)
		memcpy(w->buf + w->len, data, n);
	w->len += n;
}

static inline void
wire_put8(struct wire_writer *w, uint8_t v)
{
	wire_put(w, &v, 1);
}

static inline void
wire_put16(struct wire_writer *w, uint16_t v)
{
	wire_put(w, (const uint8_t[]){v >> 8, v & 0xff}, 2);
}

static inline void
wire_put32(struct wire_writer *w, uint32_t v)
{
	wire_put(w, (const uint8_t[]){v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff}, 4);
}

static inline void
wire_put_option(struct wire_writer *w, uint8_t type, const void *data, uint8_t len)
{
	if (w->full || (size_t)len + 2 > w->cap - w->len) {
		w->full = true;
		return;
	}
	wire_put8(w, type);
	wire_put8(w, (uint8_t)(len + 2));
	wire_put(w, data, len);
}

static inline void
wire_put_option16(struct wire_writer *w, uint8_t type, uint16_t v)
{
	wire_put_option(w, type, (const uint8_t[]){v >> 8, v & 0xff}, 2);
}

static inline void
wire_put_option32(struct wire_writer *w, uint8_t type, uint32_t v)
{
	wire_put_option(
		w, type, (const uint8_t[]){v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff}, 4);
}

#endif
