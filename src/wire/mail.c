/* mail.c: see mail.h. */
#include "wire/mail.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/mem.h"

#define LINE_MAX_BYTES 76     /* RFC 2045 6.7: without the line end */
#define WORD_BYTES 39         /* per encoded word: 64 with its frame, so "Subject: " fits before it */
#define PLAIN_HEADER_BYTES 60 /* longer ones become encoded words, which fold */

static bool is_plain_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] == 0x7F)
			return false;
	return true;
}

static bool has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F)
			return true;
	return false;
}

bool mail_is_address(struct str text)
{
	struct str local, domain;
	if (text.len == 0 || text.len > MAIL_ADDRESS_MAX_BYTES || !is_plain_ascii(text))
		return false;
	if (!str_cut(text, '@', &local, &domain) || local.len == 0 || local.len > 64 || domain.len == 0)
		return false;
	for (size_t i = 0; i < local.len; i++)
		if (!isalnum((unsigned char)local.ptr[i]) && strchr("!#$%&'*+-/=?^_`{|}~.", local.ptr[i]) == NULL)
			return false;
	for (size_t i = 0; i < domain.len; i++)
		if (!isalnum((unsigned char)domain.ptr[i]) && strchr("-.[]:", domain.ptr[i]) == NULL)
			return false;
	return local.ptr[0] != '.' && !str_ends(local, STR(".")) && domain.ptr[0] != '.' &&
	       domain.ptr[0] != '-';
}

void mail_make_id(struct random *random, const char *domain, char ret_id[MAIL_ID_BYTES])
{
	char hex[33];
	assert(strlen(domain) <= MAIL_ADDRESS_MAX_BYTES);
	random_hex(random, 16, hex);
	snprintf(ret_id, MAIL_ID_BYTES, "<%s@%s>", hex, domain);
}

static void add_base64(struct buf *out, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		unsigned group = (unsigned char)bytes.ptr[i] << 16;
		group |= left > 1 ? (unsigned char)bytes.ptr[i + 1] << 8 : 0;
		group |= left > 2 ? (unsigned char)bytes.ptr[i + 2] : 0;
		buf_addc(out, digits[group >> 18]);
		buf_addc(out, digits[group >> 12 & 63]);
		buf_addc(out, left > 1 ? digits[group >> 6 & 63] : '=');
		buf_addc(out, left > 2 ? digits[group & 63] : '=');
	}
}

/* How much of the text goes into one word without cutting a character. */
static size_t word_length(struct str text)
{
	if (text.len <= WORD_BYTES)
		return text.len;
	size_t length = WORD_BYTES;
	while (length > 0 && ((unsigned char)text.ptr[length] & 0xC0) == 0x80)
		length--;
	assert(length > 0);
	return length;
}

static void add_encoded(struct buf *out, struct str text)
{
	for (bool first = true; text.len > 0; first = false) {
		size_t length = word_length(text);
		buf_adds(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		add_base64(out, str_sub(text, 0, length));
		buf_adds(out, "?=");
		text = str_sub(text, length, text.len);
	}
}

static bool looks_encoded(struct str text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.ptr[i] == '=' && text.ptr[i + 1] == '?')
			return true;
	return false;
}

static void add_text(struct buf *out, struct str text)
{
	if (is_plain_ascii(text) && text.len <= PLAIN_HEADER_BYTES && !looks_encoded(text))
		buf_add(out, text);
	else
		add_encoded(out, text);
}

static void add_mailbox(struct buf *out, const char *field, const char *name, const char *address)
{
	struct str text = str_of(name);
	buf_printf(out, "%s: ", field);
	if (text.len == 0) {
		buf_printf(out, "%s\r\n", address);
		return;
	}
	/* A name in quotes needs care with quotes and backslashes; an encoded word needs none. */
	bool simple = text.len <= PLAIN_HEADER_BYTES;
	for (size_t i = 0; i < text.len && simple; i++)
		simple = isalnum((unsigned char)text.ptr[i]) || text.ptr[i] == ' ' || text.ptr[i] == '-';
	if (simple)
		buf_add(out, text);
	else
		add_encoded(out, text);
	buf_printf(out, text.len > 40 ? "\r\n <%s>\r\n" : " <%s>\r\n", address);
}

