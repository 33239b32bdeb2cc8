/*
 * test_store_postgres.c: what only PostgreSQL can do to us: connections that are cut, leaders that
 * change, a COMMIT that nobody answers. The peer is the PostgreSQL that tools/run-unit starts; a
 * relay on loopback stands between and cuts at a byte of our choosing.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "base/check.h"
#include "store/store_table.h"
#include "store/test_store.h"

static const struct store_table thing = {
	.name = "thing",
	.class = STORE_WORK,
	.history = STORE_NOW,
	.keys = 1,
	.columns = { "id {id} NOT NULL", "text {text}", "data {bytes}", "size {real}" },
};
static const struct store_table *const tables[] = { &thing, NULL };

/* ---- a relay that cuts ---- */

struct relay {
	int listener;
	unsigned port, target;
	pthread_t thread;
	atomic_long up, down; /* bytes still let through from and to us; negative: all */
	atomic_bool ended;
};

struct pair {
	struct relay *relay;
	int ours, theirs;
};

static bool pass(int from, int to, atomic_long *left, struct relay *relay)
{
	char bytes[4096];
	ssize_t got = read(from, bytes, sizeof bytes);
	if (got <= 0)
		return false;
	long may = atomic_load(left);
	ssize_t sent = may >= 0 && got > may ? may : got;
	if (sent > 0 && write(to, bytes, (size_t)sent) != sent)
		return false;
	if (may >= 0 && got >= may) { /* once */
		atomic_store(&relay->up, -1);
		atomic_store(&relay->down, -1);
		return false;
	}
	if (may >= 0)
		atomic_fetch_sub(left, sent);
	return true;
}

static void *relay_pair(void *context)
{
	struct pair *pair = context;
	struct pollfd both[2] = { { .fd = pair->ours, .events = POLLIN },
				  { .fd = pair->theirs, .events = POLLIN } };
	bool open = true;
	while (open && !atomic_load(&pair->relay->ended)) {
		poll(both, 2, 100);
		if (both[0].revents != 0)
			open = pass(pair->ours, pair->theirs, &pair->relay->up, pair->relay);
		if (open && both[1].revents != 0)
			open = pass(pair->theirs, pair->ours, &pair->relay->down, pair->relay);
	}
	close(pair->ours);
	close(pair->theirs);
	free(pair);
	return NULL;
}

static void *relay_run(void *context)
{
	struct relay *relay = context;
	struct pollfd waiting = { .fd = relay->listener, .events = POLLIN };
	while (!atomic_load(&relay->ended)) {
		if (poll(&waiting, 1, 100) <= 0)
			continue;
		struct pair *pair = malloc(sizeof *pair);
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)relay->target),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		pair->relay = relay;
		pair->ours = accept(relay->listener, NULL, NULL);
		pair->theirs = socket(AF_INET, SOCK_STREAM, 0);
		connect(pair->theirs, (struct sockaddr *)&to, sizeof to);
		pthread_t thread;
		pthread_create(&thread, NULL, relay_pair, pair);
		pthread_detach(thread);
	}
	return NULL;
}

static void relay_start(struct relay *relay, unsigned target)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	*relay = (struct relay){ .target = target, .up = -1, .down = -1 };
	relay->listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_INT(bind(relay->listener, (struct sockaddr *)&at, sizeof at), 0);
	CHECK_INT(listen(relay->listener, 8), 0);
	CHECK_INT(getsockname(relay->listener, (struct sockaddr *)&at, &size), 0);
	relay->port = ntohs(at.sin_port);
	pthread_create(&relay->thread, NULL, relay_run, relay);
}

static void relay_stop(struct relay *relay)
{
	atomic_store(&relay->ended, true);
	pthread_join(relay->thread, NULL);
	close(relay->listener);
	usleep(200000); /* the pairs look every 100 ms */
}

/* ---- places ---- */

static const char *server(void)
{
	const char *url = getenv("MAINSTAY_TEST_POSTGRES");
	if (url == NULL)
		skip();
	return url;
}

static unsigned server_port(void)
{
	return (unsigned)strtoul(strrchr(server(), ':') + 1, NULL, 10);
}

