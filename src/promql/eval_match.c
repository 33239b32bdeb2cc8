/*
 * eval_match.c: an operator between two vectors: which series meet, what the result is called, and
 * the refusals when it is not clear. The checks come before a comparison filters, as in Prometheus since 3.9.
 */
#include "promql/eval.h"

#include <string.h>

static struct promql_labels signature_of(struct eval *eval, const struct matching *matching,
					 struct promql_labels labels)
{
	static const struct str name = { PROMQL_NAME, sizeof PROMQL_NAME - 1 };
	if (matching->on)
		return labels_only(eval, labels, matching->labels, matching->count);
	struct promql_labels rest = labels_without(eval, labels, matching->labels, matching->count, false);
	return labels_without(eval, rest, &name, 1, false);
}

void signatures_make(struct eval *eval, const struct matching *matching, const struct frame *left,
		     const struct frame *right, struct signatures *ret_signatures)
{
	struct grid none = { .count = 0 };
	struct collector seen;
	bool is_new;
	collector_init(&seen, eval, &none);
	ret_signatures->left = eval_array(eval, uint32_t, left->count + 1);
	ret_signatures->right = eval_array(eval, uint32_t, right->count + 1);
	for (size_t c = 0; c < left->count; c++)
		ret_signatures->left[c] =
			(uint32_t)collector_find(&seen, signature_of(eval, matching, left->columns[c].labels), &is_new);
	for (size_t c = 0; c < right->count; c++)
		ret_signatures->right[c] =
			(uint32_t)collector_find(&seen, signature_of(eval, matching, right->columns[c].labels), &is_new);
	ret_signatures->count = seen.frame->count;
}

struct match {
	struct eval *eval;
	const struct node *node;
	const struct grid *grid;
	const struct matching *matching;
	const struct frame *many, *one;        /* of one-to-one: left and right */
	const uint32_t *many_signs, *one_signs;
	uint32_t *one_of;                      /* signature -> column of `one` at this step, + 1 */
	size_t *many_step;                     /* signature -> the last step a column of `many` had it, + 1 */
	size_t signs;
	struct collector out;
	uint32_t *out_sign;                    /* of the results: who made them */
	size_t *out_step;                      /* and at which step last, + 1 */
	size_t out_size;
	struct { uint32_t one, out; } *last;   /* of each column of `many`: the result with that partner, each + 1 */
};

static struct promql_labels result_labels(const struct match *match, const struct column *many,
					  const struct column *one)
{
	struct eval *eval = match->eval;
	const struct matching *matching = match->matching;
	struct promql_labels labels = many->labels;
	if (!binary_rows[match->node->binary.op].compares ||
	    (match->node->binary.returns_bool && !eval->options->delayed_names))
		labels = labels_without(eval, labels, NULL, 0, true);
	if (matching->card == CARD_ONE_TO_ONE)
		labels = matching->on ? labels_only(eval, labels, matching->labels, matching->count)
				      : labels_without(eval, labels, matching->labels, matching->count, false);
	for (size_t i = 0; i < matching->include_count; i++)
		labels = labels_with(eval, labels, matching->include[i],
				     promql_label_get(one->labels, matching->include[i]));
	return labels;
}

_Noreturn static void refuse_duplicate(const struct match *match, const struct column *a, const struct column *b)
{
	char text[ERROR_TEXT_BYTES];
	struct buf buf;
	bool left = match->matching->card == CARD_ONE_TO_MANY;
	const struct column *first = promql_labels_compare(a->labels, b->labels) <= 0 ? a : b;
	const struct column *second = first == a ? b : a;
	struct promql_labels group =
		match->matching->on ? labels_only(match->eval, a->labels, match->matching->labels, match->matching->count)
				    : signature_of(match->eval, match->matching, a->labels);
	buf_init(&buf, sizeof text - 160);
	buf_adds(&buf, "found duplicate series for the match group ");
	promql_labels_print(group, &buf);
	buf_printf(&buf, " on the %s hand-side of the operation: [", left ? "left" : "right");
	promql_labels_print(first->labels, &buf);
	buf_adds(&buf, ", ");
	promql_labels_print(second->labels, &buf);
	buf_addc(&buf, ']');
	snprintf(text, sizeof text, "%s;many-to-many matching not allowed: matching labels must be unique on one side",
		 buf.bytes);
	buf_finish(&buf);
	eval_raise(match->eval, ERR_INVALID, "%s", text);
}

/* Which column of the one side stands for a signature at this step. */
static bool note_one_side(struct match *match, size_t step)
{
	bool any = false;
	memset(match->one_of, 0, match->signs * sizeof *match->one_of);
	for (size_t c = 0; c < match->one->count; c++) {
		uint32_t sign = match->one_signs[c];
		if (!match->one->columns[c].there[step])
			continue;
		if (match->one_of[sign] != 0)
			refuse_duplicate(match, &match->one->columns[match->one_of[sign] - 1], &match->one->columns[c]);
		match->one_of[sign] = (uint32_t)c + 1;
		any = true;
	}
	return any;
}

