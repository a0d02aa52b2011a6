/*
 * The saslauthd protocol at a socket: answers to right and wrong logins, requests that arrive in
 * pieces or with more than they need, and connections that are closed without an answer.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/unit/lib/auth_service.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define BYTES(literal) (literal), sizeof(literal) - 1
#define NO "\0\026NO Invalid credentials"

static struct auth_service service;

static void setup(void)
{
	auth_service_new(&service, "[profile]\ndefault_domain = example.com\n");
	auth_service_publish(&service);
	auth_service_run(&service);
}

static void teardown(void)
{
	auth_service_free(&service);
}

/* Read to the end of the connection, which must come with exactly this answer. */
static void expect_answer(int client, const char *answer, size_t len)
{
	char bytes[64];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(client, bytes + got, sizeof(bytes) - got, 0)) > 0)
		got += (size_t)n;
	ck_assert_uint_eq(got, len);
	ck_assert_mem_eq(bytes, answer, len);
}

static const struct {
	const char *request;
	size_t len;
	const char *answer;
	size_t answer_len;
} requests[] = {
	{ BYTES("\0\3bob\0\010pa55word\0\4smtp\0\0"), BYTES("\0\2OK") },
	{ BYTES("\0\3BOB\0\010pa55word\0\4smtp\0\0"), BYTES("\0\2OK") },
	{ BYTES("\0\3bob\0\010pa55word\0\4smtp\0\0\0\t192.0.2.7"), BYTES("\0\2OK") },
	{ BYTES("\0\3bob\0\5wrong\0\4smtp\0\0"), BYTES(NO) },
	{ BYTES("\0\3bob\0\010pa55word\0\4smtp\0\013example.org"), BYTES(NO) },
	{ BYTES("\0\3off\0\010pa55word\0\4smtp\0\0"), BYTES(NO) },
	{ BYTES("\0\5token\0\1x\0\4smtp\0\0"), BYTES(NO) },
	{ BYTES("\xff\xff"), BYTES("") },
	{ BYTES("\0\3b\0b\0\1x\0\4smtp\0\0"), BYTES("") },
};
START_TEST(answers_a_request_and_closes)
	{
		int client = auth_service_connect(&service, AUTH_SOCKET_SASLAUTHD);

		auth_service_send(client, requests[_i].request, requests[_i].len);
		expect_answer(client, requests[_i].answer, requests[_i].answer_len);
		(void)close(client);
	}
END_TEST

START_TEST(a_request_may_arrive_in_pieces_and_end_the_client_s_side)
	{
		int client = auth_service_connect(&service, AUTH_SOCKET_SASLAUTHD);

		for (size_t i = 0; i < requests[0].len; i++)
			auth_service_send(client, requests[0].request + i, 1);
		ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
		expect_answer(client, BYTES("\0\2OK"));
		(void)close(client);
	}
END_TEST

START_TEST(an_incomplete_request_gets_no_answer)
	{
		int client = auth_service_connect(&service, AUTH_SOCKET_SASLAUTHD);

		auth_service_send(client, requests[0].request, requests[0].len - 1);
		ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
		expect_answer(client, BYTES(""));
		(void)close(client);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_saslauthd");
	TCase *tcase = tcase_create("auth_saslauthd");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, answers_a_request_and_closes, 0, COUNT(requests));
	tcase_add_test(tcase, a_request_may_arrive_in_pieces_and_end_the_client_s_side);
	tcase_add_test(tcase, an_incomplete_request_gets_no_answer);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
