#ifndef POSTERN_REGEX_ROWS_H
#define POSTERN_REGEX_ROWS_H

#include "lib/rules/regex_check.h"

/* The first members of a row: the lists of clients, HELO and addresses, and rcpt_re. */
#define CLIENTS REGEX_ON_CLIENTS, true
#define HELO REGEX_ON_HELO, true
#define MAIL REGEX_ON_ADDRESSES, true
#define RCPT_RE REGEX_ON_ADDRESSES, false

#define TEN "abcdefghij"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN /* too long to be shown */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A regex, and the report about it if it cannot match: a part of the reason, and what is proposed,
 * or "" for nothing. */
struct regex_row {
	enum regex_subject subject;
	bool anchored;
	const char *text, *reason, *right;
};

/* A regex that may match. */
struct regex_sound_row {
	enum regex_subject subject;
	bool anchored;
	const char *text;
};

/* Fail the test unless regex_check() refuses, or accepts, the regex. */
void assert_regex_refused(const struct regex_row *row);
void assert_regex_accepted(const struct regex_sound_row *row);

#endif
