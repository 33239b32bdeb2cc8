/*
 * template_call.c: terms, fields, methods and calls of functions, with Go's rules for what fits where.
 *
 * A parameter wants a type; a constant must be written as one, anything else must have it or be a pointer to it.
 */
#include <string.h>

#include "promql/template_priv.h"

#define ARGS_MAX 500u
#define SHOWN_BYTES_MAX 1024u
#define FAILURE_BYTES_MAX 2048u

struct call { /* of a function or method */
	const struct template_function *function;
	const struct template_node *node;  /* that a failing function is told of */
	const struct template_node *args;  /* the first; NULL: none */
	const struct template_value *final;
	const struct template_value *receiver; /* of a method, which is its first argument */
	struct str name;
};

static bool fail_showing(struct template_run *run, const char *before, const struct template_node *node, const char *after)
{
	cleanup_buf struct buf shown;
	buf_init(&shown, SHOWN_BYTES_MAX);
	template_node_print(node, &shown);
	return template_fail(run, "%s%s%s", before, shown.used > 0 ? shown.bytes : "", after);
}

/* ---- what a parameter wants ---- */

static const char *want_words(enum template_want want)
{
	static const char *const words[] = { "interface {}", "reflect.Value", "string", "*template.sample",
					     "template.queryResult", "time.Duration", "time.Time" };
	return words[want];
}

static bool want_fits(enum template_want want, enum template_type type)
{
	switch (want) {
	case WANT_STRING:
		return type == TEMPLATE_STRING;
	case WANT_SAMPLE:
		return type == TEMPLATE_SAMPLE;
	case WANT_RESULT:
		return type == TEMPLATE_RESULT;
	case WANT_DURATION:
		return type == TEMPLATE_DURATION || type == TEMPLATE_DURATION_AT;
	case WANT_TIME:
		return type == TEMPLATE_TIME || type == TEMPLATE_TIME_AT;
	default:
		return true;
	}
}

static bool validate(struct template_run *run, struct template_value *value, enum template_want want)
{
	if (value->type == TEMPLATE_NOTHING) {
		if (want == WANT_STRING || want == WANT_DURATION || want == WANT_TIME)
			return template_fail(run, "invalid value; expected %s", want_words(want));
		value->type = want == WANT_ANY ? TEMPLATE_NIL : want == WANT_VALUE ? TEMPLATE_NOTHING : TEMPLATE_NIL;
		return true;
	}
	if (want_fits(want, value->type))
		return true;
	return template_fail(run, "wrong type for value; expected %s; got %s", want_words(want),
			     value->type == TEMPLATE_NIL ? "interface {}" : template_type_name(value->type));
}

/* ---- fields ---- */

static const struct template_value *field_of_data(const struct template_scope *scope, struct str name, struct template_value *ret)
{
	if (str_is(name, "Labels"))
		*ret = (struct template_value){ .type = TEMPLATE_LABELS, .labels = scope->labels };
	else if (str_is(name, "ExternalLabels"))
		*ret = (struct template_value){ .type = TEMPLATE_LABELS, .labels = scope->external_labels };
	else if (str_is(name, "ExternalURL"))
		*ret = template_text_value(scope->external_url);
	else if (str_is(name, "Value"))
		*ret = template_real_value(scope->value);
	else
		return NULL;
	ret->boxed = str_is(name, "Value");
	return ret;
}

static const struct template_value *field_of_sample(const struct template_sample *sample, struct str name,
						    struct template_value *ret)
{
	if (str_is(name, "Labels"))
		*ret = (struct template_value){ .type = TEMPLATE_LABELS, .labels = sample->labels };
	else if (str_is(name, "Value"))
		*ret = template_real_value(sample->value);
	else
		return NULL;
	ret->boxed = str_is(name, "Value");
	return ret;
}

