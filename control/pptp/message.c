/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pptp/message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Lengths as RFC 2637 sections 2.1 to 2.15 state them. */
static_assert(sizeof(struct pptp_wire_header) == PPTP_HEADER_LEN, "header");
static_assert(sizeof(struct pptp_wire_sccrq) == 156, "SCCRQ");
static_assert(sizeof(struct pptp_wire_sccrp) == 156, "SCCRP");
static_assert(sizeof(struct pptp_wire_stop) == 16, "StopCCRQ, StopCCRP");
static_assert(sizeof(struct pptp_wire_echorq) == 16, "Echo-Request");
static_assert(sizeof(struct pptp_wire_echorp) == 20, "Echo-Reply");
static_assert(sizeof(struct pptp_wire_ocrq) == 168, "OCRQ");
static_assert(sizeof(struct pptp_wire_ocrp) == 32, "OCRP");
static_assert(sizeof(struct pptp_wire_icrq) == 220, "ICRQ");
static_assert(sizeof(struct pptp_wire_icrp) == 24, "ICRP");
static_assert(sizeof(struct pptp_wire_iccn) == 28, "ICCN");
static_assert(sizeof(struct pptp_wire_ccrq) == 16, "Call-Clear-Request");
static_assert(sizeof(struct pptp_wire_cdn) == 148, "CDN");
static_assert(sizeof(struct pptp_wire_wen) == 40, "WAN-Error-Notify");
static_assert(sizeof(struct pptp_wire_sli) == 24, "Set-Link-Info");

union pptp_wire {
	uint8_t octets[PPTP_MESSAGE_MAX];
	struct pptp_wire_header header;
	struct pptp_wire_sccrq sccrq;
	struct pptp_wire_sccrp sccrp;
	struct pptp_wire_stop stop;
	struct pptp_wire_echorq echorq;
	struct pptp_wire_echorp echorp;
	struct pptp_wire_ocrq ocrq;
	struct pptp_wire_ocrp ocrp;
	struct pptp_wire_icrq icrq;
	struct pptp_wire_icrp icrp;
	struct pptp_wire_iccn iccn;
	struct pptp_wire_ccrq ccrq;
	struct pptp_wire_cdn cdn;
	struct pptp_wire_wen wen;
	struct pptp_wire_sli sli;
};

static const struct {
	uint16_t length;
	const char *name;
} types[PPTP_TYPE_END] = {
	[PPTP_SCCRQ] = {sizeof(struct pptp_wire_sccrq), "Start-Control-Connection-Request"},
	[PPTP_SCCRP] = {sizeof(struct pptp_wire_sccrp), "Start-Control-Connection-Reply"},
	[PPTP_STOPCCRQ] = {sizeof(struct pptp_wire_stop), "Stop-Control-Connection-Request"},
	[PPTP_STOPCCRP] = {sizeof(struct pptp_wire_stop), "Stop-Control-Connection-Reply"},
	[PPTP_ECHORQ] = {sizeof(struct pptp_wire_echorq), "Echo-Request"},
	[PPTP_ECHORP] = {sizeof(struct pptp_wire_echorp), "Echo-Reply"},
	[PPTP_OCRQ] = {sizeof(struct pptp_wire_ocrq), "Outgoing-Call-Request"},
	[PPTP_OCRP] = {sizeof(struct pptp_wire_ocrp), "Outgoing-Call-Reply"},
	[PPTP_ICRQ] = {sizeof(struct pptp_wire_icrq), "Incoming-Call-Request"},
	[PPTP_ICRP] = {sizeof(struct pptp_wire_icrp), "Incoming-Call-Reply"},
	[PPTP_ICCN] = {sizeof(struct pptp_wire_iccn), "Incoming-Call-Connected"},
	[PPTP_CCRQ] = {sizeof(struct pptp_wire_ccrq), "Call-Clear-Request"},
	[PPTP_CDN] = {sizeof(struct pptp_wire_cdn), "Call-Disconnect-Notify"},
	[PPTP_WEN] = {sizeof(struct pptp_wire_wen), "WAN-Error-Notify"},
	[PPTP_SLI] = {sizeof(struct pptp_wire_sli), "Set-Link-Info"},
};

