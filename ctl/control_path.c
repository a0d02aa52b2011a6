/*
 * Finds the path of the control socket, even in a configuration that has an error. Owns nothing.
 * t/integration/test_control.py covers it.
 */
#include "ctl/control_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/print.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"
#include "lib/conf/ini.h"
#include "lib/conf/options.h"

#define CONFIG_BYTES_MAX ((uint64_t)1 << 20)

static int read_socket_key(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	char **path = context;

	(void)err;
	if (*path != NULL || entry->name == NULL || strcmp(entry->section, "control") != 0 ||
		strcmp(entry->name, "socket") != 0)
		return 0;
	ini_cut_comment(entry->value);
	*path = strdup(entry->value);
	return 0;
}

/* Make a relative path start from the configuration's directory; takes over path. */
static char *resolve_path(const char *config_path, char *path)
{
	const char *slash = strrchr(config_path, '/');
	char *whole;

	if (path == NULL || path[0] == '/' || path[0] == '\0' || slash == NULL)
		return path;
	if (asprintf(&whole, "%.*s/%s", (int)(slash - config_path), config_path, path) < 0)
		whole = NULL;
	free(path);
	return whole;
}

/* Return the path in the file, even if the file has errors, or the default; NULL when the file
 * cannot be read. */
static char *find_in_file(const char *config_path)
{
	const struct config_option *option = options_find("control", "socket");
	char *path = NULL, *text;
	struct problems *errors = problems_new(); /* the key may follow an error */
	struct errmsg ignored;
	size_t len;

	if (errors == NULL ||
		file_read(config_path, CONFIG_BYTES_MAX, &text, &len, NULL, &ignored) !=
			FILE_READ) {
		problems_free(&errors);
		return NULL;
	}
	(void)ini_read_all(config_path, text, len, read_socket_key, &path, errors, &ignored);
	problems_free(&errors);
	free(text);
	if (path == NULL && option != NULL)
		path = strdup(option->fallback);
	return resolve_path(config_path, path);
}

int control_path(const struct ctl *ctl, char **path_r, struct errmsg *err)
{
	const struct config *config;
	char *path;

	if (ctl->socket_path != NULL) {
		path = strdup(ctl->socket_path);
	} else if (config_load(ctl->config_path, &config, err) == 0) {
		path = strdup(config->control.socket);
		config_unref(&config);
	} else if ((path = find_in_file(ctl->config_path)) == NULL) {
		return EX_CONFIG;
	} else if (strcmp(ctl->command->name, "reload") != 0) { /* whose answer has the error */
		print_line(stderr, "posternctl: warning: %s", err->text);
	}
	if (path == NULL) {
		(void)errmsg_set(err, "out of memory");
		return CTL_FAILED;
	}
	*path_r = path;
	return CTL_OK;
}
