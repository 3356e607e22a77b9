/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What charon and its plugin say.  The first octet chooses: even, a record of the plugin's
 * (control/ike/check.h); odd, an answer over VICI.  Checked besides memory: what passes keeps the
 * promises of the headers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/ike/check.h"
#include "control/ike/vici.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int good)
{
	if (!good)
		abort();
}

static void
record(const uint8_t *data, size_t size)
{
	struct ike_message m;
	if (ike_message_check(data, size, &m))
		return;
	check(size == sizeof(m) && m.type >= IKE_HELLO && m.type <= IKE_DOWN);
	check((m.id != 0) == (m.type < IKE_LIST));
	if (m.type == IKE_ADD_IN || m.type == IKE_ADD_OUT) {
		check(m.spi && m.add.outer.peer_ip && m.add.outer.server_ip);
		check(!m.add.outer.peer_port == !m.add.outer.server_port);
		check(m.add.keys.encryption_len <= IKE_KEY_MAX);
		check(m.add.keys.integrity_len <= IKE_KEY_MAX);
		check(m.add.soft_bytes == 0 || m.add.soft_bytes < m.add.hard_bytes);
	}
	if (m.type == IKE_GET_SPI || m.type == IKE_ADD_IN || m.type == IKE_ADD_OUT ||
		m.type == IKE_LIST || m.type == IKE_MIGRATE || m.type == IKE_DOWN)
		check(m.ike_sa != 0);
	if (m.type == IKE_MIGRATE)
		check(m.migrate.from && m.migrate.from != m.ike_sa && m.migrate.proven <= 1);
	if (m.type == IKE_HELLO)
		check(strlen(m.hello.strongswan) < sizeof(m.hello.strongswan));
	if (m.type == IKE_ALERT)
		check(m.alert.code < IKE_ALERT_COUNT);
}

static void
answer(const uint8_t *data, size_t size)
{
	struct vici_answer a;
	if (!vici_parse(data, size, &a))
		return;
	check(a.type == VICI_RESPONSE || a.type == VICI_UNKNOWN_COMMAND ||
		a.type == VICI_REGISTERED || a.type == VICI_UNKNOWN_EVENT);
	check(strlen(a.errmsg) < sizeof(a.errmsg) && strlen(a.version) < sizeof(a.version));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	/* An exact copy, so that reading beyond is seen. */
	uint8_t *copy = malloc(size - 1 ? size - 1 : 1);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		answer(copy, size - 1);
	else
		record(copy, size - 1);
	free(copy);
	return 0;
}
