/* sim_check.c: what must be true of the record and of the tables. See sim.h. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "incident/incident.h"
#include "journal/journal_priv.h"
#include "notify/notify.h"
#include "sim.h"
#include "sim_lists.h"
#include "sim_tap.h"

#define DUMP_BYTES_MAX (64u << 20)
#define ROWS_MAX 100000u

/* The first line that differs, for people. */
static void compare(struct sim *sim, const char *what, const struct buf *wanted,
		    const struct buf *found)
{
	size_t at = 0, line = 0;
	struct str a = buf_str(wanted), b = buf_str(found);
	assert(!wanted->full && !found->full);
	if (str_eq(a, b))
		return;
	for (; at < a.len && at < b.len && a.ptr[at] == b.ptr[at]; at++) {
		if (a.ptr[at] == '\n')
			line = at + 1;
	}
	struct str before, after, rest;
	str_cut(str_sub(a, line, a.len), '\n', &before, &rest);
	str_cut(str_sub(b, line, b.len), '\n', &after, &rest);
	sim_wrong(sim, "%s: wanted \"%.250s\", found \"%.250s\"", what,
		  before.len > 0 ? arena_cstr(&sim->arena, before) : "",
		  after.len > 0 ? arena_cstr(&sim->arena, after) : "");
}

/* ---- 1: the record proves itself ---- */

void sim_check_record(struct sim *sim)
{
	struct tree_hash root, stored;
	int64_t size, last = world_last_seq(sim->world);
	if (journal_verify(sim->reader, NULL, NULL, &size, &root, &sim->err) != OK) {
		sim_wrong(sim, "the journal does not verify: %s", sim->err.text);
		return;
	}
	struct tree_reader reader = journal_tree_reader(sim->reader);
	if (tree_root_at(&reader, (uint64_t)last, &stored, &sim->err) != OK || size != last ||
	    !tree_hash_eq(&root, &stored))
		sim_wrong(sim, "the journal verifies with %lld events and the tree holds %lld, or their "
			  "roots differ", (long long)size, (long long)last);
}

/* ---- 2: a rebuild makes the same tables ---- */

void sim_check_rebuild(struct sim *sim)
{
	cleanup_buf struct buf before, after;
	buf_init(&before, DUMP_BYTES_MAX);
	buf_init(&after, DUMP_BYTES_MAX);
	if (!sim_is_well(sim))
		return;
	sim_dump(sim, sim->reader, SIM_DUMP_ALL, 0, &before);
	tap.rebuilding = true;
	if (world_rebuild(sim->world, NULL, NULL, &sim->err) != OK)
		sim_wrong(sim, "the tables cannot be made again: %s", sim->err.text);
	tap.rebuilding = false;
	sim_dump(sim, sim->reader, SIM_DUMP_ALL, 0, &after);
	compare(sim, "a rebuild makes other rows", &before, &after);
}

/* ---- 3: a list as of then is what was true then ---- */

struct scratch {
	struct random random;
	struct vfs_fault *disk;
	struct store *store;
	struct world *world;
	struct store_conn *conn;
};

static enum err copy_events(struct sim *sim, struct store_conn *to, int64_t seq)
{
	struct store_rows *rows;
	enum err r = store_begin(to, &sim->err);
	if (r == OK)
		r = journal_rows(sim->reader, 0, seq, REFEREE_EVENTS_MAX, &rows, &sim->err);
	while (r == OK && store_next(rows)) {
		struct journal_row row;
		bool known = journal_row_read(rows, &row);
		assert(known);
		r = journal_append(to, &row, &sim->err);
	}
	if (r == OK)
		r = store_done(&rows, &sim->err);
	return r == OK ? store_commit(to, &sim->err) : r;
}

