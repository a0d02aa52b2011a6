/*
 * Shows what access.domains and header_from
 * decide about From and Sender fields.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	static const struct made_user rows[] = {
		{ .id = "1", .name = "bob", .froms = "bob@corp.example,@team.example" },
		{ .id = "2", .name = "eve", .froms = "*" },
		{ .id = "3", .name = "own@corp.example" },
		{ .id = "4", .name = "ann", .froms = ".customer.example" },
		{ .id = "5",
			.name = "jo",
			.froms = "jo@mail.m\u00fcnchen.example,@shop.m\u00fcnchen.example" },
		{ .id = "6", .name = "li@mail.m\u00fcnchen.example" },
	};
	size_t i;

	made_begin(&m);
	m.settings->default_domain = "example.com";
	made_list(&m, LIST_DOMAINS,
		"bad.example\n!good.bad.example\n!vip@bad.example\nspam@solo.example\nfree.example\n"
		"!free.example");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(made_user(&m, &rows[i]), 1);
}

static void teardown(void)
{
	made_end(&m);
}

#define DENIED " 550 5.7.1 Email from that domain is not accepted here."

/* `any` looks at From (data = yes); the session has no login. */
static const struct {
	const char *from, *from2, *want;
} data[] = {
	{ NULL, NULL, "accept: data=unlisted" },
	{ "", NULL, "accept: data=unlisted" },
	{ "undisclosed: ;", NULL, "accept: data=unlisted" },
	{ "a@b.example", NULL, "accept: data=unlisted" },
	{ "A <a@www.bad.example>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@BAD.example.", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@😀。bad.example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@😀．bad｡example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@😀。good.example", NULL, "accept: data=unlisted" },
	{ "spam@solo.example", NULL, "reject: data=fail(access.domains:4)" DENIED },
	{ "ham@solo.example", NULL, "accept: data=unlisted" },
	/* the three forms with ! of the envelope */
	{ "vip@bad.example", NULL, "accept: data=pass(access.domains:3)" },
	{ "x@good.bad.example", NULL, "accept: data=pass(access.domains:2)" },
	{ "x@www.free.example", NULL, "accept: data=pass(access.domains:6)" },
	/* all addresses of all fields; one denied address is enough */
	{ "a@b.example, c@bad.example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "vip@bad.example, c@bad.example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "c@bad.example, vip@bad.example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "team: a@b.example, c@bad.example;", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@b.example", "c@bad.example", "reject: data=fail(access.domains:1)" DENIED },
	{ "c@bad.example", "a@b.example", "reject: data=fail(access.domains:1)" DENIED },
	/* odd display names, comments, quotes and folds are accepted */
	{ "A, B & C. <a@bad.example>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "\"a@bad.example\" <a@b.example>", NULL, "accept: data=unlisted" },
	{ "a@b.example (c@bad.example)", NULL, "accept: data=unlisted" },
	{ "a@bad.example <a@b.example>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "\"a@bad.example\"", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "\\\"<a@bad.example>\"\"", NULL, "reject: data=fail(access.domains:1)" DENIED },
	/* what some programs show of an address */
	{ "'a@bad.example'", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@bad.example_.b.example", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@free.example_.b.example", NULL, "accept: data=unlisted" },
	{ "x..spam@solo.example", NULL, "reject: data=fail(access.domains:4)" DENIED },
	{ "=?utf-8?q?a=40bad.example?=", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@bad.example\\", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@bad.example\u00a0", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "a@bad.example\x01", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "<a@bad.exam\x1fple>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "A <a@ba\x7f\x0c"
	  "d.example\x01>",
		NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "<a@bad.example\x01.b.example>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "<a@b\x01.example>", NULL, "accept: data=unlisted" },
	{ "A\r\n <a@bad.example>", NULL, "reject: data=fail(access.domains:1)" DENIED },
	{ "=?utf-8?q?a=40bad=2Eexample?= <a@b.example>", NULL, "accept: data=unlisted" },
};
START_TEST(any_looks_at_from)
	{
		struct asked asked = { STAGE_HEADER, .mail = "<x@y.example>", .from = data[_i].from,
			.from2 = data[_i].from2 };

		m.services[0].mode[CHECK_DATA] = MODE_YES;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), data[_i].want);
	}
