/*
 * comms_subscriber_news.c: one piece of news, written to everybody whom it concerns.
 *
 * A slice of subscribers a turn, each recorded by who calls: telling many holds up nobody, and after a crash it
 * goes on where it was. Names are those of the page that somebody subscribed to: what else is affected is not theirs
 * to know.
 */
#include <assert.h>

#include "catalog/catalog.h"
#include "comms/comms_letter.h"
#include "comms/comms_page.h"
#include "comms/comms_subscriber_priv.h"
#include "oncall/paging.h"
#include "wire/doc_json.h"

struct seen_page {
	struct str name;
	const struct comms_page *page; /* NULL: it is gone, or nobody outside may read it */
};

struct telling {
	struct decision *d;
	const struct subscriber_news *news;
	struct subscriber_slice *slice;
	struct seen_page pages[SUBSCRIBER_PAGES_MAX];
	size_t page_count;
	struct error *err;
	enum err result;
	bool elsewhere; /* an older subscription of theirs is told */
};

struct str subscriber_link(struct arena *arena, int64_t subscriber, struct str secret)
{
	return arena_printf(arena, NOTIFY_BASE SUBSCRIBER_LINK_PATH "%lld-" STR_FMT, (long long)subscriber,
			    STR_ARG(secret));
}

/* ---- whom it concerns ---- */

static enum err find_page(struct telling *telling, struct str name, const struct comms_page **ret_page)
{
	struct comms_page *page = NULL;
	for (size_t i = 0; i < telling->page_count; i++) {
		if (str_eq(telling->pages[i].name, name)) {
			*ret_page = telling->pages[i].page;
			return OK;
		}
	}
	const struct paging_room *room = world_room(telling->d->world, "oncall");
	enum err r = comms_page_outline(telling->d->conn, room != NULL ? room->zones : NULL, name, telling->d->arena, &page,
					telling->err);
	if (r != OK && r != ERR_NOT_FOUND)
		return r;
	*ret_page = r == OK && !page->is_private ? page : NULL;
	if (telling->page_count < SUBSCRIBER_PAGES_MAX)
		telling->pages[telling->page_count++] = (struct seen_page){ name, *ret_page };
	return OK;
}

static bool is_named(const struct doc_node *names, struct str service)
{
	for (size_t i = 0; i < doc_count(names); i++) {
		if (str_eq(doc_text(doc_at(names, i), ""), service))
			return true;
	}
	return doc_count(names) == 0;
}

/* Of a page: its services only, and of those the ones they chose. Else news that names nothing is for everybody. */
static enum err concerns(struct telling *telling, const struct subscriber *to, bool *ret_concerns)
{
	const struct subscriber_news *news = telling->news;
	const struct comms_page *page = NULL;
	const struct doc_node *names = NULL;
	enum err r = to->page.len > 0 ? find_page(telling, to->page, &page) : OK;
	*ret_concerns = to->page.len == 0 && news->service_count == 0;
	if (r != OK || doc_json_parse(to->components, telling->d->arena, DOC_LIMITS_DEFAULT, NULL, &names, NULL) != OK)
		return r;
	for (size_t i = 0; i < news->service_count && !*ret_concerns; i++) {
		bool shown = to->page.len == 0 ||
			     (page != NULL && comms_page_component_of(page, news->services[i]) != NULL);
		*ret_concerns = shown && is_named(names, news->services[i]);
	}
	return OK;
}

static bool see_older(void *context, const struct subscriber *older)
{
	struct telling *telling = context;
	telling->result = concerns(telling, older, &telling->elsewhere);
	return telling->result == OK && !telling->elsewhere;
}

/* Who has several subscriptions is told by the oldest of those that it concerns. */
static enum err is_told_elsewhere(struct telling *telling, const struct subscriber *to)
{
	telling->elsewhere = false;
	enum err r = subscriber_older(telling->d->conn, to->id, telling->d->arena, see_older, telling, telling->err);
	return telling->result != OK ? telling->result : r;
}

/* ---- writing ---- */

static enum err name_of(struct telling *telling, const struct comms_page *page, struct str service, struct str *ret_name)
{
	struct catalog_service found;
	if (page != NULL) {
		const struct comms_page_component *component = comms_page_component_of(page, service);
		*ret_name = component != NULL ? component->name : STR_NONE;
		return OK;
	}
	enum err r = catalog_service_get(telling->d->conn, service, telling->d->arena, &found, telling->err);
	if (r == OK)
		*ret_name = found.display;
	return r;
}

