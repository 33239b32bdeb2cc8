/* pattern.cc: see pattern.h. No exception leaves it. */
extern "C" {
#include "base/err.h"
#include "base/str.h"
}
#include "promql/pattern.h"

#include <re2/re2.h>

#include <cstring>
#include <new>
#include <string>
#include <vector>

#define MEMORY_BYTES_MAX (8 << 20)

namespace {

/* "a|b|c" without anything that RE2 would read: compared one by one. */
bool is_literals(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (std::strchr("\\.+*?()[]{}^$", text.ptr[i]) != nullptr || text.ptr[i] == '\0')
			return false;
	return true;
}

std::vector<std::string> split(struct str text)
{
	std::vector<std::string> parts(1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '|')
			parts.emplace_back();
		else
			parts.back() += text.ptr[i];
	}
	return parts;
}

} // namespace

struct promql_pattern {
	bool literal;
	std::vector<std::string> words;
	re2::RE2 re2;
	promql_pattern(struct str text, const re2::RE2::Options &options)
		: literal(is_literals(text)), words(literal ? split(text) : std::vector<std::string>()),
		  re2("(?s:" + std::string(text.ptr != nullptr ? text.ptr : "", text.len) + ")", options)
	{
	}
};

extern "C" enum err promql_pattern_create(struct str text, struct promql_pattern **ret_pattern, struct error *err)
try {
	re2::RE2::Options options;
	options.set_log_errors(false);
	options.set_max_mem(MEMORY_BYTES_MAX);
	if (text.len > PROMQL_PATTERN_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot take a regular expression of more than %u bytes",
				 PROMQL_PATTERN_BYTES_MAX);
	if (std::memchr(text.ptr != nullptr ? text.ptr : "", '\\', text.len) != nullptr)
		for (size_t i = 0; i + 1 < text.len; i++) {
			if (text.ptr[i] == '\\' && text.ptr[i + 1] == 'C')
				return error_set(err, ERR_INVALID, "cannot read the regular expression: "
						 "invalid escape sequence: \\C");
			i += text.ptr[i] == '\\';
		}
	/* Alone first: in parentheses "a)(b" would be fine. */
	re2::RE2 alone(re2::StringPiece(text.ptr, text.len), options);
	if (!alone.ok())
		return error_set(err, ERR_INVALID, "cannot read the regular expression: %s", alone.error().c_str());
	*ret_pattern = new struct promql_pattern(text, options);
	return OK;
} catch (const std::bad_alloc &) {
	return error_set(err, ERR_TOO_LARGE, "could not read the regular expression: there is no memory for it");
}

extern "C" void promql_pattern_destroy(struct promql_pattern **pattern)
{
	delete *pattern;
	*pattern = nullptr;
}

extern "C" bool promql_pattern_matches(const struct promql_pattern *pattern, struct str value)
try {
	if (!pattern->literal)
		return re2::RE2::FullMatch(re2::StringPiece(value.ptr, value.len), pattern->re2);
	for (const std::string &word : pattern->words)
		if (word.size() == value.len && (value.len == 0 || std::memcmp(word.data(), value.ptr, value.len) == 0))
			return true;
	return false;
} catch (const std::bad_alloc &) {
	return false;
}

namespace {

bool match(const re2::RE2 &re2, struct str value, size_t from, re2::RE2::Anchor anchor,
	   struct str ret_groups[PROMQL_PATTERN_GROUPS_MAX])
try {
	re2::StringPiece groups[PROMQL_PATTERN_GROUPS_MAX];
	int wanted = re2.NumberOfCapturingGroups() + 1;
	if (wanted > (int)PROMQL_PATTERN_GROUPS_MAX)
		wanted = PROMQL_PATTERN_GROUPS_MAX;
	re2::StringPiece whole(value.ptr != nullptr ? value.ptr : "", value.len);
	if (!re2.Match(whole, from, value.len, anchor, groups, wanted))
		return false;
	for (unsigned i = 0; i < PROMQL_PATTERN_GROUPS_MAX; i++)
		ret_groups[i] = { groups[i].data(), groups[i].data() != nullptr ? groups[i].size() : 0 };
	return true;
} catch (const std::bad_alloc &) {
	return false;
}

int number_of(const re2::RE2 &re2, struct str name)
try {
	const auto &names = re2.NamedCapturingGroups();
	auto found = names.find(std::string(name.ptr, name.len));
	return found != names.end() && found->second < (int)PROMQL_PATTERN_GROUPS_MAX ? found->second : -1;
} catch (const std::bad_alloc &) {
	return -1;
}

} // namespace

