/*
 * check_sql.c: one statement to a PostgreSQL database, judged by the first value and by how many rows there are.
 *
 * The address stands in a named secret: it is asked for when the check looks, handed to libpq and wiped. What
 * keeps us from asking (no secret, no libpq, an address that cannot be used) is blind; what the database or the
 * way to it says is a failure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "monitor/monitor_probe.h"
#include "sys/loop.h"
#include "wire/doc.h"
#include "wire/json_writer.h"
#include "wire/pq_ask.h"

#define DETAIL_BYTES 4096
#define SHOWN_BYTES 200u

struct sql_spec {
	char *secret, *statement;
	char *equals; /* NULL: anything */
	bool has_above, has_below;
	double above, below;
	unsigned rows_min; /* 0: any number */
};

struct sql_run {
	const struct check_spec *spec;
	struct pq_ask *ask;
	struct loop_timer *timer; /* when there is nothing to ask */
	struct error why;         /* then */
	probe_done_fn *done;
	void *context;
};

/* ---- judging ---- */

static bool number_of(const char *text, double *ret_number)
{
	char *end;
	double number = strtod(text, &end);
	if (end == text || *end != '\0' || isnan(number))
		return false;
	*ret_number = number;
	return true;
}

static void judge_number(const struct sql_spec *own, const struct pq_ask_result *asked,
                         struct check_result *result)
{
	double number;
	if (!number_of(asked->value, &number))
		probe_fail(result, "\"%.100s\" is no number", asked->value);
	else if (own->has_above && !(number > own->above))
		probe_fail(result, "%.15g is not above %.15g", number, own->above);
	else if (own->has_below && !(number < own->below))
		probe_fail(result, "%.15g is not below %.15g", number, own->below);
}

static void judge_value(const struct sql_spec *own, const struct pq_ask_result *asked, struct check_result *result)
{
	bool wants_number = own->has_above || own->has_below;
	bool wants = own->equals != NULL || wants_number;
	if (wants && asked->rows == 0)
		probe_fail(result, "the statement found no row");
	else if (wants && asked->null)
		probe_fail(result, "the value is NULL");
	else if (own->equals != NULL && (asked->cut || strcmp(own->equals, asked->value) != 0))
		probe_fail(result, "\"%.100s\" is not \"%.100s\"", asked->value, own->equals);
	else if (wants_number)
		judge_number(own, asked, result);
}

static void judge(const struct sql_spec *own, const struct pq_ask_result *asked, struct check_result *result)
{
	judge_value(own, asked, result);
	if (result->good && asked->rows < own->rows_min)
		probe_fail(result, "%u rows, wanted %u at least", asked->rows, own->rows_min);
	if (!result->good)
		return;
	if (asked->rows == 0)
		snprintf(result->reason, sizeof result->reason, "no row");
	else if (asked->rows == 1 && !asked->more)
		snprintf(result->reason, sizeof result->reason, "%.200s", asked->null ? "NULL" : asked->value);
	else
		snprintf(result->reason, sizeof result->reason, "%s%u rows", asked->more ? "more than " : "",
		         asked->rows);
}

/* ---- what the page shows ---- */

static void write_detail(const struct pq_ask_result *asked, struct buf *out)
{
	struct str value = str_sub(str_of(asked->value), 0, SHOWN_BYTES);
	char version[32];
	struct json_writer json;
	while (value.len > 0 && !str_is_utf8(value))
		value.len--;
	snprintf(version, sizeof version, "%d.%d", asked->version / 10000, asked->version % 10000);
	json_init(&json, out);
	json_map_begin(&json);
	json_key(&json, "sql");
	json_map_begin(&json);
	json_field_cstr(&json, "server", asked->server);
	json_field_text_or_null(&json, "version", asked->version > 0 ? str_of(version) : STR_NONE);
	json_field_int(&json, "rows", asked->rows);
	json_field_bool(&json, "more", asked->more);
	json_field_text_or_null(&json, "column", str_of(asked->column));
	json_key(&json, "value");
	if (asked->rows == 0 || asked->null)
		json_null(&json);
	else
		json_text(&json, value);
	json_field_bool(&json, "cut", asked->cut || value.len < strlen(asked->value));
	json_map_end(&json);
	json_map_end(&json);
	json_finish(&json);
}

static void take_way(const struct pq_ask_result *asked, struct check_result *result)
{
	if (asked->tried)
		address_format(&asked->address, result->address);
	result->timings = (struct check_timings){ .dns = asked->dns, .connect = asked->connect,
	                                          .first_byte = asked->asked, .total = asked->total };
}

