/* test_wire_spec.c: field tables and the check that reads them. */
#include "base/arena.h"
#include "base/check.h"
#include "wire/doc_json.h"
#include "wire/doc_print.h"
#include "wire/doc_yaml.h"
#include "wire/spec.h"

#include <string.h>

static const char *const kinds[] = { "http", "tcp", "tls", NULL };
static const char *const units[] = { "hour", "day", "week", NULL };
static const struct spec_field email_item = { .name = "user", .type = SPEC_EMAIL };
static const struct spec_field text_item = { .name = "value", .type = SPEC_TEXT, .max = 20 };
static const struct spec_field expect_rows[] = {
	{ .name = "status", .type = SPEC_TEXT, .otherwise = "200-399", .about = "Good answers." },
	{ .name = "body", .type = SPEC_TEXT, .about = "Must be in the body." },
	{ .name = NULL },
};
static const struct spec_field step_rows[] = {
	{ .name = "delay", .type = SPEC_DURATION, .otherwise = "5m", .about = "Wait before." },
	{ .name = "users", .type = SPEC_LIST, .item = &email_item, .flags = SPEC_REQUIRED | SPEC_UNIQUE,
	  .min = 1, .max = 3, .about = "Who is told." },
	{ .name = "schedule", .type = SPEC_NAME, .refers = "Schedule", .about = "Who is on call." },
	{ .name = NULL },
};
static const struct spec_field step_item = { .name = "step", .type = SPEC_OBJECT,
					     .fields = step_rows };
static const struct spec_field cell_item = { .name = "cell", .type = SPEC_NAME };
static const struct spec_field row_item = { .name = "row", .type = SPEC_LIST, .item = &cell_item };
static const struct spec_field rows[] = {
	{ .name = "kind", .type = SPEC_CHOICE, .choices = kinds, .flags = SPEC_REQUIRED,
	  .about = "How it is asked." },
	{ .name = "url", .type = SPEC_URL, .flags = SPEC_REQUIRED, .only = "kind=http",
	  .about = "What is asked." },
	{ .name = "host", .type = SPEC_HOST, .flags = SPEC_REQUIRED, .only = "kind=tcp|tls",
	  .about = "Where." },
	{ .name = "port", .type = SPEC_PORT, .otherwise = "443", .only = "kind=tcp|tls",
	  .about = "Where, too." },
	{ .name = "interval", .type = SPEC_DURATION, .otherwise = "60s", .min = TIME_SECOND,
	  .max = TIME_DAY, .about = "Time between two runs." },
	{ .name = "timeout", .type = SPEC_DURATION, .otherwise = "5s", .about = "How long to wait." },
	{ .name = "fail_after", .type = SPEC_INT, .otherwise = "2", .min = 1, .max = 100,
	  .unit = "times", .about = "Failures in a row." },
	{ .name = "ratio", .type = SPEC_REAL, .otherwise = "0.5", .min = 0, .max = 1,
	  .about = "A share." },
	{ .name = "paused", .type = SPEC_BOOL, .otherwise = "false", .about = "Not now." },
	{ .name = "expect", .type = SPEC_OBJECT, .fields = expect_rows, .otherwise = "{}",
	  .about = "What is good." },
	{ .name = "steps", .type = SPEC_LIST, .item = &step_item, .about = "What follows." },
	{ .name = "cells", .type = SPEC_LIST, .item = &row_item, .about = "A matrix." },
	{ .name = "labels", .type = SPEC_MAP, .item = &text_item, .max = 5, .about = "Words." },
	{ .name = "zone", .type = SPEC_ZONE, .otherwise = "UTC", .about = "Where people are." },
	{ .name = "from", .type = SPEC_CLOCK, .otherwise = "09:00", .about = "When it begins." },
	{ .name = "until", .type = SPEC_CLOCK, .max = TIME_DAY, .about = "When it ends." },
	{ .name = "start", .type = SPEC_DATE, .about = "The first day." },
	{ .name = "at", .type = SPEC_TIME, .about = "The moment." },
	{ .name = "every", .type = SPEC_CHOICE, .choices = units, .otherwise = "week",
	  .about = "How often." },
	{ .name = "token", .type = SPEC_TEXT, .flags = SPEC_SECRET, .min = 8, .max = 64,
	  .about = "What only we know." },
	{ .name = "extra", .type = SPEC_ANY, .about = "For others." },
	{ .name = NULL },
};

