/*
 * Prepares the regexes of the policy in force in the thread "regexes", which the cache thread
 * starts and ends. The later of the two to finish with the struct regex_preparer frees it.
 */
#include "milter/cache/regex_preparer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/thread.h"
#include "milter/base/deadline.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define RETRY_MS 5000
#define NICENESS 10 /* of the thread, so that mail has priority */

/*
 * The least costly lists come first, but a quarter of the thread's time belongs to the list that
 * has waited the longest, because others may change for ever.
 */
#define OLDEST_PART 4
#define CREDIT_MAX_NS INT64_C(2000000000) /* which the oldest lists can save up */

struct regex_preparer {
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* Guarded by the lock. */
	struct policy *wanted; /* a reference; NULL: nothing new */
	bool is_ending, has_ended, is_abandoned;

	/* The thread's. */
	int64_t credit; /* ns that the oldest lists are behind their part; may be negative */

	/* The cache thread's. */
	bool is_running;     /* the thread was started */
	int64_t due;	     /* when to try to start it; CLOCK_NEVER: not */
	struct errmsg error; /* why it could not be started; "": it could */
	pthread_t thread;
};

struct regex_preparer *regex_preparer_new(void)
{
	struct regex_preparer *preparer = calloc(1, sizeof(*preparer));

	if (preparer == NULL)
		return NULL;
	preparer->due = CLOCK_NEVER;
	(void)pthread_mutex_init(&preparer->lock, NULL);
	deadline_init_cond(&preparer->changed);
	return preparer;
}

static void destroy_preparer(struct regex_preparer *preparer)
{
	policy_unref(&preparer->wanted);
	(void)pthread_cond_destroy(&preparer->changed);
	(void)pthread_mutex_destroy(&preparer->lock);
	free(preparer);
}

/* Return whether the thread has to stop working on its policy. */
static bool has_news(struct regex_preparer *preparer)
{
	bool news;

	(void)pthread_mutex_lock(&preparer->lock);
	news = preparer->wanted != NULL || preparer->is_ending;
	(void)pthread_mutex_unlock(&preparer->lock);
	return news;
}

