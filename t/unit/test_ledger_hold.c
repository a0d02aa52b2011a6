/*
 * Shows the promises of a reservation: it counts in full while its message is open, becomes final
 * when the message is accepted, and leaves an attempt when it is given back; and that no window
 * ever contains more final charges than the limit, also across restarts.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_format.h"
#include "t/unit/unit.h"

#define SECOND UINT64_C(1000000)
#define HOUR (3600 * SECOND)
#define ATTEMPTS 10

static struct ledger *ledger;
static struct ledger_usage usage;
static const struct limit three = { 3, 3600 };

static void setup(void)
{
	ledger = ledger_new();
	ck_assert_ptr_nonnull(ledger);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

static struct ledger_request request_of(const char *key, const struct limit *limits, size_t count)
{
	return (struct ledger_request){ key, strlen(key), limits, count, 1, ATTEMPTS,
		{ 0, { 0 } } };
}

static enum ledger_answer reserve(struct ledger_hold **hold, uint64_t now, const char *key,
	const struct limit *limit)
{
	const struct ledger_request request = request_of(key, limit, 1);

	return ledger_reserve(ledger, now, hold, &request, 1, true, &usage);
}

static enum ledger_answer look_at_key(uint64_t now, const char *key, const struct limit *limit)
{
	const struct ledger_request request = request_of(key, limit, 1);

	return ledger_look(ledger, now, &request, 1, &usage);
}

static uint64_t used(uint64_t now, const char *key)
{
	(void)look_at_key(now, key, &three);
	return usage.used;
}

/* ---- a message ------------------------------------------------------------------- */

START_TEST(an_open_reservation_counts_however_old_it_is)
	{
		struct ledger_hold *hold = NULL, *other = NULL;

		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(reserve(&hold, SECOND, "k", &three), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 3);
		ck_assert_uint_eq(usage.open, 3);
		for (unsigned day = 0; day < 100; day++) {
			uint64_t now = SECOND + day * 24 * HOUR;

			ck_assert_int_eq(reserve(&other, now, "k", &three), LEDGER_FULL);
			ledger_sweep(ledger, now);
		}
		ledger_give_back(ledger, 2500 * HOUR, &hold);
		ck_assert_ptr_null(hold);
		ck_assert_int_eq(reserve(&other, 2500 * HOUR, "k", &three), LEDGER_FREE);
		ledger_commit(ledger, 2500 * HOUR, &other);
		ck_assert_uint_eq(used(2500 * HOUR, "k"), 1);
	}
END_TEST

START_TEST(a_commit_counts_from_the_end_of_the_message)
	{
		struct ledger_hold *hold = NULL;

		for (int i = 0; i < 3; i++)
			(void)reserve(&hold, SECOND, "k", &three);
		ledger_commit(ledger, 10 * HOUR, &hold);
		ck_assert_int_eq(look_at_key(11 * HOUR - 1, "k", &three), LEDGER_FULL);
		ck_assert_uint_eq(usage.open, 0);
		ck_assert_uint_eq(usage.used, 3);
		ck_assert_int_eq(look_at_key(11 * HOUR + HOUR / 60, "k", &three), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 0);
	}
END_TEST

START_TEST(what_is_given_back_counts_as_an_attempt_of_that_moment)
	{
		struct ledger_hold *hold = NULL;
		uint64_t now = HOUR;

		/* Three times ten attempts, all of them given back at the end of the hour. */
		for (int i = 0; i < 3 * ATTEMPTS; i++, now += 60 * SECOND) {
			ck_assert_int_eq(reserve(&hold, now, "k", &three), LEDGER_FREE);
			ck_assert_uint_eq(usage.attempts, (uint64_t)i);
			ledger_give_back(ledger, now, &hold);
			ck_assert_uint_eq(used(now, "k"), 0);
		}
		ck_assert_int_eq(reserve(&hold, now, "k", &three), LEDGER_FULL);
		ck_assert_ptr_null(hold);
		ck_assert(usage.is_attempts && usage.is_full && usage.is_full_alone);
		ck_assert_uint_eq(usage.attempts, 3 * ATTEMPTS);
		ck_assert_uint_eq(usage.attempts_max, 3 * ATTEMPTS);
		ck_assert_uint_eq(usage.used, 0);
		/* The first one was given back half an hour ago. */
		ck_assert_uint_ge(usage.wait, HOUR / 2);
		ck_assert_uint_le(usage.wait, HOUR / 2 + SECOND);
		ck_assert_int_eq(reserve(&hold, now + usage.wait, "k", &three), LEDGER_FREE);
		ledger_commit(ledger, now + HOUR, &hold);
	}
