/*
 * api_review_export.c: a review as one file of Markdown: facts first, then people's words as they wrote
 * them.
 *
 * Words stand between marks that name their part and revision, so that a program that reads the file
 * finds the same words again, whatever headings people used within them.
 */
#include <string.h>

#include "api/api_handlers.h"
#include "api/api_review.h"

/* What is data within a line: nothing of it may become mark-up. */
static void add_plain(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];
		if (byte == '\n' || byte == '\r' || byte == '\t') {
			buf_addc(out, ' ');
			continue;
		}
		if (strchr("\\`*_[]<>#|~!&", byte) != NULL)
			buf_addc(out, '\\');
		buf_addc(out, byte);
	}
}

static void add_time(struct buf *out, time_us at)
{
	char text[TIME_TEXT_BYTES];
	if (at == TIME_NONE) {
		buf_adds(out, "-");
		return;
	}
	time_format(at - at % TIME_SECOND, text);
	buf_adds(out, text);
}

static void add_facts(struct buf *out, const struct api_review_document *doc)
{
	char length[DURATION_TEXT_BYTES];
	buf_adds(out, "\n## What happened when\n\n| moment | at | event |\n|---|---|---|\n");
	for (int i = 0; i < REVIEW_PHASE_COUNT; i++) {
		const struct review_moment *moment = &doc->facts->moments[i];
		buf_printf(out, "| %s | ", review_phase_rows[i].title);
		add_time(out, moment->at);
		if (moment->seq != 0)
			buf_printf(out, " | %lld |\n", (long long)moment->seq);
		else
			buf_adds(out, " | - |\n");
	}
	buf_adds(out, "\n| how long | | |\n|---|---|---|\n");
	for (size_t i = 0; i < REVIEW_SPANS; i++) {
		time_us span = review_span(doc->facts->moments, &review_span_rows[i]);
		if (span >= 0)
			duration_words(span, length);
		buf_printf(out, "| %s | %s | %s |\n", review_span_rows[i].title, span < 0 ? "-" : length,
			   review_span_rows[i].means);
	}
}

static void add_people(struct buf *out, const struct api_review_document *doc)
{
	buf_adds(out, "\n## Who took part\n\n");
	for (size_t i = 0; i < doc->facts->people_count; i++) {
		const char *between = ": ";
		buf_adds(out, "- ");
		add_plain(out, doc->names[i]);
		for (int part = 0; part < REVIEW_PART_COUNT; part++) {
			if (doc->facts->people[i].counts[part] == 0)
				continue;
			buf_printf(out, "%s%s", between, review_part_names[part]);
			between = ", ";
		}
		buf_addc(out, '\n');
	}
	if (doc->facts->people_count == 0)
		buf_adds(out, "Nobody: it came and went by itself.\n");
}

static void add_gap_after(struct buf *out, const struct api_review_document *doc, int64_t seq)
{
	char length[DURATION_TEXT_BYTES];
	for (size_t i = 0; i < doc->facts->gap_count; i++) {
		const struct review_gap *gap = &doc->facts->gaps[i];
		if (gap->before.seq != seq)
			continue;
		duration_words(gap->after.at - gap->before.at, length);
		buf_printf(out, "- *%s in which nothing was recorded*\n", length);
	}
}

static void add_timeline(struct api_call *call, const struct api_review_document *doc)
{
	struct buf *out = &call->out;
	buf_adds(out, "\n## Timeline\n\n");
	for (size_t i = 0; i < doc->timeline_count; i++) {
		const struct api_review_moment *moment = &doc->timeline[i];
		buf_adds(out, "- ");
		add_time(out, moment->at);
		buf_printf(out, " (%lld) ", (long long)moment->seq);
		if (moment->actor != 0) {
			add_plain(out, api_review_name(call, moment->actor));
			buf_adds(out, ": ");
		}
		add_plain(out, moment->text);
		buf_addc(out, '\n');
		add_gap_after(out, doc, moment->seq);
	}
	if (doc->cut)
		buf_adds(out, "- and more, in the incident's own timeline\n");
}

static void add_words(struct buf *out, const struct api_review_document *doc)
{
	for (size_t i = 0; i < REVIEW_SECTIONS; i++) {
		const struct review_text *text = &doc->texts[i];
		buf_printf(out, "\n## %s\n\n", review_sections[i].title);
		if (text->text.len == 0)
			continue;
		buf_printf(out, "<!-- mainstay:%s %lld -->\n\n", review_sections[i].name,
			   (long long)text->revision);
		buf_add(out, text->text);
		buf_printf(out, "\n\n<!-- /mainstay:%s %lld -->\n", review_sections[i].name,
			   (long long)text->revision);
	}
}

static void add_factors(struct buf *out, const struct api_review_document *doc, int64_t parent,
			unsigned depth)
{
	for (size_t i = 0; i < doc->factor_count && depth < REVIEW_FACTORS_MAX; i++) {
		if (doc->factors[i].parent != parent)
			continue;
		for (unsigned d = 0; d < depth; d++)
			buf_adds(out, "  ");
		buf_printf(out, "- **" STR_FMT "** ", STR_ARG(doc->factors[i].kind));
		add_plain(out, doc->factors[i].text);
		buf_addc(out, '\n');
		add_factors(out, doc, doc->factors[i].id, depth + 1);
	}
}

static void add_actions(struct api_call *call, const struct api_review_document *doc)
{
	struct buf *out = &call->out;
	for (size_t i = 0; i < doc->action_count; i++) {
		const struct review_action *action = &doc->actions[i];
		buf_printf(out, "- [%s] ", str_is(action->state, "open") ? " " : "x");
		add_plain(out, action->text);
		buf_adds(out, str_is(action->state, "dropped") ? " (dropped; " : " (");
		add_plain(out, action->owner != 0 ? api_review_name(call, action->owner) : STR("nobody yet"));
		buf_adds(out, ", due ");
		add_time(out, action->due);
		if (action->link.len > 0)
			buf_printf(out, ", <" STR_FMT ">", STR_ARG(action->link));
		buf_adds(out, ")\n");
	}
}

enum err api_review_export(struct api_call *call, struct error *err)
{
	struct api_review_document *doc;
	struct incident incident;
	struct review review;
	struct buf *out = &call->out;
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_review_read(call, &incident, &review, &doc, err);
	if (r != OK)
		return r;
	buf_reset(out);
	call->content_type = "text/markdown; charset=utf-8";
	api_header(call, "Content-Disposition", "attachment; filename=\"review-%lld.md\"",
		   (long long)incident.id);
	buf_printf(out, "# Review of incident %lld: ", (long long)incident.id);
	add_plain(out, incident.title);
	buf_printf(out, "\n\n" STR_FMT ", " STR_FMT, STR_ARG(review.priority), STR_ARG(review.state));
	buf_adds(out, "; answered for by ");
	add_plain(out, review.owner != 0 ? api_review_name(call, review.owner) : STR("nobody yet"));
	buf_printf(out, "; facts as of event %lld. Times are UTC.\n", (long long)review.up_to);
	add_words(out, doc);
	buf_adds(out, "\n## Contributing factors\n\n");
	add_factors(out, doc, 0, 0);
	buf_adds(out, "\n## Actions\n\n");
	add_actions(call, doc);
	add_facts(out, doc);
	add_people(out, doc);
	add_timeline(call, doc);
	return OK;
}
