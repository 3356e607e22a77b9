/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long because it is one class of charon's, kernel_ipsec_t, whose methods share what is private. */
#include "ipsec.h"

#include <errno.h>
#include <time.h>

#include <daemon.h>
#include <library.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

#include "alerts.h"
#include "channel.h"
#include "identity.h"
#include "rekey.h"
#include "table.h"

#define DEFAULT_SOCKET "/run/adit/ike.sock"

struct adit_ipsec {
	kernel_ipsec_t public;
	struct channel *channel;
	struct alerts *alerts;
	struct identity *identity;
	mutex_t *lock; /* of table */
	struct table *table;
};

/* What charon's thread installed last: an exchange installs the inbound SA and then, in the same
 * thread, the outbound one of the pair. */
static _Thread_local struct {
	uint32_t pair, reqid;
	struct ike_outer outer;
} last_inbound;

static struct adit_ipsec *
self(kernel_ipsec_t *public)
{
	return (struct adit_ipsec *)public;
}

/* Whose exchange this thread works for: who authenticated it is who gets the SA (D1). */
static uint32_t
this_ike_sa(void)
{
	ike_sa_t *ike_sa = charon->bus->get_sa(charon->bus);

	return ike_sa ? ike_sa->get_unique_id(ike_sa) : 0;
}

/* ------------------------------------------------------------------ addresses */

static bool
is_ipv4(host_t *h)
{
	return h->get_family(h) == AF_INET;
}

static uint32_t
address(host_t *h)
{
	uint32_t be;

	memcpy(&be, h->get_address(h).ptr, sizeof(be));
	return ntohl(be);
}

static struct ike_outer
outer_of(host_t *server, host_t *peer, bool encap)
{
	return (struct ike_outer){.server_ip = address(server),
		.peer_ip = address(peer),
		.server_port = encap ? server->get_port(server) : 0,
		.peer_port = encap ? peer->get_port(peer) : 0};
}

static host_t *
host_of(uint32_t ip, uint16_t port)
{
	uint32_t be = htonl(ip);

	return host_create_from_chunk(AF_INET, chunk_create((uint8_t *)&be, sizeof(be)), port);
}

static status_t
status_of(int error)
{
	switch (error) {
	case 0:
		return SUCCESS;
	case -ENOENT:
		return NOT_FOUND;
	case -EOPNOTSUPP:
		return NOT_SUPPORTED;
	default:
		return FAILED;
	}
}

/* ------------------------------------------------------------------ time */

static void
expire(uint32_t spi, host_t *dst, bool hard)
{
	if (hard)
		charon->kernel->expire(charon->kernel, IPPROTO_ESP, spi, dst, TRUE);
	else
		rekey_later(spi, dst);
}

struct timer {
	struct adit_ipsec *this;
	uint32_t spi;
	uint64_t serial;
	bool hard;
};

static job_requeue_t
timer_fires(struct timer *t)
{
	host_t *dst = NULL;

	t->this->lock->lock(t->this->lock);
	struct sa *sa = table_by_serial(t->this->table, t->spi, t->serial);
	if (sa)
		dst = sa->dst->clone(sa->dst);
	t->this->lock->unlock(t->this->lock);
	if (dst) {
		expire(htonl(t->spi), dst, t->hard);
		dst->destroy(dst);
	}
	return JOB_REQUEUE_NONE;
}

static void
timer_start(struct adit_ipsec *this, uint32_t spi, uint64_t serial, uint64_t seconds, bool hard)
{
	struct timer *t;

	if (seconds == 0 || seconds > UINT32_MAX || !(t = malloc(sizeof(*t))))
		return;
	*t = (struct timer){.this = this, .spi = spi, .serial = serial, .hard = hard};
	lib->scheduler->schedule_job(lib->scheduler,
		(job_t *)callback_job_create((callback_job_cb_t)timer_fires, t, free, NULL),
		(uint32_t)seconds);
}

/* ------------------------------------------------------------------ SAs */

static bool
remember(
	struct adit_ipsec *this, uint32_t spi, host_t *dst, const struct sa *what, uint64_t *serial)
{
	struct sa *sa = malloc(sizeof(*sa));

	if (!sa)
		return false;
	*sa = *what;
	sa->spi = spi;
	sa->dst = dst->clone(dst);
	this->lock->lock(this->lock);
	table_add(this->table, sa);
	if (serial)
		*serial = sa->serial;
	this->lock->unlock(this->lock);
	return true;
}

static void
forget(struct adit_ipsec *this, uint32_t spi, uint64_t serial)
{
	this->lock->lock(this->lock);
	struct sa *sa = table_by_serial(this->table, spi, serial);
	if (sa)
		table_remove(this->table, sa);
	this->lock->unlock(this->lock);
}

