/* comms_subscriber.c: people subscribe, confirm, leave; managers look after the list. See comms_subscriber.h. */
#include "comms/comms_subscriber.h"

#include <assert.h>

#include "comms/comms_subscriber_priv.h"
#include "wire/mail.h"

#define SECRET_BYTES 16
#define URL_BYTES_MAX 2000u

static enum err check_address(const struct subscriber_add *add, struct error *err)
{
	bool mail = str_is(add->channel, "email");
	bool fine = mail ? mail_is_address(add->address)
			 : str_starts(add->address, STR("https://")) || str_starts(add->address, STR("http://"));
	if (fine && add->address.len <= URL_BYTES_MAX)
		return OK;
	error_set(err, ERR_INVALID, mail ? "this is no e-mail address" : "this is no http address");
	error_field(err, "address");
	return ERR_INVALID;
}

static enum err ask(struct decision *d, struct subscriber_private private, struct str page, struct error *err)
{
	struct subscriber_private *row = arena_new(d->arena, struct subscriber_private);
	*row = private;
	row->asked = d->now;
	decision_work(d, subscriber_private_put, row);
	return subscriber_mail_confirm(d, row, page, err);
}

/* Who is there already and has not answered is asked again, but not as often as somebody likes. */
static enum err ask_again(struct decision *d, int64_t id, struct error *err)
{
	struct subscriber subscriber;
	struct subscriber_private private;
	bool found;
	enum err r = subscriber_get(d->conn, id, d->arena, &subscriber, err);
	if (r == OK)
		r = subscriber_private_get(d->conn, id, d->arena, &found, &private, err);
	if (r == OK && found && str_is(subscriber.state, "unconfirmed") &&
	    d->now - private.asked >= SUBSCRIBER_ASK_EVERY)
		r = ask(d, private, subscriber.page, err);
	return r;
}

static enum err add_new(struct decision *d, const struct subscriber_add *add, struct error *err)
{
	struct subscriber_count count;
	char secret[2 * SECRET_BYTES + 1];
	bool active = add->agreed || str_is(add->channel, "webhook");
	enum err r = subscriber_counts(d->conn, &count, err);
	if (r == OK && count.active + count.unconfirmed + count.suspended >= (int64_t)SUBSCRIBERS_MAX)
		return error_set(err, ERR_LIMIT, "there are %u subscribers already", SUBSCRIBERS_MAX);
	if (r != OK)
		return r;
	random_hex(d->random, SECRET_BYTES, secret);
	struct event_subscriber_added added = {
		.subscriber = decision_new_id(d, "subscriber"),
		.channel = add->channel,
		.source = add->source,
		.components = add->components,
		.page = add->page,
		.state = active ? STR("active") : STR("unconfirmed"),
	};
	struct subscriber_private *private = arena_new(d->arena, struct subscriber_private);
	*private = (struct subscriber_private){
		.subscriber = added.subscriber,
		.address = arena_str(d->arena, add->address),
		.secret = arena_str(d->arena, str_of(secret)),
		.signing = arena_str(d->arena, add->signing),
	};
	decision_emit(d, EVENT_SUBSCRIBER_ADDED, added.subscriber, &added);
	if (add->ret_subscriber != NULL)
		*add->ret_subscriber = added.subscriber;
	if (!active)
		return ask(d, *private, add->page, err);
	decision_work(d, subscriber_private_put, private);
	return OK;
}

enum err subscriber_add_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_add *add = args;
	int64_t known;
	enum err r = check_address(add, err);
	if (r == OK)
		r = subscriber_of_address(d->conn, add->address, add->page, &known, err);
	if (r != OK)
		return r;
	if (known == 0)
		return add_new(d, add, err);
	if (add->ret_subscriber != NULL)
		return error_set(err, ERR_CONFLICT, "subscriber %lld has this address", (long long)known);
	return ask_again(d, known, err);
}

enum err subscriber_import_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_import *import = args;
	size_t added = 0;
	enum err r = OK;
	for (size_t i = 0; r == OK && i < import->count; i++) {
		int64_t known;
		r = check_address(&import->rows[i], err);
		if (r == OK)
			r = subscriber_of_address(d->conn, import->rows[i].address, import->rows[i].page, &known, err);
		for (size_t j = 0; r == OK && j < i && known == 0; j++)
			known = str_eq(import->rows[i].address, import->rows[j].address);
		if (r == OK && known == 0) {
			r = add_new(d, &import->rows[i], err);
			added++;
		}
	}
	*import->ret_added = added;
	return r;
}

