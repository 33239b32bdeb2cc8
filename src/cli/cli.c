/* cli.c: the client verbs, and how one of them is said. See cli.h. */
#include "cli/cli.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli_http.h"
#include "cli/cli_settings.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/zone.h"

/* ---- which action ---- */

static const struct cli_action *find_action(const struct verb *verb, const char *word)
{
	const struct cli_action *action = verb->actions;
	for (; word != NULL && action->about != NULL; action++) {
		if (strcmp(action->name, word) == 0)
			return action;
	}
	return verb->actions[0].name[0] == '\0' ? &verb->actions[0] : NULL;
}

static int print_help(const struct verb *verb)
{
	cleanup_buf struct buf out;
	buf_init(&out, CLI_OUT_BYTES_MAX);
	cli_help_verb(verb, &out);
	fwrite(out.bytes, 1, out.used, stdout);
	return CLI_EXIT_OK;
}

static int unknown_action(const struct verb *verb, const char *word)
{
	const char *nearest = NULL;
	unsigned best = cli_nearness(str_of(word));
	for (const struct cli_action *action = verb->actions; action->about != NULL; action++) {
		unsigned distance = word != NULL ? cli_distance(str_of(word), action->name) : best;
		if (distance < best) {
			best = distance;
			nearest = action->name;
		}
	}
	if (word == NULL)
		fprintf(stderr, "mainstay: %s what?\n", verb->name);
	else
		fprintf(stderr, "mainstay: there is no \"%s %s\"\n", verb->name, word);
	if (nearest != NULL)
		fprintf(stderr, "mainstay: did you mean mainstay %s %s?\n", verb->name, nearest);
	else
		fprintf(stderr, "mainstay: see mainstay %s --help\n", verb->name);
	return CLI_EXIT_USAGE;
}

/* ---- the reader's place ---- */

static const struct tz *find_zone(struct cli_call *call)
{
	const char *name = getenv("TZ");
	const struct tz *zone;
	if (name != NULL && name[0] == ':')
		name++;
	call->zones = zones_create(NULL);
	if (name != NULL && name[0] != '\0')
		return zones_find(call->zones, str_of(name), &zone, NULL) == OK ? zone : NULL;
	/* The link names the zone: /usr/share/zoneinfo/Europe/Zurich. */
	char *link = realpath("/etc/localtime", NULL);
	const char *part = link != NULL ? strstr(link, "zoneinfo/") : NULL;
	bool found = part != NULL && zones_find(call->zones, str_of(part + strlen("zoneinfo/")), &zone,
						NULL) == OK;
	free(link);
	return found ? zone : NULL;
}

static void find_screen(struct cli_call *call)
{
	struct clock clock;
	struct winsize size = { 0 };
	const char *term = getenv("TERM");
	bool tty = isatty(STDOUT_FILENO) == 1;
	clock_system(&clock);
	call->screen.now = clock_wall(&clock);
	call->screen.zone = find_zone(call);
	if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		call->screen.width = size.ws_col;
	call->screen.colour = tty && term != NULL && strcmp(term, "dumb") != 0;
}

static void choose_colours(struct cli_call *call)
{
	const char *none = getenv("NO_COLOR");
	if (cli_switch(call, "no-color") || (none != NULL && none[0] != '\0'))
		call->screen.colour = false;
}

/* ---- one verb ---- */

static int exit_status(enum err code)
{
	switch (code) {
	case OK: return CLI_EXIT_OK;
	case ERR_INVALID: return CLI_EXIT_USAGE;
	case ERR_UNAVAILABLE: return CLI_EXIT_UNREACHABLE;
	case ERR_UNAUTHENTICATED: return CLI_EXIT_NOT_SIGNED_IN;
	default: return CLI_EXIT_FAILED;
	}
}

static int complain(const struct cli_call *call, const struct error *err)
{
	fprintf(stderr, "mainstay: %s\n", err->text);
	if (err->hint[0] != '\0')
		fprintf(stderr, "mainstay: %s\n", err->hint);
	else if (err->code == ERR_INVALID)
		fprintf(stderr, "mainstay: see mainstay %s --help\n", call->verb->name);
	return exit_status(err->code);
}

static enum err say(struct cli_call *call, struct error *err)
{
	struct error ignored;
	enum err r = cli_settings_read(call, err);
	choose_colours(call);
	if (r == OK)
		r = call->action->run != NULL ? call->action->run(call, err) : cli_ask_and_show(call, err);
	enum err flushed = cli_flush(call, r == OK ? err : &ignored);
	return r == OK ? flushed : r;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct cli_call call = { .verb = verb };
	struct error err = { 0 };
	call.action = find_action(verb, argc > 0 ? argv[0] : NULL);
	bool help = argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
	if (call.action == NULL)
		return help ? print_help(verb) : unknown_action(verb, argc > 0 ? argv[0] : NULL);
	int skip = call.action->name[0] != '\0';
	arena_init(&call.arena, CLI_ARENA_BYTES);
	buf_init(&call.out, CLI_OUT_BYTES_MAX);
	find_screen(&call);
	enum err r = cli_inputs_parse(call.action, &call.screen, argc - skip, argv + skip, &call.arena,
				      &call.inputs, &err);
	int status;
	if (r == OK && call.inputs.help) {
		struct verb one = *verb;
		struct cli_action actions[2] = { *call.action, { 0 } };
		one.actions = actions;
		status = print_help(&one);
	} else {
		if (r == OK)
			r = say(&call, &err);
		status = r == OK ? CLI_EXIT_OK : complain(&call, &err);
	}
	cli_http_destroy(&call.http);
	zones_destroy(&call.zones);
	buf_finish(&call.out);
	arena_finish(&call.arena);
	return status;
}

#define VERB(word, text) { .name = #word, .about = text, .run = run, .actions = word##_actions }

const struct verb client_verbs[] = {
	VERB(now, "what is wrong, who is on it, what to do next"),
	VERB(incident, "see, acknowledge and resolve incidents"),
	VERB(maintenance, "announce planned work"),
	VERB(status, "status pages, and how services are shown"),
	VERB(review, "what was learned from incidents, and what is still to be done"),
	VERB(report, "what people outside say is wrong"),
	VERB(subscriber, "who outside is told of updates"),
	VERB(alert, "what fired, and when"),
	VERB(page, "who was told, how, and whether it arrived"),
	VERB(check, "see, run and pause checks"),
	VERB(query, "what time series say, by PromQL"),
	VERB(targets, "what is scraped, and how it went"),
	VERB(service, "services and how they are"),
	VERB(mute, "stop paging for a while"),
	VERB(oncall, "who is on call"),
	VERB(schedule, "schedules and their shifts"),
	VERB(override, "take a shift, or give it to somebody"),
	VERB(contact, "the ways to reach a person"),
	VERB(user, "people"),
	VERB(token, "API tokens"),
	VERB(secret, "what checks sign in with"),
	VERB(integration, "keys of other programs, and every way in"),
	VERB(discover, "what listens on the server's host"),
	VERB(watch, "make checks for what was discovered"),
	VERB(apply, "carry out a set of definition files"),
	VERB(export, "print definitions as YAML that parses again"),
	VERB(get, "read definitions"),
	VERB(delete, "delete a definition"),
	VERB(explain, "what a kind of definition may say"),
	VERB(journal, "the record and its proofs"),
	VERB(events, "follow what happens"),
	VERB(login, "sign in and keep a token"),
	VERB(logout, "revoke the token and forget it"),
	VERB(whoami, "who is signed in, where"),
	{ 0 },
};
