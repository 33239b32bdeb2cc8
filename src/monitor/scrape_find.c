/*
 * scrape_find.c: the discoveries of a job: static, files, HTTP, DNS. See scrape_loop.h.
 *
 * What cannot be read changes nothing: the groups found before stand, and the trouble is told once until it works again.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/scrape_loop_priv.h"
#include "sys/file.h"
#include "wire/dns_ask.h"

#define GROUPS_BYTES_MAX ((size_t)256 << 20)
#define FILES_MAX 10000u       /* of one file_sd_configs */
#define TRIES_SETTLED 3u       /* so often in vain, and what it found before a reload leaves */
#define DNS_TIMEOUT (5 * TIME_SECOND)
#define HTTP_TIMEOUT_MS_MIN 1000
#define HTTP_TIMEOUT_MS_MAX 30000
#define HTTP_ACCEPT "application/json"

/* ---- what is common ---- */

static void failed(struct scrape_source *source, const char *what)
{
	struct scrape_pool *pool = source->pool;
	if (!source->told)
		scrape_tell(pool, what);
	source->told = true;
	source->tries++;
	if (source->answered || source->tries < TRIES_SETTLED)
		return;
	source->answered = true;
	scrape_pool_sync(pool);
}

/* Takes the arena. */
static void found(struct scrape_source *source, struct arena *arena, struct scrape_groups groups)
{
	arena_finish(&source->arena);
	source->arena = *arena;
	source->groups = groups;
	source->answered = true;
	source->told = false;
	source->tries = 0;
	scrape_pool_sync(source->pool);
}

static const struct scrape_discovery *discovery_of(const struct scrape_source *source)
{
	return &source->pool->job->discovery;
}

static void add_label(struct scrape_group *group, struct arena *arena, const char *name, struct str value)
{
	struct scrape_pair *pairs = arena_array(arena, struct scrape_pair, group->labels.count + 1);
	if (group->labels.count > 0)
		memcpy(pairs, group->labels.rows, group->labels.count * sizeof *pairs);
	pairs[group->labels.count++] = (struct scrape_pair){ str_of(name), value };
	group->labels.rows = pairs;
}

/* ---- files ---- */

struct reading {
	struct arena *arena;
	struct scrape_groups groups;
	size_t room, files;
	uint64_t sum;
	char why[SCRAPE_ERROR_BYTES];
};

static void sum_file(void *context, const char *path)
{
	struct reading *reading = context;
	char *bytes;
	size_t size;
	reading->sum = (reading->sum ^ str_hash(str_of(path))) * 31 + 1;
	if (file_read(path, SCRAPE_CONFIG_BYTES_MAX, &bytes, &size, NULL) != OK)
		return;
	reading->sum = (reading->sum ^ str_hash((struct str){ bytes, size })) * 31 + 1;
	mem_free(bytes);
}

static void read_file(void *context, const char *path)
{
	struct reading *reading = context;
	struct scrape_groups groups;
	struct troubles troubles;
	if (reading->files++ >= FILES_MAX)
		return;
	if (scrape_files_groups(path, reading->arena, &groups, &troubles) != OK) {
		snprintf(reading->why, sizeof reading->why, "%.*s", (int)troubles.rows[0].len, troubles.rows[0].ptr);
		return;
	}
	if (reading->groups.list.count + groups.list.count > reading->room) {
		struct scrape_group *old = reading->groups.list.rows;
		size_t room = (reading->room + groups.list.count) * 2;
		struct scrape_group *more = arena_try(reading->arena, room * sizeof *more);
		if (more == NULL) {
			snprintf(reading->why, sizeof reading->why, "%.300s: the groups of all files are too large", path);
			return;
		}
		reading->groups.list.rows = more;
		reading->room = room;
		if (reading->groups.list.count > 0)
			memcpy(reading->groups.list.rows, old, reading->groups.list.count * sizeof *old);
	}
	for (size_t i = 0; i < groups.list.count; i++)
		reading->groups.list.rows[reading->groups.list.count++] = groups.list.rows[i];
}

static void look_at_files(struct scrape_source *source)
{
	const struct scrape_file_sd *files = &discovery_of(source)->files.rows[source->at];
	const char *config = source->pool->scrapes->loaded->path;
	struct arena arena;
	struct reading reading = { .arena = &arena, .sum = 1 };
	arena_init(&arena, GROUPS_BYTES_MAX);
	for (size_t i = 0; i < files->files.count; i++)
		scrape_files_each(config, files->files.rows[i], sum_file, &reading);
	if (reading.sum != source->sum)
		for (size_t i = 0; i < files->files.count; i++)
			scrape_files_each(config, files->files.rows[i], read_file, &reading);
	bool same = reading.sum == source->sum;
	source->sum = reading.sum;
	if (same || reading.why[0] != '\0')
		arena_finish(&arena);
	if (!same && reading.why[0] != '\0') {
		source->told = false; /* it has changed: what is wrong with it is news */
		failed(source, reading.why);
	} else if (!same) {
		found(source, &arena, reading.groups);
	}
}

/* ---- HTTP ---- */

