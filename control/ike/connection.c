/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ike/connection.h"

#include <string.h>

#include "control/core/log.h"
#include "control/ike/proposal.h"

/* ------------------------------------------------------------------ secrets */

static void
request_psk(const struct ike_psk *psk, const char *name, struct vici *v)
{
	char ip[16];
	vici_begin(v, "load-shared");
	vici_put(v, "id", name);
	vici_put(v, "type", "IKE");
	vici_put(v, "data", psk->secret);
	/* Without owners it is anybody's; one with the peer's address fits better. */
	if (psk->peer_ip) {
		vici_list(v, "owners");
		vici_item(v, log_ip(ip, psk->peer_ip));
		vici_list_end(v);
	}
}

/* An authority, because what load-cert brings can't be taken away again. */
static void
request_ca(const struct blob *der, const char *name, struct vici *v)
{
	vici_begin(v, "load-authority");
	vici_section(v, name);
	vici_put_bytes(v, "cacert", der->bytes, der->len);
	vici_section_end(v);
}

static void
request_crl(const struct blob *der, struct vici *v)
{
	vici_begin(v, "load-cert");
	vici_put(v, "type", "X509_CRL");
	vici_put_bytes(v, "data", der->bytes, der->len);
}

static void
request_key(const struct blob *der, struct vici *v)
{
	vici_begin(v, "load-key");
	vici_put(v, "type", "any");
	vici_put_bytes(v, "data", der->bytes, der->len);
}

/* ------------------------------------------------------------------ connections */

static void
put_item(void *arg, const char *proposal)
{
	vici_item(arg, proposal);
}

/* T15: charon has the same limit for all proposals of a connection; that of a 64-bit cipher is the
 * data plane's to keep. */
static void
put_child(const struct ike_config *cfg, bool allow_weak, bool truncated, struct vici *v)
{
	vici_section(v, "children");
	vici_section(v, "l2tp");
	vici_put(v, "mode", "transport");
	vici_list(v, "esp_proposals");
	proposals_esp((enum suite_class)cfg->min_strength, allow_weak, put_item, v);
	vici_list_end(v);
	vici_list(v, "local_ts");
	vici_item(v, "dynamic[udp/1701]");
	vici_list_end(v);
	vici_list(v, "remote_ts");
	vici_item(v, "dynamic[udp]");
	vici_list_end(v);
	vici_format(v, "life_time", "%us", cfg->sa_lifetime_s);
	vici_format(v, "rekey_time", "%us", cfg->sa_lifetime_s / 10 * 9);
	vici_format(v, "rand_time", "%us", cfg->sa_lifetime_s / 20);
	if (cfg->sa_lifetime_bytes) {
		/* Always both: charon derives one from the other with an underflow. */
		vici_format(v, "life_bytes", "%llu", (unsigned long long)cfg->sa_lifetime_bytes);
		vici_format(v, "rekey_bytes", "%llu",
			(unsigned long long)(cfg->sa_lifetime_bytes / 4 * 3));
		vici_format(
			v, "rand_bytes", "%llu", (unsigned long long)(cfg->sa_lifetime_bytes / 20));
	}
	vici_format(v, "replay_window", "%u", cfg->replay_window);
	vici_put(v, "dpd_action", "clear");
	vici_put(v, "sha256_96", truncated ? "yes" : "no");
	vici_section_end(v);
	vici_section_end(v);
}

static void
put_addresses(struct vici *v, const char *name, const uint32_t *ips, unsigned int n)
{
	char ip[16];
	vici_list(v, name);
	for (unsigned int i = 0; i < n; i++)
		vici_item(v, log_ip(ip, ips[i]));
	if (n == 0)
		vici_item(v, "%any");
	vici_list_end(v);
}

#define DN_MAX 240 /* that charon's parser takes in hexadecimal digits */

/* charon also trusts every certificate that it was given for itself, now or earlier: only one that
 * a CA of ours has issued is a client's. */
static void
put_ca_names(const struct credential *cred, struct vici *v)
{
	char text[16 + 2 * DN_MAX];
	for (unsigned int i = 0; i < cred->n_ca; i++)
		if (cred->ca_subject[i].len > DN_MAX)
			return;
	for (unsigned int i = 0; i < cred->n_ca; i++) {
		const struct blob *dn = &cred->ca_subject[i];
		int at = snprintf(text, sizeof(text), "asn1dn:#");
		for (size_t j = 0; j < dn->len; j++)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", dn->bytes[j]);
		vici_put(v, "ca_id", text);
	}
}

