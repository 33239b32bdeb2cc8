/*
 * template.h: the templates in labels and annotations of alerts: Go's text/template with the functions of Prometheus.
 *
 * A template is parsed once and expanded often. Before its text stand the four variables of Prometheus ($labels,
 * $externalLabels, $externalURL, $value), as there, so that the columns in error texts are the same too.
 *
 * What a template may cost is bounded: its text, how deep it nests, its steps, queries, memory and output. At a limit it is an
 * error that says which, never the end of the process.
 *
 * Owns: the arena given owns a parsed template; one that expands frees what it needed on the way. A template never changes:
 * several threads may expand it at once.
 */
#pragma once

#include "promql/promql.h"

#define TEMPLATE_TEXT_BYTES_MAX (64u << 10)
#define TEMPLATE_OUT_BYTES_MAX (256u << 10)
#define TEMPLATE_MEMORY_BYTES_MAX (32u << 20) /* of one expansion, with its queries */
#define TEMPLATE_NESTING_MAX 100u             /* of parentheses and blocks in a text */
#define TEMPLATE_CALLS_MAX 50u                /* templates that call templates */
#define TEMPLATE_STEPS_MAX 1000000u
#define TEMPLATE_QUERIES_MAX 100u
#define TEMPLATE_ERROR_BYTES_MAX 4096u        /* of an error text inside an annotation */

struct template;

struct template_scope {
	struct promql_labels labels; /* of the sample, with its name */
	struct promql_labels external_labels;
	struct str external_url;
	double value;
	int64_t time_ms;                     /* of the evaluation: of queries, and `now` */
	const struct promql_source *source;  /* NULL: a query is an error */
	const struct promql_options *options;
};

/* False: nothing in the text would change, there is no need to parse it. */
bool template_is_one(struct str text);

/* `alert` names it in error texts, "__alert_NAME". ERR_INVALID: Go's own words; ERR_TOO_LARGE. */
enum err template_parse(struct str alert, struct str text, struct arena *arena, struct template **ret_template,
			struct error *err);

/* ERR_INVALID: "error executing template __alert_NAME: ..."; ERR_TIMEOUT: options->expired said so. */
enum err template_expand(const struct template *template, const struct template_scope *scope, struct arena *arena,
			 struct str *ret_text, struct error *err);

/* As Prometheus shows it: the text, or "<error expanding template: ...>". */
struct str template_show(const struct template *template, const struct template_scope *scope, struct arena *arena);
