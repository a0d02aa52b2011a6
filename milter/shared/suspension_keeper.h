#ifndef POSTERN_SUSPENSION_KEEPER_H
#define POSTERN_SUSPENSION_KEEPER_H

#include "lib/base/errmsg.h"
#include "lib/rules/suspensions.h"

/*
 * Saves the suspended logins in their file, and remembers whether that failed, so that status can
 * report suspensions that a restart would forget. Any thread may call any function.
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

/* The same for a change that the caller undoes when it cannot be saved: no error is remembered. */
int suspension_keeper_try(struct suspension_keeper *keeper, struct errmsg *err);

/* Set *err_r to the reason why suspensions in force are not saved, or to "". */
void suspension_keeper_error(struct suspension_keeper *keeper, struct errmsg *err_r);

#endif
