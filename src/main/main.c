/* main.c: the one program: sets up the log and picks the verb. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"
#include "main/settings.h"
#include "main/verbs.h"

static void log_to_stderr(void *context, enum log_level level, const char *line)
{
	(void)context;
	struct timespec now;
	char at[TIME_TEXT_BYTES];
	clock_gettime(CLOCK_REALTIME, &now);
	time_format(now.tv_sec * TIME_SECOND + now.tv_nsec / 1000000 * TIME_MS, at);
	fprintf(stderr, "%s %s %s\n", at, log_level_name(level), line);
}

static int help(void)
{
	cleanup_buf struct buf settings;
	buf_init(&settings, 65536);
	settings_help(&settings);
	printf("mainstay: production support in one program\n\nusage: mainstay VERB ...\n\n");
	for (const struct verb *verb = machine_verbs; verb->name != NULL; verb++)
		printf("  %-52s %s\n", verb->usage, verb->about);
	printf("\nsettings of serve, also from the environment (MAINSTAY_DATA for --data):\n%s",
	       settings.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	umask(077); /* what is kept is nobody else's to read */
	log_init(log_to_stderr, NULL, LOG_INFO);
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help();
	for (const struct verb *verb = machine_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, argv[1]) == 0)
			return verb->run(argc - 2, argv + 2);
	}
	fprintf(stderr, "mainstay: there is no verb \"%s\"; see mainstay --help\n", argv[1]);
	return 2;
}
