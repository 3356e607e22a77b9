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

static void
begin(struct vici *v, uint8_t type, const char *name)
{
	static const uint8_t length[4];
	memset(v, 0, sizeof(*v));
	put_raw(v, length, sizeof(length));
	put_octet(v, type);
	put_name(v, name);
}

void
vici_begin(struct vici *v, const char *command)
{
	begin(v, VICI_REQUEST, command);
}

void
vici_register(struct vici *v, const char *event)
{
	begin(v, VICI_REGISTER, event);
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

static void
copy_text(char *to, size_t size, const uint8_t *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

struct reading {
	struct cursor at;
	unsigned int depth;
	bool in_list;
	char sections[DEPTH_MAX + 1][VICI_NAME_MAX], list[VICI_NAME_MAX];
	vici_value *each;
	void *user;
};

static void
tell(const struct reading *r, const char *name, const uint8_t *value, size_t len)
{
	char text[VICI_NAME_MAX];
	copy_text(text, sizeof(text), value, len);
	r->each(r->user, r->depth, r->sections[r->depth], name, text);
}

/* One element; false when it is bad. */
static bool
element(struct reading *r)
{
	struct cursor *c = &r->at;
	char name[VICI_NAME_MAX] = "";
	unsigned int type = octet(c);
	size_t len = 0;
	const uint8_t *value = NULL;
	if (type == SECTION_START || type == KEY_VALUE || type == LIST_START) {
		size_t name_len = octet(c);
		const uint8_t *p = piece(c, name_len);
		if (p)
			copy_text(name, sizeof(name), p, name_len);
	}
	if (type == KEY_VALUE || type == LIST_ITEM) {
		len = octet(c) << 8;
		len |= octet(c);
		value = piece(c, len);
	}
	if (c->bad || r->in_list != (type == LIST_ITEM || type == LIST_END))
		return false;
	switch (type) {
	case SECTION_START:
		if (++r->depth > DEPTH_MAX)
			return false;
		strcpy(r->sections[r->depth], name);
		return true;
	case SECTION_END:
		return r->depth-- > 0;
	case LIST_START:
		strcpy(r->list, name);
		r->in_list = true;
		return true;
	case LIST_END:
		r->in_list = false;
		return true;
	case LIST_ITEM:
		tell(r, r->list, value, len);
		return true;
	case KEY_VALUE:
		tell(r, name, value, len);
		return true;
	default:
		return false;
	}
}

/* A message behind its type. */
static bool
elements(struct cursor at, vici_value *each, void *user)
{
	struct reading r = {.at = at, .each = each, .user = user};
	while (left(&r.at) > 0)
		if (!element(&r))
			return false;
	return r.depth == 0 && !r.in_list;
}

static void
take_word(void *user, unsigned int depth, const char *section, const char *name, const char *value)
{
	struct vici_answer *out = user;
	(void)section;
	if (depth > 0)
		return;
	if (strcmp(name, "success") == 0)
		out->success = strcmp(value, "yes") == 0;
	else if (strcmp(name, "errmsg") == 0)
		snprintf(out->errmsg, sizeof(out->errmsg), "%s", value);
	else if (strcmp(name, "version") == 0)
		snprintf(out->version, sizeof(out->version), "%s", value);
	else if (strcmp(name, "id") == 0)
		snprintf(out->id, sizeof(out->id), "%s", value);
}

bool
vici_parse(const uint8_t *bytes, size_t len, struct vici_answer *out)
{
	struct cursor c = {.at = bytes, .end = bytes + len};
	memset(out, 0, sizeof(*out));
	out->success = true;
	unsigned int type = octet(&c);
	if (c.bad || (type != VICI_RESPONSE && type != VICI_UNKNOWN_COMMAND &&
			     type != VICI_REGISTERED && type != VICI_UNKNOWN_EVENT))
		return false;
	out->type = (uint8_t)type;
	return elements(c, take_word, out);
}

bool
vici_values(const uint8_t *bytes, size_t len, vici_value *each, void *user)
{
	struct cursor c = {.at = bytes, .end = bytes + len};
	unsigned int type = octet(&c);
	if (type == VICI_EVENT)
		piece(&c, octet(&c));
	if (c.bad || (type != VICI_EVENT && type != VICI_RESPONSE))
		return false;
	return elements(c, each, user);
}
