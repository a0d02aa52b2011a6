/*
 * Shows how lines and arrays in PostgreSQL's text formats are taken apart, with the escapes that
 * PostgreSQL 15 writes, and that malformed ones are refused.
 */
#include <stdio.h>
#include <string.h>

#include "milter/pg/copy_text.h"
#include "t/unit/unit.h"

/* Lines that PostgreSQL 15 wrote, and their three columns: NULL, or text in brackets. */
static const struct {
	const char *line, *want;
} lines[] = {
	{ "1\tbob\tx", "[1][bob][x]" },
	{ "1\t\t", "[1][][]" },
	{ "\\N\t\\N\t\\N", "NULL NULL NULL " },
	{ "\\\\N\t\\\\\t\\\\\\\\", "[\\N][\\][\\\\]" },
	{ "a\\tb\tc\\nd\te\\rf", "[a\tb][c\nd][e\rf]" },
	{ "\\b\\f\\v\tx\\\\\ty", "[\b\f\v][x\\][y]" },
	{ "\xc3\xa4\t\"\t'", "[\xc3\xa4][\"][']" },
	{ "1\t2", "" },
	{ "1\t2\t3\t4", "" },
	{ "", "" },
};

/* The columns that copy_text_line() finds; "": an error. */
static void split(const char *line, char *text, size_t size)
{
	struct cell cells[3];
	char copy[64];
	size_t len = strlen(line), at = 0;
	int i;

	memcpy(copy, line, len);
	text[0] = '\0';
	if (copy_text_line(copy, len, cells, 3) < 0)
		return;
	for (i = 0; i < 3; i++) {
		if (cells[i].kind == CELL_NULL)
			at += (size_t)snprintf(text + at, size - at, "NULL ");
		else
			at += (size_t)snprintf(text + at, size - at, "[%.*s]", (int)cells[i].len,
				cells[i].text);
	}
}

START_TEST(splits_lines)
	{
		char text[128];

		split(lines[_i].line, text, sizeof(text));
		ck_assert_str_eq(text, lines[_i].want);
	}
END_TEST

/* Arrays that PostgreSQL writes, and their items, each in brackets; NULL: an error. */
static const struct {
	const char *text, *want;
} arrays[] = {
	{ "{}", "" },
	{ "{a}", "[a]" },
	{ "{a,b,c}", "[a][b][c]" },
	{ "{\"a b\",\"c,d\"}", "[a b][c,d]" },
	{ "{\"a\\\"b\",\"c\\\\d\"}", "[a\"b][c\\d]" },
	{ "{\"\",x}", "[][x]" },
	{ "{NULL,a,NULL}", "[a]" },
	{ "{\"NULL\"}", "[NULL]" },
	{ "{^a{1\\,3\\}$}", NULL },
	{ "{\"^a{1,3}$\"}", "[^a{1,3}$]" },
	{ "{{a,b},{c,d}}", "[a][b][c][d]" },
	{ "[0:1]={a,b}", "[a][b]" },
	{ "{\xc3\xa4}", "[\xc3\xa4]" },
	{ "", NULL },
	{ "a,b", NULL },
	{ "{", NULL },
	{ "{a", NULL },
	{ "{a,", NULL },
	{ "{\"a", NULL },
	{ "{\"a\\", NULL },
	{ "{a}b", NULL },
	{ "{a}{b}", NULL },
	{ "{a b}c}", NULL },
	{ "{,a}", NULL },
	{ "}", NULL },
};

START_TEST(splits_arrays)
	{
		struct cell cell = { CELL_NULL, NULL, 0 };
		size_t len = strlen(arrays[_i].text), at, out = 0;
		char *copy = malloc(len + 1), text[128] = "";
		int ret;

		memcpy(copy, arrays[_i].text, len + 1);
		ret = copy_text_array(copy, len, &cell);
		ck_assert_int_eq(ret, arrays[_i].want != NULL ? 0 : -1);
		if (ret == 0) {
			ck_assert_int_eq(cell.kind, CELL_LIST);
			for (at = 0; at < cell.len; at += strlen(cell.text + at) + 1)
				out += (size_t)snprintf(text + out, sizeof(text) - out, "[%s]",
					cell.text + at);
			ck_assert_str_eq(text, arrays[_i].want);
		} else {
			ck_assert_int_eq(cell.kind, CELL_NULL);
		}
		free(copy);
	}
END_TEST

static Suite *copy_text_suite(void)
{
	Suite *suite = suite_create("copy_text");
	TCase *tcase = tcase_create("copy_text");

	tcase_add_loop_test(tcase, splits_lines, 0, sizeof(lines) / sizeof(*lines));
	tcase_add_loop_test(tcase, splits_arrays, 0, sizeof(arrays) / sizeof(*arrays));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(copy_text_suite)
