/* test_wire_mail.c: messages as bytes, and their way to a mail server that speaks by script. */
#include "base/check.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "wire/mail.h"
#include "wire/smtp_client.h"
#include "wire/test_peer.h"

static struct mail plain_mail(void)
{
	return (struct mail){
		.from = "mainstay@example.org", .to = "ana@example.org", .subject = "web is down",
		.message_id = "<1@example.org>", .date = INT64_C(1795338000) * TIME_SECOND,
		.automatic = true, .text = STR("Line one\nLine two\n"),
	};
}

TEST(a_plain_message_is_written_as_the_standard_says)
{
	struct mail mail = plain_mail();
	const char *references[] = { "<0@example.org>", "<00@example.org>" };
	mail.in_reply_to = "<0@example.org>";
	mail.references = references;
	mail.references_count = 2;
	struct error err;
	cleanup_buf struct buf out;
	buf_init(&out, 4096);
	CHECK_OK(mail_build(&mail, &out, &err));
	CHECK_STR(buf_str(&out),
	          "Date: Sun, 22 Nov 2026 09:00:00 +0000\r\n"
	          "From: mainstay@example.org\r\nTo: ana@example.org\r\nSubject: web is down\r\n"
	          "Message-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\n"
	          "References: <0@example.org>\r\n <00@example.org>\r\n"
	          "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	          "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	          "Line one\r\nLine two\r\n");
}

TEST(other_languages_become_encoded_words_and_quoted_text)
{
	struct mail mail = plain_mail();
	mail.subject = "Größe überschritten: Speicher auf Knoten „β“ ist voll, bitte räumen";
	mail.to_name = "Ana Müller";
	mail.text = STR("Schön = gut\ntrailing \n");
	struct error err;
	cleanup_buf struct buf out;
	buf_init(&out, 4096);
	CHECK_OK(mail_build(&mail, &out, &err));
	CHECK(strstr(out.bytes, "To: =?UTF-8?B?QW5hIE3DvGxsZXI=?= <ana@example.org>\r\n") != NULL);
	CHECK(strstr(out.bytes, "Subject: =?UTF-8?B?R3LDtsOfZSDDvGJlcnNjaHJpdHRlbjog") != NULL);
	CHECK(strstr(out.bytes, "?=\r\n =?UTF-8?B?") != NULL);
	CHECK(strstr(out.bytes, "\r\n\r\nSch=C3=B6n =3D gut\r\ntrailing=20\r\n") != NULL);
	struct str rest = buf_str(&out), line;
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		CHECK(line.len <= 78);
		CHECK(str_ends(line, STR("\r")));
	}
}

TEST(long_lines_are_wrapped_softly_without_loss)
{
	struct mail mail = plain_mail();
	char text[400];
	memset(text, 'x', sizeof text);
	mail.text = (struct str){ text, sizeof text };
	struct error err;
	cleanup_buf struct buf out;
	buf_init(&out, 4096);
	CHECK_OK(mail_build(&mail, &out, &err));
	const char *body = strstr(out.bytes, "\r\n\r\n") + 4;
	unsigned found = 0;
	for (const char *c = body; *c != '\0'; c++)
		found += *c == 'x';
	CHECK_INT(found, 400);
	CHECK(strstr(body, "x=\r\nx") != NULL);
}

