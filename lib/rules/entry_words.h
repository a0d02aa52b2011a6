#ifndef POSTERN_ENTRY_WORDS_H
#define POSTERN_ENTRY_WORDS_H

#include <stdbool.h>

/*
 * The words of a line in which one entry was expected, changed in place: the text never becomes
 * longer. Part of entry_repair.c. Thread-safe.
 */

/* Keep the first of the words that resemble an entry most. Returns false if there is no other word.
 */
bool entry_words_keep_one(char *text);

/* Return whether several words of a line may be entries. */
bool entry_words_are_several(const char *text);

/* Join the words of one address or domain: "a (at) b.example", "a @ b.example", "a@b .example",
 * "a@b,example". */
void entry_words_join(char *text);

#endif
