/* node_seal.c: see node_seal.h. */
#include "main/node_seal.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define MAC_BYTES crypto_auth_hmacsha256_BYTES
#define WORDS 6u

static const struct str answer_word = STR("answer"); /* no method is written so */
static const char label[] = "mainstay: between nodes 1";

void node_seal_key(const struct note_signer *signer, unsigned char ret_key[NODE_SEAL_KEY_BYTES])
{
	_Static_assert(NODE_SEAL_KEY_BYTES == MAC_BYTES, "the key is an HMAC-SHA-256 of the label");
	_Static_assert(NOTE_SEED_BYTES == crypto_auth_hmacsha256_KEYBYTES, "the seed is the key of that");
	crypto_auth_hmacsha256(ret_key, (const unsigned char *)label, sizeof label - 1, signer->seed);
}

static void feed(crypto_auth_hmacsha256_state *state, struct str text)
{
	crypto_auth_hmacsha256_update(state, (const unsigned char *)text.ptr, text.len);
	crypto_auth_hmacsha256_update(state, (const unsigned char *)"\n", 1);
}

/* None of the first three can hold a line feed, so two requests never read the same. */
static void mac_of(const unsigned char key[NODE_SEAL_KEY_BYTES], struct str words, struct str method, struct str target,
		   struct str body, unsigned char ret_mac[MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, key, NODE_SEAL_KEY_BYTES);
	feed(&state, words);
	feed(&state, method);
	feed(&state, target);
	feed(&state, body);
	crypto_auth_hmacsha256_final(&state, ret_mac);
}

void node_seal_make(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct node_seal *seal, struct str method,
		    struct str target, struct str body, char ret_text[NODE_SEAL_BYTES])
{
	unsigned char mac[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	int length = snprintf(ret_text, NODE_SEAL_BYTES, "%s %lld %s %d %d", seal->from, (long long)seal->at,
			      seal->peer[0] != '\0' ? seal->peer : "-", seal->local, seal->tls);
	assert(length > 0);
	assert((size_t)length + sizeof hex + 1 < NODE_SEAL_BYTES);
	mac_of(key, str_of(ret_text), method, target, body, mac);
	sodium_bin2hex(hex, sizeof hex, mac, sizeof mac);
	snprintf(ret_text + length, NODE_SEAL_BYTES - (size_t)length, " %s", hex);
}

static bool split(struct str text, struct str words[WORDS])
{
	struct str rest = text;
	for (size_t i = 0; i + 1 < WORDS; i++) {
		struct str next;
		if (!str_cut(rest, ' ', &words[i], &next) || words[i].len == 0)
			return false;
		rest = next;
	}
	words[WORDS - 1] = rest;
	return true;
}

static bool read_words(struct str words[WORDS], struct node_seal *ret_seal)
{
	struct node_seal seal = { .local = str_is(words[3], "1"), .tls = str_is(words[4], "1") };
	int64_t at;
	if (words[0].len >= sizeof seal.from || words[2].len >= sizeof seal.peer || !str_int(words[1], 0, INT64_MAX, &at))
		return false;
	snprintf(seal.from, sizeof seal.from, STR_FMT, STR_ARG(words[0]));
	snprintf(seal.peer, sizeof seal.peer, STR_FMT, STR_ARG(words[2]));
	seal.at = at;
	*ret_seal = seal;
	return true;
}

void node_seal_answer(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct node_seal *seal, struct str asked,
		      struct str body, char ret_text[NODE_SEAL_BYTES])
{
	node_seal_make(key, seal, answer_word, asked, body, ret_text);
}

bool node_seal_answers(const unsigned char key[NODE_SEAL_KEY_BYTES], struct str text, struct str asked, struct str body,
		       time_us now)
{
	struct http_field field = { STR(NODE_SEAL_FIELD), text };
	struct http_request as_request = { .method = answer_word, .target = asked, .body = body, .headers = &field,
					   .header_count = 1 };
	struct node_seal seal;
	return node_seal_read(key, &as_request, now, &seal) == NODE_SEAL_GOOD;
}

enum node_seal_found node_seal_read(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct http_request *request,
				    time_us now, struct node_seal *ret_seal)
{
	struct str text, words[WORDS];
	struct node_seal seal;
	unsigned char mac[MAC_BYTES], given[MAC_BYTES];
	size_t length;
	if (!http_request_header(request, NODE_SEAL_FIELD, &text))
		return NODE_SEAL_NONE;
	if (text.len >= NODE_SEAL_BYTES || !split(text, words) || !read_words(words, &seal))
		return NODE_SEAL_BAD;
	if (sodium_hex2bin(given, sizeof given, words[5].ptr, words[5].len, NULL, &length, NULL) != 0 ||
	    length != sizeof given)
		return NODE_SEAL_BAD;
	struct str before = { text.ptr, (size_t)(words[5].ptr - text.ptr) - 1 };
	mac_of(key, before, request->method, request->target, request->body, mac);
	if (sodium_memcmp(mac, given, sizeof mac) != 0)
		return NODE_SEAL_BAD;
	if (seal.at > now + NODE_SEAL_AGE_MAX || seal.at < now - NODE_SEAL_AGE_MAX)
		return NODE_SEAL_BAD;
	*ret_seal = seal;
	return NODE_SEAL_GOOD;
}
