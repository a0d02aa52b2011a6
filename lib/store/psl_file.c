/*
 * Loads the public suffix list from a file. Only a regular file of a bounded size is read, because
 * libpsl would wait for a FIFO. Holds no state; any thread.
 */
#include "lib/store/psl_file.h"

#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/conf/file.h"

#define MAX_FILE (4 << 20) /* the list itself has 0.3 MB */

static bool is_named(const char *path)
{
	return path != NULL && path[0] != '\0';
}

int psl_file_open(const char *path, struct orgdomain **psl_r, struct errmsg *err)
{
	struct errmsg why;
	char *text;
	size_t len, mark;
	int ret;

	if (!is_named(path)) {
		if ((ret = orgdomain_default(psl_r, &why)) < 0)
			(void)errmsg_set(err, "the system's public suffix list: %s", why.text);
		return ret;
	}
	if (file_read(path, MAX_FILE, &text, &len, NULL, err) != FILE_READ)
		return -1;
	mark = utf8_mark_len(text, len);
	if ((ret = orgdomain_parse(text + mark, len - mark, psl_r, &why)) < 0)
		(void)errmsg_set(err, "%s: it is not a public suffix list: %s", path, why.text);
	free(text);
	return ret;
}

bool psl_file_has_changed(const char *path, const struct orgdomain *psl)
{
	struct errmsg err;
	bool has_changed;
	size_t len, mark;
	char *text;

	if (!is_named(path) || file_read(path, MAX_FILE, &text, &len, NULL, &err) != FILE_READ)
		return false;
	mark = utf8_mark_len(text, len);
	has_changed = !orgdomain_is_of(psl, text + mark, len - mark);
	free(text);
	return has_changed;
}

const char *psl_file_path(const char *path)
{
	return is_named(path) ? path : orgdomain_default_file();
}
