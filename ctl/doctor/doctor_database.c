/*
 * Examines the database as the daemon sees it: the problems of its status, with commands that mend
 * them, the change feed, and the lag of a standby. Owns nothing.
 * t/integration/test_doctor_database.py covers it.
 */
#include <inttypes.h>
#include <string.h>

#include "ctl/doctor/doctor_examinations.h"
#include "ctl/paste_quote.h"
#include "lib/conf/conninfo.h"

/* The age of rows that is not yet a problem, beyond the interval of full reloads if only these find
 * changes. */
#define LAG_SECONDS 600

static const char as_owner[] =
	"Run this where psql reaches the database as the owner of the tables, for example as the "
	"user postgres on its server:";

/* A string of the status's section "database"; "" if it is null or missing. */
static const char *status_text(const struct doctor *doctor, const char *key)
{
	const json_t *section = json_object_get(doctor->status, "database");
	const char *text = json_string_value(json_object_get(section, key));

	return text == NULL ? "" : text;
}

/* Set text to a value of the configuration: that of the key, or that of conninfo. */
static void copy_given(const struct doctor *doctor, const char *given, const char *key,
	struct errmsg *text)
{
	struct strbuf value = STRBUF_INIT;

	conninfo_value(doctor->config->given.conninfo, key, &value);
	(void)errmsg_set(text, "%s", given[0] != '\0' ? given : value.len > 0 ? value.text : "");
	strbuf_free(&value);
}

/* The role of the daemon: as which it is connected, or else that of the configuration. */
static const char *role_of(const struct doctor *doctor, struct errmsg *text)
{
	const char *role = status_text(doctor, "role");

	if (role[0] != '\0')
		return role;
	copy_given(doctor, doctor->config->given.user, "user", text);
	return text->text[0] != '\0' ? text->text : "postern";
}

/* Add psql with a file of sql/ and its variables; role and channel may be NULL. */
static void add_psql(const struct doctor *doctor, struct doctor_finding *finding, const char *file,
	const char *role, const char *channel)
{
	const struct config *config = doctor->config;
	const char *name = status_text(doctor, "name");
	struct strbuf line = STRBUF_INIT, word = STRBUF_INIT;
	struct errmsg database;
	const struct {
		const char *name, *value;
	} variables[] = { { "schema", config->database.schema }, { "role", role },
		{ "channel", channel } };
	int failed = 0;

	strbuf_add_str(&line, "psql ");
	if (name[0] != '\0')
		(void)errmsg_set(&database, "%s", name);
	else
		copy_given(doctor, config->given.database, "dbname", &database);
	/* A name with "=" is a connection string, perhaps with a password. */
	if (database.text[0] != '\0' && strpbrk(database.text, "=:") == NULL) {
		strbuf_add_str(&line, "-d ");
		failed = paste_quote_shell(&line, database.text);
		strbuf_add_char(&line, ' ');
	}
	strbuf_add_str(&line, "-v ON_ERROR_STOP=1");
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && failed == 0; i++) {
		if (variables[i].value == NULL || variables[i].value[0] == '\0')
			continue;
		word.len = 0;
		strbuf_addf(&word, "%s=%s", variables[i].name, variables[i].value);
		strbuf_add_str(&line, " -v ");
		failed = word.failed ? -1 : paste_quote_shell(&line, word.text);
	}
	if (failed == 0 && !line.failed)
		doctor_shell_line(finding, "%s -f " SQL_FOLDER "/%s", line.text, file);
	strbuf_free(&line);
	strbuf_free(&word);
}

static void add_role_file(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct errmsg role;

	add_psql(doctor, finding, "role.sql", role_of(doctor, &role), NULL);
}

/* The feed, and then the rights to it. */
static void add_feed_files(const struct doctor *doctor, struct doctor_finding *finding)
{
	add_psql(doctor, finding, "feed.sql", NULL, doctor->config->database.channel);
	add_role_file(doctor, finding);
}

