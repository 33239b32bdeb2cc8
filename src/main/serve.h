/* serve.h: the server: everything put together, from the data folder to the listening socket. */
#pragma once

#include "main/settings.h"

/* Serves until SIGTERM or SIGINT. Returns the exit status: 0 in order, 2 when it could not start. `control`
 * is where sockets to the hand arrive (supervise.h); -1: nobody runs commands. */
int serve(const struct settings *settings, int control);
