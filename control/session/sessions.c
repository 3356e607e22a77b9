/* SPDX-License-Identifier: BSD-3-Clause */
/* All sessions together. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/session/session.h"

/* A number for this host, for Acct-Session-Id: FNV-1a of its name. */
static uint32_t
node_number(void)
{
	char name[256] = "";
	uint32_t h = 2166136261u;
	gethostname(name, sizeof(name) - 1);
	for (const char *p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return h;
}

void
sessions_init(struct sessions *all, const struct session_env *env)
{
	memset(all, 0, sizeof(*all));
	all->env = *env;
	all->last_acct = (struct acct_id){.node = node_number(), .boot = (uint32_t)time(NULL)};
}

void
sessions_discard(struct sessions *all)
{
	table_free(&all->table);
}

uint32_t
sessions_staying(const struct sessions *all)
{
	const struct session *s;
	uint32_t n = 0;
	if (all->handing_over)
		TAILQ_FOREACH (s, &all->table.list, next)
			n += s->saved;
	return n;
}

void
sessions_refuse_new(struct sessions *all, bool hand_over)
{
	all->stopping = true;
	all->handing_over = hand_over;
}

void
sessions_close_all(struct sessions *all)
{
	struct session *s;
	TAILQ_FOREACH (s, &all->table.list, next)
		if (!all->handing_over || !s->saved)
			session_close(s, REFUSAL_SERVER_STOPPING, "");
}

void
sessions_teardown(struct sessions *all)
{
	struct session_counters last;
	struct session *s;
	while ((s = TAILQ_FIRST(&all->table.list))) {
		if (all->handing_over && s->saved) {
			session_free(s);
			continue;
		}
		link_counters(all->env.link, s->handle, &last);
		session_end(s, REFUSAL_SERVER_STOPPING, "");
		session_gone(s, &last);
	}
}

void
sessions_end_all(struct sessions *all)
{
	struct session *s;
	TAILQ_FOREACH (s, &all->table.list, next)
		session_end(s, REFUSAL_DATAPLANE_DOWN, "");
}

void
sessions_bury(struct sessions *all)
{
	struct session_counters last;
	struct session *s;
	while ((s = TAILQ_FIRST(&all->table.list))) {
		link_counters(all->env.link, s->handle, &last);
		session_gone(s, &last);
	}
	all->head = (struct journal_head){0};
}

unsigned int
sessions_close_weak(struct sessions *all)
{
	struct session *s;
	unsigned int n = 0;
	TAILQ_FOREACH (s, &all->table.list, next) {
		if (s->state != PHASE_UP || s->doomed || !session_weak(s))
			continue;
		session_close(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off");
		n++;
	}
	return n;
}
