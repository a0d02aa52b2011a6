/*
 * Shows which rows store_scan_row() reads by itself, that it leaves all others to the JSON parser,
 * and that it learns keys that are no columns.
 */
#include "lib/store/store_scan.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

static const struct {
	const char *line, *want; /* NULL: left to a real parser */
} lines[] = {
	{ "{\"id\":1}", "id=1 " },
	{ "{\"id\":0,\"username\":\"b\xc3\xbc\"}", "id=0 username=b\xc3\xbc " },
	{ "{\"username\":\"\",\"froms\":[\"a\",\"b,c\",\"\"],\"enabled\":false}",
		"username= froms=[a|b,c||] enabled=f " },
	{ "{\"froms\":[],\"enabled\":true}", "froms=[] enabled=t " },
	{ "{\"id\":null,\"password\":\"]}\",\"froms\":[\"]\"]}", "password=]} froms=[]|] " },
	{ "{\"id\":123456789012345678}", "id=123456789012345678 " },
	{ "{}", "" },
	{ " {}", NULL },
	{ "{\"id\":1}x", "id=1 " },
	{ "{ \"id\" :\t1\r\n, \"froms\" : [ \"a\" , \"b\" ] }", "id=1 froms=[a|b|] " },
	{ "{\"id\":-1}", "id=-1 " },
	{ "{\"id\":9223372036854775807}", "id=9223372036854775807 " },
	{ "{\"username\":\"b\",\"id\":2}", "id=2 username=b " },
	{ "{\"USERNAME\":\"b\",\"profileid\":2}", "username=b profileId=2 " },
	{ "{\"usern\\u0061me\":\"b\"}", "username=b " },
	{ "{\"username\":\"b\\\\\\u00fc\\/\",\"froms\":[\"\\ud83d\\ude00\",\"\\n\"]}",
		"username=b\\\xc3\xbc/ froms=[\xf0\x9f\x98\x80|\n|] " },
	{ "{\"foo\":{\"id\":[1.5e3,{}]},\"id\":1}", "id=1 " },
	{ "", NULL },
	{ "{", NULL },
	{ "{\"id\":1", NULL },
	{ "{\"id\":1,}", NULL },
	{ "{\"id\":01}", NULL },
	{ "{\"id\":-0}", NULL },
	{ "{\"id\":1.5}", NULL },
	{ "{\"id\":9223372036854775808}", NULL },
	{ "{\"id\":}", NULL },
	{ "{\"id\":truely}", NULL },
	{ "{\"id\":{}}", NULL },
	{ "{\"id\":1,\"id\":2}", NULL },
	{ "{\"id\":1,\"ID\":2}", NULL },
	{ "{\"foo\":1,\"foo\":2}", NULL },
	{ "{\"foo\":1,\"f\\u006fo\":2}", NULL },
	{ "{\"foo\":{\"a\":1,\"a\":2}}", NULL },
	{ "{\"foo\\u0000\":1}", NULL },
	{ "{\"username\":\"b\\u0000\"}", NULL },
	{ "{\"username\":\"b\\ud83d\"}", NULL },
	{ "{\"username\":\"b\x01\"}", NULL },
	{ "{\"username\":\"b}", NULL },
	{ "{\"froms\":[\"a\"", NULL },
	{ "{\"froms\":[\"a\",]}", NULL },
	{ "{\"froms\":[\"a\\u0000\"]}", NULL },
	{ "{\"froms\":[[\"a\"]]}", NULL },
	{ "{\"froms\":[1]}", NULL },
	{ "[]", NULL },
};

/* Describe the cells: "id=1 froms=[a|b|] ". */
static void show(const struct cell *cells, struct strbuf *text)
{
	size_t i;
	int c;

	for (c = 0; c < USER_COLUMNS; c++) {
		if (cells[c].kind == CELL_NULL)
			continue;
		strbuf_addf(text, "%s=%s", user_columns[c].name,
			cells[c].kind == CELL_LIST ? "[" : "");
		for (i = 0; i < cells[c].len; i++)
			strbuf_add_char(text, cells[c].text[i] != '\0' ? cells[c].text[i] : '|');
		strbuf_add_str(text, cells[c].kind == CELL_LIST ? "] " : " ");
	}
}

static struct store_scan *scan;

static void setup(void)
{
	scan = store_scan_new(user_columns, USER_COLUMNS);
	ck_assert_ptr_nonnull(scan);
}

static void teardown(void)
{
	store_scan_free(&scan);
}

/* Read a row of the text, which has its exact size in memory, and compare the description. */
static void assert_row(const char *text, const char *want)
{
	struct cell cells[STORE_COLUMNS_MAX];
	struct strbuf seen = STRBUF_INIT;
	size_t len = strlen(text);
	char *copy = malloc(len + 1);
	struct json_scan s = { copy, copy + len };

	memcpy(copy, text, len);
	copy[len] = '"'; /* no NUL to stop at */
	ck_assert(store_scan_row(scan, &s, cells) == (want != NULL));
	if (want != NULL) {
		strbuf_add_str(&seen, "");
		show(cells, &seen);
		ck_assert_str_eq(seen.text, want);
	} else {
		ck_assert_ptr_eq(s.at, copy);
	}
	strbuf_free(&seen);
	free(copy);
}

START_TEST(reads_rows)
	{
		assert_row(lines[_i].line, lines[_i].want);
		/* What it has learned changes nothing. */
		assert_row("{\"enabled\":true,\"foo\":1}", "enabled=t ");
		assert_row(lines[_i].line, lines[_i].want);
		assert_row(lines[_i].line, lines[_i].want);
	}
END_TEST

START_TEST(a_new_key_is_returned_once)
	{
		assert_row("{\"a\":1,\"id\":2,\"b\":1,\"ID\":3}", NULL);
		assert_row("{\"a\":1,\"id\":2,\"b\":1}", "id=2 ");
		ck_assert_uint_eq(store_scan_columns(scan), 1U << USER_ID);
		ck_assert_str_eq(store_scan_new_key(scan), "a");
		/* b was not taken. */
		assert_row("{\"\\u0061\":1,\"c\":1,\"b\":1}", "");
		ck_assert_uint_eq(store_scan_columns(scan), 0);
		ck_assert_str_eq(store_scan_new_key(scan), "c");
		ck_assert_str_eq(store_scan_new_key(scan), "b");
		ck_assert_ptr_null(store_scan_new_key(scan));
	}
END_TEST

/* A parser reads rows with more keys, or longer ones, than are kept. */
START_TEST(keys_are_bounded)
	{
		char text[256];
		int i;

		for (i = 0; i < 200; i++) {
			(void)snprintf(text, sizeof(text), "{\"id\":%d,\"key %d\":1}", i, i);
			(void)snprintf(text + 128, 128, "id=%d ", i);
			assert_row(text, i < 127 - USER_COLUMNS ? text + 128 : NULL);
		}
		(void)snprintf(text, sizeof(text), "{\"%0100d\":1}", 1);
		assert_row(text, NULL);
		assert_row("{\"id\":1}", "id=1 ");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_scan");
	TCase *tcase = tcase_create("store_scan");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, reads_rows, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tcase, a_new_key_is_returned_once);
	tcase_add_test(tcase, keys_are_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
