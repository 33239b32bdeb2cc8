/* test_api_people.c: people, tokens, contacts, the on-call and the record, called as over HTTP. */
#include "api/api_now.h"
#include "api/test_api_world.h"

#include "journal/checkpoint.h"
#include "journal/tree_verify.h"

/* Parts of the first page that this group of handlers does not make. */
__attribute__((weak)) enum err api_now_checks(struct api_call *call, struct error *err)
{
	(void)call;
	return error_set(err, ERR_UNSUPPORTED, "not in this test");
}
__attribute__((weak)) enum err api_now_on_call(struct api_call *call, struct error *err)
{
	(void)call;
	return error_set(err, ERR_UNSUPPORTED, "not in this test");
}

#define V "/api/v1"
#define USER_KEYS                                                                              \
	"id name email role teams time_zone disabled has_password created_at last_seen_at revision"
#define CONTACT_KEYS "id channel address label order delay urgency verified last_result"
#define EVENT_KEYS "seq event_time recorded_time actor kind subject text payload version"

#define SCHEDULE                                                                              \
	"{\"time_zone\":\"Europe/London\",\"layers\":[{\"name\":\"main\",\"start\":\"2026-03-02\"," \
	"\"users\":[\"ann@example.com\",\"ben@example.com\"]}]}"

/* Exactly these keys: the contract knows no others. */
static void check_keys(const struct doc_node *map, const char *keys)
{
	struct str rest = str_of(keys), key;
	size_t count = 0;
	while (rest.len > 0) {
		struct str next = STR_NONE;
		str_cut(rest, ' ', &key, &next);
		if (doc_find(map, key) == NULL)
			fail_msg("wanted the key \"" STR_FMT "\"", STR_ARG(key));
		rest = next;
		count++;
	}
	CHECK_INT(doc_count(map), count);
}

static struct str textf(struct api_world *w, const char *format, int64_t number)
{
	char text[200];
	snprintf(text, sizeof text, format, (long long)number);
	return arena_str(&w->arena, str_of(text));
}

/* "/users/%lld/contacts" with the id in its place. */
static const char *path(struct api_world *w, const char *format, int64_t id)
{
	return textf(w, format, id).ptr;
}

static struct api_person admin, ann, ben, viewer, auditor;

static void open_with_people(struct api_world *w, const char *name, const struct api_options *more)
{
	api_world_open(w, name, more);
	admin = api_world_person(w, "root@example.com", "Root", ROLE_ADMIN);
	ann = api_world_person(w, "ann@example.com", "Ann Onym", ROLE_RESPONDER);
	ben = api_world_person(w, "ben@example.com", "Ben Zin", ROLE_MANAGER);
	viewer = api_world_person(w, "vic@example.com", "Vic Tor", ROLE_VIEWER);
	auditor = api_world_person(w, "aud@example.com", "Aud It", ROLE_AUDITOR);
}

/* ---- people ---- */

TEST(people_are_listed_by_page_and_found_by_words)
{
	struct api_world w;
	open_with_people(&w, "people_list", NULL);
	struct api_result got = api_call(&w, &viewer, "GET", V "/users?limit=2", NULL);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "items next");
	CHECK_INT(doc_count(api_at(&got, "items")), 2);
	check_keys(api_at(&got, "items/0"), USER_KEYS);
	CHECK_STR(api_text(&got, "items/1/name"), "Ann Onym");
	CHECK_STR(api_text(&got, "next"), "2");
	got = api_call(&w, &viewer, "GET", V "/users?limit=3&cursor=2", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 3);
	CHECK(doc_is(api_at(&got, "next"), DOC_NULL));
	got = api_call(&w, &viewer, "GET", V "/users?q=ZIN+ben@", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STR(api_text(&got, "items/0/email"), "ben@example.com");
	const char *csv[] = { "Accept", "text/csv", NULL };
	got = api_call_with(&w, &viewer, "GET", V "/users?q=ann", NULL, csv);
	CHECK(str_starts(got.body, STR("id,name,email,role")));
	CHECK(api_says(got.body, "Ann Onym"));
	CHECK_STATUS(api_call(&w, NULL, "GET", V "/users", NULL), 401);
	got = api_call(&w, &viewer, "GET", V "/users?as_of=1", NULL); /* as it was then: nobody else yet */
	CHECK_STATUS(got, 200);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STATUS(api_call(&w, &viewer, "GET", V "/session?as_of=1", NULL), 400);
	api_world_close(&w);
}

TEST(an_admin_adds_a_person_and_nobody_else_does)
{
	struct api_world w;
	const char *body = "{\"name\":\"Cleo\",\"email\":\"cleo@example.com\",\"role\":\"responder\"}";
	open_with_people(&w, "people_add", NULL);
	struct api_result got = api_call(&w, &ben, "POST", V "/users", body);
	CHECK_STATUS(got, 403);
	CHECK_STR(got.type, "application/problem+json");
	CHECK(api_text(&got, "hint").len > 0);
	const char *key[] = { "Idempotency-Key", "k1", NULL };
	got = api_call_with(&w, &admin, "POST", V "/users", body, key);
	CHECK_STATUS(got, 201);
	check_keys(got.doc, USER_KEYS);
	int64_t id = api_int(&got, "id");
	got = api_call_with(&w, &admin, "POST", V "/users", body, key);
	CHECK_STATUS(got, 201);
	CHECK_INT(api_int(&got, "id"), id);
	got = api_call(&w, &admin, "POST", V "/users", body);
	CHECK_STATUS(got, 409);
	CHECK_STR(api_text(&got, "errors/0/field"), "email");
	got = api_call(&w, &admin, "POST", V "/users", "{\"name\":\"X\",\"email\":\"x\",\"rule\":1}");
	CHECK_STATUS(got, 400);
	got = api_call(&w, &admin, "GET", path(&w, V "/users/%lld/contacts", id), NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 2); /* browser and mail, from the start */
	api_world_close(&w);
}

