/* test_resource_plan.c: what an apply would do, over definitions held in a plain array. */
#include "resource/plan.h"
#include "resource/test_resource_kinds.h"
#include "resource/text_diff.h"

#define DOCUMENT(kind, name, spec) \
	"---\napiVersion: mainstay/v1\nkind: " kind "\nmetadata: {name: " name "}\nspec: " spec "\n"

struct stored {
	const char *kind, *name, *spec, *manager;
};

static enum err list_stored(void *context, definition_each_fn *each, void *each_context,
			    struct error *err)
{
	for (const struct stored *one = context; one->kind != NULL; one++) {
		struct definition definition = {
			.kind = str_of(one->kind), .name = str_of(one->name),
			.spec = str_of(one->spec), .manager = str_of(one->manager), .revision = 4,
		};
		if (!each(each_context, &definition))
			break;
	}
	return OK;
}

static bool is_known_user(void *context, const char *kind, struct str name)
{
	return strcmp(kind, "User") == 0 && str_ends(name, STR("@ours.example"));
}

static enum err make(struct test_run *run, const char *yaml, struct stored *now,
		     struct plan_options options, struct plan *ret_plan)
{
	struct plan_current current = { now, list_stored, is_known_user };
	spec_errors_init(&run->errors, &run->arena, NULL);
	if (test_parse(run, yaml) != OK)
		fail_msg("%s", run->err.text);
	options.set = options.set.len > 0 ? options.set : STR("git");
	return plan_make(test_kinds, &run->list, &current, &options, &run->arena, &run->errors,
			 ret_plan, &run->err);
}

/* The plan as text is what is wanted. */
static void plans(const char *yaml, struct stored *now, struct plan_options options,
		  const char *wanted)
{
	struct test_run *run = test_begin();
	struct plan plan;
	enum err result = make(run, yaml, now, options, &plan);
	if (result != OK)
		fail_msg("%s", run->err.text);
	plan_print(&plan, &run->text);
	if (!str_is(buf_str(&run->text), wanted))
		fail_msg("wanted\n%s\nfound\n%s", wanted, run->text.bytes);
	test_end(run);
}

static void refused(const char *yaml, struct stored *now, struct plan_options options,
		    const char *sentence)
{
	struct test_run *run = test_begin();
	struct plan plan = { 0 };
	CHECK_INT(make(run, yaml, now, options, &plan), ERR_INVALID);
	CHECK(plan.changes == NULL);
	CHECK_TEXT(run->err.text, sentence);
	test_end(run);
}

TEST(what_is_new_changed_and_the_same_is_told_apart)
{
	struct stored now[] = {
		{ "Team", "ops", "{}", "git" },
		{ "Service", "web", "{\"tier\":1}", "git" },
		{ "Service", "old", "{}", "git" },
		{ NULL },
	};
	const char *files = DOCUMENT("Check", "web", "{url: 'https://x.example', service: web}")
		DOCUMENT("Service", "web", "{tier: 2, team: ops}") DOCUMENT("Team", "ops", "{}");
	plans(files, now, (struct plan_options){ 0 },
	      "update Service web (f.yaml:7)\ncreate Check web (f.yaml:2)\n"
	      "1 to create, 1 to update, 0 to delete, 1 unchanged, 0 refused\n"
	      "1 of this set are no longer in the files and stay; --prune deletes them\n");
	plans(files, now, (struct plan_options){ .prune = true, .diff = true },
	      "delete Service old\nupdate Service web (f.yaml:7)\n    @@ -1,1 +1,2 @@\n    -tier: 1\n"
	      "    +tier: 2\n    +team: ops\ncreate Check web (f.yaml:2)\n    @@ -0,0 +1,2 @@\n"
	      "    +url: https://x.example\n    +service: web\n"
	      "1 to create, 1 to update, 1 to delete, 1 unchanged, 0 refused\n");
}

TEST(equal_meaning_is_no_change_whatever_the_spelling)
{
	struct stored now[] = {
		{ "Check", "web", "{\"interval\":\"1m\",\"url\":\"https://x.example\"}", "git" },
		{ "Service", "web", "{\"tier\":3}", "git" }, /* from when 3 was not the default */
		{ NULL },
	};
	plans(DOCUMENT("Check", "web", "{url: 'https://x.example', interval: 60s}")
		      DOCUMENT("Service", "web", "{}"),
	      now, (struct plan_options){ .diff = true },
	      "0 to create, 0 to update, 0 to delete, 2 unchanged, 0 refused\n");
}

