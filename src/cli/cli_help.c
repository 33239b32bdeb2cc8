/* cli_help.c: help, the manual page docs/cli.md, and the way from words to a row. */
#include <assert.h>
#include <string.h>

#include "cli/cli_priv.h"

#define LEFT_WIDTH 26
#define LEFT_BYTES 256

/* ---- finding ---- */

static bool is_one_of(const char *words, const char *word)
{
	struct str one, rest = str_of(words);
	while (word != NULL && rest.len > 0) {
		str_cut(rest, '|', &one, &rest);
		if (str_is(one, word))
			return true;
	}
	return false;
}

static bool names_data(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--data") == 0 || strncmp(argv[i], "--data=", 7) == 0)
			return true;
	}
	return false;
}

static bool is_meant(const struct verb *verb, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	if (strcmp(verb->name, argv[0]) != 0)
		return false;
	return verb->words == NULL || is_one_of(verb->words, word) ||
	       (is_one_of(verb->words_with_data, word) && names_data(argc, argv));
}

const struct verb *verb_find(const struct verb_group *groups, int argc, char **argv)
{
	assert(argc > 0);
	for (; groups->title != NULL; groups++) {
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++) {
			if (is_meant(verb, argc, argv))
				return verb;
		}
	}
	return NULL;
}

const char *verb_nearest(const struct verb_group *groups, const char *name)
{
	const char *nearest = NULL;
	unsigned best = cli_nearness(str_of(name));
	for (; groups->title != NULL; groups++) {
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++) {
			unsigned distance = cli_distance(str_of(name), verb->name);
			if (distance < best) {
				best = distance;
				nearest = verb->name;
			}
		}
	}
	return nearest;
}

/* ---- words of a row ---- */


static void put_argument(const struct cli_input *row, struct buf *out)
{
	bool must = row->flags & CLI_REQUIRED;
	const char *more = row->flags & (CLI_MANY | CLI_REST) ? " ..." : "";
	buf_printf(out, must ? " %s%s" : " [%s%s]", row->name, more);
}

static void put_required_flag(const struct cli_input *row, struct buf *out)
{
	const char *value = cli_input_value(row);
	buf_printf(out, " --%s %s", row->name, value != NULL ? value : "");
}

void cli_put_usage(const struct verb *verb, const struct cli_action *action, struct buf *out)
{
	buf_printf(out, "mainstay %s%s%s", verb->name, action->name[0] != '\0' ? " " : "", action->name);
	bool flags = false;
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		if (cli_input_is_argument(row))
			put_argument(row, out);
		else if (row->flags & CLI_REQUIRED)
			put_required_flag(row, out);
		else
			flags = true;
	}
	buf_adds(out, flags ? " [FLAG ...]" : "");
}

static void put_input(const struct cli_input *row, struct buf *out)
{
	struct buf left;
	const char *value = cli_input_value(row);
	bool argument = cli_input_is_argument(row);
	buf_init(&left, LEFT_BYTES);
	if (row->letter != 0)
		buf_printf(&left, "-%c, ", row->letter);
	buf_printf(&left, "%s%s", argument ? "" : "--", row->name);
	if (!argument && value != NULL)
		buf_printf(&left, " %s", value);
	buf_printf(out, left.used <= LEFT_WIDTH ? "  %-26s  " : "  %s\n                              ",
		   left.bytes);
	buf_adds(out, row->about);
	if (argument && row->choices != NULL)
		buf_printf(out, ": %s", row->choices);
	if (row->otherwise != NULL)
		buf_printf(out, " (%s)", row->otherwise);
	buf_addc(out, '\n');
	buf_finish(&left);
}

static void put_inputs(const struct cli_action *action, bool arguments, struct buf *out)
{
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		if (cli_input_is_argument(row) == arguments)
			put_input(row, out);
	}
}

static void put_common(struct buf *out)
{
	for (const struct cli_input *row = cli_common; row->name != NULL; row++)
		put_input(row, out);
}

static void put_examples(const struct cli_action *action, const char *before, struct buf *out)
{
	for (unsigned i = 0; i < CLI_EXAMPLES_MAX && action->examples[i] != NULL; i++)
		buf_printf(out, "%s%s\n", before, action->examples[i]);
}

/* ---- on the screen ---- */

static unsigned count_actions(const struct verb *verb)
{
	unsigned count = 0;
	while (verb->actions[count].about != NULL)
		count++;
	return count;
}

static void help_action(const struct verb *verb, const struct cli_action *action, struct buf *out)
{
	cli_put_usage(verb, action, out);
	buf_printf(out, "\n\n  %s\n\n", action->about);
	put_inputs(action, true, out);
	put_inputs(action, false, out);
	buf_adds(out, action->inputs != NULL ? "\nexamples:\n" : "examples:\n");
	put_examples(action, "  ", out);
}