TEST(a_person_changes_their_name_but_not_their_role)
{
	struct api_world w;
	open_with_people(&w, "people_change", NULL);
	const char *me = path(&w, V "/users/%lld", ann.id);
	struct api_result got = api_call(&w, &ann, "GET", me, NULL);
	CHECK_STATUS(got, 200);
	struct str tag = api_header_of(&got, "ETag");
	CHECK(tag.len > 2);
	const char *match[] = { "If-Match", tag.ptr, NULL };
	got = api_call_with(&w, &ann, "PATCH", me,
			    "{\"name\":\"Anna\",\"time_zone\":\"Europe/Zurich\"}", match);
	CHECK_STATUS(got, 200);
	CHECK_STR(api_text(&got, "name"), "Anna");
	CHECK_STR(api_text(&got, "time_zone"), "Europe/Zurich");
	CHECK_STATUS(api_call_with(&w, &ann, "PATCH", me, "{\"name\":\"Late\"}", match), 412);
	got = api_call(&w, &ann, "PATCH", me, "{\"time_zone\":null}");
	CHECK(doc_is(api_at(&got, "time_zone"), DOC_NULL));
	CHECK_STR(api_text(&got, "name"), "Anna");
	got = api_call(&w, &ann, "PATCH", me, "{\"time_zone\":\"Europe/Nowhere\"}");
	CHECK_STATUS(got, 400);
	CHECK_STR(api_text(&got, "errors/0/field"), "time_zone");
	CHECK_STATUS(api_call(&w, &ann, "PATCH", me, "{\"role\":\"admin\"}"), 403);
	CHECK_STATUS(api_call(&w, &ann, "PATCH", path(&w, V "/users/%lld", ben.id), "{\"name\":\"B\"}"), 403);
	got = api_call(&w, &admin, "PATCH", me, "{\"role\":\"manager\",\"disabled\":true}");
	CHECK_STATUS(got, 200);
	CHECK(doc_bool(api_at(&got, "disabled"), false));
	CHECK_STATUS(api_call(&w, &ann, "GET", me, NULL), 401);
	api_world_close(&w);
}

TEST(a_link_lets_a_person_in_once_and_is_kept_nowhere)
{
	struct api_world w;
	int64_t kept;
	struct error err;
	open_with_people(&w, "people_link", NULL);
	const char *invite = path(&w, V "/users/%lld/invite", viewer.id);
	const char *key[] = { "Idempotency-Key", "k2", NULL };
	CHECK_STATUS(api_call(&w, &ben, "POST", invite, NULL), 403);
	struct api_result got = api_call_with(&w, &admin, "POST", invite, NULL, key);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "link expires_at");
	CHECK(str_starts(api_text(&got, "link"), STR(API_WORLD_URL "/link#msl_")));
	CHECK_OK(store_one_int(w.conn, "SELECT count(*) FROM idempotency", STORE_NO_VALUES, 0, &kept, &err));
	CHECK_INT(kept, 0);
	struct str token, before;
	str_cut(api_text(&got, "link"), '#', &before, &token);
	const char *body = arena_printf(&w.arena, "{\"token\":\"" STR_FMT "\"}", STR_ARG(token)).ptr;
	CHECK_STATUS(api_call(&w, NULL, "POST", V "/session/link", body), 200);
	CHECK_STATUS(api_call(&w, NULL, "POST", V "/session/link", body), 401);
	got = api_call(&w, &admin, "POST", path(&w, V "/users/%lld/reset-link", viewer.id), NULL);
	CHECK_STATUS(got, 200);
	CHECK_STATUS(api_call(&w, &admin, "POST", V "/users/999/reset-link", NULL), 404);
	api_world_close(&w);
}

/* ---- tokens ---- */

