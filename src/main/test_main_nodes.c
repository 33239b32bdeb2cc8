/* test_main_nodes.c: whose share a check is, what servers believe of each other, what a look says, and what is
 * shown of an address. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "main/node_look.h"
#include "main/node_seal.h"
#include "main/nodes.h"
#include "main/settings.h"

static struct store_nodes nodes_of(unsigned count)
{
	struct store_nodes seen = { .count = count };
	for (unsigned i = 0; i < count; i++) {
		snprintf(seen.rows[i].name, sizeof seen.rows[i].name, "host-%u", i);
		snprintf(seen.rows[i].url, sizeof seen.rows[i].url, "http://10.0.0.%u:8484", i + 1);
	}
	return seen;
}

static struct str check_name(unsigned number, char *text, size_t size)
{
	snprintf(text, size, "check-%u", number);
	return str_of(text);
}

/* ---- shares ---- */

TEST(each_server_gets_about_its_part_of_the_checks)
{
	struct store_nodes seen = nodes_of(4);
	unsigned counts[4] = { 0 };
	char name[32];
	for (unsigned i = 0; i < 4000; i++)
		counts[nodes_share(&seen, check_name(i, name, sizeof name))]++;
	for (unsigned i = 0; i < 4; i++)
		CHECK(counts[i] > 850 && counts[i] < 1150);
}

TEST(when_a_server_goes_only_its_checks_move)
{
	struct store_nodes all = nodes_of(4), fewer = nodes_of(4);
	char name[32];
	fewer.rows[2].silent = NODES_SILENT;
	for (unsigned i = 0; i < 1000; i++) {
		int before = nodes_share(&all, check_name(i, name, sizeof name));
		int after = nodes_share(&fewer, check_name(i, name, sizeof name));
		CHECK(after != 2);
		if (before != 2)
			CHECK_INT(after, before);
	}
}

TEST(a_server_that_nobody_can_reach_has_no_share)
{
	struct store_nodes seen = nodes_of(1);
	seen.rows[0].url[0] = '\0';
	CHECK_INT(nodes_share(&seen, STR("web")), -1);
	CHECK_INT(nodes_share(&(struct store_nodes){ .count = 0 }, STR("web")), -1);
}

/* ---- seals ---- */

static const unsigned char key[NODE_SEAL_KEY_BYTES] = "the key of the house, 32 bytes.";
static const struct node_seal claim = { .from = "host-1", .peer = "192.0.2.7", .local = false, .tls = true, .at = TIME_DAY };

static struct http_request request_of(struct http_field *field, const char *sealed)
{
	*field = (struct http_field){ STR(NODE_SEAL_FIELD), str_of(sealed) };
	return (struct http_request){ .method = STR("POST"), .target = STR("/api/v1/incidents?x=1"), .body = STR("{}"),
				      .headers = field, .header_count = 1 };
}

TEST(a_request_is_believed_when_its_seal_fits_it)
{
	struct http_field field;
	struct node_seal found;
	char text[NODE_SEAL_BYTES] = "";
	struct http_request request = request_of(&field, text);
	node_seal_make(key, &claim, request.method, request.target, request.body, text);
	request = request_of(&field, text);
	CHECK_INT(node_seal_read(key, &request, TIME_DAY + TIME_SECOND, &found), NODE_SEAL_GOOD);
	CHECK_TEXT(found.from, "host-1");
	CHECK_TEXT(found.peer, "192.0.2.7");
	CHECK(found.tls && !found.local);
	request.header_count = 0;
	CHECK_INT(node_seal_read(key, &request, TIME_DAY, &found), NODE_SEAL_NONE);
}

TEST(another_request_another_time_another_key_and_any_changed_byte_are_not_believed)
{
	static const unsigned char other[NODE_SEAL_KEY_BYTES] = "the key of another house, too.";
	struct http_field field;
	struct node_seal found;
	char text[NODE_SEAL_BYTES];
	node_seal_make(key, &claim, STR("POST"), STR("/api/v1/incidents?x=1"), STR("{}"), text);
	struct http_request good = request_of(&field, text), bad = good;
	bad.method = STR("PUT");
	CHECK_INT(node_seal_read(key, &bad, TIME_DAY, &found), NODE_SEAL_BAD);
	bad = good;
	bad.target = STR("/api/v1/incidents?x=2");
	CHECK_INT(node_seal_read(key, &bad, TIME_DAY, &found), NODE_SEAL_BAD);
	bad = good;
	bad.body = STR("{ }");
	CHECK_INT(node_seal_read(key, &bad, TIME_DAY, &found), NODE_SEAL_BAD);
	CHECK_INT(node_seal_read(other, &good, TIME_DAY, &found), NODE_SEAL_BAD);
	CHECK_INT(node_seal_read(key, &good, TIME_DAY + NODE_SEAL_AGE_MAX + 1, &found), NODE_SEAL_BAD);
	CHECK_INT(node_seal_read(key, &good, TIME_DAY - NODE_SEAL_AGE_MAX - 1, &found), NODE_SEAL_BAD);
	for (size_t i = 0; text[i] != '\0'; i++) {
		char was = text[i];
		text[i] = was == '1' ? '2' : '1';
		good = request_of(&field, text);
		CHECK_INT(node_seal_read(key, &good, TIME_DAY, &found), NODE_SEAL_BAD);
		text[i] = was;
	}
	for (size_t length = 0; length < strlen(text); length++) {
		struct http_field cut = { STR(NODE_SEAL_FIELD), { text, length } };
		good.headers = &cut;
		CHECK_INT(node_seal_read(key, &good, TIME_DAY, &found), NODE_SEAL_BAD);
	}
}

