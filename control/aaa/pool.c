/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/aaa/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX (1u << 20) /* addresses; 8 octets each */
#define TAKEN    UINT32_MAX
#define RESERVED (UINT32_MAX - 1)

/*
 * The free addresses are a ring of indexes from the least to the most recently released one.
 * places[0] is the server's own address and, as it is never free, the ring's head.
 */
struct place {
	uint32_t next; /* TAKEN while the address is in use, RESERVED while it is not, but reserved
			*/
	uint32_t prev; /* RESERVED: reserved, in use or not */
};

struct pool {
	char name[64];
	uint32_t first, last;
	unsigned int used, reserved;
	struct place places[];
};

static bool
unicast(uint32_t first, uint32_t last)
{
	return first >= 0x01000000u && last < 0xe0000000u &&
	       (last < 0x7f000000u || first > 0x7fffffffu);
}

static void
append(struct pool *p, uint32_t i)
{
	uint32_t tail = p->places[0].prev;

	p->places[i] = (struct place){.next = 0, .prev = tail};
	p->places[tail].next = i;
	p->places[0].prev = i;
}

static void
unlink_free(struct pool *p, struct place *l)
{
	p->places[l->prev].next = l->next;
	p->places[l->next].prev = l->prev;
	l->prev = 0;
}

static void
take(struct pool *p, uint32_t i)
{
	struct place *l = &p->places[i];

	if (l->next != RESERVED)
		unlink_free(p, l);
	l->next = TAKEN;
	p->used++;
}

struct pool *
pool_new(const char *name, uint32_t first, uint32_t last, char *err, unsigned int errlen)
{
	const char *why = NULL;
	struct pool *p;
	uint32_t i;

	if (last <= first)
		why = "needs at least two addresses, the first of which is the server's";
	else if (!unicast(first, last))
		why = "holds addresses that are not unicast";
	else if (last - first >= POOL_MAX)
		why = "holds more than 1048576 addresses";
	if (why) {
		snprintf(err, errlen, "pool %s: the range %s", name, why);
		return NULL;
	}
	p = calloc(1, sizeof(*p) + (last - first + 1) * sizeof(p->places[0]));
	if (!p) {
		snprintf(err, errlen, "pool %s: out of memory", name);
		return NULL;
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->first = first;
	p->last = last;
	for (i = 1; i <= last - first; i++)
		append(p, i);
	return p;
}

void
pool_free(struct pool *p)
{
	free(p);
}

const char *
pool_name(const struct pool *p)
{
	return p->name;
}

uint32_t
pool_server_address(const struct pool *p)
{
	return p->first;
}

uint32_t
pool_last(const struct pool *p)
{
	return p->last;
}

uint32_t
pool_take(struct pool *p)
{
	uint32_t i = p->places[0].next;

	if (i == 0)
		return 0;
	take(p, i);
	return p->first + i;
}

int
pool_reserve(struct pool *p, uint32_t address)
{
	struct place *l;

	if (address <= p->first || address > p->last)
		return -ERANGE;
	l = &p->places[address - p->first];
	if (l->prev == RESERVED)
		return 0;
	if (l->next != TAKEN) {
		unlink_free(p, l);
		l->next = RESERVED;
	}
	l->prev = RESERVED;
	p->reserved++;
	return 0;
}

void
pool_unreserve(struct pool *p, uint32_t address)
{
	struct place *l;

	if (address <= p->first || address > p->last)
		return;
	l = &p->places[address - p->first];
	if (l->prev != RESERVED)
		return;
	p->reserved--;
	l->prev = 0;
	if (l->next == RESERVED)
		append(p, address - p->first);
}

int
pool_take_address(struct pool *p, uint32_t address)
{
	if (address <= p->first || address > p->last)
		return -ERANGE;
	if (p->places[address - p->first].next == TAKEN)
		return -EBUSY;
	take(p, address - p->first);
	return 0;
}

void
pool_release(struct pool *p, uint32_t address)
{
	if (address <= p->first || address > p->last || p->places[address - p->first].next != TAKEN)
		return;
	if (p->places[address - p->first].prev == RESERVED)
		p->places[address - p->first].next = RESERVED;
	else
		append(p, address - p->first);
	p->used--;
}

unsigned int
pool_size(const struct pool *p)
{
	return p->last - p->first;
}

unsigned int
pool_used(const struct pool *p)
{
	return p->used;
}

unsigned int
pool_reserved(const struct pool *p)
{
	return p->reserved;
}

bool
pool_empty(const struct pool *p)
{
	return p->places[0].next == 0;
}
