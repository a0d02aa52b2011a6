/*
 * Shows that several threads, each with keys of its own in shared shards, get from the ledger what
 * a simple model of their keys gives: whatever windows the keys gain and lose, while walks, sweeps
 * and checkpoints pass, saves fail, and the process is killed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_private.h"
#include "t/unit/lib/memory_files.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define THREADS 4
#define KEYS 24
#define HOLDS 5
#define STEPS 800
#define PHASES 16
#define ATTEMPTS 3
#define LONGEST 100000 /* seconds; no window ends within a phase, and all end between two */

/* What counts of a key, and the most of it that the files may lack. */
struct model_key {
	char key[64];
	struct ledger_origin origin;
	uint64_t final, attempts, open, unsaved;
};

struct model_hold {
	struct ledger_hold *hold;
	uint32_t live[KEYS], forgotten[KEYS];
};

static struct user {
	uint64_t random;
	struct model_key keys[KEYS];
	struct model_hold holds[HOLDS];
} users[THREADS];

static struct ledger *ledger;
static uint64_t now;
static atomic_bool is_over;

static uint64_t random_below(uint64_t *state, uint64_t bound)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % bound;
}

/* ---- checks --------------------------------------------------------------------------- */

/* The bytes of counters and their runs, of which some count from the beginning. */
static size_t counters_bytes(const struct counter *counters, size_t count, size_t size,
	size_t reserved)
{
	size_t bytes = size * (sizeof(struct counter) + reserved);

	for (size_t i = 0; i < count; i++) {
		const size_t runs = counter_bytes(&counters[i]);

		bytes += runs > reserved ? runs - reserved : 0;
	}
	return bytes;
}

static size_t bytes_of(const struct ledger_entry *entry)
{
	const struct ledger_extra *extra = entry->extra;
	const size_t reserved =
		entry->has_origin ? COUNTER_RUNS_LEAST * sizeof(struct counter_run) : 0;
	const size_t bytes = sizeof(*entry) + entry->key_len + 1U +
		(entry->has_origin ? sizeof(struct ledger_origin) : 0) +
		counters_bytes(entry->counters, entry->count, entry->size, reserved);

	if (extra == NULL)
		return bytes;
	ck_assert_ptr_eq(extra->entry, entry);
	ck_assert_uint_le(extra->unsaved, extra->open);
	return bytes + sizeof(*extra) +
		counters_bytes(extra->attempts, extra->attempt_count, extra->attempt_count,
			reserved);
}

/* Check that each shard counts its keys and its memory. */
static void check_sizes(void)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		struct ledger_shard *shard = &ledger->shards[i];
		size_t keys = 0, extras = 0, bytes;

		(void)pthread_mutex_lock(&shard->lock);
		bytes = shard->bucket_count * sizeof(struct ledger_entry *);
		for (size_t j = 0; j < shard->bucket_count; j++) {
			for (const struct ledger_entry *e = shard->buckets[j]; e != NULL;
				e = e->next) {
				keys++;
				extras += e->extra != NULL;
				bytes += bytes_of(e);
			}
		}
		ck_assert_uint_eq(keys, shard->entry_count);
		ck_assert_uint_eq(extras, shard->extra_count);
		ck_assert_uint_eq(bytes, shard->bytes);
		(void)pthread_mutex_unlock(&shard->lock);
	}
}

/* ---- a thread's steps -------------------------------------------------------------------- */

/* The requests of one call, with the model's answer. */
struct attempt {
	size_t count;
	unsigned key[4];
	struct limit limits[4][3];
	struct ledger_request requests[4];
	struct ledger_usage usage[4];
	bool is_full;
};

static void choose_limits(struct user *user, struct attempt *a, size_t i)
{
	static const uint32_t counts[] = { 2, 6, 30, 1000, 100000 };
	const struct model_key *key = &user->keys[a->key[i]];
	const size_t limits = 1 + random_below(&user->random, 3);
	const uint32_t first = 1000 + (uint32_t)random_below(&user->random, 40);
	const uint64_t amount = 1 + random_below(&user->random, 3);

	for (size_t j = 0; j < limits; j++) {
		const uint32_t count = counts[random_below(&user->random, 5)];

		a->limits[i][j] = (struct limit){ count, first + (uint32_t)j * 977 };
		a->is_full |= key->final + key->open + amount > count ||
			(key->attempts > 0 &&
				key->attempts + key->open + amount > (uint64_t)count * ATTEMPTS);
	}
	a->requests[i] = (struct ledger_request){ key->key, strlen(key->key), a->limits[i], limits,
		(uint32_t)amount, ATTEMPTS, key->origin };
}