static void shorter_than_interval(const struct doc_node *object, struct spec_errors *errors)
{
	time_us interval = 0, timeout = 0;
	CHECK(duration_parse(doc_text(doc_get(object, "interval"), ""), &interval));
	CHECK(duration_parse(doc_text(doc_get(object, "timeout"), ""), &timeout));
	if (timeout >= interval)
		spec_error(errors, doc_get(object, "timeout"), "timeout",
			   "the timeout must be shorter than the interval");
}

struct checked {
	struct arena arena;
	struct spec_errors errors;
	enum err result;
	const struct doc_node *full, *canonical;
	struct buf text;
};

static struct checked *check(const char *yaml)
{
	static struct checked checked;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&checked.arena, 0);
	buf_init(&checked.text, 1 << 16);
	CHECK_OK(doc_yaml_parse(str_of(yaml), &checked.arena, DOC_LIMITS_DEFAULT, "f.yaml", &root,
				&err));
	spec_errors_init(&checked.errors, &checked.arena, "f.yaml");
	checked.errors.subject = "Check \"web\"";
	checked.errors.base = "spec";
	checked.full = checked.canonical = NULL;
	checked.result = spec_check(rows, shorter_than_interval, root, &checked.arena,
				    &checked.errors, &checked.full, &checked.canonical);
	return &checked;
}

static void release(struct checked *checked)
{
	buf_finish(&checked->text);
	arena_finish(&checked->arena);
}

static void accepted(const char *yaml, const char *canonical)
{
	struct checked *checked = check(yaml);
	if (checked->result != OK)
		fail_msg("%s\nwas refused: " STR_FMT, yaml, STR_ARG(checked->errors.rows[0].text));
	CHECK_INT(checked->errors.count, 0);
	doc_print_json(checked->canonical, &checked->text);
	CHECK_STR(buf_str(&checked->text), canonical);
	release(checked);
}

/* Exactly this one mistake. */
static void refused(const char *yaml, const char *line)
{
	struct checked *checked = check(yaml);
	CHECK_INT(checked->result, ERR_INVALID);
	CHECK(checked->full == NULL);
	spec_error_print(&checked->errors.rows[0], &checked->text);
	if (checked->errors.count != 1 || !str_is(buf_str(&checked->text), line))
		fail_msg("%s\nwanted %s\nfound  " STR_FMT " (%zu)", yaml, line,
			 STR_ARG(buf_str(&checked->text)), checked->errors.count);
	release(checked);
}

#define HTTP "kind: http\nurl: https://x.example\n"

TEST(the_rows_are_sound)
{
	spec_rows_assert(rows);
}

TEST(the_canonical_form_has_the_order_of_the_rows_and_no_defaults)
{
	accepted("url: https://x.example/a?b#c\nkind: http\n",
		 "{\"kind\":\"http\",\"url\":\"https://x.example/a?b#c\"}");
	accepted(HTTP "interval: 1m\nfail_after: 2\npaused: false\nratio: 0.5\nexpect: {status: 200-399}\n",
		 "{\"kind\":\"http\",\"url\":\"https://x.example\"}");
	accepted(HTTP "interval: 120s\nratio: 1\nfail_after: 0x10\nexpect: {body: ok}\n",
		 "{\"kind\":\"http\",\"url\":\"https://x.example\",\"interval\":\"2m\",\"fail_after\":16,"
		 "\"ratio\":1.0,\"expect\":{\"body\":\"ok\"}}");
	accepted("kind: tls\nhost: 10.0.0.1\nport: 8443\nlabels: {b: x, a: y}\ncells: [[p1, p2], [p3]]\n"
		 "steps: [{users: [a@b.example], delay: 300s}]\nat: 2026-11-23T10:00:00+01:00\n"
		 "extra: {any: [1, null]}\ntoken:\n",
		 "{\"kind\":\"tls\",\"host\":\"10.0.0.1\",\"port\":8443,"
		 "\"steps\":[{\"users\":[\"a@b.example\"]}],\"cells\":[[\"p1\",\"p2\"],[\"p3\"]],"
		 "\"labels\":{\"b\":\"x\",\"a\":\"y\"},\"at\":\"2026-11-23T09:00:00Z\","
		 "\"extra\":{\"any\":[1,null]}}");
}

