/*
 * api_journal.c: the record as it was written, and the proof that it still is.
 *
 * Filters that SQL cannot see (visibility, subjects by name) are asked of each event, so one request
 * looks at no more than SCAN_MAX of them; a page that is short for that reason still has a `next`.
 */
#include <sodium.h>
#include <string.h>

#include "api/api_handlers.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"

#define SCAN_MAX 2000u
#define SCAN_SLICE 50u
#define ROOM_BYTES (16u << 20) /* the most that looking at one event may take */
#define KIND_BYTES_MAX 60u
#define HASH_TEXT_BYTES 64

/* ---- what is asked for ---- */

struct journal_listing {
	struct api_call *call;
	struct api_list list;
	struct journal_filter filter;
	struct str subject; /* empty: any */
	const char *kinds[8];
	unsigned seen; /* in this slice */
	int64_t last;  /* seq that was looked at last */
	bool full;     /* the page is */
	bool tired;    /* the memory of one request is used up */
};

static enum err read_time(struct api_call *call, const char *name, time_us *ret_at, struct error *err)
{
	struct str text = api_query(call, name);
	*ret_at = TIME_NONE;
	if (text.len == 0 || time_parse(text, ret_at))
		return OK;
	error_set(err, ERR_INVALID, "%s is a time like 2026-03-08T03:12:00Z", name);
	error_field(err, "%s", name);
	return ERR_INVALID;
}

static enum err read_kind(struct journal_listing *listing, struct error *err)
{
	struct str text = api_query(listing->call, "kind");
	enum event_kind kind;
	if (text.len == 0)
		return OK;
	if (text.len > KIND_BYTES_MAX || (!str_ends(text, STR(".")) && !event_kind_by_name(text, &kind))) {
		error_set(err, ERR_INVALID, "there is no kind of event \"" STR_FMT "\"", STR_ARG(text));
		error_hint(err, "give a kind like incident.opened, or a room like \"incident.\"");
		error_field(err, "kind");
		return ERR_INVALID;
	}
	listing->kinds[0] = arena_cstr(&listing->call->arena, text);
	listing->filter.kinds = listing->kinds;
	return OK;
}

/* Which kinds may have such a subject: what api_subject says of them decides in the end. */
static const struct subject_row {
	const char *group;
	bool numbered;
	const char *kinds[6];
} subject_rows[] = {
	{ "incident", true, { "incident.", "escalation.", "page.", "review.", NULL } },
	{ "user", true, { "user.", "contact.", NULL } },
	{ "token", true, { "token.", NULL } },
	{ "alert", true, { "alert.", NULL } },
	{ "mute", true, { "mute.", NULL } },
	{ "check", false, { "check.", "definition.", NULL } },
	{ "schedule", false, { "override.", "definition.", NULL } },
	{ "service", false, { "definition.", NULL } },
	{ "escalationpolicy", false, { "definition.", NULL } },
	{ "team", false, { "definition.", NULL } },
	{ "prioritymatrix", false, { "definition.", NULL } },
	{ "reviewpolicy", false, { "definition.", NULL } },
};

static void read_subject(struct journal_listing *listing)
{
	struct str group, name;
	int64_t id;
	listing->subject = api_query(listing->call, "subject");
	str_cut(listing->subject, '/', &group, &name);
	for (size_t i = 0; i < sizeof subject_rows / sizeof subject_rows[0]; i++) {
		const struct subject_row *row = &subject_rows[i];
		if (!str_is(group, row->group))
			continue;
		if (listing->filter.kinds == NULL)
			listing->filter.kinds = row->kinds;
		if (row->numbered && str_int(name, 1, INT64_MAX, &id))
			listing->filter.subject = id;
	}
}

static enum err read_filter(struct journal_listing *listing, struct error *err)
{
	struct api_call *call = listing->call;
	struct journal_filter *filter = &listing->filter;
	struct str actor = api_query(call, "actor");
	filter->newest_first = true;
	filter->up_to_seq = store_as_of_seq(call->conn);
	filter->by_actor = actor.len > 0;
	if (filter->by_actor && !str_int(actor, 0, INT64_MAX, &filter->actor)) {
		error_set(err, ERR_INVALID, "actor is the id of a person, or 0 for Mainstay itself");
		error_field(err, "actor");
		return ERR_INVALID;
	}
	enum err r = read_time(call, "from", &filter->from, err);
	if (r == OK)
		r = read_time(call, "to", &filter->to, err);
	if (r == OK)
		r = read_kind(listing, err);
	if (r == OK)
		read_subject(listing);
	return r;
}

