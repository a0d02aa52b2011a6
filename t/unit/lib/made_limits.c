/*
 * Makes policies with rate limits and a ledger for the tests of the checks that charge, and puts
 * their verdicts into words. Owns both; one thread.
 */
#include "t/unit/lib/made_limits.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void made_limits_sender(struct made_limits *t, const char *address)
{
	ck_assert_int_eq(address_parse(address, strlen(address), &t->sender), 0);
	t->facts.sender = &t->sender;
}

void made_limits_begin(struct made_limits *t)
{
	*t = (struct made_limits){ .ledger = ledger_new(), .now = 1000000000 };
	made_begin(&t->made);
	t->ops = ledger_ops(t->ledger);
	t->made.settings->rates = rates_new();
	t->made.settings->limit_attempts = 10;
	t->facts.login = "bob";
	made_limits_sender(t, "<bob@example.com>");
}

void made_limits_end(struct made_limits *t)
{
	made_limits_give_back(t);
	ledger_free(&t->ledger);
	made_end(&t->made);
}

void made_limits_rate(struct made_limits *t, enum rate rate, const char *key, const char *value)
{
	struct errmsg err = { "" };

	ck_assert_msg(rates_add(t->made.settings->rates, rate, key, value, &err) == 0, "%s",
		err.text);
}

void made_limits_have(struct made_limits *t, const char *limits)
{
	const struct made_profile profile = { .id = "1",
		.name = "sales",
		.open = "true",
		.limits = limits };
	const struct made_user user = { .id = "7", .name = "bob", .froms = "*", .profile_id = "1" };

	ck_assert_int_eq(made_profile(&t->made, &profile), 1);
	ck_assert_int_eq(made_user(&t->made, &user), 1);
	made_build(&t->made);
}

static struct check_env env_at_now(struct made_limits *t)
{
	return (struct check_env){
		.policy = t->made.policy,
		.scratch = t->made.scratch,
		.ledger = &t->ops,
		.now = t->now,
		.charge = !t->looks,
		.hold = &t->hold,
	};
}

/* Append a finding as "; CHECK=OUTCOME(RULE) USAGE". */
static size_t describe_finding(const struct finding *f, char *text, size_t size)
{
	char usage[USAGE_TEXT_SIZE] = "";

	if (f->check != CHECK_LIMITS && f->check != CHECK_RATES)
		return 0;
	if (f->usage.window > 0)
		usage_format(&f->usage, usage);
	return (size_t)snprintf(text, size, "; %s=%s(%s)%s%s", check_name(f->check),
		outcome_name(f->outcome), f->rule, usage[0] != '\0' ? " " : "", usage);
}

static const char *describe_verdict(struct made_limits *t)
{
	const struct finding *deciding = verdict_deciding_finding(&t->verdict);
	size_t at = (size_t)snprintf(t->text, sizeof(t->text), "%s", verdict_name(t->verdict.kind));

	if (deciding != NULL)
		at += (size_t)snprintf(t->text + at, sizeof(t->text) - at, " %d %s %s",
			deciding->reply.code, deciding->reply.enhanced, deciding->reply.text);
	for (size_t i = 0; i < t->verdict.count; i++)
		at += describe_finding(&t->verdict.findings[i], t->text + at, sizeof(t->text) - at);
	return t->text;
}

const char *made_limits_rcpt(struct made_limits *t, const char *address)
{
	const struct check_env env = env_at_now(t);
	struct mail_address parsed;

	ck_assert_int_eq(address_parse(address, strlen(address), &parsed), 0);
	check_rcpt(&env, &t->facts, &parsed, &t->verdict);
	if (t->verdict.kind == VERDICT_CONTINUE && !t->looks)
		t->facts.recipients++;
	return describe_verdict(t);
}

void made_limits_commit(struct made_limits *t)
{
	ledger_commit(t->ledger, t->now, &t->hold);
	t->facts.recipients = 0;
}

void made_limits_give_back(struct made_limits *t)
{
	ledger_give_back(t->ledger, t->now, &t->hold);
	t->facts.recipients = 0;
}

const char *made_limits_connect(struct made_limits *t, const char *ip)
{
	const struct check_env env = env_at_now(t);
	struct errmsg err = { "" };

	if (ip != NULL)
		ck_assert_msg(cidr_parse(ip, &t->facts.client, &err) == 0, "%s", err.text);
	t->facts.login = NULL;
	t->facts.connection = NULL;
	if (!t->looks) {
		check_charge_connection(&env, &t->facts, &t->connection);
		t->facts.connection = &t->connection;
	}
	check_connect(&env, &t->facts, &t->verdict);
	return describe_verdict(t);
}
