/* alert_integration.c: keys of other programs, and what they bring. See alert_integration.h. */
#include "alert/alert_integration.h"

#include <assert.h>

#include "alert/alert.h"
#include "alert/alert_priv.h"
#include "catalog/catalog.h"

struct key_work {
	int64_t id;
	unsigned char hash[GUARD_HASH_BYTES];
};

static enum err store_key(struct store_conn *conn, const void *args, struct error *err)
{
	const struct key_work *work = args;
	return alert_integration_key_put(conn, work->id, work->hash, err);
}

static void new_key(struct decision *d, int64_t id, char *ret_key)
{
	struct key_work *work = arena_new(d->arena, struct key_work);
	work->id = id;
	guard_routing_make(d->random, ret_key);
	bool whole = guard_routing_hash(str_of(ret_key), work->hash);
	assert(whole);
	decision_work(d, store_key, work);
}

static enum err invalid(struct error *err, const char *field, const char *text)
{
	error_set(err, ERR_INVALID, "%s", text);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

enum err alert_integration_make_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_integration_make *make = args;
	struct catalog_service service;
	int64_t count;
	struct str name = str_trim(make->name);
	if (name.len == 0 || name.len > ALERT_INTEGRATION_NAME_BYTES_MAX)
		return invalid(err, "name", "an integration is called something of at most 100 bytes");
	enum err r = catalog_service_get(d->conn, make->service, d->arena, &service, err);
	if (r == OK && !service.known)
		return invalid(err, "service", "there is no such service");
	if (r == OK)
		r = alert_integration_count(d->conn, &count, err);
	if (r == OK && count >= ALERT_INTEGRATIONS_MAX)
		r = error_set(err, ERR_LIMIT, "there are %u integrations already", ALERT_INTEGRATIONS_MAX);
	if (r != OK)
		return r;
	*make->ret_integration = decision_new_id(d, "integration");
	struct event_integration_made made = {
		.integration = *make->ret_integration, .name = name, .service = make->service,
	};
	decision_emit(d, EVENT_INTEGRATION_MADE, made.integration, &made);
	new_key(d, made.integration, make->ret_key);
	return OK;
}

enum err alert_integration_rotate_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_integration_rotate *rotate = args;
	struct alert_integration known;
	enum err r = alert_integration_get(d->conn, rotate->integration, d->arena, &known, err);
	if (r != OK)
		return r;
	struct event_integration_rotated rotated = { .integration = known.id };
	decision_emit(d, EVENT_INTEGRATION_ROTATED, known.id, &rotated);
	new_key(d, known.id, rotate->ret_key);
	return OK;
}

static enum err forget_key(struct store_conn *conn, const void *args, struct error *err)
{
	const struct alert_integration_revoke *revoke = args;
	return alert_integration_key_remove(conn, revoke->integration, err);
}

enum err alert_integration_revoke_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_integration_revoke *revoke = args;
	struct alert_integration known;
	enum err r = alert_integration_get(d->conn, revoke->integration, d->arena, &known, err);
	if (r != OK)
		return r;
	struct event_integration_revoked revoked = { .integration = known.id };
	decision_emit(d, EVENT_INTEGRATION_REVOKED, known.id, &revoked);
	decision_work(d, forget_key, revoke);
	return OK;
}

/* ---- what they bring ---- */

static enum err store_seen(struct store_conn *conn, const void *args, struct error *err)
{
	return alert_integration_seen_put(conn, args, err);
}

static enum err note(struct decision *d, const struct alert_integration *known, struct str why)
{
	struct alert_integration *seen = arena_new(d->arena, struct alert_integration);
	*seen = *known;
	if (why.len > 0) {
		seen->refused = d->now;
		seen->why = arena_str(d->arena, str_sub(why, 0, ALERT_REFUSED_BYTES_MAX));
	} else {
		seen->heard = d->now;
		seen->events++;
	}
	decision_work(d, store_seen, seen);
	return OK;
}

enum err alert_event_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_event_take *take = args;
	struct alert_book *book = (struct alert_book *)world_room(d->world, ALERT_ROOM);
	struct alert_integration known;
	struct alert_signal signal;
	int64_t alert = 0;
	enum err r = alert_integration_get(d->conn, take->integration, d->arena, &known, err);
	if (r != OK)
		return r;
	alert_event_signal(take->event, known.id, known.name, known.service, d->now, d->arena, &signal);
	if (take->event->action != ALERT_EVENT_ACKNOWLEDGE) {
		struct alert_post post = { .signals = &signal, .count = 1, .at = take->at, .source = "pagerduty" };
		r = alert_post_decide(d, &post, err);
	}
	if (!alert_book_find(book, signal.key, &alert))
		alert = 0;
	if (take->ret_alert != NULL)
		*take->ret_alert = alert;
	return r == OK ? note(d, &known, STR_NONE) : r;
}

enum err alert_integration_refuse_decide(struct decision *d, const void *args, struct error *err)
{
	const struct alert_integration_refuse *refuse = args;
	struct alert_integration known;
	enum err r = alert_integration_get(d->conn, refuse->integration, d->arena, &known, err);
	return r == OK ? note(d, &known, refuse->why) : r;
}