static int64_t thread_ns(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* Return the index of the list that was made first; count is not 0. */
static size_t find_oldest(struct regexlist *const lists[], size_t count)
{
	size_t oldest = 0;

	for (size_t i = 1; i < count; i++)
		if (regexlist_serial(lists[i]) < regexlist_serial(lists[oldest]))
			oldest = i;
	return oldest;
}

/* Do one step of a list, and note whose time that takes. Returns whether more steps follow. */
static bool prepare_list(struct regex_preparer *preparer, struct regexlist *list, bool is_oldest)
{
	const int64_t begun = thread_ns();
	const bool has_more = regexlist_prepare(list);
	const int64_t took = thread_ns() - begun;

	regexlist_add_time(list, (uint64_t)took);
	preparer->credit += is_oldest ? -took : took / (OLDEST_PART - 1);
	if (preparer->credit > CREDIT_MAX_NS)
		preparer->credit = CREDIT_MAX_NS;
	return has_more;
}

/* lists: by their cost, beginning with the least. */
static void prepare_lists(struct regex_preparer *preparer, struct regexlist *lists[], size_t count)
{
	while (count > 0 && !has_news(preparer)) {
		const bool is_oldest = preparer->credit > 0;
		const size_t i = is_oldest ? find_oldest(lists, count) : 0;

		if (prepare_list(preparer, lists[i], is_oldest))
			continue;
		count--;
		memmove(&lists[i], &lists[i + 1], (count - i) * sizeof(lists[0]));
	}
}

static void prepare_policy(struct regex_preparer *preparer, const struct policy *policy)
{
	size_t count = 0;
	struct regexlist **lists = policy_unprepared(policy, &count);

	if (lists != NULL)
		prepare_lists(preparer, lists, count);
	free(lists);
}

/* Wait for the next policy. NULL: the thread has to end. */
static struct policy *next_policy(struct regex_preparer *preparer)
{
	struct policy *policy;

	(void)pthread_mutex_lock(&preparer->lock);
	while (preparer->wanted == NULL && !preparer->is_ending)
		(void)pthread_cond_wait(&preparer->changed, &preparer->lock);
	policy = preparer->is_ending ? NULL : preparer->wanted;
	if (policy != NULL)
		preparer->wanted = NULL;
	(void)pthread_mutex_unlock(&preparer->lock);
	return policy;
}

static void *run_preparer(void *context)
{
	struct regex_preparer *preparer = context;
	struct policy *policy;
	bool is_abandoned;

	thread_give_way(NICENESS);
	while ((policy = next_policy(preparer)) != NULL) {
		prepare_policy(preparer, policy);
		policy_unref(&policy);
	}
	(void)pthread_mutex_lock(&preparer->lock);
	preparer->has_ended = true;
	is_abandoned = preparer->is_abandoned;
	(void)pthread_cond_broadcast(&preparer->changed);
	(void)pthread_mutex_unlock(&preparer->lock);
	if (is_abandoned)
		destroy_preparer(preparer);
	return NULL;
}

void regex_preparer_want(struct regex_preparer *preparer, struct policy *policy)
{
	struct policy *old;

	(void)pthread_mutex_lock(&preparer->lock);
	old = preparer->wanted;
	preparer->wanted = policy_ref(policy);
	(void)pthread_cond_broadcast(&preparer->changed);
	(void)pthread_mutex_unlock(&preparer->lock);
	policy_unref(&old);
	if (!preparer->is_running && preparer->due == CLOCK_NEVER)
		preparer->due = 0;
}

bool regex_preparer_attend(struct regex_preparer *preparer, int64_t now)
{
	const bool was_refused = preparer->error.text[0] != '\0';
	int error;

	if (now < preparer->due)
		return false;
	if ((error = thread_start(&preparer->thread, "regexes", run_preparer, preparer)) != 0) {
		preparer->due = now + RETRY_MS;
		(void)errmsg_set(&preparer->error,
			"the system refuses the thread that prepares regexes, so that they stay "
			"slow: %s",
			strerror(error));
		if (!was_refused)
			log_event(LOG_LEVEL_WARNING, "%s", preparer->error.text);
		return !was_refused;
	}
	preparer->is_running = true;
	preparer->due = CLOCK_NEVER;
	preparer->error.text[0] = '\0';
	if (was_refused)
		log_event(LOG_LEVEL_NOTICE, "the thread that prepares regexes has started");
	return was_refused;
}

int64_t regex_preparer_due(const struct regex_preparer *preparer)
{
	return preparer->due;
}

const char *regex_preparer_error(const struct regex_preparer *preparer)
{
	return preparer->error.text;
}

/* Tell the thread to end, and wait. Returns whether it has ended; if not, it is abandoned. */
static bool end_thread(struct regex_preparer *preparer, int wait_ms)
{
	struct timespec until;
	int error = 0;
	bool ended;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (until.tv_nsec / 1000000 + wait_ms) / 1000;
	until.tv_nsec = (until.tv_nsec + (long)(wait_ms % 1000) * 1000000) % 1000000000;
	(void)pthread_mutex_lock(&preparer->lock);
	preparer->is_ending = true;
	(void)pthread_cond_broadcast(&preparer->changed);
	while (!preparer->has_ended && error == 0)
		error = pthread_cond_timedwait(&preparer->changed, &preparer->lock, &until);
	ended = preparer->has_ended;
	preparer->is_abandoned = !ended;
	if (!ended)
		(void)pthread_detach(preparer->thread);
	(void)pthread_mutex_unlock(&preparer->lock);
	if (ended)
		(void)pthread_join(preparer->thread, NULL);
	return ended;
}

void regex_preparer_free(struct regex_preparer **preparer, int wait_ms)
{
	struct regex_preparer *gone = *preparer;

	*preparer = NULL;
	if (gone != NULL && (!gone->is_running || end_thread(gone, wait_ms)))
		destroy_preparer(gone);
}
