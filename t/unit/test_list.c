/*
 * Shows that lists report bad lines and keep the others, match regexes, and are counted by
 * reference.
 */
#include "lib/rules/list.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dlfcn.h>
#include <pcre2.h>

static struct orgdomain *psl;
static struct problems *problems;

static void setup(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(orgdomain_default(&psl, &err) == 0, "%s", err.text);
	problems = problems_new();
	ck_assert_ptr_nonnull(problems);
}

static void teardown(void)
{
	problems_free(&problems);
	orgdomain_unref(&psl);
}

static const char *const names[LIST_COUNT] = { "connect.rdns_access.whitelist",
	"connect.rdns_access.whitelist_regex", "connect.rdns_access.blacklist",
	"connect.rdns_access.blacklist_regex", "helo.checks.regexps", "mail_from.access.whitelist",
	"mail_from.access.whitelist_regex", "mail_from.access.blacklist",
	"mail_from.access.blacklist_regex", "rcpt_to.access.whitelist",
	"rcpt_to.access.whitelist_regex", "rcpt_to.access.blacklist",
	"rcpt_to.access.blacklist_regex", "access.domains" };

static bool is_regex_list(int id)
{
	return strstr(names[id], "regex") != NULL;
}

START_TEST(each_list_has_its_files_name)
	{
		ck_assert_str_eq(list_name((enum list_id)_i), names[_i]);
	}
END_TEST

