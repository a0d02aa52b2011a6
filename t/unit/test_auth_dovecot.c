/*
 * The Dovecot authentication protocol at a socket: the greeting, exchanges of each mechanism,
 * refusals for the protocol's own reasons, and connections that break the protocol.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/auth/base64.h"
#include "lib/auth/dovecot_proto.h"
#include "milter/auth/auth_private.h"
#include "t/unit/lib/auth_service.h"
#include "t/unit/lib/tokens.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define JWT_CONFIG "[jwt]\nsecret = " AUTH_SERVICE_SECRET "\n"

/* base64 */
#define BOB_RIGHT "AGJvYgBwYTU1d29yZA=="	     /* \0bob\0pa55word */
#define BOB_WRONG "AGJvYgB3cm9uZw=="		     /* \0bob\0wrong */
#define OFF_RIGHT "AG9mZgBwYTU1d29yZA=="	     /* \0off\0pa55word */
#define BAD_TOKEN "dXNlcj1ib2IBYXV0aD1CZWFyZXIgeAEB" /* user=bob^Aauth=Bearer x^A^A */

#define FROM "service=smtp\tnologin\trip=192.0.2.7\t"
#define AUTH(mechanism, rest) ("AUTH\t1\t" mechanism "\t" FROM rest)
#define RESP(base64) "secured\tresp=" base64
#define FAIL_BOB "FAIL\t1\tuser=bob\treason=Invalid credentials"

static struct auth_service service;

static void teardown(void)
{
	auth_service_free(&service);
}

static void start(const char *config)
{
	auth_service_new(&service, config);
	auth_service_publish(&service);
	auth_service_run(&service);
}

static void send_line(int client, const char *line)
{
	auth_service_send(client, line, strlen(line));
	auth_service_send(client, "\n", 1);
}

/* Skip the greeting. */
static int greeted_client(void)
{
	int client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);

	while (strcmp(auth_service_line(client), "DONE") != 0)
		;
	return client;
}

static const struct {
	const char *config;
	const char *mechanisms[5]; /* in the greeting, ends with NULL */
} greetings[] = {
	{ JWT_CONFIG, { "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2" } },
	{ "", { "PLAIN", "LOGIN" } }, { "[auth]\nmechanisms = LOGIN XOAUTH2\n", { "LOGIN" } },
	{ JWT_CONFIG "[auth]\nmechanisms = xoauth2\n", { "XOAUTH2" } },
	{ "[auth]\nmechanisms = OAUTHBEARER XOAUTH2\n", { "XOAUTH2" } }, /* smtpd needs one */
};
START_TEST(greets_with_the_mechanisms_that_can_be_used)
	{
		char want[64];
		int client;

		start(greetings[_i].config);
		client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		ck_assert_str_eq(auth_service_line(client), "VERSION\t1\t1");
		for (int i = 0; greetings[_i].mechanisms[i] != NULL; i++) {
			(void)snprintf(want, sizeof(want), "MECH\t%s\tplaintext",
				greetings[_i].mechanisms[i]);
			ck_assert_str_eq(auth_service_line(client), want);
		}
		ck_assert_int_eq(strncmp(auth_service_line(client), "SPID\t", 5), 0);
		(void)close(client);
	}
END_TEST

