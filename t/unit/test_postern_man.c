/*
 * Shows that postern(8) documents what the code logs and where its files are: the keys and words of
 * a decision's log line, and the default paths of the option table.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"
#include "lib/conf/options.h"
#include "milter/log/decision_record.h"
#include "milter/log/log.h"
#include "t/unit/unit.h"

#define MAN_PAGE "milter/postern.8" /* tests run in the root of the tree */

static char *page;

static void setup(void)
{
	struct errmsg err = { "" };
	size_t len;

	if (file_read(MAN_PAGE, 1 << 20, &page, &len, NULL, &err) != FILE_READ)
		ck_abort_msg("%s", err.text);
}

static void teardown(void)
{
	free(page);
}

/* Whether a line of the page that begins with `request` contains the word. */
static bool has_word(const char *request, const char *word)
{
	const size_t request_len = strlen(request), word_len = strlen(word);

	for (const char *line = page; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, request, request_len) != 0)
			continue;
		for (const char *at = line + request_len; *at == ' ';) {
			const size_t len = strcspn(++at, " \n");

			if (len == word_len && strncmp(at, word, len) == 0)
				return true;
			at += len;
		}
	}
	return false;
}

START_TEST(each_key_of_a_decision_is_documented)
	{
		const struct reply reply = { .code = 550, .enhanced = "5.7.1", .text = "No" };
		const struct usage usage = { .limit = 1, .window = 60 };
		const struct decision_record record = {
			.session = "S",
			.queue = "Q",
			.service = "s",
			.rdns = "r",
			.helo = "h",
			.login = "l",
			.sender = "s",
			.recipient = "r",
			.stage = "mail",
			.verdict = "reject",
			.check = "mail",
			.rule = "r",
			.reply = &reply,
			.usage = &usage,
			.from = "f",
			.is_message = true,
		};
		json_t *object = decision_record_json(&record, 0), *value;
		const char *key;

		ck_assert_ptr_nonnull(object);
		ck_assert_int_eq(json_object_del(object, "time"), 0); /* the log has its own */
		json_object_foreach (object, key, value) {
			ck_assert_msg(has_word(".It Cm", key), "no %s in " MAN_PAGE, key);
		}
		ck_assert_uint_ge(json_object_size(object), 20);
		json_decref(object);
	}
END_TEST

START_TEST(each_stage_and_outcome_is_documented)
	{
		static const char *const words[] = { "message", "auth", "would-reject",
			"accept-on-error" };

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			ck_assert_msg(has_word(".Ql", words[i]) || has_word(".It Ql", words[i]),
				"no %s in " MAN_PAGE, words[i]);
		for (int stage = STAGE_CONNECT; stage <= STAGE_BODY; stage++)
			ck_assert_msg(has_word(".Ql", stage_name((enum stage)stage)),
				"no %s in " MAN_PAGE, stage_name((enum stage)stage));
		for (int kind = VERDICT_CONTINUE; kind <= VERDICT_TEMPFAIL; kind++)
			ck_assert_msg(has_word(".It Ql", verdict_name((enum verdict_kind)kind)),
				"no %s in " MAN_PAGE, verdict_name((enum verdict_kind)kind));
		ck_assert(has_word(".It Ql", outcome_name(OUTCOME_GAVE_UP)));
	}
END_TEST

static const struct {
	const char *section, *name;
} paths[] = {
	{ "lists", "directory" },
	{ "store", "path" },
	{ "limits", "state" },
	{ "auth", "saslauthd" },
	{ "auth", "suspensions" },
	{ "control", "socket" },
};

START_TEST(the_files_have_their_default_paths)
	{
		const struct config_option *option =
			options_find(paths[_i].section, paths[_i].name);
		const char *path = option->fallback;

		if (strncmp(path, "unix:", 5) == 0)
			path += 5;
		ck_assert_msg(has_word(".It Pa", path), "no %s in " MAN_PAGE, path);
	}
END_TEST

START_TEST(the_length_of_the_log_queue_is_documented)
	{
		char text[40];

		(void)snprintf(text, sizeof(text), " queue of %d lines", LOG_LINES_MAX);
		ck_assert_ptr_nonnull(strstr(page, text));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("postern_man");
	TCase *tcase = tcase_create("postern_man");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_key_of_a_decision_is_documented);
	tcase_add_test(tcase, each_stage_and_outcome_is_documented);
	tcase_add_loop_test(tcase, the_files_have_their_default_paths, 0,
		(int)(sizeof(paths) / sizeof(paths[0])));
	tcase_add_test(tcase, the_length_of_the_log_queue_is_documented);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
