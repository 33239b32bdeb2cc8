/*
 * cli.h: client verbs: what a person or a script says to a server, over its API and nothing else.
 *
 * Exit status: 0 done; 1 refused or failed; 2 the command itself is wrong; 3 the server cannot be
 * reached; 4 nobody is signed in. What was asked for goes to stdout, everything else to stderr.
 *
 * Runs on: the one thread of the process.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "cli/verb.h"

#define CLI_EXIT_OK 0
#define CLI_EXIT_FAILED 1
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_UNREACHABLE 3
#define CLI_EXIT_NOT_SIGNED_IN 4

extern const struct verb client_verbs[]; /* ends in a row without name */

/* The row that is meant by argv[0] and what follows it, or NULL. */
const struct verb *verb_find(const struct verb_group *groups, int argc, char **argv);

/* All verbs, one line each, in their groups. */
void cli_help_overview(const struct verb_group *groups, struct buf *out);

/* One verb with all its actions; for machine verbs, its usage. */
void cli_help_verb(const struct verb *verb, struct buf *out);

/* docs/cli.md. */
void cli_help_markdown(const struct verb_group *groups, struct buf *out);

/* The verbs as sections of a manual page (man(7)), and any text as such a page wants it. */
void cli_help_man(const struct verb_group *groups, struct buf *out);
void cli_man_text(const char *text, struct buf *out);

/* "did you mean" for a verb that is not there; NULL when nothing is near. */
const char *verb_nearest(const struct verb_group *groups, const char *name);

/* A completion script. False: the shell is not known. */
bool cli_completion(const struct verb_group *groups, const char *shell, struct buf *out);
