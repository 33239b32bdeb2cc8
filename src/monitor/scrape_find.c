/*
 * scrape_find.c: the discoveries of a job: static, files, HTTP, DNS. See scrape_loop.h.
 *
 * What cannot be read changes nothing: the groups found before stand, and the trouble is told once until it works again. Each
 * file and each name stands for itself.
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
#define NAMES_MAX 1000u        /* of one dns_sd_configs */
#define PARTS_FIRST 4u
#define TRIES_SETTLED 3u       /* so often in vain, and what it found before a reload leaves */
#define DNS_TIMEOUT (5 * TIME_SECOND)
#define HTTP_TIMEOUT_MS_MIN 1000
#define HTTP_TIMEOUT_MS_MAX 30000
#define HTTP_ACCEPT "application/json"
#define STRING_OF_(text) #text
#define STRING_OF(text) STRING_OF_(text)

/* ---- parts ---- */

static struct scrape_part *add_part(struct scrape_source *source, size_t at, const char *name)
{
	struct scrape_part *part = mem_alloc(sizeof *part);
	*part = (struct scrape_part){ .source = source, .name = mem_strdup(name) };
	arena_init(&part->arena, GROUPS_BYTES_MAX);
	if (source->part_count == source->part_room) {
		source->part_room = source->part_room > 0 ? source->part_room * 2 : PARTS_FIRST;
		source->parts = mem_realloc(source->parts, source->part_room * sizeof *source->parts);
	}
	memmove(source->parts + at + 1, source->parts + at, (source->part_count++ - at) * sizeof *source->parts);
	source->parts[at] = part;
	return part;
}

static void free_part(struct scrape_part *part)
{
	dns_ask_cancel(&part->ask);
	arena_finish(&part->arena);
	mem_free(part->name);
	mem_free(part);
}

/* `tries`: in vain, until what it found before a reload leaves. */
static void failed(struct scrape_part *part, unsigned tries, const char *what)
{
	if (!part->told)
		scrape_tell(part->source->pool, what);
	part->told = true;
	part->settled |= ++part->tries >= tries;
}

/* Takes the arena. */
static void found(struct scrape_part *part, struct arena *arena, struct scrape_groups groups)
{
	arena_finish(&part->arena);
	part->arena = *arena;
	part->groups = groups;
	part->settled = true;
	part->told = false;
	part->tries = 0;
	part->source->changed = true;
}

/* Parts were looked at. */
static void done(struct scrape_source *source)
{
	bool before = source->answered, settled = true;
	for (size_t i = 0; i < source->part_count; i++)
		settled &= source->parts[i]->settled;
	source->answered |= settled;
	if (source->changed || source->answered != before)
		scrape_pool_sync(source->pool);
}

