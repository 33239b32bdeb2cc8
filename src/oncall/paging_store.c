/* paging_store.c: escalations, contacts, overrides and links. The only SQL of this room. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "oncall/paging_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"

static const struct store_table case_table = {
	.name = "escalation",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "incident {id} NOT NULL", "policy {text} NOT NULL", "team {text} NOT NULL",
		     "title {text} NOT NULL", "priority {text} NOT NULL", "service {text} NOT NULL",
		     "opened {int} NOT NULL", "state {text} NOT NULL", "due {int} NOT NULL",
		     "text {text} NOT NULL", "visibility {text} NOT NULL" },
};

/* Who takes part in an incident that is closed to others. */
static const struct store_table participant_table = {
	.name = "participant",
	.class = STORE_PROJECTION,
	.history = STORE_NOW,
	.keys = 2,
	.columns = { "incident {id} NOT NULL", "user_id {id} NOT NULL" },
};

static const struct store_table contact_table = {
	.name = "contact",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "user_id {id} NOT NULL", "channel {text} NOT NULL",
		     "label {text} NOT NULL", "address {text} NOT NULL", "urgency {text} NOT NULL",
		     "delay {int} NOT NULL", "position {int} NOT NULL" },
	.indexes = { "user_id, position, id" },
};

static const struct store_table override_table = {
	.name = "schedule_override",
	.class = STORE_PROJECTION,
	.history = STORE_VERSIONED,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "schedule {text} NOT NULL", "user_id {id} NOT NULL",
		     "replaces {id} NOT NULL", "begins {int} NOT NULL", "ends {int} NOT NULL",
		     "reason {text} NOT NULL", "by_user {id} NOT NULL", "cancelled {int} NOT NULL",
		     "created {int} NOT NULL" },
	.indexes = { "schedule, ends, id" },
};

static const struct store_table secret_table = {
	.name = "contact_secret",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "contact {id} NOT NULL", "secret {text} NOT NULL" },
};

static const struct store_table link_table = {
	.name = "page_link",
	.class = STORE_VAULT,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "hash {bytes} NOT NULL", "incident {id} NOT NULL", "user_id {id} NOT NULL" },
	.indexes = { "incident, user_id" },
};

const struct store_table *const paging_tables[] = {
	&case_table,   &participant_table, &contact_table, &override_table,
	&secret_table, &link_table,	   NULL,
};

/* ---- the machine's state as JSON ---- */

struct str state_print(const struct escalation_state *state, struct arena *arena)
{
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, 1024);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_int(&json, "phase", state->phase);
	json_field_int(&json, "held", state->held);
	json_field_bool(&json, "high", state->high);
	json_field_bool(&json, "reached", state->reached);
	json_field_int(&json, "round", state->round);
	json_field_int(&json, "step", state->step);
	json_field_int(&json, "due", state->due);
	json_field_int(&json, "step_due", state->step_due);
	json_field_int(&json, "last_send", state->last_send);
	json_field_int(&json, "acknowledged_by", state->acknowledged_by);
	json_map_end(&json);
	json_finish(&json);
	assert(!buf.full);
	return arena_str(arena, buf_str(&buf));
}

enum err state_parse(struct str text, struct arena *arena, struct escalation_state *ret_state,
		     struct error *err)
{
	const struct doc_node *doc;
	enum err r = doc_json_parse(text, arena, DOC_LIMITS_DEFAULT, NULL, &doc, err);
	if (r != OK)
		return r;
	*ret_state = (struct escalation_state){
		.phase = (enum escalation_phase)doc_int(doc_get(doc, "phase"), 0),
		.held = (enum escalation_phase)doc_int(doc_get(doc, "held"), 0),
		.high = doc_bool(doc_get(doc, "high"), false),
		.reached = doc_bool(doc_get(doc, "reached"), false),
		.round = (unsigned)doc_int(doc_get(doc, "round"), 0),
		.step = (unsigned)doc_int(doc_get(doc, "step"), 0),
		.due = doc_int(doc_get(doc, "due"), 0),
		.step_due = doc_int(doc_get(doc, "step_due"), 0),
		.last_send = doc_int(doc_get(doc, "last_send"), 0),
		.acknowledged_by = doc_int(doc_get(doc, "acknowledged_by"), 0),
	};
	escalation_assert(ret_state);
	return OK;
}

