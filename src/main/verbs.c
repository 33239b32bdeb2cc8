/* verbs.c: see verbs.h. To add a machine verb: its function and a row at the end. */
#include "main/verbs.h"

#include <stdio.h>
#include <string.h>

#include "guard/guard.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"
#include "base/version.h"
#include "main/backup_verbs.h"
#include "main/doctor.h"
#include "main/hand.h"
#include "main/migrate.h"
#include "main/place.h"
#include "main/rule_verbs.h"
#include "main/scrape_verbs.h"
#include "main/serve.h"
#include "main/supervise.h"
#include "main/title.h"

int verb_complain(const struct error *err)
{
	fprintf(stderr, "mainstay: %s\n", err->text);
	if (err->hint[0] != '\0')
		fprintf(stderr, "mainstay: %s\n", err->hint);
	return err->code == ERR_INVALID ? 2 : 1;
}

/* ---- serve ---- */

struct serving {
	struct settings settings;
	struct title title;
	struct hand_place hand; /* when there are commands */
};

static int be_server(void *context, int control, bool crashed)
{
	struct serving *serving = context;
	serving->settings.crashed = crashed;
	title_set(&serving->title, "server");
	return serve(&serving->settings, control);
}

static int be_hand(void *context, int socket)
{
	struct serving *serving = context;
	title_set(&serving->title, "hand");
	return hand_main(&serving->hand, socket);
}

static int be_supervisor(struct serving *serving)
{
	struct supervised what = { .serve = be_server, .context = serving };
	struct error err;
	bool commands = serving->settings.commands != NULL || serving->settings.plugins != NULL;
	if (commands && hand_place_open(serving->settings.commands, serving->settings.plugins,
					serving->settings.data, &serving->hand,
					&err) != OK)
		return verb_complain(&err);
	what.hand = commands ? be_hand : NULL;
	title_set(&serving->title, "supervisor");
	int status = supervise(&what);
	if (commands)
		hand_place_close(&serving->hand);
	return status;
}

static int run_serve(const struct verb *verb, int argc, char **argv)
{
	(void)verb;
	struct serving serving = { 0 };
	struct error err;
	int status;
	char **copy = title_take(argc, argv, &serving.title);
	if (settings_parse(argc, copy, &serving.settings, &err) != OK)
		status = verb_complain(&err);
	else if (serving.settings.supervised)
		status = be_server(&serving, -1, true); /* who supervises does not tell: think the worst */
	else
		status = be_supervisor(&serving);
	title_free_arguments(argc, copy);
	return status;
}

static int run_check_config(const struct verb *verb, int argc, char **argv)
{
	(void)verb;
	struct settings settings;
	struct error err;
	if (settings_parse(argc, argv, &settings, &err) != OK)
		return verb_complain(&err);
	cleanup_buf struct buf out;
	buf_init(&out, 65536);
	settings_json(&settings, &out, &err);
	printf("%s\n", out.bytes);
	return 0;
}

/* ---- journal ---- */

static void show_progress(void *context, int64_t done, int64_t total)
{
	const char *what = context;
	fprintf(stderr, "\r%s %lld of %lld", what, (long long)done, (long long)total);
	if (done >= total)
		fputc('\n', stderr);
}

static int verify(struct place *place, int64_t seq)
{
	(void)seq;
	struct error err;
	struct store_conn *conn;
	struct tree_hash root;
	int64_t size = 0;
	if (store_connect(place->store, true, &conn, &err) != OK)
		return verb_complain(&err);
	enum err r = journal_verify(conn, show_progress, (void *)"verified", &size, &root, &err);
	store_disconnect(&conn);
	if (r != OK)
		return verb_complain(&err);
	printf("ok: %lld events, root ", (long long)size);
	for (size_t i = 0; i < sizeof root.bytes; i++)
		printf("%02x", root.bytes[i]);
	printf("\n");
	return 0;
}

