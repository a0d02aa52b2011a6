/*
 * The command "status": renders all registered sections as JSON without depending on any of them.
 * Owns nothing; runs on the server thread. t/integration/test_status.py covers it.
 */
#include "milter/control/control_private.h"

void obey_status(struct connection *connection, const json_t *request)
{
	const struct status *status = connection->control->subject.status;
	json_t *answer = json_pack("{s:b, s:o, s:o}", "ok", 1, "problems", status_problems(status),
		"notes", status_notes(status));
	json_t *sections = status_describe(status);

	(void)request;
	if (answer != NULL && json_object_update(answer, sections) != 0) {
		json_decref(answer);
		answer = NULL; /* out of memory, for the sections too */
	}
	json_decref(sections);
	connection_answer(connection, answer);
}
