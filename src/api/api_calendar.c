/*
 * api_calendar.c: the shifts of a schedule for calendar programs.
 *
 * A feed is computed, not kept. What could change it are definitions, overrides and people's names;
 * the newest of these events gives every entry its SEQUENCE and LAST-MODIFIED. So the feed has the
 * same bytes, and the same ETag, until something changed or the window moved past a shift.
 */
#include <sodium.h>

#include "api/api_handlers.h"
#include "journal/journal.h"
#include "oncall/calendar.h"
#include "oncall/paging.h"
#include "resource/definition.h"

#define TAG_BYTES 16u

struct feed {
	struct api_call *call;
	struct schedule *schedule;
	int64_t user; /* 0: everybody */
	int64_t seq;  /* of the newest change */
	time_us changed;
};

static struct str name_of(void *context, int64_t user)
{
	struct api_call *call = context;
	struct guard_user found;
	if (guard_user_by_id(call->conn, &call->arena, user, &found, NULL) != OK)
		return STR_NONE;
	return found.name;
}

static bool see_change(void *context, const struct event *event)
{
	struct feed *feed = context;
	feed->seq = event->seq;
	feed->changed = event->recorded_time;
	return false;
}

static enum err find_change(struct feed *feed, struct error *err)
{
	static const char *const kinds[] = { "definition.put", "definition.deleted", "override.",
					     "user.created", "user.changed", "user.profile_changed", NULL };
	struct journal_filter filter = { .newest_first = true, .kinds = kinds, .limit = 1 };
	return journal_read(feed->call->conn, &filter, &feed->call->arena, see_change, feed, err);
}

static enum err write_feed(const struct feed *feed, struct error *err)
{
	struct api_call *call = feed->call;
	const struct doc_node *spec;
	struct calendar_event *events;
	size_t count;
	struct calendar_source source = {
		.schedule = feed->schedule, .user = feed->user, .user_name = name_of, .context = call,
	};
	enum err r = calendar_events(&source, call->now - CALENDAR_PAST, call->now + CALENDAR_AHEAD,
				     feed->changed, &call->arena, &events, &count, err);
	if (r == OK)
		r = definition_spec(call->conn, PAGING_SCHEDULE, call->params[0], &call->arena, &spec, err);
	if (r != OK)
		return r;
	for (size_t i = 0; i < count; i++)
		events[i].sequence = (uint32_t)(feed->seq & INT32_MAX); /* RFC 5545: 31 bits */
	struct calendar_head head = {
		.name = arena_printf(&call->arena, "On call: " STR_FMT, STR_ARG(call->params[0])),
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
	struct feed feed = { .call = call };
	struct str user = api_query(call, "user");
	if (user.len > 0 && !str_int(user, 1, INT64_MAX, &feed.user)) {
		error_set(err, ERR_INVALID, "user is the id of a person");
		error_field(err, "user");
		return ERR_INVALID;
	}
	enum err r = paging_schedule(call->conn, call->api->options.zones, call->params[0], &call->arena,
				     &feed.schedule, err);
	if (r == OK)
		r = find_change(&feed, err);
	if (r == OK)
		r = write_feed(&feed, err);
	if (r != OK)
		return r;
	call->content_type = "text/calendar; charset=utf-8";
	tag(call);
	return OK;
}
