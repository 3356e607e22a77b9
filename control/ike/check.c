/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/check.h"

#include <stdbool.h>
#include <string.h>

/* Native ESP has no ports, ESP in UDP has both. */
static bool
outer_valid(const struct ike_outer *o)
{
	return o->server_ip && o->peer_ip && !o->server_port == !o->peer_port;
}

static bool
limits_valid(uint64_t soft, uint64_t hard)
{
	return soft == 0 || soft < hard;
}

static const char *
check_add(const struct ike_message *m)
{
	const struct ike_keys *k = &m->add.keys;
	if (!outer_valid(&m->add.outer))
		return "no valid addresses";
	if (k->encryption_len > IKE_KEY_MAX || k->integrity_len > IKE_KEY_MAX)
		return "a key too long";
	if (k->encryption == 0)
		return "no encryption algorithm";
	if ((k->integrity == 0) != (k->integrity_len == 0))
		return "an integrity key without algorithm, or the reverse";
	if (m->add.esn > 1 || m->add.transport > 1)
		return "a flag that is neither 0 nor 1";
	if (!limits_valid(m->add.soft_bytes, m->add.hard_bytes) ||
		!limits_valid(m->add.soft_packets, m->add.hard_packets))
		return "a soft limit beyond the hard one";
	if ((m->type == IKE_ADD_OUT) != (m->add.out_spi != 0))
		return "an outbound SPI out of place";
	return NULL;
}

static const char *
check_hello(const struct ike_message *m)
{
	if (!memchr(m->hello.strongswan, '\0', sizeof(m->hello.strongswan)))
		return "a version without end";
	if (m->hello.instance == 0)
		return "no instance";
	return NULL;
}

static const char *
check_body(const struct ike_message *m)
{
	switch (m->type) {
	case IKE_HELLO:
		return check_hello(m);
	case IKE_GET_SPI:
		return outer_valid(&m->get_spi) ? NULL : "no valid addresses";
	case IKE_ADD_IN:
	case IKE_ADD_OUT:
		return check_add(m);
	case IKE_LIST:
	case IKE_UPDATE:
		return outer_valid(&m->update) ? NULL : "no valid addresses";
	case IKE_QUERY:
		return m->query.direction <= IKE_OUTBOUND ? NULL : "no such direction";
	case IKE_ALERT:
		return m->alert.code < IKE_ALERT_COUNT ? NULL : "no such alert";
	case IKE_MIGRATE:
		return m->migrate.from && m->migrate.from != m->ike_sa && m->migrate.proven <= 1
			       ? NULL
			       : "no such succession";
	default:
		return NULL;
	}
}

/* Which records name the IKE SA that they come from. */
static bool
ike_sa_fits(const struct ike_message *m)
{
	switch (m->type) {
	case IKE_GET_SPI:
	case IKE_ADD_IN:
	case IKE_ADD_OUT:
	case IKE_LIST:
	case IKE_MIGRATE:
	case IKE_DOWN:
		return m->ike_sa != 0;
	case IKE_UPDATE:
	case IKE_DELETE_IN:
	case IKE_DELETE_OUT:
	case IKE_QUERY:
		return true;
	default:
		return m->ike_sa == 0;
	}
}

const char *
ike_message_check(const void *bytes, size_t len, struct ike_message *out)
{
	memset(out, 0, sizeof(*out));
	if (len != sizeof(*out))
		return "another length";
	memcpy(out, bytes, sizeof(*out));
	if (out->magic != IKE_MESSAGE_MAGIC || out->version != IKE_MESSAGE_VERSION)
		return "another version";
	if (out->type < IKE_HELLO || out->type > IKE_DOWN)
		return "no such type";
	bool answered = out->type < IKE_LIST;
	if (answered != (out->id != 0))
		return "an id out of place";
	bool of_pair = (out->type >= IKE_ADD_IN && out->type <= IKE_QUERY) || out->type == IKE_LIST;
	if (of_pair != (out->spi != 0))
		return "an SPI out of place";
	if (!ike_sa_fits(out))
		return "an IKE SA out of place";
	return check_body(out);
}
