/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/eal.h"

#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "dataplane/api/port.h"
#include "dataplane/clock.h"
#include "dataplane/config.h"
#include "dataplane/frames.h"
#include "dataplane/pages.h"
#include "dataplane/port_xdp.h"

#define ARGS_MAX (24 + CONFIG_MAX_EAL_ARGS + 2 * SEGMENT_MAX_PORTS)

#define PAGES_US 60000000 /* between two looks at what the kernel gave */

static char text[ARGS_MAX][CONFIG_STRING + 96];
static char *args[ARGS_MAX + 1];
static int n_args;
static bool hugepages;   /* reserved ones are in use */
static bool transparent; /* others are */

static void
add(const char *s)
{
	if (n_args == ARGS_MAX)
		return;
	snprintf(text[n_args], sizeof(text[0]), "%s", s);
	args[n_args] = text[n_args];
	n_args++;
}

static void
add_ports(void)
{
	bool pci = false;
	for (unsigned int i = 0; i < config.n_ports; i++) {
		const struct config_port *cp = &config.ports[i];
		char device[CONFIG_STRING + 96];
		pci |= cp->pci;
		add(cp->pci ? "-a" : "--vdev");
		if (xdp_is(cp->device))
			xdp_device(cp, device, sizeof(device));
		else
			frames_device(cp, device, sizeof(device));
		add(device);
	}
	if (!pci)
		add("--no-pci");
}

static unsigned long
number_in(const char *dir, const char *name)
{
	char path[128];
	unsigned long n = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* MiB of hugepages of all sizes that nobody has taken or been promised. */
static unsigned long
free_hugepages_mb(void)
{
	glob_t sizes;
	unsigned long kb, sum = 0;

	if (glob("/sys/kernel/mm/hugepages/hugepages-*", 0, NULL, &sizes) != 0)
		return 0;
	for (size_t i = 0; i < sizes.gl_pathc; i++) {
		const char *dir = sizes.gl_pathv[i];
		unsigned long n = number_in(dir, "free_hugepages");
		unsigned long promised = number_in(dir, "resv_hugepages");
		if (sscanf(strrchr(dir, '/'), "/hugepages-%lukB", &kb) == 1 && n > promised)
			sum += (n - promised) * kb / 1024;
	}
	globfree(&sizes);
	return sum;
}

/* The log says which memory it is, for it decides much of the speed (docs/operators.md). */
static void
choose_memory(void)
{
	unsigned long free_mb = free_hugepages_mb();

	hugepages = config.hugepages == HUGEPAGES_YES ||
		    (config.hugepages == HUGEPAGES_AUTO && free_mb >= config.memory_mb);
	if (hugepages)
		fprintf(stderr, "adit-dataplane: memory: %u MiB of hugepages\n", config.memory_mb);
	else
		fprintf(stderr,
			"adit-dataplane: memory: %u MiB of ordinary pages (%lu MiB of hugepages "
			"are free)\n",
			config.memory_mb, free_mb);
}

/* A NIC knows where EAL's memory is, and so does who is at the other end of a vhost socket. */
static bool
memory_is_shared(void)
{
	for (unsigned int i = 0; i < config.n_ports; i++)
		if (config.ports[i].pci || strstr(config.ports[i].device, "virtio"))
			return true;
	for (unsigned int i = 0; i < config.n_eal_args; i++)
		if (strstr(config.eal_args[i], "virtio") || strcmp(config.eal_args[i], "-a") == 0 ||
			strncmp(config.eal_args[i], "--allow", 7) == 0)
			return true;
	return false;
}

/* Without reserved ones: those that the kernel puts together. */
static void
use_transparent(void)
{
	transparent = !hugepages && config.hugepages == HUGEPAGES_AUTO && !memory_is_shared() &&
		      pages_replace_eal();
	if (transparent)
		fprintf(stderr, "adit-dataplane: memory: the kernel puts it on transparent "
				"hugepages as it is used\n");
}

void
eal_pages(char *out, size_t size)
{
	static uint64_t asked_us, huge_kb, most_kb;
	uint64_t now_us = clock_us(rte_rdtsc());

	if (!transparent) {
		snprintf(out, size, "%s", hugepages ? "reserved hugepages" : "ordinary");
		return;
	}
	if (asked_us == 0 || now_us - asked_us >= PAGES_US) {
		asked_us = now_us;
		huge_kb = pages_huge_kb();
		if (huge_kb < most_kb / 2)
			fprintf(stderr,
				"adit-dataplane: memory: of %" PRIu64 " MiB on hugepages %" PRIu64
				" are left, the kernel took the others\n",
				most_kb / 1024, huge_kb / 1024);
		most_kb = huge_kb < most_kb / 2 ? huge_kb : RTE_MAX(most_kb, huge_kb);
	}
	snprintf(out, size, "transparent, %" PRIu64 " MiB", huge_kb / 1024);
}

int
eal_start(void)
{
	char memory[16], prefix[48];
	choose_memory();
	add("adit-dataplane");
	add("--lcores");
	add(config.lcores);
	snprintf(memory, sizeof(memory), "%u", config.memory_mb);
	add("-m");
	add(memory);
	/* Nothing is mounted, and nothing is left behind. */
	if (hugepages) {
		add("--in-memory");
	} else {
		snprintf(prefix, sizeof(prefix), "--file-prefix=adit-%d", (int)getpid());
		add("--no-huge");
		add("--no-shconf");
		add(prefix);
	}
	add("--no-telemetry");
	/* One program on an interface is enough: nothing to share it, nothing left in a bpffs. */
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);
	add("--log-level=lib.eal:warning");
	add_ports();
	for (unsigned int i = 0; i < config.n_eal_args; i++)
		add(config.eal_args[i]);
	int rc = rte_eal_init(n_args, args) < 0 ? RTE_MAX(rte_errno, 1) : 0;
	/* Without huge pages EAL makes a directory and puts nothing there. */
	if (!hugepages)
		rmdir(rte_eal_get_runtime_dir());
	if (rc) {
		fprintf(stderr, "adit-dataplane: EAL does not start: %s\n", rte_strerror(rc));
		if (hugepages)
			fprintf(stderr,
				"adit-dataplane: eal.hugepages = %s needs %u MiB of free "
				"hugepages (/proc/sys/vm/nr_hugepages, HugePages_Free in "
				"/proc/meminfo); reserve them or set it to false\n",
				config.hugepages == HUGEPAGES_YES ? "true" : "\"auto\"",
				config.memory_mb);
		return -rc;
	}
	use_transparent();
	return 0;
}

void
eal_end(void)
{
	rte_eal_cleanup();
}
