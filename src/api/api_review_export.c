/*
 * api_review_export.c: a review as one file of Markdown: facts first, then people's words as they wrote
 * them.
 *
 * Words stand between marks that name their part and revision, so that a program that reads the file
 * finds the same words again, whatever headings people used within them. As HTML the same Markdown is
 * rendered piece by piece into web/src/review.html, which needs nothing else to be read or printed.
 */
#include <string.h>

#include "api/api_handlers.h"
#include "api/api_review.h"
#include "api/api_template.h"
#include "wire/markdown.h"

#define BODY_MARK "<!-- body -->"
#define PIECE_BYTES_MAX (1u << 20)
#define TIMELINE_PIECE_BYTES (32u << 10)

/* The Markdown that was not handed on yet, and where it goes. */
struct export {
	struct api_call *call;
	const struct api_review_document *doc;
	struct buf piece;
	bool html;
};

/* Hands the piece on: as it is, or as HTML whose headings begin at this level. */
static void hand_on(struct export *x, unsigned heading)
{
	if (!x->html) {
		buf_add(&x->call->out, buf_str(&x->piece));
	} else if (markdown_html(buf_str(&x->piece), heading, &x->call->out, NULL) != OK) {
		markdown_html(STR("*This part is too large or too deep to be shown here; the Markdown file has it.*"),
			      heading, &x->call->out, NULL);
	}
	buf_reset(&x->piece);
}

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

static void add_timeline(struct export *x)
{
	struct api_call *call = x->call;
	const struct api_review_document *doc = x->doc;
	struct buf *out = &x->piece;
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
		if (out->used > TIMELINE_PIECE_BYTES)
			hand_on(x, 1);
	}
	if (doc->cut)
		buf_adds(out, "- and more, in the incident's own timeline\n");
}

/* A file of HTML is to be read; the marks are for programs. */
static void add_mark(struct export *x, const char *slash, const char *name, int64_t revision)
{
	if (!x->html)
		buf_printf(&x->piece, "<!-- %smainstay:%s %lld -->", slash, name, (long long)revision);
}

static void add_words(struct export *x)
{
	for (size_t i = 0; i < REVIEW_SECTIONS; i++) {
		const struct review_text *text = &x->doc->texts[i];
		buf_printf(&x->piece, "\n## %s\n\n", review_sections[i].title);
		hand_on(x, 1);
		if (text->text.len == 0)
			continue;
		add_mark(x, "", review_sections[i].name, text->revision);
		buf_adds(&x->piece, x->html ? "" : "\n\n");
		buf_add(&x->piece, text->text);
		buf_adds(&x->piece, x->html ? "" : "\n\n");
		add_mark(x, "/", review_sections[i].name, text->revision);
		buf_addc(&x->piece, '\n');
		hand_on(x, 3);
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

static void add_actions(struct export *x)
{
	struct api_call *call = x->call;
	const struct api_review_document *doc = x->doc;
	struct buf *out = &x->piece;
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

static void add_all(struct export *x)
{
	const struct api_review_document *doc = x->doc;
	const struct review *review = &doc->review;
	struct buf *out = &x->piece;
	buf_printf(out, "# Review of incident %lld: ", (long long)review->incident);
	add_plain(out, doc->incident.title);
	buf_printf(out, "\n\n" STR_FMT ", " STR_FMT, STR_ARG(review->priority), STR_ARG(review->state));
	buf_adds(out, "; answered for by ");
	add_plain(out, review->owner != 0 ? api_review_name(x->call, review->owner) : STR("nobody yet"));
	buf_printf(out, "; facts as of event %lld. Times are UTC.\n", (long long)review->up_to);
	hand_on(x, 1);
	add_words(x);
	buf_adds(out, "\n## Contributing factors\n\n");
	add_factors(out, doc, 0, 0);
	hand_on(x, 1);
	buf_adds(out, "\n## Actions\n\n");
	add_actions(x);
	hand_on(x, 1);
	add_facts(out, doc);
	add_people(out, doc);
	hand_on(x, 1);
	add_timeline(x);
	hand_on(x, 1);
}

/* The template's text before and after its body. */
static enum err add_page(struct export *x, struct error *err)
{
	struct api_call *call = x->call;
	const struct http_asset *page = api_asset(call->api, STR(API_TEMPLATES "review.html"));
	const struct api_template_value values[] = { { "title", x->doc->incident.title } };
	if (page == NULL)
		return error_set(err, ERR_UNSUPPORTED, "this program was built without its pages; ask for Markdown");
	struct str whole = { page->bytes, page->size_bytes };
	size_t at = 0;
	while (at + sizeof BODY_MARK - 1 < whole.len && memcmp(whole.ptr + at, BODY_MARK, sizeof BODY_MARK - 1) != 0)
		at++;
	api_template_fill(&call->out, str_sub(whole, 0, at), values, 1);
	add_all(x);
	api_template_fill(&call->out, str_sub(whole, at + sizeof BODY_MARK - 1, whole.len), values, 1);
	return OK;
}

enum err api_review_export(struct api_call *call, struct error *err)
{
	struct api_review_document *doc;
	struct incident incident;
	struct review review;
	struct export x = { .call = call, .html = str_is(api_query(call, "format"), "html") };
	enum err r = api_review(call, &incident, &review, err);
	if (r == OK)
		r = api_review_read(call, &incident, &review, &doc, err);
	if (r != OK)
		return r;
	x.doc = doc;
	buf_init(&x.piece, PIECE_BYTES_MAX);
	buf_reset(&call->out);
	if (x.html)
		r = add_page(&x, err);
	else
		add_all(&x);
	buf_finish(&x.piece);
	if (r != OK)
		return r;
	call->content_type = x.html ? "text/html; charset=utf-8" : "text/markdown; charset=utf-8";
	api_header(call, "Content-Disposition", "attachment; filename=\"review-%lld.%s\"",
		   (long long)incident.id, x.html ? "html" : "md");
	return OK;
}