TEST(a_token_is_shown_once_and_revoked_at_once)
{
	struct api_world w;
	open_with_people(&w, "tokens", NULL);
	struct api_result got = api_call(&w, &ann, "POST", V "/tokens",
					 "{\"name\":\"deploy\",\"scopes\":[\"read\",\"act\"],"
					 "\"expires_at\":\"2026-06-01T00:00:00Z\"}");
	CHECK_STATUS(got, 201);
	check_keys(got.doc, "token secret");
	check_keys(api_at(&got, "token"), "id name scopes created_at expires_at last_used_at");
	CHECK_INT(doc_count(api_at(&got, "token/scopes")), 2);
	int64_t id = api_int(&got, "token/id");
	struct api_person script = { .id = ann.id, .token = api_text(&got, "secret").ptr };
	CHECK_STATUS(api_call(&w, &script, "GET", V "/users", NULL), 200);
	got = api_call(&w, &ann, "GET", V "/tokens", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK(!api_says(got.body, script.token));
	CHECK_STATUS(api_call(&w, &ben, "GET", path(&w, V "/tokens?user=%lld", ann.id), NULL), 403);
	got = api_call(&w, &admin, "GET", path(&w, V "/tokens?user=%lld", ann.id), NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	CHECK_STATUS(api_call(&w, &ben, "DELETE", path(&w, V "/tokens/%lld", id), NULL), 403);
	CHECK_STATUS(api_call(&w, &ann, "DELETE", path(&w, V "/tokens/%lld", id), NULL), 204);
	CHECK_STATUS(api_call(&w, &script, "GET", V "/users", NULL), 401);
	got = api_call(&w, &ann, "GET", V "/tokens", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 0);
	got = api_call(&w, &ann, "POST", V "/tokens",
		       "{\"name\":\"old\",\"scopes\":[\"read\"],\"expires_at\":\"2020-01-01T00:00:00Z\"}");
	CHECK_STATUS(got, 400);
	CHECK_STR(api_text(&got, "errors/0/field"), "expires_at");
	api_world_close(&w);
}

/* ---- contacts ---- */

static int64_t add_ntfy(struct api_world *w)
{
	struct api_result got = api_call(w, &ann, "POST", path(w, V "/users/%lld/contacts", ann.id),
					 "{\"channel\":\"ntfy\",\"label\":\"Phone\",\"urgency\":\"high\","
					 "\"delay\":\"1m30s\",\"secret\":\"tk_hush\",\"address\":"
					 "{\"server\":\"https://ntfy.example.com/\",\"topic\":\"ann-7\"}}");
	CHECK_STATUS(got, 201);
	check_keys(got.doc, CONTACT_KEYS);
	check_keys(api_at(&got, "address"), "server topic");
	CHECK_STR(api_text(&got, "address/server"), "https://ntfy.example.com");
	CHECK_STR(api_text(&got, "address/topic"), "ann-7");
	CHECK_STR(api_text(&got, "delay"), "1m30s");
	CHECK(!api_says(got.body, "tk_hush"));
	return api_int(&got, "id");
}

static struct str secret_of(struct api_world *w, int64_t contact)
{
	struct store_rows *rows;
	struct error err;
	struct str secret = STR_NONE;
	CHECK_OK(store_query(w->conn, "SELECT secret FROM contact_secret WHERE contact = ?",
			     STORE_VALUES(STORE_INT(contact)), &rows, &err));
	if (store_next(rows))
		secret = arena_str(&w->arena, store_text(rows, 0));
	CHECK_OK(store_done(&rows, &err));
	return secret;
}

TEST(a_contact_is_changed_in_part_and_its_secret_stays)
{
	struct api_world w;
	open_with_people(&w, "contacts", NULL);
	int64_t id = add_ntfy(&w);
	const char *one = arena_printf(&w.arena, V "/users/%lld/contacts/%lld", (long long)ann.id,
				       (long long)id).ptr;
	struct api_result got = api_call(&w, &ann, "PATCH", one, "{\"label\":\"Old phone\",\"order\":9}");
	CHECK_STATUS(got, 200);
	CHECK_STR(api_text(&got, "label"), "Old phone");
	CHECK_STR(api_text(&got, "address/topic"), "ann-7");
	CHECK_STR(api_text(&got, "urgency"), "high");
	CHECK_INT(api_int(&got, "order"), 9);
	CHECK_STR(secret_of(&w, id), "tk_hush");
	api_call(&w, &ann, "PATCH", one, "{\"secret\":\"tk_new\"}");
	CHECK_STR(secret_of(&w, id), "tk_new");
	got = api_call(&w, &ann, "PATCH", one, "{\"address\":{\"to\":\"ann@example.com\"}}");
	CHECK_STATUS(got, 400);
	CHECK_STR(api_text(&got, "errors/0/field"), "address.to");
	CHECK_STATUS(api_call(&w, &ben, "PATCH", one, "{\"label\":\"x\"}"), 403);
	CHECK_STATUS(api_call(&w, &viewer, "GET", path(&w, V "/users/%lld/contacts", ann.id), NULL), 403);
	got = api_call(&w, &ben, "GET", path(&w, V "/users/%lld/contacts", ann.id), NULL);
	CHECK_STATUS(got, 200);
	CHECK_INT(doc_count(api_at(&got, "items")), 3);
	CHECK_STR(api_text(&got, "items/0/channel"), "browser");
	CHECK_STR(api_text(&got, "items/0/delay"), "0s");
	CHECK_INT(doc_count(api_at(&got, "items/0/address")), 0);
	CHECK_STATUS(api_call(&w, &ann, "DELETE", one, NULL), 204);
	CHECK_STATUS(api_call(&w, &ann, "DELETE", one, NULL), 404);
	CHECK_STR(secret_of(&w, id), "");
	api_world_close(&w);
}

TEST(an_address_that_cannot_be_sent_to_is_refused_by_name)
{
	static const struct {
		const char *body, *field;
	} rows[] = {
		{ "{\"channel\":\"ntfy\",\"address\":{\"server\":\"https://n.example\",\"topic\":\"a/b\"}}",
		  "address.topic" },
		{ "{\"channel\":\"ntfy\",\"address\":{\"topic\":\"t\"}}", "address.server" },
		{ "{\"channel\":\"email\",\"address\":{}}", "address.to" },
		{ "{\"channel\":\"webhook\",\"address\":{\"url\":\"ftp://x\"}}", "address" },
		{ "{\"channel\":\"browser\",\"address\":{\"to\":\"x\"}}", "address.to" },
		{ "{\"channel\":\"pigeon\",\"address\":{}}", "channel" },
	};
	struct api_world w;
	open_with_people(&w, "contact_bad", NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct api_result got = api_call(&w, &ann, "POST",
						 path(&w, V "/users/%lld/contacts", ann.id), rows[i].body);
		CHECK_STATUS(got, 400);
		CHECK_STR(api_text(&got, "errors/0/field"), rows[i].field);
	}
	api_world_close(&w);
}

TEST(a_test_page_tells_whether_a_contact_works)
{
	struct api_world w;
	open_with_people(&w, "contact_test", NULL);
	int64_t id = add_ntfy(&w);
	const char *test = path(&w, V "/contacts/%lld/test", id);
	CHECK_STATUS(api_call(&w, &ben, "POST", test, NULL), 404);
	struct api_result got = api_call(&w, &ann, "POST", test, NULL);
	CHECK_STATUS(got, 202);
	check_keys(got.doc, "id incident user contact channel state created_at text attempts");
	CHECK_STR(api_text(&got, "state"), "queued");
	CHECK(doc_is(api_at(&got, "incident"), DOC_NULL));
	struct notify_attempt attempt = { .page = api_int(&got, "id"), .state = STR("sent"),
					  .detail = STR("HTTP 200"), .took = TIME_MS };
	CHECK_INT(api_world_decide(&w, ACTOR_SYSTEM, notify_attempt_decide, &attempt), OK);
	got = api_call(&w, &ann, "GET", path(&w, V "/users/%lld/contacts", ann.id), NULL);
	CHECK(doc_bool(api_at(&got, "items/2/verified"), false));
	check_keys(api_at(&got, "items/2/last_result"), "at state detail");
	CHECK_STR(api_text(&got, "items/2/last_result/detail"), "HTTP 200");
	CHECK(!doc_bool(api_at(&got, "items/1/verified"), true));
	CHECK(doc_is(api_at(&got, "items/1/last_result"), DOC_NULL));
	got = api_call(&w, &ben, "GET", V "/journal?kind=page.", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 0); /* somebody else's test */
	got = api_call(&w, &ann, "GET", V "/journal?kind=page.", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 3);
	api_world_close(&w);
}

TEST(a_browser_tells_what_it_showed_of_its_own_pages)
{
	struct api_world w;
	open_with_people(&w, "browser", NULL);
	struct api_result got = api_call(&w, &ann, "GET", path(&w, V "/users/%lld/contacts", ann.id), NULL);
	CHECK_STR(api_text(&got, "items/0/channel"), "browser");
	got = api_call(&w, &ann, "POST",
		       path(&w, V "/contacts/%lld/test", api_int(&got, "items/0/id")), NULL);
	CHECK_STATUS(got, 202);
	const char *shown = textf(&w, "{\"page\":%lld}", api_int(&got, "id")).ptr;
	CHECK_STATUS(api_call(&w, &ben, "POST", V "/browser-pages/ack", shown), 404);
	CHECK_STATUS(api_call(&w, &ann, "POST", V "/browser-pages/ack", "{}"), 400);
	CHECK_STATUS(api_call(&w, &ann, "POST", V "/browser-pages/ack", shown), 204);
	got = api_call(&w, &ann, "GET", path(&w, V "/users/%lld/contacts", ann.id), NULL);
	CHECK_STR(api_text(&got, "items/0/last_result/state"), "delivered");
	CHECK(doc_bool(api_at(&got, "items/0/verified"), false));
	api_world_close(&w);
}

TEST(an_admin_sets_how_notifications_leave_and_secrets_are_never_answered)
{
	struct api_world w;
	open_with_people(&w, "settings", NULL);
	const char *body = "{\"smtp\":{\"host\":\"mail.example.com\",\"port\":465,\"security\":\"tls\","
			   "\"user\":\"ms\",\"password\":\"hush-hush\",\"from\":\"ms@example.com\"},"
			   "\"ntfy\":{\"server\":\"https://ntfy.example.com/\"}}";
	CHECK_STATUS(api_call(&w, &ben, "GET", V "/settings", NULL), 403);
	CHECK_STATUS(api_call(&w, &ben, "PUT", V "/settings/notifications", body), 403);
	CHECK_STATUS(api_call(&w, &admin, "PUT", V "/settings/notifications", NULL), 400);
	struct api_result got = api_call(&w, &admin, "PUT", V "/settings/notifications", body);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "smtp ntfy webhook commands");
	check_keys(api_at(&got, "smtp"), "host port security user password_set from");
	got = api_call(&w, &admin, "GET", V "/settings", NULL);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "items notifications servers backup");
	CHECK(doc_bool(api_at(&got, "notifications/smtp/password_set"), false));
	CHECK(!api_says(got.body, "hush-hush"));
	got = api_call(&w, &admin, "GET", V "/journal?kind=settings.", NULL);
	CHECK(doc_is(api_at(&got, "items/0/payload"), DOC_MAP));
	CHECK(!api_says(got.body, "hush-hush"));
	got = api_call(&w, &viewer, "GET", V "/journal?kind=settings.", NULL);
	CHECK(doc_is(api_at(&got, "items/0/payload"), DOC_NULL));
	got = api_call(&w, &ann, "POST", path(&w, V "/users/%lld/contacts", ann.id),
		       "{\"channel\":\"ntfy\",\"address\":{\"topic\":\"t1\"}}");
	CHECK_STATUS(got, 201);
	check_keys(api_at(&got, "address"), "topic"); /* the server is the installation's */
	api_world_close(&w);
}

