/*
 * review_words.c: gentle hints about words that end a search too early.
 *
 * "Should have", "human error" and a name in a sentence of cause say who, not how; the question that
 * helps is what made it look right at the time. A hint never stands in the way of saving.
 *
 * To add one: a row in `phrases`.
 */
#include "review/review.h"

struct phrase_row {
	const char *phrase, *say;
};
static const struct phrase_row phrases[] = {
	{ "should have", "what made the other way look right at the time?" },
	{ "could have", "say what happened; what did not happen explains nothing" },
	{ "would have", "say what happened; what did not happen explains nothing" },
	{ "if only", "say what happened; what did not happen explains nothing" },
	{ "human error", "an error is where the search begins: what made it easy to make?" },
	{ "operator error", "an error is where the search begins: what made it easy to make?" },
	{ "careless", "it judges a person: which signal was missing?" },
	{ "negligen", "it judges a person: which signal was missing?" },
	{ "failed to", "what stood in the way, or was not there to see?" },
	{ "forgot", "what could remember it in their place?" },
	{ "at fault", "who is at fault does not keep it from happening again" },
	{ "fault of", "who is at fault does not keep it from happening again" },
	{ "blame", "who is to blame does not keep it from happening again" },
	{ "obvious", "it is obvious now: what was to be seen then?" },
};

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_letter(char byte)
{
	byte = lower(byte);
	return (byte >= 'a' && byte <= 'z') || (unsigned char)byte >= 0x80;
}

/* Where it stands from `from` on, beginning at the beginning of a word; text.len: nowhere. */
static size_t find(struct str text, struct str phrase, size_t from)
{
	for (size_t i = from; phrase.len > 0 && i + phrase.len <= text.len; i++) {
		size_t k = 0;
		if (i > 0 && is_letter(text.ptr[i - 1]))
			continue;
		while (k < phrase.len && lower(text.ptr[i + k]) == lower(phrase.ptr[k]))
			k++;
		if (k == phrase.len)
			return i;
	}
	return text.len;
}

static bool ends_a_sentence(char byte)
{
	return byte == '.' || byte == '!' || byte == '?' || byte == '\n';
}

static struct str sentence_around(struct str text, size_t at)
{
	size_t from = at, to = at;
	while (from > 0 && !ends_a_sentence(text.ptr[from - 1]))
		from--;
	while (to < text.len && !ends_a_sentence(text.ptr[to]))
		to++;
	return str_trim(str_sub(text, from, to));
}

static const char *const causes[] = { "because", "caused", "due to", "fault", "mistake", "broke", "forgot",
				       "failed", "wrong" };

static bool tells_a_cause(struct str sentence)
{
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		if (find(sentence, str_of(causes[i]), 0) < sentence.len)
			return true;
	}
	return false;
}

/* The whole name as a word in a sentence that says why. */
static bool names_in_cause(struct str text, struct str name, struct str *ret_found)
{
	for (size_t at = find(text, name, 0); at < text.len; at = find(text, name, at + 1)) {
		size_t end = at + name.len;
		struct str sentence = sentence_around(text, at);
		if ((end < text.len && is_letter(text.ptr[end])) || !tells_a_cause(sentence))
			continue;
		*ret_found = str_sub(text, at, end);
		return true;
	}
	return false;
}

size_t review_hints(struct str text, const struct str *names, size_t name_count, struct arena *arena,
		    struct review_hint ret_hints[REVIEW_HINTS_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < sizeof phrases / sizeof phrases[0] && count < REVIEW_HINTS_MAX; i++) {
		struct str phrase = str_of(phrases[i].phrase);
		size_t at = find(text, phrase, 0);
		if (at < text.len)
			ret_hints[count++] = (struct review_hint){
				arena_str(arena, str_sub(text, at, at + phrase.len)), str_of(phrases[i].say),
			};
	}
	for (size_t i = 0; i < name_count && count < REVIEW_HINTS_MAX; i++) {
		struct str found;
		if (names[i].len >= 2 && names_in_cause(text, names[i], &found))
			ret_hints[count++] = (struct review_hint){
				arena_str(arena, found),
				STR("a name in a sentence of cause: say the role, and what they saw"),
			};
	}
	return count;
}
