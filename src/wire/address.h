/*
 * address.h: IP addresses as values: read, written, matched, classified. Pure.
 *
 * An address that carries another one inside (IPv4-mapped and -compatible, NAT64, 6to4, Teredo) is
 * classified by what is inside as well, because a kernel or a gateway will unwrap it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

struct address {
	bool v6;
	uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

struct address_range {
	struct address base;
	uint8_t bits; /* 0..32 or 0..128 */
};

/* Worst last: of an address and what it carries the larger one counts. */
enum address_class {
	ADDRESS_PUBLIC,
	ADDRESS_PRIVATE,     /* RFC 1918, RFC 6598 shared, fc00::/7, benchmarking and documentation */
	ADDRESS_LOOPBACK,
	ADDRESS_LINK_LOCAL,  /* 169.254.0.0/16, fe80::/10 */
	ADDRESS_METADATA,    /* where clouds hand out credentials */
	ADDRESS_MULTICAST,
	ADDRESS_RESERVED,    /* unspecified, broadcast, 0.0.0.0/8, 240.0.0.0/4 */
};

#define ADDRESS_TEXT_BYTES 48
void address_format(const struct address *address, char ret_text[ADDRESS_TEXT_BYTES]);
bool address_parse(struct str text, struct address *ret_address); /* no brackets, no zone, no port */
bool address_range_parse(struct str text, struct address_range *ret_range); /* "10.0.0.0/8", "::1" */

/* The families must agree: unwrap first. */
bool address_in(const struct address *address, const struct address_range *range);

enum address_class address_classify(const struct address *address);
const char *address_class_name(enum address_class kind);

/* The IPv4 address carried by an IPv6 one, if any. */
bool address_unwrap(const struct address *address, struct address *ret_inner);

bool address_of_sockaddr(const struct sockaddr *socket, struct address *ret_address);
socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *ret_socket);
bool address_eq(const struct address *a, const struct address *b);