static void choose_requests(struct user *user, struct attempt *a)
{
	const unsigned first = (unsigned)random_below(&user->random, KEYS);

	a->is_full = false;
	a->count = 1 + random_below(&user->random, 4);
	for (size_t i = 0; i < a->count; i++) {
		a->key[i] = (first + (unsigned)i * 5) % KEYS;
		choose_limits(user, a, i);
	}
}

static void try_requests(struct user *user, struct model_hold *hold)
{
	const bool must_save = random_below(&user->random, 2) == 0;
	enum ledger_answer answer;
	struct attempt a;

	choose_requests(user, &a);
	memory_files_fail = random_below(&user->random, 8) == 0;
	answer = hold == NULL ?
		ledger_charge(ledger, now, a.requests, a.count, must_save, a.usage) :
		ledger_reserve(ledger, now, &hold->hold, a.requests, a.count, must_save, a.usage);
	ck_assert_int_eq(answer,
		a.is_full			       ? LEDGER_FULL :
			memory_files_fail && must_save ? LEDGER_FAILED :
							 LEDGER_FREE);
	for (size_t i = 0; i < a.count && answer == LEDGER_FREE; i++) {
		struct model_key *key = &user->keys[a.key[i]];
		const uint32_t amount = a.requests[i].amount;

		key->unsaved += memory_files_fail ? amount : 0;
		if (hold == NULL) {
			key->final += amount;
		} else {
			key->open += amount;
			hold->live[a.key[i]] += amount;
		}
		ck_assert_uint_eq(a.usage[i].used, key->final + key->open);
		ck_assert_uint_eq(a.usage[i].open, key->open);
	}
	memory_files_fail = false;
}

static void look_at_keys(struct user *user)
{
	struct attempt a;

	choose_requests(user, &a);
	ck_assert_int_eq(ledger_look(ledger, now, a.requests, a.count, a.usage),
		a.is_full ? LEDGER_FULL : LEDGER_FREE);
	for (size_t i = 0; i < a.count; i++) {
		const struct model_key *key = &user->keys[a.key[i]];

		ck_assert_uint_eq(a.usage[i].used, key->final + key->open);
		ck_assert_uint_eq(a.usage[i].attempts, key->attempts);
	}
}

static void end_hold(struct user *user, struct model_hold *hold, bool is_sent)
{
	if (is_sent)
		ledger_commit(ledger, now, &hold->hold);
	else
		ledger_give_back(ledger, now, &hold->hold);
	for (unsigned i = 0; i < KEYS; i++) {
		struct model_key *key = &user->keys[i];

		key->open -= hold->live[i];
		if (is_sent)
			key->final += hold->live[i] + hold->forgotten[i];
		else
			key->attempts += hold->live[i];
		hold->live[i] = hold->forgotten[i] = 0;
	}
}

static void forget_key(struct user *user, unsigned i)
{
	struct model_key *key = &user->keys[i];

	(void)ledger_forget(ledger, now, key->key, strlen(key->key));
	key->final = key->attempts = key->open = key->unsaved = 0;
	for (int j = 0; j < HOLDS; j++) {
		user->holds[j].forgotten[i] += user->holds[j].live[i];
		user->holds[j].live[i] = 0;
	}
}

static void *use_keys(void *argument)
{
	struct user *user = argument;

	for (unsigned i = unit_times(STEPS); i > 0; i--) {
		struct model_hold *hold = &user->holds[random_below(&user->random, HOLDS)];

		switch (random_below(&user->random, 20)) {
		case 0:
			forget_key(user, (unsigned)random_below(&user->random, KEYS));
			break;
		case 1:
		case 2:
			end_hold(user, hold, random_below(&user->random, 2) == 0);
			break;
		case 3:
		case 4:
		case 5:
			try_requests(user, NULL);
			break;
		case 6:
		case 7:
		case 8:
			look_at_keys(user);
			break;
		default:
			try_requests(user, hold);
			break;
		}
	}
	return NULL;
}