TEST(the_full_form_has_every_default_that_applies)
{
	struct checked *checked = check(HTTP "steps: [{users: [a@b.example]}]\n");
	CHECK_INT(checked->result, OK);
	CHECK_STR(doc_text(doc_get(checked->full, "interval"), ""), "1m");
	CHECK_INT(doc_int(doc_get(checked->full, "fail_after"), 0), 2);
	CHECK_STR(doc_text(doc_get(doc_get(checked->full, "expect"), "status"), ""), "200-399");
	CHECK(doc_get(checked->full, "port") == NULL); /* not for http */
	CHECK(doc_get(checked->full, "start") == NULL); /* no default */
	const struct doc_node *step = doc_at(doc_get(checked->full, "steps"), 0);
	CHECK_STR(doc_text(doc_get(step, "delay"), ""), "5m");
	CHECK_INT(step->line, 3);
	release(checked);
}

TEST(a_canonical_form_checked_again_is_the_same)
{
	struct checked *checked = check("kind: tcp\nhost: x\ninterval: 90s\nlabels: {a: b}\nuntil: 24:00\n");
	struct spec_errors errors;
	const struct doc_node *again = NULL;
	spec_errors_init(&errors, &checked->arena, NULL);
	CHECK_INT(checked->result, OK);
	CHECK_INT(spec_check(rows, NULL, checked->canonical, &checked->arena, &errors, NULL, &again),
		  OK);
	CHECK(doc_equal(again, checked->canonical));
	release(checked);
}

TEST(an_unknown_key_is_refused_with_what_was_likely_meant)
{
	refused(HTTP "  \nintervall: 30s\n",
		"f.yaml:4:1: unknown key \"intervall\" in Check \"web\"; did you mean \"interval\"?");
	refused(HTTP "expect:\n  statsu: \"200\"\n", "f.yaml:4:3: unknown key \"statsu\" in \"expect\" of "
						    "Check \"web\"; did you mean \"status\"?");
	refused(HTTP "quite_other: 1\n", "f.yaml:3:1: unknown key \"quite_other\" in Check \"web\"");
}

