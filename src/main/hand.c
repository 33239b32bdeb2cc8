/* hand.c: see hand.h. */
#include "main/hand.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "main/hand_wire.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/loop.h"

/* Of the hand and each command. Address space and CPU are for commands alone (bound_command): the hand
 * lives long, and under a sanitizer its address space is huge. */
#define OPEN_FILES_MAX 256u
#define PROCESSES_MAX 512u /* of the lesser user; ours alone are not counted apart */
#define FILE_BYTES_MAX (64u << 20)
#define COMMAND_ADDRESS_BYTES_MAX (4ull << 30)
#define COMMAND_CPU_MAX (5 * TIME_MINUTE)

struct run {
	struct hand *hand;
	struct run *next;
	uint64_t id;
	char name[HAND_NAME_BYTES_MAX + 1];
	struct str input; /* heap, until it runs; of a plugin its arguments */
	bool plugin;
	time_us timeout;
	struct child *child; /* NULL: queued */
	struct loop_timer *patience; /* while it is queued */
};

struct hand {
	const struct hand_place *place;
	struct loop *loop;
	struct clock *clock;
	struct hand_wire *wire;
	struct run *running, *queued, **queued_last;
	unsigned running_count, plugins_running, queued_count;
	bool closing;
};

/* ---- what a command may do ---- */

enum err hand_lock_in(const struct hand_place *place, int socket, struct sandbox_got *ret_got,
		      struct error *err)
{
	static const char *const read[] = { "/etc", "/proc", "/run/systemd/resolve", "/run/resolvconf",
					    "/sys/devices/system/cpu", "/dev/zero", "/dev/random",
					    "/dev/urandom", NULL };
	const char *run[8 + HAND_PLUGIN_FOLDERS_MAX] = { "/usr", "/bin", "/sbin", "/lib", "/lib32",
							 "/lib64" };
	size_t count = 6;
	if (place->commands[0] != '\0')
		run[count++] = place->commands;
	for (unsigned i = 0; i < place->plugins_count; i++)
		run[count++] = place->plugins[i];
	const char *const write[] = { place->temp, "/dev/null", NULL };
	struct sandbox sandbox = {
		.run = run,
		.read = read,
		.write = write,
		.user = HAND_USER,
		.bounds = { .files = OPEN_FILES_MAX, .file_bytes = FILE_BYTES_MAX,
			    .processes = geteuid() == 0 ? PROCESSES_MAX : 0 },
		.keep = socket,
	};
	return sandbox_limit(&sandbox, ret_got, err);
}

/* libuv returns when the program has begun: the few instructions before this are those of the
 * dynamic loader. */
static void bound_command(const struct child *child)
{
	static const struct sandbox_bounds bounds = { .address_bytes = COMMAND_ADDRESS_BYTES_MAX,
						      .cpu = COMMAND_CPU_MAX };
	struct error err;
	if (sandbox_bound(child_pid(child), &bounds, &err) != OK)
		log_write(LOG_WARNING, "a command runs without bounds of memory and time", "reason=\"%s\"",
			  err.text);
}

/* ---- one run ---- */

static void forget(struct run *run)
{
	loop_timer_destroy(&run->patience);
	mem_free((void *)run->input.ptr);
	mem_free(run);
}

static void refuse(struct hand *hand, uint64_t id, enum err reason, const char *text)
{
	struct hand_message message = { .kind = HAND_REFUSED, .id = id, .reason = reason,
					.text = str_sub(str_of(text), 0, HAND_TEXT_BYTES_MAX) };
	hand_wire_send(hand->wire, &message);
}

static void start_queued(struct hand *hand);

static void unlink_running(struct hand *hand, struct run *run)
{
	struct run **at = &hand->running;
	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	assert(hand->running_count > 0);
	hand->running_count--;
	hand->plugins_running -= run->plugin;
}

