/*
 * check_command.c: a plugin by the contract of Nagios and its heirs, run by the hand.
 *
 *     exit 0 -> good    1 -> degraded    2 -> a failure    3 -> it could not look
 *
 * Any other end says nothing about what is looked at either (a plugin that crashed, or is not there): blind,
 * as Icinga does it. One that does not end in time is a failure: what hangs is what it waits for.
 */
#include <stdio.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "monitor/plugin_output.h"
#include "sys/child.h"
#include "sys/loop.h"
#include "wire/doc.h"

struct command_spec {
	char *argv[MONITOR_ARGS_MAX + 2]; /* [0] is the plugin's name; ends in NULL */
};

struct command_run {
	const struct probe_tools *tools;
	const struct check_spec *spec; /* NULL: called off, nobody listens */
	void *run;               /* of the hand */
	struct loop_timer *timer; /* when there is no hand */
	probe_done_fn *done;
	void *context;
};

static void judge_code(int code, struct str said, struct check_result *result)
{
	switch (code) {
	case 0:
		snprintf(result->reason, sizeof result->reason, STR_FMT, STR_ARG(said));
		break;
	case 1:
		probe_warn(result, STR_FMT, STR_ARG(said));
		break;
	case 2:
		probe_fail(result, STR_FMT, STR_ARG(said));
		break;
	default:
		probe_blind(result, STR_FMT, STR_ARG(said));
	}
}

static void judge(const struct check_spec *spec, const struct child_result *ended, struct str line,
                  struct check_result *result)
{
	const char *name = ((const struct command_spec *)spec->own)->argv[0];
	struct str errors = str_trim(ended->errors), said = line;
	str_cut(errors, '\n', &errors, &(struct str){ 0 });
	if (said.len == 0)
		said = errors;
	said = str_sub(said, 0, CHECK_REASON_BYTES - 1);
	if (ended->end == CHILD_TIMED_OUT) {
		probe_fail(result, "%s was still running after %.3g s", name, (double)spec->timeout / TIME_SECOND);
	} else if (ended->end != CHILD_EXITED) {
		probe_blind(result, "%s was ended by signal %d: %.*s", name, ended->signal_number,
		            (int)(said.len < 150 ? said.len : 150), said.len > 0 ? said.ptr : "it said nothing");
	} else if (ended->exit_code > 3) {
		probe_blind(result, "%s gave no answer of a plugin (exit %d): %.*s", name, ended->exit_code,
		            (int)(said.len < 150 ? said.len : 150), said.len > 0 ? said.ptr : "");
	} else if (said.len == 0) {
		probe_blind(result, "%s said nothing (exit %d)", name, ended->exit_code);
	} else {
		judge_code(ended->exit_code, said, result);
	}
}

static void write_detail(const struct child_result *ended, const struct plugin_output *output,
                         struct buf *out)
{
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "plugin");
	json_map_begin(&json);
	json_key(&json, "exit_code");
	if (ended->end == CHILD_EXITED)
		json_int(&json, ended->exit_code);
	else
		json_null(&json);
	json_field_text(&json, "output", buf_str(&output->text));
	json_field_text(&json, "errors", str_sub(str_trim(ended->errors), 0, PLUGIN_LONG_BYTES_MAX / 4));
	json_field_bool(&json, "cut", ended->cut);
	json_key(&json, "figures");
	plugin_figures_write(output, &json);
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

static void on_ended(void *context, const struct child_result *ended)
{
	struct command_run *run = context;
	struct check_result result = { .good = true };
	cleanup_buf struct buf detail;
	if (run->spec == NULL) {
		mem_free(run);
		return;
	}
	struct plugin_output *output = mem_alloc(sizeof *output);
	buf_init(&detail, CHECK_DETAIL_BYTES_MAX);
	plugin_output_read(ended->out, output);
	judge(run->spec, ended, output->line, &result);
	result.latency = ended->end == CHILD_EXITED ? ended->took : 0;
	write_detail(ended, output, &detail);
	result.detail = detail.full ? NULL : detail.bytes;
	run->done(run->context, &result);
	plugin_output_finish(output);
	mem_free(output);
	mem_free(run);
}

static void answer_blind(void *context)
{
	struct command_run *run = context;
	struct child_result none = {
		.end = CHILD_EXITED, .exit_code = 3,
		.out = STR("no plugins can be run here: start Mainstay with --plugins /usr/lib/nagios/plugins"),
	};
	loop_timer_destroy(&run->timer);
	on_ended(run, &none);
}

static enum err command_start(const struct probe_tools *tools, const struct check_spec *spec,
                              probe_done_fn *done, void *context, void **ret_run, struct error *err)
{
	const struct command_spec *own = spec->own;
	struct command_run *run = mem_alloc(sizeof *run);
	*run = (struct command_run){ .tools = tools, .spec = spec, .done = done, .context = context };
	*ret_run = run;
	if (tools->hand == NULL) {
		run->timer = loop_timer_create(tools->loop, answer_blind, run);
		loop_timer_start(run->timer, 0);
		return OK;
	}
	enum err r = tools->hand->start(tools->hand->context, tools->loop, (const char *const *)own->argv,
	                                spec->timeout, on_ended, run, &run->run, err);
	if (r != OK)
		mem_free(run);
	return r;
}

/* The program's end is still waited for; then the run is freed. */
static void command_cancel(void *context)
{
	struct command_run *run = context;
	run->spec = NULL;
	if (run->tools->hand != NULL) {
		run->tools->hand->kill(run->tools->hand->context, run->run);
		return;
	}
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static void command_forget(void *context)
{
	struct command_spec *own = context;
	for (size_t i = 0; own->argv[i] != NULL; i++)
		mem_free(own->argv[i]);
	mem_free(own);
}

static enum err command_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	struct command_spec *own = spec->own = mem_alloc(sizeof *own);
	const struct doc_node *args = doc_get(doc, "args");
	size_t count = 0;
	own->argv[0] = monitor_spec_text(doc_get(doc, "plugin"));
	if (own->argv[0] == NULL)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it names no plugin", spec->name);
	for (size_t i = 0; i < doc_count(args) && count < MONITOR_ARGS_MAX; i++) {
		own->argv[count + 1] = monitor_spec_text(doc_at(args, i));
		count += own->argv[count + 1] != NULL;
	}
	return OK;
}

static void command_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	const struct command_spec *own = spec->own;
	size_t used = 0;
	for (size_t i = 0; own->argv[i] != NULL && used < size; i++)
		used += (size_t)snprintf(ret_text + used, size - used, "%s%s", i > 0 ? " " : "", own->argv[i]);
}

const struct check_kind check_command = {
	.name = "command",
	.lane = PROBE_HAND,
	.read = command_read,
	.forget = command_forget,
	.target = command_target,
	.start = command_start,
	.cancel = command_cancel,
};
