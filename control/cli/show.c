/* SPDX-License-Identifier: BSD-3-Clause */
/* Results as people read them.  Fields that are missing (another version) show as 0 or "". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/cli/commands.h"
#include "control/cli/table.h"

static int64_t
num(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static const char *
str(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static bool
is(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

static const char *
count(const json_t *o, const char *name)
{
	return show_count(num(o, name));
}

static void
show_protocols(struct table *t, const json_t *r)
{
	const json_t *pptp = json_object_get(r, "pptp"), *l2tp = json_object_get(r, "l2tp");
	const json_t *ipsec = json_object_get(r, "ipsec");

	if (is(pptp, "enabled"))
		table_row(t, "PPTP",
			show_format(
				"%s of %s sessions, %s control connections, %s calls since start",
				count(pptp, "sessions"), count(pptp, "max_sessions"),
				count(pptp, "connections"), count(pptp, "calls_total")));
	else
		table_row(t, "PPTP", "off");
	if (is(l2tp, "enabled"))
		table_row(t, "L2TP",
			show_format("%s of %s sessions, %s tunnels (%s half open), %s sessions "
				    "since start, IPsec %s",
				count(l2tp, "sessions"), count(l2tp, "max_sessions"),
				count(l2tp, "tunnels"), count(l2tp, "half_open"),
				count(l2tp, "sessions_total"),
				is(l2tp, "ipsec_required") ? "required" : "not required"));
	else
		table_row(t, "L2TP", "off");
	if (is(ipsec, "enabled"))
		table_row(t, "IPsec",
			show_format("%s SAs of %s peers; charon %s", count(ipsec, "sas"),
				count(ipsec, "peers"),
				is(ipsec, "connected") ? "connected" : "not connected"));
	else
		table_row(t, "IPsec", "off");
	table_row(t, "weak crypto",
		show_format("PPTP %s, %s weak sessions; L2TP/IPsec %s, %s weak SAs",
			is(pptp, "weak_crypto_allowed") ? "allowed" : "off",
			count(pptp, "weak_sessions"),
			is(ipsec, "weak_crypto_allowed") ? "allowed" : "off",
			count(ipsec, "weak_sas")));
}

static void
show_adopted(struct table *t, const json_t *restart)
{
	const json_t *cause;
	int64_t closed = 0;
	size_t i;

	json_array_foreach(json_object_get(restart, "closed"), i, cause) closed +=
		num(cause, "count");
	if (num(restart, "sessions") || num(restart, "tunnels") || closed)
		table_row(t, "taken over",
			show_format("%s sessions, %s tunnels of an earlier adit-control; %s ended",
				count(restart, "sessions"), count(restart, "tunnels"),
				show_count(closed)));
}

void
show_status(const json_t *r)
{
	const json_t *pool = json_object_get(r, "pool");
	const json_t *refusals = json_object_get(r, "refusals"), *refusal;
	struct table *t = table_new("|");
	size_t i;

	table_row(t, "adit-control",
		show_format("%s, up %s", str(r, "version"), show_duration(num(r, "uptime_ms"))));
	table_row(t, "state", is(r, "healthy") ? "healthy" : str(r, "problem"));
	table_row(t, "data plane", is(r, "dataplane_connected") ? "connected" : "not connected");
	show_protocols(t, r);
	show_adopted(t, json_object_get(r, "adopted"));
	if (num(r, "forged_frames"))
		table_row(t, "forged",
			show_format("%s PPP frames in the name of clients, ignored",
				count(r, "forged_frames")));
	table_row(t, "pool",
		show_format("%s %s - %s: %s of %s in use, %s reserved for users", str(pool, "name"),
			str(pool, "first"), str(pool, "last"), count(pool, "used"),
			count(pool, "size"), count(pool, "reserved")));
	table_print(t);
	if (json_array_size(refusals) == 0)
		return;
	putchar('\n');
	t = table_new("REFUSED OR ENDED|>COUNT|WHY");
	json_array_foreach(refusals, i, refusal)
		table_row(t, str(refusal, "code"), count(refusal, "count"), str(refusal, "text"));
	table_print(t);
}

static const char *
mppe(const json_t *s, const char *direction)
{
	int64_t bits = num(s, direction);

	return bits != 0 ? show_count(bits) : "none";
}

void
show_sessions(const json_t *r)
{
	const json_t *list = json_object_get(r, "sessions"), *s;
	struct table *t =
		table_new(">ID|USER|PROTOCOL|STATE|PEER|ADDRESS|MPPE|IPSEC|>AGE|>UP|>DOWN");
	size_t i;

	json_array_foreach(list, i, s) table_row(t, count(s, "id"), str(s, "user"),
		str(s, "protocol"), str(s, "state"), str(s, "peer"), str(s, "address"),
		num(s, "mppe_tx") == num(s, "mppe_rx")
			? mppe(s, "mppe_tx")
			: show_format("%s/%s", mppe(s, "mppe_tx"), mppe(s, "mppe_rx")),
		is(s, "ipsec") ? "yes" : "no", show_duration(num(s, "age_ms")),
		show_bytes(num(s, "up_bytes")), show_bytes(num(s, "down_bytes")));
	table_print(t);
	printf("%zu sessions\n", json_array_size(list));
}

/* "aes128-cbc hmac-sha1-96 (legacy)". */
static const char *
suite(const json_t *sa)
{
	const char *integrity = str(sa, "integrity");

	return show_format("%s%s%s (%s)", str(sa, "encryption"), integrity[0] ? " " : "", integrity,
		str(sa, "strength"));
}

