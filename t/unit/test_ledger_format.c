/*
 * Shows that keys and records survive as bytes, that replaying a record twice counts once, and that
 * damaged bytes are refused or harmless.
 */
#include "lib/rules/ledger_format.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)

static const struct limit limits[] = { { 3, 300 }, { 500, 86400 } };

/* A journal in memory: records as bytes, and the keys of a checkpoint. */
struct journal {
	struct strbuf records[2000];
	size_t count;
	struct strbuf keys[2000];
	size_t key_count;
};

static int write_record(void *context, const struct ledger_record *records, size_t count)
{
	struct journal *journal = context;

	for (size_t i = 0; i < count; i++)
		ledger_record_encode(&records[i], &journal->records[journal->count++]);
	return 0;
}

static void write_key(void *context, const void *bytes, size_t len)
{
	struct journal *journal = context;

	strbuf_add(&journal->keys[journal->key_count++], bytes, len);
}

static void journal_free(struct journal *journal)
{
	for (size_t i = 0; i < 2000; i++) {
		strbuf_free(&journal->records[i]);
		strbuf_free(&journal->keys[i]);
	}
	free(journal);
}

static enum ledger_answer charge_key(struct ledger *ledger, uint64_t now, const char *key)
{
	const struct ledger_request request = { key, strlen(key), limits, 2, 1, 0, { 0, { 0 } } };
	struct ledger_usage usage;

	return ledger_charge(ledger, now, &request, 1, true, &usage);
}

static uint64_t used(struct ledger *ledger, uint64_t now, const char *key, size_t limit)
{
	const struct ledger_request request = { key, strlen(key), &limits[limit], 1, 1, 0,
		{ 0, { 0 } } };
	struct ledger_usage usage;

	(void)ledger_look(ledger, now, &request, 1, &usage);
	return usage.used;
}

static void write_checkpoint(struct ledger *ledger, uint64_t now, struct journal *journal)
{
	struct ledger_pass pass = { .shard = 0 };
	struct strbuf buf = STRBUF_INIT;

	while (ledger_write_some(ledger, &pass, now, &buf, write_key, journal))
		;
	strbuf_free(&buf);
}

static struct ledger *restore(const struct journal *journal)
{
	struct ledger *ledger = ledger_new();
	struct ledger_record record;

	for (size_t i = 0; i < journal->key_count; i++)
		ck_assert_int_eq(ledger_restore_key(ledger, LEDGER_VERSION, journal->keys[i].text,
					 journal->keys[i].len),
			0);
	for (size_t i = 0; i < journal->count; i++) {
		ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION, journal->records[i].text,
					 journal->records[i].len, &record),
			0);
		ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
	}
	return ledger;
}

/* Some hundred charges of a few keys, with a checkpoint in the middle, and forgetting. */
static void make_history(struct ledger *ledger, struct journal *journal, bool with_checkpoint)
{
	char key[16];

	for (unsigned i = 0; i < 600; i++) {
		(void)snprintf(key, sizeof(key), "login:%u", i % 7);
		(void)charge_key(ledger, (1000 + i * 40) * SECOND, key);
		if (i == 200)
			(void)ledger_forget(ledger, (1000 + i * 40) * SECOND, "login:3", 7);
		if (i == 300 && with_checkpoint)
			write_checkpoint(ledger, (1000 + i * 40) * SECOND, journal);
		if (i == 400)
			(void)ledger_forget(ledger, (1000 + i * 40) * SECOND, "login:5", 7);
	}
}

