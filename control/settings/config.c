/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/settings/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/aaa/pool.h"
#include "control/settings/field.h"
#include "control/settings/ipsec.h"
#include "control/settings/value.h"
#include "crypto/mschap.h"
#include "dataplane/api/conf_text.h"

static void
read_pool(struct reader *r, const config_setting_t *g)
{
	struct config *c = r->c;
	const config_setting_t *first = config_setting_get_member(g, "first");
	const config_setting_t *last = config_setting_get_member(g, "last");
	bool ok = config_read_rows(r, g, "pool", c);
	if (!first || !last) {
		config_fail(r, g, "pool: first and last are needed");
		return;
	}
	if (!ok)
		return;
	char err[128] = "";
	struct pool *p = pool_new(c->pool_name, c->pool_first, c->pool_last, err, sizeof(err));
	if (!p)
		config_fail(r, first, "pool: %s", err);
	pool_free(p);
}

static bool
in_pool(struct reader *r, const config_setting_t *g, const struct user_entry *e)
{
	return !e->static_ip ||
	       (e->static_ip > r->c->pool_first && e->static_ip <= r->c->pool_last) ||
	       config_fail(r, config_setting_get_member(g, "static_ip"),
		       "static_ip: not a client's address of the pool");
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

/* Looked up once, not for every user. */
struct user_rows {
	const char *names[SETTINGS_MAX + 1];
	const struct setting *name, *password, *others;
};

static void
read_user(struct reader *r, const config_setting_t *g, const struct user_rows *rows)
{
	struct user_entry e = {
		.auth = -1, .mppe_policy = -1, .mppe_mode = -1, .mppe_strengths = -1};
	if (!config_setting_is_group(g)) {
		config_fail(r, g, "users: { name = ...; password = ...; } expected");
		return;
	}
	bool ok = config_only_names(r, g, rows->names);
	bool named = config_read_setting(r, g, rows->name, &e);
	ok &= config_read_setting(r, g, rows->password, &e);
	if (named && !*e.name)
		named = config_fail(r, g, "users: a user without name");
	if (named && ok && !*e.password)
		ok = config_fail(r, g, "users: \"%s\" has no password", e.name);
	ok = ok && check_password(r, g, e.name, e.password);
	for (const struct setting *row = rows->others; row->name && setting_in(row, "users[]");
		row++)
		ok &= config_read_setting(r, g, row, &e);
	ok = in_pool(r, g, &e) && ok;
	struct user u = {.name = e.name,
		.password = e.password,
		.dialin = e.dial_in,
		.static_ip = e.static_ip,
		.auth = e.auth,
		.mppe_policy = e.mppe_policy,
		.mppe_mode = e.mppe_mode,
		.mppe_strengths = e.mppe_strengths};
	if (named && ok)
		add_user(r, g, &u);
	explicit_bzero(&e, sizeof(e));
}

static void
read_users(struct reader *r, const config_setting_t *root)
{
	bool ok;
	const struct setting *row = setting_find("users");
	const config_setting_t *list = config_get_list(r, root, row, &ok);
	struct user_rows rows = {.name = setting_find("users[].name"),
		.password = setting_find("users[].password"),
		.others = setting_find("users[].dial_in")};
	if (!list)
		return;
	config_names("users[]", rows.names);
	config_set_origin(
		r->c, row, config_setting_source_file(list), config_setting_source_line(list));
	for (int i = 0; i < config_setting_length(list); i++)
		read_user(r, config_setting_get_elem(list, (unsigned int)i), &rows);
}

/* What takes more than its rows. */
static void
read_group(struct reader *r, const config_setting_t *root, const char *name,
	void (*read)(struct reader *r, const config_setting_t *g))
{
	const config_setting_t *g = config_setting_get_member(root, name);
	if (g && !config_setting_is_group(g)) {
		config_fail(r, g, "%s: a group in { } expected", name);
		return;
	}
	if (!g)
		return;
	config_only_known(r, g, name);
	if (read)
		read(r, g);
	else
		config_read_rows(r, g, name, r->c);
}

static void
read_root(struct reader *r, const config_setting_t *root)
{
	const char *why;
	const struct setting *row;
	config_only_known(r, root, "");
	read_group(r, root, "control", NULL);
	read_group(r, root, "pptp", NULL);
	read_group(r, root, "l2tp", NULL);
	read_group(r, root, "ipsec", config_read_ipsec);
	read_group(r, root, "ppp", NULL);
	read_group(r, root, "mppe", NULL);
	read_group(r, root, "sessions", NULL);
	if (!config_setting_get_member(root, "pool"))
		config_fail(r, NULL, "pool: missing");
	read_group(r, root, "pool", read_pool);
	config_read_rows(r, root, "", r->c);
	read_users(r, root);
	config_complete(r->c);
	if ((row = config_conflict(r->c, &why)))
		config_fail_at(r,
			*r->c->origin[setting_number(row)].file
				? r->c->origin[setting_number(row)].file
				: NULL,
			r->c->origin[setting_number(row)].line, "%s: %s", setting_short(row), why);
}

void
config_set_origin(struct config *c, const struct setting *row, const char *file, unsigned int line)
{
	struct config_origin *o = &c->origin[setting_number(row)];
	o->from = FROM_FILE;
	o->line = line;
	snprintf(o->file, sizeof(o->file), "%s", file ? file : "");
}

void
config_complete(struct config *c)
{
	for (const struct setting *row = settings_table; row->name; row++)
		if (row->derive && c->origin[setting_number(row)].from == FROM_DEFAULT)
			row->derive(c);
	c->pptp.max_channels =
		c->pptp_max_sessions > UINT16_MAX ? UINT16_MAX : (uint16_t)c->pptp_max_sessions;
	c->l2tp_ppp = c->ppp;
	c->l2tp_ppp.mru = c->l2tp_mru;
	c->l2tp.connect_ms = c->l2tp.half_open_ms;
	c->aaa.auth = c->ppp.auth;
}

static bool
any_twice(const uint32_t *ip, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = 0; j < i; j++)
			if (ip[i] == ip[j])
				return true;
	return false;
}