END_TEST

START_TEST(attempts_remain_when_other_windows_replace_theirs)
	{
		static const struct limit first = { 3, 10 }, second = { 3, 60 };
		const uint64_t later = HOUR + 20 * SECOND;
		struct ledger_hold *hold = NULL;

		(void)reserve(&hold, HOUR, "k", &first);
		ledger_give_back(ledger, later, &hold);
		(void)reserve(&hold, later, "k", &second);
		ck_assert_uint_eq(usage.attempts, 1);
		ledger_give_back(ledger, later, &hold);
		ck_assert_int_eq(look_at_key(later, "k", &second), LEDGER_FREE);
		ck_assert_uint_eq(usage.attempts, 2);
	}
END_TEST

START_TEST(reservations_that_may_be_given_back_count_towards_the_attempts)
	{
		const struct limit ten = { 10, 3600 };
		struct ledger_request request = request_of("k", &ten, 1);
		struct ledger_hold *hold = NULL, *other = NULL;

		request.attempts = 1;
		for (int i = 0; i < 6; i++)
			(void)ledger_reserve(ledger, HOUR, &hold, &request, 1, true, &usage);
		ledger_give_back(ledger, HOUR, &hold);
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(ledger_reserve(ledger, HOUR, &other, &request, 1, true,
						 &usage),
				LEDGER_FREE);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &hold, &request, 1, true, &usage),
			LEDGER_FULL);
		ck_assert(usage.is_full && !usage.is_full_alone && usage.is_attempts);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &other, &request, 1, true, &usage),
			LEDGER_FULL);
		ck_assert(usage.is_full_alone);
		ledger_give_back(ledger, HOUR, &other);
		ledger_give_back(ledger, HOUR, &hold);
	}
END_TEST

START_TEST(with_0_attempts_any_number_may_be_given_back)
	{
		struct ledger_request request = request_of("k", &three, 1);
		struct ledger_hold *hold = NULL;

		request.attempts = 0;
		for (int i = 0; i < 1000; i++) {
			ck_assert_int_eq(ledger_reserve(ledger, HOUR, &hold, &request, 1, true,
						 &usage),
				LEDGER_FREE);
			ledger_give_back(ledger, HOUR, &hold);
		}
		ledger_sweep(ledger, HOUR);
	}
END_TEST

START_TEST(one_message_reserves_in_several_keys_and_repeatedly_in_one)
	{
		struct ledger_hold *hold = NULL;
		char rcpt[16];

		for (int end = 0; end < 2; end++) {
			const struct limit wide = { 200, 3600 };

			for (unsigned i = 0; i < 100; i++) {
				struct ledger_request requests[2] = { request_of("login:bob", &wide,
					1) };
				struct ledger_usage each[2];

				(void)snprintf(rcpt, sizeof(rcpt), "rcpt:%u", i / 2);
				requests[1] = request_of(rcpt, &three, 1);
				ck_assert_int_eq(ledger_reserve(ledger, HOUR, &hold, requests, 2,
							 true, each),
					LEDGER_FREE);
				ck_assert_uint_eq(each[0].used, i + 1);
				ck_assert_uint_eq(each[1].used, i % 2 + 1);
			}
			if (end == 0)
				ledger_give_back(ledger, HOUR, &hold);
			else
				ledger_commit(ledger, HOUR, &hold);
			(void)look_at_key(HOUR, "login:bob", &wide);
			ck_assert_uint_eq(usage.used, end == 0 ? 0 : 100);
			ck_assert_uint_eq(usage.attempts, 100);
			ck_assert_uint_eq(used(HOUR, "rcpt:7"), end == 0 ? 0 : 2);
			ck_assert_uint_eq(usage.attempts, 2);
		}
	}
END_TEST

/* The entry of a key moves in memory when the key gets windows; an open reservation follows it. */
START_TEST(a_reservation_lasts_while_its_key_gets_more_windows)
	{
		struct ledger_hold *hold = NULL, *other = NULL;
		struct limit limit = { 100, 3600 };

		ck_assert_int_eq(reserve(&hold, SECOND, "k", &limit), LEDGER_FREE);
		for (limit.seconds = 7200; limit.seconds < 7210; limit.seconds++) {
			ck_assert_int_eq(reserve(&other, SECOND, "k", &limit), LEDGER_FREE);
			ck_assert_int_eq(reserve(&hold, SECOND, "k", &limit), LEDGER_FREE);
		}
		ck_assert_uint_eq(usage.open, 21);
		ledger_give_back(ledger, SECOND, &other);
		ledger_commit(ledger, SECOND, &hold);
		ck_assert_uint_eq(used(SECOND, "k"), 11);
		ck_assert_uint_eq(usage.open, 0);
	}
