/* SPDX-License-Identifier: BSD-3-Clause */
/* What ESP's nodes share. */
#ifndef ADIT_DATAPLANE_NODES_ESP_H
#define ADIT_DATAPLANE_NODES_ESP_H

#include <netinet/in.h>

#include <rte_udp.h>

#include "crypto/esp.h"
#include "dataplane/api/event.h"
#include "dataplane/nodes/node.h"

/* EVENT_SA_EXPIRE, once for each kind and control process, whose predecessor may have died with it
 * (T19); again with the next packet if there was no room for it. */
static inline void
esp_tell_expiry(struct worker *w, struct sa *sa, uint32_t handle, enum sa_expiry what)
{
	const struct worker_event e = {.handle = handle, .type = EVENT_SA_EXPIRE, .status = what};
	uint32_t control = atomic_load_explicit(&settings.control, memory_order_relaxed);

	if (sa->run.told_to != control) {
		sa->run.told_to = control;
		sa->run.expiry_told = 0;
	}
	if (!(sa->run.expiry_told & 1u << what) && worker_event_post(w, &e))
		sa->run.expiry_told |= 1u << what;
}

/* soft: SA_EXPIRE_SOFT_IN or SA_EXPIRE_SOFT_OUT; the hard one follows it. */
static inline void
esp_check_life(struct worker *w, struct sa *sa, const struct esp_sa *e, uint32_t handle,
	enum sa_expiry soft)
{
	if (likely(esp_sa_in_life(e)))
		return;
	esp_tell_expiry(w, sa, handle, esp_sa_life(e) == ESP_LIFE_HARD ? soft + 1 : soft);
}
static_assert(
	SA_EXPIRE_HARD_IN == SA_EXPIRE_SOFT_IN + 1 && SA_EXPIRE_HARD_OUT == SA_EXPIRE_SOFT_OUT + 1,
	"hard follows soft");

/* Take a packet of esp_input's, with meta->sa and meta->handle, whose SPI is nobody's yet.  False:
 * no room, it is the caller's still. */
bool esp_early_hold(struct worker *w, struct rte_mbuf *m);
/* At most max held packets for out: those whose SA has come; with meta->sa NULL those that have
 * waited long enough. */
unsigned int esp_early_due(struct worker *w, struct rte_mbuf **out, unsigned int max);

#endif
