/* cookie_jar.c: see cookie_jar.h. */
#include "wire/cookie_jar.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "wire/address.h"

/* ---- texts ---- */

static char *copy_lower(struct str text, bool lower)
{
	char *copy = mem_alloc(text.len + 1);
	for (size_t i = 0; i < text.len; i++)
		copy[i] = lower ? (char)tolower((unsigned char)text.ptr[i]) : text.ptr[i];
	return copy;
}

static bool same_case(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_clean(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F || text.ptr[i] == ';')
			return false;
	return true;
}

/* "shop.example.org" is under "example.org"; an address is under nothing. */
static bool is_under(struct str host, struct str domain)
{
	struct address address;
	if (same_case(host, domain))
		return true;
	if (host.len <= domain.len || address_parse(host, &address))
		return false;
	size_t at = host.len - domain.len;
	return host.ptr[at - 1] == '.' && same_case(str_sub(host, at, host.len), domain);
}

static bool path_matches(struct str path, struct str cookie)
{
	if (!str_starts(path, cookie))
		return false;
	return path.len == cookie.len || (cookie.len > 0 && cookie.ptr[cookie.len - 1] == '/') ||
	       path.ptr[cookie.len] == '/';
}

static struct str default_path(struct str path)
{
	size_t end = path.len;
	while (end > 0 && path.ptr[end - 1] != '/')
		end--;
	return end > 1 ? str_sub(path, 0, end - 1) : STR("/");
}

/* ---- the jar ---- */

static void cookie_free(struct cookie *cookie)
{
	mem_free(cookie->name);
	mem_free(cookie->value);
	mem_free(cookie->domain);
	mem_free(cookie->path);
}

void cookie_jar_init(struct cookie_jar *jar)
{
	jar->count = 0;
}

static void remove_at(struct cookie_jar *jar, unsigned at)
{
	cookie_free(&jar->cookies[at]);
	memmove(&jar->cookies[at], &jar->cookies[at + 1], (jar->count - at - 1) * sizeof jar->cookies[0]);
	jar->count--;
}

void cookie_jar_finish(struct cookie_jar *jar)
{
	while (jar->count > 0)
		remove_at(jar, jar->count - 1);
}

/* ---- reading ---- */

struct parsed {
	struct str name, value, domain, path;
	bool secure, expired;
};

static void read_attribute(struct parsed *parsed, struct str name, struct str value, time_us now)
{
	int64_t seconds;
	if (same_case(name, STR("domain"))) {
		parsed->domain = str_starts(value, STR(".")) ? str_sub(value, 1, value.len) : value;
	} else if (same_case(name, STR("path")) && str_starts(value, STR("/"))) {
		parsed->path = value;
	} else if (same_case(name, STR("secure"))) {
		parsed->secure = true;
	} else if (same_case(name, STR("max-age"))) {
		parsed->expired = str_int(value, INT64_MIN, INT64_MAX, &seconds) && seconds <= 0;
	} else if (same_case(name, STR("expires")) && value.len > 0 && value.len < 64) {
		char text[64] = "";
		memcpy(text, value.ptr, value.len);
		time_t at = curl_getdate(text, NULL);
		parsed->expired = at >= 0 && at <= now / TIME_SECOND;
	}
}

static bool parse(struct str line, time_us now, struct parsed *ret_parsed)
{
	struct parsed parsed = { .name = STR_NONE };
	struct str pair, part, rest, name, value;
	bool more = str_cut(line, ';', &pair, &rest);
	if (!str_cut(pair, '=', &parsed.name, &parsed.value))
		return false;
	parsed.name = str_trim(parsed.name);
	parsed.value = str_trim(parsed.value);
	while (more) {
		more = str_cut(rest, ';', &part, &rest);
		if (!str_cut(part, '=', &name, &value))
			value = STR_NONE;
		read_attribute(&parsed, str_trim(name), str_trim(value), now);
	}
	*ret_parsed = parsed;
	return parsed.name.len > 0 && parsed.name.len + parsed.value.len <= COOKIE_BYTES_MAX && is_clean(parsed.name) &&
	       is_clean(parsed.value);
}

/* A domain without a dot within it would be a whole top level. */
static bool may_set(const struct parsed *parsed, struct str host, bool https)
{
	if (parsed->secure && !https)
		return false;
	if (parsed->domain.len == 0 || same_case(parsed->domain, host))
		return true;
	return str_has(parsed->domain, '.') && is_under(host, parsed->domain);
}

static void keep(struct cookie_jar *jar, const struct parsed *parsed, struct str host, struct str path)
{
	struct str domain = parsed->domain.len > 0 ? parsed->domain : host;
	struct str whole = parsed->path.len > 0 ? parsed->path : default_path(path);
	for (unsigned i = jar->count; i-- > 0;) {
		const struct cookie *old = &jar->cookies[i];
		if (str_is(parsed->name, old->name) && same_case(domain, str_of(old->domain)) && str_is(whole, old->path))
			remove_at(jar, i);
	}
	if (parsed->expired)
		return;
	if (jar->count == COOKIES_MAX)
		remove_at(jar, 0);
	jar->cookies[jar->count++] = (struct cookie){
		.name = copy_lower(parsed->name, false), .value = copy_lower(parsed->value, false),
		.domain = copy_lower(domain, true), .path = copy_lower(whole, false),
		.host_only = parsed->domain.len == 0, .secure = parsed->secure,
	};
}

void cookie_jar_take(struct cookie_jar *jar, struct str host, struct str path, bool https, struct str headers,
                     time_us now)
{
	static const struct str field = { "set-cookie:", 11 };
	struct str rest = headers, line;
	struct parsed parsed;
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (line.len <= field.len || !same_case(str_sub(line, 0, field.len), field))
			continue;
		if (parse(str_trim(str_sub(line, field.len, line.len)), now, &parsed) && may_set(&parsed, host, https))
			keep(jar, &parsed, host, path);
	}
	assert(jar->count <= COOKIES_MAX);
}

void cookie_jar_print(const struct cookie_jar *jar, struct str host, struct str path, bool https, struct buf *out)
{
	const char *between = "";
	for (unsigned i = 0; i < jar->count; i++) {
		const struct cookie *cookie = &jar->cookies[i];
		struct str domain = str_of(cookie->domain);
		bool there = cookie->host_only ? same_case(host, domain) : is_under(host, domain);
		if (!there || !path_matches(path, str_of(cookie->path)) || (cookie->secure && !https))
			continue;
		buf_printf(out, "%s%s=%s", between, cookie->name, cookie->value);
		between = "; ";
	}
}
