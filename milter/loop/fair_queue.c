/*
 * A queue of ranks, of flows that take turns within each, and of the items of each flow. It owns
 * the flows; the items are the caller's. One thread at a time uses it.
 */
#include "milter/loop/fair_queue.h"

#include <stdbool.h>
#include <stdlib.h>

#define BUCKETS 1024 /* a power of 2 */

struct fair_flow {
	TAILQ_ENTRY(fair_flow) link; /* in its rank; the first has the next turn */
	LIST_ENTRY(fair_flow) in_bucket;
	TAILQ_HEAD(item_list, fair_item) items;
	uint64_t key;
	unsigned rank;
};

struct fair_queue {
	TAILQ_HEAD(flow_list, fair_flow) rank[FAIR_RANKS_MAX];
	LIST_HEAD(flow_bucket, fair_flow) bucket[BUCKETS];
	const uint8_t *turns;
	size_t turn_count;
	size_t turn;  /* the next */
	size_t spare; /* the next of those that other calls have while it waits */
	unsigned ranks;
};

struct fair_queue *fair_queue_new(unsigned ranks, const uint8_t *turns, size_t turn_count)
{
	struct fair_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	queue->turns = turns;
	queue->turn_count = turn_count;
	queue->ranks = ranks;
	for (int rank = 0; rank < FAIR_RANKS_MAX; rank++)
		TAILQ_INIT(&queue->rank[rank]);
	return queue; /* calloc() has made the buckets empty lists */
}

void fair_queue_free(struct fair_queue **queue)
{
	free(*queue);
	*queue = NULL;
}

int fair_queue_add(struct fair_queue *queue, struct fair_item *item, unsigned rank, uint64_t key)
{
	struct fair_flow *flow = NULL;

	LIST_FOREACH(flow, &queue->bucket[key & (BUCKETS - 1)], in_bucket)
	{
		if (flow->key == key && flow->rank == rank)
			break;
	}
	if (flow == NULL) {
		if ((flow = calloc(1, sizeof(*flow))) == NULL)
			return -1;
		flow->key = key;
		flow->rank = rank;
		TAILQ_INIT(&flow->items);
		LIST_INSERT_HEAD(&queue->bucket[key & (BUCKETS - 1)], flow, in_bucket);
		TAILQ_INSERT_TAIL(&queue->rank[rank], flow, link);
	}
	item->flow = flow;
	TAILQ_INSERT_TAIL(&flow->items, item, link);
	return 0;
}

void fair_queue_remove(struct fair_queue *queue, struct fair_item *item)
{
	struct fair_flow *flow = item->flow;

	if (flow == NULL)
		return;
	TAILQ_REMOVE(&flow->items, item, link);
	item->flow = NULL;
	if (!TAILQ_EMPTY(&flow->items))
		return;
	TAILQ_REMOVE(&queue->rank[flow->rank], flow, link);
	LIST_REMOVE(flow, in_bucket);
	free(flow);
}

/* Return the first rank of the set that has items; queue->ranks: none has. */
static unsigned first_rank(const struct fair_queue *queue, unsigned rank_set)
{
	unsigned rank = 0;

	while (rank < queue->ranks &&
		((rank_set & 1U << rank) == 0 || TAILQ_EMPTY(&queue->rank[rank])))
		rank++;
	return rank;
}

static size_t next_turn(const struct fair_queue *queue, size_t turn)
{
	return turn + 1 == queue->turn_count ? 0 : turn + 1;
}

/*
 * Return the rank that has the turn. A turn of other ranks waits for a call that may serve one of
 * them, because calls with few ranks may always meet the same turns. Meanwhile, these calls have
 * turns of their own.
 */
static unsigned rank_of_turn(struct fair_queue *queue, unsigned rank_set)
{
	const bool is_for_call = (queue->turns[queue->turn] & rank_set) != 0;
	size_t *turn = is_for_call ? &queue->turn : &queue->spare;
	unsigned rank;

	for (size_t i = 0; i < queue->turn_count && (queue->turns[*turn] & rank_set) == 0; i++)
		*turn = next_turn(queue, *turn);
	rank = first_rank(queue, rank_set & queue->turns[*turn]);
	*turn = next_turn(queue, *turn);
	return rank < queue->ranks ? rank : first_rank(queue, rank_set);
}

struct fair_item *fair_queue_next(struct fair_queue *queue, unsigned rank_set)
{
	const unsigned rank = rank_of_turn(queue, rank_set);
	struct fair_item *item;
	struct fair_flow *flow;

	if (rank == queue->ranks)
		return NULL;
	flow = TAILQ_FIRST(&queue->rank[rank]);
	TAILQ_REMOVE(&queue->rank[rank], flow, link);
	TAILQ_INSERT_TAIL(&queue->rank[rank], flow, link);
	item = TAILQ_FIRST(&flow->items);
	fair_queue_remove(queue, item);
	return item;
}
