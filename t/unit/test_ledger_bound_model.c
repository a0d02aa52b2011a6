/*
 * Shows the promises of a bounded ledger while several threads flood it, with messages that are
 * sent or given up, checkpoints and kills: logins, and keys above half of their limit, are never
 * removed; no key is charged more than its limit in a window, however often it is removed; what
 * finds no room has one limit for each network; and memory and checkpoints keep to the bound.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_private.h"
#include "t/unit/lib/memory_files.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define THREADS 3
#define LOGINS 4 /* the first keys of each thread */
#define KEYS 40	 /* of each thread */
#define NETWORKS 200
#define FEW_NETWORKS 24
#define IPV4_NETWORKS 4	       /* of the few the first; the others belong to one IPv6 /32 */
#define PROVIDER NETWORKS      /* the overflow key of the /32 */
#define ALL (NETWORKS + 1)     /* and that of all networks */
#define NOWHERE (NETWORKS + 2) /* an entry that is not followed */
#define HELD 24		       /* recipients of a message */
#define STEPS 1500
#define PHASES 8
#define LIMIT 6
#define ATTEMPTS 3
#define BOUND 256
#define BOUND_BYTES ((size_t)64 << 10)

/* A key of one thread. What its entry counts may be more, because an entry that is made again
 * begins with counts of others. */
struct model_key {
	char key[40];
	struct ledger_origin origin;
	unsigned network;
	uint64_t final, open, attempts; /* of this key alone, in its own entry */
	uint64_t floor; /* its entry is never removed, and has this count at least */
};

/* A reservation of a message: of a key or, if NULL, of a network's overflow key. */
struct held {
	struct model_key *key;
	unsigned network;
};

static struct user {
	uint64_t random;
	struct model_key keys[KEYS];
	struct ledger_hold *hold;
	struct held held[HELD];
	unsigned held_count, serial;
} users[THREADS];

static struct ledger *ledger;
static uint64_t now, empty;
static bool by_bytes;	  /* which bound is set */
static unsigned networks; /* the first ones, from which requests come */
static atomic_bool is_over;
static atomic_uint overflowed[ALL + 1]; /* accepted in overflow keys, final or open */
static const struct limit limit = { LIMIT, 3600 };

static unsigned random_below(struct user *user, unsigned bound)
{
	user->random ^= user->random << 13;
	user->random ^= user->random >> 7;
	user->random ^= user->random << 17;
	return (unsigned)(user->random % bound);
}

static struct ledger_origin origin_of(unsigned network)
{
	if (network < IPV4_NETWORKS || network >= FEW_NETWORKS)
		return (struct ledger_origin){ 4, { 10, 0, (uint8_t)network } };
	return (struct ledger_origin){ 6, { 0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)network } };
}

static int copy_usage(void *context, const struct ledger_view *view)
{
	*(struct ledger_usage *)context = view->windows[0];
	return 0;
}

/* ---- a thread's steps ------------------------------------------------------------------- */

/* Check that the entry was not removed if it must not be, and note whether it may be now. */
static void check_key(struct model_key *key)
{
	struct ledger_usage usage = { .used = 0 };

	(void)ledger_find(ledger, now, key->key, strlen(key->key), copy_usage, &usage);
	ck_assert_uint_ge(usage.used, key->floor);
	ck_assert_uint_le(usage.used, LIMIT);
	ck_assert_uint_le(key->final + key->open, usage.used > LIMIT / 2 ? usage.used : LIMIT);
	ck_assert_uint_le(key->attempts, (uint64_t)LIMIT * ATTEMPTS);
	if (key->origin.family == 0)
		ck_assert_uint_eq(usage.used, key->final + key->open);
	key->floor = key->origin.family == 0 || usage.used > LIMIT / 2 || usage.open > 0 ?
		usage.used :
		0;
}

/* Return the network in whose overflow key the last charge of this thread counts. */
static unsigned overflow_network(unsigned network)
{
	char name[OVERFLOW_KEY_SIZE];
	const struct ledger_origin origin = origin_of(network);

	ledger_overflow_key("rate_rcpt:", 10, &origin, OVERFLOW_NETWORK, name);
	if (strcmp(memory_files_last, name) == 0)
		return network;
	if (strcmp(memory_files_last, "rate_rcpt:overflow 2001:db8::/32") == 0) {
		ck_assert_int_eq(origin.family, 6);
		return PROVIDER;
	}
	ck_assert_str_eq(memory_files_last, "rate_rcpt:overflow all");
	return ALL;
}