static const char *
sa_state(const json_t *sa)
{
	return is(sa, "orphan") ? "orphan" : is(sa, "current") ? "current" : "old";
}

void
show_sas(const json_t *r)
{
	const json_t *list = json_object_get(r, "sas"), *sa;
	struct table *t = table_new("SPI|PEER|NAT PORT|SUITE|STATE|>AGE|>IN|>OUT|>AUTH|>REPLAY");
	size_t i;

	json_array_foreach(list, i, sa) table_row(t, str(sa, "spi"), str(sa, "peer"),
		is(sa, "nat") ? count(sa, "port") : "none", suite(sa), sa_state(sa),
		show_duration(num(sa, "age_ms")), show_bytes(num(sa, "in_bytes")),
		show_bytes(num(sa, "out_bytes")), count(sa, "in_auth_failed"),
		count(sa, "in_replayed"));
	table_print(t);
	printf("%zu pairs of SAs\n", json_array_size(list));
}

static const char *
mppe_long(const json_t *s, const char *direction)
{
	if (num(s, direction) == 0)
		return "none";
	return show_format("%s bits, %s", count(s, direction),
		is(s, strcmp(direction, "mppe_tx") == 0 ? "mppe_tx_stateless" : "mppe_rx_stateless")
			? "stateless"
			: "stateful");
}

static void
show_l2tp(struct table *t, const json_t *s)
{
	table_row(t, "L2TP tunnel",
		show_format("%s, the client's %s, UDP port %s", count(s, "tunnel_id"),
			count(s, "peer_tunnel_id"), count(s, "peer_port")));
	if (num(s, "ipsec_peer") != 0)
		table_row(t, "IPsec",
			show_format("peer %s, SPI %08" PRIx32, count(s, "ipsec_peer"),
				(uint32_t)num(s, "sa")));
	else
		table_row(t, "IPsec", "none, in clear");
}

void
show_tunnels(const json_t *r)
{
	const json_t *list = json_object_get(r, "tunnels"), *t;
	struct table *table = table_new(">TUNNEL|>CLIENT'S|PEER|>PORT|IPSEC PEER|HOST|STATE|"
					">SESSIONS|>AGE|>SENT|>REPEATED");
	size_t i;

	json_array_foreach(list, i, t) table_row(table, count(t, "id"), count(t, "peer_id"),
		str(t, "peer"), count(t, "peer_port"),
		num(t, "ipsec_peer") != 0 ? count(t, "ipsec_peer") : "in clear", str(t, "host"),
		str(t, "state"), count(t, "sessions"), show_duration(num(t, "age_ms")),
		count(t, "sent"), count(t, "repeated"));
	table_print(table);
	printf("%zu tunnels\n", json_array_size(list));
}