static status_t
get_spi(kernel_ipsec_t *public, host_t *src, host_t *dst, uint8_t protocol, uint32_t *spi)
{
	struct adit_ipsec *this = self(public);
	struct ike_message m = {.type = IKE_GET_SPI, .ike_sa = this_ike_sa()};

	if (protocol != IPPROTO_ESP || !is_ipv4(src) || !is_ipv4(dst) || !m.ike_sa)
		return NOT_SUPPORTED;
	m.get_spi = outer_of(dst, src, true);
	int error = channel_ask(this->channel, &m);
	if (error) {
		DBG1(DBG_KNL, "kernel-adit: no SPI for %H: %s", src, strerror(-error));
		return FAILED;
	}
	struct sa reserved = {.pair = m.answer.spi, .ike_sa = this_ike_sa(), .inbound = true};
	*spi = htonl(m.answer.spi);
	return remember(this, m.answer.spi, dst, &reserved, NULL) ? SUCCESS : FAILED;
}

static status_t
get_cpi(kernel_ipsec_t *public, host_t *src, host_t *dst, uint16_t *cpi)
{
	return NOT_SUPPORTED;
}

/* Key material fits, and is copied. */
static bool
copy_key(uint8_t *to, uint8_t *len, chunk_t key)
{
	if (key.len > IKE_KEY_MAX)
		return false;
	memcpy(to, key.ptr, key.len);
	*len = (uint8_t)key.len;
	return true;
}

/* A soft limit without hard one, or above it, is none. */
static void
copy_limits(struct ike_message *m, const lifetime_cfg_t *l)
{
	m->add.hard_bytes = l->bytes.life;
	m->add.soft_bytes = l->bytes.rekey < l->bytes.life ? l->bytes.rekey : 0;
	m->add.hard_packets = l->packets.life;
	m->add.soft_packets = l->packets.rekey < l->packets.life ? l->packets.rekey : 0;
}

/* The pair that an outbound SA belongs to; 0: none. */
static uint32_t
pair_for(struct adit_ipsec *this, const struct ike_outer *outer, uint32_t reqid)
{
	uint32_t pair = 0;

	if (last_inbound.pair && last_inbound.reqid == reqid &&
		memcmp(&last_inbound.outer, outer, sizeof(*outer)) == 0) {
		pair = last_inbound.pair;
		last_inbound.pair = 0;
		return pair;
	}
	this->lock->lock(this->lock);
	struct sa *sa = table_single(this->table, outer, reqid);
	if (sa)
		pair = sa->pair;
	this->lock->unlock(this->lock);
	return pair;
}

/* The entry of an inbound SA exists since its SPI was reserved; it becomes an installed one. */
static uint64_t
adopt_reserved(struct adit_ipsec *this, uint32_t spi, host_t *dst, const struct sa *what)
{
	uint64_t serial = 0;

	this->lock->lock(this->lock);
	struct sa *sa = table_find(this->table, spi, dst);
	if (sa && sa->inbound) {
		serial = sa->serial;
		sa->reqid = what->reqid;
		sa->ike_sa = what->ike_sa;
		sa->outer = what->outer;
		sa->installed = true;
	}
	this->lock->unlock(this->lock);
	if (!serial)
		remember(this, spi, dst, what, &serial);
	return serial;
}

