#ifndef POSTERN_REGEX_CHECK_H
#define POSTERN_REGEX_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/* The kind of text that a regex is matched against. */
enum regex_subject { REGEX_ON_CLIENTS, REGEX_ON_HELO, REGEX_ON_ADDRESSES };

/*
 * Return whether a line of a list, or an item of rcpt_re, is a regex that may match. Otherwise
 * fault becomes a text of the form "REGEX" REASON; write RIGHT. This concerns lines of other
 * programs' tables (/REGEX/i ACTION, if, endif), and regexes that require a character which no
 * subject contains. It does not test whether the regex can be compiled. anchored: it must match
 * the whole subject. fault may be NULL if nobody reads the text. Thread-safe.
 */
bool regex_check(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *fault);

/* Return whether a regex that may match has an alternative that cannot match, by the tests of
 * regex_check(), and set note to a text of the same form. As in the functions below, note may be
 * NULL if nobody reads the text. Thread-safe. */
bool regex_has_dead_part(enum regex_subject subject, bool anchored, const char *text, size_t len,
	struct errmsg *note);

/*
 * Add "; write RIGHT" to a message about a regex, unless it is too long: a part of it would be
 * another regex. It is added only if it can be compiled and matches an example of the subject that
 * is made for the trial, so that nobody replaces a dead regex by another one. Does nothing if text
 * is NULL. Thread-safe.
 */
void regex_propose(struct errmsg *text, enum regex_subject subject, bool anchored,
	const struct strbuf *right);

/* Return whether a regex contains a part that means something else in other dialects, and set note
 * to a text of the same form: [:digit:], \A, \Z and the like. */
bool regex_is_doubtful(const char *text, size_t len, struct errmsg *note);

/* Return whether a regex that must match a whole address matches none with a domain, because it
 * matches no @, and set note to a text of the same form. */
bool regex_lacks_domain(const char *text, size_t len, struct errmsg *note);

/* Return whether a regex that must match the whole argument of HELO obviously matches only a part
 * of a name or address, and set note to a text of the same form. Thread-safe. */
bool regex_matches_part(const char *text, size_t len, struct errmsg *note);

/* Return whether matches of a regex, or of one of its alternatives, need not end with the subject,
 * because it does not end with $; false if that is not certain. Thread-safe. */
bool regex_has_open_end(const char *text, size_t len);

/* Return whether a regex that must match the whole name of a client is one word or several, without
 * a dot, and set note to a text of the same form. */
bool regex_lacks_dot(const char *text, size_t len, struct errmsg *note);

#endif
