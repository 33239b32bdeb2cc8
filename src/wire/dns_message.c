/* dns_message.c: see dns_message.h. */
#include "wire/dns_message.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/address.h"

#define HEAD_BYTES 12
#define NAME_BYTES_MAX 255
#define LABEL_BYTES_MAX 63
#define JUMPS_MAX 32
#define RECORDS_MAX 1000
#define OPT 41
#define CLASS_IN 1

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
	{ "A", DNS_A }, { "AAAA", DNS_AAAA }, { "CNAME", DNS_CNAME }, { "MX", DNS_MX }, { "NS", DNS_NS },
	{ "TXT", DNS_TXT }, { "SOA", DNS_SOA }, { "SRV", DNS_SRV }, { "PTR", DNS_PTR }, { "CAA", DNS_CAA },
};
#define TYPES (sizeof types / sizeof types[0])

uint16_t dns_type_find(struct str name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (str_is(name, types[i].name))
			return types[i].type;
	return 0;
}

const char *dns_type_name(uint16_t type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

const char *dns_code_name(unsigned code)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
	                                     "REFUSED" };
	return code < sizeof names / sizeof names[0] ? names[code] : "?";
}

/* ---- writing ---- */

static void put_16(uint8_t **at, unsigned value)
{
	*(*at)++ = (uint8_t)(value >> 8);
	*(*at)++ = (uint8_t)value;
}

static bool put_name(uint8_t **at, struct str name)
{
	struct str label, rest = str_ends(name, STR(".")) ? str_sub(name, 0, name.len - 1) : name;
	bool more = rest.len > 0;
	if (rest.len + 2 > NAME_BYTES_MAX)
		return false;
	while (more) {
		more = str_cut(rest, '.', &label, &rest);
		if (label.len == 0 || label.len > LABEL_BYTES_MAX)
			return false;
		*(*at)++ = (uint8_t)label.len;
		memcpy(*at, label.ptr, label.len);
		*at += label.len;
	}
	*(*at)++ = 0;
	return true;
}

enum err dns_query_write(struct str name, uint16_t type, uint16_t id,
                         uint8_t ret_bytes[DNS_QUERY_BYTES_MAX], size_t *ret_size, struct error *err)
{
	uint8_t *at = ret_bytes;
	put_16(&at, id);
	put_16(&at, 0x0100); /* recursion is desired */
	put_16(&at, 1);
	put_16(&at, 0);
	put_16(&at, 0);
	put_16(&at, 1);
	if (!put_name(&at, name))
		return error_set(err, ERR_INVALID, "cannot ask for \"" STR_FMT "\": it is no name",
		                 STR_ARG(str_sub(name, 0, 100)));
	put_16(&at, type);
	put_16(&at, CLASS_IN);
	*at++ = 0; /* OPT: how much we take in one datagram */
	put_16(&at, OPT);
	put_16(&at, DNS_UDP_BYTES_MAX);
	put_16(&at, 0);
	put_16(&at, 0);
	put_16(&at, 0);
	*ret_size = (size_t)(at - ret_bytes);
	assert(*ret_size <= DNS_QUERY_BYTES_MAX);
	return OK;
}

/* ---- reading ---- */

struct reader {
	const uint8_t *bytes;
	size_t size, at;
	bool failed;
};

static unsigned take(struct reader *reader, unsigned count)
{
	unsigned value = 0;
	if (reader->failed || reader->size - reader->at < count) {
		reader->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < count; i++)
		value = value << 8 | reader->bytes[reader->at++];
	return value;
}

static void add_label(struct buf *out, const uint8_t *label, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		if (isalnum(label[i]) || label[i] == '-' || label[i] == '_' || label[i] == '*')
			buf_addc(out, (char)label[i]);
		else
			buf_printf(out, "\\%03u", label[i]);
	}
}

/* Pointers may only lead back (RFC 1035, 4.1.4 "prior occurrence"), so they end. */
static void take_name(struct reader *reader, struct buf *out)
{
	size_t at = reader->at, after = 0, total = 0;
	unsigned jumps = 0;
	while (!reader->failed) {
		unsigned length = at < reader->size ? reader->bytes[at] : 0x80;
		if (length >= 0xC0 && at + 1 < reader->size && jumps++ < JUMPS_MAX) {
			size_t to = (size_t)(length & 0x3F) << 8 | reader->bytes[at + 1];
			if (after == 0)
				after = at + 2;
			reader->failed = to >= at;
			at = to;
		} else if (length > LABEL_BYTES_MAX || at + 1 + length > reader->size ||
		           (total += length + 1) > NAME_BYTES_MAX) {
			reader->failed = true;
		} else if (length == 0) {
			reader->at = after != 0 ? after : at + 1;
			if (total <= 1)
				buf_addc(out, '.');
			return;
		} else {
			if (total > length + 1)
				buf_addc(out, '.');
			add_label(out, reader->bytes + at + 1, length);
			at += 1 + length;
		}
	}
}

static void add_quoted(struct buf *out, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] >= ' ' && bytes[i] < 0x7F)
			buf_addc(out, (char)bytes[i]);
		else
			buf_printf(out, "\\%03u", bytes[i]);
	}
}

