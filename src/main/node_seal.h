/*
 * node_seal.h: how servers on one database know each other's requests.
 *
 *     Mainstay-Node: FROM AT PEER LOCAL TLS MAC
 *
 * A request that one server sends to another carries this header: who sends it, when, and for whom (the
 * address its own client came from, whether that was on its machine, whether by TLS). The MAC is over all
 * of it and over method, target and body, by a key that follows from `journal.key`, which all servers on a
 * database share and nobody else has: not who can read the database, nor who can reach the port.
 *
 * A result of a look is sealed, too, as the answer to that very request: what stands at an old address, or
 * between, cannot say that all is well.
 *
 * What it gives: the one that leads believes the address. Who the person is stands in their own cookie or
 * token, which is passed on untouched and gives what it gives anywhere.
 */
#pragma once

#include "base/buf.h"
#include "journal/checkpoint.h"
#include "store/store.h"
#include "wire/http_server.h"

#define NODE_SEAL_FIELD "Mainstay-Node"
#define NODE_SEAL_BYTES 300u
#define NODE_SEAL_KEY_BYTES 32u
#define NODE_SEAL_AGE_MAX (5 * TIME_MINUTE) /* clocks of servers may differ by that */

struct node_seal {
	char from[STORE_NODE_BYTES];
	char peer[HTTP_ADDRESS_BYTES];
	bool local, tls;
	time_us at;
};

void node_seal_key(const struct note_signer *signer, unsigned char ret_key[NODE_SEAL_KEY_BYTES]);

/* The value of the header, for a request with these. */
void node_seal_make(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct node_seal *seal, struct str method,
		    struct str target, struct str body, char ret_text[NODE_SEAL_BYTES]);

/* The same for the answer to a sealed request: it is bound to `asked`, the seal of that. */
void node_seal_answer(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct node_seal *seal, struct str asked,
		      struct str body, char ret_text[NODE_SEAL_BYTES]);
bool node_seal_answers(const unsigned char key[NODE_SEAL_KEY_BYTES], struct str text, struct str asked, struct str body,
		       time_us now);

/* NONE: the request carries no seal. BAD: it does, and another key, another time or another request. */
enum node_seal_found { NODE_SEAL_NONE, NODE_SEAL_GOOD, NODE_SEAL_BAD };
enum node_seal_found node_seal_read(const unsigned char key[NODE_SEAL_KEY_BYTES], const struct http_request *request,
				    time_us now, struct node_seal *ret_seal);