static int rebuild(struct place *place, int64_t seq)
{
	(void)seq;
	struct error err;
	if (world_rebuild(place->world, show_progress, (void *)"applied", &err) != OK)
		return verb_complain(&err);
	printf("ok: the tables were made again from the journal\n");
	return 0;
}

static int prove(struct place *place, int64_t seq)
{
	struct error err;
	struct store_conn *conn;
	struct tree_proof proof;
	if (store_connect(place->store, true, &conn, &err) != OK)
		return verb_complain(&err);
	struct tree_reader reader = journal_tree_reader(conn);
	int64_t size = world_last_seq(place->world);
	enum err r = tree_prove_inclusion(&reader, (uint64_t)seq - 1, (uint64_t)size, &proof, &err);
	store_disconnect(&conn);
	if (r != OK)
		return verb_complain(&err);
	printf("event %lld is leaf %lld of %lld\n", (long long)seq, (long long)seq - 1, (long long)size);
	for (unsigned i = 0; i < proof.count; i++) {
		for (size_t b = 0; b < sizeof proof.hash[i].bytes; b++)
			printf("%02x", proof.hash[i].bytes[b]);
		printf("\n");
	}
	return 0;
}

/* What auditors are given, so that they need not believe the one who gives them the journal. */
static int print_key(struct place *place, int64_t seq)
{
	cleanup_buf struct buf text;
	(void)seq;
	buf_init(&text, NOTE_BYTES_MAX);
	note_key_print(&place->signer.key, &text);
	printf("%s\n", text.bytes);
	return 0;
}

static int print_checkpoint(struct place *place, int64_t seq)
{
	struct error err;
	struct store_conn *conn;
	struct checkpoint checkpoint = { .size = (uint64_t)world_last_seq(place->world) };
	cleanup_buf struct buf note;
	buf_init(&note, NOTE_BYTES_MAX);
	(void)seq;
	if (store_connect(place->store, true, &conn, &err) != OK)
		return verb_complain(&err);
	struct tree_reader reader = journal_tree_reader(conn);
	enum err r = tree_root_at(&reader, checkpoint.size, &checkpoint.root, &err);
	store_disconnect(&conn);
	if (r != OK)
		return verb_complain(&err);
	memcpy(checkpoint.origin, place->signer.key.name, sizeof checkpoint.origin);
	checkpoint_sign(&checkpoint, &place->signer, &note);
	fputs(note.bytes, stdout);
	return 0;
}

static int retry(struct place *place, int64_t seq)
{
	(void)seq;
	printf("ok: %u parked rules will be tried again\n", flight_forget(place->flight));
	return 0;
}

static const struct journal_verb {
	const char *name;
	bool takes_seq;
	int (*run)(struct place *place, int64_t seq);
} journal_verbs[] = {
	{ "verify", false, verify },	       { "rebuild", false, rebuild },
	{ "prove", true, prove },	       { "key", false, print_key },
	{ "checkpoint", false, print_checkpoint }, { "retry", false, retry },
};

static const struct journal_verb *find_journal_verb(int argc, char **argv, int64_t *ret_seq)
{
	for (size_t i = 0; argc > 0 && i < sizeof journal_verbs / sizeof journal_verbs[0]; i++) {
		const struct journal_verb *row = &journal_verbs[i];
		if (strcmp(argv[0], row->name) != 0)
			continue;
		bool seq = !row->takes_seq ||
			   (argc > 1 && str_int(str_of(argv[1]), 1, INT64_MAX, ret_seq));
		return seq ? row : NULL;
	}
	return NULL;
}

static int run_journal(const struct verb *verb, int argc, char **argv)
{
	struct settings settings;
	struct error err;
	struct place place;
	int64_t seq = 0;
	const struct journal_verb *row = find_journal_verb(argc, argv, &seq);
	if (row == NULL) {
		fprintf(stderr, "usage: mainstay %s\n", verb->usage);
		return 2;
	}
	int skip = row->takes_seq ? 2 : 1;
	if (settings_parse(argc - skip, argv + skip, &settings, &err) != OK)
		return verb_complain(&err);
	settings.patient = true;
	if (place_open(&settings, "http://localhost", &(struct place_hooks){ 0 }, &place, &err) != OK)
		return verb_complain(&err);
	int status = row->run(&place, seq);
	place_close(&place);
	return status;
}

