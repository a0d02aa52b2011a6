/*
 * Code that all checks share: it begins and ends a stage and records its findings. Owns nothing;
 * any thread may call it, with a scratch and a verdict per call.
 */
#include "lib/rules/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check_private.h"

struct check_run check_run_without_regexes(const struct check_env *env, const struct facts *facts)
{
	const struct policy_parts *parts = policy_parts(env->policy);

	return (struct check_run){
		.env = env,
		.parts = parts,
		.settings = parts->settings,
		.service = settings_service(parts->settings, facts->service),
		.facts = facts,
	};
}

struct check_run check_run_begin(const struct check_env *env, const struct facts *facts,
	struct verdict *verdict)
{
	struct check_run run = check_run_without_regexes(env, facts);

	verdict_init(verdict);
	regex_scratch_begin(env->scratch);
	run.verdict = verdict;
	return run;
}

bool check_run_wants(const struct check_run *run, enum check check)
{
	return run->service->mode[check] != MODE_NO;
}

/* If there is no room left, the new finding replaces the last one; check_run_end() detects that. */
static struct finding *add_finding(struct verdict *verdict, enum check check)
{
	struct finding *finding;

	if (verdict->count < VERDICT_FINDINGS)
		verdict->count++;
	finding = &verdict->findings[verdict->count - 1];
	finding->check = check;
	finding->outcome = OUTCOME_UNLISTED;
	finding->rule[0] = '\0';
	finding->ran_out = false;
	finding->reply.code = 0;
	finding->usage.window = 0;
	return finding;
}

struct finding *finding_new(struct check_run *run, enum check check)
{
	return add_finding(run->verdict, check);
}

void finding_rule(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)text_vformat(finding->rule, sizeof(finding->rule), format, args);
	va_end(args);
}

void finding_listed(struct finding *finding, enum list_id id, uint32_t line)
{
	finding_rule(finding, "%s:%u", list_name(id), line);
}

void finding_ran_out(struct finding *finding)
{
	const size_t len = strlen(finding->rule);

	finding->ran_out = true;
	(void)text_format(finding->rule + len, sizeof(finding->rule) - len, " ran past its limits");
}

bool finding_fail(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *format, ...)
{
	char text[REPLY_TEXT_SIZE * 2];
	va_list args;

	va_start(args, format);
	(void)text_vformat(text, sizeof(text), format, args);
	va_end(args);
	reply_set(&finding->reply, code, enhanced, "%s", text);
	if (run->service->mode[finding->check] == MODE_WARN) {
		finding->outcome = OUTCOME_WARN;
		return true;
	}
	finding->outcome = OUTCOME_FAIL;
	run->verdict->kind = code >= 500 ? VERDICT_REJECT : VERDICT_TEMPFAIL;
	return false;
}

static bool set_error(const struct settings *settings, struct verdict *verdict,
	struct finding *finding, const char *why)
{
	finding->outcome = OUTCOME_ERROR;
	reply_set(&finding->reply, 451, "4.3.0", TRY_LATER_TEXT);
	if (finding->rule[0] == '\0')
		finding_rule(finding, "%s", why);
	if (settings != NULL && settings->on_error == ON_ERROR_ACCEPT)
		return true;
	verdict->kind = VERDICT_TEMPFAIL;
	return false;
}

bool finding_error(struct check_run *run, struct finding *finding, const char *why)
{
	bool goes_on = set_error(run->settings, run->verdict, finding, why);

	if (run->service->mode[finding->check] != MODE_WARN)
		return goes_on;
	run->verdict->kind = VERDICT_CONTINUE;
	return true;
}

void check_run_end(struct check_run *run)
{
	struct verdict *verdict = run->verdict;
	struct finding *last;

	if (verdict->count < VERDICT_FINDINGS || verdict->kind != VERDICT_CONTINUE)
		return;
	last = &verdict->findings[verdict->count - 1];
	finding_rule(last, "more findings than the stage has room for");
	(void)set_error(run->settings, verdict, last, "");
}

void check_failed(const struct settings *settings, enum check check, const char *why,
	struct verdict *verdict)
{
	verdict_init(verdict);
	(void)set_error(settings, verdict, add_finding(verdict, check), why);
}
