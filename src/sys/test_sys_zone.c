/*
 * test_sys_zone.c: the zones of this system, against an independent reader of the same files:
 * Python's zoneinfo, run here. Every zone, every change of 2020 to 2040, and the wall times around
 * each: `first`, `last` and how many instants show it.
 */
#include "base/check.h"
#include "sys/zone.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Looks at every fourth day (no zone changes and comes back within that) and halves down to the
 * second. Prints per zone "Z name", per change "I second offset abbreviation" and "W wall first last
 * count". */
static const char oracle[] =
	"import sys, zoneinfo, bisect\n"
	"from datetime import datetime, timedelta, timezone\n"
	"E = datetime(1970, 1, 1)\n"
	"U = timezone.utc\n"
	"seen = set()\n"
	"def run(name):\n"
	"    z = zoneinfo.ZoneInfo(name)\n"
	"    def off(t):\n"
	"        d = datetime.fromtimestamp(t, z)\n"
	"        return int(d.utcoffset().total_seconds()), d.tzname()\n"
	"    def candidates(w):\n"
	"        found = set()\n"
	"        naive = E + timedelta(seconds=w)\n"
	"        for fold in (0, 1):\n"
	"            d = naive.replace(tzinfo=z, fold=fold)\n"
	"            u = w - int(d.utcoffset().total_seconds())\n"
	"            if u + off(u)[0] == w: found.add(u)\n"
	"        return sorted(found)\n"
	"    def after_gap(w):\n"
	"        low, high = w - 30 * 3600, w + 30 * 3600\n"
	"        while low < high:\n"
	"            mid = (low + high) // 2\n"
	"            if mid + off(mid)[0] >= w: high = mid\n"
	"            else: low = mid + 1\n"
	"        return low\n"
	"    out = ['Z ' + name]\n"
	"    a = int(datetime(2020, 1, 1, tzinfo=U).timestamp())\n"
	"    end = int(datetime(2041, 1, 1, tzinfo=U).timestamp())\n"
	"    before = off(a)\n"
	"    out.append('I %d %d %s' % (a, *before))\n"
	"    for day in range(a + 345600, end, 345600):\n"
	"        now = off(day)\n"
	"        if now == before: continue\n"
	"        low, high = day - 345600, day\n"
	"        while low + 1 < high:\n"
	"            mid = (low + high) // 2\n"
	"            if off(mid) == before: low = mid\n"
	"            else: high = mid\n"
	"        for t in (high - 1, high, high + 1):\n"
	"            out.append('I %d %d %s' % (t, *off(t)))\n"
	"        walls = set()\n"
	"        for base in (high + before[0], high + now[0]):\n"
	"            for d in (-5401, -3600, -1800, -1, 0, 1, 900, 1800, 3599, 3600, 7200):\n"
	"                walls.add(base + d)\n"
	"        for w in sorted(walls):\n"
	"            c = candidates(w)\n"
	"            first, last = (c[0], c[-1]) if c else (after_gap(w),) * 2\n"
	"            out.append('W %d %d %d %d' % (w, first, last, len(c)))\n"
	"        before = now\n"
	"    print('\\n'.join(out))\n"
	"for name in sorted(zoneinfo.available_timezones()):\n"
	"    if name == 'Factory' or name == 'localtime': continue\n"
	"    with open('/usr/share/zoneinfo/' + name, 'rb') as f: data = f.read()\n"
	"    if data in seen: continue\n"
	"    seen.add(data)\n"
	"    run(name)\n"
	"print('END')\n";

/* Starts the oracle; NULL when there is no python3. TZ is set to something odd on purpose: neither
 * side may look at the zone of the process. */
static FILE *oracle_start(pid_t *ret_pid)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	char *argv[] = { "python3", "-c", (char *)(uintptr_t)oracle, NULL };
	int failed = posix_spawnp(ret_pid, "python3", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (failed != 0) {
		close(ends[0]);
		return NULL;
	}
	return fdopen(ends[0], "r");
}

