/*
 * The command doctor: runs the examinations of the whole set-up and prints their findings in the
 * order of harm. Owns the report. t/integration/test_doctor_daemon.py covers it.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/doctor/doctor.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_postfix_conf.h"
#include "ctl/doctor/doctor_print.h"
#include "lib/base/print.h"
#include "lib/store/store_read.h"

const char cmd_doctor_usage[] =
	"usage: posternctl [OPTION ...] doctor [--strict] [--postfix-config DIR]\n"
	"           [--sendmail-config FILE] [--fail2ban-config DIR] [SUBJECT ...]\n"
	"Examine the whole set-up: the daemon, the MTA, the users, the database and the system. Print\n"
	"what is wrong, the most harmful first, with commands that mend it. Run it as root.\n"
	"  SUBJECT                 examine only this: daemon, sockets, postfix, sasl, macros,\n"
	"                          sendmail, clients, fail2ban, database, users, limits, system\n"
	"  --strict                exit with 1 also if there is only advice\n"
	"  --postfix-config DIR    the directory of main.cf; the default is Postfix's own, with all of\n"
	"                          its instances\n"
	"  --sendmail-config FILE  Sendmail's configuration; the default is\n"
	"                          /etc/mail/sendmail.cf, if there is no Postfix\n"
	"  --fail2ban-config DIR   Fail2Ban's configuration (/etc/fail2ban)\n"
	"Exit status: 0 no problem, 1 problems, 2 no problem was found, but not everything could be\n"
	"examined.\n";

enum { NEEDS_POSTFIX = 1, NEEDS_STORE = 2, NEEDS_CONFIG = 4 };

/* The examinations, in the order in which findings of the same harm are printed. */
static const struct examination {
	const char *subject;
	unsigned needs; /* which of doctor->postfix and ->store it uses, and whether it examines
			   nothing without ->config */
	void (*examine)(const struct doctor *doctor);
} examinations[] = {
	{ "daemon", 0, doctor_examine_daemon },
	{ "sockets", NEEDS_POSTFIX, doctor_examine_sockets },
	{ "postfix", NEEDS_POSTFIX, doctor_examine_postfix },
	{ "sasl", NEEDS_POSTFIX | NEEDS_STORE, doctor_examine_sasl },
	{ "macros", NEEDS_POSTFIX | NEEDS_CONFIG, doctor_examine_macros },
	{ "sendmail", NEEDS_POSTFIX, doctor_examine_sendmail },
	{ "clients", NEEDS_POSTFIX, doctor_examine_clients },
	{ "fail2ban", 0, doctor_examine_fail2ban },
	{ "database", NEEDS_CONFIG, doctor_examine_database },
	{ "users", NEEDS_STORE | NEEDS_CONFIG, doctor_examine_users },
	{ "limits", NEEDS_STORE | NEEDS_CONFIG, doctor_examine_limits },
	{ "system", NEEDS_CONFIG, doctor_examine_system },
};

#define EXAMINATIONS (sizeof(examinations) / sizeof(examinations[0]))

/* Return whether the subject is one of the arguments, or there are none. */
static bool is_wanted(const char *subject, char **wanted)
{
	if (*wanted == NULL)
		return true;
	for (; *wanted != NULL; wanted++) {
		if (strcmp(*wanted, subject) == 0)
			return true;
	}
	return false;
}

static int check_subjects(const struct ctl *ctl, char **wanted)
{
	for (; *wanted != NULL; wanted++) {
		size_t i = 0;

		while (i < EXAMINATIONS && strcmp(examinations[i].subject, *wanted) != 0)
			i++;
		if (i == EXAMINATIONS) {
			print_line(stderr, "posternctl: %s: there is no such subject", *wanted);
			return command_usage(ctl);
		}
	}
	return CTL_OK;
}

/* Ask the daemon for its status. Returns NULL and adds a finding if the daemon does not answer. */
static json_t *ask_status(const struct doctor *doctor)
{
	struct doctor_finding *finding;
	struct errmsg err;
	json_t *answer;
	const int ret = control_client_once(doctor->ctl, json_pack("{s:s}", "command", "status"),
		&answer, &err);

	if (ret == CTL_OK)
		return answer;
	json_decref(answer);
	/* Where the daemon is asked is not known, or this user may lack the right to ask. */
	if (ret == EX_CONFIG || geteuid() != 0) {
		doctor_unexamined(doctor, err.text, "what the daemon reports");
		return NULL;
	}
	finding = doctor_find(doctor, DOCTOR_MAIL, "the daemon does not answer: %s", err.text);
	doctor_effect(finding,
		"If the daemon is not running, no rule is applied: the MTA defers mail or "
		"accepts it unchecked.");
	doctor_cure(finding,
		"Start the daemon. If that fails, its log and postern -n show the reason.");
	doctor_shell(finding, "service", "postern", "start", (const char *)NULL);
	return NULL;
}

/* Return what the wanted examinations need. */
static unsigned find_needs(char **wanted)
{
	unsigned needs = 0;

	for (size_t i = 0; i < EXAMINATIONS; i++)
		needs |= is_wanted(examinations[i].subject, wanted) ? examinations[i].needs : 0;
	return needs;
}

/* Read Postfix's settings. The caller frees the result. */
static struct doctor_postfix *read_postfix(struct doctor *doctor)
{
	struct doctor_postfix *postfix = NULL;
	struct errmsg err;

