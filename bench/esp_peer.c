/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/esp_peer.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEER "dpdk-test-crypto-perf"

static int cpu, other_cpu;
static cpu_set_t both_cpus;

void
esp_die(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	fprintf(stderr, "bench-esp: ");
	vfprintf(stderr, what, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

/* One CPU for us and the peer's worker, another (if there is one) for the peer's main thread. */
void
esp_peer_choose_cpus(void)
{
	cpu_set_t set;

	cpu = sched_getcpu();
	other_cpu = cpu == 0 && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		esp_die("can't stay on CPU %d", cpu);
	both_cpus = set;
	CPU_SET((unsigned int)other_cpu, &both_cpus);
}

/* The peer starts on both CPUs: while its threads wait for each other, they starve on one that is
 * given out by real-time priority. */
static FILE *
start_peer(const char *command)
{
	cpu_set_t set;
	FILE *f;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 ||
		sched_setaffinity(0, sizeof(both_cpus), &both_cpus) < 0)
		esp_die("no CPU for the peer");
	f = popen(command, "r");
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		esp_die("can't stay on CPU %d", cpu);
	return f;
}

static void
vector_field(FILE *f, const char *name, unsigned int len)
{
	fprintf(f, "%s =\n", name);
	for (unsigned int i = 0; i < len; i++)
		fprintf(f, "%s0x%02x", i ? ", " : "", (i * 7 + 1) & 0xff);
	fprintf(f, "\n");
}

/* The peer verifies with a file of vectors only; that they don't match costs it nothing. */
static void
write_vector(const struct esp_case *c, unsigned int bytes, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		esp_die("can't write %s", path);
	vector_field(f, "plaintext", bytes);
	vector_field(f, "ciphertext", bytes);
	vector_field(f, "cipher_key", c->key_len);
	vector_field(f, "auth_key", c->auth_key_len);
	vector_field(f, "cipher_iv", c->block);
	vector_field(f, "digest", c->icv_len);
	if (fclose(f) != 0)
		esp_die("can't write %s", path);
}

/* Cycles per operation, as the peer prints them: the last column of the last row. */
double
esp_peer_cycles(const struct esp_case *c, bool inbound, unsigned int bytes, unsigned int ops)
{
	char command[1024], vector[64] = "", line[512], *comma;
	double cycles = 0, v;
	FILE *f;

	bytes = (bytes + c->block - 1) / c->block * c->block;
	if (c->integrity && inbound) {
		snprintf(vector, sizeof(vector), "/tmp/adit-bench-esp-%d", (int)getpid());
		write_vector(c, bytes, vector);
	}
	snprintf(command, sizeof(command),
		PEER " --lcores 0@%d,1@%d --no-huge -m 512 --no-pci --no-telemetry --no-shconf"
		     " --log-level 1 --vdev %s -- --devtype %s --ptest throughput %s"
		     " --buffer-sz %u --burst-sz %u --total-ops %u --silent --csv-friendly"
		     " %s%s 2>&1 < /dev/null",
		other_cpu, cpu, c->peer_device, c->peer_device,
		inbound ? c->peer_decrypt : c->peer_encrypt, bytes, c->burst,
		ops < 4 * BURST_MAX ? 4 * BURST_MAX : ops / BURST_MAX * BURST_MAX,
		vector[0] ? "--test-file " : "", vector);
	f = start_peer(command);
	while (f && fgets(line, sizeof(line), f)) {
		comma = strrchr(line, ',');
		if (comma && line[0] != '#' && sscanf(comma + 1, "%lf", &v) == 1)
			cycles = v;
	}
	if (vector[0])
		unlink(vector);
	if (!f || pclose(f) != 0 || cycles <= 0)
		esp_die("the peer failed (package dpdk-dev has it): %s", command);
	return cycles;
}
