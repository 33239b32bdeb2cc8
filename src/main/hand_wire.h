/*
 * hand_wire.h: messages over one socket, on one loop: the server's side and the hand's are the same.
 *
 *     hand_wire_create --> open --peer gone, bytes broken, too much unsent--> on_closed, once
 *
 * Sending never waits: what the socket does not take is kept, up to HAND_WIRE_UNSENT_BYTES_MAX.
 *
 * Owns: the descriptor. Runs on: the loop's thread. Do not destroy it within on_message; within
 * on_closed it is what one does.
 */
#pragma once

#include "main/hand_message.h"

struct hand_wire;
struct loop;

#define HAND_WIRE_UNSENT_BYTES_MAX (32u << 20)

struct hand_wire_reader {
	void (*on_message)(void *context, const struct hand_message *message);
	void (*on_closed)(void *context, const char *why); /* a sentence; the wire is still there */
	void *context;
};

/* The descriptor is taken over when it succeeds only. */
enum err hand_wire_create(struct loop *loop, int fd, const struct hand_wire_reader *reader,
			  struct hand_wire **ret_wire, struct error *err);
void hand_wire_destroy(struct hand_wire **wire); /* accepts NULL, leaves NULL */
void hand_wire_send(struct hand_wire *wire, const struct hand_message *message);
