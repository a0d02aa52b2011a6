/*
 * The status section of the SMTP sessions. It owns nothing: the counts are atomic and belong to
 * callbacks.c and to struct shared. Runs on the server thread.
 * t/integration/test_status.py covers it.
 */
#include "milter/smtp/smtp_status.h"

#include "milter/smtp/callbacks.h"

static json_t *describe_sessions(void *context)
{
	const struct callbacks_counts counts = callbacks_count();

	const struct verdict_counts *verdicts = shared_verdict_counts(context);

	return json_pack("{s:I, s:I, s:o, s:o}", "sessions", (json_int_t)counts.sessions,
		"sessions_open", (json_int_t)counts.sessions_open, "verdicts",
		counters_json(verdicts->stages), "findings", counters_json(verdicts->findings));
}

int smtp_status_register(struct shared *shared, struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "sessions", shared, describe_sessions, NULL });
}