/* ---- problems of the status -------------------------------------------------------- */

/* What doctor knows about a problem of the status beyond its remedy. */
static const struct known {
	const char *name;
	enum doctor_harm harm;
	const char *effect;
	const char *cure; /* NULL: the status's remedy */
	void (*add_commands)(const struct doctor *doctor, struct doctor_finding *finding);
} known[] = {
	{ "database_not_reached", DOCTOR_SOON,
		"The rules that were read last stay in force, and later changes are not applied.",
		NULL, NULL },
	{ "database_behind", DOCTOR_SOON, "Changes are not in force.", NULL, NULL },
	{ "load_failed", DOCTOR_SOON, "The rules that were read last stay in force.", NULL, NULL },
	{ "listen_refused", DOCTOR_NO_EFFECT, "Changes take effect late.", NULL, NULL },
	{ "listen_lost", DOCTOR_NO_EFFECT, "Changes take effect late.", NULL, NULL },
	{ "unnotified", DOCTOR_NO_EFFECT, "Changes take effect late.", NULL, NULL },
	{ "feed_refused", DOCTOR_NO_EFFECT, "Each change reloads the tables.", as_owner,
		add_feed_files },
	{ "feed_forbidden", DOCTOR_NO_EFFECT, "Each change reloads the tables.", as_owner,
		add_role_file },
	{ "feed_incomplete", DOCTOR_NO_EFFECT, "Each change reloads the tables.", as_owner,
		add_feed_files },
};

static const struct known *find_known(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	}
	return NULL;
}

/* Read the name in: role "NAME" does not exist. */
static bool read_missing_role(const char *error, char role_r[64])
{
	const char *name = strstr(error, "role \""), *end;

	if (name == NULL || (end = strstr(name + 6, "\" does not exist")) == NULL ||
		(size_t)(end - name - 6) >= 64)
		return false;
	name += 6;
	memcpy(role_r, name, (size_t)(end - name));
	role_r[end - name] = '\0';
	return true;
}

/* Add the cures of errors that PostgreSQL reports, in English or with the names that it quotes. */
static void add_cure_of_error(const struct doctor *doctor, struct doctor_finding *finding,
	const char *error)
{
	char role[64];
	struct errmsg text;

	if (strstr(error, "permission denied") != NULL) {
		doctor_cure(finding, "The role %s lacks the right to read the tables. %s",
			role_of(doctor, &text), as_owner);
		add_role_file(doctor, finding);
	} else if (strstr(error, "does not exist in the schema") != NULL) {
		doctor_cure(finding,
			"If the tables are missing, run " SQL_FOLDER
			"/schema.sql, or correct schema in the section [database] of %s. If "
			"they exist, the role %s lacks the right to use the schema. %s",
			doctor->config->path, role_of(doctor, &text), as_owner);
		add_role_file(doctor, finding);
	} else if (strstr(error, "Connection refused") != NULL) {
		doctor_cure(finding,
			"Start PostgreSQL, or correct host and port in the section [database] of "
			"%s and run posternctl reload. This lists the servers of this machine:",
			doctor->config->path);
		doctor_shell(finding, "pg_lsclusters", (const char *)NULL);
	} else if (strstr(error, "pg_hba.conf") != NULL) {
		doctor_cure(finding,
			"Add a line for the role %s to the server's pg_hba.conf, and make the "
			"server read it with SELECT pg_reload_conf();",
			role_of(doctor, &text));
	} else if (strstr(error, "password authentication failed") != NULL) {
		doctor_cure(finding,
			"Enter the role's password in the section [database] of %s, or set it "
			"in psql with \\password %s, then run posternctl reload.",
			doctor->config->path, role_of(doctor, &text));
	} else if (read_missing_role(error, role)) {
		doctor_cure(finding, "%s", as_owner);
		add_psql(doctor, finding, "role.sql", role, NULL);
	}
}

