/* monitor_discovery.c: see monitor_discovery.h. Reading /proc, knowing names, suggesting checks. */
#include "monitor/monitor_discovery.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/monitor_discovery_priv.h"
#include "sys/file.h"

#define TABLE_BYTES_MAX (16u << 20)
#define PATH_BYTES 320
#define ARGUMENTS_BYTES_MAX 8192

/* Sorted by nothing: the first that matches counts. `asks` false: never spoken to. */
static const struct known_program knowns[] = {
	{ "nginx", "nginx", "nginx", true, NULL, NULL, NULL },
	{ "apache2", "Apache", "apache", true, NULL, NULL, NULL },
	{ "httpd", "Apache", "apache", true, NULL, NULL, NULL },
	{ "caddy", "Caddy", "caddy", true, NULL, NULL, NULL },
	{ "haproxy", "HAProxy", "haproxy", true, NULL, NULL, NULL },
	{ "traefik", "Traefik", "traefik", true, NULL, NULL, NULL },
	{ "envoy", "Envoy", "envoy", true, NULL, NULL, NULL },
	{ "varnishd", "Varnish", "varnish", true, NULL, NULL, NULL },
	{ "prometheus", "Prometheus", "prometheus", true, "/-/healthy", NULL, NULL },
	{ "alertmanager", "Alertmanager", "alertmanager", true, "/-/healthy", NULL, NULL },
	{ "node_exporter", "node_exporter", "node-exporter", true, "/metrics", NULL, NULL },
	{ "prometheus-node", "node_exporter", "node-exporter", true, "/metrics", NULL, NULL },
	{ "grafana", "Grafana", "grafana", true, "/api/health", NULL, NULL },
	{ "etcd", "etcd", "etcd", true, "/health", NULL, NULL },
	{ "consul", "Consul", "consul", true, "/v1/status/leader", NULL, NULL },
	{ "mainstay", "Mainstay", "mainstay", true, "/healthz", NULL, NULL },
	{ "mainstay-server", "Mainstay", "mainstay", true, "/healthz", NULL, NULL },
	{ "postgres", "PostgreSQL", "postgresql", false, NULL, NULL, NULL },
	{ "pgbouncer", "PgBouncer", "pgbouncer", false, NULL, NULL, NULL },
	{ "redis-server", "Redis", "redis", false, NULL, "PING\r\n", "PONG" },
	{ "valkey-server", "Valkey", "valkey", false, NULL, "PING\r\n", "PONG" },
	{ "mysqld", "MySQL", "mysql", false, NULL, NULL, NULL },
	{ "mariadbd", "MariaDB", "mariadb", false, NULL, NULL, NULL },
	{ "mongod", "MongoDB", "mongodb", false, NULL, NULL, NULL },
	{ "memcached", "memcached", "memcached", false, NULL, "version\r\n", "VERSION" },
	{ "beam.smp", "RabbitMQ", "rabbitmq", false, NULL, NULL, NULL },
	{ "sshd", "SSH", "ssh", false, NULL, NULL, "SSH-" },
	{ "dropbear", "SSH", "ssh", false, NULL, NULL, "SSH-" },
	{ "master", "Postfix", "postfix", false, NULL, NULL, "220" },
	{ "exim4", "Exim", "exim", false, NULL, NULL, "220" },
	{ "dovecot", "Dovecot", "dovecot", false, NULL, NULL, NULL },
	{ "named", "BIND", "bind", false, NULL, NULL, NULL },
	{ "unbound", "Unbound", "unbound", false, NULL, NULL, NULL },
	{ "dnsmasq", "dnsmasq", "dnsmasq", false, NULL, NULL, NULL },
	{ "systemd-resolve", "systemd-resolved", "systemd-resolved", false, NULL, NULL, NULL },
	{ "slapd", "OpenLDAP", "openldap", false, NULL, NULL, NULL },
	{ "mosquitto", "Mosquitto", "mosquitto", false, NULL, NULL, NULL },
	{ "nfsd", "NFS", "nfs", false, NULL, NULL, NULL },
	{ "rpcbind", "rpcbind", "rpcbind", false, NULL, NULL, NULL },
	{ "smbd", "Samba", "samba", false, NULL, NULL, NULL },
	{ "cupsd", "CUPS", "cups", true, NULL, NULL, NULL },
};

const struct known_program *discovery_known(const char *process)
{
	for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++)
		if (strcmp(process, knowns[i].process) == 0)
			return &knowns[i];
	return NULL;
}

const char *discovery_guess(const struct discovered *item)
{
	return item->known != NULL ? item->known->guess : "";
}

