/*
 * The Dovecot authentication protocol: commands good and malformed, the greeting, and answers that
 * stay on one line whatever they contain.
 */
#include <string.h>

#include "lib/auth/dovecot_proto.h"
#include "lib/auth/sasl_mechanisms.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *line;
	enum dovecot_verb verb;
	uint32_t id;
	const char *mechanism, *client, *response;
	bool secured;
} good[] = {
	{ "VERSION\t1\t0", DOVECOT_VERSION, 1, NULL, "", NULL, false },
	{ "CPID\t4711", DOVECOT_CPID, 4711, NULL, "", NULL, false },
	{ "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.7\tsecured\tresp=AGJvYgB4",
		DOVECOT_AUTH, 1, "PLAIN", "192.0.2.7", "AGJvYgB4", true },
	{ "AUTH\t4294967295\tLOGIN\tservice=smtp\trip=IPv6:2001:DB8::7\tsecured=tls\tresp=",
		DOVECOT_AUTH, 4294967295U, "LOGIN", "2001:db8::7", "", true },
	{ "AUTH\t2\tLOGIN\tservice=smtp\tnologin\tlip=\trip=", DOVECOT_AUTH, 2, "LOGIN", "", NULL,
		false },
	{ "AUTH\t2\tLOGIN", DOVECOT_AUTH, 2, "LOGIN", "", NULL, false },
	{ "AUTH\t2\tLOGIN\trip=192.0.2.0/24", DOVECOT_AUTH, 2, "LOGIN", "", NULL, false },
	{ "AUTH\t2\tLOGIN\trip=nobody\t\t\tfuture=1\tinsecured", DOVECOT_AUTH, 2, "LOGIN", "", NULL,
		false },
	{ "AUTH\t2\tPLAIN\tresp=AA==\tsecured", DOVECOT_AUTH, 2, "PLAIN", "", "AA==\tsecured",
		false },
	{ "CONT\t2\tYm9i", DOVECOT_CONT, 2, NULL, "", "Ym9i", false },
	{ "CONT\t2\t", DOVECOT_CONT, 2, NULL, "", "", false },
	{ "CONT\t2", DOVECOT_CONT, 2, NULL, "", "", false },
	{ "CANCEL\t2", DOVECOT_CANCEL, 2, NULL, "", NULL, false },
	{ "FUTURE\tx\ty", DOVECOT_OTHER, 0, NULL, "", NULL, false },
	{ "", DOVECOT_OTHER, 0, NULL, "", NULL, false },
	{ "auth\t1\tPLAIN", DOVECOT_OTHER, 0, NULL, "", NULL, false },
};

START_TEST(splits_a_command)
	{
		char *line = strdup(good[_i].line), client[CIDR_TEXT_SIZE];
		struct dovecot_command command;
		struct errmsg err = { "" };

		ck_assert_msg(dovecot_parse(line, strlen(line), &command, &err) == 0, "%s",
			err.text);
		ck_assert_int_eq(command.verb, good[_i].verb);
		ck_assert_uint_eq(command.id, good[_i].id);
		ck_assert_int_eq(command.secured, good[_i].secured);
		if (good[_i].mechanism != NULL)
			ck_assert_str_eq(command.mechanism, good[_i].mechanism);
		cidr_format(&command.client, client);
		ck_assert_str_eq(client, good[_i].client);
		if (good[_i].response == NULL) {
			ck_assert_ptr_null(command.response);
		} else {
			ck_assert_str_eq(command.response, good[_i].response);
			ck_assert_uint_eq(command.response_len, strlen(good[_i].response));
		}
		free(line);
	}
END_TEST

static const struct {
	const char *line;
	size_t len; /* 0: strlen() */
	const char *why;
} bad[] = {
	{ "AUTH", 0, "without a number" },
	{ "AUTH\t", 0, "without a number" },
	{ "AUTH\tx\tPLAIN", 0, "without a number" },
	{ "AUTH\t-1\tPLAIN", 0, "without a number" },
	{ "AUTH\t 1\tPLAIN", 0, "without a number" },
	{ "AUTH\t4294967296\tPLAIN", 0, "without a number" },
	{ "AUTH\t99999999999999999999\tPLAIN", 0, "without a number" },
	{ "AUTH\t1", 0, "without a mechanism" },
	{ "AUTH\t1\t", 0, "without a mechanism" },
	{ "AUTH\t1\t\tresp=", 0, "without a mechanism" },
	{ "CONT", 0, "without a number" },
	{ "CANCEL\tall", 0, "without a number" },
	{ "VERSION", 0, "without a number" },
	{ "CPID\t", 0, "without a number" },
	{ "AUTH\t1\tPL\0IN", 12, "NUL" },
};

START_TEST(refuses_malformed_lines)
	{
		char line[64] = "";
		size_t len = bad[_i].len != 0 ? bad[_i].len : strlen(bad[_i].line);
		struct dovecot_command command = { .id = 99 };
		struct errmsg err = { "" };

		memcpy(line, bad[_i].line, len);
		ck_assert_int_eq(dovecot_parse(line, len, &command, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, bad[_i].why));
		ck_assert_uint_eq(command.id, 99);
	}
END_TEST

START_TEST(greets_with_a_mechanism_before_the_spid)
	{
		const struct dovecot_greeting greeting = {
			SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_XOAUTH2), 7, 8, "00ff"
		};
		struct strbuf out = STRBUF_INIT;

		dovecot_greet(&out, &greeting);
		ck_assert_str_eq(out.text,
			"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tXOAUTH2\tplaintext\n"
			"SPID\t7\nCUID\t8\nCOOKIE\t00ff\nDONE\n");
		strbuf_free(&out);
	}
END_TEST

START_TEST(answers_on_one_line_whatever_is_in_it)
	{
		struct strbuf out = STRBUF_INIT;

		dovecot_ok(&out, 1, "bob\tadmin\nOK\t2\ruser=\001root");
		ck_assert_str_eq(out.text,
			"OK\t1\tuser=bob\001tadmin\001nOK\001t2\001ruser=\0011root\n");
		strbuf_reset(&out);
		dovecot_fail(&out, 4294967295U, "b\tb", "no\nway");
		ck_assert_str_eq(out.text, "FAIL\t4294967295\tuser=b\001tb\treason=no\001nway\n");
		strbuf_reset(&out);
		dovecot_fail(&out, 1, "", "");
		ck_assert_str_eq(out.text, "FAIL\t1\n");
		strbuf_reset(&out);
		dovecot_fail_undecided(&out, 4294967295U);
		ck_assert_str_eq(out.text, "FAIL\t4294967295\ttemp\n");
		strbuf_reset(&out);
		dovecot_continue(&out, 3, "Username:", 9);
		dovecot_continue(&out, 3, "", 0);
		ck_assert_str_eq(out.text, "CONT\t3\tVXNlcm5hbWU6\nCONT\t3\t\n");
		strbuf_free(&out);
	}
END_TEST

static Suite *dovecot_suite(void)
{
	Suite *suite = suite_create("dovecot_proto");
	TCase *tests = tcase_create("dovecot_proto");

	tcase_add_loop_test(tests, splits_a_command, 0, COUNT(good));
	tcase_add_loop_test(tests, refuses_malformed_lines, 0, COUNT(bad));
	tcase_add_test(tests, greets_with_a_mechanism_before_the_spid);
	tcase_add_test(tests, answers_on_one_line_whatever_is_in_it);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(dovecot_suite)