START_TEST(an_empty_list_lists_nothing)
	{
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct list *list =
			list_build((enum list_id)_i, "\n# nothing\n", 11, psl, problems);
		struct mail_address address;
		struct errmsg err = { "" };
		struct cidr client;
		uint32_t line = 77;

		ck_assert_ptr_nonnull(list);
		ck_assert(regexlist_is_prepared(list_regexes(list)));
		ck_assert_uint_eq(list_entries(list), 0);
		ck_assert_int_eq(cidr_parse("192.0.2.1", &client, &err), 0);
		ck_assert_int_eq(address_parse("a@b.example", 11, &address), 0);
		ck_assert_int_eq(list_find_client(list, &client, &line), LIST_NO);
		ck_assert_int_eq(list_find_host(list, "b.example", &line), LIST_NO);
		ck_assert_int_eq(list_find_address(list, &address, "", &line), LIST_NO);
		ck_assert_int_eq(list_match(list, scratch, "b.example", 9, &line), LIST_NO);
		ck_assert_int_eq(list_any_host(list, "b.example", &line), ANY_UNLISTED);
		ck_assert_int_eq(list_any_address(list, &address, "", &line), ANY_UNLISTED);
		ck_assert_uint_eq(line, 77);
		ck_assert_uint_eq(problems_count(problems), 0);
		list_unref(&list);
		ck_assert_ptr_null(list);
		list_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

/* A bad line is left out and reported, and the others are in force. */
static const struct {
	enum list_id id;
	const char *text;
	size_t entries;
	const char *problem;
} bad[] = {
	{ LIST_CONN_DENY, "a.example\n192.0.2.1/24\nb.example", 2,
		"connect.rdns_access.blacklist:2: \"192.0.2.1/24\" has bits set that do not belong to "
		"the network; write 192.0.2.0/24; left out" },
	{ LIST_CONN_ALLOW, "192.0.2.0/33", 0,
		"connect.rdns_access.whitelist:1: \"192.0.2.0/33\" is not a network: an address, a "
		"slash and the number of bits; left out" },
	{ LIST_MAIL_DENY, "evil.example\nc@d.example", 1,
		"mail_from.access.blacklist:1: \"evil.example\" has no @, so that it is not a mail "
		"address; write @evil.example or .evil.example; left out" },
	{ LIST_RCPT_ALLOW, "\n\n<a@b.example>\nc@d.example", 1,
		"rcpt_to.access.whitelist:3: \"<a@b.example>\" has angle brackets; write a@b.example; "
		"left out" },
	{ LIST_MAIL_DENY_RE, "a\n(b\nc", 2,
		"mail_from.access.blacklist_regex:2: regex \"(b\" cannot be compiled: missing closing "
		"parenthesis at character 3; left out" },
	{ LIST_HELO_DENY_RE, "*.example.com", 0,
		"helo.checks.regexps:1: \"*.example.com\" is a wildcard, not a regex; write "
		".*\\.example\\.com; left out" },
	{ LIST_MAIL_DENY_RE, "/@b\\.example$/ REJECT\nx@b\\.example", 1,
		"mail_from.access.blacklist_regex:1: \"/@b\\.example$/ REJECT\" has slashes around the "
		"regex, and an action after it; write .*@b\\.example; left out" },
	{ LIST_DOMAINS, "co.uk\nexample.com", 1,
		"access.domains:1: \"co.uk\" is a public suffix, below which anybody may register a "
		"domain; left out" },
	/* What another program's table allows is not suggested for the list that denies. */
	{ LIST_MAIL_DENY, "a@b.example OK", 0,
		"mail_from.access.blacklist:1: \"a@b.example OK\" contains white space, but an "
		"entry is a single word; write a@b.example in mail_from.access.whitelist; left out" },
	{ LIST_MAIL_ALLOW, "a@b.example\t550 no, ok?", 0,
		"mail_from.access.whitelist:1: \"a@b.example\t550 no, ok?\" contains white space, "
		"but an entry is a single word; write a@b.example in mail_from.access.blacklist; "
		"left out" },
	{ LIST_CONN_DENY, "!192.0.2.7", 0,
		"connect.rdns_access.blacklist:1: \"!192.0.2.7\" is neither an address nor a network; "
		"write 192.0.2.7 in connect.rdns_access.whitelist; left out" },
	{ LIST_RCPT_DENY_RE, "!/@b\\.example$/ REJECT", 0,
		"rcpt_to.access.blacklist_regex:1: \"!/@b\\.example$/ REJECT\" has slashes around "
		"the regex, and an action after it; write .*@b\\.example in "
		"rcpt_to.access.whitelist_regex; left out" },
	{ LIST_RCPT_DENY_RE, "!/@b\\.example$/ DUNNO", 0,
		"rcpt_to.access.blacklist_regex:1: \"!/@b\\.example$/ DUNNO\" has slashes around "
		"the regex, and an action after it; write .*@b\\.example; left out" },
	{ LIST_DOMAINS, "\n !", 0, "access.domains:2: \"!\" is empty; left out" },
};
START_TEST(a_bad_line_is_reported_and_left_out)
	{
		struct list *list =
			list_build(bad[_i].id, bad[_i].text, strlen(bad[_i].text), psl, problems);

		ck_assert_uint_eq(list_entries(list), bad[_i].entries);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0), bad[_i].problem);
		list_unref(&list);
		list = list_build(bad[_i].id, bad[_i].text, strlen(bad[_i].text), psl, NULL);
		ck_assert_uint_eq(list_entries(list), bad[_i].entries);
		list_unref(&list);
	}
END_TEST

START_TEST(a_nul_byte_is_reported)
	{
		static const char text[] = "a\0b.example\n.c.example";
		struct list *list =
			list_build((enum list_id)_i, text, sizeof(text) - 1, psl, problems);
		char want[200];

		(void)snprintf(want, sizeof(want), "%s:1: the line contains a NUL byte; left out",
			names[_i]);
		ck_assert_uint_eq(list_entries(list), 1);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0), want);
		list_unref(&list);
	}
END_TEST

#define BYTES(literal) literal, sizeof(literal) - 1