/* ---- on call ---- */

TEST(the_roster_says_who_is_on_call_now_and_next)
{
	struct api_world w;
	open_with_people(&w, "oncall", NULL);
	api_world_define(&w, "Schedule", "primary", SCHEDULE);
	struct api_result got = api_call(&w, &viewer, "GET", V "/on-call", NULL);
	CHECK_STATUS(got, 200);
	check_keys(api_at(&got, "items/0"), "schedule user until next");
	CHECK_STR(api_text(&got, "items/0/user/name"), "Ann Onym");
	CHECK_STR(api_text(&got, "items/0/until"), "2026-03-09T09:00:00Z");
	CHECK_STR(api_text(&got, "items/0/next/name"), "Ben Zin");
	got = api_call(&w, &viewer, "GET", V "/on-call?at=2026-03-10T00:00:00Z", NULL);
	CHECK_STR(api_text(&got, "items/0/user/name"), "Ben Zin");
	CHECK_STATUS(api_call(&w, &viewer, "GET", V "/on-call?at=tomorrow", NULL), 400);
	got = api_call(&w, &viewer, "GET", V "/schedules", NULL);
	check_keys(api_at(&got, "items/0"), "name time_zone current until next next_gap revision manager");
	CHECK_STR(api_text(&got, "items/0/current/0/name"), "Ann Onym");
	CHECK_STR(api_text(&got, "items/0/time_zone"), "Europe/London");
	CHECK(doc_is(api_at(&got, "items/0/next_gap"), DOC_NULL));
	api_world_close(&w);
}

