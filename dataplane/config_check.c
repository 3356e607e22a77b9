/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/api/counters.h"
#include "dataplane/config.h"
#include "dataplane/frames.h"
#include "dataplane/lcores.h"
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

static void
check_cpu(void *user, unsigned long cpu)
{
	struct check *k = user;
	char path[64];
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%lu", cpu);
	if (access(path, F_OK) != 0)
		SAY(k, "eal.lcores: this machine has no CPU %lu", cpu);
}

static void
check_lcores(struct check *k, const char *text)
{
	unsigned int lcores = lcores_read(text, check_cpu, k);
	if (lcores == 0)
		SAY(k, "eal.lcores: not what DPDK's --lcores takes, such as \"0@0,1@1\"");
	else if (lcores < 2)
		SAY(k, "eal.lcores: names only a main lcore; packets need at least one worker, as "
		       "in \"0@0,1@1\"");
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
	char iface[IF_NAMESIZE];
	if (frames_iface(p->device, iface, sizeof(iface)) && if_nametoindex(iface) == 0)
		SAY(k, "port \"%s\": there is no interface %s (ip link lists them)", p->name,
			iface);
	else if (xdp_is(p->device))
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
