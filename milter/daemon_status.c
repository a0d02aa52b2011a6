/*
 * The status sections of the process and of its log. The object owns a reference to the
 * configuration in force, which the cache thread replaces after a reload and the server thread
 * takes, under a lock. Rights are looked at when somebody asks, because they change at any time.
 * t/integration/test_status.py covers it.
 */
#include "milter/daemon_status.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "lib/conf/config_access.h"
#include "lib/conf/file_access.h"
#include "lib/store/psl_file.h"
#include "milter/log/events.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"
#include "milter/loop/job.h"

#define SOCKETS 5

#define LOOK_MS 3000	      /* how long a status waits for the files */
#define LOG_PATIENCE_MS 10000 /* how long the output of the log may take for a line */

/* The file of a socket, as it was at the start; ino 0: there was none. */
struct socket_file {
	const char *path;
	dev_t dev;
	ino_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct daemon_status {
	const struct config *first; /* as the daemon started with it */
	struct socket_file sockets[SOCKETS];
	const char *config_path, *user;
	time_t started;
	int64_t started_ms;	   /* clock_ms() */
	struct snapshot *snapshot; /* NULL: none */
	struct job *look;	   /* that has not ended; NULL: none; the server thread's */

	pthread_mutex_t lock; /* guards what follows */
	const struct config *config;
};

static const struct config *get_config(struct daemon_status *status)
{
	const struct config *config;

	(void)pthread_mutex_lock(&status->lock);
	config = config_ref(status->config);
	(void)pthread_mutex_unlock(&status->lock);
	return config;
}

static void note_socket(const char *value, struct socket_file *file_r)
{
	const char *path = value + (strncmp(value, "unix:", 5) == 0 ? 5 : 0);
	struct stat st;

	*file_r = (struct socket_file){ .path = path };
	if (path[0] != '/' || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	file_r->dev = st.st_dev;
	file_r->ino = st.st_ino;
	file_r->mode = st.st_mode & 07777;
	file_r->uid = st.st_uid;
	file_r->gid = st.st_gid;
}

static void note_sockets(const struct config *config, struct socket_file sockets_r[SOCKETS])
{
	const char *const values[SOCKETS] = { config->milter.socket, config->auth.socket,
		config->auth.inet_socket, config->auth.saslauthd, config->control.socket };

	for (int i = 0; i < SOCKETS; i++)
		note_socket(values[i], &sockets_r[i]);
}

struct daemon_status *daemon_status_new(const struct config *config, const char *config_path,
	const char *user)
{
	struct daemon_status *status = calloc(1, sizeof(*status));

	if (status == NULL || pthread_mutex_init(&status->lock, NULL) != 0) {
		free(status);
		return NULL;
	}
	status->first = config;
	status->config_path = config_path;
	status->user = user;
	status->started = time(NULL);
	status->started_ms = clock_ms();
	status->config = config_ref(config);
	note_sockets(config, status->sockets);
	return status;
}

void daemon_status_set_snapshot(struct daemon_status *status, struct snapshot *snapshot)
{
	status->snapshot = snapshot;
}

void daemon_status_free(struct daemon_status **status)
{
	struct daemon_status *gone = *status;

	*status = NULL;
	if (gone == NULL)
		return;
	job_abandon(&gone->look);
	config_unref(&gone->config);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
}

void daemon_status_set_config(struct daemon_status *status, const struct config *config)
{
	const struct config *old;

	(void)pthread_mutex_lock(&status->lock);
	old = status->config;
	status->config = config_ref(config);
	(void)pthread_mutex_unlock(&status->lock);
	config_unref(&old);
}

/* ---- daemon ---------------------------------------------------------------- */

static json_t *describe_daemon(void *context)
{
	const struct daemon_status *status = context;

	return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "pid",
		(json_int_t)getpid(), "started_at", (json_int_t)status->started, "uptime_seconds",
		(json_int_t)((clock_ms() - status->started_ms) / 1000), "config",
		json_text_or_null(status->config_path), "milter_socket",
		json_text_or_null(status->first->milter.socket), "auth_socket",
		json_text_or_null(status->first->auth.socket));
}

static void report_each(const struct problems *problems, const char *remedy,
	struct status_health *health)
{
	for (size_t i = 0; problems != NULL && i < problems_kept(problems); i++)
		status_add_problem(health, remedy, "%s", problems_text(problems, i));
}

static void report_notes(const struct problems *notes, struct status_health *health)
{
	for (size_t i = 0; i < problems_level_kept(notes, PROBLEM_NOTE); i++)
		status_add_note(health,
			"If this is not intended, correct the file, then restart postern.", "%s",
			problems_level_text(notes, PROBLEM_NOTE, i));
}

static void report_restart(const struct config *first, const struct config *config,
	struct status_health *health)
{
	struct problems *changed = problems_new();