static void on_end(void *context, const struct child_result *result)
{
	struct run *run = context;
	struct hand *hand = run->hand;
	struct hand_message message = {
		.kind = HAND_RESULT, .id = run->id, .end = result->end,
		.exit_code = result->exit_code & 255, .number = result->signal_number,
		.cut = result->cut, .took = result->took > 2 * TIME_HOUR ? 2 * TIME_HOUR : result->took,
		.out = result->out, .errors = result->errors,
	};
	unlink_running(hand, run);
	forget(run);
	if (hand->closing) {
		if (hand->running_count == 0)
			loop_stop(hand->loop);
		return;
	}
	hand_wire_send(hand->wire, &message);
	start_queued(hand);
}

/* False: they are more than a plugin gets, or the last one does not end. */
static bool split_args(struct str args, const char **argv)
{
	unsigned count = 1;
	while (args.len > 0) {
		size_t length = strnlen(args.ptr, args.len);
		if (length == args.len || count > HAND_ARGS_MAX)
			return false;
		argv[count++] = args.ptr;
		args = str_sub(args, length + 1, args.len);
	}
	argv[count] = NULL;
	return true;
}

/* Takes the run. Its environment says what everybody may know. */
static void start(struct hand *hand, struct run *run)
{
	char path[PATH_MAX], home[sizeof hand->place->temp + 8], temp[sizeof hand->place->temp + 8];
	struct error err;
	snprintf(home, sizeof home, "HOME=%s", hand->place->temp);
	snprintf(temp, sizeof temp, "TMPDIR=%s", hand->place->temp);
	const char *argv[HAND_ARGS_MAX + 2] = { path, NULL };
	const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", home, temp, NULL };
	struct child_request request = { .argv = argv, .env = env,
					 .input = run->plugin ? STR_NONE : run->input,
					 .timeout = run->timeout,
					 .output_max_bytes = HAND_OUTPUT_BYTES_MAX };
	enum err r = run->plugin ? hand_place_find_plugin(hand->place, str_of(run->name), path, &err)
				 : hand_place_find(hand->place, str_of(run->name), path, &err);
	if (r == OK && run->plugin && !split_args(run->input, argv))
		r = error_set(&err, ERR_INVALID, "a plugin gets at most %u arguments", HAND_ARGS_MAX);
	if (r == OK)
		r = child_start(hand->loop, hand->clock, &request, on_end, run, &run->child, &err);
	if (r != OK) {
		refuse(hand, run->id, r, err.text);
		forget(run);
		return;
	}
	bound_command(run->child);
	loop_timer_destroy(&run->patience);
	mem_free((void *)run->input.ptr);
	run->input = STR_NONE;
	run->next = hand->running;
	hand->running = run;
	hand->running_count++;
	hand->plugins_running += run->plugin;
}

/* ---- the queue ---- */

static struct run *take_queued(struct hand *hand, struct run **at)
{
	struct run *run = *at;
	*at = run->next;
	if (hand->queued_last == &run->next)
		hand->queued_last = at;
	assert(hand->queued_count > 0);
	hand->queued_count--;
	return run;
}

static bool has_place(const struct hand *hand, bool plugin)
{
	return hand->running_count < HAND_RUNNING_MAX &&
	       (!plugin || hand->plugins_running < HAND_PLUGINS_RUNNING_MAX);
}

static void start_queued(struct hand *hand)
{
	struct run **at = &hand->queued;
	while (*at != NULL && hand->running_count < HAND_RUNNING_MAX) {
		if (has_place(hand, (*at)->plugin))
			start(hand, take_queued(hand, at));
		else
			at = &(*at)->next;
	}
}

static void on_patience_over(void *context)
{
	struct run *run = context;
	struct hand *hand = run->hand;
	struct run **at = &hand->queued;
	while (*at != run)
		at = &(*at)->next;
	take_queued(hand, at);
	refuse(hand, run->id, ERR_TIMEOUT, "could not start the command in time: 16 others were running "
	       "all the while");
	forget(run);
}

static void enqueue(struct hand *hand, struct run *run)
{
	run->patience = loop_timer_create(hand->loop, on_patience_over, run);
	loop_timer_start(run->patience, run->timeout);
	*hand->queued_last = run;
	hand->queued_last = &run->next;
	hand->queued_count++;
}

/* ---- messages ---- */