struct counts {
	unsigned zones, instants, walls;
	bool ended;
};

static void compare_instant(const struct tz *tz, const char *zone, const char *line)
{
	long long second;
	int offset;
	char name[64];
	assert_int_equal(sscanf(line, "I %lld %d %63s", &second, &offset, name), 3);
	struct tz_local local = tz_local_of(tz, second * TIME_SECOND);
	if (local.offset_s != offset || strcmp(local.abbreviation, name) != 0)
		fail_msg("%s at %lld: wanted %d %s, found %d %s", zone, second, offset, name,
			 local.offset_s, local.abbreviation);
}

static void compare_wall(const struct tz *tz, const char *zone, const char *line)
{
	long long wall, first, last;
	unsigned count;
	assert_int_equal(sscanf(line, "W %lld %lld %lld %u", &wall, &first, &last, &count), 4);
	time_us at = wall * TIME_SECOND, found[TZ_INSTANTS_MAX];
	unsigned found_count = tz_instants(tz, at, found);
	long long found_first = tz_first(tz, at) / TIME_SECOND;
	long long found_last = tz_last(tz, at) / TIME_SECOND;
	if (found_count != count || found_first != first || found_last != last)
		fail_msg("%s wall %lld: wanted %lld..%lld (%u), found %lld..%lld (%u)", zone, wall,
			 first, last, count, found_first, found_last, found_count);
}

static struct counts compare_all(FILE *stream, struct zones *zones)
{
	struct counts counts = { 0 };
	const struct tz *tz = NULL;
	struct error err;
	char line[256], zone[ZONE_NAME_BYTES_MAX + 1] = "";
	while (fgets(line, sizeof line, stream) != NULL) {
		if (line[0] == 'Z') {
			assert_int_equal(sscanf(line, "Z %64s", zone), 1);
			CHECK_OK(zones_find(zones, str_of(zone), &tz, &err));
			counts.zones++;
		} else if (line[0] == 'I') {
			compare_instant(tz, zone, line);
			counts.instants++;
		} else if (line[0] == 'W') {
			compare_wall(tz, zone, line);
			counts.walls++;
		}
		counts.ended = strcmp(line, "END\n") == 0;
	}
	return counts;
}

TEST(every_change_of_every_zone_from_2020_to_2040_agrees_with_an_independent_reader)
{
	setenv("TZ", "Pacific/Chatham", 1);
	pid_t pid;
	FILE *stream = oracle_start(&pid);
	if (stream == NULL) {
		print_message("skipped: python3 is not installed\n");
		skip();
	}
	struct zones *zones = zones_create(NULL);
	struct counts counts = compare_all(stream, zones);
	fclose(stream);
	int status = 0;
	waitpid(pid, &status, 0);
	if (counts.zones == 0 && status != 0) {
		zones_destroy(&zones);
		print_message("skipped: python3 has no zoneinfo\n");
		skip();
	}
	print_message("%u zones, %u instants, %u wall times\n", counts.zones, counts.instants,
		      counts.walls);
	CHECK(counts.ended);
	CHECK(counts.zones > 300);
	CHECK(counts.instants > 10000);
	CHECK(counts.walls > 50000);
	zones_destroy(&zones);
}

TEST(a_zone_is_read_once_and_stays)
{
	struct zones *zones = zones_create(NULL);
	const struct tz *first, *second;
	struct error err;
	CHECK_OK(zones_find(zones, STR("Europe/London"), &first, &err));
	CHECK_OK(zones_find(zones, STR("Europe/London"), &second, &err));
	CHECK(first == second);
	CHECK_OK(zones_find(zones, STR("UTC"), &second, &err));
	CHECK_INT(tz_local_of(second, 0).offset_s, 0);
	zones_destroy(&zones);
	CHECK(zones == NULL);
}

