/*
 * channel_email.c: a mail by the relay of the settings (RFC 5321, 5322, 3834).
 *
 * A page has one Message-ID however often it is tried, so that a repeat after a lost answer is one
 * mail for readers that look; all mails of an incident refer to one id, so they stand together.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "notify/channel_priv.h"
#include "sys/clock.h"
#include "wire/mail.h"

#define MAIL_TIMEOUT (60 * TIME_SECOND)
#define MESSAGE_BYTES_MAX (256u << 10)
#define NAME "Mainstay"

struct mail_try {
	const struct notify_page *message;
	struct smtp_send *send;
	channel_done_fn *done;
	void *context;
	char password[512]; /* to be masked should a server repeat it */
};

static enum smtp_security security_of(struct str word)
{
	if (str_is(word, "none"))
		return SMTP_PLAIN;
	return str_is(word, "tls") ? SMTP_TLS : SMTP_STARTTLS;
}

static void write_text(const struct notify_page *message, struct buf *out)
{
	if (message->name.len > 0) {
		buf_add(out, message->body);
		return;
	}
	buf_add(out, message->title);
	buf_adds(out, "\n\n");
	buf_add(out, message->body);
	if (message->link.len > 0 && !str_is(message->reason, "resolved")) {
		buf_adds(out, "\nAcknowledge, or see more:\n");
		buf_add(out, message->link);
		buf_adds(out, "\n");
	}
}

static void make_id(const struct channel_tools *tools, const char *name, char ret_id[MAIL_ID_BYTES])
{
	snprintf(ret_id, MAIL_ID_BYTES, "<%s%s%s@%s>", name, tools->instance[0] != '\0' ? "." : "",
		 tools->instance, tools->host);
}

static enum err build(struct channel_tools *tools, const struct notify_page *message, const char *from,
		      const char *to, struct arena *arena, struct buf *out, struct error *err)
{
	char id[MAIL_ID_BYTES], thread[MAIL_ID_BYTES], name[CHANNEL_NAME_BYTES];
	const char *references[] = { thread };
	cleanup_buf struct buf text, subject;
	buf_init(&text, MESSAGE_BYTES_MAX);
	buf_init(&subject, NOTIFY_TITLE_BYTES_MAX + 1);
	write_text(message, &text);
	channel_page_name(message, name);
	make_id(tools, name, id);
	snprintf(name, sizeof name, "incident-%lld", (long long)message->incident);
	make_id(tools, name, thread);
	channel_one_line(message->title, NOTIFY_TITLE_BYTES_MAX, &subject);
	struct mail mail = {
		.from_name = NAME, .from = from, .to = to,
		.subject = subject.bytes != NULL ? subject.bytes : "", .message_id = id,
		.date = clock_wall(tools->clock), .automatic = true, .text = buf_str(&text),
		.html = message->html,
		.unsubscribe = message->unsubscribe.len > 0 ? arena_cstr(arena, message->unsubscribe) : NULL,
	};
	if (message->incident > 0) {
		mail.in_reply_to = thread;
		mail.references = references;
		mail.references_count = 1;
	}
	return mail_build(&mail, out, err);
}

static const struct smtp_reply *reply_at(const struct smtp_result *result, const char *step)
{
	for (unsigned i = result->count; i > 0; i--)
		if (strcmp(result->replies[i - 1].step, step) == 0)
			return &result->replies[i - 1];
	return NULL;
}

static const struct smtp_reply *refusal(const struct smtp_result *result)
{
	for (unsigned i = result->count; i > 0; i--)
		if (result->replies[i - 1].code >= 400)
			return &result->replies[i - 1];
	return NULL;
}

static struct channel_result judge(struct mail_try *try, const struct smtp_result *result,
				   const struct error *err)
{
	struct str secret = str_of(try->password);
	const struct smtp_reply *said = reply_at(result, "message"), *refused = refusal(result);
	if (result->accepted && said != NULL)
		return channel_result(CHANNEL_SENT, try->message, secret, "%d %s", said->code, said->text);
	assert(err != NULL);
	if (refused != NULL)
		return channel_result(refused->code >= 500 ? CHANNEL_FAILED : CHANNEL_RETRY, try->message,
				      secret, "%s: %d %s", refused->step, refused->code, refused->text);
	return channel_result(channel_end_of(err->code), try->message, secret, "%s", err->text);
}

static void try_free(struct mail_try *try)
{
	explicit_bzero(try->password, sizeof try->password);
	mem_free(try);
}

static void on_end(void *context, const struct smtp_result *result, const struct error *err)
{
	struct mail_try *try = context;
	channel_done_fn *done = try->done;
	void *done_context = try->context;
	struct channel_result told = judge(try, result, err);
	try_free(try);
	done(done_context, &told);
}

static void cancel(void *context)
{
	struct mail_try *try = context;
	smtp_send_cancel(&try->send);
	try_free(try);
}

static enum err hand_over(struct channel_tools *tools, struct mail_try *try, const char *to,
			  struct arena *arena, struct error *err)
{
	const struct notify_settings *settings = tools->settings;
	const char *recipients[] = { to }, *from = arena_cstr(arena, settings->smtp.from);
	bool signs_in = settings->smtp.user.len > 0;
	cleanup_buf struct buf mail;
	buf_init(&mail, MESSAGE_BYTES_MAX);
	enum err r = build(tools, try->message, from, to, arena, &mail, err);
	if (r != OK)
		return r;
	struct smtp_request request = {
		.host = arena_cstr(arena, settings->smtp.host),
		.port = settings->smtp.port,
		.security = security_of(settings->smtp.security),
		.user = signs_in ? arena_cstr(arena, settings->smtp.user) : NULL,
		.password = signs_in ? arena_cstr(arena, settings->smtp.password) : NULL,
		.hello = tools->host,
		.from = from,
		.to = recipients,
		.to_count = 1,
		.message = buf_str(&mail),
		.timeout = MAIL_TIMEOUT,
	};
	struct smtp_client *smtp = try->message->name.len > 0 ? tools->smtp_slow : tools->smtp;
	return smtp_client_start(smtp, &request, on_end, try, &try->send, err);
}

static enum err send_page(struct channel_tools *tools, const struct notify_page *message,
		     channel_done_fn *done, void *context, void **ret_try, struct error *err)
{
	cleanup_arena struct arena arena;
	arena_init(&arena, 1u << 16);
	if (tools->settings->smtp.host.len == 0)
		return error_set(err, ERR_INVALID, "no mail relay is set up; set one in Settings");
	struct mail_try *try = mem_alloc(sizeof *try);
	*try = (struct mail_try){ .message = message, .done = done, .context = context };
	snprintf(try->password, sizeof try->password, STR_FMT, STR_ARG(tools->settings->smtp.password));
	enum err r = hand_over(tools, try, arena_cstr(&arena, message->address), &arena, err);
	if (r != OK) {
		try_free(try);
		return r;
	}
	*ret_try = try;
	return OK;
}

const struct channel channel_email = {
	.name = "email",
	.about = "A mail by the relay of this installation.",
	.bundles = true,
	.send = send_page,
	.cancel = cancel,
};
