/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file is read once more, for the lines that its settings stand on, and for secrets, which the
 * configuration holds in other forms.
 */
#include "control/settings/check.h"

#include <grp.h>
#include <libconfig.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/core/log.h"
#include "control/ike/credential.h"
#include "control/settings/secret.h"
#include "control/settings/value.h"

#define EXPIRES_SOON_DAYS 30

struct check {
	const struct config *c;
	const char *path;
	config_t cf;
	void (*each)(void *user, enum check_weight weight, const char *text);
	void *user;
};

static void __attribute__((format(printf, 4, 5)))
say_at(struct check *k, const config_setting_t *s, enum check_weight weight, const char *fmt, ...)
{
	const char *file = s ? config_setting_source_file(s) : NULL;
	unsigned int line = s ? config_setting_source_line(s) : 0;
	char text[600];
	int n = snprintf(text, sizeof(text), "%s:%u: ", file ? file : k->path, line ? line : 1);
	va_list ap;
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(text))
		vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	k->each(k->user, weight, text);
}
#define say(k, setting, ...) say_at(k, config_lookup(&(k)->cf, setting), __VA_ARGS__)

static void
check_names(struct check *k)
{
	const struct config *c = k->c;
	const struct passwd *pw = *c->user ? getpwnam(c->user) : NULL;
	/* Who is not root stays who he is. */
	enum check_weight weight = geteuid() == 0 ? CHECK_FATAL : CHECK_ERROR;
	if (*c->user && !pw)
		say(k, "control.user", weight,
			"control.user: there is no user \"%s\": systemd-sysusers makes it, or "
			"useradd "
			"--system; or name another one, here and in adit-dataplane.conf",
			c->user);
	else if (pw && pw->pw_uid == 0)
		say(k, "control.user", weight, "control.user: is root");
	if (*c->socket_group && !getgrnam(c->socket_group))
		say(k, "control.socket_group", CHECK_FATAL,
			"control.socket_group: there is no group \"%s\"", c->socket_group);
	if (*c->operate_group && !getgrnam(c->operate_group))
		say(k, "control.operate_group", CHECK_FATAL,
			"control.operate_group: there is no group \"%s\"", c->operate_group);
	if (c->ike.enabled && *c->ike.charon_user && !getpwnam(c->ike.charon_user))
		say(k, "ipsec.charon_user", CHECK_ERROR,
			"ipsec.charon_user: there is no user \"%s\"", c->ike.charon_user);
}

static void
check_mode(struct check *k, const char *setting, const char *path)
{
	struct stat st;
	if (*path && stat(path, &st) == 0 && (st.st_mode & S_IRWXO))
		say(k, setting, CHECK_ERROR, "%s: everybody may read %s: chmod o= %s", setting,
			path, path);
}

/* Clients look for what they dial in the certificate's subjectAltName. */
static void
check_names_of(struct check *k, const char *setting, const struct credential *cred)
{
	const struct ike_config *c = &k->c->ike;
	char text[16];
	if (!credential_named(cred)) {
		say(k, setting, CHECK_WARNING,
			"%s: the certificate has no DNS name and no address in subjectAltName: "
			"Windows and others refuse it",
			setting);
		return;
	}
	for (unsigned int i = 0; i < c->n_listen; i++)
		if (!credential_holds(cred, log_ip(text, c->listen[i])))
			say(k, setting, CHECK_WARNING,
				"%s: %s (ipsec.listen) is not in the certificate's subjectAltName: "
				"clients that dial the address refuse it",
				setting, log_ip(text, c->listen[i]));
}

static void
check_certificates(struct check *k)
{
	const struct ike_config *c = &k->c->ike;
	const char *setting = *c->pkcs12 ? "ipsec.pkcs12" : "ipsec.certificate";
	struct credential cred;
	char err[256] = "";
	if (!c->enabled || (!*c->pkcs12 && !*c->certificate && !*c->ca))
		return;
	check_mode(k, "ipsec.key", c->key);
	check_mode(k, "ipsec.pkcs12", c->pkcs12);
	if (!credential_load(c, &cred, err, sizeof(err))) {
		say(k, setting, CHECK_CERTIFICATE, "%s: %s", setting, err);
		return;
	}
	if (cred.certificate.len)
		check_names_of(k, setting, &cred);
	if (cred.early)
		say(k, setting, CHECK_ERROR,
			"%s: the certificate is not valid yet: clients refuse it; is the clock "
			"right?",
			setting);
	if (cred.certificate.len && cred.days_left < EXPIRES_SOON_DAYS)
		say(k, setting, CHECK_WARNING, "%s: the certificate expires in %d days", setting,
			cred.days_left);
	credential_wipe(&cred);
}

/* ------------------------------------------------------------------ secrets */

