/* backup.c: making a backup. See backup.h. */
#include "main/backup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"
#include "base/version.h"
#include "journal/journal.h"
#include "main/backup_file.h"
#include "main/backup_seal.h"
#include "main/backup_secrets.h"
#include "store/store_copy.h"

#define SYNC_EVERY_BYTES (INT64_C(4) << 20) /* so that the writer's fsync never waits for much of ours */
#define TOLD_EVERY_ROWS 2000
#define SPARE_BYTES (INT64_C(64) << 20) /* stay free where the backup goes */
#define TABLES_MAX 128u

struct making {
	const struct backup_source *source;
	const struct backup_options *options;
	struct store_conn *from, *to;
	const struct store_table *table; /* that is being copied */
	bool history;
	int fd; /* of the part file: to sync, to hash, then to append */
	int64_t unsynced, rows;
	struct seal_writer *seal;
	struct backup_made *made;
	crypto_hash_sha256_state hash;
	char part[BACKUP_PATH_BYTES];
};

static bool is_copied(const struct store_table *table)
{
	return table->backup == STORE_BACKUP_BY_CLASS && table->class != STORE_VAULT;
}

static bool is_sealed(const struct store_table *table)
{
	return table->backup == STORE_BACKUP_BY_CLASS && table->class == STORE_VAULT;
}

/* ---- the store part ---- */

static int64_t size_of(const struct store_value *values, size_t count)
{
	int64_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += values[i].type >= STORE_TYPE_TEXT ? (int64_t)values[i].text.len + 2 : 8;
	return size;
}

static enum err copy_row(void *context, const struct store_value *values, size_t count, struct error *err)
{
	struct making *m = context;
	enum err r = store_copy_write(m->to, m->table, m->history, values, count, err);
	m->unsynced += size_of(values, count);
	if (r == OK && m->unsynced >= SYNC_EVERY_BYTES) {
		m->unsynced = 0;
		if (fdatasync(m->fd) != 0)
			r = error_set(err, ERR_UNAVAILABLE, "could not write the backup: %s", strerror(errno));
	}
	if (strcmp(m->table->name, "event") == 0 && ++m->rows % TOLD_EVERY_ROWS == 0)
		m->options->progress("copied events", m->rows, m->made->manifest.events);
	return r;
}

static enum err copy_table(struct making *m, const struct store_table *table, struct error *err)
{
	enum err r = store_begin(m->to, err);
	m->table = table;
	for (int history = 0; r == OK && history <= (table->history == STORE_VERSIONED); history++) {
		m->history = history != 0;
		r = store_copy_read(m->from, table, m->history, copy_row, m, err);
	}
	if (r != OK)
		error_prefix(err, "table \"%s\"", table->name);
	return r == OK ? store_commit(m->to, err) : r;
}

static enum err copy_tables(struct making *m, struct error *err)
{
	const struct store_table *copied[TABLES_MAX + 1] = { NULL };
	size_t count = 0;
	bool remake;
	for (size_t i = 0; m->source->tables[i] != NULL; i++) {
		assert(count < TABLES_MAX);
		if (is_copied(m->source->tables[i]))
			copied[count++] = m->source->tables[i];
	}
	enum err r = store_tables_create(m->to, copied, &remake, err);
	for (size_t i = 0; r == OK && i < count; i++)
		r = copy_table(m, copied[i], err);
	return r;
}

