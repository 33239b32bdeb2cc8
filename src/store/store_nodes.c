/*
 * store_nodes.c: of a store that several servers share: which there are, when each was seen last, and how the others
 * reach it. The table is made by whoever claims the lead first (store_postgres_lead.c).
 *
 * Losing the last of these words in a crash of the database costs nothing, so none waits for a disk.
 */
#include <stdio.h>

#include "store/store_backend.h"

static bool has_nodes(const struct store_conn *conn)
{
	return store_conn_backend(conn)->lead != NULL;
}

enum err store_node_seen(struct store_conn *conn, const char *name, const char *url, struct error *err)
{
	if (!has_nodes(conn))
		return OK;
	return store_exec(conn,
			  "WITH hurry AS (SELECT set_config('synchronous_commit', 'off', false)), "
			  "old AS (DELETE FROM node WHERE seen < clock_timestamp() - interval '1 day' AND name <> ?) "
			  "INSERT INTO node (name, url, seen) SELECT ?, ?, clock_timestamp() FROM hurry "
			  "ON CONFLICT (name) DO UPDATE SET url = excluded.url, seen = excluded.seen",
			  STORE_VALUES(STORE_TEXT(str_of(name)), STORE_TEXT(str_of(name)), STORE_TEXT(str_of(url))),
			  err);
}

static void take_row(struct store_rows *rows, struct store_node *node)
{
	snprintf(node->name, sizeof node->name, STR_FMT, STR_ARG(store_text(rows, 0)));
	snprintf(node->url, sizeof node->url, STR_FMT, STR_ARG(store_text(rows, 1)));
	node->silent = store_int(rows, 2);
}

enum err store_nodes_get(struct store_conn *conn, struct store_nodes *ret_nodes, struct error *err)
{
	struct store_rows *rows;
	*ret_nodes = (struct store_nodes){ .count = 0 };
	enum err r = store_leader(conn, &ret_nodes->leader, err);
	if (r != OK || !has_nodes(conn))
		return r;
	r = store_query(conn,
			"SELECT name, url, CAST(EXTRACT(EPOCH FROM clock_timestamp() - seen) * 1000000 AS BIGINT) "
			"FROM node WHERE seen > clock_timestamp() - interval '1 day' "
			"ORDER BY seen < clock_timestamp() - interval '10 seconds', name",
			STORE_NO_VALUES, &rows, err);
	if (r != OK)
		return r;
	while (ret_nodes->count < STORE_NODES_MAX && store_next(rows))
		take_row(rows, &ret_nodes->rows[ret_nodes->count++]);
	return store_done(&rows, err);
}

enum err store_bytes(struct store_conn *conn, int64_t *ret_bytes, struct error *err)
{
	*ret_bytes = 0;
	return has_nodes(conn) ? store_one_int(conn, "SELECT pg_database_size(current_database())", STORE_NO_VALUES, 0,
					       ret_bytes, err)
			       : OK;
}

enum err store_node_gone(struct store_conn *conn, const char *name, struct error *err)
{
	if (!has_nodes(conn))
		return OK;
	return store_exec(conn, "DELETE FROM node WHERE name = ?", STORE_VALUES(STORE_TEXT(str_of(name))), err);
}
