/* test_journal_leaf.c: the bytes of a leaf, and that tools/verify-journal, written apart from us in
 * Python, comes to the same verdict on whole, partial, erased, changed, cut and rewritten journals. */
#include "base/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "journal/checkpoint.h"
#include "journal/journal_priv.h"
#include "journal/leaf.h"
#include "journal/tree.h"
#include "wire/json_writer.h"

#define EVENTS 11
#define EARLIER 6 /* size of the checkpoint that somebody kept */
#define OUTPUT_MAX 4000

static struct leaf_fields sample(void)
{
	static const unsigned char salt[32] = {
		0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	};
	return (struct leaf_fields){
		.seq = 1,
		.event_time = INT64_C(1700000000000001),
		.recorded_time = INT64_C(1700000000000002),
		.actor = 7,
		.subject = INT64_C(1) << 40,
		.version = 3,
		.kind = STR("incident.opened"),
		.payload = STR("{\"title\":\"gr\xC3\xBC\xC3\x9F\"}"),
		.salt = { (const char *)salt, sizeof salt },
	};
}

static void check_hex(const struct tree_hash *hash, const char *wanted)
{
	char text[65];
	sodium_bin2hex(text, sizeof text, hash->bytes, sizeof hash->bytes);
	CHECK_TEXT(text, wanted);
}

TEST(leaves_equal_those_of_python)
{
	struct tree_hash hash;
	struct leaf_fields fields = sample();
	event_leaf(&fields, &hash);
	check_hex(&hash, "f16ed5dec662793540224d01a0d40d90ebd8884c5c000ecbcbb19bc8f9e965af");
	unsigned char salt[32];
	memset(salt, 0xFF, sizeof salt);
	fields = (struct leaf_fields){ .seq = 2, .event_time = -1, .recorded_time = 2, .subject = -9,
				       .version = 1, .kind = STR(""), .payload = STR(""),
				       .salt = { (const char *)salt, sizeof salt } };
	event_leaf(&fields, &hash);
	check_hex(&hash, "9622604b783fac9f562872dc9561210099ceadde76eb996613f40e76e7e3a0f4");
}

TEST(every_field_counts_and_kind_and_payload_do_not_flow_into_each_other)
{
	struct leaf_fields changed[10];
	struct tree_hash hashes[10];
	for (int i = 0; i < 10; i++)
		changed[i] = sample();
	changed[1].seq++;
	changed[2].event_time++;
	changed[3].recorded_time++;
	changed[4].actor++;
	changed[5].subject++;
	changed[6].version++;
	changed[7].kind = STR("incident.openeD");
	changed[8].payload = STR("{\"title\":\"gruss\"}");
	char salt[32] = { 1 };
	changed[9].salt = (struct str){ salt, sizeof salt };
	for (int i = 0; i < 10; i++)
		event_leaf(&changed[i], &hashes[i]);
	for (int i = 0; i < 10; i++)
		for (int j = 0; j < i; j++)
			if (tree_hash_eq(&hashes[i], &hashes[j]))
				fail_msg("leaves %d and %d are the same", j, i);
}

TEST(an_erased_event_keeps_its_leaf_and_what_stands_beside_the_payload_stays_bound)
{
	struct leaf_fields fields = sample();
	struct tree_hash before, after;
	unsigned char mac[LEAF_MAC_BYTES];
	event_leaf(&fields, &before);
	event_payload_mac(fields.payload, fields.salt, mac);
	fields.payload = fields.salt = STR_NONE;
	event_leaf_erased(&fields, mac, &after);
	CHECK(tree_hash_eq(&before, &after));
	fields.actor++;
	event_leaf_erased(&fields, mac, &after);
	CHECK(!tree_hash_eq(&before, &after));
}

/* ---- the other verifier --------------------------------------------------------------------- */

/* What the attacker of a test does to the journal before it is handed over. */
enum tampering {
	TAMPER_NOTHING,
	TAMPER_ACTOR,        /* of event 4, in the bundle */
	TAMPER_PAYLOAD,      /* of event 4 */
	TAMPER_ERASED_ACTOR, /* of event 9, whose payload is erased */
	TAMPER_MISSING,      /* event 4 is left out */
	TAMPER_TAIL,         /* the last event is left out */
	TAMPER_REWRITTEN,    /* by the owner of the key: event 4 changed, all signed anew */
	TAMPER_CUT,          /* by the owner of the key: 3 events, signed anew */
};

