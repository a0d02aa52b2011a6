/*
 * Shows which lines of regex lists and items of rcpt_re are refused although they are regexes, the
 * reports about them, and that no other regex is refused.
 */
#include "lib/rules/regex_check.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/lib/refusal.h"
#include "t/unit/unit.h"

#define CLIENTS REGEX_ON_CLIENTS, true
#define HELO REGEX_ON_HELO, true
#define MAIL REGEX_ON_ADDRESSES, true
#define RCPT_RE REGEX_ON_ADDRESSES, false

#define TEN "abcdefghij"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	enum regex_subject subject;
	bool anchored;
	const char *text, *reason, *right;
} faulty[] = {
	{ MAIL, "/evil/", "has slashes around the regex", ".*evil.*" },
	{ MAIL, "/^evil/", "has slashes around the regex", "evil.*" },
	{ MAIL, "/@evil\\.example$/", "has slashes around the regex", ".*@evil\\.example" },
	{ MAIL, "/^a@evil\\.example$/i", "has slashes around the regex", "a@evil\\.example" },
	{ MAIL, "/a|b/", "has slashes around the regex", ".*(?:a|b).*" },
	{ MAIL, "/@evil\\.example$/ REJECT", "and an action after it", ".*@evil\\.example" },
	{ MAIL, "/@evil\\.example$/i\t550 5.7.1 No", "and an action after it",
		".*@evil\\.example" },
	{ MAIL, "!/@good\\.example$/ REJECT", "and an action after it", ".*@good\\.example" },
	{ MAIL, ".*@evil\\.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example\tdiscard", "has an action after the regex",
		".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example  OK", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example ERROR:5.7.1:550 No", "has an action after the regex",
		".*@evil\\.example" },
	{ MAIL, "/evil/i 10", "slashes around the regex, and an action after it", ".*evil.*" },
	{ HELO, "/^ylmf-pc$/ -1.5", "slashes around the regex, and an action after it", "ylmf-pc" },
	{ MAIL, ".*@evil\\.example 1.5", "requires \" \"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example,", "requires \",\"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example;b", "requires \";\"", ".*@evil\\.example" },
	{ MAIL, ".*@evil\\.example:3", "requires \":\"", ".*@evil\\.example" },
	{ MAIL, "evil.* 10", "requires \" \"", "evil.*" },
	{ MAIL, ".*@a\\.example,.*@b\\.example",
		"requires \",\" behind an @, but each regex is an entry of its own",
		".*@a\\.example" },
	{ MAIL, ".*@a\\.example;.*", "requires \";\" behind an @", ".*@a\\.example" },
	{ RCPT_RE, "@a\\.example;.*@b\\.example", "requires \";\" behind an @", "@a\\.example" },
	{ MAIL, ".*\\.ru$\t5", "requires text after $", ".*\\.ru$" },
	{ RCPT_RE, "@partner\\.example$ 5", "requires text after $", "@partner\\.example$" },
	{ HELO, "evil$ 5", "requires text after $", "evil$" },
	{ CLIENTS, "evil$x", "requires text after $", "evil$" },
	{ MAIL, "\"^.*@evil\\.example$\"", "has quotes around the regex", "^.*@evil\\.example$" },
	{ MAIL, "\"^.*@evil\\.example$", "requires text before ^", "" },
	{ MAIL, "a^b@x", "requires text before ^", "" },
	{ MAIL, "@evil\\.example", "begins with @", ".*@evil\\.example" },
	{ MAIL, "^@evil\\.example$", "begins with @", ".*@evil\\.example$" },
	{ MAIL, "@evil\\.(example|test)", "begins with @", ".*@evil\\.(example|test)" },
	{ MAIL, "evil\\.example", "is a domain", ".*@evil\\.example" },
	{ MAIL, "^evil\\.example$", "is a domain", ".*@evil\\.example$" },
	{ MAIL, "evil.example", "is a domain", ".*@evil.example" },
	{ MAIL, "<.*@evil\\.example>", "begins with <", ".*@evil\\.example" },
	{ RCPT_RE, "^<boss@", "begins with <", "boss@" },
	{ MAIL, ".*@evil\\\\.example", "requires a backslash", ".*@evil\\.example" },
	{ CLIENTS, "NXDOMAIN", "clients without a name", "" },
	{ CLIENTS, "^Unknown$", "clients without a name", "" },
	{ CLIENTS, "(DNSERROR|NXDOMAIN)", "clients without a name", "" },
	{ CLIENTS, "\\[192\\.0\\.2\\.7\\]", "requires \"]\"", "" },
	{ CLIENTS, ".*\\\\.dyn\\\\.example", "requires \"\\\"", "" },
	{ MAIL, "j\xf6rg@.*", "the byte 0xf6, which is not UTF-8", "" },
	{ MAIL, "*@evil.example", "is a wildcard", ".*@evil\\.example" },
	{ CLIENTS, "*.dyn\\.example", "is a wildcard", ".*\\.dyn\\.example" },
	{ CLIENTS, "(?i)dyn\\.example", "begins with (?i)", "dyn\\.example" },
	{ MAIL, "if /^a/", "is a condition", "" },
	{ MAIL, "if !/^a/", "is a condition", "" },
	{ MAIL, "endif", "is a condition", "" },
	{ MAIL, "ENDIF", "is a condition", "" },
	{ CLIENTS, "/^dyn/i REJECT", "and an action after it", "dyn.*" },
	{ CLIENTS, ".*@dyn\\.example", "requires \"@\"", "" },
	{ CLIENTS, "192\\.0\\.2\\.0/24", "requires \"/\"", "" },
	{ CLIENTS, "192.0.2.7 dyn.example", "requires \" \"", "" },
	{ CLIENTS, "a\\.example,b\\.example", "requires \",\"", "" },
	{ CLIENTS, "\".*\\.dyn\\.example\"", "has quotes around the regex", ".*\\.dyn\\.example" },
	{ HELO, "/^ylmf-pc$/ REJECT", "and an action after it", "ylmf-pc" },
	{ HELO, "/ylmf-pc/", "has slashes around the regex", ".*ylmf-pc.*" },
	{ HELO, "ylmf-pc DUNNO", "has an action after the regex", "ylmf-pc" },
	{ RCPT_RE, "/@partner\\.example$/i", "has slashes around the regex",
		"@partner\\.example$" },
	{ RCPT_RE, "@partner\\.example$ OK", "has an action after the regex",
		"@partner\\.example$" },
	/* The remedy is a line that passes, too. */
	{ MAIL, "evil.example 550", "has an action after the regex", ".*@evil.example" },
	{ MAIL, "@evil\\.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, "<a@evil\\.example> OK", "has an action after the regex", "a@evil\\.example" },
	{ MAIL, "*@evil.example REJECT", "has an action after the regex", ".*@evil\\.example" },
	{ MAIL, "(?i)@evil\\.example", "begins with (?i)", ".*@evil\\.example" },
	{ MAIL, "^evil@", "ends with @", "evil@.*" },
	{ MAIL, "evil@$", "ends with @", "evil@.*" },
	{ MAIL, "'a@evil\\.example'", "has quotes around the regex", "a@evil\\.example" },
	{ MAIL, "\"a@evil\\.example\"", "has quotes around the regex", "a@evil\\.example" },
	{ MAIL, "\"evil\\.example\" REJECT", "an action after", ".*@evil\\.example" },
	{ CLIENTS, "'dyn\\.example'", "has quotes around the regex", "dyn\\.example" },
	{ MAIL, "regexp:a@evil\\.example", "begins with regexp:", "a@evil\\.example" },
	{ MAIL, "pcre:/@evil\\.example$/ REJECT", "begins with pcre:", ".*@evil\\.example" },
	{ MAIL, "~ a@evil\\.example", "begins with ~", "a@evil\\.example" },
	{ MAIL, "m/@evil\\.example$/", "has slashes around the regex", ".*@evil\\.example" },
	{ CLIENTS, "[192.0.2.7]", "matches one character", "" },
	{ CLIENTS, "\\.dyn\\.", "begins with a dot", ".*\\.dyn\\..*" },
	{ CLIENTS, "^\\.dyn\\.example$", "begins with a dot", ".*\\.dyn\\.example$" },
	{ CLIENTS, "^dyn\\.", "ends with a dot", "^dyn\\..*" },
	{ CLIENTS, ".*\\.dyn\\.", "ends with a dot", ".*\\.dyn\\..*" },
	{ CLIENTS, "^(dsl|dyn)\\d+\\.$", "ends with a dot", "^(dsl|dyn)\\d+\\..*" },
	{ CLIENTS, "^192\\.168", "is a part of an address", "^192\\.168\\..*" },
	{ CLIENTS, "192\\.168\\.", "ends with a dot", "192\\.168\\..*" },
	{ CLIENTS, "192.168", "is a part of an address", "192.168\\..*" },
	{ CLIENTS, "^192.0.2.$", "is a part of an address", "^192.0.2\\..*" },
	{ CLIENTS, "10\\.0\\.0$", "is a part of an address", "10\\.0\\.0\\..*" },
	{ CLIENTS, "192.0.2.0/24 REJECT", "has an action after the regex", "" },
	{ RCPT_RE, "^@partner\\.example$", "begins with @", ".*@partner\\.example$" },
	/* A domain neither begins nor ends with a dot. */
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
	/* Domains are matched as A-labels. */
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
	/* IPv6 literals are matched without "IPv6:". */
	{ MAIL, ".*@\\[IPv6:2001:db8::1\\]", "requires \"IPv6:\"", ".*@\\[2001:db8::1\\]" },
	{ MAIL, ".*@\\[ipv6:.*", "requires \"IPv6:\"", ".*@\\[.*" },
	{ MAIL, "x@\\[ipv6:.*", "requires \"IPv6:\"", "x@\\[.*" },
	{ RCPT_RE, "@\\[IPV6:", "requires \"IPv6:\"", "@\\[" },
	/* No alternative can match. */
	{ CLIENTS, "\\.dyn\\.|\\.pool\\.", "no alternative that can match: \"\\.dyn\\.\" begins",
		".*\\.dyn\\..*|.*\\.pool\\..*" },
	{ CLIENTS, "(\\.dyn\\.|\\.pool\\.)", "no alternative", ".*\\.dyn\\..*|.*\\.pool\\..*" },
	{ CLIENTS, "^(?:192\\.168\\.|10\\.)$", "no alternative", "192\\.168\\..*|10\\..*" },
	{ CLIENTS, "\\.ru$|\\.su$", "no alternative", ".*\\.ru$|.*\\.su$" },
	{ CLIENTS, "\\[1\\]|a@b", "no alternative", "" },
	{ MAIL, "@a\\.example|@b\\.example",
		"no alternative that can match: \"@a\\.example\" begins",
		".*@a\\.example|.*@b\\.example" },
	{ MAIL, "(@a\\.example|@b\\.example)$", "no alternative", ".*@a\\.example|.*@b\\.example" },
	{ MAIL, "^spam@|^junk@", "no alternative", "spam@.*|junk@.*" },
	{ MAIL, "a\\.example|b\\.example", "no alternative", ".*@a\\.example|.*@b\\.example" },
	{ MAIL, "(@a\\.example)", "begins with @", ".*@a\\.example" },
	{ RCPT_RE, "^@a\\.example$|^@b\\.example$", "no alternative",
		".*@a\\.example$|.*@b\\.example$" },
	/* A part of the right form would be another regex. */
	{ MAIL, "@" LONG "\\.example", "begins with @", "" },
	{ MAIL, "@" LONG "|@" LONG, "no alternative", "" },
};
START_TEST(a_line_of_another_form_is_refused)
	{
		const char *text = faulty[_i].text;
		struct errmsg fault = { "" };

		ck_assert_msg(!regex_check(faulty[_i].subject, faulty[_i].anchored, text,
				      strlen(text), &fault),
			"%s", text);
		assert_refusal(&fault, faulty[_i].reason, faulty[_i].right);
	}
END_TEST

static const struct {
	enum regex_subject subject;
	bool anchored;
	const char *text;
} sound[] = {
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
	{ HELO, "\\[192\\.0\\.2\\.7\\]" },
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
	{ CLIENTS, ".*\\.dyn\\.example\\.(net|org)" },
	{ CLIENTS, "\\d+-\\d+-\\d+-\\d+\\.example\\.com" },
	{ CLIENTS, "2001:db8:dead:.*" },
	{ CLIENTS, "192\\.0\\.2\\..*" },
	{ CLIENTS, "^host\\d+\\.example\\.net$" },
	{ CLIENTS, "(?=.*evil)[a-z.]+\\.example\\.info" },
	{ CLIENTS, "[^.]+" },
	{ CLIENTS, "192\\.0\\.2\\.7" },
	{ CLIENTS, ".*\\.?" },
	{ CLIENTS, ".*\\.\\b" },
	{ CLIENTS, "192.168.*" },
	{ CLIENTS, "192.0.2.7" },
	{ CLIENTS, "1..2" },
	{ CLIENTS, "192" },
	{ CLIENTS, "\\d+\\.\\d+" },
	{ CLIENTS, "[@/ ]?x" },
	{ CLIENTS, "(@|a)x" },
	{ CLIENTS, "\\bw-word\\b.*" },
	{ CLIENTS, "rep{2,3}\\.example\\.org" },
	{ CLIENTS, "rep{,3}x\\.example\\.org" },
	{ HELO, ".*" },
	{ HELO, "friend" },
	{ HELO, "\\[?192\\.0\\.2\\.99\\]?" },
	{ HELO, ".* .*" },
	{ HELO, ".*[@/].*" },
	{ HELO, "a@b" },
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
	{ CLIENTS, "a|\\.dyn\\." },
	{ CLIENTS, "unknown-.*" },
	{ CLIENTS, "unknown?" },
	{ HELO, "unknown" },
	{ CLIENTS, "(a|\\.dyn\\.)" },
	{ RCPT_RE, "(@a|@b)" },
};
START_TEST(a_regex_that_may_match_is_accepted)
	{
		const char *text = sound[_i].text;
		struct errmsg fault = { "" };

		ck_assert_msg(regex_check(sound[_i].subject, sound[_i].anchored, text, strlen(text),
				      &fault),
			"%s", fault.text);
	}
END_TEST

static const struct {
	enum regex_subject subject;
	bool anchored;
	const char *text, *part, *right; /* part: NULL if each alternative may match */
} partly_dead[] = {
	{ CLIENTS, "dsl|\\.dyn\\.", "nothing: \"\\.dyn\\.\" begins with a dot",
		"dsl|.*\\.dyn\\..*" },
	{ CLIENTS, "^(dsl|\\.dyn\\.)$", "nothing: \"\\.dyn\\.\" begins", "dsl|.*\\.dyn\\..*" },
	{ CLIENTS, "unknown|.*\\.dyn\\..*", "nothing: \"unknown\" is a word", "" },
	{ CLIENTS, "dsl|a@b", "nothing: \"a@b\" requires", "" },
	{ MAIL, ".*@a\\.example|@b\\.example", "nothing: \"@b\\.example\" begins with @",
		".*@a\\.example|.*@b\\.example" },
	{ MAIL, "a@b|@" LONG, "begins with @", "" },
	{ MAIL, "evil\\.example|.*@evil\\.example", "is a domain",
		".*@evil\\.example|.*@evil\\.example" },
	{ CLIENTS, "dsl|dyn", NULL, "" },
	{ CLIENTS, "\\.dyn\\.|\\.dsl\\.", NULL, "" },
	{ CLIENTS, "\\.dyn\\.", NULL, "" },
	{ MAIL, "a@(b|\\.c)", NULL, "" },
	{ MAIL, "|a@b", NULL, "" },
};
START_TEST(an_alternative_that_cannot_match_is_noted)
	{
		const char *text = partly_dead[_i].text, *part = partly_dead[_i].part;
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_has_dead_part(partly_dead[_i].subject,
					 partly_dead[_i].anchored, text, strlen(text), &note),
			part != NULL);
		assert_refusal(&note, part == NULL ? "" : part, partly_dead[_i].right);
	}
