/*
 * Shows how rows become profiles, which rows are
 * left out, and what profiles allow.
 */
#include "lib/rules/profile.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

START_TEST(a_row_comes_back_as_it_was)
	{
		struct made_profile row = { "1", "sales", "t", "1/5m,500/1d", "1000",
			" Example.com, b.example", "a@c.example", "^x$" };
		const struct profile *p;
		struct cell cell;
		char text[32];

		ck_assert_int_eq(made_profile(&m, &row), 1);
		p = made_finish_profiles(&m);
		ck_assert_ptr_nonnull(p);
		ck_assert_str_eq(profile_id(p), "1");
		ck_assert_str_eq(profile_name(p), "sales");
		ck_assert(profile_is_open(p));
		ck_assert_uint_eq(profile_maxsize(p), 1000);
		ck_assert_uint_eq(profile_limits(p)->len, 2);
		limit_format(&profile_limits(p)->limit[1], text);
		ck_assert_str_eq(text, "500/1d");
		ck_assert_uint_eq(regexlist_count(profile_rcpt_re(p)), 1);
		cell = profile_cell(p, PROFILE_HOST); /* as the row had it */
		ck_assert_int_eq(cell.kind, CELL_TEXT);
		ck_assert_str_eq(cell.text, " Example.com, b.example");
		ck_assert_int_eq(profile_cell(p, PROFILE_DESC).kind, CELL_NULL);
		ck_assert_ptr_eq(profiles_by_name(m.parts.profiles, "sales"), p);
		ck_assert_ptr_null(profiles_by_name(m.parts.profiles, "Sales"));
		ck_assert_ptr_null(profiles_by_id(m.parts.profiles, "2"));
		ck_assert_ptr_eq(profiles_at(m.parts.profiles, 0), p);
		ck_assert_uint_eq(profiles_count(m.parts.profiles), 1);
		ck_assert(profiles_any_maxsize(m.parts.profiles));
		ck_assert_uint_eq(problems_count(m.problems), 0);
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE), 0);
	}
END_TEST

START_TEST(nulls_restrict)
	{
		struct made_profile row = { .id = "1" };
		const struct profile *p;
		struct mail_address rcpt;
		uint32_t i;

		ck_assert_int_eq(made_profile(&m, &row), 1);
		p = made_finish_profiles(&m);
		ck_assert_str_eq(profile_name(p), "1"); /* without a name, it has its id */
		ck_assert(!profile_is_open(p));
		ck_assert_uint_eq(profile_maxsize(p), 0);
		ck_assert_uint_eq(profile_limits(p)->len, 0);
		ck_assert_uint_eq(regexlist_count(profile_rcpt_re(p)), 0);
		ck_assert_int_eq(address_parse("a@b.example", 11, &rcpt), 0);
		ck_assert(!profile_host_allows(p, &rcpt, &i));
		ck_assert(!profile_rcpt_allows(p, &rcpt, &i));
		ck_assert(!profiles_any_maxsize(m.parts.profiles));
	}
END_TEST

/* A column that would allow more if it were misread leaves out the row. */
static const struct {
	struct made_profile row;
	const char *problem;
	bool is_bad; /* known as the id of a row that was left out */
} left_out[] = {
	{ { NULL, "sales", .open = "t" }, "profiles: a row without an id; left out", false },
	{ { "", "sales", .open = "t" }, "profiles: a row without an id; left out", false },
	{ { "1", "sales", .open = "maybe" },
		"profiles id 1 (sales): open \"maybe\" is neither true nor false; left out", true },
	{ { "1", "sales", .open = "t", .maxsize = "-1" },
		"profiles id 1 (sales): maxsize \"-1\" is not a number of bytes (0 for no limit); left "
		"out",
		true },
	{ { "1", "sales", .open = "t", .maxsize = "10M" },
		"profiles id 1 (sales): maxsize \"10M\" is not a number of bytes (0 for no limit); left "
		"out",
		true },
	{ { "1", "sales", .open = "t", .maxsize = "1234567890123456789" },
		"profiles id 1 (sales): maxsize \"1234567890123456789\" is not a number of bytes (0 for "
		"no limit); left out",
		true },
	{ { "1", "sales", .open = "t", .limits = "many" },
		"profiles id 1 (sales): limits: \"many\" is not a limit; write N/T, as in 500/1d (units "
		"s, m, h, d); left out",
		true },
};
START_TEST(a_row_with_bad_bounds_is_reported_and_left_out)
	{
		static const struct made_profile good = { "2", "good", .open = "f" };

		ck_assert_int_eq(made_profile(&m, &left_out[_i].row), 0);
		ck_assert_int_eq(made_profile(&m, &good), 1);
		ck_assert_ptr_null(made_finish_profiles(&m));
		ck_assert_uint_eq(profiles_count(m.parts.profiles), 1);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0), left_out[_i].problem);
		ck_assert_int_eq(profiles_is_bad(m.parts.profiles, "1"), left_out[_i].is_bad);
		ck_assert(!profiles_is_bad(m.parts.profiles, "2"));
	}