/* Note an accepted charge; key NULL: of a made-up key. */
static struct held note_accepted(struct model_key *key, const char *text, unsigned network,
	bool is_open)
{
	struct held held = { .key = key };

	if (strcmp(memory_files_last, text) != 0) {
		held.key = NULL;
		held.network = overflow_network(network);
		ck_assert_uint_lt(atomic_fetch_add(&overflowed[held.network], 1), LIMIT);
	} else if (key == NULL) {
		held.network = NOWHERE;
	} else if (is_open) {
		key->open++;
	} else {
		key->final++;
	}
	return held;
}

/* Charge or reserve a key, or a made-up one, of which there are more than fit. */
static void try_key(struct user *user, struct model_key *key, bool reserves)
{
	const unsigned network = key != NULL ? key->network : random_below(user, networks);
	struct ledger_request request = { .limits = &limit,
		.limit_count = 1,
		.amount = 1,
		.attempts = ATTEMPTS,
		.origin = key != NULL ? key->origin : origin_of(network) };
	struct ledger_usage usage;
	enum ledger_answer answer;
	struct held held;
	char text[40];

	if (key != NULL)
		(void)snprintf(text, sizeof(text), "%s", key->key);
	else
		(void)snprintf(text, sizeof(text), "rate_rcpt:%u-%d@made.example", user->serial++,
			(int)(user - users));
	request.key = text;
	request.key_len = strlen(text);
	answer = reserves ? ledger_reserve(ledger, now, &user->hold, &request, 1, true, &usage) :
			    ledger_charge(ledger, now, &request, 1, true, &usage);
	ck_assert_int_ne(answer, LEDGER_FAILED);
	if (answer != LEDGER_FREE)
		return;
	held = note_accepted(key, text, network, reserves);
	if (reserves)
		user->held[user->held_count++] = held;
}

static void end_message(struct user *user, bool is_sent)
{
	for (unsigned i = 0; i < user->held_count; i++) {
		const struct held *held = &user->held[i];

		/* Before it is given back, so that the model never has more than the ledger. */
		if (held->key == NULL && held->network <= ALL && !is_sent)
			(void)atomic_fetch_sub(&overflowed[held->network], 1);
		if (held->key == NULL)
			continue;
		held->key->open--;
		held->key->final += is_sent;
		held->key->attempts += !is_sent;
		held->key->floor -= !is_sent && held->key->floor > 0;
	}
	if (is_sent)
		ledger_commit(ledger, now, &user->hold);
	else
		ledger_give_back(ledger, now, &user->hold);
	for (unsigned i = 0; i < user->held_count; i++) {
		struct model_key *key = user->held[i].key;

		if (key != NULL && key->origin.family != 0 && key->floor <= LIMIT / 2)
			key->floor = 0;
	}
	user->held_count = 0;
}

static void *use_keys(void *argument)
{
	struct user *user = argument;
	struct model_key *key;

	for (unsigned i = unit_times_plain(STEPS, STEPS / 10); i > 0; i--) {
		key = &user->keys[random_below(user, KEYS)];
		switch (random_below(user, 6)) {
		case 0:
			check_key(key);
			try_key(user, key, false);
			check_key(key);
			break;
		case 1:
		case 2:
			check_key(key);
			try_key(user, key, true);
			check_key(key);
			break;
		default:
			try_key(user, NULL, random_below(user, 8) == 0);
			break;
		}
		if (user->held_count == HELD || random_below(user, 20) == 0)
			end_message(user, random_below(user, 3) == 0);
	}
	return NULL;
}

/* ---- what else happens --------------------------------------------------------------------- */

/* Every shard may exceed its part by an eighth and by a key of each thread; logins always fit. */
static void check_bound(void)
{
	const struct ledger_size size = ledger_size(ledger);
	const size_t extra = LEDGER_SHARDS * (1 + THREADS);

	if (by_bytes)
		ck_assert_uint_le(size.bytes - empty, BOUND_BYTES + BOUND_BYTES / 8 + extra * 400);
	else
		ck_assert_uint_le(size.keys, BOUND + BOUND / 8 + extra + THREADS * LOGINS);
}

static void *disturb(void *argument)
{
	unsigned turn = 0;

	(void)argument;
	do {
		ledger_sweep(ledger, now);
		memory_files_checkpoint(ledger, now, turn++ % 3 == 2);
		check_bound();
		ck_assert_uint_le(memory_files_checkpoint_size(), ledger_size(ledger).bytes);
	} while (!atomic_load(&is_over));
	return NULL;
}

