/*
 * The saslauthd protocol: requests that are whole, incomplete or malformed, the realm that is
 * joined to the login again, and answers.
 */
#include <string.h>

#include "lib/auth/saslauthd_proto.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct {
	const char *bytes;
	size_t len;
	const char *login, *password;
	const char *client; /* once all bytes are there; NULL: not known */
} good[] = {
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0"), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\13example.com"), "bob@example.com", "secret", NULL },
	{ BYTES("\0\3a@b\0\1x\0\0\0\1c"), "a@b@c", "x", NULL },
	/* the fifth string, as libsasl writes it and in other forms */
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\017192.0.2.7;54321"), "bob", "secret",
		"192.0.2.7" },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\1d\0\0212001:db8::1;54321"), "bob@d", "secret",
		"2001:db8::1" },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\t192.0.2.7"), "bob", "secret", "192.0.2.7" },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\0"), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\13192.0.2.0/24"), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\03lo;"), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\t192.0\0.2."), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\377192.0.2.7"), "bob", "secret", NULL },
	{ BYTES("\0\3bob\0\6secret\0\4smtp\0\0\0\t192.0.2.7more"), "bob", "secret", "192.0.2.7" },
	{ BYTES("\0\0\0\0\0\0\0\0"), "", "", NULL },
};

START_TEST(reads_a_request_as_soon_as_it_is_whole)
	{
		struct saslauthd_request *request = malloc(sizeof(*request));
		char client[CIDR_TEXT_SIZE];
		struct errmsg err;
		size_t len;

		for (len = 0; saslauthd_parse(good[_i].bytes, len, request, &err) == SASLAUTHD_MORE;
			len++)
			ck_assert_uint_lt(len, good[_i].len);
		ck_assert_int_eq(saslauthd_parse(good[_i].bytes, len, request, &err),
			SASLAUTHD_WHOLE);
		ck_assert_int_eq(request->client.family, AF_UNSPEC); /* it does not wait for it */
		ck_assert_int_eq(saslauthd_parse(good[_i].bytes, good[_i].len, request, &err),
			SASLAUTHD_WHOLE);
		ck_assert_str_eq(request->login, good[_i].login);
		ck_assert_str_eq(request->password, good[_i].password);
		cidr_format(&request->client, client);
		ck_assert_str_eq(client, good[_i].client == NULL ? "" : good[_i].client);
		free(request);
	}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *why;
} bad[] = {
	/* The lengths that a client made up are not part of the text: it would be a line of the log
	 * for each of them. */
	{ BYTES("\4\1"), "a string is longer than 1024 bytes" },
	{ BYTES("\377\377"), "a string is longer than 1024 bytes" },
	{ BYTES("\0\3bob\60\1"), "a string is longer than 12288 bytes" },
	{ BYTES("\0\3b\0b"), "NUL" },
	{ BYTES("\0\3b\0"), "NUL" },
	{ BYTES("\0\3bob\0\2x\0"), "NUL" },
	{ BYTES("\0\3bob\0\1x\0\4smtp\17\377"), "a string is longer than 1024 bytes" },
};

START_TEST(refuses_text_that_is_too_long_or_contains_a_nul)
	{
		struct saslauthd_request *request = malloc(sizeof(*request));
		struct errmsg err = { "" };

		ck_assert_int_eq(saslauthd_parse(bad[_i].bytes, bad[_i].len, request, &err),
			SASLAUTHD_BAD);
		ck_assert_msg(strstr(err.text, bad[_i].why) != NULL, "%s", err.text);
		free(request);
	}
END_TEST

START_TEST(a_request_of_the_longest_strings_fits)
	{
		struct saslauthd_request *request = malloc(sizeof(*request));
		static const size_t lens[] = { SASLAUTHD_NAME_MAX, SASLAUTHD_PASSWORD_MAX,
			SASLAUTHD_NAME_MAX, SASLAUTHD_NAME_MAX };
		char *bytes = malloc(SASLAUTHD_REQUEST_MAX), *to = bytes;

		for (int i = 0; i < 4; i++) {
			*to++ = (char)(lens[i] >> 8);
			*to++ = (char)(lens[i] & 0xff);
			memset(to, 'a', lens[i]);
			to += lens[i];
		}
		ck_assert_int_eq(saslauthd_parse(bytes, SASLAUTHD_REQUEST_MAX, request, NULL),
			SASLAUTHD_WHOLE);
		ck_assert_uint_eq(strlen(request->login), 2 * SASLAUTHD_NAME_MAX + 1);
		ck_assert_uint_eq(strlen(request->password), SASLAUTHD_PASSWORD_MAX);
		free(bytes);
		free(request);
	}
END_TEST

START_TEST(answers_with_a_counted_string)
	{
		struct strbuf out = STRBUF_INIT;

		saslauthd_answer(&out, "OK");
		saslauthd_answer(&out, "NO way");
		ck_assert_uint_eq(out.len, 12);
		ck_assert_mem_eq(out.text, "\0\2OK\0\6NO way", 12);
		strbuf_free(&out);
	}
END_TEST

static Suite *saslauthd_suite(void)
{
	Suite *suite = suite_create("saslauthd_proto");
	TCase *tests = tcase_create("saslauthd_proto");

	tcase_add_loop_test(tests, reads_a_request_as_soon_as_it_is_whole, 0, COUNT(good));
	tcase_add_loop_test(tests, refuses_text_that_is_too_long_or_contains_a_nul, 0, COUNT(bad));
	tcase_add_test(tests, a_request_of_the_longest_strings_fits);
	tcase_add_test(tests, answers_with_a_counted_string);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(saslauthd_suite)
