/*
 * template_builtin.c: the functions that Go's templates bring: print, comparisons, index, len, slice, escapes.
 *
 * To add one: a function of the type template_fn and a row at the end; its parameters are checked before it is called.
 */
#include <string.h>

#include "promql/template_priv.h"

/* ---- printing and escaping ---- */

static bool print(struct template_run *run, struct template_value *args, size_t count, bool line, struct template_value *ret)
{
	cleanup_buf struct buf out;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	template_sprint(args, count, line, &out);
	return template_take(run, &out, ret);
}

static bool fn_print(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	(void)failure;
	return print(run, args, count, false, ret);
}

static bool fn_println(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		       struct buf *failure)
{
	(void)failure;
	return print(run, args, count, true, ret);
}

static bool fn_printf(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		      struct buf *failure)
{
	cleanup_buf struct buf out;
	(void)failure;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	template_sprintf(args[0].text, args + 1, count - 1, &out);
	return template_take(run, &out, ret);
}

/* The arguments as one text: what a pointer points to, and "<no value>" for nothing. */
static bool joined(struct template_run *run, const struct template_value *args, size_t count, struct template_value *ret)
{
	cleanup_buf struct buf out;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	if (count == 1)
		template_print_action(&args[0], &out);
	else
		template_sprint(args, count, false, &out);
	return template_take(run, &out, ret);
}

static bool escape(struct template_run *run, const struct template_value *args, size_t count,
		   void (*by)(struct str, struct buf *), struct template_value *ret)
{
	cleanup_buf struct buf out;
	struct template_value text;
	buf_init(&out, TEMPLATE_OUT_BYTES_MAX);
	if (!joined(run, args, count, &text))
		return false;
	by(text.text, &out);
	return template_take(run, &out, ret);
}

static bool fn_html(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		    struct buf *failure)
{
	(void)failure;
	return escape(run, args, count, template_html, ret);
}

static bool fn_js(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	(void)failure;
	return escape(run, args, count, template_js, ret);
}

static bool fn_urlquery(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
			struct buf *failure)
{
	(void)failure;
	return escape(run, args, count, template_urlquery, ret);
}

/* ---- truth and comparisons ---- */

static bool fn_not(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		   struct buf *failure)
{
	(void)run, (void)count, (void)failure;
	*ret = template_bool_value(!template_truth(&args[0]));
	return true;
}

static bool complain(struct buf *failure, const char *what)
{
	buf_adds(failure, what);
	return false;
}

static bool is_basic(enum template_kind kind)
{
	return kind == KIND_BOOL || kind == KIND_INT || kind == KIND_UINT || kind == KIND_FLOAT || kind == KIND_STRING;
}

static bool is_whole(enum template_kind kind)
{
	return kind == KIND_INT || kind == KIND_UINT;
}

static bool is_nil(const struct template_value *value)
{
	return value->type <= TEMPLATE_NIL;
}

/* Of two that are no plain values and not nothing: maps, lists and what holds them compare with nothing. */
static bool can_compare(const struct template_value *a, const struct template_value *b, struct buf *failure)
{
	enum template_kind kind = template_kind_of(b);
	if (template_kind_of(a) != kind) {
		buf_adds(failure, "non-comparable types ");
		template_sprintf(STR("%s"), a, 1, failure);
		buf_printf(failure, ": %s, %s: ", template_type_name(a->type), template_type_name(b->type));
		template_print(b, failure);
		return false;
	}
	if (kind != KIND_MAP && kind != KIND_LIST && b->type != TEMPLATE_DATA)
		return true;
	buf_adds(failure, "non-comparable type ");
	template_sprintf(STR("%s"), b, 1, failure);
	buf_printf(failure, ": %s", template_type_name(b->type));
	return false;
}

static bool same_basic(const struct template_value *a, const struct template_value *b)
{
	switch (template_kind_of(a)) {
	case KIND_BOOL:
		return a->truth == b->truth;
	case KIND_FLOAT:
		return a->real == b->real;
	case KIND_STRING:
		return str_eq(a->text, b->text);
	default:
		return a->number == b->number;
	}
}

/* Pointers are equal when they point to the same; times when all is equal. */
static bool same_other(const struct template_value *a, const struct template_value *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == TEMPLATE_SAMPLE)
		return a->sample == b->sample;
	return a->type == TEMPLATE_TIME ? a->number == b->number : a->type <= TEMPLATE_NIL;
}

static bool equal_one(const struct template_value *a, const struct template_value *b, bool *ret_equal,
		      struct buf *failure)
{
	enum template_kind kind = template_kind_of(a), other = template_kind_of(b);
	*ret_equal = false;
	if (is_nil(a) || is_nil(b)) {
		*ret_equal = is_nil(a) && is_nil(b);
		return true;
	}
	if (is_basic(kind) != is_basic(other) ||
	    (is_basic(kind) && kind != other && !(is_whole(kind) && is_whole(other))))
		return complain(failure, "incompatible types for comparison");
	if (!is_basic(kind) && !can_compare(a, b, failure))
		return false;
	*ret_equal = is_basic(kind) ? same_basic(a, b) : same_other(a, b);
	return true;
}