TEST(shifts_are_half_open_segments_and_gaps)
{
	struct api_world w;
	open_with_people(&w, "shifts", NULL);
	api_world_define(&w, "Schedule", "days",
			 "{\"layers\":[{\"start\":\"2026-03-02\",\"users\":[\"ann@example.com\"],"
			 "\"windows\":[{\"from\":\"08:00\",\"to\":\"20:00\"}]}]}");
	struct api_result got = api_call(&w, &viewer, "GET", V "/schedules/days/shifts", NULL);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "from to time_zone segments gaps");
	CHECK_STR(api_text(&got, "to"), "2026-04-05T02:00:00Z");
	CHECK_INT(doc_count(api_at(&got, "segments")), 28);
	CHECK_INT(doc_count(api_at(&got, "gaps")), 29);
	check_keys(api_at(&got, "segments/0"), "from to users layer override");
	CHECK_STR(api_text(&got, "segments/0/from"), "2026-03-08T08:00:00Z");
	CHECK_STR(api_text(&got, "gaps/0/to"), "2026-03-08T08:00:00Z");
	CHECK_STATUS(api_call(&w, &viewer, "GET", V "/schedules/nights/shifts", NULL), 404);
	got = api_call(&w, &viewer, "GET",
		       V "/schedules/days/shifts?from=2026-01-01T00:00:00Z&to=2027-06-01T00:00:00Z", NULL);
	CHECK_STATUS(got, 400);
	CHECK_STR(api_text(&got, "errors/0/field"), "to");
	got = api_call(&w, &viewer, "GET", V "/schedules", NULL);
	CHECK_STR(api_text(&got, "items/0/next_gap/to"), "2026-03-08T08:00:00Z");
	got = api_call(&w, &viewer, "GET", V "/on-call", NULL);
	CHECK(doc_is(api_at(&got, "items/0/user"), DOC_NULL));
	CHECK_STR(api_text(&got, "items/0/until"), "2026-03-08T08:00:00Z");
	api_world_close(&w);
}

