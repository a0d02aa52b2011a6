/*
 * Shows that the text of a value is what postern.conf would contain: option_set() reads it back to
 * the same value, and secrets are hidden.
 */
#include "lib/conf/option_text.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_config.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *section, *name, *value, *want;
} rows[] = {
	{ "milter", "delay_reject", "off", "no" },
	{ "milter", "delay_reject", "TRUE", "yes" },
	{ "milter", "timeout", "90", "90s" },
	{ "milter", "timeout", "120", "2m" },
	{ "milter", "timeout", "86400", "1d" },
	{ "milter", "socket_mode", "600", "0600" },
	{ "milter", "socket", "/a", "unix:/a" },
	{ "milter", "socket", "local:a", "unix:/etc/p/a" },
	{ "milter", "socket", "inet6:1@::1", "inet6:1@::1" },
	{ "auth", "socket", "none", "none" },
	{ "auth", "inet_socket", "", "" },
	{ "milter", "results_header", "X-R", "X-R" },
	{ "lists", "max_file", "2048", "2k" },
	{ "lists", "max_file", "1025", "1025" },
	{ "lists", "local_domains", "A.example,b\303\274cher.example",
		"a.example xn--bcher-kva.example" },
	{ "lists", "directory", "l", "/etc/p/l" },
	{ "check", "any", "Warn", "warn" },
	{ "check", "data", "0", "no" },
	{ "check", "authenticated", "apply", "apply" },
	{ "check", "exempt", "192.0.2.7,2001:DB8::/32", "192.0.2.7 2001:db8::/32" },
	{ "check", "exempt", "", "" },
	{ "rcpt", "accept", "strict", "strict" },
	{ "deny_msg", "conn", "no # comment ; here", "no # comment ; here" },
	{ "database", "port", "", "" },
	{ "database", "port", "5432", "5432" },
	{ "database", "statement_timeout", "0", "0" },
	{ "database", "conninfo", "host=h password=x", "host=h password=********" },
	{ "database", "password", "x", "********" },
	{ "database", "password", "", "" },
	{ "profile", "default_domain", "Example.COM", "example.com" },
	{ "profile", "unknown_user", "staff", "staff" },
	{ "auth", "mechanisms", "login plain", "PLAIN LOGIN" },
	{ "limits", "max_memory", "3G", "3G" },
	{ "jwt", "secret", "0123456789abcdef0123456789abcdef", "********" },
	{ "jwt", "login", "tok", "tok" }, /* also without a key */
	{ "log", "level", "DEBUG", "debug" },
};
START_TEST(a_value_is_written_as_postern_conf_contains_it)
	{
		char file[200];
		struct strbuf text = STRBUF_INIT;
		const struct config *c;

		(void)snprintf(file, sizeof(file), "[%s]\n%s = %s\n", rows[_i].section,
			rows[_i].name, rows[_i].value);
		c = made_config(file);
		strbuf_add_str(&text, "");
		option_text(options_find(rows[_i].section, rows[_i].name), c, NULL, &text);
		ck_assert_str_eq(text.text, rows[_i].want);
		strbuf_free(&text);
		config_unref(&c);
	}
END_TEST

/* Each default is written so that it is read back to the same text. */
START_TEST(every_default_is_read_back)
	{
		const struct config *first = made_config(""), *second;
		struct strbuf file = STRBUF_INIT, a = STRBUF_INIT, b = STRBUF_INIT;
		const struct config_option *all;
		size_t count, i;

		all = options_all(&count);
		for (i = 0; i < count; i++) {
			if (i == 0 || strcmp(all[i].section, all[i - 1].section) != 0)
				strbuf_addf(&file, "[%s]\n", all[i].section);
			if ((all[i].flags & OPTION_FOREIGN) != 0)
				continue;
			strbuf_addf(&file, "%s = ", all[i].name);
			option_text(&all[i], first, NULL, &file);
			strbuf_add_str(&file, "\n");
			option_text(&all[i], first, NULL, &a);
			strbuf_add_str(&a, "\n");
		}
		second = made_config(file.text);
		for (i = 0; i < count; i++) {
			if ((all[i].flags & OPTION_FOREIGN) != 0)
				continue;
			option_text(&all[i], second, NULL, &b);
			strbuf_add_str(&b, "\n");
		}
		ck_assert_str_eq(a.text, b.text);
		strbuf_free(&file);
		strbuf_free(&a);
		strbuf_free(&b);
		config_unref(&first);
		config_unref(&second);
	}
END_TEST

START_TEST(a_key_of_another_program_has_no_text)
	{
		const struct config *c = made_config("[database]\nmax = 5\n");
		struct strbuf text = STRBUF_INIT;

		option_text(options_find("database", "max"), c, NULL, &text);
		ck_assert_uint_eq(text.len, 0);
		strbuf_free(&text);
		config_unref(&c);
	}
END_TEST

START_TEST(a_service_has_its_own_values)
	{
		const struct config *c = made_config("[check a]\nany = no\n[check]\nconn = warn\n");
		struct strbuf text = STRBUF_INIT;

		ck_assert_uint_eq(c->settings->service_count, 2);
		for (int i = 0; i < 2; i++) {
			const struct service *s = &c->settings->services[i];

			option_text(options_find("check", "any"), c, s, &text);
			option_text(options_find("check", "conn"), c, s, &text);
		}
		ck_assert_str_eq(text.text, "yeswarnnowarn");
		strbuf_free(&text);
		config_unref(&c);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("option_text");
	TCase *tcase = tcase_create("option_text");

	tcase_add_loop_test(tcase, a_value_is_written_as_postern_conf_contains_it, 0, COUNT(rows));
	tcase_add_test(tcase, every_default_is_read_back);
	tcase_add_test(tcase, a_key_of_another_program_has_no_text);
	tcase_add_test(tcase, a_service_has_its_own_values);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
