/*
 * The SASL mechanisms: responses good and bad, prompts, refusals, bounds, and the table of
 * mechanisms.
 */
#include <string.h>

#include "lib/auth/sasl.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TEXT(literal) (literal), sizeof(literal) - 1

/* Exchanges of one response, which yields the credentials or a reason. */
static const struct {
	enum sasl_mechanism mechanism;
	const char *response;
	size_t len;
	const char *login, *secret; /* the credentials; NULL: a failure */
	const char *why;
} rows[] = {
	{ SASL_PLAIN, TEXT("\0bob\0secret"), "bob", "secret", "" },
	{ SASL_PLAIN, TEXT("bob\0bob\0secret"), "bob", "secret", "" },
	{ SASL_PLAIN,
		TEXT("\0b\xc3\xb6"
		     "b@example.com\0p\xc3\xa4ss w\tord"),
		"b\xc3\xb6"
		"b@example.com",
		"p\xc3\xa4ss w\tord", "" },
	{ SASL_PLAIN, TEXT("alice\0bob\0secret"), NULL, NULL, "authorization identity" },
	{ SASL_PLAIN, TEXT(""), NULL, NULL, "no NUL" },
	{ SASL_PLAIN, TEXT("bob"), NULL, NULL, "no NUL" },
	{ SASL_PLAIN, TEXT("\0bob"), NULL, NULL, "one NUL" },
	{ SASL_PLAIN, TEXT("\0bob\0"), NULL, NULL, "empty password" },
	{ SASL_PLAIN, TEXT("\0\0secret"), NULL, NULL, "empty login" },
	{ SASL_PLAIN, TEXT("\0bob\0sec\0ret"), NULL, NULL, "NUL in the password" },
	{ SASL_PLAIN, TEXT("\0bo\nb\0secret"), NULL, NULL, "control character" },
	{ SASL_XOAUTH2, TEXT("user=bob@example.com\001auth=Bearer abc.def\001\001"),
		"bob@example.com", "abc.def", "" },
	{ SASL_XOAUTH2, TEXT("n,a=bob@example.com,\001auth=Bearer abc\001\001"), "bob@example.com",
		"abc", "" },
	{ SASL_OAUTHBEARER,
		TEXT("n,a=bob@example.com,\001host=mx\001port=25\001auth=Bearer abc\001\001"),
		"bob@example.com", "abc", "" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=bearer  abc\001\001"), "", "abc", "" },
	{ SASL_OAUTHBEARER, TEXT("y,,\001auth=Bearer abc\001\001"), "", "abc", "" },
	{ SASL_OAUTHBEARER, TEXT("n,a=a=3Db=2Cc,\001auth=Bearer abc\001\001"), "a=b,c", "abc", "" },
	{ SASL_OAUTHBEARER, TEXT("user=bob\001auth=Bearer abc\001\001"), "bob", "abc", "" },
	{ SASL_OAUTHBEARER, TEXT("p=tls,,\001auth=Bearer abc\001\001"), NULL, NULL, "GS2" },
	{ SASL_OAUTHBEARER, TEXT("n,a=bob"), NULL, NULL, "no end" },
	{ SASL_OAUTHBEARER, TEXT("n,a=x=2,\001auth=Bearer abc\001\001"), NULL, NULL, "escape" },
	{ SASL_OAUTHBEARER, TEXT("n,,auth=Bearer abc\001\001"), NULL, NULL, "no ^A" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer abc\001"), NULL, NULL, "cut off" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer abc"), NULL, NULL, "cut off" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer abc\001\001x"), NULL, NULL, "more after" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer \001\001"), NULL, NULL, "no token" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Basic abc\001\001"), NULL, NULL, "not Bearer" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer a\001auth=Bearer b\001\001"), NULL, NULL,
		"two" },
	{ SASL_OAUTHBEARER, TEXT("n,a=x,\001user=y\001auth=Bearer b\001\001"), NULL, NULL, "two" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001\001"), NULL, NULL, "no token" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001"), NULL, NULL, "cut off" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001junk\001\001"), NULL, NULL, "without =" },
	{ SASL_OAUTHBEARER, TEXT("n,,\001auth=Bearer a\0b\001\001"), NULL, NULL, "NUL" },
	{ SASL_OAUTHBEARER, TEXT(""), NULL, NULL, "GS2" },
};

START_TEST(reads_one_response)
	{
		struct sasl *sasl = sasl_new(rows[_i].mechanism);
		struct errmsg err = { "" };
		enum sasl_step step = sasl_step(sasl, rows[_i].response, rows[_i].len, &err);

		if (rows[_i].login == NULL) {
			ck_assert_int_eq(step, SASL_FAILED);
			ck_assert_msg(strstr(err.text, rows[_i].why) != NULL, "%s", err.text);
		} else {
			ck_assert_msg(step == SASL_CREDENTIALS, "%s", err.text);
			ck_assert_str_eq(sasl_credentials(sasl).login, rows[_i].login);
			ck_assert_str_eq(sasl_credentials(sasl).secret, rows[_i].secret);
			ck_assert_int_eq(sasl_credentials(sasl).is_bearer,
				rows[_i].mechanism >= SASL_OAUTHBEARER);
		}
		ck_assert_int_eq(sasl_step(sasl, "x", 1, &err),
			SASL_FAILED); /* no step after the end */
		sasl_free(&sasl);
		ck_assert_ptr_null(sasl);
	}
END_TEST

static void challenged(struct sasl *sasl, enum sasl_step step, const char *want)
{
	size_t len = 99;

	ck_assert_int_eq(step, SASL_CHALLENGE);
	ck_assert_str_eq(sasl_challenge(sasl, &len), want);
	ck_assert_uint_eq(len, strlen(want));
}

