/* cli_journal.c: the record and its live end: mainstay journal ..., mainstay events */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_http.h"
#include "cli/cli_sse.h"
#include "sys/clock.h"
#include "wire/doc_json.h"

#define AGAIN_AFTER_MS 2000

static const struct cli_column event[] = {
	{ "SEQ", "seq", CLI_SHOW_NUMBER },
	{ "WHEN", "event_time", CLI_SHOW_TIME },
	{ "WHO", "actor.name" },
	{ "KIND", "kind" },
	{ "SUBJECT", "subject" },
	{ "WHAT", "text" },
	{ NULL },
};
static const struct cli_section event_list[] = {
	{ .items = "items", .columns = event, .empty = "nothing in the record matches" },
	{ 0 },
};
static const struct cli_column proof[] = {
	{ "event", "seq" },   { "leaf", "leaf" }, { "place", "index" },
	{ "tree size", "size" }, { "root", "root" }, { "path", "path" },
	{ NULL },
};
static const struct cli_section proof_show[] = { { .columns = proof }, { 0 } };

static const struct cli_input list_inputs[] = {
	{ "kind", CLI_TEXT, CLI_QUERY, "a kind, or incident. for all kinds of a room", .value = "KIND" },
	{ "subject", CLI_TEXT, CLI_QUERY, "as incident/12 or check/web", .value = "SUBJECT" },
	{ "actor", CLI_PERSON, CLI_QUERY, "only what this person did" },
	{ "from", CLI_TIME, CLI_QUERY, "at or after" },
	{ "to", CLI_TIME, CLI_QUERY, "before" },
	CLI_LIMIT,
	CLI_AS_OF,
	{ .name = NULL },
};
static const struct cli_input proof_inputs[] = {
	{ "SEQ", CLI_INT, CLI_PATH, "the event", CLI_REQUIRED },
	{ .name = NULL },
};

const struct cli_action journal_actions[] = {
	{ "list", "Lists the record, newest first.", "GET", "/journal", list_inputs, event_list, .pages = true,
	  .examples = { "mainstay journal list --kind incident. --limit 20",
			"mainstay journal list --actor me --from -24h -o csv" } },
	{ "proof", "Proves that an event is in the tree of the newest checkpoint.", "GET",
	  "/journal/{seq}/proof", proof_inputs, proof_show,
	  .examples = { "mainstay journal proof 1", "mainstay journal proof 1 -o json" } },
	{ "checkpoint", "Prints the newest signed checkpoint, for a witness to keep.", "GET",
	  "/journal/checkpoint", NULL, NULL,
	  .examples = { "mainstay journal checkpoint", "mainstay journal checkpoint > checkpoint.txt" } },
	{ 0 },
};

/* ---- events ---- */

struct following {
	struct cli_call *call;
	struct sse sse;
	struct str kind;
	int64_t count, wanted; /* wanted 0: without end */
	struct error err;
};

static void print_notice(struct following *following, const struct sse_event *said)
{
	struct cli_call *call = following->call;
	cleanup_arena struct arena arena = { 0 };
	const struct doc_node *root;
	char at[CLI_TIME_BYTES];
	struct clock clock;
	if (call->settings.format == CLI_JSON) {
		buf_printf(&call->out, STR_FMT "\n", STR_ARG(said->data));
		return;
	}
	arena_init(&arena, 0);
	clock_system(&clock);
	cli_time_print(&call->screen, clock_wall(&clock), at);
	*strchr(at, '(') = '\0';
	if (doc_json_parse(said->data, &arena, DOC_LIMITS_DEFAULT, NULL, &root, NULL) != OK)
		return;
	buf_printf(&call->out, "%s %8lld  %-28.*s  " STR_FMT "\n", at,
		   (long long)doc_int(doc_get(root, "seq"), 0),
		   STR_ARG(cli_text_clean(&arena, said->event)),
		   STR_ARG(cli_text_clean(&arena, doc_text(doc_get(root, "subject"), ""))));
}

