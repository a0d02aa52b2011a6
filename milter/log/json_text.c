/*
 * Text from outside as JSON strings, for log events, the status and the control socket. Owns
 * nothing; any thread may call it.
 */
#include "milter/log/json_text.h"

#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text, size_t len)
{
	json_t *value = json_stringn(text, len);
	char *copy;

	if (value != NULL || (copy = malloc(len + 1)) == NULL)
		return value;
	for (size_t i = 0; i < len; i++)
		copy[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
	value = json_stringn(copy, len);
	free(copy);
	return value;
}

json_t *json_text_or_null(const char *text)
{
	return text[0] == '\0' ? json_null() : json_text(text, strlen(text));
}
