/*
 * mail.h: one Internet message as bytes ready for SMTP (RFC 5322, 2045, 2047, 3834). Pure.
 *
 * Text in any language goes through unharmed: headers as encoded words, the body as 7bit when it is
 * plain and else quoted-printable; with HTML beside it, both as alternatives. Whatever could begin a header of its own is refused, not repaired.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "base/time.h"

#define MAIL_ADDRESS_MAX_BYTES 254
#define MAIL_TEXT_MAX_BYTES 512       /* a subject or a person's name */
#define MAIL_BODY_MAX_BYTES (1u << 20)
#define MAIL_REFERENCES_MAX 20
#define MAIL_ID_BYTES 320

struct mail {
	const char *from_name;   /* UTF-8; NULL or empty: the address alone */
	const char *from;        /* ASCII address */
	const char *to_name, *to;
	const char *subject;     /* UTF-8, one line */
	const char *message_id;  /* "<...@...>", see mail_make_id */
	const char *in_reply_to; /* NULL: begins a conversation */
	const char *const *references;
	unsigned references_count; /* oldest first */
	time_us date;
	bool automatic;          /* "Auto-Submitted: auto-generated": no out-of-office answers */
	const char *link;        /* NULL, or where the thing can be seen: field "X-Mainstay-Link" */
	/* NULL, or where one POST ends the subscription (RFC 8058): "List-Unsubscribe" and its "-Post". */
	const char *unsubscribe;
	struct str text;         /* UTF-8, lines end in LF or CRLF */
	struct str html;         /* the same as HTML; empty: text alone */
};

/* Appends the message to `out`; nothing on failure. ERR_INVALID names the field at fault. */
enum err mail_build(const struct mail *mail, struct buf *out, struct error *err);

/* One address as mail.h takes it: local@domain, ASCII, no blanks, quotes, brackets or controls. */
bool mail_is_address(struct str text);

/* "<32 hex digits@domain>" */
void mail_make_id(struct random *random, const char *domain, char ret_id[MAIL_ID_BYTES]);
