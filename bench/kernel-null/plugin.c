/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin for charon in place of its kernel interface, for bench/ike.py: SAs are agreed to and
 * forgotten, so what is left is IKE alone.  The initiator's charon has it, and the peer's, where
 * the kernel has no ESP.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <daemon.h>
#include <library.h>
#include <plugins/plugin.h>

plugin_t *kernel_null_plugin_create(void);

static atomic_uint last_spi = 0xc0000000u;

static kernel_feature_t
get_features(kernel_ipsec_t *this)
{
	return 0;
}

static status_t
get_spi(kernel_ipsec_t *this, host_t *src, host_t *dst, uint8_t protocol, uint32_t *spi)
{
	*spi = htonl(atomic_fetch_add(&last_spi, 1));
	return SUCCESS;
}

static status_t
get_cpi(kernel_ipsec_t *this, host_t *src, host_t *dst, uint16_t *cpi)
{
	return NOT_SUPPORTED;
}

static status_t
add_sa(kernel_ipsec_t *this, kernel_ipsec_sa_id_t *id, kernel_ipsec_add_sa_t *data)
{
	return SUCCESS;
}

static status_t
update_sa(kernel_ipsec_t *this, kernel_ipsec_sa_id_t *id, kernel_ipsec_update_sa_t *data)
{
	return SUCCESS;
}

static status_t
query_sa(kernel_ipsec_t *this, kernel_ipsec_sa_id_t *id, kernel_ipsec_query_sa_t *data,
	uint64_t *bytes, uint64_t *packets, time_t *time)
{
	return NOT_FOUND;
}

static status_t
del_sa(kernel_ipsec_t *this, kernel_ipsec_sa_id_t *id, kernel_ipsec_del_sa_t *data)
{
	return SUCCESS;
}

static status_t
flush(kernel_ipsec_t *this)
{
	return SUCCESS;
}

static status_t
manage_policy(
	kernel_ipsec_t *this, kernel_ipsec_policy_id_t *id, kernel_ipsec_manage_policy_t *data)
{
	return SUCCESS;
}

static status_t
query_policy(kernel_ipsec_t *this, kernel_ipsec_policy_id_t *id, kernel_ipsec_query_policy_t *data,
	time_t *use_time)
{
	return NOT_FOUND;
}

static bool
bypass_socket(kernel_ipsec_t *this, int fd, int family)
{
	return TRUE;
}

static bool
enable_udp_decap(kernel_ipsec_t *this, int fd, int family, uint16_t port)
{
	return TRUE;
}

static void
destroy(kernel_ipsec_t *this)
{
	free(this);
}

static kernel_ipsec_t *
create(void)
{
	kernel_ipsec_t *this = calloc(1, sizeof(*this));

	if (this)
		*this = (kernel_ipsec_t){.get_features = get_features,
			.get_spi = get_spi,
			.get_cpi = get_cpi,
			.add_sa = add_sa,
			.update_sa = update_sa,
			.query_sa = query_sa,
			.del_sa = del_sa,
			.flush_sas = flush,
			.add_policy = manage_policy,
			.query_policy = query_policy,
			.del_policy = manage_policy,
			.flush_policies = flush,
			.bypass_socket = bypass_socket,
			.enable_udp_decap = enable_udp_decap,
			.destroy = destroy};
	return this;
}

static char *
plugin_name(plugin_t *this)
{
	return "kernel-null";
}

static int
plugin_features(plugin_t *this, plugin_feature_t *features[])
{
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK(kernel_ipsec_register, create),
		PLUGIN_PROVIDE(CUSTOM, "kernel-ipsec"),
	};

	*features = f;
	return countof(f);
}

static void
plugin_destroy(plugin_t *this)
{
	free(this);
}

plugin_t *
kernel_null_plugin_create(void)
{
	plugin_t *this = calloc(1, sizeof(*this));

	if (this)
		*this = (plugin_t){.get_name = plugin_name,
			.get_features = plugin_features,
			.destroy = plugin_destroy};
	return this;
}
