/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file.  Long because each group of it has a reader. */
#include "dataplane/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libconfig.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/api/conf_group.h"
#include "dataplane/api/conf_text.h"
#include "dataplane/api/counters.h"
#include "dataplane/api/sa.h"
#include "dataplane/api/session.h"

#define MTU_MIN 576
#define MTU_MAX 9000

struct config config;

/* One reading.  It goes on behind an error, so that all are told. */
struct reader {
	struct config *c;
	const char *file;
	unsigned int errors;
	void (*each)(void *user, const char *error);
	void *user;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct reader *r, const config_setting_t *at, const char *fmt, ...)
{
	char reason[256], error[512];
	va_list ap;
	r->errors++;
	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(error, sizeof(error), "%s:%d: %s", r->file,
		at ? (int)config_setting_source_line(at) : 0, reason);
	r->each(r->user, error);
}

static void
on_unknown(void *user, const config_setting_t *s, const char *text)
{
	fail(user, s, "%s", text);
}

/* Refuse settings that nobody reads. */
static void
known_only(struct reader *r, const config_setting_t *group, const char *const *names)
{
	conf_only_known(group, names, on_unknown, r);
}

static const config_setting_t *
sub(struct reader *r, const config_setting_t *root, const char *name, const char *const *names)
{
	const config_setting_t *g = config_setting_get_member(root, name);
	if (!g)
		return NULL;
	if (!config_setting_is_group(g)) {
		fail(r, g, "\"%s\" must be a group { }", name);
		return NULL;
	}
	known_only(r, g, names);
	return g;
}

/* The readers of one value leave the default when the setting is absent. */
static void
get_uint(struct reader *r, const config_setting_t *g, const char *name, uint32_t min, uint32_t max,
	uint32_t *out)
{
	const config_setting_t *s = g ? config_setting_get_member(g, name) : NULL;
	if (!s)
		return;
	int type = config_setting_type(s);
	long long v = config_setting_get_int64(s);
	if (type == CONFIG_TYPE_INT)
		v = config_setting_get_int(s);
	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		fail(r, s, "\"%s\" must be a number", name);
	else if (v < (long long)min || v > (long long)max)
		fail(r, s, "\"%s\" must be between %u and %u", name, min, max);
	else
		*out = (uint32_t)v;
}

static void
get_bool(struct reader *r, const config_setting_t *g, const char *name, bool *out)
{
	const config_setting_t *s = g ? config_setting_get_member(g, name) : NULL;
	if (!s)
		return;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		fail(r, s, "\"%s\" must be true or false", name);
	else
		*out = config_setting_get_bool(s);
}

static void
copy_string(struct reader *r, const config_setting_t *s, const char *name, char *out, size_t len)
{
	if (config_setting_type(s) != CONFIG_TYPE_STRING)
		fail(r, s, "\"%s\" must be a string", name);
	else if (strlen(config_setting_get_string(s)) >= len)
		fail(r, s, "\"%s\" is longer than %zu characters", name, len - 1);
	else
		snprintf(out, len, "%s", config_setting_get_string(s));
}

static const config_setting_t *
get_string(struct reader *r, const config_setting_t *g, const char *name, char *out, size_t len)
{
	const config_setting_t *s = g ? config_setting_get_member(g, name) : NULL;
	if (s)
		copy_string(r, s, name, out, len);
	return s;
}

static void
get_hugepages(struct reader *r, const config_setting_t *g)
{
	const config_setting_t *s = g ? config_setting_get_member(g, "hugepages") : NULL;
	const char *word = s ? config_setting_get_string(s) : NULL;

	if (!s)
		return;
	if (config_setting_type(s) == CONFIG_TYPE_BOOL)
		r->c->hugepages = config_setting_get_bool(s) ? HUGEPAGES_YES : HUGEPAGES_NO;
	else if (!word || strcmp(word, "auto") != 0)
		fail(r, s, "\"hugepages\" must be true, false or \"auto\"");
	else
		r->c->hugepages = HUGEPAGES_AUTO;
}