static void set_bound(void)
{
	ledger_set_bounds(ledger, by_bytes ? 0 : BOUND, by_bytes ? BOUND_BYTES : 0);
}

static void begin(void)
{
	memset(users, 0, sizeof(users));
	now = 1000 * SECOND;
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
	empty = ledger_size(ledger).bytes;
	ledger_on_charge(ledger, memory_files_save, NULL);
	set_bound();
	for (unsigned i = 0; i < THREADS; i++) {
		users[i].random = UINT64_C(0x9e3779b97f4a7c15) * (i + 7);
		for (unsigned j = 0; j < KEYS; j++) {
			struct model_key *key = &users[i].keys[j];

			(void)snprintf(key->key, sizeof(key->key), "%s:%u-%u@example.com",
				j < LOGINS ? "login" : "rate_rcpt", i, j);
			key->network = j % networks;
			if (j >= LOGINS)
				key->origin = origin_of(key->network);
		}
	}
}

/* All that is final leaves its window. */
static void pass_window(void)
{
	now += 2 * limit.seconds * SECOND;
	for (struct user *user = users; user < users + THREADS; user++) {
		end_message(user, false);
		for (int i = 0; i < KEYS; i++)
			user->keys[i].final = user->keys[i].attempts = user->keys[i].floor = 0;
	}
	now += 2 * limit.seconds * SECOND; /* the attempts, too */
	for (int i = 0; i <= ALL; i++)
		atomic_store(&overflowed[i], 0);
}

/* A start knows no more than half of what an overflow key left to that of all networks. */
static void forget_merged(void)
{
	char name[OVERFLOW_KEY_SIZE];
	struct ledger_usage usage;

	for (unsigned i = 0; i <= PROVIDER; i++) {
		const struct ledger_origin origin = origin_of(i == PROVIDER ? IPV4_NETWORKS : i);

		ledger_overflow_key("rate_rcpt:", 10, &origin,
			i == PROVIDER ? OVERFLOW_PROVIDER : OVERFLOW_NETWORK, name);
		if (!ledger_find(ledger, now, name, strlen(name), copy_usage, &usage) &&
			atomic_load(&overflowed[i]) > LIMIT / 2)
			atomic_store(&overflowed[i], LIMIT / 2);
	}
}

/* Kill the process and start it again: what is open becomes final. */
static void restart(void)
{
	ledger_on_charge(ledger, NULL, NULL);
	for (struct user *user = users; user < users + THREADS; user++) {
		ledger_give_back(ledger, now, &user->hold);
		user->held_count = 0;
		for (int i = 0; i < KEYS; i++) {
			user->keys[i].final += user->keys[i].open;
			user->keys[i].open = 0;
		}
	}
	ledger_free(&ledger);
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
	memory_files_load(ledger);
	ledger_on_charge(ledger, memory_files_save, NULL);
	set_bound();
	ledger_restart(ledger, now);
	forget_merged();
}

static void check_keys(void)
{
	for (struct user *user = users; user < users + THREADS; user++) {
		for (int i = 0; i < KEYS; i++)
			check_key(&user->keys[i]);
	}
}

static void run_phase(void)
{
	pthread_t threads[THREADS], other;

	atomic_store(&is_over, false);
	ck_assert_int_eq(pthread_create(&other, NULL, disturb, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_keys, &users[i]), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	atomic_store(&is_over, true);
	(void)pthread_join(other, NULL);
}

START_TEST(a_flooded_ledger_keeps_its_promises)
	{
		uint64_t evicted = 0;

		by_bytes = _i % 2 == 1;
		networks = _i < 2 ? FEW_NETWORKS : NETWORKS;
		begin();
		for (unsigned i = 0; i < unit_times_plain(PHASES, PHASES / 2); i++) {
			run_phase();
			check_keys();
			evicted += ledger_size(ledger).evicted;
			if (i % 2 == 0) {
				restart();
				check_keys();
			} else {
				pass_window();
			}
		}
		ck_assert_uint_gt(evicted, 0);
		ledger_free(&ledger);
		memory_files_free();
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_bound_model");
	TCase *tcase = tcase_create("ledger_bound_model");

	tcase_add_loop_test(tcase, a_flooded_ledger_keeps_its_promises, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
