/*
 * Makes a configuration from the text of a test, for the tests of what reads configurations. Holds
 * no state.
 */
#include "t/unit/lib/made_config.h"

#include <string.h>

#include "t/unit/unit.h"

const struct config *made_config(const char *text)
{
	struct errmsg err = { "" };
	const struct config *config = NULL;

	if (config_parse("/etc/p/p.conf", text, strlen(text), &config, &err) < 0)
		ck_abort_msg("%s", err.text);
	return config;
}
