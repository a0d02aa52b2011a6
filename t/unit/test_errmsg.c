/*
 * Shows that error messages are set,
 * prefixed and cut to fit.
 */
#include "lib/base/errmsg.h"

#include <string.h>

#include "t/unit/unit.h"

START_TEST(formats_its_arguments)
	{
		struct errmsg err = { "old" };

		ck_assert_int_eq(errmsg_set(&err, "%s:%d: %s", "file", 7, "bad"), -1);
		ck_assert_str_eq(err.text, "file:7: bad");
		ck_assert_int_eq(errmsg_set(&err, "%s", ""), -1);
		ck_assert_str_eq(err.text, "");
	}
END_TEST

START_TEST(puts_text_in_front)
	{
		struct errmsg err = { "bad number" };

		ck_assert_int_eq(errmsg_prefix(&err, "%s:%d: ", "file", 7), -1);
		ck_assert_str_eq(err.text, "file:7: bad number");
		ck_assert_int_eq(errmsg_prefix(&err, "%s", ""), -1);
		ck_assert_str_eq(err.text, "file:7: bad number");
	}
END_TEST

START_TEST(accepts_null)
	{
		ck_assert_int_eq(errmsg_set(NULL, "%d", 1), -1);
		ck_assert_int_eq(errmsg_prefix(NULL, "%d", 1), -1);
	}
END_TEST

/* Text that just fits, and text that is too long by one byte and by many bytes. */
START_TEST(cuts_a_text_that_is_too_long)
	{
		const size_t lengths[] = { 511, 512, 5000 };
		struct errmsg err;
		char text[5001];

		memset(text, 'x', lengths[_i]);
		text[lengths[_i]] = '\0';
		ck_assert_int_eq(errmsg_set(&err, "%s", text), -1);
		ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);

		ck_assert_int_eq(errmsg_prefix(&err, "%s", "in front: "), -1);
		ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
		ck_assert_int_eq(strncmp(err.text, "in front: xxx", 13), 0);

		ck_assert_int_eq(errmsg_prefix(&err, "%s", text), -1);
		ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
		ck_assert_int_eq(err.text[0], 'x');
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("errmsg");
	TCase *tcase = tcase_create("errmsg");

	tcase_add_test(tcase, formats_its_arguments);
	tcase_add_test(tcase, puts_text_in_front);
	tcase_add_test(tcase, accepts_null);
	tcase_add_loop_test(tcase, cuts_a_text_that_is_too_long, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