static enum err make_store(struct making *m, struct error *err)
{
	struct store *store;
	enum err r = store_open("sqlite", &(struct store_options){ .path = m->part, .bulk = true }, &store, err);
	if (r != OK)
		return r;
	r = store_connect(store, false, &m->to, err);
	if (r == OK) {
		m->fd = open(m->part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (m->fd < 0)
			r = error_set(err, ERR_IO, "could not open \"%.300s\": %s", m->part, strerror(errno));
	}
	if (r == OK)
		r = copy_tables(m, err);
	store_disconnect(&m->to);
	store_close(&store);
	return r;
}

/* ---- the sealed part ---- */

static enum err append(void *context, const unsigned char *bytes, size_t size, struct error *err)
{
	struct making *m = context;
	crypto_hash_sha256_update(&m->hash, bytes, size);
	m->made->manifest.sealed.bytes += (int64_t)size;
	return backup_file_write(m->fd, bytes, size, err);
}

static enum err seal_record(struct making *m, const struct buf *record, struct error *err)
{
	if (record->full)
		return error_set(err, ERR_TOO_LARGE, "a secret in \"%s\" is too large to be backed up",
				 m->table != NULL ? m->table->name : "the vault");
	return seal_add(m->seal, record->bytes, record->used, err);
}

static enum err seal_row(void *context, const struct store_value *values, size_t count, struct error *err)
{
	struct making *m = context;
	cleanup_buf struct buf record;
	buf_init(&record, 2 * SECRETS_RECORD_BYTES_MAX);
	secrets_print_row(m->table->name, values, count, &record);
	enum err r = seal_record(m, &record, err);
	sodium_memzero(record.bytes, record.used);
	return r;
}

/* Which backup this belongs to, and the key. */
static enum err seal_head(struct making *m, struct error *err)
{
	cleanup_buf struct buf record, key;
	buf_init(&record, SECRETS_RECORD_BYTES_MAX);
	buf_init(&key, BACKUP_KEY_BYTES);
	secrets_print('B', (struct str){ (const char *)m->made->manifest.root.bytes, TREE_HASH_BYTES }, &record);
	if (m->source->signer != NULL) {
		note_signer_print(m->source->signer, &key);
		secrets_print('K', buf_str(&key), &record);
		sodium_memzero(key.bytes, key.used);
	}
	enum err r = seal_record(m, &record, err);
	sodium_memzero(record.bytes, record.used);
	return r;
}

static enum err seal_tables(struct making *m, struct error *err)
{
	enum err r = seal_head(m, err);
	for (size_t i = 0; r == OK && m->source->tables[i] != NULL; i++) {
		m->table = m->source->tables[i];
		if (is_sealed(m->table))
			r = store_copy_read(m->from, m->table, false, seal_row, m, err);
	}
	return r;
}

static enum err make_sealed(struct making *m, struct error *err)
{
	crypto_hash_sha256_init(&m->hash);
	m->seal = mem_alloc(sizeof *m->seal);
	enum err r = seal_begin(m->seal, m->options->passphrase, append, m, err);
	if (r == OK)
		r = seal_tables(m, err);
	if (r == OK)
		r = seal_end(m->seal, err);
	sodium_memzero(m->seal, sizeof *m->seal);
	mem_free(m->seal);
	crypto_hash_sha256_final(&m->hash, m->made->manifest.sealed.hash);
	return r;
}

/* How much somebody will have to enter again. */
static enum err count_left_out(struct making *m, struct error *err)
{
	struct backup_manifest *manifest = &m->made->manifest;
	enum err r = OK;
	for (size_t i = 0; r == OK && m->source->tables[i] != NULL; i++) {
		const struct store_table *table = m->source->tables[i];
		if (!is_sealed(table))
			continue;
		assert(manifest->left_out_count < BACKUP_LEFT_OUT_MAX);
		struct backup_left_out *row = &manifest->left_out[manifest->left_out_count++];
		snprintf(row->table, sizeof row->table, "%s", table->name);
		r = store_copy_count(m->from, table, false, &row->rows, err);
	}
	return r;
}

/* ---- the whole ---- */

static enum err append_manifest(struct making *m, struct error *err)
{
	char tail[BACKUP_TAIL_BYTES + 1];
	cleanup_buf struct buf text;
	buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
	backup_manifest_print(&m->made->manifest, m->source->signer, &text);
	if (text.full)
		return error_set(err, ERR_TOO_LARGE, "the backup's manifest is too long");
	backup_tail_print(buf_str(&text), tail);
	enum err r = backup_file_write(m->fd, text.bytes, text.used, err);
	if (r == OK)
		r = backup_file_write(m->fd, tail, BACKUP_TAIL_BYTES, err);
	m->made->bytes = m->made->manifest.store.bytes + m->made->manifest.sealed.bytes + (int64_t)text.used +
			 BACKUP_TAIL_BYTES;
	return r;
}

/* The first read fixes the moment; everything after it sees the same commit. */
static enum err look_at_journal(struct making *m, struct error *err)
{
	struct backup_manifest *manifest = &m->made->manifest;
	time_us recorded;
	enum err r = journal_last(m->from, &manifest->events, &recorded, err);
	struct tree_reader reader = journal_tree_reader(m->from);
	if (r == OK)
		r = tree_root_at(&reader, (uint64_t)manifest->events, &manifest->root, err);
	return r;
}

static void introduce(struct making *m)
{
	struct backup_manifest *manifest = &m->made->manifest;
	const struct note_signer *signer = m->source->signer;
	cleanup_buf struct buf key;
	buf_init(&key, sizeof manifest->key);
	if (signer != NULL)
		note_key_print(&signer->key, &key);
	snprintf(manifest->key, sizeof manifest->key, "%s", signer != NULL ? key.bytes : "");
	snprintf(manifest->version, sizeof manifest->version, "%s", MAINSTAY_VERSION);
	snprintf(manifest->origin, sizeof manifest->origin, "%s", signer != NULL ? signer->key.name : "unknown");
	snprintf(manifest->name, sizeof manifest->name, "%.100s", m->source->name);
	for (char *c = manifest->name; *c != '\0'; c++)
		*c = (unsigned char)*c < ' ' || (unsigned char)*c >= 0x7F ? '_' : *c;
	manifest->made = m->source->now;
}

static enum err check_version(const struct making *m, struct error *err)
{
	bool same = false;
	enum err r = store_tables_same(m->from, m->source->tables, &same, err);
	if (r != OK || same)
		return r;
	error_set(err, ERR_UNSUPPORTED, "the store was last written by another version, which keeps it in other tables");
	error_hint(err, "make the backup with that version, or start the server of this one on it first");
	return ERR_UNSUPPORTED;
}

static enum err make_parts(struct making *m, struct error *err)
{
	struct backup_manifest *manifest = &m->made->manifest;
	enum err r = store_read_begin(m->from, err);
	if (r != OK)
		return r;
	r = check_version(m, err);
	if (r == OK)
		r = look_at_journal(m, err);
	if (r == OK)
		r = make_store(m, err);
	if (r == OK)
		r = backup_file_hash(m->fd, 0, 0, m->options->progress, "hashed bytes", &manifest->store, err);
	if (r == OK)
		r = m->options->passphrase.len > 0 ? make_sealed(m, err) : count_left_out(m, err);
	store_read_end(m->from);
	if (r == OK)
		r = append_manifest(m, err);
	return r;
}

/* ---- where it goes ---- */

static void name_in_folder(const struct backup_source *source, const char *folder, char *ret_path, size_t size)
{
	struct time_civil at = time_civil_of(source->now);
	char name[64];
	snprintf(name, sizeof name, "%.60s", source->name);
	for (char *c = name; *c != '\0'; c++)
		*c = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c) ? *c : '-';
	snprintf(ret_path, size, "%.800s/mainstay-%s-%04d%02d%02dT%02d%02d%02dZ.backup", folder, name, at.year,
		 at.month, at.day, at.hour, at.minute, at.second);
}