/* ---- escalations ---- */

enum err paging_apply_opened(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_opened *e = event->payload;
	struct escalation_state idle = { 0 };
	enum err r = store_put(a->conn, &case_table, event->seq,
			 STORE_VALUES(STORE_INT(e->incident), STORE_TEXT(e->policy),
				      STORE_TEXT(e->team), STORE_TEXT(e->title),
				      STORE_TEXT(e->priority), STORE_TEXT(e->service),
				      STORE_INT(event->event_time),
				      STORE_TEXT(state_print(&idle, a->arena)), STORE_INT(0),
				      STORE_TEXT(STR("")), STORE_TEXT(e->visibility)),
			 err);
	if (r != OK || event->actor <= 0 || !paging_is_closed(e->visibility))
		return r;
	return participant_put(a->conn, e->incident, event->actor, event->seq, err);
}

enum err participant_put(struct store_conn *conn, int64_t incident, int64_t user, int64_t seq,
			 struct error *err)
{
	return store_put(conn, &participant_table, seq, STORE_VALUES(STORE_INT(incident), STORE_INT(user)),
			 err);
}

enum err paging_participants(struct store_conn *conn, int64_t incident, int64_t *ret_users, size_t max,
			     size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	size_t count = 0;
	enum err r = store_query(conn,
				 "SELECT user_id FROM participant WHERE incident = ? "
				 "ORDER BY incident, user_id LIMIT ?",
				 STORE_VALUES(STORE_INT(incident), STORE_INT((int64_t)max)), &rows, err);
	if (r != OK)
		return r;
	while (count < max && store_next(rows))
		ret_users[count++] = store_int(rows, 0);
	r = store_done(&rows, err);
	if (r == OK)
		*ret_count = count;
	return r;
}

enum err paging_takes_part(struct store_conn *conn, int64_t incident, int64_t user, bool *ret_takes_part,
			   struct error *err)
{
	int64_t count = 0;
	enum err r = store_one_int(conn,
				   "SELECT count(*) FROM participant WHERE incident = ? AND user_id = ?",
				   STORE_VALUES(STORE_INT(incident), STORE_INT(user)), 0, &count, err);
	if (r == OK)
		*ret_takes_part = count > 0;
	return r;
}

/* Of today, also when the list is asked for as it was: permission is never of the past. */
void paging_visible(const struct principal *principal, struct guard_sql *ret_sql)
{
	guard_visible(principal, NULL,
		      "EXISTS (SELECT 1 FROM participant WHERE participant.incident = id AND "
		      "participant.user_id = ?)",
		      ret_sql);
}

enum err paging_apply_retitled(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_retitled *e = event->payload;
	return store_set(a->conn, &case_table, event->seq, "title = ?",
			 STORE_VALUES(STORE_TEXT(e->title), STORE_INT(e->incident)), err);
}

enum err paging_apply_priority_set(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_incident_priority_set *e = event->payload;
	return store_set(a->conn, &case_table, event->seq, "priority = ?",
			 STORE_VALUES(STORE_TEXT(e->priority), STORE_INT(e->incident)), err);
}

enum err paging_apply_moved(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_escalation_moved *e = event->payload;
	enum err r = store_set(a->conn, &case_table, event->seq, "state = ?, due = ?, text = ?",
			       STORE_VALUES(STORE_TEXT(e->state), STORE_INT(e->due),
					    STORE_TEXT(e->text), STORE_INT(e->incident)),
			       err);
	if (r == OK)
		r = paging_apply_named(a, event, err);
	if (r != OK)
		return r;
	if (e->due == TIME_NONE)
		return timer_clear(a, PAGING_TIMER, e->incident, err);
	return timer_set(a, PAGING_TIMER, e->incident, e->due, TIMER_ELAPSED, err);
}

#define CASE_COLUMNS                                                                        \
	"incident, policy, team, title, priority, service, opened, state, due, text, visibility"