/* Each line that is sent, and the line that answers it. */
static const struct {
	const char *config;
	const char *turns[8]; /* ends with NULL */
} exchanges[] = {
	{ "", { AUTH("PLAIN", RESP(BOB_RIGHT)), "OK\t1\tuser=bob" } },
	{ "", { AUTH("plain", RESP(BOB_RIGHT)), "OK\t1\tuser=bob" } },
	{ "", { AUTH("PLAIN", RESP(BOB_WRONG)), FAIL_BOB } },
	{ "", { AUTH("PLAIN", RESP(OFF_RIGHT)), "FAIL\t1\tuser=off\treason=Invalid credentials" } },
	{ "",
		{ AUTH("PLAIN", "secured"), "CONT\t1\t", ("CONT\t1\t" BOB_RIGHT),
			"OK\t1\tuser=bob" } },
	{ "",
		{ AUTH("LOGIN", "secured"), "CONT\t1\tVXNlcm5hbWU6", "CONT\t1\tYm9i",
			"CONT\t1\tUGFzc3dvcmQ6", "CONT\t1\tcGE1NXdvcmQ=", "OK\t1\tuser=bob" } },
	{ "", { AUTH("PLAIN", "secured\tresp=%%%"), "FAIL\t1\treason=Invalid credentials" } },
	{ "", { AUTH("CRAM-MD5", "secured"), "FAIL\t1\treason=Unsupported mechanism" } },
	{ "", { AUTH("XOAUTH2", "secured"), "FAIL\t1\treason=Unsupported mechanism" } },
	{ "[auth]\nmechanisms = LOGIN\n",
		{ AUTH("PLAIN", RESP(BOB_RIGHT)), "FAIL\t1\treason=Unsupported mechanism" } },
	{ "", { AUTH("PLAIN", "resp=" BOB_RIGHT), "FAIL\t1\treason=TLS is required" } },
	{ "", { ("AUTH\t1\tPLAIN\trip=127.0.0.9\tresp=" BOB_RIGHT), "OK\t1\tuser=bob" } },
	{ "", { ("AUTH\t1\tPLAIN\trip=::1\tresp=" BOB_RIGHT), "OK\t1\tuser=bob" } },
	{ "[auth]\nrequire_tls = no\n", { AUTH("PLAIN", "resp=" BOB_RIGHT), "OK\t1\tuser=bob" } },
	{ JWT_CONFIG,
		{ AUTH("OAUTHBEARER", RESP(BAD_TOKEN)),
			"CONT\t1\teyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=", "CONT\t1\tAQ==",
			FAIL_BOB } },
	{ JWT_CONFIG,
		{ AUTH("XOAUTH2", RESP(BAD_TOKEN)),
			"CONT\t1\teyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=", "CONT\t1\t",
			FAIL_BOB } },
	{ "", { ("CONT\t9\t" BOB_RIGHT), "FAIL\t9\ttemp" } },
	{ "",
		{ ("VERSION\t1\t0\nCPID\t4711\nFUTURE\t1\nAUTH\t2\tPLAIN\tsecured\tresp=" BOB_RIGHT),
			"OK\t2\tuser=bob" } },
	{ "",
		{ "AUTH\t1\tLOGIN\tsecured", "CONT\t1\tVXNlcm5hbWU6",
			"CANCEL\t1\nCANCEL\t7\nCONT\t1\tYm9i", "FAIL\t1\ttemp" } },
};
START_TEST(answers_each_line_of_an_exchange)
	{
		int client;

		start(exchanges[_i].config);
		client = greeted_client();
		for (int i = 0; exchanges[_i].turns[i] != NULL; i += 2) {
			send_line(client, exchanges[_i].turns[i]);
			ck_assert_str_eq(auth_service_line(client), exchanges[_i].turns[i + 1]);
		}
		(void)close(client);
	}
END_TEST

START_TEST(a_token_logs_its_address_in)
	{
		char *token = token_sign("{\"alg\":\"HS256\"}",
			"{\"exp\":99999999999,\"mail\":\"carol@example.com\"}", JWT_HS256, NULL,
			AUTH_SERVICE_SECRET, strlen(AUTH_SERVICE_SECRET));
		struct strbuf message = STRBUF_INIT, line = STRBUF_INIT;
		int client;

		strbuf_addf(&message, "n,,\001auth=Bearer %s\001\001", token);
		strbuf_add_str(&line, "AUTH\t1\tOAUTHBEARER\tsecured\tresp=");
		base64_encode(&line, message.text, message.len);
		start(JWT_CONFIG);
		client = greeted_client();
		send_line(client, line.text);
		ck_assert_str_eq(auth_service_line(client), "OK\t1\tuser=token:carol@example.com");
		(void)close(client);
		strbuf_free(&message);
		strbuf_free(&line);
		free(token);
	}
END_TEST

static const char *const broken[] = {
	"VERSION\t2\t0", "AUTH\tx\tPLAIN", "AUTH\t1", "CONT\t",
	"AUTH\t1\tPLAIN\tsecured\nAUTH\t1\tPLAIN\tsecured", /* a number twice */
};
START_TEST(a_connection_that_breaks_the_protocol_is_closed)
	{
		int client;

		start("");
		client = greeted_client();
		send_line(client, broken[_i]);
		while (auth_service_line(client)[0] != '\0') /* answers before the error */
			;
		(void)close(client);
	}
END_TEST

START_TEST(the_oldest_silent_request_makes_room)
	{
		char line[64];
		int client;

		start("");
		client = greeted_client();
		for (int i = 1; i <= 65; i++) {
			(void)snprintf(line, sizeof(line), "AUTH\t%d\tPLAIN\tsecured", i);
			send_line(client, line);
			(void)snprintf(line, sizeof(line), "CONT\t%d\t", i);
			ck_assert_str_eq(auth_service_line(client), line);
		}
		send_line(client, "CONT\t1\t" BOB_RIGHT);
		ck_assert_str_eq(auth_service_line(client), "FAIL\t1\ttemp"); /* not checked */
		send_line(client, "CONT\t65\t" BOB_RIGHT);
		ck_assert_str_eq(auth_service_line(client), "OK\t65\tuser=bob");
		(void)close(client);
	}
END_TEST

static uint64_t refused(void)
{
	return auth_counts_of(service.auth->counts, AUTH_REFUSED_POLICY);
}

static void turn_loop(void)
{
	ck_assert_int_ge(event_base_loop(server_base(service.server), EVLOOP_NONBLOCK), 0);
}