/* ---- what else happens -------------------------------------------------------------------- */

static int visit_key(void *context, const struct ledger_view *view)
{
	(void)context;
	ck_assert_uint_eq(strlen(view->key), view->key_len);
	return 0;
}

static void *disturb(void *argument)
{
	unsigned turn = 0;

	(void)argument;
	do {
		(void)ledger_each(ledger, now, visit_key, NULL);
		ledger_sweep(ledger, now);
		(void)ledger_size(ledger);
		/* After one or two, what follows is only in the records. */
		memory_files_checkpoint(ledger, now, turn != 0 && turn != 4);
		turn++;
		check_sizes();
	} while (!atomic_load(&is_over));
	return NULL;
}

/* Kill the process and start it again: what is open becomes final. Changes that could not be saved
 * may be lost, but nothing counts twice. */
static void restart(void)
{
	ledger_on_charge(ledger, NULL, NULL);
	for (struct user *user = users; user < users + THREADS; user++) {
		for (int i = 0; i < HOLDS; i++) {
			struct model_hold *hold = &user->holds[i];

			ledger_give_back(ledger, now, &hold->hold);
			memset(hold, 0, sizeof(*hold));
		}
	}
	ledger_free(&ledger);
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
	memory_files_load(ledger);
	ledger_on_charge(ledger, memory_files_save, NULL);
	ledger_restart(ledger, now);
}

static void check_restarted(struct model_key *key)
{
	static const struct limit limit = { UINT32_MAX, LONGEST };
	const struct ledger_request request = { key->key, strlen(key->key), &limit, 1, 1, ATTEMPTS,
		key->origin };
	struct ledger_usage usage;

	ck_assert_int_eq(ledger_look(ledger, now, &request, 1, &usage), LEDGER_FREE);
	ck_assert_uint_eq(usage.open, 0);
	ck_assert_uint_le(usage.used, key->final + key->open);
	ck_assert_uint_ge(usage.used + key->unsaved, key->final + key->open);
	ck_assert_uint_eq(usage.attempts, key->attempts);
	key->final = usage.used;
	key->open = key->unsaved = 0;
}

static void begin_users(void)
{
	memset(users, 0, sizeof(users));
	for (unsigned i = 0; i < THREADS; i++) {
		users[i].random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
		for (unsigned j = 0; j < KEYS; j++) {
			struct model_key *key = &users[i].keys[j];

			(void)snprintf(key->key, sizeof(key->key), "rate_rcpt:%u-%.*s@%u", i,
				(int)j, "abcdefghijklmnopqrstuvwxyz", j);
			key->origin.family = j % 3 == 0 ? 0 : 4;
			key->origin.net[0] = j % 3 == 0 ? 0 : (uint8_t)j;
		}
	}
}

/* All that is final has left its windows. */
static void pass_windows(void)
{
	now += 2 * LONGEST * SECOND;
	for (struct user *user = users; user < users + THREADS; user++) {
		for (int i = 0; i < KEYS; i++)
			user->keys[i].final = user->keys[i].attempts = 0;
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
	check_sizes();
}

START_TEST(each_answer_is_that_of_a_simple_model)
	{
		now = LONGEST * SECOND;
		ledger = ledger_new();
		ck_assert_ptr_nonnull(ledger);
		ledger_on_charge(ledger, memory_files_save, NULL);
		begin_users();
		for (int i = 0; i < PHASES; i++) {
			run_phase();
			if (i % 4 == 1)
				pass_windows();
			if (i % 2 == 0)
				continue;
			restart();
			check_sizes();
			for (int j = 0; j < THREADS * KEYS; j++)
				check_restarted(&users[j / KEYS].keys[j % KEYS]);
		}
		for (int i = 0; i < THREADS * HOLDS; i++)
			end_hold(&users[i / HOLDS], &users[i / HOLDS].holds[i % HOLDS], true);
		ledger_free(&ledger);
		memory_files_free();
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_model");
	TCase *tcase = tcase_create("ledger_model");

	tcase_add_test(tcase, each_answer_is_that_of_a_simple_model);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
