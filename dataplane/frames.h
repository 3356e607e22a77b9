/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of net_af_packet: how large, how many.
 *
 * The driver joins every socket to a fanout group that has the kernel put fragments together
 * (PACKET_FANOUT_FLAG_DEFRAG), and a neighbour's TCP may come in segments of 64 KiB.  What is
 * longer than a frame of the ring is cut without a word, and the driver's default is 2 KiB.
 */
#ifndef ADIT_DATAPLANE_FRAMES_H
#define ADIT_DATAPLANE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/config.h"

#define FRAMES_SIZE_MAX 65424 /* a frame has to fit a packet buffer, whose length has 16 bits */

/* Is this an ordinary interface of the kernel's, its name in iface? */
bool frames_iface(const char *device, char *iface, size_t len);
/* The device with what the driver needs to be told besides: EAL's argument. */
void frames_device(const struct config_port *cp, char *out, size_t len);
/* Octets of data room, headroom included, that a packet buffer needs for the driver to fill it; 0:
 * any does. */
uint32_t frames_data_room(const struct config_port *cp);
/* False: the operator's framesz and blocksz do not go together, with the reason in err. */
bool frames_check(const struct config_port *cp, char *err, size_t err_len);

#endif
