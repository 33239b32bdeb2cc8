/* verbs.h: machine verbs: what works with the server down, on the data folder itself. */
#pragma once

struct verb {
	const char *name, *usage, *about;
	int (*run)(int argc, char **argv); /* after the verb; gives the exit status */
};

extern const struct verb machine_verbs[]; /* ends in a row without name */
