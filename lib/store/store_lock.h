#ifndef POSTERN_STORE_LOCK_H
#define POSTERN_STORE_LOCK_H

#include <stdbool.h>

#include "lib/conf/file_lock.h"

/*
 * The lock PATH.lock of the store PATH. Whoever keeps the rows of a database in a store and its
 * journal has it, because two writers would cut each other's lines. It is a file of its own, since
 * the store is replaced; readers, and people who edit the store, do without it.
 */

/* Return the path of a store's lock; the caller frees it. NULL when out of memory. */
char *store_lock_path(const char *store_path);

/* Lock a store, as file_lock_take(). */
enum file_lock store_lock_take(const char *store_path, int *fd, struct errmsg *err);

/* Return whether a daemon keeps rows in the store. */
bool store_lock_is_busy(const char *store_path);

#endif
