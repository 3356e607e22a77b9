/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes out of ESP: UDP, L2TP (RFC 2661 section 3.1), PPP.  A decoder of the tests' own. */
#include "tests/replay/l2tp.h"

enum { UDP_HEADER = 8, L2TP_PORT = 1701 };
enum { T_BIT = 0x8000, L_BIT = 0x4000, S_BIT = 0x0800, O_BIT = 0x0200, VERSION = 0x000f };

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Octets before the payload, or 0 if they are not there. */
static uint32_t
header_len(uint16_t flags, const uint8_t *p, uint32_t len)
{
	uint32_t n = 2 + (flags & L_BIT ? 2 : 0) + 4 + (flags & S_BIT ? 4 : 0);

	if (flags & O_BIT) {
		if (len < n + 2)
			return 0;
		n += 2 + (uint32_t)be16(p + n);
	}
	return len >= n ? n : 0;
}

bool
l2tp_decode(const uint8_t *p, uint32_t len, struct l2tp_message *m)
{
	uint32_t header;
	uint16_t flags;

	if (len < UDP_HEADER || be16(p + 4) < UDP_HEADER || be16(p + 4) > len)
		return false;
	if (be16(p) != L2TP_PORT && be16(p + 2) != L2TP_PORT)
		return false;
	len = (uint32_t)be16(p + 4) - UDP_HEADER;
	p += UDP_HEADER;
	if (len < 6)
		return false;
	flags = be16(p);
	if ((flags & VERSION) != 2)
		return false;
	if (flags & L_BIT) {
		if (be16(p + 2) > len)
			return false;
		len = be16(p + 2);
	}
	header = header_len(flags, p, len);
	if (header == 0)
		return false;
	m->control = flags & T_BIT;
	m->payload = p + header;
	m->len = len - header;
	return true;
}
