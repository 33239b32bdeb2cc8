/* notify.c: writing pages, and what a try means for one. See notify.h for the states. */
#include <assert.h>

#include "notify/notify_priv.h"

/* Cut at a character, so that a lock screen never shows half of one. */
static struct str cut_text(struct arena *arena, struct str text, size_t limit)
{
	size_t end = text.len < limit ? text.len : limit;
	while (end > 0 && end < text.len && ((unsigned char)text.ptr[end] & 0xC0) == 0x80)
		end--;
	return arena_str(arena, str_sub(text, 0, end));
}

/* A link without its token: what stands in the record must not let anybody act. */
static struct str public_part(struct str link)
{
	struct str before, after;
	for (size_t i = link.len; i > 0; i--) {
		if (link.ptr[i - 1] == '/')
			return str_sub(link, 0, i);
	}
	str_cut(link, '?', &before, &after);
	return before;
}

void notify_page(struct decision *d, const struct notify_page *page, int64_t *ret_page)
{
	assert(page->channel.len > 0);
	struct notify_page *row = arena_new(d->arena, struct notify_page);
	*row = *page;
	row->page = decision_new_id(d, "page");
	row->title = cut_text(d->arena, page->title, NOTIFY_TITLE_BYTES_MAX);
	row->body = cut_text(d->arena, page->body, NOTIFY_BODY_BYTES_MAX);
	row->channel = arena_str(d->arena, page->channel);
	row->address = arena_str(d->arena, page->address);
	row->secret = arena_str(d->arena, page->secret);
	row->link = arena_str(d->arena, page->link);
	struct event_page_created created = {
		.page = row->page,
		.incident = page->incident,
		.user = page->user,
		.contact = page->contact,
		.channel = row->channel,
		.urgency = page->urgency,
		.title = row->title,
		.body = row->body,
		.link = public_part(row->link),
		.reason = page->reason,
	};
	decision_emit(d, EVENT_PAGE_CREATED, page->incident, &created);
	decision_work(d, outbox_put, row);
	if (ret_page != NULL)
		*ret_page = row->page;
}

static void remove_from_outbox(struct decision *d, int64_t page)
{
	int64_t *id = arena_new(d->arena, int64_t);
	*id = page;
	decision_work(d, outbox_remove, id);
}

enum err notify_cancel(struct decision *d, int64_t incident, const char *why, struct error *err)
{
	int64_t *pages;
	size_t count;
	enum err r = outbox_of_incident(d->conn, incident, d->arena, &pages, &count, err);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct event_page_cancelled cancelled = { .page = pages[i], .reason = str_of(why) };
		decision_emit(d, EVENT_PAGE_CANCELLED, incident, &cancelled);
		remove_from_outbox(d, pages[i]);
	}
	return r;
}

/* It was cancelled while it was on its way. When it arrived all the same, the record says so. */
static enum err record_late(struct decision *d, const struct notify_attempt *attempt, struct error *err)
{
	struct page_state page;
	enum err r = page_state_get(d->conn, attempt->page, d->arena, &page, err);
	if (r != OK)
		return r;
	if (!str_is(page.state, "cancelled") || !str_is(attempt->state, "sent"))
		return error_set(err, ERR_CONFLICT, "page %lld is no longer waiting",
				 (long long)attempt->page);
	struct event_page_attempted attempted = {
		.page = attempt->page,
		.attempt = page.attempts + 1,
		.state = attempt->state,
		.detail = attempt->detail,
		.took = attempt->took,
	};
	decision_emit(d, EVENT_PAGE_ATTEMPTED, attempt->incident, &attempted);
	return OK;
}