END_TEST

static const struct {
	const char *text, *want; /* want: NULL if the regex is not doubtful */
} doubtful[] = {
	{ "[[:digit:]]+@b\\.example",
		"\"[[:digit:]]+@b\\.example\" contains [:digit:], which is not a class in JavaScript's "
		"dialect; write 0-9 in the brackets" },
	{ "[^[:space:]]",
		"\"[^[:space:]]\" contains [:space:], which is not a class in JavaScript's "
		"dialect; write \\s in the brackets" },
	{ "\\Aevil@.*\\Z",
		"\"\\Aevil@.*\\Z\" contains \\A, which matches A alone in JavaScript's dialect" },
	{ "evil@.*\\z",
		"\"evil@.*\\z\" contains \\z, which matches z alone in JavaScript's dialect" },
	{ "al\u200bl@.*",
		"\"al\u200bl@.*\" contains the invisible character U+200B; write \\u200b if it is "
		"meant" },
	{ "all\u00a0@.*",
		"\"all\u00a0@.*\" contains white space (U+00A0); write \\u00a0 if it is meant" },
	{ "\u0645\u06cc\u200c\u062e@.*", NULL },
	{ ".*@a\\.example .*@b\\.example",
		"\".*@a\\.example .*@b\\.example\" requires white space behind an @, but each regex is "
		"an entry of its own" },
	{ ".*@a\\.example or\t.*",
		"\".*@a\\.example or\t.*\" requires white space behind an @, but each regex is an "
		"entry of its own" },
	{ ".*@a\\.example *", NULL },
	{ "a b@.*|c d@.*", NULL },
	{ "\"a@b c\"@.*", NULL },
	{ "\\d+@.*", NULL },
	{ "\\\\A", NULL },
	{ "[:a]", NULL },
	{ "[[:nosuch:]]", NULL },
	{ "a\\", NULL },
	{ "", NULL },
};
START_TEST(parts_of_other_dialects_are_noted)
	{
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_is_doubtful(doubtful[_i].text, strlen(doubtful[_i].text),
					 &note),
			doubtful[_i].want != NULL);
		ck_assert_str_eq(note.text, doubtful[_i].want == NULL ? "" : doubtful[_i].want);
	}