/* A file in UTF-16, with a byte order mark or without, is one problem, not one for each line. */
static const struct {
	const char *text;
	size_t len;
} utf16[] = {
	{ BYTES("\xff\xfe@\0b\0.\0c\0\r\0\n\0@\0d\0.\0e\0") },
	{ BYTES("\xfe\xff\0@\0b\0.\0c\0\n\0@\0d\0.\0e") },
	{ BYTES("@\0b\0.\0c\0\n\0@\0d\0.\0e\0") },
	{ BYTES("\0@\0b\0.\0c\0\n\0@\0d\0.\0e") },
};
START_TEST(a_file_in_utf16_is_reported_once)
	{
		for (int id = 0; id < LIST_COUNT; id++) {
			struct list *list = list_build((enum list_id)id, utf16[_i].text,
				utf16[_i].len, psl, problems);
			char want[200];

			(void)snprintf(want, sizeof(want),
				"%s:1: the file is not UTF-8 but UTF-16; save it as UTF-8; all of it is "
				"left out",
				names[id]);
			ck_assert_uint_eq(list_entries(list), 0);
			ck_assert_uint_eq(problems_count(problems), (size_t)id + 1);
			ck_assert_str_eq(problems_text(problems, (size_t)id), want);
			list_unref(&list);
		}
	}
END_TEST

/* 8,335 domains in Postfix's form: a bounded number of lines, and the exact number. */
START_TEST(many_bad_lines_are_counted)
	{
		struct strbuf text = STRBUF_INIT;
		struct list *list;
		int i;

		for (i = 0; i < 8335; i++)
			strbuf_addf(&text, "evil%d.example\n", i);
		list = list_build(LIST_MAIL_DENY, text.text, text.len, psl, problems);
		ck_assert_uint_eq(list_entries(list), 0);
		ck_assert_uint_eq(problems_count(problems), 8335);
		ck_assert_uint_eq(problems_kept(problems), PROBLEMS_OF_SOURCE + 1);
		ck_assert_str_eq(problems_text(problems, PROBLEMS_OF_SOURCE),
			"mail_from.access.blacklist: 8285 more lines have problems");
		list_unref(&list);
		strbuf_free(&text);
	}
END_TEST

START_TEST(a_doubtful_entry_is_noted_and_in_force)
	{
		static const char text[] = "a@b.example\nnews*@b.example";
		struct list *list = list_build(LIST_RCPT_DENY, text, strlen(text), psl, problems);

		ck_assert_uint_eq(list_entries(list), 2);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 1);
		ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0),
			"rcpt_to.access.blacklist:2: \"news*@b.example\" contains *, which is not a "
			"wildcard");
		list_unref(&list);
	}
END_TEST

/* A regex of addresses that lacks a domain, or of clients that lacks a dot, is in force, too. */
static const struct {
	enum list_id id;
	const char *note; /* NULL: none */
} bare[] = {
	{ LIST_RCPT_DENY_RE, "addresses without a domain; write (?:all|bob)@.*" },
	{ LIST_RCPT_ALLOW_RE, "addresses without a domain; write (?:all|bob)@.*" },
	{ LIST_MAIL_DENY_RE, "addresses without a domain; write (?:all|bob)@.*" },
	{ LIST_CONN_DENY_RE, "names without a dot; write .*(?:all|bob).*" },
	{ LIST_HELO_DENY_RE, NULL },
};
START_TEST(a_regex_that_matches_nothing_usual_is_noted_and_in_force)
	{
		static const char text[] = ".*\nall|bob";
		const char *note = bare[_i].note;
		struct list *list = list_build(bare[_i].id, text, strlen(text), psl, problems);
		char want[120];

		(void)snprintf(want, sizeof(want), "%s:2: \"all|bob\" matches only %s",
			list_name(bare[_i].id), note == NULL ? "" : note);
		ck_assert_uint_eq(list_entries(list), 2);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			note == NULL ? 0 : 1);
		if (note != NULL)
			ck_assert_str_eq(problems_level_text(problems, PROBLEM_NOTE, 0), want);
		list_unref(&list);
	}
END_TEST

/* A name and an address above their bounds; a regex of more than 4096 bytes. */
START_TEST(a_line_past_the_bounds_is_reported)
	{
		size_t len = is_regex_list(_i) || _i == LIST_HELO_DENY_RE ? 4097 : 5000;
		char *text = malloc(len + 1), want[100];
		struct list *list;

		ck_assert_ptr_nonnull(text);
		memset(text, 'a', len);
		memcpy(text + len / 2, "@b.example.", 11);
		text[len] = '\0';
		list = list_build((enum list_id)_i, text, len, psl, problems);
		ck_assert_uint_eq(list_entries(list), 0);
		ck_assert_uint_eq(problems_count(problems), 1);
		(void)snprintf(want, sizeof(want), "%s:1: ", names[_i]);
		ck_assert_ptr_eq(strstr(problems_text(problems, 0), want),
			problems_text(problems, 0));
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "left out"));
		list_unref(&list);
		free(text);
	}
