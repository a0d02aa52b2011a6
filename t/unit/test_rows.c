/*
 * Shows how columns of a result are mapped, list
 * columns are split, and booleans are read.
 */
#include "lib/rules/rows.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

static const struct {
	const char *names[12]; /* columns of a result; ends with NULL */
	const char *want;      /* the map, as digits and - ; NULL: an error, */
	const char *why;       /* which contains this */
} maps[] = {
	{ { "id", "username", "password", "froms", "profileId" }, "01234", "" },
	{ { "ID", "UserName", "PASSWORD", "Froms", "profileid" }, "01234", "" },
	{ { "enabled", "profileId", "froms", "password", "username", "id" }, "543210", "" },
	{ { "id", "created", "username", "password", "x", "froms", "profileId" }, "0-12-34", "" },
	{ { "id", "username", "froms", "profileId" }, NULL, "column \"password\" is missing" },
	{ { NULL }, NULL, "column \"id\" is missing" },
	{ { "id", "username", "password", "froms", "profileId", "Username" }, NULL,
		"column \"Username\" occurs twice" },
	{ { "id", "x", "x", "username", "password", "froms", "profileId" }, "0--1234", "" },
	{ { "id", "username", "password", "froms", "profileId", "enabled", "ENABLED" }, NULL,
		"column \"ENABLED\" occurs twice" },
};
START_TEST(maps_the_columns_of_users)
	{
		struct errmsg err = { "" };
		size_t count = 0, i;
		char seen[13] = "";
		int map[12], ret;

		while (maps[_i].names[count] != NULL)
			count++;
		ret = rows_map(user_columns, USER_COLUMNS, maps[_i].names, count, map, &err);
		ck_assert_int_eq(ret, maps[_i].want != NULL ? 0 : -1);
		ck_assert_str_eq(err.text, maps[_i].why);
		for (i = 0; ret == 0 && i < count; i++)
			seen[i] = map[i] < 0 ? '-' : (char)('0' + map[i]);
		if (ret == 0)
			ck_assert_str_eq(seen, maps[_i].want);
	}
END_TEST

START_TEST(profiles_need_six_columns)
	{
		static const char *const all[] = { "id", "name", "open", "host", "rcpt",
			"rcpt_re" };
		const char *some[5];
		struct errmsg err = { "" };
		size_t left, i, n;
		char why[64];
		int map[6];

		ck_assert_int_eq(rows_map(profile_columns, PROFILE_COLUMNS, all, 6, map, &err), 0);
		for (left = 0; left < 6; left++) {
			for (i = n = 0; i < 6; i++) {
				if (i != left)
					some[n++] = all[i];
			}
			ck_assert_int_eq(rows_map(profile_columns, PROFILE_COLUMNS, some, 5, map,
						 &err),
				-1);
			(void)snprintf(why, sizeof(why), "column \"%s\" is missing", all[left]);
			ck_assert_str_eq(err.text, why);
		}
	}
END_TEST

#define T(kind, text)                        \
	{                                    \
		kind, text, sizeof(text) - 1 \
	}

static const struct {
	struct cell cell;
	int regex;
	const char *want; /* each as "NUMBER:item|" */
} items[] = {
	{ { CELL_NULL, NULL, 0 }, 0, "" },
	{ T(CELL_TEXT, ""), 0, "" },
	{ T(CELL_TEXT, "a"), 0, "1:a|" },
	{ T(CELL_TEXT, "a,b"), 0, "1:a|2:b|" },
	{ T(CELL_TEXT, " a , b\t,\n c "), 0, "1:a|2:b|3:c|" },
	{ T(CELL_TEXT, ",a,, ,b,"), 0, "1:a|2:b|" }, /* empty items are not counted */
	{ T(CELL_TEXT, "a b"), 0, "1:a b|" },
	{ T(CELL_TEXT, "a{2,4},b"), 0, "1:a{2|2:4}|3:b|" },
	{ T(CELL_LIST, ""), 0, "" },
	{ T(CELL_LIST, "a\0b\0"), 0, "1:a|2:b|" },
	{ T(CELL_LIST, "a,b\0"), 0, "1:a,b|" },
	{ T(CELL_LIST, " a \0\0b\0"), 0, "1:a|2:b|" },
	{ T(CELL_LIST, "a{2,4},b\0c(\0d)\0"), 1, "1:a{2,4},b|2:c(|3:d)|" }, /* not split at all */
	{ T(CELL_TEXT, "a{2,4},b"), 1, "1:a{2,4}|2:b|" },
	{ T(CELL_TEXT, "[a,b],c"), 1, "1:[a,b]|2:c|" },
	{ T(CELL_TEXT, "(a,b),c"), 1, "1:(a,b)|2:c|" },
	{ T(CELL_TEXT, "((a,b),c),d"), 1, "1:((a,b),c)|2:d|" },
	{ T(CELL_TEXT, "a\\,b,c"), 1, "1:a\\,b|2:c|" },
	{ T(CELL_TEXT, "a\\(,b"), 1, "1:a\\(|2:b|" },
	{ T(CELL_TEXT, "[(],b"), 1, "1:[(]|2:b|" },
	{ T(CELL_TEXT, "[\\],],b"), 1, "1:[\\],]|2:b|" },
	{ T(CELL_TEXT, "a),b"), 1, "1:a)|2:b|" }, /* an extra one closes nothing */
	{ T(CELL_TEXT, "(a,b"), 1, "1:(a,b|" },	  /* an open one includes the rest */
	{ T(CELL_TEXT, "[a,b"), 1, "1:[a,b|" },
	{ T(CELL_TEXT, "a\\"), 1, "1:a\\|" },
	{ T(CELL_TEXT, "a,,b"), 1, "1:a|2:b|" },
};
START_TEST(splits_lists)
	{
		struct strbuf seen = STRBUF_INIT;
		struct cell_items it;
		const char *item;
		size_t len;

		strbuf_add_str(&seen, "");
		cell_items_init(&it, &items[_i].cell, items[_i].regex);
		while (cell_items_next(&it, &item, &len))
			strbuf_addf(&seen, "%u:%.*s|", it.number, (int)len, item);
		ck_assert_str_eq(seen.text, items[_i].want);
		strbuf_free(&seen);
	}
