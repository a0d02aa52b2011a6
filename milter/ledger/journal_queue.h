#ifndef POSTERN_JOURNAL_QUEUE_H
#define POSTERN_JOURNAL_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * Bytes on their way to a file whose disk may hang. Threads add to the batch that is collected;
 * then one of them writes it, for all, while the others wait for at most JOURNAL_PATIENCE_MS. A
 * thread that must not hang, or should not because the disk is in doubt, lets the queue's own
 * thread write. Handing every batch to that thread would cost ten times as much as writing does,
 * but it costs nothing that matters if it happens at most once in JOURNAL_PROOF_MS.
 *
 * The lock is held whenever a function is called and when it returns, unless its comment says
 * otherwise. It also guards what the owner of the queue wants it to.
 */
#define JOURNAL_PATIENCE_MS 2000
#define JOURNAL_PROOF_MS 20 /* after a write, the next one hardly hangs */

/* Write the batch, all of it or nothing. The lock is held, and must be released to write; nobody
 * else writes meanwhile. Returns 0, or -1. */
typedef int journal_write_fn(void *context, const struct strbuf *batch);

/* The fields belong to journal_queue.c, apart from the lock. */
struct journal_queue {
	pthread_mutex_t lock;
	journal_write_fn *write;
	void *context;
	struct strbuf collected,
		written;       /* the batch that is collected, and that which is written */
	uint64_t number;       /* of the batch that is collected */
	uint64_t done, failed; /* the last batch whose write has ended, or failed; 0: none */
	int64_t since;	       /* when the write in progress began; 0: there is none */
	int64_t answered;      /* when the last write succeeded */
	unsigned waiting;      /* threads that wait for `ended` */
	pthread_cond_t ended;  /* a write has */
	pthread_cond_t wanted; /* the queue's thread waits for it */
	bool is_wanted, has_thread, is_ending;
	pthread_t thread;
};

/* Without the lock, in the owner's first and last use. The thread may not run any more. */
void journal_queue_init(struct journal_queue *queue, journal_write_fn *write, void *context);
void journal_queue_clear(struct journal_queue *queue);

/* Start the queue's thread; until then, whoever settles writes. Returns 0, or an errno. Without the
 * lock, and so is the stop, which waits for a write in progress. */
int journal_queue_start(struct journal_queue *queue);
void journal_queue_stop(struct journal_queue *queue);

/* Return the batch for the caller to append to; the calling thread can settle it. */
struct strbuf *journal_queue_add(struct journal_queue *queue);

/* Forget what the calling thread has added: it has nothing to settle. */
void journal_queue_skip(void);

/* Return whether anything is collected. */
bool journal_queue_has_more(const struct journal_queue *queue);

/*
 * Wait until what the calling thread has added last has been written. by_itself: the thread may
 * write it, and hang for as long as the disk does, unless a write fails meanwhile. Returns 0, or -1
 * if the write failed or has not ended in time. Releases the lock meanwhile.
 */
int journal_queue_settle(struct journal_queue *queue, bool by_itself);

/* Write what is collected, and wait for a write in progress, however long that takes. Releases the
 * lock meanwhile. */
void journal_queue_flush(struct journal_queue *queue);

/* Wait until no write is in progress, however long that takes. Releases the lock meanwhile. */
void journal_queue_rest(struct journal_queue *queue);

/* Return whether a write has succeeded within JOURNAL_PROOF_MS. */
bool journal_queue_is_proven(const struct journal_queue *queue);

/* Return for how many milliseconds the write in progress lasts longer than anybody waits for it; 0:
 * it does not, or there is none. */
int64_t journal_queue_late(const struct journal_queue *queue);

#endif
