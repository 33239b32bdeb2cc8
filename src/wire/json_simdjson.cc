/*
 * json_simdjson.cc: see json_simdjson.h.
 *
 * simdjson's on-demand walk is used, not its DOM, because it knows where in the text a value
 * stands. On-demand checks only what is visited, so everything is visited.
 */
#include "wire/json_simdjson.h"

#include <simdjson.h>
#include <string>

using namespace simdjson;

namespace {

struct walk {
	const char *base; /* where offset 0 stands */
	json_token_fn *take;
	void *context;
	bool stopped;
};

size_t offset_of(const walk &state, const char *at)
{
	return size_t(at - state.base);
}

error_code give(walk &state, const json_token &token)
{
	if (state.take(state.context, &token))
		return SUCCESS;
	state.stopped = true;
	return UNEXPECTED_ERROR;
}

template <class value> error_code walk_value(walk &state, value &at);

error_code walk_list(walk &state, ondemand::array list)
{
	for (auto item : list) {
		ondemand::value value;
		if (error_code error = item.get(value))
			return error;
		if (error_code error = walk_value(state, value))
			return error;
	}
	json_token end = {};
	end.kind = JSON_LIST_END;
	return give(state, end);
}

error_code walk_field(walk &state, ondemand::field &field)
{
	json_token token = {};
	token.kind = JSON_KEY;
	token.offset = offset_of(state, field.key().raw() - 1); /* the quote before it */
	std::string_view key;
	if (error_code error = field.unescaped_key().get(key))
		return error;
	token.text = key.data();
	token.text_len = key.size();
	if (error_code error = give(state, token))
		return error;
	return walk_value(state, field.value());
}

error_code walk_map(walk &state, ondemand::object map)
{
	for (auto item : map) {
		ondemand::field field;
		if (error_code error = std::move(item).get(field))
			return error;
		if (error_code error = walk_field(state, field))
			return error;
	}
	json_token end = {};
	end.kind = JSON_MAP_END;
	return give(state, end);
}

template <class value> error_code take_number(value &at, json_token &token)
{
	ondemand::number number;
	if (error_code error = at.get_number().get(number))
		return error;
	if (number.is_uint64())
		return NUMBER_OUT_OF_RANGE;
	token.kind = number.is_int64() ? JSON_INT : JSON_REAL;
	if (number.is_int64())
		token.integer = number.get_int64();
	else
		token.real = number.get_double();
	return SUCCESS;
}

template <class value> error_code take_scalar(value &at, ondemand::json_type type, json_token &token)
{
	if (type == ondemand::json_type::number)
		return take_number(at, token);
	if (type == ondemand::json_type::string) {
		std::string_view text;
		if (error_code error = at.get_string().get(text))
			return error;
		token.kind = JSON_TEXT;
		token.text = text.data();
		token.text_len = text.size();
		return SUCCESS;
	}
	if (type == ondemand::json_type::boolean) {
		token.kind = JSON_BOOL;
		return at.get_bool().get(token.truth);
	}
	bool is_null = false;
	token.kind = JSON_NULL;
	if (error_code error = simdjson_result<bool>(at.is_null()).get(is_null))
		return error;
	return is_null ? SUCCESS : N_ATOM_ERROR;
}

template <class value> error_code walk_value(walk &state, value &at)
{
	ondemand::json_type type;
	if (error_code error = at.type().get(type))
		return error;
	json_token token = {};
	std::string_view raw;
	if (error_code error = simdjson_result<std::string_view>(at.raw_json_token()).get(raw))
		return error;
	token.offset = offset_of(state, raw.data());
	if (type == ondemand::json_type::array || type == ondemand::json_type::object) {
		bool is_list = type == ondemand::json_type::array;
		token.kind = is_list ? JSON_LIST_BEGIN : JSON_MAP_BEGIN;
		if (error_code error = give(state, token))
			return error;
		if (is_list) {
			ondemand::array list;
			error_code error = at.get_array().get(list);
			return error ? error : walk_list(state, list);
		}
		ondemand::object map;
		error_code error = at.get_object().get(map);
		return error ? error : walk_map(state, map);
	}
	if (error_code error = take_scalar(at, type, token))
		return error;
	return give(state, token);
}

error_code walk_text(walk &state, ondemand::parser &parser, const padded_string &text)
{
	ondemand::document document;
	if (error_code error = parser.iterate(text).get(document))
		return error;
	if (error_code error = walk_value(state, document))
		return error;
	/* Past the last token there is no location: anything else is trailing content. */
	error_code place = document.current_location().error();
	return place == OUT_OF_BOUNDS ? SUCCESS : TRAILING_CONTENT;
}

/* As the only item of a list: see json_simdjson.h. */
error_code walk_bare(walk &state, ondemand::parser &parser, const padded_string &text)
{
	ondemand::document document;
	ondemand::array list;
	if (error_code error = parser.iterate(text).get(document))
		return error;
	if (error_code error = document.get_array().get(list))
		return error;
	for (auto item : list) {
		ondemand::value value;
		if (error_code error = item.get(value))
			return error;
		if (error_code error = walk_value(state, value))
			return error;
	}
	return SUCCESS;
}

enum json_walk_result result_of(const walk &state, error_code error)
{
	if (state.stopped)
		return JSON_STOPPED;
	if (error == MEMALLOC)
		return JSON_FAILED;
	return error ? JSON_REFUSED : JSON_WALKED;
}

} // namespace

enum json_walk_result json_walk(const char *text, size_t length, bool bare, json_token_fn *take,
				void *context)
{
	try {
		ondemand::parser parser;
		if (bare) {
			padded_string padded("[" + std::string(text, length) + "]");
			walk state = { padded.data() + 1, take, context, false };
			return result_of(state, walk_bare(state, parser, padded));
		}
		padded_string padded(text, length);
		walk state = { padded.data(), take, context, false };
		return result_of(state, walk_text(state, parser, padded));
	} catch (...) {
		return JSON_FAILED;
	}
}