static uint16_t
get16(pptp_be16 v)
{
	return (uint16_t)(v.octet[0] << 8 | v.octet[1]);
}

static uint32_t
get32(pptp_be32 v)
{
	return (uint32_t)v.octet[0] << 24 | (uint32_t)v.octet[1] << 16 | (uint32_t)v.octet[2] << 8 |
	       v.octet[3];
}

static pptp_be16
put16(uint16_t v)
{
	return (pptp_be16){{(uint8_t)(v >> 8), (uint8_t)v}};
}

static pptp_be32
put32(uint32_t v)
{
	return (pptp_be32){{(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

/* A field of 64 octets, which a peer may fill without a NUL. */
static void
get_text(char out[65], const uint8_t in[64])
{
	size_t len = strnlen((const char *)in, 64);

	memcpy(out, in, len);
	out[len] = '\0';
}

static void
put_text(uint8_t out[64], const char in[65])
{
	memcpy(out, in, strnlen(in, 63));
}

uint16_t
pptp_message_length(unsigned int type)
{
	return type < PPTP_TYPE_END ? types[type].length : 0;
}

const char *
pptp_message_name(unsigned int type)
{
	return type < PPTP_TYPE_END && types[type].name ? types[type].name : "unknown message";
}

enum pptp_check
pptp_header_check(const uint8_t *bytes, size_t have, uint16_t *len)
{
	struct pptp_wire_header h;
	size_t n = have < sizeof(h) ? have : sizeof(h);
	uint16_t length;

	memset(&h, 0, sizeof(h));
	memcpy(&h, bytes, n);
	length = get16(h.length);
	if (n >= 2 && (length < PPTP_MESSAGE_MIN || length > PPTP_MESSAGE_MAX))
		return PPTP_CHECK_BAD;
	if (n >= 4 && get16(h.message_type) != PPTP_CONTROL_MESSAGE)
		return PPTP_CHECK_BAD;
	if (n >= 8 && get32(h.magic_cookie) != PPTP_MAGIC_COOKIE)
		return PPTP_CHECK_BAD;
	if (n >= 10 && length != pptp_message_length(get16(h.control_type)))
		return PPTP_CHECK_BAD;
	if (n < sizeof(h))
		return PPTP_CHECK_MORE;
	*len = length;
	return PPTP_CHECK_OK;
}

static void
decode_connection(struct pptp_message *m, const union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_SCCRQ:
	case PPTP_SCCRP:
		/* The two differ in the octets of result and error, which a request reserves. */
		m->version = get16(w->sccrp.version);
		if (m->type == PPTP_SCCRP) {
			m->result = w->sccrp.result;
			m->error = w->sccrp.error;
		}
		m->framing = get32(w->sccrp.framing);
		m->bearer = get32(w->sccrp.bearer);
		m->max_channels = get16(w->sccrp.max_channels);
		m->firmware = get16(w->sccrp.firmware);
		get_text(m->host_name, w->sccrp.host_name);
		get_text(m->vendor, w->sccrp.vendor);
		break;
	case PPTP_STOPCCRQ:
	case PPTP_STOPCCRP:
		m->result = w->stop.result;
		m->error = w->stop.error;
		break;
	case PPTP_ECHORQ:
		m->identifier = get32(w->echorq.identifier);
		break;
	case PPTP_ECHORP:
		m->identifier = get32(w->echorp.identifier);
		m->result = w->echorp.result;
		m->error = w->echorp.error;
		break;
	}
}

static void
decode_call_setup(struct pptp_message *m, const union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_OCRQ:
		m->call_id = get16(w->ocrq.call_id);
		m->serial = get16(w->ocrq.serial);
		m->min_bps = get32(w->ocrq.min_bps);
		m->max_bps = get32(w->ocrq.max_bps);
		m->bearer = get32(w->ocrq.bearer);
		m->framing = get32(w->ocrq.framing);
		m->recv_window = get16(w->ocrq.recv_window);
		m->delay = get16(w->ocrq.delay);
		m->phone_len = get16(w->ocrq.phone_len);
		break;
	case PPTP_OCRP:
		m->call_id = get16(w->ocrp.call_id);
		m->peer_call_id = get16(w->ocrp.peer_call_id);
		m->result = w->ocrp.result;
		m->error = w->ocrp.error;
		m->cause = get16(w->ocrp.cause);
		m->speed = get32(w->ocrp.speed);
		m->recv_window = get16(w->ocrp.recv_window);
		m->delay = get16(w->ocrp.delay);
		m->channel = get32(w->ocrp.channel);
		break;
	case PPTP_ICRQ:
		m->call_id = get16(w->icrq.call_id);
		m->serial = get16(w->icrq.serial);
		m->bearer = get32(w->icrq.bearer);
		m->channel = get32(w->icrq.channel);
		m->phone_len = get16(w->icrq.dialed_len);
		m->dialing_len = get16(w->icrq.dialing_len);
		break;
	case PPTP_ICRP:
		m->call_id = get16(w->icrp.call_id);
		m->peer_call_id = get16(w->icrp.peer_call_id);
		m->result = w->icrp.result;
		m->error = w->icrp.error;
		m->recv_window = get16(w->icrp.recv_window);
		m->delay = get16(w->icrp.delay);
		break;
	case PPTP_ICCN:
		m->peer_call_id = get16(w->iccn.peer_call_id);
		m->speed = get32(w->iccn.speed);
		m->recv_window = get16(w->iccn.recv_window);
		m->delay = get16(w->iccn.delay);
		m->framing = get32(w->iccn.framing);
		break;
	}
}

static void
decode_call(struct pptp_message *m, const union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_CCRQ:
		m->call_id = get16(w->ccrq.call_id);
		break;
	case PPTP_CDN:
		m->call_id = get16(w->cdn.call_id);
		m->result = w->cdn.result;
		m->error = w->cdn.error;
		m->cause = get16(w->cdn.cause);
		break;
	case PPTP_WEN:
		m->peer_call_id = get16(w->wen.peer_call_id);
		m->crc_errors = get32(w->wen.crc);
		m->framing_errors = get32(w->wen.framing);
		m->overruns = get32(w->wen.overrun);
		m->buffer_overruns = get32(w->wen.buffer);
		m->timeouts = get32(w->wen.timeout);
		m->alignment_errors = get32(w->wen.alignment);
		break;
	case PPTP_SLI:
		m->peer_call_id = get16(w->sli.peer_call_id);
		m->send_accm = get32(w->sli.send_accm);
		m->recv_accm = get32(w->sli.recv_accm);
		break;
	}
}

int
pptp_message_decode(struct pptp_message *m, const uint8_t *bytes, size_t len)
{
	union pptp_wire w;
	uint16_t length;

	memset(m, 0, sizeof(*m));
	if (pptp_header_check(bytes, len, &length) != PPTP_CHECK_OK || length != len)
		return -EINVAL;
	memset(&w, 0, sizeof(w));
	memcpy(w.octets, bytes, len);
	m->type = (uint8_t)get16(w.header.control_type);
	decode_connection(m, &w);
	decode_call_setup(m, &w);
	decode_call(m, &w);
	return 0;
}

static void
encode_connection(const struct pptp_message *m, union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_SCCRQ:
	case PPTP_SCCRP:
		w->sccrp.version = put16(m->version);
		if (m->type == PPTP_SCCRP) {
			w->sccrp.result = m->result;
			w->sccrp.error = m->error;
		}
		w->sccrp.framing = put32(m->framing);
		w->sccrp.bearer = put32(m->bearer);
		w->sccrp.max_channels = put16(m->max_channels);
		w->sccrp.firmware = put16(m->firmware);
		put_text(w->sccrp.host_name, m->host_name);
		put_text(w->sccrp.vendor, m->vendor);
		break;
	case PPTP_STOPCCRQ:
	case PPTP_STOPCCRP:
		w->stop.result = m->result;
		w->stop.error = m->error;
		break;
	case PPTP_ECHORQ:
		w->echorq.identifier = put32(m->identifier);
		break;
	case PPTP_ECHORP:
		w->echorp.identifier = put32(m->identifier);
		w->echorp.result = m->result;
		w->echorp.error = m->error;
		break;
	}
}

