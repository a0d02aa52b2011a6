/*
 * Accepting connections while file descriptors are short: a listener for strangers leaves the
 * reserve alone and pauses, one that uses the reserve accepts even when none is free, and both
 * accept again as soon as they can.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/log/log.h"
#include "milter/loop/accept_delay.h"
#include "milter/loop/clock.h"
#include "milter/loop/descriptors.h"
#include "milter/loop/server_listener.h"
#include "t/unit/unit.h"

#define LIMIT 64

static char folder[64], path[96];
static struct server *server;
static struct server_listener *listener;
static struct rlimit old_limit;
static int accepted[LIMIT], accepted_count, fillers[LIMIT], filler_count, rooms;
static bool has_room;

static void on_accepted(void *context, int fd, const struct sockaddr *address)
{
	(void)context;
	ck_assert_int_eq(address->sa_family, AF_UNIX);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	accepted[accepted_count++] = fd;
}

static bool on_make_room(void *context)
{
	(void)context;
	rooms++;
	if (has_room)
		(void)close(fillers[--filler_count]);
	return has_room;
}

static void setup(void)
{
	struct rlimit files;
	struct errmsg err;

	(void)snprintf(folder, sizeof(folder), "/tmp/test_server_listener.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	accepted_count = filler_count = rooms = 0;
	has_room = false;
	log_set_level(LOG_LEVEL_ERROR - 1);
	(void)getrlimit(RLIMIT_NOFILE, &old_limit);
	files = old_limit;
	files.rlim_cur = LIMIT;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_int_eq(server_new(&server, &err), 0);
}

static void teardown(void)
{
	while (filler_count > 0)
		(void)close(fillers[--filler_count]);
	while (accepted_count > 0)
		(void)close(accepted[--accepted_count]);
	server_listener_free(&listener);
	server_free(&server);
	(void)setrlimit(RLIMIT_NOFILE, &old_limit);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void serve(bool uses_reserve)
{
	const struct server_listener_use use = {
		.name = "test",
		.uses_reserve = uses_reserve,
		.accepted = on_accepted,
		.make_room = on_make_room,
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct errmsg err;

	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(server_listener_new(server, fd, &use, &listener, &err), 0);
}

/* A connection in the listener's queue. */
static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Open descriptors until only `left` are free. */
static void fill(unsigned left)
{
	int fd;

	while ((fd = dup(STDERR_FILENO)) >= 0)
		fillers[filler_count++] = fd;
	while (left-- > 0)
		(void)close(fillers[--filler_count]);
}

static void run_loop(void)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_ge(event_base_loop(server_base(server), EVLOOP_NONBLOCK), 0);
}

/* Run the loop until `count` connections are accepted. Returns the milliseconds that it took. */
static int64_t run_until_accepted(int count)
{
	const int64_t begun = clock_ms();

	while (accepted_count < count && clock_ms() - begun < 20000)
		(void)event_base_loop(server_base(server), EVLOOP_ONCE);
	ck_assert_int_eq(accepted_count, count);
	return clock_ms() - begun;
}

START_TEST(connections_are_accepted)
	{
		int first, second;

		serve(_i == 1);
		first = connect_client();
		second = connect_client();
		run_loop();
		ck_assert_int_eq(accepted_count, 2);
		ck_assert_int_eq(rooms, 0);
		(void)close(first);
		(void)close(second);
	}
END_TEST

START_TEST(a_listener_for_strangers_pauses_and_leaves_the_reserve_alone)
	{
		const uint64_t before = accept_delays().count;
		int client;

		serve(false);
		client = connect_client();
		fill((unsigned)descriptors_look().reserve);
		for (int i = 0; i < 100; i++) /* a busy loop would count each turn */
			run_loop();
		ck_assert_int_eq(accepted_count, 0);
		ck_assert_int_eq(rooms, 1);
		ck_assert_uint_eq(accept_delays().count, before + 1);
		(void)close(fillers[--filler_count]);
		ck_assert_int_ge(run_until_accepted(1), ACCEPT_DELAY_MS / 2);
		(void)close(client);
	}
END_TEST

START_TEST(a_listener_that_can_make_room_does_not_pause)
	{
		int client;

		serve(_i == 1);
		client = connect_client();
		fill(_i == 1 ? 0 : (unsigned)descriptors_look().reserve);
		has_room = true;
		run_loop();
		ck_assert_int_eq(accepted_count, 1);
		(void)close(client);
	}
END_TEST

START_TEST(a_listener_that_uses_the_reserve_accepts_when_no_descriptor_is_free)
	{
		int client, second;

		serve(true);
		client = connect_client();
		second = connect_client();
		fill(0);
		for (int i = 0; i < 100; i++)
			run_loop();
		ck_assert_int_eq(accepted_count, 1); /* with the held descriptor; then it pauses */
		ck_assert_int_eq(rooms, 1);
		(void)close(accepted[--accepted_count]);
		(void)run_until_accepted(1);
		(void)close(client);
		(void)close(second);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("server_listener");
	TCase *tcase = tcase_create("server_listener");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, connections_are_accepted, 0, 2);
	tcase_add_test(tcase, a_listener_for_strangers_pauses_and_leaves_the_reserve_alone);
	/* valgrind closes a connection whose descriptor is beyond the limit, as if there were none.
	 */
	tcase_add_loop_test(tcase, a_listener_that_can_make_room_does_not_pause, 0,
		getenv("UNIT_MEMCHECK") == NULL ? 2 : 1);
	if (getenv("UNIT_MEMCHECK") == NULL)
		tcase_add_test(tcase,
			a_listener_that_uses_the_reserve_accepts_when_no_descriptor_is_free);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