END_TEST

static const struct {
	const char *text, *right; /* right: NULL if the regex may match an address with a domain */
} bare[] = {
	{ "all|bob", "(?:all|bob)@.*" },
	{ "[a-z]+", "[a-z]+@.*" },
	{ "evil", "evil@.*" },
	{ "^(all|bob)$", "(?:(all|bob))@.*" },
	{ "^all$", "all@.*" },
	{ "\\w+", "\\w+@.*" },
	{ "user[\\d._-]{2,}", "user[\\d._-]{2,}@.*" },
	{ "info\\.mail\\+x", "info\\.mail\\+x@.*" },
	{ "(?:a|b)\\1?", "(?:(?:a|b)\\1?)@.*" },
	{ "^all$|bob", "" },
	{ "all\\$", "all\\$@.*" },
	{ "\\.(ru|su)$", ".*(?:\\.(ru|su))$" },
	{ "(mail|mx)\\.corp\\.example", ".*@(?:(mail|mx)\\.corp\\.example)" },
	{ "[a-z]{10}\\.ru", ".*@[a-z]{10}\\.ru" },
	{ "\\w+\\.(?:ru|su)$", ".*@(?:\\w+\\.(?:ru|su))$" },
	{ "^[\\d.]+\\.evil\\.example$", ".*@[\\d.]+\\.evil\\.example$" },
	{ "[a-z]+\\.[a-z]+", "[a-z]+\\.[a-z]+@.*" },
	{ "[a-z]+\\.x\\d*", "[a-z]+\\.x\\d*@.*" },
	{ "\\w+\\.", "\\w+\\.@.*" },
	{ "^$", "" },
	{ "^", "" },
	{ "$", "" },
	{ "all@.*", NULL },
	{ ".*", NULL },
	{ "all.corp", NULL },
	{ "all|bob@x\\.example", NULL },
	{ "[^x]+", NULL },
	{ "\\S+", NULL },
	{ "\\W", NULL },
	{ "[\\W]", NULL },
	{ "[!-~]+", NULL },
	{ "[a@]+", NULL },
	{ "all\\x40corp", NULL },
	{ "all\\u0040corp", NULL },
	{ "all\\100corp", NULL },
	{ "[ -z]+", NULL },
	{ "[!-\u00e9]+", NULL },
	{ "[a-\u00e9]+", "[a-\u00e9]+@.*" },
	{ "[\\x20-z]+", NULL },
};