END_TEST

/* U+0101 and U+0441 end in the byte 0x81, by which Sendmail marks a macro; U+00DF in 0x9f. */
#define CHANGED "data=fail(data: Sendmail changes an address in From) 550 5.6.0 From has letters"
static const struct {
	const char *from;
	const char *want; /* of Sendmail; NULL: it passes */
} macros[] = {
	{ "\"bob\u0101x\"@b.example", CHANGED },
	{ "B <b\u0101x@b.example>", CHANGED },
	{ "b\x81x@b.example", CHANGED },
	{ "b@x\u0101x.b.example", CHANGED },
	{ "b\u0441\u0442@b.example", CHANGED },
	{ "vip@bad.example, b\u0101x@b.example", CHANGED },
	{ "b\u0101x@b.example, a@bad.example", "data=fail(access.domains:1)" },
	{ "b\u0101x", CHANGED }, /* Sendmail takes the word for an address */
	{ "b\u0101x, Bob <b@b.example>", CHANGED },
	{ "b\u0101x <b@b.example> <b@b.example>", CHANGED },
	{ "b\u00dfx@b.example", NULL },
	{ "B\u0101x <bob@b.example>", NULL },
	{ "\"B\u0101x, Bob\" <bob@b.example>", NULL },
	{ "bob@b.example (B\u0101x)", NULL },
	{ "B\u0101x: bob@b.example;", NULL },
};
START_TEST(no_macro_of_sendmail_evades_the_list)
	{
		struct asked asked = { STAGE_HEADER, .mail = "<x@y.example>",
			.from = macros[_i].from, .is_sendmail = true };
		char want[200] = "accept: data=";

		m.services[0].mode[CHECK_DATA] = MODE_YES;
		made_build(&m);
		if (macros[_i].want != NULL)
			(void)snprintf(want, sizeof(want), "reject: %s", macros[_i].want);
		ck_assert_msg(strstr(made_decide(&m, &asked), want) == m.text, "%s, want %s",
			m.text, want);
		asked.is_sendmail = false;
		ck_assert_ptr_null(strstr(made_decide(&m, &asked), "Sendmail"));
	}
END_TEST

/* An address is refused if it is too long as typed, or with its labels in ASCII. */
START_TEST(an_address_too_long_to_be_looked_up_is_refused)
	{
		char from[ADDRESS_MAX + 16];
		struct asked asked = { STAGE_HEADER, .mail = "<x@y.example>", .from = from };
		size_t len, i;

		m.services[0].mode[CHECK_DATA] = MODE_YES;
		made_build(&m);
		for (len = ADDRESS_MAX - 12; len <= ADDRESS_MAX - 11; len++) {
			memset(from, 'a', len);
			strcpy(from + len, "@bad.example");
			ck_assert_str_eq(made_decide(&m, &asked),
				len + 12 <= ADDRESS_MAX ?
					"reject: data=fail(access.domains:1)" DENIED :
					"reject: data=fail(header_from: too many or too long From "
					"or Sender fields) 550 5.6.0 Too many or too long From "
					"fields");
		}
		strcpy(from, "a@");
		for (i = 0; i < 160; i++)
			strcat(from, i % 2 == 0 ? "\xc3\xbc." : "\xc3\xa4.");
		strcat(from, "bad.example");
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "too long From fields"));
	}
END_TEST

START_TEST(data_is_yes_no_or_warn)
	{
		struct asked asked = { STAGE_HEADER, .mail = "<x@y.example>",
			.from = "a@bad.example" };

		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), "accept"); /* no is the default */
		m.services[0].mode[CHECK_DATA] = MODE_WARN;
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: data=would-reject(access.domains:1)" DENIED);
		m.services[0].mode[CHECK_DATA] = MODE_YES;
		m.services[0].mode[CHECK_ANY] = MODE_NO; /* a separate check */
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: data=fail(access.domains:1)" DENIED);
	}
END_TEST

