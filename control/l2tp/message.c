/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/l2tp/message.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define BIT_TYPE      0x8000
#define BIT_LENGTH    0x4000
#define BIT_SEQUENCE  0x0800
#define BIT_OFFSET    0x0200
#define BIT_PRIORITY  0x0100
#define VERSION_MASK  0x000f
#define CONTROL_FLAGS (BIT_TYPE | BIT_LENGTH | BIT_SEQUENCE | 2)

/* How an attribute's value is kept. */
enum kind {
	KIND_UNKNOWN,
	KIND_SKIP, /* known, of no interest here: proxy LCP and authentication among them */
	KIND_FLAG, /* its presence says all */
	KIND_U16,
	KIND_U32,
	KIND_U64,
	KIND_TEXT, /* 65 octets; longer values are cut */
	KIND_RESULT,
	KIND_CHALLENGE,
	KIND_RESPONSE,
	KIND_ERRORS,
	KIND_ACCM
};

struct attribute {
	uint8_t kind;
	bool mandatory; /* the M bit when we write it */
	uint16_t min, max;
	uint16_t at; /* offset in struct l2tp_message */
};

#define FIELD(name) offsetof(struct l2tp_message, name)
#define ANY         L2TP_AVP_VALUE_MAX

/* Section 4.4: the M bit that we send, and bounds of the value. */
static const struct attribute attributes[L2TP_ATTRIBUTE_END] = {
	[L2TP_MESSAGE_TYPE] = {KIND_U16, true, 2, 2, FIELD(type)},
	[L2TP_RESULT_CODE] = {KIND_RESULT, true, 2, ANY, 0},
	[L2TP_PROTOCOL_VERSION] = {KIND_U16, true, 2, 2, FIELD(version)},
	[L2TP_FRAMING_CAPABILITIES] = {KIND_U32, true, 4, 4, FIELD(framing_capabilities)},
	[L2TP_BEARER_CAPABILITIES] = {KIND_U32, true, 4, 4, FIELD(bearer_capabilities)},
	[L2TP_TIE_BREAKER] = {KIND_U64, false, 8, 8, FIELD(tie_breaker)},
	[L2TP_FIRMWARE_REVISION] = {KIND_U16, false, 2, 2, FIELD(firmware)},
	[L2TP_HOST_NAME] = {KIND_TEXT, true, 1, ANY, FIELD(host_name)},
	[L2TP_VENDOR_NAME] = {KIND_TEXT, false, 0, ANY, FIELD(vendor)},
	[L2TP_ASSIGNED_TUNNEL_ID] = {KIND_U16, true, 2, 2, FIELD(assigned_tunnel_id)},
	[L2TP_RECEIVE_WINDOW] = {KIND_U16, true, 2, 2, FIELD(receive_window)},
	[L2TP_CHALLENGE] = {KIND_CHALLENGE, true, 1, 64, 0},
	[L2TP_CAUSE_CODE] = {KIND_SKIP, true, 3, ANY, 0},
	[L2TP_CHALLENGE_RESPONSE] = {KIND_RESPONSE, true, 16, 16, 0},
	[L2TP_ASSIGNED_SESSION_ID] = {KIND_U16, true, 2, 2, FIELD(assigned_session_id)},
	[L2TP_CALL_SERIAL] = {KIND_U32, true, 4, 4, FIELD(serial)},
	[L2TP_MINIMUM_BPS] = {KIND_U32, true, 4, 4, FIELD(minimum_bps)},
	[L2TP_MAXIMUM_BPS] = {KIND_U32, true, 4, 4, FIELD(maximum_bps)},
	[L2TP_BEARER_TYPE] = {KIND_U32, true, 4, 4, FIELD(bearer_type)},
	[L2TP_FRAMING_TYPE] = {KIND_U32, true, 4, 4, FIELD(framing_type)},
	[L2TP_CALLED_NUMBER] = {KIND_TEXT, true, 0, ANY, FIELD(called)},
	[L2TP_CALLING_NUMBER] = {KIND_TEXT, true, 0, ANY, FIELD(calling)},
	[L2TP_SUB_ADDRESS] = {KIND_SKIP, true, 0, ANY, 0},
	[L2TP_TX_SPEED] = {KIND_U32, true, 4, 4, FIELD(tx_speed)},
	[L2TP_PHYSICAL_CHANNEL] = {KIND_U32, false, 4, 4, FIELD(physical_channel)},
	[L2TP_INITIAL_LCP] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_LAST_SENT_LCP] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_LAST_RECEIVED_LCP] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_PROXY_AUTH_TYPE] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_PROXY_AUTH_NAME] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_PROXY_AUTH_CHALLENGE] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_PROXY_AUTH_ID] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_PROXY_AUTH_RESPONSE] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_CALL_ERRORS] = {KIND_ERRORS, true, 26, 26, 0},
	[L2TP_ACCM] = {KIND_ACCM, true, 10, 10, 0},
	[L2TP_RANDOM_VECTOR] = {KIND_SKIP, true, 0, ANY, 0},
	[L2TP_PRIVATE_GROUP] = {KIND_SKIP, false, 0, ANY, 0},
	[L2TP_RX_SPEED] = {KIND_U32, false, 4, 4, FIELD(rx_speed)},
	[L2TP_SEQUENCING_REQUIRED] = {KIND_FLAG, true, 0, 0, 0},
	[L2TP_PPP_DISCONNECT_CAUSE] = {KIND_SKIP, false, 5, ANY, 0},
};

