/* scrape_config.c: maps read by rows, and files read whole. See scrape_config.h. */
#include "monitor/scrape_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/scrape_priv.h"
#include "promql/number.h"
#include "wire/doc_json.h"
#include "wire/doc_yaml.h"

#define NODES_MAX 2000000u
#define WRITTEN_BYTES_MAX 80u /* of a value, in a complaint */

/* The layout of every SCRAPE_LIST. */
struct any_list {
	void *rows;
	size_t count;
};

void scrape_trouble(struct scrape_reading *reading, uint32_t line, uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	troubles_add_list(reading->troubles, line, column, format, arguments);
	va_end(arguments);
}

void *scrape_room(struct scrape_reading *reading, uint32_t line, uint32_t column, size_t count, size_t size)
{
	void *memory = count <= SIZE_MAX / size ? arena_try(reading->arena, count * size) : NULL;
	if (memory == NULL)
		scrape_trouble(reading, line, column, "it is too large: there is no room for all of it");
	return memory;
}

/* ---- unknown keys ---- */

/* Discoveries of Prometheus that are not here. */
static const char *const other_discoveries[] = {
	"aws_sd_configs",       "azure_sd_configs",   "consul_sd_configs",   "digitalocean_sd_configs", "docker_sd_configs",
	"dockerswarm_sd_configs", "ec2_sd_configs",   "ecs_sd_configs",      "elasticache_sd_configs",  "eureka_sd_configs",
	"gce_sd_configs",       "hetzner_sd_configs", "ionos_sd_configs",    "kubernetes_sd_configs",   "kuma_sd_configs",
	"lightsail_sd_configs", "linode_sd_configs",  "marathon_sd_configs", "msk_sd_configs",          "nerve_sd_configs",
	"nomad_sd_configs",     "openstack_sd_configs", "outscale_sd_configs", "ovhcloud_sd_configs",   "puppetdb_sd_configs",
	"rds_sd_configs",       "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs",    "triton_sd_configs",
	"uyuni_sd_configs",     "vultr_sd_configs",   "xds_sd_configs",      NULL,
};

static const char *nearest(struct str key, const struct scrape_row *rows)
{
	const char *found = NULL;
	unsigned least = 1 + (unsigned)(key.len / 3);
	for (; rows->name != NULL; rows++) {
		unsigned distance = str_distance(key, str_of(rows->name));
		if (distance < least) {
			least = distance;
			found = rows->name;
		}
	}
	return found;
}

