/*
 * The status section of file descriptors. Owns nothing: the kernel, callbacks.c and accept_delay.c
 * have the numbers. Runs on the server thread. t/integration/test_descriptors.py covers it.
 */
#include "milter/descriptor_status.h"

#include <inttypes.h>
#include <string.h>

#include "milter/loop/accept_delay.h"
#include "milter/loop/clock.h"
#include "milter/loop/descriptors.h"
#include "milter/smtp/callbacks.h"

#define RECENTLY_MS 60000

static const char remedy[] =
	"Permit more open files (LimitNOFILE= of the unit, ulimit -n before the init script's start) "
	"and restart postern, or find out who opens so many connections.";

/* At least as many descriptors are open: each session has one, and free ones may lie between open
 * ones. */
static uint64_t open_at_least(const struct descriptors *descriptors)
{
	const uint64_t sessions = callbacks_count().sessions_open;

	return sessions > descriptors->lowest ? sessions : descriptors->lowest;
}

/* Return whether less than a tenth of the descriptors for sessions is left. */
static bool is_near(const struct descriptors *descriptors)
{
	const uint64_t usable = descriptors->limit - descriptors->reserve;

	return open_at_least(descriptors) >= usable - usable / 10;
}

static json_t *describe(void *context)
{
	const struct descriptors descriptors = descriptors_look();
	const struct accept_delays delays = accept_delays();

	(void)context;
	return json_pack("{s:I, s:I, s:I, s:I}", "limit", (json_int_t)descriptors.limit, "reserve",
		(json_int_t)descriptors.reserve, "open_at_least",
		(json_int_t)open_at_least(&descriptors), "delays", (json_int_t)delays.count);
}

static void check(void *context, struct status_health *health)
{
	const struct descriptors descriptors = descriptors_look();
	const struct accept_delays delays = accept_delays();

	(void)context;
	if (delays.count > 0 && clock_ms() - delays.last < RECENTLY_MS)
		status_add_problem(health, remedy,
			"connections have to wait, because the system cannot open more (%s); this "
			"has occurred %" PRIu64 " times since the start",
			strerror(delays.error), delays.count);
	else if (is_near(&descriptors))
		status_add_note(health, remedy,
			"the limit of open files is almost reached: of %" PRIu64
			", at least %" PRIu64 " are open, and %" PRIu64
			" are a reserve for files and posternctl",
			descriptors.limit, open_at_least(&descriptors), descriptors.reserve);
}

int descriptor_status_register(struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "descriptors", NULL, describe, check });
}
