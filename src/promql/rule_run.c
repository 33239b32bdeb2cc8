/* rule_run.c: see rule_run.h. */
#include "promql/rule_run.h"

#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 256u

struct step { /* one evaluation of one rule */
	struct rule_run *run;
	struct memory_source *memory;
	int64_t time_ms;
	struct arena *arena;
	struct error *err;
	struct promql_labels *given;
	size_t count, size;
	const struct promql_source *source;
	const struct promql_options *options;
};

/* ---- label sets ---- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct promql_label *)a)->name, ((const struct promql_label *)b)->name);
}

struct pairs {
	struct promql_label rows[LABELS_MAX];
	size_t count;
};

static void set(struct pairs *pairs, struct str name, struct str value)
{
	size_t at = 0;
	while (at < pairs->count && !str_eq(pairs->rows[at].name, name))
		at++;
	if (at == LABELS_MAX)
		return;
	pairs->rows[at] = (struct promql_label){ name, value };
	pairs->count += at == pairs->count;
}

static struct promql_labels made(struct pairs *pairs, struct arena *arena)
{
	struct promql_label *rows = arena_array(arena, struct promql_label, pairs->count + 1);
	size_t kept = 0;
	qsort(pairs->rows, pairs->count, sizeof *pairs->rows, by_name);
	for (size_t i = 0; i < pairs->count; i++)
		if (pairs->rows[i].value.len > 0)
			rows[kept++] = pairs->rows[i];
	return (struct promql_labels){ rows, kept };
}

/* ---- templates ---- */

static struct str expanded(struct step *step, const struct rule_pair *pair, const struct promql_row *row)
{
	const struct rule_run *run = step->run;
	struct template_scope scope = {
		.labels = row->labels, .external_labels = run->external_labels, .external_url = run->external_url,
		.value = row->values[0], .time_ms = step->time_ms, .source = step->source, .options = step->options,
	};
	return pair->template == NULL ? pair->value : template_show(pair->template, &scope, step->arena);
}

static struct promql_labels annotations_of(struct step *step, const struct promql_row *row)
{
	const struct rule *rule = step->run->rule;
	struct promql_label *notes = arena_array(step->arena, struct promql_label, rule->annotation_count + 1);
	for (size_t i = 0; i < rule->annotation_count; i++)
		notes[i] = (struct promql_label){ rule->annotations[i].name, expanded(step, &rule->annotations[i], row) };
	return (struct promql_labels){ notes, rule->annotation_count };
}

/* The labels of a sample under a rule: its own, those of the rule, and the name of the rule. */
static void pairs_of(struct step *step, const struct promql_row *row, struct pairs *ret)
{
	const struct rule *rule = step->run->rule;
	ret->count = 0;
	for (size_t i = 0; i < row->labels.count; i++)
		if (!str_is(row->labels.pairs[i].name, PROMQL_NAME))
			set(ret, row->labels.pairs[i].name, row->labels.pairs[i].value);
	for (size_t i = 0; i < rule->label_count; i++)
		set(ret, rule->labels[i].name, expanded(step, &rule->labels[i], row));
	set(ret, rule->alert ? STR("alertname") : STR(PROMQL_NAME), rule->name);
}

/* ---- what a rule gives ---- */

static bool was_given(const struct promql_labels *rows, size_t count, struct promql_labels labels)
{
	for (size_t i = 0; i < count; i++)
		if (promql_labels_equal(rows[i], labels))
			return true;
	return false;
}

static enum err give(struct step *step, struct promql_labels labels, double value)
{
	if (was_given(step->given, step->count, labels))
		return error_set(step->err, ERR_INVALID,
				 "vector contains metrics with the same labelset after applying rule labels");
	if (step->count == step->size) {
		size_t size = step->size * 2 + 16;
		struct promql_labels *rows = arena_array(step->arena, struct promql_labels, size);
		if (step->count > 0)
			memcpy(rows, step->given, step->count * sizeof *rows);
		step->given = rows;
		step->size = size;
	}
	step->given[step->count++] = labels;
	return memory_source_put(step->memory, labels, step->time_ms, value, step->err);
}

static enum err end_what_is_gone(struct step *step)
{
	struct rule_run *run = step->run;
	for (size_t i = 0; i < run->before_count; i++) {
		if (was_given(step->given, step->count, run->before[i]))
			continue;
		enum err r = memory_source_put(step->memory, run->before[i], step->time_ms, promql_stale(), step->err);
		if (r != OK)
			return r;
	}
	run->before = step->given;
	run->before_count = step->count;
	return OK;
}

