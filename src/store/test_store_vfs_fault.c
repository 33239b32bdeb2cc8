/* test_store_vfs_fault.c: real SQLite on the disk that forgets. What SQLite promises must hold, and
 * must be seen not to hold when the disk lies: else these tests would prove nothing. */
#include "base/check.h"

#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/vfs_fault.h"

#define VFS "fault"
#define ROUNDS 5         /* transactions of one run */
#define ROWS_A_ROUND 3   /* rows of one transaction: all or none must be there */
#define FAULTS_MAX 2000  /* no run has so many operations */

struct lab {
	struct random random;
	struct clock clock;
	struct vfs_fault *vfs;
	bool wal;
	int64_t acknowledged; /* transactions whose COMMIT said yes: 1..acknowledged */
};

static void lab_open(struct lab *lab, bool wal, uint64_t seed)
{
	*lab = (struct lab){ .wal = wal };
	random_seeded(&lab->random, seed);
	clock_manual(&lab->clock, INT64_C(1700000000) * TIME_SECOND);
	lab->vfs = vfs_fault_create(VFS, &lab->random, &lab->clock);
}

static int run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* A small cache and small checkpoints, so that pages spill and the log is moved often. */
static int db_open(struct lab *lab, sqlite3 **ret_db)
{
	int result = sqlite3_open_v2("db", ret_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, VFS);
	sqlite3_extended_result_codes(*ret_db, 1);
	if (result == SQLITE_OK)
		result = run(*ret_db, lab->wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
	if (result == SQLITE_OK)
		result = run(*ret_db, "PRAGMA synchronous=EXTRA; PRAGMA cache_size=4;"
				      "PRAGMA wal_autocheckpoint=12;"
				      "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, round INTEGER,"
				      " bytes BLOB)");
	return result;
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t value = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static int round_commit(sqlite3 *db, int64_t round)
{
	char sql[400];
	snprintf(sql, sizeof sql,
		 "BEGIN IMMEDIATE;"
		 "INSERT INTO t(round, bytes) VALUES (%d, zeroblob(100));"
		 "INSERT INTO t(round, bytes) VALUES (%d, zeroblob(9000));"
		 "INSERT INTO t(round, bytes) VALUES (%d, zeroblob(10));"
		 "UPDATE t SET bytes = zeroblob(200 + %d) WHERE round = %d - 2 AND length(bytes) < 9000;"
		 "COMMIT",
		 (int)round, (int)round, (int)round, (int)round, (int)round);
	int result = run(db, sql);
	if (result != SQLITE_OK && !sqlite3_get_autocommit(db))
		run(db, "ROLLBACK");
	return result;
}

/* As a server would: what fails is given up, the connection is opened anew, work goes on. */
static void work(struct lab *lab, int64_t first)
{
	sqlite3 *db = NULL;
	int result = db_open(lab, &db);
	for (int64_t round = first; round < first + ROUNDS; round++) {
		if (result == SQLITE_OK)
			result = round_commit(db, round);
		if (result == SQLITE_OK) {
			lab->acknowledged = round;
			continue;
		}
		sqlite3_close(db);
		result = db_open(lab, &db);
		if (result != SQLITE_OK)
			break;
		/* A COMMIT that said no may have said so too late: then the round is there. */
		int64_t there = number(db, "SELECT coalesce(max(round), 0) FROM t");
		if (there < round)
			round--;
		else
			lab->acknowledged = round;
	}
	sqlite3_close(db);
}

/* NULL when the database holds what it must, else what is wrong. */
static const char *wrong(struct lab *lab)
{
	sqlite3 *db = NULL;
	const char *what = NULL;
	int64_t last = 0;
	if (db_open(lab, &db) != SQLITE_OK)
		what = "it does not open";
	else if (number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") != 1)
		what = "it is damaged";
	else if (number(db, "SELECT count(*) FROM (SELECT round FROM t GROUP BY round "
			    "HAVING count(*) <> 3)") != 0)
		what = "it has half a transaction";
	else if ((last = number(db, "SELECT coalesce(max(round), 0) FROM t")) < lab->acknowledged)
		what = "a committed transaction is missing";
	else if (number(db, "SELECT count(DISTINCT round) FROM t") != last)
		what = "a transaction in the middle is missing";
	else if (last > lab->acknowledged + 1)
		what = "it has what was never committed";
	sqlite3_close(db);
	return what;
}

/* Fails the nth operation for n = 1, 2, ... until the run has no nth; tells how many did fail. */
static unsigned fail_each(bool wal, enum vfs_fault_op op, enum vfs_fault_failure failure,
			  enum disk_crash mode, bool lies, unsigned *ret_wrong)
{
	unsigned struck = 0;
	*ret_wrong = 0;
	for (unsigned n = 1; n < FAULTS_MAX; n++) {
		struct lab lab;
		lab_open(&lab, wal, n);
		vfs_fault_lie(lab.vfs, lies);
		vfs_fault_plan(lab.vfs, op, n, failure, false);
		work(&lab, 1);
		bool happened = vfs_fault_happened(lab.vfs);
		vfs_fault_crash(lab.vfs, mode);
		vfs_fault_lie(lab.vfs, false);
		const char *what = wrong(&lab);
		if (what != NULL && !lies)
			fail_msg("after failing operation %u of kind %d (wal %d, crash %d): %s", n, op, wal,
				 mode, what);
		*ret_wrong += what != NULL;
		vfs_fault_destroy(&lab.vfs);
		if (!happened)
			return struck;
		struck++;
	}
	fail_msg("the run never came to an end");
	return struck;
}

static void check_power_cuts(bool wal, enum disk_crash mode)
{
	unsigned bad, struck = fail_each(wal, VFS_FAULT_CHANGE, VFS_FAULT_POWER_OFF, mode, false, &bad);
	CHECK(struck > 5 * ROUNDS); /* every transaction was cut at several places */
}

TEST(a_power_cut_at_any_write_or_sync_loses_no_commit_in_wal_mode)
{
	check_power_cuts(true, DISK_CRASH_DROP);
	check_power_cuts(true, DISK_CRASH_TEAR);
	check_power_cuts(true, DISK_CRASH_KEEP);
}

TEST(a_power_cut_at_any_write_or_sync_loses_no_commit_with_a_rollback_journal)
{
	check_power_cuts(false, DISK_CRASH_DROP);
	check_power_cuts(false, DISK_CRASH_TEAR);
	check_power_cuts(false, DISK_CRASH_KEEP);
}

TEST(a_disk_that_lies_about_syncs_is_found_out)
{
	unsigned bad;
	fail_each(true, VFS_FAULT_CHANGE, VFS_FAULT_POWER_OFF, DISK_CRASH_DROP, true, &bad);
	CHECK(bad > 0);
	fail_each(false, VFS_FAULT_CHANGE, VFS_FAULT_POWER_OFF, DISK_CRASH_TEAR, true, &bad);
	CHECK(bad > 0);
}

static void check_failures(enum vfs_fault_op op, enum vfs_fault_failure failure, unsigned at_least)
{
	for (int wal = 0; wal <= 1; wal++) {
		unsigned bad, struck = fail_each(wal, op, failure, DISK_CRASH_DROP, false, &bad);
		CHECK(struck >= at_least);
		fail_each(wal, op, failure, DISK_CRASH_TEAR, false, &bad);
	}
}

TEST(a_failing_write_loses_nothing_that_was_committed)
{
	check_failures(VFS_FAULT_WRITE, VFS_FAULT_EIO, ROUNDS);
	check_failures(VFS_FAULT_WRITE, VFS_FAULT_SHORT, ROUNDS);
	check_failures(VFS_FAULT_WRITE, VFS_FAULT_ENOSPC, ROUNDS);
}

TEST(a_failing_sync_open_or_delete_loses_nothing_that_was_committed)
{
	check_failures(VFS_FAULT_SYNC, VFS_FAULT_EIO, ROUNDS);
	check_failures(VFS_FAULT_OPEN, VFS_FAULT_EIO, 2);
	check_failures(VFS_FAULT_DELETE, VFS_FAULT_EIO, 1);
	check_failures(VFS_FAULT_READ, VFS_FAULT_EIO, 2);
}

TEST(a_delete_that_was_not_synced_can_be_undone_by_a_crash)
{
	/* synchronous=FULL does not sync the folder after the journal is gone: SQLite documents that
	 * a commit may then be rolled back by a power cut. The disk must be able to show it. */
	unsigned lost = 0;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct lab lab;
		sqlite3 *db;
		lab_open(&lab, false, seed);
		CHECK_INT(db_open(&lab, &db), SQLITE_OK);
		CHECK_INT(run(db, "PRAGMA synchronous=FULL"), SQLITE_OK);
		CHECK_INT(round_commit(db, 1), SQLITE_OK);
		vfs_fault_power_off(lab.vfs);
		sqlite3_close(db);
		vfs_fault_crash(lab.vfs, DISK_CRASH_TEAR);
		lab.acknowledged = 1;
		const char *what = wrong(&lab);
		if (what != NULL)
			CHECK_TEXT(what, "a committed transaction is missing");
		lost += what != NULL;
		vfs_fault_destroy(&lab.vfs);
	}
	CHECK(lost > 0);
	CHECK(lost < 20);
}

TEST(a_full_disk_refuses_writes_and_still_reads_and_recovers)
{
	for (int wal = 0; wal <= 1; wal++) {
		struct lab lab;
		sqlite3 *db;
		lab_open(&lab, wal, 7);
		CHECK_INT(db_open(&lab, &db), SQLITE_OK);
		uint64_t capacity = vfs_fault_used_bytes(lab.vfs) + 200000;
		vfs_fault_capacity_set(lab.vfs, capacity);
		int64_t round = 1;
		int result;
		while ((result = round_commit(db, round)) == SQLITE_OK && round < 1000)
			round++;
		CHECK_INT(result & 0xFF, SQLITE_FULL);
		CHECK(round > 3);
		CHECK(vfs_fault_used_bytes(lab.vfs) <= capacity);
		CHECK_INT(number(db, "SELECT count(*) FROM t"), ROWS_A_ROUND * (round - 1));
		vfs_fault_capacity_set(lab.vfs, DISK_CAPACITY_ANY);
		CHECK_INT(round_commit(db, round), SQLITE_OK);
		CHECK_INT(sqlite3_close(db), SQLITE_OK);
		lab.acknowledged = round;
		vfs_fault_crash(lab.vfs, DISK_CRASH_DROP);
		CHECK(wrong(&lab) == NULL);
		vfs_fault_destroy(&lab.vfs);
	}
}

TEST(a_sticky_failure_stays_until_it_is_taken_back)
{
	struct lab lab;
	sqlite3 *db;
	lab_open(&lab, true, 7);
	CHECK_INT(db_open(&lab, &db), SQLITE_OK);
	CHECK_INT(round_commit(db, 1), SQLITE_OK);
	vfs_fault_plan(lab.vfs, VFS_FAULT_SYNC, 1, VFS_FAULT_EIO, true);
	for (int i = 0; i < 3; i++)
		CHECK_INT(round_commit(db, 2), SQLITE_IOERR_FSYNC);
	CHECK_INT(number(db, "SELECT count(*) FROM t"), ROWS_A_ROUND);
	vfs_fault_plan(lab.vfs, VFS_FAULT_SYNC, 0, VFS_FAULT_EIO, false);
	CHECK_INT(round_commit(db, 2), SQLITE_OK);
	sqlite3_close(db);
	vfs_fault_destroy(&lab.vfs);
}

TEST(a_read_that_comes_back_short_is_believed_by_sqlite)
{
	/* SQLite takes a short read for the end of the file and the rest for zeros. Rows can be wrong
	 * without an error: only a sum above SQLite finds it, and here one can be tested. */
	unsigned unseen = 0, errors = 0;
	for (unsigned n = 1; n < 12; n++) {
		struct lab lab;
		sqlite3 *db;
		lab_open(&lab, false, 3);
		work(&lab, 1);
		CHECK_INT(sqlite3_open_v2("db", &db, SQLITE_OPEN_READWRITE, VFS), SQLITE_OK);
		vfs_fault_plan(lab.vfs, VFS_FAULT_READ, n, VFS_FAULT_SHORT, false);
		int64_t rows = number(db, "SELECT sum(length(bytes) > 0) FROM t");
		unseen += rows >= 0 && rows != ROUNDS * ROWS_A_ROUND;
		errors += rows < 0;
		sqlite3_close(db);
		vfs_fault_plan(lab.vfs, VFS_FAULT_READ, 0, VFS_FAULT_SHORT, false);
		CHECK(wrong(&lab) == NULL); /* what is stored is as it was */
		vfs_fault_destroy(&lab.vfs);
	}
	CHECK(unseen > 0);
	CHECK(errors > 0);
}

TEST(readers_keep_their_snapshot_beside_a_writer)
{
	struct lab lab;
	sqlite3 *writer, *reader, *other;
	lab_open(&lab, true, 7);
	CHECK_INT(db_open(&lab, &writer), SQLITE_OK);
	CHECK_INT(round_commit(writer, 1), SQLITE_OK);
	CHECK_INT(db_open(&lab, &reader), SQLITE_OK);
	CHECK_INT(db_open(&lab, &other), SQLITE_OK);
	CHECK_INT(run(reader, "BEGIN"), SQLITE_OK);
	CHECK_INT(number(reader, "SELECT count(*) FROM t"), ROWS_A_ROUND);
	for (int64_t round = 2; round <= 6; round++) /* past an automatic checkpoint */
		CHECK_INT(round_commit(writer, round), SQLITE_OK);
	CHECK_INT(number(reader, "SELECT count(*) FROM t"), ROWS_A_ROUND);
	CHECK_INT(number(other, "SELECT count(*) FROM t"), 6 * ROWS_A_ROUND);
	CHECK_INT(run(writer, "BEGIN IMMEDIATE"), SQLITE_OK);
	CHECK_INT(run(other, "BEGIN IMMEDIATE"), SQLITE_BUSY);
	CHECK_INT(run(writer, "COMMIT"), SQLITE_OK);
	CHECK_INT(run(reader, "COMMIT"), SQLITE_OK);
	CHECK_INT(number(reader, "SELECT count(*) FROM t"), 6 * ROWS_A_ROUND);
	sqlite3_close(writer);
	sqlite3_close(reader);
	CHECK_INT(round_commit(other, 7), SQLITE_OK);
	sqlite3_close(other);
	vfs_fault_destroy(&lab.vfs);
}

TEST(locks_of_a_rollback_journal_keep_writers_apart)
{
	struct lab lab;
	sqlite3 *one, *two;
	lab_open(&lab, false, 7);
	CHECK_INT(db_open(&lab, &one), SQLITE_OK);
	CHECK_INT(db_open(&lab, &two), SQLITE_OK);
	CHECK_INT(run(one, "BEGIN IMMEDIATE"), SQLITE_OK);
	CHECK_INT(run(two, "BEGIN IMMEDIATE"), SQLITE_BUSY);
	CHECK_INT(run(two, "BEGIN; SELECT count(*) FROM t"), SQLITE_OK); /* a reader is inside */
	CHECK_INT(run(one, "INSERT INTO t(round) VALUES (1)"), SQLITE_OK);
	CHECK_INT(run(one, "COMMIT"), SQLITE_BUSY);
	CHECK_INT(run(two, "COMMIT"), SQLITE_OK);
	CHECK_INT(run(one, "COMMIT"), SQLITE_OK);
	CHECK_INT(number(two, "SELECT count(*) FROM t"), 1);
	sqlite3_close(one);
	sqlite3_close(two);
	vfs_fault_destroy(&lab.vfs);
}

TEST(a_connection_from_before_a_crash_is_dead_and_harms_nothing)
{
	for (int wal = 0; wal <= 1; wal++) {
		struct lab lab;
		sqlite3 *before, *after;
		lab_open(&lab, wal, 7);
		CHECK_INT(db_open(&lab, &before), SQLITE_OK);
		CHECK_INT(round_commit(before, 1), SQLITE_OK);
		CHECK_INT(run(before, "BEGIN IMMEDIATE; INSERT INTO t(round) VALUES (2)"), SQLITE_OK);
		vfs_fault_crash(lab.vfs, DISK_CRASH_DROP);
		CHECK_INT(db_open(&lab, &after), SQLITE_OK);
		CHECK_INT(run(before, "COMMIT") & 0xFF, SQLITE_IOERR);
		CHECK_INT(round_commit(after, 2), SQLITE_OK);
		sqlite3_close(before);
		CHECK_INT(round_commit(after, 3), SQLITE_OK);
		sqlite3_close(after);
		lab.acknowledged = 3;
		vfs_fault_crash(lab.vfs, DISK_CRASH_DROP);
		CHECK(wrong(&lab) == NULL);
		vfs_fault_destroy(&lab.vfs);
	}
}

TEST(while_the_power_is_off_nothing_works)
{
	struct lab lab;
	sqlite3 *db;
	lab_open(&lab, true, 7);
	vfs_fault_power_off(lab.vfs);
	CHECK(db_open(&lab, &db) != SQLITE_OK);
	sqlite3_close(db);
	vfs_fault_crash(lab.vfs, DISK_CRASH_DROP);
	CHECK(wrong(&lab) == NULL);
	vfs_fault_destroy(&lab.vfs);
}

TEST(a_store_on_this_file_system_keeps_what_it_committed)
{
	struct lab lab;
	struct error err;
	lab_open(&lab, true, 7);
	for (int memory_journal = 0; memory_journal <= 1; memory_journal++) {
		struct store_options options = { .path = memory_journal ? "a" : "b", .vfs = VFS,
						 .memory_journal = memory_journal };
		struct store *store;
		struct store_conn *conn;
		int64_t count;
		CHECK_OK(store_open("sqlite", &options, &store, &err));
		CHECK_OK(store_connect(store, false, &conn, &err));
		CHECK_OK(store_begin(conn, &err));
		CHECK_OK(store_exec(conn, "CREATE TABLE t(id INTEGER)", STORE_NO_VALUES, &err));
		CHECK_OK(store_commit(conn, &err));
		CHECK_OK(store_begin(conn, &err));
		CHECK_OK(store_exec(conn, "INSERT INTO t VALUES (1)", STORE_NO_VALUES, &err));
		CHECK_OK(store_commit(conn, &err));
		CHECK_OK(store_begin(conn, &err));
		CHECK_OK(store_exec(conn, "INSERT INTO t VALUES (2)", STORE_NO_VALUES, &err));
		vfs_fault_power_off(lab.vfs);
		CHECK(store_commit(conn, &err) != OK);
		store_disconnect(&conn);
		vfs_fault_crash(lab.vfs, DISK_CRASH_TEAR);
		CHECK_OK(store_connect(store, false, &conn, &err));
		CHECK_OK(store_one_int(conn, "SELECT count(*) FROM t", STORE_NO_VALUES, -1, &count, &err));
		CHECK_INT(count, 1);
		store_disconnect(&conn);
		store_close(&store);
	}
	vfs_fault_destroy(&lab.vfs);
}

/* A file as SQLite holds it, without SQLite above. */
static sqlite3_file *raw_open(const char *name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(VFS);
	sqlite3_file *file = mem_alloc((size_t)vfs->szOsFile);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL;
	CHECK_INT(vfs->xOpen(vfs, name, file, flags, NULL), SQLITE_OK);
	return file;
}

static void raw_close(sqlite3_file *file)
{
	CHECK_INT(file->pMethods->xClose(file), SQLITE_OK);
	mem_free(file);
}

TEST(a_sync_that_failed_has_lost_its_bytes_although_the_next_one_succeeds)
{
	struct lab lab;
	lab_open(&lab, false, 7);
	sqlite3_file *file = raw_open("f");
	CHECK_INT(file->pMethods->xWrite(file, "old", 3, 0), SQLITE_OK);
	CHECK_INT(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
	CHECK_INT(file->pMethods->xWrite(file, "new", 3, 0), SQLITE_OK);
	vfs_fault_plan(lab.vfs, VFS_FAULT_SYNC, 1, VFS_FAULT_EIO, false);
	CHECK_INT(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_IOERR_FSYNC);
	CHECK_INT(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
	char bytes[3];
	CHECK_INT(file->pMethods->xRead(file, bytes, 3, 0), SQLITE_OK);
	CHECK(memcmp(bytes, "new", 3) == 0); /* to be read until the crash */
	raw_close(file);
	vfs_fault_crash(lab.vfs, DISK_CRASH_DROP);
	struct str after;
	CHECK(vfs_fault_file(lab.vfs, "f", &after));
	CHECK_STR(after, "old");
	mem_free((char *)after.ptr);
	CHECK(!vfs_fault_file(lab.vfs, "g", &after));
	vfs_fault_destroy(&lab.vfs);
}

TEST(slots_of_shared_memory_are_shared_or_one_connections_own)
{
	struct lab lab;
	void volatile *memory[2];
	lab_open(&lab, true, 7);
	sqlite3_file *one = raw_open("f"), *two = raw_open("f");
	const sqlite3_io_methods *m = one->pMethods;
	CHECK_INT(m->xShmMap(one, 0, 32768, 0, &memory[0]), SQLITE_OK);
	CHECK(memory[0] == NULL); /* not made unless it is asked for */
	CHECK_INT(m->xShmMap(one, 0, 32768, 1, &memory[0]), SQLITE_OK);
	CHECK_INT(m->xShmMap(two, 0, 32768, 0, &memory[1]), SQLITE_OK);
	CHECK(memory[0] != NULL && memory[0] == memory[1]);
	CHECK_INT(m->xShmLock(one, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	CHECK_INT(m->xShmLock(two, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	CHECK_INT(m->xShmLock(one, 3, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	CHECK_INT(m->xShmLock(one, 2, 3, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_BUSY);
	CHECK_INT(m->xShmLock(two, 2, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
	CHECK_INT(m->xShmLock(one, 2, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_BUSY);
	m->xShmUnmap(two, 0); /* whoever goes lets go */
	CHECK_INT(m->xShmLock(one, 2, 3, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
	raw_close(two);
	raw_close(one);
	vfs_fault_destroy(&lab.vfs);
}

TEST(a_crash_leaves_a_file_that_grew_long_or_short)
{
	unsigned grown = 0;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct random random;
		struct disk disk;
		random_seeded(&random, seed);
		disk_init(&disk, &random);
		struct disk_file *file = disk_make(&disk, "f");
		disk_names_sync(&disk);
		disk_write(&disk, file, "abc", 3, 5000);
		disk_crash(&disk, DISK_CRASH_TEAR);
		CHECK(file->now.size == 0 || file->now.size == 5003);
		grown += file->now.size > 0;
		disk_release(&disk, file);
		disk_finish(&disk);
	}
	CHECK(grown > 5);
	CHECK(grown < 35);
}

TEST(the_same_seed_tears_the_same_way)
{
	char images[3][8192];
	for (int i = 0; i < 3; i++) {
		struct random random;
		struct disk disk;
		char bytes[8192];
		random_seeded(&random, i == 2 ? 2 : 1);
		disk_init(&disk, &random);
		struct disk_file *file = disk_make(&disk, "f");
		memset(bytes, 'a', sizeof bytes);
		disk_write(&disk, file, bytes, sizeof bytes, 0);
		disk_sync(&disk, file);
		disk_names_sync(&disk);
		for (size_t j = 0; j < sizeof bytes; j++)
			bytes[j] = (char)('b' + j % 7);
		disk_write(&disk, file, bytes, sizeof bytes, 0);
		disk_crash(&disk, DISK_CRASH_TEAR);
		CHECK_INT(disk_read(file, images[i], sizeof images[i], 0), 8192);
		CHECK(memchr(images[i], 'a', 8192) != NULL && memchr(images[i], 'b', 8192) != NULL);
		disk_release(&disk, file);
		disk_finish(&disk);
	}
	CHECK(memcmp(images[0], images[1], 8192) == 0);
	CHECK(memcmp(images[0], images[2], 8192) != 0);
}

TEST(a_file_shows_sizes_holes_and_names_as_they_were_synced)
{
	struct random random;
	struct disk disk;
	char bytes[3000];
	random_seeded(&random, 1);
	disk_init(&disk, &random);
	struct disk_file *file = disk_make(&disk, "f");
	CHECK_INT(disk_write(&disk, file, "abc", 3, 2000), 3);
	CHECK_INT(disk_read(file, bytes, sizeof bytes, 1999), 4);
	CHECK(memcmp(bytes, "\0abc", 4) == 0);
	disk_sync(&disk, file);
	disk_names_sync(&disk);
	CHECK(disk_resize(&disk, file, 10));
	CHECK(disk_resize(&disk, file, 2003)); /* cut and grown: zeros now, the old bytes if lost */
	CHECK_INT(disk_read(file, bytes, 3, 2000), 3);
	CHECK(memcmp(bytes, "\0\0\0", 3) == 0);
	disk_crash(&disk, DISK_CRASH_DROP);
	CHECK_INT(disk_read(file, bytes, 3, 2000), 3);
	CHECK(memcmp(bytes, "abc", 3) == 0);
	CHECK(disk_resize(&disk, file, 10) && disk_resize(&disk, file, 2003));
	disk_sync(&disk, file);
	disk_crash(&disk, DISK_CRASH_DROP);
	CHECK_INT(disk_read(file, bytes, 3, 2000), 3);
	CHECK(memcmp(bytes, "\0\0\0", 3) == 0);
	disk_write(&disk, file, "x", 1, 0);
	disk_sync_failed(file); /* and the next sync has nothing to write */
	disk_sync(&disk, file);
	disk_crash(&disk, DISK_CRASH_DROP);
	CHECK_INT(disk_read(file, bytes, 1, 0), 1);
	CHECK_INT(bytes[0], 0);
	CHECK(disk_remove(&disk, "f"));
	CHECK(!disk_remove(&disk, "f"));
	disk_crash(&disk, DISK_CRASH_DROP);
	CHECK(disk_find(&disk, "f") == file);
	disk_release(&disk, file);
	CHECK(disk_remove(&disk, "f"));
	disk_names_sync(&disk);
	disk_crash(&disk, DISK_CRASH_TEAR);
	CHECK(disk_find(&disk, "f") == NULL);
	disk_release(&disk, disk_make(&disk, "g"));
	disk_crash(&disk, DISK_CRASH_DROP);
	CHECK(disk_find(&disk, "g") == NULL);
	disk_finish(&disk);
}

TEST(names_and_bytes_past_the_limits_are_refused)
{
	struct random random;
	struct disk disk;
	char name[DISK_NAME_BYTES + 1], bytes[100] = { 0 };
	random_seeded(&random, 1);
	disk_init(&disk, &random);
	for (int i = 0; i < DISK_NAMES_MAX; i++) {
		snprintf(name, sizeof name, "%d", i);
		struct disk_file *file = disk_make(&disk, name);
		CHECK(file != NULL);
		disk_release(&disk, file);
	}
	CHECK(disk_make(&disk, "one more") == NULL);
	CHECK(disk_remove(&disk, "5"));
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	CHECK(disk_make(&disk, name) == NULL);
	struct disk_file *file = disk_make(&disk, NULL);
	CHECK(!disk_resize(&disk, file, DISK_FILE_BYTES_MAX + 1));
	CHECK_INT(disk_write(&disk, file, bytes, 100, DISK_FILE_BYTES_MAX), 0);
	disk.capacity_bytes = 130;
	CHECK_INT(disk_write(&disk, file, bytes, 100, 100), 30);
	CHECK_INT(file->now.size, 130);
	disk_release(&disk, file);
	CHECK_INT(disk_used_bytes(&disk), 0);
	disk_finish(&disk);
}

TESTS(RUN(a_power_cut_at_any_write_or_sync_loses_no_commit_in_wal_mode),
      RUN(a_power_cut_at_any_write_or_sync_loses_no_commit_with_a_rollback_journal),
      RUN(a_disk_that_lies_about_syncs_is_found_out),
      RUN(a_failing_write_loses_nothing_that_was_committed),
      RUN(a_failing_sync_open_or_delete_loses_nothing_that_was_committed),
      RUN(a_delete_that_was_not_synced_can_be_undone_by_a_crash),
      RUN(a_full_disk_refuses_writes_and_still_reads_and_recovers),
      RUN(a_sticky_failure_stays_until_it_is_taken_back),
      RUN(a_read_that_comes_back_short_is_believed_by_sqlite),
      RUN(readers_keep_their_snapshot_beside_a_writer),
      RUN(locks_of_a_rollback_journal_keep_writers_apart),
      RUN(a_connection_from_before_a_crash_is_dead_and_harms_nothing),
      RUN(while_the_power_is_off_nothing_works),
      RUN(a_store_on_this_file_system_keeps_what_it_committed),
      RUN(a_sync_that_failed_has_lost_its_bytes_although_the_next_one_succeeds),
      RUN(slots_of_shared_memory_are_shared_or_one_connections_own),
      RUN(a_crash_leaves_a_file_that_grew_long_or_short), RUN(the_same_seed_tears_the_same_way),
      RUN(a_file_shows_sizes_holes_and_names_as_they_were_synced),
      RUN(names_and_bytes_past_the_limits_are_refused))
