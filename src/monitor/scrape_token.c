/* scrape_token.c: see scrape_token.h. */
#include "monitor/scrape_token.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "monitor/scrape_files.h"
#include "sys/clock.h"
#include "wire/doc_json.h"
#include "wire/form.h"
#include "wire/url.h"

#define FORM_BYTES_LIMIT (1u << 20)
#define LIFE_SECONDS_MAX INT32_MAX

/* How the client says who it is: the first is tried first, and what worked is kept. */
enum style { STYLE_UNKNOWN, STYLE_HEADER, STYLE_FORM };

struct scrape_token {
	const struct scrape_oauth2 *oauth2;
	const char *config_path;
	struct clock *clock;
	struct scrape_http http; /* of the one that asks for it */
	struct scrape_client *asker;
	struct scrape_call *call; /* ASKED */
	struct scrape_token_wait *waits;
	enum style style, tried;
	char *secret; /* that it was asked with; NULL: never asked */
	char *field;  /* HELD: "Bearer ..." */
	uint64_t number;
	time_us since, until; /* of `field`; until TIME_NONE: no end */
	struct error err;     /* FAILED when its code is not OK */
	struct error first;   /* of the first way, when it was more than "who are you?" */
	time_us failed_until;
};

static time_us now_of(const struct scrape_token *token)
{
	return clock_since_boot(token->clock);
}

static void forget(char **text)
{
	if (*text != NULL)
		sodium_memzero(*text, strlen(*text));
	mem_free(*text);
	*text = NULL;
}

/* ---- a life ---- */

static bool has_param(const struct scrape_oauth2 *oauth2, const char *name)
{
	for (size_t i = 0; i < oauth2->endpoint_params.count; i++)
		if (str_is(oauth2->endpoint_params.rows[i].name, name))
			return true;
	return false;
}

enum err scrape_token_create(const struct scrape_ask_tools *tools, const struct scrape_oauth2 *oauth2,
			     struct scrape_token **ret_token, struct error *err)
{
	if (oauth2->scopes.count > 0 && has_param(oauth2, "scope"))
		return error_set(err, ERR_INVALID, "cannot send two scopes: \"endpoint_params\" has one beside \"scopes\"");
	struct scrape_token *token = mem_alloc(sizeof *token);
	*token = (struct scrape_token){ .oauth2 = oauth2, .config_path = tools->config_path, .clock = tools->clock,
					.http = { .tls = oauth2->tls, .proxy = oauth2->proxy } };
	enum err r = scrape_client_create(tools, &token->http, &token->asker, err);
	if (r == OK)
		*ret_token = token;
	else
		scrape_token_destroy(&token);
	return r;
}

void scrape_token_destroy(struct scrape_token **pointer)
{
	struct scrape_token *token = *pointer;
	if (token == NULL)
		return;
	*pointer = NULL;
	while (token->waits != NULL)
		scrape_token_leave(token->waits);
	scrape_client_destroy(&token->asker); /* with what is under way */
	forget(&token->secret);
	forget(&token->field);
	mem_free(token);
}

/* ---- what is asked ---- */

/* As a form is written: a blank is a plus. */
static void add_encoded(struct buf *buf, struct str text)
{
	struct str word, rest = text;
	bool more = true;
	while (more) {
		more = str_cut(rest, ' ', &word, &rest);
		url_encode(buf, word);
		if (more)
			buf_addc(buf, '+');
	}
}

static void add_pair(struct buf *form, const char *name, struct str value)
{
	if (form->used > 0)
		buf_addc(form, '&');
	add_encoded(form, str_of(name));
	buf_addc(form, '=');
	add_encoded(form, value);
}

