/*
 * The checks of users: sender, recipient and size against the row and its profile, and the stage
 * body. Owns nothing; any thread may call it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

#include "lib/rules/check_private.h"

/* Make a user of a login that has no row. */
static void fill_stand_in(struct sender_user *who, const char *login)
{
	who->user = (struct user){
		.id = "",
		.name = login,
		.password = "",
		.profile_id = "",
		.froms = "",
		.enabled = true,
	};
}

/* Return whether MAIL of TOKEN:MAIL is an address; if so, address_r receives it, with
 * default_domain if it has no domain, as in owns_by_name(). */
static bool read_token_mail(const struct settings *settings, const char *mail,
	struct mail_address *address_r)
{
	const char *domain = strchr(mail, '@') == NULL ? settings->default_domain : "";
	char text[ADDRESS_MAX + 1];
	int len = text_format(text, sizeof(text), "%s%s%s", mail, domain[0] != '\0' ? "@" : "",
		domain);

	return len > 0 && (size_t)len < sizeof(text) &&
		address_parse(text, (size_t)len, address_r) == 0 && address_r->local_len > 0;
}

/* Return the length of a login without @default_domain if unknown_user assigns it a profile. */
static size_t length_of_unknown(const struct policy *policy, const char *login)
{
	const struct settings *settings = policy_parts(policy)->settings;
	const char *at = strchr(login, '@'); /* the only one, if the domain follows it */
	struct user user;

	if (settings->unknown_user != UNKNOWN_PROFILE || at == NULL || at == login ||
		settings->default_domain[0] == '\0' ||
		strcasecmp(at + 1, settings->default_domain) != 0 ||
		policy_find_user(policy, login, &user))
		return strlen(login);
	return (size_t)(at - login);
}

int check_login_name(const struct policy *policy, const char *login,
	char name_r[SUSPENSION_LOGIN_MAX + 1])
{
	const struct settings *settings = policy_parts(policy)->settings;
	const char *mail = settings_token_mail(settings, login);
	struct mail_address address;
	size_t len;

	if (mail != NULL && read_token_mail(settings, mail, &address)) {
		(void)text_format(name_r, SUSPENSION_LOGIN_MAX + 1, "%s:%s", settings->token_login,
			address.canon);
		return 0;
	}
	len = mail != NULL ? strlen(login) : length_of_unknown(policy, login);
	if (len > SUSPENSION_LOGIN_MAX)
		return -1;
	memcpy(name_r, login, len);
	name_r[len] = '\0';
	return 0;
}

/* Apply unknown_user to a user without a profile. */
static void apply_unknown(const struct check_run *run, struct sender_user *who)
{
	if (run->settings->unknown_user == UNKNOWN_PROFILE)
		who->profile =
			profiles_by_name(run->parts->profiles, run->settings->unknown_profile);
	who->open = run->settings->unknown_user == UNKNOWN_ACCEPT;
}

bool sender_user_find(const struct check_run *run, struct sender_user *who_r)
{
	const char *login = run->facts->login;

	if (login == NULL)
		return false;
	*who_r = (struct sender_user){ .held = !run->parts->lists_only };
	if (settings_token_mail(run->settings, login) != NULL) {
		fill_stand_in(who_r, login);
		who_r->known = true;
		who_r->profile =
			profiles_by_name(run->parts->profiles, run->settings->token_profile);
	} else if (policy_find_user(run->env->policy, login, &who_r->user)) {
		who_r->known = true;
		who_r->profile = profiles_by_id(run->parts->profiles, who_r->user.profile_id);
		if (who_r->profile == NULL &&
			!profiles_is_bad(run->parts->profiles, who_r->user.profile_id))
			apply_unknown(run, who_r);
	} else {
		fill_stand_in(who_r, login);
		apply_unknown(run, who_r);
		if (run->settings->unknown_user == UNKNOWN_ACCEPT)
			who_r->held = false;
	}
	return true;
}

#define NOT_AUTHORIZED "You are not authorized to send from this address"

