/* alert_event.c: see alert_event.h. */
#include "alert/alert_event.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"

#define DEPTH_MAX 16
#define PAIRS_MAX 64u
#define TEXT_BYTES_MAX 1024u
#define NOTE_BYTES_MAX 4096u
#define NOTES_BYTES_MAX 20000u /* of one event together */

/* ---- what is wrong ---- */

struct reading {
	struct arena *arena;
	struct alert_event_errors *errors;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct reading *r, const char *format, ...)
{
	char text[200];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (r->errors->count < ALERT_EVENT_ERRORS_MAX)
		r->errors->rows[r->errors->count++] = arena_str(r->arena, str_of(text));
}

static bool has_nul(struct str text)
{
	return str_has(text, '\0');
}

/* Absent and null are the same. */
static struct str text_field(struct reading *r, const struct doc_node *map, const char *name, const char *path,
			     size_t most)
{
	const struct doc_node *node = doc_get(map, name);
	if (node == NULL || doc_is(node, DOC_NULL))
		return STR_NONE;
	struct str text = doc_text(node, "");
	if (!doc_is(node, DOC_TEXT))
		wrong(r, "'%s' is invalid (must be a string)", path);
	else if (text.len > most)
		wrong(r, "'%s' is too long (maximum is %zu characters)", path, most);
	else if (has_nul(text))
		wrong(r, "'%s' is invalid (it holds a NUL)", path);
	return text;
}

static const struct doc_node *node_field(struct reading *r, const struct doc_node *map, const char *name,
					 enum doc_kind kind, const char *what)
{
	const struct doc_node *node = doc_get(map, name);
	if (node == NULL || doc_is(node, DOC_NULL))
		return NULL;
	if (!doc_is(node, kind))
		wrong(r, "'%s' is invalid (must be %s)", name, what);
	return node;
}

static void read_action(struct reading *r, const struct doc_node *root, struct alert_event *event)
{
	static const char *const actions[] = { "trigger", "acknowledge", "resolve" };
	struct str action = text_field(r, root, "event_action", "event_action", 40);
	for (unsigned i = 0; i < 3; i++) {
		if (str_is(action, actions[i])) {
			event->action = (enum alert_event_action)i;
			return;
		}
	}
	wrong(r, action.len == 0 ? "'event_action' is missing or blank"
				 : "'event_action' is invalid (must be one of: 'trigger', 'acknowledge', 'resolve')");
}

static void read_payload(struct reading *r, const struct doc_node *root, struct alert_event *event)
{
	static const char *const severities[] = { "critical", "error", "warning", "info" };
	const struct doc_node *payload = doc_get(root, "payload");
	bool known = false;
	if (!doc_is(payload, DOC_MAP)) {
		wrong(r, "'payload' is missing or blank");
		return;
	}
	event->summary = str_trim(text_field(r, payload, "summary", "payload.summary", ALERT_EVENT_SUMMARY_BYTES_MAX));
	event->source = str_trim(text_field(r, payload, "source", "payload.source", TEXT_BYTES_MAX));
	event->severity = text_field(r, payload, "severity", "payload.severity", 40);
	event->component = text_field(r, payload, "component", "payload.component", TEXT_BYTES_MAX);
	event->group = text_field(r, payload, "group", "payload.group", TEXT_BYTES_MAX);
	event->class = text_field(r, payload, "class", "payload.class", TEXT_BYTES_MAX);
	struct str at = text_field(r, payload, "timestamp", "payload.timestamp", 64);
	event->details = doc_get(payload, "custom_details");
	if (event->summary.len == 0)
		wrong(r, "'payload.summary' is missing or blank");
	if (event->source.len == 0)
		wrong(r, "'payload.source' is missing or blank");
	for (unsigned i = 0; i < 4; i++)
		known = known || str_is(event->severity, severities[i]);
	if (event->severity.len == 0)
		wrong(r, "'payload.severity' is missing or blank");
	else if (!known)
		wrong(r, "'payload.severity' is invalid (must be one of: 'critical', 'warning', 'error', 'info')");
	/* A time that cannot be read is as if none was sent: an event must not be lost for its clock. */
	if (at.len > 0 && !time_parse(at, &event->at))
		event->at = TIME_NONE;
}

