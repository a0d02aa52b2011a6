#ifndef POSTERN_RATES_PRIVATE_H
#define POSTERN_RATES_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/base/strmap.h"
#include "lib/match/cidr.h"
#include "lib/rules/rates.h"

/* The tables of the rates, for the files rate*.c only. */

#define RATE_MAX_RELAYING "max_relaying"
#define RATE_DEFAULT_NAME "*" /* in the table of names: not a possible name */

/* One key of a section. */
struct rate_entry {
	const char *text; /* in the arena */
	struct limits limits;
};

struct rate_table {
	bool is_off; /* no entry applies */
	struct rate_entry *entries;
	size_t count, size;
	struct cidr_set *networks; /* -> entry */
	struct strmap *names;	   /* host names, addresses, domains, "default" -> entry */
};

struct rates {
	struct arena *arena;
	struct rate_table tables[RATE_COUNT];
	unsigned ipv6_prefix;
	uint32_t max_relaying;
	struct cidr_set *exempt_networks;
	struct strmap *exempt_logins, *exempt_senders;
};

/* Return whether the values of a rate are plain numbers. */
bool rate_is_plain(enum rate rate);

/* ---- rate_key.c ---- */

/* Return whether a key is an address, a network or the first numbers of an address. */
bool rate_key_network(const char *key, struct cidr *net_r);

/* Return whether a canonical name, of which domain_canon() returned the length, is a possible one.
 */
bool rate_key_is_name(const char *name, int len);

/* Write the canonical form of a key that is not a network. Returns 0, or -1 with err set. */
int rate_key_canon(enum rate rate, const char *key, char canon_r[ADDRESS_CANON_SIZE],
	struct errmsg *err);

#endif
