/*
 * Runs the checks of a stage for a session, logs their findings, and stores the facts for the
 * results field and for the log line of an accepted message. Owns nothing. Runs on whichever of
 * libmilter's threads runs the session's callback.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "milter/loop/clock.h"
#include "milter/smtp/session_private.h"

/* The value of verdict= in a finding's log line; NULL: the finding is not logged. */
static const char *verdict_word(const struct finding *finding, const struct verdict *verdict)
{
	switch (finding->outcome) {
	case OUTCOME_FAIL:
		return verdict_name(verdict->kind);
	case OUTCOME_ERROR:
		return verdict->kind == VERDICT_CONTINUE ? "accept-on-error" :
							   verdict_name(verdict->kind);
	case OUTCOME_WARN:
		return "would-reject";
	case OUTCOME_GAVE_UP:
		return outcome_name(OUTCOME_GAVE_UP);
	case OUTCOME_UNLISTED:
	case OUTCOME_PASS:
		break;
	}
	return NULL;
}

static void log_findings(const struct session *session, const struct message *message,
	const struct stage_facts *about, const struct verdict *verdict)
{
	struct decision_record record = session_decision_record(session, message);

	record.stage = stage_name(about->stage);
	record.recipient = about->recipient_text;
	if (about->header != NULL && about->header->from_count > 0)
		record.from = about->header->from[0].value;
	for (size_t i = 0; i < verdict->count; i++) {
		const struct finding *finding = &verdict->findings[i];

		if ((record.verdict = verdict_word(finding, verdict)) == NULL)
			continue;
		if (finding->ran_out)
			regex_failures_add(shared_regex_failures(session->shared), finding,
				clock_ms());
		record.check = check_name(finding->check);
		record.rule = finding->rule;
		record.usage = &finding->usage;
		record.reply = &finding->reply;
		decision_record_log(&record);
	}
}

static void add_results(struct session *session, struct message *message,
	const struct stage_facts *about, const struct verdict *verdict)
{
	if (!session->needs.results)
		return;
	/* The message does not go to a refused recipient. */
	if (about->stage == STAGE_RCPT && verdict->kind != VERDICT_CONTINUE)
		return;
	results_add(message == NULL ? &session->results : &message->results, about->stage, verdict);
}

/* Keep the rule and the limit that allowed, for the log line of an accepted message. */
static void remember_allowing_rule(struct message *message, const struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->count; i++) {
		const struct finding *finding = &verdict->findings[i];

		if (finding->usage.window > 0)
			message->usage = finding->usage;
		else if (finding->outcome == OUTCOME_PASS && finding->rule[0] != '\0')
			memcpy(message->rule, finding->rule, sizeof(message->rule));
	}
}

static void record_findings(struct session *session, struct message *message,
	const struct stage_facts *about, const struct verdict *verdict)
{
	verdict_counts_add(shared_verdict_counts(session->shared), about->stage, verdict);
	log_findings(session, message, about, verdict);
	add_results(session, message, about, verdict);
	if (message != NULL && verdict->kind == VERDICT_CONTINUE)
		remember_allowing_rule(message, verdict);
}

void session_fail(struct session *session, struct message *message, const struct stage_facts *about,
	const char *why, struct verdict *verdict)
{
	struct settings *fallback = NULL;
	const struct settings *settings;

	if (message != NULL)
		settings = message->settings;
	else
		settings = fallback = shared_settings(session->shared);
	verdict_init(verdict);
	check_failed(settings, stage_check(about->stage), why, verdict);
	record_findings(session, message, about, verdict);
	settings_unref(&fallback);
}

void session_put_off(struct session *session, struct message *message,
	const struct stage_facts *about, const char *why, struct verdict *verdict)
{
	verdict_init(verdict);
	check_failed(NULL, stage_check(about->stage), why, verdict);
	record_findings(session, message, about, verdict);
}

void session_refuse(struct session *session, struct message *message,
	const struct stage_facts *about, const struct refusal *refusal, struct verdict *verdict)
{
	struct finding *finding = &verdict->findings[0];

	verdict_init(verdict);
	verdict->kind = VERDICT_REJECT;
	verdict->count = 1;
	finding->check = stage_check(about->stage);
	finding->outcome = OUTCOME_FAIL;
	(void)text_copy(finding->rule, sizeof(finding->rule), refusal->rule);
	reply_set(&finding->reply, 550, refusal->enhanced, "%s", refusal->text);
	record_findings(session, message, about, verdict);
}

static void run_stage_checks(const struct check_env *env, const struct facts *facts,
	const struct stage_facts *about, struct verdict *verdict)
{
	verdict_init(verdict);
	switch (about->stage) {
	case STAGE_CONNECT:
		check_connect(env, facts, verdict);
		break;
	case STAGE_HELO:
		check_helo(env, facts, verdict);
		break;
	case STAGE_MAIL:
		check_mail(env, facts, verdict);
		break;
	case STAGE_RCPT:
		check_rcpt(env, facts, about->recipient, verdict);
		break;
	case STAGE_HEADER:
		check_header(env, facts, about->header, verdict);
		break;
	case STAGE_BODY:
		check_body(env, facts, about->octets, verdict);
		break;
	}
}

void session_decide(struct session *session, struct message *message,
	const struct stage_facts *about, struct verdict *verdict)
{
	struct scratch_pool *scratches = shared_scratches(session->shared);
	struct facts facts = session_facts(session, message);
	struct policy *policy = message == NULL ? snapshot_get(shared_snapshot(session->shared)) :
						  policy_pin_get(&message->pin);
	struct check_env env = {
		.policy = policy,
		.suspensions = shared_suspensions(session->shared),
		.ledger = shared_ledger(session->shared),
		.now = shared_now(session->shared),
		.charge = true,
		.hold = message == NULL ? NULL : &message->hold,
	};

	facts.resolved = about->resolved;
	if (message != NULL && policy != NULL)
		message->policy_serial = policy_serial(policy);
	if (env.policy == NULL || (message != NULL && message->unjudged != NULL)) {
		session_fail(session, message, about,
			env.policy == NULL ? "no policy yet" : message->unjudged, verdict);
		policy_unref(&policy);
		return;
	}
	if (session->facts_lost || (env.scratch = scratch_pool_get(scratches)) == NULL) {
		session_fail(session, message, about, "out of memory", verdict);
	} else {
		run_stage_checks(&env, &facts, about, verdict);
		record_findings(session, message, about, verdict);
		if (verdict->suspend && message != NULL)
			session_suspend(session, message, policy, verdict);
	}
	scratch_pool_put(scratches, env.scratch);
	policy_unref(&policy);
}

void session_decide_end(struct session *session, struct message *message, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_HEADER };
	const struct facts facts = session_facts(session, message);
	struct check_env env = { .suspensions = shared_suspensions(session->shared) };
	struct policy *policy =
		message->login == NULL ? NULL : snapshot_get(shared_snapshot(session->shared));

	verdict_init(verdict);
	if ((env.policy = policy) != NULL)
		check_end(&env, &facts, verdict);
	if (verdict->kind != VERDICT_CONTINUE) {
		message->policy_serial = policy_serial(policy);
		record_findings(session, message, &about, verdict);
	}
	policy_unref(&policy);
}