/* "hello" says that the stream is open; "reset" that some were missed. */
static bool on_event(void *context, const struct sse_event *said)
{
	struct following *following = context;
	if (str_is(said->event, "hello"))
		return true;
	if (str_is(said->event, "reset"))
		fprintf(stderr, "mainstay: too much happened meanwhile; it is in mainstay journal list\n");
	if (str_is(said->event, "reset") || !str_starts(said->event, following->kind))
		return true;
	print_notice(following, said);
	following->count++;
	if (cli_flush(following->call, &following->err) != OK)
		return false;
	return following->wanted == 0 || following->count < following->wanted;
}

static bool on_bytes(void *context, struct str bytes)
{
	struct following *following = context;
	return sse_take(&following->sse, bytes, on_event, following);
}

static time_us boot_time(void)
{
	struct clock clock;
	clock_system(&clock);
	return clock_since_boot(&clock);
}

static enum err follow_once(struct following *following, time_us longest, bool *ret_stopped,
			    struct error *err)
{
	char last[32];
	struct cli_ask ask = { .method = "GET", .path = STR("/events"), .accept = "text/event-stream" };
	if (following->sse.id.used > 0) {
		snprintf(last, sizeof last, "%s", following->sse.id.bytes);
		ask.more[ask.more_count++] = (struct http_ask_field){ "Last-Event-ID", last };
	}
	sse_again(&following->sse);
	return cli_http_follow(following->call, &ask, longest, on_bytes, following, ret_stopped, err);
}

static void pause_a_little(void)
{
	struct timespec spec = { AGAIN_AFTER_MS / 1000, AGAIN_AFTER_MS % 1000 * 1000000 };
	nanosleep(&spec, NULL);
}

/* A stream that breaks is taken up where it ended; a server that was there once may come back. */
static enum err follow(struct following *following, time_us span, struct error *err)
{
	time_us end = span > 0 ? boot_time() + span : INT64_MAX;
	bool stopped = false, was_there = false;
	enum err r = OK;
	while (!stopped && boot_time() < end) {
		time_us left = end - boot_time();
		r = follow_once(following, left > TIME_MS ? left : TIME_MS, &stopped, err);
		was_there = was_there || r == OK;
		if (r != OK && (r != ERR_UNAVAILABLE || !was_there))
			return r;
		if (!stopped && boot_time() < end)
			pause_a_little();
	}
	return OK;
}

static enum err events(struct cli_call *call, struct error *err)
{
	struct following following = { .call = call, .kind = cli_text(call, "kind"),
				       .wanted = cli_int(call, "count", 0) };
	struct str since = cli_text(call, "since");
	time_us span = 0;
	duration_parse(cli_text(call, "for"), &span);
	sse_init(&following.sse);
	buf_add(&following.sse.id, since);
	enum err r = follow(&following, span, err);
	sse_finish(&following.sse);
	if (r == OK && following.err.code != OK) {
		*err = following.err;
		r = err->code;
	}
	return r;
}

static const struct cli_input events_inputs[] = {
	{ "kind", CLI_TEXT, CLI_OWN, "only kinds that begin so, as incident. does", .value = "KIND" },
	{ "since", CLI_INT, CLI_OWN, "begin after this seq, at most 500 back", .value = "SEQ" },
	{ "count", CLI_INT, CLI_OWN, "stop after so many" },
	{ "for", CLI_DURATION, CLI_OWN, "stop after so long" },
	{ .name = NULL },
};

const struct cli_action events_actions[] = {
	{ "", "Follows what happens, one line an event, until you stop it.", NULL, NULL, events_inputs, NULL,
	  .run = events,
	  .examples = { "mainstay events --kind incident. --for 2s",
			"mainstay events --since 1 --count 1 -o json" } },
	{ 0 },
};
