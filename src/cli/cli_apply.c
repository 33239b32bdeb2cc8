/*
 * cli_apply.c: mainstay apply: files -> plan -> yes? -> carried out, all or nothing.
 *
 * The plan comes from the server, which is the only one who knows what is defined; the files are sent
 * as they are, so that its complaints name file, line and column.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli_http.h"
#include "sys/file.h"
#include "wire/json_writer.h"

#define FILES_MAX 1000u
#define FILE_BYTES_MAX (1u << 20)
#define BODY_BYTES_MAX (32u << 20)
#define DEPTH_MAX 16u
#define NAME_BYTES_MAX 255u
#define ANSWER_BYTES 16

struct gathering {
	struct cli_call *call;
	struct json_writer json;
	unsigned count;
};

/* ---- reading ---- */

static bool is_definition(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
}

static enum err add_file(struct gathering *gathering, const char *path, struct error *err)
{
	char *bytes;
	size_t size;
	if (gathering->count == FILES_MAX)
		return error_set(err, ERR_TOO_LARGE, "there are more than %u files", FILES_MAX);
	if (strlen(path) > NAME_BYTES_MAX)
		return error_set(err, ERR_INVALID, "the path \"%.100s...\" is longer than %u bytes", path,
				 NAME_BYTES_MAX);
	enum err r = file_read(path, FILE_BYTES_MAX, &bytes, &size, err);
	if (r != OK)
		return r;
	struct str text = { bytes, size };
	if (!str_is_utf8(text) || memchr(bytes, '\0', size) != NULL) {
		mem_free(bytes);
		return error_set(err, ERR_CONFLICT, "%s: the file is not text in UTF-8", path);
	}
	json_map_begin(&gathering->json);
	json_field_cstr(&gathering->json, "name", path);
	json_field_text(&gathering->json, "text", text);
	json_map_end(&gathering->json);
	mem_free(bytes);
	gathering->count++;
	return OK;
}

static int skip_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static enum err add_path(struct gathering *gathering, const char *path, unsigned depth, bool named,
			 struct error *err);