START_TEST(everything_written_is_restored)
	{
		struct journal *journal = calloc(1, sizeof(*journal));
		struct ledger *ledger = ledger_new(), *again;
		uint64_t now = (1000 + 600 * 40) * SECOND;
		char key[16];

		/* 0: the journal alone. 1: keys of a checkpoint, and a journal that repeats some.
		 */
		ledger_on_charge(ledger, write_record, journal);
		make_history(ledger, journal, _i == 1);
		again = restore(journal);
		for (unsigned i = 0; i < 7; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			for (size_t limit = 0; limit < 2; limit++)
				for (uint64_t at = now; at < now + 86400 * SECOND;
					at += 999 * SECOND)
					ck_assert_uint_eq(used(again, at, key, limit),
						used(ledger, at, key, limit));
			ck_assert_int_eq(charge_key(again, now, key), charge_key(ledger, now, key));
		}
		ck_assert_uint_eq(ledger_size(again).keys, ledger_size(ledger).keys);
		ledger_free(&again);
		ledger_free(&ledger);
		journal_free(journal);
	}
END_TEST

START_TEST(a_journal_replayed_twice_counts_once)
	{
		struct journal *journal = calloc(1, sizeof(*journal));
		struct ledger *ledger = ledger_new();
		struct ledger_record record;

		ledger_on_charge(ledger, write_record, journal);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_eq(charge_key(ledger, i + 1, "k"), LEDGER_FREE);
		for (size_t i = 0; i < journal->count; i++) {
			ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION,
						 journal->records[i].text, journal->records[i].len,
						 &record),
				0);
			ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
		}
		ck_assert_uint_eq(used(ledger, 5, "k", 0), 3);
		ledger_free(&ledger);
		journal_free(journal);
	}
END_TEST

START_TEST(numbers_continue_after_the_restored_ones)
	{
		struct journal *journal = calloc(1, sizeof(*journal));
		struct ledger *ledger = ledger_new(), *again;
		struct ledger_record record;

		ledger_on_charge(ledger, write_record, journal);
		ck_assert_int_eq(charge_key(ledger, 1, "a"), LEDGER_FREE);
		ck_assert_int_eq(charge_key(ledger, 1, "b"), LEDGER_FREE);
		again = restore(journal);
		ledger_on_charge(again, write_record, journal);
		ck_assert_int_eq(charge_key(again, 2, "c"), LEDGER_FREE);
		ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION, journal->records[2].text,
					 journal->records[2].len, &record),
			0);
		ck_assert_uint_eq(record.seq, 3);
		ck_assert_uint_eq(record.key_len, 1);
		ck_assert_uint_eq(record.limits[1].count, 500);
		ledger_free(&again);
		ledger_free(&ledger);
		journal_free(journal);
	}
END_TEST

/* A journal contains more keys than count at once: idle ones take no memory while it is read. */
START_TEST(idle_keys_are_freed_as_a_journal_is_read)
	{
		struct ledger *ledger = ledger_new();
		struct ledger_record record = { .change = LEDGER_CHARGED,
			.amount = 1,
			.limit_count = 1,
			.limits = { { 5, 1 } } };
		size_t most = 0;
		char key[32];

		for (unsigned i = 0; i < unit_times_plain(10000, 1500); i++) {
			(void)snprintf(key, sizeof(key), "rate_conn:%u", i);
			record.seq = i + 1;
			record.now = SECOND + i * SECOND / 500;
			record.key = key;
			record.key_len = strlen(key);
			ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
			most = ledger_size(ledger).keys > most ? ledger_size(ledger).keys : most;
		}
		ck_assert_uint_ge(most, 500);
		ck_assert_uint_le(most, 2500);
		ledger_free(&ledger);
	}
END_TEST