struct bundle {
	struct tree tree;
	struct tree_hash nodes[EVENTS][5];
	struct note_signer log, witness;
	struct buf text, earlier;
	enum tampering tampering;
	bool partial; /* events 3 and 9 alone, with paths */
};

static enum err bundle_node(void *context, unsigned level, uint64_t index,
			    struct tree_hash *ret_hash, struct error *err)
{
	struct bundle *bundle = context;
	unsigned offset;
	uint64_t row = tree_row_of(level, index, &offset);
	(void)err;
	*ret_hash = bundle->nodes[row][offset / TREE_HASH_BYTES];
	return OK;
}

struct sampled {
	struct leaf_fields fields;
	char payload[80];
	unsigned char salt[32];
};

static void sampled_init(struct sampled *event, int64_t seq)
{
	event->fields = (struct leaf_fields){
		.seq = seq, .event_time = 1700000000000000 + seq, .recorded_time = 1700000000500000 + seq,
		.actor = seq % 3, .subject = 100 * seq, .version = 1, .kind = STR("incident.noted"),
		.salt = { (const char *)event->salt, sizeof event->salt },
	};
	snprintf(event->payload, sizeof event->payload, "{\"text\":\"note \\\"%d\\\" \xE2\x82\xAC\"}",
		 (int)seq);
	event->fields.payload = str_of(event->payload);
	memset(event->salt, (int)seq * 7, sizeof event->salt);
}

static void json_hex(struct json_writer *json, const char *key, const unsigned char bytes[32])
{
	char text[65];
	sodium_bin2hex(text, sizeof text, bytes, 32);
	json_field_cstr(json, key, text);
}

static void json_path(struct json_writer *json, struct bundle *bundle, uint64_t index)
{
	struct tree_reader reader = { bundle_node, bundle };
	struct tree_proof proof;
	struct error err;
	char text[45];
	CHECK_OK(tree_prove_inclusion(&reader, index, bundle->tree.size, &proof, &err));
	json_key(json, "path");
	json_list_begin(json);
	for (unsigned i = 0; i < proof.count; i++) {
		sodium_bin2base64(text, sizeof text, proof.hash[i].bytes, 32,
				  sodium_base64_VARIANT_ORIGINAL);
		json_cstr(json, text);
	}
	json_list_end(json);
}

static void bundle_event_add(struct bundle *bundle, const struct sampled *event)
{
	const struct leaf_fields *f = &event->fields;
	struct json_writer json;
	bool foreign = (f->seq == 4 && bundle->tampering == TAMPER_ACTOR) ||
		       (f->seq == 9 && bundle->tampering == TAMPER_ERASED_ACTOR);
	json_init(&json, &bundle->text);
	json_map_begin(&json);
	json_field_int(&json, "seq", f->seq);
	json_field_int(&json, "event_time", f->event_time);
	json_field_int(&json, "recorded_time", f->recorded_time);
	json_field_int(&json, "actor", foreign ? 99 : f->actor);
	json_field_int(&json, "subject", f->subject);
	json_field_int(&json, "version", f->version);
	json_field_text(&json, "kind", f->kind);
	if (f->seq == 9) {
		unsigned char mac[LEAF_MAC_BYTES];
		event_payload_mac(f->payload, f->salt, mac);
		json_hex(&json, "mac", mac);
	} else {
		bool changed = f->seq == 4 && bundle->tampering == TAMPER_PAYLOAD;
		json_field_text(&json, "payload", changed ? STR("{\"text\":\"other\"}") : f->payload);
		json_hex(&json, "salt", event->salt);
	}
	if (bundle->partial)
		json_path(&json, bundle, (uint64_t)f->seq - 1);
	json_map_end(&json);
	json_finish(&json);
	buf_addc(&bundle->text, '\n');
}

