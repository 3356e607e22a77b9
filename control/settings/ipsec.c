/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/ipsec.h"

#include <arpa/inet.h>
#include <string.h>

#include "control/settings/config.h"

/* One pre-shared key, strong enough (T12). */
static void
get_psk(struct reader *r, const config_setting_t *g, const char *name, uint32_t peer_ip)
{
	struct ike_config *c = &r->c->ike;
	const config_setting_t *s = config_setting_get_member(g, name);
	const char *secret;
	if (!s)
		return;
	if (c->n_psk == IKE_MAX_PEERS) {
		config_fail(r, s, "%s: more than %u pre-shared keys", name, IKE_MAX_PEERS);
		return;
	}
	struct ike_psk *psk = &c->psk[c->n_psk];
	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		config_fail(r, s, "%s: a string expected", name);
		return;
	}
	secret = config_setting_get_string(s);
	if (!*secret || strlen(secret) > IKE_PSK_MAX) {
		config_fail(r, s, "%s: 1 to %u characters expected", name, IKE_PSK_MAX);
		return;
	}
	strcpy(psk->secret, secret);
	if (!peer_ip)
		config_set_origin(r->c, setting_find("ipsec.psk"), config_setting_source_file(s),
			config_setting_source_line(s));
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
	struct in_addr ip;
	if (!config_setting_is_group(e)) {
		config_fail(r, e, "peers: { address = ...; psk = ...; } expected");
		return;
	}
	const config_setting_t *address = config_setting_get_member(e, "address");
	config_only_known(r, e, "ipsec.peers[]");
	if (!address || !config_setting_get_member(e, "psk"))
		config_fail(r, e, "peers: address and psk are needed");
	else if (config_setting_type(address) != CONFIG_TYPE_STRING ||
		 inet_pton(AF_INET, config_setting_get_string(address), &ip) != 1)
		config_fail(r, address, "address: an IPv4 address such as \"192.0.2.1\" expected");
	else if (ip.s_addr == 0)
		config_fail(r, address, "address: of one peer expected");
	else
		get_psk(r, e, "psk", ntohl(ip.s_addr));
}

static void
get_psks(struct reader *r, const config_setting_t *g)
{
	bool ok;
	get_psk(r, g, "psk", 0);
	const config_setting_t *list = config_get_list(r, g, setting_find("ipsec.peers"), &ok);
	for (int i = 0; list && i < config_setting_length(list); i++)
		get_peer(r, config_setting_get_elem(list, (unsigned int)i));
}

void
config_read_ipsec(struct reader *r, const config_setting_t *g)
{
	struct ike_config *c = &r->c->ike;
	unsigned int faults = r->n_faults;
	get_psks(r, g);
	config_read_rows(r, g, "ipsec", r->c);
	if (*c->crl && !*c->certificate && !*c->pkcs12)
		config_fail(r, g, "ipsec: crl goes with certificate or pkcs12");
	if (!*c->certificate != !*c->key)
		config_fail(r, g, "ipsec: certificate and key go together");
	if (*c->certificate && *c->pkcs12)
		config_fail(r, g, "ipsec: either certificate or pkcs12, not both");
	if (c->directory[0] != '/' || strpbrk(c->directory, " \t\"#{}\n"))
		config_fail(r, g, "directory: an absolute path without blanks expected");
	if (c->enabled && r->n_faults == faults && c->n_psk == 0 && !*c->certificate && !*c->pkcs12)
		config_fail(r, g, "ipsec: psk, certificate or pkcs12 is needed");
}

static void
wipe(const config_setting_t *g, const char *name)
{
	config_wipe_string(
		g && config_setting_is_group(g) ? config_setting_get_member(g, name) : NULL);
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
