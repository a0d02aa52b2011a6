/*
 * Explains a session that is described in JSON: plays its stages against a policy and reports their
 * findings. Owns nothing beyond a call; any thread may call it, with a scratch per call.
 */
#include "lib/decide/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/base/visible.h"
#include "lib/rules/check.h"

#define RCPTS_MAX 10000
#define FIELDS_MAX 100

/* A session that is being played. Its strings are borrowed from the JSON object. */
struct play {
	struct check_env env;
	const struct login_rules *rules;
	const struct login_answer *checked; /* NULL: the login has to be checked */
	struct login_answer answer;
	json_t *session, *steps;
	struct facts facts;
	const char *login; /* known from MAIL on */
	char name[LOGIN_SIZE];
	char mta_name[DOMAIN_SIZE];
	struct mail_address sender, resolved, sender_resolved;
	struct field from[FIELDS_MAX], fields_sender[FIELDS_MAX];
	struct header_facts header;
	struct verdict verdict;
	bool failed; /* a part of the answer is missing, for lack of memory */
};

/* Get a string of the session, NULL when it is missing or null. -1 with err set when it is not a
 * string or contains a NUL. */
static int get_string(json_t *object, const char *key, const char **value_r, struct errmsg *err)
{
	json_t *value = json_object_get(object, key);

	*value_r = NULL;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return errmsg_set(err, "\"%s\" must be a string or null", key);
	*value_r = json_string_value(value);
	if (strlen(*value_r) != json_string_length(value))
		return errmsg_set(err, "\"%s\" contains a NUL byte", key);
	return 0;
}

/* A misspelt key would leave a fact out, and the answer would be about another session. */
static int check_keys(json_t *session, struct errmsg *err)
{
	static const char *const keys[] = { "id", "ip", "rdns", "helo", "service", "mta", "login",
		"auth", "mail", "mail_resolved", "size", "rcpts", "resolved", "from", "headers" };
	const char *key;
	json_t *value;

	json_object_foreach (session, key, value) {
		size_t i = 0;

		while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i], key) != 0)
			i++;
		if (i == sizeof(keys) / sizeof(keys[0]))
			return errmsg_set(err, "\"%.*s\" is not a key of a session",
				TEXT_CUT(key, 60));
	}
	return 0;
}

/* Return text as JSON. A rule may contain bytes that are not UTF-8, which are escaped. NULL: out of
 * memory. */
static json_t *text_json(const char *text)
{
	struct strbuf shown = STRBUF_INIT;
	json_t *json = json_string(text);

	if (json != NULL)
		return json;
	visible_add(&shown, text, strlen(text));
	if (!shown.failed)
		json = json_stringn(shown.text, shown.len);
	strbuf_free(&shown);
	return json;
}

/* Returns 0, or -1 when out of memory. */
static int add_reply(json_t *json, const struct reply *reply)
{
	return json_object_set_new(json, "code", json_integer(reply->code)) |
		json_object_set_new(json, "enhanced", json_string(reply->enhanced)) |
		json_object_set_new(json, "text", text_json(reply->text));
}

/* Add the usage of a limit in the form of the log. Returns 0, or -1 when out of memory. */
static int add_usage(json_t *json, const struct usage *usage)
{
	char used[48], window[16], next[32];

	(void)snprintf(used, sizeof(used), "%" PRIu64 "/%" PRIu32, usage->used, usage->limit);
	window_format(usage->window, window);
	wait_format(usage->wait, next);
	return json_object_set_new(json, "used", json_string(used)) |
		json_object_set_new(json, "window", json_string(window)) |
		json_object_set_new(json, "next", json_string(next));
}