static void note_add(struct bundle *bundle, struct buf *out)
{
	struct error err;
	struct checkpoint checkpoint = { .size = bundle->tree.size };
	memcpy(checkpoint.origin, bundle->log.key.name, sizeof checkpoint.origin);
	tree_root(&bundle->tree, &checkpoint.root);
	checkpoint_sign(&checkpoint, &bundle->log, out);
	CHECK_OK(checkpoint_cosign(buf_str(out), &bundle->witness, INT64_C(1700000000) * TIME_SECOND,
				   out, &err));
}

static bool is_shown(const struct bundle *bundle, int64_t seq)
{
	if (bundle->partial)
		return seq == 3 || seq == 9 || (seq == 4 && bundle->tampering != TAMPER_NOTHING);
	return !(seq == 4 && bundle->tampering == TAMPER_MISSING) &&
	       !(seq == EVENTS && bundle->tampering == TAMPER_TAIL);
}

static void bundle_fill(struct bundle *bundle)
{
	int64_t last = bundle->tampering == TAMPER_CUT ? 3 : EVENTS;
	struct sampled event;
	cleanup_buf struct buf note;
	buf_init(&note, 4000);
	for (int64_t seq = 1; seq <= last; seq++) {
		struct tree_hash leaf, nodes[TREE_LEVELS];
		sampled_init(&event, seq);
		if (seq == 4 && bundle->tampering == TAMPER_REWRITTEN)
			event.fields.actor = 99;
		event_leaf(&event.fields, &leaf);
		unsigned count = tree_append(&bundle->tree, &leaf, nodes);
		memcpy(bundle->nodes[seq - 1], nodes, count * sizeof nodes[0]);
	}
	note_add(bundle, &note);
	struct json_writer json;
	json_init(&json, &bundle->text);
	json_map_begin(&json);
	json_field_cstr(&json, "format", "mainstay-journal/1");
	json_field_text(&json, "checkpoint", buf_str(&note));
	json_map_end(&json);
	json_finish(&json);
	buf_addc(&bundle->text, '\n');
	for (int64_t seq = 1; seq <= last; seq++) {
		sampled_init(&event, seq);
		if (seq == 4 && bundle->tampering == TAMPER_REWRITTEN)
			event.fields.actor = 99;
		if (is_shown(bundle, seq))
			bundle_event_add(bundle, &event);
	}
}

/* The checkpoint of the first EARLIER events, as somebody kept it before any tampering. */
static void earlier_fill(struct bundle *bundle)
{
	struct bundle then = { .log = bundle->log, .witness = bundle->witness };
	for (int64_t seq = 1; seq <= EARLIER; seq++) {
		struct sampled event;
		struct tree_hash leaf, nodes[TREE_LEVELS];
		sampled_init(&event, seq);
		event_leaf(&event.fields, &leaf);
		tree_append(&then.tree, &leaf, nodes);
	}
	note_add(&then, &bundle->earlier);
}

static void bundle_make(struct bundle *bundle, enum tampering tampering, bool partial)
{
	static const unsigned char log_seed[32] = { 1 }, witness_seed[32] = { 2 };
	struct error err;
	*bundle = (struct bundle){ .tampering = tampering, .partial = partial };
	buf_init(&bundle->text, 64 << 10);
	buf_init(&bundle->earlier, 4000);
	CHECK_OK(note_signer_init(&bundle->log, STR("journal.example/main"), NOTE_ED25519, log_seed,
				  &err));
	CHECK_OK(note_signer_init(&bundle->witness, STR("witness.example/w1"), NOTE_COSIGNATURE,
				  witness_seed, &err));
	bundle_fill(bundle);
	earlier_fill(bundle);
	CHECK(!bundle->text.full && !bundle->earlier.full);
}

static void bundle_drop(struct bundle *bundle)
{
	buf_finish(&bundle->text);
	buf_finish(&bundle->earlier);
}

static void file_write(const char *path, struct str bytes)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(file >= 0);
	CHECK_INT(write(file, bytes.ptr, bytes.len), bytes.len);
	close(file);
}

