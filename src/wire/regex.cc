/* regex.cc: see regex.h. No exception leaves it. */
#include "wire/regex.h"

#include <re2/re2.h>

#include <cstdio>
#include <new>

#define MEMORY_BYTES_MAX (1 << 20)

struct regex {
	re2::RE2 re2;
	explicit regex(re2::StringPiece pattern, const re2::RE2::Options &options) : re2(pattern, options) {}
};

extern "C" struct regex *regex_create(struct str pattern, char ret_why[REGEX_WHY_BYTES])
try {
	re2::RE2::Options options;
	options.set_log_errors(false);
	options.set_max_mem(MEMORY_BYTES_MAX);
	if (pattern.len > REGEX_PATTERN_BYTES_MAX) {
		std::snprintf(ret_why, REGEX_WHY_BYTES, "it is longer than %u bytes", REGEX_PATTERN_BYTES_MAX);
		return nullptr;
	}
	struct regex *made = new struct regex(re2::StringPiece(pattern.ptr, pattern.len), options);
	if (made->re2.ok())
		return made;
	std::snprintf(ret_why, REGEX_WHY_BYTES, "%.*s", (int)(REGEX_WHY_BYTES - 1), made->re2.error().c_str());
	delete made;
	return nullptr;
} catch (const std::bad_alloc &) {
	std::snprintf(ret_why, REGEX_WHY_BYTES, "there is no memory for it");
	return nullptr;
}

extern "C" void regex_destroy(struct regex **regex)
{
	delete *regex;
	*regex = nullptr;
}

extern "C" bool regex_find(const struct regex *regex, struct str text, struct str *ret_found)
try {
	re2::StringPiece groups[2];
	int wanted = regex->re2.NumberOfCapturingGroups() > 0 ? 2 : 1;
	re2::StringPiece whole(text.ptr, text.len);
	if (!regex->re2.Match(whole, 0, text.len, re2::RE2::UNANCHORED, groups, wanted))
		return false;
	const re2::StringPiece &found = groups[wanted - 1];
	if (found.data() == nullptr)
		return false;
	ret_found->ptr = found.data();
	ret_found->len = found.size();
	return true;
} catch (const std::bad_alloc &) {
	return false;
}
