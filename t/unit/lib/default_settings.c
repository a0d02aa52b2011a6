/*
 * Default settings for the tests of what reads settings. They come from the option table, by
 * config_parse(), so that no test holds a list of defaults.
 */
#include "t/unit/lib/default_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/config.h"

struct settings *default_settings(void)
{
	static const char text[] = "[jwt]\nsecret = thirty-two bytes, as HS256 wants\n";
	const struct config *config;
	struct settings *settings;
	struct errmsg err;

	if (config_parse("default_settings", text, strlen(text), &config, &err) != 0) {
		fprintf(stderr, "default_settings: %s\n", err.text);
		abort();
	}
	settings = settings_ref(config->settings);
	config_unref(&config);
	return settings;
}
