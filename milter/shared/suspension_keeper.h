#ifndef POSTERN_SUSPENSION_KEEPER_H
#define POSTERN_SUSPENSION_KEEPER_H

#include "lib/base/errmsg.h"
#include "lib/rules/suspensions.h"

/*
 * Saves the suspended logins in their file, and remembers whether that failed, so that status can
 * report suspensions that a restart would forget. Any thread may call any function, unless its
 * comment says otherwise.
 */
struct suspension_keeper;

/* path ("": nothing is saved) and suspensions are borrowed. Returns NULL when out of memory. */
struct suspension_keeper *suspension_keeper_new(const char *path, struct suspensions *suspensions);
void suspension_keeper_free(struct suspension_keeper **keeper); /* accepts NULL */

/*
 * Save all suspended logins. Returns 0, or -1 with err set and the file unchanged; the error is
 * remembered until saving succeeds.
 */
int suspension_keeper_save(struct suspension_keeper *keeper, struct errmsg *err);

/* Save them if an earlier attempt failed. Returns 1 when that succeeded, 0 when there was no need,
 * -1 when it failed again. */
int suspension_keeper_retry(struct suspension_keeper *keeper);

/* Set *err_r to the reason why suspensions in force are not saved, or to "". */
void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r);

/*
 * Look at the file if it has changed: somebody may have edited it, and with an error in it the next
 * start fails. Its logins are not taken over. Returns 1 when there is a new error, otherwise 0. One
 * thread at a time may call it.
 */
int suspension_keeper_look(struct suspension_keeper *keeper);

/* Set *err_r to the error that suspension_keeper_look() has found, or to "". */
void suspension_keeper_file_error(struct suspension_keeper *keeper, struct errmsg *err_r);

#endif
