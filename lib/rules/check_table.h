#ifndef POSTERN_CHECK_TABLE_H
#define POSTERN_CHECK_TABLE_H

#include <stdbool.h>

struct policy_parts;
struct service;

/*
 * The stages of a message, in their order. ROW(ID, name, check): the name in logs and results, and
 * the check under which a failure of the whole stage is reported.
 */
#define STAGE_TABLE(ROW)                   \
	ROW(CONNECT, "connect", CONN)      \
	ROW(HELO, "helo", HELO)            \
	ROW(MAIL, "mail", MAIL)            \
	ROW(RCPT, "rcpt", RCPT)            \
	ROW(HEADER, "header", HEADER_FROM) \
	ROW(BODY, "body", SIZE)

/*
 * The checks. A new check begins with a row here, from which the following derive: enum check, its
 * name, its key in [check] and the default (lib/conf), the size of struct verdict, the events that
 * milter/smtp negotiates, and the counters. lib/rules/check_*.c contains the checks themselves.
 *
 * ROW(ARG, ID, key, default, stages, findings, whom, rules, help)
 *
 *   key       name in logs and results, and key in [check]
 *   default   yes, no or warn
 *   stages    where it looks; this determines what it needs from the MTA: an answer to connect,
 *             helo or rcpt (mail is always answered), the header fields (header), or the size of
 *             header and body (body)
 *   findings the largest number of findings that it makes at one stage
 *   whom      EVERYBODY, or USERS: only sessions with a login, if the policy has users
 *   rules     a function of check_table.c: whether the policy has rules for the check
 *   help      what it checks
 */
#define CHECK_TABLE(ROW, ARG)                                                                   \
	ROW(ARG, ANY, "any", "yes",                                                             \
		STAGE_BIT(CONNECT) | STAGE_BIT(HELO) | STAGE_BIT(MAIL) | STAGE_BIT(RCPT), 1,    \
		EVERYBODY, any_policy,                                                          \
		"look names, HELO, senders and recipients up in access.domains")                \
	ROW(ARG, CONN, "conn", "yes", STAGE_BIT(CONNECT), 2, EVERYBODY, any_policy,             \
		"look the client's address and name up in the connect.rdns_access lists")       \
	ROW(ARG, HELO, "helo", "no", STAGE_BIT(HELO), 1, EVERYBODY, any_policy,                 \
		"match the argument of HELO against helo.checks.regexps")                       \
	ROW(ARG, MAIL, "mail", "yes", STAGE_BIT(MAIL), 2, EVERYBODY, any_policy,                \
		"look the envelope sender up in the mail_from.access lists")                    \
	ROW(ARG, RCPT, "rcpt", "yes", STAGE_BIT(RCPT), 2, EVERYBODY, any_policy,                \
		"look recipients up in the rcpt_to.access lists")                               \
	ROW(ARG, DATA, "data", "no", STAGE_BIT(HEADER), 1, EVERYBODY, any_policy,               \
		"look the addresses of the From field up in access.domains")                    \
	ROW(ARG, SENDER, "sender", "yes", STAGE_BIT(MAIL), 1, USERS, any_policy,                \
		"the envelope sender must be one of the user's")                                \
	ROW(ARG, RECIPIENT, "recipient", "yes", STAGE_BIT(RCPT), 1, USERS, any_policy,          \
		"the user's profile must allow the recipient")                                  \
	ROW(ARG, SIZE, "size", "yes", STAGE_BIT(MAIL) | STAGE_BIT(BODY), 1, USERS, limits_size, \
		"the message must not be longer than the profile's maxsize")                    \
	ROW(ARG, LIMITS, "limits", "yes", STAGE_BIT(RCPT), 1, USERS, any_policy,                \
		"apply the rate limits of the profile")                                         \
	ROW(ARG, HEADER_FROM, "header_from", "yes", STAGE_BIT(HEADER), 1, USERS, any_policy,    \
		"the From field must belong to the user")                                       \
	ROW(ARG, RATES, "rates", "yes", STAGE_BIT(CONNECT) | STAGE_BIT(RCPT), 2, EVERYBODY,     \
		limits_rates, "apply the limits of [limit NAME]")

#define STAGE_BIT(stage) (1U << STAGE_##stage)
#define STAGE_ID(id, ...) STAGE_##id,
#define CHECK_ID(unused, id, ...) CHECK_##id,
/* NOLINTBEGIN(bugprone-macro-parentheses): terms of a sum */
#define STAGE_ONE(...) +1
#define CHECK_FINDINGS(stage, id, key, fallback, stages, findings, ...) \
	+((((stages)&STAGE_BIT(stage)) != 0) ? (findings) : 0)
/* NOLINTEND(bugprone-macro-parentheses) */

enum stage { STAGE_TABLE(STAGE_ID) };
enum { STAGE_COUNT = 0 STAGE_TABLE(STAGE_ONE) };

enum check { CHECK_TABLE(CHECK_ID, ) CHECK_COUNT };

/* The largest number of findings that a stage makes: those of its checks, and one about a name or
 * an address that the checks cannot look at. */
#define STAGE_FINDINGS(stage) (1 CHECK_TABLE(CHECK_FINDINGS, stage))

const char *check_name(enum check check);
const char *stage_name(enum stage stage);

/* The check under which a failure of the whole stage is reported. */
enum check stage_check(enum stage stage);

/*
 * Return whether any check looks at this stage of a session under the policy: a check that is set
 * to `yes` or `warn`, and for which the policy has rules. is_logged_in: the session has a login, or
 * may have one later. With parts->profiles NULL, users are not known yet, and any rule is possible.
 * Thread-safe.
 */
bool checks_look(const struct policy_parts *parts, const struct service *service, enum stage stage,
	bool is_logged_in);

/* The same for checks that may refuse: those set to `yes`. */
bool checks_refuse(const struct policy_parts *parts, const struct service *service,
	enum stage stage, bool is_logged_in);

#endif