/* ---- the list ---- */

/* At the version of today: what an older one said was brought up when it was read. */
static void write_payload(struct api_call *call, const struct event *event)
{
	cleanup_buf struct buf payload;
	buf_init(&payload, 2 * EVENT_PAYLOAD_BYTES_MAX);
	bool readable = api_event_readable(call, event);
	json_field_text(&call->json, "text", readable ? api_sentence(call, event) : str_of(event_kinds[event->kind].about));
	json_key(&call->json, "payload");
	if (!readable) {
		json_null(&call->json);
		return;
	}
	event_encode(event->kind, event->payload, &payload);
	json_raw(&call->json, buf_str(&payload));
}

static void write_event(struct api_call *call, const struct event *event)
{
	struct json_writer *json = &call->json;
	json_map_begin(json);
	json_field_int(json, "seq", event->seq);
	json_field_time(json, "event_time", event->event_time);
	json_field_time(json, "recorded_time", event->recorded_time);
	api_person(call, "actor", event->actor);
	json_field_cstr(json, "kind", event_kinds[event->kind].name);
	json_field_text(json, "subject", api_subject(&call->arena, event));
	write_payload(call, event);
	json_field_int(json, "version", event_kinds[event->kind].version);
	json_map_end(json);
}

static bool list_event(void *context, const struct event *event)
{
	struct journal_listing *listing = context;
	struct api_call *call = listing->call;
	if (arena_room(&call->arena) < ROOM_BYTES) {
		listing->tired = true;
		return false;
	}
	bool wanted = listing->subject.len == 0 ||
		      str_eq(listing->subject, api_subject(&call->arena, event));
	if (wanted && api_event_visible(call, event)) {
		if (!api_list_row(&listing->list, event->seq, STR_NONE)) {
			listing->full = true;
			return false;
		}
		write_event(call, event);
	}
	listing->seen++;
	listing->last = event->seq;
	return true;
}

/* Reads on until the page is full, the record ends, or enough was looked at. */
static enum err scan(struct journal_listing *listing, struct arena *arena, bool *ret_more,
		     struct error *err)
{
	bool more = true;
	for (unsigned scanned = 0; more && !listing->tired && scanned < SCAN_MAX;) {
		listing->seen = 0;
		arena_reset(arena); /* payloads are large; what is written keeps nothing of them */
		enum err r = journal_read(listing->call->conn, &listing->filter, arena, list_event, listing,
					  err);
		if (r != OK)
			return r;
		more = !listing->full && (listing->tired || listing->seen == SCAN_SLICE);
		scanned += listing->seen;
		listing->filter.after_seq = listing->last;
	}
	*ret_more = more;
	return OK;
}

enum err api_journal_list(struct api_call *call, struct error *err)
{
	struct journal_listing listing = { .call = call };
	bool more;
	enum err r = read_filter(&listing, err);
	if (r == OK)
		r = api_list_begin(call, &listing.list, err);
	if (r != OK)
		return r;
	cleanup_arena struct arena arena;
	arena_init(&arena, API_ARENA_BYTES);
	listing.filter.after_seq = listing.list.before_id;
	listing.filter.limit = SCAN_SLICE;
	listing.last = listing.list.before_id;
	r = scan(&listing, &arena, &more, err);
	if (r != OK)
		return r;
	if (more) { /* the next page goes on where this one stopped looking */
		listing.list.more = true;
		listing.list.last_id = listing.last;
	}
	api_list_end(call, &listing.list);
	return OK;
}

/* ---- proofs ---- */

static enum err need_signer(struct api_call *call, const struct note_signer **ret_signer,
			    struct error *err)
{
	*ret_signer = call->api->options.signer;
	if (*ret_signer != NULL)
		return OK;
	error_set(err, ERR_NOT_FOUND, "this installation has no key to sign checkpoints with");
	error_hint(err, "the server makes one in its data directory when it starts; look at its log");
	return ERR_NOT_FOUND;
}

