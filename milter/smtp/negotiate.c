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

static bool needs_rcpt(const struct policy_parts *parts)
{
	const struct settings *settings = parts->settings;

	return settings->rcpt_accept == ACCEPT_STRICT || any_service(settings, CHECK_RCPT) ||
		any_service(settings, CHECK_ANY) || any_rates(settings) ||
		(!parts->lists_only &&
			(any_service(settings, CHECK_RECIPIENT) ||
				any_service(settings, CHECK_LIMITS)));
}

bool needs_body(const struct policy_parts *parts)
{
	if (parts->lists_only || !any_service(parts->settings, CHECK_SIZE))
		return false;
	return parts->profiles == NULL || profiles_any_maxsize(parts->profiles);
}

void needs_of(const struct policy_parts *parts, bool is_inet, struct needs *needs_r)
{
	const struct settings *settings = parts->settings;
	bool any = any_service(settings, CHECK_ANY);
	bool results = settings->results_header[0] != '\0';
	bool body = needs_body(parts);

	*needs_r = (struct needs){
		.delay_reject = settings->delay_reject,
		.answer_connect = !settings->delay_reject &&
			(any || any_service(settings, CHECK_CONN) || any_rates(settings)),
		.answer_helo =
			!settings->delay_reject && (any || any_service(settings, CHECK_HELO)),
		.answer_rcpt = needs_rcpt(parts),
		.answer_data = is_inet,
		.headers = body || results || any_service(settings, CHECK_DATA) ||
			(!parts->lists_only && any_service(settings, CHECK_HEADER_FROM)),
		.body = body,
		.results = results,
	};
}

bool needs_outgrown(const struct needs *needs, const struct policy_parts *parts,
	const char *service, bool is_logged_in)
{
	const struct settings *settings = parts->settings;
	const enum check_mode *mode = settings_service(settings, service)->mode;
	bool is_user = is_logged_in && !parts->lists_only;
	bool rcpt = mode[CHECK_RCPT] == MODE_YES || mode[CHECK_ANY] == MODE_YES ||
		(settings->rates != NULL && mode[CHECK_RATES] == MODE_YES) ||
		(is_user && (mode[CHECK_RECIPIENT] == MODE_YES || mode[CHECK_LIMITS] == MODE_YES));
	bool headers =
		mode[CHECK_DATA] == MODE_YES || (is_user && mode[CHECK_HEADER_FROM] == MODE_YES);
	bool results = settings->results_header[0] != '\0' && !needs->no_results;

	return (rcpt && !needs->answer_rcpt) || (headers && !needs->headers) ||
		(results && !needs->results);
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
