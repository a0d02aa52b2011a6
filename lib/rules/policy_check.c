/*
 * Reports what the parts of a policy do not do together. Owns nothing; any thread may call it.
 * t/unit/test_policy_check.c covers it.
 */
#include "lib/rules/policy_check.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check.h"

/* Report users whose rows are never used, because their names are those of logins with tokens. */
static void report_names_of_tokens(const struct policy_parts *parts, struct problems *problems)
{
	const char *login = parts->settings->token_login;
	char others[40] = "";
	struct user user;
	size_t count;

	if (login[0] == '\0' || parts->users == NULL ||
		(count = users_count_behind(parts->users, login, &user)) == 0)
		return;
	if (count > 1)
		(void)text_format(others, sizeof(others), " and %zu more", count - 1);
	problems_add(problems,
		"users id %s (%s)%s: a login that begins with [jwt] login and a colon is that of a "
		"token, so that the row is never used; rename the user, or set another [jwt] login",
		user.id, user.name, others);
}

void policy_check_names(const struct policy_parts *parts, struct problems *problems)
{
	const struct settings *s = parts->settings;
	struct user user;

	if (parts->profiles == NULL || parts->lists_only)
		return;
	if (s->token_login[0] != '\0' && parts->users != NULL &&
		users_find(parts->users, s->token_login, strlen(s->token_login), &user))
		problems_add(problems,
			"users id %s (%s): its name is that of [jwt] login, whose password is a "
			"token: rename one of them",
			user.id, user.name);
	report_names_of_tokens(parts, problems);
	if (s->unknown_user == UNKNOWN_PROFILE &&
		profiles_by_name(parts->profiles, s->unknown_profile) == NULL)
		problems_add(problems,
			"[profile] unknown_user: there is no profile '%s': users without one may "
			"send to nobody",
			s->unknown_profile);
	if (s->token_login[0] != '\0' &&
		profiles_by_name(parts->profiles, s->token_profile) == NULL)
		problems_add(problems,
			"[jwt] profile: there is no profile '%s': logins by token may "
			"send to nobody",
			s->token_profile);
}

static bool is_checked(const struct settings *settings, enum check check)
{
	for (size_t i = 0; i < settings->service_count; i++) {
		if (settings->services[i].mode[check] != MODE_NO)
			return true;
	}
	return false;
}

static bool is_empty(const struct policy_parts *parts, enum list_id id)
{
	return parts->lists[id] == NULL || list_entries(parts->lists[id]) == 0;
}

void policy_check_unused_lists(const struct policy_parts *parts, struct problems *problems)
{
	static const struct {
		enum list_id first, last;
		enum check check, other; /* either applies them */
	} uses[] = {
		{ LIST_CONN_ALLOW, LIST_CONN_DENY_RE, CHECK_CONN, CHECK_CONN },
		{ LIST_HELO_DENY_RE, LIST_HELO_DENY_RE, CHECK_HELO, CHECK_HELO },
		{ LIST_MAIL_ALLOW, LIST_MAIL_DENY_RE, CHECK_MAIL, CHECK_MAIL },
		{ LIST_RCPT_ALLOW, LIST_RCPT_DENY_RE, CHECK_RCPT, CHECK_RCPT },
		{ LIST_DOMAINS, LIST_DOMAINS, CHECK_ANY, CHECK_DATA },
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (is_checked(parts->settings, uses[i].check) ||
			is_checked(parts->settings, uses[i].other))
			continue;
		for (int id = uses[i].first; id <= (int)uses[i].last; id++) {
			if (!is_empty(parts, (enum list_id)id))
				problems_note(problems, "%s: not applied, because [check] %s is no",
					list_name((enum list_id)id), check_name(uses[i].check));
		}
	}
	if (parts->settings->rcpt_accept == ACCEPT_STRICT &&
		is_checked(parts->settings, CHECK_RCPT) && is_empty(parts, LIST_RCPT_ALLOW) &&
		is_empty(parts, LIST_RCPT_ALLOW_RE))
		problems_add(problems,
			"[rcpt] accept = strict: %s and %s have no entry, so that every recipient "
			"except postmaster is refused in sessions without a login; add the valid "
			"recipients",
			list_name(LIST_RCPT_ALLOW), list_name(LIST_RCPT_ALLOW_RE));
	if (parts->settings->routed_recipients == ROUTED_REFUSE_ALL &&
		!is_checked(parts->settings, CHECK_RCPT) && !is_checked(parts->settings, CHECK_ANY))
		problems_note(problems,
			"[profile] routed_recipients = refuse_all: not applied to "
			"strangers, because [check] rcpt and any are no");
}

