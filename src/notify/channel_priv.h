/* channel_priv.h: what the channels share: words of results, the JSON of a page, one HTTP POST. */
#pragma once

#include "base/buf.h"
#include "notify/notify_channel.h"

#define CHANNEL_JSON_BYTES_MAX 65536u
#define CHANNEL_ANSWER_BYTES_MAX 4096u
#define CHANNEL_HTTP_TIMEOUT (15 * TIME_SECOND)
#define CHANNEL_CONNECT_TIMEOUT (5 * TIME_SECOND)

/* A finished result: one line, at most CHANNEL_DETAIL_BYTES, valid UTF-8, with the message's secret,
 * address and link masked. `more` is a secret beyond those; may be empty. */
struct channel_result channel_result(enum channel_end end, const struct notify_page *message,
				     struct str more, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether a refusal may be otherwise later. */
enum channel_end channel_end_of(enum err code);

/* {"type":"page"|"resolved"|"test","page":..,"incident":..,"title":..,"body":..,"link":..,
 *  "urgency":..,"reason":..,"user":..,"at":..}; incident and link null when there is none. */
void channel_write_json(const struct notify_page *message, struct buf *out);

/* "page-12": the same for every try. What was never recorded has its time instead of a number. */
#define CHANNEL_NAME_BYTES 48
void channel_page_name(const struct notify_page *message, char ret_name[CHANNEL_NAME_BYTES]);

/* A copy in one line: no control characters, at most `limit` bytes, cut at a character. */
struct str channel_one_line(struct str text, size_t limit, struct buf *buf);

struct channel_post {
	const char *url;
	const struct http_ask_field *fields;
	unsigned fields_count;
	struct str body;
	struct str secret; /* beyond the message's own: masked in what is told */
	bool trusted;      /* an admin chose the place */
};
enum err channel_post(struct channel_tools *tools, const struct notify_page *message,
		      const struct channel_post *post, channel_done_fn *done, void *context,
		      void **ret_try, struct error *err);
void channel_post_cancel(void *try);
