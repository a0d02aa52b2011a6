/*
 * Shows that a revision survives being written as text, that other texts give an unknown one, and
 * which states are older than the one in force.
 */
#include <stdio.h>

#include "milter/pg/revision.h"
#include "t/unit/unit.h"

#define CLUSTER "7710829169715808490"

static const struct {
	const char *text;
	struct revision revision;
} texts[] = {
	{ "postgresql-1 " CLUSTER " 26655872 3",
		{ .is_known = true, .timeline = 3, .wal = 26655872, .cluster = CLUSTER } },
	{ "postgresql-1 " CLUSTER " 26655872 3+",
		{ .is_known = true,
			.is_least = true,
			.timeline = 3,
			.wal = 26655872,
			.cluster = CLUSTER } },
	{ "postgresql-1 " CLUSTER " 26655872", /* as written by a version without timelines */
		{ .is_known = true, .is_least = true, .wal = 26655872, .cluster = CLUSTER } },
	{ "postgresql-1 - 0 1", { .is_known = true, .timeline = 1 } },
	{ "postgresql-1 18446744073709551615 9223372036854775807 4294967295+",
		{ .is_known = true,
			.is_least = true,
			.timeline = UINT32_MAX,
			.wal = INT64_MAX,
			.cluster = "18446744073709551615" } },
};
START_TEST(a_revision_survives_as_text)
	{
		const struct revision *revision = &texts[_i].revision;
		struct revision parsed;
		char text[REVISION_SIZE];

		revision_format(revision, text);
		ck_assert_str_eq(text, texts[_i].text);
		revision_parse(text, &parsed);
		ck_assert(parsed.is_known);
		ck_assert_int_eq(parsed.is_least, revision->is_least);
		ck_assert_uint_eq(parsed.timeline, revision->timeline);
		ck_assert_int_eq(parsed.wal, revision->wal);
		ck_assert_str_eq(parsed.cluster, revision->cluster);
	}
END_TEST

static const char *const foreign[] = { "", "postgresql-1", "postgresql-1 77", "postgresql-2 77 5",
	"postgresql-1 77 5 x", "postgresql-1 77 -5", "postgresql-1 abc 5", "feed-1 1/2/3 5",
	"postgresql-1 123456789012345678901234567890 5", "postgresql-1 77 5 ",
	"postgresql-1 77 5 0", "postgresql-1 77 5 +", "postgresql-1 77 5 2 ",
	"postgresql-1 77 5 2++", "postgresql-1 77 5 -2", "postgresql-1 77 5 4294967296",
	"postgresql-1 77 9223372036854775808 1" };
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

/* "" is an unknown revision; a standby's here begins with "s:", a primary's with "p:". */
static const struct {
	const char *here, *in_force;
	enum revision_age age;
} pairs[] = {
	/* one timeline: the WAL decides */
	{ "s:7 1000 1", "7 5000 1", REVISION_LAGGING },
	{ "s:7 4970 1", "7 5000 1", REVISION_CURRENT }, /* less than a page header */
	{ "s:7 5000 1", "7 5000 1", REVISION_CURRENT },
	{ "s:7 9000 1", "7 5000 1", REVISION_CURRENT },
	{ "p:7 1000 1", "7 5000 1", REVISION_SET_BACK },
	{ "p:7 4960 1", "7 5000 1", REVISION_CURRENT },
	{ "p:7 4959 1", "7 5000 1", REVISION_SET_BACK },
	{ "p:7 5000 1", "7 5000 1", REVISION_CURRENT },
	{ "p:7 9000 1", "7 5000 1", REVISION_CURRENT },
	{ "s:- 1000 1", "- 5000 1", REVISION_LAGGING },
	/* a higher one: however little WAL */
	{ "p:7 1000 2", "7 5000 1", REVISION_CURRENT },
	{ "s:7 1000 2", "7 5000 1", REVISION_CURRENT },
	{ "s:7 1000 2+", "7 5000 1", REVISION_CURRENT },
	{ "p:7 9000 10", "7 5000 9", REVISION_CURRENT },
	/* a lower one: however much WAL */
	{ "p:7 9000 1", "7 5000 2", REVISION_OLD_TIMELINE },
	{ "s:7 9000 1", "7 5000 2", REVISION_OLD_TIMELINE },
	{ "p:7 1000 1", "7 5000 2", REVISION_OLD_TIMELINE },
	{ "s:7 1000 1", "7 5000 2", REVISION_OLD_TIMELINE },
	{ "p:7 9000 9", "7 5000 10", REVISION_OLD_TIMELINE },
	{ "p:7 9000 1", "7 5000 2+", REVISION_OLD_TIMELINE },
	/* an unknown one never counts as lower */
	{ "s:7 9000", "7 5000 2", REVISION_CURRENT },
	{ "s:7 9000 1+", "7 5000 2", REVISION_CURRENT },
	{ "s:7 1000", "7 5000 2", REVISION_LAGGING },
	{ "s:7 1000 1+", "7 5000 2", REVISION_LAGGING },
	{ "s:7 1000 2+", "7 5000 2", REVISION_LAGGING },
	{ "s:7 1000 2", "7 5000 1+", REVISION_LAGGING }, /* that may have been 2, too */
	{ "s:7 9000 2", "7 5000 1+", REVISION_CURRENT },
	{ "p:7 1000 2", "7 5000 1+", REVISION_CURRENT },
	{ "p:7 1000 2", "7 5000 2+", REVISION_CURRENT },
	{ "p:7 1000 1", "7 5000", REVISION_CURRENT }, /* the file of a version without timelines */
	{ "s:7 1000 1", "7 5000", REVISION_LAGGING },
	/* what cannot be compared */
	{ "s:8 1000 1", "7 5000 2", REVISION_CURRENT },
	{ "p:8 1000 1", "7 5000 2", REVISION_CURRENT },
	{ "s:7 1000 1", "", REVISION_CURRENT },
	{ "", "7 5000 2", REVISION_CURRENT },
};

