/* test_notify_sender.c: from the outbox to a channel that the test answers for, and into the record. */
#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "notify/notify_sender.h"
#include "notify/sender_priv.h"
#include "notify/test_notify_help.h"

#define SENDS_MAX 1024

/* The null channel: keeps what it was given until the test says how it ended. */
struct send {
	const struct notify_page *message;
	char title[400], body[9000], urgency[8];
	int64_t page;
	channel_done_fn *done;
	void *context;
	bool open;
};

static struct {
	struct send sends[SENDS_MAX];
	unsigned count, open, cancelled;
	enum err refuses;
	char log[4096];
} out;

static enum err null_send(struct channel_tools *tools, const struct notify_page *message,
			  channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	(void)tools;
	if (out.refuses != OK)
		return error_set(err, out.refuses, "no mail relay is set up");
	CHECK(out.count < SENDS_MAX);
	struct send *send = &out.sends[out.count++];
	*send = (struct send){ .message = message, .page = message->page, .done = done,
			       .context = context, .open = true };
	snprintf(send->title, sizeof send->title, STR_FMT, STR_ARG(message->title));
	snprintf(send->body, sizeof send->body, STR_FMT, STR_ARG(message->body));
	snprintf(send->urgency, sizeof send->urgency, STR_FMT, STR_ARG(message->urgency));
	out.open++;
	*ret_try = send;
	return OK;
}

static void null_cancel(void *try)
{
	((struct send *)try)->open = false;
	out.open--;
	out.cancelled++;
}

static const struct channel null_ntfy = { .name = "ntfy", .about = "Null.", .wakes = true,
					  .bundles = true, .send = null_send, .cancel = null_cancel };
static const struct channel null_email = { .name = "email", .about = "Null.", .bundles = true,
					   .send = null_send, .cancel = null_cancel };
static const struct channel *const null_channels[] = { &null_ntfy, &null_email, NULL };

struct fixture {
	struct help h;
	struct loop *loop;
	struct notify_sender *sender;
	enum err store_says; /* of submits */
	bool refuse_later;   /* by the result, not by the call */
	unsigned submits;
	bool has_contacts;
};

static enum err submit(void *context, struct command *command, struct error *err)
{
	struct fixture *f = context;
	struct command *batch[] = { command };
	f->submits++;
	if (f->store_says != OK && !f->refuse_later)
		return error_set(err, f->store_says, "the disk is full");
	if (f->store_says != OK) {
		command->result = f->store_says;
		command->done(command);
		return OK;
	}
	world_run(f->h.world, batch, 1);
	return OK;
}

static enum err contacts(void *context, struct store_conn *conn, struct arena *arena,
			 notify_each_contact_fn *each, void *each_context, struct error *err)
{
	struct fixture *f = context;
	(void)conn, (void)arena, (void)err;
	if (!f->has_contacts)
		return ERR_UNAVAILABLE;
	each(each_context, &(struct notify_page){ .user = 1, .contact = 1, .channel = STR("email") });
	each(each_context, &(struct notify_page){ .user = 2, .contact = 2, .channel = STR("ntfy") });
	each(each_context, &(struct notify_page){ .user = 3, .contact = 3, .channel = STR("ntfy") });
	return OK;
}

static void keep_log(void *context, enum log_level level, const char *line)
{
	(void)context;
	if (level == LOG_ERROR)
		snprintf(out.log + strlen(out.log), sizeof out.log - strlen(out.log), "%s\n", line);
}

static void turns(struct fixture *f)
{
	notify_sender_wake(f->sender);
	loop_run_for(f->loop, 15 * TIME_MS);
}

static void start(struct fixture *f)
{
	struct error err;
	struct notify_sender_options options = {
		.store = f->h.store, .clock = &f->h.clock, .submit = submit, .submit_context = f,
		.contacts = contacts, .contacts_context = f, .channels = null_channels,
	};
	CHECK_OK(sender_create(f->loop, &options, &f->sender, &err));
	turns(f);
}

static void fixture_open(struct fixture *f, const char *name)
{
	memset(&out, 0, sizeof out);
	*f = (struct fixture){ .has_contacts = true };
	log_init(keep_log, NULL, LOG_DEBUG);
	help_open(&f->h, name);
	f->loop = loop_create();
}