static void read_root(struct reading *r, const struct doc_node *root, struct alert_event *event)
{
	event->routing_key = text_field(r, root, "routing_key", "routing_key", TEXT_BYTES_MAX);
	event->dedup_key = text_field(r, root, "dedup_key", "dedup_key", ALERT_EVENT_KEY_BYTES_MAX);
	read_action(r, root, event);
	if (event->routing_key.len == 0)
		wrong(r, "'routing_key' is missing or blank");
	else if (event->routing_key.len != 32)
		wrong(r, "Length of 'routing_key' is incorrect (should be 32 characters)");
	if (event->action != ALERT_EVENT_TRIGGER && event->dedup_key.len == 0)
		wrong(r, "'dedup_key' is missing or blank");
	if (event->action == ALERT_EVENT_TRIGGER)
		read_payload(r, root, event);
	event->client = text_field(r, root, "client", "client", TEXT_BYTES_MAX);
	event->client_url = text_field(r, root, "client_url", "client_url", NOTE_BYTES_MAX);
	event->links = node_field(r, root, "links", DOC_LIST, "a list");
	event->images = node_field(r, root, "images", DOC_LIST, "a list");
}

bool alert_event_read(struct str body, struct arena *arena, struct alert_event *ret_event,
		      struct alert_event_errors *ret_errors)
{
	struct alert_event event = { .at = TIME_NONE };
	struct reading reading = { arena, ret_errors };
	const struct doc_node *root;
	struct doc_limits limits = DOC_LIMITS_DEFAULT;
	limits.depth_max = DEPTH_MAX;
	limits.bytes_max = ALERT_EVENT_BYTES_MAX;
	ret_errors->count = 0;
	if (body.len > ALERT_EVENT_BYTES_MAX)
		wrong(&reading, "Event is larger than %u bytes", ALERT_EVENT_BYTES_MAX);
	else if (doc_json_parse(body, arena, limits, NULL, &root, NULL) != OK || !doc_is(root, DOC_MAP))
		wrong(&reading, "Event is not a JSON object");
	else
		read_root(&reading, root, &event);
	*ret_event = event;
	return ret_errors->count == 0;
}

/* ---- a signal ---- */

struct pairs {
	struct alert_pair rows[PAIRS_MAX];
	size_t count, bytes;
	struct arena *arena;
};

/* By name, as signals have them. Empty ones, and what would be too much, are left out. */
static void add(struct pairs *pairs, const char *name, struct str value)
{
	size_t at = pairs->count;
	value = alert_cut(value, NOTE_BYTES_MAX);
	if (value.len == 0 || has_nul(value) || pairs->count == PAIRS_MAX ||
	    pairs->bytes + value.len > NOTES_BYTES_MAX)
		return;
	while (at > 0 && str_cmp(pairs->rows[at - 1].name, str_of(name)) > 0)
		at--;
	memmove(&pairs->rows[at + 1], &pairs->rows[at], (pairs->count - at) * sizeof pairs->rows[0]);
	pairs->rows[at] = (struct alert_pair){ str_of(name), value };
	pairs->count++;
	pairs->bytes += value.len;
}

static struct str shown(struct pairs *pairs, const struct doc_node *node)
{
	cleanup_buf struct buf out;
	buf_init(&out, ALERT_EVENT_BYTES_MAX * 2);
	if (doc_is(node, DOC_TEXT))
		return doc_text(node, "");
	doc_print_json(node, &out);
	return arena_str(pairs->arena, buf_str(&out));
}

