/* SPDX-License-Identifier: BSD-3-Clause */
/* Control's commands about pairs of SAs: every field is hostile (T21). */
#include <errno.h>
#include <string.h>

#include "dataplane/api/command.h"
#include "dataplane/api/event.h"
#include "dataplane/fib.h"
#include "dataplane/sa.h"
#include "dataplane/segment.h"
#include "dataplane/worker.h"
#include "dataplane/writer_internal.h"

static struct sa_entry *entries;
static struct sa_counters *counters;

void
writer_sa_init(void)
{
	entries = segment_part(segment_offsets.sas);
	counters = segment_part(segment_offsets.sa_counters);
}

/* Native, or in UDP on our port 4500. */
static bool
is_outer(const struct sa_outer *o)
{
	if (!is_unicast(o->server_ip) || !is_unicast(o->peer_ip))
		return false;
	return o->server_port == 0 ? o->peer_port == 0
				   : o->server_port == NAT_T_PORT && o->peer_port != 0;
}

static int
do_add(const struct command *cmd, uint64_t now_us)
{
	const struct command_sa_add *c = &cmd->sa_add;
	uint32_t slot = SA_SLOT(cmd->handle);
	if (slot >= sas.max || !is_outer(&c->outer) || c->reserved)
		return -EINVAL;
	uint32_t v = fib_lookup(rte_cpu_to_be_32(c->outer.server_ip));
	if (FIB_TYPE(v) != FIB_LOCAL || FIB_INDEX(v) == FIB_LOCAL_INNER)
		return -EADDRNOTAVAIL;
	if (sas.slots[slot].cfg.state != SA_FREE)
		return -EBUSY;
	uint8_t owner = worker_for_outer(
		rte_cpu_to_be_32(c->outer.peer_ip), rte_cpu_to_be_32(c->outer.server_ip));
	memset(&counters[slot], 0, sizeof(counters[slot]));
	int rc = sa_add(cmd->handle, c, owner, &counters[slot]);
	if (rc)
		return rc;
	sas.slots[slot].cold.opened_us = now_us;
	entries[slot] = (struct sa_entry){.handle = cmd->handle,
		.peer = c->peer,
		.outer = c->outer,
		.encryption = c->keys.encryption,
		.integrity = c->keys.integrity,
		.owner = owner,
		.esn = c->esn,
		.opened_us = now_us};
	return 0;
}

static int
do_out(struct sa *sa, const struct command *cmd)
{
	int rc = sa_set_outbound(sa, &cmd->sa_out);
	if (rc == 0)
		entries[SA_SLOT(cmd->handle)].out_spi = cmd->sa_out.spi;
	return rc;
}

/* Only the peer's side can change: our address and the encapsulation are the SA's. */
static int
do_update(struct sa *sa, const struct command *cmd)
{
	const struct sa_outer *o = &cmd->sa_update.outer;
	if (!is_outer(o) || rte_cpu_to_be_32(o->server_ip) != sa->cfg.server_ip_be ||
		rte_cpu_to_be_16(o->server_port) != sa->cfg.server_port_be)
		return -EINVAL;
	int rc = writer_pass_on(sa->cfg.owner, sa, cmd);
	if (rc)
		return rc;
	/* What the owner is on its way to, and its next hop, also when routes change meanwhile. */
	sa_move(sa, rte_cpu_to_be_32(o->peer_ip), rte_cpu_to_be_16(o->peer_port));
	if (cmd->sa_update.peer)
		sa->cold.peer = entries[SA_SLOT(cmd->handle)].peer = cmd->sa_update.peer;
	entries[SA_SLOT(cmd->handle)].outer = *o;
	return 0;
}

int
writer_sa_apply(const struct command *cmd, uint64_t now_us)
{
	if (cmd->type == COMMAND_SA_ADD)
		return do_add(cmd, now_us);
	if (cmd->type == COMMAND_SA_RESERVE)
		return is_unicast(cmd->sa_reserve.peer_ip)
			       ? sa_reserve(cmd->handle, rte_cpu_to_be_32(cmd->sa_reserve.peer_ip))
			       : -EINVAL;
	if (cmd->type == COMMAND_SA_RELEASE) {
		sa_release(cmd->handle);
		return 0;
	}
	struct sa *sa = sa_by_handle(cmd->handle);
	if (!sa)
		return -ENOENT;
	switch (cmd->type) {
	case COMMAND_SA_OUT:
		return do_out(sa, cmd);
	case COMMAND_SA_UPDATE:
		return do_update(sa, cmd);
	case COMMAND_SA_CLOSE:
		sa_remove(sa, cmd->cookie);
		return 0;
	}
	return -EINVAL;
}

static void
gone(uint32_t handle, uint64_t cookie, struct sa *sa)
{
	struct event e = {
		.version = RECORD_VERSION,
		.type = EVENT_SA_GONE,
		.length = sizeof(e),
		.handle = handle,
		.cookie = cookie,
		.sa = *sa->cfg.counters,
	};
	entries[SA_SLOT(handle)].handle = 0;
	writer_send_event(&e);
}

unsigned int
writer_sa_reap(unsigned int max)
{
	return sa_reap(max, gone);
}