/* A map gives the zero value of what it holds for a key it does not have. */
static void entry_of(const struct template_value *map, struct str key, struct template_value *ret)
{
	if (map->type == TEMPLATE_LABELS) {
		*ret = template_text_value(promql_label_get(map->labels, key));
		return;
	}
	*ret = (struct template_value){ .type = TEMPLATE_NIL, .boxed = true };
	for (size_t i = 0; i < map->args.count; i++)
		if (str_eq(map->args.rows[i].name, key)) {
			*ret = map->args.rows[i].value;
			ret->boxed = true;
		}
}

static bool call(struct template_run *run, const struct template_value *dot, const struct call *of,
		 struct template_value *ret_value);

static bool eval_field(struct template_run *run, const struct template_value *dot, struct call *of,
		       const struct template_value *receiver, struct template_value *ret_value)
{
	bool has_args = of->args != NULL || of->final != NULL;
	const struct template_value *found = NULL;
	if (receiver->type == TEMPLATE_NOTHING) {
		*ret_value = *receiver;
		return true;
	}
	if (receiver->type == TEMPLATE_NIL)
		return template_fail(run, "nil pointer evaluating interface {}." STR_FMT, STR_ARG(of->name));
	of->function = template_method_find(receiver->type, of->name);
	if (of->function != NULL) {
		of->receiver = receiver;
		return call(run, dot, of, ret_value);
	}
	if (receiver->type == TEMPLATE_LABELS || receiver->type == TEMPLATE_ARGS) {
		if (has_args)
			return template_fail(run, STR_FMT " is not a method but has arguments", STR_ARG(of->name));
		entry_of(receiver, of->name, ret_value);
		return true;
	}
	if (receiver->type == TEMPLATE_DATA)
		found = field_of_data(receiver->scope, of->name, ret_value);
	else if (receiver->type == TEMPLATE_SAMPLE)
		found = field_of_sample(receiver->sample, of->name, ret_value);
	if (found != NULL && has_args)
		return template_fail(run, STR_FMT " has arguments but cannot be invoked as function", STR_ARG(of->name));
	if (found == NULL)
		return template_fail(run, "can't evaluate field " STR_FMT " in type %s", STR_ARG(of->name),
				     template_type_words(receiver));
	return true;
}

/* The arguments belong to the last field. */
static bool eval_fields(struct template_run *run, const struct template_value *dot, const struct template_node *node,
			size_t first, struct template_value receiver, const struct template_node *args,
			const struct template_value *final, struct template_value *ret_value)
{
	for (size_t i = first; i < node->field_count; i++) {
		bool last = i + 1 == node->field_count;
		struct call of = { .node = node, .name = node->fields[i], .args = last ? args : NULL,
				   .final = last ? final : NULL };
		struct template_value value;
		if (!eval_field(run, dot, &of, &receiver, &value))
			return false;
		receiver = value;
	}
	*ret_value = receiver;
	return true;
}

/* ---- terms ---- */

static bool eval_variable(struct template_run *run, const struct template_value *dot, const struct template_node *node,
			  const struct template_node *args, const struct template_value *final,
			  struct template_value *ret_value)
{
	run->node = node;
	const struct template_variable *variable = template_variable_find(run, node->fields[0]);
	if (variable == NULL)
		return template_fail(run, "undefined variable: " STR_FMT, STR_ARG(node->fields[0]));
	if (node->field_count == 1 && (args != NULL || final != NULL))
		return fail_showing(run, "can't give argument to non-function ", node, "");
	return eval_fields(run, dot, node, 1, variable->value, args, final, ret_value);
}

static bool eval_chain(struct template_run *run, const struct template_value *dot, const struct template_node *node,
		       const struct template_node *args, const struct template_value *final,
		       struct template_value *ret_value)
{
	struct template_value receiver;
	run->node = node;
	run->node = node->pipe;
	if (!template_eval_term(run, dot, node->pipe, &receiver))
		return false;
	return eval_fields(run, dot, node, 0, receiver, args, final, ret_value);
}