/* The title, a line that names what is affected, the text. */
static enum err words_for(struct telling *telling, const struct comms_page *page, struct str *ret_words)
{
	static const struct comms_page no_page = { .language = { "en", 2 } };
	const struct subscriber_news *news = telling->news;
	struct arena *arena = telling->d->arena;
	struct str text = news->text(telling->d, news, page != NULL ? page : &no_page);
	struct str names = STR_NONE, name;
	for (size_t i = 0; i < news->service_count; i++) {
		enum err r = name_of(telling, page, news->services[i], &name);
		if (r != OK)
			return r;
		if (name.len > 0)
			names = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(names),
					     names.len > 0 ? ", " : news->about, STR_ARG(name));
	}
	*ret_words = arena_printf(arena, STR_FMT "%s" STR_FMT "\n\n" STR_FMT, STR_ARG(news->title),
				  names.len > 0 ? "\n" : "", STR_ARG(names), STR_ARG(text));
	return OK;
}

static enum err write_to(struct telling *telling, const struct subscriber *to, const struct subscriber_private *private)
{
	struct decision *d = telling->d;
	const struct subscriber_news *news = telling->news;
	const struct comms_page *page = NULL;
	struct notify_bulk *bulk = arena_new(d->arena, struct notify_bulk);
	*bulk = (struct notify_bulk){
		.purpose = news->purpose, .seq = news->seq, .party = to->id, .channel = to->channel,
		.address = private->address, .secret = private->signing, .due = d->now,
	};
	enum err r = to->page.len > 0 ? find_page(telling, to->page, &page) : OK;
	if (str_is(to->channel, "email")) {
		bulk->unsubscribe = subscriber_link(d->arena, to->id, private->secret);
		struct comms_letter letter = {
			.title = news->title,
			.foot_text = STR("You get this because you asked for it. Leave, or change your mind:"),
			.foot_link = bulk->unsubscribe,
		};
		if (page != NULL)
			letter.foot_text = arena_printf(d->arena,
							"You asked for news of " STR_FMT ". Leave, or change your mind:",
							STR_ARG(page->title));
		if (r == OK)
			r = words_for(telling, page, &letter.text);
		if (r == OK)
			comms_letter_write(d->arena, &letter, bulk);
	} else {
		bulk->title = news->title;
		bulk->text = news->hook(d, news, to);
	}
	if (r == OK)
		decision_work(d, notify_bulk_put, bulk);
	return r;
}

static enum err tell_one(struct telling *telling, const struct subscriber *to)
{
	struct decision *d = telling->d;
	struct subscriber_private private;
	bool goes, found;
	enum err r = concerns(telling, to, &goes);
	if (r == OK && goes) {
		r = is_told_elsewhere(telling, to);
		goes = !telling->elsewhere;
	}
	if (r == OK && goes && telling->news->goes != NULL)
		r = telling->news->goes(d, telling->news, to, &goes, telling->err);
	if (r != OK || !goes)
		return r;
	r = subscriber_private_get(d->conn, to->id, d->arena, &found, &private, telling->err);
	if (r != OK || !found)
		return r;
	telling->slice->told++;
	return write_to(telling, to, &private);
}

static bool tell(void *context, const struct subscriber *to)
{
	struct telling *telling = context;
	telling->slice->seen++;
	telling->slice->up_to = to->id;
	telling->result = tell_one(telling, to);
	return telling->result == OK;
}

enum err subscriber_tell(struct decision *d, const struct subscriber_news *news, struct subscriber_slice *slice,
			 struct error *err)
{
	struct telling *telling = arena_new(d->arena, struct telling);
	struct subscriber_filter filter = { .states = STR("active"), .after_id = slice->up_to, .limit = SUBSCRIBER_SLICE };
	*telling = (struct telling){ .d = d, .news = news, .slice = slice, .err = err };
	assert(news->title.len > 0 && news->title.len <= BULK_TITLE_BYTES_MAX);
	enum err r = subscriber_list(d->conn, &filter, d->arena, tell, telling, err);
	slice->done = slice->seen < SUBSCRIBER_SLICE;
	return telling->result != OK ? telling->result : r;
}
