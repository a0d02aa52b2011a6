#ifndef POSTERN_CHECK_RULES_H
#define POSTERN_CHECK_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/rules/facts.h"
#include "t/unit/lib/made_policy.h"

/* What a regex requires of a subject. */
enum check_regexes {
	REGEXES_WITH_TEXT,
	REGEXES_WITH_TWO_LETTERS, /* too few for the prefilter */
	REGEXES_WITH_A_CHARACTER, /* which no session has */
	REGEXES_WITH_NOTHING,
};

/* The size of a rule set. */
struct check_size {
	int entries; /* of each exact list */
	int regexes; /* of each regex list */
	int domains; /* of access.domains */
	int users;
	enum check_regexes kind;
};

/*
 * Make a policy of that size in *m; the caller ends it with made_end(). Ends the program if an
 * entry is left out, because the benchmark would measure something else.
 */
void check_rules_make(struct made *m, const struct check_size *size);

/* Prepare all regexes of a policy, as the daemon does beside its work. */
void check_rules_prepare(const struct policy *policy);

/* Write the text of entry i of such a set, to look it up. */
void check_rules_host(char text_r[64], int i);	 /* of the client lists: i < entries / 2 */
void check_rules_client(char text_r[64], int i); /* of the same lists: entries / 2 <= i < entries */
void check_rules_address(char text_r[64],
	int i); /* of the lists of senders; i % 20 == 0: in a whole domain */
void check_rules_domain(char text_r[64], int i); /* of access.domains */
void check_rules_user(char text_r[64], int i);

/* One session that is judged, with its facts parsed as in the daemon. */
struct check_session {
	char rdns[64], helo[64], login[64], from[128];
	struct mail_address sender, rcpt;
	struct facts facts;
	struct field field;
	struct header_facts header;
};

/*
 * Make a session that every check lets through, so that all rules are searched. Every second
 * session has a login. Its names look like those of the lists but are in none. A session must not
 * be copied, because its facts point into it.
 */
void check_session_make(struct check_session *session, const struct check_size *size, int number);

#endif
