/* test_wire_egress.c: the guard of outgoing calls, as a table; names, on a DNS server of our own. */
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "sys/loop.h"
#include "wire/egress.h"

struct row {
	const char *address;
	enum address_class kind;
	bool checks, webhooks;
};

static const struct row rows[] = {
	{ "93.184.216.34", ADDRESS_PUBLIC, true, true },
	{ "2606:2800:220:1::1", ADDRESS_PUBLIC, true, true },
	{ "10.1.2.3", ADDRESS_PRIVATE, true, false },
	{ "172.31.255.255", ADDRESS_PRIVATE, true, false },
	{ "172.32.0.0", ADDRESS_PUBLIC, true, true },
	{ "192.168.0.1", ADDRESS_PRIVATE, true, false },
	{ "100.64.0.1", ADDRESS_PRIVATE, true, false },
	{ "fd12::1", ADDRESS_PRIVATE, true, false },
	{ "127.0.0.1", ADDRESS_LOOPBACK, true, false },
	{ "127.255.0.9", ADDRESS_LOOPBACK, true, false },
	{ "::1", ADDRESS_LOOPBACK, true, false },
	{ "169.254.1.1", ADDRESS_LINK_LOCAL, false, false },
	{ "169.254.169.254", ADDRESS_METADATA, false, false },
	{ "100.100.100.200", ADDRESS_METADATA, false, false },
	{ "fd00:ec2::254", ADDRESS_METADATA, false, false },
	{ "fe80::1", ADDRESS_LINK_LOCAL, false, false },
	{ "febf::1", ADDRESS_LINK_LOCAL, false, false },
	{ "224.0.0.1", ADDRESS_MULTICAST, false, false },
	{ "ff02::1", ADDRESS_MULTICAST, false, false },
	{ "0.0.0.0", ADDRESS_RESERVED, false, false },
	{ "0.1.2.3", ADDRESS_RESERVED, false, false },
	{ "255.255.255.255", ADDRESS_RESERVED, false, false },
	{ "::", ADDRESS_RESERVED, false, false },
	{ "::ffff:127.0.0.1", ADDRESS_LOOPBACK, true, false },
	{ "::ffff:169.254.169.254", ADDRESS_METADATA, false, false },
	{ "::ffff:93.184.216.34", ADDRESS_PUBLIC, true, true },
	{ "::169.254.169.254", ADDRESS_METADATA, false, false },
	{ "64:ff9b::a9fe:a9fe", ADDRESS_METADATA, false, false },
	{ "2002:a9fe:a9fe::1", ADDRESS_METADATA, false, false },
	{ "2002:7f00:1::", ADDRESS_LOOPBACK, true, false },
	{ "2001:0:1:2:3:4:5601:5601", ADDRESS_METADATA, false, false }, /* Teredo, inverted */
};

static struct address address_of(const char *text)
{
	struct address address;
	if (!address_parse(str_of(text), &address))
		fail_msg("cannot read the address %s", text);
	return address;
}

TEST(each_address_gets_its_class_and_each_policy_its_answer)
{
	struct egress_policy checks = egress_policy_checks(), webhooks = egress_policy_webhooks();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct address address = address_of(rows[i].address);
		if (address_classify(&address) != rows[i].kind)
			fail_msg("%s: wanted %s, found %s", rows[i].address, address_class_name(rows[i].kind),
			         address_class_name(address_classify(&address)));
		struct error err;
		if ((egress_check_address(&checks, &address, &err) == OK) != rows[i].checks)
			fail_msg("%s as a check: wanted %d", rows[i].address, rows[i].checks);
		if ((egress_check_address(&webhooks, &address, &err) == OK) != rows[i].webhooks)
			fail_msg("%s as a webhook: wanted %d", rows[i].address, rows[i].webhooks);
	}
}

TEST(deny_beats_allow_and_allow_beats_the_class)
{
	struct egress_policy policy = egress_policy_webhooks();
	struct error err;
	CHECK(address_range_parse(STR("10.0.0.0/8"), &policy.allow[policy.allows++]));
	CHECK(address_range_parse(STR("10.9.0.0/16"), &policy.deny[policy.denies++]));
	struct address inside = address_of("10.1.1.1"), denied = address_of("10.9.1.1");
	struct address mapped = address_of("::ffff:10.9.1.1"), allowed = address_of("::ffff:10.1.1.1");
	CHECK_OK(egress_check_address(&policy, &inside, &err));
	CHECK_OK(egress_check_address(&policy, &allowed, &err));
	CHECK_ERR(egress_check_address(&policy, &denied, &err), ERR_DENIED);
	CHECK_TEXT(err.text, "the address 10.9.1.1 is on the deny list");
	CHECK_ERR(egress_check_address(&policy, &mapped, &err), ERR_DENIED);
}