END_TEST

/* Only while it is reserved, a key takes the memory of reservations. */
START_TEST(a_reservation_that_has_ended_takes_no_memory)
	{
		const struct ledger_request request = { "k", 1, &three, 1, 1, 0, { 0, { 0 } } };
		struct ledger_hold *hold = NULL;
		size_t charged;

		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(ledger_charge(ledger, SECOND, &request, 1, true, &usage),
				LEDGER_FREE);
		charged = ledger_size(ledger).bytes;
		ck_assert_int_eq(ledger_reserve(ledger, SECOND, &hold, &request, 1, true, &usage),
			LEDGER_FREE);
		ck_assert_uint_gt(ledger_size(ledger).bytes, charged);
		ledger_give_back(ledger, SECOND, &hold);
		ck_assert_uint_eq(ledger_size(ledger).bytes, charged);
		ck_assert_int_eq(ledger_reserve(ledger, SECOND, &hold, &request, 1, true, &usage),
			LEDGER_FREE);
		ledger_commit(ledger, SECOND, &hold);
		ck_assert_uint_eq(ledger_size(ledger).bytes, charged);
	}
END_TEST

START_TEST(keys_are_reserved_all_or_none)
	{
		const struct limit wide = { 100, 60 };
		const struct ledger_request requests[] = { request_of("a", &wide, 1),
			request_of("b", &three, 1) };
		struct ledger_request request = requests[0];
		struct ledger_hold *hold = NULL;
		struct ledger_usage each[2];

		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(ledger_reserve(ledger, 5, &hold, requests, 2, true, each),
				i < 3 ? LEDGER_FREE : LEDGER_FULL);
		ck_assert(each[1].is_full && each[1].is_full_alone && !each[0].is_full);
		ck_assert_uint_eq(each[0].used, 3);
		ledger_give_back(ledger, 5, &hold);
		request.limit_count = 0;
		ck_assert_int_eq(ledger_reserve(ledger, 5, &hold, &request, 1, true, each),
			LEDGER_FAILED);
		ledger_commit(ledger, 5, &hold); /* of nothing */
	}
END_TEST

/* The amounts, of ten, that are final or reserved before a request; and whether the limit would
 * refuse it even without the other message. */
static const struct {
	unsigned final, own, others;
	bool is_full, is_full_alone;
} alone[] = {
	{ 0, 0, 9, false, false },
	{ 0, 0, 10, true, false },
	{ 0, 1, 9, true, false },
	{ 9, 0, 1, true, false },
	{ 10, 0, 0, true, true },
	{ 0, 10, 0, true, true },
	{ 5, 5, 0, true, true },
	{ 5, 4, 1, true, false },
};

START_TEST(only_the_rest_of_a_limit_is_full_alone)
	{
		const struct limit ten = { 10, 3600 };
		struct ledger_hold *final = NULL, *own = NULL, *others = NULL;

		for (unsigned i = 0; i < alone[_i].final; i++)
			(void)reserve(&final, HOUR, "k", &ten);
		ledger_commit(ledger, HOUR, &final);
		for (unsigned i = 0; i < alone[_i].own; i++)
			(void)reserve(&own, HOUR, "k", &ten);
		for (unsigned i = 0; i < alone[_i].others; i++)
			(void)reserve(&others, HOUR, "k", &ten);
		ck_assert_int_eq(reserve(&own, HOUR, "k", &ten),
			alone[_i].is_full ? LEDGER_FULL : LEDGER_FREE);
		ck_assert(usage.is_full == alone[_i].is_full);
		ck_assert(usage.is_full_alone == alone[_i].is_full_alone);
		ledger_give_back(ledger, HOUR, &own);
		ledger_give_back(ledger, HOUR, &others);
	}
END_TEST