static void fixture_close(struct fixture *f)
{
	for (unsigned i = 0; i < out.count; i++) /* what the test left open, so that the end is quick */
		if (out.sends[i].open) {
			out.sends[i].open = false;
			out.sends[i].done(out.sends[i].context,
					  &(struct channel_result){ .end = CHANNEL_SENT });
		}
	sender_destroy(&f->sender);
	loop_destroy(&f->loop);
	help_close(&f->h);
}

static void answer(struct fixture *f, unsigned i, enum channel_end end, const char *detail,
		   time_us retry_after)
{
	struct channel_result result = { .end = end, .retry_after = retry_after };
	snprintf(result.detail, sizeof result.detail, "%s", detail);
	CHECK(out.sends[i].open);
	out.sends[i].open = false;
	out.open--;
	out.sends[i].done(out.sends[i].context, &result);
	loop_run_for(f->loop, 15 * TIME_MS);
}

static struct notify_page page_to(int64_t user, int64_t incident)
{
	return (struct notify_page){ .incident = incident, .user = user, .contact = user,
				     .channel = STR("ntfy"), .address = STR("https://n.example/topic") };
}

TEST(a_page_leaves_once_and_its_result_is_recorded)
{
	struct fixture f;
	fixture_open(&f, "once");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	CHECK_INT(out.count, 1);
	turns(&f);
	turns(&f);
	CHECK_INT(out.count, 1); /* it is under way: not again */
	clock_advance(&f.h.clock, 12 * TIME_MS);
	answer(&f, 0, CHANNEL_SENT, "HTTP 200 in 12 ms", 0);
	struct notify_row row = help_row(&f.h, 1);
	CHECK_STR(row.state, "sent");
	CHECK_STR(row.detail, "HTTP 200 in 12 ms");
	CHECK_INT(row.attempts, 1);
	CHECK_INT(help_count(&f.h, "SELECT took FROM page_attempt"), 12 * TIME_MS);
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM outbox"), 0);
	turns(&f);
	CHECK_INT(out.count, 1);
	CHECK_INT(notify_sender_figures(f.sender).sent, 1);
	fixture_close(&f);
}

TEST(what_is_not_due_waits_for_its_time)
{
	struct fixture f;
	fixture_open(&f, "due");
	struct notify_page page = page_to(1, 7);
	page.not_before = clock_wall(&f.h.clock) + TIME_MINUTE;
	help_page(&f.h, page);
	start(&f);
	CHECK_INT(out.count, 0);
	clock_advance(&f.h.clock, 59 * TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 0);
	clock_advance(&f.h.clock, TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 1);
	fixture_close(&f);
}

static enum err decide_flood(struct decision *d, const void *args, struct error *err)
{
	for (unsigned i = 0; i < SENDER_ROWS_MAX + 100; i++) {
		enum err r = help_decide_page(d, args, err);
		if (r != OK)
			return r;
	}
	return OK;
}

TEST(what_does_not_fit_into_memory_leaves_as_soon_as_there_is_room)
{
	struct fixture f;
	struct notify_page page = page_to(1, 7);
	fixture_open(&f, "flood");
	CHECK_INT(help_run(&f.h, decide_flood, &page), OK);
	start(&f);
	for (unsigned i = 0; i < out.count; i++) { /* the clock stands still, and nobody wakes the sender */
		if (out.sends[i].open)
			answer(&f, i, CHANNEL_SENT, "sent", 0);
	}
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM outbox"), 0);
	CHECK_INT(notify_sender_figures(f.sender).sent, SENDER_ROWS_MAX + 100);
	fixture_close(&f);
}