/* ---- people ---- */

static int run_user(const struct verb *verb, int argc, char **argv)
{
	struct settings settings;
	struct error err;
	struct place place;
	struct guard_link_made link;
	if (argc < 2 || strcmp(argv[0], "reset-link") != 0) {
		fprintf(stderr, "usage: mainstay %s\n", verb->usage);
		return 2;
	}
	if (settings_parse(argc - 2, argv + 2, &settings, &err) != OK)
		return verb_complain(&err);
	if (place_open(&settings, "http://localhost", &(struct place_hooks){ 0 }, &place, &err) != OK)
		return verb_complain(&err);
	enum err r = guard_reset_link(place.world, str_of(argv[1]), &link, &err);
	place_close(&place);
	if (r != OK)
		return verb_complain(&err);
	printf("%s/link#%s\n", settings.public_url != NULL ? settings.public_url : "http://127.0.0.1:8484",
	       link.token);
	return 0;
}

static int run_version(const struct verb *verb, int argc, char **argv)
{
	(void)verb, (void)argc, (void)argv;
	printf("mainstay %s\n", MAINSTAY_VERSION);
	return 0;
}

const struct verb machine_verbs[] = {
	{ "serve", "serve [SETTING ...]", "start the server", run_serve },
	{ "check-config", "check-config rules [--ignore-unknown-fields] FILE ...",
	  "check rule files of Prometheus; what is wrong is told with its place", run_check_rules, .words = "rules" },
	{ "check-config", "check-config metrics [--openmetrics] [FILE ...]",
	  "check what a program says of itself (standard input or files): the text format with the findings of Prometheus' "
	  "linter, or OpenMetrics by all its rules; 1: it is wrong, 3: it could be better",
	  run_check_metrics, .words = "metrics" },
	{ "check-config", "check-config config [--syntax-only] FILE ...",
	  "check a prometheus.yml with its rule files, target files and credentials; what is wrong is told with its place",
	  run_check_scrape_config, .words = "config" },
	{ "check-config", "check-config targets [--job JOB] [--exposition FILE] CONFIG",
	  "print what a prometheus.yml scrapes, after relabelling, a JSON object a target; or what becomes of an exposition",
	  run_check_targets, .words = "targets" },
	{ "check-config", "check-config [SETTING ...]", "say which settings would be in force",
	  run_check_config },
	{ "test", "test rules [--run REGEX] [--ignore-unknown-fields] FILE ...",
	  "run unit tests of rules, in the format of promtool",
	  run_test_rules, .words = "rules" },
	{ "journal", "journal verify|rebuild|prove SEQ|key|retry [--data DIR], journal checkpoint --data DIR",
	  "check the record, make the tables again from it, prove one event, what auditors need, try what was "
	  "parked again",
	  run_journal, .words = "verify|rebuild|prove|key|retry", .words_with_data = "checkpoint" },
	{ "backup", "backup --to FILE|DIR [--with-key [--passphrase-fd N]] [SETTING ...], "
		    "backup --verify FILE [--key KEY]",
	  "one moment of everything in one file, also while serving; or check such a file", run_backup },
	{ "restore", "restore FILE --data DIR [--without-key | --passphrase-fd N] [--key KEY]",
	  "bring a backup back, into an empty place", run_restore },
	{ "migrate", "migrate --from DIR|URL --to DIR|URL",
	  "move everything to an empty data folder or PostgreSQL database", run_migrate },
	{ "doctor", "doctor [-o table|json] [SETTING ...]", "say what is wrong with this set-up, and what to do", run_doctor },
	{ "user", "user reset-link EMAIL [--data DIR] [--public-url URL]",
	  "a one-time link to sign in and set a password", run_user, .words = "reset-link" },
	{ "version", "version", "which program this is", run_version },
	{ 0 },
};
