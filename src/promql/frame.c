/* frame.c: columns, and label sets made of others. See eval.h. */
#include "promql/eval.h"

#include <string.h>

struct frame *frame_new(struct eval *eval, enum promql_type type)
{
	struct frame *frame = eval_alloc(eval, sizeof *frame);
	frame->type = type;
	return frame;
}

struct column *frame_add(struct eval *eval, struct frame *frame, const struct grid *grid, struct promql_labels labels)
{
	if (frame->count == frame->size) {
		size_t size = frame->size * 2 + 8;
		frame->columns = eval_grow(eval, frame->columns, frame->count * sizeof *frame->columns,
					   size * sizeof *frame->columns);
		frame->size = size;
	}
	struct column *column = &frame->columns[frame->count++];
	eval_count(eval, 0);
	column->labels = labels;
	column->values = eval_alloc(eval, grid->count * (sizeof(double) + 1));
	column->there = (uint8_t *)(column->values + grid->count);
	return column;
}

void frame_only_floats(struct frame *frame, const struct grid *grid)
{
	for (size_t c = 0; c < frame->count; c++)
		for (size_t i = 0; i < grid->count; i++)
			if (frame->columns[c].there[i] == CELL_HISTOGRAM)
				frame->columns[c].there[i] = CELL_EMPTY;
}

bool label_is_reserved(struct str name)
{
	return str_is(name, PROMQL_NAME) || str_is(name, "__type__") || str_is(name, "__unit__");
}

void column_drop_name(struct eval *eval, struct column *column)
{
	if (eval->options->delayed_names)
		column->drop_name = true;
	else
		column->labels = labels_without(eval, column->labels, NULL, 0, true);
}

static void merge_columns(struct eval *eval, struct column *into, const struct column *from, const struct grid *grid)
{
	for (size_t i = 0; i < grid->count; i++) {
		if (!from->there[i])
			continue;
		if (into->there[i])
			eval_raise(eval, ERR_INVALID, "vector cannot contain metrics with the same labelset");
		into->there[i] = from->there[i];
		into->values[i] = from->values[i];
	}
}

void frame_merge(struct eval *eval, struct frame *frame, const struct grid *grid)
{
	struct collector collector;
	bool is_new;
	if (frame->count < 2)
		return;
	collector_init(&collector, eval, grid);
	struct frame shells = { .type = PROMQL_VECTOR };
	collector.frame = &shells;
	struct grid none = { .count = 0 };
	collector.grid = &none; /* only labels are collected: the columns exist */
	size_t kept = 0;
	for (size_t i = 0; i < frame->count; i++) {
		size_t at = collector_find(&collector, frame->columns[i].labels, &is_new);
		if (is_new)
			frame->columns[kept++] = frame->columns[i];
		else
			merge_columns(eval, &frame->columns[at], &frame->columns[i], grid);
	}
	frame->count = kept;
}

void frame_end_names(struct eval *eval, struct frame *frame, const struct grid *grid)
{
	bool dropped = false;
	for (size_t i = 0; i < frame->count; i++) {
		struct column *column = &frame->columns[i];
		if (!column->drop_name)
			continue;
		column->labels = labels_without(eval, column->labels, NULL, 0, true);
		column->drop_name = false;
		dropped = true;
	}
	if (dropped)
		frame_merge(eval, frame, grid);
}

/* ---- columns by labels ---- */

void collector_init(struct collector *collector, struct eval *eval, const struct grid *grid)
{
	*collector = (struct collector){ .eval = eval, .grid = grid, .slot_count = 16 };
	collector->frame = frame_new(eval, PROMQL_VECTOR);
	collector->slots = eval_array(eval, uint32_t, collector->slot_count);
}

static void put_slot(struct collector *collector, uint64_t hash, uint32_t index)
{
	size_t at = hash & (collector->slot_count - 1);
	while (collector->slots[at] != 0)
		at = (at + 1) & (collector->slot_count - 1);
	collector->slots[at] = index + 1;
}

static void widen(struct collector *collector)
{
	if (collector->frame->count * 2 < collector->slot_count)
		return;
	collector->slot_count *= 2;
	collector->slots = eval_array(collector->eval, uint32_t, collector->slot_count);
	for (size_t i = 0; i < collector->frame->count; i++)
		put_slot(collector, promql_labels_hash(collector->frame->columns[i].labels), (uint32_t)i);
}

size_t collector_find(struct collector *collector, struct promql_labels labels, bool *ret_new)
{
	uint64_t hash = promql_labels_hash(labels);
	size_t at = hash & (collector->slot_count - 1);
	for (; collector->slots[at] != 0; at = (at + 1) & (collector->slot_count - 1)) {
		uint32_t index = collector->slots[at] - 1;
		if (promql_labels_equal(collector->frame->columns[index].labels, labels)) {
			*ret_new = false;
			return index;
		}
	}
	widen(collector);
	frame_add(collector->eval, collector->frame, collector->grid, labels);
	put_slot(collector, hash, (uint32_t)(collector->frame->count - 1));
	*ret_new = true;
	return collector->frame->count - 1;
}

/* ---- label sets ---- */

static bool among(struct str name, const struct str *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

struct promql_labels labels_without(struct eval *eval, struct promql_labels labels, const struct str *names,
				    size_t count, bool and_reserved)
{
	struct promql_label *pairs = eval_array(eval, struct promql_label, labels.count + 1);
	size_t kept = 0;
	for (size_t i = 0; i < labels.count; i++) {
		struct str name = labels.pairs[i].name;
		if (!among(name, names, count) && !(and_reserved && label_is_reserved(name)))
			pairs[kept++] = labels.pairs[i];
	}
	return (struct promql_labels){ pairs, kept };
}

struct promql_labels labels_only(struct eval *eval, struct promql_labels labels, const struct str *names,
				 size_t count)
{
	struct promql_label *pairs = eval_array(eval, struct promql_label, labels.count + 1);
	size_t kept = 0;
	for (size_t i = 0; i < labels.count; i++)
		if (among(labels.pairs[i].name, names, count))
			pairs[kept++] = labels.pairs[i];
	return (struct promql_labels){ pairs, kept };
}

struct promql_labels labels_with(struct eval *eval, struct promql_labels labels, struct str name, struct str value)
{
	struct promql_label *pairs = eval_array(eval, struct promql_label, labels.count + 2);
	size_t used = 0, i = 0;
	for (; i < labels.count && str_cmp(labels.pairs[i].name, name) < 0; i++)
		pairs[used++] = labels.pairs[i];
	if (value.len > 0)
		pairs[used++] = (struct promql_label){ name, value };
	if (i < labels.count && str_eq(labels.pairs[i].name, name))
		i++;
	for (; i < labels.count; i++)
		pairs[used++] = labels.pairs[i];
	return (struct promql_labels){ pairs, used };
}
