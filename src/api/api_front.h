/*
 * api_front.h: whose form somebody outside has before them: a status page's, or the house's.
 */
#pragma once

#include "api/api_report.h"
#include "comms/comms_page.h"

struct api_front {
	const struct comms_page *page; /* outline; NULL: of the house, or there is a choice */
	const struct comms_page **pages; /* of the house: all public ones */
	size_t page_count;
};

/* Of {page}. ERR_NOT_FOUND also when it is private. */
enum err api_front_of_page(struct api_call *call, struct api_front *ret_front, struct error *err);
enum err api_front_of_house(struct api_call *call, struct api_front *ret_front, struct error *err);
static inline bool api_front_is_choice(const struct api_front *front) { return front->page_count > 1; }

/* Links to the same form of each page. */
enum err api_front_choose(struct api_call *call, int status, const struct api_front *front, const char *title,
			  const char *form);
enum err api_front_unknown(struct api_call *call);

/* Where the form `/subscribe` or `/report` of it is sent. */
struct str api_front_action(struct api_call *call, const struct api_front *front, const char *form);

/* Services that people outside may name: the components of a page, else those that customers use. */
struct api_public_service {
	struct str key; /* in the form: of a page, an id that tells nothing of ours */
	struct str name, display;
};
#define API_PUBLIC_SERVICES_MAX COMMS_PAGE_COMPONENTS_MAX
enum err api_public_services(struct api_call *call, const struct comms_page *page, struct api_public_service **ret_rows,
			     size_t *ret_count, struct error *err);
/* The service of a key; empty of an empty one. ERR_INVALID. */
enum err api_public_service_of(struct api_call *call, const struct comms_page *page, struct str key,
			       struct str *ret_name, struct error *err);

/* The incident of that id on the page, as readers see it; NULL: there is none. */
enum err api_front_incident(struct api_call *call, const struct api_front *front, struct str id,
			    const struct comms_page_incident **ret_incident, struct error *err);
