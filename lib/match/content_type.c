/*
 * Finds the charsets that Content-Type fields name, by which some programs decode other fields.
 * Stateless; any thread may call it.
 */
#include "lib/match/content_type.h"

#include <string.h>
#include <strings.h>

#include "lib/match/encoded_word.h"

/* Return whether the text behind the name of the parameter is = and a known charset, or none. */
static bool is_known(const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	if (*text++ != '=')
		return false; /* perhaps as in RFC 2231 */
	text += strspn(text, " \t\r\n\"'");
	len = strcspn(text, " \t\r\n\"';");
	return len == 0 || charset_keeps_ascii(text, len);
}

bool content_type_keeps_ascii(const char *value)
{
	static const char name[] = "charset";
	const char *text = value;

	while ((text = strcasestr(text, name)) != NULL) {
		text += sizeof(name) - 1;
		if (!is_known(text))
			return false;
	}
	return true;
}
