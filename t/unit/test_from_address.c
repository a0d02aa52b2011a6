/*
 * Shows which addresses of From fields all mail programs accept, and what some of them show
 * instead. The programs were run with these addresses.
 */
#include "lib/match/from_address.h"

#include <string.h>

#include "t/unit/unit.h"

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const struct {
	const char *address;
	bool usual;
	const char *behind_dots, *cut; /* what programs show instead; NULL: nothing else */
} rows[] = {
	{ "me@mine.m", true, NULL, NULL },
	{ "Me.Too+x@A-1.Mine.m", true, NULL, NULL },
	{ "o'brien/#!$%&*=?^_`{|}~@mine.m", true, NULL, NULL },
	{ "me@xn--mnchen-3ya.m", true, NULL, NULL },
	{ SIXTY "aaaa@mine.m", true, NULL, NULL },
	{ SIXTY "aaaaa@mine.m", false, NULL, NULL },
	{ "me@" SIXTY "aaa.m", true, NULL, NULL },
	{ "me@" SIXTY "aaaa.m", false, NULL, NULL },
	{ "j\u00f6rg@mine.m", false, NULL, NULL },
	{ "me@mine", false, NULL, NULL },
	{ "me@mine.m.", false, NULL, NULL },
	{ "me@-a.mine.m", false, NULL, NULL },
	{ "me@a-.mine.m", false, NULL, NULL },
	{ "me@mine.m-", false, NULL, NULL },
	{ "me@[192.0.2.1]", false, NULL, NULL },
	{ "me@[IPv6:2001:db8::1]", false, NULL, NULL },

	/* Evolution reads only what is behind two dots. */
	{ "me+x..ceo@mine.m", true, "ceo@mine.m", NULL },
	{ "me..x.y...Ceo@mine.m", true, "ceo@mine.m", NULL },
	{ "..ceo@mine.m", true, "ceo@mine.m", NULL },
	{ "me.x.@mine.m", true, NULL, NULL },
	{ "me..@mine.m", true, NULL, NULL },
	{ "\"me+x..ceo\"@mine.m", true, NULL, NULL },

	/* Cyrus IMAP ends a domain before a character that no host name has. */
	{ "ceo@bank.e_.mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e+x.mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e/x.mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e'.mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e\u00fc.mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e\u3002mine.m", false, NULL, "ceo@bank.e" },
	{ "ceo@bank.e._x.mine.m", false, NULL, "ceo@bank.e" },
	{ "me..ceo@bank.e_.mine.m", false, "ceo@bank.e_.mine.m", "me..ceo@bank.e" },
	{ "me@m\u00fcnchen.m", false, NULL, NULL },
	{ "me@a_b.mine.m", false, NULL, NULL },
	{ "me@_x.mine.m", false, NULL, NULL },
	{ "me@mine\uff0em", false, NULL, NULL },
	{ "me", false, NULL, NULL },
};

/* Addresses, and whether the domain is written without characters that IDNA maps to ASCII. */
static const struct {
	const char *address;
	bool plain;
} spelled[] = {
	{ "me@mine.m", true },
	{ "me@MINE.M.", true },
	{ "me@mine", true },
	{ "me", true },
	{ "me@[192.0.2.1]", true },
	{ "me@[IPv6:2001:db8::1]", true },
	{ "me@a_b.mine.m", true },
	{ "me@-.mine.m", true },
	{ "\uff4de@mine.m", true },
	{ "j\u00f6rg@mine.m", true },
	{ "me@xn--mnchen-3ya.m", true },
	{ "me@XN--MNCHEN-3YA.m", true },
	{ "me@m\u00fcnchen.m", true },
	{ "me@M\u00dcNCHEN.m", true },
	{ "me@mail.M\u00fcnchen.m.", true },
	{ "me@m\u00fcnchen-s\u00fcd.m", true },
	{ "me@-m\u00fcnchen.m", true },
	{ "me@stra\u00dfe.m", true },
	{ "me@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", true },
	{ "me@\u043f\u0440\u0438\u043c\u0435\u0440-m.m", true },
	{ "me@\u65e5\u672c\u8a9e.jp", true },
	{ "me@\u65e5a\u672cb.jp", true },
	{ "me@\U0001f600.mine.m", true },
	{ "me@i\u2665ny.m", true },
	{ "me@I\u2665NY.m", true },
	{ "me@a_\u00fc.mine.m", true },

	/* Letters. */
	{ "me@\uff4dine.m", false },
	{ "me@mine.\uff4d", false },
	{ "me@mi\u2115e.m", false },
	{ "me@\u24dc\u24d8ne.m", false },
	{ "me@\U0001d426ine.m", false },
	{ "me@mine.\u2133", false },
	{ "me@o\ufb03ce.m", false },
	{ "me@\u212aine.m", false },
	{ "me@mine\u00b2.m", false },
	{ "me@m\u00fc\uff4echen.m", false },
	{ "me@i\u2665\uff2ey.m", false },
	{ "me@\uff58n--mnchen-3ya.m", false },
	{ "me@mu\u0308nchen.m", false }, /* not NFC, as a U-label is */

	/* Dots. */
	{ "me@mine\uff0em", false },
	{ "me@mine\u3002m", false },
	{ "me@mine\uff61m", false },
	{ "me@mine.m\u3002", false },
	{ "me@m\u00fcnchen\uff0em", false },
	{ "me@mine.m\u00fcnchen\uff61", false },
	{ "me@\u65e5\u672c\u8a9e\u3002jp", false },
	{ "me@a\u3002m\u00fcnchen.m", false },
};
START_TEST(tells_how_a_domain_is_written)
	{
		struct mail_address address;
		const char *text = spelled[_i].address;

		ck_assert_int_eq(address_parse(text, strlen(text), &address), 0);
		ck_assert_msg(from_domain_is_plain(&address) == spelled[_i].plain, "%s (%s)", text,
			address.canon);
	}
END_TEST

static void check_shown(const struct mail_address *address, enum from_misreading misreading,
	const char *want)
{
	struct mail_address shown;
	const bool any = from_address_misread(address, misreading, &shown);

	ck_assert_msg(any == (want != NULL), "%s", address->text);
	if (any)
		ck_assert_str_eq(shown.canon, want);
}

START_TEST(tells_what_programs_show)
	{
		struct mail_address address;
		const char *text = rows[_i].address;

		ck_assert_int_eq(address_parse(text, strlen(text), &address), 0);
		ck_assert_msg(from_address_is_usual(&address) == rows[_i].usual, "%s", text);
		check_shown(&address, FROM_BEHIND_DOTS, rows[_i].behind_dots);
		check_shown(&address, FROM_CUT_DOMAIN, rows[_i].cut);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_address");
	TCase *tcase = tcase_create("from_address");

	tcase_add_loop_test(tcase, tells_what_programs_show, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tcase, tells_how_a_domain_is_written, 0,
		sizeof(spelled) / sizeof(spelled[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