static void
check_psk(struct check *k, const config_setting_t *group, bool used)
{
	const config_setting_t *s = group ? config_setting_get_member(group, "psk") : NULL;
	const char *psk = s ? config_setting_get_string(s) : NULL;
	if (!psk)
		return;
	if (secret_is_published(psk))
		say_at(k, s, used ? CHECK_FATAL : CHECK_WARNING,
			"psk: stands in published examples: take 20 random characters");
	else if (secret_bits(psk) < IKE_PSK_MIN_BIT)
		say_at(k, s, used ? CHECK_ERROR : CHECK_WARNING,
			"psk: made of words (about %u bits of %u): take 20 random characters",
			secret_bits(psk), IKE_PSK_MIN_BIT);
}

static void
check_user(struct check *k, const config_setting_t *g)
{
	const char *name = NULL, *password = NULL, *dial_in = "";
	char quoted[96];
	config_setting_lookup_string(g, "name", &name);
	config_setting_lookup_string(g, "password", &password);
	config_setting_lookup_string(g, "dial_in", &dial_in);
	if (!name || !password)
		return;
	const config_setting_t *s = config_setting_get_member(g, "password");
	bool used = strcmp(dial_in, "allow") == 0;
	const char *why = secret_fault(password);
	log_quote(quoted, sizeof(quoted), name);
	if (why)
		say_at(k, s, CHECK_ERROR, "users: the password of %s %s", quoted, why);
	else if (used && secret_is_published(password))
		say_at(k, s, CHECK_FATAL, "users: the password of %s stands in published examples",
			quoted);
	else if (used && secret_is_guessable(password, name))
		say_at(k, s, CHECK_ERROR,
			"users: the password of %s is on every guesser's list, or made of the name",
			quoted);
}

static void
check_secrets(struct check *k)
{
	const config_setting_t *peers = config_lookup(&k->cf, "ipsec.peers");
	const config_setting_t *users = config_lookup(&k->cf, "users");
	const struct config *c = k->c;
	check_psk(k, config_lookup(&k->cf, "ipsec"), c->ike.enabled);
	for (int i = 0; peers && i < config_setting_length(peers); i++)
		check_psk(k, config_setting_get_elem(peers, (unsigned int)i), c->ike.enabled);
	for (int i = 0; users && i < config_setting_length(users); i++)
		check_user(k, config_setting_get_elem(users, (unsigned int)i));
	if (c->l2tp_enabled && *c->l2tp.secret &&
		(secret_is_published(c->l2tp.secret) || secret_is_guessable(c->l2tp.secret, "")))
		say(k, "l2tp.tunnel_secret", CHECK_ERROR,
			"l2tp.tunnel_secret: on every guesser's list");
}

/* ------------------------------------------------------------------ what fits together */

static void
check_twice(struct check *k, const char *setting, const uint32_t *ip, unsigned int n,
	enum check_weight weight)
{
	char text[16];
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = 0; j < i; j++)
			if (ip[i] == ip[j] && ip[i] != 0) {
				say(k, setting, weight, "%s: %s stands here twice", setting,
					log_ip(text, ip[i]));
				break;
			}
}

static unsigned int
ports_in_all(const struct config *c)
{
	return (c->pptp_enabled ? c->pptp_max_sessions : 0) +
	       (c->l2tp_enabled ? c->l2tp_max_sessions : 0);
}

static void
check_sizes(struct check *k)
{
	const struct config *c = k->c;
	unsigned int ports = ports_in_all(c), clients = c->pool_last - c->pool_first;
	if (ports == 0)
		say(k, "pptp", CHECK_ERROR,
			"no protocol is on: set pptp.enabled or l2tp.enabled, with max_sessions "
			"above "
			"0");
	if (c->pool_last && clients < ports)
		say(k, "pool", CHECK_WARNING,
			"pool: %u addresses for clients, but %u ports: the last clients are "
			"refused as "
			"pool-empty",
			clients, ports);
	if (c->l2tp_enabled && c->l2tp_max_sessions && c->l2tp_require_ipsec && !c->ike.enabled)
		say(k, "l2tp", CHECK_ERROR,
			"l2tp.require_ipsec is on, but ipsec.enabled is off: nobody can use L2TP");
	check_twice(k, "ipsec.listen", c->ike.listen, c->ike.n_listen, CHECK_ERROR);
	check_twice(k, "dns", c->aaa.dns, 2, CHECK_WARNING);
	check_twice(k, "wins", c->aaa.wins, 2, CHECK_WARNING);
	for (unsigned int i = 0; i < 2; i++)
		if (c->aaa.dns[i] == c->pool_first)
			say(k, "dns", CHECK_WARNING,
				"dns: that is the gateway's own inner address, where nobody "
				"answers "
				"unless you run a server there and let clients in");
}