/* From belongs to the user, in the three senses of header_from. */
#define O HEADER_FROM_OWNED
#define E HEADER_FROM_ENVELOPE
#define A HEADER_FROM_ALIGNED
#define DIFFERENT "header_from: mail programs may read From differently: "
#define LONG "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static const struct {
	enum header_from_mode mode;
	const char *login, *mail, *from, *from2;
	const char *rule; /* why it is refused; NULL: it passes; "": it is not checked */
} owners[] = {
	{ O, NULL, "<x@y.example>", "a@b.example", NULL, "" },
	{ O, NULL, "<x@y.example>", NULL, NULL, "" },
	/* the null sender: there is no envelope sender to compare with, but From has an owner */
	{ O, "bob", "<>", "a@b.example", NULL, "header_from: a@b.example" },
	{ O, "bob", "<>", "ceo@corp.example", NULL, "header_from: ceo@corp.example" },
	{ O, "bob", "<>", "Bob <bob@corp.example>", NULL, NULL },
	{ O, "bob", "<>", "bob@corp.example, x@team.example", NULL, NULL },
	{ O, "bob", "<>", NULL, NULL, "header_from: no From field" },
	{ O, "bob", "<>", "bob@corp.example", "bob@corp.example",
		"header_from: several From fields" },
	{ O, "eve", "<>", "who@ever.example", NULL, NULL },
	{ O, NULL, "<>", "a@b.example", NULL, "" },
	{ E, "bob", "<>", NULL, NULL, "" },
	{ E, "bob", "<>", "a@b.example", NULL, "" },
	{ A, "bob", "<>", "a@b.example", NULL, "" },
	/* owned */
	{ O, "bob", "<x@team.example>", "Bob <Bob@corp.example>", NULL, NULL },
	{ O, "bob", "<x@team.example>", "bob+x@corp.example", NULL, NULL },
	{ O, "bob", "<x@team.example>", "bob@corp.example, any@team.example", NULL, NULL },
	{ O, "bob", "<x@team.example>", "team: bob@corp.example;", NULL, NULL },
	{ O, "bob", "<x@team.example>", "boss@corp.example", NULL,
		"header_from: boss@corp.example" },
	{ O, "bob", "<x@team.example>", "bob@corp.example, Boss@corp.example", NULL,
		"header_from: boss@corp.example" },
	{ O, "bob", "<x@team.example>", "Boss@corp.example, bob@corp.example", NULL,
		"header_from: boss@corp.example" },
	{ O, "bob", "<x@team.example>", "\"boss@corp.example\" <bob@corp.example>", NULL, NULL },
	{ O, "own@corp.example", "<own@corp.example>", "own@corp.example", NULL, NULL },
	{ O, "own@corp.example", "<own@corp.example>", "x@corp.example", NULL,
		"header_from: x@corp.example" },
	{ O, "eve", "<x@y.example>", "who@ever.example", NULL, NULL },
	{ O, "token:t@own.example", "<t@own.example>", "T <t@own.example>", NULL, NULL },
	{ O, "token:t@own.example", "<t@own.example>", "u@own.example", NULL,
		"header_from: u@own.example" },
	/* no field, two fields, or one that cannot be parsed */
	{ O, "eve", "<x@y.example>", NULL, NULL, "header_from: no From field" },
	{ E, "eve", "<x@y.example>", NULL, NULL, "header_from: no From field" },
	{ A, "eve", "<x@y.example>", NULL, NULL, "header_from: no From field" },
	{ O, "eve", "<x@y.example>", "x@y.example", "x@y.example",
		"header_from: several From fields" },
	{ E, "eve", "<x@y.example>", "x@y.example", "x@y.example",
		"header_from: several From fields" },
	{ A, "eve", "<x@y.example>", "x@y.example", "x@y.example",
		"header_from: several From fields" },
	{ O, "eve", "<x@y.example>", "", NULL, "header_from: no address in From" },
	{ O, "eve", "<x@y.example>", "Eve", NULL, "header_from: no address in From" },
	{ A, "eve", "<x@y.example>", "undisclosed: ;", NULL, "header_from: no address in From" },
	{ O, "eve", "<x@y.example>", "\"Eve <x@y.example>", NULL, DIFFERENT },
	{ O, "eve", "<x@y.example>", "a@b.example, Eve <x@y.example", NULL, NULL },
	{ O, "bob", "<x@y.example>", "a@b.example <bob@corp.example", NULL, DIFFERENT },
	{ O, "bob", "<bob@corp.example>", "ceo@bank.example <bob@corp.example>", NULL, DIFFERENT },
	{ O, "bob", "<bob@corp.example>", "(ceo@bank.example), bob@corp.example", NULL, DIFFERENT },
	{ E, "bob", "<bob@corp.example>", "bob@corp.example, ceo", NULL, DIFFERENT },
	{ A, "bob", "<bob@corp.example>", "<bob@corp.example>< .evil.example", NULL, DIFFERENT },
	{ O, "eve", "<x@y.example>", "\"Eve\" <x@y.example", NULL, NULL },
	{ O, "bob", "<x@y.example>", "\"a@b.example\" <bob@corp.example", NULL, DIFFERENT },
	{ O, "eve", "<x@y.example>", "\"a@b.example\" <x@y.example", NULL, DIFFERENT },
	/* a name that some programs take for a part of the list */
	{ O, "bob", "<x@y.example>", "\"Doe, Bob <Bob@CORP.example>\" <bob@corp.example>", NULL,
		NULL },
	{ O, "bob", "<x@y.example>", "\"Doe, Bob <any@team.example>\" <bob@corp.example>", NULL,
		DIFFERENT },
	{ O, "bob", "<x@y.example>", "\"Doe, Bob <ceo@corp.example>\" <bob@corp.example>", NULL,
		DIFFERENT },
	{ O, "bob", "<x@y.example>", "\"Doe, Bob <bob@corp.example>\" <ceo@corp.example>", NULL,
		"header_from: ceo@corp.example" },
	{ O, "bob", "<x@y.example>", "bob@corp.example <bob@corp.example>", NULL, NULL },
	{ E, "bob", "<bob@corp.example>", "\"Doe, Bob <bob@corp.example>\" <bob@corp.example>",
		NULL, NULL },
	{ E, "bob", "<bob@corp.example>", "\"Doe, Bob <any@team.example>\" <bob@corp.example>",
		NULL, DIFFERENT },
	{ A, "bob", "<bob@corp.example>", "\"Doe, Bob <x@www.corp.example>\" <bob@corp.example>",
		NULL, DIFFERENT },
	{ A, "bob", "<bob@corp.example>", "\"Doe, Bob <x@team.example>\" <bob@corp.example>", NULL,
		DIFFERENT },
	{ O, "eve", "<x@y.example>", "<x@y.example a@b.example>", NULL, DIFFERENT },
	/* a name with an @ at an address that some programs do not accept */
	{ O, "bob", "<x@y.example>", "\"ceo@bank.example\" <j\u00f6rg@team.example>", NULL,
		DIFFERENT },
	{ O, "bob", "<x@y.example>", "=?utf-8?q?ceo=40bank.example?= <bob+" LONG "@corp.example>",
		NULL, DIFFERENT },
	{ O, "bob", "<x@y.example>", "\"ceo@bank.example\" <bob@corp\uff0eexample>", NULL,
		DIFFERENT },
	{ O, "ann", "<x@y.example>", "\"ceo@bank.example\" <ann@a_b.customer.example>", NULL,
		DIFFERENT },
	{ O, "bob", "<x@y.example>", "\"j\u00f6rg@team.example\" <j\u00f6rg@team.example>", NULL,
		NULL },
	{ O, "bob", "<x@y.example>", "J\u00f6rg <j\u00f6rg@team.example>", NULL, NULL },
	/* an address in which some programs find another one */
	{ O, "bob", "<x@y.example>", "bob+x..ceo@corp.example", NULL,
		"header_from: some programs show ceo@corp.example" },
	{ O, "bob", "<x@y.example>", "Bob <bob+..bob@corp.example>", NULL, NULL },
	{ O, "bob", "<x@y.example>", "Bob <a..b@team.example>", NULL, NULL },
	{ E, "bob", "<a..b@team.example>", "a..b@team.example", NULL,
		"header_from: some programs show b@team.example" },
	{ A, "bob", "<bob@corp.example>", "x..y@corp.example", NULL, NULL },
	{ O, "ann", "<x@y.example>", "Ceo <ceo@bank.example_.customer.example>", NULL,
		"header_from: some programs show ceo@bank.example" },
	{ O, "ann", "<x@y.example>", "ceo@bank.example\u00fc.customer.example", NULL,
		"header_from: some programs show ceo@bank.example" },
	{ A, "ann", "<a@customer.example>", "ceo@bank.example/.customer.example", NULL,
		"header_from: some programs show ceo@bank.example" },
	{ O, "ann", "<x@y.example>", "ann@a_b.customer.example", NULL, NULL },
	{ O, "ann", "<x@y.example>", "ann@m\u00fcnchen.customer.example", NULL, NULL },
	/* ... but the user did not choose a domain that froms names */
	{ O, "jo", "<x@y.example>", "jo@mail.m\u00fcnchen.example", NULL, NULL },
	{ O, "jo", "<x@y.example>", "x@shop.m\u00fcnchen.example", NULL, NULL },
	{ O, "li@mail.m\u00fcnchen.example", "<x@y.example>", "li@mail.m\u00fcnchen.example", NULL,
		NULL },
	{ O, "jo", "<x@y.example>", "x..ceo@shop.m\u00fcnchen.example", NULL, NULL },
	{ E, "jo", "<x..y@shop.m\u00fcnchen.example>", "x..y@shop.m\u00fcnchen.example", NULL,
		"header_from: some programs show y@shop.xn--mnchen-3ya.example" },
	{ E, "jo", "<x@shop.m\u00fcnchen.example>", "x@shop.m\u00fcnchen.example", NULL, NULL },
	{ A, "jo", "<x@shop.m\u00fcnchen.example>", "y@mail.m\u00fcnchen.example", NULL, NULL },
	{ A, "jo", "<x@shop.m\u00fcnchen.example>", "ceo@bank.m\u00fcnchen.example", NULL,
		"header_from: some programs show ceo@bank.m" },
	/* ... unless the user chooses how to write it, and so where it is cut */
	{ O, "bob", "<x@y.example>", "bob@cor\uff50.example", NULL, DIFFERENT },
	{ O, "own@corp.example", "<x@y.example>", "own@corp.exam\uff50le", NULL, DIFFERENT },
	{ O, "jo", "<x@y.example>", "jo@mail\uff0em\u00fcnchen.example", NULL, DIFFERENT },
	{ E, "bob", "<bob@corp.example>", "bob@corp.ex\u24d0mple", NULL, DIFFERENT },
	{ A, "bob", "<bob@corp.example>", "ceo@down\u3002corp.example", NULL, DIFFERENT },
	{ O, "ann", "<x@y.example>", "ceo@bank.\uff43ustomer.example", NULL, DIFFERENT },
	/* envelope */
	{ E, "bob", "<bob@corp.example>", "Bob@Corp.example", NULL, NULL },
	{ E, "bob", "<bob@corp.example>", "x@team.example", NULL, "header_from: x@team.example" },
	{ E, "bob", "<bob@corp.example>", "bob+x@corp.example", NULL,
		"header_from: bob+x@corp.example" },
	{ E, "bob", "<bob@corp.example>", "bob@corp.example, bob@corp.example", NULL, NULL },
	/* aligned */
	{ A, "bob", "<bob@corp.example>", "x@corp.example", NULL, NULL },
	{ A, "bob", "<bob@corp.example>", "x@www.corp.example", NULL, NULL },
	{ A, "bob", "<bob@corp.example>", "x@corp.example.evil.example", NULL,
		"header_from: x@corp.example.evil.example" },
	{ A, "bob", "<bob@corp.example>", "x@team.example", NULL, "header_from: x@team.example" },
	{ A, "eve", "<a@x.co.uk>", "a@y.co.uk", NULL, "header_from: a@y.co.uk" },
	{ A, "eve", "<a@b.x.co.uk>", "c@d.x.co.uk", NULL, NULL },
	{ A, "eve", "<a@localhost>", "A@localhost", NULL, NULL },
	{ A, "eve", "<a@localhost>", "b@localhost", NULL, "header_from: b@localhost" },
	{ A, "eve", "<a@com>", "b@com", NULL, "header_from: b@com" },
	{ A, "eve", "<a@[192.0.2.1]>", "b@[192.0.2.1]", NULL, "header_from: b@[192.0.2.1]" },
	{ A, "eve", "<eve>", "b@corp.example", NULL, "header_from: b@corp.example" },
};
START_TEST(from_belongs_to_the_user)
	{
		struct asked asked = { STAGE_HEADER, .login = owners[_i].login,
			.mail = owners[_i].mail, .from = owners[_i].from,
			.from2 = owners[_i].from2 };
		const char *rule = owners[_i].rule;
		char want[300] = "accept";

		m.settings->header_from = owners[_i].mode;
		made_build(&m);
		if (rule == NULL)
			strcat(want, ": header_from=pass");
		else if (rule[0] != '\0')
			strcat(strcpy(want, "reject: header_from=fail("), rule);
		if (rule != NULL && rule[0] != '\0' && strcmp(rule, DIFFERENT) != 0)
			strcat(want, ") 550 5.7.1 Envelope and body FROM mismatch");
		(void)made_decide(&m, &asked);
		if (rule == NULL || strcmp(rule, DIFFERENT) == 0)
			ck_assert_msg(strstr(m.text, want) == m.text, "%s, want %s", m.text, want);
		else
			ck_assert_str_eq(m.text, want);
	}