static enum err scratch_open(struct sim *sim, int64_t seq, struct scratch *s)
{
	bool remake;
	struct store_conn *conn;
	random_seeded(&s->random, 1);
	s->disk = vfs_fault_create("sim-scratch", &s->random, &sim->clock);
	struct store_options place = { .path = "scratch.db", .vfs = "sim-scratch" };
	struct world_options options = { .rooms = sim->rooms, .name = "scratch", .clock = &sim->clock,
					 .random = &s->random, .wiring = tap_wiring() };
	enum err r = store_open("sqlite", &place, &s->store, &sim->err);
	options.store = s->store;
	if (r == OK)
		r = store_connect(s->store, false, &conn, &sim->err);
	if (r != OK)
		return r;
	r = store_tables_create(conn, options.wiring->tables, &remake, &sim->err);
	if (r == OK)
		r = copy_events(sim, conn, seq);
	store_disconnect(&conn);
	if (r == OK)
		r = world_open(&options, &s->world, &sim->err);
	if (r == OK)
		r = world_rebuild(s->world, NULL, NULL, &sim->err);
	return r == OK ? store_connect(s->store, true, &s->conn, &sim->err) : r;
}

static void scratch_close(struct scratch *s)
{
	store_disconnect(&s->conn);
	world_close(&s->world);
	store_close(&s->store);
	vfs_fault_destroy(&s->disk);
}

static void compare_lists(struct sim *sim, const struct scratch *s, int64_t seq, const char *what)
{
	cleanup_buf struct buf then, again;
	buf_init(&then, DUMP_BYTES_MAX);
	buf_init(&again, DUMP_BYTES_MAX);
	enum err r = sim_lists(s->conn, &sim->arena, &again, &sim->err);
	store_as_of(sim->reader, seq);
	if (r == OK)
		r = sim_lists(sim->reader, &sim->arena, &then, &sim->err);
	store_as_of(sim->reader, 0);
	if (r != OK)
		sim_wrong(sim, "%s: a list cannot be read: %s", what, sim->err.text);
	else
		compare(sim, what, &again, &then);
}

void sim_check_as_of(struct sim *sim, int64_t seq)
{
	struct scratch s = { .disk = NULL };
	cleanup_buf struct buf then, again;
	char what[80];
	buf_init(&then, DUMP_BYTES_MAX);
	buf_init(&again, DUMP_BYTES_MAX);
	if (!sim_is_well(sim))
		return;
	snprintf(what, sizeof what, "as of event %lld it is not what a rebuild makes", (long long)seq);
	tap.rebuilding = true;
	if (scratch_open(sim, seq, &s) != OK) {
		sim_wrong(sim, "a scratch world cannot be made: %s", sim->err.text);
	} else {
		sim_dump(sim, sim->reader, SIM_DUMP_VERSIONED, seq, &then);
		sim_dump(sim, s.conn, SIM_DUMP_VERSIONED, 0, &again);
		compare(sim, what, &again, &then);
		compare_lists(sim, &s, seq, what);
	}
	tap.rebuilding = false;
	scratch_close(&s);
}

/* ---- 4: what was answered is kept; what was on the way is whole or not there ---- */

static bool same_as_told(void *context, const struct event *event)
{
	struct sim *sim = context;
	if (event->seq <= sim->referee->last_seq &&
	    sim->referee->hashes[event->seq] != referee_hash(event))
		sim_wrong(sim, "event %lld is not what was answered before the crash",
			  (long long)event->seq);
	return true;
}

void sim_check_kept(struct sim *sim, int64_t tried)
{
	int64_t told = sim->referee->last_seq, last = world_last_seq(sim->world), seq = 0;
	enum err r = OK;
	if (last < told)
		sim_wrong(sim, "event %lld was answered, and after the crash the journal ends at %lld",
			  (long long)told, (long long)last);
	else if (last != told && last != tried)
		sim_wrong(sim, "after the crash the journal ends at %lld: neither at what was answered (%lld) "
			  "nor at what was on the way (%lld)", (long long)last, (long long)told,
			  (long long)tried);
	while (r == OK && seq < last && sim_is_well(sim)) {
		struct journal_filter filter = { .after_seq = seq, .limit = 500 };
		r = journal_read(sim->reader, &filter, &sim->arena, same_as_told, sim, &sim->err);
		seq += 500;
	}
	if (r != OK)
		sim_wrong(sim, "the journal cannot be read after the crash: %s", sim->err.text);
}