TEST(tries_are_spaced_more_and_more_and_the_last_one_fails_loudly)
{
	static const int seconds[] = { 5, 15, 30, 60, 120, 300, 300 };
	struct fixture f;
	fixture_open(&f, "backoff");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	for (unsigned i = 0; i < 7; i++) {
		CHECK_INT(out.count, i + 1);
		answer(&f, i, CHANNEL_RETRY, "HTTP 500", 0);
		CHECK_STR(help_row(&f.h, 1).state, "queued");
		clock_advance(&f.h.clock, seconds[i] * TIME_SECOND - 1);
		turns(&f);
		CHECK_INT(out.count, i + 1);
		clock_advance(&f.h.clock, 1);
		turns(&f);
	}
	CHECK_TEXT(out.log, "");
	answer(&f, 7, CHANNEL_RETRY, "HTTP 500", 0);
	CHECK_STR(help_row(&f.h, 1).state, "failed");
	CHECK(strstr(out.log, "nobody could be reached") != NULL);
	CHECK(strstr(out.log, "page=1 incident=7 user=1") != NULL);
	CHECK_INT(notify_sender_figures(f.sender).retried, 8);
	fixture_close(&f);
}

TEST(a_server_that_asks_for_more_patience_gets_it)
{
	struct fixture f;
	fixture_open(&f, "patience");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	answer(&f, 0, CHANNEL_RETRY, "HTTP 429", 40 * TIME_SECOND);
	clock_advance(&f.h.clock, 39 * TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 1);
	clock_advance(&f.h.clock, TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 2);
	fixture_close(&f);
}

TEST(one_contact_that_still_may_work_is_hope_enough)
{
	struct fixture f;
	fixture_open(&f, "hope");
	help_page(&f.h, page_to(1, 7));
	struct notify_page mail = page_to(1, 7);
	mail.contact = 2;
	mail.channel = STR("email");
	help_page(&f.h, mail);
	start(&f);
	CHECK_INT(out.count, 2);
	answer(&f, 0, CHANNEL_FAILED, "HTTP 404", 0);
	CHECK_STR(help_row(&f.h, 1).state, "failed");
	CHECK_TEXT(out.log, "");
	answer(&f, 1, CHANNEL_FAILED, "RCPT: 550 no such person", 0);
	CHECK(strstr(out.log, "nobody could be reached") != NULL);
	fixture_close(&f);
}

TEST(a_refusal_of_the_channel_is_a_failed_try_in_its_words)
{
	struct fixture f;
	fixture_open(&f, "refusal");
	out.refuses = ERR_INVALID;
	help_page(&f.h, page_to(1, 7));
	struct notify_page strange = page_to(1, 7);
	strange.channel = STR("pigeon");
	help_page(&f.h, strange);
	start(&f);
	loop_run_for(f.loop, 15 * TIME_MS);
	CHECK_STR(help_row(&f.h, 1).state, "failed");
	CHECK_STR(help_row(&f.h, 1).detail, "no mail relay is set up");
	CHECK_STR(help_row(&f.h, 2).state, "failed");
	CHECK_STR(help_row(&f.h, 2).detail, "this server has no channel \"pigeon\"");
	fixture_close(&f);
}

TEST(what_is_cancelled_before_its_turn_never_leaves)
{
	struct fixture f;
	int64_t incident = 7;
	fixture_open(&f, "cancel");
	for (unsigned i = 0; i < LANE_CONTACT_FIRST + 1; i++) /* one more than may be under way */
		help_page(&f.h, page_to(1, 100 + i));
	help_page(&f.h, page_to(1, incident));
	start(&f);
	CHECK_INT(out.count, LANE_CONTACT_FIRST);
	CHECK_INT(help_run(&f.h, help_decide_cancel, &incident), OK);
	answer(&f, 0, CHANNEL_SENT, "ok", 0);
	answer(&f, 1, CHANNEL_SENT, "ok", 0);
	CHECK_INT(out.count, LANE_CONTACT_FIRST + 1);
	CHECK_INT(out.sends[LANE_CONTACT_FIRST].page, LANE_CONTACT_FIRST + 1);
	CHECK_STR(help_row(&f.h, LANE_CONTACT_FIRST + 2).state, "cancelled");
	fixture_close(&f);
}

TEST(a_page_cancelled_under_way_that_arrived_all_the_same_is_recorded_as_sent)
{
	struct fixture f;
	int64_t incident = 7;
	fixture_open(&f, "late");
	help_page(&f.h, page_to(1, incident));
	start(&f);
	CHECK_INT(help_run(&f.h, help_decide_cancel, &incident), OK);
	answer(&f, 0, CHANNEL_SENT, "ok", 0);
	CHECK_STR(help_row(&f.h, 1).state, "sent");
	CHECK_INT(notify_sender_figures(f.sender).recording, 0);
	CHECK_TEXT(out.log, "");
	fixture_close(&f);
}

