/* cli_query.c: what time series say: mainstay query EXPR */
#include "base/buf.h"
#include "cli/cli_priv.h"
#include "wire/doc_json.h"
#include "wire/json_writer.h"
#include "wire/url.h"

#define PATH_BYTES_MAX (1u << 20)
#define POINTS_DEFAULT 60 /* of a span without --step */
#define LIMITS ((struct doc_limits){ .depth_max = 16, .nodes_max = 5000000, .bytes_max = CLI_OUT_BYTES_MAX })

static const struct cli_input inputs[] = {
	{ "EXPR", CLI_TEXT, CLI_OWN, "an expression of PromQL; several words are one", CLI_REQUIRED | CLI_REST },
	{ "at", CLI_TIME, CLI_OWN, "at that time, and not now" },
	{ "from", CLI_TIME, CLI_OWN, "over a span of time that begins then" },
	{ "to", CLI_TIME, CLI_OWN, "and ends then, and not now" },
	{ "step", CLI_DURATION, CLI_OWN, "how far two points of it are apart (a sixtieth of it)" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ "SERIES", "series" },
	{ "TIME", "at", CLI_SHOW_TIME },
	{ "VALUE", "value", CLI_SHOW_NUMBER },
	{ NULL },
};
static const struct cli_section sections[] = {
	{ .items = "items", .columns = columns, .empty = "no series has a value for that" },
	{ 0 },
};

static void put_param(struct buf *path, const char *name, struct str value)
{
	buf_printf(path, "%c%s=", path->used > 0 && path->bytes[path->used - 1] != '?' ? '&' : '?', name);
	url_encode(path, value);
}

/* ---- the question ---- */

static enum err put_span(struct cli_call *call, struct buf *path, struct error *err)
{
	struct str from = cli_text(call, "from"), to = cli_text(call, "to"), step = cli_text(call, "step");
	time_us begin = 0, end = call->screen.now, every = 0;
	char text[TIME_TEXT_BYTES];
	time_parse(from, &begin);
	if (to.len > 0)
		time_parse(to, &end);
	if (end <= begin)
		return error_set(err, ERR_INVALID, "--to is not after --from");
	if (step.len > 0)
		duration_parse(step, &every);
	else
		every = ((end - begin) / POINTS_DEFAULT / TIME_SECOND + 1) * TIME_SECOND;
	put_param(path, "start", from);
	time_format(end, text);
	put_param(path, "end", str_of(text));
	put_param(path, "step", arena_printf(&call->arena, "%.6f", (double)every / TIME_SECOND));
	return OK;
}

static enum err put_question(struct cli_call *call, struct buf *path, struct error *err)
{
	struct str at = cli_text(call, "at");
	bool span = cli_text(call, "from").len > 0;
	if (span && at.len > 0)
		return error_set(err, ERR_INVALID, "--at and --from exclude each other");
	if (!span && (cli_text(call, "to").len > 0 || cli_text(call, "step").len > 0))
		return error_set(err, ERR_INVALID, "--to and --step need --from");
	buf_adds(path, span ? "/query_range" : "/query");
	buf_adds(path, "?query=");
	url_encode(path, cli_text(call, "EXPR"));
	if (at.len > 0)
		put_param(path, "time", at);
	return span ? put_span(call, path, err) : OK;
}

/* ---- the answer as rows ---- */

/* up{job="a"}, as people write it. */
static struct str series_text(struct arena *arena, const struct doc_node *metric)
{
	cleanup_buf struct buf text;
	buf_init(&text, CLI_OUT_BYTES_MAX);
	const char *before = "{";
	buf_add(&text, doc_text(doc_get(metric, "__name__"), ""));
	for (size_t i = 0; i < doc_count(metric); i++) {
		const struct doc_entry *label = doc_entry_at(metric, i);
		if (str_is(label->key, "__name__"))
			continue;
		buf_printf(&text, "%s" STR_FMT "=", before, STR_ARG(label->key));
		json_quote(&text, doc_text(&label->value, ""));
		before = ", ";
	}
	buf_adds(&text, before[0] == ',' ? "}" : text.used == 0 ? "{}" : "");
	return arena_str(arena, buf_str(&text));
}

static void put_row(struct json_writer *json, struct str series, const struct doc_node *sample)
{
	double at = doc_real(doc_at(sample, 0), 0);
	json_map_begin(json);
	json_field_text(json, "series", series);
	json_field_time(json, "at", (time_us)(at * 1000) * 1000);
	json_field_text(json, "value", doc_text(doc_at(sample, 1), ""));
	json_map_end(json);
}

static void put_rows(struct cli_call *call, const struct doc_node *data, struct json_writer *json)
{
	const struct doc_node *result = doc_get(data, "result");
	struct str type = doc_text(doc_get(data, "resultType"), "");
	if (str_is(type, "scalar") || str_is(type, "string")) {
		put_row(json, STR_NONE, result);
		return;
	}
	for (size_t i = 0; i < doc_count(result); i++) {
		const struct doc_node *row = doc_at(result, i), *values = doc_get(row, "values");
		struct str series = series_text(&call->arena, doc_get(row, "metric"));
		if (values == NULL)
			put_row(json, series, doc_get(row, "value"));
		for (size_t j = 0; j < doc_count(values); j++)
			put_row(json, j == 0 || call->settings.format == CLI_CSV ? series : STR_NONE, doc_at(values, j));
	}
}

static enum err show(struct cli_call *call, const struct doc_node *answer, struct error *err)
{
	cleanup_buf struct buf rows;
	struct json_writer json;
	const struct doc_node *tree;
	static const char *const notes[] = { "warnings", "infos" };
	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < doc_count(doc_get(answer, notes[n])); i++) {
			struct str note = doc_text(doc_at(doc_get(answer, notes[n]), i), "");
			cli_note(call, STR_FMT, STR_ARG(cli_text_clean(&call->arena, note)));
		}
	buf_init(&rows, CLI_OUT_BYTES_MAX);
	if (call->settings.format == CLI_JSON || call->settings.format == CLI_YAML) {
		cli_show(call, NULL, answer);
		return cli_flush(call, err);
	}
	json_init(&json, &rows);
	json_map_begin(&json);
	json_key(&json, "items");
	json_list_begin(&json);
	put_rows(call, doc_get(answer, "data"), &json);
	json_list_end(&json);
	json_map_end(&json);
	json_finish(&json);
	enum err r = rows.full ? error_set(err, ERR_TOO_LARGE, "the answer is too large to be shown; ask with -o json, or for less")
			       : doc_json_parse(buf_str(&rows), &call->arena, LIMITS, NULL, &tree, err);
	if (r != OK)
		return r;
	cli_show(call, sections, tree);
	return cli_flush(call, err);
}

static enum err query(struct cli_call *call, struct error *err)
{
	cleanup_buf struct buf path;
	const struct doc_node *answer;
	buf_init(&path, PATH_BYTES_MAX);
	enum err r = put_question(call, &path, err);
	if (r == OK)
		r = cli_ask(call, "GET", buf_str(&path), STR_NONE, &answer, err);
	return r == OK ? show(call, answer, err) : r;
}

const struct cli_action query_actions[] = {
	{ "", "Asks time series by an expression of PromQL, at one time or over a span of it.", NULL, NULL, inputs, sections,
	  .run = query,
	  .examples = { "mainstay query up", "mainstay query 'sum by (job) (rate(http_requests_total[5m]))'",
			"mainstay query up --from -1h --step 5m", "mainstay query '1 + 1' -o json" } },
	{ 0 },
};
