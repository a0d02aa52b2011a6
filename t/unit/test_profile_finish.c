/*
 * Shows which regexes, hosts and recipients of profiles fit within their bounds, and that a change
 * compiles only regexes that are new.
 */
#include "lib/rules/profile.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dlfcn.h>
#include <pcre2.h>

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

/* A pattern of 62,552 bytes once its repeats are written out. */
#define COSTLY "((((a{1,9}|b|c){1,20}z){1,20}){1,5})x"
#define COSTLY_ROW_SIZE (40 * sizeof(COSTLY "99$,"))

static void make_costly(int count, char text_r[COSTLY_ROW_SIZE])
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text_r + len, COSTLY_ROW_SIZE - len, "%s" COSTLY "%d$",
			i > 0 ? "," : "", i);
}

/* A profile's regexes are in force up to its bound; other profiles have their own. */
START_TEST(costly_regexes_are_bounded_in_each_profile)
	{
		char text[COSTLY_ROW_SIZE];
		struct made_profile costly = { "1", "sales", .rcpt_re = text };
		struct made_profile cheap = { "2", "support", .rcpt_re = "^b$" };
		const struct profiles *profiles;

		make_costly(40, text);
		ck_assert_int_eq(made_profile(&m, &costly), 1);
		ck_assert_int_eq(made_profile(&m, &cheap), 1);
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		profiles = m.parts.profiles;
		ck_assert_uint_eq(regexlist_count(profile_rcpt_re(profiles_at(profiles, 0))), 3);
		ck_assert_uint_eq(regexlist_count(profile_rcpt_re(profiles_at(profiles, 1))), 1);
		ck_assert_uint_le(regexlist_bytes(profile_rcpt_re(profiles_at(profiles, 0))),
			PROFILE_REGEX_BYTES);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"profiles id 1 (sales): rcpt_re[4]: with repeats written out, the regexes "
			"of a profile may take up to 524288 bytes; this one and all after it are "
			"left out");
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE), 3);
		ck_assert_ptr_nonnull(strstr(problems_level_text(m.problems, PROBLEM_NOTE, 0),
			"profiles id 1 (sales): rcpt_re[1]: with its repeats written out, the "
			"regex takes up to "));
	}
END_TEST

/* Refused regexes count, too, because finding out costs as much. */
START_TEST(refused_regexes_are_bounded_in_each_profile)
	{
		static char text[20000];
		struct made_profile row = { "1", "sales", .rcpt_re = text };

		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = i % 2 == 0 ? '+' : ',';
		ck_assert_int_eq(made_profile(&m, &row), 1);
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		ck_assert_uint_gt(problems_count(m.problems), 1000);
		ck_assert_uint_lt(problems_count(m.problems), 3000);
	}
END_TEST

/* If all profiles together cost too much, the most costly ones lose their regexes, in any
 * order of the rows. */
START_TEST(the_most_costly_profiles_lose_their_regexes)
	{
		enum { COUNT = 130 };
		char id[16], text[COSTLY_ROW_SIZE];
		size_t empty = 0, count;
		const struct profiles *profiles;

		for (int i = 0; i < COUNT; i++) {
			struct made_profile row = { .id = id, .rcpt_re = text };

			(void)snprintf(id, sizeof(id), "%d", i);
			make_costly(3 - i % 3, text);
			ck_assert_int_eq(made_profile(&m, &row), 1);
		}
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		profiles = m.parts.profiles;
		for (int i = 0; i < COUNT; i++) {
			count = regexlist_count(profile_rcpt_re(profiles_at(profiles, (size_t)i)));
			ck_assert_uint_eq(count, i % 3 == 0 ? 0U : (size_t)(3 - i % 3));
			empty += count == 0;
		}
		ck_assert_uint_eq(problems_count(m.problems), empty);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"profiles id 0 (0): rcpt_re: the regexes of all profiles may have up to 8 "
			"MiB of text, where a profile with a character outside of ASCII counts 16 "
			"times, and 32 MiB with repeats written out; those of this profile are "
			"among the largest, and are all left out");
	}
END_TEST

/* The longest texts are left out without a look at their regexes. IDNA takes longer for domains
 * with characters outside of ASCII. */
static const struct {
	const char *begin; /* of the long profiles */
	size_t bytes;	   /* of each */
} long_regexes[] = {
	{ "x", PROFILES_REGEX_TEXT / 8 },
	{ "\xc3\xa9", PROFILES_REGEX_TEXT / PROFILES_IDN_WEIGHT / 8 },
};
START_TEST(the_longest_profiles_lose_their_regexes)
	{
		static char text[PROFILES_REGEX_TEXT / 8 + 1];
		const size_t bytes = long_regexes[_i].bytes;
		char id[16];

		memset(text, 'x', bytes);
		memcpy(text, long_regexes[_i].begin, strlen(long_regexes[_i].begin));
		text[bytes - 1] = '$';
		text[bytes] = '\0';
		for (int i = 0; i < 10; i++) {
			struct made_profile row = { .id = id, .rcpt_re = i == 9 ? "a$" : text };

			(void)snprintf(id, sizeof(id), "%d", i);
			ck_assert_int_eq(made_profile(&m, &row), 1);
		}
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		ck_assert_uint_eq(problems_count(m.problems), 9);
		ck_assert_uint_eq(regexlist_count(
					  profile_rcpt_re(profiles_at(m.parts.profiles, 9))),
			1);
	}
