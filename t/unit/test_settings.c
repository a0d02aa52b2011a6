/*
 * Shows new settings, their reference counts, the
 * sections of services, and the logins of tokens.
 */
#include "lib/rules/settings.h"

#include "t/unit/lib/default_settings.h"
#include "t/unit/unit.h"

START_TEST(new_settings_check_nothing_and_have_empty_texts)
	{
		struct settings *s = settings_new();
		int i;

		ck_assert_ptr_nonnull(s);
		ck_assert_uint_eq(s->service_count, 1);
		for (i = 0; i < CHECK_COUNT; i++)
			ck_assert_int_eq(s->services[0].mode[i], MODE_NO);
		ck_assert_ptr_null(s->services[0].name);
		ck_assert_uint_eq(s->services[0].exempt_count, 0);
		ck_assert_str_eq(s->deny_conn, "");
		ck_assert_str_eq(s->deny_helo, "");
		ck_assert_str_eq(s->deny_mail, "");
		ck_assert_str_eq(s->deny_rcpt, "");
		ck_assert_str_eq(s->default_domain, "");
		ck_assert_str_eq(s->recipient_delimiter, "");
		ck_assert_str_eq(s->unknown_profile, "");
		ck_assert_str_eq(s->token_login, "");
		ck_assert_str_eq(s->token_profile, "");
		ck_assert_str_eq(s->results_header, "");
		ck_assert_ptr_null(s->rates);
		settings_unref(&s);
		ck_assert_ptr_null(s);
	}
END_TEST

START_TEST(settings_live_until_the_last_reference_goes)
	{
		struct settings *s = settings_new(), *other, *none = NULL;

		s->token_login = "token";
		other = settings_ref(s);
		ck_assert_ptr_eq(other, s);
		settings_unref(&s);
		ck_assert_str_eq(other->token_login, "token");
		settings_unref(&other);
		settings_unref(&none);
		ck_assert_ptr_null(settings_ref(NULL));
	}
END_TEST

static const struct {
	const char *daemon_name;
	int want;
} names[] = {
	{ NULL, 0 },
	{ "", 0 },
	{ "smtpd", 0 },
	{ "submission", 1 },
	{ "Submission", 1 },
	{ "MSA", 2 },
	{ "submission2", 0 },
	{ "submissio", 0 },
};
START_TEST(a_service_is_found_by_its_name)
	{
		struct settings *s = settings_new();
		struct service services[3] = { { .name = NULL }, { .name = "submission" },
			{ .name = "msa" } };

		s->services = services;
		s->service_count = 3;
		ck_assert_ptr_eq(settings_service(s, names[_i].daemon_name),
			&services[names[_i].want]);
		settings_unref(&s);
	}
END_TEST

static const struct {
	const char *ip;
	bool want;
} clients[] = {
	{ "127.0.0.1", true },
	{ "127.255.255.255", true },
	{ "128.0.0.1", false },
	{ "::1", true },
	{ "::2", false },
	{ "::ffff:127.0.0.1", true },
	{ "192.0.2.1", false },
};
START_TEST(loopback_is_exempt)
	{
		struct settings *s = default_settings();
		struct errmsg err = { "" };
		struct cidr client, local = { .family = AF_UNSPEC };

		ck_assert_int_eq(cidr_parse(clients[_i].ip, &client, &err), 0);
		ck_assert_int_eq(service_exempts(&s->services[0], &client), clients[_i].want);
		ck_assert(!service_exempts(&s->services[0], &local));
		settings_unref(&s);
	}
END_TEST

/* Logins TOKEN:MAIL; NULL for a login that is none. */
static const struct {
	const char *token, *login, *want;
} tokens[] = {
	{ "token", "token:a@b.example", "a@b.example" },
	{ "token", "TOKEN:A@b.example", "A@b.example" },
	{ "token", "token:", "" },
	{ "token", "token", NULL },
	{ "token", "tokens:a@b.example", NULL },
	{ "token", "toke:a@b.example", NULL },
	{ "", ":a@b.example", NULL },
};
START_TEST(a_login_of_a_token_has_its_mail)
	{
		struct settings *s = settings_new();

		s->token_login = tokens[_i].token;
		ck_assert_pstr_eq(settings_token_mail(s, tokens[_i].login), tokens[_i].want);
		settings_unref(&s);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_test(tcase, new_settings_check_nothing_and_have_empty_texts);
	tcase_add_test(tcase, settings_live_until_the_last_reference_goes);
	tcase_add_loop_test(tcase, a_service_is_found_by_its_name, 0, ROWS(names));
	tcase_add_loop_test(tcase, loopback_is_exempt, 0, ROWS(clients));
	tcase_add_loop_test(tcase, a_login_of_a_token_has_its_mail, 0, ROWS(tokens));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
