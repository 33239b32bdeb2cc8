/* scrape_files.c: see scrape_files.h. */
#include "monitor/scrape_files.h"

#include <glob.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "sys/file.h"

const char *scrape_file_path(struct arena *arena, const char *config_path, struct str path)
{
	const char *slash = strrchr(config_path, '/');
	bool absolute = (path.len > 0 && path.ptr[0] == '/') || slash == NULL;
	return arena_printf(arena, "%.*s" STR_FMT, absolute ? 0 : (int)(slash + 1 - config_path), config_path, STR_ARG(path)).ptr;
}

enum err scrape_file_secret(const char *config_path, struct str text, struct str file, struct arena *arena, struct str *ret_text,
			    struct error *err)
{
	char *bytes;
	size_t size;
	*ret_text = text;
	if (file.len == 0)
		return OK;
	enum err r = file_read(scrape_file_path(arena, config_path, file), SCRAPE_SECRET_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	*ret_text = arena_str(arena, str_trim((struct str){ bytes, size }));
	sodium_memzero(bytes, size);
	mem_free(bytes);
	return OK;
}

/* The texts of what is read keep looking at it. */
static enum err read_file(const char *path, struct arena *arena, struct str *ret_text, struct troubles *troubles)
{
	char *bytes;
	size_t size;
	struct error err;
	enum err r = file_read(path, SCRAPE_CONFIG_BYTES_MAX, &bytes, &size, &err);
	if (r != OK) {
		troubles_add_text(troubles, str_of(err.text));
		return r;
	}
	char *copy = arena_try(arena, size + 1);
	if (copy != NULL && size > 0)
		memcpy(copy, bytes, size);
	mem_free(bytes);
	if (copy == NULL) {
		troubles_add(troubles, 1, 1, "it is too large, with those before it");
		return ERR_TOO_LARGE;
	}
	*ret_text = (struct str){ copy, size };
	return OK;
}

struct more {
	struct arena *arena;
	struct scrape_config *config;
	struct troubles *troubles;
};

static void read_more(void *context, const char *path)
{
	struct more *more = context;
	const char *source = more->troubles->source;
	struct str text;
	more->troubles->source = path;
	if (read_file(path, more->arena, &text, more->troubles) == OK)
		scrape_config_read_more(text, more->arena, more->config, more->troubles);
	more->troubles->source = source;
}

enum err scrape_files_load(const char *path, struct arena *arena, struct scrape_config *ret_config,
			   struct troubles *troubles)
{
	struct str text;
	*ret_config = (struct scrape_config){ .unused_count = 0 };
	*troubles = (struct troubles){ .arena = arena, .source = path };
	enum err r = read_file(path, arena, &text, troubles);
	if (r != OK)
		return r;
	scrape_config_read(text, arena, ret_config, troubles);
	struct more more = { arena, ret_config, troubles };
	for (size_t i = 0; i < ret_config->more_files.count; i++)
		scrape_files_each(path, ret_config->more_files.rows[i], read_more, &more);
	return troubles->count == 0 ? OK : ERR_INVALID;
}

/* Where they come from is a label that relabelling may look at. */
enum err scrape_groups_label(struct scrape_groups *groups, struct arena *arena, const char *name, struct str value,
			     struct error *err)
{
	char *copy = arena_try(arena, value.len + 1);
	bool room = copy != NULL;
	if (room && value.len > 0)
		memcpy(copy, value.ptr, value.len);
	for (size_t i = 0; room && i < groups->list.count; i++) {
		struct scrape_group *group = &groups->list.rows[i];
		struct scrape_pair *pairs = arena_try(arena, (group->labels.count + 1) * sizeof *pairs);
		room = pairs != NULL;
		if (!room)
			break;
		if (group->labels.count > 0)
			memcpy(pairs, group->labels.rows, group->labels.count * sizeof *pairs);
		pairs[group->labels.count++] = (struct scrape_pair){ str_of(name), { copy, value.len } };
		group->labels.rows = pairs;
	}
	return room ? OK : error_set(err, ERR_TOO_LARGE, "%zu groups of targets are too large", groups->list.count);
}

enum err scrape_files_groups(const char *path, struct arena *arena, struct scrape_groups *ret_groups,
			     struct troubles *troubles)
{
	struct str text, name = str_of(path);
	*ret_groups = (struct scrape_groups){ .list.count = 0 };
	*troubles = (struct troubles){ .arena = arena, .source = path };
	enum err r = read_file(path, arena, &text, troubles);
	if (r != OK)
		return r;
	bool json = str_ends(name, STR(".json")) || str_ends(name, STR(".JSON"));
	struct error err;
	r = scrape_groups_read(text, json, arena, ret_groups, troubles);
	if (r == OK && (r = scrape_groups_label(ret_groups, arena, "__meta_filepath", name, &err)) != OK)
		troubles_add(troubles, 1, 1, "%s", err.text);
	return r;
}

size_t scrape_files_each(const char *config_path, struct str pattern, scrape_file_fn *see, void *context)
{
	cleanup_arena struct arena arena;
	glob_t found;
	size_t count = 0;
	arena_init(&arena, 0);
	if (glob(scrape_file_path(&arena, config_path, pattern), 0, NULL, &found) != 0)
		return 0;
	for (; count < found.gl_pathc; count++)
		see(context, found.gl_pathv[count]);
	globfree(&found);
	return count;
}