END_TEST

/* An entry whose loss can only forbid more is left out alone. */
static const struct {
	struct made_profile row;
	const char *problem;
} parts[] = {
	{ { "1", "sales", .rcpt = "a@b.example,<>" },
		"profiles id 1 (sales): rcpt[2]: \"<>\" is the null sender, which no list contains; left "
		"out" },
	{ { "1", "sales", .rcpt = "\"a\"@b.example" },
		"profiles id 1 (sales): rcpt[1]: \"\"a\"@b.example\" has quotes that it does not need; "
		"write a@b.example; left out" },
	{ { "1", "sales", .rcpt = "@b.example" },
		"profiles id 1 (sales): rcpt[1]: \"@b.example\" is a domain, not an address; write "
		"b.example in host; left out" },
	{ { "1", "sales", .host = "b.example,*.c.example" },
		"profiles id 1 (sales): host[2]: \"*.c.example\" contains *, which is not a wildcard; "
		"write .c.example; left out" },
	{ { "1", "sales", .rcpt_re = "/@b\\.example$/i" },
		"profiles id 1 (sales): rcpt_re[1]: \"/@b\\.example$/i\" has slashes around the regex; "
		"write @b\\.example$; left out" },
	{ { "1", "sales", .rcpt_re = "^a$,(b,^c$" },
		"profiles id 1 (sales): rcpt_re[2]: regex \"(b,^c$\" cannot be compiled: missing closing "
		"parenthesis at character 7; left out" },
	{ { "1", "sales", .rcpt_re = "(?<n>a)(?<n>b)$,^c$" },
		"profiles id 1 (sales): rcpt_re[1]: regex \"(?<n>a)(?<n>b)$\" cannot be compiled: two "
		"named subpatterns have the same name (PCRE2_DUPNAMES not set) at character 13; left "
		"out" },
};
START_TEST(only_a_bad_entry_is_reported_and_left_out)
	{
		ck_assert_int_eq(made_profile(&m, &parts[_i].row), 1);
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0), parts[_i].problem);
	}
END_TEST

START_TEST(names_past_their_bounds_are_left_out)
	{
		char host[2000], rcpt[2000];
		struct made_profile row = { .id = "1", .name = "s", .host = host, .rcpt = rcpt };

		memset(host, 'a', sizeof(host));
		memcpy(host, "good.example,", 13);
		host[sizeof(host) - 1] = '\0';
		memset(rcpt, 'a', sizeof(rcpt));
		memcpy(rcpt, "a@good.example,", 15);
		rcpt[sizeof(rcpt) - 1] = '\0';
		ck_assert_int_eq(made_profile(&m, &row), 1);
		ck_assert_ptr_nonnull(made_finish_profiles(&m));
		ck_assert_uint_eq(problems_count(m.problems), 2);
		ck_assert_ptr_nonnull(strstr(problems_text(m.problems, 0),
			"\" is too long for a name; left out"));
		ck_assert_ptr_nonnull(strstr(problems_text(m.problems, 1),
			"\" is too long for an address; left out"));
	}
END_TEST

