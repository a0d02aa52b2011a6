/*
 * Lets many threads write to one file of which none may hang for long. Owns the batches and the
 * thread "journal". Any thread may call it. Shown by t/unit/test_journal_queue.c.
 */
#include "milter/ledger/journal_queue.h"

#include <errno.h>
#include <time.h>

#include "lib/base/thread.h"
#include "milter/base/deadline.h"

static _Thread_local uint64_t own_batch; /* with the bytes that this thread added last; 0: none */

/* The time to some milliseconds, because each charge asks for it, and an exact clock costs more. */
static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void journal_queue_init(struct journal_queue *queue, journal_write_fn *write, void *context)
{
	*queue = (struct journal_queue){ .write = write, .context = context, .number = 1 };
	(void)pthread_mutex_init(&queue->lock, NULL);
	deadline_init_cond(&queue->ended);
	deadline_init_cond(&queue->wanted);
}

void journal_queue_clear(struct journal_queue *queue)
{
	strbuf_free(&queue->collected);
	strbuf_free(&queue->written);
	(void)pthread_cond_destroy(&queue->ended);
	(void)pthread_cond_destroy(&queue->wanted);
	(void)pthread_mutex_destroy(&queue->lock);
}

struct strbuf *journal_queue_add(struct journal_queue *queue)
{
	own_batch = queue->number;
	return &queue->collected;
}

void journal_queue_skip(void)
{
	own_batch = 0;
}

bool journal_queue_has_more(const struct journal_queue *queue)
{
	return queue->collected.len > 0 || queue->collected.failed;
}

/* For how many milliseconds the write in progress lasts; 0: there is none. */
static int64_t write_lasts(const struct journal_queue *queue)
{
	return queue->since == 0 ? 0 : now_ms() - queue->since;
}

int64_t journal_queue_late(const struct journal_queue *queue)
{
	const int64_t lasts = write_lasts(queue);

	return lasts < JOURNAL_PATIENCE_MS ? 0 : lasts;
}

bool journal_queue_is_proven(const struct journal_queue *queue)
{
	return now_ms() - queue->answered < JOURNAL_PROOF_MS;
}

/* Write what was collected. No other write is in progress. */
static void write_batch(struct journal_queue *queue)
{
	const struct strbuf empty = queue->written;
	const uint64_t number = queue->number++;

	queue->written = queue->collected;
	queue->collected = empty;
	queue->since = now_ms();
	if (queue->write(queue->context, &queue->written) != 0)
		queue->failed = number;
	else
		queue->answered = now_ms();
	queue->done = number;
	queue->since = 0;
	strbuf_reset(&queue->written);
	if (queue->waiting > 0)
		(void)pthread_cond_broadcast(&queue->ended);
}

/* The milliseconds for which anybody may wait from now on: 0 while a write is late. */
static int patience_left(const struct journal_queue *queue)
{
	const int64_t lasts = write_lasts(queue);

	return lasts < JOURNAL_PATIENCE_MS ? (int)(JOURNAL_PATIENCE_MS - lasts) : 0;
}

/* Wait for the end of a write. Returns false when the time is over. */
static bool wait_for_end(struct journal_queue *queue, const struct timespec *until)
{
	int error;

	queue->waiting++;
	error = until == NULL ? pthread_cond_wait(&queue->ended, &queue->lock) :
				pthread_cond_timedwait(&queue->ended, &queue->lock, until);
	queue->waiting--;
	return error != ETIMEDOUT;
}

int journal_queue_settle(struct journal_queue *queue, bool by_itself)
{
	const uint64_t batch = own_batch;
	struct timespec until = { .tv_sec = 0 };
	bool goes_on = true;

	while (queue->done < batch && goes_on) {
		if (queue->since == 0 && (by_itself || !queue->has_thread)) {
			write_batch(queue);
			continue;
		}
		if (until.tv_sec == 0)
			until = deadline_in(patience_left(queue));
		if (queue->since == 0) {
			queue->is_wanted = true;
			(void)pthread_cond_signal(&queue->wanted);
		}
		goes_on = wait_for_end(queue, &until);
		by_itself &= queue->failed < queue->done; /* else the disk is in doubt */
	}
	/* If a later batch failed, this one counts as failed, too: few need to be remembered. */
	return queue->done >= batch && (batch == 0 || queue->failed < batch) ? 0 : -1;
}

void journal_queue_rest(struct journal_queue *queue)
{
	while (queue->since != 0)
		(void)wait_for_end(queue, NULL);
}

void journal_queue_flush(struct journal_queue *queue)
{
	const uint64_t last = queue->number - (journal_queue_has_more(queue) ? 0 : 1);

	while (queue->done < last) {
		if (queue->since == 0)
			write_batch(queue);
		else
			(void)wait_for_end(queue, NULL);
	}
}

static void *run_queue(void *argument)
{
	struct journal_queue *queue = argument;

	(void)pthread_mutex_lock(&queue->lock);
	while (!queue->is_ending) {
		if (!queue->is_wanted) {
			(void)pthread_cond_wait(&queue->wanted, &queue->lock);
			continue;
		}
		journal_queue_rest(queue);
		queue->is_wanted = false;
		if (journal_queue_has_more(queue))
			write_batch(queue);
	}
	(void)pthread_mutex_unlock(&queue->lock);
	return NULL;
}

int journal_queue_start(struct journal_queue *queue)
{
	const int error = thread_start(&queue->thread, "journal", run_queue, queue);

	(void)pthread_mutex_lock(&queue->lock);
	queue->has_thread = error == 0;
	(void)pthread_mutex_unlock(&queue->lock);
	return error;
}

void journal_queue_stop(struct journal_queue *queue)
{
	bool had_thread;

	(void)pthread_mutex_lock(&queue->lock);
	had_thread = queue->has_thread;
	queue->has_thread = false;
	queue->is_ending = true;
	(void)pthread_cond_signal(&queue->wanted);
	(void)pthread_mutex_unlock(&queue->lock);
	if (had_thread)
		(void)pthread_join(queue->thread, NULL);
}
