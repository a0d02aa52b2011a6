/*
 * Auth penalties: two hash tables of sets of eight entries, for networks and for logins. It owns
 * its entries and is used by one thread at a time.
 */
#include "lib/auth/penalty.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/hash.h"

#define WAYS 8
#define FAILURES_MAX 60	    /* no more are counted, so that an hour forgives everything */
#define NETWORK_TOLERANCE 3 /* failures without a delay: several people may share a network */
#define LOGIN_TOLERANCE 1   /* failures without a delay: everybody mistypes */
#define FIRST_MS 500	    /* the first delay; each further one is twice as long */
#define LOGIN_MAX 512

struct entry {
	uint64_t key;  /* hash of the network or the login; 0: empty */
	uint32_t time; /* of the last failure or success */
	uint32_t failures;
};

struct table {
	size_t sets; /* a power of 2 */
	struct entry *entries;
};

struct penalty {
	struct table networks, logins;
};

static int table_init(struct table *table, size_t entries)
{
	for (table->sets = 1; table->sets * WAYS < entries;)
		table->sets *= 2;
	table->entries = calloc(table->sets * WAYS, sizeof(struct entry));
	return table->entries == NULL ? -1 : 0;
}

struct penalty *penalty_new(size_t entries)
{
	struct penalty *penalty = calloc(1, sizeof(*penalty));

	if (penalty == NULL)
		return NULL;
	if (table_init(&penalty->networks, entries) < 0 ||
		table_init(&penalty->logins, entries) < 0)
		penalty_free(&penalty);
	return penalty;
}

void penalty_free(struct penalty **penalty)
{
	if (*penalty == NULL)
		return;
	free((*penalty)->networks.entries);
	free((*penalty)->logins.entries);
	free(*penalty);
	*penalty = NULL;
}

/* The key of a client's network; 0 when the client is not known. */
static uint64_t network_key(const struct cidr *client)
{
	uint64_t key;

	if (client == NULL || client->family == AF_UNSPEC)
		return 0;
	key = hash_bytes(client->addr, client->family == AF_INET ? 4 : 8);
	return key == 0 ? 1 : key;
}

/* The key of a login, without regard to ASCII case; 0 for an empty one. */
static uint64_t login_key(const char *login)
{
	char folded[LOGIN_MAX];
	const size_t len = strnlen(login, LOGIN_MAX);
	uint64_t key;

	if (len == 0)
		return 0;
	ascii_lower_bytes(login, len, folded);
	key = hash_bytes(folded, len);
	return key == 0 ? 1 : key;
}

/* The failures that time has not forgiven yet. */
static uint32_t failures_left(const struct entry *entry, uint32_t now)
{
	uint32_t forgiven = (now - entry->time) / PENALTY_FORGIVE;

	return entry->failures > forgiven ? entry->failures - forgiven : 0;
}

static struct entry *set_of(const struct table *table, uint64_t key)
{
	return table->entries + ((key >> 32) & (table->sets - 1)) * WAYS;
}

static struct entry *find_entry(const struct table *table, uint64_t key)
{
	struct entry *set = set_of(table, key);

	for (int i = 0; key != 0 && i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
	}
	return NULL;
}

/* Count a failure. Returns the number of failures that are not forgiven. */
static uint32_t count_failure(const struct table *table, uint64_t key, uint32_t now)
{
	struct entry *entry = find_entry(table, key), *set;

	if (key == 0)
		return 0;
	if (entry == NULL) {
		entry = set = set_of(table, key);
		for (int i = 1; i < WAYS; i++) {
			if (failures_left(&set[i], now) < failures_left(entry, now))
				entry = &set[i];
		}
		*entry = (struct entry){ .key = key, .time = now };
	}
	entry->failures = failures_left(entry, now);
	if (entry->failures < FAILURES_MAX)
		entry->failures++;
	entry->time = now;
	return entry->failures;
}

static uint32_t delay_of(uint32_t failures, uint32_t tolerance)
{
	uint32_t over = failures > tolerance ? failures - tolerance : 0;

	if (over == 0)
		return 0;
	if (over > 4)
		return PENALTY_MAX_MS;
	return FIRST_MS << (over - 1) < PENALTY_MAX_MS ? FIRST_MS << (over - 1) : PENALTY_MAX_MS;
}

uint32_t penalty_failed(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now)
{
	uint32_t network = delay_of(count_failure(&penalty->networks, network_key(client), now),
			 NETWORK_TOLERANCE),
		 own = delay_of(count_failure(&penalty->logins, login_key(login), now),
			 LOGIN_TOLERANCE);

	return network > own ? network : own;
}

void penalty_succeeded(struct penalty *penalty, const struct cidr *client, const char *login,
	uint32_t now)
{
	struct entry *network = find_entry(&penalty->networks, network_key(client)),
		     *own = find_entry(&penalty->logins, login_key(login));

	if (own != NULL)
		*own = (struct entry){ .key = 0 };
	if (network == NULL)
		return;
	/* Halve them instead of clearing them: the owner of one login may be guessing the password
	 * of another. */
	network->failures = failures_left(network, now) / 2;
	network->time = now;
	if (network->failures == 0)
		*network = (struct entry){ .key = 0 };
}

/* Clear the entry one or, if it is NULL, all entries. Returns the number of entries cleared. */
static size_t clear_entries(const struct table *table, const struct entry *one)
{
	size_t gone = 0;

	for (size_t i = 0; i < table->sets * WAYS; i++) {
		struct entry *entry = &table->entries[i];

		if (entry->key != 0 && (one == NULL || entry == one)) {
			*entry = (struct entry){ .key = 0 };
			gone++;
		}
	}
	return gone;
}

size_t penalty_reset(struct penalty *penalty, const struct cidr *client, const char *login)
{
	const struct entry *entry;
	size_t gone = 0;

	if (client == NULL && login == NULL)
		return clear_entries(&penalty->networks, NULL) +
			clear_entries(&penalty->logins, NULL);
	if (client != NULL && (entry = find_entry(&penalty->networks, network_key(client))) != NULL)
		gone += clear_entries(&penalty->networks, entry);
	if (login != NULL && (entry = find_entry(&penalty->logins, login_key(login))) != NULL)
		gone += clear_entries(&penalty->logins, entry);
	return gone;
}

static size_t count_unforgiven(const struct table *table, uint32_t now)
{
	size_t found = 0;

	for (size_t i = 0; i < table->sets * WAYS; i++)
		found += table->entries[i].key != 0 && failures_left(&table->entries[i], now) > 0;
	return found;
}

void penalty_count(const struct penalty *penalty, uint32_t now, size_t *networks_r,
	size_t *logins_r)
{
	*networks_r = count_unforgiven(&penalty->networks, now);
	*logins_r = count_unforgiven(&penalty->logins, now);
}
