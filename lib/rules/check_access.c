/*
 * The stages connect, helo, mail and rcpt, and their access lists. Owns nothing; any thread may
 * call it.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"
#include "lib/rules/check_private.h"

/* The subject that a stage looks up in its lists. */
struct subject {
	const struct cidr *client; /* connect: the address, and its text */
	const char *ip;
	const char *host;		    /* connect, helo: the canonical name; NULL for none */
	const struct mail_address *address; /* mail, rcpt */
	const struct address_readings *readings; /* of the address; NULL: it is the only one */
	const char *text;			 /* its form in replies */
};

/* Look for a client in an exact list and its regexes: first for the address, then for the name. */
static enum list_result find_client(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct subject *s, struct finding *finding)
{
	const struct list *exact = run->parts->lists[exact_id],
			  *regex = run->parts->lists[regex_id];
	enum list_id id = exact_id;
	enum list_result r = LIST_NO;
	uint32_t line = 0;

	if (s->client->family != AF_UNSPEC) {
		r = list_find_client(exact, s->client, &line);
		if (r == LIST_NO) {
			id = regex_id;
			r = list_match(regex, run->env->scratch, s->ip, strlen(s->ip), &line);
		}
	}
	if (r == LIST_NO && s->host != NULL) {
		id = exact_id;
		r = list_find_host(exact, s->host, &line);
		if (r == LIST_NO) {
			id = regex_id;
			r = list_match(regex, run->env->scratch, s->host, strlen(s->host), &line);
		}
	}
	if (r != LIST_NO)
		finding_listed(finding, id, line);
	return r;
}

static enum list_result find_allowed(const struct check_run *run, enum list_id allow,
	enum list_id deny, const struct subject *s, struct finding *finding)
{
	if (s->address == NULL)
		return find_client(run, allow, allow + 1, s, finding);
	if (s->readings == NULL)
		return lookup_address(run, allow, allow + 1, s->address, finding);
	return lookup_all_readings(run, allow, deny, s->readings, finding);
}

static enum list_result find_denied(const struct check_run *run, enum list_id deny,
	const struct subject *s, struct finding *finding)
{
	enum list_result r;

	if (s->address == NULL)
		return find_client(run, deny, deny + 1, s, finding);
	if (s->readings == NULL)
		return lookup_address(run, deny, deny + 1, s->address, finding);
	r = lookup_any_reading(run, deny, deny + 1, s->readings, finding);
	if (r == LIST_NO &&
		lookup_may_be_denied(run, deny, deny == LIST_RCPT_DENY, s->readings, finding))
		return LIST_YES;
	return r;
}

/* Refuse the subject if a deny list contains it. Returns whether the stage continues. */
static bool refuse_listed(struct check_run *run, struct finding *finding, enum list_result result,
	const struct subject *s, const char *deny_text)
{
	if (result == LIST_NO)
		return true;
	if (result == LIST_FAILED) {
		finding_ran_out(finding);
		return finding_error(run, finding, "");
	}
	return finding_fail(run, finding, 550, "5.7.1", "%s %s", s->text, deny_text);
}

/*
 * Check the allow lists, then the deny lists. allow and deny are the exact lists; in enum list_id,
 * each is followed by its regexes. An allow list that cannot be searched to its end counts as no
 * match and has its own finding. Returns whether the stage continues.
 */
static bool check_precise(struct check_run *run, enum check check, enum list_id allow,
	enum list_id deny, const struct subject *s, const char *deny_text)
{
	struct finding *finding = finding_new(run, check);

	switch (find_allowed(run, allow, deny, s, finding)) {
	case LIST_YES:
		finding->outcome = OUTCOME_PASS;
		return true;
	case LIST_FAILED:
		finding->outcome = OUTCOME_GAVE_UP;
		finding_ran_out(finding);
		finding = finding_new(run, check);
		break;
	case LIST_NO:
		break;
	}
	return refuse_listed(run, finding, find_denied(run, deny, s, finding), s, deny_text);
}

/* Return the last finding of the stage so far. */
static struct finding *last_finding(const struct check_run *run)
{
	return &run->verdict->findings[run->verdict->count - 1];
}

/* Look an address or a host name up in access.domains. Sets the rule unless it is unlisted. */
static enum any_result find_domain(const struct check_run *run, const struct subject *s,
	bool is_recipient, struct finding *finding)
{
	const struct list *domains = run->parts->lists[LIST_DOMAINS];
	enum any_result result = ANY_UNLISTED;
	uint32_t line;

	if (s->readings != NULL)
		result = lookup_any_domain(run, s->readings, is_recipient, &line);
	else if (s->address != NULL)
		result =
			list_any_address(domains, s->address, run->settings->list_delimiter, &line);
	else if (s->host != NULL)
		result = list_any_host(domains, s->host, &line);
	if (result != ANY_UNLISTED)
		finding_listed(finding, LIST_DOMAINS, line);
	return result;
}

