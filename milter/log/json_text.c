/*
 * Text from outside as JSON strings, for log events, the status and the control socket. Owns
 * nothing; any thread may call it.
 */
#include "milter/log/json_text.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/visible.h"

json_t *json_text(const char *text, size_t len)
{
	struct strbuf shown = STRBUF_INIT;
	json_t *value = json_stringn(text, len);

	if (value != NULL)
		return value;
	visible_add(&shown, text, len);
	if (!shown.failed)
		value = json_stringn(shown.text, shown.len);
	strbuf_free(&shown);
	return value;
}

json_t *json_text_or_null(const char *text)
{
	return text[0] == '\0' ? json_null() : json_text(text, strlen(text));
}