/* Test programs stand in the build folder, and __FILE__ is given from there. */
static void tool_path(char *ret_path, size_t size)
{
	char here[2000];
	ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);
	CHECK(length > 0);
	here[length] = '\0';
	*strrchr(here, '/') = '\0';
	const char *source = __FILE__;
	int room = (int)(strrchr(source, '/') - source);
	if (source[0] == '/')
		snprintf(ret_path, size, "%.*s/../../tools/verify-journal", room, source);
	else
		snprintf(ret_path, size, "%s/%.*s/../../tools/verify-journal", here, room, source);
}

/* Runs the tool; sets what it said; returns its status. */
static int tool_run(char *const arguments[], char ret_output[OUTPUT_MAX])
{
	int ends[2], status;
	size_t used = 0;
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execvp("python3", arguments);
		_exit(127);
	}
	CHECK(child > 0);
	close(ends[1]);
	for (ssize_t got; used < OUTPUT_MAX - 1 &&
			  (got = read(ends[0], ret_output + used, OUTPUT_MAX - 1 - used)) > 0;)
		used += (size_t)got;
	ret_output[used] = '\0';
	close(ends[0]);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A folder for what the tool is to read, and the tool on a file of it. */
struct place {
	char folder[32], file[64], note[64];
};

static void place_make(struct place *place)
{
	*place = (struct place){ .folder = "/tmp/mainstay-leaf-XXXXXX" };
	CHECK(mkdtemp(place->folder) != NULL);
	snprintf(place->file, sizeof place->file, "%s/journal", place->folder);
	snprintf(place->note, sizeof place->note, "%s/note", place->folder);
}

static void place_drop(struct place *place)
{
	char beside[80]; /* who only reads a store may leave its log behind */
	unlink(place->file);
	unlink(place->note);
	snprintf(beside, sizeof beside, "%s-wal", place->file);
	unlink(beside);
	snprintf(beside, sizeof beside, "%s-shm", place->file);
	unlink(beside);
	CHECK_INT(rmdir(place->folder), 0);
}

/* `how` the note is meant: "--earlier", "--checkpoint", or NULL: not given. */
static int verify_file(const struct bundle *bundle, struct place *place, char *how,
		       char ret_output[OUTPUT_MAX])
{
	char tool[4200];
	cleanup_buf struct buf key, witness;
	buf_init(&key, 400);
	buf_init(&witness, 400);
	tool_path(tool, sizeof tool);
	note_key_print(&bundle->log.key, &key);
	note_key_print(&bundle->witness.key, &witness);
	char *arguments[] = { "python3", tool, place->file, "--key", key.bytes, "--witness",
			      witness.bytes, how, place->note, NULL };
	return tool_run(arguments, ret_output);
}

static int verify(const struct bundle *bundle, bool with_earlier, char ret_output[OUTPUT_MAX])
{
	struct place place;
	place_make(&place);
	file_write(place.file, buf_str(&bundle->text));
	file_write(place.note, buf_str(&bundle->earlier));
	int status = verify_file(bundle, &place, with_earlier ? "--earlier" : NULL, ret_output);
	place_drop(&place);
	return status;
}

static void check_verdict(enum tampering tampering, bool partial, bool with_earlier, int status,
			  const char *words)
{
	struct bundle bundle;
	char output[OUTPUT_MAX];
	bundle_make(&bundle, tampering, partial);
	int found = verify(&bundle, with_earlier, output);
	if (found != status || strstr(output, words) == NULL)
		fail_msg("tampering %d: wanted %d and \"%s\", found %d: %s", tampering, status, words,
			 found, output);
	bundle_drop(&bundle);
}

TEST(the_other_verifier_agrees_with_a_whole_and_with_a_partial_journal)
{
	check_verdict(TAMPER_NOTHING, false, false, 0, "all of 11 events are as they were recorded, "
						       "1 of them with an erased payload");
	check_verdict(TAMPER_NOTHING, false, true, 0, "seen by witness.example/w1 at 1700000000 s");
	check_verdict(TAMPER_NOTHING, true, false, 0, "2 of 11 events are as they were recorded");
}