static void while_the_store_fails(struct fixture *f)
{
	start(f);
	f->store_says = ERR_UNAVAILABLE;
	answer(f, 0, CHANNEL_SENT, "HTTP 200", 0);
	for (int i = 0; i < 5; i++) {
		clock_advance(&f->h.clock, TIME_SECOND);
		turns(f);
	}
	CHECK(f->submits >= 4);
	CHECK_INT(out.count, 1); /* it is in the outbox still, and does not leave again */
	CHECK_STR(help_row(&f->h, 1).state, "queued");
	CHECK_INT(notify_sender_figures(f->sender).recording, 1);
	f->store_says = OK;
	clock_advance(&f->h.clock, TIME_SECOND);
	turns(f);
	CHECK_STR(help_row(&f->h, 1).state, "sent");
	turns(f);
	CHECK_INT(out.count, 1);
	CHECK_INT(notify_sender_figures(f->sender).recording, 0);
}

TEST(a_result_that_cannot_be_stored_is_kept_and_nothing_is_sent_twice)
{
	struct fixture f;
	fixture_open(&f, "unstored");
	help_page(&f.h, page_to(1, 7));
	while_the_store_fails(&f);
	fixture_close(&f);
	fixture_open(&f, "uncommitted");
	f.refuse_later = true;
	help_page(&f.h, page_to(1, 7));
	while_the_store_fails(&f);
	fixture_close(&f);
}

TEST(a_flood_to_one_contact_is_one_message_and_each_page_is_recorded)
{
	struct fixture f;
	char title[32];
	fixture_open(&f, "flood");
	for (int i = 0; i < 14; i++) {
		struct notify_page page = page_to(1, 7);
		snprintf(title, sizeof title, "P1 number %d", i + 1);
		page.title = str_of(title);
		help_page(&f.h, page);
	}
	start(&f);
	CHECK_INT(out.count, 2); /* the first of the incident, and thirteen as one */
	CHECK_TEXT(out.sends[0].title, "P1 number 1");
	CHECK_TEXT(out.sends[1].title, "P1 number 2 and 12 more");
	CHECK(strstr(out.sends[1].body, "And 12 more:\n- P1 number 3\n") != NULL);
	CHECK(strstr(out.sends[1].body, "- P1 number 14\n") != NULL);
	answer(&f, 1, CHANNEL_SENT, "HTTP 200", 0);
	for (int i = 2; i <= 14; i++) {
		CHECK_STR(help_row(&f.h, i).state, "sent");
		CHECK_STR(help_row(&f.h, i).detail, "in one message with 12 others: HTTP 200");
	}
	CHECK_STR(help_row(&f.h, 1).state, "queued");
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM outbox"), 1);
	fixture_close(&f);
}

TEST(no_more_than_the_limit_is_under_way_and_all_arrive)
{
	struct fixture f;
	fixture_open(&f, "limit");
	for (int i = 0; i < 200; i++)
		help_page(&f.h, page_to(1 + i, 7));
	start(&f);
	CHECK_INT(out.open, LANE_SENDING_MAX);
	CHECK_INT(notify_sender_figures(f.sender).sending, LANE_SENDING_MAX);
	CHECK_INT(notify_sender_figures(f.sender).waiting, 200 - LANE_SENDING_MAX);
	for (unsigned i = 0; i < 200; i++) {
		out.sends[i].open = false;
		out.open--;
		out.sends[i].done(out.sends[i].context, &(struct channel_result){ .end = CHANNEL_SENT });
		loop_run_for(f.loop, 2 * TIME_MS);
		CHECK(out.open <= LANE_SENDING_MAX);
	}
	turns(&f);
	CHECK_INT(out.count, 200);
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM page WHERE state = 'sent'"), 200);
	fixture_close(&f);
}

