/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/ids.h"

#include <stdlib.h>

#include "control/core/random.h"

/* A TCP connection only comes to an address of this host; still, bound it. */
#define TABLES_MAX 1024

/* So many others are freed before an ID is given again, if there are enough. */
#define REST 16384u

struct id_table {
	struct id_table *next;
	uint32_t server_ip;
	uint32_t used, resting;
	uint64_t in_use[1024], at_rest[1024];
	uint32_t oldest; /* in rest[] */
	uint16_t rest[REST];
};

static struct id_table *
table_of(struct ids *ids, uint32_t server_ip, bool create)
{
	struct id_table *t = ids->first;
	while (t && t->server_ip != server_ip)
		t = t->next;
	if (t || !create || ids->n == TABLES_MAX)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->server_ip = server_ip;
	t->next = ids->first;
	ids->first = t;
	ids->n++;
	return t;
}

static bool
is_in(const uint64_t *map, uint16_t id)
{
	return map[id / 64] >> (id % 64) & 1;
}

static void
put(uint64_t *map, uint16_t id, bool in)
{
	uint64_t bit = 1ull << (id % 64);
	map[id / 64] = in ? map[id / 64] | bit : map[id / 64] & ~bit;
}

static void
take(struct id_table *t, uint16_t id)
{
	put(t->in_use, id, true);
	t->used++;
}

/* The one that has rested longest has rested enough. */
static void
wake(struct id_table *t)
{
	put(t->at_rest, t->rest[t->oldest], false);
	t->oldest = (t->oldest + 1) % REST;
	t->resting--;
}

uint16_t
id_take(struct ids *ids, uint32_t server_ip)
{
	struct id_table *t = table_of(ids, server_ip, true);
	uint16_t id;
	if (!t || t->used == UINT16_MAX)
		return 0;
	while (t->resting && t->used + t->resting >= UINT16_MAX)
		wake(t);
	random_octets((uint8_t *)&id, sizeof(id));
	while (id == 0 || is_in(t->in_use, id) || is_in(t->at_rest, id))
		id++;
	take(t, id);
	return id;
}

bool
id_take_this(struct ids *ids, uint32_t server_ip, uint16_t id)
{
	struct id_table *t = id ? table_of(ids, server_ip, true) : NULL;
	if (!t || is_in(t->in_use, id))
		return false;
	take(t, id);
	return true;
}

void
id_release(struct ids *ids, uint32_t server_ip, uint16_t id)
{
	struct id_table *t = table_of(ids, server_ip, false);
	if (!t || id == 0 || !is_in(t->in_use, id))
		return;
	put(t->in_use, id, false);
	t->used--;
	if (t->resting == REST)
		wake(t);
	t->rest[(t->oldest + t->resting++) % REST] = id;
	put(t->at_rest, id, true);
}

void
ids_free(struct ids *ids)
{
	while (ids->first) {
		struct id_table *t = ids->first;
		ids->first = t->next;
		free(t);
	}
	ids->n = 0;
}
