/*
 * restore.c: a verified backup becomes a data folder. See backup.h.
 *
 * What must not come alive again never was in the backup: sessions, one-time links, the outbox. Pages that
 * waited are cancelled in the record. The journal goes on under an origin nobody has used: the house that
 * was backed up may still run, and two roots for one origin and size would look like a forgery.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"
#include "main/backup.h"
#include "main/backup_file.h"
#include "main/backup_seal.h"
#include "main/backup_secrets.h"
#include "main/place.h"
#include "main/wiring.h"
#include "notify/notify.h"
#include "store/store_copy.h"
#include "sys/file.h"

#define TABLES_MAX 128u
#define PENDING_BYTES_MAX (2 * SECRETS_RECORD_BYTES_MAX + SEAL_PIECE_BYTES)

struct restoring {
	const struct archive *archive;
	const struct restore_options *options;
	char folder[BACKUP_PATH_BYTES]; /* until it gets its name */
	struct restored *restored;
	struct buf pending;     /* the beginning of a record that is not whole yet */
	bool first;             /* no record was read yet */
	struct store_conn *to;  /* NULL: only looking whether the sealed part can be read */
	char old_key[BACKUP_KEY_BYTES]; /* private; wiped */
	struct note_signer signer;      /* of the new epoch; wiped */
};

static void path_of(const struct restoring *b, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%.900s/%s", b->folder, name);
}

/* ---- the sealed part ---- */

static const struct store_table *vault_table(struct str name)
{
	for (size_t i = 0; wiring.tables[i] != NULL; i++) {
		const struct store_table *table = wiring.tables[i];
		if (table->class == STORE_VAULT && table->backup == STORE_BACKUP_BY_CLASS && str_is(name, table->name))
			return table;
	}
	return NULL;
}

/* Named secrets are sealed under a key that follows from the journal's, and that is another one from now on. What
 * cannot be opened stays as it is, and says so when it is used. */
static void reseal(const struct restoring *b, struct store_value *values, struct buf *sealed)
{
	cleanup_note_signer struct note_signer old = { .key = { .kind = NOTE_ED25519 } };
	struct guard_vault from, to;
	if (b->old_key[0] == '\0' || note_signer_parse(str_of(b->old_key), &old, NULL) != OK)
		return;
	guard_vault_init(&from, old.seed);
	guard_vault_init(&to, b->signer.seed);
	if (guard_vault_reseal(&from, &to, values[0].text, values[1].text, sealed))
		values[1].text = buf_str(sealed);
	guard_vault_finish(&from);
	guard_vault_finish(&to);
}

static enum err write_row(struct restoring *b, const struct store_table *table, const struct secrets_record *record,
			  struct error *err)
{
	struct store_value values[STORE_COPY_COLUMNS_MAX];
	cleanup_buf struct buf sealed;
	buf_init(&sealed, GUARD_VAULT_VALUE_BYTES_MAX + 100);
	memcpy(values, record->values, record->count * sizeof *values);
	if (strcmp(table->name, GUARD_VAULT_TABLE) == 0 && record->count >= 2)
		reseal(b, values, &sealed);
	return store_copy_write(b->to, table, false, values, record->count, err);
}

static enum err take_row(struct restoring *b, const struct secrets_record *record, struct error *err)
{
	const struct store_table *table = vault_table(record->table);
	if (table == NULL)
		return error_set(err, ERR_UNSUPPORTED, "the backup holds secrets of \"" STR_FMT "\", which this version "
				 "does not know", STR_ARG(str_sub(record->table, 0, 64)));
	if (b->to == NULL)
		return OK;
	b->restored->secrets++;
	return write_row(b, table, record, err);
}

static enum err take_record(struct restoring *b, const struct secrets_record *record, struct error *err)
{
	struct str root = { (const char *)b->archive->manifest.root.bytes, TREE_HASH_BYTES };
	bool expected = b->first == (record->kind == 'B');
	b->first = false;
	if (!expected || (record->kind == 'B' && !str_eq(record->bytes, root)))
		return error_set(err, ERR_CORRUPT, "the sealed part belongs to another backup");
	if (record->kind == 'R')
		return take_row(b, record, err);
	if (record->kind == 'K' && record->bytes.len < sizeof b->old_key) {
		memcpy(b->old_key, record->bytes.ptr, record->bytes.len);
		b->old_key[record->bytes.len] = '\0';
	}
	return OK;
}

