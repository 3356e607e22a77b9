/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots of sessions and of pairs of SAs: taken, closed until the data plane confirms, adopted. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "control/core/log.h"
#include "control/link/internal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/session.h"

#define CONFIRM_TIMEOUT_MS 10000 /* CLOSE without its event: repeat it */
#define SWEEP_MS           1000
#define GENERATIONS        4095

static_assert(
	SESSION_SLOT_BITS == SA_SLOT_BITS && SA_GENERATIONS == GENERATIONS, "one shape of handle");

/* ------------------------------------------------------------------ one table */

bool
slots_init(struct slots *t, uint32_t size, enum command_type close)
{
	*t = (struct slots){.size = size, .close = close};
	if (size == 0)
		return true;
	t->slot = calloc(size, sizeof(*t->slot));
	t->free = calloc(size, sizeof(*t->free));
	return t->slot && t->free;
}

void
slots_clear(struct slots *t)
{
	free(t->slot);
	free(t->free);
	*t = (struct slots){0};
}

struct slot *
slots_find(const struct slots *t, uint32_t handle)
{
	if (handle == 0 || SESSION_SLOT(handle) >= t->size)
		return NULL;
	struct slot *s = &t->slot[SESSION_SLOT(handle)];
	return s->state != SLOT_FREE && s->gen == SESSION_GEN(handle) ? s : NULL;
}

uint32_t
slots_handle(const struct slots *t, const struct slot *s)
{
	return session_handle((uint32_t)(s - t->slot), s->gen);
}

uint32_t
slots_take(struct slots *t, void *owner)
{
	if (t->n_free == 0)
		return 0;
	uint32_t i = t->free[t->free_head];
	t->free_head = (t->free_head + 1) % t->size;
	t->n_free--;
	struct slot *s = &t->slot[i];
	s->gen = (uint16_t)(s->gen % GENERATIONS + 1);
	s->state = SLOT_USED;
	s->owner = owner;
	return session_handle(i, s->gen);
}

void
slots_release(struct link *l, struct slots *t, struct slot *s)
{
	if (s->state == SLOT_CLOSING)
		t->n_closing--;
	if (s->overdue)
		l->stats.unconfirmed--;
	s->overdue = false;
	s->owner = NULL;
	s->state = SLOT_FREE;
	t->free[(t->free_head + t->n_free++) % t->size] = (uint32_t)(s - t->slot);
}

static void
send_close(struct link *l, struct slots *t, struct slot *s)
{
	struct command cmd = {.handle = slots_handle(t, s)};
	/* A full queue is no loss: the sweep comes again. */
	link_command(l, t->close, &cmd);
	s->close_sent_ms = uv_now(l->loop);
}

void
slots_close(struct link *l, struct slots *t, struct slot *s)
{
	if (s->state == SLOT_CLOSING)
		return;
	s->state = SLOT_CLOSING;
	t->n_closing++;
	send_close(l, t, s);
}

struct slot *
slots_of_record(struct link *l, struct slots *t, uint32_t handle)
{
	struct slot *s = slots_find(t, handle);
	if (s)
		return s;
	if (handle == 0 || SESSION_GEN(handle) == 0 || SESSION_SLOT(handle) >= t->size)
		l->stats.bad_records++;
	else
		l->stats.stale_records++;
	return NULL;
}

/* ------------------------------------------------------------------ both tables */

/* Slot i, where the data plane has `handle`: true when it is to be adopted. */
static bool
slot_first(struct link *l, struct slots *t, uint32_t i, uint32_t handle, uint16_t gen)
{
	struct slot *s = &t->slot[i];
	if (handle && SESSION_SLOT(handle) == i && SESSION_GEN(handle) != 0) {
		s->gen = (uint16_t)SESSION_GEN(handle);
		s->state = SLOT_USED;
		return true;
	}
	l->stats.bad_records += handle != 0;
	s->gen = gen;
	t->free[t->n_free++] = i;
	return false;
}