static void
encode_call_setup(const struct pptp_message *m, union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_OCRQ:
		w->ocrq.call_id = put16(m->call_id);
		w->ocrq.serial = put16(m->serial);
		w->ocrq.min_bps = put32(m->min_bps);
		w->ocrq.max_bps = put32(m->max_bps);
		w->ocrq.bearer = put32(m->bearer);
		w->ocrq.framing = put32(m->framing);
		w->ocrq.recv_window = put16(m->recv_window);
		w->ocrq.delay = put16(m->delay);
		w->ocrq.phone_len = put16(m->phone_len);
		break;
	case PPTP_OCRP:
		w->ocrp.call_id = put16(m->call_id);
		w->ocrp.peer_call_id = put16(m->peer_call_id);
		w->ocrp.result = m->result;
		w->ocrp.error = m->error;
		w->ocrp.cause = put16(m->cause);
		w->ocrp.speed = put32(m->speed);
		w->ocrp.recv_window = put16(m->recv_window);
		w->ocrp.delay = put16(m->delay);
		w->ocrp.channel = put32(m->channel);
		break;
	case PPTP_ICRQ:
		w->icrq.call_id = put16(m->call_id);
		w->icrq.serial = put16(m->serial);
		w->icrq.bearer = put32(m->bearer);
		w->icrq.channel = put32(m->channel);
		w->icrq.dialed_len = put16(m->phone_len);
		w->icrq.dialing_len = put16(m->dialing_len);
		break;
	case PPTP_ICRP:
		w->icrp.call_id = put16(m->call_id);
		w->icrp.peer_call_id = put16(m->peer_call_id);
		w->icrp.result = m->result;
		w->icrp.error = m->error;
		w->icrp.recv_window = put16(m->recv_window);
		w->icrp.delay = put16(m->delay);
		break;
	case PPTP_ICCN:
		w->iccn.peer_call_id = put16(m->peer_call_id);
		w->iccn.speed = put32(m->speed);
		w->iccn.recv_window = put16(m->recv_window);
		w->iccn.delay = put16(m->delay);
		w->iccn.framing = put32(m->framing);
		break;
	}
}

