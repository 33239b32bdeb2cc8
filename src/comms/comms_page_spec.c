/* comms_page_spec.c: the kind StatusPage, and how a page says times. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "comms/comms_page.h"

static const char *const languages[] = { "en", "de", "fr", "es", "it", NULL };
static const char *const automatic[] = { "none", "P1", "P2", "P3", "P4", "P5", NULL };

static const struct spec_field component_fields[] = {
	{ .name = "service", .type = SPEC_NAME, .refers = CATALOG_SERVICE, .flags = SPEC_REQUIRED,
	  .about = "The service behind it." },
	{ .name = "name", .type = SPEC_TEXT, .min = 1, .max = 100,
	  .about = "What customers call it; the service's display name when absent." },
	{ .name = "about", .type = SPEC_TEXT, .max = 300, .about = "What it does for them, in a sentence." },
	{ .name = NULL },
};
static const struct spec_field component = { .name = "component", .type = SPEC_OBJECT, .fields = component_fields,
					     .about = "A service as customers know it." };
static const struct spec_field group_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .max = 100, .about = "Its heading; none when absent." },
	{ .name = "components", .type = SPEC_LIST, .item = &component, .min = 1, .max = 100, .flags = SPEC_REQUIRED,
	  .about = "What stands in it, in order." },
	{ .name = NULL },
};
static const struct spec_field group = { .name = "group", .type = SPEC_OBJECT, .fields = group_fields,
					 .about = "Components that belong together." };
static const struct spec_field link_fields[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 100, .about = "What people read." },
	{ .name = "url", .type = SPEC_URL, .flags = SPEC_REQUIRED, .about = "Where it leads." },
	{ .name = NULL },
};
static const struct spec_field link = { .name = "link", .type = SPEC_OBJECT, .fields = link_fields,
					.about = "A place worth knowing." };

const struct spec_field comms_page_spec[] = {
	{ .name = "title", .type = SPEC_TEXT, .flags = SPEC_REQUIRED, .min = 1, .max = 100,
	  .about = "The heading of the page: whose status it shows." },
	{ .name = "about", .type = SPEC_TEXT, .max = 500, .about = "A sentence under the heading." },
	{ .name = "brand", .type = SPEC_TEXT, .max = 40, .about = "The name at the top; the title when absent." },
	{ .name = "private", .type = SPEC_BOOL, .otherwise = "false", .about = "Only who is signed in may read it." },
	{ .name = "home", .type = SPEC_BOOL, .otherwise = "false",
	  .about = "Shown at / of the address that --status-listen names." },
	{ .name = "groups", .type = SPEC_LIST, .item = &group, .max = COMMS_PAGE_GROUPS_MAX, .min = 1,
	  .flags = SPEC_REQUIRED, .about = "What it shows, in order." },
	{ .name = "automatic", .type = SPEC_CHOICE, .choices = automatic, .otherwise = "none",
	  .about = "Incidents of this priority and above show before anybody has written an update." },
	{ .name = "uptime", .type = SPEC_BOOL, .otherwise = "true", .about = "Whether it shows 90 days of uptime." },
	{ .name = "time_zone", .type = SPEC_ZONE, .otherwise = "UTC", .about = "In which zone it says times." },
	{ .name = "language", .type = SPEC_CHOICE, .choices = languages, .otherwise = "en",
	  .about = "The language of its times." },
	{ .name = "support", .type = SPEC_URL, .about = "Where readers find help." },
	{ .name = "links", .type = SPEC_LIST, .item = &link, .max = COMMS_PAGE_LINKS_MAX, .about = "Links at the foot." },
	{ .name = NULL },
};

/* One service is one component: two would be two truths about one thing. */
void comms_page_rule(const struct doc_node *spec, struct spec_errors *errors)
{
	const struct doc_node *groups = doc_get(spec, "groups");
	struct str seen[COMMS_PAGE_COMPONENTS_MAX];
	size_t count = 0;
	for (size_t g = 0; g < doc_count(groups); g++) {
		const struct doc_node *components = doc_get(doc_at(groups, g), "components");
		for (size_t c = 0; c < doc_count(components); c++) {
			const struct doc_node *node = doc_get(doc_at(components, c), "service");
			struct str service = doc_text(node, "");
			for (size_t i = 0; i < count; i++) {
				if (str_eq(seen[i], service)) {
					spec_error(errors, node, "groups", "the service \"" STR_FMT "\" stands on the page twice",
						   STR_ARG(service));
					return;
				}
			}
			if (count == COMMS_PAGE_COMPONENTS_MAX) {
				spec_error(errors, node, "groups", "a page shows at most %u components",
					   COMMS_PAGE_COMPONENTS_MAX);
				return;
			}
			seen[count++] = service;
		}
	}
}

/* ---- times ---- */

static const struct language {
	const char *code;
	const char *after_day, *after_month; /* "29. November 2026", "29 de noviembre de 2026" */
	const char *months[12];
} words[] = {
	{ "en", " ", " ",
	  { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
	    "December" } },
	{ "de", ". ", " ",
	  { "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
	    "Dezember" } },
	{ "fr", " ", " ",
	  { "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
	    "décembre" } },
	{ "es", " de ", " de ",
	  { "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
	    "diciembre" } },
	{ "it", " ", " ",
	  { "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
	    "novembre", "dicembre" } },
};

static const struct language *language_of(const struct comms_page *page)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (str_is(page->language, words[i].code))
			return &words[i];
	}
	return &words[0];
}

static struct time_civil civil_of(const struct comms_page *page, time_us at)
{
	return time_civil_of(page->tz != NULL ? tz_wall_of(page->tz, at) : at);
}

struct str comms_page_date(const struct comms_page *page, time_us at, struct arena *arena)
{
	const struct language *language = language_of(page);
	struct time_civil civil = civil_of(page, at);
	return arena_printf(arena, "%d%s%s%s%d", civil.day, language->after_day, language->months[civil.month - 1],
			    language->after_month, civil.year);
}

struct str comms_page_time(const struct comms_page *page, time_us at, struct arena *arena)
{
	struct time_civil civil = civil_of(page, at);
	const char *zone = page->tz != NULL ? tz_local_of(page->tz, at).abbreviation : "UTC";
	return arena_printf(arena, STR_FMT ", %02d:%02d %s", STR_ARG(comms_page_date(page, at, arena)), civil.hour,
			    civil.minute, zone);
}

struct str comms_page_month(const struct comms_page *page, time_us at, struct arena *arena)
{
	struct time_civil civil = civil_of(page, at);
	return arena_printf(arena, "%s %d", language_of(page)->months[civil.month - 1], civil.year);
}

int64_t comms_page_day_number(const struct comms_page *page, time_us at)
{
	struct time_civil civil = civil_of(page, at);
	return time_days_from_civil(civil.year, civil.month, civil.day);
}

int64_t comms_page_month_number(const struct comms_page *page, time_us at)
{
	struct time_civil civil = civil_of(page, at);
	return (int64_t)civil.year * 12 + civil.month;
}

const char *comms_status_words(struct str status)
{
	static const char *const texts[] = { "Operational", "Degraded performance", "Partial outage", "Major outage",
					     "Under maintenance" };
	int rank = comms_status_rank(status);
	return rank >= 0 ? texts[rank] : "Unknown";
}
