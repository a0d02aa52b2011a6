/*
 * Shows which connection strings are refused, what the message shows of them, the name of the
 * database in them, and which values of target_session_attrs are explained.
 */
#include <stdio.h>
#include <string.h>

#include "milter/pg/pg_conninfo.h"
#include "t/unit/unit.h"

START_TEST(a_message_never_shows_a_password)
	{
		struct errmsg err;

		ck_assert_int_eq(pg_check_conninfo("mail", NULL), 0);
		ck_assert_int_eq(pg_check_conninfo("host=db1 password=s3cret", NULL), 0);
		ck_assert_int_eq(pg_check_conninfo("host=db1 dbnam=mail", &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "dbnam"));
		ck_assert_int_eq(pg_check_conninfo("host=db1 password=s3cret x y", &err), -1);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
		ck_assert_int_eq(pg_check_conninfo("postgresql://bob:s3cret@db1:x/%zz", &err), -1);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
		ck_assert_int_eq(pg_check_conninfo("postgresql://db1/d?%70assword=s3cret%zz", &err),
			-1);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
	}
END_TEST

/* meant: the parameter that is suggested; NULL: none */
static const struct {
	const char *conninfo, *meant;
} mistyped[] = {
	{ "dbnam=mail", "dbname" },
	{ "host=db1 dbnam=mail", "dbname" },
	{ "hots = db1 dbname=mail", "host" },
	{ "host='db 1' usr='a b'", "user" },
	{ "host=db\\ 1 usr=a", "user" },
	{ "pasword=s3cret", "password" },
	{ "password=s3cret dbnam=mail", "dbname" },
	{ "postgresql://db1/mail?sslmod=require", "sslmode" },
	{ "postgresql://db1/mail?user=a&pasword=s3cret", "password" },
	{ "postgresql://db1/mail?sslmod=require?", "sslmode" },
	{ "postgresql://db1/mail?s%73lmod=require", "sslmode" },
	{ "frobnicate=1", NULL },
	{ "host=db1 password=s3cret x y", NULL },
	{ "host='db1", NULL },
	{ "=", NULL },
	{ "postgresql://db1:x/%zz", NULL },
};
START_TEST(a_mistyped_parameter_is_named)
	{
		struct errmsg err = { "" };
		char want[80];

		ck_assert_int_eq(pg_check_conninfo(mistyped[_i].conninfo, &err), -1);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
		(void)snprintf(want, sizeof(want), "; did you mean \"%s\"?",
			mistyped[_i].meant == NULL ? "" : mistyped[_i].meant);
		if (mistyped[_i].meant == NULL)
			ck_assert_msg(strstr(err.text, "did you mean") == NULL, "%s", err.text);
		else
			ck_assert_msg(strstr(err.text, want) != NULL, "%s", err.text);
	}
END_TEST

/* libpq's messages would show a part of the password. */
static const struct {
	const char *conninfo;
	bool is_refused;
} cut[] = {
	{ "postgresql://u:P@SSWORD@db1/mail", true },
	{ "postgresql://u:P/SSWORD@db1/mail", true },
	{ "postgresql://u:P@SS/WORD@db1/mail", true },
	{ "postgresql://u:P?S@SWORD@db1/mail", true },
	{ "postgres://u:PSSWORD@db1/ma@il", true },
	{ "postgresql://u:P%40SSWORD@db1:5432/mail", false },
	{ "postgresql://u:P?SSWORD@db1/mail", false },
	{ "postgresql://u@db1,db2/mail?user=a@b", false },
	{ "postgresql://u:PSSWORD@[::1]:5432,db2:5433/mail", false },
	{ "postgresql://%2Frun%2Fpostgresql/mail", false },
	{ "postgresql:///mail", false },
	{ "host=db1 password=P@SS/WORD", false },
	{ "host=db1 password=P://SS@W@RD", false },
	{ "port='5432, 5433' application_name=https://mail", false },
};
START_TEST(a_password_that_is_cut_in_a_uri_is_refused)
	{
		struct errmsg err = { "" };

		ck_assert_int_eq(pg_check_conninfo(cut[_i].conninfo, &err),
			cut[_i].is_refused ? -1 : 0);
		ck_assert_int_eq(strstr(err.text, "write %40 for @") != NULL, cut[_i].is_refused);
		ck_assert_ptr_null(strstr(err.text, "SS"));
	}