TEST(what_people_or_other_sets_manage_is_refused)
{
	struct stored now[] = {
		{ "Team", "a", "{}", "people" },
		{ "Team", "b", "{\"display\":\"B\"}", "people" },
		{ "Team", "c", "{}", "other" },
		{ NULL },
	};
	const char *files = DOCUMENT("Team", "a", "{}") DOCUMENT("Team", "b", "{display: Bee}")
		DOCUMENT("Team", "c", "{}");
	plans(files, now, (struct plan_options){ .prune = true },
	      "refused Team a (f.yaml:2): people manage it (revision 4); look at what they changed, then "
	      "apply with --take to make it the files' again\n"
	      "refused Team b (f.yaml:7): people manage it (revision 4); look at what they changed, then "
	      "apply with --take to make it the files' again\n"
	      "refused Team c (f.yaml:12): it belongs to the file set \"other\"; remove it there first\n"
	      "0 to create, 0 to update, 0 to delete, 0 unchanged, 3 refused\n");
	plans(files, now, (struct plan_options){ .take = true },
	      "update Team a (f.yaml:2)\nupdate Team b (f.yaml:7)\n"
	      "refused Team c (f.yaml:12): it belongs to the file set \"other\"; remove it there first\n"
	      "0 to create, 2 to update, 0 to delete, 0 unchanged, 1 refused\n");
	struct test_run *run = test_begin();
	struct plan plan;
	CHECK_INT(make(run, files, now, (struct plan_options){ .take = true }, &plan), OK);
	CHECK_INT(plan_refusal(&plan, &run->err), ERR_CONFLICT);
	CHECK_TEXT(run->err.text,
		   "Team \"c\": it belongs to the file set \"other\"; remove it there first");
	test_end(run);
}

TEST(prune_deletes_only_what_its_own_set_had)
{
	struct stored now[] = {
		{ "Team", "mine", "{}", "git" },
		{ "Team", "theirs", "{}", "other" },
		{ "Team", "people", "{}", "people" },
		{ NULL },
	};
	plans("", now, (struct plan_options){ .prune = true, .take = true },
	      "delete Team mine\n0 to create, 0 to update, 1 to delete, 0 unchanged, 0 refused\n");
	plans("", now, (struct plan_options){ .prune = true, .set = STR("new") },
	      "0 to create, 0 to update, 0 to delete, 0 unchanged, 0 refused\n");
}

TEST(references_must_lead_somewhere_after_the_plan)
{
	struct stored now[] = {
		{ "Team", "ops", "{}", "git" },
		{ "Service", "shop", "{\"team\":\"ops\"}", "people" },
		{ "Service", "lost", "{\"team\":\"never\"}", "people" }, /* broken before: not ours */
		{ NULL },
	};
	refused(DOCUMENT("Service", "web", "{team: opz}"), now, (struct plan_options){ 0 },
		"f.yaml:5:14: Service \"web\": there is no Team \"opz\"");
	refused(DOCUMENT("Service", "web", "{depends_on: [shop, nil]}"), now, (struct plan_options){ 0 },
		"f.yaml:5:27: Service \"web\": there is no Service \"nil\"");
	refused(DOCUMENT("Team", "new", "{members: [a@ours.example, b@else.example]}"), now,
		(struct plan_options){ 0 },
		"f.yaml:5:34: Team \"new\": there is no User \"b@else.example\"");
	refused("", now, (struct plan_options){ .prune = true },
		"Service \"shop\": it uses Team \"ops\", which would be gone after this");
	plans(DOCUMENT("Service", "web", "{team: new}") DOCUMENT("Team", "new", "{}")
		      DOCUMENT("Team", "ops", "{}"),
	      now, (struct plan_options){ 0 },
	      "create Team new (f.yaml:7)\ncreate Service web (f.yaml:2)\n"
	      "2 to create, 0 to update, 0 to delete, 1 unchanged, 0 refused\n");
}

TEST(circles_of_dependencies_are_refused)
{
	struct stored now[] = {
		{ "Service", "c", "{\"depends_on\":[\"d\"]}", "people" },
		{ "Service", "d", "{\"depends_on\":[\"a\"]}", "people" },
		{ "Service", "e", "{\"depends_on\":[\"f\"]}", "people" }, /* an old circle: not ours */
		{ "Service", "f", "{\"depends_on\":[\"e\"]}", "people" },
		{ "Service", "a", "{}", "git" },
		{ NULL },
	};
	refused(DOCUMENT("Service", "a", "{depends_on: [b]}") DOCUMENT("Service", "b", "{depends_on: [c]}"),
		now, (struct plan_options){ 0 },
		"f.yaml:5:20: Service \"a\": \"depends_on\" leads in a circle: a -> b -> c -> d -> a");
	refused(DOCUMENT("Service", "x", "{depends_on: [x]}"), now, (struct plan_options){ 0 },
		"f.yaml:5:20: Service \"x\": \"depends_on\" leads in a circle: x -> x");
	plans(DOCUMENT("Service", "a", "{}") DOCUMENT("Service", "b", "{depends_on: [c, d, a]}"), now,
	      (struct plan_options){ 0 },
	      "create Service b (f.yaml:7)\n1 to create, 0 to update, 0 to delete, 1 unchanged, 0 refused\n");
}

