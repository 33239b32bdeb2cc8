/* curl_loop.c: see curl_loop.h. */
#include "wire/curl_loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/loop.h"

#define PIN_BYTES_MAX 2048
#define DELAY_MAX_MS 3600000L

struct curl_loop {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	unsigned jobs;
};

struct curl_job {
	CURL *easy;
	curl_done_fn *fn;
	void *context;
};

struct socket_watch {
	struct curl_loop *curl;
	struct loop_poll *poll;
	curl_socket_t fd;
};

static void collect_done(struct curl_loop *curl)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(curl->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		struct curl_job *job = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
		assert(job != NULL);
		curl_multi_remove_handle(curl->multi, job->easy);
		curl->jobs--;
		job->fn(job->context, code);
		mem_free(job);
	}
}

static void act(struct curl_loop *curl, curl_socket_t fd, int flags)
{
	int running;
	curl_multi_socket_action(curl->multi, fd, flags, &running);
	collect_done(curl);
}

static void on_socket(void *context, unsigned events)
{
	struct socket_watch *watch = context;
	int flags = (events & LOOP_READABLE ? CURL_CSELECT_IN : 0) |
	            (events & LOOP_WRITABLE ? CURL_CSELECT_OUT : 0) |
	            (events & LOOP_FAILED ? CURL_CSELECT_ERR : 0);
	act(watch->curl, watch->fd, flags);
}

static void on_time(void *context)
{
	act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int wish_time(CURLM *multi, long delay_ms, void *context)
{
	(void)multi;
	struct curl_loop *curl = context;
	if (delay_ms < 0)
		loop_timer_stop(curl->timer);
	else
		loop_timer_start(curl->timer, (delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS) * TIME_MS);
	return 0;
}

static int wish_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *attached)
{
	(void)easy;
	struct curl_loop *curl = context;
	struct socket_watch *watch = attached;
	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL)
			loop_poll_destroy(&watch->poll);
		mem_free(watch);
		curl_multi_assign(curl->multi, fd, NULL);
		return 0;
	}
	if (watch == NULL) {
		watch = mem_alloc(sizeof *watch);
		*watch = (struct socket_watch){ .curl = curl, .fd = fd };
		if (loop_poll_create(curl->loop, fd, on_socket, watch, &watch->poll, NULL) != OK) {
			mem_free(watch);
			return -1;
		}
		curl_multi_assign(curl->multi, fd, watch);
	}
	loop_poll_watch(watch->poll, (what & CURL_POLL_IN ? LOOP_READABLE : 0) |
	                             (what & CURL_POLL_OUT ? LOOP_WRITABLE : 0));
	return 0;
}

struct curl_loop *curl_loop_create(struct loop *loop, unsigned connections_max, unsigned idle_max)
{
	assert(connections_max > 0);
	CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(ready == CURLE_OK);
	struct curl_loop *curl = mem_alloc(sizeof *curl);
	curl->loop = loop;
	curl->multi = curl_multi_init();
	assert(curl->multi != NULL);
	curl->timer = loop_timer_create(loop, on_time, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, wish_socket);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, wish_time);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections_max);
	curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, (long)idle_max);
	return curl;
}

void curl_loop_destroy(struct curl_loop **curl_pointer)
{
	struct curl_loop *curl = *curl_pointer;
	if (curl == NULL)
		return;
	*curl_pointer = NULL;
	assert(curl->jobs == 0);
	curl_multi_cleanup(curl->multi);
	loop_timer_destroy(&curl->timer);
	mem_free(curl);
	curl_global_cleanup();
}

struct curl_job *curl_loop_add(struct curl_loop *curl, CURL *easy, curl_done_fn *fn, void *context)
{
	struct curl_job *job = mem_alloc(sizeof *job);
	*job = (struct curl_job){ .easy = easy, .fn = fn, .context = context };
	curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
	CURLMcode added = curl_multi_add_handle(curl->multi, easy);
	assert(added == CURLM_OK);
	curl->jobs++;
	return job;
}

