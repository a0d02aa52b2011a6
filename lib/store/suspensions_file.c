/*
 * Reads and writes the file of suspended logins, one per line. Owns a lock that orders writers; any
 * thread.
 */
#include "lib/store/suspensions_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/conf/file.h"
#include "lib/conf/file_writer.h"

#define FILE_MAX (UINT64_C(256) << 20)

static const char head[] =
	"# Suspended logins, one per line; \\xHH is a byte. The daemon writes this file.\n";

int suspensions_load(const char *path, struct suspensions *suspensions, struct errmsg *err)
{
	struct errmsg failure = { "" };
	char *text;
	size_t len, mark;
	int ret;

	if (path[0] == '\0')
		return 0;
	switch (file_read(path, FILE_MAX, &text, &len, NULL, &failure)) {
	case FILE_MISSING:
		return 0;
	case FILE_FAILED:
		return errmsg_set(err, "%s", failure.text);
	case FILE_READ:
		break;
	}
	mark = utf8_mark_len(text, len);
	ret = suspensions_read(suspensions, text + mark, len - mark, err);
	free(text);
	return ret < 0 ? errmsg_prefix(err, "%s:", path) : 0;
}

/* Rename what is in the file's place, once the new content is on the disk. Returns 1, 0 if there is
 * nothing, or -1 with err set. */
static int put_aside(struct file_writer *writer, const char *path, struct errmsg *err)
{
	return file_sync(writer, err) == 0 ? file_put_aside(path, err) : -1;
}

int suspensions_save(const char *path, struct suspensions *suspensions, bool puts_aside,
	struct errmsg *err)
{
	static pthread_mutex_t saving = PTHREAD_MUTEX_INITIALIZER;
	struct strbuf text = STRBUF_INIT;
	struct file_writer *writer = NULL;
	int ret = -1;

	if (path[0] == '\0')
		return 0;
	(void)pthread_mutex_lock(&saving); /* the last to write has read the latest state */
	strbuf_add_str(&text, head);
	suspensions_write(suspensions, &text);
	if (text.failed)
		(void)errmsg_set(err, "out of memory");
	else if ((writer = file_begin(path, err)) != NULL &&
		file_add(writer, text.text, text.len, err) == 0)
		ret = puts_aside ? put_aside(writer, path, err) : 0;
	if (ret >= 0 && file_commit(&writer, false, NULL, err) != 0)
		ret = -1;
	file_abandon(&writer);
	(void)pthread_mutex_unlock(&saving);
	strbuf_free(&text);
	return ret;
}
