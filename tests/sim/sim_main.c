/*
 * sim_main.c: the simulator by hand: sim SEED [COUNT [STEPS]] runs COUNT seeds from SEED on, each in a
 * process of its own. The first one that goes wrong is told, with its seed, and ends the run.
 */
#include <assert.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sim.h"
#include "sim_tap.h"

#define STEPS_USUAL 150

static void keep_quiet(void *context, enum log_level level, const char *line)
{
	if (context != NULL)
		fprintf(stderr, "%s %s\n", log_level_name(level), line);
}

static int run_one(uint64_t seed, unsigned steps)
{
	tap_reset();
	struct sim *sim = sim_open(&(struct sim_options){ .seed = seed,
							.tell = getenv("SIM_EVENTS") != NULL });
	bool well = sim_run(sim, steps);
	if (!well)
		fprintf(stderr, "%s\n", sim->story);
	else if (getenv("SIM_TELL") != NULL)
		printf("seed %llu: %lld events, %zu incidents, %zu pages, %u restarts, %u cuts, %u faults\n",
		       (unsigned long long)seed, (long long)sim->referee->last_seq,
		       sim->referee->incident_count, sim->referee->page_count, sim->restarts, sim->cuts,
		       sim->faults);
	sim_close(&sim);
	return well ? 0 : 1;
}

int main(int count, char **words)
{
	int64_t seed = 1, seeds = 1, steps = STEPS_USUAL, status = 0;
	bool good = count > 1 && str_int(str_of(words[1]), 0, INT64_MAX / 4, &seed) &&
		    (count < 3 || str_int(str_of(words[2]), 1, 1000000, &seeds)) &&
		    (count < 4 || str_int(str_of(words[3]), 1, 100000, &steps));
	if (!good) {
		fprintf(stderr, "usage: sim SEED [COUNT [STEPS]]\n");
		return 2;
	}
	log_init(keep_quiet, getenv("SIM_LOG"), LOG_INFO);
	for (int64_t i = 0; i < seeds && status == 0; i++) {
		pid_t child = fork();
		int how = 0;
		if (child == 0)
			exit(run_one((uint64_t)(seed + i), (unsigned)steps));
		waitpid(child, &how, 0);
		status = WIFEXITED(how) ? WEXITSTATUS(how) : 1;
		if (status != 0)
			fprintf(stderr, "seed %lld failed; again: sim %lld 1 %lld\n", (long long)(seed + i),
				(long long)(seed + i), (long long)steps);
	}
	return (int)status;
}
