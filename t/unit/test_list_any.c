/*
 * Shows what access.domains decides about
 * host names and addresses.
 */
#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/list.h"
#include "t/unit/unit.h"

static struct orgdomain *psl;

static void setup(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(orgdomain_default(&psl, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	orgdomain_unref(&psl);
}

/* What access.domains decides about a host name or, with an @, an address. */
static const struct {
	const char *list, *subject;
	enum any_result want;
	uint32_t line;
} cases[] = {
	/* An entry stands for its organizational domain. */
	{ "example.com", "example.com", ANY_DENY, 1 },
	{ "example.com", "www.example.com", ANY_DENY, 1 },
	{ "example.com", "a.b.c.example.com", ANY_DENY, 1 },
	{ "example.com", "a@www.example.com", ANY_DENY, 1 },
	{ "example.com", "badexample.com", ANY_UNLISTED, 0 },
	{ "example.com", "example.com.evil.example", ANY_UNLISTED, 0 },
	{ "www.example.com", "mail.example.com", ANY_DENY, 1 },
	{ "example.co.uk", "www.example.co.uk", ANY_DENY, 1 },
	{ "www.example.co.uk", "other.co.uk", ANY_UNLISTED, 0 },
	{ "x\nEXAMPLE.com\nexample.com", "Example.Com", ANY_DENY, 2 },
	{ "example.com.", "www.example.com.", ANY_DENY, 1 },
	{ ".example.com", "www.example.com", ANY_DENY, 1 },
	{ "@example.com", "a@www.example.com", ANY_DENY, 1 },
	{ "@example.com", "www.example.com", ANY_DENY, 1 },
	{ "b\xc3\xbc"
	  "cher.de",
		"www.xn--bcher-kva.de", ANY_DENY, 1 },
	/* No verdict. */
	{ "com", "example.com", ANY_UNLISTED, 0 },
	{ "example.com", "com", ANY_UNLISTED, 0 },
	{ "example.co.uk", "co.uk", ANY_UNLISTED, 0 },
	{ "example.com", "localhost", ANY_UNLISTED, 0 },
	{ "example.com", "", ANY_UNLISTED, 0 },
	{ "example.com", "postmaster@", ANY_UNLISTED, 0 },
	{ "192.0.2.1", "192.0.2.1", ANY_UNLISTED, 0 },
	{ "example.com", "a@[192.0.2.1]", ANY_UNLISTED, 0 },
	{ "example.com", ".example.com", ANY_UNLISTED, 0 },
	{ "example.com", "a..example.com", ANY_UNLISTED, 0 },
	/* An unknown top-level domain has the rule *. */
	{ "spam.nosuchtld", "www.spam.nosuchtld", ANY_DENY, 1 },
	{ "spam.nosuchtld", "nosuchtld", ANY_UNLISTED, 0 },
	/* user@host is only that address. */
	{ "bad@mail.example.com", "bad@mail.example.com", ANY_DENY, 1 },
	{ "bad@mail.example.com", "BAD@Mail.Example.Com.", ANY_DENY, 1 },
	{ "bad@mail.example.com", "good@mail.example.com", ANY_UNLISTED, 0 },
	{ "bad@mail.example.com", "bad@example.com", ANY_UNLISTED, 0 },
	{ "bad@mail.example.com", "mail.example.com", ANY_UNLISTED, 0 },
	{ "bad@[192.0.2.1]", "bad@[192.0.2.1]", ANY_DENY, 1 },
	{ "\"bad\"@example.com", "bad@example.com", ANY_DENY, 1 },
	/* !address, !host, !organizational domain. */
	{ "example.com\n!good@example.com", "good@example.com", ANY_ALLOW, 2 },
	{ "example.com\n!good@example.com", "Good@Example.Com", ANY_ALLOW, 2 },
	{ "example.com\n!good@example.com", "bad@example.com", ANY_DENY, 1 },
	{ "example.com\n!good@example.com", "example.com", ANY_DENY, 1 },
	{ "example.com\n!www.example.com", "www.example.com", ANY_ALLOW, 2 },
	{ "example.com\n!www.example.com", "x@www.example.com", ANY_ALLOW, 2 },
	{ "example.com\n!www.example.com", "a.www.example.com", ANY_DENY, 1 },
	{ "example.com\n!www.example.com", "example.com", ANY_DENY, 1 },
	{ "example.com\n!example.com", "a.b.example.com", ANY_ALLOW, 2 },
	{ "example.com\n!.example.com", "a.b.example.com", ANY_ALLOW, 2 },
	{ "example.com\n!@example.com", "x@a.example.com", ANY_ALLOW, 2 },
	{ "example.com\n! www.example.com", "www.example.com", ANY_ALLOW, 2 },
	{ "example.com\n!\twww.example.com.", "www.example.com", ANY_ALLOW, 2 },
	{ "!www.example.com", "www.example.com", ANY_ALLOW, 1 },
	{ "!www.example.com", "example.com", ANY_UNLISTED, 0 },
	/* The more exact entry decides. */
	{ "bad@example.com\n!example.com", "bad@example.com", ANY_DENY, 1 },
	{ "bad@example.com\n!bad@example.com", "bad@example.com", ANY_ALLOW, 2 },
	{ "!com\nexample.com", "example.com", ANY_DENY, 2 },
	{ "constructor.com", "__proto__", ANY_UNLISTED, 0 },
	{ "!__proto__", "__proto__", ANY_UNLISTED, 0 },
};
START_TEST(reports_the_content_of_the_list)
	{
		struct list *list =
			list_build(LIST_DOMAINS, cases[_i].list, strlen(cases[_i].list), psl, NULL);
		const char *subject = cases[_i].subject;
		struct mail_address address;
		char name[DOMAIN_SIZE];
		enum any_result result;
		uint32_t line = 0;

		if (strchr(subject, '@') != NULL) {
			ck_assert_int_eq(address_parse(subject, strlen(subject), &address), 0);
			result = list_any_address(list, &address, "", &line);
		} else {
			ck_assert_int_ge(domain_canon(subject, strlen(subject), name), 0);
			result = list_any_host(list, name, &line);
		}
		ck_assert_int_eq(result, cases[_i].want);
		ck_assert_uint_eq(line, cases[_i].line);
		list_unref(&list);
	}
END_TEST

/* With the delimiters + and -, of which the MTA may have only one. */
static const struct {
	const char *list, *address;
	enum any_result want;
} extensions[] = {
	{ "jean-luc@a.example", "jean-luc+x@a.example", ANY_DENY },
	{ "jean@a.example", "jean-luc+x@a.example", ANY_DENY },
	{ "!jean@a.example\na.example", "jean-luc+x@a.example", ANY_ALLOW },
	/* An exception of the shorter address excepts no other mailbox. */
	{ "!jean@a.example\njean-luc@a.example", "jean-luc+x@a.example", ANY_DENY },
	{ "!jean@a.example\njean-luc@a.example", "jean-luc@a.example", ANY_DENY },
	{ "!jean@a.example\njean-luc@a.example", "jean+x@a.example", ANY_ALLOW },
	{ "!jean@a.example\njean@a.example", "jean-luc+x@a.example", ANY_ALLOW },
	{ "!jean-luc+x@a.example\njean-luc@a.example", "jean-luc+x@a.example", ANY_ALLOW },
};
START_TEST(entries_apply_to_extensions)
	{
		const char *text = extensions[_i].list, *subject = extensions[_i].address;
		struct list *list = list_build(LIST_DOMAINS, text, strlen(text), psl, NULL);
		struct mail_address address;
		uint32_t line;

		ck_assert_int_eq(address_parse(subject, strlen(subject), &address), 0);
		ck_assert_int_eq(list_any_address(list, &address, "+-", &line),
			extensions[_i].want);
		list_unref(&list);
	}
END_TEST

START_TEST(an_address_without_domain_gets_no_verdict)
	{
		struct list *list =
			list_build(LIST_DOMAINS, "example.com\n!example.com", 24, psl, NULL);
		struct mail_address address;
		uint32_t line;

		ck_assert_int_eq(address_parse("<postmaster>", 12, &address), 0);
		ck_assert_int_eq(list_any_address(list, &address, "", &line), ANY_UNLISTED);
		ck_assert_int_eq(address_parse("<>", 2, &address), 0);
		ck_assert_int_eq(list_any_address(list, &address, "", &line), ANY_UNLISTED);
		list_unref(&list);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_any");
	TCase *tcase = tcase_create("list_any");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, reports_the_content_of_the_list, 0, ROWS(cases));
	tcase_add_loop_test(tcase, entries_apply_to_extensions, 0, ROWS(extensions));
	tcase_add_test(tcase, an_address_without_domain_gets_no_verdict);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
