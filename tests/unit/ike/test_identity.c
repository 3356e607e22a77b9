/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who a peer is, and where (D1, T23): a neighbour behind the same NAT, with the same pre-shared
 * key, identity and, by forged sources or by inheritance, address and port, gets nothing of
 * another's. The victim has pairs and a user in each test, and keeps them.
 */
#include "plugin.h"

#include <errno.h>
#include <string.h>

#include "control/ike/internal.h"
#include "dataplane/api/command.h"
#include "dataplane/api/event.h"

#define VICTIM   100 /* IKE SAs */
#define NEIGHBOR 200

static const struct ike_outer free_place = {0xc000020a, 0xc0000232, 4500, 50000};

static struct sa_outer
place(struct ike_outer o)
{
	return (struct sa_outer){o.server_ip, o.peer_ip, o.server_port, o.peer_port};
}

static uint32_t
establish_as(uint32_t by, struct ike_outer outer)
{
	ike_sa = by;
	return establish(outer, aes_sha1);
}

static struct ike_peer *
peer(uint32_t spi)
{
	return ike_peer_of(ike, spi);
}

/* A client with a pair and a user. */
static uint32_t
client(uint32_t by, struct ike_outer outer)
{
	uint32_t spi = establish_as(by, outer);
	ike_peer_users(ike, peer(spi), 1);
	return spi;
}

/* An authentic packet of this pair has come from there. */
static void
packet_from(uint32_t spi, struct ike_outer at)
{
	struct event e = {.version = RECORD_VERSION,
		.type = EVENT_SA_MAPPING,
		.length = sizeof(e),
		.handle = spi,
		.mapping = place(at)};
	fake_raw_event(&fake, &e);
	hear();
}

static void
migrate(uint32_t from, uint32_t to, bool proven)
{
	struct ike_message m = {.type = IKE_MIGRATE, .ike_sa = to};
	m.migrate.from = from;
	m.migrate.proven = proven;
	say(&m);
	hear();
}

static int
delete_as(uint32_t by, uint32_t spi)
{
	struct ike_message m = {.type = IKE_DELETE_OUT, .spi = spi, .ike_sa = by};
	assert_int_equal(ask(&m), 0);
	m = (struct ike_message){.type = IKE_DELETE_IN, .spi = spi, .ike_sa = by};
	return ask(&m);
}

static bool
sends_to(uint32_t spi, struct ike_outer at)
{
	const struct sa_outer want = place(at);
	return memcmp(&fake_sa(&fake, SA_SLOT(spi))->outer, &want, sizeof(want)) == 0;
}

