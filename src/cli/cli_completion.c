/*
 * cli_completion.c: completion scripts, made of the same rows as help.
 *
 * The scripts hold the words; they never ask a server, so a key press costs nothing.
 */
#include <assert.h>
#include <string.h>

#include "cli/cli_priv.h"

typedef void action_fn(struct buf *out, const struct verb *verb, const struct cli_action *action);

static void each_action(const struct verb_group *groups, struct buf *out, action_fn *fn)
{
	for (; groups->title != NULL; groups++) {
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++) {
			for (const struct cli_action *a = verb->actions; a != NULL && a->about != NULL; a++)
				fn(out, verb, a);
		}
	}
}

/* A name that stands in two groups (journal, user) is one word. */
static bool seen_before(const struct verb_group *groups, const struct verb *verb)
{
	for (; groups->title != NULL; groups++) {
		for (const struct verb *row = groups->verbs; row->name != NULL; row++) {
			if (row == verb)
				return false;
			if (strcmp(row->name, verb->name) == 0)
				return true;
		}
	}
	return false;
}

static void put_verbs(const struct verb_group *groups, struct buf *out)
{
	const char *gap = "";
	for (const struct verb_group *group = groups; group->title != NULL; group++) {
		for (const struct verb *verb = group->verbs; verb->name != NULL; verb++) {
			if (seen_before(groups, verb))
				continue;
			buf_printf(out, "%s%s", gap, verb->name);
			gap = " ";
		}
	}
}

/* The second words of one name, from all its rows. */
static void put_seconds(const struct verb_group *groups, const char *name, struct buf *out)
{
	for (; groups->title != NULL; groups++) {
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++) {
			if (strcmp(verb->name, name) != 0)
				continue;
			struct str one, rest = str_of(verb->words);
			while (rest.len > 0) {
				str_cut(rest, '|', &one, &rest);
				buf_printf(out, STR_FMT " ", STR_ARG(one));
			}
			for (const struct cli_action *a = verb->actions; a != NULL && a->about != NULL; a++)
				buf_printf(out, "%s%s", a->name, a->name[0] != '\0' ? " " : "");
		}
	}
}

static void put_flags(const struct cli_input *rows, struct buf *out)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (!cli_input_is_argument(rows))
			buf_printf(out, "--%s ", rows->name);
	}
}

/* ---- bash (and zsh, by its bashcompinit) ---- */

static void bash_flags(struct buf *out, const struct verb *verb, const struct cli_action *action)
{
	buf_printf(out, "\t\"%s %s\") words=\"", verb->name, action->name);
	put_flags(action->inputs, out);
	buf_adds(out, "\" ;;\n");
}

static void put_words(struct str choices, struct buf *out)
{
	for (size_t i = 0; i < choices.len; i++)
		buf_addc(out, choices.ptr[i] == '|' ? ' ' : choices.ptr[i]);
}

static void bash_values(struct buf *out, const struct verb *verb, const struct cli_action *action)
{
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++) {
		if (row->choices == NULL || cli_input_is_argument(row))
			continue;
		buf_printf(out, "\t\"%s %s --%s\") words=\"", verb->name, action->name, row->name);
		put_words(str_of(row->choices), out);
		buf_adds(out, "\" ;;\n");
	}
}

