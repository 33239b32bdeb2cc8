/* backup_verbs.c: what people type to make a backup, look at one, and bring one back. */
#include "main/backup_verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sodium.h>

#include "base/mem.h"
#include "cli/cli_secret.h"
#include "main/backup.h"
#include "main/place.h"
#include "main/settings.h"
#include "main/verbs.h"
#include "main/wiring.h"
#include "sys/clock.h"
#include "sys/file.h"

#define KEY_BYTES_MAX 4096u
#define NICE 10
#define FD_MAX 1023

/* ---- words of the command line ---- */

/* Takes "--name VALUE" or "--name=VALUE" out of argv. False: it has no value. */
static bool take_value(int *argc, char **argv, const char *name, const char **ret_value)
{
	size_t length = strlen(name);
	for (int i = 0; i < *argc; i++) {
		bool joined = strncmp(argv[i], name, length) == 0 && argv[i][length] == '=';
		int used = joined ? 1 : 2;
		if (!joined && strcmp(argv[i], name) != 0)
			continue;
		if (i + used > *argc)
			return false;
		*ret_value = joined ? argv[i] + length + 1 : argv[i + 1];
		memmove(argv + i, argv + i + used, (size_t)(*argc - i - used) * sizeof *argv);
		*argc -= used;
		return true;
	}
	return true;
}

static bool take_flag(int *argc, char **argv, const char *name)
{
	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], name) != 0)
			continue;
		memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
		--*argc;
		return true;
	}
	return false;
}

static int usage(const struct verb *verb)
{
	fprintf(stderr, "usage: mainstay %s\n", verb->usage);
	return 2;
}

static void progress(const char *doing, int64_t done, int64_t total)
{
	fprintf(stderr, "\r%s: %lld of %lld", doing, (long long)done, (long long)total);
	if (done >= total)
		fputc('\n', stderr);
}

/* ---- passphrases: typed, or from a descriptor; never an argument or a variable, which others can see ---- */

static enum err passphrase_from(const char *fd_text, struct arena *arena, struct str *ret, struct error *err)
{
	char line[CLI_SECRET_BYTES_MAX];
	size_t used = 0;
	int64_t fd;
	if (!str_int(str_of(fd_text), 0, FD_MAX, &fd))
		return error_set(err, ERR_INVALID, "--passphrase-fd takes the number of an open descriptor");
	while (used < sizeof line && read((int)fd, line + used, 1) == 1 && line[used] != '\n')
		used++;
	bool fits = used < sizeof line;
	*ret = arena_str(arena, (struct str){ line, used });
	explicit_bzero(line, sizeof line);
	if (!fits)
		return error_set(err, ERR_INVALID, "the passphrase of descriptor %s is longer than %zu bytes", fd_text,
				 sizeof line - 1);
	return ret->len > 0 ? OK : error_set(err, ERR_INVALID, "descriptor %s gives no passphrase", fd_text);
}

static enum err ask_passphrase(const char *fd_text, bool twice, struct arena *arena, struct str *ret, struct error *err)
{
	struct str again;
	if (fd_text != NULL)
		return passphrase_from(fd_text, arena, ret, err);
	enum err r = cli_ask_line("passphrase of the backup", false, arena, ret, err);
	if (r != OK || !twice || isatty(STDIN_FILENO) != 1)
		return r;
	r = cli_ask_line("the same again", false, arena, &again, err);
	if (r == OK && !str_eq(*ret, again))
		r = error_set(err, ERR_INVALID, "the two are not the same");
	return r;
}

/* ---- what is believed ---- */

static enum err key_from(const char *text, struct note_key *ret_key, struct error *err)
{
	if (note_key_parse(str_trim(str_of(text)), ret_key, err) == OK)
		return OK;
	error_set(err, ERR_INVALID, "--key takes the line that mainstay journal key prints");
	return ERR_INVALID;
}

static enum err open_believed(const char *path, const char *key_text, struct archive *ret_archive, struct error *err)
{
	struct note_key key;
	enum err r = key_text != NULL ? key_from(key_text, &key, err) : OK;
	if (r == OK)
		r = archive_open(path, key_text != NULL ? &key : NULL, ret_archive, err);
	if (r == OK) {
		r = archive_verify(ret_archive, progress, err);
		if (r != OK)
			archive_close(ret_archive);
	}
	return r;
}

static void describe(const struct archive *archive, bool key_given)
{
	const struct backup_manifest *m = &archive->manifest;
	char made[TIME_TEXT_BYTES];
	time_format(m->made, made);
	printf("ok: a whole backup of \"%s\", %s, %lld events, %lld bytes, by mainstay %s\n", m->name, made,
	       (long long)m->events, (long long)archive->bytes, m->version);
	printf("journal: %s\n", m->origin);
	if (m->key[0] == '\0')
		printf("signed: by nobody; every hash is right, but anybody could have made them\n");
	else
		printf("signed: %s%s\n", m->key, key_given ? "" : " (compare it with what mainstay journal key prints)");
	printf("secrets: %s\n", m->sealed.bytes > 0 ? "sealed by a passphrase" : "none");
}

