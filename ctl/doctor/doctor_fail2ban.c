/*
 * Examines whether Fail2Ban's filter for Postern matches the line that the daemon logs for a login
 * with a wrong password, and whether Fail2Ban can use the jail. Owns
 * nothing. t/integration/test_doctor_fail2ban.py covers it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/control_client.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_run.h"
#include "ctl/paste_quote.h"
#include "lib/base/text.h"

#define FILTER "filter.d/postern.conf"
#define JOURNAL "/run/systemd/journal" /* exists while journald runs */

/* Return the line of the running daemon as syslog writes it, or NULL with err set. The caller frees
 * it. */
static char *ask_line(const struct doctor *doctor, struct errmsg *err)
{
	const time_t now = time(NULL);
	char when[40] = "", *line = NULL;
	const char *text;
	json_t *answer;
	struct tm tm;

	if (control_client_once(doctor->ctl, json_pack("{s:s}", "command", "auth-example"), &answer,
		    err) == CTL_OK &&
		(text = json_string_value(json_object_get(answer, "line"))) != NULL) {
		(void)localtime_r(&now, &tm);
		(void)strftime(when, sizeof(when), "%b %d %H:%M:%S", &tm);
		if (asprintf(&line, "%s mx postern[4711]: %s", when, text) < 0)
			line = NULL;
	}
	json_decref(answer);
	return line;
}

/* Return whether the file belongs to a Debian package. */
static bool is_packaged(const char *file)
{
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	struct errmsg err;
	const int code = doctor_run((const char *const[]){ "dpkg-query", "-S", file, NULL }, &out,
		&errors, &err);

	strbuf_free(&out);
	strbuf_free(&errors);
	return code == 0;
}

/* Add the cure: the filter of this version, from the example's folder or from Debian's package. */
static void offer_filter(struct doctor_finding *finding, const char *filter)
{
	static const char example[] = EXAMPLES_FOLDER "/fail2ban/" FILTER;

	doctor_cure(finding,
		"Install the filter of this version, etc/fail2ban/" FILTER
		" of the sources. Own changes belong in postern.local beside it.");
	if (access(example, R_OK) == 0) {
		doctor_shell(finding, "install", "-m", "644", example, filter, (const char *)NULL);
	} else if (is_packaged(filter)) {
		doctor_shell(finding, "rm", "-f", filter, (const char *)NULL);
		doctor_shell(finding, "apt-get", "install", "--reinstall", "-o",
			"Dpkg::Options::=--force-confmiss", "postern", (const char *)NULL);
	} else {
		return;
	}
	doctor_shell(finding, "fail2ban-client", "reload", (const char *)NULL);
}

/* Report a filter that does not match. */
static void report_filter(const struct doctor *doctor, const char *filter)
{
	struct doctor_finding *finding = doctor_find(doctor, DOCTOR_SECURITY,
		"%s does not match the line that the daemon logs for a wrong password", filter);

	doctor_effect(finding, "Fail2Ban does not ban clients that guess passwords.");
	offer_filter(finding, filter);
}

/* Let Fail2Ban match the line with its filter. */
static void match_line(const struct doctor *doctor, const char *filter, const char *line)
{
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	struct errmsg err = { "" };
	const int code = doctor_run((const char *const[]){ "fail2ban-regex", "-c",
					    doctor->fail2ban_config, line, filter, NULL },
		&out, &errors, &err);

	/* The package installs the filter even where Fail2Ban is not installed. */
	if (code == DOCTOR_RUN_MISSING)
		;
	else if (code < 0)
		doctor_unexamined(doctor, err.text, "whether %s matches the daemon's log", filter);
	else if (out.failed || out.text == NULL || strstr(out.text, ", 1 matched") == NULL)
		report_filter(doctor, filter);
	strbuf_free(&out);
	strbuf_free(&errors);
}

/* Report a jail in force whose log file does not exist. */
static void report_log(const struct doctor *doctor)
{
	struct doctor_finding *finding = doctor_find(doctor, DOCTOR_SECURITY,
		"Fail2Ban cannot use its jail for Postern, because the jail's log file does not exist");
	struct strbuf file = STRBUF_INIT;
	char path[1024];

	doctor_effect(finding, "Fail2Ban does not start, so that no jail bans anybody.");
	if (access(JOURNAL, F_OK) != 0) {
		doctor_cure(finding,
			"Set logpath of the jail to the file that contains the daemon's log.");
		return;
	}
	doctor_cure(finding,
		"If only systemd's journal keeps the log, let the jail read it. This needs the "
		"package python3-systemd.");
	(void)text_format(path, sizeof(path), "%s/jail.d/postern-journal.local",
		doctor->fail2ban_config);
	if (paste_quote_shell(&file, path) == 0 && !file.failed) {
		doctor_shell_line(finding, "printf '[postern]\\nbackend = systemd\\n' > %s",
			file.text);
		doctor_shell(finding, "service", "fail2ban", "restart", (const char *)NULL);
	}
	strbuf_free(&file);
}

/* Report a log level at which failed logins are not logged. */
static void check_level(const struct doctor *doctor)
{
	const char *level =
		json_string_value(json_object_get(json_object_get(doctor->status, "log"), "level"));
	struct doctor_finding *finding;

	if (level == NULL || strcmp(level, "info") == 0 || strcmp(level, "debug") == 0)
		return;
	finding = doctor_find(doctor, DOCTOR_SECURITY,
		"the log level is %s, so that the daemon does not log logins", level);
	doctor_effect(finding, "Fail2Ban does not ban clients that guess passwords.");
	doctor_cure(finding,
		"Set [log] level to info, or use posternctl log-level, which lasts until the next reload.");
	doctor_shell(finding, "posternctl", "log-level", "info", (const char *)NULL);
}

/* Report a jail that is in force without its filter or its log: Fail2Ban does not start then. */
static void check_jail(const struct doctor *doctor, const char *filter)
{
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	struct doctor_finding *finding;
	struct errmsg err;
	const int code = doctor_run((const char *const[]){ "fail2ban-client", "-c",
					    doctor->fail2ban_config, "-d", NULL },
		&out, &errors, &err);

	if (code >= 0 && code != DOCTOR_RUN_MISSING && errors.text != NULL) {
		if (strstr(errors.text, "log file for postern jail") != NULL) {
			report_log(doctor);
		} else if (code > 0 && strstr(errors.text, "postern") != NULL &&
			access(filter, F_OK) != 0) {
			finding = doctor_find(doctor, DOCTOR_SECURITY,
				"Fail2Ban cannot use its jail for Postern, because %s does not "
				"exist",
				filter);
			doctor_effect(finding, "Fail2Ban does not start, or bans nobody.");
			offer_filter(finding, filter);
		}
	}
	if (code == 0 && out.text != NULL && strstr(out.text, "'postern'") != NULL)
		check_level(doctor);
	strbuf_free(&out);
	strbuf_free(&errors);
}

void doctor_examine_fail2ban(const struct doctor *doctor)
{
	struct errmsg err = { "" };
	char filter[1024], *line;

	if (access(doctor->fail2ban_config, F_OK) != 0)
		return;
	(void)text_format(filter, sizeof(filter), "%s/" FILTER, doctor->fail2ban_config);
	check_jail(doctor, filter);
	if (access(filter, F_OK) != 0 || doctor->status == NULL) /* ask_status() has reported it */
		return;
	if ((line = ask_line(doctor, &err)) == NULL)
		doctor_unexamined(doctor, err.text, "whether %s matches the daemon's log", filter);
	else
		match_line(doctor, filter, line);
	free(line);
}