static struct str copy(struct str text)
{
	char *bytes = mem_alloc(text.len + 1);
	memcpy(bytes, text.len > 0 ? text.ptr : "", text.len);
	return (struct str){ bytes, text.len };
}

static void on_run(struct hand *hand, const struct hand_message *message)
{
	bool plugin = message->kind == HAND_PLUGIN, waits = !has_place(hand, plugin);
	if (waits && hand->queued_count >= HAND_QUEUED_MAX) {
		refuse(hand, message->id, ERR_LIMIT, "could not take the command: 256 are waiting already");
		return;
	}
	struct run *run = mem_alloc(sizeof *run);
	*run = (struct run){ .hand = hand, .id = message->id, .plugin = plugin, .timeout = message->timeout,
			     .input = copy(plugin ? message->args : message->input) };
	memcpy(run->name, message->name.ptr, message->name.len);
	if (waits)
		enqueue(hand, run);
	else
		start(hand, run);
}

/* What is gone already needs no killing. */
static void on_kill(struct hand *hand, uint64_t id)
{
	for (struct run *run = hand->running; run != NULL; run = run->next) {
		if (run->id == id)
			child_kill(run->child);
	}
	for (struct run **at = &hand->queued; *at != NULL; at = &(*at)->next) {
		if ((*at)->id != id)
			continue;
		struct run *run = take_queued(hand, at);
		refuse(hand, id, ERR_CANCELLED, "the command was called off before it began");
		forget(run);
		return;
	}
}

static void on_message(void *context, const struct hand_message *message)
{
	struct hand *hand = context;
	if (hand->closing)
		return;
	if (message->kind == HAND_RUN || message->kind == HAND_PLUGIN)
		on_run(hand, message);
	else if (message->kind == HAND_KILL)
		on_kill(hand, message->id);
}

/* Nobody is there to be told any more. */
static void on_closed(void *context, const char *why)
{
	struct hand *hand = context;
	log_write(LOG_DEBUG, "the hand ends", "reason=\"%s\"", why);
	hand->closing = true;
	hand_wire_destroy(&hand->wire);
	while (hand->queued != NULL)
		forget(take_queued(hand, &hand->queued));
	for (struct run *run = hand->running; run != NULL; run = run->next)
		child_kill(run->child);
	if (hand->running_count == 0)
		loop_stop(hand->loop);
}

/* ---- the process ---- */

enum err hand_serve(const struct hand_place *place, int socket, struct clock *clock, struct error *err)
{
	struct hand hand = { .place = place, .clock = clock };
	struct hand_wire_reader reader = { on_message, on_closed, &hand };
	fcntl(socket, F_SETFD, FD_CLOEXEC); /* a command that held it could answer in our name */
	hand.queued_last = &hand.queued;
	hand.loop = loop_create();
	enum err r = hand_wire_create(hand.loop, socket, &reader, &hand.wire, err);
	if (r == OK)
		loop_run(hand.loop);
	else
		close(socket);
	assert(hand.running == NULL && hand.queued == NULL);
	loop_destroy(&hand.loop);
	return r;
}

/* Ctrl-C and the service manager speak to the whole group; the hand ends when the server has. */
static void be_alone(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (null >= 0)
		dup2(null, 0);
	clearenv();
	if (chdir("/") != 0)
		log_write(LOG_DEBUG, "the hand stays in its folder", NULL);
}

int hand_main(const struct hand_place *place, int socket)
{
	struct sandbox_got got;
	struct clock clock;
	struct error err;
	be_alone();
	clock_system(&clock);
	enum err r = hand_lock_in(place, socket, &got, &err);
	if (r == OK && got.landlock_abi == 0)
		log_write(LOG_WARNING, "this kernel has no Landlock: commands are held back by their user and "
			  "by bounds only", NULL);
	if (r == OK)
		log_write(LOG_INFO, "commands can be run", "user=%s landlock=%u",
			  got.other_user ? HAND_USER : "own", got.landlock_abi);
	if (r == OK)
		r = hand_serve(place, socket, &clock, &err);
	if (r != OK)
		log_write(LOG_ERROR, "commands cannot be run", "reason=\"%s\"", err.text);
	return r == OK ? 0 : 1;
}
