#ifndef POSTERN_WATCH_H
#define POSTERN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf/file.h"
#include "milter/loop/job.h"

/*
 * Watches a few files for changes: by inotify on their folders, and by comparing their stamps at
 * intervals, which finds changes that inotify does not report (network file systems, links to other
 * folders, lost events). It determines when a file may be read, by the rules of settle.h. It logs
 * when a folder disappears and when it is back. Times are milliseconds of one monotonic clock. Only
 * one thread may call these functions. None of them waits for a file system: each folder, with its
 * files, is looked at in a thread of its own, which is abandoned if nobody needs it any more.
 */
struct watch;

#define WATCH_FILES 16	      /* slots 0 to 15 */
#define WATCH_NEVER INT64_MAX /* the same as CLOCK_NEVER */

/* When a look has taken this long, its file system is reported not to answer. */
#define WATCH_LATE_MS 2000

/*
 * by_events false: compare stamps only, as on a system without inotify. The eventfd wake_fd gets 1
 * added when a look has ended. Returns NULL when out of memory.
 */
struct watch *watch_new(bool by_events, int wake_fd);
void watch_free(struct watch **watch); /* accepts NULL */

/* Readable when a file may have changed; -1: there is no inotify. */
int watch_fd(const struct watch *watch);

/*
 * Watch path in that slot; NULL empties the slot. A path that is new in the slot will be read.
 * Returns 0, or -1 when out of memory, with the slot empty.
 */
int watch_file(struct watch *watch, size_t slot, const char *path);

/* Begin the looks that are due, and note what those have found that have ended. Call this when
 * watch_fd() is readable, wake_fd was, or watch_due() has come. */
void watch_look(struct watch *watch, int64_t now);

/* Return whether looks are under way or due. */
bool watch_is_looking(const struct watch *watch, int64_t now);

/* Return the look at the slot's file or folder that is under way, only to be passed to job_waits();
 * NULL: there is none. */
struct job *watch_look_at(const struct watch *watch, size_t slot);

/* Return whether that look has waited for one path for WATCH_LATE_MS. If the path is another file
 * of the folder, that one alone is waited for from then on. */
bool watch_is_unanswered(const struct watch *watch, size_t slot);

/* Return whether the file itself, and not its folder, has not answered for WATCH_LATE_MS. */
bool watch_is_stuck(const struct watch *watch, size_t slot);

/* Return the errno for which the system refused a thread for the last look, so that the caller's
 * thread made it; 0: there was one. */
int watch_refused(const struct watch *watch);

/* The stamp of the folder of the slot's file at the last look; all zero: it did not exist. */
const struct file_stamp *watch_folder_stamp(const struct watch *watch, size_t slot);

/* The stamp of the file at the first look after watch_force(); before that, none that a file has.
 */
const struct file_stamp *watch_stamp_when_forced(const struct watch *watch, size_t slot);

/*
 * Find the next file that must be read now, in the order of the changes, so that no policy has a
 * change without those before it; those whose order is not known have their turns. Returns false if
 * there is none; call it until then, and again after watch_look().
 */
bool watch_next(struct watch *watch, size_t *slot_r);

/* Return whether this file must be read now, before all others. A file that must be read is found
 * again only after the result of the read was reported. */
bool watch_must_read(struct watch *watch, size_t slot);

/*
 * Return whether the text that was read, in the state of stamp, had settled (settle.h). If not,
 * report it with watch_dropped(): it is not used, and the file is read again.
 */
bool watch_had_settled(const struct watch *watch, size_t slot, const struct file_stamp *stamp,
	int64_t now);
void watch_dropped(struct watch *watch, size_t slot, int64_t now);

/* Report the result of that read, which may take long: the stamp of the text that was read, or a
 * failure. Changes and watch_force() since it began have the file read again. */
void watch_loaded(struct watch *watch, size_t slot, const struct file_stamp *stamp);
void watch_failed(struct watch *watch, size_t slot, int64_t now);

/*
 * Report that the text which was read is not used, because much is missing from it. It is read
 * again when it changes, and once it is complete.
 */
void watch_held(struct watch *watch, size_t slot, const struct file_stamp *stamp, int64_t now);

/* Return whether the text in the state of stamp is complete, as far as can be known. */
bool watch_is_complete(const struct watch *watch, size_t slot, const struct file_stamp *stamp,
	int64_t now);

/* Return whether a process probably has the file open for writing. */
bool watch_is_written(const struct watch *watch, size_t slot);

/* Return whether stamp is that of the last read. */
bool watch_is_loaded(const struct watch *watch, size_t slot, const struct file_stamp *stamp);

/* Have the file read even if it has not changed: again, if it is being read. */
void watch_force(struct watch *watch, size_t slot);

/* Return whether the file is being read, so that a result has yet to be reported. If it is not, the
 * result of a read that began earlier must not be used: the slot has another path, or the path
 * leads to another folder. */
bool watch_is_reading(const struct watch *watch, size_t slot);

/* Return whether the file is being read and was forced meanwhile. */
bool watch_is_forced(const struct watch *watch, size_t slot);

/* When watch_look() must be called at the latest, even if watch_fd() is not readable. */
int64_t watch_due(const struct watch *watch);

/*
 * Return whether the file is being read, or will be, now or once it is left alone. False while its
 * folder is missing.
 */
bool watch_is_pending(const struct watch *watch, size_t slot);

/*
 * Return the errno for which changes of some file are found only by comparing stamps; 0: inotify
 * reports all. *folder_r is the first folder that inotify refuses, borrowed until the next call, or
 * "": there is no inotify.
 */
int watch_polled_for(const struct watch *watch, const char **folder_r);

/* Return whether the folder of the slot's file is missing; its files are not looked at then. */
bool watch_folder_gone(const struct watch *watch, size_t slot);

/* Return whether another folder has taken the place of the file's, until watch_folder_accept(). */
bool watch_folder_replaced(const struct watch *watch, size_t slot);

/* Report that all files of the folder that has taken that place have been read once. */
void watch_folder_accept(struct watch *watch, size_t slot);

#endif
