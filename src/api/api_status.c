/* api_status.c: see api_status.h. */
#include "api/api_status_priv.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "api/api_handlers.h"
#include "base/mem.h"
#include "sys/file.h"

#define FILES_MAX 20000u
#define FILE_BYTES_MAX (8u << 20)
#define BUILD_BYTES_MAX (512u << 20)
#define GZIP_WINDOW (15 + 16)
#define FILE_HEAD "mainstay-status 1"

struct snapshot;

/* The asset comes first: its release finds the rest. */
struct status_file {
	struct http_asset asset;
	struct snapshot *owner;
	char *path, *bytes, *gzip;
	char etag[24];
	bool is_private;
};

struct snapshot {
	struct status_file *files; /* in order of their paths */
	size_t count, size;
	char home[64];
	time_us made;
	unsigned holders; /* under the mutex of its status; the status is one */
	struct api_status *status;
};

struct api_status {
	pthread_mutex_t mutex;
	struct snapshot *current;
	char url[300];
	struct zones *zones;
	const struct http_asset *page;
	bool stale;
};

/* ---- snapshots ---- */

static struct snapshot *snapshot_create(struct api_status *status, time_us made)
{
	struct snapshot *snapshot = mem_alloc(sizeof *snapshot);
	snapshot->status = status;
	snapshot->made = made;
	snapshot->holders = 1;
	return snapshot;
}

static void snapshot_destroy(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		mem_free(snapshot->files[i].path);
		mem_free(snapshot->files[i].bytes);
		mem_free(snapshot->files[i].gzip);
	}
	mem_free(snapshot->files);
	mem_free(snapshot);
}

static void let_go(struct snapshot *snapshot)
{
	struct api_status *status = snapshot->status;
	pthread_mutex_lock(&status->mutex);
	assert(snapshot->holders > 0);
	bool last = --snapshot->holders == 0;
	pthread_mutex_unlock(&status->mutex);
	if (last)
		snapshot_destroy(snapshot);
}

static void release(const struct http_asset *asset)
{
	let_go(((const struct status_file *)asset)->owner);
}

static void swap(struct api_status *status, struct snapshot *fresh)
{
	pthread_mutex_lock(&status->mutex);
	struct snapshot *old = status->current;
	status->current = fresh;
	pthread_mutex_unlock(&status->mutex);
	if (old != NULL)
		let_go(old);
}

static int by_path(const void *left, const void *right)
{
	const struct status_file *a = left, *b = right;
	return strcmp(a->path, b->path);
}

