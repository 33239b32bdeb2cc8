/* test_api_defs.c: definitions, checks, services and discovery, called as over HTTP. */
#include "api/api_defs.h"
#include "api/test_api_world.h"

#include "monitor/monitor_discovery.h"

#define V "/api/v1"

static const struct api_person *manager, *viewer;

/* ---- a sense that says what it is told ---- */

static struct {
	struct check_result result; /* of probe, run, last */
	bool silent;                /* no results yet */
	struct check_spec probed;   /* only the plain fields may be looked at */
	time_us next_at;
} said;

static enum err say_probe(void *context, struct check_spec *spec, struct check_result *ret_result,
			  struct error *err)
{
	(void)context, (void)err;
	said.probed = *spec;
	monitor_spec_finish(spec);
	*ret_result = said.result;
	return OK;
}

static enum err say_run(void *context, struct str name, struct check_result *ret_result,
			struct error *err)
{
	(void)context, (void)name, (void)err;
	*ret_result = said.result;
	return OK;
}

static size_t say_results(void *context, struct str name, struct check_result *ret_results, size_t max)
{
	(void)context, (void)name;
	if (said.silent || max == 0)
		return 0;
	ret_results[0] = said.result;
	return 1;
}

static bool say_last(void *context, struct str name, struct check_result *ret_result)
{
	(void)context, (void)name;
	if (!said.silent)
		*ret_result = said.result;
	return !said.silent;
}

static enum err say_discover(void *context, time_us age_max, struct discovery *ret_discovery,
			     struct error *err)
{
	(void)context, (void)age_max, (void)err;
	*ret_discovery = (struct discovery){ .count = 3 };
	struct discovered *items = ret_discovery->items;
	items[0] = (struct discovered){ .port = 8080, .pid = 12, .process = "nginx",
					.command = "nginx: master", .protocol = DISCOVERY_HTTP,
					.status = 200 };
	items[0].known = discovery_known("nginx");
	items[1] = (struct discovered){ .port = 9999, .protocol = DISCOVERY_TCP };
	CHECK(address_parse(STR("127.0.0.1"), &items[1].address));
	items[2] = (struct discovered){ .port = 5432, .pid = 40, .process = "postgres",
					.command = "postgres", .protocol = DISCOVERY_TCP };
	CHECK(address_parse(STR("127.0.0.1"), &items[2].address));
	items[2].known = discovery_known("postgres");
	return OK;
}

static time_us say_next_at(void *context, struct str name)
{
	(void)context, (void)name;
	return said.next_at;
}

static const struct api_sense sense = {
	.probe = say_probe, .run = say_run, .results = say_results, .last = say_last,
	.discover = say_discover, .next_at = say_next_at,
};

static void begin(struct api_world *w, const char *name)
{
	static struct api_person people[2];
	api_world_open(w, name, &(struct api_options){ .sense = &sense });
	people[0] = api_world_person(w, "ann@example.com", "Ann", ROLE_ADMIN);
	people[1] = api_world_person(w, "vic@example.com", "Vic", ROLE_VIEWER);
	manager = &people[0];
	viewer = &people[1];
	memset(&said, 0, sizeof said);
	said.result = (struct check_result){ .wall = clock_wall(&w->clock) - TIME_SECOND, .good = true,
					     .latency = 12500, .status = 200, .reason = "200 in 12 ms" };
}

static struct api_result ask(struct api_world *w, const char *method, const char *target,
			     const char *body)
{
	return api_call(w, manager, method, target, body);
}

static struct api_result ask_matching(struct api_world *w, const char *method, const char *target,
				      const char *body, const char *revision)
{
	const char *headers[] = { "If-Match", revision, NULL };
	return api_call_with(w, manager, method, target, body, headers);
}

static void check_keys(const struct doc_node *map, const char *keys)
{
	struct str rest = str_of(keys), key;
	size_t count = 0;
	while (rest.len > 0) {
		str_cut(rest, ' ', &key, &rest);
		if (doc_find(map, key) == NULL)
			fail_msg("wanted the key \"" STR_FMT "\"", STR_ARG(key));
		count++;
	}
	CHECK_INT(doc_count(map), count);
}

#define HTTP(url) "{\"spec\":{\"kind\":\"http\",\"url\":\"" url "\"}}"

/* ---- kinds ---- */

