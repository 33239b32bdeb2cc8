/* api_review.h: parts of a review as JSON, for the files that answer with one. */
#pragma once

#include "api/api_priv.h"
#include "incident/incident.h"
#include "review/review.h"

#define API_REVIEW_TIMELINE_MAX 2000u

/* The review of {id} and its incident, when the caller may see it; else as if neither existed. */
enum err api_review(struct api_call *call, struct incident *ret_incident, struct review *ret_review,
		    struct error *err);
void api_review_row(struct api_call *call, const struct review *review);
void api_review_action(struct api_call *call, const struct review_action *action);

/* What a document of it needs, read once. */
struct api_review_moment {
	int64_t seq, actor;
	time_us at;
	const char *kind;
	struct str text;
	bool tried, around; /* a person did it to mend it; it happened beside the incident */
};
struct api_review_document {
	struct incident incident;
	struct review review;
	struct review_facts *facts;
	struct review_text texts[REVIEW_SECTIONS];
	struct review_factor factors[REVIEW_FACTORS_MAX];
	size_t factor_count;
	struct review_action actions[REVIEW_ACTIONS_MAX];
	size_t action_count;
	struct api_review_moment timeline[API_REVIEW_TIMELINE_MAX];
	size_t timeline_count;
	bool cut; /* more happened than the timeline holds */
	struct str names[REVIEW_PEOPLE_MAX]; /* of facts->people */
};
enum err api_review_read(struct api_call *call, const struct incident *incident,
			 const struct review *review, struct api_review_document **ret_document,
			 struct error *err);
/* "Ada"; "Mainstay" for nobody. */
struct str api_review_name(struct api_call *call, int64_t user);
