/*
 * scrape_config.h: prometheus.yml, read and checked as Prometheus 3 does: what is scraped, by whom it is found, how it is
 * relabelled. What is wrong is collected, each with its place, so that a file is put right in one go.
 *
 *     text --rows--> structs, defaults of each --global fills in--> check: what must hold between fields --> scrape_config
 *
 * Targets are found by static_configs, file_sd_configs, http_sd_configs and dns_sd_configs; another discovery is refused
 * by its name, with what to do instead. `remote_write`, `remote_read`, `storage`, `tracing`, `otlp` and `runtime` belong
 * to Prometheus' own server: they are known, and listed in `unused`.
 *
 * Owns: the arena owns all texts and structs; scrape_config_finish frees the patterns. Secrets are in no complaint.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "monitor/relabel.h"
#include "wire/doc.h"
#include "wire/exposition.h"
#include "wire/troubles.h"

#define SCRAPE_CONFIG_BYTES_MAX (16u << 20)
#define SCRAPE_UNUSED_MAX 8u

/* Each list has this shape, so that one reader fills them all. */
#define SCRAPE_LIST(type) \
	struct {          \
		type *rows;   \
		size_t count; \
	}

struct scrape_place {
	uint32_t line, column;
};

struct scrape_pair {
	struct str name, value;
};

struct scrape_texts {
	struct str name; /* of a parameter; empty in a plain list */
	SCRAPE_LIST(struct str) values;
};

/* ---- how to ask ---- */

struct scrape_tls {
	struct scrape_place place;
	struct str ca, cert, key, ca_file, cert_file, key_file, server_name, min_version, max_version;
	bool insecure_skip_verify;
};

struct scrape_basic_auth {
	struct scrape_place place;
	struct str username, username_file, password, password_file;
};

struct scrape_authorization {
	struct scrape_place place;
	struct str type, credentials, credentials_file;
};

struct scrape_proxy {
	struct str url, no_proxy;
	bool from_environment;
	SCRAPE_LIST(struct scrape_texts) connect_header;
};

struct scrape_oauth2 {
	struct scrape_place place;
	struct str client_id, client_secret, client_secret_file, token_url;
	SCRAPE_LIST(struct str) scopes;
	SCRAPE_LIST(struct scrape_pair) endpoint_params;
	struct scrape_proxy proxy;
	struct scrape_tls *tls;
};

/* A field of `http_headers`: one line for each value. */
struct scrape_header {
	struct scrape_place place;
	struct str name;
	SCRAPE_LIST(struct str) values;
	SCRAPE_LIST(struct str) secrets;
	SCRAPE_LIST(struct str) files;
};

struct scrape_http {
	struct scrape_basic_auth *basic_auth;
	struct scrape_authorization *authorization;
	struct scrape_oauth2 *oauth2;
	struct scrape_tls *tls;
	struct str bearer_token, bearer_token_file;
	bool follow_redirects, enable_http2;
	struct scrape_proxy proxy;
	SCRAPE_LIST(struct scrape_header) headers;
};

/* ---- who is asked ---- */

struct scrape_group {
	struct scrape_place place;
	SCRAPE_LIST(struct str) targets;
	SCRAPE_LIST(struct scrape_pair) labels;
};

struct scrape_file_sd {
	struct scrape_place place;
	SCRAPE_LIST(struct str) files;
	int64_t refresh_ms;
};

struct scrape_http_sd {
	struct scrape_place place;
	struct str url;
	int64_t refresh_ms;
	struct scrape_http http;
};

struct scrape_dns_sd {
	struct scrape_place place;
	SCRAPE_LIST(struct str) names;
	struct str type;
	int64_t port, refresh_ms;
};

struct scrape_discovery {
	SCRAPE_LIST(struct scrape_group) groups;
	SCRAPE_LIST(struct scrape_file_sd) files;
	SCRAPE_LIST(struct scrape_http_sd) https;
	SCRAPE_LIST(struct scrape_dns_sd) names;
};

/* A relabelling as it was written; `rule` is what it does. */
struct scrape_relabel {
	struct scrape_place place;
	SCRAPE_LIST(struct str) sources;
	struct str separator, regex, target, replacement, action;
	int64_t modulus;
};

/* What is written, and the rules that run. */
struct scrape_relabels {
	SCRAPE_LIST(struct scrape_relabel) written;
	struct relabel_rule *rules; /* as many as were written */
};

/* ---- jobs ---- */

/* 0 is no limit. Those of a job that are not given come from `global`. */
struct scrape_limits {
	int64_t body_bytes, samples, labels, label_name_bytes, label_value_bytes, targets, kept_dropped;
	int64_t native_buckets;
};

struct scrape_job {
	struct scrape_place place;
	struct str name;
	int64_t interval_ms, timeout_ms;
	struct str metrics_path, scheme;
	SCRAPE_LIST(struct scrape_texts) params;
	bool honor_labels, honor_timestamps, track_timestamps_staleness, enable_compression;
	struct scrape_limits limits;
	SCRAPE_LIST(struct str) protocols;
	struct str fallback_protocol, failure_log, validation, escaping;
	bool native_histograms, classic_histograms, convert_classic, extra_metrics;
	double native_growth;
	struct scrape_http http;
	struct scrape_discovery discovery;
	struct scrape_relabels relabel, metric_relabel;
	bool bare; /* no series about the scrape itself; of no config */
};

struct scrape_alertmanager {
	struct scrape_place place;
	struct str scheme, path_prefix, api_version;
	int64_t timeout_ms;
	struct scrape_http http;
	struct scrape_discovery discovery;
	struct scrape_relabels relabel, alert_relabel;
};

struct scrape_global {
	struct scrape_place place;
	int64_t interval_ms, timeout_ms, evaluation_ms, rule_offset_ms;
	SCRAPE_LIST(struct scrape_pair) external_labels;
	struct str query_log, failure_log, validation, escaping;
	SCRAPE_LIST(struct str) protocols;
	struct scrape_limits limits;
	bool native_histograms, classic_histograms, convert_classic, extra_metrics;
};

struct scrape_alerting {
	struct scrape_relabels relabel;
	SCRAPE_LIST(struct scrape_alertmanager) managers;
};

struct scrape_config {
	struct scrape_global global;
	SCRAPE_LIST(struct str) rule_files, more_files; /* more_files: scrape_config_files */
	SCRAPE_LIST(struct scrape_job) jobs;
	struct scrape_alerting alerting;
	const char *unused[SCRAPE_UNUSED_MAX]; /* keys that were given and that nothing here reads */
	size_t unused_count;
	SCRAPE_LIST(struct promql_pattern *) patterns; /* for scrape_config_finish */
	size_t pattern_room;
};

/* OK when nothing is wrong; ERR_INVALID: see the troubles. In both cases scrape_config_finish frees. */
enum err scrape_config_read(struct str text, struct arena *arena, struct scrape_config *ret_config,
			    struct troubles *troubles);
/* A file of scrape_config_files: its jobs follow those that are there. */
enum err scrape_config_read_more(struct str text, struct arena *arena, struct scrape_config *config,
				 struct troubles *troubles);
void scrape_config_finish(struct scrape_config *config);

/* A file of file_sd_configs or a body of http_sd_configs: a list of groups, in YAML or JSON. */
struct scrape_groups {
	SCRAPE_LIST(struct scrape_group) list;
};
enum err scrape_groups_read(struct str text, bool json, struct arena *arena, struct scrape_groups *ret_groups,
			    struct troubles *troubles);
