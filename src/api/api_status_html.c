/* api_status_html.c: what web/src/status.html says of a page: every value it names, as text. */
#include <assert.h>
#include <stdio.h>

#include "api/api_status_priv.h"
#include "api/api_template.h"
#include "wire/markdown.h"

#define RECENT_DAYS 14
#define UP_PPM 999000   /* a day above it was good */
#define DOWN_PPM 950000 /* below it was bad */

struct filling {
	const struct comms_page *page;
	struct arena *arena;
};

typedef struct api_template_value value;

static value text_value(const char *name, struct str text)
{
	return (value){ .name = name, .value = text };
}

static value flag(const char *name, bool on)
{
	return text_value(name, on ? STR("yes") : STR_NONE);
}

static value list_value(struct filling *f, const char *name, const value *values, size_t rows, size_t width)
{
	struct api_template_list *list = arena_new(f->arena, struct api_template_list);
	*list = (struct api_template_list){ values, rows, width };
	return (value){ .name = name, .list = list };
}

static value markdown_value(struct filling *f, const char *name, struct str text, unsigned heading)
{
	cleanup_buf struct buf out;
	buf_init(&out, 1u << 20);
	if (markdown_html(text, heading, &out, NULL) != OK)
		return text_value(name, text); /* escaped, as it stands */
	return (value){ .name = name, .value = arena_str(f->arena, buf_str(&out)), .html = true };
}

static struct str words_of(struct str state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "investigating", "Investigating" }, { "identified", "Identified" }, { "monitoring", "Monitoring" },
		{ "resolved", "Resolved" }, { "scheduled", "Scheduled" }, { "in_progress", "In progress" },
		{ "verifying", "Verifying" }, { "completed", "Completed" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (str_is(state, rows[i].state))
			return str_of(rows[i].words);
	}
	return STR("Update");
}

static struct str iso(struct filling *f, time_us at)
{
	char text[TIME_TEXT_BYTES];
	time_format(at, text);
	return arena_str(f->arena, str_of(text));
}

static struct str path_of(struct filling *f, const char *rest)
{
	return arena_printf(f->arena, STATUS_PREFIX STR_FMT "%s", STR_ARG(f->page->name), rest);
}

/* ---- incidents and maintenance ---- */

#define UPDATE_WIDTH 7
static value updates_value(struct filling *f, const struct comms_page_incident *incident, unsigned heading)
{
	value *rows = arena_array(f->arena, value, (incident->update_count + 1) * UPDATE_WIDTH);
	for (size_t i = 0; i < incident->update_count; i++) {
		const struct comms_page_update *update = &incident->updates[i];
		value *row = rows + i * UPDATE_WIDTH;
		row[0] = text_value("update_id", str_of(update->id));
		row[1] = text_value("update_state", words_of(update->state));
		row[2] = text_value("update_time", comms_page_time(f->page, update->at, f->arena));
		row[3] = text_value("update_iso", iso(f, update->at));
		row[4] = text_value("update_edited",
				    update->edited != TIME_NONE ? comms_page_time(f->page, update->edited, f->arena) : STR_NONE);
		row[5] = markdown_value(f, "update_html", update->text, heading);
		/* Asked of the newest only: whoever reads on knows what came after. */
		row[6] = flag("update_rate", i == 0 && update->number > 0 && !f->page->is_private);
	}
	return list_value(f, "updates", rows, incident->update_count, UPDATE_WIDTH);
}

static struct str affected_names(struct filling *f, const struct comms_page_incident *incident)
{
	cleanup_buf struct buf out;
	buf_init(&out, 32u << 10);
	for (size_t i = 0; i < incident->component_count; i++)
		buf_printf(&out, "%s" STR_FMT, i > 0 ? ", " : "",
			   STR_ARG(f->page->components[incident->components[i]].name));
	return arena_str(f->arena, buf_str(&out));
}

#define INCIDENT_WIDTH 13
static void fill_incident(struct filling *f, const struct comms_page_incident *incident, unsigned heading, value *row)
{
	char rest[64];
	bool planned = incident->from != TIME_NONE;
	snprintf(rest, sizeof rest, "/incidents/%s", incident->id);
	row[0] = text_value("incident_id", str_of(incident->id));
	row[1] = text_value("incident_name", incident->name);
	row[2] = text_value("incident_state", words_of(incident->state));
	row[3] = text_value("incident_class", comms_page_incident_over(incident) ? STR("over")
					      : planned				 ? STR("maintenance") : incident->impact);
	row[4] = text_value("incident_path", path_of(f, rest));
	row[5] = text_value("incident_time", comms_page_time(f->page, incident->created, f->arena));
	row[6] = text_value("incident_iso", iso(f, incident->created));
	row[7] = text_value("incident_affected", affected_names(f, incident));
	row[8] = text_value("incident_from", planned ? comms_page_time(f->page, incident->from, f->arena) : STR_NONE);
	row[9] = text_value("incident_until", planned ? comms_page_time(f->page, incident->until, f->arena) : STR_NONE);
	row[10] = text_value("incident_over", incident->resolved != TIME_NONE
						      ? comms_page_time(f->page, incident->resolved, f->arena) : STR_NONE);
	bool again = incident->number > 0 && !f->page->is_private && comms_page_incident_over(incident);
	row[11] = text_value("incident_again", again ? arena_printf(f->arena, STR_FMT "?incident=%s",
								    STR_ARG(path_of(f, "/report")), incident->id)
						     : STR_NONE);
	row[12] = updates_value(f, incident, heading);
}

