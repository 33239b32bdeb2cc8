/*
 * cli_man.c: the verbs as a manual page, made of the same rows as --help, so it is never stale.
 *
 * Every text goes through cli_man_text: a backslash, a dash, or a dot at the beginning of a line means
 * something to troff.
 */
#include "cli/cli_priv.h"

void cli_man_text(const char *text, struct buf *out)
{
	bool begins = out->used == 0 || out->bytes[out->used - 1] == '\n';
	for (const char *c = text; *c != '\0'; c++) {
		if (begins && (*c == '.' || *c == '\''))
			buf_adds(out, "\\&");
		if (*c == '\\')
			buf_adds(out, "\\e");
		else if (*c == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *c);
		begins = *c == '\n';
	}
}

static void line(struct buf *out, const char *before, const char *text, const char *after)
{
	buf_adds(out, before);
	cli_man_text(text, out);
	buf_adds(out, after);
}

static void put_input(const struct cli_input *row, struct buf *out)
{
	const char *value = cli_input_value(row);
	buf_adds(out, ".TP\n\\fB");
	if (row->letter != 0)
		buf_printf(out, "\\-%c\\fR, \\fB", row->letter);
	line(out, cli_input_is_argument(row) ? "" : "\\-\\-", row->name, "\\fR");
	if (!cli_input_is_argument(row) && value != NULL)
		line(out, " \\fI", value, "\\fR");
	buf_addc(out, '\n');
	cli_man_text(row->about, out);
	if (row->otherwise != NULL)
		line(out, " (", row->otherwise, ")");
	buf_addc(out, '\n');
}

static void put_action(const struct verb *verb, const struct cli_action *action, struct buf *out)
{
	struct buf usage;
	buf_init(&usage, 4096);
	cli_put_usage(verb, action, &usage);
	line(out, ".PP\n\\fB", usage.bytes, "\\fR\n.RS 4\n");
	buf_finish(&usage);
	cli_man_text(action->about, out);
	buf_addc(out, '\n');
	for (const struct cli_input *row = action->inputs; row != NULL && row->name != NULL; row++)
		put_input(row, out);
	buf_adds(out, ".RE\n");
}

static void put_verb(const struct verb *verb, struct buf *out)
{
	line(out, ".SS ", verb->name, "\n");
	cli_man_text(verb->about, out);
	buf_adds(out, ".\n");
	if (verb->actions == NULL)
		line(out, ".PP\n\\fBmainstay ", verb->usage, "\\fR\n");
	for (const struct cli_action *a = verb->actions; a != NULL && a->about != NULL; a++)
		put_action(verb, a, out);
}

static void put_title(const char *title, struct buf *out)
{
	buf_adds(out, ".SH ");
	for (; *title != '\0'; title++)
		buf_addc(out, *title >= 'a' && *title <= 'z' ? (char)(*title - 'a' + 'A') : *title);
	buf_addc(out, '\n');
}

void cli_help_man(const struct verb_group *groups, struct buf *out)
{
	for (; groups->title != NULL; groups++) {
		put_title(groups->title, out);
		for (const struct verb *verb = groups->verbs; verb->name != NULL; verb++)
			put_verb(verb, out);
	}
	buf_adds(out, ".SH WHAT EVERY VERB THAT SPEAKS TO A SERVER TAKES\n");
	for (const struct cli_input *row = cli_common; row->name != NULL; row++)
		put_input(row, out);
}