/* A parameter may say another grant_type: some servers want a word of their own. */
static void write_form(const struct scrape_token *token, bool signs_in, struct arena *arena, struct buf *form)
{
	const struct scrape_oauth2 *oauth2 = token->oauth2;
	cleanup_buf struct buf scopes;
	buf_init(&scopes, FORM_BYTES_LIMIT);
	if (!has_param(oauth2, "grant_type"))
		add_pair(form, "grant_type", STR("client_credentials"));
	for (size_t i = 0; i < oauth2->scopes.count; i++)
		buf_printf(&scopes, "%s" STR_FMT, i > 0 ? " " : "", STR_ARG(oauth2->scopes.rows[i]));
	if (oauth2->scopes.count > 0)
		add_pair(form, "scope", buf_str(&scopes));
	for (size_t i = 0; i < oauth2->endpoint_params.count; i++) {
		const struct scrape_pair *pair = &oauth2->endpoint_params.rows[i];
		bool ours = str_is(pair->name, "client_id") || (str_is(pair->name, "client_secret") && token->secret[0] != '\0');
		if (!signs_in || !ours)
			add_pair(form, arena_cstr(arena, pair->name), pair->value);
	}
	if (signs_in)
		add_pair(form, "client_id", oauth2->client_id);
	if (signs_in && token->secret[0] != '\0')
		add_pair(form, "client_secret", str_of(token->secret));
}

static const char *basic(const struct scrape_token *token, struct arena *arena)
{
	cleanup_buf struct buf both;
	buf_init(&both, FORM_BYTES_LIMIT);
	add_encoded(&both, token->oauth2->client_id);
	buf_addc(&both, ':');
	add_encoded(&both, str_of(token->secret));
	size_t room = sodium_base64_encoded_len(both.used, sodium_base64_VARIANT_ORIGINAL);
	char *code = arena_alloc(arena, room);
	sodium_bin2base64(code, room, (const unsigned char *)both.bytes, both.used, sodium_base64_VARIANT_ORIGINAL);
	return arena_printf(arena, "Basic %s", code).ptr;
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *failed);

static enum err ask(struct scrape_token *token, enum style style, struct error *err)
{
	cleanup_arena struct arena arena;
	cleanup_buf struct buf form;
	arena_init(&arena, 0);
	buf_init(&form, FORM_BYTES_LIMIT);
	token->tried = style;
	if (style == STYLE_HEADER)
		token->first.code = OK;
	write_form(token, style == STYLE_FORM, &arena, &form);
	struct scrape_ask ask = { .url = arena_cstr(&arena, token->oauth2->token_url), .accept = "application/json",
				  .timeout_ms = SCRAPE_TOKEN_TIMEOUT_MS, .body_bytes_max = SCRAPE_TOKEN_BODY_BYTES_MAX,
				  .form = buf_str(&form), .sign_in = style == STYLE_HEADER ? basic(token, &arena) : NULL };
	if (form.full)
		return error_set(err, ERR_TOO_LARGE, "cannot ask for a token: the \"endpoint_params\" are too large");
	enum err r = scrape_client_ask(token->asker, &ask, on_answer, token, &token->call, err);
	if (r == ERR_INVALID) /* its words would quote the URL */
		error_set(err, r, "cannot ask for a token: \"token_url\" must be an http or https URL without a user and a password");
	return r;
}

/* ---- what came ---- */

struct grant {
	struct str token, type, error;
	int64_t seconds; /* 0: without an end */
};

/* "3600" is taken for a number: some servers say it so. */
static int64_t seconds_of(const struct doc_node *node)
{
	int64_t seconds;
	if (doc_is(node, DOC_TEXT) && str_int(node->text, INT64_MIN, INT64_MAX, &seconds))
		return seconds;
	double real = doc_real(node, 0);
	return real > LIFE_SECONDS_MAX ? LIFE_SECONDS_MAX : real < 0 ? -1 : (int64_t)real;
}

static enum err read_json(struct str body, struct arena *arena, struct grant *ret_grant)
{
	const struct doc_node *root;
	enum err r = doc_json_parse(body, arena, DOC_LIMITS_DEFAULT, "the answer", &root, NULL);
	if (r != OK || !doc_is(root, DOC_MAP))
		return ERR_INVALID;
	*ret_grant = (struct grant){ doc_text(doc_get(root, "access_token"), ""), doc_text(doc_get(root, "token_type"), ""),
				     doc_text(doc_get(root, "error"), ""), seconds_of(doc_get(root, "expires_in")) };
	return OK;
}