/* Is there a question to this peer, through sa, for this place (NULL: the pair's own)? */
static bool
asked(const struct ike_peer *p, uint32_t sa, const struct ike_outer *at)
{
	const struct sa_outer to = at ? place(*at) : (struct sa_outer){0};
	for (unsigned int i = 0; i < got.n_probes; i++)
		if (got.probes[i].peer == p->id && got.probes[i].sa == sa &&
			memcmp(&got.probes[i].to, &to, sizeof(to)) == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------ where */

/* T23: a packet that somebody saw on its way and sent on from his own address, or with any other:
 * nothing moves, charon is told nothing, and no more is sent than one question. */
static void
forged_source_moves_nothing(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = client(VICTIM, host_a);
	struct ike_message m = {.type = IKE_UPDATE, .spi = v, .ike_sa = VICTIM};
	packet_from(v, free_place);
	packet_from(v, free_place);
	assert_int_equal(got.n_probes, 1);
	assert_true(asked(peer(v), v, &free_place));
	/* Nor what came as IKE from there. */
	m.update = free_place;
	assert_int_equal(ask(&m), 0);
	loop_for(&loop, 1100);
	packet_from(v, free_place);
	assert_int_equal(got.n_heard, 0);
	assert_int_equal(fake.commands[COMMAND_SA_UPDATE], 0);
	assert_true(sends_to(v, host_a));
	assert_int_equal(ike_peer_outer(peer(v))->peer_port, host_a.peer_port);
	/* From where it is: no proof of where it may be. */
	const struct sa_outer elsewhere = place(host_b);
	ike_answered(ike, ike_peer_id(peer(v)), v, &elsewhere);
	ike_answered(ike, ike_peer_id(peer(v)), v, NULL);
	hear();
	assert_true(sends_to(v, host_a));
}

/* A client that can't be asked, for it has no tunnel, stays where it is. */
static void
who_cannot_be_asked_stays(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = establish_as(VICTIM, host_a);
	got.mute = true;
	packet_from(v, free_place);
	const struct sa_outer there = place(free_place);
	ike_answered(ike, ike_peer_id(peer(v)), v, &there);
	assert_int_equal(got.n_heard, 0);
	assert_true(sends_to(v, host_a));
}

static void
answered_move_is_followed(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = client(VICTIM, host_a), second = establish_as(VICTIM, host_a);
	struct ike_peer *p = peer(v);
	const struct sa_outer there = place(free_place);
	packet_from(v, free_place);
	ike_answered(ike, p->id, v, &there);
	hear();
	/* All of its pairs, and charon, which moves its IKE SA and says so. */
	assert_true(sends_to(v, free_place) && sends_to(second, free_place));
	assert_int_equal(got.n_heard, 2);
	assert_int_equal(got.heard[0].type, IKE_MAPPING);
	assert_int_equal(got.heard[0].mapping.peer_port, free_place.peer_port);
	struct ike_message m = {
		.type = IKE_UPDATE, .spi = v, .ike_sa = VICTIM, .update = free_place};
	assert_int_equal(ask(&m), 0);
	assert_int_equal(fake.commands[COMMAND_SA_UPDATE], 2);
	m.update.server_ip++;
	assert_int_equal(ask(&m), -EINVAL);
	/* Too late an answer is none. */
	packet_from(v, host_b);
	p->claim_ms -= 4000;
	const struct sa_outer late = place(host_b);
	ike_answered(ike, p->id, v, &late);
	assert_true(sends_to(v, free_place));
}

/* T23: the neighbour's packets with the victim's address.  The victim answers there and keeps
 * it. */
static void
held_place_is_kept(void **state)
{
	(void)state;
	start_plugin();
	uint32_t m = client(NEIGHBOR, host_b), v = client(VICTIM, host_a);
	struct ike_peer *pm = peer(m), *pv = peer(v);
	const struct sa_outer there = place(host_a);
	packet_from(m, host_a);
	assert_true(asked(pm, m, &host_a) && asked(pv, v, NULL));
	ike_answered(ike, pv->id, v, NULL);
	/* Even when he sees what is sent there. */
	ike_answered(ike, pm->id, m, &there);
	hear();
	assert_int_equal(status().moves_refused, 1);
	assert_int_equal(got.n_heard, 0);
	assert_true(sends_to(m, host_b) && sends_to(v, host_a));
	/* The victim re-keys, and calls again: it is nobody but itself. */
	uint32_t v2 = establish_as(VICTIM, host_a);
	assert_ptr_equal(peer(v2), pv);
	assert_int_equal(delete_as(VICTIM, v), 0);
	assert_int_equal(ike_peer_current(pv), v2);
	assert_ptr_equal(peer(m), pm);
	uint32_t v3 = establish_as(VICTIM + 1, host_a);
	assert_ptr_not_equal(peer(v3), pm);
	/* And the neighbour's next pair is his own. */
	uint32_t m2 = establish_as(NEIGHBOR, host_b);
	assert_ptr_equal(peer(m2), pm);
	loop_for(&loop, 2100);
	assert_int_equal(ike_peer_current(pv), v2);
}

/* A NAT that was restarted dealt two clients each other's ports. */
static void
nat_reboot_is_survived(void **state)
{
	(void)state;
	start_plugin();
	uint32_t a = client(VICTIM, host_a), b = client(NEIGHBOR, host_b);
	struct ike_peer *pa = peer(a), *pb = peer(b);
	const struct sa_outer at_a = place(host_a), at_b = place(host_b);
	packet_from(a, host_b);
	ike_answered(ike, pa->id, a, &at_b);
	assert_true(sends_to(a, host_a)); /* b is asked still */
	packet_from(b, host_a);
	ike_answered(ike, pb->id, b, &at_a);
	loop_for(&loop, 2300);
	assert_true(sends_to(a, host_b) && sends_to(b, host_a));
	assert_ptr_equal(peer(a), pa);
	assert_ptr_equal(peer(b), pb);
	assert_int_equal(status().moves_refused, 0);
	assert_ptr_equal(peer(establish_as(VICTIM, host_b)), pa);
	assert_ptr_equal(peer(establish_as(NEIGHBOR, host_a)), pb);
}

/* ------------------------------------------------------------------ who */

/* T23: the victim has vanished, its NAT gives address and port to a neighbour. */
static void
inherited_port_inherits_nothing(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = client(VICTIM, host_a);
	struct ike_peer *pv = peer(v);
	uint32_t m = establish_as(NEIGHBOR, host_a);
	assert_ptr_not_equal(peer(m), pv);
	assert_int_equal(fake_sa(&fake, SA_SLOT(v))->peer, pv->id);
	assert_int_not_equal(fake_sa(&fake, SA_SLOT(m))->peer, pv->id);
	/* He is asked what the victim knows, and the victim whether it lives. */
	assert_true(asked(pv, m, NULL) && asked(pv, v, NULL));
	loop_for(&loop, 2100);
	assert_int_equal(ike_peer_current(pv), v);
	assert_ptr_not_equal(peer(m), pv);
	/* With a user of his own he is asked no more, and can't become another one. */
	ike_peer_users(ike, peer(m), 1);
	ike_answered(ike, pv->id, m, NULL);
	assert_ptr_not_equal(peer(m), pv);
}

/* T23: charon takes a neighbour for the victim, whose identity he claims: the same address, port
 * and pre-shared key.  He can't delete what charon gave him, either. */
static void
forged_identity_gets_nothing(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = client(VICTIM, host_a);
	struct ike_peer *pv = peer(v);
	migrate(VICTIM, NEIGHBOR, false);
	assert_ptr_equal(peer(v), pv);
	uint32_t m = establish_as(NEIGHBOR, host_a);
	assert_ptr_not_equal(peer(m), pv);
	assert_int_equal(ike_peer_current(pv), v);
	assert_int_equal(delete_as(NEIGHBOR, v), 0);
	assert_ptr_equal(peer(v), pv);
	assert_int_equal(ike_peer_current(pv), v);
	assert_int_equal(got.gone, 0);
	/* Not by another migration either. */
	migrate(NEIGHBOR, NEIGHBOR + 1, false);
	assert_ptr_not_equal(peer(establish_as(NEIGHBOR + 1, host_a)), pv);
	/* An SPI is its asker's. */
	uint32_t spi;
	ike_sa = VICTIM;
	assert_int_equal(get_spi(host_a, &spi), 0);
	ike_sa = NEIGHBOR;
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), -EPERM);
	ike_sa = VICTIM;
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	ike_sa = NEIGHBOR;
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), -EPERM);
	/* The victim's user leaves: what only the victim can use ends. */
	ike_peer_users(ike, pv, -1);
	loop_for(&loop, 1200);
	assert_null(peer(v));
}

