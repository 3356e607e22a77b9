/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports on ordinary interfaces: what joins frames is switched off and given back, what else is
 * wrong is said with its remedy; the frames of packet sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>

#include "dataplane/frames.h"
#include "dataplane/iface.h"

/* A kernel with 70 features, those that we ask for beyond the first word. */
#define N_FEATURES 70
static const struct {
	const char *name;
	unsigned int bit;
} named[] = {{"tx-tcp-segmentation", 3}, {"rx-gro", 14}, {"rx-lro", 31}, {"rx-gro-hw", 50},
	{"rx-udp-gro-forwarding", 69}};
static uint32_t active[3], fixed[3];
static unsigned int writes;
static int ioctl_fails; /* of this command */
static char said[2048];

static int
fake_ethtool(const char *name, void *request)
{
	uint32_t cmd = *(uint32_t *)request;
	assert_string_equal(name, "eth7");
	if ((int)cmd == ioctl_fails)
		return -EOPNOTSUPP;
	if (cmd == ETHTOOL_GSSET_INFO) {
		struct ethtool_sset_info *i = request;
		assert_int_equal(i->sset_mask, 1ull << ETH_SS_FEATURES);
		i->data[0] = N_FEATURES;
	} else if (cmd == ETHTOOL_GSTRINGS) {
		struct ethtool_gstrings *s = request;
		assert_int_equal(s->len, N_FEATURES);
		for (unsigned int i = 0; i < sizeof(named) / sizeof(named[0]); i++)
			strcpy((char *)s->data + named[i].bit * ETH_GSTRING_LEN, named[i].name);
	} else if (cmd == ETHTOOL_GFEATURES) {
		struct ethtool_gfeatures *g = request;
		assert_int_equal(g->size, 3);
		for (unsigned int i = 0; i < 3; i++)
			g->features[i].active = active[i];
	} else {
		struct ethtool_sfeatures *s = request;
		assert_int_equal(cmd, ETHTOOL_SFEATURES);
		assert_int_equal(s->size, 3);
		for (unsigned int i = 0; i < 3; i++) {
			uint32_t may = s->features[i].valid & ~fixed[i];
			active[i] = (active[i] & ~may) | (s->features[i].requested & may);
		}
		writes++;
	}
	return 0;
}

static void
say(void *user, const char *text)
{
	size_t at = strlen(said);
	(void)user;
	snprintf(said + at, sizeof(said) - at, "%s\n", text);
}

static void
expect_said(const char *text)
{
	if (!strstr(said, text))
		fail_msg("\"%s\" is not said, but \"%s\"", text, said);
}

static int
setup(void **state)
{
	(void)state;
	iface_ethtool = fake_ethtool;
	active[0] = 1u << 3 | 1u << 14;
	active[1] = 1u << (50 - 32);
	active[2] = 0;
	memset(fixed, 0, sizeof(fixed));
	writes = 0;
	ioctl_fails = -1;
	said[0] = '\0';
	return 0;
}

static void
what_joins_frames_is_switched_off_and_given_back(void **state)
{
	struct iface f = {.name = "eth7"};
	(void)state;
	iface_features_off(&f, say, NULL);
	assert_int_equal(active[0], 1u << 3); /* what else there is stays */
	assert_int_equal(active[1], 0);
	expect_said("switched off what joins frames (rx-gro, rx-gro-hw)");
	iface_give_back(&f);
	assert_int_equal(active[0], 1u << 3 | 1u << 14);
	assert_int_equal(active[1], 1u << (50 - 32));
	assert_int_equal(active[2], 0);
	iface_give_back(&f); /* once */
	assert_int_equal(writes, 2);
}

static void
what_is_off_already_is_not_touched(void **state)
{
	struct iface f = {.name = "eth7"};
	(void)state;
	active[0] = 1u << 3;
	active[1] = 0;
	iface_features_off(&f, say, NULL);
	iface_give_back(&f);
	assert_int_equal(writes, 0);
	assert_string_equal(said, "");
}