/* "detail_00 ... detail_29": "name: value", in the order they were sent. */
static void add_details(struct pairs *pairs, const struct doc_node *details)
{
	if (!doc_is(details, DOC_MAP)) {
		if (details != NULL && !doc_is(details, DOC_NULL))
			add(pairs, "detail_00", shown(pairs, details));
		return;
	}
	for (size_t i = 0; i < doc_count(details) && i < ALERT_EVENT_DETAILS_MAX; i++) {
		const struct doc_entry *entry = doc_entry_at(details, i);
		struct str value = alert_cut(shown(pairs, &entry->value), NOTE_BYTES_MAX - 300);
		struct str name = alert_cut(entry->key, 200);
		struct str label = arena_printf(pairs->arena, "detail_%02zu", i);
		add(pairs, label.ptr, arena_printf(pairs->arena, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value)));
	}
}

/* "URL text": an address that does not lead to the web is left out. */
static void add_links(struct pairs *pairs, const struct doc_node *list, const char *address, const char *words,
		      const char *label)
{
	for (size_t i = 0, kept = 0; i < doc_count(list) && kept < ALERT_EVENT_LINKS_MAX; i++) {
		const struct doc_node *item = doc_at(list, i);
		struct str url = str_trim(doc_text(doc_get(item, address), ""));
		if (!doc_is(item, DOC_MAP) || !alert_is_web(url) || url.len > 2000 || str_has(url, ' '))
			continue;
		struct str name = arena_printf(pairs->arena, "%s_%02zu", label, kept++);
		struct str text = alert_cut(str_trim(doc_text(doc_get(item, words), "")), 300);
		add(pairs, name.ptr, arena_printf(pairs->arena, STR_FMT "%s" STR_FMT, STR_ARG(url), text.len > 0 ? " " : "",
						  STR_ARG(text)));
	}
}

static void add_labels(struct pairs *pairs, const struct alert_event *event, int64_t integration, struct str name,
		       struct str service)
{
	add(pairs, "alertname", event->class.len > 0 ? event->class : name);
	add(pairs, "integration", arena_printf(pairs->arena, "%lld", (long long)integration));
	add(pairs, "dedup_key", event->dedup_key);
	add(pairs, "service", service);
	add(pairs, "severity", event->severity);
	add(pairs, "source", event->source);
	add(pairs, "component", event->component);
	add(pairs, "group", event->group);
}

static void add_notes(struct pairs *pairs, const struct alert_event *event)
{
	add(pairs, "summary", event->summary);
	add(pairs, "client", event->client);
	add_links(pairs, event->links, "href", "text", "link");
	add_links(pairs, event->images, "src", "alt", "image");
	add_details(pairs, event->details);
}

struct alert_key alert_event_key(int64_t integration, struct str dedup_key, struct arena *arena)
{
	struct alert_pair identity[] = {
		{ STR("integration"), arena_printf(arena, "%lld", (long long)integration) },
		{ STR("dedup_key"), dedup_key },
	};
	assert(dedup_key.len > 0);
	return alert_key_of(identity, 2);
}

void alert_event_signal(const struct alert_event *event, int64_t integration, struct str name, struct str service,
			time_us now, struct arena *arena, struct alert_signal *ret_signal)
{
	struct pairs *labels = arena_new(arena, struct pairs), *notes = arena_new(arena, struct pairs);
	labels->arena = notes->arena = arena;
	add_labels(labels, event, integration, name, service);
	add_notes(notes, event);
	bool known = event->at != TIME_NONE && event->at > 0 && event->at <= now;
	*ret_signal = (struct alert_signal){
		.key = alert_event_key(integration, event->dedup_key, arena),
		.labels = labels->rows, .label_count = labels->count,
		.annotations = notes->rows, .annotation_count = notes->count,
		.generator = alert_is_web(event->client_url) ? event->client_url : STR_NONE,
		.starts = known ? event->at : now,
		.ends = event->action == ALERT_EVENT_RESOLVE ? now
			: now + (event->lasts > 0 ? event->lasts : ALERT_EVENT_LASTS),
	};
	ret_signal->notes = alert_key_of(notes->rows, notes->count).a;
}
