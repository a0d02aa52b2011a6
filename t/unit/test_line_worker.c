/*
 * Shows that the second thread processes all lines in their order, and that it stops at an error or
 * when it is told to.
 */
#include "milter/pg/line_worker.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

/* What the second thread has processed. */
struct taken {
	unsigned count;
	unsigned refuse_at; /* the number of the line to refuse; 0: none */
	size_t bytes;
};

/* Write the line of that number: its digits, a colon, and up to 299 dashes. */
static size_t make_line(unsigned number, char *line, size_t size)
{
	int len = snprintf(line, size, "%u:", number);
	size_t dashes = number % 300;

	memset(line + len, '-', dashes);
	return (size_t)len + dashes;
}

static const char *check_line(void *context, char *line, size_t len)
{
	struct taken *taken = context;
	char want[512];

	taken->count++;
	if (taken->count == taken->refuse_at)
		return "refused";
	taken->bytes += len;
	if (make_line(taken->count, want, sizeof(want)) != len || memcmp(want, line, len) != 0)
		return "another line";
	memset(line, 'x', len); /* a line may be overwritten */
	return NULL;
}

static const char *add_lines(struct line_worker *worker, unsigned lines)
{
	const char *wrong = NULL;
	char line[512];
	unsigned i;

	for (i = 1; i <= lines && wrong == NULL; i++)
		wrong = line_worker_add(worker, line, make_line(i, line, sizeof(line)));
	return wrong;
}

static const unsigned counts[] = { 0, 1, 2, 100, 1000, 100000 };
START_TEST(all_lines_are_processed_in_their_order)
	{
		struct taken taken = { 0 };
		struct line_worker *worker = line_worker_new(check_line, &taken);

		ck_assert_ptr_null(add_lines(worker, counts[_i]));
		ck_assert_ptr_null(line_worker_end(&worker, false));
		ck_assert_ptr_null(worker);
		ck_assert_uint_eq(taken.count, counts[_i]);
		ck_assert_ptr_null(line_worker_end(&worker, false));
	}
END_TEST

static const unsigned refused[] = { 1, 50, 5000, 99999 };
START_TEST(no_line_is_processed_after_an_error)
	{
		struct taken taken = { .refuse_at = refused[_i] };
		struct line_worker *worker = line_worker_new(check_line, &taken);
		const char *wrong = add_lines(worker, 100000),
			   *at_end = line_worker_end(&worker, wrong != NULL);

		ck_assert_str_eq(wrong != NULL ? wrong : at_end, "refused");
		ck_assert_uint_eq(taken.count, refused[_i]);
	}
END_TEST

START_TEST(waiting_lines_can_be_abandoned)
	{
		struct taken taken = { 0 };
		struct line_worker *worker = line_worker_new(check_line, &taken);

		ck_assert_ptr_null(add_lines(worker, 50000));
		(void)line_worker_end(&worker, true);
		ck_assert_uint_le(taken.count, 50000);
		worker = line_worker_new(check_line, &taken);
		taken.count = 0;
		ck_assert_ptr_null(add_lines(worker, 3));
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

	tcase_add_loop_test(tcase, all_lines_are_processed_in_their_order, 0,
		sizeof(counts) / sizeof(*counts));
	tcase_add_loop_test(tcase, no_line_is_processed_after_an_error, 0,
		sizeof(refused) / sizeof(*refused));
	tcase_add_test(tcase, waiting_lines_can_be_abandoned);
	tcase_add_test(tcase, a_line_may_be_longer_than_a_batch);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(line_worker_suite)