END_TEST

START_TEST(a_field_that_another_charset_may_change_must_be_ascii)
	{
		struct asked asked = { STAGE_HEADER, .login = "bob", .mail = "<bob@corp.example>",
			.from = "J\xc3\xb6rg <bob@corp.example>" };

		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: header_from=pass(user bob: froms[1])");
		asked.is_recoded = true;
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: header_from=fail(header_from: some programs decode From by the "
			"charset of Content-Type: encode the name (RFC 2047)) 550 5.7.1 Envelope and "
			"body FROM mismatch");
		asked.from = "=?utf-8?q?J=C3=B6rg?= <bob@corp.example>";
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: header_from=pass(user bob: froms[1])");
	}
END_TEST

/* U+0101 ends in the byte 0x81, U+00DF in 0x9f, U+0120 in 0xa0. */
static const struct {
	enum header_from_mode mode;
	const char *from;
	const char *rule; /* of Sendmail; NULL: it passes */
} expanded[] = {
	{ O, "\"bob\u0101x\"@team.example", "Sendmail changes \"bob\u0101x\"@team.example" },
	{ O, "B <b\u0101u@team.example>", "Sendmail changes b\u0101u@team.example" },
	{ O, "b\u00df@team.example", "Sendmail changes b\u00df@team.example" },
	{ O, "bob@corp.example, b\u0101x@team.example", "Sendmail changes b\u0101x@team.example" },
	{ A, "b\u0101x@corp.example", "Sendmail changes b\u0101x@corp.example" },
	{ A, "b@x\u0101x.corp.example", "Sendmail changes b@x\u0101x.corp.example" },
	{ O, "b\u0120@team.example", NULL },
	{ O, "B\u0101x <bob@corp.example>", NULL },
	{ O, "\"B\u0101x\" <bob@corp.example>", NULL },
	{ O, "bob@corp.example (B\u0101x)", NULL },
	{ O, "B\u0101x: bob@corp.example;", NULL },
};
START_TEST(sendmail_expands_no_macro_in_an_address)
	{
		struct asked asked = { STAGE_HEADER, .login = "bob", .mail = "<bob@corp.example>",
			.from = expanded[_i].from };
		char want[300] = "accept: header_from=pass";

		m.settings->header_from = expanded[_i].mode;
		made_build(&m);
		ck_assert_msg(strstr(made_decide(&m, &asked), want) == m.text, "%s", m.text);
		asked.is_sendmail = true;
		if (expanded[_i].rule != NULL)
			(void)snprintf(want, sizeof(want),
				"reject: header_from=fail(header_from: %s)", expanded[_i].rule);
		ck_assert_msg(strstr(made_decide(&m, &asked), want) == m.text, "%s, want %s",
			m.text, want);
	}