END_TEST

static const struct {
	struct cell cell;
	bool when_null;
	int ret;
	bool want;
} bools[] = {
	{ { CELL_NULL, NULL, 0 }, true, 0, true },
	{ { CELL_NULL, NULL, 0 }, false, 0, false },
	{ T(CELL_TEXT, "t"), false, 0, true },
	{ T(CELL_TEXT, "f"), true, 0, false },
	{ T(CELL_TEXT, "true"), false, 0, true },
	{ T(CELL_TEXT, "FALSE"), true, 0, false },
	{ T(CELL_TEXT, "Yes"), false, 0, true },
	{ T(CELL_TEXT, "no"), true, 0, false },
	{ T(CELL_TEXT, "on"), false, 0, true },
	{ T(CELL_TEXT, "off"), true, 0, false },
	{ T(CELL_TEXT, "1"), false, 0, true },
	{ T(CELL_TEXT, "0"), true, 0, false },
	{ T(CELL_TEXT, "y"), false, 0, true },
	{ T(CELL_TEXT, "n"), true, 0, false },
	{ T(CELL_TEXT, ""), true, -1, false },
	{ T(CELL_TEXT, "2"), true, -1, false },
	{ T(CELL_TEXT, "tr"), true, -1, false },
	{ T(CELL_TEXT, " t"), true, -1, false },
	{ T(CELL_TEXT, "true\0"), true, -1, false },
	{ T(CELL_LIST, "t\0"), true, -1, false },
};
START_TEST(reads_booleans)
	{
		bool value = !bools[_i].want;

		ck_assert_int_eq(cell_bool(&bools[_i].cell, bools[_i].when_null, &value),
			bools[_i].ret);
		ck_assert_int_eq(value, bools[_i].ret == 0 ? bools[_i].want : !bools[_i].want);
	}
END_TEST

static const struct {
	struct cell a, b;
	bool want;
} pairs[] = {
	{ { CELL_NULL, NULL, 0 }, { CELL_NULL, "x", 1 }, true },
	{ { CELL_NULL, NULL, 0 }, T(CELL_TEXT, ""), false },
	{ T(CELL_TEXT, "a"), T(CELL_TEXT, "a"), true },
	{ T(CELL_TEXT, "a"), T(CELL_TEXT, "A"), false },
	{ T(CELL_TEXT, "a"), T(CELL_TEXT, "ab"), false },
	{ T(CELL_TEXT, "a\0"), T(CELL_LIST, "a\0"), false },
	{ T(CELL_LIST, "a\0b\0"), T(CELL_LIST, "a\0b\0"), true },
	{ T(CELL_LIST, "a\0b\0"), T(CELL_LIST, "a\0c\0"), false },
};
START_TEST(compares_cells)
	{
		ck_assert_int_eq(cell_equal(&pairs[_i].a, &pairs[_i].b), pairs[_i].want);
		ck_assert_int_eq(cell_equal(&pairs[_i].b, &pairs[_i].a), pairs[_i].want);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rows");
	TCase *tcase = tcase_create("rows");

	tcase_add_loop_test(tcase, maps_the_columns_of_users, 0, ROWS(maps));
	tcase_add_test(tcase, profiles_need_six_columns);
	tcase_add_loop_test(tcase, splits_lists, 0, ROWS(items));
	tcase_add_loop_test(tcase, reads_booleans, 0, ROWS(bools));
	tcase_add_loop_test(tcase, compares_cells, 0, ROWS(pairs));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
