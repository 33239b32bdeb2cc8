/* rule_file.c: see rule_file.h. The rules are those of Prometheus' rulefmt. */
#include "promql/rule_file.h"

#include <stdarg.h>
#include <stdio.h>

#include "promql/number.h"
#include "wire/doc_yaml.h"

#define NODES_MAX 2000000u

struct reading {
	struct arena *arena;
	struct troubles *troubles;
	bool ignore_unknown;
	const struct rule_pair *group_labels; /* of the group that is read */
	size_t group_label_count;
	const struct doc_node *group_node;
	bool group_told; /* a template among them is wrong: said once */
};

static void trouble(struct reading *reading, uint32_t line, uint32_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void trouble(struct reading *reading, uint32_t line, uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	troubles_add_list(reading->troubles, line, column, format, arguments);
	va_end(arguments);
}

static void trouble_at(struct reading *reading, const struct doc_node *node, const char *what)
{
	trouble(reading, node->line, node->column, "%s", what);
}

/* ---- values ---- */

static struct str text_of(struct reading *reading, const struct doc_node *map, const char *name)
{
	const struct doc_node *node = doc_get(map, name);
	struct str text = STR_NONE;
	if (node != NULL && !doc_is(node, DOC_NULL) && !doc_spelling(node, &text))
		trouble(reading, node->line, node->column, "\"%s\" must be text, not %s", name,
			doc_kind_words(node->kind));
	return text;
}

static int64_t duration_of(struct reading *reading, const struct doc_node *map, const char *name)
{
	struct str text = text_of(reading, map, name);
	const struct doc_node *node = doc_get(map, name);
	int64_t ms = 0;
	if (text.len == 0 || str_is(text, "0"))
		return 0;
	if (!promql_duration(text, &ms))
		trouble(reading, node->line, node->column, "\"%s\" is not a duration: \"" STR_FMT "\"", name,
			STR_ARG(text));
	return ms;
}

static size_t pairs_of(struct reading *reading, const struct doc_node *map, const char *name,
		       struct rule_pair **ret_pairs)
{
	const struct doc_node *node = doc_get(map, name);
	size_t count = doc_count(node);
	bool labels = str_is(str_of(name), "labels");
	*ret_pairs = NULL;
	if (node == NULL || doc_is(node, DOC_NULL))
		return 0;
	if (!doc_is(node, DOC_MAP)) {
		trouble(reading, node->line, node->column, "\"%s\" must be a map", name);
		return 0;
	}
	struct rule_pair *pairs = arena_array(reading->arena, struct rule_pair, count + 1);
	for (size_t i = 0; i < count; i++) {
		const struct doc_entry *entry = doc_entry_at(node, i);
		pairs[i].name = entry->key;
		if (!doc_is(&entry->value, DOC_NULL) && !doc_spelling(&entry->value, &pairs[i].value))
			trouble(reading, entry->line, entry->column, "\"%s." STR_FMT "\" must be text", name,
				STR_ARG(entry->key));
		if (entry->key.len == 0 || (labels && str_is(entry->key, PROMQL_NAME)))
			trouble(reading, entry->line, entry->column, "invalid label name: \"" STR_FMT "\"",
				STR_ARG(entry->key));
	}
	*ret_pairs = pairs;
	return count;
}

static void refuse_unknown(struct reading *reading, const struct doc_node *map, const char *const *known)
{
	for (size_t i = 0; i < doc_count(map) && !reading->ignore_unknown; i++) {
		const struct doc_entry *entry = doc_entry_at(map, i);
		size_t k = 0;
		while (known[k] != NULL && !str_is(entry->key, known[k]))
			k++;
		if (known[k] == NULL)
			trouble(reading, entry->line, entry->column, "unknown field \"" STR_FMT "\"",
				STR_ARG(entry->key));
	}
}

/* ---- templates ---- */

/* Parses those among the pairs, which `map` has as its field `name`. */
static bool read_templates(struct reading *reading, const struct doc_node *map, const char *name, const char *word,
			   const struct rule *rule, struct rule_pair *pairs, size_t count)
{
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		struct template *template;
		struct error err;
		if (!template_is_one(pairs[i].value))
			continue;
		if (template_parse(rule->name, pairs[i].value, reading->arena, &template, &err) == OK) {
			pairs[i].template = template;
			continue;
		}
		const struct doc_entry *entry = doc_find(doc_get(map, name), pairs[i].name);
		trouble(reading, entry->value.line, entry->value.column, "%s \"" STR_FMT "\": %s", word,
			STR_ARG(pairs[i].name), err.text);
		good = false;
	}
	return good;
}

