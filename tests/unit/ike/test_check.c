/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of charon's plugin: what is refused, field by field (T21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "control/ike/check.h"

static struct ike_message
of_type(uint16_t type)
{
	struct ike_message m = {.magic = IKE_MESSAGE_MAGIC,
		.version = IKE_MESSAGE_VERSION,
		.type = type,
		.id = type < IKE_LIST ? 7 : 0};
	struct ike_outer outer = {0xc000020a, 0xc0000201, 4500, 40000};
	if ((type >= IKE_ADD_IN && type <= IKE_QUERY) || type == IKE_LIST)
		m.spi = 0x00100005;
	if (type == IKE_GET_SPI || type == IKE_ADD_IN || type == IKE_ADD_OUT || type == IKE_LIST ||
		type == IKE_MIGRATE || type == IKE_DOWN)
		m.ike_sa = 11;
	if (type == IKE_MIGRATE)
		m.migrate.from = 10;
	switch (type) {
	case IKE_HELLO:
		strcpy(m.hello.strongswan, "5.9.8");
		m.hello.instance = 1;
		break;
	case IKE_ADD_IN:
	case IKE_ADD_OUT:
		m.add.outer = outer;
		m.add.out_spi = type == IKE_ADD_OUT ? 0xc0000001 : 0;
		m.add.transport = 1;
		m.add.soft_bytes = 10;
		m.add.hard_bytes = 20;
		m.add.keys = (struct ike_keys){.encryption = 12,
			.integrity = 2,
			.encryption_len = 16,
			.integrity_len = 20};
		break;
	case IKE_GET_SPI:
	case IKE_UPDATE:
	case IKE_LIST:
		m.update = outer;
		break;
	default:
		break;
	}
	return m;
}

static const char *
why(const struct ike_message *m)
{
	struct ike_message out;
	return ike_message_check(m, sizeof(*m), &out);
}

static void
test_good(void **state)
{
	(void)state;
	for (uint16_t type = IKE_HELLO; type <= IKE_DOWN; type++) {
		struct ike_message m = of_type(type), out;
		const char *text = ike_message_check(&m, sizeof(m), &out);
		if (text)
			fail_msg("type %u: %s", type, text);
		assert_memory_equal(&m, &out, sizeof(m));
	}
}

static void
test_frame(void **state)
{
	(void)state;
	struct ike_message m = of_type(IKE_QUERY), out;
	uint8_t longer[sizeof(m) + 1] = {0};
	memcpy(longer, &m, sizeof(m));
	assert_non_null(ike_message_check(longer, sizeof(longer), &out));
	assert_non_null(ike_message_check(longer, sizeof(m) - 1, &out));
	assert_non_null(ike_message_check(longer, 0, &out));
	m.magic ^= 1;
	assert_string_equal(why(&m), "another version");
	m = of_type(IKE_QUERY);
	m.version++;
	assert_string_equal(why(&m), "another version");
	m = of_type(IKE_QUERY);
	const uint16_t types[] = {0, IKE_DOWN + 1, IKE_ANSWER, IKE_EXPIRE, UINT16_MAX};
	for (unsigned int i = 0; i < 5; i++) {
		m.type = types[i];
		assert_string_equal(why(&m), "no such type");
	}
}

static void
test_ids(void **state)
{
	(void)state;
	for (uint16_t type = IKE_HELLO; type <= IKE_DOWN; type++) {
		struct ike_message m = of_type(type);
		m.id = m.id ? 0 : 9;
		assert_string_equal(why(&m), "an id out of place");
		m = of_type(type);
		m.spi = m.spi ? 0 : 9;
		assert_string_equal(why(&m), "an SPI out of place");
	}
}

static void
test_bodies(void **state)
{
	(void)state;
	struct ike_message m;
#define REFUSED(type_, change)            \
	do {                              \
		m = of_type(type_);       \
		change;                   \
		assert_non_null(why(&m)); \
	} while (0)
	REFUSED(IKE_HELLO, memset(m.hello.strongswan, 'x', sizeof(m.hello.strongswan)));
	REFUSED(IKE_HELLO, m.hello.instance = 0);
	REFUSED(IKE_GET_SPI, m.get_spi.peer_ip = 0);
	REFUSED(IKE_UPDATE, m.update.peer_port = 0);
	REFUSED(IKE_LIST, m.update.server_port = 0);
	REFUSED(IKE_ADD_IN, m.add.outer.server_ip = 0);
	REFUSED(IKE_ADD_IN, m.add.keys.encryption_len = IKE_KEY_MAX + 1);
	REFUSED(IKE_ADD_IN, m.add.keys.integrity_len = 255);
	REFUSED(IKE_ADD_IN, m.add.keys.encryption = 0);
	REFUSED(IKE_ADD_IN, m.add.keys.integrity = 0);
	REFUSED(IKE_ADD_IN, m.add.keys.integrity_len = 0);
	REFUSED(IKE_ADD_IN, m.add.esn = 2);
	REFUSED(IKE_ADD_IN, m.add.transport = 2);
	REFUSED(IKE_ADD_IN, m.add.soft_bytes = 20);
	REFUSED(IKE_ADD_OUT, m.add.soft_packets = 1);
	REFUSED(IKE_ADD_IN, m.add.out_spi = 5);
	REFUSED(IKE_ADD_OUT, m.add.out_spi = 0);
	REFUSED(IKE_QUERY, m.query.direction = 2);
	REFUSED(IKE_ALERT, m.alert.code = IKE_ALERT_COUNT);
	REFUSED(IKE_MIGRATE, m.migrate.from = 0);
	REFUSED(IKE_MIGRATE, m.migrate.from = m.ike_sa);
	REFUSED(IKE_MIGRATE, m.migrate.proven = 2);
	REFUSED(IKE_GET_SPI, m.ike_sa = 0);
	REFUSED(IKE_ADD_IN, m.ike_sa = 0);
	REFUSED(IKE_ADD_OUT, m.ike_sa = 0);
	REFUSED(IKE_LIST, m.ike_sa = 0);
	REFUSED(IKE_DOWN, m.ike_sa = 0);
	REFUSED(IKE_HELLO, m.ike_sa = 5);
	REFUSED(IKE_ALERT, m.ike_sa = 5);
#undef REFUSED
	/* Native ESP is as good. */
	m = of_type(IKE_ADD_IN);
	m.add.outer.server_port = m.add.outer.peer_port = 0;
	assert_null(why(&m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_bodies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