	if (changed != NULL && config_restart_needed(first, config, changed) > 0) {
		for (size_t i = 0; i < problems_kept(changed); i++)
			status_add_problem(health, "Restart postern.",
				"%s was changed, and only a restart puts the change in force",
				problems_text(changed, i));
	}
	problems_free(&changed);
}

/* Note rights that somebody has changed by hand: the mode of the configuration does not show them,
 * and the next start undoes them. */
static void note_change(const struct socket_file *was, const struct stat *now,
	struct status_health *health)
{
	const mode_t mode = now->st_mode & 07777;

	if (mode == was->mode && now->st_uid == was->uid && now->st_gid == was->gid)
		return;
	status_add_note(health,
		"Restart postern. If the change is intended, set socket_mode or socket_group first.",
		"%s: the rights of this socket were changed after the start%s: mode %04o, user %lu, "
		"group %lu instead of mode %04o, user %lu, group %lu",
		was->path, (mode & S_IWOTH) == 0 ? "" : ", so that " FILE_EVERY_USER " connect",
		(unsigned)mode, (unsigned long)now->st_uid, (unsigned long)now->st_gid,
		(unsigned)was->mode, (unsigned long)was->uid, (unsigned long)was->gid);
}

/* A socket whose file is gone gets no more clients; if another file is in its place, another
 * program gets them. Where the daemon cannot look for it any more, other users probably do not
 * reach it either. */
static void report_sockets(const struct socket_file sockets[SOCKETS], struct status_health *health)
{
	struct stat st;
	int error;

	for (int i = 0; i < SOCKETS; i++) {
		if (sockets[i].ino == 0)
			continue;
		error = lstat(sockets[i].path, &st) != 0 ? errno : 0;
		if (error == 0 && st.st_dev == sockets[i].dev && st.st_ino == sockets[i].ino)
			note_change(&sockets[i], &st, health);
		else if (error == 0 || error == ENOENT || error == ENOTDIR)
			status_add_problem(health,
				"Find out what has removed it, then restart postern, and before it "
				"postern.socket if systemd holds the socket.",
				"%s: the file of this socket %s, so that nobody reaches the daemon there",
				sockets[i].path,
				error != 0 ? "is gone" : "has been replaced by another one");
		else
			status_add_problem(health,
				"Restore the rights of the directories above it.",
				"%s: the daemon cannot look at this socket any more, and other users probably "
				"do not reach it either: %s",
				sockets[i].path, strerror(error));
	}
}

/* ---- files ----------------------------------------------------------------- */

/* A look at files in a thread of its own, because their file system may not answer. */
struct look {
	const struct config *config;
	const char *user;
	pthread_t asker;
	struct problems *found;
	struct orgdomain *psl; /* in force; NULL: none */
	const char *changed;   /* a file of the configuration, since it was read; NULL: none */
	bool has_changed_psl;  /* the file of the public suffix list has changed */
};

static void look_free(void *context)
{
	struct look *look = context;

	config_unref(&look->config);
	orgdomain_unref(&look->psl);
	problems_free(&look->found);
	free(look);
}

static void run_look(void *context)
{
	struct look *look = context;

	if (pthread_equal(look->asker, pthread_self()))
		return; /* no thread: a file system that does not answer would hold up all logins */
	config_note_files(look->config, look->found);
	config_check_readable(look->config, look->user, look->found);
	look->changed = config_changed_file(look->config);
	look->has_changed_psl = look->psl != NULL &&
		psl_file_has_changed(look->config->lists.public_suffix_list, look->psl);
}

/* Return the public suffix list in force, with a reference; NULL: none. */
static struct orgdomain *get_psl(struct daemon_status *status)
{
	struct policy *policy = status->snapshot == NULL ? NULL : snapshot_get(status->snapshot);
	struct orgdomain *psl = policy == NULL ? NULL : orgdomain_ref(policy_parts(policy)->psl);