static status_t
add_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_add_sa_t *data)
{
	struct adit_ipsec *this = self(public);
	uint32_t spi = ntohl(id->spi);
	struct ike_message m = {
		.type = data->inbound ? IKE_ADD_IN : IKE_ADD_OUT, .ike_sa = this_ike_sa()};
	struct sa what = {.reqid = data->reqid,
		.ike_sa = m.ike_sa,
		.inbound = data->inbound,
		.installed = true};

	if (!m.ike_sa || id->proto != IPPROTO_ESP || data->ipcomp != IPCOMP_NONE ||
		!is_ipv4(id->src) || !is_ipv4(id->dst) || data->mode != MODE_TRANSPORT)
		return NOT_SUPPORTED;
	what.outer = data->inbound ? outer_of(id->dst, id->src, data->encap)
				   : outer_of(id->src, id->dst, data->encap);
	what.pair = data->inbound ? spi : pair_for(this, &what.outer, data->reqid);
	if (!what.pair) {
		DBG1(DBG_KNL, "kernel-adit: outbound SA %.8x to %H has no inbound one", spi,
			id->dst);
		return FAILED;
	}
	m.spi = what.pair;
	m.add.outer = what.outer;
	m.add.out_spi = data->inbound ? 0 : spi;
	m.add.replay_window = data->replay_window < UINT16_MAX ? data->replay_window : UINT16_MAX;
	m.add.esn = data->esn;
	m.add.transport = 1;
	copy_limits(&m, data->lifetime);
	m.add.keys.encryption = data->enc_alg;
	m.add.keys.integrity = data->int_alg == AUTH_UNDEFINED ? 0 : data->int_alg;
	if (!copy_key(m.add.keys.encryption_key, &m.add.keys.encryption_len, data->enc_key) ||
		!copy_key(m.add.keys.integrity_key, &m.add.keys.integrity_len, data->int_key)) {
		memwipe(&m, sizeof(m));
		return NOT_SUPPORTED;
	}
	uint64_t serial = 0;
	if (data->inbound)
		serial = adopt_reserved(this, spi, id->dst, &what);
	else
		remember(this, spi, id->dst, &what, &serial);
	int error = channel_ask(this->channel, &m);
	memwipe(&m, sizeof(m));
	if (error) {
		DBG1(DBG_KNL, "kernel-adit: %s SA %.8x of %H was refused: %s",
			data->inbound ? "inbound" : "outbound", spi,
			data->inbound ? id->src : id->dst, strerror(-error));
		forget(this, spi, serial);
		return status_of(error);
	}
	if (data->inbound) {
		last_inbound.pair = spi;
		last_inbound.reqid = data->reqid;
		last_inbound.outer = what.outer;
	}
	timer_start(this, spi, serial, data->lifetime->time.rekey, false);
	timer_start(this, spi, serial, data->lifetime->time.life, true);
	return SUCCESS;
}

static status_t
update_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_update_sa_t *data)
{
	struct adit_ipsec *this = self(public);
	struct ike_message m = {.type = IKE_UPDATE, .ike_sa = this_ike_sa()};

	if (id->proto != IPPROTO_ESP || !is_ipv4(data->new_src) || !is_ipv4(data->new_dst))
		return NOT_SUPPORTED;
	this->lock->lock(this->lock);
	struct sa *sa = table_find(this->table, ntohl(id->spi), id->dst);
	if (sa) {
		m.spi = sa->pair;
		m.update = sa->inbound ? outer_of(data->new_dst, data->new_src, data->new_encap)
				       : outer_of(data->new_src, data->new_dst, data->new_encap);
		sa->outer = m.update;
		sa->dst->destroy(sa->dst);
		sa->dst = data->new_dst->clone(data->new_dst);
	}
	this->lock->unlock(this->lock);
	if (!sa)
		return NOT_FOUND;
	return status_of(channel_ask(this->channel, &m));
}

static status_t
query_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_query_sa_t *data,
	uint64_t *bytes, uint64_t *packets, time_t *time)
{
	struct adit_ipsec *this = self(public);
	struct ike_message m = {.type = IKE_QUERY};

	this->lock->lock(this->lock);
	struct sa *sa = table_find(this->table, ntohl(id->spi), id->dst);
	if (sa) {
		m.spi = sa->pair;
		m.query.direction = sa->inbound ? IKE_INBOUND : IKE_OUTBOUND;
	}
	this->lock->unlock(this->lock);
	int error = sa ? channel_ask(this->channel, &m) : -ENOENT;
	if (error)
		return status_of(error);
	if (bytes)
		*bytes = m.answer.bytes;
	if (packets)
		*packets = m.answer.packets;
	if (time)
		*time = m.answer.idle_ms == UINT64_MAX
				? 0
				: time_monotonic(NULL) - (time_t)(m.answer.idle_ms / 1000);
	return SUCCESS;
}

/* Also for an SPI that was only reserved, and for what never was. */
static status_t
del_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_del_sa_t *data)
{
	struct adit_ipsec *this = self(public);
	struct ike_message m = {.ike_sa = this_ike_sa()};

	this->lock->lock(this->lock);
	struct sa *sa = table_find(this->table, ntohl(id->spi), id->dst);
	if (sa) {
		m.type = sa->inbound ? IKE_DELETE_IN : IKE_DELETE_OUT;
		m.spi = sa->pair;
		table_remove(this->table, sa);
	}
	this->lock->unlock(this->lock);
	if (!sa)
		return NOT_FOUND;
	/* Without control the pair is missing in the next list: it is gone all the same. */
	channel_ask(this->channel, &m);
	return SUCCESS;
}

static status_t
flush_sas(kernel_ipsec_t *public)
{
	return SUCCESS;
}

/* ------------------------------------------------------------------ policies
 * What an SA may carry is checked by the data plane: L2TP between its two hosts and nothing else.
 */

static status_t
add_policy(kernel_ipsec_t *public, kernel_ipsec_policy_id_t *id, kernel_ipsec_manage_policy_t *data)
{
	return SUCCESS;
}

