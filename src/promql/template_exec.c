/* template_exec.c: one expansion: what runs, its variables, its blocks, its limits. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "promql/template_priv.h"

#define DEPTH_MAX 600u        /* of calls into each other here: blocks, parentheses and templates together */
#define ASK_EVERY 1024u       /* steps between two looks at the clock */
#define BYTES_A_STEP 64u
#define NODE_BYTES_MAX 1024u  /* of a node in an error */

enum walk { WALK_ON, WALK_BREAK, WALK_CONTINUE, WALK_FAILED };

/* ---- failing ---- */

static void begin_failure(struct template_run *run, enum err code)
{
	const struct template *template = run->template;
	run->code = code;
	buf_printf(&run->failure, "template: " STR_FMT, STR_ARG(template->name));
	if (run->node == NULL) {
		buf_adds(&run->failure, ": ");
		return;
	}
	size_t at = run->node->at, line_begin = at;
	while (line_begin > 0 && template->text.ptr[line_begin - 1] != '\n')
		line_begin--;
	cleanup_buf struct buf shown;
	buf_init(&shown, NODE_BYTES_MAX);
	template_node_print(run->node, &shown);
	buf_printf(&run->failure, ":%u:%zu: executing ", template_line(template->text, at), at - line_begin);
	promql_quote(run->tree->name, &run->failure);
	buf_printf(&run->failure, " at <%s>: ", shown.used > 0 ? shown.bytes : "");
}

static void fail_with(struct template_run *run, enum err code, const char *format, va_list arguments)
{
	char text[2048];
	if (run->code != OK)
		return;
	vsnprintf(text, sizeof text, format, arguments);
	begin_failure(run, code);
	buf_adds(&run->failure, text);
}

bool template_fail(struct template_run *run, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fail_with(run, ERR_INVALID, format, arguments);
	va_end(arguments);
	return false;
}

bool template_fail_limit(struct template_run *run, enum err code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fail_with(run, code, format, arguments);
	va_end(arguments);
	return false;
}

bool template_spend(struct template_run *run, size_t bytes)
{
	const struct promql_options *options = run->scope->options;
	uint64_t before = run->steps;
	if (run->code != OK)
		return false;
	run->steps += 1 + bytes / BYTES_A_STEP;
	if (run->steps > TEMPLATE_STEPS_MAX)
		return template_fail_limit(run, ERR_TOO_LARGE, "it takes more than %u steps", TEMPLATE_STEPS_MAX);
	if (before / ASK_EVERY != run->steps / ASK_EVERY && options != NULL && options->expired != NULL &&
	    options->expired(options->expired_context))
		return template_fail_limit(run, ERR_TIMEOUT, "it takes too long");
	return true;
}

void *template_alloc(struct template_run *run, size_t size)
{
	void *memory = arena_try(&run->arena, size);
	if (memory == NULL)
		template_fail_limit(run, ERR_TOO_LARGE, "it needs more than %u MB of memory", TEMPLATE_MEMORY_BYTES_MAX >> 20);
	return memory;
}

bool template_take(struct template_run *run, struct buf *buf, struct template_value *ret_value)
{
	if (buf->full)
		return template_fail_limit(run, ERR_TOO_LARGE, "a text has more than %u bytes", TEMPLATE_OUT_BYTES_MAX);
	char *kept = template_alloc(run, buf->used + 1);
	if (kept == NULL || !template_spend(run, buf->used))
		return false;
	if (buf->used > 0)
		memcpy(kept, buf->bytes, buf->used);
	*ret_value = template_text_value((struct str){ kept, buf->used });
	buf_reset(buf);
	return true;
}

static bool descend(struct template_run *run)
{
	if (++run->depth <= DEPTH_MAX)
		return template_spend(run, 0);
	return template_fail_limit(run, ERR_TOO_LARGE, "it is nested too deeply");
}

/* ---- variables ---- */

struct template_variable *template_variable_find(struct template_run *run, struct str name)
{
	for (size_t i = run->variable_count; i-- > run->variable_first;)
		if (str_eq(run->variables[i].name, name))
			return &run->variables[i];
	return NULL;
}

