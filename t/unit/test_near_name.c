/*
 * Shows which known name is suggested for a mistyped one, and that distant names are not suggested
 * at all.
 */
#include "lib/base/near_name.h"

#include <string.h>

#include "t/unit/unit.h"

static const char *const names[] = { "status", "suspend", "suspended", "socket", "tail" };

static const char *nearest(const char *typed)
{
	const char *found = "";
	unsigned best = NEAR_NAME_MAX;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (near_name_better(typed, names[i], &best))
			found = names[i];
	}
	return found;
}

static const struct {
	const char *typed, *want;
} cases[] = {
	{ "status", "status" },
	{ "STATUS", "status" },
	{ "stat", "status" },	   /* two left out */
	{ "statuss", "status" },   /* one too many */
	{ "sucket", "socket" },	   /* another letter */
	{ "tial", "tail" },	   /* swapped */
	{ "suspendd", "suspend" }, /* the nearest, not the first or the last that is near */
	{ "suspende", "suspend" }, /* of two that are as near: the first */
	{ "suspendedd", "suspended" },
	{ "sta", "" }, /* three of six */
	{ "", "" },
	{ "x", "" },
};

START_TEST(finds_the_nearest_name)
	{
		ck_assert_str_eq(nearest(cases[_i].typed), cases[_i].want);
	}
END_TEST

START_TEST(a_long_name_is_near_to_none)
	{
		char name[NEAR_NAME_MAX + 2], typed[NEAR_NAME_MAX + 2];
		unsigned best = NEAR_NAME_MAX;

		memset(name, 'a', sizeof(name));
		name[NEAR_NAME_MAX] = '\0';
		memcpy(typed, name, sizeof(typed));
		ck_assert(near_name_better(typed, name, &best));
		ck_assert_uint_eq(best, 0);
		name[NEAR_NAME_MAX] = 'a';
		name[NEAR_NAME_MAX + 1] = '\0';
		best = NEAR_NAME_MAX;
		ck_assert(!near_name_better(typed, name, &best));
		ck_assert_uint_eq(best, NEAR_NAME_MAX);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("near_name");
	TCase *tcase = tcase_create("near_name");

	tcase_add_loop_test(tcase, finds_the_nearest_name, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, a_long_name_is_near_to_none);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
