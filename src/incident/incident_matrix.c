/* incident_matrix.c: priority = impact x urgency, from a matrix that the team owns. */
#include <assert.h>

#include "base/buf.h"
#include "incident/incident_priv.h"
#include "resource/definition.h"
#include "wire/json_writer.h"

#define LEVELS 3

static const char *const level_names[] = { "high", "medium", "low", NULL };
static const char *const priorities[] = { "P1", "P2", "P3", "P4", "P5", NULL };

static const struct spec_field cell = { .name = "priority", .type = SPEC_CHOICE, .choices = priorities,
					.about = "The priority of this cell." };
static const struct spec_field row = { .name = "row", .type = SPEC_LIST, .item = &cell, .min = LEVELS,
				       .max = LEVELS,
				       .about = "One impact: urgency high, medium, low." };

const struct spec_field incident_matrix_spec[] = {
	{ .name = "cells", .type = SPEC_LIST, .item = &row, .min = LEVELS, .max = LEVELS,
	  .flags = SPEC_REQUIRED, .about = "One row for each impact: high, medium, low." },
	{ .name = NULL },
};

static const struct incident_matrix built_in = {
	.cells = { { "P1", "P2", "P3" }, { "P2", "P3", "P4" }, { "P3", "P4", "P5" } },
	.built_in = true,
};

/* More impact or more urgency never makes a lower priority: a matrix that says so is a slip. */
void incident_matrix_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	const struct doc_node *cells = doc_get(spec, "cells");
	for (size_t i = 0; i < LEVELS; i++) {
		for (size_t j = 0; j < LEVELS; j++) {
			struct str here = doc_text(doc_at(doc_at(cells, i), j), "");
			struct str right = doc_text(doc_at(doc_at(cells, i), j + 1), "");
			struct str below = doc_text(doc_at(doc_at(cells, i + 1), j), "");
			if ((right.len > 0 && str_cmp(right, here) < 0) ||
			    (below.len > 0 && str_cmp(below, here) < 0))
				spec_error(errors, doc_at(doc_at(cells, i), j), "cells",
					   "less impact or urgency may not give a higher priority than \""
					   STR_FMT "\"", STR_ARG(here));
		}
	}
}

int incident_level(struct str level)
{
	for (int i = 0; i < LEVELS; i++) {
		if (str_is(level, level_names[i]))
			return i;
	}
	return -1;
}

enum err incident_matrix_get(struct store_conn *conn, struct arena *arena,
			     struct incident_matrix *ret_matrix, struct error *err)
{
	const struct doc_node *spec;
	enum err r = definition_spec(conn, INCIDENT_MATRIX, STR("default"), arena, &spec, err);
	if (r != OK)
		return r;
	struct incident_matrix matrix = built_in;
	const struct doc_node *cells = doc_get(spec, "cells");
	for (size_t i = 0; cells != NULL && i < LEVELS; i++) {
		for (size_t j = 0; j < LEVELS; j++)
			matrix.cells[i][j] = doc_text(doc_at(doc_at(cells, i), j), "P3").ptr;
	}
	matrix.built_in = cells == NULL;
	*ret_matrix = matrix;
	return OK;
}

static struct str explain(struct decision *d, const struct incident_weight *weight, int i, int j,
			  const struct incident_matrix *matrix)
{
	cleanup_buf struct buf buf;
	struct json_writer json;
	buf_init(&buf, 4096);
	json_init(&json, &buf);
	json_map_begin(&json);
	json_field_text(&json, "impact_reason", weight->impact_reason);
	json_field_text(&json, "urgency_reason", weight->urgency_reason);
	json_key(&json, "cell");
	json_list_begin(&json);
	json_int(&json, i);
	json_int(&json, j);
	json_list_end(&json);
	json_key(&json, "matrix");
	json_list_begin(&json);
	for (int a = 0; a < LEVELS; a++) {
		json_list_begin(&json);
		for (int b = 0; b < LEVELS; b++)
			json_cstr(&json, matrix->cells[a][b]);
		json_list_end(&json);
	}
	json_list_end(&json);
	json_field_bool(&json, "built_in", matrix->built_in);
	json_map_end(&json);
	json_finish(&json);
	assert(!buf.full);
	return arena_str(d->arena, buf_str(&buf));
}

enum err incident_weigh(struct decision *d, const struct incident_weight *weight,
			struct str *ret_priority, struct str *ret_why, struct error *err)
{
	int i = incident_level(weight->impact), j = incident_level(weight->urgency);
	if (i < 0 || j < 0)
		return error_set(err, ERR_INVALID, "impact and urgency are high, medium or low");
	struct incident_matrix matrix;
	enum err r = incident_matrix_get(d->conn, d->arena, &matrix, err);
	if (r != OK)
		return r;
	*ret_priority = str_of(matrix.cells[i][j]);
	*ret_why = explain(d, weight, i, j, &matrix);
	return OK;
}
