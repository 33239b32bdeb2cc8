/* migrate.c: see migrate.h. */
#include "main/migrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal.h"
#include "main/place.h"
#include "main/wiring.h"
#include "store/store_copy.h"
#include "wire/pq.h"

struct end {
	const char *where; /* a folder or a URL, as it was given */
	char shown[300];
	int lock; /* of a folder; -1 */
	struct store *store;
	struct store_conn *conn;
};

static void end_close(struct end *end)
{
	store_disconnect(&end->conn);
	store_close(&end->store);
	if (end->lock >= 0)
		close(end->lock);
}

/* A folder by its lock, a database by its leader row: nobody else works there meanwhile. */
static enum err end_open(struct end *end, bool source, struct error *err)
{
	char path[600], node[STORE_NODE_BYTES];
	bool database = pq_is_url(str_of(end->where));
	struct store_options options = { .path = database ? end->where : path, .node = node, .patient = true };
	settings_shown(end->where, end->shown, sizeof end->shown);
	snprintf(node, sizeof node, "migrate-%d", (int)getpid());
	snprintf(path, sizeof path, "%s/mainstay.db", end->where);
	enum err r = database ? OK : place_lock(end->where, &end->lock, err);
	if (r == OK && !database && source != (access(path, F_OK) == 0))
		r = source ? error_set(err, ERR_NOT_FOUND, "\"%s\" holds no store", end->shown)
			   : error_set(err, ERR_CONFLICT, "\"%s\" holds a store already", end->shown);
	if (r == OK)
		r = store_open(database ? "postgres" : "sqlite", &options, &end->store, err);
	if (r == OK)
		r = store_connect(end->store, false, &end->conn, err);
	if (r == OK)
		r = store_lead(end->conn, err);
	return r;
}

static enum err check_ends(struct end *from, struct end *to, struct error *err)
{
	bool good = false, remake;
	enum err r = store_tables_same(from->conn, wiring.tables, &good, err);
	if (r != OK || !good) {
		error_set(err, ERR_UNSUPPORTED, "\"%s\" is not a store of this version", from->shown);
		error_hint(err, "start this version's server on it once, then stop it");
		return ERR_UNSUPPORTED;
	}
	r = store_tables_create(to->conn, wiring.tables, &remake, err);
	if (r == OK)
		r = store_tables_empty(to->conn, wiring.tables, &good, err);
	if (r == OK && !good) {
		error_set(err, ERR_CONFLICT, "\"%s\" is not empty", to->shown);
		error_hint(err, "give a new folder, or a database of its own");
		return ERR_CONFLICT;
	}
	return r;
}

static void show_table(void *context, const char *table, int64_t rows)
{
	(void)context;
	fprintf(stderr, "\r%-60s\rcopied %lld rows of %s", "", (long long)rows, table);
}

static void show_verified(void *context, int64_t done, int64_t total)
{
	fprintf(stderr, "\r%-60s\r%s: verified %lld of %lld", "", (const char *)context, (long long)done,
		(long long)total);
}

/* What was written is read back before it is kept. */
static enum err compare(struct end *from, struct end *to, int64_t *ret_size, struct tree_hash *ret_root,
			struct error *err)
{
	struct tree_hash root;
	int64_t size;
	enum err r = journal_verify(from->conn, show_verified, (void *)"source", &size, &root, err);
	if (r == OK)
		r = journal_verify(to->conn, show_verified, (void *)"target", ret_size, ret_root, err);
	if (r == OK && (size != *ret_size || memcmp(&root, ret_root, sizeof root) != 0))
		r = error_set(err, ERR_CORRUPT, "the copied journal has another root");
	fprintf(stderr, "\r%-60s\r", "");
	return r;
}

static enum err copy(struct end *from, struct end *to, int64_t *ret_rows, int64_t *ret_size,
		     struct tree_hash *ret_root, struct error *err)
{
	enum err r = store_begin(to->conn, err);
	if (r != OK)
		return r;
	r = store_read_begin(from->conn, err);
	if (r == OK) {
		r = store_tables_copy(from->conn, to->conn, wiring.tables, show_table, NULL, ret_rows, err);
		if (r == OK)
			r = compare(from, to, ret_size, ret_root, err);
		store_read_end(from->conn);
	}
	if (r == OK)
		return store_commit(to->conn, err);
	store_rollback(to->conn);
	return r;
}

static enum err migrate(struct end *from, struct end *to, struct error *err)
{
	struct tree_hash root;
	int64_t rows = 0, size = 0;
	enum err r = end_open(from, true, err);
	if (r == OK)
		r = end_open(to, false, err);
	if (r == OK)
		r = check_ends(from, to, err);
	if (r == OK)
		r = copy(from, to, &rows, &size, &root, err);
	if (r != OK)
		return r;
	printf("ok: %lld rows, %lld events, root ", (long long)rows, (long long)size);
	for (size_t i = 0; i < sizeof root.bytes; i++)
		printf("%02x", root.bytes[i]);
	printf("\nThe source was left as it is. Do not start a server on it again: it would go on by itself.\n");
	return OK;
}

int run_migrate(const struct verb *verb, int argc, char **argv)
{
	struct end from = { .lock = -1 }, to = { .lock = -1 };
	struct error err = { 0 };
	for (int i = 0; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--from") == 0)
			from.where = argv[i + 1];
		else if (strcmp(argv[i], "--to") == 0)
			to.where = argv[i + 1];
	}
	if (argc != 4 || from.where == NULL || to.where == NULL) {
		fprintf(stderr, "usage: mainstay %s\n", verb->usage);
		return 2;
	}
	enum err r = migrate(&from, &to, &err);
	end_close(&to);
	end_close(&from);
	if (r == OK)
		return 0;
	fprintf(stderr, "\nmainstay: %s\n", err.text);
	if (err.hint[0] != '\0')
		fprintf(stderr, "mainstay: %s\n", err.hint);
	return 1;
}
