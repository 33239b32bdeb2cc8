/*
 * doctor.c: see doctor.h. One function looks at one thing and reports it; reading `looks` is reading
 * what is looked at. To add one: a function and a row.
 */
#include "main/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "guard/guard.h"
#include "journal/journal.h"
#include "main/place.h"
#include "notify/notify_settings.h"
#include "oncall/paging.h"

#define SPACE_LEAST_BYTES (INT64_C(512) << 20)
#define BUILT_YEAR 2026 /* a clock before the program was written is wrong */
#define PEOPLE_MAX 1000u

struct look {
	const struct settings *settings;
	struct place *place; /* NULL: a server works in the folder; what it holds is not looked at */
	unsigned wrong, doubtful;
};

static void good(const char *what, const char *found)
{
	printf("  ok    %-18s %s\n", what, found);
}

static void bad(struct look *look, const char *what, const char *found, const char *advice)
{
	printf("  WRONG %-18s %s\n                           -> %s\n", what, found, advice);
	look->wrong++;
}

static void doubt(struct look *look, const char *what, const char *found, const char *advice)
{
	printf("  hm    %-18s %s\n                           -> %s\n", what, found, advice);
	look->doubtful++;
}

/* ---- the machine ---- */

static void look_at_space(struct look *look)
{
	struct statvfs fs;
	char text[128];
	if (statvfs(look->settings->data, &fs) != 0) {
		if (errno == ENOENT)
			return; /* said below: the first start makes it */
		bad(look, "disk", strerror(errno), "see that --data names a folder that exists");
		return;
	}
	int64_t spare = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	snprintf(text, sizeof text, "%lld MiB free where the data lies", (long long)(spare >> 20));
	if (spare < SPACE_LEAST_BYTES)
		bad(look, "disk", text, "free space: with less than 512 MiB the reserve cannot be kept");
	else
		good("disk", text);
}

static void look_at_clock(struct look *look)
{
	struct timespec now;
	char text[TIME_TEXT_BYTES];
	clock_gettime(CLOCK_REALTIME, &now);
	time_format(now.tv_sec * TIME_SECOND, text);
	if (time_civil_of(now.tv_sec * TIME_SECOND).year < BUILT_YEAR)
		bad(look, "clock", text, "set it: pages, hand-overs and certificates follow it");
	else if (access("/run/systemd/timesync/synchronized", F_OK) != 0 &&
		 access("/run/chrony", F_OK) != 0 && access("/run/ntpd.pid", F_OK) != 0)
		doubt(look, "clock", text, "nothing seems to keep it right; run systemd-timesyncd or chrony");
	else
		good("clock", text);
}

static void look_at_zones(struct look *look)
{
	struct zones *zones = zones_create(NULL);
	const struct tz *tz;
	struct error err;
	if (zones_find(zones, STR("Europe/London"), &tz, &err) == OK)
		good("time zones", "the zones' data is there");
	else
		bad(look, "time zones", err.text, "install the package tzdata");
	zones_destroy(&zones);
}

static void look_at_authorities(struct look *look)
{
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0)
		good("authorities", "/etc/ssl/certs/ca-certificates.crt can be read");
	else
		bad(look, "authorities", strerror(errno), "install the package ca-certificates");
}

/* ---- the folder ---- */

static void look_at_mode(struct look *look, const char *name, mode_t allowed)
{
	char path[600], text[700];
	struct stat st;
	snprintf(path, sizeof path, "%.500s/%s", look->settings->data, name);
	if (stat(path, &st) != 0)
		return;
	snprintf(text, sizeof text, "%.600s has mode %04o", path, (unsigned)st.st_mode & 07777);
	if ((st.st_mode & 07777 & ~allowed) != 0)
		bad(look, "permissions", text, "others can read secrets: chmod go= on it");
	else
		good("permissions", text);
}

static void look_at_modes(struct look *look)
{
	look_at_mode(look, ".", 0700);
	look_at_mode(look, "journal.key", 0600);
	look_at_mode(look, "mainstay.db", 0600);
}