static enum err case_query(struct store_conn *conn, int64_t incident, struct arena *arena,
			   bool *ret_found, struct paging_case *ret_case,
			   struct paging_escalation *ret_escalation, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " CASE_COLUMNS " FROM {escalation} WHERE incident = ?",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	*ret_found = store_next(rows);
	struct str state = STR_NONE;
	if (*ret_found) {
		*ret_case = (struct paging_case){
			.incident = store_int(rows, 0),
			.policy = arena_str(arena, store_text(rows, 1)),
			.team = arena_str(arena, store_text(rows, 2)),
			.title = arena_str(arena, store_text(rows, 3)),
			.priority = arena_str(arena, store_text(rows, 4)),
			.service = arena_str(arena, store_text(rows, 5)),
			.opened = store_int(rows, 6),
			.visibility = arena_str(arena, store_text(rows, 10)),
		};
		state = arena_str(arena, store_text(rows, 7));
		if (ret_escalation != NULL)
			*ret_escalation = (struct paging_escalation){
				.incident = incident,
				.policy = ret_case->policy,
				.due = store_int(rows, 8),
				.text = arena_str(arena, store_text(rows, 9)),
			};
	}
	r = store_done(&rows, err);
	if (r == OK && *ret_found)
		r = state_parse(state, arena, &ret_case->state, err);
	return r;
}

enum err case_get(struct store_conn *conn, int64_t incident, struct arena *arena, bool *ret_found,
		  struct paging_case *ret_case, struct error *err)
{
	return case_query(conn, incident, arena, ret_found, ret_case, NULL, err);
}

enum err case_visibility(struct store_conn *conn, int64_t incident, struct arena *arena, bool *ret_found,
			 struct str *ret_visibility, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT visibility FROM {escalation} WHERE incident = ?",
				 STORE_VALUES(STORE_INT(incident)), &rows, err);
	if (r != OK)
		return r;
	*ret_found = store_next(rows);
	*ret_visibility = *ret_found ? arena_str(arena, store_text(rows, 0)) : STR_NONE;
	return store_done(&rows, err);
}

enum err case_as_of(struct store_conn *conn, int64_t incident, int64_t seq, struct arena *arena,
		    bool *ret_found, struct paging_case *ret_case, struct error *err)
{
	assert(store_as_of_seq(conn) == 0);
	store_as_of(conn, seq);
	enum err r = case_get(conn, incident, arena, ret_found, ret_case, err);
	store_as_of(conn, 0);
	return r;
}

enum err paging_escalation_get(struct store_conn *conn, int64_t incident, struct arena *arena,
			       bool *ret_found, struct paging_escalation *ret_escalation,
			       struct error *err)
{
	struct paging_case found_case;
	enum err r = case_query(conn, incident, arena, ret_found, &found_case, ret_escalation, err);
	if (r == OK && *ret_found)
		ret_escalation->state = found_case.state;
	return r;
}

/* ---- contacts ---- */

enum err paging_apply_contact_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_contact_put *e = event->payload;
	return store_put(a->conn, &contact_table, event->seq,
			 STORE_VALUES(STORE_INT(e->contact), STORE_INT(e->user),
				      STORE_TEXT(e->channel), STORE_TEXT(e->label),
				      STORE_TEXT(e->address), STORE_TEXT(e->urgency),
				      STORE_INT(e->delay), STORE_INT(e->position)),
			 err);
}

enum err paging_apply_contact_removed(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_contact_removed *e = event->payload;
	return store_remove(a->conn, &contact_table, event->seq, STORE_VALUES(STORE_INT(e->contact)),
			    err);
}

#define CONTACT_COLUMNS "id, user_id, channel, label, address, urgency, delay, position"

static struct paging_contact read_contact(struct store_rows *rows, struct arena *arena)
{
	return (struct paging_contact){
		.id = store_int(rows, 0),
		.user = store_int(rows, 1),
		.channel = arena_str(arena, store_text(rows, 2)),
		.label = arena_str(arena, store_text(rows, 3)),
		.address = arena_str(arena, store_text(rows, 4)),
		.urgency = arena_str(arena, store_text(rows, 5)),
		.delay = store_int(rows, 6),
		.position = (int)store_int(rows, 7),
	};
}