static enum err find(struct decision *d, int64_t id, struct subscriber *ret_subscriber, struct error *err)
{
	enum err r = subscriber_get(d->conn, id, d->arena, ret_subscriber, err);
	if (r == OK && str_is(ret_subscriber->state, "removed"))
		r = error_set(err, ERR_NOT_FOUND, "there is no subscriber %lld", (long long)id);
	return r;
}

enum err subscriber_confirm_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_act *act = args;
	struct subscriber subscriber;
	enum err r = find(d, act->subscriber, &subscriber, err);
	struct event_subscriber_confirmed confirmed = { act->subscriber };
	if (r == OK && str_is(subscriber.state, "unconfirmed"))
		decision_emit(d, EVENT_SUBSCRIBER_CONFIRMED, act->subscriber, &confirmed);
	return r;
}

enum err subscriber_change_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_act *act = args;
	struct subscriber subscriber;
	enum err r = find(d, act->subscriber, &subscriber, err);
	struct event_subscriber_changed changed = { act->subscriber, act->components };
	if (r == OK)
		decision_emit(d, EVENT_SUBSCRIBER_CHANGED, act->subscriber, &changed);
	return r;
}

static void leave(struct decision *d, int64_t subscriber, struct str reason)
{
	int64_t *id = arena_new(d->arena, int64_t);
	*id = subscriber;
	struct event_subscriber_removed removed = { subscriber, reason };
	decision_emit(d, EVENT_SUBSCRIBER_REMOVED, subscriber, &removed);
	decision_work(d, subscriber_private_erase, id);
	subscriber_mail_drop(d, subscriber);
}

enum err subscriber_remove_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_act *act = args;
	struct subscriber subscriber;
	enum err r = find(d, act->subscriber, &subscriber, err);
	if (r == OK)
		leave(d, act->subscriber, act->reason);
	return r;
}

enum err subscriber_resume_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_act *act = args;
	struct subscriber subscriber;
	enum err r = find(d, act->subscriber, &subscriber, err);
	if (r == OK && !str_is(subscriber.state, "suspended"))
		r = error_set(err, ERR_CONFLICT, "the subscription is not suspended");
	struct event_subscriber_resumed resumed = { act->subscriber };
	if (r == OK)
		decision_emit(d, EVENT_SUBSCRIBER_RESUMED, act->subscriber, &resumed);
	return r;
}

enum err subscriber_ask_decide(struct decision *d, const void *args, struct error *err)
{
	const struct subscriber_act *act = args;
	struct subscriber subscriber;
	struct subscriber_private private;
	bool found;
	enum err r = find(d, act->subscriber, &subscriber, err);
	if (r == OK)
		r = subscriber_private_get(d->conn, act->subscriber, d->arena, &found, &private, err);
	if (r != OK)
		return r;
	if (!found || !str_is(subscriber.state, "unconfirmed"))
		return error_set(err, ERR_CONFLICT, "there is nothing to confirm");
	return ask(d, private, subscriber.page, err);
}

enum err subscriber_confirm_due(struct decision *d, const struct timer *timer, struct error *err)
{
	(void)err;
	leave(d, timer->of, STR("not_confirmed"));
	return OK;
}

/* What keeps their mail said no for good: three times, and nothing more is sent. */
enum err subscriber_on_refused(struct decision *d, const struct event *event, struct error *err)
{
	const struct event_mail_refused *e = event->payload;
	struct subscriber subscriber;
	if (!str_is(e->purpose, SUBSCRIBER_UPDATE) && !str_is(e->purpose, SUBSCRIBER_WORK))
		return OK;
	enum err r = subscriber_get(d->conn, e->party, d->arena, &subscriber, err);
	if (r != OK || str_is(subscriber.state, "removed"))
		return r == ERR_NOT_FOUND ? OK : r;
	bool counts = subscriber.refused != TIME_NONE && d->now - subscriber.refused < SUBSCRIBER_REFUSALS_WITHIN;
	struct event_subscriber_refused refused = {
		.subscriber = e->party, .failures = counts ? subscriber.failures + 1 : 1,
	};
	refused.suspended = refused.failures >= SUBSCRIBER_REFUSALS_MAX;
	decision_emit(d, EVENT_SUBSCRIBER_REFUSED, e->party, &refused);
	return OK;
}
