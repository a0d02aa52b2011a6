/*
 * Shows that logins are suspended and resumed, written and read, and that threads can share the
 * set.
 */
#include "lib/rules/suspensions.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void ck_written(struct suspensions *suspensions, const char *want)
{
	struct strbuf text = STRBUF_INIT;

	suspensions_write(suspensions, &text);
	ck_assert_str_eq(text.text != NULL ? text.text : "", want);
	strbuf_free(&text);
}

START_TEST(suspends_and_resumes_and_reports_changes)
	{
		struct suspensions *suspensions = suspensions_new();

		ck_assert(!suspensions_has(suspensions, "bob"));
		ck_assert_int_eq(suspensions_set(suspensions, "bob", false), 0);
		ck_assert_int_eq(suspensions_set(suspensions, "Bob", true), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "bOB", true), 0);
		ck_assert(suspensions_has(suspensions, "BOB"));
		ck_assert(!suspensions_has(suspensions, "bo"));
		ck_assert(!suspensions_has(suspensions, "bobb"));
		ck_assert_uint_eq(suspensions_count(suspensions), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "boB", false), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "bob", false), 0);
		ck_assert(!suspensions_has(suspensions, "bob"));
		ck_assert_uint_eq(suspensions_count(suspensions), 0);
		suspensions_free(&suspensions);
		ck_assert_ptr_null(suspensions);
		suspensions_free(&suspensions);
	}
END_TEST

START_TEST(without_any_nobody_is_suspended)
	{
		ck_assert(!suspensions_has(NULL, "bob"));
	}
END_TEST

static const struct {
	const char *login;
	bool taken;
} logins[] = {
	{ "bob", true },
	{ "bob@example.com", true },
	{ "TOKEN:bob@example.com", true },
	{ "two words", true },
	{ "b\xc3\xb6rje", true },
	{ "\xff", true },
	{ "b#", true },
	{ "", false },
	{ " ", true },
	{ " bob", true },
	{ "bob ", true },
	{ "#", true },
	{ "#bob", true },
	{ "##", true },
	{ "\\", true },
	{ "\\#bob", true },
	{ "\\x23bob", true },
	{ "CORP\\bob", true },
	{ "bob\\", true },
	{ "bob\nalice", true },
	{ "\n", true },
	{ "bob\r", true },
	{ "\tbob", true },
	{ "bo\x01", true },
	{ "bob\x7f", true },
	{ "\x1b]0;x\x07", true },
};
START_TEST(suspends_every_login_that_can_exist)
	{
		struct suspensions *suspensions = suspensions_new(), *again = suspensions_new();
		struct strbuf text = STRBUF_INIT;

		ck_assert_int_eq(suspensions_set(suspensions, logins[_i].login, true),
			logins[_i].taken ? 1 : -1);
		ck_assert(suspensions_has(suspensions, logins[_i].login) == logins[_i].taken);
		ck_assert_uint_eq(suspensions_count(suspensions), logins[_i].taken);
		suspensions_write(suspensions, &text);
		ck_assert_int_eq(suspensions_read(again, text.text == NULL ? "" : text.text,
					 text.len, NULL),
			0);
		ck_assert(suspensions_has(again, logins[_i].login) == logins[_i].taken);
		ck_assert_uint_eq(suspensions_count(again), logins[_i].taken);
		strbuf_free(&text);
		suspensions_free(&again);
		ck_assert_int_eq(suspensions_set(suspensions, logins[_i].login, false),
			logins[_i].taken ? 1 : -1);
		suspensions_free(&suspensions);
	}
END_TEST

START_TEST(a_name_has_2100_bytes_at_most)
	{
		struct suspensions *suspensions = suspensions_new();
		char login[SUSPENSION_LOGIN_MAX + 3];

		memset(login, 'b', sizeof(login));
		login[SUSPENSION_LOGIN_MAX + 1] = '\n';
		login[SUSPENSION_LOGIN_MAX + 2] = '\0';
		ck_assert_int_eq(suspensions_read(suspensions, login, SUSPENSION_LOGIN_MAX + 2,
					 NULL),
			-1);
		ck_assert_int_eq(suspensions_read(suspensions, login + 1, SUSPENSION_LOGIN_MAX + 1,
					 NULL),
			0);
		ck_assert_uint_eq(suspensions_count(suspensions), 1);
		login[SUSPENSION_LOGIN_MAX + 1] = '\0';
		ck_assert_int_eq(suspensions_set(suspensions, login, true), -1);
		ck_assert(!suspensions_has(suspensions, login));
		ck_assert_int_eq(suspensions_set(suspensions, login + 1, true), 0);
		ck_assert(suspensions_has(suspensions, login + 1));
		suspensions_free(&suspensions);
	}