END_TEST

static const struct {
	const char *conninfo, *remedy; /* NULL: none */
} targets[] = {
	{ "mail", NULL },
	{ "", NULL },
	{ "host=db1 dbnam=mail", NULL },
	{ "host=db1,db2 target_session_attrs=any", NULL },
	{ "host=db1,db2 target_session_attrs=primary", NULL },
	{ "host=db1,db2 target_session_attrs=prefer-standby", NULL },
	{ "host=db1,db2 target_session_attrs=read-write", "use target_session_attrs=primary" },
	{ "postgresql://db1,db2/mail?target_session_attrs=read-write",
		"use target_session_attrs=primary" },
	{ "target_session_attrs = 'read-only'", "prefer-standby or standby" },
};

START_TEST(targets_that_the_role_defeats_are_explained)
	{
		const char *remedy = pg_check_target(targets[_i].conninfo);

		if (targets[_i].remedy == NULL) {
			ck_assert_ptr_null(remedy);
		} else {
			ck_assert_ptr_nonnull(remedy);
			ck_assert_ptr_nonnull(strstr(remedy, targets[_i].remedy));
		}
	}
END_TEST

static const struct {
	const char *conninfo;
	bool sets_none;
} timeouts[] = {
	{ "mail", false },
	{ "host=db1", false },
	{ "host=db1 connect_timeout=5", false },
	{ "host=db1 connect_timeout=0", true },
	{ "connect_timeout='-1'", true },
	{ "postgresql://db1/mail?connect_timeout=00", true },
};

START_TEST(the_name_of_the_database_is_found)
	{
		char name[8] = "old";

		pg_conninfo_database("host=h dbname='my db' user=u", name, sizeof(name));
		ck_assert_str_eq(name, "my db");
		pg_conninfo_database("postgresql://u:p@h/mail?sslmode=require", name, sizeof(name));
		ck_assert_str_eq(name, "mail");
		pg_conninfo_database("host=h user=u", name, sizeof(name));
		ck_assert_str_eq(name, "");
		pg_conninfo_database("dbname='unterminated", name, sizeof(name));
		ck_assert_str_eq(name, "");
		pg_conninfo_database("dbname=long-name", name, sizeof(name));
		ck_assert_str_eq(name, "long-na");
	}
END_TEST

START_TEST(a_string_without_a_limit_of_time_is_found)
	{
		ck_assert(pg_sets_no_timeout(timeouts[_i].conninfo) == timeouts[_i].sets_none);
	}
END_TEST

static Suite *pg_conninfo_suite(void)
{
	Suite *suite = suite_create("pg_conninfo");
	TCase *tcase = tcase_create("pg_conninfo");

	tcase_add_test(tcase, a_message_never_shows_a_password);
	tcase_add_test(tcase, the_name_of_the_database_is_found);
	tcase_add_loop_test(tcase, a_mistyped_parameter_is_named, 0,
		(int)(sizeof(mistyped) / sizeof(mistyped[0])));
	tcase_add_loop_test(tcase, a_password_that_is_cut_in_a_uri_is_refused, 0,
		sizeof(cut) / sizeof(cut[0]));
	tcase_add_loop_test(tcase, targets_that_the_role_defeats_are_explained, 0,
		(int)(sizeof(targets) / sizeof(targets[0])));
	tcase_add_loop_test(tcase, a_string_without_a_limit_of_time_is_found, 0,
		(int)(sizeof(timeouts) / sizeof(timeouts[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(pg_conninfo_suite)
