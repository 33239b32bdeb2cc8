/*
 * scrape_rows.c: every key of prometheus.yml that is known, as rows. To add one: a member in scrape_config.h, a row here,
 * and what must hold for it in scrape_check.c.
 */
#include "monitor/scrape_priv.h"

#define MINUTE_MS 60000

#define ROW(type, holder, key, member) { key, SCRAPE_ROW_##type, offsetof(struct holder, member) }
#define CHOICE(holder, key, member, words) \
	{ key, SCRAPE_ROW_CHOICE, offsetof(struct holder, member), .choices = (words) }
#define OBJECT(holder, key, member, of, of_rows, of_init) \
	{ key, SCRAPE_ROW_OBJECT, offsetof(struct holder, member), sizeof(struct of), of_rows, .init = (of_init) }
#define OBJECTS(holder, key, member, of, of_rows, of_init) \
	{ key, SCRAPE_ROW_OBJECTS, offsetof(struct holder, member), sizeof(struct of), of_rows, .init = (of_init) }
#define NAMED(holder, key, member, of, of_rows) \
	{ key, SCRAPE_ROW_NAMED, offsetof(struct holder, member), sizeof(struct of), of_rows }
#define UNUSED(key) { key, SCRAPE_ROW_UNUSED }
#define END { NULL }

static const char *const schemes[] = { "http", "https", NULL };
static const char *const tls_versions[] = { "TLS10", "TLS11", "TLS12", "TLS13", NULL };
static const char *const dns_types[] = { "SRV", "A", "AAAA", "MX", "NS", NULL };
static const char *const validations[] = { "legacy", "utf8", NULL };
static const char *const escapings[] = { "allow-utf-8", "underscores", "dots", "values", NULL };
static const char *const protocols[] = { "PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
					 "PrometheusText0.0.4", "PrometheusText1.0.0", NULL };
static const char *const api_versions[] = { "v1", "v2", NULL };

/* ---- how to ask ---- */

static const struct scrape_row tls_rows[] = {
	ROW(TEXT, scrape_tls, "ca", ca),
	ROW(TEXT, scrape_tls, "cert", cert),
	ROW(SECRET, scrape_tls, "key", key),
	ROW(TEXT, scrape_tls, "ca_file", ca_file),
	ROW(TEXT, scrape_tls, "cert_file", cert_file),
	ROW(TEXT, scrape_tls, "key_file", key_file),
	ROW(TEXT, scrape_tls, "server_name", server_name),
	ROW(BOOL, scrape_tls, "insecure_skip_verify", insecure_skip_verify),
	CHOICE(scrape_tls, "min_version", min_version, tls_versions),
	CHOICE(scrape_tls, "max_version", max_version, tls_versions),
	END,
};

static const struct scrape_row basic_rows[] = {
	ROW(TEXT, scrape_basic_auth, "username", username),
	ROW(TEXT, scrape_basic_auth, "username_file", username_file),
	ROW(SECRET, scrape_basic_auth, "password", password),
	ROW(TEXT, scrape_basic_auth, "password_file", password_file),
	END,
};

static const struct scrape_row authorization_rows[] = {
	ROW(TEXT, scrape_authorization, "type", type),
	ROW(SECRET, scrape_authorization, "credentials", credentials),
	ROW(TEXT, scrape_authorization, "credentials_file", credentials_file),
	END,
};

#define PROXY_ROWS(holder, member)                                                                     \
	ROW(SECRET, holder, "proxy_url", member.url),                                                  \
	ROW(TEXT, holder, "no_proxy", member.no_proxy),                                                \
	ROW(BOOL, holder, "proxy_from_environment", member.from_environment),                          \
	ROW(SECRET_LISTS, holder, "proxy_connect_header", member.connect_header)

