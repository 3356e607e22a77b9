/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SAs that charon has, by SPI and destination.  Two clients behind one NAT differ in SPI and
 * port only: never in reqid, selectors or identity.  Hosts are cloned in and out.  No locking
 * inside.
 */
#ifndef ADIT_PLUGIN_TABLE_H
#define ADIT_PLUGIN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <networking/host.h>

#include "control/ike/message.h"

struct sa {
	struct sa *next;
	uint32_t spi;  /* host byte order */
	uint32_t pair; /* SPI of the inbound one */
	uint32_t reqid;
	uint32_t ike_sa; /* unique number of the IKE SA that made it, whichever has it now */
	uint64_t serial; /* of this SA, never used again: what timers know it by */
	host_t *dst;
	struct ike_outer outer;
	bool inbound;
	bool installed; /* false: only the SPI is reserved */
};

struct table;

struct table *table_create(void);
void table_destroy(struct table *t);
/* Takes over sa, which was malloc()ed, with its dst. */
void table_add(struct table *t, struct sa *sa);
/* spi in host byte order.  NULL when there is none; an SA whose port differs is found as well when
 * no other fits better. */
struct sa *table_find(struct table *t, uint32_t spi, host_t *dst);
struct sa *table_by_serial(struct table *t, uint32_t spi, uint64_t serial);
/* The inbound or outbound SA of a pair. */
struct sa *table_of_pair(struct table *t, uint32_t pair, bool inbound);
/* Frees it. */
void table_remove(struct table *t, struct sa *sa);
void table_each(struct table *t, void (*each)(void *arg, struct sa *sa), void *arg);
/* A pair of that host without an outbound SA, the newest; NULL: none. */
struct sa *table_single(struct table *t, const struct ike_outer *outer, uint32_t reqid);

#endif
