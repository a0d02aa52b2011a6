/*
 * Shows that a revision survives being written as text, that other texts give an unknown one, and
 * when a standby is behind.
 */
#include "milter/pg/revision.h"
#include "t/unit/unit.h"

START_TEST(a_revision_survives_as_text)
	{
		const struct revision revision = { true, false, 26655872, "7710829169715808490" };
		struct revision parsed;
		char text[REVISION_SIZE];

		revision_format(&revision, text);
		ck_assert_str_eq(text, "postgresql-1 7710829169715808490 26655872");
		revision_parse(text, &parsed);
		ck_assert(parsed.is_known);
		ck_assert_int_eq(parsed.wal, revision.wal);
		ck_assert_str_eq(parsed.cluster, revision.cluster);
	}
END_TEST

START_TEST(a_revision_without_a_cluster_survives_as_text)
	{
		const struct revision revision = { true, false, INT64_MAX, "" };
		struct revision parsed;
		char text[REVISION_SIZE];

		revision_format(&revision, text);
		revision_parse(text, &parsed);
		ck_assert(parsed.is_known);
		ck_assert_int_eq(parsed.wal, INT64_MAX);
		ck_assert_str_eq(parsed.cluster, "");
	}
END_TEST

START_TEST(the_longest_revision_fits)
	{
		const struct revision revision = { true, true, INT64_MAX, "18446744073709551615" };
		struct revision parsed;
		char text[REVISION_SIZE];

		revision_format(&revision, text);
		revision_parse(text, &parsed);
		ck_assert_str_eq(parsed.cluster, revision.cluster);
		ck_assert_int_eq(parsed.wal, INT64_MAX);
	}
END_TEST

static const char *const foreign[] = { "", "postgresql-1", "postgresql-1 77", "postgresql-2 77 5",
	"postgresql-1 77 5 x", "postgresql-1 77 -5", "postgresql-1 abc 5", "feed-1 1/2/3 5",
	"postgresql-1 123456789012345678901234567890 5" };
START_TEST(other_texts_give_an_unknown_revision)
	{
		struct revision parsed = { .is_known = true };
		char text[REVISION_SIZE];

		revision_parse(foreign[_i], &parsed);
		ck_assert(!parsed.is_known);
		revision_format(&parsed, text);
		ck_assert_str_eq(text, "");
	}
END_TEST

static const struct {
	struct revision here, in_force;
	bool behind;
} pairs[] = {
	{ { true, true, 1000, "7" }, { true, false, 5000, "7" }, true },
	{ { true, true, 4970, "7" }, { true, false, 5000, "7" },
		false }, /* less than a page header */
	{ { true, true, 5000, "7" }, { true, false, 5000, "7" }, false },
	{ { true, true, 9000, "7" }, { true, false, 5000, "7" }, false },
	{ { true, false, 1000, "7" }, { true, false, 5000, "7" },
		false }, /* a primary is never behind */
	{ { true, true, 1000, "8" }, { true, false, 5000, "7" }, false }, /* another cluster */
	{ { true, true, 1000, "7" }, { false, false, 0, "" }, false },	  /* nothing is in force */
	{ { true, true, 1000, "" }, { true, true, 5000, "" }, true },
};
START_TEST(a_standby_is_behind_if_it_has_replayed_less)
	{
		ck_assert_int_eq(revision_is_behind(&pairs[_i].here, &pairs[_i].in_force),
			pairs[_i].behind);
	}
END_TEST

static Suite *revision_suite(void)
{
	Suite *suite = suite_create("revision");
	TCase *tcase = tcase_create("revision");

	tcase_add_test(tcase, a_revision_survives_as_text);
	tcase_add_test(tcase, a_revision_without_a_cluster_survives_as_text);
	tcase_add_test(tcase, the_longest_revision_fits);
	tcase_add_loop_test(tcase, other_texts_give_an_unknown_revision, 0,
		sizeof(foreign) / sizeof(*foreign));
	tcase_add_loop_test(tcase, a_standby_is_behind_if_it_has_replayed_less, 0,
		sizeof(pairs) / sizeof(*pairs));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(revision_suite)
