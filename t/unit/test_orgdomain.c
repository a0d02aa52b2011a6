/*
 * Shows the organizational domains of names, and which texts are refused as public suffix lists.
 * t/unit/test_psl_file.c shows how a list is read from its file.
 */
#include "lib/match/orgdomain.h"

#include <string.h>

#include "t/unit/unit.h"

static struct orgdomain *psl;

static void open_psl(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(orgdomain_default(&psl, &err) == 0, "%s", err.text);
}

static void close_psl(void)
{
	orgdomain_unref(&psl);
}

static const struct {
	const char *name, *want;
} cases[] = {
	{ "example.com", "example.com" },
	{ "a.b.c.example.com", "example.com" },
	{ "example.co.uk", "example.co.uk" },
	{ "mail.example.co.uk", "example.co.uk" },
	{ "example-user.github.io", "example-user.github.io" }, /* the list's private section */
	{ "repo.example-user.github.io", "example-user.github.io" },
	{ "sub.example-jp.muni.kawasaki.jp", "example-jp.muni.kawasaki.jp" }, /* *.kawasaki.jp */
	{ "x.city.kawasaki.jp", "city.kawasaki.jp" }, /* !city.kawasaki.jp */
	{ "a.www.ck", "www.ck" },
	{ "a.b.example.ck", "b.example.ck" },
	{ "mail.example.no-such-tld", "example.no-such-tld" }, /* the default rule * */
	{ "host.internal", "host.internal" },
	{ "x.y.xn--p1ai", "y.xn--p1ai" },
	{ "x.y.xn--55qx5d.cn", "y.xn--55qx5d.cn" },
	{ "under_score.example.com", "example.com" },
	{ "*.example.com", "example.com" },
	{ "a b.example.com", "example.com" },
	{ "1.2.3.4.5", "4.5" },

	{ "", NULL },
	{ "com", NULL },
	{ "co.uk", NULL },
	{ "github.io", NULL },
	{ "muni.kawasaki.jp", NULL },
	{ "example.ck", NULL },
	{ "localhost", NULL },
	{ "no-such-tld", NULL },
	{ ".example.com", NULL },
	{ ".com", NULL },
	{ "a..example.com", NULL },
	{ "a.example..com", NULL },
	{ ".", NULL },
	{ "..", NULL },
	{ "192.0.2.1", NULL },
	{ "2001:db8::1", NULL },
	{ "[192.0.2.1]", NULL },
	{ "[a.example.com]", NULL },
};

START_TEST(finds_the_organizational_domain)
	{
		const char *name = cases[_i].name, *got = orgdomain_of(psl, name);

		if (cases[_i].want == NULL) {
			ck_assert_msg(got == NULL, "%s: %s", name, got);
			return;
		}
		ck_assert_ptr_nonnull(got);
		ck_assert_str_eq(got, cases[_i].want);
		ck_assert(got >= name && got <= name + strlen(name)); /* it points into the name */
	}
END_TEST

START_TEST(knows_public_suffixes)
	{
		ck_assert(orgdomain_has_suffix(psl, "com"));
		ck_assert(orgdomain_has_suffix(psl, "co.uk"));
		ck_assert(!orgdomain_has_suffix(psl, "example.com"));
		ck_assert(!orgdomain_has_suffix(psl, "bob")); /* the rule * is not meant */
		ck_assert(!orgdomain_has_suffix(psl, ""));
	}
END_TEST

/* The cost of a long name of many labels is proportional to its length. */
START_TEST(accepts_hostile_names)
	{
		char name[1024];
		size_t i;

		for (i = 0; i + 1 < sizeof(name); i++)
			name[i] = i % 2 ? '.' : 'a';
		name[sizeof(name) - 2] = 'a';
		name[sizeof(name) - 1] = '\0';
		for (i = 0; i < 1000; i++)
			ck_assert_ptr_nonnull(orgdomain_of(psl, name));
		memset(name, 'a', sizeof(name) - 1);
		memcpy(name + sizeof(name) - 5, ".com", 4);
		ck_assert_ptr_eq(orgdomain_of(psl, name), name);
	}
END_TEST

START_TEST(is_counted)
	{
		struct orgdomain *other = orgdomain_ref(psl), *none = NULL;

		ck_assert_ptr_eq(other, psl);
		orgdomain_unref(&other);
		ck_assert_ptr_null(other);
		ck_assert_str_eq(orgdomain_of(psl, "a.example.com"), "example.com");
		orgdomain_unref(&none);
		ck_assert_ptr_null(orgdomain_ref(NULL));
	}
END_TEST

static int parse(const char *text, struct orgdomain **psl_r, struct errmsg *err)
{
	return orgdomain_parse(text, strlen(text), psl_r, err);
}

/* A private list, with rules as U-labels like those of the published one. */
START_TEST(reads_a_text)
	{
		struct errmsg err = { "" };
		struct orgdomain *own = NULL;

		ck_assert_msg(
			parse("// a list\n\ncom\nco.example\n*.wild.example\n!no.wild.example\n"
			      "bücher.example\n",
				&own, &err) == 0,
			"%s", err.text);
		ck_assert_str_eq(orgdomain_of(own, "a.b.co.example"), "b.co.example");
		ck_assert_str_eq(orgdomain_of(own, "a.b.c.wild.example"), "b.c.wild.example");
		ck_assert_str_eq(orgdomain_of(own, "a.no.wild.example"), "no.wild.example");
		ck_assert_str_eq(orgdomain_of(own, "a.b.xn--bcher-kva.example"),
			"b.xn--bcher-kva.example");
		ck_assert_str_eq(orgdomain_of(own, "a.b.co.uk"), "co.uk");
		orgdomain_unref(&own);
	}
END_TEST

/* A text that is not a list is refused: with an empty list, every domain would be organizational.
 */
START_TEST(refuses_text_that_is_no_list)
	{
		static const char *const texts[] = { "", "\n\n", "// only a comment\n",
			"root:x:0:0:root:/root:/bin/sh\n", "evil.example\ncommunity\n" };
		struct orgdomain *own = (struct orgdomain *)&own, *before = own;
		struct errmsg err = { "" };

		ck_assert_int_eq(parse(texts[_i], &own, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "the suffix com is missing"));
		ck_assert_ptr_eq(own, before);
		ck_assert_int_eq(parse(texts[_i], &own, NULL), -1);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("orgdomain");
	TCase *tcase = tcase_create("orgdomain");

	tcase_add_checked_fixture(tcase, open_psl, close_psl);
	tcase_add_loop_test(tcase, finds_the_organizational_domain, 0,
		sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, knows_public_suffixes);
	tcase_add_test(tcase, accepts_hostile_names);
	tcase_add_test(tcase, is_counted);
	tcase_add_test(tcase, reads_a_text);
	tcase_add_loop_test(tcase, refuses_text_that_is_no_list, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