/* What was committed cannot change any more, so the newest commit may be signed at any time. */
static enum err newest(struct api_call *call, const struct note_signer *signer,
		       struct checkpoint *ret_checkpoint, struct error *err)
{
	struct tree_reader reader = journal_tree_reader(call->conn);
	struct checkpoint checkpoint = { .size = 0 };
	int64_t last;
	time_us recorded;
	enum err r = journal_last(call->conn, &last, &recorded, err);
	if (r != OK)
		return r;
	checkpoint.size = (uint64_t)last;
	memcpy(checkpoint.origin, signer->key.name, sizeof checkpoint.origin);
	r = tree_root_at(&reader, checkpoint.size, &checkpoint.root, err);
	if (r == OK)
		*ret_checkpoint = checkpoint;
	return r;
}

enum err api_journal_checkpoint(struct api_call *call, struct error *err)
{
	const struct note_signer *signer;
	struct checkpoint checkpoint;
	enum err r = need_signer(call, &signer, err);
	if (r == OK)
		r = newest(call, signer, &checkpoint, err);
	if (r != OK)
		return r;
	checkpoint_sign(&checkpoint, signer, &call->out);
	call->content_type = "text/plain; charset=utf-8";
	return OK;
}

static void write_hash(struct json_writer *json, const struct tree_hash *hash)
{
	char text[HASH_TEXT_BYTES];
	sodium_bin2base64(text, sizeof text, hash->bytes, sizeof hash->bytes,
			  sodium_base64_VARIANT_ORIGINAL);
	json_cstr(json, text);
}

struct event_seen {
	struct api_call *call;
	bool found;
};

static bool see_event(void *context, const struct event *event)
{
	struct event_seen *seen = context;
	seen->found = api_event_visible(seen->call, event);
	return false;
}

static enum err need_event(struct api_call *call, int64_t seq, struct error *err)
{
	struct event_seen seen = { .call = call };
	struct journal_filter filter = { .after_seq = seq - 1, .up_to_seq = seq, .limit = 1 };
	enum err r = journal_read(call->conn, &filter, &call->arena, see_event, &seen, err);
	if (r == OK && !seen.found)
		r = error_set(err, ERR_NOT_FOUND, "there is no event %lld", (long long)seq);
	return r;
}

static void write_proof(struct api_call *call, int64_t seq, const struct checkpoint *checkpoint,
			const struct tree_hash *leaf, const struct tree_proof *proof)
{
	cleanup_buf struct buf note;
	struct json_writer *json = &call->json;
	buf_init(&note, NOTE_BYTES_MAX);
	checkpoint_sign(checkpoint, call->api->options.signer, &note);
	json_map_begin(json);
	json_field_int(json, "seq", seq);
	json_field_int(json, "index", seq - 1);
	json_field_int(json, "size", (int64_t)checkpoint->size);
	json_key(json, "leaf");
	write_hash(json, leaf);
	json_key(json, "root");
	write_hash(json, &checkpoint->root);
	json_key(json, "path");
	json_list_begin(json);
	for (unsigned i = 0; i < proof->count; i++)
		write_hash(json, &proof->hash[i]);
	json_list_end(json);
	json_field_text(json, "checkpoint", buf_str(&note));
	json_map_end(json);
}

enum err api_journal_proof(struct api_call *call, struct error *err)
{
	struct tree_reader reader = journal_tree_reader(call->conn);
	const struct note_signer *signer;
	struct checkpoint checkpoint;
	struct tree_hash leaf;
	struct tree_proof proof;
	int64_t seq;
	enum err r = api_id(call, 0, &seq, err);
	if (r == OK)
		r = need_signer(call, &signer, err);
	if (r == OK)
		r = need_event(call, seq, err);
	if (r == OK)
		r = newest(call, signer, &checkpoint, err);
	if (r == OK)
		r = reader.read(reader.context, 0, (uint64_t)seq - 1, &leaf, err);
	if (r == OK)
		r = tree_prove_inclusion(&reader, (uint64_t)seq - 1, checkpoint.size, &proof, err);
	if (r == OK)
		write_proof(call, seq, &checkpoint, &leaf, &proof);
	return r;
}
