/* pass.h: hand an open descriptor to another process, over a socket of type SOCK_SEQPACKET (AF_UNIX). */
#pragma once

#include "base/err.h"

/* The caller keeps its own copy. Does not wait: ERR_UNAVAILABLE when the socket is full. */
enum err pass_send(int socket, int fd, struct error *err);

/* Does not wait. ERR_LIMIT: nothing is there yet. ERR_UNAVAILABLE: the other side is gone. ERR_CORRUPT: a
 * message without a descriptor. The descriptor is closed on exec. */
enum err pass_receive(int socket, int *ret_fd, struct error *err);