/* Check an address or a host name against access.domains. Returns whether the stage continues. */
static bool check_any(struct check_run *run, const struct subject *s, bool is_recipient)
{
	struct finding *finding;
	enum any_result result;

	if (!check_run_wants(run, CHECK_ANY))
		return true;
	finding = finding_new(run, CHECK_ANY);
	result = find_domain(run, s, is_recipient, finding);
	if (result == ANY_UNLISTED && s->readings != NULL &&
		lookup_may_be_denied(run, LIST_DOMAINS, is_recipient, s->readings, finding))
		result = ANY_DENY;
	if (result == ANY_UNLISTED)
		return true;
	if (result == ANY_ALLOW) {
		finding->outcome = OUTCOME_PASS;
		return true;
	}
	return finding_fail(run, finding, 550, "5.7.1", "You are not welcome here.");
}

/* Return whether the lists of connect and helo apply to this session. */
static bool is_bound(const struct check_run *run)
{
	if (run->facts->login != NULL && !run->service->authenticated_apply)
		return false;
	return !service_exempts(run->service, &run->facts->client);
}

/*
 * Return the first of the checks that would refuse, else the first that would warn, else
 * CHECK_COUNT. of_users is CHECK_COUNT if there is no third check.
 */
static enum check strictest(const struct check_run *run, enum check own, enum check of_users)
{
	const enum check checks[] = { own, CHECK_ANY, of_users };
	bool is_user = run->facts->login != NULL && !run->parts->lists_only;
	size_t count = of_users != CHECK_COUNT && is_user ? 3 : 2, i;
	enum check found = CHECK_COUNT;

	for (i = 0; i < count; i++) {
		if (run->service->mode[checks[i]] == MODE_YES)
			return checks[i];
		if (found == CHECK_COUNT && check_run_wants(run, checks[i]))
			found = checks[i];
	}
	return found;
}

/* Return the check that counts a recipient or sender, or CHECK_COUNT. */
static enum check counting_check(const struct check_run *run, bool is_recipient)
{
	const struct rates *rates = run->settings->rates;

	return (rates_has(rates, is_recipient ? RATE_RCPT : RATE_RCPT_SENDER) ||
		       rates_has(rates, RATE_RCPT_NULL)) &&
			check_run_wants(run, CHECK_RATES) && !check_rates_exempt(run) ?
		CHECK_RATES :
		CHECK_COUNT;
}

/* Return the check that refuses an address which MTAs read differently: the strictest one or, if
 * that one only warns, the one that counts. Otherwise each form would have a separate count. */
static enum check reading_check(const struct check_run *run, enum check check, bool is_recipient)
{
	const enum check counting = counting_check(run, is_recipient);

	return check == CHECK_COUNT ||
			(run->service->mode[check] != MODE_YES && counting != CHECK_COUNT &&
				run->service->mode[counting] == MODE_YES) ?
		counting :
		check;
}

/* Refuse a name that is longer than any list entry can be. on_error does not apply, because the
 * client chooses the name. Returns whether the stage continues. */
static bool check_length(struct check_run *run, enum check own, const char *what)
{
	const enum check check = strictest(run, own, CHECK_COUNT);
	struct finding *finding;

	if (check == CHECK_COUNT)
		return true;
	finding = finding_new(run, check);
	finding_rule(finding, "name length");
	return finding_fail(run, finding, 550, "5.7.1", "%s is too long", what);
}

/* Check the lists of clients; host is the canonical name, or NULL. Returns whether the stage
 * continues. */
static bool check_client(struct check_run *run, const char *host)
{
	const struct facts *facts = run->facts;
	char ip[CIDR_TEXT_SIZE], text[DOMAIN_SIZE + CIDR_TEXT_SIZE + 4];
	const struct subject s = { .client = &facts->client, .ip = ip, .host = host, .text = text };

	if (check_run_wants(run, CHECK_CONN)) {
		cidr_format(&facts->client, ip);
		(void)text_format(text, sizeof(text), "%s [%s]",
			facts->rdns != NULL ? facts->rdns : "unknown", ip);
		if (!check_precise(run, CHECK_CONN, LIST_CONN_ALLOW, LIST_CONN_DENY, &s,
			    run->settings->deny_conn))
			return false;
	}
	return check_any(run, &s, false);
}