static int verify(const char *path, const char *key)
{
	cleanup_archive struct archive archive = { .fd = -1 };
	struct error err;
	if (open_believed(path, key, &archive, &err) != OK)
		return verb_complain(&err);
	describe(&archive, key != NULL);
	return 0;
}

/* ---- backup ---- */

/* Signing is for whoever may read the key; where there is none yet, nobody signs. */
static enum err read_key(const char *data, struct note_signer *ret_signer, bool *ret_found, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	char *bytes;
	size_t size;
	snprintf(path, sizeof path, "%.900s/journal.key", data);
	enum err r = file_read(path, KEY_BYTES_MAX, &bytes, &size, err);
	*ret_found = false;
	if (r == ERR_NOT_FOUND)
		return OK;
	if (r != OK)
		return r;
	r = note_signer_parse(str_trim(str_of(bytes)), ret_signer, err);
	sodium_memzero(bytes, size);
	mem_free(bytes);
	*ret_found = r == OK;
	return r;
}

/* With a database the folder holds the key, and the receipt goes there. */
static enum err check_folder(const struct settings *settings, struct error *err)
{
	const char *data = settings->data;
	char path[BACKUP_PATH_BYTES];
	struct stat st;
	snprintf(path, sizeof path, "%.900s/%s", data, settings->store != NULL ? "node" : "mainstay.db");
	if (stat(path, &st) != 0)
		return error_set(err, ERR_NOT_FOUND, "there is no house in \"%.300s\": %s", data, strerror(errno));
	if (st.st_uid == geteuid())
		return OK;
	error_set(err, ERR_DENIED, "\"%.300s\" belongs to another user", data);
	error_hint(err, "run it as that user, so that no file in the folder becomes somebody else's: "
			"sudo -u '#%u' mainstay ...", (unsigned)st.st_uid);
	return ERR_DENIED;
}

