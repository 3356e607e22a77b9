/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alerts.h"

#include <daemon.h>
#include <encoding/message.h>
#include <encoding/payloads/notify_payload.h>
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

/* A client repeats the message that failed, and in the end charon gives the exchange up as
 * half-open: one attempt, one reason.  Where nothing is in common, charon forgets the exchange at
 * once, and a repeated message looks like another one but for the client's SPI.  In an established
 * IKE SA each failure is an attempt. */
static bool
is_repeated(struct alerts *a, ike_sa_t *ike_sa, enum ike_alert code)
{
	if (!ike_sa || ike_sa->get_state(ike_sa) == IKE_ESTABLISHED)
		return false;
	ike_sa_id_t *id = ike_sa->get_id(ike_sa);
	uint64_t spis = id->get_initiator_spi(id);
	if (code != IKE_ALERT_NO_IKE_PROPOSAL)
		spis ^= id->get_responder_spi(id);
	struct attempt *at = &a->attempts[spis % ATTEMPTS];
	a->lock->lock(a->lock);
	if (at->spis != spis)
		*at = (struct attempt){.spis = spis};
	bool repeated = at->told & 1u << code || (at->told && code == IKE_ALERT_HALF_OPEN);
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

/* charon raises no alert when IKEv1 finds nothing in common: only the peer is told. */
static bool
on_message(listener_t *listener, ike_sa_t *ike_sa, message_t *message, bool incoming, bool plain)
{
	enum ike_alert code = IKE_ALERT_COUNT;
	payload_t *payload;

	if (incoming || !plain || !ikev1(ike_sa) ||
		message->get_exchange_type(message) != INFORMATIONAL_V1)
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
