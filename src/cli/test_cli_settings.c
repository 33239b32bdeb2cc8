/* test_cli_settings.c: which server, whose token; and the bytes of an event stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/cli_settings.h"
#include "cli/cli_sse.h"
#include "sys/file.h"

static struct error err; /* of the last call: CHECK_OK prints its sentence */

struct fixture {
	char folder[64], config[128];
	struct cli_call call;
};

static const struct cli_action action = { "", "Nothing.", "GET", "/now" };

static void start(struct fixture *f)
{
	static const char *const variables[] = { "MAINSTAY_SERVER", "MAINSTAY_TOKEN", "MAINSTAY_CA_FILE",
						 "MAINSTAY_OUTPUT" };
	*f = (struct fixture){ .folder = "/tmp/mainstay-cli-XXXXXX", .call = { .action = &action } };
	CHECK(mkdtemp(f->folder) != NULL);
	snprintf(f->config, sizeof f->config, "%s/mainstay", f->folder);
	setenv("XDG_CONFIG_HOME", f->folder, 1);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		unsetenv(variables[i]);
	arena_init(&f->call.arena, 16u << 20);
}

static void stop(struct fixture *f)
{
	char path[160];
	static const char *const names[] = { "cli.yaml", "credentials.yaml", "token" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", f->config, names[i]);
		unlink(path);
	}
	rmdir(f->config);
	rmdir(f->folder);
	arena_finish(&f->call.arena);
}

static void put_file(struct fixture *f, const char *name, const char *text, mode_t mode)
{
	char path[160];
	mkdir(f->config, 0700);
	snprintf(path, sizeof path, "%s/%s", f->config, name);
	CHECK_OK(file_write(path, str_of(text), mode, &err));
}

static void say(struct fixture *f, int argc, char **argv)
{
	CHECK_INT(cli_inputs_parse(&action, &f->call.screen, argc, argv, &f->call.arena, &f->call.inputs,
				   &err), OK);
}

TEST(a_flag_wins_over_the_environment_and_that_over_the_file)
{
	struct fixture f;
	char *flags[] = { (char *)"--server", (char *)"https://flag.example/" };
	start(&f);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.server, CLI_SERVER_DEFAULT);
	CHECK(!f.call.settings.chosen);
	put_file(&f, "cli.yaml", "server: https://file.example\noutput: json\ninsecure_http: true\n", 0644);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.server, "https://file.example");
	CHECK_INT(f.call.settings.format, CLI_JSON);
	CHECK(f.call.settings.insecure_http);
	setenv("MAINSTAY_SERVER", "https://environment.example", 1);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.server, "https://environment.example");
	say(&f, 2, flags);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.server, "https://flag.example");
	stop(&f);
}

TEST(a_wrong_line_of_the_file_is_named_with_its_place)
{
	struct fixture f;
	char wanted[400];
	start(&f);
	put_file(&f, "cli.yaml", "output: json\nservr: x\n", 0644);
	CHECK_INT(cli_settings_read(&f.call, &err), ERR_INVALID);
	snprintf(wanted, sizeof wanted, "%s/cli.yaml:2:1: ", f.config);
	CHECK(strncmp(err.text, wanted, strlen(wanted)) == 0);
	CHECK(strstr(err.text, "\"server\"") != NULL);
	stop(&f);
}

TEST(what_is_no_address_of_a_server_is_refused)
{
	static const char *const wrong[] = { "", "ftp://x", "example.org", "http://", "https://a b",
					     "https://user@host", "http://x/?q", "http://x#y" };
	struct fixture f;
	struct str url;
	start(&f);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CHECK_INT(cli_server_check(str_of(wrong[i]), &f.call.arena, &url, &err), ERR_INVALID);
	CHECK_OK(cli_server_check(STR("https://x.org/base//"), &f.call.arena, &url, &err));
	CHECK_STR(url, "https://x.org/base");
	stop(&f);
}

TEST(plain_http_is_private_on_this_machine_only)
{
	CHECK(cli_server_is_private(STR("https://example.org")));
	CHECK(cli_server_is_private(STR("http://127.0.0.1:8484")));
	CHECK(cli_server_is_private(STR("http://localhost:8484")));
	CHECK(cli_server_is_private(STR("http://[::1]:8484")));
	CHECK(!cli_server_is_private(STR("http://example.org")));
	CHECK(!cli_server_is_private(STR("http://127.0.0.1.example.org")));
	CHECK(!cli_server_is_private(STR("http://localhost.example.org")));
	CHECK(!cli_server_is_private(STR("http://10.0.0.1")));
}