static void refuse_key(struct scrape_reading *reading, const struct doc_entry *entry, const struct scrape_row *rows)
{
	for (size_t i = 0; other_discoveries[i] != NULL; i++)
		if (str_is(entry->key, other_discoveries[i])) {
			scrape_trouble(reading, entry->line, entry->column,
				       "\"" STR_FMT "\" is a discovery that is not here: have a program write the targets into a "
				       "file for \"file_sd_configs\", or serve them for \"http_sd_configs\"",
				       STR_ARG(entry->key));
			return;
		}
	const char *near = nearest(entry->key, rows);
	scrape_trouble(reading, entry->line, entry->column, "unknown key \"" STR_FMT "\"%s%s%s", STR_ARG(entry->key),
		       near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* ---- scalars ---- */

static bool is_shown(const struct scrape_row *row)
{
	return row->type != SCRAPE_ROW_SECRET && row->type != SCRAPE_ROW_SECRETS && row->type != SCRAPE_ROW_SECRET_LISTS &&
	       row->type != SCRAPE_ROW_NAMED;
}

static void wrong(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row,
		  const char *wanted)
{
	struct str written = STR_NONE;
	if (is_shown(row) && doc_spelling(node, &written))
		scrape_trouble(reading, node->line, node->column, "\"%s\" must be %s, not \"" STR_FMT "\"", row->name, wanted,
			       STR_ARG(str_sub(written, 0, WRITTEN_BYTES_MAX)));
	else
		scrape_trouble(reading, node->line, node->column, "\"%s\" must be %s, not %s", row->name, wanted,
			       doc_kind_words(node->kind));
}

static bool read_text(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row,
		      struct str *ret_text)
{
	if (doc_is(node, DOC_NULL))
		*ret_text = STR_NONE;
	else if (!doc_spelling(node, ret_text)) {
		wrong(reading, node, row, "text");
		return false;
	}
	return true;
}

/* Prometheus reads YAML 1.1, where more words are a yes. */
static bool is_truth(struct str text, bool *ret_truth)
{
	static const char *const words[2][7] = { { "no", "No", "NO", "off", "Off", "OFF", "n" },
						 { "yes", "Yes", "YES", "on", "On", "ON", "y" } };
	for (int truth = 0; truth < 2; truth++)
		for (size_t i = 0; i < 7; i++)
			if (str_is(text, words[truth][i])) {
				*ret_truth = truth;
				return true;
			}
	return false;
}

static void read_bool(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, bool *member)
{
	if (doc_is(node, DOC_BOOL))
		*member = node->truth;
	else if (!doc_is(node, DOC_TEXT) || !is_truth(node->text, member))
		wrong(reading, node, row, "true or false");
}

static void read_number(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	if (row->type == SCRAPE_ROW_COUNT && doc_is(node, DOC_INT) && node->integer >= 0)
		*(int64_t *)member = node->integer;
	else if (row->type == SCRAPE_ROW_REAL && (doc_is(node, DOC_INT) || doc_is(node, DOC_REAL)) && doc_real(node, 0) >= 0)
		*(double *)member = doc_real(node, 0);
	else
		wrong(reading, node, row, row->type == SCRAPE_ROW_COUNT ? "a whole number from 0" : "a number from 0");
}

static void read_duration(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row,
			  int64_t *member)
{
	struct str text = STR_NONE;
	int64_t ms;
	if (!doc_spelling(node, &text) || !(str_is(text, "0") || promql_duration(text, &ms)))
		wrong(reading, node, row, "a duration like 15s or 1m30s");
	else
		*member = str_is(text, "0") ? 0 : ms;
}

/* "15MB", "1.5GiB": always in powers of 1024. "0" needs no unit. */
static bool bytes_of(struct str text, int64_t *ret_bytes)
{
	static const char units[] = "KMGTPE";
	size_t digits = 0;
	double number;
	while (digits < text.len && (text.ptr[digits] == '.' || (text.ptr[digits] >= '0' && text.ptr[digits] <= '9')))
		digits++;
	struct str unit = str_sub(text, digits, text.len);
	if (!number_read(str_sub(text, 0, digits), &number))
		return false;
	const char *prefix = unit.len > 1 ? strchr(units, unit.ptr[0]) : NULL;
	if (prefix != NULL && (str_is(str_sub(unit, 1, unit.len), "B") || str_is(str_sub(unit, 1, unit.len), "iB")))
		for (const char *c = units; c <= prefix; c++)
			number *= 1024;
	else if (!str_is(unit, "B") && !(unit.len == 0 && number == 0))
		return false;
	if (number >= 9e18)
		return false;
	*ret_bytes = (int64_t)number;
	return true;
}

static void read_bytes(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, int64_t *member)
{
	struct str text = STR_NONE;
	if (!doc_spelling(node, &text) || !bytes_of(text, member))
		wrong(reading, node, row, "a size like 15MB");
}

static void check_choice(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, struct str text)
{
	char words[256];
	size_t used = 0;
	for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++) {
		if (str_is(text, row->choices[i]))
			return;
		used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? ", " : "one of ", row->choices[i]);
	}
	if (row->choices != NULL)
		wrong(reading, node, row, words);
}

/* ---- lists and maps of texts ---- */

static void read_texts(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	struct any_list list = { .count = doc_count(node) };
	if (!doc_is(node, DOC_LIST)) {
		wrong(reading, node, row, "a list");
		return;
	}
	struct str *texts = scrape_room(reading, node->line, node->column, list.count + 1, sizeof *texts);
	if (texts == NULL)
		return;
	for (size_t i = 0; i < list.count; i++)
		if (read_text(reading, doc_at(node, i), row, &texts[i]))
			check_choice(reading, doc_at(node, i), row, texts[i]);
	list.rows = texts;
	memcpy(member, &list, sizeof list);
}

static void read_pairs(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	struct any_list list = { .count = doc_count(node) };
	if (!doc_is(node, DOC_MAP)) {
		wrong(reading, node, row, "a map");
		return;
	}
	struct scrape_pair *pairs = scrape_room(reading, node->line, node->column, list.count + 1, sizeof *pairs);
	if (pairs == NULL)
		return;
	for (size_t i = 0; i < list.count; i++) {
		pairs[i].name = doc_entry_at(node, i)->key;
		read_text(reading, &doc_entry_at(node, i)->value, row, &pairs[i].value);
	}
	list.rows = pairs;
	memcpy(member, &list, sizeof list);
}