/* ---- rules ---- */

/* The labels of the group that the rule does not set itself stand before its own. */
static void read_labels(struct reading *reading, const struct doc_node *node, struct rule *rule)
{
	struct rule_pair *own, *all;
	size_t own_count = pairs_of(reading, node, "labels", &own), used = 0;
	if (rule->alert)
		read_templates(reading, node, "labels", "label", rule, own, own_count);
	all = arena_array(reading->arena, struct rule_pair, own_count + reading->group_label_count + 1);
	for (size_t i = 0; i < reading->group_label_count; i++) {
		bool again = false;
		for (size_t j = 0; j < own_count; j++)
			again |= str_eq(own[j].name, reading->group_labels[i].name);
		if (!again)
			all[used++] = reading->group_labels[i];
	}
	if (rule->alert && !reading->group_told)
		reading->group_told =
			!read_templates(reading, reading->group_node, "labels", "label", rule, all, used);
	for (size_t i = 0; i < own_count; i++)
		all[used++] = own[i];
	rule->labels = all;
	rule->label_count = used;
}

static void read_annotations(struct reading *reading, const struct doc_node *node, struct rule *rule)
{
	struct rule_pair *pairs;
	rule->annotation_count = pairs_of(reading, node, "annotations", &pairs);
	rule->annotations = pairs;
	if (rule->alert)
		read_templates(reading, node, "annotations", "annotation", rule, pairs, rule->annotation_count);
}

static void read_expression(struct reading *reading, const struct doc_node *node, struct rule *rule)
{
	const struct doc_node *at = doc_get(node, "expr");
	struct error err;
	rule->text = text_of(reading, node, "expr");
	if (rule->text.len == 0)
		trouble_at(reading, at != NULL ? at : node, "field \"expr\" must be set in rule");
	else if (promql_parse(rule->text, reading->arena, &rule->expr, &err) != OK)
		trouble(reading, at->line, at->column, "could not parse expression: %s", err.text);
}

static void check_kind(struct reading *reading, const struct doc_node *node, const struct rule *rule,
		       struct str record, struct str alert)
{
	if (record.len > 0 && alert.len > 0)
		trouble_at(reading, node, "only one of \"record\" and \"alert\" must be set");
	else if (record.len == 0 && alert.len == 0)
		trouble_at(reading, node, "one of \"record\" or \"alert\" must be set");
	if (record.len == 0)
		return;
	if (rule->annotation_count > 0)
		trouble_at(reading, node, "invalid field \"annotations\" in recording rule");
	if (rule->for_ms != 0)
		trouble_at(reading, node, "invalid field \"for\" in recording rule");
	if (rule->keep_firing_ms != 0)
		trouble_at(reading, node, "invalid field \"keep_firing_for\" in recording rule");
}

static void read_rule(struct reading *reading, const struct doc_node *node, struct rule *rule)
{
	static const char *const known[] = { "record", "alert", "expr", "for", "keep_firing_for", "labels",
					     "annotations", NULL };
	if (!doc_is(node, DOC_MAP)) {
		trouble_at(reading, node, "a rule must be a map");
		return;
	}
	refuse_unknown(reading, node, known);
	struct str record = text_of(reading, node, "record"), alert = text_of(reading, node, "alert");
	rule->line = node->line;
	rule->alert = alert.len > 0;
	rule->name = rule->alert ? alert : record;
	rule->for_ms = duration_of(reading, node, "for");
	rule->keep_firing_ms = duration_of(reading, node, "keep_firing_for");
	read_labels(reading, node, rule);
	read_annotations(reading, node, rule);
	check_kind(reading, node, rule, record, alert);
	read_expression(reading, node, rule);
}

