/*
 * hand_message.h: what the server and the hand say to each other, as bytes.
 *
 *     server --run, plugin, kill--> hand        server <--result, refused-- hand
 *
 * One message: length of what follows (4 bytes), version (1), kind (1), id (8), then the fields of the
 * kind in the order of its rows: a number is 8 bytes, a text 4 bytes of length and the bytes. Little
 * endian. Every number has a range and every text a limit, and nothing may be left over: both sides
 * read the other as a stranger. Two kinds that fit in one process of one binary need no negotiation; the
 * version is there so that a mistake in putting them together is seen at the first message.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

#define HAND_VERSION 1
#define HAND_NAME_BYTES_MAX 63u
#define HAND_INPUT_BYTES_MAX 65536u
#define HAND_ARGS_BYTES_MAX 16384u
#define HAND_ARGS_MAX 64u
#define HAND_OUTPUT_BYTES_MAX 32768u /* of each of the two streams */
#define HAND_TEXT_BYTES_MAX 512u
#define HAND_TIMEOUT_MAX TIME_HOUR
#define HAND_MESSAGE_BYTES_MAX 66000u /* of a whole one */

enum hand_kind { HAND_RUN = 1, HAND_KILL, HAND_RESULT, HAND_REFUSED, HAND_PLUGIN, HAND_KIND_END };

struct hand_message { /* texts are borrowed */
	enum hand_kind kind;
	uint64_t id; /* the server's; unique on one connection */
	int64_t timeout;   /* run, plugin: 1 ms .. HAND_TIMEOUT_MAX */
	struct str name;   /* run: of a file in the folder of commands; plugin: in one of plugins */
	struct str args;   /* plugin: its arguments, each with a NUL at its end */
	struct str input;  /* run: its standard input */
	int64_t end;       /* result: enum child_end */
	int64_t exit_code; /* result: 0..255 */
	int64_t number;    /* result: of the signal that ended it, 0..64 */
	int64_t cut;       /* result: 1 when it printed more than is told here */
	int64_t took;      /* result: time_us */
	struct str out, errors; /* result */
	int64_t reason;    /* refused: enum err */
	struct str text;   /* refused: a sentence */
};

/* What it holds must be within its limits. */
void hand_message_write(const struct hand_message *message, struct buf *out);

/* The first message of `bytes`, its texts lent from there. *ret_used 0: it is not there as a whole yet.
 * ERR_CORRUPT: it breaks a rule, and the connection is worth nothing any more. */
enum err hand_message_read(struct str bytes, struct hand_message *ret_message, size_t *ret_used,
			   struct error *err);
