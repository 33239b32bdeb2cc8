/* test_wire_proxy.c: which proxy a URL names, and who is asked straight. */
#include <string.h>

#include "base/check.h"
#include "wire/proxy.h"

TEST(a_proxy_is_read_from_its_url)
{
	static const struct { const char *url, *host; unsigned port; const char *user, *password; } cases[] = {
		{ "http://proxy.example.org:3128", "proxy.example.org", 3128, "", "" },
		{ "http://proxy.example.org", "proxy.example.org", 80, "", "" },
		{ "HTTP://proxy.example.org/path", "proxy.example.org", 80, "", "" },
		{ "proxy.example.org:3128", "proxy.example.org", 3128, "", "" },
		{ "http://ann:p%40ss@10.0.0.1:8080/", "10.0.0.1", 8080, "ann", "p@ss" },
		{ "http://ann@[fd00::1]:8080", "fd00::1", 8080, "ann", "" },
		{ "http://0x7f.1:1", "127.0.0.1", 1, "", "" },
	};
	struct egress_policy policy = egress_policy_checks();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct proxy proxy;
		struct error err;
		CHECK_OK(proxy_read(&policy, str_of(cases[i].url), &proxy, &err));
		CHECK_TEXT(proxy.host, cases[i].host);
		CHECK_INT(proxy.port, cases[i].port);
		CHECK_TEXT(proxy.user, cases[i].user);
		CHECK_TEXT(proxy.password, cases[i].password);
	}
}

TEST(what_is_no_http_proxy_is_refused_without_a_word_of_its_url)
{
	static const struct { const char *url; enum err code; } cases[] = {
		{ "", ERR_INVALID }, { "http://", ERR_INVALID }, { "http://hunter2@:80", ERR_INVALID }, { "http://a hunter2", ERR_INVALID },
		{ "http://hunter2:0", ERR_INVALID },
		{ "http://u:hunter2@h:99999", ERR_INVALID }, { "http://u:hunter2%00@h", ERR_INVALID }, { "http://hunter2\r\n", ERR_INVALID },
		{ "https://u:hunter2@h:3128", ERR_UNSUPPORTED }, { "socks5://u:hunter2@h:1080", ERR_UNSUPPORTED },
		{ "http://u:hunter2@169.254.169.254", ERR_DENIED },
	};
	struct egress_policy policy = egress_policy_checks();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct proxy proxy;
		struct error err = { .text = "" };
		if (proxy_read(&policy, str_of(cases[i].url), &proxy, &err) != cases[i].code || strstr(err.text, "hunter2") != NULL)
			fail_msg("\"%s\": %d %s", cases[i].url, err.code, err.text);
	}
}

TEST(who_is_spared_is_who_no_proxy_names_and_this_machine)
{
	static const struct { const char *no_proxy, *host; unsigned port; bool spared; } cases[] = {
		{ "", "localhost", 80, true }, { "", "127.9.9.9", 80, true }, { "", "::1", 80, true }, { "", "::ffff:127.0.0.1", 80, true },
		{ "", "example.org", 80, false }, { "", "10.0.0.1", 80, false }, { "*", "example.org", 80, true }, { "*", "10.0.0.1", 80, true },
		{ "example.org", "example.org", 80, true }, { "example.org", "a.EXAMPLE.org", 80, true },
		{ "example.org", "anexample.org", 80, false }, { "example.org", "example.org.net", 80, false },
		{ ".example.org", "example.org", 80, false }, { ".example.org", "a.example.org", 80, true },
		{ "*.example.org", "example.org", 80, false }, { "*.example.org", "a.example.org", 80, true },
		{ "x, example.org:8443 ,y", "example.org", 8443, true }, { "example.org:8443", "example.org", 443, false },
		{ "example.org:http", "example.org", 80, false },
		{ "10.0.0.0/8", "10.1.2.3", 80, true }, { "10.0.0.0/8", "11.1.2.3", 80, false }, { "10.0.0.0/8", "a00::1", 80, false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", 80, true }, { "10.1.2.3", "::ffff:10.1.2.3", 80, true },
		{ "10.0.0.0/8", "a.10", 80, false }, { "10.1.2.3:80", "10.1.2.3", 80, true }, { "10.1.2.3:80", "10.1.2.3", 81, false },
		{ "10.1.2.3", "110.1.2.3", 81, false }, { "fd00::1", "fd00::1", 80, true }, { "[fd00::1]:80", "fd00::1", 80, true },
		{ "[fd00::1]:80", "fd00::1", 81, false }, { "fd00::/8", "fd12::1", 81, true }, { ",, ,", "a", 80, false }, { ":80", "a", 80, false },
		{ ".", "a", 80, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (proxy_is_spared(str_of(cases[i].no_proxy), cases[i].host, (uint16_t)cases[i].port) != cases[i].spared)
			fail_msg("\"%s\" and %s:%u: wanted %d", cases[i].no_proxy, cases[i].host, cases[i].port, cases[i].spared);
}

TESTS(RUN(a_proxy_is_read_from_its_url), RUN(what_is_no_http_proxy_is_refused_without_a_word_of_its_url),
      RUN(who_is_spared_is_who_no_proxy_names_and_this_machine))
