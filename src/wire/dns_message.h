/*
 * dns_message.h: a DNS question as bytes, and an answer as texts (RFC 1035, 2782, 3596, 6891, 8659). Pure.
 *
 * Answers are texts as people write them in zone files: "192.0.2.1", "10 mail.example.org". Of what an
 * answer holds only records of the asked type count, wherever a chain of CNAMEs led.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define DNS_ANSWERS_MAX 64
#define DNS_ANSWER_BYTES 512    /* what is longer is cut */
#define DNS_QUERY_BYTES_MAX 320
#define DNS_UDP_BYTES_MAX 1232  /* what we say we take; no fragments on the way */

enum dns_type {
	DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
	DNS_AAAA = 28, DNS_SRV = 33, DNS_CAA = 257
};

/* "A", "AAAA" ...; 0: not known. The other way: NULL. */
uint16_t dns_type_find(struct str name);
const char *dns_type_name(uint16_t type);
const char *dns_code_name(unsigned code); /* "NXDOMAIN"; "?" for those without a name */

struct dns_answer {
	unsigned code;   /* 0: NOERROR, 3: NXDOMAIN ... */
	bool cut;        /* ask again over TCP */
	unsigned count;
	bool more;       /* there are others than these */
	uint32_t ttl_least; /* of the answers; 0 when there is none */
	char texts[DNS_ANSWERS_MAX][DNS_ANSWER_BYTES];
};

/* ERR_INVALID: the name is no name. Names are "example.org" or "example.org.". */
enum err dns_query_write(struct str name, uint16_t type, uint16_t id,
                         uint8_t ret_bytes[DNS_QUERY_BYTES_MAX], size_t *ret_size, struct error *err);

/* An answer to exactly this question (its id, name and type): ERR_NOT_FOUND when it is another's, which
 * is to be ignored, ERR_CORRUPT when it is ours and broken. */
enum err dns_answer_read(const uint8_t *bytes, size_t size, const uint8_t *query, size_t query_size,
                         struct dns_answer *ret_answer, struct error *err);