START_TEST(any_limit_of_a_request_may_be_full_alone)
	{
		/* The day is full for longer, but only because of the other message. */
		const struct limit limits[] = { { 4, 86400 }, { 2, 3600 } };
		const struct ledger_request request = request_of("k", limits, 2);
		struct ledger_hold *final = NULL, *others = NULL, *own = NULL;

		for (int i = 0; i < 2; i++)
			(void)ledger_reserve(ledger, HOUR, &final, &request, 1, true, &usage);
		ledger_commit(ledger, HOUR, &final);
		for (int i = 0; i < 2; i++)
			(void)reserve(&others, HOUR, "k", &limits[0]);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &own, &request, 1, true, &usage),
			LEDGER_FULL);
		ck_assert_uint_eq(usage.limit.seconds, 86400);
		ck_assert(usage.is_full_alone);
		ledger_give_back(ledger, HOUR, &others);
	}
END_TEST

/* ---- changes while a message is open ------------------------------------------------- */

START_TEST(giving_back_after_forgetting_removes_nobody_elses_charge)
	{
		struct ledger_hold *before = NULL, *after = NULL;

		for (int i = 0; i < 2; i++)
			(void)reserve(&before, HOUR, "k", &three);
		ck_assert_int_eq(ledger_forget(ledger, HOUR, "k", 1), 1);
		ck_assert_uint_eq(used(HOUR, "k"), 0);
		(void)reserve(&after, HOUR, "k", &three);
		(void)reserve(&before, HOUR, "k", &three); /* a message on both sides */
		ck_assert_uint_eq(used(HOUR, "k"), 2);
		ledger_give_back(ledger, HOUR, &before);
		ck_assert_uint_eq(used(HOUR, "k"), 1);
		ck_assert_uint_eq(usage.attempts, 1);
		ledger_give_back(ledger, HOUR, &after);
		ck_assert_uint_eq(used(HOUR, "k"), 0);
		for (size_t i = 0; i < LEDGER_SHARDS; i++)
			ledger_sweep(ledger, 3 * HOUR);
		ck_assert_uint_eq(ledger_size(ledger).keys, 0);
	}
END_TEST

START_TEST(a_message_sent_after_forgetting_counts)
	{
		struct ledger_hold *before = NULL, *after = NULL;

		for (int i = 0; i < 3; i++)
			(void)reserve(&before, HOUR, "k", &three);
		(void)ledger_forget(ledger, HOUR, "k", 1);
		(void)reserve(&after, HOUR, "k", &three);
		ledger_commit(ledger, HOUR + SECOND, &before);
		ck_assert_uint_eq(used(HOUR + SECOND, "k"), 4);
		ck_assert_uint_eq(usage.open, 1);
		ledger_commit(ledger, HOUR + SECOND, &after);
		ck_assert_uint_eq(used(HOUR + SECOND, "k"), 4);
		ck_assert_int_eq(ledger_forget(ledger, HOUR, "k", 1), 1);
		ck_assert_uint_eq(used(HOUR + SECOND, "k"), 0);
	}
END_TEST

START_TEST(reservations_count_in_windows_that_are_new)
	{
		const struct limit day = { 5, 86400 }, minute = { 2, 60 };
		struct ledger_hold *hold = NULL, *other = NULL;

		for (int i = 0; i < 3; i++)
			(void)reserve(&hold, HOUR, "k", &three);
		ck_assert_int_eq(reserve(&other, HOUR, "k", &minute), LEDGER_FULL);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(reserve(&other, HOUR, "k", &day), LEDGER_FREE);
		ck_assert_int_eq(reserve(&other, HOUR, "k", &day), LEDGER_FULL);
		ledger_give_back(ledger, HOUR, &other);
		ledger_commit(ledger, 9 * HOUR, &hold);
		ck_assert_int_eq(look_at_key(20 * HOUR, "k", &day), LEDGER_FREE);
		ck_assert_uint_eq(usage.used, 3);
		ck_assert_int_eq(look_at_key(9 * HOUR, "k", &minute), LEDGER_FULL);
	}
END_TEST

/* Seventeen other windows were added and removed meanwhile. */
START_TEST(a_commit_counts_in_windows_that_have_replaced_those_of_the_reservation)
	{
		struct ledger_hold *hold = NULL, *other = NULL;
		struct limit limit = { 1000, 3600 };

		(void)reserve(&hold, HOUR, "k", &limit);
		for (uint64_t i = 0; i < 40; i++, limit.seconds += 60) {
			(void)reserve(&other, (2 + 2 * i) * HOUR, "k", &limit);
			ledger_give_back(ledger, (2 + 2 * i) * HOUR, &other);
		}
		limit.seconds -= 60;
		ledger_commit(ledger, 100 * HOUR, &hold);
		(void)look_at_key(100 * HOUR, "k", &limit);
		ck_assert_uint_eq(usage.used, 1);
	}