TEST(after_a_restart_what_was_under_way_leaves_once_more)
{
	struct fixture f;
	fixture_open(&f, "restart");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	CHECK_INT(out.count, 1);
	f.store_says = ERR_UNAVAILABLE; /* it arrived, and then the process ended */
	answer(&f, 0, CHANNEL_SENT, "HTTP 200", 0);
	sender_destroy(&f.sender);
	f.store_says = OK;
	start(&f);
	CHECK_INT(out.count, 2);
	answer(&f, 1, CHANNEL_SENT, "HTTP 200", 0);
	CHECK_STR(help_row(&f.h, 1).state, "sent");
	fixture_close(&f);
}

TEST(a_step_of_the_wall_moves_what_waits)
{
	struct fixture f;
	fixture_open(&f, "step");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	answer(&f, 0, CHANNEL_RETRY, "HTTP 500", 0);
	clock_step(&f.h.clock, -TIME_HOUR);
	help_page(&f.h, page_to(2, 7)); /* any commit notices the step */
	clock_advance(&f.h.clock, 4 * TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 2);
	clock_advance(&f.h.clock, TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 3);
	CHECK_INT(out.sends[2].page, 1);
	answer(&f, 2, CHANNEL_RETRY, "HTTP 500", 0);
	clock_step(&f.h.clock, TIME_DAY);
	help_page(&f.h, page_to(3, 7));
	clock_advance(&f.h.clock, 14 * TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 4);
	clock_advance(&f.h.clock, TIME_SECOND);
	turns(&f);
	CHECK_INT(out.count, 5);
	CHECK_INT(out.sends[4].page, 1);
	fixture_close(&f);
}

TEST(the_last_resort_goes_to_those_it_can_wake_and_is_recorded_when_it_can_be)
{
	struct fixture f;
	fixture_open(&f, "resort");
	start(&f);
	f.store_says = ERR_UNAVAILABLE;
	f.has_contacts = false; /* from memory */
	clock_advance(&f.h.clock, 2 * TIME_MINUTE);
	turns(&f);
	CHECK(notify_last_resort(f.sender, "Mainstay cannot store anything", "The disk is full."));
	CHECK(!notify_last_resort(f.sender, "Again", ""));
	turns(&f);
	CHECK_INT(out.count, 2); /* the two by ntfy: mail wakes nobody */
	CHECK_TEXT(out.sends[0].title, "Mainstay cannot store anything");
	CHECK_TEXT(out.sends[0].urgency, "high");
	answer(&f, 0, CHANNEL_SENT, "HTTP 200", 0);
	answer(&f, 1, CHANNEL_RETRY, "HTTP 500", 0);
	CHECK(strstr(out.log, "could not send a page of last resort") != NULL);
	clock_advance(&f.h.clock, SENDER_LAST_RESORT_EVERY);
	CHECK(notify_last_resort(f.sender, "Still", "The disk is full."));
	turns(&f);
	CHECK_INT(out.count, 4);
	f.store_says = OK;
	clock_advance(&f.h.clock, TIME_SECOND);
	turns(&f);
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM event WHERE kind = 'page.unrecorded'"), 2);
	fixture_close(&f);
}

TEST(a_channel_that_never_says_how_it_ended_is_given_up_and_tried_again)
{
	struct fixture f;
	fixture_open(&f, "silent");
	start(&f);
	f.sender->patience = 50 * TIME_MS;
	help_page(&f.h, page_to(1, 7));
	turns(&f);
	CHECK_INT(out.open, 1);
	loop_run_for(f.loop, 100 * TIME_MS);
	CHECK_INT(out.cancelled, 1);
	CHECK_STR(help_row(&f.h, 1).state, "queued");
	CHECK(str_starts(help_row(&f.h, 1).detail, STR("no answer within")));
	fixture_close(&f);
}

TEST(what_is_under_way_at_the_end_is_waited_for_then_cancelled)
{
	struct fixture f;
	fixture_open(&f, "end");
	help_page(&f.h, page_to(1, 7));
	start(&f);
	sender_destroy(&f.sender);
	CHECK_INT(out.cancelled, 1);
	CHECK_STR(help_row(&f.h, 1).state, "queued");
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM outbox"), 1);
	loop_destroy(&f.loop);
	help_close(&f.h);
}

