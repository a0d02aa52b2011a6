#ifndef POSTERN_PENALTY_H
#define POSTERN_PENALTY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/match/cidr.h"

/*
 * How long the answer to a failed login is held back: by the failures of the client's network (/32,
 * /64) and of the login, whichever is more. One failure a minute is forgiven by time, all of a
 * login's and half of a network's by a success. Of a fixed size: where it is full, the least guilty
 * are forgotten. One thread at a time. Times are seconds of a clock that never goes back.
 */
struct penalty;

#define PENALTY_MAX_MS                                                                          \
	4500		   /* the longest delay: with what else an answer takes it is below 5 s \
			    */
#define PENALTY_FORGIVE 60 /* seconds for each failure */

struct penalty *penalty_new(size_t entries); /* of each of the two; NULL when out of memory */
void penalty_free(struct penalty **penalty); /* takes NULL */

/* A login failed. Returns the milliseconds after its arrival before which it is not to be answered.
 * client AF_UNSPEC: not known. */
uint32_t penalty_failed(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now);

/* A login went well. */
void penalty_succeeded(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now);

/* Forgive a login, a client's network, or (both NULL) everything. Returns how many entries went. */
size_t penalty_reset(struct penalty *penalty, const struct cidr *client, const char *login);

/* How many networks and logins are not forgiven yet. */
void penalty_count(const struct penalty *penalty, uint32_t now, size_t *networks_r,
	size_t *logins_r);

#endif
