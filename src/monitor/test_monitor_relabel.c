/* test_monitor_relabel.c: relabelling as Prometheus' documentation and its own behaviour have it. */
#include "base/check.h"
#include "monitor/relabel.h"

/* "a=1,b=2" as a set, through one rule; what is left, or "dropped". */
static const char *through(const char *labels, struct relabel_rule rule, const char *regex)
{
	static char text[1024];
	struct arena arena;
	struct relabel_set set;
	struct error err;
	struct str pair, rest = str_of(labels), name, value;
	size_t used = 0;
	arena_init(&arena, 0);
	relabel_set_init(&set, &arena);
	for (bool more = rest.len > 0; more;) {
		more = str_cut(rest, ',', &pair, &rest);
		str_cut(pair, '=', &name, &value);
		relabel_set_put(&set, name, value);
	}
	CHECK_OK(promql_pattern_create(str_of(regex), &rule.pattern, &err));
	text[0] = '\0';
	if (!relabel_apply(&rule, 1, &set))
		snprintf(text, sizeof text, "dropped");
	else
		for (size_t i = 0; i < set.count; i++)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s" STR_FMT "=" STR_FMT, i > 0 ? "," : "",
						 STR_ARG(set.pairs[i].name), STR_ARG(set.pairs[i].value));
	promql_pattern_destroy(&rule.pattern);
	arena_finish(&arena);
	return text;
}

static const struct str a_and_b[] = { { "a", 1 }, { "b", 1 } };

static struct relabel_rule rule_of(enum relabel_action action, size_t sources, const char *target, const char *replacement)
{
	return (struct relabel_rule){ .action = action, .sources = a_and_b, .source_count = sources, .separator = STR(";"),
				      .target = str_of(target), .replacement = str_of(replacement) };
}

TEST(replace_sets_what_the_match_makes)
{
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_REPLACE, 1, "d", "ch${1}-ch${1}"), "f(.*)"),
		   "a=foo,b=bar,d=choo-choo");
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_REPLACE, 2, "c", "$2$1"), "(.*);(.*)"), "a=foo,b=bar,c=barfoo");
	CHECK_TEXT(through("a=foo", rule_of(RELABEL_REPLACE, 1, "a", "x"), "o"), "a=foo");
	CHECK_TEXT(through("a=foo", rule_of(RELABEL_REPLACE, 1, "a", ""), "foo"), "");
	CHECK_TEXT(through("a=foo", rule_of(RELABEL_REPLACE, 1, "$1", "v"), "(.*)"), "a=foo,foo=v");
	CHECK_TEXT(through("a=foo", rule_of(RELABEL_REPLACE, 0, "c", "always"), "(.*)"), "a=foo,c=always");
	CHECK_TEXT(through("a=foo", rule_of(RELABEL_REPLACE, 1, "c", "$$$9${n}"), "(?P<n>.).*"), "a=foo,c=$f");
	CHECK_TEXT(through("a=x", rule_of(RELABEL_REPLACE, 2, "c", "$1"), "(.*)"), "a=x,c=x;");
	CHECK_TEXT(through("a=x\ny", rule_of(RELABEL_REPLACE, 1, "c", "$1"), "(.*)"), "a=x\ny,c=x\ny");
}

TEST(keep_and_drop_look_at_the_whole_value)
{
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_KEEP, 1, "", ""), "fo"), "dropped");
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_KEEP, 1, "", ""), "fo+"), "a=foo,b=bar");
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_DROP, 2, "", ""), "foo;bar"), "dropped");
	CHECK_TEXT(through("a=foo,b=bar", rule_of(RELABEL_DROP, 2, "", ""), "foo"), "a=foo,b=bar");
	CHECK_TEXT(through("b=bar", rule_of(RELABEL_DROP, 1, "", ""), ""), "dropped");
	CHECK_TEXT(through("a=v,b=v", rule_of(RELABEL_KEEPEQUAL, 1, "b", ""), "(.*)"), "a=v,b=v");
	CHECK_TEXT(through("a=v,b=w", rule_of(RELABEL_KEEPEQUAL, 1, "b", ""), "(.*)"), "dropped");
	CHECK_TEXT(through("a=v,b=v", rule_of(RELABEL_DROPEQUAL, 1, "b", ""), "(.*)"), "dropped");
	CHECK_TEXT(through("a=v,b=w", rule_of(RELABEL_DROPEQUAL, 1, "b", ""), "(.*)"), "a=v,b=w");
}

