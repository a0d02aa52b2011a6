/*
 * Shows that libpq reads from the connection string exactly the values that [database] contains, in
 * both of its forms.
 */
#include "lib/conf/conninfo.h"

#include <libpq-fe.h>
#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct config_given given_of(const char *conninfo)
{
	return (struct config_given){ .conninfo = conninfo,
		.host = "",
		.database = "",
		.user = "",
		.password = "" };
}

static char *build(const struct config_given *given)
{
	struct strbuf text = STRBUF_INIT;
	char *taken;

	conninfo_build(given, &text);
	taken = strbuf_take(&text);
	return taken != NULL ? taken : strdup("");
}

/* The value that libpq reads for a key; it uses the last one. "" if the key is not set. */
static void ck_read(const char *text, const char *keyword, const char *want)
{
	char *wrong = NULL;
	PQconninfoOption *options = PQconninfoParse(text, &wrong), *o = options;

	ck_assert_msg(options != NULL, "%s: %s", text, wrong);
	while (o->keyword != NULL && strcmp(o->keyword, keyword) != 0)
		o++;
	ck_assert_ptr_nonnull(o->keyword);
	ck_assert_str_eq(o->val != NULL ? o->val : "", want);
	PQconninfoFree(options);
}

static const struct {
	const char *conninfo, *host, *database, *user, *password;
	uint32_t port;
	const char *want;
} rows[] = {
	{ "", "", "", "", "", 0, "" },
	{ "", "h", "", "", "", 0, "host='h'" },
	{ "", "", "", "", "", 5432, "port='5432'" },
	{ "", "h", "d", "u", "p", 65535, "host='h' port='65535' dbname='d' user='u' password='p'" },
	{ "", "", "", "", "it's \\", 0, "password='it\\'s \\\\'" },
	{ "", "/run/pg", "a b", "", "", 0, "host='/run/pg' dbname='a b'" },
	{ "host=h dbname=d", "", "", "", "", 0, "host=h dbname=d" },
	{ "host=h", "", "", "", "p", 0, "host=h password='p'" },
	{ "postgresql://h/d", "", "", "", "", 0, "postgresql://h/d" },
	{ "postgresql://h/d", "", "", "", "p", 0, "postgresql://h/d?password=p" },
	{ "postgres://h/d?a=b", "", "", "", "p", 0, "postgres://h/d?a=b&password=p" },
	{ "postgres://h/d?", "", "", "", "p", 0, "postgres://h/d?password=p" },
	{ "postgres://h/d?a=b&", "", "", "", "p", 0, "postgres://h/d?a=b&password=p" },
	{ "postgres://us?er@h/d", "", "", "", "p", 0, "postgres://us?er@h/d?password=p" },
	{ "postgres://us?er@h?a=b", "", "", "", "p", 0, "postgres://us?er@h?a=b&password=p" },
	{ "postgres://h?a=b@c", "", "", "", "p", 0, "postgres://h?a=b@c?password=p" },
	{ "postgres://h", "", "", "", "a&b=c %/?#'\\\xc3\xb6", 0,
		"postgres://h?password=a%26b%3Dc%20%25%2F%3F%23%27%5C%C3%B6" },
	{ "postgresqlx://h", "", "", "", "p", 0, "postgresqlx://h password='p'" },
};
START_TEST(builds_a_connection_string)
	{
		struct config_given given = given_of(rows[_i].conninfo);
		char *text;

		given.host = rows[_i].host;
		given.database = rows[_i].database;
		given.user = rows[_i].user;
		given.password = rows[_i].password;
		given.port = rows[_i].port;
		text = build(&given);
		ck_assert_str_eq(text, rows[_i].want);
		free(text);
	}
END_TEST

