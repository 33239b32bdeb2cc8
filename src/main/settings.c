/* settings.c: see settings.h. */
#include "main/settings.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "main/serve_metrics.h"
#include "store/store.h"
#include "sys/file.h"
#include "wire/json_writer.h"
#include "wire/pq.h"
#include "wire/trust.h"

#define SHOWN_BYTES 300

/* An address is a text that may hold a password. */
enum setting_type { SETTING_TEXT, SETTING_ADDRESS, SETTING_FLAG };

struct setting {
	const char *name; /* "public-url": --public-url, MAINSTAY_PUBLIC_URL */
	enum setting_type type;
	size_t offset;
	const char *otherwise, *value, *about;
};

#define ROW(name, type, field, otherwise, value, about) \
	{ name, type, offsetof(struct settings, field), otherwise, value, about }

static const struct setting rows[] = {
	ROW("config", SETTING_TEXT, config, NULL, "FILE", "file of settings: a line `name = value` for each"),
	ROW("data", SETTING_TEXT, data, "./data", "DIR", "folder of everything that is kept"),
	ROW("store", SETTING_ADDRESS, store, NULL, "postgres://...",
	    "database to keep it in; without it, SQLite in the data folder"),
	ROW("listen", SETTING_TEXT, listen, "127.0.0.1:8484", "ADDRESS:PORT",
	    "where to listen; port 0 takes a free one"),
	ROW("status-listen", SETTING_TEXT, status_listen, NULL, "ADDRESS:PORT",
	    "where to serve status pages and nothing else, the home page at /"),
	ROW("node-url", SETTING_TEXT, node_url, NULL, "URL",
	    "how other servers on the same database reach this one (as it listens)"),
	ROW("public-url", SETTING_TEXT, public_url, NULL, "URL",
	    "how people reach it, for links in pages"),
	ROW("trusted-proxy", SETTING_TEXT, trusted_proxy, NULL, "ADDRESSES",
	    "proxies whose X-Forwarded-For is believed, like 127.0.0.1,10.0.0.0/8"),
	ROW("tls-cert", SETTING_TEXT, tls_cert, NULL, "FILE", "certificate chain (PEM); re-read when it changes"),
	ROW("tls-key", SETTING_TEXT, tls_key, NULL, "FILE", "its private key (PEM)"),
	ROW("ca-file", SETTING_TEXT, ca_file, NULL, "FILE",
	    "authorities (PEM) to trust where this server asks others, instead of the system's"),
	ROW("commands", SETTING_TEXT, commands, NULL, "DIR", "folder of the commands that pages may run"),
	ROW("plugins", SETTING_TEXT, plugins, NULL, "DIR[:DIR]",
	    "folders of the plugins that checks may run: /usr/lib/nagios/plugins"),
	ROW("last-resort", SETTING_TEXT, last_resort, NULL, "NAME",
	    "the command in that folder that pages when nothing can be stored"),
	ROW("admin", SETTING_TEXT, admin, "admin@localhost", "EMAIL", "address of the first person"),
	ROW("name", SETTING_TEXT, name, "production", "NAME", "what this installation is called"),
	ROW("log-level", SETTING_TEXT, log_level, "info", "LEVEL", "debug, info, warning or error"),
	ROW("metrics-keep", SETTING_TEXT, metrics_keep, "15d", "TIME", "how long samples of time series are kept"),
	ROW("metrics-sync", SETTING_TEXT, metrics_sync, "1s", "TIME",
	    "how much of them a power failure may cost; 0s: none, on the disk before the answer"),
	ROW("metrics-late", SETTING_TEXT, metrics_late, "30m", "TIME",
	    "how far behind the newest of all samples one may be"),
	ROW("metrics-memory", SETTING_TEXT, metrics_memory, "2048", "MB",
	    "memory of time series: new ones are refused from here on"),
	ROW("metrics-series", SETTING_TEXT, metrics_series, "5000000", "NUMBER",
	    "how many there may be: new ones are refused from here on"),
	ROW("query-timeout", SETTING_TEXT, query_timeout, "30s", "TIME", "how long one query may take, at most 2m"),
	ROW("query-samples", SETTING_TEXT, query_samples, "50000000", "NUMBER", "how many samples one query may read"),
	ROW("scrape-config", SETTING_TEXT, scrape_config, NULL, "FILE",
	    "prometheus.yml whose targets are scraped; read again when it changes"),
	ROW("insecure-http", SETTING_FLAG, insecure_http, NULL, NULL,
	    "allow plain HTTP beyond this machine"),
	ROW("supervised", SETTING_FLAG, supervised, NULL, NULL, "internal"),
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void set_text(struct settings *settings, const struct setting *row, const char *value)
{
	memcpy((char *)settings + row->offset, &value, sizeof value);
}

static void set_flag(struct settings *settings, const struct setting *row, bool value)
{
	memcpy((char *)settings + row->offset, &value, sizeof value);
}

static const char *from_environment(const struct setting *row)
{
	char name[64] = "MAINSTAY_";
	size_t at = strlen(name);
	for (const char *c = row->name; *c != '\0' && at + 1 < sizeof name; c++)
		name[at++] = *c == '-' ? '_' : (char)(*c - 'a' + 'A');
	name[at] = '\0';
	return getenv(name);
}

static void set_defaults(struct settings *settings)
{
	*settings = (struct settings){ 0 };
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].type != SETTING_FLAG)
			set_text(settings, &rows[i], rows[i].otherwise);
	}
}

