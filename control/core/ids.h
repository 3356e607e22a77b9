/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identifiers that this side gives to calls: PPTP's call IDs, L2TP's session IDs.  1..65535, unique
 * per server address (DESIGN section 3).  At random, so that one tells nothing of the next (T5), and an ID rests after its call while others
 * are left, so that late packets of a former call find nobody.  That is a nuisance for a forger and
 * no more: 65,536 guesses take a second.  Beyond 65,535 calls of a carrier on one address there is none left:
 * further clients have to call another server address.
 */
#ifndef ADIT_CONTROL_CORE_IDS_H
#define ADIT_CONTROL_CORE_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct id_table;

/* All zeros is empty. */
struct ids {
	struct id_table *first;
	unsigned int n;
};

/* 0: none is left (or no memory). */
uint16_t id_take(struct ids *ids, uint32_t server_ip);
/* False when it is in use, or 0. */
bool id_take_this(struct ids *ids, uint32_t server_ip, uint16_t id);
void id_release(struct ids *ids, uint32_t server_ip, uint16_t id);
void ids_free(struct ids *ids);

#endif
