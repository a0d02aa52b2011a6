/*
 * Shows what is loaded from torn, damaged and missing files: every whole frame, from the checkpoint
 * or the one before it.
 */
#include "milter/ledger/ledger_load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/lib/made_ledger.h"
#include "t/unit/unit.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

START_TEST(a_torn_journal_counts_up_to_where_it_is_torn)
	{
		size_t len, first, each;
		char *text;

		made_ledger_open(NULL);
		free(made_read(made_journal(1), &first));
		for (int i = 0; i < 6; i++)
			(void)made_ledger_charge("login:bob");
		text = made_read(made_journal(1), &len);
		each = (len - first) / 6;
		for (size_t cut = 0; cut <= len; cut += cut < first ? 31 : 7) {
			made_ledger_close();
			(void)unlink(made_journal(2));
			made_write(made_journal(1), text, cut);
			made_ledger_open(NULL);
			ck_assert_uint_eq(made_ledger_used("login:bob", 0),
				cut < first ? 0 : (cut - first) / each);
			/* Nothing that was answered is missing: a note, not a problem. */
			ck_assert_uint_eq(problems_count(made_problems), 0);
			ck_assert_uint_eq(problems_level_count(made_problems, PROBLEM_NOTE),
				cut < first ? cut > 0 : (cut - first) % each > 0);
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
		}
		free(text);
	}
END_TEST

START_TEST(a_damaged_record_costs_only_itself)
	{
		size_t len, first, each;
		char *text;

		made_ledger_open(NULL);
		free(made_read(made_journal(1), &first));
		for (int i = 0; i < 6; i++)
			(void)made_ledger_charge("login:bob");
		text = made_read(made_journal(1), &len);
		each = (len - first) / 6;
		for (size_t at = first; at < len; at += 5) {
			made_ledger_close();
			(void)unlink(made_journal(2));
			text[at] = (char)(text[at] ^ 0x10);
			made_write(made_journal(1), text, len);
			text[at] = (char)(text[at] ^ 0x10);
			made_ledger_open(NULL);
			ck_assert_uint_eq(made_ledger_used("login:bob", 0), 5);
			/* If the length of the last one is damaged, it looks torn. */
			ck_assert_uint_eq(problems_count(made_problems) +
					problems_level_count(made_problems, PROBLEM_NOTE),
				1);
			ck_assert(at >= len - each || problems_count(made_problems) == 1);
		}
		/* Zeros at the end, which a file system may leave, and other bytes in the middle.
		 */
		made_ledger_close();
		(void)unlink(made_journal(2));
		memset(text + first + 2 * each, 'x', each);
		memset(text + len - each, 0, each);
		made_write(made_journal(1), text, len);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 4);
		free(text);
	}
END_TEST

START_TEST(a_damaged_checkpoint_is_renamed_and_the_previous_one_used)
	{
		struct errmsg err = { "" };
		char name[128];
		size_t len;
		char *text;

		made_ledger_open(NULL);
		for (int i = 0; i < 10; i++)
			(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		(void)made_ledger_charge("login:bob");
		made_ledger_close();
		text = made_read(made_path, &len);
		if (_i == 0)
			made_write(made_path, text, len - 1);
		else if (_i == 1)
			made_write(made_path, "", 0);
		else if (_i == 2)
			text[len / 2] = (char)(text[len / 2] ^ 1), made_write(made_path, text, len);
		else
			(void)unlink(made_path); /* a crash between two renames */
		free(text);
		ck_assert_int_eq(ledger_load_check(made_path, made_problems, &err), 0);
		ck_assert_uint_eq(problems_count(made_problems), _i < 3 ? 1 : 0);
		ck_assert(made_exists(made_path) == (_i < 3));
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 12);
		(void)snprintf(name, sizeof(name), "%s.bad", made_path);
		ck_assert(made_exists(name) == (_i < 3));
		ck_assert_uint_eq(problems_count(made_problems), _i < 3 ? 2 : 0);
		made_ledger_checkpoint();
		(void)made_ledger_charge("login:bob");
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 13);
		ck_assert_uint_eq(problems_count(made_problems), 0);
	}
END_TEST