static void take_address(struct reader *reader, size_t size, bool v6, struct buf *out)
{
	struct address address = { .v6 = v6 };
	char text[ADDRESS_TEXT_BYTES];
	size_t wanted = v6 ? 16 : 4;
	if (size != wanted || reader->failed) {
		reader->failed = true;
		return;
	}
	memcpy(address.bytes, reader->bytes + reader->at, wanted);
	address_format(&address, text);
	buf_adds(out, text);
}

/* The strings of a TXT record are one text: that is how SPF and its kin read them. */
static void take_strings(struct reader *reader, size_t end, struct buf *out)
{
	while (!reader->failed && reader->at < end) {
		unsigned length = take(reader, 1);
		if (reader->at + length > end) {
			reader->failed = true;
			return;
		}
		add_quoted(out, reader->bytes + reader->at, length);
		reader->at += length;
	}
}

static void take_caa(struct reader *reader, size_t end, struct buf *out)
{
	unsigned flags = take(reader, 1), length = take(reader, 1);
	if (reader->failed || reader->at + length > end) {
		reader->failed = true;
		return;
	}
	buf_printf(out, "%u ", flags);
	add_quoted(out, reader->bytes + reader->at, length);
	buf_adds(out, " \"");
	add_quoted(out, reader->bytes + reader->at + length, end - reader->at - length);
	buf_addc(out, '"');
}

static void take_data(struct reader *reader, uint16_t type, size_t size, struct buf *out)
{
	size_t end = reader->at + size;
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		take_address(reader, size, type == DNS_AAAA, out);
		return;
	case DNS_TXT:
		take_strings(reader, end, out);
		return;
	case DNS_CAA:
		take_caa(reader, end, out);
		return;
	case DNS_MX:
		buf_printf(out, "%u ", take(reader, 2));
		break;
	case DNS_SRV:
		buf_printf(out, "%u ", take(reader, 2));
		buf_printf(out, "%u ", take(reader, 2));
		buf_printf(out, "%u ", take(reader, 2));
		break;
	default:
		break;
	}
	take_name(reader, out);
	if (type == DNS_SOA) {
		buf_addc(out, ' ');
		take_name(reader, out);
		for (unsigned i = 0; i < 5 && !reader->failed; i++)
			buf_printf(out, " %u", take(reader, 4));
	}
	reader->failed = reader->failed || reader->at > end;
}

static void take_record(struct reader *reader, uint16_t wanted, struct dns_answer *answer)
{
	cleanup_buf struct buf owner, text;
	buf_init(&owner, 2048);
	buf_init(&text, 4 * 65536);
	take_name(reader, &owner);
	unsigned type = take(reader, 2), class = take(reader, 2), ttl = take(reader, 4);
	unsigned size = take(reader, 2);
	if (reader->failed || reader->size - reader->at < size) {
		reader->failed = true;
		return;
	}
	size_t end = reader->at + size;
	answer->more |= type == wanted && class == CLASS_IN && answer->count == DNS_ANSWERS_MAX;
	if (type == wanted && class == CLASS_IN && answer->count < DNS_ANSWERS_MAX) {
		struct reader data = { reader->bytes, end, reader->at, false };
		take_data(&data, wanted, size, &text);
		reader->failed = data.failed;
		if (answer->count == 0 || ttl < answer->ttl_least)
			answer->ttl_least = ttl;
		snprintf(answer->texts[answer->count++], DNS_ANSWER_BYTES, "%.*s", DNS_ANSWER_BYTES - 1,
		         text.bytes != NULL ? text.bytes : "");
	}
	reader->at = end;
}

/* The question comes back as it was sent; servers may change the case of letters. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

static size_t question_size(const uint8_t *query, size_t size)
{
	size_t at = HEAD_BYTES;
	while (at < size && query[at] != 0)
		at += 1 + query[at];
	return at + 5 - HEAD_BYTES;
}

enum err dns_answer_read(const uint8_t *bytes, size_t size, const uint8_t *query, size_t query_size,
                         struct dns_answer *ret_answer, struct error *err)
{
	size_t question = question_size(query, query_size);
	assert(HEAD_BYTES + question <= query_size);
	bool ours = size >= HEAD_BYTES && bytes[0] == query[0] && bytes[1] == query[1] &&
	            (bytes[2] & 0x80) != 0;
	if (!ours)
		return error_set(err, ERR_NOT_FOUND, "this is no answer to the question");
	struct reader reader = { .bytes = bytes, .size = size, .at = 4 };
	unsigned questions = take(&reader, 2), answers = take(&reader, 2);
	unsigned code = bytes[3] & 15;
	ret_answer->code = code;
	ret_answer->cut = (bytes[2] & 2) != 0;
	ret_answer->count = 0;
	ret_answer->ttl_least = 0;
	reader.at = HEAD_BYTES;
	if (questions == 0 && code != 0)
		return OK; /* refusals may come without it */
	if (questions != 1 || size < HEAD_BYTES + question ||
	    !same_question(bytes + HEAD_BYTES, query + HEAD_BYTES, question))
		return error_set(err, ERR_NOT_FOUND, "this is no answer to the question");
	reader.at += question;
	uint16_t wanted = (uint16_t)(query[HEAD_BYTES + question - 4] << 8 | query[HEAD_BYTES + question - 3]);
	for (unsigned i = 0; i < answers && i < RECORDS_MAX && !reader.failed; i++)
		take_record(&reader, wanted, ret_answer);
	if (reader.failed && !ret_answer->cut)
		return error_set(err, ERR_CORRUPT, "the answer of the name server breaks the format of DNS");
	return OK;
}