TEST(each_wrong_value_gets_one_sentence_that_says_what_to_write)
{
	static const struct {
		const char *line, *sentence;
	} wrong[] = {
		{ "interval: 30", "f.yaml:3:11: \"interval\" of Check \"web\" must be a duration like "
				  "\"30s\" or \"1h30m\", not a whole number; put it in quotes" },
		{ "interval: soon", "f.yaml:3:11: \"interval\" of Check \"web\" must be a duration like "
				    "\"30s\" or \"1h30m\", not \"soon\"" },
		{ "interval: 2d",
		  "f.yaml:3:11: \"interval\" of Check \"web\" must be from 1s to 1d" },
		{ "fail_after: 0",
		  "f.yaml:3:13: \"fail_after\" of Check \"web\" must be from 1 to 100 times" },
		{ "fail_after: 2.0",
		  "f.yaml:3:13: \"fail_after\" of Check \"web\" must be a whole number, not a number" },
		{ "ratio: 1.5", "f.yaml:3:8: \"ratio\" of Check \"web\" must be from 0 to 1" },
		{ "paused: yes", "f.yaml:3:9: \"paused\" of Check \"web\" must be true or false, not text" },
		{ "expect: []", "f.yaml:3:9: \"expect\" of Check \"web\" must be a map of keys and "
				"values, not a list" },
		{ "steps: {}", "f.yaml:3:8: \"steps\" of Check \"web\" must be a list, not a map" },
		{ "steps: [{users: []}]",
		  "f.yaml:3:17: \"steps[0].users\" of Check \"web\" must not be empty" },
		{ "steps: [{users: [a@b.c, a@b.c]}]", "f.yaml:3:25: \"steps[0].users\" of Check \"web\" "
						    "has the same item twice" },
		{ "steps: [{users: [a@b.c, nobody]}]",
		  "f.yaml:3:25: \"steps[0].users[1]\" of Check \"web\" must be an e-mail address, not "
		  "\"nobody\"" },
		{ "steps: [{}]", "f.yaml:3:9: \"users\" is missing in \"steps[0]\" of Check \"web\"" },
		{ "labels: {a: 1}", "f.yaml:3:13: \"labels.a\" of Check \"web\" must be text, not a whole "
				    "number; put it in quotes" },
		{ "labels: {a: b, c: d, e: f, g: h, i: j, k: l}",
		  "f.yaml:3:9: \"labels\" of Check \"web\" may have at most 5 keys, not 6" },
		{ "zone: ../etc/passwd",
		  "f.yaml:3:7: \"zone\" of Check \"web\" must be a time zone like \"Europe/Zurich\" or "
		  "\"UTC\"; \"../etc/passwd\" is not known" },
		{ "from: 24:00", "f.yaml:3:7: \"from\" of Check \"web\" must be a time of day like "
				 "\"09:00\", not \"24:00\"" },
		{ "start: 2026-02-29", "f.yaml:3:8: \"start\" of Check \"web\" must be a date like "
				       "\"2026-11-23\", not \"2026-02-29\"" },
		{ "at: now", "f.yaml:3:5: \"at\" of Check \"web\" must be a time like "
			     "\"2026-11-23T09:00:00Z\", not \"now\"" },
		{ "every: weak", "f.yaml:3:8: \"every\" of Check \"web\" is \"weak\"; did you mean "
				 "\"week\"? It can be hour, day, week" },
		{ "every: never",
		  "f.yaml:3:8: \"every\" of Check \"web\" is \"never\"; it can be hour, day, week" },
		{ "token: short", "f.yaml:3:8: \"token\" of Check \"web\" must have at least 8 bytes" },
		{ "port: 80",
		  "f.yaml:3:7: \"port\" of Check \"web\" is only for kind tcp|tls, and here it is "
		  "\"http\"" },
		{ "timeout: 2m",
		  "f.yaml:3:10: Check \"web\": the timeout must be shorter than the interval" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		cleanup_buf struct buf text;
		buf_init(&text, 1 << 12);
		buf_printf(&text, HTTP "%s\n", wrong[i].line);
		refused(text.bytes, wrong[i].sentence);
	}
	refused("kind: tcp\nhost: x\nport: 0\n",
		"f.yaml:3:7: \"port\" of Check \"web\" must be from 1 to 65535");
	refused("kind: http\n", "f.yaml:1:1: \"url\" is missing in Check \"web\"");
}

static bool fits(enum spec_type type, const char *text)
{
	cleanup_arena struct arena arena;
	struct spec_errors errors;
	arena_init(&arena, 0);
	spec_errors_init(&errors, &arena, NULL);
	struct spec_field one[] = { { .name = "x", .type = type }, { .name = NULL } };
	struct doc_entry entry = { .key = STR("x"),
				   .value = { .kind = DOC_TEXT, .text = str_of(text) } };
	struct doc_node object = { .kind = DOC_MAP, .count = 1, .map.entries = &entry };
	return spec_check(one, NULL, &object, &arena, &errors, NULL, NULL) == OK;
}

TEST(hosts_addresses_and_times_are_told_from_what_looks_like_them)
{
	static const struct {
		enum spec_type type;
		const char *good, *bad; /* separated by blanks */
	} cases[] = {
		{ SPEC_HOST, "a example.org x-1.b_c.de 127.0.0.1 ::1 fe80::1 example.org. 3com.com a.b.1c",
		  "-a a- a..b .a 256.1.1.1 1.2.3 a:80 [::1] a/b \xC3\xA9.de" },
		{ SPEC_URL,
		  "http://a https://a:8443/x?y=[1] http://[::1]:80/ http://127.0.0.1 https://a#b",
		  "a http:a http:/a http:///x ftp://a http://a:0 http://a:99999 http://u:p@a http://[a] "
		  "http://::1 http://a:x https:// http://\xC3\xA9.de" },
		{ SPEC_EMAIL, "a@b a.b+c@d.example",
		  "a @b a@ a@b@c a@-b .a@b a.@b \"a\"@b a@b,c@d <a@b>" },
		{ SPEC_DATE, "2026-11-23 2024-02-29 0001-01-01",
		  "2023-02-29 2026-13-01 2026-00-10 2026-1-1 26-11-23 2026-11-31 0000-01-01 +026-01-01" },
		{ SPEC_CLOCK, "00:00 23:59 23:59:59", "24:00 9:00 12:60 12:00:60 -1:00 1200 12:0a" },
		{ SPEC_ZONE, "UTC Europe/Zurich America/Argentina/Buenos_Aires Etc/GMT+1",
		  "/etc Europe//Zurich Europe/ .. a.b Z\xC3\xBCrich" },
		{ SPEC_NAME, "a web-1 a.b_c", "A -a a- a/b \xC3\xA9" },
		{ SPEC_TIME, "2026-11-23T09:00:00Z 2026-11-23T09:00:00.5+01:00", "2026-11-23 09:00 now" },
		{ SPEC_DURATION, "0 0s 1h30m 250ms 1w", "30 -1s 1s1h 1.5h s" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cleanup_arena struct arena arena;
		arena_init(&arena, 0);
		struct str rest = str_of(cases[i].good), word;
		while (rest.len > 0) {
			str_cut(rest, ' ', &word, &rest);
			if (!fits(cases[i].type, arena_cstr(&arena, word)))
				fail_msg("wanted \"" STR_FMT "\" to be a %s", STR_ARG(word),
					 spec_type_name(cases[i].type));
		}
		rest = str_of(cases[i].bad);
		while (rest.len > 0) {
			str_cut(rest, ' ', &word, &rest);
			if (fits(cases[i].type, arena_cstr(&arena, word)))
				fail_msg("wanted \"" STR_FMT "\" not to be a %s", STR_ARG(word),
					 spec_type_name(cases[i].type));
		}
		CHECK(!fits(cases[i].type, ""));
		CHECK(!fits(cases[i].type, "a b"));
		CHECK(!fits(cases[i].type, "a\nb"));
	}
	CHECK(fits(SPEC_TEXT, "two\nlines\tand \xC3\xA9"));
	CHECK(!fits(SPEC_TEXT, "a\x1B[31m"));
}

TEST(all_mistakes_are_told_up_to_a_limit)
{
	cleanup_buf struct buf text;
	struct error err = { 0 };
	buf_init(&text, 1 << 12);
	buf_adds(&text, "kind: http\nport: 80\ninterval: 1\nunknwon: 1\n");
	struct checked *checked = check(text.bytes);
	CHECK_INT(checked->errors.count, 4);
	CHECK_INT(spec_errors_result(&checked->errors, &err), ERR_INVALID);
	CHECK_TEXT(err.text, "f.yaml:4:1: unknown key \"unknwon\" in Check \"web\"; and 3 more");
	CHECK_TEXT(err.field, "spec.unknwon");
	CHECK_STR(checked->errors.rows[1].path, "spec.url");
	CHECK_STR(checked->errors.rows[3].path, "spec.interval");
	release(checked);
	buf_reset(&text);
	buf_adds(&text, HTTP);
	for (int i = 0; i < 30; i++)
		buf_printf(&text, "none_such_%d: 1\n", i);
	checked = check(text.bytes);
	CHECK_INT(checked->errors.count, SPEC_ERRORS_MAX);
	CHECK_INT(checked->errors.dropped, 10);
	release(checked);
}

TEST(a_request_body_is_told_its_fields_without_places_of_files)
{
	cleanup_arena struct arena arena;
	struct spec_errors errors;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	CHECK_OK(doc_json_parse(STR("{\"kind\":\"http\",\"url\":\"https://a\",\"paused\":1}"), &arena,
				DOC_LIMITS_DEFAULT, NULL, &root, &err));
	spec_errors_init(&errors, &arena, NULL);
	CHECK_INT(spec_check(rows, NULL, root, &arena, &errors, NULL, NULL), ERR_INVALID);
	CHECK_INT(spec_errors_result(&errors, &err), ERR_INVALID);
	CHECK_TEXT(err.text, "\"paused\" of the request must be true or false, not a whole number");
	CHECK_TEXT(err.field, "paused");
	spec_errors_init(&errors, &arena, NULL);
	CHECK_INT(spec_check(rows, NULL, NULL, &arena, &errors, NULL, NULL), ERR_INVALID);
	CHECK_STR(errors.rows[0].text, "\"kind\" is missing in the request; it can be http, tcp, tls");
}

TEST(a_document_that_would_fill_the_arena_is_refused_not_fatal)
{
	cleanup_buf struct buf text;
	cleanup_arena struct arena arena;
	struct spec_errors errors;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 800 << 10);
	buf_init(&text, 1 << 20);
	buf_adds(&text, HTTP "steps:\n");
	for (int i = 0; i < 900; i++) /* each gets its defaults */
		buf_adds(&text, "  - {users: [a@b]}\n");
	CHECK_OK(doc_yaml_parse(buf_str(&text), &arena, DOC_LIMITS_DEFAULT, "f", &root, &err));
	spec_errors_init(&errors, &arena, "f");
	CHECK_INT(spec_check(rows, NULL, root, &arena, &errors, NULL, NULL), ERR_INVALID);
	CHECK(strstr(errors.rows[0].text.ptr, "too large to be checked") != NULL);
	/* nor do sentences nobody will read fill it */
	buf_reset(&text);
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "k%d: 1\n", i);
	arena_finish(&arena);
	arena_init(&arena, 4 << 20);
	CHECK_OK(doc_yaml_parse(buf_str(&text), &arena, DOC_LIMITS_DEFAULT, "f", &root, &err));
	size_t before = arena_room(&arena);
	spec_errors_init(&errors, &arena, "f");
	CHECK_INT(spec_check(rows, NULL, root, &arena, &errors, NULL, NULL), ERR_INVALID);
	CHECK_INT(errors.count + errors.dropped, 10001);
	CHECK(before - arena_room(&arena) < 64 << 10);
}