static bool any_there(const struct frame *frame, size_t step)
{
	for (size_t c = 0; c < frame->count; c++)
		if (frame->columns[c].there[step])
			return true;
	return false;
}

static void widen_out(struct match *match)
{
	size_t size = match->out_size * 2 + 16;
	match->out_sign = eval_grow(match->eval, match->out_sign, match->out_size * sizeof *match->out_sign,
				    size * sizeof *match->out_sign);
	match->out_step = eval_grow(match->eval, match->out_step, match->out_size * sizeof *match->out_step,
				    size * sizeof *match->out_step);
	match->out_size = size;
}

static size_t result_of(struct match *match, size_t many, size_t one)
{
	const struct column *a = &match->many->columns[many], *b = &match->one->columns[one];
	bool is_new;
	if (match->last[many].one == one + 1)
		return match->last[many].out - 1;
	size_t out = collector_find(&match->out, result_labels(match, a, b), &is_new);
	if (out >= match->out_size)
		widen_out(match);
	if (is_new) {
		match->out_step[out] = 0;
		match->out.frame->columns[out].drop_name =
			(match->node->binary.returns_bool && match->eval->options->delayed_names) || a->drop_name;
	}
	match->last[many].one = (uint32_t)one + 1;
	match->last[many].out = (uint32_t)out + 1;
	return out;
}

static void check_once(struct match *match, uint32_t sign, size_t out, size_t step)
{
	if (match->matching->card == CARD_ONE_TO_ONE) {
		if (match->many_step[sign] == step + 1)
			eval_raise(match->eval, ERR_INVALID, "multiple matches for labels: many-to-one matching must be "
				   "explicit (group_left/group_right)");
		match->many_step[sign] = step + 1;
	}
	if (match->out_step[out] == step + 1) {
		if (match->out_sign[out] == sign)
			eval_raise(match->eval, ERR_INVALID, "multiple matches for labels: grouping labels must ensure "
				   "unique matches");
		if (match->out.frame->columns[out].there[step])
			eval_raise(match->eval, ERR_INVALID, "vector cannot contain metrics with the same labelset");
	}
	match->out_step[out] = step + 1;
	match->out_sign[out] = sign;
}

static void meet(struct match *match, size_t many, size_t step)
{
	const struct node *node = match->node;
	uint32_t sign = match->many_signs[many];
	if (!match->many->columns[many].there[step] || match->one_of[sign] == 0)
		return;
	size_t one = match->one_of[sign] - 1, out = result_of(match, many, one);
	double a = match->many->columns[many].values[step], b = match->one->columns[one].values[step];
	bool swapped = match->matching->card == CARD_ONE_TO_MANY, kept;
	double value = binary_value(node->binary.op, swapped ? b : a, swapped ? a : b, &kept);
	check_once(match, sign, out, step);
	bool a_histogram = match->many->columns[many].there[step] == CELL_HISTOGRAM;
	bool b_histogram = match->one->columns[one].there[step] == CELL_HISTOGRAM;
	if (a_histogram || b_histogram) {
		if (binary_makes_histogram(node->binary.op, swapped ? b_histogram : a_histogram,
					   swapped ? a_histogram : b_histogram))
			eval_refuse_histogram(match->eval);
		note_incompatible(match->eval, node, swapped ? b_histogram : a_histogram,
				  swapped ? a_histogram : b_histogram);
		return;
	}
	if (node->binary.returns_bool)
		value = kept;
	else if (!kept)
		return;
	match->out.frame->columns[out].there[step] = 1;
	match->out.frame->columns[out].values[step] = value;
}

struct frame *eval_match(struct eval *eval, struct node *node, const struct grid *grid, struct frame *left,
			 struct frame *right)
{
	const struct matching *matching = &node->binary.matching;
	bool swapped = matching->card == CARD_ONE_TO_MANY;
	struct signatures signatures;
	signatures_make(eval, matching, left, right, &signatures);
	struct match match = { .eval = eval, .node = node, .grid = grid, .matching = matching,
			       .many = swapped ? right : left, .one = swapped ? left : right,
			       .many_signs = swapped ? signatures.right : signatures.left,
			       .one_signs = swapped ? signatures.left : signatures.right, .signs = signatures.count };
	match.one_of = eval_array(eval, uint32_t, match.signs + 1);
	match.many_step = eval_array(eval, size_t, match.signs + 1);
	match.last = eval_alloc(eval, (match.many->count + 1) * sizeof *match.last);
	collector_init(&match.out, eval, grid);
	for (size_t i = 0; i < grid->count; i++) {
		eval_count(eval, 0);
		if (!any_there(match.many, i) || !note_one_side(&match, i))
			continue;
		for (size_t c = 0; c < match.many->count; c++)
			meet(&match, c, i);
	}
	return match.out.frame;
}