static struct store *open_store(unsigned port, const char *schema, const char *node)
{
	char url[300], own[64];
	struct store *store = NULL;
	struct error err = { 0 };
	snprintf(own, sizeof own, "%s_%d", schema, (int)getpid());
	test_store_schema(server(), own, false);
	snprintf(url, sizeof url, "postgres://mainstay@127.0.0.1:%u/postgres?options=-csearch_path%%3D%s", port,
		 own);
	CHECK_OK(store_open("postgres", &(struct store_options){ .path = url, .node = node }, &store, &err));
	return store;
}

struct node {
	struct store *store;
	struct store_conn *conn;
};

static struct node node_open(unsigned port, const char *schema, const char *name)
{
	struct node node = { .store = open_store(port, schema, name) };
	struct error err = { 0 };
	bool remake;
	CHECK_OK(store_connect(node.store, false, &node.conn, &err));
	CHECK_OK(store_tables_create(node.conn, tables, &remake, &err));
	return node;
}

static void node_close(struct node *node)
{
	store_disconnect(&node->conn);
	store_close(&node->store);
}

static enum err insert(struct store_conn *conn, int64_t id, struct error *err)
{
	return store_exec(conn, "INSERT INTO thing (id, text) VALUES (?, ?)",
			  STORE_VALUES(STORE_INT(id), STORE_TEXT(STR("x"))), err);
}

static int64_t count_of(struct store_conn *conn, int64_t id)
{
	struct error err = { 0 };
	int64_t count;
	CHECK_OK(store_one_int(conn, "SELECT count(*) FROM thing WHERE id = ?", STORE_VALUES(STORE_INT(id)), 0,
			       &count, &err));
	return count;
}

/* ---- tests ---- */

TEST(values_come_back_as_they_went)
{
	struct node node = node_open(server_port(), "values", "a");
	struct error err = { 0 };
	struct store_rows *rows;
	const struct str bytes = STR("\\x00\0\xff'\"\\ end");
	for (int round = 1; round <= 3; round++) { /* a statement is prepared on the second */
		CHECK_OK(store_put(node.conn, &thing, 0,
				   STORE_VALUES(STORE_INT(INT64_MIN + round), STORE_TEXT(STR("gr\xC3\xBCn ? '")),
						STORE_BYTES(bytes), STORE_REAL(0.1)),
				   &err));
		CHECK_OK(store_query(node.conn, "SELECT id, text, data, size, size > 0, '?' FROM thing WHERE id = ?",
				     STORE_VALUES(STORE_INT(INT64_MIN + round)), &rows, &err));
		CHECK(store_next(rows));
		CHECK(store_int(rows, 0) == INT64_MIN + round);
		CHECK_STR(store_text(rows, 1), "gr\xC3\xBCn ? '");
		CHECK(str_eq(store_text(rows, 2), bytes));
		CHECK(str_eq(store_text(rows, 2), bytes)); /* asking twice gives the same */
		CHECK(store_real(rows, 3) == 0.1);
		CHECK_INT(store_int(rows, 4), 1);
		CHECK_STR(store_text(rows, 5), "?");
		CHECK(!store_next(rows));
		CHECK_OK(store_done(&rows, &err));
	}
	node_close(&node);
}

TEST(a_text_that_postgres_would_refuse_is_kept_as_far_as_it_can_be)
{
	struct node node = node_open(server_port(), "odd", "a");
	struct error err = { 0 };
	struct store_rows *rows;
	CHECK_OK(store_exec(node.conn, "INSERT INTO thing (id, text) VALUES (?, ?)",
			    STORE_VALUES(STORE_INT(1), STORE_TEXT(STR("a\0b\xff""c"))), &err));
	CHECK_OK(store_query(node.conn, "SELECT text FROM thing", STORE_NO_VALUES, &rows, &err));
	CHECK(store_next(rows));
	CHECK_STR(store_text(rows, 0), "a?b?c");
	CHECK_OK(store_done(&rows, &err));
	node_close(&node);
}

