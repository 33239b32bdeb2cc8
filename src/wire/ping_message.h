/*
 * ping_message.h: ICMP echo (RFC 792, RFC 4443) as bytes. Pure.
 *
 * Anybody can send us an echo reply. So each request carries 16 random bytes, and a reply counts only with
 * the same bytes, from the address that was asked: a number to guess is no proof.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PING_TOKEN_BYTES 16
#define PING_MESSAGE_BYTES (8 + PING_TOKEN_BYTES + 32) /* the rest is padding, as ping sends */

struct ping_echo {
	uint16_t id, seq;
	uint8_t token[PING_TOKEN_BYTES];
};

/* A request; with its checksum for IPv4 (for IPv6 the kernel makes it). */
void ping_message_write(const struct ping_echo *echo, bool v6, uint8_t ret_bytes[PING_MESSAGE_BYTES]);

/* An echo reply with a token. `headed`: the IPv4 header stands before it, as raw sockets give it. */
bool ping_message_read(const uint8_t *bytes, size_t size, bool v6, bool headed,
                       struct ping_echo *ret_echo);