static enum err read_form(struct str body, struct arena *arena, struct grant *ret_grant)
{
	struct form form;
	if (form_parse(body, arena, &form, NULL) != OK)
		return ERR_INVALID;
	*ret_grant = (struct grant){ form_get(&form, "access_token"), form_get(&form, "token_type"), form_get(&form, "error"), 0 };
	str_int(form_get(&form, "expires_in"), 0, LIFE_SECONDS_MAX, &ret_grant->seconds);
	return OK;
}

static bool is_form(struct str type)
{
	struct str media, rest;
	str_cut(type, ';', &media, &rest);
	media = str_trim(media);
	return (media.len == 10 && strncasecmp(media.ptr, "text/plain", 10) == 0) ||
	       (media.len == 33 && strncasecmp(media.ptr, "application/x-www-form-urlencoded", 33) == 0);
}

/* "example.org:8443" */
static struct str host_of(struct str url)
{
	struct str rest = url, host, user;
	for (size_t i = 0; i + 3 <= url.len; i++)
		if (memcmp(url.ptr + i, "://", 3) == 0) {
			rest = str_sub(url, i + 3, url.len);
			break;
		}
	size_t length = 0;
	while (length < rest.len && strchr("/?#", rest.ptr[length]) == NULL)
		length++;
	host = str_sub(rest, 0, length);
	while (str_cut(host, '@', &user, &rest))
		host = rest;
	return str_sub(host, 0, 100);
}

static enum err why_none(const struct scrape_token *token, const struct http_answer *answer, const struct grant *grant,
			 struct error *err)
{
	static const char *const words[] = { "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
					     "unsupported_grant_type", "invalid_scope", "server_error", "temporarily_unavailable" };
	struct str host = host_of(token->oauth2->token_url);
	const char *word = NULL;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_is(grant->error, words[i]))
			word = words[i];
	if (word != NULL)
		return error_set(err, ERR_DENIED, "no token: \"" STR_FMT "\" answered with HTTP status %d, %s", STR_ARG(host),
				 answer->status, word);
	return error_set(err, ERR_UNAVAILABLE, "no token: \"" STR_FMT "\" answered with HTTP status %d%s", STR_ARG(host),
			 answer->status, answer->status >= 200 && answer->status <= 299 ? " and no token" : "");
}

static struct str type_of(struct str said)
{
	static const char *const known[] = { "Bearer", "Basic", "MAC" };
	if (said.len == 0)
		return STR("Bearer");
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (said.len == strlen(known[i]) && strncasecmp(said.ptr, known[i], said.len) == 0)
			return str_of(known[i]);
	return said;
}

static void take(struct scrape_token *token, const struct grant *grant, struct arena *arena)
{
	time_us life = (grant->seconds < LIFE_SECONDS_MAX ? grant->seconds : LIFE_SECONDS_MAX) * TIME_SECOND;
	time_us early = life / 2 < SCRAPE_TOKEN_EARLY ? life / 2 : SCRAPE_TOKEN_EARLY;
	struct str type = type_of(grant->type);
	struct str field = arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(type), STR_ARG(grant->token));
	token->field = mem_strdup(field.ptr);
	token->since = now_of(token);
	token->until = grant->seconds == 0 ? TIME_NONE : token->since + life - early;
	token->number++;
	token->style = token->tried;
}

/* By copies: who is told may want a token again, and end this one. */
static void tell(struct scrape_token *token)
{
	struct error err = token->err;
	char *field = err.code == OK ? mem_strdup(token->field) : NULL;
	uint64_t number = token->number;
	while (token->waits != NULL) {
		struct scrape_token_wait *wait = token->waits;
		scrape_token_leave(wait);
		wait->fn(wait->context, field, number, field != NULL ? NULL : &err);
	}
	forget(&field);
}

static void fail(struct scrape_token *token, const struct error *err)
{
	token->err = *err;
	token->failed_until = now_of(token) + SCRAPE_TOKEN_FAILED_FOR;
}

/* Kept, one that no field can hold would be in the way until its end. */
static bool is_sendable(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F)
			return false;
	return text.len > 0;
}

