/* alert_integration_store.c: tables of integrations. See alert_integration.h. */
#include <assert.h>

#include "alert/alert_integration.h"

const struct store_table alert_integration_table = {
	.name = "integration",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "name {text} NOT NULL", "service {text} NOT NULL", "made_by {id}",
		     "made {int} NOT NULL", "revoked {int}" },
};

const struct store_table alert_integration_key_table = {
	.name = "integration_key",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "hash {bytes} NOT NULL" },
	.indexes = { "hash" },
};

const struct store_table alert_integration_seen_table = {
	.name = "integration_seen",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "heard {int}", "events {int} NOT NULL", "refused {int}",
		     "why {text} NOT NULL" },
};

#define HASH(bytes) STORE_BYTES(((struct str){ (const char *)(bytes), GUARD_HASH_BYTES }))
#define TIME_OR_NULL(at) ((at) != TIME_NONE ? STORE_INT(at) : STORE_NULL)
#define COLUMNS                                                                                             \
	"i.id, i.name, i.service, i.made_by, i.made, i.revoked, s.heard, s.events, s.refused, s.why "         \
	"FROM {integration} i LEFT JOIN integration_seen s ON s.id = i.id "

static time_us time_at(struct store_rows *rows, int column)
{
	return store_is_null(rows, column) ? TIME_NONE : store_int(rows, column);
}

static struct alert_integration row_of(struct store_rows *rows, struct arena *arena)
{
	return (struct alert_integration){
		.id = store_int(rows, 0),
		.name = arena_str(arena, store_text(rows, 1)),
		.service = arena_str(arena, store_text(rows, 2)),
		.user = store_int(rows, 3),
		.made = store_int(rows, 4),
		.revoked = time_at(rows, 5),
		.heard = time_at(rows, 6),
		.events = store_int(rows, 7),
		.refused = time_at(rows, 8),
		.why = arena_str(arena, store_text(rows, 9)),
	};
}

enum err alert_apply_integration_made(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_integration_made *e = event->payload;
	return store_put(a->conn, &alert_integration_table, event->seq,
			 STORE_VALUES(STORE_INT(e->integration), STORE_TEXT(e->name), STORE_TEXT(e->service),
				      STORE_ID(event->actor), STORE_INT(event->event_time), STORE_NULL),
			 err);
}

enum err alert_apply_integration_revoked(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_integration_revoked *e = event->payload;
	enum err r = store_set(a->conn, &alert_integration_table, event->seq, "revoked = ?",
			       STORE_VALUES(STORE_INT(event->event_time), STORE_INT(e->integration)), err);
	return r == ERR_NOT_FOUND ? OK : r;
}

enum err alert_integration_key_put(struct store_conn *conn, int64_t id, const unsigned char *hash, struct error *err)
{
	return store_put(conn, &alert_integration_key_table, 0, STORE_VALUES(STORE_INT(id), HASH(hash)), err);
}

enum err alert_integration_key_remove(struct store_conn *conn, int64_t id, struct error *err)
{
	enum err r = store_remove(conn, &alert_integration_key_table, 0, STORE_VALUES(STORE_INT(id)), err);
	return r == ERR_NOT_FOUND ? OK : r; /* it may have come from a backup without secrets */
}

enum err alert_integration_seen_put(struct store_conn *conn, const struct alert_integration *seen, struct error *err)
{
	return store_put(conn, &alert_integration_seen_table, 0,
			 STORE_VALUES(STORE_INT(seen->id), TIME_OR_NULL(seen->heard), STORE_INT(seen->events),
				      TIME_OR_NULL(seen->refused), STORE_TEXT(seen->why)),
			 err);
}

enum err alert_integration_count(struct store_conn *conn, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM integration WHERE revoked IS NULL", STORE_NO_VALUES, 0,
			     ret_count, err);
}

enum err alert_integrations(struct store_conn *conn, struct arena *arena, int64_t after, unsigned limit,
			    struct alert_integration **ret_rows, size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	size_t count = 0;
	assert(limit >= 1 && limit <= ALERT_INTEGRATIONS_MAX);
	struct alert_integration *found = arena_array(arena, struct alert_integration, limit);
	enum err r = store_query(conn,
				 "SELECT " COLUMNS "WHERE i.revoked IS NULL AND i.id > ? ORDER BY i.id LIMIT ?",
				 STORE_VALUES(STORE_INT(after), STORE_INT(limit)), &rows, err);
	if (r != OK)
		return r;
	while (count < limit && store_next(rows))
		found[count++] = row_of(rows, arena);
	r = store_done(&rows, err);
	if (r == OK) {
		*ret_rows = found;
		*ret_count = count;
	}
	return r;
}

enum err alert_integration_get(struct store_conn *conn, int64_t id, struct arena *arena,
			       struct alert_integration *ret_integration, struct error *err)
{
	struct store_rows *rows;
	struct alert_integration found = { .id = 0 };
	enum err r = store_query(conn, "SELECT " COLUMNS "WHERE i.revoked IS NULL AND i.id = ? ORDER BY i.id",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	if (store_next(rows))
		found = row_of(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && found.id == 0)
		r = error_set(err, ERR_NOT_FOUND, "there is no integration %lld", (long long)id);
	if (r == OK)
		*ret_integration = found;
	return r;
}

enum err alert_integration_whose(struct store_conn *conn, struct str key, int64_t *ret_integration, struct error *err)
{
	unsigned char hash[GUARD_HASH_BYTES];
	int64_t found = 0;
	if (!guard_routing_hash(key, hash))
		return error_set(err, ERR_NOT_FOUND, "this is no key of an integration");
	enum err r = store_one_int(conn, "SELECT id FROM integration_key WHERE hash = ?", STORE_VALUES(HASH(hash)), 0,
				   &found, err);
	if (r == OK && found == 0)
		r = error_set(err, ERR_NOT_FOUND, "this key of an integration is not known here");
	if (r == OK)
		*ret_integration = found;
	return r;
}