const char *discovery_protocol_name(enum discovery_protocol protocol)
{
	switch (protocol) {
	case DISCOVERY_HTTP:
	case DISCOVERY_HTTPS:
		return "http";
	case DISCOVERY_TLS:
		return "tls";
	case DISCOVERY_TCP:
		return "tcp";
	}
	return "tcp";
}

/* ---- /proc/net/tcp ---- */

static struct str next_word(struct str *rest)
{
	size_t from = 0, to;
	while (from < rest->len && rest->ptr[from] == ' ')
		from++;
	for (to = from; to < rest->len && rest->ptr[to] != ' '; to++)
		;
	struct str word = str_sub(*rest, from, to);
	*rest = str_sub(*rest, to, rest->len);
	return word;
}

static bool parse_hex(struct str text, uint32_t *ret_value)
{
	uint32_t value = 0;
	if (text.len == 0 || text.len > 8)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isxdigit((unsigned char)text.ptr[i]))
			return false;
		char c = (char)tolower((unsigned char)text.ptr[i]);
		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_value = value;
	return true;
}

/* The kernel prints each 32-bit word of the address as the machine sees it. */
static bool parse_local(struct str text, bool v6, struct discovered *item)
{
	struct str host, port;
	uint32_t word;
	unsigned words = v6 ? 4 : 1;
	if (!str_cut(text, ':', &host, &port) || host.len != words * 8 || !parse_hex(port, &word) ||
	    word == 0 || word > 65535)
		return false;
	item->port = (uint16_t)word;
	item->address.v6 = v6;
	for (unsigned i = 0; i < words; i++) {
		if (!parse_hex(str_sub(host, i * 8, i * 8 + 8), &word))
			return false;
		memcpy(item->address.bytes + i * 4, &word, 4);
	}
	return true;
}

bool discovery_parse_line(struct str line, bool v6, struct discovered *ret_item)
{
	struct discovered item = { .pid = 0 };
	struct str rest = line;
	next_word(&rest);
	struct str local = next_word(&rest);
	next_word(&rest);
	struct str state = next_word(&rest);
	for (int i = 0; i < 5; i++) /* queues, timer, retransmits, user, timeout */
		next_word(&rest);
	int64_t inode;
	if (!str_is(state, "0A") || !parse_local(local, v6, &item) ||
	    !str_int(next_word(&rest), 1, INT64_MAX, &inode))
		return false;
	item.inode = (uint64_t)inode;
	/* An IPv4 address in IPv6 clothes is the same listener to everybody. */
	struct address inner;
	static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	if (v6 && memcmp(item.address.bytes, mapped, 12) == 0 && address_unwrap(&item.address, &inner))
		item.address = inner;
	*ret_item = item;
	return true;
}

static enum err read_table(const char *proc, const char *name, bool v6, struct discovery *discovery,
                           struct error *err)
{
	char path[PATH_BYTES];
	cleanup_free char *bytes = NULL;
	size_t size;
	snprintf(path, sizeof path, "%.200s/net/%s", proc, name);
	enum err result = file_read(path, TABLE_BYTES_MAX, &bytes, &size, err);
	if (result != OK)
		return result;
	struct str line, rest = { bytes, size };
	while (rest.len > 0) {
		struct discovered item;
		str_cut(rest, '\n', &line, &rest);
		if (!discovery_parse_line(line, v6, &item))
			continue;
		if (discovery->count == DISCOVERY_MAX)
			discovery->cut = true;
		else
			discovery->items[discovery->count++] = item;
	}
	return OK;
}

/* ---- whose socket ---- */

/* What one look at /proc/PID needs. */
struct owner_search {
	const char *proc;
	struct discovery *discovery;
	unsigned left; /* listeners without an owner */
};

static void take_owner(const struct owner_search *search, struct discovered *item, int pid)
{
	char path[PATH_BYTES];
	char *bytes = NULL;
	size_t size;
	item->pid = pid;
	snprintf(path, sizeof path, "%.200s/%d/comm", search->proc, pid);
	if (file_read(path, 64, &bytes, &size, NULL) == OK) {
		struct str name = str_trim((struct str){ bytes, size });
		snprintf(item->process, sizeof item->process, STR_FMT, STR_ARG(name));
		mem_free(bytes);
	}
	snprintf(path, sizeof path, "%.200s/%d/cmdline", search->proc, pid);
	if (file_read(path, ARGUMENTS_BYTES_MAX, &bytes, &size, NULL) == OK) {
		discovery_mask((struct str){ bytes, size }, item->command, sizeof item->command);
		mem_free(bytes);
	}
	item->known = discovery_known(item->process);
}