extern "C" bool promql_pattern_groups(const struct promql_pattern *pattern, struct str value,
				      struct str ret_groups[PROMQL_PATTERN_GROUPS_MAX])
{
	return match(pattern->re2, value, 0, re2::RE2::ANCHOR_BOTH, ret_groups);
}

extern "C" int promql_pattern_group(const struct promql_pattern *pattern, struct str name)
{
	return number_of(pattern->re2, name);
}

/* ---- anywhere in a text ---- */

struct promql_search {
	re2::RE2 re2;
	promql_search(struct str text, const re2::RE2::Options &options)
		: re2(re2::StringPiece(text.ptr != nullptr ? text.ptr : "", text.len), options)
	{
	}
};

namespace {

const char *go_words(re2::RE2::ErrorCode code)
{
	switch (code) {
	case re2::RE2::ErrorBadEscape:
		return "invalid escape sequence";
	case re2::RE2::ErrorBadCharClass:
		return "invalid character class";
	case re2::RE2::ErrorBadCharRange:
		return "invalid character class range";
	case re2::RE2::ErrorMissingBracket:
		return "missing closing ]";
	case re2::RE2::ErrorMissingParen:
		return "missing closing )";
	case re2::RE2::ErrorTrailingBackslash:
		return "trailing backslash at end of expression";
	case re2::RE2::ErrorRepeatArgument:
		return "missing argument to repetition operator";
	case re2::RE2::ErrorRepeatSize:
		return "invalid repeat count";
	case re2::RE2::ErrorRepeatOp:
		return "invalid nested repetition operator";
	case re2::RE2::ErrorBadPerlOp:
		return "invalid or unsupported Perl syntax";
	case re2::RE2::ErrorBadUTF8:
		return "invalid UTF-8";
	case re2::RE2::ErrorBadNamedCapture:
		return "invalid named capture";
	case re2::RE2::ErrorPatternTooLarge:
		return "expression too large";
	default:
		return "unexpected )";
	}
}

} // namespace

extern "C" enum err promql_search_create(struct str text, struct promql_search **ret_search, struct error *err)
try {
	re2::RE2::Options options;
	options.set_log_errors(false);
	options.set_max_mem(MEMORY_BYTES_MAX);
	if (text.len > PROMQL_PATTERN_BYTES_MAX)
		return error_set(err, ERR_TOO_LARGE, "cannot take a regular expression of more than %u bytes",
				 PROMQL_PATTERN_BYTES_MAX);
	auto *search = new struct promql_search(text, options);
	if (search->re2.ok()) {
		*ret_search = search;
		return OK;
	}
	/* Without a backslash or bytes that are no UTF-8, Go names the part; of those two it names nothing. */
	const std::string &part = search->re2.error_arg();
	if (search->re2.error_code() == re2::RE2::ErrorTrailingBackslash)
		error_set(err, ERR_INVALID, "error parsing regexp: %s: ``", go_words(search->re2.error_code()));
	else
		error_set(err, ERR_INVALID, "error parsing regexp: %s: `%s`", go_words(search->re2.error_code()), part.c_str());
	delete search;
	return ERR_INVALID;
} catch (const std::bad_alloc &) {
	return error_set(err, ERR_TOO_LARGE, "could not read the regular expression: there is no memory for it");
}

extern "C" void promql_search_destroy(struct promql_search **search)
{
	delete *search;
	*search = nullptr;
}

extern "C" bool promql_search_find(const struct promql_search *search, struct str value, size_t from,
				   struct str ret_groups[PROMQL_PATTERN_GROUPS_MAX])
{
	return match(search->re2, value, from, re2::RE2::UNANCHORED, ret_groups);
}

extern "C" int promql_search_group(const struct promql_search *search, struct str name)
{
	return number_of(search->re2, name);
}

/* ---- matchers ---- */

extern "C" bool promql_matcher_takes(const struct promql_matcher *matcher, struct str value)
{
	switch (matcher->match) {
	case PROMQL_EQUAL:
		return str_eq(value, matcher->value);
	case PROMQL_NOT_EQUAL:
		return !str_eq(value, matcher->value);
	case PROMQL_REGEX:
		return promql_pattern_matches(matcher->pattern, value);
	case PROMQL_NOT_REGEX:
		return !promql_pattern_matches(matcher->pattern, value);
	}
	return false;
}