END_TEST

/* ---- files ------------------------------------------------------------------------- */

/* The files in memory: the keys of a checkpoint, and the records since then. */
struct files {
	struct strbuf keys, records;
	bool is_full;
};

static void add_piece(struct strbuf *buf, const void *bytes, size_t len)
{
	const uint32_t size = (uint32_t)len;

	strbuf_add(buf, (const char *)&size, sizeof(size));
	strbuf_add(buf, bytes, len);
}

static bool next_piece(const struct strbuf *buf, size_t *at, const char **piece_r, uint32_t *len_r)
{
	if (*at == buf->len)
		return false;
	memcpy(len_r, buf->text + *at, sizeof(*len_r));
	*piece_r = buf->text + *at + sizeof(*len_r);
	*at += sizeof(*len_r) + *len_r;
	return true;
}

static int save_records(void *context, const struct ledger_record *records, size_t count)
{
	struct files *files = context;
	struct strbuf buf = STRBUF_INIT;

	for (size_t i = 0; i < count && !files->is_full; i++) {
		strbuf_reset(&buf);
		ledger_record_encode(&records[i], &buf);
		add_piece(&files->records, buf.text, buf.len);
	}
	strbuf_free(&buf);
	return files->is_full ? -1 : 0;
}

static void save_key(void *context, const void *bytes, size_t len)
{
	add_piece(context, bytes, len);
}

static void write_checkpoint(struct files *files, uint64_t now)
{
	struct ledger_pass pass = { .shard = 0 };
	struct strbuf buf = STRBUF_INIT;

	strbuf_reset(&files->keys);
	strbuf_reset(&files->records);
	while (ledger_write_some(ledger, &pass, now, &buf, save_key, &files->keys))
		;
	strbuf_free(&buf);
}

/* Replace the ledger by one that is restored from the files, as after a kill. */
static void restart_from(struct files *files, uint64_t now)
{
	struct ledger_record record;
	const char *piece;
	uint32_t len;
	size_t at = 0;

	ledger_free(&ledger);
	ledger = ledger_new();
	while (next_piece(&files->keys, &at, &piece, &len))
		ck_assert_int_eq(ledger_restore_key(ledger, LEDGER_VERSION, piece, len), 0);
	at = 0;
	while (next_piece(&files->records, &at, &piece, &len)) {
		ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION, piece, len, &record), 0);
		ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
	}
	ledger_on_charge(ledger, save_records, files);
	ledger_restart(ledger, now);
}

static void free_files(struct files *files)
{
	strbuf_free(&files->keys);
	strbuf_free(&files->records);
}

/* Free a hold of a process that is gone, without a trace in the files. */
static void abandon(struct ledger_hold **hold)
{
	ledger_on_charge(ledger, NULL, NULL);
	ledger_give_back(ledger, 0, hold);
}

START_TEST(open_reservations_become_final_at_the_restart)
	{
		struct files files = { .is_full = false };
		struct ledger_hold *hold = NULL, *sent = NULL, *aborted = NULL;

		ledger_on_charge(ledger, save_records, &files);
		(void)reserve(&sent, HOUR, "k", &three);
		(void)reserve(&hold, HOUR, "k", &three);
		(void)reserve(&aborted, HOUR, "k", &three);
		ledger_commit(ledger, HOUR + SECOND, &sent);
		ledger_give_back(ledger, HOUR + SECOND, &aborted);
		if (_i == 1)
			write_checkpoint(&files, HOUR + SECOND);
		abandon(&hold);
		restart_from(&files, 9 * HOUR);
		ck_assert_uint_eq(used(9 * HOUR, "k"), 1);
		ck_assert_uint_eq(usage.open, 0);
		/* A second kill before anything else changes neither the amount nor the time. */
		restart_from(&files, 9 * HOUR + HOUR / 2);
		ck_assert_uint_eq(used(9 * HOUR + HOUR / 2, "k"), 1);
		ck_assert_uint_eq(used(10 * HOUR + HOUR / 60, "k"), 0);
		free_files(&files);
	}
END_TEST

