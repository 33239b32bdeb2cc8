/* hand_client.c: see hand_client.h. Everything but the counter belongs to the client's thread. */
#include "main/hand_client.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "main/hand_wire.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/pass.h"

#define LOOK_EVERY (250 * TIME_MS)
#define ANSWER_GRACE (10 * TIME_SECOND) /* beyond waiting and running: then the hand is taken for stuck */
#define GONE "the process that runs commands ended meanwhile; it is started again"

struct hand_run {
	struct hand_run *next;
	struct hand_client *client;
	uint64_t id;
	char name[HAND_NAME_BYTES_MAX + 1];
	struct str input; /* heap */
	time_us timeout, asked, overdue_at; /* by time since boot */
	bool plugin; /* `input` is its arguments */
	bool sent;
	struct loop *loop; /* where the answer is given; NULL: on the client's thread */
	child_fn *fn;
	void *context;
	struct child_result result; /* texts on the heap */
};

struct hand_client {
	struct loop *loop;
	struct clock *clock;
	pthread_t thread;
	int control;
	struct loop_poll *control_poll;
	struct loop_timer *look;
	struct hand_wire *wire; /* NULL: no hand at the moment */
	struct hand_run *runs, *answered; /* answered: its loop took no word yet */
	/* Runs of both lists and on their way, and one for the owner: an answer may still lie in the loop of who asked when the
	 * client has stopped. Who takes the last of them away frees the client. */
	atomic_uint count;
	_Atomic uint64_t last_id;
};

/* ---- answers ---- */

static struct str copy(struct str text)
{
	char *bytes = mem_alloc(text.len + 1);
	memcpy(bytes, text.len > 0 ? text.ptr : "", text.len);
	return (struct str){ bytes, text.len };
}

static void release(struct hand_client *client)
{
	if (atomic_fetch_sub(&client->count, 1) == 1)
		mem_free(client);
}

static void run_free(struct hand_run *run)
{
	release(run->client);
	mem_free((void *)run->input.ptr);
	mem_free((void *)run->result.out.ptr);
	mem_free((void *)run->result.errors.ptr);
	mem_free(run);
}

/* On the asker's loop. */
static void deliver(void *context)
{
	struct hand_run *run = context;
	run->fn(run->context, &run->result);
	run_free(run);
}

static void give(struct hand_run *run)
{
	struct hand_client *client = run->client;
	if (run->loop == NULL) {
		deliver(run);
	} else if (loop_post(run->loop, deliver, run) != OK) {
		run->next = client->answered;
		client->answered = run;
	}
}

/* The run's place in the list is given up. Texts of the result are copied. */
static void answer(struct hand_client *client, struct hand_run **at, const struct child_result *result)
{
	struct hand_run *run = *at;
	*at = run->next;
	run->result = *result;
	run->result.out = copy(result->out);
	run->result.errors = copy(result->errors);
	if (run->result.took == 0)
		run->result.took = clock_since_boot(client->clock) - run->asked;
	give(run);
}

static void answer_not_run(struct hand_client *client, struct hand_run **at, struct str why)
{
	struct child_result result = { .end = CHILD_EXITED, .exit_code = HAND_EXIT_NOT_RUN, .errors = why };
	answer(client, at, &result);
}

static void answer_killed(struct hand_client *client, struct hand_run **at, struct str why)
{
	struct child_result result = { .end = CHILD_KILLED, .signal_number = SIGKILL, .errors = why };
	answer(client, at, &result);
}

