/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path MTU of tunnels (D5, RFC 1191): routers on the way to a client say what does not fit.
 *
 * Anybody can send such an ICMP error, so it is believed only when it quotes a packet that we could
 * have sent: our address to the peer's, with the SPI or the IDs that the peer chose, larger than
 * what is said to fit.  It lowers the MTU of that peer's sessions alone, never below
 * PATH_MTU_MIN, and is forgotten after ten minutes (RFC 1191 section 6.3).
 */
#ifndef ADIT_DATAPLANE_PMTU_H
#define ADIT_DATAPLANE_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#define PATH_MTU_MIN         576
#define PATH_MTU_LIFETIME_US 600000000u
#define PATH_MTU_PER_SECOND  20 /* about nobody's packets; and about one peer's */

enum quoted { QUOTED_OTHER, QUOTED_GRE, QUOTED_ESP, QUOTED_L2TP };

/* What an ICMP "fragmentation needed" says.  Addresses and ports as in the quoted packet, which we
 * sent. */
struct pmtu_quote {
	enum quoted kind;
	rte_be32_t server_ip_be, peer_ip_be;
	rte_be16_t server_port_be, peer_port_be; /* 0: no UDP */
	uint32_t spi;                            /* ESP: outbound */
	rte_be16_t tunnel_id_be, call_id_be;     /* L2TP, GRE: those that the peer chose */
	uint16_t length;                         /* of the quoted packet */
	uint16_t mtu;                            /* PATH_MTU_MIN where it isn't said */
};

/* icmp: len octets from the ICMP header.  QUOTED_OTHER: not about a tunnel's packet, or cut off
 * before the peer's identifier. Any lcore. */
enum quoted pmtu_parse(const uint8_t *icmp, uint32_t len, struct pmtu_quote *q);

/* What the tables are asked for, not 0: the peer's address with its SPI or IDs. */
uint64_t pmtu_key(const struct pmtu_quote *q);
/* Could it be about a packet of ours?  A look-up, whatever there is in the tables.  Any lcore. */
bool pmtu_is_known(const struct pmtu_quote *q);

/* --- main lcore only */

/* An Ethernet frame with such an error, from a worker; takes m. */
void pmtu_take(struct rte_mbuf *m, uint64_t now_us);
/* About every millisecond: forgets. */
void pmtu_tick(uint64_t now_us);

#endif