static void judge_connect(struct check_run *run)
{
	const struct facts *facts = run->facts;
	char name[DOMAIN_SIZE];
	const char *host = NULL;

	if (facts->rdns != NULL) {
		if (domain_canon(facts->rdns, strlen(facts->rdns), name) >= 0)
			host = name;
		else if (is_bound(run) && !check_length(run, CHECK_CONN, "Client name"))
			return;
	}
	if (!is_bound(run) || check_client(run, host))
		(void)check_connection(run, host);
}

void check_connect(const struct check_env *env, const struct facts *facts, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_connect(&run);
	check_run_end(&run);
}

static void judge_helo(struct check_run *run)
{
	const struct facts *facts = run->facts;
	struct subject s = { .text = facts->helo };
	struct finding *finding;
	enum list_result result;
	char name[DOMAIN_SIZE];
	uint32_t line;

	if (facts->helo == NULL || !is_bound(run))
		return;
	if (domain_canon(facts->helo, strlen(facts->helo), name) < 0) {
		(void)check_length(run, CHECK_HELO, "HELO name");
		return;
	}
	if (check_run_wants(run, CHECK_HELO)) {
		finding = finding_new(run, CHECK_HELO);
		result = list_match(run->parts->lists[LIST_HELO_DENY_RE], run->env->scratch, name,
			strlen(name), &line);
		if (result != LIST_NO)
			finding_listed(finding, LIST_HELO_DENY_RE, line);
		if (!refuse_listed(run, finding, result, &s, run->settings->deny_helo))
			return;
	}
	s.host = domain_is_literal(name, strlen(name)) ? NULL : name;
	(void)check_any(run, &s, false);
}

void check_helo(const struct check_env *env, const struct facts *facts, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_helo(&run);
	check_run_end(&run);
}

/*
 * Refuse an address that the MTA may read as another one, before any list is searched. Otherwise
 * "<a@listed.example(x)>" would evade a list, and "<boss@b.example(@own.example>" would evade
 * froms. on_error does not apply, because the client chooses the address. Returns whether the stage
 * continues.
 */
static bool check_clear(struct check_run *run, const struct mail_address *address, enum check check,
	const char *enhanced, const char *what)
{
	struct finding *finding;

	if (!address->is_odd || check == CHECK_COUNT)
		return true;
	finding = finding_new(run, check);
	finding_rule(finding, "address syntax");
	return finding_fail(run, finding, 553, enhanced, "Bad %s address syntax", what);
}

/* Refuse an address with too many readings or lookups, as check_clear() does. */
static bool refuse_unbounded(struct check_run *run, enum check check, const char *enhanced,
	const char *what, bool is_readings)
{
	struct finding *finding;

	if (check == CHECK_COUNT)
		return true;
	finding = finding_new(run, check);
	if (is_readings)
		finding_rule(finding, "more than %d readings of the address", ADDRESS_READINGS_MAX);
	else
		finding_rule(finding, "more than %d addresses to look up", LOOKUPS_MAX);
	return finding_fail(run, finding, 553, enhanced, "Bad %s address syntax", what);
}

/* Find the readings of an address, and refuse it if they are too many, or are looked up at too many
 * addresses. Returns whether the stage continues. */
static bool find_bounded(struct check_run *run, enum check check,
	const struct mail_address *address, bool is_recipient, struct address_readings *readings_r)
{
	const struct facts *facts = run->facts;
	const struct mail_address *to = is_recipient ? facts->resolved : facts->sender_resolved;
	const char *enhanced = is_recipient ? "5.1.3" : "5.1.7";
	const char *what = is_recipient ? "recipient" : "sender";

	if (!find_readings(run, address, to, readings_r))
		return refuse_unbounded(run, check, enhanced, what, true);
	return lookups_are_few(run, readings_r, is_recipient) ||
		refuse_unbounded(run, check, enhanced, what, false);
}

static void judge_mail_as(struct check_run *run, const struct subject *s)
{
	if (check_run_wants(run, CHECK_MAIL)) {
		if (s->address->is_null)
			(void)finding_new(run, CHECK_MAIL);
		else if (!check_precise(run, CHECK_MAIL, LIST_MAIL_ALLOW, LIST_MAIL_DENY, s,
				 run->settings->deny_mail))
			return;
	}
	if (check_any(run, s, false) && check_sender(run))
		(void)check_size(run);
}

