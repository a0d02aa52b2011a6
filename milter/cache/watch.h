#ifndef POSTERN_WATCH_H
#define POSTERN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf/file.h"

/*
 * Watches a handful of files for changes: by inotify on their folders, and by their stamps now and
 * then (every few hundred milliseconds where there is no inotify), which finds what inotify doesn't
 * tell: network file systems, links to other folders, lost events. Says when a file may be read,
 * see settle.h. Times are milliseconds of one monotonic clock. For one thread. Logs when a
 * folder is gone, and when it is back.
 */
struct watch;

#define WATCH_FILES 16	      /* slots 0 to 15 */
#define WATCH_NEVER INT64_MAX /* as CLOCK_NEVER */

/* by_events false: stamps alone, as where there is no inotify. NULL when out of memory. */
struct watch *watch_new(bool by_events);
void watch_free(struct watch **watch); /* takes NULL */

/* Readable when there is something to look at; -1: there is no inotify. */
int watch_fd(const struct watch *watch);

/*
 * Watch path in that slot (NULL: nothing any more). The same path again changes nothing; another
 * one is to be read. -1 when out of memory: the slot is empty then.
 */
int watch_file(struct watch *watch, size_t slot, const char *path);

/* The next file that is to be read now, in *slot_r; false: none is. Call it until then. */
bool watch_next(struct watch *watch, int64_t now, size_t *slot_r);

/* What became of that: read (stamp of what was), or not. */
void watch_loaded(struct watch *watch, size_t slot, const struct file_stamp *stamp);
void watch_failed(struct watch *watch, size_t slot, int64_t now);

/* Whether that state of the file is the one that was read last. */
bool watch_is_loaded(const struct watch *watch, size_t slot, const struct file_stamp *stamp);

/* Have the file read again, changed or not. */
void watch_force(struct watch *watch, size_t slot);

/* When watch_next() has to be called at the latest, though watch_fd() is not readable. */
int64_t watch_due(const struct watch *watch);

/* Whether the file is to be read, now or once it is left alone. Its folder gone: no. */
bool watch_is_pending(const struct watch *watch, size_t slot);

/* Whether the folder of that slot is gone: then its files are not looked at. */
bool watch_folder_gone(const struct watch *watch, size_t slot);

#endif
