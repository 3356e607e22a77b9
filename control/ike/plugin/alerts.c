/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alerts.h"

#include <daemon.h>
#include <encoding/message.h>
#include <encoding/payloads/notify_payload.h>
#include <encoding/payloads/sa_payload.h>
#include <threading/mutex.h>

/* Attempts remembered; who fills the table only gets repetitions counted. */
#define ATTEMPTS 4096

struct attempt {
	uint64_t spis;
	uint32_t told; /* bit of each enum ike_alert */
};

struct alerts {
	listener_t listener;
	void (*tell)(void *user, struct ike_message *m);
	void *user;
	mutex_t *lock; /* of attempts: charon's threads report at the same time */
	struct attempt attempts[ATTEMPTS];
};

/* With a wrong pre-shared key the first encrypted message of main mode decrypts to garbage: that is
 * all that IKEv1 lets the responder see (RFC 2409 section 5.4). */
static enum ike_alert
of_bad_body(ike_sa_t *ike_sa, va_list args)
{
	message_t *message = va_arg(args, message_t *);

	if (ike_sa && message && ike_sa->get_version(ike_sa) == IKEV1 &&
		ike_sa->get_state(ike_sa) == IKE_CONNECTING &&
		message->get_exchange_type(message) == ID_PROT &&
		message->get_first_payload_type(message) != PLV1_SECURITY_ASSOCIATION &&
		message->get_first_payload_type(message) != PLV1_KEY_EXCHANGE)
		return IKE_ALERT_PSK;
	return IKE_ALERT_MALFORMED;
}

static bool
ikev1(ike_sa_t *ike_sa)
{
	return ike_sa && ike_sa->get_version(ike_sa) == IKEV1;
}

/* IKE_ALERT_COUNT: nothing to tell. */
static enum ike_alert
alert_of(ike_sa_t *ike_sa, alert_t alert, va_list args)
{
	switch (alert) {
	case ALERT_PROPOSAL_MISMATCH_IKE:
		return ikev1(ike_sa) ? IKE_ALERT_COUNT : IKE_ALERT_NO_IKE_PROPOSAL;
	case ALERT_PROPOSAL_MISMATCH_CHILD:
		return ikev1(ike_sa) ? IKE_ALERT_COUNT : IKE_ALERT_NO_ESP_PROPOSAL;
	case ALERT_TS_MISMATCH:
		return ikev1(ike_sa) ? IKE_ALERT_COUNT : IKE_ALERT_SELECTORS;
	case ALERT_PEER_AUTH_FAILED:
	case ALERT_LOCAL_AUTH_FAILED:
		return IKE_ALERT_AUTH;
	case ALERT_CERT_REVOKED:
		return IKE_ALERT_REVOKED;
	case ALERT_PARSE_ERROR_HEADER:
		return IKE_ALERT_MALFORMED;
	case ALERT_PARSE_ERROR_BODY:
		return of_bad_body(ike_sa, args);
	case ALERT_HALF_OPEN_TIMEOUT:
		return IKE_ALERT_HALF_OPEN;
	case ALERT_RETRANSMIT_SEND_TIMEOUT:
		return IKE_ALERT_UNANSWERED;
	case ALERT_INSTALL_CHILD_SA_FAILED:
		return IKE_ALERT_INSTALL;
	default:
		return IKE_ALERT_COUNT;
	}
}

/* With the lock held. */
static struct attempt *
attempt_of(struct alerts *a, uint64_t spis)
{
	struct attempt *at = &a->attempts[spis % ATTEMPTS];

	if (at->spis != spis)
		*at = (struct attempt){.spis = spis};
	return at;
}

/* A client repeats the message that failed, and in the end charon gives the exchange up as
 * half-open: one attempt, one reason, the first that is told.  When it fails at its first message,
 * charon forgets the exchange at once, and a repeated message looks like another one but for the
 * client's SPI.  In an established IKE SA each failure is an attempt. */
static bool
is_repeated(struct alerts *a, ike_sa_t *ike_sa, enum ike_alert code)
{
	if (!ike_sa || ike_sa->get_state(ike_sa) == IKE_ESTABLISHED)
		return false;
	bool first = ike_sa->get_state(ike_sa) == IKE_CREATED || code == IKE_ALERT_NO_IKE_PROPOSAL;
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	uint64_t spis = id->get_initiator_spi(id) ^ (first ? 0 : id->get_responder_spi(id));
	uint32_t covered = 1u << code | 1u << IKE_ALERT_REVOKED;
	if (first || code == IKE_ALERT_HALF_OPEN)
		covered = UINT32_MAX;
	a->lock->lock(a->lock);
	struct attempt *at = attempt_of(a, spis);
	bool repeated = at->told & covered;
	at->told |= 1u << code;
	a->lock->unlock(a->lock);
	return repeated;
}

static void
tell(struct alerts *a, ike_sa_t *ike_sa, enum ike_alert code)
{
	struct ike_message m = {.type = IKE_ALERT};
	host_t *peer = ike_sa ? ike_sa->get_other_host(ike_sa) : NULL;

	if (code == IKE_ALERT_COUNT || is_repeated(a, ike_sa, code))
		return;
	if (peer && peer->get_family(peer) == AF_INET) {
		uint32_t be;
		memcpy(&be, peer->get_address(peer).ptr, sizeof(be));
		m.alert.peer_ip = ntohl(be);
	}
	m.alert.code = code;
	a->tell(a->user, &m);
}

