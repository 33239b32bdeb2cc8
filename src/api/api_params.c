/*
 * api_params.c: the query parameters of every endpoint, and the check of what was sent.
 *
 * To add one: 1. in openapi.yaml; 2. here; 3. read it in the handler with api_query. A test compares
 * this table with openapi.yaml. An endpoint without a row takes no parameter. What is API_PROMETHEUS checks its own, and
 * takes others without a word, as its clients expect; here its parameters stand for the comparison.
 */
#include "api/api_params.h"

#include <assert.h>

#define PARAMS_MAX 16
#define TEXT_CHARACTERS_MAX 200u
#define WORDS_MAX 8u

enum param_type {
	PARAM_TEXT,
	PARAM_NAME,  /* of a definition */
	PARAM_INT,   /* 0 and up */
	PARAM_LIMIT, /* 1 .. API_PAGE_MAX */
	PARAM_TIME,
	PARAM_BOOL,
	PARAM_WORD,  /* one of `words` */
	PARAM_WORDS, /* one or several of them, with commas */
	PARAM_MATCHERS, /* of labels; may be there several times */
};

struct param {
	const char *name;
	enum param_type type;
	const char *words; /* with spaces between */
};

#define PAGED { "limit", PARAM_LIMIT, NULL }, { "cursor", PARAM_INT, NULL }
#define PAGED_BY_NAME { "limit", PARAM_LIMIT, NULL }, { "cursor", PARAM_NAME, NULL }
#define AS_OF { "as_of", PARAM_TEXT, NULL }
#define SPAN { "from", PARAM_TIME, NULL }, { "to", PARAM_TIME, NULL }
#define WORDS { "q", PARAM_TEXT, NULL }
#define PROM_SPAN { "start", PARAM_TEXT, NULL }, { "end", PARAM_TEXT, NULL }
#define PROM_LIST { "match[]", PARAM_MATCHERS, NULL }, { "start", PARAM_TEXT, NULL }, { "end", PARAM_TEXT, NULL }, { "limit", PARAM_LIMIT, NULL }
#define PROM_QUERY { "query", PARAM_TEXT, NULL }, { "timeout", PARAM_TEXT, NULL }, { "limit", PARAM_LIMIT, NULL }, { "lookback_delta", PARAM_TEXT, NULL }, { "stats", PARAM_TEXT, NULL }