TEST(whatever_could_begin_a_header_of_its_own_is_refused)
{
	struct error err;
	cleanup_buf struct buf out;
	buf_init(&out, 4096);
	static const char *const subjects[] = { "a\r\nBcc: x@y.z", "a\nb", "a\rb", "tab\tb", "\x7f", "\xff" };
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		struct mail mail = plain_mail();
		mail.subject = subjects[i];
		CHECK_ERR(mail_build(&mail, &out, &err), ERR_INVALID);
		CHECK_TEXT(err.field, "subject");
	}
	static const char *const addresses[] = { "", "a", "@b", "a@", "a b@c", "a@b\r\nBcc: d@e", "<a@b>",
	                                         "a@b,c@d", "\"a\"@b", "ä@b.c", "a@b c", ".a@b", "a@-b" };
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct mail mail = plain_mail();
		mail.to = addresses[i];
		if (mail_build(&mail, &out, &err) != ERR_INVALID)
			fail_msg("address \"%s\": wanted a refusal", addresses[i]);
	}
	struct mail mail = plain_mail();
	mail.message_id = "<a@b>\r\nX: y <c@d>";
	CHECK_ERR(mail_build(&mail, &out, &err), ERR_INVALID);
	mail = plain_mail();
	mail.from_name = "A\r\nX: y";
	CHECK_ERR(mail_build(&mail, &out, &err), ERR_INVALID);
	CHECK_INT(out.used, 0);
}

TEST(a_mail_with_html_has_both_and_one_click_to_unsubscribe)
{
	struct error err;
	cleanup_buf struct buf out;
	buf_init(&out, 1u << 16);
	struct mail mail = plain_mail();
	mail.text = STR("Paying fails.\n--=_mainstay is no boundary here");
	mail.html = STR("<p>Paying <b>fails</b>.</p>");
	mail.unsubscribe = "https://mainstay.example/s/1-ab";
	CHECK_OK(mail_build(&mail, &out, &err));
	buf_addc(&out, '\0');
	CHECK(strstr(out.bytes, "\r\nList-Unsubscribe: <https://mainstay.example/s/1-ab>\r\n") != NULL);
	CHECK(strstr(out.bytes, "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") != NULL);
	CHECK(strstr(out.bytes, "multipart/alternative; boundary=\"=_mainstay\"") != NULL);
	CHECK(strstr(out.bytes, "\r\n--=3D_mainstay is no boundary here") != NULL);
	CHECK(strstr(out.bytes, "<p>Paying <b>fails</b>.</p>") != NULL);
	CHECK(strstr(out.bytes, "\r\n--=_mainstay--\r\n") != NULL);
	buf_reset(&out);
	mail.unsubscribe = "https://x/>\r\nBcc: eve@example.net";
	CHECK_ERR(mail_build(&mail, &out, &err), ERR_INVALID);
	mail.unsubscribe = "https://x/ y>";
	CHECK_ERR(mail_build(&mail, &out, &err), ERR_INVALID);
}

TEST(message_ids_are_made_from_the_chance_given)
{
	struct random random;
	char id[MAIL_ID_BYTES], other[MAIL_ID_BYTES];
	random_seeded(&random, 1);
	mail_make_id(&random, "example.org", id);
	mail_make_id(&random, "example.org", other);
	CHECK(strcmp(id, other) != 0);
	CHECK(str_ends(str_of(id), STR("@example.org>")));
	CHECK_INT(strlen(id), 1 + 32 + 1 + 11 + 1);
}

/* A mail server by script. */
struct post_office {
	struct peer peer;
	bool offers_auth, refuses_password, refuses_recipient, silent_at_quit;
	char seen[8192]; /* every line that came, joined by LF */
};

static bool read_line(gnutls_session_t tls, int fd, char *line, size_t size)
{
	size_t used = 0;
	while (used + 1 < size && (used == 0 || line[used - 1] != '\n')) {
		if (peer_recv(tls, fd, line + used, 1) != 1)
			return false;
		used++;
	}
	line[used] = '\0';
	return true;
}

static const char *office_reply(struct post_office *office, const char *line, bool *data)
{
	if (strncmp(line, "EHLO", 4) == 0)
		return office->offers_auth ? "250-here\r\n250 AUTH PLAIN\r\n" : "250 here\r\n";
	if (strncmp(line, "AUTH", 4) == 0)
		return "334 \r\n";
	if (strcmp(line, "AG1lAGh1c2g=\r\n") == 0) /* NUL me NUL hush */
		return office->refuses_password ? "535 5.7.8 wrong\r\n" : "235 2.7.0 welcome\r\n";
	if (strncmp(line, "RCPT", 4) == 0 && office->refuses_recipient)
		return "550 5.1.1 no such user\r\n";
	*data = strncmp(line, "DATA", 4) == 0;
	return *data ? "354 go on\r\n" : "250 2.0.0 fine\r\n";
}