static const char *const names[L2TP_TYPE_END] = {
	[L2TP_ZLB] = "ZLB",
	[L2TP_SCCRQ] = "SCCRQ",
	[L2TP_SCCRP] = "SCCRP",
	[L2TP_SCCCN] = "SCCCN",
	[L2TP_STOPCCN] = "StopCCN",
	[L2TP_HELLO] = "HELLO",
	[L2TP_OCRQ] = "OCRQ",
	[L2TP_OCRP] = "OCRP",
	[L2TP_OCCN] = "OCCN",
	[L2TP_ICRQ] = "ICRQ",
	[L2TP_ICRP] = "ICRP",
	[L2TP_ICCN] = "ICCN",
	[L2TP_CDN] = "CDN",
	[L2TP_WEN] = "WEN",
	[L2TP_SLI] = "SLI",
};

const char *
l2tp_message_name(unsigned int type)
{
	return type < L2TP_TYPE_END && names[type] ? names[type] : "unknown";
}

/* ------------------------------------------------------------------ decoding */

int
l2tp_header_decode(struct l2tp_header *h, const uint8_t *bytes, size_t len)
{
	struct wire_reader r = wire_read(bytes, len);
	uint16_t flags = wire_get16(&r);

	h->len = wire_get16(&r);
	h->tunnel_id = wire_get16(&r);
	h->session_id = wire_get16(&r);
	h->ns = wire_get16(&r);
	h->nr = wire_get16(&r);
	/* Section 3.1.  Reserved bits are ignored. */
	if (r.bad || (flags & (CONTROL_FLAGS | VERSION_MASK)) != CONTROL_FLAGS ||
		flags & (BIT_OFFSET | BIT_PRIORITY) || h->len < L2TP_HEADER_LEN || h->len > len)
		return -EINVAL;
	return 0;
}

static void
take_text(char out[65], const uint8_t *value, size_t len)
{
	size_t n = len < 64 ? len : 64;

	memcpy(out, value, n);
	out[n] = '\0';
}

/* Section 4.4.2: result, then perhaps an error code, then perhaps a message. */
static void
take_result(struct l2tp_message *m, const struct l2tp_avp *avp)
{
	struct wire_reader r = wire_read(avp->value, avp->len);
	size_t n;

	m->result = wire_get16(&r);
	m->has_error = r.left >= 2;
	m->error = m->has_error ? wire_get16(&r) : 0;
	n = r.left < sizeof(m->error_text) - 1 ? r.left : sizeof(m->error_text) - 1;
	if (n > 0)
		memcpy(m->error_text, r.at, n);
	m->error_text[n] = '\0';
}

