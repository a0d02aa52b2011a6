/*
 * Counts the keys of each network in the local ledger. Owns nothing; any thread may call it,
 * without locks.
 */
#include "lib/base/hash.h"
#include "lib/rules/ledger_private.h"

/* The places of a name in the rows of a table: two parts of its hash. */
struct places {
	size_t at[LEDGER_NETWORK_ROWS];
};

static struct places find_places(const void *name, size_t len, size_t count)
{
	const uint64_t hash = hash_bytes(name, len);

	return (struct places){ { hash & (count - 1), (hash >> 32) & (count - 1) } };
}

static struct places places_of_network(const struct ledger_origin *origin)
{
	return find_places(origin, sizeof(*origin), LEDGER_NETWORKS);
}

static struct places places_of_provider(const struct ledger_origin *origin)
{
	return find_places(origin->net, LEDGER_PROVIDER_BYTES, LEDGER_PROVIDERS);
}

static uint32_t load(const uint32_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

static void add(uint32_t *count, int change)
{
	(void)__atomic_add_fetch(count, (uint32_t)change, __ATOMIC_RELAXED);
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The keys of a network itself. */
static size_t own_keys(const struct ledger *ledger, const struct ledger_origin *origin)
{
	const struct places places = places_of_network(origin);

	return lower(load(&ledger->networks->keys[0][places.at[0]]),
		load(&ledger->networks->keys[1][places.at[1]]));
}

/* The part of a network in the keys of its /32; 0: it is not IPv6. */
static size_t provider_part(const struct ledger *ledger, const struct ledger_origin *origin)
{
	struct places places;

	if (origin->family != 6)
		return 0;
	places = places_of_provider(origin);
	return lower(load(&ledger->networks->of_providers[0][places.at[0]]),
		       load(&ledger->networks->of_providers[1][places.at[1]])) /
		LEDGER_PROVIDER_NETWORKS;
}

size_t ledger_network_keys(const struct ledger *ledger, const struct ledger_origin *origin)
{
	const size_t keys = own_keys(ledger, origin), part = provider_part(ledger, origin);

	return keys > part ? keys : part;
}

enum overflow_scope ledger_overflow_scope(const struct ledger *ledger,
	const struct ledger_origin *origin)
{
	return provider_part(ledger, origin) > own_keys(ledger, origin) ? OVERFLOW_PROVIDER :
									  OVERFLOW_NETWORK;
}

void ledger_count_network_key(struct ledger *ledger, const struct ledger_origin *origin, int change)
{
	const struct places places = places_of_network(origin);

	for (int row = 0; row < LEDGER_NETWORK_ROWS; row++)
		add(&ledger->networks->keys[row][places.at[row]], change);
	if (origin->family == 6) {
		const struct places of_provider = places_of_provider(origin);

		for (int row = 0; row < LEDGER_NETWORK_ROWS; row++)
			add(&ledger->networks->of_providers[row][of_provider.at[row]], change);
	}
}

/* Return the highest count of a row. */
static size_t highest(const uint32_t *row, size_t places)
{
	size_t most = 0;

	for (size_t i = 0; i < places; i++) {
		const size_t keys = load(&row[i]);

		most = keys > most ? keys : most;
	}
	return most;
}

size_t ledger_most_network_keys(const struct ledger *ledger)
{
	const size_t keys = highest(ledger->networks->keys[0], LEDGER_NETWORKS),
		     part = highest(ledger->networks->of_providers[0], LEDGER_PROVIDERS) /
		LEDGER_PROVIDER_NETWORKS;

	return keys > part ? keys : part;
}