static void help_actions(const struct verb *verb, struct buf *out)
{
	buf_printf(out, "mainstay %s: %s\n\n", verb->name, verb->about);
	for (const struct cli_action *action = verb->actions; action->about != NULL; action++)
		buf_printf(out, "  %-12s  %s\n", action->name, action->about);
	buf_adds(out, "\nexamples:\n");
	for (const struct cli_action *action = verb->actions; action->about != NULL; action++)
		buf_printf(out, "  %s\n", action->examples[0]);
	buf_printf(out, "\nmore about one of them: mainstay %s %s --help\n", verb->name,
		   verb->actions[0].name);
}

void cli_help_verb(const struct verb *verb, struct buf *out)
{
	if (verb->actions == NULL) {
		buf_printf(out, "mainstay %s\n\n  %s\n", verb->usage, verb->about);
		return;
	}
	if (count_actions(verb) > 1) {
		help_actions(verb, out);
		return;
	}
	help_action(verb, verb->actions, out);
	buf_adds(out, "\nevery verb that speaks to a server takes:\n");
	put_common(out);
}

void cli_help_overview(const struct verb_group *groups, struct buf *out)
{
	for (; groups->title != NULL; groups++) {
		buf_printf(out, "\n%s:\n", groups->title);
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++)
			buf_printf(out, "  %-12s  %s\n", verb->name, verb->about);
	}
	buf_adds(out, "\nmore about one of them: mainstay VERB --help\n");
}

/* ---- the manual ---- */

static void markdown_action(const struct verb *verb, const struct cli_action *action, struct buf *out)
{
	buf_adds(out, "\n```\n");
	cli_put_usage(verb, action, out);
	buf_printf(out, "\n\n  %s\n\n", action->about);
	put_inputs(action, true, out);
	put_inputs(action, false, out);
	buf_adds(out, action->inputs != NULL ? "\n" : "");
	put_examples(action, "$ ", out);
	buf_adds(out, "```\n");
}

static void markdown_verb(const struct verb *verb, struct buf *out)
{
	buf_printf(out, "\n### %s\n\n%c%s.\n", verb->name, verb->about[0] - 'a' + 'A', verb->about + 1);
	if (verb->actions == NULL) {
		buf_printf(out, "\n```\nmainstay %s\n```\n", verb->usage);
		return;
	}
	for (const struct cli_action *action = verb->actions; action->about != NULL; action++)
		markdown_action(verb, action, out);
}

static const char head[] =
	"# The command line\n\n"
	"This page is made by `mainstay help --markdown` from the tables the program reads its verbs by.\n"
	"Every example on it is run by a test.\n\n"
	"A verb asks one server. Which one, in this order: `--server URL`, the variable `MAINSTAY_SERVER`, the\n"
	"line `server: URL` of `~/.config/mainstay/cli.yaml`, `http://127.0.0.1:8484`. Who asks: `--token`,\n"
	"`--token-file`, `MAINSTAY_TOKEN`, or what `mainstay login` kept for that server.\n\n"
	"What was asked for is printed on stdout, everything else on stderr. In a terminal tables are\n"
	"coloured and cut to its width; `-o json`, `-o yaml` and `-o csv` are for programs.\n\n"
	"| exit status | what it means |\n|---|---|\n"
	"| 0 | done |\n| 1 | refused, or it failed; the reason is on stderr |\n"
	"| 2 | the command itself is wrong |\n| 3 | the server cannot be reached |\n"
	"| 4 | nobody is signed in |\n\n"
	"A WHEN is `18:00` (the next time your clock shows it), `2h` from now, `-7d` before now, `2026-11-23`,\n"
	"`2026-11-23 09:00`, or `2026-11-23T09:00:00Z`. A WHO is `me`, an e-mail address, a name or an id.\n\n"
	"Completion for your shell:\n\n"
	"```\n"
	"bash  mainstay completion bash > ~/.local/share/bash-completion/completions/mainstay\n"
	"zsh   mainstay completion zsh > \"${fpath[1]}/_mainstay\"\n"
	"fish  mainstay completion fish > ~/.config/fish/completions/mainstay.fish\n"
	"```\n\n"
	"What every verb that speaks to a server takes:\n\n```\n";

void cli_help_markdown(const struct verb_group *groups, struct buf *out)
{
	buf_adds(out, head);
	put_common(out);
	buf_adds(out, "```\n");
	for (; groups->title != NULL; groups++) {
		buf_printf(out, "\n## %c%s\n", groups->title[0] - 'a' + 'A', groups->title + 1);
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++)
			markdown_verb(verb, out);
	}
}