START_TEST(cut_or_changed_bytes_are_refused_or_harmless)
	{
		struct journal *journal = calloc(1, sizeof(*journal));
		struct ledger *ledger = ledger_new(), *other;
		struct ledger_record record;
		struct strbuf copy = STRBUF_INIT;

		ledger_on_charge(ledger, write_record, journal);
		for (unsigned i = 0; i < 90; i++)
			(void)charge_key(ledger, i * 200 * SECOND, "login:bob");
		write_checkpoint(ledger, 90 * 200 * SECOND, journal);
		for (size_t len = 0; len < journal->records[0].len; len++)
			ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION,
						 journal->records[0].text, len, &record),
				-1);
		other = ledger_new();
		for (size_t len = 0; len < journal->keys[0].len; len++) {
			ck_assert_int_eq(ledger_restore_key(other, LEDGER_VERSION,
						 journal->keys[0].text, len),
				-1);
			ck_assert_uint_eq(ledger_size(other).keys, 0);
		}
		ledger_free(&other);
		for (size_t i = 0; i < journal->keys[0].len * 8; i++) {
			strbuf_reset(&copy);
			strbuf_add(&copy, journal->keys[0].text, journal->keys[0].len);
			copy.text[i / 8] = (char)(copy.text[i / 8] ^ (1 << (i % 8)));
			other = ledger_new();
			if (ledger_restore_key(other, LEDGER_VERSION, copy.text, copy.len) == 0) {
				(void)charge_key(other, UINT64_C(1) << 50, "login:bob");
				(void)used(other, UINT64_C(1) << 50, "login:bob", 1);
			}
			ledger_free(&other);
		}
		strbuf_free(&copy);
		ledger_free(&ledger);
		journal_free(journal);
	}
END_TEST

static void count_key(void *context, const void *bytes, size_t len)
{
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_gt(len, 0);
	++*(size_t *)context;
}

/* A decision waits for a few keys of a shard, not for all. */
START_TEST(a_pass_holds_a_lock_for_few_keys)
	{
		struct ledger *ledger = ledger_new();
		struct ledger_pass pass = { .shard = 0 };
		struct strbuf buf = STRBUF_INIT;
		size_t all = 0, most = 0;
		bool goes_on = true;
		char key[32];

		for (unsigned i = 0; i < 20000; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			(void)charge_key(ledger, SECOND, key);
		}
		while (goes_on) {
			size_t keys = 0;

			goes_on = ledger_write_some(ledger, &pass, SECOND, &buf, count_key, &keys);
			all += keys;
			most = keys > most ? keys : most;
		}
		ck_assert_uint_eq(all, 20000);
		ck_assert_uint_lt(most, 20000 / LEDGER_SHARDS / 2);
		strbuf_free(&buf);
		ledger_free(&ledger);
	}
END_TEST

/* Repeat a charge. past: with how much of the overflow counts the key begins if it is new. */
static void repeat_charge(struct ledger *ledger, uint64_t seq, uint64_t now, const char *key,
	uint32_t amount, uint32_t past)
{
	const struct ledger_record record = { .seq = seq,
		.now = now,
		.change = LEDGER_CHARGED,
		.key = key,
		.key_len = strlen(key),
		.amount = amount,
		.released = past,
		.origin = { 4, { 192, 0, 2 } },
		.limit_count = 1,
		.limits = { limits[1] } };

	ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
}

/* A key that was freed as idle, and then began with counts from an overflow key, does so again,
 * even if its old entry is still in the files. */
START_TEST(a_key_that_was_idle_inherits_again)
	{
		const uint64_t later = 2 * UINT64_C(86400) * SECOND;
		struct ledger *ledger = ledger_new();

		repeat_charge(ledger, 1, SECOND, "rate_rcpt:a@b.example", 1, 0);
		repeat_charge(ledger, 2, later, "rate_rcpt:overflow all", 9, 0);
		repeat_charge(ledger, 3, later, "rate_rcpt:a@b.example", 1, 7);
		ck_assert_uint_eq(used(ledger, later, "rate_rcpt:a@b.example", 1), 8);
		ledger_free(&ledger);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_format");
	TCase *tcase = tcase_create("ledger_format");

	tcase_add_loop_test(tcase, everything_written_is_restored, 0, 2);
	tcase_add_test(tcase, a_journal_replayed_twice_counts_once);
	tcase_add_test(tcase, numbers_continue_after_the_restored_ones);
	tcase_add_test(tcase, idle_keys_are_freed_as_a_journal_is_read);
	tcase_add_test(tcase, a_key_that_was_idle_inherits_again);
	tcase_add_test(tcase, a_pass_holds_a_lock_for_few_keys);
	tcase_add_test(tcase, cut_or_changed_bytes_are_refused_or_harmless);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