static void office_serve(struct peer *peer, gnutls_session_t tls, int fd)
{
	struct post_office *office = peer->context;
	char line[1024];
	bool data = false;
	peer_send(tls, fd, "220 office.example ready\r\n");
	while (read_line(tls, fd, line, sizeof line)) {
		size_t used = strlen(office->seen);
		snprintf(office->seen + used, sizeof office->seen - used, "%s", line);
		if (strncmp(line, "QUIT", 4) == 0 && office->silent_at_quit) {
			read_line(tls, fd, line, sizeof line); /* says nothing until the other side goes */
			return;
		}
		if (data && strcmp(line, ".\r\n") == 0) {
			data = false;
			peer_send(tls, fd, "250 2.0.0 queued as 77\r\n");
		} else if (!data) {
			peer_send(tls, fd, office_reply(office, line, &data));
		}
	}
}

struct sending {
	struct loop *loop;
	struct smtp_result result;
	struct error err;
	unsigned calls;
};

static void on_sent(void *context, const struct smtp_result *result, const struct error *err)
{
	struct sending *sending = context;
	sending->calls++;
	sending->result = *result;
	sending->err = err != NULL ? *err : (struct error){ .code = OK };
	loop_stop(sending->loop);
}

static struct sending send_one(struct post_office *office, struct smtp_request request,
                               const char *ca_file)
{
	struct sending sending = { .loop = loop_create() };
	struct clock clock;
	clock_system(&clock);
	struct error err;
	struct resolve *resolve;
	struct smtp_send *send;
	struct egress_policy policy = egress_policy_checks();
	const char *to[] = { "ana@example.org" };
	office->peer.serve = office_serve;
	peer_start(&office->peer, NULL, office);
	CHECK_OK(resolve_create(sending.loop, NULL, &resolve, &err));
	struct smtp_client *client = smtp_client_create(sending.loop, &clock, resolve, &policy, ca_file);
	request.host = "localhost";
	request.port = office->peer.port;
	request.from = "mainstay@example.org";
	request.to = to;
	request.to_count = 1;
	request.message = STR("Subject: x\r\n\r\n.dots\r\nend\r\n");
	request.timeout = 3 * TIME_SECOND;
	CHECK_OK(smtp_client_start(client, &request, on_sent, &sending, &send, &err));
	CHECK(loop_run_for(sending.loop, 10 * TIME_SECOND));
	CHECK_INT(sending.calls, 1);
	smtp_client_destroy(&client);
	resolve_destroy(&resolve);
	loop_destroy(&sending.loop);
	peer_stop(&office->peer);
	return sending;
}

static const struct smtp_reply *reply_at(const struct smtp_result *result, const char *step)
{
	for (unsigned i = 0; i < result->count; i++)
		if (strcmp(result->replies[i].step, step) == 0)
			return &result->replies[i];
	fail_msg("no reply at step %s", step);
	return NULL;
}

TEST(a_message_is_handed_over_and_every_reply_is_kept)
{
	struct post_office office = { .offers_auth = true };
	struct sending sending = send_one(&office, (struct smtp_request){ .user = "me", .password = "hush" },
	                                  NULL);
	CHECK_TEXT(sending.err.text, "");
	CHECK(sending.result.accepted);
	CHECK_INT(reply_at(&sending.result, "connect")->code, 220);
	CHECK_INT(reply_at(&sending.result, "AUTH")->code, 235);
	CHECK_INT(reply_at(&sending.result, "RCPT")->code, 250);
	CHECK_TEXT(reply_at(&sending.result, "message")->text, "2.0.0 queued as 77");
	CHECK(strstr(office.seen, "EHLO localhost\r\n") != NULL);
	CHECK(strstr(office.seen, "RCPT TO:<ana@example.org>\r\n") != NULL);
	CHECK(strstr(office.seen, "\r\n..dots\r\nend\r\n.\r\n") != NULL);
	CHECK(memmem(&sending, sizeof sending, "hush", 4) == NULL);
}

