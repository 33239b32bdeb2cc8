/*
 * verb.h: what the program can be told to do, as rows. Two tables are made of them: the verbs over
 * the API (cli.h) and the verbs on this machine (main/verbs.h); help, the manual and completion read
 * both.
 */
#pragma once

struct cli_action;

struct verb {
	const char *name;
	const char *usage; /* after "mainstay "; NULL: made of the actions */
	const char *about; /* lower case, no full stop */
	int (*run)(const struct verb *verb, int argc, char **argv); /* after the verb; exit status */
	const char *words; /* "verify|rebuild": the row is meant only when the next word is one of these */
	/* Words that a client verb takes too: the row is meant when --data names a folder as well. */
	const char *words_with_data;
	const struct cli_action *actions; /* of a client verb, else NULL; ends in a row without about */
};

struct verb_group {
	const char *title;         /* NULL ends the groups */
	const struct verb *verbs;  /* ends in a row without name */
};
