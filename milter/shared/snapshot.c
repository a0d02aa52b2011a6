/*
 * The current policy behind a mutex. Holds one reference to it. The cache thread publishes; any
 * thread reads.
 */
#include "milter/shared/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

struct snapshot {
	pthread_mutex_t lock; /* guards policy, and taking a reference to it */
	struct policy *policy;
};

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot != NULL && pthread_mutex_init(&snapshot->lock, NULL) != 0) {
		free(snapshot);
		snapshot = NULL;
	}
	return snapshot;
}

void snapshot_free(struct snapshot **snapshot)
{
	if (*snapshot == NULL)
		return;
	policy_unref(&(*snapshot)->policy);
	(void)pthread_mutex_destroy(&(*snapshot)->lock);
	free(*snapshot);
	*snapshot = NULL;
}

struct policy *snapshot_get(struct snapshot *snapshot)
{
	struct policy *policy;

	(void)pthread_mutex_lock(&snapshot->lock);
	policy = snapshot->policy;
	if (policy != NULL)
		policy = policy_ref(policy);
	(void)pthread_mutex_unlock(&snapshot->lock);
	return policy;
}

void snapshot_publish(struct snapshot *snapshot, struct policy *policy)
{
	struct policy *old;

	(void)pthread_mutex_lock(&snapshot->lock);
	old = snapshot->policy;
	snapshot->policy = policy;
	(void)pthread_mutex_unlock(&snapshot->lock);
	policy_unref(&old);
}
