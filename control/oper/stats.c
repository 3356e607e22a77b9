/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `stats`: the data plane's counters, read from the shared segment, and control's about its link to
 * it and its decisions.  What the data plane wrote is
 * hostile (T21): places and dimensions are those that were checked when the segment was mapped,
 * counts are read once and bounded, names are cut and cleaned.
 */
#include <stdatomic.h>
#include <string.h>

#include "control/oper/rpc.h"
#include "dataplane/api/layout.h"
#include "dataplane/api/port.h"

static const struct {
	const char *name, *text;
} drop_reasons[] = {
#define X(name, text) {#name, text},
	DROP_REASONS(X)
#undef X
};

static uint32_t
bounded(const uint32_t *live, uint32_t max)
{
	uint32_t n = *(const volatile uint32_t *)live;
	return n < max ? n : max;
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b != 0 ? (double)a / (double)b : 0.0;
}

static json_t *
show_nodes(const struct link_view *v, bool all)
{
	uint32_t n_nodes = bounded(&v->header->n_nodes, SEGMENT_MAX_NODES);
	json_t *list = json_array();

	for (uint32_t w = 0; w < v->n_workers; w++)
		for (uint32_t i = 0; i < n_nodes; i++) {
			struct node_counters n;
			memcpy(&n, &v->nodes[(size_t)w * SEGMENT_MAX_NODES + i], sizeof(n));
			if (n.name[0] == '\0' || (n.objs == 0 && !all))
				continue;
			json_array_append_new(
				list, json_pack("{s:o, s:i, s:o, s:o, s:o, s:f, s:f}", "name",
					      rpc_text(n.name, sizeof(n.name)), "worker", (int)w,
					      "calls", rpc_u64(n.calls), "packets", rpc_u64(n.objs),
					      "cycles", rpc_u64(n.cycles), "packets_per_call",
					      ratio(n.objs, n.calls), "cycles_per_packet",
					      ratio(n.cycles, n.objs)));
		}
	return list;
}

static json_t *
show_drops(const struct link_view *v, bool all)
{
	json_t *list = json_array();

	for (unsigned int r = 0; r < DROP_COUNT; r++) {
		json_t *per_worker = json_array();
		uint64_t main_lcore = v->header->main_drops[r], total = main_lcore;
		for (uint32_t w = 0; w < v->n_workers; w++) {
			uint64_t n = v->workers[w].drops[r];
			total += n;
			json_array_append_new(per_worker, rpc_u64(n));
		}
		if (total == 0 && !all) {
			json_decref(per_worker);
			continue;
		}
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "reason", drop_reasons[r].name,
				      "text", drop_reasons[r].text, "packets", rpc_u64(total),
				      "main", rpc_u64(main_lcore), "per_worker", per_worker));
	}
	return list;
}

static json_t *
show_workers(const struct link_view *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->n_workers; i++) {
		const struct worker_counters *w = &v->workers[i];
		json_array_append_new(list,
			json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "worker", (int)i,
				"lcore", rpc_u64(w->lcore), "iterations", rpc_u64(w->iterations),
				"idle_iterations", rpc_u64(w->idle_iterations), "sleeps",
				rpc_u64(w->sleeps), "punted", rpc_u64(w->punted), "punt_lost",
				rpc_u64(w->punt_lost), "checksums_finished",
				rpc_u64(w->checksums_finished), "frames_split",
				rpc_u64(w->frames_split)));
	}
	return list;
}

static json_t *
show_ports(const struct link_view *v)
{
	uint32_t n_ports = bounded(&v->header->n_ports, SEGMENT_MAX_PORTS);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n_ports; i++) {
		struct segment_port p;
		memcpy(&p, &v->header->ports[i], sizeof(p));
		json_array_append_new(
			list, json_pack("{s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				      "name", rpc_text(p.name, sizeof(p.name)), "role",
				      p.role == PORT_WAN ? "wan" : "lan", "link_up", p.link_up != 0,
				      "rx_packets", rpc_u64(p.rx_packets), "rx_bytes",
				      rpc_u64(p.rx_bytes), "rx_missed", rpc_u64(p.rx_missed),
				      "rx_errors", rpc_u64(p.rx_errors), "tx_packets",
				      rpc_u64(p.tx_packets), "tx_bytes", rpc_u64(p.tx_bytes),
				      "tx_errors", rpc_u64(p.tx_errors)));
	}
	return list;
}

static json_t *
show_kernels(const struct link_view *v)
{
	uint32_t n = bounded(&v->header->n_kernels, SEGMENT_MAX_KERNELS);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++) {
		struct segment_kernel k;
		memcpy(&k, &v->header->kernels[i], sizeof(k));
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o}", "use", rpc_text(k.use, sizeof(k.use)),
				      "kernel", rpc_text(k.kernel, sizeof(k.kernel)), "from",
				      rpc_u64(k.from)));
	}
	return list;
}

static json_t *
show_link(struct gateway *g)
{
	struct link_stats s;

	link_stats(gateway_link(g), &s);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "connects",
		rpc_u64(s.connects), "commands", rpc_u64(s.commands), "frames", rpc_u64(s.injects),
		"waited", rpc_u64(s.ring_full), "waiting", rpc_u64(s.queued), "lost",
		rpc_u64(s.queue_full), "bad_records", rpc_u64(s.bad_records), "stale_records",
		rpc_u64(s.stale_records), "closes_repeated", rpc_u64(s.close_repeated),
		"unconfirmed", rpc_u64(s.unconfirmed));
}

static json_t *
show_decisions(struct gateway *g)
{
	struct aaa_counts c;

	sessions_decisions(gateway_sessions(g), &c);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "open", rpc_u64(c.open),
		"most", rpc_u64(c.most), "asked", rpc_u64(c.asked), "accepted", rpc_u64(c.accepted),
		"refused", rpc_u64(c.refused), "continued", rpc_u64(c.continued), "cancelled",
		rpc_u64(c.cancelled), "expired", rpc_u64(c.expired), "stale", rpc_u64(c.stale));
}

/* By name, zeros left out. */
static json_t *
show_refused(const struct segment_header *h)
{
	static const char *const names[] = {
#define X(name, text) #name,
		RECORD_REFUSALS(X)
#undef X
	};
	json_t *list = json_array();
	for (unsigned int i = 0; i < RECORD_REFUSAL_COUNT; i++)
		if (h->refused[i])
			json_array_append_new(list, json_pack("{s:s, s:o}", "why", names[i],
							    "records", rpc_u64(h->refused[i])));
	return list;
}

json_t *
rpc_stats(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	bool all = json_is_true(json_object_get(params, "all"));
	struct link_view v;

	if (!link_view(gateway_link(ctx->gateway), &v))
		return rpc_fail(error, RPC_DATAPLANE_DOWN,
			"the data plane is not connected: start adit-dataplane and look at its "
			"log");
	const struct segment_header *h = v.header;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"tsc_hz", rpc_u64(h->tsc_hz), "started_us", rpc_u64(h->started_us), "sessions_live",
		rpc_u64(h->sessions_live), "max_sessions", rpc_u64(v.max_sessions), "mbufs_total",
		rpc_u64(h->mbufs_total), "mbufs_free", rpc_u64(h->mbufs_free), "bad_records",
		rpc_u64(h->bad_records), "refused_records", show_refused(h), "link",
		show_link(ctx->gateway), "decisions", show_decisions(ctx->gateway), "nodes",
		show_nodes(&v, all), "drops", show_drops(&v, all), "workers", show_workers(&v),
		"ports", show_ports(&v), "kernels", show_kernels(&v));
}