static const struct scrape_row oauth2_rows[] = {
	ROW(TEXT, scrape_oauth2, "client_id", client_id),
	ROW(SECRET, scrape_oauth2, "client_secret", client_secret),
	ROW(TEXT, scrape_oauth2, "client_secret_file", client_secret_file),
	ROW(TEXTS, scrape_oauth2, "scopes", scopes),
	ROW(TEXT, scrape_oauth2, "token_url", token_url),
	ROW(PAIRS, scrape_oauth2, "endpoint_params", endpoint_params),
	OBJECT(scrape_oauth2, "tls_config", tls, scrape_tls, tls_rows, NULL),
	PROXY_ROWS(scrape_oauth2, proxy),
	END,
};

static const struct scrape_row header_rows[] = {
	ROW(TEXTS, scrape_header, "values", values),
	ROW(SECRETS, scrape_header, "secrets", secrets),
	ROW(TEXTS, scrape_header, "files", files),
	END,
};

/* Those of an HTTP client stand beside the others of the struct that has one as `http`. */
#define HTTP_ROWS(holder)                                                                              \
	OBJECT(holder, "basic_auth", http.basic_auth, scrape_basic_auth, basic_rows, NULL),            \
	OBJECT(holder, "authorization", http.authorization, scrape_authorization, authorization_rows,  \
	       authorization_init),                                                                    \
	OBJECT(holder, "oauth2", http.oauth2, scrape_oauth2, oauth2_rows, NULL),                       \
	OBJECT(holder, "tls_config", http.tls, scrape_tls, tls_rows, NULL),                            \
	ROW(SECRET, holder, "bearer_token", http.bearer_token),                                        \
	ROW(TEXT, holder, "bearer_token_file", http.bearer_token_file),                                \
	PROXY_ROWS(holder, http.proxy),                                                                \
	NAMED(holder, "http_headers", http.headers, scrape_header, header_rows),                       \
	ROW(BOOL, holder, "follow_redirects", http.follow_redirects),                                  \
	ROW(BOOL, holder, "enable_http2", http.enable_http2)

static void authorization_init(void *object)
{
	((struct scrape_authorization *)object)->type = STR("Bearer");
}

static void http_init(struct scrape_http *http)
{
	http->follow_redirects = true;
	http->enable_http2 = true;
}

/* ---- who is asked ---- */

const struct scrape_row scrape_group_rows[] = {
	ROW(TEXTS, scrape_group, "targets", targets),
	ROW(PAIRS, scrape_group, "labels", labels),
	END,
};

static void file_sd_init(void *object)
{
	((struct scrape_file_sd *)object)->refresh_ms = SCRAPE_FILE_REFRESH_MS;
}

static const struct scrape_row file_sd_rows[] = {
	ROW(TEXTS, scrape_file_sd, "files", files),
	ROW(DURATION, scrape_file_sd, "refresh_interval", refresh_ms),
	END,
};

static void http_sd_init(void *object)
{
	struct scrape_http_sd *sd = object;
	sd->refresh_ms = SCRAPE_HTTP_REFRESH_MS;
	http_init(&sd->http);
}

static const struct scrape_row http_sd_rows[] = {
	ROW(TEXT, scrape_http_sd, "url", url),
	ROW(DURATION, scrape_http_sd, "refresh_interval", refresh_ms),
	HTTP_ROWS(scrape_http_sd),
	END,
};

static void dns_sd_init(void *object)
{
	struct scrape_dns_sd *sd = object;
	sd->refresh_ms = SCRAPE_DNS_REFRESH_MS;
	sd->type = STR("SRV");
}

static const struct scrape_row dns_sd_rows[] = {
	ROW(TEXTS, scrape_dns_sd, "names", names),
	CHOICE(scrape_dns_sd, "type", type, dns_types),
	ROW(COUNT, scrape_dns_sd, "port", port),
	ROW(DURATION, scrape_dns_sd, "refresh_interval", refresh_ms),
	END,
};

