/*
 * supervise.h: the process above the others: starts hand and server, and starts again what dies.
 *
 *     supervisor --fork--> hand      (first: it inherits nothing but one socket)
 *                --fork--> server    gets the other end of that socket over `control`
 *
 *     the hand dies    -> what it ran is killed; another one within 300 ms, with a fresh socket that is
 *                         handed to the living server: pages by other channels notice nothing
 *     the server dies  -> the hand and what it ran go too; both again within 300 ms
 *     the server ends in order -> all end, unless with the status SUPERVISED_AGAIN, which means: once more
 *
 * Later again when something dies at once again and again. A fresh socket rather than an inherited one:
 * an old conversation never mixes with a new one, so neither side has to find out what the other forgot.
 *
 * It opens nothing and knows nothing, so that nothing can bring it down. It adopts what the hand leaves
 * behind when it dies, and kills it: a command does not outlive who bounds its time.
 */
#pragma once

#include <stdbool.h>

#include "base/time.h"

#define SUPERVISED_AGAIN 75
#define SUPERVISED_ENDS_MAX (20 * TIME_SECOND) /* a server that was told to end and still runs is killed */

struct supervised {
	/* `control`: where sockets to hands arrive (sys/pass.h), or -1 without a hand; the byte 'R' sent
	 * there asks for another hand. `crashed`: the server before died of a signal that it brought on
	 * itself, not of one that somebody sent to end it. */
	int (*serve)(void *context, int control, bool crashed);
	int (*hand)(void *context, int socket); /* NULL: there is none */
	void *context;
};

/* Until the server ends in order; gives the exit status for main. SIGTERM, SIGINT and SIGHUP are handed on
 * to the server; one that has not ended SUPERVISED_ENDS_MAX after the first two is killed, and the status is 1. */
int supervise(const struct supervised *what);
