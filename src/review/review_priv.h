/* review_priv.h: what the files of this room share. SQL stands in review_store.c alone. */
#pragma once

#include "incident/incident.h"
#include "review/review.h"

enum err review_factor_get(struct store_conn *conn, int64_t incident, int64_t factor,
			   struct arena *arena, struct review_factor *ret_factor, struct error *err);
enum err review_action_get(struct store_conn *conn, int64_t action, struct arena *arena,
			   struct review_action *ret_action, struct error *err);
enum err review_counts(struct store_conn *conn, int64_t incident, int64_t *ret_factors,
		       int64_t *ret_actions, struct error *err);
enum err review_text_revision(struct store_conn *conn, int64_t incident, struct str section,
			      int64_t *ret_revision, int64_t *ret_by, struct error *err);
/* How many factors name this one as what they explain. */
enum err review_factor_children(struct store_conn *conn, int64_t incident, int64_t factor,
				int64_t *ret_count, struct error *err);

/* The event that a draft of the facts is; owner and due are as they were, or as they begin. */
enum err review_draft(struct decision *d, const struct incident *incident, const struct review *before,
		      int64_t up_to, struct event_review_drafted *ret_drafted, struct error *err);
