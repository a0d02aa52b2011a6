/*
 * Shows which addresses are found in From fields, however malformed they are, and that a login may
 * use none of those that are not written as mail programs write them.
 */
#include "lib/match/from_header.h"

#include <string.h>
#include <time.h>

#include "lib/base/strbuf.h"
#include "lib/match/from_grammar.h"
#include "t/unit/unit.h"

#define V(value) value, sizeof(value) - 1

struct from_case {
	const char *value;
	size_t len;
	bool lawful;	  /* from_grammar_parse() accepts it */
	const char *want; /* the canonical addresses, separated by spaces */
};

static const struct from_case cases[] = {
	/* Well-formed (RFC 5322 3.4, RFC 6854). */
	{ V("a@b.c"), true, "a@b.c" },
	{ V(" a@b.c\t"), true, "a@b.c" },
	{ V("<a@b.c>"), true, "a@b.c" },
	{ V("Foo <a@b.c>"), true, "a@b.c" },
	{ V("Foo<a@b.c>"), true, "a@b.c" },
	{ V("  Foo   <A@B.C>  "), true, "a@b.c" },
	{ V("\"Foo\" \"Bar\" <a@b.c>"), true, "a@b.c" },
	{ V("A <a@b.c>, B <d@e.f>"), true, "a@b.c d@e.f" },
	{ V("a@b.c,d@e.f , g@h.i"), true, "a@b.c d@e.f g@h.i" },
	{ V("Team: x@a.b, Y <y@c.d>;"), true, "x@a.b y@c.d" },
	{ V("One: x@a.b;, Two: y@c.d;, z@e.f"), false, "x@a.b y@c.d z@e.f" },
	{ V("\"a, b\": x@a.b;"), true, "x@a.b" },
	{ V("\"a b\"@c.d"), true, "\"a b\"@c.d" },
	{ V("\"a@evil.e\"@c.d"), false, "\"a@evil.e\"@c.d a@evil.e @c.d" },
	{ V("\"a\\\"b\"@c.d"), false, "\"a\\\"b\"@c.d @c.d" },
	{ V("Foo <\"a\"@c.d>"), true, "a@c.d" },
	{ V("<a@[192.0.2.1]>"), true, "a@[192.0.2.1]" },
	{ V("<a@[IPv6:2001:DB8:0::1]>"), true, "a@[2001:db8::1]" },
	{ V("a@b.c\n"), true, "a@b.c" },
	{ V("a@b.c\r\n"), true, "a@b.c" },
	{ V("<a@b\xc3\xbc"
	    "cher.example>"),
		true, "a@xn--bcher-kva.example" },
	{ V("J\xc3\xb6rg <j\xc3\xb6rg@b.c>"), true, "j\xc3\xb6rg@b.c" },
	{ V("J\xf6rg \xff\xfe <a@b.c>"), true, "a@b.c" },

	/* No address. */
	{ V(""), false, "" },
	{ V(" \t "), false, "" },
	{ V("\r\n"), false, "" },
	{ V("Foo"), false, "" },
	{ V("MAILER-DAEMON"), false, "" },
	{ V("<>"), false, "" },
	{ V("Foo <>"), false, "" },
	{ V("Foo <postmaster>"), false, "" },
	{ V("undisclosed-recipients:;"), false, "" },
	{ V("(a@b.c)"), false, "" },
	{ V("\"a.b.c\""), false, "" },
	{ V("=?utf-8?q?a=40b=2Ec?="), false, "a@b.c" },
	{ V("a@"), false, "" },
	{ V("Foo <a@>"), false, "" },
	{ V(",;:,;:"), false, "" },
	{ V("<"), false, "" },
	{ V(">"), false, "" },

	/* Display names that contain more than words. */
	{ V("\"x <a@evil.e>\" <b@mine.m>"), true, "b@mine.m" },
	{ V("\"a@evil.e\" <b@mine.m>"), true, "b@mine.m" },
	{ V("\"\\\"a@evil.e\\\" <x@y.z>, \" <b@mine.m>"), false,
		"b@mine.m a@evil.e\\ x@y.z b@mine.m" },
	{ V("a@evil.e <b@mine.m>"), false, "a@evil.e b@mine.m" },
	{ V("a@evil.e d@evil.e<b@mine.m>"), false, "a@evil.e d@evil.e b@mine.m" },
	{ V("John @ Home <x@y.z>"), false, "john@home x@y.z" },
	{ V("@ <x@y.z>"), false, "x@y.z" },
	{ V("foo: bar <x@y.z>"), true, "x@y.z" },
	{ V("Foo, Inc <x@y.z>"), true, "x@y.z" },
	{ V("Foo Inc. <x@y.z>"), true, "x@y.z" },
	{ V("Foo [x] <x@y.z>"), true, "x@y.z" },
	{ V("[a@evil.e] <x@y.z>"), false, "a@evil.e x@y.z" },
	{ V("Foo) <x@y.z>"), false, "x@y.z" },
	{ V("I <3 you <x@y.z>"), false, "x@y.z" },
	{ V("DOMAIN\\user <x@y.z>"), false, "x@y.z" },
	{ V("=?utf-8?q?evil=40example.org=3E?= <x@y.z>"), true, "x@y.z" },
	{ V("=?utf-8?q?y=40example=2Eorg=2C?= <x@y.z>"), false, "y@example.org x@y.z" },
	{ V("=?utf-8?q?a@evil.e?= <x@y.z>"), false, "a@evil.e x@y.z" },
	{ V("a, b c, d <b@mine.m>, <b@mine.m>"), true, "b@mine.m b@mine.m" },
	{ V("a@evil.e, Inc <b@mine.m>"), true, "a@evil.e b@mine.m" },
	{ V("a@evil.e: <b@mine.m>"), false, "a@evil.e b@mine.m" },
	{ V("a@evil.e <>"), false, "a@evil.e" },
	{ V("\"a@evil.e\", b@mine.m"), false, "b@mine.m a@evil.e b@mine.m" },
	{ V("\"a@evil.e\" b@mine.m"), false, "b@mine.m a@evil.e b@mine.m" },
	{ V("\"a@evil.e\": b@mine.m;"), false, "b@mine.m a@evil.e b@mine.m" },
	{ V("<b@mine.m> \"a@evil.e\""), false, "b@mine.m b@mine.m a@evil.e" },
	{ V("\"a@evil.e\""), false, "a@evil.e" },
	{ V("\\\"<a@evil.e>\"\""), false, "a@evil.e" },
	{ V("'\"a@evil.e\"'"), false, "a@evil.e" },
	{ V("(a@evil.e)"), false, "" },
	{ V("\"a@evil.e\" <>"), false, "a@evil.e" },
	{ V("<\"a@evil.e\"> <b@mine.m>"), false, "b@mine.m a@evil.e b@mine.m" },
	{ V("a@evil.e <b>"), false, "a@evil.e" },
	{ V("a@evil.e <> <b@mine.m>"), false, "a@evil.e b@mine.m" },

	/* Several addresses without commas between them. */
	{ V("<b@mine.m> a@evil.e"), false, "b@mine.m a@evil.e" },
	{ V("<b@mine.m> <a@evil.e>"), false, "b@mine.m a@evil.e" },
	{ V("<b@mine.m> x@y.z <a@evil.e>"), false, "b@mine.m x@y.z a@evil.e" },
	{ V("x@y.z; a@b.c"), false, "x@y.z a@b.c" },
	{ V("mailto:x@y.z"), true, "x@y.z" },
	{ V("b@mine.m a@evil.e"), false, "b@mine.m a@evil.e" },
	{ V("<b@mine.m, a@evil.e>"), false, "b@mine.m a@evil.e" },
	{ V("<b@mine.m <a@evil.e>>"), false, "b@mine.m a@evil.e" },

	/* Brackets. */
	{ V("Foo <<x@y.z>>"), true, "x@y.z" },
	{ V("Foo <<<x@y.z>"), false, "x@y.z" },
	{ V("Foo <x@y.z>>"), false, "x@y.z" },
	{ V("Foo <x@y.z"), true, "x@y.z" },
	{ V("Foo x@y.z>"), false, "x@y.z" },
	{ V("Foo <x@y.z> junk"), true, "x@y.z" },
	{ V("Foo <x@y.z>,"), true, "x@y.z" },
	{ V(",;Foo <x@y.z>;;,"), false, "x@y.z" },
	{ V("Foo <x@y.z, Bar <a@b.c>"), false, "x@y.z a@b.c" },
	{ V("Foo <x@y.z junk>"), false, "x@y.z" },
	{ V("Foo <junk x@y.z>"), false, "x@y.z" },
	{ V("Foo <junk, x@y.z>"), false, "x@y.z" },
	{ V("Foo <mailto:x@y.z>"), false, "x@y.z" },
	{ V("Foo <[x@y.z]>"), false, "x@y.z" },

	/* Routes (RFC 5322 4.4). */
	{ V("<@a.b:c@d.e>"), false, "c@d.e" },
	{ V("Foo <@a.b,@[192.0.2.1], @x . y :c@d.e>"), false, "c@d.e" },
	{ V("Foo <@[192.0.2.1] :c@d.e>"), false, "c@d.e" },
	{ V("Foo <@x . y:c@d.e>"), false, "c@d.e" },
	{ V("<,@a.b,,:c@d.e>"), false, "c@d.e" },
	{ V("<@a.b,x@evil.e:c@d.e>"), false, "@a.b x@evil.e c@d.e" },
	{ V("<@evil.e>"), false, "@evil.e" },
	{ V("<@a.b,@evil.e"), false, "@a.b @evil.e" },
	{ V("@a.b:c@d.e"), false, "@a.b c@d.e" },

	/* Folds, comments, white space. */
	{ V("Foo\r\n <x@y.z>"), true, "x@y.z" },
	{ V("Foo\n\t<x@y.z>"), true, "x@y.z" },
	{ V("Foo\n \n <x@\r\n\ty.z>"), false, "x@y.z" },
	{ V("\"Foo\r\n (x)\" <x@y.z>"), true, "x@y.z" },
	{ V("\"Foo\r\n <a@evil.e>\" <x@y.z>"), false, "x@y.z a@evil.e x@y.z" },
	{ V("\"a\r\n b\"@y.z"), false, "\"a b\"@y.z @y.z" },
	{ V("x @ y.z"), false, "x@y.z" },
	{ V("x @ y . z"), false, "x@y.z" },
	{ V("Foo <x @ y.z>"), false, "x@y.z" },
	{ V("(comment) x@y.z (c2)"), true, "x@y.z" },
	{ V("Y (a@evil.e) <x@y.z>"), false, "x@y.z" },
	{ V("x(a)@(b)y(c).(d)z(e)"), false, "x@y.z" },
	{ V("<(a)x@y.z(c)>(d)"), false, "x@y.z" },
	{ V("<x(b)@y.z>"), false, "x@y.z" },
	{ V("(<d@e.f>a(b(c))\\)g\\() x@y.z"), false, "x@y.z" },
	{ V("(a(b(c)<d@e.f>)\\)g@h.i\\() x@y.z"), false, "x@y.z" },
	{ V("(\") x@y.z (\")"), false, "x@y.z x@y.z" },
	{ V("\"(\" <x@y.z> \")\""), false, "x@y.z" },
	{ V("x(fold\r\n here)@y.z"), false, "x@y.z" },
	{ V("<a@[ 192.0.2.1 ]>"), false, "a@[192.0.2.1]" },
	{ V("<a@ [192.\r\n 0.2.1](c)>"), false, "a@[192.0.2.1]" },

	/* Local parts and domains of odd shapes. */
	{ V("Foo <x..y@b.c>"), true, "x..y@b.c" },
	{ V("Foo <.x.@b.c>"), false, ".x.@b.c" },
	{ V("Foo <x@b.c.>"), true, "x@b.c" },
	{ V("Foo <x@localhost>"), true, "x@localhost" },
	{ V("Mr. x@b.c"), false, "mr.x@b.c" },
	{ V("\"a\".\"b\"@c.d"), false, "a.b@c.d @c.d" },
	{ V("\"a b\" . c@d.e"), false, "\"a b.c\"@d.e .c@d.e" },
	{ V("\"\"@c.d"), false, "\"\"@c.d @c.d" },
	{ V("Foo x@b.c"), false, "x@b.c" },
	{ V("John @ Home"), false, "john@home" },
	{ V("a!b%c@d.e"), true, "a!b%c@d.e" },

	/* Values that readers interpret differently. */
	{ V("a@evil.e@mine.m"), false, "a@evil.e a@evil.e@mine.m" },
	{ V("a@@b.c"), false, "a@@b.c" },
	{ V("@b.c"), false, "@b.c" },
	{ V("<x@y.z>@b.c"), false, "x@y.z @b.c" },
	{ V("x@y.z junk"), false, "x@y.z" },
	{ V("\"a\"b@c.d"), false, "ab@c.d b@c.d" },
	{ V("bo(c)ss@c.d"), false, "boss@c.d" },
	{ V("x@c(c)c.d"), false, "x@cc.d" },
	{ V("x@\"c.d\""), false, "x@c.d" },
	{ V("x@[192.0.2.1]evil.e"), false, "x@[192.0.2.1]evil.e" },
	{ V("x@[192.0.2.1].evil.e"), false, "x@[192.0.2.1].evil.e" },
	{ V("x@mine.m]evil.e"), false, "x@mine.m" },
	{ V("x@[a,y@b.c]"), false, "y@b.c" },
	{ V("a\\b@c.d"), false, "a\\b@c.d" },
	{ V("\\\"a@evil.e, b@c.d\\\""), false, "a@evil.e b@c.d\\ a@evil.e b@c.d\\" },
	{ V("Foo\\, Inc <x@y.z>"), false, "x@y.z" },
	{ V("x@y.z\\"), false, "x@y.z\\" },
	{ V("=?utf-8?q?boss=40evil.e=00?=@mine.m"), false, "boss@evil.e @mine.m" },
	{ V("\"=?utf-8?q?boss=40evil.e=00?=\"@mine.m"), false,
		"=?utf-8?q?boss=40evil.e=00?=@mine.m boss@evil.e @mine.m" },
	{ V("=?=@mine.m"), false, "=?=@mine.m" },
	{ V("a\x08@b.c"), false, "a\x08@b.c" },
	{ V("a@b.c\x7f"), false, "a@b.c\x7f" },
	{ V("\x1b[1mFoo <a@b.c>"), false, "a@b.c" },
	{ V("Foo \x01 <a@b.c>"), false, "a@b.c" },
	{ V("\"a\tb\"@c.d"), false, "\"a\tb\"@c.d @c.d" },

	{ V("=?utf-8?q?(?= <a@evil.e> =?utf-8?q?)?= <b@mine.m>"), false, "a@evil.e b@mine.m" },
	{ V("=?utf-8?q?\"?= <a@evil.e> =?utf-8?q?\"?= <b@mine.m>"), false,
		"a@evil.e b@mine.m a@evil.e b@mine.m" },
	{ V("=?utf-8?q?(=28)?= <b@mine.m>"), false, "b@mine.m" },
	{ V("=?utf-8?q?a?= (c) =?utf-8?q?b?= \"d\" <b@mine.m>"), false, "b@mine.m b@mine.m" },
	{ V("=?utf-8?q?=3D?= (c) <b@mine.m>"), true, "b@mine.m" },

	{ V("a@=?utf-8?q?evil.e?="), false, "a@evil.e" },
	{ V("=?utf-8?b?PGFAZXZpbC5lPg==?= <b>"), false, "a@evil.e" },
	{ V("=?utf-8?q?a=40?==?utf-8?q?evil.e?="), false, "a@evil.e" },
	{ V("=?utf-8?q? <a@evil.e> ?="), false, "a@evil.e" },
	{ V("=?utf-99?q?a=40evil.e?= b@mine.m"), false, "b@mine.m" },

	/* Unclosed quotes, comments and brackets. */
	{ V("\"Foo <x@y.z>"), false, "x@y.z x@y.z" },
	{ V("\"Foo\\\" <x@y.z>"), false, "x@y.z x@y.z" },
	{ V("Foo\" <x@y.z>"), false, "x@y.z x@y.z" },
	{ V("(Foo <x@y.z>"), false, "x@y.z" },
	{ V("((Foo) <x@y.z>"), false, "x@y.z" },
	{ V("(Foo\\) <x@y.z>"), false, "x@y.z" },
	{ V("x@[192.0.2.1"), false, "" },
	{ V("\"Foo"), false, "" },
	{ V("a@b.c, \"Foo <x@y.z>"), false, "a@b.c x@y.z a@b.c x@y.z" },
	{ V("\""), false, "" },
	{ V("("), false, "" },
	{ V("\\"), false, "" },
	{ V("\"\\"), false, "" },
	{ V("(\\"), false, "" },

	/* NUL, and CR and LF that are not part of a fold. */
	{ V("a@b.c\0"), false, "a@b.c" },
	{ V("a@ev\0il.e"), false, "a@ev" },
	{ V("\"a\0b\"@c.d"), false, "\"a b\"@c.d @c.d" },
	{ V("a@b.c\r"), false, "a@b.c" },
	{ V("Foo\r <a@b.c>"), false, "a@b.c" },
	{ V("Foo\r\r\n <a@b.c>"), false, "a@b.c" },
	{ V("a@b.c\r\nd@e.f"), false, "a@b.c d@e.f" },
	{ V("a@b.c\nd@e.f"), false, "a@b.c d@e.f" },
	{ V("a@b.c\n\n"), false, "a@b.c" },
};

