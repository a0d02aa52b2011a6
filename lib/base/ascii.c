/*
 * Case folding of ASCII letters, independent of the locale.
 * Stateless; any thread may call it.
 */
#include "lib/base/ascii.h"

void ascii_lower_bytes(const char *text, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = ascii_lower(text[i]);
}