/* The start of a right form that is too long to show. */
START_TEST(a_part_of_the_right_form_is_not_shown)
	{
		static const char text[] = "[a-z]" LONG;
		struct errmsg note = { "" };

		ck_assert(regex_lacks_domain(text, strlen(text), &note));
		assert_refusal(&note, "matches only addresses without a domain", "");
		ck_assert(regex_lacks_dot(LONG "x", strlen(LONG "x"), &note));
		assert_refusal(&note, "matches only names without a dot", "");
		ck_assert(regex_matches_part("\\." LONG, strlen("\\." LONG), &note));
		assert_refusal(&note, "begins with a dot", "");
	}
END_TEST

START_TEST(a_regex_that_matches_no_domain_is_noted)
	{
		const char *text = bare[_i].text, *right = bare[_i].right;
		struct errmsg note = { "" };
		char want[200] = "";

		if (right != NULL)
			(void)snprintf(want, sizeof(want),
				"\"%s\" matches only addresses without a domain%s%s", text,
				*right == '\0' ? "" : "; write ", right);
		ck_assert_int_eq(regex_lacks_domain(text, strlen(text), &note), right != NULL);
		ck_assert_str_eq(note.text, want);
	}
END_TEST

static const struct {
	const char *text, *right; /* right NULL: not noted */
} words[] = {
	{ "dyn", ".*dyn.*" },
	{ "^dsl", "dsl.*" },
	{ "dsl$", ".*dsl" },
	{ "dsl|dyn", ".*(?:dsl|dyn).*" },
	{ "^(dsl|dyn)-pool$", NULL },
	{ "dyn.*", NULL },
	{ "[a-z]+", NULL },
	{ "\\bdyn\\b", NULL },
	{ "localhost", NULL },
	{ "^dsl$", NULL },
	{ "2130706433", NULL },
	{ "", NULL },
};
START_TEST(a_word_that_matches_no_usual_name_is_noted)
	{
		const char *text = words[_i].text, *right = words[_i].right;
		struct errmsg note = { "" };
		char want[200] = "";

		if (right != NULL)
			(void)snprintf(want, sizeof(want),
				"\"%s\" matches only names without a dot; write %s", text, right);
		ck_assert_int_eq(regex_lacks_dot(text, strlen(text), &note), right != NULL);
		ck_assert_str_eq(note.text, want);
	}
