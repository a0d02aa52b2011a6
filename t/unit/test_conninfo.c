/*
 * Shows that libpq reads from the connection string exactly the values that [database] contains, in
 * both of its forms, and that a shown string contains no password.
 */
#include "lib/conf/conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
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
	"postgres://h/d?%70assword=x",
	"postgres://h/d?user=u&ssl%70assw%6Frd=x",
	"postgres://h/d?%70assword=",
	"postgres://h/d?passwor%2564=x",
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

static const char *const readable[] = {
	"dbname=d user=u",
	"user = 'it\\'s' dbname= 'a b'",
	"dbname=a\\ b\\\\ user=u",
	"dbname=a dbname=b",
	"host=h",
	"host=h dbname=",
	"host='dbname=x' user=u",
	"postgresql://u@h/d",
	"postgres://u:p%40@h:5432,i/a%20b?user=v",
	"postgres://h/d?dbname=e&sslmode=require",
	"postgres://h?user=u&dbname=d",
	"postgres://h/d?%75ser=u&db%6Eame=e",
	"postgres:///d",
	"postgres://%75:p@/%64",
	"postgres://h",
	"postgres://h/?host=x",
};
START_TEST(a_value_is_read_as_libpq_reads_it)
	{
		static const char *const keys[] = { "dbname", "user" };

		for (int i = 0; i < 2; i++) {
			struct strbuf value = STRBUF_INIT;

			conninfo_value(readable[_i], keys[i], &value);
			ck_read(readable[_i], keys[i], value.len > 0 ? value.text : "");
			strbuf_free(&value);
		}
	}
END_TEST

/* libpq 17 ignores spaces around a name, which an older one refuses. */
START_TEST(a_password_with_spaces_around_its_name_is_found)
	{
		ck_assert(conninfo_has_password("postgres://h/d? password=x"));
		ck_assert(conninfo_has_password("postgres://h/d?user=u&password =x"));
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

#define H CONNINFO_HIDDEN
static const struct {
	const char *conninfo, *want;
} shown[] = {
	{ "", "" },
	{ "host=h dbname=d user=u", "host=h dbname=d user=u" },
	{ "host=h password=x", "host=h password=" H },
	{ "password=x host=h", "password=" H " host=h" },
	{ "password = 'x y' host = 'h h'", "password=" H " host='h h'" },
	{ "password='it\\'s x' host=h", "password=" H " host=h" },
	{ "password=x\\ y host=h", "password=" H " host=h" },
	{ "password= host=h", "password=" H }, /* libpq, too, takes host=h for the value */
	{ "Password=x pasword=y sslpassword=z", "Password=" H " pasword=" H " sslpassword=" H },
	{ "host=h secret", "host=h " H },
	{ "host=h password 'x'", "host=h " H },
	{ "host=h user='x", "host=h " H },
	{ "=x host=h", H },
	{ "dbname=postgresql://u:x@h/d", "dbname=" H },
	{ "dbname='host=h password=x'", "dbname=" H },
	{ "passfile=/etc/p sslkey=/etc/k", "passfile=/etc/p sslkey=/etc/k" },
	{ "scram_client_key=x oauth_client_secret=y",
		"scram_client_key=" H " oauth_client_secret=" H },
	{ "postgresql://h/d", "postgresql://h/d" },
	{ "postgresql://u@h:5432/d", "postgresql://u@h:5432/d" },
	{ "postgresql://h:5432,i:5433/d?target_session_attrs=primary",
		"postgresql://h:5432,i:5433/d?target_session_attrs=primary" },
	{ "postgres://u:x@h:5432/d", "postgres://u:" H "@h:5432/d" },
	{ "postgres://u:@h/d", "postgres://u:" H "@h/d" },
	{ "postgres://:x@h/d", "postgres://:" H "@h/d" },
	{ "postgres://u:x@y:z@h/d", "postgres://u:" H "@h/d" },
	{ "postgres://u:x?y@h/d?user=v", "postgres://u:" H "@h/d?user=v" },
	{ "postgres://u:x/y@h/d", "postgres://u:" H "@h/d" }, /* / must be %2F */
	{ "postgres://u:x", "postgres://u:x" },		      /* a port, to libpq */
	{ "postgres://h/d?password=x&user=u", "postgres://h/d?password=" H "&user=u" },
	{ "postgres://h/d?user=u&passwor%64=x", "postgres://h/d?user=u&passwor%64=" H },
	{ "postgres://h?password=x/y@z", "postgres://h?" H },
	{ "postgres://u:x?y/z@h/d", "postgres://u:" H },
	{ "postgres://h/d?user=u&x&", "postgres://h/d?user=u&" H "&" },
	{ "postgres://h/d?application_name=a@b:c", "postgres://h/d?application_name=a@b:c" },
	{ "postgresql:///d?host=/run/pg", "postgresql:///d?host=/run/pg" },
	{ "postgresql://", "postgresql://" },
};
START_TEST(secrets_are_hidden)
	{
		struct strbuf text = STRBUF_INIT;

		strbuf_add_str(&text, "");
		conninfo_hide(shown[_i].conninfo, &text);
		ck_assert_str_eq(text.text, shown[_i].want);
		strbuf_free(&text);
	}
END_TEST

static uint32_t next_random(uint32_t *random)
{
	*random = *random * 1103515245U + 12345U;
	return *random >> 16;
}

/* What libpq takes for a password is found, and never shown. */
START_TEST(what_libpq_takes_for_a_password_is_a_secret)
	{
		static const char alphabet[] = "ab:/@?&=%'\\ ";
		static const char *const forms[][2] = { { "postgres://", "@h/d" },
			{ "postgres://u:", "/d" }, { "postgres://h/d?", "" },
			{ "postgres://h?password=", "" }, { "postgres://h?%70assword=", "" },
			{ "host=h password=", "" }, { "host=h ", "" }, { "", "" } };
		uint32_t random = 7;

		for (unsigned n = 0; n < unit_times(20000); n++) {
			const char *const *form = forms[n % (unsigned)COUNT(forms)];
			char middle[24], conninfo[80];
			struct strbuf text = STRBUF_INIT;
			PQconninfoOption *options, *o;
			size_t len = next_random(&random) % 8;

			memset(middle, 0, sizeof(middle));
			for (size_t i = 0; i < len; i++)
				middle[i] = alphabet[next_random(&random) % (sizeof(alphabet) - 1)];
			memcpy(middle + len, "ZQX", 3);
			(void)snprintf(conninfo, sizeof(conninfo), "%s%s%s", form[0], middle,
				form[1]);
			if ((options = PQconninfoParse(conninfo, NULL)) == NULL)
				continue;
			conninfo_hide(conninfo, &text);
			for (o = options; o->keyword != NULL; o++)
				if (strcmp(o->keyword, "password") == 0 && o->val != NULL &&
					strstr(o->val, "ZQX") != NULL)
					ck_assert_msg(conninfo_has_password(conninfo) &&
							strstr(text.text, "ZQX") == NULL,
						"%s: %s", conninfo, text.text);
			PQconninfoFree(options);
			strbuf_free(&text);
		}
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
	tcase_add_loop_test(tcase, a_value_is_read_as_libpq_reads_it, 0, COUNT(readable));
	tcase_add_test(tcase, a_password_with_spaces_around_its_name_is_found);
	tcase_add_test(tcase, a_failed_text_stays_failed);
	tcase_add_loop_test(tcase, secrets_are_hidden, 0, COUNT(shown));
	tcase_add_test(tcase, what_libpq_takes_for_a_password_is_a_secret);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
