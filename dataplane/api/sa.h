/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs of IPsec security associations as control and the data plane speak of them (RFC 4301
 * section 4).  A pair is what one exchange of IKE yields: an inbound SA, whose SPI is ours, and the
 * outbound SA that answers it.  All numbers are in host byte order.
 */
#ifndef ADIT_DATAPLANE_API_SA_H
#define ADIT_DATAPLANE_API_SA_H

#include <assert.h>
#include <stdint.h>

#define SEGMENT_MAX_SAS (1u << 20)

/*
 * A pair's handle is the SPI of its inbound SA, and it is an index: slot in the low 20 bits,
 * generation (1 to 4095) above, so it is never one of the reserved values 0 to 255 (RFC 4303
 * section 2.1).
 */
#define SA_SLOT_BITS   20
#define SA_SLOT(spi)   ((spi) & (SEGMENT_MAX_SAS - 1))
#define SA_GEN(spi)    ((spi) >> SA_SLOT_BITS)
#define SA_GENERATIONS 4095
static inline uint32_t
sa_handle(uint32_t slot, uint32_t gen)
{
	return slot | gen << SA_SLOT_BITS;
}

#define IKE_PORT   500
#define NAT_T_PORT 4500 /* IKE and ESP in UDP, RFC 3948 section 2.1 */

/* Where ESP comes from and goes to.  Ports of 0: native ESP; else ESP in UDP (RFC 3948). */
struct sa_outer {
	uint32_t server_ip, peer_ip;
	uint16_t server_port, peer_port;
};

/* The algorithms of one direction and their keys: secret, wiped after use. */
struct sa_keys {
	uint8_t encryption; /* rows of the suite table, crypto/suite.h */
	uint8_t integrity;  /* 0 with an AEAD */
	uint8_t encryption_len;
	uint8_t integrity_len;
	uint8_t encryption_key[36]; /* GCM: the 4-octet salt behind the key, as IKE gives it */
	uint8_t integrity_key[64];
};

/* Limits of one direction; 0: none.  At the soft ones EVENT_SA_EXPIRE asks IKE for a successor, at
 * the hard ones the SA ends (RFC 4301 section 4.4.2.1). */
struct sa_lifetime {
	uint64_t soft_bytes, hard_bytes;
	uint64_t soft_packets, hard_packets;
};

/* A pair as a restarted control finds it.  Written by the data plane's main lcore. */
struct sa_entry {
	uint32_t handle; /* 0: slot free */
	uint32_t peer;
	uint32_t out_spi; /* 0: none yet */
	struct sa_outer outer;
	uint8_t encryption, integrity; /* of the inbound SA */
	uint8_t owner;                 /* worker index */
	uint8_t esn;
	uint64_t opened_us; /* data plane's monotonic clock */
};

/* One pair, two cache lines, written by its owner only.  Octets are those of ESP payloads, padding
 * included, as IKE's byte lifetimes count. */
struct sa_counters {
	_Alignas(64) uint64_t in_packets;
	uint64_t in_bytes;
	uint64_t in_auth_failed; /* also when the ICV has another length */
	uint64_t in_replayed;
	uint64_t in_dropped;      /* every other reason */
	uint64_t in_last_seen_us; /* data plane's monotonic clock: last authentic packet */
	uint64_t handoffs;
	uint64_t reserved0;
	_Alignas(64) uint64_t out_packets;
	uint64_t out_bytes;
	uint64_t out_dropped;
	uint64_t reserved1[5];
};
static_assert(sizeof(struct sa_counters) == 128, "two cache lines");

#endif