static void
read_eal(struct reader *r, const config_setting_t *root)
{
	static const char *const names[] = {"lcores", "hugepages", "memory_mb", "args", NULL};
	const config_setting_t *g = sub(r, root, "eal", names);
	const config_setting_t *args;

	get_string(r, g, "lcores", r->c->lcores, sizeof(r->c->lcores));
	get_hugepages(r, g);
	get_uint(r, g, "memory_mb", 64, 1 << 20, &r->c->memory_mb);
	args = g ? config_setting_get_member(g, "args") : NULL;
	if (!args)
		return;
	if (config_setting_type(args) == CONFIG_TYPE_GROUP || !config_setting_is_aggregate(args)) {
		fail(r, args, "\"args\" must be an array of strings");
		return;
	}
	for (int i = 0; i < config_setting_length(args); i++) {
		if (r->c->n_eal_args == CONFIG_MAX_EAL_ARGS) {
			fail(r, args, "more than %d \"args\"", CONFIG_MAX_EAL_ARGS);
			return;
		}
		copy_string(r, config_setting_get_elem(args, (unsigned int)i), "args",
			r->c->eal_args[r->c->n_eal_args++], CONFIG_STRING);
	}
}

static void
read_control(struct reader *r, const config_setting_t *root)
{
	static const char *const names[] = {"socket", "user", NULL};
	const config_setting_t *g = sub(r, root, "control", names);
	char user[64] = "";
	const config_setting_t *s;
	unsigned int before;

	s = get_string(r, g, "socket", r->c->socket, sizeof(r->c->socket));
	if (s && r->c->socket[0] != '/')
		fail(r, s, "\"socket\" must be an absolute path");
	before = r->errors;
	s = get_string(r, g, "user", user, sizeof(user));
	if (r->errors != before)
		return;
	/* Who has not said so may have no use for it: config_check() does not let that pass. */
	const struct passwd *pw = getpwnam(s ? user : CONTROL_USER);
	if (pw)
		r->c->control_uid = pw->pw_uid;
	else if (s)
		fail(r, s, "no such user \"%s\"", user);
	r->c->no_control_user = !pw && !s;
}

static bool
parse_ip(const char *text, uint32_t *ip)
{
	struct in_addr a;
	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*ip = ntohl(a.s_addr);
	return true;
}