/* Whether the first is one of the others. */
static bool equal(const struct template_value *args, size_t count, bool *ret_equal, struct buf *failure)
{
	*ret_equal = false;
	if (count < 2)
		return complain(failure, "missing argument for comparison");
	for (size_t i = 1; i < count && !*ret_equal; i++)
		if (!equal_one(&args[0], &args[i], ret_equal, failure))
			return false;
	return true;
}

static bool less(const struct template_value *a, const struct template_value *b, bool *ret_less, struct buf *failure)
{
	enum template_kind kind = template_kind_of(a), other = template_kind_of(b);
	if (!is_basic(kind) || !is_basic(other))
		return complain(failure, "invalid type for comparison");
	if (kind != other && !(is_whole(kind) && is_whole(other)))
		return complain(failure, "incompatible types for comparison");
	if (kind == KIND_BOOL)
		return complain(failure, "invalid type for comparison");
	if (kind == KIND_FLOAT)
		*ret_less = a->real < b->real;
	else if (kind == KIND_STRING)
		*ret_less = str_cmp(a->text, b->text) < 0;
	else
		*ret_less = a->number < b->number;
	return true;
}

static bool fn_eq(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	bool truth;
	(void)run;
	if (!equal(args, count, &truth, failure))
		return false;
	*ret = template_bool_value(truth);
	return true;
}

static bool fn_ne(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	bool truth;
	(void)run;
	if (!equal(args, count, &truth, failure))
		return false;
	*ret = template_bool_value(!truth);
	return true;
}

static bool fn_lt(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	bool truth = false;
	(void)run, (void)count;
	if (!less(&args[0], &args[1], &truth, failure))
		return false;
	*ret = template_bool_value(truth);
	return true;
}

static bool fn_le(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	bool truth = false, same = false;
	(void)run;
	if (!less(&args[0], &args[1], &truth, failure) || !equal(args, count, &same, failure))
		return false;
	*ret = template_bool_value(truth || same);
	return true;
}

static bool fn_gt(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	if (!fn_le(run, args, count, ret, failure))
		return false;
	ret->truth = !ret->truth;
	return true;
}

static bool fn_ge(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		  struct buf *failure)
{
	if (!fn_lt(run, args, count, ret, failure))
		return false;
	ret->truth = !ret->truth;
	return true;
}

/* ---- what is inside ---- */

static bool length_of(const struct template_value *value, size_t *ret_length)
{
	switch (template_kind_of(value)) {
	case KIND_STRING:
		*ret_length = value->text.len;
		return true;
	case KIND_MAP:
		*ret_length = value->type == TEMPLATE_LABELS ? value->labels.count : value->args.count;
		return true;
	case KIND_LIST:
		*ret_length = value->result.count;
		return true;
	default:
		return false;
	}
}

/* What a pointer points to: a structure, by its name. */
static const char *pointed_name(const struct template_value *value)
{
	const char *name = template_type_name(value->type);
	return name + (name[0] == '*');
}

static bool fn_len(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		   struct buf *failure)
{
	size_t length;
	(void)run, (void)count;
	if (args[0].type == TEMPLATE_NIL)
		return complain(failure, "len of nil pointer");
	if (args[0].type == TEMPLATE_NOTHING)
		return complain(failure, "reflect: call of reflect.Value.Type on zero Value");
	if (!length_of(&args[0], &length)) {
		buf_printf(failure, "len of type %s", pointed_name(&args[0]));
		return false;
	}
	*ret = template_int_value((int64_t)length);
	return true;
}

static bool index_of(const struct template_value *index, size_t room, size_t *ret_index, struct buf *failure)
{
	enum template_kind kind = template_kind_of(index);
	if (kind == KIND_NONE)
		return complain(failure, "cannot index slice/array with nil");
	if (!is_whole(kind)) {
		buf_printf(failure, "cannot index slice/array with type %s", template_type_name(index->type));
		return false;
	}
	if (index->number < 0 || (uint64_t)index->number > room) {
		buf_printf(failure, "index out of range: %lld", (long long)index->number);
		return false;
	}
	*ret_index = (size_t)index->number;
	return true;
}

static bool entry_of(struct template_value *map, const struct template_value *key, struct buf *failure)
{
	struct template_value found;
	if (key->type == TEMPLATE_NOTHING || key->type == TEMPLATE_NIL)
		return complain(failure, "value is nil; should be of type string");
	if (key->type != TEMPLATE_STRING) {
		buf_printf(failure, "value has type %s; should be string", template_type_name(key->type));
		return false;
	}
	if (map->type == TEMPLATE_LABELS) {
		*map = template_text_value(promql_label_get(map->labels, key->text));
		return true;
	}
	found = (struct template_value){ .type = TEMPLATE_NIL, .boxed = true };
	for (size_t i = 0; i < map->args.count; i++)
		if (str_eq(map->args.rows[i].name, key->text)) {
			found = map->args.rows[i].value;
			found.boxed = true;
		}
	*map = found;
	return true;
}