/* Return NULL when out of memory. */
static json_t *finding_json(const struct finding *f)
{
	json_t *json = json_pack("{s:s, s:s, s:o}", "check", check_name(f->check), "outcome",
		outcome_name(f->outcome), "rule", text_json(f->rule));
	int failed = 0;

	if (f->usage.window > 0)
		failed |= add_usage(json, &f->usage);
	if (f->reply.code != 0)
		failed |= add_reply(json, &f->reply);
	if (failed != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* Return the rule to report for a step: the last rule among its findings, except those of rate
 * limits with room. */
static const char *step_rule(const struct verdict *v)
{
	const char *rule = "";
	size_t i;

	for (i = 0; i < v->count; i++) {
		const struct finding *f = &v->findings[i];

		if (f->rule[0] != '\0' && (f->usage.window == 0 || f->outcome != OUTCOME_PASS))
			rule = f->rule;
	}
	return rule;
}

/* Add a step for the stage. Returns whether the session continues. */
static bool add_step(struct play *p, enum stage stage)
{
	const struct verdict *v = &p->verdict;
	const struct finding *deciding = verdict_deciding_finding(v);
	json_t *step = json_pack("{s:s, s:s, s:o}", "step", stage_name(stage), "verdict",
		verdict_name(v->kind), "rule", text_json(step_rule(v)));
	json_t *checks = json_array();
	int failed = 0;

	for (size_t i = 0; i < v->count; i++)
		failed |= json_array_append_new(checks, finding_json(&v->findings[i]));
	if (deciding != NULL)
		failed |= add_reply(step, &deciding->reply);
	failed |= json_object_set_new(step, "checks", checks);
	failed |= json_array_append_new(p->steps, step);
	p->failed |= failed != 0;
	return v->kind == VERDICT_CONTINUE;
}

static bool add_auth_step(struct play *p, enum login_result result, const char *rule)
{
	static const struct reply later = { 454, "4.7.0", "Temporary authentication failure" };
	static const struct reply refused = { 535, "5.7.8", "Authentication failed" };
	const bool ok = result == LOGIN_ACCEPTED, is_later = result == LOGIN_UNDECIDED;
	json_t *step = json_pack("{s:s, s:s, s:o}", "step", "auth", "verdict",
		ok		 ? "accept" :
			is_later ? "tempfail" :
				   "reject",
		"rule", text_json(rule));
	int failed = 0;

	if (!ok)
		failed = add_reply(step, is_later ? &later : &refused);
	failed |= json_array_append_new(p->steps, step);
	p->failed |= failed != 0;
	return ok;
}

/* The result of the login in the session. */
struct login {
	bool asked;
	enum login_result result;
	const char *rule;
};

static int play_login(struct play *p, struct login *login_r, struct errmsg *err)
{
	json_t *auth = json_object_get(p->session, "auth");
	struct login_rules rules = *p->rules;
	struct login_request request = { .is_bearer = false };
	const char *user, *password;

	rules.may_work = true;
	rules.auth_cache = NULL;
	*login_r = (struct login){ .rule = "" };
	if (get_string(p->session, "login", &p->login, err) < 0)
		return -1;
	if (p->login != NULL && login_name(p->env.policy, p->login, p->name) == 0)
		p->login = p->name;
	if (auth == NULL || json_is_null(auth))
		return 0;
	if (get_string(auth, "user", &user, err) < 0 ||
		get_string(auth, "password", &password, err) < 0)
		return -1;
	if (user == NULL || password == NULL)
		return errmsg_set(err, "\"auth\" needs \"user\" and \"password\"");
	login_r->asked = true;
	request.login = user;
	request.secret = password;
	if (p->checked != NULL)
		p->answer = *p->checked;
	else
		login_check(&rules, &request, &p->answer);
	login_r->result = p->answer.result;
	login_r->rule = p->answer.reason;
	if (login_r->result == LOGIN_ACCEPTED)
		p->login = p->answer.login;
	return 0;
}

/* Play connect, helo and auth. Returns 1 when the session continues, 0 when it has ended, -1 with
 * err set. */
static int play_opening(struct play *p, struct errmsg *err)
{
	struct login login;

	if (play_login(p, &login, err) < 0)
		return -1;
	if (policy_parts(p->env.policy)->settings->delay_reject)
		p->facts.login = p->login;
	check_connect(&p->env, &p->facts, &p->verdict);
	if (!add_step(p, STAGE_CONNECT))
		return 0;
	check_helo(&p->env, &p->facts, &p->verdict);
	if (!add_step(p, STAGE_HELO))
		return 0;
	if (login.asked && !add_auth_step(p, login.result, login.rule))
		return 0;
	p->facts.login = p->login;
	return 1;
}

static int play_mail(struct play *p, const char *mail)
{
	address_read(mail, strlen(mail), &p->sender);
	p->facts.sender = &p->sender;
	check_mail(&p->env, &p->facts, &p->verdict);
	return add_step(p, STAGE_MAIL);
}

/* Play the recipients. Returns how many were accepted, or -1 with err set. */
static int play_rcpts(struct play *p, struct errmsg *err)
{
	json_t *rcpts = json_object_get(p->session, "rcpts"), *value;
	struct mail_address rcpt;
	const char *text;
	int left = 0;
	size_t i;

	if (rcpts == NULL || json_is_null(rcpts))
		return 0;
	if (!json_is_array(rcpts) || json_array_size(rcpts) > RCPTS_MAX)
		return errmsg_set(err, "\"rcpts\" must be an array of at most %d addresses",
			RCPTS_MAX);
	json_array_foreach (rcpts, i, value) {
		if ((text = json_string_value(value)) == NULL)
			return errmsg_set(err, "\"rcpts\" must contain only strings");
		address_read(text, json_string_length(value), &rcpt);
		check_rcpt(&p->env, &p->facts, &rcpt, &p->verdict);
		p->facts.named++;
		left += add_step(p, STAGE_RCPT);
		p->facts.recipients = (uint32_t)left;
	}
	return left;
}

static int add_field(struct play *p, const char *name, json_t *value, struct errmsg *err)
{
	struct field field = { json_string_value(value), json_string_length(value) };
	const size_t len = strcspn(name, " \t"); /* white space may precede the colon */

	if (p->header.from_count == FIELDS_MAX || p->header.sender_count == FIELDS_MAX)
		return errmsg_set(err, "more than %d From or Sender fields", FIELDS_MAX);
	if (len == strlen("From") && strncasecmp(name, "From", len) == 0)
		p->from[p->header.from_count++] = field;
	else if (len == strlen("Sender") && strncasecmp(name, "Sender", len) == 0)
		p->fields_sender[p->header.sender_count++] = field;
	return 0;
}

static int gather_header(struct play *p, struct errmsg *err)
{
	json_t *headers = json_object_get(p->session, "headers"), *pair,
	       *from = json_object_get(p->session, "from");
	const char *name;
	size_t i;

	p->header.from = p->from;
	p->header.sender = p->fields_sender;
	if (json_is_string(from) && add_field(p, "From", from, err) < 0)
		return -1;
	if (from != NULL && !json_is_null(from) && !json_is_string(from))
		return errmsg_set(err, "\"from\" must be a string or null");
	json_array_foreach (headers, i, pair) {
		name = json_string_value(json_array_get(pair, 0));
		if (name == NULL || !json_is_string(json_array_get(pair, 1)))
			return errmsg_set(err,
				"\"headers\" must contain only [\"Name\", \"value\"] pairs");
		if (add_field(p, name, json_array_get(pair, 1), err) < 0)
			return -1;
	}
	return 0;
}

/* Get an address to which the MTA resolves another one; *address_r is NULL when it is missing. */
static int get_resolved(json_t *session, const char *key, struct mail_address *resolved,
	const struct mail_address **address_r, struct errmsg *err)
{
	const char *text;

	*address_r = NULL;
	if (get_string(session, key, &text, err) < 0)
		return -1;
	if (text == NULL)
		return 0;
	/* The text of an MTA may be odd: Sendmail removes the quotes. */
	if (*text == '\0' || !address_parse_internal(text, resolved) || resolved->is_null ||
		(resolved->is_odd && (resolved->has_domain || !resolved->is_routed)))
		return errmsg_set(err, "\"%s\": \"%.*s\" is not an address", key,
			TEXT_CUT(text, 60));
	*address_r = resolved;
	return 0;
}

static int gather_facts(struct play *p, struct errmsg *err)
{
	json_t *size = json_object_get(p->session, "size");
	const char *ip, *mta;

	if (get_string(p->session, "ip", &ip, err) < 0 ||
		get_string(p->session, "rdns", &p->facts.rdns, err) < 0 ||
		get_string(p->session, "helo", &p->facts.helo, err) < 0 ||
		get_string(p->session, "service", &p->facts.service, err) < 0 ||
		get_string(p->session, "mta", &mta, err) < 0 ||
		get_resolved(p->session, "resolved", &p->resolved, &p->facts.resolved, err) < 0 ||
		get_resolved(p->session, "mail_resolved", &p->sender_resolved,
			&p->facts.sender_resolved, err) < 0)
		return -1;
	if (mta != NULL && domain_canon(mta, strlen(mta), p->mta_name) <= 0)
		return errmsg_set(err, "\"mta\": \"%.*s\" is not a host name", TEXT_CUT(mta, 60));
	p->facts.mta_name = mta == NULL ? NULL : p->mta_name;
	if (ip != NULL && (cidr_parse(ip, &p->facts.client, err) < 0 || strchr(ip, '/') != NULL))
		return errmsg_set(err, "\"ip\": \"%.*s\" is not an IP address", TEXT_CUT(ip, 60));
	if (size != NULL && !json_is_null(size) &&
		(!json_is_integer(size) || json_integer_value(size) < 0))
		return errmsg_set(err, "\"size\" must be a number of octets");
	p->facts.size = (uint64_t)json_integer_value(size);
	return gather_header(p, err);
}

static int play_session(struct play *p, struct errmsg *err)
{
	const char *mail;
	int left;

	if (gather_facts(p, err) < 0 || get_string(p->session, "mail", &mail, err) < 0)
		return -1;
	if ((left = play_opening(p, err)) <= 0)
		return left;
	if (mail == NULL || !play_mail(p, mail))
		return 0;
	if ((left = play_rcpts(p, err)) <= 0 ||
		json_is_false(json_object_get(p->session, "headers")))
		return left < 0 ? -1 : 0;
	check_header(&p->env, &p->facts, &p->header, &p->verdict);
	(void)add_step(p, STAGE_HEADER);
	return 0;
}

int explain_session(const struct login_rules *rules, const struct explain_ledger *ledger,
	const struct login_answer *checked, struct regex_scratch *scratch, json_t *session,
	json_t **answer_r, struct errmsg *err)
{
	json_t *id, *answer = NULL;
	struct play *p;
	int ret;

	if (!json_is_object(session))
		return errmsg_set(err, "a session is a JSON object");
	if (check_keys(session, err) != 0)
		return -1;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return errmsg_set(err, "out of memory");
	p->rules = rules;
	p->checked = checked;
	p->env = (struct check_env){
		.policy = rules->policy,
		.scratch = scratch,
		.suspensions = rules->suspensions,
		.ledger = ledger->ledger,
		.now = ledger->now,
	};
	p->session = session;
	p->steps = json_array();
	ret = play_session(p, err);
	if (ret < 0 || p->failed) {
		json_decref(p->steps);
	} else {
		id = json_object_get(session, "id");
		answer = json_pack("{s:O, s:o}", "id", id != NULL ? id : json_null(), "steps",
			p->steps);
	}
	free(p);
	if (ret < 0)
		return -1;
	if (answer == NULL)
		return errmsg_set(err, "out of memory for the explanation");
	*answer_r = answer;
	return 0;
}

void explain_prepare(const struct policy *policy)
{
	size_t count = 0;
	struct regexlist **lists = policy_unprepared(policy, &count);

	for (size_t i = 0; lists != NULL && i < count; i++) {
		while (regexlist_prepare(lists[i]))
			;
	}
	free(lists);
}
