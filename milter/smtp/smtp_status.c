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
#include "milter/smtp/patient_threads.h"

#define RECENTLY_MS 60000

static json_t *describe_sessions(void *context)
{
	const struct callbacks_counts counts = callbacks_count();
	const struct patient_threads threads = patient_threads_count();
	const struct verdict_counts *verdicts = shared_verdict_counts(context);

	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "sessions", (json_int_t)counts.sessions,
		"sessions_open", (json_int_t)counts.sessions_open, "threads_refused",
		(json_int_t)threads.refused, "threads_waiting", (json_int_t)threads.waiting,
		"verdicts", counters_json(verdicts->stages), "findings",
		counters_json(verdicts->findings));
}

static void check_threads(void *context, struct status_health *health)
{
	const struct patient_threads threads = patient_threads_count();

	(void)context;
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
		&(struct status_section){ "sessions", shared, describe_sessions, check_threads });
}
