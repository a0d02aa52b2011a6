/*
 * Shows which entries of exact lists and of columns can never match, the reports about them, and
 * that no other entry is refused.
 */
#include "lib/rules/entry_check.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/lib/refusal.h"
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

#define MORE "but an entry is a single word"

/* The reason is a part of the text; right is what follows "; write ". */
static const struct {
	enum entry_kind kind;
	const char *text, *reason, *right;
} faulty[] = {
	/* Senders and recipients: Postfix's domains, wildcards, actions. */
	{ ENTRY_ADDRESS, "evil.example", "has no @", "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "Mail.Evil.Example.", "has no @",
		"@Mail.Evil.Example. or .Mail.Evil.Example." },
	{ ENTRY_ADDRESS, "*.evil.example", "has no @", ".evil.example" },
	{ ENTRY_ADDRESS, "*@y.example", "* before its @", "@y.example or .y.example" },
	{ ENTRY_ADDRESS, "*@*.y.example", "* before its @", ".y.example" },
	{ ENTRY_ADDRESS, "user@*.y.example", "contains *", "" },
	{ ENTRY_ADDRESS, "*", "is not a wildcard", "" },
	{ ENTRY_ADDRESS, "**", "is not a wildcard", "" },
	{ ENTRY_ADDRESS, "regexp:/etc/postfix/x", "has no @", "" },
	{ ENTRY_ADDRESS, "\"postmaster\" x", MORE, "postmaster" },
	{ ENTRY_ADDRESS, "@*", "contains *", "" },
	{ ENTRY_ADDRESS, "postmaster@", "no domain after its @", "postmaster@DOMAIN" },
	{ ENTRY_ADDRESS, "@", "contains no domain name", "@DOMAIN" },
	{ ENTRY_ADDRESS, ".", "contains no domain name", "" },
	{ ENTRY_ADDRESS, "@.y.example", "one in the wrong place", ".y.example" },
	{ ENTRY_ADDRESS, "a@.y.example", "one in the wrong place", "" },
	{ ENTRY_ADDRESS, "..y.example", "one in the wrong place", ".y.example" },
	{ ENTRY_ADDRESS, "a@y..example", "two dots", "a@y.example" },
	{ ENTRY_ADDRESS, "a@b.example,c@d.example", MORE, "a@b.example, one entry per line" },
	{ ENTRY_ADDRESS, "a@b.example;c@d.example", MORE, "a@b.example, one entry per line" },
	{ ENTRY_ADDRESS, "a@b.example c@d.example", MORE, "a@b.example, one entry per line" },
	{ ENTRY_ADDRESS, "a@b.example,", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "a@b.example;", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "evil.example\tREJECT", MORE, "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "evil.example REJECT go away", MORE, "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, ".evil.example 550 5.7.1 No", MORE, ".evil.example" },
	{ ENTRY_ADDRESS, "a@b.example OK", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "a@b.example DUNNO", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "From:evil.example REJECT", MORE, "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "From:a@evil.example", "is not a mail address", "a@evil.example" },
	{ ENTRY_ADDRESS, "blacklist_from *@evil.example", MORE, "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "0.0.0.0 evil.example", MORE, "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "mailto:a@b.example", "is not a mail address", "a@b.example" },
	{ ENTRY_ADDRESS, "<a@b.example>", "has angle brackets", "a@b.example" },
	{ ENTRY_ADDRESS, "<>", "is the null sender", "" },
	{ ENTRY_ADDRESS, "Bob <a@b.example>", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "\"Bob B\" <a@b.example>", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "\"a@b.example\"", "has no @", "a@b.example" },
	{ ENTRY_ADDRESS, "\"evil.example\"", "has no @", "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "'a@b.example'", "contains \"'\"", "a@b.example" },
	{ ENTRY_ADDRESS, "\"a@b.example\",spam,2024", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "- a@b.example", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "http://evil.example/x", "has no @", "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "@evil.example/", "contains \"/\"", "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "a@b.example#why", "contains \"#\"", "a@b.example" },
	{ ENTRY_ADDRESS, "evil.example:25", "has no @", "@evil.example or .evil.example" },
	{ ENTRY_ADDRESS, "192.0.2.7", "has no @",
		"192.0.2.7 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ADDRESS, "2001:db8::1", "has no @",
		"2001:db8::1 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ADDRESS, ".*@evil\\.example", "is not a mail address",
		"regexes in the file of the same name with _regex" },
	{ ENTRY_ADDRESS, ".*@evil.example", "is not a mail address",
		"regexes in the file of the same name with _regex" },
	{ ENTRY_ADDRESS, "/@evil\\.example$/ REJECT", MORE,
		"regexes in the file of the same name with _regex" },
	{ ENTRY_ADDRESS, "a b@c.example", MORE, "b@c.example" },
	{ ENTRY_ADDRESS, "j\xf6rg@b.example", "the byte 0xf6, which is not UTF-8", "" },
	{ ENTRY_ADDRESS, "@[192.0.2.1", "without its ]", "" },
	{ ENTRY_ADDRESS, "a @b.example", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "a@ b.example REJECT", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "a @ b.example", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "REJECT @b.example", MORE, "@b.example or .b.example" },
	/* A comma in the place of a dot. */
	{ ENTRY_ADDRESS, "all@corp,example", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "all@corp,example REJECT", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "all@mx,corp.example", MORE, "all@mx.corp.example" },
	{ ENTRY_ADDRESS, "all@corp;example", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "@corp,example", MORE, "@corp.example or .corp.example" },
	{ ENTRY_ADDRESS, ".corp,example", MORE, ".corp.example" },
	{ ENTRY_ANY, "all@corp,example", MORE, "all@corp.example" },
	{ ENTRY_RCPT, "all@corp,example", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "all@corp. example", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "all@corp .example", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "@corp . example REJECT", MORE, "@corp.example or .corp.example" },
	{ ENTRY_ADDRESS, "all@mx. REJECT", MORE, "all@mx." },
	{ ENTRY_ADDRESS, "all@corp.example .b.example", MORE,
		"all@corp.example, one entry per line" },
	{ ENTRY_ADDRESS, "{a,b}@corp.example", MORE, "" },
	{ ENTRY_ADDRESS, "@corp.example@", "contains \"@\"", "" },
	{ ENTRY_ADDRESS, "all@corp.co,uk", MORE, "all@corp.co.uk" },
	{ ENTRY_ADDRESS, "@corp.com;br REJECT", MORE, "@corp.com.br or .corp.com.br" },
	{ ENTRY_ADDRESS, ".mail.corp.or,at", MORE, ".mail.corp.or.at" },
	{ ENTRY_ANY, "all@corp.ac,uk", MORE, "all@corp.ac.uk" },
	{ ENTRY_ADDRESS, "all@corp.co,uk,de", MORE, "all@corp.co.uk" },
	{ ENTRY_ADDRESS, "all@corp.example,spam", MORE, "all@corp.example" },
	{ ENTRY_ADDRESS, "all@corp.de,OK", MORE, "all@corp.de" },
	{ ENTRY_ADDRESS, "all@corp.info,de", MORE, "all@corp.info" },
	{ ENTRY_ADDRESS, "all@corp.com,uk.example", MORE, "all@corp.com, one entry per line" },
	{ ENTRY_ADDRESS, "all@mx,REJECT", MORE, "all@mx" },
	{ ENTRY_ADDRESS, "all@mx, corp.example", MORE, "all@mx, one entry per line" },
	{ ENTRY_ADDRESS, "a@mx,b@corp.example", MORE, "a@mx, one entry per line" },
	{ ENTRY_ADDRESS, "a(at)b.example", "has no @", "a@b.example" },
	{ ENTRY_ADDRESS, "a[AT]b[dot]example", "is not a mail address", "a@b.example" },
	{ ENTRY_ADDRESS, "a AT b.example", MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "a\uff20b.example", "has no @", "a@b.example" },
	{ ENTRY_ADDRESS, "/a@b.example/", "contains \"/\"", "a@b.example" },
	{ ENTRY_ADDRESS, "a@@b.example", "is not a mail address", "a@b.example" },
	/* Characters that nobody sees. */
	{ ENTRY_ADDRESS, "al\u200bl@b.example", "the invisible character U+200B", "all@b.example" },
	{ ENTRY_ADDRESS, "\ufeffall@b.example", "the invisible character U+FEFF", "all@b.example" },
	{ ENTRY_ADDRESS, "a\u200dll@b.example", "the invisible character U+200D", "all@b.example" },
	{ ENTRY_ADDRESS, "\u202aall@b.example\u202c", "invisible character U+202A",
		"all@b.example" },
	{ ENTRY_ADDRESS, "\u200b@b.example", "invisible character U+200B",
		"@b.example or .b.example" },
	{ ENTRY_ADDRESS, "a@b.example\u202c", "the invisible character U+202C", "a@b.example" },
	{ ENTRY_ADDRESS, "\u00a0all@b.example", "white space (U+00A0), " MORE, "all@b.example" },
	{ ENTRY_ADDRESS, "all\u00a0@b.example", "white space (U+00A0), " MORE, "all@b.example" },
	{ ENTRY_ADDRESS, "a@b.example\u3000REJECT", "white space (U+3000), " MORE, "a@b.example" },
	{ ENTRY_ADDRESS, "@b.example\u00a0", "white space (U+00A0), " MORE,
		"@b.example or .b.example" },
	{ ENTRY_CLIENT, "evil.example\u00a0", "white space (U+00A0), " MORE, "evil.example" },
	{ ENTRY_CLIENT, "192.0.2.1\u200b", "the invisible character U+200B", "192.0.2.1" },
	{ ENTRY_CLIENT, "\u2003192.0.2.0/24", "white space (U+2003), " MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "\u202eevil.example\u202c", "the invisible character U+202E",
		"evil.example" },
	{ ENTRY_ANY, "x.example\u00a0OK", "white space (U+00A0), " MORE, "!x.example" },
	{ ENTRY_ANY, "!a\u200b@x.example", "the invisible character U+200B", "!a@x.example" },
	{ ENTRY_FROM, "bob\u00a0@b.example", "white space (U+00A0), " MORE, "bob@b.example" },
	{ ENTRY_HOST, "\u202ab.example\u202c", "the invisible character U+202A", "b.example" },
	{ ENTRY_RCPT, "a\u200b@b.example", "the invisible character U+200B", "a@b.example" },
	/* Clients. */
	{ ENTRY_CLIENT, "192.168.1.*", "contains *", "192.168.1.0/24" },
	{ ENTRY_CLIENT, "192.168.*.*", "contains *", "192.168.0.0/16" },
	{ ENTRY_CLIENT, "192.168.*", "contains *", "192.168.0.0/16" },
	{ ENTRY_CLIENT, "192.168.1.x", "neither an address nor a network", "192.168.1.0/24" },
	{ ENTRY_CLIENT, "207.192.35", "neither an address nor a network", "207.192.35.0/24" },
	{ ENTRY_CLIENT, "207.192.35.", "neither an address nor a network", "207.192.35.0/24" },
	{ ENTRY_CLIENT, "10", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "10.", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "192.0.2.7.", "neither an address nor a network", "192.0.2.7" },
	{ ENTRY_CLIENT, "192.0.2.0-192.0.2.255", "neither an address nor a network",
		"192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0-255", "neither an address nor a network", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.7-192.0.2.20", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "192.0.2.7:25", "neither an address nor a network", "192.0.2.7" },
	{ ENTRY_CLIENT, "010.1.2.3", "neither an address nor a network", "10.1.2.3" },
	{ ENTRY_CLIENT, "192.0.2.007", "neither an address nor a network", "192.0.2.7" },
	{ ENTRY_CLIENT, "192.0.2.256", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "3221225985", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "[2001:db8::1]", "neither an address nor a network", "2001:db8::1" },
	{ ENTRY_CLIENT, "[2001:db8::1]:25", "neither an address nor a network", "2001:db8::1" },
	{ ENTRY_CLIENT, "[192.0.2.7]", "contains \"[\"", "192.0.2.7" },
	{ ENTRY_CLIENT, "2001:db8::1%eth0", "neither an address nor a network", "2001:db8::1" },
	{ ENTRY_CLIENT, "2001:db8:::1", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "2001:db8", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "192.0.2.7/24", "has bits set", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "2001:db8::1/64", "has bits set", "2001:db8::/64" },
	{ ENTRY_CLIENT, "192.0.2.0/255.255.255.0", "is not a network", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0/0.0.0.255", "is not a network", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0/33", "is not a network", "" },
	{ ENTRY_CLIENT, "10/8", "is not a network", "10.0.0.0/8" },
	{ ENTRY_CLIENT, "192.168/16", "is not a network", "192.168.0.0/16" },
	{ ENTRY_CLIENT, "192.0.2.0/24 REJECT", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0/24\treject", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "!192.0.2.0/24 reject", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "if 192.0.2.0/24", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.7 permit", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "Connect:192.0.2.7 REJECT", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "ip4:192.0.2.0/24", "is not a network", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "ALL: 192.0.2.7", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "ALL:192.0.2.", "neither an address nor a network", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "sendmail: .evil.example", MORE, ".evil.example" },
	{ ENTRY_CLIENT, "deny from 192.0.2.7", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "deny from 192.0.2", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "207.192.35 REJECT 5.7.1", MORE, "207.192.35.0/24" },
	{ ENTRY_CLIENT, "c0.00.02.01", "neither an address nor a network", "" },
	{ ENTRY_CLIENT, "deny 192.0.2.7;", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "ignoreip = 192.0.2.7", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "127.0.0.1 evil.example", MORE, "evil.example" },
	{ ENTRY_CLIENT, "192.0.2.7,spam,2024", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "\"192.0.2.7\",", MORE, "192.0.2.7" },
	{ ENTRY_CLIENT, "\"192.0.2.7\"", "contains \"\"\"", "192.0.2.7" },
	{ ENTRY_CLIENT, "192.0.2.7#x", "contains \"#\"", "192.0.2.7" },
	{ ENTRY_CLIENT, "-192.0.2.7", "neither an address nor a network", "192.0.2.7" },
	{ ENTRY_CLIENT, "*.foo.example", "contains *", ".foo.example" },
	{ ENTRY_CLIENT, "mail*.foo.example", "contains *", "" },
	{ ENTRY_CLIENT, "*", "contains *", "" },
	{ ENTRY_CLIENT, ".*\\.foo\\.example", "contains *",
		"regexes in the file of the same name with _regex" },
	{ ENTRY_CLIENT, "NXDOMAIN", "clients without a name", "" },
	{ ENTRY_CLIENT, "7.2.0.192.in-addr.arpa", "the DNS name for an address", "192.0.2.7" },
	{ ENTRY_CLIENT, "2.0.192.in-addr.arpa.", "the DNS name for an address", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "@evil.example", "contains \"@\"", "evil.example" },
	{ ENTRY_CLIENT, "a@evil.example", "contains \"@\"", "" },
	{ ENTRY_CLIENT, "https://evil.example/x?y", "is not a network", "evil.example" },
	{ ENTRY_CLIENT, "evil.example:25", "neither an address nor a network", "evil.example" },
	{ ENTRY_CLIENT, "a/b", "is not a network", "" },
	{ ENTRY_CLIENT, ".", "contains no domain name", "" },
	{ ENTRY_CLIENT, "..evil.example", "one in the wrong place", ".evil.example" },
	{ ENTRY_CLIENT, "evil..example", "two dots", "evil.example" },
	{ ENTRY_CLIENT, "evil example", MORE, "" },
	{ ENTRY_CLIENT, "192.0.2.0 255.255.255.0", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0\t255.255.255.0 REJECT", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0 0.0.0.255", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "deny 192.0.2.0 255.255.255.0;", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0 netmask 255.255.255.0", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0 - 192.0.2.255", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0 -192.0.2.255", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.0 / 24", MORE, "192.0.2.0/24" },
	{ ENTRY_CLIENT, "192.0.2.7 192.0.2.8", MORE, "192.0.2.7, one entry per line" },
	{ ENTRY_CLIENT, "0/0", "is not a network", "0.0.0.0/0" },
	{ ENTRY_CLIENT, "ALL: PARANOID", "contains PARANOID, a word for clients without a name",
		"" },
	{ ENTRY_CLIENT, "ALL:UNKNOWN", "contains UNKNOWN, a word for clients without a name", "" },
	{ ENTRY_CLIENT, "ALL: ALL", "contains ALL, a word for all clients", "0.0.0.0/0 and ::/0" },
	{ ENTRY_CLIENT,
		"b\xfc"
		"cher.example",
		"not UTF-8", "" },
	/* access.domains. */
	{ ENTRY_ANY, "http://x.example/", "contains \":\"", "x.example" },
	{ ENTRY_ANY, "x.example/", "contains \"/\"", "x.example" },
	{ ENTRY_ANY, "234.543.1.1", "the form of an IP address", "" },
	{ ENTRY_ANY, "192.0.2.7", "the form of an IP address",
		"192.0.2.7 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ANY, "[192.0.2.7]", "the form of an IP address",
		"192.0.2.7 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ANY, "!127.0.0.1", "the form of an IP address",
		"127.0.0.1 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ANY, "192.0.2.0/24", "contains \"/\"",
		"192.0.2.0/24 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_ANY, "a.example,b.example", MORE, "a.example, one entry per line" },
	{ ENTRY_ANY, "user@", "no domain after its @", "user@DOMAIN" },
	{ ENTRY_ANY, "!user@", "no domain after its @", "user@DOMAIN" },
	{ ENTRY_ANY, "com", "has no dot", "" },
	{ ENTRY_ANY, "co.uk", "is a public suffix", "" },
	{ ENTRY_ANY, "*.com", "contains *", "" },
	{ ENTRY_ANY, "localhost", "has no dot", "" },
	{ ENTRY_ANY, "!localhost", "has no dot", "" },
	{ ENTRY_ANY, "!co.uk", "is a public suffix", "" },
	{ ENTRY_ANY, "!", "is empty", "" },
	{ ENTRY_ANY, "@", "contains no domain name", "@DOMAIN" },
	{ ENTRY_ANY, ".", "contains no domain name", "" },
	{ ENTRY_ANY, "!!x.example", "contains \"!\"", "!x.example" },
	{ ENTRY_ANY, "\\!x.example", "contains \"\\\"", "" },
	{ ENTRY_ANY, "!*.x.example", "contains *", "!.x.example" },
	{ ENTRY_ANY, "exa*mple.com", "contains *", "" },
	{ ENTRY_ANY, "*@x.example", "* before its @", "@x.example" },
	{ ENTRY_ANY, "a..x.example", "two dots", "a.x.example" },
	{ ENTRY_ANY, "0.0.0.0 x.example", MORE, "x.example" },
	{ ENTRY_ANY, "x.example REJECT", MORE, "x.example" },
	{ ENTRY_ANY, "x.example 550 No", MORE, "x.example" },
	{ ENTRY_ANY, "x.example:REJECT", "contains \":\"", "x.example" },
	{ ENTRY_ANY, "x.example OK", MORE, "!x.example" },
	{ ENTRY_ANY, "x.example\tRELAY", MORE, "!x.example" },
	{ ENTRY_ANY, "x.example:OK", "contains \":\"", "!x.example" },
	{ ENTRY_ANY, "OK x.example", MORE, "!x.example" },
	{ ENTRY_ANY, "*.x.example OK", MORE, "!.x.example" },
	{ ENTRY_ANY, "a@x.example OK", MORE, "!a@x.example" },
	{ ENTRY_ANY, "http://x.example/y OK", MORE, "!x.example" },
	{ ENTRY_ANY, "!x.example OK", MORE, "!x.example" },
	{ ENTRY_ANY, "!x.example REJECT", MORE, "!x.example" },
	{ ENTRY_ANY, "//x.example", "contains \"/\"", "x.example" },
	{ ENTRY_ANY, "<a@x.example>", "has angle brackets", "a@x.example" },
	{ ENTRY_ANY, "mailto:a@x.example", "is not a mail address", "a@x.example" },
	{ ENTRY_ANY, "\"x.example\"", "contains \"\"\"", "x.example" },
	{ ENTRY_ANY, "x.example;", MORE, "x.example" },
	{ ENTRY_ANY, "x.example:25", "contains \":\"", "x.example" },
	{ ENTRY_ANY, "||x.example^", "contains \"|\"", "x.example" },
	/* Columns. */
	{ ENTRY_FROM, "bob", "has no domain", "bob@DOMAIN" },
	{ ENTRY_FROM, "example.net", "has no domain", "@example.net" },
	{ ENTRY_FROM, "*@example.net", "* before its @", "@example.net" },
	{ ENTRY_FROM, "*.example.net", "has no domain", ".example.net" },
	{ ENTRY_FROM, "bob@", "no domain after its @", "bob@DOMAIN" },
	{ ENTRY_FROM, "a@b.example;c@d.example", MORE, "a@b.example, one entry per line" },
	{ ENTRY_FROM, "a@b.example c@d.example", MORE, "a@b.example, one entry per line" },
	{ ENTRY_FROM, "<bob@b.example>", "has angle brackets", "bob@b.example" },
	{ ENTRY_HOST, "*.example.org", "contains *", ".example.org" },
	{ ENTRY_HOST, "@example.org", "contains \"@\"", "example.org" },
	{ ENTRY_HOST, "a@example.org", "contains \"@\"", "a@example.org in rcpt" },
	{ ENTRY_HOST, "*", "contains *", "" },
	{ ENTRY_HOST, "a.example b.example", MORE, "a.example, one entry per line" },
	{ ENTRY_HOST, "http://a.example/", "contains \":\"", "a.example" },
	{ ENTRY_HOST, "a..example", "two dots", "a.example" },
	{ ENTRY_HOST, ".", "contains no domain name", "" },
	{ ENTRY_RCPT, "@example.net", "is a domain", "example.net in host" },
	{ ENTRY_RCPT, ".example.net", "is a domain", ".example.net in host" },
	{ ENTRY_RCPT, "*@example.net", "* before its @", "example.net in host" },
	{ ENTRY_RCPT, "example.net", "has no @", "" },
	{ ENTRY_RCPT, "bob@", "no domain after its @", "bob@DOMAIN" },
	{ ENTRY_RCPT, "*", "is not a wildcard", "" },
	{ ENTRY_RCPT, "mailto:a@b.example", "is not a mail address", "a@b.example" },
};
START_TEST(an_entry_that_never_matches_is_refused)
	{
		const char *text = faulty[_i].text;
		struct errmsg fault = { "" };
		char quoted[200];

		(void)snprintf(quoted, sizeof(quoted), "\"%s\" ", text);
		ck_assert(!entry_check(faulty[_i].kind, text, strlen(text), psl, NULL));
		ck_assert_msg(!entry_check(faulty[_i].kind, text, strlen(text), psl, &fault), "%s",
			text);
		ck_assert_msg(strncmp(fault.text, quoted, strlen(quoted)) == 0, "%s", fault.text);
		assert_refusal(&fault, faulty[_i].reason, faulty[_i].right);
	}
END_TEST

static const struct {
	enum entry_kind kind;
	const char *text;
	bool is_doubtful;
} sound[] = {
	{ ENTRY_ADDRESS, "a@b.example", false },
	{ ENTRY_ADDRESS, "@b.example", false },
	{ ENTRY_ADDRESS, ".b.example", false },
	{ ENTRY_ADDRESS, "@localhost", false },
	{ ENTRY_ADDRESS, "a@localhost", false },
	{ ENTRY_ADDRESS, ".example", false },
	{ ENTRY_ADDRESS, "A.B@B.Example.", false },
	{ ENTRY_ADDRESS, "@B.Example.", false },
	{ ENTRY_ADDRESS, "postmaster", false },
	{ ENTRY_ADDRESS, "bob", true },
	{ ENTRY_ADDRESS, "__proto__", true },
	{ ENTRY_ADDRESS, "user+tag@example.com", false },
	{ ENTRY_ADDRESS, "o'nobody@example.com", false },
	{ ENTRY_ADDRESS, "!#$%&'+-/=?^_`{|}~@example.com", true },
	{ ENTRY_ADDRESS, "a!#$%&'*+-/=?^_`{|}~@example.com", true },
	{ ENTRY_ADDRESS, "news*@example.com", true },
	{ ENTRY_ADDRESS, "!a@b.example", true },
	{ ENTRY_ADDRESS, "at@sign@example.com", false },
	{ ENTRY_ADDRESS, "a%b@example.com", false },
	{ ENTRY_ADDRESS, "b!a@example.com", false },
	{ ENTRY_ADDRESS, "c..d@example.com", false },
	{ ENTRY_ADDRESS, ".a.@example.com", false },
	{ ENTRY_ADDRESS, "\"a b\"@example.com", false },
	{ ENTRY_ADDRESS, "\"\\\u00e4\\\\\\\" x\"@example.com", false },
	{ ENTRY_ADDRESS, "\"a,b;c\"@example.com", false },
	{ ENTRY_ADDRESS, "\"a@b\"@example.com", false },
	{ ENTRY_ADDRESS, "\"a\\\"b c\"@example.com", false },
	{ ENTRY_ADDRESS, "\"a\"@example.com", false },
	{ ENTRY_ADDRESS, "\"*\"@example.com", false },
	{ ENTRY_ADDRESS, "/c=us/a=x/@gw.example", false },
	{ ENTRY_ADDRESS, "a@[192.0.2.1]", false },
	{ ENTRY_ADDRESS, "a@[IPv6:2001:db8::1]", false },
	{ ENTRY_ADDRESS, "@[IPv6:2001:db8::1]", false },
	{ ENTRY_ADDRESS, "a@192.0.2.1", false },
	{ ENTRY_ADDRESS, "a@under_score.example", false },
	{ ENTRY_ADDRESS, "j\u00f6rg@b\u00fccher.example", false },
	{ ENTRY_ADDRESS, "@\u30c6\u30b9\u30c8\u3002example", false },
	{ ENTRY_ADDRESS, "a@xn--bcher-kva.example", false },
	{ ENTRY_ADDRESS, "\u0645\u06cc\u200c\u062e@b.example", false },
	{ ENTRY_ADDRESS, "\u2764\ufe0f@b.example", false },
	{ ENTRY_ADDRESS, "\"a\u00a0b\"@b.example", false },
	{ ENTRY_ADDRESS, "a@b\u200b.ex\u00adample", false }, /* IDNA ignores them */
	{ ENTRY_ADDRESS, "-a@b.example", true },
	{ ENTRY_ADDRESS, "'a'@b.example", true },
	{ ENTRY_ADDRESS, "\u201ca\u201d@b.example", true },
	{ ENTRY_ADDRESS, "a%corp.example@b.example", true },
	{ ENTRY_ADDRESS, "corp.example!a@b.example", true },
	{ ENTRY_CLIENT, "192.0.2.7", false },
	{ ENTRY_CLIENT, "192.0.2.0/24", false },
	{ ENTRY_CLIENT, "0.0.0.0/0", false },
	{ ENTRY_CLIENT, "2001:DB8:0:0::1", false },
	{ ENTRY_CLIENT, "2001:db8::/32", false },
	{ ENTRY_CLIENT, "::ffff:192.0.2.7", false },
	{ ENTRY_CLIENT, "IPv6:2001:db8::1", false },
	{ ENTRY_CLIENT, "mail.example.com", false },
	{ ENTRY_CLIENT, "MAIL.example.com.", false },
	{ ENTRY_CLIENT, ".example.com", false },
	{ ENTRY_CLIENT, ".com", false },
	{ ENTRY_CLIENT, "localhost", false },
	{ ENTRY_CLIENT, "Unknown", true },
	{ ENTRY_CLIENT, "ALL", true },
	{ ENTRY_CLIENT, "LOCAL", true },
	{ ENTRY_CLIENT, "paranoid", true },
	{ ENTRY_CLIENT, "evil.ex\u00adample", false },
	{ ENTRY_CLIENT, "__proto__", true },
	{ ENTRY_CLIENT, "a_b-c.example", false },
	{ ENTRY_CLIENT, "-a.example", false },
	{ ENTRY_CLIENT, "192-0-2-7.dyn.example", false },
	{ ENTRY_CLIENT, "7.2.0.192.dyn.example", false },
	{ ENTRY_CLIENT, "10.1.2.example", false },
	{ ENTRY_CLIENT, "1.2.3.com", false },
	{ ENTRY_CLIENT, "1e100.net", false },
	{ ENTRY_CLIENT, ".in-addr.arpa", false },
	{ ENTRY_CLIENT, "b\u00fccher.example", false },
	{ ENTRY_ANY, "example.com", false },
	{ ENTRY_ANY, ".example.com", false },
	{ ENTRY_ANY, "@example.com", false },
	{ ENTRY_ANY, "*.example.com", false },
	{ ENTRY_ANY, "EXAMPLE.com.", false },
	{ ENTRY_ANY, "spam.nosuchtld", false },
	{ ENTRY_ANY, "user.github.io", false },
	{ ENTRY_ANY, "under_score.com", false },
	{ ENTRY_ANY, "1.2.3.example.com", false },
	{ ENTRY_ANY, "user@example.com", false },
	{ ENTRY_ANY, "user@localhost", false },
	{ ENTRY_ANY, "bad@[192.0.2.1]", false },
	{ ENTRY_ANY, "\"bad\"@example.com", false },
	{ ENTRY_ANY, "!user@example.com", false },
	{ ENTRY_ANY, "!www.example.com", false },
	{ ENTRY_ANY, "! www.example.com", false },
	{ ENTRY_ANY, "!.example.com", false },
	{ ENTRY_ANY, "!@example.com", false },
	{ ENTRY_ANY, "b\u00fccher.de", false },
	{ ENTRY_FROM, "bob@example.com", false },
	{ ENTRY_FROM, "postmaster", false },
	{ ENTRY_FROM, "@example.com", false },
	{ ENTRY_FROM, ".example.com", false },
	{ ENTRY_FROM, "*", false },
	{ ENTRY_HOST, "example.com", false },
	{ ENTRY_HOST, ".example.com", false },
	{ ENTRY_HOST, "Example.COM.", false },
	{ ENTRY_HOST, "localhost", false },
	{ ENTRY_HOST, "192.0.2.1", false },
	{ ENTRY_HOST, "[192.0.2.1]", false },
	{ ENTRY_HOST, "[IPv6:2001:db8::1]", false },
	{ ENTRY_HOST, "b\u00fccher.example", false },
	{ ENTRY_RCPT, "a@example.com", false },
	{ ENTRY_RCPT, "<a@example.com>", false },
	{ ENTRY_RCPT, "postmaster", false },
	{ ENTRY_RCPT, "bob", true },
	{ ENTRY_RCPT, "\"a b\"@example.com", false },
};
START_TEST(an_entry_that_can_match_is_accepted)
	{
		const char *text = sound[_i].text;
		struct errmsg fault = { "" };

		ck_assert(entry_check(sound[_i].kind, text, strlen(text), psl, NULL));
		ck_assert_msg(entry_check(sound[_i].kind, text, strlen(text), psl, &fault), "%s",
			fault.text);
		ck_assert_str_eq(fault.text, "");
		ck_assert_int_eq(entry_is_doubtful(sound[_i].kind, text, strlen(text), &fault),
			sound[_i].is_doubtful);
	}
END_TEST

/* A message shows whole characters of a long entry, and an entry past its bounds is refused. */
START_TEST(a_long_entry_is_cut_between_characters)
	{
		struct errmsg fault = { "" };
		char text[5000], want[200] = "\"a";
		size_t i;

		memset(text, 'a', sizeof(text));
		for (i = 1; i < 900; i += 2)
			memcpy(text + i, "\u00fc", 2);
		for (i = 2; i < 120; i += 2)
			memcpy(want + i, "\u00fc", 2);
		memcpy(want + 120, "\" has no @", 11);
		memcpy(text + 891, ".ex", 3);
		ck_assert(!entry_check(ENTRY_ADDRESS, text, 894, psl, &fault));
		ck_assert_msg(strncmp(fault.text, want, strlen(want)) == 0, "%s", fault.text);
		memset(text, 'a', sizeof(text));
		for (int kind = ENTRY_CLIENT; kind <= ENTRY_RCPT; kind++) {
			ck_assert(!entry_check((enum entry_kind)kind, text, sizeof(text), psl,
				&fault));
			ck_assert_ptr_nonnull(strstr(fault.text, "aaa\" is too long"));
		}
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("entry_check");
	TCase *tcase = tcase_create("entry_check");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, an_entry_that_never_matches_is_refused, 0, ROWS(faulty));
	tcase_add_loop_test(tcase, an_entry_that_can_match_is_accepted, 0, ROWS(sound));
	tcase_add_test(tcase, a_long_entry_is_cut_between_characters);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
