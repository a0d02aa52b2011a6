#ifndef POSTERN_CONTENT_TYPE_H
#define POSTERN_CONTENT_TYPE_H

#include <stdbool.h>

/*
 * Return whether every charset that the value of a Content-Type field names is known to write ASCII
 * as ASCII. Some programs decode the other fields of a message by it if they are not ASCII: in
 * UTF-7 or EBCDIC, they then read addresses that nobody else sees. A charset in the encoding of RFC
 * 2231 is not known. Thread-safe.
 */
bool content_type_keeps_ascii(const char *value);

#endif