START_TEST(asks_when_there_is_no_initial_response)
	{
		static const enum sasl_mechanism asked[] = { SASL_PLAIN, SASL_OAUTHBEARER,
			SASL_XOAUTH2 };
		struct sasl *sasl = sasl_new(asked[_i]);
		struct errmsg err;

		challenged(sasl, sasl_step(sasl, NULL, 0, &err), "");
		ck_assert_int_eq(_i == 0 ?
				sasl_step(sasl, TEXT("\0bob\0x"), &err) :
				sasl_step(sasl, TEXT("user=bob\001auth=Bearer x\001\001"), &err),
			SASL_CREDENTIALS);
		ck_assert_str_eq(sasl_credentials(sasl).secret, "x");
		sasl_free(&sasl);
	}
END_TEST

START_TEST(login_asks_twice)
	{
		struct sasl *sasl = sasl_new(SASL_LOGIN);
		struct errmsg err;

		challenged(sasl,
			_i == 0 ? sasl_step(sasl, NULL, 0, &err) : sasl_step(sasl, "", 0, &err),
			"Username:");
		ck_assert_str_eq(sasl_login(sasl), "");
		challenged(sasl, sasl_step(sasl, TEXT("bob"), &err), "Password:");
		ck_assert_str_eq(sasl_login(sasl), "bob");
		ck_assert_int_eq(sasl_step(sasl, TEXT("secret"), &err), SASL_CREDENTIALS);
		ck_assert_str_eq(sasl_credentials(sasl).login, "bob");
		ck_assert_str_eq(sasl_credentials(sasl).secret, "secret");
		ck_assert_int_eq(sasl_refuse(sasl), SASL_FAILED);
		sasl_free(&sasl);
	}
END_TEST

START_TEST(login_accepts_the_name_as_initial_response)
	{
		struct sasl *sasl = sasl_new(SASL_LOGIN);
		struct errmsg err;

		challenged(sasl, sasl_step(sasl, TEXT("bob"), &err), "Password:");
		ck_assert_int_eq(sasl_step(sasl, TEXT("sec\0ret"), &err), SASL_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
		sasl_free(&sasl);
	}
END_TEST

START_TEST(a_refused_bearer_gets_a_challenge_before_the_end)
	{
		struct sasl *sasl = sasl_new(_i == 0 ? SASL_OAUTHBEARER : SASL_XOAUTH2);
		struct errmsg err = { "" };
		size_t len;

		ck_assert_int_eq(sasl_step(sasl, TEXT("n,,\001auth=Bearer x\001\001"), &err),
			SASL_CREDENTIALS);
		ck_assert_int_eq(sasl_refuse(sasl), SASL_CHALLENGE);
		ck_assert_ptr_null(sasl_credentials(sasl).secret);
		ck_assert_ptr_nonnull(strstr(sasl_challenge(sasl, &len), "\"status\":"));
		ck_assert_int_eq(_i == 0 ? sasl_step(sasl, "\001", 1, &err) :
					   sasl_step(sasl, "", 0, &err),
			SASL_FAILED);
		ck_assert_str_eq(err.text, "");
		sasl_free(&sasl);
	}
END_TEST

START_TEST(refuses_text_that_is_too_long)
	{
		static char long_text[SASL_RESPONSE_MAX + 1];
		struct sasl *sasl = sasl_new(SASL_LOGIN);
		struct errmsg err;

		memset(long_text, 'a', sizeof(long_text));
		ck_assert_int_eq(sasl_step(sasl, long_text, sizeof(long_text), &err), SASL_FAILED);
		sasl_free(&sasl);
		sasl = sasl_new(SASL_LOGIN);
		ck_assert_int_eq(sasl_step(sasl, long_text, 513, &err), SASL_FAILED);
		ck_assert_ptr_nonnull(strstr(err.text, "longer than 512"));
		sasl_free(&sasl);
		sasl_free(&sasl); /* accepts NULL */
	}
END_TEST

START_TEST(finds_its_mechanisms)
	{
		enum sasl_mechanism mechanism = SASL_MECHANISMS;

		ck_assert_int_eq(sasl_find("xoauth2", &mechanism), 0);
		ck_assert_int_eq(mechanism, SASL_XOAUTH2);
		ck_assert_str_eq(sasl_name(SASL_OAUTHBEARER), "OAUTHBEARER");
		ck_assert_int_eq(sasl_find("CRAM-MD5", &mechanism), -1);
		ck_assert_int_eq(sasl_find("", &mechanism), -1);
		ck_assert_uint_eq(sasl_without(SASL_BIT(SASL_LOGIN) | SASL_BIT(SASL_XOAUTH2),
					  SASL_BEARER),
			SASL_BIT(SASL_LOGIN));
	}
END_TEST

static Suite *sasl_suite(void)
{
	Suite *suite = suite_create("sasl");
	TCase *tests = tcase_create("sasl");

	tcase_add_loop_test(tests, reads_one_response, 0, COUNT(rows));
	tcase_add_loop_test(tests, asks_when_there_is_no_initial_response, 0, 3);
	tcase_add_loop_test(tests, login_asks_twice, 0, 2);
	tcase_add_test(tests, login_accepts_the_name_as_initial_response);
	tcase_add_loop_test(tests, a_refused_bearer_gets_a_challenge_before_the_end, 0, 2);
	tcase_add_test(tests, refuses_text_that_is_too_long);
	tcase_add_test(tests, finds_its_mechanisms);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(sasl_suite)
