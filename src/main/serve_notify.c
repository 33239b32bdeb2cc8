/* serve_notify.c: see serve_notify.h. */
#include "main/serve_notify.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "oncall/paging.h"

struct serve_notify {
	struct serve_notify_options options;
	char host[256]; /* of a DNS name */
	pthread_mutex_t lock; /* of sender: the writer wakes it while it may be stopping */
	struct notify_sender *sender;
	struct api *api; /* atomic: it comes later and goes earlier than the sender */
};

static enum err submit(void *context, struct command *command, struct error *err)
{
	struct serve_notify *s = context;
	return writer_submit(s->options.writer, command, err);
}

/* The stream tells every open browser of the person as part of each commit (api_stream.c): here it is
 * only counted who is there. */
static int push(void *context, const struct notify_page *page)
{
	struct serve_notify *s = context;
	struct api *api = __atomic_load_n(&s->api, __ATOMIC_ACQUIRE);
	return api != NULL ? api_streams_of(api, page->user) : 0;
}

struct giving {
	notify_each_contact_fn *each;
	void *context;
};

static bool give(void *context, const struct paging_contact *contact)
{
	struct giving *giving = context;
	struct notify_page to = {
		.user = contact->user,
		.contact = contact->id,
		.channel = contact->channel,
		.address = contact->address,
		.secret = contact->secret,
	};
	giving->each(giving->context, &to);
	return true;
}

static enum err contacts(void *context, struct store_conn *conn, struct arena *arena,
			 notify_each_contact_fn *each, void *each_context, struct error *err)
{
	struct giving giving = { each, each_context };
	(void)context;
	return paging_contacts_with_secrets(conn, arena, give, &giving, err);
}

static bool may_send(void *context)
{
	struct serve_notify *s = context;
	return world_leads(s->options.world);
}

enum err serve_notify_start(const struct serve_notify_options *options,
			    struct serve_notify **ret_serve_notify, struct error *err)
{
	struct serve_notify *s = mem_alloc(sizeof *s);
	s->options = *options;
	pthread_mutex_init(&s->lock, NULL);
	bool named = settings_host(options->settings, s->host, sizeof s->host);
	struct channel_runner runner = { 0 };
	if (options->hand != NULL)
		runner = hand_client_runner(options->hand);
	struct notify_sender_options sender = {
		.store = world_store(options->world),
		.clock = options->clock,
		.host = named ? s->host : NULL,
		.public_url = options->public_url,
		.instance = options->settings->name,
		.ca_file = options->settings->ca_file,
		.command_directory = options->hand != NULL ? options->settings->commands : NULL,
		.runner = options->hand != NULL ? &runner : NULL,
		.last_resort_command = options->settings->last_resort,
		.push = push,
		.push_context = s,
		.submit = submit,
		.submit_context = s,
		.contacts = contacts,
		.contacts_context = s,
		.may = may_send,
		.may_context = s,
	};
	enum err r = notify_sender_start(&sender, &s->sender, err);
	if (r != OK) {
		serve_notify_destroy(&s);
		return r;
	}
	*ret_serve_notify = s;
	return OK;
}

void serve_notify_browsers(struct serve_notify *s, struct api *api)
{
	__atomic_store_n(&s->api, api, __ATOMIC_RELEASE);
}

void serve_notify_committed(void *context, const struct event *const *events, size_t count)
{
	struct serve_notify *s = context;
	for (size_t i = 0; i < count; i++) {
		enum event_kind kind = events[i]->kind;
		if (kind != EVENT_PAGE_CREATED && kind != EVENT_SETTINGS_CHANGED)
			continue;
		pthread_mutex_lock(&s->lock);
		if (s->sender != NULL)
			notify_sender_wake(s->sender);
		pthread_mutex_unlock(&s->lock);
		return;
	}
}

void serve_notify_last_resort(struct serve_notify *s, const char *title, const char *body)
{
	pthread_mutex_lock(&s->lock);
	bool paged = s->sender != NULL && notify_last_resort(s->sender, title, body);
	pthread_mutex_unlock(&s->lock);
	if (paged)
		log_write(LOG_ERROR, "paged by the last resort, as nothing can be stored", "title=\"%s\"",
			  title);
}

void serve_notify_stop(struct serve_notify *s)
{
	pthread_mutex_lock(&s->lock);
	struct notify_sender *sender = MEM_TAKE(s->sender);
	pthread_mutex_unlock(&s->lock);
	notify_sender_stop(&sender);
}

void serve_notify_destroy(struct serve_notify **s)
{
	if (*s == NULL)
		return;
	pthread_mutex_destroy(&(*s)->lock);
	mem_free(*s);
	*s = NULL;
}