END_TEST

static const struct {
	const char *subject;
	enum list_result want;
	uint32_t line;
} matches[] = {
	{ "abc.example", LIST_YES, 2 },
	{ "ABC.example", LIST_YES, 2 },
	{ "xabc.example", LIST_NO, 0 },
	{ "abc.examples", LIST_NO, 0 },
	{ "b", LIST_YES, 4 },
	{ "bb", LIST_YES, 5 },
	{ "", LIST_YES, 5 },
	{ "ab", LIST_NO, 0 },
};
START_TEST(regexes_match_the_whole_subject_and_give_their_line)
	{
		static const char text[] = "# c\nabc\\.example\n\nb ; why\nb*|c\nabc\\.example";
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct list *list =
			list_build(LIST_HELO_DENY_RE, text, strlen(text), psl, problems);
		const char *subject = matches[_i].subject;
		uint32_t line = 0;

		ck_assert_uint_eq(list_entries(list), 4);
		ck_assert_int_eq(list_match(list, scratch, subject, strlen(subject), &line),
			matches[_i].want);
		ck_assert_uint_eq(line, matches[_i].line);
		list_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

START_TEST(a_regex_past_its_limits_is_no_answer)
	{
		static const char text[] = "x\n(a+)+(b|c)";
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct list *list =
			list_build(LIST_HELO_DENY_RE, text, strlen(text), psl, problems);
		uint32_t line = 0;
		char subject[60];

		memset(subject, 'a', sizeof(subject));
		ck_assert_int_eq(list_match(list, scratch, subject, sizeof(subject), &line),
			LIST_FAILED);
		ck_assert_uint_eq(line, 2);
		list_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

START_TEST(a_list_lives_until_its_last_reference_goes)
	{
		struct list *list = list_build(LIST_DOMAINS, "example.com", 11, psl, problems);
		struct list *other = list_ref(list);
		uint32_t line;

		orgdomain_unref(&psl); /* the list has its own reference */
		list_unref(&list);
		ck_assert_int_eq(list_any_host(other, "www.example.com", &line), ANY_DENY);
		ck_assert_uint_gt(list_bytes(other), 0);
		list_unref(&other);
		ck_assert_ptr_null(list_ref(NULL));
	}
END_TEST

/* A list of a million entries: prints its memory, and looks up every seventh entry and as many
 * missing ones. */
START_TEST(a_million_entries)
	{
		const int count = (int)unit_times_plain(1000000, 20000);
		struct strbuf text = STRBUF_INIT;
		struct list *list;
		char name[40];
		uint32_t line;
		int i;

		for (i = 0; i < count; i++)
			strbuf_addf(&text, "host%d.example%d.com\n", i, i % 1000);
		ck_assert(!text.failed);
		list = list_build(LIST_CONN_DENY, text.text, text.len, psl, problems);
		ck_assert_uint_eq(list_entries(list), count);
		printf("%d names of %.1f bytes: %.1f bytes an entry\n", count,
			(double)text.len / count - 1, (double)list_bytes(list) / count);
		for (i = 0; i < count; i += 7) {
			(void)snprintf(name, sizeof(name), "host%d.example%d.com", i, i % 1000);
			ck_assert_int_eq(list_find_host(list, name, &line), LIST_YES);
			ck_assert_uint_eq(line, (uint32_t)i + 1);
			(void)snprintf(name, sizeof(name), "host%d.example%d.com", i, i % 1000 + 1);
			ck_assert_int_eq(list_find_host(list, name, &line), LIST_NO);
		}
		list_unref(&list);
		strbuf_free(&text);
	}
END_TEST

#define COSTLY "((((a{1,9}|b|c){1,20}z){1,20}){1,5})x1"

/* Costly regexes are in force, and a note gives their lines. */
START_TEST(a_costly_regex_is_noted)
	{
		static const char text[] = "a.*\n" COSTLY "\n# and\n" COSTLY "\n";
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct list *list =
			list_build(LIST_RCPT_DENY_RE, text, sizeof(text) - 1, psl, problems);
		uint32_t line = 0;

		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 2);
		for (size_t i = 0; i < 2; i++)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, i),
				i == 0 ? "rcpt_to.access.blacklist_regex:2: with its repeats " :
					 "rcpt_to.access.blacklist_regex:4: with its repeats "));
		ck_assert_int_eq(list_match(list, scratch, "azx1", 4, &line), LIST_YES);
		ck_assert_uint_eq(line, 1);
		ck_assert_int_eq(list_match(list, scratch, "czx1", 4, &line), LIST_YES);
		ck_assert_uint_eq(line, 2);
		list_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