TEST(a_server_that_is_silent_at_the_end_does_not_hold_the_loop)
{
	struct post_office office = { .silent_at_quit = true };
	struct sending sending = send_one(&office, (struct smtp_request){ .security = SMTP_PLAIN }, NULL);
	CHECK(sending.result.accepted);
	CHECK(strstr(office.seen, "QUIT\r\n") != NULL);
	CHECK(sending.result.took < TIME_SECOND);
}

TEST(a_refusal_names_the_step_and_the_words)
{
	struct post_office office = { .refuses_recipient = true };
	struct sending sending = send_one(&office, (struct smtp_request){ .security = SMTP_PLAIN }, NULL);
	CHECK(!sending.result.accepted);
	CHECK_INT(sending.err.code, ERR_DENIED);
	CHECK(strstr(sending.err.text, "at RCPT it answered 550 5.1.1 no such user") != NULL);
	CHECK(strstr(office.seen, "DATA") == NULL);
	struct post_office strict = { .offers_auth = true, .refuses_password = true };
	sending = send_one(&strict, (struct smtp_request){ .user = "me", .password = "hush" }, NULL);
	CHECK(strstr(sending.err.text, "at AUTH it answered 535 5.7.8 wrong") != NULL);
	CHECK(memmem(&sending, sizeof sending, "hush", 4) == NULL);
}

TEST(required_encryption_is_not_given_up)
{
	struct post_office office = { .offers_auth = true };
	struct sending sending = send_one(&office, (struct smtp_request){
		.security = SMTP_STARTTLS, .user = "me", .password = "hush" }, NULL);
	CHECK(!sending.result.accepted);
	CHECK(strstr(sending.err.text, "STARTTLS") != NULL);
	CHECK(strstr(office.seen, "AUTH") == NULL);
}

TEST(encryption_from_the_first_byte_verifies_the_server)
{
	struct peer_ca ca;
	struct clock clock;
	clock_system(&clock);
	time_us now = clock_wall(&clock);
	peer_ca_create(&ca, now);
	struct post_office office = { .offers_auth = false };
	peer_certify(&office.peer, &ca, "localhost", now - TIME_DAY, now + TIME_DAY);
	struct sending sending = send_one(&office, (struct smtp_request){ .security = SMTP_TLS }, ca.file);
	CHECK_TEXT(sending.err.text, "");
	CHECK(sending.result.accepted);
	struct post_office stranger = { .offers_auth = false };
	peer_certify(&stranger.peer, &ca, "other.example", now - TIME_DAY, now + TIME_DAY);
	sending = send_one(&stranger, (struct smtp_request){ .security = SMTP_TLS }, ca.file);
	CHECK_INT(sending.err.code, ERR_DENIED);
	CHECK_TEXT(stranger.seen, "");
	peer_ca_destroy(&ca);
}

TESTS(RUN(a_plain_message_is_written_as_the_standard_says),
      RUN(other_languages_become_encoded_words_and_quoted_text),
      RUN(long_lines_are_wrapped_softly_without_loss),
      RUN(whatever_could_begin_a_header_of_its_own_is_refused),
      RUN(a_mail_with_html_has_both_and_one_click_to_unsubscribe),
      RUN(message_ids_are_made_from_the_chance_given),
      RUN(a_message_is_handed_over_and_every_reply_is_kept),
      RUN(a_server_that_is_silent_at_the_end_does_not_hold_the_loop),
      RUN(a_refusal_names_the_step_and_the_words), RUN(required_encryption_is_not_given_up),
      RUN(encryption_from_the_first_byte_verifies_the_server))
