/*
 * The sockets of logins: which addresses are accepted, opening them with the files that they leave,
 * and inheriting them from systemd by name or by address.
 */
#include "milter/auth/auth_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define FIRST_INHERITED 3 /* the number of systemd's first descriptor */

static const struct listen_owner owner = { .mode = 0660, .uid = (uid_t)-1, .gid = (gid_t)-1 };

static char folder[64], run_path[96], auth_path[128], auth_socket[160], mux_socket[160];
static struct errmsg err;

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_auth_sockets.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(run_path, sizeof(run_path), "%s/run", folder);
	(void)snprintf(auth_path, sizeof(auth_path), "%s/auth", run_path);
	(void)snprintf(auth_socket, sizeof(auth_socket), "unix:%s", auth_path);
	(void)snprintf(mux_socket, sizeof(mux_socket), "unix:%s/mux", run_path);
	err = (struct errmsg){ "" };
}

static void teardown(void)
{
	(void)unlink(auth_path);
	(void)unlink(mux_socket + strlen("unix:"));
	(void)rmdir(run_path);
	(void)rmdir(folder);
}

/* ---- addresses ------------------------------------------------------------------- */

static const struct {
	const char *socket, *inet_socket, *saslauthd;
	const char *why; /* "": accepted */
} addresses[] = {
	{ "", "", "", "" },
	{ "unix:/run/postern/auth", "", "unix:/run/saslauthd/mux", "" },
	{ "inet:12345@127.0.0.1", "", "", "" },
	{ "inet:12345@127.255.0.9", "", "", "" },
	{ "inet:12345@localhost", "inet6:12345@localhost", "", "" },
	{ "", "inet6:12345@::1", "", "" },
	{ "inet:12345@[127.0.0.1]", "inet6:12345@[::1]", "", "" },
	{ "inet:12345@192.0.2.7", "", "", "[auth] socket: socket inet:12345@192.0.2.7" },
	{ "", "inet:12345@0.0.0.0", "", "[auth] inet_socket: socket inet:12345@0.0.0.0" },
	{ "", "inet6:12345@::", "", "on loopback only" },
	{ "", "inet6:12345@[::]", "", "on loopback only" },
	{ "", "inet6:12345@[::1", "", "on loopback only" },
	{ "", "inet6:12345@::1]", "", "on loopback only" },
	{ "", "inet6:12345@[]", "", "on loopback only" },
	{ "", "inet:12345", "", "on loopback only" },
	{ "", "inet:12345@mx.example", "", "on loopback only" },
	{ "", "", "inet:12345@127.0.0.1", "[auth] saslauthd: it must be a unix socket" },
};
START_TEST(only_loopback_and_unix_sockets_are_accepted)
	{
		const struct config_auth config = { .socket = addresses[_i].socket,
			.inet_socket = addresses[_i].inet_socket,
			.saslauthd = addresses[_i].saslauthd };

		ck_assert_int_eq(auth_sockets_check(&config, &err),
			addresses[_i].why[0] == '\0' ? 0 : -1);
		ck_assert_msg(strstr(err.text, addresses[_i].why) != NULL, "%s", err.text);
	}
END_TEST

/* ---- opening --------------------------------------------------------------------- */

static void close_all(const struct auth_sockets *sockets)
{
	for (int s = 0; s < AUTH_SOCKETS; s++) {
		if (sockets->fd[s] >= 0)
			(void)close(sockets->fd[s]);
	}
}

static bool listens(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value == 1;
}

