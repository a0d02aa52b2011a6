/*
 * Shows which rows store_scan() reads by itself, that it leaves all others to the JSON parser, and
 * that their lines stay unchanged.
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
	{ "{}", NULL },
	{ "", NULL },
	{ "{", NULL },
	{ "{\"id\":1", NULL },
	{ "{\"id\":1}x", NULL },
	{ "{\"id\":1,}", NULL },
	{ "{\"id\": 1}", NULL },
	{ "{\"id\":01}", NULL },
	{ "{\"id\":-1}", NULL },
	{ "{\"id\":1.5}", NULL },
	{ "{\"id\":1234567890123456789}", NULL },
	{ "{\"id\":}", NULL },
	{ "{\"id\":truely}", NULL },
	{ "{\"id\":{}}", NULL },
	{ "{\"id\":1,\"id\":2}", NULL },
	{ "{\"username\":\"b\",\"id\":2}", NULL },
	{ "{\"foo\":1}", NULL },
	{ "{\"username\":\"b\\\\\"}", NULL },
	{ "{\"username\":\"b\x01\"}", NULL },
	{ "{\"username\":\"b\xfc\"}", NULL },
	{ "{\"username\":\"b}", NULL },
	{ "{\"froms\":[\"a\"", NULL },
	{ "{\"froms\":[\"a\",]}", NULL },
	{ "{\"froms\":[\"a\" ,\"b\"]}", NULL },
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

START_TEST(reads_only_plain_rows)
	{
		struct cell cells[USER_COLUMNS];
		struct strbuf seen = STRBUF_INIT;
		size_t len = strlen(lines[_i].line);
		char *line = malloc(len + 1);
		bool taken;

		memcpy(line, lines[_i].line, len);
		line[len] = '\n'; /* no NUL to stop at */
		taken = store_scan(line, len, user_columns, USER_COLUMNS, cells);
		ck_assert(taken == (lines[_i].want != NULL));
		if (taken) {
			show(cells, &seen);
			ck_assert_str_eq(seen.text, lines[_i].want);
		} else {
			ck_assert_mem_eq(line, lines[_i].line, len);
		}
		strbuf_free(&seen);
		free(line);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_scan");
	TCase *tcase = tcase_create("store_scan");

	tcase_add_loop_test(tcase, reads_only_plain_rows, 0, sizeof(lines) / sizeof(lines[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