static enum err take_piece(void *context, const unsigned char *bytes, size_t size, struct error *err)
{
	struct restoring *b = context;
	struct secrets_record record;
	size_t used = 0, at = 0;
	bool whole = true;
	enum err r = OK;
	buf_add(&b->pending, (struct str){ (const char *)bytes, size });
	assert(!b->pending.full);
	while (r == OK && whole) {
		r = secrets_parse(str_sub(buf_str(&b->pending), at, b->pending.used), &whole, &used, &record, err);
		if (r == OK && whole)
			r = take_record(b, &record, err);
		at += r == OK && whole ? used : 0;
	}
	memmove(b->pending.bytes, b->pending.bytes + at, b->pending.used - at);
	buf_cut(&b->pending, b->pending.used - at);
	return r;
}

/* Once to see that it can be read, before anything is written, and once into the store. */
static enum err read_sealed(struct restoring *b, struct store_conn *to, struct error *err)
{
	const struct backup_manifest *m = &b->archive->manifest;
	b->to = to;
	b->first = true;
	buf_init(&b->pending, PENDING_BYTES_MAX);
	enum err r = seal_open(b->archive->fd, m->store.bytes, m->sealed.bytes, b->options->passphrase, take_piece, b,
			       err);
	if (r == OK && (b->pending.used > 0 || b->first))
		r = error_set(err, ERR_CORRUPT, "the sealed part ends within a secret");
	if (b->pending.size > 0)
		sodium_memzero(b->pending.bytes, b->pending.size);
	buf_finish(&b->pending);
	return r;
}

static bool with_secrets(const struct restoring *b)
{
	return b->archive->manifest.sealed.bytes > 0 && b->options->passphrase.len > 0;
}

static enum err write_secrets(struct restoring *b, struct store_conn *conn, struct error *err)
{
	const struct store_table *tables[TABLES_MAX + 1] = { NULL };
	size_t count = 0;
	bool remake;
	for (size_t i = 0; wiring.tables[i] != NULL && count < TABLES_MAX; i++) {
		if (wiring.tables[i]->class == STORE_VAULT)
			tables[count++] = wiring.tables[i];
	}
	enum err r = store_tables_create(conn, tables, &remake, err);
	if (r == OK)
		r = store_begin(conn, err);
	if (r == OK)
		r = read_sealed(b, conn, err);
	return r == OK ? store_commit(conn, err) : r;
}

static enum err bring_secrets(struct restoring *b, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	struct store *store;
	struct store_conn *conn;
	path_of(b, "mainstay.db", path, sizeof path);
	enum err r = store_open("sqlite", &(struct store_options){ .path = path }, &store, err);
	if (r != OK)
		return r;
	r = store_connect(store, false, &conn, err);
	if (r == OK)
		r = write_secrets(b, conn, err);
	if (r != OK)
		store_rollback(conn);
	store_disconnect(&conn);
	store_close(&store);
	return r;
}

/* ---- the store ---- */

static enum err bring_store(struct restoring *b, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	struct backup_part found;
	path_of(b, "mainstay.db", path, sizeof path);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return error_set(err, ERR_IO, "could not make \"%.300s\": %s", path, strerror(errno));
	enum err r = backup_file_copy(b->archive->fd, b->archive->manifest.store.bytes, to, b->options->progress,
				      "copied bytes", &found, err);
	if (r == OK && memcmp(found.hash, b->archive->manifest.store.hash, sizeof found.hash) != 0)
		r = error_set(err, ERR_CORRUPT, "the backup changed while it was read");
	if (r == OK && fsync(to) != 0)
		r = error_set(err, ERR_UNAVAILABLE, "could not write \"%.300s\": %s", path, strerror(errno));
	close(to);
	return r;
}

/* ---- the new epoch ---- */