static bool
on_alert(listener_t *listener, ike_sa_t *ike_sa, alert_t alert, va_list args)
{
	tell((struct alerts *)listener, ike_sa, alert_of(ike_sa, alert, args));
	return true;
}

/* Is there a connection that authenticates peers like this? */
static bool
configured(ike_sa_t *ike_sa, auth_class_t class)
{
	peer_cfg_t *peer;
	auth_cfg_t *auth;
	bool found = false;
	enumerator_t *peers = charon->backends->create_peer_cfg_enumerator(charon->backends,
		ike_sa->get_my_host(ike_sa), ike_sa->get_other_host(ike_sa), NULL, NULL, IKEV1);

	while (!found && peers->enumerate(peers, &peer)) {
		enumerator_t *auths = peer->create_auth_cfg_enumerator(peer, FALSE);
		while (!found && auths->enumerate(auths, &auth))
			found = (uintptr_t)auth->get(auth, AUTH_RULE_AUTH_CLASS) == class;
		auths->destroy(auths);
	}
	peers->destroy(peers);
	return found;
}

/* Why a first message can't succeed; IKE_ALERT_COUNT: it may. */
static enum ike_alert
hopeless(ike_sa_t *ike_sa, message_t *message, auth_method_t method)
{
	if (message->get_exchange_type(message) == AGGRESSIVE)
		return IKE_ALERT_AGGRESSIVE;
	if (method == AUTH_PSK || method == AUTH_XAUTH_INIT_PSK)
		return configured(ike_sa, AUTH_CLASS_PSK) ? IKE_ALERT_COUNT : IKE_ALERT_PSK;
	return configured(ike_sa, AUTH_CLASS_PUBKEY) ? IKE_ALERT_COUNT : IKE_ALERT_NO_CERTIFICATE;
}

/* charon finds out what it does not do only after it has done Diffie-Hellman, and in main mode
 * after its answer: a scan learns that something is here, and the cost is ours.  So a first message
 * that can't succeed loses its proposals, and charon says that none is in common. */
static void
on_first_message(struct alerts *a, ike_sa_t *ike_sa, message_t *message)
{
	sa_payload_t *sa = (sa_payload_t *)message->get_payload(message, PLV1_SECURITY_ASSOCIATION);
	payload_t *payload;

	if (!sa || ike_sa->get_state(ike_sa) != IKE_CREATED)
		return;
	enum ike_alert code = hopeless(ike_sa, message, sa->get_auth_method(sa));
	if (code == IKE_ALERT_COUNT)
		return;
	tell(a, ike_sa, code);
	enumerator_t *e = message->create_payload_enumerator(message);
	while (e->enumerate(e, &payload)) {
		if (payload->get_type(payload) != PLV1_SECURITY_ASSOCIATION)
			continue;
		message->remove_payload_at(message, e);
		payload->destroy(payload);
	}
	e->destroy(e);
	message->add_payload(message, (payload_t *)sa_payload_create(PLV1_SECURITY_ASSOCIATION));
}

/* charon raises no alert when IKEv1 finds nothing in common: only the peer is told. */
static bool
on_message(listener_t *listener, ike_sa_t *ike_sa, message_t *message, bool incoming, bool plain)
{
	enum ike_alert code = IKE_ALERT_COUNT;
	payload_t *payload;

	if (!plain || !ikev1(ike_sa))
		return true;
	if (incoming)
		on_first_message((struct alerts *)listener, ike_sa, message);
	if (incoming || message->get_exchange_type(message) != INFORMATIONAL_V1)
		return true;
	bool connecting = ike_sa->get_state(ike_sa) == IKE_CONNECTING;
	enumerator_t *e = message->create_payload_enumerator(message);
	while (e->enumerate(e, &payload)) {
		if (payload->get_type(payload) != PLV1_NOTIFY)
			continue;
		notify_payload_t *n = (notify_payload_t *)payload;
		if (n->get_notify_type(n) == NO_PROPOSAL_CHOSEN)
			code = connecting ? IKE_ALERT_NO_IKE_PROPOSAL : IKE_ALERT_NO_ESP_PROPOSAL;
		else if (n->get_notify_type(n) == INVALID_KE_PAYLOAD && connecting)
			code = IKE_ALERT_PSK; /* no key is there to derive from */
		else if (n->get_notify_type(n) == INVALID_ID_INFORMATION)
			code = connecting ? IKE_ALERT_AUTH : IKE_ALERT_SELECTORS;
	}
	e->destroy(e);
	tell((struct alerts *)listener, ike_sa, code);
	return true;
}

struct alerts *
alerts_create(void (*tell)(void *user, struct ike_message *m), void *user)
{
	struct alerts *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->lock = mutex_create(MUTEX_TYPE_DEFAULT);
	a->listener.alert = on_alert;
	a->listener.message = on_message;
	a->tell = tell;
	a->user = user;
	charon->bus->add_listener(charon->bus, &a->listener);
	return a;
}

void
alerts_destroy(struct alerts *a)
{
	if (!a)
		return;
	charon->bus->remove_listener(charon->bus, &a->listener);
	a->lock->destroy(a->lock);
	free(a);
}
