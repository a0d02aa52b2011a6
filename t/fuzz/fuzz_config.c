/*
 * Fuzzes the reader of postern.conf. Any text gives either a configuration that is complete or an
 * error that names the file.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf/config.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char path[] = "/nonexistent/postern.conf";
	struct errmsg err = { "" };
	const struct config *config = NULL;

	if (config_parse(path, (const char *)bytes, size, &config, &err) < 0) {
		must(config == NULL && strncmp(err.text, path, strlen(path)) == 0);
		return 0;
	}
	must(err.text[0] == '\0');
	must(config->settings->service_count > 0 && config->settings->services[0].name == NULL);
	must(settings_service(config->settings, "submission") != NULL);
	must(*config->milter.socket != '\0' && *config->log.level != '\0');
	must(config_restart_needed(config, config, NULL) == 0);
	config_unref(&config);
	return 0;
}
