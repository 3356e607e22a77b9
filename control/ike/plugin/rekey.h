/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rekeying by the gateway, with what the peer has shown to want. */
#ifndef ADIT_PLUGIN_REKEY_H
#define ADIT_PLUGIN_REKEY_H

#include <networking/host.h>
#include <stdint.h>

/* A successor of the SA with this SPI (network order) and destination, which stay the caller's. Any
 * thread: the work is done by a job of charon's. */
void rekey_later(uint32_t spi, host_t *dst);

#endif
