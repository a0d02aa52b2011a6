/*
 * Overflow keys of the local ledger: their names, and what a new key inherits from one that counts
 * for removed keys. Owns nothing; any thread may call it.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/ledger_private.h"

#define NETWORK_SIZE (INET6_ADDRSTRLEN + 8)

/* ---- names --------------------------------------------------------------------- */

/* Write " 192.0.2.0/24". */
static void format_network(const struct ledger_origin *origin, size_t bytes,
	char text_r[NETWORK_SIZE])
{
	uint8_t address[16] = { 0 };
	char text[INET6_ADDRSTRLEN] = "";

	memcpy(address, origin->net, bytes);
	if (inet_ntop(origin->family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)) !=
		NULL)
		(void)text_format(text_r, NETWORK_SIZE, " %s/%zu", text, 8 * bytes);
}

static void format_scope(const struct ledger_origin *origin, enum overflow_scope scope,
	char text_r[NETWORK_SIZE])
{
	if (scope == OVERFLOW_ALL)
		(void)text_format(text_r, NETWORK_SIZE, " all");
	else if (origin->family != 4 && origin->family != 6)
		(void)text_format(text_r, NETWORK_SIZE, " unknown");
	else if (scope == OVERFLOW_PROVIDER)
		format_network(origin, LEDGER_PROVIDER_BYTES, text_r);
	else
		format_network(origin, origin->family == 4 ? 3 : sizeof(origin->net), text_r);
}

void ledger_overflow_key(const char *key, size_t key_len, const struct ledger_origin *origin,
	enum overflow_scope scope, char key_r[OVERFLOW_KEY_SIZE])
{
	const char *colon = memchr(key, ':', key_len);
	int table = colon == NULL || colon - key > 30 ? 0 : (int)(colon - key + 1);
	char network[NETWORK_SIZE] = "";

	format_scope(origin, scope, network);
	(void)text_format(key_r, OVERFLOW_KEY_SIZE, "%.*s" LEDGER_OVERFLOW "%s", table, key,
		network);
}

/* ---- inheriting ------------------------------------------------------------------- */

void ledger_overflows_init(struct ledger *ledger, const char *key, size_t key_len,
	const struct ledger_origin *origin, struct ledger_overflows *overflows_r)
{
	const int first = ledger_key_is_overflow(key, key_len) ? OVERFLOW_ALL : OVERFLOW_NETWORK;
	size_t count = 0;

	for (int scope = first; scope < OVERFLOW_SCOPES; scope++) {
		char *name = overflows_r->keys[count];

		if (scope == OVERFLOW_PROVIDER && origin->family != 6)
			continue;
		ledger_overflow_key(key, key_len, origin, (enum overflow_scope)scope, name);
		overflows_r->hash[count] = ledger_hash(name, strlen(name));
		overflows_r->shard[count] = ledger_shard_of(ledger, overflows_r->hash[count]);
		count++;
	}
	overflows_r->count = count;
}

/* The entries of the overflow keys; NULL: it does not exist. */
struct ancestors {
	const struct ledger_entry *entry[OVERFLOW_SCOPES];
};

static const struct counter *charges_of(const struct ledger_entry *entry, uint32_t seconds)
{
	return entry_best(entry, seconds);
}

/* Return the counter with the most in a window, of all overflow keys; NULL: nothing counts. */
static const struct counter *find_most(const struct ancestors *from, uint32_t seconds, uint64_t now,
	const struct counter *(*best)(const struct ledger_entry *entry, uint32_t seconds))
{
	const struct counter *found = NULL, *counter;
	uint64_t used, most = 0;

	for (int i = 0; i < OVERFLOW_SCOPES; i++) {
		counter = from->entry[i] == NULL ? NULL : best(from->entry[i], seconds);
		used = counter == NULL ? 0 : counter_used(counter, seconds, now);
		if (used > most) {
			most = used;
			found = counter;
		}
	}
	return found;
}

/* Return how much of a limit a new entry may begin with. */
static uint32_t most_of(uint32_t past, uint32_t limit, bool is_overflow)
{
	const uint32_t half = limit / 2, most = is_overflow ? limit : half;
	const uint32_t known = past & ~LEDGER_PAST_UNKNOWN;

	if ((past & LEDGER_PAST_UNKNOWN) != 0 && known < half)
		return half;
	return known < most ? known : most;
}

