/*
 * The connections of logins: input reaches the protocol, output is written before a close, clients
 * that do not read or are idle are closed, and the idlest of the lowest rank makes room.
 */
#include <event2/buffer.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

#define MAX_CONNECTIONS 16 /* the least that [auth] max_connections allows */

static char folder[64], path[96];
static struct auth auth;
static struct peer_listener listener, tcp_listener;
static int opened, closed;
static int served[PEER_KINDS]; /* lines of each kind of peers */
static int opened_before;      /* peers at the last line */
static int others_before;      /* lines of the other kind before the last one of the local kind */
static int sender = -1;	       /* sends a line when the first one is served */

/* ---- a protocol that echoes lines ------------------------------------------------- */

static void *open_state(struct peer *peer)
{
	(void)peer;
	opened++;
	return calloc(1, 1);
}

static void close_state(struct peer *peer)
{
	ck_assert_ptr_null(peer->bev);
	closed++;
	free(peer->state);
}

/* A line is echoed; "served" raises the rank, "bye" ends the connection once it is echoed, "now"
 * ends it at once. The end of the client's input is answered with "eof". */
static void echo_lines(struct peer *peer)
{
	struct strbuf out = STRBUF_INIT;
	char *line;

	while (peer->bev != NULL &&
		(line = evbuffer_readln(bufferevent_get_input(peer->bev), NULL, EVBUFFER_EOL_LF)) !=
			NULL) {
		if (sender >= 0 && served[PEERS_ANYBODY] + served[PEERS_LOCAL] == 0)
			ck_assert_int_eq(send(sender, "last\n", 5, MSG_NOSIGNAL), 5);
		served[peer->kind]++;
		if (peer->kind == PEERS_LOCAL)
			others_before = served[PEERS_ANYBODY];
		opened_before = opened;
		peer_active(peer, strcmp(line, "served") == 0 ? PEER_SERVED : PEER_KNOWN);
		strbuf_reset(&out);
		strbuf_addf(&out, "%s\n", line);
		peer_write(peer, &out);
		if (strcmp(line, "bye") == 0)
			peer_close_written(peer);
		if (strcmp(line, "now") == 0)
			peer_close(peer);
		free(line);
	}
	if (peer->bev != NULL && peer->has_eof) {
		strbuf_reset(&out);
		strbuf_add_str(&out, "eof\n");
		peer_write(peer, &out);
		peer_close_written(peer);
	}
	strbuf_free(&out);
}

static const struct peer_protocol echo = {
	.id = AUTH_PROTOCOL_DOVECOT,
	.open = open_state,
	.input = echo_lines,
	.close = close_state,
	.input_max = 1 << 20,
};
static const struct peer_protocol echo_half_close = {
	.id = AUTH_PROTOCOL_SASLAUTHD,
	.open = open_state,
	.input = echo_lines,
	.close = close_state,
	.input_max = 1 << 20,
	.half_close = true,
};

/* Its answer takes longer than the test. */
static void read_nothing(struct peer *peer)
{
	(void)peer;
}

static const struct peer_protocol slow_half_close = {
	.id = AUTH_PROTOCOL_SASLAUTHD,
	.open = open_state,
	.input = read_nothing,
	.close = close_state,
	.input_max = 1 << 20,
	.half_close = true,
};

/* ---- the server's side and the client's, in one thread --------------------------- */

static void on_reap(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	peers_sweep(&auth);
}

static void serve(const struct peer_protocol *protocol)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(peer_listen(&listener, &auth, fd, protocol), 0);
}

static void setup(void)
{
	static const char text[] = "[auth]\nmax_connections = 16\n";
	struct errmsg err;

	(void)snprintf(folder, sizeof(folder), "/tmp/test_auth_peer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/auth", folder);
	log_set_level(LOG_LEVEL_ERROR);
	opened = closed = 0;
	sender = -1;
	auth = (struct auth){ .server = NULL };
	peers_init(&auth);
	ck_assert_int_eq(config_parse("/etc/p.conf", text, sizeof(text) - 1, &auth.config, &err),
		0);
	ck_assert_int_eq(server_new(&auth.server, &err), 0);
	auth.reaper = event_new(server_base(auth.server), -1, 0, on_reap, NULL);
	ck_assert_ptr_nonnull(auth.reaper);
}

