/* test_comms_page.c: what is made of a page: JSON that parses, feeds without a hole, times in its language. */
#include <string.h>

#include "base/check.h"
#include "comms/comms_page.h"
#include "wire/doc_json.h"

static struct comms_page_component components[] = {
	{ .id = "c1", .name = { "Shop <&> \"x\"", 12 }, .status = { "partial_outage", 14 }, .group = 0, .uptime_ppm = -1 },
	{ .id = "c2", .name = { "Pay", 3 }, .status = { "operational", 11 }, .group = 0, .uptime_ppm = 1000000 },
};
static struct comms_page_affected affected[] = { { 0, { "operational", 11 }, { "partial_outage", 14 } } };
static struct comms_page_update updates[] = {
	{ .id = "u1", .state = { "investigating", 13 }, .text = { "**Down** ]]> <script>\x01", 22 },
	  .at = 1764424800 * TIME_SECOND, .affected = affected, .affected_count = 1 },
};
static size_t touched[] = { 0 };
static struct comms_page_incident incidents[] = {
	{ .id = "i1", .name = { "Problem & more", 14 }, .state = { "investigating", 13 }, .impact = { "major", 5 },
	  .created = 1764424000 * TIME_SECOND, .updated = 1764424800 * TIME_SECOND, .updates = updates, .update_count = 1,
	  .components = touched, .component_count = 1 },
};

static struct comms_page page_of(const char *language)
{
	return (struct comms_page){
		.id = "p1", .name = STR("main"), .title = STR("Acme & Co"), .brand = STR("Acme"), .zone = STR("UTC"),
		.language = str_of(language), .groups = { { .id = "g1", .title = STR("Group"), .first = 0, .count = 2 } },
		.group_count = 1, .components = components, .component_count = 2, .incidents = incidents,
		.incident_count = 1, .indicator = "major", .description = "Partial System Outage",
		.updated = 1764424800 * TIME_SECOND, .made = 1764425000 * TIME_SECOND,
	};
}

TEST(every_document_of_the_contract_parses_and_names_its_page)
{
	struct comms_page page = page_of("en");
	for (int i = 0; i < COMMS_DOC_COUNT; i++) {
		cleanup_buf struct buf out;
		cleanup_arena struct arena arena;
		struct error err = { 0 };
		const struct doc_node *root;
		buf_init(&out, 1u << 20);
		arena_init(&arena, 0);
		comms_page_json(&page, "https://x.example/status/main", (enum comms_document)i, &out);
		CHECK_OK(doc_json_parse(buf_str(&out), &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
		CHECK_STR(doc_text(doc_get(doc_get(root, "page"), "id"), ""), "p1");
	}
}

TEST(feeds_escape_everything_and_hold_no_control_character)
{
	struct comms_page page = page_of("en");
	cleanup_buf struct buf atom, rss;
	buf_init(&atom, 1u << 20);
	buf_init(&rss, 1u << 20);
	comms_feed_atom(&page, "https://x.example/status/main", &atom);
	comms_feed_rss(&page, "https://x.example/status/main", &rss);
	CHECK(strstr(atom.bytes, "Acme &amp; Co") != NULL);
	CHECK(strstr(atom.bytes, "&lt;p&gt;&lt;strong&gt;Down&lt;/strong&gt;") != NULL);
	CHECK(strstr(atom.bytes, "<script") == NULL);
	CHECK(strstr(rss.bytes, "<script") == NULL);
	CHECK(strchr(atom.bytes, '\x01') == NULL);
	CHECK(strstr(rss.bytes, "<pubDate>Sat, 29 Nov 2025 14:00:00 GMT</pubDate>") != NULL);
	CHECK(strstr(rss.bytes, "<guid isPermaLink=\"true\">https://x.example/status/main/incidents/i1#u1</guid>") != NULL);
}

TEST(times_are_said_in_the_language_of_the_page)
{
	static const struct {
		const char *language, *text;
	} rows[] = {
		{ "en", "29 November 2025, 14:00 UTC" }, { "de", "29. November 2025, 14:00 UTC" },
		{ "fr", "29 novembre 2025, 14:00 UTC" }, { "es", "29 de noviembre de 2025, 14:00 UTC" },
		{ "it", "29 novembre 2025, 14:00 UTC" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cleanup_arena struct arena arena;
		struct comms_page page = page_of(rows[i].language);
		arena_init(&arena, 0);
		CHECK_STR(comms_page_time(&page, 1764424800 * TIME_SECOND, &arena), rows[i].text);
	}
}

TEST(the_rows_of_a_page_are_sound)
{
	spec_rows_assert(comms_page_spec);
	spec_rows_assert(comms_cadence_spec);
}

TESTS(RUN(every_document_of_the_contract_parses_and_names_its_page), RUN(feeds_escape_everything_and_hold_no_control_character),
      RUN(times_are_said_in_the_language_of_the_page), RUN(the_rows_of_a_page_are_sound))
