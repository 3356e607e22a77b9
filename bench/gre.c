/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/gre.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GRE_KEY      0x20
#define GRE_SEQUENCE 0x10
#define GRE_ACK      0x80
#define GRE_VERSION  1
#define GRE_HEADER   8
#define PACKET_MAX   2048

static void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

static uint32_t
get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int
gre_open(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_GRE);
	int on = 1, room = 4 << 20;

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) != 0) {
		perror("bench: raw socket");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return fd;
}

void
gre_send(int fd, struct gre_call *c, const uint8_t *frame, size_t len)
{
	uint8_t b[PACKET_MAX] = {0x45, [8] = 64, [9] = IPPROTO_GRE};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(c->gateway_ip)};
	uint8_t *gre = b + sizeof(struct iphdr), *at = gre + GRE_HEADER;

	if (len + 64 > sizeof(b))
		return;
	put32(b + 12, c->client_ip);
	put32(b + 16, c->gateway_ip);
	gre[0] = GRE_KEY | GRE_SEQUENCE;
	gre[1] = GRE_VERSION | (c->heard ? GRE_ACK : 0);
	put16(gre + 2, 0x880b);
	put16(gre + 4, (uint32_t)len + 2);
	put16(gre + 6, c->peer_call_id);
	put32(at, c->sent++);
	at += 4;
	if (c->heard) {
		put32(at, c->received);
		at += 4;
	}
	*at++ = 0xff;
	*at++ = 0x03;
	memcpy(at, frame, len);
	at += len;
	put16(b + 2, (uint32_t)(at - b));
	(void)!sendto(fd, b, (size_t)(at - b), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

/* GRE header and PPP's address and control octets. */
static void
parse(const uint8_t *gre, size_t len, struct gre_packet *p)
{
	size_t at = GRE_HEADER;

	if (len < GRE_HEADER || !(gre[0] & GRE_KEY) || (gre[1] & 7) != GRE_VERSION)
		return;
	p->call_id = (uint16_t)(gre[6] << 8 | gre[7]);
	at += gre[0] & GRE_SEQUENCE ? 4 : 0;
	at += gre[1] & GRE_ACK ? 4 : 0;
	if (!(gre[0] & GRE_SEQUENCE) || len < at + 4)
		return;
	p->sequence = get32(gre + GRE_HEADER);
	at += gre[at] == 0xff && gre[at + 1] == 0x03 ? 2 : 0;
	p->frame = gre + at;
	p->len = len - at;
}

bool
gre_receive(int fd, uint8_t *buf, size_t size, struct gre_packet *p)
{
	ssize_t n = recv(fd, buf, size, MSG_DONTWAIT);
	size_t header;

	if (n <= 0)
		return false;
	*p = (struct gre_packet){.to = 0};
	header = (size_t)(buf[0] & 15) * 4;
	if ((size_t)n < sizeof(struct iphdr) || (size_t)n < header)
		return true;
	p->to = get32(buf + 16);
	parse(buf + header, (size_t)n - header, p);
	return true;
}
