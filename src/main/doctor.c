/*
 * doctor.c: see doctor.h. One function looks at one thing and says what it found; reading `looks` is
 * reading what is looked at.
 *
 * Everything is read only, so it works beside a server as well as without one.
 *
 * To add a look: 1. a function `doctor_look` in the file of its kind, declared in doctor_priv.h; 2. a row
 * here; 3. its row in docs/operations.md.
 */
#include "main/doctor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "main/doctor_priv.h"
#include "main/place.h"
#include "main/verbs.h"
#include "sys/clock.h"
#include "wire/json_writer.h"

#define OUTPUT_BYTES_MAX (1u << 20)

static const struct {
	doctor_look *look;
	bool inside; /* reads what is kept */
} looks[] = {
	{ doctor_clock, false },       { doctor_zones, false },	      { doctor_authorities, false },
	{ doctor_limits, false },      { doctor_kernel, false },      { doctor_disk, false },      { doctor_metrics, false },
	{ doctor_speed, false },       { doctor_permissions, false }, { doctor_key, false },
	{ doctor_commands, false },    { doctor_public_url, false },  { doctor_certificate, false },
	{ doctor_database, true },     { doctor_store, true },	      { doctor_journal, true },
	{ doctor_jumps, true },	       { doctor_backup, true },	      { doctor_relay, true },
	{ doctor_on_call, true },      { doctor_people, true },
};

static const char *const level_names[DOCTOR_LEVELS] = { "ok", "doubtful", "wrong" };

/* ---- saying ---- */

static void add(struct doctor *d, enum doctor_level level, const char *what, const char *advice, const char *format,
		va_list values)
{
	char found[600];
	if (d->count == DOCTOR_FINDINGS_MAX)
		return;
	vsnprintf(found, sizeof found, format, values);
	d->levels[level]++;
	d->findings[d->count++] = (struct doctor_finding){
		.level = level,
		.what = str_of(what),
		.found = arena_str(d->arena, str_of(found)),
		.advice = str_of(advice),
	};
}

void doctor_good(struct doctor *d, const char *what, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	add(d, DOCTOR_OK, what, NULL, format, values);
	va_end(values);
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *what, const char *advice, const char *format,
		...)
{
	va_list values;
	assert(level == DOCTOR_OK || advice != NULL);
	va_start(values, format);
	add(d, level, what, advice, format, values);
	va_end(values);
}

/* ---- looking ---- */

/* Whoever works in a folder holds its lock; asking does not take it. */
static bool is_locked(const char *data)
{
	char path[600];
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	snprintf(path, sizeof path, "%.500s/lock", data);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool locked = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
	close(fd);
	return locked;
}

static void look_inside(struct doctor *d)
{
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		if (looks[i].inside)
			looks[i].look(d);
	}
}

static void open_and_look(struct doctor *d)
{
	struct store *store;
	struct error err;
	enum err r = place_open_store(d->settings, &store, &err);
	if (r == ERR_NOT_FOUND) {
		doctor_say(d, DOCTOR_DOUBT, "data", "the first start makes it; or see that --data names the right folder",
			   "there is nothing in \"%s\" yet", d->settings->data);
		return;
	}
	if (r == OK)
		r = store_connect(store, true, &d->conn, &err);
	if (r == OK)
		look_inside(d);
	else
		doctor_say(d, DOCTOR_WRONG, "store",
			   d->settings->store != NULL ? "see that the database runs, and that --store names it"
						      : "see who owns the data folder, and run this as that user",
			   "%s", err.text);
	store_disconnect(&d->conn);
	store_close(&store);
}

static void look_at_all(struct doctor *d)
{
	d->serving = is_locked(d->settings->data);
	doctor_good(d, "server", d->serving ? "one works in \"%s\"" : "none works in \"%s\"", d->settings->data);
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		if (!looks[i].inside)
			looks[i].look(d);
	}
	open_and_look(d);
}

/* ---- printing ---- */

static void print_table(const struct doctor *d)
{
	static const char *const marks[DOCTOR_LEVELS] = { "ok", "hm", "WRONG" };
	printf("mainstay doctor: %s\n", d->settings->data);
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		printf("  %-5s %-18.*s " STR_FMT "\n", marks[f->level], STR_ARG(f->what), STR_ARG(f->found));
		if (f->advice.len > 0)
			printf("                           -> " STR_FMT "\n", STR_ARG(f->advice));
	}
	printf("%u wrong, %u doubtful\n", d->levels[DOCTOR_WRONG], d->levels[DOCTOR_DOUBT]);
}

static void print_json(const struct doctor *d)
{
	struct json_writer json;
	cleanup_buf struct buf out;
	buf_init(&out, OUTPUT_BYTES_MAX);
	json_init(&json, &out);
	json_map_begin(&json);
	json_field_int(&json, "wrong", d->levels[DOCTOR_WRONG]);
	json_field_int(&json, "doubtful", d->levels[DOCTOR_DOUBT]);
	json_key(&json, "findings");
	json_list_begin(&json);
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		json_map_begin(&json);
		json_field_cstr(&json, "level", level_names[f->level]);
		json_field_text(&json, "what", f->what);
		json_field_text(&json, "found", f->found);
		json_key(&json, "advice");
		if (f->advice.len > 0)
			json_text(&json, f->advice);
		else
			json_null(&json);
		json_map_end(&json);
	}
	json_list_end(&json);
	json_map_end(&json);
	json_finish(&json);
	printf("%s\n", out.bytes);
}

static int examine(const struct settings *settings, bool as_json)
{
	cleanup_arena struct arena arena;
	struct clock clock;
	struct doctor *d = mem_alloc(sizeof *d);
	arena_init(&arena, 0);
	clock_system(&clock);
	*d = (struct doctor){ .settings = settings, .arena = &arena, .now = clock_wall(&clock) };
	look_at_all(d);
	if (as_json)
		print_json(d);
	else
		print_table(d);
	int status = d->levels[DOCTOR_WRONG] > 0 ? 1 : 0;
	mem_free(d);
	return status;
}

int run_doctor(const struct verb *verb, int argc, char **argv)
{
	struct settings settings;
	struct error err;
	const char *output = "table";
	if (argc >= 2 && (strcmp(argv[0], "-o") == 0 || strcmp(argv[0], "--output") == 0)) {
		output = argv[1];
		argc -= 2;
		argv += 2;
	}
	if (strcmp(output, "table") != 0 && strcmp(output, "json") != 0) {
		fprintf(stderr, "usage: mainstay %s\n", verb->usage);
		return 2;
	}
	/* A set-up that would not even start is still looked at by what check-config says of it. */
	if (settings_parse(argc, argv, &settings, &err) != OK)
		return verb_complain(&err);
	return examine(&settings, strcmp(output, "json") == 0);
}