static enum err judge(struct scrape_token *token, const struct http_answer *answer, struct error *err)
{
	cleanup_arena struct arena arena;
	struct grant grant = { .seconds = 0 };
	arena_init(&arena, 0);
	enum err r = answer->body_cut ? ERR_TOO_LARGE
		     : is_form(http_answer_field(answer, "Content-Type")) ? read_form(answer->body, &arena, &grant)
									  : read_json(answer->body, &arena, &grant);
	if (r != OK || answer->status < 200 || answer->status > 299 || grant.error.len > 0 || !is_sendable(grant.token) ||
	    (grant.type.len > 0 && !is_sendable(grant.type)))
		return why_none(token, answer, &grant, err);
	take(token, &grant, &arena);
	return OK;
}

static void on_answer(void *context, const struct http_answer *answer, const struct error *failed)
{
	struct scrape_token *token = context;
	struct error err = { .code = OK };
	token->call = NULL;
	if (failed != NULL) {
		err = *failed;
		error_prefix(&err, "no token");
	} else if (judge(token, answer, &err) != OK && token->style == STYLE_UNKNOWN && token->tried == STYLE_HEADER) {
		token->first = err;
		if (answer->status == 401)
			token->first.code = OK;
		if (ask(token, STYLE_FORM, &err) == OK)
			return;
	} else if (err.code != OK && answer->status == 401 && token->first.code != OK) {
		err = token->first; /* it was known by the first way, and refused for another reason */
	}
	if (err.code != OK)
		fail(token, &err);
	tell(token);
}

/* ---- who wants it ---- */

/* Who waits goes on waiting: for what is asked now, or until the time is up. */
static void begin_anew(struct scrape_token *token, struct str secret)
{
	scrape_call_cancel(&token->call);
	forget(&token->secret);
	forget(&token->field);
	token->secret = mem_alloc(secret.len + 1);
	if (secret.len > 0)
		memcpy(token->secret, secret.ptr, secret.len);
	token->style = STYLE_UNKNOWN;
	token->err.code = OK;
}

static enum err refresh(struct scrape_token *token, struct error *err)
{
	time_us now = now_of(token);
	if (token->field != NULL && token->until != TIME_NONE && now >= token->until)
		forget(&token->field);
	if (token->field != NULL || token->call != NULL)
		return OK;
	if (token->err.code != OK && now < token->failed_until) {
		*err = token->err;
		return err->code;
	}
	token->err.code = OK;
	enum err r = ask(token, token->style != STYLE_UNKNOWN ? token->style : STYLE_HEADER, err);
	if (r != OK)
		fail(token, err);
	return r;
}

static void wait_for(struct scrape_token *token, struct scrape_token_wait *wait)
{
	wait->next = token->waits;
	wait->link = &token->waits;
	if (wait->next != NULL)
		wait->next->link = &wait->next;
	token->waits = wait;
}

enum err scrape_token_want(struct scrape_token *token, struct scrape_token_wait *wait, const char **ret_field,
			   uint64_t *ret_number, struct error *err)
{
	cleanup_arena struct arena arena;
	struct str secret;
	arena_init(&arena, 0);
	*ret_field = NULL;
	enum err r = scrape_file_secret(token->config_path, token->oauth2->client_secret, token->oauth2->client_secret_file, &arena,
					&secret, err);
	if (r != OK)
		return r;
	if (str_has(secret, '\0'))
		return error_set(err, ERR_INVALID, "cannot ask for a token: \"client_secret_file\" has a byte 0");
	if (token->secret == NULL || !str_is(secret, token->secret))
		begin_anew(token, secret);
	r = refresh(token, err);
	if (r != OK)
		return r;
	*ret_field = token->field;
	*ret_number = token->number;
	if (token->field == NULL)
		wait_for(token, wait);
	return OK;
}

void scrape_token_leave(struct scrape_token_wait *wait)
{
	if (wait->link == NULL)
		return;
	*wait->link = wait->next;
	if (wait->next != NULL)
		wait->next->link = wait->link;
	wait->link = NULL;
}

void scrape_token_refused(struct scrape_token *token, uint64_t number)
{
	if (token->field != NULL && number == token->number && now_of(token) - token->since >= SCRAPE_TOKEN_AGE_MIN)
		forget(&token->field);
}
