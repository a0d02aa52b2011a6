/*
 * Shows that a user owns an address only with each address as which an MTA may send it: Sendmail
 * turns ceo%bank.example@own.example into ceo@bank.example if both domains are its own.
 */
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	static const struct made_user rows[] = {
		{ .id = "1", .name = "bob" },
		{ .id = "2",
			.name = "carol",
			.froms = "carol@a.example,@b.example,.c.example,list%x.example@d.example" },
		{ .id = "3", .name = "eve", .froms = "*" },
	};

	made_begin(&m);
	m.settings->default_domain = "example.com";
	m.settings->local_domains = "example.com\0";
	m.settings->header_from = HEADER_FROM_OWNED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(made_user(&m, &rows[i]), 1);
}

static void teardown(void)
{
	made_end(&m);
}

static const struct {
	const char *login, *address;
	bool owns;
} owners[] = {
	{ "carol", "ceo%bank.example@b.example", false },
	{ "carol", "bank.example!ceo@b.example", false },
	{ "carol", "\"ceo@bank.example\"@b.example", false },
	{ "carol", "\"ceo%bank.example\"@b.example", false },
	{ "carol", "ceo%bank.example@x.c.example", false },
	{ "carol", "x%bank.example%b.example@b.example", false },
	{ "carol", "ceo%localhost@b.example", false }, /* which is masqueraded */
	{ "carol", "ceo%localhost.bank.example@b.example", false },
	{ "carol", "ceo%mx@b.example", false }, /* the name of the MTA */
	{ "carol", "ceo%mx.bank.example@b.example", false },
	{ "carol", "carol+x%bank.example@a.example", false },
	{ "bob", "bob+x%bank.example@example.com", false },
	{ "carol", "x%b.example@b.example", true },
	{ "carol", "x%www.c.example@b.example", true },
	{ "carol", "carol+x%b.example@a.example", true },
	{ "carol", "list%x.example@d.example", true }, /* by name */
	{ "carol", "LIST%x.example@d.example", true },
	{ "carol", "no%reply@b.example", true },
	{ "carol", "100%@b.example", true },
	{ "carol", "wow!cool@b.example", true },
	{ "carol", "\"100% sure\"@b.example", true },
	{ "carol", "j\u00d6rg@b.example", true },
	{ "carol", "carol+x@a.example", true },
	{ "eve", "ceo%bank.example@b.example", true },
};
START_TEST(a_user_owns_each_reading_of_an_address)
	{
		const struct asked mail = { STAGE_MAIL, .login = owners[_i].login,
			.mail = owners[_i].address, .mta = "mx.bank.example" };
		struct asked from = { STAGE_HEADER, .login = owners[_i].login, .mail = "<>",
			.from = owners[_i].address, .mta = "mx.bank.example" };
		const char *const mail_want = owners[_i].owns ? "sender=pass" : "sender=fail(user",
				  *const from_want =
					  owners[_i].owns ? "header_from=pass" : "header_from=fail";

		made_build(&m);
		ck_assert_msg(strstr(made_decide(&m, &mail), mail_want) != NULL, "%s: %s",
			mail.mail, m.text);
		ck_assert_msg(strstr(made_decide(&m, &from), from_want) != NULL, "%s: %s",
			from.from, m.text);
	}
END_TEST

/* Sendmail sends mail from the canonical name of a domain, which whoever owns its DNS chooses. */
static const struct {
	const char *login, *address, *resolved;
	bool owns;
} resolved[] = {
	{ "carol", "ceo@x.c.example", "ceo@bank.example", false },
	{ "carol", "\"ce\\o\"@x.c.example", "\"ce\\o\"@bank.example", false },
	{ "carol", "ceo%x.c.example@b.example", "ceo@bank.example", false },
	{ "carol", "ceo@b.example", "ceo@bank.example", false },
	{ "carol", "ceo@x.c.example", "ceo@y.c.example", true },
	{ "carol", "ceo@x.c.example", "ceo@x.c.example", true },
	{ "carol", "CEO@x.c.example", "ceo@X.C.example", true },
	/* at a domain of the MTA's own, of which one is known */
	{ "carol", "ceo@x.c.example", "ceo", false },
	{ "carol", "c%eo@x.c.example", "c@eo", false },
	{ "carol", "c%x.c.example@x.c.example", "c@x.c.example", false },
	{ "carol", "\"ce o\"@x.c.example", "\"ce o\"", false },
	{ "carol", "ceo@x.c.example", "boss", true }, /* an alias of the administrator */
	{ "carol", "carol@a.example", "carol", true },
	{ "bob", "bob@example.com", "bob", true },
	{ "carol", "carol@a.example", "carol@mx.a.example", true }, /* by name */
	{ "bob", "bob@example.com", "bob@mx.example.com", true },
	{ "bob", "bob+x@example.com", "bob+x@mx.example.com", true },
	{ "eve", "ceo@x.c.example", "ceo@bank.example", true },
};
START_TEST(a_user_owns_the_address_to_which_the_mta_resolves_a_sender)
	{
		const struct asked asked = { STAGE_MAIL, .login = resolved[_i].login,
			.mail = resolved[_i].address, .resolved = resolved[_i].resolved };
		const char *const want =
			resolved[_i].owns ? "sender=pass" : "sender=fail(user carol: froms";

		made_build(&m);
		ck_assert_msg(strstr(made_decide(&m, &asked), want) != NULL, "%s: %s", asked.mail,
			m.text);
	}
END_TEST

static const struct {
	const char *address;
	bool aligned;
} aligned[] = {
	{ "ceo%bank.example@b.example", false }, { "bank.example!ceo@www.b.example", false },
	{ "ceo%localhost@b.example", false }, { "x%www.b.example@b.example", true },
	{ "no%reply@b.example", true },
	{ "any%bank.example@b.example", true }, /* MAIL has the same */
};
START_TEST(each_reading_of_from_is_aligned)
	{
		const struct asked asked = { STAGE_HEADER, .login = "eve",
			.mail = _i == 5 ? aligned[_i].address : "x@b.example",
			.from = aligned[_i].address };
		const char *const want =
			aligned[_i].aligned ? "header_from=pass" : "header_from=fail";

		m.settings->header_from = HEADER_FROM_ALIGNED;
		made_build(&m);
		ck_assert_msg(strstr(made_decide(&m, &asked), want) != NULL, "%s: %s", asked.from,
			m.text);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_owner");
	TCase *tcase = tcase_create("check_owner");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_user_owns_each_reading_of_an_address, 0, ROWS(owners));
	tcase_add_loop_test(tcase, a_user_owns_the_address_to_which_the_mta_resolves_a_sender, 0,
		ROWS(resolved));
	tcase_add_loop_test(tcase, each_reading_of_from_is_aligned, 0, ROWS(aligned));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
