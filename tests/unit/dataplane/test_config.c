/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file: every error names file, line and reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/api/port.h"
#include "dataplane/buffers.h"
#include "dataplane/config.h"
#include "dataplane/lcores.h"
#include "tests/unit/temp.h"

#define PORT "{ name = \"wan0\"; role = \"wan\"; device = \"net_null0\"; }"

static struct config c;
static char error[512];

/* The result of reading text; the error without the file's name in error[]. */
static int
load(const char *text)
{
	char path[64];
	int fd = mkstemp(temp_name(path, sizeof(path), "config"));
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	int rc = config_load(&c, path, error, sizeof(error));
	unlink(path);
	if (rc) {
		assert_memory_equal(error, path, strlen(path));
		memmove(error, error + strlen(path), strlen(error + strlen(path)) + 1);
	}
	return rc;
}

static void
refused(const char *text, const char *why)
{
	assert_int_equal(load(text), -22);
	if (strcmp(error, why) != 0)
		fail_msg("\"%s\" instead of \"%s\"", error, why);
}

static void
defaults(void **state)
{
	(void)state;
	assert_int_equal(load("ports: ( " PORT " );"), 0);
	assert_int_equal(c.n_ports, 1);
	assert_int_equal(c.ports[0].mtu, 1500);
	assert_int_equal(c.ports[0].queues, 1);
	assert_int_equal(c.max_sessions, 4096);
	assert_string_equal(c.inner_name, "adit0");
	assert_true(c.edge_ping);
	assert_false(c.busy_poll);
	assert_int_equal(c.hugepages, HUGEPAGES_AUTO);
}

static void
hugepages(void **state)
{
	(void)state;
	assert_int_equal(load("eal: { hugepages = true; }; ports: ( " PORT " );"), 0);
	assert_int_equal(c.hugepages, HUGEPAGES_YES);
	assert_int_equal(load("eal: { hugepages = false; }; ports: ( " PORT " );"), 0);
	assert_int_equal(c.hugepages, HUGEPAGES_NO);
	assert_int_equal(load("eal: { hugepages = \"auto\"; }; ports: ( " PORT " );"), 0);
	assert_int_equal(c.hugepages, HUGEPAGES_AUTO);
}

static void
all_of_a_port(void **state)
{
	(void)state;
	assert_int_equal(load("ports: ( { name = \"lan0\"; role = \"lan\"; device = "
			      "\"0000:01:00.0\"; queues = 4;\n"
			      "addresses = [ \"198.51.100.1/24\", \"10.0.0.1/8\" ]; gateway = "
			      "\"198.51.100.254\";\n"
			      "proxy_arp = true; mtu = 9000; } );"),
		0);
	const struct config_port *p = &c.ports[0];
	assert_true(p->pci && p->proxy_arp && p->role == PORT_LAN);
	assert_int_equal(p->n_addresses, 2);
	assert_int_equal(p->addresses[1].ip, 0x0a000001);
	assert_int_equal(p->addresses[1].prefix, 8);
	assert_int_equal(p->gateway, 0xc63364fe);
	assert_int_equal(p->queues, 4);
	assert_int_equal(p->mtu, 9000);
}

static void
services_from_inside(void **state)
{
	(void)state;
	assert_int_equal(load("ports: ( " PORT " );"), 0);
	assert_int_equal(c.n_inside, 0);
	assert_true(c.inside_ping);
	assert_int_equal(load("inside: { ping = false; services = [ \"22/tcp\", \"65535/udp\" ]; "
			      "}; ports: ( " PORT " );"),
		0);
	assert_false(c.inside_ping);
	assert_int_equal(c.n_inside, 2);
	assert_int_equal(c.inside[0].proto, 6);
	assert_int_equal(c.inside[0].port, 22);
	assert_int_equal(c.inside[1].proto, 17);
	assert_int_equal(c.inside[1].port, 65535);
	static const char *const bad[] = {"", "tcp", "22", "22/", "0/tcp", "65536/tcp", "-1/tcp",
		" 22/tcp", "22/tcp ", "ssh/tcp"};
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[96], want[96];
		snprintf(text, sizeof(text), "inside: {\nservices = [ \"%s\" ]; };", bad[i]);
		snprintf(want, sizeof(want), ":2: \"%s\" is not a service such as \"22/tcp\"",
			bad[i]);
		refused(text, want);
	}
	refused("inside: { services = [ 22 ]; };", ":1: \"\" is not a service such as \"22/tcp\"");
	refused("inside: { services = \"22/tcp\"; };",
		":1: \"services\" must be an array of strings");
	refused("inside: { services = [ \"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\", "
		"\"1/tcp\",\n"
		"\"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\",\n"
		"\"1/tcp\", \"1/tcp\", \"1/tcp\", \"1/tcp\" ]; };",
		":1: more than 16 \"services\"");
}

