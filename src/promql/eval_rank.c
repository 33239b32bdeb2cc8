/*
 * eval_rank.c: aggregations that see all values of a group at one step: topk and its like, quantile,
 * count_values. Ties fall as in Go's container/heap, because answers are compared with Prometheus'.
 */
#include "promql/aggregate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/number.h"
#include "promql/rank.h"

/* ---- quantile ---- */

double quantile_of(double q, double *values, size_t count)
{
	if (count == 0 || isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	double rank = q * (double)(count - 1), weight = rank - floor(rank);
	double lower, upper;
	rank_pick(values, count, (size_t)floor(rank), &lower, &upper);
	return lower * (1 - weight) + upper * weight;
}

/* The columns of each group, one run a group: [begin[g], begin[g + 1]) of the members. */
struct members {
	uint32_t *columns, *begin;
	struct frame *groups;
};

static void members_make(struct eval *eval, const struct node *node, const struct grid *grid, const struct frame *of,
			 struct members *ret)
{
	uint32_t *group_of = group_columns(eval, node, grid, of, &ret->groups);
	size_t groups = ret->groups->count;
	uint32_t *next = eval_array(eval, uint32_t, groups + 1);
	ret->begin = eval_array(eval, uint32_t, groups + 1);
	ret->columns = eval_array(eval, uint32_t, of->count + 1);
	for (size_t c = 0; c < of->count; c++)
		ret->begin[group_of[c] + 1]++;
	for (size_t g = 0; g < groups; g++) {
		ret->begin[g + 1] += ret->begin[g];
		next[g] = ret->begin[g];
	}
	for (size_t c = 0; c < of->count; c++)
		ret->columns[next[group_of[c]]++] = (uint32_t)c;
}

/* Those that rank values leave out native histograms, and say so. */
static struct frame *ranked_floats(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->aggregate.of, grid);
	for (size_t c = 0; c < of->count; c++)
		if (memchr(of->columns[c].there, CELL_HISTOGRAM, grid->count) != NULL)
			note_ignored(eval, node);
	frame_only_floats(of, grid);
	return of;
}

struct frame *aggregate_quantile(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = ranked_floats(eval, node, grid);
	double *q = eval_scalar(eval, node->aggregate.parameter, grid);
	double *values = eval_array(eval, double, of->count + 1);
	struct members members;
	members_make(eval, node, grid, of, &members);
	for (size_t i = 0; i < grid->count; i++) {
		if (!(q[i] >= 0 && q[i] <= 1))
			eval_note(eval, true, node->aggregate.parameter,
				  "quantile value should be between 0 and 1, got %s",
				  isnan(q[i]) ? "NaN" : arena_printf(eval->arena, "%g", q[i]).ptr);
		for (size_t g = 0; g < members.groups->count; g++) {
			size_t count = 0;
			for (uint32_t m = members.begin[g]; m < members.begin[g + 1]; m++)
				if (of->columns[members.columns[m]].there[i])
					values[count++] = of->columns[members.columns[m]].values[i];
			members.groups->columns[g].there[i] = count > 0;
			if (count > 0)
				members.groups->columns[g].values[i] = quantile_of(q[i], values, count);
		}
	}
	return members.groups;
}

/* ---- topk, bottomk, limitk, limit_ratio ---- */

struct ranked {
	double value;
	uint32_t column;
};

struct heap {
	struct ranked *rows;
	size_t count;
	bool top; /* the smallest is first, to be thrown out; of bottomk the largest */
};

static bool less(bool top, double a, double b)
{
	return isnan(a) || (top ? a < b : a > b);
}

static void swap(struct heap *heap, size_t a, size_t b)
{
	struct ranked kept = heap->rows[a];
	heap->rows[a] = heap->rows[b];
	heap->rows[b] = kept;
}

static void heap_push(struct heap *heap, struct ranked row)
{
	size_t at = heap->count++;
	heap->rows[at] = row;
	while (at > 0) {
		size_t above = (at - 1) / 2;
		if (!less(heap->top, heap->rows[at].value, heap->rows[above].value))
			return;
		swap(heap, at, above);
		at = above;
	}
}