static void report(const struct doctor *doctor, const json_t *fault, bool is_note)
{
	const char *text = json_string_value(json_object_get(fault, is_note ? "note" : "problem"));
	const char *remedy = json_string_value(json_object_get(fault, "remedy"));
	const struct known *one = find_known(json_string_value(json_object_get(fault, "name")));
	enum doctor_harm harm = is_note ? DOCTOR_ADVICE : one == NULL ? DOCTOR_SOON : one->harm;
	struct doctor_finding *finding;

	if (text == NULL || remedy == NULL)
		return;
	if (!is_note && !doctor_has_policy(doctor))
		harm = DOCTOR_MAIL;
	finding = doctor_find(doctor, harm, "%s", text);
	doctor_cure(finding, "%s", one == NULL || one->cure == NULL ? remedy : one->cure);
	if (one == NULL)
		return;
	doctor_effect(finding, "%s", harm == DOCTOR_MAIL ? "No rules are in force." : one->effect);
	if (one->add_commands != NULL)
		one->add_commands(doctor, finding);
	else
		add_cure_of_error(doctor, finding, text);
}

/* Report the problems or notes of the section "database". Returns their number. */
static size_t report_all(const struct doctor *doctor, bool is_note)
{
	const json_t *array = json_object_get(doctor->status, is_note ? "notes" : "problems");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *fault = json_array_get(array, i);
		const char *section = json_string_value(json_object_get(fault, "section"));

		if (section == NULL || strcmp(section, "database") != 0)
			continue;
		report(doctor, fault, is_note);
		count++;
	}
	return count;
}

/* ---- without a problem ------------------------------------------------------------- */

static void examine_feed(const struct doctor *doctor)
{
	const json_t *database = json_object_get(doctor->status, "database");
	struct doctor_finding *finding;

	if (json_is_true(json_object_get(database, "feed")))
		return;
	finding = doctor_find(doctor, DOCTOR_ADVICE, "the database has no change feed");
	doctor_effect(finding, "Each change reloads the tables, and some changes are found late.");
	doctor_cure(finding, "%s", as_owner);
	add_feed_files(doctor, finding);
}

static void examine_lag(const struct doctor *doctor)
{
	const json_t *database = json_object_get(doctor->status, "database");
	const json_t *policy = json_object_get(json_object_get(doctor->status, "cache"), "policy");
	const json_int_t age = json_integer_value(json_object_get(policy, "age_seconds"));
	const json_int_t followed_every =
		json_integer_value(json_object_get(database, "followed_every_seconds"));
	struct doctor_finding *finding;

	if (age < followed_every + LAG_SECONDS)
		return;
	finding = doctor_find(doctor, DOCTOR_SOON,
		"the rules in force are those of %" JSON_INTEGER_FORMAT " minutes ago", age / 60);
	doctor_effect(finding, "Changes made since then are not in force.");
	doctor_cure(finding,
		"If %s is a standby, find out why it lags: look at pg_stat_replication on its "
		"primary, and at pg_is_wal_replay_paused() and recovery_min_apply_delay on the "
		"standby itself. Otherwise shorten full_reload_interval in the section "
		"[database] of %s.",
		status_text(doctor, "server"), doctor->config->path);
}

void doctor_examine_database(const struct doctor *doctor)
{
	const struct config *config = doctor->config;
	size_t problems;

	if (config == NULL || !config->database.present)
		return;
	if (doctor->status == NULL) {
		doctor_unexamined(doctor,
			"Doctor examines the database through the daemon, which does not answer.",
			"the database");
		return;
	}
	problems = report_all(doctor, false);
	if (problems > 0 || !doctor_has_policy(doctor))
		return; /* the notes would only report their consequences */
	(void)report_all(doctor, true);
	if (strcmp(status_text(doctor, "state"), "connecting") == 0)
		doctor_unexamined(doctor,
			"The daemon is connecting to the database; run doctor again in a few seconds.",
			"the change feed");
	else
		examine_feed(doctor);
	examine_lag(doctor);
}
