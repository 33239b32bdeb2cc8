/*
 * proxy.h: by which HTTP proxy a URL is asked. Decides as golang.org/x/net/http/httpproxy does, so that no_proxy means here what
 * it means to others. Pure.
 *
 * Only proxies that are spoken to in plain HTTP: `https` and `socks5` are refused by their name. What lies behind a proxy is
 * resolved by the proxy: see docs/security.md.
 */
#pragma once

#include "base/err.h"
#include "wire/egress.h"

#define PROXY_SECRET_BYTES 256

struct proxy {
	char host[EGRESS_HOST_BYTES]; /* without brackets; empty: none */
	uint16_t port;
	char user[PROXY_SECRET_BYTES], password[PROXY_SECRET_BYTES]; /* decoded; empty: none */
};

/* "http://user:password@host:3128", or without the scheme. The policy is asked about an address. No error quotes it. */
enum err proxy_read(const struct egress_policy *policy, struct str url, struct proxy *ret_proxy, struct error *err);

/*
 * True: straight. "localhost" and loopback addresses always; then what a list like
 * "example.org, .example.org, *.example.org:8443, 10.0.0.0/8, 10.1.2.3:80, *" says.
 */
bool proxy_is_spared(struct str no_proxy, const char *host, uint16_t port);
