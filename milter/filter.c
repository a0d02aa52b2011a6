#include "milter/filter.h"

#include <pthread.h>
#include <stdlib.h>

struct filter {
	struct snapshot *snapshot;
	struct scratch_pool *scratches;
	struct open_clients *clients;
	struct ledger *ledger;
	uint64_t (*now)(const void *context);
	const void *now_context;
	filter_suspend_fn *suspend;
	void *suspend_context;
	struct suspensions *suspensions;
	bool is_inet;
	pthread_mutex_t lock; /* guards settings */
	struct settings *settings;
};

struct filter *filter_new(struct snapshot *snapshot, struct settings *settings, bool is_inet)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter == NULL)
		return NULL;
	if ((filter->scratches = scratch_pool_new()) == NULL ||
		(filter->clients = open_clients_new()) == NULL ||
		(filter->suspensions = suspensions_new()) == NULL ||
		pthread_mutex_init(&filter->lock, NULL) != 0) {
		scratch_pool_free(&filter->scratches);
		open_clients_free(&filter->clients);
		suspensions_free(&filter->suspensions);
		free(filter);
		return NULL;
	}
	filter->snapshot = snapshot;
	filter->settings = settings_ref(settings);
	filter->is_inet = is_inet;
	return filter;
}

void filter_free(struct filter **filter)
{
	if (*filter == NULL)
		return;
	settings_unref(&(*filter)->settings);
	scratch_pool_free(&(*filter)->scratches);
	open_clients_free(&(*filter)->clients);
	suspensions_free(&(*filter)->suspensions);
	(void)pthread_mutex_destroy(&(*filter)->lock);
	free(*filter);
	*filter = NULL;
}

void filter_set_settings(struct filter *filter, struct settings *settings)
{
	struct settings *old;

	(void)pthread_mutex_lock(&filter->lock);
	old = filter->settings;
	filter->settings = settings_ref(settings);
	(void)pthread_mutex_unlock(&filter->lock);
	settings_unref(&old);
}

struct settings *filter_settings(struct filter *filter)
{
	struct policy *policy = snapshot_get(filter->snapshot);
	struct settings *settings;

	if (policy != NULL) {
		settings = settings_ref(policy_parts(policy)->settings);
		policy_unref(&policy);
		return settings;
	}
	(void)pthread_mutex_lock(&filter->lock);
	settings = settings_ref(filter->settings);
	(void)pthread_mutex_unlock(&filter->lock);
	return settings;
}

struct snapshot *filter_snapshot(const struct filter *filter)
{
	return filter->snapshot;
}

struct scratch_pool *filter_scratches(const struct filter *filter)
{
	return filter->scratches;
}

struct suspensions *filter_suspensions(const struct filter *filter)
{
	return filter->suspensions;
}

bool filter_is_inet(const struct filter *filter)
{
	return filter->is_inet;
}

void filter_set_ledger(struct filter *filter, struct ledger *ledger,
	uint64_t (*now)(const void *context), const void *context)
{
	filter->ledger = ledger;
	filter->now = now;
	filter->now_context = context;
}

struct ledger *filter_ledger(const struct filter *filter)
{
	return filter->ledger;
}

uint64_t filter_now(const struct filter *filter)
{
	return filter->now == NULL ? 0 : filter->now(filter->now_context);
}

void filter_on_suspend(struct filter *filter, filter_suspend_fn *suspend, void *context)
{
	filter->suspend = suspend;
	filter->suspend_context = context;
}

int filter_suspend(const struct filter *filter, const char *login, struct errmsg *err)
{
	if (filter->suspend == NULL)
		return errmsg_set(err, "nothing keeps suspensions");
	return filter->suspend(filter->suspend_context, login, err);
}

struct open_clients *filter_clients(const struct filter *filter)
{
	return filter->clients;
}
