/*
 * channel_command.c: a program of the operator's, from the directory the server was started with.
 *
 * A contact names a file in that directory and nothing else: no path, no arguments, no shell. The file
 * and the directory must belong to root or to us and be writable by nobody else, so whoever may
 * enter contacts cannot bring a program. The page comes as JSON on standard input; the exit status
 * 0 is "sent"; what it prints is kept as the detail.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "notify/channel_priv.h"
#include "sys/child.h"

#define COMMAND_TIMEOUT (10 * TIME_SECOND)
#define COMMAND_OUTPUT_BYTES_MAX 4096u
#define COMMANDS_MAX 1000u

struct command_try {
	struct channel_tools *tools;
	const struct notify_page *message; /* NULL: cancelled, nobody listens */
	void *run;
	channel_done_fn *done;
	void *context;
};

static bool only_ours_writes(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum err check_file(int dir, const char *name, struct error *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_set(err, ERR_INVALID, "there is no command \"%s\" in the commands' directory", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_DENIED, "the command \"%s\" is not a regular file", name);
	if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0 || faccessat(dir, name, X_OK, AT_EACCESS) != 0)
		return error_set(err, ERR_DENIED, "the command \"%s\" is not executable", name);
	if (!only_ours_writes(&st))
		return error_set(err, ERR_DENIED, "the command \"%s\" can be changed by others; make it "
				 "writable by its owner alone", name);
	return OK;
}

/* The path of a command that may be run. */
static enum err find_command(const char *directory, struct str name, char ret_path[PATH_MAX],
			     struct error *err)
{
	struct stat st;
	char text[256];
	if (directory == NULL)
		return error_set(err, ERR_INVALID, "the server was started without a directory of commands");
	if (!str_is_name(name))
		return error_set(err, ERR_INVALID, "a command is named by letters, digits and inner dashes");
	snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set(err, ERR_NOT_FOUND, "could not open the directory of commands: %s",
				 strerror(errno));
	enum err r = OK;
	if (fstat(dir, &st) != 0 || !only_ours_writes(&st))
		r = error_set(err, ERR_DENIED, "the directory of commands can be changed by others; make it "
			      "writable by its owner alone");
	if (r == OK)
		r = check_file(dir, text, err);
	close(dir);
	int length = snprintf(ret_path, PATH_MAX, "%s/%s", directory, text);
	if (r == OK && length >= PATH_MAX)
		r = error_set(err, ERR_INVALID, "the path of the command is too long");
	return r;
}

static struct channel_result judge(const struct notify_page *message, const struct child_result *result)
{
	struct str said = str_trim(result->out.len > 0 ? result->out : result->errors);
	long long took = (long long)(result->took / TIME_MS);
	const char *colon = said.len > 0 ? ": " : "";
	if (result->end == CHILD_EXITED && result->exit_code == 0)
		return channel_result(CHANNEL_SENT, message, STR_NONE, "exit 0 in %lld ms%s" STR_FMT, took,
				      colon, STR_ARG(said));
	said = str_trim(result->errors.len > 0 ? result->errors : result->out);
	colon = said.len > 0 ? ": " : "";
	if (result->end == CHILD_EXITED)
		return channel_result(CHANNEL_RETRY, message, STR_NONE, "exit %d in %lld ms%s" STR_FMT,
				      result->exit_code, took, colon, STR_ARG(said));
	if (result->end == CHILD_TIMED_OUT)
		return channel_result(CHANNEL_RETRY, message, STR_NONE, "still running after %lld s, ended%s" STR_FMT,
				      (long long)(COMMAND_TIMEOUT / TIME_SECOND), colon, STR_ARG(said));
	return channel_result(CHANNEL_RETRY, message, STR_NONE, "ended by signal %d in %lld ms%s" STR_FMT,
			      result->signal_number, took, colon, STR_ARG(said));
}

static void on_exit_of(void *context, const struct child_result *result)
{
	struct command_try *try = context;
	struct command_try ended = *try;
	assert(try->tools->runs > 0);
	try->tools->runs--;
	mem_free(try);
	if (ended.message == NULL)
		return;
	struct channel_result told = judge(ended.message, result);
	ended.done(ended.context, &told);
}

/* The program's end is still waited for; then the try is freed. */
static void cancel(void *context)
{
	struct command_try *try = context;
	try->message = NULL;
	try->tools->runner.kill(try->tools->runner.context, try->run);
}

static enum err send_page(struct channel_tools *tools, const struct notify_page *message,
		     channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
						   NULL };
	char path[PATH_MAX];
	cleanup_buf struct buf input;
	buf_init(&input, CHANNEL_JSON_BYTES_MAX);
	enum err r = find_command(tools->command_directory, message->address, path, err);
	if (r != OK)
		return r;
	channel_write_json(message, &input);
	buf_adds(&input, "\n");
	assert(!input.full);
	const char *argv[] = { path, NULL };
	struct child_request request = { .argv = argv, .env = environment, .input = buf_str(&input),
					 .timeout = COMMAND_TIMEOUT,
					 .output_max_bytes = COMMAND_OUTPUT_BYTES_MAX };
	struct command_try *try = mem_alloc(sizeof *try);
	*try = (struct command_try){ .tools = tools, .message = message, .done = done,
				     .context = context };
	r = tools->runner.start(tools->runner.context, tools->loop, &request, on_exit_of, try,
				&try->run, err);
	if (r != OK) {
		mem_free(try);
		return r;
	}
	tools->runs++;
	*ret_try = try;
	return OK;
}

void channel_commands(const char *directory, channel_each_command_fn *each, void *context)
{
	DIR *dir = directory != NULL ? opendir(directory) : NULL;
	struct dirent *entry;
	unsigned seen = 0;
	if (dir == NULL)
		return;
	while (seen++ < COMMANDS_MAX && (entry = readdir(dir)) != NULL) {
		struct str name = str_of(entry->d_name);
		if (str_is_name(name) && check_file(dirfd(dir), entry->d_name, NULL) == OK)
			each(context, name);
	}
	closedir(dir);
}

const struct channel channel_command = {
	.name = "command",
	.about = "A program from the directory of commands of this server.",
	.wakes = true,
	.send = send_page,
	.cancel = cancel,
};