static void
errors_have_their_line(void **state)
{
	(void)state;
	refused("ports: ( " PORT " )\nnonsense", ":2: syntax error");
	refused("", ":0: \"ports\" must be a list ( ) of at least one port");
	refused("ports: ( " PORT " );\nsesions: { };",
		":2: unknown setting \"sesions\": did you mean \"sessions\"?");
	refused("mempool: {\n mbufs = 4294969344; };",
		":2: 4294969344: no setting takes a number as large as that");
	refused("sessions: {\n maximum = 3; };", ":2: unknown setting \"maximum\"");
	refused("sessions: {\n max = 0; };\nports: ( " PORT " );",
		":2: \"max\" must be between 1 and 1048576");
	refused("sessions: { max = \"7\"; };", ":1: \"max\" must be a number");
	refused("eal: { hugepages = \"many\"; };",
		":1: \"hugepages\" must be true, false or \"auto\"");
	refused("eal: { hugepages = 1; };", ":1: \"hugepages\" must be true, false or \"auto\"");
	refused("workers: { poll_mode = \"lazy\"; };",
		":1: \"poll_mode\" must be \"busy\" or \"adaptive\"");
	refused("control: { user = \"no-such-user-here\"; };",
		":1: no such user \"no-such-user-here\"");
	refused("control: { socket = \"relative\"; };", ":1: \"socket\" must be an absolute path");
	refused("ports: ( " PORT ",\n" PORT " );", ":2: two ports named \"wan0\"");
	refused("ports: ( { name = \"a b\"; role = \"wan\"; device = \"x\"; } );",
		":1: a port needs a \"name\" of letters, digits, - and _");
	refused("ports: ( { name = \"a\"; role = \"dmz\"; device = \"x\"; } );",
		":1: \"role\" must be \"wan\" or \"lan\"");
	refused("ports: ( { name = \"a\"; role = \"wan\"; device = \"x\";\n addresses = [ "
		"\"1.2.3.4/33\" ]; } );",
		":2: \"1.2.3.4/33\" is not an IPv4 address with its prefix length");
	refused("ports: ( { name = \"much-too-long-name\"; } );",
		":1: \"name\" is longer than 15 characters");
	refused("ports: ( " PORT " ); inner: { name = \"wan0\"; };",
		":1: \"wan0\" is the name of a port");
}

static char all[4096];

static void
keep(void *user, const char *text)
{
	const char *file = user;
	size_t at = strlen(all);
	text += strncmp(text, file, strlen(file)) == 0 ? strlen(file) : 0;
	snprintf(all + at, sizeof(all) - at, "%s\n", text);
}

/* R27: all errors at once, and what the machine does not have. */
static void
all_at_once(void **state)
{
	char path[64];
	(void)state;
	all[0] = '\0';
	FILE *f = fdopen(mkstemp(temp_name(path, sizeof(path), "all")), "w");
	assert_non_null(f);
	fputs("sesions: { };\nworkers: { poll_mode = \"lazy\"; idle_sleep_us = 0; };\n"
	      "ports: ( { name = \"a\"; role = \"dmz\"; device = \"x\"; },\n"
	      "{ name = \"b\"; role = \"wan\"; device = \"x\"; mtu = 1; } );\n",
		f);
	fclose(f);
	assert_int_equal(config_read_all(&c, path, keep, path), -EINVAL);
	unlink(path);
	assert_string_equal(all, ":1: unknown setting \"sesions\": did you mean \"sessions\"?\n"
				 ":2: \"poll_mode\" must be \"busy\" or \"adaptive\"\n"
				 ":2: \"idle_sleep_us\" must be between 1 and 100000\n"
				 ":3: \"role\" must be \"wan\" or \"lan\"\n"
				 ":4: \"mtu\" must be between 576 and 9000\n");
}

static unsigned int
check(const char *text)
{
	all[0] = '\0';
	if (load(text) != 0)
		fail_msg("%s", error);
	c.no_control_user = false;
	return config_check(&c, "f", keep, (void *)(uintptr_t) "f");
}