TEST(a_second_row_of_one_key_is_a_conflict_and_the_connection_goes_on)
{
	struct node node = node_open(server_port(), "conflict", "a");
	struct error err = { 0 };
	CHECK_OK(insert(node.conn, 1, &err));
	CHECK_ERR(insert(node.conn, 1, &err), ERR_CONFLICT);
	CHECK_OK(insert(node.conn, 2, &err));
	CHECK_OK(store_begin(node.conn, &err));
	CHECK_OK(insert(node.conn, 3, &err));
	CHECK_OK(insert(node.conn, 2, &err)); /* sent ahead: its failure shows later */
	CHECK_OK(insert(node.conn, 4, &err));
	CHECK(store_commit(node.conn, &err) != OK);
	CHECK(strstr(err.text, "duplicate key") != NULL);
	CHECK_INT(count_of(node.conn, 3) + count_of(node.conn, 4), 0);
	CHECK_OK(store_begin(node.conn, &err));
	CHECK_OK(insert(node.conn, 3, &err));
	CHECK_OK(store_commit(node.conn, &err));
	CHECK_INT(count_of(node.conn, 3), 1);
	node_close(&node);
}

TEST(a_batch_longer_than_what_is_sent_ahead_is_stored_whole)
{
	struct node node = node_open(server_port(), "long", "a");
	struct error err = { 0 };
	int64_t count;
	CHECK_OK(store_lead(node.conn, &err));
	CHECK_OK(store_begin(node.conn, &err));
	for (int64_t id = 1; id <= 3000; id++)
		CHECK_OK(insert(node.conn, id, &err));
	CHECK_OK(store_commit(node.conn, &err));
	CHECK_OK(store_one_int(node.conn, "SELECT count(*) FROM thing", STORE_NO_VALUES, 0, &count, &err));
	CHECK_INT(count, 3000);
	node_close(&node);
}

static void end_leader(const char *schema)
{
	struct node other = node_open(server_port(), schema, "ender");
	struct error err = { 0 };
	int64_t count;
	CHECK_OK(store_one_int(other.conn, "SELECT count(pg_terminate_backend(pid::int)) FROM leader",
			       STORE_NO_VALUES, 0, &count, &err));
	node_close(&other);
}

TEST(a_connection_that_was_ended_is_unavailable_once_and_then_made_again)
{
	struct node node = node_open(server_port(), "ended", "a");
	struct error err = { 0 };
	CHECK_OK(store_lead(node.conn, &err));
	CHECK_OK(store_begin(node.conn, &err));
	CHECK_OK(insert(node.conn, 1, &err));
	end_leader("ended");
	CHECK_ERR(store_commit(node.conn, &err), ERR_UNAVAILABLE);
	CHECK_OK(store_begin(node.conn, &err));
	CHECK_OK(insert(node.conn, 1, &err));
	CHECK_OK(store_commit(node.conn, &err));
	CHECK_INT(count_of(node.conn, 1), 1);
	node_close(&node);
}

TEST(while_a_leader_is_alive_no_other_leads)
{
	struct node a = node_open(server_port(), "alive", "a"), b = node_open(server_port(), "alive", "b");
	struct error err = { 0 };
	struct store_leader leader;
	CHECK_OK(store_lead(a.conn, &err));
	CHECK_ERR(store_lead(b.conn, &err), ERR_CONFLICT);
	CHECK_INT(store_lead_until(b.conn), 0);
	CHECK(store_lead_until(a.conn) > 0);
	CHECK_OK(store_leader(b.conn, &leader, &err));
	CHECK_TEXT(leader.node, "a");
	CHECK(leader.alive);
	CHECK_ERR(store_begin(b.conn, &err), ERR_UNAVAILABLE);
	node_close(&a); /* in order: its lease ends with it */
	CHECK_OK(store_lead(b.conn, &err));
	CHECK_OK(store_leader(b.conn, &leader, &err));
	CHECK_TEXT(leader.node, "b");
	node_close(&b);
}

