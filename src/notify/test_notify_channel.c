/*
 * test_notify_channel.c: each channel against a real peer.
 *
 * The mail server, the ntfy server and the receiver of webhooks are those of tests/scenarios: strict
 * programs of their own that refuse what the protocols do not allow.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "notify/channel_priv.h"
#include "notify/test_notify_help.h"
#include "sys/child.h"
#include "wire/test_peer.h"

#define LINK "https://ops.example/l/0123456789abcdef0123456789abcdef"
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct fixture {
	struct loop *loop;
	struct clock clock;
	struct channel_tools tools;
	struct notify_settings settings;
	struct notify_page message;
	unsigned calls;
	struct channel_result result;
	struct error err;
	/* the browser's stream */
	int streams;
	int64_t pushed;
	char dir[64]; /* of commands, or of a server */
};

static int push(void *context, const struct notify_page *page)
{
	struct fixture *f = context;
	f->pushed = page->page;
	return f->streams;
}

static void on_done(void *context, const struct channel_result *result)
{
	struct fixture *f = context;
	f->calls++;
	f->result = *result;
	loop_stop(f->loop);
}

static void fixture_open(struct fixture *f, const char *channel)
{
	struct error err;
	*f = (struct fixture){ .loop = loop_create() };
	clock_system(&f->clock);
	snprintf(f->dir, sizeof f->dir, "/tmp/mainstay-notify.XXXXXX");
	CHECK(mkdtemp(f->dir) != NULL);
	struct channel_tools_options options = { .loop = f->loop, .clock = &f->clock,
						 .host = "ops.example", .instance = "4f2a",
						 .command_directory = f->dir, .push = push,
						 .push_context = f };
	CHECK_OK(channel_tools_open(&options, &f->tools, &err));
	CHECK(address_range_parse(STR("127.0.0.0/8"), &f->settings.webhook.allow[0]));
	f->settings.webhook.allows = 1;
	channel_tools_set(&f->tools, &f->settings);
	f->message = (struct notify_page){
		.page = 12, .incident = 7, .user = 3, .contact = 5, .channel = str_of(channel),
		.urgency = STR("high"), .reason = STR("step"), .link = STR(LINK),
		.title = STR("P1 Größe 東京 is down for everyone, since 03:12 CET"),
		.body = STR("Incident 7 has been open for 2 min.\nAcknowledge to take it.\n"),
		.written = clock_wall(&f->clock),
	};
}

