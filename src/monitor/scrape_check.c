/* scrape_check.c: what must hold between the fields of prometheus.yml, and what global fills in. See scrape_config.h. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "monitor/scrape_priv.h"

#define TIMEOUT_MS_DEFAULT 10000
#define PORT_MAX 65535
#define PROTOCOLS_MAX 64u /* rows of a list; each that is known may come once */

static void say(struct scrape_reading *reading, struct scrape_place place, const char *what)
{
	scrape_trouble(reading, place.line, place.column, "%s", what);
}

/* A row of a table: what is wrong, when it is. */
struct rule {
	bool broken;
	const char *text;
};

static void hold(struct scrape_reading *reading, struct scrape_place place, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].broken)
			say(reading, place, rules[i].text);
}

#define HOLD(reading, place, rules) hold(reading, place, rules, sizeof(rules) / sizeof((rules)[0]))

static bool is_label_name(struct str name)
{
	return name.len > 0 && str_is_utf8(name);
}

/* ---- relabelling ---- */

static bool has_variable(struct str text)
{
	return str_has(text, '$');
}

static bool action_of(struct str text, enum relabel_action *ret_action)
{
	for (int i = 0; i < RELABEL_ACTION_COUNT; i++)
		if (text.len == strlen(relabel_action_names[i]) &&
		    strncasecmp(text.ptr, relabel_action_names[i], text.len) == 0) {
			*ret_action = (enum relabel_action)i;
			return true;
		}
	return false;
}

static bool is_default(struct str text, const char *otherwise)
{
	return str_is(text, otherwise);
}

static void check_relabel(struct scrape_reading *reading, const struct scrape_relabel *r, enum relabel_action action)
{
	bool equal = action == RELABEL_KEEPEQUAL || action == RELABEL_DROPEQUAL;
	bool letters = action == RELABEL_LOWERCASE || action == RELABEL_UPPERCASE;
	bool names = action == RELABEL_LABELDROP || action == RELABEL_LABELKEEP;
	bool target = equal || letters || action == RELABEL_REPLACE || action == RELABEL_HASHMOD;
	bool separator = !is_default(r->separator, ";"), replacement = !is_default(r->replacement, "$1");
	bool variable = action == RELABEL_REPLACE && has_variable(r->target);
	const struct rule rules[] = {
		{ action == RELABEL_HASHMOD && r->modulus == 0, "the action hashmod needs a \"modulus\" above 0" },
		{ target && r->target.len == 0, "this action needs a \"target_label\"" },
		{ target && r->target.len > 0 && !variable && !is_label_name(r->target), "\"target_label\" is no label name" },
		{ (letters || equal) && replacement, "this action takes no \"replacement\"" },
		{ action == RELABEL_LABELMAP && r->replacement.len == 0, "the \"replacement\" of a labelmap makes no label name" },
		{ equal && (!is_default(r->regex, "(.*)") || r->modulus != 0 || separator),
		  "this action takes only \"source_labels\" and \"target_label\"" },
		{ names && (r->sources.count > 0 || r->target.len > 0 || r->modulus != 0 || separator || replacement),
		  "this action takes only \"regex\"" },
	};
	HOLD(reading, r->place, rules);
	for (size_t i = 0; i < r->sources.count; i++)
		if (!is_label_name(r->sources.rows[i]))
			say(reading, r->place, "a name in \"source_labels\" is no label name");
}

static void own_pattern(struct scrape_config *config, struct promql_pattern *pattern)
{
	if (config->patterns.count == config->pattern_room) {
		config->pattern_room = config->pattern_room > 0 ? config->pattern_room * 2 : 16;
		config->patterns.rows = mem_realloc(config->patterns.rows, config->pattern_room * sizeof *config->patterns.rows);
	}
	config->patterns.rows[config->patterns.count++] = pattern;
}

void scrape_check_relabels(struct scrape_reading *reading, struct scrape_relabels *relabels)
{
	relabels->rules = scrape_room(reading, 1, 1, relabels->written.count + 1, sizeof *relabels->rules);
	if (relabels->rules == NULL)
		return;
	for (size_t i = 0; i < relabels->written.count; i++) {
		const struct scrape_relabel *r = &relabels->written.rows[i];
		struct relabel_rule *rule = &relabels->rules[i];
		struct error err;
		*rule = (struct relabel_rule){ .sources = r->sources.rows, .source_count = r->sources.count,
					       .separator = r->separator, .target = r->target, .replacement = r->replacement,
					       .modulus = (uint64_t)r->modulus };
		if (!action_of(r->action, &rule->action)) {
			scrape_trouble(reading, r->place.line, r->place.column, "unknown relabel action \"" STR_FMT "\"",
				       STR_ARG(r->action));
			continue;
		}
		check_relabel(reading, r, rule->action);
		if (promql_pattern_create(r->regex, &rule->pattern, &err) != OK)
			say(reading, r->place, err.text);
		else
			own_pattern(reading->config, rule->pattern);
	}
}