TEST(a_chain_as_long_as_an_apply_is_followed)
{
	struct test_run *run = test_begin();
	struct stored now[] = { { NULL } };
	struct plan plan;
	cleanup_buf struct buf files;
	buf_init(&files, 1 << 20);
	for (int i = 0; i < 1500; i++)
		buf_printf(&files,
			   "---\napiVersion: mainstay/v1\nkind: Service\nmetadata: {name: s%d}\n"
			   "spec: {depends_on: [s%d]}\n", i, (i + 1) % 1500);
	CHECK_INT(make(run, files.bytes, now, (struct plan_options){ 0 }, &plan), ERR_INVALID);
	CHECK(strstr(run->err.text, "s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> s8 -> s9 -> ... -> "
				    "s0") != NULL);
	test_end(run);
}

TEST(the_changes_for_the_store_expect_what_the_plan_saw)
{
	struct test_run *run = test_begin();
	struct stored now[] = {
		{ "Team", "same", "{}", "git" },
		{ "Team", "gone", "{}", "git" },
		{ "Team", "more", "{}", "git" },
		{ NULL },
	};
	struct plan_options options = { .set = STR("git"), .prune = true };
	struct plan plan;
	CHECK_INT(make(run, DOCUMENT("Team", "same", "{}") DOCUMENT("Team", "more", "{display: M}")
				    DOCUMENT("Team", "new", "{}"),
		       now, options, &plan), OK);
	CHECK_INT(plan_refusal(&plan, &run->err), OK);
	struct definition_changes changes = plan_changes(&plan, &options, &run->arena);
	CHECK_INT(changes.count, 3);
	CHECK_STR(changes.changes[0].name, "gone");
	CHECK_STR(changes.changes[0].spec, "");
	CHECK_INT(changes.changes[0].expect_revision, 4);
	CHECK_STR(changes.changes[1].name, "more");
	CHECK_STR(changes.changes[1].spec, "{\"display\":\"M\"}");
	CHECK_STR(changes.changes[2].name, "new");
	CHECK_STR(changes.changes[2].manager, "git");
	CHECK_INT(changes.changes[2].expect_revision, 0);
	test_end(run);
}

TEST(secrets_stay_out_of_the_differences)
{
	struct test_run *run = test_begin();
	struct stored now[] = {
		{ "Check", "web", "{\"url\":\"https://x.example\",\"token\":\"old-secret\"}", "git" },
		{ NULL },
	};
	struct plan plan;
	CHECK_INT(make(run, DOCUMENT("Check", "web", "{url: 'https://y.example', token: new-secret}"), now,
		       (struct plan_options){ .diff = true }, &plan), OK);
	plan_print(&plan, &run->text);
	CHECK(strstr(run->text.bytes, "+url: https://y.example") != NULL);
	CHECK(strstr(run->text.bytes, "-secret") == NULL);
	test_end(run);
}

TEST(a_set_needs_a_name_of_its_own)
{
	struct test_run *run = test_begin();
	struct stored now[] = { { NULL } };
	struct plan plan;
	CHECK_INT(make(run, "", now, (struct plan_options){ .set = STR("people") }, &plan), ERR_INVALID);
	CHECK_INT(make(run, "", now, (struct plan_options){ .set = STR("A b") }, &plan), ERR_INVALID);
	test_end(run);
}

static void differs(const char *before, const char *after, const char *wanted)
{
	cleanup_buf struct buf buf;
	buf_init(&buf, 1 << 16);
	text_diff(str_of(before), str_of(after), &buf);
	CHECK_STR(buf_str(&buf), wanted);
}

TEST(differences_are_shown_with_three_lines_around)
{
	differs("a\nb\n", "a\nb\n", "");
	differs("", "", "");
	differs("", "a\n", "@@ -0,0 +1,1 @@\n+a\n");
	differs("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
	differs("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
		"@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	differs("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
		"@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	differs("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
		"@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
	differs("x\ny\nz\n", "x\nnew\ny\n", "@@ -1,3 +1,3 @@\n x\n+new\n y\n-z\n");
}

TESTS(RUN(what_is_new_changed_and_the_same_is_told_apart),
      RUN(equal_meaning_is_no_change_whatever_the_spelling),
      RUN(what_people_or_other_sets_manage_is_refused),
      RUN(prune_deletes_only_what_its_own_set_had),
      RUN(references_must_lead_somewhere_after_the_plan), RUN(circles_of_dependencies_are_refused),
      RUN(a_chain_as_long_as_an_apply_is_followed),
      RUN(the_changes_for_the_store_expect_what_the_plan_saw),
      RUN(secrets_stay_out_of_the_differences), RUN(a_set_needs_a_name_of_its_own),
      RUN(differences_are_shown_with_three_lines_around))