static void set_from_environment(struct settings *settings)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *value = from_environment(&rows[i]);
		if (value != NULL && rows[i].type != SETTING_FLAG)
			set_text(settings, &rows[i], value);
		else if (value != NULL)
			set_flag(settings, &rows[i], strcmp(value, "1") == 0);
	}
}

static const struct setting *find(struct str name)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (str_is(name, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

static enum err unknown(struct str name, struct error *err)
{
	error_set(err, ERR_INVALID, "there is no setting \"--" STR_FMT "\"", STR_ARG(name));
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (str_distance(name, str_of(rows[i].name)) <= 2)
			error_hint(err, "did you mean --%s?", rows[i].name);
	}
	return ERR_INVALID;
}

/* ---- the file ---- */

static enum err in_line(const struct settings *settings, int line, struct error *err)
{
	error_prefix(err, "\"%.200s\" line %d", settings->config, line);
	return ERR_INVALID;
}

/* `text` ends in a NUL where the line ended, so that a value is a text of its own. */
static enum err take_line(struct settings *settings, char *text, int number, struct error *err)
{
	struct str line = str_trim(str_of(text)), name, value;
	if (line.len == 0 || line.ptr[0] == '#')
		return OK;
	bool pair = str_cut(line, '=', &name, &value);
	const struct setting *row = find(str_trim(name));
	value = str_trim(value);
	if (!pair || row == NULL || strcmp(row->about, "internal") == 0 || strcmp(row->name, "config") == 0) {
		unknown(str_trim(name), err);
		return in_line(settings, number, err);
	}
	if (row->type == SETTING_FLAG && !str_is(value, "true") && !str_is(value, "false")) {
		error_set(err, ERR_INVALID, "%s is true or false", row->name);
		return in_line(settings, number, err);
	}
	text[value.ptr - text + (ptrdiff_t)value.len] = '\0';
	if (row->type == SETTING_FLAG)
		set_flag(settings, row, str_is(value, "true"));
	else
		set_text(settings, row, value.len > 0 ? value.ptr : row->otherwise);
	return OK;
}

static enum err take_file(struct settings *settings, struct error *err)
{
	char *bytes;
	size_t size;
	enum err r = file_read(settings->config, SETTINGS_FILE_BYTES_MAX - 1, &bytes, &size, err);
	if (r != OK)
		return error_set(err, ERR_INVALID, "could not read --config \"%.200s\"", settings->config);
	bool text = str_is_utf8((struct str){ bytes, size }) && memchr(bytes, '\0', size) == NULL;
	memcpy(settings->file, bytes, size + 1);
	mem_free(bytes);
	if (!text)
		return error_set(err, ERR_INVALID, "--config \"%.200s\" is no text", settings->config);
	int number = 1;
	for (char *line = settings->file, *end; r == OK && line != NULL; line = end != NULL ? end + 1 : NULL, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		r = take_line(settings, line, number, err);
	}
	return r;
}

/* The struct was copied: what pointed into its file must point into the copy's. */
static void move_texts(const struct settings *from, struct settings *to)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *value;
		memcpy(&value, (const char *)from + rows[i].offset, sizeof value * (rows[i].type != SETTING_FLAG));
		if (rows[i].type != SETTING_FLAG && value >= from->file && value < from->file + sizeof from->file)
			set_text(to, &rows[i], to->file + (value - from->file));
	}
}

/* ---- the command line ---- */