static void fixture_close(struct fixture *f)
{
	char command[128];
	snprintf(command, sizeof command, "%s", f->dir);
	channel_tools_close(&f->tools);
	loop_destroy(&f->loop);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", command, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static enum err send_by(struct fixture *f, const struct channel *channel)
{
	void *try;
	f->calls = 0;
	f->err = (struct error){ .code = OK };
	enum err r = channel->send(&f->tools, &f->message, on_done, f, &try, &f->err);
	CHECK_INT(f->calls, 0); /* never inside */
	if (r != OK)
		return r;
	CHECK(loop_run_for(f->loop, 20 * TIME_SECOND));
	CHECK_INT(f->calls, 1);
	return OK;
}

static bool says(const struct fixture *f, const char *words)
{
	if (strstr(f->result.detail, words) == NULL)
		fail_msg("wanted \"%s\" in the detail \"%s\"", words, f->result.detail);
	return true;
}

/* ---- programs of tests/scenarios ---- */

struct program {
	pid_t pid;
	int in, out;
	unsigned port;
};

static void scenarios(char path[512], const char *name)
{
	const char *end = strstr(__FILE__, "src/notify/");
	CHECK(end != NULL);
	snprintf(path, 512, "%.*stests/scenarios%s%s", (int)(end - __FILE__), __FILE__,
		 name[0] != '\0' ? "/" : "", name);
}

static size_t read_until_end(int fd, char *text, size_t size, bool line)
{
	size_t used = 0;
	while (used + 1 < size && read(fd, text + used, 1) == 1) {
		if (text[used++] == '\n' && line)
			break;
	}
	text[used] = '\0';
	return used;
}

static void program_start(struct program *p, const char *const *argv)
{
	int in[2], out[2];
	char line[128];
	int failed = pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC);
	CHECK_INT(failed, 0);
	p->pid = fork();
	if (p->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execv(argv[0], (char **)argv);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	read_until_end(p->out, line, sizeof line, true);
	if (sscanf(line, "listening on %u", &p->port) != 1)
		fail_msg("%s did not start: \"%s\"", argv[1], line);
}

/* What it wrote after its input ended. */
static void program_stop(struct program *p, bool by_signal, char *text, size_t size)
{
	close(p->in);
	if (by_signal)
		kill(p->pid, SIGTERM);
	if (text != NULL)
		read_until_end(p->out, text, size, false);
	close(p->out);
	waitpid(p->pid, NULL, 0);
}

/* A receiver of peers.py; after its input ends it prints what it refused and what it took. */
static void receiver_start(struct program *p, const char *make)
{
	char folder[512], code[2048];
	scenarios(folder, "");
	snprintf(code, sizeof code,
		 "import sys, json\n"
		 "sys.path.insert(0, '%s')\n"
		 "import peers\n"
		 "r = peers.%s\n"
		 "r.start()\n"
		 "print('listening on', r.port, flush=True)\n"
		 "for line in sys.stdin:\n"
		 "    r.behave(*json.loads(line))\n"
		 "    print('ok', flush=True)\n"
		 "for c in r.calls: print(c.wrong, c.path, json.dumps(dict(c.headers)), c.body.decode())\n"
		 "r.stop()\n",
		 folder, make);
	const char *argv[] = { "/usr/bin/python3", "-c", code, NULL };
	program_start(p, argv);
}

static void receiver_behave(struct program *p, const char *plan)
{
	char line[64];
	ssize_t written = write(p->in, plan, strlen(plan));
	CHECK_INT(written, strlen(plan));
	read_until_end(p->out, line, sizeof line, true);
	CHECK_TEXT(line, "ok\n");
}

static void wants(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("wanted \"%s\" in:\n%s", words, text);
}

/* ---- ntfy ---- */

static char address[128], server[128];

static void at_ntfy(struct fixture *f, const struct program *p)
{
	snprintf(server, sizeof server, "http://127.0.0.1:%u", p->port);
	snprintf(address, sizeof address, "http://127.0.0.1:%u/my-topic_1", p->port);
	f->message.address = str_of(address);
	f->message.secret = STR("tk_secret");
}

TEST(ntfy_gets_what_its_manual_asks_for)
{
	struct fixture f;
	struct program p;
	char seen[16384];
	fixture_open(&f, "ntfy");
	receiver_start(&p, "Ntfy('tk_secret')");
	at_ntfy(&f, &p);
	CHECK_INT(send_by(&f, &channel_ntfy), OK);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	says(&f, "HTTP 200 in ");
	f.message.urgency = STR("low");
	f.message.reason = STR("resolved");
	f.message.link = STR_NONE;
	CHECK_INT(send_by(&f, &channel_ntfy), OK);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	program_stop(&p, false, seen, sizeof seen);
	wants(seen, "None / ");
	wants(seen, "\"topic\":\"my-topic_1\",\"title\":\"P1 Größe 東京 is down for everyone, since 03:12 CET\"");
	wants(seen, "\"priority\":5,\"tags\":[\"rotating_light\"],\"sequence_id\":\"mainstay-page-12\"");
	wants(seen, "{\"action\":\"http\",\"label\":\"Acknowledge\",\"url\":\"" LINK
		    "\",\"method\":\"POST\",\"clear\":true}");
	wants(seen, "{\"action\":\"view\",\"label\":\"Open\",\"url\":\"" LINK "\"}");
	wants(seen, "\"priority\":3,\"tags\":[\"white_check_mark\"]");
	wants(seen, "\"click\":\"" LINK "\"");
	fixture_close(&f);
}

TEST(ntfy_takes_a_topic_and_the_server_and_token_of_the_settings)
{
	struct fixture f;
	struct program p;
	fixture_open(&f, "ntfy");
	f.message.address = STR("my-topic_1");
	CHECK_INT(send_by(&f, &channel_ntfy), ERR_INVALID);
	CHECK(strstr(f.err.text, "no ntfy server is set up; set one in Settings") != NULL);
	receiver_start(&p, "Ntfy('tk_installation')");
	at_ntfy(&f, &p);
	f.message.address = STR("my-topic_1");
	f.message.secret = STR_NONE;
	f.settings.ntfy.server = str_of(server);
	f.settings.ntfy.token = STR("tk_installation");
	f.settings.webhook.allows = 0; /* the place an admin chose needs no allow list */
	channel_tools_set(&f.tools, &f.settings);
	CHECK_INT(send_by(&f, &channel_ntfy), OK);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	f.message.address = STR("not a topic");
	CHECK_INT(send_by(&f, &channel_ntfy), ERR_INVALID);
	program_stop(&p, false, NULL, 0);
	fixture_close(&f);
}

TEST(answers_of_servers_are_read_as_they_are_meant)
{
	static const struct {
		const char *plan, *detail;
		enum channel_end end;
		time_us retry_after;
	} cases[] = {
		{ "[\"500\"]\n", "HTTP 500 in ", CHANNEL_RETRY, 0 },
		{ "[\"429 7\"]\n", "HTTP 429 in ", CHANNEL_RETRY, 7 * TIME_SECOND },
		{ "[\"503 99999\"]\n", "HTTP 503 in ", CHANNEL_RETRY, CHANNEL_RETRY_AFTER_MAX },
		{ "[\"408\"]\n", "HTTP 408 in ", CHANNEL_RETRY, 0 },
		{ "[\"404\"]\n", "told to answer 404", CHANNEL_FAILED, 0 },
		{ "[\"redirect http://127.0.0.1/\"]\n", "it points elsewhere", CHANNEL_FAILED, 0 },
		{ "[\"reset\"]\n", "could not", CHANNEL_RETRY, 0 },
		{ "[\"close\"]\n", "could not", CHANNEL_RETRY, 0 },
		{ "[\"garbage\"]\n", "could not", CHANNEL_RETRY, 0 },
		{ "[\"cut\"]\n", "HTTP 200 in ", CHANNEL_SENT, 0 },
		{ "[\"accept\"]\n", "HTTP 200 in ", CHANNEL_SENT, 0 },
	};
	struct fixture f;
	struct program p;
	fixture_open(&f, "ntfy");
	receiver_start(&p, "Ntfy('tk_secret')");
	at_ntfy(&f, &p);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		receiver_behave(&p, cases[i].plan);
		CHECK_INT(send_by(&f, &channel_ntfy), OK);
		says(&f, cases[i].detail);
		CHECK_INT(f.result.end, cases[i].end);
		CHECK_INT(f.result.retry_after, cases[i].retry_after);
	}
	f.message.secret = STR("tk_wrong_token");
	CHECK_INT(send_by(&f, &channel_ntfy), OK);
	CHECK_INT(f.result.end, CHANNEL_FAILED);
	says(&f, "HTTP 401");
	program_stop(&p, false, NULL, 0);
	fixture_close(&f);
}