/* Not inlined, so that only addresses with several readings need this much stack. */
__attribute__((noinline)) static void judge_mail_readings(struct check_run *run,
	const struct mail_address *sender, enum check check)
{
	struct address_readings readings;
	const struct subject s = { .address = sender, .readings = &readings, .text = sender->text };

	if (find_bounded(run, check, sender, false, &readings))
		judge_mail_as(run, &s);
}

static void judge_mail(struct check_run *run)
{
	const struct mail_address *sender = run->facts->sender;
	const enum check check =
		reading_check(run, strictest(run, CHECK_MAIL, CHECK_SENDER), false);
	const struct subject s = { .address = sender, .text = sender->text };

	if (!check_clear(run, sender, check, "5.1.7", "sender"))
		return;
	if (sender->is_simple && !is_at_mta_name(run, sender) &&
		!is_resolved_elsewhere(run, run->facts->sender_resolved, sender))
		judge_mail_as(run, &s);
	else
		judge_mail_readings(run, sender, check);
}

void check_mail(const struct check_env *env, const struct facts *facts, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_mail(&run);
	check_run_end(&run);
}

/*
 * With `accept = strict`, the allow lists are the list of all recipients. If one of them cannot be
 * searched to its end, the recipient is deferred, whatever on_error is set to, because the client
 * chooses the recipient. Returns whether the stage continues.
 */
static bool check_exists(struct check_run *run, const struct mail_address *rcpt)
{
	struct finding *finding = last_finding(run);

	if (run->settings->rcpt_accept != ACCEPT_STRICT || finding->outcome != OUTCOME_UNLISTED ||
		run->facts->login != NULL || address_is_postmaster(rcpt))
		return true;
	if (run->verdict->count > 1 && finding[-1].outcome == OUTCOME_GAVE_UP) {
		finding_rule(finding, "%s", finding[-1].rule);
		return finding_fail(run, finding, 451, "4.3.0", TRY_LATER_TEXT);
	}
	finding_rule(finding, "[rcpt] accept = strict: on no allow list");
	return finding_fail(run, finding, 550, "5.1.1", "%s No such recipient here", rcpt->text);
}

/* Refuse a recipient that routes around its domain, for every sender. */
static bool check_route(struct check_run *run, const struct mail_address *rcpt, enum check check)
{
	struct finding *finding;

	if (!rcpt->is_routed || run->settings->routed_recipients != ROUTED_REFUSE_ALL ||
		rcpt->is_odd || check == CHECK_COUNT)
		return true;
	finding = finding_new(run, check);
	finding_rule(finding, "[profile] routed_recipients = refuse_all");
	return finding_fail(run, finding, 550, "5.7.1", "%s %s", rcpt->text,
		run->settings->deny_rcpt);
}

static void judge_rcpt_as(struct check_run *run, const struct subject *s)
{
	bool accepted = false;

	if (check_run_wants(run, CHECK_RCPT)) {
		if (!check_precise(run, CHECK_RCPT, LIST_RCPT_ALLOW, LIST_RCPT_DENY, s,
			    run->settings->deny_rcpt) ||
			!check_exists(run, s->address))
			return;
		accepted = last_finding(run)->outcome == OUTCOME_PASS &&
			run->settings->rcpt_accept != ACCEPT_NO;
	}
	if ((accepted || check_any(run, s, true)) && check_recipient(run, s->address))
		(void)check_charges(run, s->address);
}

/* As judge_mail_readings(). */
__attribute__((noinline)) static void judge_rcpt_readings(struct check_run *run,
	const struct mail_address *rcpt, enum check check)
{
	struct address_readings readings;
	const struct subject s = { .address = rcpt, .readings = &readings, .text = rcpt->text };

	if (find_bounded(run, check, rcpt, true, &readings))
		judge_rcpt_as(run, &s);
}

static void judge_rcpt(struct check_run *run, const struct mail_address *rcpt)
{
	const enum check check = strictest(run, CHECK_RCPT, CHECK_RECIPIENT);
	const enum check reader = reading_check(run, check, true);
	const struct subject s = { .address = rcpt, .text = rcpt->text };

	if (!check_clear(run, rcpt, reader, "5.1.3", "recipient") || !check_route(run, rcpt, check))
		return;
	if (rcpt->is_simple && !is_at_mta_name(run, rcpt) &&
		*find_folded_domain(run->settings->local_domains, address_domain(rcpt)) == '\0' &&
		!is_resolved_elsewhere(run, run->facts->resolved, rcpt))
		judge_rcpt_as(run, &s);
	else
		judge_rcpt_readings(run, rcpt, reader);
}

void check_rcpt(const struct check_env *env, const struct facts *facts,
	const struct mail_address *rcpt, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_rcpt(&run, rcpt);
	check_run_end(&run);
}