TEST(every_kind_is_sound_and_told_as_the_contract_says)
{
	struct api_world w;
	begin(&w, "kinds");
	resource_kinds_assert(api_kinds, NULL);
	struct api_result got = ask(&w, "GET", V "/kinds", NULL);
	CHECK_STATUS(got, 200);
	CHECK_INT(doc_count(api_at(&got, "items")), 11);
	CHECK_STR(api_text(&got, "items/1/kind"), "Check");
	const struct doc_node *fields = api_at(&got, "items/1/fields");
	bool seen = false;
	for (size_t i = 0; i < doc_count(fields); i++) {
		const struct doc_node *field = doc_at(fields, i);
		if (!str_is(doc_text(doc_get(field, "name"), ""), "interval"))
			continue;
		seen = true;
		CHECK_STR(doc_text(doc_get(field, "type"), ""), "duration");
		CHECK_STR(doc_text(doc_get(field, "default"), ""), "30s");
		CHECK_STR(doc_text(doc_get(field, "min"), ""), "1s");
		CHECK_STR(doc_text(doc_get(field, "max"), ""), "1d");
	}
	CHECK(seen);
	api_world_close(&w);
}

/* ---- one definition ---- */

TEST(a_definition_is_made_changed_and_refused_when_somebody_was_faster)
{
	struct api_world w;
	begin(&w, "put");
	struct api_result got = ask(&w, "PUT", V "/definitions/Check/web", HTTP("http://localhost/"));
	CHECK_STATUS(got, 201);
	CHECK_STR(api_header_of(&got, "ETag"), "\"1\"");
	check_keys(got.doc, "apiVersion kind metadata spec");
	check_keys(api_at(&got, "metadata"), "name manager revision updated_at updated_by");
	CHECK_STR(api_text(&got, "metadata/updated_by/name"), "Ann");
	got = ask_matching(&w, "PUT", V "/definitions/Check/web", HTTP("http://localhost/b"), "\"1\"");
	CHECK_STATUS(got, 200);
	CHECK_INT(api_int(&got, "metadata/revision"), 2);
	got = ask_matching(&w, "PUT", V "/definitions/Check/web", HTTP("http://localhost/c"), "\"1\"");
	CHECK_STATUS(got, 412);
	got = ask_matching(&w, "DELETE", V "/definitions/Check/web", NULL, "\"1\"");
	CHECK_STATUS(got, 412);
	got = ask(&w, "GET", V "/definitions/Check/web", NULL);
	CHECK_STR(api_text(&got, "spec/url"), "http://localhost/b");
	CHECK_STR(api_header_of(&got, "ETag"), "\"2\"");
	api_world_close(&w);
}

TEST(what_a_spec_may_not_say_is_refused_with_its_place)
{
	struct api_world w;
	begin(&w, "refuse");
	struct api_result got = ask(&w, "PUT", V "/definitions/Check/web",
				    "{\"spec\":{\"kind\":\"http\",\"url\":\"http://x/\",\"intervall\":\"5s\"}}");
	CHECK_STATUS(got, 400);
	CHECK(api_says(api_text(&got, "detail"), "did you mean \"interval\""));
	CHECK(api_says(api_text(&got, "errors/0/field"), "spec"));
	got = ask(&w, "PUT", V "/definitions/Check/web",
		  "{\"spec\":{\"kind\":\"http\",\"url\":\"http://x/\",\"service\":\"shop\"}}");
	CHECK_STATUS(got, 400);
	CHECK(api_says(api_text(&got, "detail"), "Service \"shop\", which does not exist"));
	CHECK_STR(api_text(&got, "errors/0/field"), "spec.service");
	got = ask(&w, "PUT", V "/definitions/Check/Not a name", HTTP("http://x/"));
	CHECK_STATUS(got, 400);
	got = ask(&w, "PUT", V "/definitions/Chek/web", HTTP("http://x/"));
	CHECK_STATUS(got, 404);
	got = ask(&w, "PUT", V "/definitions/Schedule/main",
		  "{\"spec\":{\"time_zone\":\"Europe/Atlantis\",\"layers\":[{\"start\":\"2026-03-02\","
		  "\"users\":[\"ann@example.com\"]}]}}");
	CHECK_STATUS(got, 400);
	got = api_call(&w, viewer, "PUT", V "/definitions/Check/web", HTTP("http://x/"));
	CHECK_STATUS(got, 403);
	got = ask(&w, "GET", V "/definitions/Check/web", NULL);
	CHECK_STATUS(got, 404);
	api_world_close(&w);
}

TEST(a_chain_of_services_may_not_lead_back)
{
	struct api_world w;
	begin(&w, "circle");
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Service/a", "{\"spec\":{}}"), 201);
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Service/b", "{\"spec\":{\"depends_on\":[\"a\"]}}"), 201);
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Service/c", "{\"spec\":{\"depends_on\":[\"b\"]}}"), 201);
	struct api_result got =
		ask(&w, "PUT", V "/definitions/Service/a", "{\"spec\":{\"depends_on\":[\"c\"]}}");
	CHECK_STATUS(got, 400);
	CHECK(api_says(api_text(&got, "detail"), "circle"));
	got = ask(&w, "PUT", V "/definitions/Service/d", "{\"spec\":{\"depends_on\":[\"d\"]}}");
	CHECK_STATUS(got, 400);
	api_world_close(&w);
}

