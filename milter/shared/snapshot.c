/*
 * The current policy, without a lock, and those of open messages. Holds one reference to it. The
 * cache thread publishes; any thread reads.
 */
#include "milter/shared/snapshot.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define READERS 64 /* that can take a reference at the same time; others wait for one of them */

/*
 * A reader names the policy in a free place before it takes its reference, and takes it only if the
 * policy is still in force then. The publisher replaces the policy first and then waits for the
 * places that name the old one. Each has a cache line of its own.
 */
struct place {
	alignas(64) _Atomic(struct policy *) taken; /* NULL: free */
};

struct snapshot {
	_Atomic(struct policy *) policy;
	struct policy_pins *pins;
	struct place places[READERS];
};

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = aligned_alloc(alignof(struct snapshot), sizeof(*snapshot));

	if (snapshot == NULL)
		return NULL;
	if ((snapshot->pins = policy_pins_new()) == NULL) {
		free(snapshot);
		return NULL;
	}
	atomic_init(&snapshot->policy, NULL);
	for (size_t i = 0; i < READERS; i++)
		atomic_init(&snapshot->places[i].taken, NULL);
	return snapshot;
}

void snapshot_free(struct snapshot **snapshot)
{
	struct policy *policy;

	if (*snapshot == NULL)
		return;
	policy = atomic_load(&(*snapshot)->policy);
	policy_unref(&policy);
	policy_pins_free(&(*snapshot)->pins);
	free(*snapshot);
	*snapshot = NULL;
}

/* Name the policy in a free place, which is returned. Threads begin at different places. */
static struct place *take_place(struct snapshot *snapshot, struct policy *policy)
{
	static atomic_uint threads;
	static _Thread_local unsigned own;
	struct policy *none;

	if (own == 0)
		own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
	for (unsigned i = own;; i++) {
		struct place *place = &snapshot->places[i % READERS];

		none = NULL;
		if (atomic_compare_exchange_strong(&place->taken, &none, policy))
			return place;
		if ((i - own) % READERS == READERS - 1)
			(void)sched_yield();
	}
}

struct policy *snapshot_get(struct snapshot *snapshot)
{
	struct policy *policy, *current;
	struct place *place;

	while ((policy = atomic_load(&snapshot->policy)) != NULL) {
		place = take_place(snapshot, policy);
		current = atomic_load(&snapshot->policy);
		if (current == policy)
			policy = policy_ref(policy);
		atomic_store(&place->taken, NULL);
		if (current == policy)
			return policy;
	}
	return NULL;
}

void snapshot_pin(struct snapshot *snapshot, struct policy_pin *pin)
{
	struct policy *policy = snapshot_get(snapshot);

	if (policy != NULL)
		policy_pin(snapshot->pins, pin, policy);
}

void snapshot_publish(struct snapshot *snapshot, struct policy *policy)
{
	struct policy *old = atomic_exchange(&snapshot->policy, policy);

	for (size_t i = 0; old != NULL && i < READERS; i++) {
		while (atomic_load(&snapshot->places[i].taken) == old)
			(void)sched_yield();
	}
	policy_unref(&old);
	policy_pins_renew(snapshot->pins, policy);
}
