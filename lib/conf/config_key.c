/*
 * Finds the line on which a configuration sets a key, for messages. Owns nothing; any thread may
 * call it.
 */
#include "lib/conf/config.h"
#include "lib/conf/options.h"

unsigned config_line(const struct config *config, const char *section, const char *name)
{
	const struct config_option *all;
	size_t count;

	all = options_all(&count);
	return config->lines[options_find(section, name) - all];
}

int config_key_error(const struct config *config, const char *section, const char *name,
	struct errmsg *err)
{
	const unsigned line = config_line(config, section, name);

	if (line == 0)
		return errmsg_prefix(err, "%s: [%s] %s: ", config->path, section, name);
	return errmsg_prefix(err, "%s:%u: [%s] %s: ", config->path, line, section, name);
}
