/*
 * Reads the table of the checks: their names, and which of them look at a stage. Owns nothing; any
 * thread may call it.
 */
#include "lib/rules/check_table.h"

#include "lib/rules/policy.h"

/* ---- whether a policy has rules for a check ------------------------------------ */

static bool any_policy(const struct policy_parts *parts)
{
	(void)parts;
	return true;
}

static bool limits_size(const struct policy_parts *parts)
{
	return parts->profiles == NULL || profiles_any_maxsize(parts->profiles);
}

static bool limits_rates(const struct policy_parts *parts)
{
	return parts->settings->rates != NULL;
}

/* ---- the tables ---------------------------------------------------------------- */

enum whom { EVERYBODY, USERS };

struct row {
	const char *name;
	unsigned stages;
	enum whom whom;
	bool (*has_rules)(const struct policy_parts *parts);
};

#define CHECK_ROW(unused, id, key, fallback, stages, findings, whom, rules, help) \
	[CHECK_##id] = { key, stages, whom, rules },
static const struct row checks[CHECK_COUNT] = { CHECK_TABLE(CHECK_ROW, ) };

#define STAGE_NAME(id, name, check) [STAGE_##id] = (name),
#define STAGE_CHECK(id, name, check) [STAGE_##id] = CHECK_##check,

const char *check_name(enum check check)
{
	return checks[check].name;
}

const char *stage_name(enum stage stage)
{
	static const char *const names[STAGE_COUNT] = { STAGE_TABLE(STAGE_NAME) };

	return names[stage];
}

enum check stage_check(enum stage stage)
{
	static const enum check own[STAGE_COUNT] = { STAGE_TABLE(STAGE_CHECK) };

	return own[stage];
}

/* Return whether the check, if it is on, applies to the stage of a session of a user or another
 * client. */
static bool check_applies(const struct row *check, const struct policy_parts *parts,
	enum stage stage, bool is_user)
{
	return (check->stages & (1U << stage)) != 0 && (check->whom == EVERYBODY || is_user) &&
		check->has_rules(parts);
}

bool checks_look(const struct policy_parts *parts, const struct service *service, enum stage stage,
	bool is_logged_in)
{
	bool is_user = is_logged_in && !parts->lists_only;

	for (int i = 0; i < CHECK_COUNT; i++) {
		if (service->mode[i] != MODE_NO && check_applies(&checks[i], parts, stage, is_user))
			return true;
	}
	return false;
}

bool checks_refuse(const struct policy_parts *parts, const struct service *service,
	enum stage stage, bool is_logged_in)
{
	bool is_user = is_logged_in && !parts->lists_only;

	for (int i = 0; i < CHECK_COUNT; i++) {
		if (service->mode[i] == MODE_YES &&
			check_applies(&checks[i], parts, stage, is_user))
			return true;
	}
	return false;
}
