#include "milter/smtp/negotiate.h"

#include <stddef.h>

/* Whether any service looks at it, be it to warn. */
static bool any_service(const struct settings *settings, enum check check)
{
	for (size_t i = 0; i < settings->service_count; i++) {
		if (settings->services[i].mode[check] != MODE_NO)
			return true;
	}
	return false;
}

static bool any_rates(const struct settings *settings)
{
	return settings->rates != NULL && any_service(settings, CHECK_RATES);
}

static bool needs_rcpt(const struct settings *settings)
{
	return settings->rcpt_accept == ACCEPT_STRICT || any_service(settings, CHECK_RCPT) ||
		any_service(settings, CHECK_ANY) || any_rates(settings) ||
		(!settings->lists_only &&
			(any_service(settings, CHECK_RECIPIENT) ||
				any_service(settings, CHECK_LIMITS)));
}

void needs_of(const struct settings *settings, bool is_inet, struct needs *needs_r)
{
	bool any = any_service(settings, CHECK_ANY);
	bool results = settings->results_header[0] != '\0';

	*needs_r = (struct needs){
		.delay_reject = settings->delay_reject,
		.answer_connect = !settings->delay_reject &&
			(any || any_service(settings, CHECK_CONN) || any_rates(settings)),
		.answer_helo =
			!settings->delay_reject && (any || any_service(settings, CHECK_HELO)),
		.answer_rcpt = needs_rcpt(settings),
		.answer_data = is_inet,
		.headers = results || any_service(settings, CHECK_DATA) ||
			(!settings->lists_only && any_service(settings, CHECK_HEADER_FROM)),
		.results = results,
	};
}

bool needs_outgrown(const struct needs *needs, const struct settings *settings, const char *service,
	bool is_logged_in)
{
	const enum check_mode *mode = settings_service(settings, service)->mode;
	bool is_user = is_logged_in && !settings->lists_only;
	bool rcpt = mode[CHECK_RCPT] == MODE_YES || mode[CHECK_ANY] == MODE_YES ||
		(settings->rates != NULL && mode[CHECK_RATES] == MODE_YES) ||
		(is_user && (mode[CHECK_RECIPIENT] == MODE_YES || mode[CHECK_LIMITS] == MODE_YES));
	bool headers =
		mode[CHECK_DATA] == MODE_YES || (is_user && mode[CHECK_HEADER_FROM] == MODE_YES);
	bool results = settings->results_header[0] != '\0' && !needs->no_results;

	return (rcpt && !needs->answer_rcpt) || (headers && !needs->headers) ||
		(results && !needs->results);
}

bool needs_body(const struct settings *settings, const struct policy *policy)
{
	if (settings->lists_only || !any_service(settings, CHECK_SIZE))
		return false;
	if (policy == NULL)
		return true;
	return policy_parts(policy)->profiles != NULL &&
		profiles_any_maxsize(policy_parts(policy)->profiles);
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