static int64_t bytes_of(const char *data, const char *name)
{
	char path[BACKUP_PATH_BYTES];
	struct stat st;
	snprintf(path, sizeof path, "%.900s/%s", data, name);
	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static enum err make_from(const struct settings *settings, const struct backup_options *options,
			  struct backup_made *ret_made, struct error *err)
{
	struct note_signer signer = { .key = { .kind = NOTE_ED25519 } };
	struct clock clock;
	struct backup_source source = { .tables = wiring.tables, .name = settings->name };
	bool signs;
	clock_system(&clock);
	source.now = clock_wall(&clock);
	source.bytes_expected = bytes_of(settings->data, "mainstay.db") + bytes_of(settings->data, "mainstay.db-wal");
	enum err r = read_key(settings->data, &signer, &signs, err);
	if (r == OK)
		r = place_open_store(settings, &source.store, err);
	if (r == OK) {
		source.signer = signs ? &signer : NULL;
		r = backup_make(&source, options, ret_made, err);
		store_close(&source.store);
	}
	note_signer_finish(&signer);
	return r;
}

static void tell_made(const struct backup_made *made)
{
	printf("ok: %s: %lld events, %lld bytes%s\n", made->path, (long long)made->manifest.events,
	       (long long)made->bytes, made->manifest.sealed.bytes > 0 ? ", secrets sealed" : "");
	if (made->manifest.sealed.bytes == 0)
		printf("without secrets: passwords, tokens and settings of channels must be entered again after a "
		       "restore (--with-key seals them by a passphrase)\n");
}

/* The server goes first, on the processor and, where the scheduler of the disk knows classes, on the disk. */
static void step_back(void)
{
	setpriority(PRIO_PROCESS, 0, NICE);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static int make(const struct settings *settings, const char *to, bool with_key, const char *fd)
{
	cleanup_arena struct arena arena;
	struct backup_options options = { .to = to, .progress = progress };
	struct backup_made made;
	struct error err;
	arena_init(&arena, 0);
	enum err r = check_folder(settings, &err);
	if (r == OK && with_key)
		r = ask_passphrase(fd, true, &arena, &options.passphrase, &err);
	if (r == OK) {
		step_back();
		r = make_from(settings, &options, &made, &err);
	}
	sodium_memzero((char *)(uintptr_t)options.passphrase.ptr, options.passphrase.len);
	if (r != OK)
		return verb_complain(&err);
	tell_made(&made);
	if (backup_receipt_put(settings->data, &made, &err) != OK)
		fprintf(stderr, "mainstay: the backup is made, but the record will not know of it: %s\n", err.text);
	return 0;
}

int run_backup(const struct verb *verb, int argc, char **argv)
{
	struct settings settings;
	struct error err;
	const char *to = NULL, *path = NULL, *key = NULL, *fd = NULL;
	if (!take_value(&argc, argv, "--to", &to) || !take_value(&argc, argv, "--verify", &path) ||
	    !take_value(&argc, argv, "--key", &key) || !take_value(&argc, argv, "--passphrase-fd", &fd))
		return usage(verb);
	bool with_key = take_flag(&argc, argv, "--with-key");
	if (path != NULL)
		return argc == 0 && to == NULL && fd == NULL && !with_key ? verify(path, key) : usage(verb);
	if (to == NULL || key != NULL || (fd != NULL && !with_key))
		return usage(verb);
	if (settings_parse(argc, argv, &settings, &err) != OK)
		return verb_complain(&err);
	return make(&settings, to, with_key, fd);
}

/* ---- restore ---- */

static const struct {
	const char *table, *words;
} again[] = {
	{ "password", "passwords" },
	{ "contact_secret", "secrets of contacts" },
	{ "named_secret", "named secrets, which checks sign in with" },
	{ "integration_key", "keys of integrations: make new ones" },
	{ "notify_setting", "settings of mail relay, ntfy server and webhooks" },
	{ "token_secret", "API tokens: make new ones" },
	{ "page_link", "links in pages that were sent: they no longer acknowledge" },
};

static const char *words_of(const char *table)
{
	for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
		if (strcmp(again[i].table, table) == 0)
			return again[i].words;
	}
	return table;
}

static void tell_secrets(const struct archive *archive, const struct restored *restored)
{
	const struct backup_manifest *m = &archive->manifest;
	if (restored->with_secrets) {
		printf("secrets: passwords, tokens and settings of channels are back, %lld rows\n",
		       (long long)restored->secrets);
		return;
	}
	printf("secrets: none came back. To be entered again:\n");
	for (unsigned i = 0; i < m->left_out_count; i++) {
		if (m->left_out[i].rows > 0)
			printf("  %6lld  %s\n", (long long)m->left_out[i].rows, words_of(m->left_out[i].table));
	}
	if (m->left_out_count == 0)
		printf("  passwords, secrets of contacts, settings of channels, API tokens\n");
}

static void tell_restored(const struct archive *archive, const struct restored *restored, const char *data)
{
	char made[TIME_TEXT_BYTES];
	time_format(archive->manifest.made, made);
	printf("ok: \"%s\" as of %s, %lld events, is in %s\n", archive->manifest.name, made,
	       (long long)archive->manifest.events, data);
	printf("journal: goes on as %s\nkey: %s\n", restored->origin, restored->key);
	printf("sign-in: every session and one-time link has ended\n");
	printf("pages: %zu that waited are cancelled; what is still open is paged anew\n", restored->cancelled);
	tell_secrets(archive, restored);
	printf("next: mainstay serve --data %s\n", data);
	printf("      a link to sign in, before that: mainstay user reset-link EMAIL --data %s\n", data);
}

static enum err passphrase_for(const struct archive *archive, bool without, const char *fd, struct arena *arena,
			       struct str *ret, struct error *err)
{
	if (archive->manifest.sealed.bytes == 0 && fd != NULL)
		return error_set(err, ERR_INVALID, "this backup holds no secrets, so it has no passphrase");
	if (archive->manifest.sealed.bytes == 0 || without)
		return OK;
	return ask_passphrase(fd, false, arena, ret, err);
}

static int bring_back(const char *path, const char *key, bool without, const char *fd, const struct settings *settings)
{
	cleanup_archive struct archive archive = { .fd = -1 };
	cleanup_arena struct arena arena;
	struct restore_options options = { .data = settings->data, .progress = progress };
	struct restored restored;
	struct error err;
	arena_init(&arena, 0);
	enum err r = open_believed(path, key, &archive, &err);
	if (r == OK)
		r = passphrase_for(&archive, without, fd, &arena, &options.passphrase, &err);
	if (r == OK)
		r = restore(&archive, &options, &restored, &err);
	sodium_memzero((char *)(uintptr_t)options.passphrase.ptr, options.passphrase.len);
	if (r != OK)
		return verb_complain(&err);
	tell_restored(&archive, &restored, settings->data);
	return 0;
}

int run_restore(const struct verb *verb, int argc, char **argv)
{
	struct settings settings;
	struct error err;
	const char *key = NULL, *fd = NULL;
	if (!take_value(&argc, argv, "--key", &key) || !take_value(&argc, argv, "--passphrase-fd", &fd))
		return usage(verb);
	bool without = take_flag(&argc, argv, "--without-key");
	if (argc < 1 || argv[0][0] == '-' || (without && fd != NULL))
		return usage(verb);
	const char *path = argv[0];
	if (settings_parse(argc - 1, argv + 1, &settings, &err) != OK)
		return verb_complain(&err);
	return bring_back(path, key, without, fd, &settings);
}
