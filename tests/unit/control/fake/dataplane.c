/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop.h"

void
fake_init(struct fake *f, uv_loop_t *loop, const char *path)
{
	memset(f, 0, sizeof(*f));
	f->loop = loop;
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->n_workers = 2;
	f->max_sessions = 256;
	f->hello_version = f->header_version = SEGMENT_VERSION;
	f->listener = f->client = f->memfd = f->event_fd = f->wake_fd = -1;
}

void
fake_make_segment(struct fake *f)
{
	if (f->seg)
		return;
	f->size = segment_layout(NULL, f->n_workers, f->max_sessions, f->max_sas);
	f->memfd = memfd_create("fake", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must(f->memfd >= 0 && ftruncate(f->memfd, (off_t)f->size) == 0, "memfd");
	f->seg = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);
	must(f->seg != MAP_FAILED, "mmap");
	struct segment_header *h = f->seg;
	segment_layout(h, f->n_workers, f->max_sessions, f->max_sas);
	uint8_t *base = (uint8_t *)h;
	command_ring_attach(&f->command_ring, base + h->command_ring, false);
	ring_attach(&f->injects, base + h->inject_ring, INJECT_RING_CAPACITY,
		sizeof(struct frame_record), false);
	ring_attach(
		&f->events, base + h->event_ring, EVENT_RING_CAPACITY, sizeof(struct event), true);
	for (uint32_t i = 0; i < f->n_workers; i++)
		ring_attach(&f->punts[i], base + h->punt_rings[i], PUNT_RING_CAPACITY,
			sizeof(struct frame_record), true);
	h->magic = SEGMENT_MAGIC;
	h->version = f->header_version;
	h->size = f->size;
	h->n_workers = f->header_workers ? f->header_workers : f->n_workers;
	h->max_sessions = f->max_sessions;
	h->max_sas = f->max_sas;
}

static uint8_t *
base_of(struct fake *f)
{
	return (uint8_t *)f->seg;
}

/* The layout as it should be, whatever lies stand in the header. */
static struct segment_header *
layout_of(struct fake *f)
{
	static struct segment_header h;
	segment_layout(&h, f->n_workers, f->max_sessions, f->max_sas);
	return &h;
}

struct session_entry *
fake_entry(struct fake *f, uint32_t slot)
{
	return (struct session_entry *)(base_of(f) + layout_of(f)->sessions) + slot;
}

struct session_counters *
fake_counters(struct fake *f, uint32_t slot)
{
	return (struct session_counters *)(base_of(f) + layout_of(f)->session_counters) + slot;
}

struct sa_entry *
fake_sa(struct fake *f, uint32_t slot)
{
	return (struct sa_entry *)(base_of(f) + layout_of(f)->sas) + slot;
}

struct sa_counters *
fake_sa_counters(struct fake *f, uint32_t slot)
{
	return (struct sa_counters *)(base_of(f) + layout_of(f)->sa_counters) + slot;
}

unsigned int
fake_live_sas(struct fake *f)
{
	unsigned int n = 0;
	for (uint32_t i = 0; f->seg && i < f->max_sas; i++)
		n += fake_sa(f, i)->handle != 0;
	return n;
}

unsigned int
fake_live(struct fake *f)
{
	unsigned int n = 0;
	for (uint32_t i = 0; f->seg && i < f->max_sessions; i++)
		n += fake_entry(f, i)->handle != 0;
	return n;
}

uint32_t
fake_handle_of(struct fake *f, enum tunnel_protocol protocol, uint16_t call_id)
{
	for (uint32_t i = 0; f->seg && i < f->max_sessions; i++)
		if (fake_entry(f, i)->handle && fake_entry(f, i)->protocol == protocol &&
			fake_entry(f, i)->call_id == call_id)
			return fake_entry(f, i)->handle;
	return 0;
}

static void
wake_control(struct fake *f)
{
	uint64_t one = 1;
	must(write(f->event_fd, &one, sizeof(one)) == sizeof(one), "eventfd");
}

bool
fake_raw_event(struct fake *f, const struct event *e)
{
	void *at = f->connected ? ring_produce(&f->events) : NULL;
	if (!at)
		return false;
	memcpy(at, e, sizeof(*e));
	ring_produced(&f->events);
	wake_control(f);
	return true;
}

