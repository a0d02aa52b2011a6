/*
 * Examines what the daemon needs of the system: disk, clock, the age of the public suffix list and
 * of the copy of a database, and fast regexes. Owns nothing. t/integration/test_doctor_system.py
 * covers it.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "ctl/doctor/doctor_examinations.h"
#include "lib/match/regex_prefilter.h"
#include "lib/store/psl_file.h"

#define DAY 86400

/* A file system with less than this, in bytes and in files, is nearly full. */
#define BYTES_FREE ((uint64_t)64 << 20)
#define FILES_FREE 1000

#define CLOCK_SLACK 120	      /* s that a time may be ahead of this clock */
#define OWN_LIST_DAYS 400     /* of a public suffix list that somebody must replace */
#define SYSTEM_LIST_DAYS 2000 /* the life of a release whose distribution replaces the list */
#define COPY_DAYS 7

/* ---- disk ------------------------------------------------------------------------ */

/* The directory of a file; the caller frees it. NULL when out of memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".") :
			       strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static void report_disk(const struct doctor *doctor, const char *folder, const char *files,
	const char *what)
{
	struct doctor_finding *finding;

	finding = doctor_find(doctor, DOCTOR_SOON, "%s: the file system has few %s left", folder,
		what);
	doctor_effect(finding,
		"When it is full, %s cannot be written, and a restart loses changes.", files);
	doctor_cure(finding, "Find out what fills the file system, and make room or enlarge it.");
	doctor_shell(finding, "df", "-h", folder, (const char *)NULL);
	doctor_shell(finding, "df", "-i", folder, (const char *)NULL);
}

/* Examine the file system of a file. Returns its device; 0 if it is unknown or examined already. */
static dev_t examine_disk(const struct doctor *doctor, const char *path, const char *files,
	dev_t seen)
{
	char *folder = folder_of(path);
	struct statvfs fs;
	struct stat st;
	uint64_t bytes;

	if (folder == NULL || stat(folder, &st) != 0 || st.st_dev == seen ||
		statvfs(folder, &fs) != 0) {
		free(folder);
		return 0;
	}
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes < BYTES_FREE)
		report_disk(doctor, folder, files, "bytes");
	else if (fs.f_files > 0 && fs.f_favail < FILES_FREE)
		report_disk(doctor, folder, files, "inodes");
	free(folder);
	return st.st_dev;
}

static void examine_disks(const struct doctor *doctor)
{
	const struct config *config = doctor->config;
	dev_t seen = 0;

	if (config->limits.state[0] != '\0')
		seen = examine_disk(doctor, config->limits.state, "the counts of limits", 0);
	if (config->database.present && config->store.path[0] != '\0')
		(void)examine_disk(doctor, config->store.path, "the copy of the database", seen);
}

/* ---- clock ----------------------------------------------------------------------- */

static void report_clock(const struct doctor *doctor, const char *what, int64_t ahead)
{
	struct doctor_finding *finding;

	finding = doctor_find(doctor, DOCTOR_SOON, "clock: %s is %" PRId64 " s in the future", what,
		ahead);
	doctor_effect(finding,
		"The clock of this machine is or was wrong. Limits last longer than they "
		"should, and tokens are refused or accepted at the wrong time.");
	doctor_cure(finding,
		"Let the clock follow NTP, then restart the daemon if its start is in the future.");
	doctor_shell(finding, "timedatectl", "set-ntp", "true", (const char *)NULL);
}

static void examine_time_of(const struct doctor *doctor, const char *path, int64_t now)
{
	struct stat st;
	struct errmsg what;

	if (path[0] == '\0' || stat(path, &st) != 0 || (int64_t)st.st_mtime <= now + CLOCK_SLACK)
		return;
	(void)errmsg_set(&what, "the last change of %s", path);
	report_clock(doctor, what.text, (int64_t)st.st_mtime - now);
}

static void examine_clock(const struct doctor *doctor, int64_t now)
{
	const json_t *daemon = json_object_get(doctor->status, "daemon");
	const int64_t started = json_integer_value(json_object_get(daemon, "started_at"));

	if (started > now + CLOCK_SLACK)
		report_clock(doctor, "the start of the daemon", started - now);
	examine_time_of(doctor, doctor->config->store.path, now);
	examine_time_of(doctor, doctor->config->limits.state, now);
}

/* ---- ages ------------------------------------------------------------------------ */

static void examine_suffix_list(const struct doctor *doctor, int64_t now)
{
	const char *own = doctor->config->lists.public_suffix_list;
	const int64_t days_max = own[0] == '\0' ? SYSTEM_LIST_DAYS : OWN_LIST_DAYS;
	struct doctor_finding *finding;
	struct stat st;
	int64_t days;

	if (stat(psl_file_path(own), &st) != 0)
		return; /* the daemon reports a missing public_suffix_list */
	days = (now - (int64_t)st.st_mtime) / DAY;
	if (days < days_max)
		return;
	finding = doctor_find(doctor, DOCTOR_ADVICE,
		"the public suffix list %s is %" PRId64 " days old", psl_file_path(own), days);
	doctor_effect(finding,
		"Domains below a suffix that was added since then count as one organization.");
	if (own[0] == '\0') {
		doctor_cure(finding, "Install a newer one; the daemon reads it at its next start.");
		doctor_shell(finding, "apt-get", "install", "publicsuffix", (const char *)NULL);
	} else {
		doctor_cure(finding,
			"Replace the file with the one at https://publicsuffix.org/list/, or "
			"remove public_suffix_list from %s to use the system's; then run "
			"posternctl reload.",
			doctor->config->path);
	}
}

/* The copy matters when the database is away: then it is in force after a restart. */
static void examine_copy(const struct doctor *doctor, int64_t now)
{
	const struct config *config = doctor->config;
	const json_t *policy = json_object_get(json_object_get(doctor->status, "cache"), "policy");
	const char *source = json_string_value(json_object_get(policy, "source"));
	struct doctor_finding *finding;
	struct stat st;

	if (!config->database.present || config->store.path[0] == '\0' ||
		(source != NULL && strcmp(source, "database") == 0))
		return;
	if (stat(config->store.path, &st) != 0 ||
		now - (int64_t)st.st_mtime < (int64_t)COPY_DAYS * DAY)
		return;
	finding = doctor_find(doctor, DOCTOR_SOON,
		"%s, the copy of the database, is %" PRId64 " days old", config->store.path,
		(now - (int64_t)st.st_mtime) / DAY);
	doctor_effect(finding, "%s, and later changes in the database are not in force.",
		source == NULL ? "A daemon that starts without the database uses it" :
				 "The daemon uses it");
	doctor_cure(finding,
		"Make the database reachable; see the findings of the subject database.");
}

void doctor_examine_system(const struct doctor *doctor)
{
	const int64_t now = (int64_t)time(NULL);
	struct doctor_finding *finding;

	if (!regex_prefilter_helps(SIZE_MAX)) {
		finding = doctor_find(doctor, DOCTOR_ADVICE, "long lists of regexes are slow: %s",
			"this Postern has no Hyperscan, or the processor lacks SSSE3");
		doctor_cure(finding,
			"On amd64 and arm64, use the Debian package, or install libhyperscan-dev or "
			"libvectorscan-dev and build again.");
	}
	if (doctor->config == NULL)
		return;
	examine_disks(doctor);
	examine_clock(doctor, now);
	examine_suffix_list(doctor, now);
	examine_copy(doctor, now);
}
