/* proxy.c: see proxy.h. libcurl reads the URL, as it is the one to use it. */
#include "wire/proxy.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* ---- the URL ---- */

static bool take(CURLU *parts, CURLUPart part, unsigned flags, char *ret_text, size_t size)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(parts, part, &text, flags);
	bool fits = code == CURLUE_OK && strlen(text) < size;
	ret_text[0] = '\0';
	if (fits)
		memcpy(ret_text, text, strlen(text) + 1);
	curl_free(text);
	return fits || code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD;
}

static enum err unreadable(struct error *err)
{
	return error_set(err, ERR_INVALID, "cannot read the URL of the proxy: it must be like http://proxy.example.org:3128");
}

static enum err read_parts(CURLU *parts, const struct egress_policy *policy, const char *url, struct proxy *proxy, struct error *err)
{
	char scheme[16], plain[EGRESS_URL_MAX_BYTES + 1];
	struct egress_target target;
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    !take(parts, CURLUPART_SCHEME, 0, scheme, sizeof scheme))
		return unreadable(err);
	if (strcasecmp(scheme, "http") != 0)
		return error_set(err, ERR_UNSUPPORTED, "cannot ask by a proxy of the kind \"%s\": only http is spoken to proxies", scheme);
	if (!take(parts, CURLUPART_USER, CURLU_URLDECODE, proxy->user, sizeof proxy->user) ||
	    !take(parts, CURLUPART_PASSWORD, CURLU_URLDECODE, proxy->password, sizeof proxy->password))
		return unreadable(err);
	curl_url_set(parts, CURLUPART_USER, NULL, 0);
	curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
	if (!take(parts, CURLUPART_URL, 0, plain, sizeof plain))
		return unreadable(err);
	enum err r = egress_check_url(policy, str_of(plain), &target, err);
	if (r == ERR_INVALID)
		return unreadable(err);
	if (r != OK)
		return r;
	memcpy(proxy->host, target.host, sizeof proxy->host);
	proxy->port = target.port;
	return OK;
}

enum err proxy_read(const struct egress_policy *policy, struct str url, struct proxy *ret_proxy, struct error *err)
{
	static const char scheme[] = "http://";
	char text[EGRESS_URL_MAX_BYTES + sizeof scheme];
	struct proxy proxy = { .port = 0 };
	if (url.len == 0 || url.len > EGRESS_URL_MAX_BYTES || str_has(url, '\0'))
		return unreadable(err);
	memcpy(text, url.ptr, url.len);
	text[url.len] = '\0';
	if (strstr(text, "://") == NULL) {
		memmove(text + sizeof scheme - 1, text, url.len + 1);
		memcpy(text, scheme, sizeof scheme - 1);
	}
	CURLU *parts = curl_url();
	assert(parts != NULL);
	enum err r = read_parts(parts, policy, text, &proxy, err);
	curl_url_cleanup(parts);
	if (r == OK)
		*ret_proxy = proxy;
	return r;
}

/* ---- who is spared ---- */

/* "host:80", "[::1]:80": what stands before and behind; else all of it, and no port. */
static struct str split_port(struct str entry, struct str *ret_port)
{
	struct str host = entry;
	size_t colons = 0, at = 0;
	for (size_t i = 0; i < entry.len; i++)
		if (entry.ptr[i] == ':') {
			colons++;
			at = i;
		}
	bool bracketed = entry.len > 0 && entry.ptr[0] == '[' && at > 0 && entry.ptr[at - 1] == ']';
	*ret_port = STR_NONE;
	if (colons == 0 || (colons > 1 && !bracketed))
		return entry;
	*ret_port = str_sub(entry, at + 1, entry.len);
	host = str_sub(entry, 0, at);
	return bracketed ? str_sub(host, 1, host.len - 1) : host;
}

static bool ends_alike(struct str text, struct str end)
{
	return text.len >= end.len && strncasecmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

/* "example.org" is it and what is below; ".example.org" and "*.example.org" only what is below. */
static bool names(struct str entry, struct str host)
{
	if (str_starts(entry, STR("*.")))
		entry = str_sub(entry, 1, entry.len);
	if (entry.len == 0)
		return false;
	if (entry.ptr[0] == '.')
		return ends_alike(host, entry);
	if (!ends_alike(host, entry))
		return false;
	return host.len == entry.len || host.ptr[host.len - entry.len - 1] == '.';
}

static bool spares(struct str entry, struct str host, const struct address *address, uint16_t port)
{
	struct address_range range;
	struct address same;
	struct str port_text, name = split_port(entry, &port_text);
	int64_t number = 0;
	if (entry.len == 1 && entry.ptr[0] == '*')
		return true;
	if (str_has(entry, '/'))
		return address != NULL && address_range_parse(entry, &range) && address_in(address, &range);
	if (port_text.len > 0 && (!str_int(port_text, 0, 65535, &number) || number != port))
		return false;
	if (address_parse(name, &same))
		return address != NULL && address_eq(address, &same);
	return names(name, host);
}

bool proxy_is_spared(struct str no_proxy, const char *host, uint16_t port)
{
	struct address address, inner;
	struct str entry, rest = no_proxy;
	bool literal = address_parse(str_of(host), &address);
	if (literal && address_unwrap(&address, &inner))
		address = inner;
	if (strcasecmp(host, "localhost") == 0 || (literal && address_classify(&address) == ADDRESS_LOOPBACK))
		return true;
	for (bool more = true; more;) {
		more = str_cut(rest, ',', &entry, &rest);
		entry = str_trim(entry);
		if (entry.len > 0 && spares(entry, str_of(host), literal ? &address : NULL, port))
			return true;
	}
	return false;
}