static bool eval_number(struct template_run *run, const struct template_node *node, struct template_value *ret_value)
{
	bool hex = node->text.len > 2 && node->text.ptr[0] == '0' && (node->text.ptr[1] == 'x' || node->text.ptr[1] == 'X') &&
		   !str_has(node->text, 'p') && !str_has(node->text, 'P');
	bool rune = node->text.ptr[0] == '\'', point = false;
	for (size_t i = 0; i < node->text.len; i++)
		point |= strchr(".eEpP", node->text.ptr[i]) != NULL;
	run->node = node;
	if (node->fraction && !hex && !rune && point)
		*ret_value = template_real_value(node->real);
	else if (node->whole)
		*ret_value = template_int_value(node->number);
	else
		*ret_value = (struct template_value){ .type = TEMPLATE_NOTHING };
	return true;
}

static bool eval_identifier(struct template_run *run, const struct template_value *dot, const struct template_node *node,
			    const struct template_node *whole, const struct template_node *args,
			    const struct template_value *final, struct template_value *ret_value)
{
	struct call of = { .function = node->function, .node = whole, .args = args, .final = final, .name = node->text };
	run->node = node;
	return call(run, dot, &of, ret_value);
}

bool template_eval_term(struct template_run *run, const struct template_value *dot, const struct template_node *node,
			struct template_value *ret_value)
{
	run->node = node->kind == NODE_PIPE ? run->node : node;
	switch (node->kind) {
	case NODE_BOOL:
		*ret_value = template_bool_value(node->truth);
		return true;
	case NODE_DOT:
		*ret_value = *dot;
		return true;
	case NODE_NIL:
		*ret_value = (struct template_value){ .type = TEMPLATE_NIL };
		return true;
	case NODE_NUMBER:
		return eval_number(run, node, ret_value);
	case NODE_STRING:
		*ret_value = template_text_value(node->value);
		return true;
	case NODE_PIPE:
		return template_eval_pipe(run, dot, node, ret_value);
	case NODE_FIELD:
		return eval_fields(run, dot, node, 0, *dot, NULL, NULL, ret_value);
	case NODE_VARIABLE:
		return eval_variable(run, dot, node, NULL, NULL, ret_value);
	case NODE_CHAIN:
		return eval_chain(run, dot, node, NULL, NULL, ret_value);
	case NODE_IDENTIFIER:
		return eval_identifier(run, dot, node, node, NULL, NULL, ret_value);
	default:
		return fail_showing(run, "can't evaluate command ", node, "");
	}
}

bool template_eval_command(struct template_run *run, const struct template_value *dot, const struct template_node *command,
			   const struct template_value *final, struct template_value *ret_value)
{
	const struct template_node *first = command->first, *args = first->next;
	run->node = first;
	switch (first->kind) {
	case NODE_FIELD:
		return eval_fields(run, dot, first, 0, *dot, args, final, ret_value);
	case NODE_VARIABLE:
		return eval_variable(run, dot, first, args, final, ret_value);
	case NODE_CHAIN:
		return eval_chain(run, dot, first, args, final, ret_value);
	default:
		return eval_identifier(run, dot, first, command, args, final, ret_value);
	}
}

/* ---- arguments ---- */

static bool is_constant(enum template_node_kind kind)
{
	return kind == NODE_BOOL || kind == NODE_NUMBER || kind == NODE_STRING;
}

