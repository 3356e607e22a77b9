/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/iface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* `ethtool -k` calls the first ones gro, gro-hw and lro. */
static const char *const joining[IFACE_FEATURES] = {
	"rx-gro", "rx-gro-hw", "rx-lro", "rx-gro-list", "rx-udp-gro-forwarding"};

void
iface_tell(iface_say say, void *user, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(user, text);
}

static int
ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	if (ioctl(fd, what, ifr) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int
ethtool(const char *name, void *request)
{
	struct ifreq ifr = {.ifr_data = request};
	return ask(name, SIOCETHTOOL, &ifr);
}

int (*iface_ethtool)(const char *name, void *request) = ethtool;

/* ------------------------------------------------------------------ features */

#define BLOCKS(n)    (((n) + 31) / 32)
#define FEATURES_MAX 512

/* How many features this kernel knows; their names follow in *strings, to be freed.  0: none, or no
 * memory. */
static unsigned int
feature_names(const char *name, struct ethtool_gstrings **strings)
{
	union {
		struct ethtool_sset_info head;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} sets = {.room = {0}};

	sets.head.cmd = ETHTOOL_GSSET_INFO;
	sets.head.sset_mask = 1ull << ETH_SS_FEATURES;
	if (iface_ethtool(name, &sets) != 0 || sets.head.sset_mask == 0)
		return 0;
	uint32_t count = sets.head.data[0];
	if (count == 0 || count > FEATURES_MAX)
		return 0;
	struct ethtool_gstrings *s = calloc(1, sizeof(*s) + count * ETH_GSTRING_LEN);
	if (!s)
		return 0;
	*s = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = count};
	if (iface_ethtool(name, s) != 0) {
		free(s);
		return 0;
	}
	*strings = s;
	return count;
}

/* The bits of joining[]; -1: not known here. */
static bool
find_features(const char *name, int *bits, unsigned int *n)
{
	struct ethtool_gstrings *s = NULL;

	*n = feature_names(name, &s);
	for (unsigned int k = 0; k < IFACE_FEATURES; k++)
		bits[k] = -1;
	if (*n == 0)
		return false;
	for (unsigned int i = 0; i < *n; i++)
		for (unsigned int k = 0; k < IFACE_FEATURES; k++)
			if (strncmp((const char *)s->data + i * ETH_GSTRING_LEN, joining[k],
				    ETH_GSTRING_LEN) == 0)
				bits[k] = (int)i;
	free(s);
	return true;
}

/* on[]: which of them are active. */
static bool
read_features(const char *name, const int *bits, unsigned int n, bool *on)
{
	union {
		struct ethtool_gfeatures head;
		uint8_t room[sizeof(struct ethtool_gfeatures) +
			     BLOCKS(FEATURES_MAX) * sizeof(struct ethtool_get_features_block)];
	} get = {.room = {0}};

	get.head.cmd = ETHTOOL_GFEATURES;
	get.head.size = BLOCKS(n);
	if (iface_ethtool(name, &get) != 0)
		return false;
	for (unsigned int k = 0; k < IFACE_FEATURES; k++)
		on[k] = bits[k] >= 0 && get.head.features[bits[k] / 32].active >> bits[k] % 32 & 1;
	return true;
}

static int
write_features(const char *name, const int *bits, unsigned int n, const bool *which, bool on)
{
	union {
		struct ethtool_sfeatures head;
		uint8_t room[sizeof(struct ethtool_sfeatures) +
			     BLOCKS(FEATURES_MAX) * sizeof(struct ethtool_set_features_block)];
	} set = {.room = {0}};

	set.head.cmd = ETHTOOL_SFEATURES;
	set.head.size = BLOCKS(n);
	for (unsigned int k = 0; k < IFACE_FEATURES; k++) {
		if (!which[k] || bits[k] < 0)
			continue;
		uint32_t bit = UINT32_C(1) << bits[k] % 32;
		set.head.features[bits[k] / 32].valid |= bit;
		set.head.features[bits[k] / 32].requested |= on ? bit : 0;
	}
	return iface_ethtool(name, &set);
}

static void
list(char *text, size_t len, const bool *which)
{
	size_t at = 0;
	text[0] = '\0';
	for (unsigned int k = 0; k < IFACE_FEATURES && at < len; k++)
		if (which[k])
			at += (size_t)snprintf(
				text + at, len - at, "%s%s", at ? ", " : "", joining[k]);
}

void
iface_features_off(struct iface *f, iface_say say, void *user)
{
	bool before[IFACE_FEATURES], after[IFACE_FEATURES], any = false, left = false;
	int bits[IFACE_FEATURES];
	unsigned int n;
	char text[128];

	memset(f->off, 0, sizeof(f->off));
	if (!find_features(f->name, bits, &n) || !read_features(f->name, bits, n, before))
		return;
	for (unsigned int k = 0; k < IFACE_FEATURES; k++)
		any |= before[k];
	if (!any)
		return;
	write_features(f->name, bits, n, before, false);
	if (!read_features(f->name, bits, n, after))
		return;
	any = false;
	for (unsigned int k = 0; k < IFACE_FEATURES; k++) {
		any |= f->off[k] = before[k] && !after[k];
		left |= after[k];
	}
	if (any) {
		list(text, sizeof(text), f->off);
		iface_tell(say, user, "switched off what joins frames (%s) while the port is open",
			text);
	}
	if (left) {
		list(text, sizeof(text), after);
		iface_tell(say, user,
			"it joins frames (%s), and that cannot be switched off: UDP to clients "
			"may be lost (drop eth_oversized); see ethtool -k %s",
			text, f->name);
	}
}

