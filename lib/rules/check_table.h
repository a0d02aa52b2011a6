#ifndef POSTERN_CHECK_TABLE_H
#define POSTERN_CHECK_TABLE_H

#include <stdbool.h>

struct policy_parts;
struct service;

/*
 * The stages of a message, in their order. ROW(ID, name, check): the name in logs and results, and
 * the check that a failure before all checks is reported under.
 */
#define STAGE_TABLE(ROW)                   \
	ROW(CONNECT, "connect", CONN)      \
	ROW(HELO, "helo", HELO)            \
	ROW(MAIL, "mail", MAIL)            \
	ROW(RCPT, "rcpt", RCPT)            \
	ROW(HEADER, "header", HEADER_FROM) \
	ROW(BODY, "body", SIZE)

/*
 * The checks. A new check begins with a row here; enum check, its name, its key in [check] and the
 * default (lib/conf), the size of struct verdict, the events that milter/smtp negotiates and the
 * counters derive from it. lib/rules/check_*.c holds the checks themselves.
 *
 * ROW(ARG, ID, key, default, stages, findings, whom, rules, help)
 *   key       its name everywhere, and its key in [check]
 *   default   yes, no or warn
 *   stages    where it looks, and so what it needs of the MTA: an answer to connect, helo or rcpt
 *             (mail is always answered), the header fields, or the size of the header and body
 *   findings  how many findings it makes at one stage at most
 *   whom      EVERYBODY, or USERS: logged-in sessions of a policy that is not lists only
 *   rules     a function of check_table.c: whether a policy has any rule that the check applies
 *   help      what it compares with what
 */
#define CHECK_TABLE(ROW, ARG)                                                                   \
	ROW(ARG, ANY, "any", "yes",                                                             \
		STAGE_BIT(CONNECT) | STAGE_BIT(HELO) | STAGE_BIT(MAIL) | STAGE_BIT(RCPT), 1,    \
		EVERYBODY, any_policy, "access.domains, at connect, helo, mail and rcpt")       \
	ROW(ARG, CONN, "conn", "yes", STAGE_BIT(CONNECT), 2, EVERYBODY, any_policy,             \
		"connect.rdns_access lists: the client's address and name")                     \
	ROW(ARG, HELO, "helo", "no", STAGE_BIT(HELO), 1, EVERYBODY, any_policy,                 \
		"helo.checks.regexps")                                                          \
	ROW(ARG, MAIL, "mail", "yes", STAGE_BIT(MAIL), 2, EVERYBODY, any_policy,                \
		"mail_from.access lists: the envelope sender")                                  \
	ROW(ARG, RCPT, "rcpt", "yes", STAGE_BIT(RCPT), 2, EVERYBODY, any_policy,                \
		"rcpt_to.access lists: the recipients")                                         \
	ROW(ARG, DATA, "data", "no", STAGE_BIT(HEADER), 1, EVERYBODY, any_policy,               \
		"access.domains, for the From field")                                           \
	ROW(ARG, SENDER, "sender", "yes", STAGE_BIT(MAIL), 1, USERS, any_policy,                \
		"the envelope sender is one of the user's")                                     \
	ROW(ARG, RECIPIENT, "recipient", "yes", STAGE_BIT(RCPT), 1, USERS, any_policy,          \
		"the recipient is one that the user's profile allows")                          \
	ROW(ARG, SIZE, "size", "yes", STAGE_BIT(MAIL) | STAGE_BIT(BODY), 1, USERS, limits_size, \
		"the message is no longer than the profile's maxsize")                          \
	ROW(ARG, LIMITS, "limits", "yes", STAGE_BIT(RCPT), 1, USERS, any_policy,                \
		"the profile's rate limits")                                                    \
	ROW(ARG, HEADER_FROM, "header_from", "yes", STAGE_BIT(HEADER), 1, USERS, any_policy,    \
		"the From field is the user's")                                                 \
	ROW(ARG, RATES, "rates", "yes", STAGE_BIT(CONNECT) | STAGE_BIT(RCPT), 2, EVERYBODY,     \
		limits_rates, "what [limit NAME] holds everybody to")

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

/* How many findings a stage makes at most: those of its checks, and one of a name or an address
 * that no check can look at. */
#define STAGE_FINDINGS(stage) (1 CHECK_TABLE(CHECK_FINDINGS, stage))

const char *check_name(enum check check);
const char *stage_name(enum stage stage);

/* The check that a stage which can't be decided is reported under. */
enum check stage_check(enum stage stage);

/*
 * Whether any check looks at this stage of a session under the policy: it is set to `yes` or
 * `warn`, and the policy has rules for it. is_logged_in: the session has a login, or may have one
 * later. parts->profiles may be NULL: there may be any.
 */
bool checks_look(const struct policy_parts *parts, const struct service *service, enum stage stage,
	bool is_logged_in);

/* The same for checks that may refuse: those set to `yes`. */
bool checks_refuse(const struct policy_parts *parts, const struct service *service,
	enum stage stage, bool is_logged_in);

#endif
