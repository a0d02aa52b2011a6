/*
 * Reads all files as a daemon that starts would, in a child that has become the daemon's user if
 * root checks. It owns the child and the pipe from it; the only thread of `postern -n` runs it.
 * t/integration/test_faults.py covers it.
 */
#include "milter/files_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/conf/options.h"
#include "lib/rules/policy_check.h"
#include "lib/store/list_files.h"
#include "lib/store/policy_files.h"
#include "lib/store/psl_file.h"
#include "lib/store/store_lock.h"
#include "lib/store/store_read.h"
#include "lib/store/suspensions_file.h"
#include "lib/store/token_keys.h"
#include "milter/database_check.h"
#include "milter/file_trial.h"
#include "milter/limits_check.h"
#include "milter/lock_check.h"
#include "milter/loop/listen.h"
#include "milter/pg/pg_conninfo.h"
#include "milter/place_check.h"

int files_report_init(struct files_report *report)
{
	report->unreadable = problems_new();
	report->problems = problems_new();
	return report->unreadable == NULL || report->problems == NULL ? -1 : 0;
}

void files_report_clear(struct files_report *report)
{
	problems_free(&report->unreadable);
	problems_free(&report->problems);
}

/* ---- access ---------------------------------------------------------------------- */

/* Add that the lists' folder does not exist, or cannot be searched. Returns whether it can. */
static bool try_search(const char *folder, const char *user, const char *so,
	struct problems *problems)
{
	struct stat st;
	int error;

	if (stat(folder, &st) != 0)
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	else if (access(folder, X_OK) == 0)
		return true;
	else
		error = errno;
	if (error == EACCES && user[0] != '\0')
		problems_add(problems, "%s: user %s cannot read it, so that %s: %s", folder, user,
			so, strerror(error));
	else if (error == ENOENT && lstat(folder, &st) != 0)
		problems_add(problems,
			"%s: the directory does not exist, so that all lists are empty", folder);
	else
		problems_add(problems, "%s: %s, so that %s", folder, strerror(error), so);
	return false;
}

/* Check the files that a daemon started by root reads before it becomes its user. */
static void check_early_files(const struct config *config, const char *user, const char *so,
	struct problems *problems)
{
	const char *const paths[] = { config->path, config->given.password_file,
		config->given.secret_file };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		(void)file_trial_open(paths[i], user, so, problems);
}

/* ---- the policy ------------------------------------------------------------------ */

/* Read the lists into parts. */
static void check_lists(const struct config *config, const char *user, struct policy_parts *parts,
	struct files_report *report)
{
	static const char so[] = "a daemon that starts has no policy";
	const struct list_source source = {
		.directory = config->lists.directory,
		.max_file = config->lists.max_file,
		.user = config->user,
		.psl = parts->psl,
		.problems = report->problems,
	};
	struct errmsg err;
	char *path;

	if (!try_search(source.directory, user, so, report->unreadable))
		return;
	list_files_report_names(&source);
	for (int i = 0; i < LIST_COUNT; i++) {
		if (list_file_path(source.directory, (enum list_id)i, &path) != 0)
			continue;
		if (file_trial_open(path, user, so, report->unreadable) &&
			list_file_read(&source, (enum list_id)i, &parts->lists[i], NULL, &err) != 0)
			problems_add(report->unreadable, "%s, so that %s", err.text, so);
		free(path);
	}
}

/* Read the store, or the copy of the database, into parts. */
static void check_store(const struct config *config, const char *user, struct policy_parts *parts,
	struct files_report *report)
{
	static const char so[] = "a daemon that starts has no policy";
	const struct store_source source = {
		.rcpt_re_anchored = config->settings->rcpt_re_anchored,
		.user = config->user,
		.problems = report->problems,
	};
	struct store store = { 0 };
	struct errmsg err;

