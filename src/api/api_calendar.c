/*
 * api_calendar.c: the shifts of a schedule for calendar programs.
 *
 * A feed is computed, not kept (calendar_feed.h). It has the same bytes, and the same ETag, until something
 * changed or the window moved past a shift.
 */
#include <sodium.h>

#include "api/api_handlers.h"
#include "oncall/calendar_feed.h"
#include "resource/definition.h"

#define TAG_BYTES 16u

static enum err write_feed(struct api_call *call, const struct calendar_feed *feed, struct error *err)
{
	const struct doc_node *spec;
	struct calendar_event *events;
	size_t count;
	enum err r = calendar_feed_events(call->conn, feed, &call->arena, &events, &count, err);
	if (r == OK)
		r = definition_spec(call->conn, PAGING_SCHEDULE, feed->schedule, &call->arena, &spec, err);
	if (r != OK)
		return r;
	struct calendar_head head = {
		.name = arena_printf(&call->arena, "On call: " STR_FMT, STR_ARG(feed->schedule)),
		.time_zone = doc_text(doc_get(spec, "time_zone"), "UTC"),
	};
	return calendar_write(&head, events, count, &call->out, err);
}

/* The answer's own hash: equal bytes are not sent twice (RFC 9110 section 13.1.2). */
static void tag(struct api_call *call)
{
	unsigned char hash[TAG_BYTES];
	char text[2 * TAG_BYTES + 1];
	struct str known;
	crypto_generichash(hash, sizeof hash, (const unsigned char *)call->out.bytes, call->out.used, NULL,
			   0);
	sodium_bin2hex(text, sizeof text, hash, sizeof hash);
	api_header(call, "ETag", "\"%s\"", text);
	if (!http_request_header(call->request, "If-None-Match", &known) ||
	    !str_eq(known, arena_printf(&call->arena, "\"%s\"", text)))
		return;
	buf_reset(&call->out);
	call->status = 304;
}

enum err api_schedule_calendar(struct api_call *call, struct error *err)
{
	struct calendar_feed feed = { .zones = call->api->options.zones, .schedule = call->params[0],
				      .now = call->now };
	struct str user = api_query(call, "user");
	if (user.len > 0 && !str_int(user, 1, INT64_MAX, &feed.user)) {
		error_set(err, ERR_INVALID, "user is the id of a person");
		error_field(err, "user");
		return ERR_INVALID;
	}
	enum err r = write_feed(call, &feed, err);
	if (r != OK)
		return r;
	call->content_type = "text/calendar; charset=utf-8";
	tag(call);
	return OK;
}