static void add_date(struct buf *out, time_us date)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct time_civil civil = time_civil_of(date);
	buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[civil.weekday], civil.day,
	           months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

static bool is_plain_body(struct str text)
{
	size_t line = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		line = c == '\n' ? 0 : line + 1;
		if (line > LINE_MAX_BYTES || (c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7F)
			return false;
		if (c == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
			return false;
	}
	return true;
}

static void add_plain_body(struct buf *out, struct str text)
{
	struct str line;
	while (text.len > 0) {
		str_cut(text, '\n', &line, &text);
		if (str_ends(line, STR("\r")))
			line.len--;
		buf_add(out, line);
		buf_adds(out, "\r\n");
	}
}

static void add_quoted_line(struct buf *out, struct str line)
{
	size_t column = 0;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		bool last = i + 1 == line.len;
		bool literal = (c >= '!' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last);
		size_t width = literal ? 1 : 3;
		if (column + width > LINE_MAX_BYTES - 1) {
			buf_adds(out, "=\r\n");
			column = 0;
		}
		if (literal)
			buf_addc(out, (char)c);
		else
			buf_printf(out, "=%02X", c);
		column += width;
	}
	buf_adds(out, "\r\n");
}

static void add_quoted_body(struct buf *out, struct str text)
{
	struct str line;
	while (text.len > 0) {
		str_cut(text, '\n', &line, &text);
		if (str_ends(line, STR("\r")))
			line.len--;
		add_quoted_line(out, line);
	}
}

static bool is_message_id(const char *text)
{
	struct str id = str_of(text);
	if (id.len < 5 || id.len >= MAIL_ID_BYTES || !str_starts(id, STR("<")) || !str_ends(id, STR(">")))
		return false;
	struct str inner = str_sub(id, 1, id.len - 1);
	for (size_t i = 0; i < inner.len; i++)
		if (inner.ptr[i] <= ' ' || inner.ptr[i] >= 0x7F || strchr("<>()\",;\\", inner.ptr[i]) != NULL)
			return false;
	return str_has(inner, '@');
}

static enum err check_text(const char *field, const char *text, struct error *err)
{
	struct str value = str_of(text);
	const char *why = NULL;
	if (value.len > MAIL_TEXT_MAX_BYTES)
		why = "it is too long";
	else if (has_control(value))
		why = "it has a line break or another control character";
	else if (!str_is_utf8(value))
		why = "it is not UTF-8";
	if (why == NULL)
		return OK;
	error_set(err, ERR_INVALID, "cannot write the mail's %s: %s", field, why);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static enum err check_address(const char *field, const char *address, struct error *err)
{
	if (address != NULL && mail_is_address(str_of(address)))
		return OK;
	error_set(err, ERR_INVALID, "cannot write the mail's %s: it is not a mail address", field);
	error_field(err, "%s", field);
	return ERR_INVALID;
}

static enum err check_ids(const struct mail *mail, struct error *err)
{
	bool fine = mail->message_id != NULL && is_message_id(mail->message_id) &&
	            (mail->in_reply_to == NULL || is_message_id(mail->in_reply_to)) &&
	            mail->references_count <= MAIL_REFERENCES_MAX;
	for (unsigned i = 0; fine && i < mail->references_count; i++)
		fine = is_message_id(mail->references[i]);
	if (fine)
		return OK;
	return error_set(err, ERR_INVALID, "cannot write the mail's conversation: a message id is wrong");
}

static bool is_link(const char *link)
{
	return link == NULL || (is_plain_ascii(str_of(link)) && strlen(link) <= 900 && strpbrk(link, "<> ") == NULL);
}

static bool is_body(struct str text)
{
	return text.len <= MAIL_BODY_MAX_BYTES && str_is_utf8(text) &&
	       !str_has(text, '\0');
}

static enum err check_mail(const struct mail *mail, struct error *err)
{
	enum err result = check_address("from", mail->from, err);
	if (result == OK)
		result = check_address("to", mail->to, err);
	if (result == OK)
		result = check_text("from_name", mail->from_name, err);
	if (result == OK)
		result = check_text("to_name", mail->to_name, err);
	if (result == OK)
		result = check_text("subject", mail->subject, err);
	if (result == OK)
		result = check_ids(mail, err);
	if (result != OK)
		return result;
	if (!is_link(mail->link) || !is_link(mail->unsubscribe))
		return error_set(err, ERR_INVALID, "cannot write the mail's link: it is not one line of ASCII");
	if (!is_body(mail->text) || !is_body(mail->html))
		return error_set(err, ERR_INVALID, "cannot write the mail's text: it is too long or not UTF-8");
	return OK;
}

/* "=_" cannot stand in quoted-printable, so no body holds it. */
#define BOUNDARY "=_mainstay"

static void add_part_headers(struct buf *out, const char *subtype, const char *encoding)
{
	buf_printf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", subtype,
	           encoding);
}

