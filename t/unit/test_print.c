/*
 * The printer writes text, lines and blocks of lines. Text from outside cannot end a line, and the
 * program's own text can.
 */
#include "lib/base/print.h"

#include <string.h>

#include "t/unit/unit.h"

START_TEST(only_the_printer_ends_a_line)
	{
		char printed[200] = "";
		FILE *out = fmemopen(printed, sizeof(printed), "w");

		ck_assert_ptr_nonnull(out);
		print_text(out, "%s-%d ", "a\nb\x1b", 7);
		print_line(out, "%s", "\xe2\x80\xae\r");
		print_end(out);
		print_lines(out, "one\n\ntwo\x1b\n");
		print_lines(out, "");
		print_lines(out, "three");
		(void)fclose(out);
		ck_assert_str_eq(printed, "a\\x0ab\\x1b-7 \\u202e\\x0d\n\none\n\ntwo\\x1b\nthree");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("print");
	TCase *tcase = tcase_create("print");

	tcase_add_test(tcase, only_the_printer_ends_a_line);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
