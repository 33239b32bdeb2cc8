/*
 * comms_subscriber_work.c: subscribers are told of planned work: that it comes, changes, begins, ends, or does not come.
 *
 * What is said is what the announcement says at that moment, so that a late reader reads the truth. When notices arise
 * stands in comms_subscriber_work_store.c, how they reach many in comms_subscriber_news.c.
 */
#include <assert.h>

#include "comms/comms_maintenance.h"
#include "comms/comms_page.h"
#include "comms/comms_subscriber_priv.h"
#include "notify/notify_bulk.h"
#include "wire/json_writer.h"

#define WEBHOOK_BYTES_MAX 60000u
#define TEXT_BYTES_MAX 6000u

static const struct words {
	const char *what, *title;
	bool whole; /* with what the announcement says */
} words[] = {
	{ "announced", "Planned work", true },
	{ "changed", "Planned work changed", true },
	{ "reminded", "Planned work begins soon", true },
	{ "noted", "News of planned work", false },
	{ "in_progress", "Planned work has begun", true },
	{ "verifying", "Planned work is being verified", false },
	{ "completed", "Planned work is complete", false },
	{ "cancelled", "Planned work is cancelled", false },
};

static const struct words *words_of(struct str what)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (str_is(what, words[i].what))
			return &words[i];
	}
	return NULL;
}

/* The notice whose turn it is, and those before it. */
struct turn {
	struct subscriber_notice now; /* id 0: there is none */
	struct subscriber_notice *before;
	size_t count;
	int64_t reached; /* the last subscriber whom something was written to */
	struct comms_maintenance work;
};

static bool see_notice(void *context, const struct subscriber_notice *notice)
{
	struct turn *turn = context;
	if (str_is(notice->state, "waiting")) {
		turn->now = *notice;
		return false;
	}
	if (notice->up_to > 0 && turn->count < COMMS_UPDATES_MAX)
		turn->before[turn->count++] = *notice;
	if (notice->up_to > turn->reached)
		turn->reached = notice->up_to;
	return true;
}

/* ---- taking back ---- */

static void drop(struct decision *d, int64_t notice, int64_t party)
{
	struct notify_bulk *row = arena_new(d->arena, struct notify_bulk);
	*row = (struct notify_bulk){ .purpose = STR(SUBSCRIBER_WORK), .seq = notice, .party = party };
	decision_work(d, notify_bulk_drop, row);
}

static void drop_all(struct decision *d, const struct turn *turn)
{
	for (size_t i = 0; i < turn->count; i++)
		drop(d, turn->before[i].id, 0);
}

/* Whose first mail about it has not left yet gets none at all; whoever came after it was told gets none either. */
static enum err hears_of_the_end(struct decision *d, const struct subscriber_news *news, const struct subscriber *to,
				 bool *ret_goes, struct error *err)
{
	const struct turn *turn = news->context;
	bool first_waits = false;
	assert(turn->count > 0);
	for (size_t i = 0; i < turn->count; i++) {
		bool waits = false;
		enum err r = notify_bulk_waits(d->conn, news->purpose, turn->before[i].id, to->id, &waits, err);
		if (r != OK)
			return r;
		if (waits)
			drop(d, turn->before[i].id, to->id);
		first_waits = first_waits || (waits && i == 0);
	}
	*ret_goes = !first_waits && to->id <= turn->reached;
	return OK;
}

/* ---- writing ---- */

static struct str hook_of(struct decision *d, const struct subscriber_news *news, const struct subscriber *to)
{
	const struct turn *turn = news->context;
	const struct comms_maintenance *m = &turn->work;
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, WEBHOOK_BYTES_MAX);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_cstr(&json, "type", "maintenance");
	json_field_int(&json, "maintenance", m->id);
	json_field_int(&json, "notice", turn->now.id);
	json_field_int(&json, "subscriber", to->id);
	json_field_text(&json, "what", turn->now.what);
	json_field_text(&json, "state", m->state);
	json_field_text(&json, "title", m->title);
	json_field_text(&json, "about", str_sub(m->text, 0, TEXT_BYTES_MAX));
	json_field_text(&json, "text", str_sub(turn->now.text, 0, TEXT_BYTES_MAX));
	json_key(&json, "services");
	json_raw(&json, m->services);
	json_field_time(&json, "from", m->from);
	json_field_time(&json, "until", m->until);
	json_field_time(&json, "at", turn->now.at);
	json_map_end(&json);
	json_finish(&json);
	return buf.full ? STR("{}") : arena_str(d->arena, buf_str(&buf));
}

static struct str text_of(struct decision *d, const struct subscriber_news *news, const struct comms_page *page)
{
	const struct turn *turn = news->context;
	const struct comms_maintenance *m = &turn->work;
	struct arena *arena = d->arena;
	struct str from = comms_page_time(page, m->from, arena), until = comms_page_time(page, m->until, arena);
	struct str about = words_of(turn->now.what)->whole ? m->text : STR_NONE;
	return arena_printf(arena, STR_FMT "%sFrom " STR_FMT "\nuntil " STR_FMT ".%s" STR_FMT, STR_ARG(turn->now.text),
			    turn->now.text.len > 0 ? "\n\n" : "", STR_ARG(from), STR_ARG(until),
			    about.len > 0 ? "\n\n" : "", STR_ARG(about));
}

static enum err tell(struct decision *d, const struct turn *turn, struct subscriber_slice *slice, struct error *err)
{
	const struct words *said = words_of(turn->now.what);
	struct str *services;
	size_t count;
	if (said == NULL)
		return error_set(err, ERR_CORRUPT, "cannot tell that planned work is \"" STR_FMT "\"",
				 STR_ARG(turn->now.what));
	enum err r = comms_services(turn->now.services, d->arena, 2 * COMMS_SERVICES_MAX, &services, &count, err);
	struct subscriber_news news = {
		.purpose = STR(SUBSCRIBER_WORK),
		.seq = turn->now.id,
		.title = str_sub(arena_printf(d->arena, "%s: " STR_FMT, said->title, STR_ARG(turn->work.title)), 0,
				 BULK_TITLE_BYTES_MAX),
		.about = "On: ",
		.text = text_of,
		.services = services,
		.service_count = count,
		.hook = hook_of,
		.goes = str_is(turn->now.what, "cancelled") ? hears_of_the_end : NULL,
		.context = turn,
	};
	return r == OK ? subscriber_tell(d, &news, slice, err) : r;
}

enum err subscriber_work_due(struct decision *d, const struct timer *timer, struct error *err)
{
	struct turn *turn = arena_new(d->arena, struct turn);
	struct subscriber_slice slice = { .done = true };
	*turn = (struct turn){ .before = arena_array(d->arena, struct subscriber_notice, COMMS_UPDATES_MAX) };
	enum err r = subscriber_notices(d->conn, timer->of, d->arena, see_notice, turn, err);
	if (r == OK)
		r = comms_maintenance_get(d->conn, timer->of, d->arena, &turn->work, err);
	if (r != OK)
		return r;
	slice.up_to = turn->now.up_to;
	bool hidden = str_is(turn->now.what, "hidden") || !turn->work.is_public;
	if (hidden)
		drop_all(d, turn);
	else if (turn->now.id != 0)
		r = tell(d, turn, &slice, err);
	if (r != OK)
		return r;
	struct event_subscriber_notified notified = {
		.maintenance = timer->of, .notice = turn->now.id, .up_to = slice.up_to, .count = slice.told,
		.done = slice.done,
	};
	decision_emit(d, EVENT_SUBSCRIBER_NOTIFIED, timer->of, &notified);
	return OK;
}
