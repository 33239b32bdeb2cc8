/* address.c: see address.h. The table of special ranges follows the IANA special-purpose registries. */
#include "wire/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define TEXT_MAX 64

struct special {
	const char *range;
	enum address_class kind;
};

static const struct special specials[] = {
	{ "0.0.0.0/8", ADDRESS_RESERVED },
	{ "10.0.0.0/8", ADDRESS_PRIVATE },
	{ "100.64.0.0/10", ADDRESS_PRIVATE },
	{ "100.100.100.200/32", ADDRESS_METADATA },
	{ "127.0.0.0/8", ADDRESS_LOOPBACK },
	{ "168.63.129.16/32", ADDRESS_METADATA },
	{ "169.254.0.0/16", ADDRESS_LINK_LOCAL },
	{ "169.254.169.254/32", ADDRESS_METADATA },
	{ "169.254.170.2/32", ADDRESS_METADATA },
	{ "172.16.0.0/12", ADDRESS_PRIVATE },
	{ "192.0.0.0/24", ADDRESS_PRIVATE },
	{ "192.0.0.192/32", ADDRESS_METADATA },
	{ "192.0.2.0/24", ADDRESS_PRIVATE },
	{ "192.168.0.0/16", ADDRESS_PRIVATE },
	{ "198.18.0.0/15", ADDRESS_PRIVATE },
	{ "198.51.100.0/24", ADDRESS_PRIVATE },
	{ "203.0.113.0/24", ADDRESS_PRIVATE },
	{ "224.0.0.0/4", ADDRESS_MULTICAST },
	{ "240.0.0.0/4", ADDRESS_RESERVED },
	{ "::/128", ADDRESS_RESERVED },
	{ "::1/128", ADDRESS_LOOPBACK },
	{ "100::/64", ADDRESS_RESERVED },
	{ "2001:db8::/32", ADDRESS_PRIVATE },
	{ "fc00::/7", ADDRESS_PRIVATE },
	{ "fd00:ec2::254/128", ADDRESS_METADATA },
	{ "fe80::/10", ADDRESS_LINK_LOCAL },
	{ "fec0::/10", ADDRESS_PRIVATE },
	{ "ff00::/8", ADDRESS_MULTICAST },
};

void address_format(const struct address *address, char ret_text[ADDRESS_TEXT_BYTES])
{
	const char *text = inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, ret_text,
	                             ADDRESS_TEXT_BYTES);
	assert(text != NULL);
}

bool address_parse(struct str text, struct address *ret_address)
{
	char copy[TEXT_MAX];
	if (text.len == 0 || text.len >= sizeof copy || str_has(text, '\0'))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	struct address address = { .v6 = strchr(copy, ':') != NULL };
	if (inet_pton(address.v6 ? AF_INET6 : AF_INET, copy, address.bytes) != 1)
		return false;
	*ret_address = address;
	return true;
}

bool address_range_parse(struct str text, struct address_range *ret_range)
{
	struct str base, bits;
	struct address_range range;
	bool slash = str_cut(text, '/', &base, &bits);
	if (!address_parse(base, &range.base))
		return false;
	int64_t most = range.base.v6 ? 128 : 32, count = most;
	if (slash && !str_int(bits, 0, most, &count))
		return false;
	range.bits = (uint8_t)count;
	*ret_range = range;
	return true;
}

bool address_in(const struct address *address, const struct address_range *range)
{
	if (address->v6 != range->base.v6)
		return false;
	unsigned whole = range->bits / 8, rest = range->bits % 8;
	if (memcmp(address->bytes, range->base.bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	uint8_t mask = (uint8_t)(0xFF << (8 - rest));
	return (address->bytes[whole] & mask) == (range->base.bytes[whole] & mask);
}

bool address_eq(const struct address *a, const struct address *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

static void take_inner(const uint8_t *from, uint8_t flip, struct address *ret_inner)
{
	struct address inner = { .v6 = false };
	for (int i = 0; i < 4; i++)
		inner.bytes[i] = from[i] ^ flip;
	*ret_inner = inner;
}

bool address_unwrap(const struct address *address, struct address *ret_inner)
{
	static const uint8_t zero[12], mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xFF, 0x9B };
	static const uint8_t translated[12] = { [8] = 0xFF, [9] = 0xFF }; /* ::ffff:0:a.b.c.d, SIIT */
	const uint8_t *bytes = address->bytes;
	if (!address->v6)
		return false;
	if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0 ||
	    memcmp(bytes, translated, 12) == 0) {
		take_inner(bytes + 12, 0, ret_inner);
		return true;
	}
	/* ::0 and ::1 are addresses of their own, not carried ones. */
	if (memcmp(bytes, zero, 12) == 0 && (bytes[12] | bytes[13] | bytes[14]) != 0) {
		take_inner(bytes + 12, 0, ret_inner);
		return true;
	}
	if (bytes[0] == 0x20 && bytes[1] == 0x02) { /* 6to4 */
		take_inner(bytes + 2, 0, ret_inner);
		return true;
	}
	if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0) { /* Teredo */
		take_inner(bytes + 12, 0xFF, ret_inner);
		return true;
	}
	return false;
}

static enum address_class classify_outside(const struct address *address)
{
	enum address_class found = ADDRESS_PUBLIC;
	unsigned longest = 0;
	for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
		struct address_range range;
		bool parsed = address_range_parse(str_of(specials[i].range), &range);
		assert(parsed);
		if (address_in(address, &range) && range.bits + 1u > longest) {
			longest = range.bits + 1u;
			found = specials[i].kind;
		}
	}
	return found;
}

enum address_class address_classify(const struct address *address)
{
	enum address_class outside = classify_outside(address);
	struct address inner;
	if (!address_unwrap(address, &inner))
		return outside;
	enum address_class inside = classify_outside(&inner);
	return inside > outside ? inside : outside;
}

const char *address_class_name(enum address_class kind)
{
	static const char *const names[] = { "public", "private", "loopback", "link-local",
	                                     "cloud metadata", "multicast", "reserved" };
	assert((size_t)kind < sizeof names / sizeof names[0]);
	return names[kind];
}

bool address_of_sockaddr(const struct sockaddr *socket, struct address *ret_address)
{
	struct address address = { .v6 = socket->sa_family == AF_INET6 };
	if (socket->sa_family == AF_INET)
		memcpy(address.bytes, &((const struct sockaddr_in *)(const void *)socket)->sin_addr, 4);
	else if (socket->sa_family == AF_INET6)
		memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, 16);
	else
		return false;
	*ret_address = address;
	return true;
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
                              struct sockaddr_storage *ret_socket)
{
	memset(ret_socket, 0, sizeof *ret_socket);
	if (address->v6) {
		struct sockaddr_in6 *to = (struct sockaddr_in6 *)ret_socket;
		to->sin6_family = AF_INET6;
		to->sin6_port = htons(port);
		memcpy(&to->sin6_addr, address->bytes, 16);
		return sizeof *to;
	}
	struct sockaddr_in *to = (struct sockaddr_in *)ret_socket;
	to->sin_family = AF_INET;
	to->sin_port = htons(port);
	memcpy(&to->sin_addr, address->bytes, 4);
	return sizeof *to;
}
