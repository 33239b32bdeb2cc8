/* sim_dump.c: tables and lists as text, to be compared. See sim.h. */
#include <assert.h>
#include <string.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "guard/guard.h"
#include "incident/incident.h"
#include "monitor/monitor.h"
#include "notify/notify.h"
#include "resource/definition.h"
#include "sim_lists.h"
#include "sim_tap.h"

#define LIST_MAX 100000u
#define SQL_MAX 8192u

static struct str column_name(const struct store_table *table, unsigned i)
{
	struct str name, rest;
	str_cut(str_of(table->columns[i]), ' ', &name, &rest);
	return name;
}

static unsigned column_count(const struct store_table *table)
{
	unsigned count = 0;
	while (count < STORE_COLUMNS_MAX && table->columns[count] != NULL)
		count++;
	return count;
}

static void add_columns(struct buf *sql, const struct store_table *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(sql, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(column_name(table, i)));
}

static void dump_rows(struct sim *sim, struct store_conn *conn, const char *sql, const char *name,
		      unsigned columns, struct buf *out)
{
	struct store_rows *rows;
	enum err r = store_query(conn, sql, STORE_NO_VALUES, &rows, &sim->err);
	while (r == OK && store_next(rows)) {
		buf_adds(out, name);
		for (unsigned i = 0; i < columns; i++) {
			buf_adds(out, " | ");
			if (store_is_null(rows, (int)i))
				buf_adds(out, "none");
			else
				buf_add(out, store_text(rows, (int)i));
		}
		buf_addc(out, '\n');
	}
	if (r == OK)
		r = store_done(&rows, &sim->err);
	if (r != OK)
		sim_wrong(sim, "the table %s cannot be read: %s", name, sim->err.text);
}

static void dump_table(struct sim *sim, struct store_conn *conn, const struct store_table *table,
		       bool history, struct buf *out)
{
	cleanup_buf struct buf sql;
	char name[80];
	unsigned columns = column_count(table);
	bool versioned = table->history == STORE_VERSIONED;
	buf_init(&sql, SQL_MAX);
	buf_adds(&sql, "SELECT ");
	add_columns(&sql, table, columns);
	if (history)
		buf_printf(&sql, ", from_seq, to_seq FROM %s_h ORDER BY ", table->name);
	else
		buf_printf(&sql, "%s FROM {%s} ORDER BY ", versioned ? ", from_seq" : "", table->name);
	add_columns(&sql, table, table->keys);
	buf_adds(&sql, history ? ", from_seq" : "");
	snprintf(name, sizeof name, "%s%s", table->name, history ? "_h" : "");
	dump_rows(sim, conn, sql.bytes, name, columns + versioned + history, out);
}

void sim_dump(struct sim *sim, struct store_conn *conn, enum sim_dumped what, int64_t seq,
	      struct buf *out)
{
	const struct store_table *const *tables = tap_wiring()->tables;
	for (size_t i = 0; tables[i] != NULL; i++) {
		bool versioned = tables[i]->history == STORE_VERSIONED;
		assert(tables[i]->history != STORE_EPISODE); /* not known here */
		if (tables[i]->class != STORE_PROJECTION || (what == SIM_DUMP_VERSIONED && !versioned))
			continue;
		store_as_of(conn, seq);
		dump_table(sim, conn, tables[i], false, out);
		store_as_of(conn, 0);
		if (what == SIM_DUMP_ALL && versioned)
			dump_table(sim, conn, tables[i], true, out);
	}
}

/* ---- what the API's lists are made of ---- */

static bool print_incident(void *context, const struct incident *i)
{
	buf_printf(context, "incident %lld " STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT " by %lld, %lld\n",
		   (long long)i->id, STR_ARG(i->state), STR_ARG(i->priority), STR_ARG(i->urgency),
		   STR_ARG(i->title), (long long)i->acknowledged_by, (long long)i->firing);
	return true;
}

