/*
 * notify_channel.h: ways a page leaves, one file each: browser, ntfy, e-mail, webhook, command.
 *
 *     send --> done(result), later, exactly once      cancel --> no done
 *        \--> error at once, no done
 *
 * A result says in words what the other side said; secrets and the link's token are masked in it.
 * SENT: somebody else took the responsibility. RETRY: it may work later. FAILED: it never will, or
 * a person must change something first.
 *
 * To add a channel: 1. a file channel_NAME.c with one row; 2. the row in `channels_all` of channel.c;
 * 3. its name in the contact's choices (oncall) and openapi.yaml.
 *
 * Runs on: the loop's thread. The message must live until done or cancel.
 */
#pragma once

#include "notify/notify.h"
#include "notify/notify_settings.h"
#include "wire/http_client.h"
#include "wire/smtp_client.h"

struct child;
struct child_request;
struct child_result;
struct loop;

#define CHANNEL_DETAIL_BYTES 320
#define CHANNEL_RETRY_AFTER_MAX (5 * TIME_MINUTE) /* what a server may ask us to wait */

enum channel_end { CHANNEL_SENT, CHANNEL_RETRY, CHANNEL_FAILED };

struct channel_result {
	enum channel_end end;
	char detail[CHANNEL_DETAIL_BYTES];
	time_us retry_after; /* the least wait the other side asked for; 0: none */
};

typedef void channel_done_fn(void *context, const struct channel_result *result);

/* Runs a program, as child.h does; another process of lesser rights may stand behind it. The answer is
 * given on `loop`. */
struct channel_runner {
	void *context;
	enum err (*start)(void *context, struct loop *loop, const struct child_request *request,
			  void (*fn)(void *fn_context, const struct child_result *result),
			  void *fn_context, void **ret_run, struct error *err);
	void (*kill)(void *context, void *run); /* the callback still follows */
};

/* How many open streams of that person took the page; negative: not known, but it was put on. Called on
 * the send loop's thread; must not wait. */
typedef int channel_push_fn(void *context, const struct notify_page *page);

struct channel_web; /* one egress policy with its client */

struct channel_tools {
	struct loop *loop;
	struct clock *clock;
	struct resolve *resolve;
	struct channel_web *trusted; /* where an admin said to go: loopback and private too */
	struct channel_web *people;  /* where anybody said to go: public, and the allow list */
	struct channel_web *retired; /* the people's one before the list changed */
	struct smtp_client *smtp;
	struct smtp_client *smtp_slow; /* connections of the slow lane: it takes none of the pages' */
	const struct notify_settings *settings; /* never NULL; may change between sends */
	const char *host;     /* our name in Message-IDs, like "mainstay.example" */
	const char *instance; /* makes Message-IDs of two installations differ; "" is allowed */
	const char *ca_file;  /* NULL: the system's authorities */
	const char *command_directory; /* NULL: there are no commands */
	channel_push_fn *push;
	void *push_context;
	struct channel_runner runner;
	unsigned runs; /* programs that have not ended */
};

struct channel_tools_options {
	struct loop *loop;
	struct clock *clock;
	const char *host, *instance, *ca_file, *command_directory;
	channel_push_fn *push; /* NULL: there are no browsers */
	void *push_context;
	const struct channel_runner *runner; /* NULL: children of this process */
};

/* Texts of the options are borrowed. */
enum err channel_tools_open(const struct channel_tools_options *options,
			    struct channel_tools *ret_tools, struct error *err);
void channel_tools_close(struct channel_tools *tools); /* waits for killed programs, 5 s at most */
/* From now on these. Call again with the same ones now and then: what was replaced is let go then. */
void channel_tools_set(struct channel_tools *tools, const struct notify_settings *settings);

struct channel {
	const char *name;
	const char *about; /* one sentence for people */
	bool wakes;        /* can wake a person */
	bool bundles;      /* people read it: many waiting pages may come as one */
	enum err (*send)(struct channel_tools *tools, const struct notify_page *message,
			 channel_done_fn *done, void *context, void **ret_try, struct error *err);
	void (*cancel)(void *try);
};

extern const struct channel channel_browser, channel_ntfy, channel_email, channel_webhook,
	channel_command;
extern const struct channel *const channels_all[]; /* ends in NULL */

/* Names of the commands that may be used, in no order. Blocking: not on a loop. */
typedef void channel_each_command_fn(void *context, struct str name);
void channel_commands(const char *directory, channel_each_command_fn *each, void *context);
