#ifndef POSTERN_OPTION_HINT_H
#define POSTERN_OPTION_HINT_H

#include "lib/base/errmsg.h"

/*
 * Say in err what was probably meant by a section or a key that there isn't: the one that looks
 * most like it, its place in another section, or all that there are. Return -1.
 */
int option_unknown_section(const char *section, struct errmsg *err);
int option_unknown_key(const char *section, const char *name, struct errmsg *err);

#endif