static void
what_the_machine_has(void **state)
{
	(void)state;
	assert_int_equal(check("eal: { lcores = \"0@0,1@0\"; }; ports: ( " PORT " );"), 0);
	assert_int_equal(check("eal: { lcores = \"(0-1)@0,2@(0)\"; }; ports: ( " PORT " );"), 0);
	assert_int_equal(check("eal: { lcores = \"0@0,1@9999\"; }; ports: ( " PORT " );"), 1);
	assert_string_equal(all, ": eal.lcores: this machine has no CPU 9999\n");
	assert_int_equal(check("eal: { lcores = \"0@0\"; }; ports: ( " PORT " );"), 1);
	assert_non_null(strstr(all, "names only a main lcore"));
	assert_int_equal(check("eal: { lcores = \"0@\"; }; ports: ( " PORT " );"), 1);
	assert_non_null(strstr(all, "not what DPDK's --lcores takes"));
	assert_int_equal(
		check("ports: ( { name = \"a\"; role = \"wan\"; device = \"x\"; addresses = "
		      "[ \"192.0.2.1/24\" ]; gateway = \"198.51.100.1\"; },\n"
		      "{ name = \"b\"; role = \"lan\"; device = \"y\"; addresses = [ "
		      "\"192.0.2.1/16\" ]; } );"),
		2);
	assert_non_null(strstr(all, "port \"a\": its gateway is in none of its networks"));
	assert_non_null(strstr(all, "192.0.2.1 is an address of port \"a\" already"));
	assert_int_equal(check("ports: ( { name = \"a\"; role = \"wan\"; device = "
			       "\"net_af_packet0,iface=nosuch0\"; addresses = [ "
			       "\"192.0.2.1/24\" ]; } );"),
		1);
	assert_non_null(strstr(all, "port \"a\": there is no interface nosuch0"));
	/* Both programs have the same default, and it has to exist. */
	assert_int_equal(load("ports: ( " PORT " );"), 0);
	c.no_control_user = true;
	all[0] = '\0';
	assert_int_equal(config_check(&c, "f", keep, (void *)(uintptr_t) "f"), 1);
	assert_non_null(strstr(all, "control.user: there is no user \"adit\""));
}

static void
no_file(void **state)
{
	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/file", error, sizeof(error)), -22);
	assert_string_equal(error, "/nonexistent/file:0: cannot be read");
}

static void
add_up(void *user, unsigned long cpu)
{
	*(unsigned long *)user += cpu;
}

static void
lcores_and_their_cpus(void **state)
{
	static const struct {
		const char *text;
		unsigned int lcores;
		unsigned long sum; /* of the CPUs' numbers */
	} good[] = {{"0", 1, 0}, {"0@0,1@0", 2, 0}, {"0@0,1@0,2@7", 3, 7}, {"0-3", 4, 6},
		{"0,2-3@5,7", 4, 12}, {"(0-1,4)@(0,2-3),5@6", 4, 11}};
	static const char *const others[] = {
		"", "a", "0@", "1-", "3-1", "(0", "0,,1", "0@0,", "0@0x", ")", "0-1024"};
	(void)state;
	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		unsigned long sum = 0;
		assert_int_equal(lcores_read(good[i].text, add_up, &sum), good[i].lcores);
		assert_int_equal(sum, good[i].sum);
	}
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(lcores_read(others[i], NULL, NULL), 0);
}

/* D8: with fewer buffers than descriptors hold, a port stands still for good. */
static void
buffers_for_all_queues(void **state)
{
	(void)state;
	assert_int_equal(load("ports: (" PORT ");"), 0);
	assert_true(buffers_suffice(&c, 1, error, sizeof(error)));
	/* One receive and one transmit queue, two caches, bursts. */
	assert_int_equal(buffers_needed(&c, 1), 2 * 1024 + 2 * 384 + 256);
	c.mbufs = 2 * 1024 + 2 * 384 + 256;
	assert_true(buffers_suffice(&c, 1, error, sizeof(error)));
	c.mbufs--;
	assert_false(buffers_suffice(&c, 1, error, sizeof(error)));
	assert_string_equal(error,
		"mempool.mbufs = 3071 is too small: 1 receive queues of 1 ports and 1 "
		"workers need 3072 packet buffers");
	/* A NIC has a transmit queue for each worker. */
	c.mbufs = 32768;
	c.ports[0].pci = true;
	c.ports[0].queues = 16;
	assert_int_equal(buffers_needed(&c, 16), 32 * 1024 + 17 * 384 + 16 * 256);
	assert_false(buffers_suffice(&c, 16, error, sizeof(error)));
	assert_non_null(strstr(error, "16 workers need 43392 packet buffers"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(hugepages),
		cmocka_unit_test(all_of_a_port),
		cmocka_unit_test(services_from_inside),
		cmocka_unit_test(errors_have_their_line),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(what_the_machine_has),
		cmocka_unit_test(no_file),
		cmocka_unit_test(lcores_and_their_cpus),
		cmocka_unit_test(buffers_for_all_queues),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
