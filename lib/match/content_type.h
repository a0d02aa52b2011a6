#ifndef POSTERN_CONTENT_TYPE_H
#define POSTERN_CONTENT_TYPE_H

#include <stdbool.h>

/*
 * Return whether every charset that the value of a Content-Type field names is known to write ASCII
 * as ASCII. Some programs decode by it the other fields of the message that are not ASCII: in UTF-7
 * or EBCDIC, they read addresses that nobody else sees. A charset in the encoding of RFC 2231
 * counts as unknown. Thread-safe.
 */
bool content_type_keeps_ascii(const char *value);

#endif
