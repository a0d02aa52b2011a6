/*
 * Shows on which line a key outside [check NAME] is set, and that errors name the file, the line if
 * there is one, and the key.
 */
#include "lib/conf/config.h"

#include <string.h>

#include "t/unit/unit.h"

static const char text[] = "[milter]\n"
			   "socket = /run/m\n"
			   "\n"
			   "[check]\n"
			   "conn = no\n"
			   "[check inside]\n"
			   "helo = no\n"
			   "[log]\n"
			   "level = info\n";

static const struct {
	const char *section, *name;
	unsigned line; /* 0: not set */
	const char *message;
} rows[] = {
	{ "milter", "socket", 2, "/etc/p.conf:2: [milter] socket: is wrong" },
	{ "check", "conn", 5, "/etc/p.conf:5: [check] conn: is wrong" },
	{ "check", "helo", 0, "/etc/p.conf: [check] helo: is wrong" },
	{ "log", "level", 9, "/etc/p.conf:9: [log] level: is wrong" },
	{ "milter", "user", 0, "/etc/p.conf: [milter] user: is wrong" },
	{ "database", "conninfo", 0, "/etc/p.conf: [database] conninfo: is wrong" },
};
START_TEST(errors_name_the_line_of_a_key)
	{
		const struct config *config;
		struct errmsg err;

		ck_assert_msg(config_parse("/etc/p.conf", text, strlen(text), &config, &err) == 0,
			"%s", err.text);
		ck_assert_uint_eq(config_line(config, rows[_i].section, rows[_i].name),
			rows[_i].line);
		(void)errmsg_set(&err, "is wrong");
		ck_assert_int_eq(config_key_error(config, rows[_i].section, rows[_i].name, &err),
			-1);
		ck_assert_str_eq(err.text, rows[_i].message);
		config_unref(&config);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_key");
	TCase *tcase = tcase_create("config_key");

	tcase_add_loop_test(tcase, errors_name_the_line_of_a_key, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
