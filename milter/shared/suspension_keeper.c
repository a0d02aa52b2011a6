/*
 * Saves the suspended logins, looks at their file, and remembers the last errors, which it owns,
 * under a lock. The lock is not held while the file is written or read.
 */
#include "milter/shared/suspension_keeper.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/conf/file.h"
#include "lib/store/suspensions_file.h"

struct suspension_keeper {
	const char *path;
	struct suspensions *suspensions;
	struct file_stamp seen; /* of the file that was looked at last */
	pthread_mutex_t lock;	/* guards the errors */
	struct errmsg error, file_error;
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

static void copy_error(struct suspension_keeper *keeper, struct errmsg *to,
	const struct errmsg *from)
{
	(void)pthread_mutex_lock(&keeper->lock);
	*to = *from;
	(void)pthread_mutex_unlock(&keeper->lock);
}

int suspension_keeper_save(struct suspension_keeper *keeper, struct errmsg *err)
{
	const struct errmsg none = { "" };
	const int ret = suspensions_save(keeper->path, keeper->suspensions, err);

	copy_error(keeper, &keeper->error, ret == 0 ? &none : err);
	if (ret == 0)
		copy_error(keeper, &keeper->file_error, &none);
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
	copy_error(keeper, err_r, &keeper->error);
}

int suspension_keeper_look(struct suspension_keeper *keeper)
{
	struct suspensions *read;
	struct errmsg err = { "" };
	struct file_stamp stamp;

	if (keeper->path[0] == '\0' || file_stamp(keeper->path, &stamp, &err) != 0 ||
		file_stamp_equal(&stamp, &keeper->seen))
		return 0;
	if ((read = suspensions_new()) == NULL)
		return 0;
	keeper->seen = stamp;
	(void)suspensions_load(keeper->path, read, &err);
	suspensions_free(&read);
	copy_error(keeper, &keeper->file_error, &err);
	return err.text[0] == '\0' ? 0 : 1;
}

void suspension_keeper_file_error(struct suspension_keeper *keeper, struct errmsg *err_r)
{
	copy_error(keeper, err_r, &keeper->file_error);
}