END_TEST

/* The longest profiles lose their hosts and recipients, too, where domains with characters outside
 * of ASCII take IDNA longer. */
static const struct {
	const char *character; /* of the items of the long profiles */
	size_t bytes;	       /* of each of their columns */
} long_tables[] = {
	{ "x", PROFILES_TABLES_TEXT / 2 },
	{ "\xc3\xa9", PROFILES_TABLES_TEXT / PROFILES_IDN_WEIGHT / 2 },
	{ "\xc3\xa9xxxxxxxxxxx.example,", PROFILES_TABLES_TEXT / PROFILES_IDN_WEIGHT / 2 + 65536 },
};
START_TEST(the_longest_profiles_lose_their_hosts_and_recipients)
	{
		const size_t each = strlen(long_tables[_i].character);
		char *text = malloc(long_tables[_i].bytes + each + 1);
		struct made_profile longest = { "1", "long", .host = text, .rcpt = text };
		struct made_profile other = { "2", "short", .host = "b.example",
			.rcpt = "a@c.example" };
		const struct profile *p;
		struct mail_address rcpt;
		uint32_t i;

		ck_assert_ptr_nonnull(text);
		for (i = 0; i <= long_tables[_i].bytes; i += (uint32_t)each)
			memcpy(text + i, long_tables[_i].character, each + 1);
		ck_assert_int_eq(made_profile(&m, &longest), 1);
		ck_assert_int_eq(made_profile(&m, &other), 1);
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"profiles id 1 (long): host, rcpt: the hosts and recipients of all profiles "
			"may have up to 16 MiB of text, of which domains with characters outside of "
			"ASCII count 16 times, and those of this profile are among the longest; all "
			"of them are left out; write domains in their ASCII form (xn--)");
		p = profiles_by_id(m.parts.profiles, "2");
		ck_assert_int_eq(address_parse("x@b.example", 11, &rcpt), 0);
		ck_assert(profile_host_allows(p, &rcpt, &i));
		ck_assert_int_eq(address_parse("a@c.example", 11, &rcpt), 0);
		ck_assert(profile_rcpt_allows(p, &rcpt, &i));
		free(text);
	}
END_TEST

/* A long column would take time and memory at each load. */
START_TEST(a_row_with_a_long_column_is_left_out)
	{
		char *text = malloc(PROFILE_LIST_MAX + 2);
		const char *long_value = text + PROFILE_LIST_MAX - PROFILE_VALUE_MAX;
		struct made_profile rows[] = { { .id = long_value }, { "2", .name = long_value },
			{ "3", "c", .limits = text }, { "4", "d", .rcpt_re = text },
			{ "5", .name = long_value + 1 } };
		static const char *const problems[] = {
			"profiles: an id of more than 65535 bytes; left out",
			"): name has more than 65535 bytes; left out",
			"profiles id 3 (c): limits has more than 65535 bytes; left out",
			"profiles id 4 (d): rcpt_re has more than 16777216 bytes; left out",
		};

		ck_assert_ptr_nonnull(text);
		memset(text, ',', PROFILE_LIST_MAX + 1);
		text[PROFILE_LIST_MAX + 1] = '\0';
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			ck_assert_int_eq(made_profile(&m, &rows[i]), i == 4);
		}
		ck_assert_ptr_null(made_finish_profiles(&m));
		ck_assert_uint_eq(problems_count(m.problems), 4);
		for (size_t i = 0; i < 4; i++)
			ck_assert_ptr_nonnull(strstr(problems_text(m.problems, i), problems[i]));
		ck_assert_ptr_nonnull(profiles_by_id(m.parts.profiles, "5"));
		ck_assert(profiles_is_bad(m.parts.profiles, "2"));
		ck_assert(profiles_is_bad(m.parts.profiles, "4"));
		free(text);
	}
END_TEST

static struct profiles *build(const char *rcpt_re, bool anchored, const struct profiles *previous,
	struct problems *problems)
{
	struct profiles_builder *b = profiles_builder_new(anchored);
	struct cell row[PROFILE_COLUMNS] = { [PROFILE_ID] = { CELL_TEXT, "1", 1 },
		[PROFILE_RCPT_RE] = { CELL_TEXT, rcpt_re, strlen(rcpt_re) } };
	struct profiles *profiles;

	ck_assert_int_eq(profiles_builder_add(b, row), 1);
	profiles = profiles_builder_finish(&b, previous);
	profiles_report(profiles, problems);
	return profiles;
}

/* PCRE2's function, which this program calls in its place, and counts. */
static unsigned compiled;