/* In order of their names, so that the same folder is the same request. */
static enum err add_folder(struct gathering *gathering, const char *path, unsigned depth,
			   struct error *err)
{
	struct dirent **entries;
	struct arena *arena = &gathering->call->arena;
	enum err r = OK;
	if (depth == DEPTH_MAX)
		return error_set(err, ERR_TOO_LARGE, "folders are more than %u deep at \"%.200s\"", DEPTH_MAX,
				 path);
	int count = scandir(path, &entries, skip_hidden, alphasort);
	if (count < 0)
		return error_set(err, ERR_IO, "cannot read the folder \"%.200s\": %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
		struct str inner = arena_printf(arena, "%s%s%s", path, slash, entries[i]->d_name);
		if (r == OK)
			r = add_path(gathering, inner.ptr, depth + 1, false, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* What was named is taken whatever it is called; in folders only what is called as definitions are. */
static enum err add_path(struct gathering *gathering, const char *path, unsigned depth, bool named,
			 struct error *err)
{
	struct stat about;
	if (stat(path, &about) != 0)
		return error_set(err, ERR_NOT_FOUND, "cannot read \"%.300s\": %s", path, strerror(errno));
	if (S_ISDIR(about.st_mode))
		return add_folder(gathering, path, depth, err);
	bool wanted = named || (S_ISREG(about.st_mode) && is_definition(str_of(path)));
	return wanted ? add_file(gathering, path, err) : OK;
}

static enum err gather(struct cli_call *call, struct str *ret_files, struct error *err)
{
	struct gathering gathering = { .call = call };
	struct buf files;
	struct str path;
	size_t at = 0;
	enum err r = OK;
	buf_init(&files, BODY_BYTES_MAX);
	json_init(&gathering.json, &files);
	json_list_begin(&gathering.json);
	while (r == OK && cli_next(call, "file", &at, &path)) {
		while (path.len > 1 && path.ptr[path.len - 1] == '/')
			path.len--;
		r = add_path(&gathering, arena_cstr(&call->arena, path), 0, true, err);
	}
	if (r == OK && files.full)
		r = error_set(err, ERR_TOO_LARGE, "the files have more than %u bytes", BODY_BYTES_MAX);
	if (r == OK && gathering.count == 0) {
		r = error_set(err, ERR_INVALID, "there is no definition file in what was named");
		error_hint(err, "their names end in .yaml, .yml or .json");
	}
	if (r == OK) {
		json_list_end(&gathering.json);
		json_finish(&gathering.json);
		*ret_files = arena_str(&call->arena, buf_str(&files));
	}
	buf_finish(&files);
	return r;
}

/* ---- asking ---- */

static enum err ask_apply(struct cli_call *call, struct str files, bool dry_run,
			  const struct doc_node **ret_answer, struct error *err)
{
	struct buf body;
	struct json_writer json;
	buf_init(&body, BODY_BYTES_MAX + 4096);
	json_init(&json, &body);
	json_map_begin(&json);
	json_field_text(&json, "set", cli_text(call, "set"));
	json_key(&json, "files");
	json_raw(&json, files);
	json_field_bool(&json, "dry_run", dry_run);
	json_field_bool(&json, "prune", cli_switch(call, "prune"));
	json_field_bool(&json, "take", cli_switch(call, "take"));
	json_map_end(&json);
	json_finish(&json);
	enum err r = cli_ask(call, "POST", STR("/apply"), buf_str(&body), ret_answer, err);
	buf_finish(&body);
	return r;
}

/* ---- showing ---- */

struct tally {
	size_t create, update, delete, unchanged, refused;
};

static size_t *counter(struct tally *tally, struct str action)
{
	if (str_is(action, "create"))
		return &tally->create;
	if (str_is(action, "update"))
		return &tally->update;
	if (str_is(action, "delete"))
		return &tally->delete;
	return str_is(action, "refused") ? &tally->refused : &tally->unchanged;
}

static struct tally count(const struct doc_node *answer)
{
	struct tally tally = { 0 };
	const struct doc_node *changes = doc_get(answer, "changes");
	for (size_t i = 0; i < doc_count(changes); i++)
		(*counter(&tally, doc_text(doc_get(doc_at(changes, i), "action"), "")))++;
	return tally;
}

static void show_diff(struct cli_call *call, struct str diff)
{
	struct str line;
	while (diff.len > 0) {
		str_cut(diff, '\n', &line, &diff);
		const char *code = str_starts(line, STR("+")) ? "32" : str_starts(line, STR("-")) ? "31" : NULL;
		buf_adds(&call->out, "    ");
		cli_colour(&call->screen, &call->out, code, cli_text_clean(&call->arena, line));
		buf_addc(&call->out, '\n');
	}
}

static void show_change(struct cli_call *call, const struct doc_node *change)
{
	struct str action = doc_text(doc_get(change, "action"), "");
	struct str file = doc_text(doc_get(change, "file"), "");
	struct str reason = doc_text(doc_get(change, "reason"), "");
	const char *code = str_is(action, "create") ? "32" : str_is(action, "update") ? "33" : "31";
	if (str_is(action, "unchanged"))
		return;
	cli_colour(&call->screen, &call->out, code, cli_text_clean(&call->arena, action));
	buf_printf(&call->out, " " STR_FMT " " STR_FMT, STR_ARG(doc_text(doc_get(change, "kind"), "")),
		   STR_ARG(doc_text(doc_get(change, "name"), "")));
	if (file.len > 0)
		buf_printf(&call->out, " (" STR_FMT ":%lld)", STR_ARG(cli_text_clean(&call->arena, file)),
			   (long long)doc_int(doc_get(change, "line"), 0));
	if (reason.len > 0)
		buf_printf(&call->out, ": " STR_FMT, STR_ARG(cli_text_clean(&call->arena, reason)));
	buf_addc(&call->out, '\n');
	show_diff(call, doc_text(doc_get(change, "diff"), ""));
}

static void show_plan(struct cli_call *call, const struct doc_node *answer)
{
	const struct doc_node *changes = doc_get(answer, "changes");
	struct tally tally = count(answer);
	for (size_t i = 0; i < doc_count(changes); i++)
		show_change(call, doc_at(changes, i));
	buf_printf(&call->out, "%zu to create, %zu to update, %zu to delete, %zu unchanged", tally.create,
		   tally.update, tally.delete, tally.unchanged);
	if (tally.refused > 0)
		buf_printf(&call->out, ", %zu refused", tally.refused);
	buf_addc(&call->out, '\n');
}

/* On stderr, as compilers do it: an editor can jump there. */
static void show_errors(struct cli_call *call, const struct doc_node *errors)
{
	for (size_t i = 0; i < doc_count(errors); i++) {
		const struct doc_node *row = doc_at(errors, i);
		fprintf(stderr, STR_FMT ":%lld:%lld: " STR_FMT "\n",
			STR_ARG(cli_text_clean(&call->arena, doc_text(doc_get(row, "file"), ""))),
			(long long)doc_int(doc_get(row, "line"), 0),
			(long long)doc_int(doc_get(row, "column"), 0),
			STR_ARG(cli_text_clean(&call->arena, doc_text(doc_get(row, "text"), ""))));
	}
}

static enum err judge(struct cli_call *call, const struct doc_node *answer, struct error *err)
{
	const struct doc_node *errors = doc_get(answer, "errors");
	size_t refused = count(answer).refused;
	if (doc_count(errors) > 0) {
		show_errors(call, errors);
		return error_set(err, ERR_CONFLICT, "nothing was applied: %zu mistake%s in the files",
				 doc_count(errors), doc_count(errors) == 1 ? "" : "s");
	}
	if (refused == 0)
		return OK;
	error_set(err, ERR_CONFLICT, "nothing was applied: %zu change%s refused", refused,
		  refused == 1 ? " was" : "s were");
	if (!cli_switch(call, "take"))
		error_hint(err, "to overwrite what people changed since: --take");
	return ERR_CONFLICT;
}

/* Without a terminal nobody can be asked: who runs it from a script has decided. */
static bool agreed(const char *question)
{
	char answer[ANSWER_BYTES] = "";
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	fprintf(stderr, "%s [y/N] ", question);
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static enum err show(struct cli_call *call, const struct doc_node *answer, struct error *err)
{
	if (call->settings.format == CLI_TABLE && doc_count(doc_get(answer, "errors")) == 0)
		show_plan(call, answer);
	else if (call->settings.format != CLI_TABLE)
		cli_show(call, call->action->sections, answer);
	return cli_flush(call, err);
}

static enum err apply(struct cli_call *call, struct error *err)
{
	struct str files;
	const struct doc_node *answer;
	enum err r = gather(call, &files, err);
	if (r == OK)
		r = ask_apply(call, files, true, &answer, err);
	if (r != OK)
		return r;
	struct tally tally = count(answer);
	bool wrong = doc_count(doc_get(answer, "errors")) > 0 || tally.refused > 0;
	bool last = wrong || cli_switch(call, "dry-run") ||
		    tally.create + tally.update + tally.delete == 0;
	if (last || call->settings.format == CLI_TABLE)
		r = show(call, answer, err);
	if (r != OK || last)
		return r == OK ? judge(call, answer, err) : r;
	if (!cli_switch(call, "yes") && !agreed("apply this?"))
		return error_set(err, ERR_CANCELLED, "nothing was applied");
	r = ask_apply(call, files, false, &answer, err);
	if (r == OK)
		r = judge(call, answer, err);
	if (r != OK)
		return r;
	if (!doc_bool(doc_get(answer, "applied"), false))
		return error_set(err, ERR_CONFLICT, "nothing was applied: something changed in between; again?");
	if (call->settings.format != CLI_TABLE)
		cli_show(call, call->action->sections, answer);
	else
		buf_adds(&call->out, "applied\n");
	return OK;
}

static const struct cli_column change[] = {
	{ "ACTION", "action", CLI_SHOW_STATE }, { "KIND", "kind" }, { "NAME", "name" }, { "FILE", "file" },
	{ "LINE", "line", CLI_SHOW_NUMBER },	{ "WHY", "reason" }, { NULL },
};
static const struct cli_section changes[] = { { .items = "changes", .columns = change }, { 0 } };

static const struct cli_input apply_inputs[] = {
	{ "file", CLI_TEXT, CLI_OWN, "a file, or a folder with all that is in it; may be repeated",
	  CLI_REQUIRED | CLI_MANY, .value = "PATH", .letter = 'f' },
	{ "set", CLI_TEXT, CLI_OWN, "the name of this file set: it manages what it made", CLI_REQUIRED,
	  .value = "NAME" },
	{ "dry-run", CLI_SWITCH, CLI_OWN, "show the plan and stop" },
	{ "prune", CLI_SWITCH, CLI_OWN, "delete what this set made and no longer lists" },
	{ "take", CLI_SWITCH, CLI_OWN, "overwrite what people changed since" },
	{ "yes", CLI_SWITCH, CLI_OWN, "do not ask", .letter = 'y' },
	{ .name = NULL },
};

const struct cli_action apply_actions[] = {
	{ "", "Shows what a set of definition files would change, asks, and carries it out: all or nothing.",
	  NULL, NULL, apply_inputs, changes, .run = apply,
	  .examples = { "mainstay apply -f mainstay/ --set shop --dry-run",
			"mainstay apply -f mainstay/shop.yaml -f mainstay/web.yaml --set shop --yes" } },
	{ 0 },
};
