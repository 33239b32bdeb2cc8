/*
 * channel_webhook.c: a signed POST of JSON to a program of somebody's own.
 *
 * Body: see channel_write_json. When the contact has a secret, two signatures over the same bytes, so
 * that a receiver takes whichever it has a library for; TS is seconds since 1970:
 *
 *     X-Mainstay-Signature: t=TS,v1=HEX      HMAC-SHA256(secret, "TS.BODY"), the secret as it was typed
 *     webhook-id, webhook-timestamp: TS,     standardwebhooks.com: HMAC-SHA256(key, "ID.TS.BODY"),
 *     webhook-signature: v1,BASE64           key: what "whsec_BASE64" holds, else the secret as typed
 *
 * A receiver should refuse a TS more than 5 minutes from now, compare in constant time, and take a
 * page (Idempotency-Key: page-12, and "page" in the body) once: a repeat after a lost answer has the same.
 * RFC 2104, RFC 4648.
 */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "notify/channel_priv.h"
#include "sys/clock.h"

#define KEY_BYTES_MAX 512u
#define STANDARD_PREFIX STR("whsec_")
#define SIGNATURE_FIELDS 4u

struct signature {
	char ours[128], id[CHANNEL_NAME_BYTES], timestamp[24], standard[72];
};

static void hmac(struct str key, const char *before, struct str body,
		 unsigned char ret_mac[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)before, strlen(before));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.ptr, body.len);
	crypto_auth_hmacsha256_final(&state, ret_mac);
	sodium_memzero(&state, sizeof state);
}

static enum err standard_key(struct str secret, unsigned char key[KEY_BYTES_MAX], size_t *ret_size,
			     struct error *err)
{
	struct str text = str_sub(secret, STANDARD_PREFIX.len, secret.len);
	if (sodium_base642bin(key, KEY_BYTES_MAX, text.ptr, text.len, NULL, ret_size, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return error_set(err, ERR_INVALID, "the webhook's secret begins with whsec_ but is not base64; "
				 "enter it as the receiver gave it");
	return OK;
}

static enum err sign(const struct notify_page *message, time_us now, struct str body,
		     struct signature *ret_signature, struct error *err)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES], key[KEY_BYTES_MAX];
	char before[96], hex[2 * sizeof mac + 1], base64[64];
	struct str standard = message->secret;
	size_t size = 0;
	if (str_starts(message->secret, STANDARD_PREFIX)) {
		enum err r = standard_key(message->secret, key, &size, err);
		if (r != OK)
			return r;
		standard = (struct str){ (const char *)key, size };
	}
	struct signature *s = ret_signature;
	snprintf(s->timestamp, sizeof s->timestamp, "%lld", (long long)(now / TIME_SECOND));
	channel_page_name(message, s->id);
	snprintf(before, sizeof before, "%s.", s->timestamp);
	hmac(message->secret, before, body, mac);
	sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
	snprintf(s->ours, sizeof s->ours, "t=%s,v1=%s", s->timestamp, hex);
	snprintf(before, sizeof before, "%s.%s.", s->id, s->timestamp);
	hmac(standard, before, body, mac);
	sodium_bin2base64(base64, sizeof base64, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
	snprintf(s->standard, sizeof s->standard, "v1,%s", base64);
	sodium_memzero(key, sizeof key);
	return OK;
}

static enum err send_page(struct channel_tools *tools, const struct notify_page *message,
		     channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	struct signature signature = { .ours = "" };
	char url[2100], name[CHANNEL_NAME_BYTES];
	cleanup_buf struct buf body;
	buf_init(&body, CHANNEL_JSON_BYTES_MAX);
	channel_write_json(message, &body);
	assert(!body.full);
	enum err r = OK;
	if (message->secret.len > 0)
		r = sign(message, clock_wall(tools->clock), buf_str(&body), &signature, err);
	if (r != OK)
		return r;
	snprintf(url, sizeof url, STR_FMT, STR_ARG(message->address));
	channel_page_name(message, name);
	struct http_ask_field fields[] = {
		{ "Content-Type", "application/json" },
		{ "Idempotency-Key", name },
		{ "X-Mainstay-Signature", signature.ours },
		{ "webhook-id", signature.id },
		{ "webhook-timestamp", signature.timestamp },
		{ "webhook-signature", signature.standard },
	};
	unsigned count = sizeof fields / sizeof fields[0];
	struct channel_post post = { .url = url, .fields = fields, .body = buf_str(&body),
				     .fields_count = message->secret.len > 0 ? count
									      : count - SIGNATURE_FIELDS };
	return channel_post(tools, message, &post, done, context, ret_try, err);
}

const struct channel channel_webhook = {
	.name = "webhook",
	.about = "A signed POST of JSON to a program of yours.",
	.wakes = true,
	.send = send_page,
	.cancel = channel_post_cancel,
};