static void heap_replace_first(struct heap *heap, struct ranked row)
{
	size_t at = 0;
	heap->rows[0] = row;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= heap->count)
			return;
		if (child + 1 < heap->count && less(heap->top, heap->rows[child + 1].value, heap->rows[child].value))
			child++;
		if (!less(heap->top, heap->rows[child].value, heap->rows[at].value))
			return;
		swap(heap, at, child);
		at = child;
	}
}

/* Best first; equal ones stay as they are. */
static void heap_sort(struct heap *heap)
{
	for (size_t i = 1; i < heap->count; i++)
		for (size_t j = i; j > 0 && less(heap->top, heap->rows[j - 1].value, heap->rows[j].value) &&
				   !(isnan(heap->rows[j - 1].value) && isnan(heap->rows[j].value)); j--)
			swap(heap, j, j - 1);
}

/* How many may stay, 0: none. Raises when it is no number. */
static size_t limit_of(struct eval *eval, double k, size_t most)
{
	if (isnan(k))
		eval_raise(eval, ERR_INVALID, "Parameter value is NaN");
	if (k >= 9.2e18)
		eval_raise(eval, ERR_INVALID, "Scalar value %g overflows int64", k);
	if (k < -9.2e18)
		eval_raise(eval, ERR_INVALID, "Scalar value %g underflows int64", k);
	if (k < 1)
		return 0;
	return k >= (double)most ? most : (size_t)k;
}

static void rank_group(const struct frame *of, const uint32_t *columns, size_t count, size_t step, size_t k,
		       struct heap *heap)
{
	heap->count = 0;
	for (size_t m = 0; m < count && k > 0; m++) {
		const struct column *column = &of->columns[columns[m]];
		struct ranked row = { column->values[step], columns[m] };
		if (!column->there[step])
			continue;
		if (heap->count < k)
			heap_push(heap, row);
		else if (isnan(heap->rows[0].value) ? !isnan(row.value)
						    : (heap->top ? heap->rows[0].value < row.value
								 : heap->rows[0].value > row.value))
			heap_replace_first(heap, row);
	}
	heap_sort(heap);
}

/* An instant query gives them in their order; `order` are the columns that stay, `count` of them. */
static struct frame *in_order(struct eval *eval, const struct frame *of, const uint32_t *order, size_t count)
{
	struct frame *frame = frame_new(eval, PROMQL_VECTOR);
	frame->columns = eval_array(eval, struct column, count + 1);
	frame->size = frame->count = count;
	for (size_t i = 0; i < count; i++)
		frame->columns[i] = of->columns[order[i]];
	return frame;
}

struct frame *aggregate_rank(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = ranked_floats(eval, node, grid);
	double *k = eval_scalar(eval, node->aggregate.parameter, grid);
	uint32_t *order = eval_array(eval, uint32_t, of->count + 1);
	struct heap heap = { .rows = eval_array(eval, struct ranked, of->count + 1),
			     .top = str_is(str_of(node->aggregate.what->name), "topk") };
	struct members members;
	size_t ordered = 0;
	members_make(eval, node, grid, of, &members);
	for (size_t i = 0; i < grid->count; i++) {
		size_t limit = limit_of(eval, k[i], of->count);
		eval_count(eval, 0);
		for (size_t g = 0; g < members.groups->count; g++) {
			uint32_t begin = members.begin[g], count = members.begin[g + 1] - begin;
			rank_group(of, members.columns + begin, count, i, limit, &heap);
			for (uint32_t m = begin; m < begin + count; m++)
				of->columns[members.columns[m]].there[i] = 0;
			for (size_t h = 0; h < heap.count; h++) {
				of->columns[heap.rows[h].column].there[i] = 1;
				if (grid->count == 1)
					order[ordered++] = heap.rows[h].column;
			}
		}
	}
	return grid->count == 1 ? in_order(eval, of, order, ordered) : of;
}