START_TEST(attempts_survive_a_restart)
	{
		struct files files = { .is_full = false };
		struct ledger_hold *hold = NULL;

		ledger_on_charge(ledger, save_records, &files);
		for (int i = 0; i < 3 * ATTEMPTS; i++) {
			ck_assert_int_eq(reserve(&hold, HOUR, "k", &three), LEDGER_FREE);
			ledger_give_back(ledger, HOUR, &hold);
			if (i == 15 && _i == 1)
				write_checkpoint(&files, HOUR);
		}
		restart_from(&files, HOUR);
		ck_assert_int_eq(reserve(&hold, HOUR, "k", &three), LEDGER_FULL);
		ck_assert_uint_eq(usage.attempts, 3 * ATTEMPTS);
		free_files(&files);
	}
END_TEST

static void fill_disk(struct files *files, bool is_full)
{
	files->is_full = is_full;
}

START_TEST(what_was_not_saved_releases_nothing_in_the_files)
	{
		const struct ledger_request request = request_of("k", &three, 1);
		struct files files = { .is_full = false };
		struct ledger_hold *saved = NULL, *unsaved = NULL;

		ledger_on_charge(ledger, save_records, &files);
		(void)reserve(&saved, HOUR, "k", &three);
		fill_disk(&files, true);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &unsaved, &request, 1, true, &usage),
			LEDGER_FAILED);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &unsaved, &request, 1, false, &usage),
			LEDGER_FREE);
		ck_assert_uint_eq(ledger_size(ledger).unsaved, 1);
		fill_disk(&files, false);
		ledger_give_back(ledger, HOUR, &unsaved);
		abandon(&saved);
		restart_from(&files, HOUR);
		ck_assert_uint_eq(used(HOUR, "k"), 1);
		free_files(&files);
	}
END_TEST

/* A checkpoint contains the open reservations that no record could contain. */
START_TEST(what_only_a_checkpoint_saved_is_ended_in_the_files)
	{
		const struct ledger_request request = request_of("k", &three, 1);
		struct files files = { .is_full = false };
		struct ledger_hold *unsaved = NULL, *other = NULL;

		ledger_on_charge(ledger, save_records, &files);
		(void)reserve(&other, HOUR, "k", &three);
		fill_disk(&files, true);
		ck_assert_int_eq(ledger_reserve(ledger, HOUR, &unsaved, &request, 1, false, &usage),
			LEDGER_FREE);
		fill_disk(&files, false);
		write_checkpoint(&files, HOUR);
		if (_i == 0)
			ledger_commit(ledger, HOUR, &unsaved);
		else if (_i == 1)
			ledger_give_back(ledger, HOUR, &unsaved);
		else
			abandon(&unsaved);
		abandon(&other);
		restart_from(&files, HOUR);
		ck_assert_uint_eq(used(HOUR, "k"), _i == 1 ? 1 : 2);
		free_files(&files);
	}
END_TEST

START_TEST(an_end_that_cannot_be_saved_counts_from_the_restart)
	{
		struct files files = { .is_full = false };
		struct ledger_hold *hold = NULL;

		ledger_on_charge(ledger, save_records, &files);
		for (int i = 0; i < 2; i++)
			(void)reserve(&hold, HOUR, "k", &three);
		fill_disk(&files, true);
		if (_i == 0)
			ledger_commit(ledger, HOUR, &hold);
		else
			ledger_give_back(ledger, HOUR, &hold);
		ck_assert_uint_eq(used(HOUR, "k"), _i == 0 ? 2 : 0);
		ck_assert_uint_eq(ledger_size(ledger).unsaved, 0);
		restart_from(&files, 9 * HOUR);
		ck_assert_uint_eq(used(9 * HOUR, "k"), 2);
		free_files(&files);
	}
END_TEST

/* ---- the promise --------------------------------------------------------------------- */

#define SESSIONS 9
#define ROUNDS 30
#define EVENTS 6000

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return bound == 0 ? 0 : random_state % bound;
}

/* Times, in their order, and how many of them no longer count in each of two windows. */
struct times {
	uint64_t at[EVENTS * 2];
	size_t len, gone[2][2];
};

/* The number of times within the window of a limit or, with `later`, a sixtieth longer. */
static uint64_t count_within(struct times *times, const struct limit *limit, int number, bool later,
	uint64_t now)
{
	uint64_t window = limit->seconds * SECOND + (later ? limit->seconds * SECOND / 60 : 0);
	size_t *gone = &times->gone[number][later];

	while (*gone < times->len && now >= window && times->at[*gone] <= now - window)
		(*gone)++;
	return times->len - *gone;
}