/* ---- webhook ---- */

TEST(a_webhook_is_signed_as_both_documents_say)
{
	struct fixture f;
	struct program p;
	char seen[16384];
	fixture_open(&f, "webhook");
	receiver_start(&p, "Webhook('" SECRET "')");
	snprintf(address, sizeof address, "http://127.0.0.1:%u/hook?x=1", p.port);
	f.message.address = str_of(address);
	f.message.secret = STR(SECRET);
	CHECK_INT(send_by(&f, &channel_webhook), OK);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	says(&f, "HTTP 200 in ");
	f.message.secret = STR("whsec_this is not base64!");
	CHECK_INT(send_by(&f, &channel_webhook), ERR_INVALID);
	f.message.secret = STR("another secret");
	CHECK_INT(send_by(&f, &channel_webhook), OK);
	CHECK_INT(f.result.end, CHANNEL_FAILED);
	says(&f, "HTTP 401");
	says(&f, "the signature is wrong");
	program_stop(&p, false, seen, sizeof seen);
	wants(seen, "None /hook?x=1 ");
	wants(seen, "\"Content-Type\": \"application/json\"");
	wants(seen, "\"Idempotency-Key\": \"page-12\"");
	wants(seen, "\"User-Agent\": \"Mainstay\"");
	wants(seen, "{\"type\":\"page\",\"page\":12,\"incident\":7,\"title\":\"P1 Größe");
	wants(seen, "\"link\":\"" LINK "\",\"urgency\":\"high\",\"reason\":\"step\",\"user\":3,\"at\":\"20");
	fixture_close(&f);
}

