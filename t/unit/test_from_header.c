/*
 * Shows which addresses are found in From fields, and which fields readers may interpret
 * differently.
 */
#include "lib/match/from_header.h"

#include <string.h>
#include <time.h>

#include "lib/base/strbuf.h"
#include "lib/match/from_names.h"
#include "t/unit/unit.h"

#define V(value) value, sizeof(value) - 1

struct from_case {
	const char *value;
	size_t len;
	enum from_result result;
	const char *want; /* the canonical addresses, separated by spaces */
};

static const struct from_case cases[] = {
	/* Well-formed (RFC 5322 3.4, RFC 6854). */
	{ V("a@b.c"), FROM_ADDRESSES, "a@b.c" },
	{ V(" a@b.c\t"), FROM_ADDRESSES, "a@b.c" },
	{ V("<a@b.c>"), FROM_ADDRESSES, "a@b.c" },
	{ V("Foo <a@b.c>"), FROM_ADDRESSES, "a@b.c" },
	{ V("Foo<a@b.c>"), FROM_ADDRESSES, "a@b.c" },
	{ V("  Foo   <A@B.C>  "), FROM_ADDRESSES, "a@b.c" },
	{ V("\"Foo\" \"Bar\" <a@b.c>"), FROM_ADDRESSES, "a@b.c" },
	{ V("A <a@b.c>, B <d@e.f>"), FROM_ADDRESSES, "a@b.c d@e.f" },
	{ V("a@b.c,d@e.f , g@h.i"), FROM_ADDRESSES, "a@b.c d@e.f g@h.i" },
	{ V("Team: x@a.b, Y <y@c.d>;"), FROM_ADDRESSES, "x@a.b y@c.d" },
	{ V("One: x@a.b;, Two: y@c.d;, z@e.f"), FROM_ADDRESSES, "x@a.b y@c.d z@e.f" },
	{ V("\"a, b\": x@a.b;"), FROM_ADDRESSES, "x@a.b" },
	{ V("\"a b\"@c.d"), FROM_ADDRESSES, "\"a b\"@c.d" },
	{ V("\"a@evil.e\"@c.d"), FROM_UNPARSABLE, "\"a@evil.e\"@c.d" },
	{ V("\"a\\\"b\"@c.d"), FROM_UNPARSABLE, "\"a\\\"b\"@c.d" },
	{ V("Foo <\"a\"@c.d>"), FROM_ADDRESSES, "a@c.d" },
	{ V("<a@[192.0.2.1]>"), FROM_ADDRESSES, "a@[192.0.2.1]" },
	{ V("<a@[IPv6:2001:DB8:0::1]>"), FROM_ADDRESSES, "a@[2001:db8::1]" },
	{ V("a@b.c\n"), FROM_ADDRESSES, "a@b.c" },
	{ V("a@b.c\r\n"), FROM_ADDRESSES, "a@b.c" },
	{ V("<a@b\xc3\xbc"
	    "cher.example>"),
		FROM_ADDRESSES, "a@xn--bcher-kva.example" },
	{ V("J\xc3\xb6rg <j\xc3\xb6rg@b.c>"), FROM_ADDRESSES, "j\xc3\xb6rg@b.c" },
	{ V("J\xf6rg \xff\xfe <a@b.c>"), FROM_ADDRESSES, "a@b.c" },

	/* No address. */
	{ V(""), FROM_NONE, "" },
	{ V(" \t "), FROM_NONE, "" },
	{ V("\r\n"), FROM_NONE, "" },
	{ V("Foo"), FROM_NONE, "" },
	{ V("MAILER-DAEMON"), FROM_NONE, "" },
	{ V("<>"), FROM_NONE, "" },
	{ V("Foo <>"), FROM_NONE, "" },
	{ V("Foo <postmaster>"), FROM_NONE, "" },
	{ V("undisclosed-recipients:;"), FROM_NONE, "" },
	{ V("(a@b.c)"), FROM_NONE, "" },
	{ V("\"a.b.c\""), FROM_NONE, "" },
	{ V("=?utf-8?q?a=40b=2Ec?="), FROM_NONE, "" },
	{ V("a@"), FROM_NONE, "" },
	{ V("Foo <a@>"), FROM_NONE, "" },
	{ V(",;:,;:"), FROM_NONE, "" },
	{ V("<"), FROM_NONE, "" },
	{ V(">"), FROM_NONE, "" },

	/* Display names that contain more than words. */
	{ V("\"x <a@evil.e>\" <b@mine.m>"), FROM_ADDRESSES, "b@mine.m" },
	{ V("\"a@evil.e\" <b@mine.m>"), FROM_ADDRESSES, "b@mine.m" },
	{ V("\"\\\"a@evil.e\\\" <x@y.z>, \" <b@mine.m>"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("a@evil.e <b@mine.m>"), FROM_NAMES, "b@mine.m" },
	{ V("a@evil.e d@evil.e<b@mine.m>"), FROM_NAMES, "b@mine.m" },
	{ V("John @ Home <x@y.z>"), FROM_NAMES, "x@y.z" },
	{ V("@ <x@y.z>"), FROM_NAMES, "x@y.z" },
	{ V("foo: bar <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo, Inc <x@y.z>"), FROM_COMMA, "x@y.z" },
	{ V("Foo Inc. <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo [x] <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("[a@evil.e] <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo) <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("I <3 you <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("DOMAIN\\user <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("=?utf-8?q?evil=40example.org=3E?= <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("=?utf-8?q?y=40example=2Eorg=2C?= <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("=?utf-8?q?a@evil.e?= <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("a, b c, d <b@mine.m>, <b@mine.m>"), FROM_COMMA, "b@mine.m b@mine.m" },
	{ V("a@evil.e, Inc <b@mine.m>"), FROM_ADDRESSES, "a@evil.e b@mine.m" },
	{ V("a@evil.e: <b@mine.m>"), FROM_UNPARSABLE, "a@evil.e b@mine.m" },
	{ V("a@evil.e <>"), FROM_UNPARSABLE, "a@evil.e" },
	{ V("\"a@evil.e\", b@mine.m"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("\"a@evil.e\" b@mine.m"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("\"a@evil.e\": b@mine.m;"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("<b@mine.m> \"a@evil.e\""), FROM_UNPARSABLE, "b@mine.m" },
	{ V("\"a@evil.e\" <>"), FROM_UNPARSABLE, "" },
	{ V("<\"a@evil.e\"> <b@mine.m>"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("a@evil.e <b>"), FROM_UNPARSABLE, "a@evil.e" },
	{ V("a@evil.e <> <b@mine.m>"), FROM_UNPARSABLE, "a@evil.e b@mine.m" },

	/* Several addresses without commas between them. */
	{ V("<b@mine.m> a@evil.e"), FROM_UNPARSABLE, "b@mine.m a@evil.e" },
	{ V("<b@mine.m> <a@evil.e>"), FROM_UNPARSABLE, "b@mine.m a@evil.e" },
	{ V("<b@mine.m> x@y.z <a@evil.e>"), FROM_UNPARSABLE, "b@mine.m x@y.z a@evil.e" },
	{ V("x@y.z; a@b.c"), FROM_ADDRESSES, "x@y.z a@b.c" },
	{ V("mailto:x@y.z"), FROM_ADDRESSES, "x@y.z" },
	{ V("b@mine.m a@evil.e"), FROM_UNPARSABLE, "b@mine.m a@evil.e" },
	{ V("<b@mine.m, a@evil.e>"), FROM_UNPARSABLE, "b@mine.m a@evil.e" },
	{ V("<b@mine.m <a@evil.e>>"), FROM_UNPARSABLE, "b@mine.m a@evil.e" },

	/* Brackets. */
	{ V("Foo <<x@y.z>>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo <<<x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo <x@y.z>>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo <x@y.z"), FROM_NAMES, "x@y.z" },
	{ V("Foo x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <x@y.z> junk"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo <x@y.z>,"), FROM_ADDRESSES, "x@y.z" },
	{ V(",;Foo <x@y.z>;;,"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo <x@y.z, Bar <a@b.c>"), FROM_UNPARSABLE, "x@y.z a@b.c" },
	{ V("Foo <x@y.z junk>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <junk x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <junk, x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <mailto:x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <[x@y.z]>"), FROM_UNPARSABLE, "x@y.z" },

	/* Routes (RFC 5322 4.4). */
	{ V("<@a.b:c@d.e>"), FROM_UNPARSABLE, "c@d.e" },
	{ V("Foo <@a.b,@[192.0.2.1], @x . y :c@d.e>"), FROM_UNPARSABLE, "c@d.e" },
	{ V("Foo <@[192.0.2.1] :c@d.e>"), FROM_UNPARSABLE, "c@d.e" },
	{ V("Foo <@x . y:c@d.e>"), FROM_UNPARSABLE, "c@d.e" },
	{ V("<,@a.b,,:c@d.e>"), FROM_UNPARSABLE, "c@d.e" },
	{ V("<@a.b,x@evil.e:c@d.e>"), FROM_UNPARSABLE, "@a.b x@evil.e c@d.e" },
	{ V("<@evil.e>"), FROM_UNPARSABLE, "@evil.e" },
	{ V("<@a.b,@evil.e"), FROM_UNPARSABLE, "@a.b @evil.e" },
	{ V("@a.b:c@d.e"), FROM_UNPARSABLE, "@a.b c@d.e" },

	/* Folds, comments, white space. */
	{ V("Foo\r\n <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo\n\t<x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("Foo\n \n <x@\r\n\ty.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("\"Foo\r\n <a@evil.e>\" <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("\"a\r\n b\"@y.z"), FROM_UNPARSABLE, "\"a b\"@y.z" },
	{ V("x @ y.z"), FROM_ADDRESSES, "x@y.z" },
	{ V("x @ y . z"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo <x @ y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("(comment) x@y.z (c2)"), FROM_ADDRESSES, "x@y.z" },
	{ V("Y (a@evil.e) <x@y.z>"), FROM_ADDRESSES, "x@y.z" },
	{ V("x(a)@(b)y(c).(d)z(e)"), FROM_UNPARSABLE, "x@y.z" },
	{ V("<(a)x@y.z(c)>(d)"), FROM_ADDRESSES, "x@y.z" },
	{ V("<x(b)@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("(<d@e.f>a(b(c))\\)g\\() x@y.z"), FROM_UNPARSABLE, "x@y.z" },
	{ V("(a(b(c)<d@e.f>)\\)g@h.i\\() x@y.z"), FROM_UNPARSABLE, "x@y.z" },
	{ V("(\") x@y.z (\")"), FROM_UNPARSABLE, "x@y.z" },
	{ V("\"(\" <x@y.z> \")\""), FROM_UNPARSABLE, "x@y.z" },
	{ V("x(fold\r\n here)@y.z"), FROM_UNPARSABLE, "x@y.z" },
	{ V("<a@[ 192.0.2.1 ]>"), FROM_ADDRESSES, "a@[192.0.2.1]" },
	{ V("<a@ [192.\r\n 0.2.1](c)>"), FROM_ADDRESSES, "a@[192.0.2.1]" },

	/* Local parts and domains of odd shapes. */
	{ V("Foo <x..y@b.c>"), FROM_NAMES, "x..y@b.c" },
	{ V("Foo <.x.@b.c>"), FROM_NAMES, ".x.@b.c" },
	{ V("Foo <x@b.c.>"), FROM_NAMES, "x@b.c" },
	{ V("Foo <x@localhost>"), FROM_ADDRESSES, "x@localhost" },
	{ V("Mr. x@b.c"), FROM_UNPARSABLE, "mr.x@b.c" },
	{ V("\"a\".\"b\"@c.d"), FROM_UNPARSABLE, "a.b@c.d" },
	{ V("\"a b\" . c@d.e"), FROM_UNPARSABLE, "\"a b.c\"@d.e" },
	{ V("\"\"@c.d"), FROM_UNPARSABLE, "\"\"@c.d" },
	{ V("Foo x@b.c"), FROM_UNPARSABLE, "x@b.c" },
	{ V("John @ Home"), FROM_ADDRESSES, "john@home" },
	{ V("a!b%c@d.e"), FROM_ADDRESSES, "a!b%c@d.e" },

	/* Values that readers interpret differently. */
	{ V("a@evil.e@mine.m"), FROM_UNPARSABLE, "a@evil.e a@evil.e@mine.m" },
	{ V("a@@b.c"), FROM_UNPARSABLE, "a@@b.c" },
	{ V("@b.c"), FROM_UNPARSABLE, "@b.c" },
	{ V("<x@y.z>@b.c"), FROM_UNPARSABLE, "x@y.z @b.c" },
	{ V("x@y.z junk"), FROM_UNPARSABLE, "x@y.z" },
	{ V("\"a\"b@c.d"), FROM_UNPARSABLE, "ab@c.d" },
	{ V("bo(c)ss@c.d"), FROM_UNPARSABLE, "boss@c.d" },
	{ V("x@c(c)c.d"), FROM_UNPARSABLE, "x@cc.d" },
	{ V("x@\"c.d\""), FROM_UNPARSABLE, "x@c.d" },
	{ V("x@[192.0.2.1]evil.e"), FROM_UNPARSABLE, "x@[192.0.2.1]evil.e" },
	{ V("x@[192.0.2.1].evil.e"), FROM_UNPARSABLE, "x@[192.0.2.1].evil.e" },
	{ V("x@mine.m]evil.e"), FROM_UNPARSABLE, "x@mine.m" },
	{ V("x@[a,y@b.c]"), FROM_UNPARSABLE, "y@b.c" },
	{ V("a\\b@c.d"), FROM_UNPARSABLE, "a\\b@c.d" },
	{ V("\\\"a@evil.e, b@c.d\\\""), FROM_UNPARSABLE, "a@evil.e b@c.d\\" },
	{ V("Foo\\, Inc <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("x@y.z\\"), FROM_UNPARSABLE, "x@y.z\\" },
	{ V("=?utf-8?q?boss=40evil.e=00?=@mine.m"), FROM_UNPARSABLE,
		"=?utf-8?q?boss=40evil.e=00?=@mine.m" },
	{ V("\"=?utf-8?q?boss=40evil.e=00?=\"@mine.m"), FROM_UNPARSABLE,
		"=?utf-8?q?boss=40evil.e=00?=@mine.m" },
	{ V("=?=@mine.m"), FROM_ADDRESSES, "=?=@mine.m" },
	{ V("a\x08@b.c"), FROM_UNPARSABLE, "a\x08@b.c" },
	{ V("a@b.c\x7f"), FROM_UNPARSABLE, "a@b.c\x7f" },
	{ V("\x1b[1mFoo <a@b.c>"), FROM_UNPARSABLE, "a@b.c" },
	{ V("Foo \x01 <a@b.c>"), FROM_UNPARSABLE, "a@b.c" },
	{ V("\"a\tb\"@c.d"), FROM_UNPARSABLE, "\"a\tb\"@c.d" },

	{ V("=?utf-8?q?(?= <a@evil.e> =?utf-8?q?)?= <b@mine.m>"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("=?utf-8?q?\"?= <a@evil.e> =?utf-8?q?\"?= <b@mine.m>"), FROM_UNPARSABLE, "b@mine.m" },
	{ V("=?utf-8?q?(=28)?= <b@mine.m>"), FROM_ADDRESSES, "b@mine.m" },
	{ V("=?utf-8?q?a?= (c) =?utf-8?q?b?= \"d\" <b@mine.m>"), FROM_ADDRESSES, "b@mine.m" },
	{ V("=?utf-8?q?=3D?= (c) <b@mine.m>"), FROM_ADDRESSES, "b@mine.m" },

	/* Unclosed quotes, comments and brackets. */
	{ V("\"Foo <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("\"Foo\\\" <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("Foo\" <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("(Foo <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("((Foo) <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("(Foo\\) <x@y.z>"), FROM_UNPARSABLE, "x@y.z" },
	{ V("x@[192.0.2.1"), FROM_UNPARSABLE, "" },
	{ V("\"Foo"), FROM_UNPARSABLE, "" },
	{ V("a@b.c, \"Foo <x@y.z>"), FROM_UNPARSABLE, "a@b.c x@y.z" },
	{ V("\""), FROM_UNPARSABLE, "" },
	{ V("("), FROM_UNPARSABLE, "" },
	{ V("\\"), FROM_UNPARSABLE, "" },
	{ V("\"\\"), FROM_UNPARSABLE, "" },
	{ V("(\\"), FROM_UNPARSABLE, "" },

	/* NUL, and CR and LF that are not part of a fold. */
	{ V("a@b.c\0"), FROM_UNPARSABLE, "a@b.c" },
	{ V("a@ev\0il.e"), FROM_UNPARSABLE, "a@ev" },
	{ V("\"a\0b\"@c.d"), FROM_UNPARSABLE, "\"a b\"@c.d" },
	{ V("a@b.c\r"), FROM_UNPARSABLE, "a@b.c" },
	{ V("Foo\r <a@b.c>"), FROM_UNPARSABLE, "a@b.c" },
	{ V("Foo\r\r\n <a@b.c>"), FROM_UNPARSABLE, "a@b.c" },
	{ V("a@b.c\r\nd@e.f"), FROM_UNPARSABLE, "a@b.c d@e.f" },
	{ V("a@b.c\nd@e.f"), FROM_UNPARSABLE, "a@b.c d@e.f" },
	{ V("a@b.c\n\n"), FROM_UNPARSABLE, "a@b.c" },
};

static bool collect(void *context, const struct mail_address *address)
{
	struct strbuf *found = context;

	if (found->len > 0)
		strbuf_add_char(found, ' ');
	strbuf_add(found, address->canon, address->canon_len);
	return true;
}

START_TEST(reads)
	{
		const struct from_case *c = &cases[_i];
		struct strbuf found = STRBUF_INIT;
		enum from_result result;
		char *copy;

		/* On the heap without a NUL, so that ASan detects reading past the end. */
		ck_assert_ptr_nonnull(copy = malloc(c->len + (c->len == 0)));
		memcpy(copy, c->value, c->len);
		result = from_header_parse(copy, c->len, collect, &found);
		strbuf_add(&found, "", 0);
		ck_assert_msg(result == c->result && strcmp(found.text, c->want) == 0,
			"%s: result %d, want %d; [%s], want [%s]", c->value, (int)result,
			(int)c->result, found.text, c->want);
		strbuf_free(&found);
		free(copy);
	}
END_TEST

/*
 * The authors that a From field shows. The login owns me@mine.m. A field of a kind that legitimate
 * mail has is read as that address alone; a field in which a mail program shows another author is
 * refused.
 */
static const struct {
	const char *value;
	bool legitimate;
} authors[] = {
	{ "me@mine.m", true },
	{ "<me@mine.m>", true },
	{ "Me <me@mine.m>", true },
	{ "Me<me@mine.m>", true },
	{ "\"Me\" <me@mine.m>", true },
	{ "\"Me, Myself\" <me@mine.m>", true },
	{ "\"ceo@bank.e\" <me@mine.m>", true },
	{ "'ceo' <me@mine.m>", true },
	{ "\"Me (ceo@bank.e)\" <me@mine.m>", true },
	{ "\"<ceo@bank.e>\"<me@mine.m>", true },
	{ "Me (ceo@bank.e) <me@mine.m>", true },
	{ "me@mine.m (Me)", true },
	{ "me@mine.m (ceo@bank.e)", true },

	{ "(ceo@bank.e)<me@mine.m>", true },
	{ "=?utf-8?q?J=C3=B6rg?= <me@mine.m>", true },
	{ "=?iso-8859-1?Q?J=F6rg_M=2E?= <me@mine.m>", true },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?= <me@mine.m>", true },
	{ "=?utf-8?q?a?=\r\n =?utf-8?q?b?= <me@mine.m>", true },
	{ "=?utf-8?q?ceo=40bank=2Ee?= (c) <me@mine.m>", true },
	{ "Me Inc. <me@mine.m>", true },
	{ "Me [x] <me@mine.m>", true },
	{ "J\xc3\xb6"
	  "rg <me@mine.m>",
		true },
	{ "Us: me@mine.m, Me <me@mine.m>;", true },
	{ "\"Us, all\": me@mine.m;", true },
	{ "=?utf-8?q?B=C3=BCro?=: me@mine.m;", true },
	{ "Us:;, me@mine.m", true },
	{ "me@mine.m, \"ceo@bank.e\" <me@mine.m>", true },
	{ ",, me@mine.m,", true },
	{ "me@mine.m;", true },
	{ "Me\r\n <me@mine.m>", true },
	{ "\"me\"@mine.m", true },
	{ "Me <<me@mine.m>>", true },
	{ "Me <me@mine.m", true },
	{ "Mine, Inc <me@mine.m>", true },
	{ "Me, Myself, and I Inc. <me@mine.m>", true },
	{ "Me <me@mine.m> home", true },
	{ "Me <me@mine.m>>", true },
	{ "Me <me@mine.m (me)>", true },
	{ "Me <(me) me@mine.m>", true },
	{ "Mine, Inc (Me) <me@mine.m>", true },
	{ "<<me@mine.m>>", true },
	{ "Mine Inc., Sales <me@mine.m>", true },
	{ "Dr. J. Me, Ph.D. <me@mine.m>", true },
	{ ".NET Team <me@mine.m>", true },
	{ "MINE\\me <me@mine.m>", true },
	{ "Re: Us: Me <me@mine.m>", true },
	{ "me@mine.m (Me (at home))", true },
	{ "me@mine.m (Me :-\\))", true },
	{ "me@mine.m (\"Me\" [x])", true },

	{ "me@mine.m (=?utf-8?q?J=C3=B6rg?= =?utf-8?q?[M?=)", true },
	{ "Me [x] (home) <me@mine.m>", true },

	{ "me@mine.m (Me (home))", true },
	{ "me @ mine.m", true },
	{ "<me@\r\n mine.m >", true },
	{ "Me \"ceo@bank.e\" <me@mine.m>", true },
	{ "\"Me \\\"Joe\\\" X\" <me@mine.m>", true },
	{ "\"\\\"ceo@bank.e\\\"\" <me@mine.m>", true },
	{ "\"ceo@bank.e\" <me@mine.m>,", true },
	{ "\"ceo@bank.e\" (x) <me@mine.m>", true },
	{ "\"ceo@bank.e\" x \"y\" <me@mine.m>", true },
	{ "=?utf-8?q?ceo=40bank.e?= Inc <me@mine.m> (x)", true },
	{ "J. Me (ceo@bank.e) <me@mine.m>", true },
	{ "\"ceo@bank.e\" Inc. <me@mine.m>", true },
	{ "\"Me \\\"Joe\\\" X\" (x) <me@mine.m>", true },
	{ "\"Me \\\"Joe\\\", Inc\" <me@mine.m>", true },
	{ "J. R. \"Joe\" Me <me@mine.m>", true },
	{ "\"=?utf-8?q?J=C3=B6rg?=, M.\" <me@mine.m>", true },
	{ "\"=?utf-8?q?ceo=40bank.e?=\" <me@mine.m>", true },
	{ "\"ceo@bank.e, Inc\" <me@mine.m>", true },
	{ "\"J\xc3\xb6rg <ceo@bank.e>\" <me@mine.m>", true },
	{ "J\xc3\xb6rg (ceo@bank.e) <me@mine.m>", true },
	{ "\"ceo@bank.e\" x\xc3\xb6 <me@mine.m>", true },
	{ "\"\x95\\\\\" <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?= J. M. <me@mine.m>", true },
	{ "\"MINE\\\\me (ceo@bank.e)\" <me@mine.m>", false },
	{ "J\xc3\xb6rg, M. <me@mine.m>", true },
	{ "M., J\xc3\xb6rg <me@mine.m>", true },
	{ "J\xf6rg, M. <me@mine.m>", true },
	{ "=?utf-8?q?M=C3=BCller?=, =?utf-8?q?J=C3=B6rg?= <me@mine.m>", true },
	{ "=?utf-8?b?TcO8bGxlcg==?=, Dr. =?utf-8?b?SsO2cmc=?= Me <me@mine.m>", true },
	{ "=?iso-8859-1?q?M=FCller=2C_Dr=2E_M=2E?=, Inc. <me@mine.m>", true },
	{ "=?utf-8?q?M=C3=BCller, J=C3=B6rg?= <me@mine.m>", true },
	{ "Me <me@mine.m> J\xc3\xb6rg", true },
	{ "<me@mine.m> =?utf-8?q?J=C3=B6rg?=", true },
	{ "=?utf-8?q?J=C3=B6rg?= [x] <me@mine.m>", true },
	{ "Me (5\" disk) <me@mine.m>", true },
	{ "Me (5\" disk, 3\" disk) <me@mine.m>", true },
	{ "me@mine.m (5\" disk)", true },
	{ "Me (a [b) <me@mine.m>", true },
	{ "me@mine.m (a =? b)", true },
	{ "Me (<3) <me@mine.m>", true },
	{ "[Me (home)] <me@mine.m>", true },
	{ "Me [x (y)] <me@mine.m>", true },
	{ "=?utf-8?q?Me (home)?= <me@mine.m>", true },
	{ "=?utf-8?q?\"Me\"?= <me@mine.m>", true },
	{ "=?utf-8?q?J=C3=B6rg <me@mine.m>", true },
	{ "=? <me@mine.m>", true },
	{ "\"Me <ceo@bank.e>\" <me@mine.m>", true },
	{ "\"Me <ceo@bank.e>\" <me@mine.m>, \"Me, Inc\" <me@mine.m>", true },
	{ "Me \"Me, Inc\" <me@mine.m>", true },
	{ "J. R. =?utf-8?q?J=C3=B6rg?= (x) \"Me, Inc.\" <me@mine.m>", true },
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?= \"Me, Inc.\" <me@mine.m>", true },
	{ "=?utf-8?q?Dr=2E?= <me@mine.m>", true },
	{ "=?utf-8?q?Dr=2E?= =?utf-8?q?J=C3=B6rg?= Me <me@mine.m>", true },
	{ "\"ceo@bank.e\" \"Me, Inc\" <me@mine.m>", true },
	{ "\"Me\"\"x\" <me@mine.m>", true },
	{ "me@mine.m (Me) (x)", true },
	{ "Me\r\n\t<me@mine.m>\r\n ", true },
	{ " \r\n me@mine.m", true },
	{ "Me\r\n \r\n <me@mine.m>", true },
	{ "Sales Dept.: me@mine.m;", true },
	{ "J. Me: me@mine.m;", true },
	{ "Sales!: me@mine.m;", true },
	{ "=?utf-8?q?Sales=2E?=: me@mine.m, 100% <me@mine.m>;", true },
	{ "Me!, Inc <me@mine.m>", true },
	{ "\"Sales Dept.\": me@mine.m;", true },
	{ "\"J. Me, 100%\": me@mine.m;", true },
	{ "\"\": me@mine.m;", true },
	{ "=?utf-8?q?Me=21?=, Inc <me@mine.m>", true },
	{ "=?utf-8?q?100=25_Me=21=2C_x?=, Inc <me@mine.m>", true },
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?=, Inc <me@mine.m>", true },
	{ "=?iso-2022-jp?b?GyRCJSghJiU1GyhC?=: me@mine.m;", true },
	{ "=?shift_jis?b?g2WDWINn?=, Inc <me@mine.m>", true },
	{ "<me@mine.m> 100%", true },

	/* ... or as the same address several times, if a program takes a name for a list. */
	{ "\"Doe, Jane <me@mine.m>\" <me@mine.m>", true },
	{ "\"Doe, Jane <me@MINE.M>\" <me@mine.m>", true },
	{ "\"Doe; Jane <me@mine.m>\"\r\n <me@mine.m>", true },
	{ "\"me@mine.m\" <me@mine.m>>", false },
	{ "\"'me@mine.m'\" <me@mine.m", false },
	{ "\"Jane: me@mine.m, J.\" <me@mine.m>>", false },
	{ "Us: \"me@mine.m\" <me@mine.m>;", false },
	{ "Jane \"<me@mine.m>\" <me@mine.m>", true },
	{ "\"Doe\" \"Jane <me@mine.m>\" <me@mine.m>", true },
	{ "me@mine.m <me@mine.m>", true },
	{ "=?utf-8?q?Doe=2C_Jane_=3Cme=40mine.m=3E?= <me@mine.m>", true },
	{ "=?utf-8?q?Doe=2C_Jane_=3Cme=40mine.m=3E?= <me@mine.m>>", false },
	{ "=?utf-8?b?RG9lIDxtZUBtaW5lLm0+?= <me@mine.m", false },

	/* ... but not if the name may show anybody else. */
	{ "\"Doe, Jane <me@mine.m>, ceo@bank.e\" <me@mine.m>", false },
	{ "\"Doe, bank.e <me@mine.m>\" <me@mine.m>", false },
	{ "\"Doe, bank!ceo <me@mine.m>\" <me@mine.m>", false },
	{ "\"Doe, Jane <me@mine.m>ail.com\" <me@mine.m>", false },
	{ "\"ce o, me@mine.m <x\" <me@mine.m>", true },
	{ "\"Disk, 5\\\" <me@mine.m>\" <me@mine.m>", false },
	{ "Me \"5\\\" disk\" <me@mine.m>", true },
	{ "\"MINE\\\\me 5\\\"\" <me@mine.m>", true },
	{ "\"Me 5\\\"\", Me <me@mine.m>", false },
	{ "\"<ceo me@mine.m>, x\" <me@mine.m>", false },
	{ "\"<me@mine.m x>, x\" <me@mine.m>", false },
	{ "\"me@mine.m\" x <me@mine.m>>", false },
	{ "\"me@mine.m (x)\" <me@mine.m>>", false },
	{ "\"me@mine.m\" <@x.y:me@mine.m>", false },
	{ "J. Doe \"me@mine.m\" <me@mine.m>", false },
	{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fceo=3D40bank=3F=3D?= \"x, <me@mine.m>\" <me@mine.m>",
		false },
	{ "\"<@me@mine.m>, x\" <me@mine.m>", false },
	{ "\"<ceo@bank.e@mine.m>, x\" <me@mine.m>", false },
	{ "\"<\\\"ceo\\\"me@mine.m>, x\" <me@mine.m>", false },
	{ "\"x, me@mine.m[<me@mine.m>\" <me@mine.m>", false },
	{ "\"x, ceo\uff20"
	  "bank.e <me@mine.m>\" <me@mine.m>",
		false },
	{ "\"x, <me@mine.m>\" =?utf-16?q?ceo?= <me@mine.m>", false },
	{ "\"x, <me@mine.m>\" =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "=?utf-8?q?=3Cme=40mine.m=3E?= =?utf-8?q?ail.com?= <me@mine.m>>", false },
	{ "=?utf-8?q?me=40mine.m?= =?utf-8?q?ail?= <me@mine.m>>", false },
	{ "=?utf-8?q?=2Cceo=40bank.e?= <me@mine.m>>", false },
	{ "=?utf-8?q?=3Cceo=00me=40mine.m=3E?= <me@mine.m>>", false },
	{ "Doe, =?utf-8?q?=3Cme=40mine.m=3E?= <me@mine.m>", false },
	{ "ceo@bank.e, \"x, <me@mine.m>\" <me@mine.m>", false },
	{ "you@mine.m <me@mine.m>", false },
	{ "\"me\"@mine.m <me@mine.m>", false },
	{ "ce o@mine.m <me@mine.m>", false },
	{ "me @mine.m <me@mine.m>", false },

	/* Mail programs differ about these. */
	{ "\x1b[1mMe <me@mine.m>", false },
	{ "ceo \x01 <me@mine.m>", false },
	{ "<me@mine.m> ceo\x7f", false },
	{ "ceo@bank.e <me@mine.m>", false },
	{ "ceo@bank.e<me@mine.m>", false },
	{ "@bank.e <me@mine.m>", false },
	{ "ceo@ <me@mine.m>", false },
	{ "ceo @ bank.e <me@mine.m>", false },
	{ "ceo@bank.e (c) <me@mine.m>", false },
	{ "(c) ceo@bank.e <me@mine.m>", false },
	{ "Me ceo@bank.e <me@mine.m>", false },
	{ "\"Me\" ceo@bank.e <me@mine.m>", false },
	{ "ceo@bank.e \"Me\" <me@mine.m>", false },
	{ "\"ceo\"@bank.e <me@mine.m>", false },
	{ "ceo@\r\n bank.e <me@mine.m>", false },
	{ "ceo\\@bank.e <me@mine.m>", false },
	{ "=?utf-8?q?ceo?=@bank.e <me@mine.m>", false },
	{ "ceo@[192.0.2.1] <me@mine.m>", false },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<me@mine.m>", false },
	{ "<me@mine.m>,=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=", false },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=;me@mine.m", false },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?= me@mine.m", false },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=: me@mine.m;", false },
	{ "=?utf-8?q?ceo=40bank.e?= <>, me@mine.m", false },
	{ "me@mine.m =?utf-8?q?ceo=40bank.e?=", false },
	{ "<me@mine.m> =?utf-8?q?ceo=40bank.e?=", false },
	{ "(ceo@bank.e), me@mine.m", false },
	{ "me@mine.m, (ceo@bank.e)", false },
	{ "(ceo), <me@mine.m>", false },
	{ "me@mine.m,(ceo@bank.e),", false },
	{ "<me@mine.m>< .evil.e", false },
	{ "<me@mine.m><", false },
	{ "<me@mine.m> <ceo>", false },
	{ "<ceo> <me@mine.m>", false },
	{ "<ceo>, me@mine.m", false },
	{ "ceo, me@mine.m", false },
	{ "ceo.bank.e) <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?= [x] <me@mine.m>", false },
	{ "Me <@bank.e,@x.y:me@mine.m>", false },
	{ "ceo, <me@mine.m>", false },
	{ "ceo, \"Me\" <me@mine.m>", false },
	{ "ceo, (Me) <me@mine.m>", false },
	{ "ceo,, me@mine.m", false },
	{ "ceo; Me <me@mine.m>", false },
	{ "ceo.bank.e, Me <me@mine.m>", false },
	{ "ceo\xef\xbc\xa0"
	  "bank, Me <me@mine.m>",
		false },
	{ "(ceo@bank.e) x, Me <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank?=, Me <me@mine.m>", false },
	{ "\"ceo\", Me <me@mine.m>", false },
	{ "ceo, Us: me@mine.m;", false },
	{ "me@mine.m, ceo", false },
	{ "me@mine.m; ceo", false },
	{ "\"ceo\", me@mine.m", false },
	{ "\"ceo@bank.e\", me@mine.m", false },
	{ "ceo bank.e, me@mine.m", false },
	{ "<>, me@mine.m", false },
	{ "me@mine.m, Me <>", false },
	{ "Us: ceo, me@mine.m;", false },
	{ "Us: me@mine.m;, ceo", false },
	{ "Us: (ceo@bank.e), me@mine.m;", false },
	{ "ceo@bank.e: me@mine.m;", false },
	{ "\"ceo@bank.e\": me@mine.m;", false },
	{ "<me@mine.m> ceo.bank.e", false },
	{ "<me@mine.m> \"ceo\"", false },
	{ "<me@mine.m> (c) ceo", false },
	{ "<me@mine.m> .bank.e", false },
	{ "<me@mine.m>: me@mine.m;", false },
	{ "ceo me@mine.m", false },
	{ "ceo <3 <me@mine.m>", false },
	{ "Me <ceo <me@mine.m>>", false },
	{ "), me@mine.m", false },
	{ "[ceo], me@mine.m", false },
	{ "., me@mine.m", false },
	{ "(ceo@bank.e), Me <me@mine.m>", false },
	{ "Me (ceo@bank.e), Me <me@mine.m>", false },
	{ ", (ceo@bank.e), Me <me@mine.m>", false },
	{ "Me <me@mine.m> me (ceo@bank.e)", false },
	{ "=?utf-8?q?ceo=40bank.e?= <<me@mine.m>>", false },
	{ "=?utf-8?q?ceo=40bank.e?=<<me@mine.m>", false },
	{ "\"ceo@bank.e\" < <me@mine.m>", false },
	{ "ceo.bank.e <<me@mine.m>>", false },
	{ "Me <me@mine.m (ceo@bank.e)>", false },
	{ "Me <me@mine.m (<ceo.bank.e>)", false },
	{ "Me < (<ceo@bank.e>) me@mine.m>", false },
	{ "Us: (ceo@bank.e): me@mine.m;", false },
	{ "(ceo@bank.e): me@mine.m;", false },
	{ "Us: \"ceo.bank.e\": me@mine.m;", false },
	{ "ceo.bank.e ] Us: me@mine.m;", false },
	{ ".ceo.bank.e <me@mine.m>", false },
	{ "Dr. bank.e, Me <me@mine.m>", false },
	{ ".bank, Me <me@mine.m>", false },
	{ "bank.\"e\", Me <me@mine.m>", false },
	{ ".=?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "\"\".=?utf-8?q?ceo=40bank.e?=\\x <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?=\\x <me@mine.m>", false },
	{ "\\bank.e <me@mine.m>", false },
	{ "me@mine.m, .", false },

	/* Some programs decode an encoded-word before they look for brackets. */
	{ "=?utf-8?q?ceo=40bank.e_ <me@mine.m> ?=", false },
	{ "=?utf-8?q?ceo=40bank.e <me@mine.m>?=", false },
	{ "=?utf-8?q?ceo <me@mine.m> x?=", false },
	{ "=?utf-8?q?<me@mine.m>?=", false },
	{ "=?utf-8?q?a?b <me@mine.m> ?=", false },
	{ "=?utf-8?x?a <me@mine.m> ?=", false },
	{ "=?utf-8?q?me@mine.m ?=", false },
	{ "x =?utf-8?b?Y2Vv <me@mine.m> ?=", false },
	{ "=?utf-8?q?=3Cceo=40bank.e=3E=2C. <me@mine.m>,", false },
	{ "=?utf-8?q?=43eo <me@mine.m>", false },
	{ "me@mine.m, \"=?utf-8?q?=43eo\" <me@mine.m>", false },
	{ "=?utf-8?q?=?= <me@mine.m>", true },
	{ "Me [ <me@mine.m> ]", false },

	/* Some see the end of an address at white space or a comment, or split a quoted one. */
	{ "me@mine .m", false },
	{ "me@mine. m", false },
	{ "me@mine\r\n .m", false },
	{ "Me <me@mine .m>", false },
	{ "me@mine(c).m", false },
	{ "me@mine.(c)m", false },
	{ "me@(c)mine.m", false },
	{ "me(ceo@bank.e)@mine.m", false },
	{ "me(c)@mine.m", false },
	{ "\"ceo@bank.e\"@mine.m", false },
	{ "Me <\"ceo@bank.e\"@mine.m>", false },
	{ "Me <\"ceo>\"@mine.m>", false },
	{ "\"ceo, x\"@mine.m", false },
	{ "\"m\".\"e\"@mine.m", false },
	{ "me@bank.e\xc2\xa0.mine.m", false },
	{ "me@bank.e\xe2\x80\xa8.mine.m", false },
	{ "ceo\xe3\x80\x80me@mine.m", false },

	/* Some look for addresses in comments and quotes. */
	{ "(ceo@bank.e) me@mine.m", false },
	{ "me@mine.m (Me (ceo@bank.e))", false },
	{ "me@mine.m (<ceo@bank.e>)", false },
	{ "Me (<ceo@bank.e>) <me@mine.m>", false },
	{ "me@mine.m (x, ceo@bank.e)", false },
	{ "me@mine.m (x; ceo@bank.e)", false },
	{ "me@mine.m (x: ceo@bank.e)", false },
	{ "me@mine.m (\"ceo@bank.e\")", false },
	{ "Me \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "\"M\" \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "(x) \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "me@mine.m, \"<ceo@bank.e>\" (x) \"y\" <me@mine.m>", false },
	{ "(=?utf-8?q?=29_ceo=40bank.e,_ ) <me@mine.m> ?=", false },
	{ "\"=?utf-8?q?=22_ceo=40bank.e,_ \" <me@mine.m> ?=", false },
	{ "<@x.y: me@mine.m>", false },
	{ "<@bank.\\e:me@mine.m>", false },
	{ "\"\\\"<ceo@bank.e>\\\"\" <me@mine.m>", false },
	{ "\"x\\\\\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"x\\\\\\\"ceo@bank.e\" <me@mine.m>", false },

	/* ... when something else in the field is malformed. */
	{ "\"ceo@bank.e\" \x01<me@mine.m>", false },
	{ "\"ceo@bank.e\" [x] <me@mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m>>", false },
	{ "\"ceo@bank.e\" <me@mine.m", false },
	{ "\"ceo@bank.e\" <me@mine.m> me", false },
	{ "\"ceo@bank.e\" <<me@mine.m>>", false },
	{ "\"ceo@bank.e\" <@x.y:me@mine.m>", false },
	{ "Us: \"ceo@bank.e\" <me@mine.m>;", false },
	{ "M, =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "Me (ceo@bank.e) <me@mine.m", false },
	{ "(ceo@bank.e) \x01<me@mine.m>", false },
	{ "Me \"x\\\\\" (ceo@bank.e) <me@mine.m>", false },
	{ "Me \"x\\\"\" (ceo@bank.e) <me@mine.m>", false },
	{ "Me (ceo@bank.e) <<me@mine.m>>", false },
	{ "\"ceo@bank.e\" < me@mine.m >", false },
	{ "\"ceo@bank.e\" <me@mine.m\r\n >", false },
	{ "\"ceo@bank.e\" <me @mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m (x)>", false },
	{ "\"ceo@bank.e\" \"\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" (x) \"y\" <me@mine.m>", false },
	{ "(x) \"ceo@bank.e\" <me@mine.m>", false },
	{ "(<), \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m>; Me <me@mine.m>", false },
	{ "\"\\\"ceo@bank.e\" <me@mine.m>", false },
	{ "\"x\\\"\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "Me [ =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?=. <me@mine.m>", false },
	{ "\"ceo@bank.e\" . \"x\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" ((x) y) <me@mine.m>", false },
	{ ", \"ceo@bank.e\" <me@mine.m>", false },
	{ "me@mine.m,, \"ceo@bank.e\" <me@mine.m>", false },
	{ "MINE\\me (ceo@bank.e) <me@mine.m>", false },
	{ "[Me (ceo@bank.e)] <me@mine.m>", false },
	{ "[\"ceo@bank.e\"] <me@mine.m>", false },
	{ "Me (5\" ceo@bank.e) <me@mine.m>", false },
	{ "Me (5\") \"ceo@bank.e\" (\") <me@mine.m>", false },
	{ "=?utf-8?q?\"ceo@bank.e\"?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e (x)?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e, x?= <me@mine.m>", false },
	{ "=?utf-8?q?bank=2Ee?=, x <me@mine.m>", false },
	{ "=?utf-8?q?a?=, =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "=?utf-16be?b?AGMAZQBv?=, x <me@mine.m>", false },
	{ "bank\xe3\x80\x82"
	  "e, x <me@mine.m>",
		false },

	{ "Me (ceo@bank.e) < me@mine.m >", false },
	{ "Me (ceo@bank.e) <me@mine.m>>", false },
	{ "<me@mine.m>> (ceo@bank.e)", false },
	{ "M, Me (ceo@bank.e) <me@mine.m>", false },
	{ "Me (ceo@bank.e) M <me@mine.m> (x)", false },

	/* Sendmail puts a name in quotes, and its backslashes and quotes behind more backslashes.
	 */
	{ "Me (ceo@bank.e) <me@mine.m> M", false },
	{ "J. \"x\\\" ceo@bank.e\\\"\" <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e\\\"\" J. <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e\\\"\" (x) <me@mine.m>", false },
	{ "\"x\\\"y\\\"\" (ceo@bank.e) <me@mine.m>", false },
	{ "\"<ceo@bank.e>\" J. <me@mine.m>", false },
	{ "=?utf-8?q?M?= \"<ceo.bank.e\" <me@mine.m>", false },

	/* PHP's mailparse knows no escaped quotes. Thunderbird decodes a field of another charset
	 * than UTF-8 first, and a backslash may then be part of a character. */
	{ "\"x\\\" ceo@bank.e, \\\"\" <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e; \\\"\" <me@mine.m>", false },
	{ "\"\\\"Me\\\": ceo@bank.e\" <me@mine.m>", false },
	{ "bank!ceo\"\\\"\" <me@mine.m>", false },
	{ "\"\\\"ceo@bank.(\\)\\\"\" <me@mine.m>", false },
	{ "\"Me \\\"Joe\\\" (home)\" <me@mine.m>", true },
	{ "bank.e, me@mine.m \"\\\"\" <me@mine.m>", false },
	{ "\"\\\"bank.e\" <me@mine.m>", false },
	{ "\"\x95\\\" ceo@bank.e, x\x95\\\" y\" <me@mine.m>", false },

	/* Evolution looks for addresses in a quoted string behind an unquoted dot. */
	{ "a.b \"ceo@bank.e, x\" <me@mine.m>", false },
	{ "bank.e\"ceo@bank.e,\" <me@mine.m>", false },
	{ "a.b c \"x, ceo@bank.e\" <me@mine.m>", false },
	{ "J. R. x \"ceo@bank.e;\" <me@mine.m>", false },

	/* SnappyMail ends the quotes at the <, and finds other ones behind a quoted string.
	 * mailparse (Rust) sees quotes only at the beginning of a name, and VMime only behind a
	 * space. */
	{ "\"x <ceo@bank.e>, y\" <me@mine.m>", false },
	{ "\"x <ceo@bank.e>; y\" <me@mine.m>", false },
	{ "\"ceo@bank.e, <x\" <me@mine.m>", false },
	{ "me@mine.m, \"x <ceo@bank.e>, y\" <me@mine.m>", false },
	{ "\"Me\"\"x ceo@bank.e y\" <me@mine.m>", false },
	{ "x\"ceo@bank.e\" <me@mine.m>", false },
	{ "=?utf-8?q?M?=\"ceo@bank.e\" <me@mine.m>", false },
	{ "Me \"ceo@bank.e, x\" <me@mine.m>", false },
	{ "\"Me\" \"x; ceo@bank.e\" <me@mine.m>", false },
	{ "\"Me\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "Me \"ceo@bank.e\" \"x, y\" <me@mine.m>", false },
	{ "\"Me\" x \"ceo@bank.e\" <me@mine.m>", false },
	{ "= \"ceo@bank.e\" <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?=x \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"Me\"=?utf-8?q?=22a=22?= (x ceo@bank.e y) <me@mine.m>", false },
	{ "\"Me\"\"x, y\" (x ceo@bank.e y) <me@mine.m>", false },

	/* libetpan takes the name of a group for an author, K-9 Mail the words before a comma. */
	{ "ceo.bank.e: me@mine.m;", false },
	{ "x bank.e: me@mine.m", false },
	{ "bank!ceo: me@mine.m;", false },
	{ "x ceo%bank: me@mine.m;", false },
	{ "ceo\uff20"
	  "bank: me@mine.m;",
		false },
	{ "=?utf-8?q?bank=2Ee?=: me@mine.m;", false },
	{ "bank!ceo, Me <me@mine.m>", false },
	{ "ceo%bank, Me <me@mine.m>", false },
	{ "<me@mine.m> bank!ceo", false },
	{ "Yahoo!Mail, Inc <me@mine.m>", false },
	{ "\"bank.e\": me@mine.m;", false },
	{ "\"ceo at bank.e\": me@mine.m;", false },
	{ "\"bank!ceo\": me@mine.m;", false },
	{ "\"x ceo%bank\" y: me@mine.m;", false },
	{ "\"ceo\uff20"
	  "bank\": me@mine.m;",
		false },
	{ "\"bank\uff0e"
	  "e\": me@mine.m;",
		false },
	{ "Us \"bank.e\": me@mine.m;", false },
	{ "\"=?utf-8?q?bank=2Ee?=\": me@mine.m;", false },
	{ "\"=?utf-8?q?B=C3=BCro?=\": me@mine.m;", true },
	{ "=?utf-8?q?bank=21ceo?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?ceo%bank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?x_ceo=25bank_y?=, Me <me@mine.m>", false },
	{ "=?utf-8?b?YmFuayFjZW8=?=: me@mine.m;", false },
	{ "<me@mine.m> =?us-ascii?q?bank=21ceo?=", false },
	{ "=?utf-8?q?ceo=EF=BC=A0bank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?ceo=EF=B9=ABbank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank=E3=80=82e?=, Me <me@mine.m>", false },
	{ "=?utf-8?b?Y2Vv77ygYmFuaw==?=: me@mine.m;", false },
	{ "=?euc-jp?q?ceo=A1=F7bank?=, Me <me@mine.m>", false },
	{ "=?shift_jis?q?ceo=81=97bank?=, Me <me@mine.m>", false },
	{ "=?gb2312?q?ceo=A3=C0bank?=, Me <me@mine.m>", false },
	{ "=?iso-2022-jp?q?ceo=1B$B!w=1B(Bbank?=, Me <me@mine.m>", false },
	{ "=?iso-2022-jp?q?=1B$B%F=1B(Bbank!ceo?=, Me <me@mine.m>", false },

	/* Horde sees no quotes behind a word or comment. */
	{ "bank.e \"Me, Inc\" <me@mine.m>", false },
	{ "bank!ceo \"Me; Inc\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" x \"Me, Inc\" <me@mine.m>", false },
	{ "\"bank.e\" =?utf-8?q?x?= \"Me, Inc\" <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?= \"Me, Inc\" <me@mine.m>", false },
	{ "(bank.e) \"Me, Inc\" <me@mine.m>", false },
	{ "=?gbk?q?bank=2Ee?= \"Me, Inc\" <me@mine.m>", false },

	/* Roundcube, JavaMail, Mail::Address and mailparse show a route, libetpan nothing else. */
	{ "<@bank.e:me@mine.m>", false },
	{ "Me <@[192.0.2.1]:me@mine.m>", false },

	/* libetpan and JavaMail show the name if the brackets are not closed. */
	{ "\"bank.e\"\r\n x <me@mine.m", false },
	{ "bank!ceo <me@mine.m", false },
	{ "Dr. M. Me <me@mine.m", true },

	/* Python appends a word to one that ends with a dot. */
	{ "=?utf-8?q?bank=2E?= e <<me@mine.m>>", false },
	{ "=?utf-8?q?bank.?= =?utf-8?q?e?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank?= =?utf-8?q?=2Ee?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank=21?=ceo, Me <me@mine.m>", false },
	{ "bank=?utf-8?q?=25ceo?=, Me <me@mine.m>", false },

	/* libetpan ends a quoted local part at a fold. */
	{ "\"ceo\r\n x\"@mine.m", false },
	{ "Me <\"ceo\r\n x\"@mine.m>", false },

	/* rspamd expects one comment, and some end the header at a line of white space. */
	{ "<me@mine.m> (x) (ceo@bank.e)", false },
	{ "\"ceo@bank.e\"\r\n \r\n <me@mine.m>", false },
	{ "\"ceo@bank.e\n\t\n x\" <me@mine.m>", false },

	/* A precaution: U+FF20 and U+FE6B look like an @, and NFKC makes them one. */
	{ "ceo\uff20"
	  "bank.e@mine.m",
		false },
	{ "Me <\"ceo\ufe6b"
	  "bank.e\"@mine.m>",
		false },

	/* mblaze sees no quotes around an encoded-word that it cannot decode. */
	{ "\"<ceo@bank.e> =?\" <me@mine.m>", false },
	{ "\"a:ceo@bank.e;=?\" <me@mine.m>", false },
	{ "\"=?ceo@bank.e,\" <me@mine.m>", false },
	{ "\"ceo <ceo@bank.e>=?utf-8?=\" <me@mine.m>", false },
	{ "\"=?x?q?M?= <ceo@bank.e>\" <me@mine.m>", false },
	{ "\"=?x?q?ceo@bank.e,?=\" <me@mine.m>", false },

	/* mailparse makes an element of the list of a comment behind the brackets. */
	{ "<me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m>\r\n (by way of ceo@bank.e)", false },
	{ "me@mine.m, Me <me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m> (me@mine.m)", true },
	{ "Me <me@mine.m> (bank!ceo)", false },
	{ "Me <me@mine.m> (x =?utf-8?q?ceo=40bank.e?=)", false },
	{ "Me <me@mine.m> (at home) (bank.e)", false },
	{ "Me <me@mine.m> (at home, Inc.)", true },
	{ "Me <me@mine.m>> (bank.e)", false },
	{ "Me <me@mine.m>> > (bank!ceo)", false },
	{ "Me <me@mine.m>> (x)", true },
	{ "Me <me@mine.m> (=?utf-8?q?J=C3=B6rg?=)", true },

	/* Python and Email::Address::XS find no address if a dot is where none belongs. */
	{ "\"ceo@bank.e\" <me@mine.m.>", false },
	{ "=?utf-8?q?ceo=40bank.e?= <me@mine.m.>", false },
	{ "bank!ceo <me@mine.m.>", false },
	{ "\"Me\" <me@mine.m.>", true },
	{ "me@mine.m.", true },

	/* Cypht splits a name at spaces only, and knows no quotes in an address. */
	{ "\"ceo@bank.e\"\t<me@mine.m>", false },
	{ "\"ceo@bank.e\" \"x\"\t<me@mine.m>", false },
	{ "\"ceo@bank.e\" <\"me\"@mine.m>", false },
	{ "\"ceo@bank.e\"\r\n\t<me@mine.m>", true },
	{ "\"Me\"\t<\"me\"@mine.m>", true },

	/* Emacs's ietf-drums ends the name at # and `. */
	{ "\"ceo@bank.e\" ` <me@mine.m>", false },
	{ "\"ceo@bank.e\" #1 <me@mine.m>", false },
	{ "Me #1 <me@mine.m>", true },
	{ "Me `M` <me@mine.m>", true },

	/* emailjs, postal-mime, Emacs and older versions of mailparser show a comment within the
	 * brackets, and Python shows one before doubled brackets. */
	{ "<(ceo\uff20"
	  "bank.e) me@mine.m>",
		false },
	{ "Me <<(bank!ceo) me@mine.m>", false },
	{ "Me <me@mine.m (bank.e)>", false },
	{ "(bank.e) <<me@mine.m>>", false },
	{ "(Me) <me@mine.m>>", true },

	/* nodemailer and postal-mime see a quote behind a backslash in a comment, and end the
	 * comment at its first parenthesis. */
	{ "(\\\"bank.e (x) \\\") \"x\" <me@mine.m>", false },
	{ "(5\\\" disk) Me <me@mine.m>", true },
	{ "(<ceo(x)bank.e>,)<me@mine.m>", false },
	{ "(x (y), bank.e) <me@mine.m>", false },
	{ "(x, bank.e) <me@mine.m>", true },
	{ "(x (y), z) <me@mine.m>", true },

	/* To Horde, a name ends before a word that begins with a letter of another alphabet. */
	{ "\"ceo@bank.e\" \xc3\xb6x <me@mine.m>", false },
	{ "\"ceo@bank.e\" \xe3\x81\x82 <me@mine.m>", false },

	/* ... because they differ about the end of a comment, a bracket or an encoded-word. */
	{ "((c) <ceo@bank.e>) me@mine.m", false },
	{ "me@mine.m (Me (c) ceo@bank.e)", false },
	{ "(c\\) <ceo@bank.e>) me@mine.m", false },
	{ "((c) <ceo) <me@mine.m>", false },
	{ "(\") me@mine.m ((\") ceo@bank.e)", false },
	{ "((c) \") me@mine.m (\" <ceo@bank.e>)", false },
	{ "(\"(\") me@mine.m", false },
	{ "([) me@mine.m ((]) ceo@bank.e)", false },
	{ "(=?utf-8?q?) <me@mine.m> ((?=) ceo@bank.e)", false },
	{ "(=?utf-8?q?(?=) ) <me@mine.m>", false },
	{ "(=?xxx) \") ceo@bank.e (\" <me@mine.m> (=?x?q?\?=)", false },
	{ "=?u?= \") ceo@bank.e (\" <me@mine.m> (=?x?q?\?=)", false },
	{ "Me [ <me@mine.m> (] <ceo@bank.e>)", false },
	{ "[ (ceo@bank.e) <me@mine.m>", false },
};

static bool owns_mine(void *context, const struct mail_address *address)
{
	bool *mine = context;

	*mine = *mine && strcmp(address->canon, "me@mine.m") == 0;
	return true;
}

START_TEST(knows_the_author)
	{
		const char *value = authors[_i].value;
		bool mine = true;
		const size_t len = strlen(value);
		enum from_result result = from_header_parse(value, len, owns_mine, &mine);

		if (result == FROM_NAMES &&
			!(from_names_parse(value, len, owns_mine, &mine) && mine))
			result = FROM_UNPARSABLE;
		else if (result == FROM_COMMA || result == FROM_NAMES)
			result = FROM_ADDRESSES;
		ck_assert_msg((result == FROM_ADDRESSES && mine) == authors[_i].legitimate,
			"%s: result %d", value, (int)result);
		ck_assert_msg(authors[_i].legitimate || result == FROM_UNPARSABLE, "%s", value);
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

		ck_assert_int_eq(from_header_parse(V(value), count_to, &left), FROM_ADDRESSES);
		ck_assert_uint_eq(left, 0);
	}
END_TEST

/* An address of ADDRESS_MAX bytes is reported, a longer one is not. */
START_TEST(bounds_an_address)
	{
		char value[ADDRESS_MAX + 8];
		struct strbuf found = STRBUF_INIT;
		size_t local;

		for (local = ADDRESS_MAX - 4; local <= ADDRESS_MAX - 3; local++) {
			memset(value, 'a', local);
			memcpy(value + local, "@b.c", 4);
			strbuf_reset(&found);
			ck_assert_int_eq(from_header_parse(value, local + 4, collect, &found),
				FROM_UNPARSABLE);
			ck_assert_uint_eq(found.len, local + 4 <= ADDRESS_MAX ? ADDRESS_MAX : 0);
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
			ck_assert_int_eq(from_header_parse(value, local + 4, collect, &found),
				FROM_UNPARSABLE);
			ck_assert_uint_eq(found.len, local + 4 <= ADDRESS_MAX ? local + 4 : 0);
		}
		strbuf_free(&found);
	}
END_TEST

/*
 * Fields of a begin, a text that is repeated, and an end. Those of the length longest are trusted,
 * and those with one more of the text are not: an MTA may change what they mean.
 */
static const struct {
	const char *begin, *text, *end;
	size_t longest;
} lengths[] = {
	{ "\"", "a", "\" <me@mine.m>", 240 + 14 },
	{ "\"ceo@bank.e", " ", "\" <me@mine.m>", 238 },
	{ "", "a", " <me@mine.m>", 240 + 12 },
	{ "=?utf-8?q?", "a", "?= <me@mine.m>", 240 + 12 },
	{ "", "=?utf-8?q?aaaaaaaaaaaaaaaaa?=\r\n ", "<me@mine.m>", 971 },
	{ "", "aaaaaaaaa ", "<me@mine.m>", 891 }, /* a line of 900 */
	{ "me@mine.m", ", me@mine.m", "", 900 },
	{ "me@mine.m", ",\r\n me@mine.m", "", 65009 },
	{ "", "aaaaaaaaa ", "<me@x.mine.m>", 233 },
	{ "me@x.mine.m (", "a", ")", 240 },
	{ "", "a ", "(ceo@bank.e) <me@mine.m>", 240 },
};

static bool is_trusted(size_t row, size_t times)
{
	struct strbuf value = STRBUF_INIT;
	enum from_result result;
	size_t left = SIZE_MAX, i;

	strbuf_add(&value, lengths[row].begin, strlen(lengths[row].begin));
	for (i = 0; i < times; i++)
		strbuf_add(&value, lengths[row].text, strlen(lengths[row].text));
	strbuf_add(&value, lengths[row].end, strlen(lengths[row].end));
	result = from_header_parse(value.text, value.len, count_to, &left);
	strbuf_free(&value);
	return result == FROM_ADDRESSES;
}

START_TEST(bounds_what_an_mta_cuts)
	{
		const size_t fixed = strlen(lengths[_i].begin) + strlen(lengths[_i].end);
		const size_t times = (lengths[_i].longest - fixed) / strlen(lengths[_i].text);

		ck_assert_msg(is_trusted((size_t)_i, times), "%s%s", lengths[_i].begin,
			lengths[_i].text);
		if (lengths[_i].longest < 10000)
			ck_assert_msg(!is_trusted((size_t)_i, times + 1), "%s%s", lengths[_i].begin,
				lengths[_i].text);
	}
END_TEST

/* Text that is repeated to make a long field. */
static const char *const bricks[] = { "(", ")", "()", "(\\", "\"", "\\\"", "\\", "<", ">", "<>",
	"<@", "<@a,", "<@a:", "@", "@[", "@[a", "@a", "a@b@", "a@b ", "a@b,", "a@b <", "a@b <>",
	"a <a@b>", ",", ":", ";", ".", "a.", "a ", "a", "=?", "\r\n ", "\r", "\n", " ", "(a", "\"a",
	"[", "x:\"", "<(", "<\"", ",\"", ",(", "<@\"", "<@(", "\xc3\xbc@\xc3\xbc," };

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
	tcase_add_loop_test(tcase, knows_the_author, 0, sizeof(authors) / sizeof(authors[0]));
	tcase_add_test(tcase, stops_when_each_returns_false);
	tcase_add_test(tcase, bounds_an_address);
	tcase_add_test(tcase, bounds_a_quoted_address);
	tcase_add_loop_test(tcase, bounds_what_an_mta_cuts, 0,
		sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_loop_test(tcase, takes_linear_time, 0, sizeof(bricks) / sizeof(bricks[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
