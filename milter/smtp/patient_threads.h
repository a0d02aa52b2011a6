#ifndef POSTERN_PATIENT_THREADS_H
#define POSTERN_PATIENT_THREADS_H

#include <stdint.h>

/*
 * libmilter starts a thread when a session has an event and no thread is idle. If the system
 * refuses the thread, libmilter logs that and forgets the session, which then hangs, and keeps its
 * file descriptor for ever. This module replaces pthread_create() for the libraries: a thread that
 * the system refuses (EAGAIN) is started as soon as the system permits it, and its session waits.
 * Calls of the program itself get the error.
 */

/* The threads that were refused since the start. Any thread may call this. */
struct patient_threads {
	uint64_t refused;
	uint64_t waiting; /* of them, not started yet */
	int64_t last;	  /* clock_ms() of the last refusal; 0: none */
	int error;	  /* its errno */
};
struct patient_threads patient_threads_count(void);

/* Start the refused threads, as soon as that is possible. Never returns. Before it is called,
 * libmilter gets the error, too. It calls report after each attempt to start one. */
_Noreturn void patient_threads_serve(void (*report)(const struct patient_threads *threads));

#endif
