/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * charon would rekey with its whole list of proposals, and where one of them has a group it asks
 * for PFS.  Ours has all of them with a group and without (F1), and a peer refuses what is not its
 * own choice: so ours asks for what the last Quick Mode agreed on, a group or none.
 */
#include "rekey.h"

#include <daemon.h>
#include <processing/jobs/callback_job.h>
#include <sa/ikev1/task_manager_v1.h>
#include <sa/ikev1/tasks/quick_mode.h>

struct due {
	uint32_t spi;
	host_t *dst;
};

static void
due_free(void *data)
{
	struct due *d = data;

	d->dst->destroy(d->dst);
	free(d);
}

/* The connection may have changed since: weak algorithms on or off.  Gives a reference. */
static child_cfg_t *
present_config(ike_sa_t *ike_sa, child_sa_t *child_sa)
{
	child_cfg_t *child = NULL, *at;
	peer_cfg_t *peer =
		charon->backends->get_peer_cfg_by_name(charon->backends, ike_sa->get_name(ike_sa));

	if (peer) {
		enumerator_t *e = peer->create_child_cfg_enumerator(peer);
		while (!child && e->enumerate(e, &at))
			if (streq(at->get_name(at), child_sa->get_name(child_sa)))
				child = at->get_ref(at);
		e->destroy(e);
		peer->destroy(peer);
	}
	if (!child) {
		child = child_sa->get_config(child_sa);
		child->get_ref(child);
	}
	return child;
}

static void
add_proposals(child_cfg_t *to, child_cfg_t *from, child_sa_t *child_sa)
{
	proposal_t *last = child_sa->get_proposal(child_sa), *p;
	linked_list_t *list = from->get_proposals(from, TRUE);
	uint16_t group = KE_NONE;

	if (!last || !last->get_algorithm(last, KEY_EXCHANGE_METHOD, &group, NULL))
		group = KE_NONE;
	while (list->remove_first(list, (void **)&p) == SUCCESS) {
		if (group != KE_NONE)
			p->add_algorithm(p, KEY_EXCHANGE_METHOD, group, 0);
		to->add_proposal(to, p);
	}
	list->destroy(list);
}

static child_cfg_t *
config_as_agreed(ike_sa_t *ike_sa, child_sa_t *child_sa)
{
	child_cfg_t *from = present_config(ike_sa, child_sa);
	lifetime_cfg_t *life = from->get_lifetime(from, FALSE);
	child_cfg_create_t create = {
		.options = from->has_option(from, OPT_SHA256_96) ? OPT_SHA256_96 : 0,
		.mode = from->get_mode(from),
		.lifetime = *life,
		.dpd_action = from->get_dpd_action(from),
	};
	child_cfg_t *to = child_cfg_create(from->get_name(from), &create);

	free(life);
	to->set_replay_window(to, from->get_replay_window(from));
	add_proposals(to, from, child_sa);
	from->destroy(from);
	return to;
}

static traffic_selector_t *
first_selector(child_sa_t *child_sa, bool local)
{
	enumerator_t *e = child_sa->create_ts_enumerator(child_sa, local);
	traffic_selector_t *ts = NULL;

	e->enumerate(e, &ts);
	e->destroy(e);
	return ts;
}

static bool
is_older(child_sa_t *child_sa, child_sa_t *other)
{
	return other->get_lifetime(other, FALSE) > child_sa->get_lifetime(child_sa, FALSE);
}

static void
queue_rekey(ike_sa_t *ike_sa, child_sa_t *child_sa)
{
	if (child_sa->get_state(child_sa) != CHILD_INSTALLED)
		return;
	/* The peer was first. */
	if (ikev1_child_sa_is_redundant(ike_sa, child_sa, is_older)) {
		child_sa->set_state(child_sa, CHILD_REKEYED);
		return;
	}
	child_sa->set_state(child_sa, CHILD_REKEYING);
	quick_mode_t *task = quick_mode_create(ike_sa, config_as_agreed(ike_sa, child_sa),
		first_selector(child_sa, TRUE), first_selector(child_sa, FALSE));
	task->use_reqid(task, child_sa->get_reqid(child_sa));
	task->rekey(task, child_sa->get_spi(child_sa, TRUE));
	ike_sa->queue_task(ike_sa, &task->task);
}

static job_requeue_t
rekey_now(void *data)
{
	struct due *d = data;
	child_sa_t *child_sa = NULL;
	ike_sa_t *ike_sa = charon->child_sa_manager->checkout(
		charon->child_sa_manager, PROTO_ESP, d->spi, d->dst, &child_sa);

	if (!ike_sa)
		return JOB_REQUEUE_NONE;
	if (ike_sa->get_version(ike_sa) == IKEV1 && child_sa)
		queue_rekey(ike_sa, child_sa);
	if (ike_sa->initiate(ike_sa, NULL, NULL) == DESTROY_ME)
		charon->ike_sa_manager->checkin_and_destroy(charon->ike_sa_manager, ike_sa);
	else
		charon->ike_sa_manager->checkin(charon->ike_sa_manager, ike_sa);
	return JOB_REQUEUE_NONE;
}

void
rekey_later(uint32_t spi, host_t *dst)
{
	struct due *d = malloc(sizeof(*d));

	if (!d)
		return;
	*d = (struct due){.spi = spi, .dst = dst->clone(dst)};
	lib->processor->queue_job(
		lib->processor, (job_t *)callback_job_create(rekey_now, d, due_free, NULL));
}
