#ifndef POSTERN_SNAPSHOT_H
#define POSTERN_SNAPSHOT_H

#include "lib/rules/policy.h"
#include "milter/shared/policy_pins.h"

/*
 * The current policy. The cache thread replaces it as a whole; every other thread reads it. Any
 * thread may call any function.
 *
 * Readers take no lock. The thread that publishes waits until no reader is about to take a
 * reference to the old policy, and then releases it; no reader waits for a policy to load or for a
 * million users to be freed.
 */
struct snapshot;

/* Make a snapshot without a policy. Returns NULL when out of memory. */
struct snapshot *snapshot_new(void);

/* Release the policy and the snapshot, which no other thread may use any more. Accepts NULL. */
void snapshot_free(struct snapshot **snapshot);

/*
 * Return the current policy, or NULL while there is none. The caller releases the reference with
 * policy_unref().
 */
struct policy *snapshot_get(struct snapshot *snapshot);

/* Pin the current policy for a message. *pin is zero, and stays so while there is none. */
void snapshot_pin(struct snapshot *snapshot, struct policy_pin *pin);

/* Put a policy in force. Takes over the caller's reference; policy must not be NULL. */
void snapshot_publish(struct snapshot *snapshot, struct policy *policy);

#endif