static const struct status_file *file_of(const struct snapshot *snapshot, struct str path)
{
	size_t low = 0, high = snapshot->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(str_of(snapshot->files[middle].path), path);
		if (order == 0)
			return &snapshot->files[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- files ---- */

static char *compress_gzip(struct str bytes, size_t *ret_size)
{
	z_stream stream = { 0 };
	if (bytes.len < HTTP_COMPRESS_BYTES_MIN ||
	    deflateInit2(&stream, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	size_t bound = deflateBound(&stream, bytes.len);
	char *out = mem_alloc(bound);
	stream.next_in = (Bytef *)bytes.ptr;
	stream.avail_in = (uInt)bytes.len;
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)bound;
	int ended = deflate(&stream, Z_FINISH);
	*ret_size = stream.total_out;
	deflateEnd(&stream);
	if (ended == Z_STREAM_END && *ret_size < bytes.len)
		return out;
	mem_free(out);
	return NULL;
}

static char *copy_of(struct str bytes)
{
	char *copy = mem_alloc(bytes.len + 1);
	memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = '\0';
	return copy;
}

/* What did not change keeps its packed form: most files, most times. */
static void pack(struct status_file *file, const struct snapshot *before)
{
	struct str bytes = { file->bytes, file->asset.size_bytes };
	const struct status_file *old = before != NULL ? file_of(before, str_of(file->path)) : NULL;
	size_t size = 0;
	if (old != NULL && old->asset.gzip != NULL && strcmp(old->etag, file->etag) == 0 &&
	    old->asset.size_bytes == bytes.len && memcmp(old->bytes, bytes.ptr, bytes.len) == 0) {
		size = old->asset.gzip_bytes;
		file->gzip = copy_of((struct str){ old->gzip, size });
	} else {
		file->gzip = compress_gzip(bytes, &size);
	}
	file->asset.gzip = file->gzip;
	file->asset.gzip_bytes = size;
}

static const struct {
	const char *end, *type, *cache;
	bool any_origin;
} types[] = {
	{ ".json", "application/json; charset=utf-8", "public, max-age=15", true },
	{ ".atom", "application/atom+xml; charset=utf-8", "public, max-age=60", true },
	{ ".rss", "application/rss+xml; charset=utf-8", "public, max-age=60", true },
	{ "", "text/html; charset=utf-8", "public, max-age=15", false },
};

static void add_file(struct snapshot *snapshot, const struct snapshot *before, struct str path, struct str bytes,
		     bool is_private)
{
	size_t type = 0;
	if (snapshot->count == FILES_MAX)
		return;
	if (snapshot->count == snapshot->size) {
		snapshot->size = snapshot->size > 0 ? 2 * snapshot->size : 64;
		snapshot->files = mem_realloc(snapshot->files, snapshot->size * sizeof snapshot->files[0]);
	}
	struct status_file *file = &snapshot->files[snapshot->count++];
	while (!str_ends(path, str_of(types[type].end)))
		type++;
	*file = (struct status_file){
		.path = copy_of(path), .bytes = copy_of(bytes), .is_private = is_private, .owner = snapshot,
		.asset = { .size_bytes = bytes.len, .type = types[type].type, .cache_control = types[type].cache,
			   .any_origin = types[type].any_origin, .release = release },
	};
	snprintf(file->etag, sizeof file->etag, "%016llx", (unsigned long long)str_hash(bytes));
	pack(file, before);
}

/* The rows have stopped to move: now they can be pointed into. */
static void seal(struct snapshot *snapshot)
{
	if (snapshot->count > 0) /* there may be no page at all */
		qsort(snapshot->files, snapshot->count, sizeof snapshot->files[0], by_path);
	for (size_t i = 0; i < snapshot->count; i++) {
		struct status_file *file = &snapshot->files[i];
		file->asset.path = file->path;
		file->asset.bytes = file->bytes;
		file->asset.etag = file->etag;
	}
}

/* ---- building ---- */

struct making {
	struct api_status *status;
	struct snapshot *snapshot;
	const struct snapshot *before;
	const struct comms_page *page;
	struct arena *arena;
	char base[300], url[400]; /* of the house, and of the page */
};

static void add(struct making *m, const char *rest, struct buf *body)
{
	char path[300];
	snprintf(path, sizeof path, STATUS_PREFIX STR_FMT "%s", STR_ARG(m->page->name), rest);
	if (!body->full && body->used > 0)
		add_file(m->snapshot, m->before, str_of(path), buf_str(body), m->page->is_private);
	buf_reset(body);
}

static void add_html(struct making *m, const char *rest, enum status_view view,
		     const struct comms_page_incident *incident, struct buf *body)
{
	api_status_html(m->status->page, m->page, view, incident, m->arena, body);
	add(m, rest, body);
}

static void add_incidents(struct making *m, const struct comms_page_incident *rows, size_t count, struct buf *body)
{
	for (size_t i = 0; i < count; i++) {
		char rest[64];
		snprintf(rest, sizeof rest, "/incidents/%s", rows[i].id);
		add_html(m, rest, STATUS_INCIDENT, &rows[i], body);
	}
}

static void add_page(struct making *m)
{
	cleanup_buf struct buf body;
	const struct comms_page *page = m->page;
	buf_init(&body, FILE_BYTES_MAX);
	snprintf(m->url, sizeof m->url, "%s" STATUS_PREFIX STR_FMT, m->base, STR_ARG(page->name));
	for (int i = 0; i < COMMS_DOC_COUNT; i++) {
		comms_page_json(page, m->url, (enum comms_document)i, &body);
		add(m, comms_document_paths[i], &body);
	}
	static const char *const feeds[] = { "/history.atom", "/feed.atom", "/history.rss", "/feed.rss" };
	for (size_t i = 0; i < 4; i++) {
		if (i < 2)
			comms_feed_atom(page, m->url, &body);
		else
			comms_feed_rss(page, m->url, &body);
		add(m, feeds[i], &body);
	}
	add_html(m, "", STATUS_INDEX, NULL, &body);
	add_html(m, "/history", STATUS_HISTORY, NULL, &body);
	add_incidents(m, page->incidents, page->incident_count, &body);
	add_incidents(m, page->maintenances, page->maintenance_count, &body);
}

static enum err build_all(struct making *m, struct store_conn *conn, time_us now, time_us *ret_next, struct error *err)
{
	struct str *names;
	size_t count;
	bool chosen = false;
	enum err r = comms_page_names(conn, m->arena, &names, &count, err);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct comms_page *page;
		r = comms_page_build(conn, m->status->zones, names[i], now, m->arena, &page, err);
		if (r != OK)
			return r;
		m->page = page;
		add_page(m);
		if (!page->is_private && !chosen && (page->home || m->snapshot->home[0] == '\0')) {
			snprintf(m->snapshot->home, sizeof m->snapshot->home, STR_FMT, STR_ARG(page->name));
			chosen = page->home;
		}
		if (page->next != TIME_NONE && (*ret_next == TIME_NONE || page->next < *ret_next))
			*ret_next = page->next;
	}
	return r;
}

enum err api_status_build(struct api_status *status, struct store_conn *conn, time_us now, time_us *ret_next,
			  struct error *err)
{
	cleanup_arena struct arena arena;
	struct making making = {
		.status = status,
		.snapshot = snapshot_create(status, now),
		.before = status->current, /* only the builder replaces it */
		.arena = &arena,
	};
	arena_init(&arena, BUILD_BYTES_MAX);
	pthread_mutex_lock(&status->mutex);
	memcpy(making.base, status->url, sizeof making.base);
	pthread_mutex_unlock(&status->mutex);
	*ret_next = TIME_NONE;
	enum err r = store_read_begin(conn, err);
	if (r == OK) {
		r = build_all(&making, conn, now, ret_next, err);
		store_read_end(conn);
	}
	if (r != OK) {
		snapshot_destroy(making.snapshot);
		return r;
	}
	seal(making.snapshot);
	swap(status, making.snapshot);
	status->stale = false;
	return OK;
}

/* ---- when nothing newer can be made ---- */

static void add_stale(struct snapshot *to, const struct status_file *file, time_us made)
{
	struct str bytes = { file->bytes, file->asset.size_bytes }, mark = STR(STATUS_STALE_MARK);
	const char *at = memmem(bytes.ptr, bytes.len, mark.ptr, mark.len);
	cleanup_buf struct buf out;
	struct time_civil civil = time_civil_of(made);
	buf_init(&out, FILE_BYTES_MAX);
	buf_add(&out, at == NULL ? bytes : str_sub(bytes, 0, (size_t)(at - bytes.ptr)));
	if (at != NULL) {
		buf_printf(&out, "<p class=\"stale\" role=\"status\">This page could not be renewed since %04d-%02d-%02d %02d:%02d UTC.</p>",
			   civil.year, civil.month, civil.day, civil.hour, civil.minute);
		buf_add(&out, str_sub(bytes, (size_t)(at - bytes.ptr) + mark.len, bytes.len));
	}
	if (!out.full)
		add_file(to, NULL, str_of(file->path), buf_str(&out), file->is_private);
}

void api_status_stale(struct api_status *status)
{
	const struct snapshot *old = status->current;
	if (old == NULL || status->stale)
		return;
	struct snapshot *fresh = snapshot_create(status, old->made);
	memcpy(fresh->home, old->home, sizeof fresh->home);
	for (size_t i = 0; i < old->count; i++)
		add_stale(fresh, &old->files[i], old->made);
	seal(fresh);
	swap(status, fresh);
	status->stale = true;
}

/* ---- on disk ---- */

enum err api_status_save(struct api_status *status, const char *path, struct error *err)
{
	cleanup_buf struct buf out;
	const struct snapshot *snapshot = status->current;
	if (snapshot == NULL || status->stale)
		return OK;
	buf_init(&out, STATUS_FILE_BYTES_MAX);
	buf_printf(&out, FILE_HEAD " %lld %zu %s\n", (long long)snapshot->made, snapshot->count,
		   snapshot->home[0] != '\0' ? snapshot->home : "-");
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct status_file *file = &snapshot->files[i];
		buf_printf(&out, "%s %d %zu\n", file->path, file->is_private, file->asset.size_bytes);
		buf_add(&out, (struct str){ file->bytes, file->asset.size_bytes });
		buf_addc(&out, '\n');
	}
	uint64_t sum = str_hash(buf_str(&out));
	buf_printf(&out, "end %016llx\n", (unsigned long long)sum);
	if (out.full)
		return error_set(err, ERR_TOO_LARGE, "the status pages are larger than %u bytes", STATUS_FILE_BYTES_MAX);
	return file_write(path, buf_str(&out), 0600, err);
}

static bool take_line(struct str *text, struct str *ret_line)
{
	return str_cut(*text, '\n', ret_line, text);
}

/* The last line holds the sum of all before it: a file that was cut or changed is none. */
static bool is_whole(struct str text, struct str *ret_body)
{
	char wanted[32];
	const size_t end = sizeof "end 0123456789abcdef\n" - 1;
	if (text.len < end)
		return false;
	struct str body = str_sub(text, 0, text.len - end);
	snprintf(wanted, sizeof wanted, "end %016llx\n", (unsigned long long)str_hash(body));
	*ret_body = body;
	return str_is(str_sub(text, body.len, text.len), wanted);
}

static bool read_file(struct str *text, struct snapshot *snapshot)
{
	struct str line, path, rest, flag, length;
	int64_t is_private, size;
	if (!take_line(text, &line) || !str_cut(line, ' ', &path, &rest) || !str_cut(rest, ' ', &flag, &length) ||
	    !str_int(flag, 0, 1, &is_private) || !str_int(length, 1, FILE_BYTES_MAX, &size) || text->len <= (size_t)size)
		return false;
	add_file(snapshot, NULL, path, str_sub(*text, 0, (size_t)size), is_private != 0);
	*text = str_sub(*text, (size_t)size + 1, text->len);
	return true;
}

static bool read_head(struct str *text, int64_t *ret_made, int64_t *ret_count, struct str *ret_home)
{
	struct str line, made, count, rest;
	if (!take_line(text, &line) || !str_starts(line, STR(FILE_HEAD " ")))
		return false;
	rest = str_sub(line, sizeof FILE_HEAD, line.len);
	return str_cut(rest, ' ', &made, &rest) && str_cut(rest, ' ', &count, ret_home) &&
	       str_int(made, 0, INT64_MAX, ret_made) && str_int(count, 0, FILES_MAX, ret_count);
}

enum err api_status_load(struct api_status *status, const char *path, struct error *err)
{
	char *bytes;
	size_t size;
	struct str text, home;
	int64_t made, count;
	enum err r = file_read(path, STATUS_FILE_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	bool good = is_whole((struct str){ bytes, size }, &text) && read_head(&text, &made, &count, &home);
	struct snapshot *snapshot = good ? snapshot_create(status, made) : NULL;
	for (int64_t i = 0; good && i < count; i++)
		good = read_file(&text, snapshot);
	if (good && !str_is(home, "-"))
		snprintf(snapshot->home, sizeof snapshot->home, STR_FMT, STR_ARG(str_sub(home, 0, 63)));
	mem_free(bytes);
	if (!good) {
		if (snapshot != NULL)
			snapshot_destroy(snapshot);
		return error_set(err, ERR_CORRUPT, "\"%s\" is not what was written", path);
	}
	seal(snapshot);
	swap(status, snapshot);
	status->stale = false;
	return OK;
}

/* ---- finding ---- */

static const struct status_file *hold(struct api_status *status, struct str path, bool also_private)
{
	pthread_mutex_lock(&status->mutex);
	const struct status_file *file = status->current != NULL ? file_of(status->current, path) : NULL;
	if (file != NULL && file->is_private && !also_private)
		file = NULL;
	if (file != NULL)
		status->current->holders++;
	pthread_mutex_unlock(&status->mutex);
	return file;
}

static struct str without_slash(struct str path)
{
	return path.len > 1 && str_ends(path, STR("/")) ? str_sub(path, 0, path.len - 1) : path;
}

const struct http_asset *api_status_find(void *status, struct str path)
{
	const struct status_file *file = hold(status, without_slash(path), false);
	return file != NULL ? &file->asset : NULL;
}

const struct http_asset *api_status_find_home(void *context, struct str path)
{
	struct api_status *status = context;
	char home[64], whole[600];
	const struct http_asset *asset = api_status_find(status, path);
	if (asset != NULL)
		return asset;
	pthread_mutex_lock(&status->mutex);
	snprintf(home, sizeof home, "%s", status->current != NULL ? status->current->home : "");
	pthread_mutex_unlock(&status->mutex);
	if (home[0] == '\0' || path.len > 400)
		return NULL;
	snprintf(whole, sizeof whole, STATUS_PREFIX "%s" STR_FMT, home, STR_ARG(path.len > 1 ? path : STR_NONE));
	return api_status_find(status, str_of(whole));
}

const struct http_asset *api_status_find_any(struct api_status *status, struct str path, bool *ret_private)
{
	const struct status_file *file = hold(status, without_slash(path), true);
	*ret_private = file != NULL && file->is_private;
	return file != NULL ? &file->asset : NULL;
}

/* ---- life ---- */

struct api_status *api_status_create(const char *public_url, struct zones *zones, const struct http_asset *page)
{
	struct api_status *status = mem_alloc(sizeof *status);
	pthread_mutex_init(&status->mutex, NULL);
	status->zones = zones;
	status->page = page;
	api_status_url(status, public_url);
	return status;
}

void api_status_url(struct api_status *status, const char *public_url)
{
	pthread_mutex_lock(&status->mutex);
	snprintf(status->url, sizeof status->url, "%s", public_url);
	pthread_mutex_unlock(&status->mutex);
}

void api_status_destroy(struct api_status **status)
{
	if (*status == NULL)
		return;
	if ((*status)->current != NULL) {
		assert((*status)->current->holders == 1);
		snapshot_destroy((*status)->current);
	}
	pthread_mutex_destroy(&(*status)->mutex);
	mem_free(*status);
	*status = NULL;
}

/* ---- private pages, and those that are not there ---- */

static enum err say_none(struct api_call *call)
{
	call->status = 404;
	call->content_type = "text/plain; charset=utf-8";
	buf_reset(&call->out);
	buf_adds(&call->out, call->signed_in ? "There is no such status page.\n"
					     : "There is no such status page, or you must sign in to see it.\n");
	return OK;
}

enum err api_status_file(struct api_call *call, struct error *err)
{
	struct api_status *status = call->api->options.status;
	bool is_private = false;
	const struct http_asset *asset =
		status != NULL ? api_status_find_any(status, call->request->path, &is_private) : NULL;
	(void)err;
	if (asset == NULL)
		return say_none(call);
	if (is_private && (!call->signed_in || !guard_may(&call->principal, PERMISSION_READ))) {
		asset->release(asset);
		return say_none(call);
	}
	call->content_type = asset->type;
	buf_reset(&call->out);
	buf_add(&call->out, (struct str){ asset->bytes, asset->size_bytes });
	asset->release(asset);
	return OK;
}

/* ---- GET /status-pages ---- */

enum err api_status_list(struct api_call *call, struct error *err)
{
	struct str *names;
	size_t count;
	struct json_writer *json = &call->json;
	enum err r = comms_page_names(call->conn, &call->arena, &names, &count, err);
	json_map_begin(json);
	json_key(json, "items");
	json_list_begin(json);
	for (size_t i = 0; r == OK && i < count; i++) {
		struct comms_page *page;
		r = comms_page_build(call->conn, call->api->options.zones, names[i], call->now, &call->arena, &page, err);
		if (r != OK)
			break;
		json_map_begin(json);
		json_field_text(json, "name", page->name);
		json_field_text(json, "title", page->title);
		json_field_bool(json, "private", page->is_private);
		json_field_bool(json, "home", page->home);
		json_field_cstr(json, "indicator", page->indicator);
		json_field_cstr(json, "description", page->description);
		json_field_int(json, "components", (int64_t)page->component_count);
		json_field_text(json, "path", arena_printf(&call->arena, STATUS_PREFIX STR_FMT, STR_ARG(page->name)));
		json_map_end(json);
	}
	json_list_end(json);
	json_field_null(json, "next");
	json_map_end(json);
	return r;
}
