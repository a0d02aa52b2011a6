/*
 * ASCII text and the case of its letters, independent of the locale.
 * Stateless; any thread may call it.
 */
#include "lib/base/ascii.h"

void ascii_lower_bytes(const char *text, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = ascii_lower(text[i]);
}

bool ascii_is_all(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
	}
	return true;
}