static bool
parse_address(const char *text, struct config_address *a)
{
	char ip[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	char *end;
	if (!slash || (size_t)(slash - text) >= sizeof(ip))
		return false;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	unsigned long prefix = strtoul(slash + 1, &end, 10);
	if (*end || end == slash + 1 || prefix < 1 || prefix > 32 || !parse_ip(ip, &a->ip))
		return false;
	a->prefix = (uint8_t)prefix;
	uint8_t first = (uint8_t)(a->ip >> 24);
	return first != 0 && first != 127 && first < 224;
}

static void
read_addresses(struct reader *r, const config_setting_t *g, struct config_port *p)
{
	const config_setting_t *list = config_setting_get_member(g, "addresses");
	char text[32];
	if (!list)
		return;
	if (config_setting_is_group(list) || !config_setting_is_aggregate(list)) {
		fail(r, list, "\"addresses\" must be an array of strings");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		unsigned int before = r->errors;
		if (p->n_addresses == CONFIG_MAX_ADDRESSES) {
			fail(r, list, "more than %d \"addresses\"", CONFIG_MAX_ADDRESSES);
			return;
		}
		copy_string(r, config_setting_get_elem(list, (unsigned int)i), "addresses", text,
			sizeof(text));
		if (r->errors == before && !parse_address(text, &p->addresses[p->n_addresses++]))
			fail(r, list, "\"%s\" is not an IPv4 address with its prefix length", text);
	}
}

static bool
is_interface_name(const char *name)
{
	return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_-") == strlen(name);
}

/* "0000:01:00.0", with or without the domain. */
static bool
is_pci_address(const char *s)
{
	unsigned int dom, bus, dev, fn;
	int n = 0;
	if (sscanf(s, "%4x:%2x:%2x.%1x%n", &dom, &bus, &dev, &fn, &n) == 4 && s[n] == '\0')
		return true;
	n = 0;
	return sscanf(s, "%2x:%2x.%1x%n", &bus, &dev, &fn, &n) == 3 && s[n] == '\0';
}

static void
check_unique(struct reader *r, const config_setting_t *g, const struct config_port *p)
{
	for (unsigned int i = 0; i < r->c->n_ports; i++) {
		const struct config_port *q = &r->c->ports[i];
		if (strcmp(p->name, q->name) == 0)
			fail(r, g, "two ports named \"%s\"", p->name);
		if (strcmp(p->device, q->device) == 0)
			fail(r, g, "device \"%s\" is port \"%s\" already", p->device, q->name);
	}
}

static void
read_port(struct reader *r, const config_setting_t *g)
{
	static const char *const names[] = {"name", "role", "device", "queues", "addresses",
		"gateway", "proxy_arp", "mtu", "force", NULL};
	struct config_port p = {.role = PORT_WAN};
	uint32_t queues = 1, mtu = 1500;
	char role[8] = "", gateway[32] = "";
	const config_setting_t *s;
	unsigned int before = r->errors;

	if (!config_setting_is_group(g)) {
		fail(r, g, "a port must be a group { }");
		return;
	}
	known_only(r, g, names);
	get_string(r, g, "name", p.name, sizeof(p.name));
	get_string(r, g, "role", role, sizeof(role));
	get_string(r, g, "device", p.device, sizeof(p.device));
	get_uint(r, g, "queues", 1, SEGMENT_MAX_WORKERS, &queues);
	get_uint(r, g, "mtu", MTU_MIN, MTU_MAX, &mtu);
	get_bool(r, g, "proxy_arp", &p.proxy_arp);
	get_bool(r, g, "force", &p.force);
	read_addresses(r, g, &p);
	s = get_string(r, g, "gateway", gateway, sizeof(gateway));
	if (r->errors != before)
		return;
	if (!is_interface_name(p.name))
		fail(r, g, "a port needs a \"name\" of letters, digits, - and _");
	else if (strcmp(role, "wan") != 0 && strcmp(role, "lan") != 0)
		fail(r, g, "\"role\" must be \"wan\" or \"lan\"");
	else if (!p.device[0])
		fail(r, g, "port \"%s\" needs a \"device\"", p.name);
	else if (gateway[0] && !parse_ip(gateway, &p.gateway))
		fail(r, s, "\"%s\" is not an IPv4 address", gateway);
	check_unique(r, g, &p);
	p.role = role[0] == 'l' ? PORT_LAN : PORT_WAN;
	p.pci = is_pci_address(p.device);
	p.queues = (uint16_t)queues;
	p.mtu = (uint16_t)mtu;
	if (r->errors == before)
		r->c->ports[r->c->n_ports++] = p;
}

static void
read_ports(struct reader *r, const config_setting_t *root)
{
	const config_setting_t *list = config_setting_get_member(root, "ports");
	if (!list || !config_setting_is_list(list) || config_setting_length(list) == 0) {
		fail(r, list ? list : root, "\"ports\" must be a list ( ) of at least one port");
		return;
	}
	if (config_setting_length(list) > SEGMENT_MAX_PORTS) {
		fail(r, list, "more than %d ports", SEGMENT_MAX_PORTS);
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++)
		read_port(r, config_setting_get_elem(list, (unsigned int)i));
}

static void
read_inner(struct reader *r, const config_setting_t *root)
{
	static const char *const names[] = {"name", NULL};
	const config_setting_t *g = sub(r, root, "inner", names);
	const config_setting_t *s =
		get_string(r, g, "name", r->c->inner_name, sizeof(r->c->inner_name));
	if (!is_interface_name(r->c->inner_name))
		fail(r, s, "\"name\" must be of letters, digits, - and _");
	for (unsigned int i = 0; i < r->c->n_ports; i++)
		if (strcmp(r->c->ports[i].name, r->c->inner_name) == 0)
			fail(r, s, "\"%s\" is the name of a port", r->c->inner_name);
}

/* "22/tcp", as in /etc/services.  False: it is none. */
static bool
parse_service(const char *text, struct inside_service *out)
{
	char *end;
	unsigned long port = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
	if (port == 0 || port > 65535)
		return false;
	bool tcp = strcmp(end, "/tcp") == 0;
	*out = (struct inside_service){tcp ? IPPROTO_TCP : IPPROTO_UDP, (uint16_t)port};
	return tcp || strcmp(end, "/udp") == 0;
}

static void
read_inside(struct reader *r, const config_setting_t *root)
{
	static const char *const names[] = {"ping", "services", NULL};
	const config_setting_t *g = sub(r, root, "inside", names);
	const config_setting_t *list = g ? config_setting_get_member(g, "services") : NULL;

	get_bool(r, g, "ping", &r->c->inside_ping);
	if (!list)
		return;
	if (config_setting_type(list) == CONFIG_TYPE_GROUP || !config_setting_is_aggregate(list)) {
		fail(r, list, "\"services\" must be an array of strings");
		return;
	}
	if (config_setting_length(list) > INSIDE_SERVICES) {
		fail(r, list, "more than %d \"services\"", INSIDE_SERVICES);
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *s = config_setting_get_elem(list, (unsigned int)i);
		const char *text = config_setting_get_string(s);
		if (!text || !parse_service(text, &r->c->inside[r->c->n_inside++]))
			fail(r, s, "\"%s\" is not a service such as \"22/tcp\"", text ? text : "");
	}
}

static void
read_workers(struct reader *r, const config_setting_t *root)
{
	static const char *const names[] = {"poll_mode", "idle_sleep_us", NULL};
	const config_setting_t *g = sub(r, root, "workers", names);
	char mode[16] = "adaptive";
	const config_setting_t *s = get_string(r, g, "poll_mode", mode, sizeof(mode));
	r->c->busy_poll = strcmp(mode, "busy") == 0;
	if (!r->c->busy_poll && strcmp(mode, "adaptive") != 0)
		fail(r, s, "\"poll_mode\" must be \"busy\" or \"adaptive\"");
	get_uint(r, g, "idle_sleep_us", 1, 100000, &r->c->idle_sleep_us);
}

static void
read_limits(struct reader *r, const config_setting_t *root)
{
	static const char *const mempool[] = {"mbufs", NULL}, *const max[] = {"max", NULL},
				 *const edge[] = {"ping", NULL},
				 *const gre[] = {"max_rekeys", NULL},
				 *const ipsec[] = {"max_sas", NULL},
				 *const fwd[] = {"outer_fragmentation", NULL};
	get_uint(r, sub(r, root, "mempool", mempool), "mbufs", 2048, 1 << 23, &r->c->mbufs);
	get_uint(r, sub(r, root, "sessions", max), "max", 1, SEGMENT_MAX_SESSIONS,
		&r->c->max_sessions);
	get_uint(r, sub(r, root, "ipsec", ipsec), "max_sas", 0, SEGMENT_MAX_SAS, &r->c->max_sas);
	get_bool(r, sub(r, root, "edge", edge), "ping", &r->c->edge_ping);
	get_uint(r, sub(r, root, "gre", gre), "max_rekeys", 1, 4095, &r->c->max_rekeys);
	get_bool(r, sub(r, root, "forwarding", fwd), "outer_fragmentation",
		&r->c->outer_fragmentation);
}

static void
defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->lcores, sizeof(c->lcores), "0@0,1@0");
	c->memory_mb = 512;
	c->idle_sleep_us = 250;
	c->mbufs = 32768;
	c->max_sessions = 4096;
	c->max_sas = 4096;
	snprintf(c->socket, sizeof(c->socket), "/run/adit/dataplane.sock");
	c->edge_ping = c->inside_ping = true;
	snprintf(c->inner_name, sizeof(c->inner_name), "adit0");
	c->max_rekeys = 256;
}

