/*
 * Shows which regexes of lists and of rcpt_re are known to match no address, and that no other one
 * is refused.
 */
#include "t/unit/lib/regex_rows.h"
#include "t/unit/unit.h"

static const struct regex_row refused[] = {
	{ MAIL, "[.]ru$", "is a domain", ".*[.]ru$" },
	{ MAIL, "[@]evil\\.example", "begins with @", ".*[@]evil\\.example" },
	{ MAIL, ".*@evil\\.example 1.5", "requires \" \"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example,", "requires \",\"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example;b", "requires \";\"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example:3", "requires \":\"", ".*@evil\\.example" },
	{ MAIL, "evil.* 10", "requires \" \"", "evil.*" },
	{ MAIL, ".*@a\\.example,.*@b\\.example",
		"requires \",\" after an @, but an entry is a single regex", ".*@a\\.example" },
	{ MAIL, ".*@a\\.example;.*", "requires \";\" after an @", ".*@a\\.example" },
	{ RCPT_RE, "@a\\.example;.*@b\\.example", "requires \";\" after an @", "@a\\.example" },
	{ MAIL, "@evil\\.example", "begins with @", ".*@evil\\.example" },
	{ MAIL, "^@evil\\.example$", "begins with @", ".*@evil\\.example$" },
	{ MAIL, "@evil\\.(example|test)", "begins with @", ".*@evil\\.(example|test)" },
	{ MAIL, "evil\\.example", "is a domain", ".*@evil\\.example" },
	{ MAIL, "^evil\\.example$", "is a domain", ".*@evil\\.example$" },
	{ MAIL, "evil.example", "is a domain", ".*@evil.example" },
	{ MAIL, "<.*@evil\\.example>", "begins with <", ".*@evil\\.example" },
	{ RCPT_RE, "^<boss@", "begins with <", "boss@" },
	{ MAIL, ".*@evil\\\\.example", "requires a backslash", ".*@evil\\.example" },
	{ MAIL, "^evil@", "ends with @", "evil@.*" },
	{ MAIL, "evil@$", "ends with @", "evil@.*" },
	{ RCPT_RE, "^@partner\\.example$", "begins with @", ".*@partner\\.example$" },
	{ MAIL, "\\.ru$", "is a domain", ".*\\.ru$" },
	{ MAIL, "\\.ru", "is a domain", ".*\\.ru" },
	{ MAIL, ".ru", "is a domain", ".*\\.ru" },
	{ MAIL, "\\.dyn\\.", "is a domain", ".*\\.dyn\\..*" },
	{ MAIL, "^mail\\.", "is a domain", ".*@mail\\..*" },
	{ MAIL, ".*@\\.ru$", "a dot behind the @", ".*@.*\\.ru$" },
	{ MAIL, "@\\.evil\\.example", "begins with @", ".*@.*\\.evil\\.example" },
	{ MAIL, ".*@mail\\.", "ends with a dot", ".*@mail\\..*" },
	{ MAIL, "a@mail\\.$", "ends with a dot", "a@mail\\..*" },
	{ RCPT_RE, "@\\.partner\\.example$", "a dot behind the @", "@.*\\.partner\\.example$" },
	{ MAIL, ".*@\\[IPv6:2001:db8::1\\]", "requires \"IPv6:\"", ".*@\\[2001:db8::1\\]" },
	{ MAIL, ".*@\\[ipv6:.*", "requires \"IPv6:\"", ".*@\\[.*" },
	{ MAIL, "x@\\[ipv6:.*", "requires \"IPv6:\"", "x@\\[.*" },
	{ RCPT_RE, "@\\[IPV6:", "requires \"IPv6:\"", "@\\[" },
};
START_TEST(a_regex_of_no_address_is_refused)
	{
		assert_regex_refused(&refused[_i]);
	}
END_TEST

