/* chunk_read.c: reads chunks from words that may hold anything; see chunk.h. */
#include <assert.h>

#include "metrics/chunk_priv.h"

struct reader {
	const uint64_t *words;
	size_t at, end; /* bits */
	bool bad;       /* something was read past the end: all that follows is zero */
};

/* The next 64 bits without taking them; zeros past the end. */
static uint64_t peek(const struct reader *reader)
{
	size_t word = reader->at / 64, shift = reader->at % 64, words = (reader->end + 63) / 64;
	uint64_t bits = word < words ? reader->words[word] >> shift : 0;
	if (shift > 0 && word + 1 < words)
		bits |= reader->words[word + 1] << (64 - shift);
	return bits;
}

static void skip(struct reader *reader, unsigned count)
{
	if (reader->end - reader->at < count) {
		reader->bad = true;
		reader->at = reader->end;
	} else {
		reader->at += count;
	}
}

static uint64_t get(struct reader *reader, unsigned count)
{
	if (count == 0)
		return 0;
	uint64_t bits = peek(reader);
	skip(reader, count);
	if (reader->bad)
		return 0;
	return count == 64 ? bits : bits & ((UINT64_C(1) << count) - 1);
}

/* False: the times do not rise, or leave what the writer keeps to. */
static bool read_time(struct reader *reader, struct chunk *state, bool *ret_same)
{
	uint64_t bits = peek(reader);
	int64_t change = 0;
	*ret_same = false;
	if ((bits & 1) == 0) {
		skip(reader, 1);
		*ret_same = true;
	} else if ((bits & 2) == 0) {
		skip(reader, 2);
	} else {
		unsigned size = (bits & 4) == 0 ? 12 : 32;
		skip(reader, 3);
		change = chunk_unzigzag(get(reader, size));
	}
	int64_t step = state->step_ms + change;
	if (step <= 0 || step > INT32_MAX || __builtin_add_overflow(state->time_ms, step, &state->time_ms))
		return false;
	state->step_ms = (int32_t)step;
	return true;
}

static uint64_t decimal_bits(const struct chunk *state)
{
	return chunk_bits_of((double)(int64_t)state->value / chunk_power(state->exponent));
}

bool chunk_last_value(const struct chunk *chunk, uint64_t *ret_value)
{
	assert(chunk->count > 0);
	if (!chunk->xor_mode && chunk->special)
		return false;
	*ret_value = chunk->xor_mode ? chunk->value : decimal_bits(chunk);
	return true;
}

static bool read_far(struct chunk *state, uint64_t far, bool escaped, uint64_t *ret_value)
{
	int64_t q;
	if (__builtin_add_overflow((int64_t)state->value, chunk_unzigzag(far), &q) ||
	    (double)q >= CHUNK_DECIMAL_MAX || (double)q <= -CHUNK_DECIMAL_MAX)
		return false;
	chunk_learn(state, far, escaped);
	state->value = (uint64_t)q;
	state->special = false;
	*ret_value = decimal_bits(state);
	return true;
}

static bool read_escaped(struct reader *reader, struct chunk *state, uint64_t *ret_value)
{
	unsigned code = (unsigned)get(reader, 2);
	if (code == CHUNK_ESCAPE_FAR)
		return read_far(state, get(reader, 64), true, ret_value);
	*ret_value = code == CHUNK_ESCAPE_STALE ? CHUNK_STALE_BITS
	           : code == CHUNK_ESCAPE_NAN   ? CHUNK_NAN_BITS : get(reader, 64);
	state->special = true;
	state->lead += chunk_is_finite(*ret_value) && state->lead < UINT8_MAX;
	return true;
}

static bool read_decimal(struct reader *reader, struct chunk *state, uint64_t *ret_value)
{
	uint64_t not_ones = ~peek(reader);
	unsigned ones = not_ones == 0 ? 64 : (unsigned)__builtin_ctzll(not_ones);
	if (ones >= CHUNK_ESCAPE_ONES) {
		skip(reader, CHUNK_ESCAPE_ONES);
		return read_escaped(reader, state, ret_value);
	}
	skip(reader, ones + 1);
	unsigned low = chunk_rice(state->mean);
	return read_far(state, (uint64_t)ones << low | get(reader, low), false, ret_value);
}