/* ---- how to ask ---- */

static void check_tls(struct scrape_reading *reading, const struct scrape_tls *tls)
{
	if (tls == NULL)
		return;
	bool cert = tls->cert.len > 0 || tls->cert_file.len > 0, key = tls->key.len > 0 || tls->key_file.len > 0;
	const struct rule rules[] = {
		{ tls->ca.len > 0 && tls->ca_file.len > 0, "at most one of \"ca\" and \"ca_file\" may be given" },
		{ tls->cert.len > 0 && tls->cert_file.len > 0, "at most one of \"cert\" and \"cert_file\" may be given" },
		{ tls->key.len > 0 && tls->key_file.len > 0, "at most one of \"key\" and \"key_file\" may be given" },
		{ cert && !key, "a client certificate is given without its key" },
		{ key && !cert, "a client key is given without its certificate" },
		{ tls->min_version.len > 0 && tls->max_version.len > 0 && str_cmp(tls->min_version, tls->max_version) > 0,
		  "\"min_version\" is above \"max_version\"" },
	};
	HOLD(reading, tls->place, rules);
}

static void check_oauth2(struct scrape_reading *reading, const struct scrape_oauth2 *oauth2)
{
	if (oauth2 == NULL)
		return;
	const struct rule rules[] = {
		{ oauth2->client_id.len == 0, "oauth2 needs a \"client_id\"" },
		{ oauth2->token_url.len == 0, "oauth2 needs a \"token_url\"" },
		{ oauth2->client_secret.len > 0 && oauth2->client_secret_file.len > 0,
		  "at most one of \"client_secret\" and \"client_secret_file\" may be given" },
	};
	HOLD(reading, oauth2->place, rules);
	check_tls(reading, oauth2->tls);
}

/* What the request itself, signing in or the body say. */
static const char *const reserved_fields[] = {
	"Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Host",
	"Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "User-Agent", "Www-Authenticate", "X-Amz-Content-Sha256",
	"X-Amz-Date", "X-Amz-Security-Token", "X-Prometheus-Remote-Read-Version", "X-Prometheus-Remote-Write-Version",
	"X-Prometheus-Scrape-Timeout-Seconds", NULL,
};

static void check_headers(struct scrape_reading *reading, const struct scrape_http *http)
{
	for (size_t h = 0; h < http->headers.count; h++) {
		const struct scrape_header *header = &http->headers.rows[h];
		for (const char *const *name = reserved_fields; *name != NULL; name++)
			if (header->name.len == strlen(*name) && strncasecmp(header->name.ptr, *name, header->name.len) == 0)
				scrape_trouble(reading, header->place.line, header->place.column,
					       "\"http_headers\" cannot set \"%s\"", *name);
	}
}

static void check_http(struct scrape_reading *reading, struct scrape_place place, struct scrape_http *http)
{
	const struct scrape_basic_auth *basic = http->basic_auth;
	const struct scrape_proxy *proxy = &http->proxy;
	struct scrape_authorization *authorization = http->authorization;
	bool bearer = http->bearer_token.len > 0 || http->bearer_token_file.len > 0;
	int ways = (basic != NULL) + (authorization != NULL) + (http->oauth2 != NULL) + bearer;
	if (authorization != NULL)
		authorization->type = str_trim(authorization->type);
	if (authorization != NULL && authorization->type.len == 0)
		authorization->type = STR("Bearer");
	const struct rule rules[] = {
		{ http->bearer_token.len > 0 && http->bearer_token_file.len > 0,
		  "at most one of \"bearer_token\" and \"bearer_token_file\" may be given" },
		{ ways > 1, "at most one of \"basic_auth\", \"authorization\", \"oauth2\" and \"bearer_token\" may be given" },
		{ basic != NULL && basic->password.len > 0 && basic->password_file.len > 0,
		  "at most one of \"password\" and \"password_file\" may be given" },
		{ basic != NULL && basic->username.len > 0 && basic->username_file.len > 0,
		  "at most one of \"username\" and \"username_file\" may be given" },
		{ authorization != NULL && authorization->credentials.len > 0 && authorization->credentials_file.len > 0,
		  "at most one of \"credentials\" and \"credentials_file\" may be given" },
		{ authorization != NULL && authorization->type.len == 5 && strncasecmp(authorization->type.ptr, "basic", 5) == 0,
		  "the type of \"authorization\" cannot be basic: use \"basic_auth\"" },
		{ proxy->no_proxy.len > 0 && proxy->url.len == 0, "\"no_proxy\" needs a \"proxy_url\"" },
		{ proxy->connect_header.count > 0 && proxy->url.len == 0 && !proxy->from_environment,
		  "\"proxy_connect_header\" needs a \"proxy_url\"" },
		{ proxy->from_environment && (proxy->url.len > 0 || proxy->no_proxy.len > 0),
		  "\"proxy_from_environment\" and \"proxy_url\" exclude each other" },
	};
	HOLD(reading, place, rules);
	check_oauth2(reading, http->oauth2);
	check_headers(reading, http);
	check_tls(reading, http->tls);
}

