/*
 * store.h: SQL behind one small door.
 *
 * A store is a place (a file, a database, memory); a connection is one conversation with it, used
 * by one thread at a time. There is one writing connection per world; readers have their own and
 * see the last commit. SQL stands only in `<room>_store.c`, with bound parameters only.
 *
 * SQL is portable: `?` is a parameter, `{name}` is a declared table (store_table.h) and becomes its
 * history when the connection reads as of an earlier seq. No clock, no randomness, no LIKE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

enum store_type { STORE_TYPE_NULL, STORE_TYPE_INT, STORE_TYPE_REAL, STORE_TYPE_TEXT, STORE_TYPE_BYTES };

struct store_value {
	enum store_type type;
	union {
		int64_t integer;
		double real;
		struct str text; /* text and bytes; borrowed for the call */
	};
};

#define STORE_NULL ((struct store_value){ .type = STORE_TYPE_NULL })
#define STORE_INT(v) ((struct store_value){ .type = STORE_TYPE_INT, .integer = (v) })
#define STORE_REAL(v) ((struct store_value){ .type = STORE_TYPE_REAL, .real = (v) })
#define STORE_TEXT(v) ((struct store_value){ .type = STORE_TYPE_TEXT, .text = (v) })
#define STORE_BYTES(v) ((struct store_value){ .type = STORE_TYPE_BYTES, .text = (v) })

/* 0 means "none" in our structs and NULL in the tables, so that a foreign 0 cannot join. */
#define STORE_ID(v) ((v) != 0 ? STORE_INT(v) : STORE_NULL)

/* The values of one call: store_exec(conn, "...", STORE_VALUES(STORE_INT(1)), &err). */
#define STORE_VALUES(...)                                     \
	((const struct store_value[]){ __VA_ARGS__ }),        \
		sizeof((const struct store_value[]){ __VA_ARGS__ }) / sizeof(struct store_value)
#define STORE_NO_VALUES NULL, 0

struct store;
struct store_conn;
struct store_rows;

struct store_options {
	const char *path;     /* file of the database, or its postgres:// URL */
	const char *node;     /* postgres: what this server is called in the leader row; copied */
	bool patient;         /* postgres: for a verb that works through everything: waits for hours */
	const char *vfs;      /* SQLite VFS name; NULL: the system's */
	bool memory_journal;  /* for the simulator's VFS: exclusive locking, no shared memory */
	bool bulk;            /* a new file made whole by one connection: no log, and whoever makes it syncs it */
	bool immutable;       /* nobody changes the file: no lock, no log; bytes after the database are ignored */
};

/* Backends: "sqlite" and "postgres" keep, "null" accepts every write, answers no row and keeps nothing. */
enum err store_open(const char *backend, const struct store_options *options,
		    struct store **ret_store, struct error *err);
void store_close(struct store **store); /* all connections are closed before */

enum err store_connect(struct store *store, bool read_only, struct store_conn **ret_conn,
		       struct error *err);
void store_disconnect(struct store_conn **conn);

/* A transaction of the writing connection. ERR_UNAVAILABLE: nothing can be stored now (full disk,
 * lost database); the transaction is over then and its writes are gone. */
enum err store_begin(struct store_conn *conn, struct error *err);
enum err store_commit(struct store_conn *conn, struct error *err);
void store_rollback(struct store_conn *conn);

/* Reads between these two see one commit. Never held over a network write. */
enum err store_read_begin(struct store_conn *conn, struct error *err);
void store_read_end(struct store_conn *conn);

/* What `{name}` means from now on: 0 the present, else what was recorded up to and with `seq`. */
void store_as_of(struct store_conn *conn, int64_t seq);
int64_t store_as_of_seq(const struct store_conn *conn);

enum err store_exec(struct store_conn *conn, const char *sql, const struct store_value *values,
		    size_t count, struct error *err);
int64_t store_changes(const struct store_conn *conn); /* rows changed by the last store_exec */

/* Rows one by one: while (store_next(rows)) ...; then store_done, which says whether the end was
 * the end. Texts are valid until the next store_next. */
enum err store_query(struct store_conn *conn, const char *sql, const struct store_value *values,
		     size_t count, struct store_rows **ret_rows, struct error *err);
bool store_next(struct store_rows *rows);
enum err store_done(struct store_rows **rows, struct error *err);

bool store_is_null(struct store_rows *rows, int column);
int64_t store_int(struct store_rows *rows, int column); /* NULL reads as 0 */
double store_real(struct store_rows *rows, int column);
struct str store_text(struct store_rows *rows, int column); /* text or bytes; NULL reads as empty */

/* One number of one row; `otherwise` when there is no row or it is NULL. */
enum err store_one_int(struct store_conn *conn, const char *sql, const struct store_value *values,
		       size_t count, int64_t otherwise, int64_t *ret_value, struct error *err);

/* ---- who leads ----
 *
 * Several servers may stand on one PostgreSQL; one of them leads, and only its writing connection
 * can commit. The others find out when its lease runs out. On SQLite whoever has the file leads. */

#define STORE_NODE_BYTES 64
#define STORE_LEASE (6 * TIME_SECOND)

struct store_leader {
	int64_t epoch; /* one more with every change of leader, and every new connection of one */
	bool alive;
	char node[STORE_NODE_BYTES];
};

/* The writing connection leads from now on. ERR_CONFLICT: another server does, and is alive. */
enum err store_lead(struct store_conn *conn, struct error *err);
/* Says that it is alive; a commit says so too. ERR_UNAVAILABLE. */
enum err store_lead_renew(struct store_conn *conn, struct error *err);
/* Until when, by the time since boot, it is certain that no other server leads: before that, what
 * must happen once may be done. INT64_MAX where nobody else can. Safe from any thread. */
time_us store_lead_until(const struct store_conn *conn);
enum err store_leader(struct store_conn *conn, struct store_leader *ret_leader, struct error *err);

/* ---- which servers there are (store_nodes.c) ----
 *
 * Each says, a few times while a lease lasts, that it is there and how the others reach it. On a
 * store that belongs to one server there are none. */

#define STORE_NODES_MAX 32u
#define STORE_NODE_URL_BYTES 256
#define STORE_NODE_KEPT TIME_DAY /* one that was not seen for longer is forgotten */

struct store_node {
	char name[STORE_NODE_BYTES], url[STORE_NODE_URL_BYTES];
	time_us silent; /* since it was seen last, by the database's clock */
};

struct store_nodes {
	struct store_leader leader;
	unsigned count;
	struct store_node rows[STORE_NODES_MAX]; /* first those seen within ten seconds; each part in order of name */
};

/* `conn` does not lead and is in no transaction. */
enum err store_node_seen(struct store_conn *conn, const char *name, const char *url, struct error *err);
enum err store_nodes_get(struct store_conn *conn, struct store_nodes *ret_nodes, struct error *err);
/* It ends in order: the others need not wait until it was silent for long. */
enum err store_node_gone(struct store_conn *conn, const char *name, struct error *err);

/* How large all of it is on PostgreSQL; 0: not known here, a file's size says it. */
enum err store_bytes(struct store_conn *conn, int64_t *ret_bytes, struct error *err);

/* Pages written to the log since the last checkpoint are moved into the database; off the
 * writer's path. Does what it can and never waits for a reader. */
void store_checkpoint(struct store_conn *conn);

/* Reads every page and compares indexes with rows, as the engine can. ERR_CORRUPT with what it said. */
enum err store_examine(struct store_conn *conn, struct error *err);