static bool push_variable(struct template_run *run, struct str name, struct template_value value)
{
	if (run->variable_count == TEMPLATE_VARIABLES_MAX)
		return template_fail_limit(run, ERR_TOO_LARGE, "there are more than %u variables", TEMPLATE_VARIABLES_MAX);
	run->variables[run->variable_count++] = (struct template_variable){ name, value };
	return true;
}

static bool keep_in_variables(struct template_run *run, const struct template_node *pipe, struct template_value value)
{
	for (const struct template_node *variable = pipe->variables; variable != NULL; variable = variable->next) {
		struct template_variable *known = pipe->assigns ? template_variable_find(run, variable->fields[0]) : NULL;
		if (!pipe->assigns && !push_variable(run, variable->fields[0], value))
			return false;
		if (pipe->assigns && known == NULL)
			return template_fail(run, "undefined variable: " STR_FMT, STR_ARG(variable->fields[0]));
		if (known != NULL)
			known->value = value;
	}
	return true;
}

/* ---- pipes ---- */

static bool plain_term(enum template_node_kind kind)
{
	return kind == NODE_BOOL || kind == NODE_DOT || kind == NODE_NIL || kind == NODE_NUMBER || kind == NODE_STRING ||
	       kind == NODE_PIPE;
}

static bool eval_stage(struct template_run *run, const struct template_value *dot, const struct template_node *command,
		       const struct template_value *final, struct template_value *ret_value)
{
	const struct template_node *first = command->first;
	if (!plain_term(first->kind))
		return template_eval_command(run, dot, command, final, ret_value);
	if (first->kind != NODE_PIPE)
		run->node = first;
	if (first->next != NULL || final != NULL) {
		cleanup_buf struct buf shown;
		buf_init(&shown, NODE_BYTES_MAX);
		template_node_print(first, &shown);
		return template_fail(run, "can't give argument to non-function %s", shown.bytes);
	}
	if (first->kind == NODE_NIL)
		return template_fail(run, "nil is not a command");
	return template_eval_term(run, dot, first, ret_value);
}

bool template_eval_pipe(struct template_run *run, const struct template_value *dot, const struct template_node *pipe,
			struct template_value *ret_value)
{
	struct template_value value = { .type = TEMPLATE_NOTHING }, final;
	run->node = pipe;
	if (!descend(run))
		return false;
	for (const struct template_node *command = pipe->first; command != NULL; command = command->next) {
		final = value;
		if (!eval_stage(run, dot, command, command != pipe->first ? &final : NULL, &value))
			return false;
		/* What an interface holds, without it. */
		value.boxed = false;
		if (value.type == TEMPLATE_NIL)
			value.type = TEMPLATE_NOTHING;
	}
	run->depth--;
	*ret_value = value;
	return keep_in_variables(run, pipe, value);
}

/* ---- blocks ---- */

static enum walk walk_list(struct template_run *run, const struct template_value *dot, const struct template_node *list);

static enum walk walk_branch(struct template_run *run, const struct template_value *dot, const struct template_node *node)
{
	size_t variables = run->variable_count;
	struct template_value value;
	enum walk walk = WALK_ON;
	if (!template_eval_pipe(run, dot, node->pipe, &value))
		return WALK_FAILED;
	if (template_truth(&value))
		walk = walk_list(run, node->kind == NODE_WITH ? &value : dot, node->list);
	else if (node->otherwise != NULL)
		walk = walk_list(run, dot, node->otherwise);
	run->variable_count = variables;
	return walk;
}

/* One round of a range. With two variables the first is the key; with one it is the element. */
static enum walk walk_round(struct template_run *run, const struct template_node *range, struct template_value key,
			    struct template_value element)
{
	const struct template_node *variable = range->pipe->variables;
	size_t mark = run->variable_count;
	unsigned count = variable == NULL ? 0 : variable->next == NULL ? 1 : 2;
	if (!template_spend(run, 0))
		return WALK_FAILED;
	if (count > 0 && range->pipe->assigns) {
		template_variable_find(run, variable->fields[0])->value = count > 1 ? key : element;
		if (count > 1)
			template_variable_find(run, variable->next->fields[0])->value = element;
	} else if (count > 0) {
		run->variables[mark - 1].value = element;
		if (count > 1)
			run->variables[mark - 2].value = key;
	}
	enum walk walk = walk_list(run, &element, range->list);
	run->variable_count = mark;
	return walk;
}