static const struct param_row {
	const char *endpoint;
	struct param params[PARAMS_MAX];
} param_rows[] = {
	{ "user_list", { PAGED, WORDS, AS_OF } },
	{ "user_get", { AS_OF } },
	{ "contact_list", { AS_OF } },
	{ "override_list", { AS_OF } },
	{ "schedule_list", { AS_OF } },
	{ "secret_list", { PAGED } },
	{ "integration_list", { PAGED, AS_OF } },
	{ "token_list", { { "user", PARAM_INT, NULL }, AS_OF } },
	{ "beat", { { "state", PARAM_WORD, "start ok fail" }, { "exit", PARAM_INT, NULL } } },
	{ "incident_list",
	  { { "state", PARAM_WORDS, "open acknowledged resolved" },
	    { "priority", PARAM_WORDS, "P1 P2 P3 P4 P5" },
	    { "team", PARAM_NAME, NULL }, { "service", PARAM_NAME, NULL }, WORDS, SPAN, PAGED, AS_OF } },
	{ "report_list",
	  { { "state", PARAM_WORDS, "new accepted joined duplicate answered rejected" },
	    { "service", PARAM_NAME, NULL }, { "incident", PARAM_INT, NULL }, PAGED, AS_OF } },
	{ "report_get", { AS_OF } },
	{ "report_form", { { "incident", PARAM_TEXT, NULL } } },
	{ "page_report_form", { { "incident", PARAM_TEXT, NULL } } },
	{ "subscriber_list", { { "state", PARAM_WORDS, "unconfirmed active suspended" }, WORDS, PAGED } },
	{ "incident_people", { AS_OF } },
	{ "incident_get", { AS_OF } },
	{ "incident_timeline", { PAGED, AS_OF } },
	{ "update_list", { PAGED, AS_OF } },
	{ "update_draft",
	  { { "audience", PARAM_WORD, "engineers executives customers" },
	    { "state", PARAM_WORD, "investigating identified monitoring resolved" } } },
	{ "maintenance_list",
	  { { "state", PARAM_WORDS, "scheduled in_progress verifying completed cancelled" }, PAGED, AS_OF } },
	{ "maintenance_get", { AS_OF } },
	{ "component_list", { AS_OF } },
	{ "page_list",
	  { { "incident", PARAM_INT, NULL }, { "user", PARAM_INT, NULL },
	    { "state", PARAM_WORDS, "queued sending sent delivered failed cancelled" },
	    { "channel", PARAM_WORD, "browser ntfy email webhook command" }, PAGED, AS_OF } },
	{ "alert_list",
	  { { "state", PARAM_WORDS, "pending firing recovering resolved" },
	    { "service", PARAM_NAME, NULL }, { "check", PARAM_NAME, NULL },
	    { "incident", PARAM_INT, NULL }, PAGED, AS_OF } },
	{ "alertmanager_alerts",
	  { { "active", PARAM_BOOL, NULL }, { "silenced", PARAM_BOOL, NULL },
	    { "inhibited", PARAM_BOOL, NULL }, { "unprocessed", PARAM_BOOL, NULL },
	    { "filter", PARAM_MATCHERS, NULL } } },
	{ "check_list",
	  { { "state", PARAM_WORDS, "up down degraded unknown paused" },
	    { "service", PARAM_NAME, NULL }, { "muted", PARAM_BOOL, NULL }, { "bars", PARAM_BOOL, NULL },
	    WORDS, PAGED_BY_NAME, AS_OF } },
	{ "check_get", { AS_OF } },
	{ "check_series", { SPAN, { "step", PARAM_WORD, "minute hour day" } } },
	{ "mute_list", { AS_OF } },
	{ "service_get", { AS_OF } },
	{ "service_list", { { "team", PARAM_NAME, NULL }, WORDS, PAGED_BY_NAME, AS_OF } },
	{ "on_call_get", { { "at", PARAM_TIME, NULL } } },
	{ "schedule_shifts", { SPAN } },
	{ "schedule_calendar", { { "user", PARAM_INT, NULL } } },
	{ "definition_list", { WORDS, PAGED_BY_NAME, AS_OF } },
	{ "definition_get", { AS_OF } },
	{ "export",
	  { { "kind", PARAM_WORD, "Service Check Schedule EscalationPolicy Team PriorityMatrix UpdateCadence UpdateTemplate StatusPage ReviewPolicy ReportRule" } } },
	{ "review_list",
	  { { "state", PARAM_WORDS, "draft in_review published waived waiting" },
	    { "priority", PARAM_WORDS, "P1 P2 P3 P4 P5" }, { "team", PARAM_NAME, NULL },
	    { "service", PARAM_NAME, NULL }, { "owner", PARAM_INT, NULL },
	    { "overdue", PARAM_BOOL, NULL }, WORDS, SPAN, PAGED, AS_OF } },
	{ "review_get", { AS_OF } },
	{ "review_history", { PAGED, AS_OF } },
	{ "review_export", { { "format", PARAM_WORD, "markdown html" }, AS_OF } },
	{ "review_action_list",
	  { { "state", PARAM_WORDS, "open done dropped" }, { "service", PARAM_NAME, NULL },
	    { "owner", PARAM_INT, NULL }, { "overdue", PARAM_BOOL, NULL }, PAGED, AS_OF } },
	{ "review_trends", { { "service", PARAM_NAME, NULL }, { "team", PARAM_NAME, NULL }, SPAN } },
	{ "prometheus_query", { PROM_QUERY, { "time", PARAM_TEXT, NULL } } },
	{ "prometheus_query_post", { PROM_QUERY, { "time", PARAM_TEXT, NULL } } },
	{ "prometheus_query_range", { PROM_QUERY, PROM_SPAN, { "step", PARAM_TEXT, NULL } } },
	{ "prometheus_query_range_post", { PROM_QUERY, PROM_SPAN, { "step", PARAM_TEXT, NULL } } },
	{ "prometheus_series", { PROM_LIST } },
	{ "prometheus_series_post", { PROM_LIST } },
	{ "prometheus_labels", { PROM_LIST } },
	{ "prometheus_labels_post", { PROM_LIST } },
	{ "prometheus_label_values", { PROM_LIST } },
	{ "prometheus_metadata",
	  { { "metric", PARAM_TEXT, NULL }, { "limit", PARAM_LIMIT, NULL }, { "limit_per_metric", PARAM_INT, NULL } } },
	{ "prometheus_targets", { { "state", PARAM_TEXT, NULL }, { "scrapePool", PARAM_TEXT, NULL } } },
	{ "probe", { { "target", PARAM_TEXT, NULL }, { "module", PARAM_TEXT, NULL }, { "debug", PARAM_WORD, "true false" } } },
	{ "prometheus_tsdb", { { "limit", PARAM_LIMIT, NULL } } },
	{ "journal_list",
	  { { "kind", PARAM_TEXT, NULL }, { "subject", PARAM_TEXT, NULL }, { "actor", PARAM_INT, NULL },
	    SPAN, PAGED, AS_OF } },
};
#define ROW_COUNT (sizeof param_rows / sizeof param_rows[0])

static const struct param no_params[PARAMS_MAX];

static const struct param *params_of(const struct api_endpoint *endpoint)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (str_is(str_of(endpoint->id), param_rows[i].endpoint))
			return param_rows[i].params;
	}
	return no_params;
}

static const struct param *find(const struct param *params, struct str name)
{
	for (size_t i = 0; i < PARAMS_MAX && params[i].name != NULL; i++) {
		if (str_is(name, params[i].name))
			return &params[i];
	}
	return NULL;
}