/* "socket:[12345]" */
static bool parse_socket(const char *target, uint64_t *ret_inode)
{
	struct str text = str_of(target);
	int64_t inode;
	if (!str_starts(text, STR("socket:[")) || !str_ends(text, STR("]")) ||
	    !str_int(str_sub(text, 8, text.len - 1), 1, INT64_MAX, &inode))
		return false;
	*ret_inode = (uint64_t)inode;
	return true;
}

static void match_socket(struct owner_search *search, uint64_t inode, int pid)
{
	for (unsigned i = 0; i < search->discovery->count; i++) {
		struct discovered *item = &search->discovery->items[i];
		if (item->inode != inode)
			continue;
		/* Of several that share it (nginx and its workers) the eldest is the one to name. */
		if (item->pid != 0 && item->pid <= pid)
			continue;
		search->left -= item->pid == 0;
		take_owner(search, item, pid);
	}
}

static void look_at_process(struct owner_search *search, int pid)
{
	char path[PATH_BYTES], target[64];
	snprintf(path, sizeof path, "%.200s/%d/fd", search->proc, pid);
	DIR *folder = opendir(path);
	if (folder == NULL) /* it has ended, or is not ours to see */
		return;
	unsigned seen = 0;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL && seen < DISCOVERY_FDS_MAX; seen++) {
		uint64_t inode;
		ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (parse_socket(target, &inode))
			match_socket(search, inode, pid);
	}
	closedir(folder);
}

static enum err find_owners(const char *proc, struct discovery *discovery, struct error *err)
{
	struct owner_search search = { .proc = proc, .discovery = discovery, .left = discovery->count };
	DIR *folder = opendir(proc);
	if (folder == NULL)
		return error_set(err, ERR_IO, "could not look at the processes in \"%s\"", proc);
	unsigned seen = 0;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL && seen < DISCOVERY_PIDS_MAX;) {
		int64_t pid;
		if (!str_int(str_of(entry->d_name), 1, INT32_MAX, &pid))
			continue;
		seen++;
		look_at_process(&search, (int)pid);
	}
	closedir(folder);
	return OK;
}

/* ---- order ---- */

static bool is_any(const struct address *address)
{
	static const uint8_t zero[16];
	return memcmp(address->bytes, zero, address->v6 ? 16 : 4) == 0;
}

/* True when one of the two is enough for a person. */
static bool same_listener(const struct discovered *a, const struct discovered *b)
{
	if (a->port != b->port || a->pid != b->pid)
		return false;
	if (address_eq(&a->address, &b->address))
		return true;
	bool any = is_any(&a->address) && is_any(&b->address);
	bool loopback = address_classify(&a->address) == ADDRESS_LOOPBACK &&
	                address_classify(&b->address) == ADDRESS_LOOPBACK;
	return a->address.v6 != b->address.v6 && (any || loopback);
}

static int compare_items(const void *left, const void *right)
{
	const struct discovered *a = left, *b = right;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->address.v6 != b->address.v6)
		return a->address.v6 ? 1 : -1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
}

static void sort_and_join(struct discovery *discovery)
{
	unsigned kept = 0;
	qsort(discovery->items, discovery->count, sizeof discovery->items[0], compare_items);
	for (unsigned i = 0; i < discovery->count; i++) {
		bool twin = false;
		for (unsigned k = kept; k > 0 && !twin; k--) {
			if (discovery->items[k - 1].port != discovery->items[i].port)
				break;
			twin = same_listener(&discovery->items[k - 1], &discovery->items[i]);
		}
		if (!twin)
			discovery->items[kept++] = discovery->items[i];
	}
	discovery->count = kept;
}

enum err discovery_scan(const char *proc, struct discovery *ret_discovery, struct error *err)
{
	struct discovery *discovery = mem_alloc(sizeof *discovery);
	enum err result = read_table(proc, "tcp", false, discovery, err);
	if (result == OK) {
		enum err six = read_table(proc, "tcp6", true, discovery, err);
		result = six == ERR_NOT_FOUND ? OK : six; /* a kernel without IPv6 */
	}
	if (result == OK)
		result = find_owners(proc, discovery, err);
	if (result == OK) {
		sort_and_join(discovery);
		for (unsigned i = 0; i < discovery->count; i++) {
			struct discovered *item = &discovery->items[i];
			bool asks = item->known != NULL && item->known->asks;
			item->protocol = asks ? DISCOVERY_HTTP : DISCOVERY_TCP;
		}
		*ret_discovery = *discovery;
	}
	mem_free(discovery);
	return result;
}

/* ---- what to watch ---- */