const struct setting *
config_conflict(const struct config *c, const char **why)
{
	const struct setting *max = setting_find("sessions.max_per_user");
	*why = "empty, but policy is \"require\"";
	if (c->aaa.mppe_policy == PPP_MPPE_REQUIRE && c->aaa.mppe_strengths == 0)
		return setting_find("mppe.strengths");
	*why = "an address stands here twice";
	if (any_twice(c->pptp_listen, c->n_pptp_listen))
		return setting_find("pptp.listen");
	*why = "0 goes with same_user = \"allow\" only";
	if (c->origin[setting_number(max)].from != FROM_DEFAULT && c->max_per_user == 0 &&
		c->same_user != SAME_USER_ALLOW)
		return max;
	return NULL;
}

struct config *
config_defaults(void)
{
	char why[FIELD_WHY_MAX];
	struct config *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->users = users_new();
	if (!c->users) {
		free(c);
		return NULL;
	}
	for (const struct setting *row = settings_table; row->name; row++)
		if (row->fallback && row->size && !setting_nested(row))
			field_parse(row, c, row->fallback, why);
	/* What nobody can set. */
	c->pptp.stop_timeout_ms = 3000;
	c->l2tp.delivery.retransmit_ms = 1000;
	c->ppp.acfc = c->ppp.pfc = true;
	c->ppp.restart_first_ms = 800;
	c->ppp.restart_ms = 3000;
	c->ppp.max_configure = 10;
	c->ppp.max_terminate = 2;
	c->ppp.max_failure = 5;
	config_complete(c);
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

static bool
parsed(struct reader *r, const config_t *cf, bool good)
{
	if (good)
		return true;
	if (config_error_type(cf) == CONFIG_ERR_FILE_IO)
		config_fail_at(r, NULL, 0, "can't read: %s", strerror(errno));
	else
		config_fail_at(r, config_error_file(cf), (unsigned int)config_error_line(cf), "%s",
			config_error_text(cf));
	return false;
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
	if (!parsed(r, cf, config_read_file(cf, r->path) == CONFIG_TRUE))
		return false;
	conf_cut_numbers(r->path, cut_number, r);
	return true;
}

static bool
read_text(struct reader *r, config_t *cf, const char *text)
{
	if (!parsed(r, cf, config_read_string(cf, text) == CONFIG_TRUE))
		return false;
	conf_cut_numbers_in(text, r->path, cut_number, r);
	return true;
}

/* text NULL: the file's. */
static struct config *
load(const char *path, const char *text, char *err, size_t errlen)
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
	bool whole = text ? read_text(r, &cf, text) : read_file(r, &cf);
	if (whole)
		read_root(r, config_root_setting(&cf));
	config_wipe_secrets(&cf);
	config_destroy(&cf);
	config_faults(r, err, errlen);
	free(r);
	if (whole)
		return c;
	config_free(c);
	return NULL;
}

static struct config *
without_fault(struct config *c, const char *err)
{
	if (c && *err == '\0')
		return c;
	config_free(c);
	return NULL;
}

struct config *
config_load_all(const char *path, char *err, size_t errlen)
{
	return load(path, NULL, err, errlen);
}

struct config *
config_load(const char *path, char *err, size_t errlen)
{
	return without_fault(load(path, NULL, err, errlen), err);
}

struct config *
config_load_text(const char *path, const char *text, char *err, size_t errlen)
{
	return without_fault(load(path, text, err, errlen), err);
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