/* Make the counter of a window with at most that count. Returns 0, or -1 when out of memory. */
static int inherit_counter(struct counter *counter_r, const struct limit *limit,
	const struct counter *from, uint32_t most, uint64_t now)
{
	counter_init(counter_r, limit->seconds);
	counter_r->limit = limit->count;
	counter_r->named = (uint32_t)(now / 1000000);
	if (from == NULL || counter_seed(counter_r, from, now, most) == 0)
		return 0;
	counter_free(counter_r);
	return -1;
}

/* Count the open reservations of the overflow keys as if they were final, up to that count: some
 * may be the key's own, and nothing tells which. Returns 0, or -1 when out of memory. */
static int inherit_open(struct counter *counter, const struct ancestors *from, uint32_t most,
	uint64_t now)
{
	const uint64_t used = counter_used(counter, counter->seconds, now);
	uint64_t open = 0;

	for (int i = 0; i < OVERFLOW_SCOPES; i++) {
		if (from->entry[i] != NULL && entry_open(from->entry[i]) > open)
			open = entry_open(from->entry[i]);
	}
	if (open > most - used)
		open = most - used;
	if (open == 0)
		return 0;
	if (counter_make_room(counter, now, true) != 0)
		return -1;
	counter_add(counter, now, (uint32_t)open);
	return 0;
}

static int inherit_charges(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ancestors *from, const struct limit *limit, uint32_t most, uint64_t now)
{
	struct counter counter;

	if (inherit_counter(&counter, limit, find_most(from, limit->seconds, now, charges_of), most,
		    now) != 0)
		return -1;
	if (inherit_open(&counter, from, most, now) == 0 &&
		entry_add_counter(shard, &entry, &counter) == 0)
		return 0;
	counter_free(&counter);
	return -1;
}

/* Return how many attempts the overflow keys allow for each charge. */
static uint32_t attempts_per_charge(const struct ancestors *from, uint32_t seconds)
{
	const struct counter *charges, *attempts;
	uint32_t most = 0, part;

	for (int i = 0; i < OVERFLOW_SCOPES; i++) {
		if (from->entry[i] == NULL ||
			(attempts = entry_best_attempts(from->entry[i], seconds)) == NULL ||
			(charges = entry_best(from->entry[i], seconds)) == NULL ||
			charges->limit == 0)
			continue;
		part = attempts->limit / charges->limit;
		most = part > most ? part : most;
	}
	return most;
}

static int inherit_attempts(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ancestors *from, const struct limit *limit, uint32_t past, uint64_t now)
{
	const struct counter *attempts = find_most(from, limit->seconds, now, entry_best_attempts);
	const uint64_t count = (uint64_t)limit->count * attempts_per_charge(from, limit->seconds);
	const struct limit max = { count > UINT32_MAX ? UINT32_MAX : (uint32_t)count,
		limit->seconds };
	struct counter counter;

	if (attempts == NULL)
		return 0;
	if (inherit_counter(&counter, &max, attempts,
		    most_of(past, max.count,
			    ledger_key_is_overflow(entry_key(entry), entry->key_len)),
		    now) != 0)
		return -1;
	if (entry_add_attempts_counter(shard, entry, &counter) == 0)
		return 0;
	counter_free(&counter);
	return -1;
}

int entry_inherit(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_overflows *overflows, struct ledger_past past,
	const struct limit *limits, size_t count, uint64_t now)
{
	const bool is_overflow = ledger_key_is_overflow(entry_key(entry), entry->key_len);
	struct ancestors from = { { NULL } };

	for (size_t i = 0; i < overflows->count; i++)
		from.entry[i] = shard_find(overflows->shard[i], overflows->hash[i],
			overflows->keys[i], strlen(overflows->keys[i]));
	for (size_t i = 0; i < count; i++) {
		const struct counter *best = entry_best(entry, limits[i].seconds);

		if (best != NULL && best->seconds == limits[i].seconds)
			continue;
		if (inherit_charges(shard, entry, &from, &limits[i],
			    most_of(past.amount, limits[i].count, is_overflow), now) != 0 ||
			inherit_attempts(shard, entry, &from, &limits[i], past.given_back, now) !=
				0)
			return -1;
	}
	return 0;
}