/* IKEv1 authenticates anew: no SA is made or changed.  The next pair brings the proof. */
static void
reauthentication_is_followed(void **state)
{
	(void)state;
	start_plugin();
	uint32_t old = client(VICTIM, host_a);
	struct ike_peer *p = peer(old);
	migrate(VICTIM, VICTIM + 1, false);
	uint32_t fresh = establish_as(VICTIM + 1, host_a);
	assert_true(asked(p, fresh, NULL));
	ike_answered(ike, p->id, fresh, NULL);
	loop_for(&loop, 50);
	assert_ptr_equal(peer(fresh), p);
	assert_int_equal(fake_sa(&fake, SA_SLOT(fresh))->peer, p->id);
	assert_int_equal(status().peers, 1);
	/* From now on it is the same. */
	assert_int_equal(delete_as(VICTIM + 1, old), 0);
	assert_null(peer(old));
	assert_int_equal(ike_peer_current(p), fresh);
	assert_ptr_equal(peer(establish_as(VICTIM + 1, host_a)), p);
	assert_ptr_equal(peer(establish_as(VICTIM, host_a)), p);
	/* Under IKEv2 the old keys are the proof. */
	migrate(VICTIM + 1, VICTIM + 2, true);
	assert_ptr_equal(peer(establish_as(VICTIM + 2, host_a)), p);
}

/* charon takes over while the next pair is on its way, and again. */
static void
reauthentication_meets_a_rekey(void **state)
{
	uint32_t spi;
	(void)state;
	start_plugin();
	uint32_t old = client(VICTIM, host_a);
	struct ike_peer *p = peer(old);
	migrate(VICTIM, VICTIM + 1, false);
	ike_sa = VICTIM + 2;
	assert_int_equal(get_spi(host_a, &spi), 0);
	migrate(VICTIM + 1, VICTIM + 2, false);
	assert_int_equal(of_pair(IKE_DELETE_IN, spi), 0); /* that is how it goes */
	assert_int_equal(add(IKE_ADD_IN, spi, host_a, aes_sha1), 0);
	assert_int_equal(add(IKE_ADD_OUT, spi, host_a, aes_sha1), 0);
	assert_true(asked(p, spi, NULL));
	ike_answered(ike, p->id, spi, NULL);
	assert_ptr_equal(peer(spi), p);
}