static void make_revision(const char *text, struct revision *revision_r)
{
	char whole[REVISION_SIZE];
	const bool has_role = text[0] != '\0' && text[1] == ':';

	(void)snprintf(whole, sizeof(whole), "postgresql-1 %s", text + (has_role ? 2 : 0));
	revision_parse(whole, revision_r);
	revision_r->in_recovery = text[0] == 's';
	ck_assert_int_eq(revision_r->is_known, text[0] != '\0');
}

START_TEST(the_timeline_decides_before_the_wal)
	{
		struct revision here, in_force;

		make_revision(pairs[_i].here, &here);
		make_revision(pairs[_i].in_force, &in_force);
		ck_assert_int_eq(revision_compare(&here, &in_force), pairs[_i].age);
	}
END_TEST

/* Each is better than those that follow it. */
static const char *const ranks[] = { "p:7 10 3", "p:7 90 2", "p:7 10 2", "s:7 99 2", "s:7 90 2",
	"p:7 99 1", "s:7 100" };
#define RANK_COUNT (sizeof(ranks) / sizeof(*ranks))

START_TEST(of_two_older_states_the_later_timeline_is_better)
	{
		struct revision a, b;

		for (size_t i = 0; i < RANK_COUNT; i++)
			for (size_t j = 0; j < RANK_COUNT; j++) {
				make_revision(ranks[i], &a);
				make_revision(ranks[j], &b);
				ck_assert_int_eq(revision_is_better(&a, &b), i < j);
			}
	}
END_TEST

static const struct {
	const char *here, *in_force, *kept;
} keeps[] = {
	{ "s:7 9000", "7 5000 2", "postgresql-1 7 9000 2+" },
	{ "s:7 9000 1+", "7 5000 2+", "postgresql-1 7 9000 2+" },
	{ "s:7 9000 3+", "7 5000 2", "postgresql-1 7 9000 3+" },
	{ "s:7 9000 2+", "7 5000 2", "postgresql-1 7 9000 2+" },
	{ "p:7 9000 1", "7 5000 2", "postgresql-1 7 9000 1" },
	{ "s:8 9000", "7 5000 2", "postgresql-1 8 9000" },
	{ "s:7 9000", "", "postgresql-1 7 9000" },
	{ "", "7 5000 2", "" },
};
START_TEST(a_timeline_that_was_known_stays_known)
	{
		struct revision here, in_force;
		char text[REVISION_SIZE];

		make_revision(keeps[_i].here, &here);
		make_revision(keeps[_i].in_force, &in_force);
		revision_keep_timeline(&here, &in_force);
		revision_format(&here, text);
		ck_assert_str_eq(text, keeps[_i].kept);
	}
END_TEST

static Suite *revision_suite(void)
{
	Suite *suite = suite_create("revision");
	TCase *tcase = tcase_create("revision");

	tcase_add_loop_test(tcase, a_revision_survives_as_text, 0, sizeof(texts) / sizeof(*texts));
	tcase_add_loop_test(tcase, other_texts_give_an_unknown_revision, 0,
		sizeof(foreign) / sizeof(*foreign));
	tcase_add_loop_test(tcase, the_timeline_decides_before_the_wal, 0,
		sizeof(pairs) / sizeof(*pairs));
	tcase_add_test(tcase, of_two_older_states_the_later_timeline_is_better);
	tcase_add_loop_test(tcase, a_timeline_that_was_known_stays_known, 0,
		sizeof(keeps) / sizeof(*keeps));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(revision_suite)