/* What SIGSTOP does: it holds the row in a batch, its time runs out, it goes on. */
TEST(a_leader_that_hung_in_a_batch_is_replaced_and_cannot_commit)
{
	struct node a = node_open(server_port(), "hung", "a"), b = node_open(server_port(), "hung", "b");
	struct error err = { 0 };
	CHECK_OK(store_lead(a.conn, &err));
	CHECK_OK(store_begin(a.conn, &err));
	CHECK_OK(insert(a.conn, 1, &err));
	CHECK_INT(count_of(a.conn, 1), 1); /* the row is locked by now */
	time_t begun = time(NULL);
	while (store_lead(b.conn, &err) != OK)
		usleep(100000);
	CHECK(time(NULL) - begun <= STORE_LEASE / TIME_SECOND + 2); /* it waits for the lease, never for the lock */
	CHECK_OK(store_begin(b.conn, &err));
	CHECK_OK(insert(b.conn, 1, &err));
	CHECK_OK(store_commit(b.conn, &err));
	CHECK_OK(insert(a.conn, 2, &err));
	CHECK_ERR(store_commit(a.conn, &err), ERR_UNAVAILABLE);
	CHECK_ERR(store_begin(a.conn, &err), ERR_UNAVAILABLE);
	CHECK_INT(store_lead_until(a.conn), 0);
	CHECK_INT(count_of(b.conn, 1), 1);
	CHECK_INT(count_of(b.conn, 2), 0);
	node_close(&a);
	node_close(&b);
}

/* The fence alone: its connection is as good as new. */
TEST(a_batch_under_an_old_epoch_is_refused_by_the_row_itself)
{
	struct node a = node_open(server_port(), "fence", "a"), eye = node_open(server_port(), "fence", "eye");
	struct error err = { 0 };
	CHECK_OK(store_lead(a.conn, &err));
	CHECK_OK(store_exec(eye.conn, "UPDATE leader SET epoch = epoch + 1, holder = 'b'", STORE_NO_VALUES, &err));
	CHECK_OK(store_begin(a.conn, &err));
	CHECK_OK(insert(a.conn, 1, &err));
	CHECK_ERR(store_commit(a.conn, &err), ERR_UNAVAILABLE);
	CHECK_TEXT(err.text, "could not store: another server leads by now");
	CHECK_INT(store_lead_until(a.conn), 0);
	CHECK_ERR(store_lead_renew(a.conn, &err), ERR_UNAVAILABLE);
	CHECK_INT(count_of(eye.conn, 1), 0);
	node_close(&a);
	node_close(&eye);
}

TEST(a_server_that_was_killed_takes_up_its_lead_at_once)
{
	struct node a = node_open(server_port(), "again", "a"), same = node_open(server_port(), "again", "a");
	struct error err = { 0 };
	CHECK_OK(store_lead(a.conn, &err));
	CHECK_OK(store_lead(same.conn, &err));
	CHECK_OK(store_begin(same.conn, &err));
	CHECK_OK(insert(same.conn, 1, &err));
	CHECK_OK(store_commit(same.conn, &err));
	node_close(&same);
	node_close(&a);
}

TEST(servers_are_seen_with_their_address_and_their_silence_and_forgotten_after_a_day)
{
	struct node a = node_open(server_port(), "nodes", "a"), eye = node_open(server_port(), "nodes", "eye");
	struct error err = { 0 };
	struct store_nodes seen;
	CHECK_OK(store_lead(a.conn, &err));
	CHECK_OK(store_node_seen(eye.conn, "a", "http://a:1", &err));
	CHECK_OK(store_node_seen(eye.conn, "b", "", &err));
	CHECK_OK(store_exec(eye.conn, "UPDATE node SET seen = seen - interval '1 minute' WHERE name = 'a'", STORE_NO_VALUES, &err));
	CHECK_OK(store_nodes_get(eye.conn, &seen, &err));
	CHECK_INT(seen.count, 2);
	CHECK_TEXT(seen.leader.node, "a");
	CHECK_TEXT(seen.rows[0].name, "b"); /* who is there comes first */
	CHECK_TEXT(seen.rows[1].url, "http://a:1");
	CHECK(seen.rows[1].silent >= TIME_MINUTE && seen.rows[1].silent < 2 * TIME_MINUTE);
	CHECK(seen.rows[0].silent >= 0 && seen.rows[0].silent < TIME_MINUTE);
	CHECK_OK(store_node_seen(eye.conn, "a", "http://a:2", &err));
	CHECK_OK(store_nodes_get(eye.conn, &seen, &err));
	CHECK_TEXT(seen.rows[0].url, "http://a:2");
	CHECK(seen.rows[0].silent < TIME_MINUTE);
	/* However many have gone, who is there is among those that are told. */
	CHECK_OK(store_exec(eye.conn, "INSERT INTO node (name, url, seen) SELECT 'A' || i, '', clock_timestamp() - interval '1 hour' "
			    "FROM generate_series(1, 40) i", STORE_NO_VALUES, &err));
	CHECK_OK(store_nodes_get(eye.conn, &seen, &err));
	CHECK_INT(seen.count, STORE_NODES_MAX);
	CHECK_TEXT(seen.rows[0].url, "http://a:2");
	CHECK_TEXT(seen.rows[1].name, "b");
	CHECK_OK(store_node_gone(eye.conn, "a", &err));
	CHECK_OK(store_exec(eye.conn, "UPDATE node SET seen = seen - interval '25 hours'", STORE_NO_VALUES, &err));
	CHECK_OK(store_nodes_get(eye.conn, &seen, &err));
	CHECK_INT(seen.count, 0);
	CHECK_OK(store_node_seen(eye.conn, "c", "", &err));
	CHECK_INT(store_changes(eye.conn), 1);
	int64_t left;
	CHECK_OK(store_one_int(eye.conn, "SELECT count(*) FROM node", STORE_NO_VALUES, 0, &left, &err));
	CHECK_INT(left, 1);
	node_close(&a);
	node_close(&eye);
}

