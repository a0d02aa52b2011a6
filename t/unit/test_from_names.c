/*
 * Shows which addresses are found in the names of From fields, and which names may show anything
 * else. test_from_header.c has the fields that a login may use.
 */
#include "lib/match/from_names.h"

#include <string.h>
#include <time.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

static const struct {
	const char *value;
	bool want;
	const char *found; /* the canonical addresses, each followed by a space */
} rows[] = {
	{ "", true, "" },
	{ "Jane", true, "" },
	{ "a@b.c", true, "a@b.c " },
	{ "\"Doe, Jane <a@b.c>\" <d@E.f>", true, "a@b.c d@e.f " },
	{ "\"'a@b.c'\"", true, "a@b.c " },
	{ "' ' '' O'Neil, d'", true, "" },
	{ "a@b.c d@e.f", false, "a@b.c " },
	{ "Jane a@b.c", false, "" },
	{ "a@b.c Jane", false, "a@b.c " },
	{ "a@b.c '", false, "a@b.c " },
	{ "a@b.c (Jane)", false, "a@b.c " },
	{ "(Jane), a@b.c", true, "a@b.c " },
	{ "a@b.c\"x\"", false, "a@b.c " },
	{ "mailto:a@b.c;x", true, "a@b.c " },
	{ "@", false, "" },
	{ "@b.c", false, "" },
	{ "a@", false, "" },
	{ "a@b@c", false, "" },
	{ "a @ b", false, "" },
	{ "bank.e", false, "" },
	{ ".e", false, "" },
	{ "J. R. Doe", true, "" },
	{ "bank!e", false, "" },
	{ "Me! 100%", true, "" },
	{ "a\\b", false, "" },
	{ "a\\\\b", true, "" },
	{ "\"5\\\" x\"", true, "" },
	{ "\\\\\"", true, "" },
	{ "\\=?utf-8?q?a?=", false, "" },
	{ "a\\\\@b", false, "" },
	{ "x, \\\"a@b\\\"", false, "" },
	{ "a[b", false, "" },
	{ "a]b", false, "" },
	{ "a\x01", false, "" },
	{ "a\r\n\tb", true, "" },
	{ "a\u3002"
	  "b",
		false, "" },
	{ "=?utf-8?q?Doe=2C_=3Ca=40b.c=3E?=", true, "a@b.c " },
	{ "=?utf-8?q?a=40b.c?= =?utf-8?q?d?=", false, "a@b.c " },
	{ "=?utf-8?q?a=00?=", false, "" },
	{ "=?utf-8?q?=3D=3Fx?=", false, "" },
	{ "=?utf-16?q?a?=", false, "" },
	{ "a =? b", false, "" },
};

static bool collect(void *context, const struct mail_address *address)
{
	struct strbuf *found = context;

	strbuf_add(found, address->canon, address->canon_len);
	strbuf_add_char(found, ' ');
	return true;
}

START_TEST(finds_the_addresses_in_names)
	{
		const size_t len = strlen(rows[_i].value);
		char *copy = malloc(len + (len == 0)); /* without a NUL: ASan sees reads past it */
		struct strbuf found = STRBUF_INIT;
		bool result;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, rows[_i].value, len);
		result = from_names_parse(copy, len, collect, &found);
		strbuf_add(&found, "", 0);
		ck_assert_msg(result == rows[_i].want && strcmp(found.text, rows[_i].found) == 0,
			"%s: %d [%s]", rows[_i].value, (int)result, found.text);
		strbuf_free(&found);
		free(copy);
	}
END_TEST

static bool refuse(void *context, const struct mail_address *address)
{
	(void)address;
	++*(unsigned *)context;
	return false;
}

START_TEST(stops_when_each_returns_false)
	{
		unsigned calls = 0;

		ck_assert(!from_names_parse("a@b.c, d@e.f", 12, refuse, &calls));
		ck_assert_uint_eq(calls, 1);
	}
END_TEST

/* A word of ADDRESS_MAX bytes is read, a longer one is not. */
START_TEST(bounds_a_word)
	{
		char value[ADDRESS_MAX + 1];
		struct strbuf found = STRBUF_INIT;

		memset(value, 'a', sizeof(value));
		ck_assert(from_names_parse(value, ADDRESS_MAX, collect, &found));
		ck_assert(!from_names_parse(value, ADDRESS_MAX + 1, collect, &found));
		strbuf_free(&found);
	}
END_TEST

static const char *const bricks[] = { "a, ", "a@b,", "=?utf-8?q?a?= ", "\"", "<", "'" };

/* A quadratic reader would need minutes; this takes milliseconds. */
START_TEST(takes_linear_time)
	{
		const size_t len = unit_times(1 << 18), unit = strlen(bricks[_i]);
		char *value = malloc(len);
		struct timespec from, to;
		struct strbuf found = STRBUF_INIT;

		ck_assert_ptr_nonnull(value);
		for (size_t i = 0; i < len; i++)
			value[i] = bricks[_i][i % unit];
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		(void)from_names_parse(value, len, collect, &found);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ck_assert_int_lt(to.tv_sec - from.tv_sec, 20);
		strbuf_free(&found);
		free(value);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_names");
	TCase *tcase = tcase_create("from_names");

	tcase_add_loop_test(tcase, finds_the_addresses_in_names, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, stops_when_each_returns_false);
	tcase_add_test(tcase, bounds_a_word);
	tcase_add_loop_test(tcase, takes_linear_time, 0, sizeof(bricks) / sizeof(bricks[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