struct kind {
	const char *name;
	bool certificate, truncated;
	bool ask; /* for a certificate: charon answers with whatever connection fits first */
};

static void
request_connection(const struct ike_config *cfg, const struct credential *cred,
	const struct kind *kind, bool allow_weak, struct vici *v)
{
	static const char *const revocations[] = {[IKE_REVOCATION_RELAXED] = "relaxed",
		[IKE_REVOCATION_IFURI] = "ifuri",
		[IKE_REVOCATION_STRICT] = "strict"};
	const char *auth = kind->certificate ? "pubkey" : "psk";
	vici_begin(v, "load-conn");
	vici_section(v, kind->name);
	vici_put(v, "version", "1");
	vici_put(v, "aggressive", "no"); /* T12 */
	vici_put(v, "unique", "never");  /* D1: a second client behind the NAT is no replacement */
	put_addresses(v, "local_addrs", cfg->listen, cfg->n_listen);
	put_addresses(v, "remote_addrs", cfg->sha256_96,
		kind->truncated && !cfg->sha256_96_all ? cfg->n_sha256_96 : 0);
	vici_list(v, "proposals");
	proposals_ike((enum suite_class)cfg->min_strength, allow_weak, put_item, v);
	vici_list_end(v);
	/* Clients renew IKE; main mode against a client behind a NAT would not get through. */
	vici_put(v, "reauth_time", "0s");
	vici_format(v, "rekey_time", "%us", cfg->ike_lifetime_s);
	vici_format(v, "over_time", "%us", cfg->ike_lifetime_s / 10);
	vici_format(v, "dpd_delay", "%us", cfg->dpd_s);
	vici_format(v, "dpd_timeout", "%us", cfg->dpd_s * 5);
	vici_put(v, "send_certreq", kind->ask ? "yes" : "no");
	vici_section(v, "local");
	vici_put(v, "auth", auth);
	if (kind->certificate) {
		/* Without an identity charon takes the certificate's subject: with neither it takes
		 * our address, which few certificates hold. */
		vici_list(v, "certs");
		vici_item_bytes(v, cred->certificate.bytes, cred->certificate.len);
		vici_list_end(v);
		if (*cfg->identity)
			vici_put(v, "id", cfg->identity);
	}
	vici_section_end(v);
	vici_section(v, "remote");
	vici_put(v, "auth", auth);
	vici_put(v, "id", "%any");
	if (kind->certificate) {
		vici_put(v, "revocation", revocations[cfg->revocation]);
		put_ca_names(cred, v);
	}
	vici_section_end(v);
	put_child(cfg, allow_weak, kind->truncated, v);
	vici_section_end(v);
}

/* Which connections there are; the count. */
static unsigned int
kinds(const struct ike_config *cfg, const struct credential *cred, struct kind out[4])
{
	unsigned int n = 0;
	for (int certificate = 0; certificate < 2; certificate++) {
		if (certificate ? cred->certificate.len == 0 : cfg->n_psk == 0)
			continue;
		if (cfg->n_sha256_96 && !cfg->sha256_96_all)
			out[n++] = (struct kind){
				certificate ? CONNECTION_CERTIFICATE CONNECTION_SHA256_96
					    : CONNECTION_PSK CONNECTION_SHA256_96,
				certificate, true, cred->certificate.len > 0};
		out[n++] = (struct kind){certificate ? CONNECTION_CERTIFICATE : CONNECTION_PSK,
			certificate, cfg->sha256_96_all, cred->certificate.len > 0};
	}
	return n;
}

bool
connection_wanted(const struct ike_config *cfg, const struct credential *cred, const char *name)
{
	struct kind all[4];
	unsigned int n = kinds(cfg, cred, all);
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return true;
	return false;
}

unsigned int
connection_first(const struct ike_config *cfg, const struct credential *cred)
{
	return cfg->n_psk + (cred->certificate.len ? cred->n_ca + cred->n_crl + 2 : 0);
}