static void read_lists(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	struct any_list list = { .count = doc_count(node) };
	if (!doc_is(node, DOC_MAP)) {
		wrong(reading, node, row, "a map of lists");
		return;
	}
	struct scrape_texts *texts = scrape_room(reading, node->line, node->column, list.count + 1, sizeof *texts);
	if (texts == NULL)
		return;
	for (size_t i = 0; i < list.count; i++) {
		texts[i].name = doc_entry_at(node, i)->key;
		read_texts(reading, &doc_entry_at(node, i)->value, row, &texts[i].values);
	}
	list.rows = texts;
	memcpy(member, &list, sizeof list);
}

/* ---- maps ---- */

static void *read_object(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *object)
{
	if (row->init != NULL)
		row->init(object);
	*(struct scrape_place *)object = (struct scrape_place){ node->line, node->column };
	scrape_read_map(reading, node, row->rows, object);
	return object;
}

void scrape_read_list(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	struct any_list before, list;
	memcpy(&before, member, sizeof before);
	if (!doc_is(node, DOC_LIST)) {
		wrong(reading, node, row, "a list");
		return;
	}
	list.count = before.count + doc_count(node);
	list.rows = scrape_room(reading, node->line, node->column, list.count + 1, row->size);
	if (list.rows == NULL)
		return;
	if (before.count > 0)
		memcpy(list.rows, before.rows, before.count * row->size);
	for (size_t i = 0; i < doc_count(node); i++)
		read_object(reading, doc_at(node, i), row, (char *)list.rows + (before.count + i) * row->size);
	memcpy(member, &list, sizeof list);
}

/* Each key names one: "X-Tenant: {values: [a]}". */
static void read_named(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	struct any_list list = { .count = doc_count(node) };
	if (!doc_is(node, DOC_MAP)) {
		wrong(reading, node, row, "a map");
		return;
	}
	list.rows = arena_alloc(reading->arena, (list.count + 1) * row->size);
	for (size_t i = 0; i < list.count; i++) {
		const struct doc_entry *entry = doc_entry_at(node, i);
		struct scrape_named *named = read_object(reading, &entry->value, row, (char *)list.rows + i * row->size);
		named->name = entry->key;
	}
	memcpy(member, &list, sizeof list);
}

static void note_unused(struct scrape_reading *reading, const char *name)
{
	if (reading->config != NULL && reading->config->unused_count < SCRAPE_UNUSED_MAX)
		reading->config->unused[reading->config->unused_count++] = name;
}

static void read_new_object(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, void *member)
{
	void *object = scrape_room(reading, node->line, node->column, 1, row->size);
	if (object != NULL)
		*(void **)member = read_object(reading, node, row, object);
}

static void read_member(struct scrape_reading *reading, const struct doc_node *node, const struct scrape_row *row, char *object)
{
	void *member = object + row->offset;
	struct str *text = member;
	if (row->type == SCRAPE_ROW_UNUSED)
		note_unused(reading, row->name);
	if (doc_is(node, DOC_NULL)) /* as if it were not there, as Prometheus reads it */
		return;
	switch (row->type) {
	case SCRAPE_ROW_TEXT:
	case SCRAPE_ROW_SECRET:
		read_text(reading, node, row, text);
		break;
	case SCRAPE_ROW_CHOICE:
		if (read_text(reading, node, row, text))
			check_choice(reading, node, row, *text);
		break;
	case SCRAPE_ROW_BOOL:
		read_bool(reading, node, row, member);
		break;
	case SCRAPE_ROW_COUNT:
	case SCRAPE_ROW_REAL:
		read_number(reading, node, row, member);
		break;
	case SCRAPE_ROW_DURATION:
		read_duration(reading, node, row, member);
		break;
	case SCRAPE_ROW_BYTES:
		read_bytes(reading, node, row, member);
		break;
	case SCRAPE_ROW_TEXTS:
	case SCRAPE_ROW_SECRETS:
		read_texts(reading, node, row, member);
		break;
	case SCRAPE_ROW_PAIRS:
		read_pairs(reading, node, row, member);
		break;
	case SCRAPE_ROW_LISTS:
	case SCRAPE_ROW_SECRET_LISTS:
		read_lists(reading, node, row, member);
		break;
	case SCRAPE_ROW_OBJECT:
		read_new_object(reading, node, row, member);
		break;
	case SCRAPE_ROW_OBJECTS:
		scrape_read_list(reading, node, row, member);
		break;
	case SCRAPE_ROW_NAMED:
		read_named(reading, node, row, member);
		break;
	case SCRAPE_ROW_INSIDE:
		scrape_read_map(reading, node, row->rows, member);
		break;
	case SCRAPE_ROW_UNUSED:
		break;
	}
}