static enum err take_arguments(int argc, char **argv, struct settings *settings, struct error *err)
{
	for (int i = 0; i < argc; i++) {
		struct str argument = str_of(argv[i]), name, value;
		if (!str_starts(argument, STR("--")))
			return error_set(err, ERR_INVALID, "\"%s\" is no setting", argv[i]);
		bool joined = str_cut(str_sub(argument, 2, argument.len), '=', &name, &value);
		const struct setting *row = find(name);
		if (row == NULL)
			return unknown(name, err);
		if (row->type == SETTING_FLAG) {
			set_flag(settings, row, true);
			continue;
		}
		if (!joined && i + 1 == argc)
			return error_set(err, ERR_INVALID, "--%s needs a value: %s", row->name, row->value);
		set_text(settings, row, joined ? value.ptr : argv[++i]);
	}
	return OK;
}

/* Which file is said by the command line or the environment; both win over what it says. */
static enum err take_all(int argc, char **argv, struct settings *settings, struct error *err)
{
	set_defaults(settings);
	set_from_environment(settings);
	enum err r = take_arguments(argc, argv, settings, err);
	if (r != OK || settings->config == NULL)
		return r;
	const char *config = settings->config;
	set_defaults(settings);
	settings->config = config;
	r = take_file(settings, err);
	if (r != OK)
		return r;
	set_from_environment(settings);
	return take_arguments(argc, argv, settings, err);
}

enum err settings_parse(int argc, char **argv, struct settings *ret_settings, struct error *err)
{
	struct settings settings;
	enum err r = take_all(argc, argv, &settings, err);
	if (r == OK)
		r = settings_check(&settings, err);
	if (r == OK) {
		*ret_settings = settings;
		move_texts(&settings, ret_settings);
	}
	return r;
}

static bool is_loopback(const char *listen)
{
	struct str text = str_of(listen);
	return str_starts(text, STR("127.")) || str_starts(text, STR("[::1]")) ||
	       str_starts(text, STR("localhost:"));
}

static bool is_base_url(const char *url)
{
	struct str text = str_of(url);
	return (str_starts(text, STR("http://")) || str_starts(text, STR("https://"))) && !str_ends(text, STR("/")) &&
	       text.len < STORE_NODE_URL_BYTES;
}

enum err settings_check(const struct settings *settings, struct error *err)
{
	struct serve_metrics_limits limits;
	bool https_in_front = settings->public_url != NULL &&
			      str_starts(str_of(settings->public_url), STR("https://"));
	struct api_proxies proxies;
	if (settings->trusted_proxy != NULL &&
	    api_proxies_parse(settings->trusted_proxy, &proxies, err) != OK)
		return ERR_INVALID;
	if (serve_metrics_check(settings, &limits, err) != OK)
		return ERR_INVALID;
	if ((settings->tls_cert == NULL) != (settings->tls_key == NULL))
		return error_set(err, ERR_INVALID, "--tls-cert and --tls-key go together");
	struct trust *trust;
	if (settings->ca_file != NULL && trust_create(settings->ca_file, &trust, err) != OK)
		return ERR_INVALID;
	if (settings->ca_file != NULL)
		trust_destroy(&trust);
	if (settings->store != NULL && !pq_is_url(str_of(settings->store))) {
		error_set(err, ERR_INVALID, "--store begins with postgres://");
		error_hint(err, "leave it out to keep everything in the data folder");
		return ERR_INVALID;
	}
	if (settings->public_url != NULL && !https_in_front &&
	    !str_starts(str_of(settings->public_url), STR("http://")))
		return error_set(err, ERR_INVALID, "--public-url begins with https:// or http://");
	if (settings->public_url != NULL && str_ends(str_of(settings->public_url), STR("/")))
		return error_set(err, ERR_INVALID, "--public-url ends without a slash");
	if (settings->node_url != NULL && !is_base_url(settings->node_url))
		return error_set(err, ERR_INVALID, "--node-url is like https://first.example.org:8443");
	if (is_loopback(settings->listen) || settings->tls_cert != NULL || https_in_front ||
	    settings->insecure_http)
		return OK;
	error_set(err, ERR_INVALID, "plain HTTP on \"%s\" would show passwords to the network",
		  settings->listen);
	error_hint(err, "give --tls-cert and --tls-key, or --public-url https://... with a proxy in front, "
			"or --insecure-http");
	return ERR_INVALID;
}

