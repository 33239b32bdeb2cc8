/*
 * cli_secret.c: see cli_secret.h.
 *
 * The terminal is read key by key with signals off: a Ctrl-C in the middle of a password is a key
 * like others, so the terminal is always put back as it was.
 */
#include "cli/cli_secret.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define KEY_CANCEL 0x03
#define KEY_END 0x04
#define KEY_ERASE_LINE 0x15

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* True at the end of the line. */
static bool take_key(char key, char *line, size_t *length, bool *cancelled)
{
	if (key == KEY_CANCEL || (key == KEY_END && *length == 0))
		*cancelled = true;
	if (key == '\n' || key == '\r' || key == KEY_END || *cancelled)
		return true;
	if (key == KEY_ERASE_LINE)
		*length = 0;
	else if (key == 0x7F || key == '\b') {
		while (*length > 0 && is_continuation(line[*length - 1]))
			(*length)--;
		*length -= *length > 0;
	} else if (*length + 1 < CLI_SECRET_BYTES_MAX) /* full: cli_ask_line refuses it */
		line[(*length)++] = key;
	return false;
}

static bool read_quietly(char *line, size_t *ret_length)
{
	struct termios before, quiet;
	bool cancelled = false, over = false;
	char key;
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= (tcflag_t) ~(ECHO | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	while (!over) {
		if (read(STDIN_FILENO, &key, 1) != 1)
			cancelled = over = true;
		else
			over = take_key(key, line, ret_length, &cancelled);
	}
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return !cancelled;
}

static bool read_line(char *line, size_t *ret_length)
{
	if (fgets(line, (int)CLI_SECRET_BYTES_MAX, stdin) == NULL)
		return false;
	*ret_length = strcspn(line, "\r\n");
	return true;
}

enum err cli_ask_line(const char *question, bool echo, struct arena *arena, struct str *ret_line,
		      struct error *err)
{
	char line[CLI_SECRET_BYTES_MAX];
	size_t length = 0;
	bool tty = isatty(STDIN_FILENO) == 1;
	if (tty)
		fprintf(stderr, "%s: ", question);
	bool whole = tty && !echo ? read_quietly(line, &length) : read_line(line, &length);
	bool fits = length + 1 < CLI_SECRET_BYTES_MAX;
	struct str kept = whole ? arena_str(arena, (struct str){ line, length }) : STR_NONE;
	explicit_bzero(line, sizeof line);
	if (!fits)
		return error_set(err, ERR_INVALID, "the %s is longer than %u bytes", question, CLI_SECRET_BYTES_MAX - 2);
	if (kept.len == 0)
		return error_set(err, ERR_CANCELLED, "no %s was given", question);
	*ret_line = kept;
	return OK;
}
