#ifndef POSTERN_MADE_POLICY_H
#define POSTERN_MADE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/rules/policy.h"
#include "lib/rules/verdict.h"

/*
 * A policy made in a test, and the decisions of its stages in words. Any failure ends the program
 * (abort). The caller owns it from made_begin() to made_end(); one thread at a time.
 */
struct made {
	/* The defaults and the sections of services, which the test may change until made_build().
	 */
	struct settings *settings;
	struct service services[3]; /* settings->service_count says how many are in use: 1 */

	struct orgdomain *psl;
	struct problems *problems; /* of all rows and lists */
	struct policy *policy;	   /* after made_build() */
	struct regex_scratch *scratch;
	struct policy_parts parts;
	struct profiles_builder *profiles;
	struct users_builder *users;
	char text[4096]; /* the result of made_decide() */
};

void made_begin(struct made *m);
void made_end(struct made *m);

/* Set the content of a list file. */
void made_list(struct made *m, enum list_id id, const char *text);

/* Add a row with these columns; NULL is NULL. Returns the result of the builder. */
struct made_profile {
	const char *id, *name, *open, *limits, *maxsize, *host, *rcpt, *rcpt_re;
};
int made_profile(struct made *m, const struct made_profile *row);

struct made_user {
	const char *id, *name, *password, *froms, *profile_id, *enabled;
};
int made_user(struct made *m, const struct made_user *row);

/*
 * Build a set of the users that were added, in place of a policy; previous may be NULL. The
 * caller's to users_unref(). The next rows make another set.
 */
struct users *made_users(struct made *m, const struct users *previous);

/* Make m->policy of all that was added. Call it once. */
void made_build(struct made *m);

/* Make a cell of text, or of NULL. */
struct cell made_cell(const char *text);

/* The facts of a stage; NULL and 0: not known. */
struct asked {
	enum stage stage; /* connect, helo, mail, rcpt or header */
	const char *service, *mta, *ip, *rdns, *helo, *login, *mail, *rcpt;
	const char *resolved; /* of the sender or of the recipient, as the stage */
	uint64_t size;
	const char *from, *from2; /* From fields */
	bool is_recoded;	  /* as in facts.h */
	bool is_sendmail;	  /* likewise */
};

/*
 * Decide, and describe the verdict: the outcome of each check with its rule and its reply, such as
 * "reject: conn=unlisted; any=fail(access.domains:1) 550 5.7.1 You are not ...". The text lives
 * until the next call. made_verdict() returns the verdict itself.
 */
const char *made_decide(struct made *m, const struct asked *asked);
void made_verdict(struct made *m, const struct asked *asked, struct verdict *verdict);

/* Return whether a text of made_decide() is a refusal by the rule, or accepts if rule is NULL. */
bool made_is_decided_by(const char *text, const char *rule);

/* Build the policy, and return the profile with id 1. */
const struct profile *made_finish_profiles(struct made *m);

#endif