/* None of these values adds a parameter or ends a quote. */
static const char *const values[] = {
	"plain",
	"it's",
	"'",
	"\\",
	"\\'",
	"a\\",
	"' host='evil.example",
	"x host=evil.example",
	" ",
	" lead and trail ",
	"=",
	"a&host=evil.example",
	"a?host=evil.example",
	"p#fragment",
	"100%",
	"%27%20host%3Devil",
	"u:p@evil.example/d",
	"postgresql://evil.example/d",
	"tab\tline\nend\r",
	"\x01\x7f",
	"\xc3\xb6\xff",
};
START_TEST(libpq_reads_the_given_values)
	{
		struct config_given given = given_of("");
		char *text;

		given.host = given.database = given.user = given.password = values[_i];
		given.port = 5433;
		text = build(&given);
		ck_read(text, "host", values[_i]);
		ck_read(text, "port", "5433");
		ck_read(text, "dbname", values[_i]);
		ck_read(text, "user", values[_i]);
		ck_read(text, "password", values[_i]);
		ck_read(text, "hostaddr", "");
		free(text);
	}
END_TEST

static const char *const conninfos[] = {
	"host=h dbname=d user=u password=old",
	"host = 'h' dbname='d'  user='u' ",
	"postgresql://u@h/d",
	"postgres://u:old@h/d",
	"postgresql://h/d?user=u",
	"postgresql://u@h/d?password=old&connect_timeout=7",
	"postgresql:///d?host=h&user=u",
};
START_TEST(a_password_is_added_to_either_form)
	{
		for (int i = 0; i < COUNT(values); i++) {
			struct config_given given = given_of(conninfos[_i]);
			char *text;

			given.password = values[i];
			text = build(&given);
			ck_read(text, "password", values[i]);
			ck_read(text, "host", "h");
			ck_read(text, "dbname", "d");
			ck_read(text, "user", "u");
			free(text);
		}
	}
END_TEST

/* Whether libpq reads a password; its answer is right, and ours must be the same. */
static bool libpq_has_password(const char *text)
{
	PQconninfoOption *options = PQconninfoParse(text, NULL);
	bool has = false;

	for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
		has |= (strcmp(o->keyword, "password") == 0 ||
			       strcmp(o->keyword, "sslpassword") == 0) &&
			o->val != NULL && o->val[0] != '\0';
	PQconninfoFree(options);
	return has;
}

static const char *const secrets[] = {
	"",
	"mail",
	"host=h dbname=d user=u",
	"host=h password=x",
	"password = 'x y' host=h",
	" password\n=\tx",
	"password='' host=h",
	"host=h password=",
	"host='password=x'",
	"host='it\\'s' password=x",
	"host=a\\ password=x",
	"passfile=/x require_auth=password",
	"sslpassword=x",
	"user=password",
	"postgresql://h/d",
	"postgresql://u@h:5432/d",
	"postgresql://u:p@h/d",
	"postgres://u:@h/d",
	"postgres://h:5432?user=u",
	"postgres://h/d?password=x",
	"postgres://h/d?user=u&sslpassword=x",
	"postgres://h/d?password=",
	"postgres://h/d?user=password",
	"postgres://us?password=er@h",
	"postgres://:p@h",
	"postgres://u:p@",
};
START_TEST(a_password_in_it_is_found)
	{
		ck_assert_msg(conninfo_has_password(secrets[_i]) == libpq_has_password(secrets[_i]),
			"%s", secrets[_i]);
	}
END_TEST

START_TEST(a_failed_text_stays_failed)
	{
		struct config_given given = given_of("postgresql://h/d");
		struct strbuf text = { .failed = true };

		given.password = "p";
		conninfo_build(&given, &text);
		given.conninfo = "";
		conninfo_build(&given, &text);
		ck_assert(text.failed);
		ck_assert_uint_eq(text.len, 0);
		strbuf_free(&text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("conninfo");
	TCase *tcase = tcase_create("conninfo");

	tcase_add_loop_test(tcase, builds_a_connection_string, 0, COUNT(rows));
	tcase_add_loop_test(tcase, libpq_reads_the_given_values, 0, COUNT(values));
	tcase_add_loop_test(tcase, a_password_is_added_to_either_form, 0, COUNT(conninfos));
	tcase_add_loop_test(tcase, a_password_in_it_is_found, 0, COUNT(secrets));
	tcase_add_test(tcase, a_failed_text_stays_failed);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