/* Our own signature by a second way: what the comment in channel_webhook.c tells receivers to do. */
static const char check_signature[] =
	"import sys, json, hmac, hashlib\n"
	"for line in sys.stdin:\n"
	"    wrong, path, rest = line.split(' ', 2)\n"
	"    h, at = json.JSONDecoder().raw_decode(rest)\n"
	"    body = rest[at:].strip()\n"
	"    given = dict(p.split('=', 1) for p in h['X-Mainstay-Signature'].split(','))\n"
	"    want = hmac.new(b'a plain secret', (given['t'] + '.' + body).encode(), hashlib.sha256)\n"
	"    print('same' if want.hexdigest() == given['v1'] else 'differs', flush=True)\n";

TEST(our_own_signature_is_what_its_description_says)
{
	struct fixture f;
	struct program p, checker;
	char seen[8192], verdict[64];
	fixture_open(&f, "webhook");
	receiver_start(&p, "Webhook()");
	snprintf(address, sizeof address, "http://127.0.0.1:%u/", p.port);
	f.message.address = str_of(address);
	f.message.secret = STR("a plain secret");
	CHECK_INT(send_by(&f, &channel_webhook), OK);
	program_stop(&p, false, seen, sizeof seen);
	char code[2048];
	snprintf(code, sizeof code, "print('listening on 1', flush=True)\n%s", check_signature);
	const char *argv[] = { "/usr/bin/python3", "-c", code, NULL };
	char *at = strstr(seen, "the signature is wrong");
	CHECK(at != NULL); /* it has another secret; its verdict is one word, for the checker */
	char line[8192];
	snprintf(line, sizeof line, "wrong%s", at + strlen("the signature is wrong"));
	program_start(&checker, argv);
	ssize_t written = write(checker.in, line, strlen(line));
	CHECK_INT(written, strlen(line));
	program_stop(&checker, false, verdict, sizeof verdict);
	CHECK_TEXT(verdict, "same\n");
	fixture_close(&f);
}

TEST(what_anybody_may_enter_reaches_public_addresses_and_the_allow_list_only)
{
	struct fixture f;
	fixture_open(&f, "webhook");
	f.message.address = STR("http://169.254.169.254/latest");
	CHECK_INT(send_by(&f, &channel_webhook), ERR_DENIED);
	CHECK(strstr(f.err.text, "169.254.169.254") != NULL);
	f.message.address = STR("http://127.0.0.1:9/x");
	CHECK_INT(send_by(&f, &channel_webhook), OK); /* allowed by the fixture; nobody listens */
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	f.settings.webhook.allows = 0;
	channel_tools_set(&f.tools, &f.settings);
	CHECK_INT(send_by(&f, &channel_webhook), ERR_DENIED);
	f.message.channel = STR("ntfy");
	f.message.address = STR("http://127.0.0.1:9/topic");
	CHECK_INT(send_by(&f, &channel_ntfy), ERR_DENIED);
	f.message.address = STR("file:///etc/passwd");
	CHECK_INT(send_by(&f, &channel_webhook), ERR_INVALID);
	fixture_close(&f);
}