void
show_lockouts(const json_t *r)
{
	const json_t *list = json_object_get(r, "lockouts"), *l;
	struct table *t = table_new("USER|ADDRESS|FOR|>STILL");
	size_t i;

	json_array_foreach(list, i, l)
	{
		bool user = *str(l, "user") != '\0', address = *str(l, "address") != '\0';

		table_row(t, user ? str(l, "user") : "any", address ? str(l, "address") : "any",
			!user     ? "answers are late"
			: address ? "locked out there"
				  : "locked out, but for own addresses",
			show_duration(num(l, "left_ms")));
	}
	table_print(t);
	printf("%zu lock-outs\n", json_array_size(list));
}

void
show_session(const json_t *s)
{
	struct table *t = table_new("|");

	table_row(t, "session", count(s, "id"));
	table_row(t, "user", str(s, "user"));
	if (*str(s, "claimed") != '\0')
		table_row(t, "calls itself", str(s, "claimed"));
	table_row(t, "authentication", str(s, "auth"));
	table_row(t, "Acct-Session-Id", str(s, "acct_session_id"));
	table_row(t, "state",
		show_format("%s, %s old", str(s, "state"), show_duration(num(s, "age_ms"))));
	table_row(t, "address", str(s, "address"));
	table_row(t, "tunnel",
		show_format("%s, %s (call %s) to %s (call %s)", str(s, "protocol"),
			str(s, "server"), count(s, "call_id"), str(s, "peer"),
			count(s, "peer_call_id")));
	if (num(s, "tunnel_id") != 0)
		show_l2tp(t, s);
	table_row(t, "MPPE to client", mppe_long(s, "mppe_tx"));
	table_row(t, "MPPE from client", mppe_long(s, "mppe_rx"));
	table_row(t, "MRU",
		show_format("ours %s, the client's %s", count(s, "our_mru"), count(s, "peer_mru")));
	table_row(t, "worker", count(s, "worker"));
	table_print(t);
	putchar('\n');
	t = table_new("DIRECTION|>PACKETS|>BYTES|>DROPPED|>PPP FRAMES|>MPPE RESETS");
	table_row(t, "from client", count(s, "up_packets"), show_bytes(num(s, "up_bytes")),
		count(s, "up_drops"), count(s, "up_ppp_packets"), count(s, "mppe_rx_resets"));
	table_row(t, "to client", count(s, "down_packets"), show_bytes(num(s, "down_bytes")),
		count(s, "down_drops"), count(s, "down_ppp_packets"), count(s, "mppe_tx_resets"));
	table_print(t);
	printf("\n%s GRE packets lost on the way, %s handed over between workers\n",
		count(s, "gre_lost"), count(s, "handoffs"));
}

static void
show_nodes(const json_t *list)
{
	struct table *t = table_new("NODE|>WORKER|>CALLS|>PACKETS|>PER CALL|>CYCLES/PACKET");
	const json_t *n;
	size_t i;

	json_array_foreach(list, i, n) table_row(t, str(n, "name"), count(n, "worker"),
		count(n, "calls"), count(n, "packets"),
		show_real(json_real_value(json_object_get(n, "packets_per_call"))),
		show_real(json_real_value(json_object_get(n, "cycles_per_packet"))));
	table_print(t);
}

/* "0 + 12 3": the main lcore's count and each worker's. */
static const char *
by_lcore(const json_t *drop)
{
	static char text[34 * 21];
	const json_t *n;
	size_t i, used = (size_t)snprintf(text, sizeof(text), "%s +", count(drop, "main"));

	json_array_foreach(json_object_get(drop, "per_worker"), i, n) if (used < sizeof(text))
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %" JSON_INTEGER_FORMAT,
			json_integer_value(n));
	return text;
}

static void
show_drops(const json_t *list)
{
	struct table *t = table_new("DROPPED|>PACKETS|MAIN + WORKERS|WHY");
	const json_t *d;
	size_t i;

	json_array_foreach(list, i, d)
		table_row(t, str(d, "reason"), count(d, "packets"), by_lcore(d), str(d, "text"));
	table_print(t);
}

