/*
 * hand_client.h: the server's way to the hand.
 *
 *     asked --hand is there--> sent --> result, or a refusal in words
 *       |                       |  \--the hand died: told as a kill; it may have run, or not
 *       |                       \--called off: told at once, the hand kills it
 *       \--no hand within its time: told as not started
 *
 * The supervisor gives a fresh socket over `control` whenever it has started a hand, so an old
 * conversation never mixes with a new one. A hand that answers nothing far beyond the time of a
 * run is reported over `control`, and replaced.
 *
 * Runs on: a thread of its own; functions here may be called from any thread. Answers are given on the
 * loop named with the run.
 */
#pragma once

#include "base/arena.h"
#include "monitor/monitor_probe.h"
#include "notify/notify_channel.h"
#include "sys/child.h"

struct hand_client;

#define HAND_CLIENT_RUNS_MAX 272u /* that have no answer yet: what a hand takes, running and queued */

/* What `end` and `exit_code` say of a command that was not run; `errors` holds the sentence. */
#define HAND_EXIT_NOT_RUN 126

/* Takes `control` over, also when it fails. */
enum err hand_client_start(int control, struct clock *clock, struct hand_client **ret_client,
			   struct error *err);
/* Stop first whoever asks: what has no answer by now gets none. */
void hand_client_stop(struct hand_client **client); /* accepts NULL, leaves NULL */

/* For channels: argv[0] names the command by its last part; argv, env, dir and output_max_bytes are
 * the hand's business. ERR_LIMIT: HAND_CLIENT_RUNS_MAX have no answer yet. */
struct channel_runner hand_client_runner(struct hand_client *client);

/* For checks: argv[0] is the name of a plugin. */
struct probe_hand hand_client_plugins(struct hand_client *client);

/* Waits for the answer, at most 3 * timeout + 12 s; its texts live in the arena. Not on a loop's thread. */
enum err hand_client_run(struct hand_client *client, const char *name, struct str input, time_us timeout,
			 struct arena *arena, struct child_result *ret_result, struct error *err);