/* ---- 5, 7, 8: after every step ---- */

void sim_check_light(struct sim *sim)
{
	int64_t overdue = 0;
	referee_silence(sim->referee, sim_boot(sim));
	referee_outbox(sim->referee, sim_boot(sim));
	if (store_one_int(sim->reader, "SELECT count(*) FROM timer WHERE due <= ?",
			  STORE_VALUES(STORE_INT(sim_wall(sim))), 0, &overdue, &sim->err) == OK &&
	    overdue > 0)
		sim_wrong(sim, "%lld timers are due, and nothing fires them", (long long)overdue);
	if (tap.depth_max > WIRE_DEPTH_MAX)
		sim_wrong(sim, "rules set each other off %u deep", tap.depth_max);
	if (sim->referee->kinds[EVENT_TIMER_PARKED] > 0 || sim->referee->kinds[EVENT_WIRE_PARKED] > 0)
		sim_wrong(sim, "a rule or a timer was set aside");
	if (sim->referee->wrong[0] != '\0')
		sim_wrong(sim, "%s", sim->referee->wrong);
}

/* ---- 6, 10: the referee's belief and the tables ---- */

struct belief {
	struct sim *sim;
	size_t count;
};

static bool compare_incident(void *context, const struct incident *it)
{
	static const char *const names[] = { "none", "open", "acknowledged", "resolved" };
	struct belief *belief = context;
	const struct referee_incident *believed = &belief->sim->referee->incidents[it->id];
	belief->count++;
	incident_assert(it);
	if (!str_is(it->state, names[believed->state]) || str_is(it->urgency, "high") != believed->high)
		sim_wrong(belief->sim, "incident %lld is " STR_FMT " with urgency " STR_FMT
			  " in its table; its events say %s, %s",
			  (long long)it->id, STR_ARG(it->state), STR_ARG(it->urgency),
			  names[believed->state], believed->high ? "high" : "not high");
	return true;
}

/* The escalation of an incident is where the incident is. */
static void compare_escalation(struct sim *sim, int64_t id, enum referee_state state, bool high)
{
	struct paging_escalation e;
	bool found;
	if (paging_escalation_get(sim->reader, id, &sim->arena, &found, &e, &sim->err) != OK || !found) {
		sim_wrong(sim, "incident %lld has no escalation", (long long)id);
		return;
	}
	enum escalation_phase phase = e.state.phase;
	bool taken = phase == ESCALATION_ACKNOWLEDGED || phase == ESCALATION_ASKING;
	bool runs = phase == ESCALATION_RUNNING || phase == ESCALATION_LAST_RESORT ||
		    phase == ESCALATION_QUIET;
	bool agree = state == REFEREE_OPEN	   ? runs
		     : state == REFEREE_ACKNOWLEDGED ? taken
						     : phase == ESCALATION_STOPPED;
	static const char *const names[] = { "none", "open", "acknowledged", "resolved" };
	if (!agree)
		sim_wrong(sim, "incident %lld is %s and its escalation is %s", (long long)id, names[state],
			  escalation_phase_name(phase));
	else if (e.state.high != high)
		sim_wrong(sim, "incident %lld is %s and its escalation thinks it is %s", (long long)id,
			  high ? "urgent" : "not urgent", e.state.high ? "urgent" : "not");
}

static void compare_incidents(struct sim *sim)
{
	struct belief belief = { sim, 0 };
	size_t believed = 0;
	struct incident_filter filter = { .limit = ROWS_MAX };
	if (incident_list(sim->reader, &filter, &sim->arena, compare_incident, &belief, &sim->err) != OK)
		sim_wrong(sim, "incidents cannot be listed: %s", sim->err.text);
	for (size_t id = 1; id < sim->referee->incident_count && sim_is_well(sim); id++) {
		const struct referee_incident *it = &sim->referee->incidents[id];
		if (it->state == REFEREE_NONE)
			continue;
		believed++;
		compare_escalation(sim, (int64_t)id, it->state, it->high);
	}
	if (believed != belief.count)
		sim_wrong(sim, "%zu incidents were opened and %zu are listed", believed, belief.count);
}

