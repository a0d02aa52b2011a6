/*
 * The daemon from its start to its end: opens the sockets as root (daemon_sockets.c), becomes the
 * user, starts the threads, obeys signals, and closes everything in order. Owns what lives as long
 * as the daemon. Main thread, except for the functions whose comments name another.
 * t/integration/test_daemon.py covers it.
 */
#include "milter/daemon.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/print.h"
#include "lib/store/suspensions_file.h"
#include "milter/daemon_private.h"
#include "milter/descriptor_status.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/signals.h"
#include "milter/smtp/callbacks_thread.h"
#include "milter/smtp/milter_address.h"
#include "milter/smtp/smtp_status.h"
#include "milter/watchdog.h"

/* How long the start waits for a policy before the daemon serves without one. */
#define FIRST_POLICY_MS 15000

/* The interval of attempts to save suspensions that could not be saved, and of looks at their file.
 */
#define SUSPENSIONS_RETRY_MS 2000

#define WATCH_MS 1000 /* between two looks whether writes to disks end */

/* ---- starting -------------------------------------------------------------- */

/* Determine user and pid file; the command line overrides the configuration. */
static void settle_options(struct daemon *daemon)
{
	const struct daemon_options *options = daemon->options;
	const struct config_milter *milter = &daemon->config->milter;
	const char *user = geteuid() == 0 ? milter->user : "";
	struct errmsg err;

	daemon->pid_file = options->pid_file != NULL ? options->pid_file : milter->pid_file;
	if (options->user != NULL)
		user = options->user;
	if (process_find_user(user, &daemon->user, &err) != 0)
		process_fail(EX_NOUSER, &err);
}

/* Suspensions must be loaded before the first login. */
static void start_auth(struct daemon *daemon)
{
	struct errmsg err;
	bool served = false;

	if (suspensions_load(daemon->config->auth.suspensions, shared_suspensions(daemon->shared),
		    &err) != 0)
		process_fail(EX_DATAERR, &err);
	if (daemon->auth_sockets.without_folder)
		log_event(LOG_LEVEL_WARNING,
			"auth error=\"the directory of the sockets is missing: logins are not served\"");
	if (daemon->auth_sockets.loose[0] != '\0') {
		(void)errmsg_set(&err,
			"every user of this machine can connect to %s, try passwords and claim any "
			"client's address; set SocketMode=0660 and SocketGroup= in postern.socket",
			daemon->auth_sockets.loose);
		quote_log(LOG_LEVEL_NOTICE, "note", err.text, "auth");
	}
	if (daemon->auth_sockets.ignored[0] != '\0')
		quote_log(LOG_LEVEL_WARNING, "ignored", daemon->auth_sockets.ignored,
			"auth error=\"systemd listens on a socket that [auth] does not set: logins "
			"there are never answered\"");
	if (daemon->auth_sockets.elsewhere[0] != '\0')
		quote_log(LOG_LEVEL_WARNING, "listens", daemon->auth_sockets.elsewhere,
			"auth error=\"nobody reaches the daemon at the place that [auth] sets, because "
			"systemd listens on another socket\"");
	for (int i = 0; i < AUTH_SOCKETS; i++)
		served = served || daemon->auth_sockets.fd[i] >= 0;
	if (served &&
		auth_new(daemon->server, daemon->shared, &daemon->auth_sockets, daemon->config,
			&daemon->auth, &err) != 0)
		process_fail(EX_OSERR, &err);
}

/* Warn of files that only root can read, because reloads read them as the user. */
static void warn_of_unreadable_files(const struct daemon *daemon)
{
	struct problems *problems = problems_new();

	if (problems != NULL && daemon->user.name[0] != '\0') {
		config_check_readable(daemon->config, daemon->user.name, problems);
		daemon_log_config_problems(problems, NULL);
	}
	problems_free(&problems);
}

static void start_log(const struct daemon *daemon)
{
	const struct log_output output = {
		.facility = daemon->config->log.facility,
		/* syslog() gives the journal levels and the facility; a copy would be a second
		   line. */
		.to_stderr = daemon->options->foreground && !process_has_journal(),
		.level = daemon->config->log.level,
	};
	struct errmsg err;

	if (log_start(&output, &err) != 0)
		process_fail(EX_OSERR, &err);
	daemon_log_config_problems(daemon->config->warnings, NULL);
	daemon_log_config_problems(daemon->config->rights, NULL);
	if (geteuid() == 0)
		log_event(LOG_LEVEL_WARNING,
			"running as root; set a user with -u or [milter] user");
}

/* Suspend a login for [limits] on_limit, at once. Runs in the thread that decides. */
static int suspend_login(void *context, const char *login, struct errmsg *err)
{
	struct daemon *daemon = context;

	if (suspensions_set(shared_suspensions(daemon->shared), login, true) < 0)
		return errmsg_set(err, "out of memory, or %d logins are suspended already",
			SUSPENSIONS_MAX);
	suspension_keeper_request(daemon->suspension_keeper, NULL);
	return 0;
}