static void put_bash(const struct verb_group *groups, struct buf *out)
{
	buf_adds(out, "# mainstay: completion for bash. Made by: mainstay completion bash\n"
		      "_mainstay() {\n"
		      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		      "\tlocal verb=${COMP_WORDS[1]} action='' words=''\n\tCOMPREPLY=()\n"
		      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	put_verbs(groups, out);
	buf_adds(out, " help\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase $verb in\n");
	for (const struct verb_group *group = groups; group->title != NULL; group++) {
		for (const struct verb *verb = group->verbs; verb->name != NULL; verb++) {
			if (seen_before(groups, verb))
				continue;
			buf_printf(out, "\t%s) words=\"", verb->name);
			put_seconds(groups, verb->name, out);
			buf_adds(out, "\" ;;\n");
		}
	}
	buf_adds(out, "\tesac\n\tif [ -n \"$words\" ]; then\n"
		      "\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		      "\t\t\tCOMPREPLY=($(compgen -W \"$words --help\" -- \"$word\"))\n"
		      "\t\t\treturn\n\t\tfi\n\t\taction=${COMP_WORDS[2]}\n\tfi\n"
		      "\twords=''\n\tcase \"$verb $action $before\" in\n");
	each_action(groups, out, bash_values);
	buf_adds(out, "\t*' -o' | *' --output') words='table json yaml csv' ;;\n\tesac\n"
		      "\tif [ -n \"$words\" ]; then\n"
		      "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n\t\treturn\n\tfi\n"
		      "\tcase \"$verb $action\" in\n");
	each_action(groups, out, bash_flags);
	buf_adds(out, "\tesac\n\tcase $word in\n\t-*) COMPREPLY=($(compgen -W \"$words ");
	put_flags(cli_common, out);
	buf_adds(out, "\" -- \"$word\")) ;;\n\t*) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n\tesac\n}\n"
		      "complete -o filenames -F _mainstay mainstay\n");
}

static void put_zsh(const struct verb_group *groups, struct buf *out)
{
	buf_adds(out, "#compdef mainstay\n"
		      "# mainstay: completion for zsh, which runs the script for bash.\n"
		      "# Made by: mainstay completion zsh\n"
		      "autoload -Uz bashcompinit && bashcompinit\n");
	put_bash(groups, out);
}

/* ---- fish ---- */

static void fish_text(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static void fish_flag(struct buf *out, const char *when, const struct cli_input *row)
{
	if (cli_input_is_argument(row))
		return;
	buf_printf(out, "complete -c mainstay%s -l %s", when, row->name);
	if (row->letter != 0)
		buf_printf(out, " -s %c", row->letter);
	if (row->choices != NULL) {
		buf_adds(out, " -xa '");
		put_words(str_of(row->choices), out);
		buf_addc(out, '\'');
	} else if (row->type != CLI_SWITCH) {
		buf_adds(out, " -r");
	}
	buf_adds(out, " -d ");
	fish_text(out, row->about);
	buf_addc(out, '\n');
}

static void fish_action(struct buf *out, const struct verb *verb, const struct cli_action *action)
{
	struct buf when;
	buf_init(&when, 512);
	if (action->name[0] != '\0') {
		buf_printf(out, "complete -c mainstay -f -n '__fish_seen_subcommand_from %s; and not "
				"__fish_seen_subcommand_from ", verb->name);
		for (const struct cli_action *a = verb->actions; a->about != NULL; a++)
			buf_printf(out, "%s%s", a == verb->actions ? "" : " ", a->name);
		buf_printf(out, "' -a %s -d ", action->name);
		fish_text(out, action->about);
		buf_addc(out, '\n');
		buf_printf(&when, " -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'",
			   verb->name, action->name);
	} else {
		buf_printf(&when, " -n '__fish_seen_subcommand_from %s'", verb->name);
	}
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++)
		fish_flag(out, when.bytes, row);
	buf_finish(&when);
}

static void put_fish(const struct verb_group *groups, struct buf *out)
{
	buf_adds(out, "# mainstay: completion for fish. Made by: mainstay completion fish\n");
	for (const struct verb_group *group = groups; group->title != NULL; group++) {
		for (const struct verb *verb = group->verbs; verb->name != NULL; verb++) {
			if (seen_before(groups, verb))
				continue;
			buf_printf(out, "complete -c mainstay -f -n __fish_use_subcommand -a %s -d ", verb->name);
			fish_text(out, verb->about);
			buf_addc(out, '\n');
		}
	}
	each_action(groups, out, fish_action);
	for (const struct cli_input *row = cli_common; row->name != NULL; row++)
		fish_flag(out, "", row);
}

bool cli_completion(const struct verb_group *groups, const char *shell, struct buf *out)
{
	assert(shell != NULL);
	assert(out != NULL);
	if (strcmp(shell, "bash") == 0)
		put_bash(groups, out);
	else if (strcmp(shell, "zsh") == 0)
		put_zsh(groups, out);
	else if (strcmp(shell, "fish") == 0)
		put_fish(groups, out);
	else
		return false;
	return true;
}
