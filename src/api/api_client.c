/*
 * api_client.c: where a request comes from: the address that sign-in is slowed for, and that is recorded.
 *
 * X-Forwarded-For is what its sender wrote into it. Only a proxy that was named at start
 * (--trusted-proxy) is believed, and only about its own neighbour: the list is read from its end, as
 * long as what stands there is itself a named proxy. So nobody can invent an address for themselves.
 */
#include <stdio.h>
#include <string.h>

#include "api/api_priv.h"

#define HOPS_MAX 16u /* proxies behind each other; what comes before them is not looked at */

enum err api_proxies_parse(const char *text, struct api_proxies *ret_proxies, struct error *err)
{
	struct api_proxies proxies = { .count = 0 };
	struct str rest = str_of(text), one;
	while (rest.len > 0) {
		struct str next = STR_NONE;
		str_cut(rest, ',', &one, &next);
		rest = next;
		if (proxies.count == API_PROXIES_MAX)
			return error_set(err, ERR_INVALID, "--trusted-proxy names more than %u proxies",
					 API_PROXIES_MAX);
		if (!address_range_parse(str_trim(one), &proxies.ranges[proxies.count++])) {
			error_set(err, ERR_INVALID, "--trusted-proxy: \"" STR_FMT "\" is no address",
				  STR_ARG(str_trim(one)));
			error_hint(err, "give addresses like 127.0.0.1, 10.0.0.0/8 or ::1, with commas between");
			return ERR_INVALID;
		}
	}
	*ret_proxies = proxies;
	return OK;
}

static bool is_trusted(const struct api_proxies *proxies, const struct address *address)
{
	for (size_t i = 0; i < proxies->count; i++) {
		if (address_in(address, &proxies->ranges[i]))
			return true;
	}
	return false;
}

static bool read_address(struct str text, struct address *ret_address)
{
	struct address address, inner;
	if (!address_parse(str_trim(text), &address))
		return false;
	*ret_address = address_unwrap(&address, &inner) && address.v6 ? inner : address;
	return true;
}

/* The last entry of a list, which is shortened by it. */
static struct str take_last(struct str *list)
{
	size_t begin = list->len;
	while (begin > 0 && list->ptr[begin - 1] != ',')
		begin--;
	struct str last = str_sub(*list, begin, list->len);
	*list = str_sub(*list, 0, begin > 0 ? begin - 1 : 0);
	return last;
}

/* Walks back from the peer; false: there is no further entry, or one that is no address. */
struct walk {
	const struct http_request *request;
	size_t header; /* one past the one that is read */
	struct str list;
};

static bool step_back(struct walk *walk, struct address *ret_address)
{
	while (str_trim(walk->list).len == 0) {
		if (walk->header == 0)
			return false;
		const struct http_field *field = &walk->request->headers[--walk->header];
		if (field->name.len == strlen("X-Forwarded-For") &&
		    strncasecmp(field->name.ptr, "X-Forwarded-For", field->name.len) == 0)
			walk->list = field->value;
	}
	return read_address(take_last(&walk->list), ret_address);
}

void api_client_of(const struct http_request *request, const struct api_proxies *proxies,
		   char ret_text[HTTP_ADDRESS_BYTES])
{
	struct address at, before;
	struct walk walk = { .request = request, .header = request->header_count };
	snprintf(ret_text, HTTP_ADDRESS_BYTES, "%s", request->peer);
	if (proxies->count == 0 || !read_address(str_of(request->peer), &at))
		return;
	for (unsigned hops = 0; hops < HOPS_MAX && is_trusted(proxies, &at); hops++) {
		char text[ADDRESS_TEXT_BYTES];
		if (!step_back(&walk, &before))
			return;
		at = before;
		address_format(&at, text);
		snprintf(ret_text, HTTP_ADDRESS_BYTES, "%s", text);
	}
}