static bool collect(void *context, const struct mail_address *address)
{
	struct strbuf *found = context;

	if (found->len > 0)
		strbuf_add_char(found, ' ');
	if (address == NULL)
		strbuf_add_char(found, '?');
	else
		strbuf_add(found, address->canon, address->canon_len);
	return true;
}

START_TEST(reads)
	{
		const struct from_case *c = &cases[_i];
		struct strbuf found = STRBUF_INIT, lawful = STRBUF_INIT;
		struct from_field field;
		bool any;
		char *copy;

		/* On the heap without a NUL, so that ASan detects reading past the end. */
		ck_assert_ptr_nonnull(copy = malloc(c->len + (c->len == 0)));
		memcpy(copy, c->value, c->len);
		any = from_header_parse(copy, c->len, collect, &found);
		strbuf_add(&found, "", 0);
		ck_assert_msg(any == (c->want[0] != '\0') && strcmp(found.text, c->want) == 0,
			"%s: [%s], want [%s]", c->value, found.text, c->want);
		field = from_grammar_parse(copy, c->len, collect, &lawful);
		strbuf_add(&lawful, "", 0);
		ck_assert_msg((field.refusal == NULL) == c->lawful, "%s: %s", c->value,
			field.refusal);
		if (c->lawful)
			ck_assert_str_eq(lawful.text, found.text);
		strbuf_free(&found);
		strbuf_free(&lawful);
		free(copy);
	}