TEST(a_browser_tells_what_became_of_its_page)
{
	struct fixture f;
	fixture_open(&f, "browser");
	struct notify_page page = page_to(1, 7);
	page.channel = STR("browser");
	help_page(&f.h, page);
	struct notify_delivered told = { .page = 1, .user = 2, .shown = true };
	CHECK_INT(help_run(&f.h, notify_delivered_decide, &told), ERR_NOT_FOUND);
	told.user = 1;
	CHECK_INT(help_run(&f.h, notify_delivered_decide, &told), OK); /* quicker than the record */
	CHECK_STR(help_row(&f.h, 1).state, "delivered");
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM outbox"), 0);
	int64_t events = help_count(&f.h, "SELECT count(*) FROM event");
	CHECK_INT(help_run(&f.h, notify_delivered_decide, &told), OK);
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM event"), events);
	struct notify_attempt sent = { .incident = 7, .page = 2, .state = STR("sent"), .detail = STR("put") };
	help_page(&f.h, page);
	CHECK_INT(help_run(&f.h, notify_attempt_decide, &sent), OK);
	told = (struct notify_delivered){ .page = 2, .user = 1, .detail = STR("permission denied") };
	CHECK_INT(help_run(&f.h, notify_delivered_decide, &told), OK);
	CHECK_STR(help_row(&f.h, 2).state, "failed");
	CHECK_STR(help_row(&f.h, 2).detail, "permission denied");
	CHECK_INT(help_run(&f.h, notify_delivered_decide, &told), ERR_CONFLICT);
	CHECK_INT(help_count(&f.h, "SELECT count(*) FROM page_attempt WHERE page = 2"), 2);
	start(&f);
	CHECK_INT(out.count, 0);
	fixture_close(&f);
}

TEST(in_its_own_thread_it_starts_wakes_and_stops)
{
	struct fixture f;
	struct error err;
	fixture_open(&f, "thread");
	struct notify_sender_options options = {
		.store = f.h.store, .clock = &f.h.clock, .submit = submit, .submit_context = &f,
		.channels = null_channels,
	};
	out.refuses = ERR_INVALID;
	CHECK_OK(notify_sender_start(&options, &f.sender, &err));
	for (int i = 0; i < 400 && notify_sender_figures(f.sender).failed == 0; i++) {
		if (i == 20) /* the test's thread is the writer until then, the sender's after */
			help_page(&f.h, page_to(1, 7));
		if (i == 20)
			notify_sender_wake(f.sender);
		usleep(5000);
	}
	notify_sender_stop(&f.sender);
	CHECK(f.sender == NULL);
	CHECK_STR(help_row(&f.h, 1).state, "failed");
	loop_destroy(&f.loop);
	help_close(&f.h);
}

TESTS(RUN(a_page_leaves_once_and_its_result_is_recorded), RUN(what_is_not_due_waits_for_its_time),
      RUN(what_does_not_fit_into_memory_leaves_as_soon_as_there_is_room),
      RUN(tries_are_spaced_more_and_more_and_the_last_one_fails_loudly),
      RUN(a_server_that_asks_for_more_patience_gets_it),
      RUN(one_contact_that_still_may_work_is_hope_enough),
      RUN(a_refusal_of_the_channel_is_a_failed_try_in_its_words),
      RUN(what_is_cancelled_before_its_turn_never_leaves),
      RUN(a_page_cancelled_under_way_that_arrived_all_the_same_is_recorded_as_sent),
      RUN(a_result_that_cannot_be_stored_is_kept_and_nothing_is_sent_twice),
      RUN(a_flood_to_one_contact_is_one_message_and_each_page_is_recorded),
      RUN(no_more_than_the_limit_is_under_way_and_all_arrive),
      RUN(after_a_restart_what_was_under_way_leaves_once_more),
      RUN(a_step_of_the_wall_moves_what_waits),
      RUN(the_last_resort_goes_to_those_it_can_wake_and_is_recorded_when_it_can_be),
      RUN(a_channel_that_never_says_how_it_ended_is_given_up_and_tried_again),
      RUN(what_is_under_way_at_the_end_is_waited_for_then_cancelled),
      RUN(a_browser_tells_what_became_of_its_page), RUN(in_its_own_thread_it_starts_wakes_and_stops))
