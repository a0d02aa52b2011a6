#ifndef POSTERN_CHECK_PRIVATE_H
#define POSTERN_CHECK_PRIVATE_H

#include "lib/rules/check.h"

/* Shared by check.c and check_*.c alone: one stage being decided. */
struct check_run {
	const struct check_env *env;
	const struct policy_parts *parts;
	const struct settings *settings;
	const struct service *service;
	const struct facts *facts;
	struct verdict *verdict;
};

struct check_run check_run_begin(const struct check_env *env, const struct facts *facts,
	struct verdict *verdict);

/* End the stage: when its findings did not fit, and none of them refused, on_error decides. */
void check_run_end(struct check_run *run);

/* Whether the check is on. */
bool check_run_wants(const struct check_run *run, enum check check);

/* A new finding of the stage: unlisted, no rule. */
struct finding *finding_new(struct check_run *run, enum check check);

void finding_rule(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The rule "LIST:LINE". */
void finding_listed(struct finding *finding, enum list_id id, uint32_t line);

/*
 * The finding refuses, with a reply. Returns whether the stage goes on: with the check
 * set to warn it does.
 */
bool finding_fail(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What a 451 says, whoever gives it. */
#define TRY_LATER_TEXT "Service temporarily unavailable, try again later"

/* The finding could not be made: on_error decides. Returns whether the stage goes on. */
bool finding_error(struct check_run *run, struct finding *finding, const char *why);

/* Who sends: the row, or what stands for it. */
struct sender_user {
	bool held;  /* false: nobody is held to anything (lists only, unknown_user = accept) */
	bool known; /* the tables know the login, or it is a token's */
	struct user user;
	const struct profile *
		profile; /* NULL: none; then `open` says whether that means everything is allowed */
	bool open;
};

/* Find the user of facts->login; false without a login. */
bool sender_user_find(const struct check_run *run, struct sender_user *who_r);

/* Whether the user may send as address; *rule_r names the entry. */
bool sender_user_owns(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address, char rule_r[RULE_SIZE]);

bool check_sender(struct check_run *run);
bool check_size(struct check_run *run);
bool check_recipient(struct check_run *run, const struct mail_address *rcpt);

/* As verdicts have it: in seconds. */
struct usage usage_of_ledger(const struct ledger_usage *usage);

/* Refuse with "WHAT 500/1d reached, next in 3h12m", by the finding's usage; as finding_fail(). */
bool finding_full(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *what);

/* The canonical form of a client's name; NULL when it has none, or one that is too long. */
const char *canon_name(const char *name, char canon_r[DOMAIN_SIZE]);

/* Whether [limit] exempts the session; the settings have rates. */
bool check_rates_exempt(const struct check_run *run);

/* The limits of a client's connections; rdns: canonical, or NULL. */
bool check_connection(struct check_run *run, const char *rdns);

/* The last check of a recipient: whatever limits it is charged. */
bool check_charges(struct check_run *run, const struct mail_address *rcpt);

#endif