START_TEST(opens_the_configured_sockets_and_removes_their_files)
	{
		const struct config_auth config = { .socket = auth_socket,
			.inet_socket = "inet:0@127.0.0.1",
			.saslauthd = mux_socket };
		struct auth_sockets sockets;
		struct stat st;

		ck_assert_msg(auth_sockets_open(&config, &owner, &sockets, &err) == 0, "%s",
			err.text);
		for (int s = 0; s < AUTH_SOCKETS; s++)
			ck_assert(listens(sockets.fd[s]));
		ck_assert_str_eq(sockets.file[AUTH_SOCKET_DOVECOT].path, auth_path);
		ck_assert_ptr_null(sockets.file[AUTH_SOCKET_DOVECOT_INET].path);
		ck_assert(!sockets.without_folder);
		ck_assert_int_eq(stat(auth_path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0660);
		auth_sockets_unlink(&sockets);
		ck_assert_int_eq(stat(auth_path, &st), -1);
		close_all(&sockets);
	}
END_TEST

START_TEST(opens_nothing_that_is_not_configured)
	{
		const struct config_auth config = { .socket = "",
			.inet_socket = "",
			.saslauthd = "" };
		struct auth_sockets sockets;

		ck_assert_int_eq(auth_sockets_open(&config, &owner, &sockets, &err), 0);
		for (int s = 0; s < AUTH_SOCKETS; s++)
			ck_assert_int_eq(sockets.fd[s], -1);
	}
END_TEST

/* Whoever starts the daemon by hand may not have made /run/postern. */
START_TEST(serves_no_logins_where_the_folder_of_a_chosen_socket_is_missing)
	{
		struct config_auth config = { .socket = "unix:/nonexistent/postern/auth",
			.socket_chosen = true,
			.inet_socket = "",
			.saslauthd = "" };
		struct auth_sockets sockets;

		ck_assert_msg(auth_sockets_open(&config, &owner, &sockets, &err) == 0, "%s",
			err.text);
		ck_assert(sockets.without_folder);
		ck_assert_int_eq(sockets.fd[AUTH_SOCKET_DOVECOT], -1);
		config.socket_chosen = false;
		ck_assert_int_eq(auth_sockets_open(&config, &owner, &sockets, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/postern/auth"));
	}
END_TEST

START_TEST(leaves_nothing_open_when_one_fails)
	{
		const struct config_auth config = { .socket = auth_socket,
			.inet_socket = "inet:0@192.0.2.7",
			.saslauthd = mux_socket };
		struct auth_sockets sockets = { .fd = { 77, 77, 77 } };
		struct stat st;

		ck_assert_int_eq(auth_sockets_open(&config, &owner, &sockets, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "on loopback only"));
		ck_assert_int_eq(sockets.fd[0], 77);
		ck_assert_int_eq(stat(auth_path, &st), -1);
	}
END_TEST

/* ---- from systemd ---------------------------------------------------------------- */

static int bound_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(mkdir(run_path, 0755), 0);
	memcpy(address.sun_path, auth_path, strlen(auth_path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

/*
 * Pass on a socket as systemd does, in place of Check's or valgrind's descriptor of that number, if
 * there is one; names: LISTEN_FDNAMES, or NULL. Returns what take_back() needs; nothing may be
 * asserted before that.
 */
static int pass_on(int bound, pid_t pid, const char *names)
{
	const int saved = fcntl(FIRST_INHERITED, F_DUPFD_CLOEXEC, 100);
	char text[24];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	(void)setenv("LISTEN_PID", text, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	if (names != NULL)
		(void)setenv("LISTEN_FDNAMES", names, 1);
	(void)dup2(bound, FIRST_INHERITED);
	return saved;
}

/* Restore the descriptor and the environment, and close the socket. */
static void take_back(int saved, int bound)
{
	if (saved >= 0)
		(void)dup2(saved, FIRST_INHERITED);
	else
		(void)close(FIRST_INHERITED);
	(void)close(saved);
	(void)close(bound);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

static const struct {
	const char *names; /* LISTEN_FDNAMES; NULL: not set */
	bool has_address;  /* [auth] socket is the path of the inherited socket */
	bool for_us;	   /* LISTEN_PID is our process */
	bool is_inherited;
} handed[] = {
	{ "auth", false, true, true },
	{ "auth:other", false, true, true },
	{ NULL, true, true, true },
	{ "other", true, true, true },
	{ "other", false, true, false },
	{ "auth-inet", false, true, false },
	{ "authx", false, true, false },
	{ "", false, true, false },
	{ "auth", false, false, false },
};
START_TEST(too_many_sockets_of_systemd_are_an_error)
	{
		const struct config_auth config = { .socket = "",
			.inet_socket = "",
			.saslauthd = "" };
		struct auth_sockets sockets;
		char pid[24];

		(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
		(void)setenv("LISTEN_PID", pid, 1);
		(void)setenv("LISTEN_FDS", "1025", 1);
		ck_assert_int_eq(auth_sockets_open(&config, &owner, &sockets, &err), -1);
		ck_assert_str_eq(err.text,
			"systemd passes 1025 sockets; at most 1024 are supported");
		(void)unsetenv("LISTEN_PID");
		(void)unsetenv("LISTEN_FDS");
	}
END_TEST

START_TEST(inherits_a_socket_by_its_name_or_address)
	{
		const struct config_auth config = {
			.socket = handed[_i].has_address ? auth_socket : mux_socket,
			.inet_socket = "",
			.saslauthd = "",
		};
		int saved, bound = bound_socket(), opened, flags, modes;
		struct stat held, st;
		bool is_held;
		struct auth_sockets sockets;

		saved = pass_on(bound, getpid() + (handed[_i].for_us ? 0 : 1), handed[_i].names);
		opened = auth_sockets_open(&config, &owner, &sockets, &err);
		is_held = fstat(FIRST_INHERITED, &held) == 0 && fstat(bound, &st) == 0 &&
			held.st_ino == st.st_ino;
		flags = fcntl(FIRST_INHERITED, F_GETFD);
		modes = fcntl(FIRST_INHERITED, F_GETFL);
		if (opened == 0)
			close_all(&sockets);
		take_back(saved, bound);
		ck_assert_msg(opened == 0, "%s", err.text);
		ck_assert_int_eq(is_held && sockets.fd[AUTH_SOCKET_DOVECOT] == FIRST_INHERITED,
			handed[_i].is_inherited);
		ck_assert_str_eq(sockets.ignored,
			handed[_i].is_inherited || !handed[_i].for_us ? "" : auth_path);
		/* The place that is configured is not served then. */
		ck_assert_int_eq(strncmp(sockets.elsewhere, auth_path, strlen(auth_path)) == 0 &&
				strstr(sockets.elsewhere, " in place of ") != NULL,
			handed[_i].is_inherited && !handed[_i].has_address);
		/* A client of one that is not served must not wait for an answer. */
		ck_assert_int_eq(is_held, handed[_i].is_inherited || !handed[_i].for_us);
		if (handed[_i].is_inherited) { /* systemd keeps its file */
			ck_assert_ptr_null(sockets.file[AUTH_SOCKET_DOVECOT].path);
			ck_assert_int_ne(flags & FD_CLOEXEC, 0);
			ck_assert_int_ne(modes & O_NONBLOCK, 0);
		}
	}
END_TEST

static const struct {
	bool is_abstract;
	mode_t mode;
	const char *error;
	bool is_loose;
} unix_sockets[] = {
	{ false, 0660, "", false },
	{ false, 0666, "", true },
	{ false, 0662, "", true },
	{ true, 0, "abstract", false },
};
START_TEST(an_inherited_unix_socket_for_everybody_is_noted_or_refused)
	{
		const struct config_auth config = { .socket = auth_socket,
			.inet_socket = "",
			.saslauthd = "" };
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		struct auth_sockets sockets = { .fd = { -1, -1, -1 } };
		int saved, bound, opened;

		if (unix_sockets[_i].is_abstract) {
			bound = socket(AF_UNIX, SOCK_STREAM, 0); /* the kernel gives it a name */
			ck_assert_int_eq(bind(bound, (const struct sockaddr *)&address,
						 sizeof(address.sun_family)),
				0);
			ck_assert_int_eq(listen(bound, 4), 0);
		} else {
			bound = bound_socket();
			ck_assert_int_eq(chmod(auth_path, unix_sockets[_i].mode), 0);
		}
		saved = pass_on(bound, getpid(), "auth");
		opened = auth_sockets_open(&config, &owner, &sockets, &err);
		take_back(saved, bound);
		ck_assert_int_eq(opened, unix_sockets[_i].is_abstract ? -1 : 0);
		if (opened != 0)
			ck_assert_ptr_nonnull(strstr(err.text, unix_sockets[_i].error));
		else
			ck_assert_str_eq(sockets.loose, unix_sockets[_i].is_loose ? auth_path : "");
	}
END_TEST

static const struct {
	bool is_removed, is_replaced, has_client;
	const char *note;
} files[] = {
	{ false, false, false, "" },
	{ false, false, true, "" },
	{ true, false, false, ", whose file is gone or was replaced" },
	{ true, false, true, ", whose file is gone or was replaced" },
	{ true, true, false, ", whose file is gone or was replaced" },
};
START_TEST(an_inherited_unix_socket_without_its_file_is_noted)
	{
		const struct config_auth config = { .socket = auth_socket,
			.inet_socket = "",
			.saslauthd = "" };
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int saved, bound = bound_socket(), other = -1, opened;
		int client = socket(AF_UNIX, SOCK_STREAM, 0);
		struct auth_sockets sockets = { .fd = { -1, -1, -1 } };

		memcpy(address.sun_path, auth_path, strlen(auth_path) + 1);
		if (files[_i].has_client)
			ck_assert_int_eq(connect(client, (const struct sockaddr *)&address,
						 sizeof(address)),
				0);
		if (files[_i].is_removed)
			ck_assert_int_eq(unlink(auth_path), 0);
		if (files[_i].is_replaced) {
			ck_assert_int_eq(rmdir(run_path), 0);
			other = bound_socket();
		}
		saved = pass_on(bound, getpid(), "auth");
		opened = auth_sockets_open(&config, &owner, &sockets, &err);
		take_back(saved, bound);
		(void)close(other);
		(void)close(client);
		ck_assert_int_eq(opened, 0);
		ck_assert_msg(strstr(sockets.elsewhere, files[_i].note) != NULL, "%s",
			sockets.elsewhere);
		ck_assert_int_eq(sockets.elsewhere[0] != '\0', files[_i].note[0] != '\0');
	}
END_TEST

static const struct {
	const char *name;
	uint32_t address;
	int type;
	bool listens, is_inherited;
	const char *text; /* of the note, or of the error */
} inherited[] = {
	{ "auth-inet", INADDR_LOOPBACK, SOCK_STREAM, true, true, "" },
	{ "auth-inet", INADDR_LOOPBACK + 7, SOCK_STREAM, true, true, "" },
	{ "auth-inet", INADDR_ANY, SOCK_STREAM, true, false, "on loopback only" },
	{ "auth", INADDR_LOOPBACK, SOCK_STREAM, true, true, "the TCP socket in place of /tmp/" },
	{ "auth", INADDR_ANY, SOCK_STREAM, true, false, "on loopback only" },
	{ "saslauthd", INADDR_LOOPBACK, SOCK_STREAM, true, false, "it must be a unix socket" },
	{ "auth-inet", INADDR_LOOPBACK, SOCK_STREAM, false, false, "does not listen for streams" },
	{ "auth-inet", INADDR_LOOPBACK, SOCK_DGRAM, false, false, "does not listen for streams" },
};
START_TEST(an_inherited_tcp_socket_must_be_on_loopback)
	{
		const struct config_auth config = { .socket = "",
			.inet_socket = "",
			.saslauthd = "" };
		const char *name = inherited[_i].name;
		const struct config_auth one = {
			.socket = strcmp(name, "auth") == 0 ? auth_socket : "",
			.inet_socket = strcmp(name, "auth-inet") == 0 ? "inet:12345@127.0.0.1" : "",
			.saslauthd = strcmp(name, "saslauthd") == 0 ? mux_socket : "",
		};
		const struct sockaddr_in address = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(inherited[_i].address) };
		int bound = socket(AF_INET, inherited[_i].type, 0), saved, opened, left_alone;
		struct auth_sockets sockets = { .fd = { -1, -1, -1 } };

		ck_assert_int_eq(bind(bound, (const struct sockaddr *)&address, sizeof(address)),
			0);
		if (inherited[_i].listens)
			ck_assert_int_eq(listen(bound, 4), 0);
		saved = pass_on(bound, getpid(), name);
		left_alone = auth_sockets_open(&config, &owner, &sockets, &err); /* closes it */
		(void)dup2(bound, FIRST_INHERITED);
		opened = auth_sockets_open(&one, &owner, &sockets, &err);
		take_back(saved, bound);
		ck_assert_int_eq(left_alone, 0); /* one that is not configured */
		ck_assert_int_eq(opened, inherited[_i].is_inherited ? 0 : -1);
		if (inherited[_i].is_inherited)
			ck_assert_int_eq(sockets.fd[name[4] == '-' ? AUTH_SOCKET_DOVECOT_INET :
								     AUTH_SOCKET_DOVECOT],
				FIRST_INHERITED);
		ck_assert_ptr_nonnull(
			strstr(opened == 0 ? sockets.loose : err.text, inherited[_i].text));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_sockets");
	TCase *tcase = tcase_create("auth_sockets");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, only_loopback_and_unix_sockets_are_accepted, 0,
		COUNT(addresses));
	tcase_add_test(tcase, opens_the_configured_sockets_and_removes_their_files);
	tcase_add_test(tcase, opens_nothing_that_is_not_configured);
	tcase_add_test(tcase, serves_no_logins_where_the_folder_of_a_chosen_socket_is_missing);
	tcase_add_test(tcase, leaves_nothing_open_when_one_fails);
	tcase_add_test(tcase, too_many_sockets_of_systemd_are_an_error);
	tcase_add_loop_test(tcase, inherits_a_socket_by_its_name_or_address, 0, COUNT(handed));
	tcase_add_loop_test(tcase, an_inherited_unix_socket_for_everybody_is_noted_or_refused, 0,
		COUNT(unix_sockets));
	tcase_add_loop_test(tcase, an_inherited_unix_socket_without_its_file_is_noted, 0,
		COUNT(files));
	tcase_add_loop_test(tcase, an_inherited_tcp_socket_must_be_on_loopback, 0,
		COUNT(inherited));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