	policy_unref(&policy);
	return psl;
}

static struct job *start_look(struct daemon_status *status)
{
	static const struct job_work work = { "files", run_look, look_free, NULL };
	struct look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return NULL;
	look->config = get_config(status);
	look->psl = get_psl(status);
	look->user = status->user;
	look->asker = pthread_self();
	if ((look->found = problems_new()) != NULL)
		return job_start(&work, look, -1);
	look_free(look);
	return NULL;
}

/* Report a file that was changed, unless path is NULL. */
static void report_changed(const char *path, struct status_health *health)
{
	if (path != NULL)
		status_add_problem(health, "Run postern -n, then posternctl reload.",
			"%s has been changed since it was read, and the changes are not in force",
			path);
}

/* Report files with rights of strangers, and those that the daemon's user cannot read. */
static void report_files(struct daemon_status *status, struct status_health *health)
{
	struct look *look;

	if (status->look != NULL && job_wait(status->look, 0))
		job_abandon(&status->look); /* what it has found may be of long ago */
	if (status->look == NULL)
		status->look = start_look(status);
	if (status->look == NULL)
		return;
	/* Logins wait for this thread, so only the first status waits for a look. */
	if (!job_wait(status->look, job_begun(status->look) + LOOK_MS)) {
		status_add_problem(health, "Find out which file system does not answer.",
			"the rights of the files that %s names are not known: a file system has not "
			"answered for %d ms",
			status->config_path, LOOK_MS);
		return;
	}
	if (job_refused(status->look) != 0)
		status_add_problem(health,
			"Permit more threads (TasksMax= of the unit, ulimit -u).",
			"the rights of the files that %s names are not known: the system refuses the "
			"thread that looks at them: %s",
			status->config_path, strerror(job_refused(status->look)));
	look = job_finish(&status->look);
	report_each(look->found, "Restore the file, and let the daemon's user read it.", health);
	report_notes(look->found, health);
	report_changed(look->changed, health);
	if (look->has_changed_psl)
		report_changed(look->config->lists.public_suffix_list, health);
	look_free(look);
}

static void check_daemon(void *context, struct status_health *health)
{
	struct daemon_status *status = context;
	const struct config *config = get_config(status);

	if (geteuid() == 0)
		status_add_problem(health,
			"Name another user in [milter] user or with -u, then restart postern.",
			"the daemon runs as root");
	report_sockets(status->sockets, health);
	report_each(config->warnings, "Correct the file, then run posternctl reload.", health);
	report_notes(config->warnings, health);
	report_files(status, health);
	report_restart(status->first, config, health);
	config_unref(&config);
}

/* ---- log ------------------------------------------------------------------- */

static json_t *describe_log(void *context)
{
	(void)context;
	return json_pack("{s:s, s:I, s:I, s:I, s:I}", "level", log_level_name(log_get_level()),
		"lines", (json_int_t)log_written(), "dropped", (json_int_t)log_dropped(),
		"suppressed", (json_int_t)log_suppressed(), "followers",
		(json_int_t)events_followers());
}

static void check_log(void *context, struct status_health *health)
{
	const uint64_t dropped = log_dropped();
	struct errmsg err;

	(void)context;
	if (!log_is_taken(LOG_PATIENCE_MS, &err))
		status_add_problem(health,
			"Start the system's log daemon, or repair what takes the lines; with -f, "
			"postern logs to standard error.",
			"%s", err.text);
	if (dropped > 0)
		status_add_problem(health,
			"Find out why the log is slow or its disk is full, or choose a higher [log] "
			"level. A restart clears this count.",
			"%llu line%s of the log found no room or could not be written, and %s lost",
			(unsigned long long)dropped, dropped == 1 ? "" : "s",
			dropped == 1 ? "is" : "are");
}

int daemon_status_register(struct daemon_status *status, struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "daemon", status, describe_daemon, check_daemon });
}

int log_status_register(struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "log", NULL, describe_log, check_log });
}
