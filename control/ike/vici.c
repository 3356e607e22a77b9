/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/vici.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum element { SECTION_START = 1, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END };

#define DEPTH_MAX 16

/* ------------------------------------------------------------------ writing */

static void
put_raw(struct vici *v, const void *bytes, size_t len)
{
	if (v->failed)
		return;
	if (v->len + len > v->size) {
		size_t size = v->size ? v->size * 2 : 1024;
		while (size < v->len + len)
			size *= 2;
		uint8_t *grown = size <= VICI_PACKET_MAX ? malloc(size) : NULL;
		if (!grown) {
			v->failed = true;
			return;
		}
		/* Not realloc(): what it leaves behind may hold a secret. */
		if (v->bytes) {
			memcpy(grown, v->bytes, v->len);
			explicit_bzero(v->bytes, v->len);
			free(v->bytes);
		}
		v->bytes = grown;
		v->size = size;
	}
	memcpy(v->bytes + v->len, bytes, len);
	v->len += len;
}

static void
put_octet(struct vici *v, uint8_t octet)
{
	put_raw(v, &octet, 1);
}

static void
put_name(struct vici *v, const char *name)
{
	size_t len = strlen(name);
	if (len > UINT8_MAX) {
		v->failed = true;
		return;
	}
	put_octet(v, (uint8_t)len);
	put_raw(v, name, len);
}

static void
put_value(struct vici *v, const void *value, size_t len)
{
	if (len > UINT16_MAX) {
		v->failed = true;
		return;
	}
	uint8_t be[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	put_raw(v, be, sizeof(be));
	put_raw(v, value, len);
}

void
vici_begin(struct vici *v, const char *command)
{
	static const uint8_t length[4];
	memset(v, 0, sizeof(*v));
	put_raw(v, length, sizeof(length));
	put_octet(v, VICI_REQUEST);
	put_name(v, command);
}

void
vici_section(struct vici *v, const char *name)
{
	put_octet(v, SECTION_START);
	put_name(v, name);
}

void
vici_section_end(struct vici *v)
{
	put_octet(v, SECTION_END);
}

void
vici_put_bytes(struct vici *v, const char *name, const void *value, size_t len)
{
	put_octet(v, KEY_VALUE);
	put_name(v, name);
	put_value(v, value, len);
}

void
vici_put(struct vici *v, const char *name, const char *value)
{
	vici_put_bytes(v, name, value, strlen(value));
}

void
vici_format(struct vici *v, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(value))
		v->failed = true;
	else
		vici_put_bytes(v, name, value, (size_t)n);
}

void
vici_list(struct vici *v, const char *name)
{
	put_octet(v, LIST_START);
	put_name(v, name);
}

void
vici_item_bytes(struct vici *v, const void *value, size_t len)
{
	put_octet(v, LIST_ITEM);
	put_value(v, value, len);
}

void
vici_item(struct vici *v, const char *value)
{
	vici_item_bytes(v, value, strlen(value));
}

void
vici_list_end(struct vici *v)
{
	put_octet(v, LIST_END);
}

bool
vici_end(struct vici *v)
{
	if (v->failed)
		return false;
	uint32_t len = (uint32_t)(v->len - 4);
	for (int i = 0; i < 4; i++)
		v->bytes[i] = (uint8_t)(len >> (24 - 8 * i));
	return true;
}

void
vici_free(struct vici *v)
{
	if (v->bytes)
		explicit_bzero(v->bytes, v->len);
	free(v->bytes);
	memset(v, 0, sizeof(*v));
}

/* ------------------------------------------------------------------ reading */

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static size_t
left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static unsigned int
octet(struct cursor *c)
{
	if (c->at == c->end) {
		c->bad = true;
		return 0;
	}
	return *c->at++;
}

/* A piece of n octets; NULL and bad when there are fewer. */
static const uint8_t *
piece(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;
	if (c->bad || n > left(c)) {
		c->bad = true;
		return NULL;
	}
	c->at += n;
	return p;
}

static bool
is(const uint8_t *p, size_t len, const char *word)
{
	return p && strlen(word) == len && memcmp(p, word, len) == 0;
}

static void
copy_text(char *to, size_t size, const uint8_t *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void
take_pair(struct vici_answer *out, const uint8_t *name, size_t name_len, const uint8_t *value,
	size_t len)
{
	if (is(name, name_len, "success"))
		out->success = is(value, len, "yes");
	else if (is(name, name_len, "errmsg"))
		copy_text(out->errmsg, sizeof(out->errmsg), value, len);
	else if (is(name, name_len, "version"))
		copy_text(out->version, sizeof(out->version), value, len);
}

/* One element; false at the end or when it is bad. */
static bool
element(struct cursor *c, unsigned int *depth, bool *in_list, struct vici_answer *out)
{
	unsigned int type = octet(c);
	size_t name_len = 0, len = 0;
	const uint8_t *name = NULL, *value = NULL;
	if (type == SECTION_START || type == KEY_VALUE || type == LIST_START) {
		name_len = octet(c);
		name = piece(c, name_len);
	}
	if (type == KEY_VALUE || type == LIST_ITEM) {
		len = octet(c) << 8;
		len |= octet(c);
		value = piece(c, len);
	}
	if (c->bad || *in_list != (type == LIST_ITEM || type == LIST_END))
		return false;
	switch (type) {
	case SECTION_START:
		return ++*depth <= DEPTH_MAX;
	case SECTION_END:
		return (*depth)-- > 0;
	case LIST_START:
	case LIST_END:
		*in_list = type == LIST_START;
		return true;
	case LIST_ITEM:
		return true;
	case KEY_VALUE:
		if (*depth == 0)
			take_pair(out, name, name_len, value, len);
		return true;
	default:
		return false;
	}
}

bool
vici_parse(const uint8_t *bytes, size_t len, struct vici_answer *out)
{
	struct cursor c = {.at = bytes, .end = bytes + len};
	unsigned int depth = 0;
	bool in_list = false;
	memset(out, 0, sizeof(*out));
	out->success = true;
	unsigned int type = octet(&c);
	if (c.bad || (type != VICI_RESPONSE && type != VICI_UNKNOWN_COMMAND))
		return false;
	out->type = (uint8_t)type;
	while (left(&c) > 0)
		if (!element(&c, &depth, &in_list, out))
			return false;
	return depth == 0 && !in_list;
}