	doctor_report_begin(doctor->report, "postfix");
	switch (doctor_postfix_read(doctor->postfix_config, &postfix, &err)) {
	case DOCTOR_POSTFIX_READ:
		doctor->has_postfix = true;
		break;
	case DOCTOR_POSTFIX_MISSING:
		doctor_postfix_free(&postfix);
		if (doctor->sendmail_config == NULL && access("/etc/mail/sendmail.cf", F_OK) != 0)
			doctor_unexamined(doctor,
				"This machine has neither Postfix nor Sendmail. Run doctor "
				"where the MTA runs.",
				"whether the MTA asks Postern");
		break;
	case DOCTOR_POSTFIX_FAILED:
		doctor->has_postfix = true;
		doctor_postfix_free(&postfix);
		doctor_effect(doctor_find(doctor, DOCTOR_MAIL,
				      "Postfix's settings cannot be read: %s", err.text),
			"Postfix does not start or reload.");
		break;
	}
	return postfix;
}

/* Read the users and profiles of the JSON store, or of the daemon's copy of a database. Returns
 * store_r, which the caller clears, or NULL. */
static const struct store *read_store(const struct doctor *doctor, struct store *store_r)
{
	const struct config *config = doctor->config;
	struct errmsg err;

	if (config == NULL || (!config->database.present && store_is_missing(config->store.path)))
		return NULL; /* the daemon reports that there is none where one is expected */
	doctor_report_begin(doctor->report, "users");
	if (config->store.path[0] == '\0') {
		doctor_unexamined(doctor,
			"The users are in a database, and [store] path is empty, so that there is "
			"no copy of them.",
			"users and profiles");
		return NULL;
	}
	if (store_read_with_prev(config->store.path,
		    &(const struct store_source){
			    .rcpt_re_anchored = config->settings->rcpt_re_anchored },
		    store_r, &err) != STORE_READ) {
		doctor_unexamined(doctor, err.text, "users and profiles");
		return NULL;
	}
	return store_r;
}

/* Run the examinations that are wanted. */
static void examine(struct doctor *doctor, char **wanted)
{
	struct problems *errors = problems_new();
	const unsigned needs = find_needs(wanted);
	const struct config *config = NULL;
	struct doctor_postfix *postfix;
	struct store store = { 0 };
	struct errmsg err;
	json_t *status;

	doctor_report_begin(doctor->report, "daemon");
	if (errors != NULL &&
		config_load_all(doctor->ctl->config_path, NULL, &config, errors, &err) != 0)
		config = NULL; /* postern -n shows the errors */
	doctor->config = config;
	doctor->status = status = ask_status(doctor);
	doctor->postfix = postfix = (needs & NEEDS_POSTFIX) != 0 ? read_postfix(doctor) : NULL;
	doctor->store = (needs & NEEDS_STORE) != 0 ? read_store(doctor, &store) : NULL;
	for (size_t i = 0; i < EXAMINATIONS; i++) {
		if (!is_wanted(examinations[i].subject, wanted))
			continue;
		doctor_report_begin(doctor->report, examinations[i].subject);
		if (config == NULL && (examinations[i].needs & NEEDS_CONFIG) != 0)
			doctor_unexamined(doctor,
				"The configuration has errors, which postern -n shows.",
				"the subject %s", examinations[i].subject);
		examinations[i].examine(doctor);
	}
	config_unref(&config);
	json_decref(status);
	doctor_postfix_free(&postfix);
	store_clear(&store);
	problems_free(&errors);
}

/* Return the exit code of a report. */
static int code_of(const struct doctor_report *report, bool strict)
{
	for (int harm = 0; harm < (strict ? DOCTOR_HARMS : DOCTOR_ADVICE); harm++) {
		if (doctor_report_count(report, (enum doctor_harm)harm) > 0)
			return CTL_FAILED;
	}
	return doctor_report_unexamined(report) > 0 ? CTL_INCOMPLETE : CTL_OK;
}

static int print_report(const struct doctor *doctor, bool strict)
{
	static const struct errmsg no_memory = { "out of memory" };
	json_t *json = doctor_report_json(doctor->report);
	int ret = CTL_OK;

	if (json == NULL || doctor_report_failed(doctor->report))
		ret = command_fail(CTL_FAILED, &no_memory);
	else if (doctor->ctl->json)
		ret = command_print_json(json);
	else
		doctor_print(stdout, json, doctor->ctl->colour);
	json_decref(json);
	return ret != CTL_OK ? ret : code_of(doctor->report, strict);
}

/* Read the options. Returns CTL_OK, or EX_USAGE. */
static int read_options(struct doctor *doctor, int argc, char **argv, bool *strict_r)
{
	static const struct option options[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "postfix-config", required_argument, NULL, 'p' },
		{ "sendmail-config", required_argument, NULL, 'm' },
		{ "fail2ban-config", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			*strict_r = true;
			break;
		case 'p':
			doctor->postfix_config = optarg;
			break;
		case 'm':
			doctor->sendmail_config = optarg;
			break;
		case 'f':
			doctor->fail2ban_config = optarg;
			break;
		default:
			command_report_option(argv);
			return command_usage(doctor->ctl);
		}
	}
	return check_subjects(doctor->ctl, argv + optind);
}

int cmd_doctor(const struct ctl *ctl, int argc, char **argv)
{
	struct doctor doctor = { .ctl = ctl, .fail2ban_config = "/etc/fail2ban" };
	bool strict = false;
	int ret = read_options(&doctor, argc, argv, &strict);

	if (ret != CTL_OK)
		return ret;
	if ((doctor.report = doctor_report_new()) == NULL)
		return command_fail(CTL_FAILED, &(struct errmsg){ "out of memory" });
	examine(&doctor, argv + optind);
	ret = print_report(&doctor, strict);
	doctor_report_free(&doctor.report);
	return ret;
}
