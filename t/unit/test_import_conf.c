/*
 * Shows that the postern.conf of an import contains only what the daemon accepts, and that a value
 * which cannot be written is refused with the reason.
 */
#include "ctl/import_conf.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf/config.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct import_conf conf;
static struct strbuf text;

static void setup(void)
{
	text = (struct strbuf)STRBUF_INIT;
	ck_assert_int_eq(import_conf_init(&conf), 0);
}

static void teardown(void)
{
	import_conf_clear(&conf);
	strbuf_free(&text);
}

static int set(const char *section, const char *name, const char *value, struct errmsg *err)
{
	return import_conf_set(&conf, section, name, value, "f", 7, err);
}

static int write_conf(struct import_key *refused_r, struct errmsg *err)
{
	return import_conf_write(&conf, "/p.conf", "; c", &text, refused_r, err);
}

static const struct {
	const char *section, *name, *value;
	const char *why; /* NULL: accepted */
} rows[] = {
	{ "check", "any", "yes", NULL },
	{ "check", "any", "maybe", "\"maybe\" is not yes, no or warn" },
	{ "check", "exempt", "", NULL },
	{ "check", "nothing", "yes", "unknown key nothing in [check]" },
	{ "nothing", "any", "yes", "unknown section [nothing]" },
	{ "deny_msg", "conn", "no # here ; there", NULL },
	{ "deny_msg", "conn", " x", "begins or ends with a space" },
	{ "deny_msg", "conn", "a\nb = c", "control character" },
	{ "deny_msg", "conn", "\xff", "not UTF-8" },
	{ "database", "users_query", "SELECT ' #' FROM u", "begins a comment" },
	{ "database", "users_query", "SELECT a#b FROM u", NULL },
	{ "database", "schema", "; x", "begins a comment" },
	{ "database", "port", "70000", "a number from 1 to 65535" },
	{ "database", "password_file", "password", NULL }, /* does not exist yet */
	{ "limit rate_conn", "192.168.1", "5/1m", NULL },
	{ "limit rate_conn", "default", "5/1y", "5/1y" },
	{ "limit rate_conn", "[x", "5/1m", "]" },
	{ "limit nothing", "default", "5/1m", "unknown section [limit nothing]" },
	{ "limit concurrency", "max", "5/1m", "is not a number" },
	{ "profile", "default_domain", "a b", "a domain name" },
};
START_TEST(a_value_is_checked)
	{
		struct errmsg err = { "" };
		const int ret = set(rows[_i].section, rows[_i].name, rows[_i].value, &err);

		ck_assert_msg(ret == (rows[_i].why == NULL ? 0 : -1), "%s", err.text);
		if (rows[_i].why == NULL)
			ck_assert_str_eq(import_conf_get(&conf, rows[_i].section, rows[_i].name),
				rows[_i].value);
		else
			ck_assert_ptr_null(import_conf_get(&conf, rows[_i].section, rows[_i].name));
		if (rows[_i].why != NULL)
			ck_assert_msg(strstr(err.text, rows[_i].why) != NULL, "%s", err.text);
		ck_assert_msg(strstr(err.text, "/x:") == NULL, "%s", err.text);
	}
END_TEST

START_TEST(sections_have_the_order_of_the_man_page)
	{
		static const char want[] =
			"; c\n\n[milter]\ndelay_reject = no\n\n[check]\nany = no\n"
			"exempt =\n\n[limit]\nexempt =\n\n[limit rate_rcpt]\n"
			"default = 1\n\n[limit rate_conn]\ndefault = 9\n127 = 0\n"
			"\n[jwt]\nsecret_file = secret\n";
		struct import_key refused;
		const struct config *config;
		struct errmsg err = { "" };

		ck_assert_int_eq(set("jwt", "secret_file", "secret", &err), 0);
		ck_assert_int_eq(set("limit rate_rcpt", "default", "1", &err), 0);
		ck_assert_int_eq(set("check", "any", "yes", &err), 0);
		ck_assert_int_eq(set("limit rate_conn", "default", "9", &err), 0);
		ck_assert_int_eq(set("check", "exempt", "", &err), 0);
		ck_assert_int_eq(set("limit", "exempt", "", &err), 0);
		ck_assert_int_eq(set("limit rate_conn", "127", "0", &err), 0);
		ck_assert_int_eq(set("milter", "delay_reject", "no", &err), 0);
		ck_assert_int_eq(set("check", "any", "no", &err), 0); /* replaces the first value */
		ck_assert_int_eq(write_conf(&refused, &err), 0);
		ck_assert_str_eq(text.text, want);
		text.text[strlen(want) - strlen("[jwt]\nsecret_file = secret\n")] = '\0';
		ck_assert_int_eq(config_parse("/p.conf", text.text, strlen(text.text), &config,
					 &err),
			0);
		config_unref(&config);
	}
END_TEST

/* Each of these keys is right alone. */
START_TEST(a_key_that_contradicts_others_is_left_out)
	{
		struct import_key refused;
		struct errmsg err = { "" };

		ck_assert_int_eq(set("limit rate_conn", "192.0.2", "1", &err), 0);
		ck_assert_int_eq(set("limit rate_conn", "192.0.2.0/24", "2", &err), 0);
		ck_assert_int_eq(set("limit rate_conn", "default", "3", &err), 0);
		ck_assert_int_eq(write_conf(&refused, &err), 1);
		ck_assert_str_eq(refused.name, "192.0.2.0/24");
		ck_assert_str_eq(refused.file, "f");
		ck_assert_uint_eq(refused.line, 7);
		ck_assert_ptr_nonnull(strstr(err.text, "occurs twice"));
		ck_assert_ptr_null(strstr(err.text, "/p.conf"));
		ck_assert_int_eq(write_conf(&refused, &err), 0);
		ck_assert_str_eq(text.text, "; c\n\n[limit rate_conn]\n192.0.2 = 1\ndefault = 3\n");
	}
END_TEST

START_TEST(the_number_of_keys_is_bounded)
	{
		struct errmsg err = { "" };
		char name[16];
		int count = 0;

		if (getenv("UNIT_MEMCHECK") != NULL)
			return; /* the same code as above, ten thousand times */
		do {
			(void)snprintf(name, sizeof(name), "h%d.example", count);
		} while (set("limit rate_conn", name, "1", &err) == 0 && ++count < 20000);
		ck_assert_int_eq(count, 10000);
		ck_assert_ptr_nonnull(strstr(err.text, "there are already 10000 keys"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("import_conf");
	TCase *tcase = tcase_create("import_conf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_value_is_checked, 0, COUNT(rows));
	tcase_add_test(tcase, sections_have_the_order_of_the_man_page);
	tcase_add_test(tcase, a_key_that_contradicts_others_is_left_out);
	tcase_add_test(tcase, the_number_of_keys_is_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
