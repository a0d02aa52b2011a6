#ifndef POSTERN_SNAPSHOT_H
#define POSTERN_SNAPSHOT_H

#include "lib/rules/policy.h"

/*
 * The current policy: swapped whole by the cache thread, read by everybody else. Every function
 * may be called from any thread.
 *
 * A reader takes its reference under a lock that is held for nothing else than loading the pointer
 * and counting; the old policy is let go outside of it. So no reader waits for a load or for the
 * freeing of a million users, and none can count up a policy that is already gone.
 */
struct snapshot;

/* An empty snapshot: there is no policy yet. NULL when out of memory. */
struct snapshot *snapshot_new(void);

/* Lets go of its policy. Nobody may use it any more. Takes NULL; sets the pointer to NULL. */
void snapshot_free(struct snapshot **snapshot);

/* A reference to the current policy, the caller's to policy_unref(); NULL when there is none yet.
 */
struct policy *snapshot_get(struct snapshot *snapshot);

/* Put a policy in force. Takes over the caller's reference; policy must not be NULL. */
void snapshot_publish(struct snapshot *snapshot, struct policy *policy);

#endif
