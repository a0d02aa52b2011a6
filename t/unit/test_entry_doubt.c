/*
 * Shows which entries that can match are reported because they are probably meant as something
 * else, and with which reason.
 */
#include <string.h>

#include "lib/rules/entry_check.h"
#include "lib/rules/host_word.h"
#include "lib/rules/list.h"
#include "t/unit/unit.h"

static const struct {
	enum entry_kind kind;
	const char *text;
	const char *reason; /* a part of the note; NULL: no doubt */
} entries[] = {
	{ ENTRY_ADDRESS, "news@example.com", NULL },
	{ ENTRY_ADDRESS, "news*@example.com", "contains *, which is not a wildcard" },
	{ ENTRY_ADDRESS, "*@example.com", "contains *, which is not a wildcard" },
	{ ENTRY_ADDRESS, "!news@example.com", "begins with !, which makes no exception here" },
	{ ENTRY_ADDRESS, "-news@example.com", "begins with -, which makes no exception" },
	{ ENTRY_ADDRESS, "'news'@example.com", "has quotes" },
	{ ENTRY_ADDRESS, "\u2018news\u2019@example.com", "has quotes" },
	{ ENTRY_ADDRESS, "\u201cnews\u201d@example.com", "has quotes" },
	{ ENTRY_ADDRESS, "\u201enews\u201c@example.com", "has quotes" },
	{ ENTRY_ADDRESS, "\u00abnews\u00bb@example.com", "has quotes" },
	{ ENTRY_ADDRESS, "'news@example.com", NULL }, /* one quote is a part of a name: o'neil */
	{ ENTRY_ADDRESS, "''@example.com", NULL },
	{ ENTRY_ADDRESS, "\"news*\"@example.com", NULL }, /* quotes say that it is meant */
	{ ENTRY_ADDRESS, "news%example.com@example.net",
		"matches only this spelling of news@example.com" },
	{ ENTRY_ADDRESS, "news%reply@example.net", NULL }, /* reply is no full domain */
	{ ENTRY_ADDRESS, "@example.com", NULL },
	{ ENTRY_ADDRESS, ".example.com", NULL },
	{ ENTRY_ADDRESS, ".ru", NULL },
	{ ENTRY_ADDRESS, "ru",
		"\"ru\" matches only addresses without a domain; add @ and the domain, or a "
		"dot before a top-level domain" },
	{ ENTRY_ADDRESS, "bob", "matches only addresses without a domain" },
	{ ENTRY_ADDRESS, "Postmaster", NULL },
	{ ENTRY_ADDRESS, "\"bob\"", NULL },
	{ ENTRY_RCPT, "bob", "without a domain; add @ and the domain" },
	{ ENTRY_RCPT, "postmaster", NULL },
	{ ENTRY_FROM, "news*@example.com", "contains *, which is not a wildcard" },
	{ ENTRY_RCPT, "-news@example.com", "begins with -" },
	{ ENTRY_ANY, "!news@example.com", NULL }, /* here it is an exception */
	{ ENTRY_ANY, "! news@example.com", NULL },
	{ ENTRY_ANY, "!-news@example.com", "begins with -" },
	{ ENTRY_ANY, "example.com", NULL },
	{ ENTRY_HOST, "example.com", NULL },
	{ ENTRY_CLIENT, "unknown", "Postfix's word for clients without a name" },
	{ ENTRY_CLIENT, "Unknown", "Postfix's word for clients without a name" },
	{ ENTRY_CLIENT, "ALL", "a word for all clients in hosts_access(5)" },
	{ ENTRY_CLIENT, "local", "whose name has no dot in hosts_access(5)" },
	{ ENTRY_CLIENT, "allied",
		"\"allied\" matches only this name, which has no dot; write a dot before a top-level "
		"domain" },
	{ ENTRY_CLIENT, "localhost", NULL },
	{ ENTRY_CLIENT, ".ru", NULL },
	{ ENTRY_CLIENT, "2001:db8::1", NULL },
	{ ENTRY_CLIENT, "::", NULL },
	{ ENTRY_HOST, "ru", "matches only this name, which has no dot" },
	{ ENTRY_HOST, ".ru", NULL },
	{ ENTRY_HOST, "LocalHost", NULL },
	{ ENTRY_HOST, "[::1]", NULL },
	{ ENTRY_CLIENT, "mail.example.com", NULL },
	{ ENTRY_CLIENT, "192.0.2.7", NULL },
};
START_TEST(a_doubtful_entry_is_noted_with_the_reason)
	{
		const char *text = entries[_i].text, *reason = entries[_i].reason;
		struct errmsg note = { "" };

		ck_assert_int_eq(entry_is_doubtful(entries[_i].kind, text, strlen(text), &note),
			reason != NULL);
		ck_assert_msg(strstr(note.text, reason != NULL ? reason : "") != NULL, "%s",
			note.text);
		ck_assert_int_eq(note.text[0] == '"', reason != NULL);
	}