END_TEST

START_TEST(writes_a_line_each_sorted_and_reads_it_back)
	{
		static const char *const names[] = { "mallory", "Bob", "alice", "eve", "zoe",
			"TOKEN:a@b.example", "bobby", "10", "9" };
		struct suspensions *suspensions = suspensions_new(), *again = suspensions_new();
		struct strbuf text = STRBUF_INIT;

		ck_written(suspensions, "");
		for (int i = 0; i < COUNT(names); i++)
			ck_assert_int_eq(suspensions_set(suspensions, names[i], true), 1);
		suspensions_write(suspensions, &text);
		ck_assert_str_eq(text.text,
			"10\n9\nalice\nbob\nbobby\neve\nmallory\ntoken:a@b.example\nzoe\n");
		ck_assert_int_eq(suspensions_read(again, text.text, text.len, NULL), 0);
		ck_written(again, text.text);
		strbuf_free(&text);
		suspensions_free(&suspensions);
		suspensions_free(&again);
	}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *want; /* NULL: refused */
} texts[] = {
#define TEXT(literal) literal, sizeof(literal) - 1
	{ TEXT(""), "" },
	{ TEXT("\n\n"), "" },
	{ TEXT("# eve\n"), "" },
	{ TEXT("#"), "" },
	{ TEXT("bob"), "bob\n" },
	{ TEXT("bob\n\nEve\n#bobby\nbob\n"), "bob\neve\n" },
	{ TEXT("#\0\xff\r\x01\nbob\n"), "bob\n" },
	{ TEXT("\\x23eve\nbob"), "\\x23eve\nbob\n" },
	{ TEXT("b\\x4fb"), "bob\n" },
	{ TEXT("\\x20\n\\x20bob\nbob\\x20\n"), "\\x20\n\\x20bob\nbob\\x20\n" },
	{ TEXT("bob\\x0aeve"), "bob\\x0aeve\n" },
	{ TEXT("corp\\bob\nb\\\nb\\x4\nb\\xzz"), "b\\x5c\nb\\x5cx4\nb\\x5cxzz\ncorp\\x5cbob\n" },
	{ TEXT("b\\x5cx23"), "b\\x5cx23\n" },
	{ TEXT("bob\\x00"), NULL },
	{ TEXT("bob\n eve\n"), NULL },
	{ TEXT("bob\neve \n"), NULL },
	{ TEXT("bob\r\neve\r\n"), NULL },
	{ TEXT("bob\nev\0e\n"), NULL },
	{ TEXT("bob\n\0"), NULL },
	{ TEXT("bob\n\tx"), NULL },
};
START_TEST(reads_all_of_a_text_or_changes_nothing)
	{
		struct suspensions *suspensions = suspensions_new();
		char *copy = malloc(texts[_i].len > 0 ? texts[_i].len : 1);

		memcpy(copy, texts[_i].text, texts[_i].len); /* without a NUL */
		ck_assert_int_eq(suspensions_set(suspensions, "old", true), 1);
		ck_assert_int_eq(suspensions_read(suspensions, copy, texts[_i].len, NULL),
			texts[_i].want != NULL ? 0 : -1);
		ck_written(suspensions, texts[_i].want != NULL ? texts[_i].want : "old\n");
		free(copy);
		suspensions_free(&suspensions);
	}
END_TEST

START_TEST(a_text_cut_anywhere_contains_whole_lines_or_the_beginning_of_one)
	{
		static const char text[] = "alice\nbob\nmallory\n";

		for (size_t len = 0; len < sizeof(text); len++) {
			struct suspensions *suspensions = suspensions_new();
			struct strbuf written = STRBUF_INIT;

			ck_assert_int_eq(suspensions_read(suspensions, text, len, NULL), 0);
			suspensions_write(suspensions, &written);
			ck_assert_uint_eq(written.len,
				len == 0 || text[len - 1] == '\n' ? len : len + 1);
			ck_assert_mem_eq(written.text != NULL ? written.text : "", text, len);
			strbuf_free(&written);
			suspensions_free(&suspensions);
		}
	}
END_TEST