END_TEST

START_TEST(a_refusal_tells_what_to_write)
	{
		struct asked asked = { STAGE_HEADER, .login = "eve", .mail = "<x@y.example>",
			.from = "x@y.example, Eve (a \"b) <x@y.example>" };

		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: header_from=fail(" DIFFERENT
			"write the comment as plain words, or in the quoted name "
			"((a \"b) <x@y.exam)) 550 5.7.1 Envelope and body FROM mismatch");
	}
END_TEST

START_TEST(header_from_is_yes_no_or_warn)
	{
		struct asked asked = { STAGE_HEADER, .login = "bob", .mail = "<bob@corp.example>",
			.from = "boss@corp.example" };

		made_build(&m);
		m.services[0].mode[CHECK_HEADER_FROM] = MODE_WARN;
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: header_from=would-reject(header_from: boss@corp.example) 550 5.7.1 "
			"Envelope and body FROM mismatch");
		m.services[0].mode[CHECK_HEADER_FROM] = MODE_NO;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
	}
END_TEST

/* header_from applies to an unknown user if unknown_user is a profile, and not if it is accept. */
START_TEST(unknown_user_decides_about_a_login_without_a_row)
	{
		struct asked asked = { STAGE_HEADER, .login = "nobody",
			.mail = "<nobody@example.com>", .from = "x@y.example" };

		made_build(&m);
		m.settings->unknown_user = UNKNOWN_ACCEPT;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
		m.settings->unknown_user = UNKNOWN_PROFILE;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject: header_from=fail"));
		asked.from = "Nobody <nobody@example.com>";
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "accept: header_from=pass"));
	}
