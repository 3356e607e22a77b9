/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/round.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/core/log.h"
#include "control/ike/connection.h"

enum step {
	STEP_LOAD,
	/* For each sort: what there is, then one by one what nobody wants. */
	STEP_LIST_CONNECTIONS,
	STEP_UNLOAD_CONNECTIONS,
	STEP_LIST_AUTHORITIES,
	STEP_UNLOAD_AUTHORITIES,
	STEP_LIST_KEYS,
	STEP_UNLOAD_KEYS,
	STEP_LIST_PSKS,
	STEP_UNLOAD_PSKS,
	STEP_END_CONNECTIONS,
	STEP_REGISTER,
	STEP_LIST_SAS,
	STEP_END_SAS,
	STEP_DONE,
};

static const struct {
	const char *list, *items, *unload, *argument, *what;
} sorts[] = {
	{"get-conns", "conns", "unload-conn", "name", "connection"},
	{"get-authorities", "authorities", "unload-authority", "name", "CA certificate"},
	{"get-keys", "keys", "unload-key", "id", "private key"},
	{"get-shared", "keys", "unload-shared", "id", "pre-shared key"},
};

static unsigned int
sort_of(uint8_t step)
{
	return (step - STEP_LIST_CONNECTIONS) / 2u;
}

static bool
is_unload(uint8_t step)
{
	return step >= STEP_UNLOAD_CONNECTIONS && step <= STEP_UNLOAD_PSKS &&
	       (step - STEP_LIST_CONNECTIONS) % 2u == 1;
}

static bool
is_list(uint8_t step)
{
	return step >= STEP_LIST_CONNECTIONS && step <= STEP_LIST_PSKS && !is_unload(step);
}

/* ------------------------------------------------------------------ what is gone */

static void
add_name(struct round_names *names, const char *name)
{
	for (unsigned int i = 0; i < names->n; i++)
		if (strcmp(names->at[i], name) == 0)
			return;
	if (names->n < ROUND_NAMES && strlen(name) < ROUND_NAME_MAX)
		strcpy(names->at[names->n++], name);
}

static bool
holds(const uint32_t *ips, unsigned int n, uint32_t ip)
{
	for (unsigned int i = 0; i < n; i++)
		if (ips[i] == ip)
			return true;
	return false;
}

static void
end_kind(struct round *r, const char *connection)
{
	char truncated[ROUND_NAME_MAX];
	snprintf(truncated, sizeof(truncated), "%s" CONNECTION_SHA256_96, connection);
	add_name(&r->ending, connection);
	add_name(&r->ending, truncated);
}

static bool
is_wanted(const struct round *r, uint8_t step, const char *name)
{
	switch (step) {
	case STEP_LIST_CONNECTIONS:
		return connection_wanted(r->cfg, r->cred, name);
	case STEP_LIST_KEYS:
		return r->cred->key.len && strcmp(name, r->key_id) == 0;
	case STEP_LIST_AUTHORITIES:
		for (unsigned int i = 0; r->cred->certificate.len && i < r->cred->n_ca; i++)
			if (strcmp(name, r->cred->ca_name[i]) == 0)
				return true;
		return false;
	default: /* STEP_LIST_PSKS */
		for (unsigned int i = 0; i < r->cfg->n_psk; i++)
			if (strcmp(name, r->cred->psk_name[i]) == 0)
				return true;
		return false;
	}
}

static void
listed(void *user, unsigned int depth, const char *section, const char *name, const char *value)
{
	struct round *r = user;
	uint32_t ip;
	(void)section;
	if (depth > 0 || strcmp(name, sorts[sort_of(r->step)].items) != 0)
		return;
	if (r->step == STEP_LIST_PSKS && r->n_had < ROUND_NAMES && credential_psk_peer(value, &ip))
		r->had_psk[r->n_had++] = ip;
	if (!is_wanted(r, r->step, value))
		add_name(&r->found, value);
}

/* It is unloaded: who came in by it? */
static void
gone(struct round *r, const char *name)
{
	char quoted[2 * ROUND_NAME_MAX], ip_text[16];
	uint32_t ip = 0;
	bool psk = r->step == STEP_UNLOAD_PSKS && credential_psk_peer(name, &ip);
	log_event(LOG_NOTICE, "charon-unloaded", "what=\"%s\" name=%s",
		sorts[sort_of(r->step)].what,
		psk ? (ip ? log_ip(ip_text, ip) : "everybody")
		    : log_quote(quoted, sizeof(quoted), name));
	if (r->cfg->revoked_keep)
		return;
	if (r->step == STEP_UNLOAD_CONNECTIONS)
		add_name(&r->ending, name);
	else if (r->step == STEP_UNLOAD_AUTHORITIES)
		end_kind(r, CONNECTION_CERTIFICATE);
	else if (psk && r->n_gone < ROUND_NAMES)
		r->gone_psk[r->n_gone++] = ip;
}

/* Only when each IKE SA has to be looked at for its peer's address. */
static bool
sas_matter(struct round *r)
{
	if (r->n_gone == 0)
		return false;
	for (unsigned int i = 0; i < r->n_had; i++)
		if (r->had_psk[i])
			return true;
	/* There was one for everybody. */
	end_kind(r, CONNECTION_PSK);
	return false;
}

struct sa {
	bool psk;
	uint32_t id, peer_ip;
};

static void
sa_value(void *user, unsigned int depth, const char *section, const char *name, const char *value)
{
	struct sa *sa = user;
	struct in_addr a;
	if (depth != 1)
		return;
	sa->psk = strcmp(section, CONNECTION_PSK) == 0 ||
		  strcmp(section, CONNECTION_PSK CONNECTION_SHA256_96) == 0;
	if (strcmp(name, "uniqueid") == 0)
		sa->id = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(name, "remote-host") == 0 && inet_pton(AF_INET, value, &a) == 1)
		sa->peer_ip = ntohl(a.s_addr);
}

