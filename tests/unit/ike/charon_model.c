/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/ike/charon_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model model;

void
model_reset(void)
{
	memset(&model, 0, sizeof(model));
	strcpy(model.key_id, "aabbccdd");
}

void
model_add(enum model_sort sort, const char *name)
{
	if (model_has(sort, name))
		return;
	assert_true(model.n[sort] < MODEL_NAMES);
	strcpy(model.names[sort][model.n[sort]++], name);
	if (model.least[sort] == 0)
		model.least[sort] = model.n[sort];
}

bool
model_has(enum model_sort sort, const char *name)
{
	for (unsigned int i = 0; i < model.n[sort]; i++)
		if (strcmp(model.names[sort][i], name) == 0)
			return true;
	return false;
}

static bool
take_away(enum model_sort sort, const char *name)
{
	for (unsigned int i = 0; i < model.n[sort]; i++) {
		if (strcmp(model.names[sort][i], name) != 0)
			continue;
		memmove(model.names[sort][i], model.names[sort][i + 1],
			(model.n[sort] - i - 1) * sizeof(model.names[0][0]));
		if (--model.n[sort] < model.least[sort])
			model.least[sort] = model.n[sort];
		model.unloads++;
		return true;
	}
	return false;
}

void
model_sa(const char *connection, unsigned int id, const char *peer)
{
	assert_true(model.n_sas < MODEL_SAS);
	struct model_sa *sa = &model.sas[model.n_sas++];
	snprintf(sa->connection, sizeof(sa->connection), "%s", connection);
	snprintf(sa->peer, sizeof(sa->peer), "%s", peer);
	sa->id = id;
}

bool
model_ended(const char *connection, unsigned int id)
{
	for (unsigned int i = 0; i < model.n_sas; i++)
		if (model.sas[i].id == id && strcmp(model.sas[i].connection, connection) == 0)
			return model.sas[i].ended;
	fail_msg("no IKE SA %u", id);
	return false;
}

/* ------------------------------------------------------------------ requests and answers */

struct asked {
	char command[64], section[64], id[64], ike[64];
	unsigned int ike_id;
};

static void
word(void *user, unsigned int depth, const char *section, const char *name, const char *value)
{
	struct asked *a = user;
	if (depth == 1)
		snprintf(a->section, sizeof(a->section), "%s", section);
	if (depth > 0)
		return;
	if (strcmp(name, "id") == 0 || strcmp(name, "name") == 0)
		snprintf(a->id, sizeof(a->id), "%s", value);
	else if (strcmp(name, "ike") == 0)
		snprintf(a->ike, sizeof(a->ike), "%s", value);
	else if (strcmp(name, "ike-id") == 0)
		a->ike_id = (unsigned int)strtoul(value, NULL, 10);
}

static void
answer(struct round *r, struct vici *v, uint8_t type)
{
	struct vici_answer a;
	assert_true(vici_end(v));
	/* An answer has no name. */
	size_t skip = 6u + v->bytes[5];
	v->bytes[skip - 1] = type;
	assert_true(vici_parse(v->bytes + skip - 1, v->len - skip + 1, &a));
	round_answer(r, v->bytes + skip - 1, v->len - skip + 1, &a);
	vici_free(v);
}

static void
list(struct round *r, enum model_sort sort, const char *name)
{
	struct vici v;
	vici_begin(&v, "");
	vici_list(&v, name);
	for (unsigned int i = 0; i < model.n[sort]; i++)
		vici_item(&v, model.names[sort][i]);
	vici_list_end(&v);
	answer(r, &v, VICI_RESPONSE);
}

static void
list_sas(struct round *r)
{
	struct vici v;
	assert_true(model.registered);
	for (unsigned int i = 0; i < model.n_sas; i++) {
		vici_begin(&v, "list-sa");
		vici_section(&v, model.sas[i].connection);
		vici_format(&v, "uniqueid", "%u", model.sas[i].id);
		vici_put(&v, "remote-host", model.sas[i].peer);
		vici_section(&v, "child-sas");
		vici_put(&v, "uniqueid", "7");
		vici_section_end(&v);
		vici_section_end(&v);
		assert_true(vici_end(&v));
		v.bytes[4] = VICI_EVENT;
		round_event(r, v.bytes + 4, v.len - 4);
		vici_free(&v);
	}
}

static bool
end(const struct asked *a)
{
	bool any = false;
	for (unsigned int i = 0; i < model.n_sas; i++) {
		struct model_sa *sa = &model.sas[i];
		if (sa->ended || (*a->ike && strcmp(a->ike, sa->connection) != 0) ||
			(!*a->ike && sa->id != a->ike_id))
			continue;
		sa->ended = any = true;
		model.ends++;
	}
	return any;
}

static void
yes_or_no(struct round *r, bool yes, const char *id)
{
	struct vici v;
	vici_begin(&v, "");
	vici_put(&v, "success", yes ? "yes" : "no");
	if (id)
		vici_put(&v, "id", id);
	answer(r, &v, VICI_RESPONSE);
}

static void
registered(struct round *r)
{
	struct vici v;
	vici_begin(&v, "");
	model.registered = true;
	answer(r, &v, VICI_REGISTERED);
}

static void
obey(struct round *r, const struct asked *a)
{
	static const struct {
		const char *load, *list, *items, *unload;
		bool by_section;
	} commands[MODEL_SORTS] = {
		[MODEL_CONNECTIONS] = {"load-conn", "get-conns", "conns", "unload-conn", true},
		[MODEL_AUTHORITIES] = {"load-authority", "get-authorities", "authorities",
			"unload-authority", true},
		[MODEL_KEYS] = {"load-key", "get-keys", "keys", "unload-key", false},
		[MODEL_PSKS] = {"load-shared", "get-shared", "keys", "unload-shared", false},
	};
	for (enum model_sort s = 0; s < MODEL_SORTS; s++) {
		const char *name = s == MODEL_KEYS          ? model.key_id
				   : commands[s].by_section ? a->section
							    : a->id;
		if (strcmp(a->command, commands[s].load) == 0) {
			model_add(s, name);
			yes_or_no(r, true, s == MODEL_KEYS ? model.key_id : NULL);
		} else if (strcmp(a->command, commands[s].list) == 0) {
			list(r, s, commands[s].items);
		} else if (strcmp(a->command, commands[s].unload) == 0) {
			yes_or_no(r, take_away(s, a->id), NULL);
		} else {
			continue;
		}
		return;
	}
	if (strcmp(a->command, "list-sas") == 0) {
		list_sas(r);
		yes_or_no(r, true, NULL);
	} else if (strcmp(a->command, "flush-certs") == 0) {
		yes_or_no(r, true, NULL);
	} else if (strcmp(a->command, "terminate") == 0) {
		yes_or_no(r, end(a), NULL);
	} else {
		fail_msg("%s", a->command);
	}
}

bool
model_step(struct round *r)
{
	struct vici v;
	struct asked a = {0};
	if (!round_next(r, &v))
		return false;
	assert_true(vici_end(&v));
	uint8_t type = v.bytes[4];
	memcpy(a.command, v.bytes + 6, v.bytes[5]);
	v.bytes[4] = VICI_EVENT; /* which has a name, like a request */
	assert_true(vici_values(v.bytes + 4, v.len - 4, word, &a));
	vici_free(&v);
	model.requests++;
	if (type == VICI_REGISTER)
		registered(r);
	else
		obey(r, &a);
	return true;
}

void
model_run(struct round *r)
{
	while (model_step(r))
		continue;
}
