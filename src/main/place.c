/* place.c: see place.h. */
#include "main/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "guard/guard.h"
#include "main/wiring.h"
#include "sys/entropy.h"
#include "sys/file.h"

#define KEY_BYTES_MAX 4096u
#define NODE_BYTES_MAX 64u

static void path_in(const struct place *place, const char *name, char *ret_path, size_t size)
{
	int length = snprintf(ret_path, size, "%s/%s", place->path, name);
	assert(length > 0);
	assert((size_t)length < size);
}

enum err place_lock(const char *folder, int *ret_lock, struct error *err)
{
	char path[600];
	enum err r = file_make_private_folder(folder, err);
	if (r != OK)
		return r;
	snprintf(path, sizeof path, "%.500s/lock", folder);
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return error_set(err, ERR_IO, "could not open \"%s\": %s", path, strerror(errno));
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(lock, F_OFD_SETLK, &whole) == 0) {
		*ret_lock = lock;
		return OK;
	}
	close(lock);
	error_set(err, ERR_CONFLICT, "another Mainstay works in \"%s\"", folder);
	error_hint(err, "stop it first, or ask it over its API");
	return ERR_CONFLICT;
}

/* "host-1f2e3d4c": the folder's own, so that a server that was killed takes up its lead at once; with
 * the host, so that a copied folder is not taken for the same server. */
static enum err name_node(struct place *place, char *out, size_t size, struct error *err)
{
	char path[600], host[40], *bytes;
	unsigned char chance[4];
	size_t length;
	path_in(place, "node", path, sizeof path);
	if (gethostname(host, sizeof host) != 0)
		snprintf(host, sizeof host, "unnamed");
	host[sizeof host - 1] = '\0';
	enum err r = file_read(path, NODE_BYTES_MAX, &bytes, &length, err);
	if (r == OK) {
		snprintf(out, size, "%s-%.8s", host, bytes);
		mem_free(bytes);
	}
	if (r != ERR_NOT_FOUND)
		return r;
	char text[10];
	random_fill(&place->random, chance, sizeof chance);
	snprintf(text, sizeof text, "%02x%02x%02x%02x\n", chance[0], chance[1], chance[2], chance[3]);
	snprintf(out, size, "%s-%.8s", host, text);
	return file_write(path, str_of(text), 0600, err);
}

static enum err open_database(struct place *place, const struct settings *settings, struct error *err)
{
	enum err r = name_node(place, place->node, sizeof place->node, err);
	if (r != OK)
		return r;
	struct store_options options = {
		.path = settings->store,
		.node = place->node,
		.patient = settings->patient,
	};
	return store_open("postgres", &options, &place->store, err);
}

enum err place_open_store(const struct settings *settings, struct store **ret_store, struct error *err)
{
	char path[600];
	struct store_options database = { .path = settings->store, .node = "reader", .patient = true };
	if (settings->store != NULL)
		return store_open("postgres", &database, ret_store, err);
	snprintf(path, sizeof path, "%.500s/mainstay.db", settings->data);
	if (access(path, F_OK) != 0)
		return error_set(err, ERR_NOT_FOUND, "there is no store in \"%s\": %s", settings->data, strerror(errno));
	return store_open("sqlite", &(struct store_options){ .path = path }, ret_store, err);
}

static enum err open_store(struct place *place, const struct settings *settings, struct error *err)
{
	char path[600];
	path_in(place, "mainstay.db", path, sizeof path);
	enum err r = settings->store != NULL
			     ? open_database(place, settings, err)
			     : store_open("sqlite", &(struct store_options){ .path = path }, &place->store, err);
	if (r != OK)
		return r;
	path_in(place, "flight", path, sizeof path);
	return flight_open(path, settings->crashed, &place->flight, err);
}

/* Where a key is missing beside a store that is there, somebody took it away or put a copy here: events of
 * that origin may have been signed elsewhere, so a new key gets an origin that nobody has used. */
static void choose_origin(struct place *place, const char *name, char *ret_origin, size_t size)
{
	char path[600];
	uint32_t chance = 0;
	path_in(place, "mainstay.db", path, sizeof path);
	if (access(path, F_OK) == 0)
		random_fill(&place->random, &chance, sizeof chance);
	snprintf(ret_origin, size, chance != 0 ? "mainstay/%.60s/journal/1.%08x" : "mainstay/%.60s/journal/1", name,
		 chance);
}

/* Made once; whoever holds it can sign in this log's name, so it never leaves the folder. */
static enum err make_key(struct place *place, const char *path, const char *origin,
			 struct error *err)
{
	unsigned char seed[32];
	cleanup_buf struct buf text;
	buf_init(&text, KEY_BYTES_MAX);
	random_fill(&place->random, seed, sizeof seed);
	enum err r = note_signer_init(&place->signer, str_of(origin), NOTE_ED25519, seed, err);
	if (r != OK)
		return r;
	note_signer_print(&place->signer, &text);
	buf_adds(&text, "\n");
	return file_write(path, buf_str(&text), 0600, err);
}

