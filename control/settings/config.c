/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "control/aaa/pool.h"
#include "control/settings/ipsec.h"
#include "control/settings/l2tp.h"
#include "control/settings/value.h"
#include "crypto/mschap.h"
#include "dataplane/api/conf_text.h"

static const struct word log_levels[] = {{"error", LOG_ERR}, {"warning", LOG_WARNING},
	{"notice", LOG_NOTICE}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {NULL, 0}};
static const struct word auth_methods[] = {{"mschapv2", PPP_AUTH_MSCHAPV2},
	{"chap-md5", PPP_AUTH_CHAP_MD5}, {"mschapv1", PPP_AUTH_MSCHAPV1}, {"pap", PPP_AUTH_PAP},
	{NULL, 0}};
static const struct word mppe_policies[] = {{"forbid", PPP_MPPE_FORBID}, {"allow", PPP_MPPE_ALLOW},
	{"require", PPP_MPPE_REQUIRE}, {NULL, 0}};
static const struct word mppe_modes[] = {{"stateless-only", PPP_MPPE_STATELESS_ONLY},
	{"prefer-stateless", PPP_MPPE_PREFER_STATELESS},
	{"prefer-stateful", PPP_MPPE_PREFER_STATEFUL}, {NULL, 0}};
static const struct word same_users[] = {{"allow", SAME_USER_ALLOW}, {"replace", SAME_USER_REPLACE},
	{"refuse", SAME_USER_REFUSE}, {NULL, 0}};
static const struct word dialins[] = {{"allow", DIALIN_ALLOW}, {"deny", DIALIN_DENY}, {NULL, 0}};

static bool
get_auth(struct reader *r, const config_setting_t *group, unsigned int *mask)
{
	bool ok;
	const config_setting_t *s = config_get_list(r, group, "authentication", 1, 4, &ok);
	if (!s)
		return ok;
	*mask = 0;
	for (int i = 0; i < config_setting_length(s); i++) {
		int v = 0;
		ok &= config_parse_word(r, config_setting_get_elem(s, (unsigned int)i),
			"authentication", auth_methods, &v);
		*mask |= (unsigned int)v;
	}
	return ok;
}

static bool
get_strengths(struct reader *r, const config_setting_t *group, const char *name, unsigned int *mask)
{
	bool ok;
	const config_setting_t *s = config_get_list(r, group, name, 0, 3, &ok);
	if (!s)
		return ok;
	*mask = 0;
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		int bits =
			config_setting_type(e) == CONFIG_TYPE_INT ? config_setting_get_int(e) : 0;
		switch (bits) {
		case 40:
			*mask |= PPP_MPPE_40;
			break;
		case 56:
			*mask |= PPP_MPPE_56;
			break;
		case 128:
			*mask |= PPP_MPPE_128;
			break;
		default:
			ok = config_fail(r, e, "%s: 40, 56 or 128 expected", name);
		}
	}
	return ok;
}

const struct config_group config_groups[] = {
	{"", {"control", "pptp", "l2tp", "ipsec", "ppp", "mppe", "sessions", "pool", "dns", "wins",
		     "users"}},
	{"control", {"socket", "socket_group", "operate_group", "dataplane", "user", "log_level"}},
	{"pptp", {"enabled", "listen", "port", "max_sessions", "max_connections",
			 "max_connections_per_address", "max_calls_per_connection", "start_timeout",
			 "echo_interval", "echo_timeout", "host_name", "vendor"}},
	{"l2tp", {"enabled", "max_sessions", "require_ipsec", "tunnel_secret", "mru", "sequencing",
			 "hello_interval", "start_timeout", "idle_timeout", "max_tunnels",
			 "max_tunnels_per_peer", "max_half_open", "max_half_open_per_peer",
			 "max_sessions_per_tunnel", "receive_window", "max_retransmissions",
			 "max_retransmit_interval", "host_name", "vendor"}},
	{"ipsec", {"enabled", "directory", "charon_user", "listen", "psk", "peers", "certificate",
			  "crl", "revocation", "ocsp", "revoked", "key", "ca", "pkcs12",
			  "pkcs12_password", "identity", "allow_weak_crypto", "proposals",
			  "sha256_96", "sha256_96_peers", "ike_lifetime", "sa_lifetime",
			  "sa_lifetime_mb", "dpd", "replay_window", "max_peers_per_address",
			  "max_half_open_per_address", "max_half_open"}},
	{"ipsec.peers[]", {"address", "psk"}},
	{"ppp", {"mru", "min_peer_mru", "server_name", "authentication", "echo_interval",
			"echo_failures", "auth_timeout", "auth_retries", "setup_timeout",
			"lockout_failures", "lockout_user_failures", "lockout_address_failures",
			"lockout_time", "clamp_mss", "max_unauthenticated",
			"max_unauthenticated_per_address", "max_unauthenticated_per_peer"}},
	{"mppe", {"policy", "mode", "strengths", "allow_weak_crypto"}},
	{"sessions", {"same_user", "max_per_user"}},
	{"pool", {"name", "first", "last"}},
	{"users[]", {"name", "password", "dial_in", "static_ip", "authentication", "mppe_policy",
			    "mppe_mode", "mppe_strengths"}},
	{NULL, {NULL}},
};

