/*
 * supervise.h: the process above the server: starts it, and starts it again when it dies.
 *
 * It opens nothing and knows nothing, so that nothing can bring it down. A server that ends in order
 * ends the supervisor; one that dies is there again within 300 ms, later when it dies at once again
 * and again. The next one is told whether the one before `crashed`: died of a signal that it brought
 * on itself, not of one that somebody sent to end it.
 */
#pragma once

#include <stdbool.h>

/* Runs `serve` in a child until it ends in order; gives the exit status for main. SIGTERM and SIGINT
 * are handed on. */
int supervise(int (*serve)(void *context, bool crashed), void *context);