/* One batch through the relay, cut after `bytes` of one direction, counted from BEGIN. Gives false when
 * it was over before the cut. */
static bool cut_commit(struct relay *relay, struct node *node, struct node *eye, atomic_long *way,
		       long bytes, int64_t id, unsigned *stored)
{
	struct error err = { 0 };
	atomic_store(way, bytes);
	enum err r = store_begin(node->conn, &err);
	if (r == OK)
		r = insert(node->conn, id, &err);
	if (r == OK)
		r = store_commit(node->conn, &err);
	else
		store_rollback(node->conn);
	bool cut = atomic_load(way) < 0;
	atomic_store(&relay->up, -1);
	atomic_store(&relay->down, -1);
	if (r != OK)
		CHECK_INT(r, ERR_UNAVAILABLE);
	CHECK(strstr(err.hint, "not known") == NULL); /* the database is there: it can be asked */
	if (count_of(eye->conn, id) != (r == OK))
		fail_msg("cut after %ld bytes: answered %s (%s), but there are %lld rows", bytes, err_name(r),
			 err.text, (long long)count_of(eye->conn, id));
	*stored += r == OK;
	return cut;
}

TEST(a_commit_that_nobody_answered_is_told_as_what_it_was_wherever_it_was_cut)
{
	struct relay relay;
	relay_start(&relay, server_port());
	struct node node = node_open(relay.port, "cut", "a"), eye = node_open(server_port(), "cut", "eye");
	struct error err = { 0 };
	CHECK_OK(store_lead(node.conn, &err));
	int64_t id = 0;
	for (int way = 0; way < 2; way++) {
		unsigned stored = 0, cuts = 0;
		for (long bytes = 0; bytes < 2000; bytes += 13) {
			if (!cut_commit(&relay, &node, &eye, way == 0 ? &relay.up : &relay.down, bytes, ++id,
					&stored))
				break;
			cuts++;
		}
		CHECK(cuts > 10);
		/* Answers that were cut hide a COMMIT that happened; requests that were cut hide none. */
		if (way == 1)
			CHECK(stored > 5);
	}
	node_close(&node);
	node_close(&eye);
	relay_stop(&relay);
}

TESTS(RUN(values_come_back_as_they_went), RUN(a_text_that_postgres_would_refuse_is_kept_as_far_as_it_can_be),
      RUN(a_second_row_of_one_key_is_a_conflict_and_the_connection_goes_on),
      RUN(a_batch_longer_than_what_is_sent_ahead_is_stored_whole),
      RUN(a_connection_that_was_ended_is_unavailable_once_and_then_made_again),
      RUN(while_a_leader_is_alive_no_other_leads),
      RUN(a_leader_that_hung_in_a_batch_is_replaced_and_cannot_commit),
      RUN(a_batch_under_an_old_epoch_is_refused_by_the_row_itself),
      RUN(a_server_that_was_killed_takes_up_its_lead_at_once),
      RUN(servers_are_seen_with_their_address_and_their_silence_and_forgotten_after_a_day),
      RUN(a_commit_that_nobody_answered_is_told_as_what_it_was_wherever_it_was_cut))