static void
features_back(const struct iface *f)
{
	int bits[IFACE_FEATURES];
	unsigned int n;
	bool any = false;
	for (unsigned int k = 0; k < IFACE_FEATURES; k++)
		any |= f->off[k];
	if (any && find_features(f->name, bits, &n))
		write_features(f->name, bits, n, f->off, true);
}

/* ------------------------------------------------------------------ what is left on it */

void
iface_check_addresses(const struct iface *f, const struct ifaddrs *all, iface_say say, void *user)
{
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		char ip[INET_ADDRSTRLEN];
		if (strcmp(a->ifa_name, f->name) != 0 || !a->ifa_addr || !a->ifa_netmask ||
			a->ifa_addr->sa_family != AF_INET)
			continue;
		const struct sockaddr_in *sin = (const void *)a->ifa_addr,
					 *mask = (const void *)a->ifa_netmask;
		int prefix = __builtin_popcount(mask->sin_addr.s_addr);
		inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof(ip));
		iface_tell(say, user,
			"it has the address %s/%d, at which the kernel answers past the gateway: "
			"ip address del %s/%d dev %s (and end what sets it, such as a DHCP "
			"client); the gateway's own addresses are ports[].addresses",
			ip, prefix, ip, prefix, f->name);
	}
}

void
iface_check_routes(const struct iface *f, FILE *routes, iface_say say, void *user)
{
	char line[256], name[IF_NAMESIZE];
	unsigned long to, mask;
	while (fgets(line, sizeof(line), routes))
		if (sscanf(line, "%15s %lx %*s %*s %*s %*s %*s %lx", name, &to, &mask) == 3 &&
			to == 0 && mask == 0 && strcmp(name, f->name) == 0)
			iface_tell(say, user,
				"the host's default route leads through it, where nothing is sent "
				"any more: ip route del default dev %s; the way through this port "
				"is ports[].gateway",
				f->name);
}

/* ------------------------------------------------------------------ a port's */

static void
say_on_stderr(void *user, const char *text)
{
	const char *const *names = user; /* port, interface */
	fprintf(stderr, "adit-dataplane: port %s: interface %s: %s\n", names[0], names[1], text);
}

static int
bring_up(const char *name)
{
	struct ifreq ifr = {0};
	int rc = ask(name, SIOCGIFFLAGS, &ifr);
	if (rc)
		return rc;
	ifr.ifr_flags |= IFF_UP;
	return ask(name, SIOCSIFFLAGS, &ifr);
}

static int
get_mtu(const char *name)
{
	struct ifreq ifr = {0};
	return ask(name, SIOCGIFMTU, &ifr) == 0 ? ifr.ifr_mtu : 0;
}

/*
 * The kernel's own stack sees each frame of such an interface too.  The addresses live on the TAP
 * twin, so strict reverse path filtering makes it discard them here: else it would answer twice,
 * and GRE with "protocol unreachable".
 */
static void
shield(struct iface *f)
{
	sysctl_set(&f->saved[0], "ipv4/conf", f->name, "rp_filter", "1");
	sysctl_set(&f->saved[1], "ipv4/conf", f->name, "arp_ignore", "8");
	sysctl_set(&f->saved[2], "ipv4/conf", f->name, "forwarding", "0");
	sysctl_set(&f->saved[3], "ipv6/conf", f->name, "disable_ipv6", "1");
}

int
iface_take(struct iface *f, const char *port)
{
	const char *names[] = {port, f->name};
	struct ifaddrs *all;

	int rc = bring_up(f->name);
	if (rc) {
		say_on_stderr(names, strerror(-rc));
		return rc;
	}
	shield(f);
	f->mtu = get_mtu(f->name);
	iface_features_off(f, say_on_stderr, names);
	if (getifaddrs(&all) == 0) {
		iface_check_addresses(f, all, say_on_stderr, names);
		freeifaddrs(all);
	}
	FILE *routes = fopen("/proc/net/route", "re");
	if (routes) {
		iface_check_routes(f, routes, say_on_stderr, names);
		fclose(routes);
	}
	if (!iface_runs(f))
		say_on_stderr(names, "no carrier: is the cable plugged in, the other end up?");
	return 0;
}

void
iface_check_mtu(const struct iface *f, const char *port, unsigned int mtu)
{
	const char *names[] = {port, f->name};
	int now = f->name[0] ? get_mtu(f->name) : 0;

	if (now == 0 || ((unsigned int)now == mtu && now == f->mtu))
		return;
	if ((unsigned int)now == mtu)
		iface_tell(say_on_stderr, names,
			"its MTU is %d while the port is open, as ports[].mtu says; it was %d", now,
			f->mtu);
	else
		iface_tell(say_on_stderr, names,
			"its MTU is %d and cannot be the port's %u: longer packets are lost; set "
			"ports[].mtu = %d",
			now, mtu, now);
}

void
iface_give_back(struct iface *f)
{
	struct ifreq ifr = {.ifr_mtu = f->mtu};

	for (unsigned int k = 0; k < sizeof(f->saved) / sizeof(f->saved[0]); k++)
		sysctl_restore(&f->saved[k]);
	if (!f->name[0])
		return;
	features_back(f);
	memset(f->off, 0, sizeof(f->off));
	if (f->mtu != 0 && f->mtu != get_mtu(f->name))
		ask(f->name, SIOCSIFMTU, &ifr);
}

/* Drivers of such interfaces say "up" as long as they are started. */
bool
iface_runs(const struct iface *f)
{
	struct ifreq ifr = {0};
	if (!f->name[0])
		return true;
	int rc = ask(f->name, SIOCGIFFLAGS, &ifr);
	return rc == -ENODEV ? false
	       : rc          ? true
			     : (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING);
}