#define NO_DOMAIN "without a domain, such as <bob> and <bob@localhost>,"
#define NO_LOCAL_DOMAINS "because [lists] local_domains is empty: set it to the domains of the MTA"

/* Note the rules of a deny list that may match addresses without a domain at the MTA's domains. */
static void note_deny_list(const struct policy_parts *parts, enum list_id id,
	struct problems *problems)
{
	const struct list *exact = parts->lists[id], *regexes = parts->lists[id + 1];
	const bool of_senders = id == LIST_MAIL_DENY;
	const char *whom = of_senders ? "senders" : "recipients";

	if (exact != NULL && list_domain_line(exact) != 0)
		problems_note(problems,
			"%s:%u: refuses all %s without a domain, such as <bob>%s " NO_LOCAL_DOMAINS,
			list_name(id), list_domain_line(exact), whom,
			of_senders ? ", and none such as <bob@localhost>," :
				     " and <bob@localhost>,");
	if (regexes != NULL && list_entries(regexes) > 0)
		problems_note(problems, "%s: not applied to %s " NO_DOMAIN " " NO_LOCAL_DOMAINS,
			list_name(id + 1), whom);
}

static void note_rates(const struct rates *rates, struct problems *problems)
{
	static const enum rate of_addresses[] = { RATE_RCPT_SENDER, RATE_RCPT, RATE_RCPT_NULL };

	for (size_t i = 0; i < sizeof(of_addresses) / sizeof(of_addresses[0]); i++) {
		if (rates_has(rates, of_addresses[i]))
			problems_note(problems,
				"[limit %s]: counts addresses " NO_DOMAIN
				" apart from the same mailbox at a domain, " NO_LOCAL_DOMAINS,
				rate_name(of_addresses[i]));
	}
}

void policy_check_local_domains(const struct policy_parts *parts, struct problems *problems)
{
	const struct list *domains = parts->lists[LIST_DOMAINS];

	if (parts->settings->local_domains[0] != '\0')
		return;
	if (is_checked(parts->settings, CHECK_MAIL))
		note_deny_list(parts, LIST_MAIL_DENY, problems);
	if (is_checked(parts->settings, CHECK_RCPT))
		note_deny_list(parts, LIST_RCPT_DENY, problems);
	if (domains != NULL && is_checked(parts->settings, CHECK_ANY) &&
		list_domain_line(domains) != 0)
		problems_note(problems,
			"%s:%u: not applied to senders and recipients " NO_DOMAIN
			" " NO_LOCAL_DOMAINS,
			list_name(LIST_DOMAINS), list_domain_line(domains));
	if (is_checked(parts->settings, CHECK_RATES))
		note_rates(parts->settings->rates, problems);
}

void policy_check_senders(const struct policy_parts *parts, struct problems *problems)
{
	const size_t bare = parts->users == NULL || parts->settings->default_domain[0] != '\0' ?
		0 :
		users_count_bare(parts->users);

	if (bare == 0 || parts->lists_only ||
		!(is_checked(parts->settings, CHECK_SENDER) ||
			is_checked(parts->settings, CHECK_HEADER_FROM)))
		return;
	problems_note(problems,
		"[profile] default_domain is empty, so that %zu user%s without froms and without a "
		"domain in the username cannot send from any address with a domain; set "
		"default_domain, or give them froms",
		bare, bare == 1 ? "" : "s");
}

void policy_check_regexes(struct problems *problems)
{
	if (!regexlist_has_machine_code())
		problems_note(problems,
			"regexes are interpreted, which is slow: PCRE2 has no compiler for this "
			"processor, or the system forbids new machine code (MemoryDenyWriteExecute= of "
			"systemd, SELinux)");
}

void policy_check(const struct policy_parts *parts, struct problems *problems)
{
	policy_check_names(parts, problems);
	policy_check_local_domains(parts, problems);
	check_rate_keys(parts->settings, parts->psl, problems);
	policy_check_senders(parts, problems);
	policy_check_unused_lists(parts, problems);
	policy_check_regexes(problems);
}