TEST(who_takes_it_is_on_call_until_they_said)
{
	struct api_world w;
	open_with_people(&w, "override", NULL);
	api_world_define(&w, "Schedule", "primary", SCHEDULE);
	const char *all = V "/schedules/primary/overrides";
	const char *mine = "{\"until\":\"2026-03-08T12:00:00Z\",\"reason\":\"Swap\"}";
	CHECK_STATUS(api_call(&w, &viewer, "POST", all, mine), 403);
	struct api_result got = api_call(&w, &ben, "POST", all, mine);
	CHECK_STATUS(got, 201);
	check_keys(got.doc, "id schedule user from until replaces reason by created_at");
	CHECK_STR(api_text(&got, "user/name"), "Ben Zin");
	CHECK_STR(api_text(&got, "from"), "2026-03-08T02:00:00Z");
	CHECK_STR(api_text(&got, "created_at"), "2026-03-08T02:00:00Z");
	int64_t id = api_int(&got, "id");
	got = api_call(&w, &viewer, "GET", V "/on-call", NULL);
	CHECK_STR(api_text(&got, "items/0/user/name"), "Ben Zin");
	CHECK_STR(api_text(&got, "items/0/until"), "2026-03-08T12:00:00Z");
	got = api_call(&w, &viewer, "GET", V "/schedules/primary/shifts", NULL);
	CHECK_INT(api_int(&got, "segments/0/override"), id);
	got = api_call(&w, &viewer, "GET", all, NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	const char *given = textf(&w, "{\"user\":%lld,\"until\":\"2026-03-08T12:00:00Z\"}", ben.id).ptr;
	CHECK_STATUS(api_call(&w, &ann, "POST", all, given), 403);
	CHECK_STATUS(api_call(&w, &ann, "POST", all, "{\"until\":\"2026-03-08T01:00:00Z\"}"), 400);
	CHECK_STATUS(api_call(&w, &ann, "POST", V "/schedules/none/overrides", mine), 404);
	CHECK_STATUS(api_call(&w, &ann, "DELETE", path(&w, V "/overrides/%lld", id), NULL), 204);
	CHECK_STATUS(api_call(&w, &ann, "DELETE", path(&w, V "/overrides/%lld", id), NULL), 409);
	got = api_call(&w, &viewer, "GET", V "/on-call", NULL);
	CHECK_STR(api_text(&got, "items/0/user/name"), "Ann Onym");
	api_world_close(&w);
}

TEST(a_calendar_feed_keeps_its_bytes_until_something_changes)
{
	struct api_world w;
	open_with_people(&w, "calendar", NULL);
	api_world_define(&w, "Schedule", "primary", SCHEDULE);
	const char *feed = V "/schedules/primary/calendar.ics";
	struct api_result first = api_call(&w, &viewer, "GET", feed, NULL);
	CHECK_STATUS(first, 200);
	CHECK_STR(first.type, "text/calendar; charset=utf-8");
	CHECK(str_starts(first.body, STR("BEGIN:VCALENDAR\r\n")));
	CHECK(api_says(first.body, "Ann Onym"));
	struct str tag = api_header_of(&first, "ETag");
	const char *match[] = { "If-None-Match", tag.ptr, NULL };
	api_world_pass(&w, TIME_HOUR);
	struct api_result again = api_call_with(&w, &viewer, "GET", feed, NULL, match);
	CHECK_STATUS(again, 304);
	CHECK_INT(again.body.len, 0);
	api_call(&w, &ben, "POST", V "/schedules/primary/overrides", "{\"until\":\"2026-03-08T12:00:00Z\"}");
	again = api_call_with(&w, &viewer, "GET", feed, NULL, match);
	CHECK_STATUS(again, 200);
	CHECK(!str_eq(again.body, first.body));
	again = api_call(&w, &viewer, "GET", path(&w, V "/schedules/primary/calendar.ics?user=%lld", ben.id),
			 NULL);
	CHECK(!api_says(again.body, "Ann Onym"));
	CHECK(api_says(again.body, "Ben Zin"));
	api_world_close(&w);
}

/* The value of a line of the event with this text in its UID; empty: there is no such event. */
static struct str of_event(struct api_world *w, struct str feed, const char *uid, const char *line)
{
	const char *text = arena_cstr(&w->arena, feed), *at = strstr(text, uid);
	if (at == NULL)
		return STR_NONE;
	const char *end = strstr(at, "END:VEVENT"), *value = strstr(at, line);
	CHECK(end != NULL && value != NULL && value < end);
	value += strlen(line);
	return arena_str(&w->arena, (struct str){ value, strcspn(value, "\r\n") });
}

TEST(what_vanishes_from_a_calendar_is_published_as_cancelled)
{
	struct api_world w;
	open_with_people(&w, "calendar_gone", NULL);
	api_world_define(&w, "Schedule", "primary", SCHEDULE);
	const char *feed = V "/schedules/primary/calendar.ics";
	struct api_result got = api_call(&w, &ann, "POST", V "/schedules/primary/overrides",
					 "{\"from\":\"2026-03-20T00:00:00Z\",\"until\":\"2026-03-21T00:00:00Z\"}");
	CHECK_STATUS(got, 201);
	int64_t id = api_int(&got, "id"), made = world_last_seq(w.world);
	const char *uid = textf(&w, "UID:shift-primary-o%lld-", (long long)id).ptr;
	got = api_call(&w, &viewer, "GET", feed, NULL);
	CHECK_STR(of_event(&w, got.body, uid, "\nSTATUS:"), "CONFIRMED");
	CHECK_STR(of_event(&w, got.body, uid, "\nSEQUENCE:"), textf(&w, "%lld", (long long)made).ptr);
	struct str whole = of_event(&w, got.body, uid, "-");
	CHECK_STATUS(api_call(&w, &ann, "DELETE", path(&w, V "/overrides/%lld", id), NULL), 204);
	got = api_call(&w, &viewer, "GET", feed, NULL);
	CHECK_STR(of_event(&w, got.body, uid, "\nSTATUS:"), "CANCELLED");
	CHECK_STR(of_event(&w, got.body, uid, "\nSEQUENCE:"), textf(&w, "%lld", (long long)world_last_seq(w.world)).ptr);
	CHECK(str_eq(of_event(&w, got.body, uid, "-"), whole));
	api_world_define(&w, "Schedule", "primary", "{\"time_zone\":\"Europe/London\",\"layers\":[{\"name\":\"main\","
			 "\"start\":\"2026-03-02\",\"users\":[\"ann@example.com\"]}]}");
	got = api_call(&w, &viewer, "GET", path(&w, V "/schedules/primary/calendar.ics?user=%lld", ben.id), NULL);
	CHECK(api_says(got.body, "STATUS:CANCELLED"));
	CHECK(!api_says(got.body, "STATUS:CONFIRMED"));
	api_world_pass(&w, 40 * TIME_DAY);
	got = api_call(&w, &viewer, "GET", feed, NULL);
	CHECK(of_event(&w, got.body, uid, "\nSTATUS:").len == 0); /* its time has left the window */
	api_world_close(&w);
}

/* ---- the record ---- */

static int64_t open_private(struct api_world *w)
{
	struct api_result got = api_call(w, &ann, "POST", V "/incidents",
					 "{\"title\":\"Canary in the vault\",\"impact\":\"low\","
					 "\"urgency\":\"low\",\"visibility\":\"private\"}");
	CHECK_STATUS(got, 201);
	return api_int(&got, "id");
}

TEST(the_record_is_listed_newest_first_and_filtered)
{
	struct api_world w;
	open_with_people(&w, "journal", NULL);
	api_world_define(&w, "Schedule", "primary", SCHEDULE);
	api_call(&w, &ann, "POST", V "/schedules/primary/overrides", "{\"until\":\"2026-03-08T12:00:00Z\"}");
	struct api_result got = api_call(&w, &admin, "GET", V "/journal?limit=1", NULL);
	CHECK_STATUS(got, 200);
	check_keys(api_at(&got, "items/0"), EVENT_KEYS);
	CHECK_STR(api_text(&got, "items/0/kind"), "override.put");
	CHECK_STR(api_text(&got, "items/0/actor/name"), "Ann Onym");
	int64_t newest = api_int(&got, "items/0/seq");
	CHECK_INT(newest, world_last_seq(w.world));
	got = api_call(&w, &admin, "GET", arena_printf(&w.arena, V "/journal?limit=1&cursor=" STR_FMT,
						       STR_ARG(api_text(&got, "next"))).ptr, NULL);
	CHECK_INT(api_int(&got, "items/0/seq"), newest - 1);
	CHECK_STR(api_text(&got, "items/0/subject"), "schedule/primary");
	got = api_call(&w, &admin, "GET", V "/journal?subject=schedule/primary", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 2);
	got = api_call(&w, &admin, "GET", path(&w, V "/journal?actor=%lld&kind=override.", ann.id), NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 1);
	got = api_call(&w, &admin, "GET", path(&w, V "/journal?kind=override.&as_of=%lld", newest - 1), NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 0);
	got = api_call(&w, &admin, "GET", V "/journal?to=2026-03-08T00:00:00Z", NULL);
	CHECK_INT(doc_count(api_at(&got, "items")), 0);
	CHECK(doc_is(api_at(&got, "next"), DOC_NULL));
	CHECK_STATUS(api_call(&w, &admin, "GET", V "/journal?kind=override.putt", NULL), 400);
	const char *csv[] = { "Accept", "text/csv", NULL };
	got = api_call_with(&w, &admin, "GET", V "/journal?limit=2", NULL, csv);
	CHECK(str_starts(got.body, STR("seq,event_time,recorded_time,actor,kind")));
	api_world_close(&w);
}

TEST(a_private_incident_leaves_no_trace_in_the_record_of_others)
{
	struct api_world w;
	open_with_people(&w, "journal_private", NULL);
	int64_t id = open_private(&w);
	const char *of_it = path(&w, V "/journal?subject=incident/%lld", id);
	struct api_result got = api_call(&w, &ann, "GET", of_it, NULL);
	CHECK(doc_count(api_at(&got, "items")) >= 2);
	int64_t seq = api_int(&got, "items/0/seq");
	CHECK(api_says(got.body, "Canary"));
	const struct api_person *others[] = { &admin, &ben, &viewer, &auditor };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		got = api_call(&w, others[i], "GET", V "/journal?limit=200", NULL);
		CHECK_STATUS(got, 200);
		CHECK(!api_says(got.body, "Canary"));
		CHECK(!api_says(got.body, "\"incident/"));
		got = api_call(&w, others[i], "GET", of_it, NULL);
		CHECK_INT(doc_count(api_at(&got, "items")), 0);
		CHECK_STATUS(api_call(&w, others[i], "GET", path(&w, V "/journal/%lld/proof", seq), NULL), 404);
	}
	struct principal p;
	CHECK_INT(guard_principal_from_session(w.conn, &w.arena, str_of(auditor.session.cookie),
					       clock_wall(&w.clock), &p, &w.err), OK);
	struct guard_audit_open audit = { STR("Complaint 7"), TIME_HOUR };
	CHECK_INT(api_world_decide(&w, guard_actor(&p), guard_decide_audit_open, &audit), OK);
	got = api_call(&w, &auditor, "GET", of_it, NULL);
	CHECK(api_says(got.body, "Canary"));
	api_world_close(&w);
}