static const struct scrape_http_sd *http_of(const struct scrape_source *source)
{
	return &discovery_of(source)->https.rows[source->at];
}

static void on_groups(void *context, const struct http_answer *answer, const struct error *wrong)
{
	struct scrape_source *source = context;
	struct str url = http_of(source)->url, type = http_answer_field(answer, "Content-Type");
	struct scrape_groups groups;
	struct arena arena;
	char why[SCRAPE_ERROR_BYTES];
	source->call = NULL;
	if (wrong != NULL || answer->status != 200 || answer->body_cut || !str_starts(type, STR("application/json"))) {
		snprintf(why, sizeof why, "could not find targets at \"%.*s\": %.200s", (int)str_sub(url, 0, 200).len, url.ptr,
			 wrong != NULL ? wrong->text : answer->status != 200 ? "the answer is not HTTP status 200" :
			 answer->body_cut ? "the answer is too large" : "the answer is not application/json");
		failed(source, why);
		return;
	}
	arena_init(&arena, GROUPS_BYTES_MAX);
	struct troubles troubles = { .arena = &arena, .source = "the answer of http_sd_configs" };
	struct str body = arena_str(&arena, answer->body);
	if (scrape_groups_read(body, true, &arena, &groups, &troubles) != OK) {
		snprintf(why, sizeof why, "%.*s", (int)troubles.rows[0].len, troubles.rows[0].ptr);
		arena_finish(&arena);
		failed(source, why);
		return;
	}
	struct error large;
	if (scrape_groups_label(&groups, &arena, "__meta_url", url, &large) != OK) {
		arena_finish(&arena);
		failed(source, large.text);
		return;
	}
	found(source, &arena, groups);
}

static void open_http(struct scrape_source *source)
{
	const struct scrape_loop *scrapes = source->pool->scrapes;
	const struct scrape_loop_options *options = &scrapes->options;
	struct scrape_ask_tools tools = { options->loop, options->clock, options->resolve, options->ca_file,
					  scrapes->loaded->path };
	struct error err;
	if (scrape_client_create(&tools, &http_of(source)->http, &source->client, &err) != OK)
		scrape_tell(source->pool, err.text);
}

static int64_t timeout_of(int64_t refresh_ms)
{
	return refresh_ms < HTTP_TIMEOUT_MS_MIN ? HTTP_TIMEOUT_MS_MIN : refresh_ms > HTTP_TIMEOUT_MS_MAX ? HTTP_TIMEOUT_MS_MAX : refresh_ms;
}

static void ask_http(struct scrape_source *source)
{
	const struct scrape_http_sd *http = http_of(source);
	cleanup_arena struct arena arena;
	struct error err;
	if (source->call != NULL)
		return;
	arena_init(&arena, 0);
	struct scrape_ask ask = { .url = arena_cstr(&arena, http->url), .accept = HTTP_ACCEPT,
				  .timeout_ms = timeout_of(http->refresh_ms),
				  .unfold = true };
	if (source->client == NULL)
		failed(source, "could not ask for targets");
	else if (scrape_client_ask(source->client, &ask, on_groups, source, &source->call, &err) != OK)
		failed(source, err.text);
}

/* ---- DNS: all names of the source are asked at once, and count when the last has answered ---- */

struct scrape_name {
	struct scrape_source *source;
	struct dns_ask *ask;
	struct str name;
};

struct scrape_names {
	struct arena arena;
	struct scrape_groups groups; /* one for each name */
	size_t open;
	bool failed;
	char why[SCRAPE_ERROR_BYTES];
	size_t count;
	struct scrape_name rows[];
};

/* "10 5 9100 host.example.org": the last word, and for SRV the port before it. */
static void add_record(struct scrape_names *names, struct scrape_group *group, const struct scrape_dns_sd *dns, struct str text)
{
	struct str words[4], rest = text;
	size_t count = 0;
	while (count < 4 && rest.len > 0)
		str_cut(rest, ' ', &words[count++], &rest);
	struct str host = count > 0 ? words[count - 1] : text;
	bool srv = str_is(dns->type, "SRV"), six = str_is(dns->type, "AAAA");
	if (srv && count != 4)
		return;
	if (!six && host.len > 1 && host.ptr[host.len - 1] == '.')
		host.len--;
	struct str port = srv ? words[2] : arena_printf(&names->arena, "%lld", (long long)dns->port);
	group->targets.rows[group->targets.count++] =
		arena_printf(&names->arena, six ? "[" STR_FMT "]:" STR_FMT : STR_FMT ":" STR_FMT, STR_ARG(host), STR_ARG(port));
}