static void add_headers(const struct mail *mail, bool plain, struct buf *out)
{
	add_date(out, mail->date);
	add_mailbox(out, "From", mail->from_name, mail->from);
	add_mailbox(out, "To", mail->to_name, mail->to);
	buf_adds(out, "Subject: ");
	add_text(out, str_of(mail->subject));
	buf_printf(out, "\r\nMessage-ID: %s\r\n", mail->message_id);
	if (mail->in_reply_to != NULL)
		buf_printf(out, "In-Reply-To: %s\r\n", mail->in_reply_to);
	for (unsigned i = 0; i < mail->references_count; i++)
		buf_printf(out, "%s %s\r\n", i == 0 ? "References:" : "", mail->references[i]);
	if (mail->automatic)
		buf_adds(out, "Auto-Submitted: auto-generated\r\n");
	if (mail->link != NULL)
		buf_printf(out, "X-Mainstay-Link: %s\r\n", mail->link);
	if (mail->unsubscribe != NULL)
		buf_printf(out, "List-Unsubscribe: <%s>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
		           mail->unsubscribe);
	buf_adds(out, "MIME-Version: 1.0\r\n");
	if (mail->html.len > 0)
		buf_adds(out, "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n");
	else
		add_part_headers(out, "plain", plain ? "7bit" : "quoted-printable");
}

/* Text first: a reader shows the last alternative that it understands. */
static void add_alternatives(const struct mail *mail, struct buf *out)
{
	buf_adds(out, "--" BOUNDARY "\r\n");
	add_part_headers(out, "plain", "quoted-printable");
	add_quoted_body(out, mail->text);
	buf_adds(out, "--" BOUNDARY "\r\n");
	add_part_headers(out, "html", "quoted-printable");
	add_quoted_body(out, mail->html);
	buf_adds(out, "--" BOUNDARY "--\r\n");
}

enum err mail_build(const struct mail *mail, struct buf *out, struct error *err)
{
	size_t before = out->used;
	enum err result = check_mail(mail, err);
	if (result != OK)
		return result;
	bool plain = is_plain_body(mail->text);
	add_headers(mail, plain, out);
	if (mail->html.len > 0)
		add_alternatives(mail, out);
	else if (plain)
		add_plain_body(out, mail->text);
	else
		add_quoted_body(out, mail->text);
	if (out->full) {
		buf_cut(out, before);
		return error_set(err, ERR_TOO_LARGE, "cannot write the mail: it is larger than %zu bytes",
		                 out->limit);
	}
	return OK;
}