TEST(an_answer_is_believed_for_the_request_it_answers_only)
{
	char text[NODE_SEAL_BYTES];
	node_seal_answer(key, &claim, STR("asked this"), STR("{}"), text);
	CHECK(node_seal_answers(key, str_of(text), STR("asked this"), STR("{}"), TIME_DAY));
	CHECK(!node_seal_answers(key, str_of(text), STR("asked that"), STR("{}"), TIME_DAY));
	CHECK(!node_seal_answers(key, str_of(text), STR("asked this"), STR("{ }"), TIME_DAY));
	CHECK(!node_seal_answers(key, STR_NONE, STR("asked this"), STR("{}"), TIME_DAY));
}

/* ---- results ---- */

TEST(a_result_comes_back_as_it_went)
{
	struct arena arena;
	struct error err = { 0 };
	cleanup_buf struct buf text;
	struct check_result got, sent = {
		.good = true, .warned = true, .latency = 12500, .status = 200, .address = "192.0.2.1",
		.timings = { 1, 2, 3, 4, 12500 }, .certificated = true, .days_left = -3, .not_after = TIME_DAY,
		.subject = "CN=a", .issuer = "CN=\"b\"", .reason = "200 in 12 ms", .detail = "{\"dns\":{\"x\":1}}",
	};
	arena_init(&arena, 1u << 20);
	buf_init(&text, 1u << 16);
	node_result_write(&sent, &text);
	CHECK_OK(node_result_read(buf_str(&text), &arena, &got, &err));
	CHECK(got.good && got.warned && !got.blind && got.certificated);
	CHECK_INT(got.latency, 12500);
	CHECK_INT(got.status, 200);
	CHECK_INT(got.days_left, -3);
	CHECK_INT(got.not_after, TIME_DAY);
	CHECK_INT(got.timings.first_byte, 4);
	CHECK_TEXT(got.address, "192.0.2.1");
	CHECK_TEXT(got.issuer, "CN=\"b\"");
	CHECK_TEXT(got.reason, "200 in 12 ms");
	CHECK_TEXT(got.detail, "{\"dns\":{\"x\":1}}");
	arena_finish(&arena);
}

TEST(what_is_no_result_is_refused)
{
	static const char *const texts[] = { "", "null", "[]", "{}", "{\"good\":1,\"reason\":\"x\"}", "{\"good\":true}", "{\"good\":tr" };
	struct arena arena;
	struct error err = { 0 };
	struct check_result got;
	arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CHECK(node_result_read(str_of(texts[i]), &arena, &got, &err) != OK);
	arena_finish(&arena);
}

/* ---- addresses ---- */

TEST(an_address_is_shown_without_any_part_of_its_password)
{
	static const struct {
		const char *address, *shown;
	} rows[] = {
		{ "postgres://ann:secret@db.example.org:6432/house?sslmode=require", "postgres://ann@db.example.org:6432/house" },
		{ "postgres://ann@db/house", "postgres://ann@db/house" },
		{ "postgres://db/house", "postgres://db/house" },
		{ "postgres://db/house?user=ann&password=secret", "postgres://db/house" },
		{ "postgres://ann:se%40cret@db/house", "postgres://ann@db/house" },
		{ "postgres://ann:se@cret@db/house", "postgres://ann@db/house" },
		{ "postgres://ann:se/cret@db/house", "postgres://ann@db/house" },
		{ "postgres://ann:se?cret@db/house", "postgres://ann@..." },
		{ "postgres://ann:se@c/r?et@db/house", "postgres://ann@..." },
		{ "postgres://ann@db/house?password=se@cret", "postgres://ann@..." },
		{ "postgres://db/house?user=ann&password=se@cret", "postgres://db@..." },
		{ "postgres://ann@db/house?password=se@cret/with?all@signs", "postgres://ann@..." },
		{ "postgres://ann:se:cret@[::1]:5432/house", "postgres://ann@[::1]:5432/house" },
		{ "--store=postgres://ann:se@cret@db/house", "--store=postgres://ann@db/house" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char shown[300];
		settings_shown(rows[i].address, shown, sizeof shown);
		CHECK_TEXT(shown, rows[i].shown);
	}
}

TESTS(RUN(each_server_gets_about_its_part_of_the_checks), RUN(when_a_server_goes_only_its_checks_move),
      RUN(a_server_that_nobody_can_reach_has_no_share), RUN(a_request_is_believed_when_its_seal_fits_it),
      RUN(another_request_another_time_another_key_and_any_changed_byte_are_not_believed),
      RUN(an_answer_is_believed_for_the_request_it_answers_only), RUN(a_result_comes_back_as_it_went), RUN(what_is_no_result_is_refused),
      RUN(an_address_is_shown_without_any_part_of_its_password))
