/* egress.c: see egress.h. libcurl reads the URL, so that the reader and the caller agree on it. */
#include "wire/egress.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

struct egress_policy egress_policy_checks(void)
{
	return (struct egress_policy){ .allow_loopback = true, .allow_private = true };
}

struct egress_policy egress_policy_webhooks(void)
{
	return (struct egress_policy){ .allow_loopback = false };
}

static bool in_any(const struct address *address, const struct address_range *ranges, unsigned count)
{
	assert(count <= EGRESS_RANGES_MAX);
	for (unsigned i = 0; i < count; i++)
		if (address_in(address, &ranges[i]))
			return true;
	return false;
}

static bool class_allowed(const struct egress_policy *policy, enum address_class kind)
{
	switch (kind) {
	case ADDRESS_PUBLIC:
		return true;
	case ADDRESS_PRIVATE:
		return policy->allow_private;
	case ADDRESS_LOOPBACK:
		return policy->allow_loopback;
	case ADDRESS_LINK_LOCAL:
	case ADDRESS_METADATA:
		return policy->allow_link_local;
	case ADDRESS_MULTICAST:
	case ADDRESS_RESERVED:
		return false;
	}
	return false;
}

enum err egress_check_address(const struct egress_policy *policy, const struct address *address,
                              struct error *err)
{
	struct address inner;
	bool carries = address_unwrap(address, &inner);
	char text[ADDRESS_TEXT_BYTES];
	address_format(address, text);
	if (in_any(address, policy->deny, policy->denies) ||
	    (carries && in_any(&inner, policy->deny, policy->denies)))
		return error_set(err, ERR_DENIED, "the address %s is on the deny list", text);
	/* An allow of the outer range must not open what is carried inside. */
	if (in_any(carries ? &inner : address, policy->allow, policy->allows))
		return OK;
	enum address_class kind = address_classify(address);
	if (class_allowed(policy, kind))
		return OK;
	error_set(err, ERR_DENIED, "the address %s is %s, which outgoing calls may not reach", text,
	          address_class_name(kind));
	error_hint(err, "allow its range in the settings of outgoing calls, if you mean it");
	return ERR_DENIED;
}

enum err egress_check_all(const struct egress_policy *policy, const char *host,
                          const struct address *addresses, unsigned count, struct error *err)
{
	assert(count > 0);
	for (unsigned i = 0; i < count; i++) {
		enum err result = egress_check_address(policy, &addresses[i], err);
		if (result != OK) {
			error_prefix(err, "cannot call \"%s\"", host);
			return result;
		}
	}
	return OK;
}

static bool is_plain(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == 0x7F || url.ptr[i] == '\\')
			return false;
	return true;
}

/* Takes one part of a URL; the empty text when it has none. */
static bool copy_part(CURLU *parts, CURLUPart part, unsigned flags, char *ret_text, size_t size)
{
	char *text = NULL;
	if (curl_url_get(parts, part, &text, flags) != CURLUE_OK)
		return false;
	bool fits = strlen(text) < size;
	if (fits)
		memcpy(ret_text, text, strlen(text) + 1);
	curl_free(text);
	return fits;
}

static bool has_part(CURLU *parts, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(parts, part, &text, 0) == CURLUE_OK;
	curl_free(text);
	return has;
}

/* Letters of any language, digits, and what stands in names and addresses. What was percent-encoded is
 * decoded by now: a control character must not come in that way. */
static bool is_host(const char *host)
{
	for (const char *c = host; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;
		bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
			     (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
		if (!plain && strchr("-._:", *c) == NULL)
			return false;
	}
	return host[0] != '\0' && str_is_utf8(str_of(host));
}

static void strip_brackets(char *host)
{
	size_t length = strlen(host);
	if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
		memmove(host, host + 1, length - 2);
		host[length - 2] = '\0';
	}
}

/* Read once more, it must mean the same: "93.216.%34" becomes a name first and an address only then. */
static bool is_settled(const struct egress_target *target)
{
	char host[EGRESS_HOST_BYTES] = "";
	CURLU *again = curl_url();
	assert(again != NULL);
	bool same = curl_url_set(again, CURLUPART_URL, target->url, 0) == CURLUE_OK &&
		    copy_part(again, CURLUPART_HOST, 0, host, sizeof host);
	curl_url_cleanup(again);
	strip_brackets(host);
	return same && strcmp(host, target->host) == 0;
}

static enum err take_parts(CURLU *parts, const char *url, struct egress_target *target,
                           struct error *err)
{
	char scheme[16] = "", port[8] = "";
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return error_set(err, ERR_INVALID, "cannot read the URL \"%.200s\"", url);
	if (!copy_part(parts, CURLUPART_SCHEME, 0, scheme, sizeof scheme) ||
	    (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
		return error_set(err, ERR_INVALID, "cannot call \"%.200s\": only http and https are allowed",
		                 url);
	if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD))
		return error_set(err, ERR_INVALID, "cannot call a URL that carries a user or a password; "
		                 "give them as a header");
	curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
	int64_t number = 0;
	if (!copy_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) ||
	    !str_int(str_of(port), 1, 65535, &number) ||
	    !copy_part(parts, CURLUPART_HOST, 0, target->host, sizeof target->host) ||
	    !copy_part(parts, CURLUPART_URL, 0, target->url, sizeof target->url))
		return error_set(err, ERR_INVALID, "cannot read the host and port of \"%.200s\"", url);
	strip_brackets(target->host);
	if (!is_host(target->host) || !is_settled(target))
		return error_set(err, ERR_INVALID, "cannot call \"%.200s\": its host is not a name", url);
	target->https = strcasecmp(scheme, "https") == 0;
	target->port = (uint16_t)number;
	return OK;
}

enum err egress_check_url(const struct egress_policy *policy, struct str url,
                          struct egress_target *ret_target, struct error *err)
{
	if (url.len == 0 || url.len > EGRESS_URL_MAX_BYTES || !is_plain(url))
		return error_set(err, ERR_INVALID, "cannot call a URL that is empty, longer than %d bytes, or "
		                 "has blanks, control characters or backslashes", EGRESS_URL_MAX_BYTES);
	char text[EGRESS_URL_MAX_BYTES + 1];
	memcpy(text, url.ptr, url.len);
	text[url.len] = '\0';
	CURLU *parts = curl_url();
	assert(parts != NULL);
	struct egress_target target = { .https = false };
	enum err result = take_parts(parts, text, &target, err);
	curl_url_cleanup(parts);
	if (result != OK)
		return result;
	struct address address;
	target.literal = address_parse(str_of(target.host), &address);
	if (target.literal)
		result = egress_check_all(policy, target.host, &address, 1, err);
	if (result == OK)
		*ret_target = target;
	return result;
}