END_TEST

START_TEST(with_lists_only_from_is_not_checked)
	{
		struct asked asked = { STAGE_HEADER, .login = "nobody",
			.mail = "<nobody@example.com>", .from = "x@y.example" };

		m.parts.lists_only = true;
		m.settings->unknown_user = UNKNOWN_PROFILE;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
	}
END_TEST

START_TEST(a_refusal_by_data_ends_the_stage)
	{
		struct asked asked = { STAGE_HEADER, .login = "bob", .mail = "<bob@corp.example>",
			.from = "a@bad.example" };

		m.services[0].mode[CHECK_DATA] = MODE_YES;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: data=fail(access.domains:1)" DENIED);
		asked.from = "vip@bad.example"; /* allowed by access.domains, not owned */
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: data=pass(access.domains:3); header_from=fail(header_from: "
			"vip@bad.example) 550 5.7.1 Envelope and body FROM mismatch");
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_header");
	TCase *tcase = tcase_create("check_header");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, any_looks_at_from, 0, ROWS(data));
	tcase_add_test(tcase, an_address_too_long_to_be_looked_up_is_refused);
	tcase_add_loop_test(tcase, no_macro_of_sendmail_evades_the_list, 0, ROWS(macros));
	tcase_add_test(tcase, data_is_yes_no_or_warn);
	tcase_add_loop_test(tcase, from_belongs_to_the_user, 0, ROWS(owners));
	tcase_add_test(tcase, a_field_that_another_charset_may_change_must_be_ascii);
	tcase_add_loop_test(tcase, sendmail_expands_no_macro_in_an_address, 0, ROWS(expanded));
	tcase_add_test(tcase, a_refusal_tells_what_to_write);
	tcase_add_test(tcase, header_from_is_yes_no_or_warn);
	tcase_add_test(tcase, unknown_user_decides_about_a_login_without_a_row);
	tcase_add_test(tcase, with_lists_only_from_is_not_checked);
	tcase_add_test(tcase, a_refusal_by_data_ends_the_stage);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
