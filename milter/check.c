/*
 * postern -n: checks the configuration, and all files as the daemon's user. Owns nothing that
 * outlives it; runs on one thread. t/integration/test_faults.py and test_check_unit.py cover it.
 */
#include "milter/check.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/print.h"
#include "milter/files_check.h"
#include "milter/process.h"
#include "milter/socket_check.h"
#include "milter/start_check.h"
#include "milter/unit.h"

static void print_errors(const struct problems *errors)
{
	for (size_t i = 0; i < problems_kept(errors); i++)
		print_line(stderr, "postern: %s", problems_text(errors, i));
}

/* Print the problems for which a daemon should not start. */
static void print_unreadable(const struct problems *problems)
{
	for (size_t i = 0; i < problems_kept(problems); i++)
		print_line(stderr, "error: %s", problems_text(problems, i));
}

static void print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_kept(problems); i++)
		print_line(stderr, "%s", problems_text(problems, i));
}

static void print_notes(const struct problems *problems)
{
	for (size_t i = 0; i < problems_level_kept(problems, PROBLEM_NOTE); i++)
		print_line(stderr, "note: %s", problems_level_text(problems, PROBLEM_NOTE, i));
}

/* Read the files as root's daemon would after it has become the user of -u or [milter] user, unless
 * only systemd starts it. */
static int check_as_user(const struct daemon_options *options, const struct config *config,
	bool has_unit, struct files_report *report)
{
	const char *name = options->user != NULL ? options->user : config->milter.user;
	struct process_user user;
	struct errmsg err;

	if (has_unit && options->user == NULL)
		return EX_OK;
	if (process_find_user(name, &user, &err) != 0) {
		print_line(stderr, "postern: %s", err.text);
		return EX_NOUSER;
	}
	if (user.uid == 0)
		problems_add(report->problems,
			"a daemon that root starts keeps running as root; set another user in "
			"[milter] user or with -u");
	if (user.name[0] == '\0') {
		files_check(config, options->pid_file, report);
	} else if (files_check_as(config, &user, options->pid_file, report, &err) != 0) {
		print_line(stderr, "postern: %s", err.text);
		return EX_OSERR;
	}
	return EX_OK;
}

/* Read the files with the user and the groups of each way in which the daemon may be started. */
static int check_files(const struct daemon_options *options, const struct config *config,
	struct files_report *report)
{
	struct unit unit;
	struct errmsg err;
	bool has_unit;
	int code;

	if (geteuid() != 0) {
		files_check(config, options->pid_file, report);
		return EX_OK;
	}
	has_unit = unit_find(&unit, &err);
	if (err.text[0] != '\0') {
		print_line(stderr, "postern: %s", err.text);
		return EX_NOUSER;
	}
	code = check_as_user(options, config, has_unit, report);
	if (code == EX_OK && has_unit && files_check_unit(config, &unit, report, &err) != 0) {
		print_line(stderr, "postern: %s", err.text);
		code = EX_OSERR;
	}
	return code;
}

/* Print the numbers in one line; report is NULL if the files were not read. */
static void print_summary(const struct daemon_options *options, const struct config *config,
	const struct problems *errors, const struct files_report *report)
{
	const size_t error_count = problems_count(errors);
	size_t count = 0, notes = 0;

	if (report != NULL) {
		count = problems_count(config->warnings) + problems_count(report->problems) +
			problems_count(report->unreadable);
		notes = problems_level_count(config->warnings, PROBLEM_NOTE) +
			problems_level_count(config->rights, PROBLEM_NOTE) +
			problems_level_count(report->problems, PROBLEM_NOTE);
	}
	print_text(stdout, "%s: ", options->config_path);
	if (error_count > 0)
		print_text(stdout, "%zu error%s", error_count, error_count == 1 ? "" : "s");
	else if (report != NULL && problems_count(report->unreadable) > 0)
		print_text(stdout, "a daemon should not start now");
	else
		print_text(stdout, "no error");
	if (report != NULL)
		print_text(stdout, ", %zu problem%s", count, count == 1 ? "" : "s");
	if (notes > 0)
		print_text(stdout, ", %zu note%s", notes, notes == 1 ? "" : "s");
	print_end(stdout);
}

/* Check the objects of the configuration. Errors of the configuration do not hide the rest. */
static int check_config(const struct daemon_options *options, const struct config *config,
	struct problems *errors)
{
	struct files_report report;
	int code = EX_OSERR;

	(void)start_check(config, errors);
	print_errors(errors);
	if (files_report_init(&report) == 0 &&
		(code = check_files(options, config, &report)) == EX_OK) {
		socket_check(config, &report);
		print_unreadable(report.unreadable);
		print_problems(config->warnings);
		print_problems(report.problems);
		print_notes(config->warnings);
		print_notes(config->rights);
		print_notes(report.problems);
		print_summary(options, config, errors, &report);
		code = problems_count(errors) > 0	      ? EX_CONFIG :
			problems_count(report.unreadable) > 0 ? EX_NOINPUT :
								EX_OK;
	}
	files_report_clear(&report);
	return code;
}

int check_run(const struct daemon_options *options)
{
	struct problems *errors = problems_new();
	const struct config *config = NULL;
	struct errmsg err;
	int code = EX_CONFIG;

	if (errors == NULL) {
		print_line(stderr, "postern: out of memory");
		return EX_OSERR;
	}
	if (config_load_all(options->config_path, options->user, &config, errors, &err) == 0) {
		code = check_config(options, config, errors);
	} else {
		print_errors(errors);
		print_summary(options, NULL, errors, NULL);
	}
	config_unref(&config);
	problems_free(&errors);
	return code;
}
