/* map_fault.c: see map_fault.h. */
#include "metrics/map_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile sig_atomic_t reading;
static _Atomic uint64_t pages;
static _Atomic uintptr_t page_bytes;

/* Returning runs the instruction again. */
static void on_bus(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	void *page = (void *)((uintptr_t)info->si_addr / page_bytes * page_bytes);
	if (reading > 0 && info->si_code == BUS_ADRERR &&
	    mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		atomic_fetch_add(&pages, 1);
	else
		signal(SIGBUS, SIG_DFL);
	errno = saved;
}

void map_fault_install(void)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

void map_fault_begin(void)
{
	reading++;
}

void map_fault_end(void)
{
	reading--;
}

uint64_t map_fault_count(void)
{
	return atomic_load_explicit(&pages, memory_order_relaxed);
}
