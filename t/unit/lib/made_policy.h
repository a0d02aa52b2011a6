#ifndef POSTERN_MADE_POLICY_H
#define POSTERN_MADE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/rules/policy.h"
#include "lib/rules/verdict.h"

/*
 * A policy made in a test, and what its stages decide, in words. A failure to make one ends the
 * program (abort). All of it is the caller's: made_begin() ... made_end().
 */
struct made {
	/* What the test may change until made_build(): the defaults, and the sections of services.
	 */
	struct settings *settings;
	struct service services[3]; /* settings->service_count says how many are in use: 1 */

	struct orgdomain *psl;
	struct problems *problems; /* of everything that was added */
	struct policy *policy;	   /* after made_build() */
	struct regex_scratch *scratch;
	struct policy_parts parts;
	struct profiles_builder *profiles;
	struct users_builder *users;
	char text[4096]; /* what made_decide() returns */
};

void made_begin(struct made *m);
void made_end(struct made *m);

/* The content of a list file. */
void made_list(struct made *m, enum list_id id, const char *text);

/* A row, by columns; NULL is NULL. Returns what the builder returns. */
struct made_profile {
	const char *id, *name, *open, *limits, *maxsize, *host, *rcpt, *rcpt_re;
};
int made_profile(struct made *m, const struct made_profile *row);

struct made_user {
	const char *id, *name, *password, *froms, *profile_id, *enabled;
};
int made_user(struct made *m, const struct made_user *row);

/* Make m->policy of what was added; once. */
void made_build(struct made *m);

/* A cell of text, or NULL's. */
struct cell made_cell(const char *text);

/* What a stage is asked about; NULL and 0: not known. */
struct asked {
	enum stage stage; /* connect, helo, mail, rcpt or header */
	const char *service, *ip, *rdns, *helo, *login, *mail, *rcpt;
	uint64_t size;
	const char *from, *from2; /* From fields */
};

/*
 * Decide, and tell: the verdict, then each check's outcome with its rule and, where it has one, its
 * reply, such as "reject: conn=unlisted; any=fail(access.domains:1) 550 5.7.1 You are not ...".
 * The text stays until the next call. made_verdict() gives the verdict itself.
 */
const char *made_decide(struct made *m, const struct asked *asked);
void made_verdict(struct made *m, const struct asked *asked, struct verdict *verdict);

#endif
