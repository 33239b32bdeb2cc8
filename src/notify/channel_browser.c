/*
 * channel_browser.c: a page in an open browser, with sound.
 *
 * "Sent" means it was put on a live stream. That a person's browser showed it comes later, as a
 * command of its own (notify_delivered_decide). When no browser is open, trying again is right:
 * whoever opens the laptop is paged then.
 */
#include <assert.h>

#include "base/mem.h"
#include "notify/channel_priv.h"
#include "sys/loop.h"

struct browser_try {
	struct loop_timer *timer;
	const struct notify_page *message;
	channel_done_fn *done;
	void *context;
	int streams;
};

static void cancel(void *context)
{
	struct browser_try *try = context;
	loop_timer_destroy(&try->timer);
	mem_free(try);
}

static void on_pushed(void *context)
{
	struct browser_try *try = context;
	channel_done_fn *done = try->done;
	void *done_context = try->context;
	struct channel_result result;
	if (try->streams == 0)
		result = channel_result(CHANNEL_RETRY, try->message, STR_NONE,
					"no browser of this person is open");
	else if (try->streams < 0)
		result = channel_result(CHANNEL_SENT, try->message, STR_NONE, "put on the live stream");
	else
		result = channel_result(CHANNEL_SENT, try->message, STR_NONE,
					"put on the live stream of %d open browser%s", try->streams,
					try->streams == 1 ? "" : "s");
	cancel(try);
	done(done_context, &result);
}

static enum err send_page(struct channel_tools *tools, const struct notify_page *message,
		     channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	assert(message->page > 0 || message->incident == 0);
	if (tools->push == NULL)
		return error_set(err, ERR_UNSUPPORTED, "this server has no browsers to page");
	struct browser_try *try = mem_alloc(sizeof *try);
	*try = (struct browser_try){ .message = message, .done = done, .context = context };
	try->streams = tools->push(tools->push_context, message);
	try->timer = loop_timer_create(tools->loop, on_pushed, try);
	loop_timer_start(try->timer, 0);
	*ret_try = try;
	return OK;
}

const struct channel channel_browser = {
	.name = "browser",
	.about = "A notification with sound in every open browser of the person.",
	.send = send_page,
	.cancel = cancel,
};