/* Build a set of one row, and return its first problem, which is in m.problems; "" for none. */
static const char *problem_of(const struct cell row[PROFILE_COLUMNS])
{
	struct profiles_builder *b = profiles_builder_new(false);
	const size_t before = problems_count(m.problems);
	struct profiles *profiles;

	ck_assert_int_ge(profiles_builder_add(b, row), 0);
	profiles = profiles_builder_finish(&b, NULL);
	profiles_report(profiles, m.problems);
	ck_assert_uint_eq(profiles_count(profiles), problems_count(m.problems) == before);
	profiles_unref(&profiles);
	return problems_count(m.problems) > before ? problems_text(m.problems, before) : "";
}

START_TEST(nul_bytes_and_lists_are_no_single_values)
	{
		static const struct cell list = { CELL_LIST, "1\0", 2 };
		struct cell row[PROFILE_COLUMNS] = { [PROFILE_ID] = { CELL_TEXT, "1\0x", 3 } };

		ck_assert_str_eq(problem_of(row), "profiles: an id with a NUL byte; left out");
		row[PROFILE_ID] = (struct cell){ CELL_TEXT, "1", 1 };
		ck_assert_str_eq(problem_of(row), "");
		row[PROFILE_MAXSIZE] = list;
		ck_assert_ptr_nonnull(
			strstr(problem_of(row), "(1): maxsize \"1\" is not a number"));
		row[PROFILE_MAXSIZE] = (struct cell){ CELL_NULL, NULL, 0 };
		row[PROFILE_LIMITS] = list;
		ck_assert_str_eq(problem_of(row),
			"profiles id 1 (1): limits: must be text, not a list; left out");
		row[PROFILE_LIMITS] = (struct cell){ CELL_NULL, NULL, 0 };
		row[PROFILE_OPEN] = list;
		ck_assert_ptr_nonnull(strstr(problem_of(row), "(1): open \"1\" is neither"));
	}
END_TEST

START_TEST(rows_with_the_same_name_are_reported)
	{
		static const struct made_profile rows[] = { { "1", "sales", .open = "t" },
			{ "1", "other", .open = "t" }, { "2", "sales", .open = "f" } };
		const struct profile *p;

		ck_assert_int_eq(made_profile(&m, &rows[0]), 1);
		ck_assert_int_eq(made_profile(&m, &rows[1]), 0);
		ck_assert_int_eq(made_profile(&m, &rows[2]), 1);
		p = made_finish_profiles(&m);
		ck_assert_str_eq(profile_name(p), "sales");
		ck_assert_ptr_eq(profiles_by_name(m.parts.profiles, "sales"), p);
		ck_assert_ptr_nonnull(profiles_by_id(m.parts.profiles, "2"));
		ck_assert_uint_eq(problems_count(m.problems), 2);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"profiles id 1 (other): another row has that id; left out");
		ck_assert_str_eq(problems_text(m.problems, 1),
			"profiles id 2 (sales): another profile has that name; this one is found only by its id");
	}
END_TEST

