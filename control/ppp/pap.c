/* SPDX-License-Identifier: BSD-3-Clause */
/* PAP as authenticator, RFC 1334 section 2. */
#include "control/ppp/link.h"

#include <string.h>

void
pap_begin(struct ppp_link *l)
{
	l->pap.done = false;
}

void
pap_answer(struct ppp_link *l, bool ok)
{
	static const char granted[] = "Access granted", denied[] = "Authentication failed";
	const char *text = ok ? granted : denied;
	uint8_t buf[64], n = (uint8_t)strlen(text);
	struct wire_writer w = wire_write(buf, sizeof(buf));

	l->pap.done = ok;
	wire_put8(&w, ok ? PAP_ACK : PAP_NAK);
	wire_put8(&w, l->pap.id);
	wire_put16(&w, n + 5);
	wire_put8(&w, n);
	wire_put(&w, text, n);
	ppp_send(l, PPP_PROTO_PAP, buf, w.len);
}

static bool
take_string(struct wire_reader *r, char out[256])
{
	uint8_t n = wire_get8(r);
	const uint8_t *p = wire_take(r, n);

	if (p == NULL || memchr(p, 0, n) != NULL)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

void
pap_input(struct ppp_link *l, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_read(packet, len);
	uint8_t code = wire_get8(&r), id = wire_get8(&r);
	uint16_t length = wire_get16(&r);
	struct ppp_credentials cred;

	if (r.bad || length < 4 || length > len || code != PAP_REQUEST || l->verdict_owed)
		return;
	l->pap.id = id;
	if (l->pap.done) {
		pap_answer(l, true); /* our Ack was lost; RFC 1334 section 2.2.1 */
		return;
	}
	memset(&cred, 0, sizeof(cred));
	cred.method = PPP_AUTH_PAP;
	r = wire_read(packet + 4, length - 4u);
	if (take_string(&r, cred.user) && take_string(&r, cred.password) && cred.user[0] != '\0') {
		ppp_ask_verdict(l, &cred);
	} else {
		pap_answer(l, false);
		ppp_fail(l, REFUSAL_PROTOCOL_ERROR, "malformed PAP request");
	}
	explicit_bzero(&cred, sizeof(cred));
}