static void read_group(struct reading *reading, const struct doc_node *node, struct rule_group *group)
{
	static const char *const known[] = { "name", "interval", "query_offset", "limit", "labels", "rules", NULL };
	const struct doc_node *rules = doc_get(node, "rules");
	if (!doc_is(node, DOC_MAP)) {
		trouble_at(reading, node, "a group must be a map");
		return;
	}
	refuse_unknown(reading, node, known);
	group->name = text_of(reading, node, "name");
	group->interval_ms = duration_of(reading, node, "interval");
	group->query_offset_ms = duration_of(reading, node, "query_offset");
	group->limit = doc_int(doc_get(node, "limit"), 0);
	struct rule_pair *labels;
	reading->group_label_count = pairs_of(reading, node, "labels", &labels);
	reading->group_labels = labels;
	reading->group_node = node;
	reading->group_told = false;
	if (group->name.len == 0)
		trouble_at(reading, node, "groupname must not be empty");
	if (rules != NULL && !doc_is(rules, DOC_LIST) && !doc_is(rules, DOC_NULL))
		trouble_at(reading, rules, "\"rules\" must be a list");
	group->count = doc_is(rules, DOC_LIST) ? doc_count(rules) : 0;
	group->rules = arena_array(reading->arena, struct rule, group->count + 1);
	for (size_t i = 0; i < group->count; i++)
		read_rule(reading, doc_at(rules, i), &group->rules[i]);
}

static void read_groups(struct reading *reading, const struct doc_node *root, struct rule_file *file)
{
	static const char *const known[] = { "groups", NULL };
	const struct doc_node *groups = doc_get(root, "groups");
	if (!doc_is(root, DOC_MAP)) {
		trouble(reading, 1, 1, "a rule file must be a map with \"groups\"");
		return;
	}
	refuse_unknown(reading, root, known);
	if (groups != NULL && !doc_is(groups, DOC_LIST) && !doc_is(groups, DOC_NULL))
		trouble_at(reading, groups, "\"groups\" must be a list");
	file->count = doc_is(groups, DOC_LIST) ? doc_count(groups) : 0;
	file->groups = arena_array(reading->arena, struct rule_group, file->count + 1);
	for (size_t i = 0; i < file->count; i++) {
		read_group(reading, doc_at(groups, i), &file->groups[i]);
		file->rule_count += file->groups[i].count;
		for (size_t j = 0; j < i; j++)
			if (str_eq(file->groups[i].name, file->groups[j].name))
				trouble(reading, doc_at(groups, i)->line, doc_at(groups, i)->column,
					"groupname: \"" STR_FMT "\" is repeated in the same file",
					STR_ARG(file->groups[i].name));
	}
}

enum err rule_file_read(struct str text, bool ignore_unknown, struct arena *arena, struct rule_file *ret_file,
			struct troubles *troubles)
{
	struct reading reading = { .arena = arena, .troubles = troubles, .ignore_unknown = ignore_unknown };
	struct doc_limits limits = { .depth_max = 64, .nodes_max = NODES_MAX, .bytes_max = RULE_FILE_BYTES_MAX };
	const struct doc_node *root = NULL;
	struct error err;
	*ret_file = (struct rule_file){ .count = 0 };
	/* Of several documents only the first counts, as in Prometheus. */
	struct doc_yaml *yaml = doc_yaml_create(text, arena, limits, troubles->source);
	enum err r = doc_yaml_next(yaml, &root, &err);
	doc_yaml_destroy(&yaml);
	if (r != OK && troubles->count++ < TROUBLES_MAX)
		troubles->rows[troubles->count - 1] = arena_str(troubles->arena, str_of(err.text));
	else if (r == OK && root != NULL && !doc_is(root, DOC_NULL))
		read_groups(&reading, root, ret_file);
	return troubles->count == 0 ? OK : ERR_INVALID;
}

void rule_file_finish(struct rule_file *file)
{
	for (size_t g = 0; g < file->count; g++)
		for (size_t i = 0; i < file->groups[g].count; i++)
			promql_expr_finish(file->groups[g].rules[i].expr);
	file->count = 0;
}

bool rule_is_again(const struct rule *a, const struct rule *b)
{
	if (a->alert != b->alert || !str_eq(a->name, b->name) || a->label_count != b->label_count)
		return false;
	for (size_t i = 0; i < a->label_count; i++) {
		bool found = false;
		for (size_t j = 0; j < b->label_count; j++)
			found |= str_eq(a->labels[i].name, b->labels[j].name) &&
				 str_eq(a->labels[i].value, b->labels[j].value);
		if (!found)
			return false;
	}
	return true;
}
