/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `stats`: the data plane's counters, read from the shared segment.  What the data plane wrote is
 * hostile (T21): dimensions are read once and bounded, offsets are computed, not read, names are
 * cut and cleaned.
 */
#include <stdatomic.h>
#include <string.h>

#include "control/oper/rpc.h"

static const struct {
	const char *name, *text;
} drop_reasons[] = {
#define X(name, text) {#name, text},
	DROP_REASONS(X)
#undef X
};

/* The parts of the segment, at checked places. */
struct view {
	const struct segment_header *header;
	const struct worker_counters *workers;
	const struct node_counters *nodes; /* [worker * SEGMENT_MAX_NODES + node] */
	uint32_t n_workers, n_nodes, n_ports;
};

static uint32_t
bounded(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

static bool
open_view(const struct segment_header *h, struct view *v)
{
	struct segment_header layout;

	v->header = h;
	v->n_workers = *(const volatile uint32_t *)&h->n_workers;
	v->n_nodes = bounded(*(const volatile uint32_t *)&h->n_nodes, SEGMENT_MAX_NODES);
	v->n_ports = bounded(*(const volatile uint32_t *)&h->n_ports, SEGMENT_MAX_PORTS);
	uint64_t size = segment_layout(&layout, v->n_workers, h->max_sessions);
	if (size == 0 || size != h->size)
		return false;
	v->workers = (const void *)((const char *)h + layout.worker_counters);
	v->nodes = (const void *)((const char *)h + layout.node_counters);
	return true;
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b != 0 ? (double)a / (double)b : 0.0;
}

static json_t *
show_nodes(const struct view *v, bool all)
{
	json_t *list = json_array();

	for (uint32_t w = 0; w < v->n_workers; w++)
		for (uint32_t i = 0; i < v->n_nodes; i++) {
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
show_drops(const struct view *v, bool all)
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
show_workers(const struct view *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->n_workers; i++) {
		const struct worker_counters *w = &v->workers[i];
		json_array_append_new(list,
			json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "worker", (int)i, "lcore",
				rpc_u64(w->lcore), "iterations", rpc_u64(w->iterations),
				"idle_iterations", rpc_u64(w->idle_iterations), "sleeps",
				rpc_u64(w->sleeps), "punted", rpc_u64(w->punted), "punt_lost",
				rpc_u64(w->punt_lost)));
	}
	return list;
}

static json_t *
show_ports(const struct view *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->n_ports; i++) {
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

json_t *
rpc_stats(const struct rpc_context *ctx, const json_t *params, struct rpc_error *error)
{
	const struct segment_header *h = gateway_segment(ctx->gateway);
	bool all = json_is_true(json_object_get(params, "all"));
	struct view v;

	if (h == NULL)
		return rpc_fail(error, RPC_DATAPLANE_DOWN,
			"the data plane is not connected: start adit-dataplane and look at its "
			"log");
	if (!open_view(h, &v))
		return rpc_fail(
			error, RPC_INTERNAL_ERROR, "the data plane's segment is not consistent");
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tsc_hz",
		rpc_u64(h->tsc_hz), "started_us", rpc_u64(h->started_us), "sessions_live",
		rpc_u64(h->sessions_live), "max_sessions", rpc_u64(h->max_sessions), "mbufs_total",
		rpc_u64(h->mbufs_total), "mbufs_free", rpc_u64(h->mbufs_free), "bad_records",
		rpc_u64(h->bad_records), "nodes", show_nodes(&v, all), "drops", show_drops(&v, all),
		"workers", show_workers(&v), "ports", show_ports(&v));
}