static enum err choose_path(const struct making *m, char *ret_path, size_t size, struct error *err)
{
	struct stat st;
	const char *to = m->options->to;
	if (strlen(to) > 800)
		return error_set(err, ERR_INVALID, "the path of the backup is too long");
	if (stat(to, &st) == 0 && S_ISDIR(st.st_mode))
		name_in_folder(m->source, to, ret_path, size);
	else
		snprintf(ret_path, size, "%s", to);
	if (lstat(ret_path, &st) != 0)
		return OK;
	error_set(err, ERR_CONFLICT, "\"%.300s\" is there already, and a backup overwrites nothing", ret_path);
	error_hint(err, "name another file, or a folder");
	return ERR_CONFLICT;
}

/* A backup that fills the disk of the house it is to save would be a poor one. */
static enum err check_space(const struct making *m, struct error *err)
{
	char folder[BACKUP_PATH_BYTES];
	struct statvfs fs;
	int64_t bytes;
	enum err r = store_bytes(m->from, &bytes, err);
	if (r != OK)
		return r;
	int64_t needed = SPARE_BYTES + m->source->bytes_expected + bytes;
	backup_file_folder(m->made->path, folder, sizeof folder);
	if (statvfs(folder, &fs) != 0)
		return error_set(err, ERR_NOT_FOUND, "could not look at the folder \"%.300s\": %s", folder,
				 strerror(errno));
	int64_t spare = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (spare >= needed)
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "\"%.300s\" has %lld MiB free, and the backup may need %lld", folder,
			 (long long)(spare >> 20), (long long)(needed >> 20));
}

static enum err make(struct making *m, struct error *err)
{
	enum err r = choose_path(m, m->made->path, sizeof m->made->path, err);
	if (r == OK)
		r = store_connect(m->source->store, true, &m->from, err);
	if (r == OK)
		r = check_space(m, err);
	if (r != OK)
		return r;
	backup_file_neighbour(m->made->path, m->part, sizeof m->part);
	introduce(m);
	r = make_parts(m, err);
	if (r == OK)
		r = backup_file_publish(m->fd, m->part, m->made->path, err);
	if (r != OK)
		unlink(m->part);
	return r;
}

enum err backup_make(const struct backup_source *source, const struct backup_options *options,
		     struct backup_made *ret_made, struct error *err)
{
	struct backup_made made = { .bytes = 0 };
	struct making m = { .source = source, .options = options, .fd = -1, .made = &made };
	assert(options->progress != NULL);
	enum err r = make(&m, err);
	store_disconnect(&m.from);
	if (m.fd >= 0)
		close(m.fd);
	if (r == OK)
		*ret_made = made;
	return r;
}
