/*
 * alert_post.cc: see alert_post.h.
 *
 * Everything is visited, also what is not used: on-demand checks only what is visited.
 */
#include "wire/alert_post.h"

#include <cstdio>
#include <simdjson.h>

using namespace simdjson;

struct alert_post_reader {
	ondemand::parser parser;
};

namespace {

constexpr unsigned DEPTH_MAX = 16; /* of what is passed over */

struct reading {
	alert_pair labels[ALERT_POST_PAIRS_MAX], annotations[ALERT_POST_PAIRS_MAX];
	unsigned number; /* of the alert */
	const char *field;
	const char *why;
	bool stopped;
};

struct str str_from(std::string_view view)
{
	return { view.data(), view.size() };
}

/* A text without the character NUL, which nothing of the record can hold. */
error_code text_of(simdjson_result<std::string_view> from, std::string_view *ret_text)
{
	if (error_code error = std::move(from).get(*ret_text))
		return error;
	return ret_text->find('\0') == std::string_view::npos ? SUCCESS : STRING_ERROR;
}

error_code pass_over(ondemand::value value, unsigned depth);

error_code pass_list(ondemand::array list, unsigned depth)
{
	for (auto item : list) {
		ondemand::value value;
		if (error_code error = item.get(value))
			return error;
		if (error_code error = pass_over(value, depth))
			return error;
	}
	return SUCCESS;
}

error_code pass_map(ondemand::object map, unsigned depth)
{
	for (auto item : map) {
		ondemand::field field;
		std::string_view key;
		if (error_code error = std::move(item).get(field))
			return error;
		if (error_code error = text_of(field.unescaped_key(), &key))
			return error;
		if (error_code error = pass_over(field.value(), depth))
			return error;
	}
	return SUCCESS;
}

error_code pass_scalar(ondemand::value value, ondemand::json_type type)
{
	std::string_view text;
	bool truth;
	ondemand::number number;
	switch (type) {
	case ondemand::json_type::string:
		return text_of(value.get_string(), &text);
	case ondemand::json_type::number:
		if (error_code error = value.get_number().get(number))
			return error;
		return number.is_uint64() ? NUMBER_OUT_OF_RANGE : SUCCESS; /* 64 bits, signed, as everywhere else */
	case ondemand::json_type::boolean:
		return value.get_bool().get(truth);
	default:
		if (error_code error = simdjson_result<bool>(value.is_null()).get(truth))
			return error;
		return truth ? SUCCESS : N_ATOM_ERROR;
	}
}

error_code pass_over(ondemand::value value, unsigned depth)
{
	ondemand::json_type type;
	if (error_code error = value.type().get(type))
		return error;
	if (depth == DEPTH_MAX)
		return DEPTH_ERROR;
	if (type == ondemand::json_type::array) {
		ondemand::array list;
		error_code error = value.get_array().get(list);
		return error ? error : pass_list(list, depth + 1);
	}
	if (type == ondemand::json_type::object) {
		ondemand::object map;
		error_code error = value.get_object().get(map);
		return error ? error : pass_map(map, depth + 1);
	}
	return pass_scalar(value, type);
}

/* Null counts as absent; ret_there says which. */
error_code is_there(ondemand::value &value, bool *ret_there)
{
	ondemand::json_type type;
	bool null = false;
	if (error_code error = value.type().get(type))
		return error;
	*ret_there = true;
	if (type != ondemand::json_type::null)
		return SUCCESS;
	if (error_code error = simdjson_result<bool>(value.is_null()).get(null))
		return error;
	*ret_there = false;
	return null ? SUCCESS : N_ATOM_ERROR;
}

error_code read_text(ondemand::value value, struct str *ret_text)
{
	bool there;
	std::string_view text;
	if (error_code error = is_there(value, &there); error || !there)
		return error;
	if (error_code error = text_of(value.get_string(), &text))
		return error;
	*ret_text = str_from(text);
	return SUCCESS;
}

error_code read_pairs(ondemand::value value, alert_pair *pairs, size_t *ret_count, bool *ret_there,
		      bool *crowded)
{
	ondemand::object map;
	*ret_count = 0;
	if (error_code error = is_there(value, ret_there); error || !*ret_there)
		return error;
	if (error_code error = value.get_object().get(map))
		return error;
	for (auto item : map) {
		ondemand::field field;
		std::string_view key, text;
		if (error_code error = std::move(item).get(field))
			return error;
		if (error_code error = text_of(field.unescaped_key(), &key))
			return error;
		if (error_code error = text_of(field.value().get_string(), &text))
			return error;
		if (*ret_count == ALERT_POST_PAIRS_MAX)
			*crowded = true;
		else
			pairs[(*ret_count)++] = { str_from(key), str_from(text) };
	}
	return SUCCESS;
}

error_code read_field(reading &state, alert_posted &alert, std::string_view key,
		      ondemand::value value)
{
	bool there;
	if (key == "labels") {
		state.field = "labels";
		return read_pairs(value, state.labels, &alert.label_count, &alert.labelled,
				  &alert.crowded);
	}
	if (key == "annotations") {
		state.field = "annotations";
		return read_pairs(value, state.annotations, &alert.annotation_count, &there,
				  &alert.crowded);
	}
	if (key == "startsAt") {
		state.field = "startsAt";
		return read_text(value, &alert.starts);
	}
	if (key == "endsAt") {
		state.field = "endsAt";
		return read_text(value, &alert.ends);
	}
	if (key == "generatorURL") {
		state.field = "generatorURL";
		return read_text(value, &alert.generator);
	}
	state.field = nullptr;
	return pass_over(value, 0);
}

error_code read_alert(reading &state, ondemand::value value, alert_posted &alert)
{
	ondemand::object map;
	if (error_code error = value.get_object().get(map))
		return error;
	for (auto item : map) {
		ondemand::field field;
		std::string_view key;
		if (error_code error = std::move(item).get(field))
			return error;
		if (error_code error = text_of(field.unescaped_key(), &key))
			return error;
		if (error_code error = read_field(state, alert, key, field.value()))
			return error;
	}
	state.field = nullptr;
	return SUCCESS;
}

error_code read_all(reading &state, ondemand::parser &parser, struct str body,
		    alert_posted_fn *take, void *context)
{
	ondemand::document document;
	ondemand::array list;
	padded_string_view view(body.ptr, body.len, body.len + ALERT_POST_PADDING_BYTES);
	if (error_code error = parser.iterate(view).get(document))
		return error;
	if (error_code error = document.get_array().get(list)) {
		state.why = "the body is not a list of alerts";
		return error;
	}
	for (auto item : list) {
		ondemand::value value;
		alert_posted alert = {};
		alert.labels = state.labels;
		alert.annotations = state.annotations;
		if (error_code error = item.get(value))
			return error;
		if (error_code error = read_alert(state, value, alert))
			return error;
		if (!take(context, &alert)) {
			state.stopped = true;
			return SUCCESS;
		}
		state.number++;
	}
	/* Past the last token there is no location: anything else is trailing content. */
	return document.current_location().error() == OUT_OF_BOUNDS ? SUCCESS : TRAILING_CONTENT;
}

} // namespace

struct alert_post_reader *alert_post_reader_create(void)
{
	return new (std::nothrow) alert_post_reader;
}

void alert_post_reader_destroy(struct alert_post_reader **reader)
{
	delete *reader;
	*reader = nullptr;
}

bool alert_post_read(struct alert_post_reader *reader, struct str body, alert_posted_fn *take,
		     void *context, char *ret_why)
{
	reading state;
	state.number = 0;
	state.field = state.why = nullptr;
	state.stopped = false;
	error_code error = MEMALLOC;
	try {
		error = read_all(state, reader->parser, body, take, context);
	} catch (...) {
	}
	if (error == SUCCESS)
		return !state.stopped;
	if (state.why != nullptr)
		snprintf(ret_why, ALERT_POST_WHY_BYTES, "%s", state.why);
	else if (state.field != nullptr)
		snprintf(ret_why, ALERT_POST_WHY_BYTES, "%s of alert %u is not what is taken there: %.80s",
			 state.field, state.number, error_message(error));
	else
		snprintf(ret_why, ALERT_POST_WHY_BYTES, "the body is not JSON: %.100s",
			 error_message(error));
	return false;
}
