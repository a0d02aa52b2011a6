#ifndef POSTERN_SUSPENSION_KEEPER_H
#define POSTERN_SUSPENSION_KEEPER_H

#include "lib/base/errmsg.h"
#include "lib/rules/suspensions.h"

/*
 * Saves the suspended logins in their file, in a separate thread, because a disk may be slow. It
 * remembers whether saving failed, so that status can report suspensions that a restart would
 * forget. Any thread may call any function, unless its comment says otherwise.
 */
struct suspension_keeper;

/* path ("": nothing is saved) and suspensions are borrowed. Returns NULL when out of memory. */
struct suspension_keeper *suspension_keeper_new(const char *path, struct suspensions *suspensions);

/*
 * Start the thread. Every interval_ms, it saves the suspensions if that has failed, or if the file
 * is lost, and reads a file that others have written, with which the next start would fail or
 * suspend other logins. The logins of such a file do not come into force, and it stays until the
 * next save, which renames it to PATH.bad. Errors are logged once. Returns 0, or -1 with err set.
 */
int suspension_keeper_start(struct suspension_keeper *keeper, int interval_ms, struct errmsg *err);

/* A request to save. It belongs to the keeper until saved() is called, in whatever thread. */
struct suspension_save {
	void (*saved)(struct suspension_save *save, const struct errmsg *err); /* "": it is saved */
	struct suspension_save *next;					       /* the keeper's */
};

/*
 * Save all suspended logins soon; save may be NULL. A change that precedes the request is
 * saved when saved() reports success. Without the thread, they are saved, and saved() is called,
 * before the function returns. If the disk does not answer, saved() reports that, and they are
 * saved when it does.
 */
void suspension_keeper_request(struct suspension_keeper *keeper, struct suspension_save *save);

/* Set *err_r to the reason why suspensions in force are not saved, or to "". */
void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r);

/* Set *err_r to what a restart will do with a file that others have written, or to "". */
void suspension_keeper_file_error(struct suspension_keeper *keeper, struct errmsg *err_r);

/* Set *err_r to what became of a file that could no longer be read, or that others had changed;
 * "" while there was none. */
void suspension_keeper_put_aside(struct suspension_keeper *keeper, struct errmsg *err_r);

/* Set *err_r to the work on the file that has not ended for two seconds, or to "". */
void suspension_keeper_late(struct suspension_keeper *keeper, struct errmsg *err_r);

/* Answer the requests that have waited for two seconds for the disk, and log once that it does not
 * answer, or answers again. The server thread, every second. */
void suspension_keeper_watch(struct suspension_keeper *keeper);

/*
 * End the thread after all requests have been met. Requests remain possible. Returns 0, or -1 with
 * err set if that takes more than two seconds: the thread then ends with the process.
 */
int suspension_keeper_stop(struct suspension_keeper *keeper, struct errmsg *err);

/* Stop the keeper and free it, unless its thread does not end. Accepts NULL. */
void suspension_keeper_free(struct suspension_keeper **keeper);

#endif
