/* cli_secret.h: what a person types and nobody else should read. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define CLI_SECRET_BYTES_MAX 4097u /* with a NUL and one more, to see what is longer */

/* Asks on the terminal; `echo` shows what is typed. Without a terminal: one line of stdin.
 * ERR_CANCELLED: Ctrl-C or nothing at all. */
enum err cli_ask_line(const char *question, bool echo, struct arena *arena, struct str *ret_line,
		      struct error *err);
