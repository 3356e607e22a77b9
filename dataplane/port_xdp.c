/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port_xdp.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/frames.h"

bool
xdp_is(const char *device)
{
	return strncmp(device, "net_af_xdp", 10) == 0;
}

/* Who names the queues himself steers frames to them himself. */
static bool
operator_steers(const char *device)
{
	return strstr(device, ",queue_count=") || strstr(device, ",start_queue=");
}

void
xdp_device(const struct config_port *cp, char *out, size_t len)
{
	char queues[32] = "";
	if (!operator_steers(cp->device))
		snprintf(queues, sizeof(queues), ",queue_count=%u", cp->queues);
	snprintf(out, len, "%s%s", cp->device, queues);
}

/* ------------------------------------------------------------------ receive queues */

/* False: it knows no channels, which is one queue. */
static bool
get_channels(const char *iface, struct ethtool_channels *ch)
{
	memset(ch, 0, sizeof(*ch));
	ch->cmd = ETHTOOL_GCHANNELS;
	return iface_ethtool(iface, ch) == 0;
}

/* The driver takes further queues of combined channels only. */
static uint32_t
most_queues(const struct ethtool_channels *ch)
{
	return ch->max_combined ? ch->max_combined : 1;
}

static void
set_queues(struct ethtool_channels *ch, uint32_t n)
{
	ch->cmd = ETHTOOL_SCHANNELS;
	ch->combined_count = ch->max_combined ? n : 0;
	ch->rx_count = ch->max_combined ? 0 : n;
}

static int
take_queues(const struct config_port *cp, const struct iface *f, struct xdp_channels *before,
	iface_say say, void *user)
{
	struct ethtool_channels ch;

	if (operator_steers(cp->device) || !get_channels(f->name, &ch))
		return 0;
	uint32_t have = ch.rx_count + ch.combined_count;
	if (have == cp->queues)
		return 0;
	*before = (struct xdp_channels){.rx = ch.rx_count, .combined = ch.combined_count};
	set_queues(&ch, cp->queues);
	int rc = iface_ethtool(f->name, &ch);
	if (rc) {
		iface_tell(say, user,
			"it has %u receive queues and can't be set to the port's queues = %u (%s): "
			"frames at the others would be lost; see ethtool -L %s, or name the queues "
			"in "
			"device (start_queue=, queue_count=) and steer frames to them",
			have, cp->queues, strerror(-rc), f->name);
		return rc;
	}
	before->changed = true;
	iface_tell(say, user,
		"it has %u receive queue%s while the port is open, as ports[].queues says; it had "
		"%u",
		cp->queues, cp->queues == 1 ? "" : "s", have);
	return 0;
}

/* ------------------------------------------------------------------ checks */

static void
check_kernel(
	const struct config_port *cp, const char *iface, unsigned int *n, iface_say say, void *user)
{
	char name[32], why[160];

	if (xdp_kernel.socket() == -EAFNOSUPPORT) {
		iface_tell(say, user,
			"this kernel has no XDP sockets (CONFIG_XDP_SOCKETS): use "
			"net_af_packet, which works with every kernel");
		++*n;
	}
	if (xdp_kernel.program(iface, name, sizeof(name)) > 0) {
		iface_tell(say, user,
			"an XDP program of somebody else's is on it (%s): end what uses it, or ip "
			"link "
			"set dev %s xdp off",
			name, iface);
		++*n;
	}
	if (!cp->force && xdp_kernel.in_use(iface, why, sizeof(why))) {
		iface_tell(say, user,
			"%s, and net_af_xdp takes it away from the host: give the host another way "
			"out, or use net_af_packet; force = true in this port takes it all the "
			"same",
			why);
		++*n;
	}
}

static void
check_mtu(const struct config *c, unsigned int *n, iface_say say, void *user)
{
	for (unsigned int i = 0; i < c->n_ports; i++)
		if (c->ports[i].mtu > XDP_MTU_MAX) {
			iface_tell(say, user,
				"mtu = %u of port \"%s\": with net_af_xdp a frame has to fit a "
				"page, and "
				"all ports share their packet buffers: at most %d",
				c->ports[i].mtu, c->ports[i].name, XDP_MTU_MAX);
			++*n;
		}
}

unsigned int
xdp_check(const struct config *c, const struct config_port *cp, iface_say say, void *user)
{
	struct ethtool_channels ch;
	char iface[IF_NAMESIZE];
	unsigned int n = 0;

	if (!frames_iface(cp->device, iface, sizeof(iface))) {
		iface_tell(say, user,
			"device \"%s\": it needs the interface's name, as in "
			"\"net_af_xdp0,iface=eth0\"",
			cp->device);
		return 1;
	}
	check_kernel(cp, iface, &n, say, user);
	check_mtu(c, &n, say, user);
	bool known = get_channels(iface, &ch);
	uint32_t most = known ? most_queues(&ch) : 1;
	if (cp->queues > most && !operator_steers(cp->device)) {
		iface_tell(
			say, user, "queues = %u: net_af_xdp has at most %u here", cp->queues, most);
		n++;
	}
	return n;
}

/* ------------------------------------------------------------------ a port's */

/* XDP programs are not taken by interfaces with a larger MTU than a page holds. */
static int
lower_mtu(const struct config_port *cp, const struct iface *f, iface_say say, void *user)
{
	struct ifreq ifr = {.ifr_mtu = cp->mtu};
	if (f->mtu <= cp->mtu)
		return 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, f->name, IF_NAMESIZE);
	int rc = ioctl(fd, SIOCSIFMTU, &ifr) < 0 ? -errno : 0;
	close(fd);
	if (rc)
		iface_tell(say, user, "its MTU is %d and cannot be the port's %u: %s", f->mtu,
			cp->mtu, strerror(-rc));
	return rc;
}

int
xdp_take(const struct config_port *cp, const struct iface *f, struct xdp_channels *before,
	iface_say say, void *user)
{
	memset(before, 0, sizeof(*before));
	if (!xdp_kernel.may()) {
		iface_tell(say, user,
			"net_af_xdp needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and "
			"CAP_SYS_ADMIN: under systemd add "
			"CapabilityBoundingSet=CAP_BPF CAP_SYS_ADMIN (systemctl edit "
			"adit-dataplane), or use net_af_packet");
		return -EPERM;
	}
	int rc = lower_mtu(cp, f, say, user);
	return rc ? rc : take_queues(cp, f, before, say, user);
}

void
xdp_give_back(const struct iface *f, struct xdp_channels *before)
{
	struct ethtool_channels ch;
	if (before->changed && get_channels(f->name, &ch)) {
		ch.cmd = ETHTOOL_SCHANNELS;
		ch.rx_count = before->rx;
		ch.combined_count = before->combined;
		iface_ethtool(f->name, &ch);
	}
	before->changed = false;
}