/* ---- who is asked ---- */

void scrape_check_group(struct scrape_reading *reading, const struct scrape_group *group)
{
	for (size_t i = 0; i < group->labels.count; i++)
		if (!promql_is_label_name(group->labels.rows[i].name))
			scrape_trouble(reading, group->place.line, group->place.column, "\"" STR_FMT "\" is no label name",
				       STR_ARG(group->labels.rows[i].name));
}

/* "dir/name*.yml": a star only in the last part of a path. */
static bool is_path(struct str path)
{
	const char *star = path.len > 0 ? memchr(path.ptr, '*', path.len) : NULL;
	return path.len > 0 && (star == NULL || memchr(star, '/', (size_t)(path.ptr + path.len - star)) == NULL);
}

static bool is_sd_file(struct str path)
{
	static const char *const ends[] = { ".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML" };
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (str_ends(path, str_of(ends[i])))
			return is_path(path);
	return false;
}

static void default_refresh(int64_t *refresh_ms, int64_t otherwise)
{
	if (*refresh_ms == 0)
		*refresh_ms = otherwise;
}

static void check_file_sd(struct scrape_reading *reading, struct scrape_file_sd *sd)
{
	default_refresh(&sd->refresh_ms, SCRAPE_FILE_REFRESH_MS);
	if (sd->files.count == 0)
		say(reading, sd->place, "a file discovery needs at least one path in \"files\"");
	for (size_t i = 0; i < sd->files.count; i++)
		if (!is_sd_file(sd->files.rows[i]))
			scrape_trouble(reading, sd->place.line, sd->place.column,
				       "\"" STR_FMT "\" is no path for file discovery: it must end in .json, .yml or .yaml, and have * "
				       "only in its last part", STR_ARG(sd->files.rows[i]));
}

static bool is_http_url(struct str url)
{
	struct str rest = str_starts(url, STR("http://")) ? str_sub(url, 7, url.len) :
			  str_starts(url, STR("https://")) ? str_sub(url, 8, url.len) : STR_NONE;
	return rest.len > 0 && rest.ptr[0] != '/' && rest.ptr[0] != '?' && rest.ptr[0] != ':';
}

static void check_http_sd(struct scrape_reading *reading, struct scrape_http_sd *sd)
{
	default_refresh(&sd->refresh_ms, SCRAPE_HTTP_REFRESH_MS);
	if (!is_http_url(sd->url))
		say(reading, sd->place, "an HTTP discovery needs a \"url\" that begins with http:// or https:// and names a host");
	check_http(reading, sd->place, &sd->http);
}

static void check_dns_sd(struct scrape_reading *reading, struct scrape_dns_sd *sd)
{
	default_refresh(&sd->refresh_ms, SCRAPE_DNS_REFRESH_MS);
	const struct rule rules[] = {
		{ sd->names.count == 0, "a DNS discovery needs at least one name in \"names\"" },
		{ !str_is(sd->type, "SRV") && sd->port == 0, "a DNS discovery needs a \"port\" for all types but SRV" },
		{ sd->port > PORT_MAX, "\"port\" is above 65535" },
	};
	HOLD(reading, sd->place, rules);
}

static void check_discovery(struct scrape_reading *reading, struct scrape_discovery *discovery)
{
	for (size_t i = 0; i < discovery->groups.count; i++)
		scrape_check_group(reading, &discovery->groups.rows[i]);
	for (size_t i = 0; i < discovery->files.count; i++)
		check_file_sd(reading, &discovery->files.rows[i]);
	for (size_t i = 0; i < discovery->https.count; i++)
		check_http_sd(reading, &discovery->https.rows[i]);
	for (size_t i = 0; i < discovery->names.count; i++)
		check_dns_sd(reading, &discovery->names.rows[i]);
}

/* ---- jobs ---- */

static void inherit(int64_t *limit, int64_t from)
{
	if (*limit == 0)
		*limit = from;
}

static void inherit_text(struct str *text, struct str from)
{
	if (text->len == 0)
		*text = from;
}

