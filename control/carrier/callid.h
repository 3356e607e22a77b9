/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PPTP call IDs and L2TP session IDs: 1..65535, unique per server address (DESIGN section 3).  At
 * random, so that one tells nothing of the next (T5), and an ID rests after its call while others
 * are left, so that late packets of a former call find nobody.  That is a nuisance for a forger and
 * no more: 65,536 guesses take a second.  Beyond 65,535 calls on one address there is none left:
 * further clients have to call another server address.
 */
#ifndef ADIT_CONTROL_CARRIER_CALLID_H
#define ADIT_CONTROL_CARRIER_CALLID_H

#include <stdbool.h>
#include <stdint.h>

struct call_id_table;

/* All zeros is empty. */
struct call_ids {
	struct call_id_table *first;
	unsigned int n;
};

/* 0: none is left (or no memory). */
uint16_t call_id_take(struct call_ids *ids, uint32_t server_ip);
/* False when it is in use, or 0. */
bool call_id_take_this(struct call_ids *ids, uint32_t server_ip, uint16_t id);
void call_id_release(struct call_ids *ids, uint32_t server_ip, uint16_t id);
void call_ids_free(struct call_ids *ids);

#endif