/* A naive ledger of one key. */
static struct model {
	struct limit limits[2];
	int limit_count;
	uint32_t attempts;
	struct times final, given_back;
	uint64_t own[SESSIONS], open;
	struct ledger_hold *hold[SESSIONS];
	struct files files;
	uint64_t sent, refused;
} m;

static void add_times(struct times *times, uint64_t now, uint64_t count)
{
	for (; count > 0; count--)
		times->at[times->len++] = now;
}

/* Whether a limit refuses one more, apart from `others` reservations; with `later`, at the
 * latest. */
static bool model_is_full(uint64_t now, bool later, uint64_t reserved)
{
	bool is_full = false;

	for (int i = 0; i < m.limit_count; i++) {
		const struct limit *limit = &m.limits[i];

		is_full |= count_within(&m.final, limit, i, later, now) + reserved + 1 >
				limit->count ||
			count_within(&m.given_back, limit, i, later, now) + reserved + 1 >
				(uint64_t)limit->count * m.attempts;
	}
	return is_full;
}

static void reserve_one(unsigned session, uint64_t now)
{
	struct ledger_request request = request_of("k", m.limits, (size_t)m.limit_count);
	const uint64_t own = m.own[session];
	enum ledger_answer answer;

	request.attempts = m.attempts;
	answer = ledger_reserve(ledger, now, &m.hold[session], &request, 1, true, &usage);
	ck_assert_int_ne(answer, LEDGER_FAILED);
	if (answer == LEDGER_FREE) {
		ck_assert(!model_is_full(now, false, m.open));
		m.own[session]++;
		m.open++;
		return;
	}
	m.refused++;
	ck_assert(model_is_full(now, true, m.open));
	ck_assert(!usage.is_full_alone || model_is_full(now, true, own));
	ck_assert(usage.is_full_alone || !model_is_full(now, false, own));
}

static void end_session(unsigned session, uint64_t now, bool is_sent)
{
	if (is_sent)
		ledger_commit(ledger, now, &m.hold[session]);
	else
		ledger_give_back(ledger, now, &m.hold[session]);
	add_times(is_sent ? &m.final : &m.given_back, now, m.own[session]);
	m.sent += is_sent ? m.own[session] : 0;
	m.open -= m.own[session];
	m.own[session] = 0;
}

static void kill_and_restart(uint64_t now)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		abandon(&m.hold[i]);
		m.own[i] = 0;
	}
	add_times(&m.final, now, m.open);
	m.open = 0;
	restart_from(&m.files, now);
}

static uint64_t pass_time(uint64_t now)
{
	const uint64_t window = m.limits[random_below((uint64_t)m.limit_count)].seconds * SECOND;

	switch (random_below(40)) {
	case 0:
		return now + window + random_below(window * 2);
	case 1:
		return now + window;
	case 2:
	case 3:
		return now + usage.wait % (window * 2);
	default:
		return now + random_below(window / m.limits[0].count);
	}
}

static void do_something(uint64_t now)
{
	unsigned session = (unsigned)random_below(SESSIONS);

	switch (random_below(400)) {
	case 0:
		kill_and_restart(now);
		break;
	case 1:
	case 2:
		write_checkpoint(&m.files, now);
		break;
	default:
		if (random_below(4) > 0)
			reserve_one(session, now);
		else
			end_session(session, now, random_below(3) > 0);
		break;
	}
}

static void begin_model(int round)
{
	static const uint32_t counts[] = { 1, 2, 3, 8, 40, 64, 65, 300 };
	static const uint32_t seconds[] = { 1, 60, 300, 3600, 86400 };

	memset(&m, 0, sizeof(m));
	random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(round + 1);
	m.limit_count = 1 + (int)random_below(2);
	m.attempts = 1 + (uint32_t)random_below(3);
	for (int i = 0; i < m.limit_count; i++)
		m.limits[i] = (struct limit){ counts[random_below(8)],
			seconds[random_below(5)] + (uint32_t)i * 7 };
	ledger_on_charge(ledger, save_records, &m.files);
}