TEST(contacts_and_tokens_of_others_are_recorded_but_not_shown)
{
	struct api_world w;
	open_with_people(&w, "journal_self", NULL);
	add_ntfy(&w);
	const char *contacts = path(&w, V "/journal?kind=contact.&subject=user/%lld&limit=1", ann.id);
	struct api_result got = api_call(&w, &viewer, "GET", contacts, NULL);
	CHECK_STR(api_text(&got, "items/0/kind"), "contact.put");
	CHECK(doc_is(api_at(&got, "items/0/payload"), DOC_NULL));
	CHECK(!api_says(got.body, "ann-7"));
	const struct api_person *may[] = { &ann, &ben, &auditor };
	for (size_t i = 0; i < sizeof may / sizeof may[0]; i++) {
		got = api_call(&w, may[i], "GET", contacts, NULL);
		CHECK_STR(api_text(&got, "items/0/payload/label"), "Phone");
	}
	got = api_call(&w, &ben, "GET", V "/journal?kind=user.signed_in&limit=1", NULL);
	CHECK(doc_is(api_at(&got, "items/0/payload"), DOC_NULL));
	got = api_call(&w, &admin, "GET", V "/journal?kind=user.signed_in&limit=1", NULL);
	CHECK(doc_is(api_at(&got, "items/0/payload"), DOC_MAP));
	api_world_close(&w);
}

