/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address pools (R5): a range of which the server takes the first address, as RRAS does.
 * Host byte order.  Calling context: adit-control's loop.
 */
#ifndef ADIT_CONTROL_AAA_POOL_H
#define ADIT_CONTROL_AAA_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* first..last inclusive, at least two addresses.  NULL and a message in err (of errlen octets) when
 * the range is bad. */
struct pool *pool_new(
	const char *name, uint32_t first, uint32_t last, char *err, unsigned int errlen);
void pool_free(struct pool *p);
const char *pool_name(const struct pool *p);
uint32_t pool_server_address(const struct pool *p); /* the first one */
uint32_t pool_last(const struct pool *p);
/* From now on pool_take() does not give this address, only pool_take_address(); whoever has it now
 * keeps it.  0, or -ERANGE as below. */
int pool_reserve(struct pool *p, uint32_t address);
/* No longer: whoever has it keeps it. */
void pool_unreserve(struct pool *p, uint32_t address);
/* The least recently released free address that is not reserved, or 0 when there is none. */
uint32_t pool_take(struct pool *p);
/* Take a given address: 0, -EBUSY, or -ERANGE when it is not of this pool (or the server's own). */
int pool_take_address(struct pool *p, uint32_t address);
void pool_release(struct pool *p, uint32_t address);
unsigned int pool_size(const struct pool *p); /* client addresses, the server's not counted */
unsigned int pool_used(const struct pool *p);
unsigned int pool_reserved(const struct pool *p); /* in use or not */
bool pool_empty(const struct pool *p);            /* pool_take() would give none */

#endif
