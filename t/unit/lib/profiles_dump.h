#ifndef POSTERN_PROFILES_DUMP_H
#define POSTERN_PROFILES_DUMP_H

#include "lib/base/strbuf.h"
#include "lib/rules/profile.h"

/* Append all that a set of profiles has to the text, row by row in its order: which profile a name
 * leads to, which of some recipients each allows, and which rows are left out. */
void profiles_dump(struct strbuf *text, const struct profiles *profiles);

/* Append the number of problems of each level, and the texts that were kept, in their order. */
void problems_dump(struct strbuf *text, const struct problems *problems);

#endif
