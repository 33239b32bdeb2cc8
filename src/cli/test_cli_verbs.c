/* test_cli_verbs.c: the rows themselves are sound, and help and completion say all of them. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/cli_priv.h"

static int run_nothing(const struct verb *verb, int argc, char **argv)
{
	(void)verb, (void)argc, (void)argv;
	return 0;
}

static const struct verb machine[] = {
	{ "serve", "serve [SETTING ...]", "start the server", run_nothing },
	{ "journal", "journal verify|key", "check the record", run_nothing, .words = "verify|key",
	  .words_with_data = "checkpoint" },
	{ 0 },
};
static const struct verb_group groups[] = {
	{ "on this machine", machine },
	{ "over the API", client_verbs },
	{ 0 },
};

typedef void each_fn(const struct verb *verb, const struct cli_action *action);

static void each(each_fn *fn)
{
	for (const struct verb *verb = client_verbs; verb->name != NULL; verb++) {
		for (const struct cli_action *action = verb->actions; action->about != NULL; action++)
			fn(verb, action);
	}
}

/* ---- rows ---- */

static bool has_input(const struct cli_action *action, struct str key)
{
	char name[CLI_KEY_BYTES];
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		if (row->place == CLI_PATH && str_eq(cli_input_key(row, name), key))
			return true;
	}
	return false;
}

static void check_path(const struct verb *verb, const struct cli_action *action)
{
	struct str rest = str_of(action->path), before, key;
	(void)verb;
	CHECK((action->method == NULL) == (action->path == NULL));
	CHECK(action->path != NULL || action->run != NULL);
	while (str_cut(rest, '{', &before, &rest)) {
		CHECK(str_cut(rest, '}', &key, &rest));
		CHECK(has_input(action, key));
	}
}

static void check_input(const struct cli_action *action, const struct cli_input *row)
{
	bool choice = row->type == CLI_CHOICE || row->type == CLI_CHOICES;
	CHECK(row->about != NULL && row->about[strlen(row->about) - 1] != '.');
	CHECK((row->choices != NULL) == choice);
	CHECK(!(row->otherwise != NULL && (row->flags & CLI_REQUIRED)));
	CHECK(!cli_input_is_argument(row) || row->type != CLI_SWITCH);
	for (const struct cli_input *other = action->inputs; other != row; other++)
		CHECK(strcmp(other->name, row->name) != 0);
	for (const struct cli_input *common = cli_common; common->name != NULL; common++) {
		CHECK(strcmp(common->name, row->name) != 0);
		CHECK(row->letter == 0 || row->letter != common->letter);
	}
}

static void check_inputs(const struct verb *verb, const struct cli_action *action)
{
	bool last = false, limit = false;
	(void)verb;
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		check_input(action, row);
		CHECK(!(last && cli_input_is_argument(row))); /* after REST or MANY nothing has a place */
		if (cli_input_is_argument(row))
			last = row->flags & (CLI_REST | CLI_MANY);
		limit = limit || strcmp(row->name, "limit") == 0;
	}
	CHECK(!action->pages || limit);
}

TEST(every_path_names_inputs_that_are_there)
{
	each(check_path);
}

TEST(every_input_is_sound)
{
	each(check_inputs);
}

/* ---- examples ---- */

#define WORDS_MAX 32

/* As a shell does it, for what examples use: blanks, quotes, and an end at > < | or ;. */
static int split(char *line, char **ret_words)
{
	int count = 0;
	char *at = line, *out = line;
	while (*at != '\0') {
		while (*at == ' ')
			at++;
		if (*at == '\0' || strchr("<>|;", *at) != NULL)
			break;
		CHECK(count < WORDS_MAX);
		ret_words[count++] = out;
		bool quoted = false;
		for (; *at != '\0' && (quoted || *at != ' '); at++) {
			if (*at == '"')
				quoted = !quoted;
			else
				*out++ = *at;
		}
		at += *at != '\0';
		*out++ = '\0';
	}
	return count;
}

static void check_example(const struct verb *verb, const struct cli_action *action, const char *example)
{
	char line[256], *words[WORDS_MAX];
	struct arena arena;
	struct cli_screen screen = { .now = INT64_C(1795342968000000) };
	struct cli_inputs inputs;
	struct error err = { 0 };
	snprintf(line, sizeof line, "%s", example);
	CHECK_TEXT(line, example);
	int count = split(line, words), skip = action->name[0] != '\0' ? 3 : 2;
	CHECK(count >= skip);
	CHECK_TEXT(words[0], "mainstay");
	CHECK_TEXT(words[1], verb->name);
	if (skip == 3)
		CHECK_TEXT(words[2], action->name);
	CHECK(verb_find(groups, count - 1, words + 1) == verb);
	arena_init(&arena, 16u << 20);
	if (cli_inputs_parse(action, &screen, count - skip, words + skip, &arena, &inputs, &err) != OK)
		fail_msg("%s: %s", example, err.text);
	CHECK(!inputs.help);
	arena_finish(&arena);
}

static void check_examples(const struct verb *verb, const struct cli_action *action)
{
	CHECK(action->examples[0] != NULL);
	CHECK(action->examples[1] != NULL);
	CHECK(strcmp(action->examples[0], action->examples[1]) != 0);
	for (unsigned i = 0; i < CLI_EXAMPLES_MAX && action->examples[i] != NULL; i++)
		check_example(verb, action, action->examples[i]);
}

TEST(every_action_has_two_examples_that_its_rows_understand)
{
	each(check_examples);
}

