/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/eal.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "dataplane/config.h"
#include "dataplane/frames.h"
#include "dataplane/port_xdp.h"

#define ARGS_MAX (24 + CONFIG_MAX_EAL_ARGS + 2 * SEGMENT_MAX_PORTS)

static char text[ARGS_MAX][CONFIG_STRING + 96];
static char *args[ARGS_MAX + 1];
static int n_args;
static bool hugepages; /* in use */

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
	/* Nothing is mounted, and nothing is left behind.  Without huge pages EAL makes a
	 * directory, which eal_end() removes. */
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
	if (rte_eal_init(n_args, args) < 0) {
		int rc = rte_errno;
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
	return 0;
}

void
eal_end(void)
{
	char dir[CONFIG_STRING];
	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	if (!hugepages)
		rmdir(dir);
}