TEST(what_others_use_is_not_deleted)
{
	struct api_world w;
	begin(&w, "delete");
	int64_t before;
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Service/shop", "{\"spec\":{}}"), 201);
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Check/web",
			 "{\"spec\":{\"kind\":\"http\",\"url\":\"http://x/\",\"service\":\"shop\"}}"),
		     201);
	struct api_result got = ask(&w, "DELETE", V "/definitions/Service/shop", NULL);
	CHECK_STATUS(got, 409);
	CHECK_STR(api_text(&got, "detail"), "Service \"shop\" is used by Check \"web\"");
	before = world_last_seq(w.world);
	CHECK_STATUS(ask(&w, "DELETE", V "/definitions/Check/web", NULL), 204);
	CHECK_STATUS(ask(&w, "DELETE", V "/definitions/Service/shop", NULL), 204);
	CHECK_STATUS(ask(&w, "GET", V "/definitions/Service/shop", NULL), 404);
	CHECK_STATUS(ask(&w, "DELETE", V "/definitions/Service/shop", NULL), 404);
	char target[100];
	snprintf(target, sizeof target, V "/definitions/Check/web?as_of=%lld", (long long)before);
	got = ask(&w, "GET", target, NULL);
	CHECK_STATUS(got, 200);
	CHECK_STR(api_text(&got, "spec/service"), "shop");
	api_world_close(&w);
}

TEST(definitions_are_listed_by_page_and_found_by_words)
{
	struct api_world w;
	char name[16];
	begin(&w, "list");
	for (int i = 0; i < 230; i++) {
		snprintf(name, sizeof name, "s%03d", i);
		api_world_define(&w, "Service", name,
				 i == 228 ? "{\"display\":\"The Web Shop\"}" : "{}");
	}
	struct api_result got = ask(&w, "GET", V "/definitions/Service?limit=200", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 200);
	CHECK_STR(api_text(&got, "next"), "s199");
	got = ask(&w, "GET", V "/definitions/Service?limit=200&cursor=s199", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 30);
	CHECK(doc_is(api_at(&got, "next"), DOC_NULL));
	got = ask(&w, "GET", V "/definitions/Service?q=shop+web", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STR(api_text(&got, "items/0/metadata/name"), "s228");
	api_world_close(&w);
}

/* ---- files ---- */

#define FILE_A                                                                             \
	"apiVersion: mainstay/v1\\nkind: Service\\nmetadata: {name: shop}\\nspec: {tier: 1}\\n" \
	"---\\napiVersion: mainstay/v1\\nkind: Check\\nmetadata: {name: web}\\n"             \
	"spec: {kind: http, url: 'http://localhost/', service: shop}\\n"
#define APPLY(more, text) \
	"{\"set\":\"prod\"" more ",\"files\":[{\"name\":\"a.yaml\",\"text\":\"" text "\"}]}"

TEST(files_are_planned_carried_out_and_then_unchanged)
{
	struct api_world w;
	begin(&w, "apply");
	struct api_result got = ask(&w, "POST", V "/apply", APPLY(",\"dry_run\":true", FILE_A));
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "applied changes errors");
	CHECK(!doc_bool(api_at(&got, "applied"), true));
	CHECK_STR(api_text(&got, "changes/0/action"), "create");
	CHECK_STATUS(ask(&w, "GET", V "/definitions/Check/web", NULL), 404);
	int64_t before = world_last_seq(w.world);
	got = ask(&w, "POST", V "/apply", APPLY("", FILE_A));
	CHECK(doc_bool(api_at(&got, "applied"), false));
	CHECK_INT(doc_count(api_at(&got, "changes")), 2);
	CHECK_STR(api_text(&got, "changes/1/file"), "a.yaml");
	CHECK_INT(api_int(&got, "changes/1/line"), 6);
	CHECK_INT(world_last_seq(w.world), before + 2);
	got = ask(&w, "POST", V "/apply", APPLY("", FILE_A));
	CHECK_STR(api_text(&got, "changes/0/action"), "unchanged");
	CHECK_INT(world_last_seq(w.world), before + 2);
	got = ask(&w, "GET", V "/definitions/Check/web", NULL);
	CHECK_STR(api_text(&got, "metadata/manager"), "prod");
	api_world_close(&w);
}

