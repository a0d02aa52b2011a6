#include "milter/pg/line_worker.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

/* What was taken: how many lines, and whether each was the one that was due. */
struct taken {
	unsigned count;
	unsigned refuse_at; /* the number of a line that is refused; 0: none */
	size_t bytes;
};

/* The line of that number: digits, then so many dashes. */
static size_t make_line(unsigned number, char *line, size_t size)
{
	int len = snprintf(line, size, "%u:", number);
	size_t dashes = number % 300;

	memset(line + len, '-', dashes);
	return (size_t)len + dashes;
}

static const char *take(void *context, char *line, size_t len)
{
	struct taken *taken = context;
	char want[512];

	taken->count++;
	if (taken->count == taken->refuse_at)
		return "refused";
	taken->bytes += len;
	if (make_line(taken->count, want, sizeof(want)) != len || memcmp(want, line, len) != 0)
		return "another line";
	memset(line, 'x', len); /* it may be written over */
	return NULL;
}

static const char *add(struct line_worker *worker, unsigned lines)
{
	const char *wrong = NULL;
	char line[512];
	unsigned i;

	for (i = 1; i <= lines && wrong == NULL; i++)
		wrong = line_worker_add(worker, line, make_line(i, line, sizeof(line)));
	return wrong;
}

static const unsigned counts[] = { 0, 1, 2, 100, 1000, 100000 };
START_TEST(all_lines_are_taken_in_their_order)
	{
		struct taken taken = { 0 };
		struct line_worker *worker = line_worker_new(take, &taken);

		ck_assert_ptr_null(add(worker, counts[_i]));
		ck_assert_ptr_null(line_worker_end(&worker, false));
		ck_assert_ptr_null(worker);
		ck_assert_uint_eq(taken.count, counts[_i]);
		ck_assert_ptr_null(line_worker_end(&worker, false));
	}
END_TEST

static const unsigned refused[] = { 1, 50, 5000, 99999 };
START_TEST(after_a_refusal_no_line_is_taken)
	{
		struct taken taken = { .refuse_at = refused[_i] };
		struct line_worker *worker = line_worker_new(take, &taken);
		const char *wrong = add(worker, 100000),
			   *at_end = line_worker_end(&worker, wrong != NULL);

		ck_assert_str_eq(wrong != NULL ? wrong : at_end, "refused");
		ck_assert_uint_eq(taken.count, refused[_i]);
	}
END_TEST

START_TEST(what_waits_can_be_abandoned)
	{
		struct taken taken = { 0 };
		struct line_worker *worker = line_worker_new(take, &taken);

		ck_assert_ptr_null(add(worker, 50000));
		(void)line_worker_end(&worker, true);
		ck_assert_uint_le(taken.count, 50000);
		worker = line_worker_new(take, &taken);
		taken.count = 0;
		ck_assert_ptr_null(add(worker, 3));
		ck_assert_ptr_null(line_worker_end(&worker, true));
		ck_assert_uint_eq(taken.count, 0);
	}
END_TEST

static const char *count_bytes(void *context, char *line, size_t len)
{
	(void)line;
	*(size_t *)context += len;
	return NULL;
}

START_TEST(a_line_may_be_longer_than_a_batch)
	{
		size_t bytes = 0, len = 3000000;
		char *line = calloc(1, len);
		struct line_worker *worker = line_worker_new(count_bytes, &bytes);

		ck_assert_ptr_null(line_worker_add(worker, line, 10));
		ck_assert_ptr_null(line_worker_add(worker, line, len));
		ck_assert_ptr_null(line_worker_add(worker, line, len - 1));
		ck_assert_ptr_null(line_worker_add(worker, line, 0));
		ck_assert_ptr_null(line_worker_end(&worker, false));
		ck_assert_uint_eq(bytes, 10 + len + len - 1);
		free(line);
	}
END_TEST

static Suite *line_worker_suite(void)
{
	Suite *suite = suite_create("line_worker");
	TCase *tcase = tcase_create("line_worker");

	tcase_add_loop_test(tcase, all_lines_are_taken_in_their_order, 0,
		sizeof(counts) / sizeof(*counts));
	tcase_add_loop_test(tcase, after_a_refusal_no_line_is_taken, 0,
		sizeof(refused) / sizeof(*refused));
	tcase_add_test(tcase, what_waits_can_be_abandoned);
	tcase_add_test(tcase, a_line_may_be_longer_than_a_batch);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(line_worker_suite)
