/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab.h"

#include <stdio.h>
#include <string.h>

#include "crypto/mschap.h"

static uint32_t
rnd(struct lab *lab)
{
	lab->rng = lab->rng * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(lab->rng >> 33);
}

static const char *
code_name(unsigned int protocol, uint8_t code)
{
	static const char *const names[] = {"?", "Configure-Request", "Configure-Ack",
		"Configure-Nak", "Configure-Reject", "Terminate-Request", "Terminate-Ack",
		"Code-Reject", "Protocol-Reject", "Echo-Request", "Echo-Reply", "Discard-Request",
		"Identification", "Time-Remaining", "Reset-Request", "Reset-Ack"};
	static const char *const chap[] = {"?", "Challenge", "Response", "Success", "Failure"};
	static const char *const pap[] = {
		"?", "Authenticate-Request", "Authenticate-Ack", "Authenticate-Nak"};

	if (protocol == 0xc223)
		return code < 5 ? chap[code] : "?";
	if (protocol == 0xc023)
		return code < 4 ? pap[code] : "?";
	return code < 16 ? names[code] : "?";
}

static const char *
protocol_name(unsigned int protocol)
{
	switch (protocol) {
	case 0xc021:
		return "LCP";
	case 0xc023:
		return "PAP";
	case 0xc223:
		return "CHAP";
	case 0x80fd:
		return "CCP";
	case 0x8021:
		return "IPCP";
	default:
		return "other";
	}
}

static void
note(struct lab *lab, bool to_server, const uint8_t *f, size_t len)
{
	unsigned int protocol = f[0] << 8 | f[1];

	if (lab->nsteps == LAB_STEPS)
		return;
	snprintf(lab->steps[lab->nsteps++], 72, "%s %s %s id %u len %zu at %llu",
		to_server ? "C>S" : "S>C", protocol_name(protocol),
		len > 2 ? code_name(protocol, f[2]) : "", len > 3 ? f[3] : 0, len,
		(unsigned long long)lab->now);
}

static void
enqueue(struct lab *lab, bool to_server, const uint8_t *f, size_t len)
{
	struct lab_frame *q;

	note(lab, to_server, f, len);
	if (lab->vanish_step != 0 && lab->nsteps >= lab->vanish_step)
		lab->peer.cfg.habits.mute = true;
	if (lab->lose_step != 0 && lab->nsteps == lab->lose_step)
		return;
	for (int copies = rnd(lab) % 100 < lab->dup ? 2 : 1; copies > 0; copies--) {
		if (rnd(lab) % 100 < lab->loss || lab->queued == LAB_QUEUE || len > sizeof(q->data))
			continue;
		q = &lab->queue[lab->queued++];
		q->at = lab->now + lab->delay_ms;
		if (rnd(lab) % 100 < lab->reorder)
			q->at += 1 + rnd(lab) % 400;
		q->to_server = to_server;
		q->len = len;
		memcpy(q->data, f, len);
	}
}

static void
server_send(void *user, const uint8_t *f, size_t len)
{
	((struct lab *)user)->server_frames++;
	enqueue(user, false, f, len);
}

static void
client_send(void *user, const uint8_t *f, size_t len)
{
	enqueue(user, true, f, len);
}

static void
client_random(void *user, uint8_t *buf, size_t len)
{
	struct lab *lab = user;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(17 * i + lab->client_draws);
	lab->client_draws++;
}

static const struct ppp_client_ops client_ops = {.send = client_send, .random = client_random};

static void
on_lcp_up(void *user, const struct ppp_framing *framing)
{
	struct lab *lab = user;

	lab->lcp_ups++;
	lab->framing = *framing;
}

static bool
password_good(struct lab *lab, const uint8_t nt_hash[16])
{
	const struct ppp_credentials *c = &lab->cred;

	if (strcmp(c->user, "alice") != 0)
		return false;
	switch (c->method) {
	case PPP_AUTH_MSCHAPV2:
		return mschapv2_verify(
			c->challenge, c->peer_challenge, c->user, nt_hash, c->response);
	case PPP_AUTH_MSCHAPV1:
		return mschapv1_verify(c->challenge, nt_hash, c->response + 24);
	case PPP_AUTH_CHAP_MD5:
		return chap_md5_verify(
			c->id, lab->password, c->challenge, c->challenge_len, c->response);
	default:
		return strcmp(c->password, lab->password) == 0;
	}
}