TEST(names_that_are_not_zones_never_become_a_path)
{
	static const char *const bad[] = {
		"", "/", "/etc/passwd", "../../../etc/passwd", "Europe/../../../etc/passwd", "Europe/./London",
		"Europe//London", "Europe/", "europe/london", "right/UTC", "posix/UTC", "posixrules",
		"localtime", "Factory", "Zone.tab", "A/B/C/D", "Europe/Lon don", "Europe/London\n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	struct zones *zones = zones_create(NULL);
	const struct tz *tz = NULL;
	struct error err;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (zones_find(zones, str_of(bad[i]), &tz, &err) != ERR_INVALID)
			fail_msg("wanted \"%s\" to be refused as a name", bad[i]);
	CHECK_ERR(zones_find(zones, (struct str){ "UTC\0x", 5 }, &tz, &err), ERR_INVALID);
	CHECK(tz == NULL);
	zones_destroy(&zones);
}

TEST(an_unknown_zone_is_told_with_the_nearest_name)
{
	struct zones *zones = zones_create(NULL);
	const struct tz *tz = NULL;
	struct error err;
	CHECK_ERR(zones_find(zones, STR("Europe/Lodnon"), &tz, &err), ERR_NOT_FOUND);
	CHECK_TEXT(err.text, "there is no time zone \"Europe/Lodnon\"");
	CHECK_TEXT(err.hint, "did you mean \"Europe/London\"?");
	CHECK_ERR(zones_find(zones, STR("Europe"), &tz, &err), ERR_NOT_FOUND); /* a directory */
	zones_destroy(&zones);
}

TEST(the_list_holds_every_zone_and_each_of_it_loads)
{
	struct zones *zones = zones_create(NULL);
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct str *names;
	size_t count;
	struct error err;
	CHECK_OK(zones_names(zones, &arena, &names, &count, &err));
	CHECK(count > 400);
	bool utc = false, three = false;
	for (size_t i = 0; i < count; i++) {
		const struct tz *tz;
		CHECK_OK(zones_find(zones, names[i], &tz, &err));
		utc = utc || str_is(names[i], "UTC");
		three = three || str_is(names[i], "America/Argentina/Buenos_Aires");
		CHECK(i == 0 || str_cmp(names[i - 1], names[i]) < 0);
	}
	CHECK(utc);
	CHECK(three);
	char version[ZONES_VERSION_BYTES];
	zones_version(zones, version);
	CHECK(strlen(version) >= 5);
	CHECK(version[0] == '2');
	zones_destroy(&zones);
}

TEST(a_directory_without_zones_and_a_file_that_is_none_are_told)
{
	char directory[] = "/tmp/zones-XXXXXX";
	assert_non_null(mkdtemp(directory));
	struct zones *zones = zones_create(directory);
	const struct tz *tz = NULL;
	struct error err;
	char path[128];
	CHECK_ERR(zones_find(zones, STR("UTC"), &tz, &err), ERR_UNAVAILABLE);
	CHECK_TEXT(err.hint, "install the tzdata package");
	snprintf(path, sizeof path, "%s/UTC", directory);
	assert_int_equal(mkfifo(path, 0600), 0); /* opening it would wait for ever */
	CHECK_ERR(zones_find(zones, STR("UTC"), &tz, &err), ERR_UNAVAILABLE);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "TZif but not really", 19), 19);
	close(fd);
	CHECK_ERR(zones_find(zones, STR("UTC"), &tz, &err), ERR_INVALID);
	assert_int_equal(truncate(path, TZ_BYTES_MAX + 1), 0);
	CHECK_ERR(zones_find(zones, STR("UTC"), &tz, &err), ERR_TOO_LARGE);
	CHECK(tz == NULL);
	unlink(path);
	rmdir(directory);
	zones_destroy(&zones);
}

TESTS(RUN(every_change_of_every_zone_from_2020_to_2040_agrees_with_an_independent_reader),
      RUN(a_zone_is_read_once_and_stays), RUN(names_that_are_not_zones_never_become_a_path),
      RUN(an_unknown_zone_is_told_with_the_nearest_name),
      RUN(the_list_holds_every_zone_and_each_of_it_loads),
      RUN(a_directory_without_zones_and_a_file_that_is_none_are_told))
