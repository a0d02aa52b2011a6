#ifndef POSTERN_CHECK_RULES_H
#define POSTERN_CHECK_RULES_H

#include <stddef.h>

#include "lib/rules/facts.h"
#include "t/unit/lib/made_policy.h"

/* How much of everything a rule set holds. */
struct check_size {
	int entries; /* of each exact list */
	int regexes; /* of each regex list */
	int domains; /* of access.domains */
	int users;
};

/*
 * Make a policy of that size in *m, which is the caller's to made_end(). Ends the program when
 * something of it is left out: then it would measure something else.
 */
void check_rules_make(struct made *m, const struct check_size *size);

/* Texts of what is in such a set, by number, for looking it up. */
void check_rules_host(char text_r[64], int i);	 /* of the client lists: i < entries / 2 */
void check_rules_client(char text_r[64], int i); /* of them too: entries / 2 <= i < entries */
void check_rules_address(char text_r[64],
	int i); /* of mail's lists; i % 20 == 0: in a whole domain */
void check_rules_domain(char text_r[64], int i); /* of access.domains */
void check_rules_user(char text_r[64], int i);

/* One session to be judged; what a stage is asked about, parsed as the daemon has it. */
struct check_session {
	char rdns[64], helo[64], login[64], from[128];
	struct mail_address sender, rcpt;
	struct facts facts;
	struct field field;
	struct header_facts header;
};

/*
 * Sessions that every check lets through, so that all of it is looked at; every second one has a
 * login. In the lists' names, but not in the lists. Borrowed by its own facts: don't copy one.
 */
void check_session_make(struct check_session *session, const struct check_size *size, int number);

#endif
