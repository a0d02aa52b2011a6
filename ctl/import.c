/*
 * What the steps of an import share: reading the files of Haraka's directory, and setting keys of
 * the new configuration. Owns the import. t/integration/test_import_haraka.py covers it.
 */
#include "ctl/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int import_init(struct import *import, const char *folder)
{
	*import = (struct import){ .folder = folder, .known_files = strmap_new() };
	return import_conf_init(&import->conf) < 0 || import->known_files == NULL ? -1 : 0;
}

static void wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void import_clear(struct import *import)
{
	import_report_clear(&import->report);
	import_conf_clear(&import->conf);
	strmap_free(&import->known_files);
	for (int i = 0; i < LIST_COUNT; i++)
		strbuf_free(&import->lists[i]);
	wipe(&import->password);
	wipe(&import->secret);
}

void import_know(struct import *import, const char *name)
{
	if (strmap_add(import->known_files, name, strlen(name), 0) < 0)
		import->report.failed = true;
}

/* Return the path of a file; NULL when out of memory. The caller frees it. */
static char *path_of(const struct import *import, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", import->folder, name) < 0 ? NULL : path;
}

bool import_has_file(const struct import *import, const char *name)
{
	char *path = path_of(import, name);
	struct stat st;
	const bool exists = path != NULL && lstat(path, &st) == 0;

	free(path);
	return exists;
}

enum file_result import_read(struct import *import, const char *name, uint64_t max, char **text_r,
	size_t *len_r)
{
	char *path = path_of(import, name);
	enum file_result result = FILE_MISSING;
	struct errmsg err = { "out of memory" };

	*text_r = NULL;
	*len_r = 0;
	if (path == NULL) {
		import->report.failed = true;
	} else if (import_has_file(import, name)) {
		import_know(import, name);
		result = file_read(path, max, text_r, len_r, NULL, &err);
		if (result != FILE_READ) {
			import_report_add(&import->report, IMPORT_REFUSED, name, 0,
				"it cannot be read: %s", err.text);
			result = FILE_FAILED;
		}
	}
	free(path);
	return result;
}

bool import_read_ini(struct import *import, const char *name, struct haraka_ini *ini_r)
{
	size_t len;
	char *text;
	bool is_read;

	*ini_r = (struct haraka_ini){ .arena = NULL };
	if (import_read(import, name, HARAKA_INI_MAX, &text, &len) != FILE_READ)
		return false;
	is_read = haraka_ini_parse(text, len, ini_r) == 0;
	import->report.failed |= !is_read;
	for (size_t i = 0; i < ini_r->count; i++)
		if (ini_r->entries[i].problem != NULL)
			import_report_add(&import->report, IMPORT_OTHER, name,
				ini_r->entries[i].line, "%s: %s", ini_r->entries[i].key,
				ini_r->entries[i].problem);
	free(text);
	return is_read;
}

bool import_set(struct import *import, const char *section, const char *name, const char *value,
	const char *file, unsigned line)
{
	struct errmsg err;

	if (import_conf_set(&import->conf, section, name, value, file, line, &err) < 0) {
		import_report_add(&import->report, IMPORT_REFUSED, file, line, "[%s] %s: %s",
			section, name, err.text);
		return false;
	}
	import_report_add(&import->report, IMPORT_TAKEN, file, line, "[%s] %s =%s%s", section, name,
		*value == '\0' ? "" : " ", value);
	return true;
}

void import_set_fixed(struct import *import, const char *section, const char *name,
	const char *value)
{
	struct errmsg err;

	if (import_conf_set(&import->conf, section, name, value, "", 0, &err) < 0)
		import_report_add(&import->report, IMPORT_REFUSED, "", 0, "[%s] %s: %s", section,
			name, err.text);
}
