/*
 * Opens the milter socket and runs libmilter's main loop in a thread. Owns that thread and the path
 * of a unix socket. The main thread calls it; t/integration/test_daemon.py covers it with real
 * sockets and signals.
 */
#include "milter/smtp/callbacks_thread.h"

#include <errno.h>
#include <inttypes.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/log/quote.h"
#include "milter/loop/accept_delay.h"
#include "milter/loop/clock.h"
#include "milter/loop/descriptors.h"
#include "milter/smtp/callbacks.h"
#include "milter/smtp/milter_address.h"
#include "milter/smtp/patient_threads.h"

#define LOG_EVERY_MS 60000

static struct {
	char *path; /* of a unix socket; NULL: an inet socket */
	struct listen_file file;
	pthread_t main;
	atomic_bool ended;
} milter;

/* Let libmilter make the socket. */
static int open_socket(const struct milter_socket *socket, struct errmsg *err)
{
	mode_t old_mask;
	int opened;

	if (milter.path != NULL && listen_clear(milter.path, err) != 0)
		return -1;
	old_mask = listen_mask(&socket->owner);
	errno = 0;
	opened = smfi_opensocket(false);
	if (opened != MI_SUCCESS) {
		(void)errmsg_set(err, "[milter] socket %s: %s", socket->name,
			errno == 0 ? "cannot be opened" : strerror(errno));
		(void)umask(old_mask);
		return -1;
	}
	if (milter.path == NULL) {
		(void)umask(old_mask);
		return 0;
	}
	if (listen_own(milter.path, &socket->owner, old_mask, err) != 0)
		return -1;
	listen_note_file(milter.path, &milter.file);
	return 0;
}

int milter_open(const struct milter_socket *socket, struct shared *shared, struct errmsg *err)
{
	const char *colon = strchr(socket->name, ':');
	char name[MILTER_ADDRESS_SIZE];
	int ret = 0;

	if (milter_address_find(socket->name, socket->allow_remote, name, err) != 0)
		return errmsg_prefix(err, "[milter] socket: ");
	if (!milter_address_is_inet(socket->name) &&
		(milter.path = strdup(colon == NULL ? socket->name : colon + 1)) == NULL)
		return errmsg_set(err, "out of memory");
	if (callbacks_register(shared, err) != 0)
		return -1;
	if (smfi_setconn(name) != MI_SUCCESS)
		return errmsg_set(err, "[milter] socket %s: libmilter cannot use this name",
			socket->name);
	(void)smfi_settimeout(socket->timeout);
	if (milter.path != NULL)
		ret = listen_become_maker(milter.path, socket->owner.uid, err);
	if (ret == 0)
		ret = open_socket(socket, err);
	listen_become_root();
	return ret;
}

/* Log, once a minute, how many threads the system has refused. Runs on libmilter's thread. */
static void log_refused_threads(const struct patient_threads *threads)
{
	static uint64_t counted;
	static int64_t logged; /* clock_ms(); 0: never */
	const int64_t now = clock_ms();

	if (threads->refused == counted || (logged != 0 && now - logged < LOG_EVERY_MS))
		return;
	quote_log(LOG_LEVEL_ERROR, "error", strerror(threads->error),
		"milter threads=delayed times=%" PRIu64, threads->refused - counted);
	counted = threads->refused;
	logged = now;
}

/*
 * libmilter starts a thread that calls sigwait() for SIGTERM, SIGINT and SIGHUP and then stops
 * libmilter, even while another thread is still starting it, and destroys locks that are in use.
 * Only the main thread may take signals, with sigwaitinfo(). The program therefore replaces
 * sigwait(), which nothing else in the process calls: libmilter's thread starts the threads that
 * the system has refused, until the process ends.
 */
int sigwait(const sigset_t *set, int *signal_r)
{
	(void)set;
	(void)signal_r;
	patient_threads_serve(log_refused_threads);
}

/* Let the main thread end the daemon. */
static void report_end(void)
{
	atomic_store(&milter.ended, true);
	(void)pthread_kill(milter.main, MILTER_SIGNAL);
}

/*
 * libmilter calls accept() again at once after EMFILE and similar errors, which occupies a
 * processor and uses each descriptor that is closed. This accept(), which replaces it in the same
 * way, pauses for a second then, and leaves the reserve of descriptors to the rest of the daemon.
 * If the socket cannot be listened on any more, the daemon ends, because libmilter would first try
 * for two minutes. Nothing else in the process calls it. Runs on libmilter's listener.
 */
int patient_accept(int fd, struct sockaddr *address, socklen_t *len) __asm__("accept");

int patient_accept(int fd, struct sockaddr *address, socklen_t *len)
{
	static struct accept_delay delay = { .socket = "milter" };
	const struct timespec pause = { .tv_sec = ACCEPT_DELAY_MS / 1000 };
	int accepted = -1, error = EMFILE;

	if (!descriptors_short()) {
		accepted = accept4(fd, address, len, SOCK_CLOEXEC);
		error = errno;
	}
	if (accepted >= 0) {
		accept_delay_end(&delay, clock_ms());
	} else if (error == EBADF || error == EINVAL || error == ENOTSOCK) {
		report_end();
	} else if (accept_delay_is_needed(error)) {
		accept_delay_add(&delay, error, clock_ms());
		(void)nanosleep(&pause, NULL);
	}
	errno = error;
	return accepted;
}

static void *milter_main(void *unused)
{
	(void)unused;
	(void)smfi_main(); /* returns only after a failure, because nothing calls smfi_stop() */
	report_end();
	return NULL;
}

int milter_start(struct errmsg *err)
{
	pthread_t thread;
	int ret;

	milter.main = pthread_self();
	if ((ret = pthread_create(&thread, NULL, milter_main, NULL)) != 0)
		return errmsg_set(err, "cannot start the milter's thread: %s", strerror(ret));
	(void)pthread_detach(thread);
	return 0;
}

bool milter_has_ended(void)
{
	return atomic_load(&milter.ended);
}

void milter_leave(void)
{
	listen_remove(&milter.file, (uid_t)-1);
}