TEST(the_other_verifier_refuses_what_was_changed_left_out_or_cut)
{
	check_verdict(TAMPER_ACTOR, false, false, 1, "do not have the root that was signed");
	check_verdict(TAMPER_PAYLOAD, false, false, 1, "do not have the root that was signed");
	check_verdict(TAMPER_ERASED_ACTOR, false, false, 1, "do not have the root that was signed");
	check_verdict(TAMPER_MISSING, false, false, 1, "event 4 is missing");
	check_verdict(TAMPER_TAIL, false, false, 1, "event 11 is missing");
	check_verdict(TAMPER_ACTOR, true, false, 1, "event 4 is not in the journal");
	check_verdict(TAMPER_ERASED_ACTOR, true, false, 1, "event 9 is not in the journal");
}

TEST(who_holds_the_key_can_rewrite_the_journal_and_only_a_kept_checkpoint_shows_it)
{
	check_verdict(TAMPER_REWRITTEN, false, false, 0, "all of 11 events");
	check_verdict(TAMPER_REWRITTEN, false, true, 1,
		      "no longer begins with the 6 events of the earlier checkpoint");
	check_verdict(TAMPER_CUT, false, false, 0, "all of 3 events");
	check_verdict(TAMPER_CUT, false, true, 1, "the journal was cut: it had 6 events and has 3");
}

TEST(the_other_verifier_refuses_a_note_of_another_key)
{
	struct bundle bundle;
	struct error err;
	char output[OUTPUT_MAX];
	unsigned char seed[32] = { 77 };
	bundle_make(&bundle, TAMPER_NOTHING, false);
	struct note_signer log = bundle.log, witness = bundle.witness;
	CHECK_OK(note_signer_init(&bundle.log, STR("journal.example/main"), NOTE_ED25519, seed, &err));
	CHECK_INT(verify(&bundle, false, output), 1);
	CHECK(strstr(output, "the note is not signed by \"journal.example/main\"") != NULL);
	bundle.log = log;
	memcpy(bundle.log.key.public_key, witness.key.public_key, 32); /* its id no longer fits */
	CHECK_INT(verify(&bundle, false, output), 1);
	CHECK(strstr(output, "does not belong to it") != NULL);
	bundle.log = log;
	char *signature = strstr(bundle.text.bytes, " witness.example/w1 ");
	CHECK(signature != NULL);
	signature[60] = signature[60] == 'A' ? 'B' : 'A';
	CHECK_INT(verify(&bundle, false, output), 1);
	CHECK(strstr(output, "the signature of \"witness.example/w1\" does not verify") != NULL);
	bundle_drop(&bundle);
}

/* ---- both verifiers on a store -------------------------------------------------------------- */

static void row_store(struct store_conn *conn, struct bundle *bundle, int64_t seq)
{
	struct error err;
	struct sampled event;
	sampled_init(&event, seq);
	const struct leaf_fields *f = &event.fields;
	unsigned nodes = 1 + (unsigned)__builtin_ctzll((uint64_t)seq);
	unsigned char mac[LEAF_MAC_BYTES];
	struct journal_row row = {
		.event = { .seq = seq, .event_time = f->event_time, .recorded_time = f->recorded_time,
			   .actor = f->actor, .kind = EVENT_INCIDENT_NOTED, .subject = f->subject,
			   .json = f->payload },
		.version = f->version,
		.salt = f->salt,
		.nodes = { (const char *)bundle->nodes[seq - 1], nodes * TREE_HASH_BYTES },
	};
	if (seq == 9)
		event_payload_mac(f->payload, f->salt, mac), row.mac = (struct str){ (char *)mac, 32 };
	CHECK_OK(journal_append(conn, &row, &err));
	if (seq == 9)
		CHECK_OK(store_exec(conn, "UPDATE event SET payload = NULL, salt = NULL WHERE seq = 9",
				    STORE_NO_VALUES, &err));
}

static void store_fill(struct place *place, struct bundle *bundle, const char *tampering)
{
	struct error err;
	struct store *store;
	struct store_conn *conn;
	bool remake;
	CHECK_OK(store_open("sqlite", &(struct store_options){ .path = place->file }, &store, &err));
	CHECK_OK(store_connect(store, false, &conn, &err));
	CHECK_OK(store_tables_create(conn, journal_tables, &remake, &err));
	CHECK_OK(store_begin(conn, &err));
	for (int64_t seq = 1; seq <= EVENTS; seq++)
		row_store(conn, bundle, seq);
	if (tampering != NULL)
		CHECK_OK(store_exec(conn, tampering, STORE_NO_VALUES, &err));
	CHECK_OK(store_commit(conn, &err));
	store_disconnect(&conn);
	store_close(&store);
}

