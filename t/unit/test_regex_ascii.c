/*
 * Shows that regexes with a domain in Unicode are refused, and that the same regex with the ASCII
 * form of the domain is proposed.
 */
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ MAIL, ".*@b\u00fccher\\.example", "outside of ASCII", ".*@xn--bcher-kva\\.example" },
	{ MAIL, ".*@.*\\.b\u00fccher\\.example$", "outside of ASCII",
		".*@.*\\.xn--bcher-kva\\.example$" },
	{ MAIL, ".*@(.*\\.)?B\u00dcCHER.example", "outside of ASCII",
		".*@(.*\\.)?xn--bcher-kva.example" },
	{ MAIL, "b\u00fccher\\.example", "is a domain", ".*@xn--bcher-kva\\.example" },
	{ MAIL, "@b\u00fccher\\.\u00fc\\.example", "begins with @",
		".*@xn--bcher-kva\\.xn--tda\\.example" },
	{ RCPT_RE, "@b\u00fccher\\.example$", "outside of ASCII", "@xn--bcher-kva\\.example$" },
	{ RCPT_RE, "\\.b\u00fccher\\.example$", "outside of ASCII", "\\.xn--bcher-kva\\.example$" },
	{ CLIENTS, ".*\\.b\u00fccher\\.example", "outside of ASCII",
		".*\\.xn--bcher-kva\\.example" },
};
START_TEST(a_domain_in_unicode_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_ascii");
	TCase *tcase = tcase_create("regex_ascii");

	tcase_add_loop_test(tcase, a_domain_in_unicode_is_refused, 0, ROWS(refused));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
