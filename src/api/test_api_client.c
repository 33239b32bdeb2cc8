/* test_api_client.c: whose address a request has, whatever its headers say. */
#include "base/check.h"

#include <stdio.h>

#include "api/api_priv.h"

static struct api_proxies proxies_of(const char *text)
{
	struct api_proxies proxies;
	struct error err;
	CHECK_INT(api_proxies_parse(text, &proxies, &err), OK);
	return proxies;
}

/* Up to two headers, as they came. */
static void check_client(const char *trusted, const char *peer, const char *first, const char *second,
			 const char *wanted)
{
	struct api_proxies proxies = proxies_of(trusted);
	char found[HTTP_ADDRESS_BYTES];
	const struct http_field headers[] = {
		{ str_of("Host"), str_of("x") },
		{ str_of("x-forwarded-for"), str_of(first != NULL ? first : "") },
		{ str_of("X-Forwarded-For"), str_of(second != NULL ? second : "") },
	};
	struct http_request request = { .headers = headers,
					.header_count = second != NULL ? 3 : first != NULL ? 2 : 1 };
	snprintf(request.peer, sizeof request.peer, "%s", peer);
	api_client_of(&request, &proxies, found);
	CHECK_TEXT(found, wanted);
}

TEST(without_a_named_proxy_nobody_is_believed)
{
	check_client("", "127.0.0.1", "192.0.2.7", NULL, "127.0.0.1");
	check_client("10.0.0.1", "10.0.0.2", "192.0.2.7", NULL, "10.0.0.2");
	check_client("10.0.0.0/8", "11.0.0.1", "192.0.2.7", NULL, "11.0.0.1");
}

TEST(a_named_proxy_is_believed_about_its_neighbour_only)
{
	check_client("127.0.0.1", "127.0.0.1", "192.0.2.7", NULL, "192.0.2.7");
	check_client("127.0.0.1", "127.0.0.1", "1.1.1.1, 192.0.2.7", NULL, "192.0.2.7");
	check_client("127.0.0.1", "127.0.0.1", "1.1.1.1", "192.0.2.7", "192.0.2.7"); /* a header of its own */
	check_client("127.0.0.1", "127.0.0.1", "1.1.1.1,192.0.2.7", " ", "192.0.2.7");
	check_client("127.0.0.1", "127.0.0.1", NULL, NULL, "127.0.0.1");
}

TEST(proxies_behind_each_other_are_passed_while_they_are_named)
{
	check_client("127.0.0.1, 10.0.0.0/8", "127.0.0.1", "1.1.1.1, 192.0.2.7, 10.1.2.3", NULL, "192.0.2.7");
	check_client("127.0.0.1, 10.0.0.0/8", "127.0.0.1", "1.1.1.1", "192.0.2.7, 10.1.2.3", "192.0.2.7");
	check_client("127.0.0.1", "127.0.0.1", "192.0.2.7, 10.1.2.3", NULL, "10.1.2.3");
	check_client("127.0.0.1, 10.0.0.0/8", "127.0.0.1", "10.0.0.9, 10.0.0.8", NULL, "10.0.0.9");
}

TEST(what_is_no_address_ends_the_walk_at_who_is_known)
{
	check_client("127.0.0.1", "127.0.0.1", "unknown", NULL, "127.0.0.1");
	check_client("127.0.0.1", "127.0.0.1", "192.0.2.7, _hidden", NULL, "127.0.0.1");
	check_client("127.0.0.1", "127.0.0.1", "192.0.2.7:443", NULL, "127.0.0.1");
	check_client("127.0.0.1", "127.0.0.1", ",,,", NULL, "127.0.0.1");
	check_client("::1", "::1", "2001:db8::5", NULL, "2001:db8::5");
	check_client("127.0.0.1", "::ffff:127.0.0.1", "192.0.2.7", NULL, "192.0.2.7");
}

TEST(a_proxy_that_is_no_address_is_refused_with_a_hint)
{
	struct api_proxies proxies;
	struct error err = { 0 };
	static const char *const wrong[] = { "proxy.example.org", "10.0.0.0/33", "10.0.0.1,", ",", "*" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		bool refused = api_proxies_parse(wrong[i], &proxies, &err) == ERR_INVALID;
		if (i != 2) /* a comma at the end names nothing more */
			CHECK(refused);
	}
	CHECK(err.hint[0] != '\0');
}

TESTS(RUN(without_a_named_proxy_nobody_is_believed), RUN(a_named_proxy_is_believed_about_its_neighbour_only),
      RUN(proxies_behind_each_other_are_passed_while_they_are_named),
      RUN(what_is_no_address_ends_the_walk_at_who_is_known),
      RUN(a_proxy_that_is_no_address_is_refused_with_a_hint))