bool
fake_event(struct fake *f, uint8_t type, uint32_t handle, uint64_t cookie, int status)
{
	struct event e = {.version = RECORD_VERSION,
		.type = type,
		.length = sizeof(e),
		.handle = handle,
		.cookie = cookie,
		.status = status};
	if (type == EVENT_SESSION_GONE)
		e.final = *fake_counters(f, SESSION_SLOT(handle));
	if (type == EVENT_SA_GONE)
		e.sa = *fake_sa_counters(f, SA_SLOT(handle));
	return fake_raw_event(f, &e);
}

bool
fake_raw_frame(struct fake *f, const struct frame_record *r)
{
	struct ring *ring = &f->punts[r->handle % f->n_workers];
	void *at = f->connected ? ring_produce(ring) : NULL;
	if (!at)
		return false;
	memcpy(at, r, sizeof(*r));
	ring_produced(ring);
	wake_control(f);
	return true;
}

bool
fake_punt(struct fake *f, uint32_t handle, const uint8_t *frame, size_t len)
{
	struct frame_record r = {
		.version = RECORD_VERSION, .length = (uint16_t)len, .handle = handle};
	memcpy(r.data, frame, len);
	if (f->connected && !f->peer_seen[SESSION_SLOT(handle)]) {
		f->peer_seen[SESSION_SLOT(handle)] = true;
		fake_event(f, EVENT_PEER_SEEN, handle, 0, 0);
	}
	return fake_raw_frame(f, &r);
}

bool
fake_punt_l2tp_from(struct fake *f, uint32_t sa, const struct sa_outer *inner,
	const struct sa_outer *from, const uint8_t *message, size_t len)
{
	struct frame_record r = {.version = RECORD_VERSION,
		.kind = FRAME_L2TP,
		.length = (uint16_t)(sizeof(*inner) + len),
		.handle = sa};
	memcpy(r.data, inner, sizeof(*inner));
	memcpy(r.data + sizeof(*inner), message, len);
	if (from)
		r.outer = *from;
	return fake_raw_frame(f, &r);
}

bool
fake_punt_l2tp(struct fake *f, uint32_t sa, const struct sa_outer *inner, const uint8_t *message,
	size_t len)
{
	return fake_punt_l2tp_from(f, sa, inner, NULL, message, len);
}

/* ------------------------------------------------------------------ obeying */

static int
obey_sa(struct fake *f, const struct command *c)
{
	if (SA_SLOT(c->handle) >= f->max_sas || SA_GEN(c->handle) == 0)
		return -EINVAL;
	struct sa_entry *e = fake_sa(f, SA_SLOT(c->handle));
	if (c->type == COMMAND_SA_RESERVE || c->type == COMMAND_SA_RELEASE)
		return 0;
	if (c->type == COMMAND_SA_ADD) {
		if (e->handle)
			return -EBUSY;
		must(c->sa_add.peer != 0 && c->sa_add.outer.peer_ip != 0, "peer of a pair");
		*e = (struct sa_entry){.handle = c->handle,
			.peer = c->sa_add.peer,
			.outer = c->sa_add.outer,
			.encryption = c->sa_add.keys.encryption,
			.integrity = c->sa_add.keys.integrity,
			.esn = c->sa_add.esn,
			.opened_us = f->seg->now_us};
		memset(fake_sa_counters(f, SA_SLOT(c->handle)), 0, sizeof(struct sa_counters));
		return 0;
	}
	if (e->handle != c->handle)
		return -ENOENT;
	if (c->type == COMMAND_SA_OUT) {
		e->out_spi = c->sa_out.spi;
	} else if (c->type == COMMAND_SA_UPDATE) {
		e->outer = c->sa_update.outer;
		if (c->sa_update.peer)
			e->peer = c->sa_update.peer;
	} else if (!f->no_gone) {
		e->handle = 0;
		fake_event(f, EVENT_SA_GONE, c->handle, c->cookie, 0);
	}
	return 0;
}

