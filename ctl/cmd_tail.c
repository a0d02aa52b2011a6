/*
 * The command tail: prints decisions as the daemon makes them. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"

static void print_field(json_t *event, const char *key, const char *label)
{
	const char *text = json_string_value(json_object_get(event, key));

	if (text == NULL)
		return;
	print_text(stdout, " %s%s", label, text);
}

static void print_time(json_t *event)
{
	const time_t when = (time_t)json_number_value(json_object_get(event, "time"));
	char text[20];
	struct tm tm;

	(void)localtime_r(&when, &tm);
	(void)strftime(text, sizeof(text), "%H:%M:%S", &tm);
	print_text(stdout, "%s", text);
}

/* "12:34:56 reject mail 192.0.2.7 a@b -> c@d: mail_from.access.blacklist:17: 550 text" */
static void print_event(const struct ctl *ctl, json_t *event)
{
	const char *verdict = json_string_value(json_object_get(event, "verdict"));
	json_t *code = json_object_get(event, "code");

	print_time(event);
	if (verdict != NULL) {
		print_text(stdout, " ");
		terminal_word(stdout, ctl->colour, terminal_verdict(verdict), verdict);
	}
	print_field(event, "stage", "");
	print_field(event, "client", "");
	print_field(event, "client_claimed", "claimed=");
	print_field(event, "login", "login=");
	print_field(event, "sender", "from=");
	print_field(event, "recipient", "to=");
	print_field(event, "queue", "queue=");
	print_field(event, "rule", "rule=");
	if (code != NULL) {
		terminal_paint(stdout, ctl->colour, TERMINAL_DIM);
		print_text(stdout, " %lld", (long long)json_integer_value(code));
		print_field(event, "text", "");
		terminal_paint(stdout, ctl->colour, TERMINAL_OFF);
	}
	print_end(stdout);
}

static void print_received(const struct ctl *ctl, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	json_t *dropped = json_object_get(event, "dropped");

	if (ctl->json && event != NULL)
		(void)terminal_json(stdout, event, JSON_COMPACT);
	else if (dropped != NULL)
		print_line(stdout, "... %lld line%s lost ...",
			(long long)json_integer_value(dropped),
			command_s((long long)json_integer_value(dropped)));
	else if (event != NULL)
		print_event(ctl, event);
	json_decref(event);
}

/* Run until the daemon ends, standard output is closed, or a signal arrives. */
int cmd_tail(const struct ctl *ctl, int argc, char **argv)
{
	struct control_client *client = NULL;
	struct errmsg err;
	json_t *answer = NULL;
	const char *line;
	int ret = command_no_arguments(ctl, argc, argv);

	if (ret != CTL_OK)
		return ret;
	if ((ret = control_client_open(ctl, &client, &err)) == CTL_OK)
		ret = control_client_ask(client, json_pack("{s:s}", "command", "tail"), &answer,
			&err);
	json_decref(answer);
	if (ret != CTL_OK) {
		control_client_close(&client);
		return command_fail(ret, &err);
	}
	while ((line = control_client_next_line(client)) != NULL) {
		print_received(ctl, line);
		if (fflush(stdout) != 0)
			break;
	}
	control_client_close(&client);
	if (line != NULL)
		return CTL_OK; /* standard output was closed */
	(void)errmsg_set(&err, "the daemon closed the connection");
	return command_fail(CTL_UNREACHABLE, &err);
}