static uint64_t ledger_time(const void *ledger_file)
{
	return ledger_file_now(ledger_file);
}

/* Load the charges of earlier runs. If they cannot be read or saved, the daemon counts in memory,
 * so that mail goes on; the log and the status report that. */
static void open_ledger(struct daemon *daemon)
{
	struct problems *problems = problems_new();
	struct errmsg err = { "out of memory" };

	if (problems == NULL || (daemon->ledger = ledger_new()) == NULL ||
		ledger_file_open(daemon->config->limits.state, daemon->ledger, NULL,
			&daemon->ledger_file, problems) != 0)
		process_fail(EX_OSERR, &err);
	for (size_t i = 0; i < problems_kept(problems); i++)
		log_event(LOG_LEVEL_ERROR, "limits %s", problems_text(problems, i));
	for (size_t i = 0; i < problems_level_kept(problems, PROBLEM_NOTE); i++)
		log_event(LOG_LEVEL_NOTICE, "limits %s",
			problems_level_text(problems, PROBLEM_NOTE, i));
	log_event(LOG_LEVEL_INFO, "limits keys=%zu", ledger_size(daemon->ledger).keys);
	daemon->ledger_section.load_problems = problems;
	if (ledger_file_start(daemon->ledger_file, &err) != 0)
		process_fail(EX_OSERR, &err);
	ledger_set_bounds(daemon->ledger, daemon->config->limits.max_keys,
		daemon->config->limits.max_memory);
	daemon->ledger_ops = ledger_ops(daemon->ledger);
	shared_set_ledger(daemon->shared, &daemon->ledger_ops, ledger_time, daemon->ledger_file);
}

/* The sections in the order in which posternctl prints them. The server thread has not started. */
static void register_status(struct daemon *daemon)
{
	struct status *status = daemon->status;

	daemon->auth_section = (struct auth_section){
		.auth = daemon->auth,
		.sockets = &daemon->auth_sockets,
		.shared = daemon->shared,
		.suspensions = daemon->suspension_keeper,
	};
	daemon->ledger_section.ledger = daemon->ledger;
	daemon->ledger_section.file = daemon->ledger_file;
	if (daemon_status_register(daemon->daemon_status, status) != 0 ||
		cache_status_register(daemon->cache, status) != 0 ||
		smtp_status_register(daemon->shared, status) != 0 ||
		auth_status_register(&daemon->auth_section, status) != 0 ||
		ledger_status_register(&daemon->ledger_section, status) != 0 ||
		descriptor_status_register(status) != 0 || log_status_register(status) != 0)
		process_fail(EX_OSERR, &(struct errmsg){ "out of memory" });
}

/* Report writes that do not end. Runs on the server thread. */
static void watch_disks(void *argument)
{
	const struct daemon *daemon = argument;

	ledger_file_watch(daemon->ledger_file);
	suspension_keeper_watch(daemon->suspension_keeper);
}

static void start_threads(struct daemon *daemon)
{
	const struct cache_hooks hooks = daemon_reload_hooks(daemon);
	struct errmsg err;

	daemon->daemon_status =
		daemon_status_new(daemon->config, daemon->options->config_path, daemon->user.name);
	if (daemon->daemon_status == NULL)
		process_fail(EX_OSERR, &(struct errmsg){ "out of memory" });
	daemon_status_set_snapshot(daemon->daemon_status, daemon->snapshot);
	if (cache_start(daemon->config, daemon->options->config_path, daemon->snapshot, &hooks,
		    &daemon->cache, &err) != 0)
		process_fail(EX_OSERR, &err);
	register_status(daemon);
	if (daemon->control != NULL &&
		control_serve(daemon->control, daemon->cache, daemon->auth, &err) != 0)
		process_fail(EX_OSERR, &err);
	if (server_every(daemon->server, WATCH_MS, watch_disks, daemon, &err) != 0)
		process_fail(EX_OSERR, &err);
	if (watchdog_start(daemon->server, daemon->cache, daemon->ledger_file, &err) != 0)
		process_fail(EX_OSERR, &err);
	if (server_start(daemon->server, &err) != 0)
		process_fail(EX_OSERR, &err);
}

/* ---- running --------------------------------------------------------------- */

/* Handle signals until one ends the daemon. Returns the exit status: that of a failure if libmilter
 * has given up, so that the service manager starts the daemon again. */
static int obey_signals(struct daemon *daemon)
{
	int signal;

	while (!milter_has_ended()) {
		switch (signals_wait(&signal)) {
		case SIGNALS_RELOAD:
			log_event(LOG_LEVEL_NOTICE, "reload asked-by=SIGUSR1");
			(void)cache_reload_request(daemon->cache, false);
			break;
		case SIGNALS_END:
			log_event(LOG_LEVEL_NOTICE, "ending signal=%s", sigabbrev_np(signal));
			return EX_OK;
		case SIGNALS_IGNORED:
			log_event(LOG_LEVEL_NOTICE,
				"SIGHUP ignored=yes hint=\"posternctl reload or SIGUSR1 reads "
				"everything again\"");
			break;
		case SIGNALS_LOOK:
			break;
		}
	}
	log_event(LOG_LEVEL_ERROR,
		"ending error=\"libmilter accepts no more connections; see its last log lines\" status=%d",
		EX_UNAVAILABLE);
	process_notify(
		"STATUS=failed: libmilter accepts no more connections; see its last log lines");
	return EX_UNAVAILABLE;
}