TEST(allowing_the_outer_range_does_not_open_what_is_carried_inside)
{
	struct egress_policy policy = egress_policy_webhooks();
	struct error err;
	CHECK(address_range_parse(STR("64:ff9b::/96"), &policy.allow[policy.allows++]));
	struct address nat64 = address_of("64:ff9b::7f00:1");
	CHECK_ERR(egress_check_address(&policy, &nat64, &err), ERR_DENIED);
}

TEST(one_refused_address_refuses_the_name)
{
	struct egress_policy policy = egress_policy_checks();
	struct error err;
	struct address both[] = { address_of("93.184.216.34"), address_of("169.254.169.254") };
	CHECK_OK(egress_check_all(&policy, "example.org", both, 1, &err));
	CHECK_ERR(egress_check_all(&policy, "example.org", both, 2, &err), ERR_DENIED);
	CHECK_TEXT(err.text, "cannot call \"example.org\": the address 169.254.169.254 is cloud metadata, "
	                     "which outgoing calls may not reach");
}

static enum err url_result(const char *url, struct egress_target *ret_target)
{
	struct egress_policy policy = egress_policy_webhooks();
	return egress_check_url(&policy, str_of(url), ret_target, NULL);
}

TEST(a_url_gives_its_host_and_port)
{
	struct egress_target target;
	CHECK_INT(url_result("https://Example.org/a?b=c#d", &target), OK);
	CHECK_TEXT(target.host, "Example.org");
	CHECK_TEXT(target.url, "https://Example.org/a?b=c");
	CHECK_INT(target.port, 443);
	CHECK(target.https && !target.literal);
	CHECK_INT(url_result("http://[2606:2800:220:1::1]:81/", &target), OK);
	CHECK_TEXT(target.host, "2606:2800:220:1::1");
	CHECK_INT(target.port, 81);
	CHECK(target.literal && !target.https);
}

TEST(hostile_urls_are_refused)
{
	static const struct { const char *url; enum err wanted; } bad[] = {
		{ "", ERR_INVALID }, { "file:///etc/passwd", ERR_INVALID }, { "gopher://x/", ERR_INVALID },
		{ "ftp://example.org/", ERR_INVALID }, { "//example.org/", ERR_INVALID },
		{ "http://user:pw@example.org/", ERR_INVALID }, { "http://user@example.org/", ERR_INVALID },
		{ "http://example.org:99999/", ERR_INVALID }, { "http://example.org:0/", ERR_INVALID },
		{ "http://exa mple.org/", ERR_INVALID }, { "http://example.org/\r\nX: y", ERR_INVALID },
		{ "http://example.org\\@127.0.0.1/", ERR_INVALID },
		{ "http://127.0.0.1/", ERR_DENIED }, { "http://0x7f.1/", ERR_DENIED },
		{ "http://2130706433/", ERR_DENIED }, { "http://017700000001/", ERR_DENIED },
		{ "http://[::1]/", ERR_DENIED }, { "http://[::ffff:127.0.0.1]/", ERR_DENIED },
		{ "http://169.254.169.254/latest/meta-data/", ERR_DENIED },
		{ "http://[fe80::1%25eth0]/", ERR_DENIED }, { "http://0/", ERR_DENIED },
		{ "http://%31%32%37.0.0.1/", ERR_DENIED },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct egress_target target;
		enum err found = url_result(bad[i].url, &target);
		if (found != bad[i].wanted)
			fail_msg("%s: wanted %s, found %s", bad[i].url, err_name(bad[i].wanted), err_name(found));
	}
}

/* A DNS server with one answer for every A question, on the test's own loop. */
struct dns {
	struct loop_poll *poll;
	int fd;
	char servers[32];
	uint8_t answer[4];
	bool silent, refuse;
	unsigned asked;
};

static void on_question(void *context, unsigned events)
{
	(void)events;
	struct dns *dns = context;
	uint8_t packet[600];
	struct sockaddr_in from;
	socklen_t from_size = sizeof from;
	ssize_t size = recvfrom(dns->fd, packet, 512, 0, (struct sockaddr *)&from, &from_size);
	dns->asked++;
	if (size < 17 || dns->silent)
		return;
	size_t end = 12; /* the question: labels, type, class; what follows (EDNS) is left out */
	while (packet[end] != 0)
		end += packet[end] + 1u;
	bool is_a = packet[end + 2] == 1;
	end += 5;
	memset(packet + 6, 0, 6);
	packet[2] = 0x81;
	packet[3] = dns->refuse ? 0x83 : 0x80;
	if (is_a && !dns->refuse) {
		static const uint8_t head[] = { 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4 };
		packet[7] = 1;
		memcpy(packet + end, head, sizeof head);
		memcpy(packet + end + sizeof head, dns->answer, 4);
		end += sizeof head + 4;
	}
	sendto(dns->fd, packet, end, 0, (struct sockaddr *)&from, from_size);
}