static bool compare_page(void *context, const struct notify_row *row)
{
	struct belief *belief = context;
	const struct referee_page *believed = &belief->sim->referee->pages[row->id];
	bool ended = str_is(row->state, "sent") || str_is(row->state, "delivered") ||
		     str_is(row->state, "failed") || str_is(row->state, "cancelled");
	belief->count++;
	if (believed->seq == 0 || ended != believed->ended || row->attempts != believed->attempts)
		sim_wrong(belief->sim, "page %lld is \"" STR_FMT "\" after %d tries in its table; its events "
			  "say %s after %d", (long long)row->id, STR_ARG(row->state), row->attempts,
			  believed->ended ? "ended" : "not ended", believed->attempts);
	return true;
}

/* A page that has not ended waits in the outbox, and nothing else does. */
static void compare_outbox(struct sim *sim)
{
	struct store_rows *rows;
	size_t waiting = 0, stored = 0;
	for (size_t i = 1; i < sim->referee->page_count; i++)
		waiting += sim->referee->pages[i].seq > 0 && !sim->referee->pages[i].ended;
	enum err r = store_query(sim->reader, "SELECT page FROM outbox ORDER BY page", STORE_NO_VALUES,
				 &rows, &sim->err);
	while (r == OK && store_next(rows)) {
		int64_t id = store_int(rows, 0);
		stored++;
		if ((size_t)id >= sim->referee->page_count || sim->referee->pages[id].ended)
			sim_wrong(sim, "page %lld has ended and stands in the outbox", (long long)id);
	}
	if (r == OK)
		r = store_done(&rows, &sim->err);
	if (r != OK || stored != waiting)
		sim_wrong(sim, "%zu pages have not ended and %zu stand in the outbox", waiting, stored);
}

static void compare_firing(struct sim *sim)
{
	int64_t wrong = 0;
	enum err r = store_one_int(sim->reader,
				   "SELECT min(id) FROM incident WHERE firing <> (SELECT count(*) FROM "
				   "incident_alert m WHERE m.incident = incident.id AND m.firing = 1)",
				   STORE_NO_VALUES, 0, &wrong, &sim->err);
	if (r != OK || wrong != 0)
		sim_wrong(sim, "incident %lld does not count the alerts that fire for it", (long long)wrong);
}

/* What is urgent for a check is urgent for its incident, unless a person said otherwise. */
static void compare_urgency(struct sim *sim)
{
	struct store_rows *rows;
	enum err r = store_query(sim->reader,
				 "SELECT i.id FROM incident i WHERE i.state <> 'resolved' AND i.urgency <> "
				 "'high' AND EXISTS (SELECT 1 FROM incident_alert m JOIN alert a ON a.id = m.alert "
				 "WHERE m.incident = i.id AND m.firing = 1 AND a.state = 'firing' AND a.muted = 0 "
				 "AND a.severity = 'critical' AND a.urgency = 'high') ORDER BY i.id",
				 STORE_NO_VALUES, &rows, &sim->err);
	while (r == OK && store_next(rows)) {
		int64_t id = store_int(rows, 0);
		if (!sim->referee->incidents[id].set_by_person)
			sim_wrong(sim, "a check that may wake people is down, and incident %lld does not",
				  (long long)id);
	}
	if (r == OK)
		r = store_done(&rows, &sim->err);
	if (r != OK)
		sim_wrong(sim, "alerts cannot be read: %s", sim->err.text);
}

void sim_check_tables(struct sim *sim)
{
	struct belief pages = { sim, 0 };
	struct notify_filter filter = { .limit = ROWS_MAX };
	if (!sim_is_well(sim))
		return;
	compare_incidents(sim);
	compare_firing(sim);
	compare_urgency(sim);
	if (notify_list(sim->reader, &filter, &sim->arena, compare_page, &pages, &sim->err) != OK)
		sim_wrong(sim, "pages cannot be listed: %s", sim->err.text);
	compare_outbox(sim);
	if (sim->referee->wrong[0] != '\0')
		sim_wrong(sim, "%s", sim->referee->wrong);
	arena_reset(&sim->arena);
}
