/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/ipsec.h"

#include <string.h>

#include "control/settings/config.h"
#include "dataplane/api/sa.h"

static const struct word strengths[] = {
	{"strong", SUITE_STRONG}, {"legacy", SUITE_LEGACY}, {NULL, 0}};

static const struct word revocations[] = {{"relaxed", IKE_REVOCATION_RELAXED},
	{"ifuri", IKE_REVOCATION_IFURI}, {"strict", IKE_REVOCATION_STRICT}, {NULL, 0}};
static const struct word fates[] = {{"end", 0}, {"keep", 1}, {NULL, 0}};

void
config_ipsec_defaults(struct ike_config *c)
{
	memset(c, 0, sizeof(*c));
	strcpy(c->directory, "/run/adit/charon");
	c->min_strength = SUITE_LEGACY;
	c->ike_lifetime_s = 86400;
	c->sa_lifetime_s = 3600;
	c->dpd_s = 30;
	c->replay_window = 1024;
	c->max_peers_per_address = 256;
	c->max_half_open_per_address = 64;
	c->max_half_open = 4000;
}

/* One pre-shared key, strong enough (T12). */
static void
get_psk(struct reader *r, const config_setting_t *g, const char *name, uint32_t peer_ip)
{
	struct ike_config *c = &r->c->ike;
	const config_setting_t *s = config_setting_get_member(g, name);
	if (!s)
		return;
	if (c->n_psk == IKE_MAX_PEERS) {
		config_fail(r, s, "%s: more than %u pre-shared keys", name, IKE_MAX_PEERS);
		return;
	}
	struct ike_psk *psk = &c->psk[c->n_psk];
	if (!config_get_string(r, g, name, 1, psk->secret, sizeof(psk->secret)))
		return;
	unsigned int bits = ike_psk_bits(psk->secret);
	if (bits < IKE_PSK_MIN_BIT)
		config_fail(r, s,
			"%s: too easy to guess (about %u bits of %u; take 20 random characters)",
			name, bits, IKE_PSK_MIN_BIT);
	for (unsigned int i = 0; i < c->n_psk; i++)
		if (c->psk[i].peer_ip == peer_ip)
			config_fail(r, s, "%s: this address has a key already", name);
	psk->peer_ip = peer_ip;
	c->n_psk++;
}

static void
get_peer(struct reader *r, const config_setting_t *e)
{
	uint32_t ip = 0;
	if (!config_setting_is_group(e)) {
		config_fail(r, e, "peers: { address = ...; psk = ...; } expected");
		return;
	}
	const config_setting_t *address = config_setting_get_member(e, "address");
	config_only_known(r, e, config_known("ipsec.peers[]"));
	if (!address || !config_setting_get_member(e, "psk"))
		config_fail(r, e, "peers: address and psk are needed");
	else if (config_parse_ip(r, address, "address", &ip) && ip == 0)
		config_fail(r, address, "address: of one peer expected");
	else if (ip)
		get_psk(r, e, "psk", ip);
}

static void
get_psks(struct reader *r, const config_setting_t *g)
{
	bool ok;
	get_psk(r, g, "psk", 0);
	const config_setting_t *list = config_get_list(r, g, "peers", 0, IKE_MAX_PEERS, &ok);
	for (int i = 0; list && i < config_setting_length(list); i++)
		get_peer(r, config_setting_get_elem(list, (unsigned int)i));
}

static void
get_credentials(struct reader *r, const config_setting_t *g)
{
	struct ike_config *c = &r->c->ike;
	config_get_string(r, g, "certificate", 1, c->certificate, sizeof(c->certificate));
	config_get_string(r, g, "key", 1, c->key, sizeof(c->key));
	config_get_string(r, g, "ca", 1, c->ca, sizeof(c->ca));
	config_get_string(r, g, "pkcs12", 1, c->pkcs12, sizeof(c->pkcs12));
	config_get_string(
		r, g, "pkcs12_password", 0, c->pkcs12_password, sizeof(c->pkcs12_password));
	config_get_string(r, g, "identity", 1, c->identity, sizeof(c->identity));
	config_get_string(r, g, "crl", 1, c->crl, sizeof(c->crl));
	int revocation = c->revocation, keep = c->revoked_keep;
	config_get_word(r, g, "revocation", revocations, &revocation);
	config_get_bool(r, g, "ocsp", &c->ocsp);
	config_get_word(r, g, "revoked", fates, &keep);
	c->revocation = (uint8_t)revocation;
	c->revoked_keep = keep != 0;
	if (*c->crl && !*c->certificate && !*c->pkcs12)
		config_fail(r, g, "ipsec: crl goes with certificate or pkcs12");
	if (!*c->certificate != !*c->key)
		config_fail(r, g, "ipsec: certificate and key go together");
	if (*c->certificate && *c->pkcs12)
		config_fail(r, g, "ipsec: either certificate or pkcs12, not both");
}