static void look_at_settings(struct look *look)
{
	const struct settings *s = look->settings;
	if (s->public_url == NULL)
		doubt(look, "public URL", "none is set: links in pages point to where the server listens",
		      "give --public-url the address that a phone can reach");
	else
		good("public URL", s->public_url);
	if (s->tls_cert != NULL && access(s->tls_cert, R_OK) != 0)
		bad(look, "certificate", strerror(errno), "see that --tls-cert names a file that can be read");
	if (s->tls_key != NULL && access(s->tls_key, R_OK) != 0)
		bad(look, "certificate", strerror(errno), "see that --tls-key names a file that can be read");
}

/* ---- what is kept ---- */

static void look_at_journal(struct look *look, struct store_conn *conn)
{
	int64_t seq;
	time_us recorded;
	struct error err;
	char text[64];
	if (journal_last(conn, &seq, &recorded, &err) != OK) {
		bad(look, "journal", err.text, "run mainstay journal verify");
		return;
	}
	snprintf(text, sizeof text, "%lld events", (long long)seq);
	good("journal", text);
}

static void look_at_mail(struct look *look, struct store_conn *conn, struct arena *arena)
{
	struct notify_settings found;
	struct error err;
	if (notify_settings_get(conn, arena, &found, &err) != OK)
		bad(look, "mail relay", err.text, "run mainstay journal rebuild");
	else if (found.smtp.host.len == 0)
		doubt(look, "mail relay", "none is set up: no page goes out by e-mail",
		      "set one in Settings, Notification channels");
	else
		good("mail relay", arena_cstr(arena, found.smtp.host));
}

static bool see_wakeable(void *context, const struct paging_contact *contact)
{
	bool *found = context;
	*found = *found || !str_is(contact->channel, "browser");
	return !*found;
}

/* Whoever may be paged must have a way that can wake them. */
static void look_at_people(struct look *look, struct store_conn *conn, struct arena *arena)
{
	struct guard_user *users;
	struct error err;
	size_t count;
	if (guard_users(conn, arena, 0, PEOPLE_MAX, &users, &count, &err) != OK) {
		bad(look, "people", err.text, "run mainstay journal rebuild");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		bool wakeable = false;
		if (users[i].disabled || users[i].role == ROLE_VIEWER || users[i].role == ROLE_AUDITOR)
			continue;
		enum err r = paging_contacts(conn, users[i].id, arena, see_wakeable, &wakeable, &err);
		const char *name = arena_cstr(arena, users[i].email);
		if (r == OK && wakeable)
			good("can be woken", name);
		else
			bad(look, "cannot be woken", name, "add ntfy, e-mail or a webhook under On-call");
	}
}

static void look_inside(struct look *look)
{
	struct store_conn *conn;
	struct error err;
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	if (store_connect(look->place->store, true, &conn, &err) != OK) {
		bad(look, "store", err.text, "see the permissions of the data folder, or of the database");
		return;
	}
	if (look->settings->store != NULL) {
		char shown[300];
		settings_shown(look->settings->store, shown, sizeof shown);
		good("database", shown);
	}
	look_at_journal(look, conn);
	look_at_mail(look, conn, &arena);
	look_at_people(look, conn, &arena);
	store_disconnect(&conn);
}

static void (*const looks[])(struct look *look) = {
	look_at_space, look_at_clock, look_at_zones, look_at_authorities, look_at_modes, look_at_settings,
};

int run_doctor(const struct verb *verb, int argc, char **argv)
{
	(void)verb;
	struct settings settings;
	struct place place;
	struct error err;
	if (settings_parse(argc, argv, &settings, &err) != OK) {
		fprintf(stderr, "mainstay: %s\n", err.text);
		return 2;
	}
	struct look look = { .settings = &settings };
	printf("mainstay doctor: %s\n", settings.data);
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
		looks[i](&look);
	if (access(settings.data, F_OK) != 0) {
		doubt(&look, "data", "there is no such folder yet", "the first start makes it");
	} else if (place_open(&settings, "http://localhost", &(struct place_hooks){ 0 }, &place, &err) == OK) {
		look.place = &place;
		look_inside(&look);
		place_close(&place);
	} else if (err.code == ERR_CONFLICT) {
		good("server", "one works on this store; stop it to look at what it keeps");
	} else {
		bad(&look, "store", err.text, err.hint[0] != '\0' ? err.hint : "run mainstay journal verify");
	}
	printf("%u wrong, %u doubtful\n", look.wrong, look.doubtful);
	return look.wrong > 0 ? 1 : 0;
}
