#ifndef POSTERN_FAIR_QUEUE_H
#define POSTERN_FAIR_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * A queue in which no flow's items can use all turns. Each item has a rank and the key of its flow
 * (the network or login that causes it). Each turn, in a fixed sequence, belongs to a set of ranks:
 * it goes to the first of them that has items or, if none has, to the first of all ranks. Within a
 * rank the flows take turns, and within a flow the items are in order. Therefore an item waits only
 * for earlier items of its own flow and as many of each other flow of its rank, and a rank that has
 * a turn for itself alone never waits for ever, provided that some calls may serve it.
 *
 * Memory: 64 bytes for each flow that has items. The items are the caller's, who bounds their
 * number. One thread at a time may use it.
 */
struct fair_queue;
struct fair_flow;

#define FAIR_RANKS_MAX 8

struct fair_item {
	TAILQ_ENTRY(fair_item) link;
	struct fair_flow *flow; /* NULL: not in a queue */
};

/* ranks: their number. turns: sets of ranks (1 << rank), whose sequence the queue repeats;
 * borrowed. Returns NULL when out of memory. */
struct fair_queue *fair_queue_new(unsigned ranks, const uint8_t *turns, size_t turn_count);
void fair_queue_free(struct fair_queue **queue); /* after all items have gone; accepts NULL */

/* Returns 0, or -1 when out of memory. */
int fair_queue_add(struct fair_queue *queue, struct fair_item *item, unsigned rank, uint64_t flow);

/* Remove and return the next item of the ranks in the set (1 << rank); NULL: none. */
struct fair_item *fair_queue_next(struct fair_queue *queue, unsigned rank_set);

/* Remove an item, if it is in the queue. */
void fair_queue_remove(struct fair_queue *queue, struct fair_item *item);

#endif