static char *repeat_secrets(void *context, const char *request)
{
	(void)context, (void)request;
	return mem_strdup("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
			  "no: a plain secret\r\nand 0123456789abcdef0123456789abcdef\x01 of /services-T0K3N-abcdef");
}

TEST(no_secret_stands_in_what_is_told)
{
	struct fixture f;
	struct peer peer = { .fd = -1 };
	fixture_open(&f, "webhook");
	peer_start(&peer, repeat_secrets, NULL);
	snprintf(address, sizeof address, "http://127.0.0.1:%u/services-T0K3N-abcdef", peer.port);
	f.message.address = str_of(address);
	f.message.secret = STR("a plain secret");
	CHECK_INT(send_by(&f, &channel_webhook), OK);
	says(&f, ": no: *** and *** of /***");
	CHECK_INT(f.result.end, CHANNEL_FAILED);
	peer_stop(&peer);
	fixture_close(&f);
}

TEST(a_changed_allow_list_lets_calls_under_way_end)
{
	struct fixture f;
	struct peer peer = { .fd = -1 };
	void *try;
	fixture_open(&f, "webhook");
	peer_start(&peer, repeat_secrets, NULL);
	snprintf(address, sizeof address, "http://127.0.0.1:%u/", peer.port);
	f.message.address = str_of(address);
	CHECK_INT(channel_webhook.send(&f.tools, &f.message, on_done, &f, &try, &f.err), OK);
	f.settings.webhook.allows = 0;
	channel_tools_set(&f.tools, &f.settings);
	CHECK(f.tools.retired != NULL);
	CHECK(loop_run_for(f.loop, 10 * TIME_SECOND));
	says(&f, "HTTP 400");
	channel_tools_set(&f.tools, &f.settings);
	CHECK(f.tools.retired == NULL);
	peer_stop(&peer);
	fixture_close(&f);
}

TEST(a_cancelled_call_is_not_heard_of_again)
{
	struct fixture f;
	struct peer peer = { .fd = -1 };
	void *try;
	fixture_open(&f, "webhook");
	peer_start(&peer, repeat_secrets, NULL);
	snprintf(address, sizeof address, "http://127.0.0.1:%u/", peer.port);
	f.message.address = str_of(address);
	CHECK_INT(channel_webhook.send(&f.tools, &f.message, on_done, &f, &try, &f.err), OK);
	channel_webhook.cancel(try);
	f.message.channel = STR("browser");
	CHECK_INT(channel_browser.send(&f.tools, &f.message, on_done, &f, &try, &f.err), OK);
	channel_browser.cancel(try);
	loop_run_for(f.loop, 100 * TIME_MS);
	CHECK_INT(f.calls, 0);
	peer_stop(&peer);
	fixture_close(&f);
}

/* ---- e-mail ---- */

static void mail_server(struct fixture *f, struct program *p, bool signs_in)
{
	char path[512];
	scenarios(path, "smtp_server.py");
	const char *argv[] = { "/usr/bin/python3", path, f->dir, signs_in ? "--user" : NULL, "me", "hush-hush",
			       NULL };
	program_start(p, argv);
	f->settings.smtp.host = STR("127.0.0.1");
	f->settings.smtp.port = (uint16_t)p->port;
	f->settings.smtp.security = STR("none");
	f->settings.smtp.from = STR("mainstay@ops.example");
	f->message.address = STR("ana@ops.example");
}

static void mode(struct fixture *f, const char *word)
{
	char path[128];
	snprintf(path, sizeof path, "%s/mode", f->dir);
	FILE *out = fopen(path, "w");
	CHECK(out != NULL);
	fputs(word, out);
	fclose(out);
}