/* "mainstay/NAME/journal/1" -> "mainstay/NAME/journal/2.5f3a9c01": a number for people, and chance, because
 * the same backup may be restored twice. */
static void next_origin(const char *origin, char *ret_origin, size_t size)
{
	const char *last = strrchr(origin, '/');
	struct str number = str_of(last != NULL ? last + 1 : ""), rest;
	int64_t epoch = 1;
	str_cut(number, '.', &number, &rest);
	bool known = last != NULL && str_int(number, 1, INT32_MAX, &epoch);
	int length = known ? (int)(last - origin) : (int)strlen(origin);
	snprintf(ret_origin, size, "%.*s/%lld.%08x", length > 200 ? 200 : length, origin, (long long)epoch + 1,
		 (unsigned)randombytes_random());
}

static enum err make_epoch(struct restoring *b, struct note_signer *ret_signer, struct error *err)
{
	unsigned char seed[NOTE_SEED_BYTES];
	char path[BACKUP_PATH_BYTES], origin[NOTE_NAME_MAX + 1];
	cleanup_buf struct buf text;
	buf_init(&text, BACKUP_KEY_BYTES);
	next_origin(b->archive->manifest.origin, origin, sizeof origin);
	randombytes_buf(seed, sizeof seed);
	enum err r = note_signer_init(ret_signer, str_of(origin), NOTE_ED25519, seed, err);
	sodium_memzero(seed, sizeof seed);
	if (r != OK)
		return r;
	note_signer_print(ret_signer, &text);
	buf_adds(&text, "\n");
	path_of(b, "journal.key", path, sizeof path);
	r = file_write(path, buf_str(&text), 0600, err);
	sodium_memzero(text.bytes, text.used);
	return r;
}

/* The old key speaks once more: for the new one. Then it is gone, for its origin is closed. */
static enum err vouch(struct restoring *b, const char *key, struct buf *ret_note, struct error *err)
{
	cleanup_note_signer struct note_signer old = { .key = { .kind = NOTE_ED25519 } };
	cleanup_buf struct buf body;
	buf_init(&body, NOTE_BYTES_MAX);
	if (b->old_key[0] == '\0')
		return OK;
	enum err r = note_signer_parse(str_of(b->old_key), &old, err);
	if (r != OK)
		return r;
	buf_printf(&body, "mainstay-epoch/1\n%s\n", key);
	buf_add(ret_note, buf_str(&body));
	buf_addc(ret_note, '\n');
	note_signature_add(ret_note, buf_str(&body), &old, TIME_NONE);
	return OK;
}

static enum err run_one(struct world *world, const char *name, decide_fn *decide, const void *args, struct error *err)
{
	struct command command = { .name = name, .decide = decide, .args = args, .actor = ACTOR_SYSTEM };
	struct command *batch[] = { &command };
	world_run(world, batch, 1);
	if (command.result != OK)
		*err = command.error;
	return command.result;
}

static enum err cancel_pages(struct restoring *b, struct world *world, struct error *err)
{
	char made[TIME_TEXT_BYTES], reason[200];
	size_t count = NOTIFY_RESTORED_MAX;
	enum err r = OK;
	time_format(b->archive->manifest.made, made);
	snprintf(reason, sizeof reason, "it waited in a backup of %s; it may have been sent since", made);
	struct notify_restored args = { .reason = str_of(reason), .ret_count = &count };
	while (r == OK && count == NOTIFY_RESTORED_MAX) {
		r = run_one(world, "notify_restored", notify_restored_decide, &args, err);
		b->restored->cancelled += r == OK ? count : 0;
	}
	return r;
}

