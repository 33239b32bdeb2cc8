/* main.c: the one program: sets up the log and picks the verb. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"
#include "base/version.h"
#include "cli/cli.h"
#include "main/settings.h"
#include "main/verbs.h"

static void log_to_stderr(void *context, enum log_level level, const char *line)
{
	(void)context;
	struct timespec now;
	char at[TIME_TEXT_BYTES];
	clock_gettime(CLOCK_REALTIME, &now);
	time_format(now.tv_sec * TIME_SECOND + now.tv_nsec / 1000000 * TIME_MS, at);
	fprintf(stderr, "%s %s %s\n", at, log_level_name(level), line);
}

#define HELP_BYTES_MAX (1u << 20)

/* ---- what the program says about itself ---- */

static int run_help(const struct verb *verb, int argc, char **argv);
static int run_completion(const struct verb *verb, int argc, char **argv);

static const struct verb own_verbs[] = {
	{ "help", "help [VERB|--markdown|--man]", "this overview, one verb, or all of the manual page", run_help },
	{ "completion", "completion bash|zsh|fish", "a completion script for your shell", run_completion },
	{ 0 },
};

static const struct verb_group groups[] = {
	{ "on this machine", machine_verbs },
	{ "over the API of a server", client_verbs },
	{ "about the program", own_verbs },
	{ 0 },
};

static int print(struct buf *out)
{
	bool whole = fwrite(out->bytes, 1, out->used, stdout) == out->used && fflush(stdout) == 0;
	buf_finish(out);
	return whole ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int overview(void)
{
	struct buf out;
	buf_init(&out, HELP_BYTES_MAX);
	buf_adds(&out, "mainstay: production support in one program\n\nusage: mainstay VERB ...\n");
	cli_help_overview(groups, &out);
	return print(&out);
}

static int unknown(const char *name)
{
	const char *nearest = verb_nearest(groups, name);
	fprintf(stderr, "mainstay: there is no verb \"%s\"\n", name);
	if (nearest != NULL)
		fprintf(stderr, "mainstay: did you mean mainstay %s?\n", nearest);
	else
		fprintf(stderr, "mainstay: all of them: mainstay --help\n");
	return CLI_EXIT_USAGE;
}

/* Settings are help of `serve` and of what works on its folder. */
static int help_verb(int argc, char **argv)
{
	struct buf out;
	const char *name = argv[0];
	const struct verb *verb = verb_find(groups, argc, argv);
	buf_init(&out, HELP_BYTES_MAX);
	for (const struct verb *row = machine_verbs; verb == NULL && row->name != NULL; row++)
		verb = strcmp(row->name, name) == 0 ? row : NULL;
	if (verb == NULL)
		return unknown(name);
	cli_help_verb(verb, &out);
	if (strcmp(name, "serve") == 0 || strcmp(name, "check-config") == 0) {
		buf_adds(&out, "\nsettings, also from the environment (MAINSTAY_DATA for --data):\n");
		settings_help(&out);
	}
	return print(&out);
}

/* The manual page: man(7), made of the rows of settings and verbs. */
static int manual_page(void)
{
	struct buf out;
	buf_init(&out, HELP_BYTES_MAX);
	buf_adds(&out, ".\\\" Made by: mainstay help \\-\\-man\n.TH MAINSTAY 8 \"\" \"mainstay " MAINSTAY_VERSION "\" "
		       "\"System Administration\"\n.SH NAME\nmainstay \\- production support in one program\n"
		       ".SH SYNOPSIS\n\\fBmainstay\\fR \\fIVERB\\fR ...\n.SH DESCRIPTION\n"
		       "Watches what people depend on, wakes the right person when it breaks, keeps waking until somebody "
		       "has it, and keeps a record that cannot be changed unnoticed.\n.PP\n\\fBmainstay serve\\fR is the "
		       "server; the other verbs work on its folder of data, or speak to it.\n.SH SETTINGS\n"
		       "Of serve and of what works on its folder. Each is also a variable of the environment "
		       "(MAINSTAY_DATA for \\-\\-data) and a line of the file of \\-\\-config (data = DIR). The command line "
		       "wins over the environment, that over the file.\n");
	settings_man(&out);
	cli_help_man(groups, &out);
	buf_adds(&out, ".SH EXIT STATUS\n0 done; 1 refused, or it failed; 2 the command is wrong; 3 the server cannot be "
		       "reached; 4 nobody is signed in.\n.SH FILES\n.TP\n\\fI/etc/mainstay/mainstay.conf\\fR\n"
		       "settings of the service, where the Debian package is installed\n.TP\n"
		       "\\fI/var/lib/mainstay/data\\fR\nits folder of data\n.TP\n\\fI~/.config/mainstay/cli.yaml\\fR\n"
		       "which server the verbs speak to\n");
	return print(&out);
}

static int run_help(const struct verb *verb, int argc, char **argv)
{
	struct buf out;
	(void)verb;
	if (argc == 0)
		return overview();
	if (strcmp(argv[0], "--man") == 0)
		return manual_page();
	if (strcmp(argv[0], "--markdown") != 0)
		return help_verb(argc, argv);
	buf_init(&out, HELP_BYTES_MAX);
	cli_help_markdown(groups, &out);
	return print(&out);
}

static int run_completion(const struct verb *verb, int argc, char **argv)
{
	struct buf out;
	buf_init(&out, HELP_BYTES_MAX);
	if (argc == 1 && cli_completion(groups, argv[0], &out))
		return print(&out);
	buf_finish(&out);
	fprintf(stderr, "usage: mainstay %s\n", verb->usage);
	return CLI_EXIT_USAGE;
}

/* ---- which verb ---- */

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool is_version(const char *word)
{
	return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

/* Client verbs read their own flags, so they know better what --help is about. */
static bool asks_for_help(const struct verb *verb, int argc, char **argv)
{
	bool asked = false;
	for (int i = 2; i < argc && verb->actions == NULL; i++)
		asked = asked || is_help(argv[i]);
	return asked;
}

int main(int argc, char **argv)
{
	umask(077); /* what is kept is nobody else's to read */
	log_init(log_to_stderr, NULL, LOG_INFO);
	if (argc < 2 || is_help(argv[1]))
		return overview();
	if (is_version(argv[1]))
		argv[1] = "version";
	const struct verb *verb = verb_find(groups, argc - 1, argv + 1);
	if (verb == NULL)
		return unknown(argv[1]);
	return asks_for_help(verb, argc, argv) ? help_verb(argc - 1, argv + 1)
					       : verb->run(verb, argc - 2, argv + 2);
}
