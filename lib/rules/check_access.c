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
	const struct cidr *client;	    /* connect: the address */
	const char *host;		    /* connect, helo: the canonical name; NULL for none */
	const struct mail_address *address; /* mail, rcpt */
	const char *text;		    /* its form in replies */
};

/* Look in an exact list and its regexes: first for the address, then for the name. */
static enum list_result find_in_lists(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct subject *s, struct finding *finding)
{
	const struct list *exact = run->parts->lists[exact_id],
			  *regex = run->parts->lists[regex_id];
	enum list_id id = exact_id;
	char ip[CIDR_TEXT_SIZE];
	enum list_result r = LIST_NO;
	uint32_t line = 0;

	if (s->address != NULL) {
		r = list_find_address(exact, s->address, &line);
		if (r == LIST_NO) {
			id = regex_id;
			r = list_match(regex, run->env->scratch, s->address->canon,
				s->address->canon_len, &line);
		}
	} else if (s->client != NULL && s->client->family != AF_UNSPEC) {
		r = list_find_client(exact, s->client, &line);
		if (r == LIST_NO) {
			cidr_format(s->client, ip);
			id = regex_id;
			r = list_match(regex, run->env->scratch, ip, strlen(ip), &line);
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

/* Refuse the subject if a deny list contains it. Returns whether the stage continues. */
static bool refuse_listed(struct check_run *run, struct finding *finding, enum list_result result,
	const struct subject *s, const char *deny_text)
{
	if (result == LIST_NO)
		return true;
	if (result == LIST_FAILED)
		return finding_error(run, finding, "a regex ran past its limits");
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

	switch (find_in_lists(run, allow, allow + 1, s, finding)) {
	case LIST_YES:
		finding->outcome = OUTCOME_PASS;
		return true;
	case LIST_FAILED:
		finding->outcome = OUTCOME_GAVE_UP;
		finding = finding_new(run, check);
		break;
	case LIST_NO:
		break;
	}
	return refuse_listed(run, finding, find_in_lists(run, deny, deny + 1, s, finding), s,
		deny_text);
}

/* Return the last finding of the stage so far. */
static struct finding *last_finding(const struct check_run *run)
{
	return &run->verdict->findings[run->verdict->count - 1];
}

/* Check an address or, with address NULL, a host name against access.domains. Returns whether the
 * stage continues. */
static bool check_any(struct check_run *run, const char *host, const struct mail_address *address)
{
	const struct list *domains = run->parts->lists[LIST_DOMAINS];
	struct finding *finding;
	enum any_result result = ANY_UNLISTED;
	uint32_t line;

	if (!check_run_wants(run, CHECK_ANY))
		return true;
	finding = finding_new(run, CHECK_ANY);
	if (address != NULL)
		result = list_any_address(domains, address, &line);
	else if (host != NULL)
		result = list_any_host(domains, host, &line);
	if (result == ANY_UNLISTED)
		return true;
	finding_listed(finding, LIST_DOMAINS, line);
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
	const struct subject s = { .client = &facts->client, .host = host, .text = text };

	if (check_run_wants(run, CHECK_CONN)) {
		cidr_format(&facts->client, ip);
		(void)text_format(text, sizeof(text), "%s [%s]",
			facts->rdns != NULL ? facts->rdns : "unknown", ip);
		if (!check_precise(run, CHECK_CONN, LIST_CONN_ALLOW, LIST_CONN_DENY, &s,
			    run->settings->deny_conn))
			return false;
	}
	return check_any(run, host, NULL);
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
	(void)check_any(run, domain_is_literal(name, strlen(name)) ? NULL : name, NULL);
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

static void judge_mail(struct check_run *run)
{
	const struct facts *facts = run->facts;
	struct subject s = { .address = facts->sender, .text = facts->sender->text };

	if (!check_clear(run, facts->sender, strictest(run, CHECK_MAIL, CHECK_SENDER), "5.1.7",
		    "sender"))
		return;
	if (check_run_wants(run, CHECK_MAIL)) {
		if (facts->sender->is_null)
			(void)finding_new(run, CHECK_MAIL);
		else if (!check_precise(run, CHECK_MAIL, LIST_MAIL_ALLOW, LIST_MAIL_DENY, &s,
				 run->settings->deny_mail))
			return;
	}
	if (check_any(run, NULL, facts->sender) && check_sender(run))
		(void)check_size(run);
}

void check_mail(const struct check_env *env, const struct facts *facts, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_mail(&run);
	check_run_end(&run);
}

static bool is_postmaster(const struct mail_address *rcpt)
{
	return rcpt->local_len == 10 && memcmp(rcpt->canon, "postmaster", 10) == 0;
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
		run->facts->login != NULL || is_postmaster(rcpt))
		return true;
	if (run->verdict->count > 1 && finding[-1].outcome == OUTCOME_GAVE_UP) {
		finding_rule(finding, "%s", finding[-1].rule);
		return finding_fail(run, finding, 451, "4.3.0", TRY_LATER_TEXT);
	}
	finding_rule(finding, "[rcpt] accept = strict: on no allow list");
	return finding_fail(run, finding, 550, "5.1.1", "%s No such recipient here", rcpt->text);
}

static void judge_rcpt(struct check_run *run, const struct mail_address *rcpt)
{
	struct subject s = { .address = rcpt, .text = rcpt->text };
	bool accepted = false;

	if (!check_clear(run, rcpt, strictest(run, CHECK_RCPT, CHECK_RECIPIENT), "5.1.3",
		    "recipient"))
		return;
	if (check_run_wants(run, CHECK_RCPT)) {
		if (!check_precise(run, CHECK_RCPT, LIST_RCPT_ALLOW, LIST_RCPT_DENY, &s,
			    run->settings->deny_rcpt) ||
			!check_exists(run, rcpt))
			return;
		accepted = last_finding(run)->outcome == OUTCOME_PASS &&
			run->settings->rcpt_accept != ACCEPT_NO;
	}
	if ((accepted || check_any(run, NULL, rcpt)) && check_recipient(run, rcpt))
		(void)check_charges(run, rcpt);
}

void check_rcpt(const struct check_env *env, const struct facts *facts,
	const struct mail_address *rcpt, struct verdict *verdict)
{
	struct check_run run = check_run_begin(env, facts, verdict);

	judge_rcpt(&run, rcpt);
	check_run_end(&run);
}