const char *const *
config_known(const char *group)
{
	const struct config_group *g = config_groups;
	while (strcmp(g->name, group) != 0)
		g++;
	return g->settings;
}

static void
read_control(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	config_only_known(r, g, config_known("control"));
	config_get_string(r, g, "socket", 1, c->socket_path, sizeof(c->socket_path));
	config_get_string(r, g, "socket_group", 0, c->socket_group, sizeof(c->socket_group));
	config_get_string(r, g, "operate_group", 0, c->operate_group, sizeof(c->operate_group));
	config_get_string(r, g, "dataplane", 1, c->dataplane_path, sizeof(c->dataplane_path));
	config_get_string(r, g, "user", 0, c->user, sizeof(c->user));
	config_get_word(r, g, "log_level", log_levels, &c->log_level);
}

static void
read_pptp(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	unsigned int port = c->pptp_port;
	config_only_known(r, g, config_known("pptp"));
	config_get_bool(r, g, "enabled", &c->pptp_enabled);
	config_get_ips(r, g, "listen", 1, CONFIG_MAX_LISTEN, c->pptp_listen, &c->n_pptp_listen);
	config_get_number(r, g, "port", 1, 65535, &port);
	config_get_number(r, g, "max_sessions", 0, 1u << 20, &c->pptp_max_sessions);
	c->pptp_port = (uint16_t)port;
	c->pptp_max_connections = 2 * c->pptp_max_sessions + 16;
	config_get_number(r, g, "max_connections", 1, 1u << 21, &c->pptp_max_connections);
	config_get_number(r, g, "max_connections_per_address", 1, 1u << 20,
		&c->pptp_max_connections_per_address);
	config_get_number(r, g, "max_calls_per_connection", 1, 1024, &c->pptp.max_calls);
	config_get_seconds(r, g, "start_timeout", 1, 600, &c->pptp.start_timeout_ms);
	config_get_seconds(r, g, "echo_interval", 1, 3600, &c->pptp.echo_interval_ms);
	config_get_seconds(r, g, "echo_timeout", 1, 3600, &c->pptp.echo_timeout_ms);
	config_get_string(r, g, "host_name", 0, c->pptp.host_name, sizeof(c->pptp.host_name));
	config_get_string(r, g, "vendor", 0, c->pptp.vendor, sizeof(c->pptp.vendor));
}

static void
read_ppp(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	unsigned int mru = c->ppp.mru, min_mru = c->ppp.min_peer_mru;
	config_only_known(r, g, config_known("ppp"));
	config_get_number(r, g, "mru", 576, 1500, &mru);
	config_get_number(r, g, "min_peer_mru", 128, 1400, &min_mru);
	config_get_string(r, g, "server_name", 1, c->ppp.server_name, sizeof(c->ppp.server_name));
	get_auth(r, g, &c->ppp.auth);
	c->ppp.mru = (uint16_t)mru;
	c->ppp.min_peer_mru = (uint16_t)min_mru;
	c->aaa.auth = c->ppp.auth;
	config_get_seconds(r, g, "echo_interval", 0, 3600, &c->ppp.echo_interval_ms);
	config_get_number(r, g, "echo_failures", 1, 100, &c->ppp.echo_failures);
	config_get_seconds(r, g, "auth_timeout", 1, 600, &c->ppp.auth_timeout_ms);
	config_get_number(r, g, "auth_retries", 0, 10, &c->ppp.auth_retries);
	config_get_seconds(r, g, "setup_timeout", 1, 3600, &c->ppp.setup_timeout_ms);
	config_get_number(r, g, "lockout_failures", 0, 100000, &c->aaa.lockout_failures);
	config_get_number(r, g, "lockout_user_failures", 0, 100000, &c->aaa.lockout_user_failures);
	config_get_number(
		r, g, "lockout_address_failures", 0, 100000, &c->aaa.lockout_address_failures);
	config_get_seconds(r, g, "lockout_time", 1, 86400, &c->aaa.lockout_ms);
	config_get_bool(r, g, "clamp_mss", &c->clamp_mss);
	config_get_number(r, g, "max_unauthenticated", 1, 100, &c->strangers.all);
	config_get_number(r, g, "max_unauthenticated_per_address", 1, 100, &c->strangers.address);
	config_get_number(r, g, "max_unauthenticated_per_peer", 1, 65535, &c->strangers_per_peer);
}

