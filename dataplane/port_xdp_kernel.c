/* SPDX-License-Identifier: BSD-3-Clause */
/* What port_xdp asks the kernel. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "dataplane/iface_use.h"
#include "dataplane/port_xdp.h"

/* libxdp's own, which stays behind when a data plane is killed, passes all to the kernel then, and
 * serves the next one. */
#define OUR_PROGRAM "xsk_def_prog"

static int
has_sockets(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static bool
may(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) < 0)
		return true; /* the kernel will say */
	uint32_t needed = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_SYS_ADMIN;
	return (data[0].effective & needed) == needed;
}

static int
on_link(const struct nlmsghdr *nlh, void *out)
{
	struct nlattr *a, *x;
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(a) != IFLA_XDP)
			continue;
		mnl_attr_for_each_nested(x, a)
		{
			if (mnl_attr_get_type(x) == IFLA_XDP_PROG_ID)
				*(uint32_t *)out = mnl_attr_get_u32(x);
		}
	}
	return MNL_CB_OK;
}

/* Of the XDP program on the interface; 0: none. */
static uint32_t
program_id(const char *iface)
{
	char buf[32768];
	uint32_t id = 0;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = (int)if_nametoindex(iface);
	struct mnl_socket *s =
		ifi->ifi_index ? mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) : NULL;
	if (!s)
		return 0;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
		mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0) {
		ssize_t len = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (len > 0)
			mnl_cb_run(buf, (size_t)len, 0, 0, on_link, &id);
	}
	mnl_socket_close(s);
	return id;
}

static int
foreign_program(const char *iface, char *name, size_t len)
{
	union bpf_attr attr = {.prog_id = program_id(iface)};
	struct bpf_prog_info info = {0};
	if (attr.prog_id == 0)
		return 0;
	int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	int rc =
		(int)syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0 ? -errno : 1;
	close(fd);
	if (rc > 0 && strcmp(info.name, OUR_PROGRAM) == 0)
		return 0;
	snprintf(name, len, "%s", info.name);
	return rc;
}

static bool
in_use(const char *iface, char *why, size_t len)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) < 0)
		all = NULL;
	bool used =
		iface_in_use(&(struct host_view){.root = "", .addresses = all}, iface, why, len);
	freeifaddrs(all);
	return used;
}

struct xdp_kernel xdp_kernel = {has_sockets, may, foreign_program, in_use};
