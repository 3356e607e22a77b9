/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/secret.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "control/core/text.h"

#define WORD_BITS    13 /* one of about 8,000 */
#define WORD_LETTERS 9
#define LETTER_TENTH 47 /* log2(26) in tenths of bits */

static const char *const published[] = {"CHANGE-me: 24 random ones", "change-me", "change-me-too",
	"changeme", "correct horse battery staple", "YOUR_IPSEC_PSK", "your_ipsec_pre_shared_key",
	"your_vpn_password", "your-psk-here", "mySharedSecret", "MyStrongPreSharedKey", NULL};

static const char *const common[] = {"password", "passwort", "passw0rd", "p@ssw0rd", "password1",
	"password123", "123456", "1234567", "12345678", "123456789", "1234567890", "qwerty",
	"qwertz", "qwerty123", "azerty", "abc123", "letmein", "welcome", "welcome1", "admin",
	"administrator", "admin123", "secret", "default", "guest", "test", "test123", "iloveyou",
	"monkey", "dragon", "111111", "000000", "123123", "654321", "1q2w3e4r", "root", "toor",
	"cisco", "vpn", "vpnuser", "vpn123", "pptp", "l2tp", "adit", "user", "public", NULL};

static bool
among(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(word, *words) == 0)
			return true;
	return false;
}

bool
secret_is_published(const char *secret)
{
	return among(secret, published);
}

bool
secret_is_guessable(const char *secret, const char *name)
{
	size_t n = strlen(name), all = strlen(secret);
	if (all < 4 || among(secret, common) || secret_is_published(secret))
		return true;
	/* The name, and at most three signs more. */
	return n > 0 && all < n + 4 && strncasecmp(secret, name, n) == 0;
}

const char *
secret_fault(const char *secret)
{
	unsigned int units = 0;
	for (const unsigned char *c = (const unsigned char *)secret; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			return "holds control characters";
		units += (*c & 0xc0) != 0x80 ? 1 + (*c >= 0xf0) : 0;
	}
	if (!text_is_utf8(secret))
		return "is not UTF-8: clients could never send it";
	return units > 256 ? "is longer than 256 characters" : NULL;
}

static bool
is_vowel(char c)
{
	return strchr("aeiouyAEIOUY", c) != NULL;
}

/* Random letters have long runs of consonants, and one vowel in five. */
static bool
can_be_spoken(const char *s, size_t n)
{
	size_t vowels = 0, run = 0, longest = 0;
	for (size_t i = 0; i < n; i++) {
		bool v = is_vowel(s[i]);
		vowels += v;
		run = v ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return n >= 4 && longest <= 4 && vowels * 4 >= n;
}

unsigned int
secret_bits(const char *secret)
{
	unsigned int tenths = 0;
	for (const char *s = secret; *s;) {
		size_t n = 0, same = 0;
		while (isalpha((unsigned char)s[n]))
			n++;
		while (s[same] == *s)
			same++;
		if (can_be_spoken(s, n)) {
			tenths += 10 * WORD_BITS *
				  (unsigned int)((n + WORD_LETTERS - 1) / WORD_LETTERS);
			tenths += 10 * (unsigned int)(isupper((unsigned char)*s) != 0);
			s += n;
		} else if (same > 2) {
			tenths += 2 * LETTER_TENTH;
			s += same;
		} else if (isdigit((unsigned char)*s)) {
			tenths += s > secret && s[0] == s[-1] + 1 ? 10 : 33;
			s++;
		} else if (isalpha((unsigned char)*s)) {
			tenths += LETTER_TENTH + 10;
			s++;
		} else {
			/* What separates words is mostly the same. */
			tenths += memchr(secret, *s, (size_t)(s - secret)) ? 10 : 50;
			s++;
		}
	}
	return tenths / 10;
}
