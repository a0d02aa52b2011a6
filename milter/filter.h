#ifndef POSTERN_FILTER_H
#define POSTERN_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rules/ledger.h"
#include "lib/rules/settings.h"
#include "lib/rules/suspensions.h"
#include "milter/open_clients.h"
#include "milter/scratch_pool.h"
#include "milter/snapshot.h"

/*
 * What all sessions share: the policy in force, the scratches, and the settings that
 * hold while there is no policy. Any thread.
 */
struct filter;

/* is_inet: the milter socket is an inet one. snapshot must outlive it. NULL when out of memory. */
struct filter *filter_new(struct snapshot *snapshot, struct settings *settings, bool is_inet);
void filter_free(struct filter **filter); /* takes NULL */

/* Settings of a configuration that was read again. Takes a reference of its own. */
void filter_set_settings(struct filter *filter, struct settings *settings);

/* The settings in force: of the policy, else of the configuration. A reference, the caller's. Never
 * NULL. */
struct settings *filter_settings(struct filter *filter);

struct snapshot *filter_snapshot(const struct filter *filter);
struct scratch_pool *filter_scratches(const struct filter *filter);

/*
 * What is charged to whom; NULL where nothing is. To be set before there are sessions: the time
 * comes from now(context), in the ledger's microseconds.
 */
void filter_set_ledger(struct filter *filter, struct ledger *ledger,
	uint64_t (*now)(const void *context), const void *context);
struct ledger *filter_ledger(const struct filter *filter);
uint64_t filter_now(const struct filter *filter);

/*
 * What suspends a login for good, also over a restart: 0, or -1 with err set. To be set before
 * there are sessions; without it filter_suspend() fails.
 */
typedef int filter_suspend_fn(void *context, const char *login, struct errmsg *err);
void filter_on_suspend(struct filter *filter, filter_suspend_fn *suspend, void *context);
int filter_suspend(const struct filter *filter, const char *login, struct errmsg *err);

/* The connections that each client has open. */
struct open_clients *filter_clients(const struct filter *filter);

/* Who may neither log in nor send, whatever the policy says; at first nobody. */
struct suspensions *filter_suspensions(const struct filter *filter);
bool filter_is_inet(const struct filter *filter);

#endif
