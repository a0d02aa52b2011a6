#ifndef POSTERN_DOCTOR_H
#define POSTERN_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/command.h"
#include "lib/conf/config.h"

/*
 * The command doctor examines the whole set-up. Each examination is a function in a file of its
 * subject (doctor_SUBJECT.c) with a row in the table of cmd_doctor.c. It adds findings, and what it
 * could not examine, to the report. One thread.
 */

/* The harm that a finding does; the report is in this order. */
enum doctor_harm {
	DOCTOR_MAIL,	  /* everybody's mail or logins are refused, or wrongly accepted */
	DOCTOR_SECURITY,  /* somebody can do or read what he should not */
	DOCTOR_NO_EFFECT, /* a rule or a setting has no effect, or not the one that is meant */
	DOCTOR_SOON,	  /* something will fail later: at a restart, when a disk is full */
	DOCTOR_ADVICE,	  /* everything works, but may be a mistake, slow or out of date */
	DOCTOR_HARMS
};

/* The word of a harm for --json, and its heading for people. */
const char *doctor_harm_word(enum doctor_harm harm);
const char *doctor_harm_heading(enum doctor_harm harm);

struct doctor_report;
struct doctor_finding;
struct doctor_postfix;
struct store;

/* The objects of an examination: what all of them read, and the report. Borrowed. */
struct doctor {
	const struct ctl *ctl;
	const char *postfix_config;  /* --postfix-config; NULL: Postfix's own, with its instances */
	const char *sendmail_config; /* --sendmail-config: sendmail.cf; NULL: the default one, if
					there is no Postfix */
	const char *fail2ban_config; /* --fail2ban-config: a directory */
	const struct config *config; /* NULL: it has errors, which are findings */
	const json_t *status;	     /* the daemon's answer to "status"; NULL: no daemon answers */
	const struct doctor_postfix *postfix; /* NULL: there is none, or it cannot be read */
	bool has_postfix;		      /* it is installed, even if it cannot be read; set for
						 examinations that need postfix */
	const struct store *store; /* users and profiles, or the copy of those in a database;
				      NULL: there are none, or they cannot be read, which the report
				      contains */
	struct doctor_report *report;
};

struct doctor_report *doctor_report_new(void);		/* NULL when out of memory */
void doctor_report_free(struct doctor_report **report); /* accepts NULL */
/* Set the subject of what is added from now on: static text. */
void doctor_report_begin(struct doctor_report *report, const char *subject);
/* Return whether memory ran out, so that the report is incomplete. */
bool doctor_report_failed(const struct doctor_report *report);

/*
 * Add a finding: what is wrong, with its file and line, key, row or socket, without a final full
 * stop. The functions below add to it; they accept NULL, which is returned when memory ran out. All
 * texts may contain text from outside, which is made visible. The finding belongs to the report.
 */
struct doctor_finding *doctor_find(const struct doctor *doctor, enum doctor_harm harm,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Set what follows from the fault, in sentences. */
void doctor_effect(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Set the cure, in sentences: if no command below mends the fault, who has to do what. */
void doctor_cure(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Add a command of the cure that can be pasted into a shell: its words, which are quoted, up to
 * NULL. A text that ctl/paste_quote.h cannot quote makes no command.
 */
void doctor_shell(struct doctor_finding *finding, const char *word, ...) __attribute__((sentinel));

/* Add a command whose words are quoted already, or SQL, of printable ASCII (ctl/paste_quote.h). */
void doctor_shell_line(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_sql(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Report that something could not be examined: what, without a full stop, and why, with what to do,
 * in sentences.
 */
void doctor_unexamined(const struct doctor *doctor, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The numbers of the report: findings of one harm, and what could not be examined. */
size_t doctor_report_count(const struct doctor_report *report, enum doctor_harm harm);
size_t doctor_report_unexamined(const struct doctor_report *report);

/*
 * Return the report as JSON, for --json and the printer: {"findings": [{"harm": "mail", "subject":
 * "...", "problem": "...", "effect": "...", "cure": "...", "commands": [{"shell": "..."}, {"sql":
 * "..."}]}], "unexamined": [{"subject": "...", "what": "...", "why": "..."}]}. Findings are in the
 * order of harm. A new reference; NULL when out of memory.
 */
json_t *doctor_report_json(const struct doctor_report *report);

/* Return whether the daemon has a policy. */
bool doctor_has_policy(const struct doctor *doctor);

/* Return whether a problem or note with this text is among those of the daemon's status. */
bool doctor_status_has(const struct doctor *doctor, const char *text);

#endif
