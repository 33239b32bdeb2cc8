/*
 * supervise.h: the process above the server: starts it, and starts it again when it dies.
 *
 * It opens nothing and knows nothing, so that nothing can bring it down. A server that ends in order
 * ends the supervisor; one that dies is there again within 300 ms, later when it dies at once again
 * and again.
 */
#pragma once

/* Runs `serve` in a child until it ends in order; gives the exit status for main. SIGTERM and SIGINT
 * are handed on. */
int supervise(int (*serve)(void *context), void *context);
