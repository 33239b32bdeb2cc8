/* journal_verify.c: does the journal still say what was recorded? Every leaf is hashed again. */
#include <string.h>

#include "journal/journal_priv.h"
#include "journal/leaf.h"

#define PAGE 2000u

/* False: the row has neither payload and salt nor a MAC to make a leaf of. An erased event keeps
 * its MAC, so that who did what and when is checked for it too. */
static bool leaf_of(const struct journal_row *row, struct tree_hash *ret_leaf)
{
	const struct leaf_fields fields = {
		.seq = row->event.seq,
		.event_time = row->event.event_time,
		.recorded_time = row->event.recorded_time,
		.actor = row->event.actor,
		.kind = str_of(event_kinds[row->event.kind].name),
		.subject = row->event.subject,
		.version = row->version,
		.payload = row->event.json,
		.salt = row->salt,
	};
	if (row->event.json.len > 0 && row->salt.len == LEAF_SALT_BYTES)
		event_leaf(&fields, ret_leaf);
	else if (row->event.json.len == 0 && row->mac.len == LEAF_MAC_BYTES)
		event_leaf_erased(&fields, (const unsigned char *)row->mac.ptr, ret_leaf);
	else
		return false;
	return true;
}

static enum err check_row(struct tree *tree, const struct journal_row *row, struct error *err)
{
	struct tree_hash leaf, nodes[TREE_LEVELS];
	if (row->event.seq != (int64_t)tree->size + 1)
		return error_set(err, ERR_CORRUPT, "event %llu is missing from the journal",
				 (unsigned long long)tree->size + 1);
	if (!leaf_of(row, &leaf))
		return error_set(err, ERR_CORRUPT, "event %lld has lost its payload and was not erased",
				 (long long)row->event.seq);
	unsigned count = tree_append(tree, &leaf, nodes);
	if (row->nodes.len != count * sizeof *nodes ||
	    memcmp(nodes, row->nodes.ptr, row->nodes.len) != 0)
		return error_set(err, ERR_CORRUPT, "event %lld is not what was recorded",
				 (long long)row->event.seq);
	return OK;
}

static enum err check_page(struct store_conn *conn, struct tree *tree, int64_t last,
			   bool *ret_more, struct error *err)
{
	struct store_rows *rows;
	uint64_t before = tree->size;
	enum err r = journal_rows(conn, (int64_t)tree->size, last, PAGE, &rows, err);
	if (r != OK)
		return r;
	while (r == OK && store_next(rows)) {
		struct journal_row row;
		if (journal_row_read(rows, &row))
			r = check_row(tree, &row, err);
		else
			r = error_set(err, ERR_CORRUPT, "event %llu is of a kind this version does not know",
				      (unsigned long long)tree->size + 1);
	}
	enum err done = store_done(&rows, r == OK ? err : NULL);
	*ret_more = tree->size - before == PAGE;
	return r != OK ? r : done;
}

enum err journal_verify(struct store_conn *conn, journal_progress_fn *progress, void *context,
			int64_t *ret_size, struct tree_hash *ret_root, struct error *err)
{
	struct tree tree;
	int64_t last;
	time_us recorded;
	bool more = true;
	tree_init(&tree);
	enum err r = journal_last(conn, &last, &recorded, err);
	while (r == OK && more) {
		r = check_page(conn, &tree, last, &more, err);
		if (progress != NULL)
			progress(context, (int64_t)tree.size, last);
	}
	if (r == OK && (int64_t)tree.size != last)
		r = error_set(err, ERR_CORRUPT, "event %lld is missing from the journal",
			      (long long)tree.size + 1);
	if (r != OK)
		return r;
	*ret_size = last;
	tree_root(&tree, ret_root);
	return OK;
}

enum err journal_verify_tail(struct store_conn *conn, int64_t events, int64_t *ret_checked, struct error *err)
{
	struct tree_reader reader = journal_tree_reader(conn);
	struct tree tree;
	int64_t last;
	time_us recorded;
	bool more = true;
	enum err r = journal_last(conn, &last, &recorded, err);
	int64_t from = last > events ? last - events : 0;
	if (r == OK)
		r = tree_open(&reader, (uint64_t)from, &tree, err);
	while (r == OK && more)
		r = check_page(conn, &tree, last, &more, err);
	if (r == OK && (int64_t)tree.size != last)
		r = error_set(err, ERR_CORRUPT, "event %lld is missing from the journal", (long long)tree.size + 1);
	if (r == OK)
		*ret_checked = last - from;
	return r;
}