#define DISCOVERY_ROWS(holder)                                                                         \
	OBJECTS(holder, "static_configs", discovery.groups, scrape_group, scrape_group_rows, NULL),    \
	OBJECTS(holder, "file_sd_configs", discovery.files, scrape_file_sd, file_sd_rows, file_sd_init), \
	OBJECTS(holder, "http_sd_configs", discovery.https, scrape_http_sd, http_sd_rows, http_sd_init), \
	OBJECTS(holder, "dns_sd_configs", discovery.names, scrape_dns_sd, dns_sd_rows, dns_sd_init)

/* ---- relabelling ---- */

static void relabel_init(void *object)
{
	struct scrape_relabel *relabel = object;
	relabel->action = STR("replace");
	relabel->separator = STR(";");
	relabel->regex = STR("(.*)");
	relabel->replacement = STR("$1");
}

static const struct scrape_row relabel_rows[] = {
	ROW(TEXTS, scrape_relabel, "source_labels", sources),
	ROW(TEXT, scrape_relabel, "separator", separator),
	ROW(TEXT, scrape_relabel, "regex", regex),
	ROW(COUNT, scrape_relabel, "modulus", modulus),
	ROW(TEXT, scrape_relabel, "target_label", target),
	ROW(TEXT, scrape_relabel, "replacement", replacement),
	ROW(TEXT, scrape_relabel, "action", action),
	END,
};

#define RELABELS(holder, key, member) OBJECTS(holder, key, member.written, scrape_relabel, relabel_rows, relabel_init)

/* ---- jobs ---- */

#define LIMIT_ROWS(holder)                                                                 \
	ROW(BYTES, holder, "body_size_limit", limits.body_bytes),                          \
	ROW(COUNT, holder, "sample_limit", limits.samples),                                \
	ROW(COUNT, holder, "label_limit", limits.labels),                                  \
	ROW(COUNT, holder, "label_name_length_limit", limits.label_name_bytes),            \
	ROW(COUNT, holder, "label_value_length_limit", limits.label_value_bytes),          \
	ROW(COUNT, holder, "target_limit", limits.targets),                                \
	ROW(COUNT, holder, "keep_dropped_targets", limits.kept_dropped)

#define NAME_ROWS(holder)                                                                  \
	CHOICE(holder, "metric_name_validation_scheme", validation, validations),          \
	CHOICE(holder, "metric_name_escaping_scheme", escaping, escapings),                \
	ROW(TEXT, holder, "scrape_failure_log_file", failure_log),                         \
	ROW(BOOL, holder, "scrape_native_histograms", native_histograms),                  \
	ROW(BOOL, holder, "always_scrape_classic_histograms", classic_histograms),         \
	ROW(BOOL, holder, "convert_classic_histograms_to_nhcb", convert_classic),          \
	ROW(BOOL, holder, "extra_scrape_metrics", extra_metrics)

static void job_init(void *object)
{
	struct scrape_job *job = object;
	job->metrics_path = STR("/metrics");
	job->scheme = STR("http");
	job->honor_timestamps = true;
	job->enable_compression = true;
	http_init(&job->http);
}