static size_t rounds_of(const struct template_value *value)
{
	switch (value->type) {
	case TEMPLATE_LABELS:
		return value->labels.count;
	case TEMPLATE_ARGS:
		return value->args.count;
	case TEMPLATE_RESULT:
		return value->result.count;
	case TEMPLATE_INT:
	case TEMPLATE_INT64:
	case TEMPLATE_BYTE:
	case TEMPLATE_DURATION:
	case TEMPLATE_MONTH:
	case TEMPLATE_WEEKDAY:
		return value->number > 0 ? (size_t)value->number : 0;
	default:
		return 0;
	}
}

static void round_of(const struct template_value *value, size_t i, struct template_value *ret_key,
		     struct template_value *ret_element)
{
	*ret_key = template_int_value((int64_t)i);
	switch (value->type) {
	case TEMPLATE_LABELS:
		*ret_key = template_text_value(value->labels.pairs[i].name);
		*ret_element = template_text_value(value->labels.pairs[i].value);
		break;
	case TEMPLATE_ARGS:
		*ret_key = template_text_value(value->args.rows[i].name);
		*ret_element = value->args.rows[i].value;
		ret_element->boxed = true;
		break;
	case TEMPLATE_RESULT:
		*ret_element = (struct template_value){ .type = TEMPLATE_SAMPLE, .sample = value->result.rows[i] };
		break;
	default:
		*ret_element = (struct template_value){ .type = value->type, .number = (int64_t)i };
	}
}

static bool can_range(const struct template_value *value)
{
	enum template_kind kind = template_kind_of(value);
	return kind == KIND_NONE || kind == KIND_MAP || kind == KIND_LIST || kind == KIND_INT || kind == KIND_UINT;
}

static enum walk walk_range(struct template_run *run, const struct template_value *dot, const struct template_node *range)
{
	size_t variables = run->variable_count;
	struct template_value value, key, element = { .type = TEMPLATE_NOTHING };
	enum walk walk = WALK_ON;
	run->node = range;
	if (!template_eval_pipe(run, dot, range->pipe, &value))
		return WALK_FAILED;
	if (!can_range(&value)) {
		cleanup_buf struct buf shown;
		buf_init(&shown, NODE_BYTES_MAX);
		template_print(&value, &shown);
		template_fail(run, "range can't iterate over %s", shown.used > 0 ? shown.bytes : "");
		return WALK_FAILED;
	}
	size_t rounds = rounds_of(&value);
	for (size_t i = 0; i < rounds && (walk == WALK_ON || walk == WALK_CONTINUE); i++) {
		round_of(&value, i, &key, &element);
		walk = walk_round(run, range, key, element);
	}
	if (rounds == 0 && range->otherwise != NULL)
		walk = walk_list(run, dot, range->otherwise);
	else if (walk != WALK_FAILED)
		walk = WALK_ON;
	run->variable_count = variables;
	return walk;
}

static enum walk walk_call(struct template_run *run, const struct template_value *dot, const struct template_node *call)
{
	const struct template_tree *tree = run->template->trees, *before = run->tree;
	struct template_value value = { .type = TEMPLATE_NOTHING };
	run->node = call;
	while (tree != NULL && !str_eq(tree->name, call->text))
		tree = tree->next;
	if (tree == NULL) {
		cleanup_buf struct buf shown;
		buf_init(&shown, NODE_BYTES_MAX);
		promql_quote(call->text, &shown);
		template_fail(run, "template %s not defined", shown.bytes);
		return WALK_FAILED;
	}
	if (run->calls == TEMPLATE_CALLS_MAX) {
		template_fail_limit(run, ERR_TOO_LARGE, "exceeded maximum template depth (%u)", TEMPLATE_CALLS_MAX);
		return WALK_FAILED;
	}
	if (call->pipe != NULL && !template_eval_pipe(run, dot, call->pipe, &value))
		return WALK_FAILED;
	/* It sees no variable of the caller. */
	size_t first = run->variable_first, count = run->variable_count;
	run->variable_first = count;
	run->calls++;
	run->tree = tree;
	enum walk walk = push_variable(run, STR("$"), value) ? walk_list(run, &value, tree->root) : WALK_FAILED;
	run->variable_first = first;
	run->variable_count = count;
	run->calls--;
	run->tree = before;
	return walk == WALK_FAILED ? walk : WALK_ON;
}