TEST(hashmod_is_the_md5_that_prometheus_shards_by)
{
	struct relabel_rule rule = rule_of(RELABEL_HASHMOD, 1, "d", "");
	rule.modulus = 1000;
	CHECK_TEXT(through("a=foo\nbar,b=bar", rule, "(.*)"), "a=foo\nbar,b=bar,d=734");
	rule.source_count = 2;
	CHECK_TEXT(through("a=foo,b=bar", rule, "(.*)"), "a=foo,b=bar,d=750");
	rule.modulus = UINT64_MAX;
	rule.source_count = 1;
	CHECK_TEXT(through("b=bar", rule, "(.*)"), "b=bar,d=16825458760271544958");
}

TEST(names_are_mapped_dropped_and_kept)
{
	CHECK_TEXT(through("__meta_x=1,__meta_y=2,z=3", rule_of(RELABEL_LABELMAP, 0, "", "$1"), "__meta_(.*)"),
		   "__meta_x=1,__meta_y=2,x=1,y=2,z=3");
	CHECK_TEXT(through("a1=1,b1=2,a2=3", rule_of(RELABEL_LABELDROP, 0, "", ""), "a."), "b1=2");
	CHECK_TEXT(through("a1=1,b1=2,a2=3", rule_of(RELABEL_LABELKEEP, 0, "", ""), "a."), "a1=1,a2=3");
	CHECK_TEXT(through("a=1,b=2", rule_of(RELABEL_LABELMAP, 0, "", "b"), "a"), "a=1,b=1");
}

TEST(letters_are_made_small_or_large_beyond_ascii_too)
{
	CHECK_TEXT(through("a=Foo-\xC3\x84", rule_of(RELABEL_LOWERCASE, 1, "c", ""), "(.*)"), "a=Foo-\xC3\x84,c=foo-\xC3\xA4");
	CHECK_TEXT(through("a=Foo-\xC3\xA4", rule_of(RELABEL_UPPERCASE, 1, "c", ""), "(.*)"), "a=Foo-\xC3\xA4,c=FOO-\xC3\x84");
	CHECK_TEXT(through("a=\xff" "A", rule_of(RELABEL_LOWERCASE, 1, "c", ""), "(.*)"), "a=\xff" "A,c=\xff" "a");
	CHECK_TEXT(through("b=1", rule_of(RELABEL_UPPERCASE, 1, "b", ""), "(.*)"), "");
}

TEST(a_set_stays_sorted_and_has_no_empty_value)
{
	cleanup_arena struct arena arena;
	struct relabel_set set;
	char names[200][8];
	arena_init(&arena, 0);
	relabel_set_init(&set, &arena);
	for (int i = 0; i < 200; i++) {
		snprintf(names[i], sizeof names[i], "n%d", i * 37 % 200);
		relabel_set_put(&set, str_of(names[i]), STR("v"));
	}
	CHECK_INT(set.count, 200);
	for (size_t i = 1; i < set.count; i++)
		CHECK(str_cmp(set.pairs[i - 1].name, set.pairs[i].name) < 0);
	for (int i = 0; i < 200; i += 2)
		relabel_set_put(&set, str_of(names[i]), STR_NONE);
	CHECK_INT(set.count, 100);
	CHECK_INT(relabel_set_get(&set, str_of(names[0])).len, 0);
	CHECK_STR(relabel_set_get(&set, str_of(names[1])), "v");
}

TESTS(RUN(replace_sets_what_the_match_makes), RUN(keep_and_drop_look_at_the_whole_value),
      RUN(hashmod_is_the_md5_that_prometheus_shards_by), RUN(names_are_mapped_dropped_and_kept),
      RUN(letters_are_made_small_or_large_beyond_ascii_too), RUN(a_set_stays_sorted_and_has_no_empty_value))