static status_t
query_policy(kernel_ipsec_t *public, kernel_ipsec_policy_id_t *id,
	kernel_ipsec_query_policy_t *data, time_t *use_time)
{
	return NOT_SUPPORTED;
}

static status_t
del_policy(kernel_ipsec_t *public, kernel_ipsec_policy_id_t *id, kernel_ipsec_manage_policy_t *data)
{
	return SUCCESS;
}

static status_t
flush_policies(kernel_ipsec_t *public)
{
	return SUCCESS;
}

/* IKE's own packets never meet the kernel's policies, and ESP in UDP stays in the data plane. */
static bool
bypass_socket(kernel_ipsec_t *public, int fd, int family)
{
	return true;
}

static bool
enable_udp_decap(kernel_ipsec_t *public, int fd, int family, uint16_t port)
{
	return true;
}

static kernel_feature_t
get_features(kernel_ipsec_t *public)
{
	return 0;
}

/* ------------------------------------------------------------------ what control says */

static void
handle_event(void *user, const struct ike_message *m)
{
	struct adit_ipsec *this = user;
	bool inbound = m->type == IKE_MAPPING || m->expire.direction == IKE_INBOUND;
	host_t *dst = NULL;
	uint32_t spi = 0;

	this->lock->lock(this->lock);
	struct sa *sa = table_of_pair(this->table, m->spi, inbound);
	if (sa) {
		spi = htonl(sa->spi);
		dst = sa->dst->clone(sa->dst);
	}
	this->lock->unlock(this->lock);
	if (!dst)
		return;
	if (m->type == IKE_EXPIRE) {
		expire(spi, dst, m->expire.hard != 0);
	} else {
		host_t *remote = host_of(m->mapping.peer_ip, m->mapping.peer_port);
		charon->kernel->mapping(charon->kernel, IPPROTO_ESP, spi, dst, remote);
		remote->destroy(remote);
	}
	dst->destroy(dst);
}

struct list_call {
	void (*each)(void *arg, uint32_t spi, uint32_t ike_sa, const struct ike_outer *outer);
	void *arg;
};

static void
list_sa(void *arg, struct sa *sa)
{
	struct list_call *call = arg;

	if (sa->inbound && sa->installed)
		call->each(call->arg, sa->pair, sa->ike_sa, &sa->outer);
}

static void
handle_list(void *user,
	void (*each)(void *arg, uint32_t spi, uint32_t ike_sa, const struct ike_outer *outer),
	void (*ready)(void *arg), void *arg)
{
	struct adit_ipsec *this = user;
	struct list_call call = {each, arg};

	this->lock->lock(this->lock);
	table_each(this->table, list_sa, &call);
	ready(arg);
	this->lock->unlock(this->lock);
}

static void
handle_told(void *user, struct ike_message *m)
{
	struct adit_ipsec *this = user;

	channel_tell(this->channel, m);
}

/* ------------------------------------------------------------------ life */

static void
destroy(kernel_ipsec_t *public)
{
	struct adit_ipsec *this = self(public);

	identity_destroy(this->identity);
	alerts_destroy(this->alerts);
	channel_destroy(this->channel);
	table_destroy(this->table);
	this->lock->destroy(this->lock);
	free(this);
}

kernel_ipsec_t *
adit_ipsec_create(void)
{
	static const struct channel_ops ops = {.list = handle_list, .event = handle_event};
	struct adit_ipsec *this = calloc(1, sizeof(*this));

	if (!this)
		return NULL;
	this->public = (kernel_ipsec_t){
		.get_features = get_features,
		.get_spi = get_spi,
		.get_cpi = get_cpi,
		.add_sa = add_sa,
		.update_sa = update_sa,
		.query_sa = query_sa,
		.del_sa = del_sa,
		.flush_sas = flush_sas,
		.add_policy = add_policy,
		.query_policy = query_policy,
		.del_policy = del_policy,
		.flush_policies = flush_policies,
		.bypass_socket = bypass_socket,
		.enable_udp_decap = enable_udp_decap,
		.destroy = destroy,
	};
	this->lock = mutex_create(MUTEX_TYPE_DEFAULT);
	this->table = table_create();
	const char *path = lib->settings->get_str(
		lib->settings, "%s.plugins.kernel-adit.socket", DEFAULT_SOCKET, lib->ns);
	this->channel = this->table ? channel_create(path, &ops, this) : NULL;
	if (!this->channel) {
		table_destroy(this->table);
		this->lock->destroy(this->lock);
		free(this);
		return NULL;
	}
	this->alerts = alerts_create(handle_told, this);
	this->identity = identity_create(handle_told, this);
	return &this->public;
}
