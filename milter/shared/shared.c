/*
 * The objects that all sessions share. Owns the scratch pool, the failures of regexes, the counts
 * of open connections and of verdicts, the latest clients, the names of the MTAs, and the
 * suspensions; borrows the snapshot and the ledger. Called from any thread.
 */
#include "milter/shared/shared.h"

#include <pthread.h>
#include <stdlib.h>

struct shared {
	struct snapshot *snapshot;
	struct scratch_pool *scratches;
	struct regex_failures *regex_failures;
	struct open_clients *open_clients;
	struct mta_names *mta_names;
	struct client_share *client_share;
	uint64_t exempt_logins;	      /* atomic */
	uint64_t hidden_messages;     /* atomic */
	uint64_t unreported_messages; /* atomic */
	const struct ledger_ops *ledger;
	uint64_t (*now)(const void *context);
	const void *now_context;
	shared_suspend_fn *suspend;
	void *suspend_context;
	struct suspensions *suspensions;
	struct verdict_counts verdict_counts;
	bool is_inet;
	pthread_mutex_t lock; /* guards settings */
	struct settings *settings;
};

struct shared *shared_new(struct snapshot *snapshot, struct settings *settings, bool is_inet)
{
	struct shared *shared = calloc(1, sizeof(*shared));

	if (shared == NULL)
		return NULL;
	if ((shared->scratches = scratch_pool_new()) == NULL ||
		(shared->regex_failures = regex_failures_new()) == NULL ||
		(shared->open_clients = open_clients_new()) == NULL ||
		(shared->mta_names = mta_names_new()) == NULL ||
		(shared->client_share = client_share_new()) == NULL ||
		(shared->suspensions = suspensions_new()) == NULL ||
		verdict_counts_init(&shared->verdict_counts) != 0 ||
		pthread_mutex_init(&shared->lock, NULL) != 0) {
		scratch_pool_free(&shared->scratches);
		regex_failures_free(&shared->regex_failures);
		open_clients_free(&shared->open_clients);
		mta_names_free(&shared->mta_names);
		client_share_free(&shared->client_share);
		suspensions_free(&shared->suspensions);
		verdict_counts_clear(&shared->verdict_counts);
		free(shared);
		return NULL;
	}
	shared->snapshot = snapshot;
	shared->settings = settings_ref(settings);
	shared->is_inet = is_inet;
	return shared;
}

void shared_free(struct shared **shared)
{
	if (*shared == NULL)
		return;
	settings_unref(&(*shared)->settings);
	scratch_pool_free(&(*shared)->scratches);
	regex_failures_free(&(*shared)->regex_failures);
	open_clients_free(&(*shared)->open_clients);
	mta_names_free(&(*shared)->mta_names);
	client_share_free(&(*shared)->client_share);
	suspensions_free(&(*shared)->suspensions);
	verdict_counts_clear(&(*shared)->verdict_counts);
	(void)pthread_mutex_destroy(&(*shared)->lock);
	free(*shared);
	*shared = NULL;
}

struct regex_failures *shared_regex_failures(const struct shared *shared)
{
	return shared->regex_failures;
}

void shared_set_settings(struct shared *shared, struct settings *settings)
{
	struct settings *old;

	(void)pthread_mutex_lock(&shared->lock);
	old = shared->settings;
	shared->settings = settings_ref(settings);
	(void)pthread_mutex_unlock(&shared->lock);
	settings_unref(&old);
	__atomic_store_n(&shared->exempt_logins, 0, __ATOMIC_RELAXED);
}

struct settings *shared_settings(struct shared *shared)
{
	struct policy *policy = snapshot_get(shared->snapshot);
	struct settings *settings;

	if (policy != NULL) {
		settings = settings_ref(policy_parts(policy)->settings);
		policy_unref(&policy);
		return settings;
	}
	(void)pthread_mutex_lock(&shared->lock);
	settings = settings_ref(shared->settings);
	(void)pthread_mutex_unlock(&shared->lock);
	return settings;
}

struct snapshot *shared_snapshot(const struct shared *shared)
{
	return shared->snapshot;
}

struct scratch_pool *shared_scratches(const struct shared *shared)
{
	return shared->scratches;
}

struct suspensions *shared_suspensions(const struct shared *shared)
{
	return shared->suspensions;
}

bool shared_is_inet(const struct shared *shared)
{
	return shared->is_inet;
}

void shared_set_ledger(struct shared *shared, const struct ledger_ops *ledger,
	uint64_t (*now)(const void *context), const void *context)
{
	shared->ledger = ledger;
	shared->now = now;
	shared->now_context = context;
}

const struct ledger_ops *shared_ledger(const struct shared *shared)
{
	return shared->ledger;
}

uint64_t shared_now(const struct shared *shared)
{
	return shared->now == NULL ? 0 : shared->now(shared->now_context);
}

void shared_on_suspend(struct shared *shared, shared_suspend_fn *suspend, void *context)
{
	shared->suspend = suspend;
	shared->suspend_context = context;
}

int shared_suspend(const struct shared *shared, const char *login, struct errmsg *err)
{
	if (shared->suspend == NULL)
		return errmsg_set(err, "this process does not store suspensions");
	return shared->suspend(shared->suspend_context, login, err);
}

struct mta_names *shared_mta_names(const struct shared *shared)
{
	return shared->mta_names;
}

struct client_share *shared_client_share(const struct shared *shared)
{
	return shared->client_share;
}

struct open_clients *shared_open_clients(const struct shared *shared)
{
	return shared->open_clients;
}

const struct verdict_counts *shared_verdict_counts(const struct shared *shared)
{
	return &shared->verdict_counts;
}

void shared_count_exempt_login(struct shared *shared)
{
	(void)__atomic_add_fetch(&shared->exempt_logins, 1, __ATOMIC_RELAXED);
}

uint64_t shared_exempt_logins(const struct shared *shared)
{
	return __atomic_load_n(&shared->exempt_logins, __ATOMIC_RELAXED);
}

void shared_count_hidden_message(struct shared *shared)
{
	(void)__atomic_add_fetch(&shared->hidden_messages, 1, __ATOMIC_RELAXED);
}

uint64_t shared_hidden_messages(const struct shared *shared)
{
	return __atomic_load_n(&shared->hidden_messages, __ATOMIC_RELAXED);
}

void shared_count_unreported_message(struct shared *shared)
{
	(void)__atomic_add_fetch(&shared->unreported_messages, 1, __ATOMIC_RELAXED);
}

uint64_t shared_unreported_messages(const struct shared *shared)
{
	return __atomic_load_n(&shared->unreported_messages, __ATOMIC_RELAXED);
}