END_TEST

static bool count_to(void *context, const struct mail_address *address)
{
	size_t *left = context;

	(void)address;
	return --*left > 0;
}

START_TEST(stops_when_each_returns_false)
	{
		const char value[] = "a@b.c, d@e.f, g@h.i, \"unclosed";
		size_t left = 2;

		ck_assert(from_header_parse(V(value), count_to, &left));
		ck_assert_uint_eq(left, 0);
	}
END_TEST

/* An address of ADDRESS_MAX bytes is read, a longer one is only reported. */
START_TEST(bounds_an_address)
	{
		char value[ADDRESS_MAX + 8];
		struct strbuf found = STRBUF_INIT;
		size_t local;

		for (local = ADDRESS_MAX - 4; local <= ADDRESS_MAX - 3; local++) {
			memset(value, 'a', local);
			memcpy(value + local, "@b.c", 4);
			strbuf_reset(&found);
			(void)from_header_parse(value, local + 4, collect, &found);
			ck_assert_uint_eq(found.len, local + 4 <= ADDRESS_MAX ? ADDRESS_MAX : 1);
		}
		strbuf_free(&found);
	}
END_TEST

/* The same for a local part that is quoted completely. */
START_TEST(bounds_a_quoted_address)
	{
		char value[ADDRESS_MAX + 16];
		struct strbuf found = STRBUF_INIT;
		size_t local;

		for (local = ADDRESS_MAX - 8; local <= ADDRESS_MAX - 4; local++) {
			memset(value, 'a', local);
			memcpy(value, "\"b ", 3);
			value[local - 1] = '"';
			memcpy(value + local, "@b.c", 4);
			strbuf_reset(&found);
			(void)from_header_parse(value, local + 4, collect, &found);
			/* Without the quotes, it ends in "@b.c". */
			ck_assert_uint_eq(found.len,
				(local + 4 <= ADDRESS_MAX ? local + 4 : 1) + strlen(" @b.c"));
		}
		strbuf_free(&found);
	}
