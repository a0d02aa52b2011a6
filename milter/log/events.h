#ifndef POSTERN_EVENTS_H
#define POSTERN_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decisions on their way to whoever follows them (`posternctl tail`): a bounded queue between the
 * threads that decide and the one that writes to the followers. Costs nothing while nobody
 * follows; what finds no room is dropped and counted, and nobody waits.
 */
#define EVENTS_MAX 4096 /* events that wait */

/* Whether anybody follows: else don't even make the event. Any thread. */
bool events_wanted(void);

/* How many follow. */
unsigned events_followers(void);

/* Add a JSON line (without its LF), malloc()ed: it is the queue's. Any thread. */
void events_add(char *line);

/* Begin or end following; counted. wake() is called (in the thread that adds) when the queue was
 * empty. */
void events_follow(void (*wake)(void *context), void *context);
void events_unfollow(void);

/* The oldest event, the caller's to free(), or NULL. *dropped_r: how many were lost before it. */
char *events_take(uint64_t *dropped_r);

#endif