bool check_other_spelling(const struct policy *policy, const char *login,
	char other_r[SUSPENSION_LOGIN_MAX + 1])
{
	const struct policy_parts *parts = policy_parts(policy);
	const char *domain = parts->settings->default_domain, *at = strrchr(login, '@');
	struct user user;
	int len;

	if (domain[0] == '\0' || settings_token_mail(parts->settings, login) != NULL)
		return false;
	if (at != NULL && strcasecmp(at + 1, domain) == 0)
		len = text_format(other_r, SUSPENSION_LOGIN_MAX + 1, "%.*s", (int)(at - login),
			login);
	else
		len = text_format(other_r, SUSPENSION_LOGIN_MAX + 1, "%s@%s", login, domain);
	return len > 0 && len <= SUSPENSION_LOGIN_MAX &&
		!(users_find(parts->users, other_r, (size_t)len, &user) &&
			users_find(parts->users, login, strlen(login), &user));
}

bool check_is_suspended(const struct policy *policy, struct suspensions *suspensions,
	const char *login)
{
	char other[SUSPENSION_LOGIN_MAX + 1];

	if (suspensions == NULL || suspensions_count(suspensions) == 0)
		return false;
	return suspensions_has(suspensions, login) ||
		(check_other_spelling(policy, login, other) && suspensions_has(suspensions, other));
}

/* Return why the user may send nothing, whatever the checks are set to; NULL: nothing prevents it.
 */
static const char *stop_reason(const struct check_run *run, const struct sender_user *who)
{
	if (!who->user.enabled)
		return "enabled = false";
	return check_is_suspended(run->env->policy, run->env->suspensions, who->user.name) ?
		"suspended" :
		NULL;
}

static bool refuse_stopped(struct check_run *run, const struct sender_user *who, enum check check,
	const char *why)
{
	struct finding *finding = finding_new(run, check);

	finding->outcome = OUTCOME_FAIL;
	finding_rule(finding, "user %.*s: %s", TEXT_CUT(who->user.name, 80), why);
	reply_set(&finding->reply, 550, "5.7.1", "User %s is not allowed to send mail",
		who->user.name);
	run->verdict->kind = VERDICT_REJECT;
	return false;
}

bool check_sender(struct check_run *run)
{
	const struct mail_address *sender = run->facts->sender;
	struct sender_user who;
	struct finding *finding;
	const char *why;

	if (!sender_user_find(run, &who))
		return true;
	if ((why = stop_reason(run, &who)) != NULL)
		return refuse_stopped(run, &who, CHECK_SENDER, why);
	if (!who.held)
		return true;
	if (!check_run_wants(run, CHECK_SENDER))
		return true;
	finding = finding_new(run, CHECK_SENDER);
	if (!who.known && run->settings->unknown_user == UNKNOWN_REJECT) {
		finding_rule(finding, "user %.*s: unknown_user = reject",
			TEXT_CUT(who.user.name, 80));
		return finding_fail(run, finding, 550, "5.7.1", NOT_AUTHORIZED);
	}
	if (sender->is_null ||
		(!run->settings->allow_null_sender && sender_may_become_null(sender))) {
		finding_rule(finding, "[profile] allow_null_sender");
		if (!run->settings->allow_null_sender)
			return finding_fail(run, finding, 550, "5.7.1", NOT_AUTHORIZED);
	} else if (!sender_user_owns(run, &who, sender, finding->rule) ||
		!sender_user_owns_resolved(run, &who, finding->rule)) {
		return finding_fail(run, finding, 550, "5.7.1", NOT_AUTHORIZED);
	}
	finding->outcome = OUTCOME_PASS;
	return true;
}

void check_end(const struct check_env *env, const struct facts *facts, struct verdict *verdict)
{
	struct check_run run = check_run_without_regexes(env, facts);
	struct sender_user who;
	const char *why;

	verdict_init(verdict);
	run.verdict = verdict;
	if (sender_user_find(&run, &who) && (why = stop_reason(&run, &who)) != NULL)
		(void)refuse_stopped(&run, &who, CHECK_SENDER, why);
}

/* Return the size limit of the session's user, 0 for none; *who receives the user, whose profile
 * sets the limit. */
static uint64_t maxsize_of(const struct check_run *run, struct sender_user *who)
{
	if (!check_run_wants(run, CHECK_SIZE) || !profiles_any_maxsize(run->parts->profiles) ||
		!sender_user_find(run, who) || who->profile == NULL)
		return 0;
	return profile_maxsize(who->profile);
}