static struct hand_run **find(struct hand_client *client, uint64_t id)
{
	struct hand_run **at = &client->runs;
	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

/* ---- the hand's side ---- */

static void on_message(void *context, const struct hand_message *message)
{
	struct hand_client *client = context;
	struct hand_run **at = find(client, message->id);
	if (*at == NULL || !(*at)->sent)
		return; /* called off, or overdue */
	if (message->kind == HAND_REFUSED) {
		answer_not_run(client, at, message->text);
	} else if (message->kind == HAND_RESULT) {
		struct child_result result = {
			.end = (enum child_end)message->end, .exit_code = (int)message->exit_code,
			.signal_number = (int)message->number, .cut = message->cut != 0,
			.took = message->took, .out = message->out, .errors = message->errors,
		};
		answer(client, at, &result);
	}
}

static void on_closed(void *context, const char *why)
{
	struct hand_client *client = context;
	log_write(LOG_WARNING, "the hand is gone; the supervisor starts it again", "reason=\"%s\"", why);
	hand_wire_destroy(&client->wire);
	for (struct hand_run **at = &client->runs; *at != NULL;) {
		if ((*at)->sent)
			answer_killed(client, at, STR(GONE));
		else
			at = &(*at)->next;
	}
}

static void send_run(struct hand_client *client, struct hand_run *run)
{
	struct hand_message message = { .kind = HAND_RUN, .id = run->id, .name = str_of(run->name),
					.timeout = run->timeout };
	if (run->plugin) {
		message.kind = HAND_PLUGIN;
		message.args = run->input;
	} else {
		message.input = run->input;
	}
	assert(!run->sent);
	if (client->wire == NULL)
		return; /* when the next hand comes */
	run->sent = true;
	run->overdue_at = clock_since_boot(client->clock) + 2 * run->timeout + ANSWER_GRACE;
	hand_wire_send(client->wire, &message);
}

static void take_hand(struct hand_client *client, int fd)
{
	struct hand_wire_reader reader = { on_message, on_closed, client };
	struct error err;
	if (client->wire != NULL)
		on_closed(client, "another one came");
	if (hand_wire_create(client->loop, fd, &reader, &client->wire, &err) != OK) {
		log_write(LOG_ERROR, "could not take the hand", "reason=\"%s\"", err.text);
		close(fd);
		return;
	}
	for (struct hand_run *run = client->runs; run != NULL; run = run->next)
		send_run(client, run);
}

static void on_control(void *context, unsigned events)
{
	struct hand_client *client = context;
	struct error err;
	int fd;
	(void)events;
	enum err r = pass_receive(client->control, &fd, &err);
	if (r == OK)
		take_hand(client, fd);
	else if (r == ERR_UNAVAILABLE) /* the supervisor is gone, and we are about to follow */
		loop_poll_destroy(&client->control_poll);
}

/* ---- time ---- */

/* Nothing but a stuck hand lets a run become overdue after it was sent. */
static void replace_hand(struct hand_client *client)
{
	log_write(LOG_ERROR, "the hand does not answer and is replaced", NULL);
	if (send(client->control, "R", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
		log_write(LOG_ERROR, "could not tell the supervisor", NULL);
	on_closed(client, "it did not answer in time");
}

static void look(void *context)
{
	struct hand_client *client = context;
	time_us now = clock_since_boot(client->clock);
	struct hand_run *answered = MEM_TAKE(client->answered);
	bool stuck = false;
	while (answered != NULL) {
		struct hand_run *run = answered;
		answered = run->next;
		give(run);
	}
	for (struct hand_run **at = &client->runs; *at != NULL;) {
		bool overdue = now >= (*at)->overdue_at;
		stuck |= overdue && (*at)->sent;
		if (overdue && !(*at)->sent)
			answer_not_run(client, at, STR("could not start the command: the process that runs "
						       "commands is not there"));
		else
			at = &(*at)->next;
	}
	if (stuck && client->wire != NULL)
		replace_hand(client);
	if (client->runs != NULL || client->answered != NULL)
		loop_timer_start(client->look, LOOK_EVERY);
}

/* ---- asking ---- */

static void on_asked(void *context)
{
	struct hand_run *run = context;
	struct hand_client *client = run->client;
	struct hand_run **last = &client->runs;
	while (*last != NULL)
		last = &(*last)->next;
	*last = run;
	if (client->look == NULL)
		return; /* the client is being taken down, and answers or drops it */
	send_run(client, run);
	loop_timer_start(client->look, LOOK_EVERY);
}

static enum err ask(struct hand_client *client, struct loop *loop, bool plugin, const char *name,
		    struct str input, time_us timeout, child_fn *fn, void *context, struct hand_run **ret_run,
		    struct error *err)
{
	assert(timeout >= TIME_MS && timeout <= HAND_TIMEOUT_MAX && fn != NULL);
	if (strlen(name) == 0 || strlen(name) > HAND_NAME_BYTES_MAX)
		return error_set(err, ERR_INVALID, "a command is named by 1 to %u letters",
				 HAND_NAME_BYTES_MAX);
	if (input.len > (plugin ? HAND_ARGS_BYTES_MAX : HAND_INPUT_BYTES_MAX))
		return error_set(err, ERR_TOO_LARGE, "the input of a command is at most %u bytes",
				 HAND_INPUT_BYTES_MAX);
	if (atomic_fetch_add(&client->count, 1) > HAND_CLIENT_RUNS_MAX) {
		release(client);
		return error_set(err, ERR_LIMIT, "could not ask for the command: %u wait already",
				 HAND_CLIENT_RUNS_MAX);
	}
	struct hand_run *run = mem_alloc(sizeof *run);
	*run = (struct hand_run){ .client = client, .loop = loop,   .fn = fn, .context = context,
				  .plugin = plugin, .input = copy(input), .timeout = timeout,
				  .id = atomic_fetch_add(&client->last_id, 1) + 1,
				  .asked = clock_since_boot(client->clock) };
	run->overdue_at = run->asked + timeout;
	memcpy(run->name, name, strlen(name));
	if (loop_post(client->loop, on_asked, run) != OK) {
		run_free(run);
		return error_set(err, ERR_LIMIT, "could not ask for the command: too many words wait");
	}
	*ret_run = run; /* the asker's loop has not run since: it is still there, unless `loop` is NULL */
	return OK;
}

struct calling_off {
	struct hand_client *client;
	uint64_t id;
};

static void on_called_off(void *context)
{
	struct calling_off *off = context;
	struct hand_client *client = off->client;
	struct hand_run **at = find(client, off->id);
	struct hand_message message = { .kind = HAND_KILL, .id = off->id };
	mem_free(off);
	if (*at == NULL)
		return;
	if ((*at)->sent && client->wire != NULL)
		hand_wire_send(client->wire, &message);
	answer_killed(client, at, STR("called off"));
}

/* ---- for channels ---- */

static enum err runner_start(void *context, struct loop *loop, const struct child_request *request,
			     child_fn *fn, void *fn_context, void **ret_run, struct error *err)
{
	const char *slash = strrchr(request->argv[0], '/');
	struct hand_run *run;
	assert(request->argv[1] == NULL);
	enum err r = ask(context, loop, false, slash != NULL ? slash + 1 : request->argv[0], request->input,
			 request->timeout, fn, fn_context, &run, err);
	if (r == OK)
		*ret_run = run;
	return r;
}

/* The run is there until its answer was given, and that is on the thread that calls this. */
static void runner_kill(void *context, void *run)
{
	struct calling_off *off = mem_alloc(sizeof *off);
	struct hand_client *client = context;
	*off = (struct calling_off){ client, ((struct hand_run *)run)->id };
	if (loop_post(client->loop, on_called_off, off) != OK)
		mem_free(off); /* then it runs to its end */
}

struct channel_runner hand_client_runner(struct hand_client *client)
{
	return (struct channel_runner){ .context = client, .start = runner_start, .kill = runner_kill };
}

/* ---- for checks ---- */

static enum err plugin_start(void *context, struct loop *loop, const char *const *argv, time_us timeout,
			     child_fn *fn, void *fn_context, void **ret_run, struct error *err)
{
	struct hand_run *run;
	cleanup_buf struct buf args;
	buf_init(&args, HAND_ARGS_BYTES_MAX);
	for (size_t i = 1; argv[i] != NULL; i++)
		buf_add(&args, (struct str){ argv[i], strlen(argv[i]) + 1 });
	if (args.full)
		return error_set(err, ERR_TOO_LARGE, "the arguments of a plugin are at most %u bytes",
				 HAND_ARGS_BYTES_MAX);
	enum err r = ask(context, loop, true, argv[0], buf_str(&args), timeout, fn, fn_context, &run, err);
	if (r == OK)
		*ret_run = run;
	return r;
}

struct probe_hand hand_client_plugins(struct hand_client *client)
{
	return (struct probe_hand){ .context = client, .start = plugin_start, .kill = runner_kill };
}

/* ---- for threads that may wait ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t there;
	bool done;
	struct arena *arena;
	struct child_result result;
};

static void on_waited_for(void *context, const struct child_result *result)
{
	struct waiting *waiting = context;
	pthread_mutex_lock(&waiting->lock);
	waiting->result = *result;
	waiting->result.out = arena_str(waiting->arena, result->out);
	waiting->result.errors = arena_str(waiting->arena, result->errors);
	waiting->done = true;
	pthread_cond_signal(&waiting->there);
	pthread_mutex_unlock(&waiting->lock);
}

enum err hand_client_run(struct hand_client *client, const char *name, struct str input, time_us timeout,
			 struct arena *arena, struct child_result *ret_result, struct error *err)
{
	struct waiting waiting = { .lock = PTHREAD_MUTEX_INITIALIZER, .there = PTHREAD_COND_INITIALIZER,
				   .arena = arena };
	struct hand_run *run;
	enum err r = ask(client, NULL, false, name, input, timeout, on_waited_for, &waiting, &run, err);
	if (r != OK)
		return r;
	pthread_mutex_lock(&waiting.lock);
	while (!waiting.done) /* bounded: every run is answered when it is overdue */
		pthread_cond_wait(&waiting.there, &waiting.lock);
	pthread_mutex_unlock(&waiting.lock);
	*ret_result = waiting.result;
	return OK;
}

/* ---- life ---- */

static void *run_loop(void *context)
{
	struct hand_client *client = context;
	pthread_setname_np(pthread_self(), "hand client");
	loop_run(client->loop);
	return NULL;
}

enum err hand_client_start(int control, struct clock *clock, struct hand_client **ret_client,
			   struct error *err)
{
	struct hand_client *client = mem_alloc(sizeof *client);
	atomic_init(&client->count, 1);
	client->control = control;
	client->clock = clock;
	client->loop = loop_create();
	client->look = loop_timer_create(client->loop, look, client);
	enum err r = loop_poll_create(client->loop, control, on_control, client, &client->control_poll, err);
	if (r == OK) {
		loop_poll_watch(client->control_poll, LOOP_READABLE);
		if (pthread_create(&client->thread, NULL, run_loop, client) == 0) {
			*ret_client = client;
			return OK;
		}
		r = error_set(err, ERR_UNAVAILABLE, "could not start the thread that asks the hand");
		loop_poll_destroy(&client->control_poll);
	}
	loop_timer_destroy(&client->look);
	loop_destroy(&client->loop);
	close(control);
	mem_free(client);
	return r;
}

static void free_all(struct hand_run *run)
{
	while (run != NULL) {
		struct hand_run *next = run->next;
		run_free(run);
		run = next;
	}
}

/* The loop of the checks outlives the client: what was called off there is freed there. */
static void answer_plugins(struct hand_client *client)
{
	for (struct hand_run **at = &client->runs; *at != NULL;) {
		if ((*at)->plugin)
			answer_killed(client, at, STR("the server is stopping"));
		else
			at = &(*at)->next;
	}
}

void hand_client_stop(struct hand_client **client_pointer)
{
	struct hand_client *client = *client_pointer;
	if (client == NULL)
		return;
	*client_pointer = NULL;
	loop_stop(client->loop);
	pthread_join(client->thread, NULL);
	hand_wire_destroy(&client->wire);
	loop_poll_destroy(&client->control_poll);
	loop_timer_destroy(&client->look);
	loop_destroy(&client->loop);
	answer_plugins(client);
	free_all(MEM_TAKE(client->runs));
	free_all(MEM_TAKE(client->answered));
	close(client->control);
	release(client);
}
