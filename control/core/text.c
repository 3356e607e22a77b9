/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/core/text.h"

#include <stdint.h>
#include <string.h>

struct range {
	uint32_t first, last;
};

/* Unicode 15: format and other control characters, blanks other than U+0020, what is drawn as
 * nothing, private use, noncharacters. */
static const struct range unfit[] = {{0x7f, 0xa0}, {0xad, 0xad}, {0x34f, 0x34f}, {0x600, 0x605},
	{0x61c, 0x61c}, {0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x890, 0x891}, {0x8e2, 0x8e2},
	{0x115f, 0x1160}, {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x200f},
	{0x2028, 0x202f}, {0x205f, 0x206f}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},
	{0xd800, 0xf8ff}, {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	{0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x110bd, 0x110cd}, {0x13430, 0x1345f},
	{0x1bca0, 0x1bca3}, {0x1d159, 0x1d17a}, {0xe0000, UINT32_MAX}};

/* Drawn above or below the character before. */
static const struct range narrow[] = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd},
	{0x64b, 0x65f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f}};

/* Two columns. */
static const struct range wide[] = {{0x1100, 0x115e}, {0x2e80, 0x303e}, {0x3041, 0xa4cf},
	{0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6},
	{0x1f300, 0x1faff}, {0x20000, 0x3fffd}};

static bool
in_ranges(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n && c >= r[i].first; i++)
		if (c <= r[i].last)
			return true;
	return false;
}
#define IN(c, ranges) in_ranges(c, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* The character that begins at s, of at most len octets, and how many it takes: 0 when it is
 * malformed (RFC 3629 section 4: also overlong, a surrogate, beyond U+10FFFF). */
static size_t
decode(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *b = (const unsigned char *)s;
	size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc0 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (n == 0 || n > len || b[0] >= 0xf8)
		return 0;
	*c = n == 1 ? b[0] : b[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (b[i] & 0x3fu);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

size_t
text_printable(char *out, size_t size, const char *in, size_t len, bool ascii)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0, n;
	len = strnlen(in, len);
	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0;
		n = decode(in + i, len - i, &c);
		if (n != 0 && c >= 0x20 && !IN(c, unfit) && (c < 0x80 || !ascii)) {
			if (at + n >= size)
				break;
			memcpy(out + at, in + i, n);
			at += n;
			continue;
		}
		n = 1; /* the others of its octets don't begin a character either */
		if (at + 4 >= size)
			break;
		out[at++] = '\\';
		out[at++] = 'x';
		out[at++] = hex[(unsigned char)in[i] >> 4];
		out[at++] = hex[in[i] & 15];
	}
	out[at] = '\0';
	return at;
}

bool
text_is_printable(const char *text)
{
	size_t n, len = strlen(text);
	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0;
		n = decode(text + i, len - i, &c);
		if (n == 0 || c < 0x20 || IN(c, unfit))
			return false;
	}
	return true;
}

bool
text_is_utf8(const char *text)
{
	uint32_t c;
	size_t n, len = strlen(text);
	for (size_t i = 0; i < len; i += n)
		if ((n = decode(text + i, len - i, &c)) == 0)
			return false;
	return true;
}

size_t
text_width(const char *text)
{
	size_t n, columns = 0, len = strlen(text);
	for (size_t i = 0; i < len; i += n) {
		uint32_t c = 0;
		n = decode(text + i, len - i, &c);
		columns += n == 0 ? 1 : IN(c, narrow) ? 0 : IN(c, wide) ? 2 : 1;
		n += n == 0;
	}
	return columns;
}