bool
connection_request(const struct ike_config *cfg, const struct credential *cred, bool allow_weak,
	unsigned int i, struct vici *v, char what[64])
{
	struct kind all[4];
	char ip[16];
	if (i < cfg->n_psk) {
		snprintf(what, 64, "pre-shared key of %s",
			cfg->psk[i].peer_ip ? log_ip(ip, cfg->psk[i].peer_ip) : "everybody");
		request_psk(&cfg->psk[i], cred->psk_name[i], v);
		return true;
	}
	i -= cfg->n_psk;
	if (cred->certificate.len) {
		if (i < cred->n_ca) {
			snprintf(what, 64, "CA certificate %u", i + 1);
			request_ca(&cred->ca[i], cred->ca_name[i], v);
			return true;
		}
		i -= cred->n_ca;
		if (i < cred->n_crl) {
			snprintf(what, 64, "CRL %u", i + 1);
			request_crl(&cred->crl[i], v);
			return true;
		}
		i -= cred->n_crl;
		if (i < 2) {
			snprintf(what, 64, "%s", i ? "private key" : "end of its cache");
			if (i)
				request_key(&cred->key, v);
			else
				vici_begin(v, "flush-certs"); /* it would go on by an older CRL */
			return true;
		}
		i -= 2;
	}
	if (i >= kinds(cfg, cred, all))
		return false;
	snprintf(what, 64, "connection %s", all[i].name);
	request_connection(cfg, cred, &all[i], allow_weak, v);
	return true;
}

/* ------------------------------------------------------------------ strongswan.conf */

#define HALF_OPEN_TIMEOUT_S 15u /* a client that repeats itself twice still gets in */
#define JOB_LOAD_MAX        1000u /* messages that wait for a thread before charon takes no new peers */
#define EXCHANGE_MAX_S      165u /* that charon, or a client like it, repeats a message */

/* Exchanges whose state charon keeps.  Dead peer detection makes four in dpd seconds when both
 * sides ask and answer; a Quick Mode that goes on meanwhile must not be forgotten (F12). */
static unsigned int
exchanges(const struct ike_config *cfg)
{
	unsigned int n = 16 + 4 * (EXCHANGE_MAX_S / (cfg->dpd_s ? cfg->dpd_s : 1) + 1);
	return n < 160 ? n : 160;
}

bool
connection_write_conf(const struct ike_config *cfg, const char *group, FILE *out)
{
	char line[96] = "";
	if (*group)
		snprintf(line, sizeof(line), "  group = %s\n", group);
	fprintf(out,
		"# Written by adit-control at its start: changes are lost.\n"
		"charon {\n"
		"%s"
		/* Ours takes the place of the kernel, or charon must not run at all. */
		"  load = random nonce openssl hmac kdf pubkey pem x509 revocation constraints%s "
		"socket-default vici kernel-adit! kernel-netlink\n"
		"  install_routes = no\n"
		"  install_virtual_ip = no\n"
		"  process_route = no\n"
		"  threads = 16\n"
		"  ikesa_table_size = 4096\n"
		"  ikesa_table_segments = 16\n"
		"  prefer_configured_proposals = yes\n"
		"  i_dont_care_about_security_and_use_aggressive_mode_psk = no\n"
		/* T13.  IKEv1 has no cookies, so half-open exchanges of forged addresses go
		 * soon. */
		"  dos_protection = yes\n"
		"  half_open_timeout = %u\n"
		"  init_limit_job_load = %u\n"
		"  max_ikev1_exchanges = %u\n"
		"  cookie_threshold = %u\n"
		"  block_threshold = %u\n"
		"  init_limit_half_open = %u\n"
		/* One line a refused proposal would list all of ours. */
		"  journal { cfg = 0 }\n"
		"  plugins {\n"
		"    kernel-adit { socket = %s/ike.sock }\n"
		"    vici { socket = unix://%s/vici.sock }\n"
		"    revocation {\n"
		"      enable_crl = yes\n"
		"      enable_ocsp = %s\n"
		"    }\n"
		"  }\n"
		"}\n",
		line, cfg->ocsp ? " curl" : "", HALF_OPEN_TIMEOUT_S, JOB_LOAD_MAX, exchanges(cfg),
		cfg->max_half_open / 4, cfg->max_half_open_per_address, cfg->max_half_open,
		cfg->directory, cfg->directory, cfg->ocsp ? "yes" : "no");
	return fflush(out) == 0 && !ferror(out);
}
