/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of SAs: their commands and events, and the L2TP messages that go through them. */
#include <errno.h>
#include <string.h>

#include "control/link/internal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/api/frame.h"

#define L2TP_MIN \
	12 /* octets of a control message's header, RFC 2661 section 3.1; LCP echoes have \
	      more */

static struct slot *
sa_slot(const struct link *l, uint32_t sa)
{
	return l->connected ? slots_find(&l->sas, sa) : NULL;
}

/* ------------------------------------------------------------------ to the data plane */

uint32_t
link_max_sas(const struct link *l)
{
	return l->connected ? l->sas.size : 0;
}

uint32_t
link_sa_take(struct link *l, void *owner)
{
	return l->connected ? slots_take(&l->sas, owner) : 0;
}

void
link_sa_untake(struct link *l, uint32_t sa)
{
	struct command cmd = {.handle = sa};
	struct slot *s = sa_slot(l, sa);
	if (!s || s->state != SLOT_USED)
		return;
	link_command(l, COMMAND_SA_RELEASE, &cmd);
	slots_release(l, &l->sas, s);
}

void
link_sa_reserve(struct link *l, uint32_t sa, uint32_t peer_ip)
{
	struct command cmd = {.handle = sa, .sa_reserve = {peer_ip}};
	if (sa_slot(l, sa))
		link_command(l, COMMAND_SA_RESERVE, &cmd);
}

void *
link_sa_owner(const struct link *l, uint32_t sa)
{
	const struct slot *s = sa_slot(l, sa);
	return s && s->state == SLOT_USED ? s->owner : NULL;
}

/* -ENOTCONN, -ENOENT, or 0: there is such a pair. */
static int
sa_check(const struct link *l, uint32_t sa)
{
	const struct slot *s = sa_slot(l, sa);
	if (!l->connected)
		return -ENOTCONN;
	return s && s->state == SLOT_USED ? 0 : -ENOENT;
}

int
link_sa_add(struct link *l, uint32_t sa, const struct command_sa_add *add)
{
	struct command cmd = {.handle = sa, .sa_add = *add};
	int rc = sa_check(l, sa);
	if (rc == 0)
		rc = link_command(l, COMMAND_SA_ADD, &cmd);
	explicit_bzero(&cmd, sizeof(cmd));
	return rc;
}

int
link_sa_out(struct link *l, uint32_t sa, const struct command_sa_out *out)
{
	struct command cmd = {.handle = sa, .sa_out = *out};
	int rc = sa_check(l, sa);
	if (rc == 0)
		rc = link_command(l, COMMAND_SA_OUT, &cmd);
	explicit_bzero(&cmd, sizeof(cmd));
	return rc;
}

int
link_sa_update(struct link *l, uint32_t sa, const struct sa_outer *outer, uint32_t peer)
{
	struct command cmd = {.handle = sa, .sa_update = {*outer, peer}};
	int rc = sa_check(l, sa);
	return rc ? rc : link_command(l, COMMAND_SA_UPDATE, &cmd);
}

void
link_sa_close(struct link *l, uint32_t sa)
{
	struct slot *s = sa_slot(l, sa);
	if (s)
		slots_close(l, &l->sas, s);
}

int
link_l2tp_inject(struct link *l, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *to, const uint8_t *message, size_t len)
{
	static const struct sa_outer as_ever;
	uint8_t data[FRAME_MAX];
	int rc = sa ? sa_check(l, sa) : l->connected ? 0 : -ENOTCONN;
	if (rc)
		return rc;
	if (len < L2TP_MIN || len > sizeof(data) - sizeof(*inner))
		return -EMSGSIZE;
	memcpy(data, inner, sizeof(*inner));
	memcpy(data + sizeof(*inner), message, len);
	return link_send_frame(l, FRAME_L2TP, sa, to ? to : &as_ever, data, sizeof(*inner) + len);
}

/* ------------------------------------------------------------------ questions */

uint64_t
link_now_us(const struct link *l)
{
	return l->map.header ? atomic_load_explicit(&l->map.header->now_us, memory_order_relaxed)
			     : 0;
}

void
link_sa_counters(const struct link *l, uint32_t sa, struct sa_counters *out)
{
	memset(out, 0, sizeof(*out));
	/* Also during down(), when nothing is "connected" any more. */
	if (!l->map.header || SA_SLOT(sa) >= l->sas.size)
		return;
	const struct sa_counters *all = link_part(l, l->map.offsets.sa_counters);
	memcpy(out, &all[SA_SLOT(sa)], sizeof(*out));
}