static void
take_value(struct l2tp_message *m, const struct attribute *a, const struct l2tp_avp *avp)
{
	struct wire_reader r = wire_read(avp->value, avp->len);
	uint8_t *field = (uint8_t *)m + a->at;

	switch (a->kind) {
	case KIND_U16:
		memcpy(field, &(uint16_t){wire_get16(&r)}, sizeof(uint16_t));
		break;
	case KIND_U32:
		memcpy(field, &(uint32_t){wire_get32(&r)}, sizeof(uint32_t));
		break;
	case KIND_U64:
		m->tie_breaker = (uint64_t)wire_get32(&r) << 32;
		m->tie_breaker |= wire_get32(&r);
		break;
	case KIND_TEXT:
		take_text((char *)field, avp->value, avp->len);
		break;
	case KIND_RESULT:
		take_result(m, avp);
		break;
	case KIND_CHALLENGE:
		m->challenge_len = (uint8_t)avp->len;
		memcpy(m->challenge, avp->value, avp->len);
		break;
	case KIND_RESPONSE:
		memcpy(m->challenge_response, avp->value, sizeof(m->challenge_response));
		break;
	case KIND_ERRORS:
		wire_get16(&r);
		for (unsigned int i = 0; i < 6; i++)
			m->call_errors[i] = wire_get32(&r);
		break;
	case KIND_ACCM:
		wire_get16(&r);
		m->send_accm = wire_get32(&r);
		m->recv_accm = wire_get32(&r);
		break;
	default:
		break;
	}
}

/* One AVP that could be read: GOOD, BAD_VALUE or UNKNOWN_AVP. */
static enum l2tp_verdict
take_avp(struct l2tp_message *m, const struct l2tp_avp *avp)
{
	const struct attribute *a =
		avp->vendor == 0 && avp->type < L2TP_ATTRIBUTE_END ? &attributes[avp->type] : NULL;

	if (!a || a->kind == KIND_UNKNOWN)
		return avp->mandatory ? L2TP_UNKNOWN_AVP : L2TP_GOOD;
	if (avp->len < a->min || avp->len > a->max)
		return avp->mandatory ? L2TP_BAD_VALUE : L2TP_GOOD;
	/* The first of several counts. */
	if (!(m->has & L2TP_HAS(avp->type)))
		take_value(m, a, avp);
	m->has |= L2TP_HAS(avp->type);
	return L2TP_GOOD;
}

/* Section 4.4.1: the Message Type AVP comes first. */
static enum l2tp_verdict
take_type(struct l2tp_message *m, struct l2tp_avp_reader *reader)
{
	struct l2tp_avp avp;

	if (l2tp_avp_read(reader, &avp) != L2TP_AVP_TAKEN || avp.vendor != 0 ||
		avp.type != L2TP_MESSAGE_TYPE || avp.len != 2)
		return L2TP_MALFORMED;
	m->type = wire_be16(avp.value);
	m->has = L2TP_HAS(L2TP_MESSAGE_TYPE);
	if (m->type < L2TP_TYPE_END && m->type != L2TP_ZLB && names[m->type])
		return L2TP_GOOD;
	return avp.mandatory ? L2TP_UNKNOWN_MESSAGE : L2TP_IGNORE;
}

enum l2tp_verdict
l2tp_message_decode(struct l2tp_message *m, const struct l2tp_header *h, const uint8_t *bytes,
	const char *secret)
{
	struct l2tp_avp_reader reader;
	struct l2tp_avp avp;
	enum l2tp_verdict verdict, one = L2TP_GOOD;

	memset(m, 0, sizeof(*m));
	m->tunnel_id = h->tunnel_id;
	m->session_id = h->session_id;
	m->ns = h->ns;
	m->nr = h->nr;
	if (h->len == L2TP_HEADER_LEN)
		return L2TP_GOOD;
	l2tp_avp_begin(&reader, bytes + L2TP_HEADER_LEN, h->len - L2TP_HEADER_LEN, secret);
	verdict = take_type(m, &reader);
	while (verdict != L2TP_MALFORMED && one != L2TP_MALFORMED) {
		enum l2tp_avp_next next = l2tp_avp_read(&reader, &avp);

		if (next == L2TP_AVP_END)
			break;
		if (next == L2TP_AVP_BAD)
			one = L2TP_MALFORMED;
		else if (next == L2TP_AVP_UNREADABLE)
			one = avp.mandatory ? L2TP_UNKNOWN_AVP : L2TP_GOOD;
		else
			one = take_avp(m, &avp);
		if (one == L2TP_MALFORMED || (verdict == L2TP_GOOD && one != L2TP_GOOD))
			verdict = one;
	}
	l2tp_avp_end(&reader);
	return verdict;
}

