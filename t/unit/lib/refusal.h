#ifndef POSTERN_REFUSAL_H
#define POSTERN_REFUSAL_H

#include "lib/base/errmsg.h"

/* Fail the test unless err contains the reason, and ends in "; write RIGHT" or, if right is "",
 * proposes nothing. */
void assert_refusal(const struct errmsg *err, const char *reason, const char *right);

#endif
