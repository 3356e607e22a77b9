/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports by net_af_xdp: what is refused before anything is changed, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>

#include "dataplane/buffers.h"
#include "dataplane/iface_use.h"
#include "dataplane/port_xdp.h"
#include "tests/unit/temp.h"

/* ------------------------------------------------------------------ who uses the interface */

static char root[96];

static void
put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(path, 0700);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
make_root(void **state)
{
	(void)state;
	temp_name(root, sizeof(root), "xdp");
	return mkdtemp(root) ? 0 : -1;
}

static int
drop_root(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static struct sockaddr_in6 six = {.sin6_family = AF_INET6};
static struct sockaddr_in four = {.sin_family = AF_INET}, lan = {.sin_family = AF_INET};
static struct ifaddrs addresses[] = {
	{.ifa_next = &addresses[1], .ifa_name = (char[]){"eth0"}},
	{.ifa_next = &addresses[2], .ifa_name = (char[]){"eth0"}, .ifa_addr = (void *)&four},
	{.ifa_next = &addresses[3], .ifa_name = (char[]){"eth0"}, .ifa_addr = (void *)&six},
	{.ifa_name = (char[]){"eth1"}, .ifa_addr = (void *)&lan},
};

static void
used(const char *iface, const char *by)
{
	struct host_view v = {.root = root, .addresses = addresses};
	char why[160] = "";
	inet_pton(AF_INET, "192.0.2.10", &four.sin_addr);
	inet_pton(AF_INET, "10.0.0.1", &lan.sin_addr);
	inet_pton(AF_INET6, "2001:db8::10", &six.sin6_addr);
	bool is = iface_in_use(&v, iface, why, sizeof(why));
	if (is != (by != NULL) || (by && strcmp(why, by) != 0))
		fail_msg("%s: \"%s\" instead of \"%s\"", iface, why, by ? by : "");
}

#define ROUTES "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"

static void
default_route(void **state)
{
	(void)state;
	used("eth0", NULL); /* no /proc at all */
	put("proc/net/route",
		ROUTES "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		       "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n");
	used("eth0", NULL);
	put("proc/net/route",
		ROUTES "eth1\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		       "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	used("eth0", "the host's default route leads through it");
	used("eth1", NULL);
	used("eth", NULL);
	put("proc/net/route", ROUTES);
	put("proc/net/ipv6_route", "00000000000000000000000000000000 00 "
				   "00000000000000000000000000000000 00 "
				   "00000000000000000000000000000000 ffffffff 00000001 00000000 "
				   "00200200     eth1\n"
				   "00000000000000000000000000000000 00 "
				   "00000000000000000000000000000000 00 "
				   "fe800000000000000000000000000001 00000400 00000001 00000000 "
				   "00450003     eth0\n");
	used("eth0", "the host's default route of IPv6 leads through it");
	used("eth1", NULL); /* "unreachable" */
}

/* The route is the bridge's, and a VLAN's on top of that. */
static void
by_way_of_others(void **state)
{
	(void)state;
	put("sys/class/net/eth0/upper_br0", "");
	put("sys/class/net/br0/upper_br0.7", "");
	put("sys/class/net/br0.7/upper_eth0", ""); /* no loop */
	put("proc/net/route",
		ROUTES "br0.7\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	used("eth0", "the host's default route leads through it, by way of br0.7");
	used("eth1", NULL);
}

#define TCP "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

static void
connections(void **state)
{
	char text[512];
	uint32_t here = 0, peer = 0;
	(void)state;
	inet_pton(AF_INET, "192.0.2.10", &here);
	inet_pton(AF_INET, "203.0.113.9", &peer);
	snprintf(text, sizeof(text),
		TCP "   0: 00000000:0016 00000000:0000 0A 0:0\n   1: %08X:0016 %08X:C001 06 0:0\n",
		here, peer);
	put("proc/net/tcp", text);
	used("eth0", NULL); /* listens; is over */
	snprintf(text, sizeof(text), TCP "  10: %08X:0016 %08X:C001 01 0:0\n", here, peer);
	put("proc/net/tcp", text);
	used("eth0", "the host has a TCP connection through it, its port 22 with 203.0.113.9");
	used("eth1", NULL);
	put("proc/net/tcp", TCP);
	snprintf(text, sizeof(text),
		TCP
		"   0: 0000000000000000FFFF0000%08X:0016 0000000000000000FFFF0000%08X:C001 01\n",
		here, peer);
	put("proc/net/tcp6", text);
	used("eth0", "the host has a TCP connection through it, its port 22 with 203.0.113.9");
	uint32_t w[4];
	inet_pton(AF_INET6, "2001:db8::10", w);
	snprintf(text, sizeof(text), TCP "   0: %08X%08X%08X%08X:0016 %08X%08X%08X%08X:C001 01\n",
		w[0], w[1], w[2], w[3], w[0], w[1], w[2], w[3]);
	put("proc/net/tcp6", text);
	used("eth0", "the host has a TCP connection through it, its port 22 with 2001:db8::10");
}

/* ------------------------------------------------------------------ the kernel's answers, ours */

static int socket_rc, program_rc, set_rc;
static bool may_rc, used_rc;
static struct ethtool_channels channels;
static int get_rc;
static unsigned int sets;

static int
our_socket(void)
{
	return socket_rc;
}

static bool
our_may(void)
{
	return may_rc;
}

static int
our_program(const char *iface, char *name, size_t len)
{
	assert_string_equal(iface, "eth0");
	snprintf(name, len, "xdp_drop");
	return program_rc;
}

static bool
our_in_use(const char *iface, char *why, size_t len)
{
	assert_string_equal(iface, "eth0");
	snprintf(why, len, "somebody lives there");
	return used_rc;
}

static int
our_ethtool(const char *name, void *request)
{
	struct ethtool_channels *ch = request;
	assert_string_equal(name, "eth0");
	if (ch->cmd == ETHTOOL_GCHANNELS) {
		*ch = channels;
		ch->cmd = ETHTOOL_GCHANNELS;
		return get_rc;
	}
	assert_int_equal(ch->cmd, ETHTOOL_SCHANNELS);
	sets++;
	if (set_rc == 0)
		channels = *ch;
	return set_rc;
}

static struct config c;
static struct config_port *port = &c.ports[0];
static char said[1024];

static void
say(void *user, const char *text)
{
	assert_ptr_equal(user, &c);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", text);
}

static int
all_well(void **state)
{
	(void)state;
	xdp_kernel = (struct xdp_kernel){our_socket, our_may, our_program, our_in_use};
	iface_ethtool = our_ethtool;
	memset(&c, 0, sizeof(c));
	c.n_ports = 2;
	strcpy(port->name, "wan0");
	strcpy(port->device, "net_af_xdp0,iface=eth0");
	port->mtu = 1500;
	port->queues = 1;
	c.ports[1] = *port;
	strcpy(c.ports[1].name, "lan0");
	strcpy(c.ports[1].device, "0000:01:00.0");
	socket_rc = program_rc = set_rc = get_rc = 0;
	sets = 0;
	may_rc = true;
	used_rc = false;
	channels = (struct ethtool_channels){.max_combined = 4, .combined_count = 1};
	said[0] = '\0';
	return 0;
}

static void
refused(const char *why)
{
	said[0] = '\0';
	unsigned int n = xdp_check(&c, port, say, &c);
	if (n != (why != NULL) || (why && !strstr(said, why)) || (!why && said[0]))
		fail_msg("%u: \"%s\" instead of \"%s\"", n, said, why ? why : "");
	assert_int_equal(sets, 0);
}

static void
checks(void **state)
{
	(void)state;
	refused(NULL);
	strcpy(port->device, "net_af_xdp0");
	refused("it needs the interface's name, as in \"net_af_xdp0,iface=eth0\"");
	strcpy(port->device, "net_af_xdp0,iface=eth0");
	socket_rc = -EPERM; /* -t by somebody who may not */
	refused(NULL);
	socket_rc = -EAFNOSUPPORT;
	refused("this kernel has no XDP sockets (CONFIG_XDP_SOCKETS): use net_af_packet");
	socket_rc = 0;
	program_rc = 1;
	refused("somebody else's is on it (xdp_drop): end what uses it, or ip link set dev eth0 "
		"xdp off");
	program_rc = 0;
	port->mtu = XDP_MTU_MAX;
	refused(NULL);
	c.ports[1].mtu = XDP_MTU_MAX + 1;
	refused("mtu = 3393 of port \"lan0\"");
}

static void
host_lives_there(void **state)
{
	(void)state;
	used_rc = true;
	refused("somebody lives there, and net_af_xdp takes it away from the host: give the host "
		"another way out, or use net_af_packet; force = true");
	port->force = true;
	refused(NULL);
}

static void
queues(void **state)
{
	(void)state;
	port->queues = 4;
	refused(NULL);
	port->queues = 5;
	refused("queues = 5: net_af_xdp has at most 4 here");
	channels = (struct ethtool_channels){.max_rx = 8, .rx_count = 8}; /* a veth */
	port->queues = 2;
	refused("queues = 2: net_af_xdp has at most 1 here");
	get_rc = -EOPNOTSUPP;
	refused("queues = 2: net_af_xdp has at most 1 here");
	strcpy(port->device, "net_af_xdp0,iface=eth0,start_queue=2,queue_count=2");
	refused(NULL);
}

static int
take(struct xdp_channels *before)
{
	struct iface f = {.name = "eth0", .mtu = 1500};
	said[0] = '\0';
	return xdp_take(port, &f, before, say, &c);
}

/* Frames at a queue without a socket would go to the kernel, where nobody waits for them. */
static void
frames_at_all_queues(void **state)
{
	struct xdp_channels before;
	struct iface f = {.name = "eth0"};
	(void)state;
	assert_int_equal(take(&before), 0);
	assert_int_equal(sets, 0);
	channels.combined_count = 4;
	assert_int_equal(take(&before), 0);
	assert_int_equal(channels.combined_count, 1);
	assert_non_null(strstr(said, "it has 1 receive queue while the port is open"));
	xdp_give_back(&f, &before);
	assert_int_equal(channels.combined_count, 4);
	xdp_give_back(&f, &before);
	assert_int_equal(sets, 2);
	channels = (struct ethtool_channels){.max_rx = 2, .rx_count = 2, .tx_count = 2};
	assert_int_equal(take(&before), 0);
	assert_int_equal(channels.rx_count, 1);
	assert_int_equal(channels.tx_count, 2);
	xdp_give_back(&f, &before);
	assert_int_equal(channels.rx_count, 2);
	set_rc = -EBUSY;
	assert_int_equal(take(&before), -EBUSY);
	assert_non_null(
		strstr(said, "it has 2 receive queues and can't be set to the port's queues = 1"));
	unsigned int n = sets;
	xdp_give_back(&f, &before);
	assert_int_equal(sets, n);
	strcpy(port->device, "net_af_xdp0,iface=eth0,start_queue=1");
	assert_int_equal(take(&before), 0);
	assert_int_equal(sets, n);
}

static void
privileges(void **state)
{
	struct xdp_channels before;
	(void)state;
	may_rc = false;
	assert_int_equal(take(&before), -EPERM);
	assert_non_null(strstr(said, "CapabilityBoundingSet=CAP_BPF CAP_SYS_ADMIN"));
}

static void
what_the_driver_is_told(void **state)
{
	char device[CONFIG_STRING];
	(void)state;
	port->queues = 3;
	xdp_device(port, device, sizeof(device));
	assert_string_equal(device, "net_af_xdp0,iface=eth0,queue_count=3");
	strcpy(port->device, "net_af_xdp0,iface=eth0,start_queue=1");
	xdp_device(port, device, sizeof(device));
	assert_string_equal(device, "net_af_xdp0,iface=eth0,start_queue=1");
}

/* The driver's rings hold more of them than descriptors say. */
static void
buffers(void **state)
{
	(void)state;
	c.n_ports = 1;
	uint64_t xdp = buffers_needed(&c, 1);
	strcpy(port->device, "net_af_packet0,iface=eth0");
	assert_int_equal(xdp - buffers_needed(&c, 1),
		XDP_RX_BUFFERS + XDP_TX_BUFFERS - 2 * PORT_DESCRIPTORS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(default_route, make_root, drop_root),
		cmocka_unit_test_setup_teardown(by_way_of_others, make_root, drop_root),
		cmocka_unit_test_setup_teardown(connections, make_root, drop_root),
		cmocka_unit_test_setup(checks, all_well),
		cmocka_unit_test_setup(host_lives_there, all_well),
		cmocka_unit_test_setup(queues, all_well),
		cmocka_unit_test_setup(frames_at_all_queues, all_well),
		cmocka_unit_test_setup(privileges, all_well),
		cmocka_unit_test_setup(what_the_driver_is_told, all_well),
		cmocka_unit_test_setup(buffers, all_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