static void
what_cannot_be_switched_off_is_named(void **state)
{
	struct iface f = {.name = "eth7"};
	(void)state;
	active[0] |= 1u << 31;
	fixed[0] = 1u << 31;
	iface_features_off(&f, say, NULL);
	expect_said("it joins frames (rx-lro), and that cannot be switched off");
	expect_said("switched off what joins frames (rx-gro, rx-gro-hw)");
	iface_give_back(&f);
	assert_int_equal(active[0], 1u << 3 | 1u << 14 | 1u << 31);
}

static void
a_kernel_that_does_not_answer_is_left_alone(void **state)
{
	static const int cmds[] = {ETHTOOL_GSSET_INFO, ETHTOOL_GSTRINGS, ETHTOOL_GFEATURES};
	struct iface f = {.name = "eth7"};
	(void)state;
	for (unsigned int i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		ioctl_fails = cmds[i];
		iface_features_off(&f, say, NULL);
		iface_give_back(&f);
	}
	assert_int_equal(writes, 0);
	ioctl_fails = ETHTOOL_SFEATURES; /* no right to */
	iface_features_off(&f, say, NULL);
	expect_said("it joins frames (rx-gro, rx-gro-hw), and that cannot be switched off");
}

static void
addresses_on_the_interface_are_named_with_the_remedy(void **state)
{
	struct sockaddr_in ip = {.sin_family = AF_INET}, mask = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	const struct iface f = {.name = "eth7"};
	char mine[] = "eth7", other[] = "eth70";
	struct ifaddrs third = {.ifa_name = other,
		.ifa_addr = (struct sockaddr *)&ip,
		.ifa_netmask = (struct sockaddr *)&mask};
	struct ifaddrs second = {.ifa_next = &third,
		.ifa_name = mine,
		.ifa_addr = (struct sockaddr *)&six,
		.ifa_netmask = (struct sockaddr *)&mask};
	struct ifaddrs first = third;
	(void)state;
	ip.sin_addr.s_addr = htonl(0xc0000207);
	mask.sin_addr.s_addr = htonl(0xffffff80);
	first.ifa_next = &second;
	iface_check_addresses(&f, &first, say, NULL);
	assert_string_equal(said, "");
	first.ifa_name = mine;
	iface_check_addresses(&f, &first, say, NULL);
	expect_said("it has the address 192.0.2.7/25");
	expect_said("ip address del 192.0.2.7/25 dev eth7");
	expect_said("ports[].addresses");
}

static void
a_default_route_is_named_with_the_remedy(void **state)
{
	static char text[] = "Iface\tDestination\tGateway "
			     "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
			     "eth8\t00000000\t0102000C\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
			     "eth7\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
	static char with[] = "eth7\t00000000\t0102000C\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
	const struct iface f = {.name = "eth7"};
	(void)state;
	FILE *routes = fmemopen(text, sizeof(text) - 1, "r");
	iface_check_routes(&f, routes, say, NULL);
	fclose(routes);
	assert_string_equal(said, "");
	routes = fmemopen(with, sizeof(with) - 1, "r");
	iface_check_routes(&f, routes, say, NULL);
	fclose(routes);
	expect_said("ip route del default dev eth7");
	expect_said("ports[].gateway");
}

/* ------------------------------------------------------------------ frames */

static void
expect_device(const char *device, const char *told)
{
	struct config_port cp = {.queues = 3, .mtu = 1500};
	char out[512];
	snprintf(cp.device, sizeof(cp.device), "%s", device);
	frames_device(&cp, out, sizeof(out));
	assert_string_equal(out, told);
}

