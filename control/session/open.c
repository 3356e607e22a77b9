/* SPDX-License-Identifier: BSD-3-Clause */
/* A session opens: whatever bears it, its user was let in and its client has its address. */
#include <string.h>

#include "control/aaa/decide.h"
#include "control/core/log.h"
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

bool
session_weak_is_off(const struct session *s, uint8_t tx, uint8_t rx)
{
	return (is_weak(tx) || is_weak(rx)) && !aaa_settings(s->env->aaa)->allow_weak_crypto;
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

void
session_open(struct session *s)
{
	struct command cmd = {0};
	if (s->doomed || s->opened)
		return;
	if (session_weak_is_off(s, s->mppe_tx, s->mppe_rx)) {
		session_doom(s, REFUSAL_WEAK_CRYPTO_OFF, "weak MPPE was turned off meanwhile");
		return;
	}
	cmd.open.inner_ip = s->inner_ip;
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
