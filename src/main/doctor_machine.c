/* doctor_machine.c: the clock, the zones, limits, and what the kernel can do. See doctor.c. */
#include <errno.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "main/doctor_priv.h"
#include "sys/zone.h"

#define BUILT_YEAR 2026 /* a clock before the program was written is wrong */
#define ERROR_US_MAX 1000000L
#define FILES_LEAST 8192u /* 4096 connections, and what else is open */

void doctor_clock(struct doctor *d)
{
	struct timex state = { .modes = 0 };
	char text[TIME_TEXT_BYTES];
	int kept = adjtimex(&state);
	time_format(d->now, text);
	if (time_civil_of(d->now).year < BUILT_YEAR)
		doctor_say(d, DOCTOR_WRONG, "clock", "set it: pages, hand-overs and certificates follow it", "%s", text);
	else if (kept == TIME_ERROR || kept < 0 || (state.status & STA_UNSYNC) != 0)
		doctor_say(d, DOCTOR_DOUBT, "clock", "run systemd-timesyncd or chrony: hand-overs follow this clock",
			   "%s, and the kernel says that nothing keeps it right", text);
	else if (state.maxerror > ERROR_US_MAX)
		doctor_say(d, DOCTOR_DOUBT, "clock", "see whether the time servers are reached",
			   "%s, kept right, but by up to %ld ms off", text, state.maxerror / 1000);
	else
		doctor_good(d, "clock", "%s, kept right to %ld ms", text, state.maxerror / 1000);
}

void doctor_zones(struct doctor *d)
{
	struct zones *zones = zones_create(NULL);
	const struct tz *tz;
	struct error err;
	if (zones_find(zones, STR("Europe/London"), &tz, &err) == OK)
		doctor_good(d, "time zones", "the zones' data is there");
	else
		doctor_say(d, DOCTOR_WRONG, "time zones", "install the package tzdata", "%s", err.text);
	zones_destroy(&zones);
}

void doctor_authorities(struct doctor *d)
{
	static const char path[] = "/etc/ssl/certs/ca-certificates.crt";
	if (access(path, R_OK) == 0)
		doctor_good(d, "authorities", "%s can be read", path);
	else
		doctor_say(d, DOCTOR_WRONG, "authorities", "install the package ca-certificates", "%s: %s", path,
			   strerror(errno));
}

void doctor_limits(struct doctor *d)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	if (files.rlim_cur != RLIM_INFINITY && files.rlim_cur < FILES_LEAST)
		doctor_say(d, DOCTOR_DOUBT, "open files",
			   "raise it: LimitNOFILE=65536 in the unit, or ulimit -n 65536 before the start",
			   "at most %llu here; 4096 connections want %u", (unsigned long long)files.rlim_cur, FILES_LEAST);
	else
		doctor_good(d, "open files", "at most %llu here", (unsigned long long)files.rlim_cur);
}

static void look_at_ping(struct doctor *d)
{
	unsigned long long from, to, group = getegid();
	FILE *file = fopen("/proc/sys/net/ipv4/ping_group_range", "re");
	bool read = file != NULL && fscanf(file, "%llu %llu", &from, &to) == 2;
	if (file != NULL)
		fclose(file);
	if (!read)
		return;
	if ((group >= from && group <= to) || geteuid() == 0)
		doctor_good(d, "ping", "this group may send ICMP echo");
	else
		doctor_say(d, DOCTOR_DOUBT, "ping", "only ICMP checks want it: sysctl net.ipv4.ping_group_range=\"0 2147483647\"",
			   "group %llu may not send ICMP echo (the range is %llu to %llu)", group, from, to);
}

void doctor_kernel(struct doctor *d)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version > 0)
		doctor_good(d, "landlock", "version %ld: commands can be walled in", version);
	else
		doctor_say(d, d->settings->commands != NULL ? DOCTOR_DOUBT : DOCTOR_OK, "landlock",
			   d->settings->commands != NULL ? "commands are walled by user and modes only; see docs/security.md"
							 : NULL,
			   "this kernel has none (Linux 5.13 and later can)");
	look_at_ping(d);
}
