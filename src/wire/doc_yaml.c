/* doc_yaml.c: see doc_yaml.h. libyaml knows the syntax; what YAML allows and nobody should meet in
 * a definition (duplicates, tags, bombs) is refused here. */
#include "wire/doc_yaml.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "wire/doc_build.h"
#include "wire/doc_scalar.h"

#define ANCHORS_MAX 1000
#define ALIAS_HINT "write the value out where it is used"

struct anchor {
	struct str name;
	struct doc_node node;
};

/* A collection under construction that has an anchor. */
struct open_anchor {
	struct str name;
	unsigned depth;
};

struct doc_yaml {
	yaml_parser_t parser;
	struct str text;
	struct doc_limits limits;
	const char *source;
	bool started, ended;
	struct doc_build build;
	struct anchor *anchors; /* in use: anchor_count */
	size_t anchor_count;
	struct open_anchor open[DOC_DEPTH_MAX];
	unsigned open_count;
};

static struct doc_place place_of(const yaml_mark_t *mark)
{
	return (struct doc_place){ (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
}

struct doc_yaml *doc_yaml_create(struct str text, struct arena *arena, struct doc_limits limits,
				 const char *source)
{
	assert(limits.bytes_max < UINT32_MAX);
	struct doc_yaml *yaml = mem_alloc(sizeof *yaml);
	yaml->limits = limits;
	yaml->source = source;
	yaml->text = str_starts(text, STR("\xEF\xBB\xBF")) ? str_sub(text, 3, text.len) : text;
	doc_build_init(&yaml->build, arena, limits, source);
	if (yaml_parser_initialize(&yaml->parser) == 0)
		abort(); /* no memory: as mem_alloc does */
	yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml->parser,
				     (const unsigned char *)(yaml->text.len > 0 ? yaml->text.ptr : ""),
				     yaml->text.len);
	return yaml;
}

void doc_yaml_destroy(struct doc_yaml **yaml)
{
	if (*yaml == NULL)
		return;
	yaml_parser_delete(&(*yaml)->parser);
	doc_build_finish(&(*yaml)->build);
	mem_free((*yaml)->anchors);
	mem_free(*yaml);
	*yaml = NULL;
}

static enum err fail(struct doc_yaml *yaml, struct doc_place place, const char *why,
		     const char *hint, struct error *err)
{
	enum err result = doc_fail(err, ERR_INVALID, yaml->source, place, "%s", why);
	if (hint != NULL)
		error_hint(err, "%s", hint);
	return result;
}

static struct doc_place place_of_offset(struct str text, size_t offset)
{
	struct doc_place place = { 1, 1 };
	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

/* libyaml's words are fair; what it was doing, and since which line, is what helps to find it. A
 * quote that is never closed is reported where it opens, not at the end of the file. */
static enum err syntax_error(struct doc_yaml *yaml, struct error *err)
{
	const yaml_parser_t *parser = &yaml->parser;
	const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
	if (parser->error == YAML_READER_ERROR)
		return fail(yaml, place_of_offset(yaml->text, parser->problem_offset),
			    strstr(problem, "UTF-8") != NULL || strstr(problem, "octet") != NULL
				    ? "the text is not valid UTF-8"
				    : "a control character stands here, which YAML does not allow",
			    NULL, err);
	struct doc_place place = place_of(&parser->problem_mark);
	if (parser->context == NULL)
		return fail(yaml, place, problem, NULL, err);
	struct doc_place since = place_of(&parser->context_mark);
	if (strstr(problem, "unexpected end of stream") != NULL)
		return doc_fail(err, ERR_INVALID, yaml->source, since, "%s %s", problem,
				parser->context);
	return doc_fail(err, ERR_INVALID, yaml->source, place, "%s %s that began in line %u",
			problem, parser->context, since.line);
}

static enum err next_event(struct doc_yaml *yaml, yaml_event_t *ret_event, struct error *err)
{
	if (yaml_parser_parse(&yaml->parser, ret_event) == 0) {
		yaml->ended = true;
		return syntax_error(yaml, err);
	}
	return OK;
}

static struct str anchor_text(const yaml_char_t *name)
{
	return str_of((const char *)name);
}

static enum err no_memory(struct doc_yaml *yaml, struct doc_place place, struct error *err)
{
	return doc_fail(err, ERR_TOO_LARGE, yaml->source, place,
			"the document needs more memory than it may use");
}

/* The value that was just completed: the newest entry of the collection around it, or the root. */
static struct doc_node newest(const struct doc_build *build)
{
	if (build->root != NULL)
		return *build->root;
	assert(build->pending_count > 0);
	return build->pending[build->pending_count - 1].value;
}

/* Remembers the value that was just completed. */
static enum err anchor_add(struct doc_yaml *yaml, struct str name, struct error *err)
{
	struct doc_node node = newest(&yaml->build);
	struct doc_place place = { node.line, node.column };
	for (size_t i = 0; i < yaml->anchor_count; i++) {
		if (str_eq(yaml->anchors[i].name, name)) { /* the last one counts */
			yaml->anchors[i].node = node;
			return OK;
		}
	}
	if (yaml->anchor_count == ANCHORS_MAX)
		return fail(yaml, place, "the document has more than 1000 anchors", ALIAS_HINT, err);
	if (yaml->anchors == NULL)
		yaml->anchors = mem_alloc(ANCHORS_MAX * sizeof *yaml->anchors);
	if (arena_room(yaml->build.arena) < name.len + 64)
		return no_memory(yaml, place, err);
	yaml->anchors[yaml->anchor_count++] =
		(struct anchor){ arena_str(yaml->build.arena, name), node };
	return OK;
}

/* Counts values and levels below a node, giving up past the budget. */
static bool measure(const struct doc_node *node, size_t *budget, unsigned depth_max)
{
	if (*budget == 0)
		return false;
	--*budget;
	if (node->kind != DOC_LIST && node->kind != DOC_MAP)
		return true;
	if (depth_max == 0)
		return false;
	for (size_t i = 0; i < node->count; i++) {
		const struct doc_node *child =
			node->kind == DOC_LIST ? &node->items[i] : &node->map.entries[i].value;
		if (!measure(child, budget, depth_max - 1))
			return false;
	}
	return true;
}

static enum err add_alias(struct doc_yaml *yaml, struct str name, struct doc_place place,
			  struct error *err)
{
	struct doc_build *build = &yaml->build;
	for (size_t i = 0; i < yaml->anchor_count; i++) {
		if (!str_eq(yaml->anchors[i].name, name))
			continue;
		struct doc_node node = yaml->anchors[i].node;
		size_t budget = build->limits.nodes_max - build->nodes, left = budget;
		if (!measure(&node, &left, build->limits.depth_max - build->depth)) {
			enum err result = doc_fail(err, ERR_TOO_LARGE, yaml->source, place,
						   "with the alias \"" STR_FMT
						   "\" the document grows too large or too deep",
						   STR_ARG(name));
			error_hint(err, ALIAS_HINT);
			return result;
		}
		enum err result = doc_build_charge(build, budget - left - 1, place, err);
		node.line = place.line;
		node.column = place.column;
		return result != OK ? result : doc_build_add(build, node, err);
	}
	return doc_fail(err, ERR_INVALID, yaml->source, place,
			"the alias \"" STR_FMT "\" has no anchor before this place", STR_ARG(name));
}

static bool expects_key(const struct doc_build *build)
{
	if (build->depth == 0)
		return false;
	const struct doc_frame *frame = &build->stack[build->depth - 1];
	return frame->kind == DOC_MAP && !frame->has_key;
}

static enum err add_key(struct doc_yaml *yaml, struct str text, bool plain, struct doc_place place,
			struct error *err)
{
	if (plain && str_is(text, "<<"))
		return fail(yaml, place, "merge keys (<<) are not supported",
			    "write the keys out, or put << in quotes when it is a name", err);
	return doc_build_key(&yaml->build, text, place, err);
}

static enum err add_value(struct doc_yaml *yaml, struct str text, bool plain, struct doc_place place,
			  struct error *err)
{
	struct doc_node node = { .kind = DOC_TEXT, .line = place.line, .column = place.column,
				 .text = text };
	enum doc_scalar_flaw flaw = plain ? doc_scalar_resolve(text, &node) : DOC_SCALAR_OK;
	if (flaw == DOC_SCALAR_TOO_LARGE)
		return fail(yaml, place, "the number is outside of what 64 bits can hold",
			    "put it in quotes when it is a text", err);
	if (flaw == DOC_SCALAR_NOT_FINITE)
		return fail(yaml, place, "a number must be finite",
			    "put it in quotes when it is a text", err);
	return doc_build_add(&yaml->build, node, err);
}

static enum err take_scalar(struct doc_yaml *yaml, const yaml_event_t *event, struct error *err)
{
	struct doc_place place = place_of(&event->start_mark);
	struct str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct str name = anchor_text(event->data.scalar.anchor);
	if (event->data.scalar.tag != NULL)
		return fail(yaml, place, "tags (!) are not supported", "remove the tag", err);
	if (str_has(text, '\0'))
		return fail(yaml, place,
			    "the text contains the character U+0000, which is not allowed", NULL,
			    err);
	if (expects_key(&yaml->build))
		return add_key(yaml, text, plain, place, err);
	enum err result = add_value(yaml, text, plain, place, err);
	if (result != OK || name.len == 0)
		return result;
	return anchor_add(yaml, name, err);
}

static enum err take_open(struct doc_yaml *yaml, const yaml_event_t *event, enum doc_kind kind,
			  struct error *err)
{
	struct doc_place place = place_of(&event->start_mark);
	bool list = kind == DOC_LIST;
	struct str name = anchor_text(list ? event->data.sequence_start.anchor
					   : event->data.mapping_start.anchor);
	if ((list ? event->data.sequence_start.tag : event->data.mapping_start.tag) != NULL)
		return fail(yaml, place, "tags (!) are not supported", "remove the tag", err);
	if (expects_key(&yaml->build))
		return fail(yaml, place, "a key must be a text, not a list or a map",
			    "put a value that begins with { or [ in quotes", err);
	enum err result = doc_build_open(&yaml->build, kind, place, err);
	if (result != OK || name.len == 0)
		return result;
	if (arena_room(yaml->build.arena) < name.len + 64)
		return no_memory(yaml, place, err);
	yaml->open[yaml->open_count++] =
		(struct open_anchor){ arena_str(yaml->build.arena, name), yaml->build.depth };
	return OK;
}

static enum err take_close(struct doc_yaml *yaml, struct error *err)
{
	unsigned depth = yaml->build.depth;
	enum err result = doc_build_close(&yaml->build, err);
	if (result != OK || yaml->open_count == 0 || yaml->open[yaml->open_count - 1].depth != depth)
		return result;
	return anchor_add(yaml, yaml->open[--yaml->open_count].name, err);
}

static enum err take_event(struct doc_yaml *yaml, const yaml_event_t *event, struct error *err)
{
	struct doc_place place = place_of(&event->start_mark);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(yaml, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return take_open(yaml, event, DOC_LIST, err);
	case YAML_MAPPING_START_EVENT:
		return take_open(yaml, event, DOC_MAP, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return take_close(yaml, err);
	case YAML_ALIAS_EVENT:
		if (expects_key(&yaml->build))
			return fail(yaml, place, "a key cannot be an alias", ALIAS_HINT, err);
		return add_alias(yaml, anchor_text(event->data.alias.anchor), place, err);
	default:
		return OK; /* stream and document marks */
	}
}

static void document_begin(struct doc_yaml *yaml)
{
	struct arena *arena = yaml->build.arena;
	doc_build_finish(&yaml->build);
	doc_build_init(&yaml->build, arena, yaml->limits, yaml->source);
	yaml->anchor_count = 0;
	yaml->open_count = 0;
}

static enum err check_whole(struct doc_yaml *yaml, struct error *err)
{
	yaml->started = true;
	if (yaml->text.len > yaml->limits.bytes_max)
		return doc_fail(err, ERR_TOO_LARGE, yaml->source, (struct doc_place){ 1, 1 },
				"the text has %zu bytes; at most %zu are taken", yaml->text.len,
				yaml->limits.bytes_max);
	return OK;
}

/* Reads up to the end of one document; the root stays NULL when the stream ends before one. */
static enum err read_document(struct doc_yaml *yaml, struct error *err)
{
	document_begin(yaml);
	enum err result = yaml->started ? OK : check_whole(yaml, err);
	bool done = false;
	while (result == OK && !done) {
		yaml_event_t event;
		result = next_event(yaml, &event, err);
		if (result != OK)
			break;
		result = take_event(yaml, &event, err);
		yaml->ended = event.type == YAML_STREAM_END_EVENT;
		done = yaml->ended || event.type == YAML_DOCUMENT_END_EVENT;
		yaml_event_delete(&event);
	}
	return result;
}

enum err doc_yaml_next(struct doc_yaml *yaml, const struct doc_node **ret_root, struct error *err)
{
	if (yaml->ended) {
		*ret_root = NULL;
		return OK;
	}
	enum err result = read_document(yaml, err);
	if (result != OK) {
		yaml->ended = true;
		return result;
	}
	*ret_root = yaml->build.root;
	return OK;
}

static enum err parse_one(struct doc_yaml *yaml, const struct doc_node **ret_root,
			  struct error *err)
{
	static const struct doc_node nothing = { .kind = DOC_NULL, .line = 1, .column = 1 };
	const struct doc_node *root = NULL, *second = NULL;
	enum err result = doc_yaml_next(yaml, &root, err);
	if (result == OK)
		result = doc_yaml_next(yaml, &second, err);
	if (result != OK)
		return result;
	if (second != NULL)
		return fail(yaml, (struct doc_place){ second->line, second->column },
			    "a second document begins here; one is expected", NULL, err);
	*ret_root = root != NULL ? root : &nothing;
	return OK;
}

enum err doc_yaml_parse(struct str text, struct arena *arena, struct doc_limits limits,
			const char *source, const struct doc_node **ret_root, struct error *err)
{
	struct doc_yaml *yaml = doc_yaml_create(text, arena, limits, source);
	enum err result = parse_one(yaml, ret_root, err);
	doc_yaml_destroy(&yaml);
	return result;
}
