/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/iface_use.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX   16
#define ESTABLISHED 1
#define RTF_REJECTS 0x200

/* The interface and what sits on top of it. */
struct names {
	char name[NAMES_MAX][IF_NAMESIZE];
	unsigned int n;
};

static bool
among(const struct names *names, const char *name)
{
	for (unsigned int i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static void
find_uppers(const struct host_view *v, struct names *names)
{
	for (unsigned int i = 0; i < names->n; i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/sys/class/net/%s", v->root, names->name[i]);
		DIR *dir = opendir(path);
		const struct dirent *e;
		while (dir && (e = readdir(dir)) && names->n < NAMES_MAX)
			if (strncmp(e->d_name, "upper_", 6) == 0 &&
				strlen(e->d_name + 6) < IF_NAMESIZE && !among(names, e->d_name + 6))
				strcpy(names->name[names->n++], e->d_name + 6);
		if (dir)
			closedir(dir);
	}
}

static FILE *
open_proc(const struct host_view *v, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/proc/net/%s", v->root, name);
	return fopen(path, "re");
}

/* The interface of a default route among these.  False: none. */
static bool
default_route(const struct host_view *v, const struct names *names, char *dev)
{
	char line[256];
	unsigned long to, mask;
	bool found = false;
	FILE *f = open_proc(v, "route");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%15s %lx %*s %*s %*s %*s %*s %lx", dev, &to, &mask) == 3 &&
			to == 0 && mask == 0 && among(names, dev);
	if (f)
		fclose(f);
	return found;
}

static bool
default_route6(const struct host_view *v, const struct names *names, char *dev)
{
	char line[256], to[33];
	unsigned int prefix, flags;
	bool found = false;
	FILE *f = open_proc(v, "ipv6_route");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x %15s", to, &prefix, &flags,
				dev) == 4 &&
			prefix == 0 && !(flags & RTF_REJECTS) && among(names, dev);
	if (f)
		fclose(f);
	return found;
}

/* IPv4 addresses in IPv6's form. */
static struct in6_addr
as_in6(const struct sockaddr *sa)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;
	if (sa->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	memcpy(a.s6_addr + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	return a;
}

static bool
has_address(const struct host_view *v, const struct names *names, const struct in6_addr *wanted)
{
	for (const struct ifaddrs *a = v->addresses; a; a = a->ifa_next) {
		if (!a->ifa_addr || !among(names, a->ifa_name) ||
			(a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
			continue;
		struct in6_addr has = as_in6(a->ifa_addr);
		if (memcmp(&has, wanted, sizeof(has)) == 0)
			return true;
	}
	return false;
}

/* "0100007F" or four such words, each as it lies in memory. */
static bool
parse_hex(const char *text, struct in6_addr *a)
{
	uint32_t words[4] = {0, 0, htonl(0xffff), 0};
	unsigned int first = strlen(text) == 8 ? 3 : 0;
	if (first == 0 && strlen(text) != 32)
		return false;
	for (unsigned int i = first; i < 4; i++, text += 8)
		if (sscanf(text, "%8x", &words[i]) != 1)
			return false;
	memcpy(a, words, sizeof(*a));
	return true;
}

static void
print_address(const struct in6_addr *a, char *text, size_t len)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, a->s6_addr + 12, text, (socklen_t)len);
	else
		inet_ntop(AF_INET6, a, text, (socklen_t)len);
}

static bool
connection(const struct host_view *v, const char *file, const struct names *names, char *why,
	size_t why_len)
{
	char line[256], local[33], remote[33], peer[INET6_ADDRSTRLEN];
	unsigned int port, state;
	struct in6_addr ours, theirs;
	bool found = false;
	FILE *f = open_proc(v, file);
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, " %*[^:]: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%*x %x", local,
				&port, remote, &state) == 4 &&
			state == ESTABLISHED && parse_hex(local, &ours) &&
			parse_hex(remote, &theirs) && has_address(v, names, &ours);
	if (f)
		fclose(f);
	if (!found)
		return false;
	print_address(&theirs, peer, sizeof(peer));
	snprintf(why, why_len, "the host has a TCP connection through it, its port %u with %s",
		port, peer);
	return true;
}

bool
iface_in_use(const struct host_view *v, const char *iface, char *why, size_t why_len)
{
	struct names names = {.n = 1};
	char dev[IF_NAMESIZE];
	snprintf(names.name[0], IF_NAMESIZE, "%s", iface);
	find_uppers(v, &names);
	bool four = default_route(v, &names, dev);
	if (four || default_route6(v, &names, dev)) {
		snprintf(why, why_len, "the host's default route%s leads through it%s%s",
			four ? "" : " of IPv6", strcmp(dev, iface) == 0 ? "" : ", by way of ",
			strcmp(dev, iface) == 0 ? "" : dev);
		return true;
	}
	return connection(v, "tcp", &names, why, why_len) ||
	       connection(v, "tcp6", &names, why, why_len);
}