static enum err verify_ours(struct place *place, struct tree_hash *ret_root, struct error *ret_err)
{
	struct error err;
	struct store *store;
	struct store_conn *conn;
	int64_t size;
	CHECK_OK(store_open("sqlite", &(struct store_options){ .path = place->file }, &store, &err));
	CHECK_OK(store_connect(store, true, &conn, &err));
	enum err result = journal_verify(conn, NULL, NULL, &size, ret_root, ret_err);
	store_disconnect(&conn);
	store_close(&store);
	return result;
}

/* What both say of a store that `tampering` was done to: NULL words mean that all is well. */
static void check_store(const char *tampering, const char *ours, const char *theirs)
{
	struct bundle bundle;
	struct place place;
	struct error err;
	struct tree_hash root, wanted;
	char output[OUTPUT_MAX];
	cleanup_buf struct buf note;
	buf_init(&note, 4000);
	bundle_make(&bundle, TAMPER_NOTHING, false);
	tree_root(&bundle.tree, &wanted);
	place_make(&place);
	note_add(&bundle, &note);
	file_write(place.note, buf_str(&note));
	store_fill(&place, &bundle, tampering);
	if (ours == NULL) {
		CHECK_OK(verify_ours(&place, &root, &err));
		CHECK(tree_hash_eq(&root, &wanted));
	} else {
		CHECK_ERR(verify_ours(&place, &root, &err), ERR_CORRUPT);
		CHECK_TEXT(err.text, ours);
	}
	int status = verify_file(&bundle, &place, "--checkpoint", output);
	if (status != (ours != NULL) || strstr(output, theirs) == NULL)
		fail_msg("wanted \"%s\", found %d: %s", theirs, status, output);
	place_drop(&place);
	bundle_drop(&bundle);
}

TEST(both_verifiers_accept_a_store_with_an_erased_event)
{
	check_store(NULL, NULL, "all of 11 events are as they were recorded, 1 of them");
}

TEST(both_verifiers_refuse_a_store_that_was_tampered_with)
{
	check_store("UPDATE event SET actor = 99 WHERE seq = 4", "event 4 is not what was recorded",
		    "do not have the root that was signed");
	check_store("UPDATE event SET payload = '[1]' WHERE seq = 4",
		    "event 4 is not what was recorded", "do not have the root that was signed");
	check_store("UPDATE event SET kind = 'incident.opened' WHERE seq = 9",
		    "event 9 is not what was recorded", "do not have the root that was signed");
	check_store("UPDATE event SET payload = NULL, salt = NULL WHERE seq = 4",
		    "event 4 has lost its payload and was not erased", "event 4 has neither");
	check_store("UPDATE event SET payload = NULL, salt = NULL, mac = zeroblob(32) WHERE seq = 4",
		    "event 4 is not what was recorded", "do not have the root that was signed");
	check_store("DELETE FROM event WHERE seq = 4", "event 4 is missing from the journal",
		    "event 4 is missing");
}

TESTS(RUN(leaves_equal_those_of_python),
      RUN(both_verifiers_accept_a_store_with_an_erased_event),
      RUN(both_verifiers_refuse_a_store_that_was_tampered_with),
      RUN(every_field_counts_and_kind_and_payload_do_not_flow_into_each_other),
      RUN(an_erased_event_keeps_its_leaf_and_what_stands_beside_the_payload_stays_bound),
      RUN(the_other_verifier_agrees_with_a_whole_and_with_a_partial_journal),
      RUN(the_other_verifier_refuses_what_was_changed_left_out_or_cut),
      RUN(who_holds_the_key_can_rewrite_the_journal_and_only_a_kept_checkpoint_shows_it),
      RUN(the_other_verifier_refuses_a_note_of_another_key))