static void
read_mppe(struct reader *r, const config_setting_t *g)
{
	struct aaa_settings *a = &r->c->aaa;
	int policy = a->mppe_policy, mode = a->mppe_mode;
	unsigned int strengths = a->mppe_strengths;
	config_only_known(r, g, config_known("mppe"));
	config_get_word(r, g, "policy", mppe_policies, &policy);
	config_get_word(r, g, "mode", mppe_modes, &mode);
	config_get_bool(r, g, "allow_weak_crypto", &a->allow_weak_crypto);
	if (get_strengths(r, g, "strengths", &strengths) && policy == PPP_MPPE_REQUIRE &&
		strengths == 0)
		config_fail(r, config_setting_get_member(g, "strengths"),
			"strengths: empty, but policy is \"require\"");
	a->mppe_policy = (uint8_t)policy;
	a->mppe_mode = (uint8_t)mode;
	a->mppe_strengths = (uint8_t)strengths;
}

static void
read_sessions(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	const config_setting_t *max = config_setting_get_member(g, "max_per_user");
	int same = c->same_user;
	config_only_known(r, g, config_known("sessions"));
	config_get_word(r, g, "same_user", same_users, &same);
	c->same_user = (uint8_t)same;
	c->max_per_user = same == SAME_USER_ALLOW ? 0 : 1;
	if (config_get_number(r, g, "max_per_user", 0, 1u << 20, &c->max_per_user) && max &&
		c->max_per_user == 0 && same != SAME_USER_ALLOW)
		config_fail(r, max, "max_per_user: 0 goes with same_user = \"allow\" only");
}

static void
read_pool(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	const config_setting_t *first = config_setting_get_member(g, "first");
	const config_setting_t *last = config_setting_get_member(g, "last");
	config_only_known(r, g, config_known("pool"));
	config_get_string(r, g, "name", 1, c->pool_name, sizeof(c->pool_name));
	if (!first || !last) {
		config_fail(r, g, "pool: first and last are needed");
		return;
	}
	bool ok = config_parse_ip(r, first, "first", &c->pool_first);
	if (!config_parse_ip(r, last, "last", &c->pool_last) || !ok)
		return;
	char err[128] = "";
	struct pool *p = pool_new(c->pool_name, c->pool_first, c->pool_last, err, sizeof(err));
	if (!p)
		config_fail(r, first, "pool: %s", err);
	pool_free(p);
}

static bool
read_user_overrides(struct reader *r, const config_setting_t *g, struct user *u)
{
	unsigned int mask = 0;
	bool ok = true;
	if (config_setting_get_member(g, "authentication")) {
		ok &= get_auth(r, g, &mask);
		u->auth = (int)mask;
	}
	if (config_setting_get_member(g, "mppe_strengths")) {
		mask = 0;
		ok &= get_strengths(r, g, "mppe_strengths", &mask);
		u->mppe_strengths = (int)mask;
	}
	ok &= config_get_word(r, g, "mppe_policy", mppe_policies, &u->mppe_policy);
	ok &= config_get_word(r, g, "mppe_mode", mppe_modes, &u->mppe_mode);
	return ok;
}

static bool
read_static_ip(struct reader *r, const config_setting_t *g, struct user *u)
{
	const config_setting_t *s = config_setting_get_member(g, "static_ip");
	if (!s)
		return true;
	if (!config_parse_ip(r, s, "static_ip", &u->static_ip))
		return false;
	if (u->static_ip <= r->c->pool_first || u->static_ip > r->c->pool_last)
		return config_fail(r, s, "static_ip: not a client's address of the pool");
	return true;
}