static void inherit_all(struct scrape_job *job, const struct scrape_global *global)
{
	const struct scrape_limits *from = &global->limits;
	struct scrape_limits *limits = &job->limits;
	inherit(&job->interval_ms, global->interval_ms);
	inherit(&job->timeout_ms, global->timeout_ms < job->interval_ms ? global->timeout_ms : job->interval_ms);
	inherit(&limits->body_bytes, from->body_bytes);
	inherit(&limits->samples, from->samples);
	inherit(&limits->labels, from->labels);
	inherit(&limits->label_name_bytes, from->label_name_bytes);
	inherit(&limits->label_value_bytes, from->label_value_bytes);
	inherit(&limits->targets, from->targets);
	inherit(&limits->kept_dropped, from->kept_dropped);
	inherit_text(&job->failure_log, global->failure_log);
	inherit_text(&job->validation, global->validation);
	inherit_text(&job->escaping, global->escaping);
	if (job->protocols.count == 0)
		memcpy(&job->protocols, &global->protocols, sizeof job->protocols);
}

static void check_protocols(struct scrape_reading *reading, struct scrape_place place, const struct str *protocols, size_t count)
{
	if (count > PROTOCOLS_MAX) {
		say(reading, place, "\"scrape_protocols\" has more rows than there are protocols");
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(protocols[i], protocols[j]))
				scrape_trouble(reading, place.line, place.column, "\"" STR_FMT "\" comes twice in \"scrape_protocols\"",
					       STR_ARG(protocols[i]));
}

static void check_job(struct scrape_reading *reading, struct scrape_job *job, const struct scrape_job *before)
{
	struct scrape_config *config = reading->config;
	inherit_all(job, &config->global);
	if (job->name.len == 0)
		say(reading, job->place, "a scrape config needs a \"job_name\"");
	if (job->timeout_ms > job->interval_ms)
		say(reading, job->place, "\"scrape_timeout\" is longer than \"scrape_interval\"");
	for (const struct scrape_job *other = config->jobs.rows; other < before; other++)
		if (str_eq(other->name, job->name)) {
			scrape_trouble(reading, job->place.line, job->place.column,
				       "the job \"" STR_FMT "\" is there already, in line %u", STR_ARG(job->name), other->place.line);
			break;
		}
	check_protocols(reading, job->place, job->protocols.rows, job->protocols.count);
	check_http(reading, job->place, &job->http);
	check_discovery(reading, &job->discovery);
	scrape_check_relabels(reading, &job->relabel);
	scrape_check_relabels(reading, &job->metric_relabel);
}

static void check_global(struct scrape_reading *reading)
{
	struct scrape_global *global = &reading->config->global;
	if (global->timeout_ms > global->interval_ms)
		scrape_trouble(reading, 1, 1, "the global \"scrape_timeout\" is longer than the \"scrape_interval\"");
	inherit(&global->interval_ms, 60000);
	inherit(&global->timeout_ms, global->interval_ms < TIMEOUT_MS_DEFAULT ? global->interval_ms : TIMEOUT_MS_DEFAULT);
	for (size_t i = 0; i < global->external_labels.count; i++)
		if (!promql_is_label_name(global->external_labels.rows[i].name))
			scrape_trouble(reading, 1, 1, "\"" STR_FMT "\" in \"external_labels\" is no label name",
				       STR_ARG(global->external_labels.rows[i].name));
	check_protocols(reading, (struct scrape_place){ 1, 1 }, global->protocols.rows, global->protocols.count);
}

static void check_paths(struct scrape_reading *reading, const char *key, const struct str *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_path(paths[i]))
			scrape_trouble(reading, 1, 1, "\"" STR_FMT "\" in \"%s\" is no path: * may stand only in its last part",
				       STR_ARG(paths[i]), key);
}

void scrape_check(struct scrape_reading *reading, size_t first)
{
	struct scrape_config *config = reading->config;
	if (first == 0) {
		check_global(reading);
		check_paths(reading, "rule_files", config->rule_files.rows, config->rule_files.count);
		check_paths(reading, "scrape_config_files", config->more_files.rows, config->more_files.count);
		scrape_check_relabels(reading, &config->alerting.relabel);
		for (size_t i = 0; i < config->alerting.managers.count; i++) {
			struct scrape_alertmanager *manager = &config->alerting.managers.rows[i];
			check_http(reading, manager->place, &manager->http);
			check_discovery(reading, &manager->discovery);
			scrape_check_relabels(reading, &manager->relabel);
			scrape_check_relabels(reading, &manager->alert_relabel);
		}
	}
	for (size_t i = first; i < config->jobs.count; i++)
		check_job(reading, &config->jobs.rows[i], &config->jobs.rows[i]);
}
