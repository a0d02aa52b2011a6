#ifndef POSTERN_CASE_FOLD_H
#define POSTERN_CASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Write text without case, by Unicode's full case folding, as Postfix does (casefold(), ICU's
 * u_strFoldCase()) before it looks an address up: ſales, Straße and Kate become
 * sales, strasse and kate. Bytes that are not UTF-8 stay. The result may be longer than the text.
 * Returns false, with out_r undefined, when it does not fit into size bytes with the NUL that ends
 * it. Thread-safe.
 */
bool case_fold(const char *text, size_t len, char *out_r, size_t size, size_t *len_r);

#endif
