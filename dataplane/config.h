/* SPDX-License-Identifier: BSD-3-Clause */
/* The data plane's configuration file (docs/examples/adit-dataplane.conf). */
#ifndef ADIT_DATAPLANE_CONFIG_H
#define ADIT_DATAPLANE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dataplane/api/port.h"
#include "dataplane/inside.h"

#define CONFIG_MAX_ADDRESSES 8
#define CONFIG_MAX_EAL_ARGS  16
#define CONFIG_STRING        256
#define CONTROL_USER         "adit" /* default of control.user, in both programs */

struct config_address {
	uint32_t ip; /* host byte order */
	uint8_t prefix;
};

struct config_port {
	char name[16];              /* also the TAP twin's */
	uint8_t role;               /* enum port_role */
	char device[CONFIG_STRING]; /* a PCI address or a virtual device with its arguments */
	bool pci;
	uint16_t queues, mtu;
	unsigned int n_addresses;
	struct config_address addresses[CONFIG_MAX_ADDRESSES];
	uint32_t gateway; /* 0: none */
	bool proxy_arp;
	bool force; /* take an interface through which the host itself talks */
};

/* AUTO: where enough are free when the process starts. */
enum hugepages { HUGEPAGES_AUTO, HUGEPAGES_NO, HUGEPAGES_YES };

struct config {
	char lcores[CONFIG_STRING];
	enum hugepages hugepages;
	uint32_t memory_mb;
	unsigned int n_eal_args;
	char eal_args[CONFIG_MAX_EAL_ARGS][CONFIG_STRING];
	bool busy_poll;
	uint32_t idle_sleep_us;
	uint32_t mbufs;
	uint32_t max_sessions;
	uint32_t max_sas; /* pairs of SAs; 0: no IPsec */
	char socket[104];
	uid_t control_uid;
	bool no_control_user; /* control.user is not set, and there is no CONTROL_USER */
	bool unreadable;      /* the file: all is as by default */
	bool edge_ping;
	bool inside_ping;
	unsigned int n_inside;
	struct inside_service inside[INSIDE_SERVICES];
	unsigned int n_ports;
	struct config_port ports[SEGMENT_MAX_PORTS];
	char inner_name[16];
	uint32_t max_rekeys;
	bool outer_fragmentation;
};

/* Read before workers start, constant afterwards. */
extern struct config config;

/* Fill c from a file.  0, or -EINVAL after each() was called with every error, "file:line:
 * reason". */
int config_read_all(struct config *c, const char *file, void (*each)(void *user, const char *error),
	void *user);
/* What the settings name and the machine does not have, or what does not fit together.  Calls
 * each() with every finding; their number.  Before EAL starts. */
unsigned int config_check(const struct config *c, const char *file,
	void (*each)(void *user, const char *error), void *user);
/* As config_read_all(), with the first error in err. */
int config_load(struct config *c, const char *file, char *err, size_t err_len);

#endif