/* The one mail in the mailbox. */
static void read_mail(struct fixture *f, char *text, size_t size)
{
	char code[512];
	struct program p;
	snprintf(code, sizeof code,
		 "import email, email.policy, pathlib\n"
		 "print('listening on 1', flush=True)\n"
		 "for p in pathlib.Path('%s/Maildir/new').glob('*'):\n"
		 "    m = email.message_from_bytes(p.read_bytes(), policy=email.policy.default)\n"
		 "    print('\\n'.join(f'{k}: {v}' for k, v in m.items()))\n"
		 "    print(m.get_content())\n", f->dir);
	const char *argv[] = { "/usr/bin/python3", "-c", code, NULL };
	program_start(&p, argv);
	program_stop(&p, false, text, size);
}

TEST(mail_arrives_in_a_real_mailbox_and_stands_in_its_thread)
{
	struct fixture f;
	struct program p;
	char seen[8192];
	fixture_open(&f, "email");
	CHECK_INT(send_by(&f, &channel_email), ERR_INVALID);
	CHECK_TEXT(f.err.text, "no mail relay is set up; set one in Settings");
	mail_server(&f, &p, true);
	f.settings.smtp.user = STR("me");
	f.settings.smtp.password = STR("hush-hush");
	CHECK_INT(send_by(&f, &channel_email), OK);
	says(&f, "250 ");
	CHECK_INT(f.result.end, CHANNEL_SENT);
	read_mail(&f, seen, sizeof seen);
	wants(seen, "Subject: P1 Größe 東京 is down for everyone, since 03:12 CET\n");
	wants(seen, "From: Mainstay <mainstay@ops.example>\n");
	wants(seen, "To: ana@ops.example\n");
	wants(seen, "Message-ID: <page-12.4f2a@ops.example>\n");
	wants(seen, "References: <incident-7.4f2a@ops.example>\n");
	wants(seen, "Auto-Submitted: auto-generated\n");
	wants(seen, "Acknowledge, or see more:\n" LINK "\n");
	f.settings.smtp.password = STR("wrong-one");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_FAILED);
	says(&f, "AUTH: 535");
	program_stop(&p, true, NULL, 0);
	fixture_close(&f);
}

TEST(what_a_mail_server_refuses_for_now_is_tried_again_and_the_rest_is_not)
{
	struct fixture f;
	struct program p;
	fixture_open(&f, "email");
	mail_server(&f, &p, false);
	mode(&f, "busy");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	says(&f, "message: 451 4.3.2 try again later");
	mode(&f, "reject-rcpt");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_FAILED);
	says(&f, "RCPT: 550 5.1.1 no such person here");
	mode(&f, "drop");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	f.settings.smtp.security = STR("starttls");
	mode(&f, "accept");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_FAILED); /* the server offers none: a person must change that */
	says(&f, "STARTTLS");
	program_stop(&p, true, NULL, 0);
	f.settings.smtp.security = STR("none");
	CHECK_INT(send_by(&f, &channel_email), OK);
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	fixture_close(&f);
}

/* ---- browser ---- */

TEST(a_page_for_a_browser_is_put_on_the_live_stream)
{
	struct fixture f;
	fixture_open(&f, "browser");
	f.streams = 2;
	CHECK_INT(send_by(&f, &channel_browser), OK);
	CHECK_INT(f.pushed, 12);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	says(&f, "put on the live stream of 2 open browsers");
	f.streams = 0;
	CHECK_INT(send_by(&f, &channel_browser), OK);
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	says(&f, "no browser of this person is open");
	fixture_close(&f);
}

/* ---- command ---- */

static void command_file(struct fixture *f, const char *name, mode_t rights, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	FILE *out = fopen(path, "w");
	CHECK(out != NULL);
	fputs(text, out);
	fclose(out);
	CHECK_INT(chmod(path, rights), 0);
}

