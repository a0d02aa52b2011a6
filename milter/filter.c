#include "milter/filter.h"

#include <pthread.h>
#include <stdlib.h>

struct filter {
	struct snapshot *snapshot;
	struct scratch_pool *scratches;
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
		(filter->suspensions = suspensions_new()) == NULL ||
		pthread_mutex_init(&filter->lock, NULL) != 0) {
		scratch_pool_free(&filter->scratches);
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
