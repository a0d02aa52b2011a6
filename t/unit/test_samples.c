/*
 * Shows that the files of etc/ that are installed as samples change nothing: the configuration
 * holds every key with its text and default from the option table, and the lists are empty.
 */
#include <stdio.h>
#include <string.h>

#include "lib/conf/config.h"
#include "lib/conf/file.h"
#include "lib/conf/options.h"
#include "lib/store/list_files.h"
#include "t/unit/unit.h"

/* Tests run in the root of the tree. */

static char *read_text(const char *path)
{
	struct errmsg err = { "" };
	char *text = NULL;
	size_t len;

	if (file_read(path, 1 << 20, &text, &len, NULL, &err) != FILE_READ)
		ck_abort_msg("%s", err.text);
	return text;
}

START_TEST(the_sample_configuration_changes_nothing)
	{
		struct errmsg err = { "" };
		const struct config *sample, *defaults;

		ck_assert_msg(config_load("etc/postern.conf", &sample, &err) == 0, "%s", err.text);
		ck_assert_int_eq(config_parse("etc/postern.conf", "", 0, &defaults, &err), 0);
		ck_assert_uint_eq(problems_count(sample->warnings), 0);
		ck_assert(!sample->database.present);
		ck_assert_uint_eq(config_restart_needed(sample, defaults, NULL), 0);
		config_unref(&sample);
		config_unref(&defaults);
	}
END_TEST

/* Below "[section]" or "#[section]", the table's text and "#name = value" in the table's order. */
START_TEST(the_sample_configuration_has_every_key_with_its_text_and_default)
	{
		char *text = read_text("etc/postern.conf"), *rest = text, *line, *value,
		     *before = "";
		char section[64] = "";
		const struct config_option *all, *option;
		size_t count, next = 0;

		all = options_all(&count);
		while ((line = strsep(&rest, "\n")) != NULL) {
			if (sscanf(line, "%*[#][%63[a-z_]]", section) == 1 ||
				sscanf(line, "[%63[a-z_]]", section) == 1)
				continue;
			if (line[0] != '#' || line[1] == ' ' ||
				(value = strstr(line, " =")) == NULL) {
				before = line;
				continue;
			}
			*value = '\0';
			value += value[2] == ' ' ? 3 : 2;
			while (next < count && (all[next].flags & OPTION_FOREIGN))
				next++;
			option = options_find(section, line + 1);
			ck_assert_msg(option == &all[next], "[%s] %s", section, line + 1);
			ck_assert_str_eq(value, option->fallback);
			ck_assert_msg(strncmp(before, "# ", 2) == 0 &&
					strncmp(before + 2, option->text, strlen(option->text)) ==
						0,
				"\"%s\" should begin with \"# %s\"", before, option->text);
			next++;
		}
		ck_assert_uint_eq(next, count);
		free(text);
	}
END_TEST

START_TEST(the_sample_lists_exist_and_are_empty)
	{
		struct list_source source = {
			.directory = "etc/lists",
			.max_file = 1 << 20,
			.problems = problems_new(),
		};
		struct list *lists[LIST_COUNT];
		struct file_stamp stamp;
		struct errmsg err = { "" };
		char *path;
		int i;

		ck_assert_int_eq(orgdomain_default(&source.psl, &err), 0);
		ck_assert_int_eq(list_files_read(&source, lists, &err), 0);
		ck_assert_uint_eq(problems_count(source.problems), 0);
		for (i = 0; i < LIST_COUNT; i++) {
			ck_assert_int_eq(list_file_path(source.directory, i, &path), 0);
			ck_assert_int_eq(file_stamp(path, &stamp, &err), 0);
			ck_assert_msg(stamp.exists, "%s", path);
			ck_assert_uint_eq(list_entries(lists[i]), 0);
			free(path);
		}
		list_files_free(lists);
		orgdomain_unref(&source.psl);
		problems_free(&source.problems);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("samples");
	TCase *tcase = tcase_create("samples");

	tcase_add_test(tcase, the_sample_configuration_changes_nothing);
	tcase_add_test(tcase, the_sample_configuration_has_every_key_with_its_text_and_default);
	tcase_add_test(tcase, the_sample_lists_exist_and_are_empty);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