/* Each record of SRV, MX and NS has labels of its own, so a group of its own. */
static void add_answer(struct scrape_name *row, const struct dns_answer *answer)
{
	struct scrape_source *source = row->source;
	struct scrape_names *names = source->names;
	const struct scrape_dns_sd *dns = &discovery_of(source)->names.rows[source->at];
	static const struct {
		const char *type, *target, *port;
	} labels[] = { { "SRV", "__meta_dns_srv_record_target", "__meta_dns_srv_record_port" },
		       { "MX", "__meta_dns_mx_record_target", NULL },
		       { "NS", "__meta_dns_ns_record_target", NULL } };
	for (unsigned i = 0; i < answer->count; i++) {
		struct scrape_group *group = &names->groups.list.rows[names->groups.list.count++];
		struct str text = arena_str(&names->arena, str_of(answer->texts[i])), words[4], rest = text;
		size_t count = 0;
		group->targets.rows = arena_array(&names->arena, struct str, 1);
		add_record(names, group, dns, text);
		add_label(group, &names->arena, "__meta_dns_name", row->name);
		while (count < 4 && rest.len > 0)
			str_cut(rest, ' ', &words[count++], &rest);
		for (size_t l = 0; l < sizeof labels / sizeof labels[0] && count > 0; l++) {
			if (!str_is(dns->type, labels[l].type))
				continue;
			add_label(group, &names->arena, labels[l].target, words[count - 1]);
			if (labels[l].port != NULL && count == 4)
				add_label(group, &names->arena, labels[l].port, words[2]);
		}
	}
}

static void end_names(struct scrape_source *source)
{
	struct scrape_names *names = source->names;
	source->names = NULL;
	if (names->failed) {
		arena_finish(&names->arena);
		failed(source, names->why);
	} else {
		found(source, &names->arena, names->groups);
	}
	mem_free(names);
}

static void on_name(void *context, const struct dns_ask_result *result, const struct error *wrong)
{
	struct scrape_name *row = context;
	struct scrape_names *names = row->source->names;
	bool none = wrong == NULL && result->answer->code == 3; /* NXDOMAIN is an answer: nobody is there */
	row->ask = NULL;
	if (wrong == NULL && (result->answer->code == 0 || none)) {
		add_answer(row, result->answer);
	} else {
		names->failed = true;
		snprintf(names->why, sizeof names->why, "could not look up \"%.*s\": %.200s", (int)str_sub(row->name, 0, 200).len, row->name.ptr,
			 wrong != NULL ? wrong->text : dns_code_name(result->answer->code));
	}
	if (--names->open == 0)
		end_names(row->source);
}

static void ask_names(struct scrape_source *source)
{
	const struct scrape_loop_options *options = &source->pool->scrapes->options;
	const struct scrape_dns_sd *dns = &discovery_of(source)->names.rows[source->at];
	if (source->names != NULL || dns->names.count == 0)
		return;
	struct scrape_names *names = mem_alloc(sizeof *names + dns->names.count * sizeof names->rows[0]);
	struct dns_ask_tools tools = { options->loop, options->clock, options->resolve, options->random,
				       &source->pool->scrapes->policy };
	arena_init(&names->arena, GROUPS_BYTES_MAX);
	names->groups.list.rows = arena_array(&names->arena, struct scrape_group, dns->names.count * DNS_ANSWERS_MAX);
	names->count = names->open = dns->names.count;
	source->names = names;
	for (size_t i = 0; i < names->count; i++) {
		struct scrape_name *row = &names->rows[i];
		struct error err;
		*row = (struct scrape_name){ .source = source, .name = dns->names.rows[i] };
		struct dns_ask_request request = { .name = row->name, .type = dns_type_find(dns->type), .timeout = DNS_TIMEOUT,
						   .server = options->name_server, .port = options->name_port };
		if (dns_ask_start(&tools, &request, on_name, row, &row->ask, &err) == OK)
			continue;
		names->failed = true;
		snprintf(names->why, sizeof names->why, "%s", err.text);
		names->open--;
	}
	if (names->open == 0)
		end_names(source);
}

/* ---- a life ---- */

void scrape_source_open(struct scrape_source *source)
{
	arena_init(&source->arena, GROUPS_BYTES_MAX);
	if (source->kind == SCRAPE_SOURCE_STATIC) {
		source->groups.list.rows = discovery_of(source)->groups.rows;
		source->groups.list.count = discovery_of(source)->groups.count;
		source->answered = true;
	} else if (source->kind == SCRAPE_SOURCE_HTTP) {
		open_http(source);
	}
}

/* Files are looked at each time, as others are told of a change; the rest by their own interval. */
void scrape_source_look(struct scrape_source *source, time_us now)
{
	const struct scrape_discovery *discovery = discovery_of(source);
	if (source->kind == SCRAPE_SOURCE_FILES)
		look_at_files(source);
	if (now < source->due)
		return;
	if (source->kind == SCRAPE_SOURCE_HTTP) {
		source->due = now + discovery->https.rows[source->at].refresh_ms * TIME_MS;
		ask_http(source);
	} else if (source->kind == SCRAPE_SOURCE_DNS) {
		source->due = now + discovery->names.rows[source->at].refresh_ms * TIME_MS;
		ask_names(source);
	}
}

void scrape_source_close(struct scrape_source *source)
{
	http_call_cancel(&source->call);
	scrape_client_destroy(&source->client);
	for (size_t i = 0; source->names != NULL && i < source->names->count; i++)
		dns_ask_cancel(&source->names->rows[i].ask);
	if (source->names != NULL)
		arena_finish(&source->names->arena);
	mem_free(source->names);
	arena_finish(&source->arena);
}