static int
obey(struct fake *f, const struct command *c)
{
	if (c->type == COMMAND_GATEWAY)
		return 0;
	if (c->type >= COMMAND_SA_ADD)
		return obey_sa(f, c);
	if (SESSION_SLOT(c->handle) >= f->max_sessions)
		return -EINVAL;
	struct session_entry *e = fake_entry(f, SESSION_SLOT(c->handle));
	if (c->type == COMMAND_SESSION_ADD) {
		if (e->handle)
			return -EBUSY;
		*e = (struct session_entry){.handle = c->handle,
			.server_ip = c->add.server_ip,
			.peer_ip = c->add.peer_ip,
			.call_id = c->add.call_id,
			.peer_call_id = c->add.peer_call_id,
			.protocol = c->add.protocol,
			.tunnel_id = c->add.tunnel_id,
			.peer_tunnel_id = c->add.peer_tunnel_id,
			.sa = c->add.sa,
			.peer = c->add.peer,
			.state = SESSION_NEGOTIATING};
		f->peer_seen[SESSION_SLOT(c->handle)] = false;
		memset(fake_counters(f, SESSION_SLOT(c->handle)), 0,
			sizeof(struct session_counters));
		return 0;
	}
	if (e->handle != c->handle)
		return -ENOENT;
	switch (c->type) {
	case COMMAND_SESSION_MPPE:
		e->mppe_tx = c->mppe.tx.strength;
		e->mppe_rx = c->mppe.rx.strength;
		return 0;
	case COMMAND_SESSION_OPEN:
		for (uint32_t i = 0; i < f->max_sessions; i++)
			must(fake_entry(f, i)->handle == 0 ||
					fake_entry(f, i)->inner_ip != c->open.inner_ip,
				"two sessions with one address");
		e->inner_ip = c->open.inner_ip;
		e->state = SESSION_OPEN;
		memcpy(e->user, c->open.user, sizeof(e->user));
		return 0;
	case COMMAND_SESSION_SA:
		e->sa = c->session_sa.sa;
		return 0;
	case COMMAND_SESSION_CLOSE:
		if (!f->no_gone) {
			e->handle = 0;
			fake_event(f, EVENT_SESSION_GONE, c->handle, c->cookie, 0);
		}
		return 0;
	default:
		return 0;
	}
}

static void
pump_commands(struct fake *f)
{
	static union command_record record;
	enum command_verdict v;
	uint32_t cells;
	while ((v = command_take(&f->command_ring, &record, &cells)) != COMMAND_NONE) {
		struct command c = record.cmd;
		command_taken(&f->command_ring, cells);
		must(v == COMMAND_WHOLE && c.version == RECORD_VERSION &&
				c.length == command_size(c.type).most && c.type < 16,
			"command record");
		f->commands[c.type]++;
		f->last[c.type] = c;
		if (f->command)
			f->command(f->user, &c);
		int rc = c.type == f->refuse_type ? f->refuse_error : obey(f, &c);
		fake_event(f, EVENT_ACK, c.handle, c.cookie, rc);
	}
}

static void
take_l2tp(struct fake *f, const struct frame_record *r)
{
	struct sa_outer inner;
	must(r->length > sizeof(inner), "L2TP frame record");
	memcpy(&inner, r->data, sizeof(inner));
	bool known = r->handle == 0 || (SA_SLOT(r->handle) < f->max_sas &&
					       fake_sa(f, SA_SLOT(r->handle))->handle == r->handle);
	f->to = r->outer;
	if (known && f->l2tp)
		f->l2tp(f->user, r->handle, &inner, r->data + sizeof(inner),
			r->length - sizeof(inner));
}

/* Commands are drained before each frame, as the real one does. */
void
fake_pump(struct fake *f)
{
	const void *shared;
	if (f->deaf || !f->connected)
		return;
	pump_commands(f);
	while (f->connected && (shared = ring_consume(&f->injects))) {
		struct frame_record r;
		memcpy(&r, shared, sizeof(r));
		ring_consumed(&f->injects);
		must(r.version == RECORD_VERSION && r.length >= 2 && r.length <= FRAME_MAX,
			"frame record");
		f->frames++;
		if (r.kind == FRAME_L2TP) {
			take_l2tp(f, &r);
			if (f->connected)
				pump_commands(f);
			continue;
		}
		bool known = SESSION_SLOT(r.handle) < f->max_sessions &&
			     fake_entry(f, SESSION_SLOT(r.handle))->handle == r.handle;
		if (known && f->frame)
			f->frame(f->user, r.handle, r.data, r.length);
		if (f->connected)
			pump_commands(f);
	}
}
