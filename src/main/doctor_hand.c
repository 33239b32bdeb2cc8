/*
 * doctor_hand.c: starts a hand as the supervisor would, asks it for a command that is not there, and
 * believes it when it says so: it got behind its walls, reads its folder and answers. No command runs.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/doctor_priv.h"
#include "main/hand.h"
#include "main/hand_client.h"
#include "sys/clock.h"
#include "sys/pass.h"

#define ASKED_FOR "mainstay-doctor-asks"
#define ANSWER_WITHIN (2 * TIME_SECOND)
#define COMMANDS_MAX 200u

static enum err start(const struct hand_place *place, pid_t *ret_pid, int *ret_socket, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(err, ERR_IO, "could not make a socket for the hand: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(hand_main(place, pair[1]));
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error_set(err, ERR_UNAVAILABLE, "could not start a process: %s", strerror(errno));
	}
	*ret_pid = pid;
	*ret_socket = pair[0];
	return OK;
}

static enum err judge(const struct child_result *result, struct error *err)
{
	if (result->exit_code == HAND_EXIT_NOT_RUN && str_starts(result->errors, STR("there is no command \"" ASKED_FOR)))
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "%.300s", result->errors.len > 0 ? result->errors.ptr
										  : "the hand gave no answer");
}

static enum err ask(int socket, struct error *err)
{
	int control[2];
	struct clock clock;
	struct hand_client *client = NULL;
	struct child_result result = { .exit_code = 0 };
	cleanup_arena struct arena arena;
	arena_init(&arena, 1u << 20);
	clock_system(&clock);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0)
		return error_set(err, ERR_IO, "could not make a socket for the hand: %s", strerror(errno));
	enum err r = hand_client_start(control[1], &clock, &client, err);
	if (r == OK)
		r = pass_send(control[0], socket, err);
	if (r == OK)
		r = hand_client_run(client, ASKED_FOR, STR(""), ANSWER_WITHIN, &arena, &result, err);
	if (r == OK)
		r = judge(&result, err);
	hand_client_stop(&client);
	close(control[0]);
	return r;
}

static enum err try_hand(const struct hand_place *place, struct error *err)
{
	pid_t pid;
	int socket;
	enum err r = start(place, &pid, &socket, err);
	if (r != OK)
		return r;
	r = ask(socket, err);
	close(socket); /* the hand ends when nobody is left on the other side */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

/* Every file of the folder, as a contact would name it. */
static void look_at_each(struct doctor *d, const struct hand_place *place)
{
	char path[PATH_MAX];
	struct error err;
	DIR *folder = opendir(place->commands);
	const struct dirent *entry;
	unsigned seen = 0;
	while (folder != NULL && (entry = readdir(folder)) != NULL && seen < COMMANDS_MAX) {
		if (entry->d_name[0] == '.')
			continue;
		seen++;
		if (hand_place_find(place, str_of(entry->d_name), path, &err) == OK)
			doctor_good(d, "command", "%.200s", entry->d_name);
		else
			doctor_say(d, DOCTOR_WRONG, "command",
				   "let it belong to root or to you, mode 0755, in small letters", "%s", err.text);
	}
	if (folder != NULL)
		closedir(folder);
	if (seen == 0)
		doctor_say(d, DOCTOR_DOUBT, "command", "put an executable file there",
			   "the folder of commands is empty");
}

void doctor_commands(struct doctor *d)
{
	struct hand_place place;
	struct error err = { .code = OK };
	if (d->settings->commands == NULL && d->settings->plugins == NULL)
		return;
	if (hand_place_open(d->settings->commands, d->settings->plugins, d->settings->data, &place,
			    &err) != OK) {
		const char *advice = err.hint[0] != '\0' ? err.hint : "see docs/security.md";
		doctor_say(d, DOCTOR_WRONG, "commands", arena_cstr(d->arena, str_of(advice)), "%s", err.text);
		return;
	}
	if (try_hand(&place, &err) == OK)
		doctor_good(d, "hand", "it starts, is behind its walls, and answers");
	else
		doctor_say(d, DOCTOR_WRONG, "hand", "see docs/security.md: what a command may do", "%s", err.text);
	if (d->settings->commands != NULL)
		look_at_each(d, &place);
	hand_place_close(&place);
}