/* Regexes that need not be compiled to be refused count, too, because finding out takes long. */
START_TEST(refused_regexes_are_bounded)
	{
		enum { LINES = 265000 };
		struct strbuf text = STRBUF_INIT;
		struct list *list;

		strbuf_add_str(&text, "good@.*\n");
		for (int i = 0; i < LINES; i++)
			strbuf_add_str(&text, "<\n");
		strbuf_add_str(&text, "late@.*\n");
		list = list_build(LIST_RCPT_DENY_RE, text.text, text.len, psl, problems);
		ck_assert_uint_eq(list_entries(list), 1);
		ck_assert_uint_eq(problems_count(problems), LINES + 1);
		list_unref(&list);
		strbuf_free(&text);
	}
END_TEST

/* The lines past the bound of a list are left out, each with a problem. */
START_TEST(costly_regexes_are_bounded)
	{
		enum { LINES = 475 };
		struct strbuf text = STRBUF_INIT;
		struct list *list;

		for (int i = 0; i < LINES; i++)
			strbuf_addf(&text, COSTLY "%d\n", i);
		list = list_build(LIST_RCPT_DENY_RE, text.text, text.len, psl, problems);
		ck_assert_uint_lt(list_entries(list), LINES);
		ck_assert_uint_eq(list_entries(list) + problems_count(problems), LINES);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, problems_count(problems) - 1),
			"rcpt_to.access.blacklist_regex:475: with repeats written out, the "
			"regexes of a list may take up to 64 MiB, which the earlier lines use up; "
			"left out"));
		list_unref(&list);
		strbuf_free(&text);
	}
END_TEST

/* So are the texts that a list searches for, with one problem. */
START_TEST(texts_of_regexes_are_bounded)
	{
		enum { LINES = REGEX_TEXTS_MAX / 16 };
		struct strbuf text = STRBUF_INIT;
		struct list *list;

		for (int i = 0; i < LINES + 2; i++)
			strbuf_add_str(&text,
				"(aaa|bbb|ccc|ddd|eee|fff|ggg|hhh|iii|jjj|kkk|lll|mmm|nnn|ooo|"
				"ppp)@.*\n");
		list = list_build(LIST_RCPT_DENY_RE, text.text, text.len, psl, problems);
		ck_assert_uint_eq(list_entries(list), LINES + 2);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0),
			"rcpt_to.access.blacklist_regex:15626: the regexes of a list may be found "
			"by up to 250000 texts, which the earlier lines use up; this one and later "
			"ones are in force, but slower");
		list_unref(&list);
		strbuf_free(&text);
	}
END_TEST

/* PCRE2's function, which this program calls in its place, and counts. */
static unsigned compiled;

pcre2_code *pcre2_compile_8(PCRE2_SPTR pattern, PCRE2_SIZE length, uint32_t options, int *error,
	PCRE2_SIZE *at, pcre2_compile_context *context)
{
	pcre2_code *(*real)(PCRE2_SPTR, PCRE2_SIZE, uint32_t, int *, PCRE2_SIZE *,
		pcre2_compile_context *);

	*(void **)&real = dlsym(RTLD_NEXT, "pcre2_compile_8");
	compiled++;
	return real(pattern, length, options, error, at, context);
}