/* The usual sample in one look: the distance as before, and a difference in a Rice code; 63 bits at most. False: it is
 * another one, or damaged, and nothing was taken. */
static bool read_usual(struct reader *reader, struct chunk *state, uint64_t *ret_value)
{
	uint64_t bits = peek(reader);
	unsigned ones = (unsigned)__builtin_ctzll(~(bits >> 2)), low = chunk_rice(state->mean), size = 2 + ones + 1 + low;
	int64_t time_ms;
	if ((bits & 3) != 1 || ones >= CHUNK_ESCAPE_ONES || reader->end - reader->at < size || state->step_ms <= 0 ||
	    __builtin_add_overflow(state->time_ms, (int64_t)state->step_ms, &time_ms))
		return false;
	uint64_t far = (uint64_t)ones << low | (bits >> (3 + ones) & ((UINT64_C(1) << low) - 1));
	if (!read_far(state, far, false, ret_value))
		return false;
	state->time_ms = time_ms;
	reader->at += size;
	return true;
}

static bool read_xor(struct reader *reader, struct chunk *state, uint64_t *ret_value)
{
	if (get(reader, 1) != 0) {
		if (get(reader, 1) != 0) {
			state->lead = (uint8_t)get(reader, 6);
			state->size = (uint8_t)(get(reader, 6) + 1);
		}
		if (state->size == 0 || state->lead + state->size > 64)
			return false;
		state->value ^= get(reader, state->size) << (64 - state->lead - state->size);
	}
	*ret_value = state->value;
	return true;
}

static bool read_first(struct reader *reader, struct chunk *state, uint64_t *ret_value)
{
	int64_t time_ms = (int64_t)get(reader, 64);
	*ret_value = get(reader, 64);
	unsigned mode = (unsigned)get(reader, 8);
	state->xor_mode = mode >> 7 != 0;
	state->exponent = mode & 0x7f;
	if (state->exponent > CHUNK_EXPONENT_MAX)
		return false;
	chunk_start_state(state, time_ms, *ret_value);
	return !reader->bad;
}

bool chunk_read(const uint64_t *words, size_t bits, size_t count, int64_t *ret_times, uint64_t *ret_values,
		struct chunk *ret_end)
{
	struct reader reader = { words, 0, bits, false };
	struct chunk state = { 0 };
	if (count == 0 || count > CHUNK_SAMPLES_MAX || bits > CHUNK_WORDS_MAX * 64 ||
	    !read_first(&reader, &state, &ret_values[0]))
		return false;
	ret_times[0] = state.time_ms;
	for (size_t i = 1; i < count; i++) {
		bool same;
		if (!state.xor_mode && read_usual(&reader, &state, &ret_values[i])) {
			ret_times[i] = state.time_ms;
			state.count++;
			continue;
		}
		if (!read_time(&reader, &state, &same))
			return false;
		if (same) {
			ret_values[i] = state.xor_mode ? state.value : decimal_bits(&state);
			state.special = state.xor_mode && state.special;
		} else if (state.xor_mode ? !read_xor(&reader, &state, &ret_values[i])
		                          : !read_decimal(&reader, &state, &ret_values[i])) {
			return false;
		}
		if (reader.bad)
			return false;
		ret_times[i] = state.time_ms;
		state.count++;
	}
	if (reader.at != bits) /* a chunk ends with its last sample */
		return false;
	state.words = (uint16_t)(bits / 64);
	state.pending = (uint8_t)(bits % 64);
	state.bits = state.pending == 0 ? 0 : words[bits / 64] & ((UINT64_C(1) << state.pending) - 1);
	if (ret_end != NULL)
		*ret_end = state;
	return true;
}