TEST(what_people_changed_is_refused_until_it_is_taken)
{
	struct api_world w;
	begin(&w, "take");
	CHECK_STATUS(ask(&w, "POST", V "/apply", APPLY("", FILE_A)), 200);
	CHECK_STATUS(ask(&w, "PUT", V "/definitions/Service/shop", "{\"spec\":{\"tier\":2}}"), 200);
	struct api_result got = ask(&w, "POST", V "/apply", APPLY("", FILE_A));
	CHECK(!doc_bool(api_at(&got, "applied"), true));
	CHECK_STR(api_text(&got, "changes/0/action"), "refused");
	CHECK(api_says(api_text(&got, "changes/0/reason"), "people manage it"));
	got = ask(&w, "POST", V "/apply", APPLY(",\"take\":true", FILE_A));
	CHECK(doc_bool(api_at(&got, "applied"), false));
	CHECK(api_says(api_text(&got, "changes/0/diff"), "+tier: 1"));
	got = ask(&w, "POST", V "/apply", "{\"set\":\"prod\",\"files\":[],\"prune\":true}");
	CHECK(doc_bool(api_at(&got, "applied"), false));
	CHECK_STR(api_text(&got, "changes/1/action"), "delete");
	CHECK(doc_is(api_at(&got, "changes/1/file"), DOC_NULL));
	CHECK_STATUS(ask(&w, "GET", V "/definitions/Check/web", NULL), 404);
	api_world_close(&w);
}

TEST(mistakes_in_files_are_told_with_file_line_and_column)
{
	struct api_world w;
	begin(&w, "errors");
	struct api_result got =
		ask(&w, "POST", V "/apply",
		    APPLY("", "apiVersion: mainstay/v1\\nkind: Check\\nmetadata: {name: web}\\nspec:\\n"
			      "  kind: http\\n  url: http://x/\\n  intervall: 5s\\n"));
	CHECK_STATUS(got, 200);
	CHECK(!doc_bool(api_at(&got, "applied"), true));
	CHECK_INT(doc_count(api_at(&got, "changes")), 0);
	CHECK_STR(api_text(&got, "errors/0/file"), "a.yaml");
	CHECK_INT(api_int(&got, "errors/0/line"), 7);
	CHECK_INT(api_int(&got, "errors/0/column"), 3);
	CHECK(api_says(api_text(&got, "errors/0/text"), "did you mean \"interval\""));
	/* References are looked at after the plan, in the same list. */
	got = ask(&w, "POST", V "/apply",
		  APPLY("", "apiVersion: mainstay/v1\\nkind: Service\\nmetadata: {name: a}\\n"
			    "spec: {team: nobody}\\n"));
	CHECK(api_says(api_text(&got, "errors/0/text"), "there is no Team \\\"nobody\\\"") ||
	      api_says(api_text(&got, "errors/0/text"), "there is no Team \"nobody\""));
	CHECK_STATUS(ask(&w, "POST", V "/apply", "{\"set\":\"people\",\"files\":[]}"), 400);
	CHECK_STATUS(ask(&w, "GET", V "/definitions/Check/web", NULL), 404);
	api_world_close(&w);
}

TEST(an_export_is_applied_again_without_a_change)
{
	struct api_world w;
	begin(&w, "export");
	CHECK_STATUS(ask(&w, "POST", V "/apply", APPLY("", FILE_A)), 200);
	struct api_result got = ask(&w, "GET", V "/export", NULL);
	CHECK_STATUS(got, 200);
	CHECK(str_starts(got.type, STR("application/yaml")));
	cleanup_buf struct buf body;
	buf_init(&body, 1 << 20);
	buf_adds(&body, "{\"set\":\"prod\",\"files\":[{\"name\":\"export.yaml\",\"text\":");
	json_quote(&body, got.body);
	buf_adds(&body, "}]}");
	got = ask(&w, "POST", V "/apply", body.bytes);
	CHECK_INT(doc_count(api_at(&got, "errors")), 0);
	CHECK_INT(doc_count(api_at(&got, "changes")), 2);
	CHECK_STR(api_text(&got, "changes/0/action"), "unchanged");
	CHECK_STR(api_text(&got, "changes/1/action"), "unchanged");
	got = ask(&w, "GET", V "/export?kind=Service", NULL);
	CHECK(api_says(got.body, "kind: Service") && !api_says(got.body, "kind: Check"));
	CHECK_STATUS(ask(&w, "GET", V "/export?kind=Shop", NULL), 400);
	api_world_close(&w);
}

/* ---- checks ---- */

#define ROW_KEYS                                                                              \
	"name display kind target service state since last_at last_latency_ms last_reason muted_until " \
	"uptime"

static void change(struct api_world *w, const char *check, const char *to)
{
	struct monitor_change change = { .check = str_of(check), .to = str_of(to),
					 .reason = STR("connection refused"),
					 .since = clock_wall(&w->clock) };
	CHECK_INT(api_world_decide(w, ACTOR_SYSTEM, monitor_change_decide, &change), OK);
}

static void add_bucket(struct api_world *w, const char *check, enum rollup_step step, time_us at,
		       time_us up, time_us down)
{
	struct monitor_bucket bucket = {
		.check = str_of(check), .step = step,
		.bucket = { .start = rollup_step_start(step, at), .count = 10, .ok = 8, .degraded = 1,
			    .up = up, .down = down, .latency_min = 1000, .latency_max = 3000,
			    .latency_sum = 16000, .latency_count = 8 },
	};
	struct monitor_flush flush = { &bucket, 1 };
	CHECK_INT(api_world_decide(w, ACTOR_SYSTEM, monitor_flush_decide, &flush), OK);
}