	if (store_is_missing(config->store.path)) {
		parts->lists_only = !config->database.present;
		if (config->database.present)
			database_check(config, parts, report);
		else
			policy_check_store(config, report->problems, report->unreadable);
		return;
	}
	if (!file_trial_open(config->store.path, user, so, report->unreadable))
		return;
	if (store_read_with_prev(config->store.path, &source, &store, &err) != STORE_READ) {
		problems_add(report->unreadable, "%s, so that %s", err.text, so);
		return;
	}
	parts->profiles = profiles_ref(store.profiles);
	parts->users = users_ref(store.users);
	store_clear(&store);
}

static void check_policy(const struct config *config, const char *user, struct files_report *report)
{
	struct policy_parts parts = { .settings = config->settings };
	struct errmsg err;

	if (psl_file_open(config->lists.public_suffix_list, &parts.psl, &err) < 0)
		problems_add(report->unreadable, "public suffix list: %s", err.text);
	else
		check_lists(config, user, &parts, report);
	check_store(config, user, &parts, report);
	policy_check(&parts, report->problems);
	profiles_unref(&parts.profiles);
	users_unref(&parts.users);
	list_files_free(parts.lists);
	orgdomain_unref(&parts.psl);
}

/* ---- logins and limits ----------------------------------------------------------- */

static void check_keys(const struct config *config, const char *user, struct files_report *report)
{
	struct jwt_keys *keys = NULL;
	struct errmsg err;

	if (!file_trial_open(config->jwt.keys_file, user, "no token is accepted",
		    report->unreadable))
		return;
	if (token_keys_load(config->jwt.keys_file, config->jwt.secret, config->user, &keys,
		    report->problems, &err) != TOKEN_KEYS_LOADED)
		problems_add(report->unreadable, "%s", err.text);
	jwt_keys_unref(&keys);
}

static void check_suspensions(const struct config *config, const char *user,
	struct files_report *report)
{
	const char *path = config->auth.suspensions;
	struct suspensions *suspensions = suspensions_new();
	struct errmsg err;

	if (suspensions != NULL &&
		file_trial_open(path, user, "the daemon does not start", report->unreadable)) {
		if (suspensions_load(path, suspensions, &err) != 0)
			problems_add(report->unreadable, "%s, so that the daemon does not start",
				err.text);
		file_trial_create(path, user, "suspensions do not outlive a restart",
			report->problems);
	}
	suspensions_free(&suspensions);
}

/* Check that the copy of the database can be written. */
static void check_copy(const struct config *config, const char *user, struct problems *problems)
{
	static const char so[] = "no copy of the database is kept";
	char *lock = store_lock_path(config->store.path);

	file_trial_create(config->store.path, user, so, problems);
	if (lock != NULL && config->store.path[0] != '\0' &&
		file_trial_open(lock, user, so, problems))
		lock_check(config, config->store.path, "[store] path", so, problems);
	free(lock);
}

static void note_target(const struct config *config, struct problems *problems)
{
	const char *remedy = pg_check_target(config->given.conninfo);
	struct errmsg err;

	if (remedy == NULL)
		return;
	(void)errmsg_set(&err, "%s", remedy);
	(void)config_key_error(config, "database", "conninfo", &err);
	problems_note(problems, "%s", err.text);
}

/* Check all that the daemon opens as its user. */
static void check_files(const struct config *config, const char *user, struct files_report *report)
{
	check_policy(config, user, report);
	check_keys(config, user, report);
	check_suspensions(config, user, report);
	limits_check(config, user, report);
	if (config->database.present) {
		note_target(config, report->problems);
		check_copy(config, user, report->problems);
	}
}

void files_check(const struct config *config, const char *pid_file, struct files_report *report)
{
	place_check(config, pid_file, geteuid() == 0, NULL, report->unreadable);
	check_files(config, "", report);
}

/* ---- the child ------------------------------------------------------------------- */

/* A text passes through the pipe as a letter for its kind, its weight, a space, itself and a NUL.
 */
static void add_texts(struct strbuf *all, char kind, const struct problems *problems,
	enum problem_level level)
{
	for (size_t i = 0; i < problems_level_kept(problems, level); i++) {
		strbuf_addf(all, "%c%zu %s", kind, problems_level_weight(problems, level, i),
			problems_level_text(problems, level, i));
		strbuf_add_char(all, '\0');
	}
}

