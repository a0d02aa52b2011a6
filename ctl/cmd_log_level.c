/*
 * The command log-level: shows or changes what the running daemon logs. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include <stdio.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "lib/base/print.h"

static void print_level(const struct ctl *ctl, json_t *answer)
{
	(void)ctl;
	print_line(stdout, "%s", json_string_value(json_object_get(answer, "level")));
}

int cmd_log_level(const struct ctl *ctl, int argc, char **argv)
{
	if (argc > 2)
		return command_usage(ctl);
	return control_client_show(ctl,
		json_pack("{s:s, s:s*}", "command", "log-level", "level",
			argc == 2 ? argv[1] : NULL),
		print_level);
}