/* ---- values ---- */

static bool is_word(struct str text, const char *words)
{
	struct str word, rest = str_of(words);
	while (rest.len > 0) {
		str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, text))
			return true;
	}
	return false;
}

static bool are_words(struct str text, const char *words)
{
	struct str word, rest;
	unsigned count = 0;
	for (bool more = true; more; text = rest) {
		more = str_cut(text, ',', &word, &rest);
		if (!is_word(word, words) || ++count > WORDS_MAX)
			return false;
	}
	return true;
}

static size_t characters(struct str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
	return count;
}

static bool is_valid(const struct param *param, struct str value)
{
	int64_t number;
	time_us at;
	switch (param->type) {
	case PARAM_MATCHERS: return str_is_utf8(value);
	case PARAM_TEXT: return str_is_utf8(value) && characters(value) <= TEXT_CHARACTERS_MAX;
	case PARAM_NAME: return str_is_name(value);
	case PARAM_INT: return str_int(value, 0, INT64_MAX, &number);
	case PARAM_LIMIT: return str_int(value, 1, API_PAGE_MAX, &number);
	case PARAM_TIME: return str_ends(value, STR("Z")) && time_parse(value, &at);
	case PARAM_BOOL: return str_is(value, "true") || str_is(value, "false");
	case PARAM_WORD: return is_word(value, param->words);
	case PARAM_WORDS: return are_words(value, param->words);
	}
	return false;
}

static enum err refuse(const struct param *param, struct error *err)
{
	switch (param->type) {
	case PARAM_MATCHERS:
		error_set(err, ERR_INVALID, "%s is UTF-8", param->name);
		break;
	case PARAM_TEXT:
		error_set(err, ERR_INVALID, "%s is UTF-8 of at most %u characters", param->name,
			  TEXT_CHARACTERS_MAX);
		break;
	case PARAM_NAME:
		error_set(err, ERR_INVALID, "%s is a name: a-z, 0-9, dot, dash, underscore", param->name);
		break;
	case PARAM_INT:
		error_set(err, ERR_INVALID, "%s is a number", param->name);
		break;
	case PARAM_LIMIT:
		error_set(err, ERR_INVALID, "%s is a number from 1 to %d", param->name, API_PAGE_MAX);
		break;
	case PARAM_TIME:
		error_set(err, ERR_INVALID, "%s is a time like 2026-03-08T03:12:00Z", param->name);
		break;
	case PARAM_BOOL:
		error_set(err, ERR_INVALID, "%s is true or false", param->name);
		break;
	case PARAM_WORD:
		error_set(err, ERR_INVALID, "%s is one of: %s", param->name, param->words);
		break;
	case PARAM_WORDS:
		error_set(err, ERR_INVALID, "%s is one or several of: %s", param->name, param->words);
		error_hint(err, "put commas between them");
		break;
	}
	error_field(err, "%s", param->name);
	return ERR_INVALID;
}

/* ---- the request ---- */

static enum err refuse_unknown(const struct param *params, struct str name, struct error *err)
{
	const struct param *near = NULL;
	name = str_sub(name, 0, name.len < 64 ? name.len : 64);
	error_set(err, ERR_INVALID, "there is no parameter \"" STR_FMT "\" here", STR_ARG(name));
	for (size_t i = 0; i < PARAMS_MAX && params[i].name != NULL && near == NULL; i++) {
		if (str_distance(name, str_of(params[i].name)) <= 2)
			near = &params[i];
	}
	if (near != NULL)
		error_hint(err, "did you mean \"%s\"?", near->name);
	else
		error_hint(err, "openapi.yaml lists what this address understands");
	error_field(err, STR_FMT, STR_ARG(name));
	return ERR_INVALID;
}

/* Known to all, so that the answer says why and not only that: see read_as_of. */
static bool is_for_another_check(const struct api_call *call, struct str name)
{
	return str_is(name, "as_of") && !(call->endpoint->flags & API_AS_OF);
}

enum err api_params_check(struct api_call *call, struct error *err)
{
	const struct http_request *request = call->request;
	const struct param *params = params_of(call->endpoint);
	assert(call->endpoint->id != NULL);
	for (size_t i = 0; i < request->param_count; i++) {
		struct str name = request->params[i].name;
		const struct param *param = find(params, name);
		if (param == NULL && is_for_another_check(call, name))
			continue;
		if (param == NULL)
			return refuse_unknown(params, name, err);
		if (!is_valid(param, request->params[i].value))
			return refuse(param, err);
		for (size_t j = 0; j < i && param->type != PARAM_MATCHERS; j++) {
			if (!str_eq(request->params[j].name, name))
				continue;
			error_set(err, ERR_INVALID, "%s is there twice", param->name);
			error_field(err, "%s", param->name);
			return ERR_INVALID;
		}
	}
	return OK;
}
