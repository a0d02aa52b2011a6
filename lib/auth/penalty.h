#ifndef POSTERN_PENALTY_H
#define POSTERN_PENALTY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/match/cidr.h"

/*
 * The auth penalty: how long the answer to a failed login is delayed. It depends on the failures of
 * the client's network (/32, /64) and of the login; the longer delay applies. One failure is
 * forgiven per minute; a successful login clears that login's failures and half of the network's.
 * The tables have a fixed size; in a full one the entry with the fewest failures makes room. One
 * thread at a time may use it. Times are seconds of a clock that never goes back.
 */
struct penalty;

#define PENALTY_MAX_MS 4500 /* the longest delay, so that an answer takes less than 5 s in all */
#define PENALTY_FORGIVE 60  /* seconds after which one failure is forgiven */

/* Each of the two tables has this number of entries, rounded up to a power of 2. Returns NULL when
 * out of memory. */
struct penalty *penalty_new(size_t entries);
void penalty_free(struct penalty **penalty); /* accepts NULL */

/* Count a failed login. client may be AF_UNSPEC (not known). Returns the delay of its answer in
 * milliseconds from the arrival of the login. */
uint32_t penalty_failed(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now);

/* Count a successful login. */
void penalty_succeeded(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now);

/* Forgive a login, a client's network, or (both NULL) everything. Returns the number of entries
 * removed. */
size_t penalty_reset(struct penalty *penalty, const struct cidr *client, const char *login);

/* Count the networks and logins that have failures which are not forgiven yet. */
void penalty_count(const struct penalty *penalty, uint32_t now, size_t *networks_r,
	size_t *logins_r);

#endif
