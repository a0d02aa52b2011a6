/*
 * Error messages in memory of the caller.
 * Stateless; any thread may call it.
 */
#include "lib/base/errmsg.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

int errmsg_set(struct errmsg *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	(void)text_vformat(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

int errmsg_prefix(struct errmsg *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	va_list args;
	size_t len;

	if (err == NULL)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(args, format);
	(void)text_vformat(err->text, sizeof(err->text), format, args);
	va_end(args);
	len = strlen(err->text);
	(void)text_format(err->text + len, sizeof(err->text) - len, "%s", old);
	return -1;
}
