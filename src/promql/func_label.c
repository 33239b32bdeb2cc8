/* func_label.c: new labels from old ones, and order by labels. See functions.h. */
#include <stdlib.h>
#include <string.h>

#include "promql/functions.h"

static struct str text_argument(const struct node *node, size_t index)
{
	return node_bare(node->call.arguments[index])->string;
}

static void check_name(struct eval *eval, const char *function, struct str name)
{
	char quoted[200];
	struct buf buf;
	if (name.len > 0 && str_is_utf8(name))
		return;
	buf_init(&buf, sizeof quoted);
	promql_quote(name, &buf);
	snprintf(quoted, sizeof quoted, "%s", buf.bytes != NULL ? buf.bytes : "");
	buf_finish(&buf);
	eval_raise(eval, ERR_INVALID, "invalid label name in %s(): %s", function, quoted);
}

static struct str expand(struct eval *eval, const struct promql_pattern *pattern, struct str template,
			 const struct str *groups)
{
	size_t length = promql_pattern_expand(pattern, template, groups, NULL);
	char *out = eval_alloc(eval, length + 1);
	promql_pattern_expand(pattern, template, groups, out);
	return (struct str){ out, length };
}

static void put_label(struct eval *eval, struct column *column, struct str name, struct str value)
{
	column->labels = labels_with(eval, column->labels, name, value);
	if (str_is(name, PROMQL_NAME))
		column->drop_name = false;
}

struct frame *call_label_replace(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct str into = text_argument(node, 1), template = text_argument(node, 2), from = text_argument(node, 3);
	struct promql_pattern *pattern = eval_pattern(eval, text_argument(node, 4));
	struct str groups[PROMQL_PATTERN_GROUPS_MAX];
	check_name(eval, "label_replace", into);
	struct frame *frame = eval_node(eval, node->call.arguments[0], grid);
	for (size_t c = 0; c < frame->count; c++) {
		struct str value = promql_label_get(frame->columns[c].labels, from);
		if (promql_pattern_groups(pattern, value, groups))
			put_label(eval, &frame->columns[c], into, expand(eval, pattern, template, groups));
	}
	frame_merge(eval, frame, grid);
	return frame;
}

static struct str joined(struct eval *eval, const struct node *node, struct promql_labels labels)
{
	struct str between = text_argument(node, 2);
	size_t size = 1, used = 0;
	for (size_t i = 3; i < node->call.count; i++)
		size += promql_label_get(labels, text_argument(node, i)).len + between.len;
	char *out = eval_alloc(eval, size);
	for (size_t i = 3; i < node->call.count; i++) {
		struct str parts[2] = { i > 3 ? between : STR_NONE, promql_label_get(labels, text_argument(node, i)) };
		for (int p = 0; p < 2; p++) {
			if (parts[p].len > 0)
				memcpy(out + used, parts[p].ptr, parts[p].len);
			used += parts[p].len;
		}
	}
	return (struct str){ out, used };
}

struct frame *call_label_join(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct str into = text_argument(node, 1);
	check_name(eval, "label_join", into);
	for (size_t i = 3; i < node->call.count; i++)
		check_name(eval, "label_join", text_argument(node, i));
	struct frame *frame = eval_node(eval, node->call.arguments[0], grid);
	for (size_t c = 0; c < frame->count; c++)
		put_label(eval, &frame->columns[c], into, joined(eval, node, frame->columns[c].labels));
	frame_merge(eval, frame, grid);
	return frame;
}

/* ---- sort_by_label ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str digits_of(struct str *text)
{
	size_t zeros = 0, end;
	while (zeros + 1 < text->len && text->ptr[zeros] == '0' && is_digit(text->ptr[zeros + 1]))
		zeros++;
	for (end = zeros; end < text->len && is_digit(text->ptr[end]);)
		end++;
	struct str digits = str_sub(*text, zeros, end);
	*text = str_sub(*text, end, text->len);
	return digits;
}

/* As people count: "a2" before "a10". */
static int natural(struct str a, struct str b)
{
	while (a.len > 0 && b.len > 0) {
		int order;
		if (is_digit(a.ptr[0]) && is_digit(b.ptr[0])) {
			struct str x = digits_of(&a), y = digits_of(&b);
			order = x.len != y.len ? (x.len < y.len ? -1 : 1) : str_cmp(x, y);
		} else {
			order = (unsigned char)a.ptr[0] - (unsigned char)b.ptr[0];
			a = str_sub(a, 1, a.len);
			b = str_sub(b, 1, b.len);
		}
		if (order != 0)
			return order;
	}
	return a.len > 0 ? 1 : b.len > 0 ? -1 : 0;
}

static int by_label(const void *a, const void *b, void *context)
{
	const struct node *node = context;
	const struct column *x = a, *y = b;
	int sign = str_is(str_of(node->call.what->name), "sort_by_label_desc") ? -1 : 1;
	for (size_t i = 1; i < node->call.count; i++) {
		struct str name = text_argument(node, i);
		int order = natural(promql_label_get(x->labels, name), promql_label_get(y->labels, name));
		if (order != 0)
			return sign * order;
	}
	return sign * promql_labels_compare(x->labels, y->labels);
}

struct frame *call_sort_by_label(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->call.arguments[0], grid);
	if (eval->range)
		eval_note(eval, true, node, "%s is ineffective for range queries since results are always ordered by "
			  "labels", node->call.what->name);
	else if (of->count > 1)
		qsort_r(of->columns, of->count, sizeof *of->columns, by_label, (void *)node);
	return of;
}
