/*
 * test_http_client.h: a client that sends exactly the bytes it is told, for the tests of the HTTP
 * server. For test files only.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "wire/http_server.h"

#define CLIENT_WAIT_MS 5000

struct client_reply {
	int status; /* 0: none came */
	bool closed; /* the server closed afterwards */
	struct str head, body;
	size_t used;
	char bytes[64 * 1024];
};

__attribute__((unused)) static int64_t client_now_ms(void)
{
	struct clock clock;
	clock_system(&clock);
	return clock_since_boot(&clock) / TIME_MS;
}

__attribute__((unused)) static int client_connect(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	return fd;
}

/* False when the server hung up meanwhile. */
__attribute__((unused)) static bool client_send(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;
	while (size > 0) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

__attribute__((unused)) static bool client_says(int fd, const char *text)
{
	return client_send(fd, text, strlen(text));
}

/* -1 nothing in time, 0 closed, else bytes. */
__attribute__((unused)) static ssize_t client_read(int fd, void *out, size_t size, int wait_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int ready = poll(&poll_fd, 1, wait_ms);
	if (ready <= 0)
		return -1;
	ssize_t got = recv(fd, out, size, 0);
	return got < 0 ? 0 : got;
}

__attribute__((unused)) static bool client_header(const struct client_reply *reply,
						  const char *name, struct str *ret_value)
{
	struct str rest = reply->head, line, key, value;
	while (rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_cut(line, ':', &key, &value) && key.len == strlen(name) &&
		    strncasecmp(key.ptr, name, key.len) == 0) {
			*ret_value = str_trim(value);
			return true;
		}
	}
	return false;
}

/* Splits what has come; true when the answer is whole. */
__attribute__((unused)) static bool client_parse(struct client_reply *reply, bool no_body)
{
	reply->bytes[reply->used] = '\0';
	const char *end = strstr(reply->bytes, "\r\n\r\n");
	if (end == NULL || strncmp(reply->bytes, "HTTP/1.", 7) != 0)
		return false;
	reply->status = (int)strtol(reply->bytes + 9, NULL, 10);
	reply->head = (struct str){ reply->bytes, (size_t)(end - reply->bytes) + 2 };
	size_t at = reply->head.len + 2;
	if (reply->status == 100) { /* interim: forget it */
		memmove(reply->bytes, reply->bytes + at, reply->used - at);
		reply->used -= at;
		reply->status = 0;
		return reply->used > 0 && client_parse(reply, no_body);
	}
	reply->body = (struct str){ reply->bytes + at, reply->used - at };
	struct str value;
	int64_t length = 0;
	if (no_body || reply->status == 304 || reply->status == 204)
		return true;
	if (client_header(reply, "content-length", &value))
		return str_int(value, 0, INT64_MAX, &length) && reply->body.len >= (size_t)length;
	return false;
}

/* Reads one answer, waiting for each piece at most `wait_ms`. With `to_end`, waits until the server
 * closes or stays silent. */
__attribute__((unused)) static void client_reply_within(int fd, bool no_body, bool to_end,
							int wait_ms,
							struct client_reply *ret_reply)
{
	*ret_reply = (struct client_reply){ 0 };
	bool whole = false;
	while (ret_reply->used < sizeof ret_reply->bytes - 1 && (!whole || to_end)) {
		ssize_t got = client_read(fd, ret_reply->bytes + ret_reply->used,
					  sizeof ret_reply->bytes - 1 - ret_reply->used,
					  whole ? 300 : wait_ms);
		if (got < 0)
			break;
		if (got == 0) {
			ret_reply->closed = true;
			break;
		}
		ret_reply->used += (size_t)got;
		whole = client_parse(ret_reply, no_body);
	}
	if (ret_reply->used > 0)
		client_parse(ret_reply, no_body);
}

__attribute__((unused)) static void client_reply(int fd, bool no_body, bool to_end,
						 struct client_reply *ret_reply)
{
	client_reply_within(fd, no_body, to_end, CLIENT_WAIT_MS, ret_reply);
}

__attribute__((unused)) static void client_ask(int fd, const char *method, const char *path,
					       const char *headers, const char *body,
					       struct client_reply *ret_reply)
{
	char *text;
	int length = asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n"
				     "\r\n%s",
			      method, path, headers, strlen(body), body);
	CHECK(length > 0);
	client_send(fd, text, (size_t)length);
	free(text);
	client_reply(fd, strcmp(method, "HEAD") == 0, false, ret_reply);
}

/* One request on a connection of its own. */
__attribute__((unused)) static void client_once(unsigned port, const char *method,
						const char *path, const char *headers,
						const char *body, struct client_reply *ret_reply)
{
	int fd = client_connect(port);
	client_ask(fd, method, path, headers, body, ret_reply);
	close(fd);
}