static void teardown(void)
{
	peer_listener_close(&listener);
	peer_listener_close(&tcp_listener);
	peers_free(&auth);
	ck_assert_int_eq(opened, closed);
	event_free(auth.reaper);
	server_free(&auth.server);
	config_unref(&auth.config);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* Run the server's loop until nothing is left to do. */
static void run_loop(void)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_ge(event_base_loop(server_base(auth.server), EVLOOP_NONBLOCK), 0);
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	run_loop();
	return fd;
}

static void send_text(int client, const char *text)
{
	ck_assert_int_eq(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	run_loop();
}

/* The client reads exactly this text, and then nothing or (ends) the end of the connection. */
static void expect_text(int client, const char *text, bool ends)
{
	char bytes[64];
	size_t len = strlen(text);

	if (len > 0) {
		ck_assert_int_eq(recv(client, bytes, sizeof(bytes), 0), (ssize_t)len);
		ck_assert_mem_eq(bytes, text, len);
	}
	ck_assert_int_eq(recv(client, bytes, sizeof(bytes), 0), ends ? 0 : -1);
}

/* Returns whether the connection has ended; skips what the client has not read. */
static bool is_closed(int client)
{
	char bytes[64];
	ssize_t len;

	do {
		len = recv(client, bytes, sizeof(bytes), 0);
	} while (len > 0);
	return len == 0;
}

/* ---- tests ------------------------------------------------------------------------ */

START_TEST(serves_input_until_the_protocol_closes)
	{
		int client;

		serve(&echo);
		client = connect_client();
		ck_assert_int_eq(opened, 1);
		send_text(client, "on");
		expect_text(client, "", false);
		send_text(client, "e\ntwo\n");
		expect_text(client, "one\ntwo\n", false);
		ck_assert_uint_eq(peers_count(&auth), 1);
		send_text(client, "bye\n");
		expect_text(client, "bye\n", true);
		ck_assert_uint_eq(peers_count(&auth), 0);
		ck_assert(TAILQ_EMPTY(&auth.closed)); /* the reaper has run */
		ck_assert_int_eq(closed, 1);
		(void)close(client);
	}
END_TEST

START_TEST(a_peer_that_is_closed_at_once_handles_no_further_line)
	{
		int client;

		serve(&echo);
		client = connect_client();
		send_text(client, "now\nlater\n");
		ck_assert_int_eq(closed, 1);
		ck_assert(is_closed(client));
		(void)close(client);
	}
END_TEST

START_TEST(only_some_protocols_answer_a_client_that_has_ended_its_side)
	{
		int client;

		serve(_i == 0 ? &echo : &echo_half_close);
		client = connect_client();
		ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
		run_loop();
		expect_text(client, _i == 0 ? "" : "eof\n", true);
		ck_assert_int_eq(closed, 1);
		(void)close(client);
	}
END_TEST

START_TEST(a_client_that_hangs_up_is_closed)
	{
		serve(_i == 0 ? &echo : &slow_half_close);
		(void)close(connect_client());
		run_loop();
		ck_assert_int_eq(closed, 1);
		ck_assert_uint_eq(peers_count(&auth), 0);
	}
END_TEST

START_TEST(a_client_that_has_ended_its_side_is_closed_when_it_hangs_up)
	{
		int client;

		serve(&slow_half_close);
		client = connect_client();
		ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
		run_loop();
		peers_sweep(&auth);
		ck_assert_int_eq(closed, 0); /* it waits for its answer */
		(void)close(client);
		peers_sweep(&auth);
		ck_assert_int_eq(closed, 1);
	}
END_TEST

START_TEST(a_client_that_does_not_read_is_closed)
	{
		char line[4096 + 1];
		int client;

		serve(&echo);
		client = connect_client();
		memset(line, 'x', sizeof(line));
		line[sizeof(line) - 1] = '\n';
		for (int i = 0; i < 1000 && closed == 0; i++) {
			if (send(client, line, sizeof(line), MSG_NOSIGNAL) < 0)
				break;
			run_loop();
		}
		ck_assert_int_eq(closed, 1);
		(void)close(client);
	}
END_TEST

START_TEST(the_idlest_of_the_lowest_rank_makes_room)
	{
		int clients[MAX_CONNECTIONS + 2];

		serve(&echo);
		for (int i = 0; i < MAX_CONNECTIONS; i++)
			clients[i] = connect_client();
		send_text(clients[0], "served\n");
		send_text(clients[1], "known\n");
		for (int i = 3; i < MAX_CONNECTIONS; i++)
			send_text(clients[i], "known\n");
		clients[MAX_CONNECTIONS] = connect_client(); /* client 2 is new: it goes */
		ck_assert(is_closed(clients[2]));
		send_text(clients[MAX_CONNECTIONS], "known\n");
		clients[MAX_CONNECTIONS + 1] = connect_client(); /* client 1 is the idlest known */
		ck_assert(is_closed(clients[1]));
		ck_assert(!is_closed(clients[3]));
		ck_assert_uint_eq(peers_count(&auth), MAX_CONNECTIONS);
		ck_assert_uint_eq(auth.evicted, 2);
		for (int i = 0; i < MAX_CONNECTIONS + 2; i++)
			(void)close(clients[i]);
	}
END_TEST

/* Serve over TCP, too. Returns the port. */
static in_port_t serve_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(peer_listen(&tcp_listener, &auth, fd, &echo), 0);
	return address.sin_port;
}