static void announce(struct daemon *daemon)
{
	struct errmsg err = { "" };

	if (cache_wait_first(daemon->cache, FIRST_POLICY_MS, &err) == 0) {
		log_event(LOG_LEVEL_NOTICE, "ready version=%s pid=%ld", PACKAGE_VERSION,
			(long)getpid());
		process_ready("deciding");
		return;
	}
	quote_log(LOG_LEVEL_WARNING, "error", err.text, "ready version=%s pid=%ld policy=none",
		PACKAGE_VERSION, (long)getpid());
	if (!daemon->options->foreground)
		print_line(stderr, "postern: running, but there is no policy yet: %s", err.text);
	process_ready("no policy yet");
}

/* libmilter's workers may still run; everything that they use stays until the process ends. */
static void stop_all(struct daemon *daemon)
{
	struct errmsg err;

	process_notify("STOPPING=1");
	listen_remove(&daemon->control_file, (uid_t)-1);
	auth_sockets_unlink(&daemon->auth_sockets);
	milter_leave();
	cache_end(daemon->cache); /* the server answers those who wait for a reload */
	if (suspension_keeper_stop(daemon->suspension_keeper, &err) != 0) /* the server answers */
		quote_log(LOG_LEVEL_ERROR, "error", err.text, "suspensions written=no");
	server_stop(daemon->server);
	auth_free(&daemon->auth);
	control_free(&daemon->control);
	cache_free(&daemon->cache);
	status_free(&daemon->status);
	daemon_status_free(&daemon->daemon_status);
	problems_free(&daemon->ledger_section.load_problems);
	if (ledger_file_end(daemon->ledger_file, &err) != 0)
		quote_log(LOG_LEVEL_ERROR, "error", err.text, "limits forced-to-disk=no");
	process_remove_pid(daemon->pid_file);
	log_event(LOG_LEVEL_NOTICE, "ended");
	log_stop();
}

/* The sockets are opened as root; the user does everything else. Returns the exit status. */
static int run(struct daemon *daemon)
{
	struct errmsg err;
	int status;

	settle_options(daemon);
	signals_take(daemon->options->foreground, MILTER_SIGNAL);
	process_raise_limits();
	daemon->snapshot = snapshot_new();
	if (daemon->snapshot != NULL)
		daemon->shared = shared_new(daemon->snapshot, daemon->config->settings,
			milter_address_is_inet(daemon->config->milter.socket));
	daemon->status = status_new();
	if (daemon->shared != NULL)
		daemon->suspension_keeper = suspension_keeper_new(daemon->config->auth.suspensions,
			shared_suspensions(daemon->shared));
	if (daemon->suspension_keeper == NULL || daemon->status == NULL)
		process_fail(EX_OSERR, &(struct errmsg){ "out of memory" });
	if (server_new(&daemon->server, &err) != 0)
		process_fail(EX_OSERR, &err);
	if (process_take_group(&daemon->user, &err) != 0)
		process_fail(EX_NOPERM, &err);
	daemon_open_auth_sockets(daemon); /* first: a smtpd that starts without this socket ends */
	daemon_open_control_socket(daemon);
	daemon_open_milter_socket(daemon); /* last: when it exists, all others do */
	if (daemon->pid_file[0] != '\0' &&
		process_write_pid(daemon->pid_file, &daemon->user, &err) != 0)
		process_fail(EX_CANTCREAT, &err);
	if (process_become(&daemon->user, &err) != 0)
		process_fail(EX_NOPERM, &err);
	process_hide();
	start_log(daemon);
	warn_of_unreadable_files(daemon);
	open_ledger(daemon);
	start_auth(daemon);
	shared_on_suspend(daemon->shared, suspend_login, daemon);
	if (suspension_keeper_start(daemon->suspension_keeper, SUSPENSIONS_RETRY_MS, &err) != 0)
		process_fail(EX_OSERR, &err);
	start_threads(daemon);
	announce(daemon);
	if (milter_start(&err) != 0)
		process_fail(EX_OSERR, &err);
	status = obey_signals(daemon);
	stop_all(daemon);
	return status;
}

int daemon_run(const struct daemon_options *options, const struct config *config)
{
	static struct daemon daemon; /* libmilter's workers may outlive the call */
	struct errmsg err;

	daemon.options = options;
	daemon.config = config_ref(config);
	if (!options->foreground && process_daemonize(&err) != 0)
		process_fail(EX_OSERR, &err);
	if (process_close_inherited(&err) != 0)
		process_fail(EX_OSERR, &err);
	(void)umask(022); /* other users must reach the sockets in the folders that it makes */
	return run(&daemon);
}
