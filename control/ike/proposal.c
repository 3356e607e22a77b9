/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/proposal.h"

#include <stdio.h>
#include <string.h>

static bool
wanted(const struct suite *s, enum suite_class least, bool allow_weak)
{
	if (s->strength == SUITE_WEAK)
		return allow_weak;
	return s->strength >= least;
}

/* Next row of that kind from i on that may be used; NULL: no more. */
static const struct suite *
next_of(size_t *i, enum suite_kind kind, enum suite_class least, bool allow_weak)
{
	const struct suite *s;
	while ((s = suite_at((*i)++)))
		if (s->kind == kind && s->keyword && wanted(s, least, allow_weak))
			return s;
	return NULL;
}

struct call {
	enum suite_class least, pass;
	bool allow_weak;
	void (*each)(void *arg, const char *proposal);
	void *arg;
};

/* Phase 1 of IKEv1 has hashes and block ciphers of its own numbering; what has no number there is
 * not offered. */
static void
ike_groups(const struct call *c, const struct suite *enc, const struct suite *integ)
{
	const struct suite *group;
	size_t i = 0;
	while ((group = next_of(&i, SUITE_GROUP, c->least, c->allow_weak))) {
		char text[PROPOSAL_MAX];
		enum suite_class of = suite_weaker(enc, integ);
		if (group->strength < of)
			of = (enum suite_class)group->strength;
		if (of != c->pass)
			continue;
		snprintf(text, sizeof(text), "%s-%s-%s", enc->keyword, integ->keyword,
			group->keyword);
		c->each(c->arg, text);
	}
}

static void
ike_pass(const struct call *c)
{
	const struct suite *enc, *integ;
	size_t i = 0, j;
	while ((enc = next_of(&i, SUITE_ENCRYPTION, c->least, c->allow_weak))) {
		if (!enc->ikev1_ike)
			continue;
		j = 0;
		while ((integ = next_of(&j, SUITE_INTEGRITY, c->least, c->allow_weak)))
			/* The truncation of ESP's ICV means nothing in phase 1. */
			if (integ->ikev1_ike && integ->ikev1)
				ike_groups(c, enc, integ);
	}
}

/* Quick Mode with a group (PFS) and without: who asks for one gets it.  A proposal for ESP holds
 * all groups at once, and any of them is better than none. */
static void
esp_proposal(const struct call *c, const char *algorithms)
{
	const struct suite *group;
	char text[PROPOSAL_MAX];
	size_t i = 0, n = strlen(algorithms);
	c->each(c->arg, algorithms);
	memcpy(text, algorithms, n + 1);
	while ((group = next_of(&i, SUITE_GROUP, c->least, c->allow_weak)))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "-%s", group->keyword);
	c->each(c->arg, text);
}

static void
esp_pass(const struct call *c)
{
	const struct suite *enc, *integ;
	char text[PROPOSAL_MAX];
	size_t i = 0, j;
	while ((enc = next_of(&i, SUITE_ENCRYPTION, c->least, c->allow_weak))) {
		if (enc->algorithm == SUITE_ALG_NULL)
			continue; /* never: R1 wants encryption */
		if (suite_is_aead(enc)) {
			if (enc->strength == c->pass)
				esp_proposal(c, enc->keyword);
			continue;
		}
		j = 0;
		while ((integ = next_of(&j, SUITE_INTEGRITY, c->least, c->allow_weak))) {
			if (!integ->ikev1 || suite_weaker(enc, integ) != c->pass)
				continue;
			snprintf(text, sizeof(text), "%s-%s", enc->keyword, integ->keyword);
			esp_proposal(c, text);
		}
	}
}

/* Strong combinations first, weak ones last, whatever the order of single rows. */
static void
all_passes(void (*pass)(const struct call *c), enum suite_class least, bool allow_weak,
	void (*each)(void *arg, const char *proposal), void *arg)
{
	for (int class = SUITE_STRONG; class >= SUITE_WEAK; class --) {
		struct call c = {.least = least,
			.pass = (enum suite_class) class,
			.allow_weak = allow_weak,
			.each = each,
			.arg = arg};
		pass(&c);
	}
}

void
proposals_ike(enum suite_class least, bool allow_weak,
	void (*each)(void *arg, const char *proposal), void *arg)
{
	all_passes(ike_pass, least, allow_weak, each, arg);
}

void
proposals_esp(enum suite_class least, bool allow_weak,
	void (*each)(void *arg, const char *proposal), void *arg)
{
	all_passes(esp_pass, least, allow_weak, each, arg);
}