/* Compare the size, 0 if unknown, with the profile's. Returns whether the stage continues. */
static bool compare_size(struct check_run *run, const struct profile *profile, uint64_t size)
{
	const uint64_t maxsize = profile_maxsize(profile);
	struct finding *finding = finding_new(run, CHECK_SIZE);

	finding_rule(finding, "profile %.*s: maxsize", TEXT_CUT(profile_name(profile), 80));
	if (size > maxsize)
		return finding_fail(run, finding, 552, "5.3.4",
			"Message too big: the limit is %" PRIu64 " bytes", maxsize);
	if (size > 0)
		finding->outcome = OUTCOME_PASS;
	return true;
}

bool check_size(struct check_run *run)
{
	struct sender_user who;

	return maxsize_of(run, &who) == 0 || compare_size(run, who.profile, run->facts->size);
}

uint64_t check_maxsize(const struct policy *policy, const struct facts *facts)
{
	const struct check_env env = { .policy = policy };
	const struct check_run run = check_run_without_regexes(&env, facts);
	struct sender_user who;

	return maxsize_of(&run, &who);
}

void check_body(const struct check_env *env, const struct facts *facts, uint64_t octets,
	struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);
	struct sender_user who;
	const uint64_t maxsize = maxsize_of(&run, &who);

	if (maxsize > 0 && octets > maxsize)
		(void)compare_size(&run, who.profile, octets);
	check_run_end(&run);
}

/* Return whether the profile allows the recipient; the rule contains the reason in either case. */
static bool profile_allows(struct check_run *run, const struct profile *profile,
	const struct mail_address *rcpt, struct finding *finding)
{
	const char *name = profile_name(profile);
	enum regex_result result;
	uint32_t i;

	if (profile_is_open(profile)) {
		finding_rule(finding, "profile %.*s: open", TEXT_CUT(name, 80));
		return true;
	}
	if (rcpt->is_routed && run->settings->routed_recipients != ROUTED_ALLOW) {
		finding_rule(finding, "profile %.*s: routed_recipients = refuse",
			TEXT_CUT(name, 80));
		return false;
	}
	if (profile_host_allows(profile, rcpt, &i)) {
		finding_rule(finding, "profile %.*s: host[%u]", TEXT_CUT(name, 80), i);
		return true;
	}
	if (profile_rcpt_allows(profile, rcpt, &i)) {
		finding_rule(finding, "profile %.*s: rcpt[%u]", TEXT_CUT(name, 80), i);
		return true;
	}
	result = regexlist_match(profile_rcpt_re(profile), run->env->scratch, rcpt->canon,
		rcpt->canon_len, &i);
	if (result == REGEX_NO)
		finding_rule(finding, "profile %.*s: no host, rcpt or rcpt_re matches",
			TEXT_CUT(name, 80));
	else
		finding_rule(finding, "profile %.*s: rcpt_re[%u]", TEXT_CUT(name, 80), i);
	if (result == REGEX_FAILED)
		finding_ran_out(finding);
	return result == REGEX_YES;
}

/* Set the rule of a user without a profile, who may send to nobody. */
static void rule_of_nobody(const struct check_run *run, const struct sender_user *who,
	struct finding *finding)
{
	if (profiles_is_bad(run->parts->profiles, who->user.profile_id))
		finding_rule(finding, "user %.*s: the row of profile %.*s was left out",
			TEXT_CUT(who->user.name, 80), TEXT_CUT(who->user.profile_id, 40));
	else
		finding_rule(finding, "user %.*s: no profile (unknown_user)",
			TEXT_CUT(who->user.name, 80));
}

bool check_recipient(struct check_run *run, const struct mail_address *rcpt)
{
	struct sender_user who;
	struct finding *finding;
	const char *why;

	if (!sender_user_find(run, &who))
		return true;
	/* Check this again: the user may have been suspended since MAIL. */
	if ((why = stop_reason(run, &who)) != NULL)
		return refuse_stopped(run, &who, CHECK_RECIPIENT, why);
	if (!check_run_wants(run, CHECK_RECIPIENT) || !who.held)
		return true;
	finding = finding_new(run, CHECK_RECIPIENT);
	if (who.profile != NULL ? profile_allows(run, who.profile, rcpt, finding) : who.open) {
		finding->outcome = OUTCOME_PASS;
		return true;
	}
	if (who.profile == NULL)
		rule_of_nobody(run, &who, finding);
	return finding_fail(run, finding, 550, "5.7.1",
		rcpt->has_domain ? "User %s not allowed to send to rcpt <%s>" :
				   "User %s not allowed to send to rcpt %s",
		who.user.name, rcpt->text);
}
