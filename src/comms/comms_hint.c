/* comms_hint.c: see comms_hint.h. English words: an update in another language gets fewer hints. */
#include "comms/comms_hint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/address.h"

#define WORD_BYTES_MAX 64u

/* ---- words ---- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool matches(struct str text, size_t at, const char *phrase)
{
	for (size_t i = 0; phrase[i] != '\0'; i++) {
		if (at + i >= text.len)
			return false;
		char c = text.ptr[at + i];
		if (phrase[i] == ' ' ? c != ' ' && c != '\n' : lower(c) != phrase[i])
			return false;
	}
	return true;
}

/* The first of the phrases that begins a word of the text; one that ends in '*' may go on, the others
 * end the word too. */
static const char *find_phrase(struct str text, const char *const *phrases)
{
	for (size_t at = 0; at < text.len; at++) {
		if (at > 0 && (is_letter(text.ptr[at - 1]) || is_digit(text.ptr[at - 1])))
			continue;
		for (size_t p = 0; phrases[p] != NULL; p++) {
			char phrase[WORD_BYTES_MAX];
			size_t length = strlen(phrases[p]);
			bool open = phrases[p][length - 1] == '*';
			snprintf(phrase, sizeof phrase, "%.*s", (int)(length - open), phrases[p]);
			size_t end = at + length - open;
			if (matches(text, at, phrase) &&
			    (open || end >= text.len || !(is_letter(text.ptr[end]) || is_digit(text.ptr[end]))))
				return phrases[p];
		}
	}
	return NULL;
}

/* "14:02", "2 pm", "9:30am" */
static bool has_time(struct str text)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (is_digit(text.ptr[i]) && text.ptr[i + 1] == ':' && i + 2 < text.len && is_digit(text.ptr[i + 2]))
			return true;
		size_t next = i + 1 < text.len && text.ptr[i + 1] == ' ' ? i + 2 : i + 1;
		if (is_digit(text.ptr[i]) && (matches(text, next, "am") || matches(text, next, "pm")) &&
		    (next + 2 >= text.len || !is_letter(text.ptr[next + 2])))
			return true;
	}
	return false;
}

/* ---- hosts ---- */

static bool is_host_byte(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* A label with a number at its end behind a dash ("db-03", "web-prod-1") or of many parts ("ip-10-0-1-7"). */
static bool looks_numbered(struct str word)
{
	size_t digits = 0;
	bool letters = false;
	while (digits < word.len && is_digit(word.ptr[word.len - 1 - digits]))
		digits++;
	for (size_t i = 0; i < word.len; i++)
		letters = letters || is_letter(word.ptr[i]);
	if (digits == 0 || digits == word.len || digits > 4 || !letters)
		return false;
	char before = word.ptr[word.len - digits - 1];
	/* "db01", "web12": letters then two digits; "P1", "v2", "S3" are no hosts. */
	return (before == '-' && word.len > 3) || (digits >= 2 && is_letter(before) && word.len >= digits + 2);
}

static bool looks_internal(struct str word)
{
	static const char *const ends[] = { ".internal", ".local", ".lan", ".corp", ".intra", ".svc", ".cluster.local", NULL };
	for (size_t i = 0; ends[i] != NULL; i++) {
		if (str_ends(word, str_of(ends[i])))
			return true;
	}
	return false;
}

static bool is_host(struct str word)
{
	struct address address;
	struct str first, rest;
	if (address_parse(word, &address))
		return true;
	if (looks_internal(word))
		return true;
	str_cut(word, '.', &first, &rest);
	return looks_numbered(first) && !str_has(word, '_');
}

static bool find_host(struct str text, struct str *ret_word)
{
	size_t at = 0;
	while (at < text.len) {
		size_t end = at;
		while (end < text.len && is_host_byte(text.ptr[end]))
			end++;
		struct str word = str_sub(text, at, end);
		while (word.len > 0 && (word.ptr[word.len - 1] == '.' || word.ptr[word.len - 1] == '-'))
			word.len--;
		if (word.len > 0 && is_host(word)) {
			*ret_word = word;
			return true;
		}
		at = end > at ? end + 1 : at + 1;
	}
	return false;
}

/* ---- rules: NULL when there is nothing to say ---- */

typedef bool rule_fn(const struct comms_draft *draft, char ret_text[COMMS_HINT_BYTES]);

static bool say(char ret_text[COMMS_HINT_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool say(char ret_text[COMMS_HINT_BYTES], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(ret_text, COMMS_HINT_BYTES, format, args);
	va_end(args);
	return true;
}

static bool is_over(const struct comms_draft *draft)
{
	return str_is(draft->state, "resolved");
}

static bool lacks_affected(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "customer*", "user*", "affect*", "unavailable", "unable", "cannot", "can't",
					     "down", "slow", "fail*", "error*", "degraded", "impact*", "service*", NULL };
	if (draft->components > 0 || is_over(draft) || find_phrase(draft->text, words) != NULL)
		return false;
	return say(text, "Say what is affected, and what people notice.");
}

static bool lacks_since(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "since", "began", "started at", "minutes ago", "hours ago", "hour ago", NULL };
	if (!draft->first || has_time(draft->text) || find_phrase(draft->text, words) != NULL)
		return false;
	return say(text, "Say since when, with the time zone.");
}

static bool lacks_action(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = {
		"investigat*", "working", "work on", "looking", "restart*", "roll*", "fix*", "mitigat*", "identified",
		"deploy*", "fail over", "failing over", "failed over", "monitor*", "restor*", "recover*", "replac*",
		"switch*", "revert*", "repair*", "scal*", "block*", "engaged", "watching", "is on it", "are on it", NULL,
	};
	if (is_over(draft) || find_phrase(draft->text, words) != NULL)
		return false;
	return say(text, "Say what is being done about it.");
}

static bool lacks_next(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "next update", "update again", "update you by", "update by", NULL };
	if (is_over(draft) || draft->next_promised || find_phrase(draft->text, words) != NULL)
		return false;
	return say(text, "Say when the next update comes; it need not bring good news.");
}