static value incidents_value(struct filling *f, const char *name, const struct comms_page_incident *rows, size_t count,
			     bool (*wanted)(struct filling *f, const struct comms_page_incident *incident))
{
	value *values = arena_array(f->arena, value, (count + 1) * INCIDENT_WIDTH);
	size_t shown = 0;
	for (size_t i = 0; i < count; i++) {
		if (wanted(f, &rows[i]))
			fill_incident(f, &rows[i], 4, values + shown++ * INCIDENT_WIDTH);
	}
	return list_value(f, name, values, shown, INCIDENT_WIDTH);
}

static bool is_active(struct filling *f, const struct comms_page_incident *incident)
{
	(void)f;
	return !comms_page_incident_over(incident);
}

static bool is_recent(struct filling *f, const struct comms_page_incident *incident)
{
	return comms_page_incident_over(incident) &&
	       incident->updated > f->page->made - RECENT_DAYS * TIME_DAY;
}

/* ---- components ---- */

static const char *day_class(int ppm)
{
	return ppm < 0 ? "none" : ppm >= UP_PPM ? "up" : ppm >= DOWN_PPM ? "degraded" : "down";
}

static struct str percent(struct filling *f, int ppm)
{
	if (ppm < 0)
		return STR("no data");
	if (ppm == 1000000)
		return STR("100 %");
	return arena_printf(f->arena, "%d.%02d %%", ppm / 10000, ppm / 100 % 100);
}

static value days_value(struct filling *f, const struct comms_page_component *component)
{
	value *rows = arena_array(f->arena, value, (size_t)COMMS_PAGE_DAYS * 2);
	for (size_t i = 0; i < COMMS_PAGE_DAYS; i++) {
		time_us at = f->page->made - (time_us)(COMMS_PAGE_DAYS - 1 - i) * TIME_DAY;
		rows[2 * i] = text_value("day_class", str_of(day_class(component->days[i])));
		rows[2 * i + 1] = text_value("day_text", arena_printf(f->arena, STR_FMT ": " STR_FMT,
								      STR_ARG(comms_page_date(f->page, at, f->arena)),
								      STR_ARG(percent(f, component->days[i]))));
	}
	return list_value(f, "days", rows, COMMS_PAGE_DAYS, 2);
}

/* What the picture says, for who does not see it: the sum, and the days that were not good. */
static struct str days_text(struct filling *f, const struct comms_page_component *component)
{
	cleanup_buf struct buf out;
	size_t bad = 0;
	buf_init(&out, 8192);
	buf_printf(&out, "Uptime over 90 days: " STR_FMT ".", STR_ARG(percent(f, component->uptime_ppm)));
	for (size_t i = 0; i < COMMS_PAGE_DAYS; i++) {
		if (component->days[i] < 0 || component->days[i] >= UP_PPM)
			continue;
		time_us at = f->page->made - (time_us)(COMMS_PAGE_DAYS - 1 - i) * TIME_DAY;
		if (bad++ < 10)
			buf_printf(&out, " " STR_FMT ": " STR_FMT ".", STR_ARG(comms_page_date(f->page, at, f->arena)),
				   STR_ARG(percent(f, component->days[i])));
	}
	if (bad > 10)
		buf_printf(&out, " And %zu more days with trouble.", bad - 10);
	return arena_str(f->arena, buf_str(&out));
}

#define COMPONENT_WIDTH 9
static value components_value(struct filling *f, const struct comms_page_group *group)
{
	value *rows = arena_array(f->arena, value, (group->count + 1) * COMPONENT_WIDTH);
	for (size_t i = 0; i < group->count; i++) {
		const struct comms_page_component *component = &f->page->components[group->first + i];
		value *row = rows + i * COMPONENT_WIDTH;
		bool bars = f->page->uptime && component->uptime_ppm >= 0;
		row[0] = text_value("component_id", str_of(component->id));
		row[1] = text_value("component_name", component->name);
		row[2] = text_value("component_about", component->about);
		row[3] = text_value("component_class", component->status);
		row[4] = text_value("component_status", str_of(comms_status_words(component->status)));
		row[5] = text_value("component_uptime", bars ? percent(f, component->uptime_ppm) : STR_NONE);
		row[6] = text_value("component_days_text", bars ? days_text(f, component) : STR_NONE);
		row[7] = bars ? days_value(f, component) : list_value(f, "days", NULL, 0, 2);
		row[8] = flag("component_bars", bars);
	}
	return list_value(f, "components", rows, group->count, COMPONENT_WIDTH);
}

