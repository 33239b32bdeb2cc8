/* title.c: see title.h. */
#include "main/title.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "main/settings.h"

#define COMM_BYTES 16 /* of the kernel, with its NUL */

/* The kernel lays the arguments down one after the other, from argv[0] on. Where somebody else did, there
 * is no room to write in, and the short name must do. */
static unsigned long room_of(int argc, char **argv)
{
	const char *at = program_invocation_name;
	for (int i = -1; i <= argc; i++) {
		at += strlen(at) + 1;
		if (i < argc && argv[i] != at)
			return 0;
	}
	return (unsigned long)(at - program_invocation_name);
}

char **title_take(int argc, char **argv, struct title *ret_title)
{
	struct title title = { .start = program_invocation_name, .size = 0 };
	cleanup_buf struct buf rest;
	char **copy = mem_alloc(((size_t)argc + 1) * sizeof *copy);
	assert(argc >= 0);
	buf_init(&rest, 65536);
	for (int i = 0; i < argc; i++) {
		copy[i] = mem_strdup(argv[i]);
		if (strstr(argv[i], "://") != NULL && strchr(argv[i], '@') != NULL) {
			char shown[300]; /* others may read the list of processes */
			settings_shown(argv[i], shown, sizeof shown);
			buf_printf(&rest, " %s", shown);
		} else {
			buf_printf(&rest, " %s", argv[i]);
		}
	}
	snprintf(title.rest, sizeof title.rest, "%s", rest.bytes != NULL ? rest.bytes : "");
	title.size = room_of(argc, argv);
	*ret_title = title;
	return copy;
}

void title_free_arguments(int argc, char **copy)
{
	for (int i = 0; i < argc; i++)
		mem_free(copy[i]);
	mem_free(copy);
}

void title_set(const struct title *title, const char *role)
{
	char line[512], comm[COMM_BYTES];
	snprintf(comm, sizeof comm, "mainstay-%s", role);
	prctl(PR_SET_NAME, comm);
	if (title->size == 0)
		return;
	snprintf(line, sizeof line, "mainstay: %s%s", role, title->rest);
	/* The last byte stays NUL: otherwise the kernel goes on reading into the environment. */
	memset(title->start, 0, title->size);
	size_t length = strlen(line) < title->size ? strlen(line) : title->size - 1;
	memcpy(title->start, line, length);
}
