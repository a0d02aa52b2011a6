/*
 * Takes the problems and notes that the daemon reports in its status, and, from postern -n, the
 * errors for which the next start would fail. Owns nothing. t/integration/test_doctor_daemon.py
 * covers it.
 */
#include "ctl/doctor/doctor_examinations.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor/doctor_run.h"
#include "lib/conf/file_access.h"

/* The harm of a problem or a note of a section. */
static enum doctor_harm harm_of(const struct doctor *doctor, const char *section, const char *text,
	bool is_note)
{
	static const struct {
		const char *section;
		enum doctor_harm harm;
	} harms[] = {
		{ "sessions", DOCTOR_MAIL },
		{ "descriptors", DOCTOR_MAIL },
		{ "database", DOCTOR_SOON },
		{ "store", DOCTOR_SOON },
		{ "ledger", DOCTOR_SOON },
		{ "log", DOCTOR_SOON },
	};
	if (strstr(text, FILE_EVERY_USER) != NULL || strstr(text, FILE_BELONGS) != NULL ||
		strstr(text, "runs as root") != NULL)
		return DOCTOR_SECURITY;
	if (is_note)
		return DOCTOR_ADVICE;
	if (strcmp(section, "cache") == 0 && !doctor_has_policy(doctor))
		return DOCTOR_MAIL;
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		if (strcmp(section, harms[i].section) == 0)
			return harms[i].harm;
	}
	return DOCTOR_NO_EFFECT;
}

/* Add a finding for each text of an array of the section "cache". The status has one problem or
 * note for all of them, whose remedy refers to that section. */
static void find_listed(const struct doctor *doctor, const char *key, bool is_note)
{
	const json_t *texts = json_object_get(json_object_get(doctor->status, "cache"), key);

	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		if (text != NULL)
			doctor_cure(doctor_find(doctor, harm_of(doctor, "cache", text, is_note),
					    "%s", text),
				"%s",
				is_note ? "If this is intended, nothing needs to be done." :
					  "Correct it. Postern reads a row, list or store at once, "
					  "and postern.conf when you run posternctl reload.");
	}
}

/* Add the problems or the notes of the status: key is that of their text. */
static void find_reported(const struct doctor *doctor, const char *array_key, const char *key)
{
	const json_t *array = json_object_get(doctor->status, array_key);

	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *fault = json_array_get(array, i);
		const char *section = json_string_value(json_object_get(fault, "section"));
		const char *text = json_string_value(json_object_get(fault, key));
		const char *remedy = json_string_value(json_object_get(fault, "remedy"));
		const bool is_note = strcmp(key, "note") == 0;

		if (section == NULL || text == NULL || remedy == NULL ||
			strcmp(section, "database") == 0) /* the subject database reports them */
			continue;
		if (json_object_get(fault, "count") != NULL && strcmp(section, "cache") == 0)
			find_listed(doctor, array_key, is_note);
		else
			doctor_cure(doctor_find(doctor, harm_of(doctor, section, text, is_note),
					    "%s", text),
				"%s", remedy);
	}
}

/* Return the path of postern beside posternctl, or its name, which is looked for in PATH and sbin.
 * The caller frees it. NULL when out of memory. */
static char *find_postern(void)
{
	char self[4096], *path = NULL;
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		if (strrchr(self, '/') == NULL ||
			asprintf(&path, "%.*s/postern", (int)(strrchr(self, '/') - self), self) < 0)
			path = NULL;
	}
	if (path != NULL && access(path, X_OK) == 0)
		return path;
	free(path);
	return strdup("postern");
}

/* Add what a line of postern -n reports: an error of the configuration or of a file, a problem or a
 * note. With a daemon, problems and notes are in its status. */
static void find_in_line(const struct doctor *doctor, const char *line)
{
	const bool runs = doctor->status != NULL;
	struct doctor_finding *finding;

	if (strncmp(line, "postern: ", 9) == 0 || strncmp(line, "error: ", 7) == 0) {
		line = strchr(line, ' ') + 1;
		if (runs && doctor_status_has(doctor, line))
			return;
		finding = doctor_find(doctor, runs ? DOCTOR_SOON : DOCTOR_MAIL, "%s", line);
		doctor_effect(finding, "%s",
			runs ? "The daemon's next start fails, or leaves it without a policy." :
			       "The daemon cannot start, or starts without a policy.");
		doctor_cure(finding, "Correct this, and run postern -n to check the result.");
	} else if (!runs && strncmp(line, "note: ", 6) == 0) {
		doctor_cure(doctor_find(doctor, harm_of(doctor, "", line, true), "%s", line + 6),
			"If this is intended, nothing needs to be done.");
	} else if (!runs && line[0] != '\0') {
		doctor_cure(doctor_find(doctor, harm_of(doctor, "", line, false), "%s", line),
			"Correct this, and run postern -n to check the result.");
	}
}

/* Run postern -n, which reads all files as the daemon's user does. */
static void check_next_start(const struct doctor *doctor)
{
	struct strbuf errors = STRBUF_INIT;
	struct errmsg err = { "" };
	char *program = find_postern(), *line, *rest;
	int ret = -1;

	if (program != NULL)
		ret = doctor_run((const char *const[]){ program, "-n", "-c",
					 doctor->ctl->config_path, NULL },
			NULL, &errors, &err);
	if (ret < 0 || ret == DOCTOR_RUN_MISSING) {
		doctor_unexamined(doctor,
			ret == DOCTOR_RUN_MISSING ? "The program postern is not installed." :
						    err.text,
			"whether the daemon's next start succeeds");
	} else {
		for (rest = errors.text; rest != NULL && (line = strsep(&rest, "\n")) != NULL;)
			find_in_line(doctor, line);
	}
	strbuf_free(&errors);
	free(program);
}

void doctor_examine_daemon(const struct doctor *doctor)
{
	find_reported(doctor, "problems", "problem");
	find_reported(doctor, "notes", "note");
	if (geteuid() != 0)
		doctor_unexamined(doctor,
			"Only root can read files as the daemon's user. Run doctor as root.",
			"whether the daemon's user can read all files of the configuration");
	else
		check_next_start(doctor);
}