static const struct {
	const char *host, *rcpt, *subject;
	uint32_t by_host, by_rcpt; /* the entry that allows; 0: none */
} recipients[] = {
	{ "b.example", NULL, "<a@b.example>", 1, 0 },
	{ "x.example, B.Example.", NULL, "<a@b.example>", 2, 0 },
	{ "b.example", NULL, "<a@B.Example.>", 1, 0 },
	{ "b.example", NULL, "<a@c.b.example>", 0, 0 },
	{ "b.example", NULL, "<b.example>", 0, 0 },
	{ "b.example", NULL, "<>", 0, 0 },
	{ "", NULL, "<a@>", 0, 0 },
	{ "b\xc3\xbc"
	  "cher.example",
		NULL, "<a@xn--bcher-kva.example>", 1, 0 },
	{ "[192.0.2.1]", NULL, "<a@[192.0.2.1]>", 1, 0 },
	{ "[IPv6:2001:DB8:0::1]", NULL, "<a@[IPv6:2001:db8::1]>", 1, 0 },
	{ ".b.example", NULL, "<a@b.example>", 1, 0 },
	{ ".B.Example.", NULL, "<a@x.c.b.example>", 1, 0 },
	{ ".b.example", NULL, "<a@cb.example>", 0, 0 },
	{ ".b.example", NULL, "<a@example>", 0, 0 },
	{ ".b.example", NULL, "<b.example>", 0, 0 },
	{ ".b.example,c.b.example", NULL, "<a@c.b.example>", 2, 0 },	/* the name decides first */
	{ ".b.example,.c.b.example", NULL, "<a@d.c.b.example>", 2, 0 }, /* the longest */
	{ NULL, "a@b.example", "<A@B.Example>", 0, 1 },
	{ NULL, ", A@B.Example ,", "<a@b.example>", 0, 1 },
	{ NULL, "c@d.example,a@b.example", "<\"a\"@b.example>", 0, 2 },
	{ NULL, "a@b.example", "<a+x@b.example>", 0, 0 },
	/* RFC 5321 demands the quotes, which many leave out. */
	{ NULL, "x..y@b.example", "<\"x..y\"@b.example>", 0, 1 },
	{ NULL, "x..y@b.example", "<x..y@b.example>", 0, 1 },
	{ NULL, "\"x..y\"@b.example", "<X..y@b.example>", 0, 1 },
	{ NULL, "xy@b.example", "<\"x..y\"@b.example>", 0, 0 },
	{ NULL, "x..y@b.example", "<\"x..y+z\"@b.example>", 0, 0 },
	{ NULL, "postmaster", "<Postmaster>", 0, 1 },
	{ "b.example", "a@b.example", "<a@b.example>", 1, 1 },
};
START_TEST(hosts_and_recipients_are_found)
	{
		struct made_profile row = { .id = "1",
			.host = recipients[_i].host,
			.rcpt = recipients[_i].rcpt };
		const char *text = recipients[_i].subject;
		struct mail_address rcpt;
		const struct profile *p;
		uint32_t i = 0;

		ck_assert_int_eq(made_profile(&m, &row), 1);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		p = made_finish_profiles(&m);
		ck_assert_int_eq(address_parse(text, strlen(text), &rcpt), 0);
		ck_assert_int_eq(profile_host_allows(p, &rcpt, &i), recipients[_i].by_host != 0);
		ck_assert_uint_eq(i, recipients[_i].by_host);
		i = 0;
		ck_assert_int_eq(profile_rcpt_allows(p, &rcpt, &i), recipients[_i].by_rcpt != 0);
		ck_assert_uint_eq(i, recipients[_i].by_rcpt);
	}
END_TEST

static const struct {
	const char *rcpt_re;
	bool anchored;
	const char *subject;
	uint32_t index; /* 0: none matches */
	size_t notes;	/* patterns without $ */
} regexes[] = {
	{ "^a.*@b\\.example$", false, "ax@b.example", 1, 0 },
	{ "@b\\.example", false, "a@b.example.evil.example", 1, 1 },
	{ "a@b\\.example", true, "a@b.example.evil.example", 0, 0 },
	{ ".*@b\\.example", true, "a@b.example", 1, 0 },
	{ "x$, ^A@B\\.EXAMPLE$ ,,", false, "a@b.example", 2, 0 },
	{ "^a{2,4}@b\\.example$,^c$", false, "aaa@b.example", 1, 0 },
	{ "^[a,b]@b\\.example$", false, ",@b.example", 1, 0 },
	{ "^(a|b,c)@d\\.example$", false, "b,c@d.example", 1, 0 },
	{ "a,,b", false, "c@d.de", 0, 2 },
};
START_TEST(regexes_are_found)
	{
		struct made_profile row = { .id = "1", .rcpt_re = regexes[_i].rcpt_re };
		const char *subject = regexes[_i].subject;
		const struct profile *p;
		uint32_t i = 0;

		m.settings->rcpt_re_anchored = regexes[_i].anchored;
		ck_assert_int_eq(made_profile(&m, &row), 1);
		p = made_finish_profiles(&m);
		ck_assert_int_eq(regexlist_match(profile_rcpt_re(p), m.scratch, subject,
					 strlen(subject), &i),
			regexes[_i].index ? REGEX_YES : REGEX_NO);
		ck_assert_uint_eq(i, regexes[_i].index);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE),
			regexes[_i].notes);
		if (regexes[_i].notes > 0) {
			const char *note = problems_level_text(m.problems, PROBLEM_NOTE, 0);

			ck_assert_ptr_eq(strstr(note, "profiles id 1 (1): rcpt_re[1] \""), note);
			ck_assert_ptr_nonnull(strstr(note,
				"\" has no $, so it also matches inside longer addresses"));
		}
	}