static void define_checks(struct api_world *w)
{
	api_world_define(w, "Service", "shop", "{\"display\":\"Web shop\",\"tier\":1}");
	api_world_define(w, "Check", "api", "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":81}");
	api_world_define(w, "Check", "web",
			 "{\"kind\":\"http\",\"url\":\"http://127.0.0.1/\",\"service\":\"shop\","
			 "\"latency_warn\":\"10ms\"}");
	change(w, "web", "down");
	change(w, "api", "up");
}

TEST(checks_are_listed_with_their_state_and_filtered)
{
	struct api_world w;
	begin(&w, "checks");
	define_checks(&w);
	said.result.good = false;
	snprintf(said.result.reason, sizeof said.result.reason, "connection refused");
	struct api_result got = ask(&w, "GET", V "/checks", NULL);
	CHECK_STATUS(got, 200);
	CHECK_INT(doc_count(api_at(&got, "items")), 2);
	check_keys(api_at(&got, "items/1"), ROW_KEYS);
	CHECK_STR(api_text(&got, "items/1/state"), "down");
	CHECK_STR(api_text(&got, "items/1/service"), "shop");
	CHECK_STR(api_text(&got, "items/1/target"), "http://127.0.0.1/");
	CHECK_STR(api_text(&got, "items/1/last_reason"), "connection refused");
	CHECK(doc_real(api_at(&got, "items/1/last_latency_ms"), 0) == 12.5);
	/* What is up has no reason, and what nobody watched has no uptime. */
	CHECK(doc_is(api_at(&got, "items/0/last_reason"), DOC_NULL));
	CHECK(doc_is(api_at(&got, "items/0/uptime/day"), DOC_NULL));
	CHECK(doc_is(api_at(&got, "items/0/uptime/month"), DOC_NULL));
	got = ask(&w, "GET", V "/checks?state=down,degraded", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	got = ask(&w, "GET", V "/checks?service=shop&q=WEB", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STATUS(ask(&w, "GET", V "/checks?state=broken", NULL), 400);
	got = ask(&w, "POST", V "/mutes",
		  "{\"kind\":\"service\",\"name\":\"shop\",\"for\":\"1h\",\"reason\":\"moving\"}");
	CHECK_STATUS(got, 201);
	got = ask(&w, "GET", V "/checks?muted=true", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STR(api_text(&got, "items/0/name"), "web");
	CHECK(doc_is(api_at(&got, "items/0/muted_until"), DOC_TEXT));
	api_world_close(&w);
}

TEST(uptime_is_a_share_of_time_that_was_watched)
{
	struct api_world w;
	begin(&w, "uptime");
	define_checks(&w);
	time_us now = clock_wall(&w.clock);
	add_bucket(&w, "web", ROLLUP_HOUR, now - 2 * TIME_HOUR, 3 * TIME_MINUTE, TIME_MINUTE);
	add_bucket(&w, "web", ROLLUP_DAY, now, TIME_HOUR, 0);
	add_bucket(&w, "web", ROLLUP_DAY, now - 10 * TIME_DAY, TIME_HOUR, TIME_HOUR);
	add_bucket(&w, "web", ROLLUP_DAY, now - 89 * TIME_DAY, 0, TIME_HOUR);
	add_bucket(&w, "web", ROLLUP_DAY, now - 90 * TIME_DAY, 0, TIME_HOUR);
	struct api_result got = ask(&w, "GET", V "/checks/web", NULL);
	CHECK_STATUS(got, 200);
	CHECK(doc_real(api_at(&got, "uptime/day"), 0) == 75.0);
	CHECK(doc_real(api_at(&got, "uptime/week"), 0) == 100.0);
	CHECK(doc_real(api_at(&got, "uptime/month"), 0) > 66.6 &&
	      doc_real(api_at(&got, "uptime/month"), 0) < 66.7);
	CHECK_INT(doc_count(api_at(&got, "bars")), 90);
	CHECK_INT(api_int(&got, "bars/0/total"), 10);
	CHECK_INT(api_int(&got, "bars/0/down"), 2);
	CHECK_INT(api_int(&got, "bars/0/up"), 7);
	CHECK_INT(api_int(&got, "bars/1/total"), 0);
	CHECK_STR(api_text(&got, "bars/89/start"), "2026-03-08T00:00:00Z");
	got = ask(&w, "GET", V "/checks?bars=true", NULL);
	CHECK_INT(doc_count(api_at(&got, "items/0/bars")), 0);
	CHECK_INT(doc_count(api_at(&got, "items/1/bars")), 90);
	api_world_close(&w);
}

TEST(one_check_shows_its_spec_alert_certificate_and_next_look)
{
	struct api_world w;
	begin(&w, "check");
	define_checks(&w);
	said.next_at = clock_wall(&w.clock) + 5 * TIME_SECOND;
	said.result.certificated = true;
	said.result.days_left = 12;
	said.result.not_after = clock_wall(&w.clock) + 12 * TIME_DAY;
	snprintf(said.result.subject, sizeof said.result.subject, "CN=localhost");
	struct api_result got = ask(&w, "GET", V "/checks/web", NULL);
	check_keys(got.doc, ROW_KEYS " bars spec revision manager paused_reason alert next_at cert");
	CHECK_STR(api_header_of(&got, "ETag"), "\"1\"");
	CHECK_STR(api_text(&got, "alert/state"), "firing");
	CHECK_STR(api_text(&got, "next_at"), "2026-03-08T02:00:05Z");
	CHECK_INT(api_int(&got, "cert/days"), 12);
	CHECK(doc_is(api_at(&got, "paused_reason"), DOC_NULL));
	said.silent = true;
	got = ask(&w, "GET", V "/checks/api", NULL);
	CHECK(doc_is(api_at(&got, "alert"), DOC_NULL));
	CHECK(doc_is(api_at(&got, "cert"), DOC_NULL));
	CHECK(doc_is(api_at(&got, "last_at"), DOC_NULL));
	CHECK_STATUS(ask(&w, "GET", V "/checks/nothing", NULL), 404);
	api_world_close(&w);
}

TEST(series_take_the_step_that_fits)
{
	struct api_world w;
	begin(&w, "series");
	define_checks(&w);
	time_us now = clock_wall(&w.clock);
	add_bucket(&w, "web", ROLLUP_MINUTE, now - TIME_HOUR, TIME_MINUTE, 0);
	add_bucket(&w, "web", ROLLUP_DAY, now - 200 * TIME_DAY, TIME_MINUTE, 0);
	struct api_result got = ask(&w, "GET", V "/checks/web/series", NULL);
	CHECK_STATUS(got, 200);
	CHECK_STR(api_text(&got, "step"), "minute");
	CHECK_INT(doc_count(api_at(&got, "points")), 1);
	check_keys(api_at(&got, "points/0"), "at count ok latency_min latency_avg latency_max");
	CHECK(doc_real(api_at(&got, "points/0/latency_avg"), 0) == 2.0);
	got = ask(&w, "GET", V "/checks/web/series?from=2025-06-01T00:00:00Z", NULL);
	CHECK_STR(api_text(&got, "step"), "day");
	CHECK_INT(doc_count(api_at(&got, "points")), 1);
	CHECK_STATUS(ask(&w, "GET", V "/checks/web/series?from=2025-06-01T00:00:00Z&step=minute", NULL), 400);
	CHECK_STATUS(ask(&w, "GET", V "/checks/web/series?step=week", NULL), 400);
	CHECK_STATUS(ask(&w, "GET", V "/checks/web/series?from=2027-06-01T00:00:00Z", NULL), 400);
	api_world_close(&w);
}

TEST(a_result_says_what_it_means_by_itself)
{
	struct api_world w;
	begin(&w, "results");
	define_checks(&w);
	struct api_result got = ask(&w, "GET", V "/checks/web/results", NULL);
	check_keys(api_at(&got, "items/0"),
		   "at state latency_ms reason status address node timings cert detail");
	CHECK_STR(api_text(&got, "items/0/state"), "degraded"); /* 12.5 ms, and 10 are slow */
	got = ask(&w, "POST", V "/checks/api/run", NULL);
	CHECK_STATUS(got, 200);
	CHECK_STR(api_text(&got, "state"), "up");
	got = api_call(&w, viewer, "POST", V "/checks/api/run", NULL);
	CHECK_STATUS(got, 403);
	got = ask(&w, "POST", V "/checks/test",
		  "{\"spec\":{\"kind\":\"tcp\",\"host\":\"localhost\",\"port\":7,\"timeout\":\"1s\"}}");
	CHECK_STATUS(got, 200);
	CHECK_INT(said.probed.port, 7);
	CHECK_INT(said.probed.timeout, TIME_SECOND);
	got = ask(&w, "POST", V "/checks/test", "{\"spec\":{\"kind\":\"tcp\",\"host\":\"localhost\"}}");
	CHECK_STATUS(got, 400);
	CHECK(api_says(api_text(&got, "detail"), "needs \"port\""));
	api_world_close(&w);
}

TEST(a_check_is_paused_and_resumed)
{
	struct api_world w;
	begin(&w, "pause");
	define_checks(&w);
	struct api_result got = ask(&w, "POST", V "/checks/web/pause", "{\"reason\":\"moving house\"}");
	CHECK_STATUS(got, 200);
	check_keys(got.doc, ROW_KEYS);
	CHECK_STR(api_text(&got, "state"), "paused");
	got = ask(&w, "GET", V "/checks/web", NULL);
	CHECK_STR(api_text(&got, "paused_reason"), "moving house");
	CHECK_STATUS(ask(&w, "POST", V "/checks/web/pause", "{\"reason\":\"again\"}"), 409);
	CHECK_STATUS(ask(&w, "POST", V "/checks/web/pause", "{}"), 400);
	got = ask(&w, "POST", V "/checks/web/resume", NULL);
	CHECK_STR(api_text(&got, "state"), "unknown");
	api_world_define(&w, "Check", "off",
			 "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":1,\"paused\":true}");
	got = ask(&w, "GET", V "/checks/off", NULL);
	CHECK_STR(api_text(&got, "state"), "paused");
	got = ask(&w, "POST", V "/checks/off/resume", NULL);
	CHECK_STATUS(got, 409);
	CHECK(api_says(api_text(&got, "hint"), "definition"));
	api_world_close(&w);
}

/* ---- services ---- */

#define SERVICE_KEYS                                                                              \
	"name display about tier team impact customers state checks checks_bad incidents_open "      \
	"worst_priority muted_until"

TEST(a_service_is_as_bad_as_its_worst_check)
{
	struct api_world w;
	begin(&w, "services");
	define_checks(&w);
	api_world_define(&w, "Check", "cart",
			 "{\"kind\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":9,\"service\":\"shop\"}");
	api_world_define(&w, "Service", "front", "{\"depends_on\":[\"shop\"]}");
	struct api_result got = ask(&w, "GET", V "/services", NULL);
	CHECK_STATUS(got, 200);
	check_keys(api_at(&got, "items/1"), SERVICE_KEYS);
	CHECK_STR(api_text(&got, "items/0/name"), "front");
	CHECK_STR(api_text(&got, "items/0/state"), "unknown");
	CHECK_STR(api_text(&got, "items/1/state"), "down");
	CHECK_INT(api_int(&got, "items/1/checks"), 2);
	CHECK_INT(api_int(&got, "items/1/checks_bad"), 1);
	CHECK_INT(api_int(&got, "items/1/incidents_open"), 1);
	CHECK_STR(api_text(&got, "items/1/worst_priority"), "P1");
	got = ask(&w, "GET", V "/services/shop", NULL);
	check_keys(got.doc, SERVICE_KEYS " spec revision manager check_rows incidents depends_on "
					 "dependants on_call");
	CHECK_INT(doc_count(api_at(&got, "check_rows")), 2);
	CHECK_INT(doc_count(api_at(&got, "incidents")), 1);
	CHECK_STR(api_text(&got, "dependants/0/name"), "front");
	got = ask(&w, "GET", V "/services/front", NULL);
	CHECK_STR(api_text(&got, "depends_on/0/display"), "Web shop");
	CHECK_STR(api_text(&got, "depends_on/0/state"), "down");
	got = ask(&w, "GET", V "/services?team=nobody", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 0);
	api_world_close(&w);
}

TEST(an_incident_one_may_not_see_is_not_counted)
{
	struct api_world w;
	begin(&w, "canary");
	struct incident_open open = { .title = STR("canary"), .service = STR("shop"),
				      .visibility = STR("private"), .source = STR("person") };
	api_world_define(&w, "Service", "shop", "{}");
	CHECK_INT(api_world_decide(&w, ACTOR_SYSTEM, incident_open_decide, &open), OK);
	struct api_result got = api_call(&w, viewer, "GET", V "/services/shop", NULL);
	CHECK_STATUS(got, 200);
	CHECK_INT(api_int(&got, "incidents_open"), 0);
	CHECK(!api_says(got.body, "canary"));
	got = api_call(&w, viewer, "GET", V "/now", NULL);
	CHECK(!api_says(got.body, "canary"));
	api_world_close(&w);
}

/* ---- the first page ---- */

TEST(the_first_page_counts_checks_and_says_who_is_on_call)
{
	struct api_world w;
	begin(&w, "now");
	define_checks(&w);
	api_world_define(&w, "Schedule", "main",
			 "{\"layers\":[{\"start\":\"2026-02-02\",\"users\":[\"ann@example.com\"]}]}");
	CHECK_STATUS(ask(&w, "POST", V "/mutes",
			 "{\"kind\":\"check\",\"name\":\"api\",\"for\":\"1h\",\"reason\":\"x\"}"), 201);
	struct api_result got = ask(&w, "GET", V "/now", NULL);
	CHECK_STATUS(got, 200);
	check_keys(api_at(&got, "checks"), "up down degraded muted paused unknown worst");
	CHECK_INT(api_int(&got, "checks/up"), 1);
	CHECK_INT(api_int(&got, "checks/down"), 1);
	CHECK_INT(api_int(&got, "checks/muted"), 1);
	CHECK_INT(doc_count(api_at(&got, "checks/worst")), 1);
	CHECK_STR(api_text(&got, "checks/worst/0/name"), "web");
	CHECK_STR(api_text(&got, "on_call/0/schedule"), "main");
	CHECK_STR(api_text(&got, "on_call/0/user/name"), "Ann");
	api_world_close(&w);
}

/* ---- discovery ---- */

TEST(one_click_makes_what_is_needed_to_be_paged)
{
	struct api_world w;
	begin(&w, "discovery");
	struct api_result got = ask(&w, "GET", V "/discovery", NULL);
	CHECK_STATUS(got, 200);
	check_keys(api_at(&got, "items/0"),
		   "process pid address port protocol guess suggested watched");
	CHECK_STR(api_text(&got, "items/0/process"), "nginx");
	CHECK_STR(api_text(&got, "items/0/suggested/service"), "nginx");
	CHECK(!doc_bool(api_at(&got, "items/0/watched"), true));
	CHECK(doc_is(api_at(&got, "items/1/process"), DOC_NULL));
	CHECK(doc_is(api_at(&got, "items/1/pid"), DOC_NULL));
	int64_t before = world_last_seq(w.world);
	const char *body = "{\"items\":[{\"address\":\"0.0.0.0\",\"port\":8080},"
			   "{\"address\":\"127.0.0.1\",\"port\":5432}]}";
	got = ask(&w, "POST", V "/discovery/watch", body);
	CHECK_STATUS(got, 200);
	CHECK_INT(doc_count(api_at(&got, "created")), 7);
	CHECK_INT(world_last_seq(w.world), before + 7);
	got = ask(&w, "GET", V "/definitions/Check/nginx-8080", NULL);
	CHECK_STR(api_text(&got, "spec/url"), "http://127.0.0.1:8080/");
	CHECK_STR(api_text(&got, "spec/service"), "nginx");
	got = ask(&w, "GET", V "/definitions/Service/nginx", NULL);
	CHECK_STR(api_text(&got, "spec/team"), "default");
	got = ask(&w, "GET", V "/services/nginx", NULL);
	CHECK_STR(api_text(&got, "on_call/0/user/name"), "Ann"); /* on call at once */
	got = ask(&w, "GET", V "/discovery", NULL);
	CHECK(doc_bool(api_at(&got, "items/0/watched"), false));
	CHECK(!doc_bool(api_at(&got, "items/1/watched"), true));
	/* A second click changes nothing, and what no longer listens is told. */
	got = ask(&w, "POST", V "/discovery/watch", body);
	CHECK_INT(doc_count(api_at(&got, "created")), 0);
	got = ask(&w, "POST", V "/discovery/watch", "{\"items\":[{\"address\":\"127.0.0.1\",\"port\":1}]}");
	CHECK_STATUS(got, 409);
	CHECK_STATUS(api_call(&w, viewer, "GET", V "/discovery", NULL), 403);
	api_world_close(&w);
}

TEST(a_process_without_checks_says_so)
{
	struct api_world w;
	api_world_open(&w, "senseless", NULL);
	struct api_person ann = api_world_person(&w, "ann@example.com", "Ann", ROLE_ADMIN);
	api_world_define(&w, "Check", "web", "{\"kind\":\"http\",\"url\":\"http://x/\"}");
	CHECK_STATUS(api_call(&w, &ann, "GET", V "/discovery", NULL), 503);
	CHECK_STATUS(api_call(&w, &ann, "POST", V "/checks/web/run", NULL), 503);
	CHECK_STATUS(api_call(&w, &ann, "GET", V "/checks/web", NULL), 200);
	CHECK_STATUS(api_call(&w, &ann, "GET", V "/checks/web/results", NULL), 200);
	api_world_close(&w);
}

TESTS(RUN(every_kind_is_sound_and_told_as_the_contract_says),
      RUN(a_definition_is_made_changed_and_refused_when_somebody_was_faster),
      RUN(what_a_spec_may_not_say_is_refused_with_its_place),
      RUN(a_chain_of_services_may_not_lead_back), RUN(what_others_use_is_not_deleted),
      RUN(definitions_are_listed_by_page_and_found_by_words),
      RUN(files_are_planned_carried_out_and_then_unchanged),
      RUN(what_people_changed_is_refused_until_it_is_taken),
      RUN(mistakes_in_files_are_told_with_file_line_and_column),
      RUN(an_export_is_applied_again_without_a_change),
      RUN(checks_are_listed_with_their_state_and_filtered),
      RUN(uptime_is_a_share_of_time_that_was_watched),
      RUN(one_check_shows_its_spec_alert_certificate_and_next_look),
      RUN(series_take_the_step_that_fits), RUN(a_result_says_what_it_means_by_itself),
      RUN(a_check_is_paused_and_resumed), RUN(a_service_is_as_bad_as_its_worst_check),
      RUN(an_incident_one_may_not_see_is_not_counted),
      RUN(the_first_page_counts_checks_and_says_who_is_on_call),
      RUN(one_click_makes_what_is_needed_to_be_paged), RUN(a_process_without_checks_says_so))
