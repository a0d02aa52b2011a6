#ifndef POSTERN_SHARED_H
#define POSTERN_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rules/ledger.h"
#include "lib/rules/settings.h"
#include "lib/rules/suspensions.h"
#include "milter/shared/open_clients.h"
#include "milter/shared/scratch_pool.h"
#include "milter/shared/snapshot.h"

/*
 * What all sessions share: the policy in force, the scratches, and the settings that
 * hold while there is no policy. Any thread.
 */
struct shared;

/* is_inet: the milter socket is an inet one. snapshot must outlive it. NULL when out of memory. */
struct shared *shared_new(struct snapshot *snapshot, struct settings *settings, bool is_inet);
void shared_free(struct shared **shared); /* takes NULL */

/* Settings of a configuration that was read again. Takes a reference of its own. */
void shared_set_settings(struct shared *shared, struct settings *settings);

/* The settings in force: of the policy, else of the configuration. A reference, the caller's. Never
 * NULL. */
struct settings *shared_settings(struct shared *shared);

struct snapshot *shared_snapshot(const struct shared *shared);
struct scratch_pool *shared_scratches(const struct shared *shared);

/*
 * What is charged to whom; NULL where nothing is. To be set before there are sessions: the time
 * comes from now(context), in the ledger's microseconds.
 */
void shared_set_ledger(struct shared *shared, struct ledger *ledger,
	uint64_t (*now)(const void *context), const void *context);
struct ledger *shared_ledger(const struct shared *shared);
uint64_t shared_now(const struct shared *shared);

/*
 * What suspends a login for good, also over a restart: 0, or -1 with err set. To be set before
 * there are sessions; without it shared_suspend() fails.
 */
typedef int shared_suspend_fn(void *context, const char *login, struct errmsg *err);
void shared_on_suspend(struct shared *shared, shared_suspend_fn *suspend, void *context);
int shared_suspend(const struct shared *shared, const char *login, struct errmsg *err);

/* The connections that each client has open. */
struct open_clients *shared_clients(const struct shared *shared);

/* Who may neither log in nor send, whatever the policy says; at first nobody. */
struct suspensions *shared_suspensions(const struct shared *shared);
bool shared_is_inet(const struct shared *shared);

#endif
