/*
 * Remembers the latest finding whose regexes exceeded their limits, for `posternctl status`. Owns
 * its lock, which is only taken for such a finding, and by status. Called from any thread.
 */
#include "milter/shared/regex_failures.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct regex_failures {
	pthread_mutex_t lock; /* guards the others */
	uint64_t count;
	int64_t last;
	char rule[RULE_SIZE];
};

struct regex_failures *regex_failures_new(void)
{
	struct regex_failures *failures = calloc(1, sizeof(*failures));

	if (failures != NULL)
		(void)pthread_mutex_init(&failures->lock, NULL);
	return failures;
}

void regex_failures_free(struct regex_failures **failures)
{
	if (*failures != NULL)
		(void)pthread_mutex_destroy(&(*failures)->lock);
	free(*failures);
	*failures = NULL;
}

void regex_failures_add(struct regex_failures *failures, const struct finding *finding, int64_t now)
{
	(void)pthread_mutex_lock(&failures->lock);
	failures->count++;
	failures->last = now;
	memcpy(failures->rule, finding->rule, sizeof(failures->rule));
	(void)pthread_mutex_unlock(&failures->lock);
}

uint64_t regex_failures_read(struct regex_failures *failures, int64_t *last_r,
	char rule_r[RULE_SIZE])
{
	uint64_t count;

	(void)pthread_mutex_lock(&failures->lock);
	count = failures->count;
	if (count > 0) {
		*last_r = failures->last;
		memcpy(rule_r, failures->rule, sizeof(failures->rule));
	}
	(void)pthread_mutex_unlock(&failures->lock);
	return count;
}