bool
link_sa_entry(const struct link *l, uint32_t sa, struct sa_entry *out)
{
	memset(out, 0, sizeof(*out));
	if (!l->map.header || SA_SLOT(sa) >= l->sas.size)
		return false;
	const struct sa_entry *all = link_part(l, l->map.offsets.sas);
	memcpy(out, &all[SA_SLOT(sa)], sizeof(*out));
	if (out->owner >= l->map.n_workers)
		out->owner = 0;
	return sa != 0 && out->handle == sa;
}

/* ------------------------------------------------------------------ from the data plane */

void
link_sa_slot_gone(struct link *l, struct slot *s, const struct sa_counters *last)
{
	void *owner = s->owner;
	slots_release(l, &l->sas, s);
	if (owner && l->ops->sa_gone)
		l->ops->sa_gone(owner, last);
}

/* The slot was refused: a pair that an earlier control had still in its ring may sit there. */
static void
close_stranger(struct link *l, const struct slot *s)
{
	struct sa_entry e;
	uint32_t i = (uint32_t)(s - l->sas.slot);
	link_sa_entry(l, i, &e);
	struct command cmd = {.handle = e.handle};
	if (e.handle && SA_SLOT(e.handle) == i && SA_GEN(e.handle) != s->gen)
		link_command(l, COMMAND_SA_CLOSE, &cmd);
}

void
link_sa_ack(struct link *l, const struct event *e)
{
	static const struct sa_counters none;
	/* Help for a peer's first packets: without it they are lost, and nothing else. */
	if (e->cookie == COMMAND_SA_RESERVE || e->cookie == COMMAND_SA_RELEASE)
		return;
	struct slot *s = slots_of_record(l, &l->sas, e->handle);
	if (!s)
		return;
	if (e->cookie == COMMAND_SA_CLOSE) {
		if (e->status == -ENOENT && s->state == SLOT_CLOSING)
			link_sa_slot_gone(l, s, &none); /* it never was */
		return;
	}
	if (e->cookie == COMMAND_SA_ADD && e->status < 0)
		close_stranger(l, s);
	if (s->owner && s->state == SLOT_USED && l->ops->sa_done)
		l->ops->sa_done(s->owner, (enum command_type)e->cookie, e->status);
}

/* Native ESP has no ports, ESP in UDP has both. */
static bool
outer_valid(const struct sa_outer *o)
{
	return o->server_ip && o->peer_ip && !o->server_port == !o->peer_port;
}

void
link_sa_event(struct link *l, const struct event *e)
{
	if ((e->type == EVENT_SA_EXPIRE && (uint32_t)e->status > SA_EXPIRE_HARD_OUT) ||
		(e->type == EVENT_SA_MAPPING && !outer_valid(&e->mapping))) {
		l->stats.bad_records++;
		return;
	}
	struct slot *s = slots_of_record(l, &l->sas, e->handle);
	if (!s)
		return;
	if (e->type == EVENT_SA_GONE) {
		link_sa_slot_gone(l, s, &e->sa);
		return;
	}
	if (!s->owner || s->state != SLOT_USED)
		return;
	if (e->type == EVENT_SA_EXPIRE && l->ops->sa_expire)
		l->ops->sa_expire(s->owner, (enum sa_expiry)e->status);
	else if (e->type == EVENT_SA_MAPPING && l->ops->sa_mapping)
		l->ops->sa_mapping(s->owner, &e->mapping);
}

void
link_l2tp_frame(struct link *l, const struct frame_record *f)
{
	static const struct sa_outer as_ever;
	struct sa_outer inner;
	bool elsewhere = memcmp(&f->outer, &as_ever, sizeof(as_ever)) != 0;
	if (f->length < sizeof(inner) + L2TP_MIN ||
		(elsewhere && (!f->handle || !outer_valid(&f->outer) || !f->outer.peer_port))) {
		l->stats.bad_records++;
		return;
	}
	if (f->handle) {
		const struct slot *s = slots_of_record(l, &l->sas, f->handle);
		if (!s || !s->owner || s->state != SLOT_USED)
			return;
	}
	memcpy(&inner, f->data, sizeof(inner));
	if (!outer_valid(&inner) || !inner.server_port) {
		l->stats.bad_records++;
		return;
	}
	if (l->ops->l2tp_frame)
		l->ops->l2tp_frame(l->user, f->handle, &inner, elsewhere ? &f->outer : NULL,
			f->data + sizeof(inner), f->length - sizeof(inner));
}
