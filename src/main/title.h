/*
 * title.h: which of our processes this is, for people who look: ps, top, /proc/PID/comm and cmdline.
 *
 * Written over the program's arguments in memory, so whoever needs those keeps copies: title_take.
 */
#pragma once

struct title {
	char *start; /* of the arguments as the kernel shows them */
	unsigned long size;
	char rest[256]; /* of the arguments, told after the role */
};

/* Copies the `argc` arguments that follow the verb; to free: title_free_arguments. `argv` must be the
 * process's own, verb at argv[-1]. */
char **title_take(int argc, char **argv, struct title *ret_title);
void title_free_arguments(int argc, char **copy);

/* "supervisor", "hand", "server": shown as "mainstay: hand --data ..." and, in short, "mainstay-hand". */
void title_set(const struct title *title, const char *role);