static bool print_alert(void *context, const struct alert *a)
{
	buf_printf(context, "alert %lld " STR_FMT " " STR_FMT " muted %d of %lld\n", (long long)a->id,
		   STR_ARG(a->state), STR_ARG(a->severity), a->muted, (long long)a->incident);
	return true;
}

static bool print_mute(void *context, const struct alert_mute *m)
{
	buf_printf(context, "mute %lld " STR_FMT " " STR_FMT " ended %lld\n", (long long)m->id,
		   STR_ARG(m->kind), STR_ARG(m->target), (long long)m->ended);
	return true;
}

static bool print_page(void *context, const struct notify_row *p)
{
	buf_printf(context, "page %lld of %lld to %lld " STR_FMT " " STR_FMT " %d\n", (long long)p->id,
		   (long long)p->incident, (long long)p->contact, STR_ARG(p->state), STR_ARG(p->title),
		   p->attempts);
	return true;
}

static bool print_contact(void *context, const struct paging_contact *c)
{
	buf_printf(context, "contact %lld of %lld " STR_FMT " " STR_FMT " %lld\n", (long long)c->id,
		   (long long)c->user, STR_ARG(c->channel), STR_ARG(c->address), (long long)c->delay);
	return true;
}

static bool print_override(void *context, const struct paging_override *o)
{
	buf_printf(context, "override %lld %lld for %lld\n", (long long)o->id, (long long)o->user,
		   (long long)o->replaces);
	return true;
}

static bool print_definition(void *context, const struct definition *d)
{
	buf_printf(context, STR_FMT " " STR_FMT " %lld " STR_FMT "\n", STR_ARG(d->kind), STR_ARG(d->name),
		   (long long)d->revision, STR_ARG(d->spec));
	return true;
}

static bool print_state(void *context, const struct monitor_state *s)
{
	buf_printf(context, "check " STR_FMT " " STR_FMT " since %lld\n", STR_ARG(s->check),
		   STR_ARG(s->state), (long long)s->since);
	return true;
}

static enum err list_people(struct store_conn *conn, struct arena *arena, struct buf *out,
			    struct error *err)
{
	struct guard_user *users;
	size_t count;
	enum err r = guard_users(conn, arena, 0, 1000, &users, &count, err);
	for (size_t i = 0; r == OK && i < count; i++)
		buf_printf(out, "user %lld " STR_FMT " %d %d\n", (long long)users[i].id,
			   STR_ARG(users[i].name), users[i].role, users[i].disabled);
	return r;
}

static enum err list_on_call(struct store_conn *conn, struct arena *arena, struct buf *out,
			     struct error *err)
{
	enum err r = paging_contacts(conn, 0, arena, print_contact, out, err);
	if (r == OK)
		r = paging_overrides(conn, STR("r0"), TIME_NONE, arena, print_override, out, err);
	if (r == OK)
		r = paging_overrides(conn, STR("r1"), TIME_NONE, arena, print_override, out, err);
	return r;
}

enum err sim_lists(struct store_conn *conn, struct arena *arena, struct buf *out, struct error *err)
{
	struct incident_filter incidents = { .limit = LIST_MAX };
	struct alert_filter alerts = { .limit = LIST_MAX };
	struct notify_filter pages = { .limit = LIST_MAX };
	enum err r = incident_list(conn, &incidents, arena, print_incident, out, err);
	if (r == OK)
		r = alert_list(conn, &alerts, arena, print_alert, out, err);
	if (r == OK)
		r = alert_list_mutes(conn, false, LIST_MAX, arena, print_mute, out, err);
	if (r == OK)
		r = notify_list(conn, &pages, arena, print_page, out, err);
	if (r == OK)
		r = definition_list(conn, STR_NONE, STR_NONE, STR_NONE, LIST_MAX, arena,
				    print_definition, out, err);
	if (r == OK)
		r = monitor_states(conn, arena, print_state, out, err);
	if (r == OK)
		r = list_people(conn, arena, out, err);
	return r == OK ? list_on_call(conn, arena, out, err) : r;
}
