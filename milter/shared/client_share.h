#ifndef POSTERN_CLIENT_SHARE_H
#define POSTERN_CLIENT_SHARE_H

#include <stdbool.h>

#include "lib/match/cidr.h"

/*
 * The clients of the latest sessions, from which a gateway is recognized: one private address from
 * which nearly all sessions come, although they greet with different names. This is the address of
 * a container's network or of a proxy that hides the clients' own addresses.
 *
 * Any thread may call the functions at any time.
 */
struct client_share;

#define CLIENT_SHARE_SESSIONS 256 /* the number of latest sessions that are examined */
#define CLIENT_SHARE_ENOUGH 64	  /* the fewest sessions from which a gateway is concluded */
#define CLIENT_SHARE_PERCENT 90	  /* the part of them that comes from one private address */
#define CLIENT_SHARE_NAMES 8	  /* the fewest different names with which these greet */

struct client_share *client_share_new(void);	     /* returns NULL when out of memory */
void client_share_free(struct client_share **share); /* accepts NULL */

/*
 * Add a session with the argument of its HELO. Returns whether it is time to look for a gateway
 * again: once for every quarter of the sessions.
 */
bool client_share_add(struct client_share *share, const struct cidr *client, const char *helo);

struct client_gateway {
	struct cidr address;
	unsigned sessions; /* from this address */
	unsigned of;	   /* of that many */
};

/* Return whether the latest sessions come through a gateway. */
bool client_share_find(struct client_share *share, struct client_gateway *gateway_r);

/* Return whether this address is reported for the first time, or after another one. */
bool client_share_is_new(struct client_share *share, const struct cidr *address);

#endif
