/*
 * The status section of the SMTP sessions. It owns nothing: the counts are atomic and belong to
 * callbacks.c. Runs on the server thread.
 */
#include "milter/smtp/smtp_status.h"

#include "milter/smtp/callbacks.h"

static json_t *describe_sessions(void *context)
{
	const struct callbacks_counts counts = callbacks_count();

	(void)context;
	return json_pack("{s:I, s:I}", "sessions", (json_int_t)counts.sessions, "sessions_open",
		(json_int_t)counts.sessions_open);
}

int smtp_status_register(struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ .name = "sessions", .describe = describe_sessions });
}