static void
add_user(struct reader *r, const config_setting_t *g, const struct user *u)
{
	int rc = users_add(r->c->users, u);
	if (rc == -EEXIST)
		config_fail(r, g, "users: \"%s\" stands here twice", u->name);
	else if (rc == -EADDRINUSE) /* they would lock each other out */
		config_fail(r, config_setting_get_member(g, "static_ip"),
			"static_ip: belongs to another user");
	else if (rc)
		config_fail(r, g, "users: \"%s\": %s", u->name, strerror(-rc));
}

/* Whatever is not UTF-8 has no NT hash: nobody could log in with it. */
static bool
check_password(struct reader *r, const config_setting_t *g, const char *name, const char *password)
{
	uint8_t hash[MSCHAP_HASH_LEN];
	int rc = mschap_nt_hash(password, hash);
	explicit_bzero(hash, sizeof(hash));
	return rc != -EINVAL ||
	       config_fail(r, config_setting_get_member(g, "password"),
		       "password: that of \"%s\" is not UTF-8: save the file as UTF-8", name);
}

static void
read_user(struct reader *r, const config_setting_t *g)
{
	if (!config_setting_is_group(g)) {
		config_fail(r, g, "users: { name = ...; password = ...; } expected");
		return;
	}
	char name[64] = "", password[257] = "";
	int dialin = DIALIN_DENY;
	struct user u = {.name = name,
		.password = password,
		.auth = -1,
		.mppe_policy = -1,
		.mppe_mode = -1,
		.mppe_strengths = -1};
	bool ok = config_only_known(r, g, config_known("users[]"));
	bool named = config_get_string(r, g, "name", 1, name, sizeof(name));
	ok &= config_get_string(r, g, "password", 1, password, sizeof(password));
	if (named && !*name)
		named = config_fail(r, g, "users: a user without name");
	if (named && ok && !*password)
		ok = config_fail(r, g, "users: \"%s\" has no password", name);
	ok = ok && check_password(r, g, name, password);
	ok &= config_get_word(r, g, "dial_in", dialins, &dialin);
	ok &= read_static_ip(r, g, &u);
	ok &= read_user_overrides(r, g, &u);
	u.dialin = (uint8_t)dialin;
	if (named && ok)
		add_user(r, g, &u);
	explicit_bzero(password, sizeof(password));
}

static void
read_users(struct reader *r, const config_setting_t *root)
{
	bool ok;
	const config_setting_t *list = config_get_list(r, root, "users", 0, 1 << 20, &ok);
	if (!list)
		return;
	for (int i = 0; i < config_setting_length(list); i++)
		read_user(r, config_setting_get_elem(list, (unsigned int)i));
}

static void
read_group(struct reader *r, const config_setting_t *root, const char *name,
	void (*read)(struct reader *r, const config_setting_t *g))
{
	const config_setting_t *g = config_setting_get_member(root, name);
	if (g && config_setting_is_group(g))
		read(r, g);
	else if (g)
		config_fail(r, g, "%s: a group in { } expected", name);
}

static void
read_root(struct reader *r, const config_setting_t *root)
{
	struct config *c = r->c;
	unsigned int n = 0;
	config_only_known(r, root, config_known(""));
	read_group(r, root, "control", read_control);
	read_group(r, root, "pptp", read_pptp);
	read_group(r, root, "l2tp", config_read_l2tp);
	read_group(r, root, "ipsec", config_read_ipsec);
	read_group(r, root, "ppp", read_ppp);
	read_group(r, root, "mppe", read_mppe);
	read_group(r, root, "sessions", read_sessions);
	if (!config_setting_get_member(root, "pool"))
		config_fail(r, NULL, "pool: missing");
	read_group(r, root, "pool", read_pool);
	config_get_ips(r, root, "dns", 0, 2, c->aaa.dns, &n);
	config_get_ips(r, root, "wins", 0, 2, c->aaa.wins, &n);
	read_users(r, root);
	config_complete_l2tp(c);
	c->pptp.max_channels =
		c->pptp_max_sessions > UINT16_MAX ? UINT16_MAX : (uint16_t)c->pptp_max_sessions;
}