/* For the groups of one part, beside what the others hold; too little for anything when they hold all. */
static void open_arena(const struct scrape_source *source, const struct scrape_part *part, struct arena *arena)
{
	size_t held = 0;
	for (size_t i = 0; i < source->part_count; i++)
		held += source->parts[i] != part ? source->parts[i]->arena.used_bytes : 0;
	arena_init(arena, held < GROUPS_BYTES_MAX ? GROUPS_BYTES_MAX - held : 1);
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

static size_t place_of(const struct scrape_source *source, const char *path)
{
	size_t low = 0, high = source->part_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(source->parts[middle]->name, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t sum_of(const char *path)
{
	char *bytes;
	size_t size;
	if (file_read(path, SCRAPE_CONFIG_BYTES_MAX, &bytes, &size, NULL) != OK)
		return 0;
	uint64_t sum = str_hash((struct str){ bytes, size }) | 1;
	mem_free(bytes);
	return sum;
}

static void read_file(struct scrape_part *part)
{
	struct scrape_groups groups;
	struct troubles troubles;
	struct arena arena;
	char why[SCRAPE_ERROR_BYTES];
	part->told = false; /* it has changed: what is wrong with it is news */
	open_arena(part->source, part, &arena);
	if (scrape_files_groups(part->name, &arena, &groups, &troubles) == OK) {
		found(part, &arena, groups);
		return;
	}
	snprintf(why, sizeof why, "%.*s", (int)troubles.rows[0].len, troubles.rows[0].ptr);
	arena_finish(&arena);
	failed(part, 1, why);
}

static void look_at_file(void *context, const char *path)
{
	struct scrape_source *source = context;
	size_t at = place_of(source, path);
	bool known = at < source->part_count && strcmp(source->parts[at]->name, path) == 0;
	if (!known && source->part_count >= FILES_MAX) {
		if (!source->told)
			scrape_tell(source->pool, "there are too many files of targets: some are left out");
		source->told = true;
		return;
	}
	struct scrape_part *part = known ? source->parts[at] : add_part(source, at, path);
	uint64_t sum = sum_of(path);
	part->seen = true;
	if (!part->settled || sum != part->sum)
		read_file(part);
	part->sum = sum;
}

/* What a file that is gone named is gone. */
static void forget_unseen(struct scrape_source *source)
{
	size_t kept = 0;
	for (size_t i = 0; i < source->part_count; i++) {
		struct scrape_part *part = source->parts[i];
		if (part->seen) {
			source->parts[kept++] = part;
			continue;
		}
		source->changed = true;
		free_part(part);
	}
	source->part_count = kept;
}

static void look_at_files(struct scrape_source *source)
{
	const struct scrape_file_sd *files = &discovery_of(source)->files.rows[source->at];
	for (size_t i = 0; i < source->part_count; i++)
		source->parts[i]->seen = false;
	for (size_t i = 0; i < files->files.count; i++)
		scrape_files_each(source->pool->scrapes->loaded->path, files->files.rows[i], look_at_file, source);
	forget_unseen(source);
	done(source);
}

/* ---- HTTP ---- */

static const struct scrape_http_sd *http_of(const struct scrape_source *source)
{
	return &discovery_of(source)->https.rows[source->at];
}

/* The arena is the groups' when it is OK. */
static enum err read_answer(struct str body, struct str url, struct arena *arena, struct scrape_groups *ret_groups,
			    char ret_why[SCRAPE_ERROR_BYTES])
{
	struct error err;
	arena_init(arena, GROUPS_BYTES_MAX);
	struct troubles troubles = { .arena = arena, .source = "the answer of http_sd_configs" };
	enum err r = scrape_groups_read(body, true, arena, ret_groups, &troubles);
	if (r == OK && (r = scrape_groups_label(ret_groups, arena, "__meta_url", url, &err)) != OK)
		troubles_add(&troubles, 1, 1, "%s", err.text);
	if (r == OK)
		return OK;
	snprintf(ret_why, SCRAPE_ERROR_BYTES, "%.*s", (int)troubles.rows[0].len, troubles.rows[0].ptr);
	arena_finish(arena);
	return r;
}

static void on_groups(void *context, const struct http_answer *answer, const struct error *wrong)
{
	struct scrape_part *part = context;
	struct scrape_source *source = part->source;
	struct str url = http_of(source)->url, type = http_answer_field(answer, "Content-Type");
	struct scrape_groups groups;
	struct arena arena;
	char why[SCRAPE_ERROR_BYTES];
	source->call = NULL;
	if (wrong != NULL || answer->status != 200 || answer->body_cut || !str_starts(type, STR("application/json"))) {
		snprintf(why, sizeof why, "could not find targets at \"%.*s\": %.200s", (int)str_sub(url, 0, 200).len, url.ptr,
			 wrong != NULL ? wrong->text : answer->status != 200 ? "the answer is not HTTP status 200" :
			 answer->body_cut ? "the answer is too large" : "the answer is not application/json");
		failed(part, TRIES_SETTLED, why);
	} else if (read_answer(answer->body, url, &arena, &groups, why) == OK) {
		found(part, &arena, groups);
	} else {
		failed(part, TRIES_SETTLED, why);
	}
	done(source);
}

static void open_http(struct scrape_source *source)
{
	const struct scrape_loop *scrapes = source->pool->scrapes;
	const struct scrape_loop_options *options = &scrapes->options;
	struct scrape_ask_tools tools = { options->loop, options->clock, options->resolve, options->ca_file,
					  scrapes->loaded->path, options->environment };
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
	struct scrape_part *part = source->parts[0];
	cleanup_arena struct arena arena;
	struct error err;
	arena_init(&arena, 0);
	if (source->call != NULL)
		return;
	struct scrape_ask ask = { .url = arena_cstr(&arena, http->url), .accept = HTTP_ACCEPT,
				  .timeout_ms = timeout_of(http->refresh_ms), .unfold = true,
				  .time_field = "X-Prometheus-Refresh-Interval-Seconds", .time_field_ms = http->refresh_ms };
	if (source->client == NULL)
		failed(part, TRIES_SETTLED, "could not ask for targets");
	else if (scrape_client_ask(source->client, &ask, on_groups, part, &source->call, &err) != OK)
		failed(part, TRIES_SETTLED, err.text);
	else
		return;
	done(source);
}

/* ---- DNS: all names of the source are asked at once; targets are made when the last has answered ---- */

/* "10 5 9100 host.example.org": how many words. */
static size_t words_of(struct str text, struct str ret_words[4])
{
	size_t count = 0;
	while (count < 4 && text.len > 0)
		str_cut(text, ' ', &ret_words[count++], &text);
	return count;
}

/* The last word, and for SRV the port before it. */
static void add_record(struct scrape_group *group, const struct scrape_dns_sd *dns, struct str text, struct arena *arena)
{
	struct str words[4];
	size_t count = words_of(text, words);
	struct str host = count > 0 ? words[count - 1] : text;
	bool srv = str_is(dns->type, "SRV"), six = str_is(dns->type, "AAAA");
	if (srv && count != 4)
		return;
	if (!six && host.len > 1 && host.ptr[host.len - 1] == '.')
		host.len--;
	struct str port = srv ? words[2] : arena_printf(arena, "%lld", (long long)dns->port);
	group->targets.rows = arena_array(arena, struct str, 1);
	group->targets.rows[group->targets.count++] =
		arena_printf(arena, six ? "[" STR_FMT "]:" STR_FMT : STR_FMT ":" STR_FMT, STR_ARG(host), STR_ARG(port));
}

static void add_labels(struct scrape_group *group, const struct scrape_dns_sd *dns, struct str text, struct arena *arena)
{
	static const struct {
		const char *type, *target, *port;
	} labels[] = { { "SRV", "__meta_dns_srv_record_target", "__meta_dns_srv_record_port" },
		       { "MX", "__meta_dns_mx_record_target", NULL },
		       { "NS", "__meta_dns_ns_record_target", NULL } };
	struct str words[4];
	size_t count = words_of(text, words);
	for (size_t l = 0; l < sizeof labels / sizeof labels[0] && count > 0; l++) {
		if (!str_is(dns->type, labels[l].type))
			continue;
		add_label(group, arena, labels[l].target, words[count - 1]);
		if (labels[l].port != NULL && count == 4)
			add_label(group, arena, labels[l].port, words[2]);
	}
}

/* Each record of SRV, MX and NS has labels of its own, so a group of its own. At most DNS_ANSWERS_MAX short ones: their
 * arena is never full. */
static void take_answer(struct scrape_part *part, const struct dns_answer *answer)
{
	const struct scrape_dns_sd *dns = &discovery_of(part->source)->names.rows[part->source->at];
	struct scrape_groups groups = { .list.count = 0 };
	struct arena arena;
	arena_init(&arena, GROUPS_BYTES_MAX);
	struct str name = arena_str(&arena, str_of(part->name));
	groups.list.rows = arena_array(&arena, struct scrape_group, answer->count + 1);
	for (unsigned i = 0; i < answer->count; i++) {
		struct scrape_group *group = &groups.list.rows[groups.list.count++];
		struct str text = arena_str(&arena, str_of(answer->texts[i]));
		add_record(group, dns, text, &arena);
		add_label(group, &arena, "__meta_dns_name", name);
		add_labels(group, dns, text, &arena);
	}
	found(part, &arena, groups);
}

static void on_name(void *context, const struct dns_ask_result *result, const struct error *wrong)
{
	struct scrape_part *part = context;
	const struct dns_answer *answer = wrong == NULL ? result->answer : NULL;
	bool said = answer != NULL && (answer->code == 0 || answer->code == 3); /* NXDOMAIN is an answer: nobody is there */
	char why[SCRAPE_ERROR_BYTES];
	part->ask = NULL;
	if (said && !answer->more) {
		take_answer(part, answer);
	} else {
		snprintf(why, sizeof why, said ? "could not take \"%.200s\": %s" : "could not look up \"%.200s\": %.200s", part->name,
			 said ? "it has more than " STRING_OF(DNS_ANSWERS_MAX) " records" :
			 wrong != NULL ? wrong->text : dns_code_name(answer->code));
		failed(part, TRIES_SETTLED, why);
	}
	if (--part->source->asking == 0)
		done(part->source);
}

static void ask_names(struct scrape_source *source)
{
	const struct scrape_loop_options *options = &source->pool->scrapes->options;
	const struct scrape_dns_sd *dns = &discovery_of(source)->names.rows[source->at];
	struct dns_ask_tools tools = { options->loop, options->clock, options->resolve, options->random,
				       &source->pool->scrapes->policy };
	if (source->asking > 0)
		return;
	for (size_t i = 0; i < source->part_count; i++) {
		struct scrape_part *part = source->parts[i];
		struct error err;
		struct dns_ask_request request = { .name = str_of(part->name), .type = dns_type_find(dns->type), .timeout = DNS_TIMEOUT,
						   .server = options->name_server, .port = options->name_port };
		if (dns_ask_start(&tools, &request, on_name, part, &part->ask, &err) == OK)
			source->asking++;
		else
			failed(part, TRIES_SETTLED, err.text);
	}
	if (source->asking == 0)
		done(source);
}

static void open_names(struct scrape_source *source)
{
	const struct scrape_dns_sd *dns = &discovery_of(source)->names.rows[source->at];
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < dns->names.count && i < NAMES_MAX; i++)
		add_part(source, i, arena_cstr(&arena, dns->names.rows[i]));
	if (dns->names.count > NAMES_MAX)
		scrape_tell(source->pool, "there are too many names of a dns_sd_configs: some are left out");
}

/* ---- a life ---- */

void scrape_source_open(struct scrape_source *source)
{
	if (source->kind == SCRAPE_SOURCE_STATIC) {
		struct scrape_part *part = add_part(source, 0, "");
		part->groups.list.rows = discovery_of(source)->groups.rows;
		part->groups.list.count = discovery_of(source)->groups.count;
		part->settled = source->answered = true;
	} else if (source->kind == SCRAPE_SOURCE_HTTP) {
		add_part(source, 0, "");
		open_http(source);
	} else if (source->kind == SCRAPE_SOURCE_DNS) {
		open_names(source);
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

static void hang_up(struct scrape_source *source)
{
	scrape_call_cancel(&source->call);
	for (size_t i = 0; i < source->part_count; i++)
		dns_ask_cancel(&source->parts[i]->ask);
	source->asking = 0;
}

static bool same_texts(const struct str *a, size_t a_count, const struct str *b, size_t b_count)
{
	bool same = a_count == b_count;
	for (size_t i = 0; same && i < a_count; i++)
		same = str_eq(a[i], b[i]);
	return same;
}

/* It finds by the same words. */
static bool is_same(const struct scrape_source *a, const struct scrape_source *b)
{
	const struct scrape_discovery *one = discovery_of(a), *two = discovery_of(b);
	if (a->kind != b->kind || a->kind == SCRAPE_SOURCE_STATIC)
		return false;
	if (a->kind == SCRAPE_SOURCE_HTTP)
		return str_eq(one->https.rows[a->at].url, two->https.rows[b->at].url);
	if (a->kind == SCRAPE_SOURCE_FILES)
		return same_texts(one->files.rows[a->at].files.rows, one->files.rows[a->at].files.count,
				  two->files.rows[b->at].files.rows, two->files.rows[b->at].files.count);
	const struct scrape_dns_sd *names = &one->names.rows[a->at], *others = &two->names.rows[b->at];
	return str_eq(names->type, others->type) && names->port == others->port &&
	       same_texts(names->names.rows, names->names.count, others->names.rows, others->names.count);
}

/* So an outage at the time of a reload takes no target away. The other keeps our parts, which are new. */
void scrape_source_inherit(struct scrape_source *source, struct scrape_source *before)
{
	if (before->inherited || source->inherited || !is_same(source, before))
		return;
	struct scrape_source old = *before;
	hang_up(before);
	before->parts = source->parts;
	before->part_count = source->part_count;
	before->part_room = source->part_room;
	source->parts = old.parts;
	source->part_count = old.part_count;
	source->part_room = old.part_room;
	source->answered = old.answered;
	before->inherited = source->inherited = true;
	for (size_t i = 0; i < source->part_count; i++)
		source->parts[i]->source = source;
	for (size_t i = 0; i < before->part_count; i++)
		before->parts[i]->source = before;
}

void scrape_source_close(struct scrape_source *source)
{
	hang_up(source);
	scrape_client_destroy(&source->client);
	for (size_t i = 0; i < source->part_count; i++)
		free_part(source->parts[i]);
	mem_free(source->parts);
}
