/* paging_contact.c: contacts, test pages and overrides: what people say about reaching them. */
#include <assert.h>
#include <string.h>

#include "oncall/paging_priv.h"
#include "resource/definition.h"

#define CONTACTS_MAX 20
#define LABEL_BYTES_MAX 100u
#define ADDRESS_BYTES_MAX 2000u
#define SECRET_BYTES_MAX 500u
#define DELAY_MOST TIME_HOUR
#define OVERRIDE_MOST (90 * TIME_DAY)
#define REASON_BYTES_MAX 500u

static const char *const channels[] = { "browser", "ntfy", "email", "webhook", "command", NULL };
static const char *const urgencies[] = { "high", "low", "all", NULL };

static bool one_of(struct str text, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (str_is(text, words[i]))
			return true;
	}
	return false;
}

static enum err invalid(const char *field, const char *text, struct error *err)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static bool is_url(struct str text)
{
	return str_starts(text, STR("https://")) || str_starts(text, STR("http://"));
}

static enum err check_address(const struct paging_contact *c, struct error *err)
{
	struct str local, domain;
	if (c->address.len > ADDRESS_BYTES_MAX || !str_is_utf8(c->address))
		return invalid("address", "the address is not text of at most 2000 bytes", err);
	if (str_is(c->channel, "email") &&
	    (!str_cut(c->address, '@', &local, &domain) || local.len == 0 || domain.len == 0))
		return invalid("address", "an e-mail contact needs an address like ada@example.com", err);
	if ((str_is(c->channel, "webhook") || str_is(c->channel, "ntfy")) && !is_url(c->address))
		return invalid("address", "the address is a URL that begins with https:// or http://", err);
	if (str_is(c->channel, "command") && !str_is_name(c->address))
		return invalid("address", "the address is the name of a command in the directory that "
					  "the server was started with", err);
	return OK;
}

static enum err check_contact(const struct paging_contact *c, struct error *err)
{
	if (!one_of(c->channel, channels))
		return invalid("channel", "a channel is browser, ntfy, email, webhook or command", err);
	if (!one_of(c->urgency, urgencies))
		return invalid("urgency", "urgency is high, low or all", err);
	if (c->label.len > LABEL_BYTES_MAX)
		return invalid("label", "the label is longer than 100 bytes", err);
	if (c->secret.len > SECRET_BYTES_MAX)
		return invalid("secret", "the secret is longer than 500 bytes", err);
	if (c->delay < 0 || c->delay > DELAY_MOST)
		return invalid("delay", "the delay is at most one hour", err);
	return check_address(c, err);
}

static enum err place_contact(struct decision *d, struct paging_contact *c, struct error *err)
{
	int64_t last, count;
	struct guard_user user;
	enum err r = guard_user_by_id(d->conn, d->arena, c->user, &user, err);
	if (r == OK)
		r = contact_last_position(d->conn, c->user, &last, err);
	if (r == OK)
		r = contact_count(d->conn, c->user, &count, err);
	if (r != OK)
		return r;
	if (count >= CONTACTS_MAX)
		return error_set(err, ERR_LIMIT, "a person has at most %d contacts", CONTACTS_MAX);
	c->id = decision_new_id(d, "contact");
	if (c->position == 0)
		c->position = (int)last + 1;
	return OK;
}

static void emit_contact(struct decision *d, const struct paging_contact *c)
{
	struct event_contact_put put = {
		.contact = c->id,
		.user = c->user,
		.channel = c->channel,
		.label = c->label,
		.address = c->address,
		.urgency = c->urgency,
		.delay = c->delay,
		.position = c->position,
	};
	decision_emit(d, EVENT_CONTACT_PUT, c->user, &put);
}

enum err paging_contact_put_decide(struct decision *d, const void *args, struct error *err)
{
	const struct paging_contact_put *put = args;
	struct paging_contact contact = put->contact, before;
	enum err r = check_contact(&contact, err);
	if (r == OK && contact.id == 0)
		r = place_contact(d, &contact, err);
	else if (r == OK)
		r = contact_get(d->conn, contact.id, d->arena, &before, err);
	if (r != OK)
		return r;
	if (put->contact.id != 0) {
		contact.user = before.user;
		contact.position = contact.position > 0 ? contact.position : before.position;
	}
	if (!put->keep_secret) {
		struct secret_row *row = arena_new(d->arena, struct secret_row);
		*row = (struct secret_row){ contact.id, arena_str(d->arena, contact.secret) };
		decision_work(d, secret_put, row);
	}
	if (put->ret_contact != NULL)
		*put->ret_contact = contact.id;
	emit_contact(d, &contact);
	return OK;
}