void curl_loop_remove(struct curl_loop *curl, struct curl_job **job)
{
	if (*job == NULL)
		return;
	curl_multi_remove_handle(curl->multi, (*job)->easy);
	curl->jobs--;
	mem_free(*job);
	*job = NULL;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct curl_guard *guard = context;
	struct address address;
	if (purpose != CURLSOCKTYPE_IPCXN || !address_of_sockaddr(&to->addr, &address)) {
		error_set(&guard->err, ERR_DENIED, "cannot connect to something that is no IP address");
		return CURL_SOCKET_BAD;
	}
	if (egress_check_address(guard->policy, &address, &guard->err) != OK)
		return CURL_SOCKET_BAD;
	guard->fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
	return guard->fd;
}

/* "+" makes the entry age like any other, so that the library's cache does not grow for ever. */
static struct curl_slist *make_pin(const char *host, uint16_t port, const struct address *addresses,
                                   unsigned count)
{
	cleanup_buf struct buf pin;
	buf_init(&pin, PIN_BYTES_MAX);
	buf_printf(&pin, "+%s:%u:", host, port);
	for (unsigned i = 0; i < count; i++) {
		char text[ADDRESS_TEXT_BYTES];
		address_format(&addresses[i], text);
		buf_printf(&pin, addresses[i].v6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", text);
	}
	assert(!pin.full);
	return curl_slist_append(NULL, pin.bytes);
}

void curl_guard_arm(struct curl_guard *guard, CURL *easy, const char *host, uint16_t port,
                    const struct address *addresses, unsigned count)
{
	struct address literal;
	assert(guard->policy != NULL);
	assert(count > 0);
	if (!address_parse(str_of(host), &literal)) { /* a literal needs no pin: it is its own */
		guard->pins = make_pin(host, port, addresses, count);
		curl_easy_setopt(easy, CURLOPT_RESOLVE, guard->pins);
	}
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
}

void curl_guard_finish(struct curl_guard *guard)
{
	curl_slist_free_all(guard->pins);
	guard->pins = NULL;
}

static const char *which_wait(CURL *easy)
{
	curl_off_t connected = 0, first_byte = 0;
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	if (connected == 0)
		return "no connection in time";
	return first_byte == 0 ? "connected, but no answer in time" : "the answer did not end in time";
}

enum err curl_explain(CURL *easy, CURLcode code, const char *host, uint16_t port, const char *detail,
                      struct error *err)
{
	long number = 0;
	assert(code != CURLE_OK);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, ERR_TIMEOUT, "could not reach \"%s\" port %u: %s", host, port,
		                 which_wait(easy));
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
		return error_set(err, ERR_UNAVAILABLE, "could not connect to \"%s\" port %u: %s", host, port,
		                 number != 0 ? strerror((int)number) : "it refuses");
	case CURLE_GOT_NOTHING:
		return error_set(err, ERR_UNAVAILABLE, "could not read from \"%s\" port %u: it closed the "
		                 "connection without an answer", host, port);
	case CURLE_LOGIN_DENIED:
		return error_set(err, ERR_UNAUTHENTICATED, "cannot sign in at \"%s\" port %u: it refuses user "
		                 "or password", host, port);
	case CURLE_PEER_FAILED_VERIFICATION:
		return error_set(err, ERR_DENIED, "cannot trust the certificate of \"%s\" port %u: %s", host,
		                 port, detail[0] != '\0' ? detail : curl_easy_strerror(code));
	case CURLE_USE_SSL_FAILED:
		return error_set(err, ERR_UNSUPPORTED, "cannot use \"%s\" port %u: it does not offer STARTTLS, "
		                 "which is required", host, port);
	default:
		return error_set(err, ERR_UNAVAILABLE, "could not talk to \"%s\" port %u: %s", host, port,
		                 detail[0] != '\0' ? detail : curl_easy_strerror(code));
	}
}