END_TEST

static const struct {
	const char *text, *right; /* right NULL: not noted */
} parts[] = {
	{ "\\.dyn\\.", ".*\\.dyn\\..*" },
	{ "^192\\.168\\.", "^192\\.168\\..*" },
	{ "\\.ru$", ".*\\.ru$" },
	{ "192\\.168", "192\\.168\\..*" },
	{ ".*\\.dyn\\..*", NULL },
	{ "\\[192\\.0\\.2\\.7\\]", NULL },
	{ "192\\.0\\.2\\.7", NULL },
	{ "ylmf-pc", NULL },
	{ "a|\\.b", NULL },
	{ "", NULL },
};
START_TEST(a_part_of_an_argument_is_noted)
	{
		const char *text = parts[_i].text;
		struct errmsg note = { "" };

		ck_assert_int_eq(regex_matches_part(text, strlen(text), &note),
			parts[_i].right != NULL);
		assert_refusal(&note, "", parts[_i].right == NULL ? "" : parts[_i].right);
	}
END_TEST

static const struct {
	const char *text;
	bool is_open;
} ends[] = {
	{ "@a\\.example", true },
	{ "@a\\.example$", false },
	{ "@a\\.example|@b\\.example$", true },
	{ "@a\\.example$|@b\\.example", true },
	{ "@a\\.example$|@b\\.example$", false },
	{ "(@a\\.example|@b\\.example)$", false },
	{ "(?:@a\\.example|@b\\.example$)", true },
	{ "@((a|b$)|c$)", true },
	{ "@((?:a$|b$)|c$)", false },
	{ "^a@b$|", true },
	{ "@a\\$", true },
	{ "@a[$]", true },
	{ "@a(?!.)", true },
	{ "@a(?=$)", false },
	{ "@a$?", true },
	{ "(@a|@b$){1}", false }, /* in doubt */
	{ "((((((((((((((@a|@b$))))))))))))))", true },
	{ "((((((((((((((((((((@a|@b$))))))))))))))))))))", false }, /* looking takes too long */
	{ "", true },
};
START_TEST(an_end_without_an_anchor_is_found)
	{
		ck_assert_msg(regex_has_open_end(ends[_i].text, strlen(ends[_i].text)) ==
				ends[_i].is_open,
			"%s", ends[_i].text);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_check");
	TCase *tcase = tcase_create("regex_check");

	tcase_add_loop_test(tcase, a_line_of_another_form_is_refused, 0, ROWS(faulty));
	tcase_add_loop_test(tcase, a_regex_that_may_match_is_accepted, 0, ROWS(sound));
	tcase_add_loop_test(tcase, an_alternative_that_cannot_match_is_noted, 0, ROWS(partly_dead));
	tcase_add_loop_test(tcase, a_regex_that_matches_no_domain_is_noted, 0, ROWS(bare));
	tcase_add_loop_test(tcase, a_word_that_matches_no_usual_name_is_noted, 0, ROWS(words));
	tcase_add_loop_test(tcase, a_part_of_an_argument_is_noted, 0, ROWS(parts));
	tcase_add_test(tcase, a_part_of_the_right_form_is_not_shown);
	tcase_add_loop_test(tcase, an_end_without_an_anchor_is_found, 0, ROWS(ends));
	tcase_add_loop_test(tcase, parts_of_other_dialects_are_noted, 0, ROWS(doubtful));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