static void
cut_number(void *user, const char *file, unsigned int line, const char *number)
{
	struct reader *r = user;
	char error[512];
	r->errors++;
	snprintf(error, sizeof(error), "%s:%u: %s: no setting takes a number as large as that",
		file, line, number);
	r->each(r->user, error);
}

int
config_read_all(
	struct config *c, const char *file, void (*each)(void *user, const char *error), void *user)
{
	static const char *const names[] = {"eal", "workers", "mempool", "sessions", "control",
		"edge", "inside", "ports", "inner", "gre", "ipsec", "forwarding", NULL};
	struct reader r = {.c = c, .file = file, .each = each, .user = user};
	config_t lc;

	defaults(c);
	config_init(&lc);
	if (!config_read_file(&lc, file)) {
		char error[512];
		snprintf(error, sizeof(error), "%s:%d: %s", file, config_error_line(&lc),
			config_error_type(&lc) == CONFIG_ERR_FILE_IO ? "cannot be read"
								     : config_error_text(&lc));
		each(user, error);
		config_destroy(&lc);
		c->unreadable = true;
		return -EINVAL;
	}
	const config_setting_t *root = config_root_setting(&lc);
	conf_cut_numbers(file, cut_number, &r);
	known_only(&r, root, names);
	read_eal(&r, root);
	read_workers(&r, root);
	read_limits(&r, root);
	read_inside(&r, root);
	read_control(&r, root);
	read_ports(&r, root);
	read_inner(&r, root);
	config_destroy(&lc);
	return r.errors ? -EINVAL : 0;
}

struct first {
	char *err;
	size_t len;
	bool told;
};

static void
keep_first(void *user, const char *error)
{
	struct first *f = user;
	if (!f->told)
		snprintf(f->err, f->len, "%s", error);
	f->told = true;
}

int
config_load(struct config *c, const char *file, char *err, size_t err_len)
{
	struct first f = {.err = err, .len = err_len};
	return config_read_all(c, file, keep_first, &f);
}