void
lab_verdict(struct lab *lab)
{
	const struct ppp_credentials *c = &lab->cred;
	struct ppp_verdict v = {.grant = lab->grant};
	uint8_t nt_hash[16], nt_hash_hash[16];

	mschap_nt_hash(lab->password, nt_hash);
	v.ok = lab->refuse == REFUSAL_NONE && password_good(lab, nt_hash);
	v.refusal = lab->refuse != REFUSAL_NONE ? lab->refuse : REFUSAL_WRONG_PASSWORD;
	v.retry = v.refusal == REFUSAL_WRONG_PASSWORD || v.refusal == REFUSAL_UNKNOWN_USER ||
		  v.refusal == REFUSAL_LOCKED_OUT;
	v.have_keys = c->method & (PPP_AUTH_MSCHAPV1 | PPP_AUTH_MSCHAPV2); /* whatever it says */
	mschap_hash_hash(nt_hash, nt_hash_hash);
	mppe_keys_mschapv2(nt_hash_hash, c->response, true, MPPE_128, v.send_key, v.recv_key);
	if (c->method == PPP_AUTH_MSCHAPV2)
		mschapv2_authenticator_response(nt_hash, c->response, c->challenge,
			c->peer_challenge, c->user, v.authenticator_response);
	ppp_auth_result(lab->link, &v, lab->now);
}

static void
on_auth(void *user, const struct ppp_credentials *cred)
{
	struct lab *lab = user;

	lab->auths++;
	lab->cred = *cred;
	if (!lab->defer)
		lab_verdict(lab);
}

static void
on_mppe_up(void *user, const struct ppp_mppe_result *keys)
{
	struct lab *lab = user;

	lab->mppe_ups++;
	lab->mppe_on = true;
	lab->keys = *keys;
}

static void
on_mppe_down(void *user)
{
	((struct lab *)user)->mppe_downs++;
	((struct lab *)user)->mppe_on = false;
}

static void
on_reset(void *user)
{
	((struct lab *)user)->flushes++;
}

static void
on_ip_up(void *user, uint32_t local, uint32_t peer)
{
	struct lab *lab = user;

	lab->ip_ups++;
	lab->clear_leak |= lab->grant.mppe_policy == PPP_MPPE_REQUIRE && !lab->mppe_on;
	lab->clear_leak |= local != lab->grant.local_ip || peer != lab->grant.peer_ip;
}

static void
on_down(void *user, enum refusal_code code, const char *text)
{
	struct lab *lab = user;

	lab->downs++;
	lab->code = code;
	snprintf(lab->text, sizeof(lab->text), "%s", text);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	while (len-- > 0)
		*buf++ = (uint8_t)rnd(user);
}

static void
on_forged(void *user, unsigned int frames)
{
	((struct lab *)user)->forged += frames;
}

static const struct ppp_ops ops = {
	.send = server_send,
	.lcp_up = on_lcp_up,
	.auth = on_auth,
	.mppe_up = on_mppe_up,
	.mppe_down = on_mppe_down,
	.mppe_reset_request = on_reset,
	.ip_up = on_ip_up,
	.down = on_down,
	.random = on_random,
	.forged = on_forged,
};
const struct ppp_ops *const lab_ops = &ops;

void
lab_init(struct lab *lab, struct ppp_client_config *pc)
{
	char err[128];

	mschap_init(err, sizeof(err));
	memset(lab, 0, sizeof(*lab));
	lab->cfg = (struct ppp_config){
		.mru = 1400,
		.min_peer_mru = 576,
		.auth = PPP_AUTH_MSCHAPV2,
		.acfc = true,
		.pfc = true,
		.server_name = "vpn",
		.echo_interval_ms = 10000,
		.echo_failures = 3,
		.restart_first_ms = 1000,
		.restart_ms = 3000,
		.max_configure = 10,
		.max_terminate = 2,
		.max_failure = 5,
		.auth_timeout_ms = 30000,
		.setup_timeout_ms = 60000,
	};
	lab->grant = (struct ppp_grant){
		.local_ip = 0x0a630001,
		.peer_ip = 0x0a63000a,
		.dns = {0x0a000035, 0x0a000036},
		.mppe_policy = PPP_MPPE_REQUIRE,
		.mppe_mode = PPP_MPPE_STATELESS_ONLY,
		.mppe_strengths = PPP_MPPE_128,
	};
	lab->password = "Wonder-Land7";
	lab->rng = 1;
	lab->now = 1000;
	lab->delay_ms = 10;
	*pc = (struct ppp_client_config){
		.auth = PPP_AUTH_MSCHAPV2,
		.user = "alice",
		.password = "Wonder-Land7",
		.mru = 1400,
		.mppe = PPP_MPPE_128,
		.dns = true,
	};
}

