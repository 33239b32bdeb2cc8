/*
 * map_fault.h: a page of a mapped file that cannot be read is one of zeros, not the end of the process.
 *
 * The kernel tells of a bad sector under a map, and of a file that somebody else cut short, by SIGBUS. While a thread is between
 * begin and end such a page is replaced by an empty one, which stays until the file is mapped anew, and counted; what is read
 * from maps has sums, so it is found to be damaged like any other. Elsewhere SIGBUS is what it always was.
 *
 * Runs on: any thread, for itself; calls nest.
 */
#pragma once

#include <stdint.h>

void map_fault_install(void); /* the handler of the process; may be called again */
void map_fault_begin(void);
void map_fault_end(void);
uint64_t map_fault_count(void); /* pages so far, of the process */