static struct config *
config_defaults(void)
{
	struct config *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->users = users_new();
	if (!c->users) {
		free(c);
		return NULL;
	}
	strcpy(c->socket_path, "/run/adit/control.sock");
	strcpy(c->dataplane_path, "/run/adit/dataplane.sock");
	strcpy(c->user, "adit");
	c->log_level = LOG_INFO;
	c->pptp_enabled = false; /* R3: nothing listens until it is enabled */
	c->n_pptp_listen = 1;
	c->pptp_port = PPTP_PORT;
	c->pptp_max_sessions = 128;
	c->pptp_max_connections = 2 * c->pptp_max_sessions + 16;
	c->pptp_max_connections_per_address = 8;
	c->pptp = (struct pptp_config){.max_calls = 1,
		.start_timeout_ms = 30000,
		.echo_interval_ms = 60000,
		.echo_timeout_ms = 60000,
		.stop_timeout_ms = 3000};
	config_ipsec_defaults(&c->ike);
	config_l2tp_defaults(c);
	c->ppp = (struct ppp_config){.mru = 1400,
		.min_peer_mru = 576,
		.auth = PPP_AUTH_MSCHAPV2,
		.acfc = true,
		.pfc = true,
		.server_name = "adit",
		.echo_interval_ms = 30000,
		.echo_failures = 4,
		.restart_first_ms = 800,
		.restart_ms = 3000,
		.max_configure = 10,
		.max_terminate = 2,
		.max_failure = 5,
		.auth_timeout_ms = 30000,
		.setup_timeout_ms = 60000,
		.auth_retries = 2};
	c->aaa = (struct aaa_settings){.auth = c->ppp.auth,
		.mppe_policy = PPP_MPPE_REQUIRE,
		.mppe_mode = PPP_MPPE_PREFER_STATELESS,
		.mppe_strengths = PPP_MPPE_128,
		.lockout_failures = 10,
		.lockout_user_failures = 100,
		.lockout_address_failures = 100,
		.lockout_ms = 300000};
	c->clamp_mss = true;
	c->strangers = (struct stranger_shares){.all = 50, .address = 25};
	c->strangers_per_peer = 8;
	strcpy(c->pool_name, "clients");
	return c;
}

void
config_wipe_secrets(const config_t *cf)
{
	const config_setting_t *users = config_lookup(cf, "users");
	for (int i = 0; users && i < config_setting_length(users); i++) {
		const config_setting_t *g = config_setting_get_elem(users, (unsigned int)i);
		config_wipe_string(g && config_setting_is_group(g)
					   ? config_setting_get_member(g, "password")
					   : NULL);
	}
	config_wipe_ipsec(cf);
	config_wipe_string(config_lookup(cf, "l2tp.tunnel_secret"));
}

static void
cut_number(void *user, const char *file, unsigned int line, const char *number)
{
	config_fail_at(user, file, line, "%s: no setting takes a number as large as that", number);
}

/* False after a fault: it can't be read. */
static bool
read_file(struct reader *r, config_t *cf)
{
	struct stat st;
	int why = stat(r->path, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
	if (why) {
		config_fail_at(r, NULL, 0, "can't read: %s", strerror(why));
		return false;
	}
	if (config_read_file(cf, r->path) == CONFIG_TRUE)
		return true;
	if (config_error_type(cf) == CONFIG_ERR_FILE_IO)
		config_fail_at(r, NULL, 0, "can't read: %s", strerror(errno));
	else
		config_fail_at(r, config_error_file(cf), (unsigned int)config_error_line(cf), "%s",
			config_error_text(cf));
	return false;
}

struct config *
config_load_all(const char *path, char *err, size_t errlen)
{
	struct config *c = config_defaults();
	struct reader *r = calloc(1, sizeof(*r));
	config_t cf;
	*err = '\0';
	if (!c || !r) {
		snprintf(err, errlen, "%s:0: out of memory", path);
		free(r);
		config_free(c);
		return NULL;
	}
	r->path = path;
	r->c = c;
	config_init(&cf);
	bool whole = read_file(r, &cf);
	if (whole) {
		conf_cut_numbers(path, cut_number, r);
		read_root(r, config_root_setting(&cf));
	}
	config_wipe_secrets(&cf);
	config_destroy(&cf);
	config_faults(r, err, errlen);
	free(r);
	if (whole)
		return c;
	config_free(c);
	return NULL;
}

struct config *
config_load(const char *path, char *err, size_t errlen)
{
	struct config *c = config_load_all(path, err, errlen);
	if (c && *err == '\0')
		return c;
	config_free(c);
	return NULL;
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	users_free(c->users);
	explicit_bzero(c, sizeof(*c));
	free(c);
}