/* Set *context to the number of refusals when the answer arrives. */
static void on_answer(evutil_socket_t fd, short what, void *context)
{
	char answers[1024];
	ssize_t got = recv(fd, answers, sizeof(answers) - 1, MSG_DONTWAIT);
	uint64_t *refused_r = context;

	(void)what;
	answers[got < 0 ? 0 : got] = '\0';
	if (strstr(answers, "FAIL\t7777777") != NULL)
		*refused_r = refused();
}

/* The server thread does not run, so that this one sees each turn of the loop. */
START_TEST(a_connection_with_many_lines_lets_others_in_between)
	{
		uint64_t lines = 0, before = 0;
		struct event *answered;
		char flood[16 << 10];
		size_t len = 0;
		int flooder, other;

		auth_service_new(&service, "");
		auth_service_publish(&service);
		flooder = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		other = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		while (peers_count(service.auth) < 2)
			turn_loop();
		answered = event_new(server_base(service.server), other, EV_READ | EV_PERSIST,
			on_answer, &before);
		ck_assert_int_eq(event_add(answered, NULL), 0);
		for (; len < sizeof(flood) - 32; lines++)
			len += (size_t)snprintf(flood + len, sizeof(flood) - len, "AUTH\t%d\tX\n",
				(int)lines);
		auth_service_send(flooder, flood, len);
		send_line(other, "AUTH\t7777777\tX");
		while (refused() < lines + 1 || before == 0) {
			(void)!recv(flooder, flood, sizeof(flood), MSG_DONTWAIT);
			turn_loop();
		}
		ck_assert_uint_lt(before, lines / 2);
		event_free(answered);
		(void)close(flooder);
		(void)close(other);
	}
END_TEST

/* Otherwise its answers would use memory. */
START_TEST(a_client_that_does_not_read_has_to_before_more_is_read)
	{
		const int size = 1; /* the least that the system permits */
		const struct peer_list *peers;
		char flood[16 << 10];
		size_t len = 0;
		uint64_t lines = 0;
		int client;

		auth_service_new(&service, "");
		auth_service_publish(&service);
		peers = &service.auth->peers[PEERS_LOCAL].rank[PEER_NEW];
		client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		while (peers_count(service.auth) == 0)
			turn_loop();
		ck_assert_int_eq(setsockopt(bufferevent_getfd(TAILQ_FIRST(peers)->bev), SOL_SOCKET,
					 SO_SNDBUF, &size, sizeof(size)),
			0);
		for (; len < sizeof(flood) - 32; lines++)
			len += (size_t)snprintf(flood + len, sizeof(flood) - len, "AUTH\t%d\tX\n",
				(int)lines);
		auth_service_send(client, flood, len);
		for (uint64_t i = 0; i < lines; i++)
			turn_loop();
		ck_assert_uint_lt(refused(), lines);
		while (refused() < lines) {
			(void)!recv(client, flood, sizeof(flood), MSG_DONTWAIT);
			turn_loop();
		}
		(void)close(client);
	}
END_TEST

/* A login that cannot be decided ends the connection, behind the answers, and not because of the
 * whole lines that the client has sent meanwhile. */
#define START 65536 /* bytes before the login: so many turns of the loop fill the input */
START_TEST(the_end_of_a_connection_keeps_its_answers)
	{
		char lines[START + 64 + DOVECOT_LINE_MAX + 512]; /* all of them are read */
		size_t len = 0;
		int client;

		auth_service_new(&service, ""); /* without a policy */
		service.auth->started -= INT64_C(3600000);
		client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		while (len < sizeof(lines) - 72) {
			const char *line = len == START ?
				"AUTH\t1\tX\nAUTH\t2\tPLAIN\tsecured\tresp=" BOB_RIGHT "\n" :
				"FUTURE\t\n";

			memcpy(lines + len, line, strlen(line));
			len += strlen(line);
		}
		auth_service_send(client, lines, len);
		auth_service_run(&service);
		while (strcmp(auth_service_line(client), "DONE") != 0)
			;
		ck_assert_str_eq(auth_service_line(client),
			"FAIL\t1\treason=Unsupported mechanism");
		(void)close(client);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_dovecot");
	TCase *tcase = tcase_create("auth_dovecot");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, greets_with_the_mechanisms_that_can_be_used, 0,
		COUNT(greetings));
	tcase_add_loop_test(tcase, answers_each_line_of_an_exchange, 0, COUNT(exchanges));
	tcase_add_test(tcase, a_token_logs_its_address_in);
	tcase_add_loop_test(tcase, a_connection_that_breaks_the_protocol_is_closed, 0,
		COUNT(broken));
	tcase_add_test(tcase, the_oldest_silent_request_makes_room);
	tcase_add_test(tcase, a_connection_with_many_lines_lets_others_in_between);
	tcase_add_test(tcase, a_client_that_does_not_read_has_to_before_more_is_read);
	tcase_add_test(tcase, the_end_of_a_connection_keeps_its_answers);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
