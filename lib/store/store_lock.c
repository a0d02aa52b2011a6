/*
 * The lock of a JSON store. Holds no state; any thread. t/unit/test_store_sync.c and
 * t/integration/test_store_lock.py cover it.
 */
#include "lib/store/store_lock.h"

#include <stdio.h>
#include <stdlib.h>

char *store_lock_path(const char *store_path)
{
	char *path;

	return asprintf(&path, "%s.lock", store_path) < 0 ? NULL : path;
}

enum file_lock store_lock_take(const char *store_path, int *fd, struct errmsg *err)
{
	char *path = store_lock_path(store_path);
	enum file_lock result = FILE_LOCK_FAILED;

	if (path == NULL)
		(void)errmsg_set(err, "%s: out of memory", store_path);
	else
		result = file_lock_take(path, fd, err);
	if (result == FILE_LOCK_BUSY)
		(void)errmsg_set(err, "%s: another postern keeps its rows in this store", path);
	free(path);
	return result;
}

bool store_lock_is_busy(const char *store_path)
{
	char *path = store_lock_path(store_path);
	const bool is_busy = path != NULL && file_lock_is_busy(path);

	free(path);
	return is_busy;
}
