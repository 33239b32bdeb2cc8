/* http_server_listen.c: from "127.0.0.1:8484" to a listening socket, and back to an address. */
#include "wire/http_server_priv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define HOST_BYTES 256

/* "host:port", "[v6]:port", ":port". */
static enum err split_listen(const char *listen, char *host, char *port, size_t size,
			     struct error *err)
{
	struct str text = str_of(listen), name, digits;
	const char *colon = strrchr(listen, ':');
	int64_t number;
	bool fine = colon != NULL;
	if (fine) {
		name = str_sub(text, 0, (size_t)(colon - listen));
		digits = str_sub(text, (size_t)(colon - listen) + 1, text.len);
		fine = name.len < size && str_int(digits, 0, 65535, &number);
	}
	if (!fine) {
		error_set(err, ERR_INVALID, "cannot listen on \"%s\": it is not an address and a port",
			  listen);
		error_hint(err, "write it like \"127.0.0.1:8484\" or \"[::1]:8484\"");
		return ERR_INVALID;
	}
	if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
		name = str_sub(name, 1, name.len - 1);
	snprintf(host, size, STR_FMT, STR_ARG(name));
	snprintf(port, size, "%d", (int)number);
	return OK;
}

static int open_socket(const struct addrinfo *at)
{
	int yes = 1, no = 0;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

enum err http_listen_open(const char *listen, int *ret_fd, struct error *err)
{
	char host[HOST_BYTES], port[HOST_BYTES];
	enum err result = split_listen(listen, host, port, sizeof host, err);
	if (result != OK)
		return result;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int failure = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
	if (failure != 0)
		return error_set(err, ERR_INVALID, "could not listen on \"%s\": %s", listen,
				 gai_strerror(failure));
	int fd = open_socket(found);
	int why = errno;
	freeaddrinfo(found);
	if (fd < 0) {
		error_set(err, ERR_UNAVAILABLE, "could not listen on \"%s\": %s", listen,
			  strerror(why));
		if (why == EADDRINUSE)
			error_hint(err, "another program has this port; choose another with --listen");
		return ERR_UNAVAILABLE;
	}
	*ret_fd = fd;
	return OK;
}

/* Writes down where it listens, with the real port. */
void http_listen_note(struct http_server *server, int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof at;
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (const void *)&at;
	const struct sockaddr_in6 *v6 = (const void *)&at;
	int result = getsockname(fd, (struct sockaddr *)&at, &size);
	assert(result == 0);
	bool is_v6 = at.ss_family == AF_INET6;
	server->port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
	inet_ntop(at.ss_family, is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr,
		  host, sizeof host);
	snprintf(server->url, sizeof server->url, "%s://%s%s%s:%u",
		 server->tls != NULL ? "https" : "http", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
		 server->port);
}
