/*
 * Examines whether limits count recipients or messages, and whom they exempt. Owns nothing.
 * t/integration/test_doctor_limits.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "lib/store/store_read.h"

/* A message to this many recipients is usual. */
#define RECIPIENTS_USUAL 10

#define LISTED_MAX 5

/* Report a limit that a single message of usual size exceeds. Returns whether there is one. */
static bool report_small(const struct doctor *doctor, const struct profile *profile)
{
	const struct limits *limits = profile_limits(profile);
	char text[32];

	for (size_t i = 0; i < limits->len; i++) {
		const struct limit *limit = &limits->limit[i];
		struct doctor_finding *finding;

		if (limit->count == 0 || limit->count >= RECIPIENTS_USUAL)
			continue; /* a limit of 0 is the subject of users */
		limit_format(limit, text);
		finding = doctor_find(doctor, DOCTOR_ADVICE,
			"limits of the profile %s: %s counts recipients, not messages",
			profile_name(profile), text);
		doctor_effect(finding,
			"A message to more than %u recipients never reaches all of them.",
			(unsigned)limit->count);
		doctor_cure(finding,
			"If messages are meant, write \"count = messages\" in the section "
			"[limits] of %s, run posternctl reload, and bound the recipients of a "
			"message in the MTA. Otherwise raise the limit.",
			doctor->config->path);
		return true;
	}
	return false;
}

static void examine_profiles(const struct doctor *doctor)
{
	const struct store *store = doctor->store;
	size_t found = 0;

	if (store == NULL || doctor->config->settings->limit_count != COUNT_RECIPIENTS)
		return;
	for (size_t i = 0; i < profiles_count(store->profiles) && found < LISTED_MAX; i++)
		found += report_small(doctor, profiles_at(store->profiles, i)) ? 1 : 0;
}

/* Report logins from an address to which no limit applies, such as that of a webmail server. */
static void examine_exempt_logins(const struct doctor *doctor)
{
	const json_t *sessions = json_object_get(doctor->status, "sessions");
	const json_int_t count = json_integer_value(json_object_get(sessions, "exempt_logins"));
	const struct config *config = doctor->config;
	const struct rates *rates = config->settings->rates;
	struct doctor_finding *finding;
	int rate = 0;

	while (rate < RATE_COUNT && !rates_has(rates, (enum rate)rate))
		rate++;
	if (count == 0 || rate == RATE_COUNT)
		return;
	finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
		"[limit] exempt (%s): users log in from these addresses (%" JSON_INTEGER_FORMAT
		" messages since the configuration was read)",
		config->given.limit_exempt, count);
	doctor_effect(finding,
		"[limit %s] and similar limits do not apply to these logins. If the address is "
		"that of a webmail server, a stolen login can send through it without these "
		"limits.",
		rate_name((enum rate)rate));
	doctor_cure(finding,
		"In the section [limit] of %s, set \"exempt =\" to only those addresses from "
		"which nobody logs in, and run posternctl reload.",
		config->path);
}

void doctor_examine_limits(const struct doctor *doctor)
{
	const struct settings *settings = doctor->config == NULL ? NULL : doctor->config->settings;
	struct doctor_finding *finding;

	if (settings == NULL)
		return;
	examine_profiles(doctor);
	examine_exempt_logins(doctor);
	if (settings->limit_count == COUNT_MESSAGES &&
		(settings->rates == NULL || rates_max_relaying(settings->rates) == 0)) {
		finding = doctor_find(doctor, DOCTOR_ADVICE,
			"[limits] count = messages, and nothing bounds the recipients of a message");
		doctor_effect(finding,
			"A stolen login may send each message to as many recipients as the MTA "
			"accepts: 1000 with Postfix's defaults.");
		doctor_cure(finding,
			"For messages of logged-in users, set the bound max_relaying in the "
			"section [limit recipients] of %s, and run posternctl reload:",
			doctor->config->path);
		doctor_set_key(finding, doctor, "limit recipients", "max_relaying", "100");
		doctor_shell(finding, "posternctl", "-c", doctor->config->path, "reload",
			(const char *)NULL);
	}
}
