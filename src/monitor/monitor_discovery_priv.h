/* monitor_discovery_priv.h: for the files of discovery only. */
#pragma once

#include "monitor/monitor_discovery.h"

/*
 * To make a program known: add a row to `knowns` in monitor_discovery.c. `process` is what the kernel
 * shows in /proc/PID/comm (15 bytes at most).
 */
struct known_program {
	const char *process;
	const char *guess;          /* how people call it */
	const char *service;        /* a name for the catalog */
	bool asks;                  /* it speaks HTTP or TLS: may be asked */
	const char *path;           /* where it tells its health; NULL: "/" */
	const char *send, *receive; /* for a tcp check; NULL: connecting is enough */
};

/* The address to use from this machine. */
void discovery_reach(const struct discovered *item, char ret_host[ADDRESS_TEXT_BYTES]);