static bool fn_index(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	struct template_value item = args[0];
	size_t length, at;
	(void)run;
	if (item.type <= TEMPLATE_NIL)
		return complain(failure, "index of untyped nil");
	for (size_t i = 1; i < count; i++) {
		if (item.type <= TEMPLATE_NIL)
			return complain(failure, "index of nil pointer");
		if (template_kind_of(&item) == KIND_MAP) {
			if (!entry_of(&item, &args[i], failure))
				return false;
			continue;
		}
		if (!length_of(&item, &length)) {
			buf_printf(failure, "can't index item of type %s", pointed_name(&item));
			return false;
		}
		bool text = template_kind_of(&item) == KIND_STRING;
		if (!index_of(&args[i], length, &at, failure))
			return false;
		if (at == length)
			return complain(failure, text ? "reflect: string index out of range" :
						       "reflect: slice index out of range");
		item = text ? (struct template_value){ .type = TEMPLATE_BYTE, .number = (uint8_t)item.text.ptr[at] } :
			      (struct template_value){ .type = TEMPLATE_SAMPLE, .sample = item.result.rows[at] };
	}
	*ret = item;
	return true;
}

static bool slice_bounds(const struct template_value *args, size_t count, size_t length, size_t room, size_t bounds[3],
			 struct buf *failure)
{
	bounds[0] = 0;
	bounds[1] = length;
	bounds[2] = room;
	for (size_t i = 1; i < count; i++)
		if (!index_of(&args[i], room, &bounds[i - 1], failure))
			return false;
	size_t wrong = bounds[0] > bounds[1] ? 1 : count == 4 && bounds[1] > bounds[2] ? 2 : 0;
	if (wrong > 0) {
		buf_printf(failure, "invalid slice index: %zu > %zu", bounds[wrong - 1], bounds[wrong]);
		return false;
	}
	return true;
}

static bool fn_slice(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		     struct buf *failure)
{
	size_t bounds[3];
	bool text = template_kind_of(&args[0]) == KIND_STRING;
	(void)run;
	if (args[0].type <= TEMPLATE_NIL)
		return complain(failure, "slice of untyped nil");
	if (count > 4) {
		buf_printf(failure, "too many slice indexes: %zu", count - 1);
		return false;
	}
	if (text && count == 4)
		return complain(failure, "cannot 3-index slice a string");
	if (!text && args[0].type != TEMPLATE_RESULT) {
		buf_printf(failure, "can't slice item of type %s", template_type_name(args[0].type));
		return false;
	}
	size_t length = text ? args[0].text.len : args[0].result.count, room = text ? length : args[0].result.room;
	if (!slice_bounds(args, count, length, room, bounds, failure))
		return false;
	*ret = args[0];
	if (text) {
		ret->text = str_sub(args[0].text, bounds[0], bounds[1]);
	} else {
		ret->result.rows += bounds[0];
		ret->result.count = bounds[1] - bounds[0];
		ret->result.room = bounds[2] - bounds[0];
	}
	return true;
}

static bool fn_call(struct template_run *run, struct template_value *args, size_t count, struct template_value *ret,
		    struct buf *failure)
{
	(void)run, (void)count, (void)ret;
	if (args[0].type <= TEMPLATE_NIL)
		return complain(failure, "call of nil");
	buf_printf(failure, "non-function of type %s", template_type_name(args[0].type));
	return false;
}

const struct template_function template_builtins[] = {
	{ "and", NULL, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "call", fn_call, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "eq", fn_eq, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "ge", fn_ge, { WANT_VALUE, WANT_VALUE }, 2, false, WANT_ANY },
	{ "gt", fn_gt, { WANT_VALUE, WANT_VALUE }, 2, false, WANT_ANY },
	{ "html", fn_html, { WANT_ANY }, 0, true, WANT_ANY },
	{ "index", fn_index, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "js", fn_js, { WANT_ANY }, 0, true, WANT_ANY },
	{ "le", fn_le, { WANT_VALUE, WANT_VALUE }, 2, false, WANT_ANY },
	{ "len", fn_len, { WANT_VALUE }, 1, false, WANT_ANY },
	{ "lt", fn_lt, { WANT_VALUE, WANT_VALUE }, 2, false, WANT_ANY },
	{ "ne", fn_ne, { WANT_VALUE, WANT_VALUE }, 2, false, WANT_ANY },
	{ "not", fn_not, { WANT_VALUE }, 1, false, WANT_ANY },
	{ "or", NULL, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "print", fn_print, { WANT_ANY }, 0, true, WANT_ANY },
	{ "printf", fn_printf, { WANT_STRING }, 1, true, WANT_ANY },
	{ "println", fn_println, { WANT_ANY }, 0, true, WANT_ANY },
	{ "slice", fn_slice, { WANT_VALUE }, 1, true, WANT_VALUE },
	{ "urlquery", fn_urlquery, { WANT_ANY }, 0, true, WANT_ANY },
	{ NULL },
};

const struct template_function *template_function_find(struct str name)
{
	const struct template_function *tables[] = { template_prometheus, template_builtins };
	for (int t = 0; t < 2; t++)
		for (const struct template_function *row = tables[t]; row->name != NULL; row++)
			if (str_is(name, row->name))
				return row;
	return NULL;
}
