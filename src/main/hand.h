/*
 * hand.h: the process that runs commands, and nothing else.
 *
 *     run --free place--> running --ends, time over, killed--> result
 *      |  \--16 run already--> queued --a place is free--> running
 *      |                          \--waited as long as it may run--> refused
 *      \--no such command, 256 queued already--> refused, with a sentence
 *
 * It is forked by the supervisor before the server, gives up what it does not need (sys/sandbox.h)
 * and then knows one socket. It takes names of files in the folders it was started with, and for plugins
 * a list of arguments; never a path, or a string for a shell. Commands are for pages: plugins, which
 * are for checks, leave places free for them. When the socket closes, it kills what runs and ends.
 *
 * Runs on: one thread, its own loop.
 */
#pragma once

#include "main/hand_place.h"
#include "sys/sandbox.h"

#define HAND_RUNNING_MAX 16u
#define HAND_PLUGINS_RUNNING_MAX 12u /* of them */
#define HAND_QUEUED_MAX 256u

struct clock;

/* What a command may do; for the hand itself and all it starts. */
enum err hand_lock_in(const struct hand_place *place, int socket, struct sandbox_got *ret_got,
		      struct error *err);

/* Serves the socket until the other side closes it; takes it over. */
enum err hand_serve(const struct hand_place *place, int socket, struct clock *clock, struct error *err);

/* Both, with the words for the log: what the forked process does. Gives its exit status. */
int hand_main(const struct hand_place *place, int socket);
