#ifndef POSTERN_REGEX_CHECK_PRIVATE_H
#define POSTERN_REGEX_CHECK_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"
#include "lib/match/regexlist.h"
#include "lib/rules/regex_check.h"

/*
 * What the parts of regex_check() share. Each uses those above it: regex_example; regex_remedy,
 * regex_needs, regex_ascii; regex_clients, regex_addresses; regex_alternatives; regex_check.
 * Thread-safe.
 */

#define REGEX_SHOWN_MAX 120 /* bytes of a regex in a message */

/* A regex that is checked. Borrowed; not empty unless that is said. */
struct regex_checked {
	enum regex_subject subject;
	bool anchored; /* it must match the whole subject */
	const char *text;
	size_t len;
	struct errmsg *fault;
	struct strbuf *right; /* the probable meaning of a regex that cannot match */
};

/* ---- regex_example.c --------------------------------------------------------------------- */

/* The text for the wildcard (.* or .+) at a place among those of a regex, counted from 0. The
 * others get "x". */
struct regex_filler {
	size_t place;
	const char *text;
};

/* What all examples of one regex use. */
struct regex_maker {
	struct regex_scratch *scratch; /* borrowed */
	char members[REGEX_SHOWN_MAX]; /* of the class that begins at each byte; NUL: not known yet
					*/
};

/* Add a text that the regex probably matches. Returns false if none is known, or if the
 * filler's place is not 0 and the regex has no wildcard there. */
bool regex_add_example(const char *text, size_t len, const struct regex_filler *filler,
	struct regex_maker *maker, struct strbuf *out);

/* ---- regex_remedy.c ---------------------------------------------------------------------- */

/* Write the probable meaning of a regex, c->right. If that fails the check, write its own probable
 * meaning, and so on, until one passes. Returns false if none does. */
bool regex_settle(const struct regex_checked *c, bool check(const struct regex_checked *),
	struct strbuf *out);

/* ---- regex_needs.c ----------------------------------------------------------------------- */

/* Set the fault and the probable meaning; `right` may be NULL if that is not known. Returns false.
 */
bool regex_fail(const struct regex_checked *c, const char *reason, const struct strbuf *right);

/* Return the regex, which may be empty, without ^ and $ at its ends. */
struct regex_checked regex_without_anchors(const struct regex_checked *c);

/* Return whether a byte belongs to a character outside of ASCII. */
bool regex_is_wide(char c);

#define REGEX_TAG "IPv6:" /* of an address literal (RFC 5321 section 4.1.3) */
#define REGEX_TAG_LEN (sizeof(REGEX_TAG) - 1)

/* The requirements of a regex without alternatives. */
struct regex_needs {
	char first;	 /* the character with which each match begins; NUL: unknown */
	char last;	 /* the same for the end */
	char odd;	 /* a character that no client's name or address contains; NUL: none */
	bool is_literal; /* each character is known, except for dots */
	bool is_number;	 /* each known character is a digit or a dot */
	bool has_at;
	bool has_slash;	    /* a backslash in the domain */
	unsigned dots, any; /* known dots, and dots that match any character */

	/* Of a client's name, or of the domain of an address; NULL: none. */
	const char *first_dot; /* a dot right behind the @ */
	const char *wide;      /* a character outside of ASCII */
	const char *tag;       /* IPv6: behind a bracket */
};

/* Return what each match of a regex without alternatives requires. */
struct regex_needs regex_needs_find(const struct regex_checked *c);

/* ---- regex_ascii.c ----------------------------------------------------------------------- */

#define REGEX_OUTSIDE_ASCII \
	"has a character outside of ASCII, but domains are matched in their ASCII form"

/*
 * Write the regex with the label that contains the character `wide` in its ASCII form (A-label), in
 * which domains are matched. Returns false if parts of the label are not known, or if it has no
 * such form.
 */
bool regex_add_ascii_form(const struct regex_checked *c, const char *wide, struct strbuf *out);

/* ---- regex_clients.c, regex_addresses.c --------------------------------------------------- */

/* Return whether a regex without alternatives may match a client, or an address. Otherwise, set the
 * fault and the probable meaning. */
bool regex_client_can_match(const struct regex_checked *c, const struct regex_needs *needs);
bool regex_address_can_match(const struct regex_checked *c, const struct regex_needs *needs);

/* ---- regex_alternatives.c ----------------------------------------------------------------- */

/* What is known about the alternatives of a regex. */
struct regex_alternatives {
	bool may_match;	     /* at least one may */
	struct errmsg fault; /* of the first that cannot; "" if there is none */
	struct strbuf right; /* all of them, with the probable meanings */
	bool is_whole;	     /* each alternative that was checked has a part in `right` */
};

/* Check a regex without alternatives, which may be empty. Returns as regex_check() does. */
bool regex_check_one(const struct regex_checked *c);

/* Check each alternative of a regex, or with only_any those up to one that may match. `all` must be
 * empty; free `right` afterwards. */
void regex_alternatives_check(const struct regex_checked *c, bool only_any,
	struct regex_alternatives *all);

/* Return a regex that must match the whole subject without the groups that contain all of it; any
 * other one as it is. */
struct regex_checked regex_without_group(const struct regex_checked *c);

#endif