static void see_reference(void *context, const char *kind, const struct doc_node *name,
			  struct str path)
{
	buf_printf(context, "%s %s at " STR_FMT " in line %u\n", kind, name->text.ptr,
		   STR_ARG(path), name->line);
}

TEST(references_and_secrets_are_found_by_the_rows)
{
	struct checked *checked = check(HTTP "token: very-secret\nsteps:\n  - users: [a@b]\n"
					     "  - {users: [a@b], schedule: night}\n");
	CHECK_INT(checked->result, OK);
	spec_references(rows, checked->full, &checked->arena, see_reference, &checked->text);
	CHECK_STR(buf_str(&checked->text), "Schedule night at steps[1].schedule in line 6\n");
	buf_reset(&checked->text);
	doc_print_json(spec_mask(rows, checked->canonical, &checked->arena), &checked->text);
	CHECK(strstr(checked->text.bytes, "very-secret") == NULL);
	CHECK(strstr(checked->text.bytes, "\"token\":\"(secret)\"") != NULL);
	CHECK(strstr(checked->text.bytes, "night") != NULL);
	release(checked);
}

TEST(a_secret_is_not_repeated_in_a_complaint)
{
	static const char *const words[] = { "one", NULL };
	static const struct spec_field secret[] = {
		{ .name = "a", .type = SPEC_EMAIL, .flags = SPEC_SECRET, .about = "X." },
		{ .name = "b", .type = SPEC_CHOICE, .choices = words, .flags = SPEC_SECRET, .about = "X." },
		{ .name = "c", .type = SPEC_ZONE, .flags = SPEC_SECRET, .about = "X." },
		{ .name = NULL },
	};
	cleanup_arena struct arena arena;
	struct spec_errors errors;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	arena_init(&arena, 0);
	CHECK_OK(doc_json_parse(STR("{\"a\":\"s3cret\",\"b\":\"s3cret\",\"c\":\"s3 cret\"}"), &arena,
				DOC_LIMITS_DEFAULT, NULL, &root, &err));
	spec_errors_init(&errors, &arena, NULL);
	CHECK_INT(spec_check(secret, NULL, root, &arena, &errors, NULL, NULL), ERR_INVALID);
	CHECK_INT(errors.count, 3);
	for (size_t i = 0; i < errors.count; i++)
		CHECK(strstr(errors.rows[i].text.ptr, "cret\"") == NULL);
}