void
link_adopt_slots(struct link *l)
{
	const struct session_entry *sessions = link_part(l, l->map.offsets.sessions);
	const struct sa_entry *sas = link_part(l, l->map.offsets.sas);
	uint16_t gen = 1;
	if (getrandom(&gen, sizeof(gen), 0) == sizeof(gen))
		gen = (uint16_t)(gen % GENERATIONS + 1);
	for (uint32_t i = 0; i < l->sas.size; i++) {
		struct sa_entry e;
		memcpy(&e, &sas[i], sizeof(e));
		if (!slot_first(l, &l->sas, i, e.handle, gen))
			continue;
		struct slot *s = &l->sas.slot[i];
		s->owner = l->ops->sa_orphan ? l->ops->sa_orphan(l->user, &e) : NULL;
		if (!s->owner)
			slots_close(l, &l->sas, s);
	}
	for (uint32_t i = 0; i < l->sessions.size; i++) {
		struct session_entry e;
		memcpy(&e, &sessions[i], sizeof(e));
		if (!slot_first(l, &l->sessions, i, e.handle, gen))
			continue;
		e.user[sizeof(e.user) - 1] = '\0';
		struct slot *s = &l->sessions.slot[i];
		s->owner = l->ops->orphan(l->user, &e);
		if (!s->owner || !l->ops->adopt)
			slots_close(l, &l->sessions, s);
	}
	if (l->ops->adopt)
		l->ops->adopt(l->user);
}

/* What went wrong since the last time. */
static void
report(struct link *l)
{
	const struct link_stats *now = &l->stats;
	struct link_stats *then = &l->reported;
	if (now->bad_records != then->bad_records)
		log_event(LOG_ERR, "dataplane-bad-records",
			"text=\"invalid records of the data plane were ignored\" records=%llu",
			(unsigned long long)(now->bad_records - then->bad_records));
	if (now->queue_full != then->queue_full)
		log_event(LOG_ERR, "dataplane-overload",
			"text=\"the data plane does not keep up with control\" lost_records=%llu",
			(unsigned long long)(now->queue_full - then->queue_full));
	*then = *now;
}

/* The data plane owes confirmations.  A slot, its call ID and its address stay taken until then:
 * better a port less than two clients with one address. */
static void
sweep(struct link *l, struct slots *t, const char *what)
{
	uint64_t now = uv_now(l->loop);
	uint32_t repeated = 0;
	for (uint32_t i = 0; t->n_closing && i < t->size; i++) {
		struct slot *s = &t->slot[i];
		if (s->state != SLOT_CLOSING || now - s->close_sent_ms < CONFIRM_TIMEOUT_MS)
			continue;
		if (!s->overdue)
			l->stats.unconfirmed++;
		s->overdue = true;
		repeated++;
		send_close(l, t, s);
	}
	if (repeated) {
		l->stats.close_repeated += repeated;
		log_event(LOG_ERR, "dataplane-silent",
			"text=\"the end of %s is not confirmed; asked again\" %s=%u", what, what,
			repeated);
	}
}

void
link_sweep(struct link *l)
{
	uint64_t now = uv_now(l->loop);
	if (now < l->next_sweep_ms)
		return;
	l->next_sweep_ms = now + SWEEP_MS;
	report(l);
	sweep(l, &l->sessions, "sessions");
	sweep(l, &l->sas, "sas");
}

/* ------------------------------------------------------------------ sessions */

uint32_t
link_take(struct link *l, void *owner)
{
	return l->connected ? slots_take(&l->sessions, owner) : 0;
}

void
link_untake(struct link *l, uint32_t handle)
{
	struct slot *s = l->connected ? slots_find(&l->sessions, handle) : NULL;
	if (s && s->state == SLOT_USED)
		slots_release(l, &l->sessions, s);
}

void
link_close(struct link *l, uint32_t handle)
{
	struct slot *s = l->connected ? slots_find(&l->sessions, handle) : NULL;
	if (s)
		slots_close(l, &l->sessions, s);
}
