/*
 * Saves the suspended logins and remembers the last error, which it owns, under a lock. The lock is
 * not held while the file is written. Any thread may call it.
 */
#include "milter/shared/suspension_keeper.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/store/suspensions_file.h"

struct suspension_keeper {
	const char *path;
	struct suspensions *suspensions;
	pthread_mutex_t lock; /* guards error */
	struct errmsg error;
};

struct suspension_keeper *suspension_keeper_new(const char *path, struct suspensions *suspensions)
{
	struct suspension_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL || pthread_mutex_init(&keeper->lock, NULL) != 0) {
		free(keeper);
		return NULL;
	}
	keeper->path = path;
	keeper->suspensions = suspensions;
	return keeper;
}

void suspension_keeper_free(struct suspension_keeper **keeper)
{
	struct suspension_keeper *gone = *keeper;

	*keeper = NULL;
	if (gone == NULL)
		return;
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}

static void set_error(struct suspension_keeper *keeper, const struct errmsg *error)
{
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->error = *error;
	(void)pthread_mutex_unlock(&keeper->lock);
}

int suspension_keeper_save(struct suspension_keeper *keeper, struct errmsg *err)
{
	const struct errmsg none = { "" };
	const int ret = suspensions_save(keeper->path, keeper->suspensions, err);

	set_error(keeper, ret == 0 ? &none : err);
	return ret;
}

int suspension_keeper_retry(struct suspension_keeper *keeper)
{
	struct errmsg err;

	suspension_keeper_error(keeper, &err);
	if (err.text[0] == '\0')
		return 0;
	return suspension_keeper_save(keeper, &err) == 0 ? 1 : -1;
}

void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	(void)pthread_mutex_lock(&keeper->lock);
	*err_r = keeper->error;
	(void)pthread_mutex_unlock(&keeper->lock);
}
