/*
 * The table of all commands, and the command "log-level". Runs on the server thread.
 * t/integration/test_control.py covers it.
 */
#include "milter/control/control_commands.h"

#include "milter/control/control_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

static void log_change(const struct connection *connection, enum log_level level)
{
	struct strbuf line = STRBUF_INIT;

	quote_add(&line, "log-level", log_level_name(level));
	connection_add_user(connection, &line);
	if (!line.failed)
		log_action(LOG_LEVEL_NOTICE, line.text, line.len);
	strbuf_free(&line);
}

static void obey_log_level(struct connection *connection, const json_t *request)
{
	const json_t *value = json_object_get(request, "level");
	enum log_level level;

	if (value != NULL) {
		if (!json_is_string(value) ||
			log_level_parse(json_string_value(value), &level) != 0) {
			connection_refuse(connection,
				"\"level\" must be error, warning, notice, info or debug");
			return;
		}
		log_set_level(level);
		log_change(connection, level);
	}
	connection_answer(connection,
		json_pack("{s:b, s:s}", "ok", 1, "level", log_level_name(log_get_level())));
}

const struct control_command *control_commands(void)
{
	static const struct control_command commands[] = {
		{ "status", obey_status },
		{ "reload", obey_reload },
		{ "explain", obey_explain },
		{ "tail", obey_tail },
		{ "log-level", obey_log_level },
		{ "limits", obey_limits },
		{ "suspend", obey_suspend },
		{ "resume", obey_resume },
		{ "suspended", obey_suspended },
		{ "auth-reset", obey_auth_reset },
		{ "auth-example", obey_auth_example },
		{ NULL, NULL },
	};

	return commands;
}