/* A client that comes by a new IKE SA and deletes the old one before it has answered. */
static void
heir_has_a_moment(void **state)
{
	(void)state;
	start_plugin();
	uint32_t old = client(VICTIM, host_a);
	struct ike_peer *p = peer(old);
	uint32_t fresh = establish_as(VICTIM + 1, host_a);
	assert_int_equal(delete_as(VICTIM, old), 0);
	loop_for(&loop, 50);
	assert_int_equal(got.gone, 0);
	assert_int_equal(got.current, 0);
	ike_answered(ike, p->id, fresh, NULL);
	assert_int_equal(ike_peer_current(p), fresh);
	loop_for(&loop, 4200);
	assert_ptr_equal(peer(fresh), p);
	/* Without an answer the peer is gone with its pair. */
	got.gone = 0;
	uint32_t other = establish_as(NEIGHBOR, host_a);
	assert_int_equal(delete_as(VICTIM + 1, fresh), 0);
	assert_int_equal(got.gone, 0);
	loop_for(&loop, 4200);
	assert_int_equal(got.gone, 1);
	assert_non_null(peer(other));
}

/* T19: control dies.  Whose IKE SA is whose, charon's plugin tells; what had no proof has none. */
static void
restart_keeps_who_is_who(void **state)
{
	(void)state;
	start_plugin();
	uint32_t v = client(VICTIM, host_a), id = peer(v)->id;
	migrate(VICTIM, NEIGHBOR, false);
	uint32_t m = establish_as(NEIGHBOR, host_a);
	stop_control();
	plugin_close();
	fake.seg->now_us = now_us();
	start_control();
	assert_true(plugin_open());
	assert_int_equal(greet(1), 0);
	ike_sa = VICTIM;
	list(v, host_a);
	ike_sa = NEIGHBOR;
	list(m, host_a);
	assert_int_equal(list_end(), 0);
	assert_int_equal(peer(v)->id, id);
	assert_ptr_not_equal(peer(m), peer(v));
	assert_ptr_equal(peer(establish_as(VICTIM, host_a)), peer(v));
	assert_ptr_equal(peer(establish_as(NEIGHBOR, host_a)), peer(m));
}

/* ------------------------------------------------------------------ shares */

/* T13, T24: addresses without users fill the table up to a part each; others get in, and who has a
 * user re-keys still. */
static void
two_addresses_do_not_fill_the_table(void **state)
{
	(void)state;
	start_plugin();
	cfg.max_peers_per_address = 1000;
	cfg.max_half_open_per_address = 1000;
	uint32_t v = client(VICTIM, native), spi;
	struct ike_outer o = host_a;
	unsigned int n[12] = {0};
	for (unsigned int i = 0; i < 12; i++) {
		o.peer_ip = 0xc6336400 + i;
		for (o.peer_port = 1; n[i] < 256; o.peer_port++, n[i]++) {
			ike_sa = 0;
			if (get_spi(o, &spi) || add(IKE_ADD_IN, spi, o, aes_sha1))
				break;
		}
		assert_in_range(n[i], 1, 32);
	}
	assert_true(got.refusals[REFUSAL_IPSEC_SHARE] >= 12);
	assert_int_equal(got.refusals[REFUSAL_IPSEC_FULL], 0);
	assert_in_range(n[0], 20, 32);
	assert_true(n[11] >= 4);
	for (unsigned int i = 0; i < 7; i++)
		assert_ptr_equal(peer(establish_as(VICTIM, native)), peer(v));
	/* Those who log in are strangers no more. */
	o.peer_ip = 0xc6336400;
	o.peer_port = 1;
	uint32_t before = ike->peers.strangers;
	ike_peer_users(ike, peers_by_ike(&ike->peers, (ike_sa = 0, ike_sa_of(o))), 1);
	assert_int_equal(ike->peers.strangers, before - 1);
	assert_int_equal(get_spi(o, &spi), 0);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(forged_source_moves_nothing),
		TEST(who_cannot_be_asked_stays),
		TEST(answered_move_is_followed),
		TEST(held_place_is_kept),
		TEST(nat_reboot_is_survived),
		TEST(inherited_port_inherits_nothing),
		TEST(forged_identity_gets_nothing),
		TEST(reauthentication_is_followed),
		TEST(reauthentication_meets_a_rekey),
		TEST(heir_has_a_moment),
		TEST(restart_keeps_who_is_who),
		TEST(two_addresses_do_not_fill_the_table),
	};
	return STAGE_RUN(tests);
}