static enum err open_key(struct place *place, const char *origin, struct error *err)
{
	char path[600];
	char *bytes;
	size_t size;
	path_in(place, "journal.key", path, sizeof path);
	enum err r = file_read(path, KEY_BYTES_MAX, &bytes, &size, err);
	if (r == ERR_NOT_FOUND) {
		r = make_key(place, path, origin, err);
	} else if (r == OK) {
		r = note_signer_parse(str_trim(str_of(bytes)), &place->signer, err);
		mem_free(bytes);
	}
	place->can_sign = r == OK;
	return r;
}

static void settle_alerts(const void *book, bool stored)
{
	alert_book_settle((struct alert_book *)book, stored);
}

static enum err load_alerts(struct place *place, struct error *err)
{
	struct store_conn *conn;
	struct alert_instant now = { clock_wall(&place->clock), clock_since_boot(&place->clock) };
	enum err r = store_connect(place->store, true, &conn, err);
	if (r != OK)
		return r;
	r = alert_book_load(place->alerts, conn, now, err);
	store_disconnect(&conn);
	return r;
}

/* Once it has stood by, a database that fails at the wrong moment is waited for, too. */
static enum err open_or_stand_by(const struct world_options *options, const struct place_hooks *hooks,
				 struct world **ret_world, struct error *err)
{
	bool stood_by = false;
	for (;;) {
		enum err r = world_open(options, ret_world, err);
		bool again = r == ERR_CONFLICT || (r == ERR_UNAVAILABLE && stood_by);
		if (again && r != ERR_CONFLICT)
			log_write(LOG_WARNING, "could not take over", "reason=\"%s\"", err->text);
		if (!again || hooks->standby == NULL || !hooks->standby(hooks->context))
			return r;
		stood_by = true;
	}
}

static enum err open_world(struct place *place, const struct settings *settings,
			   const char *public_url, const struct place_hooks *hooks, struct error *err)
{
	place->zones = zones_create(NULL);
	place->paging = (struct paging_room){ place->zones, public_url };
	place->alerts = alert_book_create();
	place->rooms[0] = (struct world_room){ "oncall", &place->paging, NULL };
	place->rooms[1] = (struct world_room){ ALERT_ROOM, place->alerts, settle_alerts };
	guard_vault_init(&place->vault, place->signer.seed);
	place->rooms[2] = (struct world_room){ GUARD_VAULT_ROOM, &place->vault, NULL };
	struct world_options options = {
		.rooms = place->rooms,
		.name = settings->name,
		.store = place->store,
		.clock = &place->clock,
		.random = &place->random,
		.wiring = &wiring,
		.flight = place->flight,
		.authorise = guard_authorise,
		.before = trouble_before,
		.tried = trouble_committed,
		.tried_context = place->trouble,
		.unled = hooks->unled,
		.committed = hooks->committed,
		.committed_context = hooks->context,
	};
	enum err r = open_or_stand_by(&options, hooks, &place->world, err);
	return r == OK ? load_alerts(place, err) : r;
}

static enum err check_signer(struct place *place, struct error *err)
{
	cleanup_buf struct buf key;
	buf_init(&key, KEY_BYTES_MAX);
	note_key_print(&place->signer.key, &key);
	struct journal_signer signer = { str_of(place->signer.key.name), buf_str(&key) };
	struct command command = { .name = "signer", .decide = journal_signer_decide, .args = &signer,
				   .actor = ACTOR_SYSTEM };
	world_run(place->world, (struct command *[]){ &command }, 1);
	if (command.result != OK)
		*err = command.error;
	return command.result;
}

enum err place_check_key(struct place *place, struct error *err)
{
	cleanup_buf struct buf key;
	struct store_conn *conn;
	bool known;
	buf_init(&key, KEY_BYTES_MAX);
	enum err r = store_connect(place->store, true, &conn, err);
	if (r != OK)
		return r;
	note_key_print(&place->signer.key, &key);
	struct journal_signer signer = { str_of(place->signer.key.name), buf_str(&key) };
	r = journal_signer_check(conn, &signer, &known, err);
	store_disconnect(&conn);
	return r;
}

enum err place_open(const struct settings *settings, const char *public_url,
		    const struct place_hooks *hooks, struct place *ret_place, struct error *err)
{
	struct place *place = ret_place;
	char origin[128];
	*place = (struct place){ .lock = -1 };
	snprintf(place->path, sizeof place->path, "%s", settings->data);
	clock_system(&place->clock);
	entropy_init(&place->random);
	enum err r = place_lock(place->path, &place->lock, err);
	if (r == OK)
		place->trouble = trouble_create(place->path);
	choose_origin(place, settings->name, origin, sizeof origin);
	if (r == OK)
		r = open_key(place, origin, err);
	if (r == OK)
		r = open_store(place, settings, err);
	if (r == OK)
		r = open_world(place, settings, public_url, hooks, err);
	if (r == OK && settings->store != NULL) /* a folder with its database inside has one key */
		r = check_signer(place, err);
	if (r != OK && hooks->failing != NULL)
		hooks->failing(hooks->context);
	if (r != OK)
		place_close(place);
	return r;
}

void place_close(struct place *place)
{
	world_close(&place->world);
	alert_book_destroy(&place->alerts);
	flight_close(&place->flight);
	store_close(&place->store);
	zones_destroy(&place->zones);
	trouble_destroy(&place->trouble);
	guard_vault_finish(&place->vault);
	if (place->can_sign)
		note_signer_finish(&place->signer);
	if (place->lock >= 0)
		close(place->lock);
	place->lock = -1;
}