END_TEST

static const struct {
	const char *list; /* one entry */
	enum list_id id;
	size_t notes;
} local[] = {
	{ "root@localhost", LIST_RCPT_DENY, 1 },
	{ "root@localhost.corp.example", LIST_RCPT_ALLOW, 1 },
	{ "bob@[127.0.0.1]", LIST_RCPT_DENY, 1 },
	{ "jim@mx", LIST_RCPT_DENY, 1 },
	{ "root@localhost", LIST_MAIL_DENY, 0 }, /* most MTAs do not rewrite senders */
	{ "postmaster", LIST_RCPT_DENY, 0 },
	{ "@localhost", LIST_RCPT_DENY, 0 },
	{ ".localhost", LIST_RCPT_DENY, 0 },
	{ "bob@corp.example", LIST_RCPT_DENY, 0 },
};
START_TEST(a_recipient_at_a_name_of_the_machine_is_noted)
	{
		struct problems *problems = problems_new();
		struct list *list = list_build(local[_i].id, local[_i].list, strlen(local[_i].list),
			NULL, problems);

		ck_assert_uint_eq(list_entries(list), 1);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), local[_i].notes);
		if (local[_i].notes > 0)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				"matches only recipients that are written so"));
		list_unref(&list);
		problems_free(&problems);
	}
END_TEST

START_TEST(a_long_entry_is_cut_in_its_note)
	{
		char text[600];
		struct errmsg note = { "" };

		memset(text, 'a', sizeof(text));
		memcpy(text, "*", 1);
		memcpy(text + 500, "@example.com", 12);
		ck_assert(entry_is_doubtful(ENTRY_ADDRESS, text, 512, &note));
		ck_assert_ptr_nonnull(strstr(note.text, "contains *"));
		ck_assert_uint_lt(strlen(note.text), 250);
	}
END_TEST

START_TEST(words_of_hosts_access_are_found_in_any_case_and_whole)
	{
		ck_assert_str_eq(host_word_find("paranoid", 8)->word, "PARANOID");
		ck_assert_str_eq(host_word_find("ALLOW", 3)->word, "ALL");
		ck_assert_ptr_null(host_word_find("ALLOW", 5));
		ck_assert_ptr_null(host_word_find("AL", 2));
		ck_assert_ptr_null(host_word_find("", 0));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("entry_doubt");
	TCase *tcase = tcase_create("entry_doubt");

	tcase_add_loop_test(tcase, a_doubtful_entry_is_noted_with_the_reason, 0, ROWS(entries));
	tcase_add_loop_test(tcase, a_recipient_at_a_name_of_the_machine_is_noted, 0, ROWS(local));
	tcase_add_test(tcase, a_long_entry_is_cut_in_its_note);
	tcase_add_test(tcase, words_of_hosts_access_are_found_in_any_case_and_whole);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
