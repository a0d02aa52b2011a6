/*
 * Shows the canonical form of mail addresses, which addresses are odd, and the bounds of the
 * parser.
 */
#include "lib/match/address.h"

#include <string.h>

#include "t/unit/unit.h"

enum { DOMAIN = 1, LITERAL = 2, ROUTED = 4, NULL_SENDER = 8, ODD = 16 };

static const struct {
	const char *typed, *text, *canon;
	unsigned flags;
} cases[] = {
	{ "a@b.c", "a@b.c", "a@b.c", DOMAIN },
	{ "<a@b.c>", "a@b.c", "a@b.c", DOMAIN },
	{ " \t<a@b.c> ", "a@b.c", "a@b.c", DOMAIN },
	{ "< a@b.c\t>", "a@b.c", "a@b.c", DOMAIN },
	{ "<A.B@Example.COM>", "A.B@Example.COM", "a.b@example.com", DOMAIN },
	{ "<a@b.c.>", "a@b.c.", "a@b.c", DOMAIN },
	{ "<x..y@b.c>", "x..y@b.c", "x..y@b.c", DOMAIN },
	{ "<.x.@b.c>", ".x.@b.c", ".x.@b.c", DOMAIN },
	{ "<o'brien+x=y@b.c>", "o'brien+x=y@b.c", "o'brien+x=y@b.c", DOMAIN },

	/* The null sender, and addresses without a domain. */
	{ "<>", "", "", NULL_SENDER },
	{ "", "", "", NULL_SENDER },
	{ "  ", "", "", NULL_SENDER },
	{ "< >", "", "", NULL_SENDER },
	{ "<postmaster>", "postmaster", "postmaster", 0 },
	{ "<PostMaster>", "postmaster", "postmaster", 0 },
	{ "<\"PostMaster\">", "postmaster", "postmaster", 0 },
	{ "<Bob>", "Bob", "bob", 0 },
	{ "<a@>", "a@", "a@", ODD },
	{ "<a@\xc2\xad>", "a@\xc2\xad", "a@", 0 }, /* a soft hyphen */
	{ "<@>", "@", "@", ODD },
	{ "<@b.c>", "@b.c", "@b.c", DOMAIN | ODD },
	{ ">", ">", ">", ODD },
	{ "<", "<", "<", ODD },

	/* Quoted local parts: the quotes are removed from a dot-string; others keep only the
	 * necessary backslashes. */
	{ "<\"x\"@b.c>", "\"x\"@b.c", "x@b.c", DOMAIN },
	{ "<\"X.Y\"@b.c>", "\"X.Y\"@b.c", "x.y@b.c", DOMAIN },
	{ "<\"\\x\\.\\y\"@b.c>", "\"\\x\\.\\y\"@b.c", "x.y@b.c", DOMAIN },
	{ "<\"a b\"@b.c>", "\"a b\"@b.c", "\"a b\"@b.c", DOMAIN },
	{ "<\"a\\ b\"@b.c>", "\"a\\ b\"@b.c", "\"a b\"@b.c", DOMAIN },
	{ "<\"a\\\"b\\\\c\"@b.c>", "\"a\\\"b\\\\c\"@b.c", "\"a\\\"b\\\\c\"@b.c", DOMAIN },
	{ "<\"\"@b.c>", "\"\"@b.c", "\"\"@b.c", DOMAIN },
	{ "<\".x\"@b.c>", "\".x\"@b.c", "\".x\"@b.c", DOMAIN },
	{ "<\"x.\"@b.c>", "\"x.\"@b.c", "\"x.\"@b.c", DOMAIN },
	{ "<\"x..y\"@b.c>", "\"x..y\"@b.c", "\"x..y\"@b.c", DOMAIN },
	{ "<\"(x)\"@b.c>", "\"(x)\"@b.c", "\"(x)\"@b.c", DOMAIN | ODD },
	{ "<\"a@b\"@c.d>", "\"a@b\"@c.d", "\"a@b\"@c.d", DOMAIN | ROUTED },
	{ "<\"a>b\"@c.d>", "\"a>b\"@c.d", "\"a>b\"@c.d", DOMAIN },
	{ "<\"a\"b@c.d>", "\"a\"b@c.d", "\"a\"b@c.d", DOMAIN | ODD },
	{ "<\"a@c.d>", "\"a@c.d", "\"a@c.d", DOMAIN | ODD },
	{ "<\"a\\\"@c.d>", "\"a\\\"@c.d", "\"a\\\"@c.d", DOMAIN | ODD },
	{ "<\"@c.d>", "\"@c.d", "\"@c.d", DOMAIN | ODD },

	{ "<\"a@evil.e\">", "\"a@evil.e\"", "\"a@evil.e\"", ROUTED | ODD },
	{ "<\"a\"@evil.e@b.c>", "\"a\"@evil.e@b.c", "\"a\"@evil.e@b.c", DOMAIN | ROUTED | ODD },
	{ "<a@ex\xef\xbc\xa0"
	  "b\xc3\xbc.c>",
		"a@ex\xef\xbc\xa0"
		"b\xc3\xbc.c",
		"a@ex\xef\xbc\xa0"
		"b\xc3\xbc.c",
		DOMAIN }, /* U+FF20 is not @ */

	/* Literals have one form; IDN. */
	{ "<a@[192.0.2.1]>", "a@[192.0.2.1]", "a@[192.0.2.1]", DOMAIN | LITERAL },
	{ "<a@[IPv6:2001:DB8:0:0::1]>", "a@[IPv6:2001:DB8:0:0::1]", "a@[2001:db8::1]",
		DOMAIN | LITERAL },
	{ "<a@[ipv6:::FFFF:192.0.2.1]>", "a@[ipv6:::FFFF:192.0.2.1]", "a@[192.0.2.1]",
		DOMAIN | LITERAL },
	{ "<a@[192.0.2.1].>", "a@[192.0.2.1].", "a@[192.0.2.1]", DOMAIN | LITERAL | ODD },
	{ "<a@[192.0.2.1]。>", "a@[192.0.2.1]。", "a@[192.0.2.1]", DOMAIN | LITERAL | ODD },
	{ "<a@[192.0.2.0/24]>", "a@[192.0.2.0/24]", "a@[192.0.2.0/24]", DOMAIN | LITERAL },
	{ "<a@[X:y]>", "a@[X:y]", "a@[x:y]", DOMAIN | LITERAL },
	{ "<a@[]>", "a@[]", "a@[]", DOMAIN | LITERAL | ODD },
	{ "<a@[192.0.2.1>", "a@[192.0.2.1", "a@[192.0.2.1", DOMAIN | ODD },
	{ "<a@[>", "a@[", "a@[", DOMAIN | ODD },
	{ "<Jörg@Bücher-Example.com>", "Jörg@Bücher-Example.com", "jörg@xn--bcher-example-wob.com",
		DOMAIN },
	{ "<ÖRG@b.c>", "ÖRG@b.c", "Örg@b.c", DOMAIN },
	{ "<\"ö\"@b.c>", "\"ö\"@b.c", "ö@b.c", DOMAIN },

	/* Routes of RFC 5321, and older ones. */
	{ "<@x.y:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED },
	{ "<@x.y,@z:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED },
	{ "<@[192.0.2.1],@z:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED },
	/* Postfix 3.7: ":1],@z:a"@b.c */
	{ "<@[IPv6:::1],@z:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED | ODD },
	{ "<@x.y:>", "", "", NULL_SENDER | ROUTED | ODD },
	{ "<@x.y:\"a:b\"@b.c>", "\"a:b\"@b.c", "\"a:b\"@b.c", DOMAIN | ROUTED },
	{ "<a:b@b.c>", "a:b@b.c", "a:b@b.c", DOMAIN | ODD },
	{ "<a%evil.e@b.c>", "a%evil.e@b.c", "a%evil.e@b.c", DOMAIN | ROUTED },
	{ "<evil.e!a@b.c>", "evil.e!a@b.c", "evil.e!a@b.c", DOMAIN | ROUTED },
	{ "<a@evil.e@b.c>", "a@evil.e@b.c", "a@evil.e@b.c", DOMAIN | ROUTED },
	{ "<\"a%evil.e\"@b.c>", "\"a%evil.e\"@b.c", "a%evil.e@b.c", DOMAIN | ROUTED },
	{ "<\"a\\@evil.e\"@b.c>", "\"a\\@evil.e\"@b.c", "\"a@evil.e\"@b.c", DOMAIN | ROUTED },

	/* Postfix 3.7 reads these as other addresses. */
	{ "<a@b.c(x)>", "a@b.c(x)", "a@b.c(x)", DOMAIN | ODD },
	{ "<a@b.c (x)>", "a@b.c (x)", "a@b.c (x)", DOMAIN | ODD },
	{ "<(x)a@b.c>", "(x)a@b.c", "(x)a@b.c", DOMAIN | ODD },
	{ "<a@b.c(@d.e>", "a@b.c(@d.e", "a@b.c(@d.e", DOMAIN | ROUTED | ODD },
	{ "<a(@b.c>", "a(@b.c", "a(@b.c", DOMAIN | ODD },
	{ "<a @ b.c>", "a @ b.c", "a @ b.c", DOMAIN | ODD },
	{ "<a\t@b.c>", "a\t@b.c", "a\t@b.c", DOMAIN | ODD },
	{ "<\\a@b.c>", "\\a@b.c", "\\a@b.c", DOMAIN | ODD },
	{ "<a@b\\.c>", "a@b\\.c", "a@b\\.c", DOMAIN | ODD },
	{ "<a@\"b.c\">", "a@\"b.c\"", "a@\"b.c\"", DOMAIN | ODD },
	{ "<\"a\".x@b.c>", "\"a\".x@b.c", "\"a\".x@b.c", DOMAIN | ODD },
	{ "<a@b.c,>", "a@b.c,", "a@b.c,", DOMAIN | ODD },
	{ "<a@b.c;>", "a@b.c;", "a@b.c;", DOMAIN | ODD },
	{ "<x:;@b.c>", "x:;@b.c", "x:;@b.c", DOMAIN | ODD },
	{ "<<a@b.c>>", "<a@b.c>", "<a@b.c>", DOMAIN | ODD },
	{ "<a@b.c>(@d.e", "<a@b.c>(@d.e", "<a@b.c>(@d.e", DOMAIN | ROUTED | ODD },
	{ "<a@b.c..>", "a@b.c..", "a@b.c.", DOMAIN | ODD }, /* Sendmail ignores all dots */
	{ "<a@b.c\343\200\202.>", "a@b.c\343\200\202.", "a@b.c.", DOMAIN | ODD },
	{ "<a@b..c>", "a@b..c", "a@b..c", DOMAIN | ODD },
	{ "<a@.b.c>", "a@.b.c", "a@.b.c", DOMAIN | ODD },
	{ "<a@.>", "a@.", "a@.", DOMAIN | ODD },
	{ "<\"a@b.c(x)\"@d.e>", "\"a@b.c(x)\"@d.e", "\"a@b.c(x)\"@d.e", DOMAIN | ROUTED | ODD },
	{ "<\"a@\\\"b.c\\\"\"@d.e>", "\"a@\\\"b.c\\\"\"@d.e", "\"a@\\\"b.c\\\"\"@d.e",
		DOMAIN | ROUTED | ODD },
	{ "<\"c!a\\\\b\"@d.e>", "\"c!a\\\\b\"@d.e", "\"c!a\\\\b\"@d.e", DOMAIN | ROUTED | ODD },
	{ "<\"a@b c\"@d.e>", "\"a@b c\"@d.e", "\"a@b c\"@d.e", DOMAIN | ROUTED },
	/* Sendmail removes the quotes, and then the brackets and the comments: a.b@c. */
	{ "<\"<a>\"@b.c>", "\"<a>\"@b.c", "\"<a>\"@b.c", DOMAIN | ODD },
	{ "<\"(x)<a>\"@b.c>", "\"(x)<a>\"@b.c", "\"(x)<a>\"@b.c", DOMAIN | ODD },
	{ "<\"\\<a\\>\"@b.c>", "\"\\<a\\>\"@b.c", "\"<a>\"@b.c", DOMAIN | ODD },
	{ "<\"<a\"@b.c>", "\"<a\"@b.c", "\"<a\"@b.c", DOMAIN },
	{ "<\"a(x)b\"@b.c>", "\"a(x)b\"@b.c", "\"a(x)b\"@b.c", DOMAIN | ODD },
	{ "<\"a\\(\\)b\"@b.c>", "\"a\\(\\)b\"@b.c", "\"a()b\"@b.c", DOMAIN | ODD },
	{ "<\"a(b\"@b.c>", "\"a(b\"@b.c", "\"a(b\"@b.c", DOMAIN },
	{ "<\"a:)\"@b.c>", "\"a:)\"@b.c", "\"a:)\"@b.c", DOMAIN },
	{ "<a@b.c@>", "a@b.c@", "a@b.c@", ROUTED | ODD },
	{ "<a%b.c>", "a%b.c", "a%b.c", ROUTED | ODD },
	{ "<b.c!a>", "b.c!a", "b.c!a", ROUTED | ODD },
	{ "<@x:@y:a@b.c>", "@y:a@b.c", "@y:a@b.c", DOMAIN | ROUTED | ODD },
	{ "<@x y:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED | ODD },
	{ "<@x,:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED | ODD },
	{ "<@:a@b.c>", "a@b.c", "a@b.c", DOMAIN | ROUTED | ODD },
	{ "<@x:a>", "a", "a", ROUTED | ODD },
	{ "<\"a\tb\"@b.c>", "\"a\tb\"@b.c", "\"a\tb\"@b.c", DOMAIN | ODD },
	{ "<[a@b.c]@d.e>", "[a@b.c]@d.e", "[a@b.c]@d.e", DOMAIN | ROUTED | ODD },

	/* Not odd: all MTAs split at the last @. */
	{ "<a]@b.c>", "a]@b.c", "a]@b.c", DOMAIN },
	{ "<a@_x.b-c>", "a@_x.b-c", "a@_x.b-c", DOMAIN },
};

static struct mail_address parsed(const char *typed)
{
	struct mail_address address;
	size_t len = strlen(typed);
	char *copy = malloc(len + 1); /* of len bytes only: no NUL is needed */

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, typed, len);
	memset(&address, 0x55, sizeof(address));
	ck_assert_int_eq(address_parse(copy, len, &address), 0);
	free(copy);
	return address;
}

START_TEST(parses)
	{
		struct mail_address a = parsed(cases[_i].typed);
		unsigned flags = (a.has_domain ? DOMAIN : 0) | (a.is_literal ? LITERAL : 0) |
			(a.is_routed ? ROUTED : 0) | (a.is_null ? NULL_SENDER : 0) |
			(a.is_odd ? ODD : 0);

		ck_assert_str_eq(a.text, cases[_i].text);
		ck_assert_str_eq(a.canon, cases[_i].canon);
		ck_assert_uint_eq(flags, cases[_i].flags);
		ck_assert_uint_eq(a.text_len, strlen(a.text));
		ck_assert_uint_eq(a.canon_len, strlen(a.canon));
		if (a.has_domain) {
			ck_assert_int_eq(a.canon[a.local_len], '@');
			ck_assert_str_eq(address_domain(&a), a.canon + a.local_len + 1);
		} else {
			ck_assert_str_eq(address_domain(&a), "");
		}
	}
END_TEST

/* Parsing a canonical form again does not change it, as lists require. */
START_TEST(canon_is_stable)
	{
		struct mail_address a = parsed(cases[_i].typed), again;

		if (a.canon[0] == '@' || a.canon[0] == '<' || a.is_null ||
			a.canon[a.canon_len - 1] == '.')
			return;
		again = parsed(a.canon);
		ck_assert_str_eq(again.canon, a.canon);
		ck_assert(address_equal(&again, &a));
	}
END_TEST

static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "a@b.c", "A@B.C.", true },
	{ "a@b.c", "\"a\"@b.c", true },
	{ "a@b.c", "a@b.d", false },
	{ "a@b.c", "a@b", false },
	{ "a@b.c", "a@b.cc", false },
	{ "<>", "", true },
	{ "<>", "a@b.c", false },
	{ "a@bücher-example.com", "a@xn--bcher-example-wob.com", true },
	{ "\"a b\"@b.c", "\"A\\ B\"@b.c", true },
	{ "\"a b\"@b.c", "a b@b.c", false },
	{ "x@[IPv6:::1]", "x@[0:0:0:0:0:0:0:1]", true },
	{ "Jörg@b.c", "jÖrg@b.c", false },
};

START_TEST(compares)
	{
		struct mail_address a = parsed(pairs[_i].a), b = parsed(pairs[_i].b);

		ck_assert_int_eq(address_equal(&a, &b), pairs[_i].equal);
		ck_assert_int_eq(address_equal(&b, &a), pairs[_i].equal);
	}
END_TEST

static const struct {
	const char *address, *delimiters;
	size_t want;
} bases[] = {
	{ "bob+x@b.c", "+", 3 },
	{ "bob+x+y@b.c", "+", 3 },
	{ "bob-x+y@b.c", "+-", 3 },
	{ "bob@b.c", "+", 3 },
	{ "bob+@b.c", "+", 3 },
	{ "+bob@b.c", "+", 4 },
	{ "+@b.c", "+", 1 },
	{ "bob+x@b.c", "", 5 },
	{ "bob@b+c.d", "+", 3 },
	{ "\"b+x y\"@b.c", "+", 7 },
	{ "\"b+x\"@b.c", "+", 1 },
	{ "bob+x", "+", 3 },
	{ "<>", "+", 0 },
	{ "@b+c.d", "+", 0 },
	{ "bob@b.c", "@", 3 },
};

START_TEST(finds_the_base)
	{
		struct mail_address a = parsed(bases[_i].address);

		ck_assert_uint_eq(address_base_len(&a, bases[_i].delimiters), bases[_i].want);
	}
END_TEST

START_TEST(refuses_line_ends_and_nul)
	{
		static const struct {
			const char *text;
			size_t len;
		} bad[] = { { "a\0@b.c", 6 }, { "a@b.c\0", 6 }, { "a@b\r.c", 6 }, { "a@b.c\n", 6 },
			{ "\r\n", 2 }, { "<a@b.c>\r\n", 9 } };
		struct mail_address a;

		ck_assert_int_eq(address_parse(bad[_i].text, bad[_i].len, &a), -1);
	}
END_TEST

/* An address that cannot be parsed must be answered, too; it equals no other one, not even the null
 * sender. */
START_TEST(keeps_the_text_of_an_unparsable_address)
	{
		char text[ADDRESS_MAX + 9] = "<@x:";
		struct mail_address a, null;

		address_read("<a@b.c>", 7, &a);
		ck_assert_str_eq(a.canon, "a@b.c");
		ck_assert(!a.is_odd);
		address_read("<>", 2, &null);
		ck_assert(null.is_null && !null.is_odd);
		memset(text + 4, 'a', sizeof(text) - 4);
		memcpy(text + sizeof(text) - 5, "@b.c>", 5);
		address_read(text, sizeof(text), &a);
		ck_assert(a.is_odd && !a.is_null && !a.has_domain);
		ck_assert_uint_eq(strlen(a.text), ADDRESS_MAX);
		ck_assert_str_eq(a.canon, "");
		ck_assert(!address_equal(&a, &null));
	}
END_TEST

/* ADDRESS_MAX bytes as typed, including brackets, are accepted; one more is refused, never cut. */
START_TEST(bounds_an_address)
	{
		char text[ADDRESS_MAX + 3];
		struct mail_address a;
		size_t len;

		for (len = ADDRESS_MAX - 3; len <= ADDRESS_MAX + 2; len++) {
			memset(text, 'A', sizeof(text));
			memcpy(text + len - 4, "@b.c", 4);
			ck_assert_int_eq(address_parse(text, len, &a), len <= ADDRESS_MAX ? 0 : -1);
			if (len <= ADDRESS_MAX)
				ck_assert_uint_eq(a.canon_len, len);
			memset(text, '\\', sizeof(text));
			text[0] = '"';
			ck_assert_int_eq(address_parse(text, len, &a), len <= ADDRESS_MAX ? 0 : -1);
			memset(text, '@', sizeof(text));
			ck_assert_int_eq(address_parse(text, len, &a), len <= ADDRESS_MAX ? 0 : -1);
		}
	}
END_TEST

/* The largest canonical form: a long local part, and a domain whose A-labels grow to the bound. */
START_TEST(bounds_a_domain)
	{
		char text[ADDRESS_MAX];
		struct mail_address a;
		size_t len, grown = 0, refused = 0;

		memset(text, 'a', sizeof(text));
		for (len = 2; len + 10 < sizeof(text); len += 3) {
			text[1] = '@';
			memcpy(text + len, "\xc3\xbc.", 3);
			if (address_parse(text, len + 3, &a) == 0) {
				ck_assert_uint_lt(a.canon_len, ADDRESS_CANON_SIZE);
				ck_assert_uint_lt(strlen(address_domain(&a)), DOMAIN_SIZE);
				grown += a.canon_len > len + 3;
			} else {
				refused++;
			}
		}
		ck_assert_uint_gt(grown, 0);
		ck_assert_uint_gt(refused, 0);
	}
END_TEST

/* As Postfix has it in its memory, and as Sendmail writes it. */
static const struct {
	const char *text, *canon; /* NULL: no address */
} internal[] = {
	{ "Bob@Corp.Example", "bob@corp.example" },
	{ "bob", "bob" },
	{ "a b@corp.example", "\"a b\"@corp.example" },
	{ "\"a b\"@corp.example", "\"a b\"@corp.example" },
	{ "a\\\"b@corp.example", "\"a\\\\\\\"b\"@corp.example" },
	{ "x..y@corp.example", "\"x..y\"@corp.example" },
	{ "no%reply@corp.example", "no%reply@corp.example" },
	{ "a@b@corp.example", "\"a@b\"@corp.example" },
	{ "a\nb@corp.example", NULL },
};
START_TEST(an_address_in_the_memory_of_an_mta_may_lack_quotes)
	{
		struct mail_address address;
		const bool is_one = address_parse_internal(internal[_i].text, &address);

		ck_assert(is_one == (internal[_i].canon != NULL));
		if (is_one)
			ck_assert_str_eq(address.canon, internal[_i].canon);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = tcase_create("address");

	tcase_add_loop_test(tcase, parses, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, canon_is_stable, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, compares, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_loop_test(tcase, finds_the_base, 0, sizeof(bases) / sizeof(bases[0]));
	tcase_add_loop_test(tcase, refuses_line_ends_and_nul, 0, 6);
	tcase_add_test(tcase, keeps_the_text_of_an_unparsable_address);
	tcase_add_test(tcase, bounds_an_address);
	tcase_add_test(tcase, bounds_a_domain);
	tcase_add_loop_test(tcase, an_address_in_the_memory_of_an_mta_may_lack_quotes, 0,
		(int)(sizeof(internal) / sizeof(internal[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
