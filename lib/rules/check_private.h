#ifndef POSTERN_CHECK_PRIVATE_H
#define POSTERN_CHECK_PRIVATE_H

#include "lib/match/address_readings.h"
#include "lib/rules/check.h"

/* Shared by check.c, check_*.c and their tests: one run of the checks of a stage. */
struct check_run {
	const struct check_env *env;
	const struct policy_parts *parts;
	const struct settings *settings;
	const struct service *service;
	const struct facts *facts;
	struct verdict *verdict;
};

/* Begin checks that need no scratch, without a verdict. */
struct check_run check_run_without_regexes(const struct check_env *env, const struct facts *facts);

struct check_run check_run_begin(const struct check_env *env, const struct facts *facts,
	struct verdict *verdict);

/* End the stage. If its findings did not fit and none of them refused, on_error decides. */
void check_run_end(struct check_run *run);

/* Return whether the check is set to `yes` or `warn`. */
bool check_run_wants(const struct check_run *run, enum check check);

/* Add a finding to the stage, at first unlisted and without a rule. Never returns NULL. */
struct finding *finding_new(struct check_run *run, enum check check);

void finding_rule(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Set the rule "LIST:LINE". */
void finding_listed(struct finding *finding, enum list_id id, uint32_t line);

/* Note that a regex of the rule, which is set, exceeded its limits or those of the decision. */
void finding_ran_out(struct finding *finding);

/*
 * Refuse with a reply. Returns whether the stage continues, which it does when the check is set to
 * warn.
 */
bool finding_fail(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The text of every 451 reply. */
#define TRY_LATER_TEXT "Service temporarily unavailable, try again later"

/* The check failed, and on_error decides. Returns whether the stage continues. */
bool finding_error(struct check_run *run, struct finding *finding, const char *why);

/* The user of a session's login: a row of the tables, or a stand-in for it. */
struct sender_user {
	bool held;  /* false: no rule of users applies (lists only, unknown_user = accept) */
	bool known; /* the login is in the tables, or it is that of a token */
	struct user user;
	const struct profile *
		profile; /* NULL: none; `open` then determines whether all recipients are allowed */
	bool open;
};

/* Find the user of facts->login; false without a login. */
bool sender_user_find(const struct check_run *run, struct sender_user *who_r);

/*
 * Return whether the user may send as address; rule_r receives the entry that allows it. Unless
 * froms contains the address itself, the user must also own its readings: Sendmail sends mail from
 * a%b@c as from a@b if both are domains of its own.
 */
bool sender_user_owns(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address, char rule_r[RULE_SIZE]);

/* Return whether an entry of froms, or the user's name, has exactly the domain of the address: the
 * administrator chose it, not the user. */
bool sender_user_names_domain(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address);

/*
 * Return whether the user may send as the address to which the MTA resolves the sender, because the
 * MTA puts that into the mail: Sendmail asks DNS, which the owner of a domain below an entry of
 * froms controls. If loses_domain() holds, that is the sender's local part at any of [lists]
 * local_domains. If an entry is the sender itself, the user may send in any case.
 */
bool sender_user_owns_resolved(const struct check_run *run, const struct sender_user *who,
	char rule_r[RULE_SIZE]);

/* Return whether each further reading of an address from which an MTA may send its mail passes;
 * false if there are too many. */
bool readings_pass(const struct check_run *run, const struct mail_address *address,
	bool (*passes)(void *context, const struct mail_address *reading), void *context);

/* The checks of users. Each returns whether the stage continues. */
bool check_sender(struct check_run *run);
bool check_size(struct check_run *run);
bool check_recipient(struct check_run *run, const struct mail_address *rcpt);

/* ---- addresses in lists ----------------------------------------------------------- */

/* Look an address up in an exact list, and if it is not in it, in a list of regexes. Sets the rule
 * unless the result is LIST_NO. */
enum list_result lookup_address(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct mail_address *address, struct finding *finding);

/*
 * Return whether the address is at the MTA's own host name, and that is a further name of [lists]
 * local_domains, not the mail domain. It is the mail domain if it is the first of them and they do
 * not contain the domain of the host.
 */
bool is_at_mta_name(const struct check_run *run, const struct mail_address *address);

/* Return whether the name of a local address is certainly the MTA's, also behind % or !: an address
 * literal, localhost, or the first label of the MTA's host name. */
bool is_at_own_name(const struct check_run *run, const struct mail_address *address);

/* Return whether the address is at a domain that is known to be one of the MTA's own. */
bool is_at_own_domain(const struct check_run *run, const struct mail_address *address);

/*
 * Find all readings of a sender or recipient, also that to which the MTA resolves it (NULL: not
 * known) if the MTA changed its domain: Sendmail asks DNS, where everybody may enter an alias of
 * one of its domains. If that is a later reading, the domains of those before it are the MTA's own.
 * With another local part, apart from quotes, backslashes and an extension, it
 * is the administrator's alias. At a domain of its own, or if these are not known, a local part to
 * which Sendmail resolves an address adds nothing. Returns as address_readings_find().
 */
bool find_readings(const struct check_run *run, const struct mail_address *address,
	const struct mail_address *to, struct address_readings *readings_r);

/*
 * Return whether the address to which the MTA resolves an address shows that its domain is the
 * MTA's own, although it is none of [lists] local_domains, which are known: Sendmail sends mail
 * from it as from the same local part at one of these.
 */
bool loses_domain(const struct check_run *run, const struct mail_address *address,
	const struct mail_address *to);

/* Return whether an address that is simple has other readings because the MTA resolves it to
 * another one. */
bool is_resolved_elsewhere(const struct check_run *run, const struct mail_address *to,
	const struct mail_address *address);

/* Return whether a canonical domain is one of a list, as that of [lists] local_domains. */
bool is_among(const char *domains, const char *domain);

/*
 * Return the first of a list of domains, as that of [lists] local_domains, whose case is folded to
 * the canonical domain, a different one; "": there is none. To Postfix, both are the same:
 * strasse.example and straße.example.
 */
const char *find_folded_domain(const char *domains, const char *domain);

/* Return whether the mailbox of a full address has the same local part at other domains, too. */
bool has_other_domains(const struct check_run *run, const struct mail_address *address);

/*
 * The most addresses that are looked up for one address; one with more must be refused. Each costs
 * a search of all regexes, and the client chooses the readings. One reading with a short name and
 * 32 domains in [lists] local_domains is looked up at 67.
 */
#define LOOKUPS_MAX 70

/* Return whether the readings are looked up at LOOKUPS_MAX addresses at most. The functions below
 * look no more of them up. */
bool lookups_are_few(const struct check_run *run, const struct address_readings *readings,
	bool is_recipient);

/*
 * The same as lookup_address() for an address with several readings, of which each is looked up as
 * it is. One for which address_is_local() or is_at_mta_name() holds is also looked up at each of
 * [lists] local_domains, and if address_is_local() holds, at the MTA's host name. A sender that is
 * not at a domain of the MTA's own is local only at names for which is_at_own_name() holds.
 * Recipients are also looked up, in deny lists only, at the domains of find_folded_domain().
 * lookup_any_reading() returns LIST_YES if one of these addresses is listed.
 * lookup_all_readings() does so only if the MTA cannot deliver to an address that is not in the
 * allow lists: the reading itself, or for address_is_local() those at local_domains, and all others
 * that are in the deny lists. allow and deny are the exact lists, which their regexes follow.
 */
enum list_result lookup_all_readings(const struct check_run *run, enum list_id allow,
	enum list_id deny, const struct address_readings *readings, struct finding *finding);
enum list_result lookup_any_reading(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct address_readings *readings, struct finding *finding);

/* Look all readings up in access.domains: one that is denied denies the address, and only if all
 * are allowed it is allowed. */
enum any_result lookup_any_domain(const struct check_run *run,
	const struct address_readings *readings, bool is_recipient, uint32_t *line_r);

/*
 * Return whether a reading for which address_is_local() holds might be denied at a domain that is
 * not known, because [lists] local_domains is empty; the rule is then set. A recipient postmaster
 * is exempt. "no@reply", which is read from no%reply@example.net, and a sender with a domain are
 * held against addresses only, not against domains. deny is LIST_MAIL_DENY, LIST_RCPT_DENY or
 * LIST_DOMAINS.
 */
bool lookup_may_be_denied(const struct check_run *run, enum list_id deny, bool is_recipient,
	const struct address_readings *readings, struct finding *finding);

/*
 * Find the address that limits count for a reading from which no step leads. If address_is_local()
 * holds for it, it is moved to the first of [lists] local_domains or, if there are none, to the
 * MTA's host name, or loses its domain if that is NULL. Returns the domains of rates_find_address()
 * at which it is the same mailbox; "": only at its own.
 */
const char *find_counted_address(const struct settings *settings, const char *mta_name,
	const struct mail_address *reading, struct mail_address *counted_r);

/* Return whether the MTA may send mail from this sender as from <>: it is <>, or read as
 * mailer-daemon, which Postfix turns into <> if it is at $myorigin. */
bool sender_may_become_null(const struct mail_address *sender);

/* ---- limits ---------------------------------------------------------------------- */

/* Return the origin of a key: the network of the client if strangers can make up such keys, which
 * they can do under "default" alone. */
struct ledger_origin check_origin(const struct cidr *client, const struct rate_match *match);

/* Set the rule and the usage of a limit. If the ledger is full, and the key is counted together
 * with others, the rule names these. */
void finding_limit(struct finding *finding, const struct ledger_usage *usage, const char *rule);

/* Convert usage of the ledger to that of verdicts, in seconds. */
struct usage usage_of_ledger(const struct ledger_usage *usage);

/* Refuse as finding_fail() does, with the text "WHAT 500/1d reached, next in 3h12m" made from the
 * finding's usage. */
bool finding_full(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *what);

/* Return the canonical form of a client's name, or NULL when it has none or one that is too long.
 */
const char *canon_name(const char *name, char canon_r[DOMAIN_SIZE]);

/* Return whether [limit] exempts the session. The settings must have rates. */
bool check_rates_exempt(const struct check_run *run);

/* Check the limits of a client's connections; rdns is canonical, or NULL. Returns whether the stage
 * continues. */
bool check_connection(struct check_run *run, const char *rdns);

/* Charge the recipient to all limits that apply, as the last check of the stage. Returns whether
 * the stage continues. */
bool check_charges(struct check_run *run, const struct mail_address *rcpt);

#endif
