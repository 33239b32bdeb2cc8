/* channel.c: the table of channels, and words they share. See notify_channel.h. */
#include <assert.h>
#include <string.h>

#include "notify/channel_priv.h"
#include "wire/json_writer.h"

#define MASKED "***"
#define SECRET_BYTES_LEAST 4u /* shorter ones would mask half of a sentence */
#define ADDRESS_BYTES_LEAST 12u /* of what may be a key in a URL, and not a word like "alerts" */

const struct channel *const channels_all[] = {
	&channel_browser, &channel_ntfy, &channel_email, &channel_webhook, &channel_command, NULL,
};

enum channel_end channel_end_of(enum err code)
{
	switch (code) {
	case ERR_INVALID:
	case ERR_DENIED:
	case ERR_UNAUTHENTICATED:
	case ERR_UNSUPPORTED:
	case ERR_TOO_LARGE:
		return CHANNEL_FAILED;
	default:
		return CHANNEL_RETRY;
	}
}

static void add_masked(struct buf *out, struct str text, struct str secret)
{
	if (secret.len < SECRET_BYTES_LEAST) {
		buf_add(out, text);
		return;
	}
	while (text.len > 0) {
		const char *at = memmem(text.ptr, text.len, secret.ptr, secret.len);
		size_t before = at != NULL ? (size_t)(at - text.ptr) : text.len;
		buf_add(out, str_sub(text, 0, before));
		if (at == NULL)
			return;
		buf_adds(out, MASKED);
		text = str_sub(text, before + secret.len, text.len);
	}
}

/* What comes after the last slash: of a link the token, of many webhooks their key. */
static struct str last_part(struct str url)
{
	for (size_t i = url.len; i > 0; i--) {
		if (url.ptr[i - 1] == '/')
			return str_sub(url, i, url.len);
	}
	return url;
}

/* Many URLs of webhooks, and every topic, are a secret in themselves. */
static struct str key_of(const struct notify_page *message)
{
	bool is_url = str_is(message->channel, "webhook") || str_is(message->channel, "ntfy");
	struct str key = last_part(message->address);
	return is_url && key.len >= ADDRESS_BYTES_LEAST ? key : STR_NONE;
}

struct str channel_one_line(struct str text, size_t limit, struct buf *buf)
{
	buf_reset(buf);
	bool utf8 = str_is_utf8(text);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		bool blank = byte <= ' ' || byte == 0x7F;
		if (blank && (buf->used == 0 || buf->bytes[buf->used - 1] == ' '))
			continue;
		buf_addc(buf, blank ? ' ' : byte >= 0x80 && !utf8 ? '?' : (char)byte);
	}
	size_t end = buf->used < limit ? buf->used : limit;
	while (end > 0 && end < buf->used && ((unsigned char)buf->bytes[end] & 0xC0) == 0x80)
		end--;
	while (end > 0 && buf->bytes[end - 1] == ' ')
		end--;
	if (buf->bytes != NULL)
		buf_cut(buf, end);
	return buf_str(buf);
}

struct channel_result channel_result(enum channel_end end, const struct notify_page *message,
				     struct str more, const char *format, ...)
{
	struct channel_result result = { .end = end };
	struct str secrets[] = { more, message->secret, last_part(message->link), key_of(message) };
	struct buf a, b;
	va_list args;
	char text[2048];
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buf_init(&a, sizeof text * 4);
	buf_init(&b, sizeof text * 4);
	buf_adds(&a, text);
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		buf_reset(&b);
		add_masked(&b, buf_str(&a), secrets[i]);
		struct buf swap = a;
		a = b;
		b = swap;
	}
	struct str line = channel_one_line(buf_str(&a), sizeof result.detail - 1, &b);
	memcpy(result.detail, line.len > 0 ? line.ptr : "", line.len);
	buf_finish(&a);
	buf_finish(&b);
	return result;
}

void channel_page_name(const struct notify_page *message, char ret_name[CHANNEL_NAME_BYTES])
{
	if (message->name.len > 0)
		snprintf(ret_name, CHANNEL_NAME_BYTES, STR_FMT, STR_ARG(message->name));
	else if (message->page > 0)
		snprintf(ret_name, CHANNEL_NAME_BYTES, "page-%lld", (long long)message->page);
	else
		snprintf(ret_name, CHANNEL_NAME_BYTES, "page-at-%lld", (long long)message->written);
}

static const char *type_of(const struct notify_page *message)
{
	if (str_is(message->reason, "resolved"))
		return "resolved";
	return str_is(message->reason, "test") ? "test" : "page";
}

void channel_write_json(const struct notify_page *message, struct buf *out)
{
	if (message->name.len > 0) { /* written as JSON by who queued it */
		buf_add(out, message->body);
		return;
	}
	struct json_writer json;
	json_init(&json, out);
	json_map_begin(&json);
	json_field_cstr(&json, "type", type_of(message));
	json_field_int(&json, "page", message->page);
	if (message->incident > 0)
		json_field_int(&json, "incident", message->incident);
	else
		json_field_null(&json, "incident");
	json_field_text(&json, "title", message->title);
	json_field_text(&json, "body", message->body);
	if (message->link.len > 0)
		json_field_text(&json, "link", message->link);
	else
		json_field_null(&json, "link");
	json_field_text(&json, "urgency", message->urgency);
	json_field_text(&json, "reason", message->reason);
	json_field_int(&json, "user", message->user);
	json_field_time(&json, "at", message->written);
	json_map_end(&json);
	json_finish(&json);
}
