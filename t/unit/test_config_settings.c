/*
 * Shows which settings of a configuration are listed, in which order, with which values, and which
 * of them are defaults.
 */
#include "lib/conf/config_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/conf/options.h"
#include "t/unit/unit.h"

static char path[64];
static struct strbuf listed = STRBUF_INIT; /* "[SECTION] NAME = VALUE (default)" lines */
static size_t count;

static void list(void *context, const struct config_setting *setting)
{
	(void)context;
	strbuf_addf(&listed, "[%s] %s = %s%s\n", setting->section,
		setting->name != NULL ? setting->name : "-", setting->value,
		setting->is_default ? " (default)" : "");
	count++;
}

static void list_all(const char *text)
{
	const struct config *config = NULL;
	struct errmsg err = { "" };
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_msg(config_load(path, &config, &err) == 0, "%s", err.text);
	strbuf_reset(&listed);
	count = 0;
	ck_assert_msg(config_settings_each(config, list, NULL, &err) == 0, "%s", err.text);
	config_unref(&config);
}

static void setup(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/test-config-settings-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

static void teardown(void)
{
	(void)unlink(path);
	strbuf_free(&listed);
}

START_TEST(without_a_key_everything_is_a_default)
	{
		size_t all, in_force = 0;
		const struct config_option *options = options_all(&all);

		list_all("");
		for (size_t i = 0; i < all; i++)
			in_force += (options[i].flags & OPTION_FOREIGN) == 0 &&
				strcmp(options[i].section, "database") != 0;
		ck_assert_uint_eq(count, in_force);
		for (const char *line = listed.text; *line != '\0'; line = strchr(line, '\n') + 1)
			ck_assert_int_eq(strncmp(strchr(line, '\n') - 10, " (default)", 10), 0);
	}
END_TEST

static const struct {
	const char *text, *line, *no_line;
} files[] = {
	{ "[check]\nconn = no\n", "[check] conn = no\n", NULL },
	{ "[check]\nconn = no\n", "[check] mail = yes (default)\n", NULL },
	{ "[check]\nconn = yes\n", "[check] conn = yes (default)\n", NULL }, /* as without it */
	{ "[check]\nconn = on\n", "[check] conn = yes (default)\n", NULL },
	{ "[milter]\ntimeout = 60\n", "[milter] timeout = 1m\n", NULL },
	/* The defaults of [check NAME] are the values of [check]. */
	{ "[check]\nconn = no\n[check smtps]\nmail = warn\n", "[check smtps] mail = warn\n", NULL },
	{ "[check]\nconn = no\n[check smtps]\nmail = warn\n", "[check smtps] conn = no (default)\n",
		NULL },
	/* What follows from other keys is a default. */
	{ "[profile]\ndefault_domain = a.example\n",
		"[lists] local_domains = a.example (default)\n", NULL },
	{ "[lists]\nlocal_domains = a.example\n", "[lists] local_domains = a.example\n", NULL },
	/* The keys of [limit NAME] are those of the file, without comments. */
	{ "[limit rate_conn]\ndefault = 30/1m ; all\n192.0.2.7 = 0\n",
		"[limit rate_conn] default = 30/1m\n[limit rate_conn] 192.0.2.7 = 0\n", NULL },
	/* [database] has a meaning without a key. */
	{ "[database]\n", "[database] - = \n", NULL },
	{ "[check]\nconn = no\n", "[check] conn = no\n", "[database]" },
	/* Keys that are ignored are not listed, and secrets are not shown. */
	{ "[database]\nmax = 7\n", "[database] - = \n", "max = 7" },
	{ "[database]\npassword = hunter2\n", "[database] password = ", "hunter2" },
};
START_TEST(a_setting_has_its_value_and_whether_it_is_a_default)
	{
		list_all(files[_i].text);
		ck_assert_msg(strstr(listed.text, files[_i].line) != NULL, "%s", listed.text);
		if (files[_i].no_line != NULL)
			ck_assert_ptr_null(strstr(listed.text, files[_i].no_line));
	}
END_TEST

START_TEST(a_file_that_is_gone_is_an_error)
	{
		const struct config *config = NULL;
		struct errmsg err = { "" };

		ck_assert_int_eq(config_parse("/nonexistent/postern.conf", "", 0, &config, &err),
			0);
		ck_assert_int_eq(config_settings_each(config, list, NULL, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/postern.conf"));
		config_unref(&config);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_settings");
	TCase *tcase = tcase_create("config_settings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_key_everything_is_a_default);
	tcase_add_loop_test(tcase, a_setting_has_its_value_and_whether_it_is_a_default, 0,
		ROWS(files));
	tcase_add_test(tcase, a_file_that_is_gone_is_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