pcre2_code *pcre2_compile_8(PCRE2_SPTR pattern, PCRE2_SIZE length, uint32_t options, int *error,
	PCRE2_SIZE *at, pcre2_compile_context *context)
{
	pcre2_code *(*real)(PCRE2_SPTR, PCRE2_SIZE, uint32_t, int *, PCRE2_SIZE *,
		pcre2_compile_context *);

	*(void **)&real = dlsym(RTLD_NEXT, "pcre2_compile_8");
	compiled++;
	return real(pattern, length, options, error, at, context);
}

/* Make 200 profiles with 5 regexes each, of which 2 occur in all of them. The regexes and ids of
 * one are as given. */
static struct profiles *build_many(const char *id, const char *rcpt_re,
	const struct profiles *previous)
{
	enum { COUNT = 200 };
	struct profiles_builder *b = profiles_builder_new(false);
	char name[16], text[128];

	for (int i = 0; i < COUNT; i++) {
		struct cell row[PROFILE_COLUMNS] = { 0 };

		(void)snprintf(name, sizeof(name), "%d", i);
		(void)snprintf(text, sizeof(text), "a%d$,b%d$,c%d$,same$,also@same$", i, i, i);
		if (i == 7) {
			(void)snprintf(name, sizeof(name), "%s", id);
			(void)snprintf(text, sizeof(text), "%s", rcpt_re);
		}
		row[PROFILE_ID] = (struct cell){ CELL_TEXT, name, strlen(name) };
		row[PROFILE_RCPT_RE] = (struct cell){ CELL_TEXT, text, strlen(text) };
		ck_assert_int_eq(profiles_builder_add(b, row), 1);
	}
	compiled = 0;
	return profiles_builder_finish(&b, previous);
}

/* Changes of one row of many, and the number of regexes that are new. */
static const struct {
	const char *id, *rcpt_re;
	unsigned want;
} changes[] = {
	{ "7", "a7$,b7$,c7$,same$,also@same$", 0 },
	{ "7", "a7$,b7$,c7$,same$,also@same$,new$", 1 },
	{ "7", "new$,c7$,newer$,a7$", 2 },
	{ "7", "a8$,b9$,c10$", 0 },
	{ "7", "new$,new$,new$", 1 },
	{ "7", "same$,b7", 1 },
	{ "7", "", 0 },
	{ "other", "a7$,b7$,c7$,same$,also@same$", 0 },
};

START_TEST(a_changed_row_compiles_only_what_is_new)
	{
		struct profiles *first = build_many("7", changes[0].rcpt_re, NULL), *second;

		ck_assert_uint_eq(compiled, 602);
		second = build_many(changes[_i].id, changes[_i].rcpt_re, first);
		ck_assert_uint_eq(compiled, changes[_i].want);
		profiles_unref(&first);
		ck_assert_uint_eq(profiles_count(second), 200);
		profiles_unref(&second);
	}
END_TEST

/* A load compiles only what changed, and still reports everything. */
START_TEST(unchanged_regexes_are_shared)
	{
		const char *text = "a,b),^" COSTLY "$";
		struct problems *problems = problems_new();
		struct profiles *first = build(text, false, NULL, m.problems), *second, *other;
		const struct regexlist *list = profile_rcpt_re(profiles_at(first, 0));

		second = build(text, false, first, problems);
		ck_assert_ptr_eq(profile_rcpt_re(profiles_at(second, 0)), list);
		profiles_unref(&first);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0), problems_text(m.problems, 0));
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 2);
		for (size_t i = 0; i < 2; i++)
			ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, i),
				problems_level_text(m.problems, PROBLEM_NOTE, i));
		other = build(text, true, second, NULL);
		ck_assert_ptr_ne(profile_rcpt_re(profiles_at(other, 0)), list);
		profiles_unref(&other);
		other = build("a", false, second, NULL);
		ck_assert_ptr_ne(profile_rcpt_re(profiles_at(other, 0)), list);
		profiles_unref(&other);
		profiles_unref(&second);
		problems_free(&problems);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("profile_finish");
	TCase *tcase = tcase_create("profile_finish");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, costly_regexes_are_bounded_in_each_profile);
	tcase_add_test(tcase, refused_regexes_are_bounded_in_each_profile);
	tcase_add_test(tcase, the_most_costly_profiles_lose_their_regexes);
	tcase_add_loop_test(tcase, the_longest_profiles_lose_their_regexes, 0,
		sizeof(long_regexes) / sizeof(long_regexes[0]));
	tcase_add_test(tcase, a_row_with_a_long_column_is_left_out);
	tcase_add_loop_test(tcase, the_longest_profiles_lose_their_hosts_and_recipients, 0,
		sizeof(long_tables) / sizeof(long_tables[0]));
	tcase_add_test(tcase, unchanged_regexes_are_shared);
	tcase_add_loop_test(tcase, a_changed_row_compiles_only_what_is_new, 0,
		sizeof(changes) / sizeof(changes[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