void scrape_read_map(struct scrape_reading *reading, const struct doc_node *map, const struct scrape_row *rows, void *object)
{
	if (doc_is(map, DOC_NULL))
		return;
	if (!doc_is(map, DOC_MAP)) {
		scrape_trouble(reading, map->line, map->column, "wanted a map, found %s", doc_kind_words(map->kind));
		return;
	}
	for (size_t i = 0; i < doc_count(map); i++) {
		const struct doc_entry *entry = doc_entry_at(map, i);
		const struct scrape_row *row = rows;
		while (row->name != NULL && !str_is(entry->key, row->name))
			row++;
		if (row->name == NULL)
			refuse_key(reading, entry, rows);
		else
			read_member(reading, &entry->value, row, object);
	}
}

/* ---- whole files ---- */

/* Of several documents only the first counts, as in Prometheus. */
static bool parse(struct scrape_reading *reading, struct str text, bool json, const struct doc_node **ret_root)
{
	struct doc_limits limits = { .depth_max = 64, .nodes_max = NODES_MAX, .bytes_max = SCRAPE_CONFIG_BYTES_MAX };
	struct error err;
	enum err r;
	*ret_root = NULL;
	if (json) {
		r = doc_json_parse(text, reading->arena, limits, reading->troubles->source, ret_root, &err);
	} else {
		struct doc_yaml *yaml = doc_yaml_create(text, reading->arena, limits, reading->troubles->source);
		r = doc_yaml_next(yaml, ret_root, &err);
		doc_yaml_destroy(&yaml);
	}
	if (r != OK)
		troubles_add_text(reading->troubles, str_of(err.text));
	return r == OK;
}

enum err scrape_config_read(struct str text, struct arena *arena, struct scrape_config *ret_config,
			    struct troubles *troubles)
{
	struct scrape_reading reading = { arena, troubles, ret_config };
	const struct doc_node *root;
	*ret_config = (struct scrape_config){ .unused_count = 0 };
	scrape_config_init(ret_config);
	if (parse(&reading, text, false, &root) && root != NULL)
		scrape_read_map(&reading, root, scrape_config_rows, ret_config);
	scrape_check(&reading, 0);
	return troubles->count == 0 ? OK : ERR_INVALID;
}

enum err scrape_config_read_more(struct str text, struct arena *arena, struct scrape_config *config,
				 struct troubles *troubles)
{
	struct scrape_reading reading = { arena, troubles, config };
	const struct doc_node *root;
	size_t first = config->jobs.count;
	if (parse(&reading, text, false, &root) && root != NULL)
		scrape_read_map(&reading, root, scrape_more_rows, config);
	scrape_check(&reading, first);
	return troubles->count == 0 ? OK : ERR_INVALID;
}

void scrape_config_finish(struct scrape_config *config)
{
	for (size_t i = 0; i < config->patterns.count; i++)
		promql_pattern_destroy(&config->patterns.rows[i]);
	mem_free(config->patterns.rows);
	config->patterns.rows = NULL;
	config->patterns.count = 0;
}

enum err scrape_groups_read(struct str text, bool json, struct arena *arena, struct scrape_groups *ret_groups,
			    struct troubles *troubles)
{
	static const struct scrape_row row = { "groups", SCRAPE_ROW_OBJECTS, 0, sizeof(struct scrape_group), scrape_group_rows };
	struct scrape_reading reading = { arena, troubles, NULL };
	const struct doc_node *root;
	*ret_groups = (struct scrape_groups){ .list.count = 0 };
	if (parse(&reading, text, json, &root) && root != NULL && !doc_is(root, DOC_NULL))
		scrape_read_list(&reading, root, &row, &ret_groups->list);
	for (size_t i = 0; i < ret_groups->list.count; i++)
		scrape_check_group(&reading, &ret_groups->list.rows[i]);
	return troubles->count == 0 ? OK : ERR_INVALID;
}