static void
show_workers(const json_t *list)
{
	struct table *t =
		table_new(">WORKER|>LCORE|>ITERATIONS|>IDLE|>SLEEPS|>PUNTED|>PUNTS LOST|>CHECKSUMS "
			  "FINISHED|>FRAMES SPLIT");
	const json_t *w;
	size_t i;

	json_array_foreach(list, i, w) table_row(t, count(w, "worker"), count(w, "lcore"),
		count(w, "iterations"), count(w, "idle_iterations"), count(w, "sleeps"),
		count(w, "punted"), count(w, "punt_lost"), count(w, "checksums_finished"),
		count(w, "frames_split"));
	table_print(t);
}

static void
show_ports(const json_t *list)
{
	struct table *t = table_new("PORT|ROLE|LINK|>RX PACKETS|>RX BYTES|>MISSED|>ERRORS|>TX "
				    "PACKETS|>TX BYTES|>ERRORS");
	const json_t *p;
	size_t i;

	json_array_foreach(list, i, p) table_row(t, str(p, "name"), str(p, "role"),
		is(p, "link_up") ? "up" : "down", count(p, "rx_packets"),
		show_bytes(num(p, "rx_bytes")), count(p, "rx_missed"), count(p, "rx_errors"),
		count(p, "tx_packets"), show_bytes(num(p, "tx_bytes")), count(p, "tx_errors"));
	table_print(t);
}

/* "rc4-new-1 scalar, rc4-on-4 wide from 256 octets, esp avx2" */
static void
show_kernels(const json_t *list)
{
	const json_t *k;
	size_t i;

	fputs("kernels:", stdout);
	json_array_foreach(list, i, k)
	{
		printf("%s %s %s", i ? "," : "", str(k, "use"), str(k, "kernel"));
		if (num(k, "from") > 0)
			printf(" from %s octets", count(k, "from"));
	}
	putchar('\n');
}

static void
show_link(const json_t *l)
{
	printf("link: %s commands and %s frames to the data plane, %s waited for room, %s waiting, "
	       "%s lost\n      %s invalid and %s late records from it, %s ends asked for again, %s "
	       "unconfirmed\n",
		count(l, "commands"), count(l, "frames"), count(l, "waited"), count(l, "waiting"),
		count(l, "lost"), count(l, "bad_records"), count(l, "stale_records"),
		count(l, "closes_repeated"), count(l, "unconfirmed"));
}

static void
show_decisions(const json_t *d)
{
	printf("decisions: %s open, %s at most, %s asked: %s accepted, %s refused, %s continued, "
	       "%s given up, %s too late\n           %s answers to none\n",
		count(d, "open"), count(d, "most"), count(d, "asked"), count(d, "accepted"),
		count(d, "refused"), count(d, "continued"), count(d, "cancelled"),
		count(d, "expired"), count(d, "stale"));
}

void
show_stats(const json_t *r, bool all)
{
	const json_t *drops = json_object_get(r, "drops");

	show_nodes(json_object_get(r, "nodes"));
	putchar('\n');
	if (json_array_size(drops) > 0)
		show_drops(drops);
	else
		puts("nothing was dropped");
	putchar('\n');
	show_ports(json_object_get(r, "ports"));
	putchar('\n');
	if (all) {
		show_workers(json_object_get(r, "workers"));
		putchar('\n');
	}
	printf("sessions %s of %s, packet buffers %s of %s free, bad records from control %s, TSC "
	       "%s MHz\n",
		count(r, "sessions_live"), count(r, "max_sessions"), count(r, "mbufs_free"),
		count(r, "mbufs_total"), count(r, "bad_records"),
		show_count(num(r, "tsc_hz") / 1000000));
	show_link(json_object_get(r, "link"));
	show_decisions(json_object_get(r, "decisions"));
	show_kernels(json_object_get(r, "kernels"));
}

void
show_explain(const json_t *r)
{
	const json_t *list = json_object_get(r, "refusals"), *e;
	size_t i;

	if (json_array_size(list) == 1) {
		e = json_array_get(list, 0);
		struct table *one = table_new("|");
		table_row(one, "code", str(e, "code"));
		table_row(one, "means", str(e, "text"));
		table_row(one, "remedy", str(e, "remedy"));
		table_print(one);
		return;
	}
	struct table *t = table_new("CODE|MEANS|REMEDY");
	json_array_foreach(list, i, e)
		table_row(t, str(e, "code"), str(e, "text"), str(e, "remedy"));
	table_print(t);
}