/* ---- words about them ---- */

static struct buf text;

static void check_said(const struct verb *verb, const struct cli_action *action)
{
	char wanted[200];
	snprintf(wanted, sizeof wanted, "mainstay %s%s%s", verb->name, action->name[0] != '\0' ? " " : "",
		 action->name);
	CHECK(strstr(text.bytes, wanted) != NULL);
	CHECK(strstr(text.bytes, action->about) != NULL);
	CHECK(strstr(text.bytes, action->examples[1]) != NULL);
}

TEST(the_manual_says_every_verb_flag_and_example)
{
	buf_init(&text, 1u << 20);
	cli_help_markdown(groups, &text);
	CHECK(!text.full);
	each(check_said);
	CHECK(strstr(text.bytes, "mainstay serve [SETTING ...]") != NULL);
	buf_finish(&text);
}

TEST(help_of_one_action_shows_usage_flags_and_examples)
{
	static const struct cli_input inputs[] = {
		{ "ID", CLI_INT, CLI_PATH, "the thing", CLI_REQUIRED },
		{ "for", CLI_DURATION, CLI_BODY, "how long", .otherwise = "2h" },
		{ "file", CLI_TEXT, CLI_OWN, "what to read", .letter = 'f', .value = "PATH" },
		{ "reason", CLI_TEXT, CLI_BODY, "why", CLI_REQUIRED },
		{ .name = NULL },
	};
	static const struct cli_action actions[] = {
		{ "poke", "Pokes it.", "POST", "/things/{id}", inputs,
		  .examples = { "mainstay thing poke 1 --reason fun", "mainstay thing poke 2 --reason fun" } },
		{ 0 },
	};
	static const struct verb verb = { .name = "thing", .about = "things", .actions = actions };
	buf_init(&text, 1u << 20);
	cli_help_verb(&verb, &text);
	const char *end = strstr(text.bytes, "\nevery verb that speaks");
	CHECK(end != NULL);
	CHECK_STR(((struct str){ text.bytes, (size_t)(end - text.bytes) }),
		  "mainstay thing poke ID --reason TEXT [FLAG ...]\n\n"
		  "  Pokes it.\n\n"
		  "  ID                          the thing\n"
		  "  --for DURATION              how long (2h)\n"
		  "  -f, --file PATH             what to read\n"
		  "  --reason TEXT               why\n"
		  "\nexamples:\n"
		  "  mainstay thing poke 1 --reason fun\n"
		  "  mainstay thing poke 2 --reason fun\n");
	buf_finish(&text);
}

static void check_completed(const struct verb *verb, const struct cli_action *action)
{
	char wanted[200];
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		if (cli_input_is_argument(row))
			continue;
		snprintf(wanted, sizeof wanted, "\"%s %s\") words=\"", verb->name, action->name);
		const char *line = strstr(text.bytes, wanted);
		CHECK(line != NULL);
		snprintf(wanted, sizeof wanted, "--%s ", row->name);
		const char *flag = strstr(line, wanted);
		CHECK(flag != NULL && flag < strchr(line, '\n'));
	}
}

TEST(completion_knows_every_flag_of_every_action)
{
	buf_init(&text, 1u << 20);
	CHECK(cli_completion(groups, "bash", &text));
	each(check_completed);
	CHECK(strstr(text.bytes, "journal) words=\"verify key list proof checkpoint \"") != NULL);
	buf_reset(&text);
	CHECK(cli_completion(groups, "zsh", &text));
	CHECK(strncmp(text.bytes, "#compdef mainstay\n", 18) == 0);
	buf_reset(&text);
	CHECK(cli_completion(groups, "fish", &text));
	CHECK(!cli_completion(groups, "cmd", &text));
	buf_finish(&text);
}

/* ---- which row is meant ---- */

static const struct verb *found(const char *a, const char *b, const char *c, const char *d)
{
	char *words[] = { (char *)a, (char *)b, (char *)c, (char *)d };
	int count = 0;
	while (count < 4 && words[count] != NULL)
		count++;
	return verb_find(groups, count, words);
}

TEST(a_noun_of_both_tables_is_told_apart_by_the_next_word)
{
	CHECK(found("journal", "verify", NULL, NULL) == &machine[1]);
	CHECK(found("journal", "list", NULL, NULL)->actions == journal_actions);
	CHECK(found("journal", NULL, NULL, NULL)->actions == journal_actions);
	CHECK(found("journal", "checkpoint", NULL, NULL)->actions == journal_actions);
	CHECK(found("journal", "checkpoint", "--data", "x") == &machine[1]);
	CHECK(found("serve", NULL, NULL, NULL) == &machine[0]);
	CHECK(found("serv", NULL, NULL, NULL) == NULL);
	CHECK_TEXT(verb_nearest(groups, "serv"), "serve");
	CHECK_TEXT(verb_nearest(groups, "incidnet"), "incident");
	CHECK_TEXT(verb_nearest(groups, "inc"), "incident");
	CHECK(verb_nearest(groups, "in") == NULL);
	CHECK(verb_nearest(groups, "xyzzyx") == NULL);
}

TESTS(RUN(every_path_names_inputs_that_are_there), RUN(every_input_is_sound),
      RUN(every_action_has_two_examples_that_its_rows_understand),
      RUN(the_manual_says_every_verb_flag_and_example),
      RUN(help_of_one_action_shows_usage_flags_and_examples),
      RUN(completion_knows_every_flag_of_every_action),
      RUN(a_noun_of_both_tables_is_told_apart_by_the_next_word))