END_TEST

/* Text that is repeated to make a long field. */
static const char *const bricks[] = { "(", ")", "()", "(\\", "\"", "\\\"", "\\", "<", ">", "<>",
	"<@", "<@a,", "<@a:", "@", "@[", "@[a", "@a", "a@b@", "a@b ", "a@b,", "a@b <", "a@b <>",
	"a <a@b>", ",", ":", ";", ".", "a.", "a ", "a", "=?", "\r\n ", "\r", "\n", " ", "(a", "\"a",
	"[", "x:\"", "<(", "<\"", ",\"", ",(", "<@\"", "<@(", "=?utf-8?q?a@",
	"=?utf-8?q?=40?= ", "\xc3\xbc@\xc3\xbc," };

static double parse_seconds(const char *brick, size_t len)
{
	size_t brick_len = strlen(brick), i, left = SIZE_MAX;
	struct timespec from, to;
	char *value = malloc(len);

	ck_assert_ptr_nonnull(value);
	for (i = 0; i < len; i++)
		value[i] = brick[i % brick_len];
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	(void)from_header_parse(value, len, count_to, &left);
	(void)from_grammar_parse(value, len, count_to, &left);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	free(value);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* A quadratic reader would need minutes; this takes milliseconds. */
START_TEST(takes_linear_time)
	{
		double seconds = parse_seconds(bricks[_i], unit_times(1 << 18));

		ck_assert_msg(seconds < 20, "256 KiB of %s took %.1f s", bricks[_i], seconds);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_header");
	TCase *tcase = tcase_create("from_header");

	tcase_add_loop_test(tcase, reads, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, stops_when_each_returns_false);
	tcase_add_test(tcase, bounds_an_address);
	tcase_add_test(tcase, bounds_a_quoted_address);
	tcase_add_loop_test(tcase, takes_linear_time, 0, sizeof(bricks) / sizeof(bricks[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