static void read_hash(struct str text, struct tree_hash *ret_hash)
{
	size_t length;
	CHECK(note_base64_read(text, ret_hash->bytes, sizeof ret_hash->bytes, &length));
	CHECK_INT(length, TREE_HASH_BYTES);
}

TEST(a_proof_leads_from_the_event_to_the_signed_root)
{
	struct api_world w;
	struct note_signer signer;
	struct error err;
	CHECK_OK(note_signer_init(&signer, STR("mainstay.example.com/journal"), NOTE_ED25519,
				  (const unsigned char *)"0123456789abcdef0123456789abcdef", &err));
	struct api_options more = { .signer = &signer };
	open_with_people(&w, "proof", &more);
	struct api_result got = api_call(&w, &viewer, "GET", V "/journal/3/proof", NULL);
	CHECK_STATUS(got, 200);
	check_keys(got.doc, "seq index size leaf root path checkpoint");
	CHECK_INT(api_int(&got, "index"), 2);
	CHECK_INT(api_int(&got, "size"), world_last_seq(w.world));
	struct checkpoint checkpoint;
	CHECK_OK(checkpoint_open(api_text(&got, "checkpoint"), &signer.key, &checkpoint, &err));
	struct tree_hash leaf, root;
	struct tree_proof proof = { .count = (unsigned)doc_count(api_at(&got, "path")) };
	read_hash(api_text(&got, "leaf"), &leaf);
	read_hash(api_text(&got, "root"), &root);
	CHECK(tree_hash_eq(&root, &checkpoint.root));
	for (unsigned i = 0; i < proof.count; i++)
		read_hash(doc_text(doc_at(api_at(&got, "path"), i), ""), &proof.hash[i]);
	CHECK(tree_verify_inclusion(&leaf, 2, checkpoint.size, &root, proof.hash, proof.count));
	CHECK(!tree_verify_inclusion(&leaf, 3, checkpoint.size, &root, proof.hash, proof.count));
	got = api_call(&w, &viewer, "GET", V "/journal/checkpoint", NULL);
	CHECK_STATUS(got, 200);
	CHECK_STR(got.type, "text/plain; charset=utf-8");
	CHECK_OK(checkpoint_open(got.body, &signer.key, &checkpoint, &err));
	CHECK_STATUS(api_call(&w, &viewer, "GET", V "/journal/9999/proof", NULL), 404);
	api_world_close(&w);
	note_signer_finish(&signer);
}

TEST(without_a_key_there_is_no_checkpoint_and_a_hint_says_why)
{
	struct api_world w;
	open_with_people(&w, "nokey", NULL);
	struct api_result got = api_call(&w, &viewer, "GET", V "/journal/checkpoint", NULL);
	CHECK_STATUS(got, 404);
	CHECK(api_text(&got, "hint").len > 0);
	CHECK_STATUS(api_call(&w, &viewer, "GET", V "/journal/1/proof", NULL), 404);
	api_world_close(&w);
}

TESTS(RUN(people_are_listed_by_page_and_found_by_words),
      RUN(an_admin_adds_a_person_and_nobody_else_does),
      RUN(a_person_changes_their_name_but_not_their_role),
      RUN(a_link_lets_a_person_in_once_and_is_kept_nowhere),
      RUN(a_token_is_shown_once_and_revoked_at_once),
      RUN(a_contact_is_changed_in_part_and_its_secret_stays),
      RUN(an_address_that_cannot_be_sent_to_is_refused_by_name),
      RUN(a_test_page_tells_whether_a_contact_works),
      RUN(a_browser_tells_what_it_showed_of_its_own_pages),
      RUN(an_admin_sets_how_notifications_leave_and_secrets_are_never_answered),
      RUN(the_roster_says_who_is_on_call_now_and_next),
      RUN(shifts_are_half_open_segments_and_gaps),
      RUN(who_takes_it_is_on_call_until_they_said),
      RUN(a_calendar_feed_keeps_its_bytes_until_something_changes),
      RUN(what_vanishes_from_a_calendar_is_published_as_cancelled),
      RUN(the_record_is_listed_newest_first_and_filtered),
      RUN(a_private_incident_leaves_no_trace_in_the_record_of_others),
      RUN(contacts_and_tokens_of_others_are_recorded_but_not_shown),
      RUN(a_proof_leads_from_the_event_to_the_signed_root),
      RUN(without_a_key_there_is_no_checkpoint_and_a_hint_says_why))