TEST(a_kept_token_is_for_its_server_alone_and_can_be_forgotten)
{
	struct fixture f;
	bool found = true;
	struct stat about;
	char path[200];
	struct cli_credential kept, a = { STR("https://a.example"), STR("mst_a"), STR("me@a"), 7 },
			      b = { STR("https://b.example"), STR("mst_\"b"), STR_NONE, 8 };
	start(&f);
	CHECK_OK(cli_credential_find(a.server, &f.call.arena, &found, &kept, &err));
	CHECK(!found);
	CHECK_OK(cli_credential_keep(&a, &f.call.arena, &err));
	CHECK_OK(cli_credential_keep(&b, &f.call.arena, &err));
	snprintf(path, sizeof path, "%s/credentials.yaml", f.config);
	CHECK_INT(stat(path, &about), 0);
	CHECK_INT(about.st_mode & 0777, 0600);
	CHECK_OK(cli_credential_find(b.server, &f.call.arena, &found, &kept, &err));
	CHECK(found);
	CHECK_STR(kept.token, "mst_\"b");
	setenv("MAINSTAY_SERVER", "https://a.example", 1);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.token, "mst_a");
	setenv("MAINSTAY_SERVER", "https://c.example", 1);
	f.call.settings = (struct cli_settings){ .ca_file = NULL };
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.token, "");
	a.token = b.token = STR_NONE;
	CHECK_OK(cli_credential_keep(&a, &f.call.arena, &err));
	CHECK_OK(cli_credential_find(a.server, &f.call.arena, &found, &kept, &err));
	CHECK(!found);
	CHECK_OK(cli_credential_find(b.server, &f.call.arena, &found, &kept, &err));
	CHECK(found);
	CHECK_OK(cli_credential_keep(&b, &f.call.arena, &err));
	CHECK_OK(cli_credential_find(b.server, &f.call.arena, &found, &kept, &err));
	CHECK(!found);
	stop(&f);
}

TEST(a_secret_that_others_can_read_is_not_used)
{
	struct fixture f;
	char path[200], *flags[] = { (char *)"--token-file", path };
	start(&f);
	put_file(&f, "token", "  mst_x\n", 0644);
	snprintf(path, sizeof path, "%s/token", f.config);
	say(&f, 2, flags);
	CHECK_INT(cli_settings_read(&f.call, &err), ERR_DENIED);
	CHECK(strstr(err.hint, "chmod 600") != NULL);
	CHECK_INT(chmod(path, 0600), 0);
	CHECK_OK(cli_settings_read(&f.call, &err));
	CHECK_STR(f.call.settings.token, "mst_x");
	stop(&f);
}

/* ---- event streams ---- */

struct seen {
	char text[512];
	unsigned stop_after;
};

static bool see(void *context, const struct sse_event *event)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);
	snprintf(seen->text + used, sizeof seen->text - used, "[" STR_FMT "|" STR_FMT "|" STR_FMT "]",
		 STR_ARG(event->id), STR_ARG(event->event), STR_ARG(event->data));
	return --seen->stop_after > 0;
}

static const char stream[] = ": beat\n\nid: 7\nevent: check.down\ndata: {\"a\":\ndata: 1}\n\n"
			     "data:two\r\ndata: lines\r\n\r\nid: 9\revent: x\r\revent: nothing\n\ndata: last\n\n";

TEST(a_stream_means_the_same_in_pieces_of_any_size)
{
	for (size_t piece = 1; piece < sizeof stream; piece++) {
		struct sse sse;
		struct seen seen = { "", 100 };
		sse_init(&sse);
		for (size_t at = 0; at < sizeof stream - 1; at += piece)
			CHECK(sse_take(&sse, str_sub((struct str){ stream, sizeof stream - 1 }, at, at + piece),
				       see, &seen));
		CHECK_TEXT(seen.text, "[7|check.down|{\"a\":\n1}][7|message|two\nlines][9|message|last]");
		sse_finish(&sse);
	}
}

TEST(a_new_connection_drops_half_an_event_and_keeps_the_id)
{
	struct sse sse;
	struct seen seen = { "", 1 };
	sse_init(&sse);
	CHECK(sse_take(&sse, STR("id: 5\ndata: half\nda"), see, &seen));
	sse_again(&sse);
	CHECK(!sse_take(&sse, STR("data: whole\n\ndata: never\n\n"), see, &seen));
	CHECK_TEXT(seen.text, "[5|message|whole]");
	sse_finish(&sse);
}

TESTS(RUN(a_flag_wins_over_the_environment_and_that_over_the_file),
      RUN(a_wrong_line_of_the_file_is_named_with_its_place),
      RUN(what_is_no_address_of_a_server_is_refused), RUN(plain_http_is_private_on_this_machine_only),
      RUN(a_kept_token_is_for_its_server_alone_and_can_be_forgotten),
      RUN(a_secret_that_others_can_read_is_not_used),
      RUN(a_stream_means_the_same_in_pieces_of_any_size),
      RUN(a_new_connection_drops_half_an_event_and_keeps_the_id))
