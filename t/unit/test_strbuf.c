/*
 * Shows that a text grows to any length, and that a
 * failure is kept until it is reset.
 */
#include "lib/base/strbuf.h"

#include <stdint.h>
#include <string.h>

#include "t/unit/unit.h"

START_TEST(grows)
	{
		struct strbuf buf = STRBUF_INIT;
		size_t i;

		for (i = 0; i < 1000; i++) {
			strbuf_add_str(&buf, "ab");
			strbuf_add_char(&buf, 'c');
			strbuf_add(&buf, "d\0e", 3);
			strbuf_addf(&buf, "%04zu", i);
			ck_assert_uint_eq(buf.len, (i + 1) * 10);
			ck_assert_int_eq(buf.text[buf.len], '\0');
		}
		for (i = 0; i < 1000; i++)
			ck_assert_int_eq(memcmp(buf.text + i * 10, "abcd\0e", 6), 0);
		ck_assert_str_eq(buf.text + 999 * 10 + 6, "0999");
		ck_assert(!buf.failed);
		strbuf_free(&buf);
		ck_assert_ptr_null(buf.text);
		ck_assert_uint_eq(buf.len, 0);
		strbuf_free(&buf);
	}
END_TEST

/* The result of a format is complete, at every length around the growth of the buffer. */
START_TEST(formats_whole)
	{
		struct strbuf buf = STRBUF_INIT;
		int width;

		for (width = 1; width < 300; width++) {
			strbuf_free(&buf);
			strbuf_addf(&buf, "%*s", width, "x");
			ck_assert_uint_eq(buf.len, (size_t)width);
			ck_assert_uint_eq(strlen(buf.text), (size_t)width);
			ck_assert_int_eq(buf.text[width - 1], 'x');
		}
		strbuf_addf(&buf, "%s", "");
		ck_assert_uint_eq(buf.len, 299);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(adds_nothing)
	{
		struct strbuf buf = STRBUF_INIT;

		strbuf_add(&buf, NULL, 0);
		ck_assert_str_eq(buf.text, "");
		strbuf_add_str(&buf, "");
		ck_assert_uint_eq(buf.len, 0);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(gives_its_text_away)
	{
		struct strbuf buf = STRBUF_INIT;
		char *text;

		text = strbuf_take(&buf);
		ck_assert_str_eq(text, "");
		free(text);
		strbuf_add_str(&buf, "mine");
		text = strbuf_take(&buf);
		ck_assert_str_eq(text, "mine");
		ck_assert_ptr_null(buf.text);
		ck_assert_uint_eq(buf.size, 0);
		free(text);
		strbuf_add_str(&buf, "again");
		ck_assert_str_eq(buf.text, "again");
		strbuf_free(&buf);
	}
END_TEST

/* After a failed allocation, all further additions fail until the buffer is reset. */
START_TEST(remembers_a_failure)
	{
		struct strbuf buf = STRBUF_INIT;
		char *text;

		strbuf_add_str(&buf, "before");
		strbuf_add(&buf, "", SIZE_MAX);
		ck_assert(buf.failed);
		strbuf_add_str(&buf, "after");
		strbuf_add_char(&buf, 'x');
		strbuf_addf(&buf, "%d", 1);
		ck_assert_uint_eq(buf.len, 6);
		ck_assert_str_eq(buf.text, "before");
		ck_assert_ptr_null(strbuf_take(&buf));
		ck_assert(!buf.failed);
		ck_assert_ptr_null(buf.text);

		strbuf_add(&buf, "", SIZE_MAX / 2);
		ck_assert(buf.failed);
		strbuf_reset(&buf);
		strbuf_add_str(&buf, "fine");
		text = strbuf_take(&buf);
		ck_assert_str_eq(text, "fine");
		free(text);
	}
END_TEST

START_TEST(resets_and_keeps_its_memory)
	{
		struct strbuf buf = STRBUF_INIT;
		size_t size;

		strbuf_reset(&buf);
		strbuf_addf(&buf, "%1000s", "");
		size = buf.size;
		strbuf_reset(&buf);
		ck_assert_uint_eq(buf.len, 0);
		ck_assert_str_eq(buf.text, "");
		ck_assert_uint_eq(buf.size, size);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(begins_in_lent_memory)
	{
		char memory[8];
		struct strbuf buf;
		char *text;

		strbuf_lend(&buf, memory, sizeof(memory));
		ck_assert_str_eq(buf.text, "");
		strbuf_addf(&buf, "%s", "1234567");
		ck_assert_ptr_eq(buf.text, memory);
		strbuf_add_char(&buf, '8');
		ck_assert_ptr_ne(buf.text, memory);
		ck_assert_str_eq(buf.text, "12345678");
		strbuf_free(&buf);

		strbuf_lend(&buf, memory, sizeof(memory));
		strbuf_addf(&buf, "%s", "12345678");
		ck_assert_str_eq(buf.text, "12345678");
		strbuf_free(&buf);

		strbuf_lend(&buf, memory, sizeof(memory));
		strbuf_add_str(&buf, "mine");
		text = strbuf_take(&buf);
		ck_assert_str_eq(text, "mine");
		ck_assert_ptr_ne(text, memory);
		free(text);

		strbuf_lend(&buf, memory, sizeof(memory));
		strbuf_add_str(&buf, "kept");
		strbuf_add(&buf, "", SIZE_MAX);
		ck_assert_str_eq(buf.text, "kept");
		strbuf_free(&buf);
		ck_assert_ptr_null(buf.text);
	}
END_TEST

START_TEST(adds_numbers)
	{
		struct strbuf buf = STRBUF_INIT;

		strbuf_add_number(&buf, 0);
		strbuf_add_char(&buf, ' ');
		strbuf_add_number(&buf, 1024);
		strbuf_add_char(&buf, ' ');
		strbuf_add_number(&buf, UINT64_MAX);
		ck_assert_str_eq(buf.text, "0 1024 18446744073709551615");
		strbuf_free(&buf);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("strbuf");
	TCase *tcase = tcase_create("strbuf");

	tcase_add_test(tcase, grows);
	tcase_add_test(tcase, formats_whole);
	tcase_add_test(tcase, adds_nothing);
	tcase_add_test(tcase, gives_its_text_away);
	tcase_add_test(tcase, remembers_a_failure);
	tcase_add_test(tcase, resets_and_keeps_its_memory);
	tcase_add_test(tcase, begins_in_lent_memory);
	tcase_add_test(tcase, adds_numbers);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