bool settings_host(const struct settings *settings, char *out, size_t size)
{
	const char *host = settings->public_url != NULL ? strstr(settings->public_url, "://") : NULL;
	size_t length = host != NULL ? strcspn(host + 3, ":/[") : 0;
	if (length == 0 || length >= size)
		return false;
	memcpy(out, host + 3, length);
	out[length] = '\0';
	return true;
}

void settings_help(struct buf *out)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct setting *row = &rows[i];
		if (strcmp(row->about, "internal") == 0)
			continue;
		char left[64];
		snprintf(left, sizeof left, "--%s %s", row->name, row->value != NULL ? row->value : "");
		buf_printf(out, "  %-28s %s", left, row->about);
		if (row->otherwise != NULL)
			buf_printf(out, " (%s)", row->otherwise);
		buf_adds(out, "\n");
	}
}

void settings_man(struct buf *out)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct setting *row = &rows[i];
		if (strcmp(row->about, "internal") == 0)
			continue;
		buf_adds(out, ".TP\n\\fB\\-\\-");
		cli_man_text(row->name, out);
		buf_printf(out, "\\fR \\fI%s\\fR\n", row->value != NULL ? row->value : "");
		cli_man_text(row->about, out);
		if (row->otherwise != NULL) {
			buf_adds(out, " (");
			cli_man_text(row->otherwise, out);
			buf_addc(out, ')');
		}
		buf_addc(out, '\n');
	}
}

/* The settings in force keep no trace of where they came from; asking again gives the same answer. */
static const char *source_of(const struct settings *settings, const struct setting *row, const char *value)
{
	if (value != NULL && value >= settings->file && value < settings->file + sizeof settings->file)
		return "file";
	const char *given = from_environment(row);
	if (value == NULL || (row->otherwise != NULL && strcmp(value, row->otherwise) == 0))
		return "default";
	return given != NULL && strcmp(value, given) == 0 ? "environment" : "option";
}

static const char *value_of(const struct settings *settings, const struct setting *row)
{
	const char *at = (const char *)settings + row->offset, *value;
	if (row->type == SETTING_FLAG)
		return *(const bool *)at ? "true" : NULL;
	memcpy(&value, at, sizeof value);
	return value;
}

/* How much of `text` stands before the first of these. */
static size_t before_any(struct str text, const char *bytes)
{
	size_t length = 0;
	while (length < text.len && strchr(bytes, text.ptr[length]) == NULL)
		length++;
	return length;
}

/* "postgres://ann:secret@db/house?x=y" is shown as "postgres://ann@db/house". A password that should have been
 * written with %40, %2F or %3F may hold any of the signs that part an address, so what is shown is only what
 * certainly is none of it: the name before the first sign, and what follows the last '@', up to a '?'. With a '?'
 * before that '@' it may stand in the query, and what follows may be the end of a password: then no place is shown. */
void settings_shown(const char *address, char *out, size_t size)
{
	const char *mark = strstr(address, "://"), *last = strrchr(address, '@');
	size_t scheme = mark != NULL ? (size_t)(mark - address) + 3 : 0;
	struct str rest = str_of(address + scheme);
	size_t user = last != NULL ? before_any(rest, ":@/?") : 0, query = before_any(rest, "?");
	struct str place = str_of(last != NULL ? last + 1 : rest.ptr);
	place = last != NULL && rest.ptr + query < last ? STR("...") : str_sub(place, 0, before_any(place, "?"));
	snprintf(out, size, "%.*s%.*s%s" STR_FMT, (int)scheme, address, (int)user, rest.ptr, last != NULL ? "@" : "",
		 STR_ARG(place));
}

enum err settings_json(void *context, struct buf *out, struct error *err)
{
	struct json_writer json;
	(void)err;
	json_init(&json, out);
	json_list_begin(&json);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcmp(rows[i].about, "internal") == 0)
			continue;
		const char *value = value_of(context, &rows[i]);
		json_map_begin(&json);
		json_field_cstr(&json, "name", rows[i].name);
		char shown[SHOWN_BYTES];
		if (value != NULL && rows[i].type == SETTING_ADDRESS)
			settings_shown(value, shown, sizeof shown);
		json_field_cstr(&json, "value",
				value != NULL && rows[i].type == SETTING_ADDRESS ? shown : value);
		json_field_cstr(&json, "source", source_of(context, &rows[i], value));
		json_field_cstr(&json, "about", rows[i].about);
		json_map_end(&json);
	}
	json_list_end(&json);
	json_finish(&json);
	return OK;
}