void
round_event(struct round *r, const uint8_t *bytes, size_t len)
{
	struct sa sa = {0};
	if (r->step != STEP_LIST_SAS || !vici_values(bytes, len, sa_value, &sa) || !sa.psk ||
		!sa.id)
		return;
	/* charon takes a peer's own key before everybody's. */
	uint32_t key = holds(r->had_psk, r->n_had, sa.peer_ip) ? sa.peer_ip : 0;
	if (!holds(r->gone_psk, r->n_gone, key))
		return;
	if (r->n_sas == r->sas_size) {
		unsigned int size = r->sas_size ? r->sas_size * 2 : 64;
		uint32_t *grown = realloc(r->sas, size * sizeof(*grown));
		if (!grown)
			return;
		r->sas = grown;
		r->sas_size = size;
	}
	r->sas[r->n_sas++] = sa.id;
}

/* ------------------------------------------------------------------ requests */

static void
terminate(struct round *r, struct vici *v, const char *connection, uint32_t sa)
{
	vici_begin(v, "terminate");
	if (connection)
		vici_put(v, "ike", connection);
	else
		vici_format(v, "ike-id", "%u", sa);
	vici_put(v, "timeout", "-1"); /* don't wait: peers needn't answer */
	snprintf(r->what, sizeof(r->what), "end of IKE SAs");
}

/* The request of this step, if there is one more. */
static bool
request(struct round *r, struct vici *v)
{
	unsigned int i = r->next++;
	if (r->step == STEP_LOAD)
		return connection_request(r->cfg, r->cred, r->allow_weak, i, v, r->what);
	if (is_unload(r->step)) {
		if (i >= r->found.n)
			return false;
		vici_begin(v, sorts[sort_of(r->step)].unload);
		vici_put(v, sorts[sort_of(r->step)].argument, r->found.at[i]);
		snprintf(r->what, sizeof(r->what), "unloading of a %s",
			sorts[sort_of(r->step)].what);
		return true;
	}
	if (is_list(r->step)) {
		if (i > 0)
			return false;
		r->found.n = 0;
		vici_begin(v, sorts[sort_of(r->step)].list);
		snprintf(r->what, sizeof(r->what), "list: %s", sorts[sort_of(r->step)].list);
		return true;
	}
	switch (r->step) {
	case STEP_END_CONNECTIONS:
		if (i >= r->ending.n)
			return false;
		terminate(r, v, r->ending.at[i], 0);
		return true;
	case STEP_END_SAS:
		if (i >= r->n_sas)
			return false;
		terminate(r, v, NULL, r->sas[i]);
		return true;
	case STEP_REGISTER:
		if (i > 0)
			return false;
		vici_register(v, "list-sa");
		snprintf(r->what, sizeof(r->what), "list of IKE SAs");
		return true;
	default: /* STEP_LIST_SAS */
		if (i > 0)
			return false;
		vici_begin(v, "list-sas");
		return true;
	}
}

void
round_begin(struct round *r, enum round_kind kind, const struct ike_config *cfg,
	const struct credential *cred, bool allow_weak)
{
	/* Who is to end is known only once: what was cut short goes on. */
	if (kind == ROUND_ALL && r->kind == ROUND_ALL && r->step > STEP_LOAD && r->step < STEP_DONE)
		r->next = r->failures = r->n_sas = 0;
	else
		round_end(r);
	r->cfg = cfg;
	r->cred = cred;
	r->allow_weak = allow_weak;
	r->kind = kind;
	r->step = kind == ROUND_END ? STEP_END_CONNECTIONS : STEP_LOAD;
	if (kind == ROUND_CONNECTIONS)
		r->next = connection_first(cfg, cred);
	if (kind == ROUND_END) {
		end_kind(r, CONNECTION_PSK);
		end_kind(r, CONNECTION_CERTIFICATE);
	}
}

static uint8_t
step_after(struct round *r)
{
	if (r->step == STEP_LOAD && r->kind != ROUND_ALL)
		return STEP_DONE;
	if (r->step == STEP_UNLOAD_PSKS)
		r->look = sas_matter(r);
	if (r->step == STEP_END_CONNECTIONS && !r->look)
		return STEP_DONE;
	return r->step + 1;
}

bool
round_next(struct round *r, struct vici *v)
{
	while (r->step < STEP_DONE) {
		if (request(r, v))
			return true;
		r->step = step_after(r);
		r->next = 0;
	}
	return false;
}

const char *
round_answer(struct round *r, const uint8_t *bytes, size_t len, const struct vici_answer *a)
{
	bool good = (a->type == VICI_RESPONSE || a->type == VICI_REGISTERED) && a->success;
	if (is_list(r->step) && good)
		good = vici_values(bytes, len, listed, r);
	if (r->step == STEP_LOAD && good && *a->id)
		snprintf(r->key_id, sizeof(r->key_id), "%s", a->id);
	if (is_unload(r->step) && good)
		gone(r, r->found.at[r->next - 1]);
	/* IKE SAs end by themselves, too. */
	if (good || r->step == STEP_END_CONNECTIONS || r->step == STEP_END_SAS)
		return NULL;
	r->failures++;
	return *a->errmsg ? a->errmsg : "no reason given";
}

void
round_end(struct round *r)
{
	char key_id[sizeof(r->key_id)];
	memcpy(key_id, r->key_id, sizeof(key_id));
	free(r->sas);
	memset(r, 0, sizeof(*r));
	memcpy(r->key_id, key_id, sizeof(key_id));
}