static void on_answer(void *context, const struct pq_ask_result *asked, const struct error *err)
{
	struct sql_run *run = context;
	struct check_result result = { .good = true };
	cleanup_buf struct buf detail;
	buf_init(&detail, DETAIL_BYTES);
	take_way(asked, &result);
	if (err != NULL) {
		probe_fail(&result, "%s", err->text);
	} else {
		result.latency = asked->total;
		judge(run->spec->own, asked, &result);
	}
	write_detail(asked, &detail);
	result.detail = detail.full ? NULL : detail.bytes;
	run->done(run->context, &result);
	mem_free(run);
}

static void answer_blind(void *context)
{
	struct sql_run *run = context;
	struct check_result result = { .good = false };
	bool hinted = run->why.hint[0] != '\0';
	probe_blind(&result, "%.150s%s%.90s", run->why.text, hinted ? "; " : "", run->why.hint);
	run->done(run->context, &result);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

/* ---- life ---- */

static enum err ask(const struct probe_tools *tools, const struct check_spec *spec, struct sql_run *run,
                    struct error *err)
{
	const struct sql_spec *own = spec->own;
	struct pq_ask_tools with = { .loop = tools->loop, .clock = tools->clock, .resolve = tools->resolve,
	                             .policy = tools->policy };
	struct pq_ask_request request = { .sql = own->statement, .ca_file = tools->ca_file,
	                                  .timeout = spec->timeout,
	                                  .rows_max = own->rows_min > 1 ? own->rows_min : 1 };
	cleanup_buf struct buf url;
	buf_init(&url, PROBE_SECRET_BYTES_MAX);
	if (tools->secrets == NULL)
		return error_set(err, ERR_UNAVAILABLE, "there are no secrets here");
	enum err r = tools->secrets->find(tools->secrets->context, own->secret, &url, err);
	request.url = url.bytes;
	if (r == OK)
		r = pq_ask_start(&with, &request, on_answer, run, &run->ask, err);
	if (url.size > 0)
		sodium_memzero(url.bytes, url.size);
	return r;
}

static enum err sql_start(const struct probe_tools *tools, const struct check_spec *spec, probe_done_fn *done,
                          void *context, void **ret_run, struct error *err)
{
	(void)err;
	struct sql_run *run = mem_alloc(sizeof *run);
	*run = (struct sql_run){ .spec = spec, .done = done, .context = context };
	if (ask(tools, spec, run, &run->why) != OK) {
		run->timer = loop_timer_create(tools->loop, answer_blind, run);
		loop_timer_start(run->timer, 0);
	}
	*ret_run = run;
	return OK;
}

static void sql_cancel(void *context)
{
	struct sql_run *run = context;
	pq_ask_cancel(&run->ask);
	loop_timer_destroy(&run->timer);
	mem_free(run);
}

static void sql_forget(void *context)
{
	struct sql_spec *own = context;
	mem_free(own->secret);
	mem_free(own->statement);
	mem_free(own->equals);
	mem_free(own);
}

static enum err sql_read(const struct doc_node *doc, struct check_spec *spec, struct error *err)
{
	struct sql_spec *own = spec->own = mem_alloc(sizeof *own);
	int64_t rows_min = doc_int(doc_get(doc, "rows_min"), 0);
	*own = (struct sql_spec){
		.secret = monitor_spec_text(doc_get(doc, "secret")),
		.statement = monitor_spec_text(doc_get(doc, "sql")),
		.equals = monitor_spec_text(doc_get(doc, "equals")),
		.has_above = doc_get(doc, "above") != NULL,
		.has_below = doc_get(doc, "below") != NULL,
		.above = doc_real(doc_get(doc, "above"), 0),
		.below = doc_real(doc_get(doc, "below"), 0),
		.rows_min = rows_min >= 0 && rows_min <= MONITOR_SQL_ROWS_MAX ? (unsigned)rows_min : 0,
	};
	if (own->secret == NULL || own->statement == NULL)
		return error_set(err, ERR_INVALID, "cannot run the check \"%s\": it names no secret, or does not say what "
		                 "to ask", spec->name);
	return OK;
}

static void sql_target(const struct check_spec *spec, char *ret_text, size_t size)
{
	const struct sql_spec *own = spec->own;
	struct str line, rest;
	str_cut(str_trim(str_of(own->statement)), '\n', &line, &rest);
	bool cut = line.len > 80 || rest.len > 0;
	snprintf(ret_text, size, "%s: " STR_FMT "%s", own->secret, STR_ARG(str_sub(line, 0, 80)), cut ? " ..." : "");
}

const struct check_kind check_sql = {
	.name = "sql",
	.read = sql_read,
	.forget = sql_forget,
	.target = sql_target,
	.start = sql_start,
	.cancel = sql_cancel,
};
