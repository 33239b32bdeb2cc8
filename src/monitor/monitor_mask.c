/*
 * monitor_mask.c: a command line without its secrets.
 *
 * It is shown to everybody who may look at this machine's list, so it errs on the side of "***".
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "monitor/monitor_discovery.h"

#define MASKED_BYTES_MAX 16384

static const char *const words[] = { "passw", "passphrase", "secret", "token", "apikey", "api-key",
                                     "api_key", "credential", "authorization", "bearer", "private",
                                     "auth=" };

static size_t find_text(struct str text, const char *wanted)
{
	size_t length = strlen(wanted);
	for (size_t i = 0; i + length <= text.len; i++)
		if (strncasecmp(text.ptr + i, wanted, length) == 0)
			return i;
	return SIZE_MAX;
}

static bool names_secret(struct str text)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (find_text(text, words[i]) != SIZE_MAX)
			return true;
	return false;
}

/* "postgres://user:secret@host/": the part before the '@' goes. */
static bool mask_url(struct str argument, struct buf *out)
{
	size_t scheme = find_text(argument, "://");
	struct str user, rest;
	if (scheme == SIZE_MAX)
		return false;
	if (!str_cut(str_sub(argument, scheme + 3, argument.len), '@', &user, &rest))
		return false;
	buf_add(out, str_sub(argument, 0, scheme + 3));
	buf_adds(out, "***@");
	buf_add(out, rest);
	return true;
}

/* "-pSECRET", as the clients of MySQL take it; "-p8080" is a port and "-p/path" a path. */
static bool is_glued_password(struct str argument)
{
	return argument.len > 2 && str_starts(argument, STR("-p")) &&
	       !isdigit((unsigned char)argument.ptr[2]) &&
	       !str_has(argument, '/') && !str_starts(argument, STR("-port"));
}

/* Returns whether the next argument is this one's value, and secret. */
static bool mask_argument(struct str argument, struct buf *out)
{
	struct str key, value;
	bool has_value = str_cut(argument, '=', &key, &value);
	if (mask_url(argument, out))
		return false;
	if (is_glued_password(argument)) {
		buf_adds(out, "-p***");
		return false;
	}
	if (!names_secret(argument)) {
		buf_add(out, argument);
		return false;
	}
	if (has_value) {
		buf_add(out, names_secret(key) ? key : STR_NONE);
		buf_adds(out, "=***");
		return false;
	}
	bool is_option = str_starts(argument, STR("-")) && !str_has(argument, ' ') && !str_has(argument, ':');
	if (is_option)
		buf_add(out, argument);
	else
		buf_adds(out, "***");
	return is_option;
}

void discovery_mask(struct str arguments, char *ret_text, size_t size)
{
	cleanup_buf struct buf out;
	buf_init(&out, MASKED_BYTES_MAX);
	struct str argument, rest = arguments;
	bool is_secret = false;
	while (rest.len > 0) {
		str_cut(rest, '\0', &argument, &rest);
		if (out.used > 0)
			buf_addc(&out, ' ');
		if (is_secret) {
			buf_adds(&out, "***");
			is_secret = false;
		} else {
			is_secret = mask_argument(argument, &out);
		}
	}
	for (size_t i = 0; i < out.used; i++)
		if ((unsigned char)out.bytes[i] < ' ' || out.bytes[i] == 0x7F)
			out.bytes[i] = '?';
	snprintf(ret_text, size, "%s", out.bytes != NULL ? out.bytes : "");
}