enum err paging_contact_remove_decide(struct decision *d, const void *args, struct error *err)
{
	const struct paging_contact_ref *ref = args;
	struct paging_contact contact;
	enum err r = contact_get(d->conn, ref->contact, d->arena, &contact, err);
	if (r != OK)
		return r;
	struct event_contact_removed removed = { .contact = contact.id, .user = contact.user };
	decision_emit(d, EVENT_CONTACT_REMOVED, contact.user, &removed);
	struct secret_row *row = arena_new(d->arena, struct secret_row);
	row->contact = contact.id;
	decision_work(d, secret_put, row);
	return OK;
}

/* A new person can be reached at once: in an open browser, and by mail where the address is real. */
enum err paging_on_user_created(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_user_created *e = event->payload;
	(void)err;
	struct paging_contact browser = {
		.id = decision_new_id(d, "contact"), .user = e->user, .channel = STR("browser"),
		.label = STR("This browser"), .urgency = STR("all"), .position = 1,
	};
	emit_contact(d, &browser);
	if (str_ends(e->email, STR("@localhost")))
		return OK;
	struct paging_contact mail = {
		.id = decision_new_id(d, "contact"), .user = e->user, .channel = STR("email"),
		.label = STR("Mail"), .address = e->email, .urgency = STR("all"), .position = 2,
	};
	emit_contact(d, &mail);
	return OK;
}

/* ---- test pages ---- */

enum err paging_test_page_decide(struct decision *d, const void *args, struct error *err)
{
	const struct paging_contact_ref *ref = args;
	struct paging_contact contact;
	enum err r = contact_get(d->conn, ref->contact, d->arena, &contact, err);
	if (r != OK)
		return r;
	struct event_page_tested tested = { .contact = contact.id, .user = contact.user };
	decision_emit(d, EVENT_PAGE_TESTED, 0, &tested); /* as its page: of no incident */
	return OK;
}

enum err paging_on_tested(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_page_tested *e = event->payload;
	struct paging_contact contact;
	struct notify_page page = { .user = e->user, .contact = e->contact };
	enum err r = contact_get(d->conn, e->contact, d->arena, &contact, err);
	if (r == OK)
		r = contact_secret(d->conn, e->contact, d->arena, &page.secret, err);
	if (r != OK)
		return r;
	page.channel = contact.channel;
	page.address = contact.address;
	page.urgency = STR("high");
	page.title = STR("Test page: this is how a page looks and sounds");
	page.body = STR("You asked for it. Nothing is broken.\n");
	page.reason = STR("test");
	page.not_before = d->now;
	notify_page(d, &page, NULL);
	return OK;
}

/* ---- overrides ---- */

static enum err check_override(struct decision *d, const struct paging_override *o,
			       struct error *err)
{
	if (o->until <= o->from)
		return invalid("until", "an override ends after it begins", err);
	if (o->until <= d->now)
		return invalid("until", "an override ends in the future", err);
	if (o->until - o->from > OVERRIDE_MOST)
		return invalid("until", "an override lasts at most 90 days; change the schedule instead", err);
	if (o->reason.len > REASON_BYTES_MAX)
		return invalid("reason", "the reason is longer than 500 bytes", err);
	struct definition schedule;
	struct guard_user user;
	enum err r = definition_get(d->conn, STR(PAGING_SCHEDULE), o->schedule, d->arena, &schedule, err);
	if (r == OK)
		r = guard_user_by_id(d->conn, d->arena, o->user, &user, err);
	if (r == OK && user.disabled)
		r = invalid("user", "this person's account is disabled", err);
	if (r == OK && o->replaces != 0)
		r = guard_user_by_id(d->conn, d->arena, o->replaces, &user, err);
	return r;
}

enum err paging_override_put_decide(struct decision *d, const void *args, struct error *err)
{
	const struct paging_override_put *put = args;
	struct paging_override o = put->override;
	if (o.from == TIME_NONE)
		o.from = d->now;
	enum err r = check_override(d, &o, err);
	if (r != OK)
		return r;
	o.id = decision_new_id(d, "override");
	struct event_override_put event = {
		.override = o.id,
		.schedule = o.schedule,
		.user = o.user,
		.replaces = o.replaces,
		.from = o.from,
		.until = o.until,
		.reason = o.reason,
	};
	if (put->ret_override != NULL)
		*put->ret_override = o.id;
	decision_emit(d, EVENT_OVERRIDE_PUT, 0, &event);
	return OK;
}

enum err paging_override_cancel_decide(struct decision *d, const void *args, struct error *err)
{
	int64_t id = *(const int64_t *)args;
	struct paging_override o;
	enum err r = override_get(d->conn, id, d->arena, &o, err);
	if (r != OK)
		return r;
	if (o.cancelled || o.until <= d->now)
		return error_set(err, ERR_CONFLICT, "override %lld is already over", (long long)id);
	struct event_override_cancelled cancelled = { .override = id };
	decision_emit(d, EVENT_OVERRIDE_CANCELLED, 0, &cancelled);
	return OK;
}