static bool promises(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = {
		"eta", "will be fixed", "will be resolved", "will be back", "will be restored", "should be fixed",
		"should be resolved", "should be back", "expect to be back", "expect to have", "expected to be fixed",
		"expected to be resolved", "back in", "fixed in", "fixed by", "resolved by", "within the hour",
		"in a few minutes", "shortly", "soon", "guarantee*", NULL,
	};
	const char *found = is_over(draft) ? NULL : find_phrase(draft->text, words);
	return found != NULL && say(text, "\"%.*s\" sounds like a promise of when it ends. Promise the next update instead.",
				    (int)strcspn(found, "*"), found);
}

static bool names_host(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	struct str word;
	if (draft->audience == COMMS_ENGINEERS || !find_host(draft->text, &word))
		return false;
	return say(text, "\"%.*s\" looks like the name of a machine; name the service that people know.",
		   (int)(word.len < 60 ? word.len : 60), word.ptr);
}

static bool blames(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "blame*", "fault", "human error", "careless*", "stupid*", "incompetent*",
					     "should have", "should've", "negligen*", "screwed up", "messed up",
					     "forgot to", "mistake", "broke it", NULL };
	const char *found = find_phrase(draft->text, words);
	return found != NULL && say(text, "\"%.*s\" points at somebody. Say what happened; who and why is for the review.",
				    (int)strcspn(found, "*"), found);
}

static bool says_outage(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "outage", "outages", NULL };
	if (draft->audience != COMMS_CUSTOMERS || draft->major || is_over(draft) ||
	    find_phrase(draft->text, words) == NULL)
		return false;
	return say(text, "\"Outage\" says that nothing works. If some of it does, say \"incident\" or \"problem\".");
}

static bool lacks_rest(const struct comms_draft *draft, char text[COMMS_HINT_BYTES])
{
	static const char *const words[] = { "no data", "data loss", "lost", "nothing is left", "no further", "no lingering",
					     "no action", "nothing to do", "remain*", "back to normal", "fully", NULL };
	if (!is_over(draft) || find_phrase(draft->text, words) != NULL)
		return false;
	return say(text, "Say whether anything remains: lost data, delays, something people must do.");
}

static rule_fn *const rules[] = {
	lacks_affected, lacks_since, lacks_action, lacks_next, lacks_rest, promises, names_host, blames, says_outage,
};
static const char *const codes[] = {
	"affected", "since", "action", "next", "rest", "promise", "host", "blame", "outage",
};

size_t comms_hints(const struct comms_draft *draft, struct comms_hint ret_hints[COMMS_HINTS_MAX])
{
	size_t count = 0;
	if (str_trim(draft->text).len == 0)
		return 0;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0] && count < COMMS_HINTS_MAX; i++) {
		if (rules[i](draft, ret_hints[count].text))
			ret_hints[count++].code = codes[i];
	}
	return count;
}