TEST(a_command_gets_the_page_on_its_input_and_its_words_are_kept)
{
	struct fixture f;
	fixture_open(&f, "command");
	command_file(&f, "pager", 0700,
		     "#!/bin/sh\nread -r line\ncase $line in *'\"page\":12'*) echo \"rang bell $#\";; esac\n");
	f.message.address = STR("pager");
	CHECK_INT(send_by(&f, &channel_command), OK);
	CHECK_INT(f.result.end, CHANNEL_SENT);
	says(&f, "exit 0 in ");
	says(&f, ": rang bell 0");
	command_file(&f, "broken", 0700, "#!/bin/sh\necho no line >&2\nexit 3\n");
	f.message.address = STR("broken");
	CHECK_INT(send_by(&f, &channel_command), OK);
	CHECK_INT(f.result.end, CHANNEL_RETRY);
	says(&f, "exit 3 in ");
	says(&f, ": no line");
	fixture_close(&f);
}

static void refused(struct fixture *f, const char *name, const char *words)
{
	f->message.address = str_of(name);
	enum err r = send_by(f, &channel_command);
	CHECK(r != OK);
	wants(f->err.text, words);
}

TEST(only_files_of_the_directory_that_nobody_else_can_change_are_run)
{
	struct fixture f;
	char link[128];
	fixture_open(&f, "command");
	command_file(&f, "shared", 0720, "#!/bin/sh\n");
	command_file(&f, "text", 0600, "#!/bin/sh\n");
	snprintf(link, sizeof link, "%s/away", f.dir);
	CHECK_INT(symlink("/bin/true", link), 0);
	refused(&f, "shared", "can be changed by others");
	refused(&f, "text", "is not executable");
	refused(&f, "away", "is not a regular file");
	refused(&f, "missing", "there is no command \"missing\"");
	refused(&f, "../../bin/true", "named by letters");
	refused(&f, "/bin/true", "named by letters");
	CHECK_INT(chmod(f.dir, 0777), 0);
	refused(&f, "shared", "the directory of commands can be changed by others");
	CHECK_INT(chmod(f.dir, 0700), 0);
	f.tools.command_directory = NULL;
	refused(&f, "shared", "started without a directory of commands");
	fixture_close(&f);
}

static void count_name(void *context, struct str name)
{
	CHECK_STR(name, "good");
	(*(unsigned *)context)++;
}

TEST(commands_are_listed_and_a_cancelled_one_is_ended)
{
	struct fixture f;
	void *try;
	unsigned count = 0;
	fixture_open(&f, "command");
	command_file(&f, "good", 0700, "#!/bin/sh\nsleep 60\n");
	command_file(&f, "bad", 0622, "#!/bin/sh\n");
	channel_commands(f.dir, count_name, &count);
	CHECK_INT(count, 1);
	f.message.address = STR("good");
	CHECK_INT(channel_command.send(&f.tools, &f.message, on_done, &f, &try, &f.err), OK);
	CHECK_INT(f.tools.runs, 1);
	channel_command.cancel(try);
	for (int i = 0; i < 200 && f.tools.runs > 0; i++)
		loop_run_for(f.loop, 10 * TIME_MS);
	CHECK_INT(f.tools.runs, 0);
	CHECK_INT(f.calls, 0);
	fixture_close(&f);
}

TESTS(RUN(ntfy_gets_what_its_manual_asks_for),
      RUN(ntfy_takes_a_topic_and_the_server_and_token_of_the_settings),
      RUN(answers_of_servers_are_read_as_they_are_meant), RUN(a_webhook_is_signed_as_both_documents_say),
      RUN(our_own_signature_is_what_its_description_says),
      RUN(what_anybody_may_enter_reaches_public_addresses_and_the_allow_list_only),
      RUN(no_secret_stands_in_what_is_told), RUN(a_changed_allow_list_lets_calls_under_way_end),
      RUN(a_cancelled_call_is_not_heard_of_again),
      RUN(mail_arrives_in_a_real_mailbox_and_stands_in_its_thread),
      RUN(what_a_mail_server_refuses_for_now_is_tried_again_and_the_rest_is_not),
      RUN(a_page_for_a_browser_is_put_on_the_live_stream),
      RUN(a_command_gets_the_page_on_its_input_and_its_words_are_kept),
      RUN(only_files_of_the_directory_that_nobody_else_can_change_are_run),
      RUN(commands_are_listed_and_a_cancelled_one_is_ended))
