/*
 * zone.c: see zone.h. A name comes from a person, so it is checked letter by letter before it
 * becomes part of a path: no dot ever gets there, hence no "..", and no leading slash.
 */
#include "sys/zone.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PATH_BYTES 512u
#define NEAR_EDITS_MAX 4u /* a name further away than this is not what was meant */

struct entry {
	char name[ZONE_NAME_BYTES_MAX + 1];
	struct tz *tz;
};

struct zones {
	char *directory;
	pthread_mutex_t lock; /* over what follows */
	struct entry *entries;
	size_t count;
};

struct zones *zones_create(const char *directory)
{
	struct zones *zones = mem_alloc(sizeof *zones);
	zones->directory = mem_strdup(directory != NULL ? directory : ZONES_DIRECTORY);
	zones->entries = mem_alloc(sizeof *zones->entries * ZONES_MAX);
	int failed = pthread_mutex_init(&zones->lock, NULL);
	assert(failed == 0);
	return zones;
}

void zones_destroy(struct zones **zones)
{
	if (*zones == NULL)
		return;
	for (size_t i = 0; i < (*zones)->count; i++)
		tz_destroy(&(*zones)->entries[i].tz);
	pthread_mutex_destroy(&(*zones)->lock);
	mem_free((*zones)->entries);
	mem_free((*zones)->directory);
	mem_free(*zones);
	*zones = NULL;
}

static bool is_zone_byte(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '+';
}

/* A part begins with a capital: "posix/", "right/", "localtime" and the tables do not. */
static bool part_is_name(struct str part)
{
	if (part.len == 0 || part.ptr[0] < 'A' || part.ptr[0] > 'Z')
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (!is_zone_byte(part.ptr[i]))
			return false;
	return !str_is(part, "Factory"); /* "nobody has set the zone" is not a zone */
}

static bool is_zone_name(struct str name)
{
	if (name.len == 0 || name.len > ZONE_NAME_BYTES_MAX)
		return false;
	struct str part, rest = name;
	for (unsigned depth = 0; depth < ZONE_DEPTH_MAX; depth++) {
		bool more = str_cut(rest, '/', &part, &rest);
		if (!part_is_name(part))
			return false;
		if (!more)
			return true;
	}
	return false;
}

/* Reads a regular file whole; a device or a pipe in its place is refused, not waited for. */
static enum err read_file(const char *path, char *bytes, size_t size, size_t *ret_length,
			  struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
				 "could not open the time zone data: %s", strerror(errno));
	struct stat stat;
	size_t length = 0;
	ssize_t count = -1;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
		do {
			count = read(fd, bytes + length, size - length);
			if (count > 0)
				length += (size_t)count;
		} while ((count > 0 && length < size) || (count < 0 && errno == EINTR));
	}
	close(fd);
	if (count < 0)
		return error_set(err, ERR_NOT_FOUND,
				 "cannot read the time zone data: it is not a file");
	*ret_length = length;
	return OK;
}

static enum err load(const struct zones *zones, struct str name, struct tz **ret_tz,
		     struct error *err)
{
	char path[PATH_BYTES];
	int length = snprintf(path, sizeof path, "%s/" STR_FMT, zones->directory, STR_ARG(name));
	if (length < 0 || (size_t)length >= sizeof path)
		return error_set(err, ERR_INVALID,
				 "cannot use the directory of time zones: its path is "
				 "too long");
	cleanup_free char *bytes =
		mem_alloc(TZ_BYTES_MAX + 1); /* one more, to see that it is too large */
	size_t size;
	enum err failed = read_file(path, bytes, TZ_BYTES_MAX + 1, &size, err);
	if (failed != OK)
		return failed;
	return tz_create((struct str){ bytes, size }, ret_tz, err);
}

static const struct entry *find_loaded(const struct zones *zones, struct str name)
{
	for (size_t i = 0; i < zones->count; i++)
		if (str_is(name, zones->entries[i].name))
			return &zones->entries[i];
	return NULL;
}

static enum err find_or_load(struct zones *zones, struct str name, const struct tz **ret_tz,
			     struct error *err)
{
	const struct entry *known = find_loaded(zones, name);
	if (known != NULL) {
		*ret_tz = known->tz;
		return OK;
	}
	if (zones->count == ZONES_MAX)
		return error_set(err, ERR_LIMIT, "cannot keep more than %u time zones", ZONES_MAX);
	struct entry *entry = &zones->entries[zones->count];
	enum err failed = load(zones, name, &entry->tz, err);
	if (failed != OK)
		return failed;
	snprintf(entry->name, sizeof entry->name, STR_FMT, STR_ARG(name));
	zones->count++;
	*ret_tz = entry->tz;
	return OK;
}

