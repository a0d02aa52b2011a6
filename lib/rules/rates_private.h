#ifndef POSTERN_RATES_PRIVATE_H
#define POSTERN_RATES_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/base/strmap.h"
#include "lib/rules/rates.h"

/* For rates.c and rates_find.c alone. */

#define RATE_IPV6_PREFIX 64 /* where nothing is said */
#define RATE_DEFAULT "default"
#define RATE_DEFAULT_NAME "*" /* in the table of names: no name can be that */

/* One key of a section. */
struct entry {
	const char *text; /* in the arena */
	struct limits limits;
};

struct table {
	struct entry *entries;
	size_t count, size;
	struct cidr_set *networks; /* -> entry */
	struct strmap *names;	   /* host names, addresses, domains, "default" -> entry */
};

struct rates {
	struct arena *arena;
	struct table tables[RATE_COUNT];
	unsigned ipv6_prefix;
	uint32_t max_relaying;
	struct cidr_set *exempt_networks;
	struct strmap *exempt_logins, *exempt_senders;
};

/* In lower case (ASCII). false: too long to be a login. */
bool rates_fold(const char *text, char folded_r[ADDRESS_CANON_SIZE]);

#endif