static value groups_value(struct filling *f)
{
	value *rows = arena_array(f->arena, value, (f->page->group_count + 1) * 2);
	for (size_t i = 0; i < f->page->group_count; i++) {
		rows[2 * i] = text_value("group_title", f->page->groups[i].title);
		rows[2 * i + 1] = components_value(f, &f->page->groups[i]);
	}
	return list_value(f, "groups", rows, f->page->group_count, 2);
}

/* ---- history by month ---- */

static value months_value(struct filling *f)
{
	const struct comms_page *page = f->page;
	value *rows = arena_array(f->arena, value, (page->incident_count + 1) * 2);
	size_t months = 0, at = 0;
	while (at < page->incident_count) {
		int64_t month = comms_page_month_number(page, page->incidents[at].created);
		size_t count = 0;
		while (at + count < page->incident_count &&
		       comms_page_month_number(page, page->incidents[at + count].created) == month)
			count++;
		value *incidents = arena_array(f->arena, value, count * INCIDENT_WIDTH);
		for (size_t i = 0; i < count; i++)
			fill_incident(f, &page->incidents[at + i], 4, incidents + i * INCIDENT_WIDTH);
		rows[2 * months] = text_value("month_title", comms_page_month(page, page->incidents[at].created, f->arena));
		rows[2 * months + 1] = list_value(f, "incidents", incidents, count, INCIDENT_WIDTH);
		months++;
		at += count;
	}
	return list_value(f, "months", rows, months, 2);
}

static value links_value(struct filling *f)
{
	value *rows = arena_array(f->arena, value, COMMS_PAGE_LINKS_MAX * 2);
	for (size_t i = 0; i < f->page->link_count; i++) {
		rows[2 * i] = text_value("link_title", f->page->links[i].title);
		rows[2 * i + 1] = text_value("link_url", f->page->links[i].url);
	}
	return list_value(f, "links", rows, f->page->link_count, 2);
}

/* ---- the page ---- */

static value detail_value(struct filling *f, const struct comms_page_incident *incident)
{
	value *row = arena_array(f->arena, value, INCIDENT_WIDTH);
	if (incident != NULL)
		fill_incident(f, incident, 3, row);
	return list_value(f, "detail", row, incident != NULL, INCIDENT_WIDTH);
}

void api_status_html(const struct http_asset *page_template, const struct comms_page *page, enum status_view view,
		     const struct comms_page_incident *incident, struct arena *arena, struct buf *out)
{
	struct filling f = { page, arena };
	if (page_template == NULL)
		return;
	value active = incidents_value(&f, "active", page->incidents, page->incident_count, is_active);
	value planned = incidents_value(&f, "planned", page->maintenances, page->maintenance_count, is_active);
	value recent = incidents_value(&f, "recent", page->incidents, page->incident_count, is_recent);
	value months = months_value(&f);
	struct str heading = view == STATUS_HISTORY ? STR("History") : view == STATUS_INCIDENT ? incident->name : STR_NONE;
	const value values[] = {
		text_value("title", page->title),
		text_value("heading", heading),
		text_value("brand", page->brand),
		text_value("about", page->about),
		text_value("support", page->support),
		text_value("language", page->language),
		text_value("indicator", str_of(page->indicator)),
		text_value("description", str_of(page->description)),
		text_value("home_path", path_of(&f, "")),
		text_value("history_path", path_of(&f, "/history")),
		text_value("atom_path", path_of(&f, "/history.atom")),
		text_value("rss_path", path_of(&f, "/history.rss")),
		text_value("json_path", path_of(&f, "/api/v2/summary.json")),
		text_value("subscribe_path", page->is_private ? STR_NONE : path_of(&f, "/subscribe")),
		text_value("report_path", page->is_private ? STR_NONE : path_of(&f, "/report")),
		text_value("made", comms_page_time(page, page->made, arena)),
		text_value("made_iso", iso(&f, page->made)),
		flag("index", view == STATUS_INDEX),
		flag("history", view == STATUS_HISTORY),
		flag("has_active", active.list->rows > 0),
		flag("has_planned", planned.list->rows > 0),
		flag("has_recent", recent.list->rows > 0),
		flag("no_recent", recent.list->rows == 0),
		flag("no_months", months.list->rows == 0),
		active,
		planned,
		recent,
		months,
		groups_value(&f),
		links_value(&f),
		detail_value(&f, incident),
	};
	api_template_fill(out, (struct str){ page_template->bytes, page_template->size_bytes }, values,
			  sizeof values / sizeof values[0]);
}