START_TEST(the_readable_part_counts_when_both_checkpoints_are_damaged)
	{
		char name[128];
		size_t len;
		char *text;

		made_ledger_open(NULL);
		for (int i = 0; i < 10; i++)
			(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		made_ledger_checkpoint();
		(void)made_ledger_charge("login:bob");
		made_ledger_close();
		text = made_read(made_path, &len);
		made_write(made_path, text, len - 3); /* without its end */
		(void)snprintf(name, sizeof(name), "%s.prev", made_path);
		made_write(name, "rubbish", 7);
		free(text);
		made_ledger_open(NULL);
		ck_assert_uint_eq(made_ledger_used("login:bob", 0), 11);
	}
END_TEST

/* ---- version 1 --------------------------------------------------------------------- */

#define OLD_NOW (UINT64_C(5000) * 1000000) /* the ledger's time of the old files */

static void add_bytes(struct strbuf *buf, const void *bytes, size_t len)
{
	strbuf_add(buf, bytes, len);
}

/* A key as version 1 wrote it: with `count` in the day of made_limits[0], charged at OLD_NOW. */
static void add_old_key(struct strbuf *file, uint64_t seq, const char *key, uint32_t count)
{
	const uint64_t base = OLD_NOW / (UINT64_C(86400) * 1000000 >> 20);
	const uint16_t key_len = (uint16_t)strlen(key), counters = 1;
	const uint32_t seconds = 86400, limit = 1000, named = OLD_NOW / 1000000, tick = 0;
	const uint8_t is_coarse = 0, runs = 1;
	size_t start = frame_begin(file, FRAME_KEY_1);

	add_bytes(file, &seq, sizeof(seq));
	add_bytes(file, &key_len, sizeof(key_len));
	add_bytes(file, &counters, sizeof(counters));
	add_bytes(file, key, key_len);
	add_bytes(file, &seconds, sizeof(seconds));
	add_bytes(file, &limit, sizeof(limit));
	add_bytes(file, &named, sizeof(named));
	add_bytes(file, &is_coarse, sizeof(is_coarse));
	add_bytes(file, &runs, sizeof(runs));
	add_bytes(file, &base, sizeof(base));
	add_bytes(file, &tick, sizeof(tick));
	add_bytes(file, &count, sizeof(count));
	frame_finish(file, start);
}

/* A charge of 1 as version 1 wrote it or, with count 0, the order to forget the key. */
static void add_old_record(struct strbuf *file, uint64_t seq, const char *key, uint16_t count)
{
	const uint64_t now = OLD_NOW;
	const uint32_t amount = 1;
	const uint16_t key_len = (uint16_t)strlen(key);
	size_t start = frame_begin(file, FRAME_RECORD_1);

	add_bytes(file, &seq, sizeof(seq));
	add_bytes(file, &now, sizeof(now));
	add_bytes(file, &amount, sizeof(amount));
	add_bytes(file, &key_len, sizeof(key_len));
	add_bytes(file, &count, sizeof(count));
	add_bytes(file, made_limits, count * sizeof(made_limits[0]));
	add_bytes(file, key, key_len);
	frame_finish(file, start);
}

/* The clocks of a start a second after the old files were written, on another boot. */
static struct ledger_clocks clocks_after(struct frame_moment *moment_r)
{
	struct ledger_clocks clocks;

	ledger_clocks_read(&clocks);
	clocks.boot_id[0] ^= 1;
	*moment_r = (struct frame_moment){ .now = OLD_NOW,
		.boottime = OLD_NOW,
		.wall = clocks.wall - 1000000,
		.boot_id = "old" };
	return clocks;
}

START_TEST(files_of_version_1_lose_nothing)
	{
		const struct frame_head head = { .version = 1, .first_journal = 7 };
		struct strbuf checkpoint = STRBUF_INIT, journal = STRBUF_INIT;
		struct frame_moment moment;
		struct ledger_clocks clocks = clocks_after(&moment);
		const uint64_t keys = 3;

		frame_add(&checkpoint, FRAME_HEAD, &head, sizeof(head));
		frame_add(&checkpoint, FRAME_MOMENT, &moment, sizeof(moment));
		add_old_key(&checkpoint, 5, "login:bob", 40);
		add_old_key(&checkpoint, 6, "login:al", 30);
		add_old_key(&checkpoint, 7, "login:eve", 20);
		frame_add(&checkpoint, FRAME_END, &keys, sizeof(keys));
		frame_add(&journal, FRAME_MOMENT, &moment, sizeof(moment));
		add_old_record(&journal, 5, "login:bob", 1); /* is in the checkpoint */
		add_old_record(&journal, 8, "login:bob", 2);
		add_old_record(&journal, 9, "login:new", 2);
		add_old_record(&journal, 10, "login:eve", 0);
		made_write(made_path, checkpoint.text, checkpoint.len);
		made_write(made_journal(7), journal.text, journal.len);
		strbuf_free(&checkpoint);
		strbuf_free(&journal);

		/* As they are, then from a journal of this version beside them, then rewritten. */
		for (uint64_t round = 0; round < 3; round++) {
			made_ledger_open(&clocks);
			ck_assert_uint_eq(problems_count(made_problems), 0);
			ck_assert_uint_eq(ledger_size(made_ledger).keys, 3);
			ck_assert_uint_eq(made_ledger_used("login:bob", 0), 41 + round);
			ck_assert_uint_eq(made_ledger_used("login:al", 0), 30);
			ck_assert_uint_eq(made_ledger_used("login:eve", 0), 0);
			ck_assert_uint_eq(made_ledger_used("login:new", 1), 1);
			ck_assert_int_eq(made_ledger_charge("login:bob"), LEDGER_FREE);
			if (round == 1)
				made_ledger_checkpoint();
		}
	}
END_TEST

static int copy_used(void *context, const struct ledger_view *view)
{
	*(uint64_t *)context = view->windows[0].used;
	return 0;
}

/* The counts of strangers make room when a bound is introduced, although version 1 did not save
 * their networks; those of logins stay. */
START_TEST(keys_of_version_1_can_make_room)
	{
		static const char overflow[] = "rate_rcpt:overflow unknown";
		struct strbuf journal = STRBUF_INIT;
		struct frame_moment moment;
		struct ledger_clocks clocks = clocks_after(&moment);
		uint64_t used = 0;
		char key[32];

		frame_add(&journal, FRAME_MOMENT, &moment, sizeof(moment));
		for (unsigned i = 0; i < 2000; i++) {
			(void)snprintf(key, sizeof(key), "rate_rcpt:%u@example.com", i);
			if (i % 2 == 0)
				add_old_key(&journal, i + 1, key, 1);
			else
				add_old_record(&journal, i + 1, key, 2);
		}
		for (unsigned i = 0; i < 100; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			add_old_key(&journal, 5000 + i, key, 1);
		}
		made_write(made_journal(1), journal.text, journal.len);
		strbuf_free(&journal);
		made_ledger_open(&clocks);
		ck_assert_uint_eq(ledger_size(made_ledger).keys, 2100);
		ledger_set_bounds(made_ledger, 640, 0);
		for (int i = 0; i < 3; i++)
			ledger_sweep(made_ledger, ledger_file_now(made_file));
		ck_assert_uint_le(ledger_size(made_ledger).keys, 640 + 2 * LEDGER_SHARDS);
		for (unsigned i = 0; i < 100; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			ck_assert_uint_eq(made_ledger_used(key, 0), 1);
		}
		ck_assert(ledger_find(made_ledger, ledger_file_now(made_file), overflow,
			strlen(overflow), copy_used, &used));
		ck_assert_uint_gt(used, 0);
	}
END_TEST

/* The charges have the times of a ledger that began a month ago. */
START_TEST(charges_without_a_moment_do_not_lie_in_the_future)
	{
		const struct limit ten = { 10, 86400 };
		const struct ledger_request request = { "login:bob", 9, &ten, 1, 1, 0,
			{ 0, { 0 } } };
		const size_t in_the_moment = 60; /* after the head, a frame of 29 bytes */
		struct ledger_clocks clocks;
		struct ledger_usage usage;
		size_t len;
		char *text;

		made_ledger_open(NULL);
		ledger_clocks_read(&clocks);
		clocks.wall += 30 * DAY;
		clocks.boot_id[0] ^= 1;
		made_ledger_open(&clocks);
		for (int i = 0; i < 10; i++)
			(void)made_ledger_charge("login:bob");
		made_ledger_checkpoint();
		made_ledger_close();
		text = made_read(made_path, &len);
		text[in_the_moment] ^= 1;
		made_write(made_path, text, len);
		free(text);
		for (unsigned i = 1; i < 10; i++)
			(void)unlink(made_journal(i));
		made_ledger_open(NULL);
		ck_assert_int_eq(ledger_look(made_ledger, ledger_file_now(made_file), &request, 1,
					 &usage),
			LEDGER_FULL);
		ck_assert_uint_eq(usage.used, 10);
		ck_assert_uint_le(usage.wait, (uint64_t)DAY + DAY / 60);
	}
END_TEST

static Suite *ledger_load_suite(void)
{
	Suite *suite = suite_create("ledger_load");
	TCase *tcase = tcase_create("ledger_load");

	tcase_add_checked_fixture(tcase, made_ledger_setup, made_ledger_teardown);
	tcase_add_test(tcase, a_torn_journal_counts_up_to_where_it_is_torn);
	tcase_add_test(tcase, a_damaged_record_costs_only_itself);
	tcase_add_loop_test(tcase, a_damaged_checkpoint_is_renamed_and_the_previous_one_used, 0, 4);
	tcase_add_test(tcase, the_readable_part_counts_when_both_checkpoints_are_damaged);
	tcase_add_test(tcase, files_of_version_1_lose_nothing);
	tcase_add_test(tcase, keys_of_version_1_can_make_room);
	tcase_add_test(tcase, charges_without_a_moment_do_not_lie_in_the_future);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(ledger_load_suite)
