/* doctor_kept.c: the store, the record and its copies. See doctor.c. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "journal/copies.h"
#include "journal/journal.h"
#include "main/backup.h"
#include "main/doctor_priv.h"

#define EXAMINED_BYTES_MAX (INT64_C(1) << 30)
#define TAIL_EVENTS 5000
#define BACKUP_OLD (2 * TIME_DAY)
#define BACKUP_TOO_OLD (14 * TIME_DAY)
#define JUMPS_LOOKED_AT (7 * TIME_DAY)
#define JUMPS_MAX 1000u

#define SILENT_LONG (10 * TIME_SECOND)

/* Each with when it was seen; a database that an older version made knows none. */
static void say_servers(struct doctor *d)
{
	struct store_nodes seen;
	struct error err;
	cleanup_buf struct buf words;
	bool lost = false;
	buf_init(&words, 4096);
	if (store_nodes_get(d->conn, &seen, &err) != OK || seen.count == 0)
		return;
	for (unsigned i = 0; i < seen.count; i++) {
		const struct store_node *node = &seen.rows[i];
		char ago[DURATION_TEXT_BYTES];
		bool leads = seen.leader.alive && strcmp(node->name, seen.leader.node) == 0;
		duration_words(node->silent > 0 ? node->silent : 0, ago);
		buf_printf(&words, "%s%s%s, %s, seen %s ago", i > 0 ? "; " : "", node->name, leads ? " (leads)" : "",
			   node->url[0] != '\0' ? node->url : "not reached by others", ago);
		lost = lost || node->silent > SILENT_LONG;
	}
	if (lost)
		doctor_say(d, DOCTOR_DOUBT, "servers", "start it, or wait: it is forgotten after a day", "%.*s",
			   (int)words.used, words.bytes);
	else
		doctor_good(d, "servers", "%.*s", (int)words.used, words.bytes);
}

/* Of several servers on one database one leads; none may, when all are down. */
void doctor_database(struct doctor *d)
{
	struct store_leader leader;
	struct error err;
	char shown[300];
	if (d->settings->store == NULL)
		return;
	settings_shown(d->settings->store, shown, sizeof shown);
	enum err r = store_leader(d->conn, &leader, &err);
	if (r == OK && leader.alive)
		doctor_good(d, "database", "%s, where server %s leads, epoch %lld", shown, leader.node,
			    (long long)leader.epoch);
	else if (r == OK)
		doctor_good(d, "database", "%s, where no server works", shown);
	else
		doctor_say(d, DOCTOR_WRONG, "database", "see that a server of this version was started on it once", "%s: %s",
			   shown, err.text);
	say_servers(d);
}

void doctor_store(struct doctor *d)
{
	char path[600];
	struct stat st;
	struct error err;
	if (d->settings->store != NULL)
		return; /* PostgreSQL examines its own pages, for who may: pg_amcheck */
	snprintf(path, sizeof path, "%.500s/mainstay.db", d->settings->data);
	if (stat(path, &st) == 0 && st.st_size > EXAMINED_BYTES_MAX)
		doctor_good(d, "store", "%lld MiB; too large to be examined here: mainstay backup and --verify do",
			    (long long)(st.st_size >> 20));
	else if (store_examine(d->conn, &err) == OK)
		doctor_good(d, "store", "the database is whole");
	else
		doctor_say(d, DOCTOR_WRONG, "store", "stop the server, keep a copy of the folder, restore the last backup", "%s",
			   err.text);
}

void doctor_journal(struct doctor *d)
{
	int64_t checked, last;
	time_us recorded;
	struct error err;
	enum err r = journal_last(d->conn, &last, &recorded, &err);
	if (r == OK)
		r = journal_verify_tail(d->conn, TAIL_EVENTS, &checked, &err);
	if (r == OK)
		doctor_good(d, "journal", "%lld events, the last %lld are what was recorded", (long long)last,
			    (long long)checked);
	else
		doctor_say(d, DOCTOR_WRONG, "journal", "run mainstay journal verify, keep a copy of the folder", "%s", err.text);
}

static bool count_jump(void *context, const struct event *event)
{
	unsigned *count = context;
	(void)event;
	++*count;
	return true;
}

void doctor_jumps(struct doctor *d)
{
	static const char *const kinds[] = { "clock.stepped", NULL };
	struct journal_filter filter = { .from = d->now - JUMPS_LOOKED_AT, .kinds = kinds, .limit = JUMPS_MAX };
	unsigned count = 0;
	struct error err;
	if (journal_read(d->conn, &filter, d->arena, count_jump, &count, &err) != OK)
		return;
	if (count > 0)
		doctor_say(d, DOCTOR_DOUBT, "clock jumps", "let it be slewed, not set; see mainstay journal list --kind clock.stepped",
			   "the wall clock jumped %u times within a week", count);
	else
		doctor_good(d, "clock jumps", "none within a week");
}

void doctor_backup(struct doctor *d)
{
	static const char advice[] = "mainstay backup --to FILE, from a timer, to another disk";
	struct journal_backup recorded = { .made = 0 }, receipt = { .made = 0 };
	bool known, told;
	struct error err;
	char ago[DURATION_TEXT_BYTES];
	if (journal_backup_last(d->conn, d->arena, &known, &recorded, &err) != OK) {
		doctor_say(d, DOCTOR_WRONG, "backup", "start the server once: it makes what this version needs", "%s", err.text);
		return;
	}
	if (backup_receipt_get(d->settings->data, d->arena, &told, &receipt, &err) == OK && told &&
	    receipt.made > recorded.made)
		recorded = receipt;
	if (recorded.made == 0) {
		doctor_say(d, DOCTOR_DOUBT, "backup", advice, "none was ever made");
		return;
	}
	time_us age = d->now > recorded.made ? d->now - recorded.made : 0;
	duration_words(age, ago);
	if (age > BACKUP_OLD)
		doctor_say(d, age > BACKUP_TOO_OLD ? DOCTOR_WRONG : DOCTOR_DOUBT, "backup", advice, "the last is %s old", ago);
	else
		doctor_good(d, "backup", "the last is %s old, %lld MiB%s", ago, (long long)(recorded.bytes >> 20),
			    recorded.secrets ? ", with secrets" : ", without secrets");
}
