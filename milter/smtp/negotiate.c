/*
 * Derives the events and answers that a connection needs from the checks of a policy. Owns nothing;
 * any thread may call it.
 */
#include "milter/smtp/negotiate.h"

#include <stddef.h>

/* Return whether a check of any service looks at the stage. */
static bool is_looked_at(const struct policy_parts *parts, enum stage stage)
{
	const struct settings *settings = parts->settings;

	for (size_t i = 0; i < settings->service_count; i++) {
		if (checks_look(parts, &settings->services[i], stage, true))
			return true;
	}
	return false;
}

void needs_of(const struct policy_parts *parts, bool is_inet, struct needs *needs_r)
{
	const struct settings *settings = parts->settings;
	bool results = settings->results_header[0] != '\0';
	bool body = is_looked_at(parts, STAGE_BODY);
	bool rcpt = is_looked_at(parts, STAGE_RCPT);

	*needs_r = (struct needs){
		.delay_reject = settings->delay_reject,
		.answer_connect = !settings->delay_reject && is_looked_at(parts, STAGE_CONNECT),
		.answer_helo = !settings->delay_reject && is_looked_at(parts, STAGE_HELO),
		.answer_rcpt = rcpt,
		.answer_data = is_inet || rcpt,
		.headers = body || results || is_looked_at(parts, STAGE_HEADER),
		.body = body,
		.results = results,
	};
}

bool needs_outgrown(const struct needs *needs, const struct policy_parts *parts,
	const char *service_name, bool is_logged_in)
{
	const struct settings *settings = parts->settings;
	const struct service *service = settings_service(settings, service_name);
	bool results = settings->results_header[0] != '\0' && !needs->no_results;

	return (results && !needs->results) ||
		(!needs->answer_rcpt && checks_refuse(parts, service, STAGE_RCPT, is_logged_in)) ||
		(!needs->headers && checks_refuse(parts, service, STAGE_HEADER, is_logged_in));
}

void needs_of_stranger(const struct settings *settings, struct needs *needs_r)
{
	*needs_r = (struct needs){
		.delay_reject = settings->delay_reject,
		.answer_connect = true,
		.answer_helo = true,
		.answer_rcpt = true,
		.answer_data = true,
		.answer_eoh = true,
		.headers = true,
		.body = true,
		.no_results = true,
	};
}
