/* sender_priv.h: the sender's inside, shared by notify_sender.c and the files sender_*.c. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "notify/notify_bulk.h"
#include "notify/notify_lane.h"
#include "notify/notify_priv.h"
#include "notify/notify_sender.h"
#include "sys/loop.h"

#define SENDER_ROWS_MAX 4096u /* in memory; more stay in the outbox until these are fewer */
#define SENDER_BUCKETS 4096u
#define SENDER_CHANNELS_MAX 16u
#define SENDER_LOOK_MAX (5 * TIME_SECOND) /* the outbox is looked at this often at least */
#define SENDER_STORE_AGAIN TIME_SECOND
#define SENDER_STOP_TURN (10 * TIME_MS) /* while stopping, nothing is more often than this */
#define SENDER_PATIENCE (90 * TIME_SECOND) /* for a channel that never says how it ended */
#define SENDER_ARENA_BYTES (16u << 20)
#define SENDER_DETAIL_BYTES (CHANNEL_DETAIL_BYTES + 64)
#define SENDER_UNRECORDED_MAX 1000u
#define BULK_ARENA_BYTES (2u << 20)

/* A command that must be stored however long it takes. */
struct record {
	struct command command;
	struct notify_sender *sender;
	struct record *next;
	void (*over)(struct record *record); /* stored, or refused for good; it may free itself */
	void (*waits)(struct record *record); /* nothing can be stored now; or NULL */
};

/* One row of the outbox, from being read until its result is stored. */
struct flight {
	struct lane_row row; /* first: a row of a lane is a flight */
	struct record record;
	struct flight *next_same_hash;
	struct notify_sender *sender;
	struct lane *lane;
	const struct channel *channel;
	int64_t page, incident;
	int attempts; /* before this one */
	struct arena arena; /* of the one that carries a bundle, or flies alone */
	struct notify_page message;
	void *try;
	bool unsure; /* it has left, carries its message, and its result is not stored */
	struct loop_timer *patience;
	time_us began;
	struct notify_attempt attempt;
	char detail[SENDER_DETAIL_BYTES];
};

struct resort;

/* One message of the slow lane; there are BULK_SENDING_MAX places. */
struct bulk_flight {
	struct record record;
	struct notify_sender *sender;
	const struct channel *channel;
	struct arena arena;
	struct notify_bulk bulk;
	struct notify_page message;
	struct notify_bulk_end end;
	void *try;
	struct loop_timer *patience;
	bool busy; /* until its result is stored */
	char detail[SENDER_DETAIL_BYTES];
};

struct notify_sender {
	struct notify_sender_options options;
	struct loop *loop;
	struct loop_timer *timer;
	struct store_conn *conn;
	struct channel_tools tools;
	const struct channel *const *channels;
	struct lane lanes[SENDER_CHANNELS_MAX];
	struct flight *table[SENDER_BUCKETS];
	unsigned known;
	struct arena settings_arenas[2];
	struct notify_settings settings[2];
	unsigned settings_at;
	time_us next_look; /* by time since boot */
	time_us patience;  /* SENDER_PATIENCE; tests have less */
	bool look_now, stopping, read_failed;
	bool more; /* the outbox held more than SENDER_ROWS_MAX that were due */
	struct record *unstored, **unstored_last; /* wait to be submitted again */
	time_us unstored_at;
	unsigned submitted;
	struct resort *resort;
	struct bulk_flight bulk[BULK_SENDING_MAX];
	time_us bulk_at; /* when the slow lane is looked at next, by time since boot */
	atomic_uint waiting, sending, recording;
	atomic_ullong sent, retried, failed;

	pthread_mutex_t lock; /* guards the mailbox: what other threads leave */
	struct record *stored, **stored_last;
	bool woken, posted;
	time_us resort_at; /* when the last one was asked for, by time since boot */
	struct str resort_title, resort_body; /* heap; title NULL: none asked for */

	pthread_t thread;
};

/* On a loop of the caller's, who runs it: what notify_sender_start does in a thread. */
enum err sender_create(struct loop *loop, const struct notify_sender_options *options,
		       struct notify_sender **ret_sender, struct error *err);
void sender_destroy(struct notify_sender **sender);
void sender_post(struct notify_sender *sender); /* any thread that holds the lock: a turn, soon */

/* sender_turn.c */
loop_fn sender_turn; /* context: the sender */
void sender_count(struct notify_sender *sender);
void sender_forget(struct flight *flight);
const struct channel *sender_channel(struct notify_sender *sender, struct str name, unsigned *ret_index);
void sender_kick(struct notify_sender *sender); /* a turn of the loop's thread, soon */
bool sender_may_send(const struct notify_sender *sender); /* no other server leads */

/* sender_record.c */
void record_submit(struct record *record);
void record_take_stored(struct notify_sender *sender);
void record_again(struct notify_sender *sender, time_us now_boot); /* those whose time has come */

/* sender_bundle.c: what many pages to one contact say as one; texts in the arena of the first. */
struct notify_page bundle_write(struct flight *first);

/* sender_resort.c */
struct resort *resort_create(struct notify_sender *sender);
void resort_destroy(struct resort **resort);
void resort_refresh(struct resort *resort, time_us now_boot); /* once a minute */
void resort_send(struct resort *resort, struct str title, struct str body);
unsigned resort_under_way(const struct resort *resort);

/* sender_bulk.c: the slow lane */
void bulk_init(struct notify_sender *sender);
void bulk_turn(struct notify_sender *sender);
bool bulk_under_way(const struct notify_sender *sender);
void bulk_cancel(struct notify_sender *sender);
void bulk_finish(struct notify_sender *sender);