static const struct scrape_row job_rows[] = {
	ROW(TEXT, scrape_job, "job_name", name),
	ROW(DURATION, scrape_job, "scrape_interval", interval_ms),
	ROW(DURATION, scrape_job, "scrape_timeout", timeout_ms),
	ROW(TEXT, scrape_job, "metrics_path", metrics_path),
	CHOICE(scrape_job, "scheme", scheme, schemes),
	ROW(LISTS, scrape_job, "params", params),
	ROW(BOOL, scrape_job, "honor_labels", honor_labels),
	ROW(BOOL, scrape_job, "honor_timestamps", honor_timestamps),
	ROW(BOOL, scrape_job, "track_timestamps_staleness", track_timestamps_staleness),
	ROW(BOOL, scrape_job, "enable_compression", enable_compression),
	{ "scrape_protocols", SCRAPE_ROW_TEXTS, offsetof(struct scrape_job, protocols), .choices = protocols },
	CHOICE(scrape_job, "fallback_scrape_protocol", fallback_protocol, protocols),
	ROW(COUNT, scrape_job, "native_histogram_bucket_limit", limits.native_buckets),
	ROW(REAL, scrape_job, "native_histogram_min_bucket_factor", native_growth),
	ROW(BOOL, scrape_job, "scrape_classic_histograms", classic_histograms),
	LIMIT_ROWS(scrape_job),
	NAME_ROWS(scrape_job),
	HTTP_ROWS(scrape_job),
	DISCOVERY_ROWS(scrape_job),
	RELABELS(scrape_job, "relabel_configs", relabel),
	RELABELS(scrape_job, "metric_relabel_configs", metric_relabel),
	END,
};

static void alertmanager_init(void *object)
{
	struct scrape_alertmanager *manager = object;
	manager->scheme = STR("http");
	manager->api_version = STR("v2");
	manager->timeout_ms = MINUTE_MS / 6;
	http_init(&manager->http);
}

static const struct scrape_row alertmanager_rows[] = {
	CHOICE(scrape_alertmanager, "scheme", scheme, schemes),
	ROW(TEXT, scrape_alertmanager, "path_prefix", path_prefix),
	ROW(DURATION, scrape_alertmanager, "timeout", timeout_ms),
	CHOICE(scrape_alertmanager, "api_version", api_version, api_versions),
	HTTP_ROWS(scrape_alertmanager),
	DISCOVERY_ROWS(scrape_alertmanager),
	RELABELS(scrape_alertmanager, "relabel_configs", relabel),
	RELABELS(scrape_alertmanager, "alert_relabel_configs", alert_relabel),
	END,
};

static const struct scrape_row global_rows[] = {
	ROW(DURATION, scrape_global, "scrape_interval", interval_ms),
	ROW(DURATION, scrape_global, "scrape_timeout", timeout_ms),
	ROW(DURATION, scrape_global, "evaluation_interval", evaluation_ms),
	ROW(DURATION, scrape_global, "rule_query_offset", rule_offset_ms),
	ROW(TEXT, scrape_global, "query_log_file", query_log),
	ROW(PAIRS, scrape_global, "external_labels", external_labels),
	{ "scrape_protocols", SCRAPE_ROW_TEXTS, offsetof(struct scrape_global, protocols), .choices = protocols },
	LIMIT_ROWS(scrape_global),
	NAME_ROWS(scrape_global),
	END,
};

static const struct scrape_row alerting_rows[] = {
	RELABELS(scrape_config, "alert_relabel_configs", alerting.relabel),
	OBJECTS(scrape_config, "alertmanagers", alerting.managers, scrape_alertmanager, alertmanager_rows, alertmanager_init),
	END,
};

#define JOBS OBJECTS(scrape_config, "scrape_configs", jobs, scrape_job, job_rows, job_init)

const struct scrape_row scrape_config_rows[] = {
	{ "global", SCRAPE_ROW_INSIDE, offsetof(struct scrape_config, global), .rows = global_rows },
	ROW(TEXTS, scrape_config, "rule_files", rule_files),
	ROW(TEXTS, scrape_config, "scrape_config_files", more_files),
	JOBS,
	{ "alerting", SCRAPE_ROW_INSIDE, 0, .rows = alerting_rows },
	UNUSED("remote_write"),
	UNUSED("remote_read"),
	UNUSED("storage"),
	UNUSED("tracing"),
	UNUSED("otlp"),
	UNUSED("runtime"),
	END,
};

const struct scrape_row scrape_more_rows[] = { JOBS, END };

void scrape_config_init(void *object)
{
	struct scrape_config *config = object;
	config->global.interval_ms = MINUTE_MS;
	config->global.evaluation_ms = MINUTE_MS;
}