static enum err record(struct restoring *b, struct place *place, struct error *err)
{
	const struct backup_manifest *m = &b->archive->manifest;
	char root[2 * TREE_HASH_BYTES + 1];
	cleanup_buf struct buf key, voucher;
	buf_init(&key, BACKUP_KEY_BYTES);
	buf_init(&voucher, NOTE_BYTES_MAX);
	note_key_print(&place->signer.key, &key);
	sodium_bin2hex(root, sizeof root, m->root.bytes, sizeof m->root.bytes);
	enum err r = vouch(b, key.bytes, &voucher, err);
	if (r != OK)
		return r;
	struct journal_restored restored = {
		.made = m->made,
		.events = m->events,
		.root = str_of(root),
		.from = str_of(m->origin),
		.origin = str_of(place->signer.key.name),
		.key = buf_str(&key),
		.voucher = buf_str(&voucher),
	};
	snprintf(b->restored->origin, sizeof b->restored->origin, "%s", place->signer.key.name);
	snprintf(b->restored->key, sizeof b->restored->key, "%s", key.bytes);
	r = run_one(place->world, "journal_restored", journal_restored_decide, &restored, err);
	return r == OK ? cancel_pages(b, place->world, err) : r;
}

static enum err open_epoch(struct restoring *b, struct error *err)
{
	struct settings settings = { .data = b->folder, .name = b->archive->manifest.name };
	struct place place;
	enum err r = place_open(&settings, "http://localhost", &(struct place_hooks){ 0 }, &place, err);
	if (r != OK)
		return r;
	r = record(b, &place, err);
	place_close(&place);
	return r;
}

/* ---- the whole ---- */

/* A folder that is not there, or holds nothing: everything else may be somebody's only copy. */
static enum err check_empty(const char *data, struct error *err)
{
	DIR *folder = opendir(data);
	const struct dirent *entry;
	bool empty = folder != NULL;
	if (folder == NULL && errno == ENOENT)
		return OK;
	while (empty && (entry = readdir(folder)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (folder != NULL)
		closedir(folder);
	if (empty)
		return OK;
	error_set(err, ERR_CONFLICT, "\"%.300s\" is not an empty folder, and a restore overwrites nothing", data);
	error_hint(err, "name a folder that is not there yet, or move this one away");
	return ERR_CONFLICT;
}

static void remove_folder(const struct restoring *b)
{
	static const char *const names[] = { "mainstay.db", "mainstay.db-wal", "mainstay.db-shm", "journal.key",
					     "journal.key.new", "flight", "reserve", "lock" };
	char path[BACKUP_PATH_BYTES];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_of(b, names[i], path, sizeof path);
		unlink(path);
	}
	rmdir(b->folder);
}

static enum err fill(struct restoring *b, struct error *err)
{
	enum err r = file_make_private_folder(b->folder, err);
	if (r == OK)
		r = bring_store(b, err);
	if (r == OK)
		r = make_epoch(b, &b->signer, err); /* first, for secrets are sealed under its key */
	b->restored->with_secrets = with_secrets(b);
	if (r == OK && with_secrets(b))
		r = bring_secrets(b, err);
	if (r == OK)
		r = open_epoch(b, err);
	return r;
}

/* rename(2) takes the place of an empty folder, and of nothing else. */
static enum err put_in_place(struct restoring *b, struct error *err)
{
	int fd = open(b->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	if (!synced || rename(b->folder, b->options->data) != 0)
		return error_set(err, errno == ENOTEMPTY || errno == EEXIST ? ERR_CONFLICT : ERR_IO,
				 "could not name it \"%.300s\": %s", b->options->data, strerror(errno));
	return backup_file_sync_folder(b->options->data, err);
}

enum err restore(const struct archive *archive, const struct restore_options *options,
		 struct restored *ret_restored, struct error *err)
{
	struct restored restored = { .cancelled = 0 };
	struct restoring *b = mem_alloc(sizeof *b);
	*b = (struct restoring){ .archive = archive, .options = options, .restored = &restored,
				 .signer = { .key = { .kind = NOTE_ED25519 } } };
	backup_file_neighbour(options->data, b->folder, sizeof b->folder);
	enum err r = with_secrets(b) ? read_sealed(b, NULL, err) : OK;
	if (r == OK)
		r = check_empty(options->data, err);
	if (r == OK) {
		r = fill(b, err);
		if (r == OK)
			r = put_in_place(b, err);
		if (r != OK)
			remove_folder(b);
	}
	sodium_memzero(b->old_key, sizeof b->old_key);
	note_signer_finish(&b->signer);
	mem_free(b);
	if (r == OK)
		*ret_restored = restored;
	return r;
}