static void add_report(struct strbuf *all, const struct files_report *report)
{
	add_texts(all, 'u', report->unreadable, PROBLEM);
	add_texts(all, 'p', report->problems, PROBLEM);
	add_texts(all, 'n', report->problems, PROBLEM_NOTE);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	ssize_t written;

	for (; len > 0; bytes += written, len -= (size_t)written) {
		if ((written = write(fd, bytes, len)) < 0)
			return -1;
	}
	return 0;
}

static void run_child(const struct config *config, const struct process_user *user,
	const struct unit *unit, int out) __attribute__((noreturn));

/* unit: systemd starts the daemon; NULL: root does. */
static void run_child(const struct config *config, const struct process_user *user,
	const struct unit *unit, int out)
{
	struct strbuf text = STRBUF_INIT;
	struct files_report report;
	struct errmsg err;

	if (files_report_init(&report) != 0)
		_exit(1);
	if (process_become(user, &err) != 0) {
		problems_add(report.unreadable, "%s", err.text);
	} else {
		check_early_files(config, user->name,
			unit == NULL ? "reloads will fail" : "the daemon does not start",
			unit == NULL ? report.problems : report.unreadable);
		if (unit != NULL)
			place_check(config, NULL, false, unit, report.unreadable);
		check_files(config, user->name, &report);
	}
	add_report(&text, &report);
	_exit(text.failed || write_all(out, text.text, text.len) != 0 ? 1 : 0);
}

static bool contains(const struct problems *problems, enum problem_level level, const char *text)
{
	for (size_t i = 0; i < problems_level_kept(problems, level); i++)
		if (strcmp(problems_level_text(problems, level, i), text) == 0)
			return true;
	return false;
}

/* Add a text from the child, unless an earlier child has found the same. */
static void take_text(const char *text, struct files_report *report)
{
	struct problems *to = text[0] == 'u' ? report->unreadable : report->problems;
	enum problem_level level = text[0] == 'n' ? PROBLEM_NOTE : PROBLEM;
	char *end;
	size_t weight = strtoul(text + 1, &end, 10);

	if (*end == ' ' && !contains(to, level, end + 1))
		problems_add_weighted(to, level, weight, end + 1);
}

/* Take all texts from the pipe. Returns 0, or -1 if the child did not end well. */
static int read_child(pid_t child, FILE *in, struct files_report *report)
{
	char *text = NULL;
	size_t size = 0;
	int status;

	while (getdelim(&text, &size, '\0', in) > 0)
		take_text(text, report);
	free(text);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int check_as(const struct config *config, const struct process_user *user,
	const struct unit *unit, struct files_report *report, struct errmsg *err)
{
	int ends[2];
	pid_t child;
	FILE *in;

	if (pipe2(ends, O_CLOEXEC) != 0 || (in = fdopen(ends[0], "r")) == NULL ||
		(child = fork()) < 0)
		return errmsg_set(err, "cannot start a process that reads the files: %s",
			strerror(errno));
	if (child == 0)
		run_child(config, user, unit, ends[1]);
	(void)close(ends[1]);
	if (read_child(child, in, report) != 0)
		(void)errmsg_set(err, "the process that reads the files as '%s' failed",
			user->name);
	else
		err->text[0] = '\0';
	(void)fclose(in);
	return err->text[0] == '\0' ? 0 : -1;
}

int files_check_as(const struct config *config, const struct process_user *user,
	const char *pid_file, struct files_report *report, struct errmsg *err)
{
	place_check(config, pid_file, true, NULL, report->unreadable);
	return check_as(config, user, NULL, report, err);
}

int files_check_unit(const struct config *config, const struct unit *unit,
	struct files_report *report, struct errmsg *err)
{
	const struct process_user user = unit->user;

	place_check_unit(config, unit, report);
	return check_as(config, &user, unit, report, err);
}
