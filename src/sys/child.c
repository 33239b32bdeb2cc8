/* child.c: see child.h. The child is finished when it was reaped and its three pipes are closed. */
#include "sys/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/loop.h"

#define READ_BYTES 8192

enum { HANDLE_PROCESS, HANDLE_INPUT, HANDLE_OUT, HANDLE_ERRORS, HANDLE_COUNT };

struct child {
	uv_process_t process;
	uv_pipe_t pipes[3];
	uv_write_t write;
	uv_buf_t input;
	struct loop_timer *timer;
	struct clock *clock;
	child_fn *fn;
	void *context;
	struct buf out, errors;
	struct child_result result;
	time_us started;
	unsigned open;  /* libuv handles not closed yet */
	bool group;     /* the process group may still have members */
	bool term_sent;
	char chunk[READ_BYTES];
};

static void child_free(struct child *child)
{
	buf_finish(&child->out);
	buf_finish(&child->errors);
	mem_free(child->input.base);
	mem_free(child);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;
	assert(child->open > 0);
	if (--child->open > 0)
		return;
	loop_timer_destroy(&child->timer);
	if (child->fn != NULL) {
		child->result.out = buf_str(&child->out);
		child->result.errors = buf_str(&child->errors);
		child->result.took = clock_since_boot(child->clock) - child->started;
		child->fn(child->context, &child->result);
	}
	child_free(child);
}

static void close_handle(void *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

/* The kernel does not reuse a process number while its group has members, and once it has none the
 * call fails with ESRCH; the number itself is handed out again only after all others were. */
static void kill_group(struct child *child, int number)
{
	if (child->group && child->process.pid > 1)
		kill(-child->process.pid, number);
}

static void on_process_exit(uv_process_t *process, int64_t code, int number)
{
	struct child *child = process->data;
	kill_group(child, SIGKILL);
	child->group = false;
	if (child->result.end == CHILD_EXITED && number != 0)
		child->result.end = CHILD_SIGNALLED;
	child->result.exit_code = (int)code;
	child->result.signal_number = number;
	close_handle(&child->process);
	close_handle(&child->pipes[0]);
}

static void on_time_over(void *context)
{
	struct child *child = context;
	if (!child->term_sent) {
		child->term_sent = true;
		child->result.end = CHILD_TIMED_OUT;
		kill_group(child, SIGTERM);
		loop_timer_start(child->timer, CHILD_GRACE);
		return;
	}
	kill_group(child, SIGKILL);
	/* A grandchild in a session of its own may hold our pipes: do not wait for it. */
	close_handle(&child->pipes[1]);
	close_handle(&child->pipes[2]);
}

static void lend_chunk(uv_handle_t *handle, size_t wish, uv_buf_t *ret_buf)
{
	(void)wish;
	struct child *child = handle->data;
	*ret_buf = uv_buf_init(child->chunk, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *chunk)
{
	struct child *child = stream->data;
	struct buf *into = stream == (uv_stream_t *)&child->pipes[1] ? &child->out : &child->errors;
	if (count < 0) {
		close_handle(stream);
		return;
	}
	size_t fits = into->limit - into->used, length = (size_t)count;
	if (length > fits) {
		child->result.cut = true;
		length = fits;
	}
	buf_add(into, (struct str){ chunk->base, length });
}

static void on_written(uv_write_t *write, int status)
{
	(void)status; /* a program that does not read its input is free not to */
	struct child *child = write->data;
	close_handle(&child->pipes[0]);
}

static int spawn(struct child *child, struct loop *loop, const struct child_request *request)
{
	static char *no_environment[] = { NULL };
	uv_stdio_container_t stdio[3];
	for (int i = 0; i < 3; i++) {
		uv_pipe_init(loop_uv(loop), &child->pipes[i], 0);
		child->pipes[i].data = child;
		stdio[i].flags = UV_CREATE_PIPE | (i == 0 ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
		stdio[i].data.stream = (uv_stream_t *)&child->pipes[i];
	}
	uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = request->argv[0],
		.args = (char **)request->argv,
		.env = request->env != NULL ? (char **)request->env : no_environment,
		.cwd = request->dir != NULL ? request->dir : "/",
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};
	child->process.data = child;
	child->open = HANDLE_COUNT;
	int failed = uv_spawn(loop_uv(loop), &child->process, &options);
	child->group = failed == 0;
	return failed;
}

static void give_input(struct child *child, struct str input)
{
	if (input.len == 0) {
		close_handle(&child->pipes[0]);
		return;
	}
	child->input = uv_buf_init(mem_alloc(input.len), (unsigned)input.len);
	memcpy(child->input.base, input.ptr, input.len);
	child->write.data = child;
	if (uv_write(&child->write, (uv_stream_t *)&child->pipes[0], &child->input, 1, on_written) != 0)
		close_handle(&child->pipes[0]);
}

static enum err refuse(struct child *child, const char *program, int failed, struct error *err)
{
	child->fn = NULL;
	close_handle(&child->process);
	for (int i = 0; i < 3; i++)
		close_handle(&child->pipes[i]);
	enum err code = failed == UV_ENOENT ? ERR_NOT_FOUND : failed == UV_EACCES ? ERR_DENIED : ERR_IO;
	return error_set(err, code, "could not start \"%s\": %s", program, uv_strerror(failed));
}

enum err child_start(struct loop *loop, struct clock *clock, const struct child_request *request,
                     child_fn *fn, void *context, struct child **ret_child, struct error *err)
{
	assert(request->argv != NULL && request->argv[0] != NULL);
	assert(request->timeout >= TIME_MS && request->timeout <= CHILD_TIMEOUT_MAX);
	assert(request->output_max_bytes >= 1 && request->output_max_bytes <= CHILD_OUTPUT_MAX_BYTES);
	assert(request->input.len <= CHILD_OUTPUT_MAX_BYTES);
	struct child *child = mem_alloc(sizeof *child);
	child->clock = clock;
	child->fn = fn;
	child->context = context;
	child->started = clock_since_boot(clock);
	buf_init(&child->out, request->output_max_bytes);
	buf_init(&child->errors, request->output_max_bytes);
	int failed = spawn(child, loop, request);
	if (failed != 0)
		return refuse(child, request->argv[0], failed, err);
	child->timer = loop_timer_create(loop, on_time_over, child);
	loop_timer_start(child->timer, request->timeout);
	uv_read_start((uv_stream_t *)&child->pipes[1], lend_chunk, on_read);
	uv_read_start((uv_stream_t *)&child->pipes[2], lend_chunk, on_read);
	give_input(child, request->input);
	*ret_child = child;
	return OK;
}

pid_t child_pid(const struct child *child)
{
	return child->process.pid;
}

void child_kill(struct child *child)
{
	if (child->result.end == CHILD_EXITED)
		child->result.end = CHILD_KILLED;
	child->term_sent = true;
	kill_group(child, SIGKILL);
	loop_timer_start(child->timer, CHILD_GRACE);
}
