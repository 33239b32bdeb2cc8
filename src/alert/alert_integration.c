/* alert_integration.c: keys of other programs, and what they bring. See alert_integration.h. */
#include "alert/alert_integration.h"

#include <assert.h>

#include "alert/alert.h"
#include "alert/alert_priv.h"
#include "catalog/catalog.h"
#include "wire/doc_json.h"

#define EVENT_SOURCE "pagerduty"

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

#define FIRING_PAGE 500u

struct firing {
	struct alert *rows;
	size_t count;
};

static bool add_firing(void *context, const struct alert *alert)
{
	struct firing *firing = context;
	firing->rows[firing->count++] = *alert;
	return true;
}

static enum err is_of(struct decision *d, const struct alert *alert, struct str integration, bool *ret_of, struct error *err)
{
	struct str labels, annotations;
	const struct doc_node *doc = NULL;
	enum err r = alert_texts(d->conn, alert->id, d->arena, &labels, &annotations, err);
	*ret_of = r == OK && doc_json_parse(labels, d->arena, DOC_LIMITS_DEFAULT, NULL, &doc, NULL) == OK &&
		  str_eq(doc_text(doc_get(doc, "integration"), ""), integration);
	return r;
}

/* Nobody else could end what its events fired: that ends with it. */
static enum err end_all(struct decision *d, int64_t integration, struct error *err)
{
	struct str number = arena_printf(d->arena, "%lld", (long long)integration);
	struct alert_filter filter = { .states = STR("firing"), .source = STR(EVENT_SOURCE), .limit = FIRING_PAGE };
	struct alert_signal *over = arena_array(d->arena, struct alert_signal, FIRING_PAGE);
	struct firing firing;
	enum err r = OK;
	do {
		struct alert_post post = { .signals = over, .source = EVENT_SOURCE };
		firing = (struct firing){ arena_array(d->arena, struct alert, FIRING_PAGE), 0 };
		r = alert_list(d->conn, &filter, d->arena, add_firing, &firing, err);
		for (size_t i = 0; r == OK && i < firing.count; i++) {
			bool of = false;
			r = is_of(d, &firing.rows[i], number, &of, err);
			if (of)
				over[post.count++] = (struct alert_signal){ .key = firing.rows[i].key, .ends = d->now };
			filter.before_id = firing.rows[i].id;
		}
		if (r == OK && post.count > 0)
			r = alert_post_decide(d, &post, err);
	} while (r == OK && firing.count == FIRING_PAGE);
	return r;
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

enum err alert_on_integration_revoked(struct decision *d, const struct event *event, struct error *err)
{
	return end_all(d, ((const struct event_integration_revoked *)event->payload)->integration, err);
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

bool alert_event_alive(struct decision *d, int64_t integration, struct str dedup_key, int64_t *ret_alert)
{
	struct alert_book *book = (struct alert_book *)world_room(d->world, ALERT_ROOM);
	return alert_book_find(book, alert_event_key(integration, dedup_key, d->arena), ret_alert);
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
		struct alert_post post = { .signals = &signal, .count = 1, .at = take->at, .source = EVENT_SOURCE };
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