static enum walk walk_action(struct template_run *run, const struct template_value *dot, const struct template_node *node)
{
	struct template_value value;
	run->node = node;
	if (!template_eval_pipe(run, dot, node->pipe, &value))
		return WALK_FAILED;
	if (node->pipe->variables != NULL)
		return WALK_ON;
	run->node = node;
	template_print_action(&value, &run->out);
	return WALK_ON;
}

static enum walk walk_one(struct template_run *run, const struct template_value *dot, const struct template_node *node)
{
	switch (node->kind) {
	case NODE_TEXT:
		buf_add(&run->out, node->text);
		return WALK_ON;
	case NODE_ACTION:
		return walk_action(run, dot, node);
	case NODE_IF:
	case NODE_WITH:
		return walk_branch(run, dot, node);
	case NODE_RANGE:
		return walk_range(run, dot, node);
	case NODE_TEMPLATE:
		return walk_call(run, dot, node);
	case NODE_BREAK:
		return WALK_BREAK;
	case NODE_CONTINUE:
		return WALK_CONTINUE;
	default:
		return WALK_ON;
	}
}

static enum walk walk_list(struct template_run *run, const struct template_value *dot, const struct template_node *list)
{
	enum walk walk = WALK_ON;
	if (!descend(run))
		return WALK_FAILED;
	for (const struct template_node *node = list->first; node != NULL && walk == WALK_ON; node = node->next) {
		run->node = node;
		walk = walk_one(run, dot, node);
		if (walk != WALK_FAILED && run->out.full)
			template_fail_limit(run, ERR_TOO_LARGE, "it gives more than %u bytes", TEMPLATE_OUT_BYTES_MAX);
		if (run->code != OK || !template_spend(run, 0))
			walk = WALK_FAILED;
	}
	run->depth--;
	return walk;
}

/* ---- the entries ---- */

static enum err run_template(struct template_run *run, const struct template *template, const struct template_scope *scope)
{
	struct template_value dot = { .type = TEMPLATE_DATA, .scope = scope };
	*run = (struct template_run){ .template = template, .scope = scope, .tree = template->trees };
	while (run->tree != NULL && !str_eq(run->tree->name, template->name))
		run->tree = run->tree->next;
	arena_init(&run->arena, TEMPLATE_MEMORY_BYTES_MAX);
	buf_init(&run->out, TEMPLATE_OUT_BYTES_MAX);
	buf_init(&run->failure, TEMPLATE_ERROR_BYTES_MAX);
	run->variables = mem_alloc(TEMPLATE_VARIABLES_MAX * sizeof *run->variables);
	push_variable(run, STR("$"), dot);
	if (run->tree != NULL)
		walk_list(run, &dot, run->tree->root);
	mem_free(run->variables);
	return run->code;
}

static void finish_run(struct template_run *run)
{
	arena_finish(&run->arena);
	buf_finish(&run->out);
	buf_finish(&run->failure);
}

enum err template_expand(const struct template *template, const struct template_scope *scope, struct arena *arena,
			 struct str *ret_text, struct error *err)
{
	struct template_run run;
	enum err r = run_template(&run, template, scope);
	if (r == OK && arena_room(arena) <= run.out.used)
		r = error_set(err, ERR_TOO_LARGE, "could not expand a template: there is no memory for it");
	else if (r == OK)
		*ret_text = arena_str(arena, buf_str(&run.out));
	else
		error_set(err, r, "error executing template " STR_FMT ": %s", STR_ARG(template->name), run.failure.bytes);
	finish_run(&run);
	return r;
}

struct str template_show(const struct template *template, const struct template_scope *scope, struct arena *arena)
{
	struct template_run run;
	struct str text = STR("<error expanding template: there is no memory for it>");
	enum err r = run_template(&run, template, scope);
	if (r == OK && arena_room(arena) > run.out.used)
		text = arena_str(arena, buf_str(&run.out));
	else if (r != OK && arena_room(arena) > TEMPLATE_ERROR_BYTES_MAX + template->name.len + 100)
		text = arena_printf(arena, "<error expanding template: error executing template " STR_FMT ": %s>",
				    STR_ARG(template->name), run.failure.bytes);
	finish_run(&run);
	return text;
}