TEST(a_kind_describes_itself_for_programs_and_people)
{
	cleanup_buf struct buf buf;
	cleanup_arena struct arena arena;
	struct error err = { 0 };
	const struct doc_node *root = NULL;
	buf_init(&buf, 1 << 16);
	arena_init(&arena, 0);
	struct json_writer json;
	json_init(&json, &buf);
	spec_describe(rows, &json);
	json_finish(&json);
	CHECK_OK(doc_json_parse(buf_str(&buf), &arena, DOC_LIMITS_DEFAULT, NULL, &root, &err));
	CHECK_INT(doc_count(root), 21);
	const struct doc_node *interval = doc_at(root, 4);
	CHECK_STR(doc_text(doc_get(interval, "type"), ""), "duration");
	CHECK_STR(doc_text(doc_get(interval, "default"), ""), "60s");
	CHECK_STR(doc_text(doc_get(interval, "max"), ""), "1d");
	CHECK_STR(doc_text(doc_get(doc_at(root, 2), "about"), ""), "Where.");
	CHECK_STR(doc_text(doc_at(doc_get(doc_get(doc_at(root, 2), "only"), "is"), 1), ""), "tls");
	buf_reset(&buf);
	spec_explain(rows, &buf);
	CHECK(strstr(buf.bytes, "interval (duration, 1s to 1d, default 60s)\n"
				"    Time between two runs.\n") != NULL);
	CHECK(strstr(buf.bytes, "steps (list of object)\n    What follows.\n  delay (duration, default 5m)\n"
				"      Wait before.\n  users (list of email, 1 to 3 items, required)\n") !=
	      NULL);
}

TESTS(RUN(the_rows_are_sound), RUN(the_canonical_form_has_the_order_of_the_rows_and_no_defaults),
      RUN(the_full_form_has_every_default_that_applies),
      RUN(a_canonical_form_checked_again_is_the_same),
      RUN(an_unknown_key_is_refused_with_what_was_likely_meant),
      RUN(each_wrong_value_gets_one_sentence_that_says_what_to_write),
      RUN(hosts_addresses_and_times_are_told_from_what_looks_like_them),
      RUN(all_mistakes_are_told_up_to_a_limit),
      RUN(a_request_body_is_told_its_fields_without_places_of_files),
      RUN(a_document_that_would_fill_the_arena_is_refused_not_fatal),
      RUN(references_and_secrets_are_found_by_the_rows),
      RUN(a_secret_is_not_repeated_in_a_complaint),
      RUN(a_kind_describes_itself_for_programs_and_people))
