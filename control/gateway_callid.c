/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/gateway_callid.h"

#include <stdlib.h>

/* A TCP connection only comes to an address of this host; still, bound it. */
#define CALL_ID_TABLES_MAX 1024

struct call_id_table {
	struct call_id_table *next;
	uint32_t server_ip;
	uint32_t used;
	uint16_t last;
	uint64_t taken[1024];
};

static struct call_id_table *
table_of(struct call_ids *ids, uint32_t server_ip, bool create)
{
	struct call_id_table *t = ids->first;
	while (t && t->server_ip != server_ip)
		t = t->next;
	if (t || !create || ids->n == CALL_ID_TABLES_MAX)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->server_ip = server_ip;
	t->last = ids->start;
	t->next = ids->first;
	ids->first = t;
	ids->n++;
	return t;
}

static bool
is_taken(const struct call_id_table *t, uint16_t id)
{
	return t->taken[id / 64] >> (id % 64) & 1;
}

static void
take(struct call_id_table *t, uint16_t id)
{
	t->taken[id / 64] |= 1ull << (id % 64);
	t->used++;
}

uint16_t
call_id_take(struct call_ids *ids, uint32_t server_ip)
{
	struct call_id_table *t = table_of(ids, server_ip, true);
	if (!t || t->used == UINT16_MAX)
		return 0;
	do
		t->last = t->last == UINT16_MAX ? 1 : (uint16_t)(t->last + 1);
	while (is_taken(t, t->last));
	take(t, t->last);
	return t->last;
}

bool
call_id_take_this(struct call_ids *ids, uint32_t server_ip, uint16_t id)
{
	struct call_id_table *t = id ? table_of(ids, server_ip, true) : NULL;
	if (!t || is_taken(t, id))
		return false;
	take(t, id);
	return true;
}

void
call_id_release(struct call_ids *ids, uint32_t server_ip, uint16_t id)
{
	struct call_id_table *t = table_of(ids, server_ip, false);
	if (!t || id == 0 || !is_taken(t, id))
		return;
	t->taken[id / 64] &= ~(1ull << (id % 64));
	t->used--;
}

void
call_ids_free(struct call_ids *ids)
{
	while (ids->first) {
		struct call_id_table *t = ids->first;
		ids->first = t->next;
		free(t);
	}
	ids->n = 0;
}