static void
encode_call(const struct pptp_message *m, union pptp_wire *w)
{
	switch (m->type) {
	case PPTP_CCRQ:
		w->ccrq.call_id = put16(m->call_id);
		break;
	case PPTP_CDN:
		w->cdn.call_id = put16(m->call_id);
		w->cdn.result = m->result;
		w->cdn.error = m->error;
		w->cdn.cause = put16(m->cause);
		break;
	case PPTP_WEN:
		w->wen.peer_call_id = put16(m->peer_call_id);
		w->wen.crc = put32(m->crc_errors);
		w->wen.framing = put32(m->framing_errors);
		w->wen.overrun = put32(m->overruns);
		w->wen.buffer = put32(m->buffer_overruns);
		w->wen.timeout = put32(m->timeouts);
		w->wen.alignment = put32(m->alignment_errors);
		break;
	case PPTP_SLI:
		w->sli.peer_call_id = put16(m->peer_call_id);
		w->sli.send_accm = put32(m->send_accm);
		w->sli.recv_accm = put32(m->recv_accm);
		break;
	}
}

size_t
pptp_message_encode(const struct pptp_message *m, uint8_t out[PPTP_MESSAGE_MAX])
{
	union pptp_wire w;
	uint16_t length = pptp_message_length(m->type);

	if (length == 0)
		return 0;
	memset(&w, 0, sizeof(w));
	w.header.length = put16(length);
	w.header.message_type = put16(PPTP_CONTROL_MESSAGE);
	w.header.magic_cookie = put32(PPTP_MAGIC_COOKIE);
	w.header.control_type = put16(m->type);
	encode_connection(m, &w);
	encode_call_setup(m, &w);
	encode_call(m, &w);
	memcpy(out, w.octets, length);
	return length;
}