static const struct regex_sound_row accepted[] = {
	{ MAIL, ".*@(.*\\.)?example-blocked\\.net" },
	{ MAIL, "[^@]{20,}@.*" },
	{ MAIL, ".*@.*\\.(?:top|xyz)" },
	{ MAIL, "(a|b|c)@abc\\.example\\.org" },
	{ MAIL, "\"?dq\"?@dq\\.example\\.org" },
	{ MAIL, "\\S+@\\[192\\.0\\.2\\.\\d+\\]" },
	{ MAIL, "mail.evil.example" },
	{ MAIL, "evil..example" },
	{ MAIL, "\"a@b\\\\c\"@evil\\.example" },
	{ MAIL, "<?a@evil\\.example>?" },
	{ RCPT_RE, "a\\\\b@" },
	{ MAIL, "\"a@b c\"" },
	{ MAIL, "\"a b.@evil" },
	{ MAIL, "\"a@,b." },
	{ MAIL, "\"a;b.*" },
	{ MAIL, ".*@\\[(IPv6:)?2001:db8::1\\]" },
	{ MAIL, ".*@\\[IPv6:?2001:db8::1\\]" },
	{ MAIL, "\"x@\\[IPv6:.*" },
	{ MAIL, ".*@.*:.*" },
	{ MAIL, "(^a|b$)c?" },
	{ MAIL, "a@b\\$" },
	{ MAIL, "[$]a^?b" },
	{ MAIL, "$?a@b" },
	{ RCPT_RE, "@w 1" },
	{ RCPT_RE, "a,b" },
	{ MAIL, "evil.*" },
	{ MAIL, "evil" },
	{ MAIL, "postmaster" },
	{ MAIL, "postmaster|@?abuse" },
	{ MAIL, "@?evil\\.example" },
	{ MAIL, "@|a" },
	{ MAIL, "evil\\.example|.*@evil\\.example" },
	{ MAIL, "(?:.*@)?evil\\.example" },
	{ MAIL, "\"ok REJECT me\"@b\\.example|x" },
	{ MAIL, "\"a b\"@evil\\.example" },
	{ MAIL, "\\x40evil\\.example" },
	{ MAIL, "/c=us/.*@gw\\.example" },
	{ MAIL, "/c=us/a=.*/@gw\\.example" },
	{ MAIL, "/.*" },
	{ MAIL, "none@.*|nil@.*" },
	{ MAIL, "if@example\\.com" },
	{ MAIL, "endif@example\\.com" },
	{ MAIL, "ok" },
	{ MAIL, "j\u00f6rg@.*" },
	{ RCPT_RE, "@partner\\.example$" },
	{ RCPT_RE, "partner\\.example" },
	{ RCPT_RE, "^boss@" },
	{ RCPT_RE, "^.*@example.info$" },
	{ RCPT_RE, "^(a|b)\\1@example\\.org$" },
	{ RCPT_RE, "@" },
	{ MAIL, "." },
	{ MAIL, "\"a@.b\"@c" },
	{ MAIL, ".*@\\.?ru" },
	{ MAIL, ".*@\\.*\"@ru" },
	{ MAIL, "a@b\\.?" },
	{ MAIL, "(@a|b)?@c" },
	{ MAIL, "(?!@a|@b).*" },
	{ MAIL, "j\u00f6rg" },
	{ MAIL, ".*\u00fc.*@.*" },
	{ MAIL, ".*@.*\u00fc.*" },
	{ MAIL, ".*@b\u00fc?cher\\.example" },
	{ MAIL, ".*@.*[\u00fc]cher\\.example" },
	{ RCPT_RE, "(@a|@b)" },
};
START_TEST(a_regex_that_may_match_an_address_is_accepted)
	{
		assert_regex_accepted(&accepted[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_addresses");
	TCase *tcase = tcase_create("regex_addresses");

	tcase_add_loop_test(tcase, a_regex_of_no_address_is_refused, 0, ROWS(refused));
	tcase_add_loop_test(tcase, a_regex_that_may_match_an_address_is_accepted, 0,
		ROWS(accepted));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
