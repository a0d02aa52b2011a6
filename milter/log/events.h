#ifndef POSTERN_EVENTS_H
#define POSTERN_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decisions for those who follow them (`posternctl tail`): a bounded queue from the threads that
 * decide to the server thread, which writes to the followers. Without followers it costs nothing.
 * An event that does not fit is dropped and counted; no thread waits.
 */
#define EVENTS_MAX 4096 /* waiting events */

/* Return whether anybody follows; otherwise the caller need not make the event. Any thread. */
bool events_wanted(void);

/* Return how many follow. Any thread. */
unsigned events_followers(void);

/* Add a line of JSON without its LF, allocated by malloc(); takes ownership. Any thread. */
void events_add(char *line);

/*
 * Begin or end following. The followers are counted, and when the last one ends, the waiting events
 * are freed. wake() is called by a thread that adds an event to an empty queue, with a lock held;
 * it must not call this module.
 */
void events_follow(void (*wake)(void *context), void *context);
void events_unfollow(void);

/*
 * Remove and return the oldest event, which the caller frees, or NULL. *dropped_r is how many
 * events were dropped before it; it is unchanged when NULL is returned.
 */
char *events_take(uint64_t *dropped_r);

#endif