static bool
is_port_address(const config_setting_t *ports, uint32_t ip)
{
	for (int i = 0; ports && i < config_setting_length(ports); i++) {
		const config_setting_t *list = config_setting_get_member(
			config_setting_get_elem(ports, (unsigned int)i), "addresses");
		for (int j = 0; list && j < config_setting_length(list); j++) {
			const char *text = config_setting_get_string_elem(list, j);
			char want[16];
			size_t len = strlen(log_ip(want, ip));
			if (text && strncmp(text, want, len) == 0 && text[len] == '/')
				return true;
		}
	}
	return false;
}

/* Nothing would come to an address that no port has. */
static void
check_listen(struct check *k, const config_setting_t *ports, const char *setting,
	const uint32_t *ip, unsigned int n, const char *dataplane)
{
	char text[16];
	for (unsigned int i = 0; i < n; i++)
		if (ip[i] && !is_port_address(ports, ip[i]))
			say(k, setting, CHECK_ERROR, "%s: no port in %s has the address %s",
				setting, dataplane, log_ip(text, ip[i]));
}

static bool
differs(const config_t *cf, const char *setting, const char *fallback, const char *ours,
	const char **theirs)
{
	*theirs = fallback;
	config_lookup_string(cf, setting, theirs);
	return strcmp(*theirs, ours) != 0;
}

/* The data plane's file: what both must say alike. */
static void
check_dataplane(struct check *k, const char *dataplane)
{
	const struct config *c = k->c;
	const char *theirs;
	int sessions = 4096, sas = 4096;
	config_t cf;
	config_init(&cf);
	if (!config_read_file(&cf, dataplane)) {
		say_at(k, NULL, CHECK_ERROR, "%s:%d: %s", dataplane, config_error_line(&cf),
			config_error_text(&cf));
		config_destroy(&cf);
		return;
	}
	if (differs(&cf, "control.user", "adit", c->user, &theirs) && *c->user)
		say(k, "control.user", CHECK_ERROR,
			"control.user: \"%s\", but \"%s\" in %s: they would not talk", c->user,
			theirs, dataplane);
	if (differs(&cf, "control.socket", "/run/adit/dataplane.sock", c->dataplane_path, &theirs))
		say(k, "control.dataplane", CHECK_ERROR,
			"control.dataplane: \"%s\", but control.socket is \"%s\" in %s",
			c->dataplane_path, theirs, dataplane);
	const config_setting_t *ports = config_lookup(&cf, "ports");
	if (c->pptp_enabled)
		check_listen(k, ports, "pptp.listen", c->pptp_listen, c->n_pptp_listen, dataplane);
	if (c->ike.enabled)
		check_listen(k, ports, "ipsec.listen", c->ike.listen, c->ike.n_listen, dataplane);
	config_lookup_int(&cf, "sessions.max", &sessions);
	config_lookup_int(&cf, "ipsec.max_sas", &sas);
	if (sessions >= 0 && (unsigned int)sessions < ports_in_all(c))
		say_at(k, NULL, CHECK_WARNING, "%u ports, but sessions.max = %d in %s",
			ports_in_all(c), sessions, dataplane);
	if (c->ike.enabled && sas == 0)
		say(k, "ipsec", CHECK_ERROR, "ipsec.enabled, but ipsec.max_sas = 0 in %s",
			dataplane);
	else if (c->ike.enabled && (unsigned int)sas < c->l2tp_max_sessions)
		say(k, "ipsec", CHECK_WARNING,
			"l2tp.max_sessions = %u, but ipsec.max_sas = %d in %s",
			c->l2tp_max_sessions, sas, dataplane);
	config_destroy(&cf);
}

/* text NULL: the file's. */
static void
check(const struct config *c, const char *path, const char *text, const char *dataplane,
	void (*each)(void *user, enum check_weight weight, const char *text), void *user)
{
	struct check k = {.c = c, .path = path, .each = each, .user = user};
	struct stat st;
	config_init(&k.cf);
	if (!(text ? config_read_string(&k.cf, text) : config_read_file(&k.cf, path)))
		say_at(&k, NULL, CHECK_FATAL, "changed while it was read");
	if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO))
		say_at(&k, NULL, CHECK_ERROR,
			"the file holds passwords and everybody may read it: chmod o= %s", path);
	check_names(&k);
	check_certificates(&k);
	check_secrets(&k);
	check_sizes(&k);
	if (dataplane)
		check_dataplane(&k, dataplane);
	config_wipe_secrets(&k.cf);
	config_destroy(&k.cf);
}

void
config_check(const struct config *c, const char *path, const char *dataplane,
	void (*each)(void *user, enum check_weight weight, const char *text), void *user)
{
	check(c, path, NULL, dataplane, each, user);
}

void
config_check_text(const struct config *c, const char *path, const char *text,
	void (*each)(void *user, enum check_weight weight, const char *text), void *user)
{
	check(c, path, text, NULL, each, user);
}