/* ------------------------------------------------------------------ encoding */

static size_t
value_of(const struct l2tp_message *m, unsigned int type, uint8_t *out, size_t size)
{
	const struct attribute *a = &attributes[type];
	const uint8_t *field = (const uint8_t *)m + a->at;
	struct wire_writer w = wire_write(out, size);
	uint16_t u16;
	uint32_t u32;

	switch (a->kind) {
	case KIND_U16:
		memcpy(&u16, field, sizeof(u16));
		wire_put16(&w, u16);
		break;
	case KIND_U32:
		memcpy(&u32, field, sizeof(u32));
		wire_put32(&w, u32);
		break;
	case KIND_U64:
		wire_put32(&w, (uint32_t)(m->tie_breaker >> 32));
		wire_put32(&w, (uint32_t)m->tie_breaker);
		break;
	case KIND_TEXT:
		wire_put(&w, field, strnlen((const char *)field, 64));
		break;
	case KIND_RESULT:
		wire_put16(&w, m->result);
		if (m->has_error || *m->error_text)
			wire_put16(&w, m->error);
		wire_put(&w, m->error_text, strnlen(m->error_text, sizeof(m->error_text)));
		break;
	case KIND_CHALLENGE:
		wire_put(&w, m->challenge, m->challenge_len);
		break;
	case KIND_RESPONSE:
		wire_put(&w, m->challenge_response, sizeof(m->challenge_response));
		break;
	case KIND_ERRORS:
		wire_put16(&w, 0);
		for (unsigned int i = 0; i < 6; i++)
			wire_put32(&w, m->call_errors[i]);
		break;
	case KIND_ACCM:
		wire_put16(&w, 0);
		wire_put32(&w, m->send_accm);
		wire_put32(&w, m->recv_accm);
		break;
	default:
		break;
	}
	return w.len;
}

static void
put_attribute(struct wire_writer *w, const struct l2tp_message *m, unsigned int type,
	const struct l2tp_hiding *hiding)
{
	uint8_t value[128];
	size_t len = value_of(m, type, value, sizeof(value));
	bool mandatory = attributes[type].mandatory;

	if (hiding && m->hide & L2TP_HAS(type))
		l2tp_avp_put_hidden(w, mandatory, (uint16_t)type, value, len, hiding->padding,
			hiding->secret, hiding->random, hiding->random_len);
	else
		l2tp_avp_put(w, mandatory, (uint16_t)type, value, len);
}

size_t
l2tp_message_encode(
	const struct l2tp_message *m, const struct l2tp_hiding *hiding, uint8_t *out, size_t size)
{
	struct wire_writer w = wire_write(out, size);

	wire_put16(&w, CONTROL_FLAGS);
	wire_put16(&w, 0);
	wire_put16(&w, m->tunnel_id);
	wire_put16(&w, m->session_id);
	wire_put16(&w, m->ns);
	wire_put16(&w, m->nr);
	if (m->type != L2TP_ZLB) {
		l2tp_avp_put16(&w, true, L2TP_MESSAGE_TYPE, m->type);
		if (hiding && m->hide)
			l2tp_avp_put(
				&w, true, L2TP_RANDOM_VECTOR, hiding->random, hiding->random_len);
		for (unsigned int i = L2TP_MESSAGE_TYPE + 1; i < L2TP_ATTRIBUTE_END; i++)
			if (m->has & L2TP_HAS(i) && attributes[i].kind > KIND_SKIP)
				put_attribute(&w, m, i, hiding);
	}
	if (w.full)
		return 0;
	out[2] = (uint8_t)(w.len >> 8);
	out[3] = (uint8_t)w.len;
	return w.len;
}

void
l2tp_message_stamp(uint8_t *bytes, uint16_t ns, uint16_t nr)
{
	struct wire_writer w = wire_write(bytes + 8, 4);

	wire_put16(&w, ns);
	wire_put16(&w, nr);
}
