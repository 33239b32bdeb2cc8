/*
 * comms_page.h: a status page as a picture of one instant: what whoever reads it may know, and no more.
 *
 * A page is a definition (kind StatusPage). comms_page_build reads the store once and gives a tree that
 * needs it no more; JSON, feeds and HTML are made of the tree alone. So what is not in the tree can leak
 * nowhere, and the tree holds only
 *
 *   - published updates for customers, of incidents that everybody may see and that touch the page
 *   - with `automatic`, incidents of its services from that priority on, in words of ours
 *   - maintenance that is public and touches the page
 *   - names that the page gives to services, never theirs; ids made of hashes, never ours
 *
 * Runs on: any thread with a reading connection. Clock: passed in.
 */
#pragma once

#include "comms/comms.h"
#include "sys/zone.h"

#define COMMS_PAGE "StatusPage"
#define COMMS_PAGE_GROUPS_MAX 30u
#define COMMS_PAGE_COMPONENTS_MAX 200u
#define COMMS_PAGE_LINKS_MAX 10u
#define COMMS_PAGE_DAYS 90u
#define COMMS_PAGE_INCIDENTS_MAX 200u
#define COMMS_PAGE_UPDATES_MAX 2000u /* of all its incidents */
#define COMMS_PAGE_MAINTENANCES_MAX 50u
#define COMMS_PAGES_MAX 50u
#define COMMS_PAGE_ID_BYTES 13u

extern const struct spec_field comms_page_spec[];
void comms_page_rule(const struct doc_node *spec, struct spec_errors *errors);

struct comms_page_link {
	struct str title, url;
};

struct comms_page_component {
	char id[COMMS_PAGE_ID_BYTES];
	struct str service; /* never shown */
	struct str name, about;
	struct str status;
	size_t group; /* index; SIZE_MAX: none */
	time_us changed;
	int uptime_ppm;                 /* of the days with data; -1: none */
	int days[COMMS_PAGE_DAYS];      /* parts per million up, oldest first, today last; -1: no data */
};

struct comms_page_group {
	char id[COMMS_PAGE_ID_BYTES];
	struct str title;
	size_t first, count; /* of its components, which stand together */
};

struct comms_page_affected {
	size_t component;      /* index */
	struct str old_status, status;
};

struct comms_page_update {
	char id[COMMS_PAGE_ID_BYTES];
	int64_t number; /* ours, never shown; 0: nobody wrote it, or it is of planned work */
	struct str state, text; /* text: Markdown */
	time_us at, edited;
	struct comms_page_affected *affected;
	size_t affected_count;
};

struct comms_page_incident {
	char id[COMMS_PAGE_ID_BYTES];
	int64_t number; /* ours, never shown; 0: planned work */
	struct str name, state, impact; /* state and impact in the contract's words */
	time_us created, updated, monitoring, resolved;
	time_us from, until; /* of maintenance; TIME_NONE otherwise */
	struct comms_page_update *updates; /* newest first */
	size_t update_count;
	size_t *components; /* indexes */
	size_t component_count;
};

struct comms_page {
	char id[COMMS_PAGE_ID_BYTES];
	struct str name, title, about, brand, support, zone, language;
	bool is_private, home, uptime;
	const struct tz *tz; /* NULL: UTC */
	struct comms_page_link links[COMMS_PAGE_LINKS_MAX];
	size_t link_count;
	struct comms_page_group groups[COMMS_PAGE_GROUPS_MAX];
	size_t group_count;
	struct comms_page_component *components;
	size_t component_count;
	struct comms_page_incident *incidents; /* newest first, 90 days */
	size_t incident_count;
	struct comms_page_incident *maintenances; /* those to come and running first to begin, then past ones */
	size_t maintenance_count;
	const char *indicator, *description; /* none, minor, major, critical, maintenance */
	time_us made, updated; /* updated: when what it says last changed */
	time_us next; /* when it changes by itself; TIME_NONE: not known to */
};

/* ERR_NOT_FOUND: there is no such page. */
enum err comms_page_build(struct store_conn *conn, struct zones *zones, struct str name, time_us now,
			  struct arena *arena, struct comms_page **ret_page, struct error *err);

/* Only what its definition says: words, links, groups and components; not how anything is. ERR_NOT_FOUND.
 * `zones` NULL: who asks writes no times. */
enum err comms_page_outline(struct store_conn *conn, struct zones *zones, struct str name, struct arena *arena,
			    struct comms_page **ret_page, struct error *err);
/* NULL: the service does not stand on the page. */
const struct comms_page_component *comms_page_component_of(const struct comms_page *page, struct str service);

/* What a page is called, and what a service is called on it; empty when it is not there. */
enum err comms_page_words(struct store_conn *conn, struct str name, struct str service, struct arena *arena,
			  struct str *ret_title, struct str *ret_component, struct error *err);

/* Names of all pages in the arena, in order. */
enum err comms_page_names(struct store_conn *conn, struct arena *arena, struct str **ret_names, size_t *ret_count,
			  struct error *err);

/* "29 November 2026, 14:02 CET", "29. November 2026, 14:02 CET": in the page's zone and language. */
struct str comms_page_time(const struct comms_page *page, time_us at, struct arena *arena);
struct str comms_page_date(const struct comms_page *page, time_us at, struct arena *arena);  /* without the hour */
struct str comms_page_month(const struct comms_page *page, time_us at, struct arena *arena); /* "November 2026" */
/* Which day, or month, of the page's zone: equal numbers are the same. */
int64_t comms_page_day_number(const struct comms_page *page, time_us at);
int64_t comms_page_month_number(const struct comms_page *page, time_us at);

const char *comms_status_words(struct str status); /* "Partial outage" */
bool comms_page_incident_over(const struct comms_page_incident *incident);

/* ---- the Statuspage contract (comms_page_json.c) ---- */

enum comms_document {
	COMMS_DOC_STATUS,
	COMMS_DOC_SUMMARY,
	COMMS_DOC_COMPONENTS,
	COMMS_DOC_INCIDENTS,
	COMMS_DOC_UNRESOLVED,
	COMMS_DOC_MAINTENANCES,
	COMMS_DOC_UPCOMING,
	COMMS_DOC_ACTIVE,
	COMMS_DOC_COUNT
};
extern const char *const comms_document_paths[COMMS_DOC_COUNT]; /* "/api/v2/status.json" */
/* `url` is where the page is, without a slash at the end. */
void comms_page_json(const struct comms_page *page, const char *url, enum comms_document document, struct buf *out);

/* ---- feeds (comms_feed.c): one entry for each update, at most 50 ---- */

#define COMMS_FEED_ENTRIES_MAX 50u
void comms_feed_atom(const struct comms_page *page, const char *url, struct buf *out);
void comms_feed_rss(const struct comms_page *page, const char *url, struct buf *out);