enum err notify_attempt_decide(struct decision *d, const void *args, struct error *err)
{
	const struct notify_attempt *attempt = args;
	bool found;
	int attempts;
	enum err r = outbox_attempts(d->conn, attempt->page, &found, &attempts, err);
	if (r != OK)
		return r;
	if (!found)
		return record_late(d, attempt, err);
	bool again = str_is(attempt->state, "retry") && attempts + 1 < NOTIFY_ATTEMPTS_MAX;
	struct event_page_attempted attempted = {
		.page = attempt->page,
		.attempt = attempts + 1,
		.state = str_is(attempt->state, "retry") && !again ? STR("failed") : attempt->state,
		.detail = attempt->detail,
		.took = attempt->took,
		.retry_at = again ? attempt->retry_at : TIME_NONE,
	};
	decision_emit(d, EVENT_PAGE_ATTEMPTED, attempt->incident, &attempted);
	if (!again) {
		remove_from_outbox(d, attempt->page);
		return OK;
	}
	struct outbox_delay *delay = arena_new(d->arena, struct outbox_delay);
	*delay = (struct outbox_delay){ attempt->page, attempt->retry_at, attempts + 1 };
	decision_work(d, outbox_delay, delay);
	return OK;
}

/* ---- what browsers tell ---- */

static void emit_shown(struct decision *d, const struct notify_delivered *told,
		       const struct page_state *page)
{
	struct event_page_attempted attempted = {
		.page = told->page,
		.attempt = page->attempts + 1,
		.state = told->shown ? STR("delivered") : STR("failed"),
		.detail = told->detail,
	};
	if (told->detail.len == 0)
		attempted.detail = told->shown ? STR("a browser showed it") : STR("the browser could not show it");
	decision_emit(d, EVENT_PAGE_ATTEMPTED, page->incident, &attempted);
}

/* The browser may be quicker than the record of the sending: then the page leaves the outbox here. */
enum err notify_delivered_decide(struct decision *d, const void *args, struct error *err)
{
	const struct notify_delivered *told = args;
	struct page_state page;
	enum err r = page_state_get(d->conn, told->page, d->arena, &page, err);
	if (r != OK)
		return r;
	if (page.user != told->user || !str_is(page.channel, "browser"))
		return error_set(err, ERR_NOT_FOUND, "there is no page %lld for a browser of yours",
				 (long long)told->page);
	if (str_is(page.state, "delivered"))
		return OK;
	bool queued = str_is(page.state, "queued");
	if (!queued && !str_is(page.state, "sent"))
		return error_set(err, ERR_CONFLICT, "page %lld is over: " STR_FMT, (long long)told->page,
				 STR_ARG(page.state));
	emit_shown(d, told, &page);
	if (queued)
		remove_from_outbox(d, told->page);
	return OK;
}

/* ---- the rest ---- */

enum err notify_unrecorded_decide(struct decision *d, const void *args, struct error *err)
{
	const struct notify_unrecorded *unrecorded = args;
	(void)err;
	struct event_page_unrecorded event = { .title = unrecorded->title, .at = unrecorded->at };
	decision_emit_at(d, EVENT_PAGE_UNRECORDED, 0, unrecorded->at, &event);
	return OK;
}

enum err notify_restored_decide(struct decision *d, const void *args, struct error *err)
{
	const struct notify_restored *restored = args;
	int64_t *pages, *incidents;
	size_t count;
	enum err r = pages_queued(d->conn, NOTIFY_RESTORED_MAX, d->arena, &pages, &incidents, &count, err);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct event_page_cancelled cancelled = { .page = pages[i], .reason = restored->reason };
		decision_emit(d, EVENT_PAGE_CANCELLED, incidents[i], &cancelled);
		remove_from_outbox(d, pages[i]);
	}
	if (r == OK)
		*restored->ret_count = count;
	return r;
}

enum err notify_on_clock_stepped(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_clock_stepped *stepped = event->payload;
	(void)err;
	struct outbox_shift *shift = arena_new(d->arena, struct outbox_shift);
	shift->by = stepped->by;
	/* Forward, what was due already stays due; back, it would not be any more, and moves too. */
	shift->after = stepped->by > 0 ? d->now - stepped->by : INT64_MIN;
	decision_work(d, outbox_shift, shift);
	return OK;
}
