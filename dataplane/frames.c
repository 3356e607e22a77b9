/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

/* The kernel cuts a ring into blocks of whole pages, the driver into frames that follow each other:
 * so 32 frames are 511 pages.  Two rings a queue, 16 MiB each. */
#define FRAME_SIZE    65408
#define BLOCK_SIZE    (32 * FRAME_SIZE)
#define FRAMES        256
#define PAGE          4096
#define DRIVER_FRAME  2048 /* what the driver takes for itself */
#define RING_OVERHEAD 32   /* of a frame: its header */

static bool
is_packet_socket(const char *device)
{
	return strncmp(device, "net_af_packet", 13) == 0 ||
	       strncmp(device, "eth_af_packet", 13) == 0;
}

/* A number of the device's arguments.  0: not given. */
static unsigned long
argument(const char *device, const char *name)
{
	char word[24];
	snprintf(word, sizeof(word), ",%s=", name);
	const char *at = strstr(device, word);
	return at ? strtoul(at + strlen(word), NULL, 10) : 0;
}

bool
frames_iface(const char *device, char *iface, size_t len)
{
	const char *p = strstr(device, ",iface=");
	if (!p || (!is_packet_socket(device) && strncmp(device, "net_af_xdp", 10) != 0))
		return false;
	p += 7;
	size_t n = strcspn(p, ",");
	if (n == 0 || n >= len)
		return false;
	memcpy(iface, p, n);
	iface[n] = '\0';
	return true;
}

static bool
operator_chose(const char *device)
{
	return strstr(device, ",framesz=") || strstr(device, ",blocksz=") ||
	       strstr(device, ",framecnt=");
}

void
frames_device(const struct config_port *cp, char *out, size_t len)
{
	char queues[24] = "", frames[64] = "";
	/* All the queues that it opens have to be read. */
	if (is_packet_socket(cp->device) && !strstr(cp->device, ",qpairs="))
		snprintf(queues, sizeof(queues), ",qpairs=%u", cp->queues);
	if (is_packet_socket(cp->device) && !operator_chose(cp->device))
		snprintf(frames, sizeof(frames), ",framesz=%u,blocksz=%u,framecnt=%u", FRAME_SIZE,
			BLOCK_SIZE, FRAMES);
	snprintf(out, len, "%s%s%s", cp->device, queues, frames);
}

static unsigned long
frame_size(const char *device)
{
	unsigned long size = argument(device, "framesz");
	return size ? size : operator_chose(device) ? DRIVER_FRAME : FRAME_SIZE;
}

uint32_t
frames_data_room(const struct config_port *cp)
{
	if (!is_packet_socket(cp->device))
		return 0;
	return (uint32_t)(frame_size(cp->device) - RING_OVERHEAD + RTE_PKTMBUF_HEADROOM);
}

bool
frames_check(const struct config_port *cp, char *err, size_t err_len)
{
	unsigned long frame = frame_size(cp->device), block = argument(cp->device, "blocksz");
	if (!is_packet_socket(cp->device) || !operator_chose(cp->device))
		return true;
	if (block == 0)
		block = PAGE;
	if (frame < cp->mtu + 128ul || frame > FRAMES_SIZE_MAX || frame % 16 != 0)
		snprintf(err, err_len,
			"port %s: framesz=%lu: with mtu = %u it has to be a multiple of 16 from "
			"%lu to %d; without framesz, blocksz and framecnt Adit chooses them",
			cp->name, frame, cp->mtu, (cp->mtu + 128ul + 15) / 16 * 16,
			FRAMES_SIZE_MAX);
	else if (block % frame != 0 || block % PAGE != 0)
		snprintf(err, err_len,
			"port %s: blocksz=%lu has to be a multiple of framesz=%lu and of %d; "
			"without framesz, blocksz and framecnt Adit chooses them",
			cp->name, block, frame, PAGE);
	else
		return true;
	return false;
}
