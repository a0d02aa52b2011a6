/*
 * The status section of the SMTP sessions. It owns nothing: the counts are atomic and belong to
 * callbacks.c and to struct shared, those of threads to patient_threads.c. Runs on the server
 * thread. t/integration/test_status.py covers it.
 */
#include "milter/smtp/smtp_status.h"

#include <inttypes.h>
#include <string.h>

#include "milter/loop/clock.h"
#include "milter/smtp/callbacks.h"
#include "milter/smtp/gateway.h"
#include "milter/smtp/patient_threads.h"

#define RECENTLY_MS 60000
#define REGEXES_RECENTLY_MS 600000

/* Describe the gateway through which all sessions seem to come; null if there is none. */
static json_t *describe_gateway(struct shared *shared)
{
	struct client_gateway gateway;
	char address[CIDR_TEXT_SIZE];

	if (!gateway_find(shared, &gateway))
		return json_null();
	cidr_format(&gateway.address, address);
	return json_pack("{s:s, s:i, s:i}", "address", address, "sessions", (int)gateway.sessions,
		"of", (int)gateway.of);
}

static json_t *describe_sessions(void *context)
{
	const struct callbacks_counts counts = callbacks_count();
	const struct patient_threads threads = patient_threads_count();
	const struct verdict_counts *verdicts = shared_verdict_counts(context);
	char rule[RULE_SIZE];
	int64_t last;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "sessions",
		(json_int_t)counts.sessions, "sessions_open", (json_int_t)counts.sessions_open,
		"threads_refused", (json_int_t)threads.refused, "threads_waiting",
		(json_int_t)threads.waiting, "exempt_logins",
		(json_int_t)shared_exempt_logins(context), "hidden_messages",
		(json_int_t)shared_hidden_messages(context), "unreported_messages",
		(json_int_t)shared_unreported_messages(context), "regex_failures",
		(json_int_t)regex_failures_read(shared_regex_failures(context), &last, rule),
		"verdicts", counters_json(verdicts->stages), "findings",
		counters_json(verdicts->findings), "gateway", describe_gateway(context));
}

static void check_gateway(struct shared *shared, struct status_health *health)
{
	struct client_gateway gateway;
	char address[CIDR_TEXT_SIZE];

	if (!gateway_find(shared, &gateway))
		return;
	cidr_format(&gateway.address, address);
	status_add_problem(health,
		"Let the MTA see the clients' own addresses: give its container the host's network, "
		"or let the proxy send the PROXY protocol (smtpd_upstream_proxy_protocol). If all "
		"clients do have this address, add it to [check] exempt.",
		"%u of the last %u sessions come from the private address %s, under different "
		"names: it seems to be a gateway that hides the clients' addresses, so that "
		"lists, limits and exemptions by address do not work",
		gateway.sessions, gateway.of, address);
}

static void check_hidden(const struct shared *shared, struct status_health *health)
{
	const uint64_t hidden = shared_hidden_messages(shared);

	if (hidden > 0)
		status_add_problem(health,
			"Remove smtpd_proxy_filter from the services of Postfix with Postern's milter: "
			"use the milter of the content filter, or content_filter. Then restart postern.",
			"%" PRIu64
			" messages came from a service of the MTA that hides the content "
			"from milters, as with smtpd_proxy_filter: header_from and maxsize do not "
			"apply to them, and limits count their recipients even if the filter refuses "
			"the message",
			hidden);
}

static void check_unreported(const struct shared *shared, struct status_health *health)
{
	const uint64_t unreported = shared_unreported_messages(shared);

	if (unreported > 0)
		status_add_problem(health,
			"Let the MTA speak the current version of the milter protocol (Postfix: set "
			"milter_protocol = 6, the default). Then restart postern.",
			"%" PRIu64
			" messages ended before their content was seen, and the MTA's version of "
			"the milter protocol does not tell whether they were sent, so that limits "
			"count their recipients even if the client gave up",
			unreported);
}

static void check_regexes(const struct shared *shared, struct status_health *health)
{
	char rule[RULE_SIZE];
	int64_t last = 0;
	const uint64_t failures = regex_failures_read(shared_regex_failures(shared), &last, rule);

	if (failures > 0 && clock_ms() - last < REGEXES_RECENTLY_MS)
		status_add_problem(health,
			"If the list had just been read, nothing: its regexes become faster once they "
			"are prepared (lists: regexes). Otherwise make the regex simpler, or the list "
			"shorter; regexes that require a text of three characters cost nothing on "
			"subjects without it. This problem ends ten minutes after the last case.",
			"%" PRIu64
			" times since the start, a list or profile could not be searched within the "
			"time for regexes, so that on_error decided, or, where a match would allow, "
			"nothing matched; the last time, %s",
			failures, rule);
}

static void check_sessions(void *context, struct status_health *health)
{
	const struct patient_threads threads = patient_threads_count();

	check_gateway(context, health);
	check_hidden(context, health);
	check_unreported(context, health);
	check_regexes(context, health);
	if (threads.waiting > 0 || (threads.refused > 0 && clock_ms() - threads.last < RECENTLY_MS))
		status_add_problem(health,
			"Permit more threads (TasksMax= of the unit, ulimit -u before the init "
			"script's start, kernel.threads-max), or find out who opens so many "
			"connections.",
			"%" PRIu64 " sessions wait, because the system refuses more threads (%s); "
			"this has occurred %" PRIu64 " times since the start",
			threads.waiting, strerror(threads.error), threads.refused);
}

int smtp_status_register(struct shared *shared, struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "sessions", shared, describe_sessions, check_sessions });
}