static void
get_algorithms(struct reader *r, const config_setting_t *g)
{
	struct ike_config *c = &r->c->ike;
	int least = c->min_strength;
	config_get_word(r, g, "proposals", strengths, &least);
	config_get_bool(r, g, "allow_weak_crypto", &c->allow_weak_crypto);
	config_get_bool(r, g, "sha256_96", &c->sha256_96_all);
	config_get_ips(r, g, "sha256_96_peers", 0, IKE_MAX_PEERS, c->sha256_96, &c->n_sha256_96);
	c->min_strength = (uint8_t)least;
}

static void
get_limits(struct reader *r, const config_setting_t *g)
{
	struct ike_config *c = &r->c->ike;
	unsigned int window = c->replay_window, megabytes = 0;
	config_get_number(r, g, "ike_lifetime", 600, 604800, &c->ike_lifetime_s);
	config_get_number(r, g, "sa_lifetime", 60, 86400, &c->sa_lifetime_s);
	config_get_number(r, g, "sa_lifetime_mb", 0, 1u << 30, &megabytes);
	config_get_number(r, g, "dpd", 5, 3600, &c->dpd_s);
	config_get_number(r, g, "replay_window", 64, 4096, &window);
	c->sa_lifetime_bytes = (uint64_t)megabytes << 20;
	c->replay_window = (uint16_t)window;
	config_get_number(
		r, g, "max_peers_per_address", 1, SEGMENT_MAX_SAS, &c->max_peers_per_address);
	config_get_number(
		r, g, "max_half_open_per_address", 1, 100000, &c->max_half_open_per_address);
	config_get_number(r, g, "max_half_open", 16, 1000000, &c->max_half_open);
}

void
config_read_ipsec(struct reader *r, const config_setting_t *g)
{
	struct ike_config *c = &r->c->ike;
	unsigned int faults = r->n_faults;
	config_only_known(r, g, config_known("ipsec"));
	config_get_bool(r, g, "enabled", &c->enabled);
	config_get_string(r, g, "directory", 1, c->directory, sizeof(c->directory));
	config_get_string(r, g, "charon_user", 0, c->charon_user, sizeof(c->charon_user));
	config_get_ips(r, g, "listen", 0, IKE_MAX_LISTEN, c->listen, &c->n_listen);
	get_psks(r, g);
	get_credentials(r, g);
	get_algorithms(r, g);
	get_limits(r, g);
	if (c->directory[0] != '/' || strpbrk(c->directory, " \t\"#{}\n"))
		config_fail(r, g, "directory: an absolute path without blanks expected");
	if (c->enabled && r->n_faults == faults && c->n_psk == 0 && !*c->certificate && !*c->pkcs12)
		config_fail(r, g, "ipsec: psk, certificate or pkcs12 is needed");
}

static void
wipe(const config_setting_t *g, const char *name)
{
	const config_setting_t *s =
		g && config_setting_is_group(g) ? config_setting_get_member(g, name) : NULL;
	if (s && config_setting_type(s) == CONFIG_TYPE_STRING) {
		char *secret = (char *)(uintptr_t)config_setting_get_string(s);
		explicit_bzero(secret, strlen(secret));
	}
}

void
config_wipe_ipsec(const config_t *cf)
{
	const config_setting_t *g = config_lookup(cf, "ipsec");
	const config_setting_t *list = g ? config_lookup(cf, "ipsec.peers") : NULL;
	wipe(g, "psk");
	wipe(g, "pkcs12_password");
	for (int i = 0; list && i < config_setting_length(list); i++)
		wipe(config_setting_get_elem(list, (unsigned int)i), "psk");
}
