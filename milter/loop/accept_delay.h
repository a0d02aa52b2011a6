#ifndef POSTERN_ACCEPT_DELAY_H
#define POSTERN_ACCEPT_DELAY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Connections that have to wait because the system has no descriptor or memory for them. A listener
 * that gets such an error waits for ACCEPT_DELAY_MS before it tries again, and has the error
 * counted and, once a minute, logged here.
 */
#define ACCEPT_DELAY_MS 1000

/* The delays of one listener, which belong to the listener's thread. */
struct accept_delay {
	const char *socket; /* the listener's name in the log */
	int64_t logged;	    /* clock_ms() of the last log line; 0: none */
	unsigned long unlogged;
	int error; /* errno of the last delay */
};

/*
 * Return whether the listener has to wait after an accept() that failed with this errno. It need
 * not if the error concerns only the connection that was to be accepted.
 */
bool accept_delay_is_needed(int error);

/* Count a delay. now: clock_ms(). Logs the number of delays if a minute has passed since it was
 * logged. */
void accept_delay_add(struct accept_delay *delay, int error, int64_t now);

/* A connection was accepted: log the delays that were not logged yet, if a minute has passed. */
void accept_delay_end(struct accept_delay *delay, int64_t now);

/* The delays of all listeners since the start. Any thread. */
struct accept_delays {
	uint64_t count;
	int64_t last; /* clock_ms() of the last one; 0: none */
	int error;    /* its errno */
};
struct accept_delays accept_delays(void);

#endif