struct frame *aggregate_limit(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->aggregate.of, grid);
	double *k = eval_scalar(eval, node->aggregate.parameter, grid);
	struct members members;
	members_make(eval, node, grid, of, &members);
	for (size_t i = 0; i < grid->count; i++) {
		size_t limit = limit_of(eval, k[i], of->count);
		for (size_t g = 0; g < members.groups->count; g++) {
			size_t kept = 0;
			for (uint32_t m = members.begin[g]; m < members.begin[g + 1]; m++) {
				struct column *column = &of->columns[members.columns[m]];
				if (column->there[i] && kept++ >= limit)
					column->there[i] = 0;
			}
		}
	}
	return of;
}

/* Between 0 and 1, evenly: the last steps of murmur, because FNV's high bits know little of the last label. */
static double share_of(struct promql_labels labels)
{
	uint64_t hash = promql_labels_hash(labels);
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return (double)((hash ^ hash >> 33) >> 11) * 0x1p-53;
}

/* Which share of all series a series falls into follows from its labels alone, so that the answer is stable and
 * limit_ratio(r) and limit_ratio(-(1-r)) are each other's rest. The hash is ours: which series stay differs from
 * Prometheus, whose choice is not promised either. */
struct frame *aggregate_ratio(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_node(eval, node->aggregate.of, grid);
	double *ratio = eval_scalar(eval, node->aggregate.parameter, grid);
	for (size_t i = 0; i < grid->count; i++) {
		double r = fmax(-1, fmin(1, ratio[i]));
		if (isnan(ratio[i]))
			eval_raise(eval, ERR_INVALID, "Ratio value is NaN");
		if (r != ratio[i])
			eval_note(eval, true, node->aggregate.parameter,
				  "ratio value should be between -1 and 1, got %g, capping to %g", ratio[i], r);
		for (size_t c = 0; c < of->count; c++) {
			double share = share_of(of->columns[c].labels);
			bool stays = r >= 0 ? share < r : share >= 1 + r;
			if (!stays)
				of->columns[c].there[i] = CELL_EMPTY;
		}
	}
	return of;
}

/* ---- count_values ---- */

static struct str in_arena(struct eval *eval, struct buf *buf)
{
	char *copy = arena_try(eval->arena, buf->used + 1);
	struct str text = { copy, buf->used };
	if (copy != NULL && buf->used > 0)
		memcpy(copy, buf->bytes, buf->used);
	buf_finish(buf);
	if (copy == NULL)
		eval_raise(eval, ERR_TOO_LARGE, "the query needs more memory than it may have");
	return text;
}

static struct str value_text(struct eval *eval, double value)
{
	struct buf text;
	buf_init(&text, 512);
	number_print(value, NUMBER_FORM_F, &text);
	return in_arena(eval, &text);
}

static void check_label(struct eval *eval, struct str name)
{
	struct buf quoted;
	if (name.len > 0 && str_is_utf8(name))
		return;
	buf_init(&quoted, 400);
	promql_quote(name, &quoted);
	eval_raise(eval, ERR_INVALID, "invalid label name " STR_FMT, STR_ARG(in_arena(eval, &quoted)));
}

struct frame *aggregate_count_values(struct eval *eval, const struct node *node, const struct grid *grid)
{
	struct frame *of = eval_floats(eval, node->aggregate.of, grid);
	struct str name = node_bare(node->aggregate.parameter)->string;
	struct collector out;
	bool is_new, keeps_name = group_keeps_name(node) && !str_is(name, PROMQL_NAME);
	check_label(eval, name);
	collector_init(&out, eval, grid);
	for (size_t c = 0; c < of->count; c++) {
		const struct column *column = &of->columns[c];
		struct promql_labels group = group_labels(eval, node, column);
		for (size_t i = 0; i < grid->count; i++) {
			if (!column->there[i])
				continue;
			struct str text = value_text(eval, column->values[i]);
			size_t at = collector_find(&out, labels_with(eval, group, name, text), &is_new);
			struct column *counted = &out.frame->columns[at];
			counted->drop_name |= keeps_name && column->drop_name;
			counted->there[i] = 1;
			counted->values[i]++;
		}
	}
	return out.frame;
}
