/* SPDX-License-Identifier: BSD-3-Clause */
/* What bears the session: what the PPP machine says. */
#include <stdio.h>
#include <string.h>

#include "control/aaa/decide.h"
#include "control/core/log.h"
#include "control/core/random.h"
#include "control/session/session.h"

static bool
is_weak(uint8_t bits)
{
	return bits == MPPE_40 || bits == MPPE_56;
}

bool
session_weak(const struct session *s)
{
	return is_weak(s->mppe_tx) || is_weak(s->mppe_rx);
}

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

/* T16: the switch may have been turned since the decision. */
static bool
weak_and_off(const struct session *s, uint8_t tx, uint8_t rx)
{
	return (is_weak(tx) || is_weak(rx)) && !aaa_settings(s->env->aaa)->allow_weak_crypto;
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
	if (weak_and_off(s, keys->tx.strength, keys->rx.strength)) {
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

const char *
session_auth_name(const struct session *s)
{
	switch (s->auth) {
	case PPP_AUTH_MSCHAPV2:
		return "mschapv2";
	case PPP_AUTH_CHAP_MD5:
		return "chap-md5";
	case PPP_AUTH_MSCHAPV1:
		return "mschapv1";
	case PPP_AUTH_PAP:
		return "pap";
	}
	return "";
}

static void
log_up(const struct session *s)
{
	char peer[16], address[16], server[16], who[SESSION_WHO_MAX];
	log_event(LOG_NOTICE, "session-up",
		"session=%u protocol=%s %s peer=%s address=%s server=%s auth=%s mppe=%u "
		"mppe_mode=%s mru=%u peer_mru=%u setup_ms=%llu",
		s->id, s->carrier->name, session_who(s, who), log_ip(peer, s->peer_ip),
		log_ip(address, s->inner_ip), log_ip(server, s->server_ip), session_auth_name(s),
		s->mppe_tx,
		!s->mppe_tx            ? "none"
		: s->mppe_tx_stateless ? "stateless"
				       : "stateful",
		s->framing.our_mru, s->framing.peer_mru,
		(unsigned long long)(session_now(s) - s->started_ms));
}

static void
on_ip_up(void *user, uint32_t local_ip, uint32_t peer_ip)
{
	struct session *s = user;
	struct command cmd = {0};
	(void)local_ip;
	if (s->doomed || s->opened)
		return;
	if (weak_and_off(s, s->mppe_tx, s->mppe_rx)) {
		session_doom(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off meanwhile");
		return;
	}
	cmd.open.inner_ip = peer_ip;
	/* Once negotiated, MPPE covers all data (RFC 3078 section 3): clear text would be a
	 * forgery. */
	cmd.open.require_mppe =
		s->mppe_policy == PPP_MPPE_REQUIRE || s->mppe_tx != 0 || s->mppe_rx != 0;
	cmd.open.clamp_mss = s->env->cfg->clamp_mss;
	memcpy(cmd.open.user, s->user, sizeof(cmd.open.user));
	session_save(s);
	session_command(s, COMMAND_SESSION_OPEN, &cmd);
	if (s->doomed)
		return;
	s->opened = true;
	s->state = PHASE_UP;
	s->up_ms = session_now(s);
	s->all->n_up++;
	s->all->n_weak += session_weak(s);
	log_up(s);
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
	.auth = session_auth,
	.mppe_up = on_mppe_up,
	.mppe_down = on_mppe_down,
	.mppe_reset_request = on_mppe_reset_request,
	.ip_up = on_ip_up,
	.down = on_down,
	.random = on_random,
	.forged = on_forged,
};