static enum err record(struct step *step, const struct promql_answer *answer)
{
	struct pairs pairs;
	enum err r = OK;
	for (size_t i = 0; i < answer->count && r == OK; i++) {
		pairs_of(step, &answer->rows[i], &pairs);
		r = give(step, made(&pairs, step->arena), answer->rows[i].values[0]);
	}
	return r;
}

/* ---- alerts ---- */

static struct rule_alert *find_alert(struct rule_run *run, struct promql_labels labels)
{
	struct rule_alert *alert = run->alerts;
	while (alert != NULL && !promql_labels_equal(alert->labels, labels))
		alert = alert->next;
	return alert;
}

static enum err see_samples(struct step *step, const struct promql_answer *answer)
{
	struct rule_run *run = step->run;
	struct pairs pairs;
	for (struct rule_alert *alert = run->alerts; alert != NULL; alert = alert->next)
		if (alert->gone_ms < 0)
			alert->gone_ms = step->time_ms;
	for (size_t i = 0; i < answer->count; i++) {
		pairs_of(step, &answer->rows[i], &pairs);
		struct promql_labels labels = made(&pairs, step->arena);
		struct rule_alert *alert = find_alert(run, labels);
		if (alert != NULL && alert->gone_ms < 0)
			return error_set(step->err, ERR_INVALID,
					 "vector contains metrics with the same labelset after applying alert labels");
		if (alert == NULL) {
			alert = arena_new(step->arena, struct rule_alert);
			*alert = (struct rule_alert){ .labels = labels, .active_ms = step->time_ms, .next = run->alerts };
			run->alerts = alert;
		}
		alert->gone_ms = -1;
		alert->annotations = annotations_of(step, &answer->rows[i]);
	}
	return OK;
}

static void move_states(struct step *step)
{
	const struct rule *rule = step->run->rule;
	struct rule_alert **at = &step->run->alerts;
	while (*at != NULL) {
		struct rule_alert *alert = *at;
		bool gone = alert->gone_ms >= 0;
		bool kept = alert->firing && step->time_ms - alert->gone_ms < rule->keep_firing_ms;
		if (gone && !kept) {
			*at = alert->next;
			continue;
		}
		if (!gone && step->time_ms - alert->active_ms >= rule->for_ms)
			alert->firing = true;
		at = &alert->next;
	}
}

static enum err write_alerts(struct step *step)
{
	enum err r = OK;
	for (struct rule_alert *alert = step->run->alerts; alert != NULL && r == OK; alert = alert->next) {
		struct pairs pairs = { .count = 0 };
		for (size_t i = 0; i < alert->labels.count; i++)
			set(&pairs, alert->labels.pairs[i].name, alert->labels.pairs[i].value);
		set(&pairs, STR(PROMQL_NAME), STR("ALERTS_FOR_STATE"));
		r = give(step, made(&pairs, step->arena), (double)alert->active_ms / 1000);
		set(&pairs, STR(PROMQL_NAME), STR("ALERTS"));
		set(&pairs, STR("alertstate"), alert->firing ? STR("firing") : STR("pending"));
		if (r == OK)
			r = give(step, made(&pairs, step->arena), 1);
	}
	return r;
}

static enum err alert_rule(struct step *step, const struct promql_answer *answer)
{
	enum err r = see_samples(step, answer);
	if (r != OK)
		return r;
	move_states(step);
	return write_alerts(step);
}

enum err rule_run(struct rule_run *run, struct memory_source *memory, const struct promql_source *source,
		  const struct promql_options *options, int64_t time_ms, struct arena *arena, struct error *err)
{
	struct step step = { .run = run, .memory = memory, .time_ms = time_ms,
			     .arena = arena, .err = err, .source = source, .options = options };
	struct promql_answer answer;
	enum err r = promql_instant(run->rule->expr, source, time_ms - run->group->query_offset_ms, options, arena,
				    &answer, err);
	if (r != OK)
		return r;
	if (answer.type != PROMQL_VECTOR && answer.type != PROMQL_SCALAR)
		return error_set(err, ERR_INVALID, "rule result is not a vector or scalar");
	if (run->group->limit > 0 && answer.count > (size_t)run->group->limit)
		return error_set(err, ERR_INVALID, "exceeded limit of %lld with %zu %s", (long long)run->group->limit,
				 answer.count, run->rule->alert ? "alerts" : "series");
	r = run->rule->alert ? alert_rule(&step, &answer) : record(&step, &answer);
	return r == OK ? end_what_is_gone(&step) : r;
}
