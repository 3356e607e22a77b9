/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/config.h"
#include "dataplane/frames.h"
#include "dataplane/port_xdp.h"

struct check {
	const char *file;
	unsigned int n;
	void (*each)(void *user, const char *error);
	void *user;
};

#define SAY(k, ...)                                                           \
	do {                                                                  \
		char reason_[500], text_[800];                                \
		snprintf(reason_, sizeof(reason_), __VA_ARGS__);              \
		snprintf(text_, sizeof(text_), "%s: %s", (k)->file, reason_); \
		(k)->n++;                                                     \
		(k)->each((k)->user, text_);                                  \
	} while (0)

static bool
cpu_exists(unsigned long cpu)
{
	char path[64];
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%lu", cpu);
	return access(path, F_OK) == 0;
}

/* "3", "0-3" or "(0,2-3)" at *s, which is moved behind it.  The count, 0 when it is none of that;
 * cpus: each of them has to exist. */
static unsigned int
take_set(struct check *k, const char **s, bool cpus)
{
	bool open = **s == '(';
	unsigned int n = 0;
	*s += open;
	do {
		char *end;
		if (!isdigit((unsigned char)**s))
			return 0;
		unsigned long first = strtoul(*s, &end, 10), last = first;
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last < first || last - first > 1024)
			return 0;
		for (unsigned long i = first; i <= last; i++, n++)
			if (cpus && !cpu_exists(i))
				SAY(k, "eal.lcores: this machine has no CPU %lu", i);
		*s = end;
	} while (open && **s == ',' && (*s)++);
	if (open && *(*s)++ != ')')
		return 0;
	return n;
}

/* DPDK's --lcores: sets of lcores, each with "@" and the CPUs that they run on. */
static void
check_lcores(struct check *k, const char *s)
{
	unsigned int lcores = 0, n = 1;
	while (n != 0 && *s) {
		const char *begin = s;
		n = take_set(k, &s, false);
		if (n != 0 && *s == '@') {
			s++;
			if (take_set(k, &s, true) == 0)
				n = 0;
		} else if (n != 0) {
			take_set(k, &begin, true);
		}
		lcores += n;
		if (*s && *s++ != ',')
			n = 0;
	}
	if (n == 0)
		SAY(k, "eal.lcores: not what DPDK's --lcores takes, such as \"0@0,1@1\"");
	else if (lcores < 2)
		SAY(k, "eal.lcores: names only a main lcore; packets need at least one worker, as "
		       "in "
		       "\"0@0,1@1\"");
	else if (lcores - 1 > SEGMENT_MAX_WORKERS)
		SAY(k, "eal.lcores: more than %d workers", SEGMENT_MAX_WORKERS);
}

static bool
same_address(const struct config *c, unsigned int port, unsigned int i, const char **other)
{
	for (unsigned int p = 0; p <= port; p++)
		for (unsigned int k = 0; k < (p == port ? i : c->ports[p].n_addresses); k++)
			if (c->ports[p].addresses[k].ip == c->ports[port].addresses[i].ip) {
				*other = c->ports[p].name;
				return true;
			}
	return false;
}

struct of_port {
	struct check *k;
	const struct config_port *port;
};

static void
say_of_port(void *user, const char *text)
{
	const struct of_port *p = user;
	char iface[16] = "?";
	frames_iface(p->port->device, iface, sizeof(iface));
	SAY(p->k, "port \"%s\": interface %s: %s", p->port->name, iface, text);
}

static void
check_port(struct check *k, const struct config *c, unsigned int port)
{
	const struct config_port *p = &c->ports[port];
	bool near = p->gateway == 0;
	const char *other;
	for (unsigned int i = 0; i < p->n_addresses; i++) {
		uint32_t ip = p->addresses[i].ip,
			 mask = UINT32_MAX << (32 - p->addresses[i].prefix);
		if (same_address(c, port, i, &other))
			SAY(k, "port \"%s\": %u.%u.%u.%u is an address of port \"%s\" already",
				p->name, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, other);
		near |= (p->gateway & mask) == (ip & mask) && p->gateway != ip;
	}
	if (!near)
		SAY(k, "port \"%s\": its gateway is in none of its networks", p->name);
	char err[256];
	if (!frames_check(p, err, sizeof(err)))
		SAY(k, "%s", err);
	if (xdp_is(p->device))
		xdp_check(c, p, say_of_port, &(struct of_port){k, p});
}

unsigned int
config_check(const struct config *c, const char *file, void (*each)(void *user, const char *error),
	void *user)
{
	struct check k = {.file = file, .each = each, .user = user};
	if (c->no_control_user)
		SAY(&k, "control.user: there is no user \"" CONTROL_USER
			"\": systemd-sysusers makes "
			"it, or useradd --system; or name another one, here and in "
			"adit-control.conf");
	check_lcores(&k, c->lcores);
	for (unsigned int i = 0; i < c->n_ports; i++)
		check_port(&k, c, i);
	return k.n;
}