void discovery_service(const struct discovered *item, char ret_name[DISCOVERY_NAME_BYTES])
{
	char name[DISCOVERY_NAME_BYTES] = "";
	size_t length = 0;
	if (item->known != NULL) {
		snprintf(ret_name, DISCOVERY_NAME_BYTES, "%s", item->known->service);
		return;
	}
	for (const char *c = item->process; *c != '\0' && length < 40; c++) {
		if (isalnum((unsigned char)*c))
			name[length++] = (char)tolower((unsigned char)*c);
		else if (length > 0 && name[length - 1] != '-')
			name[length++] = '-';
	}
	while (length > 0 && name[length - 1] == '-')
		length--;
	name[length] = '\0';
	if (length == 0)
		snprintf(ret_name, DISCOVERY_NAME_BYTES, "port-%u", item->port);
	else
		snprintf(ret_name, DISCOVERY_NAME_BYTES, "%s", name);
}

void discovery_reach(const struct discovered *item, char ret_host[ADDRESS_TEXT_BYTES])
{
	if (is_any(&item->address))
		snprintf(ret_host, ADDRESS_TEXT_BYTES, "%s", item->address.v6 ? "::1" : "127.0.0.1");
	else
		address_format(&item->address, ret_host);
}

static void write_url(const struct discovered *item, const char *scheme, struct json_writer *json)
{
	char host[ADDRESS_TEXT_BYTES], url[128];
	const char *path = item->known != NULL && item->known->path != NULL ? item->known->path : "/";
	discovery_reach(item, host);
	snprintf(url, sizeof url, strchr(host, ':') != NULL ? "%s://[%s]:%u%s" : "%s://%s:%u%s", scheme,
	         host, item->port, path);
	json_field_cstr(json, "url", url);
}

/* A page that answers 401 or 404 today is fine as it is: what is watched is that it goes on so. */
static void write_expect(const struct discovered *item, struct json_writer *json)
{
	char text[32];
	bool odd = item->status >= 400 && item->status < 500 && item->status != 405;
	if (!odd || (item->known != NULL && item->known->path != NULL))
		return;
	snprintf(text, sizeof text, "200-399,%d", item->status);
	json_key(json, "expect");
	json_map_begin(json);
	json_field_cstr(json, "status", text);
	json_map_end(json);
}

static void write_spec(const struct discovered *item, const char *service, struct json_writer *json)
{
	char host[ADDRESS_TEXT_BYTES];
	bool https = item->protocol == DISCOVERY_HTTPS;
	discovery_reach(item, host);
	json_map_begin(json);
	json_field_cstr(json, "kind", discovery_protocol_name(item->protocol));
	json_field_cstr(json, "service", service);
	if (https || item->protocol == DISCOVERY_HTTP) {
		write_url(item, https ? "https" : "http", json);
		write_expect(item, json);
	} else {
		json_field_cstr(json, "host", host);
		json_field_int(json, "port", item->port);
	}
	/* Asked by its address, no certificate can be for that name. Its days are watched all the same. */
	if (https || item->protocol == DISCOVERY_TLS)
		json_field_bool(json, "verify", false);
	if (item->protocol == DISCOVERY_TCP && item->known != NULL && item->known->send != NULL)
		json_field_cstr(json, "send", item->known->send);
	if (item->protocol == DISCOVERY_TCP && item->known != NULL && item->known->receive != NULL)
		json_field_cstr(json, "receive", item->known->receive);
	json_map_end(json);
}

void discovery_write_open(const struct discovered *item, struct json_writer *json)
{
	char address[ADDRESS_TEXT_BYTES], service[DISCOVERY_NAME_BYTES], name[DISCOVERY_NAME_BYTES + 8];
	address_format(&item->address, address);
	discovery_service(item, service);
	snprintf(name, sizeof name, "%.54s-%u", service, item->port);
	json_map_begin(json);
	json_field_cstr(json, "process", item->process);
	json_field_int(json, "pid", item->pid);
	json_field_cstr(json, "command", item->command);
	json_field_cstr(json, "address", address);
	json_field_int(json, "port", item->port);
	json_field_cstr(json, "protocol", discovery_protocol_name(item->protocol));
	json_field_cstr(json, "guess", discovery_guess(item));
	json_key(json, "suggested");
	json_map_begin(json);
	json_field_cstr(json, "service", service);
	json_key(json, "checks");
	json_list_begin(json);
	json_map_begin(json);
	json_field_cstr(json, "name", str_starts(str_of(service), STR("port-")) ? service : name);
	json_key(json, "spec");
	write_spec(item, service, json);
	json_map_end(json);
	json_list_end(json);
	json_map_end(json);
}
