/* SPDX-License-Identifier: BSD-3-Clause */
/* What bears the session: what the PPP machine says. */
#include <stdio.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/core/log.h"
#include "control/core/random.h"
#include "control/session/session.h"

void
session_flush(struct sessions *all)
{
	struct outbox *o = &all->outbox;
	for (unsigned int i = 0; i < o->n; i++)
		link_inject(all->env.link, o->session->handle, o->frame[i], o->len[i]);
	o->n = 0;
	o->session = NULL;
}

static void
on_send(void *user, const uint8_t *frame, size_t len)
{
	struct session *s = user;
	struct outbox *o = &s->all->outbox;
	if (len > FRAME_MAX)
		return;
	if (o->n == OUTBOX_FRAMES || (o->session && o->session != s))
		session_flush(s->all);
	o->session = s;
	o->len[o->n] = (uint16_t)len;
	memcpy(o->frame[o->n++], frame, len);
}

void
session_command(struct session *s, enum command_type type, struct command *cmd)
{
	cmd->handle = s->handle;
	if (link_command(s->env->link, type, cmd) != 0)
		session_doom(s, REFUSAL_NO_RESOURCES, "the data plane does not keep up");
	explicit_bzero(cmd, sizeof(*cmd));
}

static void
on_lcp_up(void *user, const struct ppp_framing *framing)
{
	struct session *s = user;
	struct command cmd = {0};
	/* Its address and keys are in use there; a new call is the clean way. */
	if (s->opened) {
		session_doom(s, REFUSAL_LINK_RESTARTED, "");
		return;
	}
	s->framing = *framing;
	s->state = PHASE_AUTH;
	cmd.link.our_mru = framing->our_mru;
	/* D5: what the client would take may not fit the tunnel. */
	cmd.link.peer_mru = s->mtu && s->mtu < framing->peer_mru ? s->mtu : framing->peer_mru;
	cmd.link.tx_acfc = framing->tx_acfc;
	cmd.link.tx_pfc = framing->tx_pfc;
	session_command(s, COMMAND_SESSION_LINK, &cmd);
}

static void
direction(struct command_mppe_dir *d, const struct mppe_params *p)
{
	memcpy(d->start_key, p->start_key, sizeof(d->start_key));
	d->strength = p->strength;
	d->stateless = p->stateless;
}

static void
on_mppe_up(void *user, const struct ppp_mppe_result *keys)
{
	struct session *s = user;
	struct command cmd = {0};
	if (s->doomed)
		return;
	if (session_weak_is_off(s, keys->tx.strength, keys->rx.strength)) {
		session_doom(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off meanwhile");
		return;
	}
	s->mppe_tx = keys->tx.strength;
	s->mppe_rx = keys->rx.strength;
	s->mppe_tx_stateless = keys->tx.stateless;
	s->mppe_rx_stateless = keys->rx.stateless;
	direction(&cmd.mppe.tx, &keys->tx);
	direction(&cmd.mppe.rx, &keys->rx);
	session_command(s, COMMAND_SESSION_MPPE, &cmd);
}

static void
on_mppe_down(void *user)
{
	/* Nothing: the data plane keeps the keys, so nothing goes in clear, and the link ends or
	 * begins anew. */
	(void)user;
}

static void
on_mppe_reset_request(void *user)
{
	struct command cmd = {0};
	session_command(user, COMMAND_SESSION_FLUSH, &cmd);
}

/* The address is the one that the verdict granted. */
static void
on_ip_up(void *user, uint32_t local_ip, uint32_t peer_ip)
{
	(void)local_ip;
	(void)peer_ip;
	session_open(user);
}

static void
on_auth(void *user, const struct ppp_credentials *cred)
{
	session_ask(user, cred);
}

static void
on_down(void *user, enum refusal_code code, const char *text)
{
	struct session *s = user;
	session_unsave(s);
	s->ppp_down = true;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text ? text : "");
}

/* T27: somebody tries to end it from outside. */
static void
on_forged(void *user, unsigned int frames)
{
	struct session *s = user;
	char peer[16];
	s->all->forged_frames += frames;
	if (refuse_may_log(s->env->refusals, REFUSAL_NONE, s->peer_ip))
		log_event(LOG_WARNING, "forged-frames",
			"session=%u peer=%s frames=%u text=\"frames in the client's name would "
			"have "
			"ended or restarted the session; the client was asked and is still in it\"",
			s->id, log_ip(peer, s->peer_ip), frames);
}

static void
on_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	random_octets(buf, len);
}

const struct ppp_ops session_ppp_ops = {
	.send = on_send,
	.lcp_up = on_lcp_up,
	.auth = on_auth,
	.mppe_up = on_mppe_up,
	.mppe_down = on_mppe_down,
	.mppe_reset_request = on_mppe_reset_request,
	.ip_up = on_ip_up,
	.down = on_down,
	.random = on_random,
	.forged = on_forged,
};

/* PPP speaks no EAP and no change of password: such a client can't go on. */
void
bearer_told(struct session *s, const struct aaa_verdict *v)
{
	struct ppp_verdict p = {.ok = v->outcome == AAA_ACCEPT,
		.refusal = v->refusal,
		.text = v->why,
		.retry = v->outcome == AAA_CONTINUE && v->next == AAA_NEXT_PROOF,
		.challenge_len = v->challenge_len,
		.grant = v->grant,
		.have_keys = v->keys.len >= MPPE_KEY_MAX};
	memcpy(p.challenge, v->challenge, sizeof(p.challenge));
	memcpy(p.authenticator_response, v->authenticator_response,
		sizeof(p.authenticator_response));
	memcpy(p.send_key, v->keys.send, sizeof(p.send_key));
	memcpy(p.recv_key, v->keys.recv, sizeof(p.recv_key));
	ppp_auth_result(s->ppp, &p, session_now(s));
	explicit_bzero(&p, sizeof(p));
}
