/*
 * The command status: prints what the daemon reports, and fails when it reports a problem or, with
 * --strict, a note. Owns nothing. t/integration/test_status.py covers it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/control_client.h"
#include "ctl/status_print.h"

int cmd_status(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	json_t *answer;
	int ret;
	const bool strict = command_has_option(ctl, argc, argv, "--strict", &ret);

	if (ret != CTL_OK)
		return ret;
	ret = control_client_once(ctl, json_pack("{s:s}", "command", "status"), &answer, &err);
	if (ret != CTL_OK)
		ret = command_fail(ret, &err);
	else if (ctl->json)
		ret = command_print_json(answer);
	else
		status_print(stdout, answer, ctl->colour);
	if (ret == CTL_OK &&
		(json_array_size(json_object_get(answer, "problems")) > 0 ||
			(strict && json_array_size(json_object_get(answer, "notes")) > 0)))
		ret = CTL_FAILED;
	json_decref(answer);
	return ret;
}