START_TEST(no_window_ever_contains_more_than_the_limit)
	{
		uint64_t now = HOUR;

		begin_model(_i);
		for (unsigned event = 0; event < unit_times_plain(EVENTS, EVENTS / 10); event++) {
			do_something(now);
			for (int i = 0; i < m.limit_count; i++)
				ck_assert_uint_le(count_within(&m.final, &m.limits[i], i, false,
							  now) +
						m.open,
					m.limits[i].count);
			now = pass_time(now);
		}
		ck_assert_uint_gt(m.sent, 0);
		for (unsigned i = 0; i < SESSIONS; i++)
			end_session(i, now, false);
		free_files(&m.files);
	}
END_TEST

/* ---- threads ------------------------------------------------------------------------- */

#define THREADS 8
#define MESSAGES_EACH 1000

static void *send_many(void *argument)
{
	static const struct limit wide = { 1000000, 3600 };
	uint64_t *sent = argument;
	struct ledger_hold *hold = NULL;
	struct ledger_usage unused[2];
	char key[16];

	for (unsigned i = 0; i < MESSAGES_EACH; i++) {
		struct ledger_request requests[2] = { request_of("shared", &wide, 1) };
		unsigned count = i % 3 + 1;

		for (unsigned j = 0; j < count; j++) {
			(void)snprintf(key, sizeof(key), "rcpt%u", (i + j) % 50);
			requests[1] = request_of(key, &wide, 1);
			ck_assert_int_eq(ledger_reserve(ledger, HOUR, &hold, requests, 2, true,
						 unused),
				LEDGER_FREE);
		}
		if (i % 4 == 0)
			ledger_give_back(ledger, HOUR, &hold);
		else
			ledger_commit(ledger, HOUR, &hold);
		*sent += i % 4 == 0 ? 0 : count;
		if (i % 100 == 0)
			(void)ledger_forget(ledger, HOUR, "rcpt7", 5);
		ledger_sweep(ledger, HOUR);
	}
	return NULL;
}

START_TEST(threads_lose_and_invent_nothing)
	{
		uint64_t sent[THREADS] = { 0 }, all = 0;
		pthread_t threads[THREADS];

		for (unsigned i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &sent[i]), 0);
		for (unsigned i = 0; i < THREADS; i++) {
			(void)pthread_join(threads[i], NULL);
			all += sent[i];
		}
		ck_assert_uint_eq(used(HOUR, "shared"), all);
		ck_assert_uint_eq(usage.open, 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_hold");
	TCase *tcase = tcase_create("ledger_hold");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_open_reservation_counts_however_old_it_is);
	tcase_add_test(tcase, a_commit_counts_from_the_end_of_the_message);
	tcase_add_test(tcase, what_is_given_back_counts_as_an_attempt_of_that_moment);
	tcase_add_test(tcase, attempts_remain_when_other_windows_replace_theirs);
	tcase_add_test(tcase, reservations_that_may_be_given_back_count_towards_the_attempts);
	tcase_add_test(tcase, with_0_attempts_any_number_may_be_given_back);
	tcase_add_test(tcase, one_message_reserves_in_several_keys_and_repeatedly_in_one);
	tcase_add_test(tcase, a_reservation_lasts_while_its_key_gets_more_windows);
	tcase_add_test(tcase, a_reservation_that_has_ended_takes_no_memory);
	tcase_add_test(tcase, keys_are_reserved_all_or_none);
	tcase_add_loop_test(tcase, only_the_rest_of_a_limit_is_full_alone, 0,
		sizeof(alone) / sizeof(alone[0]));
	tcase_add_test(tcase, any_limit_of_a_request_may_be_full_alone);
	tcase_add_test(tcase, giving_back_after_forgetting_removes_nobody_elses_charge);
	tcase_add_test(tcase, a_message_sent_after_forgetting_counts);
	tcase_add_test(tcase, reservations_count_in_windows_that_are_new);
	tcase_add_test(tcase,
		a_commit_counts_in_windows_that_have_replaced_those_of_the_reservation);
	tcase_add_loop_test(tcase, open_reservations_become_final_at_the_restart, 0, 2);
	tcase_add_loop_test(tcase, attempts_survive_a_restart, 0, 2);
	tcase_add_test(tcase, what_was_not_saved_releases_nothing_in_the_files);
	tcase_add_loop_test(tcase, what_only_a_checkpoint_saved_is_ended_in_the_files, 0, 3);
	tcase_add_loop_test(tcase, an_end_that_cannot_be_saved_counts_from_the_restart, 0, 2);
	tcase_add_loop_test(tcase, no_window_ever_contains_more_than_the_limit, 0,
		(int)unit_times_plain(ROUNDS, 12));
	tcase_add_test(tcase, threads_lose_and_invent_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