static bool eval_arg(struct template_run *run, const struct template_value *dot, const struct template_node *node,
		     enum template_want want, struct template_value *ret_value)
{
	run->node = node;
	if (node->kind == NODE_NIL && (want == WANT_STRING || want == WANT_DURATION || want == WANT_TIME))
		return template_fail(run, "cannot assign nil to %s", want_words(want));
	if (node->kind == NODE_NIL) {
		*ret_value = (struct template_value){ .type = want == WANT_VALUE ? TEMPLATE_NOTHING : TEMPLATE_NIL };
		return true;
	}
	if (!is_constant(node->kind))
		return template_eval_term(run, dot, node, ret_value) && validate(run, ret_value, want);
	if (want == WANT_STRING && node->kind != NODE_STRING)
		return fail_showing(run, "expected string; found ", node, "");
	if (want == WANT_DURATION) {
		if (node->kind != NODE_NUMBER || !node->whole)
			return fail_showing(run, "expected integer; found ", node, "");
		*ret_value = (struct template_value){ .type = TEMPLATE_DURATION, .number = node->number };
		return true;
	}
	if (want != WANT_ANY && want != WANT_VALUE && want != WANT_STRING) {
		cleanup_buf struct buf after;
		buf_init(&after, 100);
		buf_printf(&after, " for arg of type %s", want_words(want));
		return fail_showing(run, "can't handle ", node, after.bytes);
	}
	return template_eval_term(run, dot, node, ret_value);
}

static bool check_count(struct template_run *run, const struct call *of, size_t written)
{
	const struct template_function *function = of->function;
	size_t count = written + (of->final != NULL);
	if (function->variadic && count < function->fixed_count)
		return template_fail(run, "wrong number of args for " STR_FMT ": want at least %u got %zu", STR_ARG(of->name),
				     function->fixed_count, written);
	if (!function->variadic && count != function->fixed_count)
		return template_fail(run, "wrong number of args for " STR_FMT ": want %u got %zu", STR_ARG(of->name),
				     function->fixed_count, count);
	if (count > ARGS_MAX)
		return template_fail_limit(run, ERR_TOO_LARGE, "more than %u arguments", ARGS_MAX);
	return true;
}

static enum template_want want_of(const struct template_function *function, size_t index)
{
	return index < function->fixed_count ? function->fixed[index] : function->rest;
}

/* `and` and `or` look at no more than they need. */
static bool call_short(struct template_run *run, const struct template_value *dot, const struct call *of,
		       struct template_value *ret_value)
{
	bool stop_at = str_is(of->name, "or");
	for (const struct template_node *arg = of->args; arg != NULL; arg = arg->next) {
		if (!eval_arg(run, dot, arg, WANT_VALUE, ret_value))
			return false;
		if (template_truth(ret_value) == stop_at)
			return true;
	}
	if (of->final != NULL)
		*ret_value = *of->final;
	return true;
}

static bool invoke(struct template_run *run, const struct call *of, struct template_value *values, size_t count,
		   struct template_value *ret_value)
{
	cleanup_buf struct buf failure;
	buf_init(&failure, FAILURE_BYTES_MAX);
	if (of->function->fn(run, values, count, ret_value, &failure))
		return true;
	run->node = of->node;
	return template_fail(run, "error calling " STR_FMT ": %s", STR_ARG(of->name),
			     failure.used > 0 ? failure.bytes : "it failed");
}

static bool call(struct template_run *run, const struct template_value *dot, const struct call *of,
		 struct template_value *ret_value)
{
	size_t written = 0, used = 0, before = of->receiver != NULL;
	for (const struct template_node *arg = of->args; arg != NULL; arg = arg->next)
		written++;
	if (!template_spend(run, 0) || !check_count(run, of, written))
		return false;
	if (of->function->fn == NULL)
		return call_short(run, dot, of, ret_value);
	struct template_value *values = template_alloc(run, (written + 2) * sizeof *values);
	if (values == NULL)
		return false;
	if (before)
		values[0] = *of->receiver;
	for (const struct template_node *arg = of->args; arg != NULL; arg = arg->next, used++)
		if (!eval_arg(run, dot, arg, want_of(of->function, used), &values[before + used]))
			return false;
	if (of->final != NULL) {
		values[before + used] = *of->final;
		if (!validate(run, &values[before + used], want_of(of->function, used)))
			return false;
		used++;
	}
	return invoke(run, of, values, before + used, ret_value);
}