enum err contact_get(struct store_conn *conn, int64_t id, struct arena *arena,
		     struct paging_contact *ret_contact, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT " CONTACT_COLUMNS " FROM {contact} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		*ret_contact = read_contact(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no contact %lld", (long long)id);
	return r;
}

enum err paging_contacts(struct store_conn *conn, int64_t user, struct arena *arena,
			 paging_each_contact_fn *each, void *context, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " CONTACT_COLUMNS " FROM {contact} WHERE user_id = ? OR ? = 0 "
				 "ORDER BY user_id, position, id",
				 STORE_VALUES(STORE_INT(user), STORE_INT(user)), &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct paging_contact contact = read_contact(rows, arena);
		more = each(context, &contact);
	}
	return store_done(&rows, err);
}

enum err paging_contacts_with_secrets(struct store_conn *conn, struct arena *arena,
				      paging_each_contact_fn *each, void *context,
				      struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " CONTACT_COLUMNS ", (SELECT secret FROM contact_secret WHERE "
				 "contact_secret.contact = contact.id) FROM contact "
				 "ORDER BY user_id, position, id",
				 STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct paging_contact contact = read_contact(rows, arena);
		contact.secret = arena_str(arena, store_text(rows, 8));
		more = each(context, &contact);
	}
	return store_done(&rows, err);
}

enum err contact_count(struct store_conn *conn, int64_t user, int64_t *ret_count, struct error *err)
{
	return store_one_int(conn, "SELECT count(*) FROM contact WHERE user_id = ?",
			     STORE_VALUES(STORE_INT(user)), 0, ret_count, err);
}

enum err contact_last_position(struct store_conn *conn, int64_t user, int64_t *ret_last,
			       struct error *err)
{
	return store_one_int(conn, "SELECT max(position) FROM contact WHERE user_id = ?",
			     STORE_VALUES(STORE_INT(user)), 0, ret_last, err);
}

enum err contact_secret(struct store_conn *conn, int64_t id, struct arena *arena,
			struct str *ret_secret, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn, "SELECT secret FROM contact_secret WHERE contact = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	struct str secret = STR_NONE;
	if (store_next(rows))
		secret = arena_str(arena, store_text(rows, 0));
	r = store_done(&rows, err);
	if (r == OK)
		*ret_secret = secret;
	return r;
}

enum err secret_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct secret_row *row = args;
	if (row->secret.len == 0)
		return store_remove(conn, &secret_table, 0, STORE_VALUES(STORE_INT(row->contact)), err);
	return store_put(conn, &secret_table, 0,
			 STORE_VALUES(STORE_INT(row->contact), STORE_TEXT(row->secret)), err);
}

/* ---- overrides ---- */

enum err paging_apply_override_put(struct apply *a, const struct event *event, struct error *err)
{
	const struct event_override_put *e = event->payload;
	return store_put(a->conn, &override_table, event->seq,
			 STORE_VALUES(STORE_INT(e->override), STORE_TEXT(e->schedule),
				      STORE_INT(e->user), STORE_INT(e->replaces), STORE_INT(e->from),
				      STORE_INT(e->until), STORE_TEXT(e->reason),
				      STORE_INT(event->actor), STORE_INT(0),
				      STORE_INT(event->event_time)),
			 err);
}

/* One that has begun ends now and stays in the past roster; one that has not never was. */
enum err paging_apply_override_cancelled(struct apply *a, const struct event *event,
					 struct error *err)
{
	const struct event_override_cancelled *e = event->payload;
	struct paging_override o;
	enum err r = override_get(a->conn, e->override, a->arena, &o, err);
	if (r != OK)
		return r;
	bool begun = o.from < event->event_time;
	return store_set(a->conn, &override_table, event->seq, "ends = ?, cancelled = ?",
			 STORE_VALUES(STORE_INT(begun ? event->event_time : o.until), STORE_INT(!begun),
				      STORE_INT(e->override)),
			 err);
}

#define OVERRIDE_COLUMNS                                                                    \
	"id, schedule, user_id, replaces, begins, ends, reason, by_user, cancelled, created"

