/*
 * channel_ntfy.c: a push to a phone by an ntfy server (docs.ntfy.sh, "Publish as JSON").
 *
 * As JSON and not as header fields: text in any language goes through unharmed, and a comma in a
 * label breaks nothing. Priority 5 rings until it is seen; 3 is quiet. A repeat of a page has the
 * same sequence id, so where the server knows it, it replaces the first on the phone.
 *
 * The address is a URL of server and topic, or a topic of the server in the settings. The contact's
 * secret is an access token; without one the token of the settings is used, at its own server only.
 */
#include <assert.h>
#include <string.h>

#include "notify/channel_priv.h"
#include "wire/json_writer.h"

#define MESSAGE_BYTES_MAX 3500u /* the server's limit is 4096 */
#define TITLE_BYTES_MAX 240u
#define TOPIC_BYTES_MAX 64u
#define URL_BYTES 2100
#define PRIORITY_HIGH 5
#define PRIORITY_LOW 3

struct place {
	char url[URL_BYTES]; /* of the server, with a slash at the end */
	char topic[TOPIC_BYTES_MAX + 1];
	struct str token;
	bool trusted;
};

static bool is_topic(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!fits && c != '-' && c != '_')
			return false;
	}
	return text.len > 0 && text.len <= TOPIC_BYTES_MAX;
}

static struct str without_slash(struct str url)
{
	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	return url;
}

static enum err find_place(struct channel_tools *tools, const struct notify_page *message,
			   struct place *ret_place, struct error *err)
{
	struct str usual = without_slash(tools->settings->ntfy.server);
	struct str address = without_slash(message->address), server = usual, topic = address;
	for (size_t i = address.len; i > 0; i--) {
		if (address.ptr[i - 1] == '/') {
			topic = str_sub(address, i, address.len);
			server = without_slash(str_sub(address, 0, i));
			break;
		}
	}
	if (server.len == 0)
		return error_set(err, ERR_INVALID, "no ntfy server is set up; set one in Settings, or give the "
				 "contact a URL like https://ntfy.example/topic");
	if (!is_topic(topic))
		return error_set(err, ERR_INVALID, "the ntfy address does not end in a topic (letters, digits, "
				 "dashes, at most 64)");
	ret_place->trusted = usual.len > 0 && str_eq(server, usual);
	ret_place->token = message->secret;
	if (ret_place->token.len == 0 && ret_place->trusted)
		ret_place->token = tools->settings->ntfy.token;
	snprintf(ret_place->url, sizeof ret_place->url, STR_FMT "/", STR_ARG(server));
	snprintf(ret_place->topic, sizeof ret_place->topic, STR_FMT, STR_ARG(topic));
	return OK;
}

static bool wants_answer(const struct notify_page *message)
{
	return message->link.len > 0 && !str_is(message->reason, "resolved") &&
	       !str_is(message->reason, "test");
}

/* The button acknowledges in place: it POSTs to the link, which only a person's press does. */
static void write_actions(struct json_writer *json, const struct notify_page *message)
{
	json_key(json, "actions");
	json_list_begin(json);
	if (wants_answer(message)) {
		json_map_begin(json);
		json_field_cstr(json, "action", "http");
		json_field_cstr(json, "label", "Acknowledge");
		json_field_text(json, "url", message->link);
		json_field_cstr(json, "method", "POST");
		json_field_bool(json, "clear", true);
		json_map_end(json);
	}
	json_map_begin(json);
	json_field_cstr(json, "action", "view");
	json_field_cstr(json, "label", "Open");
	json_field_text(json, "url", message->link);
	json_map_end(json);
	json_list_end(json);
}

static const char *tag_of(const struct notify_page *message)
{
	if (str_is(message->reason, "resolved"))
		return "white_check_mark";
	if (str_is(message->reason, "test"))
		return "bell";
	return str_is(message->urgency, "high") ? "rotating_light" : "warning";
}

static void write_message(const struct notify_page *message, const struct place *place, struct buf *out)
{
	struct json_writer json;
	cleanup_buf struct buf line;
	char name[CHANNEL_NAME_BYTES], sequence[CHANNEL_NAME_BYTES + 10];
	buf_init(&line, NOTIFY_TITLE_BYTES_MAX + 1);
	size_t end = message->body.len < MESSAGE_BYTES_MAX ? message->body.len : MESSAGE_BYTES_MAX;
	while (end > 0 && end < message->body.len && ((unsigned char)message->body.ptr[end] & 0xC0) == 0x80)
		end--;
	channel_page_name(message, name);
	snprintf(sequence, sizeof sequence, "mainstay-%s", name);
	json_init(&json, out);
	json_map_begin(&json);
	json_field_cstr(&json, "topic", place->topic);
	json_field_text(&json, "title", channel_one_line(message->title, TITLE_BYTES_MAX, &line));
	json_field_text(&json, "message", str_trim(str_sub(message->body, 0, end)));
	json_field_int(&json, "priority", str_is(message->urgency, "high") ? PRIORITY_HIGH : PRIORITY_LOW);
	json_key(&json, "tags");
	json_list_begin(&json);
	json_cstr(&json, tag_of(message));
	json_list_end(&json);
	json_field_cstr(&json, "sequence_id", sequence);
	if (message->link.len > 0) {
		json_field_text(&json, "click", message->link);
		write_actions(&json, message);
	}
	json_map_end(&json);
	json_finish(&json);
}

static enum err send_page(struct channel_tools *tools, const struct notify_page *message,
		     channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	struct place place;
	char bearer[600];
	cleanup_buf struct buf body;
	buf_init(&body, CHANNEL_JSON_BYTES_MAX);
	enum err r = find_place(tools, message, &place, err);
	if (r != OK)
		return r;
	write_message(message, &place, &body);
	assert(!body.full);
	snprintf(bearer, sizeof bearer, "Bearer " STR_FMT, STR_ARG(place.token));
	struct http_ask_field fields[] = { { "Content-Type", "application/json" },
					   { "Authorization", bearer } };
	struct channel_post post = { .url = place.url, .fields = fields,
				     .fields_count = place.token.len > 0 ? 2 : 1,
				     .body = buf_str(&body), .secret = place.token,
				     .trusted = place.trusted };
	r = channel_post(tools, message, &post, done, context, ret_try, err);
	explicit_bzero(bearer, sizeof bearer);
	return r;
}

const struct channel channel_ntfy = {
	.name = "ntfy",
	.about = "A push to a phone by an ntfy server; rings also when the phone is silent.",
	.wakes = true,
	.bundles = true,
	.send = send_page,
	.cancel = channel_post_cancel,
};
