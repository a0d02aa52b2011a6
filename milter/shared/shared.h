#ifndef POSTERN_SHARED_H
#define POSTERN_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rules/ledger_ops.h"
#include "lib/rules/settings.h"
#include "lib/rules/suspensions.h"
#include "milter/shared/client_share.h"
#include "milter/shared/mta_names.h"
#include "milter/shared/open_clients.h"
#include "milter/shared/regex_failures.h"
#include "milter/shared/scratch_pool.h"
#include "milter/shared/snapshot.h"
#include "milter/shared/verdict_counts.h"

/*
 * The objects that all sessions and logins share: the snapshot of the policy, the ledger, the
 * suspended logins, the connections that each client has open, the clients of the latest sessions,
 * the names of the MTAs, the counts of verdicts, the regexes that failed, the regex scratches, and
 * the settings that apply while there is no policy. A process has one.
 *
 * shared_set_ledger() and shared_on_suspend() are called before the first session starts. Any
 * thread may call the other functions at any time.
 */
struct shared;

/*
 * The snapshot is borrowed and must outlive the new object, which takes a reference to the
 * settings. is_inet: the milter socket is an inet socket. Returns NULL when out of memory.
 */
struct shared *shared_new(struct snapshot *snapshot, struct settings *settings, bool is_inet);
void shared_free(struct shared **shared); /* accepts NULL */

/* Replace the settings after the configuration was reloaded. Takes a reference to them. */
void shared_set_settings(struct shared *shared, struct settings *settings);

/*
 * Return the settings in force, never NULL: those of the policy or, while there is none, those of
 * the configuration. The caller releases the reference with settings_unref().
 */
struct settings *shared_settings(struct shared *shared);

/* Borrowed; never NULL. */
struct snapshot *shared_snapshot(const struct shared *shared);
struct scratch_pool *shared_scratches(const struct shared *shared);

/*
 * Set the ledger, which is borrowed, and its clock: now(context) returns the ledger's time in
 * microseconds. Without a call there is no ledger (NULL): rate limits are not enforced, and the
 * time is 0.
 */
void shared_set_ledger(struct shared *shared, const struct ledger_ops *ledger,
	uint64_t (*now)(const void *context), const void *context);
const struct ledger_ops *shared_ledger(const struct shared *shared);
uint64_t shared_now(const struct shared *shared);

/*
 * shared_suspend() suspends a login at once and beyond a restart, by calling the function that
 * shared_on_suspend() has set. That function and shared_suspend() return 0, or -1 with err set.
 * shared_suspend() fails when no function is set.
 */
typedef int shared_suspend_fn(void *context, const char *login, struct errmsg *err);
void shared_on_suspend(struct shared *shared, shared_suspend_fn *suspend, void *context);
int shared_suspend(const struct shared *shared, const char *login, struct errmsg *err);

/* Borrowed; never NULL. */
struct open_clients *shared_open_clients(const struct shared *shared);
struct mta_names *shared_mta_names(const struct shared *shared);
struct client_share *shared_client_share(const struct shared *shared);

/* The logins that may neither log in nor send, whatever the policy allows; empty at first. */
struct suspensions *shared_suspensions(const struct shared *shared);

/* The counts of the verdicts that sessions received. */
const struct verdict_counts *shared_verdict_counts(const struct shared *shared);

/* Borrowed; never NULL. */
struct regex_failures *shared_regex_failures(const struct shared *shared);

/* Count a message of a login from a client that [limit] exempt names, or return how many there were
 * since the configuration was read. */
void shared_count_exempt_login(struct shared *shared);
uint64_t shared_exempt_logins(const struct shared *shared);

/* Count a message whose content the MTA hides, or return how many there were since the start. */
void shared_count_hidden_message(struct shared *shared);
uint64_t shared_hidden_messages(const struct shared *shared);

/* The same for a message of which the MTA, without the event DATA, does not tell whether it was
 * sent. */
void shared_count_unreported_message(struct shared *shared);
uint64_t shared_unreported_messages(const struct shared *shared);

/* Return whether the milter socket is an inet socket. */
bool shared_is_inet(const struct shared *shared);

#endif
