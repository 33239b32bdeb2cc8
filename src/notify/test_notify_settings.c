/* test_notify_settings.c: what is set once for all notifications. */
#include "notify/test_notify_help.h"
#include "wire/json_writer.h"

#define SMTP "{\"smtp\":{\"host\":\"mail.example\",\"port\":25,\"security\":\"none\"," \
	     "\"from\":\"ops@example.org\",\"user\":\"me\",\"password\":\"hush-hush\"}}"

static struct notify_settings get(struct help *h)
{
	struct notify_settings settings;
	struct error err;
	CHECK_OK(notify_settings_get(h->conn, &h->arena, &settings, &err));
	return settings;
}

TEST(the_rows_of_the_settings_are_sound)
{
	spec_rows_assert(notify_settings_spec);
}

TEST(nothing_is_set_at_first)
{
	struct help h;
	help_open(&h, "empty");
	struct notify_settings settings = get(&h);
	CHECK_INT(settings.smtp.host.len, 0);
	CHECK_INT(settings.ntfy.server.len, 0);
	CHECK_INT(settings.webhook.allows, 0);
	help_close(&h);
}

TEST(what_is_set_is_read_back_and_sections_left_out_stay)
{
	struct help h;
	help_open(&h, "set");
	CHECK_INT(help_set(&h, SMTP), OK);
	CHECK_INT(help_set(&h, "{\"ntfy\":{\"server\":\"https://ntfy.example\"},"
			       "\"webhook\":{\"allow\":[\"10.0.0.0/8\",\"::1\"]}}"), OK);
	struct notify_settings settings = get(&h);
	CHECK_STR(settings.smtp.host, "mail.example");
	CHECK_INT(settings.smtp.port, 25);
	CHECK_STR(settings.smtp.security, "none");
	CHECK_STR(settings.smtp.password, "hush-hush");
	CHECK_STR(settings.ntfy.server, "https://ntfy.example");
	CHECK_INT(settings.webhook.allows, 2);
	CHECK_INT(settings.webhook.allow[0].bits, 8);
	CHECK_INT(help_set(&h, "{\"smtp\":null}"), OK);
	CHECK_INT(get(&h).smtp.host.len, 0);
	CHECK_STR(get(&h).ntfy.server, "https://ntfy.example");
	help_close(&h);
}

TEST(a_password_left_out_stays_for_the_same_server_only)
{
	struct help h;
	help_open(&h, "keep");
	CHECK_INT(help_set(&h, SMTP), OK);
	CHECK_INT(help_set(&h, "{\"smtp\":{\"host\":\"mail.example\",\"from\":\"new@example.org\","
			       "\"user\":\"me\"}}"), OK);
	CHECK_STR(get(&h).smtp.password, "hush-hush");
	CHECK_STR(get(&h).smtp.from, "new@example.org");
	CHECK_INT(get(&h).smtp.port, 587);
	CHECK_INT(help_set(&h, "{\"smtp\":{\"host\":\"evil.example\",\"from\":\"new@example.org\","
			       "\"user\":\"me\"}}"), ERR_INVALID);
	CHECK_TEXT(h.err.text, "the password of smtp was set for another server");
	CHECK_TEXT(h.err.field, "smtp.password");
	CHECK_STR(get(&h).smtp.host, "mail.example");
	CHECK_INT(help_set(&h, "{\"smtp\":{\"host\":\"mail.example\",\"from\":\"new@example.org\","
			       "\"user\":\"me\",\"password\":null}}"), ERR_INVALID);
	CHECK_TEXT(h.err.text, "a user of the mail relay needs a password");
	CHECK_INT(help_set(&h, "{\"smtp\":{\"host\":\"mail.example\",\"from\":\"new@example.org\","
			       "\"user\":null,\"password\":null}}"), OK);
	CHECK_INT(get(&h).smtp.password.len, 0);
	help_close(&h);
}

TEST(what_is_wrong_is_said_with_its_field)
{
	struct help h;
	help_open(&h, "wrong");
	CHECK_INT(help_set(&h, "{\"smtp\":{\"host\":\"mail.example\",\"from\":\"nobody\"}}"), ERR_INVALID);
	CHECK_TEXT(h.err.field, "smtp.from");
	CHECK_INT(help_set(&h, "{\"smpt\":{}}"), ERR_INVALID);
	CHECK(strstr(h.err.text, "did you mean \"smtp\"") != NULL);
	CHECK_INT(help_set(&h, "{\"webhook\":{\"allow\":[\"10.0.0.0/99\"]}}"), ERR_INVALID);
	CHECK(strstr(h.err.text, "is not a range of addresses") != NULL);
	CHECK_INT(help_set(&h, "{\"ntfy\":{\"server\":\"ftp://x\"}}"), ERR_INVALID);
	CHECK_INT(help_set(&h, "[1]"), ERR_INVALID);
	CHECK_INT(help_count(&h, "SELECT count(*) FROM event"), 0);
	help_close(&h);
}

TEST(no_secret_is_in_an_event_or_shown)
{
	struct help h;
	cleanup_buf struct buf out;
	struct json_writer json;
	help_open(&h, "secret");
	CHECK_INT(help_set(&h, SMTP), OK);
	CHECK_INT(help_count(&h, "SELECT count(*) FROM event WHERE kind = 'settings.changed'"), 1);
	CHECK_INT(help_count(&h, "SELECT count(*) FROM event WHERE instr(payload, 'hush-hush') > 0"), 0);
	CHECK_INT(help_count(&h, "SELECT count(*) FROM event WHERE instr(payload, '(secret)') > 0"), 1);
	struct notify_settings settings = get(&h);
	buf_init(&out, 4096);
	json_init(&json, &out);
	json_map_begin(&json);
	notify_settings_write(&settings, &json);
	json_map_end(&json);
	json_finish(&json);
	CHECK_STR(buf_str(&out), "{\"smtp\":{\"host\":\"mail.example\",\"port\":25,\"security\":\"none\","
				 "\"user\":\"me\",\"password_set\":true,\"from\":\"ops@example.org\"},"
				 "\"ntfy\":null,\"webhook\":{\"allow\":[]}}");
	help_close(&h);
}

TESTS(RUN(the_rows_of_the_settings_are_sound), RUN(nothing_is_set_at_first),
      RUN(what_is_set_is_read_back_and_sections_left_out_stay),
      RUN(a_password_left_out_stays_for_the_same_server_only),
      RUN(what_is_wrong_is_said_with_its_field), RUN(no_secret_is_in_an_event_or_shown))