END_TEST

/* 0 sets no limit in maxsize and in [limit], and may have been meant so here. */
static const struct {
	const char *limits, *note;
} closed[] = {
	{ "0", "profiles id 1 (1): limits: 0/1m lets its users send nothing; for no limit, leave it out" },
	{ "5/1h,0/1d",
		"profiles id 1 (1): limits: 0/1d lets its users send nothing; for no limit, leave it out" },
	{ "10/1h", NULL },
};
START_TEST(a_limit_of_0_is_noted)
	{
		struct made_profile row = { .id = "1", .limits = closed[_i].limits };

		ck_assert_int_eq(made_profile(&m, &row), 1);
		(void)made_finish_profiles(&m);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE),
			closed[_i].note != NULL);
		if (closed[_i].note != NULL)
			ck_assert_str_eq(problems_level_text(m.problems, PROBLEM_NOTE, 0),
				closed[_i].note);
	}
END_TEST

START_TEST(list_columns_are_not_split)
	{
		static const char list[] = "^a{2,4}$\0^\"x,y\"@b\\.example$\0";
		struct profiles_builder *b = profiles_builder_new(false);
		struct cell row[PROFILE_COLUMNS] = { [PROFILE_ID] = { CELL_TEXT, "1", 1 },
			[PROFILE_RCPT_RE] = { CELL_LIST, list, sizeof(list) - 1 } };
		struct profiles *profiles, *other;
		uint32_t i = 0;

		ck_assert_int_eq(profiles_builder_add(b, row), 1);
		profiles = profiles_builder_finish(&b, NULL);
		ck_assert_ptr_null(b);
		other = profiles_ref(profiles);
		profiles_unref(&profiles);
		ck_assert_int_eq(regexlist_match(profile_rcpt_re(profiles_at(other, 0)), m.scratch,
					 "\"x,y\"@b.example", 15, &i),
			REGEX_YES);
		ck_assert_uint_eq(i, 2);
		profiles_unref(&other);
		profiles_unref(&other);
		ck_assert_ptr_null(profiles_ref(NULL));
		profiles_builder_free(&b);
	}
END_TEST

START_TEST(thousands_of_profiles)
	{
		const int count = (int)unit_times(5000);
		char id[16], name[16];
		int i;

		for (i = 0; i < count; i++) {
			struct made_profile row = { .id = id, .name = name, .maxsize = id };

			(void)snprintf(id, sizeof(id), "%d", i);
			(void)snprintf(name, sizeof(name), "name%d", i);
			ck_assert_int_eq(made_profile(&m, &row), 1);
		}
		(void)made_finish_profiles(&m);
		ck_assert_uint_eq(profiles_count(m.parts.profiles), count);
		for (i = 0; i < count; i++) {
			(void)snprintf(name, sizeof(name), "name%d", i);
			ck_assert_ptr_eq(profiles_by_name(m.parts.profiles, name),
				profiles_at(m.parts.profiles, (size_t)i));
			ck_assert_uint_eq(profile_maxsize(
						  profiles_by_id(m.parts.profiles, name + 4)),
				(uint64_t)i);
		}
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("profile");
	TCase *tcase = tcase_create("profile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_row_comes_back_as_it_was);
	tcase_add_test(tcase, nulls_restrict);
	tcase_add_loop_test(tcase, a_row_with_bad_bounds_is_reported_and_left_out, 0,
		ROWS(left_out));
	tcase_add_loop_test(tcase, only_a_bad_entry_is_reported_and_left_out, 0, ROWS(parts));
	tcase_add_test(tcase, names_past_their_bounds_are_left_out);
	tcase_add_test(tcase, nul_bytes_and_lists_are_no_single_values);
	tcase_add_test(tcase, rows_with_the_same_name_are_reported);
	tcase_add_loop_test(tcase, hosts_and_recipients_are_found, 0, ROWS(recipients));
	tcase_add_loop_test(tcase, regexes_are_found, 0, ROWS(regexes));
	tcase_add_loop_test(tcase, a_limit_of_0_is_noted, 0, ROWS(closed));
	tcase_add_test(tcase, list_columns_are_not_split);
	tcase_add_test(tcase, thousands_of_profiles);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