static void dns_start(struct dns *dns, struct loop *loop)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	struct error err;
	dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(dns->fd, (struct sockaddr *)&at, sizeof at), 0);
	CHECK_INT(getsockname(dns->fd, (struct sockaddr *)&at, &size), 0);
	snprintf(dns->servers, sizeof dns->servers, "127.0.0.1:%u", ntohs(at.sin_port));
	CHECK_OK(loop_poll_create(loop, dns->fd, on_question, dns, &dns->poll, &err));
	loop_poll_watch(dns->poll, LOOP_READABLE);
}

struct resolved {
	struct loop *loop;
	struct address first;
	unsigned count, calls;
	struct error err;
};

static void on_resolved(void *context, const struct address *addresses, unsigned count,
                        const struct error *err)
{
	struct resolved *resolved = context;
	resolved->calls++;
	resolved->count = count;
	if (count > 0)
		resolved->first = addresses[0];
	if (err != NULL)
		resolved->err = *err;
	loop_stop(resolved->loop);
}

static struct resolved resolve_once(struct dns *dns, const char *name, time_us timeout)
{
	struct resolved resolved = { .loop = loop_create() };
	struct error err;
	struct resolve *resolve;
	struct resolve_query *query;
	dns_start(dns, resolved.loop);
	CHECK_OK(resolve_create(resolved.loop, dns->servers, &resolve, &err));
	CHECK_OK(resolve_start(resolve, str_of(name), timeout, on_resolved, &resolved, &query, &err));
	CHECK_INT(resolved.calls, 0);
	CHECK(loop_run_for(resolved.loop, 10 * TIME_SECOND));
	CHECK_INT(resolved.calls, 1);
	resolve_destroy(&resolve);
	loop_poll_destroy(&dns->poll);
	close(dns->fd);
	loop_destroy(&resolved.loop);
	return resolved;
}

TEST(a_name_is_resolved_by_the_server_given)
{
	struct dns dns = { .answer = { 169, 254, 169, 254 } };
	struct resolved resolved = resolve_once(&dns, "metadata.example.org", 5 * TIME_SECOND);
	CHECK_INT(resolved.count, 1);
	struct egress_policy policy = egress_policy_checks();
	CHECK_ERR(egress_check_all(&policy, "metadata.example.org", &resolved.first, 1, NULL), ERR_DENIED);
}

TEST(a_literal_needs_no_server)
{
	struct dns dns = { .silent = true };
	struct resolved resolved = resolve_once(&dns, "192.0.2.7", 5 * TIME_SECOND);
	CHECK_INT(resolved.count, 1);
	CHECK_INT(resolved.first.bytes[3], 7);
	CHECK_INT(dns.asked, 0);
}

TEST(no_such_name_and_no_answer_are_told_apart)
{
	struct dns refusing = { .refuse = true }, silent = { .silent = true };
	struct resolved resolved = resolve_once(&refusing, "nothing.example.org", 5 * TIME_SECOND);
	CHECK_INT(resolved.err.code, ERR_NOT_FOUND);
	CHECK_TEXT(resolved.err.text, "could not resolve \"nothing.example.org\": there is no such name");
	resolved = resolve_once(&silent, "slow.example.org", 200 * TIME_MS);
	CHECK_INT(resolved.err.code, ERR_TIMEOUT);
	CHECK(silent.asked >= 1);
}

TEST(a_cancelled_query_is_not_answered)
{
	struct resolved resolved = { .loop = loop_create() };
	struct dns dns = { .answer = { 192, 0, 2, 1 } };
	struct error err;
	struct resolve *resolve;
	struct resolve_query *query, *other;
	dns_start(&dns, resolved.loop);
	CHECK_OK(resolve_create(resolved.loop, dns.servers, &resolve, &err));
	CHECK_OK(resolve_start(resolve, STR("a.example.org"), TIME_SECOND, on_resolved, &resolved, &query,
	                       &err));
	CHECK_OK(resolve_start(resolve, STR("b.example.org"), TIME_SECOND, on_resolved, &resolved, &other,
	                       &err));
	resolve_cancel(&query);
	CHECK(query == NULL);
	loop_run_for(resolved.loop, 300 * TIME_MS);
	CHECK_INT(resolved.calls, 1);
	CHECK_OK(resolve_start(resolve, STR("c.example.org"), TIME_SECOND, on_resolved, &resolved, &other,
	                       &err));
	resolve_destroy(&resolve);
	CHECK_INT(resolved.calls, 1);
	loop_poll_destroy(&dns.poll);
	close(dns.fd);
	loop_destroy(&resolved.loop);
}

TESTS(RUN(each_address_gets_its_class_and_each_policy_its_answer),
      RUN(deny_beats_allow_and_allow_beats_the_class),
      RUN(allowing_the_outer_range_does_not_open_what_is_carried_inside),
      RUN(one_refused_address_refuses_the_name), RUN(a_url_gives_its_host_and_port),
      RUN(hostile_urls_are_refused), RUN(a_name_is_resolved_by_the_server_given),
      RUN(a_literal_needs_no_server), RUN(no_such_name_and_no_answer_are_told_apart),
      RUN(a_cancelled_query_is_not_answered))
