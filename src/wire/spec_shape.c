/* spec_shape.c: does a text look like a host, an e-mail address, a date ...? See spec_priv.h. */
#include <arpa/inet.h>
#include <string.h>

#include "wire/spec_priv.h"

#define HOST_BYTES_MAX 253 /* RFC 1035 */
#define LABEL_BYTES_MAX 63
#define ZONE_BYTES_MAX 64
#define EMAIL_LOCAL_BYTES_MAX 64 /* RFC 5321 */

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_address(struct str text, int family)
{
	char copy[INET6_ADDRSTRLEN], address[sizeof(struct in6_addr)];
	if (text.len >= sizeof copy || text.len == 0)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, address) == 1;
}

static bool is_label(struct str label)
{
	if (label.len == 0 || label.len > LABEL_BYTES_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char byte = label.ptr[i];
		bool inner = byte == '-' && i > 0 && i + 1 < label.len;
		if (!is_letter(byte) && !is_digit(byte) && byte != '_' && !inner)
			return false;
	}
	return true;
}

/* A name of RFC 1123 labels (and "_", which exists in the wild), maybe with the root's dot. */
static bool is_host_name(struct str text)
{
	struct str rest = str_ends(text, STR(".")) ? str_sub(text, 0, text.len - 1) : text, label;
	if (rest.len == 0 || rest.len > HOST_BYTES_MAX)
		return false;
	bool more = true;
	while (more) {
		more = str_cut(rest, '.', &label, &rest);
		if (!is_label(label))
			return false;
	}
	/* "1.2.3" or "256.1.1.1" are mistyped addresses; no top level domain is a number */
	return !is_digit(label.ptr[0]) || is_letter(label.ptr[label.len - 1]);
}

bool spec_is_host(struct str text)
{
	return is_address(text, AF_INET) || is_address(text, AF_INET6) || is_host_name(text);
}

bool spec_is_graphic(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return true;
}

/* host, host:port, [v6], [v6]:port */
bool spec_is_authority(struct str text)
{
	struct str host = text, port = STR_NONE;
	bool has_port;
	if (str_starts(text, STR("["))) {
		struct str after;
		if (!str_cut(str_sub(text, 1, text.len), ']', &host, &after))
			return false;
		if (!is_address(host, AF_INET6) || (after.len > 0 && after.ptr[0] != ':'))
			return false;
		has_port = after.len > 0;
		port = str_sub(after, 1, after.len);
	} else {
		has_port = str_cut(text, ':', &host, &port);
		if (is_address(host, AF_INET6) || !spec_is_host(host))
			return false;
	}
	int64_t number;
	return !has_port || str_int(port, 1, 65535, &number);
}

bool spec_is_email(struct str text)
{
	struct str local, domain;
	if (!spec_is_graphic(text) || !str_cut(text, '@', &local, &domain))
		return false;
	if (local.len == 0 || local.len > EMAIL_LOCAL_BYTES_MAX || !is_host_name(domain))
		return false;
	for (size_t i = 0; i < local.len; i++) {
		if (strchr("\"(),:;<>[]\\", local.ptr[i]) != NULL)
			return false;
	}
	return local.ptr[0] != '.' && local.ptr[local.len - 1] != '.';
}

bool spec_is_zone(struct str text)
{
	if (text.len == 0 || text.len > ZONE_BYTES_MAX || !is_letter(text.ptr[0]))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];
		bool mark = strchr("_+-", byte) != NULL && byte != '\0';
		bool slash = byte == '/' && i + 1 < text.len && text.ptr[i - 1] != '/';
		if (!is_letter(byte) && !is_digit(byte) && !mark && !slash)
			return false;
	}
	return true;
}

/* Exactly `count` digits at `at`. */
static bool number_at(struct str text, size_t at, size_t count, int64_t max, int64_t *ret_value)
{
	struct str part = str_sub(text, at, at + count);
	return part.len == count && is_digit(part.ptr[0]) && str_int(part, 0, max, ret_value);
}

bool spec_is_date(struct str text)
{
	int64_t year, month, day;
	if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-')
		return false;
	if (!number_at(text, 0, 4, 9999, &year) || !number_at(text, 5, 2, 12, &month) ||
	    !number_at(text, 8, 2, 31, &day))
		return false;
	return year >= 1 && month >= 1 && day >= 1 &&
	       day <= time_days_in_month((int)year, (int)month);
}

bool spec_is_clock(struct str text, bool midnight_too)
{
	int64_t hour, minute, second = 0;
	if ((text.len != 5 && text.len != 8) || text.ptr[2] != ':')
		return false;
	if (!number_at(text, 0, 2, 24, &hour) || !number_at(text, 3, 2, 59, &minute))
		return false;
	if (text.len == 8 && (text.ptr[5] != ':' || !number_at(text, 6, 2, 59, &second)))
		return false;
	return hour < 24 || (midnight_too && minute == 0 && second == 0);
}

/* Newlines and tabs belong to texts; other controls forge terminals and logs. */
bool spec_has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if ((byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7F)
			return true;
	}
	return false;
}
