/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * strongSwan's VICI messages: packets of a length (4 octets, network order), a type, a name and
 * elements; documented in the README of its vici plugin.  No socket inside.  Written here rather
 * than spoken through libvici, which is GPL and comes without headers, or through swanctl, which
 * wants secrets in files and its own directories.
 */
#ifndef ADIT_CONTROL_IKE_VICI_H
#define ADIT_CONTROL_IKE_VICI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VICI_PACKET_MAX (512u * 1024)

enum vici_type {
	VICI_REQUEST = 0,
	VICI_RESPONSE = 1,
	VICI_UNKNOWN_COMMAND = 2,
	VICI_REGISTER = 3, /* for an event */
	VICI_REGISTERED = 5,
	VICI_UNKNOWN_EVENT = 6,
	VICI_EVENT = 7,
};

/* A request that grows.  Secrets may be in it: vici_free() wipes. */
struct vici {
	uint8_t *bytes;
	size_t len, size;
	bool failed; /* out of memory, or a name too long */
};

void vici_begin(struct vici *v, const char *command);
/* Events of that name are to come from now on. */
void vici_register(struct vici *v, const char *event);
void vici_section(struct vici *v, const char *name);
void vici_section_end(struct vici *v);
void vici_put(struct vici *v, const char *name, const char *value);
void vici_put_bytes(struct vici *v, const char *name, const void *value, size_t len);
void vici_format(struct vici *v, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void vici_list(struct vici *v, const char *name);
void vici_item(struct vici *v, const char *value);
void vici_item_bytes(struct vici *v, const void *value, size_t len);
void vici_list_end(struct vici *v);
/* Fills the length in.  False: it failed somewhere, nothing may be sent. */
bool vici_end(struct vici *v);
void vici_free(struct vici *v);

/* The answer's words at the top level that we look at. */
struct vici_answer {
	uint8_t type; /* enum vici_type */
	bool success; /* "success", true when it is not there */
	char errmsg[200];
	char version[32];
	char id[48]; /* of a key that was loaded */
};
/* A packet without its length, not of an event.  False: not well-formed. */
bool vici_parse(const uint8_t *bytes, size_t len, struct vici_answer *out);

#define VICI_NAME_MAX 256 /* with the NUL */
/* A value, of a list's item or of a key: `section` is where it stands, "" at the top level, and
 * `name` that of the list or key.  The value is cut to what fits, and NUL-terminated. */
typedef void vici_value(
	void *user, unsigned int depth, const char *section, const char *name, const char *value);
/* All values of an answer or an event, in order.  False: not well-formed. */
bool vici_values(const uint8_t *bytes, size_t len, vici_value *each, void *user);

#endif