START_TEST(a_million_is_the_bound)
	{
		struct suspensions *suspensions = suspensions_new();
		struct strbuf text = STRBUF_INIT;

		for (unsigned i = 0; i < SUSPENSIONS_MAX; i++)
			strbuf_addf(&text, "u%07u\n", i);
		ck_assert_int_eq(suspensions_read(suspensions, text.text, text.len, NULL), 0);
		ck_assert_uint_eq(suspensions_count(suspensions), SUSPENSIONS_MAX);
		ck_assert_int_eq(suspensions_set(suspensions, "zoe", true), -1);
		ck_assert_int_eq(suspensions_set(suspensions, "u0000007", true), 0);
		strbuf_add_str(&text, "zoe\n");
		ck_assert_int_eq(suspensions_read(suspensions, text.text, text.len, NULL), -1);
		ck_assert_uint_eq(suspensions_count(suspensions), SUSPENSIONS_MAX);
		ck_assert_int_eq(suspensions_set(suspensions, "u0000007", false), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "zoe", true), 1);
		ck_assert(suspensions_has(suspensions, "u0999999"));
		ck_assert(!suspensions_has(suspensions, "u0000007"));
		strbuf_free(&text);
		suspensions_free(&suspensions);
	}
END_TEST

static void append(void *context, const char *login)
{
	strbuf_addf(context, "[%s]", login);
}

START_TEST(each_gives_the_logins_themselves)
	{
		struct suspensions *suspensions = suspensions_new();
		struct strbuf text = STRBUF_INIT;

		ck_assert_int_eq(suspensions_set(suspensions, "Bob", true), 1);
		ck_assert_int_eq(suspensions_set(suspensions, "#a\\\n", true), 1);
		suspensions_each(suspensions, append, &text);
		ck_assert_str_eq(text.text, "[#a\\\n][bob]");
		strbuf_free(&text);
		suspensions_free(&suspensions);
	}
END_TEST

/* ---- threads ------------------------------------------------------------------- */

#define THREADS 8
#define NAMES_EACH 200

struct part {
	struct suspensions *suspensions;
	unsigned number, wrong;
};

/* Each thread adds and removes its own names; the name of all threads always stays. */
static void *come_and_go(void *argument)
{
	struct part *part = argument;
	struct strbuf text = STRBUF_INIT;
	char login[32];

	for (unsigned i = 0; i < NAMES_EACH; i++) {
		(void)snprintf(login, sizeof(login), "%u-%u", i, part->number);
		part->wrong += suspensions_set(part->suspensions, login, true) != 1;
		part->wrong += !suspensions_has(part->suspensions, login);
		part->wrong += !suspensions_has(part->suspensions, "always");
		if (i % 2 == 0)
			part->wrong += suspensions_set(part->suspensions, login, false) != 1;
		if (i % 50 == 0)
			suspensions_write(part->suspensions, &text);
	}
	strbuf_free(&text);
	return NULL;
}

START_TEST(threads_share_it)
	{
		struct suspensions *suspensions = suspensions_new();
		struct part parts[THREADS];
		pthread_t threads[THREADS];

		ck_assert_int_eq(suspensions_set(suspensions, "always", true), 1);
		for (unsigned i = 0; i < THREADS; i++) {
			parts[i] = (struct part){ suspensions, i, 0 };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &parts[i]),
				0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			(void)pthread_join(threads[i], NULL);
			ck_assert_uint_eq(parts[i].wrong, 0);
		}
		ck_assert_uint_eq(suspensions_count(suspensions), 1 + THREADS * NAMES_EACH / 2);
		suspensions_free(&suspensions);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suspensions");
	TCase *tcase = tcase_create("suspensions");

	tcase_add_test(tcase, suspends_and_resumes_and_reports_changes);
	tcase_add_test(tcase, without_any_nobody_is_suspended);
	tcase_add_loop_test(tcase, suspends_every_login_that_can_exist, 0, COUNT(logins));
	tcase_add_test(tcase, a_name_has_2100_bytes_at_most);
	tcase_add_test(tcase, writes_a_line_each_sorted_and_reads_it_back);
	tcase_add_loop_test(tcase, reads_all_of_a_text_or_changes_nothing, 0, COUNT(texts));
	tcase_add_test(tcase, a_text_cut_anywhere_contains_whole_lines_or_the_beginning_of_one);
	if (unit_times(1) > 0) /* not under memcheck: a million names take 15 s of it */
		tcase_add_test(tcase, a_million_is_the_bound);
	tcase_add_test(tcase, each_gives_the_logins_themselves);
	tcase_add_test(tcase, threads_share_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