/* Says which zone was meant, or that the data is not there at all. */
static enum err not_found(struct zones *zones, struct str name, struct error *err)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 0);
	struct str *names;
	size_t count = 0;
	if (zones_names(zones, &arena, &names, &count, NULL) != OK || count == 0) {
		error_set(err, ERR_UNAVAILABLE, "could not find the time zone data in \"%s\"",
			  zones->directory);
		error_hint(err, "install the tzdata package");
		return ERR_UNAVAILABLE;
	}
	error_set(err, ERR_NOT_FOUND, "there is no time zone \"" STR_FMT "\"", STR_ARG(name));
	unsigned best = NEAR_EDITS_MAX + 1;
	for (size_t i = 0; i < count; i++) {
		unsigned distance = str_distance(name, names[i]);
		if (distance >= best)
			continue;
		best = distance;
		error_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(names[i]));
	}
	if (best > NEAR_EDITS_MAX)
		error_hint(err, "names look like \"Europe/London\"");
	return ERR_NOT_FOUND;
}

enum err zones_find(struct zones *zones, struct str name, const struct tz **ret_tz,
		    struct error *err)
{
	if (!is_zone_name(name)) {
		error_set(err, ERR_INVALID, "\"" STR_FMT "\" is not the name of a time zone",
			  STR_ARG(str_sub(name, 0, ZONE_NAME_BYTES_MAX)));
		error_hint(err, "names look like \"Europe/London\"");
		return ERR_INVALID;
	}
	pthread_mutex_lock(&zones->lock);
	enum err failed = find_or_load(zones, name, ret_tz, err);
	pthread_mutex_unlock(&zones->lock);
	return failed == ERR_NOT_FOUND ? not_found(zones, name, err) : failed;
}

struct listing {
	struct arena *arena;
	struct str *names;
	size_t count;
};

static bool begins_as_zone(const char *path)
{
	char magic[4];
	size_t length = 0;
	return read_file(path, magic, sizeof magic, &length, NULL) == OK && length == 4 &&
	       memcmp(magic, "TZif", 4) == 0;
}

/* Recursion ends at ZONE_DEPTH_MAX: the length of a name that is_zone_name allows. */
static void list_directory(struct listing *listing, const char *root, const char *below,
			   unsigned depth)
{
	assert(depth <= ZONE_DEPTH_MAX);
	char path[PATH_BYTES + ZONE_NAME_BYTES_MAX];
	snprintf(path, sizeof path, "%s/%s", root, below);
	DIR *directory = opendir(path);
	if (directory == NULL)
		return;
	const struct dirent *found;
	while ((found = readdir(directory)) != NULL) {
		char name[ZONE_NAME_BYTES_MAX + 1];
		int length = snprintf(name, sizeof name, "%s%s%s", below,
				      below[0] != '\0' ? "/" : "", found->d_name);
		if (length < 0 || (size_t)length >= sizeof name || !is_zone_name(str_of(name)))
			continue;
		snprintf(path, sizeof path, "%s/%s", root, name);
		if (begins_as_zone(path) && listing->count < ZONES_MAX)
			listing->names[listing->count++] = arena_str(listing->arena, str_of(name));
		else if (depth < ZONE_DEPTH_MAX)
			list_directory(listing, root, name, depth + 1);
	}
	closedir(directory);
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err zones_names(struct zones *zones, struct arena *arena, struct str **ret_names,
		     size_t *ret_count, struct error *err)
{
	if (strlen(zones->directory) >= PATH_BYTES)
		return error_set(err, ERR_INVALID,
				 "cannot use the directory of time zones: its path is "
				 "too long");
	struct listing listing = {.arena = arena,
				  .names = arena_array(arena, struct str, ZONES_MAX)};
	list_directory(&listing, zones->directory, "", 1);
	if (listing.count == 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "could not find the time zone data in \"%s\"", zones->directory);
	qsort(listing.names, listing.count, sizeof listing.names[0], compare_names);
	*ret_names = listing.names;
	*ret_count = listing.count;
	return OK;
}

void zones_version(struct zones *zones, char ret_version[ZONES_VERSION_BYTES])
{
	ret_version[0] = '\0';
	char path[PATH_BYTES], text[64];
	size_t length = 0;
	int used = snprintf(path, sizeof path, "%s/tzdata.zi", zones->directory);
	if (used < 0 || (size_t)used >= sizeof path ||
	    read_file(path, text, sizeof text, &length, NULL) != OK)
		return;
	struct str line, rest, all = { text, length };
	str_cut(all, '\n', &line, &rest);
	if (!str_starts(line, STR("# version ")))
		return;
	struct str version = str_sub(line, 10, line.len);
	snprintf(ret_version, ZONES_VERSION_BYTES, STR_FMT, STR_ARG(version));
}