static void
the_driver_is_told_what_frames_take(void **state)
{
	struct config_port cp = {.device = "net_af_packet0,iface=eth0", .queues = 3, .mtu = 1500};
	(void)state;
	expect_device("net_af_packet0,iface=eth0",
		"net_af_packet0,iface=eth0,qpairs=3,framesz=65408,blocksz=2093056,framecnt=256");
	expect_device("net_af_packet0,iface=eth0,qpairs=2,framesz=4096,blocksz=8192",
		"net_af_packet0,iface=eth0,qpairs=2,framesz=4096,blocksz=8192");
	expect_device("net_null0", "net_null0");
	/* The driver's condition for a queue, and a buffer's length has 16 bits. */
	assert_int_equal(frames_data_room(&cp), 65408 - 32 + 128);
	assert_in_range(frames_data_room(&cp), 65000, UINT16_MAX);
	/* All that Linux' TCP makes in one piece: 64 KiB less its own headers' room; the driver's
	 * frames begin at octet 66. */
	assert_true(65408 - 66 >= 14 + 60 + 65215);
	snprintf(cp.device, sizeof(cp.device), "net_af_packet0,iface=eth0,framecnt=64");
	assert_int_equal(frames_data_room(&cp), 2048 - 32 + 128);
}

static void
expect_frames(const char *device, uint16_t mtu, const char *why)
{
	struct config_port cp = {.name = "wan0", .queues = 1, .mtu = mtu};
	char err[256] = "";
	snprintf(cp.device, sizeof(cp.device), "%s", device);
	assert_int_equal(frames_check(&cp, err, sizeof(err)), why == NULL);
	if (why && !strstr(err, why))
		fail_msg("\"%s\" is not in \"%s\"", why, err);
}

static void
frames_that_cannot_be_are_refused_in_words(void **state)
{
	(void)state;
	expect_frames("net_af_packet0,iface=eth0", 9000, NULL);
	expect_frames("net_af_packet0,iface=eth0,framesz=2048", 1500, NULL);
	expect_frames("net_af_packet0,iface=eth0,framesz=4096,blocksz=8192", 1500, NULL);
	expect_frames("net_af_packet0,iface=eth0,framecnt=64", 9000, "framesz=2048");
	expect_frames("net_af_packet0,iface=eth0,framesz=1024", 1500, "from 1632 to 65424");
	expect_frames(
		"net_af_packet0,iface=eth0,framesz=65536,blocksz=65536", 1500, "framesz=65536");
	expect_frames("net_af_packet0,iface=eth0,framesz=2056", 1500, "a multiple of 16");
	expect_frames("net_af_packet0,iface=eth0,framesz=8192", 1500, "blocksz=4096");
	expect_frames("net_af_packet0,iface=eth0,framesz=3072,blocksz=8192", 1500, "blocksz=8192");
	expect_frames("net_af_packet0,iface=eth0,framesz=3072,blocksz=6144", 1500, "blocksz=6144");
	expect_frames("net_null0,framesz=1", 1500, NULL);
}

static void
interfaces_are_found_in_devices(void **state)
{
	char name[IF_NAMESIZE];
	(void)state;
	assert_true(frames_iface("net_af_packet0,iface=eth0", name, sizeof(name)));
	assert_string_equal(name, "eth0");
	assert_true(frames_iface(
		"net_af_xdp1,start_queue=1,iface=eth1,queue_count=1", name, sizeof(name)));
	assert_string_equal(name, "eth1");
	assert_false(frames_iface("net_pcap0,iface=eth0", name, sizeof(name)));
	assert_false(frames_iface("net_af_packet0", name, sizeof(name)));
	assert_false(frames_iface("net_af_packet0,iface=", name, sizeof(name)));
	assert_false(frames_iface("net_af_packet0,iface=a-name-of-16-oct", name, sizeof(name)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_joins_frames_is_switched_off_and_given_back, setup),
		cmocka_unit_test_setup(what_is_off_already_is_not_touched, setup),
		cmocka_unit_test_setup(what_cannot_be_switched_off_is_named, setup),
		cmocka_unit_test_setup(a_kernel_that_does_not_answer_is_left_alone, setup),
		cmocka_unit_test_setup(addresses_on_the_interface_are_named_with_the_remedy, setup),
		cmocka_unit_test_setup(a_default_route_is_named_with_the_remedy, setup),
		cmocka_unit_test(the_driver_is_told_what_frames_take),
		cmocka_unit_test(frames_that_cannot_be_are_refused_in_words),
		cmocka_unit_test(interfaces_are_found_in_devices),
	};
	return cmocka_run_group_tests_name("dataplane-iface", tests, NULL, NULL);
}