/* Begin to connect; the listener has not accepted it yet. */
static int begin_tcp(in_port_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int connect_tcp(in_port_t port)
{
	const int fd = begin_tcp(port);

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (recv(fd, &(char){ 0 }, 1, MSG_PEEK) < 0 && opened == 0)
		run_loop();
	run_loop();
	return fd;
}

/* Whoever may use the port may be any local process. However busy its connections are, they make
 * room for each other once they are half of all. */
START_TEST(neither_kind_of_sockets_takes_the_other_s_half)
	{
		int local[MAX_CONNECTIONS / 2], anybody[3 * MAX_CONNECTIONS], more;
		in_port_t port;

		serve(&echo);
		port = serve_tcp();
		for (int i = 0; i < MAX_CONNECTIONS / 2; i++)
			local[i] = connect_client(); /* idler, and of a lower rank */
		for (int i = 0; i < 3 * MAX_CONNECTIONS; i++) {
			anybody[i] = connect_tcp(port);
			send_text(anybody[i], "served\n");
		}
		for (int i = 0; i < MAX_CONNECTIONS / 2; i++)
			ck_assert(!is_closed(local[i]));
		ck_assert_uint_eq(auth.peers[PEERS_ANYBODY].count, MAX_CONNECTIONS / 2);
		(void)close(local[0]);
		run_loop();
		for (int i = 0; i < 2; i++) { /* the first has room, the second replaces its kind */
			more = connect_tcp(port);
			send_text(more, "served\n");
			(void)close(anybody[i]);
			anybody[i] = more;
		}
		ck_assert(!is_closed(local[1]));
		local[0] = connect_client();
		ck_assert(!is_closed(local[0]));
		ck_assert(!is_closed(local[1]));
		ck_assert_uint_eq(auth.peers[PEERS_LOCAL].count, MAX_CONNECTIONS / 2);
		for (int i = 0; i < MAX_CONNECTIONS / 2; i++)
			(void)close(local[i]);
		for (int i = 0; i < 3 * MAX_CONNECTIONS; i++)
			(void)close(anybody[i]);
	}
END_TEST

/* _i: whether the line over the unix socket comes only when the first one over TCP is served. */
START_TEST(peers_of_the_mta_are_served_before_those_that_may_be_anybody)
	{
		int local, anybody[MAX_CONNECTIONS - 1];
		in_port_t port;

		serve(&echo);
		port = serve_tcp();
		for (int i = 0; i < MAX_CONNECTIONS - 1; i++)
			anybody[i] = connect_tcp(port);
		local = connect_client();
		served[PEERS_ANYBODY] = served[PEERS_LOCAL] = 0;
		for (int i = 0; i < MAX_CONNECTIONS - 1; i++)
			ck_assert_int_eq(send(anybody[i], "line\n", 5, MSG_NOSIGNAL), 5);
		if (_i == 0)
			ck_assert_int_eq(send(local, "last\n", 5, MSG_NOSIGNAL), 5);
		else
			sender = local;
		run_loop();
		ck_assert_int_eq(served[PEERS_ANYBODY], MAX_CONNECTIONS - 1);
		ck_assert_int_eq(served[PEERS_LOCAL], 1);
		ck_assert_int_le(others_before, _i == 0 ? 0 : SERVER_LATER_CALLBACKS);
		(void)close(local);
		for (int i = 0; i < MAX_CONNECTIONS - 1; i++)
			(void)close(anybody[i]);
	}
END_TEST

/* Connections over TCP wait to be accepted; then a line comes from a peer of each kind. */
START_TEST(connections_over_tcp_are_accepted_after_others_and_by_turns)
	{
		int more[8], client;
		in_port_t port;

		serve(&echo);
		port = serve_tcp();
		client = _i == 0 ? connect_client() : connect_tcp(port);
		for (int i = 0; i < 8; i++)
			more[i] = begin_tcp(port);
		ck_assert_int_eq(opened, 1);
		send_text(client, "line\n");
		ck_assert_int_le(opened_before, _i == 0 ? 1 : 2);
		ck_assert_int_eq(opened, 9);
		(void)close(client);
		for (int i = 0; i < 8; i++)
			(void)close(more[i]);
	}
END_TEST

static const struct {
	const char *text; /* that the client sends first */
	int64_t idle;	  /* s */
	bool closes;
} idlers[] = {
	{ "", 29, false },
	{ "", 31, true },
	{ "half a line", 31, true },
	{ "known\n", 599, false },
	{ "known\n", 601, true },
	{ "served\n", 3599, false },
	{ "served\n", 3601, true },
	{ "served\nknown\n", 3599, false },
};
START_TEST(an_idle_peer_is_closed_by_its_rank)
	{
		int client;

		serve(&echo);
		client = connect_client();
		send_text(client, idlers[_i].text);
		for (int rank = 0; rank < PEER_RANKS; rank++) {
			struct peer *peer = TAILQ_FIRST(&auth.peers[PEERS_LOCAL].rank[rank]);

			if (peer != NULL)
				peer->active = clock_ms() - idlers[_i].idle * 1000;
		}
		peers_sweep(&auth);
		ck_assert_int_eq(closed, idlers[_i].closes);
		(void)close(client);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_peer");
	TCase *tcase = tcase_create("auth_peer");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, serves_input_until_the_protocol_closes);
	tcase_add_test(tcase, a_peer_that_is_closed_at_once_handles_no_further_line);
	tcase_add_loop_test(tcase, only_some_protocols_answer_a_client_that_has_ended_its_side, 0,
		2);
	tcase_add_loop_test(tcase, a_client_that_hangs_up_is_closed, 0, 2);
	tcase_add_test(tcase, a_client_that_has_ended_its_side_is_closed_when_it_hangs_up);
	tcase_add_test(tcase, a_client_that_does_not_read_is_closed);
	tcase_add_test(tcase, the_idlest_of_the_lowest_rank_makes_room);
	tcase_add_test(tcase, neither_kind_of_sockets_takes_the_other_s_half);
	tcase_add_loop_test(tcase, peers_of_the_mta_are_served_before_those_that_may_be_anybody, 0,
		2);
	tcase_add_loop_test(tcase, connections_over_tcp_are_accepted_after_others_and_by_turns, 0,
		2);
	tcase_add_loop_test(tcase, an_idle_peer_is_closed_by_its_rank, 0,
		(int)(sizeof(idlers) / sizeof(idlers[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