void
lab_start(struct lab *lab, const struct ppp_client_config *pc, bool client_starts)
{
	lab->link = ppp_new(&lab->cfg, &ops, lab);
	ppp_client_init(&lab->peer, pc, &client_ops, lab);
	ppp_start(lab->link, lab->now);
	if (client_starts)
		ppp_client_start(&lab->peer, lab->now);
}

void
lab_inject(struct lab *lab, const void *frame, size_t len)
{
	uint8_t exact[PPP_FRAME_MAX];

	memcpy(exact, frame, len);
	note(lab, true, exact, len);
	ppp_input(lab->link, exact, len, lab->now);
}

static bool
deliver_one(struct lab *lab)
{
	unsigned int best = LAB_QUEUE;
	struct lab_frame f;

	for (unsigned int i = 0; i < lab->queued; i++)
		if (lab->queue[i].at <= lab->now &&
			(best == LAB_QUEUE || lab->queue[i].at < lab->queue[best].at))
			best = i;
	if (best == LAB_QUEUE)
		return false;
	f = lab->queue[best];
	lab->queued--;
	memmove(&lab->queue[best], &lab->queue[best + 1], (lab->queued - best) * sizeof(f));
	if (f.to_server || lab->reflect)
		ppp_input(lab->link, f.data, f.len, lab->now);
	else
		ppp_client_input(&lab->peer, f.data, f.len, lab->now);
	return true;
}

static uint64_t
next_event(const struct lab *lab)
{
	uint64_t next = ppp_next_timer(lab->link), other = ppp_client_next_timer(&lab->peer);

	if (other < next)
		next = other;
	for (unsigned int i = 0; i < lab->queued; i++)
		if (lab->queue[i].at < next)
			next = lab->queue[i].at;
	return next;
}

static bool
step(struct lab *lab, uint64_t until)
{
	uint64_t next = next_event(lab);

	if (next > until)
		return false;
	if (next > lab->now)
		lab->now = next;
	if (deliver_one(lab))
		return true;
	if (ppp_next_timer(lab->link) <= lab->now)
		ppp_timer(lab->link, lab->now);
	if (ppp_client_next_timer(&lab->peer) <= lab->now)
		ppp_client_timer(&lab->peer, lab->now);
	return true;
}

void
lab_run(struct lab *lab, uint64_t until)
{
	while (step(lab, until))
		;
	lab->now = until;
}

void
lab_settle(struct lab *lab, uint64_t until)
{
	while (lab->downs == 0 &&
		!(ppp_phase(lab->link) == PPP_OPEN && ppp_client_is_open(&lab->peer)))
		if (!step(lab, until))
			break;
}

int
lab_step(const struct lab *lab, const char *text, int n)
{
	for (unsigned int i = 0; i < lab->nsteps; i++)
		if (strstr(lab->steps[i], text) != NULL && n-- == 0)
			return (int)i;
	return -1;
}

unsigned int
lab_count(const struct lab *lab, const char *text)
{
	unsigned int n = 0;

	while (lab_step(lab, text, (int)n) >= 0)
		n++;
	return n;
}

void
lab_print(const struct lab *lab)
{
	for (unsigned int i = 0; i < lab->nsteps; i++)
		printf("%s\n", lab->steps[i]);
	printf("phase %d downs %u code %s (%s) auths %u mppe %u ip %u\n", ppp_phase(lab->link),
		lab->downs, refusal_name(lab->code), lab->text, lab->auths, lab->mppe_ups,
		lab->ip_ups);
}

void
lab_end(struct lab *lab)
{
	ppp_free(lab->link);
	lab->link = NULL;
}