/* Changes of a file with four regexes: how many are new, and whether all are those of before. */
static const struct {
	const char *text;
	unsigned want;
	bool same;
	uint32_t line; /* of the regex that matches "d" */
} rebuilt[] = {
	{ "a+\nb.*\nc|x\nd.*", 0, true, 4 },
	{ "# more\na+\n\nb.*\nc|x\n*.bad\nd.*\n", 0, true, 7 },
	{ "a+\nb.*\nc|x\nd.*\ne.*", 1, false, 4 },
	{ "a+\nb.*\nc|x", 0, false, 0 },
	{ "d.*\na+\nb.*\nc|x", 0, false, 1 },
	{ "new\nd.*\nnew\nD.*", 2, false, 2 },
	{ "", 0, false, 0 },
};

START_TEST(a_changed_file_compiles_only_what_is_new)
	{
		static const char text[] = "a+\nb.*\nc|x\nd.*";
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		struct list *first, *next;
		uint32_t line = 0;

		compiled = 0;
		first = list_build(LIST_RCPT_DENY_RE, text, strlen(text), psl, NULL);
		ck_assert_uint_eq(compiled, 4);
		ck_assert(!regexlist_is_prepared(list_regexes(first)));
		while (regexlist_prepare(list_regexes(first)))
			;
		compiled = 0;
		next = list_rebuild(first, LIST_RCPT_DENY_RE,
			&(const struct list_text){ rebuilt[_i].text, strlen(rebuilt[_i].text),
				NULL },
			psl, NULL); /* without remedies, which are compiled */
		list_unref(&first);
		ck_assert_uint_eq(compiled, rebuilt[_i].want);
		ck_assert(regexlist_is_prepared(list_regexes(next)) ==
			(rebuilt[_i].same || list_entries(next) == 0));
		ck_assert_uint_eq(list_match(next, scratch, "D", 1, &line),
			rebuilt[_i].line > 0 ? LIST_YES : LIST_NO);
		ck_assert_uint_eq(line, rebuilt[_i].line);
		list_unref(&next);
		regex_scratch_free(&scratch);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = tcase_create("list");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_list_has_its_files_name, 0, LIST_COUNT);
	tcase_add_loop_test(tcase, an_empty_list_lists_nothing, 0, LIST_COUNT);
	tcase_add_loop_test(tcase, a_bad_line_is_reported_and_left_out, 0, ROWS(bad));
	tcase_add_loop_test(tcase, a_nul_byte_is_reported, 0, LIST_COUNT);
	tcase_add_loop_test(tcase, a_file_in_utf16_is_reported_once, 0, ROWS(utf16));
	tcase_add_test(tcase, many_bad_lines_are_counted);
	tcase_add_test(tcase, a_doubtful_entry_is_noted_and_in_force);
	tcase_add_loop_test(tcase, a_regex_that_matches_nothing_usual_is_noted_and_in_force, 0,
		(int)(sizeof(bare) / sizeof(bare[0])));
	tcase_add_loop_test(tcase, a_line_past_the_bounds_is_reported, 0, LIST_COUNT);
	tcase_add_loop_test(tcase, regexes_match_the_whole_subject_and_give_their_line, 0,
		ROWS(matches));
	tcase_add_test(tcase, a_regex_past_its_limits_is_no_answer);
	tcase_add_test(tcase, a_costly_regex_is_noted);
	tcase_add_test(tcase, refused_regexes_are_bounded);
	tcase_add_test(tcase, costly_regexes_are_bounded);
	tcase_add_test(tcase, texts_of_regexes_are_bounded);
	tcase_add_test(tcase, a_list_lives_until_its_last_reference_goes);
	tcase_add_loop_test(tcase, a_changed_file_compiles_only_what_is_new, 0, ROWS(rebuilt));
	tcase_add_test(tcase, a_million_entries);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