static struct paging_override read_override(struct store_rows *rows, struct arena *arena)
{
	return (struct paging_override){
		.id = store_int(rows, 0),
		.schedule = arena_str(arena, store_text(rows, 1)),
		.user = store_int(rows, 2),
		.replaces = store_int(rows, 3),
		.from = store_int(rows, 4),
		.until = store_int(rows, 5),
		.reason = arena_str(arena, store_text(rows, 6)),
		.by = store_int(rows, 7),
		.cancelled = store_int(rows, 8) != 0,
		.created = store_int(rows, 9),
	};
}

enum err override_get(struct store_conn *conn, int64_t id, struct arena *arena,
		      struct paging_override *ret_override, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " OVERRIDE_COLUMNS " FROM {schedule_override} WHERE id = ?",
				 STORE_VALUES(STORE_INT(id)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	if (found)
		*ret_override = read_override(rows, arena);
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "there is no override %lld", (long long)id);
	return r;
}

/* Latest first, so that a bound keeps what still matters. */
enum err paging_overrides(struct store_conn *conn, struct str schedule, time_us ends_after,
			  struct arena *arena, paging_each_override_fn *each, void *context,
			  struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT " OVERRIDE_COLUMNS " FROM {schedule_override} WHERE schedule = ? "
				 "AND cancelled = 0 AND ends > ? ORDER BY ends DESC, id DESC LIMIT ?",
				 STORE_VALUES(STORE_TEXT(schedule), STORE_INT(ends_after),
					      STORE_INT(SCHEDULE_OVERRIDES_MAX)),
				 &rows, err);
	if (r != OK)
		return r;
	bool more = true;
	while (more && store_next(rows)) {
		struct paging_override row = read_override(rows, arena);
		more = each(context, &row);
	}
	return store_done(&rows, err);
}

enum err paging_override_seqs(struct store_conn *conn, struct str schedule, int64_t *ret_seqs, size_t max,
			      size_t *ret_count, struct error *err)
{
	struct store_rows *rows;
	enum err r = store_query(conn,
				 "SELECT from_seq AS seq FROM schedule_override WHERE schedule = ? UNION "
				 "SELECT from_seq FROM schedule_override_h WHERE schedule = ? UNION "
				 "SELECT to_seq FROM schedule_override_h WHERE schedule = ? ORDER BY seq DESC LIMIT ?",
				 STORE_VALUES(STORE_TEXT(schedule), STORE_TEXT(schedule), STORE_TEXT(schedule), STORE_INT(max)),
				 &rows, err);
	if (r != OK)
		return r;
	size_t count = 0;
	while (count < max && store_next(rows))
		ret_seqs[count++] = store_int(rows, 0);
	*ret_count = count;
	return store_done(&rows, err);
}

/* ---- links ---- */

void link_hash(struct str token, unsigned char ret_hash[32])
{
	crypto_hash_sha256(ret_hash, (const unsigned char *)token.ptr, token.len);
}

enum err link_put(struct store_conn *conn, const void *args, struct error *err)
{
	const struct link_row *row = args;
	struct str hash = { (const char *)row->hash, sizeof row->hash };
	return store_put(conn, &link_table, 0,
			 STORE_VALUES(STORE_BYTES(hash), STORE_INT(row->incident),
				      STORE_INT(row->user)),
			 err);
}

enum err paging_link(struct store_conn *conn, struct str token, int64_t *ret_incident,
		     int64_t *ret_user, struct error *err)
{
	unsigned char bytes[32];
	struct store_rows *rows;
	link_hash(token, bytes);
	struct str hash = { (const char *)bytes, sizeof bytes };
	enum err r = store_query(conn, "SELECT incident, user_id FROM page_link WHERE hash = ?",
				 STORE_VALUES(STORE_BYTES(hash)), &rows, err);
	if (r != OK)
		return r;
	bool found = store_next(rows);
	int64_t incident = found ? store_int(rows, 0) : 0;
	int64_t user = found ? store_int(rows, 1) : 0;
	r = store_done(&rows, err);
	if (r == OK && !found)
		r = error_set(err, ERR_NOT_FOUND, "this link belongs to no page");
	if (r != OK)
		return r;
	*ret_incident = incident;
	*ret_user = user;
	return OK;
}
